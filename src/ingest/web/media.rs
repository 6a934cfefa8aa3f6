//! Maps the type that a server reports to the extension under which a page is stored. Extraction decides by
//! extension, as for files.

use encoding_rs::Encoding;
use url::Url;

use crate::ingest::extract::{Detected, detect};
use crate::types::DocumentKind;

/// The content of a `Content-Type` header.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Media {
    /// `text/html`, in lower case; empty if the header has no type.
    pub(super) essence: String,
    pub(super) charset: Option<&'static Encoding>,
}

/// Types that are more specific than the extension of the page.
const BY_TYPE: &[(&str, &str)] = &[
    ("text/html", "html"),
    ("application/xhtml+xml", "xhtml"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
    ("application/pdf", "pdf"),
    ("application/x-pdf", "pdf"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/epub+zip", "epub"),
    ("application/x-ipynb+json", "ipynb"),
    ("application/json", "json"),
    ("application/jsonl", "jsonl"),
    ("application/x-ndjson", "ndjson"),
    ("application/xml", "xml"),
    ("text/xml", "xml"),
    ("application/yaml", "yaml"),
    ("application/toml", "toml"),
    ("text/csv", "csv"),
    ("text/tab-separated-values", "tsv"),
    ("text/x-rst", "rst"),
    ("text/asciidoc", "adoc"),
    ("message/rfc822", "eml"),
    ("application/mbox", "mbox"),
];

/// Types that carry no information.
const VAGUE: &[&str] = &["", "application/octet-stream", "binary/octet-stream"];

impl Media {
    pub(super) fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|parameter| {
            let (name, label) = parameter.split_once('=')?;
            let label = label.trim().trim_matches(['"', '\'']);
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| Encoding::for_label(label.as_bytes()))?
        });
        Self { essence, charset }
    }

    pub(super) fn is_html(&self) -> bool {
        matches!(self.essence.as_str(), "text/html" | "application/xhtml+xml")
    }

    /// Whether the page may be a sitemap.
    pub(super) fn is_xml(&self, page: &Url) -> bool {
        let xml = self.essence.ends_with("/xml") || self.essence.ends_with("+xml");
        let named = extension_of(page) == "xml" || page.path().ends_with(".xml.gz");
        !self.is_html() && (xml || named)
    }

    /// The extension that tells extraction what the page is (empty: its content decides), or why it is not
    /// read.
    pub(super) fn extension(&self, page: &Url) -> Result<String, &'static str> {
        let named = extension_of(page);
        let extension = match BY_TYPE.iter().find(|(known, _)| *known == self.essence) {
            Some((_, extension)) => (*extension).to_owned(),
            None if VAGUE.contains(&self.essence.as_str()) => named,
            // Perhaps a page in its source form: Markdown, or a program.
            None if self.essence.starts_with("text/") => match kind_of(&named) {
                Detected::Known(DocumentKind::Html | DocumentKind::Pdf | DocumentKind::Docx) => {
                    "txt".to_owned()
                }
                Detected::Known(_) if !named.is_empty() => named,
                _ => "txt".to_owned(),
            },
            None if self.essence.starts_with("application/") && !named.is_empty() => named,
            None => return Err("unsupported type"),
        };
        match kind_of(&extension) {
            Detected::Known(_) => Ok(extension),
            Detected::Skip(reason) => Err(reason),
        }
    }
}

fn kind_of(extension: &str) -> Detected {
    detect(format!("page.{extension}").as_ref(), b"")
}

/// The extension of the last part of the path; empty if there is none.
fn extension_of(page: &Url) -> String {
    let name = page.path().rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let plain = |text: &String| text.len() <= 10 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    extension.filter(plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn headers() {
        for (header, essence, charset) in [
            ("text/html", "text/html", None),
            ("Text/HTML; Charset=\"ISO-8859-1\"", "text/html", Some("windows-1252")),
            ("text/plain;format=flowed; charset=Shift_JIS", "text/plain", Some("Shift_JIS")),
            ("text/plain; charset=klingon", "text/plain", None),
            ("", "", None),
        ] {
            let media = Media::parse(header);
            assert_eq!(media.essence, essence, "{header}");
            assert_eq!(media.charset.map(Encoding::name), charset, "{header}");
        }
    }

    #[test]
    fn types_and_names_to_extensions() {
        let unsupported = Err("unsupported type");
        for (header, path, expected) in [
            ("text/html", "/guide", Ok("html")),
            ("text/html", "/report.pdf", Ok("html")),
            ("application/pdf", "/download?id=7", Ok("pdf")),
            ("text/markdown", "/README", Ok("md")),
            ("text/plain", "/README.md", Ok("md")),
            ("text/plain", "/main.rs", Ok("rs")),
            ("text/x-python", "/tool.py", Ok("py")),
            ("text/plain", "/page.html", Ok("txt")),
            ("text/plain", "/LICENSE", Ok("txt")),
            ("text/plain", "/archive.zip", Ok("txt")),
            ("application/octet-stream", "/paper.PDF", Ok("pdf")),
            ("application/octet-stream", "/thing", Ok("")),
            ("", "/notes.txt", Ok("txt")),
            ("", "/", Ok("")),
            ("application/x-tex", "/paper.tex", Ok("tex")),
            ("image/png", "/logo.md", unsupported),
            ("video/mp4", "/", unsupported),
            ("application/zip", "/all.zip", unsupported),
            ("application/octet-stream", "/all.zip", unsupported),
            ("application/wasm", "/", unsupported),
        ] {
            let page = Url::parse(&format!("https://h.example{path}")).unwrap();
            let found = Media::parse(header).extension(&page);
            assert_eq!(found, expected.map(str::to_owned), "{header} {path}");
        }
        let page = Url::parse("https://h.example/letter").unwrap();
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(Media::parse(docx).extension(&page), Ok("docx".to_owned()));
    }

    #[test]
    fn what_may_be_a_sitemap() {
        for (header, path, expected) in [
            ("application/xml", "/", true),
            ("text/xml; charset=utf-8", "/list", true),
            ("application/octet-stream", "/sitemap.xml", true),
            ("application/gzip", "/sitemap.xml.gz", true),
            ("text/html", "/sitemap.xml", false),
            ("application/xhtml+xml", "/", false),
            ("text/plain", "/a.txt", false),
        ] {
            let page = Url::parse(&format!("https://h.example{path}")).unwrap();
            assert_eq!(Media::parse(header).is_xml(&page), expected, "{header} {path}");
        }
    }
}
