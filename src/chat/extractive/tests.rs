#![allow(clippy::unwrap_used, reason = "tests")]

mod chosen;
mod refused;

use proptest::prelude::*;

use super::*;
use crate::query::cite::verify;
use crate::query::pack::tests::passage;
use crate::text::Words;

/// Words without stop words and without a plural s.
fn terms(text: &str) -> Vec<u32> {
    const STOP: [&str; 24] = [
        "a", "an", "the", "of", "is", "are", "who", "how", "what", "may", "and", "for", "to", "in",
        "one", "it", "be", "long", "which", "do", "does", "they", "from", "i",
    ];
    Words::of(text)
        .iter()
        .filter(|word| !STOP.contains(word))
        .map(|word| word.trim_end_matches('s'))
        .map(|word| word.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31) ^ u32::from(byte)))
        .collect()
}

fn answer(question: &str, passages: &[Passage]) -> String {
    Extractive::new(terms, |_| None).answer(question, passages).unwrap_or_default()
}

fn handbook() -> Vec<Passage> {
    let mut restore = passage(
        2,
        "restore.md",
        "A restore needs the approval of **two operators** from the\n[on-call list](ops.md), and is \
         logged. Coffee is free.",
    );
    restore.score = 0.6;
    vec![
        passage(
            1,
            "backups.md",
            "# Backups\n\nWe take care. Ledger backups are kept for 400 days. They are encrypted.\n",
        ),
        restore,
    ]
}

#[test]
fn the_best_sentences_are_quoted_with_their_marks() {
    assert_eq!(
        answer("How long are ledger backups kept, and who may restore one?", &handbook()),
        "Ledger backups are kept for 400 days [1]. A restore needs the approval of two operators \
         from the on-call list, and is logged [2]."
    );
}

#[test]
fn a_passage_with_nothing_in_common_is_not_an_answer() {
    assert_eq!(answer("Capital of France?", &handbook()), "");
    assert_eq!(answer("who is it?", &handbook()), "");
    assert_eq!(answer("backups", &[]), "");
}

