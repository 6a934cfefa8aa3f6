//! The versions of a collection: lists them, switches the live one, and removes others.

mod diff;
mod log;
mod log_repair;
mod promotion;

use std::sync::Arc;

pub use self::diff::{DiffedDocument, DiffedSetting, DiffedVersion, VersionDiff};

use super::changes::{ChangeCommand, ChangeNote};
use super::engine::Engine;
use super::sync::{SyncInputs, SyncOptions};
use crate::error::{Exit, Failure};
use crate::store::{CollectionReader, CollectionWriter, beyond, latest_former};
use crate::types::{
    CrawlReach, VersionCause, VersionChange, VersionEntry, VersionEvent, VersionState,
};

/// A version, and what is in it.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionReport {
    pub entry: VersionEntry,
    /// `None` if the version is not complete, or can't be read.
    pub contents: Option<VersionContents>,
}

/// How much is in a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionContents {
    pub documents: usize,
    pub chunks: u64,
}

/// A switch of the live version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionSwitch {
    pub live: u32,
    /// The version that was live before; the same if there was nothing to do.
    pub former: u32,
}

const LIST: &str = "docent index list shows the versions";

impl Engine {
    /// All versions, by number, with how much is in them.
    ///
    /// # Errors
    /// There is no collection, or the store fails.
    pub async fn version_reports(&self) -> Result<Vec<VersionReport>, Failure> {
        let mut reports = Vec::new();
        for entry in self.version_entries().await? {
            let contents = self.contents(&entry).await?;
            reports.push(VersionReport { entry, contents });
        }
        Ok(reports)
    }

    /// One version; the live one if no number is given.
    ///
    /// # Errors
    /// The version does not exist, or the store fails.
    pub async fn version_report(&self, number: Option<u32>) -> Result<VersionReport, Failure> {
        let entries = self.version_entries().await?;
        let entry = match number {
            Some(number) => self.named_version(&entries, number)?,
            None => live(&entries).ok_or_else(|| self.missing_collection())?,
        };
        let (entry, contents) = (entry.clone(), self.contents(entry).await?);
        Ok(VersionReport { entry, contents })
    }

    /// Makes a version the live one.
    ///
    /// # Errors
    /// The version does not exist or is not complete, the collection is another project's or is being
    /// written, or the store fails.
    pub async fn use_version(&self, number: u32) -> Result<VersionSwitch, Failure> {
        self.as_owner(ChangeCommand::Use, async |writer, note| {
            let entries = self.version_entries().await?;
            if !self.named_version(&entries, number)?.state.is_complete() {
                return Err(incomplete(number));
            }
            let event = VersionEvent::now(number, VersionChange::Live, VersionCause::Use);
            note.come_to().versions.push(number);
            self.switch(&*writer, &entries, event).await
        })
        .await
    }

    /// Makes the version that was live before the live one again.
    ///
    /// # Errors
    /// There is no such version; and as with [`Self::use_version`].
    pub async fn roll_back(&self) -> Result<VersionSwitch, Failure> {
        self.as_owner(ChangeCommand::Rollback, async |writer, note| {
            let entries = self.version_entries().await?;
            let Some(number) = latest_former(&entries) else {
                let message = "there is no former version that could be made live again";
                return Err(Failure::new(Exit::Negative, message).hint(format!(
                    "{LIST}; `docent index use V` makes one of them live; the setting index.keep says how many former versions are kept"
                )));
            };
            let event = VersionEvent::now(number, VersionChange::Live, VersionCause::Rollback);
            note.come_to().versions.push(number);
            self.switch(&*writer, &entries, event).await
        })
        .await
    }

    /// Switches to the version that `event` is about.
    async fn switch(
        &self,
        writer: &dyn CollectionWriter,
        entries: &[VersionEntry],
        event: VersionEvent,
    ) -> Result<VersionSwitch, Failure> {
        let former = live(entries).ok_or_else(|| self.missing_collection())?.number;
        let number = event.version;
        writer.switch(number).await?;
        if number != former {
            self.log(writer, VersionEvent { other: Some(former), ..event }).await?;
        }
        Ok(VersionSwitch { live: number, former })
    }

