//! `docent search`, end to end on the embedded store.

use crate::assert_run;
use crate::env::TestEnv;

fn ingested() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/tides.md", "# Tides\n\n## Spring\n\nA spring tide comes with the full moon.\n");
    env.write("docs/boats.txt", "A dinghy is a small boat.\nA ketch has two masts.\n");
    env.write(
        "src/moor.py",
        "def moor(boat):\n    \"\"\"Tie the boat to the quay.\"\"\"\n    return boat.tie()\n",
    );
    env.run(&["ingest", "docs", "--tag", "team=sea", "--tag", "public"]).expect(0);
    env.run(&["ingest", "src"]).expect(0);
    env
}

fn found(env: &TestEnv, args: &[&str]) -> Vec<String> {
    let mut all = vec!["search", "boat", "--format", "json"];
    all.extend(args);
    let json = env.run(&all).json();
    let hits = json["hits"].as_array().expect("hits").clone();
    let mut sources: Vec<String> =
        hits.iter().map(|hit| hit["source"].as_str().expect("a source").to_owned()).collect();
    sources.sort();
    sources
}

#[test]
fn text() {
    assert_run!(ingested().run(&["search", "which boat has two masts", "-k", "2"]).expect(0), @r#"
    $ docent search which boat has two masts -k 2
    exit 0
    --- stdout
    1. docs/boats.txt:L1-L2  1.000
       A dinghy is a small boat.
       A ketch has two masts.

    2. src/moor.py:L1-L3  0.289  def moor
       def moor(boat):
           """Tie the boat to the quay."""
           return boat.tie()

    --- stderr
    "#);
}

#[test]
fn json() {
    assert_run!(
        ingested().run(&["search", "spring tide", "-k", "1", "--format", "json"]).expect(0)
    );
}

#[test]
fn filters_go_into_the_search() {
    let env = ingested();
    let all = ["docs/boats.txt", "docs/tides.md", "src/moor.py"];
    for (args, expected) in [
        (&[][..], &all[..]),
        (&["--kind", "code"], &["src/moor.py"]),
        (&["--kind", "text", "--kind", "markdown"], &["docs/boats.txt", "docs/tides.md"]),
        (&["--source", "docs/*"], &["docs/boats.txt", "docs/tides.md"]),
        (&["--source", "*.py", "--source", "**/boats.*"], &["docs/boats.txt", "src/moor.py"]),
        (&["--tag", "public"], &["docs/boats.txt", "docs/tides.md"]),
        (&["--tag", "public", "--kind", "text"], &["docs/boats.txt"]),
        (&["--tag", "absent"], &[]),
        (&["--source", "nowhere/*"], &[]),
        (&["--mode", "sparse"], &["docs/boats.txt", "src/moor.py"]),
        (&["--mode", "dense", "-k", "3"], &all),
        (&["--mode", "sparse", "--min-score", "99"], &[]),
    ] {
        assert_eq!(found(&env, args), expected, "{args:?}");
    }
}

#[test]
fn nothing_found_is_negative_and_keeps_its_shape() {
    let env = ingested();
    assert_run!(env.run(&["search", "zymurgy", "--mode", "sparse", "--format", "json"]).expect(1), @r#"
    $ docent search zymurgy --mode sparse --format json
    exit 1
    --- stdout
    {
      "schema_version": 1,
      "question": "zymurgy",
      "queries": [
        "zymurgy"
      ],
      "hypothetical": null,
      "mode": "sparse",
      "hits": [],
      "elapsed_ms": [TIME]
    }
    --- stderr
    {"schema_version":1,"note":"nothing was found; `docent status --documents` lists what is stored"}
    "#);
}

#[test]
fn the_question_may_come_from_standard_input() {
    let env = ingested();
    let run = env.run_with_input(&["search", "--format", "json"], "two masts\n").expect(0);
    assert_eq!(run.json()["question"], "two masts");
}

#[test]
fn wrong_kind_and_mode_say_what_would_be_right() {
    let env = ingested();
    assert_run!(env.run(&["search", "x", "--kind", "movie"]).expect(2), @r"
    $ docent search x --kind movie
    exit 2
    --- stdout
    --- stderr
    error: `movie` is not a kind of document
    hint: use one of markdown, text, rst, asciidoc, html, pdf, docx, pptx, odt, odp, rtf, spreadsheet, csv, json, notebook, epub, email, code, image, xml, subtitles, calendar, contacts
    ");
    assert!(
        env.run(&["search", "x", "--mode", "psychic"])
            .expect(2)
            .stderr
            .contains("hybrid, dense or sparse")
    );
}

#[test]
fn no_collection_yet() {
    assert_run!(TestEnv::new().run(&["search", "anything"]).expect(3), @r"
    $ docent search anything
    exit 3
    --- stdout
    --- stderr
    error: there is no collection `docent` in [PROJECT]/.docent/collections/docent
    hint: create it: docent ingest PATH
    ");
}

#[test]
fn another_embedder_is_refused_before_it_is_asked() {
    assert_run!(ingested().run(&["search", "boat", "--embedder", "openai:other"]).expect(3), @r"
    $ docent search boat --embedder openai:other
    exit 3
    --- stdout
    --- stderr
    error: collection `docent` was built with the embedder `builtin`, and the embedder is `openai:other`
    hint: use --embedder builtin, or rebuild it: docent ingest --rebuild --embedder openai:other
    ");
}

#[test]
fn documents_cannot_drive_the_terminal() {
    let env = TestEnv::new();
    env.write("docs/evil.md", "# Evil\n\nboat \u{1b}[2J\u{1b}]52;c;aGk=\u{7} gone \u{202e}txet\n");
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["search", "boat", "--color", "always"]).expect(0);
    assert!(!run.stdout.contains("\u{1b}[2J") && !run.stdout.contains("]52"), "{:?}", run.stdout);
    assert!(!run.stdout.contains('\u{202e}'));
    let exact = env.run(&["search", "boat", "--format", "json"]).expect(0).json();
    assert!(exact["hits"][0]["text"].as_str().expect("text").contains("\u{1b}[2J"));
}

#[test]
fn a_reader_that_leaves_is_success() {
    let env = ingested();
    let mut child = env.command(&["search", "boat"]).spawn().expect("docent starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("docent ends");
    let run = env.outcome(&["search", "boat"], output);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run}");
}

#[test]
fn scripts_without_spaces_are_searched_whatever_the_language() {
    let env = TestEnv::new();
    env.write("docs/备份.md", "# 备份\n\n账本备份保留四百天，恢复需要两名操作员批准。\n");
    env.write("docs/フェリー.md", "# フェリー\n\n渡し船は九時に出ます。自転車も載せられます。\n");
    env.write("docs/ferry.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.run(&["ingest", "docs"]).expect(0);
    for (question, source) in
        [("备份保留多久？", "docs/备份.md"), ("自転車は載せられますか", "docs/フェリー.md")]
    {
        for mode in ["hybrid", "sparse"] {
            let found = env.run(&["search", question, "--mode", mode, "--format", "json"]);
            let found = found.expect(0).json();
            assert_eq!(found["hits"][0]["source"], source, "{mode}: {found:#}");
        }
    }
}

#[test]
fn a_collection_has_the_words_of_one_language() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Sicherungen\n\nDie Sicherungen werden zehn Jahre aufbewahrt.\n");
    env.write("docs/b.md", "# Fähre\n\nDie Fähre legt um neun Uhr ab.\n");
    env.run(&["ingest", "docs", "--language", "German"]).expect(0);
    let run = env.run(&["search", "--mode", "sparse", "wie lange eine Sicherung"]).expect(0);
    assert!(run.stdout.contains("docs/a.md") && !run.stdout.contains("docs/b.md"), "{run}");
    let found = env.run(&["search", "Sicherung", "--format", "json"]).expect(0).json();
    assert!(found["hits"][0]["late"]["score"].is_number(), "read in any language\n{found:#}");
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["ingest", "docs", "--language", "french"]).expect(3);
    assert!(run.stderr.contains("was built with the words of german, not of french"), "{run}");
    assert!(run.stderr.contains("--rebuild --language french"), "{run}");
    env.run(&["ingest", "docs", "--rebuild"]).expect(0);
    let language = |env: &TestEnv| {
        let status = env.run(&["status", "--format", "json"]).json();
        status["manifest"]["sparse"]["language"].clone()
    };
    assert_eq!(language(&env), "german", "a rebuild keeps to it");
    env.run(&["ingest", "docs", "--rebuild", "--language", "french"]).expect(0);
    assert_eq!(language(&env), "french");
    let run = env.run(&["ingest", "docs", "--language", "klingon"]).expect(2);
    assert!(run.stderr.contains("is not one of arabic"), "{run}");
}
