//! Settings → backends: the only place that knows which implementation is behind a trait.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::compatibility::{same_embedder, same_revision};
use super::context::Context;
use super::named::published;
use crate::cancel::{self, Cancel};
use crate::chat::ChatModel;
use crate::chat::extractive::Extractive;
use crate::chat::openai::{self as openai_chat, ChatOptions};
use crate::embed::Embedder;
use crate::embed::builtin::Builtin;
use crate::embed::onnx::{self as onnx_embed, OnnxOptions};
use crate::embed::openai::{self as openai_embed, OpenAiOptions};
use crate::embed::sparse::{self, TermCounter, TermCounters};
use crate::entailment::EntailmentModel;
use crate::entailment::onnx as entailment_onnx;
use crate::error::Failure;
use crate::http::Quota;
use crate::hub::Purpose;
use crate::ingest::budget::Budget;
use crate::ingest::extract::{self, PageRead};
use crate::ocr::OcrModel;
use crate::ocr::local::LocalOcr;
use crate::ocr::openai as openai_ocr;
use crate::onnx::{ModelPlace, OnnxError};
use crate::query::rewrite::RewriteOptions;
use crate::record::{self, EmbedderRequest};
use crate::rerank::Reranker;
use crate::rerank::endpoint::{self as rerank_endpoint, EndpointOptions};
use crate::rerank::onnx as rerank_onnx;
use crate::retry::RetryPolicy;
use crate::settings::{
    EmbeddingModel, OcrModelChoice, Rerank, RerankModel, Settings, Verify, VerifyModel,
};
pub use crate::store::edge::Repaired;
use crate::store::edge::{EdgeOptions, EdgeStore};
use crate::store::server::{self, ServerOptions, ServerStore};
use crate::store::{Collection, OnWait};
use crate::types::{EmbedderId, Manifest, OcrPolicy};

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

/// The embedder that is configured, where it is the one that built the collection. The probe for
/// its dimensions is spared where the manifest tells them.
pub async fn embedder(
    context: &Context,
    manifest: Option<&Manifest>,
) -> Result<Arc<dyn Embedder>, Failure> {
    embedder_until(context, manifest, cancel::pair().1).await
}

/// The same; it sends nothing more once `cancel` says so.
pub async fn embedder_until(
    context: &Context,
    manifest: Option<&Manifest>,
    cancel: Cancel,
) -> Result<Arc<dyn Embedder>, Failure> {
    let settings = &context.settings;
    if let Some(manifest) = manifest {
        same_embedder(settings, manifest)?;
    }
    let embedder: Arc<dyn Embedder> = match &settings.embedding.model {
        EmbeddingModel::Builtin => Arc::new(Builtin::new()),
        EmbeddingModel::Onnx(dir) => {
            let options = onnx_options(settings, context.cwd.join(dir).into(), manifest);
            Arc::new(loaded(move || onnx_embed::open(options)).await?)
        }
        EmbeddingModel::Hub(model) => {
            let built = manifest.map(|manifest| &manifest.embedder);
            let place = published(context, model, built, Purpose::Embed).await?;
            let options = onnx_options(settings, place, manifest);
            Arc::new(loaded(move || onnx_embed::open(options)).await?)
        }
        EmbeddingModel::OpenAi(model) => {
            let built = manifest.map(|manifest| manifest.embedder.clone());
            let request = EmbedderRequest {
                model: settings.embedding.model.name(),
                dimensions: settings.embedding.dimensions,
                document_prefix: settings.embedding.document_prefix.clone(),
                query_prefix: settings.embedding.query_prefix.clone(),
            };
            record::connect(&context.tape, request, built, |known| {
                openai_embed::connect(embedding_options(settings, model, known.as_ref(), cancel))
            })
            .await?
        }
    };
    if let Some(manifest) = manifest {
        same_revision(settings, &manifest.embedder, embedder.id())?;
    }
    Ok(embedder)
}

fn onnx_options(
    settings: &Settings,
    place: ModelPlace,
    manifest: Option<&Manifest>,
) -> OnnxOptions {
    let embedding = &settings.embedding;
    OnnxOptions {
        place,
        dimensions: embedding.dimensions,
        document_prefix: embedding.document_prefix.clone(),
        query_prefix: embedding.query_prefix.clone(),
        known: manifest.map(|manifest| manifest.embedder.clone()),
    }
}

/// What `open` makes of the files of a model. It takes its time, and other work goes on.
async fn loaded<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OnnxError> + Send + 'static,
) -> Result<T, Failure> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened
        .map_err(|error| Failure::config(format!("loading the model ended early: {error}")))?
        .map_err(unusable)
}

fn unusable(error: OnnxError) -> Failure {
    Failure::config(error.to_string()).hint(error.hint)
}

