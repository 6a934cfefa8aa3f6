//! `docent mcp install CLIENT --write` with unusual files of clients: nothing in them is ever lost.

use std::fs;

use crate::env::TestEnv;

const WRITE: &[&str] = &["mcp", "install", "vscode", "--write"];
const FILE: &str = ".vscode/mcp.json";

/// The command is refused with the reason and a hint, and nothing is changed.
#[track_caller]
fn refused(env: &TestEnv, says: &[&str]) {
    let before = snapshot(env);
    let run = env.run(WRITE).expect(3);
    for part in says.iter().chain(&["nothing was changed"]) {
        assert!(run.stderr.contains(part), "{part}: {run}");
    }
    assert_eq!(snapshot(env), before);
}

/// Every file of the project, and what is in it.
fn snapshot(env: &TestEnv) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut directories = vec![env.project()];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else {
                files.push((path.clone(), fs::read(&path).unwrap_or_default()));
            }
        }
    }
    files.sort();
    files
}

fn read(env: &TestEnv) -> String {
    fs::read_to_string(env.path(FILE)).expect("a file")
}

#[test]
fn a_file_that_is_empty_is_filled() {
    for nothing in ["", "\n", "\u{feff}", "// mine\n"] {
        let env = TestEnv::new();
        env.write(FILE, nothing);
        env.run(WRITE).expect(0);
        let written = read(&env);
        assert!(
            written.starts_with(nothing.trim_end_matches('\n')) && written.contains("docent"),
            "{written:?}"
        );
    }
}

#[test]
fn ends_of_lines_stay_as_they_are() {
    let env = TestEnv::new();
    env.write(FILE, "\u{feff}{\r\n  // mine\r\n  \"servers\": {}\r\n}\r\n");
    env.run(WRITE).expect(0);
    let written = read(&env);
    assert!(written.starts_with("\u{feff}{\r\n  // mine\r\n"), "{written:?}");
    assert_eq!(written.matches('\n').count(), written.matches("\r\n").count(), "{written:?}");
    let again = env.run(WRITE).expect(0);
    assert!(again.stderr.contains("already"), "{again}");
}

#[test]
fn what_is_no_client_file_is_refused() {
    let env = TestEnv::new();
    for (text, says) in [
        (&b"{\"servers\": {}, \"servers\": {}}"[..], "`servers` appears more than once"),
        (b"\xff\xfe{\0}\0", "is not text in UTF-8"),
        (b"{\"servers\": {", "it is not JSON"),
        (b"[1]", "it is not a JSON object"),
    ] {
        env.write(FILE, text);
        refused(&env, &[FILE, says]);
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_named() {
    let env = TestEnv::new();
    env.write(".vscode", "mine");
    refused(&env, &[".vscode is a file", "move it away"]);
    let env = TestEnv::new();
    fs::create_dir_all(env.path(FILE)).expect("a directory");
    refused(&env, &["mcp.json is a directory", "move it away"]);
}

#[test]
fn a_file_that_is_read_only_stays() {
    let env = TestEnv::new();
    let path = env.write(FILE, "{}");
    let mut permissions = fs::metadata(&path).expect("a file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("a mode");
    refused(&env, &["mcp.json is read-only", "make it writable"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_stays() {
    use std::os::unix::fs::PermissionsExt as _;

    let env = TestEnv::new();
    let path = env.write(FILE, "{}");
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    set(0o200);
    if fs::read(&path).is_ok() {
        return; // The superuser reads everything.
    }
    refused(&env, &["mcp.json cannot be read", "who may read"]);
    // Printing needs no file.
    env.run(&["mcp", "install", "vscode"]).expect(0);
    set(0o600);
    env.run(WRITE).expect(0);
    let mode = fs::metadata(&path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it has the permissions that it had");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    use std::os::unix::fs::symlink;

    let env = TestEnv::new();
    let own = env.write("dotfiles/vscode.json", "{}");
    fs::create_dir(env.path(".vscode")).expect("a directory");
    symlink("../dotfiles/vscode.json", env.path(FILE)).expect("a link");
    env.run(WRITE).expect(0);
    assert!(env.path(FILE).is_symlink());
    assert!(fs::read_to_string(&own).expect("a file").contains("docent"));

    // The target of a link in somebody else's project is not written.
    fs::remove_file(env.path(FILE)).expect("a link");
    let theirs = env.home().join("settings.json");
    fs::write(&theirs, "{}").expect("a file");
    symlink(&theirs, env.path(FILE)).expect("a link");
    let run = env.run(WRITE).expect(3);
    assert!(run.stderr.contains("outside the project"), "{run}");
    assert_eq!(fs::read_to_string(&theirs).expect("a file"), "{}");

    fs::remove_file(env.path(FILE)).expect("a link");
    symlink("gone.json", env.path(FILE)).expect("a link");
    let run = env.run(WRITE).expect(3);
    assert!(run.stderr.contains("gone.json") && env.path(FILE).is_symlink(), "{run}");

    // A file of the user's own home may be kept elsewhere.
    let kept = env.write("kept.toml", "model = \"o\"\n");
    fs::create_dir(env.home().join(".codex")).expect("a directory");
    symlink(&kept, env.home().join(".codex/config.toml")).expect("a link");
    env.run(&["mcp", "install", "codex", "--write"]).expect(0);
    assert!(env.home().join(".codex/config.toml").is_symlink());
    assert!(fs::read_to_string(&kept).expect("a file").contains("[mcp_servers.docent]"));
}

#[test]
fn options_of_the_server_are_checked_and_written() {
    let env = TestEnv::new();
    let install = |options: &[&str]| env.run(&[WRITE, &["--"], options].concat());
    let refused = install(&["--allow-ingests"]).expect(2);
    assert!(refused.stderr.contains("docent mcp --allow-ingests"), "{refused}");
    assert!(!env.path(FILE).exists());
    install(&["--allow-ingest", "--tools", "search,fetch"]).expect(0);
    let entry: serde_json::Value = serde_json::from_str(&read(&env)).expect("JSON");
    let args = &entry["servers"]["docent"]["args"];
    assert_eq!(*args, serde_json::json!(["mcp", "--allow-ingest", "--tools", "search,fetch"]));
}
