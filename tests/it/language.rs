//! Each document by its own language.

use serde_json::{Value, json};

use crate::env::TestEnv;

const GERMAN: &str = "Die Sicherungen werden vierhundert Tage lang in zwei Rechenzentren aufbewahrt und von \
                      zwei Mitarbeitern regelmäßig geprüft.\n";
const ENGLISH: &str = "The operators on call restored the archives of the ledger after the approval of two people \
                       who were not on duty.\n";
const FRENCH: &str = "Les sauvegardes sont conservées pendant quatre cents jours et contrôlées par deux employés \
                      qui ne sont pas de garde.\n";

/// Documents in two languages, and one with too few words to detect a language.
fn archive() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/de.txt", GERMAN);
    env.write("docs/en.txt", ENGLISH);
    env.write("docs/label.txt", "LGR-4012\n");
    env.write(
        "docs/backup.py",
        "def sichern():\n    return \"Die Sicherungen werden aufbewahrt\"\n",
    );
    env
}

/// The sources that share a word with a question.
fn found(env: &TestEnv, question: &str) -> Vec<String> {
    let run = env.run(&["search", question, "--mode", "sparse", "--format", "json"]);
    let hits = run.json()["hits"].as_array().expect("hits").clone();
    hits.iter().map(|hit| hit["source"].as_str().expect("a source").to_owned()).collect()
}

fn languages(env: &TestEnv) -> Value {
    env.run(&["status", "--format", "json"]).expect(0).json()["manifest"]["languages"].clone()
}

#[test]
fn words_are_found_in_the_inflections_of_each_language() {
    let env = archive();
    env.run(&["ingest", "docs"]).expect(0);
    for (question, source) in [
        ("Wie lange wird eine Sicherung aufbewahrt?", "docs/de.txt"),
        ("Sicherung", "docs/de.txt"),
        ("Who restores an archive?", "docs/en.txt"),
        ("operator", "docs/en.txt"),
        ("what is LGR-4012", "docs/label.txt"),
    ] {
        assert_eq!(found(&env, question).first().map(String::as_str), Some(source), "{question}");
    }
    // A later run may bring another language, and its words are found at once.
    env.write("docs/fr.txt", FRENCH);
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(found(&env, "la sauvegarde conservée"), ["docs/fr.txt"]);
    assert_eq!(languages(&env)["french"], 1);
    std::fs::remove_file(env.path("docs/fr.txt")).expect("a removal");
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(languages(&env)["french"], Value::Null, "{}", languages(&env));
}

#[test]
fn status_and_show_say_which() {
    let env = archive();
    env.run(&["ingest", "docs"]).expect(0);
    let status = env.run(&["status"]).expect(0).stdout;
    let words = status.lines().find(|line| line.starts_with("words")).expect("a row");
    assert!(words.ends_with("unknown 2, english 1, german 1"), "{words}");
    assert!(env.run(&["show", "docs/de.txt"]).expect(0).stdout.contains("language  german\n"));
    let record = |source: &str| {
        env.run(&["show", source, "--format", "json"]).expect(0).json()["record"]["language"]
            .clone()
    };
    let of = ["docs/en.txt", "docs/label.txt", "docs/backup.py"].map(record);
    assert_eq!(of, [json!("english"), Value::Null, Value::Null]);
}

#[test]
fn a_language_that_is_set_counts_for_all() {
    let env = archive();
    env.run(&["ingest", "docs", "--language", "german"]).expect(0);
    assert_eq!(found(&env, "Sicherung").len(), 2, "code, too");
    assert_eq!(found(&env, "restoring"), Vec::<String>::new());
    let status = env.run(&["status"]).expect(0).stdout;
    let words = status.lines().find(|line| line.starts_with("words")).expect("a row");
    assert!(words.contains("german"), "{words}");
    // The language it was built with holds until a rebuild.
    env.write("docs/en2.txt", ENGLISH);
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(found(&env, "restoring"), Vec::<String>::new());
    let refused = env.run(&["ingest", "docs", "--language", "auto"]).expect(3);
    assert!(refused.stderr.contains("--rebuild --language auto"), "{refused}");
    env.run(&["ingest", "docs", "--rebuild", "--language", "auto"]).expect(0);
    assert_eq!(found(&env, "restoring").len(), 2);
}
