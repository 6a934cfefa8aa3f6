//! Tests of what is quoted among the candidates.

use super::*;
use crate::types::Locator;

#[test]
fn a_comparison_is_answered_in_prose() {
    let text = "```rust\nlet posted = booked(posted);\n```\n\nThe field `posted` has the moment of the import.\n\n\
                While `booked` has the day of the export.";
    assert_eq!(
        answer("How does posted differ from booked?", &[passage(1, "a.md", text)]),
        "The field `posted` has the moment of the import [1]. While `booked` has the day of the export [1]."
    );
}

#[test]
fn footers_and_navigation_are_not_quoted() {
    let page = "[Ledger backups](b.md) | [Ledger fees](f.md)\n\n# Ledger\n\nBackups are kept for 400 days.\n\n\
                Ledger backups, page 3 of 4\n\nCopyright 2024 Acme Ledger Backups";
    let page = [passage(1, "a.md", page)];
    assert_eq!(
        answer("How long are ledger backups kept?", &page),
        "Backups are kept for 400 days [1]."
    );
    assert_eq!(answer("ledger backups", &page), "Backups are kept for 400 days [1].");
    assert_eq!(
        answer("Who has the copyright of ledger backups?", &page),
        "Copyright 2024 Acme Ledger Backups [1]."
    );
    let running = |number: u32, text: &str| {
        passage(number, "b.pdf", &format!("Rules of ledger backups {number}\n\n{text}\n"))
    };
    let pages =
        [running(1, "They are encrypted."), running(2, "They stay."), running(3, "Backups go.")];
    assert_eq!(answer("rules of backups", &pages[..2]), "Rules of ledger backups 1 [1].");
    assert_eq!(answer("rules of backups", &pages), "Backups go [3].");
}

#[test]
fn a_footer_at_the_beginning_has_nothing_before_it() {
    let page = |number: u32, text: &str| passage(number, &format!("{number}.md"), text);
    let first = page(1, "Page 3 of 4\n\nHello there you.\n");
    assert_eq!(answer("page 3", std::slice::from_ref(&first)), "Page 3 of 4 [1].");
    // What comes before it belongs to another document.
    let second = page(2, "Page 3 of 4\n\nThey moved it there.\n");
    let passages = [page(1, "The harbour is deep.\n"), second];
    assert_eq!(answer("page 3", &passages), "Page 3 of 4 [2].");
}

#[test]
fn another_kind_of_number_is_not_an_answer() {
    let pier = "The pier of Acme was built by 30 workers. Behind it the pier has 240 m.";
    assert_eq!(
        answer("How long is the pier?", &[passage(1, "a.md", pier)]),
        "Behind it the pier has 240 m [1]."
    );
    let pier = [passage(1, "a.md", "The old pier was built by 30 workers.")];
    assert_eq!(answer("How long is the old pier of Acme?", &pier), "");
    let port = "The port was founded by 12 families. The port was founded by Acme Works.";
    assert_eq!(
        answer("Which company founded the port?", &[passage(1, "a.md", port)]),
        "The port was founded by Acme Works [1]."
    );
}

#[test]
fn a_question_that_only_names_a_document_quotes_its_beginning() {
    let mut facts = passage(
        1,
        "notes/facts.md",
        "[Home](a.md) | [Up](b.md)\n\n# Facts\n\nThe port has 30 berths. It was dredged twice. Cranes are\nold.\n\n\
         ## Fees\n\nFees are due in May. They rise.\n\n```\nlet fee;\n```",
    );
    facts.locator = Locator::Lines(1, 20);
    let mut end = passage(2, "notes/facts.md", "The tides are high.");
    end.locator = Locator::Lines(30, 31);
    let passages = [end, facts, passage(3, "other.md", "The quay is long.")];
    let expected = "The port has 30 berths [1]. It was dredged twice [1]. Fees are due in May [1]. The tides are high [2].";
    for question in ["What does facts.md say?", "what is in notes/facts.md", "Summarise facts.md"] {
        assert_eq!(answer(question, &passages), expected, "{question}");
    }
    assert_eq!(
        answer("What does facts.md say about fees?", &passages),
        "Fees are due in May [1]. They rise [1]."
    );
    assert_eq!(answer("What does facts.md say about whales?", &passages), "");
}

#[test]
fn other_spellings_and_compounds_are_the_same_words() {
    for (question, text) in [
        ("Which license has the organization?", "The organisation has the MIT licence."),
        ("What is the colour of the harbour?", "The color of the harbor is grey."),
        ("Is it dual-licensed?", "It is dual licensed."),
        ("Is it dual licensed?", "It is Dual-licensed."),
        ("Who runs the website?", "The web site is run by Mary Jones."),
        ("Who runs the web site?", "The website is run by Mary Jones."),
    ] {
        let cited = text.trim_end_matches('.').to_owned() + " [1].";
        assert_eq!(answer(question, &[passage(1, "a.md", text)]), cited, "{question}");
    }
}
