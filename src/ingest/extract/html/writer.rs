//! Writes Markdown block by block, and records the source lines of every line written.

use super::inline::{HtmlInline, HtmlLine};
use super::role::ElementRole;
use super::rows::{HtmlCell, HtmlRow, HtmlTable};
use crate::ingest::document::UnitMark;
use crate::ingest::extract::table;

/// The kinds of block that follow each other without a blank line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Item,
    Row,
    Other,
}

pub(super) struct HtmlWriter {
    /// Offset of every line feed of the source.
    line_feeds: Vec<usize>,
    text: String,
    marks: Vec<UnitMark>,
    first_heading: String,
    last: Block,

    /// Lines of the current block.
    lines: Vec<HtmlLine>,
    /// Whether white space was met since the last character.
    space: bool,
    pre: usize,
    heading: Option<u8>,
    /// The open lists; for numbered ones, the number of the last item.
    lists: Vec<Option<u32>>,
    /// The marker of a list item of which nothing is written yet.
    marker: Option<String>,
    /// The open tables.
    tables: Vec<HtmlTable>,
    /// Cells started in the current row, one for each of the lines.
    cells: Option<Vec<HtmlCell>>,
    inline: HtmlInline,
    /// Bytes that may still be repeated.
    room: usize,
}

impl HtmlWriter {
    pub(super) fn new(source: &str) -> Self {
        Self {
            line_feeds: source.match_indices('\n').map(|(offset, _)| offset).collect(),
            text: String::new(),
            marks: Vec::new(),
            first_heading: String::new(),
            last: Block::Other,
            lines: Vec::new(),
            space: false,
            pre: 0,
            heading: None,
            lists: Vec::new(),
            marker: None,
            tables: Vec::new(),
            cells: None,
            inline: HtmlInline::default(),
            room: table::room(source.len()),
        }
    }

    /// Starts an element.
    pub(super) fn open(&mut self, role: ElementRole) {
        if self.is_line_of_code(role) {
            return self.end_line_of_code();
        }
        if role.is_block() {
            self.boundary();
        }
        match role {
            ElementRole::Heading(level) => self.heading = Some(level),
            ElementRole::Pre => self.pre += 1,
            ElementRole::List { ordered } => self.lists.push(ordered.then_some(0)),
            ElementRole::Item => self.begin_item(),
            ElementRole::Script(_) | ElementRole::Struck => self.inline.open(role, &self.lines),
            ElementRole::Row if self.tables.last().is_some_and(|table| !table.is_layout) => {
                self.end_block();
                self.cells = Some(Vec::new());
            }
            _ => {}
        }
    }

    /// Ends an element.
    pub(super) fn close(&mut self, role: ElementRole) {
        if self.is_line_of_code(role) {
            return self.end_line_of_code();
        }
        if role.is_block() && role != ElementRole::Row {
            self.boundary();
        }
        match role {
            ElementRole::Heading(_) => self.heading = None,
            ElementRole::Pre => self.pre = self.pre.saturating_sub(1),
            ElementRole::List { .. } => {
                self.lists.pop();
            }
            ElementRole::Item if self.cells.is_none() => self.marker = None,
            ElementRole::Table => {
                self.end_block();
                self.cells = None;
                self.write_rows();
                self.tables.pop();
            }
            ElementRole::TableSection => self.begin_section(false),
            ElementRole::Row => {
                self.end_block();
                self.cells = None;
            }
            ElementRole::Cell if self.cells.is_none() => self.end_block(),
            ElementRole::Script(_) | ElementRole::Struck => {
                self.inline.close(role, &mut self.lines);
            }
            _ => {}
        }
    }

    /// Whether this starts a line of code: some tools make each line of a listing a block.
    fn is_line_of_code(&self, role: ElementRole) -> bool {
        self.pre > 0 && matches!(role, ElementRole::Block | ElementRole::Paragraph)
    }

    fn end_line_of_code(&mut self) {
        if self.lines.last().is_some_and(|line| !line.text.is_empty()) {
            self.lines.push(HtmlLine::default());
        }
    }

