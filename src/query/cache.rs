//! What retrieval found, kept for callers that ask the same of the same state of a collection.
//!
//! A [key](CacheKey) is made of everything that decides a result: the collection, its version and the last run
//! that changed it, what is asked, and every option, including which documents may be found at all. So two
//! callers share an entry only if retrieval would be given the same by both, and a run that changes the
//! collection puts the earlier entries out of reach.
//!
//! What packing made of the hits is kept beside them, for callers that pack in the same way: for most
//! questions the passages are the same, whatever was said before.
//!
//! A caller that asks for what is already being retrieved waits for it. All callers that wait drive the
//! work together: when one of them leaves, even the first, the work goes on for the others; it ends when
//! all have left. An error goes to those who waited for it, and is not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::pack::{PackOptions, PackedHits};
use super::rerank::RerankOptions;
use super::retrieve::{AdaptiveWeight, RetrieveOptions};
use super::rewrite::Queries;
use crate::error::BackendError;
use crate::store::CollectionReader;
use crate::types::{Filter, Hit, Passage};

/// Bytes that an entry takes besides its hits: key, value and counters in the cache.
const ENTRY: usize = 128;

/// Bytes of an entry with ten hits; the cache is sized for such entries at first.
const USUAL: u64 = 16 << 10;

type Found = Result<Arc<[Hit]>, BackendError>;
type Flight = Shared<BoxFuture<'static, Found>>;

/// The entry of one question.
#[derive(Clone)]
struct Kept {
    hits: Arc<[Hit]>,
    packing: Option<Arc<CachedPacking>>,
}

/// What packing made of the hits, and how they were packed.
pub(super) struct CachedPacking {
    pub(super) options: PackOptions,
    /// Name of the chat model whose tokens were counted.
    pub(super) counted_by: String,
    pub(super) packed: PackedHits,
}

impl CachedPacking {
    /// Whether packing in this way would make the same passages.
    pub(super) fn is_for(&self, options: &PackOptions, counted_by: &str, reserved: usize) -> bool {
        self.options == *options
            && self.counted_by == counted_by
            && self.packed.reserved.contains(&reserved)
    }
}

/// The cache (see the module), shared by all collections of a process.
pub struct RetrievalCache {
    kept: Cache<CacheKey, Kept, Bytes>,
    /// Retrievals under way, each with a number of its own.
    flights: Arc<Mutex<Flights>>,
    hits: AtomicU64,
    misses: AtomicU64,
    coalesced: AtomicU64,
}

#[derive(Default)]
struct Flights {
    next: u64,
    by_key: HashMap<CacheKey, (u64, WeakShared<BoxFuture<'static, Found>>)>,
}

/// How often a cache was asked, and what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheCounts {
    /// Answered from the cache.
    pub hits: u64,
    /// Had to be retrieved.
    pub misses: u64,
    /// Waited for what another caller was retrieving.
    pub coalesced: u64,
    /// Size of what it holds.
    pub bytes: u64,
}

/// The key of an entry: a hash, so that it has the same size for every filter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct CacheKey([u8; 32]);

/// Hashes what decides a result, field by field, each with its length if that varies.
struct KeyOf(Sha256);

