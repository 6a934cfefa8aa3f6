//! What is asked of a version, for what there is to be seen of it.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use qdrant_client::qdrant::{CountPoints, Filter, QueryBatchPoints};

use super::intents::Unseen;
use super::physical::Physical;
use super::wire;
use crate::error::{BackendError, Fault};
use crate::store::payload::{self, CHUNK};
use crate::store::{Legs, SearchRequest};
use crate::types::Scored;

impl Physical {
    /// Both legs of a search.
    pub(super) async fn search_without(
        &self,
        request: SearchRequest,
        unseen: &Unseen,
    ) -> Result<Legs, BackendError> {
        // A condition that nearly every point meets is not free: it is made where it is needed.
        if !self.store.has_foreign.load(Ordering::Relaxed) {
            if let Some(legs) = self.legs(request.clone(), unseen, false).await? {
                return Ok(legs);
            }
            self.store.has_foreign.store(true, Ordering::Relaxed);
        }
        let legs = self.legs(request, unseen, true).await?;
        legs.ok_or_else(|| self.store.unreadable(payload::FOREIGN_ID))
    }

    /// `None` where a point was found that is none of docent's.
    async fn legs(
        &self,
        request: SearchRequest,
        unseen: &Unseen,
        only_chunks: bool,
    ) -> Result<Option<Legs>, BackendError> {
        let has_dense = request.dense.is_some();
        let has_sparse = request.sparse.as_ref().is_some_and(|vector| !vector.indices.is_empty());
        let terms = request.idf_of.clone();
        let queries = wire::queries(&self.target(), request, unseen.conditions(), only_chunks);
        if queries.is_empty() {
            return Ok(Some(Legs::default()));
        }
        let legs = queries.len();
        let batch = QueryBatchPoints {
            collection_name: self.target(),
            query_points: queries,
            ..QueryBatchPoints::default()
        };
        let answer = self.store.link.ask(|client| {
            let batch = batch.clone();
            async move { client.query_batch(batch).await }
        });
        let answer = self.found(answer.await).await?.ok_or_else(|| self.missing())?;
        if answer.result.len() != legs {
            return Err(self.store.error(Fault::Permanent, "the server answered another request"));
        }
        let mut lists = answer.result.into_iter().map(|list| list.result);
        let mut chunks = HashMap::new();
        let mut met_foreign = false;
        let mut leg = |present: bool| {
            let points = present.then(|| lists.next()).flatten().into_iter().flatten();
            let mut hit = |point| {
                let Some((hit, mut chunk)) = wire::scored(point)? else {
                    met_foreign = true;
                    return Ok(None);
                };
                unseen.as_seen(&mut chunk);
                chunks.insert(hit.id, chunk);
                Ok(Some(hit))
            };
            let hits = points.filter_map(|point| hit(point).transpose());
            let hits = hits.collect::<Result<Vec<Scored>, String>>();
            hits.map_err(|why| self.store.unreadable(&why))
        };
        let (dense, sparse) = (leg(has_dense)?, leg(has_sparse)?);
        if met_foreign {
            return Ok(None);
        }
        let idf = terms.into_iter().zip(lists);
        let idf = idf.filter_map(|(term, best)| Some((term, wire::idf(term, best)?))).collect();
        Ok(Some(Legs { dense, sparse, chunks, idf }))
    }

    /// Exact number of chunks.
    pub(super) async fn count_without(&self, unseen: &Unseen) -> Result<u64, BackendError> {
        let must_not = unseen.conditions();
        self.count(Filter { must_not, ..Filter::must([wire::record(CHUNK)]) }).await
    }

    /// Exact number of points that pass.
    pub(super) async fn count(&self, filter: Filter) -> Result<u64, BackendError> {
        let request = CountPoints {
            collection_name: self.target(),
            filter: Some(filter),
            exact: Some(true),
            ..CountPoints::default()
        };
        let answer = self.store.link.ask(|client| {
            let request = request.clone();
            async move { client.count(request).await }
        });
        let counted = self.found(answer.await).await?.and_then(|answer| answer.result);
        Ok(counted.map_or(0, |result| result.count))
    }
}
