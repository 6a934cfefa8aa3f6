//! A word is found in whichever spelling Unicode has for it.

use unicode_normalization::UnicodeNormalization as _;

use crate::env::TestEnv;

fn nfd(text: &str) -> String {
    text.nfd().collect()
}

#[test]
fn documents_are_found_in_any_form_of_their_letters() {
    let env = TestEnv::new();
    for (place, town) in ["München", "Köln", "Lübeck", "Tübingen"].iter().enumerate() {
        let text =
            format!("# Standort {place}\n\nDie Niederlassung in {town} öffnet um {place} Uhr.\n");
        env.write(&format!("docs/{place}.md"), text);
    }
    let town = nfd("# Standort X\n\nDie Niederlassung in Mönchengladbach öffnet um 5 Uhr.\n");
    env.write("docs/nfd.md", &town);
    env.write(&format!("docs/{}", nfd("Übersicht.md")), "Die Liste der Boote.\n");
    env.write("docs/soft.md", "The pub\u{ad}li\u{ad}ca\u{ad}tion of the gazette.\n");
    env.write("docs/full.md", "型番ＡＢＣ－１２３の価格\n");
    env.write("docs/turkish.md", "İSTANBUL deposu\n");
    env.write("docs/greek.md", "Η ΑΠΟΘΗΚΗ ανοίγει\n");
    env.write("docs/arabic.md", "المُسْتَوْدَعُ يَفْتَحُ\n");
    env.run(&["ingest", "docs"]).expect(0);
    for (question, source) in [
        ("Mönchengladbach", "docs/nfd.md"),
        ("publication", "docs/soft.md"),
        ("ABC-123", "docs/full.md"),
        ("istanbul", "docs/turkish.md"),
        ("αποθήκη", "docs/greek.md"),
        ("المستودع", "docs/arabic.md"),
    ] {
        for question in [question.to_owned(), nfd(question)] {
            let args = ["search", &question, "--mode", "sparse", "-k", "1", "--format", "json"];
            let found = env.run(&args).expect(0).json();
            assert_eq!(found["hits"][0]["source"], source, "{question}");
        }
    }
    let question = "Wann öffnet die Niederlassung in Mönchengladbach?";
    let answer = env.run(&["query", question, "--format", "json"]).expect(0).json();
    assert_eq!(answer["citations"][0]["source"], "docs/nfd.md", "{answer:#}");
    assert_eq!(answer["citations"][0]["verified"], true);
    let quoted = answer["answer"].as_str().expect("text");
    assert!(quoted.contains(&nfd("Mönchengladbach")), "as the document has it: {quoted}");
    for source in ["docs/Übersicht.md".to_owned(), nfd("docs/Übersicht.md")] {
        env.run(&["search", "Boote", "--source", &source, "-k", "1"]).expect(0);
        env.run(&["show", &source]).expect(0);
    }
}
