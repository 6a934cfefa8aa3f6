//! When a request may leave: within the quota that was set, the limits that the server announces,
//! and never while it has asked to be left alone.
//!
//! One [`Limiter`] stands before all requests to an endpoint. They pass in order of arrival, each
//! try anew. It is own code because no crate has the middle of it: a limit that the server moves
//! with every answer (`governor` and `tower` know fixed rates, each for one thing, so a request that
//! waits for tokens would have spent its turn already).

mod gate;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::announced::Announced;
use crate::cancel::Cancel;
use crate::retry::LONGEST_WAIT;
use gate::Gate;

/// What may be asked of an endpoint. What is not set is not limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    pub requests_per_minute: Option<u64>,
    pub tokens_per_minute: Option<u64>,
}

/// Why a request may not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// The run stops.
    Stopped,
    /// The server wants to be left alone for longer than anyone waits.
    TooFarOff(Duration),
}

pub(super) struct Limiter {
    state: Mutex<State>,
    /// Whoever has it is the next to leave.
    turn: tokio::sync::Mutex<()>,
    cancel: Cancel,
}

impl Limiter {
    /// `cancel` ends every wait.
    pub(super) fn new(quota: Quota, cancel: Cancel) -> Self {
        let state = State {
            requests: Gate::new(quota.requests_per_minute),
            tokens: Gate::new(quota.tokens_per_minute),
            ..State::default()
        };
        Self { state: Mutex::new(state), turn: tokio::sync::Mutex::default(), cancel }
    }

    /// Whether a request's tokens need to be counted before it leaves.
    pub(super) fn counts_tokens(&self) -> bool {
        self.state().tokens.counts()
    }

    /// Tokens billed so far.
    pub(super) fn billed(&self) -> u64 {
        self.state().billed
    }

    /// Waits until a request of so many tokens may leave.
    pub(super) async fn admit(self: &Arc<Self>, tokens: u64) -> Result<Permit, Held> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Held::Stopped),
            admitted = self.wait(tokens) => admitted,
        }
    }

    async fn wait(self: &Arc<Self>, tokens: u64) -> Result<Permit, Held> {
        let _turn = self.turn.lock().await;
        loop {
            let now = Instant::now();
            let opens = self.state().leave(tokens, now);
            if opens == now {
                let limiter = Arc::clone(self);
                return Ok(Permit(Arc::new(Admitted { limiter, tokens })));
            }
            if opens - now > LONGEST_WAIT {
                return Err(Held::TooFarOff(opens - now));
            }
            sleep_until(opens).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request. Until the last clone is dropped, the request is under way.
#[derive(Clone)]
pub struct Permit(Arc<Admitted>);

struct Admitted {
    limiter: Arc<Limiter>,
    tokens: u64,
}

impl Permit {
    /// The request is answered, and cost so many tokens.
    pub fn bill(&self, tokens: u64) {
        self.0.limiter.state().billed += tokens;
    }

    /// The answer says what is left of the server's limits.
    pub(super) fn announce(&self, announced: Announced) {
        let now = Instant::now();
        let mut state = self.0.limiter.state();
        if let Some(left) = announced.requests {
            state.requests.announce(left, 1, now);
        }
        if let Some(left) = announced.tokens {
            state.tokens.announce(left, self.0.tokens, now);
        }
    }

    /// The server asks for a pause, of everybody.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now().checked_add(wait);
        let mut state = self.0.limiter.state();
        state.paused_until = state.paused_until.max(until);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.limiter.state().land(self.tokens);
    }
}

#[derive(Default)]
struct State {
    requests: Gate,
    tokens: Gate,
    paused_until: Option<Instant>,
    /// Tokens.
    billed: u64,
}

impl State {
    /// When a request of so many tokens may leave. Where that is `now`, it has left.
    fn leave(&mut self, tokens: u64, now: Instant) -> Instant {
        let opens = self.requests.opens(1, now).max(self.tokens.opens(tokens, now));
        let opens = self.paused_until.map_or(opens, |until| opens.max(until));
        if opens == now {
            self.requests.take(1, now);
            self.tokens.take(tokens, now);
        }
        opens
    }

    fn land(&mut self, tokens: u64) {
        self.requests.landed(1);
        self.tokens.landed(tokens);
    }
}
