//! `docent show`: what is stored of a document.

use std::fs;

use serde_json::{Value, json};
use tonic::Code;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::qdrant::{Script, ScriptedQdrant, Step, times};

const GUIDE: &str = "# Ketch\n\nA ketch has two masts.\n\n## Rigging\n\nIt is rigged fore and aft.\n\n\
                     ```sh\nreef --early\n\n  # and often\n```\n";

/// Documents about boats.
fn harbour() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("DOCENT_CHUNK_TOKENS", "16").set("DOCENT_CHUNK_OVERLAP", "0");
    env.write("docs/ketch.md", GUIDE);
    env.write("docs/yawl.md", "# Yawl\n\nA yawl has a smaller mizzen.\n");
    env.write("docs/bad.docx", b"PK\x03\x04 and then nothing");
    env.run(&["ingest", "docs", "--tag", "sea"]).expect(5);
    env
}

fn show(env: &TestEnv, source: &str) -> Run {
    env.run(&["show", source])
}

#[track_caller]
fn shown(env: &TestEnv, source: &str, code: i32) -> Value {
    env.run(&["show", source, "--format", "json"]).expect(code).json()
}

/// Where the chunks are that are shown.
#[track_caller]
fn places(shown: &Value) -> Vec<String> {
    let chunks = shown["chunks"].as_array().expect("chunks");
    let citation = |chunk: &Value| chunk["citation"].as_str().expect("a citation").to_owned();
    chunks.iter().map(citation).collect()
}

#[test]
fn a_document_chunk_by_chunk() {
    let env = harbour();
    let run = show(&env, "docs/ketch.md").expect(0);
    assert_eq!(run.stderr, "");
    assert_run!(run);
}

