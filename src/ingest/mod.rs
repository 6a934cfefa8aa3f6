//! Files → points: `discover → plan → extract → chunk → embed → store → commit record`.
//!
//! [`ingest`] is one bounded stream. Documents are read, extracted and chunked a few at a time
//! ([`prepare`]), gathered into batches and embedded ([`batch`]) by one task, and stored in order
//! ([`commit`]) by another, with a short queue between: memory does not grow with the corpus, and a
//! slow store slows the reading of files.
//!
//! Per document: new chunks in, record written, stale chunks out. The record is the commit mark, so
//! whatever happens on the way, the next run finds what is left to do.

mod batch;
pub mod chunk;
mod commit;
pub mod discover;
pub mod document;
pub mod extract;
pub mod plan;
mod prepare;
pub mod report;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::cancel::Cancel;
use crate::embed::Embedder;
use crate::embed::sparse::{self, SparseEncoder, TermCounter};
use crate::error::{BackendError, Fault, Service};
use crate::store::VectorStore;
use crate::types::{
    ChunkerId, ContentHash, DocumentRecord, Manifest, Run, SCHEMA_VERSION, SparseId,
};

use batch::{Embedded, Encoder};
use commit::Committer;
use discover::{DiscoverError, DiscoverOptions, Discovery, FoundFile};
use extract::Extractor;
use plan::{Plan, Wanted};
use prepare::Prepared;
pub use report::{FailedSource, IngestEvent, IngestReport};

/// Chunks that are looked at before a collection is created, to estimate their mean length.
const SAMPLE_CHUNKS: usize = 2_000;

/// Chunks that are embedded and stored together, at most: fewer where a request holds fewer, so that
/// what a slow endpoint has answered is stored soon.
const BATCH_CHUNKS: usize = 512;

/// What to bring in, and how.
pub struct IngestOptions {
    pub discover: DiscoverOptions,
    /// A document that is no file: name and content.
    pub inline: Option<(String, Vec<u8>)>,
    pub chunk: chunk::ChunkOptions,
    /// `None` leaves the tags of known documents as they are.
    pub tags: Option<Vec<String>>,
    /// The fields of records that are their text: none for all of them. `None` leaves those of
    /// known documents as they are.
    pub text_fields: Option<Vec<String>>,
    /// Compare the content of every file.
    pub checksum: bool,
    /// Documents that are read and chunked at the same time.
    pub parallel: usize,
}

impl IngestOptions {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { tags: self.tags.as_deref(), text_fields: self.text_fields.as_deref() }
    }

    /// What the manifest records of the chunker.
    pub fn chunker_id(&self) -> ChunkerId {
        ChunkerId {
            max_tokens: self.chunk.max_tokens,
            overlap_tokens: self.chunk.overlap_tokens,
            revision: chunk::REVISION,
        }
    }
}

/// What an ingest works with.
pub struct Backends {
    pub embedder: Arc<dyn Embedder>,
    pub store: Arc<dyn VectorStore>,
    pub extractor: Extractor,
    pub terms: Arc<TermCounter>,
}

/// Why nothing could be brought in at all.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Brings the collection in line with its sources. `manifest` is the collection's, `None` where it
/// does not exist yet.
///
/// `cancel` ends the run after what is in flight, committed. A backend that fails on the way ends
/// it too: the report says what was done until then, and carries the error.
pub async fn ingest(
    options: &IngestOptions,
    backends: &Backends,
    manifest: Option<Manifest>,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    let discover = options.discover.clone();
    let discovery = off_thread(move || discover::discover(&discover)).await?;
    emit(IngestEvent::Discovered { files: discovery.files.len() });
    let records = match manifest {
        Some(_) => backends.store.documents().await?,
        None => Vec::new(),
    };
    let files: Vec<DocumentRecord> =
        records.iter().filter(|record| record.is_file()).cloned().collect();
    let plan = make_plan(options, &discovery, &files).await;
    let report = IngestReport::planned(&discovery, &plan, records.len());
    let mut committer = Committer::new(&*backends.store, report);
    let execution = Execution { options, backends, run: run(options, &discovery), cancel };
    let outcome = execution.execute(&plan, manifest, &records, &mut committer, emit).await;
    let mut report = committer.report;
    report.aborted = outcome.err();
    report.interrupted = cancel.is_cancelled();
    report.elapsed_ms = started.elapsed().as_millis() as u64;
    Ok(report)
}

