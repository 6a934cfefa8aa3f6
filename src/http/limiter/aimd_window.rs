//! How many requests may be in flight. Pure: every call is given the time.
//!
//! The size starts at the configured number, which is also its maximum. A response that says "too many"
//! makes it smaller by three tenths, once for all requests that were sent before; each round of responses
//! then makes it larger by one (additive increase, multiplicative decrease: Chiu and Jain, 1989). A size
//! that was too large is not tried again for a while, as every such trial costs a request.
//!
//! If even the fastest response of a round takes twice as long as usual, and throughput has not grown,
//! requests may be queueing on the server. A smaller window is then tried, and kept if throughput stays the
//! same. The fastest response is compared, so that an endpoint that is slow now and then is not mistaken
//! for a full one.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum number of responses in a round: fewer say little about how fast the endpoint is.
const ROUND: usize = 8;

/// Rounds before a size that was too large is tried again.
const PATIENCE: usize = 16;

/// The number of requests in flight, and its limit.
#[derive(Debug)]
pub(super) struct AimdWindow {
    bound: usize,
    size: usize,
    in_flight: usize,
    /// A request had to wait for room in this round, so the size matters.
    wanted: bool,
    /// Requests sent before this time were sent under another size.
    resized_at: Option<Instant>,
    /// A size that was too large.
    ceiling: Option<usize>,
    /// Rounds at this size.
    rounds: usize,
    round: Option<Round>,
    /// The pace of the round with the fastest responses.
    usual: Option<Pace>,
    /// Size and pace of the larger window, while a smaller one is tried.
    larger: Option<(usize, Pace)>,
}

/// Responses to requests that were sent under the current size.
#[derive(Debug)]
struct Round {
    began: Instant,
    answers: usize,
    fastest: Duration,
}

impl Round {
    fn new(began: Instant) -> Self {
        Self { began, answers: 0, fastest: Duration::MAX }
    }
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Responses per second.
    rate: f64,
    fastest: Duration,
}

impl AimdWindow {
    /// `bound` is the maximum size; 0 is read as 1.
    pub(super) fn new(bound: usize) -> Self {
        let bound = bound.max(1);
        Self {
            bound,
            size: bound,
            in_flight: 0,
            wanted: false,
            resized_at: None,
            ceiling: None,
            rounds: 0,
            round: None,
            usual: None,
            larger: None,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether one more request may be sent. Asked when every other limit allows it.
    pub(super) fn has_room(&mut self) -> bool {
        let room = self.in_flight < self.size;
        self.wanted |= !room;
        room
    }

    pub(super) fn take(&mut self) {
        self.in_flight += 1;
    }

    /// A request ended, with any result.
    pub(super) fn landed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A response to the request that was sent at `left` has arrived.
    pub(super) fn answered(&mut self, left: Instant, now: Instant) {
        if self.resized_at.is_some_and(|resized| left < resized) {
            return;
        }
        // Time is measured between responses, so the first only starts the clock.
        let Some(round) = &mut self.round else {
            self.round = Some(Round::new(now));
            return;
        };
        round.answers += 1;
        round.fastest = round.fastest.min(now - left);
        if round.answers >= self.size.max(ROUND) {
            let seconds = (now - round.began).as_secs_f64();
            let pace = Pace { rate: round.answers as f64 / seconds, fastest: round.fastest };
            self.round = Some(Round::new(now));
            if std::mem::take(&mut self.wanted) && seconds > 0.0 {
                self.rounds += 1;
                self.end_round(pace, now);
            }
        }
    }

    /// The endpoint refused or did not answer the request that was sent at `left`. Returns whether that is
    /// news: of many requests that were sent together, only the first refusal is.
    pub(super) fn overloaded(&mut self, left: Instant, now: Instant) -> bool {
        if self.resized_at.is_some_and(|resized| left < resized) {
            return false;
        }
        self.larger = None;
        let busy = self.in_flight.clamp(1, self.size);
        self.ceiling = Some(busy);
        self.resize(smaller(busy), now);
        true
    }

    fn end_round(&mut self, pace: Pace, now: Instant) {
        let usual = *self.usual.get_or_insert(pace);
        match self.larger.take() {
            Some((size, before)) if pace.rate < before.rate * 0.9 => {
                // The endpoint has become slower, and needs as many in flight as before.
                self.usual = Some(before);
                self.resize(size, now);
            }
            Some((size, _)) => self.ceiling = Some(size),
            None if self.size > 1
                && pace.fastest > usual.fastest * 2
                && pace.rate < usual.rate * 1.2 =>
            {
                self.larger = Some((self.size, pace));
                self.resize(smaller(self.size), now);
            }
            None => self.grow(now),
        }
        if self.usual.is_some_and(|usual| pace.fastest < usual.fastest) {
            self.usual = Some(pace);
        }
    }

    fn grow(&mut self, now: Instant) {
        let next = self.size + 1;
        let tried = self.ceiling.is_some_and(|ceiling| next >= ceiling);
        if next > self.bound || (tried && self.rounds < PATIENCE) {
            return;
        }
        if tried {
            self.ceiling = None;
        }
        self.resize(next, now);
    }

    fn resize(&mut self, size: usize, now: Instant) {
        self.size = size;
        self.resized_at = Some(now);
        self.rounds = 0;
        self.round = None;
        self.wanted = false;
    }
}

fn smaller(size: usize) -> usize {
    (size * 7 / 10).max(1)
}

#[cfg(test)]
mod tests;
