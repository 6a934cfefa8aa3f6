//! Rows of tables → rows with the names of their columns, as in other formats: `Port: Hull | Fee: 9`.
//!
//! A PDF has no tables, only words at places. So this is done only where the columns are clear and a
//! line above them can be nothing but their names: text over numbers, or bold over plain. All other
//! rows stay as they stand.

mod header;

use std::ops::Range;

use self::header::Header;
use super::cells::Cell;
use super::page::TextLine;
use crate::ingest::extract::table::{self, Grid};

/// A table has at least so many rows, and at most so many columns.
const ROWS: usize = 3;
const COLUMNS: usize = 24;

/// Rows follow each other within so many heights of the font.
const STEP: f32 = 3.2;

/// So many lines that have no cells may stand between two rows: titles of groups, second lines.
const BETWEEN: usize = 2;

/// Of ten rows, so many have all their cells in columns.
const FITTING: usize = 8;

/// Names the columns of the tables of a page; the lines that named them are left out.
pub(super) fn name_columns(lines: &mut Vec<TextLine>) {
    let mut dropped = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let length = stretch(&lines[at..]);
        if let Some(table) = Table::find(lines, at..at + length) {
            for (line, text) in table.rows(lines) {
                lines[line].text = text;
            }
            table.header.lines.iter().for_each(|line| dropped[*line] = true);
        }
        at += length.max(1);
    }
    let mut dropped = dropped.into_iter();
    lines.retain(|_| !dropped.next().unwrap_or(false));
}

/// How many lines from the first on may be rows of one table: up to the last that has cells.
fn stretch(lines: &[TextLine]) -> usize {
    if lines.first().is_none_or(|line| line.cells.is_empty()) {
        return 0;
    }
    let mut end = 1;
    for (index, pair) in (1..).zip(lines.windows(2)) {
        let step = pair[1].place.base - pair[0].place.base;
        let size = pair[0].place.size.max(pair[1].place.size);
        if !pair[0].place.is_parallel(&pair[1].place) || step <= 0.0 || step > STEP * size {
            break;
        }
        if !pair[1].cells.is_empty() {
            end = index + 1;
        } else if index >= end + BETWEEN {
            break;
        }
    }
    end
}

/// Where a column begins and ends along the lines.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Column {
    start: f32,
    end: f32,
}

struct Table {
    /// Lines that are rows with their cells in columns.
    body: Vec<usize>,
    columns: Vec<Column>,
    header: Header,
}

impl Table {
    fn find(lines: &[TextLine], stretch: Range<usize>) -> Option<Self> {
        let with_cells = |line: &usize| !lines[*line].cells.is_empty();
        let rows: Vec<usize> = stretch.filter(with_cells).collect();
        let top = header::end(&rows.iter().map(|row| &lines[*row]).collect::<Vec<_>>());
        let rows = &rows[top..];
        if rows.len() < ROWS {
            return None;
        }
        let columns = columns(rows.iter().map(|row| &lines[*row]));
        if !(2..=COLUMNS).contains(&columns.len()) {
            return None;
        }
        let fits =
            |row: &usize| lines[*row].cells.iter().all(|cell| column_of(cell, &columns).is_some());
        let body: Vec<usize> = rows.iter().copied().filter(fits).collect();
        if body.len() < ROWS || body.len() * 10 < FITTING * rows.len() {
            return None;
        }
        let header = Header::find(lines, rows[0], &columns)?;
        let table = Self { body, columns, header };
        table.is_sure(lines).then_some(table)
    }

    /// Whether the names cannot be one more row.
    fn is_sure(&self, lines: &[TextLine]) -> bool {
        let plain = self.body.iter().filter(|row| !lines[**row].bold).count();
        let is_bold = self.header.is_bold && plain * 10 >= FITTING * self.body.len();
        let numbers = |column: usize| {
            let cells = self.body.iter().flat_map(|row| &lines[*row].cells);
            let cells = cells.filter(|cell| column_of(cell, &self.columns) == Some(column));
            let (values, all) = cells.fold((0, 0), |(values, all), cell| {
                (values + usize::from(header::is_value(&cell.text)), all + 1)
            });
            all * 2 >= self.body.len() && values * 10 >= FITTING * all
        };
        is_bold || (1..self.columns.len()).any(numbers)
    }

    /// The lines that are rows, with their text as it is written.
    fn rows(&self, lines: &[TextLine]) -> Vec<(usize, String)> {
        let mut grid = Grid::default();
        let mut push = |texts: Vec<String>, is_header: bool, place: usize| {
            let cell = |text| table::Cell { text, columns: 1, above: false };
            let cells: Vec<table::Cell> = texts.into_iter().map(cell).collect();
            grid.push(&cells, is_header, place as u32, place as u32);
        };
        push(self.header.names.clone(), true, 0);
        for row in &self.body {
            let mut texts = vec![String::new(); self.columns.len()];
            for cell in &lines[*row].cells {
                let Some(text) = column_of(cell, &self.columns).and_then(|at| texts.get_mut(at))
                else {
                    continue;
                };
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&cell.text);
            }
            push(texts, false, *row);
        }
        if grid.header().is_none() {
            return Vec::new();
        }
        let written = grid.into_lines();
        let texts = written.text.lines().map(str::to_owned);
        written.marks.iter().map(|mark| mark.first as usize).zip(texts).collect()
    }
}

/// The stretches across the page in which more than a tenth of the rows have something.
fn columns<'a>(rows: impl Iterator<Item = &'a TextLine> + Clone) -> Vec<Column> {
    let few = rows.clone().count() / 10;
    let cells = rows.flat_map(|row| &row.cells);
    // Where cells begin (true) and end.
    let mut edges: Vec<(f32, bool)> =
        cells.flat_map(|cell| [(cell.start, true), (cell.end, false)]).collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut columns = Vec::new();
    let (mut depth, mut start) = (0, 0.0);
    for (at, begins) in edges {
        if begins {
            if depth == few {
                start = at;
            }
            depth += 1;
        } else {
            // A cell that ends has begun, but for one whose glyphs go backwards.
            depth = usize::saturating_sub(depth, 1);
            if depth == few && at > start {
                columns.push(Column { start, end: at });
            }
        }
    }
    columns
}

/// The column that a cell stands in: none if it reaches into another or stands between two.
fn column_of(cell: &Cell, columns: &[Column]) -> Option<usize> {
    let mut touched = (0..columns.len()).filter(|index| touches(cell, columns[*index]));
    touched.next().filter(|_| touched.next().is_none())
}

fn touches(cell: &Cell, column: Column) -> bool {
    cell.start < column.end && cell.end > column.start
}

#[cfg(test)]
mod tests;
