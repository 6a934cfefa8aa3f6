//! The text of a document with a way back to its source: what extraction makes and chunking reads.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::types::{Locator, OcrRecord, PageArea, ReadingWarning, Recognition};

/// A document's text, with the place of every part of it in the source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// Title from the document itself (metadata, first heading); empty if it has none.
    pub title: String,
    pub text: String,
    pub syntax: Syntax,
    pub places: SourceMap,
    /// Sections that no piece may cross, ordered by offset. Text before the first one is a section too.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Parts of the source that are missing in the text.
    #[serde(default)]
    pub warnings: Vec<ReadingWarning>,
    /// Number and label of the pages whose label differs from their number; ordered by number.
    #[serde(default)]
    pub page_labels: Vec<(u32, String)>,
    /// Set if pages were read as pictures.
    #[serde(skip)]
    pub ocr: Option<OcrRecord>,
    /// The words that were recognized on those pages, ordered by their place in the text.
    #[serde(skip)]
    pub recognized: Vec<RecognizedWord>,
}

/// A word of the text that was recognized in a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecognizedWord {
    /// Offset of its first byte; `end` is that of the byte after its last.
    pub start: usize,
    pub end: usize,
    /// In percent; `None` if the model does not report it.
    pub confidence: Option<u8>,
    pub page: u32,
    /// `None` if the model does not report it.
    pub area: Option<PageArea>,
}

/// A part of a document that is chunked by itself: a page, a slide, a record. It extends to the next section.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Section {
    pub offset: usize,
    /// Headings that are not in the text, outermost first.
    pub headings: Vec<String>,
    /// Set if it differs from the syntax of the document, as in an attachment.
    #[serde(default)]
    pub syntax: Option<Syntax>,
}

/// How a text is structured, for the chunker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// Markdown; extraction also renders HTML, DOCX and others to it (headings, lists, tables, code).
    Markdown,
    Rst,
    Asciidoc,
    #[default]
    Plain,
    /// One row for each mark of [`SourceMap`]. A row is kept whole if it fits into a piece.
    Rows,
    Code(CodeLanguage),
}

/// Languages that are cut along their items. Code in other languages is cut as plain text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeLanguage {
    C,
    Cpp,
    Go,
    Java,
    JavaScript,
    Python,
    Rust,
    TypeScript,
    Tsx,
}

/// Maps byte offsets of [`Document::text`] to places in the source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceMap {
    /// The text is the (decoded) file: line n of the text is line n of the file.
    #[default]
    Verbatim,
    /// Each mark says that the text from its offset up to the next mark's offset came from these
    /// units. Marks are ordered by offset, the first at 0.
    Marked(LocatorUnit, Vec<UnitMark>),
    /// Rows of several sheets, each sheet a [`Section`]: the number of each sheet with its marks, in the
    /// order of the text.
    Sheets(Vec<(u32, Vec<UnitMark>)>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LocatorUnit {
    Line,
    Page,
    Paragraph,
    Slide,
    Cell,
    Record,
    /// `first` is the message, `last` its attachment, from 1; 0 is the message itself.
    Message,
    Section,
    /// `last` is the second after the end.
    Second,
}

/// The text from byte `offset` on came from units `first..=last` (1-based) of the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnitMark {
    pub offset: usize,
    pub first: u32,
    pub last: u32,
}

/// A piece cut from a document. It borrows the document's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentPiece<'a> {
    /// Byte offset of the piece in the document's text.
    pub start: usize,
    pub text: &'a str,
    pub locator: Locator,
    /// `None` if the text was not recognized in a picture.
    pub recognition: Option<Box<Recognition>>,
    /// Heading path or enclosing items, outermost first.
    pub headings: Arc<[String]>,
    /// Whether the title of the document is embedded too, because no heading contains it.
    pub titled: bool,
}

/// The text as one line with single spaces, as in titles and cells.
pub(super) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
