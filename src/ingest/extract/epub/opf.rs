//! The package document of a book: its parts, and the order in which they are read.

use std::collections::HashMap;

use super::decoded;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::package::resolve;
use crate::ingest::extract::xml::{self, Element, Handler, attribute};

#[derive(Default, Debug)]
pub(super) struct Opf {
    pub(super) title: String,
    /// Parts in reading order.
    pub(super) spine: Vec<String>,
    /// The page with the table of contents (EPUB 3).
    pub(super) contents: Option<String>,
    /// The part with the table of contents (EPUB 2).
    pub(super) ncx: Option<String>,
}

impl Opf {
    /// `name` is that of the part.
    pub(super) fn read(part: &str, name: &str) -> Result<Self, ExtractError> {
        let mut reading = Reading { name, ..Reading::default() };
        xml::read(part, &mut reading)?;
        let Reading { items, order, mut opf, .. } = reading;
        opf.title = xml::element_text(part, "title").unwrap_or_default();
        opf.spine = order.iter().filter_map(|id| items.get(id).cloned()).collect();
        if opf.spine.is_empty() {
            return Err(ExtractError::new("damaged: the book has no reading order"));
        }
        Ok(opf)
    }
}

#[derive(Default)]
struct Reading<'a> {
    name: &'a str,
    /// Parts by their id.
    items: HashMap<String, String>,
    order: Vec<String>,
    opf: Opf,
}

impl Handler for Reading<'_> {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let value = |name| attribute(element, name).unwrap_or_default();
        match name {
            "item" => {
                let part = resolve(self.name, &decoded(&value("href")));
                if value("properties").split(' ').any(|property| property == "nav") {
                    self.opf.contents = Some(part.clone());
                }
                if value("media-type") == "application/x-dtbncx+xml" {
                    self.opf.ncx = Some(part.clone());
                }
                self.items.insert(value("id"), part);
            }
            "itemref" => self.order.push(value("idref")),
            _ => {}
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}
