//! Politeness towards one host: few requests at a time, at the pace it asks for, and no more requests when it
//! keeps failing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

use super::robots::RobotsRules;

/// Concurrent requests to one host.
const REQUESTS: usize = 2;

/// Pages that may fail in a row, after all their retries, before the rest of the host is skipped.
const PATIENCE: u32 = 5;

/// The hosts of a run, by origin.
#[derive(Default)]
pub(super) struct Hosts(Mutex<HashMap<String, Arc<Host>>>);

impl Hosts {
    pub(super) fn of(&self, page: &Url) -> Arc<Host> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(page.origin().ascii_serialization()).or_default())
    }
}

pub(super) struct Host {
    /// The rules, or why they cannot be determined.
    pub(super) rules: OnceCell<Result<RobotsRules, String>>,
    permits: Semaphore,
    pace: Mutex<Pace>,
    failures: AtomicU32,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            rules: OnceCell::new(),
            permits: Semaphore::new(REQUESTS),
            pace: Mutex::default(),
            failures: AtomicU32::new(0),
        }
    }
}

impl Host {
    /// Waits until the host may be asked. The request ends when the returned permit is dropped.
    pub(super) async fn turn(&self, delay: Duration) -> Option<SemaphorePermit<'_>> {
        let permit = self.permits.acquire().await.ok();
        let at = self.pace().reserve(Instant::now(), delay);
        if at > Instant::now() {
            tokio::time::sleep_until(at).await;
        }
        permit
    }

    /// Pauses requests, as the host asked.
    pub(super) fn rest(&self, wait: Duration) {
        self.pace().rest(Instant::now(), wait);
    }

    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of failures in a row, if that is too many.
    pub(super) fn given_up(&self) -> Option<u32> {
        Some(self.failures.load(Ordering::Relaxed)).filter(|failures| *failures >= PATIENCE)
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next time at which a host may be asked.
#[derive(Default)]
struct Pace(Option<Instant>);

impl Pace {
    /// Takes the next free time, and makes the following one free `delay` later.
    fn reserve(&mut self, now: Instant, delay: Duration) -> Instant {
        let at = self.0.map_or(now, |next| next.max(now));
        self.0 = Some(at + delay);
        at
    }

    fn rest(&mut self, now: Instant, wait: Duration) {
        let end = now + wait;
        self.0 = Some(self.0.map_or(end, |next| next.max(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn requests_are_spaced() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.reserve(now, SECOND), now);
        assert_eq!(pace.reserve(now, SECOND), now + SECOND);
        assert_eq!(pace.reserve(now, SECOND), now + 2 * SECOND);
        let later = now + 10 * SECOND;
        assert_eq!(pace.reserve(later, SECOND), later, "unused time does not accumulate");
    }

    #[test]
    fn without_a_delay_only_a_rest_causes_waiting() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.reserve(now, Duration::ZERO), now);
        assert_eq!(pace.reserve(now, Duration::ZERO), now);
        pace.rest(now, 3 * SECOND);
        pace.rest(now, SECOND);
        assert_eq!(pace.reserve(now, Duration::ZERO), now + 3 * SECOND);
    }

    #[tokio::test]
    async fn a_host_has_few_turns_at_a_time() {
        let hosts = Hosts::default();
        let url = |text: &str| Url::parse(text).expect(text);
        let host = hosts.of(&url("https://h.example/a"));
        let mut turns = Vec::new();
        for _ in 0..REQUESTS {
            turns.push(host.turn(Duration::ZERO).await);
        }
        let same = hosts.of(&url("https://h.example:443/b?c"));
        assert!(futures::poll!(Box::pin(same.turn(Duration::ZERO))).is_pending());
        let other = hosts.of(&url("http://h.example/a"));
        assert!(futures::poll!(Box::pin(other.turn(Duration::ZERO))).is_ready());
        turns.pop();
        assert!(same.turn(Duration::ZERO).await.is_some());
    }

    #[test]
    fn a_host_that_keeps_failing_is_given_up_until_it_answers() {
        let host = Host::default();
        (0..PATIENCE - 1).for_each(|_| host.failed());
        assert_eq!(host.given_up(), None);
        host.failed();
        assert_eq!(host.given_up(), Some(PATIENCE));
        host.succeeded();
        assert_eq!(host.given_up(), None);
    }
}
