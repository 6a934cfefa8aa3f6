//! The JSON that `query` prints.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{ErrorJson, exit_code};
use crate::error::{Exit, Failure};
use crate::query::assessment::{Cut, NoAnswer, Warning};
use crate::query::cite::{Citation, CitationCheck, CitationFinding};
use crate::query::verification::Verification;
use crate::query::{Answer, AnswerEvent};
use crate::types::{Locator, Passage, Usage};

/// The answer to a question.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Answer")]
pub struct AnswerJson {
    /// A UUID, with which `docent trace show` finds the record of the answer.
    pub answer_id: String,
    pub question: String,
    /// What was retrieved with: the question, or how the chat model worded it.
    pub queries: Vec<String>,
    /// The passage that the chat model wrote for dense retrieval, if it wrote one.
    pub hypothetical: Option<String>,
    /// The answer as the model wrote it, with its marks `[n]`; empty where it refused.
    pub answer: String,
    /// Reasoning of the model before the answer; null without `--show-thinking`.
    pub thinking: Option<String>,
    pub no_answer: bool,
    /// Why there is no answer; null where there is one.
    pub no_answer_reason: Option<NoAnswerReason>,
    /// The model that answered; `extractive` where the answer is quoted.
    pub model: String,
    /// One for each cited passage, in the order of first mention.
    pub citations: Vec<CitationJson>,
    /// Cited numbers that are not those of a passage.
    pub invalid_citations: Vec<u32>,
    /// Sentences that cite nothing, and do not inherit a citation.
    pub uncited_sentences: Vec<String>,
    /// What the cited passages do not support, in the order of the answer.
    pub findings: Vec<CitationFinding>,
    /// What the model of `--verify` was asked; null without it.
    pub verification: Option<Verification>,
    /// The passages that the model was given.
    pub passages: Vec<PassageJson>,
    /// The nearest passages, best first, if there is no answer.
    pub nearest: Vec<Nearest>,
    /// Why the model stopped, as the endpoint says it: `stop`, `length`.
    pub finish_reason: Option<String>,
    /// Whether the answer was cut short by a failure, an interrupt, or a limit on its length.
    pub incomplete: bool,
    pub usage: Usage,
    pub retrieved_ms: u64,
    /// Milliseconds from the question to the first token.
    pub first_token_ms: Option<u64>,
    pub elapsed_ms: u64,
}

/// Why there is no answer. Decided by what the model sent and what it cites, not by its wording.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswerReason {
    /// No passage was found, or none with the lowest score that is set.
    NothingFound,
    /// The model gave the agreed refusal.
    Refused,
    /// The model wrote nothing.
    Empty,
    /// The model wrote a text that cites none of the passages.
    Uncited,
}

/// A passage that the answer cites.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Citation")]
pub struct CitationJson {
    /// The number in the mark.
    pub passage: u32,
    pub source: String,
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    #[serde(flatten)]
    pub locator: Locator,
    /// The words of the passage that support the claim: those that the claim quotes, or the sentence
    /// nearest to it, if one is near.
    pub quote: Option<String>,
    /// Whether everything that the passage is cited for was found in it.
    pub verified: bool,
    /// The checks that were made of the claims; empty where no check applies.
    pub checks: Vec<CitationCheck>,
    /// What the passage does not support, and what it says instead: `900 days (the passage says 400
    /// days)`.
    pub unsupported: Vec<String>,
}

/// A passage, as the model was given it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Passage")]
pub struct PassageJson {
    /// The number in marks.
    pub passage: u32,
    #[serde(flatten)]
    pub place: Nearest,
}

/// A retrieved piece of a document.
#[derive(Serialize, JsonSchema)]
pub struct Nearest {
    pub source: String,
    /// Source and place in one: `path:L10-L24`, `path#page=3`.
    pub citation: String,
    /// Title of the document; empty where it has none.
    pub title: String,
    /// Headings above the text, outermost first.
    pub headings: Vec<String>,
    pub text: String,
    pub score: f32,
    /// SHA-256 of the document.
    pub document_hash: String,
    /// Label of the page in the document, if it is not its number: `iv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_label: Option<String>,
    #[serde(flatten)]
    pub locator: Locator,
}

