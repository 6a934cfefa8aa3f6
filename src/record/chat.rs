//! A chat model with a recording.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::format::{AskedChat, RecordingEntry};
use super::{Mode, Recording};
use crate::chat::{ChatEvent, ChatModel, ChatRequest, ChatStream};
use crate::error::{BackendError, Fault};

/// `inner` with a recording: exchanges are recorded when they end, or replayed without `inner`.
pub fn recorded(tape: &Arc<Recording>, inner: Box<dyn ChatModel>) -> Box<dyn ChatModel> {
    match tape.0 {
        Mode::Off => inner,
        Mode::Record(_) | Mode::Replay(_) => Box::new(Recorded { inner, tape: Arc::clone(tape) }),
    }
}

struct Recorded {
    inner: Box<dyn ChatModel>,
    tape: Arc<Recording>,
}

#[async_trait]
impl ChatModel for Recorded {
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
        let asked = AskedChat {
            model: self.name().to_owned(),
            question: request.question.clone() + &request.relayed.text(),
            messages: request.messages.clone(),
        };
        match &self.tape.0 {
            Mode::Off => self.inner.stream(request).await,
            Mode::Replay(player) => {
                let chat = player.chat(&asked)?;
                match chat.error {
                    Some(error) if chat.events.is_empty() => Err(error),
                    error => {
                        let events = chat.events.into_iter().map(Ok).chain(error.map(Err));
                        Ok(stream::iter(events.collect::<Vec<_>>()).boxed())
                    }
                }
            }
            Mode::Record(recorder) => match self.inner.stream(request).await {
                Ok(answer) => Ok(Taping::new(Arc::clone(&self.tape), asked).stream(answer)),
                Err(error) => {
                    if error.fault != Fault::Stopped {
                        let (events, error) = (Vec::new(), Some(error.clone()));
                        recorder.append(&RecordingEntry::Chat { request: asked, events, error })?;
                    }
                    Err(error)
                }
            },
        }
    }
}

/// An answer that is being recorded. An answer that is abandoned midway is not an exchange.
struct Taping {
    tape: Arc<Recording>,
    asked: AskedChat,
    events: Vec<ChatEvent>,
    written: bool,
}

impl Taping {
    fn new(tape: Arc<Recording>, asked: AskedChat) -> Self {
        Self { tape, asked, events: Vec::new(), written: false }
    }

    fn stream(self, answer: ChatStream) -> ChatStream {
        stream::unfold((self, answer.fuse()), |(mut taping, mut answer)| async move {
            let event = answer.next().await;
            let event = match taping.take(event.as_ref()) {
                Ok(()) => event?,
                Err(error) => Err(error),
            };
            Some((event, (taping, answer)))
        })
        .boxed()
    }

    /// Keeps an event; the last one ends the exchange, which is then written.
    fn take(
        &mut self,
        event: Option<&Result<ChatEvent, BackendError>>,
    ) -> Result<(), BackendError> {
        let (over, error) = match event {
            Some(Ok(event)) => {
                self.events.push(event.clone());
                (matches!(event, ChatEvent::Done { .. }), None)
            }
            Some(Err(error)) => (true, Some(error.clone())),
            None => (true, None),
        };
        let Mode::Record(recorder) = &self.tape.0 else { return Ok(()) };
        if !over || std::mem::replace(&mut self.written, true) {
            return Ok(());
        }
        let (request, events) = (self.asked.clone(), std::mem::take(&mut self.events));
        recorder.append(&RecordingEntry::Chat { request, events, error })
    }
}
