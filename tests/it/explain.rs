//! `docent explain`: why passages were found, and why a document was not.

use std::fs;

use serde_json::{Value, json};

use crate::assert_run;
use crate::env::TestEnv;

const QUESTION: &str = "How are the masts of a ketch rigged?";

/// Documents about boats, and about many other things.
fn harbour() -> TestEnv {
    let env = TestEnv::new();
    env.write("docs/ketch.md", "# Ketch\n\nA ketch has two masts, rigged fore and aft.\n");
    env.write("docs/yawl.md", "# Yawl\n\nA yawl is rigged like a ketch, with a smaller mizzen.\n");
    env.write("docs/bread.txt", "Flour, water and salt make a dough.\n");
    env.write(".gitignore", "build/\n");
    env.write("build/notes.md", "# Notes\n\nA ketch.\n");
    env.write("docs/bad.docx", b"PK\x03\x04 and then nothing");
    env.write("docs/blob", b"\0\x01\x02");
    env.write("other/sloop.md", "# Sloop\n\nA sloop has one mast.\n");
    env.run(&["ingest", "docs", "--tag", "sea"]).expect(5);
    env
}

fn explain(env: &TestEnv, args: &[&str]) -> crate::env::Run {
    env.run(&[&["explain", QUESTION][..], args].concat())
}

/// What `explain` says about `source`.
#[track_caller]
fn expected(env: &TestEnv, source: &str, args: &[&str]) -> Value {
    let run = explain(env, &[&["--expect", source, "--format", "json"][..], args].concat());
    let json = run.json();
    let found = json["expected"]["verdict"] == "found";
    assert_eq!(run.code, Some(i32::from(!found)), "{run}");
    json["expected"].clone()
}

