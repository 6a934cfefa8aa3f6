//! An import that was cut off: the next import of the same file goes on with what it stored, and has
//! the same result as one that was not cut off.

use std::fs;

use serde_json::Value;

use crate::env::TestEnv;
use crate::portable::{EXPORT, FILE, IMPORT, REPLACE, on_server};
use crate::qdrant::{Script, ScriptedQdrant};

/// Sections of a document, of which several batches of chunks are made.
const SECTIONS: u64 = 2_400;

/// A machine with a file of a collection, and how many chunks that has.
fn machine(word: &str) -> (TestEnv, u64) {
    let env = TestEnv::new();
    let section = |number| format!("## {word} {number}\n\nThe {word} number {number} is late.\n\n");
    let text: String = (0..SECTIONS).map(section).collect();
    env.write("docs/ferries.md", text);
    env.run(&["ingest", "docs"]).expect(0);
    let exported = env.run(&[EXPORT, &["--format", "json"]].concat()).expect(0).json();
    fs::remove_dir_all(env.path(".docent")).expect("it goes");
    (env, exported["chunks"].as_u64().expect("a number"))
}

fn contents(server: &ScriptedQdrant, collection: &str) -> Vec<String> {
    server.script.memory.lock().expect("a memory").contents(collection)
}

fn import(env: &TestEnv, args: &[&str]) -> Value {
    env.run(&[args, &["--format", "json"]].concat()).expect(0).json()
}

/// Cuts a server off after this many requests of an import, and starts it again.
fn cut_off(env: &mut TestEnv, server: &ScriptedQdrant, args: &[&str], after: usize) {
    let script = &server.script;
    *script.gone_after.lock().expect("a number") = script.requests() + after;
    env.set("QDRANT_URL", &server.url());
    let run = env.run(args);
    // What is asked for at the end is done without, where it must be.
    assert!(matches!(run.code, Some(0 | 4)), "{run}");
    *script.gone_after.lock().expect("a number") = usize::MAX;
}

#[test]
fn cut_off_anywhere_it_goes_on_and_equals_a_clean_import() {
    let server = || ScriptedQdrant::start(Script::new("1.18.3", []));
    let clean = server();
    let (env, chunks) = machine("ferry");
    let mut env = on_server(env, &clean);
    env.set("DOCENT_COLLECTION", "ferries");
    for (args, before, version) in [(IMPORT, None, 1), (REPLACE, Some(IMPORT), 2)] {
        env.set("QDRANT_URL", &clean.url());
        let start = clean.script.requests();
        import(&env, args);
        let all = clean.script.requests() - start;
        let mut resumed = Vec::new();
        for after in (all / 4..all).step_by((all / 12).max(1)) {
            let server = server();
            if let Some(before) = before {
                env.set("QDRANT_URL", &server.url());
                import(&env, before);
            }
            cut_off(&mut env, &server, args, after);
            let list = env.run(&["index", "list", "--format", "json"]);
            let live = list.code.filter(|code| *code == 0).map(|_| list.json());
            let lives = |it: &Value| it["state"] == "live" && it["version"] == version;
            let live = live.as_ref().and_then(|it| it["versions"].as_array());
            // All but a word about it was done.
            if !live.is_some_and(|versions| versions.iter().any(lives)) {
                let again = import(&env, args);
                resumed.push(again["resumed"].as_u64().unwrap_or_default());
                assert_eq!(again["chunks"], chunks);
            }
            assert_eq!(
                contents(&server, "ferries"),
                contents(&clean, "ferries"),
                "{after} of {all}"
            );
            env.run(&["index", "verify"]).expect(0);
        }
        // The scripted server rounds vectors once more: what it has may count as otherwise.
        assert!(resumed.iter().any(|chunks| *chunks > 0), "{resumed:?}");
    }
}

/// While the collection is made, and later again.
#[test]
fn cut_off_twice_it_goes_on_all_the_same() {
    let (env, chunks) = machine("ferry");
    let clean = ScriptedQdrant::start(Script::new("1.18.3", []));
    let mut env = on_server(env, &clean);
    env.set("DOCENT_COLLECTION", "ferries");
    import(&env, IMPORT);
    let all = clean.script.requests();
    for first in 1..all / 3 {
        let server = ScriptedQdrant::start(Script::new("1.18.3", []));
        cut_off(&mut env, &server, IMPORT, first);
        cut_off(&mut env, &server, IMPORT, all / 2);
        assert_eq!(import(&env, REPLACE)["chunks"], chunks, "{first} of {all}");
        assert_eq!(contents(&server, "ferries"), contents(&clean, "ferries"), "{first} of {all}");
    }
}

#[test]
fn another_file_or_run_is_not_mixed_with_what_was_left() {
    let server = ScriptedQdrant::start(Script::new("1.18.3", []));
    let mut env = on_server(machine("ferry").0, &server);
    env.set("DOCENT_COLLECTION", "boats");
    let start = server.script.requests();
    import(&env, IMPORT);
    let all = server.script.requests() - start;
    let (other, _) = machine("tram");
    fs::copy(other.path(FILE), env.path("other.index")).expect("a copy");
    cut_off(&mut env, &server, REPLACE, all * 3 / 4);
    let unfinished = || {
        let list = env.run(&["index", "list", "--format", "json"]).expect(0).json();
        let versions = list["versions"].as_array().expect("versions");
        versions.iter().filter(|version| version["state"] == "unfinished").count()
    };
    assert_eq!(unfinished(), 1);
    let imported = import(&env, &["index", "import", "other.index", "--replace"]);
    assert_eq!(imported.get("resumed"), None);
    assert!(contents(&server, "boats").iter().all(|text| !text.contains("ferry")));
    assert_eq!(unfinished(), 0, "what was left is gone");
    env.run(&["index", "verify"]).expect(0);
}

#[test]
fn an_embedded_one_goes_on_with_what_was_durable() {
    let (env, chunks) = machine("ferry");
    let args = [IMPORT, &["--format", "json"]].concat();
    // Killed at moments that grow, until it is done before.
    for milliseconds in (0..).step_by(150) {
        let _ = fs::remove_dir_all(env.path(".docent"));
        let mut child = env.command(IMPORT).spawn().expect("docent starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let was_done = child.try_wait().expect("a child").is_some();
        child.kill().expect("a kill");
        child.wait().expect("an end");
        if was_done {
            break;
        }
        if env.run(&["index", "verify"]).code != Some(0) {
            let imported = env.run(&args).expect(0).json();
            assert_eq!(imported["chunks"], chunks);
        }
        env.run(&["index", "verify"]).expect(0);
        env.run(&["index", "export", "again.index"]).expect(0);
        let files = [FILE, "again.index"].map(|file| fs::read(env.path(file)).expect("a file"));
        assert!(files[0] == files[1], "killed after {milliseconds} ms");
    }
}
