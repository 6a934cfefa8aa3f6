//! Chunks → points, many documents at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::stream::{Stream, StreamExt};
use tokio::sync::Semaphore;

use super::budget::{Budget, Turn};
use super::chunk::ChunkOptions;
use super::cut::Chunks;
use super::prepare::{Prepared, Ready, Refused, Replaces};
use super::secrets::Secrets;
use crate::embed::sparse::{SparseEncoder, language_of_terms};
use crate::embed::{Embedder, Role};
use crate::error::{BackendError, Fault};
use crate::store::VectorStore;
use crate::task::off_thread;
use crate::types::{Chunk, ContentHash, DocumentRecord, Point};

/// What is stored together: parts of documents, and what could not be prepared.
#[derive(Default)]
pub(super) struct Batch {
    pub parts: Vec<Part>,
    pub refused: Vec<Refused>,
}

/// Chunks of one document. A document over the size of a batch comes in several parts.
pub(super) struct Part {
    pub document: Arc<Target>,
    pub chunks: Vec<Chunk>,
    pub last: bool,
}

/// The document that parts belong to.
pub(super) struct Target {
    pub record: DocumentRecord,
    pub replaces: Replaces,
    /// Ids of all its chunks.
    pub ids: Vec<uuid::Uuid>,
    pub secrets: Secrets,
}

/// Chunks that are embedded and stored together, at most: fewer where a request holds fewer, so that
/// what a slow endpoint has answered is stored soon.
pub(super) const BATCH_CHUNKS: usize = 512;

/// Chunks of a batch. A batch is one request: what is paid for is stored.
pub(super) fn size(embedder: &dyn Embedder, chunks: &ChunkOptions) -> usize {
    let limits = embedder.limits();
    // No tokenizer makes more tokens than bytes, and to load one takes 100 ms.
    let prefix = embedder.id().document_prefix.len();
    let fit = limits.batch_tokens / (chunks.max_tokens + prefix).max(1);
    limits.batch_items.min(fit).clamp(1, BATCH_CHUNKS)
}

/// Gathers documents until `size` chunks are together, and cuts larger ones. No more chunks are made
/// than are asked for.
pub(super) fn gather(
    prepared: impl Stream<Item = Prepared>,
    size: usize,
) -> impl Stream<Item = Batch> {
    let gathering =
        Gathering { prepared: Box::pin(prepared.fuse()), open: None, batch: Batch::default() };
    futures::stream::unfold(gathering, move |mut gathering| async move {
        Some((gathering.next(size).await?, gathering))
    })
}

struct Gathering<S> {
    prepared: S,
    /// A document that is not done.
    open: Option<(Arc<Target>, Box<Chunks>)>,
    batch: Batch,
}

