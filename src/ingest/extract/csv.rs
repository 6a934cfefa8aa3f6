//! CSV and TSV → a line for each row, cited by the lines of the file. The only user of `csv`.

use csv::{ReaderBuilder, StringRecord};

use super::encoding::Decoded;
use super::table::{SourceLines, TableRow, TableWriter, is_among};
use super::{ExtractError, text};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};
use crate::types::DocumentKind;

/// Characters that may separate cells.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How much of a file is examined to find the separator.
const SAMPLE: usize = 64 << 10;
const SAMPLE_ROWS: usize = 50;

pub(super) fn document(fields: &[String], bytes: &[u8]) -> Result<Document, ExtractError> {
    let Decoded { text, warnings } = text::read(DocumentKind::Csv, bytes)?;
    let (declared, skipped) = declared_delimiter(&text);
    let sample = &text[skipped..text.floor_char_boundary(skipped + SAMPLE)];
    let delimiter = declared.unwrap_or_else(|| likely_delimiter(sample));
    let mut lines = SourceLines::default();
    let mut table = TableWriter::new(fields, &mut lines).with_first_row();
    rows(&text, skipped, delimiter, |row| table.push(row))?;
    let names = table.finish();
    if !fields.is_empty() && !names.iter().any(|name| is_among(name, fields)) {
        return Err(ExtractError::no_field(fields, &names));
    }
    Ok(Document {
        title: String::new(),
        text: lines.text,
        syntax: Syntax::Rows,
        places: SourceMap::Marked(LocatorUnit::Line, lines.marks),
        warnings,
        ..Document::default()
    })
}

/// Reads from byte `start` on. A row may span several lines: a quoted cell can contain line breaks.
pub(super) fn rows(
    text: &str,
    start: usize,
    delimiter: u8,
    mut each: impl FnMut(TableRow),
) -> Result<(), ExtractError> {
    let mut reader = reader(&text.as_bytes()[start..], delimiter);
    let mut record = StringRecord::new();
    let mut line = 1 + count_lines(&text[..start]);
    let mut from = start;
    while reader.read_record(&mut record).map_err(|error| ExtractError::damaged(&error))? {
        let to = start + reader.position().byte() as usize;
        let raw = &text[from..to];
        from = to;
        // Blank lines before a row are skipped.
        let body = raw.trim_start_matches(['\n', '\r']);
        let first = line + count_lines(&raw[..raw.len() - body.len()]);
        let last = first + count_lines(body.trim_end_matches(['\n', '\r']));
        line += count_lines(raw);
        if last > first && body.matches('"').count() % 2 == 1 {
            return Err(ExtractError::new(&format!("line {first}: a quoted cell is never closed")));
        }
        let mut row = TableRow { first, last, ..TableRow::default() };
        for (column, value) in (0..).zip(&record) {
            row.push(column, value);
        }
        each(row);
    }
    Ok(())
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(bytes)
}

fn count_lines(text: &str) -> u32 {
    text.matches('\n').count() as u32
}

/// The delimiter of a first line `sep=;`, as Excel writes it, and the length of that line.
fn declared_delimiter(text: &str) -> (Option<u8>, usize) {
    let line = text.split_inclusive('\n').next().unwrap_or_default();
    match line.trim_end().strip_prefix("sep=").map(str::as_bytes) {
        Some(&[delimiter]) => (Some(delimiter), line.len()),
        _ => (None, 0),
    }
}