/// Compares files with records; reads those whose size and time leave it open whether they changed.
async fn make_plan(
    options: &IngestOptions,
    discovery: &Discovery,
    records: &[DocumentRecord],
) -> Plan {
    let (files, scope) = (&discovery.files, &discovery.scope);
    let unsure = plan::to_hash(files, records, scope, options.checksum);
    let hash = |file: FoundFile| async move {
        off_thread(move || {
            // One that cannot be read counts as changed, and fails with a reason when its turn comes.
            let bytes = std::fs::read(&file.path).ok()?;
            Some((file.source, ContentHash::of(&bytes)))
        })
        .await
    };
    let hashes: HashMap<String, ContentHash> =
        stream::iter(unsure.into_iter().cloned().collect::<Vec<_>>())
            .map(hash)
            .buffer_unordered(options.parallel)
            .filter_map(std::future::ready)
            .collect()
            .await;
    plan::plan(files, records, scope, &hashes, options.wanted())
}

fn run(options: &IngestOptions, discovery: &Discovery) -> Run {
    let mut roots = discovery.scope.roots();
    roots.extend(options.inline.iter().map(|(name, _)| name.clone()));
    Run {
        run_id: Uuid::now_v7(),
        started_at: now(),
        docent: env!("CARGO_PKG_VERSION").to_owned(),
        roots,
    }
}

/// One run over a plan.
struct Execution<'a> {
    options: &'a IngestOptions,
    backends: &'a Backends,
    run: Run,
    cancel: &'a Cancel,
}

