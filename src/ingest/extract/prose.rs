//! Paragraphs and tables as word processors have them → Markdown, each with its place.
//!
//! A note is written on a line of its own after the paragraph, item or table that has its mark: no sentence is
//! split, and a passage with the sentence has the note too. The mark is left out: a number after a word would
//! be taken for a part of the word, and `[1]` for a citation.

use super::table::{Grid, GridCell};
use crate::ingest::document::{UnitMark, single_spaced};

/// What a paragraph is in its document.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum ParagraphRole {
    Title,
    /// Its level, from 1.
    Heading(u8),
    Item,
    #[default]
    Plain,
}

#[derive(Clone, Default, Debug)]
pub(super) struct Paragraph {
    /// Its number in the document, as its place.
    pub(super) number: u32,
    pub(super) text: String,
    pub(super) meaning: ParagraphRole,
    /// Depth in its list, from 0.
    pub(super) level: usize,
    /// Its number as shown: `2.1`, `(a)`; empty if it has none, or a bullet.
    pub(super) label: String,
    /// The texts of its notes.
    pub(super) notes: Vec<String>,
    /// What is anchored to it: charts, diagrams.
    pub(super) drawings: Vec<String>,
}

impl Paragraph {
    fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.notes.is_empty() && self.drawings.is_empty()
    }

    /// The text on one line, with the paragraph's number.
    fn one_line(&self) -> String {
        labelled(&self.label, &single_spaced(&self.text))
    }
}

/// The text that is built from paragraphs and tables, in order.
#[derive(Default, Debug)]
pub(super) struct Prose {
    /// The text of the title paragraph, else of the first heading.
    pub(super) title: String,
    pub(super) text: String,
    pub(super) marks: Vec<UnitMark>,
    titled: bool,
    /// Whether the next item continues a list.
    in_list: bool,
    /// Rows of the open tables: a table may be in a cell of another.
    rows: Vec<Row>,
    /// The outermost table that rows are added to.
    grid: Grid,
    /// What follows the outermost table.
    behind: Vec<String>,
}

/// A row being read.
#[derive(Default, Debug)]
struct Row {
    cells: Vec<(GridCell, Vec<Paragraph>)>,
    is_header: bool,
    /// Whether the row is not shown.
    is_hidden: bool,
}

impl Prose {
    pub(super) fn add(&mut self, paragraph: Paragraph) {
        if paragraph.is_empty() {
            return;
        }
        match self.rows.last_mut().and_then(|row| row.cells.last_mut()) {
            Some((_, cell)) => cell.push(paragraph),
            None => self.write_paragraph(&paragraph),
        }
    }

    pub(super) fn begin_row(&mut self) {
        self.rows.push(Row::default());
    }

    pub(super) fn set_header(&mut self, is_header: bool) {
        if let Some(row) = self.rows.last_mut() {
            row.is_header = is_header;
        }
    }

