//! What `query` does with a model that lies, refuses, cites nothing or is cut off: every check of
//! citations, end to end.

use serde_json::Value;

use crate::assert_run;
use crate::env::{Run, TestEnv};
use crate::openai::{Fault, ScriptedServer, event_stream};

const QUESTION: &str = "How long are ledger backups kept?";

/// Two documents, with passage 1 about backups and passage 2 about restoring, and a scripted model.
fn library() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write(
        "docs/backups.md",
        "# Backups\n\nLedger backups are kept for 400 days, in 1,204 files. The index of the audit is `kept[2]`.\n",
    );
    env.write(
        "docs/restore.md",
        "# Restore\n\nA restore needs the approval of two operators. It isn’t quick – ask first.\n",
    );
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

/// The model's answer, one character a delta.
fn say(server: &ScriptedServer, answer: &str) {
    let deltas: Vec<String> = answer.chars().map(String::from).collect();
    server.answer(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
}

/// `1+` verified, `1-` not, `!9` invalid; then the uncited sentences.
fn summary(answer: &Value) -> String {
    let list = |name: &str| answer[name].as_array().expect("a list").clone();
    let citations = list("citations").into_iter().map(|citation| {
        let sign = if citation["verified"] == true { '+' } else { '-' };
        format!("{}{sign}", citation["passage"])
    });
    let invalid = list("invalid_citations").into_iter().map(|number| format!("!{number}"));
    let uncited = list("uncited_sentences").into_iter().map(|sentence| format!("({sentence})"));
    citations.chain(invalid).chain(uncited).collect::<Vec<_>>().join(" ").replace('"', "")
}

#[test]
fn lies_are_caught_and_what_only_looks_like_a_citation_is_left_alone() {
    let (env, server) = library();
    for (answer, expected) in [
        ("They are kept for 400 days [1].", "1+"),
        // Invented numbers.
        ("They are kept for 900 days [1].", "1-"),
        ("They are kept for nine hundred days [1].", "1-"),
        ("They are kept for four hundred days [1], in 1\u{202f}204 files [1].", "1+"),
        ("A restore needs 2 operators [2].", "2+"),
        ("A restore needs three operators [2].", "2-"),
        // Passages that do not exist.
        ("They are kept for 400 days [99].", "!99"),
        ("They are kept for 400 days [1][99].", "1+ !99"),
        // Misquoted, and rightly quoted from the wrong passage.
        ("It says \"kept for all 400 days\" [1].", "1-"),
        ("It says “KEPT   for 400 days” [1].", "1+"),
        ("It says ‘it isn't quick - ask first’ [2].", "2+"),
        ("It says \"kept for 400 days\" [2].", "2-"),
        ("It says \"kept for ever and ever [1]\".", "1-"),
        // Forms of marks.
        ("They are kept for 400 days [[1]].", "1+"),
        ("They are kept for 400 days, and two approve [1, 2].", "1+ 2+"),
        ("They are kept for 400 days [1-2].", "1+ 2+"),
        ("They are kept for 400 days [^1].", "1+"),
        ("They are kept for 400 days [1](/x).", "(They are kept for 400 days [1](/x).)"),
        ("They are kept for 400 days \\[1].", "(They are kept for 400 days \\\\[1].)"),
        // Code.
        ("Its index is `kept[2]` [1].", "1+"),
        ("They are kept for 400 days [1]:\n\n```\nlet first = kept[2];\n```\n", "1+"),
        ("```\nkept[1]\n", "(kept[1])"),
        // What cites nothing.
        ("They are kept for 400 days [1]. Nobody knows why.", "1+ (Nobody knows why.)"),
    ] {
        say(&server, answer);
        let run = env.run(&["query", QUESTION, "--format", "json"]);
        let json = run.json();
        assert_eq!(summary(&json), expected, "{answer}\n{run}");
        assert_eq!(json["answer"], answer, "JSON has it exactly");
        let cited = !json["citations"].as_array().expect("a list").is_empty();
        assert_eq!(json["no_answer"], !cited, "{run}");
        run.expect(i32::from(!cited));
    }
}

const LIES: &str = "Backups are kept for 900 days [1]. It says \"two operators may restore\" [2]. See also [99]. Everybody agrees on that.";

#[test]
fn a_liar_in_text() {
    let (env, server) = library();
    say(&server, LIES);
    assert_run!(env.run(&["query", QUESTION]).expect(0), @r#"
    $ docent query How long are ledger backups kept?
    exit 0
    --- stdout
    Backups are kept for 900 days [1]. It says "two operators may restore" [2]. See also [99]. Everybody agrees on that.
    --- stderr

    [1] docs/backups.md:L1-L3    Backups  (unsupported: numbers)
        “Ledger backups are kept for 400 days, in 1,204 files.”
    [2] docs/restore.md:L1-L3    Restore  (unsupported: quoted)
        “A restore needs the approval of two operators.”
    warning: the answer cites [99], which is not a passage
    warning: [1] does not support “Backups are kept for 900 days.”; numbers: 900 days (the passage says 400 days)
    warning: [2] does not support “It says "two operators may restore".”; quoted: two operators may restore
    warning: no passage is cited for: Everybody agrees on that.
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME], 11 tokens in, 116 out
    "#);
}

#[test]
fn a_liar_in_json() {
    let (env, server) = library();
    say(&server, LIES);
    assert_run!(env.run(&["query", QUESTION, "--format", "json"]).expect(0));
}

#[test]
fn a_liar_in_events() {
    let (env, server) = library();
    server.answer(&[&LIES[..33], &LIES[33..]]);
    assert_run!(env.run(&["query", QUESTION, "--format", "jsonl"]).expect(0), @r##"
    $ docent query How long are ledger backups kept? --format jsonl
    exit 0
    --- stdout
    {"schema_version":1,"event":"retrieved","hits":2,"passages":[{"passage":1,"source":"docs/backups.md","citation":"docs/backups.md:L1-L3","title":"Backups","headings":["Backups"],"text":"# Backups\n\nLedger backups are kept for 400 days, in 1,204 files. The index of the audit is `kept[2]`.","score":1.0,"document_hash":"d194a7aa618469c033d11200ece64c4e2f58ba1bf4137feb6bcbadc773b3af42","lines":[1,3]},{"passage":2,"source":"docs/restore.md","citation":"docs/restore.md:L1-L3","title":"Restore","headings":["Restore"],"text":"# Restore\n\nA restore needs the approval of two operators. It isn’t quick – ask first.","score":0.0,"document_hash":"b24db376bad47bf7351de1e176a38aaa03e4ca48c86fd5e9325895adec0bb96a","lines":[1,3]}]}
    {"schema_version":1,"event":"delta","text":"Backups are kept for 900 days "}
    {"schema_version":1,"event":"delta","text":"[1]","mark":1}
    {"schema_version":1,"event":"delta","text":". It says \"two operators may restore\" "}
    {"schema_version":1,"event":"delta","text":"[2]","mark":2}
    {"schema_version":1,"event":"delta","text":". See also "}
    {"schema_version":1,"event":"delta","text":"[99]","mark":99}
    {"schema_version":1,"event":"delta","text":". Everybody agrees on that."}
    {"schema_version":1,"event":"citation","passage":1,"source":"docs/backups.md","citation":"docs/backups.md:L1-L3","lines":[1,3],"quote":"Ledger backups are kept for 400 days, in 1,204 files.","verified":false,"checks":["numbers","words"],"unsupported":["900 days (the passage says 400 days)"]}
    {"schema_version":1,"event":"citation","passage":2,"source":"docs/restore.md","citation":"docs/restore.md:L1-L3","lines":[1,3],"quote":"A restore needs the approval of two operators.","verified":false,"checks":["quoted","numbers","words"],"unsupported":["two operators may restore"]}
    {"schema_version":1,"event":"warning","kind":"invalid_citation","message":"the answer cites [99], which is not a passage","passage":99,"sentence":null,"unsupported":[],"finding":null}
    {"schema_version":1,"event":"warning","kind":"unverified_citation","message":"[1] does not support “Backups are kept for 900 days.”; numbers: 900 days (the passage says 400 days)","passage":1,"sentence":"Backups are kept for 900 days.","unsupported":["900 days (the passage says 400 days)"],"finding":{"sentence":"Backups are kept for 900 days.","citations":[1],"check":"numbers","claimed":"900 days","instead":"400 days"}}
    {"schema_version":1,"event":"warning","kind":"unverified_citation","message":"[2] does not support “It says \"two operators may restore\".”; quoted: two operators may restore","passage":2,"sentence":"It says \"two operators may restore\".","unsupported":["two operators may restore"],"finding":{"sentence":"It says \"two operators may restore\".","citations":[2],"check":"quoted","claimed":"two operators may restore","instead":null}}
    {"schema_version":1,"event":"warning","kind":"uncited_sentence","message":"no passage is cited for: Everybody agrees on that.","passage":null,"sentence":"Everybody agrees on that.","unsupported":[],"finding":null}
    {"schema_version":1,"event":"done","answer_id":"[UUID]","question":"How long are ledger backups kept?","queries":["How long are ledger backups kept?"],"hypothetical":null,"answer":"Backups are kept for 900 days [1]. It says \"two operators may restore\" [2]. See also [99]. Everybody agrees on that.","thinking":null,"no_answer":false,"no_answer_reason":null,"model":"scripted-chat","citations":[{"passage":1,"source":"docs/backups.md","citation":"docs/backups.md:L1-L3","lines":[1,3],"quote":"Ledger backups are kept for 400 days, in 1,204 files.","verified":false,"checks":["numbers","words"],"unsupported":["900 days (the passage says 400 days)"]},{"passage":2,"source":"docs/restore.md","citation":"docs/restore.md:L1-L3","lines":[1,3],"quote":"A restore needs the approval of two operators.","verified":false,"checks":["quoted","numbers","words"],"unsupported":["two operators may restore"]}],"invalid_citations":[99],"uncited_sentences":["Everybody agrees on that."],"findings":[{"sentence":"Backups are kept for 900 days.","citations":[1],"check":"numbers","claimed":"900 days","instead":"400 days"},{"sentence":"It says \"two operators may restore\".","citations":[2],"check":"quoted","claimed":"two operators may restore","instead":null}],"verification":null,"passages":[{"passage":1,"source":"docs/backups.md","citation":"docs/backups.md:L1-L3","title":"Backups","headings":["Backups"],"text":"# Backups\n\nLedger backups are kept for 400 days, in 1,204 files. The index of the audit is `kept[2]`.","score":1.0,"document_hash":"d194a7aa618469c033d11200ece64c4e2f58ba1bf4137feb6bcbadc773b3af42","lines":[1,3]},{"passage":2,"source":"docs/restore.md","citation":"docs/restore.md:L1-L3","title":"Restore","headings":["Restore"],"text":"# Restore\n\nA restore needs the approval of two operators. It isn’t quick – ask first.","score":0.0,"document_hash":"b24db376bad47bf7351de1e176a38aaa03e4ca48c86fd5e9325895adec0bb96a","lines":[1,3]}],"nearest":[],"finish_reason":"stop","incomplete":false,"usage":{"prompt_tokens":11,"completion_tokens":2,"cached_tokens":null,"reasoning_tokens":null,"cost":null},"retrieved_ms": [TIME],"first_token_ms": [TIME],"elapsed_ms": [TIME]}
    --- stderr
    "##);
}

#[test]
fn required_citations() {
    let (env, server) = library();
    let ask = |answer: &str, format: &str| {
        say(&server, answer);
        env.run(&["query", QUESTION, "--require-citations", "--format", format])
    };
    ask("They are kept for 400 days [1].", "text").expect(0);
    for (answer, objection) in [
        ("They are kept for 900 days [1].", "does not support the claim: 1"),
        ("They are kept for 400 days [1][99].", "name no passage: 1"),
        ("They are kept for 400 days [1]. Nobody knows why.", "sentences without a citation: 1"),
    ] {
        let run = ask(answer, "text").expect(1);
        assert!(run.stderr.contains(objection), "{run}");
    }
    let run = ask("They are kept for 400 days.", "text").expect(1);
    assert!(run.stderr.contains("cites nothing"), "{run}");
    assert_run!(ask(LIES, "text").expect(1), @r#"
    $ docent query How long are ledger backups kept? --require-citations --format text
    exit 1
    --- stdout
    Backups are kept for 900 days [1]. It says "two operators may restore" [2]. See also [99]. Everybody agrees on that.
    --- stderr

    [1] docs/backups.md:L1-L3    Backups  (unsupported: numbers)
        “Ledger backups are kept for 400 days, in 1,204 files.”
    [2] docs/restore.md:L1-L3    Restore  (unsupported: quoted)
        “A restore needs the approval of two operators.”
    warning: the answer cites [99], which is not a passage
    warning: [1] does not support “Backups are kept for 900 days.”; numbers: 900 days (the passage says 400 days)
    warning: [2] does not support “It says "two operators may restore".”; quoted: two operators may restore
    warning: no passage is cited for: Everybody agrees on that.
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME], 11 tokens in, 116 out
    error: the answer is not fully supported by its citations, which --require-citations demands
      caused by: citations that name no passage: 1
      caused by: citations whose passage does not support the claim: 2
      caused by: sentences without a citation: 1
    "#);
    let run = ask(LIES, "json").expect(1);
    let error: Value = serde_json::from_str(&run.stderr).expect("JSON on stderr");
    assert_eq!(error["error"]["exit_code"], 1, "{run}");
    assert_eq!(run.json()["answer"], LIES);
}

#[test]
fn citations_can_be_required_by_a_setting() {
    let (mut env, server) = library();
    env.set("DOCENT_CHAT_REQUIRE_CITATIONS", "true");
    say(&server, "They are kept for 900 days [1].");
    env.run(&["query", QUESTION]).expect(1);
}

#[test]
fn a_refusal_shows_what_came_nearest_and_no_answer() {
    let (env, server) = library();
    for refusal in ["NO_ANSWER", "**NO_ANSWER**\n\nPassage [1] is about something else."] {
        say(&server, refusal);
        let run = env.run(&["query", QUESTION]).expect(1);
        assert_eq!(run.stdout, "");
        let json = env.run(&["query", QUESTION, "--format", "json"]).expect(1).json();
        assert_eq!((&json["no_answer"], &json["answer"]), (&true.into(), &"".into()));
        assert_eq!(json["no_answer_reason"], "refused");
        assert_eq!(json["nearest"][0]["citation"], "docs/backups.md:L1-L3");
        let events = env.run(&["query", QUESTION, "--format", "jsonl"]).expect(1).jsonl();
        assert!(events.iter().all(|event| event["event"] != "delta"), "{events:?}");
    }
    assert_run!(env.run(&["query", QUESTION]), @r"
    $ docent query How long are ledger backups kept?
    exit 1
    --- stdout
    --- stderr
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME], 11 tokens in, 51 out
    note: the documents do not answer this
      nearest: docs/backups.md:L1-L3    Backups
      nearest: docs/restore.md:L1-L3    Restore
    ");
}

#[test]
fn nothing_above_the_floor_shows_what_came_nearest() {
    let (env, server) = library();
    let args = ["query", QUESTION, "--mode", "dense", "--min-score", "0.99"];
    assert_run!(env.run(&args).expect(1), @r"
    $ docent query How long are ledger backups kept? --mode dense --min-score 0.99
    exit 1
    --- stdout
    --- stderr
    0 passages from 0 sources, retrieved in [TIME]
    note: nothing scores as high as 0.99 (--min-score)
      nearest: docs/backups.md:L1-L3    Backups
      nearest: docs/restore.md:L1-L3    Restore
    ");
    let json = env.run(&[&args[..], &["--format", "json"]].concat()).expect(1).json();
    assert_eq!(json["no_answer_reason"], "nothing_found");
    assert_eq!(json["passages"].as_array().map(Vec::len), Some(0));
    assert_eq!(json["nearest"][0]["source"], "docs/backups.md");
    assert_eq!(server.requests().len(), 0, "nothing is asked");
}

#[test]
fn an_answer_that_cites_nothing_does_not_count_as_one() {
    let (env, server) = library();
    say(&server, "They are kept for 400 days.");
    assert_run!(env.run(&["query", QUESTION]).expect(1), @r"
    $ docent query How long are ledger backups kept?
    exit 1
    --- stdout
    They are kept for 400 days.
    --- stderr
    warning: the model cites no passage: nothing ties this to the documents
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME], 11 tokens in, 27 out
    note: the answer cites nothing, so it does not count
      nearest: docs/backups.md:L1-L3    Backups
      nearest: docs/restore.md:L1-L3    Restore
    ");
    let json = env.run(&["query", QUESTION, "--format", "json"]).expect(1).json();
    assert_eq!(json["no_answer_reason"], "uncited");
    say(&server, "");
    let json = env.run(&["query", QUESTION, "--format", "json"]).expect(1).json();
    assert_eq!(json["no_answer_reason"], "empty");
}

/// The first words of an answer, and why it ends with them.
fn ending(finish: &str) -> Vec<u8> {
    let event = |content: &str, finish: &str| {
        format!(
            r#"{{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":{finish}}}]}}"#
        )
    };
    event_stream(&[&event("Kept for 400 days [1]", "null"), &event(" or", finish), "[DONE]"])
}

fn error_of(run: &Run) -> Value {
    let last = run.stderr.lines().last().expect("a line on stderr");
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

#[test]
fn an_endpoint_that_dies_in_mid_answer() {
    let (env, server) = library();
    say(&server, "Kept 400 days [1].");
    let ask = |format: &str| {
        server.push(Fault::CutAfter(8));
        env.run(&["query", QUESTION, "--format", format]).expect(4)
    };
    assert_run!(ask("text"), @r"
    $ docent query How long are ledger backups kept? --format text
    exit 4
    --- stdout
    Kept 40
    --- stderr
    warning: incomplete: the chat endpoint failed
    warning: no passage is cited for: Kept 40
    2 passages from 2 sources, retrieved in [TIME], first token after [TIME], done after [TIME]
    error: the chat endpoint failed
      caused by: http://127.0.0.1:[PORT]/v1: the answer was cut: the connection broke
    hint: `docent doctor` checks everything that is configured
    ");
    let run = ask("json");
    let json = run.json();
    assert_eq!((&json["answer"], &json["incomplete"]), (&"Kept 40".into(), &true.into()));
    assert_eq!((&json["no_answer"], &json["finish_reason"]), (&false.into(), &Value::Null));
    assert_eq!(error_of(&run)["error"]["exit_code"], 4);
    let run = ask("jsonl");
    let events = run.jsonl();
    let done = events.last().expect("an event");
    assert_eq!((&done["event"], &done["incomplete"]), (&"done".into(), &true.into()));
    assert!(events.iter().any(|e| e["event"] == "warning" && e["kind"] == "failed"), "{run}");
    assert_eq!(error_of(&run)["error"]["exit_code"], 4);
}

#[test]
fn an_answer_that_reached_a_limit_is_incomplete() {
    let (env, server) = library();
    for (finish, kind) in [("\"length\"", "length"), ("\"content_filter\"", "filtered")] {
        server.push(Fault::Answer(ending(finish)));
        let run = env.run(&["query", QUESTION, "--format", "jsonl"]).expect(0);
        let events = run.jsonl();
        assert_eq!(events.last().expect("an event")["incomplete"], true, "{run}");
        assert!(events.iter().any(|e| e["event"] == "warning" && e["kind"] == kind), "{run}");
        server.push(Fault::Answer(ending(finish)));
        let run = env.run(&["query", QUESTION]).expect(0);
        assert!(run.stderr.contains("warning: incomplete: "), "{run}");
    }
}
