//! `POST /v1/docent/explain`: why these passages, and why that one not.

use std::time::Instant;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::{RETRIEVAL_FIELDS, RetrievalFields, json};
use crate::output::Versioned;
use crate::output::explain::{ExplainJson, Explained};
use crate::serve::answering::checked_question;
use crate::serve::call::Call;
use crate::serve::refusal::Refusal;
use crate::serve::request::strict;
use crate::service::answering::Ask;

#[derive(Deserialize)]
struct ExplainRequest {
    question: String,
    collection: Option<String>,
    /// A document that should be among the passages, or a place in it.
    expect: Option<String>,
    #[serde(flatten)]
    retrieval: RetrievalFields,
}

pub(in crate::serve) async fn explain(call: Call) -> Result<Response, Refusal> {
    let known: Vec<&str> =
        ["question", "collection", "expect"].into_iter().chain(RETRIEVAL_FIELDS).collect();
    let asked: ExplainRequest = strict(&call.body, &known)?;
    let question = checked_question(&asked.question, "question")?;
    let (filter, overrides) = asked.retrieval.read()?;
    let scoped = call.caller.open(asked.collection.as_deref())?;
    // Why a document is not found tells of it that it is there.
    if asked.expect.is_some() && !scoped.is_whole() {
        let message = "this key sees a part of the collection, and may not ask what else there is";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "missing_right", message);
        return Err(Refusal { param: "expect".into(), ..refusal });
    }
    call.notes.note(|notes| {
        notes.collection = Some(scoped.name.clone());
        notes.question = Some(question.clone());
    });
    let started = Instant::now();
    let engine = scoped.engine();
    let filter = scoped.filter(filter);
    let ask = Ask { overrides, ..Ask::new(&question, &filter, &[]) };
    let prepared = engine.prepare(ask, &call.server.abandoned, &mut drop).await?;
    let sought = match &asked.expect {
        Some(typed) => Some(engine.seek(typed, &question, &prepared).await?),
        None => None,
    };
    let explained = Explained {
        question: &question,
        mode: prepared.options.retrieve.mode,
        max_tokens: prepared.options.pack.max_tokens,
        k: prepared.options.pack.max_chunks,
        prepared: &prepared.prepared,
        sought: sought.as_ref(),
        elapsed_ms: started.elapsed().as_millis() as u64,
        root: &engine.context.root,
    };
    Ok(json(&Versioned::new(ExplainJson::new(&explained))))
}
