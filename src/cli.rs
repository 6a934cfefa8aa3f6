//! What can be typed: every clap struct. No logic.
//!
//! A flag that sets a setting is defined by its row in [`crate::settings::KEYS`], and listed here by the
//! commands that take it, under the name of the setting. Fields are for all other flags.

mod eval;
mod flags;
mod serve;

use std::path::PathBuf;

use clap::{Arg, Args, Parser, Subcommand, ValueEnum};

pub use eval::{CorpusFlags, EvalArgs, EvalCommand, EvalInitArgs, GateFlags, RunFlags};
pub use flags::typed_settings;
use flags::{flag, flag_as, flags};
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
/// docent ingests documents into Qdrant (embedded, or a server), retrieves passages, and streams an
/// answer that cites them. It needs no key, no server and no download to start with.
///
/// A docent.toml may choose hosts, models, paths and limits once it is trusted, as it is, by the user
/// who runs docent: `docent config trust`. In a pipeline, too, that is a step before the others.
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
    /// Also say what is used, what each document gave, and how long it took
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// Which collection, and where; which models.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "collection",
    "data_dir",
    "wait",
    "qdrant.url",
    "embedder",
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
    /// Of `eval` only: test results in XML, as CI systems read them.
    Junit,
    /// Of `eval` only.
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
    Keys(KeysArgs),
    Audit(AuditArgs),
    Trace(TraceArgs),
    Show(ShowArgs),
    Status(StatusArgs),
    Doctor(DoctorArgs),
    Index(IndexArgs),
    Config(ConfigArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
}

/// Bring a collection in line with its sources
///
/// Discovers files, extracts their text, chunks and embeds it, and stores it in Qdrant. A file that
/// did not change costs nothing; one that changed is replaced; one that is gone disappears.
/// Read are PDF, DOCX, PPTX, XLSX, ODT, ODP, ODS, RTF, HTML, EPUB, mails, Markdown (`.md`), `.rst`,
/// `.adoc`, XML, subtitles, calendars, contacts, JSON, CSV, notebooks, source code, text, and scanned pages and pictures
/// (PNG, JPEG, TIFF, WebP, GIF, BMP); README.md has a table of them.
/// Files ignored by .gitignore or .docentignore, hidden files and binary files are skipped; so are
/// .env, key and credentials files that are not named themselves. A URL is a page, or a sitemap,
/// which stands for the pages it lists. A run that was cut off is completed by the next one.
/// Without a PATH, what lies outside of the project and pages of the web are read again where they
/// were named here before, pages also where docent.toml is trusted. In a pipeline, name them, or run
/// `docent config trust` first.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct IngestArgs {
    /// Files, directories, globs or URLs; `-` reads standard input [default: what earlier runs
    /// named]
    #[arg(value_name = "PATH|GLOB|URL|-")]
    pub paths: Vec<String>,
    /// Print what would be done, with chunks and tokens to embed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Exit with 1 when there is anything to do, and do nothing
    #[arg(long, conflicts_with = "rebuild")]
    pub check: bool,
    /// Stay, and sync again whenever a file changes. Not for URLs and standard input. Ctrl-C ends
    /// it, with exit code 130
    #[arg(long, conflicts_with_all = ["dry_run", "check", "rebuild", "retry_failed"])]
    pub watch: bool,
    /// Look at these PATHs or URLs no more, and delete what was brought in from them; nothing is
    /// brought in
    #[arg(long, requires = "paths", conflicts_with_all = ["watch", "rebuild", "retry_failed"])]
    pub forget: bool,
    #[command(flatten)]
    pub ingest: IngestFlags,
    /// Name of the document read from standard input
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    pub source: String,
    #[command(flatten)]
    pub web: WebFlags,
    #[command(flatten)]
    pub tape: TapeFlags,
}

