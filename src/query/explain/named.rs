//! How much the name of a document adds to the score of its hits.

use crate::embed::sparse::SparseEncoder;
use crate::error::BackendError;
use crate::query::Retriever;
use crate::query::rewrite::Queries;
use crate::query::subject::subject;
use crate::store::SearchRequest;
use crate::types::{Hit, SparseVector};

/// The part of each hit's BM25 score that comes from the words of its document's name. If there are several
/// queries, the first counts.
pub async fn name_scores(
    retriever: &Retriever,
    queries: &Queries,
    hits: &[Hit],
) -> Result<Vec<f32>, BackendError> {
    let sparse = &retriever.sparse;
    let asked = queries.queries.first().map(|query| sparse.query(subject(query)));
    let Some(asked) = asked.filter(|asked| !asked.indices.is_empty()) else {
        return Ok(vec![0.0; hits.len()]);
    };
    let mut idf_of = asked.indices.clone();
    idf_of.sort_unstable();
    let request =
        SearchRequest { sparse: Some(asked), idf_of, limit: 1, ..SearchRequest::default() };
    let idf = retriever.reader.search(request).await?.idf;
    let score = |vector: SparseVector| -> f32 {
        let terms = vector.indices.iter().zip(vector.values);
        terms.filter_map(|(term, weight)| Some(idf.get(term)? * weight)).sum()
    };
    Ok(hits.iter().map(|hit| of_name(sparse, hit, &score)).collect())
}

/// The part for one hit, in the language of the question that gives the most.
fn of_name(sparse: &SparseEncoder, hit: &Hit, score: &dyn Fn(SparseVector) -> f32) -> f32 {
    if hit.sparse.is_none() {
        return 0.0;
    }
    let text = hit.chunk.embedded();
    let gain = |language: &str| {
        let language = Some(language);
        let name = sparse.name(&hit.chunk.source, language);
        let named = sparse.passage(&text, language, &name);
        score(named) - score(sparse.document(&text, language))
    };
    sparse.languages().map(gain).fold(0.0, f32::max)
}
