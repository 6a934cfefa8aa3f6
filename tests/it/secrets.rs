//! Documents with secrets. The secrets are composed here, so that scanners of this repository do not
//! take them for real ones.

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::openai::ScriptedServer;

/// A secret that would be a real one, and a part of it that nothing may print.
fn token() -> (String, &'static str) {
    (format!("gh{}{}{}", "p_", "Zk41Qw9sTbV7nRx2", "LmYc8dHf0aJg5uEiPo3K"), "Zk41Qw9sTbV7nRx2")
}

fn key() -> String {
    let lines = [
        "Q8vT2mZx7LkR4nWp9sYbD1gHc6JfE3aUoKi5tNlV0qXzMrBwGyCdPhSjFeAuIOT2",
        "b7Rk1Vq9Xz4Lm8Nw3Tp6Yc2Hd5Jf0Gs7Ka1Eu9Oi4Pl8Mn3Bv6Cx2Zq5Wr0Dt7Y",
    ];
    let dashes = "-".repeat(5);
    let label = "OPENSSH PRIVATE KEY";
    format!("{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}\n", lines.join("\n"))
}

fn runbook() -> TestEnv {
    let env = TestEnv::new();
    let (token, _) = token();
    env.write("docs/clean.md", "# Clean\n\nNothing to hide in here.\n");
    env.write(
        "docs/runbook.md",
        format!(
            "# Deploy\n\nRun it with {token} as the token.\n\n```\n{}```\n\nThen wait.\n",
            key()
        ),
    );
    env
}

/// Whether any file of docent contains the secret, deleted or not.
fn found_by_search(env: &TestEnv, words: &str) -> String {
    env.run(&["search", words, "--mode", "sparse", "--format", "json"]).stdout
}

fn tells_nothing(run: &Run) {
    let all = format!("{}{}", run.stdout, run.stderr);
    for part in [token().1, "Q8vT2mZx7LkR4nWp", "b7Rk1Vq9Xz4Lm8Nw"] {
        assert!(!all.contains(part), "{run}");
    }
}

fn counts(report: &Value) -> Value {
    json!([
        report["added"],
        report["changed"],
        report["deleted"],
        report["unchanged"],
        report["skipped"]
    ])
}

