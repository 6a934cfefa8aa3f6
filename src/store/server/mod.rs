//! [`VectorStore`] on a Qdrant server: one node, a cluster, Qdrant Cloud; over gRPC.
//!
//! Every request is retried as the policy says. Updates go on by themselves, in the order that
//! `pipeline` keeps; whatever reads waits for them, and so does [`VectorStore::flush`]. What was
//! applied is durable.

mod address;
mod collection;
mod fault;
mod lease;
mod link;
mod pipeline;
mod points;
mod version;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::{CountPoints, Filter, QueryBatchPoints, UpdateCollection};
use tokio::sync::Mutex;
use uuid::Uuid;

use self::collection::MANIFEST;
use self::lease::{Held, Place, Terms};
use self::link::{Link, or_missing};
use self::pipeline::Pipeline;
use super::payload::{self, CHUNK, DOCUMENT, FAILURE, TALLIED};
use super::{
    ChunkList, ChunkPage, Counter, DENSE, Legs, OnWait, SearchRequest, VectorStore, check_name,
    version_of,
};
use crate::error::{BackendError, Fault, Service};
use crate::retry::RetryPolicy;
use crate::types::{ContentHash, DocumentRecord, FailureRecord, Manifest, Point, Scored, Tally};

/// How to reach a server, and how a collection is laid out there when it is created.
#[derive(Clone)]
pub struct ServerOptions {
    /// `[http://|https://]host[:port]`. The port is that of gRPC, 6334; the REST port 6333 is
    /// understood as 6334.
    pub url: String,
    pub api_key: Option<String>,
    /// For each request.
    pub timeout: Duration,
    /// Shards of a new collection; the server decides where `None`.
    pub shard_number: Option<u32>,
    /// Copies of each shard of a new collection; the server decides where `None`.
    pub replication_factor: Option<u32>,
    pub retry: RetryPolicy,
}

/// A collection on a Qdrant server.
pub struct ServerStore {
    link: Link,
    /// The alias.
    name: String,
    /// What requests name: the alias, or the version that a successor fills.
    target: String,
    layout: Layout,
    terms: Terms,
    /// A successor has that of the store it was made by.
    lease: Arc<Mutex<Option<Held>>>,
    /// And these: they end before it is given back.
    pipeline: Arc<Pipeline>,
    /// `None` but for a successor.
    published: Option<AtomicBool>,
}

/// Of new collections.
#[derive(Clone, Copy)]
struct Layout {
    shard_number: Option<u32>,
    replication_factor: Option<u32>,
}

/// How long a writer that is not heard of keeps others waiting.
const LEASE: Duration = Duration::from_secs(30);

/// Values in one filter condition.
const BATCH: usize = 512;

/// The collection `name` on a server. Connects at the first request.
pub fn connect(options: ServerOptions, name: &str) -> Result<ServerStore, BackendError> {
    let refuse =
        |fault, endpoint: &str, why: &str| BackendError::new(Service::Store, fault, endpoint, why);
    let endpoint = address::grpc_address(&options.url)
        .map_err(|why| refuse(Fault::Permanent, "address", &why))?;
    check_name(name).map_err(|why| refuse(Fault::Permanent, &endpoint, &why))?;
    // The client would repeat such a key in its own error.
    let printable = |key: &String| key.bytes().all(|byte| byte.is_ascii_graphic());
    if !options.api_key.as_ref().is_none_or(printable) {
        let why = "the API key has blanks or other characters that no key has";
        return Err(refuse(Fault::Unauthorized, &endpoint, why));
    }
    let ServerOptions { api_key, timeout, shard_number, replication_factor, retry, .. } = options;
    Ok(ServerStore {
        link: Link::new(&endpoint, api_key, timeout, retry)?,
        name: name.to_owned(),
        target: name.to_owned(),
        layout: Layout { shard_number, replication_factor },
        terms: Terms { life: LEASE, wait: ServerStore::DEFAULT_WAIT, on_wait: Arc::new(|_| ()) },
        lease: Arc::default(),
        pipeline: Arc::default(),
        published: None,
    })
}

impl ServerStore {
    /// How long another writer may keep the collection before that is an error.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);

