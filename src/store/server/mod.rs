//! [`VectorStore`] on a Qdrant server: one node, a cluster, Qdrant Cloud; over gRPC.
//!
//! Every request is retried as the policy says. Updates wait until they are applied, so that they
//! are visible to the next request and durable at once: [`VectorStore::flush`] has nothing to do.

mod address;
mod fault;
mod version;
mod wire;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{
    CollectionConfig, CountPoints, CreateAlias, CreateCollection, CreateFieldIndexCollection,
    DeletePoints, FieldType, Filter, PointStruct, PointsIdsList, PointsSelector, QueryBatchPoints,
    RetrievedPoint, ScrollPoints, UpdateCollection, UpsertPoints, WithPayloadSelector,
    WithVectorsSelector,
};
use qdrant_client::{Qdrant, QdrantError};
use uuid::Uuid;

use super::payload::{self, CHUNK, DOCUMENT};
use super::{DENSE, INDEXED_FIELDS, Legs, SearchRequest, VectorStore, check_name, version_of};
use crate::error::{BackendError, Fault, Service};
use crate::retry::{RetryPolicy, retry};
use crate::types::{ContentHash, DocumentRecord, Manifest, Point, Scored};

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

/// Points in one upsert: a few MB at the usual dimensions.
const UPSERT: usize = 256;
/// Values in one filter condition.
const BATCH: usize = 512;
/// Points in one answer of a scroll.
const PAGE: u32 = 1_000;
/// Key of the collection's metadata under which the manifest is.
const MANIFEST: &str = "docent";

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

    async fn config(&self) -> Result<Option<CollectionConfig>, BackendError> {
        let info = self
            .ask(|client| async move { client.collection_info(self.name.as_str()).await })
            .await;
        let Some(info) = or_missing(info)? else { return Ok(None) };
        Ok(Some(info.result.and_then(|info| info.config).unwrap_or_default()))
    }

    /// The physical collection behind the alias.
    async fn physical(&self) -> Result<Option<String>, BackendError> {
        let aliases = self.ask(|client| async move { client.list_aliases().await }).await?;
        let mut aliases = aliases.aliases.into_iter();
        Ok(aliases.find(|alias| alias.alias_name == self.name).map(|alias| alias.collection_name))
    }

    async fn existing(&self) -> Result<String, BackendError> {
        self.physical().await?.ok_or_else(|| {
            self.error(Fault::NotFound, &format!("there is no collection {:?}", self.name))
        })
    }

    /// A version that nobody has: a creation that was cut off may have left one without an alias.
    async fn unused_version(&self) -> Result<String, BackendError> {
        let listed = self.ask(|client| async move { client.list_collections().await }).await?;
        let versions = listed.collections.iter().filter_map(|c| version_of(&c.name, &self.name));
        Ok(format!("{}@v{}", self.name, versions.max().unwrap_or(0) + 1))
    }

    async fn create_physical(&self, name: &str, manifest: &Manifest) -> Result<(), BackendError> {
        let request = CreateCollection {
            collection_name: name.to_owned(),
            vectors_config: Some(wire::vectors_config(manifest.embedder.dimensions)),
            sparse_vectors_config: Some(wire::sparse_config()),
            hnsw_config: Some(wire::graph_config()),
            shard_number: self.options.shard_number,
            replication_factor: self.options.replication_factor,
            metadata: self.metadata(manifest)?,
            ..CreateCollection::default()
        };
        self.ask(|client| {
            let request = request.clone();
            async move { client.create_collection(request).await }
        })
        .await?;
        for field in INDEXED_FIELDS {
            let request = CreateFieldIndexCollection {
                collection_name: name.to_owned(),
                wait: Some(true),
                field_name: field.to_owned(),
                field_type: Some(FieldType::Keyword.into()),
                ..CreateFieldIndexCollection::default()
            };
            self.ask(|client| {
                let request = request.clone();
                async move { client.create_field_index(request).await }
            })
            .await?;
        }
        Ok(())
    }

    fn metadata(
        &self,
        manifest: &Manifest,
    ) -> Result<HashMap<String, qdrant_client::qdrant::Value>, BackendError> {
        let json = serde_json::to_value(manifest)
            .map_err(|error| self.error(Fault::Permanent, &error.to_string()))?;
        Ok(HashMap::from([(MANIFEST.to_owned(), wire::to_value(json))]))
    }

    async fn delete_physical(&self, name: &str) -> Result<(), BackendError> {
        let deleted = self.ask(|client| async move { client.delete_collection(name).await }).await;
        or_missing(deleted).map(|_| ())
    }

    async fn write(&self, points: Vec<PointStruct>) -> Result<(), BackendError> {
        let mut points = points.into_iter().peekable();
        while points.peek().is_some() {
            let request = UpsertPoints {
                collection_name: self.name.clone(),
                wait: Some(true),
                points: points.by_ref().take(UPSERT).collect(),
                ..UpsertPoints::default()
            };
            self.ask(|client| {
                let request = request.clone();
                async move { client.upsert_points(request).await }
            })
            .await?;
        }
        Ok(())
    }

    async fn delete(&self, points: PointsSelectorOneOf) -> Result<(), BackendError> {
        let request = DeletePoints {
            collection_name: self.name.clone(),
            wait: Some(true),
            points: Some(PointsSelector { points_selector_one_of: Some(points) }),
            ..DeletePoints::default()
        };
        let deleted = self.ask(|client| {
            let request = request.clone();
            async move { client.delete_points(request).await }
        });
        or_missing(deleted.await).map(|_| ())
    }

    /// All points that pass; none where the collection does not exist.
    async fn scroll(
        &self,
        filter: Filter,
        with_payload: WithPayloadSelector,
        with_vectors: WithVectorsSelector,
    ) -> Result<Vec<RetrievedPoint>, BackendError> {
        let mut request = ScrollPoints {
            collection_name: self.name.clone(),
            filter: Some(filter),
            limit: Some(PAGE),
            with_payload: Some(with_payload),
            with_vectors: Some(with_vectors),
            ..ScrollPoints::default()
        };
        let mut points = Vec::new();
        loop {
            let page = self.ask(|client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            });
            let Some(page) = or_missing(page.await)? else { return Ok(points) };
            points.extend(page.result);
            if page.next_page_offset.is_none() {
                return Ok(points);
            }
            request.offset = page.next_page_offset;
        }
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
        let filter = Filter::must([wire::record(DOCUMENT)]);
        let points = self.scroll(filter, true.into(), false.into()).await?;
        let mut documents = points
            .into_iter()
            .map(|point| wire::json_object(point.payload).and_then(payload::to_document))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| self.unreadable(&why))?;
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
            let ids = batch.iter().map(|s| wire::point_id(DocumentRecord::id(s))).collect();
            self.delete(PointsSelectorOneOf::Points(PointsIdsList { ids })).await?;
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
            let points = self.scroll(filter, vec!["chunk_hash"].into(), vec![DENSE].into()).await?;
            for mut point in points {
                let Some(dense) = wire::dense_of(&mut point) else { continue };
                let hash = wire::json_object(point.payload)
                    .and_then(|payload| payload::chunk_hash(&payload))
                    .map_err(|why| self.unreadable(&why))?;
                found.insert(hash, dense);
            }
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