impl Execution<'_> {
    async fn execute(
        &self,
        plan: &Plan,
        manifest: Option<Manifest>,
        records: &[DocumentRecord],
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &*self.backends.store;
        let known = records.iter().map(|record| (record.source.as_str(), record)).collect();
        let inline = self.options.inline.clone();
        let work = prepare::work(plan, inline, &known, self.options.wanted());
        let inline_unchanged =
            self.options.inline.is_some() && work.iter().all(|work| work.content.is_none());
        committer.report.unchanged += usize::from(inline_unchanged);
        emit(IngestEvent::Planned { documents: work.len(), deleted: plan.deleted.len() });
        let touched = touched(plan, &known);
        if !touched.is_empty() {
            store.put_documents(&touched).await?;
        }
        if work.is_empty() && plan.deleted.is_empty() && manifest.is_some() {
            return if touched.is_empty() { Ok(()) } else { store.flush().await };
        }

        let prepared = stream::iter(work)
            .take_while(|_| std::future::ready(!self.cancelled()))
            .map(|work| prepare::prepare(work, self.options, self.backends, self.run.run_id))
            .buffered(self.options.parallel.max(1));
        let mut prepared = Box::pin(prepared);
        let reusable = !records.is_empty();
        let begun = manifest.is_none();
        let (manifest, sample) = match manifest {
            Some(manifest) if reusable => (manifest, Vec::new()),
            // Without documents, what it says of their mean length was a guess.
            empty => {
                let sample = sample(&mut prepared).await;
                (self.begin(empty, &sample).await?, sample)
            }
        };
        let recorded: u64 = records.iter().map(|record| u64::from(record.chunks)).sum();
        committer.leftovers = store.count_chunks().await? != recorded;
        let prepared = stream::iter(sample).chain(prepared);
        self.stream(prepared, &manifest, reusable, committer, emit).await?;
        if !self.cancelled() && !plan.deleted.is_empty() {
            committer.delete(&plan.deleted).await?;
        }
        // What is skipped or refused only when it is read is looked at in each run.
        if !begun && committer.report.changed_nothing() {
            return store.flush().await;
        }
        emit(IngestEvent::Optimizing);
        self.finish(manifest).await
    }

    /// Encodes and stores, each at its own pace.
    async fn stream(
        &self,
        prepared: impl Stream<Item = Prepared>,
        manifest: &Manifest,
        reusable: bool,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &self.backends.store;
        let encoder = Encoder {
            embedder: Arc::clone(&self.backends.embedder),
            store: Arc::clone(store),
            sparse: Arc::new(sparse_encoder(&manifest.sparse, store.endpoint())?),
            reusable,
            known: Mutex::default(),
        };
        let (sender, mut receiver) = mpsc::channel::<Result<Embedded, BackendError>>(1);
        let encode = async {
            let limits = encoder.embedder.limits();
            let batches = batch::gather(prepared, limits.batch_items.clamp(1, BATCH_CHUNKS));
            let in_flight = limits.concurrency.max(2);
            let encoded = batches.map(|batch| encoder.encode(batch)).buffered(in_flight);
            let mut encoded = Box::pin(encoded);
            while let Some(batch) = encoded.next().await {
                let failed = batch.is_err();
                // The other side is gone when the store failed: it has the error.
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
            drop(sender);
        };
        let store = async {
            while let Some(batch) = receiver.recv().await {
                committer.commit(batch?, emit).await?;
            }
            Ok(())
        };
        // Whichever fails ends both: the receiver is dropped with its future, and so is the sender.
        tokio::pin!(encode, store);
        tokio::select! {
            biased;
            stored = &mut store => stored,
            () = &mut encode => store.await,
        }
    }

    /// A collection begins knowing how long its chunks are: BM25 wants their mean length. `empty`
    /// is the manifest of one that is there and has no documents.
    async fn begin(
        &self,
        empty: Option<Manifest>,
        sample: &[Prepared],
    ) -> Result<Manifest, BackendError> {
        let store = &self.backends.store;
        let ready = || sample.iter().filter_map(Prepared::ready);
        let terms: u64 = ready().map(|document| document.record.terms).sum();
        let chunks: u64 = ready().map(|document| u64::from(document.record.chunks)).sum();
        let sparse = sparse::default_id(sparse::mean_terms(terms, chunks));
        if let Some(manifest) = empty {
            let manifest = Manifest { sparse, ..manifest };
            store.put_manifest(&manifest).await?;
            return Ok(manifest);
        }
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            embedder: self.backends.embedder.id().clone(),
            chunker: self.options.chunker_id(),
            sparse,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: now(),
            runs: Vec::new(),
        };
        store.create(&manifest).await?;
        Ok(manifest)
    }

    async fn finish(&self, mut manifest: Manifest) -> Result<(), BackendError> {
        let store = &self.backends.store;
        store.flush().await?;
        if !self.cancelled() {
            store.optimize().await?;
        }
        manifest.runs.push(self.run.clone());
        let surplus = manifest.runs.len().saturating_sub(Manifest::MAX_RUNS);
        manifest.runs.drain(..surplus);
        store.put_manifest(&manifest).await
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// The first documents, up to [`SAMPLE_CHUNKS`].
async fn sample(prepared: &mut (impl Stream<Item = Prepared> + Unpin)) -> Vec<Prepared> {
    let mut sample = Vec::new();
    let mut chunks = 0;
    while chunks < SAMPLE_CHUNKS
        && let Some(document) = prepared.next().await
    {
        chunks += document.ready().map_or(0, |ready| ready.chunks.len());
        sample.push(document);
    }
    sample
}

/// Records of files that have a new time and the old content.
fn touched(plan: &Plan, known: &HashMap<&str, &DocumentRecord>) -> Vec<DocumentRecord> {
    plan.touched
        .iter()
        .filter_map(|file| {
            let record = *known.get(file.source.as_str())?;
            Some(DocumentRecord { mtime: file.mtime, size: file.size, ..record.clone() })
        })
        .collect()
}

fn sparse_encoder(id: &SparseId, endpoint: &str) -> Result<SparseEncoder, BackendError> {
    SparseEncoder::new(id)
        .map_err(|problem| BackendError::new(Service::Store, Fault::Permanent, endpoint, &problem))
}

/// RFC 3339, UTC, to the second.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Runs what blocks or computes on the blocking pool.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Blocking tasks are not cancelled once they run; the runtime is going down.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
