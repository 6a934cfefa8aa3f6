//! The text of the parts of a message.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessagePart, MimeHeaders, PartType};

use crate::ingest::extract::encoding::{self, Decoded};
use crate::ingest::extract::{calendar, html};

/// The text of a message: its plain text, or that of its HTML page if there is no other, and the calendar
/// entries that it proposes. `recoded`: the whole mail was converted to UTF-8.
pub(super) fn body(message: &Message<'_>, recoded: bool) -> Decoded {
    let root = message.root_part();
    let is_sealed = root.is_content_type("multipart", "encrypted")
        || root.is_content_type("application", "pkcs7-mime");
    if is_sealed {
        return Decoded { text: "(encrypted)".to_owned(), ..Decoded::default() };
    }
    let mut bodies: Vec<String> = Vec::new();
    let mut warnings = Vec::new();
    let is_text =
        |part: &&MessagePart<'_>| matches!(part.body, PartType::Text(_) | PartType::Html(_));
    for part in message.text_bodies().filter(is_text) {
        let mut decoded = decoded(message, part, recoded);
        if matches!(part.body, PartType::Html(_)) {
            decoded.text = html::markdown(&decoded.text);
        }
        bodies.push(decoded.text.trim().to_owned());
        warnings.append(&mut decoded.warnings);
    }
    for part in message.attachments().filter(|part| is_calendar(part)) {
        let text = invitation(message, part, recoded);
        if !bodies.contains(&text) {
            bodies.push(text);
        }
    }
    bodies.retain(|text| !text.is_empty());
    Decoded { text: bodies.join("\n\n"), warnings }
}

/// Whether a part is an invitation, which is written into the body.
pub(super) fn is_calendar(part: &MessagePart<'_>) -> bool {
    part.is_content_type("text", "calendar") || part.is_content_type("application", "ics")
}

fn invitation(message: &Message<'_>, part: &MessagePart<'_>, recoded: bool) -> String {
    let text = decoded(message, part, recoded).text;
    // An attached file, or an invitation whose lines are folded within a character.
    if text.is_empty() || text.contains('\u{FFFD}') {
        return calendar::text(&written(message, part).unwrap_or_default());
    }
    calendar::text(text.as_bytes())
}

/// The text of a part with line feeds only. A part that names no encoding, or the wrong one, is decoded like a
/// file.
pub(super) fn decoded(message: &Message<'_>, part: &MessagePart<'_>, recoded: bool) -> Decoded {
    let text = match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.as_ref(),
        _ => "",
    };
    let is_html = matches!(part.body, PartType::Html(_));
    let named = part.content_type().is_some_and(|kind| kind.has_attribute("charset"));
    let mut decoded = match written(message, part) {
        Some(bytes) if recoded && part.encoding == Encoding::None => {
            Decoded { text: String::from_utf8_lossy(&bytes).into_owned(), ..Decoded::default() }
        }
        Some(bytes) if !named && is_html => html::decoded(&bytes),
        Some(bytes) if !named || text.contains('\u{FFFD}') => encoding::decode(&bytes, None),
        _ => Decoded { text: text.to_owned(), ..Decoded::default() },
    };
    decoded.text = decoded.text.replace("\r\n", "\n");
    decoded
}

/// The bytes of a part before they are decoded.
fn written(message: &Message<'_>, part: &MessagePart<'_>) -> Option<Vec<u8>> {
    let range = part.offset_body as usize..part.offset_end as usize;
    let raw = message.raw_message.get(range)?;
    match part.encoding {
        Encoding::None => Some(raw.to_vec()),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
    }
}
