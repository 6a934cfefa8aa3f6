//! Which document is in a container (a ZIP archive or a compound file), as far as its first bytes show.

use std::path::Path;

use memchr::memmem;

use super::{binary, blobs, detect};
use crate::types::DocumentKind;

/// What a file is: its kind, the name used in messages, and its usual extension.
pub(super) type ContainerContent = (DocumentKind, &'static str, &'static str);

/// The document in a container. A plain archive is not one.
pub(super) fn content(head: &[u8]) -> Option<ContainerContent> {
    match detect::magic(head)? {
        "ZIP" => packed(head),
        "OLE" => compound(head),
        _ => None,
    }
}

/// The name of a format in messages; for a container, that of the document in it.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    content(bytes).map(|(_, name, _)| name).or_else(|| detect::magic(bytes))
}

/// What to do about a file whose name is wrong: a parser is chosen by the name.
pub(super) fn rename(bytes: &[u8]) -> Option<String> {
    let extension = match content(bytes) {
        Some((.., extension)) => extension,
        None => match detect::magic(bytes)? {
            "PDF" => "pdf",
            "RTF" => "rtf",
            _ => return None,
        },
    };
    Some(format!("name it .{extension}"))
}

/// `OpenDocument` and EPUB declare their type in their first part.
const TYPES: &[(&[u8], ContainerContent)] = &[
    (b"application/epub+zip", (DocumentKind::Epub, "EPUB", "epub")),
    (b"application/vnd.oasis.opendocument.text", (DocumentKind::Odt, "ODT", "odt")),
    (b"application/vnd.oasis.opendocument.presentation", (DocumentKind::Odp, "ODP", "odp")),
    (b"application/vnd.oasis.opendocument.spreadsheet", (DocumentKind::Spreadsheet, "ODS", "ods")),
];

/// Folders of Office packages.
const FOLDERS: &[(&str, ContainerContent)] = &[
    ("word/", (DocumentKind::Docx, "DOCX", "docx")),
    ("ppt/", (DocumentKind::Pptx, "PPTX", "pptx")),
    ("xl/", (DocumentKind::Spreadsheet, "XLSX", "xlsx")),
];

fn packed(head: &[u8]) -> Option<ContainerContent> {
    /// Length of a local file header (APPNOTE 4.3.7), up to the name.
    const HEADER: usize = 30;
    let short =
        |at: usize| Some(usize::from(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?])));
    let mut names = Vec::new();
    for at in memmem::find_iter(head, b"PK\x03\x04") {
        let Some((length, extra)) = short(at + 26).zip(short(at + 28)) else { break };
        let end = at + HEADER + length;
        let Some(name) = head.get(at + HEADER..end) else { break };
        if name == b"mimetype" {
            let value = head.get(end + extra..).unwrap_or_default();
            let found = TYPES.iter().find(|(name, _)| value.starts_with(name));
            return found.map(|(_, content)| *content);
        }
        names.push(String::from_utf8_lossy(name).into_owned());
    }
    // Every Office package has these at its top level.
    let is_of_package = |name: &String| {
        name == "[Content_Types].xml" || name.starts_with("_rels/") || name.starts_with("docProps/")
    };
    if !names.iter().any(is_of_package) {
        return None;
    }
    let in_folder =
        |(folder, _): &&(&str, ContainerContent)| names.iter().any(|name| name.starts_with(folder));
    FOLDERS.iter().find(in_folder).map(|(_, content)| *content)
}

/// Streams of a compound file that show what it is. Messages may contain the streams of later rows, too.
const STREAMS: &[(&str, ContainerContent)] = &[
    ("__properties_version1.0", (DocumentKind::Email, "MSG", "msg")),
    ("WordDocument", (DocumentKind::Docx, "DOC", "doc")),
    ("Workbook", (DocumentKind::Spreadsheet, "XLS", "xls")),
];

/// Looks for known streams. The directory of a compound file often comes after its streams, so `head` may not
/// have it.
fn compound(head: &[u8]) -> Option<ContainerContent> {
    let holds = |(name, _): &&(&str, ContainerContent)| memmem::find(head, &utf16(name)).is_some();
    STREAMS.iter().find(holds).map(|(_, content)| *content)
}

