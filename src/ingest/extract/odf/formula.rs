//! Formulas of an `OpenDocument` (`MathML`) → the line that was typed if the file has it, else their signs.

use crate::ingest::document::single_spaced;
use crate::ingest::extract::xml::{self, Element, XmlHandler};

/// A formula being read, from the start of `math` to its end.
#[derive(Default)]
pub(super) struct OdfFormula {
    depth: usize,
    in_source: bool,
    signs: String,
    source: String,
}

impl OdfFormula {
    pub(super) fn start(&mut self, name: &str) {
        self.depth += 1;
        self.in_source = name == "annotation";
    }

    /// Ends an element; returns whether the formula ends with it.
    pub(super) fn end(&mut self, name: &str) -> bool {
        self.depth = self.depth.saturating_sub(1);
        if name == "annotation" {
            self.in_source = false;
        }
        self.depth == 0
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.in_source {
            self.source.push_str(text);
        } else {
            self.signs.push_str(text.trim());
        }
    }

    pub(super) fn finish(self) -> String {
        let source = single_spaced(&self.source);
        if source.is_empty() { self.signs } else { source }
    }
}

/// The formula in a part; `None` if there is none.
pub(super) fn read(part: &str) -> Option<String> {
    let mut reading = Reading::default();
    let _ = xml::read(part, &mut reading);
    reading.formula.map(OdfFormula::finish).filter(|text| !text.is_empty())
}

#[derive(Default)]
struct Reading {
    formula: Option<OdfFormula>,
    /// Whether the first element was read; only that can be a formula.
    begun: bool,
    done: bool,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, _: &Element<'_>) {
        if !std::mem::replace(&mut self.begun, true) && name == "math" {
            self.formula = Some(OdfFormula::default());
        }
        if let Some(formula) = self.formula.as_mut().filter(|_| !self.done) {
            formula.start(name);
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(formula) = self.formula.as_mut().filter(|_| !self.done) {
            self.done = formula.end(name);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(formula) = self.formula.as_mut().filter(|_| !self.done) {
            formula.text(text);
        }
    }
}
