//! Web pages on their way into a plan. The plan treats them as files: fetched pages were hashed on arrival,
//! and pages that are gone are in the scope.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use super::discover::{Discovery, FetchedPage, FoundFile};
use super::events::IngestEvent;
use super::options::IngestOptions;
use super::plan::Plan;
use super::source_scan::RecordsBySource;
use super::web::{self, CrawlRequest, CrawlSeed, WebDiscovery, WebOptions};
use crate::cancel::Cancel;
use crate::types::{ContentHash, DocumentRecord, Validators, WebOrigin};

/// What a run knows of pages besides its plan.
#[derive(Default)]
pub(super) struct PlannedPages {
    /// Hashes of the fetched pages, by source; the plan takes them.
    pub(super) hashes: HashMap<String, ContentHash>,
    /// Starts that lead to no page.
    pub(super) dead: HashSet<String>,
    /// How pages were found that the server reported as unchanged, by source.
    unchanged: HashMap<String, WebOrigin>,
    /// Holds fetched pages until they are stored; removed with its content on drop.
    _spool: Option<TempDir>,
}

/// No temporary directory for pages could be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create a temporary directory for web pages in {}: {reason}", place.display())]
pub struct SpoolError {
    place: PathBuf,
    reason: io::Error,
}

impl PlannedPages {
    /// Fetches the pages that `starts` lead to and adds them to `discovery`.
    pub(super) async fn gather(
        starts: &[CrawlSeed],
        known: &HashMap<String, WebOrigin>,
        options: &WebOptions,
        discovery: &mut Discovery,
        cancel: &Cancel,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Result<Self, SpoolError> {
        if starts.is_empty() {
            return Ok(Self::default());
        }
        let spool = tempfile::Builder::new()
            .prefix("docent-")
            .tempdir()
            .map_err(|reason| SpoolError { place: std::env::temp_dir(), reason })?;
        let itinerary = CrawlRequest { starts, known, options, spool: spool.path(), cancel };
        let mut progress = |pages| emit(IngestEvent::Fetched { pages });
        let found = web::gather(itinerary, &mut progress).await;
        Ok(Self { _spool: Some(spool), ..Self::add(found, discovery) })
    }

    fn add(found: WebDiscovery, discovery: &mut Discovery) -> Self {
        let mut hashes = HashMap::new();
        for page in found.found {
            hashes.insert(page.source.clone(), page.hash);
            discovery.files.push(FoundFile {
                source: page.source,
                size: page.size,
                mtime: 0,
                page: Some(Box::new(FetchedPage { path: page.path, origin: page.origin })),
                named: false,
            });
        }
        discovery.files.sort_by(|a, b| a.source.cmp(&b.source));
        discovery.skipped.extend(found.skipped);
        discovery.failed.extend(found.failed);
        discovery.scope.lose(found.gone);
        discovery.scope.lose(found.dead.clone());
        let unchanged = found.unchanged.into_iter().map(|page| (page.source, page.origin));
        let dead = found.dead.into_iter().collect();
        Self { hashes, dead, unchanged: unchanged.collect(), _spool: None }
    }

    /// How a page was found that the server reported as unchanged.
    pub(super) fn origin(&self, source: &str) -> Option<&WebOrigin> {
        self.unchanged.get(source)
    }

    /// Removes these sources from the unchanged pages.
    pub(super) fn leave_out(&mut self, sources: &HashSet<String>) {
        self.unchanged.retain(|source, _| !sources.contains(source));
    }

    /// Number of unchanged pages that are not in the plan.
    pub(super) fn unchanged(&self) -> usize {
        self.unchanged.len()
    }

    /// Keeps only the sources for which `stays` is true; other partitions have the rest.
    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.hashes.retain(|source, _| stays(source));
        self.unchanged.retain(|source, _| stays(source));
    }

    /// Records of unchanged pages that were found in another way, or have new validators.
    pub(super) fn touched<'a>(
        &'a self,
        plan: &'a Plan,
        known: RecordsBySource<'_>,
    ) -> Vec<DocumentRecord> {
        let origin = |file: &'a FoundFile| Some((&file.source, &file.page.as_ref()?.origin));
        let fetched = plan.unchanged.iter().filter_map(origin);
        fetched
            .chain(&self.unchanged)
            .filter_map(|(source, origin)| {
                let record = known.get(source)?;
                let is_new = record.web.as_deref() != Some(origin);
                let web = is_new.then(|| Box::new(origin.clone()))?;
                Some(DocumentRecord { web: Some(web), ..record.clone() })
            })
            .collect()
    }
}

/// What the collection knows of pages, by source. A page whose content is needed in any case loses its
/// validators: with `checksum`, if its record does not match the options, or if it is `damaged`.
pub(super) fn known(
    records: &[DocumentRecord],
    options: &IngestOptions,
    damaged: &[String],
) -> HashMap<String, WebOrigin> {
    let wanted = options.wanted();
    let needed = |record: &DocumentRecord| {
        options.checksum || !wanted.is_met_by(record) || damaged.contains(&record.source)
    };
    let pages = records.iter().filter_map(|record| {
        let mut web = WebOrigin::clone(record.web.as_deref()?);
        if needed(record) {
            web.validators = Validators::default();
        }
        Some((record.source.clone(), web))
    });
    pages.collect()
}
