//! Reading chunks without a question, a page at a time.

use uuid::Uuid;

use super::VectorStore;
use crate::error::BackendError;
use crate::types::{Chunk, Filter, Point};

/// The request of [`VectorStore::chunks`] and [`VectorStore::points`].
#[derive(Clone, Debug, Default)]
pub struct ChunkPage {
    pub filter: Filter,
    /// Maximum number of chunks on this page.
    pub limit: usize,
    /// Where the page begins: [`ChunkList::next`] of the page before it; `None` for the first.
    pub from: Option<Uuid>,
}

impl ChunkPage {
    /// Whether the page is empty for sure.
    pub(super) fn is_empty(&self) -> bool {
        self.limit == 0 || self.filter.sources.as_ref().is_some_and(Vec::is_empty)
    }
}

/// A page of chunks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChunkList {
    pub chunks: Vec<Chunk>,
    /// Where the next page begins; `None` where there is none.
    pub next: Option<Uuid>,
}

/// A page of chunks with their vectors.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PointList {
    pub points: Vec<Point>,
    /// As in [`ChunkList::next`].
    pub next: Option<Uuid>,
}

/// Chunks requested at once.
const PAGE: usize = 1_000;

/// Calls `show` for every chunk that passes a filter, in the order of [`VectorStore::chunks`].
pub async fn each_chunk(
    store: &dyn VectorStore,
    filter: Filter,
    mut each: impl FnMut(Chunk),
) -> Result<(), BackendError> {
    let mut page = ChunkPage { filter, limit: PAGE, from: None };
    loop {
        let list = store.chunks(page.clone()).await?;
        list.chunks.into_iter().for_each(&mut each);
        page.from = list.next;
        if page.from.is_none() {
            return Ok(());
        }
    }
}

/// All chunks of a document in the order of its text. Where a run was cut off, those of two versions of the
/// document are interleaved.
pub async fn chunks_of(store: &dyn VectorStore, source: &str) -> Result<Vec<Chunk>, BackendError> {
    let filter = Filter { sources: Some(vec![source.to_owned()]), ..Filter::default() };
    let mut chunks = Vec::new();
    each_chunk(store, filter, |chunk| chunks.push(chunk)).await?;
    chunks.sort_by_cached_key(|chunk| (chunk.ordinal, chunk.id()));
    Ok(chunks)
}