/// What `ingest` and `query --from` share.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "ingest.max_file_size",
    "ingest.on_secret",
    "ingest.ocr",
    "ingest.comments",
    "ingest.pdf_password",
    "chunk.tokens",
    "chunk.overlap",
    "sparse.language",
    "embedding.concurrency",
    "embedding.rpm",
    "embedding.tpm",
    "ingest.max_cost",
    "ingest.deadline",
    "qdrant.shard_number",
    "qdrant.replication_factor",
]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct IngestFlags {
    /// Only files that match this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// No files that match this glob (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Also hidden files and directories
    #[arg(long)]
    pub hidden: bool,
    /// Tag the documents, as KEY=VALUE or a word (repeatable)
    #[arg(long = "tag", value_name = "TAG", id = "ingest_tag")]
    pub tags: Vec<String>,
    /// Field of JSON, CSV and spreadsheet records that is their text; `*` for all (repeatable)
    #[arg(long = "text-field", value_name = "NAME")]
    pub text_fields: Vec<String>,
    /// Compare the content of every file, whatever its size and modification time say
    #[arg(long)]
    pub checksum: bool,
    /// Take up only what failed before, whether it changed or not
    #[arg(long)]
    pub retry_failed: bool,
    /// End the run with the first source that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Build the collection anew beside the old one, with the settings of now, and swap when complete
    #[arg(long, conflicts_with = "retry_failed")]
    pub rebuild: bool,
    /// Delete what is gone, however much of the collection that is
    #[arg(long)]
    pub allow_prune: bool,
}

/// Of links.
fn steps(typed: &str) -> Result<u32, String> {
    const MOST: u32 = 100;
    let steps = typed.parse().ok().filter(|steps| *steps <= MOST);
    steps.ok_or_else(|| format!("it is not a whole number from 0 to {MOST}"))
}

/// Pages of the web, for `ingest` and `query --from`.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Pages of the web", args = flags(&["web.max_pages", "web.allow_private"]))]
pub struct WebFlags {
    /// Follow links this many steps from a URL, on its host and below its directory [default: 0]
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = steps, allow_negative_numbers = true)]
    pub depth: u32,
    /// Follow links to the whole host of a URL
    #[arg(long)]
    pub whole_host: bool,
}

/// Which passages count, for `search` and `query`.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Retrieval")]
pub struct RetrievalFlags {
    #[command(flatten)]
    pub passages: PassageFlags,
    /// Only documents with this path, below this directory or matching this glob (repeatable)
    #[arg(long = "source", value_name = "GLOB", id = "source_glob")]
    pub sources: Vec<String>,
    /// Only documents of this kind: markdown, text, rst, asciidoc, html, pdf, docx, pptx,
    /// spreadsheet, csv, json, notebook, epub, email or code (repeatable)
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only documents with this tag (repeatable: all must be there)
    #[arg(long = "tag", value_name = "TAG", id = "filter_tag")]
    pub tags: Vec<String>,
    #[command(flatten)]
    pub wording: WordingFlags,
    #[command(flatten)]
    pub rerank: RerankFlags,
}

/// How many passages, found by what.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["search.k", "search.mode"]))]
pub struct PassageFlags;

/// How good they have to be, and what the chat model makes of the question.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["search.min_score", "search.rewrite", "search.expand", "search.hyde"]))]
pub struct WordingFlags;

/// A second look at the first hits.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Retrieval", args = flags(&["rerank.with", "rerank.model", "rerank.candidates"]))]
pub struct RerankFlags;

/// Exchanges with models, on file.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Record and replay", args = [flag("record").conflicts_with("replay"), flag("replay")])]
pub struct TapeFlags;

/// Print the passages that answer a question best
///
/// No chat model is involved, unless --rewrite, --expand or --hyde ask for one. Exits with 1 when
/// nothing is found.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    #[command(flatten)]
    pub model: SearchModel,
    #[command(flatten)]
    pub retrieval: RetrievalFlags,
    #[command(flatten)]
    pub tape: TapeFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model that --rewrite, --expand and --hyde ask"))]
pub struct SearchModel;

