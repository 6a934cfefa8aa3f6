//! What a failing Qdrant server does to docent: for each fault what the user sees (the snapshots),
//! the exit code, and that the same command against a healthy server, with what it kept, ends with
//! the collection that a clean ingest gives.
//!
//! | fault | outcome | exit |
//! | --- | --- | --- |
//! | nothing listens | says so at once, tries again, ends when its time is over | 4 |
//! | a wrong key | ends at once | 3 |
//! | no answer in time, once | tried again | 0 |
//! | the same each time | ends when its time is over | 4 |
//! | UNAVAILABLE or RESOURCE_EXHAUSTED for a while | waits as long as asked, and completes | 0 |
//! | the same for ever | ends when its time is over | 4 |
//! | gone midway, after any request | ends when its time is over; the next run does the rest | 4 |
//! | too old | ends at once, before anything is stored | 4 |

use std::sync::LazyLock;

use tonic::Code;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::qdrant::{Script, ScriptedQdrant, Step, times};
use crate::served::Served;

const INGEST: &[&str] = &["ingest", "docs"];
const SEARCH: &[&str] = &["search", "ferry to Elba", "-k", "1"];
const VERSION: &str = "1.18.3";

/// A few documents, and a server.
struct Scene {
    env: TestEnv,
    server: ScriptedQdrant,
}

impl Scene {
    fn new() -> Self {
        Self::on(Script::new(VERSION, []))
    }

    fn on(script: Script) -> Self {
        let mut env = TestEnv::new();
        for (name, island) in [("a", "Amrum"), ("b", "Borkum"), ("c", "Corfu"), ("e", "Elba")] {
            let text = format!("# {island}\n\nThe ferry to {island} leaves in the morning.\n");
            env.write(&format!("docs/{name}.md"), text);
        }
        let server = ScriptedQdrant::start(script);
        env.set("QDRANT_URL", &server.url())
            .set("DOCENT_PROJECT", "docent")
            .set("DOCENT_QDRANT_RETRY_FOR", "2s");
        Self { env, server }
    }

    /// With everything ingested, and one document changed since.
    fn ingested() -> Self {
        let scene = Self::new();
        scene.run(INGEST).expect(0);
        scene.env.write("docs/e.md", "# Elba\n\nThe ferry to Elba was cancelled.\n");
        scene
    }

    fn run(&self, args: &[&str]) -> Run {
        self.env.run(args)
    }

    /// The server ends, and nothing listens there any more.
    fn gone(self) -> (TestEnv, Script) {
        (self.env, self.server.stop())
    }

    fn contents(&self) -> Vec<String> {
        self.server.script.memory.lock().expect("a memory").contents("docent")
    }

    /// The next run completes and leaves nothing to do.
    fn heals(&self, clean: &[String]) {
        self.run(INGEST).expect(0);
        assert_eq!(self.contents(), clean);
        self.run(&["ingest", "docs", "--check"]).expect(0);
    }
}

/// What a clean ingest gives, and how many requests it takes.
fn clean() -> &'static (Vec<String>, usize) {
    static CLEAN: LazyLock<(Vec<String>, usize)> = LazyLock::new(|| {
        let scene = Scene::new();
        scene.run(INGEST).expect(0);
        assert_eq!(scene.contents().len(), 8, "a chunk and a record for each");
        (scene.contents(), scene.server.script.requests())
    });
    &CLEAN
}

