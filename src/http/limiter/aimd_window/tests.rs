//! A window in front of endpoints of several kinds. The clock is a parameter: nothing waits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

/// What an endpoint does with more requests than it can serve.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    /// Answers this many at a time; the others queue.
    Queues(usize),
    /// Answers this many at a time; the others are refused.
    Refuses(usize),
}

/// Milliseconds that a request takes.
const WORK: u64 = 100;
/// Milliseconds that a refusal takes.
const REFUSAL: u64 = 5;

/// A client that always has another request.
struct Client {
    window: AimdWindow,
    start: Instant,
    now: u64,
    /// End time, start time, and whether it is refused.
    under_way: BinaryHeap<Reverse<(u64, u64, bool)>>,
    /// When each worker of the endpoint is free.
    workers: BinaryHeap<Reverse<u64>>,
    answers: usize,
    refusals: usize,
}

impl Client {
    fn new(bound: usize) -> Self {
        Self {
            window: AimdWindow::new(bound),
            start: Instant::now(),
            now: 0,
            under_way: BinaryHeap::new(),
            workers: BinaryHeap::new(),
            answers: 0,
            refusals: 0,
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// When the endpoint is done with a request that is sent now, and whether it refuses it.
    fn ends(&mut self, endpoint: Endpoint, slowed: u64) -> (u64, bool) {
        match endpoint {
            Endpoint::Refuses(most) if self.under_way.len() >= most => (self.now + REFUSAL, true),
            Endpoint::Refuses(_) => (self.now + WORK * slowed, false),
            Endpoint::Queues(workers) => {
                while self.workers.len() > workers {
                    self.workers.pop();
                }
                let busy = self.workers.len() == workers;
                let free = busy.then(|| self.workers.pop()).flatten();
                let begins = free.map_or(self.now, |Reverse(done)| done.max(self.now));
                self.workers.push(Reverse(begins + WORK * slowed));
                (begins + WORK * slowed, false)
            }
        }
    }

    fn runs(&mut self, endpoint: Endpoint, requests: usize) {
        self.runs_slowed(endpoint, &vec![1; requests]);
    }

    /// One request for each entry of `slowed`, that many times slower than usual.
    fn runs_slowed(&mut self, endpoint: Endpoint, slowed: &[u64]) {
        for factor in slowed {
            while self.window.has_room() {
                self.window.take();
                let (ends, refused) = self.ends(endpoint, *factor);
                self.under_way.push(Reverse((ends, self.now, refused)));
            }
            assert!((1..=self.window.bound).contains(&self.window.size()));
            let Some(Reverse((ends, left, refused))) = self.under_way.pop() else { unreachable!() };
            self.now = ends;
            if refused {
                self.refusals += 1;
                self.window.overloaded(self.at(left), self.at(ends));
            } else {
                self.answers += 1;
                self.window.answered(self.at(left), self.at(ends));
            }
            self.window.landed();
        }
    }
}

#[test]
fn a_healthy_endpoint_is_asked_for_all_that_was_set() {
    for bound in [0, 1, 4, 64] {
        let mut client = Client::new(bound);
        client.runs(Endpoint::Queues(64), 2_000);
        assert_eq!(client.window.size(), bound.max(1));
        assert!(client.window.ceiling.is_none());
    }
}

#[test]
fn refusals_of_one_burst_count_once() {
    let mut window = AimdWindow::new(10);
    let start = Instant::now();
    (0..10).for_each(|_| window.take());
    let refused = |window: &mut AimdWindow, left: u64, at: u64| {
        window.overloaded(start + Duration::from_millis(left), start + Duration::from_millis(at))
    };
    assert!(refused(&mut window, 0, 20));
    assert!(!refused(&mut window, 1, 21));
    assert!(!refused(&mut window, 19, 30));
    assert_eq!(window.size(), 7);
    assert!(refused(&mut window, 20, 40), "this one left afterwards");
    assert_eq!(window.size(), 4);
}

#[test]
fn a_refusal_with_few_in_flight_shrinks_the_window_below_them() {
    let mut window = AimdWindow::new(64);
    let start = Instant::now();
    (0..4).for_each(|_| window.take());
    window.overloaded(start, start);
    assert_eq!(window.size(), 2);
}

#[test]
fn it_settles_below_what_is_refused_and_tries_seldom() {
    let mut client = Client::new(16);
    client.runs(Endpoint::Refuses(3), 100);
    assert!(client.window.size() <= 3);
    client.refusals = 0;
    client.runs(Endpoint::Refuses(3), 2_000);
    assert!((2..=4).contains(&client.window.size()), "{}", client.window.size());
    assert!(client.refusals <= 40, "{} of 2000 were refused", client.refusals);
}

#[test]
fn it_recovers_when_the_endpoint_does() {
    let mut client = Client::new(16);
    client.runs(Endpoint::Refuses(1), 300);
    assert!(client.window.size() <= 2);
    client.runs(Endpoint::Queues(64), 3_000);
    assert_eq!(client.window.size(), 16);
}

#[test]
fn where_requests_wait_for_each_other_fewer_get_as_much_done() {
    let mut client = Client::new(16);
    client.runs(Endpoint::Queues(16), 200);
    assert_eq!(client.window.size(), 16);
    // Other clients have started to use it.
    client.runs(Endpoint::Queues(2), 200);
    assert!(client.window.size() < 12, "{}", client.window.size());
}

#[test]
fn an_endpoint_that_is_slow_for_another_reason_is_asked_for_as_much() {
    let mut client = Client::new(8);
    client.runs(Endpoint::Queues(8), 100);
    client.runs_slowed(Endpoint::Queues(8), &[5; 400]);
    assert_eq!(client.window.size(), 8);
}

#[test]
fn an_answer_that_is_late_now_and_then_changes_nothing() {
    let mut client = Client::new(4);
    let slowed: Vec<u64> = (0..2_000).map(|n| if n % 7 == 0 { 10 } else { 1 }).collect();
    client.runs_slowed(Endpoint::Queues(4), &slowed);
    assert_eq!(client.window.size(), 4);
}

#[test]
fn a_window_that_nobody_fills_says_nothing() {
    let mut window = AimdWindow::new(8);
    let mut now = Instant::now();
    for n in 0..200 {
        window.take();
        let left = now;
        now += Duration::from_millis(WORK + 10 * n);
        window.answered(left, now);
        window.landed();
    }
    assert_eq!(window.size(), 8);
    assert!(window.usual.is_none());
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    prop_oneof![(1_usize..40).prop_map(Endpoint::Queues), (1_usize..40).prop_map(Endpoint::Refuses)]
}

proptest! {
    /// The bounds are asserted at each step.
    #[test]
    fn whatever_comes_it_stays_within_its_bounds_and_recovers(
        bound in 1_usize..40,
        days in proptest::collection::vec((endpoint(), 1_usize..300, 1_u64..9), 1..8),
    ) {
        let mut client = Client::new(bound);
        for (endpoint, requests, slowed) in days {
            client.runs_slowed(endpoint, &vec![slowed; requests]);
        }
        client.runs(Endpoint::Queues(64), 200 * bound.max(ROUND) + 100 * bound);
        prop_assert_eq!(client.window.size(), bound);
    }
}
