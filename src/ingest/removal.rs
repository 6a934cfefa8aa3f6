//! Deletes documents from a collection on request, and not because their sources are gone.

use uuid::Uuid;

use super::manifest_writer::{ManifestWriter, RunEnd, TrackedInputs, now};
use crate::error::BackendError;
use crate::store::CollectionWriter;
use crate::types::IngestRun;

/// The lineage's entry of a removal: a run that reads nothing.
pub fn removal_run(run_id: Uuid) -> IngestRun {
    let docent = env!("CARGO_PKG_VERSION").to_owned();
    IngestRun { run_id, started_at: now(), docent, roots: Vec::new(), partition: None }
}

/// Deletes documents and failures, and leaves nothing of them in the files, see [`CollectionWriter::scrub`].
/// If it is cut off, calling it again completes it; `run` must have the same id then.
///
/// # Errors
/// The store fails.
pub async fn take_out(
    store: &dyn CollectionWriter,
    run: IngestRun,
    sources: &[String],
) -> Result<(), BackendError> {
    let mut manifest = store.manifest().await?;
    if let Some(manifest) = &mut manifest {
        manifest.runs.retain(|known| known.run_id != run.run_id);
    }
    let before = store.documents().await?;
    let left = manifest.as_ref().and_then(|manifest| manifest.unfinished.as_ref());
    // Another run's unfinished work still has to be compared.
    let end = match left.filter(|left| left.run_id != run.run_id) {
        Some(_) => RunEnd::CutShort,
        None => RunEnd::Complete,
    };
    let mut ledger = ManifestWriter::new(manifest, run, TrackedInputs::default());
    ledger.open(store).await?;
    store.delete_documents(sources).await?;
    store.delete_failures(sources).await?;
    ledger.took_out(sources);
    store.scrub().await?;
    ledger.close(store, end, &before).await
}
