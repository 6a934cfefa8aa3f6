//! Counts what a run has stored: when the store confirms a write, not when it is sent.
//!
//! A store may let a run continue before an update is applied. If the run fails, updates in progress may or
//! may not be there; they are counted only if the store has confirmed them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Committer;
use crate::error::BackendError;
use crate::ingest::batch::PendingDocument;
use crate::ingest::prepare::ReplacedDocument;
use crate::ingest::report::IngestReport;
use crate::store::Receipt;
use crate::types::DocumentRecord;

/// Records written, or documents deleted, in one request. Each group is counted as a whole.
const RECORDS: usize = 256;

/// What is sent to the store in one request.
#[derive(Default)]
struct Given {
    /// Documents whose records were written.
    documents: Vec<Arc<PendingDocument>>,
    deleted: usize,
    chunks: usize,
}

/// What was sent and is not counted yet.
#[derive(Default)]
pub(super) struct UnconfirmedWrites(VecDeque<(Receipt, Given)>);

impl UnconfirmedWrites {
    fn push(&mut self, receipt: Receipt, given: Given) {
        self.0.push_back((receipt, given));
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds confirmed writes to the report.
    pub(super) fn count(&mut self, report: &mut IngestReport) {
        while self.0.front().is_some_and(|(receipt, _)| receipt.is_signed()) {
            if let Some((_, given)) = self.0.pop_front() {
                given.count(report);
            }
        }
    }
}

impl Given {
    fn count(self, report: &mut IngestReport) {
        report.chunks += self.chunks;
        report.deleted += self.deleted;
        report.documents_total -= self.deleted;
        for document in &self.documents {
            report.read(&document.record);
            match document.replaces {
                ReplacedDocument::Nothing => {
                    report.added += 1;
                    report.documents_total += 1;
                }
                ReplacedDocument::Changed => report.changed += 1,
                ReplacedDocument::Moved { .. } => report.moved += 1,
            }
        }
    }
}

impl Committer<'_> {
    /// Writes the records of complete documents, and queues them to be counted when they are confirmed.
    pub(super) async fn record(
        &mut self,
        complete: &[Arc<PendingDocument>],
    ) -> Result<(), BackendError> {
        for documents in complete.chunks(RECORDS) {
            let records: Vec<DocumentRecord> =
                documents.iter().map(|document| document.record.clone()).collect();
            self.store.put_documents(&records).await?;
            self.ledger.stored(&records);
            let chunks = std::mem::take(&mut self.chunks_given);
            let given = Given { documents: documents.to_vec(), chunks, deleted: 0 };
            self.given.push(self.store.receipt(), given);
        }
        Ok(())
    }

    /// Whether anything was written, confirmed or not.
    pub(in crate::ingest) fn has_changed_anything(&self) -> bool {
        !self.report.changed_nothing() || !self.given.is_empty() || self.chunks_given > 0
    }

    /// Ends the counting, however the run ended: the report says what the store has.
    pub(in crate::ingest) async fn count_what_is_stored(&mut self) {
        self.given.count(&mut self.report);
        let rest = std::mem::take(&mut self.chunks_given);
        if self.given.is_empty() && rest == 0 {
            return;
        }
        // A failed write is known already, or reported when the writer is closed.
        let settled = self.store.flush().await;
        self.given.count(&mut self.report);
        // These chunks belong to documents that are not complete.
        self.report.chunks += if settled.is_ok() { rest } else { 0 };
    }

    /// Deletes documents and their records.
    pub(in crate::ingest) async fn delete(
        &mut self,
        sources: &[String],
    ) -> Result<(), BackendError> {
        if sources.is_empty() {
            return Ok(());
        }
        self.ledger.open(self.store).await?;
        for sources in sources.chunks(RECORDS) {
            self.store.delete_documents(sources).await?;
            self.ledger.took_out(sources);
            let given = Given { deleted: sources.len(), ..Given::default() };
            self.given.push(self.store.receipt(), given);
        }
        self.given.count(&mut self.report);
        Ok(())
    }
}
