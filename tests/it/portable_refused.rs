//! Exports and imports that are refused: see [`crate::portable`].

use std::fs;

use crate::env::TestEnv;
use crate::portable::{EXPORT, FILE, IMPORT, REPLACE, built, on_server};
use crate::qdrant::{Script, ScriptedQdrant};

/// What is wrong with a file, and the error for it.
fn damages(file: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut flipped = file.to_vec();
    flipped[file.len() / 2] ^= 0x10;
    let mut summed = file.to_vec();
    let last = summed.len() - 10;
    summed[last] = if summed[last] == b'0' { b'1' } else { b'0' };
    vec![
        (file[..file.len() / 2].to_vec(), "cut off"),
        (file[..file.len() - 1].to_vec(), "cut off"),
        (Vec::new(), "cut off"),
        (flipped, "can't be imported"),
        (summed, "checksum"),
        ([file, b"more"].concat(), "follows its end"),
        (b"# A document\n".to_vec(), "is not an index exported by docent"),
        ([b"docent-index 2\n", &file[15..]].concat(), "format 2"),
    ]
}

#[test]
fn what_is_not_as_it_was_exported_changes_nothing() {
    let ci = built();
    let file = fs::read(ci.path(FILE)).expect("a file");
    let (empty, filled) = (TestEnv::new(), TestEnv::new());
    filled.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    filled.run(&["ingest", "docs"]).expect(0);
    let stream = &["index", "import", "-", "--replace"];
    for (damaged, why) in damages(&file) {
        for env in [&empty, &filled] {
            env.write(FILE, &damaged);
            for run in [env.run(REPLACE), env.run_with_input(stream, &damaged)] {
                let run = run.expect(3);
                assert!(run.stderr.contains(why), "{why}: {run}");
                assert!(run.stderr.contains("nothing was changed"), "{run}");
                assert!(run.stderr.contains("hint: "), "{run}");
            }
        }
        assert!(!empty.path(".docent/collections").exists(), "{why}");
        assert!(filled.run(&["search", "ferry"]).expect(0).stdout.contains("nine"), "{why}");
    }
    let whole = filled.run(&["index", "verify"]).expect(0);
    assert!(whole.stdout.starts_with("docent@v1 is whole"), "{whole}");

    let missing = empty.run(&["index", "import", "no/such.index"]).expect(2);
    assert!(missing.stderr.contains("no/such.index"), "{missing}");
    let directory = empty.run(&["index", "import", "."]).expect(4);
    assert!(directory.stderr.contains("it is not a regular file"), "{directory}");
    let name = empty.run(&[IMPORT, &["--collection", "../docs"]].concat()).expect(2);
    assert!(name.stderr.contains("collection"), "{name}");
}

#[test]
fn what_cannot_be_exported_writes_nothing() {
    let env = TestEnv::new();
    let nothing = env.run(EXPORT).expect(3);
    assert!(nothing.stderr.contains("docent ingest"), "{nothing}");
    assert!(!env.path(FILE).exists());
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    for place in ["docs", "no/such/place.index"] {
        let refused = env.run(&["index", "export", place]).expect(4);
        assert!(refused.stderr.contains(place) && refused.stderr.contains("hint: "), "{refused}");
    }
    // A file that is there stays until the new one is whole, and then goes.
    env.write(FILE, "before");
    env.run(EXPORT).expect(0);
    let written = fs::read(env.path(FILE)).expect("a file");
    assert!(written.starts_with(b"docent-index 1\n"));
}

#[test]
fn a_run_that_was_cut_off_is_not_exported() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let env = on_server(TestEnv::new(), &server);
    let ingest = ["ingest", "docs", "--collection", "team"];
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&ingest).expect(0);
    env.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    server.script.memory.lock().expect("a memory").refuse_points("team@v1");
    env.run(&ingest).expect(4);
    let refused = env.run(&[EXPORT, &["--collection", "team"]].concat()).expect(1);
    assert!(refused.stderr.contains("was cut off"), "{refused}");
    assert!(!env.path(FILE).exists());
}

#[test]
fn what_is_imported_is_the_importers() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let project = |name: &str, of: TestEnv| {
        let mut env = on_server(of, &server);
        env.set("DOCENT_PROJECT", name).set("DOCENT_COLLECTION", "team");
        env
    };
    let (one, other) = (project("one", TestEnv::new()), project("other", TestEnv::new()));
    one.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    one.run(&["ingest", "docs"]).expect(0);
    one.run(EXPORT).expect(0);
    let file = fs::read(one.path(FILE)).expect("a file");
    other.write(FILE, &file);
    let contents = || server.script.memory.lock().expect("a memory").contents("team");
    let before = contents();
    for args in [IMPORT, REPLACE] {
        let refused = other.run(args).expect(3);
        assert!(refused.stderr.contains("hint: "), "{refused}");
    }
    let refused = other.run(REPLACE).expect(3);
    assert!(refused.stderr.contains("belongs to the project `one`"), "{refused}");
    assert_eq!(contents(), before);

    // Its own, under another name.
    let own = ["--collection", "own"];
    other.run(&[IMPORT, &own].concat()).expect(0);
    let status = other.run(&["status", "--documents", "--format", "json", "--collection", "own"]);
    let status = status.expect(0).json();
    assert_eq!(status["manifest"]["owner"]["project"], "other");
    assert_eq!(status["records"][0]["project"], "other");
    one.run(&[REPLACE, &own].concat()).expect(3);

    // A collection with documents of others stays.
    other.write("docs/train.md", "# Train\n\nThe train leaves at ten.\n");
    other.run(&["ingest", "docs", "--share"]).expect(0);
    let refused = one.run(REPLACE).expect(3);
    assert!(refused.stderr.contains("--replace would leave out their 1 document"), "{refused}");

    // A collection from before there were owners has to be adopted first.
    server.script.memory.lock().expect("a memory").forget_owner("own");
    let refused = other.run(&[REPLACE, &own].concat()).expect(3);
    assert!(refused.stderr.contains("docs/sharing.md"), "{refused}");
    other.run(&[&["index", "adopt"][..], &own].concat()).expect(0);
    other.run(&[REPLACE, &own].concat()).expect(0);
    let versions = || {
        let names = server.script.memory.lock().expect("a memory").names().into_iter();
        names.filter(|name| name.starts_with("own@v")).collect::<Vec<_>>()
    };
    // What it has replaced stays, as others do.
    assert_eq!(versions(), ["own@v1", "own@v2"]);
    other.run(&[&["index", "prune", "--keep", "0"][..], &own].concat()).expect(0);
    assert_eq!(versions(), ["own@v2"]);
}
