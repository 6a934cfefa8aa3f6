//! Values that were typed, set or named by somebody else are shown without control characters, and
//! without keys in URLs.

use std::collections::BTreeSet;
use std::fs;

use clap::ArgAction;
use docent::settings::KEYS;

use crate::env::{Run, TestEnv};
use crate::injection::{HOSTILE, harmless};
use crate::settings::flags;

const SECRET: &str = "s3cr3t-0f-m1ne";

/// A URL that nothing answers at.
fn with_keys() -> String {
    format!("http://me:{SECRET}@127.0.0.1:9/v1?id=3&api_key={SECRET}&sig={SECRET}#token={SECRET}")
}

fn project() -> TestEnv {
    let mut env = TestEnv::new();
    env.write("docs/a.md", "# Ledgers\n\nLedger backups are kept for 400 days.\n");
    env.set("DOCENT_ATTEMPTS", "1").set("DOCENT_QDRANT_RETRY_FOR", "0").set("DOCENT_WAIT", "0");
    env.run(&["ingest", "docs"]).expect(0);
    env
}

/// Every command line with one value, of a flag or an argument; each flag once.
fn lines(value: &str) -> Vec<Vec<String>> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, arg) in flags() {
        let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        let Some(long) = arg.get_long().filter(|_| takes_value) else { continue };
        if !seen.insert(arg.get_id().to_string()) {
            continue;
        }
        // What a command needs besides.
        let command = if path.is_empty() { vec!["status".to_owned()] } else { path };
        let more: &[&str] = match command[0].as_str() {
            "search" | "query" | "explain" if long != "batch" => &["ledger backups?"],
            "ingest" => &["docs"],
            "eval" if command.len() == 1 && long != "beir" => &["cases.jsonl"],
            "show" => &["docs/a.md"],
            // The command ends with the note that there are no keys.
            "serve" if long != "listen" => &["--listen", "0.0.0.0:0"],
            _ => &[],
        };
        let more = more.iter().map(ToString::to_string);
        let flag = format!("--{long}={value}");
        lines.push(command.into_iter().chain([flag]).chain(more).collect());
    }
    for before in [
        &[][..],
        &["search"],
        &["query"],
        &["explain"],
        &["ingest"],
        &["ingest", "--check"],
        &["show"],
        &["eval"],
        &["trace", "show"],
        &["completions"],
        &["schema"],
        &["config"],
        &["status"],
        &["index"],
        &["index", "import"],
        &["models", "fetch"],
        &["models", "remove"],
        &["query", "--from", "docs", "--batch"],
        &["ingest", "--watch"],
    ] {
        lines.push(before.iter().chain(&[value]).map(ToString::to_string).collect());
    }
    lines
}

#[track_caller]
fn shown_clean(run: Run) -> Run {
    let run = Run { args: String::new(), ..run };
    harmless(&run);
    run
}

#[test]
fn no_flag_and_no_argument_reaches_a_terminal_as_it_is() {
    let env = project();
    for line in lines(&format!("x{HOSTILE}")) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let run = env.run(&line);
        assert!(run.code.is_some_and(|code| code < 6), "{line:?}: {run}");
        shown_clean(run);
    }
}

#[test]
fn no_variable_and_no_file_reaches_a_terminal_as_it_is() {
    let mut env = project();
    let hostile = format!("x{HOSTILE}");
    let value = serde_json::Value::from(hostile.clone());
    for (setting, name) in KEYS.iter().map(|key| (key.name, key.env[0])) {
        for args in [&["search", "ledger backups"][..], &["config", "show"]] {
            let output = env.command(args).env(name, &hostile).output();
            shown_clean(env.outcome(args, output.expect("docent runs")));
        }
        env.write("docent.toml", format!("{setting} = {value}\n"));
        for args in [["search", "ledger"], ["config", "show"]] {
            shown_clean(env.run(&args));
        }
        fs::remove_file(env.path("docent.toml")).expect("a file");
    }
    env.write("docent.toml", format!("\"{hostile}\" = 1\n").replace('\u{1b}', "\\u001b"));
    shown_clean(env.run(&["search", "x"]).expect(3));
    fs::remove_file(env.path("docent.toml")).expect("a file");
    env.set(&format!("DOCENT_{hostile}"), "1");
    shown_clean(env.run(&["search", "x"]).expect(3));
}

