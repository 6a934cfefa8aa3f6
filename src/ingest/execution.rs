//! One run over a plan: prepares, encodes and stores, each at its own pace.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::{Semaphore, mpsc};

use super::batch::{self, Embedded, Encoder};
use super::commit::Committer;
use super::events::IngestEvent;
use super::manifest_writer::{ManifestWriter, RunEnd};
use super::options::{Backends, Build, IngestDestination, IngestOptions, OnCompletion};
use super::prepare::{self, PreparedDocument};
use super::report::BuiltVersion;
use super::source_scan::SourceScan;
use crate::cancel::{Cancel, Stop};
use crate::embed::sparse::{self, SparseEncoder};
use crate::error::{BackendError, ExternalService, Fault};
use crate::store::VectorStore;
use crate::task::Task;
use crate::types::{Manifest, Ownership, SCHEMA_VERSION, SparseId};

/// Chunks that are prepared before a collection is created, to estimate their mean length.
const SAMPLE_CHUNKS: usize = 2_000;

/// Chunks that may be embedded ahead of being stored, in addition to those in progress: neither a slow answer
/// nor a busy store leaves the embedder without work.
const AHEAD_CHUNKS: usize = 2_048;

/// One run over a plan.
pub(super) struct Execution<'a> {
    pub options: &'a IngestOptions,
    pub backends: &'a Backends,
    pub destination: &'a IngestDestination,
    pub cancel: &'a Cancel,
    /// Something was left out because the run was stopped.
    pub cut_short: AtomicBool,
    /// The rebuilt version has become the collection.
    pub published: AtomicBool,
}

