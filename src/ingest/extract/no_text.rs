//! Why a document has no text, if that can be found out: what it contains instead.

use std::path::Path;

use memchr::memmem;

use super::detect;
use super::package::ZipPackage;
use crate::types::{DocumentKind, ReadingWarning, WarningCode, ranges};

/// The reason why no text was found in a document, if it is known.
pub(super) fn warning(kind: DocumentKind, bytes: &[u8]) -> Option<ReadingWarning> {
    let (code, message) = match kind {
        DocumentKind::Docx
        | DocumentKind::Pptx
        | DocumentKind::Odt
        | DocumentKind::Odp
        | DocumentKind::Spreadsheet
        | DocumentKind::Epub => of_package(kind, &mut ZipPackage::of(bytes)?)?,
        DocumentKind::Html if has_scripts(bytes) => {
            let message = "a script builds the page: open it in a browser and save it from there";
            (WarningCode::PicturesNotRead, message.to_owned())
        }
        _ => return None,
    };
    Some(ReadingWarning { code, message, pages: Vec::new() })
}

fn of_package(kind: DocumentKind, package: &mut ZipPackage<'_>) -> Option<(WarningCode, String)> {
    let names: Vec<String> = package.names().collect();
    if let Some(part) = names.iter().find(|name| is_main(kind, name))
        && let Ok(Some(text)) = package.part(part)
        && ["</w:t>", "</w:delText>", "</text:p>", "</text:span>"]
            .iter()
            .any(|end| has_letters_before(&text, end))
    {
        let message = "all of its text is hidden, deleted or a placeholder, and is left out";
        return Some((WarningCode::HiddenContent, message.to_owned()));
    }
    let pictures = names.iter().filter(|name| is_picture(name)).count();
    let files = names.iter().filter(|name| name.contains("/embeddings/")).count();
    let in_margin = names.iter().filter(|name| is_margin(name)).any(|name| {
        let part = package.part(name).ok().flatten().unwrap_or_default();
        has_letters_before(&part, "</w:t>")
    });
    let count = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    if files > 0 {
        let files = count(files, "other file");
        let message = format!("contains {files}, not read: open it, and save each on its own");
        return Some((WarningCode::AttachmentsNotRead, message));
    }
    if pictures > 0 {
        let pictures = count(pictures, "picture");
        let message = format!("contains only {pictures}: {AS_PDF}");
        return Some((WarningCode::PicturesNotRead, message));
    }
    let message = "only its header or footer has text, and these are left out";
    in_margin.then(|| (WarningCode::HiddenContent, message.to_owned()))
}

/// What to do about pages that are pictures, in formats whose pages are not drawn.
pub(super) const AS_PDF: &str = "save the file as PDF, where pictures are read";

/// Warns about slides that are only pictures, by number.
pub(super) fn slides(numbers: &[u32]) -> Option<ReadingWarning> {
    let message = match numbers {
        [] => return None,
        [number] => format!("slide {number} is a picture, and is not read: {AS_PDF}"),
        _ => format!("slides {} are pictures, and are not read: {AS_PDF}", ranges(numbers)),
    };
    Some(ReadingWarning { code: WarningCode::PicturesNotRead, message, pages: Vec::new() })
}

fn is_main(kind: DocumentKind, name: &str) -> bool {
    match kind {
        DocumentKind::Docx => name.starts_with("word/document"),
        DocumentKind::Odt => name == "content.xml",
        _ => false,
    }
}

/// The parts of headers and footers.
fn is_margin(name: &str) -> bool {
    name.starts_with("word/header") || name.starts_with("word/footer")
}

fn is_picture(name: &str) -> bool {
    // A small picture of the first page, for file listings.
    let is_preview = name.to_ascii_lowercase().contains("thumbnail");
    !is_preview && detect::is_picture(Path::new(name))
}

/// Whether a letter or digit precedes one of the end tags.
fn has_letters_before(text: &str, end: &str) -> bool {
    memmem::find_iter(text.as_bytes(), end).any(|at| {
        let before = text[..at].rsplit('>').next().unwrap_or_default();
        before.chars().any(char::is_alphanumeric)
    })
}

fn has_scripts(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1 << 20)];
    memmem::find(&head.to_ascii_lowercase(), b"<script").is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::ingest::extract::package::tests::package;

    #[test]
    fn a_document_without_text_is_reported_with_what_it_contains() {
        let office = |body: &str, others: &[&str]| {
            let document = format!("<w:document><w:body>{body}</w:body></w:document>");
            let mut parts = vec![("word/document.xml", document.as_str())];
            let header = "<w:hdr><w:p><w:r><w:t>Draft</w:t></w:r></w:p></w:hdr>";
            parts.extend(others.iter().map(|name| (*name, header)));
            package(&parts)
        };
        let deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>";
        let blank = "<w:p><w:r><w:t xml:space=\"preserve\"> </w:t></w:r></w:p>";
        for (kind, bytes, expected) in [
            (DocumentKind::Docx, office("<w:p/>", &[]), None),
            (DocumentKind::Docx, office(blank, &["docProps/thumbnail.jpeg"]), None),
            (
                DocumentKind::Docx,
                office(deleted, &["word/media/a.png"]),
                Some("all of its text is hidden"),
            ),
            (
                DocumentKind::Docx,
                office("<w:p/>", &["word/media/a.png", "word/header1.xml"]),
                Some("contains only 1 picture: save the file as PDF"),
            ),
            (
                DocumentKind::Docx,
                office("", &["word/header1.xml"]),
                Some("only its header or footer"),
            ),
            (
                DocumentKind::Docx,
                office("", &["word/embeddings/a.bin"]),
                Some("contains 1 other file, not read"),
            ),
            (
                DocumentKind::Html,
                b"<SCRIPT src=a></SCRIPT>".to_vec(),
                Some("a script builds the page"),
            ),
            (DocumentKind::Html, b"<p>".to_vec(), None),
            (DocumentKind::Docx, b"PK\x03\x04".to_vec(), None),
            (DocumentKind::Csv, b"a".to_vec(), None),
        ] {
            let said = warning(kind, &bytes).map(|warning| warning.message);
            let starts =
                said.as_deref().zip(expected).is_some_and(|(it, with)| it.starts_with(with));
            assert!(starts || (said.is_none() && expected.is_none()), "{said:?} {expected:?}");
        }
    }
}
