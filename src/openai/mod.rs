//! The `OpenAI` dialect: the client that `embed`, `chat` and `rerank` share for compatible servers.
//!
//! async-openai knows the paths and makes the requests. docent brings the rest, because compatible servers
//! deviate where it is strict: requests and responses are docent's own tolerant types, `events` reads
//! streams, `classify` sorts responses that are not a success, `transport` sends exactly one request per
//! call, the limiter of [`crate::http`] says when it may be sent, and [`crate::retry`] alone decides
//! whether there is another.

mod body;
mod classify;
mod events;
pub mod tokens;
mod transport;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cancel::{self, Cancel};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::{Limiter, LimiterRejection, Permit, Quota, ThrottleStats, TooLarge};
use crate::retry::RetryPolicy;
use transport::ApiEndpoint;

/// The events of a streamed answer. The stream ends after an error, and at `[DONE]`.
pub type Events = BoxStream<'static, Result<Value, BackendError>>;

/// One OpenAI-compatible endpoint. Every call is one request, never retried here. No `Debug`: it
/// holds the key.
#[derive(Clone)]
pub struct OpenAiClient {
    api: async_openai::Client<OpenAIConfig>,
    origin: Arc<ApiEndpoint>,
    limiter: Arc<Limiter>,
}

impl OpenAiClient {
    /// `base_url` is what the paths are appended to (`https://api.openai.com/v1`); its query is kept and
    /// sent along. The key goes into `Authorization: Bearer`, or into `api-key` if the query has an
    /// `api-version`. An overloaded endpoint gets no requests for as long as `backoff` says. Nothing is
    /// sent yet.
    pub fn new(
        service: ExternalService,
        base_url: &str,
        api_key: Option<&str>,
        backoff: RetryPolicy,
    ) -> Result<Self, BackendError> {
        Self::with_key_header(service, base_url, api_key, None, backoff)
    }

    /// The same, with the key in the header of that name.
    pub fn with_key_header(
        service: ExternalService,
        base_url: &str,
        api_key: Option<&str>,
        key_header: Option<&str>,
        backoff: RetryPolicy,
    ) -> Result<Self, BackendError> {
        let origin = Arc::new(ApiEndpoint::new(service, base_url, api_key, key_header)?);
        // async-openai is given neither the key nor what it would read from the environment.
        let config = OpenAIConfig::new()
            .with_api_base(origin.endpoint())
            .with_api_key("")
            .with_org_id("")
            .with_project_id("");
        let api = async_openai::Client::build(origin.http(), config);
        let limiter = Limiter::new(Quota::default(), usize::MAX, backoff, cancel::pair().1);
        Ok(Self { api, origin, limiter: Arc::new(limiter) })
    }

    /// The same endpoint within `quota`, with at most `in_flight` requests at a time, and with no new
    /// request after `cancel`.
    #[must_use]
    pub fn limited(self, quota: Quota, in_flight: usize, cancel: Cancel) -> Self {
        let limiter = Limiter::new(quota, in_flight, self.limiter.backoff, cancel);
        Self { limiter: Arc::new(limiter), ..self }
    }

    /// async-openai, sending through [`ApiEndpoint::send`].
    fn api(&self, permit: Option<Permit>) -> async_openai::Client<OpenAIConfig> {
        let origin = Arc::clone(&self.origin);
        let send = tower::service_fn(move |factory| {
            let (origin, permit) = (Arc::clone(&origin), permit.clone());
            async move { origin.send(factory, permit.as_ref()).await }
        });
        self.api.clone().with_http_service(send)
    }

    /// URL without credentials, for messages.
    pub fn endpoint(&self) -> &str {
        self.origin.endpoint()
    }

    /// An error of this endpoint; a key in `message` is masked.
    pub fn error(&self, fault: Fault, message: &str) -> BackendError {
        self.origin.error(fault, message)
    }

    /// Whether [`Self::admit`] needs to know a request's tokens.
    pub fn counts_tokens(&self) -> bool {
        self.limiter.counts_tokens()
    }

