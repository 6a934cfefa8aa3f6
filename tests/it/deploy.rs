//! The files of `deploy` use only settings and commands that exist.

use std::path::Path;

use clap::Parser as _;
use docent::cli::Cli;
use docent::settings::KEYS;

fn deployed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    std::fs::read_to_string(path).expect("the file")
}

#[track_caller]
fn can_be_typed(args: &str) {
    let words = args.split_whitespace().map(|word| word.trim_matches('"'));
    let parsed = Cli::try_parse_from(std::iter::once("docent").chain(words));
    assert!(parsed.is_ok(), "{args}: {parsed:?}");
}

#[test]
fn what_is_run_can_be_typed() {
    let compose = deployed("compose.yaml");
    let command = compose.lines().find_map(|line| line.trim().strip_prefix("command: ["));
    can_be_typed(&command.expect("a command").trim_end_matches(']').replace(',', " "));
    let by_hand = compose.lines().filter(|line| line.contains("docker compose run"));
    let by_hand: Vec<&str> =
        by_hand.filter_map(|line| line.rsplit_once(" docent ")).map(|it| it.1).collect();
    assert_eq!(by_hand.len(), 2, "{by_hand:?}");
    by_hand.into_iter().for_each(can_be_typed);
    let unit = deployed("docent.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/docent "));
    can_be_typed(start.expect("a command"));
}

#[test]
fn what_is_set_are_settings() {
    let text = deployed("compose.yaml") + &deployed("docent.service");
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |prefix: &'static str| {
        text.split(move |c| !word(c))
            .filter(move |it| it.starts_with(prefix) && it.len() > prefix.len())
    };
    let known = |name: &str| KEYS.iter().any(|row| row.env.contains(&name));
    // Variables of the compose file itself, which nothing else reads.
    let its_own = ["DOCENT_IMAGE", "DOCENT_KEYS", "DOCENT_UID"];
    let set = ["DOCENT_", "OPENAI_", "QDRANT_U", "QDRANT_A"].into_iter().flat_map(names);
    let set: Vec<&str> = set.filter(|name| !its_own.contains(name)).collect();
    assert!(set.len() >= 8, "{set:?}");
    for name in set {
        assert!(known(name), "{name} sets nothing");
    }
}
