//! A reranker with a recording.

use std::sync::Arc;

use async_trait::async_trait;

use super::format::{AskedReranker, RecordingEntry};
use super::{Mode, Recording};
use crate::error::{BackendError, Fault};
use crate::rerank::{Reranker, RerankerKind};
use crate::types::RerankerId;

/// `inner` with a recording. A model that runs in this process needs none.
pub fn recorded(tape: &Arc<Recording>, inner: Arc<dyn Reranker>) -> Arc<dyn Reranker> {
    if inner.id().endpoint.is_none() || matches!(tape.0, Mode::Off) {
        return inner;
    }
    Arc::new(Recorded { inner, tape: Arc::clone(tape) })
}

struct Recorded {
    inner: Arc<dyn Reranker>,
    tape: Arc<Recording>,
}

#[async_trait]
impl Reranker for Recorded {
    fn id(&self) -> &RerankerId {
        self.inner.id()
    }

    fn kind(&self) -> RerankerKind {
        self.inner.kind()
    }

    async fn score(&self, question: &str, texts: &[String]) -> Result<Vec<f32>, BackendError> {
        let request = AskedReranker {
            model: self.inner.id().name.clone(),
            question: question.to_owned(),
            texts: texts.to_vec(),
        };
        match &self.tape.0 {
            Mode::Off => self.inner.score(question, texts).await,
            Mode::Replay(player) => player.rerank(&request),
            Mode::Record(recorder) => {
                let result = self.inner.score(question, texts).await;
                let (scores, error) =
                    (result.as_ref().ok().cloned(), result.as_ref().err().cloned());
                if error.as_ref().is_none_or(|error| error.fault != Fault::Stopped) {
                    recorder.append(&RecordingEntry::Rerank { request, scores, error })?;
                }
                result
            }
        }
    }
}
