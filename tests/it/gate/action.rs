//! The steps of `action.yml`, run as a runner of GitHub runs them. What other actions do is noted, not done.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::repository::Repository;

const ACTION: &str = include_str!("../../../action.yml");

/// A step that uses another action, with its inputs.
pub(super) struct Action<'r> {
    repository: &'r Repository,
    inputs: BTreeMap<String, String>,
    comments: String,
    allowed: bool,
}

/// The result of a run.
pub(super) struct Ran {
    pub(super) code: i32,
    /// Other actions that would have run, without their versions.
    pub(super) uses: Vec<String>,
    pub(super) summary: String,
    pub(super) log: String,
    values: BTreeMap<String, String>,
    requests: PathBuf,
}

impl Ran {
    pub(super) fn output(&self, step: &str, name: &str) -> String {
        self.values.get(&format!("steps.{step}.outputs.{name}")).cloned().unwrap_or_default()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        requests(&self.requests)
    }
}

#[derive(Default)]
struct Step {
    id: String,
    uses: String,
    run: String,
    condition: String,
    env: Vec<(String, String)>,
}

/// The little of YAML that the file is written in.
fn steps() -> Vec<Step> {
    let (_, text) = ACTION.split_once("\n  steps:\n").expect("steps");
    let mut steps: Vec<Step> = Vec::new();
    let mut in_env = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let Some((name, value)) =
            line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))
        else {
            continue;
        };
        let value = value.trim().trim_matches('\'').to_owned();
        if line.starts_with("    - ") {
            steps.push(Step::default());
        }
        let Some(step) = steps.last_mut() else { continue };
        let name = name.trim_start_matches(['-', ' ']);
        let deep = line.starts_with("        ");
        match name {
            _ if in_env && deep => step.env.push((name.to_owned(), value)),
            "env" => in_env = true,
            _ => {
                in_env = false;
                match name {
                    "id" => step.id = value,
                    "uses" => step.uses = value.split('@').next().unwrap_or_default().to_owned(),
                    "run" => step.run = value,
                    "if" => step.condition = value,
                    _ => {}
                }
            }
        }
    }
    steps
}

/// The defaults of the inputs.
fn defaults() -> BTreeMap<String, String> {
    let (_, text) = ACTION.split_once("\ninputs:\n").expect("inputs");
    let (text, _) = text.split_once("\noutputs:\n").expect("outputs");
    let mut name = "";
    let mut defaults = BTreeMap::new();
    for line in text.lines() {
        if let Some(default) = line.strip_prefix("    default: ") {
            defaults.insert(format!("inputs.{name}"), default.trim_matches('"').to_owned());
        } else if let Some(input) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'))
        {
            name = input;
        }
    }
    defaults
}

/// `${{ a || b }}` in a text.
fn expanded(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut parts = text.split("${{ ");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once(" }}").expect("an end");
        let of = |name: &str| values.get(name).filter(|value| !value.is_empty());
        expanded += expression.split(" || ").find_map(of).map_or("", String::as_str);
        expanded += rest;
    }
    expanded
}

impl<'r> Action<'r> {
    pub(super) fn new(repository: &'r Repository) -> Self {
        let binary = env!("CARGO_BIN_EXE_docent").to_owned();
        let inputs = BTreeMap::from([("inputs.binary".to_owned(), binary)]);
        Self { repository, inputs, comments: "[]".to_owned(), allowed: true }
    }

    pub(super) fn with(&mut self, input: &str, value: &str) -> &mut Self {
        let name = format!("inputs.{input}");
        assert!(defaults().contains_key(&name), "no {input}");
        self.inputs.insert(name, value.to_owned());
        self
    }

    /// Those that the pull request has.
    pub(super) fn comments(&mut self, json: &str) {
        json.clone_into(&mut self.comments);
    }

    pub(super) fn forbid_comments(&mut self) {
        self.allowed = false;
    }