#[test]
fn without_expectation() {
    assert_run!(explain(&harbour(), &[]).expect(0), @r"
    $ docent explain How are the masts of a ketch rigged?
    exit 0
    --- stdout
    3 passages of 3 hits (hybrid, -k 8), 523 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  passage 2  docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  passage 3  docs/bread.txt:L1
    --- stderr
    ");
}

#[test]
fn found() {
    let env = harbour();
    assert_run!(explain(&env, &["--expect", "docs/ketch.md:L3", "-k", "2"]).expect(0), @r"
    $ docent explain How are the masts of a ketch rigged? --expect docs/ketch.md:L3 -k 2
    exit 0
    --- stdout
    2 passages of 3 hits (hybrid, -k 2), 468 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  passage 2  docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/ketch.md:L3 is in passage 1
      best chunk  docs/ketch.md:L1-L3  Ketch
      dense       rank 1, cosine 0.834
      sparse      rank 1, BM25 2.240
      overall     rank 1, score 1.000
      has         masts, ketch, rigged
      lacks       none
    --- stderr
    ");
    env.write("docs/ketch.md", "# Ketch\n\nWhat a ketch has is two masts.\n");
    assert_run!(explain(&env, &["--expect", "docs/ketch.md", "-k", "2"]).expect(0), @r"
    $ docent explain How are the masts of a ketch rigged? --expect docs/ketch.md -k 2
    exit 0
    --- stdout
    2 passages of 3 hits (hybrid, -k 2), 468 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  passage 2  docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/ketch.md is in passage 1
      best chunk  docs/ketch.md:L1-L3  Ketch
      dense       rank 1, cosine 0.834
      sparse      rank 1, BM25 2.240
      overall     rank 1, score 1.000
      has         masts, ketch, rigged
      lacks       none
    --- stderr
    note: its file has changed since it was ingested; to update it: docent ingest
    ");
}

#[test]
fn not_ingested() {
    let env = harbour();
    assert_run!(explain(&env, &["-k", "1", "--expect", "docs/zymurgy.md"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 1 --expect docs/zymurgy.md
    exit 1
    --- stdout
    1 passage of 3 hits (hybrid, -k 1), 385 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  past -k    docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/zymurgy.md is not in the collection: there is no such file
    try: docent status --documents lists what is stored
    --- stderr
    ");
    assert_run!(explain(&env, &["-k", "1", "--expect", "docs/yawls.md"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 1 --expect docs/yawls.md
    exit 1
    --- stdout
    1 passage of 3 hits (hybrid, -k 1), 385 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  past -k    docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/yawls.md is not in the collection: there is no such file
    try: did you mean docs/yawl.md?
    --- stderr
    ");
    env.run(&["ingest", ".", "--exclude", "other"]).expect(5);
    assert_run!(explain(&env, &["-k", "1", "--expect", "build/notes.md"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 1 --expect build/notes.md
    exit 1
    --- stdout
    1 passage of 3 hits (hybrid, -k 1), 385 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  past -k    docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    build/notes.md is not in the collection: build is ignored by a .gitignore or .docentignore
    try: name it to ingest it all the same: docent ingest build/notes.md
    --- stderr
    ");
}

#[test]
fn a_file_that_was_deleted_since_is_said_to_be_so() {
    let env = harbour();
    std::fs::remove_file(env.path("docs/ketch.md")).expect("a removal");
    let run = explain(&env, &["--expect", "docs/ketch.md"]).expect(0);
    assert!(run.stderr.contains("its file was deleted since it was ingested"), "{run}");
}

#[test]
fn every_way_not_to_be_ingested() {
    let env = harbour();
    env.write("docs/late.md", "# Late\n\nThis one is new.\n");
    env.write("docs/.hidden.md", "# Hidden\n\nThis one is hidden.\n");
    env.write("docs/.env", "A=b\n");
    env.write("docs/large.txt", "x".repeat(3000));
    let size = env.write("docent.toml", "[ingest]\nmax_file_size = \"2KB\"\n");
    assert!(size.exists());
    env.run(&["config", "trust"]).expect(0);
    let made = std::process::Command::new("mkfifo").arg(env.path("docs/pipe.md")).status();
    assert!(made.expect("mkfifo runs").success());
    let lists = "docent status --documents lists what is stored";
    for (source, said, hint) in [
        ("docs", "it is a directory, not a file", json!(lists)),
        ("docs/pipe.md", "it is a pipe, socket or device, not a file", json!(lists)),
        ("docs/late.md", "the last run did not see it", json!("docent ingest")),
        (
            "other/sloop.md",
            "not in a directory that was ingested",
            json!("docent ingest other/sloop.md"),
        ),
        ("docs/blob", "(binary)", Value::Null),
        ("docs/large.txt", "over the limit of 2 KB", json!("correct that, then run docent ingest")),
        ("https://example.org/a", "no run has reached that page", Value::Null),
    ] {
        let expected = expected(&env, source, &[]);
        assert_eq!(expected["verdict"], "not_ingested", "{expected:#}");
        let message = expected["message"].as_str().expect("a message");
        assert!(message.contains(said), "{message}");
        if !hint.is_null() {
            assert_eq!(expected["hint"], hint);
        }
    }
    for (source, reason) in [("docs/.hidden.md", "(hidden)"), ("docs/.env", "hidden")] {
        let expected = expected(&env, source, &[]);
        assert!(expected["message"].as_str().is_some_and(|it| it.contains(reason)), "{expected:#}");
        assert!(expected["hint"].as_str().is_some_and(|it| it.contains(source)), "{expected:#}");
    }
}

/// The expected document may be named as it is stored, or by a path from here.
#[test]
fn names_are_sources_or_paths() {
    let env = harbour();
    let mut command = env.command(&["explain", QUESTION, "--expect", "./yawl.md", "--quiet"]);
    let output = command.current_dir(env.path("docs")).output().expect("docent runs");
    let run = env.outcome(&["explain"], output).expect(0);
    assert!(run.stdout.contains("docs/yawl.md is in passage"), "{run}");
}

#[test]
fn failed() {
    assert_run!(explain(&harbour(), &["-k", "1", "--expect", "docs/bad.docx"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 1 --expect docs/bad.docx
    exit 1
    --- stdout
    1 passage of 3 hits (hybrid, -k 1), 385 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  past -k    docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/bad.docx could not be ingested: damaged or truncated: the list of its parts is missing: copy or download it again
    try: correct the file, or try again with docent ingest --retry-failed
    --- stderr
    ");
}

#[test]
fn stale() {
    let env = harbour();
    env.write("docs/bread.txt", "A ketch is not a bread, but its masts are rigged.\n");
    assert_run!(explain(&env, &["-k", "1", "--expect", "docs/bread.txt"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 1 --expect docs/bread.txt
    exit 1
    --- stdout
    1 passage of 3 hits (hybrid, -k 1), 385 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  2.240    0.152     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.427      2   0.324       2  0.888              2   0.546  past -k    docs/yawl.md:L1-L3
       3  0.000      3   0.037       -                     3   0.095  past -k    docs/bread.txt:L1

    docs/bread.txt has changed since it was ingested: its former text was searched
      best chunk  docs/bread.txt:L1
      dense       rank 3, cosine 0.037; the passages have 0.834 or more
      sparse      it has no word of the question
      overall     rank 3, score 0.000
      has         none
      lacks       masts, ketch, rigged
    try: docent ingest brings the collection up to date
    --- stderr
    ");
    fs::remove_file(env.path("docs/bread.txt")).expect("a removal");
    let gone = expected(&env, "docs/bread.txt", &["-k", "1"]);
    assert_eq!(gone["verdict"], "stale", "{gone:#}");
    assert!(
        gone["message"].as_str().is_some_and(|it| it.contains("was deleted since")),
        "{gone:#}"
    );
}

#[test]
fn filtered() {
    let env = harbour();
    let filters = ["--kind", "text", "--tag", "land", "--source", "docs/b*"];
    let run = explain(&env, &[&filters[..], &["--expect", "docs/ketch.md"]].concat());
    assert_run!(run.expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? --kind text --tag land --source docs/b* --expect docs/ketch.md
    exit 1
    --- stdout
    0 passages of 0 hits (hybrid, -k 8), 308 of 4,000 tokens

    docs/ketch.md is filtered out: no --source matches it; its kind is markdown (--kind); its tags are sea (--tag)
    try: ask the question without --source, --kind, --tag
    --- stderr
    note: nothing was found; `docent status --documents` lists what is stored
    ");
    assert_eq!(expected(&env, "docs/ketch.md", &["--kind", "text"])["verdict"], "filtered");
}

#[test]
fn below_the_cut() {
    let env = harbour();
    // No two have the same length, since the engine decides the order of equal scores.
    for n in 0..40 {
        let sails = "sail ".repeat(n);
        let text = format!("# Ship {n}\n\nShip {n}: a ketch, its masts rigged, {sails}\n");
        env.write(&format!("fleet/{n}.md"), text);
    }
    env.run(&["ingest", "fleet"]).expect(0);
    assert_run!(explain(&env, &["-k", "2", "--expect", "docs/bread.txt"]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? -k 2 --expect docs/bread.txt
    exit 1
    --- stdout
    2 passages of 8 hits (hybrid, -k 2), 463 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed     hit
       1  1.000      1   0.834       1  0.152    0.011     1   1.000  passage 1  docs/ketch.md:L1-L3
       2  0.824      2   0.558       2  0.114              1   1.000  passage 2  fleet/0.md:L1-L3
       3  0.799      3   0.524       3  0.109              1   1.000  past -k    fleet/1.md:L1-L3
       4  0.772      4   0.476       4  0.104              1   1.000  past -k    fleet/2.md:L1-L3
       5  0.750      5   0.439       5  0.099              1   1.000  past -k    fleet/3.md:L1-L3
    ... 3 more hits past -k, score 0.725 and less

    docs/bread.txt ranks too low: its rank is 43, but only the first 8 are considered; it has no word of the question
      best chunk  docs/bread.txt:L1
      dense       rank 43, cosine 0.037; the passages have 0.558 or more
      sparse      it has no word of the question
      overall     rank 43, score 0.000
      has         none
      lacks       masts, ketch, rigged
    try: use the words of the document in the question, or let a chat model find them with --expand 3
    --- stderr
    ");
    let rank = |mode: &str, leg: &str| {
        let expected = expected(&env, "docs/bread.txt", &["-k", "2", "--mode", mode]);
        assert_eq!(expected["verdict"], "below_cut", "{expected:#}");
        expected["best"][leg].clone()
    };
    assert_eq!(rank("hybrid", "overall")["rank"], 43);
    assert_eq!(rank("dense", "dense")["rank"], 43);
    assert_eq!(rank("sparse", "sparse"), Value::Null);
}

/// Its rank is found even below the candidates of a retrieval.
#[test]
fn a_hit_of_one_leg_stands_somewhere_in_the_other() {
    let env = TestEnv::new();
    for n in 0..120 {
        env.write(&format!("docs/{n}.md"), format!("The ferry leaves the harbour at {n}.\n"));
    }
    env.write("docs/fish.md", "KR-4711: cod, ling, tusk and haddock of the deep sea.\n");
    env.run(&["ingest", "docs"]).expect(0);
    let question = "When does the ferry leave the harbour, KR-4711";
    let args = ["explain", question, "--expect", "docs/fish.md", "--format", "json"];
    let best = &env.run(&args).expect(0).json()["expected"]["best"];
    assert_eq!(best["sparse"]["rank"], 1, "{best:#}");
    assert!(best["dense"]["rank"].as_u64() > Some(100), "{best:#}");
}

/// A stored chunk without a vector and without a word of the question is not ranked at all.
#[test]
fn stored_and_nothing_to_find_it_by() {
    let env = harbour();
    env.write("docs/cherokee.txt", "ᎣᏏᏲ ᏙᎯᏧ ᎤᏩᏌ\n");
    env.run(&["ingest", "docs"]).expect(5);
    for expect in ["docs/cherokee.txt", "docs/cherokee.txt:L1"] {
        assert_run!(explain(&env, &["-k", "1", "--expect", expect]).expect(1));
    }
    let elsewhere = expected(&env, "docs/cherokee.txt:L9", &["-k", "1"]);
    assert_eq!(elsewhere["verdict"], "no_such_place", "{elsewhere:#}");
}

#[test]
fn no_such_place() {
    let env = harbour();
    for place in ["docs/ketch.md:L99", "docs/ketch.md#page=1"] {
        let expected = expected(&env, place, &["-k", "1"]);
        assert_eq!(expected["verdict"], "no_such_place", "{expected:#}");
    }
}

/// Dense or sparse retrieval alone would have found it.
#[test]
fn another_mode_is_advised_where_it_helps() {
    let mut env = harbour();
    // These would find it.
    env.set("DOCENT_SEARCH_LATE_WEIGHT", "0");
    env.set("DOCENT_SEARCH_SPARSE_WEIGHT", "0.3");
    let text = "Mizzen. ".repeat(100);
    env.write("docs/rigging.txt", format!("{text} E4711 {text}\n"));
    for n in 0..40 {
        let text = format!("# Fault {n}\n\nWhat an error means: fault {n} of the engine.\n");
        env.write(&format!("faults/{n}.md"), text);
    }
    env.run(&["ingest", "docs", "faults"]).expect(5);
    let question = ["explain", "What does the engine error fault mean, E4711?", "-k", "1"];
    let expect = ["--expect", "docs/rigging.txt", "--format", "json"];
    let run = env.run(&[&question[..], &expect].concat());
    let json = run.expect(1).json();
    assert_eq!(json["expected"]["best"]["words_present"], json!(["E4711"]));
    let hint = json["expected"]["hint"].as_str().expect("a hint");
    assert!(hint.starts_with("--mode sparse ranks it 1"), "{hint}");
}

#[test]
fn below_the_floor() {
    let env = harbour();
    let low = expected(&env, "docs/bread.txt", &["--min-score", "0.5"]);
    assert_eq!(low["verdict"], "below_floor", "{low:#}");
    assert!(low["hint"].as_str().is_some_and(|hint| hint.starts_with("--min-score 0")), "{low:#}");
}

#[test]
fn crowded_out_by_other_passages_of_its_source() {
    let env = harbour();
    // No two have the same length, since the engine decides the order of equal scores.
    let section = |(wood, length): (&str, usize)| {
        let care = format!("Its {wood} is planed, oiled, left to dry in the shed. ").repeat(length);
        format!("## {wood}\n\nThe masts of this ketch are {wood}, and rigged.\n\n{care}\n\n")
    };
    let sections =
        [("Oak", 8), ("Teak", 9), ("Larch", 10), ("Cedar", 11), ("Spruce", 12)].map(section);
    env.write("docs/manual.md", format!("# Manual\n\n{}", sections.concat()));
    env.run(&["ingest", "docs"]).expect(5);
    let json = explain(&env, &["--format", "json"]).expect(0).json();
    let hits = json["hits"].as_array().expect("hits");
    let capped =
        hits.iter().find(|hit| hit["dropped"] == "source_cap").expect("one that is capped");
    let citation = capped["citation"].as_str().expect("a citation");
    assert_run!(explain(&env, &["--expect", citation]).expect(1), @r"
    $ docent explain How are the masts of a ketch rigged? --expect docs/manual.md:L27-L31
    exit 1
    --- stdout
    7 passages of 8 hits (hybrid, -k 8), 1,578 of 4,000 tokens
    rank  score  dense  cosine  sparse   bm25  of name  late  tokens  packed      hit
       1  1.000      1   0.834       1  0.817    0.059     1   1.000  passage 1   docs/ketch.md:L1-L3
       2  0.512      4   0.200       3  0.179              1   1.000  passage 2   docs/manual.md:L1-L7
       3  0.506      3   0.221       5  0.153              1   1.000  passage 3   docs/manual.md:L15-L19
       4  0.503      6   0.187       4  0.166              1   1.000  passage 4   docs/manual.md:L9-L13
       5  0.492      5   0.189       6  0.142              1   1.000  passage 5   docs/manual.md:L21-L25
       6  0.480      7   0.163       7  0.133              1   1.000  source cap  docs/manual.md:L27-L31
       7  0.450      2   0.324       2  0.345              7   0.579  passage 6   docs/yawl.md:L1-L3
       8  0.000      8   0.037       -                     8   0.098  passage 7   docs/bread.txt:L1

    docs/manual.md:L27-L31 was found, but crowded out: its source already has the most passages that one may have: passages 2, 3, 4 and 5
      best chunk  docs/manual.md:L27-L31  Manual > Spruce
      dense       rank 7, cosine 0.163
      sparse      rank 7, BM25 0.133
      overall     rank 6, score 0.480
      has         masts, ketch, rigged
      lacks       none
    try: ask only that document: --source docs/manual.md
    --- stderr
    ");
}

#[test]
fn crowded_out_by_a_copy_and_by_better_ones() {
    let env = harbour();
    env.write("docs/copy.md", "# Ketch\n\nA ketch has two masts, rigged fore and aft.\n");
    env.run(&["ingest", "docs"]).expect(5);
    let copy = ["docs/ketch.md", "docs/copy.md"].map(|source| expected(&env, source, &[]));
    let verdicts = [&copy[0]["verdict"], &copy[1]["verdict"]];
    assert_eq!(verdicts, [&json!("found"), &json!("crowded_out")], "{copy:#?}");
    assert_eq!((&copy[1]["dropped"], &copy[1]["passages"]), (&json!("duplicate"), &json!([1])));
    let limit = expected(&env, "docs/bread.txt", &["-k", "1"]);
    assert_eq!(limit["dropped"], "limit", "{limit:#}");
    let budget = expected(&env, "docs/bread.txt", &["--context-tokens", "40"]);
    assert_eq!((&budget["dropped"], &budget["passages"]), (&json!("budget"), &json!([])));
}

#[test]
fn json_lines_end_with_what_was_expected() {
    let env = harbour();
    let lines = explain(&env, &["--expect", "docs/yawl.md", "--format", "jsonl"]).expect(0).jsonl();
    let events: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["hit", "hit", "hit", "expected"]);
    assert_eq!(lines[0]["passage"], 1);
}

#[test]
fn wrong_usage_and_no_collection() {
    let env = harbour();
    env.run(&["explain", ""]).expect(2);
    env.run(&["explain", QUESTION, "--kind", "movie"]).expect(2);
    TestEnv::new().run(&["explain", QUESTION, "--expect", "a.md"]).expect(3);
}