/// Answer a question from the documents, with citations
///
/// Retrieves passages and streams an answer that cites them as `[n]`. While no chat model is
/// configured the answer is quoted from the passages. Every citation is checked: quoted words and
/// numbers have to be in the passage it names. Exits with 1 when there is no answer: nothing is
/// found, the model says that the passages do not hold it, or it cites none of them.
#[derive(Args, Debug)]
pub struct QueryArgs {
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    /// Bring the collection in line with this path, glob or URL first (repeatable)
    #[arg(long, value_name = "PATH|URL")]
    pub from: Vec<String>,
    /// Answer each line of this file, `-` for standard input: a JSON string, or an object with
    /// `question` and `id`. Prints a line of JSON for each, in their order
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub batch: Option<PathBuf>,
    #[command(flatten)]
    pub concurrency: BatchFlags,
    /// Retrieve, print exactly what the chat model would be sent, and do not ask it
    #[arg(long, conflicts_with = "batch")]
    pub dry_run: bool,
    #[command(flatten)]
    pub web: WebFlags,
    #[command(flatten)]
    pub retrieval: RetrievalFlags,
    #[command(flatten)]
    pub chat: ChatFlags,
    #[command(flatten)]
    pub trace: TraceFlags,
    #[command(flatten)]
    pub tape: TapeFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag("chat.concurrency"))]
pub struct BatchFlags;

/// Ask one question after another, each in the light of those before
///
/// On a terminal there is a prompt: Ctrl-C stops an answer, Ctrl-D ends the session with 0, /help
/// lists the commands. From a pipe, each line is a question, answered as `query` answers it, and the
/// exit code is that of the turn that went worst. A chat model is shown the last turns, as far as
/// they fit into a quarter of --context-tokens, and makes a query of each follow-up that can be
/// understood without them.
#[derive(Args, Debug)]
pub struct ChatArgs {
    #[command(flatten)]
    pub history: HistoryFlag,
    #[command(flatten)]
    pub retrieval: RetrievalFlags,
    #[command(flatten)]
    pub chat: ChatFlags,
    #[command(flatten)]
    pub trace: TraceFlags,
    #[command(flatten)]
    pub tape: TapeFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag("chat.history"))]
pub struct HistoryFlag;

/// Show why these passages were found for a question, and why that one was not
///
/// Lists what was found with its rank and score in each leg of the retrieval, and what packing made of
/// it: the same passages as `query` would take. With --expect it says what kept a document out, and
/// what to do about that: it was not brought in, failed, has changed, is filtered out, ranks too low
/// (with its rank), or was crowded out. Exits with 1 when the document is not among the passages.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    /// A document that should be among the passages, or a place in it, as it is cited: `PATH`,
    /// `PATH:L10-L24`, `PATH#page=3`
    #[arg(long, value_name = "SOURCE")]
    pub expect: Option<String>,
    #[command(flatten)]
    pub model: ExplainModel,
    #[command(flatten)]
    pub retrieval: RetrievalFlags,
    #[command(flatten)]
    pub tape: TapeFlags,
}

#[derive(Args, Debug)]
#[command(args = [
    flag_as("model", "Chat model whose tokens are counted, and that --rewrite, --expand and --hyde ask"),
    flag_as("chat.context_tokens", "Tokens of all that the chat model would be sent"),
])]
pub struct ExplainModel;

#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Answer")]
pub struct ChatFlags {
    #[command(flatten)]
    pub sent: PromptFlags,
    /// Also show what a model that reasons thinks before it answers
    #[arg(long)]
    pub show_thinking: bool,
    #[command(flatten)]
    pub held: AnswerFlags,
}

/// Who answers, and what it is sent.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&[
    "model",
    "chat.temperature",
    "chat.max_tokens",
    "chat.system",
    "chat.prompt",
    "chat.context_tokens",
]))]
pub struct PromptFlags;

/// What an answer is held to.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["chat.timeout", "chat.idle_timeout", "chat.require_citations", "verify.with"]))]
pub struct AnswerFlags;

