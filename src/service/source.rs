//! Finds the stored document that a name or path means, and compares it with its file.

use std::path::Path;

use crate::ingest::discover::{FoundFile, lexical};
use crate::ingest::plan;
use crate::query::explain::{Expected, Staleness};
use crate::text::composed;
use crate::types::{DocumentRecord, Locator, is_url};

/// The root of the project, and the directory in which relative paths begin.
#[derive(Clone, Copy, Debug)]
pub struct ProjectPlace<'a> {
    pub root: &'a Path,
    pub cwd: &'a Path,
}

/// Parses what was typed into a source and a place: the stored name of a document or a path from here,
/// with or without a place in it.
pub fn named(typed: &str, known: &[&str], at: ProjectPlace<'_>) -> Expected {
    let from_here = |name: &str| {
        let path = lexical(&at.cwd.join(name));
        path.strip_prefix(at.root).unwrap_or(&path).to_str().map(str::to_owned)
    };
    let source = |name: &str| {
        if let Some(known) = same(name, known) {
            return known.to_owned();
        }
        if is_url(name) {
            return page(name, known).unwrap_or(name).to_owned();
        }
        let here = from_here(name).unwrap_or_else(|| name.to_owned());
        if let Some(known) = same(&here, known) {
            return known.to_owned();
        }
        // The target of a link is stored under its own name.
        let there = followed(&here, at.root).unwrap_or(here);
        same(&there, known).map_or(there.clone(), str::to_owned)
    };
    match cited(typed) {
        Some((name, place)) if same(typed, known).is_none() => {
            Expected { source: source(name), place: Some(place) }
        }
        _ => Expected { source: source(typed), place: None },
    }
}

/// The source of the file or directory that a link leads to.
fn followed(source: &str, root: &Path) -> Option<String> {
    let path = root.join(source).canonicalize().ok()?;
    let root = root.canonicalize().ok()?;
    let source = path.strip_prefix(&root).unwrap_or(&path).to_str()?;
    Some(if cfg!(windows) { source.replace('\\', "/") } else { source.to_owned() })
}

/// The stored name that equals `name`: letters may be composed in one and decomposed in the other.
fn same<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let exact = known.iter().find(|known| **known == name);
    let other = || known.iter().find(|known| composed(known) == composed(name));
    exact.or_else(other).copied()
}

/// The known page with this URL, except for a slash at its end.
fn page<'a>(url: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    known.iter().find(|known| bare(known) == bare(url)).copied()
}

/// Splits a source and a place, as [`Locator::cite`] writes them; lines may omit their `L`.
pub fn cited(typed: &str) -> Option<(&str, Locator)> {
    Locator::from_citation(typed).or_else(|| {
        let (name, lines) = typed.rsplit_once(':')?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        Some((name, Locator::Lines(first.parse().ok()?, last.parse().ok()?)))
    })
}

/// The sources that may have been meant, the likeliest first: those with this file name, those in a
/// directory of this name, and those with a similar spelling.
pub fn nearest<'a>(source: &str, known: &[&'a str], count: usize) -> Vec<&'a str> {
    let name = |source: &str| source.rsplit('/').next().unwrap_or_default().to_lowercase();
    let edits = |a: &str, b: &str| strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase());
    let distance = |known: &str| {
        let within = known.strip_prefix(source).is_some_and(|rest| rest.starts_with('/'));
        let spelled = edits(known, source).min(edits(&name(known), &name(source)));
        if within && !source.is_empty() { spelled.min(1) } else { spelled }
    };
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|known| (distance(known), *known))
        .filter(|(distance, known)| distance * 3 <= name(known).chars().count())
        .collect();
    near.sort_unstable();
    near.into_iter().take(count).map(|(_, known)| known).collect()
}

