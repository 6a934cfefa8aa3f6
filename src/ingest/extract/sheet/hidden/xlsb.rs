//! Records of XLSB (MS-XLSB): type and length are numbers of seven bits per byte.

use std::collections::HashMap;

use super::{Hidden, OfSheets};
use crate::ingest::extract::package::ZipPackage;
use crate::ingest::extract::relations::relations;

const ROW: u32 = 0;
const COLUMNS: u32 = 60;
const SHEET: u32 = 156;

pub(in crate::ingest::extract::sheet) fn hidden(bytes: &[u8]) -> OfSheets {
    ZipPackage::of(bytes).and_then(|mut package| of_package(&mut package)).unwrap_or_default()
}

fn of_package(package: &mut ZipPackage<'_>) -> Option<OfSheets> {
    let main = package.names().find(|name| name.ends_with("workbook.bin"))?;
    let targets: HashMap<String, String> = relations(package, &main)
        .ok()?
        .into_iter()
        .map(|relation| (relation.id, relation.target))
        .collect();
    let workbook = package.bytes(&main).ok()??;
    let sheets = Records(&workbook).filter(|(kind, _)| *kind == SHEET);
    let mut found = OfSheets::default();
    for (_, data) in sheets {
        let Some((id, rest)) = data.get(8..).and_then(wide) else { continue };
        let Some((name, _)) = wide(rest) else { continue };
        let Some(target) = targets.get(&id) else { continue };
        let part = package.bytes(target).ok().flatten().unwrap_or_default();
        found.insert(name, of_sheet(&part));
    }
    Some(found)
}

fn of_sheet(part: &[u8]) -> Hidden {
    let mut hidden = Hidden::default();
    for (kind, data) in Records(part) {
        match kind {
            ROW if data.get(11).is_some_and(|bits| bits & 0x10 != 0) => {
                if let Some(row) = number(data, 0).and_then(|row| row.checked_add(1)) {
                    hidden.hide_rows(row, row);
                }
            }
            COLUMNS if data.get(16).is_some_and(|bits| bits & 1 != 0) => {
                if let Some((first, last)) = number(data, 0).zip(number(data, 4)) {
                    hidden.hide_columns(first, last);
                }
            }
            _ => {}
        }
    }
    hidden
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// A UTF-16 text after its length, and the rest of the data.
fn wide(data: &[u8]) -> Option<(String, &[u8])> {
    let length = usize::try_from(number(data, 0)?).ok()?.checked_mul(2)?;
    let (text, rest) = data.get(4..)?.split_at_checked(length)?;
    Some((encoding_rs::UTF_16LE.decode_without_bom_handling(text).0.into_owned(), rest))
}

struct Records<'a>(&'a [u8]);

impl Records<'_> {
    /// A number of at most this many bytes.
    fn number(&mut self, most: u32) -> Option<u32> {
        let mut number = 0;
        for place in 0..most {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.number(2)?;
        let length = self.number(4)?;
        let (data, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::container::utf16;
    use crate::ingest::extract::package::tests::package_of_bytes;

    fn record(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = u8::try_from(data.len()).unwrap_or(0);
        let kind: &[u8] = if kind < 0x80 { &[kind] } else { &[kind, 1] };
        [kind, &[length], data].concat()
    }

    #[test]
    fn rows_and_columns() {
        let text = |text: &str| {
            let units = utf16(text);
            [&(u32::try_from(units.len() / 2).unwrap_or(0)).to_le_bytes()[..], &units].concat()
        };
        let sheet = record(0x9C, &[vec![0; 8], text("rId1"), text("Fees")].concat());
        let row = |number: u8, bits: u8| {
            let mut data = [0; 17];
            (data[0], data[11]) = (number, bits);
            record(0, &data)
        };
        let mut columns = [0; 18];
        (columns[0], columns[4], columns[16]) = (1, 2, 1);
        let part = [record(60, &columns), row(3, 0x10), row(4, 0x08)].concat();
        let related = b"<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.bin\"/></Relationships>";
        let file = package_of_bytes(&[
            ("xl/workbook.bin", &sheet),
            ("xl/_rels/workbook.bin.rels", related),
            ("xl/worksheets/sheet1.bin", &part),
        ]);
        let found = hidden(&file);
        let fees = &found["Fees"];
        let rows: Vec<u32> = (1..9).filter(|row| fees.hides_row(*row)).collect();
        let columns: Vec<u32> = (0..9).filter(|at| fees.hides_column(*at)).collect();
        assert_eq!((rows, columns), (vec![4], vec![1, 2]));
        assert!(hidden(b"PK").is_empty());
    }
}
