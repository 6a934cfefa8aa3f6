//! The clock is a parameter here: a test waits only where another request has to end the wait.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::rate_gate::WINDOW;
use super::*;
use crate::cancel::{self, Stop};
use crate::http::rate_limit_headers::RateLimitLeft;

const SECOND: Duration = Duration::from_secs(1);

fn state(rpm: Option<u64>, tpm: Option<u64>) -> State {
    State::new(Quota { requests_per_minute: rpm, tokens_per_minute: tpm }, usize::MAX)
}

fn limiter(in_flight: usize) -> Arc<Limiter> {
    let backoff = RetryPolicy { base: 8 * SECOND, ..RetryPolicy::default() };
    Arc::new(Limiter::new(Quota::default(), in_flight, backoff, cancel::pair().1))
}

/// Sends one request as soon as it is allowed, and returns the time of sending.
fn leave(state: &mut State, tokens: u64, mut now: Instant) -> Instant {
    while let Some(wait) = state.acquire(tokens, now) {
        let Wait::Until(opens) = wait else { panic!("there is room for any number") };
        assert!(opens > now);
        now = opens;
    }
    now
}

/// Seconds after the start at which requests with these token counts are sent, each answered at once.
fn departures(mut state: State, tokens: &[u64]) -> Vec<u64> {
    let start = Instant::now();
    let mut now = start;
    let mut departures = Vec::new();
    for tokens in tokens {
        now = leave(&mut state, *tokens, now);
        state.release(*tokens);
        departures.push((now - start).as_secs());
        now += SECOND;
    }
    departures
}

#[test]
fn nothing_waits_where_nothing_is_set() {
    assert_eq!(departures(state(None, None), &[1_000_000; 3]), [0, 1, 2]);
}

#[test]
fn requests_a_minute() {
    assert_eq!(departures(state(Some(2), None), &[0; 5]), [0, 1, 61, 62, 122]);
}

#[test]
fn tokens_a_minute() {
    assert_eq!(departures(state(None, Some(100)), &[60, 40, 10, 60, 30]), [0, 1, 61, 62, 63]);
    // A request above the limit is sent on its own.
    assert_eq!(departures(state(None, Some(100)), &[10, 300, 10]), [0, 61, 122]);
}

#[test]
fn a_request_waits_for_both_and_spends_neither_before() {
    let mut state = state(Some(2), Some(100));
    let start = Instant::now();
    leave(&mut state, 100, start);
    assert_eq!(leave(&mut state, 100, start + SECOND), start + WINDOW);
    assert_eq!(state.requests.opens(1, start + WINDOW), start + WINDOW, "one of two is left");
}

#[test]
fn what_the_server_announces_is_obeyed_before_it_is_hit() {
    let start = Instant::now();
    let left = |remaining, seconds| RateLimitLeft { remaining, reset: Some(seconds * SECOND) };

    let mut gate = RateGate::default();
    gate.take(1, start);
    gate.announce(left(1, 20), 1, start);
    gate.landed(1);
    assert_eq!(gate.opens(1, start), start, "one is left");
    gate.take(1, start);
    assert_eq!(gate.opens(1, start), start + 20 * SECOND, "none is");
    assert_eq!(gate.opens(1, start + 20 * SECOND), start + 20 * SECOND);

    let mut tokens = RateGate::default();
    tokens.announce(left(500, 6), 0, start);
    assert_eq!(tokens.opens(500, start), start);
    assert_eq!(tokens.opens(501, start), start + 6 * SECOND);
}

#[test]
fn what_is_under_way_may_not_be_counted_yet() {
    let start = Instant::now();
    let mut gate = RateGate::default();
    (0..3).for_each(|_| gate.take(1, start));
    gate.announce(RateLimitLeft { remaining: 2, reset: Some(9 * SECOND) }, 1, start);
    assert_eq!(gate.opens(1, start), start + 9 * SECOND);
    // The other responses arrive in any order: what they say about the time before does not count.
    gate.landed(1);
    gate.announce(RateLimitLeft { remaining: 4, reset: Some(SECOND) }, 1, start);
    assert_eq!(gate.opens(1, start), start + 9 * SECOND);
}

