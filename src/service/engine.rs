//! The engine: what lives as long as the process.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, OnceCell};

use super::backends::{self, VerifierModel};
use super::compatibility;
use super::context::Context;
use super::provenance::TraceSink;
use super::retrieval::Exact;
use crate::chat::ChatModel;
use crate::embed::Embedder;
use crate::embed::sparse::SparseEncoder;
use crate::error::{Exit, ExternalService, Failure, Fault, shell_word};
use crate::interaction::LateInteraction;
use crate::query::cache::RetrievalCache;
use crate::query::prompt::template::Template;
use crate::query::{CachedRetrieval, Retriever};
use crate::rerank::Reranker;
use crate::settings::DEFAULT_COLLECTION;
use crate::store::{Collection, CollectionReader, OnWait};
use crate::types::{EmbedderId, Manifest, SparseId};

/// The configured collection and the models that ask it. Each is opened once, when it is first needed.
pub struct Engine {
    pub context: Context,
    collection: Arc<dyn Collection>,
    /// Locked while models are opened, so that others wait for the same ones.
    models: Mutex<Option<Models>>,
    exact_filter: Mutex<Option<Exact>>,
    late: OnceLock<Arc<LateInteraction>>,
    chat: OnceLock<Arc<dyn ChatModel>>,
    quoting_chat: OnceLock<Arc<dyn ChatModel>>,
    verifier: OnceCell<VerifierModel>,
    template: OnceLock<Template>,
    traces: TraceSink,
    /// Cache of what retrieval found; `None`: not cached.
    remembered: Option<CachedRetrieval>,
    /// Whether the user was told which layout settings have no effect.
    pub(super) layout_told: AtomicBool,
}

/// How many rebuilds in a row may replace the collection while a snapshot is being opened.
const REBUILDS: u32 = 5;

/// The models that ask a collection.
#[derive(Clone)]
struct Models {
    built_with: (EmbedderId, SparseId, Vec<String>),
    embedder: Arc<dyn Embedder>,
    sparse: Arc<SparseEncoder>,
    reranker: Option<Arc<dyn Reranker>>,
}

impl Engine {
    /// Opens an engine; no backend is asked yet. `on_wait` is called with the process that the
    /// collection waits for.
    ///
    /// # Errors
    /// The settings name a store that cannot exist.
    pub fn open(context: Context, on_wait: OnWait) -> Result<Self, Failure> {
        Ok(Self {
            collection: backends::collection(&context, on_wait)?,
            context,
            models: Mutex::default(),
            exact_filter: Mutex::default(),
            late: OnceLock::new(),
            chat: OnceLock::new(),
            quoting_chat: OnceLock::new(),
            verifier: OnceCell::new(),
            template: OnceLock::new(),
            traces: TraceSink::default(),
            remembered: None,
            layout_told: AtomicBool::new(false),
        })
    }

    /// Keeps records of answers in `provenance`.
    #[must_use]
    pub fn traced(self, traces: TraceSink) -> Self {
        Self { traces, ..self }
    }

    /// Caches what retrieval finds in a cache that is shared with engines of other collections.
    #[must_use]
    pub fn remembering(self, cache: &Arc<RetrievalCache>) -> Self {
        let collection = self.context.settings.collection.as_str().into();
        Self { remembered: Some(CachedRetrieval { cache: Arc::clone(cache), collection }), ..self }
    }

    pub fn collection(&self) -> &Arc<dyn Collection> {
        &self.collection
    }

    pub(super) fn exact_filter(&self) -> &Mutex<Option<Exact>> {
        &self.exact_filter
    }

    pub(super) fn traces(&self) -> &TraceSink {
        &self.traces
    }

    /// A snapshot of the collection, whatever built it, ready to be asked. A caller that had to wait
    /// for a rebuild gets its result.
    ///
    /// # Errors
    /// There is no collection, or the store fails.
    pub async fn reader(&self) -> Result<CollectionReader, Failure> {
        let mut tries = 0..REBUILDS;
        loop {
            let reader = self.collection.read().await?;
            let reader = reader.ok_or_else(|| self.missing_collection())?;
            match reader.open().await {
                // Nothing was read from the replaced version yet.
                Err(error) if error.fault == Fault::Replaced && tries.next().is_some() => {}
                opened => return Ok(opened.map(|()| reader)?),
            }
        }
    }

    /// A snapshot of the collection with the models that ask it, for one question.
    ///
    /// # Errors
    /// There is no collection, it was built with other models than are configured, or a model does not
    /// answer.
    pub async fn retriever(&self) -> Result<Retriever, Failure> {
        self.retriever_of(&self.context, self.reader().await?).await
    }

    /// The same for a complete version, live or not, with the embedder that it was built with.
    ///
    /// # Errors
    /// There is no version with this number; and as with [`Self::retriever`].
    pub async fn version_retriever(&self, number: u32) -> Result<Retriever, Failure> {
        let reader = self.complete_version(number).await?;
        reader.open().await?;
        let mut context = self.context.clone();
        compatibility::take_embedder(&mut context, &reader.manifest().embedder);
        self.retriever_of(&context, reader).await
    }

