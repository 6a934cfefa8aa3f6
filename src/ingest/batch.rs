//! Turns chunks into points, many documents at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::stream::{Stream, StreamExt};
use tokio::sync::Semaphore;

use super::budget::{BudgetTurn, RunBudget};
use super::chunk::ChunkOptions;
use super::lazy_chunks::LazyChunks;
use super::prepare::{PreparedDocument, Ready, RefusedDocument, ReplacedDocument};
use super::secrets::Secrets;
use crate::embed::sparse::{SparseEncoder, language_of_terms};
use crate::embed::{Embedder, TextRole};
use crate::error::{BackendError, Fault};
use crate::store::VectorStore;
use crate::task::off_thread;
use crate::types::{Chunk, ContentHash, DocumentRecord, Point};

/// What is stored together: parts of documents, and the documents that could not be prepared.
#[derive(Default)]
pub(super) struct CommitBatch {
    pub parts: Vec<BatchPart>,
    pub refused: Vec<RefusedDocument>,
}

/// Chunks of one document. A document that is larger than a batch comes in several parts.
pub(super) struct BatchPart {
    pub document: Arc<PendingDocument>,
    pub chunks: Vec<Chunk>,
    pub last: bool,
}

/// The document that a part belongs to.
pub(super) struct PendingDocument {
    pub record: DocumentRecord,
    pub replaces: ReplacedDocument,
    /// Ids of all chunks of the document.
    pub ids: Vec<uuid::Uuid>,
    pub secrets: Secrets,
}

/// Maximum number of chunks that are embedded and stored together. A batch has fewer where a request holds
/// fewer, so that the answers of a slow endpoint are stored soon.
pub(super) const BATCH_CHUNKS: usize = 512;

/// Number of chunks in a batch. A batch is one request: what is paid for is stored.
pub(super) fn size(embedder: &dyn Embedder, chunks: &ChunkOptions) -> usize {
    let limits = embedder.limits();
    // No tokenizer makes more tokens than there are bytes, and loading one takes 100 ms.
    let prefix = embedder.id().document_prefix.len();
    let fit = limits.batch_tokens / (chunks.max_tokens + prefix).max(1);
    limits.batch_items.min(fit).clamp(1, BATCH_CHUNKS)
}

/// Gathers documents until there are `size` chunks, and cuts larger documents. Chunks are made only when they
/// are asked for.
pub(super) fn gather(
    prepared: impl Stream<Item = PreparedDocument>,
    size: usize,
) -> impl Stream<Item = CommitBatch> {
    let gathering = Gathering {
        prepared: Box::pin(prepared.fuse()),
        open: None,
        batch: CommitBatch::default(),
    };
    futures::stream::unfold(gathering, move |mut gathering| async move {
        Some((gathering.next(size).await?, gathering))
    })
}

struct Gathering<S> {
    prepared: S,
    /// A document that has more chunks to give.
    open: Option<(Arc<PendingDocument>, Box<LazyChunks>)>,
    batch: CommitBatch,
}

impl<S: Stream<Item = PreparedDocument> + Unpin> Gathering<S> {
    /// `None` after the last batch. The last batch may be empty.
    async fn next(&mut self, size: usize) -> Option<CommitBatch> {
        loop {
            if let Some((document, rest)) = &mut self.open {
                let held: usize = self.batch.parts.iter().map(|part| part.chunks.len()).sum();
                let room = size.saturating_sub(held);
                // A document that fits into a batch is not split.
                if rest.len() > room && rest.len() <= size {
                    return Some(std::mem::take(&mut self.batch));
                }
                let chunks = rest.by_ref().take(room).collect();
                let last = rest.is_done();
                self.batch.parts.push(BatchPart { document: Arc::clone(document), chunks, last });
                if !last {
                    return Some(std::mem::take(&mut self.batch));
                }
                self.open = None;
            }
            match self.prepared.next().await {
                Some(PreparedDocument::Ready(ready)) => self.open = Some(target(ready)),
                Some(PreparedDocument::Refused(refused)) => {
                    self.batch.refused.push(refused);
                    if self.batch.refused.len() >= size {
                        return Some(std::mem::take(&mut self.batch));
                    }
                }
                None => {
                    let batch = std::mem::take(&mut self.batch);
                    let some = !batch.parts.is_empty() || !batch.refused.is_empty();
                    return some.then_some(batch);
                }
            }
        }
    }
}

