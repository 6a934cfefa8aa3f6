//! The rows of a table → one line for each, with the names of the columns if the table has them. Pure.

use std::collections::BTreeMap;

use super::inline::HtmlLine;
use crate::ingest::document::UnitMark;
use crate::ingest::extract::table::{self, Grid, LONGEST_REPEATED, WIDEST};

/// Most header rows.
const HEADERS: usize = 4;

/// The cost of a repeated cell in bytes, besides its text.
const CELL: usize = 8;

#[derive(Default)]
pub(super) struct HtmlTable {
    /// Whether it is used for layout: its cells are blocks, not columns.
    pub(super) is_layout: bool,
    /// Whether it declares that it has no columns.
    pub(super) is_nameless: bool,
    /// The current part of the table, and whether that is its head.
    pub(super) section: (usize, bool),
    pub(super) rows: Vec<HtmlRow>,
}

pub(super) struct HtmlRow {
    pub(super) cells: Vec<(HtmlCell, HtmlLine)>,
    pub(super) section: (usize, bool),
}

/// The attributes of a cell.
#[derive(Clone, Copy)]
pub(super) struct HtmlCell {
    pub(super) columns: u32,
    /// 0: all remaining rows.
    pub(super) rows: usize,
    /// Whether it is a header, of its row or otherwise.
    pub(super) is_header: bool,
    pub(super) is_of_row: bool,
    /// Whether it only takes a column and is not text.
    pub(super) is_skipped: bool,
}

impl HtmlCell {
    pub(super) fn of<'a>(name: &str, attribute: impl Fn(&str) -> Option<&'a str>) -> Self {
        let number =
            |name: &str| attribute(name).and_then(|value| value.trim().parse::<u16>().ok());
        Self {
            columns: u32::from(number("colspan").unwrap_or(1)).clamp(1, WIDEST),
            rows: number("rowspan").unwrap_or(1).into(),
            is_header: name == "th",
            is_of_row: matches!(attribute("scope"), Some("row" | "rowgroup")),
            is_skipped: false,
        }
    }
}

impl HtmlRow {
    /// The row as it was written.
    fn line(&self) -> HtmlLine {
        let cells = self.cells.iter().filter(|(cell, _)| !cell.is_skipped);
        let texts: Vec<&str> = cells.map(|(_, line)| line.text.as_str()).collect();
        HtmlLine { text: texts.join(" | "), span: self.span() }
    }

    fn span(&self) -> Option<(usize, usize)> {
        let spans = self.cells.iter().filter_map(|(_, line)| line.span);
        spans.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
    }
}

impl HtmlTable {
    /// One line for each row. `room`: how many bytes may be repeated; a table that needs more is written as it
    /// is.
    pub(super) fn lines(&self, room: &mut usize) -> Vec<HtmlLine> {
        let named = if self.is_nameless { None } else { self.named(room) };
        named.unwrap_or_else(|| self.rows.iter().map(HtmlRow::line).collect())
    }

    fn named(&self, room: &mut usize) -> Option<Vec<HtmlLine>> {
        let placed = self.placed(room)?;
        if placed.is_empty() {
            return None;
        }
        let top = placed.iter().position(|row| row.cells.len() > 1).unwrap_or(0);
        let headers = headers(placed.get(top..)?);
        // A row that starts with its own name is not a header.
        if headers.is_empty() && placed[top].has_header {
            return None;
        }
        let end = if headers.is_empty() { 0 } else { top + headers.len() };
        let mut grid = Grid::default();
        for (index, row) in (0..).zip(&placed) {
            grid.push(&row.cells, (index as usize) < end, index, index);
        }
        let header = grid.header()?;
        let (above, below) = placed.split_at(header.end);
        let across = placed[top].cells.len() == 1;
        if !below.iter().any(|row| across || row.cells.len() > 1) {
            return None;
        }
        let names: usize = above[header.start..].iter().map(Placed::len).sum();
        take(room, names.saturating_mul(below.len()))?;
        let lines = grid.into_lines();
        let texts = lines.text.lines().zip(&lines.marks);
        // A line of column names without values comes from all header rows.
        let line = |(text, mark): (&str, &UnitMark)| HtmlLine {
            text: text.to_owned(),
            span: (mark.first..=mark.last)
                .filter_map(|at| placed[at as usize].span)
                .reduce(|(first, last), (from, to)| (first.min(from), last.max(to))),
        };
        Some(texts.map(line).collect())
    }

