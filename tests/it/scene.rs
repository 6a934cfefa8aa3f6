//! Documents, and an embedding endpoint with scripted faults.

use std::sync::LazyLock;

use serde_json::Value;

use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer};

pub(crate) const INGEST: &[&str] = &["ingest", "docs"];
/// The first request asks for the dimension, each after it has two of six texts.
pub(crate) const PROBE: usize = 1;
pub(crate) const BATCHES: usize = 3;

/// Six documents of a chunk each, and an endpoint that embeds two at a time, one after the other.
pub(crate) struct Scene {
    pub(crate) env: TestEnv,
    pub(crate) server: ScriptedServer,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let server = ScriptedServer::start();
        let env = environment(&server);
        Self { env, server }
    }

    /// The first two documents get through, and then this happens to each request.
    pub(crate) fn failing_midway(fault: &Fault) -> Self {
        let scene = Self::new();
        scene.after(PROBE + 1, &[]);
        scene.server.keep(fault.clone());
        scene
    }

    /// Lets this many requests pass, and then one with each of these faults.
    pub(crate) fn after(&self, healthy: usize, faults: &[Fault]) {
        let fine = std::iter::repeat_n(Fault::With(Vec::new()), healthy);
        for fault in fine.chain(faults.iter().cloned()) {
            self.server.push(fault);
        }
    }

    pub(crate) fn ingest(&self, code: i32) -> Run {
        self.env.run(INGEST).expect(code)
    }

    /// Runs to the end in spite of these faults, which cost one more request each.
    pub(crate) fn survives(&self, faults: &[Fault]) {
        self.after(PROBE + 1, faults);
        self.ingest(0);
        assert_eq!(self.server.requests().len(), PROBE + BATCHES + faults.len());
        assert_eq!(collection(&self.env), clean());
    }

    /// The next run against a healthy endpoint completes; what was refused is tried when asked for.
    pub(crate) fn heals(&self) {
        self.server.recover();
        let next = self.env.run(INGEST);
        if next.code == Some(5) {
            self.env.run(&[INGEST, &["--retry-failed"]].concat()).expect(0);
        } else {
            next.expect(0);
        }
        assert_eq!(collection(&self.env), clean());
        let asked = self.server.requests().len();
        self.ingest(0);
        assert_eq!(self.server.requests().len(), asked, "nothing is left to do");
    }
}

fn environment(server: &ScriptedServer) -> TestEnv {
    let mut env = TestEnv::new();
    for (name, island) in [
        ("a", "Amrum"),
        ("b", "Borkum"),
        ("c", "Corfu"),
        ("d", "Djerba"),
        ("e", "Elba"),
        ("f", "Fehmarn"),
    ] {
        let text = format!("# {island}\n\nThe ferry to {island} leaves in the morning.\n");
        env.write(&format!("docs/{name}.md"), text);
    }
    env.set("OPENAI_BASE_URL", &server.base_url())
        .set("DOCENT_EMBEDDER", "openai:m")
        .set("DOCENT_EMBEDDING_BATCH_ITEMS", "2")
        .set("DOCENT_EMBEDDING_CONCURRENCY", "1")
        .set("DOCENT_ATTEMPTS", "3");
    env
}

/// Everything that is stored, a line each, without times and the names of runs. Scores represent
/// vectors.
pub(crate) fn collection(env: &TestEnv) -> Vec<String> {
    let json = |args: &[&str]| env.run(&[args, &["--format", "json"]].concat()).expect(0).json();
    let rows = |value: &Value, names: [&str; 4]| -> Vec<String> {
        let row = |row: &Value| names.map(|name| row[name].to_string()).join(" ");
        value.as_array().expect("rows").iter().map(row).collect()
    };
    let status = json(&["status", "--documents"]);
    let mut lines = vec![format!("{} {}", status["documents"], status["chunks"])];
    lines.extend(rows(&status["records"], ["source", "document_hash", "chunks", "terms"]));
    for mode in ["dense", "sparse"] {
        let found = json(&["search", "ferry to Elba", "-k", "50", "--mode", mode]);
        lines.extend(rows(&found["hits"], ["citation", "chunk_hash", "text", "score"]));
    }
    lines.sort();
    lines
}

/// What should be stored.
pub(crate) fn clean() -> &'static [String] {
    static CLEAN: LazyLock<Vec<String>> = LazyLock::new(|| {
        let server = ScriptedServer::start();
        let env = environment(&server);
        env.run(INGEST).expect(0);
        assert_eq!(server.requests().len(), PROBE + BATCHES);
        collection(&env)
    });
    &CLEAN
}
