//! A new version becomes live only if it meets its conditions.
//!
//! `DOCENT_TEST_KILLS=200 cargo test --release --test it promotion` kills more often. Where
//! `DOCENT_TEST_QDRANT_URL` names a server, the same is asked of it.

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::kill::{Dice, number};
use crate::openai::ScriptedServer;
use crate::versions::{assert_states, index, on_scripted_server, on_server, states};

/// Kills of the run that CI makes.
const FEW: u64 = 8;

const CASES: &str = "cases.jsonl";
const CONDITIONS: &str = "recall@5>=0.8, ndcg@10>=live-0.01";

const PAGES: [(&str, &str); 3] = [
    ("ferry", "The ferry to Elba leaves at nine."),
    ("harbour", "The harbour has two piers of oak."),
    ("museum", "The museum shows nautical maps."),
];

/// Questions that each page answers, and one that only the page on lamps does.
fn cases(env: &TestEnv) {
    let case = |id: &str, question: &str, page: &str| {
        json!({"id": id, "question": question, "expected": [format!("docs/{page}.md")]}).to_string()
    };
    let cases = [
        case("ferry", "When does the ferry to Elba leave?", "ferry"),
        case("piers", "How many piers of oak does the harbour have?", "harbour"),
        case("maps", "Which maps does the museum show?", "museum"),
        case("lamps", "What do the lamps of the lighthouse burn?", "lamps"),
    ];
    env.write(CASES, cases.join("\n"));
}

fn page(env: &TestEnv, name: &str, text: &str) {
    env.write(&format!("docs/{name}.md"), format!("# {name}\n\n{text}\n"));
}

/// Three of four cases are answered.
fn pages(env: &TestEnv) {
    cases(env);
    for (name, text) in PAGES {
        page(env, name, text);
    }
}

fn lamps(env: &TestEnv) {
    page(env, "lamps", "The lamps of the lighthouse burn whale oil.");
}

fn promote(env: &TestEnv, more: &[&str]) -> Run {
    let args = ["ingest", "docs", "--new-version", "--promote-if", CONDITIONS, "--eval", CASES];
    env.run(&[&args[..], more].concat())
}

/// Version, change and cause of each event, the oldest first.
#[track_caller]
fn events(env: &TestEnv) -> Vec<(u64, String, String)> {
    let log = index(env, &["log", "--format", "json"]).expect(0).json();
    let word = |event: &Value, field: &str| event[field].as_str().expect("a word").to_owned();
    let event = |event: &Value| {
        let version = event["version"].as_u64().expect("a number");
        (version, word(event, "change"), word(event, "cause"))
    };
    log["events"].as_array().expect("events").iter().rev().map(event).collect()
}

