//! An embedder with a recording.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::format::{EmbedAnswer, EmbedRequest, EmbedderAnswer, EmbedderRequest, RecordingEntry};
use super::{Mode, Recording};
use crate::embed::{BatchLimits, Embedder, TextRole, Vector};
use crate::error::{BackendError, Fault};
use crate::http::ThrottleStats;
use crate::types::EmbedderId;

/// Connects to an endpoint, recording what it says about its model. A replay asks no endpoint: `connect` gets
/// the recorded reply, which is all it needs.
///
/// `connect` is called with what is known of the model; if that is something, it must not send anything.
pub async fn connect<E, C, F>(
    tape: &Arc<Recording>,
    request: EmbedderRequest,
    known: Option<EmbedderId>,
    connect: C,
) -> Result<Arc<dyn Embedder>, BackendError>
where
    E: Embedder + 'static,
    C: FnOnce(Option<EmbedderId>) -> F,
    F: Future<Output = Result<E, BackendError>>,
{
    let (known, asks) = match (&tape.0, known) {
        (Mode::Replay(player), None) => {
            let answer = player.embedder(&request)?;
            return Ok(recorded(
                tape,
                Arc::new(connect(Some(answer.embedder)).await?),
                answer.tokens,
            ));
        }
        (_, known) => {
            let asks = known.is_none();
            (known, asks)
        }
    };
    let connected = connect(known).await;
    if let (Mode::Record(recorder), true) = (&tape.0, asks) {
        let (answer, error) = match &connected {
            Ok(embedder) => {
                let (embedder, tokens) = (embedder.id().clone(), embedder.tokens_embedded());
                (Some(EmbedderAnswer { embedder, tokens }), None)
            }
            Err(error) => (None, Some(error.clone())),
        };
        if error.as_ref().is_none_or(|error| error.fault != Fault::Stopped) {
            recorder.append(&RecordingEntry::Embedder { request, answer, error })?;
        }
    }
    let embedder = connected?;
    let tokens = embedder.tokens_embedded();
    Ok(recorded(tape, Arc::new(embedder), tokens))
}

/// `inner` with a recording. `tokens` is what it has embedded so far.
pub fn recorded(tape: &Arc<Recording>, inner: Arc<dyn Embedder>, tokens: u64) -> Arc<dyn Embedder> {
    if inner.is_local() || matches!(tape.0, Mode::Off) {
        return inner;
    }
    Arc::new(Recorded { inner, tape: Arc::clone(tape), tokens: AtomicU64::new(tokens) })
}

struct Recorded {
    inner: Arc<dyn Embedder>,
    tape: Arc<Recording>,
    /// Tokens of all exchanges that were recorded or replayed.
    tokens: AtomicU64,
}

#[async_trait]
impl Embedder for Recorded {
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
        match self.tape.0 {
            Mode::Replay(_) => self.tokens.load(Ordering::Relaxed),
            Mode::Off | Mode::Record(_) => self.inner.tokens_embedded(),
        }
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        self.inner.throttled()
    }

    async fn embed(
        &self,
        inputs: &[String],
        role: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        match &self.tape.0 {
            Mode::Off => self.inner.embed(inputs, role).await,
            Mode::Replay(player) => {
                let texts = player.embed(&self.request(inputs, role))?;
                let tokens = texts.iter().map(|text| text.tokens).sum();
                self.tokens.fetch_add(tokens, Ordering::Relaxed);
                Ok(texts.into_iter().map(|text| text.vector).collect())
            }
            Mode::Record(recorder) => {
                let result = self.inner.embed(inputs, role).await;
                let stopped = result.as_ref().is_err_and(|error| error.fault == Fault::Stopped);
                if !stopped {
                    let request = self.request(inputs, role);
                    recorder.append(&self.entry(request, result.clone()))?;
                }
                result
            }
        }
    }
}

impl Recorded {
    fn request(&self, inputs: &[String], role: TextRole) -> EmbedRequest {
        let id = self.inner.id();
        let prefix = match role {
            TextRole::Document => &id.document_prefix,
            TextRole::Query => &id.query_prefix,
        };
        EmbedRequest {
            model: id.name.clone(),
            dimensions: id.dimensions,
            inputs: inputs.iter().map(|input| format!("{prefix}{input}")).collect(),
        }
    }

    fn entry(
        &self,
        request: EmbedRequest,
        result: Result<Vec<Option<Vec<f32>>>, BackendError>,
    ) -> RecordingEntry {
        // Of requests that are answered concurrently, one may be assigned tokens of another: their sum is
        // right.
        let now = self.inner.tokens_embedded();
        let tokens = now.saturating_sub(self.tokens.fetch_max(now, Ordering::Relaxed));
        match result {
            Ok(vectors) => {
                let vectors = vectors.into_iter().map(|vector| vector.map(Vector)).collect();
                RecordingEntry::Embed {
                    request,
                    answer: Some(EmbedAnswer { vectors, tokens }),
                    error: None,
                }
            }
            Err(error) => RecordingEntry::Embed { request, answer: None, error: Some(error) },
        }
    }
}
