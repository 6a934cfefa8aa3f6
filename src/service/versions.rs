//! The versions of a collection: which there are, which is live, and which go.

mod diff;
mod found;
mod log;
mod promotion;

use std::sync::Arc;

pub use self::diff::{DiffedDocument, DiffedSetting, DiffedVersion, VersionDiff};

use super::changes::{ChangeCommand, ChangeNote};
use super::engine::Engine;
use super::sync::{Inputs, SyncOptions};
use crate::error::{Exit, Failure};
use crate::store::{CollectionWriter, Reader, beyond, latest_former};
use crate::types::{Reach, VersionCause, VersionChange, VersionEntry, VersionEvent, VersionState};

/// A version, and what is in it.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionReport {
    pub entry: VersionEntry,
    /// `None` where it is not complete, or can't be read.
    pub contents: Option<VersionContents>,
}

/// How much is in a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionContents {
    pub documents: usize,
    pub chunks: u64,
}

/// That another version is the collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionSwitch {
    pub live: u32,
    /// That was it before; the same where nothing was to be done.
    pub former: u32,
}

const LIST: &str = "docent index list names those that there are";

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

    /// One of them; the live one where none is named.
    ///
    /// # Errors
    /// It is not there, or the store fails.
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
    /// It is not there or not complete, the collection is another project's or is being written, or the store
    /// fails.
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

    /// Makes the version the live one that was it before.
    ///
    /// # Errors
    /// There is none; and as with [`Self::use_version`].
    pub async fn roll_back(&self) -> Result<VersionSwitch, Failure> {
        self.as_owner(ChangeCommand::Rollback, async |writer, note| {
            let entries = self.version_entries().await?;
            let Some(number) = latest_former(&entries) else {
                let message = "no former version is left that could be live again";
                return Err(Failure::new(Exit::Negative, message).hint(format!(
                    "{LIST}; `docent index use V` makes one live that was built; the setting index.keep says how many former ones stay"
                )));
            };
            let event = VersionEvent::now(number, VersionChange::Live, VersionCause::Rollback);
            note.come_to().versions.push(number);
            self.switch(&*writer, &entries, event).await
        })
        .await
    }

    /// To the version that `event` is about.
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
    /// It is the live one, or not there; and as with [`Self::use_version`].
    pub async fn drop_version(&self, number: u32) -> Result<(), Failure> {
        self.as_owner(ChangeCommand::Drop, async |writer, note| {
            let entries = self.version_entries().await?;
            if self.named_version(&entries, number)?.state == VersionState::Live {
                let message = format!("version {number} is the live one");
                let hint =
                    "make another one live first: docent index use V, or docent index rollback";
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

    /// Removes former versions but for the `keep` that were live last, and candidates, and says which.
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

    /// Does something as the only writer of a collection that is this project's.
    async fn as_owner<T>(
        &self,
        command: ChangeCommand,
        op: impl AsyncFnOnce(Arc<dyn CollectionWriter>, &ChangeNote) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Before the right to write is taken: it leaves nothing where there is nothing.
        self.version_entries().await?;
        self.change(command, async |writer, note| {
            let nothing = Inputs::parse(Vec::new(), Reach::default())?;
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
    pub(super) async fn complete_version(&self, number: u32) -> Result<Reader, Failure> {
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
        // By its records: they are listed beside a shard, which need not be loaded.
        let documents = reader.documents().await?;
        let chunks = documents.iter().map(|record| u64::from(record.chunks)).sum();
        Ok(Some(VersionContents { documents: documents.len(), chunks }))
    }
}

fn incomplete(number: u32) -> Failure {
    let message = format!("version {number} is not complete: a run builds it, or was cut off");
    Failure::usage(message).hint("build another: docent ingest --new-version")
}

fn live(entries: &[VersionEntry]) -> Option<&VersionEntry> {
    entries.iter().find(|entry| entry.state == VersionState::Live)
}