impl Execution<'_> {
    pub(super) async fn execute(
        &self,
        survey: &SourceScan,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let plan = &survey.plan;
        let work = prepare::work(survey, self.options);
        let inline = self.options.inline.as_ref().map_or(0, |inline| inline.documents.len());
        let changed = work.iter().filter(|work| work.content.is_some()).count();
        committer.report.unchanged += inline - changed;
        emit(IngestEvent::Planned { documents: work.len(), deleted: plan.deleted.len() });
        let nothing_to_do = work.is_empty();

        let run_id = committer.ledger.run.run_id;
        let mut prepared = Box::pin(
            stream::iter(work)
                .take_while(|_| std::future::ready(!self.stops()))
                .map(move |work| prepare::prepare(work, self.options, self.backends, run_id))
                .buffered(self.options.parallel.max(1))
                .inspect(|document| self.end_if_failed(document)),
        );
        let IngestDestination { writer, build, .. } = self.destination;
        let own = writer.clone() as Arc<dyn VectorStore>;
        let mut lender = survey.reuse_from(self.backends.embedder.id(), build.former(), Some(own));
        // A damaged version lends no vectors: they are computed again.
        if let (Some(former), true) = (&lender, build.former().is_some())
            && former.verify().await.is_err()
        {
            lender = None;
        }
        let mut sample = Vec::new();
        let exists = committer.ledger.exists();
        let in_parts = self.options.partition.is_some();
        if in_parts && !exists && nothing_to_do {
            // Another part creates the collection, and knows how long its chunks are.
            return Ok(());
        }
        // In an empty collection, the mean length in the manifest was a guess. Other parts may have
        // documents.
        if survey.records.is_empty() && !(in_parts && exists) {
            sample = first(&mut prepared).await;
            self.begin(&sample, &mut committer.ledger).await?;
        }
        committer.tidy(survey).await?;
        let prepared = stream::iter(sample).chain(prepared);
        self.stream(prepared, lender, committer, emit).await?;
        if self.options.budget.left_pages() {
            self.options.budget.canceller().cancel(Stop::MaxCost);
        }
        let rest = !plan.deleted.is_empty() || !survey.audit.orphans.is_empty();
        if rest && !self.stops() {
            committer.delete(&plan.deleted).await?;
            committer.clear_orphans().await?;
        }
        self.finish(survey, committer, emit).await
    }

    /// Prepares, encodes and stores, each at its own pace.
    async fn stream(
        &self,
        prepared: impl Stream<Item = PreparedDocument>,
        lender: Option<Arc<dyn VectorStore>>,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &self.destination.writer;
        let limits = self.backends.embedder.limits();
        let encoder = Arc::new(Encoder {
            embedder: Arc::clone(&self.backends.embedder),
            slots: Semaphore::new(limits.concurrency.max(1)),
            failure: OnceLock::new(),
            store: store.clone(),
            sparse: Arc::new(sparse_encoder(
                &committer.ledger.manifest()?.sparse,
                store.endpoint(),
            )?),
            usual: committer.ledger.usual().to_owned(),
            budget: Arc::clone(&self.options.budget),
            lender,
            known: Mutex::default(),
        });
        let (feed, food) = mpsc::channel::<PreparedDocument>(self.options.parallel.max(1));
        let prepare = async {
            let mut prepared = Box::pin(prepared);
            while let Some(document) = prepared.next().await
                && feed.send(document).await.is_ok()
            {}
            drop(feed);
        };
        let (sender, mut receiver) = mpsc::channel::<Result<Embedded, BackendError>>(1);
        let encode = async {
            let food = stream::unfold(food, |mut food| async { Some((food.recv().await?, food)) });
            let size = batch::size(&*self.backends.embedder, &self.options.chunk);
            let open = limits.concurrency.max(1) + AHEAD_CHUNKS.div_ceil(size);
            // Spawned tasks continue while this one waits for the store.
            let encode = |(number, batch)| {
                let encoder = Arc::clone(&encoder);
                Task::spawn(async move { encoder.encode(number, batch).await })
            };
            let encoded = batch::gather(food, size).enumerate().map(encode).buffered(open);
            let mut encoded = Box::pin(encoded);
            while let Some(batch) = encoded.next().await {
                let failed = batch.is_err();
                // If the receiver is gone, the store has failed and has the error.
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
            drop(encoded);
            drop(sender);
        };
        let store = async {
            while let Some(batch) = receiver.recv().await {
                committer.commit(batch?, emit).await?;
            }
            Ok(())
        };
        // The first failure ends everything: the receiver is dropped with its future, and so is the sender.
        tokio::pin!(store);
        tokio::select! {
            biased;
            stored = &mut store => stored,
            _ = async { tokio::join!(prepare, encode) } => store.await,
        }
    }

    /// Creates the collection, with the mean length of its chunks, which BM25 needs.
    async fn begin(
        &self,
        sample: &[PreparedDocument],
        ledger: &mut ManifestWriter,
    ) -> Result<(), BackendError> {
        let store = &*self.destination.writer;
        let ready = || sample.iter().filter_map(PreparedDocument::ready);
        let terms: u64 = ready().map(|document| document.record.terms).sum();
        let chunks: u64 = ready().map(|document| u64::from(document.record.chunks)).sum();
        ledger.begin_with(ready().map(|document| &document.record));
        let sparse = self.backends.terms.id(sparse::mean_terms(terms, chunks));
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
            // The run that creates the collection started before it.
            created_at: ledger.run.started_at.clone(),
            unfinished: None,
            unfinished_parts: Vec::new(),
            owner: Ownership::default(),
            roots: Vec::new(),
            sites: Vec::new(),
            runs: Vec::new(),
            languages: BTreeMap::new(),
            content_hash: None,
        };
        ledger.create(store, manifest).await
    }

    /// Ends the run. Files that are skipped or refused only after they are read are read again in every run;
    /// a run that found nothing else leaves no trace.
    async fn finish(
        &self,
        survey: &SourceScan,
        committer: &mut Committer<'_>,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<(), BackendError> {
        let store = &*self.destination.writer;
        committer.conclude().await?;
        if !committer.ledger.is_open() {
            return Ok(());
        }
        let changed = committer.ledger.created || committer.has_changed_anything();
        let end = match changed {
            _ if self.cancelled() => RunEnd::CutShort,
            true => RunEnd::Complete,
            false => RunEnd::Unchanged,
        };
        if end == RunEnd::Complete {
            emit(IngestEvent::Optimizing);
            store.optimize().await?;
        } else {
            store.flush().await?;
        }
        committer.ledger.close(store, end, &survey.records).await?;
        match self.destination.build {
            Build::Rebuild(..) if end == RunEnd::CutShort => store.drop_collection().await,
            Build::Rebuild(_, completion) => {
                committer.report.built = Some(self.complete(completion).await?);
                Ok(())
            }
            Build::Sync | Build::Copy(_) => Ok(()),
        }
    }

    /// Publishes the successor, or sets it aside.
    async fn complete(&self, completion: OnCompletion) -> Result<BuiltVersion, BackendError> {
        let store = &*self.destination.writer;
        let OnCompletion { aside, keep } = completion;
        let version = store.version().await?.unwrap_or_default();
        match aside {
            None => store.publish(keep).await?,
            Some(aside) => store.set_aside(aside, keep).await?,
        }
        self.published.store(true, Ordering::Relaxed);
        Ok(BuiltVersion { version, live: aside.is_none() })
    }

    /// Checked when a document is prepared, and not only when it is stored: many documents are prepared
    /// ahead.
    fn end_if_failed(&self, document: &PreparedDocument) {
        if let Some(stop) = self.options.fail_fast.as_ref().filter(|_| document.has_failed()) {
            stop.cancel(Stop::FirstFailure);
        }
    }

    /// Whether to leave out the rest of the work.
    fn stops(&self) -> bool {
        let stops = self.cancelled();
        self.cut_short.fetch_or(stops, Ordering::Relaxed);
        stops
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// The first documents, up to [`SAMPLE_CHUNKS`] chunks.
async fn first(
    prepared: &mut (impl Stream<Item = PreparedDocument> + Unpin),
) -> Vec<PreparedDocument> {
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
    SparseEncoder::new(id, []).map_err(|problem| {
        BackendError::new(ExternalService::Store, Fault::Permanent, endpoint, &problem)
    })
}
