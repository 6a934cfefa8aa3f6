//! Keeps records of answers: in the file or directory of `--trace`, and at a collector that the
//! environment names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use uuid::Uuid;

use super::answering::Exchange;
use super::backends::VerifierModel;
use super::context::Context;
use super::engine::Engine;
use super::output_file::forbid_way_out;
use crate::chat::ChatModel;
use crate::error::{Exit, Failure};
use crate::http;
use crate::query::Retriever;
use crate::settings::Settings;
use crate::settings::parse::without_credentials;
use crate::store::CollectionReader;
use crate::trace::file::TraceLocation;
use crate::trace::otlp::{self, ExportOptions};
use crate::trace::{CallLog, Feedback, Trace, TraceInput};
use crate::types::{EmbedderId, RerankerId, TraceContext};

/// Longest timeout of an export: a day, in milliseconds.
const LONGEST_EXPORT: u64 = 86_400_000;

/// How long the end of a command waits for a collector, unless the environment says.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Keeps records of answers, if that is configured; the default keeps none.
#[derive(Default)]
pub struct TraceSink {
    place: Option<TraceLocation>,
    content: bool,
    export: Option<ExportOptions>,
}

/// What a record has of a question beyond its answer.
pub(super) struct TraceDetails {
    /// `None` if no record is kept: the watch holds what it notes, including the whole prompt, until
    /// the answer ends.
    watch: Option<CallLog>,
    context: Option<TraceContext>,
    started_at: String,
    /// The snapshot that was asked.
    reader: CollectionReader,
    embedder: EmbedderId,
    reranker: Option<RerankerId>,
    /// The model, as `--model` names it.
    model: String,
}

impl TraceSink {
    /// Checks that the configured places can be written, before anything is asked. `variable` looks up
    /// the environment. Also returns a warning, if there is one.
    pub fn open(
        context: &Context,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Option<String>), Failure> {
        let settings = &context.settings;
        let place =
            settings.trace.path.as_ref().map(|path| TraceLocation::of(&context.cwd.join(path)));
        if let Some(place) = &place {
            forbid_way_out(place.path(), &context.root)?;
            place.prepare().map_err(|error| unwritable(place.path(), &error))?;
        }
        let (export, warning) = match collector(variable) {
            Ok(export) => (export, None),
            Err(problem) => (None, Some(format!("spans are not exported: {problem}"))),
        };
        Ok((Self { place, content: settings.trace.content, export }, warning))
    }

    pub(super) fn keeps_any(&self) -> bool {
        self.place.is_some() || self.export.is_some()
    }
}

impl TraceDetails {
    /// Notes that the question is asked now. `kept`: a record of it will be kept.
    pub(super) fn begin(retriever: &Retriever, chat: &dyn ChatModel, kept: bool) -> Self {
        Self {
            watch: kept.then(CallLog::new),
            context: http::context(),
            started_at: now(),
            reader: retriever.reader.clone(),
            embedder: retriever.embedder.id().clone(),
            reranker: retriever.reranker.as_ref().map(|reranker| reranker.id().clone()),
            model: chat.name().to_owned(),
        }
    }

    pub(super) fn reader(&self) -> &CollectionReader {
        &self.reader
    }

    /// Wraps the models that retrieve, to note their calls.
    pub(super) fn watched(&self, retriever: Retriever) -> Retriever {
        let Some(watch) = &self.watch else { return retriever };
        let embedder = watch.embedder(&retriever.embedder);
        let reranker = retriever.reranker.as_ref().map(|it| watch.reranker(it));
        Retriever { embedder, reranker, ..retriever }
    }

    /// The same for the chat model.
    pub(super) fn watched_chat(&self, chat: Arc<dyn ChatModel>, local: bool) -> Arc<dyn ChatModel> {
        match &self.watch {
            Some(watch) => watch.chat(chat, local),
            None => chat,
        }
    }

    /// The same for the model that checks the answer.
    pub(super) fn watched_verifier(&self, verifier: &VerifierModel) -> VerifierModel {
        let Some(watch) = &self.watch else { return verifier.clone() };
        match verifier {
            VerifierModel::Chat(model) => VerifierModel::Chat(watch.verifier(Arc::clone(model))),
            VerifierModel::Entailment(model) => VerifierModel::Entailment(watch.entailment(model)),
        }
    }
}

/// Feedback of a reader on an answer.
pub struct ReaderFeedback {
    /// Id of the answer.
    pub id: Uuid,
    /// Trace of the caller that asked, and the answer's span in it.
    pub context: Option<TraceContext>,
    /// From 0 (useless) to 1 (right).
    pub score: f64,
    /// Kept only if the content of traces is kept.
    pub comment: Option<String>,
}

impl Engine {
    /// Keeps feedback on an answer beside its record, if records are kept. Returns a warning if that
    /// failed.
    pub async fn record_feedback(&self, said: &ReaderFeedback) -> Option<String> {
        let sink = self.traces();
        let feedback = Feedback {
            feedback_on: said.id,
            at: now(),
            score: said.score,
            comment: said.comment.clone().filter(|_| sink.content),
            context: said.context.clone(),
        };
        if let Some(place) = &sink.place
            && let Err(error) = place.add(&feedback)
        {
            return Some(unwritable(place.path(), &error).message);
        }
        let sampled = said.context.as_ref().is_none_or(|context| context.sampled);
        let export = sink.export.as_ref().filter(|_| sampled)?;
        let problem = otlp::export_feedback(&feedback, export).await.err()?;
        Some(unexported(export, &problem))
    }

