//! The outline: the table of contents that viewers show beside a document.

use std::collections::HashMap;

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{
    Array, Dict, MaybeRef, Object, ObjectIdentifier, String as PdfString,
};

use super::strings::text_string;
use crate::ingest::document::single_spaced;

/// Most entries of an outline, and its greatest depth; no table of contents has as many.
const MAX_ENTRIES: usize = 5000;
const MAX_DEPTH: usize = 8;

/// Most nodes of the tree of named destinations that are searched for one name.
const MAX_NODES: usize = 2000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OutlineEntry {
    pub(super) title: String,
    /// 0 for a chapter.
    pub(super) level: usize,
    /// Index of the page where it begins.
    pub(super) page: usize,
}

/// The entries whose pages are known, in the order of the document.
pub(super) fn entries(pdf: &Pdf) -> Vec<OutlineEntry> {
    let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else { return Vec::new() };
    let pages = pdf.pages().iter().enumerate();
    let pages = pages.filter_map(|(index, page)| Some((page.raw().obj_id()?, index))).collect();
    let mut reader = Reader { catalog: &catalog, pages, looked_at: 0, entries: Vec::new() };
    if let Some(outline) = catalog.get::<Dict<'_>>(b"Outlines") {
        reader.read(outline.get::<Dict<'_>>(b"First"), 0);
    }
    reader.entries
}

struct Reader<'p, 'a> {
    catalog: &'p Dict<'a>,
    pages: HashMap<ObjectIdentifier, usize>,
    /// How many entries were visited, since entries may point back to each other.
    looked_at: usize,
    entries: Vec<OutlineEntry>,
}

impl<'a> Reader<'_, 'a> {
    fn read(&mut self, first: Option<Dict<'a>>, level: usize) {
        let mut next = first;
        while let Some(entry) = next {
            self.looked_at += 1;
            if self.looked_at > MAX_ENTRIES {
                return;
            }
            let title =
                entry.get::<PdfString<'_>>(b"Title").map(|title| text_string(title.as_bytes()));
            let title = single_spaced(&title.unwrap_or_default());
            if let Some(page) = self.page(&entry).filter(|_| !title.is_empty()) {
                self.entries.push(OutlineEntry { title, level, page });
            }
            if level < MAX_DEPTH {
                self.read(entry.get::<Dict<'_>>(b"First"), level + 1);
            }
            next = entry.get::<Dict<'_>>(b"Next");
        }
    }

    fn page(&self, entry: &Dict<'a>) -> Option<usize> {
        let action = || entry.get::<Dict<'_>>(b"A")?.get::<Object<'_>>(b"D");
        let place = entry.get::<Object<'_>>(b"Dest").or_else(action)?;
        let place = match place {
            Object::Name(name) => self.named(name.as_ref())?,
            Object::String(name) => self.named(name.as_bytes())?,
            place => place,
        };
        let place = match place {
            Object::Dict(place) => place.get::<Array<'_>>(b"D")?,
            Object::Array(place) => place,
            _ => return None,
        };
        match place.raw_iter().next()? {
            MaybeRef::Ref(page) => self.pages.get(&page.into()).copied(),
            MaybeRef::NotRef(_) => None,
        }
    }

    fn named(&self, name: &[u8]) -> Option<Object<'a>> {
        let old = self.catalog.get::<Dict<'_>>(b"Dests");
        if let Some(place) = old.and_then(|places| places.get::<Object<'_>>(name)) {
            return Some(place);
        }
        let root = self.catalog.get::<Dict<'_>>(b"Names")?.get::<Dict<'_>>(b"Dests")?;
        let mut nodes = vec![root];
        for _ in 0..MAX_NODES {
            let node = nodes.pop()?;
            if let Some(limits) = node.get::<Array<'_>>(b"Limits") {
                let mut limits = limits.iter::<PdfString<'_>>();
                let outside = limits.next().is_some_and(|least| name < least.as_bytes())
                    || limits.next().is_some_and(|most| name > most.as_bytes());
                if outside {
                    continue;
                }
            }
            if let Some(names) = node.get::<Array<'_>>(b"Names") {
                let mut names = names.iter::<Object<'_>>();
                while let (Some(key), Some(place)) = (names.next(), names.next()) {
                    if key.into_string().is_some_and(|key| key.as_bytes() == name) {
                        return Some(place);
                    }
                }
            }
            if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
                nodes.extend(kids.iter::<Dict<'_>>());
            }
        }
        None
    }
}
