#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Items by their new gains; a test marks repeated items as relevant itself.
fn judged(items: &[&[u32]], expected: &[u32]) -> JudgedRanking {
    let item = |gains: &&[u32]| RankedItem { relevant: !gains.is_empty(), gains: gains.to_vec() };
    JudgedRanking { items: items.iter().map(item).collect(), expected: expected.to_vec() }
}

fn of(metric: &str, judged: &JudgedRanking) -> f64 {
    Metric::parse(metric).unwrap().of(judged)
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
}

#[test]
fn by_hand() {
    let ranking = judged(&[&[], &[1], &[], &[2]], &[1, 2, 1]);
    for (metric, value) in [
        ("recall@1", 0.0),
        ("recall@2", 1.0 / 3.0),
        ("recall@100", 2.0 / 3.0),
        ("precision@4", 0.5),
        ("precision@8", 0.25),
        ("hit@1", 0.0),
        ("hit@2", 1.0),
        ("mrr@1", 0.0),
        ("mrr", 0.5),
        ("map", (0.5 + 0.5) / 3.0),
        ("map@2", 0.5 / 3.0),
        ("ndcg@2", (1.0 / 3_f64.log2()) / (2.0 + 1.0 / 3_f64.log2())),
        ("ndcg", (1.0 / 3_f64.log2() + 2.0 / 5_f64.log2()) / (2.0 + 1.0 / 3_f64.log2() + 0.5)),
    ] {
        close(of(metric, &ranking), value);
    }
}

#[test]
fn a_passage_that_answers_twice_and_one_that_says_it_again() {
    let mut ranking = judged(&[&[1, 1], &[], &[1]], &[1, 1, 1]);
    ranking.items[1].relevant = true;
    for (metric, value) in [
        ("recall@1", 2.0 / 3.0),
        ("precision@2", 1.0),
        ("ndcg@1", 1.0),
        // The ranks of the three gains are 1, 2 and 4.
        ("map", (1.0 + 1.0 + 0.75) / 3.0),
        (
            "ndcg",
            (1.0 + 1.0 / 3_f64.log2() + 1.0 / 5_f64.log2()) / (1.0 + 1.0 / 3_f64.log2() + 0.5),
        ),
    ] {
        close(of(metric, &ranking), value);
    }
}

#[test]
fn names() {
    for name in ["recall@5", "precision@10", "hit@1", "mrr", "mrr@10", "ndcg@10", "map", "map@100"]
    {
        assert_eq!(Metric::parse(name).unwrap().to_string(), name);
    }
    assert_eq!(Metric::parse(" nDCG@10 ").unwrap(), Metric::at(MetricKind::Ndcg, 10));
    for (name, why) in [
        ("recall", "`recall` needs a cut-off, such as `recall@5`"),
        ("recal@5", "`recal@5` is not a metric"),
        ("hit@0", "`0` is not a cut-off: use a number from 1 to 10000"),
        ("hit@99999999999", "`99999999999` is not a cut-off: use a number from 1 to 10000"),
        ("hit@", "`` is not a cut-off: use a number from 1 to 10000"),
        ("map@x", "`x` is not a cut-off: use a number from 1 to 10000"),
    ] {
        assert_eq!(Metric::parse(name).unwrap_err().to_string(), why);
    }
}

/// Rankings in which every gain belongs to an expectation.
fn rankings() -> impl Strategy<Value = JudgedRanking> {
    let items =
        prop::collection::vec((prop::collection::vec(1..4_u32, 0..3), any::<bool>()), 0..20);
    (items, prop::collection::vec(1..4_u32, 0..4)).prop_map(|(items, missed)| {
        let items: Vec<RankedItem> = items
            .into_iter()
            .map(|(gains, again)| RankedItem { relevant: again || !gains.is_empty(), gains })
            .collect();
        let expected = items.iter().flat_map(|item| item.gains.clone()).chain(missed).collect();
        JudgedRanking { items, expected }
    })
}

proptest! {
    #[test]
    fn every_value_is_within_0_and_1(judged in rankings(), k in 1..30_usize) {
        for measure in MetricKind::ALL {
            let value = Metric::at(measure, k).of(&judged);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{measure:?}@{k} is {value}");
        }
    }

    #[test]
    fn a_deeper_look_finds_no_less(judged in rankings(), k in 1..30_usize) {
        for measure in [MetricKind::Recall, MetricKind::Hit, MetricKind::Mrr, MetricKind::Map] {
            prop_assert!(Metric::at(measure, k).of(&judged) <= Metric::at(measure, k + 1).of(&judged));
        }
    }

    #[test]
    fn what_is_relevant_moving_up_makes_nothing_worse(judged in rankings()) {
        for at in 1..judged.items.len() {
            if judged.items[at - 1].relevant || judged.items[at].gains.len() != 1 {
                continue;
            }
            let mut better = judged.clone();
            better.items.swap(at - 1, at);
            for measure in MetricKind::ALL {
                for k in [1, 3, 10, 100] {
                    let metric = Metric::at(measure, k);
                    prop_assert!(metric.of(&better) >= metric.of(&judged) - 1e-12, "{metric}");
                }
            }
        }
    }

    #[test]
    fn the_best_order_has_ndcg_1(mut grades in prop::collection::vec(1..4_u32, 1..20), k in 1..30_usize) {
        grades.sort_unstable_by(|a, b| b.cmp(a));
        let items = grades.iter().map(|&grade| RankedItem { relevant: true, gains: vec![grade] });
        let judged = JudgedRanking { items: items.collect(), expected: grades.clone() };
        close(Metric::at(MetricKind::Ndcg, k).of(&judged), 1.0);
        close(of("map", &judged), 1.0);
    }
}
