//! Events of an ingest in progress.

use super::extract::OcrPage;

/// Progress, in the order in which it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IngestEvent {
    /// Web pages were requested.
    Fetched {
        pages: usize,
    },
    Discovered {
        files: usize,
    },
    /// The work of the run is known.
    Planned {
        documents: usize,
        deleted: usize,
    },
    /// A page of a document was read by OCR, which takes seconds.
    Recognized(OcrPage),
    /// A document was stored, skipped or refused.
    Finished {
        source: String,
        chunks: usize,
    },
    /// The last documents are stored; indexes are being built.
    Optimizing,
}
