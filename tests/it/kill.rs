//! docent killed at any moment: the collection opens, answers, and the next run makes it what a
//! clean ingest would have made.
//!
//! A few kills by default; `DOCENT_TEST_KILLS=300 cargo test --release --test it kill` for many.
//! `DOCENT_TEST_SEED` takes another course.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qdrant_edge::{EdgeShard, ScrollRequest, WithPayloadInterface, WithVector};
use serde_json::Value;

use crate::env::TestEnv;

/// Kills of the run that CI makes.
const FEW: u64 = 12;

#[test]
#[expect(clippy::print_stdout, reason = "what was survived is written down")]
fn a_run_killed_at_any_moment_is_completed_by_the_next() {
    let kills = number("DOCENT_TEST_KILLS").unwrap_or(FEW);
    let mut course = Course::new(number("DOCENT_TEST_SEED").unwrap_or(1));
    let mut survived = BTreeMap::<&str, u64>::new();
    while survived.values().sum::<u64>() < kills {
        if let Some(what) = course.round() {
            *survived.entry(what).or_default() += 1;
        }
    }
    println!("killed and completed: {survived:?}");
}

/// What the environment says, where it says a number.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers that look random and are the same for the same seed (Knuth's MMIX generator).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A tree that changes, a collection that follows, and how long that takes.
struct Course {
    env: TestEnv,
    dice: Dice,
    files: Vec<PathBuf>,
    names: u64,
    chunk_tokens: &'static str,
    full_run: Duration,
    rounds: u64,
}

impl Course {
    fn new(seed: u64) -> Self {
        Self {
            env: TestEnv::new(),
            dice: Dice(seed),
            files: Vec::new(),
            names: 0,
            chunk_tokens: "32",
            full_run: Duration::from_millis(300),
            rounds: 0,
        }
    }

