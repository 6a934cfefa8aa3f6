//! Expands identifiers of a text to the forms in which people search for them.
//!
//! Words end at any character that is neither a letter nor a digit. So `retry_after`, `src/lib.rs`,
//! `LGR-4012` and `1.18.3` are found by their parts, together with everything else that has these parts, and
//! `retryAfter` is found only as it is. This module adds what the words lack to a compound: its parts if
//! capitals separate them, and the whole without its connectors if it has any. So `retry_after`, `retryAfter`
//! and `RETRY-AFTER` share a term.

use std::borrow::Cow;

/// Longest compound whose whole is a term, in bytes.
const LONGEST: usize = 64;

/// The text, followed by the additional terms of its identifiers.
pub(super) fn with_identifiers(text: &str) -> Cow<'_, str> {
    let mut expanded = Cow::Borrowed(text);
    for compound in compounds(text) {
        for part in parts(compound) {
            let expanded = expanded.to_mut();
            expanded.push(' ');
            expanded.push_str(part);
        }
        if is_whole(compound) {
            let expanded = expanded.to_mut();
            expanded.push(' ');
            expanded.extend(compound.chars().filter(|c| c.is_alphanumeric()));
        }
    }
    expanded
}

/// Runs of letters and digits, with single connectors between them.
pub(super) fn compounds(text: &str) -> impl Iterator<Item = &str> {
    let runs = text.split(|c: char| !(c.is_alphanumeric() || is_connector(c)));
    runs.map(|run| run.trim_matches(is_connector)).filter(|run| !run.is_empty())
}

fn is_connector(c: char) -> bool {
    matches!(c, '_' | '-' | '.' | '/' | ':' | '#' | '@')
}

/// Whether the compound is a name and not just connected words, such as `and/or` and `well-known`.
fn is_whole(compound: &str) -> bool {
    let connected = compound.contains(is_connector);
    let named = compound.contains(['_', '#', '@'])
        || compound.contains("::")
        || compound.contains(|c: char| c.is_ascii_digit())
        || compound.contains('.');
    connected && named && compound.len() <= LONGEST
}

/// Maximum number of parts of a name. A word in which letters and digits alternate more often is rather a
/// hash.
const PARTS: usize = 3;

/// The words that capitals and digits separate in a compound, if they do; `HTTPServer` is two.
fn parts(compound: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in compound.split(is_connector) {
        let before = found.len();
        for hump in humps(word) {
            let numbered: Vec<&str> = numbers(hump).take(PARTS + 1).collect();
            if numbered.len() > PARTS {
                found.push(hump);
            } else {
                found.extend(numbered);
            }
        }
        if found.len() == before + 1 {
            found.pop();
        }
    }
    found
}

/// Separates letters from digits.
fn numbers(hump: &str) -> impl Iterator<Item = &str> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = hump;
    std::iter::from_fn(move || {
        let digits = rest.chars().next().map(is_digit)?;
        let end = rest.find(|c| is_digit(c) != digits).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

fn humps(word: &str) -> Vec<&str> {
    let letters: Vec<(usize, char)> = word.char_indices().collect();
    let mut humps = Vec::new();
    let mut start = 0;
    for at in 1..letters.len() {
        let (before, here) = (letters[at - 1].1, letters[at].1);
        let after = letters.get(at + 1).map(|(_, c)| *c);
        let rises = !before.is_uppercase() && here.is_uppercase();
        let ends_acronym =
            before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
        if rises || ends_acronym {
            humps.push(&word[start..letters[at].0]);
            start = letters[at].0;
        }
    }
    humps.push(&word[start..]);
    humps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn compounds_get_additional_terms() {
        for (text, further) in [
            ("", ""),
            ("Nothing to add, and/or well-known.", ""),
            ("See https://example.org/docs.", " httpsexampleorgdocs"),
            ("parseHttpHeader", " parse Http Header"),
            ("HTTPServer and IOError2", " HTTP Server IO Error 2"),
            ("FY2018, Python3 and 10K", " FY 2018 Python 3 10 K"),
            ("sha256sum of 4e1f9a77c2", " sha 256 sum"),
            ("parseHttp2Header", " parse Http 2 Header"),
            ("retry_after_ms", " retryafterms"),
            ("MAX_RETRY", " MAXRETRY"),
            ("std::fs::readDir", " read Dir stdfsreadDir"),
            ("LGR-4012.", " LGR4012"),
            ("v1.18.3-rc.1", " v 1 v1183rc1"),
            ("src/lib.rs", " srclibrs"),
            ("müllTonne größeÄndern", " müll Tonne größe Ändern"),
            ("__init__", ""),
        ] {
            assert_eq!(with_identifiers(text).strip_prefix(text), Some(further), "{text}");
        }
        let long = format!("{}_b", "a".repeat(80));
        assert_eq!(with_identifiers(&long), long);
    }

    proptest! {
        #[test]
        fn the_text_itself_stays(text in "(\\PC|[a-zA-Z_./-]){0,60}") {
            let expanded = with_identifiers(&text);
            prop_assert!(expanded.starts_with(&text));
            let further = &expanded[text.len()..];
            prop_assert!(further.chars().all(|c| c == ' ' || c.is_alphanumeric()));
        }
    }
}