/// How a document differs from its file as it is now; `None` for one that is not a file.
pub fn drift_of(root: &Path, record: &DocumentRecord) -> Option<Staleness> {
    if !record.is_file() {
        return None;
    }
    let Some(file) = FoundFile::at(root, &record.source) else { return Some(Staleness::Gone) };
    let hash = |file: &FoundFile| file.hash(root).ok();
    (!plan::is_current(record, &file, hash)).then_some(Staleness::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_typed_as_they_are_cited() {
        let lines = |a, b| Some(("a.md", Locator::Lines(a, b)));
        for (typed, place) in [
            ("a.md", None),
            ("a.md:L3-L9", lines(3, 9)),
            ("a.md:3-9", lines(3, 9)),
            ("a.md:3", lines(3, 3)),
            ("a.md:x", None),
            ("a.md#page=2", Some(("a.md", Locator::Page(2)))),
        ] {
            assert_eq!(cited(typed), place, "{typed}");
        }
    }

    #[test]
    fn a_document_is_named_as_it_is_stored_or_from_here() {
        let known = [
            "docs/a.md",
            "docs/odd.md:L3",
            "/else/b.md",
            "https://x.org/",
            "stdin",
            "docs/über.md",
            "docs/o\u{308}l.md",
        ];
        let at = ProjectPlace { root: Path::new("/project"), cwd: Path::new("/project/docs") };
        for (typed, source, place) in [
            ("docs/a.md", "docs/a.md", None),
            ("a.md", "docs/a.md", None),
            ("./a.md:L3-L9", "docs/a.md", Some(Locator::Lines(3, 9))),
            ("/project/docs/a.md#page=2", "docs/a.md", Some(Locator::Page(2))),
            ("docs/odd.md:L3", "docs/odd.md:L3", None),
            ("docs/odd.md:L3:L5", "docs/odd.md:L3", Some(Locator::Lines(5, 5))),
            ("../../else/b.md", "/else/b.md", None),
            ("https://x.org", "https://x.org/", None),
            ("https://x.org/#L2", "https://x.org/", Some(Locator::Lines(2, 2))),
            ("https://x.org/y", "https://x.org/y", None),
            ("stdin", "stdin", None),
            ("../up.md", "up.md", None),
            ("u\u{308}ber.md", "docs/über.md", None),
            ("o\u{308}l.md:L3", "docs/o\u{308}l.md", Some(Locator::Lines(3, 3))),
            ("öl.md:L3", "docs/o\u{308}l.md", Some(Locator::Lines(3, 3))),
        ] {
            let expected = Expected { source: source.to_owned(), place };
            assert_eq!(named(typed, &known, at), expected, "{typed}");
        }
    }

    #[test]
    #[cfg(unix)]
    #[expect(clippy::unwrap_used, reason = "a test")]
    fn a_link_is_named_as_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let (root, docs) = (dir.path(), dir.path().join("docs"));
        std::fs::create_dir(&docs).unwrap();
        std::fs::write(docs.join("a.md"), "a").unwrap();
        std::os::unix::fs::symlink("docs/a.md", root.join("link.md")).unwrap();
        std::os::unix::fs::symlink("docs", root.join("all")).unwrap();
        std::os::unix::fs::symlink("gone.md", root.join("dead.md")).unwrap();
        let at = ProjectPlace { root, cwd: root };
        for (typed, source) in [
            ("link.md", "docs/a.md"),
            ("all/a.md", "docs/a.md"),
            ("dead.md", "dead.md"),
            ("docs/a.md", "docs/a.md"),
        ] {
            assert_eq!(named(typed, &["docs/a.md", "docs/b.md"], at).source, source, "{typed}");
            assert_eq!(named(typed, &[], at).source, source, "{typed}");
        }
    }

    #[test]
    fn a_misspelled_source_has_nearest_ones() {
        let known = ["docs/backups.md", "docs/tides.md", "notes/tides.md"];
        for (typed, meant) in [
            ("docs/backup.md", &["docs/backups.md"][..]),
            ("backups.md", &["docs/backups.md"]),
            ("doc/tides.md", &["docs/tides.md", "notes/tides.md"]),
            ("tides.md", &["docs/tides.md", "notes/tides.md"]),
            ("docs", &["docs/backups.md", "docs/tides.md"]),
            ("docs/zymurgy.md", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(typed, &known, 3), meant, "{typed}");
        }
        assert_eq!(nearest("tides.md", &known, 1), ["docs/tides.md"]);
    }
}
