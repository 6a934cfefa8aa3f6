//! Fetches web pages into files to ingest, and finds out which stored pages have changed or are gone.
//!
//! [`gather`] starts from named URLs, reads each (a sitemap stands for the pages that it lists), follows
//! links as far as requested, and writes pages to files in a directory, so that memory does not grow with the
//! crawl. The validators that the collection has of a page (`ETag`, `Last-Modified`) save the transfer of an
//! unchanged page.
//!
//! | module | content |
//! | --- | --- |
//! | `canonical` | the canonical URL of a page; which pages belong to a site |
//! | `address`, `guard` | which addresses may be connected to |
//! | `http` | one request and its answer |
//! | `host`, `robots`, `directives` | politeness: pace, `robots.txt`, `noindex` and `nofollow` |
//! | `media`, `page` | turns an answer into a file that extraction understands |
//! | `links`, `sitemap` | where a page leads |
//! | `visit` | all of these for one page, with retries |
//! | `crawl` | from page to page |

mod address;
mod canonical;
mod crawl;
mod directives;
mod fetch;
mod guard;
mod host;
mod http;
mod links;
mod media;
mod page;
mod robots;
mod sitemap;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use canonical::{BadUrl, CrawlSeed};

use super::discover::{FailedInput, Patterns, Skipped};
use crate::cancel::Cancel;
use crate::retry::RetryPolicy;
use crate::types::{ContentHash, CrawlReach, Site, WebOrigin};
use crawl::Crawl;
use fetch::PageFetcher;
use guard::Guard;

/// How pages are fetched.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Maximum number of pages that are requested.
    pub max_pages: usize,
    /// Also connect to addresses of this machine and its networks.
    pub allow_private: bool,
    /// Which pages are wanted, by their paths.
    pub patterns: Patterns,
    /// Limit on the size of a page, in bytes.
    pub max_size: u64,
    /// Longest silence of a server.
    pub timeout: Duration,
    /// The sites that the user has named in this project. Sites of earlier runs are fetched only if they are
    /// among these: the collection may have come with somebody else's project. `None`: all may be fetched.
    pub named: Option<Vec<Site>>,
    pub retry: RetryPolicy,
}

impl WebOptions {
    /// Whether a site of an earlier run may be fetched, as far as the user has allowed.
    pub fn may_fetch(&self, site: &Site) -> bool {
        let covers = |named: &Site| {
            named.url == site.url
                && named.reach.depth >= site.reach.depth
                && named.reach.whole_host >= site.reach.whole_host
        };
        self.named.as_ref().is_none_or(|named| named.iter().any(covers))
    }

    /// The same for a page that a crawl has found: it must be on the host of a named site.
    pub fn may_fetch_again(&self, page: &CrawlSeed) -> bool {
        let there = |named: &Site| {
            CrawlSeed::parse(&named.url, named.reach).is_ok_and(|start| start.is_beside(page))
        };
        self.named.as_ref().is_none_or(|named| named.iter().any(there))
    }
}

/// A page to ingest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPage {
    /// The canonical URL that answered, after redirects.
    pub source: String,
    /// The file with its content; the extension says what it is.
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
    pub hash: ContentHash,
    /// For the record.
    pub origin: WebOrigin,
}

/// A stored page that has not changed; there is no file of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnchangedPage {
    pub source: String,
    /// For the record: another start may have led to it this time.
    pub origin: WebOrigin,
}

/// The result for the pages that were requested, and for those that are stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebDiscovery {
    /// Sorted by source, without duplicates.
    pub found: Vec<FoundPage>,
    /// Stored pages that have not changed, sorted by source.
    pub unchanged: Vec<UnchangedPage>,
    /// Stored pages that no longer exist: the server says so, or a complete crawl did not find them again.
    pub gone: Vec<String>,
    /// Starts for which the server has no page. They are in `gone` if they were stored, and in `failed`
    /// otherwise.
    pub dead: Vec<String>,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<FailedInput>,
}

