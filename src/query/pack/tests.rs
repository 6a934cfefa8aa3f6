#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use proptest::prelude::*;

use super::merged::overlap;
use super::*;
use crate::types::{ContentHash, DocumentKind};

/// A chunk of two lines; `ordinal` 3 is on lines 7 and 8.
pub(crate) fn chunk(source: &str, ordinal: u32, text: &str) -> Chunk {
    Chunk {
        source: source.to_owned(),
        title: String::new(),
        headings: Vec::new(),
        titled: false,
        text: text.to_owned(),
        locator: Locator::Lines(ordinal * 2 + 1, ordinal * 2 + 2),
        ordinal,
        kind: DocumentKind::Markdown,
        document_hash: ContentHash::of(source.as_bytes()),
        chunk_hash: ContentHash::of(text.as_bytes()),
        occurrence: 0,
        tags: Vec::new(),
        page_label: None,
        recognition: None,
    }
}

pub(crate) fn passage(number: u32, source: &str, text: &str) -> Passage {
    Passage {
        number,
        source: source.to_owned(),
        title: String::new(),
        headings: Vec::new(),
        text: text.to_owned(),
        locator: Locator::Lines(1, 2),
        score: 1.0,
        document_hash: ContentHash::of(source.as_bytes()),
        page_label: None,
    }
}

