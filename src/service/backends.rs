//! Makes backends from settings: the only place that knows which implementation is behind a trait.

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
use crate::ingest::budget::RunBudget;
use crate::ingest::extract::{self, OcrPage};
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

/// How long a question retries a server. Someone who asks wants to know sooner that a server is down
/// than someone who fills a collection.
const QUESTION: Duration = Duration::from_secs(10);

/// Longest pause between two tries, so that a server that is back is asked soon.
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
/// The collection is on a server.
pub fn files(context: &Context, on_wait: OnWait) -> Result<EdgeStore, Failure> {
    let settings = &context.settings;
    if let Some(url) = &settings.qdrant.url {
        let message = format!("the collection is on a Qdrant server ({url})");
        return Err(Failure::usage(message).hint("the server looks after its own files"));
    }
    let options = EdgeOptions { wait: settings.wait, on_wait };
    Ok(EdgeStore::open(&context.data_dir, &settings.collection, options)?)
}

/// The directory of embedded collections. Nothing in it is ingested as a document.
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

/// The configured chat model, or the extractive one if none is configured.
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

/// What the chat model is asked before retrieval. The extractive model cannot do this.
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
            "a chat model is needed for {}, but none is configured",
            wanted.join(", ")
        ))
        .hint(
            "use --model MODEL with OPENAI_API_KEY, or with --base-url http://localhost:11434/v1 for Ollama; `docent doctor` lists the models that are there",
        ));
    }
    Ok(options)
}

/// Whether this is the built-in embedder: a table of word vectors, which does not read context.
pub(super) fn is_builtin(embedder: &EmbedderId) -> bool {
    embedder.name == Builtin::NAME
}

/// Name of the model that quotes passages instead of writing.
pub const EXTRACTIVE: &str = Extractive::NAME;

/// The extractive model: chooses quotes by the words of the sparse encoder and the vectors of the
/// built-in embedder.
pub(super) fn extractive() -> Result<Extractive, Failure> {
    let terms = TermCounter::new(sparse::LANGUAGE).map_err(Failure::config)?;
    let table = Builtin::new();
    Ok(Extractive::new(move |text| terms.terms(text), move |text| table.embed_text(text)))
}

/// Counts the terms of documents, in one language or in the language of each document.
pub fn term_counters(language: &str) -> Result<TermCounters, Failure> {
    TermCounters::new(language).map_err(Failure::config)
}

/// The OCR model, if pictures are to be read. Nothing is loaded before the first picture. Pages are
/// paid from `budget`; `on_page` is called for each.
pub fn ocr(
    context: &Context,
    budget: &Arc<RunBudget>,
    on_page: Option<UnboundedSender<OcrPage>>,
) -> Result<Option<extract::PageOcr>, Failure> {
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
    Ok(Some(extract::PageOcr { model, budget, beside_text, parallel, on_page }))
}

pub fn retry_policy(settings: &Settings) -> RetryPolicy {
    RetryPolicy { attempts: settings.attempts, ..RetryPolicy::default() }
}
