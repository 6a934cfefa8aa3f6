//! docent: a RAG pipeline on the command line.
//!
//! It ingests documents, chunks and embeds them into Qdrant, and answers questions by retrieving
//! passages and streaming a completion with citations that were checked.
//!
//! # The map, in reading order
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`cli`] | every clap struct, and which command takes which flag |
//! | [`settings`] | a row for each setting; flags + environment + project file + user file + defaults → [`settings::Settings`]; pure |
//! | [`commands`] | one file per subcommand; `connect` alone chooses backends |
//! | [`service`] | what every front end asks of a collection, without terminal and arguments |
//! | [`types`] | plain data both flows share: chunk, locator, hit, manifest, document record |
//! | [`ingest`] | files and pages → points: discover → plan → extract → chunk → embed → store → commit |
//! | [`query`] | question → answer: retrieve → pack → prompt → stream → verify citations |
//! | [`eval`] | how good retrieval is: cases, rankings, metrics, gates |
//! | [`embed`] | [`embed::Embedder`] and its implementations; the sparse (BM25) encoder |
//! | [`interaction`] | a question compared with passages token by token, by the built-in table |
//! | [`store`] | [`store::VectorStore`] and its implementations: embedded Qdrant and a Qdrant server |
//! | [`rerank`] | [`rerank::Reranker`] and its implementations |
//! | [`chat`] | [`chat::ChatModel`] and its implementations |
//! | [`record`] | the exchanges with models, on file: `--record`, `--replay` |
//! | [`trace`] | where an answer comes from: its record, on file and as OpenTelemetry spans |
//! | [`onnx`] | models in a directory, run in this process: what embedder and reranker share |
//! | [`openai`] | `OpenAI`-compatible servers: the client that `embed`, `chat` and `rerank` share, its errors, tokens |
//! | [`http`] | HTTP to anyone: client, transport errors, retry-after, and the limiter of requests |
//! | [`text`] | blocks, sentences and words of a text, and whether one text quotes another; pure |
//! | [`retry`] | the one retry policy for everything outside the process |
//! | [`cancel`] | how a run is told to stop |
//! | `heap` | memory that was freed, given back to the system |
//! | `task` | work beside a command's own thread: on a task that ends when nobody waits for it, or on another thread |
//! | [`watch`] | the system's notices that something changed on disk, gathered until it is quiet |
//! | [`error`] | outcome → exit code; which error gets which hint |
//! | [`ui`] | everything a person sees; the only writer to the terminal |
//!
//! # Invariants
//!
//! - stdout is data; everything else goes to stderr, and only `ui` writes to either.
//! - `ingest` and `query` know `types` and the traits of `embed`, `store`, `rerank` and `chat`; they know
//!   neither each other nor `settings`, `cli` or `ui`. They take option structs, emit events
//!   through a closure and return a report.
//! - A vendor's types stay in the file that wraps the vendor.
//! - Per document: new chunks in, record written, stale chunks out. The record is the commit mark.
//! - Vectors of two models never share a collection: the manifest is checked on every command.
//!
//! `tests/it/tidy.rs` enforces the layering.

pub mod cancel;
pub mod chat;
pub mod cli;
pub mod commands;
pub mod embed;
pub mod error;
pub mod eval;
mod heap;
pub mod http;
pub mod ingest;
pub mod interaction;
pub mod onnx;
pub mod openai;
pub mod query;
pub mod record;
pub mod rerank;
pub mod retry;
pub mod service;
pub mod settings;
pub mod store;
mod task;
#[cfg(test)]
mod testing;
pub mod text;
pub mod trace;
pub mod types;
pub mod ui;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs one command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    commands::run(args)
}
