//! Judges the labelled answers of `tests/citations`, and counts the wrong judgements.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::query::pack::tests::passage;
use crate::query::verification::{self, Verifier};

#[derive(Deserialize)]
struct Document {
    id: String,
    passages: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    kind: String,
    tier: String,
    document: String,
    question: String,
    answer: String,
    right: bool,
}

fn read<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/citations").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Numbers of right and false answers, and how many of each were taken for the other.
#[derive(Clone, Copy, Default)]
struct Count {
    right: usize,
    alarms: usize,
    wrong: usize,
    accepted: usize,
}

impl Count {
    fn add(&mut self, right: bool, objected: bool) {
        self.right += usize::from(right);
        self.alarms += usize::from(right && objected);
        self.wrong += usize::from(!right);
        self.accepted += usize::from(!right && !objected);
    }

    fn join(&mut self, other: Self) {
        self.right += other.right;
        self.alarms += other.alarms;
        self.wrong += other.wrong;
        self.accepted += other.accepted;
    }

    /// Percentages of the false answers that pass, and of the right answers that do not.
    fn shares(self) -> (f64, f64) {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        (share(self.accepted, self.wrong), share(self.alarms, self.right))
    }
}

type Counts = BTreeMap<(String, String), Count>;

/// One in this many answers is judged, unless `LABELLED_EVERY` says otherwise: an unoptimised build takes a
/// minute for all.
const EVERY: usize = 5;

fn every() -> usize {
    option_env!("LABELLED_EVERY").map_or(EVERY, |every| every.parse().unwrap())
}

fn documents() -> HashMap<String, Vec<Passage>> {
    let documents = read::<Document>("documents.jsonl").into_iter().map(|document| {
        let source = format!("{}.md", document.id);
        let passages = (1..).zip(&document.passages);
        let passages = passages.map(|(number, text)| passage(number, &source, text));
        (document.id, passages.collect::<Vec<_>>())
    });
    documents.collect()
}

fn objects(found: &Citations) -> bool {
    !found.invalid.is_empty()
        || !found.uncited_sentences.is_empty()
        || found.citations.iter().any(|citation| !citation.verified)
}

/// Counts by tier and kind; the kind of a whole tier is empty.
fn measure(part: &str) -> Counts {
    let documents = documents();
    let mut counts = Counts::new();
    for row in read::<Answer>(part).into_iter().step_by(every()) {
        let objected = objects(&verify(&row.answer, &row.question, &documents[&row.document]));
        for kind in ["", &row.kind] {
            let count = counts.entry((row.tier.clone(), kind.to_owned())).or_default();
            count.add(row.right, objected);
        }
    }
    counts
}

fn table(part: &str, counts: &Counts) -> String {
    let mut table =
        format!("{part}\n{:<32} false, of these accepted    right, of these refused\n", "");
    for ((tier, kind), count) in counts {
        let (accepted, alarms) = count.shares();
        let name = if kind.is_empty() { tier.clone() } else { format!("  {kind}") };
        let Count { right, alarms: refused, wrong, accepted: passed } = count;
        let _ = writeln!(
            table,
            "{name:<32} {wrong:>5} {passed:>4} {accepted:>5.1} %    {right:>10} {refused:>4} {alarms:>5.1} %"
        );
    }
    table
}

/// Highest percentages of false answers that may pass, and of right answers that may be refused.
struct Bounds {
    part: &'static str,
    tier: &'static str,
    accepted: f64,
    alarms: f64,
}

/// The answers that the rules were written with, and two sets that were held out: from the start, and
/// before the rules changed.
const PARTS: [&str; 3] = ["answers.jsonl", "heldout.jsonl", "heldout2.jsonl"];

