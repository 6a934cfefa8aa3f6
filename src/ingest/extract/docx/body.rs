//! `word/document.xml` → Markdown. Paragraphs are counted from 1 in the order in which they start,
//! those of tables and text boxes included.

use super::styles::{Meaning, Styles};
use crate::ingest::document::Mark;
use crate::ingest::document::single_spaced;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::table::{Cell, Grid};
use crate::ingest::extract::xml::{self, Element, Handler, attribute};

#[derive(Default, Debug)]
pub(super) struct Body {
    /// Of the title style, else the first heading.
    pub(super) title: String,
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

/// A paragraph being read.
#[derive(Debug)]
struct Paragraph {
    number: u32,
    text: String,
    meaning: Meaning,
    /// Depth in its list, from 0.
    level: usize,
}

/// A row being read.
#[derive(Default)]
struct Row {
    cells: Vec<(Cell, Vec<Paragraph>)>,
    is_header: bool,
}

struct State<'a> {
    styles: &'a Styles,
    body: Body,
    /// Number of the paragraph that started last.
    count: u32,
    /// A paragraph can hold another, in a text box.
    paragraphs: Vec<Paragraph>,
    rows: Vec<Row>,
    /// The table that the rows belong to, where it is not within a cell.
    grid: Grid,
    /// Depth of open elements that are no text: deleted, moved away, or there twice.
    skipped: usize,
    runs: usize,
    in_text: bool,
    titled: bool,
    last_was: Option<Meaning>,
}

pub(super) fn read(xml: &str, styles: &Styles) -> Result<Body, ExtractError> {
    let mut state = State::new(styles);
    xml::read(xml, &mut state)?;
    Ok(state.body)
}

/// Deleted and moved text, and the second version of what a newer Word draws otherwise.
fn is_skipped(name: &str) -> bool {
    matches!(name, "del" | "moveFrom" | "Fallback")
}

impl Handler for State<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let value = || attribute(element, "val").unwrap_or_default();
        match name {
            name if is_skipped(name) => self.skipped += 1,
            "p" => self.begin_paragraph(),
            "r" => self.runs += 1,
            "t" => self.in_text = true,
            "tab" | "ptab" if self.runs > 0 => self.push(" "),
            "br" | "cr" if self.runs > 0 => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "tr" => self.rows.push(Row::default()),
            "tblHeader" => {
                if let Some(row) = self.rows.last_mut() {
                    row.is_header = !matches!(value().as_str(), "0" | "false" | "off");
                }
            }
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.cells.push((Cell::default(), Vec::new()));
                }
            }
            "gridSpan" => self.describe_cell(|cell| cell.columns = value().parse().unwrap_or(1)),
            "vMerge" => self.describe_cell(|cell| cell.above = value() != "restart"),
            "pStyle" => self.style(&value()),
            "outlineLvl" => self.describe(|paragraph| {
                if let Ok(level @ 0..9) = value().parse::<u8>() {
                    paragraph.meaning = Meaning::Heading(level + 1);
                }
            }),
            "ilvl" => self.describe(|paragraph| paragraph.level = value().parse().unwrap_or(0)),
            "numId" => self.describe(|paragraph| match (value().as_str(), paragraph.meaning) {
                ("0", Meaning::Item) => paragraph.meaning = Meaning::Plain,
                ("0", _) | (_, Meaning::Heading(_) | Meaning::Title) => {}
                _ => paragraph.meaning = Meaning::Item,
            }),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            name if is_skipped(name) => self.skipped = self.skipped.saturating_sub(1),
            "p" => self.end_paragraph(),
            "r" => self.runs = self.runs.saturating_sub(1),
            "t" => self.in_text = false,
            "tr" => self.end_row(),
            "tbl" if self.rows.is_empty() => self.write_table(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text {
            self.push(text);
        }
    }
}

impl<'a> State<'a> {
    fn new(styles: &'a Styles) -> Self {
        Self {
            styles,
            body: Body::default(),
            count: 0,
            paragraphs: Vec::new(),
            rows: Vec::new(),
            grid: Grid::default(),
            skipped: 0,
            runs: 0,
            in_text: false,
            titled: false,
            last_was: None,
        }
    }

