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

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use canonical::{BadUrl, Start};

use super::discover::{Failed, Patterns, Skipped};
use crate::cancel::Cancel;
use crate::retry::RetryPolicy;
use crate::types::{ContentHash, WebOrigin};
use guard::Guard;

/// How far to go, and how.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// Links from a start to the furthest page: 0 for the starts alone.
    pub depth: u32,
    /// Pages that are asked for, at most.
    pub max_pages: usize,
    /// Follow links to the whole host of a start, not only to what is below its directory.
    pub whole_host: bool,
    /// Ask addresses of this machine and its networks too.
    pub allow_private: bool,
    /// Which pages are wanted, by their paths.
    pub patterns: Patterns,
    /// Bytes of one page.
    pub max_size: u64,
    /// Longest silence of a server.
    pub timeout: Duration,
    pub retry: RetryPolicy,
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
    pub skipped: Vec<Skipped>,
    pub failed: Vec<Failed>,
}

/// Fetches pages into files of the directory `spool`. `known` is what the collection has, by
/// source; one whose origin has no validators is fetched whatever the server thinks of it.
/// `progress` is told how many pages have been asked for.
///
/// A page that cannot be had is a row of [`WebDiscovery::failed`] and no reason to stop.
#[expect(clippy::implicit_hasher, reason = "the pipeline builds the map itself")]
pub async fn gather(
    starts: &[Start],
    known: &HashMap<String, WebOrigin>,
    options: &WebOptions,
    spool: &Path,
    cancel: &Cancel,
    progress: &mut (dyn FnMut(usize) + Send),
) -> WebDiscovery {
    let guard = Guard::new(options.allow_private);
    crawl::crawl(guard, starts, known, options, spool, cancel, progress).await
}

#[cfg(test)]
mod tests;
