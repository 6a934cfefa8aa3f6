//! The wire of `OpenAI`'s clients. They send many parameters that nobody asked for, so those without effect
//! are accepted, and named in the answer.

pub(super) mod chat;
mod direct;
mod draft;
pub(super) mod embeddings;
mod file_search;
mod filters;
mod messages;
pub(super) mod models;
mod passthrough;
mod request_parts;
pub(super) mod rerank;
pub(super) mod responses;
pub(super) mod stores;

use axum::response::Response;
use http::HeaderName;
use http::header::HeaderValue;
use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::access::{Caller, Scoped};
use super::answering::{AnswerDetails, Answered};
use super::links::Links;
use super::refusal::{ErrorCode, RequestRefusal};
use super::request::members_of;
use crate::chat::SamplingOptions;
use crate::output::CitationJson;

/// Prefix of the model ids of this server.
const PREFIX: &str = "docent/";

/// The id of the model that answers from a collection.
fn model_id(collection: &str) -> String {
    format!("{PREFIX}{collection}")
}

/// The collection that a model id names: `docent/NAME`, or `docent` for the default one.
///
/// # Errors
/// The id names no collection that the caller may see.
fn open_model(caller: &Caller, model: &str) -> Result<Scoped, RequestRefusal> {
    let named = match model.strip_prefix(PREFIX) {
        Some(name) => Some(name),
        None if model == PREFIX.trim_end_matches('/') => None,
        None => return Err(no_model(caller, model)),
    };
    caller.open(named).map_err(|_| no_model(caller, model))
}

fn no_model(caller: &Caller, model: &str) -> RequestRefusal {
    let known: Vec<String> = caller.collections().map(model_id).collect();
    RequestRefusal {
        param: "model".into(),
        ..RequestRefusal::not_found(
            ErrorCode::ModelNotFound,
            format!("there is no model `{model}`"),
        )
    }
    .hint(match known.as_slice() {
        [] => "this key has access to none of the served collections".to_owned(),
        known => format!("the models are: {}", known.join(", ")),
    })
}

/// Takes the members of a type out of a request, and returns the names of all others, in order.
fn split<T: JsonSchema + 'static>(
    mut members: Map<String, Value>,
) -> (Map<String, Value>, Vec<String>) {
    let known = members_of::<T>();
    let mut others = Vec::new();
    members.retain(|name, value| {
        let is_known = known.contains(name);
        // Null means that the member was not set.
        if !is_known && !value.is_null() {
            others.push(name.clone());
        }
        is_known
    });
    (members, others)
}

const IGNORED: HeaderName = HeaderName::from_static("docent-ignored");

/// Proxies refuse longer headers.
const LONGEST_HEADER: usize = 2_000;

/// The same response, with a header that names the parameters without effect.
fn named_ignored(mut response: Response, ignored: &[String]) -> Response {
    let named = ignored.join(", ");
    // The names come from the caller, and not all of them are valid in a header.
    if let Some(named) =
        HeaderValue::from_str(&named).ok().filter(|_| (1..=LONGEST_HEADER).contains(&named.len()))
    {
        response.headers_mut().insert(IGNORED, named);
    }
    response
}

/// docent's details of an answer.
fn details(answered: &Answered, links: &Links, ignored: Vec<String>) -> AnswerDetails {
    let collection = &answered.asked.collection;
    let link = |citation: &CitationJson| links.to(collection, &citation.source, citation.locator);
    AnswerDetails::new(answered, &link, ignored)
}

/// Seconds since 1970, as in `OpenAI`'s objects.
fn unix_now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// The sampling parameters for the model, if one answers; `max_tokens` may have either of its names. If
/// answers are quoted they have no effect, which is added to `ignored`.
fn sampling(
    scoped: &Scoped,
    temperature: Option<f32>,
    (name, max_tokens): (&'static str, Option<u32>),
    ignored: &mut Vec<String>,
) -> SamplingOptions {
    if scoped.engine().context.quotes() {
        ignored.extend(temperature.map(|_| "temperature".to_owned()));
        ignored.extend(max_tokens.map(|_| name.to_owned()));
        return SamplingOptions::default();
    }
    SamplingOptions { temperature, max_tokens }
}
