//! `--trace`, `docent trace` and spans: where an answer comes from.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer, response};

const QUESTION: &str = "How long are ledger backups kept?";
const ANSWER: &[&str] = &["They are kept for 400", " days [", "1", "], or forever [7]."];
const KEY: &str = "sk-traced-0123456789";

/// Documents, an endpoint for answers, and a key for it.
fn scene() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/copy.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let server = ScriptedServer::start();
    server.require_key(KEY);
    server.answer(ANSWER);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", KEY);
    env.set("DOCENT_MODEL", "scripted-chat").set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

fn query(env: &TestEnv, more: &[&str]) -> Run {
    env.run(&[&["query", QUESTION, "--format", "json"][..], more].concat())
}

fn file(env: &TestEnv) -> PathBuf {
    env.path("traces.jsonl")
}

fn records(env: &TestEnv) -> Vec<Value> {
    let text = std::fs::read_to_string(file(env)).expect("records");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_record_says_where_an_answer_comes_from() {
    let (env, _server) = scene();
    let more = ["--trace", "traces.jsonl", "--temperature", "0.5", "--context-tokens", "600"];
    let run = query(&env, &more).expect(0);
    let answer = run.json();
    let status = env.run(&["status", "--format", "json"]).json();
    let manifest = &status["manifest"];
    let [record] = &records(&env)[..] else { panic!("one record") };

    assert_eq!((&record["id"], &record["question"]), (&answer["answer_id"], &answer["question"]));
    assert_eq!(record["docent"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        record["outcome"],
        json!({"exit_code": 0, "no_answer": false, "interrupted": false, "error": null})
    );
    assert_eq!(record["collection"]["name"], "docent");
    assert_eq!(record["collection"]["version"], 1);
    assert_eq!(record["collection"]["created_at"], manifest["created_at"]);
    assert_eq!(record["collection"]["last_run"], manifest["runs"][0]);
    assert_eq!(record["models"]["embedder"], manifest["embedder"]);
    let chat = &record["models"]["chat"];
    assert_eq!((&chat["name"], &chat["revision"]), (&json!("scripted-chat"), &answer["model"]));
    assert_eq!(record["retrieval"]["mode"], "hybrid");
    assert_eq!(record["settings"]["chat.context_tokens"], "600");
    assert_eq!(record["settings"]["chat.temperature"], "0.5");

    let rows = record["retrieved"].as_array().expect("rows");
    assert_eq!(rows.len(), 3, "{record:#}");
    assert_eq!((&rows[0]["rank"], &rows[0]["passage"]), (&json!(1), &json!(1)));
    assert_eq!((&rows[1]["passage"], &rows[1]["dropped"]), (&Value::Null, &json!("duplicate")));
    assert_eq!(rows[0]["document_hash"], answer["passages"][0]["document_hash"]);
    assert_eq!(rows[0]["source"], answer["passages"][0]["source"]);
    assert!(rows[0]["dense"]["rank"].is_u64() && rows[0]["sparse"]["score"].is_f64());
    assert_eq!(rows[0]["chunk_id"].as_str().map(str::len), Some(36));

    assert_eq!(record["citations"][0]["verified"], true);
    assert_eq!(record["invalid_citations"], json!([7]));
    assert_eq!(record["usage"], answer["usage"]);
    assert_eq!(record["prompt_hash"].as_str().map(str::len), Some(64));
    let calls: Vec<&Value> =
        record["calls"].as_array().expect("calls").iter().map(|call| &call["operation"]).collect();
    assert_eq!(calls, ["embeddings", "chat"]);
    let times = &record["timings_ms"];
    let time = |name: &str| times[name].as_f64().expect("a time");
    assert!(time("packing") <= time("retrieved") && time("retrieved") <= time("first_token"));
    assert!(time("first_token") <= time("total"), "{times}");
}

#[test]
fn words_are_kept_only_where_they_are_asked_for() {
    let (env, server) = scene();
    query(&env, &["--trace", "traces.jsonl"]).expect(0);
    // An endpoint that echoes prompt and key when it fails.
    let echo = format!(r#"{{"error":{{"message":"Bearer {KEY} sent: backups are kept for"}}}}"#);
    server.push(Fault::Answer(response("500 Internal Server Error", &[], &echo)));
    query(&env, &["--trace", "traces.jsonl"]).expect(4);
    let text = std::fs::read_to_string(file(&env)).expect("records");
    for word in ["backups are kept for", "or forever", "Answer only from", "0123456789"] {
        assert!(!text.contains(word), "{word} is in\n{text}");
    }
    let failed = &records(&env)[1];
    assert_eq!(failed["outcome"]["exit_code"], 4);
    assert_eq!(failed["outcome"]["error"], "the chat endpoint failed");
    assert_eq!(failed["calls"][1]["error"], "transient");

    query(&env, &["--trace", "traces.jsonl", "--trace-content"]).expect(0);
    let full = &records(&env)[2];
    let content = &full["content"];
    assert_eq!(content["answer"], ANSWER.concat());
    assert!(content["messages"][1]["text"].as_str().expect("a text").contains(QUESTION));
    assert!(!full.to_string().contains(KEY));
}

#[test]
fn records_are_shown_and_listed() {
    let (mut env, _server) = scene();
    env.set("DOCENT_TRACE", "traces/");
    let first = query(&env, &[]).expect(0).json()["answer_id"].as_str().expect("an id").to_owned();
    let again = env.run(&["query", "When does the ferry leave?", "-v"]).expect(0);
    let (_, rest) = again.stderr.split_once("answer ").expect("its id");
    let second = rest.lines().next().expect("an id").to_owned();
    assert!(env.path("traces").join(format!("{first}.json")).is_file());

    let shown = env.run(&["trace", "show", &first[..18]]).expect(0);
    for part in [
        &first,
        QUESTION,
        "answered (exit 0)",
        "scripted-chat",
        "docs/backups.md:L1-L3",
        "duplicate",
        "[1] docs/backups.md:L1-L3, verified",
        "[7], which is not a passage",
        "prompt      sha256 ",
    ] {
        assert!(shown.stdout.contains(part), "{part} is missing\n{shown}");
    }
    let last = env.run(&["trace", "show", "--format", "json"]).expect(0);
    assert_eq!(last.stdout.matches("\"schema_version\"").count(), 1, "{last}");
    let last = last.json();
    assert_eq!((&last["id"], &last["schema_version"]), (&json!(second), &json!(1)));
    let list = env.run(&["trace", "list"]).expect(0);
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert!(lines[0].starts_with(&first) && lines[1].starts_with(&second), "{list}");
    let listed = env.run(&["trace", "list", "--format", "json"]).expect(0).json();
    assert_eq!(listed["traces"][0]["question"], QUESTION);

    assert_run!(env.run(&["trace", "show", "ffff"]).expect(1), @r"
    $ docent trace show ffff
    exit 1
    --- stdout
    --- stderr
    error: [PROJECT]/traces/ has no record of an answer ffff
    hint: docent trace list shows the records
    ");
    let several = env.run(&["trace", "show", &first[..2]]).expect(1);
    assert!(several.stderr.contains("several answers begin with"), "{several}");
    assert_run!(TestEnv::new().run(&["trace", "show"]).expect(2), @r"
    $ docent trace show
    exit 2
    --- stdout
    --- stderr
    error: no file of records is named, and none are kept without --trace
    hint: use docent trace show --trace FILE|DIR, or set DOCENT_TRACE for all commands
    ");
    assert_run!(env.run(&["trace", "list", "--trace", "none.jsonl"]).expect(3), @r"
    $ docent trace list --trace none.jsonl
    exit 3
    --- stdout
    --- stderr
    error: [PROJECT]/none.jsonl: No such file or directory (os error 2)
    hint: make records with docent query --trace FILE|DIR QUESTION
    ");
}

#[test]
fn a_record_that_cannot_be_written_is_known_before_anything_is_asked() {
    let (env, server) = scene();
    env.write("occupied", "");
    assert_run!(query(&env, &["--trace", "occupied/traces.jsonl"]).expect(3), @r#"
    $ docent query How long are ledger backups kept? --format json --trace occupied/traces.jsonl
    exit 3
    --- stdout
    --- stderr
    {"schema_version":1,"error":{"message":"--trace [PROJECT]/occupied/traces.jsonl: Not a directory (os error 20)","causes":[],"hint":"name a file or a directory that can be written","exit_code":3}}
    "#);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_project_file_keeps_no_records_unless_it_is_trusted() {
    let (env, _server) = scene();
    env.write("docent.toml", "[trace]\npath = \"../elsewhere.jsonl\"\n");
    assert!(query(&env, &[]).expect(3).stderr.contains("docent config trust"));
    env.write("docent.toml", "[trace]\npath = \"traces.jsonl\"\ncontent = true\n");
    let run = query(&env, &["--base-url", "http://127.0.0.1:1/v1"]).expect(3);
    assert!(run.stderr.contains("trace.path = traces.jsonl, trace.content = true"), "{run}");
    assert!(!env.path("traces.jsonl").exists());
}

/// Attributes of a span by name.
fn attributes(of: &Value) -> Value {
    let pairs = of["attributes"].as_array().expect("attributes").iter();
    pairs
        .map(|pair| (pair["key"].as_str().expect("a key").to_owned(), pair["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn spans_arrive_at_a_collector() {
    let (mut env, server) = scene();
    let collector = ScriptedServer::start();
    collector.keep(Fault::Answer(response("200 OK", &[], "{}")));
    let endpoint = collector.base_url().replace("/v1", "");
    env.set("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    env.set("OTEL_EXPORTER_OTLP_HEADERS", "x-token=t%20k").set("OTEL_SERVICE_NAME", "handbook");
    let id = query(&env, &[]).expect(0).json()["answer_id"].as_str().expect("an id").to_owned();

    let [request] = &collector.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/traces"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("x-token"), Some("t k"));
    let resource = &request.body["resourceSpans"][0];
    let named = attributes(&resource["resource"]);
    assert_eq!(named["service.name"]["stringValue"], "handbook");
    assert_eq!(named["service.version"]["stringValue"], env!("CARGO_PKG_VERSION"));

    let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans");
    let names: Vec<&str> = spans.iter().filter_map(|span| span["name"].as_str()).collect();
    let expected =
        ["query", "embeddings builtin", "chat scripted-chat", "retrieval docent", "pack"];
    assert_eq!(names, expected);
    let kinds: Vec<u64> = spans.iter().filter_map(|span| span["kind"].as_u64()).collect();
    assert_eq!(kinds, [1, 1, 3, 1, 1]);
    let root = &spans[0];
    let nanos = |span: &Value, name: &str| -> u64 {
        span[name].as_str().and_then(|text| text.parse().ok()).expect("a time")
    };
    for span in spans {
        assert_eq!(span["traceId"], id.replace('-', ""));
        assert_eq!(span["spanId"].as_str().map(str::len), Some(16));
        assert!(span["name"] == "query" || span["parentSpanId"] == root["spanId"]);
        assert!(nanos(span, "startTimeUnixNano") >= nanos(root, "startTimeUnixNano"));
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"));
        assert!(nanos(span, "endTimeUnixNano") <= nanos(root, "endTimeUnixNano"));
    }
    let chat = attributes(&spans[2]);
    for (name, value) in [
        ("gen_ai.operation.name", json!({"stringValue": "chat"})),
        ("gen_ai.provider.name", json!({"stringValue": "openai"})),
        ("gen_ai.request.model", json!({"stringValue": "scripted-chat"})),
        ("server.address", json!({"stringValue": "127.0.0.1"})),
        (
            "gen_ai.response.finish_reasons",
            json!({"arrayValue": {"values": [{"stringValue": "stop"}]}}),
        ),
    ] {
        assert_eq!(chat[name], value, "{name} in {chat:#}");
    }
    assert!(chat["gen_ai.usage.input_tokens"]["intValue"].is_string(), "{chat:#}");
    assert_eq!(attributes(&spans[1])["gen_ai.operation.name"]["stringValue"], "embeddings");
    assert_eq!(attributes(&spans[3])["gen_ai.data_source.id"]["stringValue"], "docent");
    assert_eq!(attributes(&spans[4])["docent.passages"]["intValue"], "2");
    assert_eq!(attributes(&spans[4])["docent.dropped"]["intValue"], "1");
    assert_eq!(attributes(root)["docent.citations.invalid"]["intValue"], "1");
    let text = request.body.to_string();
    for word in [QUESTION, "or forever", KEY] {
        assert!(!text.contains(word), "{word} is in\n{text}");
    }

    // With the words, and with a failure.
    query(&env, &["--trace-content"]).expect(0);
    server.push(Fault::Answer(response("400 Bad Request", &[], r#"{"error":"no"}"#)));
    query(&env, &[]).expect(4);
    let requests = collector.requests();
    let spans = |place: usize| &requests[place].body["resourceSpans"][0]["scopeSpans"][0]["spans"];
    let chat = attributes(&spans(1)[2]);
    let said = |name: &str| -> Value {
        serde_json::from_str(chat[name]["stringValue"].as_str().expect("a text")).expect("JSON")
    };
    assert_eq!(said("gen_ai.output.messages")[0]["parts"][0]["content"], ANSWER.concat());
    assert_eq!(said("gen_ai.input.messages")[0]["role"], "system");
    assert_eq!(spans(2)[0]["status"]["code"], 2);
    assert_eq!(spans(2)[2]["status"]["code"], 2);
    assert_eq!(attributes(&spans(2)[2])["error.type"]["stringValue"], "refused");
}

#[test]
fn a_collector_that_is_down_or_hangs_costs_a_warning() {
    let (mut env, _server) = scene();
    env.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret@127.0.0.1:1");
    let run = query(&env, &[]).expect(0);
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run}");
    assert!(run.stderr.contains("not exported to http://") && !run.stderr.contains("secret"));
    let collector = ScriptedServer::start();
    collector.keep(Fault::Stall);
    env.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.base_url());
    env.set("OTEL_EXPORTER_OTLP_TIMEOUT", "200");
    let run = query(&env, &[]).expect(0);
    assert!(run.stderr.contains("no answer in 0.2 s"), "{run}");
    env.set("OTEL_SDK_DISABLED", "true");
    assert_eq!(query(&env, &[]).expect(0).stderr, "");
}
