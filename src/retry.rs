//! The one retry policy for everything outside the process.

use std::future::Future;
use std::time::Duration;

use crate::error::{BackendError, Fault};

/// How often and how patiently a transient fault is tried again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// Tries in all, the first included.
    pub attempts: u32,
    /// Pause before the second try; doubled before each further one.
    pub base: Duration,
    /// Longest pause.
    pub max: Duration,
}

/// Runs `op` until it succeeds, fails for good, or the attempts are used up.
pub async fn retry<T, F, Fut>(policy: &RetryPolicy, mut op: F) -> Result<T, BackendError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, BackendError>>,
{
    let mut attempt = 1;
    loop {
        let error = match op().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Fault::Transient { retry_after } = error.fault else { return Err(error) };
        if attempt >= policy.attempts {
            return Err(error);
        }
        let backoff = policy.base.saturating_mul(1 << (attempt - 1).min(16)).min(policy.max);
        tokio::time::sleep(retry_after.unwrap_or(backoff)).await;
        attempt += 1;
    }
}
