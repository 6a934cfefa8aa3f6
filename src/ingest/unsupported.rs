//! Advice on files that were named and whose type is not supported.

use std::path::Path;

/// Extensions of formats that other programs read, and what to do with such files.
const INSTEAD: &[(&[&str], &str)] = &[
    (&["doc", "dot"], "save it as .docx (or run `soffice --headless --convert-to docx FILE`)"),
    (&["ppt", "pps"], "save it as .pptx (or run `soffice --headless --convert-to pptx FILE`)"),
    (&["pages", "wpd", "hwp"], "save it as .docx"),
    (&["key"], "save it as .pptx"),
    (&["numbers"], "save it as .xlsx"),
    (&["pst", "ost"], "export its messages as .mbox or .eml"),
    (&["mobi", "azw3", "azw", "lit", "chm"], "convert it to EPUB or HTML"),
    (&["djvu", "eps", "ps", "ai", "xps", "oxps", "vsd", "vsdx", "one"], "save it as PDF"),
    (
        &[
            "zip", "gz", "tgz", "bz2", "xz", "zst", "lz4", "7z", "rar", "tar", "jar", "war", "whl",
            "egg", "deb", "rpm", "apk", "cab", "crate", "gem",
        ],
        "unpack it and ingest the files in it",
    ),
    (
        &["ico", "icns", "avif", "heic", "psd", "xcf", "svg", "svgz", "raw"],
        "save it as PNG or JPEG",
    ),
    (
        &[
            "mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "aac", "mp4", "m4v", "mov", "avi",
            "mkv", "webm", "wmv", "flv",
        ],
        "transcribe it and ingest the text",
    ),
    (
        &["db", "sqlite", "sqlite3", "mdb", "accdb", "parquet", "arrow", "feather", "h5"],
        "export it as CSV or JSON Lines",
    ),
];

/// The source of standard input without `--source`.
const STDIN: &str = "stdin";

/// A reason with advice on what to do.
pub(super) fn advice(path: &Path, reason: &str) -> String {
    let extension = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let extension = extension.to_lowercase();
    let row = INSTEAD.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
    let unknown = if path.as_os_str() == STDIN {
        "give it a name and type with --source, such as --source report.docx"
    } else {
        "leave it out with --exclude, or save it as text"
    };
    let instead = row.map_or(unknown, |(_, what)| what);
    format!("{reason}: {instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_depends_on_the_extension() {
        for (name, expected) in [
            ("a/Letter.pages", "unsupported type: save it as .docx"),
            (
                "a/Report.DOC",
                "unsupported type: save it as .docx (or run `soffice --headless --convert-to docx FILE`)",
            ),
            ("b.tar.gz", "unsupported type: unpack it and ingest the files in it"),
            (
                "stdin",
                "unsupported type: give it a name and type with --source, such as --source report.docx",
            ),
            ("c", "unsupported type: leave it out with --exclude, or save it as text"),
        ] {
            assert_eq!(advice(Path::new(name), "unsupported type"), expected);
        }
    }
}
