//! The two lines of a change: one before anything is changed, and one when it is over.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SecondsFormat, Utc};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::entry::{ChangeCommand, ChangeEnd, ChangeEntry, ChangeOutcome, ChangePhase};
use crate::audit::Chain;
use crate::error::{BackendError, Exit, ExternalService, Failure, Fault};
use crate::service::context::Context;
use crate::store::{ChangeHook, CollectionReader, CollectionWriter, host_name};
use crate::types::ContentHash;

/// How long, and how often, to try again while another process writes a line.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A change that may come: no line is written until something is to be changed.
pub(in crate::service) struct ChangeNote {
    log: PathBuf,
    /// If false, nothing is written.
    is_on: bool,
    /// Writer of the version that is live when the change begins.
    writer: OnceLock<Arc<dyn CollectionWriter>>,
    /// The first line, once it is written.
    begun: OnceCell<ChangeEntry>,
    /// The entry without what is known only when the change begins.
    entry: ChangeEntry,
    end: Mutex<ChangeEnd>,
    run: Mutex<Option<Uuid>>,
    /// Number of the last line.
    ended: OnceCell<u64>,
}

impl ChangeNote {
    pub(super) fn new(context: &Context, command: ChangeCommand, store: &str) -> Self {
        let entry = ChangeEntry {
            time: String::new(),
            phase: ChangePhase::Begun,
            change_id: Uuid::now_v7(),
            command,
            user: context.user.clone(),
            host: host_name(),
            project: context.project.as_ref().map(|project| project.name.clone()),
            keys: Vec::new(),
            docent: env!("CARGO_PKG_VERSION"),
            store: store.to_owned(),
            collection: context.settings.collection.clone(),
            run_id: None,
            live_before: None,
            content_before: None,
            end: None,
        };
        Self {
            log: context.changes(),
            is_on: context.settings.index_audit,
            writer: OnceLock::new(),
            begun: OnceCell::new(),
            entry,
            end: Mutex::default(),
            run: Mutex::default(),
            ended: OnceCell::new(),
        }
    }

    /// Sets the keys with which the change was asked for over HTTP.
    #[must_use]
    pub(super) fn asked_by(mut self, keys: &[String]) -> Self {
        self.entry.keys = keys.to_vec();
        self
    }

    /// Sets the writer that the state before the change is read from.
    pub(super) fn is_written_by(&self, writer: &Arc<dyn CollectionWriter>) {
        self.writer.get_or_init(|| Arc::clone(writer));
    }

