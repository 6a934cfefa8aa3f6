//! docent is killed at any moment, and asked before the next run: each document is found in its old
//! state or its new one, complete. The same is tested during a run.
//!
//! A few kills by default; `DOCENT_TEST_KILLS=500 cargo test --release --test it torn` for many.
//! `DOCENT_TEST_SEED` takes another course. Where `DOCENT_TEST_QDRANT_URL` names a server, another
//! course kills runs that write to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::env::TestEnv;
use crate::kill::{Dice, number};

/// Kills of the run that CI makes.
const FEW: u64 = 8;

/// Most parts of a document, and of all: one search has to find all their chunks.
const MOST_PARTS: usize = 650;
const MOST_PARTS_OF_ALL: usize = 2_500;
const MOST_HITS: usize = 10_000;

#[test]
fn what_is_found_after_a_kill_is_the_old_state_of_a_document_or_the_new_one() {
    course(TestEnv::new(), true);
}

#[test]
fn the_same_on_a_server() {
    let Ok(url) = std::env::var("DOCENT_TEST_QDRANT_URL") else { return };
    let mut env = TestEnv::new();
    env.set("QDRANT_URL", &url).set("DOCENT_PROJECT", "torn");
    // A question between two requests of a run gets what is stored then.
    course(env, false);
}

#[expect(clippy::print_stdout, reason = "what was survived is written down")]
fn course(env: TestEnv, watches: bool) {
    let kills = number("DOCENT_TEST_KILLS").unwrap_or(FEW);
    let mut course = Course::new(env, number("DOCENT_TEST_SEED").unwrap_or(1));
    course.complete();
    while course.kills < kills {
        course.round(watches);
        if course.rounds.is_multiple_of(20) {
            println!("{} kills, {} problems", course.kills, course.problems.len());
        }
    }
    let Course { kills, between, watched, finds, problems, .. } = &course;
    println!(
        "{kills} kills, {between} of them after another, {watched} searches of runs under way"
    );
    println!("sources as they were: {}, as they were to be: {}", finds[0], finds[1]);
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems[..problems.len().min(20)].join("\n")
    );
    // A kill that always comes too early or too late shows nothing.
    assert!(kills < &FEW || finds.iter().all(|found| *found > 0));
}

/// Citation and text of every chunk that a search over all documents finds, by source.
type Found = BTreeMap<String, Vec<(String, String)>>;

/// A file, and which of its parts say what.
struct File {
    number: u64,
    parts: Vec<u64>,
    /// Since it was brought in.
    changed: bool,
}

struct Course {
    env: TestEnv,
    dice: Dice,
    collection: String,
    /// By path.
    files: BTreeMap<String, File>,
    names: u64,
    /// Old and new names of this round.
    moved: Vec<(String, String)>,
    before: Found,
    full_run: Duration,
    rounds: u64,
    kills: u64,
    between: u64,
    watched: u64,
    /// Sources that changed in a round and were found as they were, and as they were to be.
    finds: [u64; 2],
    problems: Vec<String>,
}

impl Course {
    fn new(env: TestEnv, seed: u64) -> Self {
        let collection = format!("docent-torn-{}-{seed}", std::process::id());
        let mut course = Self {
            env,
            dice: Dice(seed),
            collection,
            files: BTreeMap::new(),
            names: 0,
            moved: Vec::new(),
            before: Found::new(),
            full_run: Duration::from_millis(300),
            rounds: 0,
            kills: 0,
            between: 0,
            watched: 0,
            finds: [0; 2],
            problems: Vec::new(),
        };
        (0..12).for_each(|_| course.create());
        course
    }

    /// Changes the tree, kills a run over it, looks, and completes it; or looks while it goes on.
    fn round(&mut self, watches: bool) {
        self.rounds += 1;
        self.disturb();
        let mut seen = Vec::new();
        let mut states = Vec::new();
        if watches && self.rounds.is_multiple_of(6) {
            let mut child = self.start();
            while child.try_wait().expect("a status").is_none() {
                seen.push(("under way", self.find()));
                self.watched += 1;
            }
        } else {
            seen.extend(self.kill().then(|| ("killed", self.looked())));
            if self.dice.below(4) == 0 {
                if self.dice.below(2) == 0 {
                    states.push(self.elsewhere());
                    // They are found at three places in turn, or changed and moved.
                    self.moved.clear();
                    self.disturb();
                    self.moved.clear();
                }
                if self.kill() {
                    self.between += 1;
                    seen.push(("killed again", self.looked()));
                }
            }
        }
        let moved = std::mem::take(&mut self.moved);
        states.insert(0, std::mem::take(&mut self.before));
        self.complete();
        states.push(self.before.clone());
        for (when, found) in seen {
            self.judge(when, &found, &states, &moved);
        }
    }