#[track_caller]
fn assert_events(env: &TestEnv, expected: &[(u64, &str, &str)]) {
    let found = events(env);
    let found =
        found.iter().map(|(version, change, cause)| (*version, change.as_str(), cause.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn a_version_is_live_where_it_is_as_good_as_it_has_to_be() {
    life(&TestEnv::new());
}

#[test]
fn the_same_on_a_scripted_server() {
    let (env, _server) = on_scripted_server();
    life(&env);
}

#[test]
fn the_same_on_a_server() {
    let Some(env) = on_server("promotion") else { return };
    life(&env);
}

fn life(env: &TestEnv) {
    pages(env);
    env.run(&["ingest", "docs"]).expect(0);
    // Three of four.
    let refused = promote(env, &["--format", "json"]).expect(1);
    let report = refused.json();
    let promotion = &report["promotion"];
    assert_eq!(
        (&promotion["live"], &promotion["version"], &promotion["promoted"]),
        (&1.into(), &2.into(), &false.into())
    );
    assert_eq!(report["built"], json!({"version": 2, "live": false}));
    let gates = promotion["eval"]["gates"].as_array().expect("gates");
    assert_eq!((gates[0]["value"].as_f64(), gates[0]["limit"].as_f64()), (Some(0.75), Some(0.8)));
    assert_eq!((&gates[0]["passed"], &gates[1]["passed"]), (&false.into(), &true.into()));
    assert!(gates[1]["baseline"].is_f64(), "what the live one reached: {gates:?}");
    assert!(refused.stderr.contains("recall@5 is 0.750"), "{refused}");
    assert_states(env, &[(1, "live"), (2, "candidate")]);

    lamps(env);
    let promoted = promote(env, &["--format", "json"]).expect(0).json();
    let eval = &promoted["promotion"]["eval"];
    assert_eq!(promoted["built"], json!({"version": 3, "live": true}));
    let runs: Vec<_> =
        eval["runs"].as_array().expect("runs").iter().map(|run| &run["name"]).collect();
    let collection =
        index(env, &["list", "--format", "json"]).expect(0).json()["collection"].clone();
    let collection = collection.as_str().expect("a name").to_owned();
    assert_eq!(runs, [&format!("{collection}@v1"), &format!("{collection}@v3")]);
    let changes = eval["changes"].as_array().expect("changes");
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0]["id"], &changes[0]["base"]), (&"lamps".into(), &0.0.into()));
    // A version that was not good enough is removed when the next one is built.
    assert_states(env, &[(1, "former"), (3, "live")]);
    let found = env.run(&["search", "What do the lamps of the lighthouse burn?"]).expect(0);
    assert!(found.stdout.contains("whale oil"), "{found}");

    // A version that has become worse is not live.
    std::fs::remove_file(env.path("docs/museum.md")).expect("a file");
    let worse = promote(env, &["--allow-prune"]).expect(1);
    assert!(worse.stdout.contains("Which maps does the museum show?"), "{worse}");
    assert!(worse.stdout.contains(&format!("{collection}@v3 stays live")), "{worse}");
    assert_states(env, &[(1, "former"), (3, "live"), (4, "candidate")]);
    let found = env.run(&["search", "Which maps does the museum show?"]).expect(0);
    assert!(found.stdout.contains("nautical maps"), "{found}");

    // It can be made live all the same, and rolled back.
    index(env, &["use", "4"]).expect(0);
    index(env, &["rollback"]).expect(0);
    index(env, &["drop", "4"]).expect(0);
    index(env, &["prune", "--keep", "0"]).expect(0);
    assert_states(env, &[(3, "live")]);
    assert_events(
        env,
        &[
            (1, "live", "ingest"),
            (2, "built", "new_version"),
            (2, "refused", "promote_if"),
            (3, "built", "new_version"),
            (3, "live", "promote_if"),
            (4, "built", "new_version"),
            (4, "refused", "promote_if"),
            (4, "live", "use"),
            (3, "live", "rollback"),
            (4, "removed", "drop"),
            (1, "removed", "prune"),
        ],
    );
    let log = index(env, &["log", "--format", "json"]).expect(0).json();
    let of = |version: u64, change: &str| {
        let mut events = log["events"].as_array().expect("events").iter();
        events.find(|it| it["version"] == version && it["change"] == change).expect("it").clone()
    };
    assert_eq!((&of(3, "built")["documents"], &of(3, "built")["chunks"]), (&4.into(), &4.into()));
    let live = of(1, "live");
    assert_eq!((&live["documents"], &live["chunks"]), (&3.into(), &3.into()));
    let trial = &of(4, "refused")["trial"];
    assert_eq!((&trial["cases_from"], &trial["cases"]), (&CASES.into(), &4.into()));
    assert_eq!(trial["gates"][0]["metric"], "recall@5");
    let shown = index(env, &["log"]).expect(0);
    let refused = shown.stdout.lines().find(|line| line.contains("refused")).expect("a row");
    assert!(refused.contains("3 stays live") && refused.contains("NOT MET"), "{shown}");
}

#[test]
fn what_is_shown() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    assert_run!(promote(&env, &[]).expect(1));
    lamps(&env);
    assert_run!(promote(&env, &[]).expect(0));
    assert_run!(index(&env, &["diff", "1", "3"]).expect(0), @r"
    $ docent index diff 1 3
    exit 0
    --- stdout
               docent@v1  docent@v3
    documents          3          4
    chunks             3          4
    added 1, removed 0, changed 0, cut otherwise 0, unchanged 3
    added  docs/lamps.md  1 chunk
    --- stderr
    ");
}