    /// Tokens billed so far, over all clones of this client.
    pub fn billed(&self) -> u64 {
        self.limiter.billed()
    }

    /// Whether the endpoint was rate-limited or overloaded at times, over all clones of this client.
    pub fn throttled(&self) -> Option<ThrottleStats> {
        self.limiter.throttled()
    }

    /// Waits until a request of `tokens` tokens may be sent. Each retry needs its own permit.
    pub async fn admit(&self, tokens: u64) -> Result<Permit, BackendError> {
        self.limiter.admit(tokens).await.map_err(|held| match held {
            LimiterRejection::Stopped => {
                self.error(Fault::Stopped, "stopped before this was asked")
            }
            LimiterRejection::TooFarOff(wait) => self.error(
                Fault::Transient { retry_after: Some(wait) },
                "not sent, the endpoint's rate limit is used up",
            ),
        })
    }

    /// `POST /embeddings`.
    pub async fn embeddings<A: DeserializeOwned>(
        &self,
        request: &impl Serialize,
        permit: &Permit,
        timeout: Duration,
    ) -> Result<A, BackendError> {
        let api = self.api(Some(permit.clone()));
        let answer = async { api.embeddings().create_byot(request).await };
        self.admitted(permit, timeout, async { answer.await.map_err(|e| self.sort(e)) }).await
    }

    /// `POST /chat/completions` with a request for a stream. Resolves when the response begins. An event
    /// that is an error becomes an `Err`. Dropping the stream ends the request.
    pub async fn chat_events(
        &self,
        request: &impl Serialize,
        permit: &Permit,
    ) -> Result<Events, BackendError> {
        // async-openai would read the response on its own task, as fast as it comes, into memory, so it is
        // given an empty one instead.
        let opened: Arc<Mutex<Option<body::EventData>>> = Arc::default();
        let (origin, permit, place) =
            (Arc::clone(&self.origin), permit.clone(), Arc::clone(&opened));
        let send = tower::service_fn(move |factory| {
            let (origin, permit, place) = (Arc::clone(&origin), permit.clone(), Arc::clone(&place));
            async move {
                let events = origin.send_for_events(factory, &permit).await?;
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(events);
                let empty = ::http::Response::new(reqwest::Body::default());
                Ok::<_, OpenAIError>(reqwest::Response::from(empty))
            }
        });
        let api = self.api.clone().with_http_service(send);
        let asked = api.chat().create_stream_byot::<_, Value>(request).await;
        drop(asked.map_err(|error| self.sort(error))?);
        let events = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let events = events.map(|events| self.clone().read(events));
        Ok(stream::iter(events).flatten().boxed())
    }

    /// Each event, until `[DONE]`.
    fn read(self, events: body::EventData) -> impl Stream<Item = Result<Value, BackendError>> {
        let data = events.take_while(|data| {
            std::future::ready(!data.as_ref().is_ok_and(|data| data == "[DONE]"))
        });
        data.map(move |data| {
            let data = data.map_err(|problem| self.cut(&*problem))?;
            let event = serde_json::from_str(&data);
            let event: Value = event.map_err(|error| self.unreadable(&error, &data))?;
            if classify::is_error(&event) {
                let (fault, message) = classify::classify_event(&event);
                return Err(self.error(fault, &message));
            }
            Ok(event)
        })
    }

