//! Answers from an OpenAI-compatible chat endpoint, streamed.
//!
//! An answer is complete when the endpoint gives a finish reason. Everything else is an error, and never
//! presented as an answer: an error event, silence, a broken connection, and a stream that just ends.

mod wire;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use serde_json::Value;

use super::thinking::{ReplyPart, ThinkingParser};
use super::{CALLS, ChatEvent, ChatModel, ChatRequest, ChatStream};
use crate::error::{BackendError, ExternalService, Fault};
use crate::openai::{Events, OpenAiClient, tokens::TokenCounter};
use crate::retry::{RetryPolicy, retry};
use crate::types::Usage;
use wire::{ChatCompletionRequest, StreamChunk, WireStreamOptions};

/// How long docent waits for the token counts of a complete answer.
const USAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// How an endpoint is asked for answers. No `Debug`: it has the key.
#[derive(Clone)]
pub struct ChatOptions {
    /// Base URL; `/chat/completions` is appended.
    pub base_url: String,
    pub api_key: Option<String>,
    /// Header for the key, if it is not the usual one.
    pub key_header: Option<String>,
    pub model: String,
    /// `None` leaves it to the server; some models refuse a temperature.
    pub temperature: Option<f32>,
    pub max_tokens: Option<u32>,
    /// Longest wait from the request to the first event.
    pub timeout: Duration,
    /// Longest wait from one event to the next.
    pub idle_timeout: Duration,
    /// For everything before the first event; nothing is retried once an answer has begun.
    pub retry: RetryPolicy,
}

/// Prepares a chat model. Sends nothing.
pub fn connect(options: ChatOptions) -> Result<OpenAiChat, BackendError> {
    let ChatOptions { base_url, api_key, key_header, retry, .. } = &options;
    let (key, header) = (api_key.as_deref(), key_header.as_deref());
    let client =
        OpenAiClient::with_key_header(ExternalService::Chat, base_url, key, header, *retry)?;
    let tokenizer = TokenCounter::of(&options.model);
    tokenizer.load();
    Ok(OpenAiChat { client, options, tokenizer, dialect: Dialect::default() })
}

/// A chat model behind an OpenAI-compatible endpoint. Made by [`connect`].
pub struct OpenAiChat {
    client: OpenAiClient,
    options: ChatOptions,
    tokenizer: TokenCounter,
    dialect: Dialect,
}

/// Fields that the endpoint has refused and that are not sent again.
#[derive(Default)]
struct Dialect {
    no_stream_options: AtomicBool,
    /// `OpenAI`'s reasoning models refuse `max_tokens`, older servers `max_completion_tokens`.
    max_completion_tokens: AtomicBool,
}

impl Dialect {
    /// Whether a refusal was about a field that can be left out or sent under another name.
    fn learn(&self, error: &BackendError) -> bool {
        let says = |words: &str| error.message.contains(words);
        matches!(error.fault, Fault::Refused | Fault::Permanent)
            && ((says("stream_options") && !self.no_stream_options.swap(true, Ordering::Relaxed))
                || (says("max_tokens")
                    && says("max_completion_tokens")
                    && !self.max_completion_tokens.swap(true, Ordering::Relaxed)))
    }
}

#[async_trait]
impl ChatModel for OpenAiChat {
    fn name(&self) -> &str {
        &self.options.model
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    fn counts_exactly(&self) -> bool {
        self.tokenizer.is_exact()
    }

    fn payload(&self, request: &ChatRequest) -> Option<Value> {
        serde_json::to_value(self.request(&wire::messages(request), request)).ok()
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError> {
        let messages = wire::messages(&request);
        let (first, events) = loop {
            match retry(&self.options.retry, || self.open(&messages, &request)).await {
                Err(error) if self.dialect.learn(&error) => {}
                outcome => break outcome?,
            }
        };
        Ok(self.answer(first, events))
    }
}

impl OpenAiChat {
    /// The request, without what the endpoint has refused before.
    fn request<'a>(
        &'a self,
        messages: &'a [wire::WireTurn<'a>],
        request: &'a ChatRequest,
    ) -> ChatCompletionRequest<'a> {
        let sampling = request.sampling;
        let flag = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let renamed = flag(&self.dialect.max_completion_tokens);
        let max_tokens = sampling.max_tokens.or(self.options.max_tokens);
        ChatCompletionRequest {
            model: &self.options.model,
            messages,
            stream: true,
            stream_options: (!flag(&self.dialect.no_stream_options))
                .then_some(WireStreamOptions { include_usage: true }),
            temperature: sampling.temperature.or(self.options.temperature),
            max_tokens: max_tokens.filter(|_| !renamed),
            max_completion_tokens: max_tokens.filter(|_| renamed),
            relayed: &request.relayed.parameters,
        }
    }

    /// Sends the request and waits for the first event. The request then no longer counts as being in
    /// progress, since a caller that reads one answer may want another before its end.
    async fn open(
        &self,
        messages: &[wire::WireTurn<'_>],
        request: &ChatRequest,
    ) -> Result<(Value, Events), BackendError> {
        let permit = self.client.admit(0).await?;
        let request = self.request(messages, request);
        let first = async {
            let mut events = self.client.chat_events(&request, &permit).await?;
            match events.next().await {
                Some(first) => Ok((first?, events)),
                None => Err(self.client.error(
                    Fault::Permanent,
                    "the stream ended before the first event: some servers do that if the \
                     prompt exceeds the model's context length",
                )),
            }
        };
        self.client.admitted(&permit, self.options.timeout, first).await
    }

    fn answer(&self, first: Value, events: Events) -> ChatStream {
        let answer = StreamedReply {
            client: self.client.clone(),
            idle_timeout: self.options.idle_timeout,
            events: stream::iter([Ok(first)]).chain(events).boxed(),
            model: self.options.model.clone(),
            finish_reason: None,
            usage: Usage::default(),
            calls: false,
            thinking: ThinkingParser::of(&self.options.model),
            ready: VecDeque::new(),
            over: false,
        };
        stream::unfold(answer, |mut answer| async {
            let event = answer.next().await?;
            Some((event, answer))
        })
        .boxed()
    }
}

