//! The details that every answer carries.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, AskedCollection, trace_id};
use crate::output::{CitationJson, Nearest, NoAnswerReason, WarningJson};

/// Details of an answer beside its text: the value of the key `docent`.
#[derive(Serialize, JsonSchema)]
pub(in crate::serve) struct AnswerDetails {
    pub(in crate::serve) answer_id: String,
    /// Trace id of the request (W3C Trace Context).
    pub(in crate::serve) trace_id: Option<String>,
    #[serde(flatten)]
    pub(in crate::serve) asked: AskedCollection,
    /// The model that answered; `extractive` if the answer is quoted.
    pub(in crate::serve) model: String,
    pub(in crate::serve) no_answer: bool,
    pub(in crate::serve) no_answer_reason: Option<NoAnswerReason>,
    /// One for each cited passage, in the order of first mention.
    pub(in crate::serve) citations: Vec<LinkedCitation>,
    pub(in crate::serve) invalid_citations: Vec<u32>,
    pub(in crate::serve) uncited_sentences: Vec<String>,
    pub(in crate::serve) warnings: Vec<WarningJson>,
    /// The nearest passages, if there is no answer.
    pub(in crate::serve) nearest: Vec<Nearest>,
    /// Whether the answer was cut short.
    pub(in crate::serve) incomplete: bool,
    /// Whether the passages came from the cache.
    pub(in crate::serve) cached: bool,
    pub(in crate::serve) retrieved_ms: u64,
    pub(in crate::serve) first_token_ms: Option<u64>,
    pub(in crate::serve) elapsed_ms: u64,
    /// If citations are required to support the answer: why they do not.
    pub(in crate::serve) objections: Vec<String>,
    /// Parameters that were sent and have no effect.
    pub(in crate::serve) ignored: Vec<String>,
}

/// A citation with a URL to open it.
#[derive(Serialize, JsonSchema)]
pub(in crate::serve) struct LinkedCitation {
    pub(in crate::serve) url: String,
    #[serde(flatten)]
    pub(in crate::serve) citation: CitationJson,
}

impl AnswerDetails {
    /// `link` makes the URL of a citation.
    pub(in crate::serve) fn new(
        answered: &Answered,
        link: &dyn Fn(&CitationJson) -> String,
        ignored: Vec<String>,
    ) -> Self {
        let Answered { answer, asked, objection } = answered;
        let milliseconds = |time: Duration| time.as_millis() as u64;
        let citations = answer.citations.citations.iter().map(CitationJson::from);
        Self {
            answer_id: answer.id.to_string(),
            trace_id: trace_id(),
            asked: asked.clone(),
            model: answer.model.clone(),
            no_answer: answer.no_answer.is_some(),
            no_answer_reason: answer.no_answer.map(Into::into),
            citations: citations
                .map(|citation| LinkedCitation { url: link(&citation), citation })
                .collect(),
            invalid_citations: answer.citations.invalid.clone(),
            uncited_sentences: answer.citations.uncited_sentences.clone(),
            warnings: answer.warnings().iter().map(Into::into).collect(),
            nearest: answer.nearest.iter().map(Into::into).collect(),
            incomplete: answer.cut().is_some(),
            cached: answer.cached,
            retrieved_ms: milliseconds(answer.retrieved_in),
            first_token_ms: answer.first_token_in.map(milliseconds),
            elapsed_ms: milliseconds(answer.elapsed),
            objections: objection.as_ref().map(|it| it.causes.clone()).unwrap_or_default(),
            ignored,
        }
    }
}
