//! The words in the name of a document: of its file, the directories above it, and its site.
//!
//! A question often contains the name of the document that it is about ("what does the Acme NDA say about
//! assignment", "retry in transport"), and the text of most passages does not.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::identifiers::with_identifiers;

/// The name of a document. Parts that say nothing about it are left out: an extension, a hash, a number,
/// `index`, `page-3`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Name {
    /// The name of the file, or of the nearest directory with a meaningful name; empty if there is none.
    pub own: String,
    /// The host of a page, and the nearest directories, outermost first.
    pub above: String,
}

impl Name {
    /// `source`: a path, a URL, or the name of a text from elsewhere.
    pub fn of(source: &str) -> Self {
        let (host, path) = match source.split_once("://") {
            Some((_, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                let path = path.split(['?', '#']).next().unwrap_or_default();
                (site(host), percent_decode_str(path).decode_utf8_lossy())
            }
            None => ("", Cow::Borrowed(source)),
        };
        let mut segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if let Some(last) = segments.last_mut() {
            *last = without_extension(last);
        }
        let mut called: Vec<String> =
            segments.into_iter().map(telling).filter(|part| !part.is_empty()).collect();
        let host = telling(host);
        let Some(own) = called.pop() else { return Self { own: host, above: String::new() } };
        let nearest = called.len().saturating_sub(NEAREST);
        let mut above = called.split_off(nearest);
        if !host.is_empty() {
            above.insert(0, host);
        }
        Self { own, above: above.join(" ") }
    }

    /// All words of the name, split like identifiers; empty if it has none.
    pub fn words(&self) -> String {
        if self.own.is_empty() {
            return String::new();
        }
        with_identifiers(&format!("{} {}", self.above, self.own)).into_owned()
    }
}

/// Maximum number of directories that are used: the farthest ones say least about a document.
const NEAREST: usize = 3;

/// Longest extension of a file, in bytes.
const EXTENSION: usize = 8;

fn without_extension(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, extension))
            if !stem.is_empty()
                && extension.len() <= EXTENSION
                && extension.starts_with(|c: char| c.is_ascii_alphabetic())
                && extension.chars().all(|c| c.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => file,
    }
}

/// A host without port, `www` and the domains that do not identify it: `docs.acme` of `docs.acme.co.uk`.
fn site(host: &str) -> &str {
    let host = host.split(':').next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let Some((name, top)) = host.rsplit_once('.') else { return host };
    match name.rsplit_once('.') {
        Some((rest, second)) if top.len() == 2 && second.len() <= 3 => rest,
        _ => name,
    }
}

/// A part of a path without its random words; empty if nothing meaningful is left.
fn telling(part: &str) -> String {
    let words = part.split_inclusive(|c: char| !c.is_alphanumeric());
    let kept: String = words.filter(|word| !is_hash(plain(word))).collect();
    let tells = kept.split(|c: char| !c.is_alphabetic()).any(|word| {
        word.chars().nth(1).is_some() && !USUAL.contains(&word.to_lowercase().as_str())
            || word.chars().any(|c| !c.is_ascii() && !c.is_lowercase() && !c.is_uppercase())
    });
    if tells { kept.trim().to_owned() } else { String::new() }
}

fn plain(word: &str) -> &str {
    word.trim_end_matches(|c: char| !c.is_alphanumeric())
}

/// Maximum number of changes between letters and digits within a word of a name; a word with more is rather a
/// hash.
const TURNS: usize = 3;

/// Minimum number of digits of a hexadecimal hash.
const HEX: usize = 10;

fn is_hash(word: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let turns =
        word.as_bytes().windows(2).filter(|pair| digit(&pair[0]) != digit(&pair[1])).count();
    let hex = word.len() >= HEX && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    turns > TURNS || (hex && turns > 0)
}

/// Common names of files and directories that say nothing about the content.
const USUAL: [&str; 52] = [
    "index",
    "readme",
    "page",
    "pages",
    "doc",
    "docs",
    "document",
    "documents",
    "documentation",
    "file",
    "files",
    "chapter",
    "ch",
    "section",
    "sec",
    "part",
    "main",
    "mod",
    "lib",
    "init",
    "default",
    "home",
    "untitled",
    "scan",
    "scans",
    "img",
    "image",
    "copy",
    "final",
    "draft",
    "new",
    "old",
    "src",
    "source",
    "sources",
    "content",
    "contents",
    "output",
    "out",
    "tmp",
    "temp",
    "data",
    "text",
    "txt",
    "md",
    "html",
    "htm",
    "pdf",
    "www",
    "en",
    "id",
    "no",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_without_a_meaningful_name_has_that_of_its_directory() {
        for (source, own, above) in [
            ("contracts/Acme NDA 2019.pdf", "Acme NDA 2019", "contracts"),
            ("src/transport/retry.rs", "retry", "transport"),
            ("src/transport/mod.rs", "transport", ""),
            ("guide/install/index.html", "install", "guide"),
            ("handbook/README", "handbook", ""),
            ("handbook/page-3.md", "handbook", ""),
            ("mails/4e1f9a77c2d0.eml", "mails", ""),
            ("9f86d081-884c-4d63-a5b1-2b0e9c1f7a33/notes.txt", "notes", ""),
            ("rfc/rfc2616.txt", "rfc2616", "rfc"),
            ("users/jo/work/acme/legal/old/nda.txt", "nda", "work acme legal"),
            ("31715818", "", ""),
            ("0", "", ""),
            ("src/index.html", "", ""),
            ("", "", ""),
            ("retry_after.v1.py", "retry_after.v1", ""),
            ("EX-10.1-DISTRIBUTOR AGREEMENT.txt", "EX-10.1-DISTRIBUTOR AGREEMENT", ""),
            ("https://www.acme.co.uk/", "acme", ""),
            (
                "https://docs.acme.com/guide/retry%20policy.html?v=2#top",
                "retry policy",
                "docs.acme guide",
            ),
            ("https://acme.com/docs/", "acme", ""),
            ("契約/秘密保持.pdf", "秘密保持", "契約"),
        ] {
            let name = Name::of(source);
            assert_eq!((name.own.as_str(), name.above.as_str()), (own, above), "{source}");
        }
    }

    proptest! {
        #[test]
        fn any_source_has_a_name_or_none(source in "(https?://)?(\\PC|[a-z0-9./%_-]){0,60}") {
            let name = Name::of(&source);
            prop_assert!(!name.own.is_empty() || name.above.is_empty());
            prop_assert!(name.own.len() + name.above.len() <= 3 * source.len());
        }
    }
}
