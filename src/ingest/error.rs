//! Errors that keep an ingest from starting.

use super::discover::DiscoverError;
use super::pages::SpoolError;
use super::plan::Prune;
use crate::error::BackendError;

/// Why an ingest could not start.
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