/// The embedder that is configured, for what it says of itself: its limits and its tokens. No
/// endpoint is asked.
pub async fn tokenizer(
    context: &Context,
    manifest: Option<&Manifest>,
) -> Result<Arc<dyn Embedder>, Failure> {
    let settings = &context.settings;
    if let (None, EmbeddingModel::OpenAi(model)) = (manifest, &settings.embedding.model) {
        let mut options = embedding_options(settings, model, None, cancel::pair().1);
        // Of no use without vectors, and asked for unless it is known.
        options.known_dimensions = options.dimensions.or(Some(1));
        return Ok(Arc::new(openai_embed::connect(options).await?));
    }
    embedder(context, manifest).await
}

fn embedding_options(
    settings: &Settings,
    model: &str,
    built: Option<&EmbedderId>,
    cancel: Cancel,
) -> OpenAiOptions {
    let embedding = &settings.embedding;
    OpenAiOptions {
        base_url: embedding.endpoint.base_url.clone(),
        api_key: embedding.endpoint.api_key.clone(),
        key_header: embedding.endpoint.key_header.clone(),
        model: model.to_owned(),
        dimensions: embedding.dimensions,
        known_dimensions: built.map(|id| id.dimensions),
        known_revision: built.map(|id| id.revision.clone()),
        document_prefix: embedding.document_prefix.clone(),
        query_prefix: embedding.query_prefix.clone(),
        batch_items: embedding.batch_items,
        batch_tokens: embedding.batch_tokens,
        input_tokens: embedding.input_tokens,
        concurrency: embedding.concurrency,
        timeout: embedding.timeout,
        retry: retry_policy(settings),
        quota: Quota { requests_per_minute: embedding.rpm, tokens_per_minute: embedding.tpm },
        cancel,
    }
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

/// What holds the claims of an answer against their passages.
#[derive(Clone)]
pub enum VerifierModel {
    Chat(Arc<dyn ChatModel>),
    Entailment(Arc<dyn EntailmentModel>),
}

/// What is configured for that. A model in a directory is loaded.
pub async fn verifier(context: &Context, verify: &Verify) -> Result<VerifierModel, Failure> {
    let settings = &context.settings;
    let (model, endpoint) = match &verify.model {
        VerifyModel::Onnx(dir) => {
            let dir = context.cwd.join(dir);
            let model = loaded(move || entailment_onnx::open(&dir)).await?;
            return Ok(VerifierModel::Entailment(Arc::new(model)));
        }
        VerifyModel::Hub(model) => {
            let place = published(context, model, None, Purpose::Verify).await?;
            let model = loaded(move || entailment_onnx::open(place)).await?;
            return Ok(VerifierModel::Entailment(Arc::new(model)));
        }
        VerifyModel::Chat { model, endpoint } => (model, endpoint),
    };
    let connected = openai_chat::connect(ChatOptions {
        base_url: endpoint.base_url.clone(),
        api_key: endpoint.api_key.clone(),
        key_header: endpoint.key_header.clone(),
        model: model.clone(),
        temperature: settings.chat.temperature,
        max_tokens: None,
        timeout: verify.timeout,
        idle_timeout: verify.timeout,
        retry: retry_policy(settings),
    })?;
    Ok(VerifierModel::Chat(record::chat(&context.tape, Box::new(connected)).into()))
}

/// Finds what is wrong with the files of a model in a directory, without loading it.
pub fn check_verifier(context: &Context) -> Result<(), Failure> {
    match context.settings.verify.as_ref().map(|verify| &verify.model) {
        Some(VerifyModel::Onnx(dir)) => {
            entailment_onnx::check(&context.cwd.join(dir)).map_err(unusable)
        }
        Some(VerifyModel::Hub(_) | VerifyModel::Chat { .. }) | None => Ok(()),
    }
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

/// What is configured to put the first hits into a better order.
pub async fn reranker(
    context: &Context,
    rerank: &Rerank,
    retry: RetryPolicy,
) -> Result<Arc<dyn Reranker>, Failure> {
    let (endpoint, model) = match &rerank.model {
        RerankModel::Onnx(dir) => {
            let dir = context.cwd.join(dir);
            return Ok(loaded(move || rerank_onnx::open(&dir)).await?.into());
        }
        RerankModel::Hub(model) => {
            let place = published(context, model, None, Purpose::Rerank).await?;
            return Ok(loaded(move || rerank_onnx::open(place)).await?.into());
        }
        RerankModel::Endpoint { endpoint, model } => (endpoint, model),
    };
    let connected = rerank_endpoint::connect(EndpointOptions {
        url: endpoint.base_url.clone(),
        api_key: endpoint.api_key.clone(),
        model: model.clone(),
        timeout: rerank.timeout,
        retry,
    })?;
    Ok(record::reranker(&context.tape, Arc::new(connected)))
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
