//! XML → its text without the tags, as Markdown cited by lines.
//!
//! Documents (`DocBook`, JATS, TEI, FB2, DITA, OPML) are read by the meanings of elements in these
//! vocabularies: titles head sections, tables have columns, footnotes follow their paragraph. All other XML is
//! read by what its elements contain: text with elements in it is a paragraph, text alone is a field, written
//! as a line `name: value`.

mod role;
mod writer;

use self::role::{MarkupRole, MarkupVocabulary, formatting};
use self::writer::MarkupWriter;
use super::encoding::Decoded;
use super::formatting::Formatting;
use super::xml::{self, Element, XmlHandler, attribute, attributes};
use super::{ExtractError, binary, encoding, html};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax, single_spaced};
use crate::types::{ReadingWarning, WarningCode};

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    if let Some(error) = ExtractError::disguised("xml", bytes) {
        return Err(error);
    }
    if let Some(what) = binary::reason(&bytes[..bytes.len().min(encoding::SAMPLE)]) {
        return Err(ExtractError::new(&format!("named as xml, but it is {what}")));
    }
    let Decoded { text: source, mut warnings } = html::decoded(bytes);
    let mut vocabulary = MarkupVocabulary::default();
    if let Err(error) = xml::read(&source, &mut vocabulary) {
        warnings.push(not_well_formed(&error));
        return Ok(Document { text: source, warnings, ..Document::default() });
    }
    if vocabulary.root.eq_ignore_ascii_case("html") {
        return html::document(bytes);
    }
    let writer = MarkupWriter::new(&source);
    let mut reading = Reading { vocabulary, writer, ..Reading::default() };
    // The vocabulary was read from the same text to its end, so this does not fail.
    xml::read(&source, &mut reading)?;
    let (title, text, marks) = reading.writer.finish();
    let places = SourceMap::Marked(LocatorUnit::Line, marks);
    Ok(Document { title, text, syntax: Syntax::Markdown, places, warnings, ..Document::default() })
}

fn not_well_formed(error: &ExtractError) -> ReadingWarning {
    let reason = error.reason.trim_start_matches("damaged or truncated: ");
    let message = format!("not well-formed XML, read with its tags: {reason}");
    ReadingWarning { code: WarningCode::NotWellFormed, message, pages: Vec::new() }
}

/// An open element.
struct Open {
    name: String,
    role: MarkupRole,
    /// Attributes of a field: `id=5`.
    about: String,
    /// Whether it is part of a paragraph, or is one.
    in_text: bool,
    /// The formatting of its text, and where that starts in the block.
    formatting: (Formatting, usize),
}

#[derive(Default)]
struct Reading {
    vocabulary: MarkupVocabulary,
    writer: MarkupWriter,
    open: Vec<Open>,
    /// How many of the open elements have each role.
    sections: usize,
    references: usize,
    skipped: usize,
    /// Parts of a name or a date, which is read as a whole.
    parts: Vec<(String, String)>,
    /// How many open elements collect parts.
    gathers: usize,
}

impl Reading {
    /// The role of an element in its context.
    fn role(&self, name: &str, element: &Element<'_>) -> MarkupRole {
        let role = self.vocabulary.role(name);
        let around = self.open.last();
        let in_text = around.is_some_and(|open| open.in_text);
        match role {
            MarkupRole::Skip => MarkupRole::Skip,
            _ if self.gathers > 0 => MarkupRole::Inline,
            MarkupRole::Cell if self.writer.in_row() && !self.writer.in_cell() => MarkupRole::Cell,
            // A table within a cell is its text.
            _ if self.writer.in_row() => MarkupRole::Inline,
            MarkupRole::Row | MarkupRole::Head if self.writer.has_table() => role,
            MarkupRole::Cell | MarkupRole::Row | MarkupRole::Head => MarkupRole::Container,
            MarkupRole::Table if self.writer.has_table() => MarkupRole::Container,
            _ if self.references > 0 => MarkupRole::Inline,
            MarkupRole::Note if in_text => MarkupRole::Note,
            MarkupRole::Note => MarkupRole::Container,
            MarkupRole::Title if around.is_some_and(|open| is_figure(&open.name)) => {
                MarkupRole::Paragraph
            }
            MarkupRole::Person
            | MarkupRole::Date
            | MarkupRole::Reference
            | MarkupRole::Field
            | MarkupRole::Label
            | MarkupRole::Inline
                if in_text =>
            {
                MarkupRole::Inline
            }
            MarkupRole::Person if attribute(element, "name").is_some() => MarkupRole::Field,
            MarkupRole::Paragraph if self.writer.in_heading() => MarkupRole::Break,
            MarkupRole::Inline => MarkupRole::Paragraph,
            role => role,
        }
    }

