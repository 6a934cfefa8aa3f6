//! Exports a collection to a file.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio::task;

use super::{AHEAD, OnChunks, PAGE, PortableReport, broken};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::service::engine::Engine;
use crate::service::output_file::forbid_way_out;
use crate::store::archive::{
    ArchiveEntry, ArchiveError, ArchiveHeader, ArchiveWriter, SealedArchive,
};
use crate::store::{ChunkPage, CollectionReader};
use crate::types::Point;

impl Engine {
    /// Writes the collection to a file, which appears complete or not at all, and replaces an existing
    /// one. Only its owner may read it.
    ///
    /// # Errors
    /// There is no collection, a run on it is not finished, it changes meanwhile, or the file can't be
    /// written.
    pub async fn export_file(
        &self,
        file: &Path,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<PortableReport, Failure> {
        let path = self.context.cwd.join(file);
        forbid_way_out(&path, &self.context.root)?;
        let (path, temporary) = beside(&path).map_err(|why| cannot_write(file, &why))?;
        // Removed when this ends, even if it is still being written.
        let (temporary, there) = temporary.into_parts();
        let (out, ported) = self.export(BufWriter::new(temporary), cancel, on).await?;
        let kept = task::spawn_blocking(move || {
            out.get_ref().sync_all()?;
            there.persist(path).map_err(io::Error::from)
        });
        let kept = kept.await.map_err(|error| broken(&error))?;
        kept.map_err(|why| cannot_write(file, &why.to_string()))?;
        Ok(ported)
    }

    /// Writes the collection to `out`. An export without its last line is not accepted by an import.
    ///
    /// # Errors
    /// As [`Self::export_file`].
    pub async fn export<W: Write + Send + 'static>(
        &self,
        out: W,
        cancel: &Cancel,
        on: OnChunks<'_>,
    ) -> Result<(W, PortableReport), Failure> {
        let reader = self.reader().await?;
        if reader.manifest().unfinished.is_some() {
            return Err(self.unfinished());
        }
        let (documents, failures) = (reader.documents().await?, reader.failures().await?);
        let chunks = reader.count_chunks().await?;
        let (of_documents, of_failures) = (documents.len() as u64, failures.len() as u64);
        let head = ArchiveHeader::new(reader.manifest(), of_documents, of_failures, chunks);
        let records = documents.into_iter().map(ArchiveEntry::Document);
        let records = records.chain(failures.into_iter().map(ArchiveEntry::Failure));
        let (pages, inbox) = mpsc::channel(AHEAD);
        let told = head.clone();
        let writing = task::spawn_blocking(move || write(out, told, records, inbox));
        // If the reader of `out` does not read, this does not wait for it.
        send(&reader, pages, chunks, cancel, on).await?;
        let written = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            written = writing => written.map_err(|error| broken(&error))?,
        };
        let (out, sealed) = written.map_err(|error| self.cannot_export(error))?;
        Ok((out, PortableReport::new(head, sealed)))
    }

    fn unfinished(&self) -> Failure {
        let collection = &self.context.settings.collection;
        let message = format!(
            "collection `{collection}` was not exported: an ingest is under way, or was cut off"
        );
        Failure::new(Exit::Negative, message)
            .hint("run this again when it is done; `docent ingest` completes one that was cut off")
    }

    fn cannot_export(&self, error: ArchiveError) -> Failure {
        let collection = &self.context.settings.collection;
        match error {
            ArchiveError::Io(error) if error.kind() == ErrorKind::BrokenPipe => {
                Failure::reader_gone()
            }
            ArchiveError::Io(error) => {
                Failure::new(Exit::Backend, format!("the export can't be written: {error}"))
                    .hint("free some space there, or name another FILE")
            }
            error => Failure::new(
                Exit::Backend,
                format!("collection `{collection}` can't be exported: {error}"),
            )
            .hint(
                "if another process writes it now, run this again when that is done; otherwise `docent index verify` and `docent ingest --checksum` say what is damaged",
            ),
        }
    }
}

/// Reads all chunks and sends them to the writer. If a chunk cannot be sent, the writer has failed.
async fn send(
    reader: &CollectionReader,
    pages: mpsc::Sender<Vec<Point>>,
    chunks: u64,
    cancel: &Cancel,
    on: OnChunks<'_>,
) -> Result<(), Failure> {
    let mut page = ChunkPage { limit: PAGE, ..ChunkPage::default() };
    let mut done = 0;
    loop {
        let list = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            list = reader.points(page.clone()) => list?,
        };
        done += list.points.len() as u64;
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            sent = pages.send(list.points) => if sent.is_err() { return Ok(()) },
        }
        on(done, chunks);
        match list.next {
            None => return Ok(()),
            next => page.from = next,
        }
    }
}

fn write<W: Write>(
    out: W,
    head: ArchiveHeader,
    records: impl Iterator<Item = ArchiveEntry>,
    mut pages: mpsc::Receiver<Vec<Point>>,
) -> Result<(W, SealedArchive), ArchiveError> {
    let mut archive = ArchiveWriter::begin(out, head)?;
    for record in records {
        archive.entry(record)?;
    }
    while let Some(points) = pages.blocking_recv() {
        for point in points {
            archive.entry(ArchiveEntry::Point(point))?;
        }
    }
    archive.finish()
}

/// A temporary file beside the target, and the path of the target, with links followed.
fn beside(path: &Path) -> Result<(PathBuf, NamedTempFile), String> {
    let path = match fs::metadata(path) {
        Ok(there) if !there.is_file() => return Err("it is not a file".to_owned()),
        Ok(_) => path.canonicalize().map_err(|error| error.to_string())?,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error.to_string()),
    };
    let directory = path.parent().ok_or("it is not a file")?;
    let temporary =
        tempfile::Builder::new().prefix(".docent-").suffix(".part").tempfile_in(directory);
    Ok((path, temporary.map_err(|error| error.to_string())?))
}

fn cannot_write(file: &Path, why: &str) -> Failure {
    Failure::new(Exit::Backend, format!("{} can't be written: {why}", file.display()))
        .hint("name a file in an existing directory that can be written; - is standard output")
}
