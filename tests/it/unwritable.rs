//! A collection that may be read but not written, as in a cache or on a read-only mount, can be
//! searched. Commands that would write it end with an error that names it.
//!
//! Modes do not bind root: where root runs the tests, docent runs as nobody.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::env::{Run, TestEnv};

/// `nobody` on every system that has one; it need not be in the list of users.
const NOBODY: u32 = 65534;

/// The data directory of an environment, which may not be written until this is dropped.
struct Locked<'a> {
    env: &'a TestEnv,
    /// docent, where anybody may run it.
    docent: PathBuf,
}

impl<'a> Locked<'a> {
    fn new(env: &'a TestEnv) -> Self {
        let top = env.project().parent().expect("a directory").to_owned();
        let docent = top.join("docent");
        let built = Path::new(env!("CARGO_BIN_EXE_docent"));
        fs::hard_link(built, &docent)
            .or_else(|_| fs::copy(built, &docent).map(|_| ()))
            .expect("a copy of docent");
        for place in [&top, &env.project(), &docent] {
            set_mode(place, 0o755);
        }
        set_mode(&env.home(), 0o777);
        modes(&env.path(".docent"), 0o555, 0o444);
        Self { env, docent }
    }

    fn run(&self, args: &[&str]) -> Run {
        let command = self.env.command(args);
        let mut bound = std::process::Command::new(&self.docent);
        bound.args(args).current_dir(self.env.project()).env_clear();
        bound.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let owner = fs::metadata(self.env.project()).expect("a directory").uid();
        if owner == 0 {
            bound.uid(NOBODY).gid(NOBODY);
        }
        self.env.outcome(args, bound.output().expect("docent runs"))
    }
}

impl Drop for Locked<'_> {
    /// So that the directory can be removed.
    fn drop(&mut self) {
        modes(&self.env.path(".docent"), 0o755, 0o644);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Directories are closed last, since nothing below them could be reached otherwise.
fn modes(path: &Path, directory: u32, file: u32) {
    if !path.is_dir() {
        return set_mode(path, file);
    }
    set_mode(path, 0o755);
    for entry in fs::read_dir(path).expect("a directory") {
        modes(&entry.expect("an entry").path(), directory, file);
    }
    set_mode(path, directory);
}

fn contents(path: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::from([(path.to_owned(), fs::read(path).ok())]);
    for entry in fs::read_dir(path).into_iter().flatten() {
        found.extend(contents(&entry.expect("an entry").path()));
    }
    found
}

#[test]
fn a_collection_that_may_not_be_written_is_searched() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Amrum\n\nThe ferry to Amrum leaves in the morning.\n");
    env.write("docs/b.md", "# Borkum\n\nThe ferry to Borkum leaves at noon.\n");
    env.run(&["ingest", "docs"]).expect(0);
    env.write("docs/c.md", "# Corfu\n\nThe ferry to Corfu leaves at night.\n");
    let open = env.run(&["search", "ferry to Amrum", "--format", "json"]).expect(0).json();
    let before = contents(&env.path(".docent"));

    let locked = Locked::new(&env);
    let found = locked.run(&["search", "ferry to Amrum", "--format", "json"]).expect(0).json();
    assert_eq!(found["hits"], open["hits"]);
    let answer = locked.run(&["query", "When does the ferry to Amrum leave?"]).expect(0);
    assert!(answer.stdout.contains("in the morning"), "{answer}");
    let status = locked.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["documents"], 2, "{status}");
    let refused = locked.run(&["ingest", "docs"]);
    assert!(refused.code.is_some_and(|code| code > 1), "{refused}");
    for told in ["[PROJECT]/.docent/collections", "ermission denied"] {
        assert!(refused.stderr.contains(told), "{refused}");
    }
    // Nothing is broken: nothing is to be removed.
    assert!(!refused.stderr.contains("rm -r"), "{refused}");
    assert!(refused.stderr.contains("--data-dir"), "{refused}");
    let whole = locked.run(&["index", "verify"]).expect(0);
    assert!(whole.stdout.contains("is whole: 2 documents, 2 chunks"), "{whole}");
    let current = locked.run(&["ingest", "docs", "--check", "--checksum"]).expect(1);
    assert!(current.stdout.contains("+ docs/c.md"), "{current}");
    // Nothing was written, and nothing is left behind.
    drop(locked);
    assert_eq!(contents(&env.path(".docent")), before);
    env.run(&["ingest", "docs"]).expect(0);
}

#[test]
fn what_may_not_be_read_or_made_is_no_damage() {
    let env = TestEnv::new();
    env.write("docs/a.md", "The ferry to Amrum leaves in the morning.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let locked = Locked::new(&env);
    modes(&env.path(".docent"), 0o700, 0o600);
    if fs::metadata(env.project()).expect("a directory").uid() != 0 {
        return;
    }
    for command in [&["search", "ferry"][..], &["index", "verify"], &["status"], &["ingest"]] {
        let refused = locked.run(command).expect(4);
        assert!(refused.stderr.contains("ermission denied"), "{refused}");
        assert!(!refused.stderr.contains("rm -r"), "{refused}");
        assert!(!refused.stderr.contains("is damaged"), "{refused}");
    }
}
