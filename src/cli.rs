//! The command line: every clap struct. No logic.
//!
//! A flag that sets a setting is defined by its row in [`crate::settings::KEYS`], and listed here by the
//! commands that take it, under the name of the setting. Fields are for all other flags.

mod ask;
mod eval;
mod flags;
mod ingest;
mod mcp;
mod models;
mod purge;
mod schema;
mod serve;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Arg, Args, Parser, Subcommand, ValueEnum};

pub use ask::{
    AnswerFlags, BatchFlags, ChatArgs, ChatFlags, ExplainArgs, ExplainModel, HistoryFlag,
    PassageFlags, PromptFlags, QueryArgs, RecordingFlags, RerankFlags, RetrievalFlags, SearchArgs,
    SearchModel, TraceFlags, WordingFlags,
};
pub use eval::{CorpusFlags, EvalArgs, EvalCommand, EvalInitArgs, GateFlags, ReportFile, RunFlags};
pub use flags::typed_settings;
use flags::{flag_as, flags};
pub use ingest::{HowIngested, IngestArgs, IngestFlags, WebFlags};
pub use mcp::{InstallArgs, McpArgs, McpClient, McpCollections, McpCommand};
pub use models::{ModelsArgs, ModelsCommand};
pub use purge::PurgeArgs;
pub use schema::{SchemaArgs, SchemaName};
pub use serve::{
    AuditArgs, AuditCommand, KeysArgs, KeysCommand, NewKeyFlags, RightName, ServeArgs,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    ran, and the outcome is negative: nothing retrieved, no answer, a gate not met
  2    wrong usage
  3    configuration or credentials
  4    a backend is unreachable or failing
  5    partial: some sources failed or a limit was reached, the rest is stored
  130  interrupted; what was committed stays committed";

/// Answer questions from your documents, with citations that were checked
///
/// docent ingests documents into Qdrant (embedded, or a server), retrieves passages, and streams an answer
/// that cites them. It needs no key, no server and no download to start with.
///
/// A project's docent.toml may set hosts, models, paths and limits only after you have trusted it, as it is
/// now, with `docent config trust`. In a pipeline, run that command before the others.
#[derive(Parser, Debug)]
#[command(name = "docent", version, max_term_width = 100, after_help = EXIT_CODES, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Flags every command takes.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    #[command(flatten)]
    pub place: PlaceFlags,
    /// Output format; json and jsonl also turn errors on stderr into JSON
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help = "Output format: text, json or jsonl"
    )]
    pub format: Format,
    /// When to use colour, hyperlinks and progress bars: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: When,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Also print what is used, what became of each document, and how long it took
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Flags for the collection, the store and the models.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "collection",
    "tenant",
    "data_dir",
    "wait",
    "qdrant.url",
    "embedder",
    "hub.no_download",
    "openai.base_url",
]).map(|flag| flag.global(true)))]
pub struct PlaceFlags;

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    #[default]
    Text,
    /// One object at the end.
    Json,
    /// One object a line, as things happen.
    Jsonl,
    /// Test results in XML, as CI systems read them; for `eval` only.
    Junit,
    /// For `eval` only.
    Markdown,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Ingest(IngestArgs),
    Search(SearchArgs),
    Query(QueryArgs),
    Chat(ChatArgs),
    Explain(ExplainArgs),
    Eval(Box<EvalArgs>),
    Serve(ServeArgs),
    Mcp(McpArgs),
    Keys(KeysArgs),
    Audit(AuditArgs),
    Trace(TraceArgs),
    Show(ShowArgs),
    Status(StatusArgs),
    Doctor(DoctorArgs),
    Index(IndexArgs),
    Models(ModelsArgs),
    Purge(PurgeArgs),
    Config(ConfigArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
}

/// Show where answers came from, as recorded by `--trace`
#[derive(Args, Debug)]
pub struct TraceArgs {
    #[command(subcommand)]
    pub command: TraceCommand,
}

#[derive(Subcommand, Debug)]
pub enum TraceCommand {
    /// Print the record of an answer
    #[command(arg = records())]
    Show {
        /// Id of the answer, or the first characters of it [default: the last answer]
        id: Option<String>,
    },
    /// List the answers that have a record, oldest first
    #[command(arg = records())]
    List,
}

fn records() -> Arg {
    flag_as("trace.path", "File or directory with the records [default: what `DOCENT_TRACE` names]")
}

/// Show what is stored of a document, chunk by chunk
///
/// Lists the chunks of a document in the order of its text, each with its place, headings and tokens.
/// Chunks are what is searched, cited and sent to a chat model. Warns if the file has changed since it was
/// ingested, or if its last version could not be read. Exits with 1 if nothing is stored of the document,
/// or nothing at that place.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A document, by its stored name or its path from here, or a place in it as citations write it:
    /// `PATH`, `URL`, `PATH:L10-L24`, `PATH#page=3`
    #[arg(value_name = "SOURCE")]
    pub source: String,
}

/// Show what is stored, and how it was built
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// List every document
    #[arg(long)]
    pub documents: bool,
    /// Read everything that is stored, and list the documents whose text looks broken
    #[arg(long)]
    pub quality: bool,
}

/// Check that the configured store, models and endpoints work
///
/// Also looks for an Ollama or a Qdrant that runs on this machine, and says how to use it.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Estimate the disk and memory that a collection of this many chunks takes, and say which store suits
    /// it; nothing is checked
    #[arg(long, value_name = "CHUNKS", value_parser = chunks)]
    pub size: Option<u64>,
    #[command(flatten)]
    pub rerank: RerankFlags,
}

