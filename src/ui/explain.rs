//! Why passages were found, and why a document was not: a table of hits, and a verdict on the expected
//! document.

use super::Ui;
use super::columns::{aligned, fit};
use super::sanitize::sanitize_line;
use super::style::Style;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::explain::{Explained, advice, message, outcome_label as fate_in_words};
use crate::output::humanize::{counted, grouped};
use crate::output::{ExpectedJson, ExplainEvent, ExplainJson, ExplainedHit};
use crate::query::PreparedPrompt;
use crate::query::explain::{DEPTH, Probe, RankedScore, Staleness, WordMatch};
use crate::query::pack::{DropReason, PackOutcome};
use crate::service::explaining::ExpectedOutcome;
use crate::types::{Hit, LegScore, Mode};

/// How many rows to show after the last hit that packing took.
const NEXT: usize = 3;

impl Ui {
    pub fn explained(&mut self, explained: &Explained<'_>) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(ExplainJson::new(explained))?,
            Format::Jsonl => {
                for hit in ExplainedHit::all(explained) {
                    self.json(ExplainEvent::Hit(hit))?;
                }
                if let Some(sought) = explained.sought {
                    self.json(ExplainEvent::Expected(ExpectedJson::new(explained, sought)))?;
                }
            }
            _ => {
                let mut text = format!("{}\n", headline(explained));
                text += &table(explained, self.verbose, self.out_style);
                if let Some(sought) = explained.sought {
                    text += &format!("\n{}", verdict(explained, sought, self.out_style));
                }
                self.data(&text)?;
            }
        }
        if explained.prepared.hits.is_empty() {
            self.note("nothing was found; `docent status --documents` lists what is stored");
        }
        match explained.sought.and_then(|sought| sought.shadowed) {
            None => {}
            Some(Staleness::Changed) => self
                .note("its file has changed since it was ingested; to update it: docent ingest"),
            Some(Staleness::Gone) => self.note(
                "its file was deleted since it was ingested; to delete its text, too: docent ingest",
            ),
        }
        Ok(())
    }
}

/// `5 passages of 32 hits (hybrid, -k 8), about 1,203 of 4,000 tokens`
fn headline(explained: &Explained<'_>) -> String {
    let PreparedPrompt { hits, composed, .. } = explained.prepared;
    format!(
        "{} of {} ({}, -k {}), {} of {} tokens",
        counted(composed.request.passages.len(), "passage"),
        counted(hits.len(), "hit"),
        explained.mode.name(),
        explained.k,
        grouped(composed.tokens),
        grouped(explained.max_tokens),
    )
}

/// The rankings of a hit, each with the names of its rank and its score.
fn legs(hit: &Hit) -> [(&'static str, &'static str, Option<LegScore>); 4] {
    [
        ("dense", "cosine", hit.dense),
        ("sparse", "bm25", hit.sparse),
        ("late", "tokens", hit.late),
        ("rerank", "relevance", hit.rerank),
    ]
}

/// Index of sparse retrieval in [`legs`].
const SPARSE: usize = 1;

/// Title of the part of the score that is due to the name of the document.
const NAME: &str = "of name";

/// Whether a column has the score of a ranking, which says less than the rank.
fn is_score(column: &str) -> bool {
    ["cosine", "bm25", NAME, "tokens", "relevance"].contains(&column)
}