    async fn retriever_of(
        &self,
        context: &Context,
        reader: CollectionReader,
    ) -> Result<Retriever, Failure> {
        let Models { embedder, sparse, reranker, .. } =
            self.models(context, reader.manifest()).await?;
        let late = Arc::clone(self.late.get_or_init(Arc::default));
        let remembered = self.remembered.clone();
        Ok(Retriever { embedder, reader, sparse, late, reranker, remembered })
    }

    async fn models(&self, context: &Context, manifest: &Manifest) -> Result<Models, Failure> {
        let mut models = self.models.lock().await;
        let fits = |models: &&Models| {
            let (embedder, sparse, languages) = &models.built_with;
            (embedder, sparse) == (&manifest.embedder, &manifest.sparse)
                && languages.iter().eq(manifest.languages.keys())
        };
        if let Some(models) = models.as_ref().filter(fits) {
            return Ok(models.clone());
        }
        let embedder = backends::embedder(context, Some(manifest)).await?;
        let sparse =
            SparseEncoder::new(&manifest.sparse, manifest.languages.keys().map(String::as_str))
                .map_err(|problem| compatibility::other_words(&context.settings, &problem))?;
        // The reranker does not depend on the collection.
        let opened = models.take().and_then(|models| models.reranker);
        let reranker = match (opened, &context.settings.rerank) {
            (Some(reranker), _) => Some(reranker),
            (None, Some(rerank)) => {
                let retry = backends::retry_policy(&context.settings);
                Some(backends::reranker(context, rerank, retry).await?)
            }
            (None, None) => None,
        };
        let languages = manifest.languages.keys().cloned().collect();
        let built_with = (manifest.embedder.clone(), manifest.sparse.clone(), languages);
        let sparse = Arc::new(sparse);
        Ok(models.insert(Models { built_with, embedder, sparse, reranker }).clone())
    }

    /// The configured chat model, or the extractive one if none is configured.
    pub fn chat(&self) -> Result<Arc<dyn ChatModel>, Failure> {
        if let Some(chat) = self.chat.get() {
            return Ok(Arc::clone(chat));
        }
        let chat = backends::chat(&self.context)?;
        Ok(Arc::clone(self.chat.get_or_init(|| chat)))
    }

    /// The extractive model, whatever is configured.
    pub(super) fn quoting_chat(&self) -> Result<Arc<dyn ChatModel>, Failure> {
        if let Some(chat) = self.quoting_chat.get() {
            return Ok(Arc::clone(chat));
        }
        let chat = Arc::new(backends::extractive()?);
        Ok(Arc::clone(self.quoting_chat.get_or_init(|| chat)) as _)
    }

    /// The model of `--verify`, if one is configured.
    pub(super) async fn verifier(&self) -> Result<Option<VerifierModel>, Failure> {
        let Some(verify) = &self.context.settings.verify else { return Ok(None) };
        let open = || backends::verifier(&self.context, verify);
        self.verifier.get_or_try_init(open).await.cloned().map(Some)
    }

    /// The template of prompts: the user's, or docent's own.
    pub(super) fn template(&self) -> Result<&Template, Failure> {
        if let Some(template) = self.template.get() {
            return Ok(template);
        }
        let template = super::answering::template(&self.context)?;
        Ok(self.template.get_or_init(|| template))
    }

