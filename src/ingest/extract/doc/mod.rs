//! DOC (Word 97 to 2003, [MS-DOC]) → Markdown by paragraph.
//!
//! The text is in pieces that a table puts in order: after a fast save they are anywhere in the file, some with
//! one byte per letter, some with two. Formatting of letters and paragraphs refers to their places in the file
//! (`properties`).

mod properties;
mod styles;
mod text;

use std::collections::HashMap;

use self::properties::{CharacterFormat, ParagraphLayout, Runs};
use self::styles::DocStyles;
use self::text::DocText;
use super::ExtractError;
use super::compound::Compound;
use super::formatting::{Formatted, Formatting};
use super::package::ZipPackage;
use super::prose::{Paragraph, ParagraphRole, Prose};
use super::rtf::Rows;
use super::symbols;
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax, single_spaced};

/// Indexes of tables in the file information block (`FibRgFcLcb97`).
const STYLES: usize = 1;
const FOOTNOTES: [usize; 2] = [2, 3];
const COMMENTS: [usize; 2] = [4, 5];
const LOOKS: usize = 12;
const LAYOUTS: usize = 13;
const FONTS: usize = 15;
const PIECES: usize = 33;
const ENDNOTES: [usize; 2] = [46, 47];

/// The version of Word 97; before it, the format was different.
const WORD_97: u16 = 0xC1;

/// Deepest nesting of fields; Word itself allows twenty.
const DEEPEST: usize = 64;

/// Whether the directory of a compound file shows a Word document.
pub(super) fn is_word(bytes: &[u8]) -> bool {
    Compound::open(bytes, "a Word document").is_ok_and(|file| file.has_stream("/WordDocument"))
}

/// `comments`: whether reviewers' comments are read, too. `extension` is that of the file, for the message.
pub(super) fn document(
    extension: &str,
    bytes: &[u8],
    comments: bool,
) -> Result<Document, ExtractError> {
    let mut file = Compound::open(bytes, "a Word document")?;
    let main = file.stream("/WordDocument");
    let main = main.ok_or_else(|| ZipPackage::lacks(bytes, extension, "Word document"))?;
    let (magic, version, flags) = (u16_at(&main, 0), u16_at(&main, 2), u16_at(&main, 10));
    let (Some(magic), Some(version), Some(flags)) = (magic, version, flags) else {
        return Err(damaged("it ends within its header"));
    };
    if magic != 0xA5EC || version < WORD_97 {
        return Err(ExtractError::new(
            "written by Word 95 or older: open it in Word or LibreOffice and save it as DOCX",
        ));
    }
    if flags & 0x0100 != 0 {
        return Err(ExtractError::encrypted());
    }
    let table = file.stream(if flags & 0x0200 == 0 { "/0Table" } else { "/1Table" });
    let table = table.ok_or_else(|| damaged("the table of its parts is missing"))?;
    let header = Header { main: &main, table: &table };
    let pieces = header.part(PIECES).unwrap_or_default();
    let text = DocText::read(&main, pieces).ok_or_else(|| damaged("its text can't be found"))?;
    let mut reader = Reader {
        looks: properties::looks(&main, header.part(LOOKS).unwrap_or_default()),
        layouts: properties::layouts(&main, header.part(LAYOUTS).unwrap_or_default()),
        styles: styles::read(header.part(STYLES).unwrap_or_default()),
        fonts: styles::fonts(header.part(FONTS).unwrap_or_default()),
        text,
        notes: HashMap::new(),
        fields: Vec::new(),
        prose: Prose::default(),
        rows: Rows::default(),
        count: 0,
    };
    reader.notes = reader.all_notes(&header, comments);
    let lengths = header.lengths();
    reader.read(0, lengths[0]);
    let boxes: u32 = lengths[..6].iter().fold(0, |sum, length| sum.saturating_add(*length));
    reader.read(boxes, boxes.saturating_add(lengths[6]));
    let prose = reader.prose.finish();
    Ok(Document {
        title: prose.title,
        text: prose.text,
        syntax: Syntax::Markdown,
        places: SourceMap::Marked(LocatorUnit::Paragraph, prose.marks),
        ..Document::default()
    })
}

