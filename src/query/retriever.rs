//! Finds the chunks for a question: a snapshot of the collection with the models that query it.

use std::iter;
use std::sync::Arc;

use futures::future::try_join_all;

use super::cache::{CacheKey, CacheSlot, CachedPacking, RetrievalCache};
use super::pack::{self, PackOptions, PackedHits};
use super::retrieve::{self, QueryWeights, QueryWords, RetrieveOptions, RetrieveRequest};
use super::rewrite::Queries;
use super::subject::subject;
use super::{history, rerank};
use crate::chat::ChatModel;
use crate::embed::sparse::SparseEncoder;
use crate::embed::{Embedder, TextRole};
use crate::error::BackendError;
use crate::interaction::LateInteraction;
use crate::rerank::Reranker;
use crate::store::{self, CollectionReader};
use crate::types::Hit;

/// What retrieval needs: a collection, and the models for it.
#[derive(Clone)]
pub struct Retriever {
    pub embedder: Arc<dyn Embedder>,
    /// Reads a collection that was built with `embedder` and `sparse`.
    pub reader: CollectionReader,
    pub sparse: Arc<SparseEncoder>,
    /// Reads the first hits token by token.
    pub late: Arc<LateInteraction>,
    /// Reranks the first hits, if there is a reranker.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// Where results are cached; `None`: nowhere.
    pub remembered: Option<CachedRetrieval>,
}

/// A cache, and the name of the collection in it.
#[derive(Clone)]
pub struct CachedRetrieval {
    pub cache: Arc<RetrievalCache>,
    pub collection: Arc<str>,
}

/// The chunks that fit a question best.
#[derive(Clone, Default)]
pub struct RetrievedChunks {
    /// Best first.
    pub hits: Arc<[Hit]>,
    /// They were retrieved for another caller that asked the same.
    pub cached: bool,
    /// The cache entry that holds them.
    place: Option<CacheSlot>,
}

impl RetrievedChunks {
    /// Packs the hits into passages beside `reserved` tokens, as `chat` counts them, or returns them as
    /// they were packed for another caller that asked the same.
    pub(super) fn packed(
        &self,
        options: &PackOptions,
        reserved: usize,
        chat: &dyn ChatModel,
    ) -> PackedHits {
        let known = self.place.as_ref().and_then(CacheSlot::packing);
        if let Some(known) = known.filter(|known| known.is_for(options, chat.name(), reserved)) {
            return known.packed.clone();
        }
        let packed = pack::pack(&self.hits, options, reserved, &|text| chat.count_tokens(text));
        if let Some(place) = &self.place {
            let (options, counted_by) = (options.clone(), chat.name().to_owned());
            place.keep(&self.hits, CachedPacking { options, counted_by, packed: packed.clone() });
        }
        packed
    }
}

impl Retriever {
    /// The chunks that fit the queries best, from the cache if they are there.
    pub async fn retrieve(
        &self,
        queries: &Queries,
        options: &RetrieveOptions,
    ) -> Result<RetrievedChunks, BackendError> {
        let remembered = self.remembered.as_ref().and_then(|it| {
            Some((&it.cache, CacheKey::of(&it.collection, &self.reader, queries, options)?))
        });
        let Some((cache, key)) = remembered else {
            let hits = self.retrieve_anew(queries, options).await?;
            return Ok(RetrievedChunks { hits: hits.into(), cached: false, place: None });
        };
        let again = || {
            let (retriever, queries, options) = (self.clone(), queries.clone(), options.clone());
            async move { retriever.retrieve_anew(&queries, &options).await }
        };
        let (hits, cached) = cache.found(key, again).await?;
        let place = Some(CacheSlot::new(cache, key));
        Ok(RetrievedChunks { hits, cached, place })
    }

    async fn retrieve_anew(
        &self,
        queries: &Queries,
        options: &RetrieveOptions,
    ) -> Result<Vec<Hit>, BackendError> {
        let (Some(reranker), Some(rerank), Some(question)) =
            (&self.reranker, &options.rerank, queries.queries.first())
        else {
            let hits = self.find(queries, options).await?;
            return self.intact(hits);
        };
        let k = options.k.max(rerank.candidates);
        let deep = RetrieveOptions { k, min_score: None, ..options.clone() };
        let hits = self.find(queries, &deep).await?;
        let mut hits = rerank::rerank(question, hits, &**reranker, rerank).await?;
        if let Some(floor) = options.min_score {
            hits.retain(|hit| hit.score >= floor);
        }
        hits.truncate(options.k);
        self.intact(hits)
    }