fn target(ready: Ready) -> (Arc<PendingDocument>, Box<LazyChunks>) {
    let ids = ready.chunks.ids();
    let Ready { record, replaces, chunks, secrets } = ready;
    (Arc::new(PendingDocument { record, replaces, ids, secrets }), chunks)
}

/// A batch with its vectors.
pub(super) struct Embedded {
    pub parts: Vec<EmbeddedPart>,
    pub refused: Vec<RefusedDocument>,
    /// Number of texts that were embedded.
    pub embedded: usize,
    /// Number of chunks whose vector was known.
    pub reused: usize,
}

pub(super) struct EmbeddedPart {
    pub document: Arc<PendingDocument>,
    pub points: Result<Vec<Point>, EmbedFailure>,
    pub last: bool,
}

/// Why there is no vector.
#[derive(Clone)]
pub(super) enum EmbedFailure {
    /// The embedder refused the text, for this reason.
    Refused(String),
    /// The run stopped before the embedder was asked.
    Stopped,
}

/// The vector of a text; `None` where the model has no vector for it.
type Outcome = Result<Option<Vec<f32>>, EmbedFailure>;

/// Maximum number of vectors of repeated texts that are kept.
const REPEATED: usize = 4_096;

/// Turns chunks into points, embedding each text once.
pub(super) struct Encoder {
    pub embedder: Arc<dyn Embedder>,
    /// One permit for each batch that may be embedded at the same time.
    pub slots: Semaphore,
    /// The error that ends the run, and the number of its batch: later batches are not sent to the embedder.
    pub failure: OnceLock<(usize, BackendError)>,
    pub store: Arc<dyn VectorStore>,
    pub sparse: Arc<SparseEncoder>,
    /// Language of most documents of the collection.
    pub usual: String,
    pub budget: Arc<RunBudget>,
    /// A store with chunks from before this run; any of them may have the text of a new chunk.
    pub lender: Option<Arc<dyn VectorStore>>,
    pub known: Mutex<VectorCache>,
}

/// What is remembered of the texts seen so far.
#[derive(Default)]
pub(super) struct VectorCache {
    /// First 32 bits of the hashes that this run has stored or is about to store. Among a million chunks, one
    /// in four thousand is mistaken for another, which costs one request to the store.
    seen: HashSet<u32>,
    /// Vectors of texts that were seen more than once. A licence or a footer is in every document, and the
    /// store would read all its points for each request.
    repeated: HashMap<ContentHash, Vec<f32>>,
}

impl VectorCache {
    fn remember<'a>(&mut self, vectors: impl IntoIterator<Item = (&'a ContentHash, &'a Vec<f32>)>) {
        let room = REPEATED.saturating_sub(self.repeated.len());
        let some = vectors.into_iter().take(room);
        self.repeated.extend(some.map(|(hash, vector)| (hash.clone(), vector.clone())));
    }

    fn repeated(&self, hashes: &[ContentHash]) -> Vec<(ContentHash, Vec<f32>)> {
        hashes
            .iter()
            .filter_map(|hash| Some((hash.clone(), self.repeated.get(hash)?.clone())))
            .collect()
    }
}

/// Vectors that need not be computed.
struct Found {
    vectors: HashMap<ContentHash, Vec<f32>>,
    /// Texts that were seen before and whose vector is not stored yet.
    again: Vec<ContentHash>,
}

