//! Files → points: `discover → plan → extract → chunk → embed → store → commit record`. Pages of the
//! web are fetched into files first ([`web`]), and then go the same way.
//!
//! [`ingest`] is one bounded stream. Documents are read, extracted and chunked a few at a time
//! ([`prepare`]), gathered into batches and embedded ([`batch`]) by one task, and stored in order
//! ([`commit`]) by another, with a short queue between: memory does not grow with the corpus, and a
//! slow store slows the reading of files.
//!
//! Per document: new chunks in, record written, stale chunks out. The record is the commit mark, so
//! whatever happens on the way, the next run finds what is left to do ([`survey`]). The manifest
//! says that a run goes on from its first change to its last ([`ledger`]): where it still says so,
//! that run was cut off, and the next one looks at what it left.

mod batch;
pub mod budget;
pub mod chunk;
mod commit;
pub mod discover;
pub mod document;
pub mod extract;
mod ledger;
mod pages;
pub mod plan;
mod prepare;
pub mod preview;
pub mod report;
mod survey;
pub mod web;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::cancel::{Cancel, Canceller, Stop};
use crate::embed::Embedder;
use crate::embed::sparse::{self, SparseEncoder, TermCounter};
use crate::error::{BackendError, Fault, Service};
use crate::store::VectorStore;
use crate::types::{ChunkerId, Manifest, Run, SCHEMA_VERSION, SparseId};

use batch::{Embedded, Encoder};
use budget::Budget;
use commit::Committer;
use discover::{DiscoverError, DiscoverOptions, Discovery};
use extract::Extractor;
use ledger::{End, Ledger};
pub use pages::WebInputs;
use plan::{Prune, PruneLimit, Wanted};
use prepare::Prepared;
pub use report::{FailedSource, IngestEvent, IngestReport};
use survey::Survey;

/// Chunks that are looked at before a collection is created, to estimate their mean length.
const SAMPLE_CHUNKS: usize = 2_000;

/// Chunks that are embedded and stored together, at most: fewer where a request holds fewer, so that
/// what a slow endpoint has answered is stored soon.
const BATCH_CHUNKS: usize = 512;

/// While embeddings are awaited, others are let at the collection so often.
const TURN: Duration = Duration::from_millis(50);

/// What to bring in, and how.
pub struct IngestOptions {
    pub discover: DiscoverOptions,
    /// `None` where no URL was named.
    pub web: Option<WebInputs>,
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
    /// Take up only what failed before.
    pub retry_failed: bool,
    pub prune: PruneLimit,
    /// Documents that are read and chunked at the same time.
    pub parallel: usize,
    pub budget: Arc<Budget>,
    /// Told by the first failure, where that is to end the run.
    pub fail_fast: Option<Canceller>,
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
    /// The collection that `store`, its successor, is built to replace: it tells what to bring in,
    /// lends its vectors where they are of the same embedder, and is there until the end.
    pub replaces: Option<Arc<dyn VectorStore>>,
}

