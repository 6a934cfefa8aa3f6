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
fn markdown_is_split_into_blocks() {
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
fn lines_of_markup_belong_to_no_block() {
    for markup in [
        "<Listing number=\"4-1\" file-name=\"src/main.rs\" caption=\"What a `String`\nis made of\">",
        "</Listing>",
        "<Tabs items={[{ id: \"a\" }, 2]} isOpen>",
        "<br>\n<a id=\"kept\"></a>",
        "<img src=\"a.png\"\n  alt=\"A picture.\"\n/>",
        "<!-- Run it anew:\n\ncargo build\n-->",
        "{{#include ../listings/a.rs:here}}",
        "{{< toc >}}",
        "{% raw %}",
        ":::note Title",
        ":::",
        "!!! note \"Title\"",
        "???+ tip",
        "=== \"Python\"",
        "> [!NOTE]",
        "[ch4]: ch04-01.html#what \"Title\"",
        "[Drop]: drop",
        ".. _kept:",
        ".. toctree::\n   :maxdepth: 2\n\n   gunicorn\n   waitress",
        ".. |logo| image:: a.png\n   :alt: Logo",
        ".. method:: find(text, start=0, end=None)",
        "::",
        "[source,rust]",
        "[[kept]]",
        "[NOTE]",
        "include::a.adoc[]",
        "|===",
        "....",
        "import Tabs from '@theme/Tabs';",
        "+----+----+",
        "+====+====+",
        "=====  =====",
    ] {
        let text = format!("Before.\n\n{markup}\n\nKept for 400 days.");
        let expected = [(BlockKind::Prose, "Before."), (BlockKind::Prose, "Kept for 400 days.")];
        assert_eq!(kinds(&text), expected, "{markup}");
    }
}

#[test]
fn text_that_only_looks_like_markup_is_a_block() {
    for text in [
        "<https://example.com>",
        "<b>Kept</b> for 400 days.",
        "{a} is kept.",
        "[^1]: Kept for 400 days.",
        "[1]: kept",
        "[laughter]",
        "[a, b, c]",
        ":Author: Jane Doe",
        "import goods from Norway",
        "std::fs reads it.",
        "!!! Beware.",
        "a | b",
        "<!-- never closed",
    ] {
        assert_eq!(kinds(text), [(BlockKind::Prose, text)]);
    }
    assert_eq!(
        kinds("Kept\n<!-- x -->\nfor long."),
        [(BlockKind::Prose, "Kept\n<!-- x -->\nfor long.")]
    );
    let said = kinds(".. note:: Back up before you go on.\n   Then go on.");
    assert_eq!(said, [(BlockKind::Prose, "Back up before you go on.\n   Then go on.")]);
    let code = kinds(".. code-block:: rust\n   :linenos:\n\n   let x = 1;\n\nEnd.");
    assert_eq!(code, [(BlockKind::Code, "   let x = 1;"), (BlockKind::Prose, "End.")]);
    assert_eq!(kinds("#. one\n#. two"), [(BlockKind::Item, "one"), (BlockKind::Item, "two")]);
}

fn without_tags(text: &str) -> String {
    let mut seen = text.to_owned();
    for (range, parts_words) in tags(text).into_iter().rev() {
        seen.replace_range(range, if parts_words { " " } else { "" });
    }
    seen
}

#[test]
fn tags_are_removed() {
    for (text, seen) in [
        ("Chapter 2<!-- ignore -->, it is.", "Chapter 2, it is."),
        ("Water<br>is <em class=\"a\">wet</em>.", "Water is wet."),
        ("H<sub>2</sub>O", "H<sub>2</sub>O"),
        ("kept<em><b>400", "kept<em><b>400"),
        ("<Note kind={1}>Kept</Note>", " Kept "),
        ("a `<em>` and Vec<T>, x < 5", "a `<em>` and Vec<T>, x < 5"),
        ("x <b and c> d", "x <b and c> d"),
        ("see :doc:`the guide`", "see `the guide`"),
        ("<a b=\"c", "<a b=\"c"),
    ] {
        assert_eq!(without_tags(text), seen);
        assert!(Words::of(text).find(&Words::of(seen)).is_some(), "{text}");
    }
}

#[test]
fn a_quotation_may_have_its_tags_or_not() {
    let text = "It is in [the guide][guide]<!-- ignore --> of <em>forms</em>: <a class=\"kept\">.";
    let found = |quote: &str| Words::of(text).find(&Words::of(quote)).map(|range| &text[range]);
    assert_eq!(found("the guide of forms"), Some("the guide][guide]<!-- ignore --> of <em>forms"));
    assert_eq!(found("<a class=\"kept\">"), Some("<a class=\"kept\">"));
    assert_eq!(found("kept"), Some("kept"));
    assert!(Words::of("H<sub>2</sub>O").find(&Words::of("H2O")).is_some());
    assert_eq!(found("the guide guide of"), None);
    assert!(Words::of("rows[1][2]").find(&Words::of("rows 1 2")).is_some());
    assert!(Words::of(&"<!--<a b=\"".repeat(20_000)).find(&Words::of("<a b=")).is_some());
}

#[test]
fn code_in_backticks_does_not_end_a_sentence() {
    let text = "The `println!` macro prints. It ends.";
    assert_eq!(cut(text), ["The `println!` macro prints.", "It ends."]);
    assert_eq!(cut("A stray ` is kept. It ends."), ["A stray ` is kept.", "It ends."]);
}

#[test]
fn sentences_end_as_their_script_ends_them() {
    for (text, parts) in [
        ("Копии хранятся. Кофе нет.", &["Копии хранятся.", "Кофе нет."][..]),
        ("Τι είναι; Είναι καφές.", &["Τι είναι; Είναι καφές."]),
        ("هل تحفظ؟ نعم تحفظ.", &["هل تحفظ؟", "نعم تحفظ."]),
        ("کافی مفت ہے۔ چائے نہیں۔", &["کافی مفت ہے۔", "چائے نہیں۔"]),
        ("הקפה חינם. התה לא.", &["הקפה חינם.", "התה לא."]),
        ("कॉफ़ी मुफ़्त है। चाय नहीं।", &["कॉफ़ी मुफ़्त है।", "चाय नहीं।"]),
        ("커피는 무료다. 차는 아니다.", &["커피는 무료다.", "차는 아니다."]),
        ("咖啡免费。茶不是！", &["咖啡免费。", "茶不是！"]),
        ("珈琲は無料。茶は？", &["珈琲は無料。", "茶は？"]),
        ("Սուրճը անվճար է։ Թեյը՝ ոչ։", &["Սուրճը անվճար է։", "Թեյը՝ ոչ։"]),
        ("ቡና ነጻ ነው። ሻይ አይደለም።", &["ቡና ነጻ ነው።", "ሻይ አይደለም።"]),
        ("ကော်ဖီ အခမဲ့။ လက်ဖက်ရည် မဟုတ်။", &["ကော်ဖီ အခမဲ့။", "လက်ဖက်ရည် မဟုတ်။"]),
    ] {
        assert_eq!(cut(text), parts);
    }
    let phrase = "ข้อมูลสำรองของคลังสินค้าเก็บไว้เป็นเวลาสี่ร้อยวันนับจากวันที่บันทึกและลบออกทุกครั้งหลังจากนั้นโดยอัตโนมัติ";
    assert_eq!(cut(&format!("{phrase} {phrase} กาแฟ")), [phrase, phrase, "กาแฟ"]);
}

#[test]
fn a_paragraph_of_any_script_is_not_a_heading() {
    use BlockKind::{Heading, Prose};
    for text in [
        "تحفظ النسخ الاحتياطية لمدة 400 يوم.",
        "הגיבויים נשמרים 400 יום.",
        "बैकअप 400 दिन रखे जाते हैं।",
        "백업은 400일 동안 보관된다.",
        "备份保存四百天。",
        "12 备份保存四百天备份保存四百天备份保存四百天。",
        "3.2 النسخ محفوظة لمدة 400 يوم؟",
    ] {
        assert_eq!(kinds(text), [(Prose, text)]);
        assert_eq!(kinds(&format!("{text}\n    {text}"))[0].0, Prose, "{text}");
    }
    for title in
        ["4.2 من يستعيد", "4.2 谁可以恢复", "4.2 누가 복원하는가", "4.2 Кто восстанавливает"]
    {
        assert_eq!(kinds(&format!("{title}\n\n{title}."))[0], (Heading, title));
    }
}

#[test]
fn words_are_counted_in_every_script() {
    for (text, count) in [
        ("", 0),
        ("two words", 2),
        ("два слова", 2),
        ("备份保存", 2),
        ("ข้อมูลสำรองเก็บไว้", 3),
        ("在 Rust 中", 3),
    ] {
        assert_eq!(word_count(text), count, "{text}");
    }
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
        ("备份保存四百天。", "保存四百", "保存四百"),
        ("バックアップは400日間", "アップ", "アップ"),
        ("เก็บข้อมูลไว้ 400 วัน", "ข้อมูล", "ข้อมูล"),
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
