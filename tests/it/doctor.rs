//! `docent doctor`. What else runs on the machine is its business, and not asserted here.

use serde_json::Value;

use crate::env::TestEnv;
use crate::openai::ScriptedServer;

fn check(report: &Value, name: &str) -> Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).expect("a check of that name").clone()
}

#[test]
fn a_size_is_planned_for_without_asking_anything() {
    let env = TestEnv::new();
    let planned = |size: &str| {
        env.run(&["doctor", "--size", size, "--format", "json"]).expect(0).json()["home"].clone()
    };
    assert_eq!(
        ["200k", "5M", "40M", "1.5G"].map(planned),
        ["embedded", "server", "server_on_disk", "cluster"]
    );
    let said = env.run(&["doctor", "--size", "50M"]).expect(0).stdout;
    assert!(said.starts_with("50,000,000 chunks of 256 dimensions"), "{said}");
    assert!(said.contains("--shard-number"), "{said}");
    for wrong in ["0", "many", "5X", "-1", "1e99"] {
        env.run(&["doctor", &format!("--size={wrong}")]).expect(2);
    }
}

#[test]
fn nothing_configured_is_fine() {
    let report = TestEnv::new().run(&["doctor", "--format", "json"]).expect(0).json();
    for name in ["store", "embedder", "chat"] {
        assert_eq!(check(&report, name)["ok"], true, "{report:#}");
    }
    let hint = check(&report, "chat")["hint"].as_str().expect("a hint").to_owned();
    assert!(hint.contains("--model"), "{hint}");
}

#[test]
fn talks_to_what_is_configured() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "scripted-chat");
    env.set("DOCENT_EMBEDDER", "openai:scripted-embedding");
    let report = env.run(&["doctor", "--format", "json"]).expect(0).json();
    assert_eq!(report["ok"], true, "{report:#}");
    assert!(server.requests().len() >= 2);
}

#[test]
fn a_wrong_key_and_an_unknown_model_are_told() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    env.set("OPENAI_BASE_URL", &server.base_url()).set("DOCENT_MODEL", "absent");
    let report = env.run(&["doctor", "--format", "json"]).expect(0).json();
    assert!(check(&report, "chat")["message"].as_str().expect("text").contains("does not list"));
    server.require_key("sk-right");
    env.set("OPENAI_API_KEY", "sk-wrong-0123456789");
    let run = env.run(&["doctor"]).expect(3);
    assert!(run.stdout.contains("refused the key"), "{run}");
    assert!(!run.to_string().contains("0123456789"));
}

#[test]
fn finds_an_ollama_that_runs_here() {
    let mut env = TestEnv::new();
    let server = ScriptedServer::start();
    server.list_models(&["llama-local"]);
    env.set("OLLAMA_HOST", server.base_url().trim_end_matches("/v1"));
    let report = env.run(&["doctor", "--format", "json"]).expect(0).json();
    let hint = check(&report, "ollama")["hint"].as_str().expect("a hint").to_owned();
    assert!(hint.contains("--model llama-local"), "{hint}");
}

#[test]
fn a_store_that_is_down() {
    let mut env = TestEnv::new();
    env.set("QDRANT_URL", "http://127.0.0.1:1").set("DOCENT_ATTEMPTS", "1");
    let run = env.run(&["doctor"]).expect(4);
    assert!(run.stdout.contains("failed"), "{run}");
}