const BOUNDS: [Bounds; 5] = [
    Bounds { part: "answers.jsonl", tier: "documented", accepted: 15.0, alarms: 3.5 },
    Bounds { part: "answers.jsonl", tier: "meaning", accepted: 64.0, alarms: 1.0 },
    Bounds { part: "heldout.jsonl", tier: "documented", accepted: 29.0, alarms: 11.0 },
    Bounds { part: "heldout.jsonl", tier: "meaning", accepted: 77.0, alarms: 9.0 },
    Bounds { part: "heldout2.jsonl", tier: "documented", accepted: 45.0, alarms: 35.0 },
];

#[test]
#[expect(clippy::print_stdout, reason = "the table of docs/citations.md: `--nocapture` shows it")]
fn labelled_answers_are_not_judged_worse() {
    let mut failed = String::new();
    let mut all = Counts::new();
    for part in PARTS {
        let counts = measure(part);
        println!("{}", table(part, &counts));
        for (kind, count) in &counts {
            all.entry(kind.clone()).or_default().join(*count);
        }
        for bounds in BOUNDS.iter().filter(|bounds| bounds.part == part) {
            let (accepted, alarms) = counts[&(bounds.tier.to_owned(), String::new())].shares();
            if accepted > bounds.accepted || alarms > bounds.alarms {
                let _ = writeln!(
                    failed,
                    "{part}, {}: {accepted:.1} % of the false answers pass, at most {} % may; {alarms:.1} % of the right ones are refused, at most {} % may",
                    bounds.tier, bounds.accepted, bounds.alarms
                );
            }
        }
    }
    println!("{}", table("all together", &all));
    assert!(failed.is_empty(), "\n{failed}");
}

/// Scores below which a model counts as objecting, for the table.
const THRESHOLDS: [f32; 8] = [0.0, 0.007, 0.008, 0.01, 0.02, 0.05, 0.1, 0.5];

/// A model judges what the rules let pass. `LABELLED_MODEL` names a directory with a model for natural
/// language inference, and `LABELLED_PART` the answers (default: `answers.jsonl`). Both are read at compile
/// time.
#[tokio::test]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the table of docs/citations.md")]
async fn a_model_judges_what_the_rules_let_pass() {
    let Some(dir) = option_env!("LABELLED_MODEL") else {
        return eprintln!("NOT RUN: LABELLED_MODEL names no directory with a model");
    };
    let part = option_env!("LABELLED_PART").unwrap_or("answers.jsonl");
    let model = crate::entailment::onnx::open(Path::new(dir)).unwrap();
    let documents = documents();
    let mut counts: BTreeMap<String, [Count; THRESHOLDS.len()]> = BTreeMap::new();
    let (mut claims, mut took) = (0, 0);
    for row in read::<Answer>(part).into_iter().step_by(every()) {
        let passages = &documents[&row.document];
        let mut found = verify(&row.answer, &row.question, passages);
        let by_rules = objects(&found);
        let verifier = Verifier::Entailment { model: &model, threshold: 0.0 };
        let within = Duration::from_mins(10);
        let checked = verification::verify(&mut found, passages, verifier, within).await;
        assert_eq!(checked.failure, None, "{}", row.answer);
        claims += checked.claims;
        took += checked.elapsed_ms;
        let scores = checked.verdicts.iter().filter_map(|verdict| verdict.score);
        let least = scores.fold(f32::INFINITY, f32::min);
        let language = &documents[&row.document][0].text;
        let language =
            if TextLanguage::of(language) == TextLanguage::English { "en" } else { "other" };
        for name in [row.tier.clone(), format!("{} {language}", row.tier)] {
            for (threshold, count) in THRESHOLDS.iter().zip(counts.entry(name).or_default()) {
                count.add(row.right, by_rules || least < *threshold);
            }
        }
    }
    println!("{part}: {claims} claims in {took} ms");
    for (tier, counts) in counts {
        for (threshold, count) in THRESHOLDS.iter().zip(counts) {
            let ((accepted, alarms), Count { right, wrong, .. }) = (count.shares(), count);
            println!(
                "{tier:<20} {threshold:.3}  {accepted:>5.1} % of {wrong} pass  {alarms:>5.1} % of {right} refused"
            );
        }
    }
}
