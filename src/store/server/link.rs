//! Requests to one server, each repeated as the policy says.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use qdrant_client::config::CompressionEncoding;
use qdrant_client::{Qdrant, QdrantError};
use url::Url;

use super::{fault, version};
use crate::error::{BackendError, Fault, Service};
use crate::http::is_loopback;
use crate::retry::{RetryPolicy, retry_telling};
use crate::store::OnWait;

/// The client, and what errors are told with. Clones share the connection.
#[derive(Clone)]
pub(super) struct Link {
    client: Qdrant,
    pub(super) endpoint: String,
    timeout: Duration,
    retry: RetryPolicy,
    pub(super) on_wait: OnWait,
    /// Somebody has been told that the server fails; it has not answered since.
    told: Arc<AtomicBool>,
}

/// A host that is there takes a connection sooner.
const CONNECT: Duration = Duration::from_secs(5);

impl Link {
    /// Connects at the first request. `timeout` is for each one.
    pub(super) fn new(
        endpoint: &str,
        api_key: Option<String>,
        timeout: Duration,
        retry: RetryPolicy,
    ) -> Result<Self, BackendError> {
        let client = Qdrant::from_url(endpoint)
            .compression(compression(endpoint))
            .api_key(api_key)
            .timeout(timeout)
            .connect_timeout(timeout.min(CONNECT))
            // It blocks, and prints on stdout.
            .skip_compatibility_check()
            .build()
            .map_err(|error| {
                let (fault, message) = fault::describe(&error, timeout);
                BackendError::new(Service::Store, fault, endpoint, &message)
            })?;
        Ok(Self {
            client,
            endpoint: endpoint.to_owned(),
            timeout,
            retry,
            on_wait: Arc::new(|_| ()),
            told: Arc::default(),
        })
    }

    pub(super) async fn ask<T, F, Fut>(&self, request: F) -> Result<T, BackendError>
    where
        F: Fn(Qdrant) -> Fut,
        Fut: Future<Output = Result<T, QdrantError>>,
    {
        let answer = retry_telling(
            &self.retry,
            |error| self.tell(error),
            || {
                // Boxed: some of the client's futures are tens of kilobytes.
                let answer = Box::pin(request(self.client.clone()));
                self.whole(answer)
            },
        )
        .await?;
        self.told.store(false, Ordering::Relaxed);
        Ok(answer)
    }

    /// An answer from its beginning, which the client has a limit for, to its end: a body may trickle.
    async fn whole<T>(
        &self,
        answer: impl Future<Output = Result<T, QdrantError>>,
    ) -> Result<T, BackendError> {
        let longest = self.timeout.saturating_add(self.timeout.min(CONNECT));
        let answer = tokio::time::timeout(longest, answer).await;
        let answer = answer.map_err(|_| {
            let (fault, message) = fault::overdue(self.timeout);
            self.error(fault, &message)
        })?;
        answer.map_err(|error| self.failed(&error))
    }

    /// Once for all requests that wait.
    fn tell(&self, error: &BackendError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            (self.on_wait)(&format!("Qdrant {} {}", self.endpoint, error.message));
        }
    }

    /// Version of the server, where it is new enough.
    pub(super) async fn health(&self) -> Result<String, BackendError> {
        let reply = self.ask(|client| async move { client.health_check().await }).await?;
        match version::too_old(&reply.version) {
            Some(why) => Err(self.error(Fault::Permanent, &why)),
            None => Ok(reply.version),
        }
    }

    fn failed(&self, error: &QdrantError) -> BackendError {
        let (fault, message) = fault::describe(error, self.timeout);
        self.error(fault, &message)
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(Service::Store, fault, self.endpoint.clone(), message)
    }
}

/// Not on this machine: 10,000 chunks (256 dimensions, Markdown) are 29 MB. Gzip makes 17 MB of them
/// for half a second of processor time, a third of what the whole ingest takes of it otherwise; over
/// a line of 10 Mbit/s it takes 18 s, not 28 s.
fn compression(endpoint: &str) -> Option<CompressionEncoding> {
    let url = Url::parse(endpoint).ok();
    (!url.is_some_and(|url| is_loopback(&url))).then_some(CompressionEncoding::Gzip)
}

/// `None` for what is not there.
pub(super) fn or_missing<T>(answer: Result<T, BackendError>) -> Result<Option<T>, BackendError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.fault == Fault::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an earlier try has made, whose answer was lost, is there.
pub(super) fn or_exists<T>(answer: Result<T, QdrantError>) -> Result<(), QdrantError> {
    match answer {
        Err(error) if !fault::already_exists(&error) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_compressed() {
        for (endpoint, expected) in [
            ("http://localhost:6334", false),
            ("http://127.0.0.1:6334", false),
            ("http://[::1]:6334", false),
            ("http://10.0.0.7:6334", true),
            ("https://xyz.eu-central.aws.cloud.qdrant.io:6334", true),
        ] {
            assert_eq!(compression(endpoint).is_some(), expected, "{endpoint}");
        }
    }
}
