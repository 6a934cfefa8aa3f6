#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn kinds(text: &str) -> Vec<(BlockKind, &str)> {
    blocks(text).into_iter().map(|b| (b.kind, &text[b.range])).collect()
}

fn cut(text: &str) -> Vec<&str> {
    sentences(text, &(0..text.len())).into_iter().map(|range| &text[range]).collect()
}

#[test]
fn markdown_falls_into_blocks() {
    use BlockKind::{Code, Heading, Item, Prose, TableRow};
    let text = "# Backups\n\nKept for\n400 days.\n- one\n  more\n2. two\n> said\n> so\n\n\
                | a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\n  let x = 1;\n```\nUnder\n=====\nend";
    let expected = vec![
        (Heading, "# Backups"),
        (Prose, "Kept for\n400 days."),
        (Item, "one\n  more"),
        (Item, "two\n> said\n> so"),
        (Heading, "| a | b |"),
        (TableRow, "| 1 | 2 |"),
        (Code, "  let x = 1;"),
        (Heading, "Under"),
        (Prose, "end"),
    ];
    assert_eq!(kinds(text), expected);
    assert_eq!(kinds("```\nopen"), vec![(Code, "open")]);
    assert_eq!(kinds("---\ntitle: x\n---\nBody."), vec![(Heading, "title: x"), (Prose, "Body.")]);
}

#[test]
fn plain_text_has_headings_and_terms() {
    use BlockKind::{Code, Heading, Item, Prose};
    let check = |text: &str, expected: &[(BlockKind, &str)]| assert_eq!(kinds(text), expected);
    check(
        "4.2 Who may restore\n\nTwo do.",
        &[(Heading, "4.2 Who may restore"), (Prose, "Two do.")],
    );
    check("4.2 Who may restore\nTwo do.", &[(Heading, "4.2 Who may restore"), (Prose, "Two do.")]);
    check("4.2 The owner may\nrestore it.", &[(Prose, "4.2 The owner may\nrestore it.")]);
    check("4.2 The owner may.\n\nB.", &[(Prose, "4.2 The owner may."), (Prose, "B.")]);
    check("5. Office\n\nText.", &[(Heading, "5. Office"), (Prose, "Text.")]);
    check("1. One\n\n2. Two", &[(Item, "One"), (Item, "Two")]);
    check("limit\n    How many.\n", &[(Heading, "limit"), (Prose, "How many.")]);
    check("Kept for\n400 days.", &[(Prose, "Kept for\n400 days.")]);
    check(
        "Run::\n\n  a --b\n\n  c\n\nEnd.",
        &[(Prose, "Run::"), (Code, "  a --b\n\n  c"), (Prose, "End.")],
    );
}

#[test]
fn sentences_cross_lines_and_abbreviations() {
    assert_eq!(
        cut("Kept for\n400 days, e.g. Ledger ones. See Fig. 3. Version 1.2 is out! Ok?"),
        ["Kept for\n400 days, e.g. Ledger ones.", "See Fig. 3.", "Version 1.2 is out!", "Ok?"]
    );
    assert_eq!(cut("`a` is 1. `b` is 2."), ["`a` is 1.", "`b` is 2."]);
    assert_eq!(cut("  "), Vec::<&str>::new());
}

#[test]
fn quotations_are_found_through_typography_and_markup() {
    let source = "It’s **kept** for\n  400\u{a0}days – see [the guide](a-b.md) – in the ﬁle Café.";
    let words = Words::of(source);
    let found = |quote: &str| words.find(&Words::of(quote)).map(|range| &source[range]);
    assert_eq!(found("it's kept for 400 days"), Some("It’s **kept** for\n  400\u{a0}days"));
    assert_eq!(
        found("see the guide - in the file cafe"),
        Some("see [the guide](a-b.md) – in the ﬁle Café")
    );
    assert_eq!(found("kept for 40"), None);
    assert_eq!(found("— ... —"), None);
    for (source, quote, span) in [
        (
            "Die Niederlassung in Mo\u{308}nchengladbach öffnet",
            "in Mönchengladbach",
            "in Mo\u{308}nchengladbach",
        ),
        ("The pub\u{ad}li\u{ad}cation ran", "publication ran", "pub\u{ad}li\u{ad}cation ran"),
        ("ＡＢＣ－１２３", "abc-123", "ＡＢＣ－１２３"),
        ("المُسْتَوْدَعُ يَفْتَحُ", "المستودع يفتح", "المُسْتَوْدَعُ يَفْتَحُ"),
        ("ein Cafe\u{301} dort", "cafe", "Cafe\u{301}"),
        ("إلى المدينة", "الي المدينه", "إلى المدينة"),
        ("Ο ΛΟΓΟΣ ΗΤΑΝ", "ο λόγος ήταν", "Ο ΛΟΓΟΣ ΗΤΑΝ"),
        ("הַמַּחְסָן נִפְתָּח", "המחסן נפתח", "הַמַּחְסָן נִפְתָּח"),
        ("Isparta ve İzmir", "ısparta ve izmir", "Isparta ve İzmir"),
    ] {
        let found = Words::of(source).find(&Words::of(quote)).map(|range| &source[range]);
        assert_eq!(found, Some(span), "{quote}");
    }
    assert_eq!(Words::of("x < 5").find(&Words::of("x > 5")), None);
    assert!(Words::of("a\n> b").find(&Words::of("a b")).is_some());
}

#[test]
fn numbers_have_one_spelling() {
    let check = |text: &str, expected: &[&str]| assert_eq!(numbers(text), expected, "{text}");
    check("1,204 files in 2.50 s, v7.", &["1204", "2.5", "7"]);
    check("2024-01-05, 10:30", &["2024", "1", "5", "10", "30"]);
    check("1.2.3 and 3,14 and 0.5 and 0", &["1.2.3", "3", "14", "0.5", "0"]);
    check("1,000,000.00", &["1000000"]);
    check("none", &[]);
}

proptest! {
    #[test]
    fn any_text_is_cut_without_loss_of_order(text in "[a-zA-Z0-9 .!?#|>`~*\\-=\n\u{e9}\u{201c}]{0,200}") {
        let mut end = 0;
        for block in blocks(&text) {
            prop_assert!(block.range.start >= end && !block.range.is_empty());
            for sentence in sentences(&text, &block.range) {
                prop_assert!(sentence.start >= end && sentence.end <= block.range.end);
                end = sentence.end;
            }
            end = block.range.end;
        }
    }

    #[test]
    fn every_run_of_words_is_found(text in "[a-zA-Z0-9 .,*\\]\\[()\u{e9}\u{fb01}\n]{0,80}") {
        let words = Words::of(&text);
        if !words.is_empty() {
            let found = Words::of(&text[words.find(&words).unwrap()]);
            prop_assert_eq!(found.text, words.text);
        }
    }
}