    /// The result of the change, as far as it is known.
    pub(in crate::service) fn come_to(&self) -> MutexGuard<'_, ChangeEnd> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the run that changes the collection.
    pub(in crate::service) fn made_by(&self, run: Uuid) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    /// Checks that a line can be written, before any work is done.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        if !self.is_on {
            return Ok(());
        }
        let checked = if self.log.symlink_metadata().is_ok() {
            self.open().await.map(drop)
        } else {
            could_be_made(&self.log)
        };
        checked.map_err(|error| self.refused(&error))
    }

    /// Writes the first line, before anything is changed. It is on the disk when this returns.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) async fn begin(&self, run: Option<Uuid>) -> io::Result<()> {
        if !self.is_on {
            return Ok(());
        }
        let begun = self.begun.get_or_try_init(|| async {
            let mut entry = ChangeEntry { run_id: run, time: now(), ..self.entry.clone() };
            if let Some(writer) = self.writer.get() {
                (entry.live_before, entry.content_before) = live(&**writer, false).await;
            }
            self.add(&entry).await.map(|_| entry)
        });
        begun.await.map(drop)
    }

    /// Writes the last line, if a change was begun, and returns its number. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// It can't be written.
    pub(in crate::service) async fn finish(&self) -> Result<Option<u64>, Failure> {
        let Some(begun) = self.begun.get() else { return Ok(None) };
        let written = self.ended.get_or_try_init(|| async {
            let run = *self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let mut entry = ChangeEntry {
                time: now(),
                phase: ChangePhase::Ended,
                run_id: run.or(begun.run_id),
                end: Some(self.come_to().clone()),
                ..begun.clone()
            };
            if let (Some(writer), Some(end)) = (self.writer.get(), &mut entry.end) {
                (end.live_after, end.content_after) =
                    live(&**writer, !end.versions.is_empty()).await;
            }
            self.add(&entry).await
        });
        written.await.map(|number| Some(*number)).map_err(|error| {
            let problem = format!("{}: {error}", self.log.display());
            let message = "the collection was changed, but the end of the change can't be logged";
            Failure::new(Exit::Backend, message)
                .caused_by(problem)
                .hint("the line with the beginning of the change is there; make the file writable")
        })
    }

    /// Notes the error that ended the change.
    pub(super) fn failed(&self, failure: &Failure) {
        self.come_to().outcome = match failure.exit {
            Exit::Interrupted => ChangeOutcome::Interrupted,
            _ => ChangeOutcome::Failed,
        };
    }

    async fn open(&self) -> io::Result<Chain> {
        make_private(self.log.parent().unwrap_or(Path::new(".")))?;
        let mut tries = 0..TRIES;
        loop {
            match Chain::open(&self.log) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && tries.next().is_some() => {
                    tokio::time::sleep(PAUSE).await;
                }
                opened => return opened,
            }
        }
    }

    async fn add(&self, entry: &ChangeEntry) -> io::Result<u64> {
        let mut chain = self.open().await?;
        // Missing lines are reported in the file itself, and by `docent audit verify`.
        chain.add(entry, &mut None).and_then(|()| chain.sync())?;
        Ok(chain.number())
    }

    pub(super) fn refused(&self, error: &io::Error) -> Failure {
        let (message, log) =
            ("nothing was changed, because the change can't be logged", self.log.display());
        Failure::new(Exit::Backend, message).caused_by(format!("{log}: {error}")).hint(
            "make the file writable, or move it away if docent did not write it; with `index.audit = false` (DOCENT_INDEX_AUDIT) changes are not logged",
        )
    }
}

#[async_trait]
impl ChangeHook for ChangeNote {
    async fn will_change(&self, run: Option<Uuid>) -> Result<(), BackendError> {
        if let Some(run) = run {
            self.made_by(run);
        }
        self.begin(run).await.map_err(|error| {
            let fault = match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full,
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Fault::Denied,
                _ => Fault::Permanent,
            };
            let why = format!("the change can't be logged, and is not made: {error}");
            BackendError::new(ExternalService::Store, fault, self.log.display().to_string(), &why)
        })
    }
}

/// The live version and the hash of its documents, where known. The version that is being written may
/// be another one.
async fn live(
    writer: &dyn CollectionWriter,
    may_be_another: bool,
) -> (Option<u32>, Option<ContentHash>) {
    if may_be_another {
        let live = writer.reader().await.ok().flatten();
        let content = live.as_ref().and_then(|live| live.manifest().content_hash.clone());
        return (live.as_ref().map(CollectionReader::version), content);
    }
    let Some(version) = writer.version().await.ok().flatten() else { return (None, None) };
    let manifest = writer.manifest().await.ok().flatten();
    (Some(version), manifest.and_then(|manifest| manifest.content_hash))
}

/// Checks that a file could be created at this path, without creating it.
fn could_be_made(file: &Path) -> io::Result<()> {
    let there = file.ancestors().skip(1).find(|directory| directory.is_dir());
    tempfile::tempfile_in(there.unwrap_or(Path::new("."))).map(drop)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Creates the data directory if there is none: readable by its owner alone, and ignored by git.
pub(in crate::service) fn make_private(directory: &Path) -> io::Result<()> {
    use std::fs;
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)?;
    fs::write(directory.join(".gitignore"), "*\n")
}
