//! The one retry policy for everything outside the process.
//!
//! Only [`Fault::Transient`] is tried again: a wrong key, an unknown model or an input that is too
//! long would fail the same way. The wait before try `n` is drawn from `0..=base * 2^n`, capped at
//! `max`: "full jitter", which clears a crowd of clients soonest (Marc Brooker, "Exponential Backoff And
//! Jitter", AWS Architecture Blog, 2015). A wait that the server asks for is the lower bound; one longer
//! than [`LONGEST_WAIT`] ends the retries, because a person at a terminal would rather know. Retries end
//! after a number of attempts, or after a time.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::error::{BackendError, Fault};

/// The longest wait that a server may ask for before docent gives up instead.
pub const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// How many times and for how long a failing request is retried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetryPolicy {
    /// Total number of requests, the first one included. 0 is read as 1.
    pub attempts: u32,
    /// Replaces the number of requests: the last request starts this long after the first.
    pub within: Option<Duration>,
    /// Upper bound of the first wait; doubles with every try.
    pub base: Duration,
    /// Upper bound of every wait that docent chooses itself.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let (base, max) = (Duration::from_millis(500), Duration::from_secs(30));
        Self { attempts: 5, within: None, base, max }
    }
}

impl RetryPolicy {
    /// The longest wait after `tries` failed requests.
    pub(crate) fn ceiling(&self, tries: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.max)
    }
}

/// Runs `op` until it succeeds, fails for good, or the policy is exhausted. The error of the last
/// try is returned; its message says how many tries there were when there was more than one.
pub async fn retry<T, F, Fut>(policy: &RetryPolicy, op: F) -> Result<T, BackendError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BackendError>>,
{
    retry_waiting(policy, |delay, _| tokio::time::sleep(delay), op).await
}

/// Like [`retry`], but the caller does the waiting: `wait` is given the longest wait and the error that
/// caused it.
pub async fn retry_waiting<T, F, Fut, S>(
    policy: &RetryPolicy,
    wait: impl FnMut(Duration, &BackendError) -> S,
    op: F,
) -> Result<T, BackendError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BackendError>>,
    S: Future<Output = ()>,
{
    retry_with(policy, op, Clock::start(), wait).await
}

/// Like [`retry`], but `cancel` ends its waits: `op` is then called once more, and is expected to refuse.
pub async fn retry_until<T, F, Fut>(
    policy: &RetryPolicy,
    cancel: &Cancel,
    op: F,
) -> Result<T, BackendError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BackendError>>,
{
    let wait = |delay, _: &BackendError| async move {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = cancel.cancelled() => {}
        }
    };
    retry_with(policy, op, Clock::start(), wait).await
}

/// What a schedule needs and cannot know itself: the time since the first request, and a number in
/// `0.0..1.0` for each wait.
struct Clock<E, R> {
    elapsed: E,
    fraction: R,
}

impl Clock<(), ()> {
    fn start() -> Clock<impl FnMut() -> Duration, fn() -> f64> {
        let start = Instant::now();
        Clock { elapsed: move || start.elapsed(), fraction: random_fraction }
    }
}

/// [`retry`] with its sources of nondeterminism as parameters: the clock, and the wait itself, which is
/// given the error.
async fn retry_with<T, F, Fut, S>(
    policy: &RetryPolicy,
    mut op: F,
    mut clock: Clock<impl FnMut() -> Duration, impl FnMut() -> f64>,
    mut sleep: impl FnMut(Duration, &BackendError) -> S,
) -> Result<T, BackendError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BackendError>>,
    S: Future<Output = ()>,
{
    let mut tries = 0;
    loop {
        let error = match op().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        tries += 1;
        let so_far = SoFar { tries, elapsed: (clock.elapsed)() };
        match next_step(policy, so_far, error.fault, (clock.fraction)()) {
            Step::Wait(delay) => sleep(delay, &error).await,
            Step::GiveUp => return Err(after(policy, tries, &error)),
            Step::TooFarOff(wait) => return Err(too_far_off(wait, &error)),
        }
    }
}

/// What follows a failed try.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Wait(Duration),
    GiveUp,
    /// The server asks for a wait over [`LONGEST_WAIT`].
    TooFarOff(Duration),
}

