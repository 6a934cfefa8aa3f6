//! Writes and reads the log of a collection's versions.

use chrono::{SecondsFormat, Utc};

use super::super::engine::Engine;
use super::super::sync::SyncOptions;
use super::log_repair::missing;
use crate::error::Failure;
use crate::ingest::{BuiltVersion, IngestReport};
use crate::store::CollectionWriter;
use crate::types::{VersionCause, VersionChange, VersionEvent};

impl VersionEvent {
    /// An event that happened just now.
    pub(in crate::service) fn now(
        version: u32,
        change: VersionChange,
        cause: VersionCause,
    ) -> Self {
        Self {
            at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            version,
            change,
            cause,
            other: None,
            documents: None,
            chunks: None,
            trial: None,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Engine {
    /// The events of the versions of the collection, oldest first.
    ///
    /// # Errors
    /// There is no collection, or the store fails.
    pub async fn version_log(&self) -> Result<Vec<VersionEvent>, Failure> {
        let entries = self.version_entries().await?;
        let mut events = self.collection().version_log().await?;
        let missing = missing(&events, &entries, None);
        events.extend(missing);
        Ok(events)
    }

    /// Writes an event to the log, and before it the events that are missing since a process was
    /// killed, as far as they can be reconstructed.
    ///
    /// # Errors
    /// The event happened, but can't be logged.
    pub(in crate::service) async fn log(
        &self,
        writer: &dyn CollectionWriter,
        event: VersionEvent,
    ) -> Result<(), Failure> {
        let written = async {
            // There may be no collection before a version that an ingest makes. If it can't be read,
            // the event can be written all the same.
            if event.cause != VersionCause::Ingest
                && let (Ok(events), Ok(entries)) =
                    (self.collection().version_log().await, self.collection().versions().await)
            {
                for lost in missing(&events, &entries, Some(&event)) {
                    writer.log_version(&lost).await?;
                }
            }
            writer.log_version(&event).await
        };
        written.await.map_err(|error| {
            let VersionEvent { version, change, .. } = event;
            let done = format!("version {version} is {}, which can't be logged", change.name());
            let failure = Failure::from(error);
            Failure { message: format!("{done}: {}", failure.message), ..failure }
        })
    }

    /// The same for a run that made a version. If it can't be logged, a note is returned, since the run
    /// succeeded.
    pub(in crate::service) async fn log_run(
        &self,
        writer: &dyn CollectionWriter,
        report: &IngestReport,
        options: &SyncOptions,
    ) -> Option<String> {
        let BuiltVersion { version, live } = match report.built {
            Some(built) => built,
            None if report.created => {
                BuiltVersion { version: writer.version().await.ok()??, live: true }
            }
            None => return None,
        };
        let cause = match options.builds_by() {
            _ if report.built.is_none() => VersionCause::Ingest,
            Some("--rebuild") => VersionCause::Rebuild,
            _ => VersionCause::NewVersion,
        };
        let change = if live { VersionChange::Live } else { VersionChange::Built };
        let event = VersionEvent {
            documents: Some(report.documents_total as u64),
            chunks: Some(report.chunks as u64),
            ..VersionEvent::now(version, change, cause)
        };
        self.log(writer, event).await.err().map(|failure| failure.message)
    }
}