/// A line of `query --format jsonl`. The texts of all deltas together are the answer.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What is retrieved with, if it is not only the question.
    Asking { queries: Vec<String>, hypothetical: Option<String> },
    /// What the model is given. The first event, except for `asking`.
    Retrieved {
        /// Chunks that were found, before they were packed into passages.
        hits: usize,
        passages: Vec<PassageJson>,
    },
    /// A piece of the model's reasoning, with `--show-thinking`.
    Thinking { text: String },
    /// A piece of the answer.
    Delta {
        text: String,
        /// The number in the mark, if the text is a citation mark.
        #[serde(skip_serializing_if = "Option::is_none")]
        mark: Option<u32>,
    },
    /// The pieces so far were reasoning, which the model marks only at its end. The answer begins here.
    Retracted,
    /// A cited passage, with the result of the checks.
    Citation(CitationJson),
    /// A warning about the answer.
    Warning(WarningJson),
    /// Last: the same object as `query --format json` prints.
    Done(Box<AnswerJson>),
}

impl Event {
    /// The value of the field `event`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asking { .. } => "asking",
            Self::Retrieved { .. } => "retrieved",
            Self::Thinking { .. } => "thinking",
            Self::Delta { .. } => "delta",
            Self::Retracted => "retracted",
            Self::Citation(_) => "citation",
            Self::Warning(_) => "warning",
            Self::Done(_) => "done",
        }
    }
}

/// A warning about the answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnswerWarning")]
pub struct WarningJson {
    pub kind: WarningKind,
    /// The warning in words.
    pub message: String,
    /// The number in the mark, if the warning is about one; the first of several.
    pub passage: Option<u32>,
    /// The sentence that cites nothing, or that its passages do not support.
    pub sentence: Option<String>,
    /// What the passages lack, and what they say instead.
    pub unsupported: Vec<String>,
    /// The finding in parts.
    pub finding: Option<CitationFinding>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A citation names no passage.
    InvalidCitation,
    /// The passages that a claim cites do not support it.
    UnverifiedCitation,
    /// A sentence cites nothing.
    UncitedSentence,
    /// The whole answer cites no passage.
    Uncited,
    /// The model of `--verify` gave no verdict on some claims.
    Unchecked,
    /// The endpoint failed before the end of the answer.
    Failed,
    Interrupted,
    /// The answer reached its longest length.
    Length,
    /// The endpoint filtered the rest of the answer.
    Filtered,
}

/// A request that would be sent, and was not.
#[derive(Serialize, JsonSchema)]
pub struct RequestJson {
    pub question: String,
    /// The body of the request; null where nothing would be sent.
    pub request: Option<Value>,
    /// Tokens of the messages.
    pub prompt_tokens: Option<usize>,
    /// Whether the tokens were counted with the model's own tokenizer; otherwise they are an estimate
    /// on the high side.
    pub prompt_tokens_exact: bool,
}

/// A line of `query --batch`: the result of one question, in the order of the questions.
#[derive(Serialize, JsonSchema)]
pub struct BatchRow {
    /// The id in the question's line, or the number of the line.
    pub id: Value,
    /// The exit code with which `query` would end for this question.
    pub exit_code: i32,
    /// Why there is no result; null where the question was answered, or has no answer.
    pub error: Option<ErrorJson>,
    /// The answer as `query --format json` prints it; absent after an error before the answer.
    #[serde(flatten)]
    pub answer: Option<AnswerJson>,
}

impl BatchRow {
    pub fn new(id: Value, answer: Option<AnswerJson>, outcome: &Result<Exit, Failure>) -> Self {
        let (exit, failure) = match outcome {
            Ok(exit) => (*exit, None),
            Err(failure) => (failure.exit, Some(failure)),
        };
        Self { id, exit_code: exit_code(exit), error: failure.map(Into::into), answer }
    }
}