#[test]
fn a_place_as_it_is_cited() {
    let env = harbour();
    let all = places(&shown(&env, "docs/ketch.md", 0));
    assert_eq!(all.len(), 3, "{all:?}");
    for (at, citation) in all.iter().enumerate() {
        assert_eq!(places(&shown(&env, citation, 0)), all[at..=at], "{citation}");
    }
    assert_eq!(places(&shown(&env, "docs/ketch.md:3-7", 0)), all[..2]);
    assert_run!(show(&env, "docs/ketch.md:L7").expect(0), @r"
    $ docent show docs/ketch.md:L7
    exit 0
    --- stdout
    docs/ketch.md
    title     Ketch
    kind      markdown, 111 bytes
    sha256    0bbf8a048518f1b9627da2e16e5def5f9a62497952cb76b20f37922dabab747f
    ingested  [DATE]
    language  english
    tags      sea
    chunks    1 of 3, at docs/ketch.md:L7, 13 tokens

    #1  docs/ketch.md:L5-L7  13 tokens  Rigging
        ## Rigging

        It is rigged fore and aft.

    --- stderr
    ");
    assert_run!(show(&env, "docs/ketch.md:L99").expect(1), @r"
    $ docent show docs/ketch.md:L99
    exit 1
    --- stdout
    --- stderr
    error: nothing is stored at docs/ketch.md:L99: the document has 3 chunks, from docs/ketch.md:L1-L3 to docs/ketch.md:L9-L13
    hint: all of it: docent show docs/ketch.md
    ");
    assert_eq!(shown(&env, "docs/ketch.md#page=1", 1)["stored_chunks"], 3);
}

/// As a path from here, and by a name that is stored.
#[test]
fn a_path_from_the_working_directory() {
    let env = harbour();
    for (typed, found) in [("yawl.md", 0), ("./../docs/yawl.md:L3", 0), ("docs/yawl.md", 0)] {
        let mut command = env.command(&["show", typed]);
        let output = command.current_dir(env.path("docs")).output().expect("docent runs");
        let run = env.outcome(&["show", typed], output).expect(found);
        assert!(run.stdout.starts_with("docs/yawl.md\n"), "{run}");
    }
    let absolute = env.path("docs/yawl.md").canonicalize().expect("a path");
    show(&env, absolute.to_str().expect("UTF-8")).expect(0);
}

#[test]
fn an_unknown_source_names_the_nearest() {
    let env = harbour();
    env.write("other/sloop.md", "# Sloop\n");
    env.write("other/yawl.md", "# Yawl\n");
    assert_run!(show(&env, "docs/ketsch.md").expect(1), @r"
    $ docent show docs/ketsch.md
    exit 1
    --- stdout
    --- stderr
    error: docs/ketsch.md is not in the collection `docent`
    hint: did you mean this? docent show docs/ketch.md
    ");
    for (typed, hint) in [
        ("ketch.md", "did you mean this? docent show docs/ketch.md"),
        (
            "docs",
            "did you mean one of these? docent show docs/bad.docx, docs/ketch.md, docs/yawl.md",
        ),
        ("other/sloop.md", "docent ingest other/sloop.md"),
        ("other/yawl.md", "docent ingest other/yawl.md"),
        ("zymurgy.md", "docent status --documents lists what is stored"),
        ("https://example.org/a", "docent status --documents lists what is stored"),
    ] {
        let run = show(&env, typed).expect(1);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains(&format!("hint: {hint}\n")), "{run}");
    }
    let json = shown(&env, "ketch.md", 1);
    let nothing = json!({
        "schema_version": 1, "source": "ketch.md", "place": null, "title": "", "record": null,
        "failure": null, "stale": null, "stored_chunks": 0, "outdated_chunks": 0,
        "nearest": ["docs/ketch.md"], "chunks": [],
    });
    assert_eq!(json, nothing);
}

#[test]
fn one_that_could_not_be_read_says_why() {
    let env = harbour();
    assert_run!(show(&env, "docs/bad.docx").expect(1), @r"
    $ docent show docs/bad.docx
    exit 1
    --- stdout
    --- stderr
    error: docs/bad.docx could not be read: damaged or truncated: the list of its parts is missing: copy or download it again
    hint: correct the file, or try again with docent ingest --retry-failed
    ");
    let json = shown(&env, "docs/bad.docx", 1);
    assert_eq!((&json["record"], &json["chunks"]), (&Value::Null, &json!([])));
    assert!(json["failure"]["reason"].is_string(), "{json:#}");
    // What is stored of it is an earlier version.
    env.write("docs/yawl.md", b"\x89PNG\r\n\x1a\n\0\0\0\x0d");
    env.run(&["ingest"]).expect(5);
    let run = show(&env, "docs/yawl.md");
    assert_run!(run.expect(0), @r"
    $ docent show docs/yawl.md
    exit 0
    --- stdout
    docs/yawl.md
    title     Yawl
    kind      markdown, 37 bytes
    sha256    0acb30c2bce817489c62ce578c5569a7b3f260fcd1f9880e4797fd50dec21f2a
    ingested  [DATE]
    tags      sea
    chunks    1, 15 tokens

    #0  docs/yawl.md:L1-L3  15 tokens  Yawl
        # Yawl

        A yawl has a smaller mizzen.

    --- stderr
    warning: docs/yawl.md could not be read again: named as markdown, but it is a PNG file; this is an earlier version; correct the file, then run docent ingest
    ");
}

#[test]
fn a_stale_one_says_so() {
    let env = harbour();
    env.write("docs/yawl.md", "# Yawl\n\nNo more.\n");
    fs::remove_file(env.path("docs/ketch.md")).expect("a removal");
    for (source, stale, said) in [
        ("docs/yawl.md", "changed", "has changed since"),
        ("docs/ketch.md", "missing", "was deleted since"),
    ] {
        let run = show(&env, source).expect(0);
        assert!(run.stderr.starts_with(&format!("warning: {source} {said}")), "{run}");
        assert_eq!(shown(&env, source, 0)["stale"], stale);
    }
}

#[test]
fn an_empty_document_has_no_text() {
    let env = harbour();
    env.write("docs/empty.md", "\n\n");
    env.run(&["ingest"]).expect(5);
    assert_run!(show(&env, "docs/empty.md").expect(1), @r"
    $ docent show docs/empty.md
    exit 1
    --- stdout
    --- stderr
    error: docs/empty.md could not be read: empty: the file is all blanks
    hint: correct the file, or try again with docent ingest --retry-failed
    ");
}

/// Stored chunks can be shown with any settings.
#[test]
fn another_embedder_counts_no_tokens() {
    let env = harbour();
    let run = env.run(&["show", "docs/yawl.md", "--embedder", "openai:other"]).expect(0);
    assert!(!run.stdout.contains("token"), "{run}");
    assert!(run.stderr.starts_with("note: tokens are not counted: collection"), "{run}");
    let other = ["show", "docs/yawl.md", "--embedder", "openai:other", "--format", "json"];
    assert_eq!(env.run(&other).expect(0).json()["chunks"][0]["tokens"], Value::Null);
}

#[test]
fn json_lines_begin_with_the_document() {
    let env = harbour();
    let lines = env.run(&["show", "docs/ketch.md", "--format", "jsonl"]).expect(0).jsonl();
    let events: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["document", "chunk", "chunk", "chunk"]);
    assert_eq!(lines[0]["record"]["tags"], json!(["sea"]));
    let ordinals: Vec<&Value> = lines[1..].iter().map(|line| &line["ordinal"]).collect();
    assert_eq!(ordinals, [0, 1, 2]);
}

/// A chunk has the same fields as in `search`, and no chunk is left out.
#[test]
fn every_sample_is_shown_as_it_is_found() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let found = ["search", "ledger restore", "-k", "500", "--mode", "dense", "--format", "json"];
    let found = env.run(&found).json();
    let status = env.run(&["status", "--documents", "--format", "json"]).json();
    let mut total = 0;
    for record in status["records"].as_array().expect("records") {
        let source = record["source"].as_str().expect("a source");
        let json = shown(&env, source, 0);
        assert_eq!(&json["record"], record);
        let chunks = json["chunks"].as_array().expect("chunks");
        assert_eq!(json["record"]["chunks"], chunks.len(), "{source}");
        total += chunks.len();
        for (ordinal, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk["ordinal"], ordinal, "{source}");
            assert!(chunk["tokens"].as_u64() > Some(0), "{source}");
            let citation = &chunk["citation"];
            let same = |hit: &&Value| hit["citation"] == *citation && hit["text"] == chunk["text"];
            let hit = found["hits"].as_array().expect("hits").iter().find(same);
            let hit = hit.unwrap_or_else(|| panic!("{citation} is not found"));
            for (field, value) in chunk.as_object().expect("an object") {
                if !["ordinal", "tokens"].contains(&field.as_str()) {
                    assert_eq!(&hit[field], value, "{field} of {citation}");
                }
            }
        }
    }
    assert_eq!(status["chunks"], total);
}

/// The session in `docs/show.md`.
#[test]
fn the_documentation_is_what_happens() {
    let env = TestEnv::with_samples();
    env.run(&["ingest", "sample-docs"]).expect(0);
    let page = include_str!("../../docs/show.md");
    let session = page.split("```console\n$ docent show ").nth(1).expect("a session");
    let (source, rest) = session.split_once('\n').expect("a command");
    let expected = rest.split("```").next().expect("an end");
    // The time of an ingest is another one each time.
    let timeless = |text: &str| {
        let lines = text.trim_end().lines().filter(|line| !line.starts_with("ingested"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(timeless(&show(&env, source).expect(0).stdout), timeless(expected));
}

#[test]
fn no_collection_and_no_source() {
    let env = TestEnv::new();
    show(&env, "a.md").expect(3);
    env.run(&["show"]).expect(2);
}

/// If the records of a run were not written, the old version is shown.
#[test]
fn a_run_that_was_cut_off_is_said() {
    let scene = || {
        let mut env = TestEnv::new();
        let server = ScriptedQdrant::start(Script::new("1.18.3", []));
        env.set("QDRANT_URL", &server.url())
            .set("DOCENT_PROJECT", "docent")
            .set("DOCENT_QDRANT_RETRY_FOR", "0");
        env.write("docs/e.md", "# Elba\n\nThe ferry to Elba leaves in the morning.\n");
        env.run(&["ingest", "docs"]).expect(0);
        env.write("docs/e.md", "# Elba\n\nThe ferry to Elba was cancelled.\n");
        (env, server)
    };
    let (env, server) = scene();
    let before = server.script.requests();
    env.run(&["ingest", "docs"]).expect(0);
    let asked = server.script.asked_since(before);
    let writes: Vec<usize> = (0..asked.len()).filter(|&at| asked[at] == "upsert").collect();
    let [_lease, _intent, _chunk, record, _given_back] = writes[..] else { panic!("{asked:?}") };

    let (env, server) = scene();
    let passes = (0..record).map(|_| Step::Pass);
    server.script.then(passes.chain(times(50, Code::Unavailable, "shard is not ready")));
    env.run(&["ingest", "docs"]).expect(4);
    server.script.steps.lock().expect("steps").clear();
    let json = shown(&env, "docs/e.md", 0);
    assert_eq!((&json["stored_chunks"], &json["outdated_chunks"]), (&json!(1), &json!(0)));
    let run = show(&env, "docs/e.md").expect(0);
    assert!(run.stdout.contains("leaves in the morning"), "{run}");
    assert!(run.stderr.contains("docs/e.md has changed since it was ingested"), "{run}");
    env.run(&["ingest", "docs"]).expect(0);
    let run = show(&env, "docs/e.md").expect(0);
    assert!(run.stdout.contains("was cancelled"), "{run}");
    assert_eq!(run.stderr, "");
}

/// A terminal has links and colours, and a pipe that closes early is fine.
#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal() {
    let env = harbour();
    let mut terminal = crate::pty::Terminal::run(&env.command(&["show", "docs/ketch.md:L7"]));
    terminal.expect("\x1b]8;;file://");
    terminal.expect("\x1b[1mchunks  \x1b[0m  1 of 3");
    terminal.expect("It is rigged");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
#[cfg(unix)]
fn a_link_is_what_it_leads_to_and_one_to_nothing_is_said_to_be_one() {
    use std::os::unix::fs::symlink;
    let env = TestEnv::new();
    env.write("docs/tides.md", "The tide turns at noon.\n");
    env.write("docs/tidal.md", "Tidal streams are strong.\n");
    symlink("docs/tides.md", env.path("tidal.md")).expect("a link");
    symlink("gone.md", env.path("tide.md")).expect("a link");
    env.run(&["ingest", "docs"]).expect(0);
    let shown = env.run(&["show", "tidal.md"]).expect(0);
    assert!(shown.stdout.contains("The tide turns at noon."), "{shown}");
    let explained = env.run(&["explain", "tide", "--expect", "tidal.md"]).expect(0);
    assert!(explained.stdout.contains("docs/tides.md is in passage"), "{explained}");
    let said = "a link to gone.md, which does not exist";
    let shown = env.run(&["show", "tide.md"]);
    assert!(shown.stderr.contains(said) && !shown.stderr.contains("did you mean"), "{shown}");
    let explained = env.run(&["explain", "tide", "--expect", "tide.md"]);
    assert!(explained.stdout.contains(said), "{explained}");
    assert!(!explained.stdout.contains("did you mean"), "{explained}");
    let named = env.run(&["ingest", "tide.md"]).expect(2);
    assert!(named.stderr.contains("tide.md: a broken link to gone.md"), "{named}");
}
