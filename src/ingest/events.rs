//! What an ingest says on its way.

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
    /// A document was stored, skipped or refused.
    Finished {
        source: String,
        chunks: usize,
    },
    /// The last documents are in; indexes are being built.
    Optimizing,
}
