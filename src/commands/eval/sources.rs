//! Compares what cases expect with what the collection has.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Component, Path, PathBuf};

use super::super::Context;
use super::CaseSet;
use crate::error::Failure;
use crate::eval::cases::{Case, Expectation};
use crate::eval::judge::can_be_met;
use crate::store::{CollectionReader, chunks_of};
use crate::types::is_url;
use crate::ui::Ui;

/// How many sources a warning names.
const NAMED: usize = 5;

/// Resolves each expected source to that of a document. A source is relative to the project root, as
/// docent prints it, or else to the directory of the file of cases.
pub(super) fn resolve(
    ui: &mut Ui,
    context: &Context,
    set: &mut CaseSet,
    documents: &HashSet<String>,
) -> Result<(), Failure> {
    let cases = set.file.as_deref().and_then(|file| source(file, &context.root));
    if let Some(cases) = cases.filter(|cases| documents.contains(cases)) {
        ui.warn(&format!(
            "the file of cases is a document of the collection, so its questions find themselves: {cases}; move it out of the sources, or leave it out: docent ingest --exclude {cases}"
        ));
    }
    if let Some(dir) = set.file.as_deref().and_then(Path::parent) {
        for expected in set.cases.iter_mut().flat_map(|case| &mut case.expected) {
            if let Some(source) = known(&expected.source, &context.root, dir, documents) {
                expected.source = source;
            }
        }
    }
    let wanted: BTreeSet<&str> = set
        .cases
        .iter()
        .flat_map(|case| &case.expected)
        .map(|expected| expected.source.as_str())
        .collect();
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|source| !documents.contains(*source)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named = missing[..missing.len().min(NAMED)].join(", ");
    let more = if missing.len() > NAMED { ", ..." } else { "" };
    let collection = &context.settings.collection;
    if missing.len() == wanted.len() {
        return Err(Failure::config(format!(
            "none of the expected sources is in the collection `{collection}`: {named}{more}"
        ))
        .hint("sources are relative to the project root or to the file of cases; `docent status --documents` lists what is stored"));
    }
    ui.warn(&format!(
        "{} of {} expected sources are not in the collection `{collection}`, and count as not found: {named}{more}",
        missing.len(),
        wanted.len()
    ));
    Ok(())
}

/// Warns of expectations that no chunk of their document can meet: a quote that is not in it, or a place that
/// it does not have. They count as not found, which looks like a retrieval that is worse than it is.
pub(super) async fn warn_of_unmeetable(
    ui: &mut Ui,
    set: &CaseSet,
    documents: &HashSet<String>,
    reader: &CollectionReader,
) -> Result<(), Failure> {
    let mut expected: BTreeMap<&str, Vec<(&Case, &Expectation)>> = BTreeMap::new();
    for case in &set.cases {
        for wanted in &case.expected {
            let is_within = wanted.place.is_some() || wanted.quote.is_some();
            if is_within && documents.contains(&wanted.source) {
                expected.entry(&wanted.source).or_default().push((case, wanted));
            }
        }
    }
    let mut unmet = Vec::new();
    for (source, expected) in expected {
        let chunks = chunks_of(&**reader, source).await?;
        for (case, wanted) in expected {
            if !can_be_met(wanted, &chunks) {
                let place = wanted.place.map_or(source.to_owned(), |place| place.cite(source));
                let quote = if wanted.quote.is_some() { " with its quote" } else { "" };
                unmet.push(format!("case `{}` ({place}{quote})", case.id));
            }
        }
    }
    if !unmet.is_empty() {
        let named = unmet[..unmet.len().min(NAMED)].join(", ");
        let more = if unmet.len() > NAMED { ", ..." } else { "" };
        ui.warn(&format!(
            "no chunk can meet what is expected by {named}{more}, which counts as not found; `docent show SOURCE` prints the chunks of a document"
        ));
    }
    Ok(())
}

fn known(typed: &str, root: &Path, dir: &Path, documents: &HashSet<String>) -> Option<String> {
    if is_url(typed) || documents.contains(typed) {
        return Some(typed.to_owned());
    }
    let candidates = [root.join(typed), dir.join(typed)];
    candidates
        .iter()
        .filter_map(|path| source(path, root))
        .find(|source| documents.contains(source))
}

/// A path as the source of a document.
fn source(path: &Path, root: &Path) -> Option<String> {
    let path = normalised(path);
    let path = path.strip_prefix(root).unwrap_or(&path);
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    let absolute = if path.is_absolute() { "/" } else { "" };
    Some(format!(
        "{absolute}{}",
        parts?.into_iter().filter(|part| *part != "/").collect::<Vec<_>>().join("/")
    ))
}

/// The path without `.` and `..`.
fn normalised(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_from_the_root_and_from_the_cases() {
        let documents: HashSet<String> =
            ["docs/a.md", "/else/b.md", "docs/docs/a.md", "https://x/y"].map(str::to_owned).into();
        let found = |typed: &str, dir: &str| {
            known(typed, Path::new("/project"), Path::new(dir), &documents)
        };
        for (typed, dir, source) in [
            ("docs/a.md", "/project/docs", Some("docs/a.md")),
            ("./docs/a.md", "/project/tests", Some("docs/a.md")),
            ("a.md", "/project/docs", Some("docs/a.md")),
            ("../docs/a.md", "/project/tests", Some("docs/a.md")),
            ("/project/docs/a.md", "/", Some("docs/a.md")),
            ("/else/b.md", "/", Some("/else/b.md")),
            ("../else/b.md", "/project", Some("/else/b.md")),
            ("https://x/y", "/", Some("https://x/y")),
            ("b.md", "/project", None),
        ] {
            assert_eq!(found(typed, dir).as_deref(), source, "{typed} in {dir}");
        }
    }
}
