//! E-mail → a section for each message, under its subject. The only user of `mail-parser`.
//!
//! What is attached is named, not read.

mod mbox;

use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::parts::Parts;
use super::{ExtractError, detect, html, text};
use crate::ingest::document::single_spaced;
use crate::ingest::document::{Document, Syntax, Unit};

pub(super) fn document(source: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    // Parts have encodings of their own, and may be binary.
    if let Some(name) = detect::magic(bytes) {
        return Err(ExtractError::new(&format!("named as email, but it is a {name} file")));
    }
    let parser = MessageParser::default();
    let mut parts = Parts::new(Unit::Message);
    let mut title = String::new();
    if mbox::is_mailbox(source, bytes) {
        let mut count = 0;
        for (number, message) in (1..).zip(mbox::messages(bytes)) {
            count = number;
            if let Some(message) = parser.parse(&*message) {
                push(&mut parts, number, &message);
            }
        }
        if count == 0 {
            return Err(ExtractError::new("named as a mailbox, but no message begins in it"));
        }
    } else {
        let message = parser.parse(mbox::without_separator(bytes)).filter(has_headers);
        let Some(message) = message else {
            return Err(ExtractError::new("not readable as an e-mail: it has no headers"));
        };
        title = subject(&message);
        push(&mut parts, 1, &message);
    }
    Ok(parts.finish(title, Syntax::Plain))
}

/// Any text is a message to the parser; a real one has a header that is known.
fn has_headers(message: &Message<'_>) -> bool {
    message.headers().iter().any(|header| !header.name.is_other())
}

fn subject(message: &Message<'_>) -> String {
    single_spaced(message.subject().unwrap_or_default())
}

fn push(parts: &mut Parts, number: u32, message: &Message<'_>) {
    let mut lines = Vec::new();
    let people = [("From", message.from()), ("To", message.to()), ("Cc", message.cc())];
    for (name, address) in people {
        let people = address.map(people_of).unwrap_or_default();
        if !people.is_empty() {
            lines.push(format!("{name}: {people}"));
        }
    }
    if let Some(date) = message.date() {
        let (year, month, day) = (date.year, date.month, date.day);
        lines.push(format!(
            "Date: {year:04}-{month:02}-{day:02} {:02}:{:02}",
            date.hour, date.minute
        ));
    }
    let attached: Vec<String> = message.attachments().filter_map(name_of).collect();
    if !attached.is_empty() {
        lines.push(format!("Attachments: {}", attached.join(", ")));
    }
    let body = body(message);
    let text =
        if body.is_empty() { lines.join("\n") } else { format!("{}\n\n{body}", lines.join("\n")) };
    let headings = Some(subject(message)).filter(|subject| !subject.is_empty());
    parts.push(number, headings.into_iter().collect(), &text);
}

/// `Ann Lee <ann@example.com>, bob@example.com`.
fn people_of(address: &Address<'_>) -> String {
    /// The members of a long list say little.
    const ENOUGH: usize = 10;
    let all: Vec<String> = address
        .iter()
        .filter_map(|person| match (person.name(), person.address()) {
            (Some(name), Some(address)) => Some(format!("{} <{address}>", single_spaced(name))),
            (name, address) => name.or(address).map(single_spaced),
        })
        .collect();
    let mut people = all[..all.len().min(ENOUGH)].join(", ");
    if all.len() > ENOUGH {
        people += &format!(" and {} more", all.len() - ENOUGH);
    }
    people
}

/// The name of what is attached; of a message, its subject.
fn name_of(part: &MessagePart<'_>) -> Option<String> {
    let name = part.attachment_name().map(single_spaced);
    name.or_else(|| part.message().map(subject)).filter(|name| !name.is_empty())
}

/// The text of a message: as it was written, or of its page where there is nothing else.
fn body(message: &Message<'_>) -> String {
    let root = message.root_part();
    let is_sealed = root.is_content_type("multipart", "encrypted")
        || root.is_content_type("application", "pkcs7-mime");
    if is_sealed {
        return "(encrypted)".to_owned();
    }
    let mut bodies = Vec::new();
    for part in message.text_bodies() {
        let text = match &part.body {
            PartType::Html(page) => html::markdown(page),
            PartType::Text(text) => plain(message, part, text),
            _ => continue,
        };
        bodies.push(text.trim().to_owned());
    }
    bodies.retain(|text| !text.is_empty());
    bodies.join("\n\n")
}

/// A plain part with line feeds only. One that names no encoding and is not UTF-8 is guessed at, as
/// a file is.
fn plain(message: &Message<'_>, part: &MessagePart<'_>, decoded: &str) -> String {
    let range = part.offset_body as usize..part.offset_end as usize;
    let raw = message.raw_message.get(range).filter(|_| part.encoding == Encoding::None);
    let text = match raw.filter(|_| decoded.contains('\u{FFFD}')) {
        Some(raw) => text::decode(raw, None),
        None => decoded.to_owned(),
    };
    text.replace("\r\n", "\n")
}

#[cfg(test)]
pub(super) mod tests;
