//! The protocol of a hub: which commit a revision points to, what a file is, and its bytes.
//!
//! A file in git itself is served by the hub's own host, maybe after redirects on it. A large file is on
//! another host: the hub redirects there, and describes the file in the headers of the redirect. The token
//! is sent to the hub's own host only.

use std::time::Duration;

use chrono::Utc;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, LOCATION, RANGE};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::{BackendError, ExternalService, Fault};
use crate::http::{headers, http_client, retry_after, shown_url, transport_error};

/// Longest time without data from a host.
const SILENCE: Duration = Duration::from_secs(30);
/// Most redirects of one request.
const REDIRECTS: usize = 5;
/// Most bytes read into memory: the listing of a large repository.
const LISTING: usize = 16 << 20;
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) struct Wire {
    endpoint: Url,
    token: Option<String>,
    /// By host, because the host decides whether a proxy is used.
    clients: Mutex<Vec<(String, Client)>>,
}

/// The commit that a revision points to, and its files.
#[derive(Deserialize)]
pub(super) struct Revision {
    #[serde(rename = "sha")]
    pub(super) commit: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    #[serde(rename = "rfilename")]
    path: String,
}

impl Revision {
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.siblings.iter().map(|sibling| sibling.path.as_str())
    }
}

/// A file of a commit, as the hub describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Remote {
    pub(super) path: String,
    /// SHA-256 of a large file (64 hexadecimal digits), git's SHA-1 of any other (40).
    pub(super) hash: String,
    pub(super) size: u64,
}

/// The bytes of a file, from an offset on.
pub(super) struct DownloadBody {
    response: Response,
    /// The offset of the first byte.
    pub(super) from: u64,
}

impl Wire {
    pub(super) fn new(endpoint: &str, token: Option<String>) -> Result<Self, BackendError> {
        let wrong = |why: &str| failed(endpoint, Fault::Permanent, why);
        let url = Url::parse(endpoint).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
        if url.cannot_be_a_base() {
            return Err(wrong("is not a URL of a server"));
        }
        Ok(Self { endpoint: url, token, clients: Mutex::default() })
    }

    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Asks which commit a revision points to, and which files it has.
    pub(super) async fn revision(
        &self,
        name: &str,
        revision: &str,
    ) -> Result<Revision, BackendError> {
        let url = self.url(&["api", "models"], name, &["revision", revision])?;
        let response = self.follow(Method::GET, url.clone(), None).await?;
        let text = self.whole(response, &url).await?;
        let revision: Revision = serde_json::from_slice(&text).map_err(|error| {
            let why = format!("did not answer as a model hub does: {error}");
            failed(url.as_str(), Fault::Permanent, &why)
        })?;
        if !super::is_commit(&revision.commit) {
            let why = format!("names no commit: {:?}", revision.commit);
            return Err(failed(url.as_str(), Fault::Permanent, &why));
        }
        Ok(revision)
    }

    /// Asks for the description of a file of a commit.
    pub(super) async fn remote(
        &self,
        name: &str,
        commit: &str,
        path: &str,
    ) -> Result<Remote, BackendError> {
        let url = self.file(name, commit, path)?;
        let mut at = url.clone();
        for _ in 0..REDIRECTS {
            let response = self.send(Method::HEAD, &at, None).await?;
            let header = |name: &str| response.headers().get(name)?.to_str().ok();
            let linked = header("x-linked-etag");
            if response.status().is_redirection() && linked.is_none() {
                let next = location(&at, &response)?;
                if !same_host(&next, &self.endpoint) {
                    let why = format!(
                        "redirects to {}, and does not describe the file",
                        shown_url(next.as_str())
                    );
                    return Err(failed(url.as_str(), Fault::Permanent, &why));
                }
                at = next;
                continue;
            }
            if !response.status().is_redirection() && !response.status().is_success() {
                return Err(refused(&at, &response));
            }
            return describe(&url, path, commit, header, linked);
        }
        Err(failed(url.as_str(), Fault::Permanent, "redirects too many times"))
    }

    /// The whole content of a small file.
    pub(super) async fn text(
        &self,
        name: &str,
        commit: &str,
        path: &str,
    ) -> Result<Vec<u8>, BackendError> {
        let url = self.file(name, commit, path)?;
        let response = self.follow(Method::GET, url.clone(), None).await?;
        self.whole(response, &url).await
    }

    /// The bytes of a file, from the offset `from` if the host supports that.
    pub(super) async fn body(
        &self,
        name: &str,
        commit: &str,
        path: &str,
        from: u64,
    ) -> Result<DownloadBody, BackendError> {
        let url = self.file(name, commit, path)?;
        let response = self.follow(Method::GET, url, Some(from).filter(|from| *from > 0)).await?;
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let first =
            range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        let from = if partial { first.unwrap_or(from) } else { 0 };
        Ok(DownloadBody { response, from })
    }

