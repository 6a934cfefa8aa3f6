//! `docent query`, end to end: quoting, and against a scripted OpenAI-compatible server.

use crate::assert_run;
use crate::env::{TestEnv, interrupt};
use crate::openai::{Fault, ScriptedServer, capture, event_stream};

const QUESTION: &str = "How long are ledger backups kept?";

/// A project with one document, a scripted server, and the settings to use it for answers.
fn generating(deltas: &[&str]) -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write(
        "docs/backups.md",
        "# Backups\n\n## Retention\n\nLedger backups are kept for 400 days. Staging keeps 14.\n",
    );
    let server = ScriptedServer::start();
    server.answer(deltas);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_ATTEMPTS", "2");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

#[test]
fn one_command_from_files_to_a_cited_answer() {
    let env = TestEnv::with_samples();
    let question = "How long are ledger backups kept, and who may restore one?";
    assert_run!(env.run(&["query", "--from", "sample-docs", question]).expect(0), @r"
    $ docent query --from sample-docs How long are ledger backups kept, and who may restore one?
    exit 0
    --- stdout
    Ledger backups are kept for 400 days [1]. A restore needs the approval of two operators from the on-call list, and is logged [5].
    --- stderr
    synced sample-docs: 23 documents, 127 new chunks ([TIME])
    guessed  sample-docs/notes/offsite-lyon.txt  encoding windows-1252, guessed from its letters; save it as UTF-8 to be sure

    [1] sample-docs/handbook/backups.md:L12-L21    Backups > Retention
        “Ledger backups are kept for 400 days”
    [5] sample-docs/policies/restore.pdf#page=3    Restore Policy > 4 Approval
        “A restore needs the approval of two operators from the on-call list, and is logged”
    8 passages from 3 sources, retrieved in [TIME], first token after [TIME], done after [TIME]
    note: quoted, not generated: no chat model is configured; `docent doctor` shows how to set one
    ");
}

#[test]
fn quoted_as_json() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine. It carries bicycles.\n");
    let run =
        env.run(&["query", "--from", "docs", "When does the ferry leave?", "--format", "json"]);
    assert_run!(run.expect(0));
}

/// As from a variable without a value: standard input was not meant.
#[test]
fn a_blank_question_is_wrong_usage() {
    let env = TestEnv::new();
    for blank in ["", "   "] {
        for command in ["query", "search"] {
            let run = env.run_with_input(&[command, blank], "When does the ferry leave?").expect(2);
            assert!(run.stderr.contains("the question is empty"), "{run}");
        }
    }
}

/// A document that is asked for by its name alone, and excerpts that end where markup does.
#[test]
fn a_document_as_a_whole_is_quoted() {
    let env = TestEnv::new();
    env.write(
        "notes/facts.md",
        "[Home](../a.md) | [Next](b.md)\n\n# Ferry\n\nThe *ferry* leaves from the [**long** pier](pier.md \"Pier\").\n",
    );
    env.write("notes/plan.txt", "The quay will be paved in May.\n");
    env.run(&["ingest", "notes"]).expect(0);
    for question in ["What does facts.md say?", "summarise notes/facts.md"] {
        let json = env.run(&["query", question, "--format", "json"]).expect(0).json();
        assert_eq!(json["answer"], "The ferry leaves from the long pier [1].", "{json:#}");
        let quote = &json["citations"][0]["quote"];
        assert_eq!(quote, "The *ferry* leaves from the [**long** pier](pier.md \"Pier\")");
    }
    let json = env.run(&["query", "what is in plan.txt", "--format", "json"]).expect(0).json();
    assert_eq!(json["answer"], "The quay will be paved in May [1].", "{json:#}");
}

#[test]
fn generated_with_marks_split_over_deltas() {
    let (env, server) = generating(&["They are kept for 400", " days [", "1", "]."]);
    assert_run!(env.run(&["query", QUESTION]).expect(0), @r"
    $ docent query How long are ledger backups kept?
    exit 0
    --- stdout
    They are kept for 400 days [1].
    --- stderr

    [1] docs/backups.md:L1-L5    Backups > Retention
        “Ledger backups are kept for 400 days.”
    1 passage from 1 source, retrieved in [TIME], first token after [TIME], done after [TIME], 11 tokens in, 4 out
    ");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let body = requests[0].body.to_string();
    assert!(body.contains("Ledger backups are kept for 400 days."), "{body}");
    assert!(body.contains(QUESTION) && body.contains("\"stream\":true"), "{body}");
}

#[test]
fn generated_as_events() {
    let (env, _server) = generating(&["They are kept for 400", " days [", "1", "]."]);
    let run = env.run(&["query", QUESTION, "--format", "jsonl"]).expect(0);
    let events = run.jsonl();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("retrieved", "done"));
    assert!(names.contains(&"citation"), "{run}");
    let deltas: String = events
        .iter()
        .filter(|event| event["event"] == "delta")
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert_eq!(deltas, "They are kept for 400 days [1].");
    let done = &events[events.len() - 1];
    assert_eq!(done["answer"], deltas);
    assert_eq!(done["citations"][0]["verified"], true);
    assert!(events.iter().all(|event| event["schema_version"] == 1));
}