/// What a crawl needs: where to go, and how.
#[derive(Clone, Copy)]
pub struct CrawlRequest<'a> {
    pub starts: &'a [CrawlSeed],
    /// The pages in the collection, by source. A page whose origin has no validators is always fetched in
    /// full.
    pub known: &'a HashMap<String, WebOrigin>,
    pub options: &'a WebOptions,
    /// Directory for fetched pages.
    pub spool: &'a Path,
    pub cancel: &'a Cancel,
}

/// Fetches pages into files. `progress` gets the number of pages requested so far.
///
/// A page that cannot be fetched is a row in [`WebDiscovery::failed`]; it does not stop the crawl.
pub async fn gather(
    itinerary: CrawlRequest<'_>,
    progress: &mut (dyn FnMut(usize) + Send),
) -> WebDiscovery {
    gather_guarded(Guard::new(itinerary.options.allow_private), itinerary, progress).await
}

async fn gather_guarded(
    guard: Guard,
    itinerary: CrawlRequest<'_>,
    progress: &mut (dyn FnMut(usize) + Send),
) -> WebDiscovery {
    let CrawlRequest { starts, options, spool, .. } = itinerary;
    let visitor = match PageFetcher::new(guard, starts, options, spool) {
        Ok(visitor) => visitor,
        Err(reason) => {
            let failed = |start: &CrawlSeed| FailedInput {
                source: start.source().to_owned(),
                reason: reason.clone(),
            };
            let failed = starts.iter().map(failed).collect();
            return WebDiscovery { failed, ..WebDiscovery::default() };
        }
    };
    // For one crawl a page may be at the end of its reach, for another on the way. So starts with the same
    // reach share a crawl. The widest crawl runs first, and keeps the pages that it finds.
    let mut by_reach: BTreeMap<Reverse<CrawlReach>, Vec<&CrawlSeed>> = BTreeMap::new();
    for start in starts {
        by_reach.entry(Reverse(start.reach)).or_default().push(start);
    }
    let (mut all, mut asked) = (WebDiscovery::default(), 0);
    for (Reverse(reach), starts) in by_reach {
        let before = asked;
        let mut progress = |pages| {
            asked = before + pages;
            progress(asked);
        };
        let left = options.max_pages.saturating_sub(before);
        let crawl = Crawl::new(&starts, reach, left, itinerary);
        all.join(crawl.run(&visitor, &mut progress).await);
    }
    all
}

impl WebDiscovery {
    /// Adds the result of another crawl. A page that either crawl has found is not gone.
    fn join(&mut self, other: Self) {
        self.found.extend(other.found);
        self.unchanged.extend(other.unchanged);
        self.gone.extend(other.gone);
        self.dead.extend(other.dead);
        self.skipped.extend(other.skipped);
        let told: HashSet<&str> = self.failed.iter().map(|row| row.source.as_str()).collect();
        let new = |row: &FailedInput| !told.contains(row.source.as_str());
        let failed: Vec<FailedInput> = other.failed.into_iter().filter(new).collect();
        self.failed.extend(failed);
        // The sort is stable: of two pages with the same source the first one stays.
        self.found.sort_by(|a, b| a.source.cmp(&b.source));
        self.found.dedup_by(|a, b| a.source == b.source);
        let met: HashSet<&str> = self.found.iter().map(|page| page.source.as_str()).collect();
        self.unchanged.retain(|page| !met.contains(page.source.as_str()));
        self.unchanged.sort_by(|a, b| a.source.cmp(&b.source));
        self.unchanged.dedup_by(|a, b| a.source == b.source);
        let met: HashSet<&str> =
            met.into_iter().chain(self.unchanged.iter().map(|page| page.source.as_str())).collect();
        self.gone.retain(|source| !met.contains(source.as_str()));
        self.gone.sort();
        self.gone.dedup();
    }
}

#[cfg(test)]
mod tests;
