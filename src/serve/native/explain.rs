//! `POST /v1/docent/explain`: why these passages were found, and why an expected one was not.

use std::time::Instant;

use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{RetrievalFields, json};
use crate::output::Versioned;
use crate::output::explain::{ExplainJson, Explained};
use crate::serve::answering::{LONGEST_QUESTION, NOT_BLANK, checked_question, sources};
use crate::serve::call::AdmittedRequest;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::{ErrorCode, RequestRefusal};
use crate::serve::request::read;
use crate::service::answering::AskOptions;

/// A question, and what should have been found for it.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ExplainRequest {
    #[schemars(regex = "NOT_BLANK", length(max = "LONGEST_QUESTION"))]
    question: String,
    /// Unless given, the default collection.
    collection: Option<String>,
    /// A document that should be among the passages, or a place in it.
    expect: Option<String>,
    #[serde(flatten)]
    retrieval: RetrievalFields,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("explain", "Why these passages were found, and why an expected document was not")
        .takes::<ExplainRequest>()
        .answers::<Versioned<ExplainJson>>()
}

pub(in crate::serve) async fn explain(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let asked: ExplainRequest = read(&call.body)?;
    let question = checked_question(&asked.question, "question")?;
    let (filter, overrides) = asked.retrieval.read();
    let scoped = call.caller.open(asked.collection.as_deref())?;
    // The reason why a document is not found would reveal that it exists.
    if asked.expect.is_some() && !scoped.is_whole() {
        let message =
            "this key sees only a part of the collection, and may not ask about other documents";
        let refusal = RequestRefusal::new(StatusCode::FORBIDDEN, ErrorCode::MissingRight, message);
        return Err(RequestRefusal { param: "expect".into(), ..refusal }.hint("leave `expect` out"));
    }
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.question = Some(question.clone());
    });
    let started = Instant::now();
    let engine = scoped.engine();
    let filter = scoped.filter(filter);
    let ask = AskOptions { overrides, ..AskOptions::new(&question, &filter, &[]) };
    let prepared = engine.prepare(ask, &call.server.abandoned, &mut drop).await?;
    let shown = prepared.prepared.hits.iter().map(|hit| &*hit.chunk.source);
    call.notes.note(|notes| notes.documents = sources(shown));
    let sought = match &asked.expect {
        Some(typed) => Some(engine.seek(typed, &question, &prepared).await?),
        None => None,
    };
    let names = engine.name_scores(&prepared).await?;
    let explained = Explained {
        question: &question,
        mode: prepared.options.retrieve.mode,
        max_tokens: prepared.options.pack.max_tokens,
        k: prepared.options.pack.max_chunks,
        prepared: &prepared.prepared,
        name_scores: &names,
        sought: sought.as_ref(),
        elapsed_ms: started.elapsed().as_millis() as u64,
        root: &engine.context.root,
    };
    Ok(json(&Versioned::new(ExplainJson::new(&explained))))
}