    pub(super) fn missing_collection(&self) -> Failure {
        let collection = &self.context.settings.collection;
        let failure = Failure {
            backend: Some((ExternalService::Store, Fault::NotFound)),
            ..Failure::new(
                Exit::Config,
                format!("there is no collection `{collection}` in {}", self.collection.endpoint()),
            )
        };
        failure.hint(match collection.as_str() {
            DEFAULT_COLLECTION => "create it: docent ingest PATH".to_owned(),
            _ if self.context.settings.tenant.is_none() && self.context.is_default("collection") => format!(
                "create it: docent ingest PATH; a collection of an earlier version of docent, which had another default name, is used with --collection {DEFAULT_COLLECTION}"
            ),
            _ => {
                format!("create it: docent ingest --collection {} PATH", shell_word(collection))
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;
    use crate::cancel;
    use crate::hub::Hub;
    use crate::query::RetrievedChunks;
    use crate::query::rewrite::Queries;
    use crate::record::Recording;
    use crate::service::retrieval::DocumentFilter;
    use crate::service::sync::{SyncInputs, SyncOptions};
    use crate::settings::{self, Layers};
    use crate::types::CrawlReach;

    /// An engine as a process of its own has it: two engines are like two processes.
    fn engine(root: &Path) -> Arc<Engine> {
        Arc::new(opened(root))
    }

    pub(in crate::service) fn opened(root: &Path) -> Engine {
        let settings = settings::resolve(&Layers(Vec::new()), true).unwrap();
        let context = Context {
            settings,
            cwd: root.to_owned(),
            root: root.to_owned(),
            data_dir: root.join(".docent"),
            outside: Vec::new(),
            sites: None,
            user: None,
            project: None,
            tape: Arc::new(Recording::default()),
            hub: Hub::default(),
        };
        Engine::open(context, Arc::new(|_| ())).unwrap()
    }

    async fn sync(engine: &Engine, rebuild: bool) {
        let inputs = SyncInputs::parse(vec!["docs".to_owned()], CrawlReach::default()).unwrap();
        let options = SyncOptions { rebuild, ..SyncOptions::default() };
        let report = engine.sync(inputs, &options, &cancel::pair().1, &mut drop).await.unwrap();
        assert_eq!(report.aborted, None);
    }

    /// Asks once, and returns the version that answered, or `None` if it was removed meanwhile.
    async fn ask(engine: &Engine) -> Option<u32> {
        let retriever = engine.retriever().await.unwrap();
        let options =
            engine.retrieve_options(&DocumentFilter::default(), &retriever).await.unwrap();
        match retriever.retrieve(&Queries::of("When does the ferry leave?"), &options).await {
            Ok(RetrievedChunks { hits, .. }) => {
                assert!(hits[0].chunk.text.contains("at nine"), "{hits:?}");
                Some(retriever.reader.version())
            }
            Err(error) => {
                assert!(error.message.contains("was rebuilt"), "{error}");
                None
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_ask_one_engine_while_another_process_rebuilds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        std::fs::write(dir.path().join("docs/a.md"), "# Ferry\n\nIt leaves at nine.\n").unwrap();
        let (writer, asked) = (engine(dir.path()), engine(dir.path()));
        sync(&writer, false).await;
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let asked = Arc::clone(&asked);
                tokio::spawn(async move {
                    let mut versions = Vec::new();
                    for _ in 0..25 {
                        versions.extend(ask(&asked).await);
                    }
                    versions
                })
            })
            .collect();
        for _ in 0..3 {
            sync(&writer, true).await;
        }
        for task in asking {
            let versions = task.await.unwrap();
            assert!(versions.is_sorted(), "nobody goes back to a former version: {versions:?}");
        }
        assert_eq!(ask(&asked).await, Some(4));
    }

    #[tokio::test]
    async fn a_glob_over_sources_finds_what_was_ingested_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        let (writer, asked) = (engine(dir.path()), engine(dir.path()));
        let sources = vec!["docs/*".to_owned()];
        let filter = DocumentFilter { sources, ..DocumentFilter::default() };
        for (name, expected) in [("a", &["docs/a.md"][..]), ("b", &["docs/a.md", "docs/b.md"])] {
            std::fs::write(
                dir.path().join(format!("docs/{name}.md")),
                format!("# {name}\n\nText.\n"),
            )
            .unwrap();
            sync(&writer, false).await;
            for _ in ["first", "remembered"] {
                let retriever = asked.retriever().await.unwrap();
                let options = asked.retrieve_options(&filter, &retriever).await.unwrap();
                assert_eq!(options.filter.sources.unwrap(), expected);
            }
        }
    }

    /// Whether the second retrieval came from the cache.
    async fn is_remembered(engine: &Engine) -> bool {
        let mut last = false;
        for _ in 0..2 {
            let retriever = engine.retriever().await.unwrap();
            let filter = DocumentFilter::default();
            let options = engine.retrieve_options(&filter, &retriever).await.unwrap();
            let queries = Queries::of("When does the ferry leave?");
            let RetrievedChunks { hits, cached, .. } =
                retriever.retrieve(&queries, &options).await.unwrap();
            assert_eq!(hits.len(), 1);
            last = cached;
        }
        last
    }

    #[tokio::test]
    async fn while_a_run_is_unfinished_nothing_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        std::fs::write(dir.path().join("docs/a.md"), "# Ferry\n\nIt leaves at nine.\n").unwrap();
        let writer = engine(dir.path());
        let cache = Arc::new(RetrievalCache::new(1 << 20));
        let asked = opened(dir.path()).remembering(&cache);
        sync(&writer, false).await;
        assert!(is_remembered(&asked).await);
        let before = Manifest::clone(asked.reader().await.unwrap().manifest());
        let unfinished = Manifest { unfinished: before.runs.last().cloned(), ..before.clone() };
        for (manifest, remembered) in [(&unfinished, false), (&before, true)] {
            let writing = writer.collection().write().await.unwrap();
            writing.put_manifest(manifest).await.unwrap();
            writing.close().await.unwrap();
            assert_eq!(is_remembered(&asked).await, remembered);
        }
        assert!(!is_remembered(&writer).await, "it has no cache");
    }

    #[test]
    fn an_engine_is_shared_by_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Engine>();
    }
}