    /// Removes a version.
    ///
    /// # Errors
    /// The version is the live one, or does not exist; and as with [`Self::use_version`].
    pub async fn drop_version(&self, number: u32) -> Result<(), Failure> {
        self.as_owner(ChangeCommand::Drop, async |writer, note| {
            let entries = self.version_entries().await?;
            if self.named_version(&entries, number)?.state == VersionState::Live {
                let message = format!("version {number} is the live one");
                let hint =
                    "make another version live first: docent index use V, or docent index rollback";
                return Err(Failure::usage(message).hint(hint));
            }
            note.come_to().versions.push(number);
            self.remove(&*writer, &[number], VersionCause::Drop).await
        })
        .await
    }

    async fn remove(
        &self,
        writer: &dyn CollectionWriter,
        numbers: &[u32],
        cause: VersionCause,
    ) -> Result<(), Failure> {
        writer.remove_versions(numbers).await?;
        for &number in numbers {
            let event = VersionEvent::now(number, VersionChange::Removed, cause);
            self.log(writer, event).await?;
        }
        Ok(())
    }

    /// Removes candidates, and former versions except for the `keep` that were live last. Returns the
    /// numbers of those that were removed.
    ///
    /// # Errors
    /// As with [`Self::use_version`].
    pub async fn prune_versions(&self, keep: usize) -> Result<Vec<u32>, Failure> {
        self.as_owner(ChangeCommand::Prune, async |writer, note| {
            let mut doomed = beyond(&self.version_entries().await?, keep, None);
            doomed.sort_unstable();
            if !doomed.is_empty() {
                note.come_to().versions.clone_from(&doomed);
                self.remove(&*writer, &doomed, VersionCause::Prune).await?;
            }
            Ok(doomed)
        })
        .await
    }

    /// Runs an operation as the only writer of a collection of this project.
    async fn as_owner<T>(
        &self,
        command: ChangeCommand,
        op: impl AsyncFnOnce(Arc<dyn CollectionWriter>, &ChangeNote) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Checked before the right to write is taken, which would leave files where there is no
        // collection.
        self.version_entries().await?;
        self.change(command, async |writer, note| {
            let nothing = SyncInputs::parse(Vec::new(), CrawlReach::default())?;
            let owned = self.own(&writer, &nothing, &SyncOptions::default()).await?;
            op(owned.writer, note).await
        })
        .await
    }

    pub(super) async fn version_entries(&self) -> Result<Vec<VersionEntry>, Failure> {
        let entries = self.collection().versions().await?;
        if live(&entries).is_none() { Err(self.missing_collection()) } else { Ok(entries) }
    }

    fn named_version<'e>(
        &self,
        entries: &'e [VersionEntry],
        number: u32,
    ) -> Result<&'e VersionEntry, Failure> {
        entries.iter().find(|entry| entry.number == number).ok_or_else(|| {
            let collection = &self.context.settings.collection;
            Failure::usage(format!("collection `{collection}` has no version {number}")).hint(LIST)
        })
    }

    /// A snapshot of a version that is complete.
    pub(super) async fn complete_version(&self, number: u32) -> Result<CollectionReader, Failure> {
        self.named_version(&self.version_entries().await?, number)?;
        let reader = self.collection().read_version(number).await?;
        reader.ok_or_else(|| incomplete(number))
    }

    async fn contents(&self, entry: &VersionEntry) -> Result<Option<VersionContents>, Failure> {
        if !entry.state.is_complete() || entry.manifest.is_none() {
            return Ok(None);
        }
        let Some(reader) = self.collection().read_version(entry.number).await? else {
            return Ok(None);
        };
        // Counted from the records: they are listed beside the shard, which need not be loaded.
        let documents = reader.documents().await?;
        let chunks = documents.iter().map(|record| u64::from(record.chunks)).sum();
        Ok(Some(VersionContents { documents: documents.len(), chunks }))
    }
}

fn incomplete(number: u32) -> Failure {
    let message = format!("version {number} is not complete: a run is building it, or was cut off");
    Failure::usage(message).hint("build another one: docent ingest --new-version")
}

fn live(entries: &[VersionEntry]) -> Option<&VersionEntry> {
    entries.iter().find(|entry| entry.state == VersionState::Live)
}