    fn judge(&mut self, when: &str, found: &Found, states: &[Found], moved: &[(String, String)]) {
        let sources: BTreeSet<&String> =
            states.iter().chain([found]).flat_map(BTreeMap::keys).collect();
        let (old, new) = (&states[0], &states[states.len() - 1]);
        for source in sources {
            let of = |found: &Found| found.get(source).cloned().unwrap_or_default();
            let is = of(found);
            if of(old) != of(new) {
                self.finds[0] += u64::from(is == of(old));
                self.finds[1] += u64::from(is == of(new));
            }
            if !states.iter().any(|state| is == of(state)) {
                let chunks: Vec<usize> = states.iter().map(|state| of(state).len()).collect();
                self.problem(&format!(
                    "{when}: {} chunks of {source}, not as in any of {chunks:?}",
                    is.len()
                ));
            }
        }
        for (from, to) in moved {
            let at = |place: &String| found.contains_key(place);
            if old.contains_key(from) && new.contains_key(to) && at(from) == at(to) {
                let how = if at(from) { "at both places" } else { "at neither place" };
                self.problem(&format!("{when}: {from}, which is {to} now, is found {how}"));
            }
        }
    }

    fn problem(&mut self, what: &str) {
        self.problems.push(format!("round {}: {what}", self.rounds));
    }

    fn disturb(&mut self) {
        for _ in 0..=self.dice.below(8) {
            match self.dice.below(10) {
                0..=2 => self.create(),
                3..=6 => self.edit(),
                7..=8 => self.rename(),
                _ => self.remove(),
            }
        }
        let parts = |files: &BTreeMap<String, File>| -> usize {
            files.values().map(|file| file.parts.len()).sum()
        };
        while self.files.len() > 14 || parts(&self.files) > MOST_PARTS_OF_ALL {
            self.remove();
        }
    }

    /// One in eight needs several batches.
    fn create(&mut self) {
        self.names += 1;
        let parts = if self.dice.below(8) == 0 {
            513 + self.dice.below(130)
        } else {
            1 + self.dice.below(12)
        };
        let parts = (0..parts).map(|_| self.dice.below(1_000_000)).collect();
        let path = format!("docs/{}/{}.md", self.dice.below(3), self.names);
        self.write(&path, File { number: self.names, parts, changed: true });
    }

    fn write(&mut self, path: &str, mut file: File) {
        file.parts.truncate(MOST_PARTS);
        let mut text = format!("# Document {}\n", file.number);
        for part in &file.parts {
            text += &format!(
                "\n## About {part}\n\nThe keystone of document {} for part {part} is kept where nobody looks for it, and it is made of stone, as all of them are.\n",
                file.number
            );
        }
        self.env.write(path, text);
        self.files.insert(path.to_owned(), File { changed: true, ..file });
    }

    fn pick(&mut self) -> Option<String> {
        let number = self.files.len() as u64;
        let index = if number > 0 { self.dice.below(number) } else { return None };
        self.files.keys().nth(index as usize).cloned()
    }

    /// Puts parts in, takes some out, and says others again: those that stay are in other places.
    fn edit(&mut self) {
        let Some((path, mut file)) = self.pick().and_then(|path| self.files.remove_entry(&path))
        else {
            return;
        };
        for _ in 0..=self.dice.below(1 + file.parts.len() as u64 / 2) {
            let at = self.dice.below(file.parts.len() as u64) as usize;
            let part = self.dice.below(1_000_000);
            match self.dice.below(3) {
                0 => file.parts.insert(at, part),
                1 if file.parts.len() > 1 => drop(file.parts.remove(at)),
                _ => file.parts[at] = part,
            }
        }
        self.write(&path, file);
        self.moved.retain(|(_, to)| *to != path);
    }

