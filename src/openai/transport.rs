//! One HTTP exchange: adds the key, sends, and turns every response that is not a success into a
//! [`BackendError`].
//!
//! async-openai would lose the status of an error whose `code` is a number, and would retry by
//! itself. It is given this service instead of its own, so that errors pass through it untouched
//! (as `OpenAIError::Boxed`) and nothing is sent twice.

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use chrono::Utc;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Request, Response, Url};

use super::body;
use super::classify::{self, EndpointError};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::{
    self, Permit, headers, http_client, innermost, rate_limits, shown_url, transport_error,
};

/// How much of an error body is read. Some servers repeat the whole request in it.
const ERROR_BODY: usize = 64 * 1024;

/// Where requests go, and with which credentials. Has no `Debug`, because it holds the key.
pub(super) struct ApiEndpoint {
    http: reqwest::Client,
    service: ExternalService,
    /// URL without credentials, query and trailing slash.
    endpoint: String,
    /// Sent with every request; from the key, or else from `user:password@` of the URL.
    credential: Option<(HeaderName, HeaderValue)>,
    query: Option<String>,
    /// Most bytes of a response.
    pub(super) largest: usize,
    /// Removed from every message, as servers repeat what they were sent.
    secrets: Vec<String>,
}

impl ApiEndpoint {
    pub(super) fn new(
        service: ExternalService,
        base_url: &str,
        api_key: Option<&str>,
        key_header: Option<&str>,
    ) -> Result<Self, BackendError> {
        let shown = shown_url(base_url);
        let refuse = |fault, message: &str| BackendError::new(service, fault, &shown, message);
        let url = Url::parse(base_url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                refuse(Fault::Permanent, "the base URL must start with http:// or https://")
            })?;
        let http = http_client(&url).map_err(|e| {
            refuse(Fault::Permanent, &format!("cannot set up HTTP: {}", innermost(&e)))
        })?;
        let key = api_key.map(str::trim).filter(|key| !key.is_empty());
        let credential = match key {
            Some(key) => {
                let name = key_header.unwrap_or_else(|| usual_header(&url, key));
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                    refuse(Fault::Permanent, "openai.key_header is not a valid header name")
                })?;
                let bearer = if name == AUTHORIZATION { "Bearer " } else { "" };
                let mut value = HeaderValue::from_str(&format!("{bearer}{key}")).map_err(|_| {
                    refuse(
                        Fault::Unauthorized,
                        "the key contains characters that cannot be sent in a header",
                    )
                })?;
                value.set_sensitive(true);
                Some((name, value))
            }
            // reqwest makes the Basic header of a URL with `user:password@`.
            None => http
                .get(url.clone())
                .build()
                .ok()
                .and_then(|request| request.headers().get(AUTHORIZATION).cloned())
                .map(|value| (AUTHORIZATION, value)),
        };
        Ok(Self {
            http,
            service,
            endpoint: shown,
            credential,
            query: url.query().map(str::to_owned),
            largest: body::LARGEST,
            secrets: [key, url.password(), url.query().filter(|query| !is_version(query))]
                .into_iter()
                .flatten()
                .filter(|secret| secret.len() >= 4)
                .map(str::to_owned)
                .collect(),
        })
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// An error of this endpoint, with the key removed from `message`.
    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        let clean = self
            .secrets
            .iter()
            .fold(message.to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
        BackendError::new(self.service, fault, &self.endpoint, &clean)
    }

    /// Sends one request, once. What the response says about limits goes to the limiter that admitted it.
    pub(super) async fn send(
        &self,
        factory: HttpRequestFactory,
        permit: Option<&Permit>,
    ) -> Result<Response, OpenAIError> {
        let request = factory.build().await?;
        let response = self.exchange(request, permit).await;
        response.and_then(|response| self.readable(response)).map_err(boxed)
    }

    /// The same for a request whose response is a stream.
    pub(super) async fn send_for_events(
        &self,
        factory: HttpRequestFactory,
        permit: &Permit,
    ) -> Result<body::EventData, OpenAIError> {
        let request = factory.build().await?;
        let response = self.exchange(request, Some(permit)).await.map_err(boxed)?;
        let events = body::events(response, self.largest);
        events.map_err(|problem| boxed(self.error(Fault::Permanent, &problem)))
    }

    /// `POST` of a JSON body to the endpoint, once. Returns the body of the response.
    pub(super) async fn post(
        &self,
        path: &str,
        body: Vec<u8>,
        permit: &Permit,
    ) -> Result<String, BackendError> {
        let url = format!("{}{path}", self.endpoint);
        let json = HeaderValue::from_static("application/json");
        let request = self.http.post(url).header(CONTENT_TYPE, json).body(body).build();
        let request = request.map_err(|error| self.broken(&error))?;
        let response = self.readable(self.exchange(request, Some(permit)).await?)?;
        response.text().await.map_err(|error| self.broken(&error))
    }

    async fn exchange(
        &self,
        mut request: Request,
        permit: Option<&Permit>,
    ) -> Result<Response, BackendError> {
        request.headers_mut().remove(AUTHORIZATION);
        if let Some((name, value)) = &self.credential {
            request.headers_mut().insert(name, value.clone());
        }
        let context = http::context().map(|context| context.traceparent());
        if let Some(Ok(context)) = context.map(HeaderValue::try_from) {
            request.headers_mut().insert(http::TRACEPARENT, context);
        }
        if self.query.is_some() {
            request.url_mut().set_query(self.query.as_deref());
        }
        let response = self.http.execute(request).await.map_err(|e| self.broken(&e))?;
        if response.status().is_success() {
            if let Some(permit) = permit {
                permit.announce(rate_limits(&headers(&response)));
            }
            return Ok(response);
        }
        let refusal = read_refusal(response).await;
        let error = self.refused(&refusal);
        if let (Some(permit), Fault::Transient { retry_after }) = (permit, error.fault) {
            match retry_after {
                _ if refusal.is_overload() => permit.overloaded(retry_after),
                Some(wait) => permit.pause(wait),
                None => {}
            }
        }
        Err(error)
    }

    fn readable(&self, response: Response) -> Result<Response, BackendError> {
        body::readable(response, self.largest)
            .map_err(|problem| self.error(Fault::Permanent, &problem))
    }

    /// The error for a request that got no response, or only part of one.
    pub(super) fn broken(&self, error: &reqwest::Error) -> BackendError {
        let (fault, message) = transport_error(error);
        self.error(fault, &message)
    }

    fn refused(&self, refusal: &EndpointError) -> BackendError {
        let (fault, message) = classify::classify(refusal, Utc::now());
        BackendError { status: Some(refusal.status), ..self.error(fault, &message) }
    }

    /// The error in a body that has the status of a success, but is an error or a web page.
    pub(super) fn malformed(&self, body: &str) -> Option<BackendError> {
        if classify::is_web_page(body) {
            return Some(self.error(Fault::Permanent, classify::WEB_PAGE));
        }
        let value = serde_json::from_str(body).ok()?;
        classify::is_error(&value).then(|| {
            let (fault, message) = classify::classify_event(&value);
            self.error(fault, &message)
        })
    }
}

/// A version is not a secret, and is often what an error is about.
fn is_version(query: &str) -> bool {
    query.starts_with("api-version=") && !query.contains('&')
}

/// The header for a key unless another is configured. Azure takes a key as `api-key`, and a token of Entra,
/// which is a JWT, as `Authorization`
/// (<https://learn.microsoft.com/azure/ai-services/openai/reference#authentication>).
fn usual_header(url: &Url, key: &str) -> &'static str {
    let versioned = url.query_pairs().any(|(name, _)| name == "api-version");
    let token = key.starts_with("eyJ") && key.matches('.').count() == 2;
    if versioned && !token { "api-key" } else { "authorization" }
}

fn boxed(error: BackendError) -> OpenAIError {
    OpenAIError::Boxed(Box::new(error))
}

/// Reads as much of a response as its classification needs.
async fn read_refusal(mut response: Response) -> EndpointError {
    let status = response.status().as_u16();
    let headers = headers(&response);
    let mut body = Vec::new();
    while body.len() < ERROR_BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            // A body that is cut off still counts as far as it goes.
            Ok(None) | Err(_) => break,
        }
    }
    EndpointError { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}