    /// Waits so long for another writer to finish.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.terms.wait = wait;
        self
    }

    /// Tells whom it waits for: another writer, or the server where it fails and is asked again.
    #[must_use]
    pub fn on_wait(mut self, on_wait: OnWait) -> Self {
        self.link.on_wait = Arc::clone(&on_wait);
        self.terms.on_wait = on_wait;
        self
    }

    #[cfg(test)]
    pub(super) fn lease_life(mut self, life: Duration) -> Self {
        self.terms.life = life;
        self
    }

    /// Version of the server, where it is new enough. Also the cheapest way to see whether it
    /// answers; it does not tell whether the API key is right.
    pub async fn health(&self) -> Result<String, BackendError> {
        self.link.health().await
    }

    async fn check(&self) -> Result<(), BackendError> {
        lease::check(&self.lease).await
    }

    fn error(&self, fault: Fault, message: &str) -> BackendError {
        self.link.error(fault, message)
    }

    fn unreadable(&self, why: &str) -> BackendError {
        self.error(Fault::Permanent, &format!("in collection {:?}: {why}", self.name))
    }
}

#[async_trait]
impl VectorStore for ServerStore {
    fn endpoint(&self) -> &str {
        &self.link.endpoint
    }

    async fn manifest(&self) -> Result<Option<Manifest>, BackendError> {
        let Some(mut config) = self.config().await? else { return Ok(None) };
        let Some(stored) = config.metadata.remove(MANIFEST) else {
            self.health().await?;
            let message = format!("collection {:?} exists, and was not made by docent", self.name);
            return Err(self.error(Fault::Permanent, &message));
        };
        wire::to_json(stored)
            .and_then(|json| {
                serde_json::from_value(json).map_err(|e| format!("the manifest can't be read: {e}"))
            })
            .map(Some)
            .map_err(|why| self.unreadable(&why))
    }

