//! The inputs of a run: those it was given, or those of earlier runs.

use crate::error::BackendError;
use crate::ingest::discover::{self, DiscoverError, DiscoverOptions, Discovery};
use crate::ingest::error::IngestError;
use crate::ingest::options::IngestOptions;
use crate::ingest::web::CrawlSeed;
use crate::task::off_thread;
use crate::types::{CrawlReach, DocumentRecord, FailureRecord, Manifest};

/// What a run looks at.
pub(super) struct ScanInputs {
    pub(super) discover: DiscoverOptions,
    pub(super) starts: Vec<CrawlSeed>,
}

/// The given inputs; without any, those of earlier runs; with `retry_failed`, the sources that failed.
pub(super) fn inputs(
    options: &IngestOptions,
    manifest: Option<&Manifest>,
    failures: &[FailureRecord],
) -> Result<ScanInputs, DiscoverError> {
    let mut discover = options.discover.clone();
    let mut starts = options.starts.clone();
    let roots = manifest.map(|manifest| manifest.roots.clone()).unwrap_or_default();
    discover.named.clone_from(&roots);
    if !options.is_empty() || !options.forget.is_empty() {
        return Ok(ScanInputs { discover, starts });
    }
    discover.cwd.clone_from(&discover.root);
    discover.remembered = true;
    let failed = || failures.iter().map(|failure| failure.source.as_str());
    let sites = manifest.iter().flat_map(|manifest| &manifest.sites);
    if let Some(site) = sites.clone().find(|site| !options.web.may_fetch(site)) {
        return Err(DiscoverError::Unnamed(site.clone()));
    }
    // They were valid URLs when they were recorded.
    starts.extend(sites.filter_map(|site| CrawlSeed::parse(&site.url, site.reach).ok()));
    if options.retry_failed {
        let there = |source: &&str| discover.root.join(source).exists();
        discover.inputs = failed().filter(there).map(str::to_owned).collect();
        // A page is fetched from its site, and on its own.
        let pages: Vec<&str> = failed().filter(|source| CrawlSeed::is_url(source)).collect();
        if pages.is_empty() {
            starts.clear();
        }
        let pages =
            pages.iter().filter_map(|page| CrawlSeed::parse(page, CrawlReach::default()).ok());
        for page in pages {
            if !options.web.may_fetch_again(&page) {
                return Err(DiscoverError::Unnamed(page.site()));
            }
            starts.push(page);
        }
    } else {
        discover.inputs = roots;
        if discover.inputs.is_empty() && starts.is_empty() && options.kept.is_empty() {
            return Err(DiscoverError::NothingNamed);
        }
    }
    Ok(ScanInputs { discover, starts })
}

/// Walks the inputs while the documents are read. The documents matter only if an input is gone: then the
/// inputs are walked again with their sources.
pub(super) async fn look(
    mut options: DiscoverOptions,
    documents: impl Future<Output = Result<Vec<DocumentRecord>, BackendError>>,
) -> Result<(Discovery, Vec<DocumentRecord>), IngestError> {
    let walk = |options: DiscoverOptions| off_thread(move || discover::discover(&options));
    let (discovery, documents) = futures::join!(walk(options.clone()), documents);
    let documents = documents?;
    let all_there = match &discovery {
        Err(DiscoverError::NotFound { .. }) => false,
        Err(_) => true,
        Ok(discovery) => discovery.lost.is_empty(),
    };
    if all_there || documents.is_empty() {
        return Ok((discovery?, documents));
    }
    options.known = documents.iter().map(|record| record.source.clone()).collect();
    Ok((walk(options).await?, documents))
}
