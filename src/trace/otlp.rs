//! Sends a record as OpenTelemetry spans to a collector, as OTLP/JSON over HTTP.
//!
//! `gen_ai.*` names follow the semantic conventions for generative AI, `docent.*` names are docent's own. The
//! texts of question, prompt and answer leave the machine only if the record has them as content.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Feedback, ModelCall, ModelOperation, Trace};
use crate::http::http_client;
use crate::types::{ContentHash, TraceContext};

/// Where to send spans.
pub struct ExportOptions {
    /// The URL to post to, with its path.
    pub url: String,
    /// Names and values: they may be credentials.
    pub headers: Vec<(String, String)>,
    pub timeout: Duration,
    /// Attributes of the resource, in addition to `service.name`.
    pub resource: Vec<(String, String)>,
    pub service_name: String,
}

/// Posts the spans of a record. The error is a sentence without credentials.
pub async fn export(trace: &Trace, options: &ExportOptions) -> Result<(), String> {
    post(request(trace, options), options).await
}

/// Posts a reader's feedback on an answer, as a span of the answer's trace. The error is as in [`export`].
pub async fn export_feedback(feedback: &Feedback, options: &ExportOptions) -> Result<(), String> {
    post(envelope(&[feedback_span(feedback)], env!("CARGO_PKG_VERSION"), options), options).await
}

async fn post(request: Value, options: &ExportOptions) -> Result<(), String> {
    let url =
        reqwest::Url::parse(&options.url).map_err(|_| "the endpoint is not a URL".to_owned())?;
    let http = http_client(&url).map_err(|_| "cannot set up HTTP".to_owned())?;
    let request = http
        .post(url)
        .headers(headers(&options.headers)?)
        .header(CONTENT_TYPE, "application/json")
        .timeout(options.timeout)
        .body(request.to_string());
    let answer = request.send().await.map_err(|error| {
        let took = options.timeout.as_secs_f64();
        if error.is_timeout() {
            format!("no answer in {took} s")
        } else {
            crate::http::transport_error(&error).1
        }
    })?;
    let status = answer.status();
    status.is_success().then_some(()).ok_or_else(|| format!("it answered {status}"))
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let wrong = || format!("the header {name:?} cannot be sent");
        let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// An `ExportTraceServiceRequest` in the JSON encoding of OTLP: ids in hexadecimal, 64-bit integers
/// as strings.
pub fn request(trace: &Trace, options: &ExportOptions) -> Value {
    envelope(&spans(trace), &trace.docent, options)
}

fn envelope(spans: &[Value], version: &str, options: &ExportOptions) -> Value {
    let mut resource = vec![
        attribute("service.name", &options.service_name),
        attribute("service.version", version),
    ];
    resource.extend(options.resource.iter().map(|(name, value)| attribute(name, value)));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "docent", "version": version},
            "spans": spans,
        }],
    }]})
}

fn spans(trace: &Trace) -> Vec<Value> {
    let times = &trace.timings_ms;
    let packed_from = times.retrieved - times.packing;
    let end = trace.calls.iter().map(|call| call.ended).fold(times.total, f64::max);
    let mut spans = vec![query(trace, end)];
    for (number, call) in trace.calls.iter().enumerate() {
        spans.push(model_call(trace, call, number));
    }
    if times.retrieved > 0.0 {
        spans.push(retrieval(trace, packed_from));
        spans.push(packing(trace, packed_from));
    }
    spans
}

/// The parent of all other spans. Its own parent is the caller's span, if there is one.
fn query(trace: &Trace, end: f64) -> Value {
    let mut span = query_alone(trace, end);
    if let Some(parent) = trace.context.as_ref().and_then(|context| context.parent_id.as_ref()) {
        span["parentSpanId"] = json!(parent);
    }
    span
}

fn query_alone(trace: &Trace, end: f64) -> Value {
    let mut attributes = vec![
        attribute("docent.answer.id", &trace.id.to_string()),
        attribute("gen_ai.data_source.id", &trace.collection.name),
        attribute("docent.exit_code", trace.outcome.exit_code),
        attribute("docent.no_answer", trace.outcome.no_answer),
        attribute("docent.citations.verified", verified(trace)),
        attribute("docent.citations.unverified", trace.citations.len() - verified(trace)),
        attribute("docent.citations.invalid", trace.invalid_citations.len()),
    ];
    if let Some(hash) = &trace.prompt_hash {
        attributes.push(attribute("docent.prompt.hash", &hash.0));
    }
    if trace.content.is_some() {
        attributes.push(attribute("docent.question", &trace.question));
    }
    let failed = trace.outcome.error.as_deref();
    if let Some(error) = failed {
        attributes.push(attribute("error.type", &exit_name(trace.outcome.exit_code)));
        let status = json!({"code": ERROR, "message": error});
        let mut span = span(trace, "query", "query", INTERNAL, (0.0, end), attributes);
        span["status"] = status;
        return span;
    }
    span(trace, "query", "query", INTERNAL, (0.0, end), attributes)
}