    /// Keeps a record of a question and its answer, if that is configured. Returns a warning if a
    /// collector did not accept it.
    pub async fn record(
        &self,
        exchange: &Exchange,
        outcome: &Result<Exit, Failure>,
    ) -> Result<Option<String>, Failure> {
        let sink = self.traces();
        let Exchange { question, answer, options, traced } = exchange;
        let Some(watch) = traced.watch.as_ref().filter(|_| sink.keeps_any()) else {
            return Ok(None);
        };
        let (context, settings) = (&self.context, &self.context.settings);
        let (exit, error) = match outcome {
            Ok(exit) => (*exit, None),
            Err(failure) => (failure.exit, Some(failure.message.clone())),
        };
        let about = TraceInput {
            id: options.id,
            context: traced.context.clone(),
            started_at: traced.started_at.clone(),
            question,
            collection: &settings.collection,
            version: Some(traced.reader.version()),
            store: traced.reader.endpoint(),
            manifest: traced.reader.manifest(),
            embedder: &traced.embedder,
            reranker: traced.reranker.as_ref(),
            model: &traced.model,
            chat_endpoint: (!context.quotes())
                .then(|| without_credentials(&settings.chat.endpoint.base_url)),
            options,
            settings: relevant(settings),
            exit_code: exit as i32,
            error: error.filter(|error| !error.is_empty()),
        };
        let trace = Trace::new(about, answer.as_ref().ok(), watch, sink.content);
        if let Some(place) = &sink.place {
            place.write(&trace).map_err(|error| unwritable(place.path(), &error))?;
        }
        let sampled = traced.context.as_ref().is_none_or(|context| context.sampled);
        let Some(export) = sink.export.as_ref().filter(|_| sampled) else { return Ok(None) };
        Ok(otlp::export(&trace, export).await.err().map(|problem| unexported(export, &problem)))
    }
}

fn unexported(export: &ExportOptions, problem: &str) -> String {
    format!("spans were not exported to {}: {problem}", without_credentials(&export.url))
}

/// RFC 3339, UTC, with milliseconds.
fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::config(format!("--trace {}: {error}", path.display()))
        .hint("name a file or a directory that can be written")
}

/// The settings that decide the answer to a question, as `config show` prints them, without keys.
fn relevant(settings: &Settings) -> BTreeMap<String, String> {
    let decides = |name: &str| {
        ["model", "embedder"].contains(&name)
            || ["search.", "chat.", "embedding.", "rerank.", "verify."]
                .iter()
                .any(|table| name.starts_with(table))
    };
    let rows = settings.resolved.iter().filter(|row| !row.key.secret && decides(row.key.name));
    rows.filter_map(|row| Some((row.key.name.to_owned(), row.value.clone()?))).collect()
}

/// The collector that the standard variables of OpenTelemetry name. Variables are looked up through
/// `look_up`, so that tests need not change their environment. The error is a sentence.
fn collector(look_up: &dyn Fn(&str) -> Option<String>) -> Result<Option<ExportOptions>, String> {
    let variable = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
    let exporter = |name: &str| {
        variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
            .or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    let off = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || variable("OTEL_TRACES_EXPORTER").is_some_and(|value| value.trim() == "none");
    let own = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let shared = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    let url = own.or_else(|| Some(format!("{}/v1/traces", shared?.trim_end_matches('/'))));
    let Some(url) = url.filter(|_| !off) else { return Ok(None) };
    if exporter("PROTOCOL").is_some_and(|protocol| protocol.trim() == "grpc") {
        let why = "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and docent speaks http/json: name the \
                   collector's HTTP port (4318, most often)";
        return Err(why.to_owned());
    }
    let timeout = exporter("TIMEOUT").map(|text| match text.trim().parse() {
        Ok(ms @ 1..=LONGEST_EXPORT) => Ok(Duration::from_millis(ms)),
        _ => Err(format!(
            "OTEL_EXPORTER_OTLP_TIMEOUT: `{text}` is not a number of milliseconds from 1 to {LONGEST_EXPORT}"
        )),
    });
    Ok(Some(ExportOptions {
        url: url.trim().to_owned(),
        headers: pairs(&exporter("HEADERS").unwrap_or_default()),
        timeout: timeout.transpose()?.unwrap_or(EXPORT_TIMEOUT),
        resource: pairs(&variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()),
        service_name: variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "docent".to_owned()),
    }))
}

/// Parses `name=value,name=value`; values may be percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn named(variables: &[(&str, &str)]) -> Result<Option<ExportOptions>, String> {
        let look_up = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        collector(&look_up)
    }

    #[test]
    fn the_standard_variables_name_the_collector() {
        const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/");
        let options = named(&[ENDPOINT]).unwrap().unwrap();
        assert_eq!(options.url, "http://c:4318/v1/traces");
        assert_eq!((options.service_name.as_str(), options.timeout), ("docent", EXPORT_TIMEOUT));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/in?tenant=1");
        assert_eq!(named(&[ENDPOINT, own]).unwrap().unwrap().url, own.1);
        let options = named(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=Bearer%20x=%zz, b=%C3%BC%+1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
            ("OTEL_SERVICE_NAME", "handbook"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=ci"),
        ]);
        let options = options.unwrap().unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(options.headers, [pair("authorization", "Bearer x=%zz"), pair("b", "ü%+1")]);
        assert_eq!(options.resource, [pair("deployment.environment", "ci")]);
        assert_eq!((options.service_name.as_str(), options.timeout.as_millis()), ("handbook", 250));
        for off in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert!(named(&[ENDPOINT, off]).unwrap().is_none());
        }
        assert!(named(&[]).unwrap().is_none());
        assert!(named(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).is_err());
        for time in ["0", "-1", "x", "1e3", "18446744073709551615"] {
            let error = named(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_TIMEOUT", time)]).err();
            assert!(error.unwrap().contains("1 to 86400000"), "{time}");
        }
        assert!(named(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap().is_none());
    }
}
