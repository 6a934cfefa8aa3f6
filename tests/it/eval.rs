//! `docent eval`: cases and collections are measured, and gates are checked.

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::injection::{HOSTILE, harmless};
use crate::openai::{Dialect, ScriptedServer};

const CASES: &str = "cases.jsonl";

fn samples() -> TestEnv {
    let env = TestEnv::with_cases();
    env.run(&["ingest", "sample-docs"]).expect(0);
    env
}

/// The mean of a metric in the first run of a report.
#[track_caller]
fn mean(report: &Value, metric: &str) -> f64 {
    let metrics = report["runs"][0]["metrics"].as_array().expect("metrics");
    let value = metrics.iter().find(|value| value["metric"] == metric).expect("the metric");
    value["mean"].as_f64().expect("a number")
}

/// A collection in BEIR format: one document is long, one blank, some have hostile ids.
fn beir(env: &TestEnv) {
    let long = "Nothing much happens here. ".repeat(200);
    let documents = [
        json!({"_id": "walrus.pdf", "title": "Walruses", "text": format!("{long} They haul out on ice.")}),
        json!({"_id": "2", "title": "", "text": "Penguins live far from any walrus."}),
        json!({"_id": "a b/../c", "title": "Seals", "text": "Seals haul out on rocks. AKIA0123456789ABCDEF"}),
        json!({"_id": "blank", "title": "", "text": " "}),
        json!({"_id": "q3", "title": "The question itself", "text": "Where do narwhals swim?"}),
        json!({"_id": "5", "title": "Narwhals", "text": "Narwhals swim under the ice."}),
    ];
    let queries = [
        json!({"_id": "q1", "text": "Who hauls out on ice?"}),
        json!({"_id": "q2", "text": "penguins"}),
        json!({"_id": "q3", "text": "Where do narwhals swim?"}),
        json!({"_id": "unjudged", "text": "?"}),
    ];
    let lines = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    env.write("beir/corpus.jsonl", lines(&documents));
    env.write("beir/queries.jsonl", lines(&queries));
    let qrels = "query-id\tcorpus-id\tscore\nq1\twalrus.pdf\t2\nq1\ta b/../c\t1\nq2\t2\t1\nq3\t5\t1\nq3\t2\t0\n";
    env.write("beir/qrels/test.tsv", qrels);
}

