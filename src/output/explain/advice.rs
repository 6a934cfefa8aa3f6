//! What to do about a document that is missing.

use super::{ExpectedOutcome, Explained};
use crate::error::shell_word;
use crate::ingest::absence::AbsenceReason;
use crate::query::explain::{ExplainVerdict, FilterPart, Probe, Staleness};
use crate::query::pack::DropReason;
use crate::types::{DEEPEST, Mode};

/// Most passages that the advice asks for.
const FEW: u32 = 50;

/// What to do next; `None` if there is nothing to do.
pub fn advice(explained: &Explained<'_>, sought: &ExpectedOutcome) -> Option<String> {
    let source = &sought.expected.source;
    Some(match &sought.verdict {
        ExplainVerdict::Found { .. } => return None,
        ExplainVerdict::NotIngested => return not_ingested(sought),
        ExplainVerdict::Failed { .. } => {
            "correct the file, or try again with docent ingest --retry-failed".to_owned()
        }
        ExplainVerdict::Stale(Staleness::Changed) => {
            "docent ingest brings the collection up to date".to_owned()
        }
        ExplainVerdict::Stale(Staleness::Gone) => {
            "restore the file; otherwise docent ingest deletes it from the collection".to_owned()
        }
        ExplainVerdict::Filtered(parts) => {
            let flags: Vec<&str> = parts.iter().map(|part| flag(*part)).collect();
            format!("ask the question without {}", flags.join(", "))
        }
        ExplainVerdict::BelowCut => below_cut(explained, sought),
        ExplainVerdict::NoSuchPlace => {
            format!("see what is stored: docent show {}", shell_word(source))
        }
        ExplainVerdict::BelowFloor { score, .. } => {
            format!("--min-score {:.2}", (score * 100.0).floor() / 100.0)
        }
        ExplainVerdict::CrowdedOut { reason, .. } => match reason {
            DropReason::Duplicate | DropReason::NearDuplicate => {
                "expect that passage instead, which says the same".to_owned()
            }
            DropReason::SourceCap => alone(source),
            DropReason::Budget => {
                format!("--context-tokens {}", explained.max_tokens.saturating_mul(2))
            }
            DropReason::Redundant | DropReason::Limit | DropReason::Floor => {
                let rank = sought.probe.as_ref().and_then(|probe| probe.overall?.rank);
                let more = explained.k.saturating_mul(2).max(rank.unwrap_or_default() as usize);
                format!("-k {}", more.min(DEEPEST))
            }
        },
    })
}

fn flag(part: FilterPart) -> &'static str {
    match part {
        FilterPart::Source => "--source",
        FilterPart::Kind => "--kind",
        FilterPart::Tag => "--tag",
    }
}

fn alone(source: &str) -> String {
    format!("ask only that document: --source {}", shell_word(source))
}

fn not_ingested(sought: &ExpectedOutcome) -> Option<String> {
    let source = &sought.expected.source;
    let named = format!("docent ingest {}", shell_word(source));
    Some(match (sought.absence.as_ref()?, &sought.nearest) {
        (_, Some(nearest)) => format!("did you mean {nearest}?"),
        (AbsenceReason::NoFile | AbsenceReason::NotAFile(_), None) => {
            "docent status --documents lists what is stored".to_owned()
        }
        (AbsenceReason::BrokenLink(_), None) => "correct the link".to_owned(),
        (AbsenceReason::NoPage | AbsenceReason::OutsideRoots, None) => named,
        (AbsenceReason::Skipped { when_named: true, .. }, None) => {
            format!("name it to ingest it all the same: {named}")
        }
        (AbsenceReason::Skipped { reason: "holds a secret", .. }, None) => {
            "remove the secret from it, or use --on-secret redact".to_owned()
        }
        (AbsenceReason::Skipped { .. }, None) => return None,
        (AbsenceReason::Unfit(_), None) => "correct that, then run docent ingest".to_owned(),
        (AbsenceReason::Pending, None) => "docent ingest".to_owned(),
    })
}

/// Advice for a document that ranks too low: another retrieval mode that finds it, more passages, other
/// words, or a filter for that document.
fn below_cut(explained: &Explained<'_>, sought: &ExpectedOutcome) -> String {
    let Some(probe) = &sought.probe else { return alone(&sought.expected.source) };
    if let Some((mode, rank)) = better_alone(explained, probe) {
        return format!("--mode {} ranks it {rank}", mode.name());
    }
    if sought.words.present.is_empty() {
        return "use the words of the document in the question, or let a chat model find them with --expand 3"
            .to_owned();
    }
    match probe.overall.and_then(|fused| fused.rank) {
        Some(rank) if rank <= FEW => format!("ask for more passages: -k {rank}"),
        _ => alone(&sought.expected.source),
    }
}

/// The retrieval mode, dense or sparse, that alone would have it among the passages.
fn better_alone(explained: &Explained<'_>, probe: &Probe) -> Option<(Mode, u32)> {
    let legs = [(Mode::Dense, probe.dense), (Mode::Sparse, probe.sparse)];
    legs.into_iter()
        .filter(|_| explained.mode == Mode::Hybrid)
        .filter_map(|(mode, standing)| Some((mode, standing?.rank?)))
        .filter(|(_, rank)| *rank as usize <= explained.k)
        .min_by_key(|(_, rank)| *rank)
}
