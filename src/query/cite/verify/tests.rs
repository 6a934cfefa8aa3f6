mod labelled;

use super::*;
use crate::query::pack::tests::passage;

const QUESTION: &str = "How long are backups kept?";

fn sample() -> Vec<Passage> {
    vec![
        passage(1, "backups.md", "Ledger backups are kept\nfor **400 days**, in 1,204 files."),
        passage(
            2,
            "restore.md",
            "A restore needs the approval of two operators. It isn’t quick – ask first.",
        ),
    ]
}

/// `1+` for a verified citation, `1-` for an unverified one, `!9` for an invalid one; then the uncited
/// sentences.
fn summary(answer: &str) -> String {
    let found = verify(answer, QUESTION, &sample());
    let marks = found.citations.iter().map(|c| {
        let sign = if c.verified { '+' } else { '-' };
        format!("{}{sign}", c.number)
    });
    let invalid = found.invalid.iter().map(|number| format!("!{number}"));
    let uncited = found.uncited_sentences.iter().map(|sentence| format!("({sentence})"));
    marks.chain(invalid).chain(uncited).collect::<Vec<_>>().join(" ")
}

#[test]
fn citations_are_checked() {
    let check = |answer: &str, expected: &str| assert_eq!(summary(answer), expected, "{answer}");
    check("Backups stay 400 days [1]. Two people approve [2].", "1+ 2+");
    check("Backups stay 300 days [1].", "1-");
    check("Backups stay 400 days. [1] 2 operators must agree.[2]", "1+ 2+");
    check("They stay 400 days [2].", "2-");
    check("They stay four hundred days [1], no one knows why [1].", "1+");
    check("They stay nine hundred days [1].", "1-");
    check("They stay for two weeks [1].", "1-");
    check("They stay 400 days [1] and 2 people agree [2].", "1+ 2+");
    check("They stay 400 days and 2 people agree [1][2].", "1+ 2+");
    check("They stay 300 days and 2 people agree [1, 2].", "1- 2-");
    check("They stay 400 days and 3 operators agree [1, 2].", "1- 2-");
    check("See [99] and again [99]. Also [1].", "1+ !99");
    check("1. They are in 1204 files [1]\n2. Two agree [2]", "1+ 2+");
    check("[1] says they stay for 300 days.", "1-");
    check("- [1]: they stay for 400 days.", "1+");
    check("The manual [1] says 500 days.", "1-");
    check("It is 400 days [1]. docent needs 2 keys.", "1+ (docent needs 2 keys.)");
    check("", "");
}

#[test]
fn quotations_must_be_in_the_passage_they_name() {
    let check = |answer: &str, expected: &str| assert_eq!(summary(answer), expected, "{answer}");
    check("It says “kept for 400 days” [1].", "1+");
    check("It says \"the approval of two operators. It isn't quick - ask first.\" [2]", "2+");
    check("It says \"kept for ... 1,204 files\" [1].", "1+");
    check("It says \"kept for all days\" [1].", "1-");
    check("It says \"the approval of two operators\" [1].", "1-");
    check("It says \"kept for 400 days [1]\" and ‘asks for the approval’ [2].", "1+ 2-");
    check("It says \"kept for all days [1].\" So it is.", "1- (So it is.)");
    check("So-called \"big backups\" stay [1].", "1+");
    check("An unclosed \" mark [1] is nothing.", "1+");
}

#[test]
fn what_has_no_mark_is_listed() {
    assert_eq!(
        summary(
            "# The three rules\n\nThe rules are these:\n- Keep them 400 days [1].\n- Ask them all.\n\nYes."
        ),
        "1+ (Ask them all.)"
    );
    assert_eq!(summary("```\nlet a = b[1];\n```\nSee `x[2]`."), "(let a = b[1];) (See `x[2]`.)");
}

#[test]
fn code_is_claimed_by_the_mark_under_it() {
    let code = [passage(1, "a.rs", "fn keep() {\n    days(400);\n}")];
    let found = verify("```rust\nfn keep() {\n    days(400);\n```\n[1]", QUESTION, &code);
    assert_eq!(found.citations[0].quote.as_deref(), Some("fn keep() {\n    days(400);"));
    assert!(!verify("```rust\n    days(500);\n```\n[1]", QUESTION, &code).citations[0].verified);
}

#[test]
fn the_quote_is_the_passages_own_text() {
    let found = verify(
        "ledger backups are kept for 400 days [1]. So it \"isn't quick - ask\" [2].",
        QUESTION,
        &sample(),
    );
    let quotes: Vec<_> = found.citations.iter().map(|c| c.quote.as_deref()).collect();
    assert_eq!(
        quotes,
        [Some("Ledger backups are kept\nfor **400 days**"), Some("isn’t quick – ask")]
    );
    let wrong = verify("It is 300 [1], \"or so they say\" [1].", QUESTION, &sample());
    assert_eq!(wrong.citations[0].unsupported, ["300", "or so they say"]);
    assert_eq!(wrong.citations[0].citation, "backups.md:L1-L2");
}

#[test]
fn a_claim_in_other_words_has_the_sentence_it_rests_on() {
    let found =
        verify("The ledger's backups are kept 900 days [1], and so on [2].", QUESTION, &sample());
    let quotes: Vec<_> = found.citations.iter().map(|c| c.quote.as_deref()).collect();
    assert_eq!(quotes, [Some("Ledger backups are kept\nfor **400 days**, in 1,204 files."), None]);
}
