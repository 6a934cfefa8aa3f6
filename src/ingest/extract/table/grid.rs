//! The table of a document → [`SourceLines`].

use std::ops::Range;

use super::{Header, SourceLines, TableRow, is_header, is_name, write};

/// A cell of a table in a document.
#[derive(Clone, Default, Debug)]
pub(in crate::ingest::extract) struct GridCell {
    pub(in crate::ingest::extract) text: String,
    /// How many columns it spans; 0 is taken for 1.
    pub(in crate::ingest::extract) columns: u32,
    /// Whether it is part of the cell above.
    pub(in crate::ingest::extract) above: bool,
}

/// The column of cells that span all columns.
const ACROSS: u32 = u32::MAX;

/// Widest cell, in columns: Word's tables have no more.
pub(in crate::ingest::extract) const WIDEST: u32 = 63;

/// Longest text of a merged cell that is repeated wherever the cell is, in bytes: a category, not an essay.
pub(in crate::ingest::extract) const LONGEST_REPEATED: usize = 200;

/// How many times the size of the text repeated column names and merged cells may take, and how many bytes they
/// may take in any case.
const REPEATED: usize = 16;
const REPEATED_IN_ANY: usize = 64 * 1024;

/// How many bytes may be repeated in the tables of a text of this length.
pub(in crate::ingest::extract) fn room(length: usize) -> usize {
    length.saturating_mul(REPEATED).saturating_add(REPEATED_IN_ANY)
}

/// The table of a document: cells may be merged, and the header may have several rows.
#[derive(Default, Debug)]
pub(in crate::ingest::extract) struct Grid {
    rows: Vec<TableRow>,
    /// How many rows the document declares as headers.
    headers: usize,
    /// The first row with columns, and whether a cell there spans several of them, but not all.
    top: Option<(usize, bool)>,
}

impl Grid {
    /// `header`: whether the document declares the row a header.
    pub(in crate::ingest::extract) fn push(
        &mut self,
        cells: &[GridCell],
        header: bool,
        first: u32,
        last: u32,
    ) {
        if header && self.headers == self.rows.len() {
            self.headers += 1;
        }
        let mut row = TableRow { first, last, ..TableRow::default() };
        let mut column = 0;
        for cell in cells {
            let next = column + cell.columns.clamp(1, WIDEST);
            let once = cells.len() == 1 || cell.text.len() > LONGEST_REPEATED;
            let repeated = if once { column + 1 } else { next };
            for column in column..repeated {
                let above = self.rows.last().filter(|_| cell.above);
                let above = above.and_then(|row| row.value(column));
                let text = above.filter(|text| text.len() <= LONGEST_REPEATED);
                let column = if cells.len() == 1 { ACROSS } else { column };
                row.push(column, text.unwrap_or(&cell.text));
            }
            column = next;
        }
        if row.cells.is_empty() {
            return;
        }
        if cells.len() > 1 && self.top.is_none() {
            self.top = Some((self.rows.len(), cells.iter().any(|cell| cell.columns > 1)));
        }
        self.rows.push(row);
    }

    pub(in crate::ingest::extract) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The header rows.
    pub(in crate::ingest::extract) fn header(&self) -> Option<Range<usize>> {
        let (top, spans) = self.top.unwrap_or_default();
        let marked = self.headers > top;
        let end = if marked { self.headers } else { top + 1 + usize::from(spans) };
        (end < self.rows.len() && (marked || self.has_header(top, end))).then_some(top..end)
    }

    /// The rows below the header, each with the names of its columns.
    pub(in crate::ingest::extract) fn into_lines(mut self) -> SourceLines {
        let mut lines = SourceLines::default();
        let mut header = Header::None;
        let place = self.header();
        let names = place.and_then(|place| {
            let names = Header::above(&self.rows[place.clone()], &self.rows[place.end..])?;
            Some((place, names))
        });
        if let Some((place, names)) = names {
            let mut unused = names.row(&self.rows[place.clone()]);
            for row in &self.rows[place.end..] {
                names.unuse(&mut unused, row);
            }
            for row in self.rows.drain(..place.end).take(place.start) {
                write(&mut lines, &header, &[], &row);
            }
            write(&mut lines, &header, &[], &unused);
            header = names;
        }
        for row in &self.rows {
            write(&mut lines, &header, &[], row);
        }
        lines
    }

    /// Whether the rows of `top..end` name the columns of those below. In a table of two columns, the first row
    /// may just as well be another name with its value.
    fn has_header(&self, top: usize, end: usize) -> bool {
        let below = &self.rows[end..];
        let widest = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let last = |row: &TableRow| row.cells.last().map(|(_, value)| is_name(value));
        let values = below.iter().filter(|row| last(row) == Some(false)).count();
        is_header(&self.rows[end - 1], widest)
            && self.rows[top..end].iter().flat_map(|row| &row.cells).all(|(_, cell)| is_name(cell))
            && (widest > 2 || values * 2 > below.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a grid; in a cell, `<` means the cell above, and `x3` at the end three columns.
    fn drawn(rows: &[&str], headers: usize) -> Vec<String> {
        let mut grid = Grid::default();
        for (number, row) in (1..).zip(rows) {
            let cell = |text: &str| {
                let (text, columns) = text.split_once(" x").unwrap_or((text, "1"));
                let (columns, above) = (columns.parse().unwrap_or(1), text == "<");
                GridCell {
                    text: if above { String::new() } else { text.to_owned() },
                    columns,
                    above,
                }
            };
            let cells: Vec<GridCell> = row.split(',').map(cell).collect();
            grid.push(&cells, number as usize <= headers, number, number);
        }
        grid.into_lines().text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn merged_cells_are_in_each_of_their_columns() {
        let rows = ["Fees x3", "Port,Fee x2", "<,winter,summer", "North x3", "A,1,2", "<,3 x2"];
        let expected = [
            "Fees",
            "North",
            "Port: A | Fee, winter: 1 | Fee, summer: 2",
            "Port: A | Fee, winter: 3 | Fee, summer: 3",
        ];
        assert_eq!(drawn(&rows, 0), expected);
        assert_eq!(drawn(&rows, 3), expected);
        let long = "long ".repeat(60);
        let rows = ["A,B,C".to_owned(), format!("{long},x,y"), format!("<,{long} x2")];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(drawn(&rows, 0)[1], format!("B: {}", long.trim()));
    }

    #[test]
    fn a_form_has_no_header_unless_declared() {
        let form = ["Name,Ann", "Town,Bonn", "Age,5"];
        assert_eq!(drawn(&form, 0), ["Name | Ann", "Town | Bonn", "Age | 5"]);
        assert_eq!(drawn(&form, 1), ["Name: Town | Ann: Bonn", "Name: Age | Ann: 5"]);
        assert_eq!(drawn(&["Port,Fee", "A,1", "B,2"], 0), ["Port: A | Fee: 1", "Port: B | Fee: 2"]);
        assert_eq!(drawn(&["Port,Fee,Note"], 1), ["Port | Fee | Note"]);
        assert_eq!(drawn(&["Port,Fee,Note", "A,1"], 1), ["Note", "Port: A | Fee: 1"]);
        assert_eq!(drawn(&["Port,Fee", "Port,Fee"], 1), ["Port | Fee", "Port | Fee"]);
    }
}
