//! What became of a hit, and of an expected document, in words.

use super::{ExpectedOutcome, Explained};
use crate::ingest::absence::AbsenceReason;
use crate::output::humanize::grouped;
use crate::query::explain::{DEPTH, ExplainVerdict, FilterPart, Staleness};
use crate::query::pack::{DropReason, PackOutcome};

/// `passage 2`, `copy of 1`
pub fn outcome_label(fate: PackOutcome) -> String {
    let (reason, like) = match fate {
        PackOutcome::Passage(number) => return format!("passage {number}"),
        PackOutcome::Dropped { reason, like } => (reason, like),
    };
    let of = like.map_or_else(String::new, |number| format!(" of passage {number}"));
    match reason {
        DropReason::Floor => "below --min-score".to_owned(),
        DropReason::Duplicate => format!("copy{of}"),
        DropReason::NearDuplicate => format!("near copy{of}"),
        DropReason::Redundant => format!("repeats{}", of.trim_start_matches(" of")),
        DropReason::SourceCap => "source cap".to_owned(),
        DropReason::Budget => "over budget".to_owned(),
        DropReason::Limit => "past -k".to_owned(),
    }
}

/// What became of an expected document, in one sentence.
pub fn message(explained: &Explained<'_>, sought: &ExpectedOutcome) -> String {
    let name = sought.expected.citation();
    match &sought.verdict {
        ExplainVerdict::Found { passages } => format!("{name} is in {}", listed(passages)),
        ExplainVerdict::NotIngested => {
            format!("{name} is not in the collection: {}", absent(sought.absence.as_ref()))
        }
        ExplainVerdict::Failed { reason } => {
            let former = match sought.record {
                Some(_) => "; an earlier version of it is stored",
                None => "",
            };
            format!("{name} could not be ingested: {reason}{former}")
        }
        ExplainVerdict::Stale(Staleness::Changed) => {
            format!("{name} has changed since it was ingested: its former text was searched")
        }
        ExplainVerdict::Stale(Staleness::Gone) => {
            format!("{name} was deleted since it was ingested, and its former text is not found")
        }
        ExplainVerdict::Filtered(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| filtered(*part, sought)).collect();
            format!("{name} is filtered out: {}", parts.join("; "))
        }
        ExplainVerdict::BelowCut => below_cut(&name, explained, sought),
        ExplainVerdict::NoSuchPlace => match sought.expected.place {
            Some(_) => format!("nothing is stored at {name} of that document"),
            None => format!("{name} is stored, but no text was found in it"),
        },
        ExplainVerdict::BelowFloor { score, floor } => {
            format!("{name} scores {score:.3}, but --min-score is {floor}")
        }
        ExplainVerdict::CrowdedOut { reason, passages } => {
            format!("{name} was found, but crowded out: {}", crowded(*reason, passages, explained))
        }
    }
}

fn absent(absence: Option<&AbsenceReason>) -> String {
    match absence {
        None | Some(AbsenceReason::NoFile) => "there is no such file".to_owned(),
        Some(AbsenceReason::BrokenLink(target)) => {
            format!("it is a link to {target}, which does not exist")
        }
        Some(AbsenceReason::NotAFile(kind)) => format!("it is {kind}, not a file"),
        Some(AbsenceReason::NoPage) => "no run has reached that page".to_owned(),
        Some(AbsenceReason::OutsideRoots) => {
            "the file exists, but it is not in a directory that was ingested".to_owned()
        }
        Some(AbsenceReason::Skipped { reason, entry, .. }) => match *reason {
            "ignored" => format!("{entry} is ignored by a .gitignore or .docentignore"),
            reason => format!("{entry} is skipped ({reason})"),
        },
        Some(AbsenceReason::Unfit(reason)) => reason.clone(),
        Some(AbsenceReason::Pending) => {
            "the file exists, but the last run did not see it".to_owned()
        }
    }
}

fn filtered(part: FilterPart, sought: &ExpectedOutcome) -> String {
    let record = sought.record.as_ref();
    match part {
        FilterPart::Source => "no --source matches it".to_owned(),
        FilterPart::Kind => {
            let kind = record.map_or("unknown", |record| record.kind.name());
            format!("its kind is {kind} (--kind)")
        }
        FilterPart::Tag => match record.map(|record| record.tags.join(", ")) {
            Some(tags) if !tags.is_empty() => format!("its tags are {tags} (--tag)"),
            _ => "it has no tags (--tag)".to_owned(),
        },
    }
}

fn below_cut(name: &str, explained: &Explained<'_>, sought: &ExpectedOutcome) -> String {
    let Some(probe) = &sought.probe else { return format!("{name} ranks too low") };
    let stranger = sought.words.present.is_empty() && !sought.words.absent.is_empty();
    let shares = if stranger { "; it has no word of the question" } else { "" };
    if probe.dense.is_none() && probe.sparse.is_none() {
        return format!("{name} is stored, but nothing in the question could find it");
    }
    let in_both = probe.dense.is_some() && probe.sparse.is_some();
    let rank = probe.overall.or(probe.dense).or(probe.sparse).and_then(|standing| standing.rank);
    let where_it_is = match rank {
        _ if probe.overall.is_none() && in_both => {
            format!(
                "it is not among the first {} of dense or sparse retrieval",
                grouped(probe.candidates)
            )
        }
        Some(rank) => {
            let pool = grouped(explained.prepared.hits.len());
            format!(
                "its rank is {}, but only the first {pool} are considered",
                grouped(rank as usize)
            )
        }
        None => format!("it is not among the first {}", grouped(DEPTH)),
    };
    format!("{name} ranks too low: {where_it_is}{shares}")
}

fn crowded(reason: DropReason, passages: &[u32], explained: &Explained<'_>) -> String {
    let those = listed(passages);
    match reason {
        DropReason::Duplicate => format!("{those} has the same text"),
        DropReason::NearDuplicate => format!("{those} has nearly the same text"),
        DropReason::Redundant if passages.is_empty() => "others add more".to_owned(),
        DropReason::Redundant => format!("it repeats {those}, and others add more"),
        DropReason::SourceCap => {
            format!("its source already has the most passages that one may have: {those}")
        }
        DropReason::Budget => {
            let budget = grouped(explained.max_tokens);
            format!("it does not fit into the {budget} tokens after the better passages")
        }
        DropReason::Limit => format!("the {} chunks of -k are better", explained.k),
        DropReason::Floor => "it scores below --min-score".to_owned(),
    }
}

/// `passage 2`, `passages 1, 2 and 5`
fn listed(passages: &[u32]) -> String {
    let numbers: Vec<String> = passages.iter().map(u32::to_string).collect();
    match numbers.split_last() {
        None => "no passage".to_owned(),
        Some((only, [])) => format!("passage {only}"),
        Some((last, others)) => format!("passages {} and {last}", others.join(", ")),
    }
}
