//! What an ingest says on its way.

use super::extract::PageRead;

/// Progress, in order of happening.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IngestEvent {
    /// Pages of the web were asked for.
    Fetched {
        pages: usize,
    },
    Discovered {
        files: usize,
    },
    /// What there is to do.
    Planned {
        documents: usize,
        deleted: usize,
    },
    /// A page of a document was read by OCR, which takes seconds.
    Recognized(PageRead),
    /// A document was stored, skipped or refused.
    Finished {
        source: String,
        chunks: usize,
    },
    /// The last documents are in; indexes are being built.
    Optimizing,
}
