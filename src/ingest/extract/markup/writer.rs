//! Writes Markdown block by block, and records the source lines of every block.

mod table;

use self::table::MarkupTable;
use super::super::formatting::Formatting;
use super::super::html;
use super::super::notebook::fenced;
use crate::ingest::document::{UnitMark, single_spaced};

/// Longest line of joined fields of one name: `tag: a, b, c`.
const LONGEST_JOINED: usize = 200;

/// How many times the size of the source repeated cells may take, which span several rows.
const REPEATED: usize = 16;

/// Offsets of the first and the last byte in the source.
type Span = Option<(usize, usize)>;

/// The kinds of block that follow each other without a blank line.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Other,
    Item,
    Row,
    Line,
    Field,
}

#[derive(Default)]
struct Block {
    text: String,
    span: Span,
    /// White space was met since the last character.
    space: bool,
}

#[derive(Default)]
pub(super) struct MarkupWriter {
    /// Offset of every line feed of the source.
    line_feeds: Vec<usize>,
    text: String,
    marks: Vec<UnitMark>,
    title: String,
    /// The source range `from..to` that is being read.
    from: usize,
    to: usize,
    block: Block,
    /// Blocks that a note or a label interrupts.
    outer: Vec<Block>,
    notes: Vec<Block>,
    label: String,
    heading: Option<u8>,
    pre: usize,
    lists: usize,
    /// Whether a list item has started of which nothing is written yet.
    marker: bool,
    table: Option<MarkupTable>,
    /// The authors: names, roles, and where they are.
    people: Vec<(String, String, Span)>,
    last: Kind,
    /// The name of the last field written.
    field: String,
    /// Where the last line starts.
    line: usize,
    /// Bytes that repeated cells may still take.
    room: usize,
}

impl MarkupWriter {
    pub(super) fn new(source: &str) -> Self {
        let line_feeds = source.match_indices('\n').map(|(offset, _)| offset).collect();
        Self { line_feeds, room: source.len().saturating_mul(REPEATED), ..Self::default() }
    }

    /// Sets the source offset at which the next event ends.
    pub(super) fn at(&mut self, offset: usize) {
        self.from = std::mem::replace(&mut self.to, offset);
    }

    pub(super) fn finish(mut self) -> (String, String, Vec<UnitMark>) {
        self.end_block();
        self.write_people();
        (self.title, self.text, self.marks)
    }

    pub(super) fn has_table(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn in_row(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.row.is_some())
    }

    pub(super) fn in_cell(&self) -> bool {
        let row = self.table.as_ref().and_then(|table| table.row.as_ref());
        row.is_some_and(|row| row.in_cell)
    }

    pub(super) fn in_heading(&self) -> bool {
        self.heading.is_some()
    }