#[test]
fn a_late_answer_of_an_earlier_window_neither_ends_a_later_one_nor_hides_it() {
    let start = Instant::now();
    let left = |remaining, seconds| RateLimitLeft { remaining, reset: Some(seconds * SECOND) };
    for announced in [[left(1, 9), left(0, 1)], [left(0, 1), left(1, 9)]] {
        let mut gate = RateGate::default();
        for left in announced {
            gate.announce(left, 0, start);
        }
        assert_eq!(gate.opens(1, start), start + SECOND, "{announced:?}");
        assert_eq!(gate.opens(1, start + 2 * SECOND), start + 2 * SECOND, "{announced:?}");
        gate.take(1, start + 2 * SECOND);
        assert_eq!(gate.opens(1, start + 2 * SECOND), start + 9 * SECOND, "{announced:?}");
    }
}

#[test]
fn announcements_that_never_agree_are_few_and_forget_no_limit() {
    let start = Instant::now();
    let mut gate = RateGate::default();
    for one in 1..100 {
        gate.announce(RateLimitLeft { remaining: one, reset: Some(one as u32 * SECOND) }, 0, start);
    }
    (1..100).for_each(|one| {
        let opens = gate.opens(one + 1, start);
        assert!(opens >= start + one as u32 * SECOND, "{one}");
    });
    assert!(gate.opens(100, start) == start + 99 * SECOND);
}

#[test]
fn without_a_reset_a_limit_is_by_the_minute() {
    let start = Instant::now();
    let mut gate = RateGate::default();
    gate.announce(RateLimitLeft { remaining: 1, reset: None }, 0, start);
    assert_eq!(gate.opens(1, start), start);
    gate.announce(RateLimitLeft { remaining: 0, reset: None }, 0, start);
    assert_eq!(gate.opens(1, start), start + WINDOW);
}