fn feedback_span(feedback: &Feedback) -> Value {
    let Feedback { feedback_on, at, score, context, .. } = feedback;
    let (trace_id, parent) = ids(*feedback_on, context.as_ref());
    let at = nanoseconds(at).to_string();
    json!({
        "traceId": trace_id,
        "spanId": derived_span(*feedback_on, &format!("feedback{at}")),
        "parentSpanId": parent,
        "name": "feedback",
        "kind": INTERNAL,
        "startTimeUnixNano": at,
        "endTimeUnixNano": at,
        "attributes": [
            attribute("docent.answer.id", &feedback_on.to_string()),
            attribute("docent.feedback.score", *score),
        ],
    })
}

fn verified(trace: &Trace) -> usize {
    trace.citations.iter().filter(|citation| citation.verified).count()
}

fn exit_name(code: i32) -> String {
    format!("exit_{code}")
}

fn retrieval(trace: &Trace, until: f64) -> Value {
    let name = format!("retrieval {}", trace.collection.name);
    let mut attributes = vec![
        attribute("gen_ai.operation.name", "retrieval"),
        attribute("gen_ai.data_source.id", &trace.collection.name),
        attribute("gen_ai.request.top_k", trace.retrieval.k as f64),
        attribute("docent.retrieval.mode", &trace.retrieval.mode),
        attribute("docent.retrieved", trace.retrieved.len()),
    ];
    if trace.content.is_some() {
        attributes.push(attribute("gen_ai.retrieval.query.text", &trace.question));
    }
    let searched_from =
        trace.calls.iter().filter(|call| call.operation == ModelOperation::Embeddings);
    let reranked = trace.calls.iter().find(|call| call.operation == ModelOperation::Rerank);
    let until = reranked.map_or(until, |call| call.began.min(until));
    let from = searched_from.map(|call| call.ended).fold(0.0, f64::max).min(until);
    child(trace, "retrieval", &name, INTERNAL, (from, until), attributes)
}

fn packing(trace: &Trace, from: f64) -> Value {
    let dropped = trace.retrieved.iter().filter(|row| row.dropped.is_some()).count();
    let mut passages: Vec<u32> = trace.retrieved.iter().filter_map(|row| row.passage).collect();
    passages.sort_unstable();
    passages.dedup();
    let attributes =
        vec![attribute("docent.passages", passages.len()), attribute("docent.dropped", dropped)];
    let times = (from, trace.timings_ms.retrieved);
    child(trace, "pack", "pack", INTERNAL, times, attributes)
}

fn model_call(trace: &Trace, call: &ModelCall, number: usize) -> Value {
    let operation = match call.operation {
        ModelOperation::Embeddings => "embeddings",
        ModelOperation::Rerank => "rerank",
        ModelOperation::Chat => "chat",
        ModelOperation::Verify => "verify",
    };
    let model = call.model.strip_prefix("openai:").unwrap_or(&call.model);
    let mut attributes = vec![
        attribute("gen_ai.operation.name", operation),
        attribute("gen_ai.provider.name", if call.local { "docent" } else { "openai" }),
        attribute("gen_ai.request.model", model),
    ];
    if let Some(answered) = &call.answered_by {
        attributes.push(attribute("gen_ai.response.model", answered));
    }
    if call.operation == ModelOperation::Embeddings {
        let dimensions = trace.models.embedder.dimensions;
        attributes.push(attribute("gen_ai.embeddings.dimension.count", dimensions));
    }
    attributes.extend(usage(call));
    if call.operation == ModelOperation::Chat {
        attributes.extend(chat_attributes(trace, call));
    }
    let kind = if call.local { INTERNAL } else { CLIENT };
    let (key, name) = (format!("{operation}{number}"), format!("{operation} {model}"));
    if let Some(error) = &call.error {
        attributes.push(attribute("error.type", error));
    }
    let mut span = child(trace, &key, &name, kind, (call.began, call.ended), attributes);
    if call.error.is_some() {
        span["status"] = json!({"code": ERROR});
    }
    span
}

fn usage(call: &ModelCall) -> impl Iterator<Item = Value> {
    let usage = [
        ("gen_ai.usage.input_tokens", call.usage.prompt_tokens),
        ("gen_ai.usage.output_tokens", call.usage.completion_tokens),
    ];
    usage.into_iter().filter_map(|(name, tokens)| Some(attribute(name, tokens? as usize)))
}

