//! For a terminal.

use unicode_width::UnicodeWidthStr;

use super::super::style::Style;
use crate::eval::report::EvalReport;

pub(super) fn document(report: &EvalReport, style: Style) -> String {
    let mut text = format!("{}\n", super::headline(report));
    for (title, rows) in super::tables(report) {
        text.push('\n');
        if let Some(title) = title {
            text += &format!("{}\n", style.strong(&title));
        }
        text += &aligned(&rows, style);
    }
    let latencies = super::latencies(report);
    if !latencies.is_empty() {
        text += &format!("\n{}\n", latencies.join("\n"));
    }
    text
}

/// Columns two blanks apart, numbers to the right.
fn aligned(rows: &[Vec<String>], style: Style) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cell = |row: &[String], i: usize| row.get(i).map_or(0, |cell| cell.width());
    let widths: Vec<usize> =
        (0..columns).map(|i| rows.iter().map(|row| cell(row, i)).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let blanks = " ".repeat(width - cell.width());
            if column == 0 { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let line = if i == 0 { style.dim(line) } else { line.to_owned() };
        text += &format!("{line}\n");
    }
    text
}
