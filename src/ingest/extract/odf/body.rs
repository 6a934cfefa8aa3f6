//! The text of an ODT → Markdown. Paragraphs and headings are numbered from 1, including those of tables and
//! text boxes.

use std::collections::HashSet;

use super::Objects;
use super::formula::OdfFormula;
use super::lists::OdfLists;
use super::spans::Spans;
use super::styles::OdfStyles;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::alt;
use crate::ingest::extract::formatting::{Formatted, Formatting};
use crate::ingest::extract::prose::{Paragraph, ParagraphRole, Prose};
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// Reads a part, in which its own styles precede its text. `comments`: whether reviewers' comments are text.
pub(super) fn read(
    xml: &str,
    styles: OdfStyles,
    objects: &Objects,
    comments: bool,
) -> Result<Prose, ExtractError> {
    let mut body = Body {
        styles,
        objects,
        drawn: HashSet::new(),
        comments,
        lists: OdfLists::default(),
        prose: Prose::default(),
        count: 0,
        paragraphs: Vec::new(),
        spans: Vec::new(),
        notes: Vec::new(),
        tables: Vec::new(),
        formula: None,
        in_creator: false,
        alt: None,
        skipped: 0,
    };
    xml::read(xml, &mut body)?;
    while !body.paragraphs.is_empty() {
        body.end_paragraph();
    }
    Ok(body.prose.finish())
}

struct Body<'a> {
    styles: OdfStyles,
    objects: &'a Objects,
    /// The objects that were already written.
    drawn: HashSet<&'a str>,
    comments: bool,
    lists: OdfLists,
    prose: Prose,
    count: u32,
    /// Open paragraphs: a paragraph can contain another, in a text box or a note.
    paragraphs: Vec<Open>,
    /// For each open span, whether its letters are hidden, and their formatting.
    spans: Vec<(bool, Formatting)>,
    /// Open notes.
    notes: Vec<Note>,
    tables: Vec<Table>,
    formula: Option<OdfFormula>,
    in_creator: bool,
    /// The alternative text of a picture, while it is read.
    alt: Option<String>,
    /// Depth of open elements that are not text.
    skipped: usize,
}

/// A paragraph being read.
struct Open {
    paragraph: Paragraph,
    /// Whether its letters are hidden.
    hidden: bool,
    /// The formatting of its style, and that at the end of its text so far.
    formatting: Formatting,
    formatted: Formatted,
}

#[derive(Default)]
struct Note {
    author: String,
    text: String,
}

#[derive(Default)]
struct Table {
    spans: Spans,
    in_header: bool,
}

impl Body<'_> {
    /// Whether an element is deleted text, the name of a picture, or the mark of a note.
    fn is_skipped(&self, name: &str) -> bool {
        match name {
            // Names of pictures are in a paragraph; charts have titles, too.
            "desc" | "title" => !self.paragraphs.is_empty(),
            "tracked-changes" | "note-citation" | "ruby-text" | "forms" | "binary-data"
            | "date" | "date-string" | "meta" | "page-thumbnail" => true,
            "annotation" => !self.comments,
            _ => false,
        }
    }
}