    /// Runs the steps; `base` is the commit that a pull request would change.
    pub(super) fn run(&self, event: &str, base: &str) -> Ran {
        let requests = self.repository.path("requests");
        let commands = curl(self.repository, &requests, &self.comments, self.allowed);
        let mut values = defaults();
        values.extend(self.inputs.clone());
        if event == "pull_request" {
            values.insert("github.event.pull_request.base.sha".to_owned(), base.to_owned());
            values.insert("github.event.pull_request.number".to_owned(), "7".to_owned());
        }
        let mut ran = Ran {
            code: 0,
            uses: Vec::new(),
            summary: String::new(),
            log: String::new(),
            values,
            requests,
        };
        for step in steps() {
            if ran.code != 0 && !step.condition.starts_with("always()") {
                continue;
            }
            if step.run.is_empty() {
                ran.uses.push(step.uses);
                continue;
            }
            self.step(&step, event, &commands, &mut ran);
        }
        ran
    }

    fn step(&self, step: &Step, event: &str, commands: &Path, ran: &mut Ran) {
        let [output, summary] = ["output", "summary"].map(|name| ran.requests.join(name));
        let directory = expanded("${{ inputs.working-directory }}", &ran.values);
        let mut shell = Command::new("bash");
        shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &step.run]);
        shell.current_dir(self.repository.path(&directory));
        let shell = self.repository.isolated(&mut shell);
        let env = step.env.iter().map(|(name, value)| (name, expanded(value, &ran.values)));
        shell
            .env("PATH", format!("{}:/usr/bin:/bin", commands.display()))
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
            .env("GITHUB_API_URL", "https://api.example")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_REPOSITORY", "them/docs")
            .env("GITHUB_STEP_SUMMARY", &summary)
            .envs(env);
        let done = shell.output().expect("bash runs");
        if !done.status.success() {
            ran.code = done.status.code().unwrap_or(-1);
        }
        ran.log += &String::from_utf8_lossy(&done.stderr);
        ran.summary = fs::read_to_string(&summary).unwrap_or_default();
        for line in fs::read_to_string(&output).unwrap_or_default().lines() {
            let (name, value) = line.split_once('=').expect("an output");
            ran.values.insert(format!("steps.{}.outputs.{name}", step.id), value.to_owned());
        }
        let _ = fs::remove_file(&output);
    }
}

/// A request that `curl` was asked to send.
pub(super) struct Request {
    /// Method and address.
    pub(super) line: String,
    pub(super) args: String,
    /// Its configuration, from standard input.
    pub(super) header: String,
    pub(super) body: String,
}

/// Makes a `curl` that sends nothing and notes everything, and returns its directory. Earlier notes are
/// removed.
pub(super) fn curl(
    repository: &Repository,
    requests: &Path,
    comments: &str,
    allowed: bool,
) -> PathBuf {
    let _ = fs::remove_dir_all(requests);
    fs::create_dir_all(requests).expect("a directory");
    fs::write(requests.join("comments.json"), comments).expect("a file");
    let script = format!(
        "#!/bin/sh
cd {requests}
n=$(ls | grep -c args)
printf '%s\\n' \"$@\" >$n.args
cat >$n.header
method=GET
body=
while [ $# -gt 1 ]; do
    case $1 in
    -X) method=$2 ;;
    --data-binary) body=${{2#@}} ;;
    esac
    shift
done
printf '%s %s' \"$method\" \"$1\" >$n.line
: >$n.body
[ -z \"$body\" ] || cat \"$body\" >$n.body
[ $method != GET ] || cat comments.json
[ $method = GET ] || exit {code}
",
        requests = requests.display(),
        code = if allowed { 0 } else { 22 },
    );
    let commands = repository.path("commands");
    fs::create_dir_all(&commands).expect("a directory");
    let curl = commands.join("curl");
    fs::write(&curl, script).expect("a script");
    fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).expect("permissions");
    commands
}

pub(super) fn requests(directory: &Path) -> Vec<Request> {
    let read = |n: usize, what: &str| fs::read_to_string(directory.join(format!("{n}.{what}")));
    let request = |n| {
        Some(Request {
            line: read(n, "line").ok()?,
            args: read(n, "args").ok()?,
            header: read(n, "header").ok()?,
            body: read(n, "body").ok()?,
        })
    };
    (0..).map_while(request).collect()
}