impl<S: Stream<Item = Prepared> + Unpin> Gathering<S> {
    /// `None` after the last, which is empty where there is nothing left for it.
    async fn next(&mut self, size: usize) -> Option<Batch> {
        loop {
            if let Some((document, rest)) = &mut self.open {
                let held: usize = self.batch.parts.iter().map(|part| part.chunks.len()).sum();
                let room = size.saturating_sub(held);
                // A document that fits into a batch is not cut.
                if rest.len() > room && rest.len() <= size {
                    return Some(std::mem::take(&mut self.batch));
                }
                let chunks = rest.by_ref().take(room).collect();
                let last = rest.is_done();
                self.batch.parts.push(Part { document: Arc::clone(document), chunks, last });
                if !last {
                    return Some(std::mem::take(&mut self.batch));
                }
                self.open = None;
            }
            match self.prepared.next().await {
                Some(Prepared::Ready(ready)) => self.open = Some(target(ready)),
                Some(Prepared::Refused(refused)) => {
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

fn target(ready: Ready) -> (Arc<Target>, Box<Chunks>) {
    let ids = ready.chunks.ids();
    let Ready { record, replaces, chunks, secrets } = ready;
    (Arc::new(Target { record, replaces, ids, secrets }), chunks)
}

/// A batch with its vectors.
pub(super) struct Embedded {
    pub parts: Vec<EmbeddedPart>,
    pub refused: Vec<Refused>,
    /// Texts that were embedded.
    pub embedded: usize,
    /// Chunks whose vector was known.
    pub reused: usize,
}

pub(super) struct EmbeddedPart {
    pub document: Arc<Target>,
    pub points: Result<Vec<Point>, Missing>,
    pub last: bool,
}

/// Why there is no vector.
#[derive(Clone)]
pub(super) enum Missing {
    /// The embedder refused the text, for this reason.
    Refused(String),
    /// The run stopped before it was asked.
    Stopped,
}

/// The vector of a text, `None` where the model has nothing to say of it.
type Outcome = Result<Option<Vec<f32>>, Missing>;

/// Vectors of repeated texts that are kept at most.
const REPEATED: usize = 4_096;

/// Turns chunks into points, embedding each text once.
pub(super) struct Encoder {
    pub embedder: Arc<dyn Embedder>,
    /// One for each batch that may be embedded at a time.
    pub slots: Semaphore,
    /// What ends the run, and the batch it happened to: nothing is asked for those after it.
    pub failure: OnceLock<(usize, BackendError)>,
    pub store: Arc<dyn VectorStore>,
    pub sparse: Arc<SparseEncoder>,
    /// Language of most documents.
    pub usual: String,
    pub budget: Arc<Budget>,
    /// Stores with chunks from before this run, which may have the text of any new one.
    pub lender: Option<Arc<dyn VectorStore>>,
    pub known: Mutex<Known>,
}

/// What is remembered of the texts that have come by.
#[derive(Default)]
pub(super) struct Known {
    /// Beginnings of the hashes that this run has stored or is about to, as numbers: of a million
    /// chunks one in four thousand is mistaken for another, which costs a question to the store.
    seen: HashSet<u32>,
    /// Texts met again. A licence or a footer is in every document, and the store would read all
    /// its points each time it is asked for one.
    repeated: HashMap<ContentHash, Vec<f32>>,
}

impl Known {
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

/// Vectors that need not be made.
struct Found {
    vectors: HashMap<ContentHash, Vec<f32>>,
    /// Texts that came by before, and whose vector is not stored yet.
    again: Vec<ContentHash>,
}

impl Encoder {
    /// `number`: batches are stored in its order.
    pub(super) async fn encode(
        &self,
        number: usize,
        batch: Batch,
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

    async fn dense(&self, number: usize, batch: &Batch) -> Result<Vectors, BackendError> {
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
        // Others may have embedded what was met again, while this batch waited.
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
        turn: Option<Turn<'_>>,
    ) -> Result<Vec<Outcome>, BackendError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let Some(_reserved) = self.budget.reserve(&*self.embedder, &inputs, turn).await else {
            return Ok(vec![Err(Missing::Stopped); inputs.len()]);
        };
        embed_or_split(&*self.embedder, inputs).await
    }

    /// Vectors that are stored of these texts. Only stores that may have one are asked.
    async fn stored(&self, hashes: &[ContentHash]) -> Result<Found, BackendError> {
        let mut found = HashMap::new();
        let (mut again, mut first) = (Vec::new(), Vec::new());
        {
            let Known { seen, repeated } = &mut *self.known();
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

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first eight digits.
fn beginning(hash: &ContentHash) -> u32 {
    hash.0.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

struct Vectors {
    by_hash: HashMap<ContentHash, Outcome>,
    embedded: usize,
    reused: usize,
}

fn join(
    part: Part,
    vectors: &HashMap<ContentHash, Outcome>,
    sparse: &SparseEncoder,
    usual: &str,
) -> EmbeddedPart {
    let language = language_of_terms(&part.document.record, usual);
    let name = sparse.name(&part.document.record.source, Some(language));
    let points = part.chunks.into_iter().map(|chunk| {
        let dense = match vectors.get(&chunk.chunk_hash) {
            Some(Ok(vector)) => vector.clone(),
            Some(Err(Missing::Refused(reason))) => {
                let place = chunk.locator.cite("");
                let place = place.trim_start_matches([':', '#']);
                return Err(Missing::Refused(format!("{place} was refused: {reason}")));
            }
            Some(Err(Missing::Stopped)) => return Err(Missing::Stopped),
            None => None,
        };
        let sparse = sparse.passage(&chunk.embedded(), Some(language), &name);
        Ok(Point { chunk, dense, sparse })
    });
    EmbeddedPart { points: points.collect(), document: part.document, last: part.last }
}

/// Lone inputs that may be refused in a row, none accepted, before the endpoint is to blame.
const REFUSALS_BEFORE_GIVING_UP: usize = 4;

/// What no model fails on: it tells an endpoint that fails from one that fails on a text.
const HARMLESS: &str = "dimension";

/// Embeds all inputs; where a request is refused for what it contains, halves it until the bad
/// input is alone and answers for itself. So it does where a server fails with 500 time and again
/// and still embeds another text. Other errors, and an endpoint that refuses whatever it is given,
/// end the run.
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
        match embedder.embed(&inputs, Role::Document).await {
            Ok(vectors) => {
                works = true;
                results.extend(vectors.into_iter().map(Ok));
            }
            Err(error) => {
                if !of_these_texts(embedder, &error, &mut works).await {
                    if error.fault == Fault::Stopped {
                        results.extend(inputs.iter().map(|_| Err(Missing::Stopped)));
                        continue;
                    }
                    return Err(error);
                }
                if inputs.len() == 1 {
                    let only_refusals = results.iter().all(Result::is_err);
                    if only_refusals && results.len() + 1 >= REFUSALS_BEFORE_GIVING_UP {
                        return Err(error);
                    }
                    results.push(Err(Missing::Refused(error.message)));
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

/// Whether an error is about what was asked, not about the one that was asked. `works`: that one has
/// embedded something else meanwhile.
async fn of_these_texts(embedder: &dyn Embedder, error: &BackendError, works: &mut bool) -> bool {
    match (error.fault, error.status) {
        (Fault::TooLong | Fault::Refused, _) => true,
        (Fault::Transient { .. }, Some(500)) => {
            if !*works {
                *works = embedder.embed(&[HARMLESS.to_owned()], Role::Document).await.is_ok();
            }
            *works
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
