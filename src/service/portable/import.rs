//! Imports a collection from a file.
//!
//! The collection is filled beside the live one, if there is one, and takes its place when the whole
//! file was read and verified. An import that was cut off leaves nothing visible: the next import of
//! the same file [goes on](resume) with what it stored, and any other writer removes it.

mod resume;

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task;
use uuid::Uuid;

use self::resume::UnmatchedPoints;
use super::{AHEAD, OnChunks, PAGE, PortableReport, broken, refused};
use crate::cancel::Cancel;
use crate::embed::sparse::SparseEncoder;
use crate::error::{Exit, Failure};
use crate::service::changes::{
    ChangeCommand, ChangeNote, ChangeRequest, ChangeScope, ChangedDocuments,
};
use crate::service::engine::Engine;
use crate::store::CollectionWriter;
use crate::store::archive::{
    ArchiveEntry, ArchiveError, ArchiveHeader, ArchiveReader, SealedArchive,
};
use crate::types::{
    ContentHash, DocumentRecord, FailureRecord, IngestRun, Manifest, Point, VersionCause,
    VersionChange, VersionEvent,
};

/// Chunks after which what was written becomes durable bit by bit, so that memory stays as it is.
const CHECKPOINT: usize = 4_096;

/// What is imported.
pub enum ImportPackage {
    /// Read twice: nothing is written before the whole file was verified.
    File(PathBuf),
    /// Read once.
    Stream(Box<dyn Read + Send>),
}

type Archive = ArchiveReader<BufReader<Box<dyn Read + Send>>>;

/// Entries of one kind.
enum Batch {
    Documents(Vec<DocumentRecord>),
    Failures(Vec<FailureRecord>),
    Points(Vec<Point>),
}

impl ImportPackage {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stream(_) => "standard input".to_owned(),
        }
    }
}

