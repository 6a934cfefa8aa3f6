//! Several projects on one Qdrant server: none changes or deletes what is another's.
//!
//! | on the server | `ingest` | exit |
//! | --- | --- | --- |
//! | nothing, and no name typed | makes a collection of the project's own | 0 |
//! | a collection of another project | is refused; with `--share` adds documents beside theirs | 3, 0 |
//! | one from before there were owners | adopts it if most of its documents are here, otherwise is refused | 0, 3 |
//! | a version that has lost its name, a recovered snapshot | is refused until it is adopted | 3 |
//! | a collection or an alias of another program | is refused | 3 |

use std::collections::HashMap;

use qdrant_client::qdrant::CreateCollection;

use crate::env::{Run, TestEnv, copy_tree};
use crate::qdrant::{Script, ScriptedQdrant};

const INGEST: &[&str] = &["ingest", "docs"];

/// A server.
struct Shore {
    server: ScriptedQdrant,
}

impl Shore {
    fn new() -> Self {
        Self { server: ScriptedQdrant::start(Script::new("1.18.3", [])) }
    }

    /// A project with a document for each name, which has it in its text.
    fn project(&self, names: &[&str]) -> TestEnv {
        let mut env = TestEnv::new();
        env.set("QDRANT_URL", &self.server.url())
            .set("DOCENT_ATTEMPTS", "1")
            .set("DOCENT_QDRANT_RETRY_FOR", "1s");
        for name in names {
            write(&env, name);
        }
        env
    }

    /// Names of the collections with docent's documents.
    fn collections(&self) -> Vec<String> {
        let mut names = self.server.script.memory.lock().expect("a memory").names();
        names.retain(|name| !name.ends_with("@lease"));
        names
    }

    fn documents(&self, name: &str) -> usize {
        self.server.script.memory.lock().expect("a memory").count_records(name, "document")
    }

    fn contents(&self, name: &str) -> Vec<String> {
        self.server.script.memory.lock().expect("a memory").contents(name)
    }
}

fn write(env: &TestEnv, name: &str) {
    env.write(&format!("docs/{name}.md"), format!("# {name}\n\nThe ferry to {name} is late.\n"));
}

/// Name of the project.
fn name_of(env: &TestEnv) -> String {
    let kept = std::fs::read_to_string(env.path(".docent/project.json")).expect("a name");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    kept["project"].as_str().expect("a name").to_owned()
}

fn report(run: Run) -> serde_json::Value {
    run.expect(0).json()
}

fn counts(report: &serde_json::Value) -> Vec<u64> {
    let fields = ["added", "changed", "moved", "deleted", "unchanged"];
    fields.iter().map(|field| report[field].as_u64().expect("a number")).collect()
}

const EIGHT: &[&str] = &["amrum", "borkum", "corfu", "delos", "elba", "foehr", "gozo", "hiiumaa"];
const FIVE: &[&str] = &["ischia", "juist", "kos", "lesbos", "mainau"];

#[test]
fn projects_that_name_nothing_have_a_collection_each() {
    let shore = Shore::new();
    let (one, other) = (shore.project(EIGHT), shore.project(FIVE));
    for (env, count) in [(&one, 8), (&other, 5)] {
        let report = report(env.run(&["ingest", "docs", "--format", "json"]));
        assert_eq!(counts(&report), [count, 0, 0, 0, 0]);
    }
    let names = [name_of(&one), name_of(&other)];
    assert!(names.iter().all(|name| name.starts_with("project-")), "{names:?}");
    let mut versions = names.map(|name| format!("{name}@v1"));
    versions.sort();
    assert_eq!(shore.collections(), versions);
    for (env, found, count) in [(&one, "elba", 8), (&other, "kos", 5)] {
        let search = env.run(&["search", found, "-k", "1"]).expect(0);
        assert!(search.stdout.contains(&format!("docs/{found}.md")), "{search}");
        let report = report(env.run(&["ingest", "docs", "--format", "json"]));
        assert_eq!(counts(&report), [0, 0, 0, 0, count]);
    }
    let status = one.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["manifest"]["owner"]["project"], name_of(&one));
}

#[test]
fn the_collection_of_another_project_is_refused_before_any_work() {
    let shore = Shore::new();
    let (one, other) = (shore.project(EIGHT), shore.project(FIVE));
    one.run(&["ingest", "docs", "--collection", "team"]).expect(0);
    let before = shore.contents("team");
    for more in [&[][..], &["--check"], &["--dry-run"], &["--rebuild"], &["--allow-prune"]] {
        let args = [&["ingest", "docs", "--collection", "team"], more].concat();
        let refused = other.run(&args).expect(3);
        assert!(refused.stderr.contains(&name_of(&one)), "{refused}");
        assert!(refused.stderr.contains("--share"), "{refused}");
    }
    let asked = ["query", "--from", "docs", "--collection", "team", "Which ferry?"];
    other.run(&asked).expect(3);
    assert_eq!(shore.contents("team"), before);
    assert_eq!(shore.collections(), ["team@v1"]);
    assert!(!other.path(".docent").exists(), "nothing was brought in under its name");
    other.run(&["search", "elba", "--collection", "team"]).expect(0);
}

