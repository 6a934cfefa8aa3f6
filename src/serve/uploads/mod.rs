//! Documents that are uploaded by request: kept as files, and brought into collections, one run at a time.
//!
//! An uploaded file is kept in the data directory under its id, with its state beside it. It is a document
//! of a collection from the request that adds it to the request that removes it: runs of `docent ingest`
//! leave it alone, and a rebuild of the collection includes it. Pending work is written to disk before it
//! is promised, so that a server that was killed continues after its restart.

mod directory_lock;
pub(super) mod received;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::sync::watch;

use crate::error::{Exit, Failure};
use crate::types::is_upload_id;
use directory_lock::DirectoryLock;
pub(super) use work::work;

/// Largest file with the state of an upload.
const LARGEST_ROW: u64 = 1 << 20;

/// An uploaded file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) id: String,
    /// Without its directory.
    pub(super) name: String,
    /// The directory in its name; empty if there is none.
    pub(super) directory: String,
    pub(super) bytes: u64,
    /// Seconds since 1970.
    pub(super) created_at: i64,
    pub(super) purpose: String,
    /// Id of the key that it was uploaded with; `None`: keys were not needed.
    pub(super) owner: Option<String>,
    /// By collection.
    #[serde(default)]
    pub(super) places: BTreeMap<String, UploadPlace>,
}

/// An upload as a document of a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UploadPlace {
    pub(super) source: String,
    pub(super) tags: Vec<String>,
    /// Seconds since 1970.
    pub(super) created_at: i64,
    pub(super) state: UploadState,
    pub(super) asked_by: UploadRequest,
}

/// The request that a change was asked for by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct UploadRequest {
    pub(super) request_id: String,
    #[serde(default)]
    pub(super) trace_id: String,
    /// Name of the key.
    pub(super) key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UploadState {
    /// It waits to be added.
    Waiting,
    /// It waits to be removed.
    Leaving,
    Stored,
    Failed {
        /// In the terms of `OpenAI`.
        code: String,
        reason: String,
    },
}

/// All uploads and their pending changes.
pub(super) struct Uploads {
    directory: PathBuf,
    hold: Mutex<DirectoryLock>,
    table: Mutex<Table>,
    /// Notified whenever a change is made or asked for.
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    uploads: BTreeMap<String, Upload>,
    /// Collections and ids, in the order in which they were asked for.
    queue: VecDeque<(String, String)>,
    /// Sets of uploads that were asked for together, by id; the oldest are dropped first.
    batches: VecDeque<UploadBatch>,
}

/// Uploads that one request added to a collection.
#[derive(Clone, Debug)]
pub(super) struct UploadBatch {
    pub(super) id: String,
    pub(super) collection: String,
    pub(super) created_at: i64,
    pub(super) uploads: Vec<String>,
}

/// Most batches that are remembered.
const BATCHES: usize = 1_000;

/// Most changes that may wait.
const MOST_WAITING: usize = 10_000;

impl Uploads {
    /// Continues with the uploads of the previous server.
    ///
    /// # Errors
    /// The uploads cannot be read, the directory cannot be written, or another server takes uploads there.
    pub(super) fn open(directory: PathBuf) -> Result<Self, Failure> {
        let name = directory.display();
        let taken = make(&directory).and_then(|()| DirectoryLock::take(&directory)).map_err(|error| {
            Failure::config(format!("{name}: {error}"))
                .hint("--ingest keeps uploaded files there: make the directory writable, or name another one with --data-dir")
        })?;
        let hold = taken.map_err(|holder| {
            Failure::config(format!("{name}: another server takes uploads there: {holder}")).hint(
                "stop that server first, or start this one without --ingest: it answers from the same \
                 collections, including files uploaded to the other server",
            )
        })?;
        let uploads = read_all(&directory).map_err(|error| {
            Failure::new(Exit::Backend, format!("{name}: {error}"))
                .hint("it holds the uploaded files: repair it, or move it away")
        })?;
        let mut table = Table { uploads, ..Table::default() };
        for upload in table.uploads.values() {
            let undone = upload.places.iter().filter(|(_, place)| place.is_under_way());
            table.queue.extend(undone.map(|(name, _)| (name.clone(), upload.id.clone())));
        }
        let (hold, table) = (Mutex::new(hold), Mutex::new(table));
        Ok(Self { directory, hold, table, changed: watch::Sender::new(()) })
    }

