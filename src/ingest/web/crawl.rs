//! Crawls from page to page: first the starts, then what they link to, level by level, so that every page is
//! found at its shortest distance. The result does not depend on which answer comes first.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use url::Url;

use super::canonical::{CrawlScope, CrawlSeed};
use super::fetch::{DISALLOWED, PageFetcher};
use super::page::{AcceptedContent, FetchOutcome, WebPage};
use super::sitemap::Sitemap;
use super::{CrawlRequest, FoundPage, UnchangedPage, WebDiscovery};
use crate::ingest::discover::{FailedInput, Skipped};
use crate::types::{CrawlReach, Validators, WebOrigin};

/// Pages requested at the same time, on all hosts together.
const PARALLEL: usize = 8;

const MOST_REDIRECTS: usize = 10;

/// URLs that a crawl remembers for each page that it may fetch, plus a constant. More URLs than that are left
/// out.
const REMEMBERED: usize = 20;

/// A URL that is to be fetched.
struct Entry {
    url: Url,
    kind: Kind,
    /// Source of the start that led here.
    root: Arc<str>,
    /// Number of links from there.
    depth: u32,
    /// The URLs that redirected here.
    from: Vec<Url>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Named by a person; it may be a page or a sitemap.
    Start,
    /// Listed in a sitemap index.
    Sitemap,
    Page,
}

impl Entry {
    /// What is wanted from the answer, and the validators for a conditional request. A page whose links are
    /// wanted is needed even if it has not changed.
    fn wish<'a>(
        &self,
        known: &'a HashMap<String, WebOrigin>,
        reach: CrawlReach,
    ) -> (AcceptedContent, Option<&'a Validators>) {
        let links = self.kind != Kind::Sitemap && self.depth < reach.depth;
        let known = known.get(self.url.as_str()).filter(|_| !links);
        let known = known.map(|origin| &origin.validators).filter(|known| !known.is_empty());
        let sitemap = self.kind != Kind::Page;
        (AcceptedContent { sitemap, links, conditional: known.is_some() }, known)
    }

    fn source(&self) -> &str {
        self.url.as_str()
    }

    fn origin(&self, validators: Validators) -> WebOrigin {
        WebOrigin { root: self.root.to_string(), depth: self.depth, validators }
    }
}

/// A crawl from starts with the same reach.
pub(super) struct Crawl<'a> {
    itinerary: CrawlRequest<'a>,
    reach: CrawlReach,
    /// Maximum number of pages to fetch.
    max_pages: usize,
    /// Entries at this distance from the starts, and at the next.
    level: Vec<Entry>,
    next_level: Vec<Entry>,
    depth: u32,
    territories: Vec<CrawlScope>,
    roots: HashSet<Arc<str>>,
    /// Hashes of all URLs found.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// Number of pages that were fetched or are queued.
    claimed: usize,
    visited: usize,
    /// Whether every page within reach was fetched so far.
    complete: bool,
    outcome: WebDiscovery,
}