    pub(super) fn hide_row(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.is_hidden = true;
        }
    }

    /// A cell outside of a row is ignored.
    pub(super) fn begin_cell(&mut self, cell: GridCell) {
        if let Some(row) = self.rows.last_mut() {
            row.cells.push((cell, Vec::new()));
        }
    }

    pub(super) fn describe_cell(&mut self, change: impl FnOnce(&mut GridCell)) {
        if let Some((cell, _)) = self.rows.last_mut().and_then(|row| row.cells.last_mut()) {
            change(cell);
        }
    }

    /// A table with one cell in each row is a frame around paragraphs. Rows of a table within a cell become
    /// paragraphs of that cell.
    pub(super) fn end_row(&mut self) {
        let Some(row) = self.rows.pop().filter(|row| !row.is_hidden) else { return };
        let in_cell = self.rows.last_mut().and_then(|outer| outer.cells.last_mut());
        if let Some((_, cell)) = in_cell {
            cell.extend(row.cells.into_iter().flat_map(|(_, paragraphs)| paragraphs));
        } else if row.cells.len() == 1 && self.grid.is_empty() {
            for paragraph in row.cells.iter().flat_map(|(_, paragraphs)| paragraphs) {
                self.write_paragraph(paragraph);
            }
        } else {
            self.add_row(row);
        }
    }

    /// Ends a table; the text of a table within a cell becomes part of that cell.
    pub(super) fn end_table(&mut self) {
        if !self.rows.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.grid).into_lines();
        if !lines.text.is_empty() {
            self.separate(false);
            let start = self.text.len();
            self.text.push_str(&lines.text);
            let marks = lines.marks.into_iter();
            self.marks.extend(marks.map(|mark| UnitMark { offset: start + mark.offset, ..mark }));
        }
        for text in std::mem::take(&mut self.behind) {
            self.separate(false);
            self.text.push_str(&text);
        }
        self.in_list = false;
    }

    /// Ends what is still open.
    pub(super) fn finish(mut self) -> Self {
        while !self.rows.is_empty() {
            self.end_row();
        }
        self.end_table();
        self
    }

    fn add_row(&mut self, mut row: Row) {
        let numbers = row.cells.iter().flat_map(|(_, paragraphs)| paragraphs).map(|p| p.number);
        let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else { return };
        for paragraph in row.cells.iter_mut().flat_map(|(_, paragraphs)| paragraphs) {
            self.behind.append(&mut paragraph.notes);
            self.behind.append(&mut paragraph.drawings);
        }
        let text = |paragraphs: &[Paragraph]| {
            paragraphs.iter().map(Paragraph::one_line).collect::<Vec<_>>().join(" ")
        };
        let cells = row.cells.into_iter();
        let cells = cells
            .map(|(cell, paragraphs)| GridCell { text: single_spaced(&text(&paragraphs)), ..cell });
        let cells: Vec<GridCell> = cells.collect();
        self.grid.push(&cells, row.is_header, first, last);
    }

    fn write_paragraph(&mut self, paragraph: &Paragraph) {
        let text = paragraph.text.trim();
        let (block, tight) = match paragraph.meaning {
            _ if text.is_empty() => (String::new(), false),
            ParagraphRole::Title => (format!("# {}", paragraph.one_line()), false),
            ParagraphRole::Heading(level) => {
                let marks = "#".repeat(usize::from(level).clamp(1, 6));
                (format!("{marks} {}", paragraph.one_line()), false)
            }
            ParagraphRole::Item => item(paragraph),
            ParagraphRole::Plain => (labelled(&paragraph.label, &lines(text, "\n")), false),
        };
        self.take_title(paragraph);
        if !block.is_empty() {
            self.separate(tight && self.in_list);
            self.mark(paragraph);
            self.text.push_str(&block);
        }
        self.in_list = tight;
        let notes = paragraph.notes.iter().map(|note| (lines(note, "\n"), true));
        let drawings = paragraph.drawings.iter().map(|text| (text.clone(), false));
        for (text, close) in notes.chain(drawings) {
            let close = close
                && !matches!(paragraph.meaning, ParagraphRole::Title | ParagraphRole::Heading(_));
            self.separate(close);
            if block.is_empty() {
                self.mark(paragraph);
            }
            let indent = if close && tight {
                "  ".repeat(paragraph.level.min(DEEPEST) + 1)
            } else {
                String::new()
            };
            self.text.push_str(&indent);
            self.text.push_str(&text.replace('\n', &format!("\n{indent}")));
            self.in_list &= close;
        }
    }

    fn take_title(&mut self, paragraph: &Paragraph) {
        match paragraph.meaning {
            ParagraphRole::Title if !self.titled => {
                self.title = single_spaced(&paragraph.text);
                self.titled = true;
            }
            ParagraphRole::Heading(_) if self.title.is_empty() => self.title = paragraph.one_line(),
            _ => {}
        }
    }

    fn separate(&mut self, tight: bool) {
        if !self.text.is_empty() {
            self.text.push_str(if tight { "\n" } else { "\n\n" });
        }
    }

    fn mark(&mut self, paragraph: &Paragraph) {
        let (offset, number) = (self.text.len(), paragraph.number);
        self.marks.push(UnitMark { offset, first: number, last: number });
    }
}

