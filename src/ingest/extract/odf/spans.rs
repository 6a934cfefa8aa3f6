//! Cells of an `OpenDocument` table that span several rows or columns.

use crate::ingest::extract::table::{GridCell, WIDEST};
use crate::ingest::extract::xml::{Element, attribute};

/// The cells of a table that extend into the rows below.
#[derive(Default)]
pub(super) struct Spans {
    /// For each column, how many rows below the current one its cell extends to.
    below: Vec<u32>,
    column: usize,
    /// Columns that the previous cell covers, besides its own.
    across: u32,
}

impl Spans {
    pub(super) fn begin_row(&mut self) {
        (self.column, self.across) = (0, 0);
    }

    /// The cells that an element of a row stands for; the last one gets the text. A covered cell is part of the
    /// cell above it, or of the one before it, which adds no cell.
    pub(super) fn cells(&mut self, name: &str, element: &Element<'_>) -> Vec<GridCell> {
        let number = |name| {
            let number = attribute(element, name).and_then(|number| number.parse::<u32>().ok());
            number.unwrap_or(1).max(1)
        };
        let mut cells = Vec::new();
        for _ in 0..number("number-columns-repeated").min(WIDEST) {
            if self.column >= WIDEST as usize {
                break;
            }
            if self.below.len() <= self.column {
                self.below.resize(self.column + 1, 0);
            }
            let below = &mut self.below[self.column];
            if name == "covered-table-cell" {
                if self.across > 0 {
                    self.across -= 1;
                } else if *below > 0 {
                    *below -= 1;
                    cells.push(GridCell { above: true, ..GridCell::default() });
                }
                self.column += 1;
                continue;
            }
            let columns = number("number-columns-spanned").min(WIDEST);
            let rows = number("number-rows-spanned");
            let end = self.column + columns as usize;
            if self.below.len() < end {
                self.below.resize(end, 0);
            }
            self.below[self.column..end].fill(rows - 1);
            cells.push(GridCell { columns, ..GridCell::default() });
            self.across = columns - 1;
            self.column += 1;
        }
        cells
    }
}