/// A paragraph on one line, a question, and what is quoted from the paragraph.
#[test]
fn every_script_is_quoted_by_its_sentences() {
    for (text, question, expected) in [
        (
            "Резервные копии хранятся 400 дней. Кофе бесплатный.",
            "Сколько дней хранятся резервные копии?",
            "Резервные копии хранятся 400 дней [1].",
        ),
        (
            "Τα αντίγραφα φυλάσσονται 400 ημέρες. Ο καφές είναι δωρεάν.",
            "Πόσες ημέρες φυλάσσονται τα αντίγραφα;",
            "Τα αντίγραφα φυλάσσονται 400 ημέρες [1].",
        ),
        (
            "تحفظ النسخ الاحتياطية لمدة 400 يوم. القهوة مجانية؟ نعم.",
            "كم يوم تحفظ النسخ الاحتياطية؟",
            "تحفظ النسخ الاحتياطية لمدة 400 يوم [1].",
        ),
        (
            "نسخه‌های پشتیبان ۴۰۰ روز نگهداری می‌شوند. قهوه رایگان است.",
            "نسخه‌های پشتیبان چند روز نگهداری می‌شوند؟",
            "نسخه‌های پشتیبان ۴۰۰ روز نگهداری می‌شوند [1].",
        ),
        (
            "پشتیبان 400 دن رکھا جاتا ہے۔ کافی مفت ہے۔",
            "پشتیبان 400 دن",
            "پشتیبان 400 دن رکھا جاتا ہے [1]۔",
        ),
        (
            "הגיבויים נשמרים 400 יום. הקפה חינם.",
            "כמה יום נשמרים הגיבויים?",
            "הגיבויים נשמרים 400 יום [1].",
        ),
        (
            "बैकअप 400 दिन तक रखे जाते हैं। कॉफ़ी मुफ़्त है।",
            "बैकअप कितने दिन रखे जाते हैं?",
            "बैकअप 400 दिन तक रखे जाते हैं [1]।",
        ),
        ("ব্যাকআপ 400 দিন রাখা হয়। কফি বিনামূল্যে।", "ব্যাকআপ দিন রাখা", "ব্যাকআপ 400 দিন রাখা হয় [1]।"),
        (
            "백업은 400일 동안 보관된다. 커피는 무료이다.",
            "백업은 보관된다",
            "백업은 400일 동안 보관된다 [1].",
        ),
        ("备份保存四百天。咖啡免费。", "备份保存四百天", "备份保存四百天 [1]。"),
        (
            "バックアップは400日間保存される。珈琲は無料。",
            "バックアップは",
            "バックアップは400日間保存される [1]。",
        ),
        ("ข้อมูลสำรอง เก็บไว้ 400 วัน", "ข้อมูลสำรอง", "ข้อมูลสำรอง เก็บไว้ 400 วัน [1]"),
        (
            "Պահուստները պահվում են 400 օր։ Սուրճը անվճար է։",
            "Պահուստները պահվում",
            "Պահուստները պահվում են 400 օր [1]։",
        ),
        ("ምትኬዎች ለ400 ቀናት ይቀመጣሉ። ቡና ነጻ ነው።", "ምትኬዎች ይቀመጣሉ", "ምትኬዎች ለ400 ቀናት ይቀመጣሉ [1]።"),
        (
            "სარეზერვო ასლები ინახება 400 დღე. ყავა უფასოა.",
            "სარეზერვო ასლები",
            "სარეზერვო ასლები ინახება 400 დღე [1].",
        ),
    ] {
        let passages = [passage(1, "a.txt", text)];
        let answer =
            Extractive::new(letters, |_| None).answer(question, &passages).unwrap_or_default();
        assert_eq!(answer, expected, "{question}");
        let checked = verify(&answer, question, &passages);
        assert!(checked.citations.iter().all(|citation| citation.verified), "{checked:?}");
        assert_eq!(checked.citations.len(), 1, "{answer}");
    }
}

/// The terms of the sparse leg: words, and pairs of letters in scripts without spaces.
fn letters(text: &str) -> Vec<u32> {
    crate::embed::sparse::TermCounter::new("english").unwrap().terms(text)
}

#[test]
fn a_long_line_of_letters_is_quoted_in_part() {
    let text = format!("{}备份保存四百天{}", "天地玄黄，".repeat(60), "，宇宙洪荒".repeat(60));
    let answer =
        Extractive::new(letters, |_| None).answer("备份保存四百天", &[passage(1, "a.txt", &text)]);
    let answer = answer.unwrap_or_default();
    assert!(answer.contains("备份保存四百天"), "{answer}");
    assert!(answer.chars().count() < 200, "{answer}");
}

#[test]
fn markup_is_not_quoted() {
    let book = "<Listing number=\"15-5\" file-name=\"src/main.rs\" caption=\"Ledger backups\">\n\n```rust\n\
                {{#include ../listings/ledger-backups.rs}}\n```\n\n</Listing>\n\nLedger backups are <em>kept</em> \
                for 400 days, see [Chapter 2][backups]<!-- ignore -->.\n\n[backups]: ledger-backups.html\n";
    let passages = [passage(1, "a.md", book)];
    let answer = answer("How long are ledger backups kept?", &passages);
    assert_eq!(answer, "Ledger backups are kept for 400 days, see Chapter 2 [1].");
    assert!(verify(&answer, "", &passages).citations.iter().all(|citation| citation.verified));
}

#[test]
fn near_duplicates_are_quoted_once() {
    let text = "Ledger backups are kept for 400 days in two regions.";
    let copies = [passage(1, "a.md", text), passage(2, "b.md", &text.replace("two", "both"))];
    assert_eq!(
        answer("ledger backups", &copies),
        "Ledger backups are kept for 400 days in two regions [1]."
    );
}

