//! What readers see of a shard whose writer was killed, and what is kept for them: see
//! [`cutoff`].

use std::collections::HashSet;

use qdrant_edge::Filter;
use uuid::Uuid;

use super::Opened;
use crate::store::edge::cutoff::{self, Seen};
use crate::store::edge::{engine, keys, whole};
use crate::store::{ChunkList, ChunkPage};
use crate::types::Chunk;

/// Chunks that are looked at together.
const AT_ONCE: usize = 512;

impl Opened {
    /// For readers, after the writer was killed.
    pub(in crate::store::edge) fn after_a_kill(mut self) -> Result<Self, String> {
        let replaced = cutoff::kept(&self.version)?;
        self.seen = Some(self.with(|shard| whole::seen(shard, &replaced))?);
        Ok(self)
    }

    /// For the writer, after another one was killed.
    pub(in crate::store::edge) fn mend(&self) -> Result<(), String> {
        self.delete(whole::mend_doubles)
    }

    fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref().filter(|_| !self.has_writer())
    }

    /// The filter, for what there is to be seen.
    pub(in crate::store::edge) fn filter(&self, filter: Option<Filter>) -> Option<Filter> {
        match self.seen() {
            Some(seen) => keys::without_points(filter, &seen.hidden),
            None => filter,
        }
    }

    /// Makes a chunk the one that is to be seen.
    pub(in crate::store::edge) fn as_seen(&self, chunk: &mut Chunk) {
        if let Some(former) = self.seen().and_then(|seen| seen.former.get(&chunk.id())) {
            *chunk = former.clone();
        }
    }

    /// A page of chunks.
    pub(in crate::store::edge) fn chunks(&self, request: &ChunkPage) -> Result<ChunkList, String> {
        let none = HashSet::new();
        let hidden = self.seen().map_or(&none, |seen| &seen.hidden);
        let mut list = self.with(|shard| engine::chunks(shard, request, hidden))?;
        list.chunks.iter_mut().for_each(|chunk| self.as_seen(chunk));
        Ok(list)
    }

    pub(in crate::store::edge) fn count_chunks(&self) -> Result<usize, String> {
        self.seen().map_or_else(|| self.with(engine::count_chunks), |seen| Ok(seen.chunks))
    }

    /// Keeps what these points are now, those that there are: a kill may leave a part of what takes
    /// their place.
    pub(in crate::store::edge) fn keep(&self, ids: &[Uuid]) -> Result<(), String> {
        for batch in ids.chunks(AT_ONCE) {
            let ids = batch.iter().copied();
            let present = self.with(|shard| engine::chunks_with(shard, ids))?;
            if !present.is_empty() {
                cutoff::keep(&self.version, present.into_values().collect())
                    .map_err(|error| format!("what is replaced can't be kept: {error}"))?;
            }
        }
        Ok(())
    }
}
