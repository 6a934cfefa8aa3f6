//! README and docs are true: their sessions are what the binary prints, their tables match the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::env::TestEnv;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// README and every page of docs, by their paths from the root.
fn pages() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).expect("docs").flatten();
    let names = docs.filter_map(|entry| entry.file_name().into_string().ok());
    let pages = names
        .filter(|name| Path::new(name).extension().is_some_and(|it| it == "md"))
        .map(|name| format!("docs/{name}"));
    let mut pages: Vec<String> = pages.chain(["README.md".to_owned()]).collect();
    pages.sort_unstable();
    pages
}

/// The blocks of a page fenced as `console`.
fn sessions(text: &str) -> Vec<&str> {
    let blocks = text.split("```console\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

/// What the sessions of a page begin with: the sample documents, and files that only it speaks of.
fn prepared(page: &str) -> TestEnv {
    let env = TestEnv::with_samples();
    env.write("tests/cases.jsonl", include_str!("../cases.jsonl"));
    match page {
        "docs/ingest.md" => {
            for name in ["edited.md", "old-name.md", "gone.md", "same.md"] {
                env.write(&format!("docs/{name}"), format!("# {name}\n\nWhat {name} says.\n"));
            }
            env.run(&["ingest", "docs"]).expect(0);
            env.write("docs/new.md", "# New\n\nSomething else.\n");
            env.write("docs/edited.md", "# edited.md\n\nIt says something else now.\n");
            fs::rename(env.path("docs/old-name.md"), env.path("docs/new-name.md")).expect("moved");
            fs::remove_file(env.path("docs/gone.md")).expect("removed");
        }
        "docs/secrets.md" => {
            let token = format!("ghp_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0bC3dE6");
            env.write("docs/runbook.md", format!("# Runbook\n\nThe token is {token}.\n"));
            env.write("docs/other.md", "# Other\n\nNothing to hide.\n");
        }
        "docs/language.md" => {
            let german = "# Sicherung\n\nDie Sicherungen werden jede Nacht geschrieben und vierhundert Tage lang aufbewahrt.\n";
            env.write("handbuch/sicherung.md", german);
            env.run(&["ingest", "handbuch"]).expect(0);
        }
        "docs/eval.md" | "docs/show.md" => {
            env.run(&["ingest", "sample-docs"]).expect(0);
        }
        _ => {}
    }
    env
}

/// A line without what differs from run to run: times, dates and hashes.
fn steady(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_time = |at: usize| {
        let unit = words.get(at + 1).map(|unit| unit.trim_end_matches([')', ',']));
        words[at].trim_start_matches('(').parse::<f64>().is_ok() && matches!(unit, Some("ms" | "s"))
    };
    let is_date = |word: &str| word.starts_with("20") && word.contains('-') && word.contains('T');
    let kept = (0..words.len()).map(|at| match words[at] {
        _ if is_time(at) => "TIME",
        "ms" | "s" | "ms)" | "s)" | "ms," | "s," => "T",
        word if is_date(word) => "DATE",
        word => word,
    });
    kept.collect::<Vec<_>>().join(" ")
}

/// Runs each `$ docent ...` of every session, in order, and compares what it prints with the lines
/// under it. `...` means that lines are left out.
#[test]
fn every_session_is_what_happens() {
    let mut ran = BTreeSet::new();
    for name in pages() {
        let text = page(&name);
        let sessions = sessions(&text);
        if sessions.is_empty() {
            continue;
        }
        let env = prepared(&name);
        for block in sessions.iter().flat_map(|session| session.split("$ docent ").skip(1)) {
            let (line, expected) = block.split_once('\n').unwrap_or((block, ""));
            let line = line.split("  #").next().unwrap_or(line);
            let args = split(line);
            let run = env.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
            let printed = format!("{}{}", run.stderr, run.stdout);
            let printed: Vec<String> = printed.lines().map(steady).collect();
            let expected = expected.lines().filter(|line| !["", "..."].contains(&line.trim()));
            for line in expected {
                assert!(
                    printed.contains(&steady(line)),
                    "{name}: {line:?} is not printed by\n{run}"
                );
            }
        }
        ran.insert(name);
    }
    assert!(ran.contains("README.md") && ran.len() > 5, "{ran:?}");
}

/// Words of a command line; quotes hold spaces.
fn split(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(i, part)| {
            if i % 2 == 1 {
                vec![part.to_owned()]
            } else {
                part.split_whitespace().map(str::to_owned).collect()
            }
        })
        .collect()
}

#[test]
fn every_exit_code_is_documented() {
    let readme = page("README.md");
    for code in ["0", "1", "2", "3", "4", "5", "130"] {
        assert!(readme.contains(&format!("| {code} |")), "README lacks exit code {code}");
    }
}

#[test]
fn readme_is_short() {
    let lines = page("README.md").lines().count();
    assert!(lines <= 200, "README has {lines} lines: what it says more belongs in docs");
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = page("docs/SUMMARY.md");
    for name in pages() {
        let Some(name) = name.strip_prefix("docs/").filter(|name| *name != "SUMMARY.md") else {
            continue;
        };
        assert!(summary.contains(&format!("({name})")), "docs/SUMMARY.md lacks {name}");
    }
}

/// Targets of the links of a page that are files, with the part behind `#`. What is code has none.
fn links(text: &str) -> Vec<(String, Option<String>)> {
    let prose: String = text.split('`').step_by(2).collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains([':', ' ']) && !target.is_empty())
        .map(|target| match target.split_once('#') {
            Some((file, anchor)) => (file.to_owned(), Some(anchor.to_owned())),
            None => (target.to_owned(), None),
        })
        .collect()
}

/// The anchor that a heading has.
fn anchor(heading: &str) -> String {
    let lower = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let others = ["ARCHITECTURE.md", "CONTRIBUTING.md", "STYLE.md"].map(str::to_owned);
    let mut broken = Vec::new();
    for name in pages().into_iter().chain(others) {
        let text = page(&name);
        let here = root().join(&name);
        for (file, part) in links(&text) {
            let target: PathBuf = match &*file {
                "" => here.clone(),
                file => here.parent().expect("a directory").join(file),
            };
            let there = target.is_dir()
                || match (fs::read_to_string(&target), &part) {
                    (Ok(text), Some(part)) if target.extension().is_some_and(|it| it == "md") => {
                        text.lines()
                            .filter(|line| line.starts_with('#'))
                            .any(|line| anchor(line) == *part)
                    }
                    (Ok(_), _) => true,
                    (Err(_), _) => false,
                };
            if !there {
                broken.push(format!("{name}: {file}#{}", part.unwrap_or_default()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
