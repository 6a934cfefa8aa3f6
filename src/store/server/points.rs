//! Writes and reads points of a collection, many at a time.

use std::sync::Arc;

use qdrant_client::qdrant::{
    Filter, PointStruct, RetrievedPoint, ScrollPoints, UpsertPoints, WithPayloadSelector,
    WithVectorsSelector,
};
use tokio::sync::Mutex;

use super::deleting::DeleteTarget;
use super::intents::HiddenChunks;
use super::lease::HeldLease;
use super::limited::LimitedClient;
use super::physical::{Physical, WriteRight};
use super::{lease, wire};
use crate::error::BackendError;
use crate::store::payload::Payload;
use crate::store::{ChunkList, ChunkPage, DENSE, ForeignPoints, PointList, SPARSE};

/// Points per upsert: a few MB at the usual dimensions.
const UPSERT: usize = 256;
/// Points per answer of a scroll.
const PAGE: u32 = 1_000;

/// What an update in the background needs.
pub(super) struct UpdateWriter {
    pub(super) kept: LimitedClient,
    pub(super) lease: Arc<Mutex<Option<HeldLease>>>,
}

impl UpdateWriter {
    /// Writes points, in as many requests as the limits require. Points of a later holder of the lease stay.
    pub(super) async fn write(self, mut points: Vec<PointStruct>) -> Result<(), BackendError> {
        while !points.is_empty() {
            let limits = self.kept.limits();
            let size = limits.batch(UPSERT).map_err(|short| self.kept.short(short))?;
            let rest = points.split_off(size.min(points.len()));
            let term = lease::check(&self.lease).await?;
            if let Some(term) = term {
                wire::stamp(&mut points, term);
            }
            let mut request = UpsertPoints {
                collection_name: self.kept.target.clone(),
                wait: Some(true),
                points,
                update_filter: term.map(|_| wire::not_later(Filter::default(), term)),
                ..UpsertPoints::default()
            };
            points = match self.send(&request).await {
                Ok(()) => rest,
                Err(error) if self.kept.learns(limits, &error).await => {
                    request.points.extend(rest);
                    request.points
                }
                Err(error) => return Err(self.kept.told(error)),
            };
        }
        Ok(())
    }

    async fn send(&self, request: &UpsertPoints) -> Result<(), BackendError> {
        let _turn = self.kept.turn().await;
        let sent = self.kept.link.ask_while(
            || self.may_still(),
            |client| {
                let request = request.clone();
                async move { client.upsert_points(request).await }
            },
        );
        sent.await.map(|_| ())
    }

    /// Checked before each attempt: after waiting for its turn, or for the server, another writer may have
    /// taken over.
    pub(super) async fn may_still(&self) -> Result<(), BackendError> {
        lease::check(&self.lease).await.map(|_| ())
    }
}

impl Physical {
    fn writer(&self, right: &WriteRight) -> UpdateWriter {
        UpdateWriter { kept: self.kept(), lease: Arc::clone(&right.lease) }
    }

    /// Writes what belongs to no part, once everything before it was written.
    pub(super) async fn write_whole(&self, points: Vec<PointStruct>) -> Result<(), BackendError> {
        let right = self.right()?;
        right.pipeline.settle().await?;
        UpdateWriter { kept: self.kept(), lease: Arc::clone(right.of_whole()) }.write(points).await
    }

    /// Writes chunks, in any order.
    pub(super) async fn write(&self, points: Vec<PointStruct>) -> Result<(), BackendError> {
        let right = self.right()?;
        right.pipeline.overlap(self.writer(right).write(points)).await
    }

    /// Writes what is announced before chunks: first what is kept, then the intent.
    pub(super) fn announce(
        &self,
        kept: Vec<PointStruct>,
        intent: PointStruct,
    ) -> Result<(), BackendError> {
        let right = self.right()?;
        let (first, second) = (self.writer(right), self.writer(right));
        right.pipeline.announce(async move {
            first.write(kept).await?;
            second.write(vec![intent]).await
        })
    }

    /// Writes records, after the chunks that they commit.
    pub(super) fn write_after(&self, points: Vec<PointStruct>) -> Result<(), BackendError> {
        let right = self.right()?;
        right.pipeline.follow(self.writer(right).write(points))
    }

    /// Deletes points, after everything that was requested before.
    pub(super) fn delete_after(&self, doomed: DeleteTarget) -> Result<(), BackendError> {
        let right = self.right()?;
        right.pipeline.follow(self.writer(right).delete(doomed))
    }

    /// Passes all points that match to `each`, a page at a time; none where the collection does not exist.
    pub(super) async fn scroll(
        &self,
        filter: Filter,
        with_payload: WithPayloadSelector,
        with_vectors: WithVectorsSelector,
        each: impl FnMut(RetrievedPoint) -> Result<(), String> + Send,
    ) -> Result<(), BackendError> {
        self.settled().await;
        self.scroll_now(filter, with_payload, with_vectors, each).await
    }

