//! What every answer says of itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, AskedCollection, trace_id};
use crate::output::{CitationJson, Nearest, NoAnswerReason, WarningJson};

/// What every answer says of itself, beside its text: the value of the key `docent`.
#[derive(Serialize, JsonSchema)]
pub(in crate::serve) struct AnswerDetails {
    pub(in crate::serve) answer_id: String,
    /// Of W3C Trace Context: that of the request.
    pub(in crate::serve) trace_id: Option<String>,
    #[serde(flatten)]
    pub(in crate::serve) asked: AskedCollection,
    /// The model that answered; `extractive` where the answer is quoted.
    pub(in crate::serve) model: String,
    pub(in crate::serve) no_answer: bool,
    pub(in crate::serve) no_answer_reason: Option<NoAnswerReason>,
    /// One for each passage that is cited, in the order of first mention.
    pub(in crate::serve) citations: Vec<LinkedCitation>,
    pub(in crate::serve) invalid_citations: Vec<u32>,
    pub(in crate::serve) uncited_sentences: Vec<String>,
    pub(in crate::serve) warnings: Vec<WarningJson>,
    /// What came nearest, where there is no answer.
    pub(in crate::serve) nearest: Vec<Nearest>,
    /// It was cut short.
    pub(in crate::serve) incomplete: bool,
    /// The passages were retrieved for somebody who asked the same.
    pub(in crate::serve) cached: bool,
    pub(in crate::serve) retrieved_ms: u64,
    pub(in crate::serve) first_token_ms: Option<u64>,
    pub(in crate::serve) elapsed_ms: u64,
    /// Where citations are required to bear the answer out: why they do not.
    pub(in crate::serve) objections: Vec<String>,
    /// What was sent and has no effect here.
    pub(in crate::serve) ignored: Vec<String>,
}

/// A citation that can be opened.
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
