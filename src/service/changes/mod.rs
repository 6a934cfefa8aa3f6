//! Changes of a collection: the only way to get the right to make one, and the log of changes in the
//! data directory ([`crate::audit`]), which has no text of a document.
//!
//! A line is on the disk before the first change is made, whatever makes it: the writer itself calls
//! [`ChangeNote`]. Another line is written when the change is over. So there is no change without a
//! line, even after a kill, which leaves the first one.

mod entry;
mod note;

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

pub use self::entry::{
    ChangeCommand, ChangeEnd, ChangeEntry, ChangeOutcome, ChangePhase, ChangedDocuments,
    PurgedLine, schema,
};
pub(super) use self::note::{ChangeNote, make_private};
use super::context::Context;
use super::engine::Engine;
use crate::cancel::Cancel;
use crate::error::{BackendError, Failure};
use crate::ingest::IngestReport;
use crate::store::{CollectionWriter, with_change_hook};
use crate::types::Partition;

impl Context {
    /// The file of the log of changes.
    pub fn changes(&self) -> PathBuf {
        self.data_dir.join("changes.jsonl")
    }
}

/// What of a collection is to be changed.
#[derive(Clone, Copy)]
pub(super) enum ChangeScope {
    All,
    /// The sources in this part, while others change the other parts.
    Part(Partition),
    /// All of it; what this run left unfinished is kept for it.
    Resume(Uuid),
}

/// A request for the right to change a collection.
pub(super) struct ChangeRequest<'a> {
    pub(super) command: ChangeCommand,
    pub(super) right: ChangeScope,
    /// Names of the keys of `docent serve` that ask for it.
    pub(super) keys: &'a [String],
    /// Ends the wait for another writer.
    pub(super) cancel: Option<&'a Cancel>,
}

impl From<ChangeCommand> for ChangeRequest<'_> {
    fn from(command: ChangeCommand) -> Self {
        Self { command, right: ChangeScope::All, keys: &[], cancel: None }
    }
}

impl Engine {
    /// Changes the collection as its only writer. A line is written before `op` changes anything, and
    /// another afterwards with what `op` reported to [`ChangeNote::come_to`].
    ///
    /// # Errors
    /// Another process has the collection, a line can't be written, or `op` fails.
    pub(super) async fn change<T>(
        &self,
        request: impl Into<ChangeRequest<'_>>,
        op: impl AsyncFnOnce(Arc<dyn CollectionWriter>, &ChangeNote) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ChangeRequest { command, right, keys, cancel } = request.into();
        let writer = match cancel {
            None => self.writer(right).await?,
            Some(cancel) => tokio::select! {
                writer = self.writer(right) => writer?,
                () = cancel.cancelled() => return Err(Failure::interrupted()),
            },
        };
        let note = Arc::new(self.note(command).asked_by(keys));
        note.is_written_by(&writer);
        let done = async {
            note.check().await?;
            let told = with_change_hook(Arc::clone(&writer), Arc::clone(&note) as Arc<_>);
            note.come_to().outcome = ChangeOutcome::Done;
            // Boxed: its state is large, and many futures contain this one.
            let done = Box::pin(op(told, &note)).await;
            if let Err(failure) = &done {
                note.failed(failure);
            }
            let noted = note.finish().await;
            let done = done?;
            noted?;
            Ok(done)
        };
        let done: Result<T, Failure> = done.await;
        let closed = writer.close().await;
        let done = done?;
        // The failure of `op` was noted already, and says more.
        if note.come_to().outcome != ChangeOutcome::Failed {
            closed?;
        }
        Ok(done)
    }

    async fn writer(&self, right: ChangeScope) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        match right {
            ChangeScope::All => self.collection().write().await,
            ChangeScope::Part(partition) => self.collection().write_part(partition).await,
            ChangeScope::Resume(run) => self.collection().write_again(run).await,
        }
    }

    /// The same for an operation that takes the right to write itself: the first line is written even
    /// if nothing is changed.
    pub(super) async fn noted<T>(
        &self,
        command: ChangeCommand,
        op: impl AsyncFnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let note = self.note(command);
        note.begin(None).await.map_err(|error| note.refused(&error))?;
        note.come_to().outcome = ChangeOutcome::Done;
        let done = Box::pin(op()).await;
        if let Err(failure) = &done {
            note.failed(failure);
        }
        let noted = note.finish().await;
        let done = done?;
        noted?;
        Ok(done)
    }

    fn note(&self, command: ChangeCommand) -> ChangeNote {
        ChangeNote::new(&self.context, command, self.collection().endpoint())
    }
}

impl ChangeEnd {
    /// Notes the result of a run.
    pub(super) fn of_run(&mut self, report: &IngestReport) {
        self.outcome = if report.aborted.is_some() {
            ChangeOutcome::Failed
        } else if report.interrupted || report.stopped.is_some() {
            ChangeOutcome::Interrupted
        } else if !report.failed.is_empty() {
            ChangeOutcome::Partial
        } else {
            ChangeOutcome::Done
        };
        self.versions.extend(report.built.map(|built| built.version));
        self.documents = Some(ChangedDocuments {
            added: report.added as u64,
            changed: report.changed as u64,
            moved: report.moved as u64,
            deleted: report.deleted as u64,
            failed: report.failed.len() as u64,
            chunks: report.chunks as u64,
            total: report.documents_total as u64,
        });
    }
}
