//! Which lines above the rows of a table name its columns.

use std::collections::{HashMap, HashSet};

use super::super::cells::PdfCell;
use super::super::page::TextLine;
use super::{Column, column_of, touches};
use crate::ingest::extract::table::is_name;

/// Most lines of a header, drawn one after the other or cell by cell.
const LINES: usize = 40;

/// Largest distance from the first row up to the names, and between two lines of names, in heights of the font.
const ABOVE: f32 = 3.2;
const STEP: f32 = 1.7;

/// Longest names of all columns together, in bytes.
const LONGEST: usize = 400;

/// How titles of tables start.
const TITLES: &[&str] = &["table ", "tab. ", "figure ", "fig. ", "exhibit ", "chart ", "tabelle "];

pub(super) struct TableHeader {
    /// Names by column; the first may have none.
    pub(super) names: Vec<String>,
    pub(super) lines: Vec<usize>,
    pub(super) is_bold: bool,
}

/// How many of the first rows are names and not values.
pub(super) fn end(rows: &[&TextLine]) -> usize {
    let first_values = rows.iter().position(|row| has_values(row) && !are_years(row));
    if let Some(first) = first_values {
        return first;
    }
    // All rows are words, so only their looks tell.
    rows.iter().take_while(|row| row.bold).count()
}

impl TableHeader {
    /// The names in the lines above `row`, the first row of the table.
    pub(super) fn find(lines: &[TextLine], row: usize, columns: &[Column]) -> Option<Self> {
        let mut found: Vec<Vec<usize>> = Vec::new();
        // Columns, widened by the names that were found below the current line.
        let mut wide = columns.to_vec();
        let mut base = lines[row].place.base;
        for level in levels(lines, row, columns) {
            let place = &lines[level[0]].place;
            let step = if found.is_empty() { ABOVE } else { STEP };
            if base - place.base > step * place.size {
                break;
            }
            let cells: Vec<PdfCell> = level.iter().flat_map(|line| parts(&lines[*line])).collect();
            // A single cell between the names and the first row is the title of a group of rows.
            let is_alone = cells.len() == 1 && nearest(&cells[0], &wide) == Some(0);
            if is_alone && found.is_empty() && columns.len() > 2 {
                continue;
            }
            let taken: HashMap<usize, &PdfCell> =
                cells.iter().filter_map(|cell| Some((nearest(cell, &wide)?, cell))).collect();
            // A name above several columns, or a title.
            if taken.len() < cells.len() {
                break;
            }
            for (column, cell) in taken {
                let column = &mut wide[column];
                (column.start, column.end) =
                    (column.start.min(cell.start), column.end.max(cell.end));
            }
            base = place.base;
            found.push(level);
        }
        // A single cell above the first column may be a title as well.
        while let Some(level) = found.pop() {
            let mut cells = level.iter().flat_map(|line| parts(&lines[*line]));
            let alone = cells.next().filter(|_| cells.next().is_none());
            if alone.is_none_or(|cell| nearest(&cell, &wide) != Some(0)) {
                found.push(level);
                break;
            }
        }
        let mut names = vec![String::new(); columns.len()];
        for line in found.iter().rev().flatten() {
            for cell in parts(&lines[*line]) {
                let name = nearest(&cell, &wide).and_then(|column| names.get_mut(column))?;
                join(name, &cell.text);
            }
        }
        for name in &mut names {
            name.truncate(name.trim_end_matches([':', ' ']).len());
        }
        let lines_of_names: Vec<usize> = found.into_iter().flatten().collect();
        let is_bold =
            !lines_of_names.is_empty() && lines_of_names.iter().all(|line| lines[*line].bold);
        are_names(&names).then_some(Self { names, lines: lines_of_names, is_bold })
    }
}

/// The lines above `row` that may be names, with those on one base line together, from the lowest up.
fn levels(lines: &[TextLine], row: usize, columns: &[Column]) -> Vec<Vec<usize>> {
    let first = &lines[row];
    let (start, end) = (columns[0].start, columns[columns.len() - 1].end);
    let is_above = |line: &&usize| {
        let line = &lines[**line];
        line.place.is_parallel(&first.place)
            && line.place.base < first.place.base - 0.3 * first.place.size
            && line.end > start
            && line.start < end
            && parts(line).iter().all(|cell| may_name(&cell.text))
            && !is_title(&line.text)
    };
    let above: Vec<usize> = (row.saturating_sub(LINES)..row).rev().collect();
    let mut above: Vec<usize> = above.iter().take_while(is_above).copied().collect();
    above.sort_by(|a, b| lines[*b].place.base.total_cmp(&lines[*a].place.base));
    let on_one_base = |a: &usize, b: &usize| {
        let (a, b) = (&lines[*a].place, &lines[*b].place);
        (a.base - b.base).abs() < 0.4 * a.size.min(b.size)
    };
    above.chunk_by(on_one_base).map(<[usize]>::to_vec).collect()
}

