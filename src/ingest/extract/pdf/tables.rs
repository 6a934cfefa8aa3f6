//! Rows of tables → rows with the names of their columns, as in other formats: `Port: Hull | Fee: 9`.
//!
//! A PDF has no tables, only words at places. So this is done only if the columns are clear and a line above
//! them can only be their names: text over numbers, bold over plain, or separated from the rest by a drawn
//! line. A table that continues on the next page keeps its names. All other rows stay as they are.

mod header;
mod rules;

use std::ops::Range;

use self::header::TableHeader;
pub(super) use self::rules::PageRules;
use super::cells::PdfCell;
use super::page::{PageText, TextLine};
use crate::ingest::extract::table::{self, Grid};

/// Fewest rows and most columns of a table. Where lines are drawn, one row is enough.
const ROWS: usize = 3;
const COLUMNS: usize = 24;

/// Largest distance between rows, in heights of the font.
const STEP: f32 = 3.2;

/// Most lines without cells between two rows: titles of groups, second lines.
const BETWEEN: usize = 2;

/// How many of ten rows must have all their cells in columns.
const FITTING: usize = 8;

/// Distance from the last row of a table to the names of the next one, in steps between its rows.
const APART: f32 = 1.25;

/// Most lines above the rows that continue a table, and below the last rows on the page before.
const AT_EDGE: usize = 2;

/// Fewest cells of a row that continues a table: two of anything else may be above each other by chance.
const ONCE_AGAIN: usize = 3;

/// Names the columns of the tables of a file; the lines with the names are left out.
pub(super) fn name_columns(pages: &mut [PageText]) {
    let mut open = None;
    for page in pages {
        open = name_columns_of(&mut page.lines, &page.rules, open);
    }
}

/// A table that may continue on the next page.
struct Open {
    columns: Vec<Column>,
    names: Vec<String>,
    /// Whether each column has numbers.
    numbers: Vec<bool>,
}

/// `open` is the last table of the previous page. Returns that of this page.
fn name_columns_of(
    lines: &mut Vec<TextLine>,
    rules: &PageRules,
    mut open: Option<Open>,
) -> Option<Open> {
    let mut dropped = vec![false; lines.len()];
    let (mut at, mut above) = (0, 0);
    let mut last = None;
    while at < lines.len() {
        let length = stretch(&lines[at..]);
        if length == 0 {
            (at, above) = (at + 1, above + 1);
            continue;
        }
        let of_stretch = &lines[at..at + length];
        let end = grid(of_stretch, rules).or_else(|| second(of_stretch));
        let next = at + end.unwrap_or(length);
        let before = open.take().filter(|_| above <= AT_EDGE);
        let table = Table::find(lines, at..next, rules)
            .or_else(|| Table::go_on(lines, at..next, before.as_ref()?));
        if let Some(table) = table {
            table.header.lines.iter().for_each(|line| dropped[*line] = true);
            let rows = table.rows(lines);
            last = table.is_open.then(|| (next, table.open(lines)));
            for (line, text) in rows {
                lines[line].text = text;
            }
        }
        (at, above) = (next, AT_EDGE + 1);
    }
    let count = lines.len();
    let mut dropped = dropped.into_iter();
    lines.retain(|_| !dropped.next().unwrap_or(false));
    last.filter(|(end, _)| end + AT_EDGE >= count).map(|(_, open)| open)
}

/// How many lines from the first on may be rows of one table: up to the last with cells.
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

/// Where a table ends that has a line below each of its rows.
fn grid(lines: &[TextLine], rules: &PageRules) -> Option<usize> {
    let is_in = |pair: &[usize]| {
        let [row, next] = [pair[0], pair[1]].map(|row| &lines[row]);
        let bottom = next.place.base - 0.5 * next.place.size;
        rules.part((row.place.base, bottom), (row.start, row.end))
    };
    let rows: Vec<usize> = (0..lines.len()).filter(|row| !lines[*row].cells.is_empty()).collect();
    let end = rows.windows(2).take_while(|pair| is_in(pair)).count();
    // The next row, which has no line below it, is the last.
    let last = *rows.get(end)?;
    let place = &lines[last].place;
    let bottom = place.base + 2.0 * place.size;
    let is_open = !rules.part((place.base, bottom), (lines[last].start, lines[last].end));
    (end >= 2 && is_open).then_some(last)
}

/// Where the names of a second table are below the rows of the first: they are bold, or farther from the rows
/// above than those are from each other.
fn second(lines: &[TextLine]) -> Option<usize> {
    let rows: Vec<usize> = (0..lines.len()).filter(|row| !lines[*row].cells.is_empty()).collect();
    let step = |pair: &[usize]| lines[pair[1]].place.base - lines[pair[0]].place.base;
    rows.windows(3).enumerate().find_map(|(index, triple)| {
        let [above, row, below] = [triple[0], triple[1], triple[2]].map(|row| &lines[row]);
        let names =
            header::are_words(row) && header::has_values(above) && header::has_values(below);
        let mut steps: Vec<f32> = rows[..=index].windows(2).map(step).collect();
        steps.sort_by(f32::total_cmp);
        let usual = steps.get(steps.len() / 2);
        let is_apart = usual.is_some_and(|usual| step(&triple[..2]) > APART * usual);
        let is_bold = row.bold && !above.bold && !below.bold;
        (names && (is_apart || is_bold)).then_some(triple[1])
    })
}

