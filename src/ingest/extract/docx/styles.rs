//! What the styles of a document mean, and its properties.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

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
pub(super) fn read(xml: &str) -> Styles {
    let mut styles = HashMap::new();
    let mut current: Option<(String, Style)> = None;
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => match local(element.name().0) {
                "style" => {
                    styles.extend(current.take());
                    current = attribute(&element, "styleId").map(|id| (id, Style::default()));
                }
                name => {
                    if let Some((_, style)) = &mut current {
                        describe(style, name, &element);
                    }
                }
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    styles.extend(current);
    Styles(styles)
}

fn describe(style: &mut Style, name: &str, element: &BytesStart<'_>) {
    let value = || attribute(element, "val");
    match name {
        "name" => style.name = value().unwrap_or_default(),
        "basedOn" => style.based_on = value(),
        "outlineLvl" => style.outline = value().and_then(|level| level.parse().ok()),
        "numPr" => style.numbered = true,
        _ => {}
    }
}

/// `dc:title` of `docProps/core.xml`.
pub(super) fn core_title(xml: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let mut title = String::new();
    let mut inside = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => inside = local(element.name().0) == "title",
            Ok(Event::End(_)) => inside = false,
            Ok(Event::Text(text)) if inside => title.push_str(&text),
            Ok(Event::GeneralRef(reference)) if inside => title.extend(entity(&reference)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

/// The name without its namespace prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of the attribute of that local name.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    attributes
        .find(|attribute| local(attribute.key.0) == name)
        .map(|found| found.value.into_owned())
}

/// The character of an XML reference.
pub(super) fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}
