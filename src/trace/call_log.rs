//! Records the calls to models while one question is answered, and how long they take.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{fault_name, milliseconds};
use crate::chat::{ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatStream};
use crate::embed::{BatchLimits, Embedder, TextRole};
use crate::entailment::{EntailmentClaim, EntailmentModel, EntailmentResult};
use crate::error::BackendError;
use crate::http::ThrottleStats;
use crate::rerank::{Reranker, RerankerKind};
use crate::types::{EmbedderId, RerankerId, Usage};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Operation")]
pub enum ModelOperation {
    Embeddings,
    Rerank,
    Chat,
    /// The claims of the answer are compared with their passages.
    Verify,
}

/// One exchange with a model. Times are milliseconds since the question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Call")]
pub struct ModelCall {
    pub operation: ModelOperation,
    pub model: String,
    /// Whether it runs in this process.
    pub local: bool,
    pub began: f64,
    /// Equal to `began` while it goes on.
    pub ended: f64,
    pub answered_by: Option<String>,
    pub finish_reason: Option<String>,
    pub usage: Usage,
    /// The kind of failure, if it failed.
    pub error: Option<String>,
    /// Only for chats. Not part of records, which may have it as content.
    #[serde(skip)]
    pub messages: Option<Vec<ChatMessage>>,
    /// In the endpoint's words.
    #[serde(skip)]
    pub error_message: Option<String>,
}

/// Observes the models while one question is answered: pass the flow the models that [`Self::embedder`],
/// [`Self::reranker`], [`Self::chat`], [`Self::verifier`] and [`Self::entailment`] return.
#[derive(Clone)]
pub struct CallLog {
    started: Instant,
    calls: Arc<Mutex<Vec<ModelCall>>>,
}

impl CallLog {
    /// Starts the clock: the question is asked now.
    #[expect(clippy::new_without_default, reason = "it starts a clock")]
    pub fn new() -> Self {
        Self { started: Instant::now(), calls: Arc::default() }
    }

