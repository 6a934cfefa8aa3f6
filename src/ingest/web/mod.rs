//! Pages of the web → files to ingest, and what became of those that are stored.
//!
//! [`gather`] starts from URLs that somebody named, reads each (a sitemap stands for the pages it
//! lists), follows links as far as it is told to, and puts what it finds into files of a directory,
//! so that memory does not grow with the crawl. What the collection knows of a page (`ETag`,
//! `Last-Modified`) spares the transfer of one that did not change.
//!
//! | module | what it knows |
//! | --- | --- |
//! | `canonical` | the one name of a page; which pages belong to a site |
//! | `address`, `guard` | which addresses may be asked |
//! | `http` | one request and its answer |
//! | `host`, `robots`, `directives` | manners: pace, `robots.txt`, `noindex` and `nofollow` |
//! | `media`, `page` | an answer → a file that extraction understands |
//! | `links`, `sitemap` | where a page leads |
//! | `visit` | all of these for one page, with retries |
//! | `crawl` | from page to page |

mod address;
mod canonical;
mod crawl;
mod directives;
mod guard;
mod host;
mod http;
mod links;
mod media;
mod page;
mod robots;
mod sitemap;
mod visit;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use canonical::{BadUrl, Start};

use super::discover::{Failed, Patterns, Skipped};
use crate::cancel::Cancel;
use crate::retry::RetryPolicy;
use crate::types::{ContentHash, Reach, Site, WebOrigin};
use crawl::Crawl;
use guard::Guard;
use visit::Visitor;

/// How pages are fetched.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Pages that are asked for, at most.
    pub max_pages: usize,
    /// Ask addresses of this machine and its networks too.
    pub allow_private: bool,
    /// Which pages are wanted, by their paths.
    pub patterns: Patterns,
    /// Bytes of one page.
    pub max_size: u64,
    /// Longest silence of a server.
    pub timeout: Duration,
    /// What the user has named in this project. Of what earlier runs have named, only this is fetched:
    /// the collection may have come along with somebody else's project. `None`: all of it.
    pub named: Option<Vec<Site>>,
    pub retry: RetryPolicy,
}

impl WebOptions {
    /// Whether what an earlier run wrote down may be fetched: a start, as far as it was named to go.
    pub fn may_fetch(&self, site: &Site) -> bool {
        let covers = |named: &Site| {
            named.url == site.url
                && named.reach.depth >= site.reach.depth
                && named.reach.whole_host >= site.reach.whole_host
        };
        self.named.as_ref().is_none_or(|named| named.iter().any(covers))
    }

    /// The same of a page that a crawl has met: one on the host of a start.
    pub fn may_fetch_again(&self, page: &Start) -> bool {
        let there = |named: &Site| {
            Start::parse(&named.url, named.reach).is_ok_and(|start| start.is_beside(page))
        };
        self.named.as_ref().is_none_or(|named| named.iter().any(there))
    }
}

/// A page to ingest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPage {
    /// The canonical URL that answered, after redirects.
    pub source: String,
    /// Its content; the extension says what it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    pub hash: ContentHash,
    /// For the record.
    pub origin: WebOrigin,
}

/// A stored page that is as it was: there is no file of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnchangedPage {
    pub source: String,
    /// For the record: another start may have led to it this time.
    pub origin: WebOrigin,
}

/// What became of the pages that were asked for, and of those that are stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebDiscovery {
    /// Sorted by source, without duplicates.
    pub found: Vec<FoundPage>,
    /// Stored pages that are as they were, by source.
    pub unchanged: Vec<UnchangedPage>,
    /// Stored pages that are no more: the server says so, or a crawl that missed nothing did not
    /// meet them again.
    pub gone: Vec<String>,
    /// Starts that lead to no page, the server says. They are gone where they were stored, and have
    /// failed otherwise.
    pub dead: Vec<String>,
    pub skipped: Vec<Skipped>,
    pub failed: Vec<Failed>,
}

/// Where to go, and with what.
#[derive(Clone, Copy)]
pub struct Itinerary<'a> {
    pub starts: &'a [Start],
    /// What the collection has, by source. One whose origin has no validators is fetched whatever
    /// the server thinks of it.
    pub known: &'a HashMap<String, WebOrigin>,
    pub options: &'a WebOptions,
    /// Directory for the pages that are fetched.
    pub spool: &'a Path,
    pub cancel: &'a Cancel,
}

/// Fetches pages into files. `progress` is told how many have been asked for.
///
/// A page that cannot be had is a row of [`WebDiscovery::failed`] and no reason to stop.
pub async fn gather(
    itinerary: Itinerary<'_>,
    progress: &mut (dyn FnMut(usize) + Send),
) -> WebDiscovery {
    gather_guarded(Guard::new(itinerary.options.allow_private), itinerary, progress).await
}

async fn gather_guarded(
    guard: Guard,
    itinerary: Itinerary<'_>,
    progress: &mut (dyn FnMut(usize) + Send),
) -> WebDiscovery {
    let Itinerary { starts, options, spool, .. } = itinerary;
    let visitor = match Visitor::new(guard, starts, options, spool) {
        Ok(visitor) => visitor,
        Err(reason) => {
            let failed = |start: &Start| Failed {
                source: start.source().to_owned(),
                reason: reason.clone(),
            };
            let failed = starts.iter().map(failed).collect();
            return WebDiscovery { failed, ..WebDiscovery::default() };
        }
    };
    // A page that is met by two crawls may be the end of one and on the way of the other: starts
    // share a crawl where they go equally far. The widest is first, and what it meets is its own.
    let mut by_reach: BTreeMap<Reverse<Reach>, Vec<&Start>> = BTreeMap::new();
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
    /// Adds what another crawl came to. What was met by either is not gone.
    fn join(&mut self, other: Self) {
        self.found.extend(other.found);
        self.unchanged.extend(other.unchanged);
        self.gone.extend(other.gone);
        self.dead.extend(other.dead);
        self.skipped.extend(other.skipped);
        let told: HashSet<&str> = self.failed.iter().map(|row| row.source.as_str()).collect();
        let new = |row: &Failed| !told.contains(row.source.as_str());
        let failed: Vec<Failed> = other.failed.into_iter().filter(new).collect();
        self.failed.extend(failed);
        // Stable: of two with the same source the first one stays.
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
