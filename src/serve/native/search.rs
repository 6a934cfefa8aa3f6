//! `POST /v1/docent/search`: passages of one or several collections.

use std::time::{Duration, Instant};

use axum::response::Response;
use futures::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RetrievalFields, json};
use crate::error::{Exit, Failure};
use crate::output::{ErrorJson, HitJson, SearchJson, Versioned};
use crate::query::rewrite::Queries;
use crate::serve::access::Scoped;
use crate::serve::answering::{
    AskedCollection, LONGEST_QUESTION, NOT_BLANK, checked_question, sources,
};
use crate::serve::call::AdmittedRequest;
use crate::serve::drift::{DriftMonitor, QuestionSample};
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::read;
use crate::serve::retrieval::SearchOutcome;
use crate::service::retrieval::{DocumentFilter, RetrievalOverrides};

/// A question, and the collections to search.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SearchRequest {
    #[schemars(regex = "NOT_BLANK", length(max = "LONGEST_QUESTION"))]
    question: String,
    /// Unless given, the default collection.
    collection: Option<String>,
    /// Several collections, searched in parallel; replaces `collection`.
    #[schemars(length(min = 1, max = "MOST"))]
    collections: Option<Vec<String>>,
    /// Most milliseconds for each of several collections; by default 10,000.
    #[schemars(range(min = 1, max = "LONGEST_DEADLINE_MS"))]
    deadline_ms: Option<u64>,
    #[serde(flatten)]
    retrieval: RetrievalFields,
}

/// The hits of one collection.
#[derive(Serialize, JsonSchema)]
struct SearchResponse {
    #[serde(flatten)]
    asked: AskedCollection,
    /// Whether the hits came from the cache.
    cached: bool,
    #[serde(flatten)]
    found: SearchJson,
}

/// The hits of several collections by score; scores of different models and modes are hardly comparable.
#[derive(Serialize, JsonSchema)]
struct SpreadResponse {
    question: String,
    collections: Vec<AskedCollection>,
    /// The collections that were not searched, and why.
    failed: Vec<FailedCollection>,
    hits: Vec<HitOf>,
    elapsed_ms: u64,
}

#[derive(Serialize, JsonSchema)]
struct HitOf {
    collection: String,
    #[serde(flatten)]
    hit: HitJson,
}

#[derive(Serialize, JsonSchema)]
struct FailedCollection {
    collection: String,
    error: ErrorJson,
}

/// Default time limit for one of several collections.
const DEADLINE: Duration = Duration::from_secs(10);

/// Most collections of one request.
const MOST: usize = 32;

/// One day; a request always ends before that.
const LONGEST_DEADLINE_MS: u64 = 86_400_000;

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("search", "Passages of one or several collections")
        .says(
            "Several `collections` are asked side by side: those that failed, or took longer than \
            `deadline_ms`, are named in `failed`.",
        )
        .takes::<SearchRequest>()
        .answers::<Versioned<SearchResponse>>()
        .answers::<Versioned<SpreadResponse>>()
}

pub(in crate::serve) async fn search(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let asked: SearchRequest = read(&call.body)?;
    let question = checked_question(&asked.question, "question")?;
    let (filter, overrides) = asked.retrieval.read();
    call.notes.note(|notes| notes.question = Some(question.clone()));
    let search = Search { question, filter, overrides };
    let Some(names) = asked.collections else {
        let scoped = call.caller.open(asked.collection.as_deref())?;
        call.notes.note(|notes| notes.collection = Some(scoped.name.clone()));
        let searched = search.run(&scoped, &call.server.observers.drift).await?;
        searched.note(&call.notes);
        let SearchOutcome { asked, mode, hits, cached, elapsed_ms } = searched;
        let found = SearchJson {
            queries: vec![search.question.clone()],
            question: search.question,
            hypothetical: None,
            mode,
            hits: (1..).zip(&*hits).map(|(rank, hit)| HitJson::new(rank, hit)).collect(),
            elapsed_ms,
        };
        return Ok(json(&Versioned::new(SearchResponse { asked, cached, found })));
    };
    if asked.collection.is_some() {
        return Err(RequestRefusal::invalid(
            "collections",
            "`collection` and `collections` cannot both be given",
        )
        .hint("leave one of them out"));
    }
    let deadline = asked.deadline_ms.map_or(DEADLINE, Duration::from_millis);
    let opened = names.iter().map(|name| call.caller.open(Some(name)));
    let opened = opened.collect::<Result<Vec<_>, _>>()?;
    call.notes.note(|notes| notes.collection = Some(names.join(",")));
    let found = spread(&call, search, &opened, deadline).await;
    call.notes.note(|notes| {
        notes.retrieved_ms = Some(found.elapsed_ms);
        notes.documents = sources(found.hits.iter().map(|hit| &*hit.hit.source));
    });
    Ok(json(&Versioned::new(found)))
}

/// Searches several collections in parallel.
async fn spread(
    call: &AdmittedRequest,
    search: Search,
    collections: &[Scoped],
    deadline: Duration,
) -> SpreadResponse {
    let (started, drift) = (Instant::now(), &call.server.observers.drift);
    let searches = collections.iter().map(|scoped| async {
        match tokio::time::timeout(deadline, search.run(scoped, drift)).await {
            Ok(searched) => searched.map_err(|failure| told(call, failure)),
            Err(_) => Err(Failure::new(
                Exit::Backend,
                format!("it did not answer within {} ms", deadline.as_millis()),
            )
            .hint("give it longer with `deadline_ms`")),
        }
    });
    let (mut asked, mut failed, mut hits) = (Vec::new(), Vec::new(), Vec::new());
    for (scoped, searched) in collections.iter().zip(join_all(searches).await) {
        match searched {
            Ok(searched) => {
                asked.push(searched.asked);
                let found = searched.hits.iter();
                hits.extend(found.map(|hit| (scoped.name.clone(), hit.clone())));
            }
            Err(failure) => failed.push(FailedCollection {
                collection: scoped.name.clone(),
                error: (&failure).into(),
            }),
        }
    }
    hits.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
    let usual = collections.iter().map(|scoped| scoped.engine().context.settings.search.k).max();
    hits.truncate(search.overrides.k.or(usual).unwrap_or_default());
    let hits = (1..).zip(&hits).map(|(rank, (collection, hit))| HitOf {
        collection: collection.clone(),
        hit: HitJson::new(rank, hit),
    });
    SpreadResponse {
        hits: hits.collect(),
        question: search.question,
        collections: asked,
        failed,
        elapsed_ms: started.elapsed().as_millis() as u64,
    }
}

/// A failure without the details that callers with a key may not see.
fn told(call: &AdmittedRequest, failure: Failure) -> Failure {
    let exit = failure.exit;
    let mut refusal = RequestRefusal::from(failure);
    call.notes.keep_inner(&mut refusal, call.server.access.needs_keys());
    refusal.into_failure(exit)
}

struct Search {
    question: String,
    filter: DocumentFilter,
    overrides: RetrievalOverrides,
}

impl Search {
    async fn run(&self, scoped: &Scoped, drift: &DriftMonitor) -> Result<SearchOutcome, Failure> {
        let queries = Queries::of(&self.question);
        let searched = scoped.search(&queries, self.filter.clone(), self.overrides).await?;
        // Scores of other retrieval settings cannot be compared.
        if self.overrides == RetrievalOverrides::default() {
            let k = scoped.engine().context.settings.search.k;
            let observation = QuestionSample::of_search(&self.question, &searched.hits, k);
            drift.observe(&scoped.name, &observation);
        }
        Ok(searched)
    }
}
