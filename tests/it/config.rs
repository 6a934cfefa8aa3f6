//! Settings, from the outside.

use crate::assert_run;
use crate::env::TestEnv;

#[test]
fn show_prints_every_value_and_its_origin() {
    let mut env = TestEnv::new();
    env.write("docent.toml", "collection = \"team\"\n[chunk]\ntokens = 200\n");
    env.set("OPENAI_API_KEY", "sk-0123456789abcdef").set("DOCENT_MODEL", "gpt-test");
    let run = env.run(&["config", "show", "--embedder", "openai:e5"]).expect(0);
    assert!(!run.to_string().contains("0123456789"));
    assert_run!(run);
}

#[test]
fn show_as_json() {
    let env = TestEnv::new();
    let settings = env.run(&["config", "show", "--format", "json"]).expect(0).json();
    assert_eq!(settings["schema_version"], 1);
    assert_eq!(settings["settings"]["embedder"]["value"], "builtin");
    assert_eq!(settings["settings"]["embedder"]["origin"], "default");
}

#[test]
fn the_project_file_is_found_upwards() {
    let env = TestEnv::new();
    env.write("docent.toml", "collection = 'from-above'\n");
    std::fs::create_dir_all(env.path("a/b")).expect("directories");
    let output = env.command(&["config", "show"]).current_dir(env.path("a/b")).output();
    let run = env.outcome(&["config", "show"], output.expect("docent runs")).expect(0);
    assert!(run.stdout.contains("from-above"), "{run}");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let env = TestEnv::new();
    env.write("docent.toml", "[serch]\nk = 3\n");
    assert_run!(env.run(&["config", "show"]).expect(3), @r"
    $ docent config show
    exit 3
    --- stdout
    --- stderr
    error: unknown setting `serch.k` in [PROJECT]/docent.toml
    hint: did you mean `search.k`?
    ");
}

#[test]
fn a_bad_value_in_the_environment_is_a_configuration_error() {
    let mut env = TestEnv::new();
    env.set("DOCENT_SEARCH_K", "many");
    assert_run!(env.run(&["search", "x"]).expect(3), @r"
    $ docent search x
    exit 3
    --- stdout
    --- stderr
    error: DOCENT_SEARCH_K: `many` is not a whole number from 1 to 10000
    ");
}

#[test]
fn trust_is_for_the_file_as_it_is() {
    let mut env = TestEnv::new();
    env.set("OPENAI_API_KEY", "sk-0123456789abcdef");
    let named = |port: u16| format!("[openai]\nbase_url = 'http://127.0.0.1:{port}/v1'\n");
    env.write("docent.toml", named(9));
    let url = |env: &TestEnv| {
        let shown = env.run(&["config", "show", "--format", "json"]).expect(0).json();
        shown["settings"]["openai.base_url"].clone()
    };
    assert_eq!(url(&env)["value"], "https://api.openai.com/v1");
    assert_eq!(url(&env)["once_trusted"], "http://127.0.0.1:9/v1");
    let run = env.run(&["config", "show"]).expect(0);
    assert!(run.stdout.contains("http://127.0.0.1:9/v1 if docent.toml were trusted"), "{run}");
    env.run(&["config", "trust"]).expect(0);
    assert_eq!(url(&env)["value"], "http://127.0.0.1:9/v1");
    assert_eq!(url(&env)["once_trusted"], serde_json::Value::Null);
    env.write("docent.toml", named(10));
    assert_eq!(url(&env)["value"], "https://api.openai.com/v1");
}

#[test]
fn trust_without_a_project_file() {
    assert_run!(TestEnv::new().run(&["config", "trust"]).expect(3), @r"
    $ docent config trust
    exit 3
    --- stdout
    --- stderr
    error: there is no docent.toml in [PROJECT]
    ");
}

#[test]
fn no_message_shows_a_key_that_was_put_into_a_url() {
    let url = "http://user:sk-0123456789@127.0.0.1:1/v1?key=sk-0123456789";
    for (args, code) in [
        (vec!["config", "show", "--base-url", url], 0),
        (vec!["config", "show", "--base-url", &url["http://".len()..]], 2),
        (vec!["doctor", "--base-url", url, "--embedder", "openai:e5"], 4),
        (vec!["query", "x", "--base-url", url, "--model", "m"], 4),
        (vec!["status", "--qdrant-url", url], 2),
    ] {
        let mut env = TestEnv::new();
        env.set("DOCENT_ATTEMPTS", "1");
        env.write("a.md", "x marks the spot\n");
        env.run(&["ingest", "a.md"]).expect(0);
        let run = env.run(&args).expect(code);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("0123456789"), "{run}");
    }
}

#[test]
fn what_was_mistyped_on_the_command_line_is_wrong_usage() {
    let env = TestEnv::new();
    env.write("a.md", "text\n");
    let run = env.run(&["ingest", "a.md", "--chunk-tokens", "10", "--chunk-overlap", "9"]);
    assert!(run.expect(2).stderr.contains("more than half"));
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_text_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let env = TestEnv::new();
    let mut command = env.command(&["config", "show"]);
    command.env("DOCENT_COLLECTION", std::ffi::OsStr::from_bytes(b"\xff"));
    let run = env.outcome(&["config", "show"], command.output().expect("docent runs")).expect(3);
    assert!(run.stderr.contains("DOCENT_COLLECTION is not valid UTF-8"), "{run}");
}

#[test]
fn a_store_below_does_not_hide_the_project_file() {
    let env = TestEnv::new();
    env.write("docent.toml", "collection = 'from-above'\n");
    std::fs::create_dir_all(env.path("a/.docent")).expect("directories");
    let output = env.command(&["config", "show"]).current_dir(env.path("a")).output();
    let run = env.outcome(&["config", "show"], output.expect("docent runs")).expect(0);
    assert!(run.stdout.contains("from-above"), "{run}");
}

#[test]
fn a_value_that_a_terminal_would_obey() {
    let env = TestEnv::new();
    env.write("docent.toml", "model = \"a\\u001b]0;title\\u0007b\\u009b31m\"\n");
    let run = env.run(&["config", "show", "--verbose"]).expect(0);
    assert!(run.stdout.contains("ab"), "{run}");
    assert!(!run.to_string().contains(|c: char| c.is_control() && c != '\n'), "{run}");
}

#[test]
fn a_project_file_that_is_no_file_is_not_passed_over_in_silence() {
    let env = TestEnv::new();
    std::fs::create_dir(env.path("docent.toml")).expect("a directory");
    let run = env.run(&["config", "show"]).expect(0);
    assert!(run.stderr.contains("docent.toml is a directory: no settings are read"), "{run}");
    std::fs::remove_dir(env.path("docent.toml")).expect("a removal");
    let made = std::process::Command::new("mkfifo").arg(env.path("docent.toml")).status();
    assert!(made.expect("mkfifo runs").success());
    let run = env.run(&["config", "show"]).expect(0);
    assert!(
        run.stderr.contains("docent.toml is not a regular file: no settings are read"),
        "{run}"
    );
}

#[test]
fn a_project_file_that_no_command_can_read_is_not_trusted() {
    let env = TestEnv::new();
    env.write("docent.toml", "[embedding\n");
    let run = env.run(&["config", "trust"]).expect(3);
    assert!(run.stderr.contains("docent.toml is not valid TOML"), "{run}");
    assert!(!run.stderr.contains("is trusted"), "{run}");
}