pub(crate) fn hits(chunks: Vec<Chunk>) -> Vec<Hit> {
    let scores = (0..).map(|rank: u16| 1.0 / (1.0 + f32::from(rank)));
    chunks.into_iter().zip(scores).map(|(chunk, score)| Hit::of(chunk, score, None)).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

const WIDE: PackOptions = PackOptions {
    max_chunks: 99,
    max_tokens: 99_999,
    per_source: 99,
    min_score: None,
    redundancy: 0.0,
};

fn packed(chunks: Vec<Chunk>, options: &PackOptions) -> PackedHits {
    pack(&hits(chunks), options, 0, &words)
}

fn texts(packed: &PackedHits) -> Vec<&str> {
    packed.passages.iter().map(|passage| passage.text.as_str()).collect()
}

fn reasons(packed: &PackedHits) -> Vec<DropReason> {
    packed.dropped.iter().map(|dropped| dropped.reason).collect()
}

#[test]
fn neighbours_become_one_passage_without_their_overlap() {
    let mut second = chunk("a", 1, "and the second sentence.\nThird.");
    second.locator = Locator::Lines(2, 3);
    second.headings = vec!["A".to_owned(), "B".to_owned()];
    let mut first = chunk("a", 0, "First sentence\nand the second sentence.");
    first.headings = vec!["A".to_owned(), "B".to_owned()];
    let all = packed(vec![second, chunk("b", 5, "Other."), first], &WIDE);
    assert_eq!(texts(&all), ["First sentence\nand the second sentence.\nThird.", "Other."]);
    assert_eq!(all.passages[0].locator, Locator::Lines(1, 3));
    assert_eq!(all.passages[0].headings, ["A", "B"]);
    assert!((all.passages[0].score - 1.0).abs() < f32::EPSILON);
    assert_eq!(*all.dropped, []);
}

#[test]
fn a_hit_between_two_passages_joins_them() {
    let parts = vec![chunk("a", 2, "Gamma."), chunk("a", 0, "Alpha."), chunk("a", 1, "Beta.")];
    let all = packed(parts, &WIDE);
    assert_eq!(texts(&all), ["Alpha.\nBeta.\nGamma."]);
    assert_eq!(all.passages[0].citation(), "a:L1-L6");
}

#[test]
fn what_lies_apart_stays_apart() {
    let mut page_one = chunk("p", 0, "One.");
    page_one.locator = Locator::Page(1);
    let mut page_two = chunk("p", 1, "Two.");
    page_two.locator = Locator::Page(2);
    let mut edited = chunk("a", 1, "Edited.");
    edited.document_hash = ContentHash::of(b"edited");
    let mut section = chunk("a", 3, "Section.");
    section.headings = vec!["Section".to_owned()];
    let old = chunk("a", 0, "Old.");
    let parts = vec![page_one, page_two, old, edited, chunk("a", 2, "Far."), section];
    assert_eq!(
        texts(&packed(parts, &WIDE)),
        ["One.", "Two.", "Old.", "Edited.", "Far.", "Section."]
    );
}

#[test]
fn duplicates_go_unless_a_number_or_a_negation_differs() {
    let text = |days: &str, may: &str, end: &str| {
        format!(
            "Backups of the ledger are kept for {days} days in two regions and an operator from \
                 the list {may} restore one of them after the approval of a second person who was \
                 not on duty that day, which is then written to the audit log {end}"
        )
    };
    let parts = [
        text("400", "may", "at once"),
        text("400", "may", "at once").replace(' ', "  "),
        text("400", "may", "at last"),
        text("300", "may", "at once"),
        text("400", "may not", "at once"),
    ];
    let chunks =
        ["a", "b", "c", "d", "e"].iter().zip(&parts).map(|(s, t)| chunk(s, 0, t)).collect();
    let all = packed(chunks, &WIDE);
    assert_eq!(reasons(&all), [DropReason::Duplicate, DropReason::NearDuplicate]);
    assert_eq!(all.passages.len(), 3);
}

#[test]
fn what_still_fits_is_taken() {
    let parts = vec![
        chunk("a", 0, "one alpha"),
        chunk("a", 5, "two beta"),
        chunk("b", 0, &"long delta ".repeat(50)),
        chunk("b", 7, "four epsilon"),
        chunk("c", 0, "five zeta"),
    ];
    let all = packed(parts, &PackOptions { max_chunks: 3, max_tokens: 60, ..WIDE });
    assert_eq!(texts(&all), ["one alpha", "two beta", "four epsilon"]);
    assert_eq!(reasons(&all), [DropReason::Budget, DropReason::Limit]);
    assert_eq!(all.passages.iter().map(|p| p.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_source_may_have_twice_its_share_among_those_that_are_near() {
    // Each letter is a hit of the source of that name.
    for (found, max_chunks, taken, capped) in [
        ("aaaaaa", 4, "aaaa", 0),
        ("aaaabbbb", 4, "aaaa", 0),
        ("abaaaacd", 4, "abaa", 0),
        ("abcdaaaaaee", 8, "abcdaaae", 2),
        ("abcdefgaaahi", 8, "abcdefga", 0),
        ("abcdefghaaa", 3, "abc", 0),
        ("abcdeaaaaaaf", 10, "abcdeaaaf", 3),
    ] {
        let parts = found.chars().zip(0..).map(|(source, n)| {
            chunk(&source.to_string(), 5 * n, &format!("{source}{n} x{n} y{n}"))
        });
        let all = packed(parts.collect(), &PackOptions { max_chunks, per_source: 2, ..WIDE });
        let sources: String = all.passages.iter().map(|it| it.source.as_str()).collect();
        assert_eq!(sources, taken, "{found}");
        let reasons = reasons(&all);
        let of = reasons.iter().filter(|reason| **reason == DropReason::SourceCap).count();
        assert_eq!(of, capped, "{found}");
    }
}

#[test]
fn what_scores_below_the_floor_is_left_out() {
    let parts = vec![chunk("a", 0, "one"), chunk("b", 0, "two"), chunk("c", 0, "three")];
    let all = packed(parts, &PackOptions { min_score: Some(0.5), ..WIDE });
    assert_eq!(texts(&all), ["one", "two"]);
    assert_eq!(reasons(&all), [DropReason::Floor]);
}

#[test]
fn a_hit_that_repeats_another_gives_way_to_new_content() {
    let parts = || {
        vec![
            chunk("a", 0, "Ledger backups are kept for 400 days in two regions."),
            chunk("b", 0, "Backups of the ledger: 400 days, kept in both regions."),
            chunk("c", 0, "A restore is approved by two operators."),
            chunk("d", 0, "Zebra."),
        ]
    };
    let near = |redundancy: f32| {
        let mut found = hits(parts());
        for (hit, score) in found.iter_mut().zip([1.0, 0.9, 0.8, 0.0]) {
            hit.score = score;
        }
        pack(&found, &PackOptions { max_chunks: 2, redundancy, ..WIDE }, 0, &words)
    };
    let by_rank = near(0.0);
    assert_eq!(by_rank.passages[1].source, "b");
    assert_eq!(reasons(&by_rank), [DropReason::Limit, DropReason::Limit]);
    let by_news = near(0.5);
    assert_eq!(by_news.passages[1].source, "c");
    assert_eq!(reasons(&by_news), [DropReason::Redundant, DropReason::Limit]);
}

#[test]
fn overlaps_are_whole_words_and_not_chance() {
    let check =
        |a: &str, b: &str, expected: usize| assert_eq!(overlap(a, b), expected, "{a} | {b}");
    check("x the long common part", "the long common part y", 20);
    check("ends with the", "the next", 0);
    check("supercommonpartword", "commonpartword y", 0);
    check("contains all", "all", 3);
    check("é the überlange Teil", "überlange Teil ß", 15);
    check("", "a", 0);
}

proptest! {
    #[test]
    fn the_budget_holds_and_no_text_comes_twice(
        picks in proptest::collection::vec((0usize..3, 0u32..8), 0..24),
        max_tokens in 0usize..120,
        max_chunks in 0usize..6,
        per_source in 1usize..4,
        redundancy in 0.0f32..1.0,
        reserved in 0usize..40,
        floor in 0.0f32..0.5,
    ) {
        let mut taken = HashSet::new();
        let chunks: Vec<Chunk> = picks
            .into_iter()
            .filter(|pick| taken.insert(*pick))
            .map(|(s, n)| chunk(["a", "b", "c"][s], n, &format!("w{n} {s}x{n} v{} shared", n % 3)))
            .collect();
        let hits = hits(chunks);
        let min_score = Some(floor);
        let options = PackOptions { max_chunks, max_tokens, per_source, min_score, redundancy };
        let packed = pack(&hits, &options, reserved, &words);
        let fenced: usize =
            packed.passages.iter().map(|p| words(&prompt::fenced(p, prompt::SAMPLE_NONCE))).sum();
        prop_assert!(fenced == 0 || reserved + fenced <= max_tokens);
        prop_assert!(packed.passages.len() <= max_chunks);
        prop_assert_eq!(&packed, &pack(&hits, &options, reserved, &words));
        // The result is the same within the range that it names, and different outside of it.
        let (least, most) = (*packed.reserved.start(), *packed.reserved.end());
        prop_assert!(packed.reserved.contains(&reserved));
        for reserved in [least, most] {
            prop_assert_eq!(&packed, &pack(&hits, &options, reserved, &words));
        }
        for reserved in [least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
            prop_assert_ne!(&packed.fates, &pack(&hits, &options, reserved, &words).fates);
        }
        prop_assert!(packed.passages.is_sorted_by(|a, b| a.score >= b.score && a.number < b.number));
        prop_assert!(packed.passages.iter().all(|passage| passage.score >= floor));
        prop_assert_eq!(packed.fates.len(), hits.len());
        for (hit, fate) in hits.iter().zip(&*packed.fates) {
            match fate {
                PackOutcome::Passage(number) => {
                    let passage = &packed.passages[*number as usize - 1];
                    prop_assert!(passage.text.contains(&hit.chunk.text));
                }
                PackOutcome::Dropped { reason, like } => {
                    let alike = [DropReason::Duplicate, DropReason::NearDuplicate];
                    prop_assert!(like.is_some() || !alike.contains(reason));
                    prop_assert!(like.is_none_or(|n| n as usize <= packed.passages.len()));
                }
            }
            let places = packed.passages.iter().filter(|p| p.text.contains(&hit.chunk.text)).count();
            let out = packed.dropped.iter().filter(|d| {
                d.source == hit.chunk.source && d.locator == hit.chunk.locator
            }).count();
            prop_assert_eq!(places + out, 1, "{}", &hit.chunk.text);
        }
    }
}
