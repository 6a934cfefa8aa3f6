//! `docent ingest --new-version --promote-if`: builds a version, compares it with the live one, and
//! makes it live if it meets the conditions.

use super::super::eval::PromotionGate;
use super::{exit, sync};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::eval::promotion::Promotion;
use crate::eval::report::EvalReport;
use crate::ingest::{BuiltVersion, IngestReport};
use crate::service::Engine;
use crate::service::sync::{SyncInputs, SyncOptions};
use crate::types::{VersionEntry, VersionTrial};
use crate::ui::Ui;

pub(super) async fn run(
    ui: &mut Ui,
    engine: &Engine,
    mut gate: PromotionGate,
    inputs: SyncInputs,
    options: &SyncOptions,
    cancel: &Cancel,
) -> Result<Exit, Failure> {
    let live = engine.live_version().await?;
    let measurable = measurable(ui, engine, &gate, live.as_ref()).await?;
    let mut report = sync(ui, engine, inputs, options, cancel).await?;
    let tried = match built(engine, &report, live.as_ref()).await? {
        None => None,
        Some(version) => {
            let eval = gate.measure(ui, engine, measurable, version, cancel).await;
            Some(match eval {
                Ok(eval) => conclude(engine, live, version, eval).await,
                Err(failure) => Err(failure),
            })
        }
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

/// The live version, if its models answer, which is checked before anything is built. A live version
/// whose embedder is no longer configured is not measured, unless a condition is about it.
async fn measurable(
    ui: &mut Ui,
    engine: &Engine,
    gate: &PromotionGate,
    live: Option<&VersionEntry>,
) -> Result<Option<u32>, Failure> {
    let Some(live) = live else { return Ok(None) };
    match engine.version_retriever(live.number).await {
        Ok(_) => Ok(Some(live.number)),
        Err(failure) if failure.exit != Exit::Config => Err(failure),
        Err(failure) if gate.is_about_live() => Err(failure.hint(
            "to measure it, configure the embedder that it was built with; or use conditions without `live`, for which only the new version is measured",
        )),
        Err(failure) => {
            ui.note(&format!("the live version is not measured: {}", failure.message));
            Ok(None)
        }
    }
}

/// The version to measure; `None` if the run was cut off.
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

/// Makes a version the live one if it meets the conditions.
async fn conclude(
    engine: &Engine,
    live: Option<VersionEntry>,
    version: u32,
    eval: EvalReport,
) -> Result<Promotion, Failure> {
    match &live {
        Some(live) if eval.passed => {
            engine.promote(version, live, trial(&eval)).await?;
        }
        Some(live) => engine.refuse(version, live.number, trial(&eval)).await?,
        None => {}
    }
    let collection = engine.context.settings.collection.clone();
    let promoted = live.is_none() || eval.passed;
    Ok(Promotion { collection, live: live.map(|live| live.number), version, promoted, eval })
}

fn trial(eval: &EvalReport) -> VersionTrial {
    let (cases_from, gates) = (eval.cases_from.clone(), eval.gates.clone());
    VersionTrial { cases_from, cases: eval.cases, gates }
}