/// Where a column starts and ends along the lines.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Column {
    start: f32,
    end: f32,
}

struct Table {
    /// Lines that are rows with their cells in columns.
    body: Vec<usize>,
    columns: Vec<Column>,
    header: TableHeader,
    /// Whether its last row is the last line of the stretch.
    is_open: bool,
}

impl Table {
    fn find(lines: &[TextLine], stretch: Range<usize>, rules: &PageRules) -> Option<Self> {
        let with_cells = |line: &usize| !lines[*line].cells.is_empty();
        let rows: Vec<usize> = stretch.filter(with_cells).collect();
        let mut top = header::end(&rows.iter().map(|row| &lines[*row]).collect::<Vec<_>>());
        let is_parted = top == 0 && is_parted(lines, &rows, rules);
        top += usize::from(is_parted);
        let mut rows = &rows[top..];
        let columns = columns(rows.iter().map(|row| &lines[*row]));
        if !(2..=COLUMNS).contains(&columns.len()) {
            return None;
        }
        let other = other(lines, rows, &columns);
        rows = &rows[..other.unwrap_or(rows.len())];
        let fits =
            |row: &usize| lines[*row].cells.iter().all(|cell| column_of(cell, &columns).is_some());
        let body: Vec<usize> = rows.iter().copied().filter(fits).collect();
        if body.is_empty() || body.len() * 10 < FITTING * rows.len() {
            return None;
        }
        let header = TableHeader::find(lines, rows[0], &columns)?;
        let is_open = other.is_none() && body.last() == rows.last();
        let table = Self { body, columns, header, is_open };
        let is_ruled = table.is_ruled(lines, rules);
        let is_sure = is_parted || table.is_sure(lines);
        (is_sure && (is_ruled || table.body.len() >= ROWS)).then_some(table)
    }

    /// The rows that continue a table of the previous page.
    fn go_on(lines: &[TextLine], stretch: Range<usize>, before: &Open) -> Option<Self> {
        let with_cells = |line: &usize| !lines[*line].cells.is_empty();
        let rows: Vec<usize> = stretch.filter(with_cells).collect();
        let columns = &before.columns;
        let end = other(lines, &rows, columns);
        let rows = &rows[..end.unwrap_or(rows.len())];
        let fits = |row: &usize| {
            let places = lines[*row].cells.iter().map(|cell| column_of(cell, columns));
            let places: Option<Vec<usize>> = places.collect();
            places.is_some_and(|places| places.windows(2).all(|pair| pair[0] < pair[1]))
        };
        let body: Vec<usize> = rows.iter().copied().filter(fits).collect();
        let full = body.iter().filter(|row| lines[**row].cells.len() == columns.len()).count();
        let is_like =
            |column: usize| !before.numbers[column] || numbers(lines, &body, columns, column);
        if body.len() * 10 < FITTING * rows.len()
            || full * 2 < body.len()
            || full * columns.len() < ONCE_AGAIN
            || !(0..columns.len()).all(is_like)
        {
            return None;
        }
        let mut columns = columns.clone();
        for cell in body.iter().flat_map(|row| &lines[*row].cells) {
            let Some(column) = column_of(cell, &before.columns).and_then(|at| columns.get_mut(at))
            else {
                continue;
            };
            column.start = column.start.min(cell.start);
            column.end = column.end.max(cell.end);
        }
        let header = TableHeader { names: before.names.clone(), lines: Vec::new(), is_bold: false };
        let is_open = end.is_none() && body.last() == rows.last();
        Some(Self { body, columns, header, is_open })
    }

    fn open(self, lines: &[TextLine]) -> Open {
        let numbers = |column| numbers(lines, &self.body, &self.columns, column);
        let numbers = (0..self.columns.len()).map(numbers).collect();
        Open { columns: self.columns, names: self.header.names, numbers }
    }

    /// Whether lines are drawn below the names, and above them or below the last row; around a single row,
    /// both.
    fn is_ruled(&self, lines: &[TextLine], rules: &PageRules) -> bool {
        let Some(name) = self.header.lines.iter().max() else { return false };
        let tops = self.header.lines.iter().map(|line| lines[*line].place.base);
        let top = tops.fold(f32::MAX, f32::min);
        let (first, last) = (&lines[self.body[0]], &lines[self.body[self.body.len() - 1]]);
        let along = (self.columns[0].start, self.columns[self.columns.len() - 1].end);
        let part = |top: f32, bottom: f32| rules.part((top, bottom), along);
        let size = first.place.size;
        let is_below = part(last.place.base, last.place.base + 2.0 * size);
        let is_above = part(top - 3.0 * size, top - 0.5 * size);
        let is_between = part(lines[*name].place.base, first.place.base - 0.5 * size);
        is_between && if self.body.len() == 1 { is_below && is_above } else { is_below || is_above }
    }