/// A row for each hit, best first. A ranking that has none of the hits is left out.
fn table(explained: &Explained<'_>, all: bool, style: Style) -> String {
    let (hits, fates) = (&explained.prepared.hits, &explained.prepared.composed.fates);
    let Some(first) = hits.first() else { return String::new() };
    let asked = |leg: usize| hits.iter().any(|hit| legs(hit)[leg].2.is_some());
    let asked: Vec<usize> = (0..legs(first).len()).filter(|leg| asked(*leg)).collect();
    let names = explained.name_scores;
    let named = names.iter().any(|score| *score > 0.0);
    let mut header = vec!["rank".to_owned(), "score".to_owned()];
    for &leg in &asked {
        let (rank, score, _) = legs(first)[leg];
        header.extend([rank.to_owned(), score.to_owned()]);
        if leg == SPARSE && named {
            header.push(NAME.to_owned());
        }
    }
    header.extend(["packed".to_owned(), "hit".to_owned()]);
    let tail = fates.iter().rev().take_while(|fate| is_past_limit(fate)).count();
    let shown = if all { hits.len() } else { hits.len() - tail.saturating_sub(NEXT) };
    let mut rows = vec![header];
    let ranked = (1..).zip(&**hits).zip(&**fates).zip(names).take(shown);
    for (((rank, hit), fate), name) in ranked {
        let mut row = vec![rank.to_string(), format!("{:.3}", hit.score)];
        for &leg in &asked {
            let cells = |leg: LegScore| [leg.rank.to_string(), format!("{:.3}", leg.score)];
            let none = ["-".to_owned(), String::new()];
            row.extend(legs(hit)[leg].2.map_or(none, cells));
            if leg == SPARSE && named {
                row.push(if *name > 0.0 { format!("{name:.3}") } else { String::new() });
            }
        }
        row.push(fate_in_words(*fate));
        row.push(sanitize_line(&hit.chunk.locator.cite(&hit.chunk.source)));
        rows.push(row);
    }
    let terminal = style.tty.then(terminal_size::terminal_size).flatten();
    if let Some((width, _)) = terminal.filter(|(width, _)| width.0 > 0) {
        fit(&mut rows, usize::from(width.0), is_score);
    }
    let texts = rows[0].len() - 2;
    let mut text = aligned(&rows, |column| column >= texts, style);
    if let Some(next) = hits.get(shown) {
        let more = counted(hits.len() - shown, "more hit");
        text += &style.dim(&format!("... {more} past -k, score {:.3} and less\n", next.score));
    }
    text
}

fn is_past_limit(fate: &PackOutcome) -> bool {
    matches!(fate, PackOutcome::Dropped { reason: DropReason::Limit, .. })
}

/// What became of the expected document, the figures, and what to do.
fn verdict(explained: &Explained<'_>, sought: &ExpectedOutcome, style: Style) -> String {
    let message = message(explained, sought);
    let mut text = format!("{}\n", style.strong(&sanitize_line(&message)));
    for (name, value) in statistics(explained, sought) {
        text += &format!("  {name:10}  {}\n", sanitize_line(&value));
    }
    if let Some(advice) = advice(explained, sought) {
        text += &format!("{} {}\n", style.strong("try:"), sanitize_line(&advice));
    }
    text
}

fn statistics(explained: &Explained<'_>, sought: &ExpectedOutcome) -> Vec<(&'static str, String)> {
    let Some(probe) = &sought.probe else { return Vec::new() };
    let chunk = &probe.chunk;
    let mut place = chunk.locator.cite(&chunk.source);
    if !chunk.headings.is_empty() {
        place += &format!("  {}", chunk.headings.join(" > "));
    }
    let mut figures = vec![("best chunk", place)];
    if explained.mode != Mode::Sparse {
        figures.push(("dense", dense(explained, probe)));
    }
    if explained.mode != Mode::Dense {
        let none = "it has no word of the question".to_owned();
        figures.push(("sparse", probe.sparse.map_or(none, |it| standing(it, "BM25"))));
    }
    if explained.mode == Mode::Hybrid {
        let none = format!(
            "not among the first {} of dense or sparse retrieval",
            grouped(probe.candidates)
        );
        figures.push(("overall", probe.overall.map_or(none, |it| standing(it, "score"))));
    }
    let WordMatch { present, absent } = &sought.words;
    if !(present.is_empty() && absent.is_empty()) {
        let list = |words: &[String]| match words {
            [] => "none".to_owned(),
            words => words.join(", "),
        };
        figures.push(("has", list(present)));
        figures.push(("lacks", list(absent)));
    }
    figures
}

fn dense(explained: &Explained<'_>, probe: &Probe) -> String {
    let Some(dense) = probe.dense else { return "no word in it has a vector".to_owned() };
    let prepared = explained.prepared;
    let of_passages = prepared.hits.iter().zip(&*prepared.composed.fates);
    let lowest = of_passages
        .filter(|(_, fate)| matches!(fate, PackOutcome::Passage(_)))
        .filter_map(|(hit, _)| Some(hit.dense?.score))
        .reduce(f32::min);
    let compared = lowest.filter(|lowest| dense.score < *lowest);
    let compared =
        compared.map_or_else(String::new, |it| format!("; the passages have {it:.3} or more"));
    format!("{}{compared}", standing(dense, "cosine"))
}

fn standing(standing: RankedScore, score: &str) -> String {
    let rank = match standing.rank {
        Some(rank) => format!("rank {}", grouped(rank as usize)),
        None => format!("below rank {}", grouped(DEPTH)),
    };
    format!("{rank}, {score} {:.3}", standing.score)
}