    fn hold(&self) -> MutexGuard<'_, DirectoryLock> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // If the data directory was removed, the uploads are gone, too.
        if !table.uploads.is_empty() && self.hold().is_lost() {
            table.uploads.clear();
            table.queue.clear();
        }
        table
    }

    /// The file of an upload.
    pub(super) fn path(&self, id: &str) -> PathBuf {
        self.directory.join(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<Upload> {
        self.table().uploads.get(id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Upload> {
        self.table().uploads.values().cloned().collect()
    }

    /// How many changes wait.
    pub(super) fn waiting(&self) -> usize {
        self.table().queue.len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting() < MOST_WAITING
    }

    /// A new file to write an upload to.
    ///
    /// # Errors
    /// The directory cannot be written, or another server has created it again.
    pub(super) fn new_file(&self) -> io::Result<NamedTempFile> {
        if self.hold().is_lost() {
            // Forgets removed uploads before the directory exists again.
            drop(self.table());
            self.take_again()?;
        }
        NamedTempFile::new_in(&self.directory)
    }

    fn take_again(&self) -> io::Result<()> {
        make(&self.directory)?;
        let mut hold = self.hold();
        if hold.is_lost() {
            *hold = DirectoryLock::take(&self.directory)?.map_err(|holder| {
                io::Error::other(format!("another server takes uploads there: {holder}"))
            })?;
        }
        Ok(())
    }

    /// Adds a file that has been written.
    ///
    /// # Errors
    /// The file cannot be stored.
    pub(super) fn add(&self, file: NamedTempFile, upload: Upload) -> io::Result<()> {
        file.as_file().sync_all()?;
        file.persist_noclobber(self.path(&upload.id))?;
        if let Err(error) = self.write(&upload) {
            let _ = std::fs::remove_file(self.path(&upload.id));
            return Err(error);
        }
        self.table().uploads.insert(upload.id.clone(), upload);
        Ok(())
    }

    /// Adds an upload to a collection, or changes its place there; the work is done later.
    ///
    /// # Errors
    /// The change cannot be written to disk.
    pub(super) fn place(&self, id: &str, collection: &str, place: UploadPlace) -> io::Result<()> {
        let mut table = self.table();
        let Some(upload) = table.uploads.get_mut(id) else { return Ok(()) };
        let mut placed = upload.clone();
        placed.places.insert(collection.to_owned(), place);
        self.write(&placed)?;
        *upload = placed;
        let entry = (collection.to_owned(), id.to_owned());
        if !table.queue.contains(&entry) {
            table.queue.push_back(entry);
        }
        drop(table);
        self.changed.send_replace(());
        Ok(())
    }

    /// Removes an upload from a collection; the work is done later.
    ///
    /// # Errors
    /// The change cannot be written to disk.
    pub(super) fn displace(
        &self,
        id: &str,
        collection: &str,
        asked_by: UploadRequest,
    ) -> io::Result<()> {
        let place = self.get(id).and_then(|upload| upload.places.get(collection).cloned());
        let Some(place) = place else { return Ok(()) };
        self.place(id, collection, UploadPlace { state: UploadState::Leaving, asked_by, ..place })
    }

    /// Removes the file of an upload that is in no collection. Two callers may ask for that at once.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        let mut table = self.table();
        remove_if_there(&self.row(id))?;
        table.uploads.remove(id);
        remove_if_there(&self.path(id))
    }

    /// Waits until the condition holds for an upload's place in a collection; the place is `None` if it has
    /// none.
    pub(super) async fn until(
        &self,
        id: &str,
        collection: &str,
        is_so: impl Fn(Option<&UploadPlace>) -> bool,
    ) {
        let mut changed = self.changed.subscribe();
        loop {
            let upload = self.get(id);
            let place = upload.as_ref().and_then(|upload| upload.places.get(collection));
            if is_so(place) || changed.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn add_batch(&self, batch: UploadBatch) {
        let batches = &mut self.table().batches;
        if batches.len() == BATCHES {
            batches.pop_front();
        }
        batches.push_back(batch);
    }

    pub(super) fn batch(&self, id: &str) -> Option<UploadBatch> {
        self.table().batches.iter().find(|batch| batch.id == id).cloned()
    }

    /// Records the result of a change.
    fn settle(
        &self,
        id: &str,
        collection: &str,
        asked: &UploadPlace,
        state: Option<UploadState>,
    ) -> io::Result<()> {
        let mut table = self.table();
        let Some(upload) = table.uploads.get_mut(id) else { return Ok(()) };
        // Another change of the same upload was asked for meanwhile.
        if upload.places.get(collection) != Some(asked) {
            return Ok(());
        }
        match state {
            Some(state) => {
                let place = UploadPlace { state, ..asked.clone() };
                upload.places.insert(collection.to_owned(), place);
            }
            None => {
                upload.places.remove(collection);
            }
        }
        let written = self.write(&upload.clone());
        drop(table);
        self.changed.send_replace(());
        written
    }

    fn row(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    fn write(&self, upload: &Upload) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(&serde_json::to_vec(upload)?)?;
        file.as_file().sync_data()?;
        file.persist(self.row(&upload.id))?;
        Ok(())
    }
}

impl UploadPlace {
    /// Whether a change is still pending.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.state, UploadState::Waiting | UploadState::Leaving)
    }
}

/// Reads the states of all uploads; those without a file are skipped.
fn read_all(directory: &Path) -> io::Result<BTreeMap<String, Upload>> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries?,
    };
    let mut uploads = BTreeMap::new();
    for entry in entries {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let Some(id) = id.filter(|id| is_upload_id(id)) else { continue };
        let upload = read(&directory.join(&name))?;
        if upload.id == id && directory.join(id).is_file() {
            uploads.insert(id.to_owned(), upload);
        }
    }
    Ok(uploads)
}

fn read(path: &Path) -> io::Result<Upload> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    crate::rooted_fs::open_file(path)?.take(LARGEST_ROW).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Creates the directory if necessary, for its owner only, and hides it from git.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    let hides = directory.join(".gitignore");
    if hides.exists() { Ok(()) } else { std::fs::write(hides, "*\n") }
}