    /// The same without waiting for updates under way.
    pub(super) async fn scroll_now(
        &self,
        filter: Filter,
        with_payload: WithPayloadSelector,
        with_vectors: WithVectorsSelector,
        mut each: impl FnMut(RetrievedPoint) -> Result<(), String> + Send,
    ) -> Result<(), BackendError> {
        let mut request = ScrollPoints {
            collection_name: self.target(),
            filter: Some(filter),
            limit: Some(PAGE),
            with_payload: Some(with_payload),
            with_vectors: Some(with_vectors),
            ..ScrollPoints::default()
        };
        let kept = self.kept();
        loop {
            let page = kept.page(&request).await;
            let Some(page) = self.found(page).await? else { return Ok(()) };
            page.result
                .into_iter()
                .try_for_each(&mut each)
                .map_err(|why| self.store.unreadable(&why))?;
            if page.next_page_offset.is_none() {
                return Ok(());
            }
            request.offset = page.next_page_offset;
        }
    }

    /// A page of chunks, ordered by id; none where the collection does not exist.
    pub(super) async fn chunk_list(&self, request: &ChunkPage) -> Result<ChunkList, BackendError> {
        let PointList { points, next } = self.seen_page(request, false.into()).await?;
        Ok(ChunkList { chunks: points.into_iter().map(|point| point.chunk).collect(), next })
    }

    /// A page of chunks with their vectors.
    pub(super) async fn point_list(&self, request: &ChunkPage) -> Result<PointList, BackendError> {
        self.seen_page(request, vec![DENSE, SPARSE].into()).await
    }

    async fn seen_page(
        &self,
        request: &ChunkPage,
        with_vectors: WithVectorsSelector,
    ) -> Result<PointList, BackendError> {
        self.settled().await;
        let (mut unseen, mut tries) = (self.unseen().await?, 0);
        loop {
            let list = self.page_without(request, with_vectors.clone(), &unseen).await?;
            if self.still(&mut unseen, &mut tries).await? {
                return Ok(list);
            }
        }
    }

    async fn page_without(
        &self,
        request: &ChunkPage,
        with_vectors: WithVectorsSelector,
        unseen: &HiddenChunks,
    ) -> Result<PointList, BackendError> {
        let kept = self.kept();
        let all = wire::chunks_passing(&request.filter);
        let seen = Filter { must_not: unseen.conditions(), ..all.clone() };
        // What takes too many conditions is filtered here.
        let filter = if kept.limits().fit(seen.clone()).is_ok() { seen } else { all };
        let request = ScrollPoints {
            collection_name: kept.target.clone(),
            filter: Some(filter),
            offset: request.from.map(wire::point_id),
            limit: Some(u32::try_from(request.limit).unwrap_or(u32::MAX)),
            with_payload: Some(true.into()),
            with_vectors: Some(with_vectors),
            ..ScrollPoints::default()
        };
        let page = kept.page(&request).await;
        let Some(page) = self.found(page).await? else { return Ok(PointList::default()) };
        let point = |point: RetrievedPoint| {
            let mut point = wire::to_point(point)?;
            let seen = !unseen.hides(&point.chunk.source, &point.chunk.id());
            unseen.as_seen(&mut point.chunk);
            Ok(seen.then_some(point))
        };
        let points = page.result.into_iter().filter_map(|it| point(it).transpose());
        let points = points.collect::<Result<_, String>>();
        let next = page.next_page_offset.map(wire::uuid).transpose();
        let list = points.and_then(|points| Ok(PointList { points, next: next? }));
        list.map_err(|why| self.store.unreadable(&why))
    }

    /// Points that docent did not write; none where the collection does not exist.
    pub(super) async fn foreign(&self) -> Result<ForeignPoints, BackendError> {
        let count = self.count(wire::foreign(), &HiddenChunks::default()).await?;
        if count == 0 {
            return Ok(ForeignPoints::default());
        }
        let request = ScrollPoints {
            collection_name: self.target(),
            filter: Some(wire::foreign()),
            limit: Some(ForeignPoints::NAMED as u32),
            with_payload: Some(false.into()),
            with_vectors: Some(false.into()),
            ..ScrollPoints::default()
        };
        let page = self.kept().page(&request).await;
        let found = self.found(page).await?.map(|page| page.result).unwrap_or_default();
        let ids = found.into_iter().filter_map(|point| point.id).map(wire::shown);
        Ok(ForeignPoints { count, ids: ids.collect() })
    }

    /// All records of a kind, in no order.
    pub(super) async fn records<T: Send>(
        &self,
        kind: &str,
        read: fn(Payload) -> Result<T, String>,
    ) -> Result<Vec<T>, BackendError> {
        let mut records = Vec::new();
        self.scroll(Filter::must([wire::record(kind)]), true.into(), false.into(), |point| {
            records.push(wire::json_object(point.payload).and_then(read)?);
            Ok(())
        })
        .await?;
        Ok(records)
    }
}
