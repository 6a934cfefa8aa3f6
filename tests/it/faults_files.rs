//! What faults of files do to `docent ingest`: what the user sees (the snapshots), the exit code, and
//! that the next run brings the collection up to date.
//!
//! | fault | outcome | exit |
//! | --- | --- | --- |
//! | a file or directory may not be read | a failed row; its documents stay | 5 |
//! | a file changes all the time while it is read | a failed row, or what the next run finds changed | 5, 0 |
//! | a file is over the size limit | a failed row, and it is not read | 5 |
//! | links that lead in a circle | skipped | 0 |
//! | what is not a file, or becomes a link meanwhile | `hostile.rs` | 0, 5 |
//! | a name that is not UTF-8 | a failed row that shows the bytes | 5 |
//! | a name with newlines or escape sequences | stored; a terminal never gets them | 0 |
//! | a directory in place of a file, and the reverse | one is deleted, the other ingested | 0 |
//! | thousands of tiny files | stored | 0 |

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::kill::points;

const INGEST: &[&str] = &["ingest", "docs"];

fn island(env: &TestEnv, path: &str, name: &str) {
    env.write(path, format!("# {name}\n\nThe ferry to {name} leaves in the morning.\n"));
}

/// The collection is what a clean ingest gives, and nothing is left to do.
#[track_caller]
fn in_line(env: &TestEnv) {
    env.run(&["ingest", "docs", "--check"]).expect(0);
    let clean = env.run(&["ingest", "docs", "--data-dir", "clean"]);
    assert!(matches!(clean.code, Some(0 | 5)), "{clean}");
    assert_eq!(points(&env.path(".docent")), points(&env.path("clean")));
    fs::remove_dir_all(env.path("clean")).expect("a removal");
}

fn sources(env: &TestEnv) -> BTreeSet<String> {
    let status = env.run(&["status", "--documents", "--format", "json"]).expect(0).json();
    let records = status["records"].as_array().expect("records").iter();
    records.map(|record| record["source"].as_str().expect("a source").to_owned()).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Permissions do not bind root. As root, docent runs without the capabilities that make it so;
/// `None` where they cannot be taken from it.
fn bound(env: &TestEnv, args: &[&str]) -> Option<Command> {
    let command = env.command(args);
    let probe = env.path("probe");
    fs::write(&probe, "").expect("a file");
    set_mode(&probe, 0o000);
    if File::open(&probe).is_err() {
        return Some(command);
    }
    let dropped = ["--bounding-set", "-dac_override,-dac_read_search", "--"];
    let mut inner = Command::new("setpriv");
    inner.args(dropped).arg(command.get_program()).args(command.get_args());
    inner.current_dir(env.project()).env_clear().env("HOME", env.home());
    let allowed = Command::new("setpriv").args(dropped).arg("cat").arg(&probe).output().ok()?;
    let said = String::from_utf8_lossy(&allowed.stderr).into_owned();
    (said.starts_with("cat:") && said.contains("Permission denied")).then_some(inner)
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is not run is not a test that passes")]
fn what_may_not_be_read() {
    let env = TestEnv::new();
    island(&env, "docs/a.md", "Amrum");
    island(&env, "docs/locked/b.md", "Borkum");
    env.run(INGEST).expect(0);
    island(&env, "docs/c.md", "Corfu");
    island(&env, "docs/locked/d.md", "Djerba");
    let (file, directory) = (env.path("docs/c.md"), env.path("docs/locked"));
    let Some(mut command) = bound(&env, INGEST) else {
        eprintln!("NOT RUN: what_may_not_be_read. Permissions do not bind this user.");
        return;
    };
    set_mode(&file, 0o000);
    set_mode(&directory, 0o000);
    let output = command.output().expect("docent starts");
    set_mode(&file, 0o644);
    set_mode(&directory, 0o755);
    assert_run!(env.outcome(INGEST, output).expect(5), @r"
    $ docent ingest docs
    exit 5
    --- stdout
    added 0, changed 0, moved 0, deleted 0, unchanged 1, skipped 0, failed 2 in [TIME]
    --- stderr
    failed  docs/locked  permission denied (make it readable, or leave it out with --exclude)
    failed  docs/c.md    permission denied (make it readable, or leave it out with --exclude)
    ");
    assert!(sources(&env).contains("docs/locked/b.md"), "not seen is not gone");
    env.run(INGEST).expect(0);
    in_line(&env);
}

/// Changes the file again and again while docent ingests it several times.
fn meanwhile(env: &TestEnv, path: &str, mut change: impl FnMut(&mut File) + Send) {
    let mut file = OpenOptions::new().write(true).open(env.path(path)).expect("a file");
    let over = AtomicBool::new(false);
    let runs: Vec<Run> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                change(&mut file);
            }
        });
        let runs = (0..4).map(|_| env.run(INGEST)).collect();
        over.store(true, Ordering::Relaxed);
        runs
    });
    for run in runs {
        match run.code {
            Some(0) => {}
            Some(5) => {
                assert!(run.stderr.contains("the file kept changing while it was read"), "{run}");
            }
            _ => panic!("{run}"),
        }
    }
    env.run(INGEST).expect(0);
    in_line(env);
}