fn chat_attributes(trace: &Trace, call: &ModelCall) -> Vec<Value> {
    let mut attributes = Vec::new();
    let setting = |name: &str| trace.settings.get(name).and_then(|text| text.parse::<f64>().ok());
    if let Some(temperature) = setting("chat.temperature") {
        attributes.push(attribute("gen_ai.request.temperature", temperature));
    }
    if let Some(tokens) = setting("chat.max_tokens") {
        attributes.push(attribute("gen_ai.request.max_tokens", tokens as usize));
    }
    if let Some(reason) = &call.finish_reason {
        let reasons = json!({"arrayValue": {"values": [{"stringValue": reason}]}});
        attributes.push(json!({"key": "gen_ai.response.finish_reasons", "value": reasons}));
    }
    if let Some(url) = trace.models.chat.endpoint.as_deref().filter(|_| !call.local)
        && let Ok(url) = reqwest::Url::parse(url)
    {
        attributes.extend(url.host_str().map(|host| attribute("server.address", host)));
        let port = url.port_or_known_default();
        attributes.extend(port.map(|port| attribute("server.port", usize::from(port))));
    }
    if let Some(content) = &trace.content {
        let said = |role: &str, text: &str| json!({"role": role, "parts": [{"type": "text", "content": text}]});
        let input: Vec<Value> = call
            .messages
            .iter()
            .flatten()
            .map(|message| {
                let role = serde_json::to_value(message.speaker).unwrap_or_default();
                said(role.as_str().unwrap_or_default(), &message.text)
            })
            .collect();
        let output = json!([said("assistant", &content.answer)]);
        attributes.push(attribute("gen_ai.input.messages", &json!(input).to_string()));
        attributes.push(attribute("gen_ai.output.messages", &output.to_string()));
    }
    attributes
}

const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// A span below that of the query.
fn child(
    trace: &Trace,
    key: &str,
    name: &str,
    kind: u8,
    times: (f64, f64),
    attributes: Vec<Value>,
) -> Value {
    let mut span = span(trace, key, name, kind, times, attributes);
    span["parentSpanId"] = json!(span_id(trace, "query"));
    span
}

/// Times are milliseconds since the question. The trace id is the caller's, or the answer's.
fn span(
    trace: &Trace,
    key: &str,
    name: &str,
    kind: u8,
    (from, until): (f64, f64),
    attributes: Vec<Value>,
) -> Value {
    let started = nanoseconds(&trace.started_at);
    let at = |milliseconds: f64| (started + (milliseconds * 1e6) as i64).to_string();
    json!({
        "traceId": ids(trace.id, trace.context.as_ref()).0,
        "spanId": span_id(trace, key),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": at(from),
        "endTimeUnixNano": at(until.max(from)),
        "attributes": attributes,
    })
}

fn nanoseconds(time: &str) -> i64 {
    let time = DateTime::parse_from_rfc3339(time).ok();
    time.and_then(|time| time.timestamp_nanos_opt()).unwrap_or_default()
}

/// The ids of the trace that an answer belongs to, and of the answer's span.
fn ids(answer: Uuid, context: Option<&TraceContext>) -> (String, String) {
    match context {
        Some(context) => (context.trace_id.clone(), context.span_id.clone()),
        None => (answer.simple().to_string(), derived_span(answer, "query")),
    }
}

fn span_id(trace: &Trace, key: &str) -> String {
    match key {
        "query" => ids(trace.id, trace.context.as_ref()).1,
        _ => derived_span(trace.id, key),
    }
}

fn derived_span(answer: Uuid, key: &str) -> String {
    ContentHash::of(format!("{answer}/{key}").as_bytes()).0[..16].to_owned()
}

/// A value of OTLP's `AnyValue`.
enum Any {
    Text(String),
    Whole(i64),
    Fraction(f64),
    Truth(bool),
}

impl From<&str> for Any {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Any {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<usize> for Any {
    fn from(number: usize) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<i32> for Any {
    fn from(number: i32) -> Self {
        Self::Whole(i64::from(number))
    }
}

impl From<f64> for Any {
    fn from(number: f64) -> Self {
        Self::Fraction(number)
    }
}

impl From<bool> for Any {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

fn attribute(name: &str, value: impl Into<Any>) -> Value {
    let value = match value.into() {
        Any::Text(text) => json!({"stringValue": text}),
        Any::Whole(number) => json!({"intValue": number.to_string()}),
        Any::Fraction(number) => json!({"doubleValue": number}),
        Any::Truth(truth) => json!({"boolValue": truth}),
    };
    json!({"key": name, "value": value})
}