#[test]
fn nothing_listens() {
    let (env, _) = Scene::new().gone();
    assert_run!(env.run(INGEST).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    note: waiting: Qdrant http://127.0.0.1:[PORT] cannot be reached: connection refused: is Qdrant running there?; retrying for [TIME]
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: for [TIME]: cannot be reached: connection refused: is Qdrant running there?
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
}

#[test]
fn nothing_listens_when_a_question_is_asked() {
    let (env, _) = Scene::ingested().gone();
    let search = env.run(SEARCH).expect(4);
    assert_run!(search, @r"
    $ docent search ferry to Elba -k 1
    exit 4
    --- stdout
    --- stderr
    note: waiting: Qdrant http://127.0.0.1:[PORT] cannot be reached: connection refused: is Qdrant running there?; retrying for [TIME]
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: for [TIME]: cannot be reached: connection refused: is Qdrant running there?
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
    for args in [&["query", "Which ferry?"][..], &["status"], &["ingest", "--check", "docs"]] {
        assert_eq!(env.run(args).expect(4).stderr, search.stderr, "{args:?}");
    }
}

#[test]
fn nothing_listens_and_the_doctor_is_asked() {
    let (env, _) = Scene::new().gone();
    assert_run!(env.run(&["doctor"]).expect(4), @r"
    $ docent doctor
    exit 4
    --- stdout
    failed  store     the vector store failed: http://127.0.0.1:[PORT]: cannot be reached: connection refused: is Qdrant running there?
                      check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ok      embedder  builtin, 256 dimensions
    ok      chat      extractive: answers are quoted from the passages
                      for generated answers: docent query --model MODEL --base-url URL (or DOCENT_MODEL, OPENAI_BASE_URL, OPENAI_API_KEY)
    --- stderr
    ");
}

#[test]
fn nothing_listens_and_a_program_asks() {
    let (env, _) = Scene::new().gone();
    assert_run!(env.run(&["search", "ferry", "--format", "json"]).expect(4), @r#"
    $ docent search ferry --format json
    exit 4
    --- stdout
    --- stderr
    {"schema_version":1,"note":"waiting: Qdrant http://127.0.0.1:[PORT] cannot be reached: connection refused: is Qdrant running there?; retrying for [TIME]"}
    {"schema_version":1,"error":{"message":"the vector store failed","causes":["http://127.0.0.1:[PORT]: for [TIME]: cannot be reached: connection refused: is Qdrant running there?"],"hint":"check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again","exit_code":4}}
    "#);
}

#[test]
fn a_wrong_key() {
    let mut scene = Scene::on(Script::new(VERSION, []).require_key("right-key"));
    scene.env.set("QDRANT_API_KEY", "wr0ng-key");
    let ingest = scene.run(INGEST).expect(3);
    assert_eq!(scene.server.script.asked_since(0), ["collection_info"], "once");
    for args in [SEARCH, &["query", "Which ferry?"], &["status"]] {
        assert_eq!(scene.run(args).expect(3).stderr, ingest.stderr, "{args:?}");
    }
    assert!(!ingest.to_string().contains("wr0ng"), "{ingest}");
    assert_run!(ingest, @r"
    $ docent ingest docs
    exit 3
    --- stdout
    --- stderr
    error: the vector store refused the key
      caused by: http://127.0.0.1:[PORT]: requires a valid API key: Invalid API key or JWT
    hint: set QDRANT_API_KEY to a key of that server
    ");
    scene.env.set("QDRANT_API_KEY", "right-key");
    scene.heals(&clean().0);
}

#[test]
fn a_wrong_key_and_the_doctor_is_asked() {
    let scene = Scene::on(Script::new(VERSION, []).require_key("right-key"));
    assert_run!(scene.run(&["doctor"]).expect(3), @r"
    $ docent doctor
    exit 3
    --- stdout
    failed  store     the vector store refused the key: http://127.0.0.1:[PORT]: requires a valid API key: Invalid API key or JWT
                      set QDRANT_API_KEY to a key of that server
    ok      embedder  builtin, 256 dimensions
    ok      chat      extractive: answers are quoted from the passages
                      for generated answers: docent query --model MODEL --base-url URL (or DOCENT_MODEL, OPENAI_BASE_URL, OPENAI_API_KEY)
    --- stderr
    ");
}

#[test]
fn slow_once() {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_QDRANT_TIMEOUT", "2s").set("DOCENT_QDRANT_RETRY_FOR", "20s");
    // What is asked first is asked again by the client itself; making the lease's place is not.
    let asked = {
        let scene = Scene::new();
        scene.run(INGEST).expect(0);
        scene.server.script.asked_since(0)
    };
    let create = asked.iter().position(|method| *method == "create").expect("a place is made");
    scene.server.script.then((0..create).map(|_| Step::Pass).chain([Step::Hang]));
    let run = scene.run(INGEST).expect(0);
    let note = |seconds: u32| {
        let url = scene.server.url();
        format!("note: waiting: Qdrant {url} did not answer within 2 s; retrying for {seconds} s\n")
    };
    assert_eq!(run.stderr, note(20));
    assert_eq!(scene.contents(), clean().0);
    scene.server.script.then([Step::Hang]);
    assert_eq!(scene.run(SEARCH).expect(0).stderr, note(10), "somebody waits");
}

#[test]
fn slow_for_ever() {
    let mut scene = Scene::ingested();
    scene.env.set("DOCENT_QDRANT_TIMEOUT", "500ms").set("DOCENT_QDRANT_RETRY_FOR", "1s");
    scene.server.script.then((0..50).map(|_| Step::Hang));
    let search = scene.run(SEARCH).expect(4);
    assert_eq!(scene.run(&["status"]).expect(4).stderr, search.stderr);
    assert_run!(search, @r"
    $ docent search ferry to Elba -k 1
    exit 4
    --- stdout
    --- stderr
    note: waiting: Qdrant http://127.0.0.1:[PORT] did not answer within [TIME]; retrying for [TIME]
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: for [TIME]: did not answer within [TIME]
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
}

#[test]
fn slow_for_ever_and_the_doctor_is_asked() {
    let mut scene = Scene::new();
    scene.env.set("DOCENT_QDRANT_TIMEOUT", "500ms");
    scene.server.script.then((0..50).map(|_| Step::Hang));
    assert_run!(scene.run(&["doctor"]).expect(4), @r"
    $ docent doctor
    exit 4
    --- stdout
    failed  store     the vector store failed: http://127.0.0.1:[PORT]: did not answer within [TIME]
                      check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ok      embedder  builtin, 256 dimensions
    ok      chat      extractive: answers are quoted from the passages
                      for generated answers: docent query --model MODEL --base-url URL (or DOCENT_MODEL, OPENAI_BASE_URL, OPENAI_API_KEY)
    --- stderr
    ");
}

#[test]
fn unavailable_or_overloaded_for_a_while() {
    let waits = || Step::RetryAfter("1");
    let unavailable = || Step::Fail(Code::Unavailable, "starting");
    let overloaded = || Step::Fail(Code::ResourceExhausted, "too many");
    let (clean, requests) = clean();
    for (healthy, faults) in [
        (0, vec![unavailable(), unavailable()]),
        (*requests / 2, vec![waits(), unavailable()]),
        (*requests - 3, vec![overloaded(), waits()]),
    ] {
        let mut scene = Scene::new();
        scene.env.set("DOCENT_QDRANT_RETRY_FOR", "1m");
        scene.server.script.then((0..healthy).map(|_| Step::Pass).chain(faults));
        scene.run(INGEST).expect(0);
        assert_eq!(scene.server.script.requests(), requests + 2);
        assert_eq!(scene.contents(), *clean);
    }
    let scene = Scene::ingested();
    scene.server.script.then([unavailable(), overloaded()]);
    scene.run(SEARCH).expect(0);
}

#[test]
fn unavailable_for_ever() {
    let scene = Scene::new();
    let midway = clean().1 / 2;
    let fine = (0..midway).map(|_| Step::Pass);
    scene.server.script.then(fine.chain(times(50, Code::Unavailable, "shard is not ready")));
    assert_run!(scene.run(INGEST).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    note: waiting: Qdrant http://127.0.0.1:[PORT] is unavailable: shard is not ready; retrying for [TIME]
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: for [TIME]: is unavailable: shard is not ready
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
    scene.server.script.steps.lock().expect("steps").clear();
    scene.heals(&clean().0);
}

#[test]
fn asked_to_come_back_tomorrow() {
    let scene = Scene::new();
    scene.server.script.then([Step::RetryAfter("86400")]);
    assert_run!(scene.run(INGEST).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: it asks for a wait of 24 hours: is overloaded: too many requests
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
    scene.heals(&clean().0);
}

/// The connections are cut, nothing listens, and another process has the data after that.
#[test]
fn down_midway() {
    let scene = Scene::new();
    let midway = clean().1 * 2 / 5;
    scene.server.script.then((0..midway).map(|_| Step::Pass).chain([Step::Hang]));
    let child = scene.env.command(INGEST).spawn().expect("docent starts");
    scene.server.script.wait_for_requests(midway + 1);
    let (mut env, script) = scene.gone();
    let output = child.wait_with_output().expect("docent ends");
    assert_run!(env.outcome(INGEST, output).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    note: waiting: Qdrant http://127.0.0.1:[PORT] cannot be reached: the connection was cut; retrying for [TIME]
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: for [TIME]: cannot be reached: connection refused: is Qdrant running there?
    hint: check that Qdrant runs at --qdrant-url (`docent doctor` does), and run this again
    ");
    let server = ScriptedQdrant::start(script);
    env.set("QDRANT_URL", &server.url()).set("DOCENT_PROJECT", "docent");
    Scene { env, server }.heals(&clean().0);
}

/// Also while a document is replaced by its next version.
#[test]
fn gone_after_any_request() {
    let whole = |scene: Scene| {
        let before = scene.server.script.requests();
        scene.run(INGEST).expect(0);
        (scene.contents(), scene.server.script.requests() - before)
    };
    for new in [Scene::new, Scene::ingested] {
        let (expected, requests) = whole(new());
        for after in (0..requests).step_by(3) {
            let mut scene = new();
            scene.env.set("DOCENT_QDRANT_RETRY_FOR", "0");
            let gone_after = &scene.server.script.gone_after;
            *gone_after.lock().expect("a number") = scene.server.script.requests() + after;
            let run = scene.run(INGEST);
            // What comes last only notes it, and tidies up.
            let stored = run.code == Some(0) && after + 6 > requests;
            assert!(stored || run.code == Some(4), "{after} of {requests}: {run}");
            *gone_after.lock().expect("a number") = usize::MAX;
            scene.heals(&expected);
        }
    }
}

/// One node of three is down, and the one that is asked says what Qdrant says then.
#[test]
fn a_node_of_a_cluster_is_away() {
    const AWAY: &str = "Service internal error: The replica set for shard 0 on peer 7 does not have enough active replicas";
    let mut scene = Scene::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = listener.local_addr().expect("an address");
    drop(listener);
    let both = format!("http://{dead},{}", scene.server.url());
    scene.env.set("QDRANT_URL", &both).set("DOCENT_QDRANT_RETRY_FOR", "1m");
    scene.server.script.then((0..5).map(|_| Step::Pass).chain(times(5, Code::Internal, AWAY)));
    let run = scene.run(INGEST).expect(0);
    let (expected, _) = clean();
    assert_eq!(scene.contents(), *expected);
    let note = "note: waiting: Qdrant http://";
    assert!(run.stderr.lines().all(|line| line.starts_with(note)), "{run}");
    assert!(scene.run(SEARCH).expect(0).stdout.contains("Elba"));

    scene.env.set("QDRANT_URL", &both.replace(',', ";"));
    let run = scene.run(SEARCH).expect(3);
    assert!(run.stderr.contains("several addresses are separated by commas"), "{run}");
}

/// As a list in a file, too.
#[test]
fn several_nodes_are_set_in_a_file() {
    let server = ScriptedQdrant::start(Script::new(VERSION, []));
    let mut env = TestEnv::new();
    let urls = format!("[qdrant]\nurl = [\"http://127.0.0.1:1\", \"{}\"]\n", server.url());
    let file = env.write("home/docent/config.toml", urls);
    let home = file.parent().and_then(std::path::Path::parent).expect("a directory");
    let home = home.to_str().expect("UTF-8").to_owned();
    env.set("XDG_CONFIG_HOME", &home).set("DOCENT_PROJECT", "docent");
    env.write("docs/e.md", "# Elba\n\nThe ferry to Elba leaves in the morning.\n");
    env.run(INGEST).expect(0);
    assert!(!server.script.memory.lock().expect("a memory").contents("docent").is_empty());
}

#[test]
fn a_server_that_is_too_old() {
    let scene = Scene::on(Script::new("1.15.5", []));
    assert_run!(scene.run(INGEST).expect(4), @r"
    $ docent ingest docs
    exit 4
    --- stdout
    --- stderr
    error: the vector store failed
      caused by: http://127.0.0.1:[PORT]: Qdrant 1.15.5 is too old: docent needs 1.16 or later, which keeps what a collection was built with
    hint: `docent doctor` checks everything that is configured
    ");
    assert_eq!(scene.contents(), Vec::<String>::new());
}

#[test]
fn a_server_that_is_too_old_and_the_doctor_is_asked() {
    let scene = Scene::on(Script::new("1.15.5", []));
    assert_run!(scene.run(&["doctor"]).expect(4), @r"
    $ docent doctor
    exit 4
    --- stdout
    failed  store     the vector store failed: http://127.0.0.1:[PORT]: Qdrant 1.15.5 is too old: docent needs 1.16 or later, which keeps what a collection was built with
    ok      embedder  builtin, 256 dimensions
    ok      chat      extractive: answers are quoted from the passages
                      for generated answers: docent query --model MODEL --base-url URL (or DOCENT_MODEL, OPENAI_BASE_URL, OPENAI_API_KEY)
    --- stderr
    ");
}

/// A question waits for a server that is away; a probe does not.
#[test]
fn a_probe_hears_at_once_that_the_server_is_away() {
    let scene = Scene::ingested();
    let script = &scene.server.script;
    let served = Served::start(&scene.env, &[]);
    served.get("/readyz").expect(200);
    let start = script.requests();
    *script.gone_after.lock().expect("a number") = start;
    let away = served.get("/readyz").expect(503);
    assert_eq!(away.code(), "not_ready");
    assert!(away.body.contains("is unavailable: gone"), "{away:?}");
    // The client tries once more by itself.
    assert_eq!(script.asked_since(start), ["health_check"; 2]);
    *script.gone_after.lock().expect("a number") = usize::MAX;
    served.get("/readyz").expect(200);
}
