//! The formats whose text is nearly the file itself: Markdown, reStructuredText, `AsciiDoc`, plain text, source
//! code.

pub(super) mod tables;

use std::borrow::Cow;
use std::path::Path;

use super::encoding::{Decoded, SAMPLE, decode};
use super::{ExtractError, binary, blobs, detect};
use crate::ingest::chunk;
use crate::ingest::document::{Document, LocatorUnit, SourceMap, Syntax};
use crate::types::DocumentKind;

/// The decoded file as a document: line n of the text is line n of the file. Rows of tables carry the names of
/// their columns.
pub(super) fn document(
    source: &str,
    kind: DocumentKind,
    bytes: &[u8],
) -> Result<Document, ExtractError> {
    let Decoded { mut text, warnings } = read(kind, bytes)?;
    if kind != DocumentKind::Code
        && let Cow::Owned(rest) = blobs::without_blobs(&text)
    {
        text = rest;
    }
    let syntax = match kind {
        DocumentKind::Markdown => Syntax::Markdown,
        DocumentKind::Rst => Syntax::Rst,
        DocumentKind::Asciidoc => Syntax::Asciidoc,
        DocumentKind::Code => {
            detect::language(Path::new(source)).map_or(Syntax::Plain, Syntax::Code)
        }
        _ => Syntax::Plain,
    };
    let mut places = SourceMap::Verbatim;
    if let (Cow::Owned(named), long) = tables::named_rows(&text, syntax) {
        if !long.is_empty() {
            places = SourceMap::Marked(LocatorUnit::Line, tables::marks(&named, &long));
        }
        text = named;
    }
    let declared = (kind == DocumentKind::Markdown).then(|| declared_title(&text)).flatten();
    let title = declared.unwrap_or_else(|| chunk::title(&text, syntax));
    Ok(Document { title, text, syntax, places, warnings, ..Document::default() })
}

/// The decoded file, which must be text.
pub(super) fn read(kind: DocumentKind, bytes: &[u8]) -> Result<Decoded, ExtractError> {
    let head = &bytes[..bytes.len().min(SAMPLE)];
    if let Some(error) = ExtractError::disguised(&kind.to_string(), bytes) {
        return Err(error);
    }
    let reason;
    let it = if binary::is_ebcdic(head) {
        "EBCDIC text: make it UTF-8 with `iconv -f CP037 -t UTF-8`"
    } else if let Some(what) = binary::reason(bytes) {
        reason = what;
        reason.as_str()
    } else if kind != DocumentKind::Code && blobs::looks_like_base64(head) {
        "base64: decode it first"
    } else {
        return Ok(decode(bytes, None));
    };
    Err(ExtractError::new(&format!("named as {kind}, but it is {it}")))
}

/// The `title:` of the front matter.
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

    #[test]
    fn files_that_lie_are_named() {
        let lie =
            |bytes: &[u8]| document("a.md", DocumentKind::Markdown, bytes).unwrap_err().to_string();
        assert_eq!(lie(b"%PDF-1.7 ..."), "named as markdown, but it is a PDF file: name it .pdf");
        let binary = lie(b"ab\0\x01cd");
        assert!(binary.starts_with(
            "named as markdown, but it is binary data (zero bytes, the first at offset 2"
        ));
        assert_eq!(lie(b"bplist00\xD1\x01"), "named as markdown, but it is a property list file");
        let base64 = "TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsuIE1hbnkgaGFuZHMgbWFrZSBsaWdodCB3b3JrLiBNYW55IG5h\n";
        let reason = lie(base64.repeat(10).as_bytes());
        assert_eq!(reason, "named as markdown, but it is base64: decode it first");
    }

    #[test]
    fn a_file_says_how_it_was_decoded() {
        let text = document("a.txt", DocumentKind::Text, "Größe".as_bytes()).unwrap();
        assert!(text.warnings.is_empty());
        let text = document("a.txt", DocumentKind::Text, b"Gr\xC3\xB6\xC3\x9Fe \xFF").unwrap();
        assert_eq!((text.text.as_str(), text.warnings.len()), ("Größe \u{FFFD}", 1));
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
            let document = document("a.md", DocumentKind::Markdown, text.as_bytes()).unwrap();
            assert_eq!(document.title, expected, "{text:?}");
            assert_eq!(document.text, text);
        }
    }

    #[test]
    fn titles_of_other_markup() {
        let title = |kind, text: &str| document("a", kind, text.as_bytes()).unwrap().title;
        assert_eq!(title(DocumentKind::Rst, "=====\nGuide\n=====\n\ntext\n"), "Guide");
        assert_eq!(title(DocumentKind::Asciidoc, ":toc:\n\n= Guide\n\ntext\n"), "Guide");
        assert_eq!(title(DocumentKind::Text, "# no title\n"), "");
    }

    #[test]
    fn code_knows_its_language() {
        use crate::ingest::document::CodeLanguage;
        let syntax = |name: &str| document(name, DocumentKind::Code, b"x").unwrap().syntax;
        assert_eq!(syntax("a.rs"), Syntax::Code(CodeLanguage::Rust));
        assert_eq!(syntax("a.rb"), Syntax::Plain);
    }
}
