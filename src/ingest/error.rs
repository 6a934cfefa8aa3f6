//! Why an ingest does not begin.

use super::discover::DiscoverError;
use super::pages::SpoolError;
use super::plan::Prune;
use crate::error::BackendError;

/// Why nothing could be brought in at all.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error(transparent)]
    Prune(#[from] Prune),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}