    /// How deeply the current section is nested.
    fn level(&self) -> u8 {
        self.sections.clamp(1, 6) as u8
    }

    fn open(&mut self, role: MarkupRole, name: &str, element: &Element<'_>) {
        match role {
            MarkupRole::Section => {
                self.writer.end_block();
                self.sections += 1;
                if matches!(name, "abstract" | "trans-abstract") {
                    self.writer.untitled(self.level(), "Abstract");
                }
            }
            MarkupRole::Title => self.writer.begin_heading(self.level()),
            MarkupRole::Paragraph | MarkupRole::Field | MarkupRole::Container => {
                self.writer.end_block();
            }
            MarkupRole::Line => self.writer.begin_line(),
            MarkupRole::Item => self.writer.begin_item(),
            MarkupRole::Pre => self.writer.begin_pre(),
            MarkupRole::Table => self.writer.begin_table(),
            MarkupRole::Head => self.writer.begin_head(),
            MarkupRole::Row => {
                self.writer.begin_row(attribute(element, "role").as_deref() == Some("label"));
            }
            MarkupRole::Cell => {
                self.writer.begin_cell(name == "th", |name| attribute(element, name));
            }
            MarkupRole::Note => self.writer.begin_note(),
            MarkupRole::Label => self.writer.begin_label(),
            MarkupRole::Person | MarkupRole::Date => {
                self.gathers += 1;
                self.parts.clear();
            }
            MarkupRole::Reference => {
                self.writer.begin_item();
                self.references += 1;
            }
            MarkupRole::Outline => {
                self.writer.begin_item();
                let text = attribute(element, "text").or_else(|| attribute(element, "title"));
                self.writer.push_text(&text.unwrap_or_default());
                if let Some(address) =
                    attribute(element, "xmlUrl").or_else(|| attribute(element, "url"))
                {
                    self.writer.push_text(&format!(" ({address})"));
                }
                self.writer.end_block();
            }
            MarkupRole::Break => self.writer.line_break(),
            MarkupRole::Skip => self.skipped += 1,
            MarkupRole::Inline => {}
        }
    }

    fn close(&mut self, open: Open) {
        let (formatting, start) = open.formatting;
        self.writer.end_formatting(start, formatting);
        match open.role {
            MarkupRole::Section => {
                self.writer.end_block();
                self.sections -= 1;
            }
            MarkupRole::Title => self.writer.end_heading(),
            MarkupRole::Paragraph | MarkupRole::Container => self.writer.end_block(),
            MarkupRole::Field => self.writer.end_field(&open.name, &open.about),
            MarkupRole::Line => self.writer.end_line(),
            MarkupRole::Item | MarkupRole::Outline => self.writer.end_item(),
            MarkupRole::Pre => self.writer.end_pre(),
            MarkupRole::Table => self.writer.end_table(),
            MarkupRole::Head => self.writer.end_head(),
            MarkupRole::Row => self.writer.end_row(),
            MarkupRole::Cell => self.writer.end_cell(),
            MarkupRole::Note => self.writer.end_note(),
            MarkupRole::Label => self.writer.end_label(),
            MarkupRole::Person => {
                self.gathers -= 1;
                let person = person(&std::mem::take(&mut self.parts));
                self.writer.add_person(&open.name, &person);
            }
            MarkupRole::Date => {
                self.gathers -= 1;
                let date = date(&std::mem::take(&mut self.parts));
                self.writer.push_text(&date);
                self.writer.end_field(&open.name, "");
            }
            MarkupRole::Reference => {
                self.references -= 1;
                self.writer.end_reference();
                self.writer.end_item();
            }
            MarkupRole::Skip => self.skipped -= 1,
            MarkupRole::Break => self.writer.line_break(),
            // The parts of an entry that has no text between them.
            MarkupRole::Inline if self.references > 0 => {
                let around = self.open.last().map_or("", |open| open.name.as_str());
                if !self.vocabulary.is_mixed(around) {
                    self.writer.separate();
                }
            }
            MarkupRole::Inline
                if self.writer.in_row()
                    && self.vocabulary.role(&open.name) != MarkupRole::Inline =>
            {
                self.writer.space();
            }
            MarkupRole::Inline => {}
        }
    }
}

