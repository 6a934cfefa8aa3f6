//! When a request may be sent: within the quota that was set and the limits that the server announces, with
//! no more in flight than the server can take, and never while it has asked for a pause.
//!
//! All requests to an endpoint pass one [`Limiter`], in order of arrival, each retry again. It is own code
//! because no crate covers its core: a limit that the server moves with every response (`governor` and
//! `tower` know fixed rates, each for one quantity, so a request that waits for tokens would have spent its
//! request permit already).

mod aimd_window;
mod rate_gate;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::rate_limit_headers::RateLimits;
use crate::cancel::Cancel;
use crate::retry::{LONGEST_WAIT, RetryPolicy, random_fraction};
use aimd_window::AimdWindow;
use rate_gate::RateGate;

/// What may be asked of an endpoint. What is not set is not limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
}

/// How many times an endpoint was rate-limited or overloaded, and how far concurrency fell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ThrottleStats {
    /// How many times it said so; requests that were refused together count once.
    pub times: u64,
    /// The lowest number of requests allowed in flight.
    pub fewest: usize,
}

/// Why a request may not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimiterRejection {
    /// The run stops.
    Stopped,
    /// The server asks for a pause that is too long to wait for.
    TooFarOff(Duration),
}

pub(crate) struct Limiter {
    state: Mutex<State>,
    /// The holder sends the next request.
    turn: tokio::sync::Mutex<()>,
    /// Notified when a request is no longer in flight.
    landed: Notify,
    /// How long to leave an overloaded endpoint alone that does not say for how long.
    pub(crate) backoff: RetryPolicy,
    cancel: Cancel,
}

impl Limiter {
    /// `cancel` ends every wait.
    pub(crate) fn new(
        quota: Quota,
        in_flight: usize,
        backoff: RetryPolicy,
        cancel: Cancel,
    ) -> Self {
        let state = Mutex::new(State::new(quota, in_flight));
        let (turn, landed) = (tokio::sync::Mutex::default(), Notify::new());
        Self { state, turn, landed, backoff, cancel }
    }

    /// Whether a request's tokens have to be counted before it is sent.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.state().tokens.counts()
    }

    /// Tokens billed so far.
    pub(crate) fn billed(&self) -> u64 {
        self.state().billed
    }

    /// `None` if the endpoint never refused for load.
    pub(crate) fn throttled(&self) -> Option<ThrottleStats> {
        Some(self.state().throttled).filter(|throttled| throttled.times > 0)
    }

    /// Waits until a request of `tokens` tokens may be sent.
    pub(crate) async fn admit(self: &Arc<Self>, tokens: u64) -> Result<Permit, LimiterRejection> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(LimiterRejection::Stopped),
            admitted = self.wait(tokens) => admitted,
        }
    }

    async fn wait(self: &Arc<Self>, tokens: u64) -> Result<Permit, LimiterRejection> {
        let _turn = self.turn.lock().await;
        loop {
            let now = Instant::now();
            let wait = self.state().acquire(tokens, now);
            match wait {
                None => {
                    let admitted = Admitted { limiter: Arc::clone(self), tokens, left: now };
                    return Ok(Permit(Arc::new(admitted)));
                }
                Some(Wait::Until(opens)) if opens - now > LONGEST_WAIT => {
                    return Err(LimiterRejection::TooFarOff(opens - now));
                }
                Some(Wait::Until(opens)) => sleep_until(opens).await,
                Some(Wait::ForRoom) => self.landed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permission to send one request, which is in flight until the last clone is dropped.
#[derive(Clone)]
pub struct Permit(Arc<Admitted>);

struct Admitted {
    limiter: Arc<Limiter>,
    tokens: u64,
    left: Instant,
}

impl Permit {
    /// The response has arrived; the request cost `tokens` tokens.
    pub fn bill(&self, tokens: u64) {
        self.0.limiter.state().billed += tokens;
    }

    /// The response says what is left of the server's limits.
    pub(crate) fn announce(&self, announced: RateLimits) {
        let now = Instant::now();
        let mut state = self.0.limiter.state();
        if let Some(left) = announced.requests {
            state.requests.announce(left, 1, now);
        }
        if let Some(left) = announced.tokens {
            state.tokens.announce(left, self.0.tokens, now);
        }
    }

    /// The response was a success.
    pub fn answered(&self) {
        let mut state = self.0.limiter.state();
        state.in_a_row = 0;
        state.window.answered(self.0.left, Instant::now());
    }

    /// The server asks for a pause; all requests wait.
    pub(crate) fn pause(&self, wait: Duration) {
        self.0.limiter.state().pause(wait, Instant::now());
    }

    /// The server is overloaded. All requests wait for as long as it says, or else longer with each refusal
    /// in a row; afterwards fewer are in flight at a time.
    pub fn overloaded(&self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.0.limiter.state();
        let news = state.overloaded(self.0.left, now);
        let backoff = self.0.limiter.backoff;
        let chosen =
            || news.then(|| backoff.ceiling(state.in_a_row).mul_f64(0.5 + random_fraction() / 2.0));
        if let Some(wait) = retry_after.or_else(chosen) {
            state.pause(wait, now);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.limiter.state().release(self.tokens);
        self.limiter.landed.notify_one();
    }
}

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    Until(Instant),
    /// Until another request is no longer in flight.
    ForRoom,
}

struct State {
    requests: RateGate,
    tokens: RateGate,
    window: AimdWindow,
    paused_until: Option<Instant>,
    /// How many times in a row it was overloaded, since its last success.
    in_a_row: u32,
    throttled: ThrottleStats,
    /// Tokens billed so far.
    billed: u64,
}

impl State {
    fn new(quota: Quota, in_flight: usize) -> Self {
        Self {
            requests: RateGate::new(quota.requests_per_minute),
            tokens: RateGate::new(quota.tokens_per_minute),
            window: AimdWindow::new(in_flight),
            paused_until: None,
            in_a_row: 0,
            throttled: ThrottleStats::default(),
            billed: 0,
        }
    }

    /// What a request of `tokens` tokens has to wait for; `None`: it has been counted as sent.
    fn acquire(&mut self, tokens: u64, now: Instant) -> Option<Wait> {
        let opens = self.requests.opens(1, now).max(self.tokens.opens(tokens, now));
        let opens = self.paused_until.map_or(opens, |until| opens.max(until));
        if opens > now {
            return Some(Wait::Until(opens));
        }
        if !self.window.has_room() {
            return Some(Wait::ForRoom);
        }
        self.requests.take(1, now);
        self.tokens.take(tokens, now);
        self.window.take();
        None
    }

    fn release(&mut self, tokens: u64) {
        self.requests.landed(1);
        self.tokens.landed(tokens);
        self.window.landed();
    }

    fn pause(&mut self, wait: Duration, now: Instant) {
        self.paused_until = self.paused_until.max(now.checked_add(wait));
    }

    /// Returns whether this refusal is news (see [`AimdWindow::overloaded`]).
    fn overloaded(&mut self, left: Instant, now: Instant) -> bool {
        let news = self.window.overloaded(left, now);
        if news {
            let ThrottleStats { times, fewest } = &mut self.throttled;
            *fewest =
                if *times == 0 { self.window.size() } else { self.window.size().min(*fewest) };
            *times += 1;
            self.in_a_row += 1;
        }
        news
    }
}
