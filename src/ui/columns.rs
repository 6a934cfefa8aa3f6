//! Rows of cells, aligned.

use unicode_width::UnicodeWidthStr;

use super::style::Style;

/// Columns two blanks apart, under the dimmed first row. Those that `is_text` names are aligned to the
/// left, numbers to the right.
pub(super) fn aligned(
    rows: &[Vec<String>],
    is_text: impl Fn(usize) -> bool,
    style: Style,
) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cell = |row: &[String], i: usize| row.get(i).map_or(0, |cell| cell.width());
    let widths: Vec<usize> =
        (0..columns).map(|i| rows.iter().map(|row| cell(row, i)).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let blanks = " ".repeat(width - cell.width());
            if is_text(column) { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
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
