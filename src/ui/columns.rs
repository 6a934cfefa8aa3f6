//! Aligns rows of cells, and fits them to the width of a terminal.

use unicode_width::UnicodeWidthStr;

use super::style::Style;

/// Blanks between columns.
const GAP: usize = 2;

/// Fewest characters of a last cell to show.
const FEWEST: usize = 20;

/// Makes rows fit into `width`: removes the columns that `may_go` names, if necessary, and the
/// beginning of last cells.
pub(super) fn fit(rows: &mut [Vec<String>], width: usize, may_go: impl Fn(&str) -> bool) {
    let before_last = |rows: &[Vec<String>]| {
        let columns = rows.first().map_or(0, Vec::len).saturating_sub(1);
        let widest = |i: usize| rows.iter().filter_map(|row| Some(row.get(i)?.width())).max();
        (0..columns).map(|i| widest(i).unwrap_or(0) + GAP).sum::<usize>()
    };
    let last = rows.iter().filter_map(|row| Some(row.last()?.width())).max().unwrap_or(0);
    if before_last(rows) + last.min(FEWEST) > width {
        let header = rows.first().cloned().unwrap_or_default();
        let gone: Vec<bool> = header.iter().map(|name| may_go(name)).collect();
        for row in rows.iter_mut() {
            let mut gone = gone.iter().copied();
            row.retain(|_| !gone.next().unwrap_or(false));
        }
    }
    let left = width.saturating_sub(before_last(rows)).max(FEWEST);
    for cell in rows.iter_mut().filter_map(|row| row.last_mut()) {
        if cell.width() > left {
            // The name and the place, which distinguish the cells, are at the end.
            while cell.width() >= left {
                cell.remove(0);
            }
            cell.insert(0, '…');
        }
    }
}

/// Aligns columns, two blanks apart, under the dimmed first row. Columns that `is_text` names are
/// aligned to the left, numbers to the right.
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
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let line = if i == 0 { style.dim(line) } else { line.to_owned() };
        text += &format!("{line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_into_a_terminal() {
        let rows = || {
            let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
            vec![
                row(["rank", "dense", "cosine", "hit"]),
                row(["1", "1", "0.912", "a/long/way/to/the/handbook.md:L12-L15"]),
                row(["2", "3", "0.710", "b.md:L1"]),
            ]
        };
        let fitted = |width: usize| {
            let mut rows = rows();
            fit(&mut rows, width, |name| name == "cosine");
            aligned(&rows, |column| column + 1 == rows[0].len(), Style::new(false, false))
        };
        let wide = fitted(100);
        assert!(wide.contains("a/long/way/to/the/handbook.md:L12-L15"), "{wide}");
        for width in [20, 30, 35, 40, 45, 50] {
            let text = fitted(width);
            let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
            assert!(widest <= width.max(35), "{width}:\n{text}");
            assert!(text.contains(":L12-L15") && text.contains("…"), "{width}:\n{text}");
            assert_eq!(text.contains("cosine"), width >= 41, "{width}:\n{text}");
        }
    }
}
