//! Which rows and columns of a sheet are hidden, for the formats in which `calamine` does not report it. What
//! can't be read here counts as shown: the cells are read by other means.

mod ods;
mod xls;
mod xlsb;

use std::collections::{BTreeMap, HashMap};

pub(super) use self::ods::hidden as of_ods;
pub(super) use self::xls::hidden as of_xls;
pub(super) use self::xlsb::hidden as of_xlsb;

/// Hidden rows and columns, by the names of the sheets.
pub(super) type OfSheets = HashMap<String, Hidden>;

/// Rows from 1, columns from 0.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Hidden {
    /// The last row of each range, by its first.
    rows: BTreeMap<u32, u32>,
    /// Columns after the last are shown.
    columns: Vec<bool>,
}

/// Number of columns in a sheet.
const LAST_COLUMN: u32 = 16_384;

impl Hidden {
    pub(super) fn hide_rows(&mut self, first: u32, last: u32) {
        self.rows.insert(first, last);
    }

    /// Hides columns from `first` to `last`, as far as a sheet has them.
    pub(super) fn hide_columns(&mut self, first: u32, last: u32) {
        let (first, last) = (first.min(LAST_COLUMN), last.min(LAST_COLUMN - 1));
        if first <= last {
            self.columns.resize(self.columns.len().max(last as usize + 1), false);
            self.columns[first as usize..=last as usize].fill(true);
        }
    }

    pub(super) fn hides_row(&self, row: u32) -> bool {
        self.rows.range(..=row).next_back().is_some_and(|(_, last)| row <= *last)
    }

    pub(super) fn hides_column(&self, column: u32) -> bool {
        self.columns.get(column as usize) == Some(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_rows_and_columns() {
        let mut hidden = Hidden::default();
        hidden.hide_rows(7, 7);
        hidden.hide_rows(3, 4);
        hidden.hide_columns(1, 2);
        hidden.hide_columns(20_000, 30_000);
        let rows: Vec<u32> = (1..10).filter(|row| hidden.hides_row(*row)).collect();
        let columns: Vec<u32> = (0..20_000).filter(|at| hidden.hides_column(*at)).collect();
        assert_eq!((rows, columns), (vec![3, 4, 7], vec![1, 2]));
        hidden.hide_columns(10, u32::MAX);
        assert_eq!(hidden.columns.len(), LAST_COLUMN as usize);
    }
}