    fn style(&mut self, id: &str) {
        let meaning = self.styles.meaning(id);
        self.describe(|paragraph| paragraph.meaning = meaning);
    }

    fn begin_paragraph(&mut self) {
        if self.skipped == 0 {
            self.count += 1;
        }
        self.paragraphs.push(Paragraph {
            number: self.count,
            text: String::new(),
            meaning: Meaning::Plain,
            level: 0,
        });
    }

    fn describe(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }

    fn describe_cell(&mut self, change: impl FnOnce(&mut Cell)) {
        if let Some((cell, _)) = self.rows.last_mut().and_then(|row| row.cells.last_mut()) {
            change(cell);
        }
    }

    fn push(&mut self, text: &str) {
        if self.skipped == 0
            && let Some(paragraph) = self.paragraphs.last_mut()
        {
            paragraph.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        if paragraph.text.trim().is_empty() {
            return;
        }
        match self.rows.last_mut().and_then(|row| row.cells.last_mut()) {
            Some((_, cell)) => cell.push(paragraph),
            None => self.write_paragraph(&paragraph),
        }
    }

    /// A table of one cell a row is a frame around paragraphs. Rows of a table within a cell become
    /// paragraphs of that cell.
    fn end_row(&mut self) {
        let Some(row) = self.rows.pop() else { return };
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

    fn add_row(&mut self, row: Row) {
        let numbers = row.cells.iter().flat_map(|(_, paragraphs)| paragraphs).map(|p| p.number);
        let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else { return };
        let text = |paragraphs: &[Paragraph]| {
            paragraphs.iter().map(|paragraph| &*paragraph.text).collect::<Vec<_>>().join(" ")
        };
        let cells = row.cells.into_iter();
        let cells = cells
            .map(|(cell, paragraphs)| Cell { text: single_spaced(&text(&paragraphs)), ..cell });
        let cells: Vec<Cell> = cells.collect();
        self.grid.push(&cells, row.is_header, first, last);
    }

    fn write_table(&mut self) {
        let lines = std::mem::take(&mut self.grid).into_lines();
        if lines.text.is_empty() {
            return;
        }
        self.separate(false);
        let start = self.body.text.len();
        self.body.text.push_str(&lines.text);
        let marks = lines.marks.into_iter();
        self.body.marks.extend(marks.map(|mark| Mark { offset: start + mark.offset, ..mark }));
        self.last_was = None;
    }

    fn write_paragraph(&mut self, paragraph: &Paragraph) {
        let one_line = || single_spaced(&paragraph.text);
        let text = match paragraph.meaning {
            Meaning::Title => format!("# {}", one_line()),
            Meaning::Heading(level) => {
                format!("{} {}", "#".repeat(usize::from(level).clamp(1, 6)), one_line())
            }
            Meaning::Item => {
                let indent = "  ".repeat(paragraph.level.min(8));
                format!("{indent}- {}", lines(&paragraph.text, &format!("\n{indent}  ")))
            }
            Meaning::Plain => lines(&paragraph.text, "\n"),
        };
        self.take_title(paragraph, one_line);
        let in_list = paragraph.meaning == Meaning::Item && self.last_was == Some(Meaning::Item);
        self.separate(in_list);
        self.write(&text, paragraph.number, paragraph.number);
        self.last_was = Some(paragraph.meaning);
    }

    fn take_title(&mut self, paragraph: &Paragraph, text: impl Fn() -> String) {
        match paragraph.meaning {
            Meaning::Title if !self.titled => {
                self.body.title = text();
                self.titled = true;
            }
            Meaning::Heading(_) if self.body.title.is_empty() => self.body.title = text(),
            _ => {}
        }
    }

    fn separate(&mut self, tight: bool) {
        if !self.body.text.is_empty() {
            self.body.text.push_str(if tight { "\n" } else { "\n\n" });
        }
    }

    fn write(&mut self, text: &str, first: u32, last: u32) {
        self.body.marks.push(Mark { offset: self.body.text.len(), first, last });
        self.body.text.push_str(text);
    }
}

/// The lines of a paragraph, trimmed, with `separator` between them.
fn lines(text: &str, separator: &str) -> String {
    let lines = text.lines().map(single_spaced);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(separator)
}
