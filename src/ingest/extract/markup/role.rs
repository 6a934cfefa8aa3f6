//! What an XML element means for the text: by its name in the vocabularies of documents (`DocBook`, JATS, TEI,
//! FB2, DITA), otherwise by what it contains.

use std::collections::HashMap;

use crate::ingest::extract::formatting::{Formatting, Script};
use crate::ingest::extract::xml::{Element, XmlHandler};

/// How an element takes part in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MarkupRole {
    /// A section, whose title is one level below that of the section around it.
    Section,
    Title,
    Paragraph,
    /// A line of verse.
    Line,
    Item,
    /// Text whose line ends are kept.
    Pre,
    Table,
    /// The rows in it name the columns.
    Head,
    Row,
    Cell,
    /// Text that is written after the text it is in.
    Note,
    /// The number of what follows.
    Label,
    /// An author or contributor.
    Person,
    Date,
    /// An entry of a bibliography.
    Reference,
    /// A line of an outline (OPML).
    Outline,
    Break,
    /// A field: a line `name: value`.
    Field,
    /// Contains other elements, and no text of its own.
    Container,
    /// Part of the text around it.
    Inline,
    /// Not text.
    Skip,
}

/// Names of the root elements of documents. Other files are data.
const DOCUMENTS: &[&str] = &[
    // DocBook
    "book",
    "article",
    "chapter",
    "section",
    "refentry",
    "set",
    "part",
    "appendix",
    "preface",
    "glossary",
    "bibliography",
    "sect1",
    "refsect1",
    // JATS
    "front-stub",
    "sub-article",
    "book-part",
    // TEI, FB2, DITA, OPML
    "TEI",
    "TEI.2",
    "teiCorpus",
    "FictionBook",
    "topic",
    "concept",
    "task",
    "reference",
    "dita",
    "glossentry",
    "troubleshooting",
    "opml",
];

/// What elements with one name contain, anywhere in the file.
#[derive(Clone, Copy, Default)]
struct Content {
    text: bool,
    elements: bool,
    title: bool,
}

/// The elements of a file.
#[derive(Default)]
pub(super) struct MarkupVocabulary {
    pub(super) root: String,
    contents: HashMap<String, Content>,
    /// Names of the open elements.
    open: Vec<String>,
}

impl MarkupVocabulary {
    pub(super) fn is_document(&self) -> bool {
        DOCUMENTS.contains(&self.root.as_str())
    }

    fn content(&self, name: &str) -> Content {
        self.contents.get(name).copied().unwrap_or_default()
    }

    /// Whether its parts are marked up, with text between them.
    pub(super) fn is_mixed(&self, name: &str) -> bool {
        self.content(name).text
    }

    pub(super) fn role(&self, name: &str) -> MarkupRole {
        let known = if self.is_document() { known(name) } else { generic(name) };
        known.unwrap_or_else(|| {
            let Content { text, elements, title } = self.content(name);
            match (text, elements) {
                (true, true) => MarkupRole::Paragraph,
                (_, false) => MarkupRole::Field,
                (false, true) if title && !self.is_document() => MarkupRole::Section,
                (false, true) => MarkupRole::Container,
            }
        })
    }
}

impl XmlHandler for MarkupVocabulary {
    fn start(&mut self, name: &str, _: &Element<'_>) {
        match self.open.last() {
            Some(around) => {
                let around = self.contents.entry(around.clone()).or_default();
                around.elements = true;
                around.title |= generic(name) == Some(MarkupRole::Title);
            }
            None if self.root.is_empty() => name.clone_into(&mut self.root),
            None => {}
        }
        self.open.push(name.to_owned());
    }

    fn end(&mut self, _: &str) {
        self.open.pop();
    }

    fn text(&mut self, text: &str) {
        if let Some(name) = self.open.last().filter(|_| !text.trim().is_empty()) {
            self.contents.entry(name.clone()).or_default().text = true;
        }
    }
}

/// The formatting of a part of a text: raised or lowered, or struck out. `rendition` is its attribute of that
/// name.
pub(super) fn formatting(name: &str, rendition: Option<&str>) -> Formatting {
    let script = match (name, rendition.unwrap_or_default()) {
        ("sup" | "superscript", _) | (_, "superscript" | "sup") => Some(Script::Super),
        ("sub" | "subscript", _) | (_, "subscript" | "sub") => Some(Script::Sub),
        _ => None,
    };
    let struck = matches!(name, "strike" | "strikethrough" | "s" | "line-through")
        || matches!(rendition, Some("strikethrough" | "strike" | "line-through"));
    Formatting { script, struck }
}