#[test]
fn the_golden_questions() {
    let env = samples();
    assert_run!(env.run(&["eval", CASES, "--min", "recall@5=0.8"]).expect(0));
    let tagged = ["eval", CASES, "--tag", "pdf", "--metric", "hit@1,mrr", "--verbose"];
    assert_run!(env.run(&tagged).expect(0), @r"
    $ docent eval cases.jsonl --tag pdf --metric hit@1,mrr --verbose
    exit 0
    --- stdout
    7 cases from cases.jsonl, by passages

           hybrid   95 % interval
    hit@1   0.857  0.571 to 1.000
    mrr     0.929  0.786 to 1.000

    By tag
    tag             cases  hit@1    mrr
    contract            4  1.000  1.000
    handbook            1  1.000  1.000
    multi               1  1.000  1.000
    near-duplicate      1  0.000  0.500
    paraphrase          1  1.000  1.000
    pdf                 7  0.857  0.929
    table               1  1.000  1.000

    latency: p50 [TIME], p95 [TIME]
    --- stderr
    project [PROJECT]
    store [PROJECT]/.docent/collections/docent
    embedder builtin (static-minilm-en-256@bbb84397b56f), 256 dimensions
    ");
}

#[test]
fn ways_to_retrieve_are_compared() {
    let env = samples();
    let run = ["eval", CASES, "--compare", "hybrid,dense,sparse", "--metric", "recall@5,ndcg@10"];
    assert_run!(env.run(&run).expect(0));
    let report = env.run(&[&run[..], &["--format", "json"]].concat()).expect(0).json();
    let names: Vec<&Value> =
        report["runs"].as_array().expect("runs").iter().map(|run| &run["name"]).collect();
    assert_eq!(names, ["hybrid", "dense", "sparse"]);
    for comparison in report["comparisons"].as_array().expect("comparisons") {
        let (better, worse) = (comparison["better"].as_u64(), comparison["worse"].as_u64());
        let (better, worse) = (better.expect("a count"), worse.expect("a count"));
        let p = comparison["p"].as_f64().expect("a number");
        assert!(p > 0.0 && p <= 1.0 && better + worse <= 47, "{comparison:#}");
    }
    assert_run!(env.run(&["eval", CASES, "--compare", "hybrid,bm25"]).expect(2), @r"
    $ docent eval cases.jsonl --compare hybrid,bm25
    exit 2
    --- stdout
    --- stderr
    error: --compare: unknown retrieval mode `bm25`
    hint: use hybrid, dense, sparse, rerank, or only versions, such as docs@v7,docs@v8
    ");
}

#[test]
fn a_reranker_is_a_way_to_retrieve() {
    let env = samples();
    let compared = ["eval", CASES, "--tag", "pdf", "--compare", "hybrid,rerank", "--metric", "mrr"];
    assert_run!(env.run(&compared).expect(2), @r"
    $ docent eval cases.jsonl --tag pdf --compare hybrid,rerank --metric mrr
    exit 2
    --- stdout
    --- stderr
    error: --compare rerank: no reranker is configured
    hint: name one with --rerank: the URL of a /rerank endpoint, hf:ORG/NAME, or onnx:DIR
    ");
    let server = ScriptedServer::start();
    server.rerank(Dialect::Jina, "no word of theirs");
    let url = server.base_url();
    let rerank = ["--rerank", url.as_str(), "--rerank-candidates", "5", "--format", "json"];
    let report = env.run(&[&compared[..], &rerank].concat()).expect(0).json();
    let runs = report["runs"].as_array().expect("runs");
    let names: Vec<&Value> = runs.iter().map(|run| &run["name"]).collect();
    assert_eq!(names, ["hybrid", "rerank"]);
    // The reranker is asked once about the first hits of each case, for one of the two modes.
    let asked = server.requests();
    assert_eq!(asked.len() as u64, report["cases"].as_u64().expect("a count"));
    let alone = ["eval", CASES, "--tag", "pdf", "--metric", "mrr"];
    let alone = env.run(&[&alone[..], &rerank].concat()).expect(0).json();
    assert_eq!(alone["runs"][0]["name"], "rerank");
    assert_eq!(alone["runs"][0]["by_case"], runs[1]["by_case"]);
}

#[test]
fn cases_are_not_overwritten() {
    let env = samples();
    for flags in [
        ["--report", "json=cases.jsonl"],
        ["--write-baseline", "cases.jsonl"],
        ["--run-file", "./cases.jsonl"],
    ] {
        let refused = env.run(&[&["eval", CASES], &flags[..]].concat()).expect(2);
        assert!(
            refused.stderr.contains("is the file of cases, and would be overwritten"),
            "{refused}"
        );
    }
    let kept = std::fs::read_to_string(env.path(CASES)).expect("the cases");
    assert_eq!(kept, include_str!("../cases.jsonl"));
}

#[test]
fn cases_in_the_collection_are_said() {
    let env = samples();
    let says = "questions find themselves: cases.jsonl; move it out";
    assert!(!env.run(&["eval", CASES]).stderr.contains(says));
    env.run(&["ingest", "sample-docs", CASES]).expect(0);
    let run = env.run(&["eval", CASES]);
    assert!(run.stderr.contains(says), "{run}");
}

#[test]
fn what_no_chunk_can_meet_is_said() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let cases = [
        json!({"id": "met", "question": "ferry", "expected": [
            {"source": "docs/a.md", "lines": [3, 3], "quote": "ferry leaves"}]}),
        json!({"id": "quote", "question": "ferry", "expected": [
            {"source": "docs/a.md", "quote": "leaves at ten"}]}),
        json!({"id": "place", "question": "ferry", "expected": [
            {"source": "docs/a.md", "lines": [40, 41]}]}),
    ];
    env.write("cases.jsonl", cases.map(|case| case.to_string()).join("\n"));
    let run = env.run(&["eval", "cases.jsonl"]).expect(0);
    let warned = "no chunk can meet what is expected by case `quote` (docs/a.md with its quote), case `place` (docs/a.md:L40-L41), which counts as not found";
    assert!(run.stderr.contains(warned), "{run}");
}

#[test]
fn gates_and_baselines_hold() {
    let env = samples();
    let run = |args: &[&str]| {
        env.run(&[&["eval", CASES, "--tag", "pdf", "--metric", "precision@5"], args].concat())
    };
    assert_run!(run(&["--min", "precision@5=1", "--min", "recall@5=0.1"]).expect(1));
    run(&["--write-baseline", "baseline.json"]).expect(0);
    let text = std::fs::read_to_string(env.path("baseline.json")).expect("a baseline");
    let mut baseline: Value = serde_json::from_str(&text).expect("JSON");
    run(&["--baseline", "baseline.json"]).expect(0);
    // A baseline as if retrieval had been better by a tenth.
    let was = baseline["metrics"]["precision@5"].as_f64().expect("a number");
    baseline["metrics"]["precision@5"] = json!(was + 0.1);
    env.write("baseline.json", baseline.to_string());
    run(&["--baseline", "baseline.json", "--max-drop", "0.11"]).expect(0);
    let failed = run(&["--baseline", "baseline.json", "--max-drop", "0.02", "--format", "json"]);
    let report = failed.expect(1).json();
    assert_eq!((&report["passed"], &report["gates"][0]["passed"]), (&json!(false), &json!(false)));
    env.write("baseline.json", "{}");
    assert_run!(run(&["--baseline", "baseline.json"]).expect(2), @r"
    $ docent eval cases.jsonl --tag pdf --metric precision@5 --baseline baseline.json
    exit 2
    --- stdout
    --- stderr
    error: baseline.json is not a baseline: missing field `schema_version` at line 1 column 2
    hint: write one with --write-baseline FILE
    ");
    assert_run!(run(&["--min", "recall@5=80"]).expect(2), @r"
    $ docent eval cases.jsonl --tag pdf --metric precision@5 --min recall@5=80
    exit 2
    --- stdout
    --- stderr
    error: --min recall@5=80: `80` is not a number from 0 to 1
    hint: such as --min recall@5=0.8
    ");
}

/// Ten copies of one text are the first hits, and one of them is a passage.
#[test]
fn what_reaches_the_passages_is_measured_and_held() {
    let env = TestEnv::new();
    for copy in 0..10 {
        env.write(
            &format!("docs/{copy}.md"),
            "# Ferries\n\nThe ferry leaves at noon from the pier.\n",
        );
    }
    env.write("docs/pier.md", "# Piers\n\nThe pier of the ferry was built of oak.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let cases = [
        json!({"question": "When does the ferry leave from the pier?", "expected": ["docs/pier.md"]}),
        json!({"question": "Of what is the pier built?", "expected": ["docs/pier.md"]}),
    ];
    env.write("cases.jsonl", cases.map(|case| case.to_string()).join("\n"));
    let run =
        ["eval", "cases.jsonl", "--metric", "recall@2,passages@1,passages@3", "--format", "json"];
    let compare = ["--compare", "hybrid,sparse"];
    let report = env.run(&[&run[..], &compare].concat()).expect(0).json();
    for of in report["runs"].as_array().expect("runs") {
        let means = of["metrics"].as_array().expect("metrics").iter();
        let means: Vec<f64> = means.map(|it| it["mean"].as_f64().expect("a number")).collect();
        assert_eq!(means, [0.5, 0.5, 1.0], "{of:#}");
    }
    assert!(report["comparisons"].to_string().contains("passages@3"), "{report:#}");
    let held = |gate: &str| env.run(&["eval", "cases.jsonl", "--min", gate]);
    held("passages@3=0.9").expect(0);
    let unmet = held("passages@1=0.9").expect(1);
    assert!(unmet.stderr.contains("passages@1 is 0.500, but has to be at least 0.900"), "{unmet}");
    assert!(held("passages=0.9").expect(2).stderr.contains("`passages@5`"));
    env.run(&["eval", "cases.jsonl", "--run-file", "run.txt"]).expect(0);
    let ranked =
        env.run(&["eval", "cases.jsonl", "--from-run", "run.txt", "--metric", "passages@2"]);
    let ranked = ranked.expect(2);
    assert!(ranked.stderr.contains("the file has only a ranking"), "{ranked}");
}

#[test]
fn reports_for_pipelines() {
    let env = samples();
    let lines: Vec<String> = std::fs::read_to_string(env.path(CASES))
        .expect("the cases")
        .lines()
        .take(2)
        .map(str::to_owned)
        .collect();
    env.write("two.jsonl", lines.join("\n"));
    let run = ["eval", "two.jsonl", "--min", "precision@5=0.9", "--min", "hit@5=1"];
    for format in ["markdown", "junit"] {
        assert_run!(env.run(&[&run[..], &["--format", format]].concat()).expect(1));
    }
    assert_run!(env.run(&["search", "x", "--format", "junit"]).expect(2));
}

/// Characters of XML 1.0, section 2.2, without those that a terminal would obey and nobody sees.
fn is_plain_xml(c: char) -> bool {
    docent::text::is_visible(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[test]
fn reports_are_clean_whatever_the_cases_say() {
    let env = TestEnv::new();
    let name = format!("docs/a{}.md", HOSTILE.replace('/', ""));
    env.write(&name, format!("Walruses {HOSTILE} live on ice.\n"));
    env.run(&["ingest", "docs"]).expect(0);
    let nasty = format!("Where do <walruses> & ]]> {HOSTILE} \u{fffe}\u{ffff}\u{0}\u{fdd0} live?");
    let case = json!({"id": nasty, "question": nasty, "tags": [nasty], "expected": [name]});
    env.write("cases.jsonl", case.to_string());
    for format in ["junit", "markdown", "text"] {
        let run = env.run(&["eval", "cases.jsonl", "-v", "--format", format]).expect(0);
        harmless(&Run { args: String::new(), ..run.clone() });
        assert!(run.stdout.contains("walruses"), "{run}");
        if format != "junit" {
            continue;
        }
        assert!(run.stdout.chars().all(is_plain_xml), "{run}");
        let mut reader = quick_xml::Reader::from_str(&run.stdout);
        let mut cases = 0;
        loop {
            match reader.read_event().expect("XML") {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) => {
                    cases += usize::from(tag.name().as_ref() == "testcase");
                    for attribute in tag.attributes() {
                        let value = attribute.expect("an attribute").value;
                        quick_xml::escape::unescape(&value).expect("no stray sign");
                    }
                }
                _ => {}
            }
        }
        assert_eq!(cases, 1, "{run}");
    }
    env.run(&["eval", "cases.jsonl", "--run-file", "run.trec"]).expect(0);
    let lines = std::fs::read_to_string(env.path("run.trec")).expect("a run file");
    assert!(lines.chars().all(docent::text::is_visible), "{lines:?}");
    env.run(&["eval", "cases.jsonl", "--from-run", "run.trec", "--min", "mrr@10=1"]).expect(0);
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let env = TestEnv::new();
    let line = json!({"question": "Where do walruses live?", "expected": ["a.md"]});
    env.write("cases.jsonl", line.to_string());
    let eval = |args: &[&str]| env.run(&[&["eval"], args].concat());
    assert_run!(eval(&["cases.jsonl"]).expect(3), @r"
    $ docent eval cases.jsonl
    exit 3
    --- stdout
    --- stderr
    error: there is no collection `docent` in [PROJECT]/.docent/collections/docent
    hint: create it: docent ingest PATH
    ");
    env.write("docs/b.md", "Walruses live on ice.");
    env.run(&["ingest", "docs"]).expect(0);
    assert_run!(eval(&["cases.jsonl"]).expect(3), @r"
    $ docent eval cases.jsonl
    exit 3
    --- stdout
    --- stderr
    error: none of the expected sources is in the collection `docent`: a.md
    hint: sources are relative to the project root or to the file of cases; `docent status --documents` lists what is stored
    ");
    assert_run!(eval(&["gone.jsonl"]).expect(2), @r"
    $ docent eval gone.jsonl
    exit 2
    --- stdout
    --- stderr
    error: [PROJECT]/gone.jsonl cannot be read: No such file or directory (os error 2)
    ");
    assert_run!(eval(&[]).expect(2), @r"
    $ docent eval
    exit 2
    --- stdout
    --- stderr
    error: no cases
    hint: docent eval cases.jsonl, or docent eval --beir DIR
    ");
    assert_run!(eval(&["docs"]).expect(2), @r"
    $ docent eval docs
    exit 2
    --- stdout
    --- stderr
    error: [PROJECT]/docs/queries.jsonl cannot be read: No such file or directory (os error 2)
    hint: a directory in BEIR format has corpus.jsonl, queries.jsonl and qrels/test.tsv
    ");
    env.write("cases.jsonl", format!("{line}\n{{\"question\": \"?\"}}\n"));
    assert_run!(eval(&["cases.jsonl"]).expect(2), @r#"
    $ docent eval cases.jsonl
    exit 2
    --- stdout
    --- stderr
    error: cases.jsonl:2: `expected` is missing: a list of what should be found
    hint: a case is a line such as {"question": "...", "expected": [{"source": "docs/a.md", "lines": [3, 9]}]}
    "#);
    env.write("cases.jsonl", "\n");
    assert_run!(eval(&["cases.jsonl"]).expect(2), @r"
    $ docent eval cases.jsonl
    exit 2
    --- stdout
    --- stderr
    error: there is no case in cases.jsonl
    ");
    std::fs::remove_file(env.path("docs/b.md")).expect("a file");
    env.run(&["ingest", "docs", "--allow-prune"]).expect(0);
    env.write("cases.jsonl", line.to_string());
    assert_run!(eval(&["cases.jsonl"]).expect(3), @r"
    $ docent eval cases.jsonl
    exit 3
    --- stdout
    --- stderr
    error: the collection `docent` is empty: there is nothing to measure
    hint: docent ingest PATH
    ");
    assert_run!(eval(&["cases.jsonl", "--metric", "recal@5"]).expect(2), @r"
    $ docent eval cases.jsonl --metric recal@5
    exit 2
    --- stdout
    --- stderr
    error: `recal@5` is not a metric
    hint: use recall@N, precision@N, hit@N, mrr@N, ndcg@N, map@N or passages@N
    ");
}

#[test]
fn sources_are_relative_to_the_root_or_to_the_cases_and_what_is_not_there_is_named() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ice\n\nWalruses live on ice.\n\n# Rocks\n\nSeals live on rocks.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let case = |source: &str, lines: [u32; 2]| {
        let question = "Where do walruses live?";
        let expected = json!([{"source": source, "lines": lines}]);
        json!({"question": question, "expected": expected}).to_string()
    };
    let cases =
        [case("../docs/a.md", [1, 3]), case("docs/a.md", [1, 1]), case("docs/b.md", [1, 1])];
    env.write("tests/cases.jsonl", cases.join("\n"));
    let run = env.run(&["eval", "tests/cases.jsonl", "--metric", "mrr", "--format", "json"]);
    let report = run.expect(0);
    assert!(report.stderr.contains("1 of 2 expected sources"), "{report}");
    let ranks: Vec<Value> = report.json()["runs"][0]["by_case"]
        .as_array()
        .expect("cases")
        .iter()
        .map(|case| case["expected"][0]["rank"].clone())
        .collect();
    assert_eq!(ranks, [json!(1), json!(1), Value::Null]);
}

#[test]
fn a_beir_collection_is_brought_in_and_measured_in_one_go() {
    let env = TestEnv::new();
    beir(&env);
    assert_run!(env.run(&["eval", "--beir", "beir"]).expect(0), @r"
    $ docent eval --beir beir
    exit 0
    --- stdout
    3 cases from beir, by documents

                hybrid   95 % interval
    ndcg@10      0.983  0.950 to 1.000
    recall@10    1.000  1.000 to 1.000
    recall@100   1.000  1.000 to 1.000
    mrr@10       1.000  1.000 to 1.000
    map@100      0.944  0.833 to 1.000

    latency: p50 [TIME], p95 [TIME]
    --- stderr
    synced beir: 5 documents, 9 new chunks ([TIME])
    ");
    // Unchanged documents cost nothing, and documents that are gone are deleted.
    let report = env.run(&["eval", "--beir", "beir", "--format", "json"]).expect(0).json();
    assert_eq!((&report["cases"], &report["unit"]), (&json!(3), &json!("documents")));
    assert!((mean(&report, "recall@10") - 1.0).abs() < 1e-9, "{report:#}");
    let corpus = std::fs::read_to_string(env.path("beir/corpus.jsonl")).expect("a corpus");
    let without: String =
        corpus.split_inclusive('\n').filter(|l| !l.contains("Penguins")).collect();
    env.write("beir/corpus.jsonl", without);
    assert_run!(env.run(&["eval", "--beir", "beir", "--metric", "recall@10"]).expect(0), @r"
    $ docent eval --beir beir --metric recall@10
    exit 0
    --- stdout
    3 cases from beir, by documents

               hybrid   95 % interval
    recall@10   0.667  0.000 to 1.000

    latency: p50 [TIME], p95 [TIME]
    --- stderr
    synced beir: 4 documents, 0 new chunks ([TIME])
    warning: 1 of 4 expected sources are not in the collection `beir-beir-builtin-256-32`, and count as not found: 2
    ");
    let documents = ["status", "--collection", "beir-beir-builtin-256-32", "--documents"];
    assert!(!env.run(&documents).expect(0).stdout.contains("\n2 "));
    assert_run!(env.run(&["eval", "--beir", "beir", "--split", "dev"]).expect(2), @r"
    $ docent eval --beir beir --split dev
    exit 2
    --- stdout
    --- stderr
    error: [PROJECT]/beir has no qrels/dev.tsv; it has test
    hint: choose one with --split
    ");
    env.run(&["status"]).expect(3);
}

#[test]
fn a_corpus_replaces_no_documents_of_anybody() {
    let env = samples();
    beir(&env);
    let named = ["eval", "--beir", "beir", "--metric", "recall@10", "--collection"];
    for more in [&[][..], &["--chunk-tokens", "64"]] {
        assert_run!(env.run(&[&named[..], &["docent"], more].concat()).expect(2));
    }
    assert!(env.run(&["status"]).expect(0).stdout.contains("23"));
    for _ in 0..2 {
        env.run(&[&named[..], &["walruses"]].concat()).expect(0);
    }
}

#[test]
fn rankings_go_out_and_come_in_as_trec_has_them() {
    let env = TestEnv::new();
    beir(&env);
    let metrics = ["--metric", "ndcg@10,map,recall@2", "--format", "json"];
    let out = ["eval", "--beir", "beir", "--run-file", "out.run"];
    let report = env.run(&[&out[..], &metrics].concat()).expect(0).json();
    let run_file = std::fs::read_to_string(env.path("out.run")).expect("a run file");
    assert!(run_file.contains("q1 Q0 a%20b/../c "), "{run_file}");
    assert!(run_file.lines().all(|line| line.split(' ').count() == 6), "{run_file}");
    for judged in ["beir", "beir/qrels/test.tsv"] {
        let again = ["eval", judged, "--from-run", "out.run"];
        let again = env.run(&[&again[..], &metrics].concat()).expect(0).json();
        for metric in ["ndcg@10", "map", "recall@2"] {
            let (found, wanted) = (mean(&again, metric), mean(&report, metric));
            assert!((found - wanted).abs() < 1e-12, "{metric} from {judged}");
        }
        assert_eq!(again["runs"][0]["latency"], Value::Null);
    }
    env.write("docs/my notes.md", "# Ice\n\nWalruses live on ice.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let expected = json!([{"source": "docs/my notes.md", "lines": [3, 3]}]);
    let case = json!({"question": "Where do walruses live?", "expected": expected});
    env.write("cases.jsonl", case.to_string());
    env.run(&["eval", "cases.jsonl", "--run-file", "cases.run"]).expect(0);
    let run = ["eval", "cases.jsonl", "--from-run", "cases.run", "--min", "hit@1=1"];
    env.run(&run).expect(0);
    env.write("other.run", "x Q0 d 1 1.0 t\n");
    assert_run!(env.run(&["eval", "beir", "--from-run", "other.run"]).expect(2), @r"
    $ docent eval beir --from-run other.run
    exit 2
    --- stdout
    --- stderr
    error: other.run ranks nothing for any case of beir
    hint: the first field of each line has to be the id of a case, or the number of its line
    ");
    env.write("other.run", "q1 Q0 d\n");
    assert_run!(env.run(&["eval", "beir", "--from-run", "other.run"]).expect(2), @r"
    $ docent eval beir --from-run other.run
    exit 2
    --- stdout
    --- stderr
    error: other.run:1: 3 fields, not 6: query-id Q0 document-id rank score tag
    ");
}

#[test]
fn answers_are_measured_too() {
    let mut env = samples();
    let run = ["eval", CASES, "--answers", "--metric", "hit@8", "--min", "facts=0.75"];
    assert_run!(env.run(&run).expect(0));
    assert_run!(env.run(&["eval", CASES, "--min", "facts=0.75"]).expect(2), @r"
    $ docent eval cases.jsonl --min facts=0.75
    exit 2
    --- stdout
    --- stderr
    error: the gate on `facts` needs answers
    hint: add --answers
    ");
    let lines = [
        json!({"question": "How long are ledger backups kept?", "expected": ["sample-docs/handbook/backups.md"], "facts": ["400 days", "walrus"]}),
        json!({"question": "How long are ledger backups stored?", "expected": []}),
    ];
    env.write("two.jsonl", lines.map(|line| line.to_string()).join("\n"));
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url());
    let run = ["eval", "two.jsonl", "--answers", "--model", "scripted-chat", "--format", "json"];
    server.answer(&["Backups are kept [1][99]. Nobody counts the **400 days** of the archive."]);
    let report = env.run(&run).expect(0).json();
    let values = report["answers"]["metrics"].as_array().expect("metrics");
    let means: Vec<(&str, f64)> = values
        .iter()
        .map(|value| {
            (value["metric"].as_str().unwrap_or(""), value["mean"].as_f64().unwrap_or(-1.0))
        })
        .collect();
    let wanted = [
        ("facts", 0.5),
        ("answered", 1.0),
        ("refused", 0.0),
        ("citation-precision", 0.5),
        ("citation-precision-words", 1.0),
        ("citation-coverage", 0.5),
    ];
    assert_eq!(means, wanted);
    assert_eq!(report["answers"]["by_case"][0]["missing_facts"], json!(["walrus"]));
    server.answer(&["NO_ANSWER"]);
    let report = env.run(&run).expect(0).json();
    let means: Vec<&Value> = report["answers"]["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|v| &v["mean"])
        .collect();
    assert_eq!(means, [&json!(0.0), &json!(0.0), &json!(1.0)]);
}

#[test]
fn a_second_model_judges_the_answers() {
    let mut env = samples();
    let lines = [
        json!({"question": "How long are ledger backups kept?", "expected": ["sample-docs/handbook/backups.md"], "facts": ["400 days", "in all"]}),
        json!({"question": "Who may restore a backup?", "expected": ["sample-docs/handbook/backups.md"]}),
    ];
    env.write("two.jsonl", lines.map(|line| line.to_string()).join("\n"));
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url());
    let run = ["eval", "two.jsonl", "--answers", "--model", "scripted-chat", "--metric", "hit@8"];
    let judged = [&run[..], &["--judge", "scripted-judge", "--min", "judged-support=0.6"]].concat();
    server.answer(&["Backups are kept for more than a year [1]. Walruses guard them."]);
    server.answer_of("scripted-judge", "Here you are: {\"supported\": [1], \"stated\": [1]}");
    // The second case has no facts to state: that is not a verdict.
    assert_run!(env.run(&[&judged[..], &["--verbose"]].concat()).expect(1));
    let report = env.run(&[&judged[..], &["--format", "json"]].concat()).expect(1).json();
    assert_eq!(report["answers"]["judge"], "scripted-judge");
    let case = &report["answers"]["by_case"][0]["judged"];
    assert_eq!((&case["support"], &case["facts"]), (&json!(0.5), &json!(0.5)));
    assert_eq!(case["unsupported"], json!(["Walruses guard them."]));
    assert_eq!(report["answers"]["by_case"][1]["judged"], Value::Null);
    // The judge read what the answer was made from.
    let asked = server.requests();
    let asked = asked.iter().rfind(|request| request.body["model"] == "scripted-judge");
    let asked = asked.expect("a request").body["messages"].to_string();
    assert!(asked.contains("Walruses") && asked.contains("400 days"), "{asked}");
    assert_run!(env.run(&[&run[..], &["--min", "judged-facts=0.5"]].concat()).expect(2), @r"
    $ docent eval two.jsonl --answers --model scripted-chat --metric hit@8 --min judged-facts=0.5
    exit 2
    --- stdout
    --- stderr
    error: the gate on `judged-facts` needs answers
    hint: add --answers --judge MODEL
    ");
    assert_run!(env.run(&[&run[..], &["--judge", "extractive"]].concat()).expect(2), @r"
    $ docent eval two.jsonl --answers --model scripted-chat --metric hit@8 --judge extractive
    exit 2
    --- stdout
    --- stderr
    error: --judge extractive: the judge has to be a chat model
    hint: name a model at the endpoint for answers
    ");
}

#[test]
fn chunk_sizes_are_swept_and_what_is_built_for_that_goes() {
    let env = samples();
    let sweep =
        ["eval", CASES, "--tag", "pdf", "--metric", "mrr@5", "--sweep", "chunk-tokens=64,256"];
    assert_run!(env.run(&sweep).expect(0));
    env.run(&["status", "--collection", "docent.chunk-tokens-64"]).expect(3);
    env.run(&[&sweep[..], &["--keep"]].concat()).expect(0);
    env.run(&["status", "--collection", "docent.chunk-tokens-64"]).expect(0);
    // A collection that was kept is not dropped later.
    env.run(&sweep).expect(0);
    env.run(&["status", "--collection", "docent.chunk-tokens-64"]).expect(0);
    // The collection itself is unchanged.
    assert!(env.run(&["ingest", "--check", "sample-docs"]).expect(0).stderr.is_empty());
    assert_run!(env.run(&["eval", CASES, "--sweep", "chunk-tokens=40"]).expect(2), @r"
    $ docent eval cases.jsonl --sweep chunk-tokens=40
    exit 2
    --- stdout
    --- stderr
    error: --sweep: an overlap of 32 is more than half of a chunk of 40 tokens
    hint: lower --chunk-overlap to at most half of the smallest chunk
    ");
    assert_run!(env.run(&["eval", CASES, "--sweep", "k=40"]).expect(2), @r"
    $ docent eval cases.jsonl --sweep k=40
    exit 2
    --- stdout
    --- stderr
    error: --sweep k=40: `k` is neither chunk-tokens nor chunk-overlap
    hint: such as --sweep chunk-tokens=128,256,512
    ");
    beir(&env);
    let sweep = ["eval", "--beir", "beir", "--sweep", "chunk-tokens=64,256", "--format", "json"];
    let report = env.run(&sweep).expect(0).json();
    assert_eq!(report["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_sweep_leaves_out_what_cannot_be_read() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.write("docs/torn.pdf", "%PDF-1.7 torn");
    env.run(&["ingest", "docs"]).expect(5);
    env.write(
        "c.jsonl",
        r#"{"question": "When does the ferry leave?", "expected": ["docs/a.md"]}"#,
    );
    let run = env.run(&["eval", "c.jsonl", "--sweep", "chunk-tokens=64,128"]).expect(0);
    let warned = "1 document, whose text counts as not found, could not be ingested";
    assert_eq!(run.stderr.matches(warned).count(), 2, "{run}");
}

#[test]
fn cases_are_drafted_from_a_collection() {
    let mut env = samples();
    let run = env.run(&["eval", "init", "-n", "6"]).expect(0);
    assert_run!(run.clone(), @r#"
    $ docent eval init -n 6
    exit 0
    --- stdout
    {"question":"Webhooks: Ledger calls your server when something happens in a workspace?","expected":[{"source":"sample-docs/api/webhooks.md","lines":[1,17]}],"tags":["draft"]}
    {"question":"Retention: Ledger backups are kept for 400 days?","expected":[{"source":"sample-docs/handbook/backups.md","lines":[12,21]}],"tags":["draft"]}
    {"question":"2 Scope: The policy applies to every restore of customers' data into the production environment, whether it concerns one…?","expected":[{"source":"sample-docs/policies/restore.pdf","page":1}],"tags":["draft"]}
    {"question":"Fixed: A batch with two identical idempotency keys is refused as a whole (LED-3391)?","expected":[{"source":"sample-docs/releases/2.4.md","lines":[20,23]}],"tags":["draft"]}
    {"question":"Walks through all transactions, page by page, 500 at a time?","expected":[{"source":"sample-docs/src/client.ts","lines":[50,61]}],"tags":["draft"]}
    {"question":"The transaction that moves a rounding difference to the rounding account, if there is one?","expected":[{"source":"sample-docs/src/reconcile.py","lines":[82,93]}],"tags":["draft"]}
    --- stderr
    note: these are drafts: edit each question to what a reader would ask, in a reader's words, and add other sources that answer it
    "#);
    assert_eq!(run, env.run(&["eval", "init", "-n", "6"]).expect(0));
    // A chunk without a vector, of words that the embedder does not know, is among them.
    let words = "ᎣᏏᏲ ᏙᎯᏧ ᎤᏩᏌ ᎠᎹ ᎠᏓ ᏅᏬᏔᏁᎯ ᎦᏚᎲ ᎠᏂᏗ ᎤᎵᎮᎵᏍᏗ ᏩᏯ ᏗᎦᏚ ᎡᏆ ᏎᎷ ᏥᏍᏆ";
    env.write("odd/cherokee.txt", format!("{words}.\n"));
    env.run(&["ingest", "odd", "--collection", "odd"]).expect(0);
    let dense = ["search", words, "--collection", "odd", "--mode", "dense"];
    env.run(&dense).expect(1);
    let odd = env.run(&["eval", "init", "--collection", "odd"]).expect(0).jsonl();
    assert_eq!(odd[0]["expected"][0]["source"], "odd/cherokee.txt");
    env.write("drafts.jsonl", &run.stdout);
    // They ask in the words of the documents.
    env.run(&["eval", "drafts.jsonl", "--min", "hit@5=1"]).expect(0);
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    server.answer(&["How long is it kept?"]);
    let written = env.run(&["eval", "init", "-n", "1"]).expect(0).jsonl();
    assert_eq!(written[0]["question"], "How long is it kept?");
    server.answer(&["???"]);
    let run = env.run(&["eval", "init", "-n", "1"]).expect(0);
    assert!(run.stderr.contains("the model wrote no question"), "{run}");
}
