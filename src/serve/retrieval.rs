//! A search in a collection, as far as its caller may see it.

use std::sync::Arc;
use std::time::Instant;

use super::access::Scoped;
use super::answering::{AskedCollection, sources};
use super::call::SharedNotes;
use crate::error::Failure;
use crate::query::RetrievedChunks;
use crate::query::rewrite::Queries;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::types::{Hit, Mode};

/// The result of a search.
pub(super) struct SearchOutcome {
    pub(super) asked: AskedCollection,
    pub(super) mode: Mode,
    /// Best first.
    pub(super) hits: Arc<[Hit]>,
    /// The hits came from the cache.
    pub(super) cached: bool,
    pub(super) elapsed_ms: u64,
}

impl Scoped {
    /// # Errors
    /// The collection cannot be read, or the filter has an unknown kind of document or an invalid glob.
    pub(super) async fn search(
        &self,
        queries: &Queries,
        filter: DocumentFilter,
        overrides: RetrievalOverrides,
    ) -> Result<SearchOutcome, Failure> {
        let started = Instant::now();
        let retriever = self.engine().retriever().await?;
        let options = self.engine().retrieve_options(&self.filter(filter), &retriever).await?;
        let options = overrides.applied(options);
        let RetrievedChunks { hits, cached, .. } = retriever.retrieve(queries, &options).await?;
        Ok(SearchOutcome {
            asked: AskedCollection::new(&self.name, &retriever.reader),
            mode: options.mode,
            hits,
            cached,
            elapsed_ms: started.elapsed().as_millis() as u64,
        })
    }
}

impl SearchOutcome {
    /// Adds the search to the log, the audit and the metrics.
    pub(super) fn note(&self, notes: &SharedNotes) {
        notes.note(|notes| {
            notes.version = Some(self.asked.version);
            notes.generation = self.asked.generation.map(|id| id.to_string());
            notes.retrieved_ms = Some(self.elapsed_ms);
            notes.documents = sources(self.hits.iter().map(|hit| &*hit.chunk.source));
        });
    }
}