    /// Refuses text that differs from what was stored: it would be quoted, and the quotation verified.
    fn intact(&self, hits: Vec<Hit>) -> Result<Vec<Hit>, BackendError> {
        match hits.iter().find(|hit| !hit.chunk.is_intact()) {
            Some(hit) => Err(store::damaged(&*self.reader, &hit.chunk)),
            None => Ok(hits),
        }
    }

    async fn find(
        &self,
        queries: &Queries,
        options: &RetrieveOptions,
    ) -> Result<Vec<Hit>, BackendError> {
        let passage = queries.hypothetical.as_deref();
        if let [query] = queries.queries.as_slice() {
            return self.ask(query, passage, options).await;
        }
        let deep = retrieve::before_combining(options);
        let asked = queries.queries.iter().zip(iter::once(passage).chain(iter::repeat(None)));
        let lists = asked.map(|(query, passage)| self.ask(query, passage, &deep));
        Ok(retrieve::combine(try_join_all(lists).await?, options))
    }

    async fn ask(
        &self,
        query: &str,
        hypothetical: Option<&str>,
        options: &RetrieveOptions,
    ) -> Result<Vec<Hit>, BackendError> {
        let query = subject(query);
        let sparse = self.sparse.query(query);
        let dense = self.dense_text(query, hypothetical);
        let weights = QueryWeights::of(query, options);
        let words = (weights.late > 0.0).then(|| QueryWords::of(query, &self.sparse));
        let asked = RetrieveRequest { dense, sparse, weights, words };
        retrieve::retrieve(asked, &*self.embedder, &*self.reader, &self.late, options).await
    }

    /// The text that the dense leg embeds, and its role.
    pub(super) fn dense_text(&self, query: &str, hypothetical: Option<&str>) -> (String, TextRole) {
        let longest = self.embedder.limits().input_tokens;
        let count = |text: &str| self.embedder.count_tokens(text);
        match hypothetical {
            Some(passage) => (history::truncate(passage, longest, &count), TextRole::Document),
            // A text never has more tokens than bytes, and loading a tokenizer takes 100 ms.
            None if query.len() <= longest => (query.to_owned(), TextRole::Query),
            None => (history::truncate(query, longest, &count), TextRole::Query),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::chat::{ChatRequest, ChatStream};
    use crate::error::{ExternalService, Fault};
    use crate::query::pack::tests::{chunk, hits};

    /// Counts words, and how often it was asked to.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl ChatModel for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn count_tokens(&self, text: &str) -> usize {
            self.0.fetch_add(1, Ordering::Relaxed);
            text.split_whitespace().count()
        }

        fn counts_exactly(&self) -> bool {
            true
        }

        fn payload(&self, _: &ChatRequest) -> Option<serde_json::Value> {
            None
        }

        async fn stream(&self, _: ChatRequest) -> Result<ChatStream, BackendError> {
            Err(BackendError::new(
                ExternalService::Chat,
                Fault::Permanent,
                "here",
                "it answers nothing",
            ))
        }
    }

    #[test]
    fn what_is_kept_is_packed_once() {
        let cache = Arc::new(RetrievalCache::new(1 << 20));
        let key = CacheKey::asked(&Queries::of("How long?"), &RetrieveOptions::default());
        let found: Arc<[Hit]> = hits(vec![chunk("a", 0, "Kept for 400 days.")]).into();
        let place = |hits: &Arc<[Hit]>, place| RetrievedChunks {
            hits: Arc::clone(hits),
            cached: true,
            place,
        };
        let (kept, bare) = (place(&found, Some(CacheSlot::new(&cache, key))), place(&found, None));
        let (chat, options) = (Counting::default(), PackOptions::default());
        let first = kept.packed(&options, 100, &chat);
        let counted = chat.0.load(Ordering::Relaxed);
        assert!(counted > 0);
        assert_eq!(kept.packed(&options, 200, &chat), first);
        assert_eq!(chat.0.load(Ordering::Relaxed), counted, "it was not packed again");
        let none = kept.packed(&options, options.max_tokens, &chat);
        assert!(none.passages.is_empty(), "there is room for none of them");
        assert_eq!(bare.packed(&options, 100, &chat), first);
    }
}