#[tokio::test]
async fn a_pause_is_for_all() {
    let limiter = limiter(usize::MAX);
    let (first, second) = (limiter.admit(0).await.unwrap(), limiter.admit(0).await.unwrap());
    first.pause(30 * SECOND);
    second.pause(SECOND);
    let now = Instant::now();
    assert!(matches!(
        limiter.state().acquire(0, now),
        Some(Wait::Until(opens)) if opens > now + 29 * SECOND
    ));
    assert_eq!(limiter.state().acquire(0, now + 30 * SECOND), None);
    // Longer than anyone waits: every waiting request fails.
    first.pause(LONGEST_WAIT + 9 * SECOND);
    for _ in 0..2 {
        assert!(
            matches!(limiter.admit(0).await.err(), Some(LimiterRejection::TooFarOff(wait)) if wait > LONGEST_WAIT)
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_is_overloaded_is_left_alone_by_all() {
    let limiter = limiter(4);
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(limiter.admit(0).await.unwrap());
    }
    assert_eq!(limiter.state().acquire(0, Instant::now()), Some(Wait::ForRoom));
    let seconds = |limiter: &Limiter| {
        let now = Instant::now();
        limiter.state().paused_until.map(|until| (until - now).as_secs_f64().ceil() as u64)
    };
    // One refusal counts for all requests that were sent together, whichever reports it.
    for permit in &sent {
        permit.overloaded(None);
    }
    assert_eq!(limiter.throttled(), Some(ThrottleStats { times: 1, fewest: 2 }));
    assert!(matches!(seconds(&limiter), Some(4..=8)), "half of the backoff, or more");
    // The wait that the server asks for counts even if the refusal is not news.
    sent[3].overloaded(Some(20 * SECOND));
    assert_eq!(seconds(&limiter), Some(20));
    assert_eq!(limiter.throttled(), Some(ThrottleStats { times: 1, fewest: 2 }));
    // Afterwards two may be in flight.
    sent.clear();
    let later = Instant::now() + 20 * SECOND;
    let waits: Vec<_> = (0..3).map(|_| limiter.state().acquire(0, later)).collect();
    assert_eq!(waits, [None, None, Some(Wait::ForRoom)]);
}

#[tokio::test]
async fn a_request_that_waits_for_room_is_sent_when_another_ends() {
    let limiter = limiter(1);
    let first = limiter.admit(0).await.unwrap();
    let land = async { drop(first) };
    let (second, ()) = futures::future::join(limiter.admit(0), land).await;
    assert!(second.is_ok());
}

#[tokio::test]
async fn a_stop_ends_every_wait() {
    let (canceller, cancel) = cancel::pair();
    let quota = Quota { requests_per_minute: Some(1), ..Quota::default() };
    let limiter = Arc::new(Limiter::new(quota, usize::MAX, RetryPolicy::default(), cancel));
    let _sent = limiter.admit(0).await.unwrap();
    let waiting = futures::future::join(limiter.admit(0), limiter.admit(0));
    let stop = async { canceller.cancel(Stop::Deadline) };
    let ((first, second), ()) = futures::future::join(waiting, stop).await;
    assert_eq!([first.err(), second.err()], [Some(LimiterRejection::Stopped); 2]);
}

/// A server that allows `quota` requests in each `window` and announces what is left. `early`: it counts a
/// request on arrival, otherwise when it answers.
struct Server {
    quota: u64,
    window: u64,
    early: bool,
    began: Option<u64>,
    counted: u64,
}

impl Server {
    fn count(&mut self, now: u64) -> RateLimitLeft {
        let began = self.began.filter(|began| now < began + self.window).unwrap_or_else(|| {
            self.counted = 0;
            now
        });
        self.began = Some(began);
        self.counted += 1;
        assert!(self.counted <= self.quota, "over the quota at {now}");
        let reset = Duration::from_millis(began + self.window - now);
        RateLimitLeft { remaining: self.quota - self.counted, reset: Some(reset) }
    }
}

/// Sends requests, `parallel` at a time, whose travel times there and back are `travels`. Returns when the
/// last response arrived, in milliseconds.
fn exchange(server: &mut Server, parallel: usize, travels: &[(u64, u64)]) -> u64 {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut gate = RateGate::default();
    // For each request in flight: when its next event happens, and its number.
    let mut coming: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut going: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut said: Vec<Option<RateLimitLeft>> = vec![None; travels.len()];
    let (mut now, mut sent) = (0, 0);
    loop {
        while sent < travels.len() && coming.len() + going.len() < parallel {
            let opens = (gate.opens(1, at(now)) - start).as_millis() as u64;
            let next = going.iter().chain(coming.iter()).map(|Reverse((at, _))| *at).min();
            if opens > now {
                if next.is_some_and(|next| next <= opens) {
                    break;
                }
                now = opens;
                continue;
            }
            gate.take(1, at(now));
            going.push(Reverse((now + travels[sent].0, sent)));
            sent += 1;
        }
        let arrives = going.peek().map(|Reverse((at, _))| *at);
        let answers = coming.peek().map(|Reverse((at, _))| *at);
        if let (Some(arrival), true) = (arrives, arrives <= answers.or(arrives)) {
            let Some(Reverse((_, number))) = going.pop() else { unreachable!() };
            now = arrival;
            said[number] = server.early.then(|| server.count(now));
            coming.push(Reverse((now + travels[number].1, number)));
        } else if let Some(Reverse((answer, number))) = coming.pop() {
            now = answer;
            let left = said[number].unwrap_or_else(|| server.count(now));
            gate.announce(left, 1, at(now));
            gate.landed(1);
        } else {
            return now;
        }
    }
}

proptest! {
    #[test]
    fn no_minute_holds_more_than_the_limit(
        limit in 1_u64..20,
        requests in proptest::collection::vec((1_u64..25, 0_u64..40), 1..60),
    ) {
        let mut gate = RateGate::new(Some(limit));
        let mut now = Instant::now();
        let mut sent: Vec<(Instant, u64)> = Vec::new();
        for (amount, gap) in requests {
            now += Duration::from_secs(gap);
            let opens = gate.opens(amount, now);
            let within = |from: Instant| -> u64 {
                sent.iter().filter(|(at, _)| *at + WINDOW > from).map(|(_, sent)| sent).sum()
            };
            prop_assert!(within(opens) + amount <= limit || within(opens) == 0);
            let moment = Duration::from_millis(1);
            prop_assert!(opens == now || within(opens - moment) + amount > limit, "waits for nothing");
            now = opens;
            gate.take(amount, now);
            gate.landed(amount);
            sent.push((now, amount));
        }
    }

    #[test]
    fn a_server_that_announces_its_limit_never_has_to_refuse(
        parallel in 1_usize..6,
        spare in 0_u64..20,
        early: bool,
        travels in proptest::collection::vec((0_u64..900, 0_u64..900), 1..80),
    ) {
        // The limit is not known before the first response.
        let quota = parallel as u64 + spare;
        let mut server = Server { quota, window: 2_000, early, began: None, counted: 0 };
        let took = exchange(&mut server, parallel, &travels);
        // All requests get through: at least one in each window.
        prop_assert!(took <= 4_000 * travels.len() as u64);
    }
}
