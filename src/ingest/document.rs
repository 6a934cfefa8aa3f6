//! What extraction makes of a file, and what chunking makes of that: text with a way back to the
//! source.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::types::{Locator, OcrRecord, PageArea, ReadingWarning, Recognition};

/// A document's text, with the place of every part of it in the source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// From the document itself (metadata, first heading); empty where it has none.
    pub title: String,
    pub text: String,
    pub syntax: Syntax,
    pub places: Places,
    /// What no piece may leave, ordered by offset. Text before the first is a section too.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// What of the source is not in the text.
    #[serde(default)]
    pub warnings: Vec<ReadingWarning>,
    /// Pages that have another label than their number, with it; ordered by number.
    #[serde(default)]
    pub page_labels: Vec<(u32, String)>,
    /// That pages were read as pictures.
    #[serde(skip)]
    pub ocr: Option<OcrRecord>,
    /// The words of those pages, ordered by place in the text.
    #[serde(skip)]
    pub recognized: Vec<RecognizedWord>,
}

/// A word of the text that was recognized in a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecognizedWord {
    /// Offset of its first byte, and of the one after its last.
    pub start: usize,
    pub end: usize,
    /// In percent; `None` where the model does not tell.
    pub confidence: Option<u8>,
    pub page: u32,
    /// `None` where the model does not tell.
    pub area: Option<PageArea>,
}

/// A part of a document that is cut by itself: a page, a slide, a record. It reaches to the next.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Section {
    pub offset: usize,
    /// Headings that the text does not carry itself, outermost first.
    pub headings: Vec<String>,
    /// Where it is another than that of the document: it is one of its own, attached to that.
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
    /// One row for each mark of [`Places`]: rows are kept whole where they fit a piece.
    Rows,
    Code(Language),
}

/// Languages that are cut along their items. Others are cut as plain text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
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
pub enum Places {
    /// The text is the (decoded) file: line n of the text is line n of the file.
    #[default]
    Verbatim,
    /// Each mark says that the text from its offset up to the next mark's offset came from these
    /// units. Marks are ordered by offset, the first at 0.
    Marked(Unit, Vec<Mark>),
    /// The same for the rows of several sheets, each a [`Section`]: with the number of each sheet,
    /// in the order of the text.
    Sheets(Vec<(u32, Vec<Mark>)>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Line,
    Page,
    Paragraph,
    Slide,
    Cell,
    Record,
    /// `first` is the message, `last` what is attached to it, from 1: 0 is the message itself.
    Message,
    Section,
    /// `last` is the second after.
    Second,
}

/// The text from byte `offset` on came from units `first..=last` (1-based) of the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    pub offset: usize,
    pub first: u32,
    pub last: u32,
}

/// A piece cut from a document, whose text it shares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// Offset of the text in that of the document, in bytes.
    pub start: usize,
    pub text: &'a str,
    pub locator: Locator,
    /// `None` where the text is the document's own.
    pub recognition: Option<Box<Recognition>>,
    /// Heading path or enclosing items, outermost first.
    pub headings: Arc<[String]>,
    /// The title of the document is embedded, too: no heading says it.
    pub titled: bool,
}

/// One line of single spaces, as titles and cells are.
pub(super) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
