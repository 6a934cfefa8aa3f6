//! From a request to its response: the same steps for every route.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::response::Response;
use chrono::Utc;
use futures::FutureExt as _;
use http::header::{ALLOW, AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use super::access::{AccessDecision, Caller};
use super::call::{AdmittedRequest, Server, SharedNotes, accepts_html, made_id};
use super::credentials::brings_key;
use super::keys::KeyRight;
use super::log::{GuardedBody, LogEntry, PendingEntry};
use super::refusal::{ErrorCode, RequestRefusal};
use super::request::read_body;
use super::routes::{self, RequestCost, Route};
use super::signature::Signer;
use super::{browser, page};
use crate::http::{TRACEPARENT, with_trace_context};
use crate::types::TraceContext;

/// The header in which clients of `OpenAI` count their retries.
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-stainless-retry-count");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The response header of Trace Context Level 2 that names the request's trace.
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// The permits that a question holds until its answer has ended.
type Turn = (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>);

/// Answers a request by its route; `None`: no route matches.
pub(super) async fn dispatch(
    server: Arc<Server>,
    route: Option<&'static Route>,
    request: Request<Body>,
) -> Response {
    let id = request_id(&request);
    let context = trace_context(request.headers());
    let route = route.filter(|route| server.settings.ui || !route.page);
    let in_html = route.is_some_and(|route| route.page) && accepts_html(request.headers());
    let without_body = request.method() == Method::HEAD;
    let asked_by = request.headers().get(ORIGIN).cloned();
    let notes = SharedNotes::default();
    let entry = LogEntry {
        request_id: id.clone(),
        trace_id: context.trace_id.clone(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        route: route.map(|route| route.path),
        needs_right: route.is_none_or(|route| route.right.is_some()),
        ..LogEntry::default()
    };
    let mut pending = PendingEntry::begin(&server, &notes, entry);
    let allowed = check_head(&request)
        .and_then(|()| browser::check(&request, &server.settings, server.access.needs_keys()));
    let lets_read = allowed.is_ok();
    let answered = match allowed {
        Ok(()) if browser::is_preflight(&request) => Ok((browser::preflight(), (None, None))),
        Ok(()) => {
            let answered = answer(&server, route, request, &id, &mut pending);
            with_trace_context(context.clone(), answered).await
        }
        Err(refusal) => Err(refusal),
    };
    let (mut response, turn) = answered.unwrap_or_else(|mut refusal| {
        notes.refused(&mut refusal, server.access.needs_keys());
        let response = if in_html { page::refused(&refusal, &id) } else { refusal.response(&id) };
        (response, (None, None))
    });
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = routes::allowed(&pending.entry.path, route);
        response.headers_mut().extend(HeaderValue::from_str(&allowed).map(|it| (ALLOW, it)));
    }
    response.headers_mut().extend(std::mem::take(&mut pending.left));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if let Ok(context) = HeaderValue::try_from(context.traceparent()) {
        response.headers_mut().insert(TRACE_RESPONSE, context);
    }
    browser::let_read(&mut response, asked_by.filter(|_| lets_read));
    pending.status = Some(response.status().as_u16());
    // The bytes of a body that is not sent cannot be counted.
    pending.sent = without_body || http_body::Body::is_end_stream(response.body());
    response.map(|body| Body::new(GuardedBody { body, pending, held: turn, context }))
}

async fn answer(
    server: &Arc<Server>,
    route: Option<&'static Route>,
    request: Request<Body>,
    id: &str,
    pending: &mut PendingEntry,
) -> Result<(Response, Turn), RequestRefusal> {
    let Some(route) = route else { return Err(no_route(&request)) };
    let host = browser::host(&request).and_then(|host| HeaderValue::from_str(&host).ok());
    let (mut parts, body) = request.into_parts();
    // HTTP/2 has the host in the URI, and links in answers begin with it.
    if let Some(host) = host.filter(|_| !parts.headers.contains_key(HOST)) {
        parts.headers.insert(HOST, host);
    }
    let repeated = parts.headers.get(RETRY_COUNT).is_some_and(|count| count != "0");
    pending.notes.note(|notes| notes.is_repeated = repeated);
    let params: Vec<(String, String)> =
        match RawPathParams::from_request_parts(&mut parts, &()).await {
            Ok(params) => {
                params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
            }
            Err(error) => return Err(RequestRefusal::invalid("", error.to_string())),
        };
    let caller = match route.right {
        Some(_) if route.page && stands_for_key(server, &parts) => {
            let caller = holder_of_link(server, &params, &parts)?;
            server.check_audit()?;
            caller
        }
        Some(_) if parts.extensions.get::<browser::FromOwner>().is_some() => {
            server.check_audit()?;
            server.access.owner()
        }
        Some(right) => enter(server, &parts.headers, right, pending)?,
        None => server.access.nobody(),
    };
    // Before the body is read, so that a refused caller need not send it.
    let turn = match route.work {
        RequestCost::Light | RequestCost::File => (None, None),
        RequestCost::Question => {
            let own = begin_question(server, &caller)?;
            (own, Some(server.admission.begin_question().await?))
        }
    };
    let (body, file) = match parts.method {
        Method::POST if route.work == RequestCost::File => (bytes::Bytes::new(), Some(body)),
        Method::POST => {
            let settings = &server.settings;
            (read_body(body, settings.body_limit, settings.header_timeout).await?, None)
        }
        _ => (bytes::Bytes::new(), None),
    };
    let upgrade = parts.extensions.remove();
    let call = AdmittedRequest {
        server: Arc::clone(server),
        id: id.to_owned(),
        caller,
        params,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        upgrade,
        file: std::sync::Mutex::new(file),
        notes: pending.notes.clone(),
    };
    let handled = AssertUnwindSafe((route.handler)(call)).catch_unwind();
    let handled = tokio::time::timeout(server.settings.timeout, handled).await;
    match handled {
        Ok(Ok(response)) => Ok((response?, turn)),
        Ok(Err(_)) => Err(RequestRefusal::panicked()),
        Err(_) => Err(RequestRefusal::timeout()),
    }
}

/// The head is too large, or has two of a header that decides who asks: a proxy may have looked at the
/// other one.
fn check_head(request: &Request<Body>) -> Result<(), RequestRefusal> {
    /// Total of names and values, plus what HTTP/2 counts for each header.
    const LARGEST: usize = 32 << 10;
    const BESIDE: usize = 32;
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers = request.headers();
    let sizes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + BESIDE);
    if target + sizes.sum::<usize>() > LARGEST {
        return Err(RequestRefusal::head_too_large(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    for name in [HOST, AUTHORIZATION] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let problem = format!("the header `{name}` appears more than once");
            return Err(RequestRefusal::invalid(name.as_str(), problem).hint("send it once"));
        }
    }
    Ok(())
}

/// Admits a caller, or says why not. Either way `pending` records the key.
///
/// # Errors
/// The caller may not do this, or the audit cannot be written.
pub(super) fn enter(
    server: &Server,
    headers: &HeaderMap,
    right: KeyRight,
    pending: &mut PendingEntry,
) -> Result<Caller, RequestRefusal> {
    let AccessDecision { caller, key, left } = server.access.enter(headers, right);
    (pending.entry.key, pending.left) = (key, left);
    let caller = caller?;
    server.check_audit()?;
    Ok(caller)
}

/// The limits of the key, checked before a question queues with all others. The return value is held until
/// the answer has ended.
///
/// # Errors
/// The key has used its budget, or already asks as many questions at a time as it may.
pub(super) fn begin_question(
    server: &Server,
    caller: &Caller,
) -> Result<Option<OwnedSemaphorePermit>, RequestRefusal> {
    caller.check_budget(|key| server.observers.usage.cost_of(key))?;
    caller.begin_question()
}

/// Whether a link is checked instead of a key.
fn stands_for_key(server: &Server, parts: &Parts) -> bool {
    let signed = Signer::is_in(parts.uri.query().unwrap_or_default());
    server.access.needs_keys() && signed && !brings_key(&parts.headers)
}

/// # Errors
/// The link was not made for the document that it names, or has expired.
fn holder_of_link(
    server: &Server,
    params: &[(String, String)],
    parts: &Parts,
) -> Result<Caller, RequestRefusal> {
    let named = |name: &str| {
        let found = params.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    };
    let (collection, source) = (named("collection"), named("source"));
    let query = parts.uri.query().unwrap_or_default();
    let key = server.access.key_of_id(Signer::holder_in(query), collection);
    server.signer.check(key.as_ref(), collection, source, query, Utc::now().timestamp())?;
    Ok(server.access.holder_of_link(collection, source))
}

/// The caller's request id if it is safe to log, or a new one.
fn request_id(request: &Request<Body>) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        let sane = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        (1..=128).contains(&id.len()) && id.chars().all(sane)
    };
    sent.filter(fits).map_or_else(|| made_id("req_"), str::to_owned)
}

