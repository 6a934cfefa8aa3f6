//! EPUB → Markdown by section of the book, in reading order. The text of a section is that of its HTML page;
//! the package document and the table of contents are read in `opf` and `contents`.

mod contents;
mod opf;

use self::opf::Opf;
use super::package::{ZipPackage, resolve};
use super::parts::PartsBuilder;
use super::xml::{self, Element, XmlHandler, attribute};
use super::{ExtractError, detect, html};
use crate::ingest::document::{Document, LocatorUnit, Syntax};

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    let mut package = ZipPackage::open(bytes, "epub", "EPUB", "lit")?;
    let container = required(&mut package, "META-INF/container.xml")?;
    let root = Attributes::of(&container, "rootfile", "full-path")?.into_iter().next();
    let Some(root) = root else {
        return Err(ExtractError::new("named .epub, but its container.xml names no book"));
    };
    let opf = Opf::read(&required(&mut package, &root)?, &root)?;
    let titles = contents::titles(&mut package, &opf)?;
    let encryption = package.part("META-INF/encryption.xml")?.unwrap_or_default();
    let encrypted = Attributes::of(&encryption, "CipherReference", "URI")?;

    let mut parts = PartsBuilder::new(LocatorUnit::Section);
    let mut chapter: Option<String> = None;
    for (number, path) in (1..).zip(&opf.spine) {
        let Some(path) = path else { continue };
        if encrypted.iter().any(|uri| resolve("", &decoded(uri)) == *path) {
            return Err(ExtractError::new("encrypted: its text is protected (DRM)"));
        }
        chapter = titles.get(path).cloned().or(chapter);
        if opf.contents.as_ref() == Some(path) {
            continue;
        }
        let Some(page) = package.bytes(path)? else {
            return Err(ExtractError::damaged(&format!("it lacks {path}")));
        };
        // What a book declares as a page may be a picture.
        if detect::magic(&page).is_some() {
            continue;
        }
        let text = html::whole_markdown(&html::decode(&page));
        let titled = text.starts_with('#');
        let headings = chapter.iter().filter(|_| !titled).cloned().collect();
        parts.push(number, headings, &text);
    }
    Ok(parts.finish(opf.title, Syntax::Markdown))
}

fn required(package: &mut ZipPackage<'_>, name: &str) -> Result<String, ExtractError> {
    let part = package.part(name)?;
    part.ok_or_else(|| ExtractError::new(&format!("named .epub, but it has no {name}")))
}

/// The values of one attribute, of all elements with one name.
struct Attributes<'a> {
    element: &'a str,
    attribute: &'a str,
    values: Vec<String>,
}

impl<'a> Attributes<'a> {
    fn of(part: &str, element: &'a str, attribute: &'a str) -> Result<Vec<String>, ExtractError> {
        let mut reading = Self { element, attribute, values: Vec::new() };
        xml::read(part, &mut reading)?;
        Ok(reading.values)
    }
}

impl XmlHandler for Attributes<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == self.element {
            self.values.extend(attribute(element, self.attribute));
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

/// The name of the part that a reference points to: `chapter%201.xhtml#top` is `chapter 1.xhtml`.
fn decoded(reference: &str) -> String {
    let part = reference.split('#').next().unwrap_or_default();
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
pub(super) mod tests;
