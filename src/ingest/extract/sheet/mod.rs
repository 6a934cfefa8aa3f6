//! Workbooks (XLSX, XLSM, XLSB, XLS, ODS) → a section for each sheet, a line for each row. The only
//! user of `calamine`.
//!
//! The text is what a person who opens the workbook sees: results, not formulas; no hidden sheets, rows and
//! columns. Warnings say what is left out. `part` and `drawing` (XLSX) and `hidden` (the other formats) read
//! what `calamine` does not.

mod drawing;
mod fraction;
mod hidden;
mod number;
mod part;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use calamine::{
    Data, Dimensions, Error, ExcelDateTime, ExcelDateTimeType, OdsError, Reader, Sheet, SheetType,
    SheetVisible, Sheets, XlsError, XlsbError, Xlsx, XlsxError,
};

use self::part::SheetParts;
use super::table::{LONGEST_REPEATED, SourceLines, TableRow, TableWriter, WIDEST, is_among};
use super::{ExtractError, detect, package};
use crate::ingest::document::{Document, Section, SourceMap, Syntax};

type Book<'a> = Sheets<Cursor<&'a [u8]>>;

pub(super) fn document(
    source: &str,
    fields: &[String],
    bytes: &[u8],
) -> Result<Document, ExtractError> {
    let mut book = open(source, bytes)?;
    let mut lines = SourceLines::default();
    let (mut places, mut sections, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (shown, not_shown) = sheets(&book);
    let mut parts = match &book {
        Sheets::Xlsx(_) => SheetParts::of(bytes),
        Sheets::Xls(book) => SheetParts::knowing(hidden::of_xls(bytes, &book.sheet_names())),
        Sheets::Xlsb(_) => SheetParts::knowing(hidden::of_xlsb(bytes)),
        Sheets::Ods(_) => SheetParts::knowing(hidden::of_ods(bytes)),
    };
    for (number, (sheet, kind)) in (1..).zip(shown) {
        let offset = lines.text.len();
        let mut part = parts.read(&sheet);
        if kind == SheetType::WorkSheet {
            let mut table = TableWriter::new(fields, &mut lines);
            // `calamine` panics on some workbooks.
            let read = || {
                read_rows(&mut book, &sheet, |row| match part.shown(row) {
                    Ok(row) => table.push(row),
                    Err(number) => table.pass(number),
                })
            };
            catch_unwind(AssertUnwindSafe(read)).map_err(|_| ExtractError::new(UNLIKE))??;
            names.extend(table.finish());
            parts.note(&sheet, &part);
        }
        for drawn in part.drawn.iter().filter(|_| fields.is_empty()) {
            lines.push(&drawn.text, drawn.first, drawn.last);
        }
        if lines.marks.is_empty() {
            continue;
        }
        places.push((number, std::mem::take(&mut lines.marks)));
        sections.push(Section { offset, headings: vec![sheet], syntax: None });
    }
    if !fields.is_empty() && !names.iter().any(|name| is_among(name, fields)) {
        return Err(ExtractError::no_field(fields, &names));
    }
    let title = book.workbook_properties().ok().and_then(|properties| properties.title);
    Ok(Document {
        title: title.unwrap_or_default(),
        text: lines.text,
        syntax: Syntax::Rows,
        places: SourceMap::Sheets(places),
        sections,
        warnings: super::hidden::sheets(&not_shown).into_iter().chain(parts.warnings()).collect(),
        ..Document::default()
    })
}

/// A number of a chart, in the format of its cells.
pub(super) fn shown_number(number: f64, format: &str) -> String {
    if is_date(format) {
        return date(ExcelDateTime::new(number, ExcelDateTimeType::DateTime, false));
    }
    number::shown(number, Some(format))
}

/// Whether a number format shows dates or times.
fn is_date(format: &str) -> bool {
    let (mut quoted, mut bracketed) = (false, false);
    let letters = format.chars().filter(|character| {
        match character {
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        !quoted && !bracketed
    });
    let letters: String = letters.collect::<String>().to_ascii_lowercase();
    letters != "general" && letters.contains(['y', 'd', 'm', 'h', 's']) && !letters.contains('#')
}

fn open<'a>(source: &str, bytes: &'a [u8]) -> Result<Book<'a>, ExtractError> {
    let extension = Path::new(source).extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    let content = Cursor::new(bytes);
    let opened = match detect::magic(bytes) {
        Some("OLE") if extension != "xls" => return Err(package::ole(bytes, "xls")),
        Some("OLE") => {
            calamine::open_workbook_from_rs(content).map(Sheets::Xls).map_err(Error::Xls)
        }
        Some("ZIP") => {
            let package = package::ZipPackage::open(bytes, &extension, "workbook", "xls")?;
            match package.names().find_map(|name| kind_of(&name)) {
                Some(Packed::Xlsx) => {
                    calamine::open_workbook_from_rs(content).map(Sheets::Xlsx).map_err(Error::Xlsx)
                }
                Some(Packed::Xlsb) => {
                    // `calamine` panics if a sheet has no part.
                    let open = || calamine::open_workbook_from_rs(content).map(Sheets::Xlsb);
                    let opened = catch_unwind(AssertUnwindSafe(open));
                    opened.map_err(|_| ExtractError::new(UNLIKE))?.map_err(Error::Xlsb)
                }
                Some(Packed::Ods) => {
                    calamine::open_workbook_from_rs(content).map(Sheets::Ods).map_err(Error::Ods)
                }
                None => {
                    return Err(package::ZipPackage::lacks(bytes, &extension, "workbook"));
                }
            }
        }
        None if extension == "xls" && is_before_5(bytes) => {
            return Err(ExtractError::new("a workbook of Excel 4 or older: save it as .xlsx"));
        }
        _ => return Err(ExtractError::lie(&extension, "workbook", bytes)),
    };
    opened.map_err(|error| reason(&error))
}

