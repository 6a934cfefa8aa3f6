//! In ODS, rows and columns have their visibility as an attribute.

use super::{Hidden, OfSheets};
use crate::ingest::extract::package::ZipPackage;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

pub(in crate::ingest::extract::sheet) fn hidden(bytes: &[u8]) -> OfSheets {
    let content = ZipPackage::of(bytes).and_then(|mut package| package.part("content.xml").ok()?);
    let mut reading = Reading::default();
    // Most sheets have nothing hidden.
    if let Some(content) = content.filter(|content| content.contains(":visibility=")) {
        let _ = xml::read(&content, &mut reading);
    }
    reading.sheets
}

#[derive(Default)]
struct Reading {
    sheets: OfSheets,
    /// How many tables are open: one may be in a cell of another.
    depth: usize,
    name: String,
    hidden: Hidden,
    /// How many rows and columns were met.
    rows: u32,
    columns: u32,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let count = |name| {
            let count = attribute(element, name).and_then(|count| count.parse::<u32>().ok());
            count.unwrap_or(1).max(1)
        };
        let is_hidden = || {
            let visibility = attribute(element, "visibility");
            matches!(visibility.as_deref(), Some("collapse" | "filter"))
        };
        match name {
            "table" => {
                self.depth += 1;
                if self.depth == 1 {
                    self.name = attribute(element, "name").unwrap_or_default();
                    (self.rows, self.columns) = (0, 0);
                }
            }
            "table-row" if self.depth == 1 => {
                let first = self.rows.saturating_add(1);
                self.rows = self.rows.saturating_add(count("number-rows-repeated"));
                if is_hidden() {
                    self.hidden.hide_rows(first, self.rows);
                }
            }
            "table-column" if self.depth == 1 => {
                let first = self.columns;
                self.columns = first.saturating_add(count("number-columns-repeated"));
                if is_hidden() {
                    self.hidden.hide_columns(first, self.columns - 1);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if name == "table" {
            self.depth = self.depth.saturating_sub(1);
            if self.depth == 0 {
                let name = std::mem::take(&mut self.name);
                self.sheets.insert(name, std::mem::take(&mut self.hidden));
            }
        }
    }

    fn text(&mut self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::package::tests::package;

    #[test]
    fn rows_and_columns() {
        let content = "<table:table table:name=\"Fees\"><table:table-column table:number-columns-repeated=\"2\"/>\
            <table:table-column table:visibility=\"collapse\"/><table:table-row table:number-rows-repeated=\"3\"/>\
            <table:table-row table:visibility=\"filter\" table:number-rows-repeated=\"2\"><table:table-cell>\
            <table:table><table:table-row/></table:table></table:table-cell></table:table-row><table:table-row/></table:table>\
            <table:table table:name=\"Other\"><table:table-row/></table:table>";
        let found = hidden(&package(&[("content.xml", content)]));
        let fees = &found["Fees"];
        let rows: Vec<u32> = (1..9).filter(|row| fees.hides_row(*row)).collect();
        let columns: Vec<u32> = (0..9).filter(|at| fees.hides_column(*at)).collect();
        assert_eq!((rows, columns), (vec![4, 5], vec![2]));
        assert_eq!(found["Other"], Hidden::default());
        let shown = content.replace("visibility", "visible");
        assert!(hidden(&package(&[("content.xml", &shown)])).is_empty());
        assert!(hidden(b"PK").is_empty());
    }
}