/// The role of a name that means the same everywhere.
fn generic(name: &str) -> Option<MarkupRole> {
    Some(match name {
        "title" | "head" | "heading" | "headline" => MarkupRole::Title,
        "p" | "para" | "paragraph" => MarkupRole::Paragraph,
        _ => return None,
    })
}

/// The role of a name in the vocabularies of documents.
fn known(name: &str) -> Option<MarkupRole> {
    Some(match name {
        "book" | "article" | "chapter" | "section" | "sect1" | "sect2" | "sect3" | "sect4"
        | "sect5" | "simplesect" | "refentry" | "refsect1" | "refsect2" | "refsect3"
        | "refsection" | "refsynopsisdiv" | "set" | "part" | "appendix" | "preface"
        | "glossary" | "bibliography" | "colophon" | "dedication" | "acknowledgements"
        | "qandaset" | "sec" | "app" | "ack" | "ref-list" | "boxed-text" | "abstract"
        | "trans-abstract" | "sub-article" | "book-part" | "fn-group" | "div" | "div0" | "div1"
        | "div2" | "div3" | "div4" | "div5" | "div6" | "div7" | "TEI" | "TEI.2" | "teiCorpus"
        | "FictionBook" | "topic" | "concept" | "task" | "reference" | "dita" | "glossentry"
        | "troubleshooting" | "example" | "opml" => MarkupRole::Section,
        "title" | "head" | "article-title" | "book-title" | "bridgehead" | "refentrytitle"
        | "refname" | "glossterm" => MarkupRole::Title,
        "para" | "simpara" | "p" | "ab" | "caption" | "subtitle" | "shortdesc" | "cmd" | "aff"
        | "refpurpose" | "term" | "blockquote" | "attribution" | "text-author" | "disp-formula"
        | "funcprototype" | "annotation" | "question" | "answer" => MarkupRole::Paragraph,
        "l" | "v" => MarkupRole::Line,
        "listitem" | "list-item" | "li" | "item" | "step" | "substep" | "callout" | "member"
        | "choice" => MarkupRole::Item,
        "programlisting" | "screen" | "literallayout" | "synopsis" | "preformat" | "codeblock"
        | "pre" | "msgblock" | "eg" | "code-block" => MarkupRole::Pre,
        "table" | "informaltable" | "simpletable" => MarkupRole::Table,
        "thead" | "sthead" => MarkupRole::Head,
        "row" | "tr" | "strow" => MarkupRole::Row,
        "entry" | "td" | "th" | "stentry" | "cell" => MarkupRole::Cell,
        "footnote" | "fn" | "note" => MarkupRole::Note,
        "label" => MarkupRole::Label,
        "author" | "editor" | "contrib" | "othercredit" | "translator" => MarkupRole::Person,
        "pub-date" | "date" | "pubdate" => MarkupRole::Date,
        "ref" | "biblioentry" | "bibliomixed" | "bibl" | "biblStruct" => MarkupRole::Reference,
        "outline" => MarkupRole::Outline,
        "br" | "lb" | "break" => MarkupRole::Break,
        "emphasis" | "emph" | "italic" | "bold" | "hi" | "code" | "literal" | "ph" | "xref"
        | "link" | "ulink" | "uri" | "ext-link" | "a" | "i" | "b" | "sup" | "sub" | "superscript"
        | "subscript" | "strike" | "strikethrough" | "s" | "line-through" | "ins" | "command" | "filename" | "option" | "quote" | "q" | "strong" | "math" | "span" => MarkupRole::Inline,
        // For indexes, counts and machines; pictures of FB2.
        "indexterm" | "index" | "titleabbrev" | "binary" | "journal-id" | "issn" | "article-id"
        | "elocation-id" | "contrib-id" | "history" | "counts" | "custom-meta-group"
        | "self-uri" | "object-id" | "document-info" | "src-title-info" | "encodingDesc"
        | "revisionDesc" | "facsimile" | "stylesheet" | "colspec" | "tex-math" | "revhistory"
        | "prolog" | "processing-meta"
        // Deleted text.
        | "del" => MarkupRole::Skip,
        _ => return None,
    })
}