    /// Changes the tree, kills a run over it, looks, completes it and compares. `None` where the
    /// run was done before it could be killed.
    fn round(&mut self) -> Option<&'static str> {
        self.rounds += 1;
        self.disturb();
        let rebuild = self.rounds.is_multiple_of(5);
        let tokens = match (rebuild, self.chunk_tokens) {
            (true, "32") => "48",
            (true, _) => "32",
            (false, tokens) => tokens,
        };
        let mut args = vec!["ingest", "docs", "--allow-prune", "--chunk-tokens", tokens];
        args.extend(["--chunk-overlap", "4"]);
        args.extend(rebuild.then_some("--rebuild"));
        let killed = self.kill(&args);
        self.look();
        self.chunk_tokens = self.built_with().unwrap_or(tokens);
        self.complete();
        killed.then_some(if rebuild { "rebuild" } else { "ingest" })
    }

    fn disturb(&mut self) {
        let first = self.files.is_empty();
        for _ in 0..if first { 30 } else { 1 + self.dice.below(12) } {
            match self.dice.below(10) {
                _ if first => self.create(),
                0..=3 => self.create(),
                4..=6 => self.edit(),
                7 => self.rename(),
                _ => self.remove(),
            }
        }
        if self.dice.below(20) == 0 {
            // Most of it goes at once.
            while self.files.len() > 3 {
                self.remove();
            }
        }
        fs::create_dir_all(self.env.path("docs")).expect("a directory");
    }

    /// Sometimes a file of several batches, sometimes one that cannot be read.
    fn create(&mut self) {
        self.names += 1;
        let paragraphs = if self.dice.below(12) == 0 { 900 } else { self.dice.below(20) };
        let name = if self.dice.below(15) == 0 { "pdf" } else { "md" };
        let mut text = format!("# Document {}\n", self.names);
        for number in 0..paragraphs {
            let word = self.dice.below(5_000);
            text += &format!("\nParagraph {number} of it says the word w{word} and no other.\n");
        }
        let path = format!("docs/{}/{}.{name}", self.dice.below(3), self.names);
        self.files.push(self.env.write(&path, text));
    }

    fn pick(&mut self) -> Option<usize> {
        let number = self.files.len() as u64;
        (number > 0).then(|| self.dice.below(number) as usize)
    }

    /// Changes a few lines, or only where the others are.
    fn edit(&mut self) {
        let Some(index) = self.pick() else { return };
        let text = fs::read_to_string(&self.files[index]).expect("a text");
        let changed = match self.dice.below(3) {
            0 => format!("{text}\nAnd one more paragraph at the end.\n"),
            1 => format!("\n\n{text}"),
            _ => text.replacen("says the word", "whispers the word", 3),
        };
        fs::write(&self.files[index], changed).expect("a file");
    }

    fn rename(&mut self) {
        let Some(index) = self.pick() else { return };
        self.names += 1;
        let renamed = self.files[index].with_file_name(format!("{}.md", self.names));
        fs::rename(&self.files[index], &renamed).expect("a rename");
        self.files[index] = renamed;
    }

    fn remove(&mut self) {
        let Some(index) = self.pick() else { return };
        fs::remove_file(self.files.swap_remove(index)).expect("a removal");
    }

    /// Whether it was still running.
    fn kill(&mut self, args: &[&str]) -> bool {
        let micros = self.full_run.as_micros() as u64 * 11 / 10;
        let after = Duration::from_micros(self.dice.below(micros.max(1)));
        let mut child = self.env.command(args).spawn().expect("docent starts");
        std::thread::sleep(after);
        let running = child.try_wait().expect("a status").is_none();
        child.kill().expect("a kill");
        child.wait().expect("an end");
        running
    }

    /// What a killed run leaves opens and answers; before the first commit there is nothing yet.
    fn look(&self) {
        let status = self.env.run(&["status"]);
        let search = self.env.run(&["search", "paragraph"]);
        let there = matches!((status.code, search.code), (Some(0), Some(0 | 1)));
        let not_yet = (status.code, search.code) == (Some(3), Some(3));
        assert!(there || not_yet, "round {}: {status}\n{search}", self.rounds);
    }

    fn built_with(&self) -> Option<&'static str> {
        let status = self.env.run(&["status", "--format", "json"]);
        (status.code == Some(0)).then(|| {
            match status.json()["manifest"]["chunker"]["max_tokens"].as_u64() {
                Some(32) => "32",
                _ => "48",
            }
        })
    }

    fn complete(&mut self) {
        let size = ["--chunk-tokens", self.chunk_tokens, "--chunk-overlap", "4", "--allow-prune"];
        let started = Instant::now();
        let run = self.env.run(&[&["ingest", "docs"][..], &size].concat());
        assert!(matches!(run.code, Some(0 | 5)), "round {}: {run}", self.rounds);
        let check = self.env.run(&[&["ingest", "docs", "--check"][..], &size].concat());
        assert_eq!(check.code, Some(0), "round {}: {check}", self.rounds);

        let clean = ["ingest", "docs", "--data-dir", "clean"];
        let run = self.env.run(&[&clean[..], &size].concat());
        assert!(matches!(run.code, Some(0 | 5)), "round {}: {run}", self.rounds);
        self.full_run = started.elapsed() / 2;
        let at = |data: &str| points(&self.env.path(data));
        let (found, expected) = (at(".docent"), at("clean"));
        fs::remove_dir_all(self.env.path("clean")).expect("a removal");
        let differing: Vec<_> = found
            .iter()
            .filter(|(id, payload)| expected.get(*id) != Some(payload))
            .chain(expected.iter().filter(|(id, _)| !found.contains_key(*id)))
            .take(3)
            .collect();
        assert!(differing.is_empty(), "round {}: {differing:#?}", self.rounds);
    }
}

/// Payloads of all points of an embedded collection by id, less when and by which run they were
/// written.
pub(crate) fn points(data_dir: &Path) -> BTreeMap<String, Value> {
    let collections = data_dir.join("collections");
    let pointer = fs::read_to_string(collections.join("docent")).expect("a pointer");
    let shard = collections
        .join(format!("docent@{}", pointer.lines().next().expect("a version")))
        .join("shard");
    all_points(&shard)
}

fn all_points(shard: &Path) -> BTreeMap<String, Value> {
    let shard = EdgeShard::load(shard, None).expect("a shard");
    let mut points = BTreeMap::new();
    let mut offset = None;
    loop {
        let request = ScrollRequest {
            offset,
            limit: Some(1_000),
            filter: None,
            with_payload: Some(WithPayloadInterface::Bool(true)),
            with_vector: WithVector::Bool(false),
            order_by: None,
        };
        let (records, next) = shard.scroll(request).expect("a page");
        for record in records {
            let mut payload = record.payload.expect("a payload").0;
            for field in ["ingested_at", "failed_at", "run_id"] {
                payload.remove(field);
            }
            let id = format!("{:?}", record.id);
            assert!(points.insert(id, Value::Object(payload)).is_none(), "a point is there twice");
        }
        offset = next;
        if offset.is_none() {
            return points;
        }
    }
}
