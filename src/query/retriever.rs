//! What finds the chunks for a question: a snapshot of the collection with the models that ask it.

use std::iter;
use std::sync::Arc;

use futures::future::try_join_all;

use super::cache::{Key, RetrievalCache};
use super::retrieve::{self, Asked, QueryWords, RetrieveOptions, Weights};
use super::rewrite::Queries;
use super::{history, rerank};
use crate::embed::sparse::SparseEncoder;
use crate::embed::{Embedder, Role};
use crate::error::BackendError;
use crate::interaction::LateInteraction;
use crate::rerank::Reranker;
use crate::store::{self, Reader};
use crate::types::Hit;

/// What retrieval works with.
#[derive(Clone)]
pub struct Retriever {
    pub embedder: Arc<dyn Embedder>,
    /// Of a collection that `embedder` and `sparse` have built.
    pub reader: Reader,
    pub sparse: Arc<SparseEncoder>,
    /// What reads the first hits token by token.
    pub late: Arc<LateInteraction>,
    /// What puts the first hits into a better order, where anything does.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// Where what was found is kept; `None`: nowhere.
    pub remembered: Option<Remembered>,
}

/// A cache, and the name that the collection has in it.
#[derive(Clone)]
pub struct Remembered {
    pub cache: Arc<RetrievalCache>,
    pub collection: Arc<str>,
}

/// The chunks that answer what is asked for a question best.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Retrieved {
    /// Best first.
    pub hits: Vec<Hit>,
    /// They were retrieved for somebody who asked the same.
    pub cached: bool,
}

impl Retriever {
    /// The chunks that answer what is asked for a question best: as they are remembered, or else anew.
    pub async fn retrieve(
        &self,
        queries: &Queries,
        options: &RetrieveOptions,
    ) -> Result<Retrieved, BackendError> {
        let remembered = self.remembered.as_ref().and_then(|it| {
            Some((&it.cache, Key::of(&it.collection, &self.reader, queries, options)?))
        });
        let Some((cache, key)) = remembered else {
            let hits = self.retrieve_anew(queries, options).await?;
            return Ok(Retrieved { hits, cached: false });
        };
        let anew = || {
            let (retriever, queries, options) = (self.clone(), queries.clone(), options.clone());
            async move { retriever.retrieve_anew(&queries, &options).await }
        };
        let (hits, cached) = cache.found(key, anew).await?;
        Ok(Retrieved { hits: hits.to_vec(), cached })
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

    /// Refuses text that is not what was stored: it would be quoted, and the quotation verified.
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
        let sparse = self.sparse.query(query);
        let dense = self.dense_text(query, hypothetical);
        let weights = Weights::of(query, options);
        let words = (weights.late > 0.0).then(|| QueryWords::of(query, &self.sparse));
        let asked = Asked { dense, sparse, weights, words };
        retrieve::retrieve(asked, &*self.embedder, &*self.reader, &self.late, options).await
    }

    /// What the dense leg asks with, and as what it is embedded.
    pub(super) fn dense_text(&self, query: &str, hypothetical: Option<&str>) -> (String, Role) {
        let Some(passage) = hypothetical else { return (query.to_owned(), Role::Query) };
        let longest = self.embedder.limits().input_tokens;
        let count = |text: &str| self.embedder.count_tokens(text);
        (history::cut(passage, longest, &count), Role::Document)
    }
}
