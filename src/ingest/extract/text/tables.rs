//! Tables that a text draws with characters → one line for each row, with the names of the columns.
//!
//! The lines of the file keep their numbers: a row is written on its first line, and the lines of the header,
//! of borders and of further lines of cells become empty. A row that takes several lines is cited by all of
//! them. A table without a header is left as it is.

mod asciidoc;
mod markdown;
mod rst;

use std::borrow::Cow;
use std::ops::Range;

use crate::ingest::document::{Syntax, UnitMark};
use crate::ingest::extract::table::{self, Grid, GridCell};

/// A table and the lines of the text that it takes, from 0.
struct Drawn {
    lines: Range<usize>,
    rows: Vec<DrawnRow>,
}

#[derive(Default)]
struct DrawnRow {
    cells: Vec<GridCell>,
    is_header: bool,
    /// Its first line in the text, from 0.
    line: usize,
}

/// The text with its tables rewritten.
pub(in crate::ingest::extract) fn named(text: &str, syntax: Syntax) -> Cow<'_, str> {
    named_rows(text, syntax).0
}

/// The same, and the lines (from 1) of the rows that take more than one.
pub(in crate::ingest::extract) fn named_rows(
    text: &str,
    syntax: Syntax,
) -> (Cow<'_, str>, Vec<(u32, u32)>) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let tables = match syntax {
        Syntax::Markdown => markdown::tables(text),
        Syntax::Rst => rst::tables(&lines),
        Syntax::Asciidoc => asciidoc::tables(&lines),
        Syntax::Plain | Syntax::Rows | Syntax::Code(_) => Vec::new(),
    };
    if tables.is_empty() {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut long = Vec::new();
    let mut room = table::room(text.len());
    let mut written = String::with_capacity(text.len() * 2);
    let mut at = 0;
    for table in &tables {
        let follows = lines.get(table.lines.end).map_or("", |line| line.trim());
        let Some(rows) = table.written(&mut room).filter(|_| !is_underline(follows)) else {
            continue;
        };
        written.extend(lines[at..table.lines.start].iter().copied());
        long.extend(rows.iter().filter_map(|(at, _)| table.lines_of(*at, &lines)));
        let mut rows = rows.into_iter().peekable();
        for (number, line) in (table.lines.start..).zip(&lines[table.lines.clone()]) {
            let (body, end) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
            let margin = &body[..body.len() - body.trim_start_matches([' ', '\t', '>']).len()];
            match rows.next_if(|(at, _)| *at <= number) {
                Some((_, row)) => written.extend([margin, &row]),
                None => written.push_str(margin.trim_end()),
            }
            written.push_str(end);
        }
        at = table.lines.end;
    }
    written.extend(lines[at..].iter().copied());
    (Cow::Owned(written), long)
}

/// A mark for each line of a text; the rows in `long` end on a later line.
pub(in crate::ingest::extract) fn marks(text: &str, long: &[(u32, u32)]) -> Vec<UnitMark> {
    let mut long = long.iter().copied().peekable();
    let mut offset = 0;
    let mark = |(number, line): (u32, &str)| {
        let row = long.next_if(|(first, _)| *first == number);
        let mark = UnitMark { offset, first: number, last: row.map_or(number, |(_, last)| last) };
        offset += line.len();
        mark
    };
    (1..).zip(text.split_inclusive('\n')).map(mark).collect()
}

/// Whether this line makes the line above it a heading.
fn is_underline(line: &str) -> bool {
    ['=', '-'].iter().any(|mark| !line.is_empty() && line.chars().all(|c| c == *mark))
}

impl Drawn {
    /// The lines (from 1) of the row that starts at line `at` (from 0), if there are several. Borders and blank
    /// lines after it are not part of it.
    fn lines_of(&self, at: usize, lines: &[&str]) -> Option<(u32, u32)> {
        let next = self.rows.iter().map(|row| row.line).find(|line| *line > at);
        let end = next.unwrap_or(self.lines.end).min(lines.len());
        let has_words = |line: &usize| lines[*line].chars().any(char::is_alphanumeric);
        let last = (at..end).rev().find(has_words).filter(|last| *last > at)?;
        Some((u32::try_from(at + 1).ok()?, u32::try_from(last + 1).ok()?))
    }