/// A name as it is in the directory of a compound file.
pub(super) fn utf16(name: &str) -> Vec<u8> {
    name.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The kind of a file that has the extension of Word's or Excel's binary formats but is in another format:
/// programs write web pages, mails and other documents under these names.
pub(super) fn under_old_name(path: &Path, head: &[u8]) -> Option<DocumentKind> {
    let extension = detect::extension(path);
    if !matches!(extension.as_str(), "doc" | "dot" | "xls" | "ppt" | "pps") {
        return None;
    }
    match detect::magic(head) {
        Some("RTF") => return Some(DocumentKind::Rtf),
        // A Word document whose directory is not in the head.
        Some("OLE") if matches!(extension.as_str(), "doc" | "dot") => {
            return Some(DocumentKind::Docx);
        }
        _ => {}
    }
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let is_text = || {
        matches!(extension.as_str(), "doc" | "dot")
            && detect::magic(head).is_none()
            && !start.is_empty()
            && !binary::looks_binary(head)
            && !binary::is_ebcdic(head)
            && !blobs::looks_like_base64(head)
    };
    let begins =
        |with: &[u8]| start.get(..with.len()).is_some_and(|found| found.eq_ignore_ascii_case(with));
    if begins(b"<html") || begins(b"<!doctype html") || is_saved_page(head) {
        Some(DocumentKind::Html)
    } else {
        begins(b"<?xml")
            .then_some(DocumentKind::Xml)
            .or_else(|| is_text().then_some(DocumentKind::Text))
    }
}

/// Whether a file starts as a web page that a program saved with everything on it.
pub(super) fn is_saved_page(head: &[u8]) -> bool {
    let head = &head[..head.len().min(2048)];
    let has = |words: &[u8]| memmem::find(&head.to_ascii_lowercase(), words).is_some();
    let is_markup = head.trim_ascii_start().starts_with(b"<");
    !is_markup && has(b"mime-version:") && has(b"multipart/related")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::ingest::extract::package::tests::package;

    #[test]
    fn a_package_is_known_by_its_parts() {
        let office = |folder: &str| {
            package(&[("[Content_Types].xml", "<Types/>"), (&format!("{folder}x.xml"), "<x/>")])
        };
        let typed = |kind: &str| package(&[("mimetype", kind), ("content.xml", "<x/>")]);
        for (bytes, expected) in [
            (office("word/"), Some("docx")),
            (office("ppt/"), Some("pptx")),
            (office("xl/"), Some("xlsx")),
            (office("Index/"), None),
            (package(&[("word/document.xml", "<x/>")]), None),
            (package(&[("report/word/document.xml", ""), ("report/_rels/.rels", "")]), None),
            (b"PK\x03\x04".to_vec(), None),
            (b"%PDF-1.4".to_vec(), None),
        ] {
            assert_eq!(content(&bytes).map(|(.., extension)| extension), expected);
        }
        // These are deflated, though they should be stored.
        assert_eq!(content(&typed("application/epub+zip")), None);
        let stored = |kind: &str| {
            let header = [b"PK\x03\x04".to_vec(), vec![0; 22], vec![8, 0, 0, 0]].concat();
            [header, b"mimetype".to_vec(), kind.as_bytes().to_vec()].concat()
        };
        for (kind, expected) in [
            ("application/epub+zip", Some("epub")),
            ("application/vnd.oasis.opendocument.text-template", Some("odt")),
            ("application/vnd.oasis.opendocument.graphics", None),
        ] {
            assert_eq!(content(&stored(kind)).map(|(.., extension)| extension), expected);
        }
    }

    #[test]
    fn pages_and_texts_go_under_old_names() {
        for (name, head, expected) in [
            ("a.doc", &b"\xEF\xBB\xBF<html xmlns:o='x'>"[..], Some(DocumentKind::Html)),
            ("a.xls", b"<HTML><table>", Some(DocumentKind::Html)),
            (
                "a.doc",
                b"Date: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;",
                Some(DocumentKind::Html),
            ),
            ("a.xls", b"<?xml version=\"1.0\"?><Workbook/>", Some(DocumentKind::Xml)),
            ("a.dot", b"{\\rtf1", Some(DocumentKind::Rtf)),
            ("a.doc", b"\xD0\xCF\x11\xE0", Some(DocumentKind::Docx)),
            ("a.doc", b"plain words\n", Some(DocumentKind::Text)),
            ("a.doc", b"\xDB\xA5\x2D\0\0\0\0\0", None),
            ("a.ppt", b"\xD0\xCF\x11\xE0", None),
            ("a.docx", b"<html>", None),
        ] {
            assert_eq!(under_old_name(Path::new(name), head), expected, "{name}");
        }
    }
}