#[test]
fn the_first_version_has_nothing_beside_it() {
    let env = TestEnv::new();
    pages(&env);
    let first = promote(&env, &["--format", "json"]).expect(1).json();
    let promotion = &first["promotion"];
    assert_eq!((&promotion["live"], &promotion["promoted"]), (&Value::Null, &true.into()));
    assert_eq!(promotion["eval"]["gates"].as_array().expect("gates").len(), 1);
    assert_states(&env, &[(1, "live")]);
    let other = TestEnv::new();
    pages(&other);
    lamps(&other);
    let first = promote(&other, &[]).expect(0);
    assert!(first.stdout.contains("docent@v1 is live"), "{first}");
}

#[test]
fn a_mistake_costs_no_build() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    let with = |conditions: &str, cases: &str| {
        env.run(&["ingest", "docs", "--new-version", "--promote-if", conditions, "--eval", cases])
    };
    env.write("empty.jsonl", "");
    env.write("other.jsonl", json!({"question": "?", "expected": ["docs/none.md"]}).to_string());
    for (conditions, cases, said) in [
        ("recall@5=0.8", CASES, "is not METRIC>=VALUE"),
        ("recall@5>=0.8, ndcg>=dead", CASES, "`dead` is neither"),
        ("recall@5>=0.8", "no.jsonl", "cannot be read"),
        ("recall@5>=0.8", "empty.jsonl", "there is no case"),
    ] {
        let refused = with(conditions, cases).expect(2);
        assert!(refused.stderr.contains(said), "{refused}");
    }
    assert_states(&env, &[(1, "live")]);
    for args in [
        &["--promote-if", CONDITIONS][..],
        &["--eval", CASES],
        &["--new-version", "--promote-if", CONDITIONS],
        &["--rebuild", "--promote-if", CONDITIONS, "--eval", CASES],
        &["--new-version", "--dry-run", "--promote-if", CONDITIONS, "--eval", CASES],
    ] {
        env.run(&[&["ingest", "docs"], args].concat()).expect(2);
    }
    // A version that can't be measured does not become live.
    let nothing = with("recall@5>=0.8", "other.jsonl").expect(3);
    assert!(nothing.stderr.contains("docs/none.md"), "{nothing}");
    assert_states(&env, &[(1, "live"), (2, "candidate")]);
}

#[test]
fn versions_are_compared_as_ways_to_retrieve_are() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    lamps(&env);
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    let compare = |versions: &str, more: &[&str]| {
        let args = ["eval", CASES, "--compare", versions, "--metric", "recall@5,mrr"];
        env.run(&[&args[..], more].concat())
    };
    assert_run!(compare("docent@v1,docent@v2", &[]).expect(0), @r"
    $ docent eval cases.jsonl --compare docent@v1,docent@v2 --metric recall@5,mrr
    exit 0
    --- stdout
    4 cases from cases.jsonl, by passages

              docent@v1  docent@v2
    recall@5      0.750      1.000
    mrr           0.750      1.000

    Against docent@v1
                         difference     95 % interval      p  better  worse
    recall@5  docent@v2      +0.250  +0.000 to +0.750  1.000       1      0
    mrr       docent@v2      +0.250  +0.000 to +0.750  1.000       1      0

    Cases that differ
                                                         docent@v1
    What do the lamps of the lighthouse burn?  recall@5      0.000  docent@v2  1.000

    latency docent@v1: p50 [TIME], p95 [TIME]
    latency docent@v2: p50 [TIME], p95 [TIME]
    --- stderr
    ");
    let json = ["--format", "json"];
    let report = compare("docent@v1,docent@v2", &json).expect(0).json();
    let comparison = &report["comparisons"][0];
    assert_eq!(
        (&comparison["base"], &comparison["other"], &comparison["better"]),
        (&"docent@v1".into(), &"docent@v2".into(), &1.into())
    );
    assert_eq!(report["changes"][0]["id"], "lamps");
    // Gates check the first run.
    compare("docent@v1,docent@v2", &["--min", "recall@5=0.8"]).expect(1);
    compare("v2,v1", &["--min", "recall@5=0.8"]).expect(0);
    let junit = compare("2,1", &["--min", "recall@5=0.8", "--format", "junit"]).expect(0);
    assert!(junit.stdout.contains("<testsuite name=\"docent@v2\" tests=\"4\""), "{junit}");
    let alone = compare("docent@v2", &json).expect(0).json();
    assert_eq!(alone["runs"].as_array().expect("runs").len(), 1);
    for (versions, said) in [
        ("docent@v1,docent@v7", "has no version 7"),
        ("docent@v1,hybrid", "`hybrid` is not a version"),
        ("hybrid,docent@v1", "unknown retrieval mode `docent@v1`"),
        ("other@v1,other@v2", "name it with --collection"),
    ] {
        let refused = compare(versions, &[]).expect(2);
        assert!(refused.stderr.contains(said), "{refused}");
    }
}

