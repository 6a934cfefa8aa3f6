//! What a text refers to: footnotes, endnotes and comments, which are separate parts, and drawings. Each is
//! placed once.

use std::collections::HashMap;

use super::body::DocxBody;
use super::numbering::DocxLists;
use super::styles::DocxStyles;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// What the text has not referred to yet, by id.
#[derive(Default)]
pub(super) struct DocxNotes {
    /// Charts and diagrams, by the ids of their relations.
    pub(super) drawings: HashMap<String, String>,
    pub(super) footnotes: HashMap<String, String>,
    pub(super) endnotes: HashMap<String, String>,
    pub(super) comments: HashMap<String, String>,
}

impl DocxNotes {
    /// Takes what an element refers to; it is returned once.
    pub(super) fn take(&mut self, reference: &str, id: &str) -> Option<String> {
        match reference {
            "footnoteReference" => self.footnotes.remove(id),
            "endnoteReference" => self.endnotes.remove(id),
            _ => self.comments.remove(id),
        }
    }
}

/// The notes of a part, as far as it can be read.
pub(super) fn read(part: &str, styles: &DocxStyles) -> HashMap<String, String> {
    let mut reading = Reading { styles, note: None, notes: HashMap::new() };
    let _ = xml::read(part, &mut reading);
    reading.end_note();
    reading.notes
}

struct Reading<'a> {
    styles: &'a DocxStyles,
    note: Option<Note<'a>>,
    notes: HashMap<String, String>,
}

struct Note<'a> {
    id: String,
    author: Option<String>,
    body: DocxBody<'a>,
}

fn is_note(name: &str) -> bool {
    matches!(name, "footnote" | "endnote" | "comment")
}

impl XmlHandler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if is_note(name) {
            self.end_note();
            // Other types are the lines between the text and its notes.
            let is_text = matches!(attribute(element, "type").as_deref(), None | Some("normal"));
            self.note = attribute(element, "id").filter(|_| is_text).map(|id| Note {
                id,
                author: attribute(element, "author"),
                body: DocxBody::new(self.styles, DocxLists::none(), DocxNotes::default()),
            });
        } else if let Some(note) = &mut self.note {
            note.body.start(name, element);
        }
    }

    fn end(&mut self, name: &str) {
        if is_note(name) {
            self.end_note();
        } else if let Some(note) = &mut self.note {
            note.body.end(name);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(note) = &mut self.note {
            note.body.text(text);
        }
    }
}

impl Reading<'_> {
    fn end_note(&mut self) {
        let Some(note) = self.note.take() else { return };
        let text = note.body.finish().text;
        if text.trim().is_empty() {
            return;
        }
        let text = match note.author {
            Some(author) => format!("Comment by {author}: {text}"),
            None => text,
        };
        self.notes.insert(note.id, text);
    }
}
