//! The tables of documents, cell by cell.

use super::{Block, Kind, MarkupWriter};
use crate::ingest::document::{UnitMark, single_spaced};
use crate::ingest::extract::table::{Grid, GridCell, WIDEST};

#[derive(Default)]
pub(super) struct MarkupTable {
    grid: Grid,
    pub(super) row: Option<MarkupRow>,
    /// Number of open table heads.
    heads: usize,
    /// For each column, how many more rows the cell above spans.
    down: Vec<u32>,
}

#[derive(Default)]
pub(super) struct MarkupRow {
    cells: Vec<GridCell>,
    column: usize,
    pub(super) in_cell: bool,
    /// The columns and rows of the open cell.
    size: (u32, u32),
    /// Whether the row was declared a header, or all of its cells were.
    is_header: bool,
    has_values: bool,
    start: usize,
}

impl MarkupWriter {
    pub(in crate::ingest::extract::markup) fn begin_table(&mut self) {
        self.end_block();
        self.table = Some(MarkupTable::default());
    }

    pub(in crate::ingest::extract::markup) fn begin_head(&mut self) {
        if let Some(table) = &mut self.table {
            table.heads += 1;
        }
    }

    pub(in crate::ingest::extract::markup) fn end_head(&mut self) {
        if let Some(table) = &mut self.table {
            table.heads = table.heads.saturating_sub(1);
        }
    }

    pub(in crate::ingest::extract::markup) fn begin_row(&mut self, is_header: bool) {
        self.end_block();
        let start = self.from;
        if let Some(table) = &mut self.table {
            let is_header = is_header || table.heads > 0;
            table.row = Some(MarkupRow { is_header, start, ..MarkupRow::default() });
        }
    }

    /// Starts a cell of HTML, CALS or TEI, with its attributes.
    pub(in crate::ingest::extract::markup) fn begin_cell(
        &mut self,
        is_header: bool,
        attribute: impl Fn(&str) -> Option<String>,
    ) {
        self.block = Block::default();
        let number =
            |name: &str| attribute(name).and_then(|value| value.trim().parse::<u32>().ok());
        // CALS names columns: `c2` to `c4` are three.
        let place = |name: &str| {
            let name = attribute(name)?;
            let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits.parse::<u32>().ok()
        };
        let named = place("namest").zip(place("nameend"));
        let named = named.map(|(first, last)| last.saturating_sub(first).saturating_add(1));
        let columns = number("colspan").or_else(|| number("cols")).or(named).unwrap_or(1);
        let rows = number("rowspan").or_else(|| number("rows"));
        let rows = rows.or_else(|| number("morerows").map(|more| more.saturating_add(1)));
        self.fill_above();
        if let Some(row) = self.table.as_mut().and_then(|table| table.row.as_mut()) {
            row.size = (columns.clamp(1, WIDEST), rows.unwrap_or(1).clamp(1, 1000));
            row.has_values |= !is_header;
            row.in_cell = true;
        }
    }

    pub(in crate::ingest::extract::markup) fn end_cell(&mut self) {
        let text = single_spaced(&std::mem::take(&mut self.block).text);
        let Some(table) = &mut self.table else { return };
        let Some(row) = &mut table.row else { return };
        row.in_cell = false;
        let (columns, rows) = row.size;
        let end = row.column + columns as usize;
        if table.down.len() < end {
            table.down.resize(end, 0);
        }
        table.down[row.column..end].fill(rows - 1);
        row.column = end;
        row.cells.push(GridCell { text, columns, above: false });
    }

    /// Fills the columns from here on that are taken by a cell of a row above.
    fn fill_above(&mut self) {
        let Some(table) = &mut self.table else { return };
        let Some(row) = &mut table.row else { return };
        while let Some(left) = table.down.get_mut(row.column).filter(|left| **left > 0) {
            *left -= 1;
            row.column += 1;
            let above = self.room > 256;
            self.room = self.room.saturating_sub(256);
            row.cells.push(GridCell { text: String::new(), columns: 1, above });
        }
    }

    pub(in crate::ingest::extract::markup) fn end_row(&mut self) {
        self.fill_above();
        let end = self.to.saturating_sub(1);
        let Some(table) = &mut self.table else { return };
        let Some(row) = table.row.take() else { return };
        let is_header = row.is_header || (!row.has_values && table.grid.is_empty());
        let line = |at: usize| self.line_feeds.partition_point(|feed| *feed < at) as u32 + 1;
        table.grid.push(&row.cells, is_header, line(row.start), line(end));
    }

    pub(in crate::ingest::extract::markup) fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        self.block = Block::default();
        let lines = table.grid.into_lines();
        for (line, mark) in lines.text.lines().zip(&lines.marks) {
            self.separate_from_last(Kind::Row);
            self.marks.push(UnitMark { offset: self.text.len(), ..*mark });
            self.text.push_str(line);
        }
    }
}
