//! One HTTP request and its answer. The only user of `reqwest` in this folder.
//!
//! Redirects are not followed here, because the guard and `robots.txt` have to check the new URL first. No
//! cookies are kept, and no referrer is sent.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::{Response, redirect};
use url::Url;

use super::canonical::Credentials;
use super::guard::{Guard, RefusedAddress, ResolveError};
use crate::error::{BackendError, ExternalService, Fault};
use crate::http::{is_loopback, transport_error};
use crate::types::Validators;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest lookup, by this machine, of a name that a proxy will resolve anyway.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

const ACCEPTED: &str =
    "text/html, text/markdown;q=0.9, text/plain;q=0.9, application/pdf;q=0.9, */*;q=0.5";

/// Options of a request.
#[derive(Clone, Copy, Default)]
pub(super) struct FetchHeaders<'a> {
    /// Makes the request conditional.
    pub(super) known: Option<&'a Validators>,
    pub(super) credentials: Option<&'a Credentials>,
    /// Whether the body may be compressed.
    pub(super) gzip: bool,
}

pub(super) struct WebClient {
    guard: Guard,
    /// Connects only to addresses that the guard allows.
    direct: reqwest::Client,
    /// Connects to the proxies of the environment, which may well be on a private network.
    proxied: reqwest::Client,
    proxies: Matcher,
}

impl WebClient {
    /// `timeout` is the longest silence of a server.
    pub(super) fn new(guard: Guard, timeout: Duration) -> Result<Self, String> {
        // An error means that another part of the process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(timeout)
                .redirect(redirect::Policy::none())
                .referer(false)
        };
        let resolver = Arc::new(Resolver(guard.clone()));
        let direct = build(|| builder().no_proxy().dns_resolver(Arc::clone(&resolver)))?;
        let proxied = build(builder)?;
        Ok(Self { guard, direct, proxied, proxies: Matcher::from_system() })
    }

    /// Sends one request.
    pub(super) async fn get(
        &self,
        url: &Url,
        ask: FetchHeaders<'_>,
    ) -> Result<HttpResponse, BackendError> {
        let refuse = |refused: RefusedAddress| error(url, Fault::Permanent, &refused.to_string());
        self.guard.check_url(url).map_err(refuse)?;
        let client = if self.is_proxied(url) { &self.proxied } else { &self.direct };
        let mut request = client.get(url.clone()).header(ACCEPT, ACCEPTED);
        if ask.gzip {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        if let Some(Credentials { user, password }) = ask.credentials {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(etag) = ask.known.and_then(|known| known.etag.as_deref()) {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(date) = ask.known.and_then(|known| known.last_modified.as_deref()) {
            request = request.header(IF_MODIFIED_SINCE, date);
        }
        match request.send().await {
            Ok(response) => Ok(HttpResponse { url: url.clone(), response }),
            Err(failure) => Err(broken(url, &failure)),
        }
    }

    /// If a proxy resolves the name of `url`, checks what this machine knows about the name. A name that only
    /// the proxy knows passes.
    pub(super) async fn check_proxied_name(&self, url: &Url) -> Result<(), RefusedAddress> {
        let Some(host) = url.domain().filter(|_| self.is_proxied(url)) else { return Ok(()) };
        match tokio::time::timeout(LOOKUP_TIMEOUT, self.guard.resolve(host)).await {
            Ok(Err(ResolveError::Refused(refused))) => Err(refused),
            _ => Ok(()),
        }
    }

    fn is_proxied(&self, url: &Url) -> bool {
        let uri = url.as_str().parse().ok();
        !is_loopback(url) && uri.is_some_and(|uri| self.proxies.intercept(&uri).is_some())
    }
}

/// If the machine has no root certificates, pages without TLS can still be read.
fn build(builder: impl Fn() -> reqwest::ClientBuilder) -> Result<reqwest::Client, String> {
    builder()
        .build()
        .or_else(|_| {
            let tls = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder().tls_backend_preconfigured(tls).build()
        })
        .map_err(|error| format!("cannot set up HTTP: {error}"))
}

/// Gives the connection exactly the addresses that were checked.
struct Resolver(Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses = guard.resolve(name.as_str()).await.map_err(|error| match error {
                ResolveError::Refused(refused) => Box::<dyn Error + Send + Sync>::from(refused),
                ResolveError::Unknown(error) => Box::from(error),
            })?;
            // The port comes from the URL.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// A server's answer: the head, and the body still to be read.
pub(super) struct HttpResponse {
    url: Url,
    response: Response,
}

/// Why a body was not kept.
pub(super) enum BodyError {
    OverLimit,
    Disk(io::Error),
    Broken(BackendError),
}

impl HttpResponse {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The first header with this name.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers(name).next()
    }

    pub(super) fn headers(&self, name: &str) -> impl Iterator<Item = String> {
        let values = self.response.headers().get_all(name).into_iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Length of the body in bytes, if the server reports it.
    pub(super) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// All headers, with names in lower case.
    pub(super) fn all_headers(&self) -> Vec<(String, String)> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = self.response.headers().iter();
        headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
    }

    /// Writes the body as it arrives, and stops when it exceeds `limit` bytes.
    pub(super) async fn save(mut self, to: &mut impl Write, limit: u64) -> Result<(), BodyError> {
        let mut rest = limit;
        loop {
            let chunk = self.response.chunk().await;
            let chunk = chunk.map_err(|failure| BodyError::Broken(broken(&self.url, &failure)))?;
            let Some(chunk) = chunk else { return Ok(()) };
            rest = rest.checked_sub(chunk.len() as u64).ok_or(BodyError::OverLimit)?;
            to.write_all(&chunk).map_err(BodyError::Disk)?;
        }
    }
}

fn broken<'a>(url: &Url, failure: &'a reqwest::Error) -> BackendError {
    let causes = |error: &&'a (dyn Error + 'static)| (*error).source();
    let mut causes = std::iter::successors(Some(failure as &(dyn Error + 'static)), causes);
    let (fault, message) = causes
        .find_map(|cause| cause.downcast_ref::<RefusedAddress>())
        .map_or_else(|| transport_error(failure), |no| (Fault::Permanent, no.to_string()));
    error(url, fault, &message)
}

/// An error of the server of a page.
pub(super) fn error(url: &Url, fault: Fault, message: &str) -> BackendError {
    BackendError::new(ExternalService::Web, fault, url.as_str(), message)
}