#[test]
fn with_share_each_deletes_only_its_own() {
    let shore = Shore::new();
    let (one, other) = (shore.project(EIGHT), shore.project(FIVE));
    let ingest = |env: &TestEnv, more: &[&str]| {
        let args = [&["ingest", "docs", "--collection", "team", "--format", "json"], more].concat();
        env.run(&args)
    };
    report(ingest(&one, &[]));
    let joined = report(ingest(&other, &["--share"]));
    assert_eq!(counts(&joined), [5, 0, 0, 0, 0]);
    assert_eq!(shore.documents("team"), 13);
    assert_eq!(counts(&report(ingest(&one, &[]))), [0, 0, 0, 0, 8]);
    // A project that has joined need not use `--share` again.
    std::fs::remove_file(other.path("docs/kos.md")).expect("a file");
    let again = other.run(&["ingest", "--collection", "team", "--format", "json"]);
    assert_eq!(counts(&report(again)), [0, 0, 0, 1, 4]);
    std::fs::remove_file(one.path("docs/elba.md")).expect("a file");
    assert_eq!(counts(&report(ingest(&one, &[]))), [0, 0, 0, 1, 7]);
    assert_eq!(shore.documents("team"), 11);

    // A source is one document.
    write(&other, "amrum");
    let taken = ingest(&other, &[]).expect(5);
    assert!(taken.stdout.contains("docs/amrum.md") && taken.stdout.contains(&name_of(&one)));
    assert_eq!(counts(&report(ingest(&one, &[]))), [0, 0, 0, 0, 7]);

    for env in [&one, &other] {
        for flag in ["--rebuild", "--new-version"] {
            let refused = ingest(env, &[flag]).expect(3);
            assert!(refused.stderr.contains(&format!("{flag} would leave out")), "{refused}");
        }
    }
    for (env, missing) in [(&one, 0), (&other, 0)] {
        let status = env.run(&["status", "--collection", "team", "--format", "json"]).expect(0);
        let stale = status.json()["stale"]["missing"].as_array().expect("a list").len();
        assert_eq!(stale, missing, "the files of others are not missed: {status}");
    }
    assert_eq!(shore.collections(), ["team@v1"]);
}

#[test]
fn checkouts_with_one_name_are_one_project() {
    let shore = Shore::new();
    let (mut one, mut other) = (shore.project(EIGHT), shore.project(EIGHT));
    for env in [&mut one, &mut other] {
        env.set("DOCENT_PROJECT", "handbook");
    }
    assert_eq!(counts(&report(one.run(&["ingest", "docs", "--format", "json"]))), [8, 0, 0, 0, 0]);
    assert_eq!(
        counts(&report(other.run(&["ingest", "docs", "--format", "json"]))),
        [0, 0, 0, 0, 8]
    );
    assert_eq!(shore.collections(), ["handbook@v1"]);
    assert!(!one.path(".docent/project.json").exists(), "what was chosen is not kept");
    other.run(&["search", "elba"]).expect(0);
}

#[test]
fn a_copied_directory_has_to_say_whose_it_is() {
    let shore = Shore::new();
    let one = shore.project(EIGHT);
    one.run(INGEST).expect(0);
    let copy = shore.project(&[]);
    copy_tree(&one.project(), &copy.project());
    let refused = copy.run(INGEST).expect(3);
    assert!(refused.stderr.contains("copied here"), "{refused}");
    assert!(refused.stderr.contains("DOCENT_PROJECT"), "{refused}");
    assert_eq!(shore.collections().len(), 1);
}

