//! Output matches the schemas that `docent schema` prints.

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer, capture};
use crate::served::Served;

/// Fails unless the schema of that name describes the value, and all of it: a field that the schema
/// does not name is one that was forgotten.
#[track_caller]
pub(crate) fn check(env: &TestEnv, name: &str, values: &[Value]) {
    assert!(!values.is_empty(), "nothing to check {name} with");
    let open = env.run(&["schema", name]).expect(0).json();
    let mut closed = open.clone();
    closed["$schema"] = json!("https://json-schema.org/draft/2019-09/schema");
    closed["unevaluatedProperties"] = json!(false);
    if let Some(definitions) = closed.get_mut("definitions").and_then(Value::as_object_mut) {
        for definition in definitions.values_mut() {
            definition["unevaluatedProperties"] = json!(false);
        }
    }
    for schema in [open, closed] {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("http://localhost/schema.json", schema).expect("a resource");
        let schema = compiler.compile("http://localhost/schema.json", &mut schemas);
        let schema = schema.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        for value in values {
            if let Err(error) = schemas.validate(value, schema) {
                panic!("{name}: {error:#}\n{value:#}");
            }
        }
    }
}

/// The lines of stderr, where it is JSON.
fn stderr(run: &Run) -> Vec<Value> {
    run.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON on stderr")).collect()
}

#[test]
fn answers() {
    let mut env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_ATTEMPTS", "1");
    let question = "How long are ledger backups kept?";
    let mut objects = vec![env.run(&["query", question, "--format", "json"]).expect(0).json()];
    let mut events = env.run(&["query", question, "--format", "jsonl"]).expect(0).jsonl();
    let mut rows = Vec::new();
    let mut messages = Vec::new();
    let answers = ["For 400 days [1] or 900 [2][99]. Who knows.", "400 days.", "NO_ANSWER", ""];
    for answer in answers {
        server.answer(&[answer]);
        let model = ["query", question, "--model", "scripted-chat", "--format"];
        let run = env.run(&[&model[..], &["json"]].concat());
        messages.extend(stderr(&run));
        objects.push(run.json());
        events.extend(env.run(&[&model[..], &["jsonl"]].concat()).jsonl());
        server.push(Fault::CutAfter(2));
        events.extend(env.run(&[&model[..], &["jsonl"]].concat()).jsonl());
        server.push(Fault::Answer(capture("ls-ctx.http")));
        let input = format!("\"{question}\"\n{{}}\n\"{question}\"\n");
        let batch = ["query", "--model", "m", "--batch", "-", "--concurrency", "1"];
        rows.extend(env.run_with_input(&batch, input).jsonl());
    }
    let floor = ["query", question, "--mode", "dense", "--min-score", "1", "--format", "json"];
    objects.push(env.run(&floor).expect(1).json());
    server.push(Fault::Answer(capture("ls-ctx.http")));
    let failed = ["query", question, "--model", "m", "--format", "json"];
    messages.extend(stderr(&env.run(&failed).expect(4)));
    let turns = format!("{question}\nAnd of what else?\n");
    let chat = |format| {
        server.answer(&["For 400 days [1]."]);
        let args = ["chat", "--model", "scripted-chat", "--format", format];
        env.run_with_input(&args, turns.clone()).expect(0).jsonl()
    };
    check(&env, "chat-json", &chat("json"));
    check(&env, "chat-jsonl", &chat("jsonl"));
    check(&env, "query-json", &objects);
    check(&env, "query-jsonl", &events);
    check(&env, "query-batch", &rows);
    check(&env, "stderr-jsonl", &messages);
    for name in ["retrieved", "delta", "citation", "warning", "done"] {
        assert!(events.iter().any(|event| event["event"] == name), "no {name}");
    }
    for name in ["note", "error"] {
        assert!(messages.iter().any(|message| message.get(name).is_some()), "no {name}");
    }
}

