//! What every reader of XML parts needs. The only user of `quick-xml`.
//!
//! Names are compared without their namespace prefixes: writers choose those as they like.

use quick_xml::Reader;
pub(super) use quick_xml::events::BytesStart as Element;
use quick_xml::events::{BytesRef, Event};

use super::ExtractError;
use crate::ingest::document::single_spaced;

/// The name without its namespace prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of the attribute of that local name, references resolved.
pub(super) fn attribute(element: &Element<'_>, name: &str) -> Option<String> {
    attribute_where(element, |key| local(key) == name)
}

/// The same for an attribute that has a prefix: `r:id`, where `id` is another one.
pub(super) fn prefixed_attribute(element: &Element<'_>, name: &str) -> Option<String> {
    attribute_where(element, |key| local(key) == name && key != name)
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

/// The character of an XML reference.
fn entity(reference: &BytesRef<'_>) -> Option<char> {
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}

/// What reads a part, element by element. Names are local.
pub(super) trait Handler {
    fn start(&mut self, name: &str, element: &Element<'_>);
    fn end(&mut self, name: &str);
    /// A piece of text, references resolved.
    fn text(&mut self, text: &str);
}

/// Reads a whole part. What was read before an error stays with the handler.
pub(super) fn read(xml: &str, handler: &mut impl Handler) -> Result<(), ExtractError> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().map_err(|error| ExtractError::damaged(&error))? {
            Event::Start(element) => handler.start(local(element.name().0), &element),
            Event::Empty(element) => {
                handler.start(local(element.name().0), &element);
                handler.end(local(element.name().0));
            }
            Event::End(element) => handler.end(local(element.name().0)),
            Event::Text(text) => handler.text(&text),
            Event::CData(text) => handler.text(&text),
            Event::GeneralRef(reference) => {
                if let Some(character) = entity(&reference) {
                    handler.text(character.encode_utf8(&mut [0; 4]));
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The text of the first element of that local name that has any, in single spaces.
pub(super) fn element_text(xml: &str, name: &str) -> Option<String> {
    let mut found = ElementText { name, inside: false, text: String::new() };
    // What can be read of a damaged part is enough.
    let _ = read(xml, &mut found);
    Some(single_spaced(&found.text)).filter(|text| !text.is_empty())
}

struct ElementText<'a> {
    name: &'a str,
    inside: bool,
    text: String,
}

impl Handler for ElementText<'_> {
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