/// Manage a collection as a whole: integrity, versions, copies, export and import
///
/// A collection has versions, and the live one is what is searched. `docent ingest --new-version` builds
/// another one beside it; a switch takes effect at once, and can be undone. The files of an embedded
/// collection can be verified and repaired; a Qdrant server looks after its own. A collection on a server
/// can be adopted by this project. A collection in either store can be exported to one file, and imported
/// into either store.
#[derive(Args, Debug)]
pub struct IndexArgs {
    #[command(subcommand)]
    pub command: IndexCommand,
}

/// A version as it is typed: `7`, `v7` or `NAME@v7`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionName {
    pub collection: Option<String>,
    pub number: u32,
}

impl FromStr for VersionName {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let (collection, number) = match typed.rsplit_once("@v") {
            Some((collection, number)) => (Some(collection.to_owned()), number),
            None => (None, typed.strip_prefix('v').unwrap_or(typed)),
        };
        let number = number.parse().ok().filter(|number| *number > 0);
        number.map(|number| Self { collection, number }).ok_or_else(|| {
            "a version is a number from 1, as `docent index list` shows it".to_owned()
        })
    }
}

/// `50M` chunks, `200k`, `1.5G` or `60000`.
fn chunks(typed: &str) -> Result<u64, String> {
    let split = typed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(typed.len());
    let (number, unit) = typed.split_at(split);
    let factor = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "m" | "M" => 1e6,
        "g" | "G" | "b" | "B" => 1e9,
        _ => 0.0,
    };
    let chunks = number.parse::<f64>().ok().map(|number| number * factor);
    let chunks = chunks.filter(|chunks| (1.0..=1e15).contains(chunks));
    chunks
        .map(|chunks| chunks as u64)
        .ok_or_else(|| "expected a number of chunks, such as 60000, 200k, 50M or 1.5G".to_owned())
}

#[derive(Subcommand, Debug)]
pub enum IndexCommand {
    /// Read everything that is stored, and report what is damaged
    Verify,
    /// Make the newest intact version the live one, if the pointer to the live version is damaged
    Repair,
    /// List the versions of the collection
    List,
    /// Show a version: what it was built with, and what is in it
    Show {
        /// Number of the version, as `index list` shows it [default: the live one]
        #[arg(value_name = "V")]
        version: Option<VersionName>,
    },
    /// List what happened to the versions, newest first: when, by which command, and with which figures
    Log,
    /// Show what differs between two versions: settings, documents, chunks
    Diff {
        /// Number of a version, as `index list` shows it
        #[arg(value_name = "A")]
        before: VersionName,
        /// Number of the other version
        #[arg(value_name = "B")]
        after: VersionName,
    },
    /// Make a version the live one, at once; the version that was live is kept
    Use {
        /// Number of the version, as `index list` shows it
        #[arg(value_name = "V")]
        version: VersionName,
    },
    /// Make the version that was live before the live one again
    Rollback,
    /// Remove a version that is not the live one
    Drop {
        /// Number of the version, as `index list` shows it
        #[arg(value_name = "V")]
        version: VersionName,
    },
    /// Remove former versions, those that were live longest ago first, and candidates
    Prune {
        /// How many former versions to keep [default: setting `index.keep`]
        #[arg(long, value_name = "N")]
        keep: Option<usize>,
    },
    /// Print a key under which a pipeline can cache the index: it changes with what an index is built with
    /// (embedder, chunks, language, collection, format of this version of docent), and not with the
    /// documents
    Key,
    /// Copy the embedded collection to the configured Qdrant server: only what differs is sent, and nothing
    /// is embedded again
    Push {
        /// Fill another version there, and replace what is there with it
        #[arg(long)]
        replace: bool,
    },
    /// Copy the collection from the configured Qdrant server into the data directory, the reverse of `push`
    Pull {
        /// Fill another version here, and replace what is here with it
        #[arg(long)]
        replace: bool,
    },
    /// Make this project the owner of a collection on a Qdrant server: one that was created before
    /// collections had owners, or one that was recovered from a snapshot and has lost its name. Nothing is
    /// removed
    Adopt {
        /// Take it over from this project, which can no longer write it afterwards
        #[arg(long, value_name = "PROJECT", id = "from_project")]
        from: Option<String>,
    },
    /// Write the collection to one file, with its vectors. To import it, another machine or server needs
    /// neither the sources nor a key
    Export {
        /// File to write; it appears when it is complete, and replaces an existing one. `-` is standard
        /// output
        file: PathBuf,
    },
    /// Make a collection from a file that `docent index export` wrote
    ///
    /// The file is checked before anything is written, and the collection becomes visible when it is
    /// complete. An import that was killed starts over the next time.
    #[command(args = ingest::layout())]
    Import {
        /// File to read; `-` is standard input
        file: PathBuf,
        /// Replace the collection that is there, in one step
        #[arg(long)]
        replace: bool,
    },
}

/// Show the settings and where they come from
#[derive(Args, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print every setting, its value and where the value came from; secrets are masked
    Show {
        /// Only these settings, such as `embedder`, or these groups of settings, such as `chat`
        #[arg(value_name = "SETTING", id = "shown_settings")]
        settings: Vec<String>,
    },
    /// Trust the project's docent.toml, as it is now, to set what only you may set: hosts, models, paths
    /// and limits
    Trust,
}

/// Print shell completions or the man page
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
    /// Man pages (roff), one after another
    Man,
}