#[test]
fn reports() {
    let env = TestEnv::with_cases();
    env.write("sample-docs/broken.pdf", "%PDF-1.4 not really");
    let json = |args: &[&str]| env.run(&[args, &["--format", "json"]].concat()).json();
    check(&env, "ingest-plan-json", &[json(&["ingest", "--dry-run", "sample-docs"])]);
    let report = json(&["ingest", "sample-docs"]);
    assert_eq!(report["failed"].as_array().map(Vec::len), Some(1));
    check(&env, "ingest-json", &[report, json(&["ingest", "sample-docs"])]);
    std::fs::rename(env.path("sample-docs/README.md"), env.path("sample-docs/MOVED.md")).ok();
    check(&env, "ingest-plan-json", &[json(&["ingest", "--check", "sample-docs"])]);
    let eval = ["eval", "cases.jsonl", "--min", "recall@5=1", "--compare", "hybrid,dense"];
    check(&env, "eval-json", &[json(&eval), json(&["eval", "cases.jsonl", "--answers"])]);
    check(&env, "show-json", &[json(&["show", "sample-docs/broken.pdf"])]);
    check(&env, "status-json", &[json(&["status"]), json(&["status", "--documents"])]);
    check(&env, "doctor-json", &[json(&["doctor"])]);
    let index = ["verify", "repair"].map(|what| json(&["index", what]));
    check(&env, "index-json", &index);
    check(&env, "index-key-json", &[json(&["index", "key"])]);
    json(&["ingest", "sample-docs", "--new-version"]);
    check(&env, "index-list-json", &[json(&["index", "list"])]);
    check(&env, "index-show-json", &[json(&["index", "show", "2"])]);
    let switched = [json(&["index", "use", "2"]), json(&["index", "rollback"])];
    check(&env, "index-use-json", &switched);
    let purge = ["purge", "--source", "sample-docs/releases"];
    let plan = json(&[&purge[..], &["--dry-run"]].concat());
    check(&env, "purge-json", &[plan, json(&[&purge[..], &["--yes"]].concat())]);
    let changes = std::fs::read_to_string(env.path(".docent/changes.jsonl")).expect("a log");
    let lines: Vec<Value> =
        changes.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    check(&env, "changes-jsonl", &lines);
    let removed = [json(&["index", "drop", "2"]), json(&["index", "prune"])];
    check(&env, "index-drop-json", &removed);
    let [export, import] = ["export", "import"].map(|what| ["index", what, "docs.index"]);
    let export = json(&export);
    let import = json(&[&import[..], &["--replace"]].concat());
    check(&env, "index-file-json", &[export, import]);
    check(&env, "config-json", &[json(&["config", "show"])]);
    json(&["query", "How long are backups kept?", "--trace", "traces", "--trace-content"]);
    json(&["query", "zymurgy", "--trace", "traces"]);
    let traces = json(&["trace", "list", "--trace", "traces"]);
    let shown = |row: &Value| {
        json(&["trace", "show", "--trace", "traces", row["id"].as_str().expect("an id")])
    };
    let rows = traces["traces"].as_array().expect("traces").iter().map(shown);
    check(&env, "trace-json", &rows.collect::<Vec<_>>());
    check(&env, "trace-list-json", &[traces]);
}