/// Why a workbook that does not look damaged is not read.
const UNLIKE: &str = "unsupported kind of workbook: save it again as .xlsx";

/// Whether the bytes start a worksheet or workbook of Excel 2, 3 or 4: with a BOF record of that version (BIFF2
/// to BIFF4; since Excel 5 it is in an OLE file).
fn is_before_5(bytes: &[u8]) -> bool {
    matches!(bytes, [0x09, 0x00 | 0x02 | 0x04, 0x04 | 0x06, 0x00, ..])
}

/// The formats that are ZIP archives.
enum Packed {
    Xlsx,
    Xlsb,
    Ods,
}

/// The format, by a part that only one of them has.
fn kind_of(part: &str) -> Option<Packed> {
    match part {
        "content.xml" => Some(Packed::Ods),
        _ if part.ends_with("workbook.bin") => Some(Packed::Xlsb),
        _ if part.ends_with("workbook.xml") => Some(Packed::Xlsx),
        _ => None,
    }
}

fn reason(error: &Error) -> ExtractError {
    match error {
        Error::Xlsx(XlsxError::Password)
        | Error::Xlsb(XlsbError::Password)
        | Error::Xls(XlsError::Password)
        | Error::Ods(OdsError::Password) => ExtractError::encrypted(),
        _ => ExtractError::damaged(&"open it in a spreadsheet program, and save it as .xlsx"),
    }
}

/// The sheets and charts with a visible tab, by name, and the names of those without.
fn sheets(book: &Book<'_>) -> (Vec<(String, SheetType)>, Vec<String>) {
    let is_read =
        |sheet: &&Sheet| matches!(sheet.typ, SheetType::WorkSheet | SheetType::ChartSheet);
    let sheets = book.sheets_metadata().iter().filter(is_read);
    let (shown, hidden): (Vec<&Sheet>, Vec<&Sheet>) =
        sheets.partition(|sheet| sheet.visible == SheetVisible::Visible);
    let shown = shown.into_iter().map(|sheet| (sheet.name.clone(), sheet.typ)).collect();
    (shown, hidden.into_iter().map(|sheet| sheet.name.clone()).collect())
}

