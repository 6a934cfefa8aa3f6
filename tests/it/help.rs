//! Every word of `--help`, and the commands that print about docent itself.

use crate::assert_run;
use crate::env::TestEnv;

#[test]
fn help_of_every_command() {
    let env = TestEnv::new();
    for command in [
        "",
        "ingest",
        "search",
        "query",
        "chat",
        "explain",
        "eval",
        "eval init",
        "trace",
        "trace show",
        "trace list",
        "show",
        "status",
        "doctor",
        "index",
        "index verify",
        "index export",
        "index import",
        "index list",
        "index show",
        "index use",
        "index rollback",
        "index drop",
        "index prune",
        "models",
        "models fetch",
        "models remove",
        "purge",
        "mcp",
        "mcp install",
        "config",
        "config show",
        "schema",
        "completions",
    ] {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let run = env.run(&args).expect(0);
        let name = if command.is_empty() { "docent" } else { command };
        insta::assert_snapshot!(format!("help-{}", name.replace(' ', "-")), run.stdout);
    }
}

#[test]
fn nothing_typed_is_wrong_usage_with_help() {
    assert_run!(TestEnv::new().run(&[]).expect(2));
}

#[test]
fn unknown_flag_names_the_nearest() {
    assert_run!(TestEnv::new().run(&["search", "--modes", "dense", "x"]).expect(2), @r"
    $ docent search --modes dense x
    exit 2
    --- stdout
    --- stderr
    error: unexpected argument '--modes' found

      tip: a similar argument exists: '--mode'

    Usage: docent search --mode <MODE> [QUESTION]...

    For more information, try '--help'.
    ");
}

#[test]
fn version() {
    let run = TestEnv::new().run(&["--version"]).expect(0);
    assert_eq!(run.stdout, concat!("docent ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn completions_and_man_pages_name_every_command() {
    let env = TestEnv::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh", "man"] {
        let run = env.run(&["completions", shell]).expect(0);
        for command in [
            "ingest", "search", "query", "chat", "explain", "eval", "trace", "show", "status",
            "doctor", "index", "config", "schema",
        ] {
            assert!(run.stdout.contains(command), "{shell} lacks {command}");
        }
        assert!(!run.stdout.contains("extract-worker"), "{shell} shows what is hidden");
    }
}