    /// In the order in which they began.
    pub fn calls(&self) -> Vec<ModelCall> {
        self.lock().clone()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn embedder(&self, inner: &Arc<dyn Embedder>) -> Arc<dyn Embedder> {
        Arc::new(InstrumentedEmbedder { inner: Arc::clone(inner), watch: self.clone() })
    }

    pub fn reranker(&self, inner: &Arc<dyn Reranker>) -> Arc<dyn Reranker> {
        Arc::new(InstrumentedReranker { inner: Arc::clone(inner), watch: self.clone() })
    }

    pub fn chat(&self, inner: Arc<dyn ChatModel>, local: bool) -> Arc<dyn ChatModel> {
        let operation = ModelOperation::Chat;
        Arc::new(InstrumentedChat { inner, operation, local, watch: self.clone() })
    }

    /// A chat model that checks the answer.
    pub fn verifier(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        let operation = ModelOperation::Verify;
        Arc::new(InstrumentedChat { inner, operation, local: false, watch: self.clone() })
    }

    pub fn entailment(&self, inner: &Arc<dyn EntailmentModel>) -> Arc<dyn EntailmentModel> {
        Arc::new(InstrumentedEntailment { inner: Arc::clone(inner), watch: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ModelCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the index of the call, for [`Self::change`].
    fn begin(&self, operation: ModelOperation, model: &str, local: bool) -> usize {
        let now = milliseconds(self.elapsed());
        let mut calls = self.lock();
        calls.push(ModelCall {
            operation,
            model: model.to_owned(),
            local,
            began: now,
            ended: now,
            answered_by: None,
            finish_reason: None,
            usage: Usage::default(),
            error: None,
            messages: None,
            error_message: None,
        });
        calls.len() - 1
    }

    /// Every change extends the call until now.
    fn change(&self, place: usize, change: impl FnOnce(&mut ModelCall)) {
        let now = milliseconds(self.elapsed());
        if let Some(call) = self.lock().get_mut(place) {
            call.ended = now;
            change(call);
        }
    }

    fn fail(&self, place: usize, error: &BackendError) {
        self.change(place, |call| {
            call.error = Some(fault_name(error.fault));
            call.error_message = Some(error.to_string());
        });
    }
}

struct InstrumentedEmbedder {
    inner: Arc<dyn Embedder>,
    watch: CallLog,
}

#[async_trait]
impl Embedder for InstrumentedEmbedder {
    fn id(&self) -> &EmbedderId {
        self.inner.id()
    }

    fn limits(&self) -> BatchLimits {
        self.inner.limits()
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn tokens_embedded(&self) -> u64 {
        self.inner.tokens_embedded()
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        self.inner.throttled()
    }

    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        let id = self.inner.id();
        let place = self.watch.begin(ModelOperation::Embeddings, &id.name, self.inner.is_local());
        let result = self.inner.embed(inputs, role).await;
        match &result {
            Ok(_) => {
                let revision = id.revision.clone();
                self.watch.change(place, |call| call.answered_by = Some(revision));
            }
            Err(error) => self.watch.fail(place, error),
        }
        result
    }
}

struct InstrumentedReranker {
    inner: Arc<dyn Reranker>,
    watch: CallLog,
}

#[async_trait]
impl Reranker for InstrumentedReranker {
    fn id(&self) -> &RerankerId {
        self.inner.id()
    }

    fn kind(&self) -> RerankerKind {
        self.inner.kind()
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let id = self.inner.id();
        let place = self.watch.begin(ModelOperation::Rerank, &id.name, id.endpoint.is_none());
        let result = self.inner.score(question, texts).await;
        match &result {
            Ok(_) => {
                let revision = id.revision.clone();
                self.watch.change(place, |call| call.answered_by = revision);
            }
            Err(error) => self.watch.fail(place, error),
        }
        result
    }
}

struct InstrumentedEntailment {
    inner: Arc<dyn EntailmentModel>,
    watch: CallLog,
}

#[async_trait]
impl EntailmentModel for InstrumentedEntailment {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn revision(&self) -> &str {
        self.inner.revision()
    }

    async fn judge(
        &self,
        claims: &[EntailmentClaim],
    ) -> Result<Vec<EntailmentResult>, BackendError> {
        let place = self.watch.begin(ModelOperation::Verify, self.inner.name(), true);
        let result = self.inner.judge(claims).await;
        match &result {
            Ok(_) => {
                let revision = self.inner.revision().to_owned();
                self.watch.change(place, |call| call.answered_by = Some(revision));
            }
            Err(error) => self.watch.fail(place, error),
        }
        result
    }
}

struct InstrumentedChat {
    inner: Arc<dyn ChatModel>,
    operation: ModelOperation,
    local: bool,
    watch: CallLog,
}

#[async_trait]
impl ChatModel for InstrumentedChat {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn counts_exactly(&self) -> bool {
        self.inner.counts_exactly()
    }

    fn payload(&self, request: &ChatRequest) -> Option<Value> {
        self.inner.payload(request)
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError> {
        let place = self.watch.begin(self.operation, self.inner.name(), self.local);
        let messages = request.messages.clone();
        self.watch.change(place, |call| call.messages = Some(messages));
        let stream = self.inner.stream(request).await;
        let stream = stream.inspect_err(|error| self.watch.fail(place, error))?;
        let watch = self.watch.clone();
        Ok(stream.inspect(move |event| see(&watch, place, event)).boxed())
    }
}

fn see(watch: &CallLog, place: usize, event: &Result<ChatEvent, BackendError>) {
    match event {
        Ok(ChatEvent::Done { finish_reason, model, usage }) => watch.change(place, |call| {
            call.finish_reason = Some(finish_reason.clone());
            call.answered_by = Some(model.clone());
            call.usage = *usage;
        }),
        Ok(_) => watch.change(place, |_| {}),
        Err(error) => watch.fail(place, error),
    }
}
