//! Where the records of answers go: `--trace`, and a collector that the environment names.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};

use super::context::Context;
use crate::chat::ChatModel;
use crate::error::{Exit, Failure};
use crate::query::{Answer, AnswerOptions, Retriever};
use crate::settings::Settings;
use crate::settings::parse::without_credentials;
use crate::trace::file::Place;
use crate::trace::otlp::{self, ExportOptions};
use crate::trace::{About, Trace, Watch};
use crate::types::Manifest;
use crate::ui::Ui;

/// How long the end of a command waits for a collector, unless the environment says.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Keeps records, where anybody wants them.
pub(super) struct Tracer {
    place: Option<Place>,
    content: bool,
    export: Option<ExportOptions>,
}

/// A question that is being answered by what is in here.
pub(super) struct Traced<'a> {
    pub(super) retriever: Retriever,
    pub(super) chat: Box<dyn ChatModel + 'a>,
    watch: Watch,
    started_at: String,
    /// The collection's, with the number of its version. `None` where no record is wanted.
    manifest: Option<(Option<u32>, Manifest)>,
}

impl Tracer {
    /// Makes sure that what is configured can be written, before anything is asked.
    pub(super) fn new(ui: &mut Ui, context: &Context) -> Result<Self, Failure> {
        let settings = &context.settings;
        let place = settings.trace.path.as_ref().map(|path| Place::of(&context.cwd.join(path)));
        if let Some(place) = &place {
            place.prepare().map_err(|error| unwritable(place, &error))?;
        }
        let export = collector(&|name| env::var(name).ok()).unwrap_or_else(|problem| {
            ui.warn(&format!("no spans are exported: {problem}"));
            None
        });
        Ok(Self { place, content: settings.trace.content, export })
    }

    /// The question is asked now.
    pub(super) async fn begin<'a>(
        &self,
        context: &Context,
        retriever: &Retriever,
        chat: &'a dyn ChatModel,
    ) -> Result<Traced<'a>, Failure> {
        let mut manifest = None;
        if self.place.is_some() || self.export.is_some() {
            let version = retriever.store.version().await?;
            manifest = retriever.store.manifest().await?.map(|manifest| (version, manifest));
        }
        let watch = Watch::new();
        let embedder = watch.embedder(&retriever.embedder);
        let reranker = retriever.reranker.as_ref().map(|reranker| watch.reranker(reranker));
        Ok(Traced {
            retriever: Retriever { embedder, reranker, ..retriever.clone() },
            chat: watch.chat(chat, context.quotes()),
            started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            watch,
            manifest,
        })
    }

    /// Keeps what came of it. A collector that does not take it is to be warned of.
    pub(super) async fn end(
        &self,
        context: &Context,
        traced: &Traced<'_>,
        (question, options): (&str, &AnswerOptions),
        answer: Option<&Answer>,
        outcome: &Result<Exit, Failure>,
    ) -> Result<Option<String>, Failure> {
        let Some((version, manifest)) = &traced.manifest else { return Ok(None) };
        let settings = &context.settings;
        let (exit, error) = match outcome {
            Ok(exit) => (*exit, None),
            Err(failure) => (failure.exit, Some(failure.message.clone())),
        };
        let about = About {
            id: options.id,
            started_at: traced.started_at.clone(),
            question,
            collection: &settings.collection,
            version: *version,
            store: traced.retriever.store.endpoint(),
            manifest,
            embedder: traced.retriever.embedder.id(),
            reranker: traced.retriever.reranker.as_ref().map(|reranker| reranker.id()),
            model: traced.chat.name(),
            chat_endpoint: (!context.quotes())
                .then(|| without_credentials(&settings.chat.endpoint.base_url)),
            options,
            settings: relevant(settings),
            exit_code: exit as i32,
            error: error.filter(|error| !error.is_empty()),
        };
        let trace = Trace::new(about, answer, &traced.watch, self.content);
        if let Some(place) = &self.place {
            place.write(&trace).map_err(|error| unwritable(place, &error))?;
        }
        let Some(export) = &self.export else { return Ok(None) };
        Ok(otlp::export(&trace, export).await.err().map(|problem| {
            let url = without_credentials(&export.url);
            format!("the spans were not exported to {url}: {problem}")
        }))
    }
}

fn unwritable(place: &Place, error: &std::io::Error) -> Failure {
    Failure::config(format!("--trace {}: {error}", place.path().display()))
        .hint("name a file or a directory that can be written")
}

/// What decides an answer to a question, as `config show` prints it. No keys.
fn relevant(settings: &Settings) -> BTreeMap<String, String> {
    let decides = |name: &str| {
        ["model", "embedder"].contains(&name)
            || ["search.", "chat.", "embedding.", "rerank."]
                .iter()
                .any(|table| name.starts_with(table))
    };
    let rows = settings.resolved.iter().filter(|row| !row.key.secret && decides(row.key.name));
    rows.filter_map(|row| Some((row.key.name.to_owned(), row.value.clone()?))).collect()
}

/// The collector that the standard variables of OpenTelemetry name, through a look-up so that
/// tests need not change their environment. The error is a sentence.
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
    let timeout = exporter("TIMEOUT").and_then(|text| text.trim().parse().ok());
    Ok(Some(ExportOptions {
        url: url.trim().to_owned(),
        headers: pairs(&exporter("HEADERS").unwrap_or_default()),
        timeout: timeout.map_or(EXPORT_TIMEOUT, Duration::from_millis),
        resource: pairs(&variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()),
        service_name: variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "docent".to_owned()),
    }))
}

/// `name=value,name=value`; values may be percent-encoded.
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
        assert!(named(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap().is_none());
    }
}
