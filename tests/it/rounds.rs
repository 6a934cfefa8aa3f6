//! Every command that changes versions or copies them elsewhere may be killed at any moment: one
//! version is live and complete, the log of changes and that of versions say what was done, and the
//! same command completes it.
//!
//! One kill of each by default; `DOCENT_TEST_KILLS=200 cargo test --release --test it rounds` for many.
//! `DOCENT_TEST_SEED` takes another course.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::env::{Run, TestEnv};
use crate::kill::{Dice, number};
use crate::qdrant::{Script, ScriptedQdrant};
use crate::versions::states;

/// The commands that are killed, in turn.
const COMMANDS: [&str; 9] =
    ["new-version", "promote", "rollback", "export", "import", "push", "pull", "purge", "prune"];

/// Name of a person who wants to be forgotten.
const SECRET: &str = "Zebediah Quarrelsome";

struct Course {
    env: TestEnv,
    server: ScriptedQdrant,
    dice: Dice,
    /// How long each takes.
    whole: BTreeMap<&'static str, Duration>,
    edits: u64,
}

/// What other processes see.
#[derive(PartialEq, Debug)]
struct Seen {
    complete: Vec<(u64, String)>,
    content: Value,
}

impl Course {
    fn new(seed: u64) -> Self {
        let mut env = TestEnv::new();
        env.set("DOCENT_PROJECT", "handbook").set("USER", "ada");
        env.write(
            "cases.jsonl",
            r#"{"id":"a","question":"When does the ferry leave?","expected":["docs/ferry.md"]}"#,
        );
        env.write("docs/ferry.md", "# Ferry\n\nThe ferry to Elba leaves at nine.\n");
        for page in 0..40 {
            env.write(&format!("docs/{page}.md"), format!("# Page {page}\n\nIt says w{page}.\n"));
        }
        let server = ScriptedQdrant::start(Script::new("1.18.3", []));
        let course = Self { env, server, dice: Dice(seed), whole: BTreeMap::new(), edits: 0 };
        course.env.run(&["ingest", "docs"]).expect(0);
        course.env.run(&["index", "export", "seed.docent"]).expect(0);
        course.env.run(&["ingest", "docs", "--rebuild"]).expect(0);
        course
    }

    fn args(&self, what: &str) -> Vec<String> {
        let url = self.server.url();
        let args: &[&str] = match what {
            "new-version" => &["ingest", "docs", "--new-version"],
            "promote" => &[
                "ingest",
                "docs",
                "--new-version",
                "--promote-if",
                "recall@5>=0.5",
                "--eval",
                "cases.jsonl",
            ],
            "rollback" => &["index", "rollback"],
            "export" => &["index", "export", "out.docent"],
            "import" => &["index", "import", "seed.docent", "--replace"],
            "push" => &["index", "push", "--collection", "docent", "--qdrant-url", &url],
            "pull" => &["index", "pull", "--collection", "docent", "--qdrant-url", &url],
            "purge" => &["purge", "--source", "docs/people", "--yes"],
            _ => &["index", "prune", "--keep", "0"],
        };
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }

