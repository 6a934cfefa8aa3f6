//! [`Collection`] on a Qdrant server: one node, a cluster, Qdrant Cloud; over gRPC.
//!
//! Every request names a physical version, never the alias: what is read through one [`CollectionReader`] or written by
//! one writer is one version, whatever happens to the alias meanwhile ([`physical`]). Every request is
//! retried according to the policy. Updates run in the background, in the order that `pipeline` keeps; the
//! writer's reads wait for them, and so does [`CollectionWriter::flush`]. What was applied is durable. The
//! intent of a run is stored before it changes a document, so that readers beside the run, or after it was
//! killed, see one state of each document ([`intents`]).

mod address;
mod collection;
mod deleting;
mod deployment;
mod description;
mod existing;
mod fault;
mod intents;
mod layout;
mod lease;
mod limited;
mod limits;
mod link;
mod log;
mod marks;
mod nodes;
mod physical;
mod pipeline;
mod points;
mod reader;
mod rights;
mod search;
mod shared_writer;
mod version;
mod wire;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use self::lease::{LeasePlace, LeaseTerms};
use self::link::Link;
use self::nodes::Nodes;
use self::physical::Physical;
use self::rights::Rights;
use super::{Collection, CollectionReader, CollectionWriter, OnWait, check_name};
use crate::error::{BackendError, ExternalService, Fault};
use crate::retry::RetryPolicy;
use crate::types::{CollectionLayout, Partition, VersionEntry, VersionEvent};

/// How to reach a server, and the layout of collections that are created there.
#[derive(Clone)]
pub struct ServerOptions {
    /// `[http://|https://]host[:port]`; several nodes of a cluster are separated by commas, and the next one
    /// is asked where one is down. The port is that of gRPC, 6334; the REST port 6333 is understood as 6334.
    pub url: String,
    pub api_key: Option<String>,
    /// Timeout of each request.
    pub timeout: Duration,
    /// For a new collection; where `None`, the version that it replaces decides, or the server.
    pub layout: CollectionLayout,
    /// For readers: somebody waits for the answer.
    pub retry: RetryPolicy,
    /// How long a writer repeats a failing request: a server may be restarted meanwhile.
    pub retry_for: Duration,
}

/// A collection on a Qdrant server.
#[derive(Clone)]
pub struct ServerStore {
    link: Link,
    /// The alias.
    name: String,
    /// Prefix of the names of the versions: the alias, unless an operator gave another collection this name
    /// as well.
    base: String,
    layout: CollectionLayout,
    rights: Rights,
    terms: LeaseTerms,
    retry_for: Duration,
    /// Whether a search has met points that docent did not write.
    has_foreign: Arc<AtomicBool>,
}

/// Maximum pause between retries: a server that is back is asked again soon, however long it was away.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Probes of orchestrators wait for a second by default.
const PING: Duration = Duration::from_millis(800);

/// How long a silent writer keeps others waiting.
const LEASE: Duration = Duration::from_secs(30);

/// Says why this is not the address of a server, or of several, if it is not.
pub fn check_address(url: &str) -> Result<(), String> {
    address::grpc_addresses(url).map(drop)
}

/// The collection `name` on a server. Connects at the first request.
pub fn connect(options: ServerOptions, name: &str) -> Result<ServerStore, BackendError> {
    let refuse = |fault, endpoint: &str, why: &str| {
        BackendError::new(ExternalService::Store, fault, endpoint, why)
    };
    let addresses = address::grpc_addresses(&options.url)
        .map_err(|why| refuse(Fault::Permanent, "address", &why))?;
    let endpoint = addresses.join(",");
    check_name(name).map_err(|why| refuse(Fault::Permanent, &endpoint, &why))?;
    // The client's own error would repeat the key.
    let printable = |key: &String| key.bytes().all(|byte| byte.is_ascii_graphic());
    if !options.api_key.as_ref().is_none_or(printable) {
        let why = "the API key contains a space or another character that no key has";
        return Err(refuse(Fault::Unauthorized, &endpoint, why));
    }
    let ServerOptions { api_key, timeout, retry, retry_for, .. } = options;
    let nodes = Nodes::new(&addresses, api_key.as_ref(), timeout)?;
    let rights = Rights::of(api_key.as_deref());
    Ok(ServerStore {
        link: Link::new(nodes, endpoint, timeout, retry, rights.clone()),
        name: name.to_owned(),
        base: name.to_owned(),
        layout: options.layout,
        rights,
        terms: LeaseTerms {
            life: LEASE,
            wait: ServerStore::DEFAULT_WAIT,
            on_wait: Arc::new(|_| ()),
        },
        retry_for,
        has_foreign: Arc::default(),
    })
}

impl ServerStore {
    /// How long to wait for another writer before failing.
    pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);

    /// Sets how long to wait for another writer to finish.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.terms.wait = wait;
        self
    }

    /// Reports waits: for another writer, or for a failing server that is asked again.
    #[must_use]
    pub fn on_wait(mut self, on_wait: OnWait) -> Self {
        self.link.on_wait = Arc::clone(&on_wait);
        self.terms.on_wait = on_wait;
        self
    }

    /// A snapshot of the version in use.
    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError> {
        let Some((version, manifest)) = self.current().await? else { return Ok(None) };
        let number = version.number;
        let store = Self { base: version.base.clone(), ..self.clone() };
        let version = Physical::pinned(&store, version, manifest.unfinished.is_some());
        Ok(Some(CollectionReader::new(number, Arc::new(manifest), Arc::new(version))))
    }

    /// The same collection for a writer: failing requests are repeated for longer.
    fn patient(&self) -> Self {
        let mut patient = self.clone();
        let retry = &mut patient.link.retry;
        retry.within = Some(self.retry_for);
        retry.max = retry.max.min(LONGEST_PAUSE);
        patient
    }

    fn lease(&self) -> LeasePlace {
        LeasePlace {
            link: self.link.clone(),
            collection: self.base.clone(),
            replication_factor: self.layout.replication_factor,
            partition: None,
        }
    }

    #[cfg(test)]
    pub(super) fn lease_life(mut self, life: Duration) -> Self {
        self.terms.life = life;
        self
    }

    /// Version of the server; fails if it is too old. Also the cheapest way to see whether it answers, but it
    /// does not check the API key.
    pub async fn health(&self) -> Result<String, BackendError> {
        self.link.health().await
    }
}

#[async_trait]
impl Collection for ServerStore {
    fn endpoint(&self) -> &str {
        &self.link.endpoint
    }

    async fn ping(&self) -> Result<(), BackendError> {
        self.link.ping(PING).await
    }

    async fn read(&self) -> Result<Option<CollectionReader>, BackendError> {
        self.reader().await
    }

    async fn write(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(Arc::new(Physical::written(&self.patient(), None, None).await?))
    }

    async fn write_part(
        &self,
        partition: Partition,
    ) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(Arc::new(Physical::written(&self.patient(), Some(partition), None).await?))
    }

    async fn write_again(&self, run: Uuid) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        Ok(Arc::new(Physical::written(&self.patient(), None, Some(run)).await?))
    }

    async fn versions(&self) -> Result<Vec<VersionEntry>, BackendError> {
        self.entries().await
    }

    async fn hidden_versions(&self) -> Result<Vec<u32>, BackendError> {
        self.hidden().await
    }

    async fn read_version(&self, number: u32) -> Result<Option<CollectionReader>, BackendError> {
        self.version_reader(number).await
    }

    async fn version_log(&self) -> Result<Vec<VersionEvent>, BackendError> {
        self.events().await
    }
}
