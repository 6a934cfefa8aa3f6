//! What the XML of an XLSX has about a sheet besides its cells: hidden rows and columns, notes on cells, and
//! formulas without values.

use std::collections::{BTreeMap, HashMap, HashSet};

use memchr::memmem;

use super::drawing::{self, DrawnText};
use super::hidden::{Hidden, OfSheets};
use crate::ingest::extract::package::ZipPackage;
use crate::ingest::extract::relations::{Relation, relations};
use crate::ingest::extract::table::TableRow;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute, prefixed_attribute};
use crate::types::{ReadingWarning, WarningCode};

/// The parts of the sheets of a workbook. What can't be read of them counts as missing: the cells are read by
/// other means.
#[derive(Default)]
pub(super) struct SheetParts<'a> {
    package: Option<ZipPackage<'a>>,
    /// The parts by the names of the sheets.
    parts: HashMap<String, String>,
    /// The hidden rows and columns of sheets in other formats.
    hidden: OfSheets,
    /// Sheets in which rows or columns are left out: their names, with how many of each.
    left_out: Vec<(String, usize, usize)>,
    /// The number of formulas without a value, and the places of the first of them.
    uncalculated: (usize, Vec<String>),
}

/// What is known about a sheet.
#[derive(Default)]
pub(super) struct SheetPart {
    hidden: Hidden,
    /// What is drawn over its cells.
    pub(super) drawn: Vec<DrawnText>,
    /// Notes by row (from 1) and column (from 0).
    notes: BTreeMap<(u32, u32), String>,
    /// Cells whose formula has no value.
    uncalculated: Vec<String>,
    /// Rows and columns that had content and were left out.
    rows_left_out: usize,
    columns_left_out: HashSet<u32>,
}

impl SheetPart {
    /// A row without hidden cells, with its notes; `Err` with the number of a row that is itself hidden.
    pub(super) fn shown(&mut self, mut row: TableRow) -> Result<TableRow, u32> {
        if self.hidden.hides_row(row.first) {
            self.rows_left_out += usize::from(!row.cells.is_empty());
            return Err(row.first);
        }
        let hidden = &self.hidden;
        for ((_, column), note) in self.notes.range((row.first, 0)..(row.first + 1, 0)) {
            if !hidden.hides_column(*column) {
                let value =
                    row.value(*column).map(|value| format!("{value}: ")).unwrap_or_default();
                row.notes.push(format!("{value}{note}"));
            }
        }
        let left_out = &mut self.columns_left_out;
        row.cells.retain(|(column, _)| {
            !hidden.hides_column(*column) || {
                left_out.insert(*column);
                false
            }
        });
        Ok(row)
    }
}

impl<'a> SheetParts<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let Ok(mut package) = ZipPackage::open(bytes, "xlsx", "workbook", "xls") else {
            return Self::default();
        };
        let parts = parts(&mut package).unwrap_or_default();
        Self { package: Some(package), parts, ..Self::default() }
    }

    /// For a format of which only hidden rows and columns are known.
    pub(super) fn knowing(hidden: OfSheets) -> Self {
        Self { hidden, ..Self::default() }
    }

    pub(super) fn read(&mut self, sheet: &str) -> SheetPart {
        let hidden = self.hidden.remove(sheet).unwrap_or_default();
        let mut known = SheetPart { hidden, ..SheetPart::default() };
        let (Some(package), Some(part)) = (&mut self.package, self.parts.get(sheet)) else {
            return known;
        };
        if let Ok(Some(bytes)) = package.bytes(part)
            && says_more(&bytes)
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            let mut reading = Reading { known, ..Reading::default() };
            let _ = xml::read(text, &mut reading);
            known = reading.known;
        }
        let others = relations(package, part).unwrap_or_default();
        for Relation { kind, target, .. } in &others {
            if kind == "comments" {
                let text = package.part(target).ok().flatten().unwrap_or_default();
                let mut notes = Notes { notes: known.notes, ..Notes::default() };
                let _ = xml::read(&text, &mut notes);
                known.notes = notes.notes;
            } else if kind == "drawing" {
                known.drawn.extend(drawing::read(package, target));
            }
        }
        let (count, first) = &mut self.uncalculated;
        *count += known.uncalculated.len();
        let named = known.uncalculated.iter().take(NAMED.saturating_sub(first.len()));
        first.extend(named.map(|cell| format!("{sheet}!{cell}")));
        known
    }

    /// Records what was left out of a sheet.
    pub(super) fn note(&mut self, sheet: &str, part: &SheetPart) {
        let (rows, columns) = (part.rows_left_out, part.columns_left_out.len());
        if rows + columns > 0 {
            self.left_out.push((sheet.to_owned(), rows, columns));
        }
    }

    /// Warnings about what is missing from the text.
    pub(super) fn warnings(&self) -> Vec<ReadingWarning> {
        let warning = |code, message| ReadingWarning { code, message, pages: Vec::new() };
        let count = |count: usize, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {one}s")),
        };
        let mut warnings = Vec::new();
        if !self.left_out.is_empty() {
            let sheets = self.left_out.iter().take(NAMED).map(|(sheet, rows, columns)| {
                let counts = count(*rows, "row").into_iter().chain(count(*columns, "column"));
                format!("{} of `{sheet}`", counts.collect::<Vec<_>>().join(" and "))
            });
            let sheets = sheets.collect::<Vec<_>>().join(", ");
            let more = if self.left_out.len() > NAMED { " and others" } else { "" };
            let message = format!("hidden, and left out: {sheets}{more}");
            warnings.push(warning(WarningCode::HiddenContent, message));
        }
        let (found, first) = &self.uncalculated;
        if let Some(formulas) = count(*found, "formula") {
            let more = if *found > first.len() { ", ..." } else { "" };
            let message = format!(
                "{formulas} without a value, not read ({}{more}): open it in a spreadsheet program and save it",
                first.join(", ")
            );
            warnings.push(warning(WarningCode::UncalculatedFormulas, message));
        }
        warnings
    }
}