/// Deepest list level that is indented.
const DEEPEST: usize = 8;

/// An item, and whether it belongs to a tight list. What Markdown knows as a list item becomes one; others
/// become paragraphs with their numbers.
fn item(paragraph: &Paragraph) -> (String, bool) {
    let label = if paragraph.label.is_empty() { "-" } else { &paragraph.label };
    let figures = label.strip_suffix(['.', ')']).unwrap_or_default();
    let is_figure = (1..=9).contains(&figures.len()) && figures.bytes().all(|b| b.is_ascii_digit());
    if label != "-" && !is_figure {
        return (labelled(label, &lines(&paragraph.text, "\n")), false);
    }
    let indent = "  ".repeat(paragraph.level.min(DEEPEST));
    (format!("{indent}{label} {}", lines(&paragraph.text, &format!("\n{indent}  "))), true)
}

fn labelled(label: &str, text: &str) -> String {
    if label.is_empty() { text.to_owned() } else { format!("{label} {text}").trim_end().to_owned() }
}

/// The lines of a paragraph, trimmed, with `separator` between them.
fn lines(text: &str, separator: &str) -> String {
    let lines = text.lines().map(single_spaced);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(number: u32, meaning: ParagraphRole, label: &str, text: &str) -> Paragraph {
        let (label, text) = (label.to_owned(), text.to_owned());
        Paragraph { number, text, meaning, label, ..Paragraph::default() }
    }

    #[test]
    fn notes_follow_what_has_their_mark() {
        let with_note = |mut paragraph: Paragraph| {
            paragraph.notes = vec!["Not in May.".to_owned(), "Nor in June.".to_owned()];
            paragraph
        };
        let mut prose = Prose::default();
        prose.add(with_note(paragraph(1, ParagraphRole::Heading(2), "2.1", "Fees")));
        prose.add(with_note(paragraph(2, ParagraphRole::Plain, "", "Due at once.")));
        prose.add(with_note(paragraph(3, ParagraphRole::Item, "", "one")));
        prose.add(paragraph(4, ParagraphRole::Item, "2.", "two"));
        prose.add(with_note(paragraph(5, ParagraphRole::Item, "(c)", "three")));
        for (number, cells) in [(6, ["Port", "Fee", "Note"]), (9, ["Oslo", "3", "x"])] {
            prose.begin_row();
            for (at, text) in (number..).zip(cells) {
                prose.begin_cell(GridCell::default());
                prose.add(if at == 10 {
                    with_note(paragraph(at, ParagraphRole::Plain, "", text))
                } else {
                    paragraph(at, ParagraphRole::Plain, "", text)
                });
            }
            prose.end_row();
        }
        let prose = prose.finish();
        let expected = "## 2.1 Fees\n\nNot in May.\n\nNor in June.\n\nDue at once.\nNot in May.\nNor in June.\n\n\
            - one\n  Not in May.\n  Nor in June.\n2. two\n\n(c) three\nNot in May.\nNor in June.\n\n\
            Port: Oslo | Fee: 3 | Note: x\n\nNot in May.\n\nNor in June.";
        assert_eq!(prose.text, expected);
        assert_eq!(prose.title, "2.1 Fees");
    }

    #[test]
    fn a_table_that_does_not_end_is_written() {
        let mut prose = Prose::default();
        prose.begin_row();
        for text in ["a", "b"] {
            prose.begin_cell(GridCell::default());
            prose.add(paragraph(1, ParagraphRole::Plain, "", text));
        }
        assert_eq!(prose.finish().text, "a | b");
    }
}
