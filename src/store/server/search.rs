//! Searches a version, restricted to what readers may see.
//!
//! Both legs and the term weights are one request, unless the collection allows less: then there are several,
//! with shorter pages, fewer queries, or only some of the documents each, and their answers are combined here
//! into what one request would have returned.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use qdrant_client::qdrant::vector_input::Variant;
use qdrant_client::qdrant::{
    BatchResult, CountPoints, DenseVector, Filter, QueryBatchPoints, QueryPoints, RetrievedPoint,
    ScoredPoint,
};
use uuid::Uuid;

use super::intents::HiddenChunks;
use super::limited::LimitedClient;
use super::limits::{Shortfall, StrictLimits, conditions_in};
use super::physical::Physical;
use super::wire;
use crate::error::{BackendError, Fault};
use crate::store::payload::{self, CHUNK};
use crate::store::{DENSE, Legs, SPARSE, SearchRequest};
use crate::types::{self, Chunk, Scored};

/// The purpose of a query.
#[derive(Clone, Copy)]
enum Of {
    Dense,
    Sparse,
    Idf(u32),
}

/// A query, sent page by page.
struct Asked {
    of: Of,
    query: QueryPoints,
    wanted: usize,
    /// Whether some of its results may have to be hidden.
    sorted_out: bool,
    hits: Vec<(Scored, Chunk)>,
    known: HashSet<Uuid>,
    idf: Option<f32>,
    is_done: bool,
}

impl Asked {
    fn new(of: Of, query: QueryPoints, wanted: usize, sorted_out: bool) -> Self {
        let (hits, known) = (Vec::new(), HashSet::new());
        Self { of, query, wanted, sorted_out, hits, known, idf: None, is_done: false }
    }

    /// The next page.
    fn next(&self, limits: StrictLimits) -> QueryPoints {
        let limit = limits.paged(self.wanted) as u64;
        QueryPoints { limit: Some(limit), ..self.query.clone() }
    }

    /// False where docent did not write a point.
    fn take(
        &mut self,
        page: Vec<ScoredPoint>,
        limits: StrictLimits,
        unseen: &HiddenChunks,
    ) -> Result<bool, String> {
        if let Of::Idf(term) = self.of {
            (self.idf, self.is_done) = (wire::idf(term, page), true);
            return Ok(true);
        }
        let whole = page.len() >= limits.paged(self.wanted);
        self.query.offset = Some(self.query.offset.unwrap_or_default() + page.len() as u64);
        let mut is_docents = true;
        for point in page {
            let Some((hit, mut chunk)) = wire::scored(point)? else {
                is_docents = false;
                continue;
            };
            let seen = !self.sorted_out || !unseen.hides(&chunk.source, &hit.id);
            if seen && self.hits.len() < self.wanted && self.known.insert(hit.id) {
                unseen.as_seen(&mut chunk);
                self.hits.push((hit, chunk));
            }
        }
        self.is_done = !whole || self.hits.len() >= self.wanted;
        Ok(is_docents)
    }
}

impl Physical {
    /// Both legs of a search.
    pub(super) async fn search_without(
        &self,
        request: SearchRequest,
        unseen: &HiddenChunks,
    ) -> Result<Legs, BackendError> {
        // A condition that nearly every point meets is not free: it is added only where needed.
        if !self.store.has_foreign.load(Ordering::Relaxed) {
            if let Some(legs) = self.legs(&request, unseen, false).await? {
                return Ok(legs);
            }
            self.store.has_foreign.store(true, Ordering::Relaxed);
        }
        let legs = self.legs(&request, unseen, true).await?;
        legs.ok_or_else(|| self.store.unreadable(payload::FOREIGN_ID))
    }

    /// `None` where a point was found that docent did not write.
    async fn legs(
        &self,
        request: &SearchRequest,
        unseen: &HiddenChunks,
        only_chunks: bool,
    ) -> Result<Option<Legs>, BackendError> {
        let kept = &self.kept();
        kept.ask(|limits| async move {
            let asked = asked(&kept.target, request, unseen, only_chunks, limits);
            let asked = asked.map_err(|short| kept.short(short))?;
            let asked = self.answered(kept, limits, asked, unseen).await?;
            Ok(asked.map(|asked| together(asked, request.limit)))
        })
        .await
    }

