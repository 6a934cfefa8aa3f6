//! Pages of the web on their way into a plan. They go through it as files: the content of those
//! that were fetched was hashed on arrival, and those that are gone are in the scope.

use std::collections::HashMap;
use std::path::PathBuf;

use super::discover::{Discovery, FoundFile};
use super::plan::Plan;
use super::web::{self, Start, WebDiscovery, WebOptions};
use super::{IngestEvent, IngestOptions};
use crate::cancel::Cancel;
use crate::types::{ContentHash, DocumentRecord, Validators, WebOrigin};

/// Pages to bring in.
pub struct WebInputs {
    pub starts: Vec<Start>,
    pub options: WebOptions,
    /// Directory that outlives the run: fetched pages are kept there until they are stored.
    pub spool: PathBuf,
}

impl WebInputs {
    /// The starts, for lineage.
    pub(super) fn roots(&self) -> impl Iterator<Item = String> {
        self.starts.iter().map(|start| start.source().to_owned())
    }
}

/// What a plan does not say of pages.
#[derive(Default)]
pub(super) struct Pages {
    /// Of those that were fetched.
    pub(super) hashes: HashMap<String, ContentHash>,
    /// Of those that the server did not send again.
    unchanged: HashMap<String, WebOrigin>,
}

impl Pages {
    /// Asks for the pages of `inputs` and adds them to `discovery`.
    pub(super) async fn gather(
        inputs: &WebInputs,
        discovery: &mut Discovery,
        known: &HashMap<String, WebOrigin>,
        cancel: &Cancel,
        emit: &mut (dyn FnMut(IngestEvent) + Send),
    ) -> Self {
        let WebInputs { starts, options, spool } = inputs;
        let mut progress = |pages| emit(IngestEvent::Fetched { pages });
        let found = web::gather(starts, known, options, spool, cancel, &mut progress).await;
        Self::add(found, discovery)
    }

    fn add(found: WebDiscovery, discovery: &mut Discovery) -> Self {
        let mut hashes = HashMap::new();
        for page in found.found {
            hashes.insert(page.source.clone(), page.hash);
            discovery.files.push(FoundFile {
                source: page.source,
                path: page.path,
                size: page.size,
                mtime: 0,
                web: Some(page.origin),
            });
        }
        discovery.files.sort_by(|a, b| a.source.cmp(&b.source));
        discovery.skipped.extend(found.skipped);
        discovery.failed.extend(found.failed);
        discovery.scope.lose(found.gone);
        let unchanged = found.unchanged.into_iter().map(|page| (page.source, page.origin));
        Self { hashes, unchanged: unchanged.collect() }
    }

    /// How many are as they were without being in the plan.
    pub(super) fn unchanged(&self) -> usize {
        self.unchanged.len()
    }

    /// Records of pages with the old content that were found another way, or have new validators.
    pub(super) fn touched(
        &self,
        plan: &Plan,
        known: &HashMap<&str, &DocumentRecord>,
    ) -> Vec<DocumentRecord> {
        let fetched =
            plan.unchanged.iter().filter_map(|file| Some((&file.source, file.web.as_ref()?)));
        fetched
            .chain(&self.unchanged)
            .filter_map(|(source, origin)| {
                let record = *known.get(source.as_str())?;
                let web = Some(origin.clone()).filter(|web| record.web.as_ref() != Some(web))?;
                Some(DocumentRecord { web: Some(web), ..record.clone() })
            })
            .collect()
    }
}

/// What the collection knows of pages, by source. A page that is needed whatever the server thinks
/// of it, to compare its content, to give it other tags or because it is `damaged`, loses its
/// validators.
pub(super) fn known(
    records: &[DocumentRecord],
    options: &IngestOptions,
    damaged: &[String],
) -> HashMap<String, WebOrigin> {
    let tags = options.tags.as_ref();
    let needed = |record: &DocumentRecord| {
        options.checksum
            || tags.is_some_and(|tags| *tags != record.tags)
            || damaged.contains(&record.source)
    };
    let pages = records.iter().filter_map(|record| {
        let mut web = record.web.clone()?;
        if needed(record) {
            web.validators = Validators::default();
        }
        Some((record.source.clone(), web))
    });
    pages.collect()
}