impl Encoder {
    /// Embeds one batch. Batches are stored in the order of `number`.
    pub(super) async fn encode(
        &self,
        number: usize,
        batch: CommitBatch,
    ) -> Result<Embedded, BackendError> {
        let vectors = self.dense(number, &batch).await?;
        let (sparse, usual) = (Arc::clone(&self.sparse), self.usual.clone());
        Ok(off_thread(move || {
            let parts =
                batch.parts.into_iter().map(|part| join(part, &vectors.by_hash, &sparse, &usual));
            Embedded {
                parts: parts.collect(),
                refused: batch.refused,
                embedded: vectors.embedded,
                reused: vectors.reused,
            }
        })
        .await)
    }

    async fn dense(&self, number: usize, batch: &CommitBatch) -> Result<Vectors, BackendError> {
        let mut texts: HashMap<&ContentHash, &Chunk> = HashMap::new();
        let mut order = Vec::new();
        for chunk in batch.parts.iter().flat_map(|part| &part.chunks) {
            if texts.insert(&chunk.chunk_hash, chunk).is_none() {
                order.push(chunk.chunk_hash.clone());
            }
        }
        let turn = self.budget.turn().await;
        let Found { vectors: mut found, again } = self.stored(&order).await?;
        let _slot = self.slots.acquire().await;
        if let Some((failed, error)) = self.failure.get()
            && *failed < number
        {
            return Err(error.clone());
        }
        // Another batch may have embedded these texts while this one waited.
        found.extend(self.known().repeated(&again));
        let mut by_hash: HashMap<ContentHash, Outcome> =
            found.into_iter().map(|(hash, vector)| (hash, Ok(Some(vector)))).collect();
        order.retain(|hash| !by_hash.contains_key(hash));
        let inputs: Vec<String> = order.iter().map(|hash| texts[hash].embedded()).collect();
        let total: usize = batch.parts.iter().map(|part| part.chunks.len()).sum();
        let reused = total - inputs.len();
        let vectors = self.embed(inputs, turn).await.inspect_err(|error| {
            let _ = self.failure.set((number, error.clone()));
        })?;
        let embedded = vectors.iter().filter(|vector| vector.is_ok()).count();
        by_hash.extend(order.into_iter().zip(vectors));
        self.known().remember(again.iter().filter_map(|hash| match by_hash.get(hash) {
            Some(Ok(Some(vector))) => Some((hash, vector)),
            _ => None,
        }));
        Ok(Vectors { by_hash, embedded, reused })
    }

    async fn embed(
        &self,
        inputs: Vec<String>,
        turn: Option<BudgetTurn<'_>>,
    ) -> Result<Vec<Outcome>, BackendError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let Some(_reserved) = self.budget.reserve(&*self.embedder, &inputs, turn).await else {
            return Ok(vec![Err(EmbedFailure::Stopped); inputs.len()]);
        };
        embed_or_split(&*self.embedder, inputs).await
    }

    /// Looks up the stored vectors of these texts, asking only stores that may have one.
    async fn stored(&self, hashes: &[ContentHash]) -> Result<Found, BackendError> {
        let mut found = HashMap::new();
        let (mut again, mut first) = (Vec::new(), Vec::new());
        {
            let VectorCache { seen, repeated } = &mut *self.known();
            for hash in hashes {
                if let Some(vector) = repeated.get(hash) {
                    found.insert(hash.clone(), vector.clone());
                } else if seen.insert(beginning(hash)) {
                    first.push(hash.clone());
                } else {
                    again.push(hash.clone());
                }
            }
        }
        if !again.is_empty() {
            let stored = self.store.vectors(&again).await?;
            self.known().remember(&stored);
            again.retain(|hash| !stored.contains_key(hash));
            found.extend(stored);
        }
        if let Some(lender) = &self.lender {
            first.retain(|hash| !found.contains_key(hash));
            if !first.is_empty() {
                found.extend(lender.vectors(&first).await?);
            }
        }
        Ok(Found { vectors: found, again })
    }

    fn known(&self) -> MutexGuard<'_, VectorCache> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first eight hexadecimal digits, as a number.