impl Engine {
    /// Makes a collection from an export. If there is one already, the import is refused, or replaces
    /// it in one step with `replace`.
    ///
    /// # Errors
    /// The file was changed since the export, the collection exists or is another project's, or the
    /// store fails. Others then see nothing of the import.
    pub async fn import(
        &self,
        package: ImportPackage,
        replace: bool,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<PortableReport, Failure> {
        if !replace && self.collection().read().await?.is_some() {
            return Err(self.is_there());
        }
        let digest = match &package {
            ImportPackage::File(path) => Some(self.look_through(path.clone(), cancel).await?),
            ImportPackage::Stream(_) => None,
        };
        let run = run_over(digest.as_ref());
        let (right, cancelled) = (ChangeScope::Resume(run.run_id), Some(cancel));
        let request = ChangeRequest {
            right,
            cancel: cancelled,
            ..ChangeRequest::from(ChangeCommand::Import)
        };
        let source = Source { package, digest, run };
        let imported = self.change(request, async |writer, note| {
            self.import_as(&writer, note, source, replace, cancel, on).await
        });
        let imported = imported.await?;
        // A collection that is created again has the layout that was asked for.
        Ok(PortableReport { notes: self.layout_notes(false).await, ..imported })
    }

    async fn import_as(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        note: &ChangeNote,
        source: Source,
        replace: bool,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<PortableReport, Failure> {
        if !replace && writer.manifest().await?.is_some() {
            return Err(self.is_there());
        }
        let own = self.own_whole(writer, "--replace").await?;
        let Source { package, digest, run } = source;
        let name = package.name();
        let cwd = self.context.cwd.clone();
        let opened = task::spawn_blocking(move || match package {
            ImportPackage::File(path) => open(Box::new(File::open(cwd.join(path))?)),
            ImportPackage::Stream(stream) => open(stream),
        });
        // Opening may block for ever, for example a pipe that nobody writes to.
        let opened = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            opened = opened => opened.map_err(|error| broken(&error))?,
        };
        let archive = opened.map_err(|error| refused(&name, &error))?;
        let head = archive.head().clone();
        check_words(&name, &head)?;
        let former = own.version().await?;
        // The manifest says that the collection is unfinished, until it is complete.
        let begun = Manifest { unfinished: Some(run), runs: Vec::new(), ..head.manifest.clone() };
        let (successor, is_resumed) = resume::begin(&*own, &begun).await?;
        let left = is_resumed.then(|| UnmatchedPoints::of(&*successor));
        let filling =
            Filling { successor: &*successor, left, name: &name, digest: digest.as_ref() };
        match filling.fill(archive, cancel, on).await {
            Ok((sealed, resumed)) => {
                successor.publish(self.context.settings.index_keep).await?;
                let version = successor.version().await?.unwrap_or_default();
                {
                    let mut end = note.come_to();
                    end.versions.push(version);
                    end.documents = Some(ChangedDocuments {
                        added: head.documents,
                        chunks: head.chunks,
                        total: head.documents,
                        ..ChangedDocuments::default()
                    });
                }
                let imported = VersionEvent {
                    other: former,
                    documents: Some(head.documents),
                    chunks: Some(head.chunks),
                    ..VersionEvent::now(version, VersionChange::Live, VersionCause::Import)
                };
                self.log(&**writer, imported).await?;
                Ok(PortableReport { resumed, ..PortableReport::new(head, sealed) })
            }
            // The next import of the same file goes on with what was stored.
            Err(failure) if digest.is_some() && was_cut_off(&failure) => Err(failure),
            Err(failure) => {
                // What can't be removed now is removed by the next writer.
                let _ = successor.drop_collection().await;
                Err(failure)
            }
        }
    }

    fn is_there(&self) -> Failure {
        let collection = &self.context.settings.collection;
        Failure::config(format!("collection `{collection}` already exists"))
            .hint("replace it with --replace, or name another with --collection")
    }

    /// Reads and verifies the whole file without storing anything, and returns its digest.
    async fn look_through(&self, file: PathBuf, cancel: &Cancel) -> Result<ContentHash, Failure> {
        let (path, cancel) = (self.context.cwd.join(&file), cancel.clone());
        let looked = task::spawn_blocking(move || {
            if !path.metadata()?.is_file() {
                return Err(io::Error::other(
                    "it is not a regular file; pipe it in, with - as FILE",
                )
                .into());
            }
            let mut archive = ArchiveReader::open(BufReader::new(File::open(path)?))?;
            while !cancel.is_cancelled() && archive.entry()?.is_some() {}
            Ok((archive.head().clone(), archive.sealed().cloned()))
        });
        let name = file.display().to_string();
        let (head, sealed) = match looked.await.map_err(|error| broken(&error))? {
            Err(ArchiveError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                return Err(Failure::usage(format!("there is no file {name}"))
                    .hint("docent index export FILE writes one"));
            }
            looked => looked.map_err(|error: ArchiveError| refused(&name, &error))?,
        };
        check_words(&name, &head)?;
        sealed.map(|sealed| sealed.digest).ok_or_else(Failure::interrupted)
    }
}

fn open(input: Box<dyn Read + Send>) -> Result<Archive, ArchiveError> {
    ArchiveReader::open(BufReader::new(input))
}

/// Checks that this version of docent can search with the terms of the collection.
fn check_words(name: &str, head: &ArchiveHeader) -> Result<(), Failure> {
    let ArchiveHeader { manifest, docent, .. } = head;
    let spoken = manifest.languages.keys().map(String::as_str);
    SparseEncoder::new(&manifest.sparse, spoken).map(drop).map_err(|why| {
        Failure::config(format!("{name} can't be imported: {why}; nothing was changed")).hint(
            format!("import it with docent {docent}, which exported it, or export an index that this version has built"),
        )
    })
}

/// The imported file, and the run that imports it.
struct Source {
    package: ImportPackage,
    /// Digest of the file; `None` for a stream.
    digest: Option<ContentHash>,
    run: IngestRun,
}

/// The run of an import. For the same file it always has the same id, so that the next import completes
/// what one has left.
fn run_over(digest: Option<&ContentHash>) -> IngestRun {
    let run = this_run();
    match digest {
        Some(digest) => {
            let name = format!("import\0{digest}");
            IngestRun { run_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()), ..run }
        }
        None => run,
    }
}

/// Whether an import was ended by the user or a backend, and not by the content of the file or the
/// store.
fn was_cut_off(failure: &Failure) -> bool {
    failure.exit == Exit::Interrupted || failure.backend.is_some()
}

/// A run that begins now.
pub(in crate::service) fn this_run() -> IngestRun {
    let started_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let docent = env!("CARGO_PKG_VERSION").to_owned();
    IngestRun { run_id: Uuid::now_v7(), started_at, docent, roots: Vec::new(), partition: None }
}