/// The delimiter that makes the most rows of one width.
fn likely_delimiter(sample: &str) -> u8 {
    let score = |delimiter: u8| {
        let records = reader(sample.as_bytes(), delimiter).into_records().take(SAMPLE_ROWS);
        let widths: Vec<usize> = records.flatten().map(|record| record.len()).collect();
        let alike = |width: usize| widths.iter().filter(|other| **other == width).count();
        widths.iter().filter(|width| **width > 1).map(|width| (alike(*width), *width)).max()
    };
    // If several are equal, the first wins.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::ingest::extract::package::tests::package;

    /// The rows, with their first and last lines.
    fn read(text: &str) -> Vec<(String, u32, u32)> {
        let document = document(&[], text.as_bytes()).unwrap();
        let SourceMap::Marked(LocatorUnit::Line, marks) = &document.places else {
            panic!("no lines")
        };
        let lines = document.text.lines().zip(marks);
        lines.map(|(line, mark)| (line.to_owned(), mark.first, mark.last)).collect()
    }

    #[test]
    fn rows_are_cited_by_physical_lines() {
        let text = "\u{feff}name,note\r\n\r\nAnn,\"two\r\nlines\"\r\n\nBea,\"a \"\"quote\"\", and more\"\r\nCid,5\" screen";
        let expected = [
            ("name: Ann | note: two lines", 3, 4),
            ("name: Bea | note: a \"quote\", and more", 6, 6),
            ("name: Cid | note: 5\" screen", 7, 7),
        ];
        assert_eq!(read(text), expected.map(|(line, a, b)| (line.to_owned(), a, b)));
    }

    #[test]
    fn delimiters_are_found() {
        for (text, line) in [
            ("a,b\nx,1\n", "a: x | b: 1"),
            ("a\tb\nx, y\t1\n", "a: x, y | b: 1"),
            ("a;b\nx;1,5\n", "a: x | b: 1,5"),
            ("a|b\nx|1\n", "a: x | b: 1"),
            ("sep=;\na;b\nx;1\n", "a: x | b: 1"),
            ("only\none\n", "only"),
        ] {
            assert_eq!(read(text)[0].0, line, "{text:?}");
        }
    }

    #[test]
    fn names_may_be_repeated_and_blank() {
        let read = |text: &str| {
            let rows = read(text).into_iter().map(|(line, ..)| line);
            rows.collect::<Vec<_>>().join("\n")
        };
        for (text, expected) in [
            ("Name,Name,\nA,B,C\nD,E,F\n", "Name: A | Name: B | C\nName: D | Name: E | F"),
            ("Q,Q,Q,Q\nx,y,z,w\n", "Q: x | Q: y | Q: z | Q: w"),
            (",Fee,\nOslo,3,x\nBonn,4,y\n", "Oslo | Fee: 3 | x\nBonn | Fee: 4 | y"),
            // Values that are repeated are not names.
            ("red,red\nred,blue\n", "red | red\nred | blue"),
            // Titles precede the names.
            (
                "Prepared by,Finance,,,\nItem,2023,2024,Owner,Note\nRent,1,2,A,b\n",
                "Prepared by | Finance\nItem: Rent | 2023: 1 | 2024: 2 | Owner: A | Note: b",
            ),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn errors_have_a_reason() {
        let reason = |fields: &[&str], text: &str| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            document(&fields, text.as_bytes()).unwrap_err().to_string()
        };
        let open = "a,b\n1,2\n3,\"never\n4,5\n";
        assert_eq!(reason(&[], open), "line 3: a quoted cell is never closed");
        assert_eq!(
            reason(&["body"], "id,text\n1,x\n"),
            "no field `body` in it; it has id, text (choose with --text-field)"
        );
        assert_eq!(reason(&[], "PK\x03\x04"), "named as csv, but it is a ZIP file");
        let parts = [("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<x/>")];
        let workbook = document(&[], &package(&parts)).unwrap_err().to_string();
        assert_eq!(workbook, "named as csv, but it is an XLSX file: name it .xlsx");
    }

    proptest! {
        /// The values of a row are on the lines that it cites, and on no others.
        #[test]
        fn cited_lines_hold_the_row(
            rows in prop::collection::vec(
                (prop::collection::vec("[a-z0-9,;\"\n ]{0,12}", 2..5), "\n{0,2}"), 1..20),
            windows in any::<bool>(),
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let mut text = String::new();
            let mut expected = Vec::new();
            for (cells, blank) in &rows {
                let row = cells.iter().map(quoted).collect::<Vec<_>>().join(",");
                text.push_str(blank);
                let first = count_lines(&text) + 1;
                if cells.iter().any(|cell| !cell.trim().is_empty()) {
                    expected.push((first, first + count_lines(&row)));
                }
                text.push_str(&row);
                text.push('\n');
            }
            let text = if windows { text.replace('\n', "\r\n") } else { text };
            let mut found = Vec::new();
            rows_of(&text, |row| found.push((row.first, row.last)));
            prop_assert_eq!(found, expected);
        }
    }

    fn rows_of(text: &str, mut each: impl FnMut(TableRow)) {
        rows(text, 0, b',', |row| {
            if !row.cells.is_empty() {
                each(row);
            }
        })
        .unwrap();
    }
}
