//! Deletes from a collection, within its limits, and never what a later writer wrote.

use qdrant_client::qdrant::{
    Condition, DeletePoints, Filter, PointsSelector, RetrievedPoint, ScrollPoints,
};
use uuid::Uuid;

use super::limits::{Shortfall, StrictLimits};
use super::link::or_missing;
use super::points::UpdateWriter;
use super::{lease, wire};
use crate::error::BackendError;
use crate::store::payload::{INTENT, KEPT};

/// Number of ids deleted together.
const BATCH: usize = 512;
/// Number of points per answer while looking for them.
const PAGE: u32 = 1_000;

/// What to delete.
pub(super) enum DeleteTarget {
    Points(Vec<Uuid>),
    /// All chunks of these documents except these.
    Chunks {
        sources: Vec<String>,
        but: Vec<Uuid>,
    },
    /// All intents of runs.
    Told,
}

/// Filter for the intents of runs: [`super::intents`].
pub(super) fn told() -> Filter {
    Filter::must([Condition::matches("record", vec![INTENT.to_owned(), KEPT.to_owned()])])
}

impl DeleteTarget {
    /// The points with these ids.
    pub(super) fn points(ids: impl Iterator<Item = Uuid>) -> Self {
        Self::Points(ids.collect())
    }

    /// One filter for all of it, if the limits allow that. Without a condition on terms where that is not
    /// allowed.
    fn filter(&self, term: Option<u64>, limits: StrictLimits) -> Option<Filter> {
        let filter = match self {
            Self::Points(_) => return None,
            Self::Chunks { sources, but } => {
                let mut filter = wire::chunks_of(sources);
                if !but.is_empty() {
                    filter.must_not.push(wire::has_id(but.iter().copied()));
                }
                filter
            }
            Self::Told => told(),
        };
        let filter = wire::not_later(filter, term);
        limits.fit(filter).ok().filter(|_| limits.deletes_by_filter())
    }

    /// Filters that together cover it, each within the limits.
    fn wider(&self, limits: StrictLimits) -> Result<Vec<Filter>, Shortfall> {
        match self {
            Self::Points(_) => Ok(Vec::new()),
            Self::Chunks { sources, .. } => {
                limits.parts(sources, 1)?.map(|part| limits.fit(wire::chunks_of(part))).collect()
            }
            Self::Told => Ok(vec![limits.fit(told())?]),
        }
    }

    fn spares(&self, id: &Uuid) -> bool {
        matches!(self, Self::Chunks { but, .. } if but.contains(id))
    }
}

impl UpdateWriter {
    /// Deletes in one request if the limits allow it; otherwise finds the points first and deletes them in
    /// parts.
    pub(super) async fn delete(self, doomed: DeleteTarget) -> Result<(), BackendError> {
        loop {
            let (limits, term) = (self.kept.limits(), lease::check(&self.lease).await?);
            let Some(filter) = doomed.filter(term, limits) else { break };
            match self.send_deletion(wire::by_filter(filter)).await {
                Err(error) if self.kept.learns(limits, &error).await => {}
                sent => return sent.map_err(|error| self.kept.told(error)),
            }
        }
        match doomed {
            DeleteTarget::Points(ids) => self.delete_points(&ids).await,
            doomed => {
                let found = self.look_for(&doomed).await?;
                self.delete_points(&found).await
            }
        }
    }

    async fn look_for(&self, doomed: &DeleteTarget) -> Result<Vec<Uuid>, BackendError> {
        let filters = doomed.wider(self.kept.limits()).map_err(|short| self.kept.short(short))?;
        let mut found = Vec::new();
        for filter in filters {
            let mut request = ScrollPoints {
                collection_name: self.kept.target.clone(),
                filter: Some(filter),
                limit: Some(PAGE),
                with_payload: Some(false.into()),
                with_vectors: Some(false.into()),
                ..ScrollPoints::default()
            };
            loop {
                let Some(page) = or_missing(self.kept.page(&request).await)? else { break };
                let id = |point: RetrievedPoint| wire::uuid(point.id?).ok();
                let ids = page.result.into_iter().filter_map(id);
                found.extend(ids.filter(|id| !doomed.spares(id)));
                if page.next_page_offset.is_none() {
                    break;
                }
                request.offset = page.next_page_offset;
            }
        }
        Ok(found)
    }

    async fn delete_points(&self, ids: &[Uuid]) -> Result<(), BackendError> {
        let mut done = 0;
        while done < ids.len() {
            let (limits, term) = (self.kept.limits(), lease::check(&self.lease).await?);
            let (most, by_term) = limits.deleted(BATCH);
            let part = &ids[done..ids.len().min(done + most)];
            let which = if by_term && term.is_some() {
                let these = Filter::must([wire::has_id(part.iter().copied())]);
                wire::by_filter(wire::not_later(these, term))
            } else {
                wire::by_id(part.iter().copied())
            };
            match self.send_deletion(which).await {
                Ok(()) => done += part.len(),
                Err(error) if self.kept.learns(limits, &error).await => {}
                Err(error) => return Err(self.kept.told(error)),
            }
        }
        Ok(())
    }

    async fn send_deletion(&self, points: PointsSelector) -> Result<(), BackendError> {
        let request = DeletePoints {
            collection_name: self.kept.target.clone(),
            wait: Some(true),
            points: Some(points),
            ..DeletePoints::default()
        };
        let _turn = self.kept.turn().await;
        let deleted = self.kept.link.ask_while(
            || self.may_still(),
            |client| {
                let request = request.clone();
                async move { client.delete_points(request).await }
            },
        );
        or_missing(deleted.await).map(|_| ())
    }
}
