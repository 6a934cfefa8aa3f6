//! Removes secrets from a document. Places in its text stay correct.

use std::ops::Range;

use super::scan::{SecretFinding, scan};
use crate::ingest::document::{Document, SourceMap, UnitMark};

/// Start of the text that replaces a secret.
pub(super) const REDACTED: &str = "[redacted: ";

/// Maximum number of rounds: removing a secret may uncover another one that was joined to it.
const ROUNDS: usize = 16;

/// Replaces each of the `findings` in the document's text with `[redacted: RULE]`, and the secrets in its
/// title and headings.
pub(super) fn redact(document: &mut Document, findings: Vec<SecretFinding>) {
    document.title = clean(&document.title);
    for heading in document.sections.iter_mut().flat_map(|section| &mut section.headings) {
        *heading = clean(heading);
    }
    let mut findings = findings;
    for _ in 0..ROUNDS {
        if findings.is_empty() {
            break;
        }
        replace(document, &findings);
        findings = scan(&document.text);
    }
}

/// A text without the secrets that are found in it.
pub(super) fn clean(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let findings = scan(&text);
        if findings.is_empty() {
            break;
        }
        text = redacted(&text, &findings).text;
    }
    text
}

fn replace(document: &mut Document, findings: &[SecretFinding]) {
    let redacted = redacted(&document.text, findings);
    for section in &mut document.sections {
        section.offset = redacted.offset(&document.text, section.offset);
    }
    let moved = |marks: &mut Vec<UnitMark>| {
        for mark in marks {
            mark.offset = redacted.offset(&document.text, mark.offset);
        }
    };
    for word in &mut document.recognized {
        word.start = redacted.offset(&document.text, word.start);
        word.end = redacted.offset(&document.text, word.end).max(word.start);
    }
    match &mut document.places {
        SourceMap::Verbatim => {}
        SourceMap::Marked(_, marks) => moved(marks),
        SourceMap::Sheets(sheets) => sheets.iter_mut().for_each(|(_, marks)| moved(marks)),
    }
    document.text = redacted.text;
}

pub(super) struct Redacted {
    pub text: String,
    /// What was replaced, and by what.
    cuts: Vec<Cut>,
}

struct Cut {
    old: Range<usize>,
    new: Range<usize>,
    /// Length of the label, without the line breaks after it.
    label: usize,
}

/// Line breaks within a secret are kept after its label, so that the lines below keep their numbers.
pub(super) fn redacted(text: &str, findings: &[SecretFinding]) -> Redacted {
    let mut redacted = Redacted { text: String::with_capacity(text.len()), cuts: Vec::new() };
    let mut done = 0;
    for SecretFinding { rule, range } in findings {
        redacted.text.push_str(&text[done..range.start]);
        let start = redacted.text.len();
        let label = format!("{REDACTED}{}]", rule.id);
        redacted.text.push_str(&label);
        redacted.text.extend(std::iter::repeat_n('\n', breaks(&text[range.clone()])));
        let new = start..redacted.text.len();
        redacted.cuts.push(Cut { old: range.clone(), new, label: label.len() });
        done = range.end;
    }
    redacted.text.push_str(&text[done..]);
    redacted
}

impl Redacted {
    /// The new offset of what was at `offset` of the old `text`. What was inside a secret moves to the end of
    /// its label, in the same line.
    pub(super) fn offset(&self, text: &str, offset: usize) -> usize {
        let before = self.cuts.partition_point(|cut| cut.old.start < offset);
        let Some(cut) = before.checked_sub(1).map(|last| &self.cuts[last]) else { return offset };
        if offset >= cut.old.end {
            return cut.new.end + (offset - cut.old.end);
        }
        let within = breaks(&text.as_bytes()[cut.old.start..offset]);
        cut.new.start + cut.label + within
    }
}

fn breaks(text: impl AsRef<[u8]>) -> usize {
    text.as_ref().split(|byte| *byte == b'\n').count() - 1
}