impl XmlHandler for Reading {
    fn at(&mut self, offset: usize) {
        self.writer.at(offset);
    }

    fn start(&mut self, name: &str, element: &Element<'_>) {
        let role = if self.skipped > 0 { MarkupRole::Skip } else { self.role(name, element) };
        let in_text = self.open.last().is_some_and(|open| open.in_text);
        self.open(role, name, element);
        let in_text = match role {
            MarkupRole::Title
            | MarkupRole::Paragraph
            | MarkupRole::Line
            | MarkupRole::Field
            | MarkupRole::Label => true,
            MarkupRole::Reference | MarkupRole::Pre | MarkupRole::Cell => true,
            MarkupRole::Item | MarkupRole::Container | MarkupRole::Section | MarkupRole::Note => {
                self.vocabulary.is_mixed(name)
            }
            _ => in_text,
        };
        let mut about = String::new();
        if !self.vocabulary.is_document() {
            about = attributes(element).join(", ");
            if matches!(role, MarkupRole::Container | MarkupRole::Section) && !about.is_empty() {
                self.writer.push_text(&about);
                self.writer.end_field(name, "");
                about.clear();
            }
        }
        let formatting = match role {
            MarkupRole::Inline => {
                let rendition = attribute(element, "rend").or_else(|| attribute(element, "role"));
                formatting(name, rendition.as_deref())
            }
            _ => Formatting::default(),
        };
        let formatting = (formatting, self.writer.length());
        self.open.push(Open { name: name.to_owned(), role, about, in_text, formatting });
    }

    fn end(&mut self, _: &str) {
        if let Some(open) = self.open.pop() {
            self.close(open);
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped > 0 {
            return;
        }
        if self.gathers > 0 {
            let name = self.open.last().map(|open| open.name.clone()).unwrap_or_default();
            if !text.trim().is_empty() {
                self.parts.push((name, single_spaced(text)));
            }
            return;
        }
        self.writer.push_text(text);
    }
}

/// Whether an element has a caption as its title.
fn is_figure(name: &str) -> bool {
    matches!(
        name,
        "caption" | "figure" | "fig" | "table" | "table-wrap" | "informaltable" | "equation"
    )
}

/// Joins the parts of a name, in whatever order they are: `Ann Mary Lee`.
fn person(parts: &[(String, String)]) -> String {
    let named = |names: &[&str]| {
        let parts = parts.iter().filter(|(name, _)| names.contains(&name.as_str()));
        parts.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
    };
    let given = named(&["given-names", "firstname", "first-name", "forename", "givenname"]);
    let middle = named(&["middle-name", "othername"]);
    let family = named(&["surname", "last-name"]);
    let whole: Vec<&str> = [&given, &middle, &family].into_iter().map(String::as_str).collect();
    let name = single_spaced(&whole.join(" "));
    if !name.is_empty() {
        return name;
    }
    let all: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
    all.join(" ")
}

/// Joins year, month and day: `2024-03-01`; any other date is left as written.
fn date(parts: &[(String, String)]) -> String {
    let part = |wanted: &str| {
        let found = parts.iter().find(|(name, _)| name == wanted);
        found.map(|(_, text)| text.as_str()).filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
    };
    match (part("year"), part("month"), part("day")) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month:0>2}-{day:0>2}"),
        (Some(year), Some(month), None) => format!("{year}-{month:0>2}"),
        _ => parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests;
