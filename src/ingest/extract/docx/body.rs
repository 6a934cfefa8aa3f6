//! `word/document.xml` → Markdown. Paragraphs are numbered from 1 in the order in which they start, including
//! those of tables and text boxes.

use super::fields::{Fields, FormField};
use super::notes::DocxNotes;
use super::numbering::{DocxLists, is_off};
use super::open::OpenParagraph;
use super::styles::{DocxStyles, script};
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::alt;
use crate::ingest::extract::formatting::Formatting;
use crate::ingest::extract::math::OmmlFormula;
use crate::ingest::extract::prose::{Paragraph, Prose};
use crate::ingest::extract::symbols;
use crate::ingest::extract::table::GridCell;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute, prefixed_attribute};

/// A run being read.
#[derive(Clone, Default)]
struct Run {
    hidden: bool,
    formatting: Formatting,
    font: String,
}

pub(super) struct DocxBody<'a> {
    styles: &'a DocxStyles,
    lists: DocxLists<'a>,
    notes: DocxNotes,
    prose: Prose,
    /// Number of the paragraph that started last.
    count: u32,
    /// Open paragraphs: a paragraph can contain another, in a text box.
    paragraphs: Vec<OpenParagraph>,
    runs: Vec<Run>,
    /// A drop cap, the large first letter of the next paragraph.
    drop_cap: String,
    fields: Fields,
    formula: Option<OmmlFormula>,
    /// Open content controls: whether each shows its placeholder.
    controls: Vec<bool>,
    /// Depth of open elements that are not text: deleted, moved away, or duplicated.
    skipped: usize,
    /// Depth of open elements with the properties from before a change.
    changes: usize,
    in_text: bool,
    /// The alternative text of the open drawing.
    alt: Option<String>,
}

/// Reads the text of a document.
pub(super) fn read<'a>(
    xml: &str,
    styles: &'a DocxStyles,
    lists: DocxLists<'a>,
    notes: DocxNotes,
) -> Result<Prose, ExtractError> {
    let mut body = DocxBody::new(styles, lists, notes);
    xml::read(xml, &mut body)?;
    Ok(body.finish())
}

/// Whether an element is deleted or moved text, or a second version for older versions of Word.
fn is_skipped(name: &str) -> bool {
    matches!(name, "del" | "moveFrom" | "Fallback")
}

/// Whether an element has properties from before a tracked change.
fn is_change(name: &str) -> bool {
    name.ends_with("Change")
}

