//! Settings → backends: the only place that knows which implementation is behind a trait.

mod embedders;
mod judges;
mod local;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::context::Context;
use crate::chat::ChatModel;
use crate::chat::extractive::Extractive;
use crate::chat::openai::{self as openai_chat, ChatOptions};
use crate::embed::builtin::Builtin;
use crate::embed::sparse::{self, TermCounter, TermCounters};
use crate::error::Failure;
use crate::ingest::budget::Budget;
use crate::ingest::extract::{self, PageRead};
use crate::ocr::OcrModel;
use crate::ocr::local::LocalOcr;
use crate::ocr::openai as openai_ocr;
use crate::query::rewrite::RewriteOptions;
use crate::record;
use crate::retry::RetryPolicy;
use crate::settings::{OcrModelChoice, Settings};
pub use crate::store::edge::Repaired;
use crate::store::edge::{EdgeOptions, EdgeStore};
use crate::store::server::{self, ServerOptions, ServerStore};
use crate::store::{Collection, OnWait};
use crate::types::{EmbedderId, OcrPolicy};
pub use embedders::{embedder, embedder_until, tokenizer};
pub use judges::{VerifierModel, check_verifier, reranker, verifier};
pub(super) use local::fetch_models;
pub use local::missing_model;
use local::unusable;

/// Who asks a question wants to know sooner that a server is down than who fills a collection.
const QUESTION: Duration = Duration::from_secs(10);

/// A server that is back is asked soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The collection that is configured. Nothing is opened yet.
pub(super) fn collection(
    context: &Context,
    on_wait: OnWait,
) -> Result<Arc<dyn Collection>, Failure> {
    let settings = &context.settings;
    if settings.qdrant.url.is_some() {
        let within = Some(settings.qdrant.retry_for.min(QUESTION));
        let retry = RetryPolicy { within, max: LONGEST_PAUSE, ..retry_policy(settings) };
        let server = server(settings, retry)?;
        return Ok(Arc::new(server.wait(settings.wait).on_wait(on_wait)));
    }
    Ok(Arc::new(files(context, on_wait)?))
}

/// The files of the collection that is configured.
///
/// # Errors
/// Where it is on a server.
pub fn files(context: &Context, on_wait: OnWait) -> Result<EdgeStore, Failure> {
    let settings = &context.settings;
    if let Some(url) = &settings.qdrant.url {
        let message = format!("the collection is on a Qdrant server ({url})");
        return Err(Failure::usage(message).hint("it looks after its files itself"));
    }
    let options = EdgeOptions { wait: settings.wait, on_wait };
    Ok(EdgeStore::open(&context.data_dir, &settings.collection, options)?)
}

/// Where embedded collections are: none of docent's own files is a document.
pub fn embedded_home(context: &Context) -> PathBuf {
    EdgeStore::home(&context.data_dir)
}

/// The Qdrant server that is configured.
pub fn server(settings: &Settings, retry: RetryPolicy) -> Result<ServerStore, Failure> {
    let qdrant = &settings.qdrant;
    let url = qdrant.url.clone().unwrap_or_default();
    server::check_address(&url).map_err(|why| {
        let hint = "set --qdrant-url (or QDRANT_URL) to an address like http://localhost:6334; several nodes of a cluster are separated by commas";
        Failure::config(format!("the address of the Qdrant server can't be read: {why}")).hint(hint)
    })?;
    let options = ServerOptions {
        url,
        api_key: qdrant.api_key.clone(),
        timeout: qdrant.timeout,
        layout: qdrant.layout,
        retry,
        retry_for: qdrant.retry_for,
    };
    Ok(server::connect(options, &settings.collection)?)
}

/// The chat model that is configured; the extractive one while there is none.
pub fn chat(context: &Context) -> Result<Arc<dyn ChatModel>, Failure> {
    let settings = &context.settings;
    let chat = &settings.chat;
    let Some(model) = &chat.model else { return Ok(Arc::new(extractive()?)) };
    let generating = openai_chat::connect(ChatOptions {
        base_url: chat.endpoint.base_url.clone(),
        api_key: chat.endpoint.api_key.clone(),
        key_header: chat.endpoint.key_header.clone(),
        model: model.clone(),
        temperature: chat.temperature,
        max_tokens: chat.max_tokens,
        timeout: chat.timeout,
        idle_timeout: chat.idle_timeout,
        retry: retry_policy(settings),
    })?;
    Ok(record::chat(&context.tape, Box::new(generating)).into())
}

