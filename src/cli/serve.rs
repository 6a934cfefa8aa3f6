//! What `serve`, `keys` and `audit` take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::flags::{flag, flags};
use super::{ChatFlags, RecordingFlags, RerankFlags, TraceFlags};

/// Answer questions over HTTP, with an `OpenAI`-compatible API
///
/// Clients of `OpenAI` work unchanged: POST /v1/chat/completions answers with checked citations, GET
/// /v1/models lists the collections. docent's own requests are POST /v1/docent/search and
/// /v1/docent/query, with the JSON of the commands. In a browser, / is a page to ask questions, and to
/// see and open the sources of answers. Without keys it listens on this machine only; `docent keys
/// create NAME` creates a key. SIGTERM or Ctrl-C ends the server after the answers under way. The first
/// line on stdout says where it listens, as JSON.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Listen beyond this machine without keys: anyone who reaches the server may do everything
    #[arg(long)]
    pub no_auth: bool,
    /// Update the collection while it is served, whenever these files and directories change;
    /// without PATH, each collection from what it was made from
    #[arg(long, value_name = "PATH", num_args = 0..)]
    pub watch: Option<Vec<String>>,
    #[command(flatten)]
    pub place: ListenFlags,
    #[command(flatten)]
    pub limits: LimitFlags,
    #[command(flatten)]
    pub passages: super::PassageFlags,
    #[command(flatten)]
    pub wording: super::WordingFlags,
    #[command(flatten)]
    pub rerank: RerankFlags,
    #[command(flatten)]
    pub chat: ChatFlags,
    #[command(flatten)]
    pub trace: TraceFlags,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

/// Where the server listens, what it serves, and to whom.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "serve.listen",
    "serve.collections",
    "serve.keys",
    "serve.tls_cert",
    "serve.tls_key",
    "serve.usage",
    "serve.public_url",
    "serve.ui",
    "serve.link_expiry",
    "serve.allow_host",
    "serve.allow_origin",
    "serve.ingest",
    "serve.fallback",
    "serve.audit",
    "serve.audit_content",
    "serve.drift_baseline",
]))]
pub struct ListenFlags;

/// Limits of the server.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Limits", args = flags(&[
    "serve.max_connections",
    "serve.max_questions",
    "serve.queue",
    "serve.queue_wait",
    "serve.timeout",
    "serve.header_timeout",
    "serve.slow_client",
    "serve.body_limit",
    "serve.cache",
    "serve.upload_limit",
    "serve.drain",
    "serve.chat_idle",
]))]
pub struct LimitFlags;

/// Create, list and revoke the keys of callers of `docent serve`
///
/// The file of keys has no secrets, only hashes. A running server reads it again when it changes.
#[derive(Args, Debug)]
#[command(arg = flag("serve.keys").global(true))]
pub struct KeysArgs {
    #[command(subcommand)]
    pub command: KeysCommand,
}

#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Create a key and print it; it is not shown again
    Create {
        /// What the key is called in the file, in lists and in the log
        name: String,
        #[command(flatten)]
        new: NewKeyFlags,
    },
    /// List the keys, and what each may do
    List,
    /// Revoke a key: it is refused from now on
    Revoke {
        /// Name of the key, as `docent keys list` shows it
        name: String,
    },
    /// Give a key a new secret and print it; the old secret is refused from now on
    Rotate {
        /// Name of the key, as `docent keys list` shows it
        name: String,
    },
}

/// What a new key may do.
#[derive(Args, Debug, Default, Clone)]
pub struct NewKeyFlags {
    /// What the key may be used for (repeatable) [default: search and answer]
    #[arg(long = "right", value_enum, value_name = "RIGHT")]
    pub rights: Vec<RightName>,
    /// Only this collection (repeatable) [default: all that are served]
    #[arg(long = "only", value_name = "COLLECTION")]
    pub collections: Vec<String>,
    /// Only documents with this path, below this directory or matching this glob (repeatable)
    #[arg(long = "source", value_name = "GLOB", id = "key_source")]
    pub sources: Vec<String>,
    /// Only documents with this tag (repeatable: documents must have all of them)
    #[arg(long = "tag", value_name = "TAG", id = "key_tag")]
    pub tags: Vec<String>,
    /// Requests a minute, at most
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<std::num::NonZeroU32>,
    /// Tokens of chat models a minute, sent and generated, at most
    #[arg(long, value_name = "N")]
    pub tokens_per_minute: Option<std::num::NonZeroU32>,
    /// Questions at a time, at most
    #[arg(long, value_name = "N")]
    pub questions_at_a_time: Option<std::num::NonZeroU32>,
    /// What its answers may cost a day (UTC), in the currency of the prices
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub cost_per_day: Option<f64>,
    /// What its answers may cost a month (UTC), in the currency of the prices
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub cost_per_month: Option<f64>,
    /// When it expires: 30d, 12h, 2030-01-31, or an RFC 3339 time [default: never]
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum RightName {
    /// Passages, models, what is stored
    Search,
    /// Answers by the chat model
    Answer,
    /// Changing a collection
    Ingest,
    /// What concerns all callers
    Admin,
}

/// Show and verify the log of changes, or the log of `docent serve --audit`
///
/// Both logs have the same format. changes.jsonl in the data directory has two lines for every change
/// of a collection, whichever command makes it: who, what, when, which versions. The file of `docent
/// serve --audit` has a line for every request. Without a FILE, changes.jsonl is read.
#[derive(Args, Debug)]
pub struct AuditArgs {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Check that no line was changed or removed; exits with 1 if one was
    ///
    /// Also reads the older parts that the server moved aside, FILE.NUMBER.jsonl, and FILE.head,
    /// which says where the log ends. The server writes a notice when lines were lost because its
    /// file was removed, replaced or cut off. A notice is a finding, too, until --known-until says
    /// that somebody looked into it.
    Verify {
        /// The file of `docent serve --audit` [default: changes.jsonl of the data directory]
        file: Option<PathBuf>,
        /// Notices up to the line of this number were looked into: they are shown, but are not
        /// findings
        #[arg(long, value_name = "NUMBER", default_value = "0", hide_default_value = true)]
        known_until: u64,
    },
    /// Show the lines, oldest first
    ///
    /// Includes the older parts that the server moved aside. Nothing is checked: `docent audit
    /// verify` does that.
    List {
        /// The file of `docent serve --audit` [default: changes.jsonl of the data directory]
        file: Option<PathBuf>,
        /// Only the last COUNT lines
        #[arg(long, value_name = "COUNT")]
        last: Option<usize>,
        /// Only the server's notices that lines were lost
        #[arg(long)]
        notices: bool,
    },
}

/// Parses an amount of money.
fn amount(text: &str) -> Result<f64, String> {
    let amount: Option<f64> = text.parse().ok();
    amount
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .ok_or_else(|| "expected an amount, such as 2.50".to_owned())
}