#[test]
fn names_of_directories_are_shown_clean() {
    let env = project();
    let inner = format!("in{}", HOSTILE.replace('/', ""));
    env.write(&format!("{inner}/docent.toml"), "attempts = 99\n");
    env.write(&format!("{inner}/a.md"), "Ledger backups.\n");
    for args in [
        &["ingest", "-v", "."][..],
        &["search", "-v", "x"],
        &["config", "show"],
        &["config", "trust"],
        &["ingest", "-v", "."],
        &["status"],
        &["doctor"],
        &["index", "verify"],
    ] {
        let output = env.command(args).current_dir(env.path(&inner)).output();
        shown_clean(env.outcome(args, output.expect("docent runs")));
    }
}

#[test]
fn no_key_of_a_url_is_shown() {
    let env = project();
    for line in lines(&with_keys()) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let run = env.run(&line);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(SECRET), "{line:?}\n{}{}", run.stdout, run.stderr);
        }
        if run.code != Some(0) {
            let run = env.run(&[&line[..], &["--format", "json"]].concat());
            assert!(!run.stderr.contains(SECRET), "{line:?}\n{}", run.stderr);
        }
    }
}

/// Limits of a number are tested with its range; here, that they reach the user as wrong usage, and
/// that the ends do no harm.
#[test]
fn numbers_out_of_range_are_wrong_usage() {
    let env = project();
    env.write(
        "cases.jsonl",
        r#"{"question": "How long are ledger backups kept?", "expected": [{"source": "docs/a.md"}]}"#,
    );
    let huge = ["99999999999", "18446744073709551615", "-1", "0", "NaN", "1e308", "inf"];
    for value in huge {
        for line in [
            vec!["search", "x", "-k"],
            vec!["query", "x", "-k"],
            vec!["query", "x", "--max-tokens"],
            vec!["query", "x", "--context-tokens"],
            vec!["query", "x", "--timeout"],
            vec!["query", "x", "--concurrency"],
            vec!["ingest", "docs", "--max-file-size"],
            vec!["ingest", "docs", "--deadline"],
            vec!["ingest", "docs", "--chunk-tokens"],
            vec!["ingest", "docs", "--max-pages"],
            vec!["search", "x", "--rerank-candidates"],
            vec!["eval", "cases.jsonl", "-k"],
            vec!["eval", "init", "-n"],
        ] {
            let run = env.run(&[&line[..], &[value]].concat());
            assert_eq!(run.code, Some(2), "{line:?} {value}: {run}");
        }
    }
    for line in [
        vec!["ingest", "docs", "--depth", "101"],
        vec!["eval", "cases.jsonl", "--metric", "recall@99999999999"],
        vec!["eval", "cases.jsonl", "--sweep", "chunk-tokens=99999999999"],
        vec!["eval", "cases.jsonl", "--min", "recall@5=NaN"],
        vec!["search", "x", "--wait", "25h"],
    ] {
        env.run(&line).expect(2);
    }
    for line in [
        vec!["search", "ledger backups", "-k", "10000"],
        vec!["query", "ledger backups", "-k", "10000", "--context-tokens", "10000000"],
        vec!["search", "ledger backups", "--wait", "24h", "--rerank-candidates", "10000"],
        vec!["eval", "cases.jsonl", "-k", "10000"],
        vec!["eval", "init", "-n", "10000"],
        vec![
            "ingest",
            "docs",
            "--deadline",
            "1000h",
            "--max-file-size",
            "64GB",
            "--concurrency",
            "1000",
        ],
        vec!["ingest", "docs", "--rebuild", "--chunk-tokens", "100000", "--chunk-overlap", "50000"],
    ] {
        let run = env.run(&line);
        assert!(run.code == Some(0) || run.stderr.contains("embedder's limit"), "{run}");
    }
    let mut env = env;
    env.set("DOCENT_SEARCH_K", "99999999999");
    let run = env.run(&["search", "x"]).expect(3);
    assert!(run.stderr.contains("from 1 to 10000"), "{run}");
}
