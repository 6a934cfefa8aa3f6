//! Grid tables: `+---+---+` around cells, `+===+===+` below the header.

use std::collections::BTreeSet;

use super::super::{Drawn, DrawnRow};
use super::{indent, slice};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::table::GridCell;

/// Whether a line is a border across the whole table.
pub(super) fn is_border(line: &str) -> bool {
    line.len() > 2
        && line.starts_with('+')
        && line.ends_with('+')
        && line.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'='))
}

/// The table that starts with the first line, and how many lines it takes; `from` is the number of that line.
pub(super) fn table(lines: &[&str], from: usize) -> (Option<Drawn>, usize) {
    let is_of_it = |line: &&&str| line.trim_start().starts_with(['+', '|']);
    let count = lines.iter().take_while(is_of_it).count();
    let margin = indent(lines[0]);
    let lines: Vec<&str> =
        lines[..count].iter().map(|line| line.get(margin..).unwrap_or("")).collect();
    let header = lines.iter().position(|line| is_border(line.trim_end()) && line.contains('='));
    let table = header.and_then(|header| {
        let edges = edges(&lines);
        let mut rows = Vec::new();
        let mut above: Vec<usize> = Vec::new();
        let mut start = 1;
        for (at, line) in lines.iter().enumerate().skip(1) {
            let whole = is_border(line.trim_end());
            if whole || is_divided(line) {
                let body = &lines[start..at];
                add_row(&mut rows, body, &edges, &above);
                if let Some(row) = rows.last_mut() {
                    (row.line, row.is_header) = (from + start, at <= header);
                }
                above = if whole { Vec::new() } else { kept(line, &edges) };
                start = at + 1;
            }
        }
        let drawn = Drawn { lines: from..from + count, rows };
        (start == count).then_some(drawn)
    });
    (table, count)
}

/// Where cells may start and end.
fn edges(lines: &[&str]) -> Vec<usize> {
    let borders = lines.iter().filter(|line| is_border(line.trim_end()) || is_divided(line));
    let crossings = |line: &&&str| -> Vec<usize> {
        line.chars().enumerate().filter(|(_, c)| *c == '+').map(|(at, _)| at).collect()
    };
    let edges: BTreeSet<usize> = borders.flat_map(|line| crossings(&line)).collect();
    edges.into_iter().collect()
}

/// Whether a line is a border across some columns, while cells of others continue through it.
fn is_divided(line: &str) -> bool {
    let line = line.trim_end();
    (line.contains("+-") && line.contains("-+"))
        && line.split('|').any(|part| is_border(part.trim()))
        && !is_border(line)
        || (line.starts_with('+') && line.ends_with('|') && line.contains("-+"))
        || (line.starts_with('|') && line.ends_with('+') && line.contains("+-"))
}

/// The columns whose cells continue through a divided line.
fn kept(line: &str, edges: &[usize]) -> Vec<usize> {
    let is_kept = |column: &usize| {
        let inside = slice(line, edges[*column] + 1, edges[*column + 1]);
        !inside.chars().all(|c| matches!(c, '-' | '+'))
    };
    (0..edges.len() - 1).filter(is_kept).collect()
}

/// Adds a row from the lines between two borders. Text in the columns `above` belongs to the cell above.
fn add_row(rows: &mut Vec<DrawnRow>, lines: &[&str], edges: &[usize], above: &[usize]) {
    let is_edge =
        |at: usize| lines.iter().all(|line| matches!(line.chars().nth(at), Some('|' | '+')));
    let mut cells: Vec<GridCell> = Vec::new();
    let mut column = 0;
    while column + 1 < edges.len() {
        let mut end = column + 1;
        while end + 1 < edges.len() && !is_edge(edges[end]) {
            end += 1;
        }
        let text = |line: &&str| slice(line, edges[column] + 1, edges[end]);
        let text = single_spaced(&lines.iter().map(text).collect::<Vec<_>>().join(" "));
        let is_above = above.contains(&column);
        if is_above && let Some(cell) = rows.last_mut().and_then(|row| at_column(row, column)) {
            cell.text = single_spaced(&format!("{} {text}", cell.text));
        }
        let text = if is_above { String::new() } else { text };
        cells.push(GridCell {
            text,
            columns: u32::try_from(end - column).unwrap_or(1),
            above: is_above,
        });
        column = end;
    }
    rows.push(DrawnRow { cells, ..DrawnRow::default() });
}

fn at_column(row: &mut DrawnRow, column: usize) -> Option<&mut GridCell> {
    let mut at = 0;
    row.cells.iter_mut().find(|cell| {
        let start = at;
        at += cell.columns as usize;
        start == column && !cell.above
    })
}
