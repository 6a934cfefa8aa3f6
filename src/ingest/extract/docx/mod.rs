//! DOCX → Markdown by paragraph; DOC is read in `doc`. The XML is read in `body`, `styles`, `numbering` and `notes`.
//!
//! A part is read only where the text refers to it: most documents have neither notes nor lists.

mod body;
mod chunks;
mod fields;
mod notes;
mod numbering;
mod open;
mod styles;

use std::collections::HashMap;
use std::path::Path;

use self::notes::DocxNotes;
use self::numbering::DocxLists;
use super::chart::Drawings;
use super::package::{ZipPackage, resolve};
use super::relations::{Relation, relations};
use super::worker::WorkerRequest;
use super::{ExtractError, detect, doc, xml};
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};

pub(super) fn document(request: &WorkerRequest, bytes: &[u8]) -> Result<Document, ExtractError> {
    let comments = request.comments;
    let extension = detect::extension(Path::new(&request.source));
    // The format from before 2007, with its own extension or the new one.
    if doc::is_word(bytes) || is_old(&extension) && detect::magic(bytes) == Some("OLE") {
        return doc::document(&extension, bytes, comments);
    }
    let mut package = ZipPackage::open(bytes, &extension, "DOCX", "doc")?;
    let Some(main) = main_part(&mut package)? else {
        return Err(ZipPackage::lacks(bytes, &extension, "Word document"));
    };
    let text = package.part(&main)?.unwrap_or_default();
    let mut parts = Parts { package, main, relations: None };
    let styles = parts.of_kind("styles", "styles.xml")?.map(|xml| styles::read(&xml));
    let styles = styles.unwrap_or_default();
    let mut notes = DocxNotes { drawings: parts.drawings(&text)?, ..DocxNotes::default() };
    let mut warnings = Vec::new();
    if text.contains(":altChunk ") {
        let relations = parts.relations()?.to_vec();
        let (texts, unread) = chunks::read(&mut parts.package, &relations, request)?;
        notes.drawings.extend(texts);
        warnings.extend(unread);
    }
    for (reference, kind, into) in [
        ("footnoteReference", "footnotes", &mut notes.footnotes),
        ("endnoteReference", "endnotes", &mut notes.endnotes),
        ("commentReference", "comments", &mut notes.comments),
    ] {
        if (kind != "comments" || comments) && text.contains(reference) {
            let part = parts.of_kind(kind, &format!("{kind}.xml"))?;
            *into = part.map(|part| notes::read(&part, &styles)).unwrap_or_default();
        }
    }
    let mut lists = || {
        // Numbering is used as far as it can be read.
        let part = parts.of_kind("numbering", "numbering.xml").ok().flatten();
        part.map(|part| numbering::read(&part)).unwrap_or_default()
    };
    let prose = body::read(&text, &styles, DocxLists::new(&mut lists), notes)?;
    let core = parts.package.part("docProps/core.xml")?.unwrap_or_default();
    let title = xml::element_text(&core, "title").unwrap_or(prose.title);
    Ok(Document {
        title,
        text: prose.text,
        syntax: Syntax::Markdown,
        places: SourceMap::Marked(LocatorUnit::Paragraph, prose.marks),
        warnings,
        ..Document::default()
    })
}

fn is_old(extension: &str) -> bool {
    matches!(extension, "doc" | "dot")
}

/// The part with the text: `word/document.xml`, which some writers number and others rename.
fn main_part(package: &mut ZipPackage<'_>) -> Result<Option<String>, ExtractError> {
    let is_main = |name: &String| name.starts_with("word/document") && !name.contains(".rels");
    let found = package.names().filter(is_main).min_by_key(String::len);
    if found.is_some() || !package.names().any(|name| name.starts_with("word/")) {
        return Ok(found);
    }
    let mut relations = relations(package, "")?.into_iter();
    Ok(relations.find(|found| found.kind == "officeDocument").map(|found| found.target))
}

/// The parts that belong to the main one.
struct Parts<'a> {
    package: ZipPackage<'a>,
    main: String,
    relations: Option<Vec<Relation>>,
}

impl Parts<'_> {
    /// The part beside the main one with the usual name, or the one that a relation names.
    fn of_kind(&mut self, kind: &str, usual: &str) -> Result<Option<String>, ExtractError> {
        let usual = resolve(&self.main, usual);
        if let Some(part) = self.package.part(&usual)? {
            return Ok(Some(part));
        }
        let found = self.relations()?.iter().find(|found| found.kind == kind);
        match found.map(|found| found.target.clone()) {
            Some(target) => self.package.part(&target),
            None => Ok(None),
        }
    }

    fn relations(&mut self) -> Result<&[Relation], ExtractError> {
        if self.relations.is_none() {
            self.relations = Some(relations(&mut self.package, &self.main)?);
        }
        Ok(self.relations.as_deref().unwrap_or_default())
    }

    /// Drawings in the text, by the ids of their relations.
    fn drawings(&mut self, text: &str) -> Result<HashMap<String, String>, ExtractError> {
        let mut drawings = Drawings::default();
        if text.contains(":chart ") || text.contains(":relIds ") {
            let relations: Vec<Relation> = self.relations()?.to_vec();
            for relation in &relations {
                drawings.add(&mut self.package, relation)?;
            }
        }
        Ok(drawings.into_texts())
    }
}

#[cfg(test)]
mod tests;
