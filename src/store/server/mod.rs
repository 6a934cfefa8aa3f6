//! [`VectorStore`] on a Qdrant server: one node, a cluster, Qdrant Cloud; over gRPC.
//!
//! Every request is retried as the policy says. Updates wait until they are applied, so that they
//! are visible to the next request and durable at once: [`VectorStore::flush`] has nothing to do.

mod address;
mod collection;
mod fault;
mod points;
mod version;
mod wire;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{CountPoints, CreateAlias, Filter, QueryBatchPoints, UpdateCollection};
use qdrant_client::{Qdrant, QdrantError};
use uuid::Uuid;

use self::collection::MANIFEST;
use super::payload::{self, CHUNK, DOCUMENT, FAILURE, TALLIED};
use super::{Counter, DENSE, Legs, SearchRequest, VectorStore, check_name};
use crate::error::{BackendError, Fault, Service};
use crate::retry::{RetryPolicy, retry};
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
    client: Qdrant,
    endpoint: String,
    /// The alias.
    name: String,
    options: ServerOptions,
}

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
    let client = Qdrant::from_url(&endpoint)
        .api_key(options.api_key.clone())
        .timeout(options.timeout)
        .connect_timeout(options.timeout)
        // It blocks, and prints on stdout.
        .skip_compatibility_check()
        .build()
        .map_err(|error| {
            let (fault, message) = fault::describe(&error, options.timeout);
            refuse(fault, &endpoint, &message)
        })?;
    Ok(ServerStore { client, endpoint, name: name.to_owned(), options })
}

impl ServerStore {
    /// Version of the server, where it is new enough. Also the cheapest way to see whether it
    /// answers; it does not tell whether the API key is right.
    pub async fn health(&self) -> Result<String, BackendError> {
        let reply = self.ask(|client| async move { client.health_check().await }).await?;
        match version::too_old(&reply.version) {
            Some(why) => Err(self.error(Fault::Permanent, &why)),
            None => Ok(reply.version),
        }
    }

    async fn ask<T, F, Fut>(&self, request: F) -> Result<T, BackendError>
    where
        F: Fn(Qdrant) -> Fut,
        Fut: Future<Output = Result<T, QdrantError>>,
    {
        retry(&self.options.retry, || {
            // Boxed: some of the client's futures are tens of kilobytes.
            let answer = Box::pin(request(self.client.clone()));
            async { answer.await.map_err(|error| self.failed(&error)) }
        })
        .await
    }

    fn failed(&self, error: &QdrantError) -> BackendError {
        let (fault, message) = fault::describe(error, self.options.timeout);
        self.error(fault, &message)
    }

    fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(Service::Store, fault, self.endpoint.clone(), message)
    }

    fn unreadable(&self, why: &str) -> BackendError {
        self.error(Fault::Permanent, &format!("in collection {:?}: {why}", self.name))
    }
}

/// `None` for what is not there.
fn or_missing<T>(answer: Result<T, BackendError>) -> Result<Option<T>, BackendError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.fault == Fault::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[async_trait]
impl VectorStore for ServerStore {
    fn endpoint(&self) -> &str {
        &self.endpoint
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

    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError> {
        if self.config().await?.is_some() {
            return Err(
                self.error(Fault::Permanent, &format!("collection {:?} exists already", self.name))
            );
        }
        self.health().await?;
        let physical = self.unused_version().await?;
        self.create_physical(&physical, manifest).await?;
        let alias = CreateAlias { collection_name: physical, alias_name: self.name.clone() };
        self.ask(|client| {
            let alias = alias.clone();
            async move { client.create_alias(alias).await }
        })
        .await
        .map(|_| ())
    }

    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError> {
        // Metadata is merged by key with what is there.
        let request = UpdateCollection {
            collection_name: self.existing().await?,
            metadata: self.metadata(manifest)?,
            ..UpdateCollection::default()
        };
        self.ask(|client| {
            let request = request.clone();
            async move { client.update_collection(request).await }
        })
        .await
        .map(|_| ())
    }

    async fn drop_collection(&self) -> Result<(), BackendError> {
        if let Some(physical) = self.physical().await? {
            // The alias goes with it.
            self.delete_physical(&physical).await?;
        }
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
        self.write(records.iter().cloned().map(wire::document_point).collect()).await
    }

    async fn delete_chunks(&self, source: &str, keep: &[Uuid]) -> Result<(), BackendError> {
        let filter = wire::chunks_of(&[source.to_owned()], keep);
        self.delete(PointsSelectorOneOf::Filter(filter)).await
    }

    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            let chunks = wire::chunks_of(batch, &[]);
            self.delete(PointsSelectorOneOf::Filter(chunks)).await?;
            self.delete_ids(batch.iter().map(|s| DocumentRecord::id(s)).collect()).await?;
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
        self.write(records.iter().cloned().map(wire::failure_point).collect()).await
    }

    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError> {
        for batch in sources.chunks(BATCH) {
            self.delete_ids(batch.iter().map(|s| FailureRecord::id(s)).collect()).await?;
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
        let asked = request.dense.is_some();
        let queries = wire::queries(&self.name, request);
        if queries.is_empty() {
            return Ok(Legs::default());
        }
        let legs = queries.len();
        let batch = QueryBatchPoints {
            collection_name: self.name.clone(),
            query_points: queries,
            ..QueryBatchPoints::default()
        };
        let answer = self
            .ask(|client| {
                let batch = batch.clone();
                async move { client.query_batch(batch).await }
            })
            .await?;
        if answer.result.len() != legs {
            return Err(self.error(Fault::Permanent, "the server answered another request"));
        }
        let mut lists = answer.result.into_iter().map(|list| {
            list.result.into_iter().map(wire::scored).collect::<Result<Vec<Scored>, String>>()
        });
        let mut leg = |present: bool| match present.then(|| lists.next()).flatten() {
            Some(list) => list.map_err(|why| self.unreadable(&why)),
            None => Ok(Vec::new()),
        };
        Ok(Legs { dense: leg(asked)?, sparse: leg(true)? })
    }

    async fn count_chunks(&self) -> Result<u64, BackendError> {
        let request = CountPoints {
            collection_name: self.name.clone(),
            filter: Some(Filter::must([wire::record(CHUNK)])),
            exact: Some(true),
            ..CountPoints::default()
        };
        let answer = self.ask(|client| {
            let request = request.clone();
            async move { client.count(request).await }
        });
        let counted = or_missing(answer.await)?.and_then(|answer| answer.result);
        Ok(counted.map_or(0, |result| result.count))
    }

    async fn flush(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// The server optimizes by itself.
    async fn optimize(&self) -> Result<(), BackendError> {
        Ok(())
    }
}
