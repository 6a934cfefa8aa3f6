//! Fetches one page politely: guard, `robots.txt`, pace, retries.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::WebOptions;
use super::canonical::{CrawlSeed, Credentials};
use super::guard::Guard;
use super::host::{Host, Hosts};
use super::http::{self, BodyError, FetchHeaders, HttpResponse, WebClient};
use super::links::link;
use super::page::{self, AcceptedContent, FetchOutcome, Spool};
use super::robots::{self, RobotsRules};
use crate::error::{BackendError, Fault};
use crate::retry::{LONGEST_WAIT, retry};
use crate::types::Validators;

/// Why a page that its host does not want to be fetched is skipped.
pub(super) const DISALLOWED: &str = "disallowed by robots.txt";

/// Longest time for a page, as a multiple of the longest silence, even if it trickles steadily: with the
/// default of 30 s, a page of 64 MB passes at 3.4 Mbit/s.
const SILENCES: u32 = 5;

/// Maximum number of redirects of a `robots.txt` (RFC 9309, section 2.3.1.2).
const RULES_REDIRECTS: usize = 5;

pub(super) struct PageFetcher<'a> {
    client: WebClient,
    options: &'a WebOptions,
    hosts: Hosts,
    spool: Spool,
    /// Credentials by origin.
    credentials: HashMap<String, Credentials>,
}

impl<'a> PageFetcher<'a> {
    /// `spool` is the directory for pages.
    pub(super) fn new(
        guard: Guard,
        starts: &[CrawlSeed],
        options: &'a WebOptions,
        spool: &Path,
    ) -> Result<Self, String> {
        let credentials = starts.iter().filter_map(|start| {
            Some((start.url.origin().ascii_serialization(), start.credentials.clone()?))
        });
        Ok(Self {
            client: WebClient::new(guard, options.timeout)?,
            options,
            hosts: Hosts::default(),
            spool: Spool::new(spool, options.max_size),
            credentials: credentials.collect(),
        })
    }

    /// Fetches a page. `known` makes the request conditional.
    pub(super) async fn visit(
        &self,
        page: &Url,
        wanted: AcceptedContent,
        known: Option<&Validators>,
    ) -> FetchOutcome {
        let host = self.hosts.of(page);
        let rules = host.rules.get_or_init(|| self.read_rules(page, &host)).await;
        let rules = match rules {
            Ok(rules) => rules,
            Err(reason) => return FetchOutcome::Fail(reason.clone()),
        };
        if !rules.allow(page) {
            return FetchOutcome::Skip(DISALLOWED);
        }
        let delay = rules.delay();
        if delay > LONGEST_WAIT {
            let seconds = delay.as_secs();
            let reason = format!("robots.txt asks for {seconds} seconds between two requests");
            return FetchOutcome::Fail(reason);
        }
        if let Some(failures) = host.given_up() {
            let reason = format!("not fetched: its host failed {failures} times in a row");
            return FetchOutcome::Fail(reason);
        }
        let attempt = || async {
            let _turn = host.turn(delay).await;
            let exchange = async {
                let answer = self
                    .get(page, FetchHeaders { known, gzip: true, ..FetchHeaders::default() })
                    .await?;
                page::read(page, answer, wanted, &self.spool).await
            };
            self.within(&host, exchange)
                .await
                .unwrap_or_else(|late| Err(http::error(page, Fault::Permanent, &late)))
                .inspect_err(|error| note_rest(&host, error))
        };
        match retry(&self.options.retry, attempt).await {
            Ok(outcome) => {
                host.succeeded();
                outcome
            }
            Err(error) => {
                if error.is_transient() {
                    host.failed();
                }
                FetchOutcome::Fail(error.message)
            }
        }
    }

    async fn get(&self, url: &Url, ask: FetchHeaders<'_>) -> Result<HttpResponse, BackendError> {
        let credentials = self.credentials.get(&url.origin().ascii_serialization());
        self.client.get(url, FetchHeaders { credentials, ..ask }).await
    }

    /// Limits the time of the whole exchange, from the lookup of the name to the end of the body. An exchange
    /// that exceeds it is not retried, because that would take as long again.
    async fn within<T>(&self, host: &Host, exchange: impl Future<Output = T>) -> Result<T, String> {
        let limit = self.options.timeout.saturating_mul(SILENCES);
        tokio::time::timeout(limit, exchange).await.map_err(|_| {
            host.failed();
            let took = limit.as_secs_f64();
            format!("not finished after {took} s; if the server is slow, raise web.timeout")
        })
    }

    /// The rules of the host of `page`. If they cannot be determined, nothing else is requested from the
    /// host.
    async fn read_rules(&self, page: &Url, host: &Host) -> Result<RobotsRules, String> {
        self.client.check_proxied_name(page).await.map_err(|refused| refused.to_string())?;
        let Ok(mut url) = page.join("/robots.txt") else { return Ok(RobotsRules::none()) };
        for _ in 0..=RULES_REDIRECTS {
            let attempt = || async {
                let _turn = host.turn(Duration::ZERO).await;
                let exchange =
                    async { rules_of(&url, self.get(&url, FetchHeaders::default()).await?).await };
                let late = |late| {
                    let message = format!("robots.txt: {late}");
                    Err(http::error(&url, Fault::Permanent, &message))
                };
                let found = self.within(host, exchange).await.unwrap_or_else(late);
                found.inspect_err(|error| note_rest(host, error))
            };
            match retry(&self.options.retry, attempt).await {
                Ok(Found::Rules(rules)) => return Ok(rules),
                Ok(Found::Elsewhere(target)) => url = target,
                // The guard refused the address, which says more than the name of the file.
                Err(error) if error.fault == Fault::Permanent => return Err(error.message),
                Err(error) => return Err(format!("robots.txt: {}", error.message)),
            }
        }
        Ok(RobotsRules::none())
    }
}

enum Found {
    Rules(RobotsRules),
    Elsewhere(Url),
}

async fn rules_of(url: &Url, answer: HttpResponse) -> Result<Found, BackendError> {
    match answer.status() {
        200..=299 => {
            let mut text = Vec::new();
            match answer.save(&mut text, robots::LONGEST).await {
                Err(BodyError::Broken(error)) => Err(error),
                // The beginning of a file that is too long is used.
                _ => Ok(Found::Rules(RobotsRules::parse(&text))),
            }
        }
        301 | 302 | 303 | 307 | 308 => {
            let target = answer.header("location").and_then(|target| link(url, &target));
            Ok(target.map_or_else(|| Found::Rules(RobotsRules::none()), Found::Elsewhere))
        }
        429 | 500.. => Err(page::transient(url, &answer)),
        _ => Ok(Found::Rules(RobotsRules::none())),
    }
}

/// If a host asks for a pause, all requests to it wait.
fn note_rest(host: &Host, error: &BackendError) {
    if let Fault::Transient { retry_after: Some(wait) } = error.fault
        && wait <= LONGEST_WAIT
    {
        host.rest(wait);
    }
}