#[test]
fn a_collection_from_before_is_taken_up_by_who_has_its_documents() {
    let shore = Shore::new();
    let (one, other) = (shore.project(EIGHT), shore.project(FIVE));
    let ingest = &["ingest", "docs", "--collection", "old", "--format", "json"];
    one.run(ingest).expect(0);
    shore.server.script.memory.lock().expect("a memory").forget_owner("old");
    let refused = other.run(ingest).expect(3);
    assert!(
        refused.stderr.contains("of its 8 documents 0 are unchanged in this project"),
        "{refused}"
    );
    assert!(refused.stderr.contains("docent index adopt --collection old"), "{refused}");
    assert_eq!(shore.documents("old"), 8);
    // It is adopted even by a run that finds nothing to do.
    assert_eq!(counts(&report(one.run(ingest))), [0, 0, 0, 0, 8]);
    let refused = other.run(ingest).expect(3);
    assert!(refused.stderr.contains(&name_of(&one)), "{refused}");

    let adopt = ["index", "adopt", "--collection", "old"];
    let refused = other.run(&adopt).expect(3);
    let from = name_of(&one);
    assert!(refused.stderr.contains(&format!("--from {from}")), "{refused}");
    other.run(&[&adopt[..], &["--from", "nobody"]].concat()).expect(3);
    let args = [&adopt[..], &["--from", &from, "--format", "json"]].concat();
    let adopted = other.run(&args).expect(0).json();
    assert_eq!(adopted["project"], name_of(&other));
    assert_eq!(adopted["formerly"], serde_json::json!([from]));
    one.run(ingest).expect(3);
    let pruned = [&ingest[..], &["--allow-prune"]].concat();
    assert_eq!(counts(&report(other.run(&pruned))), [5, 0, 0, 8, 0], "all of it is its own now");
}

#[test]
fn what_was_the_default_before_is_not_lost() {
    let shore = Shore::new();
    let (one, other) = (shore.project(EIGHT), shore.project(FIVE));
    one.run(&["ingest", "docs", "--collection", "docent"]).expect(0);
    shore.server.script.memory.lock().expect("a memory").forget_owner("docent");
    std::fs::remove_dir_all(one.path(".docent")).expect("a directory");
    one.run(&["search", "elba"]).expect(0);
    for args in [INGEST, &["ingest", "docs", "--check"]] {
        let refused = one.run(args).expect(3);
        assert!(refused.stderr.contains("--collection docent"), "{refused}");
    }
    assert_eq!(shore.collections(), ["docent@v1"]);
    other.run(INGEST).expect(0);
    assert_eq!(shore.collections().len(), 2);
    one.run(&["ingest", "docs", "--collection", "docent"]).expect(0);
    one.run(INGEST).expect(3);
    assert_eq!(shore.collections().len(), 2);
}

#[test]
fn a_version_that_has_lost_its_name_gets_it_again() {
    let shore = Shore::new();
    let env = shore.project(EIGHT);
    env.run(&["ingest", "docs", "--collection", "snap"]).expect(0);
    let before = shore.contents("snap");
    shore.server.script.memory.lock().expect("a memory").unname("snap");
    for args in [&["search", "elba"][..], &["status"], INGEST, &["ingest", "docs", "--rebuild"]] {
        let refused = env.run(&[args, &["--collection", "snap"]].concat()).expect(3);
        assert!(refused.stderr.contains("docent index adopt --collection snap"), "{refused}");
    }
    assert_eq!(shore.collections(), ["snap@v1"]);
    let adopted = env.run(&["index", "adopt", "--collection", "snap"]).expect(0);
    assert!(adopted.stdout.contains("snap (snap@v1)"), "{adopted}");
    assert_eq!(shore.contents("snap"), before);
    let args = ["ingest", "docs", "--collection", "snap", "--format", "json"];
    assert_eq!(counts(&report(env.run(&args))), [0, 0, 0, 0, 8]);
}

#[test]
fn a_snapshot_under_the_plain_name_is_kept_up_to_date_where_it_is() {
    let shore = Shore::new();
    let env = shore.project(EIGHT);
    env.run(&["ingest", "docs", "--collection", "snap"]).expect(0);
    shore.server.script.memory.lock().expect("a memory").recover("snap", "plain");
    env.run(&["search", "elba", "--collection", "plain"]).expect(0);
    env.write("docs/elba.md", "# Elba\n\nThe ferry to Elba was cancelled.\n");
    let args = ["ingest", "docs", "--collection", "plain", "--format", "json"];
    assert_eq!(counts(&report(env.run(&args))), [0, 1, 0, 0, 7]);
    let refused = env.run(&[&args[..], &["--rebuild"]].concat()).expect(3);
    assert!(refused.stderr.contains("recovered from a snapshot"), "{refused}");
    assert_eq!(shore.collections(), ["plain", "snap@v1"]);
    let found = env.run(&["search", "cancelled", "-k", "1", "--collection", "plain"]).expect(0);
    assert!(found.stdout.contains("cancelled"), "{found}");
}

