//! Read access to one version of a collection.

use std::collections::HashMap;

use async_trait::async_trait;
use qdrant_client::qdrant::Filter;

use super::physical::Physical;
use super::wire;
use crate::error::BackendError;
use crate::store::payload::{self, CHUNK, DOCUMENT, FAILURE, TALLIED};
use crate::store::{
    ChunkList, ChunkPage, Counter, DENSE, ForeignPoints, Legs, PointList, SearchRequest,
    VectorStore,
};
use crate::types::{ChunkTally, ContentHash, DocumentRecord, FailureRecord};

/// Maximum number of values in one filter condition.
const BATCH: usize = 512;

#[async_trait]
impl VectorStore for Physical {
    fn endpoint(&self) -> &str {
        &self.store.link.endpoint
    }

    async fn open(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn verify(&self) -> Result<(), BackendError> {
        // The server itself reports what it can't read of its data.
        Ok(())
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        let mut documents = self.records(DOCUMENT, payload::to_document).await?;
        let unseen = self.unseen().await?;
        documents.retain(|record| unseen.sees(record));
        documents.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(documents)
    }

    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError> {
        let mut counter = Counter::default();
        let chunks = Filter::must([wire::record(CHUNK)]);
        self.scroll(chunks, TALLIED.to_vec().into(), false.into(), |point| {
            counter.add(&wire::json_object(point.payload)?)
        })
        .await?;
        Ok(counter.tally())
    }

    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError> {
        let mut failures = self.records(FAILURE, payload::to_failure).await?;
        failures.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(failures)
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        let mut found = HashMap::new();
        let kept = self.kept();
        let parts = kept.limits().parts(hashes, 1).map_err(|short| kept.short(short))?;
        for batch in parts.flat_map(|part| part.chunks(BATCH)) {
            let filter = wire::chunks_with(batch);
            let (fields, vectors) = (vec!["chunk_hash"].into(), vec![DENSE].into());
            self.scroll(filter, fields, vectors, |mut point| {
                if let Some(dense) = wire::dense_of(&mut point) {
                    let payload = wire::json_object(point.payload)?;
                    found.insert(payload::chunk_hash(&payload)?, dense);
                }
                Ok(())
            })
            .await?;
        }
        Ok(found)
    }

    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError> {
        if request.limit == 0 || request.filter.sources.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Legs::default());
        }
        self.settled().await;
        let (mut unseen, mut tries) = (self.unseen().await?, 0);
        loop {
            let legs = self.search_without(request.clone(), &unseen).await?;
            if self.still(&mut unseen, &mut tries).await? {
                return Ok(legs);
            }
        }
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        if request.is_empty() {
            return Ok(ChunkList::default());
        }
        self.chunk_list(&request).await
    }

    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError> {
        if request.is_empty() {
            return Ok(PointList::default());
        }
        self.point_list(&request).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.settled().await;
        let (mut unseen, mut tries) = (self.unseen().await?, 0);
        loop {
            let count = self.count_without(&unseen).await?;
            if self.still(&mut unseen, &mut tries).await? {
                return Ok(count);
            }
        }
    }

    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError> {
        self.settled().await;
        self.foreign().await
    }
}
