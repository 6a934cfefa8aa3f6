//! `POST /v1/vector_stores/{id}/search`.

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::attributes::attributes;
use super::ids::{file_id, filename};
use super::{StoreDetails, TextContent, opened};
use crate::query::rewrite::Queries;
use crate::serve::answering::{LONGEST_QUESTION, NOT_BLANK, checked_question};
use crate::serve::call::AdmittedRequest;
use crate::serve::links::Links;
use crate::serve::native;
use crate::serve::openai::file_search::{MOST_RESULTS, RankingOptions};
use crate::serve::openai::filters::{self, AttributeFilter};
use crate::serve::openai::{named_ignored, split};
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::{object, typed};
use crate::serve::retrieval::SearchOutcome;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};
use crate::types::{DocumentKind, Locator};

/// Results by default.
const USUAL: usize = 10;

/// Most queries of one request.
const MOST_QUERIES: usize = 8;

/// A search in a vector store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreSearchRequest")]
struct SearchRequest {
    query: Asked,
    /// By default 10.
    #[schemars(range(min = 1, max = "MOST_RESULTS"))]
    max_num_results: Option<usize>,
    filters: Option<AttributeFilter>,
    ranking_options: Option<RankingOptions>,
    /// Without effect.
    rewrite_query: Option<bool>,
}

/// One text, or several, whose rankings are fused.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "VectorStoreQuery")]
#[serde(untagged)]
enum Asked {
    One(#[schemars(regex = "NOT_BLANK", length(max = "LONGEST_QUESTION"))] String),
    Several(#[schemars(length(min = 1, max = "MOST_QUERIES"))] Vec<String>),
}

/// The results of a search in a vector store, best first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreSearchResults")]
struct SearchPage {
    /// `vector_store.search_results.page`.
    object: &'static str,
    search_query: Vec<String>,
    data: Vec<SearchResult>,
    has_more: bool,
    next_page: (),
    docent: SearchDetails,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreSearchResult")]
struct SearchResult {
    #[serde(flatten)]
    found: FoundResult,
    /// One text.
    content: Vec<TextContent>,
}

/// What docent adds to the results.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VectorStoreSearchDetails")]
struct SearchDetails {
    #[serde(flatten)]
    details: StoreDetails,
    /// Whether the results came from the cache.
    cached: bool,
}

/// A place in a document that was found.
#[derive(Serialize, JsonSchema, Clone)]
pub(in crate::serve::openai) struct FoundResult {
    file_id: String,
    filename: String,
    /// 0 to 1.
    score: f32,
    /// `kind`, `place`, `url`, and `tag.NAME` for each tag.
    attributes: Map<String, Value>,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("searchVectorStore", "Passages of a collection, as OpenAI searches a vector store")
        .takes::<SearchRequest>()
        .answers::<SearchPage>()
        .names_ignored()
}

pub(in crate::serve) async fn search(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let (members, mut ignored) = split::<SearchRequest>(object(&call.body)?);
    let request: SearchRequest = typed(members)?;
    let scoped = opened(&call.caller, call.param("id"), "vector_store_id")?;
    let queries = queries(request.query)?;
    let k = request.max_num_results.unwrap_or(USUAL);
    let ranking = request.ranking_options;
    let min_score = ranking.and_then(|it| it.min_score("ranking_options.", &mut ignored));
    let filter = match request.filters {
        Some(filters) => filters::read(filters, "filters")?,
        None => DocumentFilter::default(),
    };
    if request.rewrite_query == Some(true) {
        // Rewriting asks the chat model, which not every key may.
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
    let SearchOutcome { asked, hits, cached, .. } = searched;
    let links = Links::new(&call.server, &call.caller, &call.headers);
    let data = hits.iter().map(|hit| {
        let found = FoundPlace {
            collection: &scoped.name,
            source: &hit.chunk.source,
            locator: hit.chunk.locator,
            kind: Some(hit.chunk.kind),
            tags: &hit.chunk.tags,
            score: hit.score,
        };
        SearchResult {
            found: found.result(&links),
            content: vec![TextContent::of(hit.chunk.text.clone())],
        }
    });
    let page = SearchPage {
        object: "vector_store.search_results.page",
        data: data.collect(),
        search_query: queries.queries,
        has_more: false,
        next_page: (),
        docent: SearchDetails { details: StoreDetails { asked, ignored: ignored.clone() }, cached },
    };
    Ok(named_ignored(native::json(&page), &ignored))
}

fn queries(asked: Asked) -> Result<Vec<String>, RequestRefusal> {
    let asked = match asked {
        Asked::One(query) => vec![query],
        Asked::Several(queries) => queries,
    };
    asked.iter().map(|query| checked_question(query, "query")).collect()
}

/// A place in a document that was found.
pub(in crate::serve::openai) struct FoundPlace<'a> {
    pub(in crate::serve::openai) collection: &'a str,
    pub(in crate::serve::openai) source: &'a str,
    pub(in crate::serve::openai) locator: Locator,
    pub(in crate::serve::openai) kind: Option<DocumentKind>,
    pub(in crate::serve::openai) tags: &'a [String],
    pub(in crate::serve::openai) score: f32,
}

impl FoundPlace<'_> {
    /// The members of a result, except its text.
    pub(in crate::serve::openai) fn result(&self, links: &Links) -> FoundResult {
        let place = self.locator.cite("");
        let place = place.trim_start_matches([':', '#']).to_owned();
        let url = links.to(self.collection, self.source, self.locator);
        FoundResult {
            file_id: file_id(self.collection, self.source),
            filename: filename(self.source).to_owned(),
            // Scores by words alone may be above 1.
            score: self.score.clamp(0.0, 1.0),
            attributes: attributes(self.kind, [("place", place), ("url", url)], self.tags),
        }
    }
}
