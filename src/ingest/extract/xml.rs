//! What all readers of XML parts need. The only user of `quick-xml`.
//!
//! Names are compared without their namespace prefixes, which writers may choose freely.

use std::collections::HashMap;

use quick_xml::Reader;
pub(super) use quick_xml::events::BytesStart as Element;
use quick_xml::events::{BytesRef, Event};

use super::{ExtractError, html};
use crate::ingest::document::single_spaced;

/// The name without its namespace prefix.
fn local(name: &str) -> &str {
    // Names are short, and a search made for long texts would take longer.
    let colon = name.bytes().rposition(|byte| byte == b':');
    colon.map_or(name, |colon| &name[colon + 1..])
}

/// The value of the attribute with that local name, with references resolved.
pub(super) fn attribute(element: &Element<'_>, name: &str) -> Option<String> {
    attribute_where(element, |key| local(key) == name)
}

/// The same for an attribute with a prefix: `r:id` is not `id`.
pub(super) fn prefixed_attribute(element: &Element<'_>, name: &str) -> Option<String> {
    attribute_where(element, |key| local(key) == name && key != name)
}

/// All attributes as `name=value`, except those for the parser.
pub(super) fn attributes(element: &Element<'_>) -> Vec<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let wanted = attributes.filter(|attribute| {
        let key = attribute.key.0;
        !key.starts_with("xmlns") && !key.starts_with("xsi:") && !key.starts_with("xml:")
    });
    let pair = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        let value = match quick_xml::escape::unescape(&attribute.value) {
            Ok(value) => single_spaced(&value),
            Err(_) => single_spaced(&attribute.value),
        };
        (!value.is_empty()).then(|| format!("{}={value}", attribute.key.0))
    };
    wanted.filter_map(pair).collect()
}

fn attribute_where(element: &Element<'_>, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| is_wanted(attribute.key.0))?;
    Some(match quick_xml::escape::unescape(&found.value) {
        Ok(value) => value.into_owned(),
        Err(_) => found.value.into_owned(),
    })
}

/// What entity references stand for.
#[derive(Default)]
struct Entities {
    /// Entities that the document itself declares.
    declared: HashMap<String, String>,
    /// How many bytes they were replaced with.
    taken: usize,
}

/// Longest value of an entity that is used, and most bytes of all replacements. Entities made of entities are
/// not resolved, so a text cannot grow by more than this.
const LONGEST_ENTITY: usize = 1000;
const ALL_ENTITIES: usize = 1 << 20;

impl Entities {
    /// Reads `<!ENTITY name "value">` of a document type declaration.
    fn declare(&mut self, declaration: &str) {
        for entity in declaration.split("<!ENTITY").skip(1) {
            let entity = entity.trim_start();
            let Some((name, rest)) = entity.split_once(char::is_whitespace) else { continue };
            let rest = rest.trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let Some(value) = rest[1..].split(quote).next() else { continue };
            if value.len() > LONGEST_ENTITY || value.contains('<') {
                continue;
            }
            // Character references are resolved, and no others.
            if let Ok(value) = quick_xml::escape::unescape(value) {
                self.declared.entry(name.to_owned()).or_insert_with(|| value.into_owned());
            }
        }
    }

    fn resolve(&mut self, reference: &BytesRef<'_>) -> Option<String> {
        let character = match &**reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        if let Some(character) = character {
            return Some(character.to_string());
        }
        if let Some(value) = self.declared.get(&**reference) {
            self.taken += value.len();
            return (self.taken <= ALL_ENTITIES).then(|| value.clone());
        }
        html::named_character(reference)
    }
}

/// Reads a part, element by element. Names are local.
pub(super) trait XmlHandler {
    fn start(&mut self, name: &str, element: &Element<'_>);
    fn end(&mut self, name: &str);
    /// A piece of text, with references resolved.
    fn text(&mut self, text: &str);
    /// The next event ends at this offset of the part, in bytes.
    fn at(&mut self, _offset: usize) {}
}

/// Reads a whole part. The handler keeps what was read before an error.
pub(super) fn read(xml: &str, handler: &mut impl XmlHandler) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    // A bare ampersand, as in `R&D`, is text.
    reader.config_mut().allow_dangling_amp = true;
    let mut entities = Entities::default();
    loop {
        let event = reader.read_event().map_err(|error| ExtractError::damaged(&error))?;
        handler.at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match event {
            Event::Start(element) => handler.start(local(element.name().0), &element),
            Event::Empty(element) => {
                handler.start(local(element.name().0), &element);
                handler.end(local(element.name().0));
            }
            Event::End(element) => handler.end(local(element.name().0)),
            Event::Text(text) => handler.text(&text),
            Event::CData(text) => handler.text(&text),
            Event::GeneralRef(reference) => {
                if let Some(value) = entities.resolve(&reference) {
                    handler.text(&value);
                }
            }
            Event::DocType(declaration) => entities.declare(&declaration),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The text of the first element with that local name that has any, with single spaces.
pub(super) fn element_text(xml: &str, name: &str) -> Option<String> {
    let mut found = ElementText { name, inside: false, text: String::new() };
    // A damaged part is used as far as it can be read.
    let _ = read(xml, &mut found);
    Some(single_spaced(&found.text)).filter(|text| !text.is_empty())
}

struct ElementText<'a> {
    name: &'a str,
    inside: bool,
    text: String,
}

impl XmlHandler for ElementText<'_> {
    fn start(&mut self, name: &str, _: &Element<'_>) {
        self.inside = name == self.name && self.text.trim().is_empty();
    }

    fn end(&mut self, _: &str) {
        self.inside = false;
    }

    fn text(&mut self, text: &str) {
        if self.inside {
            self.text.push_str(text);
        }
    }
}
