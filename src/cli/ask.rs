//! What `search`, `query`, `chat` and `explain` take.

use std::path::PathBuf;

use clap::Args;

use super::WebFlags;
use super::flags::{flag, flag_as, flags};

/// Filters and settings of retrieval, for `search` and `query`.
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
    /// Only documents with this tag (repeatable: documents must have all of them)
    #[arg(long = "tag", value_name = "TAG", id = "filter_tag")]
    pub tags: Vec<String>,
    #[command(flatten)]
    pub wording: WordingFlags,
    #[command(flatten)]
    pub rerank: RerankFlags,
}

/// Number of passages, and the retrieval mode.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["search.k", "search.mode"]))]
pub struct PassageFlags;

/// Lowest score, and rewriting of the question by the chat model.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["search.min_score", "search.rewrite", "search.expand", "search.hyde"]))]
pub struct WordingFlags;

/// Reranking of the first hits.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Retrieval", args = flags(&["rerank.with", "rerank.model", "rerank.candidates"]))]
pub struct RerankFlags;

/// Recording and replay of exchanges with models.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Record and replay", args = [flag("record").conflicts_with("replay"), flag("replay")])]
pub struct RecordingFlags;

/// Print the passages that answer a question best
///
/// Uses no chat model, unless --rewrite, --expand or --hyde is given. Exits with 1 if nothing is found.
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
    pub tape: RecordingFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag_as("model", "Chat model for --rewrite, --expand and --hyde"))]
pub struct SearchModel;

/// Answer a question from the documents, with citations
///
/// Retrieves passages and streams an answer that cites them as `[n]`. Unless a chat model is
/// configured, the answer is quoted from the passages. Every citation is checked: quoted words and
/// numbers have to be in the cited passage. Exits with 1 if there is no answer: nothing was found, the
/// model says that the passages do not contain the answer, or it cites none of them.
#[derive(Args, Debug)]
pub struct QueryArgs {
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    /// Ingest this path, glob or URL first (repeatable)
    #[arg(long, value_name = "PATH|URL")]
    pub from: Vec<String>,
    /// Answer each line of this file, `-` for standard input: a JSON string, or an object with
    /// `question` and `id`. Prints a line of JSON for each, in the same order
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub batch: Option<PathBuf>,
    #[command(flatten)]
    pub concurrency: BatchFlags,
    /// Retrieve, print exactly what the chat model would be sent, and do not send it
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
    pub tape: RecordingFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag("chat.concurrency"))]
pub struct BatchFlags;

/// Ask questions in a conversation, where each can refer to those before
///
/// On a terminal there is a prompt: Ctrl-C stops an answer, Ctrl-D ends the session with exit code 0,
/// /help lists the commands. From a pipe, each line is a question, answered as `query` answers it, and
/// the exit code is that of the worst turn. The chat model is shown the last turns that fit into a
/// quarter of --context-tokens, and turns each follow-up question into a query that can be understood
/// without them.
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
    pub tape: RecordingFlags,
}

#[derive(Args, Debug)]
#[command(arg = flag("chat.history"))]
pub struct HistoryFlag;

/// Show why passages were found for a question, or why a document was not found
///
/// Lists the hits with their rank and score in dense and sparse retrieval, and what packing made of
/// them: the passages that `query` would use. With --expect, it says why a document is missing and what
/// to do about it: the document was not ingested, failed, has changed, is filtered out, ranks too low
/// (with its rank), or was crowded out. Exits with 1 if the document is not among the passages.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The question; `-` or nothing reads it from standard input
    #[arg(value_name = "QUESTION")]
    pub question: Vec<String>,
    /// A document that should be among the passages, or a place in it as citations write it:
    /// `PATH`, `PATH:L10-L24`, `PATH#page=3`
    #[arg(long, value_name = "SOURCE")]
    pub expect: Option<String>,
    #[command(flatten)]
    pub model: ExplainModel,
    #[command(flatten)]
    pub retrieval: RetrievalFlags,
    #[command(flatten)]
    pub tape: RecordingFlags,
}

#[derive(Args, Debug)]
#[command(args = [
    flag_as("model", "Chat model that counts the tokens, also used for --rewrite, --expand and --hyde"),
    flag_as("chat.context_tokens", "Tokens that the chat model would be sent, at most"),
])]
pub struct ExplainModel;

#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Answer")]
pub struct ChatFlags {
    #[command(flatten)]
    pub sent: PromptFlags,
    /// Also show the reasoning of a model that reasons before it answers
    #[arg(long)]
    pub show_thinking: bool,
    #[command(flatten)]
    pub held: AnswerFlags,
}

/// The chat model, and what it is sent.
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

/// Timeouts of an answer, and checks of it.
#[derive(Args, Debug, Default, Clone)]
#[command(args = flags(&["chat.timeout", "chat.idle_timeout", "chat.require_citations", "verify.with"]))]
pub struct AnswerFlags;

/// Records of answers.
#[derive(Args, Debug, Default, Clone)]
#[command(next_help_heading = "Provenance", args = flags(&["trace.path", "trace.content"]))]
pub struct TraceFlags;