fn damaged(what: &str) -> ExtractError {
    ExtractError::damaged(&format!("{what}: open it in Word or LibreOffice and save it as DOCX"))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// All four-byte numbers.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    (0..bytes.len() / 4).filter_map(|at| u32_at(bytes, at * 4)).collect()
}

/// The file information block, and the stream of tables that it refers to.
struct Header<'a> {
    main: &'a [u8],
    table: &'a [u8],
}

impl<'a> Header<'a> {
    fn part(&self, number: usize) -> Option<&'a [u8]> {
        /// Where the list of the tables starts; each entry is an offset and a length.
        const LIST: usize = 0x9A;
        let at = LIST + 8 * number;
        let (start, length) =
            (u32_at(self.main, at)? as usize, u32_at(self.main, at + 4)? as usize);
        self.table.get(start..start.checked_add(length)?)
    }

    /// Numbers of letters of the text, the footnotes, the headers, macros, comments, endnotes and text boxes,
    /// which follow each other.
    fn lengths(&self) -> [u32; 7] {
        std::array::from_fn(|at| u32_at(self.main, 0x4C + 4 * at).unwrap_or(0))
    }
}

struct Reader {
    text: DocText,
    looks: Runs<CharacterFormat>,
    layouts: Runs<ParagraphLayout>,
    styles: DocStyles,
    fonts: Vec<String>,
    /// Notes by the place of their marks.
    notes: HashMap<u32, Vec<String>>,
    /// Open fields: whether each is still in its instruction, before its result.
    fields: Vec<bool>,
    prose: Prose,
    rows: Rows,
    count: u32,
}

impl Reader {
    fn all_notes(&mut self, header: &Header<'_>, comments: bool) -> HashMap<u32, Vec<String>> {
        let lengths = header.lengths();
        let mut notes: HashMap<u32, Vec<String>> = HashMap::new();
        for (kind, [marks, texts], behind) in
            [(0, FOOTNOTES, 1), (1, COMMENTS, 4), (2, ENDNOTES, 5)]
        {
            if kind == 1 && !comments {
                continue;
            }
            let start =
                lengths[..behind].iter().fold(0_u32, |sum, length| sum.saturating_add(*length));
            let marks = header.part(marks).unwrap_or_default();
            let texts = numbers(header.part(texts).unwrap_or_default());
            let count = texts.len().saturating_sub(2);
            let mut end = 0;
            for (at, mark) in numbers(marks).into_iter().take(count).enumerate() {
                // Notes follow each other, so none is read twice.
                if texts[at] < end {
                    continue;
                }
                end = texts[at + 1];
                let text = self.note(start.saturating_add(texts[at]), start.saturating_add(end));
                if text.is_empty() {
                    continue;
                }
                // Initials follow the places of all marks.
                let about = (count + 1) * 4 + at * 30;
                let text = if kind == 1 {
                    format!("Comment by {}: {text}", initials(marks, about))
                } else {
                    text
                };
                notes.entry(mark).or_default().push(text);
            }
        }
        notes
    }

