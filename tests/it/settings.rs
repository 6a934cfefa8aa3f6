//! One row for each setting: flags, `--help` and `docs/settings.md` match the rows.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};
use docent::cli::{Cli, typed_settings};
use docent::settings::KEYS;
use docent::settings::keys::{FlagValue, SettingKey};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");

/// Ids of the flags that do not set a setting: what a command does, and to which documents.
#[rustfmt::skip]
const NOT_SETTINGS: &[&str] = &[
    "help", "version", "format", "color", "quiet", "verbose",
    // ingest
    "dry_run", "check", "watch", "include", "exclude", "hidden", "ingest_tag", "text_fields", "checksum",
    "retry_failed", "fail_fast", "rebuild", "new_version", "promote_if", "promotion_cases", "allow_prune", "share", "partition", "forget", "source", "depth", "whole_host",
    // search, query, chat, explain
    "source_glob", "kinds", "filter_tag", "from", "batch", "show_thinking", "expect",
    // eval
    "beir", "split", "case_tag", "metrics", "k", "answers", "judge", "min", "baseline", "max_drop",
    "write_baseline", "write_drift_baseline", "compare", "sweep", "keep", "run_file", "from_run", "cases", "reports",
    // index
    "from_project", "replace",
    // doctor
    "size",
    // purge
    "purged_source", "purged_tag", "older_than", "purge_dry_run", "yes",
    // status
    "documents", "quality",
    // mcp
    "tools", "result_tokens", "write", "allow_ingest",
    // serve, keys, audit
    "known_until", "last", "notices",
    "no_auth", "rights", "collections", "key_source", "key_tag", "requests_per_minute", "tokens_per_minute",
    "questions_at_a_time", "cost_per_day", "cost_per_month", "expires",
];

/// Every flag, with the words that lead to its command.
pub(crate) fn flags() -> Vec<(Vec<String>, Arg)> {
    let mut command = Cli::command();
    command.build();
    let mut flags = Vec::new();
    collect(&command, &[], &mut flags);
    flags
}

fn collect(command: &Command, path: &[String], flags: &mut Vec<(Vec<String>, Arg)>) {
    let own = command.get_arguments().filter(|arg| !arg.is_positional());
    flags.extend(own.map(|arg| (path.to_vec(), arg.clone())));
    for sub in command.get_subcommands() {
        let path = [path, &[sub.get_name().to_owned()]].concat();
        collect(sub, &path, flags);
    }
}

fn row(id: &str) -> Option<&'static SettingKey> {
    KEYS.iter().find(|key| key.name == id)
}

#[test]
fn a_flag_has_a_row_unless_it_sets_no_setting() {
    let mut others: BTreeSet<&str> = NOT_SETTINGS.iter().copied().collect();
    for (path, arg) in flags() {
        let id = arg.get_id().as_str();
        if row(id).is_none() {
            assert!(NOT_SETTINGS.contains(&id), "{path:?} has --{id}: a setting without a row?");
            others.remove(id);
        }
    }
    assert!(others.is_empty(), "no command has {others:?}");
}

#[test]
fn the_flag_of_a_row_is_that_of_a_command() {
    let flags = flags();
    for key in KEYS {
        let Some(flag) = key.flag else { continue };
        let mut of_row = flags.iter().filter(|(_, arg)| arg.get_id() == key.name).peekable();
        assert!(of_row.peek().is_some(), "no command has {} of {}", flag.long, key.name);
        for (path, arg) in of_row {
            assert_eq!(arg.get_long(), flag.long.strip_prefix("--"), "{path:?}");
        }
    }
}

