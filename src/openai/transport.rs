//! One HTTP exchange: adds the key, sends, and turns every answer that is not a success into a
//! [`BackendError`].
//!
//! async-openai would lose the status of an error whose `code` is a number, and would retry by
//! itself. It is given this service instead of its own, so that errors pass through it untouched
//! (as `OpenAIError::Boxed`) and nothing is sent twice.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use chrono::Utc;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Request, Response, Url, redirect};

use super::announced::announced;
use super::classify::{self, Headers, Refusal};
use super::limiter::Permit;
use crate::error::{BackendError, Fault, Service};

/// How long a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an error body is read. Some servers echo the whole request in it.
const ERROR_BODY: usize = 64 * 1024;

/// Where requests go, and with which credentials. Has no `Debug`: it holds the key.
pub(super) struct Origin {
    http: reqwest::Client,
    service: Service,
    /// URL without credentials, query and trailing slash.
    endpoint: String,
    /// Sent with every request; from the key, or else from `user:password@` of the URL.
    authorization: Option<HeaderValue>,
    query: Option<String>,
    /// Cut out of every message: servers echo what they were sent.
    secrets: Vec<String>,
}

impl Origin {
    pub(super) fn new(
        service: Service,
        base_url: &str,
        api_key: Option<&str>,
    ) -> Result<Self, BackendError> {
        let shown = shown_url(base_url);
        let refuse = |fault, message: &str| BackendError::new(service, fault, &shown, message);
        let url = Url::parse(base_url.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                refuse(Fault::Permanent, "the base URL must start with http:// or https://")
            })?;
        let http = http_client(&url)
            .map_err(|e| refuse(Fault::Permanent, &format!("cannot set up HTTP: {}", root(&e))))?;
        let key = api_key.map(str::trim).filter(|key| !key.is_empty());
        let authorization = match key {
            Some(key) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
                    refuse(Fault::Unauthorized, "the key has characters that no key can have")
                })?;
                value.set_sensitive(true);
                Some(value)
            }
            // reqwest makes the Basic header of a URL with `user:password@`.
            None => http
                .get(url.clone())
                .build()
                .ok()
                .and_then(|request| request.headers().get(AUTHORIZATION).cloned()),
        };
        Ok(Self {
            http,
            service,
            endpoint: shown,
            authorization,
            query: url.query().map(str::to_owned),
            secrets: [key, url.password(), url.query()]
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

    /// An error of this endpoint, with the key cut out of `message`.
    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        let clean = self
            .secrets
            .iter()
            .fold(message.to_owned(), |text, secret| text.replace(secret.as_str(), "***"));
        BackendError::new(self.service, fault, &self.endpoint, &clean)
    }

    /// Sends one request, once. What the answer says of limits goes to the one that admitted it.
    pub(super) async fn send(
        &self,
        factory: HttpRequestFactory,
        permit: Option<&Permit>,
    ) -> Result<Response, OpenAIError> {
        let request = factory.build().await?;
        let streams = request.url().path().ends_with("/chat/completions");
        self.exchange(request, streams, permit).await.map_err(boxed)
    }

    /// `POST` of a JSON body to the endpoint, once. Returns the body of the answer.
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
        let response = self.exchange(request, false, Some(permit)).await?;
        response.text().await.map_err(|error| self.broken(&error))
    }

    async fn exchange(
        &self,
        mut request: Request,
        streams: bool,
        permit: Option<&Permit>,
    ) -> Result<Response, BackendError> {
        request.headers_mut().remove(AUTHORIZATION);
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        if self.query.is_some() {
            request.url_mut().set_query(self.query.as_deref());
        }
        let response = self.http.execute(request).await.map_err(|e| self.broken(&e))?;
        if response.status().is_success() && !(streams && is_plain_answer(&response)) {
            if let Some(permit) = permit {
                permit.announce(announced(&headers(&response)));
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

    /// The error of a request that got no answer, or half of one.
    pub(super) fn broken(&self, error: &reqwest::Error) -> BackendError {
        let (fault, message) = transport_error(error);
        self.error(fault, &message)
    }

    fn refused(&self, refusal: &Refusal) -> BackendError {
        if !(200..300).contains(&refusal.status) {
            let (fault, message) = classify::classify(refusal, Utc::now());
            return self.error(fault, &message);
        }
        self.malformed(&refusal.body).unwrap_or_else(|| {
            self.error(Fault::Permanent, "answered at once where a stream was asked for")
        })
    }

    /// What a body says that has the status of a success and is an error or a web page.
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

fn boxed(error: BackendError) -> OpenAIError {
    OpenAIError::Boxed(Box::new(error))
}

/// The URL as it may be shown: no `user:password@`, no query, no trailing slash.
fn shown_url(url: &str) -> String {
    let url = url.trim().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (s, r));
    let host = rest.find('/').unwrap_or(rest.len());
    let user = rest[..host].rfind('@').map_or(0, |at| at + 1);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{}", &rest[user..])
}

/// Redirects are not followed: a key goes to the host it was given for, and a POST that becomes a
/// GET helps nobody.
pub(crate) fn http_client(url: &Url) -> reqwest::Result<reqwest::Client> {
    // An error means that another part of the process has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none());
    if url.scheme() == "http" {
        // No certificate will be checked, so none is loaded: a machine without any still works.
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(tls);
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build()
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an answer is certainly no event stream. Other types are tried: servers mislabel them.
fn is_plain_answer(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    content_type.is_some_and(|t| t.starts_with("application/json") || t.starts_with("text/html"))
}

/// Reads as much of an answer as its classification needs.
async fn read_refusal(mut response: Response) -> Refusal {
    let status = response.status().as_u16();
    let headers = headers(&response);
    let mut body = Vec::new();
    while body.len() < ERROR_BODY {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            // A body that is cut still says what it says.
            Ok(None) | Err(_) => break,
        }
    }
    Refusal { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

fn headers(response: &Response) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    response.headers().iter().map(|(n, v)| (n.to_string(), text(v))).collect()
}

/// Fault and message of a failure below HTTP.
pub(crate) fn transport_error(error: &reqwest::Error) -> (Fault, String) {
    let transient = Fault::Transient { retry_after: None };
    if error.is_builder() {
        return (Fault::Permanent, format!("cannot make the request ({})", root(error)));
    }
    let cause = root(error);
    let io =
        chain(error).find_map(|e| e.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let message = match io {
        Some(ErrorKind::ConnectionRefused) => "cannot connect (connection refused)".to_owned(),
        _ if error.is_connect() && error.is_timeout() => {
            format!("cannot connect (no answer in {} s)", CONNECT_TIMEOUT.as_secs())
        }
        _ if error.is_connect() && chain(error).any(|e| e.to_string().contains("dns error")) => {
            "cannot connect (no such host)".to_owned()
        }
        _ if error.is_connect() && cause.contains("corrupt message") => {
            let hint = "cannot connect (the server does not speak TLS: is it http://?)";
            return (Fault::Permanent, hint.to_owned());
        }
        _ if error.is_connect() && cause.contains("UnknownIssuer") => {
            let hint = "cannot connect (TLS: its certificate is of no authority that is trusted here; on Linux, SSL_CERT_FILE names others)";
            return (Fault::Permanent, hint.to_owned());
        }
        _ if error.is_connect() && cause.contains("certificate") => {
            return (Fault::Permanent, format!("cannot connect (TLS: {cause})"));
        }
        _ if error.is_connect() => format!("cannot connect ({cause})"),
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            "the connection was reset".to_owned()
        }
        _ if error.is_timeout() => "no answer in time".to_owned(),
        _ if error.is_body() || error.is_decode() => format!("the answer was cut ({cause})"),
        _ => format!("the connection broke ({cause})"),
    };
    (transient, message)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn Error + 'static)| (*e).source())
}

/// The innermost message: the outer ones name the URL, which may carry credentials.
fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_have_no_secrets() {
        let table = [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
            ("http://me:secret@host:8080/v1?key=secret#x", "http://host:8080/v1"),
            ("http://me:sec@ret@host/v1", "http://host/v1"),
            ("me:secret@host/v1", "host/v1"),
            (" http://[::1]:80 ", "http://[::1]:80"),
            ("http://host/a@b", "http://host/a@b"),
        ];
        for (url, expected) in table {
            assert_eq!(shown_url(url), expected, "{url}");
        }
    }

    #[test]
    fn loopback_hosts() {
        for (url, expected) in [
            ("http://localhost:1/v1", true),
            ("http://127.0.0.9/v1", true),
            ("http://[::1]:8/v1", true),
            ("http://10.0.0.1/v1", false),
            ("http://localhost.example.org/v1", false),
        ] {
            assert_eq!(Url::parse(url).is_ok_and(|url| is_loopback(&url)), expected, "{url}");
        }
    }
}
