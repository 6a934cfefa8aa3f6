//! Resumes an import that was cut off: what it stored is compared with the file, chunk by chunk with
//! its vectors, and what is missing or different is stored.
//!
//! Both list their chunks in the order of their ids, so that only one page of stored chunks is held at
//! a time. Updates that were lost in a kill, wherever they are, are found in this way.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{BackendError, Exit, Failure};
use crate::service::portable::PAGE;
use crate::store::{ChunkPage, CollectionWriter};
use crate::types::{Manifest, Ownership, Point};

/// The version that the run of this manifest has begun, with its chunks, or a new version.
pub(super) async fn begin(
    own: &dyn CollectionWriter,
    begun: &Manifest,
) -> Result<(Arc<dyn CollectionWriter>, bool), BackendError> {
    let run = begun.unfinished.as_ref().map(|run| run.run_id).unwrap_or_default();
    if let Some(left) = own.resume(run).await? {
        let there = left.manifest().await?;
        if there.is_some_and(|there| neutral(&there) == neutral(begun)) {
            return Ok((left, true));
        }
        left.drop_collection().await?;
    }
    let successor = own.successor().await?;
    successor.create(begun).await?;
    Ok((successor, false))
}

/// The manifest without its owner, and without the time at which the run began.
fn neutral(manifest: &Manifest) -> Manifest {
    Manifest { owner: Ownership::default(), unfinished: None, ..manifest.clone() }
}

/// Stored chunks that have not been found in the file yet.
pub(super) struct UnmatchedPoints<'a> {
    store: &'a dyn CollectionWriter,
    page: VecDeque<Point>,
    /// Where the next page begins; `None` after the last.
    next: Option<ChunkPage>,
}

impl<'a> UnmatchedPoints<'a> {
    pub(super) fn of(store: &'a dyn CollectionWriter) -> Self {
        let first = ChunkPage { limit: PAGE, ..ChunkPage::default() };
        Self { store, page: VecDeque::new(), next: Some(first) }
    }

    /// Those of the next chunks of the file that still have to be stored.
    pub(super) async fn missing(&mut self, points: Vec<Point>) -> Result<Vec<Point>, Failure> {
        let mut missing = Vec::new();
        for point in points {
            self.turn_over().await?;
            let id = point.chunk.id();
            match self.page.front().map(|stored| stored.chunk.id().cmp(&id)) {
                Some(Ordering::Less) => return Err(not_of_this_file()),
                Some(Ordering::Equal) => {
                    let stored = self.page.pop_front();
                    if stored.as_ref() != Some(&point) {
                        missing.push(point);
                    }
                }
                Some(Ordering::Greater) | None => missing.push(point),
            }
        }
        Ok(missing)
    }

    async fn turn_over(&mut self) -> Result<(), BackendError> {
        while self.page.is_empty()
            && let Some(page) = self.next.take()
        {
            let list = self.store.points(page.clone()).await?;
            self.next = list.next.map(|from: Uuid| ChunkPage { from: Some(from), ..page });
            self.page = list.points.into();
        }
        Ok(())
    }
}

fn not_of_this_file() -> Failure {
    let message = "an earlier import, which was cut off, left chunks that are not in the file; nothing was changed";
    Failure::new(Exit::Backend, message).hint("run this again: it starts over")
}
