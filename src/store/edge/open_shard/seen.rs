//! What readers see of a shard whose writer was killed or is at work, and what is stored for that purpose:
//! see [`cutoff`] and [`in_progress`].

use std::collections::BTreeSet;

use qdrant_edge::Filter;
use uuid::Uuid;

use super::OpenShard;
use crate::store::edge::cutoff::{self, ReaderView};
use crate::store::edge::guard::held;
use crate::store::edge::{engine, filter_index, full_scan, in_progress, pages};
use crate::store::payload::CHUNK;
use crate::store::{ChunkList, ChunkPage, Intent, PointList};
use crate::types::{Chunk, DocumentRecord};

/// Number of chunks checked together.
const AT_ONCE: usize = 512;

/// Who reads: a writer sees everything.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::store::edge) enum Viewer {
    Readers,
    Writers,
}

impl OpenShard {
    /// For readers, after the writer was killed.
    pub(in crate::store::edge) fn after_a_kill(mut self) -> Result<Self, String> {
        let intents = cutoff::intents(&self.version)?;
        self.seen = Some(self.with(|shard| full_scan::seen(shard, &intents))?);
        Ok(self)
    }

    /// For the next writer, after one was killed.
    pub(in crate::store::edge) fn mend(&self) -> Result<(), String> {
        held(&self.under_way).clear();
        self.delete(full_scan::remove_duplicates)
    }

    fn seen(&self) -> Option<&ReaderView> {
        self.seen.as_ref().filter(|_| !self.has_writer())
    }

    /// The filter, restricted to what this caller sees.
    pub(in crate::store::edge) fn filter(
        &self,
        filter: Option<Filter>,
        eyes: Viewer,
    ) -> Option<Filter> {
        if eyes == Viewer::Writers {
            return filter;
        }
        match self.seen() {
            Some(seen) => filter_index::without_points(filter, &seen.hidden),
            None => filter_index::without_sources(filter, &held(&self.under_way)),
        }
    }

    /// Replaces a chunk by the state of it that readers see.
    pub(in crate::store::edge) fn as_seen(&self, chunk: &mut Chunk) {
        if let Some(former) = self.seen().and_then(|seen| seen.former.get(&chunk.id())) {
            *chunk = former.clone();
        }
    }

    /// Whether readers see a document that has a record.
    pub(in crate::store::edge) fn sees(&self, record: &DocumentRecord) -> bool {
        self.seen().is_none_or(|seen| !seen.gone.contains(&record.source))
    }

    /// A page of chunks.
    pub(in crate::store::edge) fn chunks(
        &self,
        request: &ChunkPage,
        eyes: Viewer,
    ) -> Result<ChunkList, String> {
        let filter = self.listed(request, eyes);
        let mut list = self.with(|shard| pages::chunks(shard, request, filter))?;
        list.chunks.iter_mut().for_each(|chunk| self.as_seen(chunk));
        Ok(list)
    }

    /// A page of chunks with their vectors.
    pub(in crate::store::edge) fn points(
        &self,
        request: &ChunkPage,
        eyes: Viewer,
    ) -> Result<PointList, String> {
        let filter = self.listed(request, eyes);
        let mut list = self.with(|shard| pages::points(shard, request, filter))?;
        list.points.iter_mut().for_each(|point| self.as_seen(&mut point.chunk));
        Ok(list)
    }

    /// The filter for a page.
    fn listed(&self, request: &ChunkPage, eyes: Viewer) -> Option<Filter> {
        let conditions = filter_index::conditions(&request.filter).into_iter();
        let filter =
            filter_index::must(conditions.chain([filter_index::is("record", CHUNK)]).collect());
        self.filter(Some(filter), eyes)
    }

    pub(in crate::store::edge) fn count_chunks(&self, eyes: Viewer) -> Result<usize, String> {
        if let (Some(seen), Viewer::Readers) = (self.seen(), eyes) {
            return Ok(seen.chunks);
        }
        let chunks = filter_index::must(vec![filter_index::is("record", CHUNK)]);
        self.with(|shard| engine::count(shard, self.filter(Some(chunks), eyes)))
    }

    /// Called before the first chunk of documents is written. Stores what others are to see after a kill, and
    /// hides documents that are stored in several steps.
    pub(in crate::store::edge) fn will_store(&self, documents: Vec<Intent>) -> Result<(), String> {
        let mut intents = Vec::new();
        for document in documents {
            let record = DocumentRecord::id(&document.source);
            if document.in_parts && !self.with(|shard| engine::has_any(shard, &[record]))? {
                self.put_under_way(|sources| sources.insert(document.source.clone()))?;
            }
            // Nothing is seen of a new document without its record.
            if document.replaces_all_but.is_some() || document.moved_from.is_some() {
                let ids = document.replaces_all_but.as_deref().unwrap_or_default();
                let kept = self.present(ids)?;
                intents.push((document, kept));
            }
        }
        if intents.is_empty() {
            return Ok(());
        }
        cutoff::keep(&self.version, intents)
            .map_err(|error| format!("can't save the chunks that are being replaced: {error}"))
    }

    /// Shows documents whose records are written to others.
    pub(in crate::store::edge) fn have_stored(&self, sources: &[String]) -> Result<(), String> {
        self.put_under_way(|under_way| {
            let before = under_way.len();
            under_way.retain(|source| !sources.contains(source));
            under_way.len() < before
        })
    }

    /// `change`: returns whether it has changed anything.
    fn put_under_way(
        &self,
        change: impl FnOnce(&mut BTreeSet<String>) -> bool,
    ) -> Result<(), String> {
        let mut sources = held(&self.under_way);
        if !change(&mut sources) {
            return Ok(());
        }
        in_progress::write(&self.version, &sources)
            .map_err(|error| format!("can't save the list of unfinished documents: {error}"))
    }

    /// The existing chunks with these ids.
    fn present(&self, ids: &[Uuid]) -> Result<Vec<Chunk>, String> {
        let mut present = Vec::new();
        for batch in ids.chunks(AT_ONCE) {
            let found = self.with(|shard| engine::chunks_with(shard, batch.iter().copied()))?;
            present.extend(found.into_values());
        }
        Ok(present)
    }
}
