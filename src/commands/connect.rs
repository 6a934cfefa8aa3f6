//! Settings → backends. The only place that knows which implementation stands behind a trait.

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use crate::cancel::{self, Cancel};
use crate::chat::ChatModel;
use crate::chat::extractive::Extractive;
use crate::chat::openai::{self as openai_chat, ChatOptions};
use crate::embed::Embedder;
use crate::embed::builtin::Builtin;
use crate::embed::onnx::{self as onnx_embed, OnnxOptions};
use crate::embed::openai::{self as openai_embed, OpenAiOptions};
use crate::embed::sparse::{self, SparseEncoder, TermCounter};
use crate::error::{Exit, Failure};
use crate::http::{Quota, Throttled};
use crate::onnx::OnnxError;
use crate::query::Retriever;
use crate::query::rewrite::RewriteOptions;
use crate::record::{self, EmbedderRequest};
use crate::rerank::Reranker;
use crate::rerank::endpoint::{self as rerank_endpoint, EndpointOptions};
use crate::rerank::onnx as rerank_onnx;
use crate::retry::RetryPolicy;
use crate::settings::{EmbeddingModel, Rerank, RerankModel, Settings};
use crate::store::edge::{Access, EdgeStore};
use crate::store::server::{self, ServerOptions, ServerStore};
use crate::store::{OnWait, VectorStore};
use crate::types::{EmbedderId, Manifest, RerankerId};
use crate::ui::Ui;

pub(super) use crate::store::edge::Access as StoreAccess;

/// The store that is configured. Nothing is opened yet. It says whom it waits for.
pub(super) fn store(
    ui: &Ui,
    context: &Context,
    access: Access,
) -> Result<Arc<dyn VectorStore>, Failure> {
    let settings = &context.settings;
    let note = ui.announcer();
    let on_wait: OnWait = Arc::new(move |whom| note(&format!("waiting: {whom}")));
    Ok(match &settings.qdrant.url {
        Some(_) => {
            let server = server(settings, retry_policy(settings))?;
            Arc::new(server.wait(settings.wait).on_wait(on_wait))
        }
        None => Arc::new(
            EdgeStore::open(&context.data_dir, &settings.collection, access)?
                .wait(settings.wait)
                .on_wait(on_wait),
        ),
    })
}

/// The Qdrant server that is configured.
pub(super) fn server(settings: &Settings, retry: RetryPolicy) -> Result<ServerStore, Failure> {
    let qdrant = &settings.qdrant;
    let options = ServerOptions {
        url: qdrant.url.clone().unwrap_or_default(),
        api_key: qdrant.api_key.clone(),
        timeout: qdrant.timeout,
        shard_number: qdrant.shard_number,
        replication_factor: qdrant.replication_factor,
        retry,
    };
    Ok(server::connect(options, &settings.collection)?)
}

/// The embedder that is configured, where it is the one that built the collection. The probe for
/// its dimensions is spared where the manifest tells them.
pub(super) async fn embedder(
    context: &Context,
    manifest: Option<&Manifest>,
) -> Result<Arc<dyn Embedder>, Failure> {
    embedder_until(context, manifest, cancel::pair().1).await
}

/// The same; it sends nothing more once `cancel` says so.
pub(super) async fn embedder_until(
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
            let embedding = &settings.embedding;
            let options = OnnxOptions {
                dir: context.cwd.join(dir),
                dimensions: embedding.dimensions,
                document_prefix: embedding.document_prefix.clone(),
                query_prefix: embedding.query_prefix.clone(),
                known: manifest.map(|manifest| manifest.embedder.clone()),
            };
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

/// What `open` makes of the files of a model. It takes its time, and other work goes on.
async fn loaded<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OnnxError> + Send + 'static,
) -> Result<T, Failure> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened
        .map_err(|error| Failure::config(format!("loading the model ended early: {error}")))?
        .map_err(|error| Failure::config(error.to_string()).hint(error.hint))
}

