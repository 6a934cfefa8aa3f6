//! What a file is, from its name and its first bytes.

use std::path::Path;

use super::{binary, blobs, container, image};
use crate::ingest::document::CodeLanguage;
use crate::types::DocumentKind;

/// The result of [`detect`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detected {
    Known(DocumentKind),
    /// Nothing that docent reads; the reason is counted in the report.
    Skip(&'static str),
}

/// Why a file of a known format that docent does not read is passed over.
pub const UNSUPPORTED_TYPE: &str = "unsupported type";

/// Why a file of no known format is passed over.
pub const BINARY: &str = "binary";

const MARKDOWN: &[&str] = &["md", "markdown", "mdown", "mkd", "mdx", "qmd", "rmd"];

const TEXT: &[&str] = &[
    "txt",
    "text",
    "org",
    "tex",
    "ltx",
    "log",
    "textile",
    "mediawiki",
    "wiki",
    "pod",
    "man",
    "json5",
    "toml",
    "yaml",
    "yml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "env",
    "po",
    "bib",
    "diff",
    "patch",
];

/// Formats with few extensions.
const OTHERS: &[(DocumentKind, &[&str])] = &[
    (DocumentKind::Rst, &["rst", "rest"]),
    (DocumentKind::Asciidoc, &["adoc", "asciidoc", "asc"]),
    (DocumentKind::Html, &["html", "htm", "xhtml", "xht", "mhtml", "mht"]),
    (DocumentKind::Pdf, &["pdf"]),
    (DocumentKind::Docx, &["docx", "docm", "dotx", "dotm"]),
    (DocumentKind::Pptx, &["pptx", "pptm", "ppsx", "ppsm", "potx", "potm"]),
    (DocumentKind::Odt, &["odt", "ott", "fodt"]),
    (DocumentKind::Odp, &["odp", "otp", "fodp"]),
    (DocumentKind::Rtf, &["rtf"]),
    (DocumentKind::Spreadsheet, &["xlsx", "xlsm", "xltx", "xltm", "xlsb", "xls", "ods", "ots"]),
    (DocumentKind::Csv, &["csv", "tsv", "tab"]),
    (DocumentKind::Json, &["json", "jsonc", "jsonl", "ndjson"]),
    (DocumentKind::Notebook, &["ipynb"]),
    (DocumentKind::Epub, &["epub"]),
    (DocumentKind::Email, &["eml", "mbox", "msg", "oft"]),
    (
        DocumentKind::Xml,
        &["xml", "xsd", "fb2", "docbook", "dbk", "nxml", "tei", "opml", "dita", "ditamap"],
    ),
    (DocumentKind::Subtitles, &["vtt", "srt"]),
    (DocumentKind::Calendar, &["ics", "ical", "vcs"]),
    (DocumentKind::Contacts, &["vcf", "vcard"]),
    (DocumentKind::Image, &["png", "jpg", "jpeg", "tif", "tiff", "webp", "gif", "bmp", "dib"]),
];

const CODE: &[&str] = &[
    "rs", "py", "pyi", "pyw", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "java",
    "c", "h", "cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "inl", "ipp", "cs", "fs",
    "fsx", "vb", "rb", "erb", "rake", "php", "swift", "kt", "kts", "scala", "sc", "groovy",
    "gradle", "dart", "sh", "bash", "zsh", "fish", "ps1", "psm1", "bat", "cmd", "sql", "lua", "pl",
    "pm", "r", "jl", "hs", "lhs", "ml", "mli", "ex", "exs", "erl", "hrl", "clj", "cljs", "cljc",
    "edn", "el", "lisp", "scm", "rkt", "zig", "nim", "v", "sv", "vhd", "vhdl", "d", "f", "f90",
    "f95", "for", "pas", "adb", "ads", "cob", "asm", "s", "m", "mm", "cu", "cuh", "glsl", "hlsl",
    "wgsl", "sol", "proto", "thrift", "graphql", "gql", "css", "scss", "sass", "less", "vue",
    "svelte", "astro", "tf", "hcl", "nix", "cmake", "mk", "bzl", "star", "tcl", "awk", "vim",
    "wat", "ld",
];

