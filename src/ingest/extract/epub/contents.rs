//! The table of contents of a book: a page of links (EPUB 3), or a list of navigation points (EPUB 2).

use std::collections::HashMap;

use super::decoded;
use super::opf::Opf;
use crate::ingest::document::single_spaced;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::package::{ZipPackage, resolve};
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

/// The titles of the parts that it lists. A part with several titles gets the first.
pub(super) fn titles(
    package: &mut ZipPackage<'_>,
    opf: &Opf,
) -> Result<HashMap<String, String>, ExtractError> {
    for name in opf.contents.iter().chain(&opf.ncx) {
        let part = package.part(name)?.unwrap_or_default();
        let mut reading = Reading { name, ..Reading::default() };
        // The titles found before an error are better than none.
        let _ = xml::read(&part, &mut reading);
        if !reading.titles.is_empty() {
            return Ok(reading.titles);
        }
    }
    Ok(HashMap::new())
}

#[derive(Default)]
struct Reading<'a> {
    name: &'a str,
    titles: HashMap<String, String>,
    /// Whether this is another list: pages of contents also list landmarks and page numbers.
    elsewhere: bool,
    target: Option<String>,
    label: String,
    in_label: bool,
}

impl XmlHandler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "nav" => {
                let kind = attribute(element, "type");
                self.elsewhere = kind.is_some_and(|kind| !kind.split(' ').any(|k| k == "toc"));
            }
            "a" if !self.elsewhere => {
                self.target = attribute(element, "href");
                self.label.clear();
                self.in_label = true;
            }
            "navLabel" => {
                self.label.clear();
                self.in_label = true;
            }
            "content" => {
                self.target = attribute(element, "src");
                self.add();
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "a" if self.in_label => {
                self.in_label = false;
                self.add();
            }
            "navLabel" => self.in_label = false,
            "nav" => self.elsewhere = false,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_label {
            self.label.push_str(text);
        }
    }
}

impl Reading<'_> {
    fn add(&mut self) {
        let title = single_spaced(&self.label);
        if let Some(target) = self.target.take().filter(|_| !title.is_empty()) {
            self.titles.entry(resolve(self.name, &decoded(&target))).or_insert(title);
        }
    }
}