    /// Whether the names cannot be just another row.
    fn is_sure(&self, lines: &[TextLine]) -> bool {
        let plain = self.body.iter().filter(|row| !lines[**row].bold).count();
        let is_bold = self.header.is_bold && plain * 10 >= FITTING * self.body.len();
        let numbers = |column| numbers(lines, &self.body, &self.columns, column);
        is_bold || (1..self.columns.len()).any(numbers)
    }

    /// The lines that are rows, with their text as it is written.
    fn rows(&self, lines: &[TextLine]) -> Vec<(usize, String)> {
        let mut grid = Grid::default();
        let mut push = |texts: Vec<String>, is_header: bool, place: usize| {
            let cell = |text| table::GridCell { text, columns: 1, above: false };
            let cells: Vec<table::GridCell> = texts.into_iter().map(cell).collect();
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

fn numbers(lines: &[TextLine], body: &[usize], columns: &[Column], column: usize) -> bool {
    let cells = body.iter().flat_map(|row| &lines[*row].cells);
    let cells = cells.filter(|cell| column_of(cell, columns) == Some(column));
    let (values, all) = cells.fold((0, 0), |(values, all), cell| {
        (values + usize::from(header::is_value(&cell.text)), all + 1)
    });
    all * 2 >= body.len() && values * 10 >= FITTING * all
}

/// Whether a line is drawn below the first row, and none between the others; or the others have values such as
/// `12.5 bar` where the first has a word.
fn is_parted(lines: &[TextLine], rows: &[usize], rules: &PageRules) -> bool {
    let ends = rows.iter().map(|row| (lines[*row].start, lines[*row].end));
    let along = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let part = |pair: &[usize]| {
        let [above, below] = [pair[0], pair[1]].map(|row| &lines[row].place);
        along.is_some_and(|along| rules.part((above.base, below.base - 0.5 * below.size), along))
    };
    let Some((first, others)) = rows.split_first() else { return false };
    let first = &lines[*first];
    let begins = |line: &TextLine, cell: usize| {
        line.cells.get(cell).map(|cell| header::begins_with_number(&cell.text))
    };
    let names_numbers = |cell: usize| {
        begins(first, cell) == Some(false)
            && others.iter().all(|row| {
                lines[*row].cells.len() == first.cells.len()
                    && begins(&lines[*row], cell) == Some(true)
            })
    };
    header::are_words(first)
        && rows.windows(2).take(1).any(part)
        && (others.len() > 1 && !others.windows(2).any(part)
            || (1..first.cells.len()).any(names_numbers))
}

/// The first of these rows, which by their places are one table, that may name the columns of another table:
/// columns have numbers above and below it, and it has words, each with a capital letter. Rows from there on
/// have no certain names.
fn other(lines: &[TextLine], rows: &[usize], columns: &[Column]) -> Option<usize> {
    let numbers = |row: usize| -> Vec<usize> {
        let cells = lines[row].cells.iter().filter(|cell| header::is_value(&cell.text));
        cells.filter_map(|cell| column_of(cell, columns)).collect()
    };
    (1..rows.len().saturating_sub(1)).find(|index| {
        let (above, below) = (numbers(rows[index - 1]), numbers(rows[index + 1]));
        let both = above.iter().filter(|column| below.contains(column)).count();
        let row = &lines[rows[*index]];
        let is_upper = |cell: &PdfCell| cell.text.starts_with(char::is_uppercase);
        both >= 2
            && row.cells.len() >= columns.len().max(3)
            && row.cells.iter().all(is_upper)
            && header::are_words(row)
    })
}

/// The stretches across the page where more than a tenth of the rows have something.
fn columns<'a>(rows: impl Iterator<Item = &'a TextLine> + Clone) -> Vec<Column> {
    let few = rows.clone().count() / 10;
    let cells = rows.flat_map(|row| &row.cells);
    // Where cells start (true) and end.
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
            // A cell that ends has started, except one whose glyphs go backwards.
            depth = usize::saturating_sub(depth, 1);
            if depth == few && at > start {
                columns.push(Column { start, end: at });
            }
        }
    }
    columns
}

/// The column that a cell is in; `None` if it reaches into another or is between two.
fn column_of(cell: &PdfCell, columns: &[Column]) -> Option<usize> {
    let mut touched = (0..columns.len()).filter(|index| touches(cell, columns[*index]));
    touched.next().filter(|_| touched.next().is_none())
}

fn touches(cell: &PdfCell, column: Column) -> bool {
    cell.start < column.end && cell.end > column.start
}

#[cfg(test)]
mod tests;
