#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::embed::sparse;
use crate::query::pack::tests::{chunk, hits};
use crate::types::{ContentHash, DocumentKind};

fn expected(source: &str) -> Expected {
    Expected { source: source.to_owned(), place: None }
}

fn record(source: &str) -> DocumentRecord {
    DocumentRecord {
        project: None,
        source: source.to_owned(),
        document_hash: ContentHash::of(b""),
        size: 1,
        mtime: 1,
        kind: DocumentKind::Markdown,
        chunks: 1,
        terms: 1,
        tags: vec!["team=sea".to_owned()],
        text_fields: Vec::new(),
        ingested_at: String::new(),
        run_id: uuid::Uuid::nil(),
        web: None,
        secrets: None,
        warnings: Vec::new(),
        ocr: None,
        language: None,
        content_hash: None,
    }
}

fn failure(source: &str) -> FailureRecord {
    FailureRecord {
        project: None,
        source: source.to_owned(),
        reason: "encrypted".to_owned(),
        size: 1,
        mtime: 1,
        document_hash: None,
        docent: String::new(),
        failed_at: String::new(),
        run_id: uuid::Uuid::nil(),
    }
}

fn dropped(reason: DropReason, like: Option<u32>) -> PackOutcome {
    PackOutcome::Dropped { reason, like }
}

/// A document with every fault: as each is corrected, the verdict names the next.
#[test]
fn the_first_reason_on_the_way_counts() {
    let (expected, record, failure) = (expected("a"), record("a"), failure("a"));
    let wrong = Filter {
        sources: Some(vec!["b".to_owned()]),
        kinds: vec![DocumentKind::Pdf],
        tags: vec!["team=sea".to_owned(), "x".to_owned()],
    };
    let found = hits(vec![chunk("b", 0, "one"), chunk("a", 0, "two"), chunk("a", 5, "three")]);
    let low = [
        PackOutcome::Passage(1),
        dropped(DropReason::Floor, None),
        dropped(DropReason::Floor, None),
    ];
    let mut facts = DocumentFacts {
        expected: &expected,
        record: None,
        failure: Some(&failure),
        drift: Some(Staleness::Changed),
        filter: &wrong,
        min_score: Some(0.7),
        hits: &found[..1],
        fates: &low[..1],
    };
    assert_eq!(verdict(&facts), ExplainVerdict::Failed { reason: "encrypted".to_owned() });
    facts.failure = None;
    assert_eq!(verdict(&facts), ExplainVerdict::NotIngested);
    facts.record = Some(&record);
    assert_eq!(verdict(&facts), ExplainVerdict::Stale(Staleness::Changed));
    facts.drift = None;
    let parts = vec![FilterPart::Source, FilterPart::Kind, FilterPart::Tag];
    assert_eq!(verdict(&facts), ExplainVerdict::Filtered(parts));
    let open = Filter::default();
    facts.filter = &open;
    assert_eq!(verdict(&facts), ExplainVerdict::BelowCut);
    (facts.hits, facts.fates) = (&found, &low);
    assert_eq!(verdict(&facts), ExplainVerdict::BelowFloor { score: 0.5, floor: 0.7 });
    let fates = [PackOutcome::Passage(1), dropped(DropReason::Redundant, Some(1)), low[2]];
    facts.fates = &fates;
    let crowded = ExplainVerdict::CrowdedOut { reason: DropReason::Redundant, passages: vec![1] };
    assert_eq!(verdict(&facts), crowded);
    let fates =
        [PackOutcome::Passage(1), dropped(DropReason::Limit, None), PackOutcome::Passage(2)];
    facts.fates = &fates;
    facts.drift = Some(Staleness::Changed);
    assert_eq!(verdict(&facts), ExplainVerdict::Found { passages: vec![2] });
    assert_eq!(best(&expected, &found, &fates).unwrap().0, 3);
}

#[test]
fn a_place_is_expected_by_itself() {
    let place = Some(Locator::Lines(11, 11));
    let expected = Expected { place, ..expected("a") };
    let found = hits((0..6).map(|n| chunk("a", n, &format!("text {n}"))).collect());
    let fates: Vec<PackOutcome> = (1..=5)
        .map(|n| PackOutcome::Passage(n.min(3)))
        .chain([dropped(DropReason::SourceCap, None)])
        .collect();
    let filter = Filter::default();
    let record = record("a");
    let facts = DocumentFacts {
        expected: &expected,
        record: Some(&record),
        failure: None,
        drift: None,
        filter: &filter,
        min_score: None,
        hits: &found,
        fates: &fates,
    };
    let passages = vec![1, 2, 3];
    assert_eq!(
        verdict(&facts),
        ExplainVerdict::CrowdedOut { reason: DropReason::SourceCap, passages }
    );
    assert_eq!(best(&expected, &found, &fates).unwrap().0, 6);
    assert_eq!(expected.citation(), "a:L11");
}

#[test]
fn words_are_compared_as_the_sparse_leg_does() {
    let encoder = SparseEncoder::new(&sparse::default_id(10.0), []).unwrap();
    let mut chunk = chunk("a", 0, "Backups are kept for 400 days.");
    chunk.headings = vec!["Ledger".to_owned()];
    let words =
        WordMatch::of("How long is the ledger's backup backups restored?", &chunk, &encoder);
    assert!(words.present.contains(&"backup".to_owned()), "{words:?}");
    assert!(!words.present.contains(&"backups".to_owned()), "each once: {words:?}");
    assert!(words.absent.contains(&"restored".to_owned()), "{words:?}");
    assert!(!words.absent.iter().any(|word| word == "the"), "no stop words: {words:?}");
    chunk.text =
        "배는 9시에 출발합니다. In 2018, retry_after was set. 백업이 보관됩니다.".to_owned();
    let words = WordMatch::of("백업은 2018 FY2018 retryAfter 복원은", &chunk, &encoder);
    assert_eq!(words.present, ["백업은", "2018", "retryAfter"], "a part is not the word");
    assert_eq!(words.absent, ["FY2018", "복원은"]);
}
