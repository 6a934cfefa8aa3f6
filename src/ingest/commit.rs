//! Points → the store, document by document: new chunks in, record written, stale chunks out.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Embedded, EmbeddedPart, Missing, Target};
use super::prepare::{Refused, Replaces, Why};
use super::report::{IngestEvent, IngestReport};
use crate::error::BackendError;
use crate::store::VectorStore;
use crate::types::{DocumentRecord, Point};

/// What was stored is made durable after so many chunks, or so long: a crash costs no more.
const FLUSH_CHUNKS: usize = 8_192;
const FLUSH_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Committer<'a> {
    pub store: &'a dyn VectorStore,
    pub report: IngestReport,
    /// The store may hold chunks of documents that have no record: a run was cut off.
    pub leftovers: bool,
    /// Documents were left out because the run stops.
    pub cut_short: bool,
    /// Documents one of whose earlier parts was refused, or left out.
    broken: HashSet<String>,
    unflushed: usize,
    flushed_at: Instant,
}

impl<'a> Committer<'a> {
    pub(super) fn new(store: &'a dyn VectorStore, report: IngestReport) -> Self {
        Self {
            store,
            report,
            leftovers: false,
            cut_short: false,
            broken: HashSet::new(),
            unflushed: 0,
            flushed_at: Instant::now(),
        }
    }

    /// Stores a batch. What it returns as done is visible; it is durable after the next flush.
    pub(super) async fn commit(
        &mut self,
        batch: Embedded,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        self.report.embedded += batch.embedded;
        self.report.reused += batch.reused;
        self.refuse(batch.refused, emit).await?;
        let mut points: Vec<Point> = Vec::new();
        let mut complete: Vec<Arc<Target>> = Vec::new();
        for part in batch.parts {
            match self.sort(part, emit).await? {
                Sorted::Broken => {}
                Sorted::Good(more, document) => {
                    points.extend(more);
                    complete.extend(document);
                }
            }
        }
        let written = points.len();
        if written > 0 {
            self.store.upsert(points).await?;
        }
        let records: Vec<DocumentRecord> =
            complete.iter().map(|document| document.record.clone()).collect();
        if !records.is_empty() {
            self.store.put_documents(&records).await?;
        }
        for document in complete {
            self.settle(&document, emit).await?;
        }
        self.report.chunks += written;
        self.unflushed += written;
        if self.unflushed >= FLUSH_CHUNKS || self.flushed_at.elapsed() >= FLUSH_EVERY {
            self.store.flush().await?;
            self.unflushed = 0;
            self.flushed_at = Instant::now();
        }
        Ok(())
    }

    async fn refuse(
        &mut self,
        refused: Vec<Refused>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let outdated: Vec<String> =
            refused.iter().filter_map(Refused::outdated).map(str::to_owned).collect();
        if !outdated.is_empty() {
            self.delete(&outdated).await?;
        }
        for Refused { source, why, .. } in refused {
            match why {
                Why::Skip(reason) => self.report.skip(reason),
                Why::Empty => self.report.fail(&source, "empty: no text"),
                Why::Fail(reason) => self.report.fail(&source, &reason),
            }
            emit(IngestEvent::Finished { source, chunks: 0 });
        }
        Ok(())
    }

    /// Takes out documents with their records.
    pub(super) async fn delete(&mut self, sources: &[String]) -> Result<(), BackendError> {
        self.store.delete_documents(sources).await?;
        self.report.deleted += sources.len();
        self.report.documents_total -= sources.len();
        Ok(())
    }

    /// Sets aside documents with a refused chunk: of a new one nothing stays, of a changed one the
    /// earlier version does.
    async fn sort(
        &mut self,
        part: EmbeddedPart,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<Sorted, BackendError> {
        let source = part.document.record.source.clone();
        if self.broken.contains(&source) {
            return Ok(Sorted::Broken);
        }
        match part.points {
            Ok(points) => Ok(Sorted::Good(points, part.last.then_some(part.document))),
            // What was stored of it before is paid for: the next run goes on from there.
            Err(Missing::Stopped) => {
                self.cut_short = true;
                self.broken.insert(source);
                Ok(Sorted::Broken)
            }
            Err(Missing::Refused(reason)) => {
                self.report.fail(&source, &reason);
                if part.document.replaces != Replaces::Changed {
                    self.store.delete_chunks(&source, &[]).await?;
                }
                self.broken.insert(source.clone());
                emit(IngestEvent::Finished { source, chunks: 0 });
                Ok(Sorted::Broken)
            }
        }
    }

    /// After the record: takes out what the document replaces.
    async fn settle(
        &mut self,
        document: &Target,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let source = &document.record.source;
        match &document.replaces {
            Replaces::Nothing => {
                if self.leftovers {
                    self.store.delete_chunks(source, &document.ids).await?;
                }
                self.report.added += 1;
                self.report.documents_total += 1;
            }
            Replaces::Changed => {
                self.store.delete_chunks(source, &document.ids).await?;
                self.report.changed += 1;
            }
            Replaces::Moved { from } => {
                self.store.delete_documents(std::slice::from_ref(from)).await?;
                self.report.moved += 1;
            }
        }
        emit(IngestEvent::Finished { source: source.clone(), chunks: document.ids.len() });
        Ok(())
    }
}

enum Sorted {
    Good(Vec<Point>, Option<Arc<Target>>),
    Broken,
}
