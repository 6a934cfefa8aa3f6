//! Trees that were made to do harm, or that change during the walk.

use super::*;

/// The link is there when the directory is opened, and was not there when it was listed.
#[test]
fn a_directory_that_is_swapped_for_a_link_is_not_entered() {
    let project = Project::new(&["a.md", "docs/sub/b.md", "docs/sub/deep/c.md"]);
    let outside = Project::new(&["b.md", "deep/c.md"]);
    let root = project.path().canonicalize().unwrap();
    for swapped in ["docs", "docs/sub", "docs/sub/deep"] {
        let (path, aside) = (root.join(swapped), root.join(".aside"));
        let swap = |entered: &Path| {
            if entered == path {
                fs::rename(&path, &aside).unwrap();
                symlink(outside.path(), &path).unwrap();
            }
        };
        let rules = NameRules::new(&project.options(&[])).unwrap();
        let held = RootDir::open(&root).unwrap();
        let mut walk = Walk::new(&root, &held, &rules, 1000, &swap);
        walk.visit(&InputTarget::Directory(String::new()));
        let found = walk.finish(Vec::new());
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        let all = project.find(&["."]);
        let inside = sources(&all).into_iter().filter(|source| !source.starts_with(swapped));
        let inside: Vec<_> = inside.collect();
        assert_eq!(sources(&found), inside);
        let [FailedInput { source, reason }] = &*found.failed else { panic!("{:?}", found.failed) };
        assert_eq!(source, swapped);
        assert!(reason.contains("has become a link"), "{reason}");
        assert!(!found.scope.covers(&format!("{swapped}/b.md")), "not seen is not gone");
    }
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_is_not_a_file_is_skipped_and_fails_if_it_is_named() {
    let project = Project::new(&["a.md"]);
    make_pipe(&project.path().join("pipe.md"));
    let _listens = std::os::unix::net::UnixListener::bind(project.path().join("s.md")).unwrap();
    let found = project.find(&["."]);
    assert_eq!(sources(&found), ["a.md"]);
    assert_eq!(skipped(&found), [("pipe.md", "named pipe"), ("s.md", "socket")]);
    let failed = |inputs: &[&str]| {
        let found = project.find(inputs).failed;
        found.into_iter().map(|row| row.reason).collect::<Vec<_>>()
    };
    let rows = ["named pipe", "socket"].map(walk::not_a_file);
    assert_eq!(failed(&["pipe.md", "s.md"]), rows);
    assert_eq!(failed(&["/dev/zero"]), [walk::not_a_file("device")]);
    #[cfg(target_os = "linux")]
    assert_eq!(
        failed(&["/proc/version", "/proc/sys/kernel", "/proc/sys/*.md"]),
        [rooted_fs::PSEUDO; 3].map(walk::not_a_file)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_of_a_shell_is_distinguished_from_a_missing_file() {
    use std::os::fd::AsRawFd as _;
    let project = Project::new(&[]);
    let (reads, _writes) = std::io::pipe().unwrap();
    let error = project.error(&[&format!("/dev/fd/{}", reads.as_raw_fd())]);
    assert!(error.to_string().contains("pipe it in with `docent ingest -`"), "{error}");
}

#[test]
fn the_nearest_rule_decides_and_docentignore_takes_precedence() {
    let project = Project::new(&["a.log", "keep/a.log", "keep/b.log", "keep/deep/a.log", "c.md"]);
    project.write(".gitignore", "\u{feff}*.log\r\n\\\n[z-\nc.md\n");
    project.write(".docentignore", "!c.md\n");
    project.write("keep/.gitignore", "!a.log\n");
    project.write("keep/deep/.docentignore", "*.log\n");
    for inputs in [&["."][..], &["keep", "*.log", "*.md"]] {
        let found = discover(&DiscoverOptions { remembered: true, ..project.options(inputs) });
        assert_eq!(sources(&found.unwrap()), ["c.md", "keep/a.log"], "{inputs:?}");
    }
}

/// It might exclude files that nobody wants to be read.
#[test]
fn an_ignore_file_that_cannot_be_read_is_reported() {
    let project = Project::new(&["a.md", "b.md", "docs/c.md", "docs/d.md", "shared/ignore"]);
    let at = |name: &str| project.path().join(name);
    project.write("shared/ignore", "b.md\nd.md\n");
    // An ignore file that is shared by a link is obeyed.
    symlink("shared/ignore", at(".gitignore")).unwrap();
    symlink("nowhere", at("shared/.gitignore")).unwrap();
    assert_eq!(sources(&project.find(&["."])), ["a.md", "docs/c.md", "shared/ignore"]);
    symlink("/dev/zero", at("docs/.gitignore")).unwrap();
    make_pipe(&at("docs/.docentignore"));
    project.write("shared/.docentignore", &"# long\n".repeat(200_000));
    for inputs in [&["."][..], &["docs", "shared"]] {
        let found = project.find(inputs);
        let rows: Vec<_> =
            found.failed.iter().map(|row| (row.source.as_str(), row.reason.as_str())).collect();
        assert_eq!(
            rows,
            [
                ("docs/.docentignore", "its rules are not applied: not a file: named pipe"),
                ("docs/.gitignore", "its rules are not applied: not a file: device"),
                (
                    "shared/.docentignore",
                    "its rules are not applied: it is longer than 1 MB, the limit of an ignore file"
                ),
            ]
        );
    }
}
