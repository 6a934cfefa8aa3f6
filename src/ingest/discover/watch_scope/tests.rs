#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::symlink;

use super::*;

/// A project in a temporary directory, with empty files.
struct Project {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Project {
    fn new(files: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("project");
        fs::create_dir(&root).unwrap();
        let project = Self { _dir: dir, root };
        for file in files {
            project.write(file, "");
        }
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn options(&self, inputs: &[&str]) -> DiscoverOptions {
        DiscoverOptions {
            root: self.root.clone(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            cwd: self.root.clone(),
            include: Vec::new(),
            exclude: vec!["*.bak".to_owned(), "old/".to_owned()],
            max_file_size: 1000,
            hidden: false,
            known: Vec::new(),
            named: Vec::new(),
            allow_gone: false,
            remembered: false,
            outside: Vec::new(),
            own: vec![self.root.join("data/collections")],
            expiry: None,
        }
    }

    fn lookout(&self, inputs: &[&str]) -> WatchScope {
        WatchScope::new(&self.options(inputs)).unwrap()
    }

    /// Those of the paths that concern a run over `inputs`.
    fn concern<'a>(&self, inputs: &[&str], paths: &[&'a str]) -> Vec<&'a str> {
        let mut judge = self.lookout(inputs).judge();
        paths.iter().filter(|path| judge.concerns(&self.root.join(path))).copied().collect()
    }

    /// Directories that a run over `inputs` enters.
    fn entered(&self, inputs: &[&str]) -> Vec<String> {
        let mut entered = Vec::new();
        self.lookout(inputs).enter(&mut |directory| {
            let relative = directory.strip_prefix(&self.root).unwrap();
            entered.push(relative.display().to_string());
        });
        entered.sort();
        entered
    }
}

#[test]
fn directories_are_those_that_a_run_enters() {
    let project = Project::new(&[
        "a.md",
        "docs/b.md",
        "docs/deep/c.md",
        "docs/old/d.md",
        "target/debug/e.md",
        ".git/config",
        ".docent/collections/docent",
        "data/collections/docent",
        ".hidden/f.md",
    ]);
    project.write(".gitignore", "target/\n");
    assert_eq!(project.entered(&["."]), ["", "data", "docs", "docs/deep"]);
    assert_eq!(project.entered(&["docs/**/*.md", "a.md"]), ["docs", "docs/deep"]);
    assert!(project.entered(&["gone"]).is_empty());
}

#[test]
fn changes_below_an_input_concern_it_unless_they_are_skipped() {
    let project = Project::new(&["docs/a.md", "docs/target/x", "docs/.swap", "docs/a.bak", "x.md"]);
    project.write("docs/.gitignore", "target/\n*.log\n");
    let paths = [
        "docs/a.md",
        "docs/new.md",
        "docs/gone/deep.md",
        "docs/.gitignore",
        "docs/deep/.docentignore",
        "docs",
    ];
    assert_eq!(project.concern(&["docs"], &paths), paths);
    let none: [&str; 0] = [];
    let passed_over = [
        "docs/.swap",
        "docs/target",
        "docs/target/x",
        "docs/target/.gitignore",
        "docs/run.log",
        "docs/a.bak",
        "docs/old/a.md",
        "docs/.git/index",
        "docs/.git/info/.gitignore",
        "x.md",
        "documents/a.md",
    ];
    assert_eq!(project.concern(&["docs"], &passed_over), none);
}

/// An ingest writes into the tree that it watches.
#[test]
fn what_docent_stores_never_concerns_a_run() {
    let project = Project::new(&["data/collections/docent@v1/manifest.json", "data/a.md"]);
    let stored = [
        ".docent",
        ".docent/.gitignore",
        ".docent/collections/docent@lock",
        "data/collections",
        "data/collections/docent@v1/manifest.json",
        "data/collections/docent@writer",
    ];
    let none: [&str; 0] = [];
    assert_eq!(project.concern(&["."], &stored), none);
    let hidden = DiscoverOptions { hidden: true, ..project.options(&["."]) };
    let mut judge = WatchScope::new(&hidden).unwrap().judge();
    assert!(!stored.iter().any(|path| judge.concerns(&project.root.join(path))));
    assert_eq!(project.concern(&["."], &["data/a.md"]), ["data/a.md"]);
}

