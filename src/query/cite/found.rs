//! What came of the check of an answer's citations.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::types::Locator;

/// What an answer cites, and what it does not.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Citations {
    /// One for each passage that is cited, in the order of first mention.
    pub citations: Vec<Citation>,
    /// Numbers that name no passage, in the order of first mention.
    pub invalid: Vec<u32>,
    /// Sentences that carry no mark and inherit none.
    pub uncited_sentences: Vec<String>,
    /// What the passages do not bear out, in the order of the answer.
    pub findings: Vec<Finding>,
    /// How many carry one; a sentence in several parts, each with marks of its own, counts as several.
    #[serde(skip)]
    pub cited_sentences: usize,
    /// Claims in which the rules found nothing wrong, and that are not the passage's own words.
    #[serde(skip)]
    pub undecided: Vec<Held>,
}

/// A claim, and the passages that it is held against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// As the answer has it, without its marks.
    pub sentence: String,
    /// The numbers that vouch for it; each names a passage.
    pub citations: Vec<u32>,
}

/// Why a model does not find a claim borne out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Objection {
    /// In a few words.
    pub claimed: String,
    /// What the passages have in its place, where the model can tell.
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
    /// The words of the passage that the claim rests on: those it quotes, or else the sentence
    /// that is nearest to it, if any is near.
    pub quote: Option<String>,
    /// Nothing that it is cited for was found to be missing.
    pub verified: bool,
    /// By what the claims were held against it.
    pub checks: Vec<Check>,
    /// What the passage does not bear out, and what it has instead.
    pub unsupported: Vec<String>,
}

/// By what a claim is held against its passages.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Its words, or those between quotation marks, are the passage's.
    Quoted,
    /// Its numbers, with what they count.
    Numbers,
    /// Its words: names, denials, opposites, what is done to what.
    Words,
    /// Its meaning, by a model.
    Model,
}

/// Something that the passages do not bear out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The claim, as the answer has it, without its marks.
    pub sentence: String,
    /// The numbers that vouch for it.
    pub citations: Vec<u32>,
    pub check: Check,
    /// What was looked for.
    pub claimed: String,
    /// What the passages have in its place, where that can be told.
    pub instead: Option<String>,
}

impl Check {
    pub const ALL: [Self; 4] = [Self::Quoted, Self::Numbers, Self::Words, Self::Model];

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Numbers => "numbers",
            Self::Words => "words",
            Self::Model => "model",
        }
    }
}

impl Finding {
    /// For a person: `900 days (the passage says 400 days)`.
    pub fn said(&self) -> String {
        match &self.instead {
            Some(instead) => format!("{} (the passage says {instead})", self.claimed),
            None => self.claimed.clone(),
        }
    }
}

impl Citations {
    /// By what the passage with this number was found not to bear out a claim.
    pub fn failed(&self, number: u32) -> BTreeSet<Check> {
        let its = self.findings.iter().filter(|finding| finding.citations.contains(&number));
        its.map(|finding| finding.check).collect()
    }

    /// Takes in what a model says of a claim: why its passages do not bear it out, or that they do.
    pub fn held_by_model(&mut self, claim: &Held, objection: Option<Objection>) {
        let finding = objection.map(|Objection { claimed, instead }| Finding {
            sentence: claim.sentence.clone(),
            citations: claim.citations.clone(),
            check: Check::Model,
            claimed,
            instead,
        });
        let its = |citation: &&mut Citation| claim.citations.contains(&citation.number);
        for citation in self.citations.iter_mut().filter(its) {
            if !citation.checks.contains(&Check::Model) {
                citation.checks.push(Check::Model);
            }
            if let Some(said) = finding.as_ref().map(Finding::said) {
                citation.verified = false;
                if !citation.unsupported.contains(&said) {
                    citation.unsupported.push(said);
                }
            }
        }
        self.findings.extend(finding);
    }
}
