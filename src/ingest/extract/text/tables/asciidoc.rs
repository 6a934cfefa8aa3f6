//! Tables of `AsciiDoc`: `|===` around cells that start with `|`.

use super::{Drawn, DrawnRow};
use crate::ingest::document::single_spaced;
use crate::ingest::extract::table::GridCell;

const FENCE: &str = "|===";

/// Most columns, rows or copies that a cell may declare.
const MOST: usize = 63;

pub(super) fn tables(lines: &[&str]) -> Vec<Drawn> {
    let is_fence = |index: &usize| lines[*index].trim() == FENCE;
    let mut tables = Vec::new();
    let mut at = 0;
    while let Some(open) = (at..lines.len()).find(is_fence) {
        let Some(close) = (open + 1..lines.len()).find(is_fence) else { break };
        at = close + 1;
        let attributes = open.checked_sub(1).map_or("", |before| lines[before].trim());
        let attributes = if attributes.starts_with('[') { attributes } else { "" };
        tables.extend(table(lines, open, close, attributes));
    }
    tables
}

/// The table between two fences. Its first row is a header if it is followed by a blank line, or if the table
/// declares it.
fn table(lines: &[&str], open: usize, close: usize, attributes: &str) -> Option<Drawn> {
    let is_blank = |index: usize| lines[index].trim().is_empty();
    let first = (open + 1..close).find(|index| !is_blank(*index))?;
    let stands_alone = first == open + 1 && first + 1 < close && is_blank(first + 1);
    let has_header = attributes.contains("header") || stands_alone;
    if !has_header || attributes.contains("noheader") {
        return None;
    }
    let cells = cells(&lines[open + 1..close], open + 1);
    let in_first = cells.iter().filter(|cell| cell.line == first);
    let width = columns(attributes)
        .unwrap_or_else(|| in_first.map(|cell| cell.spans.columns * cell.spans.copies).sum());
    Some(Drawn { lines: open..close + 1, rows: rows(cells, width)? })
}

/// A cell with the line that it starts on.
struct Placed {
    line: usize,
    text: String,
    spans: Spans,
}

#[derive(Clone, Copy)]
struct Spans {
    columns: usize,
    rows: usize,
    copies: usize,
}

impl Spans {
    const ONE: Self = Self { columns: 1, rows: 1, copies: 1 };

    /// Parses the word before the `|` of a cell: `2+` columns, `.3+` rows, `4*` copies, then its alignment and
    /// style.
    fn of(word: &str) -> Option<Self> {
        let style =
            word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '*'));
        let factor = &word[..word.len() - style.len()];
        let is_style = style.len() <= 4 && style.chars().all(|c| "<^>.aehlmsvd".contains(c));
        if word.is_empty() || !is_style {
            return None;
        }
        let number = |text: &str| text.parse::<usize>().ok().map(|n| n.clamp(1, MOST));
        if let Some(spans) = factor.strip_suffix('+') {
            let (columns, rows) = spans.split_once('.').unwrap_or((spans, "1"));
            let columns = if columns.is_empty() { 1 } else { number(columns)? };
            return Some(Self { columns, rows: number(rows)?, copies: 1 });
        }
        if factor.is_empty() {
            return Some(Self::ONE);
        }
        Some(Self { copies: number(factor.strip_suffix('*')?)?, ..Self::ONE })
    }
}

fn cells(lines: &[&str], from: usize) -> Vec<Placed> {
    let mut cells: Vec<Placed> = Vec::new();
    for (line, raw) in (from..).zip(lines) {
        // A bar that is part of the cell's text.
        let escaped = raw.trim().replace("\\|", "\u{0}");
        let mut pieces = escaped.split('|').peekable();
        let mut spans = None;
        while let Some(piece) = pieces.next() {
            let mut words = piece.trim();
            let mut next = None;
            if pieces.peek().is_some() {
                let last = words.rsplit(' ').next().unwrap_or_default();
                let said = Spans::of(last);
                if said.is_some() {
                    words = words[..words.len() - last.len()].trim_end();
                }
                next = Some(said.unwrap_or(Spans::ONE));
            }
            let text = words.replace('\u{0}', "|");
            match (spans, cells.last_mut()) {
                (Some(spans), _) => cells.push(Placed { line, text, spans }),
                (None, Some(cell)) => cell.text += &format!(" {text}"),
                (None, None) => {}
            }
            spans = next;
        }
    }
    cells
}

