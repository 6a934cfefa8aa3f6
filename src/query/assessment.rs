//! Judges an answer that has ended: whether it is one, and what its reader should know. The judgement
//! depends on what arrived and what it cites, never on the wording.

use std::borrow::Cow;
use std::fmt;

use super::Answer;
use super::cite::{CitationFinding, Citations};
use crate::chat::CALLS;
use crate::types::{Passage, Usage};

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// No passage was found, or none that scores as high as required.
    NothingFound,
    /// The model gave the agreed refusal.
    Refused,
    /// The model wrote nothing.
    Empty,
    /// What the model wrote cites none of the passages: nothing ties it to the documents.
    Uncited,
}

impl NoAnswer {
    /// The reason that an answer which was not cut short does not count as one.
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
    /// The passages that a claim cites do not support it.
    UnverifiedCitation(CitationFinding),
    /// A sentence without a citation.
    UncitedSentence { sentence: String },
    /// No citation of the whole answer names a passage.
    Uncited,
    /// A model was to check the citations, and gave no verdict on some claims.
    Unchecked { model: String, failure: String },
    /// The answer was cut short.
    Incomplete(Cut),
}

/// What cut an answer short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// The endpoint failed, or stopped sending.
    Failed,
    Interrupted,
    /// The answer reached the token limit that was set, or the model's own.
    Length,
    /// The token limit was reached before there was an answer: all tokens went into thinking.
    Thought,
    /// The endpoint withheld the rest.
    Filtered,
}

impl fmt::Display for Warning {
    /// For a person; may contain text of the model.
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
                "{model} did not check all claims: {}; the checks by rules are complete",
                shortened(failure)
            ),
            Self::Incomplete(Cut::Failed) => f.write_str("incomplete: the chat endpoint failed"),
            Self::Incomplete(Cut::Interrupted) => f.write_str("incomplete: interrupted"),
            Self::Incomplete(Cut::Length) => f.write_str(
                "incomplete: the model reached its token limit; raise --max-tokens or its context length",
            ),
            Self::Incomplete(Cut::Thought) => f.write_str(
                "the model used up its tokens on thinking and did not answer: raise --max-tokens",
            ),
            Self::Incomplete(Cut::Filtered) => {
                f.write_str("incomplete: the endpoint's content filter withheld the rest")
            }
        }
    }
}

/// The marks, the sentence, what was looked for, and what the passages say instead.
fn not_borne_out(finding: &CitationFinding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let CitationFinding { sentence, citations, check, claimed, instead } = finding;
    for number in citations {
        write!(f, "[{number}]")?;
    }
    let verb = if citations.len() == 1 { "does" } else { "do" };
    let (sentence, claimed) = (shortened(sentence), shortened(claimed));
    write!(f, " {verb} not support “{sentence}”; {}: {claimed}", check.name())?;
    match instead {
        Some(instead) => write!(f, " (the passage says {})", shortened(instead)),
        None => Ok(()),
    }
}

/// Most characters of a sentence in a warning. JSON has it whole.
const SHOWN: usize = 120;

/// The beginning of a long text, up to the end of a word.
fn shortened(text: &str) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(SHOWN) else { return text.into() };
    let kept = &text[..end];
    let word = kept.rfind(char::is_whitespace).filter(|&space| space > end / 2);
    format!("{}…", kept[..word.unwrap_or(end)].trim_end()).into()
}

impl Answer {
    /// Whether the model called functions: then it has not answered yet.
    pub fn calls_functions(&self) -> bool {
        self.finish_reason.as_deref() == Some(CALLS)
    }

    /// Usage of the answer, and of the model of `--verify`.
    pub fn usage_in_all(&self) -> Usage {
        let checked = self.verification.as_ref().map(|verification| verification.usage);
        self.usage + checked.unwrap_or_default()
    }

    /// What cut the answer short; `None` if it came to its end.
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

    /// What a reader of the answer should know, most serious first. If the answer does not count as one,
    /// the only warning is that it cites nothing.
    pub fn warnings(&self) -> Vec<Warning> {
        let found = &self.citations;
        let cut = self.cut().map(Warning::Incomplete);
        let uncited = self.no_answer == Some(NoAnswer::Uncited);
        let invalid = found.invalid.iter().map(|&number| Warning::InvalidCitation { number });
        let unverified = found.findings.iter().cloned().map(Warning::UnverifiedCitation);
        // If nothing is cited, one warning covers all sentences.
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

    /// What keeps the citations from supporting the answer as a whole; empty if nothing does.
    pub fn objections(&self) -> Vec<String> {
        let found = &self.citations;
        let unverified = found.citations.iter().filter(|citation| !citation.verified).count();
        let mut objections = Vec::new();
        if found.citations.is_empty() {
            objections.push("no citation names a passage".to_owned());
        }
        for (what, count) in [
            ("citations that name no passage", found.invalid.len()),
            ("citations whose passage does not support the claim", unverified),
            ("sentences without a citation", found.uncited_sentences.len()),
        ] {
            if count > 0 {
                objections.push(format!("{what}: {count}"));
            }
        }
        objections
    }
}