#[test]
fn wrong_citations_are_reported() {
    let (env, _server) = generating(&["They are kept for 900 days [1], or forever [7]."]);
    let run = env.run(&["query", QUESTION]).expect(0);
    assert!(run.stderr.contains("[7], which is not a passage"), "{run}");
    assert!(run.stderr.contains("[1] does not support"), "{run}");
}

#[test]
fn a_refusal_is_no_answer() {
    let (env, _server) = generating(&[docent::query::prompt::REFUSAL]);
    let run = env.run(&["query", "What is the capital of France?", "--format", "json"]).expect(1);
    assert_eq!(run.json()["no_answer"], true);
}

#[test]
fn nothing_to_quote_is_no_answer() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    assert_run!(env.run(&["query", "--from", "docs", "zymurgy xylophone?"]).expect(1), @r"
    $ docent query --from docs zymurgy xylophone?
    exit 1
    --- stdout
    --- stderr
    synced docs: 1 document, 1 new chunk ([TIME])
    1 passage from 1 source, retrieved in [TIME]
    note: the documents do not answer this
      nearest: docs/a.md:L1-L3    Ferry
    ");
}

#[test]
fn a_wrong_key_is_a_wrong_key_and_asked_once() {
    let (mut env, server) = generating(&["x"]);
    server.require_key("sk-right");
    env.set("OPENAI_API_KEY", "sk-wrong-0123456789");
    let before = server.requests().len();
    let run = env.run(&["query", QUESTION]).expect(3);
    assert_eq!(server.requests().len(), before + 1);
    assert!(run.stderr.contains("refused the key"), "{run}");
    assert!(!run.to_string().contains("0123456789"), "{run}");
}

#[test]
fn errors_are_json_where_output_is() {
    let (env, server) = generating(&["x"]);
    server.push(Fault::Answer(capture("ls-ctx.http")));
    let run = env.run(&["query", QUESTION, "--format", "json"]).expect(4);
    let error: serde_json::Value = serde_json::from_str(&run.stderr).expect("JSON on stderr");
    assert_eq!(error["error"]["exit_code"], 4);
    assert!(error["error"]["message"].as_str().expect("a message").contains("too long"), "{run}");
    assert_eq!(run.stdout, "");
}