fn beginning(hash: &ContentHash) -> u32 {
    hash.0.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

struct Vectors {
    by_hash: HashMap<ContentHash, Outcome>,
    embedded: usize,
    reused: usize,
}

fn join(
    part: BatchPart,
    vectors: &HashMap<ContentHash, Outcome>,
    sparse: &SparseEncoder,
    usual: &str,
) -> EmbeddedPart {
    let language = language_of_terms(&part.document.record, usual);
    let name = sparse.name(&part.document.record.source, Some(language));
    let points = part.chunks.into_iter().map(|chunk| {
        let dense = match vectors.get(&chunk.chunk_hash) {
            Some(Ok(vector)) => vector.clone(),
            Some(Err(EmbedFailure::Refused(reason))) => {
                let place = chunk.locator.cite("");
                let place = place.trim_start_matches([':', '#']);
                return Err(EmbedFailure::Refused(format!(
                    "the embedder refused {place}: {reason}"
                )));
            }
            Some(Err(EmbedFailure::Stopped)) => return Err(EmbedFailure::Stopped),
            None => None,
        };
        let sparse = sparse.passage(&chunk.embedded(), Some(language), &name);
        Ok(Point { chunk, dense, sparse })
    });
    EmbeddedPart { points: points.collect(), document: part.document, last: part.last }
}

/// Single inputs that may be refused in a row, with none accepted, before the endpoint is to blame.
const REFUSALS_BEFORE_GIVING_UP: usize = 4;

/// A text that no model fails on: it distinguishes an endpoint that is down from one that fails on a text.
const HARMLESS: &str = "dimension";

/// Embeds all inputs. A request that is refused for its content is halved until the bad input is alone and
/// only that one fails. The same is done where a server keeps failing with 500 and still embeds another text.
/// Other errors, and an endpoint that refuses everything, end the run.
async fn embed_or_split(
    embedder: &dyn Embedder,
    inputs: Vec<String>,
) -> Result<Vec<Outcome>, BackendError> {
    let mut results: Vec<Outcome> = Vec::with_capacity(inputs.len());
    let mut pending = vec![inputs];
    let mut works = false;
    while let Some(mut inputs) = pending.pop() {
        if inputs.is_empty() {
            continue;
        }
        match embedder.embed(&inputs, TextRole::Document).await {
            Ok(vectors) => {
                works = true;
                results.extend(vectors.into_iter().map(Ok));
            }
            Err(error) => {
                if !of_these_texts(embedder, &error, &mut works).await {
                    if error.fault == Fault::Stopped {
                        results.extend(inputs.iter().map(|_| Err(EmbedFailure::Stopped)));
                        continue;
                    }
                    return Err(error);
                }
                if inputs.len() == 1 {
                    let only_refusals = results.iter().all(Result::is_err);
                    if only_refusals && results.len() + 1 >= REFUSALS_BEFORE_GIVING_UP {
                        return Err(error);
                    }
                    results.push(Err(EmbedFailure::Refused(error.message)));
                } else {
                    let tail = inputs.split_off(inputs.len() / 2);
                    pending.push(tail);
                    pending.push(inputs);
                }
            }
        }
    }
    Ok(results)
}

/// Whether an error was caused by the texts and not by the embedder. `works`: the embedder has embedded
/// another text meanwhile.
async fn of_these_texts(embedder: &dyn Embedder, error: &BackendError, works: &mut bool) -> bool {
    match (error.fault, error.status) {
        (Fault::TooLong | Fault::Refused, _) => true,
        (Fault::Transient { .. }, Some(500)) => {
            if !*works {
                *works = embedder.embed(&[HARMLESS.to_owned()], TextRole::Document).await.is_ok();
            }
            *works
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
