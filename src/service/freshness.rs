//! How stored documents compare with their files as they are now.

use std::path::Path;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::source::drift_of;
use crate::embed::sparse;
use crate::error::{Exit, Failure};
use crate::query::explain::Staleness;
use crate::store::{Collection, CollectionReader};
use crate::types::{DocumentRecord, Manifest};

/// Mean chunk lengths further apart than this factor cost sparse retrieval quality.
const DRIFT: f64 = 1.5;

/// With fewer chunks, the mean length says nothing: the next document changes it.
const FEWEST_CHUNKS: u32 = 20;

/// How the stored documents compare with their files as they are now.
pub struct Freshness {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    /// Pages of the web, which are not compared here.
    pub pages: usize,
}

impl Freshness {
    /// Compares documents with their files; sources are relative to `root`.
    pub fn of(root: &Path, documents: &[DocumentRecord]) -> Self {
        let (mut changed, mut missing) = (Vec::new(), Vec::new());
        // In parallel: files are looked at together, and those in doubt are read.
        let drifts: Vec<_> = documents.par_iter().map(|record| drift_of(root, record)).collect();
        for (record, drift) in documents.iter().zip(drifts) {
            match drift {
                None => {}
                Some(Staleness::Gone) => missing.push(record.source.clone()),
                Some(Staleness::Changed) => changed.push(record.source.clone()),
            }
        }
        let pages = documents.iter().filter(|record| record.web.is_some()).count();
        Self { changed, missing, pages }
    }
}

/// Compares the number of stored chunks with that in the records, unless a run is unfinished. `reader`,
/// `documents` and `chunks` are what was read already.
///
/// # Errors
/// They differ: something was damaged.
pub async fn check_counts(
    collection: &dyn Collection,
    reader: &CollectionReader,
    documents: &[DocumentRecord],
    chunks: u64,
) -> Result<(), Failure> {
    if miscounted(reader, documents, chunks).is_none() {
        return Ok(());
    }
    // A run may have begun, or ended, between the two counts.
    let Some(reader) = collection.read().await? else { return Ok(()) };
    let (documents, chunks) = (reader.documents().await?, reader.count_chunks().await?);
    let Some(expected) = miscounted(&reader, &documents, chunks) else { return Ok(()) };
    let why = format!(
        "{chunks} chunks are stored, and the documents have {expected}: the collection was damaged; rebuild it: docent ingest --rebuild"
    );
    Err(Failure::new(Exit::Backend, why).hint("docent index verify says what is damaged"))
}

/// How many chunks there should be, if there are more or fewer.
fn miscounted(reader: &CollectionReader, documents: &[DocumentRecord], chunks: u64) -> Option<u64> {
    let expected = documents.iter().map(|record| u64::from(record.chunks)).sum();
    (reader.manifest().unfinished.is_none() && expected != chunks).then_some(expected)
}

/// Mean number of BM25 terms of the chunks as they are now.
pub fn mean_terms(documents: &[DocumentRecord]) -> Option<f64> {
    let terms: u64 = documents.iter().map(|record| record.terms).sum();
    let chunks: u64 = documents.iter().map(|record| u64::from(record.chunks)).sum();
    (chunks > 0).then(|| terms as f64 / chunks as f64)
}

/// A note for a collection that was created before documents were found by their names.
pub fn nameless(manifest: &Manifest) -> Option<&'static str> {
    (!sparse::has_names(&manifest.sparse)).then_some(
        "documents in this collection are not found by their names, since an older version of docent built it: docent ingest --rebuild",
    )
}

/// A warning if chunks have become much longer or shorter than the mean length that BM25 was given.
pub fn length_drift(manifest: &Manifest, documents: &[DocumentRecord]) -> Option<String> {
    let now = mean_terms(documents)?;
    let then = manifest.sparse.avg_len;
    let factor = (now / then).max(then / now);
    let chunks: u32 = documents.iter().map(|record| record.chunks).sum();
    (factor > DRIFT && chunks >= FEWEST_CHUNKS).then(|| {
        format!(
            "chunks are {now:.0} terms long on average, but were {then:.0} when the collection was created: ingest into a new --collection for better ranking"
        )
    })
}