/// The version that is being filled, and will become the live one.
struct Filling<'a> {
    successor: &'a dyn CollectionWriter,
    /// What an earlier import of the same file has stored.
    left: Option<UnmatchedPoints<'a>>,
    name: &'a str,
    /// Digest of the file when it was verified.
    digest: Option<&'a ContentHash>,
}

impl Filling<'_> {
    /// Fills the version; also returns how many chunks were there already.
    async fn fill(
        mut self,
        archive: Archive,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<(SealedArchive, u64), Failure> {
        let head = archive.head().clone();
        let (sender, batches) = mpsc::channel(AHEAD);
        let unpacking = task::spawn_blocking(move || unpack(archive, &sender));
        let resumed = self.store(batches, head.chunks, cancel, on).await?;
        let unpacked = unpacking.await.map_err(|error| broken(&error))?;
        let sealed = unpacked.map_err(|error| refused(self.name, &error))?;
        let sealed = sealed.ok_or_else(Failure::interrupted)?;
        if self.digest.is_some_and(|digest| *digest != sealed.digest) {
            let error = ArchiveError::Wrong("the file was changed while it was read".to_owned());
            return Err(refused(self.name, &error));
        }
        self.successor.optimize().await?;
        let there = self.successor.count_chunks().await?;
        if there != head.chunks {
            let expected = head.chunks;
            let message = format!(
                "the store has {there} of the {expected} chunks that it was sent; nothing was changed"
            );
            return Err(Failure::new(Exit::Backend, message).hint("run this again"));
        }
        self.successor.put_manifest(&head.manifest).await?;
        if cancel.is_cancelled() { Err(Failure::interrupted()) } else { Ok((sealed, resumed)) }
    }

    /// Stores the batches of the file, and counts the chunks that were there already.
    async fn store(
        &mut self,
        mut batches: mpsc::Receiver<Batch>,
        chunks: u64,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<u64, Failure> {
        let successor = self.successor;
        let (mut done, mut stored, mut unflushed) = (0, 0, 0);
        loop {
            let batch = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::interrupted()),
                batch = batches.recv() => batch,
            };
            match batch {
                None => return Ok(done - stored),
                Some(Batch::Documents(records)) => successor.put_documents(&records).await?,
                Some(Batch::Failures(records)) => successor.put_failures(&records).await?,
                Some(Batch::Points(mut points)) => {
                    done += points.len() as u64;
                    if let Some(left) = &mut self.left {
                        points = left.missing(points).await?;
                    }
                    stored += points.len() as u64;
                    unflushed += points.len();
                    successor.upsert(points).await?;
                    if unflushed >= CHECKPOINT {
                        successor.checkpoint().await?;
                        unflushed = 0;
                    }
                    on(done, chunks);
                }
            }
        }
    }
}

/// Reads the file and sends its batches; `None` if the receiver is gone.
fn unpack<R: BufRead>(
    mut archive: ArchiveReader<R>,
    sender: &mpsc::Sender<Batch>,
) -> Result<Option<SealedArchive>, ArchiveError> {
    let mut batch = Batch::Documents(Vec::new());
    while let Some(entry) = archive.entry()? {
        if let Some(full) = batch.add(entry)
            && sender.blocking_send(full).is_err()
        {
            return Ok(None);
        }
    }
    let sent = sender.blocking_send(batch);
    Ok(archive.sealed().filter(|_| sent.is_ok()).cloned())
}

impl Batch {
    /// Adds an entry. Returns the previous batch if it is full, or of another kind.
    fn add(&mut self, entry: ArchiveEntry) -> Option<Self> {
        match (&mut *self, entry) {
            (Self::Documents(batch), ArchiveEntry::Document(record)) if batch.len() < PAGE => {
                batch.push(record);
                None
            }
            (Self::Failures(batch), ArchiveEntry::Failure(record)) if batch.len() < PAGE => {
                batch.push(record);
                None
            }
            (Self::Points(batch), ArchiveEntry::Point(point)) if batch.len() < PAGE => {
                batch.push(point);
                None
            }
            (_, entry) => Some(std::mem::replace(self, Self::of(entry))),
        }
    }

    fn of(entry: ArchiveEntry) -> Self {
        match entry {
            ArchiveEntry::Document(record) => Self::Documents(vec![record]),
            ArchiveEntry::Failure(record) => Self::Failures(vec![record]),
            ArchiveEntry::Point(point) => Self::Points(vec![point]),
        }
    }
}
