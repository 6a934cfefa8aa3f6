//! Simple tables: `====  ====` above and below the header, and below the table.

use super::super::{Drawn, DrawnRow};
use super::{indent, slice};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::table::GridCell;

pub(super) fn is_border(line: &str) -> bool {
    line.starts_with("==") && line.bytes().all(|byte| matches!(byte, b'=' | b' '))
}

/// The table that starts with the first line, and how many lines it takes; `from` is the number of that line.
pub(super) fn table(lines: &[&str], from: usize) -> (Option<Drawn>, usize) {
    let borders = lines.iter().enumerate().filter(|(_, line)| is_border(line.trim()));
    let borders: Vec<usize> = borders.map(|(index, _)| index).take(3).collect();
    let [_, second, third] = *borders.as_slice() else { return (None, 1) };
    // A table without a header ends there.
    if lines.get(second + 1).is_none_or(|line| line.trim().is_empty()) {
        return (None, second + 1);
    }
    let margin = indent(lines[0]);
    let lines: Vec<&str> =
        lines[..=third].iter().map(|line| line.get(margin..).unwrap_or("")).collect();
    let starts = starts(lines[0]);
    let mut rows = headers(&lines[1..second], &starts);
    for (at, line) in lines.iter().enumerate().take(third).skip(second + 1) {
        let cells = cells(line, &starts);
        let begins =
            !slice(line, 0, starts.get(1).copied().unwrap_or(usize::MAX)).trim().is_empty();
        match rows.last_mut().filter(|row| !row.is_header && !begins) {
            Some(row) => join(row, &cells),
            None if line.trim().is_empty() || is_rule(line) => {}
            None => rows.push(DrawnRow { cells, line: from + at, is_header: false }),
        }
    }
    let table = starts.len() > 1 && !rows.is_empty();
    (table.then_some(Drawn { lines: from..from + third + 1, rows }), third + 1)
}

/// Where the columns start.
fn starts(border: &str) -> Vec<usize> {
    let bytes = border.as_bytes();
    let begins = |at: &usize| bytes[*at] == b'=' && (*at == 0 || bytes[at - 1] == b' ');
    (0..bytes.len()).filter(begins).collect()
}

/// Whether a line is the rule below names that span several columns.
fn is_rule(line: &str) -> bool {
    line.starts_with("--") && line.trim_end().bytes().all(|byte| matches!(byte, b'-' | b' '))
}

/// Joins lines of names into rows; a row ends at a rule, which shows the columns that its names span.
fn headers(lines: &[&str], starts: &[usize]) -> Vec<DrawnRow> {
    let mut rows: Vec<DrawnRow> = Vec::new();
    let mut waiting: Vec<&str> = Vec::new();
    let row = |lines: &[&str], starts: &[usize], all: &[usize]| {
        let mut row = DrawnRow { is_header: true, ..DrawnRow::default() };
        for line in lines {
            let cells = cells(line, starts);
            if row.cells.is_empty() { row.cells = cells } else { join(&mut row, &cells) }
        }
        for (cell, start) in row.cells.iter_mut().zip(starts) {
            let next = starts.iter().find(|next| *next > start).copied().unwrap_or(usize::MAX);
            let columns = all.iter().filter(|column| (*start..next).contains(column)).count();
            cell.columns = u32::try_from(columns).unwrap_or(1);
        }
        row
    };
    for line in lines {
        if is_rule(line) {
            rows.push(row(
                &std::mem::take(&mut waiting),
                &self::starts(&line.replace('-', "=")),
                starts,
            ));
        } else {
            waiting.push(line);
        }
    }
    if !waiting.is_empty() {
        rows.push(row(&waiting, starts, starts));
    }
    rows
}

fn cells(line: &str, starts: &[usize]) -> Vec<GridCell> {
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    let text = |(start, end): (&usize, usize)| match single_spaced(&slice(line, *start, end)) {
        // An escape for an empty first column, which starts a row all the same.
        text if text == "\\" => String::new(),
        text => text,
    };
    let cells = starts.iter().zip(ends).map(text);
    cells.map(|text| GridCell { text, columns: 1, above: false }).collect()
}

/// Continues the cells of a row.
fn join(row: &mut DrawnRow, cells: &[GridCell]) {
    for (cell, more) in row.cells.iter_mut().zip(cells) {
        cell.text = single_spaced(&format!("{} {}", cell.text, more.text));
    }
}