    pub(super) fn push_text(&mut self, text: &str) {
        let here = (self.from, self.to.saturating_sub(1));
        let span = |old: Span| Some(old.map_or(here, |(first, _)| (first, here.1)));
        let block = &mut self.block;
        if self.pre > 0 {
            block.text.push_str(text);
            block.span = span(block.span);
            return;
        }
        for character in text.chars() {
            if character.is_whitespace() {
                block.space = true;
            } else if !matches!(character, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}') {
                let space = std::mem::take(&mut block.space);
                if space && !block.text.is_empty() && !block.text.ends_with(['\n', ' ']) {
                    block.text.push(' ');
                }
                block.text.push(character);
                block.span = span(block.span);
            }
        }
    }

    /// Bytes of the block so far.
    pub(super) fn length(&self) -> usize {
        self.block.text.len()
    }

    /// Applies a formatting to the block from byte `start` on.
    pub(super) fn end_formatting(&mut self, start: usize, formatting: Formatting) {
        if self.block.text.is_char_boundary(start) {
            formatting.end(&mut self.block.text, start);
        }
    }

    pub(super) fn space(&mut self) {
        self.block.space = true;
    }

    pub(super) fn line_break(&mut self) {
        let breaks = self.heading.is_none() && !self.in_row() && !self.block.text.is_empty();
        if breaks && !self.block.text.ends_with('\n') {
            self.block.text.push('\n');
        }
        self.block.space = true;
    }

    /// Writes the open block if it has text.
    pub(super) fn end_block(&mut self) {
        if self.in_row() || self.heading.is_some() || !self.outer.is_empty() {
            return self.space();
        }
        let block = std::mem::take(&mut self.block);
        if self.pre == 0 {
            let kind = if self.marker { Kind::Item } else { Kind::Other };
            self.write(kind, block.text.trim_end(), block.span);
        }
        for note in std::mem::take(&mut self.notes) {
            self.write(Kind::Other, &format!("Note: {}", note.text), note.span);
        }
    }

    pub(super) fn begin_heading(&mut self, level: u8) {
        self.end_block();
        self.heading = Some(level);
    }

    pub(super) fn end_heading(&mut self) {
        let Some(level) = self.heading.take() else { return };
        let block = std::mem::take(&mut self.block);
        self.write_heading(level, &block.text, block.span);
        self.end_block();
    }

    /// Writes a heading that the source leaves to its publisher.
    pub(super) fn untitled(&mut self, level: u8, title: &str) {
        self.write_heading(level, title, Some((self.from, self.to)));
    }

    fn write_heading(&mut self, level: u8, title: &str, span: Span) {
        let title = single_spaced(&format!("{} {title}", std::mem::take(&mut self.label)));
        if title.is_empty() {
            return;
        }
        self.marker = false;
        self.write(Kind::Other, &format!("{} {title}", "#".repeat(level.into())), span);
        if self.title.is_empty() {
            self.title = title;
        }
    }

    pub(super) fn begin_line(&mut self) {
        self.end_block();
    }

    pub(super) fn end_line(&mut self) {
        let block = std::mem::take(&mut self.block);
        self.write(Kind::Line, &block.text, block.span);
    }

    pub(super) fn begin_item(&mut self) {
        self.end_block();
        self.lists += 1;
        self.marker = true;
    }

    pub(super) fn end_item(&mut self) {
        self.end_block();
        self.marker = false;
        self.lists = self.lists.saturating_sub(1);
    }

    pub(super) fn begin_pre(&mut self) {
        self.end_block();
        self.pre += 1;
    }

    pub(super) fn end_pre(&mut self) {
        self.pre = self.pre.saturating_sub(1);
        let block = std::mem::take(&mut self.block);
        if self.in_row() || self.pre > 0 {
            self.block = block;
        } else if !block.text.trim().is_empty() {
            self.write(Kind::Other, &fenced(&block.text, ""), block.span);
        }
    }

    /// Starts a note, whose text is kept until the block around it is written.
    pub(super) fn begin_note(&mut self) {
        self.outer.push(std::mem::take(&mut self.block));
    }

    pub(super) fn end_note(&mut self) {
        let outer = self.outer.pop().unwrap_or_default();
        let note = std::mem::replace(&mut self.block, outer);
        if self.in_row() {
            // A note cannot follow its cell, so it goes into the cell.
            self.space();
            self.push_text(&format!("({})", note.text));
        } else if !note.text.is_empty() {
            self.notes.push(note);
        }
    }

    /// Starts a label, which is written before what follows.
    pub(super) fn begin_label(&mut self) {
        self.end_block();
        self.outer.push(std::mem::take(&mut self.block));
    }

    pub(super) fn end_label(&mut self) {
        let outer = self.outer.pop().unwrap_or_default();
        let label = std::mem::replace(&mut self.block, outer);
        self.label = label.text;
    }

    /// Writes a line `name: value`; `about` are its attributes.
    pub(super) fn end_field(&mut self, name: &str, about: &str) {
        if self.in_row() || self.heading.is_some() || !self.outer.is_empty() {
            return self.space();
        }
        let Block { text, span, .. } = std::mem::take(&mut self.block);
        let value = single_spaced(&text);
        if value.is_empty() && about.is_empty() {
            return;
        }
        let span = span.or(Some((self.from, self.to.saturating_sub(1))));
        // Feeds have HTML pages as the text of a field.
        if ["</", "<p>", "<br"].iter().any(|tag| value.contains(tag)) {
            let page = html::markdown(&text);
            return self.write(Kind::Other, &format!("{name}:\n\n{page}"), span);
        }
        let joins = self.last == Kind::Field && self.field == name && about.is_empty();
        if joins && self.text.len() - self.line + value.len() < LONGEST_JOINED {
            self.mark(self.text.len(), span);
            self.text.push_str(", ");
            self.text.push_str(&value);
            return;
        }
        let line = match (about.is_empty(), value.is_empty()) {
            (true, _) => format!("{name}: {value}"),
            (false, true) => format!("{name}: {about}"),
            (false, false) => format!("{name} ({about}): {value}"),
        };
        self.write(Kind::Field, &line, span);
        if about.is_empty() {
            name.clone_into(&mut self.field);
        }
    }

    /// Adds an author; all with the same role are written on one line.
    pub(super) fn add_person(&mut self, role: &str, name: &str) {
        let role = match role {
            "editor" => "Editors",
            "translator" => "Translators",
            _ => "Authors",
        };
        if !name.is_empty() {
            let span = Some((self.from, self.to.saturating_sub(1)));
            self.people.push((role.to_owned(), name.to_owned(), span));
        }
    }

    fn write_people(&mut self) {
        let people = std::mem::take(&mut self.people);
        for group in people.chunk_by(|(a, ..), (b, ..)| a == b) {
            let names: Vec<&str> = group.iter().map(|(_, name, _)| name.as_str()).collect();
            let span = group[0].2.zip(group[group.len() - 1].2).map(|(a, b)| (a.0, b.1));
            self.write(Kind::Other, &format!("{}: {}", group[0].0, names.join(", ")), span);
        }
    }

    /// Separates the parts of an entry that has no text between them.
    pub(super) fn separate(&mut self) {
        let text = self.block.text.trim_end();
        if !text.is_empty() && !text.ends_with([',', '.', ';', ':', '(']) {
            self.block.text.push(',');
        }
        self.block.space = true;
    }

    pub(super) fn end_reference(&mut self) {
        let length = self.block.text.trim_end_matches([',', ' ']).len();
        self.block.text.truncate(length);
    }

    fn write(&mut self, kind: Kind, text: &str, span: Span) {
        if text.trim().is_empty() {
            return;
        }
        if !self.people.is_empty() {
            self.write_people();
        }
        self.separate_from_last(kind);
        self.line = self.text.len();
        self.mark(self.line, span);
        self.field.clear();
        if self.lists > 0 {
            let marked = std::mem::take(&mut self.marker);
            let depth = if marked { self.lists - 1 } else { self.lists };
            // Indentation deeper than this adds nothing.
            self.text.push_str(&"  ".repeat(depth.min(8)));
            self.text.push_str(if marked { "- " } else { "" });
        }
        if !self.label.is_empty() {
            self.text.push_str(&std::mem::take(&mut self.label));
            self.text.push(' ');
        }
        self.text.push_str(text);
    }

    fn separate_from_last(&mut self, next: Kind) {
        if !self.text.is_empty() {
            let tight = next != Kind::Other && next == self.last;
            self.text.push_str(if tight { "\n" } else { "\n\n" });
        }
        self.last = next;
    }

    /// Marks that the text from `offset` on comes from the source lines of `span`.
    fn mark(&mut self, offset: usize, span: Span) {
        let Some((first, last)) = span else { return };
        let line = |at: usize| self.line_feeds.partition_point(|feed| *feed < at) as u32 + 1;
        self.marks.push(UnitMark { offset, first: line(first), last: line(last.max(first)) });
    }
}
