//! Kinds of documents.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a document, determined from its name and its first bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Kind")]
pub enum DocumentKind {
    Markdown,
    /// Plain text and its relatives: org, tex, log, configuration files.
    Text,
    /// reStructuredText.
    Rst,
    /// `AsciiDoc`.
    Asciidoc,
    Html,
    Pdf,
    Docx,
    Pptx,
    /// Texts in `OpenDocument`.
    Odt,
    /// Presentations in `OpenDocument`.
    Odp,
    Rtf,
    /// Workbooks: XLSX, XLSM, XLSB, XLS, ODS.
    Spreadsheet,
    /// Delimited rows: CSV, TSV.
    Csv,
    /// JSON and JSON Lines.
    Json,
    /// Jupyter notebooks.
    Notebook,
    Epub,
    /// Single messages and mailboxes (mbox).
    Email,
    /// Source code; the language follows from the file name.
    Code,
    /// Pictures, whose text is recognized: PNG, JPEG, TIFF, WebP, GIF, BMP.
    Image,
    /// XML of any vocabulary: `DocBook`, JATS, TEI, FB2, DITA, OPML, data.
    Xml,
    /// Subtitles of a recording: `WebVTT`, `SubRip`.
    Subtitles,
    /// Events and tasks: iCalendar.
    Calendar,
    /// Address books: vCard.
    Contacts,
}

impl DocumentKind {
    pub const ALL: [Self; 23] = [
        Self::Markdown,
        Self::Text,
        Self::Rst,
        Self::Asciidoc,
        Self::Html,
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Odt,
        Self::Odp,
        Self::Rtf,
        Self::Spreadsheet,
        Self::Csv,
        Self::Json,
        Self::Notebook,
        Self::Epub,
        Self::Email,
        Self::Code,
        Self::Image,
        Self::Xml,
        Self::Subtitles,
        Self::Calendar,
        Self::Contacts,
    ];

    /// The name used in payloads, filters and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Rst => "rst",
            Self::Asciidoc => "asciidoc",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::Odt => "odt",
            Self::Odp => "odp",
            Self::Rtf => "rtf",
            Self::Spreadsheet => "spreadsheet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Notebook => "notebook",
            Self::Epub => "epub",
            Self::Email => "email",
            Self::Code => "code",
            Self::Image => "image",
            Self::Xml => "xml",
            Self::Subtitles => "subtitles",
            Self::Calendar => "calendar",
            Self::Contacts => "contacts",
        }
    }

    /// Whether its records have named fields, some of which can be chosen as the text.
    pub fn has_fields(self) -> bool {
        matches!(self, Self::Spreadsheet | Self::Csv | Self::Json)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