impl AnswerJson {
    pub fn new(question: &str, answer: &Answer, show_thinking: bool) -> Self {
        let milliseconds = |time: std::time::Duration| time.as_millis() as u64;
        Self {
            answer_id: answer.id.to_string(),
            question: question.to_owned(),
            queries: answer.queries.queries.clone(),
            hypothetical: answer.queries.hypothetical.clone(),
            answer: answer.text.clone(),
            thinking: show_thinking.then(|| answer.thinking.clone()),
            no_answer: answer.no_answer.is_some(),
            no_answer_reason: answer.no_answer.map(Into::into),
            model: answer.model.clone(),
            citations: answer.citations.citations.iter().map(Into::into).collect(),
            invalid_citations: answer.citations.invalid.clone(),
            uncited_sentences: answer.citations.uncited_sentences.clone(),
            findings: answer.citations.findings.clone(),
            verification: answer.verification.clone(),
            passages: answer.passages.iter().map(Into::into).collect(),
            nearest: answer.nearest.iter().map(Into::into).collect(),
            finish_reason: answer.finish_reason.clone(),
            incomplete: answer.cut().is_some(),
            usage: answer.usage,
            retrieved_ms: milliseconds(answer.retrieved_in),
            first_token_ms: answer.first_token_in.map(milliseconds),
            elapsed_ms: milliseconds(answer.elapsed),
        }
    }
}

impl From<NoAnswer> for NoAnswerReason {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::NothingFound => Self::NothingFound,
            NoAnswer::Refused => Self::Refused,
            NoAnswer::Empty => Self::Empty,
            NoAnswer::Uncited => Self::Uncited,
        }
    }
}

impl From<&Citation> for CitationJson {
    fn from(citation: &Citation) -> Self {
        Self {
            passage: citation.number,
            source: citation.source.clone(),
            citation: citation.citation.clone(),
            locator: citation.locator,
            quote: citation.quote.clone(),
            verified: citation.verified,
            checks: citation.checks.clone(),
            unsupported: citation.unsupported.clone(),
        }
    }
}

impl From<&Passage> for PassageJson {
    fn from(passage: &Passage) -> Self {
        Self { passage: passage.number, place: passage.into() }
    }
}

impl From<&Passage> for Nearest {
    fn from(passage: &Passage) -> Self {
        Self {
            source: passage.source.clone(),
            citation: passage.citation(),
            title: passage.title.clone(),
            headings: passage.headings.clone(),
            text: passage.text.clone(),
            score: passage.score,
            document_hash: passage.document_hash.to_string(),
            page_label: passage.page_label.clone(),
            locator: passage.locator,
        }
    }
}

impl From<&AnswerEvent> for Event {
    fn from(event: &AnswerEvent) -> Self {
        match event {
            AnswerEvent::Asking(queries) => Self::Asking {
                queries: queries.queries.clone(),
                hypothetical: queries.hypothetical.clone(),
            },
            AnswerEvent::Retrieved { hits, passages, .. } => {
                Self::Retrieved { hits: *hits, passages: passages.iter().map(Into::into).collect() }
            }
            AnswerEvent::Retracted => Self::Retracted,
            AnswerEvent::Thinking(text) => Self::Thinking { text: text.clone() },
            AnswerEvent::Text(text) => Self::Delta { text: text.clone(), mark: None },
            // Functions are only relayed by `serve`, which does not use this type.
            AnswerEvent::Calls(_) => Self::Delta { text: String::new(), mark: None },
            AnswerEvent::Mark(number) => {
                Self::Delta { text: format!("[{number}]"), mark: Some(*number) }
            }
        }
    }
}

impl From<&Warning> for WarningJson {
    fn from(warning: &Warning) -> Self {
        let mut json = Self {
            kind: WarningKind::Uncited,
            message: warning.to_string(),
            passage: None,
            sentence: None,
            unsupported: Vec::new(),
            finding: None,
        };
        json.kind = match warning {
            Warning::InvalidCitation { number } => {
                json.passage = Some(*number);
                WarningKind::InvalidCitation
            }
            Warning::UnverifiedCitation(finding) => {
                json.passage = finding.citations.first().copied();
                json.sentence = Some(finding.sentence.clone());
                json.unsupported = vec![finding.said()];
                json.finding = Some(finding.clone());
                WarningKind::UnverifiedCitation
            }
            Warning::UncitedSentence { sentence } => {
                json.sentence = Some(sentence.clone());
                WarningKind::UncitedSentence
            }
            Warning::Uncited => WarningKind::Uncited,
            Warning::Unchecked { .. } => WarningKind::Unchecked,
            Warning::Incomplete(Cut::Failed) => WarningKind::Failed,
            Warning::Incomplete(Cut::Interrupted) => WarningKind::Interrupted,
            Warning::Incomplete(Cut::Length | Cut::Thought) => WarningKind::Length,
            Warning::Incomplete(Cut::Filtered) => WarningKind::Filtered,
        };
        json
    }
}
