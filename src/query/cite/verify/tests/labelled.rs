//! The labelled answers of `tests/citations`, and how many of them are judged wrongly.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::query::pack::tests::passage;

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

/// Right answers and false ones, and how many of each were taken for the other.
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

    /// Per cent of the false answers that pass, and of the right ones that do not.
    fn shares(self) -> (f64, f64) {
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        (share(self.accepted, self.wrong), share(self.alarms, self.right))
    }
}

type Counts = BTreeMap<(String, String), Count>;

/// Of the answers, each so many'th is judged, where `LABELLED_EVERY` did not say otherwise: an unoptimised
/// build takes a minute for all.
const EVERY: usize = 5;

fn every() -> usize {
    option_env!("LABELLED_EVERY").map_or(EVERY, |every| every.parse().unwrap())
}

/// By tier and kind; the kind of a whole tier is empty.
fn measure(part: &str) -> Counts {
    let documents = read::<Document>("documents.jsonl").into_iter().map(|document| {
        let source = format!("{}.md", document.id);
        let passages = (1..).zip(&document.passages);
        let passages = passages.map(|(number, text)| passage(number, &source, text));
        (document.id, passages.collect::<Vec<_>>())
    });
    let documents: HashMap<_, _> = documents.collect();
    let mut counts = Counts::new();
    for row in read::<Answer>(part).into_iter().step_by(every()) {
        let found = verify(&row.answer, &row.question, &documents[&row.document]);
        let objected = !found.invalid.is_empty()
            || !found.uncited_sentences.is_empty()
            || found.citations.iter().any(|citation| !citation.verified);
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

/// What may pass and what may be refused, in per cent.
struct Bounds {
    part: &'static str,
    tier: &'static str,
    accepted: f64,
    alarms: f64,
}

const BOUNDS: [Bounds; 4] = [
    Bounds { part: "answers.jsonl", tier: "documented", accepted: 24.0, alarms: 4.0 },
    Bounds { part: "answers.jsonl", tier: "meaning", accepted: 66.0, alarms: 3.0 },
    Bounds { part: "heldout.jsonl", tier: "documented", accepted: 30.0, alarms: 11.0 },
    Bounds { part: "heldout.jsonl", tier: "meaning", accepted: 78.0, alarms: 9.0 },
];

#[test]
#[expect(clippy::print_stdout, reason = "the table of docs/citations.md: `--nocapture` shows it")]
fn labelled_answers_are_not_judged_worse() {
    let mut failed = String::new();
    for part in ["answers.jsonl", "heldout.jsonl"] {
        let counts = measure(part);
        println!("{}", table(part, &counts));
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
    assert!(failed.is_empty(), "\n{failed}");
}
