//! Documents and places in them, by their citations and by `docent://` URIs. Names are looked up among the
//! documents that a client may see; no file is opened.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::service::source::{cited, nearest};
use crate::text::composed;
use crate::types::Locator;

/// Characters that are not escaped in a path.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const SCHEME: &str = "docent://";

/// Most documents that are suggested.
const NEAREST: usize = 3;

/// `docent://docs/a/b.md?lines=3-9`, `docent://docs/a.pdf?page=2`, `docent://docs/a.docx#para=4`.
pub(super) fn uri(collection: &str, source: &str, place: Option<Locator>) -> String {
    let encoded = |text| utf8_percent_encode(text, IN_PATH).to_string();
    let (collection, mut source) = (encoded(collection), encoded(source));
    // Not every program on the way keeps an empty part of a path.
    if source.starts_with('/') {
        source.replace_range(..1, "%2F");
    }
    let place = match place {
        None => String::new(),
        Some(Locator::Lines(first, last)) if first == last => format!("?lines={first}"),
        Some(Locator::Lines(first, last)) => format!("?lines={first}-{last}"),
        Some(Locator::Page(page)) => format!("?page={page}"),
        Some(other) => other.cite(""),
    };
    format!("{SCHEME}{collection}/{source}{place}")
}

/// The target of a `docent://` URI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ResourceRef {
    pub(super) collection: String,
    /// Empty: the collection as a whole.
    pub(super) source: String,
    pub(super) place: Option<Locator>,
}

/// `None` if it is not a `docent://` URI.
pub(super) fn from_uri(uri: &str) -> Option<ResourceRef> {
    let rest = uri.strip_prefix(SCHEME)?;
    let (path, place) = match rest.find(['?', '#']) {
        None => (rest, None),
        Some(at) => (&rest[..at], Some(place(&rest[at..])?)),
    };
    let (collection, source) = path.split_once('/').unwrap_or((path, ""));
    let decoded = |text| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
    let named = ResourceRef { collection: decoded(collection)?, source: decoded(source)?, place };
    (!named.collection.is_empty()).then_some(named)
}

/// The place after the path: `?lines=3-9`, `?page=2`, or in the form of a citation.
fn place(text: &str) -> Option<Locator> {
    if let Some(lines) = text.strip_prefix("?lines=") {
        let lines = lines.trim_start_matches('L').replace("-L", "-");
        return cited(&format!("x:{lines}")).map(|(_, place)| place);
    }
    cited(&format!("x#{}", text.trim_start_matches(['?', '#']))).map(|(_, place)| place)
}

/// The document that a name refers to, and a place in it: by its source, by a citation, or by the end of
/// its path if only one document has it.
///
/// # Errors
/// No document matches; lists those that may have been meant.
pub(super) fn lookup<'a>(
    typed: &str,
    known: &[&'a str],
) -> Result<(&'a str, Option<Locator>), Vec<&'a str>> {
    let typed = typed.trim();
    if let Some(source) = same(typed, known) {
        return Ok((source, None));
    }
    let (name, place) = match cited(typed) {
        Some((name, place)) => (name, Some(place)),
        None => (typed, None),
    };
    let name = name.trim_start_matches("./");
    let found = same(name, known).or_else(|| by_its_end(name, known));
    found.map(|source| (source, place)).ok_or_else(|| nearest(name, known, NEAREST))
}

/// The name as it is stored: the same letters may be composed in one and decomposed in the other.
fn same<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let exact = known.iter().find(|known| **known == name);
    exact.or_else(|| known.iter().find(|known| composed(known) == composed(name))).copied()
}

fn by_its_end<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let ends = |known: &&&str| known.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
    let mut found = known.iter().filter(ends).filter(|_| !name.is_empty());
    found.next().copied().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uri_names_what_it_was_made_of() {
        let page = Locator::Page(2);
        for (source, place, written) in [
            ("a b/ü.md", Some(Locator::Lines(3, 9)), "docent://docs/a%20b/%C3%BC.md?lines=3-9"),
            ("a.md", Some(Locator::Lines(3, 3)), "docent://docs/a.md?lines=3"),
            ("a#?.pdf", Some(page), "docent://docs/a%23%3F.pdf?page=2"),
            ("/else/b.md", None, "docent://docs/%2Felse/b.md"),
            ("a.docx", Some(Locator::Paragraphs(3, 5)), "docent://docs/a.docx#para=3-5"),
        ] {
            assert_eq!(uri("docs", source, place), written);
            let (collection, source) = ("docs".to_owned(), source.to_owned());
            assert_eq!(
                from_uri(written),
                Some(ResourceRef { collection, source, place }),
                "{written}"
            );
        }
        let read = |uri: &str| from_uri(uri).and_then(|named| named.place);
        assert_eq!(read("docent://docs/a.md?lines=L3-L9"), Some(Locator::Lines(3, 9)));
        assert_eq!(from_uri("docent://docs").unwrap().source, "");
        for no_uri in ["", "docent://", "docent:///a.md", "file:///etc/passwd", "docent://d/a?x=1"]
        {
            assert_eq!(from_uri(no_uri), None, "{no_uri}");
        }
    }

    #[test]
    fn documents_are_named_as_they_are_known() {
        let known = ["docs/a.md", "docs/b.md", "notes/b.md", "https://x.org/c", "odd.md:L3"];
        let lines = |first, last| Some(Locator::Lines(first, last));
        for (typed, meant) in [
            ("docs/a.md", Ok(("docs/a.md", None))),
            ("docs/a.md:L3-L9", Ok(("docs/a.md", lines(3, 9)))),
            ("./docs/a.md:3", Ok(("docs/a.md", lines(3, 3)))),
            ("a.md", Ok(("docs/a.md", None))),
            ("odd.md:L3", Ok(("odd.md:L3", None))),
            ("https://x.org/c#L4", Ok(("https://x.org/c", lines(4, 4)))),
            ("b.md", Err(())),
            ("docs/aa.md", Err(())),
            ("../../etc/passwd", Err(())),
            ("docs/../docs/a.md", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(lookup(typed, &known).map_err(drop), meant, "{typed}");
        }
        assert_eq!(lookup("docs/c.md", &["docs/b.md"]), Err(vec!["docs/b.md"]));
    }

    proptest! {
        /// So no document is named that does not exist.
        #[test]
        fn only_what_is_known_is_found(typed in any::<String>()) {
            let known = ["docs/a.md", "b/../c.md"];
            if let Ok((found, _)) = lookup(&typed, &known) {
                prop_assert!(known.contains(&found));
            }
            from_uri(&format!("docent://{typed}"));
        }
    }
}
