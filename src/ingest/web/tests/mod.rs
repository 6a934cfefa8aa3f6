//! Crawls of a scripted site.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::cancel;
use crate::testing::site::{Answer, Site};
use crate::types::Validators;

mod answers;
mod crawl;
mod guard;

/// A crawl of a site, with its options.
struct Try<'a> {
    site: &'a Site,
    options: WebOptions,
    reach: CrawlReach,
    known: HashMap<String, WebOrigin>,
    spool: TempDir,
}

impl<'a> Try<'a> {
    fn new(site: &'a Site) -> Self {
        let options = WebOptions {
            named: None,
            max_pages: 100,
            allow_private: true,
            patterns: Patterns::new(&[], &[]).unwrap(),
            max_size: 100_000,
            timeout: Duration::from_secs(20),
            retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
        };
        Self {
            site,
            options,
            reach: CrawlReach::default(),
            known: HashMap::new(),
            spool: tempfile::tempdir().unwrap(),
        }
    }

    fn depth(mut self, depth: u32) -> Self {
        self.reach.depth = depth;
        self
    }

    /// Makes the pages of another crawl the stored pages.
    fn after(mut self, before: &WebDiscovery) -> Self {
        let pages = before.found.iter();
        self.known.extend(pages.map(|page| (page.source.clone(), page.origin.clone())));
        self
    }

    async fn visit(&self, paths: &[&str]) -> WebDiscovery {
        self.visit_urls(&paths.iter().map(|path| self.site.url(path)).collect::<Vec<_>>()).await
    }

    async fn visit_urls(&self, urls: &[String]) -> WebDiscovery {
        let (_canceller, cancel) = cancel::pair();
        let start = |url: &String| CrawlSeed::parse(url, self.reach).unwrap();
        let starts: Vec<CrawlSeed> = urls.iter().map(start).collect();
        gather(self.itinerary(&starts, &cancel), &mut |_| {}).await
    }

    fn itinerary<'s>(&'s self, starts: &'s [CrawlSeed], cancel: &'s Cancel) -> CrawlRequest<'s> {
        let Self { options, known, .. } = self;
        CrawlRequest { starts, known, options, spool: self.spool.path(), cancel }
    }

    /// Paths of sources on the site.
    fn paths<'s>(&self, sources: impl IntoIterator<Item = &'s String>) -> Vec<String> {
        let root = self.site.url("");
        sources.into_iter().map(|source| source.replace(&root, "")).collect()
    }

    fn found(&self, discovery: &WebDiscovery) -> Vec<String> {
        self.paths(discovery.found.iter().map(|page| &page.source))
    }

    fn gone(&self, discovery: &WebDiscovery) -> Vec<String> {
        self.paths(&discovery.gone)
    }

    fn skipped(&self, discovery: &WebDiscovery) -> Vec<(String, &'static str)> {
        let sources = self.paths(discovery.skipped.iter().map(|skipped| &skipped.source));
        sources.into_iter().zip(discovery.skipped.iter().map(|skipped| skipped.reason)).collect()
    }

    fn failed(&self, discovery: &WebDiscovery) -> Vec<(String, String)> {
        let sources = self.paths(discovery.failed.iter().map(|failed| &failed.source));
        let reasons = discovery.failed.iter().map(|failed| failed.reason.clone());
        sources.into_iter().zip(reasons).collect()
    }
}

fn content(page: &FoundPage) -> String {
    fs::read_to_string(&page.path).unwrap()
}

fn extension(page: &FoundPage) -> &str {
    page.path.extension().unwrap_or_default().to_str().unwrap()
}

/// A page with links.
fn links(to: &[&str]) -> Answer {
    let links: Vec<String> = to.iter().map(|to| format!("<a href='{to}'>{to}</a>")).collect();
    Answer::html(&format!("<p>Words. {}", links.join(" ")))
}