#[test]
fn a_version_of_another_embedder_is_measured_with_its_own() {
    let server = ScriptedServer::start();
    let env = TestEnv::new();
    pages(&env);
    lamps(&env);
    env.run(&["ingest", "docs"]).expect(0);
    let url = server.base_url();
    let other = ["--embedder", "openai:test-embedding", "--base-url", &url];
    let report = env.run(
        &[
            &["ingest", "docs", "--new-version", "--eval", CASES, "--promote-if", "recall@5>=0.1"],
            &other[..],
            &["--format", "json"],
        ]
        .concat(),
    );
    let report = report.expect(0).json();
    assert_eq!(report["promotion"]["promoted"], true);
    let compare = ["eval", CASES, "--compare", "v2,v1"];
    env.run(&[&compare[..], &other].concat()).expect(0);
    // The embedder is called at the configured endpoint, and at no other.
    let refused = env.run(&compare).expect(3);
    assert!(refused.stderr.contains("openai:test-embedding"), "{refused}");
    // The live version is not measured then, unless a condition is about it.
    let back = |conditions: &str| {
        let build = ["ingest", "docs", "--new-version", "--eval", CASES, "--promote-if"];
        env.run(&[&build[..], &[conditions]].concat())
    };
    let refused = back("recall@5>=live").expect(3);
    assert!(refused.stderr.contains("hint: to measure it"), "{refused}");
    assert_states(&env, &[(1, "former"), (2, "live")]);
    let alone = back("recall@5>=0.1").expect(0);
    assert!(alone.stderr.contains("note: the live version is not measured"), "{alone}");
    assert!(alone.stdout.contains("docent@v3 is live now; docent@v2 is kept"), "{alone}");
    let diff = index(&env, &["diff", "3", "2", "--format", "json"]).expect(0).json();
    let setting = |name: &str| {
        let settings = diff["settings"].as_array().expect("settings").iter();
        settings.clone().find(|it| it["name"] == name).cloned()
    };
    let embedder = setting("embedder.name").expect("the embedder");
    assert_eq!(
        (&embedder["from"], &embedder["to"]),
        (&"builtin".into(), &"openai:test-embedding".into())
    );
    assert_eq!((setting("chunker.max_tokens"), setting("sparse.avg_len")), (None, None));
}