    async fn answered(
        &self,
        kept: &LimitedClient,
        limits: StrictLimits,
        mut asked: Vec<Asked>,
        unseen: &HiddenChunks,
    ) -> Result<Option<Vec<Asked>>, BackendError> {
        let conditions = asked.iter().filter_map(|asked| asked.query.filter.as_ref());
        let conditions = conditions.map(conditions_in).max().unwrap_or_default();
        let together = limits.queries(conditions).map_err(|short| kept.short(short))?;
        loop {
            let mut open: Vec<&mut Asked> =
                asked.iter_mut().filter(|asked| !asked.is_done).collect();
            if open.is_empty() {
                return Ok(Some(asked));
            }
            for part in open.chunks_mut(together) {
                let queries = part.iter().map(|asked| asked.next(limits)).collect();
                let lists = self.batch(kept, queries).await?;
                for (asked, list) in part.iter_mut().zip(lists) {
                    let taken = asked.take(list.result, limits, unseen);
                    if !taken.map_err(|why| self.store.unreadable(&why))? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    async fn batch(
        &self,
        kept: &LimitedClient,
        queries: Vec<QueryPoints>,
    ) -> Result<Vec<BatchResult>, BackendError> {
        let count = queries.len();
        let batch = QueryBatchPoints {
            collection_name: kept.target.clone(),
            query_points: queries,
            ..QueryBatchPoints::default()
        };
        let answer = kept.link.ask(|client| {
            let batch = batch.clone();
            async move { client.query_batch(batch).await }
        });
        let answer = self.found(answer.await).await?.ok_or_else(|| self.missing())?;
        if answer.result.len() != count {
            return Err(self
                .store
                .error(Fault::Permanent, "the answer of the server does not fit the request"));
        }
        Ok(answer.result)
    }

    /// Exact number of chunks.
    pub(super) async fn count_without(&self, unseen: &HiddenChunks) -> Result<u64, BackendError> {
        self.count(Filter::must([wire::record(CHUNK)]), unseen).await
    }

    /// Exact number of visible points that pass: by the server if it may count exactly.
    pub(super) async fn count(
        &self,
        filter: Filter,
        unseen: &HiddenChunks,
    ) -> Result<u64, BackendError> {
        let kept = &self.kept();
        let filter = &filter;
        kept.ask(|limits| async move {
            let mut seen = filter.clone();
            seen.must_not.extend(unseen.conditions());
            match limits.fit(seen).ok().filter(|_| limits.exact) {
                Some(seen) => self.counted(kept, seen).await,
                None => self.count_one_by_one(filter.clone(), unseen).await,
            }
        })
        .await
    }

    async fn counted(&self, kept: &LimitedClient, filter: Filter) -> Result<u64, BackendError> {
        let request = CountPoints {
            collection_name: kept.target.clone(),
            filter: Some(filter),
            exact: Some(true),
            ..CountPoints::default()
        };
        let answer = kept.link.ask(|client| {
            let request = request.clone();
            async move { client.count(request).await }
        });
        let counted = self.found(answer.await).await?.and_then(|answer| answer.result);
        Ok(counted.map_or(0, |result| result.count))
    }

    async fn count_one_by_one(
        &self,
        filter: Filter,
        unseen: &HiddenChunks,
    ) -> Result<u64, BackendError> {
        let mut count = 0;
        self.scroll_now(filter, vec!["source"].into(), false.into(), |point| {
            count += u64::from(!is_hidden(point, unseen));
            Ok(())
        })
        .await?;
        Ok(count)
    }
}

fn is_hidden(point: RetrievedPoint, unseen: &HiddenChunks) -> bool {
    let source = point.payload.get("source").and_then(|source| source.as_str());
    let id = point.id.and_then(|id| wire::uuid(id).ok());
    source.zip(id).is_some_and(|(source, id)| unseen.hides(source, &id))
}

/// The queries of a search within the limits: each leg that has something to search, once, or once for each
/// part of the documents where all of them take too many conditions; then one for the weight of each term.
fn asked(
    collection: &str,
    request: &SearchRequest,
    unseen: &HiddenChunks,
    only_chunks: bool,
    limits: StrictLimits,
) -> Result<Vec<Asked>, Shortfall> {
    let dense = request.dense.clone().map(|data| Variant::Dense(DenseVector { data }));
    let sparse = request.sparse.clone().filter(|vector| !vector.indices.is_empty());
    let sparse = sparse.map(|vector| Variant::Sparse(wire::sparse_vector(vector)));
    let dense = dense.map(|variant| (Of::Dense, wire::leg(collection, DENSE, variant)));
    let sparse = sparse.map(|variant| (Of::Sparse, wire::leg(collection, SPARSE, variant)));
    let mut asked = Vec::new();
    let (filters, sorted_out) = filters(&request.filter, unseen, only_chunks, limits)?;
    for (of, leg) in dense.into_iter().chain(sparse) {
        for filter in &filters {
            let query = QueryPoints {
                filter: filter.clone(),
                score_threshold: request.min_score,
                ..leg.clone()
            };
            asked.push(Asked::new(of, query, request.limit, sorted_out));
        }
    }
    if !asked.is_empty() {
        let terms = request.idf_of.iter();
        let of = |&term| Asked::new(Of::Idf(term), wire::most_of(collection, term), 1, false);
        asked.extend(terms.map(of));
    }
    Ok(asked)
}

/// Filters of which a chunk passes one, and whether hidden chunks pass as well.
fn filters(
    filter: &types::Filter,
    unseen: &HiddenChunks,
    only_chunks: bool,
    limits: StrictLimits,
) -> Result<(Vec<Option<Filter>>, bool), Shortfall> {
    let passing = |filter: &types::Filter| {
        let only_chunks = only_chunks.then(|| wire::record(CHUNK));
        Filter::must(wire::conditions(filter).into_iter().chain(only_chunks))
    };
    let some = |filter: Filter| (conditions_in(&filter) > 0).then_some(filter);
    let all = passing(filter);
    let seen = Filter { must_not: unseen.conditions(), ..all.clone() };
    if let Ok(seen) = limits.fit(seen) {
        return Ok((vec![some(seen)], false));
    }
    match (limits.fit(all), &filter.sources) {
        (Ok(all), _) => Ok((vec![some(all)], true)),
        (Err(_), Some(sources)) => {
            let besides = passing(&types::Filter { sources: None, ..filter.clone() });
            let parts = limits.parts(sources, conditions_in(&besides))?;
            let part = |part: &[String]| {
                let part = types::Filter { sources: Some(part.to_vec()), ..filter.clone() };
                limits.fit(passing(&part)).map(Some)
            };
            Ok((parts.map(part).collect::<Result<_, _>>()?, true))
        }
        (Err(short), None) => Err(short),
    }
}

/// Combines the answers of a search. The queries of one leg cover different documents.
fn together(asked: Vec<Asked>, limit: usize) -> Legs {
    let mut legs = Legs::default();
    let (mut of_dense, mut of_sparse) = (0, 0);
    for asked in asked {
        let (leg, queries) = match asked.of {
            Of::Dense => (&mut legs.dense, &mut of_dense),
            Of::Sparse => (&mut legs.sparse, &mut of_sparse),
            Of::Idf(term) => {
                legs.idf.extend(asked.idf.map(|idf| (term, idf)));
                continue;
            }
        };
        *queries += 1;
        for (hit, chunk) in asked.hits {
            legs.chunks.insert(hit.id, chunk);
            leg.push(hit);
        }
    }
    for (leg, queries) in [(&mut legs.dense, of_dense), (&mut legs.sparse, of_sparse)] {
        if queries > 1 {
            leg.sort_by(|a, b| b.score.total_cmp(&a.score));
            leg.truncate(limit);
        }
    }
    legs
}