impl<'a> Crawl<'a> {
    pub(super) fn new(
        starts: &[&CrawlSeed],
        reach: CrawlReach,
        max_pages: usize,
        itinerary: CrawlRequest<'a>,
    ) -> Self {
        let mut crawl = Self {
            itinerary,
            reach,
            max_pages,
            level: Vec::new(),
            next_level: Vec::new(),
            depth: 0,
            territories: Vec::new(),
            roots: starts.iter().map(|start| start.source().into()).collect(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            claimed: 0,
            visited: 0,
            complete: true,
            outcome: WebDiscovery::default(),
        };
        for start in starts {
            let root: Arc<str> = start.source().into();
            let (url, from) = (start.url.clone(), Vec::new());
            crawl.claim(Entry { url, kind: Kind::Start, root, depth: 0, from });
        }
        crawl
    }

    /// Visits everything and returns the result. `progress` gets the number of pages requested so far.
    pub(super) async fn run(
        mut self,
        visitor: &PageFetcher<'_>,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> WebDiscovery {
        let (CrawlRequest { known, cancel, .. }, reach) = (self.itinerary, self.reach);
        while let Some(batch) = self.next_batch() {
            let visit = |entry: Entry| async move {
                let (wanted, known) = entry.wish(known, reach);
                let outcome = visitor.visit(&entry.url, wanted, known).await;
                (entry, outcome)
            };
            let mut results = Box::pin(stream::iter(batch).map(visit).buffered(PARALLEL));
            loop {
                let next = tokio::select! {
                    biased;
                    () = cancel.cancelled() => {
                        self.complete = false;
                        return self.finish();
                    }
                    next = results.next() => next,
                };
                let Some((entry, outcome)) = next else { break };
                self.visited += 1;
                progress(self.visited);
                self.take(entry, outcome);
            }
        }
        self.finish()
    }

    /// The rest of the entries at this distance, or else everything at the next.
    fn next_batch(&mut self) -> Option<Vec<Entry>> {
        if self.level.is_empty() {
            self.level = std::mem::take(&mut self.next_level);
            self.depth += 1;
        }
        Some(std::mem::take(&mut self.level)).filter(|batch| !batch.is_empty())
    }

    fn take(&mut self, entry: Entry, outcome: FetchOutcome) {
        match outcome {
            FetchOutcome::Page(_) if entry.kind == Kind::Sitemap => {
                self.fail(entry.source(), "listed as a sitemap, but it is not one");
            }
            FetchOutcome::Page(page) => self.take_page(&entry, page),
            FetchOutcome::Sitemap(sitemap) => self.take_sitemap(&entry, sitemap),
            FetchOutcome::Unchanged => {
                let known = self.itinerary.known.get(entry.source());
                let validators = known.map(|known| known.validators.clone()).unwrap_or_default();
                let origin = entry.origin(validators);
                self.outcome.unchanged.push(UnchangedPage { source: entry.url.into(), origin });
            }
            FetchOutcome::Redirect(target) => self.follow(entry, target),
            FetchOutcome::Gone => self.lose(entry),
            FetchOutcome::Skip(DISALLOWED) if entry.kind == Kind::Start => {
                self.fail(entry.source(), DISALLOWED);
            }
            FetchOutcome::Skip(reason) => self.skip(entry.source(), reason),
            FetchOutcome::Fail(reason) => self.fail(entry.source(), &reason),
        }
    }

    fn lose(&mut self, entry: Entry) {
        let is_start = entry.kind == Kind::Start;
        if self.itinerary.known.contains_key(entry.source()) {
            self.outcome.gone.push(entry.url.into());
        } else if is_start {
            self.fail(entry.source(), "no such page (HTTP 404)");
        } else {
            self.skip(entry.source(), "no such page");
        }
        if is_start {
            self.outcome.dead.push(entry.root.to_string());
        }
    }

    fn take_page(&mut self, entry: &Entry, page: WebPage) {
        self.settle(entry);
        let Entry { root, depth, .. } = entry;
        match page.file {
            Some(_) if !self.admits(&entry.url) => self.skip(entry.source(), "excluded"),
            Some(file) => self.outcome.found.push(FoundPage {
                source: entry.source().to_owned(),
                path: file.path,
                size: file.size,
                hash: file.hash,
                origin: entry.origin(page.validators),
            }),
            None => self.skip(entry.source(), "noindex"),
        }
        for url in page.links.into_iter().filter(|url| self.is_ours(url)).collect::<Vec<_>>() {
            self.claim(Entry {
                url,
                kind: Kind::Page,
                root: Arc::clone(root),
                depth: depth + 1,
                from: Vec::new(),
            });
        }
    }

    fn take_sitemap(&mut self, entry: &Entry, sitemap: Sitemap) {
        self.settle(entry);
        // A sitemap does not count as a page.
        self.claimed -= 1;
        let (kind, urls) = match sitemap {
            Sitemap::Pages(urls) => (Kind::Page, urls),
            Sitemap::Sitemaps(urls) => (Kind::Sitemap, urls),
        };
        for url in urls {
            if !self.is_ours(&url) {
                self.skip(url.as_str(), "outside the site");
                continue;
            }
            let (root, from) = (Arc::clone(&entry.root), Vec::new());
            self.claim(Entry { url, kind, root, depth: entry.depth, from });
        }
    }

    /// Once a start has answered, its final URL defines its site.
    fn settle(&mut self, entry: &Entry) {
        if entry.kind == Kind::Start {
            self.territories.push(CrawlScope::around(&entry.url, self.reach.whole_host));
        }
    }

    fn is_ours(&self, url: &Url) -> bool {
        self.territories.iter().any(|territory| territory.contains(url))
    }

    fn follow(&mut self, entry: Entry, target: Url) {
        let Entry { url, kind, root, depth, mut from } = entry;
        if from.contains(&target) || target == url {
            return self.fail(url.as_str(), "redirects in a circle");
        }
        if from.len() == MOST_REDIRECTS {
            return self.fail(url.as_str(), "redirects too often");
        }
        if kind != Kind::Start && !self.is_ours(&target) {
            return self.skip(url.as_str(), "redirects to outside the site");
        }
        from.push(url);
        // The target counts instead of the page that redirected here.
        self.claimed -= 1;
        self.claim(Entry { url: target, kind, root, depth, from });
    }

    /// Queues an entry that was not seen before, within the limits.
    fn claim(&mut self, entry: Entry) {
        let source = entry.source();
        let most = self.max_pages.saturating_mul(REMEMBERED).saturating_add(1000);
        if self.seen.len() >= most {
            self.complete = false;
            return;
        }
        if !self.seen.insert(self.hasher.hash_one(source)) {
            return;
        }
        // A page that is not included may link to pages that are.
        let leads_on = entry.kind != Kind::Page || entry.depth < self.reach.depth;
        let admitted = self.admits(&entry.url) || leads_on && !self.excludes(&entry.url);
        if !admitted {
            return self.skip(source, "excluded");
        }
        if self.claimed >= self.max_pages {
            self.complete = false;
            return self.skip(source, "over --max-pages");
        }
        self.claimed += 1;
        if entry.depth == self.depth { self.level.push(entry) } else { self.next_level.push(entry) }
    }

    /// Whether `--include` and `--exclude` admit a page.
    fn admits(&self, url: &Url) -> bool {
        self.itinerary.options.patterns.admit(directory(url).unwrap_or(url.path()))
            && !self.excludes(url)
    }

    fn excludes(&self, url: &Url) -> bool {
        let patterns = &self.itinerary.options.patterns;
        let shut_out =
            |directory: &str| patterns.exclude(directory) || patterns.shut_out(directory);
        directory(url).map_or_else(|| patterns.exclude(url.path()), shut_out)
    }

    fn skip(&mut self, source: &str, reason: &'static str) {
        self.outcome.skipped.push(Skipped { source: source.to_owned(), reason });
    }

    fn fail(&mut self, source: &str, reason: &str) {
        self.complete = false;
        self.outcome
            .failed
            .push(FailedInput { source: source.to_owned(), reason: reason.to_owned() });
    }

    /// Determines which stored pages are gone: those that were found from these starts before, within the
    /// reach of this run, and were not found again. If anything was missed, none are.
    fn finish(self) -> WebDiscovery {
        let Self { itinerary: CrawlRequest { known, .. }, reach, roots, complete, .. } = &self;
        let outcome = &self.outcome;
        let met: HashSet<&str> = outcome
            .found
            .iter()
            .map(|page| page.source.as_str())
            .chain(outcome.unchanged.iter().map(|page| page.source.as_str()))
            .collect();
        let lost = known.iter().filter(|(source, origin)| {
            *complete
                && roots.contains(origin.root.as_str())
                && origin.depth <= reach.depth
                && !met.contains(source.as_str())
                && Url::parse(source).is_ok_and(|url| self.admits(&url))
        });
        let mut gone: BTreeSet<String> = lost.map(|(source, _)| source.clone()).collect();
        let mut outcome = self.outcome;
        gone.extend(outcome.gone);
        outcome.gone = gone.into_iter().collect();
        outcome.found.sort_by(|a, b| a.source.cmp(&b.source));
        outcome.unchanged.sort_by(|a, b| a.source.cmp(&b.source));
        outcome
    }
}

/// The path of a directory's index page, without its last slash.
fn directory(url: &Url) -> Option<&str> {
    url.path().strip_suffix('/')
}