    /// Sends a request, follows redirects, and returns the success.
    async fn follow(
        &self,
        method: Method,
        mut url: Url,
        from: Option<u64>,
    ) -> Result<Response, BackendError> {
        for _ in 0..REDIRECTS {
            let response = self.send(method.clone(), &url, from).await?;
            if response.status().is_redirection() {
                let next = location(&url, &response)?;
                if url.scheme() == "https" && next.scheme() != "https" {
                    let why = "redirects from https to http, where anyone could change the file";
                    return Err(failed(url.as_str(), Fault::Permanent, why));
                }
                url = next;
            } else if response.status().is_success() {
                return Ok(response);
            } else {
                return Err(refused(&url, &response));
            }
        }
        Err(failed(url.as_str(), Fault::Permanent, "redirects too many times"))
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        from: Option<u64>,
    ) -> Result<Response, BackendError> {
        // Compression in transit would change the length of the file.
        let mut request = self
            .client(url)
            .await?
            .request(method, url.clone())
            .header(ACCEPT_ENCODING, "identity");
        if let Some(token) = self.token.as_ref().filter(|_| same_host(url, &self.endpoint)) {
            request = request.bearer_auth(token);
        }
        if let Some(from) = from {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        match tokio::time::timeout(SILENCE, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(broken(url, &error)),
            Err(_) => Err(silent(url)),
        }
    }

    async fn client(&self, url: &Url) -> Result<Client, BackendError> {
        let host = url.origin().ascii_serialization();
        let mut clients = self.clients.lock().await;
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == host) {
            return Ok(client.clone());
        }
        let client = http_client(url).map_err(|error| broken(url, &error))?;
        clients.push((host, client.clone()));
        Ok(client)
    }

    async fn whole(&self, response: Response, url: &Url) -> Result<Vec<u8>, BackendError> {
        let (mut body, mut text) = (DownloadBody { response, from: 0 }, Vec::new());
        while let Some(chunk) = body.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > LISTING {
                return Err(failed(
                    url.as_str(),
                    Fault::Permanent,
                    "the listing has more than 16 MB",
                ));
            }
        }
        Ok(text)
    }

    fn file(&self, name: &str, commit: &str, path: &str) -> Result<Url, BackendError> {
        let behind: Vec<&str> = ["resolve", commit].into_iter().chain(path.split('/')).collect();
        self.url(&[], name, &behind)
    }

    /// A part may contain a slash, which then belongs to its name.
    fn url(&self, before: &[&str], name: &str, behind: &[&str]) -> Result<Url, BackendError> {
        let parts = before.iter().copied().chain(name.split('/')).chain(behind.iter().copied());
        let mut url = self.endpoint.as_str().trim_end_matches('/').to_owned();
        for part in parts {
            url = format!("{url}/{}", utf8_percent_encode(part, SEGMENT));
        }
        Url::parse(&url).map_err(|error| failed(&url, Fault::Permanent, &error.to_string()))
    }
}

impl DownloadBody {
    /// The next bytes; `None` at the end, which may come too soon.
    pub(super) async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, BackendError> {
        let url = self.response.url().clone();
        match tokio::time::timeout(SILENCE, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| broken(&url, &error)),
            Err(_) => Err(silent(&url)),
        }
    }
}

fn describe<'a>(
    url: &Url,
    path: &str,
    commit: &str,
    header: impl Fn(&str) -> Option<&'a str>,
    linked: Option<&str>,
) -> Result<Remote, BackendError> {
    let wrong = |why: &str| failed(url.as_str(), Fault::Permanent, why);
    match header("x-repo-commit") {
        None => {
            return Err(wrong(
                "does not answer as a model hub does: check HF_ENDPOINT, and any proxy in between",
            ));
        }
        Some(other) if other != commit => {
            return Err(wrong("answers with a file of another commit"));
        }
        Some(_) => {}
    }
    let etag = linked.or_else(|| header("etag")).unwrap_or_default();
    let hash = etag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
    if !matches!(hash.len(), 40 | 64) || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong("gives no hash of the file, so it could not be checked"));
    }
    let size = header("x-linked-size").or_else(|| header("content-length"));
    let size = size.and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| wrong("does not say how large the file is"))?;
    Ok(Remote { path: path.to_owned(), hash, size })
}

fn same_host(url: &Url, other: &Url) -> bool {
    url.origin() == other.origin()
}

fn location(url: &Url, response: &Response) -> Result<Url, BackendError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| url.join(location).ok());
    let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
    next.ok_or_else(|| failed(url.as_str(), Fault::Permanent, "redirects without naming a target"))
}

/// The error for a response that is neither a success nor a redirect.
fn refused(url: &Url, response: &Response) -> BackendError {
    let status = response.status();
    let headers = headers(response);
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
    let fault = match status.as_u16() {
        401 | 403 => Fault::Unauthorized,
        404 | 410 => Fault::NotFound,
        408 | 425 | 429 | 500.. => {
            Fault::Transient { retry_after: retry_after(&headers, Utc::now()) }
        }
        _ => Fault::Permanent,
    };
    let code = header("x-error-code").map(|code| format!(" {code}")).unwrap_or_default();
    let said = header("x-error-message").map(|said| format!(": {said}")).unwrap_or_default();
    let error = failed(url.as_str(), fault, &format!("HTTP {}{code}{said}", status.as_u16()));
    BackendError { status: Some(status.as_u16()), ..error }
}

fn broken(url: &Url, error: &reqwest::Error) -> BackendError {
    let (fault, message) = transport_error(error);
    failed(url.as_str(), fault, &message)
}

fn silent(url: &Url) -> BackendError {
    let why = format!("nothing came for {} s", SILENCE.as_secs());
    failed(url.as_str(), Fault::Transient { retry_after: None }, &why)
}

pub(super) fn failed(url: &str, fault: Fault, message: &str) -> BackendError {
    // The query of a signed URL is a key.
    BackendError::new(ExternalService::Hub, fault, shown_url(url), message)
}
