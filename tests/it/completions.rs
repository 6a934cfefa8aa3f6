//! Completions for shells at TAB: `COMPLETE=SHELL docent -- WORDS`.

use std::fs::{self, File};

use crate::env::{Run, TestEnv};

/// What fish would offer for the last of the words: its protocol is one candidate a line, with no variables.
fn offered(env: &TestEnv, words: &[&str]) -> Vec<String> {
    let run = complete(env, "fish", words);
    run.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

/// Whatever happens, nothing is printed on stderr, and the exit code is 0.
#[track_caller]
fn complete(env: &TestEnv, shell: &str, words: &[&str]) -> Run {
    let args = [&["--", "docent"], words].concat();
    let mut command = env.command(&args);
    let index = words.len().to_string();
    let command =
        command.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", index).env("_CLAP_IFS", "\n");
    let run = env.outcome(&args, command.output().expect("docent runs")).expect(0);
    assert_eq!(run.stderr, "", "{run}");
    run
}

fn project() -> TestEnv {
    let env = TestEnv::new();
    for name in ["guide/a.md", "guide/deep/b.md", "notes.md"] {
        env.write(&format!("docs/{name}"), format!("# {name}\n\nThe ferry leaves at nine.\n"));
    }
    env.run(&["ingest", "docs", "--tag", "team=ops", "--tag", "draft"]).expect(0);
    env.run(&["ingest", "docs/notes.md", "--collection", "other"]).expect(0);
    env.run(&["ingest", "docs/notes.md", "--tenant", "acme"]).expect(0);
    env
}

#[test]
fn sources_tags_collections_versions_and_settings_are_known() {
    let env = project();
    let starting = |words: &[&str]| offered(&env, words);
    assert_eq!(starting(&["show", "docs/"]), ["docs/guide/", "docs/notes.md"]);
    assert_eq!(starting(&["show", "docs/guide/a"]), ["docs/guide/a.md"]);
    assert_eq!(starting(&["explain", "when", "--expect", "docs/n"]), ["docs/notes.md"]);
    assert_eq!(starting(&["search", "--source=docs/n"]), ["--source=docs/notes.md"]);
    assert_eq!(starting(&["search", "--tag", ""]), ["draft", "team=ops"]);
    assert_eq!(starting(&["--collection", "o"]), ["other"]);
    assert_eq!(starting(&["--tenant", ""]), ["acme"]);
    assert_eq!(starting(&["config", "show", "chunk."]), ["chunk.overlap", "chunk.tokens"]);
    assert_eq!(starting(&["search", "--mode", ""]), ["dense", "hybrid", "sparse"]);
    assert_eq!(starting(&["search", "--kind", "markd"]), ["markdown"]);
    assert_eq!(starting(&["ingest", "--language", "ger"]), ["german"]);
    assert!(starting(&["ingest", "do"]).contains(&"docs/".to_owned()));
    let version = starting(&["index", "use", ""]);
    assert_eq!(version.first().map(String::as_str), Some("1"));
    assert!(starting(&["sta"]).contains(&"status".to_owned()));
}

#[test]
fn what_was_typed_before_counts() {
    let env = project();
    let other = ["--collection", "other", "show", ""];
    assert!(offered(&env, &other).contains(&"docs/".to_owned()));
    assert!(
        !offered(&env, &["--collection", "other", "show", "docs/"])
            .contains(&"docs/guide/".to_owned())
    );
    assert_eq!(offered(&env, &["--tenant", "acme", "--collection", ""]), ["docent"]);
    let elsewhere = ["show", "--data-dir", "nowhere", "docs/"];
    assert_eq!(offered(&env, &elsewhere), [""; 0]);
}

#[test]
fn every_shell_is_told_how_to_ask() {
    let env = project();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = env.command(&[]).env("COMPLETE", shell).output().expect("docent runs");
        let run = env.outcome(&[], output).expect(0);
        assert!(run.stdout.contains("COMPLETE") && run.stderr.is_empty(), "{run}");
    }
    assert_eq!(complete(&env, "bash", &["show", "docs/g"]).stdout, "docs/guide/");
    assert_eq!(complete(&env, "zsh", &["show", "docs/g"]).stdout, "docs/guide/");
    // The variable may be there for something else.
    for other in ["", "0", "1", "csh"] {
        let output = env.command(&["--version"]).env("COMPLETE", other).output();
        let run = env.outcome(&["--version"], output.expect("docent runs")).expect(0);
        assert!(run.stdout.starts_with("docent "), "{run}");
    }
}

#[test]
fn nothing_is_changed_waited_for_or_said() {
    let env = TestEnv::new();
    assert_eq!(offered(&env, &["show", "x"]), [""; 0]);
    assert_eq!(offered(&env, &["search", "--tag", "x"]), [""; 0]);
    assert_eq!(fs::read_dir(env.project()).expect("a directory").count(), 0);

    let env = project();
    // As while an ingest writes.
    let home = env.path(".docent/collections");
    let locks = ["docent@lock", "docent@writer"].map(|name| {
        let file = File::create(home.join(name)).expect("a file");
        file.lock().expect("a lock");
        file
    });
    assert_eq!(offered(&env, &["show", "docs/n"]), ["docs/notes.md"]);
    drop(locks);
    env.write("docent.toml", "no toml");
    assert_eq!(offered(&env, &["show", "docs/n"]), [""; 0]);
    env.write("docent.toml", "[qdrant]\nurl = \"http://127.0.0.1:1\"\n");
    assert_eq!(offered(&env, &["show", "docs/n"]), [""; 0], "it is not trusted");
    let args = ["--", "docent", "--qdrant-url", "http://127.0.0.1:1", "show", "docs/n"];
    assert_eq!(offered(&env, &args[2..]), [""; 0], "no server is there");
}

#[test]
fn settings_are_shown_by_name_and_by_table() {
    let env = TestEnv::new();
    let run = env.run(&["config", "show", "chunk", "embedder"]).expect(0);
    let names: Vec<&str> = run.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["embedder", "chunk.tokens", "chunk.overlap"]);
    let json = env.run(&["config", "show", "chunk.tokens", "--format", "json"]).expect(0).json();
    assert_eq!(json["settings"].as_object().map(serde_json::Map::len), Some(1));
    let run = env.run(&["config", "show", "chunk.token"]).expect(2);
    assert!(run.stderr.contains("did you mean `chunk.tokens`?"), "{run}");
}
