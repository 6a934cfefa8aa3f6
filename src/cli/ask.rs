//! What `search`, `query`, `chat` and `explain` take.

use std::path::PathBuf;

use clap::Args;

use super::WebFlags;
use super::flags::{flag, flag_as, flags};

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
