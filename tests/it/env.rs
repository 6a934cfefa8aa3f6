//! A place to run docent in: its own home and project, an environment with nothing else in it.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A temporary project directory and home. Removed when dropped.
pub(crate) struct TestEnv {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for name in ["project", "home"] {
            std::fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        // Nothing listens there, so that servers on the developer's machine are not found.
        let variables = vec![("OLLAMA_HOST".to_owned(), "127.0.0.1:1".to_owned())];
        Self { dir, variables }
    }

    /// With `sample-docs` in the project directory.
    pub(crate) fn with_samples() -> Self {
        let env = Self::new();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-docs");
        copy_tree(&samples, &env.path("sample-docs"));
        env
    }

    /// The same with the questions about them, as `cases.jsonl`.
    pub(crate) fn with_cases() -> Self {
        let env = Self::with_samples();
        env.write("cases.jsonl", include_str!("../cases.jsonl"));
        env
    }

    /// Adds a variable to the environment of every run.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A path in the project.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.project().join(relative)
    }

    /// Writes a file in the project, with its directories.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// docent with these arguments, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
        command
            .args(args)
            .current_dir(self.project())
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs docent and waits for it.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output().expect("docent starts");
        self.outcome(args, output)
    }

    /// The same with text on standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: impl AsRef<[u8]>) -> Run {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("docent starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that does not read its input may close it first.
        let _ = stdin.write_all(input.as_ref());
        drop(stdin);
        self.outcome(args, child.wait_with_output().expect("docent ends"))
    }

    pub(crate) fn outcome(&self, args: &[&str], output: Output) -> Run {
        let clean = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("output is UTF-8");
            let project = self.project().canonicalize().expect("the project exists");
            text.replace(&*project.to_string_lossy(), "[PROJECT]")
                .replace(&*self.project().to_string_lossy(), "[PROJECT]")
                .replace(&*self.home().to_string_lossy(), "[HOME]")
        };
        Run {
            args: args.join(" "),
            code: output.status.code(),
            stdout: clean(output.stdout),
            stderr: clean(output.stderr),
        }
    }
}

/// What a run printed and how it ended. Displays as one whole, for snapshots and for failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) args: String,
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails with the whole output unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    pub(crate) fn jsonl(&self) -> Vec<serde_json::Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("by signal".to_owned(), |code| code.to_string());
        writeln!(f, "$ docent {}\nexit {code}", self.args)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name}")?;
            f.write_str(text)?;
        }
        Ok(())
    }
}

/// Asserts a whole run against its snapshot, with times replaced. A snapshot shorter than a screen is in the test.
#[macro_export]
macro_rules! assert_run {
    ($run:expr $(, @$snapshot:literal)?) => {
        insta::with_settings!({
            filters => vec![
                (r"\b[0-9]+(\.[0-9]+)? m?s\b", "[TIME]"),
                (r"127\.0\.0\.1:[0-9]+", "127.0.0.1:[PORT]"),
                (r#""([a-z_]*)_ms": ?[0-9]+"#, r#""${1}_ms": [TIME]"#),
                (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "[DATE]"),
                (r"passage-[a-p]{12}", "passage-[NONCE]"),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]"),
            ],
            omit_expression => true,
        }, { insta::assert_snapshot!($run.to_string() $(, @$snapshot)?) })
    };
}

/// Ctrl-C. Through the shell, whose `kill` is built in.
pub(crate) fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(sent.expect("a shell runs").success());
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}