    fn note(&mut self, start: u32, end: u32) -> String {
        let mut lines = Vec::new();
        let mut at = start;
        while let Some((line, next)) = self.paragraph(at, end) {
            lines.push(single_spaced(&line.text));
            at = next;
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// Reads the paragraphs of these letters.
    fn read(&mut self, start: u32, end: u32) {
        let mut at = start;
        while let Some((mut paragraph, next)) = self.paragraph(at, end) {
            let mark = next - 1;
            at = next;
            let place = self.text.place(mark).unwrap_or(0);
            let layout = self.layouts.at(place).cloned().unwrap_or_default();
            if layout.in_table && layout.ends_row {
                for (word, number) in &layout.row {
                    self.rows.define(word, *number);
                }
                self.rows.end_row();
                continue;
            }
            self.count += 1;
            paragraph.number = self.count;
            paragraph.level = layout.level;
            paragraph.meaning = match (layout.outline, self.styles.meaning(layout.style)) {
                (Some(level @ 0..9), ParagraphRole::Plain) => ParagraphRole::Heading(level + 1),
                (_, ParagraphRole::Plain) if layout.in_list => ParagraphRole::Item,
                (_, meaning) => meaning,
            };
            if layout.in_table {
                self.rows.add(paragraph);
                // The cells of a nested table end with another mark.
                if self.text.unit(mark) == Some(7) {
                    self.rows.end_cell();
                }
                continue;
            }
            self.end_table();
            self.prose.add(paragraph);
        }
        self.end_table();
    }

    fn end_table(&mut self) {
        if !self.rows.is_empty() {
            self.rows.write(&mut self.prose);
        }
    }

    /// The paragraph that starts at a letter, and the place where the next one starts.
    fn paragraph(&mut self, start: u32, end: u32) -> Option<(Paragraph, u32)> {
        let mut paragraph = Paragraph::default();
        let mut formatted = Formatted::default();
        // The first half of a surrogate pair.
        let mut half = None;
        self.text.unit(start).filter(|_| start < end)?;
        let mut at = start;
        while let Some(unit) = self.text.unit(at).filter(|_| at < end) {
            at += 1;
            if matches!(unit, 7 | 0xC | 0xD) {
                break;
            }
            let look = self.text.place(at - 1).and_then(|place| self.looks.at(place)).cloned();
            let look = look.unwrap_or_default();
            match unit {
                0x13 if self.fields.len() < DEEPEST => self.fields.push(true),
                0x14 => {
                    if let Some(field) = self.fields.last_mut() {
                        *field = false;
                    }
                }
                0x15 => drop(self.fields.pop()),
                _ => {}
            }
            let is_shown = !look.hidden && !self.fields.contains(&true);
            if let Some(notes) = self.notes.remove(&(at - 1)).filter(|_| is_shown) {
                paragraph.notes.extend(notes);
            }
            if !is_shown {
                continue;
            }
            let letter = match (half.take(), unit) {
                (None, 0xD800..=0xDBFF) => {
                    half = Some(unit);
                    continue;
                }
                (half, unit) => {
                    char::decode_utf16(half.into_iter().chain([unit])).find_map(Result::ok)
                }
            };
            if let Some(letter) = self.letter(letter, &look) {
                formatted.set(&mut paragraph.text, look.formatting);
                paragraph.text.push(letter);
            }
        }
        formatted.set(&mut paragraph.text, Formatting::default());
        // The text after a field that never ends is kept.
        self.fields.fill(false);
        Some((paragraph, at))
    }

    /// The character that a letter of the file becomes in the text.
    fn letter(&self, letter: Option<char>, look: &CharacterFormat) -> Option<char> {
        if let Some((font, code)) = look.symbol {
            let font = self.fonts.get(usize::from(font)).map_or("", String::as_str);
            return symbols::unicode(font, code.into());
        }
        match letter? {
            '\t' | '\u{E}' => Some(' '),
            '\u{B}' => Some('\n'),
            '\u{1E}' => Some('-'),
            letter if letter.is_control() => None,
            letter if symbols::is_private(letter) => {
                let font = self.fonts.get(usize::from(look.font)).map_or("", String::as_str);
                symbols::unicode(font, letter.into())
            }
            letter => Some(letter),
        }
    }
}

/// The initials of a comment's author: a length, and up to nine letters.
fn initials(marks: &[u8], at: usize) -> String {
    let length = u16_at(marks, at).unwrap_or(0).min(9);
    let units = (0..usize::from(length)).filter_map(|unit| u16_at(marks, at + 2 + unit * 2));
    String::from_utf16_lossy(&units.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
