//! What the styles of a document mean.

use std::collections::HashMap;

use crate::ingest::extract::xml::{self, Element, Handler, attribute};

/// What a paragraph style makes of a paragraph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Title,
    /// Level from 1.
    Heading(u8),
    Item,
    Plain,
}

/// A style as it is declared.
#[derive(Clone, Default, Debug)]
struct Style {
    name: String,
    based_on: Option<String>,
    /// From 0.
    outline: Option<u8>,
    numbered: bool,
}

/// The paragraph styles of a document, by id. Ids are localised (`berschrift1`); the names of the
/// built-in styles are not.
#[derive(Default, Debug)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn meaning(&self, id: &str) -> Meaning {
        /// A chain of `basedOn` longer than this is a cycle.
        const MAX_CHAIN: usize = 16;
        let mut id = id;
        for _ in 0..MAX_CHAIN {
            let style = self.0.get(id);
            let name = style.map_or(id, |style| &style.name);
            let meaning = by_name(name);
            if meaning != Meaning::Plain {
                return meaning;
            }
            let Some(style) = style else { return Meaning::Plain };
            if let Some(level) = style.outline.filter(|level| *level < 9) {
                return Meaning::Heading(level + 1);
            }
            if style.numbered {
                return Meaning::Item;
            }
            match &style.based_on {
                Some(base) => id = base,
                None => return Meaning::Plain,
            }
        }
        Meaning::Plain
    }
}

fn by_name(name: &str) -> Meaning {
    let name = name.to_ascii_lowercase().replace(' ', "");
    if name == "title" {
        return Meaning::Title;
    }
    if let Some(level) = name.strip_prefix("heading").and_then(|level| level.parse().ok()) {
        return Meaning::Heading(level);
    }
    if name.starts_with("listbullet") || name.starts_with("listnumber") {
        return Meaning::Item;
    }
    Meaning::Plain
}

/// Reads `word/styles.xml`, as far as it can be read.
pub(super) fn read(part: &str) -> Styles {
    let mut reading = Reading::default();
    let _ = xml::read(part, &mut reading);
    reading.styles.extend(reading.current);
    Styles(reading.styles)
}

#[derive(Default)]
struct Reading {
    styles: HashMap<String, Style>,
    current: Option<(String, Style)>,
}

impl Handler for Reading {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        if name == "style" {
            self.styles.extend(self.current.take());
            self.current = attribute(element, "styleId").map(|id| (id, Style::default()));
        } else if let Some((_, style)) = &mut self.current {
            describe(style, name, element);
        }
    }

    fn end(&mut self, _: &str) {}

    fn text(&mut self, _: &str) {}
}

fn describe(style: &mut Style, name: &str, element: &Element<'_>) {
    let value = || attribute(element, "val");
    match name {
        "name" => style.name = value().unwrap_or_default(),
        "basedOn" => style.based_on = value(),
        "outlineLvl" => style.outline = value().and_then(|level| level.parse().ok()),
        "numPr" => style.numbered = true,
        _ => {}
    }
}