#[test]
fn a_warning_names_the_place_and_not_the_secret() {
    let env = runbook();
    let run = env.run(&["ingest", "docs"]).expect(0);
    tells_nothing(&run);
    assert_run!(run, @r"
    $ docent ingest docs
    exit 0
    --- stdout
    added 2, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 0 in [TIME]
    2 chunks stored, 2 texts embedded, 0 reused
    --- stderr
    warning: docs/runbook.md:L3: looks like a GitHub token (github-token)
    warning: docs/runbook.md:L6: looks like a private key (private-key)
    note: 2 secrets stored unchanged; --on-secret redact, skip or fail keeps secrets out
    ");
    // What did not change is not read again.
    let again = env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(again.stderr, "");
}

#[test]
fn the_report_as_json_lists_them() {
    let env = runbook();
    let run = env.run(&["ingest", "docs", "--format", "json"]).expect(0);
    tells_nothing(&run);
    assert_eq!(run.stderr, "");
    let report = run.json();
    let row = |line: u32, rule: &str| json!({"source": "docs/runbook.md", "citation": format!("docs/runbook.md:L{line}"), "rule": rule});
    assert_eq!(report["secrets"], json!([row(3, "github-token"), row(6, "private-key")]));
    assert_eq!((&report["secrets_total"], &report["on_secret"]), (&json!(2), &json!("warn")));
}

#[test]
fn more_than_a_screenful_is_counted() {
    let env = TestEnv::new();
    let (token, _) = token();
    env.write("docs/many.md", format!("{token}\n\n").repeat(30));
    let run = env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(run.stderr.matches("looks like a GitHub token").count(), 20, "{run}");
    assert!(run.stderr.contains("... and 10 more"), "{run}");
}

#[test]
fn redacted_text_is_all_that_is_embedded_stored_and_shown() {
    let server = ScriptedServer::start();
    let env = runbook();
    let url = server.base_url();
    let endpoint = ["--embedder", "openai:test-embedding", "--base-url", &url];
    let ingest = [&["ingest", "docs", "--on-secret", "redact"][..], &endpoint].concat();
    let run = env.run(&ingest).expect(0);
    tells_nothing(&run);
    assert!(
        run.stderr.contains("docs/runbook.md:L6: looks like a private key (private-key)"),
        "{run}"
    );
    for request in server.requests() {
        let sent = format!("{request:?}");
        assert!(!sent.contains(token().1) && !sent.contains("Q8vT2mZx7LkR4nWp"), "{sent}");
    }
    let search = [&["search", "deploy token wait", "--format", "json"][..], &endpoint].concat();
    let shown = env.run(&search).expect(0);
    tells_nothing(&shown);
    assert!(shown.stdout.contains("[redacted: github-token]"), "{shown}");
    // The lines below a redacted key have the numbers they have in the file.
    let hits = shown.json();
    let ends = hits["hits"].as_array().expect("hits").iter().map(|hit| hit["lines"][1].as_u64());
    assert_eq!(ends.max(), Some(Some(12)), "{hits:#}");
}

#[test]
fn a_stricter_run_takes_out_what_a_warning_let_in() {
    let (_, part) = token();
    for (policy, code, expected) in [
        ("redact", 0, json!([0, 1, 0, 1, 0])),
        ("skip", 0, json!([0, 0, 1, 1, 1])),
        ("fail", 5, json!([0, 0, 1, 1, 0])),
    ] {
        let env = runbook();
        env.run(&["ingest", "docs"]).expect(0);
        let before = found_by_search(&env, "token");
        assert!(before.contains(part), "{before}");
        assert_eq!(env.run(&["ingest", "docs", "--check", "--on-secret", policy]).code, Some(1));
        let run =
            env.run(&["ingest", "docs", "--on-secret", policy, "--format", "json"]).expect(code);
        tells_nothing(&run);
        assert_eq!(counts(&run.json()), expected, "{policy}: {run}");
        assert!(!found_by_search(&env, "token").contains(part), "{policy}");
        // Documents that a weaker run finds unchanged stay without their secrets.
        let weaker = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
        if policy == "redact" {
            assert_eq!(counts(&weaker), json!([0, 0, 0, 2, 0]));
            assert!(!found_by_search(&env, "token").contains(part));
        }
    }
}

/// If kept versions contain secrets that are kept out from now on, a note says so, with the command
/// that removes them.
#[test]
fn versions_that_hold_what_is_kept_out_are_named() {
    let redact = ["ingest", "docs", "--on-secret", "redact"];
    let note = |run: &Run| {
        tells_nothing(run);
        run.stderr.lines().find(|line| line.contains("may still be")).map(str::to_owned)
    };
    let with = |more: &[&'static str]| [&redact[..], more].concat();
    for (more, expected) in [
        (&["--rebuild"][..], "in version 1; remove them with `docent index prune --keep 0`"),
        (
            &["--new-version"],
            "in version 1; remove them with `docent index use 2 && docent index prune --keep 0`",
        ),
    ] {
        let env = runbook();
        env.run(&["ingest", "docs"]).expect(0);
        let said = note(&env.run(&with(more)).expect(0)).expect("a note");
        assert!(said.contains(expected), "{said}");
        if more.contains(&"--new-version") {
            env.run(&["index", "use", "2"]).expect(0);
        }
        env.run(&["index", "prune", "--keep", "0"]).expect(0);
        assert!(!found_by_search(&env, "token").contains(token().1));
        // If none contains any, there is no note.
        assert_eq!(note(&env.run(&with(more)).expect(0)), None);
    }
    // What is removed from the live version only is still in the others.
    let env = runbook();
    env.run(&["ingest", "docs"]).expect(0);
    env.run(&["ingest", "docs", "--new-version"]).expect(0);
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    let said = note(&env.run(&redact).expect(0)).expect("a note");
    let commands = "remove them with `docent index prune --keep 0 && docent index drop 2`";
    assert!(said.contains("in versions 1 and 2;") && said.contains(commands), "{said}");
    assert_eq!(note(&env.run(&redact).expect(0)), None);
    // No version is kept if none is to be kept.
    let mut env = runbook();
    env.set("DOCENT_INDEX_KEEP", "0");
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(note(&env.run(&with(&["--rebuild"])).expect(0)), None);
}

#[test]
fn a_document_that_is_skipped_or_fails_is_not_stored() {
    let env = runbook();
    let skipped = env.run(&["ingest", "docs", "--on-secret", "skip"]).expect(0);
    tells_nothing(&skipped);
    assert_run!(skipped, @r"
    $ docent ingest docs --on-secret skip
    exit 0
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 1, failed 0 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    skipped: holds a secret 1
    --- stderr
    warning: docs/runbook.md:L3: looks like a GitHub token (github-token)
    warning: docs/runbook.md:L6: looks like a private key (private-key)
    note: 2 secrets kept out, with the documents that contain them
    ");
    let env = runbook();
    let failed = env.run(&["ingest", "docs", "--on-secret", "fail"]).expect(5);
    tells_nothing(&failed);
    assert_run!(failed, @r"
    $ docent ingest docs --on-secret fail
    exit 5
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 1 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    --- stderr
    warning: docs/runbook.md:L3: looks like a GitHub token (github-token)
    warning: docs/runbook.md:L6: looks like a private key (private-key)
    note: 2 secrets kept out; the documents that contain them failed
    failed  docs/runbook.md  holds what looks like a GitHub token (L3), and 1 more; see --on-secret
    ");
    // With another policy it is brought in, though the file is the same.
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!(counts(&report), json!([1, 0, 0, 1, 0]));
}

#[test]
fn a_clean_version_stays_when_the_next_one_fails() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nThe clean words about restores.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env.write("docs/a.md", format!("# A\n\nThe new words with {}.\n", token().0));
    let run = env.run(&["ingest", "docs", "--on-secret", "fail"]).expect(5);
    tells_nothing(&run);
    assert!(found_by_search(&env, "clean restores").contains("clean words"));
}

#[test]
fn a_plan_shows_them_too() {
    let env = runbook();
    let run = env.run(&["ingest", "docs", "--dry-run", "--on-secret", "skip"]).expect(0);
    tells_nothing(&run);
    assert_run!(run, @r"
    $ docent ingest docs --dry-run --on-secret skip
    exit 0
    --- stdout
    + docs/clean.md
    to do: add 1, change 0, move 0, delete 0; unchanged 0, skipped 1, failed 0
    1 chunk to store, 1 text to embed (9 tokens), 0 reused
    --- stderr
    warning: docs/runbook.md:L3: looks like a GitHub token (github-token)
    warning: docs/runbook.md:L6: looks like a private key (private-key)
    note: 2 secrets kept out, with the documents that contain them
    ");
}

#[test]
fn standard_input_and_query_go_the_same_way() {
    let mut env = runbook();
    let (token, part) = token();
    let input = format!("A note with {token} in it.\n");
    let args = ["ingest", "-", "--source", "note.md", "--on-secret", "redact"];
    let run = env.run_with_input(&args, &input).expect(0);
    assert!(run.stderr.contains("note.md:L1: looks like a GitHub token"), "{run}");
    assert!(!found_by_search(&env, "note").contains(part));

    env.set("DOCENT_INGEST_ON_SECRET", "redact");
    let run = env.run(&["query", "--from", "docs", "what is the token to run it with?"]);
    tells_nothing(&run);
    assert!(run.stderr.contains("docs/runbook.md:L3: looks like a GitHub token"), "{run}");
}

#[test]
fn tables_notebooks_and_mail_are_cited_as_they_are_cited_otherwise() {
    let env = TestEnv::new();
    let (token, _) = token();
    env.write("docs/rows.csv", format!("name,token\na,none\nb,{token}\n"));
    let cell = json!({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,
        "source": [format!("login('{token}')")]});
    let book = json!({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5});
    env.write("docs/book.ipynb", book.to_string());
    env.write(
        "docs/mail.eml",
        format!("From: a@b.org\nSubject: login\n\nUse {token} to log in.\n"),
    );
    let page = format!(
        "<html><body><main><h1>Login</h1><p>Use <code>{token}</code>.</p></main></body></html>"
    );
    env.write("docs/page.html", page);
    let report =
        env.run(&["ingest", "docs", "--format", "json", "--on-secret", "redact"]).expect(0).json();
    let rows = report["secrets"].as_array().expect("rows");
    let citations: Vec<&str> = rows.iter().filter_map(|row| row["citation"].as_str()).collect();
    let expected = [
        "docs/book.ipynb#cell=1",
        "docs/mail.eml#message=1",
        "docs/page.html:L1",
        "docs/rows.csv:L3",
    ];
    assert_eq!(citations, expected, "{report:#}");
}

#[test]
fn key_files_are_passed_over_unless_they_are_named() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# A\n\nSome text.\n");
    env.write("docs/server.key", key());
    env.write("docs/.env", "PORT=8080 is where it listens\n");
    let run = env.run(&["ingest", "docs", "--hidden", "--format", "json"]).expect(0).json();
    assert_eq!(run["skipped_by_reason"], json!({"key or credentials file": 2}), "{run:#}");
    let named = env.run(&["ingest", "docs/.env", "--format", "json"]).expect(0).json();
    assert_eq!(counts(&named), json!([1, 0, 0, 0, 0]));
    // It was named, so a run over its directory leaves it.
    let around = env.run(&["ingest", "docs", "--hidden", "--format", "json"]).expect(0).json();
    assert_eq!(counts(&around), json!([0, 0, 0, 1, 2]));
}