    /// The error for a response that broke off.
    fn cut(&self, problem: &(dyn Error + Send + Sync + 'static)) -> BackendError {
        match problem.downcast_ref::<TooLarge>() {
            Some(large) => self.error(Fault::Permanent, &large.to_string()),
            None => self.error(
                Fault::Transient { retry_after: None },
                "the answer was cut: the connection broke",
            ),
        }
    }

    /// `POST` of JSON to a path of the endpoint that `OpenAI` does not have; returns the JSON of the
    /// response.
    pub async fn post(
        &self,
        path: &str,
        request: &impl Serialize,
        permit: &Permit,
        timeout: Duration,
    ) -> Result<Value, BackendError> {
        let body = serde_json::to_vec(request)
            .map_err(|error| self.error(Fault::Permanent, &error.to_string()))?;
        let answer = self.admitted(permit, timeout, self.origin.post(path, body, permit)).await?;
        if let Some(error) = self.origin.malformed(&answer) {
            return Err(error);
        }
        serde_json::from_str(&answer).map_err(|error| {
            let cut = error.is_eof();
            let fault = if cut { Fault::Transient { retry_after: None } } else { Fault::Permanent };
            self.error(fault, &format!("answered with unexpected JSON: {error}"))
        })
    }

    /// `GET /models`: the names, in the server's order.
    pub async fn models(&self, timeout: Duration) -> Result<Vec<String>, BackendError> {
        let api = self.api(None);
        let list = async { api.models().list_byot::<Value>().await.map_err(|e| self.sort(e)) };
        let list = self.within(timeout, list).await?;
        if let Some(error) = self.origin.malformed(&list.to_string()) {
            return Err(error);
        }
        // Most servers say `data`, some `models` with `name`, or a bare list; `null` is not a list.
        let rows = list.get("data").or_else(|| list.get("models")).unwrap_or(&list).as_array();
        let name = |row: &Value| {
            let name = row.get("id").or_else(|| row.get("name")).unwrap_or(row);
            name.as_str().map(str::to_owned)
        };
        Ok(rows.into_iter().flatten().filter_map(name).collect())
    }

    /// Runs `work`, and fails with a transient error if it takes longer than `timeout`.
    async fn within<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(self.late(timeout)))
    }

    /// [`Self::within`] for a request that was admitted with `permit`: its result decides how many requests
    /// may be in flight.
    pub async fn admitted<T>(
        &self,
        permit: &Permit,
        timeout: Duration,
        work: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let Ok(answer) = tokio::time::timeout(timeout, work).await else {
            permit.overloaded(None);
            return Err(self.late(timeout));
        };
        if answer.is_ok() {
            permit.answered();
        }
        answer
    }

    fn late(&self, timeout: Duration) -> BackendError {
        let message = format!("no answer in {} s", timeout.as_secs_f64());
        self.error(Fault::Transient { retry_after: None }, &message)
    }

    fn sort(&self, error: OpenAIError) -> BackendError {
        match error {
            OpenAIError::Boxed(error) => match error.downcast::<BackendError>() {
                Ok(error) => *error,
                Err(other) => self.error(Fault::Permanent, &other.to_string()),
            },
            OpenAIError::Reqwest(error) => self.origin.broken(&error),
            OpenAIError::JSONDeserialize(error, body) => self.unreadable(&error, &body),
            other => self.error(Fault::Permanent, &other.to_string()),
        }
    }

    /// The error for a response that is not the JSON that was asked for.
    fn unreadable(&self, error: &serde_json::Error, body: &str) -> BackendError {
        self.origin.malformed(body).unwrap_or_else(|| {
            // Python writes NaN and infinity like this; JSON has no notation for them.
            if error.is_syntax() && ["NaN", "Infinity"].iter().any(|w| body.contains(w)) {
                let message = "answered with values that are not numbers";
                return self.error(Fault::Refused, message);
            }
            let transient = Fault::Transient { retry_after: None };
            let fault = if error.is_data() { Fault::Permanent } else { transient };
            self.error(fault, &format!("answered with unexpected JSON: {error}"))
        })
    }
}

/// The models that an endpoint offers, asked once, for `docent doctor`.
pub async fn models(
    service: ExternalService,
    base_url: &str,
    api_key: Option<&str>,
    key_header: Option<&str>,
    timeout: Duration,
) -> Result<Vec<String>, BackendError> {
    let backoff = RetryPolicy::default();
    OpenAiClient::with_key_header(service, base_url, api_key, key_header, backoff)?
        .models(timeout)
        .await
}