#[test]
fn lists_tables_and_headings() {
    let list = passage(
        1,
        "a.md",
        "## Roles that restore\n\nThese roles may restore:\n\n- Operator\n- `Admin`, see [3]\n\nUnrelated end.",
    );
    assert_eq!(
        answer("Which roles may restore?", &[list]),
        "These roles may restore [1]:\n- Operator [1]\n- `Admin`, see 3 [1]"
    );
    let table =
        passage(1, "t.md", "| call | limit |\n|---|---|\n| export | 30 per hour |\n| import | 5 |");
    assert_eq!(answer("limit of export", &[table]), "export | 30 per hour [1].");
    let fees = passage(
        1,
        "f.md",
        "Port: Port 30 | Winter fee: 90 | Summer fee: 150\nPort: Port 50 | Winter fee: 150 | Summer fee: 250\n\
         Port: Port 150 | Winter fee: 450 | Summer fee: 750",
    );
    assert_eq!(
        answer("What is the summer fee of Port 150?", &[fees]),
        "Port: Port 150 | Winter fee: 450 | Summer fee: 750 [1]."
    );
    let stop = passage(1, "zh.md", "Ledger backups are kept for 400 days。");
    assert_eq!(
        answer("backups of the ledger", &[stop]),
        "Ledger backups are kept for 400 days [1]。"
    );
    let heading = passage(1, "h.md", "## Retention of backups\n\nThe retention is a year.");
    assert_eq!(answer("backups retention", &[heading]), "The retention is a year [1].");
}

#[test]
fn the_first_sentence_under_a_numbered_heading_is_preferred() {
    let text = "Policy, page 3 of 4\n\n4 Approval\n\n4.1 Requests\n\nA restore is requested by the owner.\n\n\
                4.2 Who may restore\n\nA restore needs the approval of two operators. The person who runs \
                the restore may be one of them.\n\n4.3 Refusal\n\nAn operator who doubts a restore refuses.";
    assert_eq!(
        answer("Who may restore?", &[passage(1, "p.pdf", text)]),
        "A restore needs the approval of two operators [1]."
    );
}

#[test]
fn each_part_is_answered_in_its_turn() {
    let dates = "`booked` is the day of the export. `posted` is the moment of the import.";
    assert_eq!(
        answer("What is the difference between posted and booked?", &[passage(1, "a.md", dates)]),
        "`posted` is the moment of the import [1]. `booked` is the day of the export [1]."
    );
}

#[test]
fn what_is_counted_and_numbered_decides() {
    let rows = "call | version | limit\nexport | 1 | 50 lines\nexport | 2 | 200 lines";
    let rows = [passage(1, "a.docx", rows)];
    assert_eq!(
        answer("How many lines has an export in version 2?", &rows),
        "export | 2 | 200 lines [1]."
    );
    let rows =
        [passage(1, "c.pdf", "8.2 The term is renewed unless a party gives notice of 90 days.")];
    assert_eq!(
        answer("How much notice ends the term?", &rows),
        "8.2 The term is renewed unless a party gives notice of 90 days [1]."
    );
}

#[test]
fn rows_are_quoted_one_by_one_and_the_fields_of_a_record_together() {
    let rows = "Plan: Starter | Seats: many\nPlan: Team | Price: 29 | Seats: 10\nPlan: Free";
    assert_eq!(
        answer("What is the price of the Team plan?", &[passage(1, "a.csv", rows)]),
        "Plan: Team | Price: 29 | Seats: 10 [1]."
    );
    let record = "id: 7\nname: Export service\nlimits.rows: 200 rows an hour";
    assert_eq!(
        answer("What are the limits of rows?", &[passage(1, "a.json", record)]),
        "id: 7 name: Export service limits.rows: 200 rows an hour [1]."
    );
    let adoc = "== Retention of backups\n\nThe retention is a year.";
    assert_eq!(
        answer("backups retention", &[passage(1, "a.adoc", adoc)]),
        "The retention is a year [1]."
    );
}

