//! Requests to a server, each repeated according to the policy, at the next node if one fails.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use qdrant_client::{Qdrant, QdrantError};
use tokio::sync::Notify;

use super::nodes::{CONNECT, ClusterNode, Nodes};
use super::rights::Rights;
use super::{fault, version};
use crate::error::{BackendError, ExternalService, Fault};
use crate::retry::{RetryPolicy, retry_waiting};
use crate::store::OnWait;
use crate::types::NodeHealth;

/// The clients, and what error messages need. Clones share the connections.
#[derive(Clone)]
pub(super) struct Link {
    nodes: Arc<Nodes>,
    /// The addresses of all nodes.
    pub(super) endpoint: String,
    timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) on_wait: OnWait,
    rights: Rights,
    /// Whether a user was told that the server fails; reset by its next answer.
    told: Arc<AtomicBool>,
    /// Notified when the server answers again.
    back: Arc<Notify>,
    /// Whether a node has accepted a request and not answered in time: it may still carry it out.
    left: Arc<AtomicBool>,
}

impl Link {
    pub(super) fn new(
        nodes: Nodes,
        endpoint: String,
        timeout: Duration,
        retry: RetryPolicy,
        rights: Rights,
    ) -> Self {
        let (nodes, on_wait) = (Arc::new(nodes), Arc::new(|_: &str| ()));
        Self {
            nodes,
            endpoint,
            timeout,
            retry,
            on_wait,
            rights,
            told: Arc::default(),
            back: Arc::default(),
            left: Arc::default(),
        }
    }

    pub(super) async fn ask<T, F, Fut>(&self, request: F) -> Result<T, BackendError>
    where
        F: Fn(Qdrant) -> Fut,
        Fut: Future<Output = Result<T, QdrantError>>,
    {
        self.ask_while(|| std::future::ready(Ok(())), request).await
    }

    /// [`Self::ask`], with a check before each attempt whether it may still be made.
    pub(super) async fn ask_while<T, F, Fut, M, May>(
        &self,
        may: M,
        request: F,
    ) -> Result<T, BackendError>
    where
        F: Fn(Qdrant) -> Fut,
        Fut: Future<Output = Result<T, QdrantError>>,
        M: Fn() -> May,
        May: Future<Output = Result<(), BackendError>>,
    {
        let try_it = || async {
            may().await?;
            self.ask_around(&request).await
        };
        let wait = |delay, error: &BackendError| {
            let wait = self.wait(delay, error.fault);
            self.tell(error);
            wait
        };
        let answer = retry_waiting(&self.retry, wait, try_it).await?;
        self.works();
        Ok(answer)
    }

    /// Waits before a failed request is repeated, as long as the server is silent: waiting requests continue
    /// together when it is back.
    fn wait(&self, delay: Duration, fault: Fault) -> impl Future<Output = ()> + use<> {
        let asked_to_wait = matches!(fault, Fault::Transient { retry_after: Some(_) });
        let back = Arc::clone(&self.back).notified_owned();
        async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = back, if !asked_to_wait => {}
            }
        }
    }

    fn works(&self) {
        if self.told.swap(false, Ordering::Relaxed) {
            self.back.notify_waiters();
        }
    }

    /// Asks all nodes at once, each once and within this time. If none answers, returns one of their errors.
    pub(super) async fn ping(&self, longest: Duration) -> Result<(), BackendError> {
        let mut asked: FuturesUnordered<_> =
            self.nodes().map(|node| node.health(longest)).collect();
        let mut failed = None;
        while let Some(NodeHealth { address, error, .. }) = asked.next().await {
            let Some(why) = error else {
                self.works();
                return Ok(());
            };
            let fault = Fault::Transient { retry_after: None };
            failed = Some(BackendError::new(ExternalService::Store, fault, address, &why));
        }
        failed.map_or(Ok(()), Err)
    }

    /// Asks the node that answered last, and if it fails each of the others. Returns the first error.
    async fn ask_around<T, F, Fut>(&self, request: &F) -> Result<T, BackendError>
    where
        F: Fn(Qdrant) -> Fut,
        Fut: Future<Output = Result<T, QdrantError>>,
    {
        let mut first = None;
        for _ in 0..self.nodes.count() {
            let (number, node) = self.nodes.asked();
            // Boxed: some of the client's futures are tens of kilobytes.
            let answer = Box::pin(request(node.client.clone()));
            let error = match self.whole(node, answer).await {
                Ok(answer) => {
                    node.answered.store(true, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            // A caller that a node asks to wait would reach the same limit elsewhere.
            if !matches!(error.fault, Fault::Transient { retry_after: None }) {
                return Err(error);
            }
            self.nodes.leave(number);
            first.get_or_insert(error);
        }
        // There is at least one node.
        Err(first.unwrap_or_else(|| self.error(Fault::Permanent, "no address of a server")))
    }

    /// Limits a whole answer in time, its end included: the client's limit covers only its beginning, and a
    /// body may trickle.
    async fn whole<T>(
        &self,
        node: &ClusterNode,
        answer: impl Future<Output = Result<T, QdrantError>>,
    ) -> Result<T, BackendError> {
        let fail = |(fault, message): (Fault, String)| {
            BackendError::new(ExternalService::Store, fault, &*node.address, &message)
        };
        let longest = self.timeout.saturating_add(self.timeout.min(CONNECT));
        let others = self.nodes.count() > 1;
        let began = Instant::now();
        let answer = tokio::select! {
            answer = tokio::time::timeout(longest, answer) => answer,
            () = node.stands_still(), if others => {
                self.left.store(true, Ordering::Relaxed);
                return Err(fail(fault::silent()));
            }
        };
        // If an attempt took all its time, the client has made another one by itself, and this answer belongs
        // to that.
        if began.elapsed() >= self.timeout {
            self.left.store(true, Ordering::Relaxed);
        }
        let answer = answer.map_err(|_| fail(fault::overdue(self.timeout)))?;
        let answered = node.answered.load(Ordering::Relaxed);
        answer.map_err(|error| match fault::lacking(&error) {
            Some(said) => fail((Fault::Unauthorized, self.rights.lacking(said))),
            None => fail(fault::describe(&error, self.timeout, answered)),
        })
    }

    /// Whether a request may still be carried out after this process has ended.
    pub(super) fn has_left_requests(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Reports the failure once for all waiting requests.
    fn tell(&self, error: &BackendError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let mut message = format!("Qdrant {} {}", error.endpoint, error.message);
            if let Some(within) = self.retry.within {
                message += &format!("; retrying for {} s", within.as_secs_f32());
            }
            (self.on_wait)(&message);
        }
    }

    /// All nodes that were named.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &ClusterNode> {
        self.nodes.all()
    }

    /// Version of the server; fails if it is too old.
    pub(super) async fn health(&self) -> Result<String, BackendError> {
        let reply = self.ask(|client| async move { client.health_check().await }).await?;
        match version::too_old(&reply.version) {
            Some(why) => Err(self.error(Fault::Permanent, &why)),
            None => Ok(reply.version),
        }
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        BackendError::new(ExternalService::Store, fault, self.endpoint.clone(), message)
    }
}

/// `None` for what does not exist.
pub(super) fn or_missing<T>(answer: Result<T, BackendError>) -> Result<Option<T>, BackendError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.fault == Fault::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an earlier attempt has created, although its answer was lost, exists.
pub(super) fn or_exists<T>(answer: Result<T, QdrantError>) -> Result<(), QdrantError> {
    match answer {
        Err(error) if !fault::already_exists(&error) => Err(error),
        _ => Ok(()),
    }
}