/// Known formats that are not read.
const UNSUPPORTED: &[&str] = &[
    // Pictures, except those that are read
    "ico",
    "icns",
    "avif",
    "heic",
    "psd",
    "xcf",
    "svg",
    "svgz",
    "eps",
    "ps",
    "ai",
    "raw",
    // Archives and packages
    "zip",
    "gz",
    "tgz",
    "bz2",
    "xz",
    "zst",
    "lz4",
    "7z",
    "rar",
    "tar",
    "jar",
    "war",
    "whl",
    "egg",
    "deb",
    "rpm",
    "apk",
    "dmg",
    "iso",
    "cab",
    "crate",
    "gem",
    // Fonts
    "ttf",
    "otf",
    "woff",
    "woff2",
    "eot",
    "pfb",
    "afm",
    // Sound and video
    "mp3",
    "wav",
    "flac",
    "ogg",
    "oga",
    "opus",
    "m4a",
    "aac",
    "mp4",
    "m4v",
    "mov",
    "avi",
    "mkv",
    "webm",
    "wmv",
    "flv",
    // Office formats, e-mail and books that are not read
    "doc",
    "dot",
    "odg",
    "fodg",
    "fods",
    "ppt",
    "pps",
    "pages",
    "numbers",
    "key",
    "pst",
    "mobi",
    "azw3",
    "djvu",
    // Signed and sealed messages, saved pages of Safari, data of instruments and mainframes
    "p7m",
    "p7s",
    "p7c",
    "webarchive",
    "fits",
    "fit",
    "fts",
    "ebc",
    // Compiled code, data and models
    "exe",
    "dll",
    "so",
    "dylib",
    "a",
    "lib",
    "o",
    "obj",
    "class",
    "pyc",
    "pyo",
    "wasm",
    "rlib",
    "rmeta",
    "bin",
    "dat",
    "db",
    "sqlite",
    "sqlite3",
    "parquet",
    "arrow",
    "feather",
    "npy",
    "npz",
    "pt",
    "pth",
    "onnx",
    "safetensors",
    "gguf",
    "pkl",
    "h5",
    "mo",
    "map",
];

/// Why a file that a program wrote for browsers is passed over.
pub const MINIFIED: &str = "minified";

/// Extensions of files that are minified or made to be loaded: search indexes, bundles, style sheets.
const FOR_BROWSERS: &[&str] = &["js", "mjs", "cjs", "css"];

/// Whether most of the first bytes of a file for browsers are in lines that nobody writes by hand.
fn is_minified(extension: &str, head: &[u8]) -> bool {
    const LONG_LINE: usize = 1_000;
    if !FOR_BROWSERS.contains(&extension) {
        return false;
    }
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::len);
    let long: usize = lines.filter(|length| *length >= LONG_LINE).sum();
    2 * long > head.len()
}

/// Decides from the file name and the first bytes (8 KiB are enough).
///
/// A known extension decides alone: a file whose contents contradict its name fails in extraction, with a
/// reason, instead of disappearing among the skipped files. The contents decide where the name says nothing.
pub fn detect(path: &Path, head: &[u8]) -> Detected {
    let extension = extension(path);
    let is = |list: &[&str]| list.contains(&extension.as_str());
    if let (true, Some(kind)) = (extension == "xls", container::under_old_name(path, head)) {
        Detected::Known(kind)
    } else if let Some((kind, _)) = OTHERS.iter().find(|(_, list)| is(list)) {
        Detected::Known(*kind)
    } else if is(MARKDOWN) {
        Detected::Known(DocumentKind::Markdown)
    } else if is(TEXT) {
        Detected::Known(DocumentKind::Text)
    } else if is(CODE) && is_minified(&extension, head) {
        Detected::Skip(MINIFIED)
    } else if is(CODE) {
        Detected::Known(DocumentKind::Code)
    } else if is(UNSUPPORTED) {
        let known = container::content(head).map(|(kind, ..)| kind);
        let known = known.or_else(|| container::under_old_name(path, head));
        known.map_or(Detected::Skip(UNSUPPORTED_TYPE), Detected::Known)
    } else {
        by_content(path, head)
    }
}