    /// Writes a character of the text, from offset `at` of the source.
    pub(super) fn push(&mut self, character: char, at: usize) {
        if matches!(character, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\r') {
            return;
        }
        if self.lines.is_empty() {
            self.lines.push(HtmlLine::default());
        }
        if self.pre > 0 {
            return self.push_preformatted(character, at);
        }
        if character.is_whitespace() {
            self.space = true;
            return;
        }
        let space = std::mem::take(&mut self.space);
        if let Some(line) = self.lines.last_mut() {
            if space && !line.text.is_empty() && !line.text.ends_with(' ') {
                line.text.push(' ');
            }
            self.inline.begin(line);
            line.push(character, at);
        }
    }

    /// Whether text that comes next would be a part of the word before it, which ends in a letter, or in a
    /// letter and the end of a sentence.
    pub(super) fn ends_with_word(&self) -> bool {
        let line = self.lines.last().filter(|_| self.pre == 0 && !self.space);
        let word = line.map_or("", |line| line.text.as_str());
        let word = word.strip_suffix(['"', '\'', '”', '’', ')', '»']).unwrap_or(word);
        let word = word.strip_suffix(['.', ',', ';', ':', '!', '?']).unwrap_or(word);
        let word = word.strip_suffix(['"', '\'', '”', '’', ')', '»']).unwrap_or(word);
        word.chars().rev().take(2).filter(|character| character.is_alphabetic()).count() == 2
    }

    /// Whether the current line has text.
    pub(super) fn is_in_line(&self) -> bool {
        self.lines.last().is_some_and(|line| !line.text.is_empty())
    }

    pub(super) fn line_break(&mut self) {
        self.inline.end_line(&mut self.lines);
        if self.pre == 0 && (self.cells.is_some() || self.heading.is_some()) {
            self.space = true;
        } else if self.pre > 0 || self.lines.last().is_some_and(|line| !line.text.is_empty()) {
            self.lines.push(HtmlLine::default());
            self.space = false;
        }
    }

    /// Writes the current block if it has text.
    pub(super) fn end_block(&mut self) {
        self.space = false;
        self.inline.end_block(&mut self.lines);
        let lines = std::mem::take(&mut self.lines);
        if self.pre > 0 {
            self.write_preformatted(&lines);
        } else if let Some(level) = self.heading {
            self.write_heading(level, lines);
        } else if let Some(cells) = &mut self.cells {
            let plain = HtmlCell::of("td", |_| None);
            let cells = std::mem::take(cells).into_iter().chain(std::iter::repeat(plain));
            if let Some(table) = self.tables.last_mut() {
                let cells = cells.zip(lines).collect();
                table.rows.push(HtmlRow { cells, section: table.section });
            }
        } else {
            // Text in a table, but outside of its rows, stays where it is.
            if lines.iter().any(|line| line.span.is_some()) {
                self.write_rows();
            }
            self.write_text(lines, false);
        }
    }

    /// Returns the text, its marks, and the first heading.
    pub(super) fn finish(mut self) -> (String, Vec<UnitMark>, String) {
        self.end_block();
        (self.text, self.marks, self.first_heading)
    }

    /// Separates blocks; within a row of a table, with a space.
    pub(super) fn boundary(&mut self) {
        if self.cells.is_some() {
            self.space = true;
        } else {
            self.end_block();
        }
    }

    fn begin_item(&mut self) {
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        if self.cells.is_none() {
            self.marker = Some(marker);
        }
    }

    pub(super) fn begin_table(&mut self, table: HtmlTable) {
        self.tables.push(table);
    }

    /// Starts or ends a part of a table.
    pub(super) fn begin_section(&mut self, is_head: bool) {
        if let Some(table) = self.tables.last_mut() {
            table.section = (table.section.0 + 1, is_head);
        }
    }