#[test]
fn a_busy_endpoint_is_asked_again() {
    let (env, server) = generating(&["400 days [1]."]);
    server.push(Fault::Answer(capture("aimock-429fixture.http")));
    env.run(&["query", QUESTION]).expect(0);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_came_before_a_cut_stands() {
    let (env, server) = generating(&["They are kept", " for 400 days", " [1]."]);
    let event = r#"{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"They are kept"},"finish_reason":null}]}"#;
    server.push(Fault::Answer(event_stream(&[event])));
    let run = env.run(&["query", QUESTION]).expect(4);
    assert!(run.stdout.starts_with("They are kept"), "{run}");
    assert!(run.stderr.contains("error: "), "{run}");
}

#[test]
fn an_endpoint_that_is_down() {
    let (mut env, server) = generating(&["x"]);
    drop(server);
    env.set("DOCENT_ATTEMPTS", "1");
    let run = env.run(&["query", QUESTION]).expect(4);
    assert!(run.stderr.contains("hint: "), "{run}");
}

#[test]
fn silence_is_not_waited_out() {
    let (env, server) = generating(&["They are ", "kept [1]."]);
    server.push(Fault::StallAfter(2));
    let run = env.run(&["query", QUESTION, "--idle-timeout", "1s"]).expect(4);
    assert!(run.stdout.starts_with("They are"), "{run}");
}

#[test]
fn ctrl_c_stops_the_answer_and_keeps_what_came() {
    let (env, server) = generating(&["They are ", "kept [1]."]);
    server.push(Fault::StallAfter(2));
    let args = ["query", QUESTION];
    let mut child = env.command(&args).spawn().expect("docent starts");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let mut first = [0; 9];
    std::io::Read::read_exact(&mut stdout, &mut first).expect("the first words");
    assert_eq!(&first, b"They are ");
    interrupt(&child);
    let status = child.wait().expect("docent ends");
    assert_eq!(status.code(), Some(130));
    server.wait_for_hangup();
}

#[test]
fn embeddings_from_an_endpoint() {
    let mut env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.write("docs/b.md", "# Train\n\nThe train leaves at ten.\n");
    let server = ScriptedServer::start();
    server.require_key("sk-right");
    env.set("OPENAI_BASE_URL", &server.base_url()).set("OPENAI_API_KEY", "sk-right");
    env.set("DOCENT_EMBEDDER", "openai:scripted-embedding");
    env.run(&["ingest", "docs"]).expect(0);
    let found =
        env.run(&["search", "ferry", "--mode", "dense", "--format", "json"]).expect(0).json();
    assert_eq!(found["hits"][0]["source"], "docs/a.md");
    let asked = server.requests().len();
    env.run(&["ingest", "docs"]).expect(0);
    assert_eq!(server.requests().len(), asked, "nothing changed, nothing is asked");
}

#[test]
fn a_refused_text_is_a_row() {
    let mut env = TestEnv::new();
    env.write("docs/long.md", "word ".repeat(120));
    env.write("docs/short.md", "A few words.\n");
    let server = ScriptedServer::start();
    server.refuse_longer_than(50);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:small");
    let run = env.run(&["ingest", "docs", "--format", "json"]).expect(5);
    let report = run.json();
    assert_eq!(
        (&report["added"], &report["failed"][0]["source"]),
        (&1.into(), &"docs/long.md".into())
    );
}

#[test]
fn a_system_prompt_of_ones_own() {
    let (env, server) = generating(&["400 days [1]."]);
    env.write("pirate.txt", "Answer like a pirate.");
    env.run(&["query", QUESTION, "--system", "pirate.txt", "--temperature", "0.5"]).expect(0);
    let body = &server.requests()[0].body;
    assert!(body["messages"][0]["content"].as_str().expect("text").contains("like a pirate"));
    assert_eq!(body["temperature"], 0.5);
}

#[test]
fn ctrl_c_ends_a_wait_for_the_embedding_endpoint() {
    let mut env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_EMBEDDER", "openai:e5");
    env.run(&["ingest", "docs"]).expect(0);
    server.push(Fault::Stall);
    let asked = server.requests().len();
    let args = ["query", "When does the ferry leave?", "--format", "json"];
    let child = env.command(&args).spawn().expect("docent starts");
    server.wait_for_requests(asked + 1);
    interrupt(&child);
    let run = env.outcome(&args, child.wait_with_output().expect("docent ends")).expect(130);
    let answer = run.json();
    assert_eq!((&answer["incomplete"], &answer["no_answer"]), (&true.into(), &false.into()));
    server.release();
}

#[test]
fn verbose_says_what_is_used_and_what_is_asked() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    let run = env.run(&["query", "-v", "--from", "docs", "When does the ferry leave?"]).expect(0);
    for said in [
        "project [PROJECT]",
        "store [PROJECT]/.docent",
        "embedder builtin (static-minilm-en-256",
        "docs/a.md  1 chunk",
        "passage [1] docs/a.md:L1-L3, score",
    ] {
        assert!(run.stderr.contains(said), "{said} is missing\n{run}");
    }
    let quiet = env.run(&["query", "When does the ferry leave?", "--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, run.stdout);
}

#[test]
fn a_source_that_is_not_stored_is_not_called_synced() {
    let env = TestEnv::new();
    env.write("docs/a.md", "# Ferry\n\nThe ferry leaves at nine.\n");
    env.write("no-directory", "");
    let args = ["query", "--from", "docs", "ferry", "--data-dir", "no-directory"];
    let run = env.run(&args).expect(4);
    assert!(!run.stderr.contains("synced"), "{run}");
    let run = env.run(&["ingest", "docs", "--data-dir", "no-directory"]).expect(4);
    assert_eq!(run.stdout, "");
}

/// Many templates write `<think>` themselves.
#[test]
fn thinking_before_a_closing_tag_alone_is_no_answer() {
    let question = QUESTION;
    let (env, server) =
        generating(&["Okay, the user asks [1]. ", "</think>\n", "\nFor 400 days [1]."]);
    let run = env.run(&["query", question]).expect(0);
    assert!(run.stdout.starts_with("For 400 days [1].\n"), "{run}");
    server.answer(&["Backups [1] first. ", "</think>\n", "\nFor 400 days [1]."]);
    let run = env.run(&["query", question]).expect(0);
    assert!(run.stdout.starts_with("Backups [1] first. \nFor 400 days [1].\n"), "{run}");
    assert!(run.stderr.contains("the text above was reasoning"), "{run}");
    let answer = env.run(&["query", question, "--format", "json"]).expect(0).json();
    assert_eq!(answer["answer"], "For 400 days [1].");
    let events = env.run(&["query", question, "--format", "jsonl"]).expect(0).jsonl();
    let after = events.iter().skip_while(|event| event["event"] != "retracted").skip(1);
    let deltas = after.filter(|event| event["event"] == "delta");
    let text: String = deltas.filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(text, "For 400 days [1].");
}

#[test]
fn what_is_quoted_of_a_note_has_no_label() {
    let env = TestEnv::new();
    let text = "# Fees\n\nThe harbour fee is due in May.[^1]\n\n[^1]: The harbour fee of small boats is 120 kroner.\n";
    env.write("docs/fees.md", text);
    env.run(&["ingest", "docs"]).expect(0);
    let run = env.run(&["query", "How many kroner is the harbour fee of small boats?"]).expect(0);
    assert!(run.stdout.contains("The harbour fee of small boats is 120 kroner"), "{run}");
    assert!(!run.to_string().contains("1]: The"), "{run}");
}
