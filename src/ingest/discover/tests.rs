#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;

mod hostile;

/// A project in a temporary directory; every file holds its own name.
struct Project(tempfile::TempDir);

impl Project {
    fn new(files: &[&str]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for file in files {
            project.write(file, file);
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn options(&self, inputs: &[&str]) -> DiscoverOptions {
        DiscoverOptions {
            root: self.path().to_owned(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            cwd: self.path().to_owned(),
            include: Vec::new(),
            exclude: Vec::new(),
            max_file_size: 1000,
            hidden: false,
            known: Vec::new(),
            named: Vec::new(),
            allow_gone: false,
            remembered: false,
            outside: Vec::new(),
            own: Vec::new(),
            expiry: None,
        }
    }

    fn find(&self, inputs: &[&str]) -> Discovery {
        discover(&self.options(inputs)).unwrap()
    }

    fn error(&self, inputs: &[&str]) -> DiscoverError {
        discover(&self.options(inputs)).unwrap_err()
    }
}

fn sources(found: &Discovery) -> Vec<&str> {
    found.files.iter().map(|file| file.source.as_str()).collect()
}

fn skipped(found: &Discovery) -> Vec<(&str, &str)> {
    found.skipped.iter().map(|row| (row.source.as_str(), row.reason)).collect()
}

#[test]
fn files_directories_and_globs_overlap_without_duplicates() {
    let project = Project::new(&["a.md", "docs/b.md", "docs/deep/c.md", "docs/d.txt", "x/e.md"]);
    assert_eq!(
        sources(&project.find(&["."])),
        ["a.md", "docs/b.md", "docs/d.txt", "docs/deep/c.md", "x/e.md"]
    );
    let found = project.find(&["docs/**/*.md", "docs/b.md", "./docs"]);
    assert_eq!(sources(&found), ["docs/b.md", "docs/d.txt", "docs/deep/c.md"]);
    assert_eq!(found.scope.roots(), ["docs/**/*.md", "docs/b.md", "docs"]);
    assert_eq!(sources(&project.find(&["docs/*.md"])), ["docs/b.md"]);
    assert_eq!(found.files[0].size, 9);
    assert!(found.files[0].mtime > 1_500_000_000_000_000_000);
}

/// More entries than one thread takes at a time: several threads find what one would.
#[test]
fn a_large_tree_is_found_whole_and_in_order() {
    let flat = (0..700).map(|i| format!("flat/{i}.md"));
    let deep = (0..60).flat_map(|i| {
        let place = format!("deep/{}/{i}", i % 7);
        [format!("{place}/a.md"), format!("{place}/b.md"), format!("{place}.md")]
    });
    let mut expected: Vec<String> = flat.chain(deep).collect();
    let project = Project::new(&expected.iter().map(String::as_str).collect::<Vec<_>>());
    // Each is ignored only in its own directory.
    for i in (0..60).step_by(2) {
        project.write(&format!("deep/{}/{i}/.gitignore", i % 7), "b.md\n");
        expected.retain(|source| *source != format!("deep/{}/{i}/b.md", i % 7));
    }
    expected.sort();
    let found = project.find(&["."]);
    assert_eq!(sources(&found), expected);
    let ignored = found.skipped.iter().filter(|row| row.reason == "ignored");
    assert_eq!(ignored.count(), 30);
}

#[test]
fn inputs_are_relative_to_the_working_directory_and_sources_to_the_root() {
    let project = Project::new(&["docs/b.md", "docs/deep/c.md", "a.md"]);
    let mut options = project.options(&["deep", "../a.md", "*.md"]);
    options.cwd = project.path().join("docs");
    assert_eq!(sources(&discover(&options).unwrap()), ["a.md", "docs/b.md", "docs/deep/c.md"]);
}

#[test]
fn ignored_and_hidden_entries_are_skipped_and_counted_once() {
    let project = Project::new(&[
        "a.md",
        "build/x.md",
        "build/deep/y.md",
        "notes/secret.md",
        "notes/ok.md",
        ".env",
        ".hid/z.md",
        ".git/HEAD",
        ".docent/data",
    ]);
    project.write(".gitignore", "build/\n");
    project.write("notes/.docentignore", "secret*\n");
    let found = project.find(&["."]);
    assert_eq!(sources(&found), ["a.md", "notes/ok.md"]);
    let rows = [
        (".env", "hidden"),
        (".gitignore", "hidden"),
        (".hid", "hidden"),
        ("build", "ignored"),
        ("notes/.docentignore", "hidden"),
        ("notes/secret.md", "ignored"),
    ];
    assert_eq!(skipped(&found), rows);

    let named = project.find(&["notes", "notes/secret.md", "build", ".env"]);
    assert_eq!(
        sources(&named),
        [".env", "build/deep/y.md", "build/x.md", "notes/ok.md", "notes/secret.md"]
    );
    assert_eq!(skipped(&named), [("notes/.docentignore", "hidden")]);

    let mut options = project.options(&["."]);
    options.hidden = true;
    let all = discover(&options).unwrap();
    assert!(sources(&all).contains(&".hid/z.md"));
    assert!(!sources(&all).iter().any(|source| source.contains("HEAD") || source.contains("data")));
}

#[test]
fn include_and_exclude_shut_out_named_files_too() {
    let project = Project::new(&["a.md", "b.txt", "old/c.md", "docs/old/d.md", "docs/e.md"]);
    let mut options = project.options(&[".", "docs/old/d.md"]);
    options.include = vec!["*.md".into()];
    options.exclude = vec!["./docs/old".into()];
    let found = discover(&options).unwrap();
    assert_eq!(sources(&found), ["a.md", "docs/e.md", "old/c.md"]);
    assert_eq!(
        skipped(&found),
        [("b.txt", "excluded"), ("docs/old", "excluded"), ("docs/old/d.md", "excluded")]
    );
    for (source, covered) in [("gone.md", true), ("gone.txt", false), ("docs/old/gone.md", false)] {
        assert_eq!(found.scope.covers(source), covered, "{source}");
    }
}

#[test]
fn an_entry_is_skipped_for_what_the_last_input_says() {
    let project = Project::new(&["a.md", "notes.log"]);
    project.write(".gitignore", "*.log\n");
    let find = |inputs: &[&str]| {
        let exclude = vec!["*.log".to_owned()];
        discover(&DiscoverOptions { exclude, ..project.options(inputs) }).unwrap()
    };
    let (named, ignored) = (find(&[".", "notes.log"]), find(&["notes.log", "."]));
    assert!(skipped(&named).contains(&("notes.log", "excluded")));
    assert!(skipped(&ignored).contains(&("notes.log", "ignored")));
}

#[test]
fn the_scope_is_what_was_asked_about() {
    let project = Project::new(&["docs/a.md", "b.md", "other/c.md", ".github/d.yml"]);
    let scope = project.find(&["docs", "b.md", "other/*.md", ".github"]).scope;
    for (source, covered) in [
        ("docs/gone.md", true),
        ("docs/deep/gone.md", true),
        ("docs", true),
        ("docsy/gone.md", false),
        ("docs/.hidden/gone.md", false),
        (".github/gone.yml", true),
        ("b.md", true),
        ("c.md", false),
        ("other/gone.md", true),
        ("other/gone.txt", false),
        ("other/deep/gone.md", false),
        ("docs/https://example.org/", false),
    ] {
        assert_eq!(scope.covers(source), covered, "{source}");
    }
    assert!(project.find(&["."]).scope.covers("anything/at/all.md"));
}

#[test]
fn key_files_are_taken_only_where_they_are_named() {
    let project = Project::new(&["a.md", ".env", "certs/server.key", "certs/ca.crt", "id_rsa"]);
    let found = project.find(&["."]);
    assert_eq!(sources(&found), ["a.md", "certs/ca.crt"]);
    let reason = "key or credentials file";
    let rows = [(".env", "hidden"), ("certs/server.key", reason), ("id_rsa", reason)];
    assert_eq!(skipped(&found), rows);

    let hidden = DiscoverOptions { hidden: true, ..project.options(&[".", "certs/*.key"]) };
    let error = discover(&hidden).unwrap_err();
    assert!(matches!(error, DiscoverError::NoMatch { skipped: 1, .. }), "{error}");
    let hidden = DiscoverOptions { hidden: true, ..project.options(&["."]) };
    assert_eq!(skipped(&discover(&hidden).unwrap())[0], (".env", reason));

    let named = project.find(&[".", ".env", "certs/server.key"]);
    assert_eq!(sources(&named), [".env", "a.md", "certs/ca.crt", "certs/server.key"]);
    assert_eq!(skipped(&named), [("id_rsa", reason)]);
}

#[test]
fn a_key_file_that_was_not_named_goes_and_one_that_was_stays() {
    let project = Project::new(&["certs/server.key", "certs/other.key"]);
    let named = vec!["certs/server.key".to_owned()];
    let options = DiscoverOptions { named, ..project.options(&["certs"]) };
    let scope = discover(&options).unwrap().scope;
    assert!(scope.covers("certs/other.key"));
    assert!(!scope.covers("certs/server.key"));
    assert!(scope.covers("certs/server.md"));
}

#[test]
fn symlinks_are_named_or_skipped() {
    let project = Project::new(&["real/a.md"]);
    let outside = Project::new(&["secret.md"]);
    let at = |name: &str| project.path().join(name);
    symlink(outside.path(), at("out")).unwrap();
    symlink(outside.path().join("secret.md"), at("out.md")).unwrap();
    symlink(project.path(), at("real/loop")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("real/a.md", at("link.md")).unwrap();
    let found = project.find(&["."]);
    assert_eq!(sources(&found), ["real/a.md"]);
    let rows = [
        ("dangling", "broken symlink"),
        ("link.md", "symlink"),
        ("out", "symlink outside the root"),
        ("out.md", "symlink outside the root"),
        ("real/loop", "symlink"),
    ];
    assert_eq!(skipped(&found), rows);
    assert_eq!(sources(&project.find(&["link.md"])), ["real/a.md"]);
    assert!(matches!(project.error(&["out.md"]), DiscoverError::Escapes { .. }));
}

#[test]
fn what_cannot_be_taken_fails_and_is_not_taken_for_deleted() {
    let project = Project::new(&["a.md"]);
    project.write("big.md", &"x".repeat(1500));
    let bad = std::ffi::OsStr::from_bytes(b"bad\xff.md");
    fs::write(project.path().join(bad), "x").unwrap();
    let found = project.find(&["."]);
    assert_eq!(sources(&found), ["a.md"]);
    let failed: Vec<_> =
        found.failed.iter().map(|row| (row.source.as_str(), row.reason.as_str())).collect();
    let rows = [
        ("bad\\xFF.md", "its name is not UTF-8"),
        ("big.md", "1.5 KB is over the limit of 1000 bytes (raise it with --max-file-size)"),
    ];
    assert_eq!(failed, rows);
    assert!(!found.scope.covers("big.md"));
}

#[test]
fn an_unreadable_directory_keeps_its_documents() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new(&["a.md", "locked/b.md"]);
    let locked = project.path().join("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not bind the superuser: there the directory is simply read.
    let bound = fs::read_dir(&locked).is_err();
    let found = project.find(&["."]);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(found.failed.len(), usize::from(bound));
    assert_eq!(found.scope.covers("locked/b.md"), !bound);
    assert_eq!(found.files.len(), if bound { 1 } else { 2 });
}

#[test]
fn errors_name_the_input_and_the_way_out() {
    let project = Project::new(&["docs/handbook.md", "[x].md", "docs/.hidden.md"]);
    let error = project.error(&["docs/handbok.md"]);
    assert_eq!(error.to_string(), "docs/handbok.md: no such file or directory");
    assert_eq!(error.hint().unwrap(), "did you mean docs/handbook.md?");
    assert_eq!(
        project.error(&["dosc/handbook.md"]).hint().unwrap(),
        "did you mean docs/handbook.md?"
    );
    assert_eq!(project.error(&["zzzzzz"]).hint(), None);

    assert_eq!(
        project.error(&["*.rst"]),
        DiscoverError::NoMatch { input: "*.rst".into(), skipped: 0 }
    );
    assert_eq!(
        project.error(&["docs/.h*"]),
        DiscoverError::NoMatch { input: "docs/.h*".into(), skipped: 1 }
    );
    assert!(matches!(project.error(&["docs/[z-a]"]), DiscoverError::InvalidGlob { .. }));
    assert_eq!(sources(&project.find(&["[x].md"])), ["[x].md"]);

    let mut options = project.options(&["."]);
    options.exclude = vec!["a{b".into()];
    assert!(matches!(discover(&options), Err(DiscoverError::InvalidGlob { .. })));
}

#[test]
fn a_tree_outside_the_project_has_absolute_sources() {
    let (project, other) = (Project::new(&[]), Project::new(&["a.md", "deep/b.md", "deep/c.txt"]));
    let base = other.path().canonicalize().unwrap().display().to_string();
    let found = discover(&project.options(&[&base])).unwrap();
    let sources: Vec<_> = found.files.iter().map(|file| file.source.clone()).collect();
    assert_eq!(sources, ["a.md", "deep/b.md", "deep/c.txt"].map(|name| format!("{base}/{name}")));
    assert!(found.scope.covers(&format!("{base}/deep/gone.md")));
    assert!(!found.scope.covers("a.md"));

    let options = DiscoverOptions { include: vec!["*.txt".into()], ..project.options(&[&base]) };
    assert_eq!(discover(&options).unwrap().files.len(), 1);
}
