//! [`Collection`] in this process: Qdrant's embedded engine over a directory.
//!
//! The engine is synchronous, so it runs on the blocking pool. One process at a time has the shards of a
//! collection loaded ([`shards`]), for all its readers and writers; [`lock_turns`] says how processes share it. A
//! pointer names the live version: [`layout`] says where files are, [`versions`] how one version replaces
//! another, and [`view`] what can be done with one.
//!
//! A crash leaves the state of the last [`CollectionWriter::flush`], and perhaps points that were added while
//! segments were rebuilt ([`compaction`]), in their order; nothing else becomes durable in between. Disk use
//! stays bounded: the engine never shortens its log, so docent cuts it down to its last part whenever a shard
//! is unloaded, and the next writer removes what a killed process left unfinished.
//!
//! [`CollectionWriter::flush`]: super::CollectionWriter::flush

mod compaction;
mod cutoff;
mod engine;
mod filter_index;
mod full_scan;
mod guard;
mod idf;
mod in_progress;
mod layout;
mod loading;
mod lock;
mod lock_turns;
mod log;
mod mapped;
mod marks;
mod open_shard;
mod pages;
mod problem;
mod readahead;
mod record_cache;
mod repair;
mod seal;
mod search;
mod shards;
mod shared;
mod space_checks;
mod sparse_files;
mod sums;
mod tuning;
mod unwritable;
mod version_cache;
mod versions;
mod view;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use self::layout::EdgeLayout;
use self::shared::SharedState;
use self::view::VersionView;
use self::writer::VersionWriter;
use super::{Collection, CollectionReader, CollectionWriter, check_name};
use crate::error::{BackendError, ExternalService, Fault};
use crate::types::{VersionEntry, VersionEvent};

pub use self::repair::{IntegrityScan, Repaired};
pub use self::shared::EdgeOptions;

/// A collection in a directory of this machine.
pub struct EdgeStore {
    shared: Arc<SharedState>,
}

impl EdgeStore {
    /// The collection `name` under the data directory. Reads and writes nothing yet.
    ///
    /// # Errors
    /// `name` can't be the name of a collection.
    pub fn open(data: &Path, name: &str, options: EdgeOptions) -> Result<Self, BackendError> {
        let layout = EdgeLayout::new(data, name);
        check_name(name).map_err(|why| {
            BackendError::new(
                ExternalService::Store,
                Fault::Permanent,
                data.display().to_string(),
                &why,
            )
        })?;
        Ok(Self { shared: Arc::new(SharedState::new(layout, options)) })
    }

    /// Makes the newest intact version the collection if the pointer names another one or none. Removes
    /// nothing.
    ///
    /// # Errors
    /// No version is intact, or another process has the collection.
    pub async fn repair(&self) -> Result<Repaired, BackendError> {
        let shared = &self.shared;
        shared.when_free(shared.wait_policy(), repair::repair).await
    }

    /// Reads everything of the version in use.
    ///
    /// # Errors
    /// Something is not what was stored, or there is no collection.
    pub async fn verify(&self) -> Result<Option<IntegrityScan>, BackendError> {
        let shared = &self.shared;
        shared.when_free(shared.wait_policy(), repair::verify).await
    }

    /// The directory of collections under the data directory.
    pub fn home(data: &Path) -> PathBuf {
        layout::home(data)
    }
}

#[async_trait]
impl Collection for EdgeStore {
    fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// Files always answer.
    async fn ping(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn read(&self) -> Result<Option<CollectionReader>, BackendError> {
        VersionView::of_the_version_in_use(&self.shared).await
    }

    async fn write(&self) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        let writing = VersionWriter::begin(&self.shared, None).await?;
        Ok(Arc::new(VersionView::written(&self.shared, writing)))
    }

    async fn write_again(&self, run: Uuid) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        let writing = VersionWriter::begin(&self.shared, Some(run)).await?;
        Ok(Arc::new(VersionView::written(&self.shared, writing)))
    }

    async fn versions(&self) -> Result<Vec<VersionEntry>, BackendError> {
        let layout = self.shared.layout.clone();
        self.shared.blocking(move || marks::entries(&layout)).await
    }

    async fn read_version(&self, number: u32) -> Result<Option<CollectionReader>, BackendError> {
        VersionView::of_version(&self.shared, number).await
    }

    async fn version_log(&self) -> Result<Vec<VersionEvent>, BackendError> {
        let layout = self.shared.layout.clone();
        let read = move || {
            Ok(log::read(&layout)
                .map_err(|error| format!("can't read the log of versions: {error}"))?)
        };
        self.shared.blocking(read).await
    }
}

#[cfg(test)]
mod tests;
