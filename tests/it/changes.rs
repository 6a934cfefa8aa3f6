//! Every change of a collection is in the log of changes, whichever command makes it.
//!
//! `DOCENT_TEST_KILLS=200 cargo test --release --test it changes` kills more often.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::env::TestEnv;
use crate::kill::{Dice, number};
use crate::mcp_client::Agent;
use crate::qdrant::{Script, ScriptedQdrant};
use crate::served::{Served, key};

/// Kills of the run that CI makes.
const FEW: u64 = 6;

/// How often to look for something that must come.
const TRIES: u32 = 600;

const LOG: &str = ".docent/changes.jsonl";

/// Text of a document.
const TEXT: &str = "The ferry to Elba leaves at seven from the pier.";

fn ferry(env: &TestEnv) {
    env.write("docs/ferry.md", format!("# Ferry\n\n{TEXT}\n"));
}

fn lines(env: &TestEnv) -> Vec<Value> {
    let text = fs::read_to_string(env.path(LOG)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

/// The last line, which ends what `command` did, with one before it.
#[track_caller]
fn ended(env: &TestEnv, command: &str, outcome: &str) -> Value {
    let lines = lines(env);
    let [.., begun, ended] = &lines[..] else { panic!("{lines:#?}") };
    for (line, phase) in [(begun, "begun"), (ended, "ended")] {
        assert_eq!((&line["command"], &line["phase"]), (&json!(command), &json!(phase)), "{line}");
        assert_eq!(line["change_id"], ended["change_id"]);
    }
    assert_eq!(ended["outcome"], outcome, "{ended}");
    ended.clone()
}

/// The commands that the schema lists.
fn commands_there_are() -> BTreeSet<String> {
    let schema = TestEnv::new().run(&["schema", "changes-jsonl"]).expect(0).json();
    let mut found = BTreeSet::new();
    let command = &schema["definitions"]["ChangeCommand"];
    let parts = command["oneOf"].as_array().into_iter().flatten().chain([command]);
    for names in parts.filter_map(|part| part["enum"].as_array()) {
        found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    assert!(found.len() > 10, "{schema}");
    found
}

/// Fails if a command is not tried here: a new command needs a line.
#[test]
fn every_operation_that_changes_a_collection_has_its_lines() {
    let mut seen = BTreeSet::new();
    let mut env = TestEnv::new();
    env.set("USER", "ada");
    ferry(&env);
    env.write("docs/harbour.md", "# Harbour\n\nThe harbour has two piers.\n");
    env.write(
        "cases.jsonl",
        r#"{"id":"a","question":"When does the ferry leave?","expected":["docs/ferry.md"]}"#,
    );
    env.write("beir/corpus.jsonl", r#"{"_id":"1","title":"Ferry","text":"It leaves at seven."}"#);
    env.write("beir/queries.jsonl", r#"{"_id":"q","text":"When does the ferry leave?"}"#);
    env.write("beir/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\n");

    let mut made = |command: &str, args: &[&str], code: i32, outcome: &str| -> Value {
        env.run(args).expect(code);
        seen.insert(command.to_owned());
        ended(&env, command, outcome)
    };
    let first = made("ingest", &["ingest", "docs"], 0, "done");
    assert_eq!((&first["user"], &first["live_before"]), (&json!("ada"), &Value::Null), "{first}");
    assert_eq!((&first["live_after"], &first["documents"]["added"]), (&json!(1), &json!(2)));
    assert!(first["run_id"].is_string() && first["host"].is_string(), "{first}");
    assert!(first["content_after"].is_string() && first["content_before"].is_null(), "{first}");
    let built = made("ingest --new-version", &["ingest", "--new-version"], 0, "done");
    assert_eq!((&built["live_after"], &built["versions"]), (&json!(1), &json!([2])), "{built}");
    assert_eq!(built["content_before"], first["content_after"], "{built}");
    let switched = made("index use", &["index", "use", "2"], 0, "done");
    assert_eq!((&switched["live_before"], &switched["live_after"]), (&json!(1), &json!(2)));
    made("index rollback", &["index", "rollback"], 0, "done");
    made("index drop", &["index", "drop", "2"], 0, "done");
    made("ingest --rebuild", &["ingest", "--rebuild"], 0, "done");
    let pruned = made("index prune", &["index", "prune", "--keep", "0"], 0, "done");
    assert_eq!(pruned["versions"], json!([1]), "{pruned}");
    let gate =
        |condition| ["ingest", "--new-version", "--promote-if", condition, "--eval", "cases.jsonl"];
    made("ingest --promote-if", &gate("recall@5>=0.5"), 0, "done");
    let refused = made("ingest --promote-if", &gate("precision@5>=0.99"), 1, "refused");
    assert_eq!(refused["live_before"], refused["live_after"], "{refused}");
    env.run(&["index", "export", "all.docent"]).expect(0);
    let import = ["index", "import", "all.docent", "--replace"];
    made("index import", &import, 0, "done");
    let purged = made("purge", &["purge", "--source", "docs/harbour.md", "--yes"], 0, "done");
    assert_eq!(purged["purge"]["documents"], 1, "{purged}");
    made("index repair", &["index", "repair"], 0, "done");
    env.write("notes.md", "# Notes\n\nThe pier is long.\n");
    made("query --from", &["query", "--from", "notes.md", "How long is the pier?"], 0, "done");
    let sweep = ["eval", "cases.jsonl", "--sweep", "chunk-tokens=64,128"];
    made("eval --sweep", &sweep, 0, "done");
    made("eval --beir", &["eval", "--beir", "beir"], 0, "done");
    fs::remove_file(env.path("notes.md")).expect("a file");
    made("ingest --forget", &["ingest", "--forget", "notes.md"], 0, "done");
    // A failed change says so, and that something failed.
    env.write("docs/broken.pdf", "%PDF-1.4 nothing");
    let partial = made("ingest", &["ingest", "docs"], 5, "partial");
    assert_eq!(partial["documents"]["failed"], 1, "{partial}");

    // A command that changes nothing writes no line.
    let before = lines(&env).len();
    for args in [&["ingest", "docs"][..], &["ingest", "docs", "--check"], &["search", "ferry"]] {
        env.run(args);
    }
    env.run(&["index", "use", "99"]).expect(2);
    assert_eq!(lines(&env).len(), before);

    seen.extend(served(&mut env));
    seen.extend(on_a_server());
    assert_eq!(seen, commands_there_are(), "left: what is tried here; right: what there is");

    let text = fs::read_to_string(env.path(LOG)).expect("a log");
    for content in [TEXT, "piers", "dk_"] {
        assert!(!text.contains(content), "{content}");
    }
    env.run(&["audit", "verify"]).expect(0);
    let listed = env.run(&["audit", "list"]).expect(0);
    assert!(listed.stdout.contains("  purge  done  ada@"), "{listed}");
    assert!(!listed.stderr.contains("no end is logged"), "{listed}");
}

/// Over HTTP, by an agent, and by a watch.
fn served(env: &mut TestEnv) -> BTreeSet<String> {
    let key = key(env, "writer", &["--right", "search", "--right", "ingest"]);
    let served = Served::start(env, &["--ingest", "--watch", "docs"]);
    env.write("docs/museum.md", "# Museum\n\nIt shows maps.\n");
    wait(env, "serve --watch");
    let body = "--frontier\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n\
         --frontier\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"\r\n\
         content-type: text/markdown\r\n\r\n# Lamps\n\nThey burn oil.\n\r\n--frontier--\r\n";
    let bearer = format!("Bearer {key}");
    let headers =
        [("content-type", "multipart/form-data; boundary=frontier"), ("authorization", &*bearer)];
    let file = served.ask("POST", "/v1/files", &headers, body).expect(200).json();
    let body = json!({ "file_id": file["id"] });
    served.post_as(&key, "/v1/vector_stores/vs_docent/files", &body).expect(200);
    let uploaded = wait(env, "serve --ingest");
    assert_eq!(uploaded["keys"], json!(["writer"]), "{uploaded}");
    served.terminate();
    assert_eq!(served.ended(), Some(0));
    env.write("docs/museum.md", "# Museum\n\nIt shows globes.\n");
    let mut agent = Agent::start(env, &["--allow-ingest"]);
    assert_eq!(agent.call("sync", json!({}))["changed"], 1);
    wait(env, "mcp sync");
    assert_eq!(agent.end(), Some(0));
    let mut watch = env.command(&["ingest", "docs", "--watch"]).spawn().expect("docent starts");
    env.write("docs/museum.md", "# Museum\n\nIt shows charts.\n");
    wait(env, "ingest --watch");
    crate::env::interrupt(&watch);
    watch.wait().expect("an end");
    ["serve --watch", "serve --ingest", "mcp sync", "ingest --watch"].map(str::to_owned).into()
}

#[track_caller]
fn wait(env: &TestEnv, command: &str) -> Value {
    for _ in 0..TRIES {
        let text = fs::read_to_string(env.path(LOG)).unwrap_or_default();
        // Only the beginning of a line that is being written is there.
        let mut lines = text.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
        let is_it = |line: &Value| line["command"] == command && line["phase"] == "ended";
        if let Some(line) = lines.find(is_it) {
            return line;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {command}");
}

fn on_a_server() -> BTreeSet<String> {
    let mut env = TestEnv::new();
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    ferry(&env);
    env.run(&["ingest", "docs"]).expect(0);
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "shore");
    env.run(&["index", "push"]).expect(0);
    let pushed = ended(&env, "index push", "done");
    assert_eq!((&pushed["project"], &pushed["collection"]), (&json!("shore"), &json!("shore")));
    // The log is beside the project: it has the changes of both.
    assert_eq!(lines(&env).len(), 4);
    env.write("docs/pier.md", "# Pier\n\nIt is long.\n");
    env.run(&["ingest", "docs"]).expect(0);
    ended(&env, "ingest", "done");
    env.run(&["index", "pull"]).expect(0);
    let pulled = ended(&env, "index pull", "done");
    assert_eq!(pulled["documents"]["added"], 1, "{pulled}");
    let mut other = TestEnv::new();
    other.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "other");
    let adopt = ["index", "adopt", "--collection", "shore"];
    other.run(&adopt).expect(3);
    ended(&other, "index adopt", "failed");
    other.run(&[&adopt[..], &["--from", "shore"]].concat()).expect(0);
    ended(&other, "index adopt", "done");
    ["index push", "index pull", "index adopt"].map(str::to_owned).into()
}

#[test]
fn a_change_that_can_not_be_noted_is_not_made() {
    let mut env = TestEnv::new();
    ferry(&env);
    env.run(&["ingest", "docs"]).expect(0);
    let noted = fs::read(env.path(LOG)).expect("a log");
    // A file of another program, whose last line is not docent's.
    env.write(LOG, "hello\n");
    env.write("docs/pier.md", "# Pier\n\nIt is long.\n");
    for args in [&["ingest", "docs"][..], &["ingest", "--new-version"], &["index", "repair"]] {
        let refused = env.run(args).expect(4);
        assert!(refused.stderr.contains("nothing was changed"), "{refused}");
        assert!(refused.stderr.contains("index.audit = false"), "{refused}");
    }
    let refused = env.run(&["purge", "--source", "docs/ferry.md", "--yes"]).expect(4);
    assert!(refused.stderr.contains("changes.jsonl"), "{refused}");
    assert!(!env.run(&["search", "pier"]).stdout.contains("long"));
    env.run(&["ingest", "docs", "--check"]).expect(1);
    // The user can turn the log off; an untrusted project cannot.
    env.write("docent.toml", "[index]\naudit = false\n");
    let refused = env.run(&["ingest", "docs"]).expect(3);
    assert!(refused.stderr.contains("index.audit"), "{refused}");
    fs::remove_file(env.path("docent.toml")).expect("a file");
    env.set("DOCENT_INDEX_AUDIT", "false");
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(fs::read(env.path(LOG)).expect("a log"), b"hello\n");
    env.set("DOCENT_INDEX_AUDIT", "true");
    fs::write(env.path(LOG), noted).expect("a file");
    env.write("docs/pier.md", "# Pier\n\nIt is short.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["audit", "verify"]).expect(0);
}

#[test]
fn collections_that_are_written_at_once_have_one_chain() {
    let env = TestEnv::new();
    ferry(&env);
    let names = ["one", "two", "three", "four"];
    for _ in 0..3 {
        let start = |name: &&str| {
            let args = ["ingest", "docs", "--rebuild", "--collection", name];
            env.command(&args).spawn().expect("docent starts")
        };
        let runs: Vec<_> = names.iter().map(start).collect();
        for run in runs {
            let output = run.wait_with_output().expect("an end");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let verified = env.run(&["audit", "verify", "--format", "json"]).expect(0).json();
    assert_eq!(verified["lines"], 2 * 3 * names.len(), "{verified}");
}

/// If a killed run has changed something, the log at least says that it began.
#[test]
fn a_change_is_in_the_log_whenever_it_is_killed() {
    let env = TestEnv::new();
    ferry(&env);
    let started = std::time::Instant::now();
    env.run(&["ingest", "docs"]).expect(0);
    let whole = started.elapsed().as_micros() as u64 * 3 / 2;
    let mut dice = Dice(number("DOCENT_TEST_SEED").unwrap_or(1));
    let (mut cut, mut nothing) = (0, 0);
    for round in 0..number("DOCENT_TEST_KILLS").unwrap_or(FEW) {
        let page = format!("docs/{round}.md");
        env.write(&page, format!("# Page {round}\n\nIt has the word w{round}.\n"));
        let before = lines(&env).len();
        let mut child = env.command(&["ingest", "docs"]).spawn().expect("docent starts");
        if round == 0 {
            // One kill comes right after the beginning, so that one run is certainly cut off.
            while lines_or_part(&env) == before {
                std::thread::yield_now();
            }
        } else {
            std::thread::sleep(Duration::from_micros(dice.below(whole)));
        }
        child.kill().expect("a kill");
        child.wait().expect("an end");
        let listed = env.run(&["audit", "list", "--format", "json"]).expect(0).json();
        let after = listed["lines"].as_array().expect("lines").len();
        let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
        let is_there = status["records"].to_string().contains(&page);
        let is_unfinished = !status["manifest"]["unfinished"].is_null();
        if is_there || is_unfinished {
            assert!(after > before, "round {round}: it was changed, and nothing says so");
        }
        cut += usize::from(after == before + 1);
        nothing += usize::from(after == before);
        env.run(&["audit", "verify"]).expect(0);
        env.run(&["ingest", "docs"]).expect(0);
    }
    assert!(cut > 0, "the first is one that had begun; {nothing} had not");
    let listed = env.run(&["audit", "list"]).expect(0);
    assert!(listed.stderr.contains("no end is logged"), "{listed}");
}

fn lines_or_part(env: &TestEnv) -> usize {
    fs::read_to_string(env.path(LOG)).unwrap_or_default().lines().count()
}

/// The log of versions is written after the event: lines that a kill prevented are reconstructed from
/// the versions that exist.
#[test]
fn the_log_of_versions_is_completed_by_what_there_is() {
    let env = TestEnv::new();
    ferry(&env);
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["ingest", "--new-version"]).expect(0);
    let log = env.path(".docent/collections/docent@log");
    let before = fs::read(&log).expect("a log");
    env.run(&["index", "use", "2"]).expect(0);
    // As if the process had been killed before it could write its line.
    fs::write(&log, &before).expect("a file");
    let rows = |env: &TestEnv| -> Vec<String> {
        let log = env.run(&["index", "log", "--format", "json"]).expect(0).json();
        let row = |row: &Value| format!("{} {} {}", row["version"], row["change"], row["cause"]);
        let events = log["events"].as_array().expect("events");
        events.iter().map(|event| row(event).replace('"', "")).collect()
    };
    assert_eq!(rows(&env)[0], "2 live unknown");
    assert_eq!(fs::read(&log).expect("a log"), before, "who looks writes nothing");
    env.run(&["index", "rollback"]).expect(0);
    assert_eq!(rows(&env)[..2], ["1 live rollback", "2 live unknown"]);
    let text = fs::read_to_string(&log).expect("a log");
    assert_eq!(text.lines().count(), 4, "{text}");
}

/// A tenant is not shown the log of another tenant's collections.
#[test]
fn a_tenant_is_shown_its_own_lines() {
    let env = TestEnv::new();
    ferry(&env);
    for tenant in ["acme", "globex"] {
        env.run(&["ingest", "docs", "--tenant", tenant]).expect(0);
    }
    let listed = env.run(&["audit", "list", "--tenant", "acme"]).expect(0);
    assert_eq!(listed.stdout.matches("docent~acme").count(), 2, "{listed}");
    assert!(!listed.stdout.contains("globex"), "{listed}");
    assert_eq!(env.run(&["audit", "list"]).expect(0).stdout.lines().count(), 4);
    env.run(&["audit", "verify", "--tenant", "acme"]).expect(0);
}
