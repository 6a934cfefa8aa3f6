//! Pages that browsers saved with everything on them: MHTML (RFC 2557), a mail whose body is a page.

use std::path::Path;

use mail_parser::{HeaderName, Message, MessageParser, MimeHeaders, PartType};

use super::super::{ExtractError, html};
use super::body;
use crate::ingest::document::{Document, LocatorUnit, Syntax};
use crate::ingest::extract::parts::PartsBuilder;

pub(in crate::ingest::extract) fn is_saved_page(source: &str) -> bool {
    let extension = Path::new(source).extension().unwrap_or_default();
    ["mhtml", "mht"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The page under its address, and those in its frames, in a section each.
pub(in crate::ingest::extract) fn page(bytes: &[u8]) -> Result<Document, ExtractError> {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return html::document(bytes);
    };
    let mut parts = PartsBuilder::new(LocatorUnit::Section);
    let (mut title, mut warnings) = (String::new(), Vec::new());
    let pages = message.parts.iter().filter(|part| matches!(part.body, PartType::Html(_)));
    for (number, part) in (1..).zip(pages) {
        let decoded = body::decoded(&message, part, false);
        let (named, text) = html::titled_markdown(&decoded.text);
        let address = part.content_location().map(str::to_owned);
        let address = address.or_else(|| snapshot(&message).filter(|_| number == 1));
        let address = address.filter(|address| address.starts_with("http"));
        let head = address.map(|address| format!("URL: {address}\n\n")).unwrap_or_default();
        if title.is_empty() {
            title = named;
        }
        if !text.trim().is_empty() {
            parts.push(number, Vec::new(), &format!("{head}{text}"));
        }
        warnings.extend(decoded.warnings);
    }
    if parts.is_empty() {
        // An HTML page with the name of a saved one.
        return html::document(bytes);
    }
    Ok(Document { warnings, ..parts.finish(title, Syntax::Markdown) })
}

/// The address that Chrome saved the page from.
fn snapshot(message: &Message<'_>) -> Option<String> {
    let name = HeaderName::Other("Snapshot-Content-Location".into());
    let value = message.header(name)?.as_text()?;
    Some(value.trim().to_owned())
}
