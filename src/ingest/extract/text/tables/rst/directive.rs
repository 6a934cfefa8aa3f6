//! `.. list-table::` and `.. csv-table::`.

use super::super::{Drawn, DrawnRow};
use super::indent;
use crate::ingest::document::single_spaced;
use crate::ingest::extract::csv;
use crate::ingest::extract::table::GridCell;

/// The table of the directive on the first line, and how many lines it takes; `from` is the number of that
/// line.
pub(super) fn table(lines: &[&str], from: usize) -> (Option<Drawn>, usize) {
    let margin = indent(lines[0]);
    let inside = |line: &&&str| line.trim().is_empty() || indent(line) > margin;
    let below = lines[1..].iter().take_while(inside);
    let filled = below.enumerate().filter(|(_, line)| !line.trim().is_empty()).last();
    let count = filled.map_or(1, |(index, _)| index + 2);
    let lines = &lines[..count];
    let options = lines[1..].iter().take_while(|line| line.trim().starts_with(':')).count();
    let body = 1 + options;
    let rows = if lines[0].trim().starts_with(".. list-table::") {
        list(lines, body)
    } else {
        comma_separated(lines, body)
    };
    let rows: Vec<DrawnRow> =
        rows.into_iter().map(|row| DrawnRow { line: from + row.line, ..row }).collect();
    let has_header = rows.first().is_some_and(|row| row.is_header);
    let table = has_header.then(|| Drawn { lines: from + 1..from + count, rows });
    (table, count)
}

fn option<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    let options = lines[1..].iter().take_while(|line| line.trim().starts_with(':'));
    options.map(|line| line.trim()).find_map(|line| line.strip_prefix(name).map(str::trim))
}

fn header_rows(lines: &[&str]) -> usize {
    option(lines, ":header-rows:").and_then(|rows| rows.parse().ok()).unwrap_or(0)
}

fn row(texts: impl IntoIterator<Item = String>, line: usize, is_header: bool) -> DrawnRow {
    let cells = texts.into_iter().map(|text| GridCell { text, columns: 1, above: false });
    DrawnRow { cells: cells.collect(), line, is_header }
}

/// Reads a list table: `* - cell` starts a row, `- cell` continues it.
fn list(lines: &[&str], body: usize) -> Vec<DrawnRow> {
    let header_rows = header_rows(lines);
    let mut rows: Vec<DrawnRow> = Vec::new();
    // The column of the cells' marks.
    let mut mark = 0;
    for (line, raw) in lines.iter().enumerate().skip(body) {
        let words = raw.trim();
        if let Some(first) = words.strip_prefix("* -") {
            mark = indent(raw) + 2;
            let is_header = rows.len() < header_rows;
            rows.push(row([single_spaced(first)], line, is_header));
            continue;
        }
        let Some(row) = rows.last_mut() else { continue };
        let cell = words.strip_prefix('-').filter(|_| indent(raw) == mark);
        match (cell, row.cells.last_mut()) {
            (Some(text), _) => {
                let text = single_spaced(text);
                row.cells.push(GridCell { text, columns: 1, above: false });
            }
            (None, Some(cell)) => cell.text = single_spaced(&format!("{} {words}", cell.text)),
            (None, None) => {}
        }
    }
    rows
}

/// Reads a CSV table; the header is `:header: "a", "b"`, or the first rows.
fn comma_separated(lines: &[&str], body: usize) -> Vec<DrawnRow> {
    let other = [":delim:", ":quote:", ":escape:"];
    if other.iter().any(|name| option(lines, name).is_some()) {
        return Vec::new();
    }
    let names = option(lines, ":header:").map(records).unwrap_or_default();
    let mut rows: Vec<DrawnRow> = names.into_iter().map(|(_, cells)| row(cells, 0, true)).collect();
    let headers = rows.len() + header_rows(lines);
    let unindented = |line: &&str| line.trim_start_matches([' ', '\t']).to_owned();
    let text: String = lines[body..].iter().map(unindented).collect();
    for (line, cells) in records(&text) {
        let is_header = rows.len() < headers;
        rows.push(row(cells, body + line, is_header));
    }
    rows
}

/// The cells of each row, with its line from 0; empty if they cannot be parsed.
fn records(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut records = Vec::new();
    let read = csv::rows(&text.replace(", \"", ",\""), 0, b',', |row| {
        let width = row.cells.last().map_or(0, |(column, _)| column + 1);
        let cells = (0..width).map(|column| row.value(column).cloned().unwrap_or_default());
        records.push((row.first as usize - 1, cells.collect()));
    });
    if read.is_err() {
        records.clear();
    }
    records
}