/// What is kept of an answer.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Provenance", args = flags(&["trace.path", "trace.content"]))]
pub struct TraceFlags;

/// Show where answers come from, as `--trace` recorded it
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
        /// Id of the answer, or its beginning [default: the last answer]
        id: Option<String>,
    },
    /// List the answers that have a record, oldest first
    #[command(arg = records())]
    List,
}

fn records() -> Arg {
    flag_as("trace.path", "File or directory with the records [default: what `DOCENT_TRACE` names]")
}

/// Show what was read of a document, chunk by chunk
///
/// Lists the chunks of a document in the order of its text, each with its place, headings and tokens:
/// what is searched, cited and sent to a chat model. Warns where the file has changed since, or its
/// last version could not be read. Exits with 1 when nothing is stored of the document, or at that
/// place.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A document, as it is stored or as a path from here, or a place in it, as it is cited: `PATH`,
    /// `URL`, `PATH:L10-L24`, `PATH#page=3`
    #[arg(value_name = "SOURCE")]
    pub source: String,
}

/// Say what is stored, and what built it
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// List every document
    #[arg(long)]
    pub documents: bool,
    /// Read all that is stored, and list the documents whose text looks broken
    #[arg(long)]
    pub quality: bool,
}

/// Check what is configured, by talking to it
///
/// Also looks for an Ollama and a Qdrant running on this machine, and says how to use them.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub rerank: RerankFlags,
}

/// Look after the files of a collection
///
/// Only of one that is embedded: a Qdrant server looks after its own.
#[derive(Args, Debug)]
pub struct IndexArgs {
    #[command(subcommand)]
    pub command: IndexCommand,
}

#[derive(Subcommand, Debug)]
pub enum IndexCommand {
    /// Read everything that is stored, and say what is not as it was stored
    Verify,
    /// Make the newest version that is whole the collection, where the pointer to it was damaged
    Repair,
}

/// Show the settings and where they come from
#[derive(Args, Debug)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print every setting, its value and where that came from; secrets are masked
    Show,
    /// Trust the project's docent.toml, as it is now, to set what only you may: hosts, models, paths
    Trust,
}

/// Print the JSON Schema of an output
///
/// Each describes one object: the whole output with `json`, one line of it with `jsonl`. Objects may
/// get more fields; `schema_version` is raised when a field goes or changes its meaning.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    #[arg(value_enum, value_name = "OUTPUT")]
    pub output: SchemaName,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaName {
    /// query --format json
    QueryJson,
    /// An event of query --format jsonl
    QueryJsonl,
    /// A line of query --batch
    QueryBatch,
    /// A turn of chat --format json
    ChatJson,
    /// An event of chat --format jsonl
    ChatJsonl,
    /// query --dry-run
    QueryPlanJson,
    /// search --format json
    SearchJson,
    /// A hit of search --format jsonl
    SearchJsonl,
    /// explain --format json
    ExplainJson,
    /// A line of explain --format jsonl
    ExplainJsonl,
    /// eval --format json
    EvalJson,
    /// The report of ingest
    IngestJson,
    /// ingest --dry-run and --check
    IngestPlanJson,
    /// trace show
    TraceJson,
    /// trace list
    TraceListJson,
    /// show --format json
    ShowJson,
    /// A line of show --format jsonl
    ShowJsonl,
    /// status
    StatusJson,
    /// doctor
    DoctorJson,
    /// index verify and index repair
    IndexJson,
    /// config show
    ConfigJson,
    /// The first line of serve on stdout
    ServeJson,
    /// A line of serve for a request, on stderr
    ServeLogJsonl,
    /// A line of serve --audit
    AuditJsonl,
    /// audit verify
    AuditJson,
    /// keys list
    KeysJson,
    /// keys create and keys rotate
    KeysNewJson,
    /// GET /v1/docent/usage of serve
    UsageJson,
    /// All that serve can be asked, as it is at /openapi.json
    Openapi,
    /// A line on stderr, with either format
    StderrJsonl,
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