/// An answer that is arriving.
struct StreamedReply {
    client: OpenAiClient,
    idle_timeout: Duration,
    events: Events,
    /// The model that was asked, until the endpoint names the one that answers.
    model: String,
    finish_reason: Option<String>,
    usage: Usage,
    /// The model has called a function.
    calls: bool,
    thinking: ThinkingParser,
    /// Events that are ready to be returned.
    ready: VecDeque<Result<ChatEvent, BackendError>>,
    over: bool,
}

impl StreamedReply {
    async fn next(&mut self) -> Option<Result<ChatEvent, BackendError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            match self.receive().await {
                Ok(chunk) => self.take(chunk),
                Err(error) => self.end(error),
            }
        }
    }

    async fn receive(&mut self) -> Result<StreamChunk, BackendError> {
        let patience = match self.finish_reason {
            Some(_) => self.idle_timeout.min(USAGE_TIMEOUT),
            None => self.idle_timeout,
        };
        match tokio::time::timeout(patience, self.events.next()).await {
            Ok(Some(event)) => event.and_then(|event| self.parse(event)),
            Ok(None) => {
                Err(self.transient("the answer was cut: the stream ended without a finish reason"))
            }
            Err(_) => {
                let silence = self.idle_timeout.as_secs_f64();
                let cut = format!("the answer was cut: nothing came for {silence} s");
                Err(self.transient(&cut))
            }
        }
    }

    fn parse(&self, event: Value) -> Result<StreamChunk, BackendError> {
        serde_json::from_value(event).map_err(|e| {
            self.client.error(Fault::Permanent, &format!("an event is not part of an answer: {e}"))
        })
    }

    /// Records what a chunk says, and turns its text into events.
    fn take(&mut self, chunk: StreamChunk) {
        if let Some(usage) = chunk.usage() {
            self.usage = usage;
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) else {
            return;
        };
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish_reason = Some(reason);
        }
        if choice.message.is_some() {
            self.finish_reason.get_or_insert_with(|| "stop".to_owned());
        }
        let Some(delta) = choice.message.or(choice.delta) else { return };
        if let Some(text) = delta.thinking() {
            self.thinking.told_apart();
            self.ready.push_back(Ok(ChatEvent::Thinking(text)));
        }
        let parts = delta.answer().map(|text| self.thinking.push(&text)).unwrap_or_default();
        self.ready.extend(parts.into_iter().map(|part| Ok(part.into())));
        let calls = delta.calls();
        if !calls.is_empty() {
            self.calls = true;
            // Text that could still have become a tag is text.
            self.ready.extend(self.thinking.finish().map(|part| Ok(part.into())));
            self.ready.push_back(Ok(ChatEvent::Calls(calls)));
        }
    }

    /// Once there is a finish reason, only the token counts can be missing.
    fn end(&mut self, error: BackendError) {
        self.over = true;
        self.ready.extend(self.thinking.finish().map(|part| Ok(part.into())));
        let done = self.finish_reason.take().map(|finish_reason| ChatEvent::Done {
            // Some servers report `stop` after calling functions.
            finish_reason: if self.calls && finish_reason == "stop" {
                CALLS.to_owned()
            } else {
                finish_reason
            },
            model: std::mem::take(&mut self.model),
            usage: self.usage,
        });
        self.ready.push_back(done.ok_or(error));
    }

    fn transient(&self, message: &str) -> BackendError {
        self.client.error(Fault::Transient { retry_after: None }, message)
    }
}

impl From<ReplyPart> for ChatEvent {
    fn from(part: ReplyPart) -> Self {
        match part {
            ReplyPart::Thinking(text) => Self::Thinking(text),
            ReplyPart::Answer(text) => Self::Delta(text),
            ReplyPart::Retracted => Self::Retracted,
        }
    }
}
