//! Organizers and attendees of an event.

use super::Property;
use crate::ingest::document::single_spaced;

/// Parameters of an attendee, and the words for them.
const WORDS: [(&str, &str, &str); 13] = [
    ("CUTYPE", "ROOM", "room"),
    ("CUTYPE", "RESOURCE", "resource"),
    ("CUTYPE", "GROUP", "group"),
    ("ROLE", "CHAIR", "chair"),
    ("ROLE", "OPT-PARTICIPANT", "optional"),
    ("ROLE", "NON-PARTICIPANT", "for information"),
    ("PARTSTAT", "ACCEPTED", "accepted"),
    ("PARTSTAT", "DECLINED", "declined"),
    ("PARTSTAT", "TENTATIVE", "tentative"),
    ("PARTSTAT", "DELEGATED", "delegated"),
    ("PARTSTAT", "NEEDS-ACTION", "no answer yet"),
    ("PARTSTAT", "COMPLETED", "done"),
    ("PARTSTAT", "IN-PROCESS", "at work"),
];

/// Describes a person, as in `Ann Lee <ann@example.com> (accepted, optional)`.
pub(super) fn describe(property: &Property) -> String {
    let name = property.parameter("CN").map(single_spaced).unwrap_or_default();
    let mut address = address(&property.value);
    if address.is_empty() {
        address = property.parameter("EMAIL").map(self::address).unwrap_or_default();
    }
    let who = match (name.is_empty(), address.is_empty()) {
        (false, false) if name != address => format!("{name} <{address}>"),
        (false, _) => name,
        (true, _) => address,
    };
    let words = WORDS.iter().filter(|(parameter, value, _)| {
        property.parameter(parameter).is_some_and(|said| said.eq_ignore_ascii_case(value))
    });
    let words: Vec<&str> = words.map(|(_, _, word)| *word).collect();
    match words.as_slice() {
        [] => who,
        _ if who.is_empty() => who,
        words => format!("{who} ({})", words.join(", ")),
    }
}

/// The mail address, if it is one; other addresses are machine identifiers.
fn address(value: &str) -> String {
    let value = value.trim();
    let (scheme, rest) = value.split_once(':').unwrap_or(("mailto", value));
    let is_mail = scheme.eq_ignore_ascii_case("mailto") && rest.contains('@');
    if is_mail { rest.trim().to_owned() } else { String::new() }
}
