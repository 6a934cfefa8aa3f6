#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::windows::WINDOW;
use super::*;
use crate::embed::builtin::table::{ROW_COUNT, norm, row, scale};

fn scores(question: &[(&str, f32)], texts: &[&str]) -> Vec<f32> {
    let late = LateInteraction::new();
    let question = late.question(question.iter().copied()).unwrap();
    let passages = texts.iter().map(|text| LatePassage { heading: "", text });
    late.scores(&question, &passages.collect::<Vec<_>>())
}

#[test]
fn every_word_of_the_question_looks_for_its_nearest() {
    let question = [("ledger", 1.0), ("backups", 1.0)];
    let passages = [
        "backups of the ledger",
        "The ledger.",
        "A copy of the account book.",
        "The ferry leaves at nine.",
        "",
    ];
    let found = scores(&question, &passages);
    assert!((found[0] - 1.0).abs() < 1e-5, "{found:?}");
    assert!(found.is_sorted_by(|a, b| a > b), "{found:?}");
    assert!(found[4].abs() < 1e-9);
}

#[test]
fn what_does_not_matter_does_not_count() {
    let passages = ["ferry", "ledger"];
    let found = scores(&[("ledger", 1.0), ("ferry", 0.0)], &passages);
    assert!(found[1] > found[0]);
    assert_eq!(found, scores(&[("ledger", 5.0)], &passages));
    for nothing in [&[("ledger", 0.0)][..], &[("\u{10330}", 1.0)], &[("", 1.0)], &[]] {
        assert!(LateInteraction::new().question(nothing.iter().copied()).is_none());
    }
}

#[test]
fn neighbouring_words_count_and_the_heading_is_in_every_window() {
    let filler = "the ferry leaves at nine ".repeat(20);
    let question = [("ledger", 1.0), ("backups", 1.0)];
    let apart = format!("ledger {filler} backups");
    let together = format!("{filler} ledger backups {filler}");
    let found = scores(&question, &[&apart, &together, "ledger backups"]);
    let is_whole = |score: f32| (score - 1.0).abs() < 1e-5;
    assert!(is_whole(found[1]) && is_whole(found[2]) && found[0] < 0.8, "{found:?}");
    let late = LateInteraction::new();
    let question = late.question(question).unwrap();
    let under = |heading, text| late.scores(&question, &[LatePassage { heading, text }])[0];
    let backups = format!("{filler} backups {filler}");
    assert!(is_whole(under("Ledger", &backups)));
    assert!(is_whole(under("Ledger backups", "")));
    assert!(under("", "").abs() < 1e-9);
}

#[test]
fn no_place_of_a_text_is_between_two_windows() {
    let between = "the ".repeat(WINDOW / 2 - 1);
    for before in 0..2 * WINDOW {
        let text = format!("{}ledger {between}ferry", "the ".repeat(before));
        let found = scores(&[("ledger", 1.0), ("ferry", 1.0)], &[&text]);
        assert!((found[0] - 1.0).abs() < 1e-5, "{before}: {found:?}");
    }
}

/// The text of a passage: words of all kinds, some of them unknown.
const TEXT: &str = "(the |ledger |backups? |zymurgy|[a-zé]{1,8} |[.,;] |\u{10330} ){0,60}";

/// The definition: every window in turn, and every token of it with every token of the question.
fn defined(question: &QuestionTokens, passage: LatePassage<'_>) -> f32 {
    let tokens = |text: &str| {
        let mut ids = Vec::new();
        WordPiece::new().tokenize(text, |id| ids.push(id));
        ids
    };
    let (heading, text) = (tokens(passage.heading), tokens(passage.text));
    let halves: Vec<&[u32]> = text.chunks(WINDOW / 2).collect();
    let windows: Vec<Vec<u32>> = match &halves[..] {
        [] | [_] => vec![text.clone()],
        halves => halves.windows(2).map(<[_]>::concat).collect(),
    };
    let score = |window: &Vec<u32>| {
        let nearest = |id: u32| {
            let others = heading.iter().chain(window).filter(|other| norm(**other) > 0.0);
            others.map(|other| cosine(id, *other)).reduce(f32::max)
        };
        let tokens = question.tokens.iter();
        tokens.map(|(id, weight)| Some(nearest(*id)? * weight)).sum::<Option<f32>>()
    };
    windows.iter().filter_map(score).reduce(f32::max).unwrap_or(0.0)
}

fn cosine(a: u32, b: u32) -> f32 {
    let number = |x: &u8| i32::from(x.cast_signed());
    let product: i32 = row(a).iter().zip(row(b)).map(|(a, b)| number(a) * number(b)).sum();
    product as f32 / (norm(a) * norm(b))
}

#[test]
fn norms_are_those_of_the_rows() {
    let square = |id| row(id).iter().map(|x| i32::from(x.cast_signed()).pow(2)).sum::<i32>();
    for id in 0..ROW_COUNT as u32 {
        let known = if scale(id) == 0.0 { 0.0 } else { (square(id) as f32).sqrt() };
        assert_eq!(norm(id).to_bits(), known.to_bits(), "{id}");
    }
}

proptest! {
    /// A passage scores the same whatever was read before it, and in any order of the words of a window.
    #[test]
    fn a_score_is_that_of_the_passage_alone(
        passages in proptest::collection::vec("[a-zé ]{0,60}", 1..6),
        question in "[a-z ]{1,20}[a-z]",
    ) {
        let late = LateInteraction::new();
        let Some(question) = late.question([(question.as_str(), 1.0)]) else {
            return Ok(());
        };
        let alone = |text: &str| {
            LateInteraction::new().scores(&question, &[LatePassage { heading: "", text }])[0]
        };
        let read: Vec<_> = passages.iter().map(|text| LatePassage { heading: "", text }).collect();
        for (passage, score) in passages.iter().zip(late.scores(&question, &read)) {
            prop_assert!((-1.001..=1.001).contains(&score));
            prop_assert_eq!(alone(passage).to_bits(), score.to_bits());
            if WordPiece::new().count(passage) < WINDOW {
                let mut words: Vec<&str> = passage.split_whitespace().collect();
                words.reverse();
                prop_assert!((alone(&words.join(" ")) - score).abs() < 1e-5);
            }
        }
    }

    /// Equal to the bit, whether the passages are read or remembered.
    #[test]
    fn scores_are_those_of_the_definition(
        passages in proptest::collection::vec(("(ledger |[a-z]{1,9} ){0,2}", TEXT), 1..3),
        words in proptest::collection::vec(("[a-z]{1,12}|ledger|backup|the", 0_f32..9.0), 1..7),
    ) {
        let late = LateInteraction::new();
        let words = words.iter().map(|(word, importance)| (word.as_str(), *importance));
        let Some(question) = late.question(words) else { return Ok(()) };
        let passages = passages.iter().map(|(heading, text)| LatePassage { heading, text });
        let passages: Vec<_> = passages.collect();
        let defined: Vec<f32> = passages.iter().map(|passage| defined(&question, *passage)).collect();
        for _ in 0..2 {
            prop_assert_eq!(&late.scores(&question, &passages), &defined);
        }
    }
}