    fn run(&self, what: &str) -> Run {
        let args = self.args(what);
        self.env.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// So that there is something to do.
    fn prepare(&mut self, what: &str) {
        self.edits += 1;
        let page = format!("docs/{}.md", self.dice.below(40));
        self.env.write(&page, format!("# Page\n\nIt says edit{} now.\n", self.edits));
        match what {
            "purge" => {
                let person = format!("# Person\n\n{SECRET} has the number {}.\n", self.edits);
                self.env.write("docs/people/1.md", person);
            }
            "pull" => drop(self.run("push").expect(0)),
            "new-version" | "promote" => return,
            _ => {}
        }
        self.env.run(&["ingest", "docs"]).expect(0);
        match what {
            "rollback" | "prune" => drop(self.env.run(&["ingest", "docs", "--rebuild"]).expect(0)),
            "export" => drop(fs::remove_file(self.env.path("out.docent"))),
            _ => {}
        }
    }

    fn seen(&self) -> Seen {
        let mut complete = states(&self.env);
        complete.retain(|(_, state)| state != "unfinished");
        let verified = self.env.run(&["index", "verify", "--format", "json"]).expect(0).json();
        Seen { complete, content: verified["content_hash"].clone() }
    }

    fn lines(&self) -> usize {
        fs::read_to_string(self.env.path(".docent/changes.jsonl"))
            .map_or(0, |text| text.lines().count())
    }

    /// Whether it was killed before its end.
    fn kill(&mut self, what: &'static str) -> bool {
        let micros = self.whole.get(what).map_or(300_000, |whole| whole.as_micros() as u64);
        let args = self.args(what);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut child = self.env.command(&args).spawn().expect("docent starts");
        std::thread::sleep(Duration::from_micros(self.dice.below(micros.max(1))));
        let running = child.try_wait().expect("a status").is_none();
        child.kill().expect("a kill");
        child.wait().expect("an end");
        running
    }

    fn round(&mut self, round: u64, what: &'static str) -> bool {
        self.prepare(what);
        let (before, lines) = (self.seen(), self.lines());
        let was_cut = self.kill(what);
        let after = self.seen();
        let at = format!("round {round}, {what}");
        let live = after.complete.iter().filter(|(_, state)| state == "live").count();
        assert_eq!(live, 1, "{at}: {after:?}");
        assert!(before == after || self.lines() > lines, "{at}: {before:?} {after:?}, and no line");
        let found = self.env.run(&["search", "When does the ferry leave?"]).expect(0);
        assert!(found.stdout.contains("leaves at nine"), "{at}: {found}");
        self.env.run(&["audit", "verify"]).expect(0);
        self.is_logged(&at);
        self.complete(&at, what);
        was_cut
    }

    /// The log of versions ends with the live version.
    fn is_logged(&self, at: &str) {
        let log = self.env.run(&["index", "log", "--format", "json"]).expect(0).json();
        let mut events = log["events"].as_array().expect("events").iter();
        let last = events.find(|event| event["change"] == "live").expect("one was live");
        let states = states(&self.env);
        let (live, _) = states.iter().find(|(_, state)| state == "live").expect("one is live");
        assert_eq!(last["version"], json!(live), "{at}: {log:#}");
    }

    /// Completes it with the same command.
    fn complete(&mut self, at: &str, what: &'static str) {
        let started = Instant::now();
        let run = self.run(what);
        // If the rollback was made, or there is no version to go back to, there is nothing to complete.
        let is_done = run.code == Some(0) || (what == "rollback" && run.code == Some(1));
        assert!(is_done, "{at}: {run}");
        self.whole.insert(what, started.elapsed());
        let verify = ["index", "verify", "--format", "json"];
        let here = self.env.run(&verify).expect(0).json();
        match what {
            "push" | "pull" => {
                let url = self.server.url();
                let there = ["--collection", "docent", "--qdrant-url", &url];
                let there = self.env.run(&[&verify[..], &there].concat()).expect(0).json();
                assert_eq!(here["content_hash"], there["content_hash"], "{at}");
            }
            "export" => {
                let other = TestEnv::new();
                fs::copy(self.env.path("out.docent"), other.path("out.docent")).expect("a file");
                other.run(&["index", "import", "out.docent"]).expect(0);
                let there = other.run(&verify).expect(0).json();
                assert_eq!(here["content_hash"], there["content_hash"], "{at}");
            }
            "purge" => {
                let found = self.env.run(&["search", SECRET]);
                assert!(!found.stdout.contains(SECRET), "{at}: {found}");
                fs::remove_dir_all(self.env.path("docs/people")).expect("a directory");
            }
            _ => {}
        }
        for (number, state) in states(&self.env) {
            assert_ne!(state, "unfinished", "{at}");
            if state == "built" {
                self.env.run(&["index", "drop", &number.to_string()]).expect(0);
            }
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what was survived is written down")]
fn whatever_is_killed_is_completed_and_was_noted() {
    let kills = number("DOCENT_TEST_KILLS").unwrap_or(COMMANDS.len() as u64);
    let mut course = Course::new(number("DOCENT_TEST_SEED").unwrap_or(1));
    let mut cut = BTreeMap::<&str, [u64; 2]>::new();
    for round in 0..kills {
        let what = COMMANDS[(round % COMMANDS.len() as u64) as usize];
        let was_cut = course.round(round, what);
        let counts = cut.entry(what).or_default();
        counts[0] += u64::from(was_cut);
        counts[1] += 1;
    }
    println!("cut off, of so many: {cut:?}");
}
