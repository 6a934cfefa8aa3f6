//! Several workers ingest parts of the sources into one collection on a Qdrant server: together they
//! make the same collection as one run.

use std::process::Child;

use serde_json::Value;

use crate::env::TestEnv;
use crate::qdrant::{Script, ScriptedQdrant};

const DOCUMENTS: usize = 24;

/// A project on a server.
struct Yard {
    server: ScriptedQdrant,
    env: TestEnv,
}

impl Yard {
    fn new() -> Self {
        let server = ScriptedQdrant::start(Script::new("1.18.3", []));
        let mut env = TestEnv::new();
        env.set("QDRANT_URL", &server.url())
            .set("DOCENT_PROJECT", "yard")
            .set("DOCENT_ATTEMPTS", "1")
            .set("DOCENT_QDRANT_RETRY_FOR", "1s");
        for number in 0..DOCUMENTS {
            let text = format!("# Ferry {number}\n\nThe ferry to island {number} is late.\n");
            env.write(&format!("docs/{number}.md"), text);
        }
        Self { server, env }
    }

    fn ingest(&self, more: &[&str]) -> crate::env::Run {
        self.env.run(&[&["ingest", "docs"], more].concat())
    }

    fn start(&self, part: &str) -> (Vec<String>, Child) {
        let args =
            ["ingest", "docs", "--collection", "parts", "--format", "json", "--partition", part];
        let child = self.env.command(&args).spawn().expect("docent starts");
        (args.map(str::to_owned).to_vec(), child)
    }

    /// Workers for all parts at the same time, and what each reports.
    fn all_at_once(&self, of: u32) -> Vec<Value> {
        let started: Vec<_> =
            (1..=of).map(|number| self.start(&format!("{number}/{of}"))).collect();
        let ended = started.into_iter().map(|(args, child)| {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let output = child.wait_with_output().expect("docent ends");
            self.env.outcome(&args, output).expect(0).json()
        });
        ended.collect()
    }

    /// A worker that is sending chunks: its intent is in the manifest.
    fn start_and_hold(&self, part: &str) -> Child {
        let script = &self.server.script;
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        script.hold("upsert", "parts@v1");
        let (_, child) = self.start(part);
        runtime.block_on(script.is_held());
        script.hold("upsert", "parts@v1");
        script.let_go();
        runtime.block_on(script.is_held());
        child
    }

    /// The fields of a manifest that do not depend on times and runs.
    fn manifest(&self, collection: &str) -> [Value; 5] {
        let shown =
            self.env.run(&["index", "show", "--collection", collection, "--format", "json"]);
        let manifest = shown.expect(0).json()["manifest"].take();
        ["content_hash", "roots", "languages", "unfinished", "owner"]
            .map(|key| manifest[key].clone())
    }

    /// Less where the manifest is, and the weights of words: these depend on who made the collection.
    fn contents(&self, collection: &str) -> Vec<String> {
        let contents = self.server.script.memory.lock().expect("a memory").contents(collection);
        let points = contents.iter().filter(|point| !point.contains("manifest_of"));
        let unweighed = |point: &String| point.rsplit_once(' ').expect("weights").0.to_owned();
        points.map(unweighed).collect()
    }
}

fn sum(reports: &[Value], field: &str) -> u64 {
    reports.iter().map(|report| report[field].as_u64().expect("a number")).sum()
}

#[test]
fn workers_that_begin_at_once_equal_one_run_and_a_killed_one_is_completed() {
    let yard = Yard::new();
    yard.ingest(&["--collection", "whole"]).expect(0);
    let reports = yard.all_at_once(4);
    assert_eq!(sum(&reports, "added"), DOCUMENTS as u64);
    assert_eq!(sum(&reports, "documents_total"), DOCUMENTS as u64);
    let parts: Vec<&str> = reports.iter().filter_map(|it| it["partition"].as_str()).collect();
    assert_eq!(parts, ["1/4", "2/4", "3/4", "4/4"]);
    assert_eq!(yard.contents("parts"), yard.contents("whole"));
    assert_eq!(yard.manifest("parts"), yard.manifest("whole"));
    yard.env.run(&["index", "verify", "--collection", "parts"]).expect(0);

    // Most files change, one goes; the second worker is killed with chunks on their way.
    for number in 1..DOCUMENTS {
        let text = format!("# Ferry {number}\n\nThe ferry to island {number} has left.\n");
        yard.env.write(&format!("docs/{number}.md"), text);
    }
    std::fs::remove_file(yard.env.path("docs/0.md")).expect("a file");
    let mut killed = yard.start_and_hold("2/4");
    killed.kill().expect("it is there");
    killed.wait().expect("it ends");
    yard.server.script.let_go();
    for part in ["1/4", "3/4", "4/4"] {
        yard.ingest(&["--collection", "parts", "--partition", part]).expect(0);
    }
    assert_ne!(yard.manifest("parts")[3], Value::Null, "the second part is left");
    yard.ingest(&["--collection", "parts", "--partition", "1/4", "--check"]).expect(0);
    yard.ingest(&["--collection", "parts", "--partition", "2/4", "--check"]).expect(1);
    let report = yard.ingest(&["--collection", "parts", "--partition", "2/4"]).expect(0);
    assert!(report.stdout.starts_with("partition 2/4: added 0, changed "), "{report}");
    yard.ingest(&["--collection", "whole"]).expect(0);
    assert_eq!(yard.contents("parts"), yard.contents("whole"));
    assert_eq!(yard.manifest("parts"), yard.manifest("whole"));
    yard.env.run(&["index", "verify", "--collection", "parts"]).expect(0);
    yard.ingest(&["--collection", "parts", "--check"]).expect(0);
}

