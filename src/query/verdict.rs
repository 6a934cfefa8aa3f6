//! What is to be said of an answer that has ended: whether it is one, and what its reader should
//! know. Decided by what came and what it cites, never by how it is worded.

use std::borrow::Cow;
use std::fmt;

use super::Answer;
use super::cite::{Citations, Finding};
use crate::chat::CALLS;
use crate::types::{Passage, Usage};

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// No passage was found, or none that scores as high as was asked for.
    NothingFound,
    /// The model gave the agreed refusal.
    Refused,
    /// The model wrote nothing.
    Empty,
    /// What the model wrote cites none of the passages: nothing ties it to the documents.
    Uncited,
}

impl NoAnswer {
    /// Of an answer that came to its end.
    pub(super) fn of(
        text: &str,
        refused: bool,
        passages: &[Passage],
        citations: &Citations,
    ) -> Option<Self> {
        if passages.is_empty() {
            Some(Self::NothingFound)
        } else if refused {
            Some(Self::Refused)
        } else if text.trim().is_empty() {
            Some(Self::Empty)
        } else if citations.citations.is_empty() {
            Some(Self::Uncited)
        } else {
            None
        }
    }
}

/// Something that a reader of an answer should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// A mark with this number names no passage.
    InvalidCitation { number: u32 },
    /// The passages that a claim cites do not bear it out.
    UnverifiedCitation(Finding),
    /// A sentence that cites nothing.
    UncitedSentence { sentence: String },
    /// No citation of the whole answer names a passage.
    Uncited,
    /// A model was to check the citations, and some claims have no verdict of it.
    Unchecked { model: String, failure: String },
    /// The answer does not end where the model would have ended it.
    Incomplete(Cut),
}

/// What cut an answer short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// The endpoint failed, or fell silent.
    Failed,
    Interrupted,
    /// It reached the longest answer that was asked for, or that the model gives.
    Length,
    /// The same before there was an answer: all that the model may write went into thinking.
    Thought,
    /// The endpoint held the rest back.
    Filtered,
}

impl fmt::Display for Warning {
    /// For a person; it may contain text of the model.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidCitation { number } => {
                write!(f, "the answer cites [{number}], which is not a passage")
            }
            Self::UnverifiedCitation(finding) => not_borne_out(finding, f),
            Self::UncitedSentence { sentence } => {
                write!(f, "no passage is cited for: {}", shortened(sentence))
            }
            Self::Uncited => {
                f.write_str("the model cites no passage: nothing ties this to the documents")
            }
            Self::Unchecked { model, failure } => write!(
                f,
                "not all claims were checked by {model}: {}; what the rules found stands",
                shortened(failure)
            ),
            Self::Incomplete(Cut::Failed) => f.write_str("incomplete: the chat endpoint failed"),
            Self::Incomplete(Cut::Interrupted) => f.write_str("incomplete: interrupted"),
            Self::Incomplete(Cut::Length) => f.write_str(
                "incomplete: the model had no tokens left; raise --max-tokens, or its context length",
            ),
            Self::Incomplete(Cut::Thought) => f.write_str(
                "the model used up its tokens on thinking and did not answer: raise --max-tokens",
            ),
            Self::Incomplete(Cut::Filtered) => {
                f.write_str("incomplete: the endpoint held the rest back")
            }
        }
    }
}

/// The marks, the sentence, what was looked for, and what the passages have instead.
fn not_borne_out(finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Finding { sentence, citations, check, claimed, instead } = finding;
    for number in citations {
        write!(f, "[{number}]")?;
    }
    let verb = if citations.len() == 1 { "does" } else { "do" };
    let (sentence, claimed) = (shortened(sentence), shortened(claimed));
    write!(f, " {verb} not bear out “{sentence}”; {}: {claimed}", check.name())?;
    match instead {
        Some(instead) => write!(f, " (the passage says {})", shortened(instead)),
        None => Ok(()),
    }
}

/// Characters of a sentence in a warning, at most. JSON has it whole.
const SHOWN: usize = 120;

/// The beginning of a text that is long, up to the end of a word.
fn shortened(text: &str) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(SHOWN) else { return text.into() };
    let kept = &text[..end];
    let word = kept.rfind(char::is_whitespace).filter(|&space| space > end / 2);
    format!("{}…", kept[..word.unwrap_or(end)].trim_end()).into()
}

impl Answer {
    /// The model called functions: it has not answered yet.
    pub fn calls_functions(&self) -> bool {
        self.finish_reason.as_deref() == Some(CALLS)
    }

    /// What it took, with what the model of `--verify` took.
    pub fn usage_in_all(&self) -> Usage {
        let checked = self.verification.as_ref().map(|verification| verification.usage);
        self.usage + checked.unwrap_or_default()
    }

    /// What cut it short; `None` where it came to its end.
    pub fn cut(&self) -> Option<Cut> {
        match self.finish_reason.as_deref() {
            _ if self.interrupted => Some(Cut::Interrupted),
            _ if self.failure.is_some() => Some(Cut::Failed),
            Some("length" | "max_tokens" | "model_length") => {
                let thought = self.text.trim().is_empty() && !self.thinking.is_empty();
                Some(if thought { Cut::Thought } else { Cut::Length })
            }
            Some("content_filter") => Some(Cut::Filtered),
            _ => None,
        }
    }

    /// What its reader should know, the most serious first. Nothing of an answer that is not one, but
    /// that it cites nothing.
    pub fn warnings(&self) -> Vec<Warning> {
        let found = &self.citations;
        let cut = self.cut().map(Warning::Incomplete);
        let uncited = self.no_answer == Some(NoAnswer::Uncited);
        let invalid = found.invalid.iter().map(|&number| Warning::InvalidCitation { number });
        let unverified = found.findings.iter().cloned().map(Warning::UnverifiedCitation);
        // Where nothing is cited, one line says so of all sentences.
        let sentences = found.uncited_sentences.iter().filter(|_| !uncited);
        let sentences =
            sentences.map(|sentence| Warning::UncitedSentence { sentence: sentence.clone() });
        let uncited = uncited.then_some(Warning::Uncited);
        let unchecked = self.verification.iter().filter_map(|verification| {
            let (model, failure) = (verification.model.clone(), verification.failure.clone()?);
            Some(Warning::Unchecked { model, failure })
        });
        let serious = cut.into_iter().chain(uncited).chain(invalid).chain(unverified);
        serious.chain(sentences).chain(unchecked).collect()
    }

    /// What keeps it from being supported by its citations as a whole; empty where nothing does.
    pub fn objections(&self) -> Vec<String> {
        let found = &self.citations;
        let unverified = found.citations.iter().filter(|citation| !citation.verified).count();
        let mut objections = Vec::new();
        if found.citations.is_empty() {
            objections.push("no citation names a passage".to_owned());
        }
        for (what, count) in [
            ("citations that name no passage", found.invalid.len()),
            ("citations that their passage does not bear out", unverified),
            ("sentences without a citation", found.uncited_sentences.len()),
        ] {
            if count > 0 {
                objections.push(format!("{what}: {count}"));
            }
        }
        objections
    }
}
