//! docent with three nodes of a real Qdrant server, one of which is killed, frozen, restarted or
//! emptied of its shards while docent writes and answers questions.
//!
//! `tests/cluster/run PATH-OF-qdrant` starts the nodes and these tests. Where
//! `DOCENT_TEST_QDRANT_CLUSTER` (addresses, separated by commas) and `DOCENT_TEST_QDRANT_NODE` (a
//! command that starts, kills, freezes and thaws the nodes 1, 2, 3) are not set, they say that they did
//! not run.

mod nodes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::nodes::{Cluster, NODES, say};
use crate::env::{Run, TestEnv};

const LAYOUT: [&str; 4] = ["--shard-number", "4", "--replication-factor", "2"];
const DOCUMENTS: usize = 700;

/// What happens to a node while docent works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Killed,
    Frozen,
    Restarted,
    Emptied,
}

impl Event {
    const ALL: [Self; 4] = [Self::Killed, Self::Frozen, Self::Restarted, Self::Emptied];

    fn happen(self, cluster: &Cluster, node: usize, physical: &str) {
        match self {
            Self::Killed => cluster.tell("kill", node),
            Self::Frozen => cluster.tell("freeze", node),
            Self::Restarted => {
                cluster.tell("kill", node);
                cluster.tell("start", node);
            }
            Self::Emptied => cluster.move_shards(node, physical),
        }
    }

    /// The node is back.
    fn end(self, cluster: &Cluster, node: usize) {
        match self {
            Self::Killed => cluster.tell("start", node),
            Self::Frozen => cluster.tell("thaw", node),
            Self::Restarted | Self::Emptied => {}
        }
    }

    fn leaves_a_node_down(self) -> bool {
        matches!(self, Self::Killed | Self::Frozen)
    }
}

/// Documents, and a cluster to bring them to.
struct Scene {
    env: TestEnv,
    cluster: Cluster,
}

impl Scene {
    fn new() -> Option<Self> {
        let cluster = Cluster::from_environment()?;
        let mut env = TestEnv::new();
        env.set("DOCENT_PROJECT", "cluster");
        env.write(
            "docs/ferry.md",
            "# Amrum\n\nThe ferry to Amrum leaves at nine in the morning.\n",
        );
        for number in 0..DOCUMENTS {
            env.write(&format!("docs/{:02}/{number:03}.md", number % 20), text(number, ""));
        }
        Some(Self { env, cluster })
    }

    /// Through all nodes, the addresses from `first` on.
    fn through(&self, first: usize, args: &[&str]) -> std::process::Command {
        let mut command = self.env.command(args);
        command.env("QDRANT_URL", self.cluster.addresses(first));
        command
    }

    fn run(&self, first: usize, args: &[&str]) -> (Run, f64) {
        let began = Instant::now();
        let output = self.through(first, args).output().expect("docent starts");
        (self.env.outcome(args, output), began.elapsed().as_secs_f64())
    }

    fn ingest(&self, first: usize, name: &str, more: &[&str]) -> f64 {
        let args = [&["ingest", "docs", "--collection", name], &LAYOUT[..], more].concat();
        let (run, seconds) = self.run(first, &args);
        run.expect(0);
        seconds
    }

