//! Finds the secrets in a document, and removes them. Pure.
//!
//! [`mod@scan`] finds keys and tokens by their form ([`rules`]) and passwords by their context ([`context`]).
//! Examples and placeholders are left out ([`placeholders`]). False positives teach people to switch the check off,
//! so doubtful matches are ignored.

mod context;
mod placeholders;
mod redact;
mod rules;
mod scan;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::rules::{REVISION, Rule};
pub use self::scan::{SecretFinding, scan};
use super::chunk::PlaceIndex;
use super::document::Document;
use crate::types::{DocumentRecord, OnSecret, SecretScreening};

/// A secret in a document. Its value is never reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct FoundSecret {
    pub source: String,
    /// `path:L10`, `path#page=3`.
    pub citation: String,
    /// Id of the rule that found it: `aws-access-key-id`.
    pub rule: &'static str,
    /// [`Rule::what`]
    #[serde(skip)]
    pub what: &'static str,
}

/// Secrets of one document, or of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct Secrets {
    /// At most 1,000 of the secrets.
    #[serde(rename = "secrets")]
    pub listed: Vec<FoundSecret>,
    #[serde(rename = "secrets_total")]
    pub total: usize,
}

impl Secrets {
    /// Maximum number of secrets that are listed; more are only counted.
    pub const LISTED: usize = 1_000;

    pub(super) fn add(&mut self, others: &Self) {
        let room = Self::LISTED.saturating_sub(self.listed.len());
        self.listed.extend(others.listed.iter().take(room).cloned());
        self.total += others.total;
    }

    /// `an AWS access key (L3), and 2 more`
    fn in_words(&self, source: &str) -> String {
        let Some(first) = self.listed.first() else { return String::new() };
        let place = first.citation.strip_prefix(source).unwrap_or_default();
        let place = place.trim_start_matches([':', '#']);
        let more = match self.total - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        format!("{} ({place}){more}", first.what)
    }

    /// Why a document with these secrets fails.
    pub(super) fn failure(&self, source: &str) -> String {
        format!("holds what looks like {}; see --on-secret", self.in_words(source))
    }
}

/// Finds the secrets in a document, and removes them if `policy` says so.
pub(super) fn examine(document: &mut Document, source: &str, policy: OnSecret) -> Secrets {
    let findings = scan(&document.text);
    let secrets = Secrets {
        listed: rows(document, source, &findings),
        total: findings.len() + beside(document, &findings).len(),
    };
    if policy == OnSecret::Redact && secrets.total > 0 {
        redact::redact(document, findings);
    }
    secrets
}

/// The entry in the record of a document that was stored after it was examined.
pub(super) fn screening(secrets: &Secrets, policy: OnSecret) -> SecretScreening {
    let stored = if policy.keeps_out() { 0 } else { secrets.total as u32 };
    SecretScreening { revision: REVISION, stored }
}

/// Whether a stored document may contain secrets, as far as the current rules can tell.
pub fn may_hold_some(record: &DocumentRecord) -> bool {
    record.secrets != Some(SecretScreening { revision: REVISION, stored: 0 })
}

fn rows(document: &Document, source: &str, findings: &[SecretFinding]) -> Vec<FoundSecret> {
    let beside = beside(document, findings);
    if findings.is_empty() && beside.is_empty() {
        return Vec::new();
    }
    let places = PlaceIndex::new(document);
    let inside = findings.iter().map(|finding| (finding.rule, finding.range.start));
    let row = |(rule, at): (Rule, usize)| FoundSecret {
        source: source.to_owned(),
        citation: places.locate(&(at..at + 1)).cite(source),
        rule: rule.id,
        what: rule.what,
    };
    inside.chain(beside).take(Secrets::LISTED).map(row).collect()
}

/// Secrets in the title and in headings that the text does not contain, each with the offset of the text
/// below it.
fn beside(document: &Document, findings: &[SecretFinding]) -> Vec<(Rule, usize)> {
    let mut known: HashSet<&str> =
        findings.iter().map(|finding| &document.text[finding.range.clone()]).collect();
    let headings = document.sections.iter().flat_map(|section| {
        section.headings.iter().map(|heading| (section.offset, heading.as_str()))
    });
    let mut found = Vec::new();
    for (offset, words) in std::iter::once((0, document.title.as_str())).chain(headings) {
        for finding in scan(words) {
            if known.insert(&words[finding.range]) {
                found.push((finding.rule, offset));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
