//! The nearest thing to do about a document that is missing.

use super::{Explained, Sought};
use crate::error::shell_word;
use crate::ingest::absence::Absence;
use crate::query::explain::{Drift, FilterPart, Probe, Verdict};
use crate::query::pack::DropReason;
use crate::types::{DEEPEST, Mode};

/// As many passages as one may want to ask for.
const FEW: u32 = 50;

/// What to do next; `None` where there is nothing to do.
pub fn advice(explained: &Explained<'_>, sought: &Sought) -> Option<String> {
    let source = &sought.expected.source;
    Some(match &sought.verdict {
        Verdict::Found { .. } => return None,
        Verdict::NotIngested => return not_ingested(sought),
        Verdict::Failed { .. } => {
            "mend the file, or have it tried again: docent ingest --retry-failed".to_owned()
        }
        Verdict::Stale(Drift::Changed) => {
            "docent ingest brings the collection up to date".to_owned()
        }
        Verdict::Stale(Drift::Gone) => {
            "bring the file back; docent ingest takes it out of the collection".to_owned()
        }
        Verdict::Filtered(parts) => {
            let flags: Vec<&str> = parts.iter().map(|part| flag(*part)).collect();
            format!("the same question without {}", flags.join(", "))
        }
        Verdict::BelowCut => below_cut(explained, sought),
        Verdict::NoSuchPlace => {
            format!("look at what is there: docent show {}", shell_word(source))
        }
        Verdict::BelowFloor { score, .. } => {
            format!("--min-score {:.2}", (score * 100.0).floor() / 100.0)
        }
        Verdict::CrowdedOut { reason, .. } => match reason {
            DropReason::Duplicate | DropReason::NearDuplicate => {
                "expect that passage instead: it says the same".to_owned()
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
    format!("ask that document alone: --source {}", shell_word(source))
}

fn not_ingested(sought: &Sought) -> Option<String> {
    let source = &sought.expected.source;
    let named = format!("docent ingest {}", shell_word(source));
    Some(match (sought.absence.as_ref()?, &sought.nearest) {
        (_, Some(nearest)) => format!("did you mean {nearest}?"),
        (Absence::NoFile, None) => "docent status --documents lists what is stored".to_owned(),
        (Absence::BrokenLink(_), None) => "mend the link".to_owned(),
        (Absence::NoPage | Absence::OutsideRoots, None) => named,
        (Absence::Skipped { when_named: true, .. }, None) => {
            format!("name it, and it is taken all the same: {named}")
        }
        (Absence::Skipped { reason: "holds a secret", .. }, None) => {
            "take the secret out of it, or see --on-secret redact".to_owned()
        }
        (Absence::Skipped { .. }, None) => return None,
        (Absence::Unfit(_), None) => "mend that, then: docent ingest".to_owned(),
        (Absence::Pending, None) => "docent ingest".to_owned(),
    })
}

/// Another leg alone that would have it, more passages, other words, or that document alone.
fn below_cut(explained: &Explained<'_>, sought: &Sought) -> String {
    let Some(probe) = &sought.probe else { return alone(&sought.expected.source) };
    if let Some((mode, rank)) = better_alone(explained, probe) {
        return format!("--mode {} ranks it {rank}", mode.name());
    }
    if sought.words.present.is_empty() {
        return "word the question as the document does, or let a chat model do that: --expand 3"
            .to_owned();
    }
    match probe.overall.and_then(|fused| fused.rank) {
        Some(rank) if rank <= FEW => format!("ask for more passages: -k {rank}"),
        _ => alone(&sought.expected.source),
    }
}

/// The leg that would have it among the passages by itself.
fn better_alone(explained: &Explained<'_>, probe: &Probe) -> Option<(Mode, u32)> {
    let legs = [(Mode::Dense, probe.dense), (Mode::Sparse, probe.sparse)];
    legs.into_iter()
        .filter(|_| explained.mode == Mode::Hybrid)
        .filter_map(|(mode, standing)| Some((mode, standing?.rank?)))
        .filter(|(_, rank)| *rank as usize <= explained.k)
        .min_by_key(|(_, rank)| *rank)
}
