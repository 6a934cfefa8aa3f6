//! Access for the one client of a process: all of its collections, with the rights of the user who started
//! it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::access::{CallCost, CallPermit, ClientAccess, ClientRead, ClientView, resource_url};
use crate::cancel::{self, Cancel};
use crate::error::Failure;
use crate::query::{Answer, AnswerEvent};
use crate::service::Engine;
use crate::service::answering::AskOptions;
use crate::service::retrieval::DocumentFilter;
use crate::types::Locator;

/// See the module.
pub struct LocalAccess {
    /// By collection, the default one first; never empty.
    engines: Vec<(String, Arc<Engine>)>,
    /// Reports what needs attention although the call continues.
    warn: Box<dyn Fn(&str) + Send + Sync>,
    never: Cancel,
    /// Held by the call that is changing a collection.
    writing: Arc<Mutex<()>>,
}

impl LocalAccess {
    pub fn new(
        engines: Vec<(String, Arc<Engine>)>,
        warn: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self { engines, warn: Box::new(warn), never: cancel::pair().1, writing: Arc::default() }
    }
}

#[async_trait]
impl ClientAccess for LocalAccess {
    fn collections(&self) -> Vec<String> {
        self.engines.iter().map(|(name, _)| name.clone()).collect()
    }

    fn view(&self, collection: Option<&str>) -> Result<ClientView, Failure> {
        let mut engines = self.engines.iter();
        let found = engines.find(|(name, _)| collection.is_none_or(|asked| asked == name));
        let Some((name, engine)) = found else {
            let problem = format!("there is no collection `{}`", collection.unwrap_or_default());
            let known = self.collections().join(", ");
            return Err(Failure::usage(problem).hint(format!("the collections are: {known}")));
        };
        Ok(ClientView::new(name.clone(), Arc::clone(engine), Vec::new(), Vec::new()))
    }

    async fn begin(&self, work: CallCost) -> Result<CallPermit, Failure> {
        Ok(CallPermit(match work {
            CallCost::Ingest => Box::new(Arc::clone(&self.writing).lock_owned().await),
            CallCost::Light | CallCost::Search | CallCost::Answer => Box::new(()),
        }))
    }

    async fn answer(
        &self,
        view: &ClientView,
        question: &str,
        filter: DocumentFilter,
        emit: &mut (dyn FnMut(AnswerEvent) + Send),
    ) -> Result<Answer, Failure> {
        let engine = view.engine();
        let filter = view.filter(filter);
        let exchange =
            engine.answer(AskOptions::new(question, &filter, &[]), &self.never, emit).await?;
        let outcome = exchange.answer.as_ref().map_err(Failure::clone);
        let outcome = outcome.and_then(|answer| engine.outcome(question, answer));
        if let Some(warning) = engine.record(&exchange, &outcome).await? {
            (self.warn)(&warning);
        }
        outcome.and(exchange.answer)
    }

    fn saw(&self, _: &ClientRead<'_>) {}

    fn url(&self, collection: &str, source: &str, place: Option<Locator>) -> String {
        resource_url(collection, source, place)
    }

    fn told(&self, failure: Failure) -> Failure {
        failure
    }

    fn is_local(&self) -> bool {
        true
    }

    fn asks_others(&self) -> bool {
        self.engines.iter().any(|(_, engine)| !engine.context.quotes())
    }
}
