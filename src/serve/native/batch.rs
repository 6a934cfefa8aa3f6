//! `POST /v1/docent/batch`: many questions, with a line of JSON for each as it is answered.
//!
//! The body is what `docent query --batch` takes: JSON Lines, each a question or an object with `question`
//! and `id`. The whole batch counts as one question at a time.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde_json::Value;

use crate::error::Exit;
use crate::http::{context, with_trace_context};
use crate::output::{AnswerJson, BatchRow, Versioned};
use crate::serve::access::Scoped;
use crate::serve::answering::{self, CallerQuestion, checked_question};
use crate::serve::call::AdmittedRequest;
use crate::serve::native::CollectionQuery;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::query;
use crate::service::questions::{self, QuestionRow};

/// Most questions of one request.
const MOST: usize = 10_000;

/// The form of a line. Lines are read one by one, so that an invalid one is reported in its own row.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "`docent query --batch` reads the lines, and passes over other members"
)]
enum BatchLine {
    Question(String),
    Row {
        question: String,
        /// Unique in the batch; by default the number of the line.
        #[serde(default)]
        id: Option<Value>,
    },
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("batch", "Many questions, a line for each as it is answered")
        .asks::<CollectionQuery>()
        .takes_lines::<BatchLine>()
        .answers_lines::<Versioned<BatchRow>>()
}

pub(in crate::serve) fn batch(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let asked: CollectionQuery = query(&call.query)?;
    let scoped = call.caller.open(asked.collection.as_deref())?;
    let text = std::str::from_utf8(&call.body).map_err(|error| {
        RequestRefusal::invalid("", format!("the body is not UTF-8: {error}"))
            .hint(questions::EXAMPLE)
    })?;
    let rows = questions::rows(text);
    if rows.is_empty() {
        return Err(
            RequestRefusal::invalid("", "the body has no questions").hint(questions::EXAMPLE)
        );
    }
    if let Some((id, line)) = questions::same_id(&rows) {
        let message = format!("line {line} has the id {id} of another line");
        return Err(RequestRefusal::invalid("id", message)
            .hint("give each question an id of its own, so that answers can be told apart"));
    }
    if rows.len() > MOST {
        return Err(RequestRefusal::invalid(
            "",
            format!("the body has more than {MOST} questions"),
        )
        .hint("send them in several requests"));
    }
    let at_once = scoped.engine().context.settings.chat.concurrency;
    let asked = std::sync::Arc::new((call, scoped));
    let lines = stream::iter(rows).map(move |row| {
        let asked = std::sync::Arc::clone(&asked);
        async move {
            let line = line(&asked.0, &asked.1, row);
            // Each answer has a span of its own.
            match context() {
                Some(context) => with_trace_context(context.child(), line).await,
                None => line.await,
            }
        }
    });
    let lines = lines.buffer_unordered(at_once).map(|line| Ok::<_, Infallible>(Bytes::from(line)));
    let mut response = Response::new(Body::from_stream(lines));
    let kind = HeaderValue::from_static("application/jsonl");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

async fn line(
    call: &AdmittedRequest,
    scoped: &Scoped,
    QuestionRow { id, question, .. }: QuestionRow,
) -> String {
    let row = match question {
        Ok(text) => answered(call, scoped, id, &text).await,
        Err(failure) => BatchRow::new(id, None, &Err(failure)),
    };
    let text = serde_json::to_string(&Versioned::new(row));
    text.unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")) + "\n"
}

async fn answered(call: &AdmittedRequest, scoped: &Scoped, id: Value, text: &str) -> BatchRow {
    let failed = |id, refusal: RequestRefusal, exit| {
        BatchRow::new(id, None, &Err(refusal.into_failure(exit)))
    };
    let text = match checked_question(text, "question") {
        Ok(text) => text,
        Err(refusal) => return failed(id, refusal, Exit::Usage),
    };
    let question = CallerQuestion { text, ..CallerQuestion::default() };
    let (caller, server, notes) = (&call.caller, &call.server, &call.notes);
    match answering::answer(scoped, caller, server, notes, &question, &mut drop).await {
        Ok(answered) => {
            let outcome = match answered.objection {
                Some(objection) => Err(objection),
                None if answered.answer.no_answer.is_some() => Ok(Exit::Negative),
                None => Ok(Exit::Done),
            };
            let json = AnswerJson::new(&question.text, &answered.answer, false);
            BatchRow::new(id, Some(json), &outcome)
        }
        Err(mut refusal) => {
            notes.keep_inner(&mut refusal, server.access.needs_keys());
            failed(id, refusal, Exit::Backend)
        }
    }
}