#[test]
fn what_another_program_has_under_the_name_is_not_touched() {
    let shore = Shore::new();
    let env = shore.project(EIGHT);
    let foreign = |name: &str| CreateCollection {
        collection_name: name.to_owned(),
        ..CreateCollection::default()
    };
    {
        let mut memory = shore.server.script.memory.lock().expect("a memory");
        for name in ["team", "theirs", "ours@v3"] {
            memory.create(foreign(name)).expect("a collection");
        }
        memory.alias("alias".to_owned(), "theirs".to_owned()).expect("an alias");
    }
    for name in ["team", "alias"] {
        for args in [INGEST, &["search", "elba"], &["index", "adopt"]] {
            let refused = env.run(&[args, &["--collection", name]].concat()).expect(3);
            assert!(refused.stderr.contains("was not made by docent"), "{refused}");
        }
    }
    for _ in ["made", "nothing to do"] {
        env.run(&["ingest", "docs", "--collection", "ours"]).expect(0);
        assert_eq!(shore.collections(), ["ours@v3", "ours@v4", "team", "theirs"]);
    }
    env.run(&["ingest", "docs", "--collection", "ours", "--rebuild"]).expect(0);
    assert_eq!(shore.collections(), ["ours@v3", "ours@v4", "ours@v5", "team", "theirs"]);
    env.run(&["index", "prune", "--collection", "ours", "--keep", "0"]).expect(0);
    assert_eq!(shore.collections(), ["ours@v3", "ours@v5", "team", "theirs"]);
}

#[test]
fn points_of_another_program_cost_no_answer_and_the_doctor_names_them() {
    let shore = Shore::new();
    let env = shore.project(EIGHT);
    env.run(&["ingest", "docs", "--collection", "team"]).expect(0);
    let ask = |args: &[&str]| env.run(&[args, &["--collection", "team"]].concat()).expect(0);
    // How rare a word is, is counted over all points.
    let hits = |command: &str| {
        let json = ask(&[command, "ferry to elba", "--format", "json"]).json();
        let hits = json["hits"].as_array().expect("hits").clone();
        hits.into_iter().map(|hit| hit["citation"].clone()).collect::<Vec<_>>()
    };
    let answers = || {
        let query = ask(&["query", "Is the ferry to elba late?"]).stdout;
        (
            hits("search"),
            hits("explain"),
            ask(&["show", "docs/elba.md"]).stdout,
            query.lines().next().map(str::to_owned),
        )
    };
    let before = answers();
    assert!(!ask(&["doctor"]).stdout.contains("docent's"));
    for number in [1, 2] {
        let mut memory = shore.server.script.memory.lock().expect("a memory");
        memory.add_foreign("team", number, HashMap::new());
    }
    assert_eq!(answers(), before);
    let doctor = ask(&["doctor"]).stdout;
    assert!(doctor.contains("2 points in the collection are not docent's"), "{doctor}");
    assert!(doctor.contains(": 1, 2;"), "{doctor}");
    let rebuild = ["ingest", "docs", "--rebuild", "--collection", "team"];
    let stopped = env.run(&rebuild).expect(1);
    assert!(stopped.stderr.contains("such as 1, 2"), "{stopped}");
    env.run(&[&rebuild[..], &["--allow-prune"]].concat()).expect(0);
}

/// Whenever the server goes, the report says what it has.
#[test]
fn the_report_of_a_run_that_failed_says_what_is_stored() {
    let whole = {
        let shore = Shore::new();
        shore.project(FIVE).run(&["ingest", "docs", "--collection", "team"]).expect(0);
        shore.server.script.requests()
    };
    let mut seen = Vec::new();
    for requests in 1..whole {
        let shore = Shore::new();
        *shore.server.script.gone_after.lock().expect("a script") = requests;
        let args = ["ingest", "docs", "--collection", "team", "--format", "json"];
        let run = shore.project(FIVE).run(&args);
        if run.code == Some(0) || run.stdout.is_empty() {
            continue;
        }
        let stored = shore.documents("team@v1");
        let report = run.expect(4).json();
        assert_eq!(report["added"], stored, "gone after {requests}: {report}");
        assert_eq!(report["documents_total"], stored);
        assert!(stored > 0 || report["chunks"] == 0, "gone after {requests}: {report}");
        seen.push(stored);
    }
    assert!(seen.contains(&0) && seen.contains(&5), "{seen:?}");
}

#[test]
fn what_is_refused_is_not_said_to_be_stored() {
    let shore = Shore::new();
    let env = shore.project(EIGHT);
    env.run(&["ingest", "docs", "--collection", "team"]).expect(0);
    let before = shore.contents("team");
    for name in EIGHT {
        env.write(&format!("docs/{name}.md"), format!("# {name}\n\nNo ferry to {name}.\n"));
    }
    shore.server.script.memory.lock().expect("a memory").refuse_points("team@v1");
    let failed = env.run(&["ingest", "docs", "--collection", "team"]).expect(4);
    assert_eq!(failed.stdout, "", "nothing was stored, so there is nothing to report");
    assert!(failed.stderr.contains("refuses the request: Wrong input: no more points"), "{failed}");
    assert_eq!(shore.contents("team"), before);
    env.run(&["ingest", "docs", "--collection", "team", "--check"]).expect(1);
}