/// Number of requests made, and the time since the first one.
#[derive(Clone, Copy)]
struct SoFar {
    tries: u32,
    elapsed: Duration,
}

/// The schedule after the last request ended with `fault`; `fraction` in `0.0..1.0`.
fn next_step(policy: &RetryPolicy, so_far: SoFar, fault: Fault, fraction: f64) -> Step {
    let SoFar { tries, elapsed } = so_far;
    let Fault::Transient { retry_after } = fault else {
        return Step::GiveUp;
    };
    if let Some(wait) = retry_after.filter(|wait| *wait > LONGEST_WAIT) {
        return Step::TooFarOff(wait);
    }
    let left = policy.within.map(|within| within.saturating_sub(elapsed));
    if left.map_or(tries >= policy.attempts.max(1), |left| left.is_zero()) {
        return Step::GiveUp;
    }
    let wait = match retry_after {
        // A little more than asked, so that clients that were given the same wait do not all return at
        // once.
        Some(wait) => wait + policy.base.min(policy.max).mul_f64(fraction),
        None => policy.ceiling(tries).mul_f64(fraction),
    };
    // The last request is made when the time is up.
    Step::Wait(left.map_or(wait, |left| wait.min(left)))
}

fn after(policy: &RetryPolicy, tries: u32, error: &BackendError) -> BackendError {
    match policy.within {
        _ if tries == 1 => error.clone(),
        Some(within) => error.saying(&format!("for {} s: {}", within.as_secs_f32(), error.message)),
        None => error.saying(&format!("after {tries} tries: {}", error.message)),
    }
}

fn too_far_off(wait: Duration, error: &BackendError) -> BackendError {
    let seconds = wait.as_secs();
    let wait = match seconds {
        0..=599 => format!("{seconds} seconds"),
        600..=7199 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    };
    error.saying(&format!("it asks for a wait of {wait}: {}", error.message))
}