/// The grammar that cuts a source file; `None` for other files and other languages.
pub fn language(path: &Path) -> Option<CodeLanguage> {
    Some(match extension(path).as_str() {
        "c" | "h" => CodeLanguage::C,
        "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "cu"
        | "cuh" => CodeLanguage::Cpp,
        "go" => CodeLanguage::Go,
        "java" => CodeLanguage::Java,
        "js" | "mjs" | "cjs" | "jsx" => CodeLanguage::JavaScript,
        "py" | "pyi" | "pyw" => CodeLanguage::Python,
        "rs" => CodeLanguage::Rust,
        "ts" | "mts" | "cts" => CodeLanguage::TypeScript,
        "tsx" => CodeLanguage::Tsx,
        _ => return None,
    })
}

/// The format that the first bytes show, by the name used in messages.
pub(super) fn magic(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"%PDF-", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"PK\x05\x06", "ZIP"),
        (b"\xD0\xCF\x11\xE0", "OLE"),
        (b"\x1F\x8B", "gzip"),
        (b"\x7FELF", "ELF"),
        (b"Rar!", "RAR"),
        (b"7z\xBC\xAF", "7z"),
        (b"SQLite format 3\0", "SQLite"),
        (b"{\\rtf", "RTF"),
        (b"bplist0", "property list"),
        (b"SIMPLE  =", "FITS"),
        (b"%!PS", "PostScript"),
        (b"BZh", "bzip2"),
        (b"\xFD7zXZ\0", "xz"),
        (b"\x28\xB5\x2F\xFD", "Zstandard"),
    ];
    let other = || MAGIC.iter().find(|(bytes, _)| head.starts_with(bytes)).map(|(_, name)| *name);
    image::ImageFormat::of(head).map(image::ImageFormat::name).or_else(other)
}

fn by_content(path: &Path, head: &[u8]) -> Detected {
    if image::ImageFormat::of(head).is_some() {
        return Detected::Known(DocumentKind::Image);
    }
    if let Some(name) = magic(head) {
        return match name {
            "PDF" => Detected::Known(DocumentKind::Pdf),
            "RTF" => Detected::Known(DocumentKind::Rtf),
            _ => container::content(head)
                .map_or(Detected::Skip(UNSUPPORTED_TYPE), |(kind, ..)| Detected::Known(kind)),
        };
    }
    if binary::looks_binary(head) || binary::is_ebcdic(head) || blobs::looks_like_base64(head) {
        return Detected::Skip(BINARY);
    }
    let start: Vec<u8> =
        head.trim_ascii_start().iter().take(14).map(u8::to_ascii_lowercase).collect();
    if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        return Detected::Known(DocumentKind::Html);
    }
    if start.starts_with(b"<?xml") {
        return Detected::Known(DocumentKind::Xml);
    }
    let unmarked = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let beginnings: [(&[u8], DocumentKind); 3] = [
        (b"WEBVTT", DocumentKind::Subtitles),
        (b"BEGIN:VCALENDAR", DocumentKind::Calendar),
        (b"BEGIN:VCARD", DocumentKind::Contacts),
    ];
    if let Some((_, kind)) = beginnings.iter().find(|(begin, _)| unmarked.starts_with(begin)) {
        return Detected::Known(*kind);
    }
    if head.starts_with(b"From ") && head.windows(7).any(|window| window == b"\nFrom: ") {
        return Detected::Known(DocumentKind::Email);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    match name.as_deref() {
        Some(
            "makefile" | "gnumakefile" | "dockerfile" | "rakefile" | "gemfile" | "jenkinsfile",
        ) => Detected::Known(DocumentKind::Code),
        _ if start.starts_with(b"#!") => Detected::Known(DocumentKind::Code),
        _ => Detected::Known(DocumentKind::Text),
    }
}