    async fn version(&self) -> Result<Option<u32>, BackendError> {
        Ok(self.physical().await?.and_then(|physical| version_of(&physical, &self.name)))
    }

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.lock().await?;
        if self.config().await?.is_some() {
            let message = format!("collection {:?} exists already", self.name);
            return Err(self.error(Fault::Permanent, &message));
        }
        if self.published.is_some() {
            return self.create_physical(&self.target, manifest).await;
        }
        let physical = self.unused_version().await?;
        self.create_physical(&physical, manifest).await?;
        self.point_to(&physical).await
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        self.pipeline.settle().await?;
        self.check().await?;
        // Metadata is merged by key with what is there.
        let request = UpdateCollection {
            collection_name: self.existing().await?,
            metadata: self.metadata(manifest)?,
            ..UpdateCollection::default()
        };
        self.link
            .ask(|client| {
                let request = request.clone();
                async move { client.update_collection(request).await }
            })
            .await
            .map(|_| ())
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        // Whatever became of them.
        self.pipeline.close().await;
        let Some(physical) = self.physical().await? else { return Ok(()) };
        self.lock().await?;
        // The alias goes with it.
        self.delete_physical(&physical).await
    }

    async fn lock(&self) -> Result<(), BackendError> {
        let mut lease = self.lease.lock().await;
        if lease.is_none() {
            let place = Place {
                link: self.link.clone(),
                collection: self.name.clone(),
                replication_factor: self.layout.replication_factor,
            };
            *lease = Some(place.acquire(&self.terms).await?);
            // What can't be removed now is removed by the next one.
            let _ = self.remove_leftovers().await;
        }
        Ok(())
    }

    async fn unlock(&self) {
        self.pipeline.close().await;
        if let Some(held) = self.lease.lock().await.take() {
            // It runs out by itself.
            let _ = held.give_back().await;
        }
    }

    async fn successor(&self) -> Result<Arc<dyn VectorStore>, BackendError> {
        self.lock().await?;
        if self.published.is_some() {
            let message = "a version that is not published has no successor";
            return Err(self.error(Fault::Permanent, message));
        }
        Ok(Arc::new(Self {
            link: self.link.clone(),
            name: self.name.clone(),
            target: self.unused_version().await?,
            layout: self.layout,
            terms: self.terms.clone(),
            lease: Arc::clone(&self.lease),
            pipeline: Arc::clone(&self.pipeline),
            published: Some(AtomicBool::new(false)),
        }))
    }

    async fn publish(&self) -> Result<(), BackendError> {
        let published = self.published.as_ref().filter(|done| !done.load(Ordering::Acquire));
        let Some(published) = published else {
            return Err(self.error(Fault::Permanent, "only a successor can be published"));
        };
        self.pipeline.settle().await?;
        self.check().await?;
        self.point_to(&self.target).await?;
        published.store(true, Ordering::Release);
        // What can't be removed now is removed by the next writer.
        let _ = self.remove_leftovers().await;
        Ok(())
    }

    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError> {
        let mut documents = self.records(DOCUMENT, payload::to_document).await?;
        documents.sort_by(|a, b| a.source.cmp(&b.source));
        Ok(documents)
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError> {
        self.write(points.into_iter().map(wire::chunk_point).collect()).await
    }

    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::document_point).collect())
    }

    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError> {
        self.delete_after(wire::by_filter(wire::chunks_of(sources, keep)))
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.delete_after(wire::by_filter(wire::chunks_of(batch, &[])))?;
            self.delete_after(wire::by_id(batch.iter().map(|s| DocumentRecord::id(s))))?;
        }
        Ok(())
    }

    async fn tally(&self) -> Result<Vec<Tally>, BackendError> {
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

    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError> {
        self.write_after(records.iter().cloned().map(wire::failure_point).collect())
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.delete_after(wire::by_id(batch.iter().map(|s| FailureRecord::id(s))))?;
        }
        Ok(())
    }

    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError> {
        let mut found = HashMap::new();
        for batch in hashes.chunks(BATCH) {
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
        self.pipeline.wait().await;
        let has_dense = request.dense.is_some();
        let has_sparse = request.sparse.as_ref().is_some_and(|vector| !vector.indices.is_empty());
        let terms = request.idf_of.clone();
        let queries = wire::queries(&self.target, request);
        if queries.is_empty() {
            return Ok(Legs::default());
        }
        let legs = queries.len();
        let batch = QueryBatchPoints {
            collection_name: self.target.clone(),
            query_points: queries,
            ..QueryBatchPoints::default()
        };
        let answer = self
            .link
            .ask(|client| {
                let batch = batch.clone();
                async move { client.query_batch(batch).await }
            })
            .await?;
        if answer.result.len() != legs {
            return Err(self.error(Fault::Permanent, "the server answered another request"));
        }
        let mut lists = answer.result.into_iter().map(|list| list.result);
        let mut leg = |present: bool| match present.then(|| lists.next()).flatten() {
            Some(list) => list
                .into_iter()
                .map(wire::scored)
                .collect::<Result<Vec<Scored>, String>>()
                .map_err(|why| self.unreadable(&why)),
            None => Ok(Vec::new()),
        };
        let (dense, sparse) = (leg(has_dense)?, leg(has_sparse)?);
        let idf = terms.into_iter().zip(lists);
        let idf = idf.filter_map(|(term, best)| Some((term, wire::idf(term, best)?))).collect();
        Ok(Legs { dense, sparse, idf })
    }

    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError> {
        if request.is_empty() {
            return Ok(ChunkList::default());
        }
        self.chunk_list(&request).await
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        self.pipeline.wait().await;
        let request = CountPoints {
            collection_name: self.target.clone(),
            filter: Some(Filter::must([wire::record(CHUNK)])),
            exact: Some(true),
            ..CountPoints::default()
        };
        let answer = self.link.ask(|client| {
            let request = request.clone();
            async move { client.count(request).await }
        });
        let counted = or_missing(answer.await)?.and_then(|answer| answer.result);
        Ok(counted.map_or(0, |result| result.count))
    }

    async fn flush(&self) -> Result<(), BackendError> {
        self.pipeline.settle().await
    }

    /// What is applied is durable, and what fails is told to what comes next.
    async fn checkpoint(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The server optimizes by itself.
    async fn optimize(&self) -> Result<(), BackendError> {
        self.flush().await
    }
}