#[test]
fn passages_of_every_kind_of_place() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let modes = ["hybrid", "dense", "sparse"];
    let search = |mode: &str, format: &str| {
        env.run(&["search", "ledger restore", "-k", "200", "--mode", mode, "--format", format])
    };
    let found: Vec<Value> = modes.iter().map(|mode| search(mode, "json").json()).collect();
    check(&env, "search-json", &found);
    let lines = search("hybrid", "jsonl").jsonl();
    check(&env, "search-jsonl", &lines);
    let explain = |expect: &str, format: &str| {
        let question = ["explain", "How long are ledger backups kept?", "-k", "3"];
        env.run(&[&question[..], &["--expect", expect, "--format", format]].concat())
    };
    let sources = ["sample-docs/README.md", "zymurgy.md", "sample-docs", "docent.toml:L3"];
    let found: Vec<Value> = sources.iter().map(|source| explain(source, "json").json()).collect();
    check(&env, "explain-json", &found);
    check(&env, "explain-jsonl", &explain(sources[0], "jsonl").jsonl());
    let show = |source: &str, format: &str| env.run(&["show", source, "--format", format]);
    let documents =
        ["README.md:L3-L9", "policies/restore.pdf", "policies/data-retention.docx", "no.md"]
            .map(|source| format!("sample-docs/{source}"));
    check(&env, "show-json", &documents.each_ref().map(|source| show(source, "json").json()));
    let events = documents.each_ref().map(|source| show(source, "jsonl").jsonl());
    check(&env, "show-jsonl", &events.concat());
    for place in ["lines", "page", "paragraphs"] {
        assert!(lines.iter().any(|hit| hit.get(place).is_some()), "no {place}");
    }
}

#[test]
fn what_a_server_prints_and_keeps() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let json = |args: &[&str]| env.run(&[args, &["--format", "json"]].concat()).expect(0).json();
    check(&env, "keys-json", &[json(&["keys", "list"])]);
    let flags =
        ["--right", "search", "--right", "admin", "--expires", "30d", "--requests-per-minute", "9"];
    let new = json(&[&["keys", "create", "a"], &flags[..]].concat());
    let other =
        json(&["keys", "create", "b", "--only", "docent", "--source", "sample-docs", "--tag", "t"]);
    check(&env, "keys-new-json", &[new.clone(), other]);
    check(&env, "keys-json", &[json(&["keys", "list"])]);
    let served = Served::start(&env, &["--audit", "audit.jsonl", "--audit-content"]);
    check(&env, "serve-json", &[served.first_line().clone()]);
    let key = new["key"].as_str().expect("a key");
    let question = json!({ "question": "How long are ledger backups kept?" });
    served.post_as(key, "/v1/docent/search", &question).expect(200);
    served.post_as(key, "/v1/docent/query", &question).expect(403);
    served.post("/v1/docent/query", &question).expect(401);
    let usage = served.get_as(key, "/v1/docent/usage").expect(200).json();
    check(&env, "usage-json", &[usage]);
    served.logged("/v1/docent/usage");
    let lines = |text: String| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
    };
    let log: Vec<Value> = lines(served.log().join("\n"))
        .into_iter()
        .filter(|line| line.get("status").is_some())
        .collect();
    assert_eq!(log.len(), 4);
    check(&env, "serve-log-jsonl", &log);
    let audit = std::fs::read_to_string(env.path("audit.jsonl")).expect("the audit");
    check(&env, "audit-jsonl", &lines(audit));
    check(&env, "audit-json", &[json(&["audit", "verify", "audit.jsonl"])]);
    let listed = json(&["audit", "list", "audit.jsonl", "--last", "2"]);
    assert_eq!(listed["lines"].as_array().map(Vec::len), Some(2));
    check(&env, "audit-list-json", &[listed]);
}

#[test]
fn a_schema_is_not_met_by_anything() {
    let env = TestEnv::new();
    let schema = env.run(&["schema", "query-json"]).expect(0).json();
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.add_resource("http://localhost/schema.json", schema).expect("a resource");
    let schema = compiler.compile("http://localhost/schema.json", &mut schemas).expect("a schema");
    for wrong in [json!({}), json!({"schema_version": 1, "answer": 7}), json!([])] {
        assert!(schemas.validate(&wrong, schema).is_err(), "{wrong}");
    }
    let run = env.run(&["schema", "query-jsonl"]).expect(0);
    assert_eq!(run.json()["title"], "docent query --format jsonl");
    env.run(&["schema", "nonsense"]).expect(2);
}
