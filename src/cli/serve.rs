//! What `serve`, `keys` and `audit` take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::flags::{flag, flags};
use super::{ChatFlags, RerankFlags, TapeFlags, TraceFlags};

/// Answer many callers over HTTP, as an `OpenAI` server does
///
/// Clients of `OpenAI` work unchanged: POST /v1/chat/completions answers with checked citations, GET
/// /v1/models lists the collections. docent's own requests are POST /v1/docent/search and
/// /v1/docent/query, with the JSON of the commands. In a browser, / is a page that asks, shows its
/// sources and opens them. Without keys it listens on this machine only;
/// `docent keys create NAME` makes one. SIGTERM or Ctrl-C ends it when the answers under way have
/// ended. The first line on stdout says where it listens, as JSON.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Listen elsewhere than on this machine without keys: whoever reaches it may do everything
    #[arg(long)]
    pub no_auth: bool,
    /// Keep the collection in line with these files and directories while it is served; without PATH,
    /// each collection with what it was made from
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
    pub tape: TapeFlags,
}

/// Where, what and to whom.
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

/// How much.
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

/// Make, list and revoke the keys of those who ask `docent serve`
///
/// The file of keys has no secrets, only hashes. A server that runs reads it again when it changes.
#[derive(Args, Debug)]
#[command(arg = flag("serve.keys").global(true))]
pub struct KeysArgs {
    #[command(subcommand)]
    pub command: KeysCommand,
}

#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Make a key, and print it: it is not shown again
    Create {
        /// What the key is called in the file, in lists and in the log
        name: String,
        #[command(flatten)]
        new: NewKeyFlags,
    },
    /// List the keys, and what each may do
    List,
    /// Take a key out: it opens nothing any more
    Revoke {
        /// As `docent keys list` shows it
        name: String,
    },
    /// Give a key another secret, and print it; the old one opens nothing any more
    Rotate {
        /// As `docent keys list` shows it
        name: String,
    },
}

/// What a new key may do.
#[derive(Args, Debug, Default, Clone)]
pub struct NewKeyFlags {
    /// What it may be used for (repeatable) [default: search and answer]
    #[arg(long = "right", value_enum, value_name = "RIGHT")]
    pub rights: Vec<RightName>,
    /// Only this collection (repeatable) [default: all that are served]
    #[arg(long = "only", value_name = "COLLECTION")]
    pub collections: Vec<String>,
    /// Only documents with this path, below this directory or matching this glob (repeatable)
    #[arg(long = "source", value_name = "GLOB", id = "key_source")]
    pub sources: Vec<String>,
    /// Only documents with this tag (repeatable: all must be there)
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
    /// The same a month
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub cost_per_month: Option<f64>,
    /// When it ends: 30d, 12h, 2030-01-31, or a time as RFC 3339 writes it [default: never]
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

/// Show and check the log of changes, or that of `docent serve --audit`
///
/// Two files of the same making. changes.jsonl in the data directory has two lines for every change of a collection,
/// whichever command makes it: who, what, when, which versions. The file of `docent serve --audit` has a line for every
/// request. Without a FILE it is the former.
#[derive(Args, Debug)]
pub struct AuditArgs {
    #[command(subcommand)]
    pub command: AuditCommand,
}

#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Read every line, and say whether all are there as they were written; exits with 1 where not
    ///
    /// What the server moved aside before, FILE.NUMBER.jsonl, is read with it, and FILE.head, which says
    /// where the end is. A notice by which the server says that lines were lost (its file was removed,
    /// replaced or cut off) is a finding, too, until --known-until says that somebody looked into it.
    Verify {
        /// As `docent serve --audit` named it [default: changes.jsonl of the data directory]
        file: Option<PathBuf>,
        /// Notices up to the line of this number were looked into: they are shown, and are no finding
        #[arg(long, value_name = "NUMBER", default_value = "0", hide_default_value = true)]
        known_until: u64,
    },
    /// Show the lines, the oldest first
    ///
    /// With what the server moved aside before. Whether they are as they were written is what verify
    /// says.
    List {
        /// As `docent serve --audit` named it [default: changes.jsonl of the data directory]
        file: Option<PathBuf>,
        /// So many of the last
        #[arg(long, value_name = "COUNT")]
        last: Option<usize>,
        /// What the server wrote of the audit itself: that lines were lost
        #[arg(long)]
        notices: bool,
    },
}

/// Of money.
fn amount(text: &str) -> Result<f64, String> {
    let amount: Option<f64> = text.parse().ok();
    amount
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .ok_or_else(|| "it is not an amount, such as 2.50".to_owned())
}