#[test]
fn what_differs_between_two_versions() {
    let (scripted, _server) = on_scripted_server();
    for env in [&TestEnv::new(), &scripted] {
        pages(env);
        page(env, "long", &"Nothing much happens in the harbour. ".repeat(60));
        env.run(&["ingest", "docs"]).expect(0);
        lamps(env);
        page(env, "ferry", "The ferry to Elba leaves at ten.");
        std::fs::remove_file(env.path("docs/museum.md")).expect("a file");
        let build = ["ingest", "docs", "--new-version", "--allow-prune", "--chunk-tokens", "64"];
        env.run(&build).expect(0);
        let diff = index(env, &["diff", "1", "v2", "--format", "json"]).expect(0).json();
        let sources = |kind: &str| -> Vec<String> {
            let documents = diff[kind].as_array().expect("documents").iter();
            documents.map(|it| it["source"].as_str().expect("a source").to_owned()).collect()
        };
        assert_eq!(sources("added"), ["docs/lamps.md"]);
        assert_eq!(sources("removed"), ["docs/museum.md"]);
        assert_eq!(sources("changed"), ["docs/ferry.md"]);
        assert_eq!(sources("cut_otherwise"), ["docs/long.md"]);
        assert_eq!((&diff["unchanged"], &diff["from"]["documents"]), (&1.into(), &4.into()));
        let long = &diff["cut_otherwise"][0];
        assert!(long["chunks_from"].as_u64() < long["chunks_to"].as_u64(), "{long}");
        let settings = diff["settings"].as_array().expect("settings");
        assert_eq!(settings.len(), 1, "{settings:?}");
        assert_eq!(
            (&settings[0]["name"], &settings[0]["to"]),
            (&"chunker.max_tokens".into(), &64.into())
        );
        let refused = index(env, &["diff", "1", "7"]).expect(2);
        assert!(refused.stderr.contains("has no version 7"), "{refused}");
    }
}

/// Wherever it ends, one version is live, and whole.
#[test]
fn killed_at_any_moment_one_version_is_live() {
    killed(&TestEnv::new());
}

#[test]
fn killed_at_any_moment_one_version_is_live_on_a_scripted_server() {
    let (env, _server) = on_scripted_server();
    killed(&env);
}

fn killed(env: &TestEnv) {
    pages(env);
    env.run(&["ingest", "docs"]).expect(0);
    lamps(env);
    let args = ["ingest", "docs", "--new-version", "--promote-if", CONDITIONS, "--eval", CASES];
    let started = std::time::Instant::now();
    env.run(&args).expect(0);
    let whole = started.elapsed().as_micros() as u64;
    let mut dice = Dice(number("DOCENT_TEST_SEED").unwrap_or(1));
    for round in 0..number("DOCENT_TEST_KILLS").unwrap_or(FEW) {
        let mut child = env.command(&args).spawn().expect("docent starts");
        std::thread::sleep(std::time::Duration::from_micros(dice.below(whole)));
        child.kill().expect("a signal");
        child.wait().expect("an end");
        let left = states(env);
        let of = |state: &str| left.iter().filter(|(_, it)| it == state).count();
        assert_eq!((of("live"), of("built")), (1, 0), "round {round}: {left:?}");
        let status = env.run(&["status", "--format", "json"]).expect(0).json();
        assert_eq!(status["documents"], 4, "round {round}: {status:#}");
        for (question, text) in [
            ("What do the lamps of the lighthouse burn?", "whale oil"),
            ("Which maps does the museum show?", "nautical maps"),
        ] {
            let found = env.run(&["search", question]).expect(0);
            assert!(found.stdout.contains(text), "round {round}: {found}");
        }
        if round % 4 == 3 {
            env.run(&args).expect(0);
        }
    }
    env.run(&args).expect(0);
    let left = states(env);
    assert!(left.iter().all(|(_, it)| it == "live" || it == "former"), "{left:?}");
}

#[test]
fn a_source_that_fails_keeps_no_version_from_being_live() {
    let env = TestEnv::new();
    pages(&env);
    env.run(&["ingest", "docs"]).expect(0);
    lamps(&env);
    env.write("docs/broken.pdf", "%PDF-1.4\nnone\n");
    let promoted = promote(&env, &[]).expect(5);
    assert!(promoted.stderr.contains("docs/broken.pdf"), "{promoted}");
    assert_states(&env, &[(1, "former"), (2, "live")]);
    // One that was cut off is not measured.
    let cut = promote(&env, &["--fail-fast"]).expect(5);
    assert!(!cut.stdout.contains("Gates"), "{cut}");
    assert_states(&env, &[(1, "former"), (2, "live")]);
}
