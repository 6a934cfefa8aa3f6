//! The result of checking an answer's citations.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::Locator;

/// What an answer cites, and what it leaves uncited.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Citations {
    /// One for each passage that is cited, in the order of first mention.
    pub citations: Vec<Citation>,
    /// Numbers that name no passage, in the order of first mention.
    pub invalid: Vec<u32>,
    /// Sentences that have no mark and inherit none.
    pub uncited_sentences: Vec<String>,
    /// What the passages do not support, in the order of the answer.
    pub findings: Vec<CitationFinding>,
    /// Number of sentences with a citation; a sentence in several parts, each with its own marks, counts as
    /// several.
    #[serde(skip)]
    pub cited_sentences: usize,
    /// Claims in which the rules found nothing wrong, and which are not the passage's own words.
    #[serde(skip)]
    pub undecided: Vec<CheckedClaim>,
}

/// A claim, and the passages that it is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedClaim {
    /// The claim as the answer has it, without its marks.
    pub sentence: String,
    /// Numbers of the passages that it cites; all exist.
    pub citations: Vec<u32>,
}

/// Why a model finds a claim unsupported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelObjection {
    /// In a few words.
    pub claimed: String,
    /// What the passages say instead, if the model can tell.
    pub instead: Option<String>,
}

/// A passage that an answer cites.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Citation {
    pub number: u32,
    pub source: String,
    /// `path:L10-L24`, `path#page=3`.
    pub citation: String,
    pub locator: Locator,
    /// The words of the passage that the claim rests on: those that it quotes, or else the sentence nearest
    /// to it, if any is near.
    pub quote: Option<String>,
    /// No check found that the passage lacks what it is cited for.
    pub verified: bool,
    /// How the claims were compared with the passage.
    pub checks: Vec<CitationCheck>,
    /// What the passage does not support, and what it says instead.
    pub unsupported: Vec<String>,
}

/// How a claim is compared with its passages.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Check")]
pub enum CitationCheck {
    /// Its words, or those between quotation marks, are the passage's.
    Quoted,
    /// Its numbers, with what they count.
    Numbers,
    /// Its words: names, denials, opposites, what is done to what.
    Words,
    /// Its meaning, by a model.
    Model,
}

/// Something that the passages do not support.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub struct CitationFinding {
    /// The claim as the answer has it, without its marks.
    pub sentence: String,
    /// Numbers of the passages that it cites.
    pub citations: Vec<u32>,
    pub check: CitationCheck,
    /// What was looked for.
    pub claimed: String,
    /// What the passages say instead, if that can be told.
    pub instead: Option<String>,
}

impl CitationCheck {
    pub const ALL: [Self; 4] = [Self::Quoted, Self::Numbers, Self::Words, Self::Model];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Model => "model",
        }
    }
}

impl CitationFinding {
    /// For a person: `900 days (the passage says 400 days)`.
    pub fn said(&self) -> String {
        match &self.instead {
            Some(instead) => format!("{} (the passage says {instead})", self.claimed),
            None => self.claimed.clone(),
        }
    }
}

impl Citations {
    /// Checks in which the passage with this number did not support a claim.
    pub fn failed(&self, number: u32) -> BTreeSet<CitationCheck> {
        let its = self.findings.iter().filter(|finding| finding.citations.contains(&number));
        its.map(|finding| finding.check).collect()
    }

    /// Records a model's verdict on a claim: an objection, or none if the passages support it.
    pub fn held_by_model(&mut self, claim: &CheckedClaim, objection: Option<ModelObjection>) {
        let finding = objection.map(|ModelObjection { claimed, instead }| CitationFinding {
            sentence: claim.sentence.clone(),
            citations: claim.citations.clone(),
            check: CitationCheck::Model,
            claimed,
            instead,
        });
        let its = |citation: &&mut Citation| claim.citations.contains(&citation.number);
        for citation in self.citations.iter_mut().filter(its) {
            if !citation.checks.contains(&CitationCheck::Model) {
                citation.checks.push(CitationCheck::Model);
            }
            if let Some(said) = finding.as_ref().map(CitationFinding::said) {
                citation.verified = false;
                if !citation.unsupported.contains(&said) {
                    citation.unsupported.push(said);
                }
            }
        }
        self.findings.extend(finding);
    }
}
