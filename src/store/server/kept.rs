//! Requests that keep to the [limits](super::limits) of a version.

use std::sync::{Arc, Mutex, PoisonError};

use qdrant_client::qdrant::{ScrollPoints, ScrollResponse};
use tokio::sync::{Mutex as Turn, MutexGuard};

use super::limits::{Limits, Shortfall, is_over};
use super::link::Link;
use crate::error::{BackendError, Fault};

/// Requests to one version, kept within its limits.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) link: Link,
    /// What requests name.
    pub(super) target: String,
    known: Arc<Known>,
}

/// The limits of a version, as far as they are known.
#[derive(Default)]
pub(super) struct Known {
    limits: Mutex<Limits>,
    /// Writes that are counted go one after the other: side by side they would wait for each other's turn
    /// over and over.
    turn: Turn<()>,
}

impl Known {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits: Mutex::new(limits), turn: Turn::default() })
    }

    fn get(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }
}

impl Kept {
    pub(super) fn new(link: Link, target: String, known: Arc<Known>) -> Self {
        Self { link, target, known }
    }

    pub(super) fn limits(&self) -> Limits {
        self.known.get()
    }

    /// The right to send what the server counts; held until it has answered.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.limits().writes == usize::MAX { None } else { Some(self.known.turn.lock().await) }
    }

    /// Does something within the limits; once more where they turn out to be others.
    pub(super) async fn ask<T, F, Fut>(&self, attempt: F) -> Result<T, BackendError>
    where
        F: Fn(Limits) -> Fut,
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

    /// Whether the limits are others than those that a request was made with, which was refused.
    pub(super) async fn learns(&self, limits: Limits, error: &BackendError) -> bool {
        if !is_over(&error.message) {
            return false;
        }
        let target = &self.target;
        let info =
            self.link.ask(|client| async move { client.collection_info(target).await }).await;
        let Some(info) = info.ok().and_then(|info| info.result) else { return false };
        self.known.set(Limits::of(&info));
        self.limits() != limits
    }

    /// A refusal as one of a limit, where it is.
    pub(super) fn told(&self, error: BackendError) -> BackendError {
        if !is_over(&error.message) || error.fault == Fault::Limited {
            return error;
        }
        let message = format!("strict mode of collection {:?} {}", self.target, error.message);
        BackendError { fault: Fault::Limited, ..error.saying(&message) }
    }

    /// What cannot be done for want of more.
    pub(super) fn short(&self, Shortfall { limit, allowed, needed }: Shortfall) -> BackendError {
        let target = &self.target;
        let message = format!(
            "strict mode of collection {target:?} allows {allowed} for {limit}, and this needs {needed}: \
             PATCH /collections/{target} {{\"strict_mode_config\": {{\"{limit}\": {needed}}}}}"
        );
        self.link.error(Fault::Limited, &message)
    }

    /// A page of points, as many as it asks for or less.
    pub(super) async fn page(
        &self,
        request: &ScrollPoints,
    ) -> Result<ScrollResponse, BackendError> {
        let limit = request.limit.unwrap_or(u32::MAX) as usize;
        let filter = request.filter.clone();
        let fitted = |limits: Limits| -> Result<ScrollPoints, BackendError> {
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