    /// The rows below the header, each with its line; `None` leaves the table as it is.
    fn written(&self, room: &mut usize) -> Option<Vec<(usize, String)>> {
        let headers = self.rows.iter().filter(|row| row.is_header);
        let names: usize = headers.flat_map(|row| &row.cells).map(|cell| cell.text.len()).sum();
        *room = room.checked_sub(names.saturating_mul(self.rows.len()))?;
        let mut grid = Grid::default();
        for (index, row) in (0..).zip(&self.rows) {
            grid.push(&row.cells, row.is_header, index, index);
        }
        grid.header()?;
        let lines = grid.into_lines();
        let row = |first: u32| self.rows.get(first as usize).map_or(0, |row| row.line);
        let marks = lines.marks.iter().map(|mark| row(mark.first));
        Some(marks.zip(lines.text.lines().map(str::to_owned)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn is_named(text: &str, syntax: Syntax, expected: &str) {
        let written = named(text, syntax);
        assert_eq!(written, expected);
        assert_eq!(written.lines().count(), text.lines().count());
    }

    #[test]
    fn a_table_that_would_become_too_long_is_left() {
        let name = "name ".repeat(4000);
        let rows = "|1|2|\n".repeat(4000);
        let text = format!("|{name}|b|\n|-|-|\n{rows}");
        assert_eq!(named(&text, Syntax::Markdown), text);
    }

    #[test]
    fn a_row_of_several_lines_has_all_of_them() {
        let grid = "a\n\n+------+----+\n| Port | In |\n+======+====+\n| Oslo | 3  |\n+------+----+\n| Ulm  | 4  |\n|      | or |\n+------+----+\n\nb\n";
        let (text, long) = named_rows(grid, Syntax::Rst);
        assert_eq!(long, [(8, 9)]);
        let marks = marks(&text, &long);
        let row = marks[7];
        assert_eq!((row.first, row.last, &text[row.offset..row.offset + 9]), (8, 9, "Port: Ulm"));
        assert_eq!((marks.len(), marks[11].first, marks[11].last), (12, 12, 12));
        let adoc = "|===\n|Port |Fee\n\n|Oslo\n|3 crowns,\nor 4\n\n|Ulm |2\n|===\n";
        assert_eq!(named_rows(adoc, Syntax::Asciidoc).1, [(4, 6)]);
        let rows = "|Port|Fee|\n|-|-|\n|Oslo|3|\n|Ulm|4|\n";
        assert_eq!(named_rows(rows, Syntax::Markdown).1, []);
    }

    #[test]
    fn truncated_drawings_are_not_tables() {
        for text in [
            "+---+",
            "+---+\n+===+",
            "+---+\n| a |\n+===+\n| é",
            "==  ==\n",
            "==  ==\na  b\n==  ==\n",
            "==  ==\nb\n==  ==\né\n",
            ".. list-table::",
            ".. list-table::\n   :header-rows: 9\n\n   * - a\n",
            ".. csv-table::\n   :header: a, b",
            ".. csv-table::\n   :header: a, b\n\n   \"",
            "|===",
            "|===\n|a |b\n",
            "|===\n|a |b\n\n",
            "| a |\n|--|",
        ] {
            for syntax in [Syntax::Rst, Syntax::Asciidoc, Syntax::Markdown] {
                assert_eq!(named(text, syntax), text);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_keeps_its_lines(text in "[-+|= a\n*.:>é\"]{0,120}") {
            for text in [&text, &format!(".. csv-table::\n   :header: a, b\n{text}"), &format!("|===\n{text}")] {
                for syntax in [Syntax::Rst, Syntax::Asciidoc, Syntax::Markdown] {
                    let written = named(text, syntax);
                    proptest::prop_assert_eq!(written.split('\n').count(), text.split('\n').count());
                }
            }
        }
    }
}