impl KeyOf {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
    }

    fn share(&mut self, share: f32) {
        self.number(share.to_bits().into());
    }

    fn weight(&mut self, AdaptiveWeight { known, foreign }: AdaptiveWeight) {
        self.share(known);
        self.share(foreign);
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

impl CacheKey {
    /// `None` while a run is changing the collection, or after one was cut off: what is found may then
    /// change with every document.
    ///
    /// `collection` is the name of the collection among those that share the cache.
    pub(super) fn of(
        collection: &str,
        reader: &CollectionReader,
        queries: &Queries,
        options: &RetrieveOptions,
    ) -> Option<Self> {
        let manifest = reader.manifest();
        let generation = manifest.runs.last().filter(|_| manifest.unfinished.is_none())?;
        let mut key = KeyOf(Sha256::new());
        key.text(collection);
        key.text(reader.endpoint());
        key.number(reader.version().into());
        key.text(&manifest.created_at);
        key.0.update(generation.run_id.as_bytes());
        key.0.update(Self::asked(queries, options).0);
        Some(Self(key.0.finalize().into()))
    }

    pub(super) fn asked(queries: &Queries, options: &RetrieveOptions) -> Self {
        // By name, so that a field added to any of them has to be handled here.
        let Queries { queries, hypothetical, usage: _, warnings: _ } = queries;
        let RetrieveOptions {
            mode,
            k,
            candidates,
            sparse_weight,
            late_weight,
            filter: Filter { sources, kinds, tags },
            min_score,
            rerank,
        } = options;
        let mut key = KeyOf(Sha256::new());
        key.texts(queries);
        key.optional(hypothetical.as_deref(), KeyOf::text);
        key.text(mode.name());
        key.number(*k as u64);
        key.number(*candidates as u64);
        key.weight(*sparse_weight);
        key.weight(*late_weight);
        key.optional(sources.as_deref(), KeyOf::texts);
        key.number(kinds.len() as u64);
        for kind in kinds {
            key.text(kind.name());
        }
        key.texts(tags);
        key.optional(*min_score, KeyOf::share);
        key.optional(rerank.as_ref(), |key, RerankOptions { candidates, weight }| {
            key.number(*candidates as u64);
            key.share(*weight);
        });
        Self(key.0.finalize().into())
    }
}

/// The entry in which the hits of one question are kept.
#[derive(Clone)]
pub(super) struct CacheSlot {
    cache: Arc<RetrievalCache>,
    key: CacheKey,
}

impl CacheSlot {
    pub(super) fn new(cache: &Arc<RetrievalCache>, key: CacheKey) -> Self {
        Self { cache: Arc::clone(cache), key }
    }

    /// How the hits were packed last.
    pub(super) fn packing(&self) -> Option<Arc<CachedPacking>> {
        self.cache.kept.get(&self.key)?.packing
    }

    /// Keeps what packing made of `hits`, which are the hits of this entry.
    pub(super) fn keep(&self, hits: &Arc<[Hit]>, packing: CachedPacking) {
        let kept = Kept { hits: Arc::clone(hits), packing: Some(Arc::new(packing)) };
        self.cache.kept.insert(self.key, kept);
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<CacheKey, Kept> for Bytes {
    fn weight(&self, _: &CacheKey, Kept { hits, packing }: &Kept) -> u64 {
        let packed = packing.as_ref().map_or(0, |packing| {
            let PackedHits { passages, dropped, fates, .. } = &packing.packed;
            let dropped_sources: usize = dropped.iter().map(|it| it.source.capacity()).sum();
            passages.iter().map(size_of_passage).sum::<usize>()
                + size_of_val(&**dropped)
                + dropped_sources
                + size_of_val(&**fates)
                + size_of::<CachedPacking>()
        });
        (ENTRY + hits.iter().map(size_of_hit).sum::<usize>() + packed) as u64
    }
}

/// Bytes of a hit, with the texts that it owns.
fn size_of_hit(hit: &Hit) -> usize {
    let chunk = &hit.chunk;
    let texts = chunk.source.capacity() + chunk.title.capacity() + chunk.text.capacity();
    let listed = listed(chunk.headings.iter().chain(&chunk.tags));
    size_of::<Hit>() + texts + listed + label(chunk.page_label.as_ref())
}

fn size_of_passage(passage: &Passage) -> usize {
    let texts = passage.source.capacity() + passage.title.capacity() + passage.text.capacity();
    let listed = listed(passage.headings.iter());
    size_of::<Passage>() + texts + listed + label(passage.page_label.as_ref())
}

fn listed<'a>(texts: impl Iterator<Item = &'a String>) -> usize {
    texts.map(|text| size_of::<String>() + text.capacity()).sum()
}

fn label(label: Option<&String>) -> usize {
    label.map_or(0, String::capacity)
}

/// Takes a flight off the list of those under way, however it ends.
struct Landing {
    flights: Arc<Mutex<Flights>>,
    key: CacheKey,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = lock(&self.flights);
        // Another flight may have begun once the last caller had left this one.
        if flights.by_key.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            flights.by_key.remove(&self.key);
        }
    }
}

fn lock(flights: &Mutex<Flights>) -> MutexGuard<'_, Flights> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the hits come from.
enum Source {
    Kept(Arc<[Hit]>),
    /// Another caller is retrieving it.
    Others(Flight),
    Own(Flight),
}

impl RetrievalCache {
    /// Holds at most `capacity` bytes. The cache divides them into parts of its own choosing, and what is
    /// larger than a part is not kept.
    pub fn new(capacity: u64) -> Self {
        let items = (capacity / USUAL).max(1) as usize;
        Self {
            kept: Cache::with_weighter(items, capacity, Bytes),
            flights: Arc::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
        }
    }

    pub fn counts(&self) -> CacheCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheCounts {
            hits: read(&self.hits),
            misses: read(&self.misses),
            coalesced: read(&self.coalesced),
            bytes: self.kept.weight(),
        }
    }

    /// What is kept, or what `retrieve` finds; and whether it came from the cache or from another caller's
    /// retrieval.
    pub(super) async fn found<F>(
        self: &Arc<Self>,
        key: CacheKey,
        retrieve: impl FnOnce() -> F,
    ) -> Result<(Arc<[Hit]>, bool), BackendError>
    where
        F: Future<Output = Result<Vec<Hit>, BackendError>> + Send + 'static,
    {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match self.source(key, retrieve) {
            Source::Kept(hits) => {
                count(&self.hits);
                Ok((hits, true))
            }
            Source::Others(flight) => {
                count(&self.coalesced);
                Ok((flight.await?, true))
            }
            Source::Own(flight) => {
                count(&self.misses);
                Ok((flight.await?, false))
            }
        }
    }

    fn source<F>(self: &Arc<Self>, key: CacheKey, retrieve: impl FnOnce() -> F) -> Source
    where
        F: Future<Output = Result<Vec<Hit>, BackendError>> + Send + 'static,
    {
        if let Some(Kept { hits, .. }) = self.kept.get(&key) {
            return Source::Kept(hits);
        }
        let mut flights = lock(&self.flights);
        let flying = flights.by_key.get(&key).and_then(|(_, flight)| flight.upgrade());
        if let Some(flight) = flying {
            return Source::Others(flight);
        }
        // The flight may have landed in the meantime: its hits are kept before it is taken off the list.
        if let Some(Kept { hits, .. }) = self.kept.get(&key) {
            return Source::Kept(hits);
        }
        flights.next += 1;
        let number = flights.next;
        let landing = Landing { flights: Arc::clone(&self.flights), key, number };
        let (cache, retrieving) = (Arc::clone(self), retrieve());
        let flight = async move {
            let found: Found = retrieving.await.map(Into::into);
            if let Ok(hits) = &found {
                cache.kept.insert(key, Kept { hits: Arc::clone(hits), packing: None });
            }
            drop(landing);
            found
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            flights.by_key.insert(key, (number, weak));
        }
        Source::Own(flight)
    }
}

#[cfg(test)]
mod tests;
