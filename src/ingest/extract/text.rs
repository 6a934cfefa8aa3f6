//! Decoding, and the formats whose text is the file itself: Markdown, reStructuredText, `AsciiDoc`,
//! plain text, source code.

use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{ExtractError, detect};
use crate::ingest::chunk;
use crate::ingest::document::{Document, Places, Syntax};
use crate::types::Kind;

/// How much of a file the heuristics look at.
const SAMPLE: usize = 8 * 1024;

/// The decoded file as a document: line n of the text is line n of the file.
pub(super) fn document(source: &str, kind: Kind, bytes: &[u8]) -> Result<Document, ExtractError> {
    let text = read(kind, bytes)?;
    let syntax = match kind {
        Kind::Markdown => Syntax::Markdown,
        Kind::Rst => Syntax::Rst,
        Kind::Asciidoc => Syntax::Asciidoc,
        Kind::Code => detect::language(Path::new(source)).map_or(Syntax::Plain, Syntax::Code),
        _ => Syntax::Plain,
    };
    let declared = (kind == Kind::Markdown).then(|| declared_title(&text)).flatten();
    let title = declared.unwrap_or_else(|| chunk::title(&text, syntax));
    Ok(Document { title, text, syntax, places: Places::Verbatim, ..Document::default() })
}

/// The decoded file, which must be text.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Result<String, ExtractError> {
    if let Some(name) = detect::magic(bytes) {
        return Err(ExtractError::new(&format!("named as {kind}, but it is a {name} file")));
    }
    if looks_binary(&bytes[..bytes.len().min(SAMPLE)]) {
        return Err(ExtractError::new(&format!("named as {kind}, but it is binary data")));
    }
    Ok(decode(bytes, None))
}

/// The text of a file in any common encoding, without its byte order mark.
///
/// A byte order mark decides; then UTF-16 by its zero bytes; then `declared` (what the document
/// says of itself); then UTF-8 where it is valid, and Windows-1252, which never fails.
pub(super) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    let encoding = if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        encoding
    } else if let Some(encoding) = utf16_without_mark(bytes) {
        encoding
    } else if let Some(encoding) = declared {
        encoding
    } else if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    };
    encoding.decode_with_bom_removal(bytes).0.into_owned()
}

/// Whether bytes are no text in any encoding that [`decode`] knows.
pub(super) fn looks_binary(head: &[u8]) -> bool {
    if Encoding::for_bom(head).is_some() || utf16_without_mark(head).is_some() {
        return false;
    }
    let controls = head.iter().filter(|byte| is_control(**byte)).count();
    head.contains(&0) || controls * 20 > head.len()
}

/// A control character that text does not have (escape sequences and form feeds do occur).
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x08 | 0x0C | 0x1B) || byte == 0x7F
}

/// Text in a Latin script has a zero in every second byte of UTF-16, and none in the others.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    if sample.len() < 4 {
        return None;
    }
    let units = sample.len() / 2;
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > units * 4 && even * 50 <= units {
        Some(UTF_16LE)
    } else if even * 10 > units * 4 && odd * 50 <= units {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// `title:` of the front matter.
fn declared_title(text: &str) -> Option<String> {
    chunk::front_matter(text).lines().find_map(|line| {
        let value = line.strip_prefix("title")?.trim_start();
        let value = value.strip_prefix([':', '='])?.trim();
        Some(value.trim_matches(['"', '\'']).to_owned()).filter(|title| !title.is_empty())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn encodings() {
        let text = "Größe: 5 µm\r\nzweite Zeile\n";
        let (latin, _, _) = WINDOWS_1252.encode(text);
        for (name, bytes) in [
            ("utf-8", text.as_bytes().to_vec()),
            ("utf-8 with mark", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
            ("utf-16le with mark", [b"\xFF\xFE".to_vec(), utf16(text, false)].concat()),
            ("utf-16be with mark", [b"\xFE\xFF".to_vec(), utf16(text, true)].concat()),
            ("utf-16le", utf16(text, false)),
            ("utf-16be", utf16(text, true)),
            ("windows-1252", latin.to_vec()),
        ] {
            assert!(!looks_binary(&bytes), "{name}");
            assert_eq!(decode(&bytes, None), text, "{name}");
        }
    }

    #[test]
    fn a_byte_order_mark_beats_what_is_declared() {
        assert_eq!(decode("\u{FEFF}é".as_bytes(), Some(WINDOWS_1252)), "é");
        assert_eq!(decode(b"\xE9", Some(WINDOWS_1252)), "é");
    }

    #[test]
    fn binary_data_is_no_text() {
        assert!(looks_binary(b"\x7FELF\0\0\0"));
        assert!(looks_binary(&[1, 2, 3, 4, 5, 6]));
        assert!(!looks_binary(b""));
        assert!(!looks_binary(b"\x1b[31mred\x1b[0m\tx\n"));
    }

    #[test]
    fn files_that_lie_are_named() {
        let lie = |bytes: &[u8]| document("a.md", Kind::Markdown, bytes).unwrap_err().to_string();
        assert_eq!(lie(b"%PDF-1.7 ..."), "named as markdown, but it is a PDF file");
        assert_eq!(lie(b"ab\0\x01cd"), "named as markdown, but it is binary data");
    }

    #[test]
    fn titles() {
        for (text, expected) in [
            ("# One\n", "One"),
            ("text\n\n## Two ##\n", "Two"),
            ("---\ntitle: \"Given\"\n---\n# Other\n", "Given"),
            ("+++\ntitle = 'Given'\n+++\n# Other\n", "Given"),
            ("---\r\nauthor: x\r\n---\r\n# Other\r\n", "Other"),
            ("Title\n=====\n", "Title"),
            ("```\n# comment\n```\n# Real\n", "Real"),
            ("#hashtag\n", ""),
            ("---\nnot closed\n", ""),
            ("## The *`docent`* [tool](http://x)\n", "The docent tool"),
            ("", ""),
        ] {
            let document = document("a.md", Kind::Markdown, text.as_bytes()).unwrap();
            assert_eq!(document.title, expected, "{text:?}");
            assert_eq!(document.text, text);
        }
    }

    #[test]
    fn titles_of_other_markup() {
        let title = |kind, text: &str| document("a", kind, text.as_bytes()).unwrap().title;
        assert_eq!(title(Kind::Rst, "=====\nGuide\n=====\n\ntext\n"), "Guide");
        assert_eq!(title(Kind::Asciidoc, ":toc:\n\n= Guide\n\ntext\n"), "Guide");
        assert_eq!(title(Kind::Text, "# no title\n"), "");
    }

    #[test]
    fn code_knows_its_language() {
        use crate::ingest::document::Language;
        let syntax = |name: &str| document(name, Kind::Code, b"x").unwrap().syntax;
        assert_eq!(syntax("a.rs"), Syntax::Code(Language::Rust));
        assert_eq!(syntax("a.rb"), Syntax::Plain);
    }
}
