//! Requests that stay within the [limits](super::limits) of a version.

use std::sync::{Arc, Mutex, PoisonError};

use qdrant_client::qdrant::{ScrollPoints, ScrollResponse};
use tokio::sync::{Mutex as Turn, MutexGuard};

use super::limits::{Shortfall, StrictLimits, is_over};
use super::link::Link;
use crate::error::{BackendError, Fault};

/// Requests to one version, within its limits.
#[derive(Clone)]
pub(super) struct LimitedClient {
    pub(super) link: Link,
    /// The collection name in requests.
    pub(super) target: String,
    known: Arc<KnownLimits>,
}

/// The limits of a version, as far as known.
#[derive(Default)]
pub(super) struct KnownLimits {
    limits: Mutex<StrictLimits>,
    /// Writes that the server counts are sent one after the other: concurrently, they would keep waiting for
    /// each other's turn.
    turn: Turn<()>,
}

impl KnownLimits {
    pub(super) fn new(limits: StrictLimits) -> Arc<Self> {
        Arc::new(Self { limits: Mutex::new(limits), turn: Turn::default() })
    }

    fn get(&self) -> StrictLimits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, limits: StrictLimits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}

impl LimitedClient {
    pub(super) fn new(link: Link, target: String, known: Arc<KnownLimits>) -> Self {
        Self { link, target, known }
    }

    pub(super) fn limits(&self) -> StrictLimits {
        self.known.get()
    }

    /// The right to send what the server counts; held until it has answered.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.limits().writes == usize::MAX { None } else { Some(self.known.turn.lock().await) }
    }

    /// Runs a request within the limits; once more if the limits turn out to be different.
    pub(super) async fn ask<T, F, Fut>(&self, attempt: F) -> Result<T, BackendError>
    where
        F: Fn(StrictLimits) -> Fut,
        Fut: Future<Output = Result<T, BackendError>>,
    {
        let limits = self.limits();
        match attempt(limits).await {
            Err(error) if self.learns(limits, &error).await => {
                attempt(self.limits()).await.map_err(|error| self.told(error))
            }
            answer => answer.map_err(|error| self.told(error)),
        }
    }

    /// Whether the limits differ from those that the refused request was made with.
    pub(super) async fn learns(&self, limits: StrictLimits, error: &BackendError) -> bool {
        if !is_over(&error.message) {
            return false;
        }
        let target = &self.target;
        let info =
            self.link.ask(|client| async move { client.collection_info(target).await }).await;
        let Some(info) = info.ok().and_then(|info| info.result) else { return false };
        self.known.set(StrictLimits::of(&info));
        self.limits() != limits
    }

    /// Turns a refusal because of a limit into the error for that limit.
    pub(super) fn told(&self, error: BackendError) -> BackendError {
        if !is_over(&error.message) || error.fault == Fault::Limited {
            return error;
        }
        let message = format!("strict mode of collection {:?} {}", self.target, error.message);
        BackendError { fault: Fault::Limited, ..error.saying(&message) }
    }

    /// The error for a request that needs more than a limit allows.
    pub(super) fn short(&self, Shortfall { limit, allowed, needed }: Shortfall) -> BackendError {
        let target = &self.target;
        let message = format!(
            "strict mode of collection {target:?} allows {allowed} for {limit}, and this needs {needed}: \
             PATCH /collections/{target} {{\"strict_mode_config\": {{\"{limit}\": {needed}}}}}"
        );
        self.link.error(Fault::Limited, &message)
    }

    /// A page of points: as many as requested, or fewer.
    pub(super) async fn page(
        &self,
        request: &ScrollPoints,
    ) -> Result<ScrollResponse, BackendError> {
        let limit = request.limit.unwrap_or(u32::MAX) as usize;
        let filter = request.filter.clone();
        let fitted = |limits: StrictLimits| -> Result<ScrollPoints, BackendError> {
            let filter = filter.clone().map(|filter| limits.fit(filter)).transpose();
            let filter = filter.map_err(|short| self.short(short))?;
            let limit = u32::try_from(limits.paged(limit)).unwrap_or(u32::MAX);
            Ok(ScrollPoints { filter, limit: Some(limit), ..request.clone() })
        };
        self.ask(|limits| {
            let request = fitted(limits);
            async move {
                let request = request?;
                let page = self.link.ask(|client| {
                    let request = request.clone();
                    async move { client.scroll(request).await }
                });
                page.await
            }
        })
        .await
    }
}