/// The caller's trace context if it sent exactly one that is valid, or the first span of a new trace.
pub(super) fn trace_context(headers: &HeaderMap) -> TraceContext {
    let mut sent = headers.get_all(TRACEPARENT).iter();
    let sent = sent.next().filter(|_| sent.next().is_none());
    let sent = sent.and_then(|header| TraceContext::below(header.to_str().ok()?));
    sent.unwrap_or_else(TraceContext::begin)
}

fn no_route(request: &Request<Body>) -> RequestRefusal {
    let (method, path) = (request.method(), request.uri().path());
    let others = routes::methods_of(path);
    // A route with this method that ends up here is switched off.
    if !others.is_empty() && !others.contains(&method.as_str()) {
        let asked_by = others.iter().filter(|it| **it != "HEAD").copied().collect::<Vec<_>>();
        return RequestRefusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::MethodNotAllowed,
            format!("{path} takes {}, not {method}", asked_by.join(" or ")),
        );
    }
    let refusal =
        RequestRefusal::not_found(ErrorCode::UnknownUrl, format!("there is no {path} here"));
    match routes::nearest(path) {
        Some(near) => refusal.hint(format!(
            "did you mean {} {}? GET /openapi.json lists every request",
            near.method, near.path
        )),
        None => refusal,
    }
}
