//! What a file is, from its name and its first bytes.

use std::path::Path;

use super::{binary, blobs, container, image};
use crate::ingest::document::Language;
use crate::types::Kind;

/// The result of [`detect`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detected {
    Known(Kind),
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
const OTHERS: &[(Kind, &[&str])] = &[
    (Kind::Rst, &["rst", "rest"]),
    (Kind::Asciidoc, &["adoc", "asciidoc", "asc"]),
    (Kind::Html, &["html", "htm", "xhtml", "xht", "mhtml", "mht"]),
    (Kind::Pdf, &["pdf"]),
    (Kind::Docx, &["docx", "docm", "dotx", "dotm"]),
    (Kind::Pptx, &["pptx", "pptm", "ppsx", "ppsm", "potx", "potm"]),
    (Kind::Odt, &["odt", "ott", "fodt"]),
    (Kind::Odp, &["odp", "otp", "fodp"]),
    (Kind::Rtf, &["rtf"]),
    (Kind::Spreadsheet, &["xlsx", "xlsm", "xltx", "xltm", "xlsb", "xls", "ods", "ots"]),
    (Kind::Csv, &["csv", "tsv", "tab"]),
    (Kind::Json, &["json", "jsonc", "jsonl", "ndjson"]),
    (Kind::Notebook, &["ipynb"]),
    (Kind::Epub, &["epub"]),
    (Kind::Email, &["eml", "mbox", "msg", "oft"]),
    (Kind::Xml, &["xml", "xsd", "fb2", "docbook", "dbk", "nxml", "tei", "opml", "dita", "ditamap"]),
    (Kind::Subtitles, &["vtt", "srt"]),
    (Kind::Calendar, &["ics", "ical", "vcs"]),
    (Kind::Contacts, &["vcf", "vcard"]),
    (Kind::Image, &["png", "jpg", "jpeg", "tif", "tiff", "webp", "gif", "bmp", "dib"]),
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
        Detected::Known(Kind::Markdown)
    } else if is(TEXT) {
        Detected::Known(Kind::Text)
    } else if is(CODE) && is_minified(&extension, head) {
        Detected::Skip(MINIFIED)
    } else if is(CODE) {
        Detected::Known(Kind::Code)
    } else if is(UNSUPPORTED) {
        let known = container::content(head).map(|(kind, ..)| kind);
        let known = known.or_else(|| container::under_old_name(path, head));
        known.map_or(Detected::Skip(UNSUPPORTED_TYPE), Detected::Known)
    } else {
        by_content(path, head)
    }
}

