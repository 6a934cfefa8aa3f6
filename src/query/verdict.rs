//! What is to be said of an answer that has ended: whether it is one, and what its reader should
//! know. Decided by what came and what it cites, never by how it is worded.

use std::fmt;

use super::Answer;
use super::cite::Citations;
use crate::types::Passage;

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
    /// The passage lacks what it is cited for: these quoted spans and numbers.
    UnverifiedCitation { number: u32, citation: String, unsupported: Vec<String> },
    /// A sentence that cites nothing.
    UncitedSentence { sentence: String },
    /// No citation of the whole answer names a passage.
    Uncited,
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
                write!(f, "the answer cites [{number}], which is no passage")
            }
            Self::UnverifiedCitation { number, citation, unsupported } => write!(
                f,
                "[{number}] does not bear out what it is cited for: {citation} lacks {}",
                unsupported.join(", ")
            ),
            Self::UncitedSentence { sentence } => write!(f, "no passage is cited for: {sentence}"),
            Self::Uncited => {
                f.write_str("the model cites no passage: nothing ties this to the documents")
            }
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

impl Answer {
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

    /// What its reader should know, the most serious first. Nothing of an answer that is none, but
    /// that it cites nothing.
    pub fn warnings(&self) -> Vec<Warning> {
        let found = &self.citations;
        let cut = self.cut().map(Warning::Incomplete);
        let uncited = self.no_answer == Some(NoAnswer::Uncited);
        let invalid = found.invalid.iter().map(|&number| Warning::InvalidCitation { number });
        let unverified = found.citations.iter().filter(|citation| !citation.verified);
        let unverified = unverified.map(|citation| Warning::UnverifiedCitation {
            number: citation.number,
            citation: citation.citation.clone(),
            unsupported: citation.unsupported.clone(),
        });
        // Where nothing is cited, one line says so of all sentences.
        let sentences = found.uncited_sentences.iter().filter(|_| !uncited);
        let sentences =
            sentences.map(|sentence| Warning::UncitedSentence { sentence: sentence.clone() });
        let uncited = uncited.then_some(Warning::Uncited);
        cut.into_iter().chain(uncited).chain(invalid).chain(unverified).chain(sentences).collect()
    }

    /// What keeps it from being borne out by its citations as a whole; empty where nothing does.
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
