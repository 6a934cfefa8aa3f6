//! The package document of a book: its parts and their reading order.

use std::collections::{HashMap, HashSet};

use super::decoded;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::package::resolve;
use crate::ingest::extract::xml::{self, Element, XmlHandler, attribute};

#[derive(Default, Debug)]
pub(super) struct Opf {
    pub(super) title: String,
    /// Parts in reading order; `None` for a picture without a page as its fallback.
    pub(super) spine: Vec<Option<String>>,
    /// The page with the table of contents (EPUB 3).
    pub(super) contents: Option<String>,
    /// The part with the table of contents (EPUB 2).
    pub(super) ncx: Option<String>,
}

impl Opf {
    /// Parses the package document; `name` is that of its part.
    pub(super) fn read(part: &str, name: &str) -> Result<Self, ExtractError> {
        let mut reading = Reading { name, ..Reading::default() };
        xml::read(part, &mut reading)?;
        let Reading { items, order, mut opf, .. } = reading;
        opf.title = xml::element_text(part, "title").unwrap_or_default();
        // A page with its own place in the order is not read again as the fallback of a picture.
        let pages = order.iter().filter_map(|id| items.get(id)).filter(|item| item.is_page());
        let mut placed: HashSet<&str> = pages.map(|item| item.part.as_str()).collect();
        for (id, item) in order.iter().filter_map(|id| Some((id, items.get(id)?))) {
            let page = page(&items, id).filter(|page| item.is_page() || placed.insert(page));
            opf.spine.push(page.map(str::to_owned));
        }
        if opf.spine.is_empty() {
            return Err(ExtractError::new("damaged: the book has no reading order"));
        }
        Ok(opf)
    }
}

/// A part of the book.
struct Item {
    part: String,
    media: String,
    /// The id of its fallback, for readers that cannot show it.
    fallback: String,
}

impl Item {
    /// Pictures and sounds may be in the reading order, too (EPUB 3.3, 3.3).
    fn is_page(&self) -> bool {
        let media = ["image/", "audio/", "video/", "font/", "application/pdf"];
        !media.iter().any(|media| self.media.starts_with(media))
    }
}

/// The page that an item is, or its fallback.
fn page<'a>(items: &'a HashMap<String, Item>, id: &str) -> Option<&'a str> {
    /// Longest chain of fallbacks; a longer one is a cycle.
    const LONGEST: usize = 8;
    let next = |item: &&Item| items.get(&item.fallback);
    let mut chain = std::iter::successors(items.get(id), next).take(LONGEST);
    chain.find(|item| item.is_page()).map(|item| item.part.as_str())
}

#[derive(Default)]
struct Reading<'a> {
    name: &'a str,
    /// Parts by their id.
    items: HashMap<String, Item>,
    order: Vec<String>,
    opf: Opf,
}

impl XmlHandler for Reading<'_> {
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
                let (media, fallback) = (value("media-type"), value("fallback"));
                self.items.insert(value("id"), Item { part, media, fallback });
            }
            "itemref" => self.order.push(value("idref")),
            _ => {}
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}
