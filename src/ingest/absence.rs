//! Why a source has no documents in a collection.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use super::discover::{self, DiscoverError, DiscoverOptions, FoundFile};
use super::expiry::TOO_OLD;
use super::prepare;
use super::secrets;
use crate::types::{DocumentRecord, OcrPolicy, OnSecret, is_url};

/// Why a source is not in a collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AbsenceReason {
    /// There is no such file.
    NoFile,
    /// It is a link whose target, given here, does not exist.
    BrokenLink(String),
    /// It is not a file but something else, such as a directory.
    NotAFile(&'static str),
    /// A web page that no run has reached.
    NoPage,
    /// It is a file outside of everything that was ever ingested.
    OutsideRoots,
    /// It is ignored or skipped.
    Skipped {
        reason: &'static str,
        /// The file itself, or the skipped directory that contains it.
        entry: String,
        /// The file would be ingested if it were named on the command line.
        when_named: bool,
    },
    /// It cannot be ingested, for this reason.
    Unfit(String),
    /// The next run ingests it.
    Pending,
}

/// Looks for a source that has no record, as a run over `options.inputs` (those of earlier runs) would.
pub fn absence(
    source: &str,
    options: &DiscoverOptions,
    policy: OnSecret,
    ocr: OcrPolicy,
) -> Result<AbsenceReason, DiscoverError> {
    if is_url(source) {
        return Ok(AbsenceReason::NoPage);
    }
    let Some(file) = FoundFile::at(&options.root, source) else {
        let path = options.root.join(source);
        if let Some(target) = discover::broken_link(&path) {
            return Ok(AbsenceReason::BrokenLink(target));
        }
        return Ok(match path.metadata() {
            Ok(found) if found.is_dir() => AbsenceReason::NotAFile("a directory"),
            Ok(found) if !found.is_file() => AbsenceReason::NotAFile("a pipe, socket or device"),
            _ => AbsenceReason::NoFile,
        });
    };
    let found = discover::discover(options)?;
    if let Some(failed) = found.failed.iter().find(|failed| failed.source == source) {
        return Ok(AbsenceReason::Unfit(failed.reason.clone()));
    }
    let skipped = |reason: &'static str, entry: &str, when_named| AbsenceReason::Skipped {
        reason,
        entry: entry.to_owned(),
        when_named,
    };
    let Some(found) = found.files.iter().find(|found| found.source == source) else {
        let over = |entry: &str| {
            source.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let entry = found.skipped.iter().find(|skipped| over(&skipped.source));
        return Ok(entry.map_or(AbsenceReason::OutsideRoots, |entry| {
            skipped(entry.reason, &entry.source, entry.reason != TOO_OLD)
        }));
    };
    if let Some(reason) = prepare::passed_over(&file, &options.root, ocr.reads_image(found.named)) {
        // A picture is read when it is named.
        let when_named = ocr.reads_image(true) && reason == prepare::PICTURE;
        return Ok(skipped(reason, source, when_named));
    }
    if policy == OnSecret::Skip && holds_a_secret(&file, &options.root) {
        return Ok(skipped(prepare::HOLDS_A_SECRET, source, false));
    }
    Ok(AbsenceReason::Pending)
}

/// Files that a run over `options.inputs` would ingest and that are not stored yet. Empty if the search for
/// them fails.
pub fn pending(
    options: &DiscoverOptions,
    documents: &[DocumentRecord],
    ocr: OcrPolicy,
) -> Vec<String> {
    let Ok(found) = discover::discover(options) else { return Vec::new() };
    let stored: HashSet<&str> = documents.iter().map(|record| record.source.as_str()).collect();
    let is_pending = |file: &FoundFile| {
        !stored.contains(file.source.as_str())
            && prepare::passed_over(file, &options.root, ocr.reads_image(file.named)).is_none()
    };
    let files = found.files.into_iter().filter(is_pending);
    files.map(|file| file.source).collect()
}

/// Checks text files only.
fn holds_a_secret(file: &FoundFile, root: &Path) -> bool {
    let mut text = String::new();
    let read = file.open(root).and_then(|mut file| file.read_to_string(&mut text));
    read.is_ok() && !secrets::scan(&text).is_empty()
}