/// What the chat model is asked before retrieval. It takes one that can write.
pub fn rewriting(settings: &Settings) -> Result<RewriteOptions, Failure> {
    let search = &settings.search;
    let options = RewriteOptions {
        standalone: search.rewrite,
        variants: search.expand,
        hypothetical: search.hyde,
        timeout: settings.chat.timeout,
    };
    if options.asks_model() && settings.chat.model.is_none() {
        let wanted = [
            (search.rewrite, "--rewrite"),
            (search.expand > 0, "--expand"),
            (search.hyde, "--hyde"),
        ];
        let wanted: Vec<&str> = wanted.iter().filter(|row| row.0).map(|row| row.1).collect();
        return Err(Failure::config(format!(
            "a chat model is needed for {}, and none is configured",
            wanted.join(", ")
        ))
        .hint(
            "name one: --model MODEL, with OPENAI_API_KEY, or with --base-url http://localhost:11434/v1 for Ollama; `docent doctor` finds what is there",
        ));
    }
    Ok(options)
}

/// Whether it is the embedder that needs no model: a table of words, which reads no context.
pub(super) fn is_builtin(embedder: &EmbedderId) -> bool {
    embedder.name == Builtin::NAME
}

/// The name of the model that quotes instead of writing.
pub const EXTRACTIVE: &str = Extractive::NAME;

/// Quotes by the words of the sparse leg, and by the meanings of the built-in embedder.
pub(super) fn extractive() -> Result<Extractive, Failure> {
    let terms = TermCounter::new(sparse::LANGUAGE).map_err(Failure::config)?;
    let table = Builtin::new();
    Ok(Extractive::new(move |text| terms.terms(text), move |text| table.embed_text(text)))
}

/// Counts the terms of documents, by a language or each by its own.
pub fn term_counters(language: &str) -> Result<TermCounters, Failure> {
    TermCounters::new(language).map_err(Failure::config)
}

/// What reads text in pictures, where any is to be read. Nothing is loaded before the first picture.
/// Pages are paid from `budget`; `on_page` hears of each.
pub fn ocr(
    context: &Context,
    budget: &Arc<Budget>,
    on_page: Option<UnboundedSender<PageRead>>,
) -> Result<Option<extract::Ocr>, Failure> {
    let settings = &context.settings;
    let ocr = &settings.ocr;
    if ocr.policy == OcrPolicy::Off {
        return Ok(None);
    }
    let open = |dir: Option<PathBuf>| -> Result<Arc<dyn OcrModel>, Failure> {
        let opened = LocalOcr::open(dir.as_deref());
        Ok(Arc::new(opened.map_err(unusable)?))
    };
    let model: Arc<dyn OcrModel> = match &ocr.model {
        OcrModelChoice::Bundled => open(None)?,
        OcrModelChoice::Directory(dir) => open(Some(context.cwd.join(dir)))?,
        OcrModelChoice::OpenAi { model, endpoint } => {
            let connected = openai_ocr::connect(openai_ocr::OpenAiOcrOptions {
                base_url: endpoint.base_url.clone(),
                api_key: endpoint.api_key.clone(),
                key_header: endpoint.key_header.clone(),
                model: model.clone(),
                timeout: ocr.timeout,
                retry: retry_policy(settings),
            })?;
            record::ocr(&context.tape, Arc::new(connected))
        }
    };
    let parallel = std::thread::available_parallelism().map_or(2, usize::from);
    let beside_text = ocr.policy == OcrPolicy::Always;
    let budget = Arc::clone(budget);
    Ok(Some(extract::Ocr { model, budget, beside_text, parallel, on_page }))
}

pub fn retry_policy(settings: &Settings) -> RetryPolicy {
    RetryPolicy { attempts: settings.attempts, ..RetryPolicy::default() }
}
