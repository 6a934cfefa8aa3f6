//! Compares the metrics with `trec_eval` on the same files (made by `tests/fixtures/trec/make.py`).
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;
use crate::eval::judge::{Ranked, judge};
use crate::eval::{beir, run_file};

const QRELS: &str = include_str!("../../../tests/fixtures/trec/qrels.txt");
const RUN: &str = include_str!("../../../tests/fixtures/trec/run.txt");
const EXPECTED: &str = include_str!("../../../tests/fixtures/trec/expected.json");

#[test]
fn every_number_is_that_of_trec_eval() {
    let cases = beir::cases_of(&beir::qrels(QRELS, "qrels").unwrap());
    let runs = run_file::parse(RUN, "run").unwrap();
    let expected: BTreeMap<String, BTreeMap<String, f64>> = serde_json::from_str(EXPECTED).unwrap();
    let mut compared = 0;
    for case in &cases {
        let Some(ids) = runs.get(&case.id) else { continue };
        let ranked = |id: &String| Ranked {
            id: id.clone(),
            source: id.clone(),
            place: None,
            text: String::new(),
            score: 0.0,
        };
        let judged = judge(case, &ids.iter().map(ranked).collect::<Vec<_>>()).judged;
        for (name, wanted) in &expected[&case.id] {
            let found = Metric::parse(name).unwrap().of(&judged);
            // `trec_eval` prints four digits, and pytrec_eval all digits of a double.
            assert!((found - wanted).abs() < 1e-9, "{} {name}: {found}, not {wanted}", case.id);
            compared += 1;
        }
    }
    assert_eq!(compared, 23 * 33);
}