    fn rename(&mut self) {
        let Some((from, file)) = self.pick().and_then(|path| self.files.remove_entry(&path)) else {
            return;
        };
        self.names += 1;
        let to = format!("docs/{}/{}.md", self.dice.below(3), self.names);
        fs::create_dir_all(self.env.path(&to).parent().expect("a parent")).expect("a directory");
        fs::rename(self.env.path(&from), self.env.path(&to)).expect("a rename");
        let unchanged = !file.changed;
        self.files.insert(to.clone(), file);
        match self.moved.iter_mut().find(|(_, place)| *place == from) {
            Some(moved) => moved.1 = to,
            None if unchanged => self.moved.push((from, to)),
            None => {}
        }
    }

    fn remove(&mut self) {
        let Some(path) = self.pick() else { return };
        self.files.remove(&path);
        self.moved.retain(|(_, to)| *to != path);
        fs::remove_file(self.env.path(&path)).expect("a removal");
    }

    fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--collection", &self.collection][..]].concat()
    }

    fn start(&self) -> Child {
        let args =
            ["ingest", "docs", "--allow-prune", "--chunk-tokens", "32", "--chunk-overlap", "4"];
        self.env.command(&self.args(&args)).spawn().expect("docent starts")
    }

    /// Whether it was still running.
    fn kill(&mut self) -> bool {
        let whole = self.full_run.as_micros() as u64;
        // Most is written, and taken out, at the end.
        let (from, span) = if self.dice.below(2) == 0 { (0, 11) } else { (6, 5) };
        let after = whole * from / 10 + self.dice.below((whole * span / 10).max(1));
        let after = Duration::from_micros(after);
        let mut child = self.start();
        std::thread::sleep(after);
        let running = child.try_wait().expect("a status").is_none();
        child.kill().expect("a kill");
        child.wait().expect("an end");
        self.kills += u64::from(running);
        running
    }

    fn complete(&mut self) {
        let started = Instant::now();
        let mut child = self.start();
        let status = child.wait().expect("an end");
        let took = started.elapsed();
        // What was done before the kill is not done again.
        self.full_run = (self.full_run * 3 + took.max(Duration::from_millis(150))) / 4;
        assert!(status.success(), "round {}: {status}", self.rounds);
        self.before = self.looked();
        self.files.values_mut().for_each(|file| file.changed = false);
        let found: BTreeSet<&String> = self.before.keys().collect();
        assert_eq!(found, self.files.keys().collect(), "round {}", self.rounds);
    }

    /// What a clean collection of the tree as it is now has.
    fn elsewhere(&mut self) -> Found {
        let collection = format!("{}-clean", self.collection);
        let collection = std::mem::replace(&mut self.collection, collection);
        let status = self.start().wait().expect("an end");
        assert!(status.success(), "round {}: {status}", self.rounds);
        let found = self.find();
        self.collection = collection;
        found
    }

    /// What is found, after checking that it is what is counted.
    fn looked(&mut self) -> Found {
        let found = self.find();
        let status = self.env.run(&self.args(&["status", "--format", "json"]));
        if status.code == Some(3) && found.is_empty() {
            return found;
        }
        let status = status.json();
        let count = |field: &str| status[field].as_u64().unwrap_or_default() as usize;
        let (documents, chunks) = (count("documents"), count("chunks"));
        let expected = (found.len(), found.values().map(Vec::len).sum::<usize>());
        if (documents, chunks) != expected {
            self.problem(&format!("status counts {documents} documents and {chunks} chunks, and found are {expected:?}"));
        }
        found
    }

    fn find(&self) -> Found {
        let most = MOST_HITS.to_string();
        let search =
            self.env.run(&self.args(&["search", "keystone", "-k", &most, "--format", "json"]));
        if search.code == Some(3) {
            return Found::new();
        }
        assert!(matches!(search.code, Some(0 | 1)), "round {}: {search}", self.rounds);
        let json = search.json();
        let hits = json["hits"].as_array().expect("hits");
        assert!(hits.len() < MOST_HITS, "more than one search finds");
        let mut found = Found::new();
        for hit in hits {
            let field = |name: &str| hit[name].as_str().expect("a text").to_owned();
            found.entry(field("source")).or_default().push((field("citation"), field("text")));
        }
        for chunks in found.values_mut() {
            chunks.sort_unstable();
        }
        found
    }
}