#[test]
fn code_is_quoted_as_it_is() {
    let code = "use std::fs;\n\nfn open_ledger() {\n    let limit = 30;\n}\n\nfn other() {}\n// end\n// of\n// file\n";
    let found = answer("What is the limit?", &[passage(1, "src/a.rs", code)]);
    assert_eq!(found, "```\nfn open_ledger() {\n    let limit = 30;\n}\n```\n[1]");
    assert!(
        verify(&found, "What is the limit?", &[passage(1, "src/a.rs", code)]).citations[0].verified
    );
}

#[test]
fn endless_sentences_are_quoted_in_part() {
    let log = "entry of nothing in particular\n".repeat(40) + "ledger failed at noon\n";
    assert_eq!(answer("ledger", &[passage(1, "a.log", &log)]), "ledger failed at noon [1].");
    let line = format!("{} ledger", "word ".repeat(500));
    assert!(answer("ledger", &[passage(1, "a.log", &line)]).split_whitespace().count() <= 61);
}

#[tokio::test]
async fn answers_are_streamed_in_groups_of_words() {
    let model = Extractive::new(terms, |_| None);
    let ask = |question: &str| ChatRequest {
        messages: Vec::new(),
        question: question.to_owned(),
        passages: handbook().into(),
        sampling: crate::chat::SamplingOptions::default(),
        relayed: crate::chat::Passthrough::default(),
    };
    let events: Vec<_> = model.stream(ask("ledger backups")).await.unwrap().collect().await;
    let (done, deltas) = events.split_last().unwrap();
    let text: String = deltas
        .iter()
        .map(|event| match event.as_ref().unwrap() {
            ChatEvent::Delta(text) => text.as_str(),
            other => unreachable!("{other:?} among the deltas"),
        })
        .collect();
    assert!(deltas.len() > 1);
    assert_eq!(text, answer("ledger backups", &handbook()));
    let ended = |reason: &str| ChatEvent::Done {
        finish_reason: reason.to_owned(),
        model: "extractive".to_owned(),
        usage: Usage::default(),
    };
    assert_eq!(done.as_ref().unwrap(), &ended("stop"));
    let events: Vec<_> = model.stream(ask("France")).await.unwrap().collect().await;
    assert_eq!(events, [Ok(ended("no_answer"))]);
}

proptest! {
    #[test]
    fn every_quoted_sentence_verifies(question in prop_oneof![
        Just("how long are ledger backups kept for code?"), Just("Which page has ledger backups?"),
        Just("Who has the copyright of ledger backups?"), Just("Why are ledger backups kept?"),
        Just("What is on page 3?"), Just("ledger backups")
    ], parts in proptest::collection::vec(
        prop_oneof![
            Just("Ledger backups, page 3 of 4\n\n"), Just("Copyright 2024 Acme Ledger Backups\n\n"),
            Just("Ledger backups"), Just(" are kept"), Just(" for 400 days"), Just(". "), Just("\n"),
            Just("\n\n"), Just("- "), Just("1. "), Just("**bold** "), Just("`code` "), Just("`"),
            Just(" [2] "), Just("[a link](b.md) "), Just("| "), Just("# "), Just("> "), Just("\""),
            Just("<em>"), Just("</em>"), Just("<T>"), Just("<!-- x\n"), Just(" -->"), Just("[a][b]"),
            Just("<A b={c}>"), Just(":doc:`x`"), Just(".. note:: "), Just("{{#a}}"), Just("<br>"),
            Just("e.g. "), Just("```\n"), Just(": "), Just("3,14 "), Just("[x "), Just("\\"), Just("_")
        ], 0..40)) {
        let passages = [passage(1, "a.md", &parts.concat()), passage(2, "b.md", "Ledger backups 7.")];
        let found = answer(question, &passages);
        let checked = verify(&found, question, &passages);
        prop_assert_eq!(&checked.invalid, &[] as &[u32], "{}", &found);
        prop_assert!(checked.citations.iter().all(|c| c.verified), "{}\n{:?}", &found, &checked);
    }
}
