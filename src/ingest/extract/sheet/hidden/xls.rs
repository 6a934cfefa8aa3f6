//! Records of XLS (MS-XLS): type and length, two bytes each, then that many bytes.

use super::{Hidden, OfSheets};
use crate::ingest::extract::compound::Compound;

/// A sheet, in the part about all sheets.
const SHEET: u16 = 0x0085;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
const ROW: u16 = 0x0208;
const COLUMNS: u16 = 0x007D;

/// The hidden rows and columns of the sheets, which are in the order of `names`.
pub(in crate::ingest::extract::sheet) fn hidden(bytes: &[u8], names: &[String]) -> OfSheets {
    let stream = Compound::open(bytes, "a workbook")
        .ok()
        .and_then(|mut file| file.stream("/Workbook").or_else(|| file.stream("/Book")));
    let stream = stream.unwrap_or_default();
    let sheets = Records(&stream).take_while(|(kind, _)| *kind != END);
    let starts =
        sheets.filter(|(kind, _)| *kind == SHEET).filter_map(|(_, data)| number(data, 0, 4));
    let starts: Vec<u32> = starts.collect();
    // Otherwise it is unknown which is which.
    if starts.len() != names.len() {
        return OfSheets::default();
    }
    let part = |start: u32| of_sheet(stream.get(start as usize..).unwrap_or_default());
    names.iter().cloned().zip(starts.into_iter().map(part)).collect()
}

fn of_sheet(records: &[u8]) -> Hidden {
    let mut hidden = Hidden::default();
    let mut depth = 0;
    for (kind, data) in Records(records) {
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            ROW if depth == 1 => {
                let row = number(data, 0, 2);
                if let Some(row) = row.filter(|_| data.get(12).is_some_and(|bits| bits & 0x20 != 0))
                {
                    hidden.hide_rows(row + 1, row + 1);
                }
            }
            COLUMNS if depth == 1 => {
                let is_hidden = data.get(8).is_some_and(|bits| bits & 1 != 0);
                if let Some((first, last)) = number(data, 0, 2).zip(number(data, 2, 2))
                    && is_hidden
                {
                    hidden.hide_columns(first, last);
                }
            }
            _ => {}
        }
    }
    hidden
}

/// A number of up to four bytes.
fn number(data: &[u8], at: usize, length: usize) -> Option<u32> {
    let mut bytes = [0; 4];
    bytes[..length].copy_from_slice(data.get(at..at + length)?);
    Some(u32::from_le_bytes(bytes))
}

struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_at_checked(4)?;
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (data, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u16::from_le_bytes([head[0], head[1]]), data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::compound::tests::compound;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap_or(0);
        [&kind.to_le_bytes(), &length.to_le_bytes(), data].concat()
    }

    #[test]
    fn rows_and_columns_of_the_second_sheet() {
        let row = |number: u8, bits: u8| {
            let mut data = [0; 16];
            (data[0], data[12]) = (number, bits);
            record(ROW, &data)
        };
        let begin = record(BEGIN, &[0; 16]);
        let end = record(END, &[]);
        let first = [begin.clone(), row(0, 0x20), end.clone()].concat();
        let chart = [begin.clone(), row(9, 0x20), end.clone()].concat();
        let columns = record(COLUMNS, &[2, 0, 3, 0, 0, 9, 0, 0, 1, 0, 0, 0]);
        let shown = record(COLUMNS, &[5, 0, 6, 0, 0, 9, 0, 0, 2, 0, 0, 0]);
        let second =
            [begin.clone(), columns, shown, row(4, 0x20), row(5, 0), chart, end.clone()].concat();
        // The part about all sheets is 24 + 2 * 12 + 4 bytes long.
        let at = |start: usize| {
            let start = u32::try_from(start).unwrap_or(0).to_le_bytes();
            record(SHEET, &[&start[..], &[0, 0, 0, 0]].concat())
        };
        let all = begin.len() + 2 * at(0).len() + end.len();
        let stream = [begin, at(all), at(all + first.len()), end, first, second].concat();
        let file = compound(&[("/Workbook", stream)]);
        let names = ["One".to_owned(), "Two".to_owned()];
        let found = hidden(&file, &names);
        let two = &found["Two"];
        let rows: Vec<u32> = (1..12).filter(|row| two.hides_row(*row)).collect();
        let columns: Vec<u32> = (0..12).filter(|at| two.hides_column(*at)).collect();
        assert_eq!((rows, columns), (vec![5], vec![2, 3]));
        assert!(found["One"].hides_row(1));
        assert!(hidden(&file, &names[..1]).is_empty());
        assert!(hidden(&file[..700], &names).is_empty());
    }
}
