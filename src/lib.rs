//! docent: a RAG pipeline on the command line.
//!
//! It ingests documents, chunks and embeds them into Qdrant, and answers questions by retrieving
//! passages and streaming a completion with citations that were checked.
//!
//! # Modules, from the top down
//!
//! A front end parses what was typed, calls the [`service`], and shows what comes of it. The service
//! runs the two flows, [`ingest`] and [`query`], on backends that it alone chooses. The flows know
//! traits: [`embed::Embedder`], [`store::Collection`], [`chat::ChatModel`], [`rerank::Reranker`].
//!
//! | module | what is in it |
//! | --- | --- |
//! | **front ends** | |
//! | [`cli`] | every clap struct, and which command takes which flag |
//! | [`commands`] | one file per subcommand: parse, call the service, show |
//! | [`ui`] | everything a person sees; the only writer to the terminal |
//! | [`serve`] | the engine over HTTP: `OpenAI`'s API and docent's own, keys, limits |
//! | [`mcp`] | the engine for agents: the Model Context Protocol, over standard streams and in `serve` |
//! | [`output`] | what machines read: every JSON shape, and the words that people and machines are given |
//! | **the service** | |
//! | [`service`] | [`service::Engine`], opened once, and what every front end asks it; `backends` alone chooses implementations |
//! | [`settings`] | a row for each setting; flags + environment + files + defaults → [`settings::Settings`]; pure |
//! | [`record`] | recording and replay of the exchanges with models: `--record`, `--replay` |
//! | [`trace`] | where an answer comes from: its record, on file and as OpenTelemetry spans |
//! | **the flows** | |
//! | [`ingest`] | files and pages → points: discover → plan → extract → chunk → embed → store → commit |
//! | [`query`] | question → answer: retrieve → pack → prompt → stream → verify citations |
//! | [`eval`] | how good retrieval is: cases, rankings, metrics, gates |
//! | [`interaction`] | late interaction: a question compared with passages token by token |
//! | **backends** | |
//! | [`embed`] | [`embed::Embedder`] and its implementations; the sparse (BM25) encoder |
//! | [`store`] | [`store::Collection`], its readers and its writer: embedded Qdrant and a Qdrant server |
//! | [`rerank`] | [`rerank::Reranker`] and its implementations |
//! | [`chat`] | [`chat::ChatModel`] and its implementations |
//! | [`ocr`] | [`ocr::OcrModel`] and its implementations: the text on a picture of a page |
//! | [`entailment`] | [`entailment::EntailmentModel`] and its implementation: whether sentences support a claim |
//! | [`onnx`] | models that run in this process: what embedder, reranker and entailment share |
//! | [`hub`] | models by name: fetched from a Hugging Face hub into the cache that its tools share |
//! | [`openai`] | `OpenAI`-compatible servers: the client that `embed`, `chat` and `rerank` share, its errors, tokens |
//! | [`http`] | HTTP to anyone: client, transport errors, retry-after, and the limiter of requests |
//! | **shared** | |
//! | [`types`] | plain data that both flows share: chunk, locator, hit, manifest, document record |
//! | [`error`] | outcome → exit code; and the hint of each error |
//! | [`text`] | blocks, sentences and words of a text, and whether one text quotes another; pure |
//! | [`retry`] | the one retry policy for everything outside the process |
//! | [`cancel`] | how a run is told to stop |
//! | [`watch`] | notices of the system that something changed on disk, gathered until changes pause |
//! | [`audit`] | a file of lines that only grows, each with the hash of the line before |
//! | `rooted_fs` | files and directories below a root, opened without following a link |
//! | `task` | work on a task that ends when nothing waits for it, or on another thread |
//! | `heap` | the allocator: what happens when no memory is left, and the return of freed memory |
//! | `private_files` | files that only their owner may read |
//! | `disk_space` | how much of a disk is free |
//!
//! Where a change belongs: a flag or a setting in `settings::keys` and `cli`; a word that is printed in
//! `ui`, a field in `output`; a rule about which collection goes with which model in
//! `service::compatibility`; a document format in `ingest::extract`; how a picture is read in `ocr`;
//! what ranks higher in `query::retrieve`; which process waits for which on an embedded collection in
//! `store::edge::lock_turns`.
//!
//! # Invariants, and what enforces them
//!
//! | rule | enforced by |
//! | --- | --- |
//! | stdout is data; everything else goes to stderr, and only `ui` writes to either | the lints `print_stdout` and `print_stderr`; `tests/it/query.rs` and others compare both streams |
//! | each module knows only those below it: `LAYERS` in `tests/it/tidy.rs` is the list. So the flows know neither each other nor settings, terminal or arguments | `tidy::layers_point_downwards` |
//! | implementations of the traits are named only in their own folder and in `service::backends` | `tidy::one_file_chooses_backends` |
//! | a vendor's types stay in the file that wraps the vendor | `tidy::vendors_stay_where_they_are_wrapped` |
//! | the environment is read in `commands` and `ui` only | `tidy::the_environment_is_read_in_commands_and_ui_only` |
//! | every flag of a setting, its default and its documentation come from one row | `tests/it/settings.rs` |
//! | per document: new chunks in, record written, stale chunks out; the record is the commit mark | `tests/it/kill.rs` |
//! | nothing in a document or a question can end its fence in a prompt: it goes through [`chat::data`] | `tests/it/injection.rs` |
//! | a number has a range, in the row of its setting | `settings::range` |
//! | one question reads one version of a collection, whose embedder was checked | `store::contract::readers`, `together::no_question_is_asked_of_the_vectors_of_another_model` |
//! | readers and writers wait for each other no longer than one turn | `store::edge::tests::turns`, `tests/it/together.rs` |

pub mod audit;
pub mod cancel;
pub mod chat;
pub mod cli;
pub mod commands;
mod disk_space;
pub mod embed;
pub mod entailment;
pub mod error;
pub mod eval;
mod heap;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod interaction;
pub mod mcp;
pub mod ocr;
pub mod onnx;
pub mod openai;
pub mod output;
mod private_files;
pub mod query;
pub mod record;
pub mod rerank;
pub mod retry;
mod rooted_fs;
pub mod serve;
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
