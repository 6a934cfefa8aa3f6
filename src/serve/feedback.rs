//! Readers' ratings of answers: `POST /v1/docent/feedback`.
//!
//! The server remembers the ids of the latest answers of each key, and what they were made from, but no
//! text. So feedback reaches the trace of its answer, and nobody can rate an answer of another key.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answering::AskedCollection;
use super::call::AdmittedRequest;
use super::native::json;
use super::openapi::ApiOperation;
use super::refusal::{ErrorCode, RequestRefusal};
use super::request::read;
use crate::output::Versioned;
use crate::service::provenance::ReaderFeedback;
use crate::types::TraceContext;

/// Most answers that are remembered for a key.
const MOST: usize = 1_000;

/// Most keys whose answers are remembered: over time the file of keys may have any number.
const MOST_KEYS: usize = 10_000;

/// Most bytes of a comment.
const LONGEST_COMMENT: usize = 4_000;

/// The latest answers, by the id of the key; the id is empty if no key is needed.
#[derive(Default)]
pub(super) struct RecentAnswers(Mutex<HashMap<String, VecDeque<RecentAnswer>>>);

#[derive(Clone)]
pub(super) struct RecentAnswer {
    pub(super) id: Uuid,
    pub(super) asked: AskedCollection,
    pub(super) context: Option<TraceContext>,
    /// The answer was rated before.
    pub(super) is_rated: bool,
}

impl RecentAnswers {
    pub(super) fn add(&self, key: &str, answer: RecentAnswer) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST_KEYS && !answers.contains_key(key) {
            answers.clear();
        }
        let of_key = answers.entry(key.to_owned()).or_default();
        if of_key.len() == MOST {
            of_key.pop_front();
        }
        of_key.push_back(answer);
    }

    /// Marks the answer of this id as rated, and returns it as it was before.
    fn rate(&self, key: &str, id: Uuid) -> Option<RecentAnswer> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.get_mut(key)?.iter_mut().find(|answer| answer.id == id)?;
        let before = found.clone();
        found.is_rated = true;
        Some(before)
    }
}

/// A reader's rating of an answer.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FeedbackRequest {
    /// `docent.answer_id` of the answer.
    answer_id: String,
    /// From 0 (useless) to 1 (right).
    #[schemars(range(min = 0.0, max = 1.0))]
    score: f64,
    /// At most 4,000 bytes; kept if the server was started with `--audit-content`.
    comment: Option<String>,
}

/// The rating that was recorded.
#[derive(Serialize, JsonSchema)]
struct FeedbackResponse {
    answer_id: String,
    #[serde(flatten)]
    asked: AskedCollection,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    /// Whether the comment is kept (`--audit-content`).
    comment_kept: bool,
}

pub(super) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("giveFeedback", "Rates an answer")
        .takes::<FeedbackRequest>()
        .answers::<Versioned<FeedbackResponse>>()
}

pub(super) async fn feedback(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let FeedbackRequest { answer_id, score, comment } = read(&call.body)?;
    if comment.as_ref().is_some_and(|comment| comment.len() > LONGEST_COMMENT) {
        let problem = format!("`comment` has more than {LONGEST_COMMENT} bytes");
        return Err(RequestRefusal::invalid("comment", problem).hint("shorten it"));
    }
    let observers = &call.server.observers;
    let id = answer_id.parse::<Uuid>().ok();
    let answer = id.and_then(|id| observers.answers.rate(call.caller.key_id(), id));
    let Some(answer) = answer else {
        let mut refusal = RequestRefusal::not_found(
            ErrorCode::AnswerNotFound,
            format!("there is no answer `{answer_id}` of this key"),
        );
        refusal.param = "answer_id".into();
        return Err(refusal.hint(format!(
            "send `docent.answer_id` of an answer; the server knows the last {MOST} answers of each key since it started"
        )));
    };
    let RecentAnswer { asked, context, is_rated, .. } = answer;
    // Readers who change their rating count once.
    if !is_rated {
        observers.drift.rate(&asked.collection, score);
        observers.metrics.rate(&asked.collection, score);
    }
    let comment_kept = comment.is_some() && call.server.settings.audit_content;
    let kept = comment.filter(|_| comment_kept);
    let scoped = call.caller.open(Some(&asked.collection))?;
    let said =
        ReaderFeedback { id: answer.id, context: context.clone(), score, comment: kept.clone() };
    let warning = scoped.engine().record_feedback(&said).await;
    call.notes.note(|notes| {
        notes.collection = Some(asked.collection.clone());
        notes.version = Some(asked.version);
        notes.generation = asked.generation();
        notes.answer_id = Some(answer_id.clone());
        notes.feedback = Some(score);
        notes.comment = kept;
        notes.warning = warning;
    });
    let trace_id = context.map(|context| context.trace_id);
    Ok(json(&Versioned::new(FeedbackResponse { answer_id, asked, trace_id, comment_kept })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(id: u128) -> RecentAnswer {
        let asked = AskedCollection { collection: "docs".to_owned(), version: 1, generation: None };
        RecentAnswer { id: Uuid::from_u128(id), asked, context: None, is_rated: false }
    }

    #[test]
    fn the_latest_answers_of_each_key_are_known_to_it_alone() {
        let answers = RecentAnswers::default();
        (0..=MOST as u128).for_each(|id| answers.add("a", answer(id)));
        answers.add("b", answer(7_000_000));
        let rate = |key, id| answers.rate(key, Uuid::from_u128(id)).map(|it| it.is_rated);
        assert_eq!(rate("a", 0), None, "too long ago");
        assert_eq!((rate("a", 1), rate("a", 1)), (Some(false), Some(true)));
        assert_eq!(rate("a", 7_000_000), None);
        assert_eq!(rate("b", 7_000_000), Some(false));
        assert_eq!(rate("", 1), None);
    }
}