/// The cells of a line, or the whole line as one.
fn parts(line: &TextLine) -> Vec<PdfCell> {
    if line.cells.is_empty() {
        let (text, start, end) = (line.text.trim().to_owned(), line.start, line.end);
        return vec![PdfCell { text, start, end }];
    }
    line.cells.clone()
}

/// The column below a name. Names may be wider than their columns, or beside them.
fn nearest(cell: &PdfCell, columns: &[Column]) -> Option<usize> {
    if columns.iter().any(|column| touches(cell, *column)) {
        return column_of(cell, columns);
    }
    let gap = |column: &Column| (column.start - cell.end).max(cell.start - column.end);
    let order = (0..columns.len()).min_by(|a, b| gap(&columns[*a]).total_cmp(&gap(&columns[*b])));
    // A name that is equally near to two columns belongs to neither.
    let near = gap(&columns[order?]);
    let others = columns.iter().filter(|column| gap(column) < (2.0 * near).max(1.0));
    order.filter(|_| others.count() == 1)
}

/// Adds the next line of a name.
fn join(name: &mut String, line: &str) {
    let broken = name.ends_with('-') && line.starts_with(char::is_lowercase);
    if broken {
        name.pop();
    } else if !name.is_empty() {
        name.push(' ');
    }
    name.push_str(line);
}

fn are_names(names: &[String]) -> bool {
    let needed = if names.len() == 2 { names } else { names.get(1..).unwrap_or_default() };
    let given: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    let distinct: HashSet<&&String> = given.iter().collect();
    needed.iter().all(|name| may_name(name))
        && given.iter().all(|name| may_name(name))
        && distinct.len() == given.len()
        && given.iter().map(|name| name.len()).sum::<usize>() <= LONGEST
}

fn may_name(text: &str) -> bool {
    (is_name(text) || year(text).is_some()) && !is_sentence(text)
}

/// Whether a text has a full stop after a word that is not an abbreviation.
fn is_sentence(text: &str) -> bool {
    let long = |before: &str| {
        let word = before.rsplit(' ').next().unwrap_or_default();
        word.chars().count() >= 5 && word.chars().all(char::is_lowercase)
    };
    text.match_indices(". ").any(|(at, _)| long(&text[..at]))
        || text.strip_suffix('.').is_some_and(|text| text.matches(' ').count() >= 4 && long(text))
}

fn is_title(text: &str) -> bool {
    let text = text.trim_start().to_lowercase();
    TITLES.iter().any(|title| text.starts_with(title))
}

/// Whether all cells could be names, and no two are the same.
pub(super) fn are_words(row: &TextLine) -> bool {
    let texts: HashSet<&str> = row.cells.iter().map(|cell| cell.text.as_str()).collect();
    texts.len() == row.cells.len()
        && texts.into_iter().all(|text| may_name(text) && !is_value(text))
}

/// Whether a cell other than the first is a number.
pub(super) fn has_values(row: &TextLine) -> bool {
    row.cells.iter().skip(1).any(|cell| is_value(&cell.text))
}

/// Whether these are years, which are names although they are numbers: `Country 2008 2009 2010`.
fn are_years(row: &TextLine) -> bool {
    let mut years: Vec<u32> = row.cells.iter().filter_map(|cell| year(&cell.text)).collect();
    let numbers = row.cells.iter().filter(|cell| is_value(&cell.text)).count();
    let is_falling = years.windows(2).all(|pair| pair[0] > pair[1]);
    if is_falling {
        years.reverse();
    }
    years.len() >= 2 && years.windows(2).all(|pair| pair[0] < pair[1]) && numbers == years.len()
}

/// A year: `2008`, `2008/09`, `2008-2010`.
fn year(text: &str) -> Option<u32> {
    let (first, rest) = text.split_at_checked(4)?;
    let is_year = (first.starts_with("19") || first.starts_with("20"))
        && rest.chars().all(|letter| letter.is_ascii_digit() || "/-–".contains(letter))
        && !rest.starts_with(|letter: char| letter.is_ascii_digit());
    first.parse().ok().filter(|_| is_year)
}

/// Whether this is a number with more text: `12.5 bar`, `< 3 days`.
pub(super) fn begins_with_number(text: &str) -> bool {
    let bare = text.trim_start_matches(|letter: char| "+-–±<>≤≥~€$£# ".contains(letter));
    bare.starts_with(|letter: char| letter.is_ascii_digit()) || is_value(text)
}

/// Whether this is a number, with what may be beside it, or a sign for none.
pub(super) fn is_value(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
    let nothing = !text.is_empty() && text.chars().all(|letter| "-–—.…*".contains(letter));
    nothing || (digits > 0 && letters <= 2 && letters <= digits) || text.eq_ignore_ascii_case("n/a")
}