    pub(super) fn begin_cell(&mut self, cell: HtmlCell) {
        let Some(cells) = self.cells.as_mut() else {
            if !cell.is_skipped {
                self.end_block();
            }
            return;
        };
        let is_first = cells.is_empty();
        cells.push(cell);
        self.space = false;
        self.inline.end_line(&mut self.lines);
        if self.pre > 0 || self.heading.is_some() {
            if self.lines.is_empty() {
                self.lines.push(HtmlLine::default());
            }
            if let Some(line) = self.lines.last_mut().filter(|_| !is_first && !cell.is_skipped) {
                line.text.push_str(" | ");
            }
        } else if !is_first || self.lines.is_empty() {
            self.lines.push(HtmlLine::default());
        }
    }

    /// Writes the pending rows of the innermost table.
    fn write_rows(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        let lines = table.lines(&mut self.room);
        table.rows.clear();
        for line in lines {
            self.write_text(vec![line], true);
        }
    }

    fn push_preformatted(&mut self, character: char, at: usize) {
        let Some(line) = self.lines.last_mut() else { return };
        if character == '\n' {
            line.span = line.span.or(Some((at, at)));
            self.lines.push(HtmlLine::default());
        } else {
            line.push(if character == '\u{A0}' { ' ' } else { character }, at);
        }
    }

    fn write_preformatted(&mut self, lines: &[HtmlLine]) {
        let has_text = |line: &HtmlLine| !line.text.trim().is_empty();
        let (Some(first), Some(last)) =
            (lines.iter().position(has_text), lines.iter().rposition(has_text))
        else {
            return;
        };
        let lines = &lines[first..=last];
        let longest = lines.iter().map(|line| longest_run(&line.text, '`')).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        self.separate(Block::Other);
        self.marker = None;
        self.mark(lines[0].span);
        self.text.push_str(&fence);
        for line in lines {
            self.text.push('\n');
            self.mark(line.span);
            self.text.push_str(line.text.trim_end());
        }
        self.text.push('\n');
        self.text.push_str(&fence);
    }

    fn write_heading(&mut self, level: u8, lines: Vec<HtmlLine>) {
        let Some(line) = lines.into_iter().next().filter(|line| !line.text.is_empty()) else {
            return;
        };
        self.separate(Block::Other);
        self.marker = None;
        self.mark(line.span);
        self.text.push_str(&"#".repeat(level.into()));
        self.text.push(' ');
        self.text.push_str(&line.text);
        if self.first_heading.is_empty() {
            self.first_heading = line.text;
        }
    }

    fn write_text(&mut self, lines: Vec<HtmlLine>, is_row: bool) {
        let lines: Vec<HtmlLine> = lines.into_iter().filter(|line| line.span.is_some()).collect();
        if lines.is_empty() {
            return;
        }
        let marker = self.marker.take();
        self.separate(match (&marker, is_row) {
            (_, true) => Block::Row,
            (Some(_), _) => Block::Item,
            _ => Block::Other,
        });
        let depth = self.lists.len().max(usize::from(marker.is_some()));
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.text.push('\n');
            }
            self.mark(line.span);
            match marker.as_ref().filter(|_| index == 0) {
                Some(marker) => {
                    self.text.push_str(&"  ".repeat(depth.saturating_sub(1)));
                    self.text.push_str(marker);
                }
                None => self.text.push_str(&"  ".repeat(depth)),
            }
            self.text.push_str(line.text.trim_end());
        }
    }

    /// Ends the previous block with a blank line, or, between items and between rows, without one.
    fn separate(&mut self, next: Block) {
        if !self.text.is_empty() {
            let tight = next != Block::Other && next == self.last;
            self.text.push_str(if tight { "\n" } else { "\n\n" });
        }
        self.last = next;
    }

    /// Marks that the text from here on comes from the source lines of `span`.
    fn mark(&mut self, span: Option<(usize, usize)>) {
        let Some((first, last)) = span else { return };
        let line = |offset| self.line_feeds.partition_point(|feed| *feed < offset) as u32 + 1;
        let mark = UnitMark { offset: self.text.len(), first: line(first), last: line(last) };
        let same = |before: &UnitMark| (before.first, before.last) == (mark.first, mark.last);
        if !self.marks.last().is_some_and(same) {
            self.marks.push(mark);
        }
    }
}

/// Length of the longest run of `wanted`.
fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}