/// Most sheets or cells that are named.
const NAMED: usize = 5;

/// Whether a sheet may have hidden rows or formulas without a value: most have neither.
fn says_more(part: &[u8]) -> bool {
    [&b"hidden="[..], b"</f></c>", b"/></c>", b"<v></v>", b"<v />"]
        .iter()
        .any(|sign| memmem::find(part, sign).is_some())
}

/// The part of each sheet, by its name.
fn parts(package: &mut ZipPackage<'_>) -> Option<HashMap<String, String>> {
    let main = relations(package, "").ok()?.into_iter().find(|it| it.kind == "officeDocument")?;
    let relations = relations(package, &main.target).ok()?;
    let mut sheets = SheetNames::default();
    let _ = xml::read(&package.part(&main.target).ok()??, &mut sheets);
    let targets: HashMap<&str, &str> =
        relations.iter().map(|found| (found.id.as_str(), found.target.as_str())).collect();
    let part = |(name, id): (String, String)| Some((name, (*targets.get(id.as_str())?).to_owned()));
    Some(sheets.0.into_iter().filter_map(part).collect())
}

/// The names of sheets in `workbook.xml`, each with the id of its relation.
#[derive(Default)]
struct SheetNames(Vec<(String, String)>);

impl XmlHandler for SheetNames {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == "sheet" {
            let id = prefixed_attribute(element, "id");
            self.0.extend(attribute(element, "name").zip(id));
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "what has been met of the cell")]
struct Reading {
    known: SheetPart,
    row: u32,
    cell: String,
    /// Whether the cell is text, whose value may be empty.
    is_text: bool,
    has_formula: bool,
    has_value: bool,
    in_value: bool,
}

impl XmlHandler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "row" => {
                let number = attribute(element, "r").and_then(|number| number.parse().ok());
                self.row = number.unwrap_or(self.row.saturating_add(1));
                if is_set(element, "hidden") {
                    self.known.hidden.hide_rows(self.row, self.row);
                }
            }
            "col" if is_set(element, "hidden") => {
                let end = |name| attribute(element, name).and_then(|end| end.parse::<u32>().ok());
                if let (Some(first @ 1..), Some(last @ 1..)) = (end("min"), end("max")) {
                    self.known.hidden.hide_columns(first - 1, last - 1);
                }
            }
            "c" => {
                self.cell = attribute(element, "r").unwrap_or_default();
                let kind = attribute(element, "t");
                self.is_text = matches!(kind.as_deref(), Some("str" | "s" | "inlineStr"));
                (self.has_formula, self.has_value) = (false, false);
            }
            "f" => self.has_formula = true,
            "v" => self.in_value = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "v" => self.in_value = false,
            "c" if self.has_formula && !self.has_value && !self.is_text => {
                self.known.uncalculated.push(std::mem::take(&mut self.cell));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.has_value |= self.in_value && !text.trim().is_empty();
    }
}

fn is_set(element: &Element<'_>, name: &str) -> bool {
    matches!(attribute(element, name).as_deref(), Some("1" | "true"))
}

/// The notes on cells. Threaded comments are in another part, and the placeholder for them here is left out.
#[derive(Default)]
struct Notes {
    notes: BTreeMap<(u32, u32), String>,
    cell: Option<(u32, u32)>,
    note: String,
    in_text: bool,
}

impl XmlHandler for Notes {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "comment" => {
                self.cell = attribute(element, "ref").as_deref().and_then(position);
                self.note.clear();
            }
            "t" => self.in_text = true,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "comment" => {
                let note = std::mem::take(&mut self.note);
                let is_thread = note.trim_start().starts_with("[Threaded comment]");
                if let Some(cell) = self.cell.take()
                    && !is_thread
                    && !note.trim().is_empty()
                {
                    self.notes.insert(cell, note);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text {
            self.note.push_str(text);
        }
    }
}

/// Parses `B7` as row (from 1) and column (from 0).
fn position(cell: &str) -> Option<(u32, u32)> {
    let letters = cell.bytes().take_while(u8::is_ascii_alphabetic).count();
    if !(1..=3).contains(&letters) {
        return None;
    }
    let digit = |letter: u8| u32::from(letter.to_ascii_uppercase() - b'A') + 1;
    let column = cell.bytes().take(letters).fold(0, |column, letter| column * 26 + digit(letter));
    Some((cell[letters..].parse().ok().filter(|row| *row < u32::MAX)?, column - 1))
}