/// Whether a name is that of a picture of any format.
pub(super) fn is_picture(path: &Path) -> bool {
    const PICTURES: &[&str] =
        &["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "emf", "wmf", "svg", "webp", "heic"];
    PICTURES.contains(&extension(path).as_str())
}

/// The extension in lower case; empty if there is none.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_minified_for_a_browser_is_passed_over() {
        let line = format!("var a={{{}}};", "b:1,".repeat(500));
        let licence = format!("/*!\n * MIT\n */\n{line}");
        let written = "const a = 1;\n".repeat(200);
        let one_long = format!("{written}{}", &line[..1_200]);
        for (name, head, skipped) in [
            ("searchindex.js", &line, true),
            ("a.min.css", &licence, true),
            ("bundle.mjs", &licence, true),
            ("a.js", &written, false),
            ("a.js", &one_long, false),
            ("dump.sql", &line, false),
        ] {
            let expected = if skipped {
                Detected::Skip(MINIFIED)
            } else {
                Detected::Known(DocumentKind::Code)
            };
            assert_eq!(detect(Path::new(name), head.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn names_and_contents_decide() {
        use Detected::{Known, Skip};
        let cases: &[(&str, &[u8], Detected)] = &[
            ("a.md", b"# x", Known(DocumentKind::Markdown)),
            ("A.MARKDOWN", b"", Known(DocumentKind::Markdown)),
            ("notes.rst", b"x", Known(DocumentKind::Rst)),
            ("notes.adoc", b"x", Known(DocumentKind::Asciidoc)),
            ("notes.org", b"x", Known(DocumentKind::Text)),
            ("Cargo.toml", b"[x]", Known(DocumentKind::Text)),
            ("README", b"hello", Known(DocumentKind::Text)),
            ("LICENSE", b"MIT", Known(DocumentKind::Text)),
            ("x.unknown", b"plain words", Known(DocumentKind::Text)),
            ("x.unknown", b"a\0b", Skip("binary")),
            ("x.unknown", b"\xFF\xFEa\0b\0", Known(DocumentKind::Text)),
            ("index.htm", b"", Known(DocumentKind::Html)),
            ("page", b"\n <!DOCTYPE HTML><p>", Known(DocumentKind::Html)),
            ("paper.PDF", b"not one", Known(DocumentKind::Pdf)),
            ("paper", b"%PDF-1.4\n\0", Known(DocumentKind::Pdf)),
            ("letter.docx", b"PK\x03\x04", Known(DocumentKind::Docx)),
            ("main.rs", b"fn main() {}", Known(DocumentKind::Code)),
            ("Makefile", b"all:", Known(DocumentKind::Code)),
            ("run", b"#!/bin/sh\n", Known(DocumentKind::Code)),
            ("a.md", b"a\0b", Known(DocumentKind::Markdown)),
            ("logo.png", b"", Known(DocumentKind::Image)),
            ("scan.TIF", b"II*\0", Known(DocumentKind::Image)),
            ("logo.svg", b"", Skip("unsupported type")),
            ("sheet.xlsx", b"PK\x03\x04", Known(DocumentKind::Spreadsheet)),
            ("sheet.XLS", b"\xD0\xCF\x11\xE0", Known(DocumentKind::Spreadsheet)),
            ("deck.pptx", b"PK\x03\x04", Known(DocumentKind::Pptx)),
            ("form.DOTX", b"PK\x03\x04", Known(DocumentKind::Docx)),
            ("deck.potm", b"PK\x03\x04", Known(DocumentKind::Pptx)),
            ("plan.xltx", b"PK\x03\x04", Known(DocumentKind::Spreadsheet)),
            ("letter.odt", b"PK\x03\x04", Known(DocumentKind::Odt)),
            ("deck.fodp", b"<?xml", Known(DocumentKind::Odp)),
            ("letter.rtf", b"{\\rtf1", Known(DocumentKind::Rtf)),
            ("letter", b"{\\rtf1\\ansi", Known(DocumentKind::Rtf)),
            ("letter.doc", b"{\\rtf1\\ansi", Known(DocumentKind::Rtf)),
            ("table.tsv", b"a\tb", Known(DocumentKind::Csv)),
            ("data.jsonl", b"{}", Known(DocumentKind::Json)),
            ("a.ipynb", b"{}", Known(DocumentKind::Notebook)),
            ("book.epub", b"PK\x03\x04", Known(DocumentKind::Epub)),
            ("mail.eml", b"From: a", Known(DocumentKind::Email)),
            ("inbox", b"From a Mon\nFrom: a\n", Known(DocumentKind::Email)),
            ("letter", b"From here\non\n", Known(DocumentKind::Text)),
            ("old.doc", b"\xD0\xCF\x11\xE0", Known(DocumentKind::Docx)),
            ("old.ppt", b"\xD0\xCF\x11\xE0", Skip("unsupported type")),
            ("image", b"\x89PNG\r\n", Known(DocumentKind::Image)),
            ("sound", b"RIFF\0\0\0\0WAVE", Skip("binary")),
            ("pom.xml", b"<project/>", Known(DocumentKind::Xml)),
            ("feed", b"<?xml version='1.0'?><rss/>", Known(DocumentKind::Xml)),
            ("talk.vtt", b"WEBVTT", Known(DocumentKind::Subtitles)),
            ("invite.ics", b"", Known(DocumentKind::Calendar)),
            ("invite", b"BEGIN:VCALENDAR\r\n", Known(DocumentKind::Calendar)),
            ("people", b"\xEF\xBB\xBFBEGIN:VCARD\n", Known(DocumentKind::Contacts)),
            ("captions", b"\xEF\xBB\xBFWEBVTT\n", Known(DocumentKind::Subtitles)),
            ("page.mhtml", b"MIME-Version: 1.0", Known(DocumentKind::Html)),
            ("smime.p7m", b"MIAGCSqGSIb3DQEHA6CAMIACAQAx", Skip("unsupported type")),
            ("page.webarchive", b"bplist00", Skip("unsupported type")),
            ("page.x", b"bplist00", Skip("unsupported type")),
            ("image.x", b"SIMPLE  =                    T", Skip("unsupported type")),
        ];
        for (name, head, expected) in cases {
            assert_eq!(detect(Path::new(name), head), *expected, "{name} {head:?}");
        }
    }

    #[test]
    fn no_extension_is_in_two_lists() {
        let mut lists = vec![MARKDOWN, TEXT, CODE, UNSUPPORTED];
        lists.extend(OTHERS.iter().map(|(_, list)| *list));
        let all: Vec<&str> = lists.iter().flat_map(|list| list.iter().copied()).collect();
        let distinct: std::collections::HashSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len());
    }

    #[test]
    fn languages_follow_from_extensions() {
        for (name, expected) in [
            ("a.rs", Some(CodeLanguage::Rust)),
            ("a.h", Some(CodeLanguage::C)),
            ("a.HPP", Some(CodeLanguage::Cpp)),
            ("a.jsx", Some(CodeLanguage::JavaScript)),
            ("a.tsx", Some(CodeLanguage::Tsx)),
            ("a.mts", Some(CodeLanguage::TypeScript)),
            ("a.rb", None),
            ("Makefile", None),
        ] {
            assert_eq!(language(Path::new(name)), expected, "{name}");
        }
    }
}
