//! A repository with documents, and questions about them.

use std::path::PathBuf;
use std::process::Command;

use crate::env::{Run, TestEnv};

pub(super) struct Repository {
    pub(super) env: TestEnv,
}

impl Repository {
    /// Six documents, and a question about each, on the branch `main`.
    pub(super) fn new() -> Self {
        let env = TestEnv::new();
        let mut cases = String::new();
        for island in ["Amrum", "Borkum", "Corfu", "Djerba", "Elba", "Fehmarn"] {
            let name = island.to_lowercase();
            let text = format!("# {island}\n\nThe ferry to {island} leaves in the morning.\n");
            env.write(&format!("docs/{name}.md"), text);
            cases += &format!(
                "{{\"question\": \"When does the ferry to {island} leave?\", \"expected\": [{{\"source\": \"docs/{name}.md\"}}]}}\n"
            );
        }
        env.write("cases.jsonl", cases);
        env.write(".gitignore", ".docent\nrequests\ncommands\n*.index\n");
        let repository = Self { env };
        repository.git(&["init", "-q", "-b", "main", "."]);
        repository.commit("documents");
        repository
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.env.path(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        self.env.write(name, text);
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.env.path(name)).expect("a file");
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.env.path(name)).expect("a file")
    }

    pub(super) fn summary(&self) -> String {
        self.read("docent-gate/summary.md")
    }

    /// A branch of `main` with a change.
    pub(super) fn change(&self, branch: &str, change: impl FnOnce(&Self)) {
        self.git(&["checkout", "-q", "-b", branch, "main"]);
        change(self);
        self.commit(branch);
    }

    pub(super) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(args).current_dir(self.env.project());
        let output = self.isolated(&mut git).output().expect("git runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub(super) fn docent(&self, args: &[&str]) -> Run {
        self.env.run(args)
    }

    /// As a plain shell runs it, on `docs`.
    pub(super) fn gate(&self, variables: &[(&str, &str)]) -> Run {
        let mut gate = Command::new("/bin/sh");
        gate.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/ci/docent-gate.sh"));
        gate.current_dir(self.env.project());
        let gate = self.isolated(&mut gate);
        gate.env("GATE_DOCENT", env!("CARGO_BIN_EXE_docent")).env("GATE_SOURCES", "docs");
        let output = gate.envs(variables.iter().copied()).output().expect("a shell runs");
        self.env.outcome(&["gate"], output)
    }

    /// Clears the environment of the user who runs the tests.
    pub(super) fn isolated<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env_clear()
            .env("HOME", self.env.home())
            .env("PATH", "/usr/bin:/bin")
            .env("OLLAMA_HOST", "127.0.0.1:1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "somebody")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "a@example.org")))
            .stdin(std::process::Stdio::null())
    }
}