/// How many columns `cols=` declares: `"1,2"`, `3*`.
fn columns(attributes: &str) -> Option<usize> {
    let value = attributes.split_once("cols=")?.1;
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([',', ']']).next()?,
    };
    let of = |part: &str| match part.split_once('*') {
        Some((count, _)) => count.trim().parse().map_or(1, |count: usize| count.min(MOST + 1)),
        None => 1,
    };
    Some(value.split([',', ';']).map(of).sum())
}

/// Collects cells into rows.
fn rows(cells: Vec<Placed>, width: usize) -> Option<Vec<DrawnRow>> {
    if width == 0 || width > MOST {
        return None;
    }
    let mut rows: Vec<DrawnRow> = Vec::new();
    // By column: how many more rows the cell above spans.
    let mut reach = vec![0_usize; width];
    let mut row = DrawnRow { is_header: true, ..DrawnRow::default() };
    let mut column = 0;
    for Placed { line, text, spans } in cells {
        let text = single_spaced(&text);
        for _ in 0..spans.copies {
            if row.cells.is_empty() {
                row.line = line;
            }
            take_from_above(&mut row, &mut column, &mut reach);
            let columns = spans.columns.min(width - column);
            let cell = GridCell {
                text: text.clone(),
                columns: u32::try_from(columns).ok()?,
                above: false,
            };
            row.cells.push(cell);
            reach[column..column + columns].fill(spans.rows - 1);
            column += columns;
            take_from_above(&mut row, &mut column, &mut reach);
            if column == width {
                rows.push(std::mem::take(&mut row));
                column = 0;
                // Rows that consist only of cells from above.
                while reach.iter().all(|rows| *rows > 0) {
                    for rows in &mut reach {
                        *rows -= 1;
                    }
                }
            }
        }
    }
    // In a row that is not full, the columns of the cells are unknown.
    (row.cells.is_empty() && rows.len() > 1).then_some(rows)
}

fn take_from_above(row: &mut DrawnRow, column: &mut usize, reach: &mut [usize]) {
    while let Some(rows) = reach.get_mut(*column).filter(|rows| **rows > 0) {
        *rows -= 1;
        row.cells.push(GridCell { columns: 1, above: true, ..GridCell::default() });
        *column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::is_named;
    use crate::ingest::document::Syntax;

    #[test]
    fn rows_carry_the_names_of_their_columns() {
        is_named(
            "= Fees\n\n|===\n|Port |Fee\n\n|Oslo\n|3 crowns,\nor 4\n|a \\| b |2\n|===\n\nafter\n",
            Syntax::Asciidoc,
            "= Fees\n\n\n\n\nPort: Oslo | Fee: 3 crowns, or 4\n\n\nPort: a | b | Fee: 2\n\n\nafter\n",
        );
        is_named(
            "[%header,cols=2*]\n|===\n|Port\n|Fee\n|Oslo |3\n|===\n",
            Syntax::Asciidoc,
            "[%header,cols=2*]\n\n\n\nPort: Oslo | Fee: 3\n\n",
        );
    }

    #[test]
    fn merged_cells_are_in_each_of_their_rows_and_columns() {
        is_named(
            "[options=\"header\",cols=\"1,1,2a\"]\n|===\n|Port |Winter |Summer\n.2+|Oslo 2+^|3\n|4 e|5\n3*|x\n|===\n",
            Syntax::Asciidoc,
            "[options=\"header\",cols=\"1,1,2a\"]\n\n\nPort: Oslo | Winter: 3 | Summer: 3\n\
             Port: Oslo | Winter: 4 | Summer: 5\nPort: x | Winter: x | Summer: x\n\n",
        );
    }

    #[test]
    fn a_table_without_a_header_or_with_loose_ends_is_left() {
        for text in [
            "|===\n|Oslo |3\n|Ulm |4\n|===\n",
            "[%noheader]\n|===\n|Oslo |3\n\n|Ulm |4\n|===\n",
            "|===\n|Port |Fee\n\n|Oslo |3 |4\n|===\n",
        ] {
            is_named(text, Syntax::Asciidoc, text);
        }
    }
}
