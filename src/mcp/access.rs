//! What a client may see of the collections, and who answers it.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Failure;
use crate::query::rewrite::Queries;
use crate::query::{Answer, AnswerEvent};
use crate::service::Engine;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::service::show;
use crate::store::Reader;
use crate::types::{Chunk, DocumentRecord, Hit, Locator, is_url};

/// Whom the tools ask, on behalf of one client.
#[async_trait]
pub trait ClientAccess: Send + Sync {
    /// The collections that the client may see, the usual one first.
    fn collections(&self) -> Vec<String>;

    /// A collection as far as the client may see it; unless one is named, the usual one.
    ///
    /// # Errors
    /// There is none of this name, as far as the client may know.
    fn view(&self, collection: Option<&str>) -> Result<View, Failure>;

    /// Lets a call begin. It ends when what is returned is dropped.
    ///
    /// # Errors
    /// The client asks more than it may.
    async fn begin(&self, work: Work) -> Result<Turn, Failure>;

    /// Answers a question. Events go to `emit` as they come. Dropped, it ends.
    ///
    /// # Errors
    /// There is no answer that counts.
    async fn answer(
        &self,
        view: &View,
        question: &str,
        filter: DocumentFilter,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Answer, Failure>;

    /// Told of what was read for the client.
    fn saw(&self, seen: &Seen<'_>);

    /// Where a document, or a place in it, is opened.
    fn url(&self, collection: &str, source: &str, place: Option<Locator>) -> String;

    /// A failure as the client may be told of it.
    fn told(&self, failure: Failure) -> Failure;

    /// The client is on this machine: the files behind the documents may be compared with them.
    fn is_local(&self) -> bool;

    /// Answers are written by a model of somebody else's.
    fn asks_others(&self) -> bool;
}

/// What a call takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Next to nothing.
    Light,
    /// Retrieval.
    Search,
    /// Retrieval, and an answer.
    Answer,
    /// A change of a collection.
    Ingest,
}

/// Held while a call goes on.
pub struct Turn(pub Box<dyn Any + Send>);

/// What was read for a client, for logs.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub collection: &'a str,
    pub version: u32,
    pub question: Option<&'a str>,
    pub sources: &'a [&'a str],
}

/// A collection, as far as a client may see it. Whatever is read of it goes through here.
pub struct View {
    pub name: String,
    engine: Arc<Engine>,
    within: Vec<String>,
    tags: Vec<String>,
}

/// What was found.
pub struct Found {
    pub version: u32,
    /// Id of the ingest that changed the collection last: what was found is found again until the next.
    pub generation: String,
    /// Best first.
    pub hits: Arc<[Hit]>,
}

impl View {
    /// `within`: paths, directories and globs, one of which selects every document that may be seen, and
    /// `tags` that each of them has; none restrict nothing.
    pub fn new(name: String, engine: Arc<Engine>, within: Vec<String>, tags: Vec<String>) -> Self {
        Self { name, engine, within, tags }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for what goes on beside the call.
    pub fn share(&self) -> Arc<Engine> {
        Arc::clone(&self.engine)
    }

    /// All of the collection is seen.
    pub fn is_whole(&self) -> bool {
        self.within.is_empty() && self.tags.is_empty()
    }

    /// What is asked for, of what may be seen.
    pub fn filter(&self, asked: DocumentFilter) -> DocumentFilter {
        let mut tags = asked.tags;
        tags.extend(self.tags.iter().cloned());
        DocumentFilter { tags, within: self.within.clone(), ..asked }
    }

    /// # Errors
    /// The collection can't be asked, or the filter has no kind of document or no glob.
    pub async fn search(
        &self,
        question: &str,
        filter: DocumentFilter,
        k: usize,
    ) -> Result<Found, Failure> {
        let retriever = self.engine.retriever().await?;
        let options = self.engine.retrieve_options(&self.filter(filter), &retriever).await?;
        let overrides = RetrievalOverrides { k: Some(k), ..RetrievalOverrides::default() };
        let options = overrides.applied(options);
        let hits = retriever.retrieve(&Queries::of(question), &options).await?.hits;
        let reader = &retriever.reader;
        Ok(Found { version: reader.version(), generation: generation(reader), hits })
    }

    /// A snapshot of the collection, and its documents, ordered by source.
    ///
    /// # Errors
    /// The collection can't be read.
    pub async fn documents(&self) -> Result<(Reader, Vec<DocumentRecord>), Failure> {
        let reader = self.engine.reader().await?;
        let filter = self.filter(DocumentFilter::default());
        let documents = self.engine.seen_documents(&filter, &reader).await?;
        Ok((reader, documents))
    }

    /// What is stored of a document that is [seen](Self::documents), in the order of its text.
    ///
    /// # Errors
    /// The collection can't be read, or is damaged.
    pub async fn chunks(
        &self,
        reader: &Reader,
        document: &DocumentRecord,
    ) -> Result<Vec<Chunk>, Failure> {
        let shown = show::stored(&**reader, &document.source, Some(document.clone())).await?;
        let of_record = |chunk: &Chunk| chunk.document_hash == document.document_hash;
        Ok(shown.chunks.into_iter().map(|it| it.chunk).filter(of_record).collect())
    }
}

/// Id of the ingest that changed a collection last, and whether it still does; empty where none did.
pub fn generation(reader: &Reader) -> String {
    let manifest = reader.manifest();
    match (&manifest.unfinished, manifest.runs.last()) {
        (Some(run), _) => format!("{} goes on", run.run_id),
        (None, Some(run)) => run.run_id.to_string(),
        (None, None) => String::new(),
    }
}

/// Where a place of a document is opened by who can read resources only: of a page of the web, where it
/// is.
pub fn resource_url(collection: &str, source: &str, place: Option<Locator>) -> String {
    match place {
        Some(place) if is_url(source) => place.cite(source),
        None if is_url(source) => source.to_owned(),
        place => super::place::uri(collection, source, place),
    }
}