#[test]
fn a_file_that_grows_while_it_is_read() {
    let env = TestEnv::new();
    island(&env, "docs/a.md", "Amrum");
    env.write("docs/log.txt", "It begins.\n");
    let mut line = 0;
    meanwhile(&env, "docs/log.txt", |file| {
        // It stays small enough for many runs, and is never empty: that would be another failure.
        if line % 20_000 == 0 {
            let begun = "It begins.\n".len() as u64;
            file.set_len(begun).and_then(|()| file.seek(SeekFrom::Start(begun))).expect("a file");
        }
        line += 1;
        writeln!(file, "Line {line} of a log that never ends.").expect("a file");
    });
}

#[test]
fn a_file_that_is_overwritten_while_it_is_read() {
    let env = TestEnv::new();
    let version = |word: &str| format!("The ferry {word} in the morning.\n").repeat(8_000);
    let versions = [version("sails"), version("rests")];
    env.write("docs/a.md", &versions[0]);
    let mut turn = 0;
    meanwhile(&env, "docs/a.md", |file| {
        turn += 1;
        file.rewind().expect("a file");
        for piece in versions[turn % 2].as_bytes().chunks(4_096) {
            file.write_all(piece).expect("a file");
        }
    });
}

/// It has holes where its content would be, and takes no space.
#[test]
fn a_file_of_a_gigabyte() {
    let env = TestEnv::new();
    island(&env, "docs/a.md", "Amrum");
    let file = File::create(env.path("docs/big.txt")).expect("a file");
    file.set_len(1 << 30).expect("a size");
    assert_run!(env.run(INGEST).expect(5), @r"
    $ docent ingest docs
    exit 5
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 1 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    --- stderr
    failed  docs/big.txt  1 GB is over the limit of 64 MB (raise it with --max-file-size)
    ");
    assert_eq!(sources(&env), BTreeSet::from(["docs/a.md".to_owned()]));
    // With the limit raised, its beginning shows that it is not text: it is not read to its end.
    fs::rename(env.path("docs/big.txt"), env.path("docs/big")).expect("a rename");
    let raised = ["ingest", "docs", "--max-file-size", "2GB"];
    let skipped = env.run(&[&raised[..], &["--format", "json"]].concat()).expect(0).json();
    assert_eq!(skipped["skipped_by_reason"]["binary"], 1, "{skipped}");
}

#[test]
fn links_that_lead_in_a_circle() {
    let env = TestEnv::new();
    island(&env, "docs/a.md", "Amrum");
    for (link, target) in [("here", "."), ("up", ".."), ("one", "two"), ("two", "one")] {
        symlink(target, env.path("docs").join(link)).expect("a link");
    }
    assert_run!(env.run(INGEST).expect(0), @r"
    $ docent ingest docs
    exit 0
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 4, failed 0 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    skipped: broken symlink 2, symlink 2
    --- stderr
    ");
    in_line(&env);
}

#[test]
fn links_in_a_circle_named() {
    let env = TestEnv::new();
    symlink("two", env.path("one")).expect("a link");
    symlink("one", env.path("two")).expect("a link");
    assert_run!(env.run(&["ingest", "one"]).expect(2), @r"
    $ docent ingest one
    exit 2
    --- stdout
    --- stderr
    error: one: cannot be read: Too many levels of symbolic links (os error 40)
    ");
}

#[test]
fn names_that_are_not_utf8() {
    let env = TestEnv::new();
    island(&env, "docs/a.md", "Amrum");
    for name in [&b"caf\xe9.md"[..], b"caf\xe8.md"] {
        fs::write(env.path("docs").join(OsStr::from_bytes(name)), "Coffee.\n").expect("a file");
    }
    let directory = env.path("docs").join(OsStr::from_bytes(b"d\xffr"));
    fs::create_dir(&directory).expect("a directory");
    fs::write(directory.join("b.md"), "Tea.\n").expect("a file");
    assert_run!(env.run(INGEST).expect(5), @r"
    $ docent ingest docs
    exit 5
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 3 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    --- stderr
    failed  docs/caf\xE8.md  its name is not UTF-8
    failed  docs/caf\xE9.md  its name is not UTF-8
    failed  docs/d\xFFr      its name is not UTF-8
    ");
    let json = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    let failed: Vec<_> = json["failed"].as_array().expect("rows").iter().collect();
    let named: Vec<_> = failed.iter().map(|row| row["source"].as_str().expect("a name")).collect();
    assert_eq!(named, [r"docs/caf\xE8.md", r"docs/caf\xE9.md", r"docs/d\xFFr"]);
}

/// A line break, a colour, a window title, the clipboard, a C1 control, an override of direction.
const VILE: &str = "a\nb\u{1b}[31mc\u{1b}]0;d\u{7}\u{1b}]52;c;ZQ==\u{7}e\u{9b}31mf\u{202e}g.md";

#[test]
fn names_that_a_terminal_would_obey() {
    let env = TestEnv::new();
    let path = format!("docs/{VILE}");
    island(&env, &path, "Amrum");
    // A row of the report, of status and of the plan.
    env.write("docs/no\u{1b}[2Jtext.pdf", "%PDF-1.4 cut off");
    let dry_run = env.run(&["ingest", "docs", "--dry-run"]).expect(0);
    let ingest = env.run(&["ingest", "docs", "--verbose"]).expect(5);
    let status = env.run(&["status", "--documents"]).expect(0);
    let search = env.run(&["search", "ferry", "--color", "always"]).expect(0);
    let query = env.run(&["query", "When does the ferry to Amrum leave?"]).expect(0);
    let missing = env.run(&["ingest", &format!("{path}x")]).expect(2);
    for run in [&dry_run, &ingest, &status, &search, &query, &missing] {
        harmless(run);
    }
    assert_run!(status, @r"
    $ docent status --documents
    exit 0
    --- stdout
    collection  docent in [PROJECT]/.docent/collections/docent
    documents   1
    chunks      1
    embedder    builtin, 256 dimensions (static-minilm-en-256@bbb84397b56f)
    chunker     256 tokens, 32 overlapping
    words       of each document's language: english 1
    created     [DATE] by docent 0.1.0
    last run    [DATE] over docs
    sources     as they were ingested
    failed      docs/notext.pdf  damaged or truncated: the file is cut off; no page could be read
                docent ingest --retry-failed tries them again
    docs/a bcefg.md  markdown  1 chunk
    --- stderr
    ");

    let exact = env.run(&["search", "ferry", "--format", "json"]).expect(0);
    harmless(&exact);
    assert_eq!(exact.json()["hits"][0]["source"], path.as_str());
    in_line_but_for(&env, "docs/no");
}

/// Nothing but docent's own colours gets through.
#[track_caller]
fn harmless(run: &Run) {
    let text = format!("{}{}", run.stdout, run.stderr);
    let own = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[36m", "\u{1b}[1;33m"];
    let rest = own.iter().fold(text, |text, own| text.replace(own, ""));
    let obeyed = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!rest.contains(obeyed), "{rest:?}");
    assert!(!rest.contains("a\nb"), "{rest:?}");
}

/// [`in_line`] where a file fails in each run.
fn in_line_but_for(env: &TestEnv, failed: &str) {
    let run = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    let rows = run["failed"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["source"].as_str().expect("a name").starts_with(failed)));
    assert_eq!(
        (&run["added"], &run["changed"], &run["deleted"]),
        (&0.into(), &0.into(), &0.into())
    );
}

#[test]
fn a_directory_in_place_of_a_file_and_the_reverse() {
    // Found in a directory, and named.
    for named in [&["ingest", "docs"][..], &["ingest", "docs/a.md", "docs/b"]] {
        let env = TestEnv::new();
        island(&env, "docs/a.md", "Amrum");
        island(&env, "docs/b/c.md", "Corfu");
        island(&env, "docs/b/d/e.md", "Elba");
        env.run(named).expect(0);
        fs::remove_file(env.path("docs/a.md")).expect("a removal");
        fs::remove_dir_all(env.path("docs/b")).expect("a removal");
        island(&env, "docs/a.md/x.md", "Xanthos");
        island(&env, "docs/b", "Borkum");

        let status = env.run(&["status", "--format", "json"]).expect(0).json();
        let gone = serde_json::json!(["docs/a.md", "docs/b/c.md", "docs/b/d/e.md"]);
        assert_eq!(status["stale"]["missing"], gone);
        assert_eq!(status["stale"]["changed"], serde_json::json!([]));

        env.run(named).expect(0);
        let there = ["docs/a.md/x.md", "docs/b"].map(str::to_owned);
        assert_eq!(sources(&env), BTreeSet::from(there));
        in_line(&env);
    }
}

/// As many as `DOCENT_TEST_FILES` says.
#[test]
#[expect(clippy::print_stdout, reason = "how long it took is written down")]
fn thousands_of_tiny_files() {
    let count = std::env::var("DOCENT_TEST_FILES").ok().and_then(|text| text.parse().ok());
    let count: u64 = count.unwrap_or(3_000);
    let env = TestEnv::new();
    for number in 0..count {
        env.write(
            &format!("docs/{}/{number}.txt", number % 100),
            format!("It is note {number}.\n"),
        );
    }
    let started = Instant::now();
    let first = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    println!("{count} files: {:.1} s", started.elapsed().as_secs_f64());
    assert_eq!((&first["added"], &first["chunks"]), (&count.into(), &count.into()));
    let started = Instant::now();
    let again = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    println!("again: {:.2} s", started.elapsed().as_secs_f64());
    assert_eq!((&again["unchanged"], &again["embedded"]), (&count.into(), &0.into()));
    let last = format!("It is note {}.", count - 1);
    let found = env.run(&["search", &last, "-k", "1", "--format", "json"]).expect(0).json();
    assert_eq!(found["hits"][0]["text"], last.as_str());
}
