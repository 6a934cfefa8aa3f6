//! The drift report: `GET /v1/docent/drift`, and the gauges of `/metrics`.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::statistics::{
    kolmogorov_smirnov, kolmogorov_smirnov_threshold, rate, rates_threshold, stability_index,
    stability_index_threshold,
};
use super::{DriftMonitor, FEW, Samples, Signal, Watched};
use crate::output::Versioned;
use crate::serve::answering::AskedCollection;
use crate::serve::call::AdmittedRequest;
use crate::serve::metrics::DriftGauge;
use crate::serve::native::json;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;

/// Share of changed chunks from which on a collection counts as drifted.
const CHANGED: f64 = 0.2;

/// Whether questions, retrieval and answers are still like those of the baseline.
#[derive(Serialize, JsonSchema)]
struct DriftResponse {
    collections: Vec<CollectionDrift>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct CollectionDrift {
    collection: String,
    /// The version whose documents were last compared; null if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<String>,
    baseline: Origin,
    /// Whether any signal has drifted.
    drifted: bool,
    pub(super) signals: Vec<SignalDrift>,
}

/// Where a baseline comes from.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DriftBaseline")]
#[serde(tag = "from", rename_all = "snake_case")]
enum Origin {
    File {
        written_at: String,
    },
    /// The first samples since the server started.
    FirstQuestions,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SignalDrift {
    pub(super) signal: Signal,
    /// The statistic in `value`.
    measure: Measure,
    /// The distance between window and baseline; null if there are too few samples.
    value: Option<f64>,
    /// The largest value that is not drift.
    threshold: Option<f64>,
    /// The rate in the baseline, for signals that are rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    baseline_samples: usize,
    samples: usize,
    pub(super) state: DriftState,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[schemars(rename = "DriftMeasure")]
#[serde(rename_all = "snake_case")]
enum Measure {
    /// Kolmogorov-Smirnov statistic.
    KolmogorovSmirnov,
    PopulationStabilityIndex,
    /// Difference of two rates.
    Difference,
    Share,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "DriftState")]
#[serde(rename_all = "snake_case")]
pub(super) enum DriftState {
    Drifted,
    Steady,
    TooFew,
}

impl SignalDrift {
    fn of(signal: Signal, samples: &Samples) -> Self {
        let (base, now) = (&samples.base[..], &samples.now.iter().copied().collect::<Vec<_>>()[..]);
        let measure = match signal {
            Signal::TopScore | Signal::ScoreGap => Measure::KolmogorovSmirnov,
            Signal::UnknownWords => Measure::PopulationStabilityIndex,
            _ => Measure::Difference,
        };
        let (n, m) = (base.len(), now.len());
        let measured = || match measure {
            Measure::KolmogorovSmirnov => {
                (kolmogorov_smirnov(base, now), kolmogorov_smirnov_threshold(n, m))
            }
            Measure::PopulationStabilityIndex => {
                (stability_index(base, now), stability_index_threshold(n, m))
            }
            _ => ((rate(now) - rate(base)).abs(), rates_threshold(base, now)),
        };
        let measured = (n >= FEW && m >= FEW).then(measured);
        let is_rate = matches!(measure, Measure::Difference);
        Self {
            signal,
            measure,
            value: measured.map(|(value, _)| value),
            threshold: measured.map(|(_, threshold)| threshold),
            baseline_rate: (is_rate && n > 0).then(|| rate(base)),
            rate: (is_rate && m > 0).then(|| rate(now)),
            baseline_samples: n,
            samples: m,
            state: DriftState::of(measured),
        }
    }

    /// `share`: changed share of the collection's chunks, if it could be read.
    fn of_chunks(share: Option<f64>) -> Self {
        let seen = usize::from(share.is_some());
        Self {
            signal: Signal::ChangedChunks,
            measure: Measure::Share,
            value: share,
            threshold: Some(CHANGED),
            baseline_rate: None,
            rate: None,
            baseline_samples: seen,
            samples: seen,
            state: DriftState::of(share.map(|share| (share, CHANGED))),
        }
    }
}

impl DriftState {
    fn of(measured: Option<(f64, f64)>) -> Self {
        match measured {
            None => Self::TooFew,
            Some((value, threshold)) if value > threshold => Self::Drifted,
            Some(_) => Self::Steady,
        }
    }
}

impl CollectionDrift {
    pub(super) fn new(name: &str, watched: &Watched) -> Self {
        let none = Samples::default();
        let of = |signal| SignalDrift::of(signal, watched.samples.get(&signal).unwrap_or(&none));
        let mut signals: Vec<SignalDrift> = Signal::SAMPLED.into_iter().map(of).collect();
        signals.push(SignalDrift::of_chunks(watched.looked.as_ref().map(|(_, share)| *share)));
        let asked = watched.looked.as_ref().map(|(asked, _)| asked);
        Self {
            collection: name.to_owned(),
            version: asked.map(|asked| asked.version),
            generation: asked.and_then(AskedCollection::generation),
            baseline: match watched.written_at.clone() {
                Some(written_at) => Origin::File { written_at },
                None => Origin::FirstQuestions,
            },
            drifted: signals.iter().any(|signal| signal.state == DriftState::Drifted),
            signals,
        }
    }
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named(
            "getDrift",
            "Whether questions, retrieval and answers are still like those of a baseline",
        )
        .answers::<Versioned<DriftResponse>>()
}

/// `GET /v1/docent/drift`.
pub(in crate::serve) async fn drift(call: AdmittedRequest) -> Result<Response, RequestRefusal> {
    let drift = &call.server.observers.drift;
    drift.look_at_all(call.server.access.engines()).await;
    Ok(json(&Versioned::new(DriftResponse { collections: drift.report() })))
}

/// The signals with enough samples.
pub(in crate::serve) fn gauges(drift: &DriftMonitor) -> Vec<(DriftGauge, f64, bool)> {
    let of = |collection: CollectionDrift| {
        let CollectionDrift { collection, signals, .. } = collection;
        signals.into_iter().filter_map(move |it| {
            let gauge = DriftGauge { collection: collection.clone(), signal: it.signal.name() };
            Some((gauge, it.value?, it.state == DriftState::Drifted))
        })
    };
    drift.report().into_iter().flat_map(of).collect()
}