#[test]
fn a_glob_is_concerned_by_what_it_matches_and_by_directories() {
    let project = Project::new(&["docs/a.md", "docs/deep/b.md"]);
    let paths = ["docs/a.md", "docs/a.txt", "docs/deep", "docs/deep/new.md", "docs/deep/new.txt"];
    let concerned = ["docs/a.md", "docs/deep", "docs/deep/new.md"];
    // A path that is gone may have been a directory.
    let gone = ["docs/a.txt", "docs/deep/new.txt"];
    let found = project.concern(&["docs/**/*.md"], &paths);
    assert_eq!(found, paths, "none of the others is there");
    for file in gone {
        project.write(file, "");
    }
    assert_eq!(project.concern(&["docs/**/*.md"], &paths), concerned);
}

/// Files are replaced by renames, directories by checkouts: the places where that happens are watched.
#[test]
fn the_way_to_an_input_is_watched_up_to_the_project() {
    let project = Project::new(&["a/b/c/doc.md", "a/b/c/other.md"]);
    let places = |inputs: &[&str]| -> Vec<String> {
        let lookout = project.lookout(inputs);
        let relative =
            |path: &Path| path.strip_prefix(&project.root).unwrap().display().to_string();
        lookout.ways().into_iter().map(relative).collect()
    };
    assert_eq!(places(&["a/b/c/doc.md"]), ["", "a", "a/b", "a/b/c"]);
    assert_eq!(places(&["a/b/c"]), ["", "a", "a/b"]);
    assert_eq!(places(&["./a/../a/b"]), ["", "a"]);
    assert_eq!(places(&["a/b/*.md"]), ["", "a"]);
    assert!(places(&["."]).is_empty());
    let file = ["a", "a/b", "a/b/c", "a/b/c/doc.md", "a/b/c/.gitignore", ".docentignore"];
    assert_eq!(project.concern(&["a/b/c/doc.md"], &file), file);
    let none: [&str; 0] = [];
    assert_eq!(project.concern(&["a/b/c/doc.md"], &["a/b/c/other.md", "a/x", "x"]), none);
    // It does not exist yet: it is watched for where it will appear.
    assert_eq!(places(&["a/new/sub"]), ["", "a"]);
    assert_eq!(project.concern(&["a/new/sub"], &["a/new", "a/x"]), ["a/new"]);
}

/// The link may change, and so may its target.
#[test]
fn a_link_is_watched_and_so_is_its_target() {
    let project = Project::new(&["real/v1/a.md", "real/v2/a.md"]);
    symlink("real/v1", project.root.join("current")).unwrap();
    assert_eq!(project.entered(&["current"]), ["real/v1"]);
    let paths = ["current", "real", "real/v1", "real/v1/a.md", "real/v2", "real/v2/a.md"];
    assert_eq!(project.concern(&["current"], &paths), &paths[..4]);
}

#[test]
fn an_input_outside_the_project_is_watched_from_the_top() {
    let (project, other) = (Project::new(&[]), Project::new(&["docs/a.md"]));
    let docs = other.root.join("docs");
    let lookout = project.lookout(&[docs.to_str().unwrap()]);
    let ways = lookout.ways();
    assert!(ways.contains(Path::new("/")) && ways.contains(other.root.as_path()));
    let mut judge = lookout.judge();
    assert!(judge.concerns(&docs) && judge.concerns(&docs.join("new.md")));
    assert!(!judge.concerns(&other.root.join("else.md")));
}
