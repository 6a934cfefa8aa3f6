//! `POST /v1/vector_stores/{id}/search`.

use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::attributes;
use super::files::file_id;
use super::{Details, opened};
use crate::query::rewrite::Queries;
use crate::serve::answering::checked_question;
use crate::serve::call::Call;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openai::file_search::{RankingOptions, results};
use crate::serve::openai::{filters, named_ignored, split};
use crate::serve::refusal::Refusal;
use crate::serve::request::{object, typed};
use crate::serve::retrieval::Searched;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::types::{Kind, Locator};

const KNOWN: [&str; 5] =
    ["query", "max_num_results", "filters", "ranking_options", "rewrite_query"];

/// Results, unless the request says.
const USUAL: usize = 10;

/// Queries of one request, at most.
const MOST_QUERIES: usize = 8;

#[derive(Deserialize)]
struct SearchRequest {
    query: Asked,
    max_num_results: Option<usize>,
    filters: Option<Value>,
    ranking_options: Option<RankingOptions>,
    rewrite_query: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    One(String),
    Several(Vec<String>),
}

pub(in crate::serve) async fn search(call: Call) -> Result<Response, Refusal> {
    let (members, mut ignored) = split(object(&call.body)?, &KNOWN);
    let request: SearchRequest = typed(members)?;
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    let queries = queries(request.query)?;
    let k = results("", request.max_num_results)?.unwrap_or(USUAL);
    let min_score = match request.ranking_options {
        Some(ranking) => ranking.min_score("ranking_options.", &mut ignored)?,
        None => None,
    };
    let filter = match request.filters {
        Some(filters) => filters::read(&filters, "filters")?,
        None => DocumentFilter::default(),
    };
    if request.rewrite_query == Some(true) {
        // It asks the chat model, which not every key may.
        ignored.push("rewrite_query".to_owned());
    }
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.question = Some(queries.join("\n"));
    });
    let overrides = RetrievalOverrides { k: Some(k), min_score, mode: None };
    let queries = Queries { queries, ..Queries::default() };
    let searched = scoped.search(&queries, filter, overrides).await?;
    searched.note(&call.notes);
    let Searched { asked, hits, cached, .. } = searched;
    let links = Links::new(&call.server, &call.headers);
    let data = hits.iter().map(|hit| {
        let found = Found {
            collection: &scoped.name,
            source: &hit.chunk.source,
            locator: hit.chunk.locator,
            kind: Some(hit.chunk.kind),
            tags: &hit.chunk.tags,
            score: hit.score,
        };
        let mut result = found.result(&links);
        result["content"] = json!([{ "type": "text", "text": hit.chunk.text }]);
        result
    });
    let mut details = json!(Details { asked, ignored: ignored.clone() });
    details["cached"] = cached.into();
    let page = json!({
        "object": "vector_store.search_results.page",
        "search_query": queries.queries,
        "data": data.collect::<Vec<_>>(),
        "has_more": false,
        "next_page": null,
        "docent": details,
    });
    Ok(named_ignored(native::json(&page), &ignored))
}

fn queries(asked: Asked) -> Result<Vec<String>, Refusal> {
    let asked = match asked {
        Asked::One(query) => vec![query],
        Asked::Several(queries) => queries,
    };
    if asked.is_empty() || asked.len() > MOST_QUERIES {
        return Err(Refusal::invalid("query", format!("`query` has 1 to {MOST_QUERIES} texts")));
    }
    asked.iter().map(|query| checked_question(query, "query")).collect()
}

/// A place in a document that was found.
pub(in crate::serve::openai) struct Found<'a> {
    pub(in crate::serve::openai) collection: &'a str,
    pub(in crate::serve::openai) source: &'a str,
    pub(in crate::serve::openai) locator: Locator,
    pub(in crate::serve::openai) kind: Option<Kind>,
    pub(in crate::serve::openai) tags: &'a [String],
    pub(in crate::serve::openai) score: f32,
}

impl Found<'_> {
    /// What results say of it, but for its text.
    pub(in crate::serve::openai) fn result(&self, links: &Links) -> Value {
        let place = self.locator.cite("");
        let place = place.trim_start_matches([':', '#']).to_owned();
        let url = links.to(self.collection, self.source, self.locator);
        json!({
            "file_id": file_id(self.collection, self.source),
            "filename": self.source,
            // What compares words alone has other scores.
            "score": self.score.clamp(0.0, 1.0),
            "attributes": attributes(self.kind, [("place", place), ("url", url)], self.tags),
        })
    }
}
