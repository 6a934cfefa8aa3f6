//! Documents that are taken out of a collection because somebody says so, and not because they are gone.

use uuid::Uuid;

use super::ledger::{End, Kept, Ledger, now};
use crate::error::BackendError;
use crate::store::CollectionWriter;
use crate::types::Run;

/// A run of its own in the lineage: nothing is read by it.
pub fn removal_run(run_id: Uuid) -> Run {
    let docent = env!("CARGO_PKG_VERSION").to_owned();
    Run { run_id, started_at: now(), docent, roots: Vec::new(), partition: None }
}

/// Takes documents and failures out, and leaves nothing of them in the files, see
/// [`CollectionWriter::scrub`]. Cut off anywhere, the same again completes it: `run` is to have the same id then.
///
/// # Errors
/// The store fails.
pub async fn take_out(
    store: &dyn CollectionWriter,
    run: Run,
    sources: &[String],
) -> Result<(), BackendError> {
    let mut manifest = store.manifest().await?;
    if let Some(manifest) = &mut manifest {
        manifest.runs.retain(|known| known.run_id != run.run_id);
    }
    let before = store.documents().await?;
    let left = manifest.as_ref().and_then(|manifest| manifest.unfinished.as_ref());
    // What another run has left to be compared stays so.
    let end = match left.filter(|left| left.run_id != run.run_id) {
        Some(_) => End::CutShort,
        None => End::Complete,
    };
    let mut ledger = Ledger::new(manifest, run, Kept::default());
    ledger.open(store).await?;
    store.delete_documents(sources).await?;
    store.delete_failures(sources).await?;
    ledger.took_out(sources);
    store.scrub().await?;
    ledger.close(store, end, &before).await
}
