//! Which collections a client may see, and what answers its calls.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Failure;
use crate::query::rewrite::Queries;
use crate::query::{Answer, AnswerEvent};
use crate::service::Engine;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::service::show;
use crate::store::CollectionReader;
use crate::types::{Chunk, DocumentRecord, Hit, Locator, is_url};

/// What the tools ask on behalf of one client.
#[async_trait]
pub trait ClientAccess: Send + Sync {
    /// The collections that the client may see, the default one first.
    fn collections(&self) -> Vec<String>;

    /// A collection as far as the client may see it; the default one if none is named.
    ///
    /// # Errors
    /// There is no collection of this name that the client may see.
    fn view(&self, collection: Option<&str>) -> Result<ClientView, Failure>;

    /// Waits until a call may begin. The call ends when the return value is dropped.
    ///
    /// # Errors
    /// The client asks more than it may.
    async fn begin(&self, work: CallCost) -> Result<CallPermit, Failure>;

    /// Answers a question. Events are sent to `emit` as they come. Dropping the future ends the work.
    ///
    /// # Errors
    /// There is no valid answer.
    async fn answer(
        &self,
        view: &ClientView,
        question: &str,
        filter: DocumentFilter,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Answer, Failure>;

    /// Reports what was read for the client.
    fn saw(&self, seen: &ClientRead<'_>);

    /// The URL at which a document, or a place in it, is opened.
    fn url(&self, collection: &str, source: &str, place: Option<Locator>) -> String;

    /// A failure in the form that the client may see.
    fn told(&self, failure: Failure) -> Failure;

    /// Whether the client is on this machine, so that the files behind the documents may be compared with
    /// them.
    fn is_local(&self) -> bool;

    /// Whether answers are written by a model of another provider.
    fn asks_others(&self) -> bool;
}

/// The kind of work that a call causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallCost {
    /// Almost none.
    Light,
    /// Retrieval.
    Search,
    /// Retrieval and an answer.
    Answer,
    /// A change of a collection.
    Ingest,
}

/// Held while a call goes on.
pub struct CallPermit(pub Box<dyn Any + Send>);

/// What was read for a client, for logs.
#[derive(Clone, Copy, Debug)]
pub struct ClientRead<'a> {
    pub collection: &'a str,
    pub version: u32,
    pub question: Option<&'a str>,
    pub sources: &'a [&'a str],
}

/// A collection as far as a client may see it. Everything that is read from it passes through here.
pub struct ClientView {
    pub name: String,
    engine: Arc<Engine>,
    within: Vec<String>,
    tags: Vec<String>,
}

/// The result of a search.
pub struct ClientSearch {
    pub version: u32,
    /// Id of the ingest that changed the collection last; until the next one, the same search finds the
    /// same hits.
    pub generation: String,
    /// Best first.
    pub hits: Arc<[Hit]>,
}

impl ClientView {
    /// `within`: paths, directories and globs, one of which must match each visible document; `tags` that
    /// each of them must have. Empty lists restrict nothing.
    pub fn new(name: String, engine: Arc<Engine>, within: Vec<String>, tags: Vec<String>) -> Self {
        Self { name, engine, within, tags }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for work beside the call.
    pub fn share(&self) -> Arc<Engine> {
        Arc::clone(&self.engine)
    }

    /// Whether the client may see the whole collection.
    pub fn is_whole(&self) -> bool {
        self.within.is_empty() && self.tags.is_empty()
    }

    /// The filter that was asked for, narrowed to what may be seen.
    pub fn filter(&self, asked: DocumentFilter) -> DocumentFilter {
        let mut tags = asked.tags;
        tags.extend(self.tags.iter().cloned());
        DocumentFilter { tags, within: self.within.clone(), ..asked }
    }

    /// # Errors
    /// The collection cannot be read, or the filter has an unknown kind of document or an invalid glob.
    pub async fn search(
        &self,
        question: &str,
        filter: DocumentFilter,
        k: usize,
    ) -> Result<ClientSearch, Failure> {
        let retriever = self.engine.retriever().await?;
        let options = self.engine.retrieve_options(&self.filter(filter), &retriever).await?;
        let overrides = RetrievalOverrides { k: Some(k), ..RetrievalOverrides::default() };
        let options = overrides.applied(options);
        let hits = retriever.retrieve(&Queries::of(question), &options).await?.hits;
        let reader = &retriever.reader;
        Ok(ClientSearch { version: reader.version(), generation: generation(reader), hits })
    }

    /// A snapshot of the collection, and its documents, ordered by source.
    ///
    /// # Errors
    /// The collection can't be read.
    pub async fn documents(&self) -> Result<(CollectionReader, Vec<DocumentRecord>), Failure> {
        let reader = self.engine.reader().await?;
        let filter = self.filter(DocumentFilter::default());
        let documents = self.engine.seen_documents(&filter, &reader).await?;
        Ok((reader, documents))
    }

    /// The stored chunks of a document from [`Self::documents`], in the order of its text.
    ///
    /// # Errors
    /// The collection can't be read, or is damaged.
    pub async fn chunks(
        &self,
        reader: &CollectionReader,
        document: &DocumentRecord,
    ) -> Result<Vec<Chunk>, Failure> {
        let shown = show::stored(&**reader, &document.source, Some(document.clone())).await?;
        let of_record = |chunk: &Chunk| chunk.document_hash == document.document_hash;
        Ok(shown.chunks.into_iter().map(|it| it.chunk).filter(of_record).collect())
    }
}

/// Id of the ingest that changed a collection last, marked while it is still running; empty if there was
/// none.
pub fn generation(reader: &CollectionReader) -> String {
    let manifest = reader.manifest();
    match (&manifest.unfinished, manifest.runs.last()) {
        (Some(run), _) => format!("{} goes on", run.run_id),
        (None, Some(run)) => run.run_id.to_string(),
        (None, None) => String::new(),
    }
}

/// Where a client that can only read resources opens a place of a document: for a web page, its own URL.
pub fn resource_url(collection: &str, source: &str, place: Option<Locator>) -> String {
    match place {
        Some(place) if is_url(source) => place.cite(source),
        None if is_url(source) => source.to_owned(),
        place => super::resource_uri::uri(collection, source, place),
    }
}