impl XmlHandler for Body<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if let Some(formula) = &mut self.formula {
            return formula.start(name);
        }
        // The date of a comment is not shown in the text; other dates are.
        if self.is_skipped(name) && (name != "date" || !self.notes.is_empty()) {
            self.alt = (name == "desc" && self.skipped == 0).then(String::new);
            self.skipped += 1;
        }
        if self.skipped > 0 || self.lists.start(name, element, &self.styles) {
            return;
        }
        match name {
            "p" => self.begin_paragraph(element),
            "h" => self.begin_heading(element),
            "span" => self.begin_span(element),
            "s" => self.push(" "),
            "tab" => self.push(" "),
            "line-break" => self.push("\n"),
            "note-body" | "annotation" => self.notes.push(Note::default()),
            "creator" => self.in_creator = true,
            "table" | "sub-table" => self.tables.push(Table::default()),
            "table-header-rows" => self.set_header(true),
            "table-row" => self.begin_row(element),
            "table-cell" | "covered-table-cell" => self.begin_cell(name, element),
            "math" => {
                let mut formula = OdfFormula::default();
                formula.start(name);
                self.formula = Some(formula);
            }
            "object" => self.add_object(element),
            _ => self.styles.start(name, element),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(formula) = &mut self.formula {
            if formula.end(name) {
                let text = self.formula.take().map(OdfFormula::finish).unwrap_or_default();
                self.push(&text);
            }
            return;
        }
        if self.is_skipped(name) && (name != "date" || !self.notes.is_empty()) {
            self.skipped = self.skipped.saturating_sub(1);
            let alt = self.alt.take().and_then(|alt| alt::line(&alt));
            if let Some(open) = self.paragraphs.last_mut() {
                open.paragraph.drawings.extend(alt);
            }
            return;
        }
        if self.skipped > 0 {
            return;
        }
        self.lists.end(name);
        match name {
            "p" | "h" => self.end_paragraph(),
            "span" => {
                self.spans.pop();
            }
            "note-body" | "annotation" => self.end_note(),
            "creator" => self.in_creator = false,
            "table-header-rows" => self.set_header(false),
            "table-row" => self.prose.end_row(),
            "table" | "sub-table" => {
                self.tables.pop();
                self.prose.end_table();
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(formula) = &mut self.formula {
            formula.text(text);
        } else if self.in_creator {
            if let Some(note) = self.notes.last_mut() {
                note.author.push_str(text);
            }
        } else if let Some(alt) = &mut self.alt {
            alt.push_str(text);
        } else {
            self.push(text);
        }
    }
}

impl Body<'_> {
    fn begin_paragraph(&mut self, element: &Element<'_>) {
        let style = attribute(element, "style-name").unwrap_or_default();
        let mut paragraph = self.paragraph();
        if let Some(level) = self.lists.level() {
            // After the first paragraph of an item, its text continues as plain text.
            if let Some(label) = self.lists.take_label() {
                (paragraph.meaning, paragraph.label) = (ParagraphRole::Item, label);
                paragraph.level = level;
            }
        } else if self.styles.is_title(&style) {
            paragraph.meaning = ParagraphRole::Title;
        }
        self.open_paragraph(paragraph, &style);
    }

    fn open_paragraph(&mut self, paragraph: Paragraph, style: &str) {
        let hidden = self.styles.is_hidden("paragraph", style);
        let formatting = self.styles.formatting("paragraph", style);
        let formatted = Formatted::default();
        self.paragraphs.push(Open { paragraph, hidden, formatting, formatted });
    }

    fn begin_heading(&mut self, element: &Element<'_>) {
        let style = attribute(element, "style-name").unwrap_or_default();
        let level = attribute(element, "outline-level").and_then(|level| level.parse().ok());
        let level: u8 = level.unwrap_or(1).max(1);
        let mut paragraph = self.paragraph();
        paragraph.meaning = ParagraphRole::Heading(level);
        let unnumbered = attribute(element, "is-list-header").as_deref() == Some("true");
        let of_list = self.lists.take_label().filter(|label| !label.is_empty());
        if let Some(label) = of_list {
            paragraph.label = label;
        } else if !unnumbered {
            let start = attribute(element, "start-value").and_then(|start| start.parse().ok());
            let level = usize::from(level) - 1;
            paragraph.label = self.lists.heading(level, start, &self.styles);
        }
        self.open_paragraph(paragraph, &style);
    }

    /// Starts the next paragraph; those of notes are not counted.
    fn paragraph(&mut self) -> Paragraph {
        self.count += u32::from(self.notes.is_empty());
        Paragraph { number: self.count, ..Paragraph::default() }
    }

    fn begin_span(&mut self, element: &Element<'_>) {
        let style = attribute(element, "style-name").unwrap_or_default();
        let outer = self.spans.last().map(|(_, formatting)| *formatting);
        let outer = outer.or_else(|| self.paragraphs.last().map(|open| open.formatting));
        let formatting = self.styles.formatting("text", &style).within(outer.unwrap_or_default());
        self.spans.push((self.styles.is_hidden("text", &style), formatting));
    }

    fn push(&mut self, text: &str) {
        if self.skipped > 0 || self.spans.iter().any(|(hidden, _)| *hidden) {
            return;
        }
        if let Some(open) = self.paragraphs.last_mut().filter(|open| !open.hidden) {
            let formatting = self.spans.last().map_or(open.formatting, |(_, of_span)| *of_span);
            open.formatted.set(&mut open.paragraph.text, formatting);
            open.paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(Open { mut paragraph, mut formatted, .. }) = self.paragraphs.pop() else { return };
        formatted.end(&mut paragraph.text);
        match self.notes.last_mut() {
            Some(note) => {
                note.text.push_str(&paragraph.text);
                note.text.push('\n');
            }
            None => self.prose.add(paragraph),
        }
    }

    fn end_note(&mut self) {
        let Some(Note { author, text }) = self.notes.pop() else { return };
        if text.trim().is_empty() {
            return;
        }
        let author = author.trim();
        let text =
            if author.is_empty() { text } else { format!("Comment by {author}: {}", text.trim()) };
        if let Some(open) = self.paragraphs.last_mut() {
            open.paragraph.notes.push(text);
        }
    }

    fn set_header(&mut self, in_header: bool) {
        if let Some(table) = self.tables.last_mut() {
            table.in_header = in_header;
        }
    }

    fn begin_row(&mut self, element: &Element<'_>) {
        self.prose.begin_row();
        if matches!(attribute(element, "visibility").as_deref(), Some("collapse" | "filter")) {
            self.prose.hide_row();
        }
        if let Some(table) = self.tables.last_mut() {
            table.spans.begin_row();
            self.prose.set_header(table.in_header);
        }
    }

    fn begin_cell(&mut self, name: &str, element: &Element<'_>) {
        let Some(table) = self.tables.last_mut() else { return };
        for cell in table.spans.cells(name, element) {
            self.prose.begin_cell(cell);
        }
    }

    /// Adds a formula, chart or sheet that is a separate part.
    fn add_object(&mut self, element: &Element<'_>) {
        let name = attribute(element, "href").unwrap_or_default();
        let objects = self.objects;
        let Some((name, object)) = objects.get_key_value(name.trim_start_matches("./")) else {
            return;
        };
        // Each object is written once.
        if !self.drawn.insert(name) {
            return;
        }
        if let Some(formula) = &object.formula {
            self.push(formula);
        }
        if !object.text.is_empty()
            && let Some(open) = self.paragraphs.last_mut()
        {
            open.paragraph.drawings.push(object.text.clone());
        }
    }
}
