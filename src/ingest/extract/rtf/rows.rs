//! Rows of an RTF table, whose cells are defined by their right edges.

use crate::ingest::extract::prose::{Paragraph, Prose};
use crate::ingest::extract::table::GridCell;

/// Edges this near are the same one, in twentieths of a point.
const NEAR: i32 = 40;

/// Most cells of a row; Word allows 63.
const MOST: usize = 200;

/// The definition of a cell, which precedes its row.
#[derive(Clone, Copy, Default, Debug)]
struct Definition {
    right: i32,
    /// Whether it is part of the cell above, or of the one before it.
    above: bool,
    before: bool,
}

#[derive(Default, Debug)]
struct Row {
    left: i32,
    definitions: Vec<Definition>,
    is_header: bool,
    cells: Vec<Vec<Paragraph>>,
}

/// The table being read.
#[derive(Default, Debug)]
pub(in crate::ingest::extract) struct Rows {
    done: Vec<Row>,
    row: Row,
    /// Paragraphs of the current cell.
    cell: Vec<Paragraph>,
    next: Definition,
}

impl Rows {
    /// Handles a word that defines rows or cells; returns whether it does.
    pub(in crate::ingest::extract) fn define(&mut self, word: &str, number: Option<i32>) -> bool {
        match word {
            "trowd" => {
                self.row.definitions.clear();
                (self.row.left, self.row.is_header) = (0, false);
                self.next = Definition::default();
            }
            "trleft" => self.row.left = number.unwrap_or(0),
            "trhdr" => self.row.is_header = true,
            "clvmrg" => self.next.above = true,
            "clmrg" => self.next.before = true,
            "cellx" => {
                let definition = std::mem::take(&mut self.next);
                if self.row.definitions.len() < MOST {
                    let right = number.unwrap_or(0);
                    self.row.definitions.push(Definition { right, ..definition });
                }
            }
            _ => return false,
        }
        true
    }

    pub(in crate::ingest::extract) fn add(&mut self, paragraph: Paragraph) {
        self.cell.push(paragraph);
    }

    pub(in crate::ingest::extract) fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let is_full = self.row.cells.len() >= MOST;
        match self.row.cells.last_mut().filter(|_| is_full) {
            // Text of surplus cells goes into the last one.
            Some(last) => last.extend(cell),
            None => self.row.cells.push(cell),
        }
    }

    pub(in crate::ingest::extract) fn end_row(&mut self) {
        if !self.cell.is_empty() {
            self.end_cell();
        }
        let cells = std::mem::take(&mut self.row.cells);
        let (definitions, left) = (self.row.definitions.clone(), self.row.left);
        self.done.push(Row { left, definitions, is_header: self.row.is_header, cells });
    }

    pub(in crate::ingest::extract) fn is_empty(&self) -> bool {
        self.done.is_empty() && self.row.cells.is_empty() && self.cell.is_empty()
    }

    /// Ends the table and writes it.
    pub(in crate::ingest::extract) fn write(&mut self, prose: &mut Prose) {
        if !self.row.cells.is_empty() || !self.cell.is_empty() {
            self.end_row();
        }
        let rows = std::mem::take(&mut self.done);
        let edges = edges(&rows);
        for row in rows {
            prose.begin_row();
            prose.set_header(row.is_header);
            let mut left = row.left;
            for (at, paragraphs) in row.cells.into_iter().enumerate() {
                let definition = row.definitions.get(at).copied().unwrap_or_default();
                let right = definition.right.max(left);
                if !definition.before {
                    let inside = |edge: &&i32| {
                        **edge > left.saturating_add(NEAR) && **edge <= right.saturating_add(NEAR)
                    };
                    let columns = edges.iter().filter(inside).count() as u32;
                    let (above, text) = (definition.above, String::new());
                    prose.begin_cell(GridCell { text, columns, above });
                }
                left = right;
                for paragraph in paragraphs {
                    prose.add(paragraph);
                }
            }
            prose.end_row();
        }
        prose.end_table();
    }
}

/// The right edges of all columns.
fn edges(rows: &[Row]) -> Vec<i32> {
    let all = rows.iter().flat_map(|row| &row.definitions).map(|definition| definition.right);
    let mut edges: Vec<i32> = all.collect();
    edges.sort_unstable();
    edges.dedup_by(|next, before| next.saturating_sub(*before) <= NEAR);
    edges.truncate(MOST);
    edges
}
