//! What goes to a chat model: templates, `--dry-run`, the budget of tokens.

use crate::assert_run;
use crate::env::TestEnv;
use crate::openai::ScriptedServer;

const QUESTION: &str = "How long are ledger backups kept?";
const TEMPLATE: &str =
    "Be brief.\n\n{{rules}}\n{{user}}\nQ: {{question}}\n\n{{passages}}\n\nSo: {{question}}\n";

/// A project with one document, a scripted server, and the settings to use it for answers.
fn generating() -> (TestEnv, ScriptedServer) {
    let mut env = TestEnv::new();
    env.write("docs/backups.md", "# Backups\n\nLedger backups are kept for 400 days.\n");
    let server = ScriptedServer::start();
    server.answer(&["400 days [1]."]);
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("OPENAI_API_KEY", "sk-secret-0123456789").set("DOCENT_ATTEMPTS", "1");
    env.run(&["ingest", "docs"]).expect(0);
    (env, server)
}

#[test]
fn a_dry_run_prints_what_would_be_sent_and_sends_nothing() {
    let (env, server) = generating();
    let run = env.run(&["query", QUESTION, "--dry-run"]).expect(0);
    assert_eq!(server.requests().len(), 0);
    assert_run!(run);
}

#[test]
fn a_dry_run_as_json_is_the_body_of_the_request() {
    let (env, server) = generating();
    let args = ["query", QUESTION, "--temperature", "0.5", "--max-tokens", "99"];
    let dry = env.run(&[&args[..], &["--dry-run", "--format", "json"]].concat()).expect(0);
    assert!(!dry.to_string().contains("sk-secret"), "{dry}");
    assert_eq!(server.requests().len(), 0);
    env.run(&args).expect(0);
    let (dry, mut sent) = (dry.json(), server.requests()[0].body.clone());
    // The fences differ from request to request.
    let nonce = |body: &serde_json::Value| {
        let text = body["messages"][1]["content"].as_str().expect("a text").to_owned();
        text.split(&['-', ' '][..]).nth(1).expect("a nonce").to_owned()
    };
    let renamed = sent.to_string().replace(&nonce(&sent), &nonce(&dry["request"]));
    sent = serde_json::from_str(&renamed).expect("JSON");
    assert_eq!(dry["request"], sent);
    assert_eq!((&dry["request"]["max_tokens"], &dry["schema_version"]), (&99.into(), &1.into()));
    assert!(dry["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 100), "{dry:#}");
    assert_eq!(dry["prompt_tokens_exact"], false);
}

#[test]
fn a_dry_run_of_what_is_quoted_or_not_found_sends_nothing() {
    let (env, server) = generating();
    let run = env.run(&["query", QUESTION, "--dry-run", "--model", "extractive"]).expect(0);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("nothing would be sent"), "{run}");
    let args = ["query", QUESTION, "--dry-run", "--model", "extractive", "--format", "json"];
    assert!(env.run(&args).expect(0).json()["request"].is_null());
    let args = ["query", QUESTION, "--dry-run", "--min-score", "2", "--verbose"];
    let run = env.run(&args).expect(1);
    assert!(
        run.stderr.contains("left out docs/backups.md:L1-L3, score 1.000: score_floor"),
        "{run}"
    );
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn tokens_are_counted_as_the_model_counts_them() {
    let (env, _server) = generating();
    let count = |model: &str| {
        let args = ["query", QUESTION, "--dry-run", "--format", "json", "--model", model];
        let dry = env.run(&args).expect(0).json();
        (dry["prompt_tokens"].as_u64().expect("a count"), dry["prompt_tokens_exact"].clone())
    };
    let (exact, estimated) = (count("gpt-4o"), count("llama3.2"));
    assert_eq!((&exact.1, &estimated.1), (&true.into(), &false.into()));
    assert!(exact.0 < estimated.0, "{exact:?} {estimated:?}");
}

#[test]
fn a_context_that_holds_no_passage_is_said() {
    let (env, server) = generating();
    for more in [&["--dry-run"][..], &[]] {
        let args = [&["query", QUESTION, "--context-tokens", "100"][..], more].concat();
        let run = env.run(&args).expect(3);
        assert!(run.stderr.contains("no passage fits into a context of 100 tokens"), "{run}");
        assert!(run.stderr.contains("hint: raise --context-tokens"), "{run}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_template_replaces_the_whole_prompt() {
    let (env, server) = generating();
    env.write("prompt.txt", TEMPLATE);
    env.write("docs/trap.md", "# Backups\n\nLedger {{question}} backups {{rules}}.\n");
    env.run(&["query", "--from", "docs", QUESTION, "--prompt", "prompt.txt"]).expect(0);
    let body = &server.requests()[0].body;
    let text = |at: usize| body["messages"][at]["content"].as_str().expect("a text").to_owned();
    assert!(text(0).starts_with("Be brief.\n\nPassages are numbered"), "{}", text(0));
    assert!(text(1).starts_with("Q: How long are ledger backups kept?\n\n<passage-"));
    assert!(text(1).ends_with("\n\nSo: How long are ledger backups kept?"));
    assert!(text(1).contains("Ledger {{question}} backups {{rules}}."), "{}", text(1));
}

#[test]
fn a_template_without_its_slots_is_refused_before_anything_is_asked() {
    let (env, server) = generating();
    env.write("prompt.txt", "{{rules}}\n{{pasages}}\n{{question}}\n");
    assert_run!(env.run(&["query", QUESTION, "--prompt", "prompt.txt"]).expect(2));
    env.write("docent.toml", "[chat]\nprompt = 'prompt.txt'\n");
    let run = env.run(&["query", QUESTION]).expect(3);
    assert!(run.stderr.contains("line 2: {{pasages}} is no slot"), "{run}");
    env.run(&["query", QUESTION, "--prompt", "nowhere.txt"]).expect(2);
    env.write("system.txt", "Be brief.");
    let run = env.run(&["query", QUESTION, "--system", "system.txt"]).expect(2);
    assert!(run.stderr.contains("chat.prompt and chat.system are both set"), "{run}");
    env.run(&["query", QUESTION, "--system", "system.txt", "--prompt", ""]).expect(0);
    env.write("docent.toml", "[chat]\nprompt = '../prompt.txt'\n");
    let run = env.run(&["query", QUESTION]).expect(3);
    assert!(run.stderr.contains("outside the project"), "{run}");
    assert_eq!(server.requests().len(), 1);
}