/// The grammar that cuts a source file; `None` for other files and other languages.
pub fn language(path: &Path) -> Option<Language> {
    Some(match extension(path).as_str() {
        "c" | "h" => Language::C,
        "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "inl" | "ipp" | "cu"
        | "cuh" => Language::Cpp,
        "go" => Language::Go,
        "java" => Language::Java,
        "js" | "mjs" | "cjs" | "jsx" => Language::JavaScript,
        "py" | "pyi" | "pyw" => Language::Python,
        "rs" => Language::Rust,
        "ts" | "mts" | "cts" => Language::TypeScript,
        "tsx" => Language::Tsx,
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
    image::Format::of(head).map(image::Format::name).or_else(other)
}

fn by_content(path: &Path, head: &[u8]) -> Detected {
    if image::Format::of(head).is_some() {
        return Detected::Known(Kind::Image);
    }
    if let Some(name) = magic(head) {
        return match name {
            "PDF" => Detected::Known(Kind::Pdf),
            "RTF" => Detected::Known(Kind::Rtf),
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
        return Detected::Known(Kind::Html);
    }
    if start.starts_with(b"<?xml") {
        return Detected::Known(Kind::Xml);
    }
    let unmarked = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let beginnings: [(&[u8], Kind); 3] = [
        (b"WEBVTT", Kind::Subtitles),
        (b"BEGIN:VCALENDAR", Kind::Calendar),
        (b"BEGIN:VCARD", Kind::Contacts),
    ];
    if let Some((_, kind)) = beginnings.iter().find(|(begin, _)| unmarked.starts_with(begin)) {
        return Detected::Known(*kind);
    }
    if head.starts_with(b"From ") && head.windows(7).any(|window| window == b"\nFrom: ") {
        return Detected::Known(Kind::Email);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    match name.as_deref() {
        Some(
            "makefile" | "gnumakefile" | "dockerfile" | "rakefile" | "gemfile" | "jenkinsfile",
        ) => Detected::Known(Kind::Code),
        _ if start.starts_with(b"#!") => Detected::Known(Kind::Code),
        _ => Detected::Known(Kind::Text),
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
            let expected =
                if skipped { Detected::Skip(MINIFIED) } else { Detected::Known(Kind::Code) };
            assert_eq!(detect(Path::new(name), head.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn names_and_contents_decide() {
        use Detected::{Known, Skip};
        let cases: &[(&str, &[u8], Detected)] = &[
            ("a.md", b"# x", Known(Kind::Markdown)),
            ("A.MARKDOWN", b"", Known(Kind::Markdown)),
            ("notes.rst", b"x", Known(Kind::Rst)),
            ("notes.adoc", b"x", Known(Kind::Asciidoc)),
            ("notes.org", b"x", Known(Kind::Text)),
            ("Cargo.toml", b"[x]", Known(Kind::Text)),
            ("README", b"hello", Known(Kind::Text)),
            ("LICENSE", b"MIT", Known(Kind::Text)),
            ("x.unknown", b"plain words", Known(Kind::Text)),
            ("x.unknown", b"a\0b", Skip("binary")),
            ("x.unknown", b"\xFF\xFEa\0b\0", Known(Kind::Text)),
            ("index.htm", b"", Known(Kind::Html)),
            ("page", b"\n <!DOCTYPE HTML><p>", Known(Kind::Html)),
            ("paper.PDF", b"not one", Known(Kind::Pdf)),
            ("paper", b"%PDF-1.4\n\0", Known(Kind::Pdf)),
            ("letter.docx", b"PK\x03\x04", Known(Kind::Docx)),
            ("main.rs", b"fn main() {}", Known(Kind::Code)),
            ("Makefile", b"all:", Known(Kind::Code)),
            ("run", b"#!/bin/sh\n", Known(Kind::Code)),
            ("a.md", b"a\0b", Known(Kind::Markdown)),
            ("logo.png", b"", Known(Kind::Image)),
            ("scan.TIF", b"II*\0", Known(Kind::Image)),
            ("logo.svg", b"", Skip("unsupported type")),
            ("sheet.xlsx", b"PK\x03\x04", Known(Kind::Spreadsheet)),
            ("sheet.XLS", b"\xD0\xCF\x11\xE0", Known(Kind::Spreadsheet)),
            ("deck.pptx", b"PK\x03\x04", Known(Kind::Pptx)),
            ("form.DOTX", b"PK\x03\x04", Known(Kind::Docx)),
            ("deck.potm", b"PK\x03\x04", Known(Kind::Pptx)),
            ("plan.xltx", b"PK\x03\x04", Known(Kind::Spreadsheet)),
            ("letter.odt", b"PK\x03\x04", Known(Kind::Odt)),
            ("deck.fodp", b"<?xml", Known(Kind::Odp)),
            ("letter.rtf", b"{\\rtf1", Known(Kind::Rtf)),
            ("letter", b"{\\rtf1\\ansi", Known(Kind::Rtf)),
            ("letter.doc", b"{\\rtf1\\ansi", Known(Kind::Rtf)),
            ("table.tsv", b"a\tb", Known(Kind::Csv)),
            ("data.jsonl", b"{}", Known(Kind::Json)),
            ("a.ipynb", b"{}", Known(Kind::Notebook)),
            ("book.epub", b"PK\x03\x04", Known(Kind::Epub)),
            ("mail.eml", b"From: a", Known(Kind::Email)),
            ("inbox", b"From a Mon\nFrom: a\n", Known(Kind::Email)),
            ("letter", b"From here\non\n", Known(Kind::Text)),
            ("old.doc", b"\xD0\xCF\x11\xE0", Known(Kind::Docx)),
            ("old.ppt", b"\xD0\xCF\x11\xE0", Skip("unsupported type")),
            ("image", b"\x89PNG\r\n", Known(Kind::Image)),
            ("sound", b"RIFF\0\0\0\0WAVE", Skip("binary")),
            ("pom.xml", b"<project/>", Known(Kind::Xml)),
            ("feed", b"<?xml version='1.0'?><rss/>", Known(Kind::Xml)),
            ("talk.vtt", b"WEBVTT", Known(Kind::Subtitles)),
            ("invite.ics", b"", Known(Kind::Calendar)),
            ("invite", b"BEGIN:VCALENDAR\r\n", Known(Kind::Calendar)),
            ("people", b"\xEF\xBB\xBFBEGIN:VCARD\n", Known(Kind::Contacts)),
            ("captions", b"\xEF\xBB\xBFWEBVTT\n", Known(Kind::Subtitles)),
            ("page.mhtml", b"MIME-Version: 1.0", Known(Kind::Html)),
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
            ("a.rs", Some(Language::Rust)),
            ("a.h", Some(Language::C)),
            ("a.HPP", Some(Language::Cpp)),
            ("a.jsx", Some(Language::JavaScript)),
            ("a.tsx", Some(Language::Tsx)),
            ("a.mts", Some(Language::TypeScript)),
            ("a.rb", None),
            ("Makefile", None),
        ] {
            assert_eq!(language(Path::new(name)), expected, "{name}");
        }
    }
}
