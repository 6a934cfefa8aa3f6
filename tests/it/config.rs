//! Settings, from the outside.

use crate::assert_run;
use crate::env::TestEnv;

#[test]
fn show_prints_every_value_and_its_origin() {
    let mut env = TestEnv::new();
    env.write("docent.toml", "collection = \"team\"\n[chunk]\ntokens = 200\n");
    env.set("OPENAI_API_KEY", "sk-0123456789abcdef").set("DOCENT_MODEL", "gpt-test");
    let run = env.run(&["config", "show", "--embedder", "openai:e5"]).expect(0);
    assert!(!run.to_string().contains("0123456789"));
    assert_run!(run);
}

#[test]
fn show_as_json() {
    let env = TestEnv::new();
    let settings = env.run(&["config", "show", "--format", "json"]).expect(0).json();
    assert_eq!(settings["schema_version"], 1);
    assert_eq!(settings["settings"]["embedder"]["value"], "builtin");
    assert_eq!(settings["settings"]["embedder"]["origin"], "default");
}

#[test]
fn the_project_file_is_found_upwards() {
    let env = TestEnv::new();
    env.write("docent.toml", "model = 'from-above'\n");
    std::fs::create_dir_all(env.path("a/b")).expect("directories");
    let output = env.command(&["config", "show"]).current_dir(env.path("a/b")).output();
    let run = env.outcome(&["config", "show"], output.expect("docent runs")).expect(0);
    assert!(run.stdout.contains("from-above"), "{run}");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let env = TestEnv::new();
    env.write("docent.toml", "[serch]\nk = 3\n");
    assert_run!(env.run(&["config", "show"]).expect(3));
}

#[test]
fn a_bad_value_in_the_environment_is_a_configuration_error() {
    let mut env = TestEnv::new();
    env.set("DOCENT_SEARCH_K", "many");
    assert_run!(env.run(&["search", "x"]).expect(3));
}

#[test]
fn trust_is_for_the_file_as_it_is() {
    let mut env = TestEnv::new();
    env.set("OPENAI_API_KEY", "sk-0123456789abcdef");
    env.write("docent.toml", "[openai]\nbase_url = 'http://127.0.0.1:9/v1'\n");
    let warned =
        |env: &TestEnv| env.run(&["config", "show"]).expect(0).stderr.contains("not trusted");
    assert!(warned(&env));
    env.run(&["config", "trust"]).expect(0);
    assert!(!warned(&env));
    env.write("docent.toml", "[openai]\nbase_url = 'http://127.0.0.1:10/v1'\n");
    assert!(warned(&env));
}

#[test]
fn trust_without_a_project_file() {
    assert_run!(TestEnv::new().run(&["config", "trust"]).expect(3));
}
