//! E-mail (EML, mbox, Outlook's MSG) → a section for each message, under its subject. The only user of
//! `mail-parser`.
//!
//! Attachments are read as if they were files, each under its name.

mod attachments;
mod body;
mod headers;
mod lzfu;
mod mbox;
mod outlook;
mod page;

use std::borrow::Cow;
use std::path::Path;

use mail_parser::{Address, Message, MessageParser};

use self::attachments::{Attachments, DEEPEST, name_of};
pub(super) use self::page::{is_saved_page, page};
use super::parts::PartsBuilder;
use super::pool::Pool;
use super::worker::{Extracted, WorkerRequest};
use super::{ExtractError, detect, encoding};
use crate::ingest::document::{Document, LocatorUnit, Syntax, single_spaced};
use crate::types::ReadingWarning;

pub(super) fn document(request: &WorkerRequest, bytes: &[u8]) -> Result<Document, ExtractError> {
    // Parts have encodings of their own, and may be binary.
    if detect::magic(bytes) == Some("OLE") {
        return outlook::document(request, bytes);
    }
    if detect::magic(bytes).is_some() {
        let extension = detect::extension(Path::new(&request.source));
        return Err(ExtractError::lie(&extension, "e-mail", bytes));
    }
    // Exported mails may be UTF-16 as a whole, whatever their parts say.
    let recoded = encoding::is_wide(bytes);
    let bytes: Cow<'_, [u8]> =
        if recoded { encoding::decode(bytes, None).text.into_bytes().into() } else { bytes.into() };
    let bytes = &*bytes;
    let parser = MessageParser::default();
    let mut reading = Reading {
        parts: PartsBuilder::new(LocatorUnit::Message),
        attachments: Attachments::new(request),
        warnings: Vec::new(),
        recoded,
    };
    let mut title = String::new();
    if mbox::is_mailbox(&request.source, bytes) {
        let mut count = 0;
        for (number, message) in (1..).zip(mbox::messages(bytes)) {
            count = number;
            if let Some(message) = parser.parse(&*headers::in_utf8(&message)) {
                reading.push(number, &message);
            }
        }
        if count == 0 {
            return Err(ExtractError::new("named as a mailbox, but no message begins in it"));
        }
    } else {
        let bytes = headers::in_utf8(mbox::without_separator(bytes));
        let message = parser.parse(&*bytes).filter(has_headers);
        let Some(message) = message else {
            return Err(ExtractError::new("not readable as an e-mail: it has no headers"));
        };
        title = subject(&message);
        reading.push(1, &message);
    }
    let mut warnings = reading.warnings;
    // One warning of each kind is enough: a mailbox has thousands of messages.
    warnings.dedup_by_key(|warning| warning.code);
    warnings.truncate(2);
    warnings.extend(reading.attachments.warning());
    Ok(Document { warnings, ..reading.parts.finish(title, Syntax::Plain) })
}

/// Reads a mail again without its attachments, after they killed the process that read them.
pub(super) async fn without_attachments(
    pool: &Pool,
    request: &WorkerRequest,
    bytes: &[u8],
    error: &ExtractError,
) -> Result<Extracted, ExtractError> {
    let request = WorkerRequest { nesting: DEEPEST, ..request.clone() };
    let mut extracted = pool.parse(&request, bytes).await?;
    extracted.document.warnings.pop();
    let what = format!("all of them, because one {}", error.reason);
    extracted.document.warnings.push(attachments::warning(&what));
    Ok(extracted)
}

struct Reading<'a> {
    parts: PartsBuilder,
    attachments: Attachments<'a>,
    warnings: Vec<ReadingWarning>,
    /// Whether the whole file was converted to UTF-8.
    recoded: bool,
}

impl Reading<'_> {
    fn push(&mut self, number: u32, message: &Message<'_>) {
        let text = text(message, self.recoded, &mut self.warnings);
        let headings = Some(subject(message)).filter(|subject| !subject.is_empty());
        let headings: Vec<String> = headings.into_iter().collect();
        self.parts.push_units((number, 0), headings.clone(), &text);
        let attached = (number, &mut 0);
        self.attachments.push(&mut self.parts, message, &headings, attached, 0);
    }
}

/// The parser takes any text for a message; a real one has a known header.
fn has_headers(message: &Message<'_>) -> bool {
    message.headers().iter().any(|header| !header.name.is_other())
}

fn subject(message: &Message<'_>) -> String {
    single_spaced(message.subject().unwrap_or_default())
}

/// The text of a message: who wrote to whom and when, its attachments, and its body.
fn text(message: &Message<'_>, recoded: bool, warnings: &mut Vec<ReadingWarning>) -> String {
    let people = |address: Option<&Address<'_>>| address.map(people_of).unwrap_or_default();
    let head = Head {
        from: people(message.from()),
        to: people(message.to()),
        copies: people(message.cc()),
        date: headers::date(message),
        attached: message.attachments().filter_map(name_of).collect(),
    };
    let encoding::Decoded { text: body, warnings: of_body } = body::body(message, recoded);
    warnings.extend(of_body);
    head.with(&body)
}

/// The headers of a message that are shown.
struct Head {
    from: Vec<String>,
    to: Vec<String>,
    copies: Vec<String>,
    date: Option<String>,
    attached: Vec<String>,
}

impl Head {
    /// Puts the headers before the body.
    fn with(&self, body: &str) -> String {
        let mut lines = Vec::new();
        for (name, people) in [("From", &self.from), ("To", &self.to), ("Cc", &self.copies)] {
            if !people.is_empty() {
                lines.push(format!("{name}: {}", listed(people)));
            }
        }
        lines.extend(self.date.iter().map(|date| format!("Date: {date}")));
        if !self.attached.is_empty() {
            lines.push(format!("Attachments: {}", self.attached.join(", ")));
        }
        let head = lines.join("\n");
        match (head.is_empty(), body.is_empty()) {
            (true, _) => body.to_owned(),
            (_, true) => head,
            _ => format!("{head}\n\n{body}"),
        }
    }
}

/// `Ann Lee <ann@example.com>`, `bob@example.com`.
fn people_of(address: &Address<'_>) -> Vec<String> {
    let people = address.iter().filter_map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => Some(format!("{} <{address}>", single_spaced(name))),
        (name, address) => name.or(address).map(single_spaced),
    });
    people.collect()
}

fn listed(all: &[String]) -> String {
    /// Most members of a list that are named.
    const ENOUGH: usize = 10;
    let mut people = all[..all.len().min(ENOUGH)].join(", ");
    if all.len() > ENOUGH {
        people += &format!(" and {} more", all.len() - ENOUGH);
    }
    people
}

#[cfg(test)]
pub(super) mod tests;