    /// The rows with text, including the cells that extend into them from above.
    fn placed(&self, room: &mut usize) -> Option<Vec<Placed>> {
        // By column: where the cells end, and their text.
        let mut above: BTreeMap<u32, Above<'_>> = BTreeMap::new();
        let mut section = 0;
        let has_head = self.rows.iter().any(|row| row.section.1 && row.span().is_some());
        let mut rows = Vec::new();
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| !row.cells.is_empty()) {
            if row.section.0 != section {
                above.clear();
                section = row.section.0;
            }
            let mut placed = Placed { span: row.span(), ..Placed::default() };
            above.retain(|_, cell| cell.end > index);
            take(room, above.len().saturating_mul(CELL))?;
            let (mut names, mut values) = (false, false);
            for (cell, line) in &row.cells {
                while let Some(cell) = above.get(&placed.width) {
                    placed.push(cell.text, cell.columns, room)?;
                }
                let start = placed.width;
                let free = above.range(start..).next().map_or(WIDEST, |(next, _)| next - start);
                let columns = cell.columns.min(free);
                placed.push(&line.text, columns, room)?;
                if cell.rows != 1 {
                    let end = if cell.rows == 0 { usize::MAX } else { index + cell.rows };
                    let fits = line.text.len() <= LONGEST_REPEATED;
                    let text = if fits { line.text.as_str() } else { "" };
                    above.insert(start, Above { end, columns, text });
                }
                placed.has_header |= cell.is_header;
                if line.span.is_some() {
                    let is_name = cell.is_header && !cell.is_of_row;
                    values |= !is_name;
                    names |= is_name && start > 0;
                }
            }
            for (column, cell) in above.range(placed.width..) {
                // Cells that start in this row are placed already.
                while placed.width < *column {
                    placed.push("", (column - placed.width).min(WIDEST), room)?;
                }
                if placed.width == *column {
                    placed.push(cell.text, cell.columns, room)?;
                }
            }
            names |= placed.cells.len() == 1 && placed.has_header;
            placed.is_header = if has_head { row.section.1 } else { names && !values };
            if placed.span.is_some() {
                rows.push(placed);
            }
        }
        Some(rows)
    }
}

/// A cell that extends into the rows below its own.
struct Above<'a> {
    /// The first row that it does not extend into.
    end: usize,
    columns: u32,
    text: &'a str,
}

/// A row with its cells placed in columns.
#[derive(Default)]
struct Placed {
    cells: Vec<table::GridCell>,
    span: Option<(usize, usize)>,
    width: u32,
    is_header: bool,
    /// Whether some of its cells are headers.
    has_header: bool,
}

impl Placed {
    fn push(&mut self, text: &str, columns: u32, room: &mut usize) -> Option<()> {
        if columns > 1 && text.len() <= LONGEST_REPEATED {
            take(room, text.len() * columns as usize)?;
        }
        self.width = self.width.checked_add(columns)?;
        self.cells.push(table::GridCell { text: text.to_owned(), columns, above: false });
        Some(())
    }

    fn len(&self) -> usize {
        self.cells.iter().map(|cell| cell.text.len() * cell.columns as usize).sum()
    }
}

/// The header rows among these, which start with the first row that has columns; empty if they cannot be a
/// header.
fn headers(rows: &[Placed]) -> &[Placed] {
    let across = rows.first().is_some_and(|row| row.cells.len() == 1);
    let is_header = |row: &&Placed| row.is_header && (across || row.cells.len() > 1);
    let headers = &rows[..rows.iter().take_while(is_header).count()];
    let mut cells = headers.iter().flat_map(|row| &row.cells);
    let too_long = cells.any(|cell| cell.text.len() > LONGEST_REPEATED);
    if headers.len() == rows.len() || headers.len() > HEADERS || too_long { &[] } else { headers }
}

fn take(room: &mut usize, bytes: usize) -> Option<()> {
    *room = room.checked_sub(bytes)?;
    Some(())
}
