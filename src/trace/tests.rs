#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::answered::retrieved;
use super::*;
use crate::query::cite;
use crate::query::pack::tests::chunk;
use crate::query::pack::{PackOptions, PackedHits, pack};
use crate::query::rewrite::Queries;
use crate::types::Hit;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn answer(hits: Vec<Hit>, PackedHits { passages, dropped, fates, .. }: PackedHits) -> Answer {
    Answer {
        id: Uuid::now_v7(),
        text: String::new(),
        thinking: String::new(),
        no_answer: None,
        model: "m".to_owned(),
        citations: cite::verify("", "", &passages),
        passages,
        queries: Queries::of("How long?"),
        nearest: Vec::new(),
        scores: hits.iter().map(|hit| hit.score).collect(),
        hits: hits.into(),
        fates,
        dropped,
        finish_reason: None,
        usage: Usage::default(),
        cached: false,
        retrieved_in: Duration::from_millis(5),
        verification: None,
        packed_in: Duration::from_millis(1),
        first_token_in: None,
        elapsed: Duration::from_millis(9),
        interrupted: false,
        failure: None,
    }
}

proptest! {
    /// The record says what happened to each hit, in agreement with packing.
    #[test]
    fn every_hit_is_in_a_passage_or_was_dropped(
        places in proptest::collection::vec((0..3_usize, 0..6_u32, 0..4_usize), 0..14),
        max_tokens in 1..80_usize,
        max_passages in 1..6_usize,
    ) {
        let texts = ["Kept for 400 days.", "The ferry leaves.", "An owl in the attic of a mill.", "Tea"];
        let hits: Vec<Hit> = places
            .iter()
            .zip(1_u16..)
            .map(|((source, ordinal, text), rank)| { Hit::of(chunk(["a", "b", "c"][*source], *ordinal, texts[*text]), 1.0 / f32::from(rank), None) })
            .collect();
        let options = PackOptions { max_chunks: max_passages, max_tokens, ..PackOptions::default() };
        let packed = pack(&hits, &options, 0, &words);
        let (numbers, dropped) = (packed.passages.len(), packed.dropped.len());
        let rows = retrieved(&answer(hits, packed));
        prop_assert!(rows.iter().all(|row| row.passage.is_some() != row.dropped.is_some()));
        prop_assert_eq!(rows.iter().filter(|row| row.dropped.is_some()).count(), dropped);
        for number in 1..=numbers as u32 {
            prop_assert!(rows.iter().any(|row| row.passage == Some(number)));
        }
    }
}

#[test]
fn faults_have_names() {
    assert_eq!(fault_name(Fault::TooLong), "too_long");
    assert_eq!(fault_name(Fault::Transient { retry_after: None }), "transient");
    assert_eq!(fault_name(Fault::Transient { retry_after: Some(Duration::ZERO) }), "transient");
}
