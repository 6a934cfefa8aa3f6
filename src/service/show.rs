//! What is stored of a document, chunk by chunk.

use super::source::{self, ProjectPlace};
use crate::embed::Embedder;
use crate::error::BackendError;
use crate::ingest::discover::{FoundFile, broken_link};
use crate::query::explain::{Expected, Staleness};
use crate::store::{VectorStore, chunks_of, damaged};
use crate::types::{Chunk, DocumentRecord, FailureRecord, Locator};

/// Most sources to suggest for a name that is not stored.
const NEAREST: usize = 3;

/// A request to show a document.
#[derive(Clone, Copy)]
pub struct ShowRequest<'a> {
    /// A source or path, with or without a place in it, as typed.
    pub typed: &'a str,
    pub at: ProjectPlace<'a>,
    /// Counts the tokens of chunks; `None` where they need not be counted.
    pub embedder: Option<&'a dyn Embedder>,
}

/// What is stored of a document, or of a place in it.
#[derive(Clone, PartialEq, Debug)]
pub struct ShownDocument {
    pub asked: Expected,
    /// `None` if the document was never ingested, or a run was cut off before it was.
    pub document: Option<DocumentRecord>,
    /// Why its last version could not be ingested.
    pub failure: Option<FailureRecord>,
    /// How its file differs from what was read.
    pub drift: Option<Staleness>,
    /// The chunks at the place that was asked for, in the order of the text.
    pub chunks: Vec<ShownChunk>,
    /// How many chunks the document has in total.
    pub stored: usize,
    /// How many chunks are not of the version in the record, since a run was cut off.
    pub outdated: usize,
    /// Places of the first and the last of all chunks.
    pub extent: Option<(Locator, Locator)>,
    /// If nothing is stored: the sources that may have been meant.
    pub nearest: Vec<String>,
    /// If nothing is stored: whether there is such a file.
    pub is_file: bool,
    /// If it is a broken link: its target.
    pub broken_link: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ShownChunk {
    pub chunk: Chunk,
    /// Tokens of what is embedded: headings and text.
    pub tokens: Option<usize>,
}

impl ShownDocument {
    /// Title of the document; empty if it has none.
    pub fn title(&self) -> &str {
        self.chunks.first().map_or("", |first| first.chunk.title.as_str())
    }

    /// Whether anything is known of the document.
    pub fn is_known(&self) -> bool {
        self.document.is_some() || self.failure.is_some() || self.stored > 0
    }

    /// How many chunks of the record are missing in the store.
    pub fn lacking(&self) -> usize {
        let recorded = self.document.as_ref().map_or(0, |record| record.chunks as usize);
        recorded.saturating_sub(self.stored - self.outdated)
    }
}

/// Looks a document up and lists its chunks.
pub async fn show(
    store: &dyn VectorStore,
    request: &ShowRequest<'_>,
) -> Result<ShownDocument, BackendError> {
    let (documents, failures) = (store.documents().await?, store.failures().await?);
    let failed = failures.iter().map(|failure| failure.source.as_str());
    let known: Vec<&str> =
        documents.iter().map(|record| record.source.as_str()).chain(failed).collect();
    let asked = source::named(request.typed, &known, request.at);
    let document = documents.iter().find(|record| record.source == asked.source);
    let failure = failures.iter().find(|failure| failure.source == asked.source);
    let mut shown = stored(store, &asked.source, document.cloned()).await?;
    shown.drift = document.and_then(|record| source::drift_of(request.at.root, record));
    shown.failure = failure.cloned();
    shown.asked = asked;
    if !shown.is_known() {
        shown.broken_link = broken_link(&request.at.root.join(&shown.asked.source));
        let known = if shown.broken_link.is_none() { known } else { Vec::new() };
        let nearest = source::nearest(&shown.asked.source, &known, NEAREST);
        shown.nearest = nearest.into_iter().map(str::to_owned).collect();
        shown.is_file = FoundFile::at(request.at.root, &shown.asked.source).is_some();
    }
    shown.chunks.retain(|shown_chunk| shown.asked.covers(&shown_chunk.chunk));
    for ShownChunk { chunk, tokens } in &mut shown.chunks {
        *tokens = request.embedder.map(|it| it.count_tokens(&chunk.embedded()));
    }
    Ok(shown)
}

/// All chunks of a document whose record the caller has. Files are not looked at.
pub async fn stored(
    store: &dyn VectorStore,
    source: &str,
    document: Option<DocumentRecord>,
) -> Result<ShownDocument, BackendError> {
    let all = chunks_of(store, source).await?;
    if let Some(chunk) = all.iter().find(|chunk| !chunk.is_intact()) {
        return Err(damaged(store, chunk));
    }
    let is_outdated = |chunk: &&Chunk| {
        document.as_ref().is_some_and(|record| record.document_hash != chunk.document_hash)
    };
    Ok(ShownDocument {
        stored: all.len(),
        outdated: all.iter().filter(is_outdated).count(),
        extent: all.first().zip(all.last()).map(|(first, last)| (first.locator, last.locator)),
        asked: Expected { source: source.to_owned(), place: None },
        document,
        failure: None,
        drift: None,
        chunks: all.into_iter().map(|chunk| ShownChunk { tokens: None, chunk }).collect(),
        nearest: Vec::new(),
        is_file: false,
        broken_link: None,
    })
}