#[test]
fn one_run_waits_for_parts_and_names_them() {
    let yard = Yard::new();
    yard.ingest(&["--collection", "parts"]).expect(0);
    for number in 0..DOCUMENTS {
        yard.env.write(&format!("docs/{number}.md"), format!("# Ferry {number}\n\nIt has left.\n"));
    }
    let mut part = yard.start_and_hold("2/4");
    let named = "collection `parts` is being written in parts: 2/4 by process ";
    for args in [
        &["ingest", "docs", "--collection", "parts", "--wait", "0s"][..],
        &["ingest", "docs", "--collection", "parts", "--wait", "0s", "--partition", "1/3"],
        &["index", "prune", "--collection", "parts", "--wait", "0s"],
    ] {
        let refused = yard.env.run(args).expect(4);
        assert!(refused.stderr.contains(named), "{refused}");
    }
    yard.server.script.let_go();
    assert!(part.wait().expect("it ends").success());
    yard.ingest(&["--collection", "parts"]).expect(0);
}

#[test]
fn what_parts_are_not_for_is_wrong_usage() {
    let yard = Yard::new();
    let usage = |more: &[&str], said: &str| {
        let refused = yard.ingest(more).expect(2);
        assert!(refused.stderr.contains(said), "{refused}");
    };
    for part in ["9/8", "0/8", "x", "1/1025"] {
        usage(&["--partition", part], "it is not a part K/N, such as 2/8");
    }
    let whole = "builds a whole version";
    usage(&["--partition", "1/2", "--rebuild"], whole);
    usage(&["--partition", "1/2", "--new-version"], whole);
    usage(&["--partition", "1/2", "--share"], "--share adds documents beside");
    usage(&["--partition", "1/2", "--forget"], "--forget concerns the whole collection");
    usage(&["--partition", "1/2", "-"], "standard input is a single document");
    usage(&["--partition", "1/2", "--watch"], "--watch");
    let embedded = TestEnv::with_samples();
    for more in [&[][..], &["--check"], &["--dry-run"]] {
        let args = [&["ingest", "sample-docs", "--partition", "1/2"], more].concat();
        let refused = embedded.run(&args).expect(2);
        assert!(
            refused.stderr.contains("--partition needs a collection on a Qdrant server"),
            "{refused}"
        );
    }
    let names = yard.server.script.memory.lock().expect("a memory").names();
    assert_eq!(names, [""; 0], "nothing was made");
}

#[test]
fn workers_have_to_have_one_name_of_the_project() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let mut env = TestEnv::with_samples();
    env.set("QDRANT_URL", &server.url());
    let refused = env.run(&["ingest", "sample-docs", "--partition", "1/2"]).expect(3);
    assert!(refused.stderr.contains("DOCENT_PROJECT"), "{refused}");
    assert_eq!(server.script.memory.lock().expect("a memory").names(), [""; 0]);
}

#[test]
fn a_collection_that_projects_share_is_not_brought_in_by_parts() {
    let yard = Yard::new();
    yard.ingest(&["--collection", "parts"]).expect(0);
    let mut guest = TestEnv::new();
    guest.set("QDRANT_URL", &yard.server.url()).set("DOCENT_PROJECT", "guest");
    guest.write("docs/guest.md", "# Guest\n\nA guest.\n");
    guest.run(&["ingest", "docs", "--collection", "parts", "--share"]).expect(0);
    let refused = yard.ingest(&["--collection", "parts", "--partition", "1/2"]).expect(3);
    assert!(refused.stderr.contains("shared by several projects"), "{refused}");
}