impl XmlHandler for DocxBody<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if let Some(formula) = &mut self.formula {
            return formula.start(name, element);
        }
        if is_change(name) {
            self.changes += 1;
        }
        if self.changes > 0 {
            return;
        }
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "t" => self.in_text = true,
            "r" => self.begin_run(),
            "p" => self.begin_paragraph(),
            "pPr" => self.describe(|open| open.in_properties = true),
            name if is_skipped(name) => {
                self.skipped += 1;
                self.describe(|open| open.unmarked |= open.in_properties);
            }
            "tab" | "ptab" if !self.runs.is_empty() => self.push(" "),
            "br" | "cr" if !self.runs.is_empty() => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "oMath" => {
                let mut formula = OmmlFormula::default();
                formula.start(name, element);
                self.formula = Some(formula);
            }
            "tr" => self.prose.begin_row(),
            // Columns that the row skips at its start.
            "gridBefore" => {
                let columns = value().parse().unwrap_or(1);
                self.prose.begin_cell(GridCell { columns, ..GridCell::default() });
            }
            "hidden" if !is_off(&value()) => self.prose.hide_row(),
            "tblHeader" => self.prose.set_header(!is_off(&value())),
            "tc" => self.prose.begin_cell(GridCell::default()),
            "gridSpan" => {
                self.prose.describe_cell(|cell| cell.columns = value().parse().unwrap_or(1));
            }
            "vMerge" => self.prose.describe_cell(|cell| cell.above = value() != "restart"),
            "sdt" => self.controls.push(false),
            "showingPlcHdr" => {
                if let Some(control) = self.controls.last_mut() {
                    *control = !is_off(&value());
                }
            }
            "footnoteReference" | "endnoteReference" | "commentReference" => {
                self.add_note(name, element);
            }
            "docPr" => self.alt = attribute(element, "descr").and_then(|text| alt::line(&text)),
            "pic" => self.add_alt(),
            "chart" => self.add_drawing(prefixed_attribute(element, "id")),
            "altChunk" => {
                self.begin_paragraph();
                self.add_drawing(prefixed_attribute(element, "id"));
                self.end_paragraph();
            }
            "relIds" => self.add_drawing(attribute(element, "dm")),
            _ if self.paragraphs.last().is_some_and(|open| open.in_properties) => {
                self.describe(|open| open.describe(name, element));
            }
            _ => self.describe_run(name, element),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(formula) = &mut self.formula {
            if formula.end(name) {
                let text = self.formula.take().map(OmmlFormula::finish).unwrap_or_default();
                self.push(&text);
            }
            return;
        }
        if is_change(name) {
            self.changes = self.changes.saturating_sub(1);
        }
        if self.changes > 0 {
            return;
        }
        match name {
            "t" => self.in_text = false,
            "r" => {
                self.runs.pop();
            }
            "pPr" => self.end_properties(),
            "p" => self.end_paragraph(),
            name if is_skipped(name) => self.skipped = self.skipped.saturating_sub(1),
            "tr" => self.prose.end_row(),
            "tbl" => self.prose.end_table(),
            "sdt" => {
                self.controls.pop();
            }
            "ffData" => {
                if let Some(text) = self.fields.end_form() {
                    self.push(&text);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(formula) = &mut self.formula {
            formula.text(text);
        } else if self.in_text {
            if text.contains(symbols::is_private) {
                let text = self.signs(text);
                self.push(&text);
            } else {
                self.push(text);
            }
        }
    }
}

impl<'a> DocxBody<'a> {
    pub(super) fn new(styles: &'a DocxStyles, lists: DocxLists<'a>, notes: DocxNotes) -> Self {
        Self {
            styles,
            lists,
            notes,
            prose: Prose::default(),
            count: 0,
            paragraphs: Vec::new(),
            runs: Vec::new(),
            drop_cap: String::new(),
            fields: Fields::default(),
            formula: None,
            controls: Vec::new(),
            skipped: 0,
            changes: 0,
            in_text: false,
            alt: None,
        }
    }

    /// Returns what was read.
    pub(super) fn finish(mut self) -> Prose {
        while !self.paragraphs.is_empty() {
            self.end_paragraph();
        }
        self.prose.finish()
    }

    fn begin_paragraph(&mut self) {
        if self.skipped == 0 {
            self.count += 1;
        }
        let paragraph = Paragraph { number: self.count, ..Paragraph::default() };
        self.paragraphs.push(OpenParagraph::new(paragraph));
    }

    fn describe(&mut self, change: impl FnOnce(&mut OpenParagraph)) {
        if let Some(open) = self.paragraphs.last_mut() {
            change(open);
        }
    }

    fn begin_run(&mut self) {
        let (hidden, formatting) =
            self.paragraphs.last().map(|open| (open.hidden, open.formatting)).unwrap_or_default();
        self.runs.push(Run { hidden, formatting, font: String::new() });
    }

    /// Reads what a run has besides text, and its properties.
    fn describe_run(&mut self, name: &str, element: &Element<'_>) {
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            "sym" => self.add_symbol(element),
            "vanish" => self.in_run(|run| run.hidden = !is_off(&value())),
            "vertAlign" => self.in_run(|run| run.formatting.script = script(&value())),
            // Writers give both properties: a `dstrike` that is off does not undo `strike`.
            "dstrike" if is_off(&value()) => {}
            "strike" | "dstrike" => {
                self.in_run(|run| run.formatting.struck = !is_off(&value()));
            }
            "rFonts" => {
                let font = attribute(element, "ascii").or_else(|| attribute(element, "hAnsi"));
                self.in_run(|run| run.font = font.unwrap_or_default());
            }
            "rStyle" => {
                let style = value();
                let formatting = self.styles.formatting(&style);
                let hides = self.styles.hides(&style) == Some(true);
                self.in_run(|run| {
                    run.hidden |= hides;
                    run.formatting = formatting.within(run.formatting);
                });
            }
            "fldChar" => self.fields.step(&attribute(element, "fldCharType").unwrap_or_default()),
            "checkBox" => self.fields.begin_form(FormField::Box(false)),
            "ddList" => self.fields.begin_form(FormField::List(0, Vec::new())),
            "default" | "checked" | "result" | "listEntry" => {
                self.fields.describe_form(name, attribute(element, "val"));
            }
            _ => {}
        }
    }

    fn in_run(&mut self, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.last_mut() {
            change(run);
        }
    }

    /// Whether the current position is shown.
    fn is_shown(&self) -> bool {
        self.skipped == 0
            && !self.fields.in_instruction()
            && !self.controls.contains(&true)
            && !self.runs.iter().any(|run| run.hidden)
    }

    fn push(&mut self, text: &str) {
        if self.is_shown() {
            let formatting = self.runs.last().map(|run| run.formatting).unwrap_or_default();
            self.describe(|open| open.push(text, formatting));
        }
    }

    fn add_symbol(&mut self, element: &Element<'_>) {
        let font = attribute(element, "font").unwrap_or_default();
        let number = attribute(element, "char").and_then(|hex| u32::from_str_radix(&hex, 16).ok());
        if let Some(sign) = number.and_then(|number| symbols::unicode(&font, number)) {
            self.push(sign.encode_utf8(&mut [0; 4]));
        }
    }

    /// Replaces letters of the private use area, which belong to the font of their run.
    fn signs(&self, text: &str) -> String {
        let font = self.runs.last().map_or("", |run| &run.font);
        let sign = |character| {
            if symbols::is_private(character) {
                symbols::unicode(font, character as u32)
            } else {
                Some(character)
            }
        };
        text.chars().filter_map(sign).collect()
    }

    fn add_note(&mut self, name: &str, element: &Element<'_>) {
        let id = attribute(element, "id").unwrap_or_default();
        if !self.is_shown() {
            return;
        }
        if let Some(note) = self.notes.take(name, &id) {
            self.describe(|open| open.paragraph.notes.push(note));
        }
    }

    fn add_drawing(&mut self, id: Option<String>) {
        if !self.is_shown() {
            return;
        }
        if let Some(text) = id.and_then(|id| self.notes.drawings.remove(&id)) {
            self.describe(|open| open.paragraph.drawings.push(text));
        }
    }

    fn add_alt(&mut self) {
        let alt = self.alt.take().filter(|_| self.is_shown());
        self.describe(|open| open.paragraph.drawings.extend(alt));
    }

    fn end_properties(&mut self) {
        let counts = self.skipped == 0;
        if let Some(open) = self.paragraphs.last_mut() {
            open.end_properties(self.styles, &mut self.lists, counts);
        }
    }

    fn end_paragraph(&mut self) {
        self.fields.end_paragraph();
        let Some(open) = self.paragraphs.pop() else { return };
        let is_drop_cap = open.is_drop_cap;
        let mut paragraph = open.finish();
        if is_drop_cap {
            self.drop_cap.push_str(paragraph.text.trim());
            return;
        }
        if !paragraph.text.trim().is_empty() {
            paragraph.text.insert_str(0, &std::mem::take(&mut self.drop_cap));
        }
        self.prose.add(paragraph);
    }
}