    /// docent writes, and something happens to a node after some points were stored. Returns the
    /// seconds until the run succeeded, and how many questions were answered meanwhile.
    fn while_writing(&self, name: &str, physical: &str, rebuild: bool, upset: Upset) -> (f64, u32) {
        let Upset { event, node } = upset;
        let asked = if rebuild { name } else { "clean" };
        let mut args = ["ingest", "docs", "--collection", name].to_vec();
        args.extend(LAYOUT);
        args.extend(rebuild.then_some("--rebuild"));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let questions = scope.spawn(|| {
                let mut count = 0;
                while !done.load(Ordering::Acquire) {
                    let question = format!("What is the number of station {}?", count % 50);
                    self.run(node, &["search", &question, "--collection", asked]).0.expect(0);
                    count += 1;
                }
                count
            });
            let began = Instant::now();
            let child = self.through(node, &args).spawn().expect("docent starts");
            self.cluster.wait_for_points(other(node), physical, 100);
            event.happen(&self.cluster, node, physical);
            let output = child.wait_with_output().expect("docent ends");
            let seconds = began.elapsed().as_secs_f64();
            done.store(true, Ordering::Release);
            let run = self.env.outcome(&args, output);
            assert_eq!(run.code, Some(0), "{event:?}, node {node}\n{run}");
            (seconds, questions.join().expect("each was answered"))
        })
    }

    /// Every command works while a node is down.
    fn works_without(&self, name: &str, upset: Upset, change: &str) {
        let search = self.run(upset.node, &["search", "station 7", "--collection", name]);
        search.0.expect(0);
        let query = self.run(
            upset.node,
            &["query", "When does the ferry to Amrum leave?", "--collection", name],
        );
        query.0.expect(0);
        self.env.write("docs/00/000.md", text(0, change));
        let changed = self.ingest(upset.node, name, &[]);
        let new = format!("{name}-new");
        let args = [&["ingest", "docs/01", "--collection", &new], &LAYOUT[..]].concat();
        let (run, fresh) = self.run(upset.node, &args);
        run.expect(0);
        say(&format!(
            "    meanwhile: search {:.1} s, query {:.1} s, ingest of a change {changed:.1} s, of a new \
             collection {fresh:.1} s",
            search.1, query.1
        ));
    }

    /// Each node has what a clean ingest has.
    fn is_as_ingested_anew(&self, name: &str) {
        self.ingest(0, "clean", &[]);
        self.cluster.wait_until_healthy(&[name, "clean"]);
        let clean = self.cluster.points(0, "clean");
        assert!(clean.len() > DOCUMENTS);
        for node in 0..NODES {
            let found = self.cluster.points(node, name);
            for (id, payload) in &found {
                let Some(right) = clean.get(id) else {
                    panic!("node {node} has, and should not: {payload:#?}");
                };
                let other =
                    payload.iter().filter(|(field, value)| right.get(*field) != Some(value));
                let other: Vec<_> = other.map(|(field, value)| (value, right.get(field))).collect();
                let source = &payload["source"];
                assert!(
                    other.is_empty(),
                    "node {node}, {source}: has, and should have: {other:#?}"
                );
            }
            assert_eq!(found.len(), clean.len(), "points at node {node}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Upset {
    event: Event,
    node: usize,
}

fn other(node: usize) -> usize {
    (node + 1) % NODES
}

/// Several chunks.
fn text(number: usize, change: &str) -> String {
    let mut text = format!(
        "# Station {number}\n\nThe number of station {number} is {}. {change}\n",
        number * 37
    );
    for part in 0..6 {
        text.push_str(&format!("\n## Part {part}\n\n"));
        for line in 0..12 {
            let word = (number * 72 + part * 12 + line) % 997;
            text.push_str(&format!(
                "Track {word} of station {number} leads to gate {part} and line {line}. "
            ));
        }
        text.push('\n');
    }
    text
}

#[test]
fn each_node_in_turn_is_lost_during_an_ingest_and_a_rebuild() {
    let Some(scene) = Scene::new() else { return };
    let healthy = scene.ingest(0, "clean", &[]);
    let (_, search) = scene.run(0, &["search", "station 7", "--collection", "clean"]);
    say(&format!("all nodes up: ingest {healthy:.1} s, search {search:.1} s"));
    let only = std::env::var("DOCENT_TEST_EVENTS").unwrap_or_default();
    for event in Event::ALL.into_iter().filter(|e| format!("{e:?}").contains(&only)) {
        for node in 0..NODES {
            let upset = Upset { event, node };
            let name = format!("{event:?}{node}").to_lowercase();
            for (rebuild, version) in [(false, 1), (true, 2)] {
                let physical = format!("{name}@v{version}");
                let (seconds, asked) = scene.while_writing(&name, &physical, rebuild, upset);
                let what = if rebuild { "rebuild" } else { "ingest" };
                say(&format!(
                    "{event:?}, node {node}: {what} {seconds:.1} s, {asked} searches meanwhile"
                ));
                if event.leaves_a_node_down() {
                    scene.works_without(&name, upset, &physical);
                }
                event.end(&scene.cluster, node);
                scene.cluster.wait_until_healthy(&[&name, "clean"]);
                scene.ingest(other(node), &name, &[]);
                scene.is_as_ingested_anew(&name);
            }
            scene.cluster.remove(&name);
        }
    }
}

/// One after the other, as an operator would.
#[test]
fn nodes_are_restarted_one_after_the_other() {
    let Some(scene) = Scene::new() else { return };
    scene.ingest(0, "clean", &[]);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let ingest = scope.spawn(|| scene.ingest(0, "rolling", &[]));
        scene.cluster.wait_for_points(0, "rolling@v1", 50);
        for node in 0..NODES {
            Event::Restarted.happen(&scene.cluster, node, "rolling@v1");
            std::thread::sleep(Duration::from_secs(2));
        }
        say(&format!(
            "rolling restart: ingest {:.1} s",
            ingest.join().expect("the ingest ends well")
        ));
    });
    say(&format!("    with the restarts {:.1} s", began.elapsed().as_secs_f64()));
    scene.cluster.wait_until_healthy(&["rolling", "clean"]);
    scene.is_as_ingested_anew("rolling");
    scene.cluster.remove("rolling");
}