/// Uniform in `0.0..1.0`. The standard library gives every [`RandomState`] a new seed, which is random
/// enough to spread waits.
pub(crate) fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::error::ExternalService;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> RetryPolicy {
        RetryPolicy { attempts: 4, within: None, base: SECOND, max: 3 * SECOND }
    }

    fn error(fault: Fault) -> BackendError {
        BackendError::new(ExternalService::Chat, fault, "http://localhost", "no luck")
    }

    fn transient(seconds: u64) -> Fault {
        Fault::Transient { retry_after: (seconds > 0).then(|| Duration::from_secs(seconds)) }
    }

    /// Runs `faults` one after the other, then success; gives the outcome and the waits.
    async fn run(faults: &[Fault], fraction: f64) -> (Result<u32, BackendError>, Vec<Duration>) {
        run_as(&policy(), faults, fraction).await
    }

    /// Only the waits take time.
    async fn run_as(
        policy: &RetryPolicy,
        faults: &[Fault],
        fraction: f64,
    ) -> (Result<u32, BackendError>, Vec<Duration>) {
        let tries = Cell::new(0_usize);
        let waits = RefCell::new(Vec::new());
        let op = async || {
            let fault = faults.get(tries.replace(tries.get() + 1));
            fault.map_or(Ok(7), |fault| Err(error(*fault)))
        };
        let sleep = |wait, _: &BackendError| {
            waits.borrow_mut().push(wait);
            std::future::ready(())
        };
        let elapsed = || waits.borrow().iter().sum();
        let clock = Clock { elapsed, fraction: || fraction };
        let outcome = retry_with(policy, op, clock, sleep).await;
        (outcome, waits.into_inner())
    }

    #[test]
    fn schedule() {
        let table = [
            // tries, fault, fraction -> step
            (1, transient(0), 1.0, Step::Wait(SECOND)),
            (1, transient(0), 0.25, Step::Wait(SECOND / 4)),
            (2, transient(0), 1.0, Step::Wait(2 * SECOND)),
            (3, transient(0), 1.0, Step::Wait(3 * SECOND)),
            (3, transient(0), 0.0, Step::Wait(Duration::ZERO)),
            (4, transient(0), 1.0, Step::GiveUp),
            (1, transient(10), 0.0, Step::Wait(10 * SECOND)),
            (1, transient(10), 0.5, Step::Wait(10 * SECOND + SECOND / 2)),
            (3, transient(120), 0.0, Step::Wait(120 * SECOND)),
            (1, transient(121), 0.0, Step::TooFarOff(121 * SECOND)),
            (4, transient(10), 0.0, Step::GiveUp),
            (1, Fault::Unauthorized, 0.0, Step::GiveUp),
            (1, Fault::NotFound, 0.0, Step::GiveUp),
            (1, Fault::TooLong, 0.0, Step::GiveUp),
            (1, Fault::Busy, 0.0, Step::GiveUp),
            (1, Fault::Permanent, 0.0, Step::GiveUp),
        ];
        for (tries, fault, fraction, expected) in table {
            let so_far = SoFar { tries, elapsed: Duration::ZERO };
            let step = next_step(&policy(), so_far, fault, fraction);
            assert_eq!(step, expected, "try {tries}, {fault:?}, {fraction}");
        }
    }

    #[test]
    fn late_tries_do_not_overflow() {
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        let so_far = SoFar { tries: 4_000, elapsed: Duration::ZERO };
        assert_eq!(next_step(&policy, so_far, transient(0), 1.0), Step::Wait(policy.max));
    }

    #[tokio::test]
    async fn transient_faults_are_tried_again_until_they_pass() {
        let (outcome, waits) = run(&[transient(0), transient(5)], 0.5).await;
        assert_eq!(outcome, Ok(7));
        assert_eq!(waits, [SECOND / 2, 5 * SECOND + SECOND / 2]);
    }

    #[tokio::test]
    async fn requests_are_repeated_until_the_time_is_up() {
        let policy = RetryPolicy { within: Some(20 * SECOND), ..policy() };
        let (outcome, waits) = run_as(&policy, &[transient(0); 99], 1.0).await;
        assert_eq!(waits.iter().sum::<Duration>(), 20 * SECOND, "the last at its end: {waits:?}");
        assert_eq!(waits.len(), 8, "1, 2, 3, 3, 3, 3, 3 and the rest: {waits:?}");
        assert!(outcome.is_err_and(|error| error.message == "for 20 s: no luck"));
        let (outcome, waits) = run_as(&policy, &[transient(15), transient(15)], 0.0).await;
        assert_eq!((outcome, waits), (Ok(7), vec![15 * SECOND, 5 * SECOND]));
        let (outcome, _) = run_as(&policy, &[transient(0), Fault::Permanent], 1.0).await;
        assert!(outcome.is_err(), "what no try can help ends it at once");
    }

    #[tokio::test]
    async fn the_last_error_counts_the_tries() {
        let (outcome, waits) = run(&[transient(0); 9], 1.0).await;
        assert_eq!(outcome.map_err(|e| e.message), Err("after 4 tries: no luck".to_owned()));
        assert_eq!(waits.len(), 3);
    }

    #[tokio::test]
    async fn permanent_faults_are_tried_once() {
        for fault in [Fault::Unauthorized, Fault::NotFound, Fault::TooLong, Fault::Permanent] {
            let (outcome, waits) = run(&[fault; 2], 1.0).await;
            assert_eq!(outcome, Err(error(fault)), "returned as it was");
            assert!(waits.is_empty(), "{fault:?} was waited for");
        }
    }

    #[tokio::test]
    async fn a_wait_of_hours_is_reported_instead_of_waited() {
        let (outcome, waits) = run(&[transient(7_200)], 1.0).await;
        let message = outcome.map_err(|e| e.message);
        assert_eq!(message, Err("it asks for a wait of 2 hours: no luck".to_owned()));
        assert!(waits.is_empty());
    }

    #[test]
    fn fractions_are_fractions_and_differ() {
        let drawn: Vec<f64> = (0..64).map(|_| random_fraction()).collect();
        assert!(drawn.iter().all(|f| (0.0..1.0).contains(f)), "{drawn:?}");
        assert!(drawn.windows(2).any(|pair| pair[0] > pair[1]), "{drawn:?}");
        assert!(drawn.windows(2).any(|pair| pair[0] < pair[1]), "{drawn:?}");
    }
}