#[test]
fn what_is_typed_sets_the_setting_of_the_row() {
    for (path, arg) in flags() {
        let Some(key) = row(arg.get_id().as_str()) else { continue };
        let flag = key.flag.expect("a flag");
        let mut line = vec!["docent".to_owned()];
        line.extend(path.iter().cloned());
        let (typed, value) = match flag.takes {
            FlagValue::Value(_) => (format!("{}=7", flag.long), "7"),
            FlagValue::Nothing(value) => (flag.long.to_owned(), value),
        };
        line.push(typed);
        // Without what else a line needs, such as a question.
        let matches = Cli::command().ignore_errors(true).get_matches_from(&line);
        let layer = typed_settings(&matches);
        let set: Vec<(&str, &str)> =
            layer.iter().map(|(name, (value, _))| (*name, value.as_str())).collect();
        assert_eq!(set, [(key.name, value)], "{line:?}");
    }
}

#[test]
fn a_corpus_is_measured_with_every_setting_of_ingest_and_search() {
    let all = flags();
    let taken = |command: &str| -> BTreeSet<&str> {
        let of = all.iter().filter(|(path, _)| *path == [command]);
        of.filter_map(|(_, arg)| row(arg.get_id().as_str())).map(|key| key.name).collect()
    };
    let wanted: BTreeSet<&str> = taken("ingest").union(&taken("search")).copied().collect();
    let missing: Vec<&str> = wanted.difference(&taken("eval")).copied().collect();
    // `-k` sets the cut-offs there, and a corpus has no web pages and does not expire.
    assert_eq!(missing, ["ingest.ttl", "search.k", "web.allow_private", "web.max_pages"]);
}

/// clap looks at the names in `conflicts_with` in debug builds only.
#[test]
fn a_flag_conflicts_with_flags_that_exist() {
    fn check(command: &Command) {
        for arg in command.get_arguments() {
            command.get_arg_conflicts_with(arg);
        }
        command.get_subcommands().for_each(check);
    }
    let mut command = Cli::command();
    command.build();
    check(&command);
}

#[test]
fn a_flag_before_the_command_counts_and_a_default_is_not_typed() {
    let line = ["docent", "--collection", "team", "query", "--concurrency", "2", "why?"];
    let layer = typed_settings(&Cli::command().get_matches_from(line));
    let names: Vec<&str> = layer.keys().copied().collect();
    assert_eq!(names, ["chat.concurrency", "collection"]);
    let nothing = typed_settings(&Cli::command().get_matches_from(["docent", "ingest"]));
    assert!(nothing.is_empty(), "{nothing:?}");
}

#[test]
fn help_says_the_default_of_the_row() {
    for (path, arg) in flags() {
        let Some(key) = row(arg.get_id().as_str()) else { continue };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let (Some(default), FlagValue::Value(_)) = (key.default, key.flag.expect("a flag").takes)
        else {
            continue;
        };
        assert!(help.ends_with(&format!("[default: {default}]")), "{path:?}: {help}");
        assert_eq!(help.matches("[default:").count(), 1, "{path:?}: {help}");
    }
}

/// The table of `docs/settings.md`.
fn table() -> String {
    let mut table = String::from(
        "| setting | what it is | flag | environment | default | in which docent.toml |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for key in KEYS {
        let code = |text: &str| format!("`{text}`");
        let flag = key.flag.map(|flag| code(flag.long)).unwrap_or_default();
        let env: Vec<String> = key.env.iter().map(|name| code(name)).collect();
        let default = key.default.map(code).or(key.unless_set.map(str::to_owned));
        writeln!(
            table,
            "| `{}` | {} | {flag} | {} | {} | {} |",
            key.name,
            key.about(),
            env.join(" "),
            default.unwrap_or_default(),
            key.trust.words()
        )
        .expect("writing to a string");
    }
    table
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_rows() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/settings.md");
    let start = document.find("| setting |").expect("the table");
    let end = document[start..].find("\n\n").map_or(document.len(), |end| start + end + 1);
    let wanted = [&document[..start], &table(), &document[end..]].concat();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, wanted).expect("docs/settings.md can be written");
    }
    assert!(
        document == wanted,
        "docs/settings.md is not what src/settings/keys.rs says; write it with:\n  \
         UPDATE_DOCS=1 cargo test --release --test it settings"
    );
}
