//! `docent ingest --new-version --promote-if`: built, measured against the live one, and live where it holds.

use super::super::eval::PromotionGate;
use super::{exit, sync};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::eval::promotion::Promotion;
use crate::eval::report::EvalReport;
use crate::ingest::{BuiltVersion, IngestReport};
use crate::service::Engine;
use crate::service::sync::{Inputs, SyncOptions};
use crate::types::{VersionEntry, VersionTrial};
use crate::ui::Ui;

pub(super) async fn run(
    ui: &mut Ui,
    engine: &Engine,
    mut gate: PromotionGate,
    inputs: Inputs,
    options: &SyncOptions,
    cancel: &Cancel,
) -> Result<Exit, Failure> {
    let live = engine.live_version().await?;
    if let Some(live) = &live {
        // Its models have to answer: better known before anything is built.
        engine.version_retriever(live.number).await?;
    }
    let mut report = sync(ui, engine, inputs, options, cancel).await?;
    let tried = match built(engine, &report, live.as_ref()).await? {
        None => None,
        Some(version) => Some(attempt(ui, engine, &mut gate, live, version, cancel).await),
    };
    match tried {
        None => ui.ingest_report(&report, None)?,
        Some(Err(failure)) => {
            ui.ingest_report(&report, None)?;
            return Err(failure);
        }
        Some(Ok(promotion)) => {
            if let Some(built) = &mut report.built {
                *built = BuiltVersion { live: promotion.promoted, ..*built };
            }
            ui.ingest_report(&report, Some(&promotion))?;
            if !promotion.eval.passed {
                return Ok(Exit::Negative);
            }
        }
    }
    exit(report)
}

/// The version that is to be measured: none where the run was cut off.
async fn built(
    engine: &Engine,
    report: &IngestReport,
    live: Option<&VersionEntry>,
) -> Result<Option<u32>, Failure> {
    let is_cut = report.interrupted || report.stopped.is_some() || report.aborted.is_some();
    match (report.built, live) {
        (Some(built), _) => Ok(Some(built.version)),
        // The first version is live at once.
        (None, None) if !is_cut => Ok(engine.live_version().await?.map(|first| first.number)),
        (None, _) => Ok(None),
    }
}

/// Measures a version, and makes it the live one where it reaches what was asked for.
async fn attempt(
    ui: &mut Ui,
    engine: &Engine,
    gate: &mut PromotionGate,
    live: Option<VersionEntry>,
    version: u32,
    cancel: &Cancel,
) -> Result<Promotion, Failure> {
    let number = live.as_ref().map(|live| live.number);
    let eval = gate.measure(ui, engine, number, version, cancel).await?;
    match &live {
        Some(live) if eval.passed => {
            engine.promote(version, live, trial(&eval)).await?;
        }
        Some(live) => engine.refuse(version, live.number, trial(&eval)).await?,
        None => {}
    }
    let collection = engine.context.settings.collection.clone();
    let promoted = live.is_none() || eval.passed;
    Ok(Promotion { collection, live: number, version, promoted, eval })
}

fn trial(eval: &EvalReport) -> VersionTrial {
    let (cases_from, gates) = (eval.cases_from.clone(), eval.gates.clone());
    VersionTrial { cases_from, cases: eval.cases, gates }
}