fn read_rows(
    book: &mut Book<'_>,
    sheet: &str,
    mut each: impl FnMut(TableRow),
) -> Result<(), ExtractError> {
    let mut merged = Merged::new(merged_cells(book, sheet));
    let mut each = |mut row: TableRow| {
        merged.fill(&mut row);
        each(row);
    };
    if let Sheets::Xlsx(book) = book {
        return stream_rows(book, sheet, each).map_err(|error| reason(&Error::Xlsx(error)));
    }
    let range = book.worksheet_range(sheet).map_err(|error| reason(&error))?;
    let (top, left) = range.start().unwrap_or_default();
    for (number, cells) in (top + 1..).zip(range.rows()) {
        let mut row = TableRow { first: number, last: number, ..TableRow::default() };
        for (column, value) in (left..).zip(cells) {
            row.push(column, &shown(value, None));
        }
        each(row);
    }
    Ok(())
}

/// The merged cells of a sheet. `calamine` does not report those of XLSB and ODS.
fn merged_cells(book: &mut Book<'_>, sheet: &str) -> Vec<Dimensions> {
    match book {
        Sheets::Xlsx(book) => book.merge_cells_by_sheet_name(sheet).unwrap_or_default(),
        Sheets::Xls(book) => book.merge_cells_by_sheet_name(sheet).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Merged cells, and the values of those that extend into the current row.
struct Merged {
    /// Those that start further below, from the last to the first.
    below: Vec<Dimensions>,
    here: Vec<(Dimensions, String)>,
}

impl Merged {
    fn new(mut cells: Vec<Dimensions>) -> Self {
        cells.sort_unstable_by_key(|cells| std::cmp::Reverse(cells.start));
        Self { below: cells, here: Vec::new() }
    }

    /// Fills in the values of merged cells. Rows and columns that share a cell share its value, which is a
    /// category. A title across a whole row is written once.
    fn fill(&mut self, row: &mut TableRow) {
        let Some(number) = row.first.checked_sub(1).filter(|_| !row.cells.is_empty()) else {
            return;
        };
        while let Some(cells) = self.below.pop_if(|cells| cells.start.0 <= number) {
            let value = row.value(cells.start.1).filter(|_| cells.start.0 == number);
            if let Some(value) = value.filter(|value| value.len() <= LONGEST_REPEATED) {
                self.here.push((cells, value.clone()));
            }
        }
        self.here.retain(|(cells, _)| cells.end.0 >= number);
        for (cells, value) in &self.here {
            let columns = cells.start.1..=cells.end.1.min(cells.start.1.saturating_add(WIDEST));
            if row.cells.iter().all(|(column, _)| columns.contains(column)) {
                continue;
            }
            row.spans |= cells.end.1 > cells.start.1;
            for column in columns {
                if row.value(column).is_none() {
                    row.push(column, value);
                }
            }
        }
        row.cells.sort_by_key(|(column, _)| *column);
    }
}

/// Reads a sheet cell by cell: one with a single cell in its last corner takes no more memory than that cell.
fn stream_rows(
    book: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    mut each: impl FnMut(TableRow),
) -> Result<(), XlsxError> {
    let mut cells = book.worksheet_cells_reader(sheet)?;
    let mut row = TableRow::default();
    while let Some((cell, style)) = cells.next_cell_with_style_id()? {
        let (number, column) = (cell.get_position().0 + 1, cell.get_position().1);
        if row.first != number {
            each(std::mem::replace(
                &mut row,
                TableRow { first: number, last: number, ..TableRow::default() },
            ));
        }
        let style = cells.styles().get(style).and_then(|style| style.number_format.as_ref());
        let format = style.map(|format| format.format_code.as_str());
        row.push(column, &shown(&cell.get_value().clone().into(), format));
    }
    each(row);
    Ok(())
}

/// A value as its cell shows it; dates in ISO 8601, whatever the format.
fn shown(value: &Data, format: Option<&str>) -> String {
    match value {
        Data::Empty => String::new(),
        Data::Int(number) => number::shown(*number as f64, format),
        Data::Float(number) => number::shown(*number, format),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(time) if time.is_duration() => duration(time.as_f64()),
        Data::DateTime(time) => date(*time),
        Data::Error(error) => error.to_string(),
    }
}

/// A date, a time of day, or both.
fn date(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match time.as_f64() {
        days if (0.0..1.0).contains(&days) => clock,
        days if days.fract() == 0.0 => date,
        _ => format!("{date} {clock}"),
    }
}

/// Days that are not a date, as `26:30:00`.
fn duration(days: f64) -> String {
    let seconds = (days * 86_400.0).round() as i64;
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
pub(super) mod tests;
