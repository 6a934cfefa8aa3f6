//! Counts and times of requests in the `OpenMetrics` format, at `/metrics`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::call::AdmittedRequest;
use super::drift::{self, DriftMonitor};
use super::log::LogEntry;
use super::openapi::ApiOperation;
use super::uploads::Uploads;
use crate::query::cache::{CacheCounts, RetrievalCache};

/// Bucket limits in seconds: from a cached probe to the longest answer.
const SECONDS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0];

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfRequest {
    route: String,
    status: u16,
    key: String,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfRefusal {
    code: String,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfTokens {
    key: String,
    kind: &'static str,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfKey {
    key: String,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfQuestions {
    state: &'static str,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfJob {
    what: String,
    outcome: &'static str,
    key: String,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
struct OfFeedback {
    collection: String,
    verdict: &'static str,
}

#[derive(Clone, Hash, PartialEq, Eq, Debug, EncodeLabelSet)]
pub(super) struct DriftGauge {
    pub(super) collection: String,
    pub(super) signal: &'static str,
}

type Seconds = Family<OfRoute, Histogram, fn() -> Histogram>;
type Money = Counter<f64, AtomicU64>;

/// Counted since the start of the server.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<OfRequest, Counter>,
    request_seconds: Seconds,
    retrieval_seconds: Histogram,
    first_token_seconds: Histogram,
    refusals: Family<OfRefusal, Counter>,
    tokens: Family<OfTokens, Counter>,
    cost: Family<OfKey, Money>,
    answers: Counter,
    no_answers: Counter,
    unsupported_citations: Counter,
    repeated: Counter,
    questions: Family<OfQuestions, Gauge>,
    jobs: Family<OfJob, Counter>,
    jobs_waiting: Gauge,
    pub(super) audit_failures: Counter,
    feedback: Family<OfFeedback, Counter>,
    drift: Family<DriftGauge, Gauge<f64, AtomicU64>>,
    drifted: Family<DriftGauge, Gauge>,
}

/// The registry while metrics are added to it.
struct Listing(Registry);

impl Listing {
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.with(name, help, M::default())
    }

    fn with<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }
}

impl Metrics {
    /// `cache`: its counts are included.
    pub(super) fn new(cache: Option<Arc<RetrievalCache>>) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut all = Listing(Registry::with_prefix("docent"));
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        all.0.register("build", "The program", version);
        if let Some(cache) = cache {
            all.0.register_collector(Box::new(OfCache(cache)));
        }
        Self {
            requests: all.add("requests", "Requests that have ended"),
            request_seconds: all.with(
                "request_seconds",
                "From the head of a request to the last byte of its response",
                Family::new_with_constructor(histogram),
            ),
            retrieval_seconds: all.with(
                "retrieval_seconds",
                "From a question to its passages",
                histogram(),
            ),
            first_token_seconds: all.with(
                "first_token_seconds",
                "From a question to the first word of its answer",
                histogram(),
            ),
            refusals: all.add("refusals", "Requests that were not answered"),
            tokens: all.add("tokens", "Tokens of chat models"),
            cost: all.add("cost", "Cost of chat models, in your currency"),
            answers: all.add("answers", "Questions to which an answer was sought"),
            no_answers: all.add("no_answers", "Questions without an answer"),
            unsupported_citations: all
                .add("unsupported_citations", "Citations whose passage lacks what it is cited for"),
            repeated: all.add("repeated_requests", "Requests that their client sent again"),
            audit_failures: all
                .add("audit_failures", "Requests that could not be written to the audit"),
            feedback: all.add("feedback", "Answers that were rated"),
            drift: all.add("drift", "How far a signal is from its baseline"),
            drifted: all
                .add("drifted", "1 if a signal is further from its baseline than chance explains"),
            questions: all.add("questions", "Questions in progress"),
            jobs: all.add("documents", "Documents that were added or deleted by request"),
            jobs_waiting: all
                .add("documents_waiting", "Documents that wait to be added or deleted"),
            registry: all.0,
        }
    }

    /// Counts a request that has ended.
    pub(super) fn count(&self, entry: &LogEntry) {
        let route = entry.route.unwrap_or("other").to_owned();
        let key = entry.key.clone().unwrap_or_default();
        let notes = &entry.notes;
        let labels = OfRequest { route: route.clone(), status: entry.status, key: key.clone() };
        self.requests.get_or_create(&labels).inc();
        let seconds = |milliseconds: u64| milliseconds as f64 / 1e3;
        self.request_seconds.get_or_create(&OfRoute { route }).observe(seconds(entry.milliseconds));
        if let Some(time) = notes.retrieved_ms {
            self.retrieval_seconds.observe(seconds(time));
        }
        if let Some(time) = notes.first_token_ms {
            self.first_token_seconds.observe(seconds(time));
        }
        if let Some(code) = &notes.error {
            self.refusals.get_or_create(&OfRefusal { code: code.clone() }).inc();
        }
        for (kind, tokens) in
            [("prompt", notes.prompt_tokens), ("completion", notes.completion_tokens)]
        {
            let Some(tokens) = tokens else { continue };
            self.tokens.get_or_create(&OfTokens { key: key.clone(), kind }).inc_by(tokens);
        }
        if let Some(cost) = notes.cost {
            self.cost.get_or_create(&OfKey { key }).inc_by(cost);
        }
        self.answers.inc_by(notes.answers.into());
        self.no_answers.inc_by(notes.no_answers.into());
        self.unsupported_citations.inc_by(notes.unsupported_citations.into());
        self.repeated.inc_by(notes.is_repeated.into());
    }

    /// Counts work that was done for a request after its end.
    pub(super) fn count_job(&self, entry: &LogEntry) {
        let outcome = if entry.status < 400 { "done" } else { "failed" };
        let key = entry.key.clone().unwrap_or_default();
        let labels = OfJob { what: entry.method.to_ascii_lowercase(), outcome, key };
        self.jobs.get_or_create(&labels).inc();
    }

    /// Counts the rating of an answer, from 0 to 1.
    pub(super) fn rate(&self, collection: &str, score: f64) {
        let verdict = if score < 0.5 { "poor" } else { "good" };
        let labels = OfFeedback { collection: collection.to_owned(), verdict };
        self.feedback.get_or_create(&labels).inc();
    }

    /// `answered`, `waiting`: questions in progress; `documents`: those that wait to be added or deleted.
    fn text(
        &self,
        (answered, waiting): (usize, usize),
        documents: usize,
        drift: &DriftMonitor,
    ) -> String {
        self.jobs_waiting.set(i64::try_from(documents).unwrap_or(i64::MAX));
        for (gauge, value, drifted) in drift::gauges(drift) {
            self.drift.get_or_create(&gauge).set(value);
            self.drifted.get_or_create(&gauge).set(drifted.into());
        }
        for (state, count) in [("answered", answered), ("waiting", waiting)] {
            self.questions
                .get_or_create(&OfQuestions { state })
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // Writing to memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Metrics of the cache, read when they are requested.
struct OfCache(Arc<RetrievalCache>);

impl fmt::Debug for OfCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.counts())
    }
}

impl Collector for OfCache {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let CacheCounts { hits, misses, coalesced, bytes } = self.0.counts();
        for (name, help, count) in [
            ("cache_hits", "Retrievals that were found in the cache", hits),
            ("cache_misses", "Retrievals that were done, and kept", misses),
            (
                "cache_coalesced",
                "Retrievals that waited for the same one of another caller",
                coalesced,
            ),
        ] {
            let counter = ConstCounter::new(count);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let held = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
        let help = "What the cache holds";
        let unit = Some(&Unit::Bytes);
        let metric = encoder.encode_descriptor("cache", help, unit, held.metric_type())?;
        held.encode(metric)
    }
}

pub(super) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getMetrics", "Counts and times, as OpenMetrics")
        .answers_text("application/openmetrics-text; version=1.0.0; charset=utf-8")
}

/// `GET /metrics`.
pub(super) fn metrics(call: &AdmittedRequest) -> Response {
    let documents = call.server.uploads.as_ref().map_or(0, Uploads::waiting);
    let observers = &call.server.observers;
    let now = call.server.admission.now();
    let text = observers.metrics.text(now, documents, &observers.drift);
    let mut response = Response::new(Body::from(text));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
pub(super) mod tests;