/// Models that compute in this process are known by what they are computed from.
fn same_revision(settings: &Settings, built: &EmbedderId, now: &EmbedderId) -> Result<(), Failure> {
    if built == now {
        return Ok(());
    }
    match &settings.embedding.model {
        EmbeddingModel::OpenAi(_) => Ok(()),
        EmbeddingModel::Builtin => {
            let other = format!("another revision of the built-in embedder ({})", built.revision);
            Err(mismatch(settings, &other))
        }
        EmbeddingModel::Onnx(_) if built.revision != now.revision => {
            let (name, was) = (&built.name, &built.revision);
            let other = format!("another model, `{name}` ({was}; this one is {})", now.revision);
            Err(mismatch(settings, &other))
        }
        EmbeddingModel::Onnx(_) if built.dimensions != now.dimensions => {
            Err(mismatch(settings, &format!("vectors of {} dimensions", built.dimensions)))
        }
        EmbeddingModel::Onnx(_) => Err(mismatch(settings, &prefixes(built))),
    }
}

/// The embedder that is configured, for what it says of itself: its limits and its tokens. No
/// endpoint is asked.
pub(super) async fn tokenizer(
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

/// Vectors of two models never share a collection.
fn same_embedder(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let (built, configured) = (&manifest.embedder, &settings.embedding);
    let same = match &configured.model {
        // By what it is called here nobody knows it elsewhere: see `same_revision`.
        EmbeddingModel::Onnx(_) => built.name.starts_with("onnx:"),
        model => built.name == model.name(),
    };
    if !same {
        return Err(mismatch(settings, &format!("the embedder `{}`", built.name)));
    }
    if !configured.model.is_endpoint() {
        return Ok(());
    }
    if configured.dimensions.is_some_and(|dimensions| dimensions != built.dimensions) {
        return Err(mismatch(settings, &format!("vectors of {} dimensions", built.dimensions)));
    }
    if built.document_prefix != configured.document_prefix
        || built.query_prefix != configured.query_prefix
    {
        return Err(mismatch(settings, &prefixes(built)));
    }
    Ok(())
}

fn prefixes(built: &EmbedderId) -> String {
    let EmbedderId { document_prefix, query_prefix, .. } = built;
    format!("the prefixes {document_prefix:?} (documents) and {query_prefix:?} (questions)")
}

fn mismatch(settings: &Settings, built_with: &str) -> Failure {
    let name = settings.embedding.model.name();
    Failure::config(format!(
        "collection `{}` was built with {built_with}, and the embedder is `{name}`",
        settings.collection
    ))
    .hint(format!(
        "use the settings it was built with (`docent status` shows them), or build it anew: docent ingest --rebuild --embedder {name}"
    ))
}

/// Chunks of two sizes would compete in one collection.
pub(super) fn same_chunker(
    settings: &Settings,
    chunker: &crate::types::ChunkerId,
    manifest: &Manifest,
) -> Result<(), Failure> {
    let built = &manifest.chunker;
    if built == chunker {
        return Ok(());
    }
    if built.revision != chunker.revision {
        return Err(Failure::config(format!(
            "collection `{}` was built by docent {}, which cut documents otherwise",
            settings.collection, manifest.docent
        ))
        .hint(
            "it can be searched as it is; to change it, build it anew: docent ingest --rebuild",
        ));
    }
    Err(Failure::config(format!(
        "collection `{}` was built with chunks of {} tokens, {} of them overlapping; now they are {} and {}",
        settings.collection,
        built.max_tokens,
        built.overlap_tokens,
        chunker.max_tokens,
        chunker.overlap_tokens,
    ))
    .hint(format!(
        "use --chunk-tokens {} --chunk-overlap {}, or build it anew: docent ingest --rebuild",
        built.max_tokens, built.overlap_tokens
    )))
}

/// The chat model that is configured; the extractive one while there is none.
pub(super) fn chat(context: &Context) -> Result<Box<dyn ChatModel>, Failure> {
    let settings = &context.settings;
    let chat = &settings.chat;
    let Some(model) = &chat.model else { return Ok(Box::new(extractive()?)) };
    let generating = openai_chat::connect(ChatOptions {
        base_url: chat.endpoint.base_url.clone(),
        api_key: chat.endpoint.api_key.clone(),
        model: model.clone(),
        temperature: chat.temperature,
        max_tokens: chat.max_tokens,
        timeout: chat.timeout,
        idle_timeout: chat.idle_timeout,
        retry: retry_policy(settings),
    })?;
    Ok(record::chat(&context.tape, Box::new(generating)))
}

/// What the chat model is asked before retrieval. It takes one that can write.
pub(super) fn rewriting(settings: &Settings) -> Result<RewriteOptions, Failure> {
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

/// Quotes by the words of the sparse leg.
fn extractive() -> Result<Extractive, Failure> {
    let terms = term_counter(sparse::LANGUAGE)?;
    Ok(Extractive::new(move |text| terms.terms(text)))
}

/// Counts the terms of a language.
pub(super) fn term_counter(language: &str) -> Result<TermCounter, Failure> {
    TermCounter::new(language).map_err(Failure::config)
}

/// A collection has terms of one language, told apart in one way.
pub(super) fn same_words(settings: &Settings, manifest: &Manifest) -> Result<(), Failure> {
    let built = &manifest.sparse.language;
    match &settings.language {
        Some(language) if language != built => Err(Failure::config(format!(
            "collection `{}` has the words of {built}, and not of {language}",
            settings.collection
        ))
        .hint(format!(
            "use --language {built}, or build it anew: docent ingest --rebuild --language {language}"
        ))),
        _ => sparse::check(&manifest.sparse).map_err(|problem| other_words(settings, &problem)),
    }
}

fn other_words(settings: &Settings, problem: &str) -> Failure {
    Failure::config(format!("collection `{}`: {problem}", settings.collection))
        .hint("build it anew: docent ingest --rebuild")
}

/// Everything `search` and `query` ask, on a collection that exists.
pub(super) async fn retriever(
    context: &Context,
    store: Arc<dyn VectorStore>,
) -> Result<Retriever, Failure> {
    let manifest = store.manifest().await?.ok_or_else(|| missing_collection(context, &*store))?;
    let embedder = embedder(context, Some(&manifest)).await?;
    let sparse = SparseEncoder::new(&manifest.sparse)
        .map_err(|problem| other_words(&context.settings, &problem))?;
    let reranker = match &context.settings.rerank {
        Some(rerank) => Some(reranker(context, rerank, retry_policy(&context.settings)).await?),
        None => None,
    };
    Ok(Retriever { embedder, store, sparse: Arc::new(sparse), late: Arc::default(), reranker })
}

/// What is configured to put the first hits into a better order.
pub(super) async fn reranker(
    context: &Context,
    rerank: &Rerank,
    retry: RetryPolicy,
) -> Result<Arc<dyn Reranker>, Failure> {
    let (endpoint, model) = match &rerank.model {
        RerankModel::Onnx(dir) => {
            let dir = context.cwd.join(dir);
            return Ok(loaded(move || rerank_onnx::open(&dir)).await?.into());
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

/// Says what retrieval works with, to one who asked.
pub(super) fn describe_retriever(ui: &mut Ui, retriever: &Retriever) {
    describe(ui, &*retriever.store, &*retriever.embedder);
    if let Some(reranker) = &retriever.reranker {
        let RerankerId { name, revision, endpoint } = reranker.id();
        let place = revision.as_ref().or(endpoint.as_ref()).filter(|place| *place != name);
        ui.detail(&format!(
            "reranker {name}{}",
            place.map(|place| format!(" ({place})")).unwrap_or_default()
        ));
    }
}

/// Says what a command works with, to one who asked.
pub(super) fn describe(ui: &mut Ui, store: &dyn VectorStore, embedder: &dyn Embedder) {
    let id = embedder.id();
    ui.detail(&format!("store {}", store.endpoint()));
    ui.detail(&format!("embedder {} ({}), {} dimensions", id.name, id.revision, id.dimensions));
}

/// How the embedding endpoint was spared in this run, for `--verbose`.
pub(super) fn describe_throttling(ui: &mut Ui, embedder: &dyn Embedder) {
    if let Some(Throttled { times, fewest }) = embedder.throttled() {
        let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        ui.detail(&format!(
            "throttled {times}: the embedding endpoint took no more; at the fewest, {fewest} under way"
        ));
    }
}

pub(super) fn missing_collection(context: &Context, store: &dyn VectorStore) -> Failure {
    let collection = &context.settings.collection;
    Failure::new(
        Exit::Config,
        format!("there is no collection `{collection}` in {}", store.endpoint()),
    )
    .hint(match collection.as_str() {
        "docent" => "create it: docent ingest PATH".to_owned(),
        _ => format!("create it: docent ingest --collection {collection} PATH"),
    })
}

pub(super) fn retry_policy(settings: &Settings) -> RetryPolicy {
    RetryPolicy {
        attempts: settings.attempts,
        base: Duration::from_millis(500),
        max: Duration::from_secs(30),
    }
}