/// Why nothing could be brought in at all.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    #[error(transparent)]
    Prune(#[from] Prune),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Brings the collection in line with its sources. `manifest` is the collection's, `None` where it
/// does not exist yet.
///
/// `cancel` ends the run after what is in flight, committed; so does [`IngestOptions::budget`] where
/// it is used up. A backend that fails on the way ends it too: the report says what was done until
/// then, and carries the error.
pub async fn ingest(
    options: &IngestOptions,
    backends: &Backends,
    manifest: Option<Manifest>,
    cancel: &Cancel,
    emit: &mut (dyn FnMut(IngestEvent) + Send),
) -> Result<IngestReport, IngestError> {
    let started = Instant::now();
    let store = &*backends.store;
    let survey = match &backends.replaces {
        Some(former) => survey::anew(options, &**former, cancel, emit).await?,
        None => survey::survey(options, store, manifest.as_ref(), cancel, emit).await?,
    };
    emit(IngestEvent::Discovered { files: survey.discovery.files.len() });
    may_prune(options, &survey)?;
    let roots = if options.retry_failed { Vec::new() } else { survey.discovery.scope.roots() };
    let ledger = Ledger::new(manifest, run(options, &survey.discovery), roots);
    let report = IngestReport::planned(&survey);
    let mut committer =
        Committer::new(store, report, ledger, &survey).fail_fast(options.fail_fast.clone());
    let execution = Execution { options, backends, cancel, cut_short: AtomicBool::new(false) };
    let outcome = execution.execute(&survey, &mut committer, emit).await;
    let cut_short = committer.cut_short || execution.cut_short.into_inner();
    let mut report = committer.report;
    report.aborted = outcome.err();
    report.interrupted = cancel.reason() == Some(Stop::Interrupt);
    report.stopped = cancel.reason().filter(|_| cut_short && !report.interrupted);
    report.tokens = backends.embedder.tokens_embedded();
    report.elapsed_ms = started.elapsed().as_millis() as u64;
    Ok(report)
}

/// Deletion with care: see [`PruneLimit`]. What is left behind by a rebuild and is no file is not
/// brought back by any later run.
fn may_prune(options: &IngestOptions, survey: &Survey) -> Result<(), Prune> {
    let given_up = survey.given_up(options);
    let Some((_, former)) = &survey.former else {
        return options.prune.check(given_up.len(), survey.records.len());
    };
    let unique = given_up.iter().filter(|record| !record.is_file());
    options.prune.check_unique(&unique.map(|record| record.source.as_str()).collect::<Vec<_>>())?;
    options.prune.check(given_up.len(), former.len())
}

fn run(options: &IngestOptions, discovery: &Discovery) -> Run {
    let mut roots = discovery.scope.roots();
    roots.extend(options.web.iter().flat_map(WebInputs::roots));
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
    cancel: &'a Cancel,
    /// Something was left out because the run stops.
    cut_short: AtomicBool,
}

impl Execution<'_> {
    async fn execute(
        &self,
        survey: &Survey,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let plan = &survey.plan;
        let work = prepare::work(survey, self.options);
        let inline_unchanged =
            self.options.inline.is_some() && work.iter().all(|work| work.content.is_none());
        committer.report.unchanged += usize::from(inline_unchanged);
        emit(IngestEvent::Planned { documents: work.len(), deleted: plan.deleted.len() });

        let run_id = committer.ledger.run.run_id;
        let mut prepared = Box::pin(
            stream::iter(work)
                .take_while(|_| std::future::ready(!self.stops()))
                .map(move |work| prepare::prepare(work, self.options, self.backends, run_id))
                .buffered(self.options.parallel.max(1))
                .inspect(|document| self.end_if_failed(document)),
        );
        let lenders = self.lenders(survey);
        let mut sample = Vec::new();
        // Without documents, what a manifest says of their mean length was a guess.
        if survey.records.is_empty() {
            sample = first(&mut prepared).await;
            self.begin(&sample, &mut committer.ledger).await?;
        }
        committer.tidy(survey).await?;
        let prepared = stream::iter(sample).chain(prepared);
        self.stream(prepared, lenders, committer, emit).await?;
        let rest = !plan.deleted.is_empty() || !survey.audit.orphans.is_empty();
        if rest && !self.stops() {
            committer.delete(&plan.deleted).await?;
            committer.clear_orphans().await?;
        }
        self.finish(committer, emit).await
    }

    /// Stores that may have had vectors of any new chunk's text before the run.
    fn lenders(&self, survey: &Survey) -> Vec<Arc<dyn VectorStore>> {
        if let Some(former) = &self.backends.replaces {
            let same = survey
                .former
                .as_ref()
                .is_some_and(|(manifest, _)| manifest.embedder == *self.backends.embedder.id());
            return same.then(|| Arc::clone(former)).into_iter().collect();
        }
        let held = !survey.records.is_empty() || !survey.audit.orphans.is_empty();
        held.then(|| Arc::clone(&self.backends.store)).into_iter().collect()
    }

    /// Prepares, encodes and stores, each at its own pace.
    async fn stream(
        &self,
        prepared: impl Stream<Item = Prepared>,
        lenders: Vec<Arc<dyn VectorStore>>,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &self.backends.store;
        let encoder = Encoder {
            embedder: Arc::clone(&self.backends.embedder),
            store: Arc::clone(store),
            sparse: Arc::new(sparse_encoder(
                &committer.ledger.manifest()?.sparse,
                store.endpoint(),
            )?),
            budget: Arc::clone(&self.options.budget),
            lenders,
            known: Mutex::default(),
        };
        let (feed, food) = mpsc::channel::<Prepared>(self.options.parallel.max(1));
        let prepare = async {
            let mut prepared = Box::pin(prepared);
            while let Some(document) = prepared.next().await
                && feed.send(document).await.is_ok()
            {}
            drop(feed);
        };
        let (sender, mut receiver) = mpsc::channel::<Result<Embedded, BackendError>>(1);
        let encode = async {
            let limits = encoder.embedder.limits();
            let food = stream::unfold(food, |mut food| async { Some((food.recv().await?, food)) });
            // A batch is one request: what is paid for is stored.
            let fit = limits.batch_tokens / self.options.chunk.max_tokens.max(1);
            let batches = batch::gather(food, limits.batch_items.min(fit).clamp(1, BATCH_CHUNKS));
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
            drop(encoded);
            drop(sender);
        };
        let store = async {
            loop {
                match tokio::time::timeout(TURN, receiver.recv()).await {
                    Ok(Some(batch)) => committer.commit(batch?, emit).await?,
                    Ok(None) => return Ok(()),
                    Err(_) => {}
                }
                committer.pause().await?;
            }
        };
        // Whichever fails ends all: the receiver is dropped with its future, and so is the sender.
        tokio::pin!(store);
        tokio::select! {
            biased;
            stored = &mut store => stored,
            _ = async { tokio::join!(prepare, encode) } => store.await,
        }
    }

    /// A collection begins knowing how long its chunks are: BM25 wants their mean length.
    async fn begin(&self, sample: &[Prepared], ledger: &mut Ledger) -> Result<(), BackendError> {
        let store = &*self.backends.store;
        let ready = || sample.iter().filter_map(Prepared::ready);
        let terms: u64 = ready().map(|document| document.record.terms).sum();
        let chunks: u64 = ready().map(|document| u64::from(document.record.chunks)).sum();
        let sparse = sparse::default_id(sparse::mean_terms(terms, chunks));
        if ledger.exists() {
            if chunks > 0 {
                ledger.begin_anew(store, sparse).await?;
            }
            return Ok(());
        }
        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            embedder: self.backends.embedder.id().clone(),
            chunker: self.options.chunker_id(),
            sparse,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: now(),
            unfinished: None,
            roots: Vec::new(),
            runs: Vec::new(),
        };
        ledger.create(store, manifest).await
    }

    /// What is skipped or refused only when it is read is looked at in each run, and changes
    /// nothing: such a run leaves no trace.
    async fn finish(
        &self,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &*self.backends.store;
        committer.conclude().await?;
        if !committer.ledger.is_open() {
            return Ok(());
        }
        let changed = committer.ledger.created || !committer.report.changed_nothing();
        let end = match changed {
            _ if self.cancelled() => End::CutShort,
            true => End::Complete,
            false => End::Unchanged,
        };
        if end == End::Complete {
            emit(IngestEvent::Optimizing);
            store.optimize().await?;
        } else {
            store.flush().await?;
        }
        committer.ledger.close(store, end).await?;
        if self.backends.replaces.is_some() {
            return if end == End::CutShort {
                store.drop_collection().await
            } else {
                store.publish().await
            };
        }
        Ok(())
    }

    /// Not only when its turn to be stored comes: many documents are prepared before.
    fn end_if_failed(&self, document: &Prepared) {
        if let Some(stop) = self.options.fail_fast.as_ref().filter(|_| document.has_failed()) {
            stop.cancel(Stop::FirstFailure);
        }
    }

    /// Whether to leave out what comes next.
    fn stops(&self) -> bool {
        let stops = self.cancelled();
        self.cut_short.fetch_or(stops, Ordering::Relaxed);
        stops
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// The first documents, up to [`SAMPLE_CHUNKS`].
async fn first(prepared: &mut (impl Stream<Item = Prepared> + Unpin)) -> Vec<Prepared> {
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
