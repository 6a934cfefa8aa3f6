#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::*;
use crate::types::OnSecret;

const PROJECT: &str = "/project/docent.toml";
const USER: &str = "/home/me/.config/docent/config.toml";

/// Layers of flags, environment, project file and user file.
fn layers(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    project: &str,
    user: &str,
) -> Result<Layers, SettingsError> {
    let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let lookup = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let docent = env.iter().map(|(n, _)| (*n).to_owned()).filter(|n| n.starts_with("DOCENT_"));
    let (project_path, user_path) = (Path::new(PROJECT), Path::new(USER));
    Ok(Layers(vec![
        layers::flags(flags),
        layers::environment(lookup, docent)?,
        layers::file(project_path, project, &Origin::Project(project_path.into()))?,
        layers::file(user_path, user, &Origin::User(user_path.into()))?,
    ]))
}

fn settings(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    project: &str,
    user: &str,
) -> Result<Settings, SettingsError> {
    resolve(&layers(flags, env, project, user)?, false)
}

#[test]
fn nothing_configured_means_builtin_extractive_and_embedded() {
    let settings = settings(&[], &[], "", "").unwrap();
    assert_eq!(settings.collection, "docent");
    assert_eq!(settings.embedding.model, EmbeddingModel::Builtin);
    assert_eq!(settings.chat.model, None);
    assert_eq!(settings.qdrant.url, None);
    assert_eq!(settings.chat.endpoint.base_url, "https://api.openai.com/v1");
    assert_eq!(settings.ingest.max_file_size, 64 << 20);
    assert_eq!(settings.chat.timeout, Duration::from_mins(1));
}

#[test]
fn the_strongest_layer_wins() {
    let all = [
        settings(&[("model", "a")], &[("DOCENT_MODEL", "b")], "model = 'c'", "model = 'd'"),
        settings(&[], &[("DOCENT_MODEL", "b")], "model = 'c'", "model = 'd'"),
        settings(&[], &[], "model = 'c'", "model = 'd'"),
        settings(&[], &[], "", "model = 'd'"),
    ];
    let models: Vec<_> = all.into_iter().map(|s| s.unwrap().chat.model.unwrap()).collect();
    assert_eq!(models, ["a", "b", "c", "d"]);
}

#[test]
fn the_nearest_name_is_given_however_far() {
    for (project, near) in [
        ("[serch]\nk = 3", "search.k"),
        ("[llm]\nmodel = 'x'", "model"),
        ("[retrieval]\nmin_score = 1", "search.min_score"),
    ] {
        let hint = settings(&[], &[], project, "").unwrap_err().hint;
        assert_eq!(hint, Some(format!("did you mean `{near}`?")));
    }
    assert!(settings(&[], &[("DOCENT_Z", "")], "", "").unwrap_err().hint.is_some());
}

#[test]
fn a_limit_on_costs_wants_a_price_where_something_costs() {
    let endpoint = ("DOCENT_EMBEDDER", "openai:m");
    let typed = settings(&[("ingest.max_cost", "2")], &[endpoint], "", "").unwrap_err();
    assert_eq!(
        (typed.message.as_str(), typed.usage),
        ("--max-cost needs the price of openai:m", true)
    );
    assert!(typed.hint.unwrap().contains("DOCENT_EMBEDDING_PRICE"));
    let file = settings(&[], &[endpoint], "ingest.max_cost = 2", "").unwrap_err();
    assert!(!file.usage && file.message.starts_with("ingest.max_cost in /project"), "{file}");

    settings(&[("ingest.max_cost", "2")], &[], "", "").unwrap();
    let priced = settings(&[("ingest.max_cost", "2")], &[endpoint], "embedding.price = 0.02", "");
    let embedding = priced.unwrap().embedding;
    assert_eq!(embedding.cost(1_500_000), Some(0.03));
    for amount in ["-1", "NaN", "inf", "2 EUR"] {
        let error = settings(&[("ingest.max_cost", amount)], &[], "", "").unwrap_err();
        assert!(error.message.contains("is not an amount"), "{error}");
    }
}

#[test]
fn zero_is_no_count() {
    for name in ["attempts", "search.k", "qdrant.shard_number", "chat.max_tokens"] {
        let error = settings(&[(name, "0")], &[], "", "").unwrap_err();
        assert!(error.usage && error.message.contains("at least 1"), "{error}");
    }
}

#[test]
fn mistakes_name_the_place_and_the_nearest_name() {
    for (result, message, hint, usage) in [
        (
            settings(&[], &[], "[chunk]\ntoken = 3", ""),
            "unknown setting `chunk.token` in /project/docent.toml",
            Some("did you mean `chunk.tokens`?"),
            false,
        ),
        (
            settings(&[], &[("DOCENT_MODLE", "x")], "", ""),
            "unknown environment variable DOCENT_MODLE",
            Some("did you mean DOCENT_MODEL? Otherwise unset it: DOCENT_ is for settings"),
            false,
        ),
        (
            settings(&[("search.k", "none")], &[], "", ""),
            "--k: `none` is not a whole number",
            None,
            true,
        ),
        (settings(&[("search.k", "0")], &[], "", ""), "--k: `0` must be at least 1", None, true),
        (
            settings(&[], &[], "[chat]\ntimeout = 'soon'", ""),
            "chat.timeout in /project/docent.toml: `soon` is not a time: use 500ms, 30s, 2m or 1h",
            None,
            false,
        ),
        (
            settings(&[], &[], "collection = '../up'", ""),
            "collection in /project/docent.toml: `../up` is not a collection name: letters, digits, `-`, `_` and `.`, starting with a letter or digit",
            None,
            false,
        ),
        (
            settings(&[], &[], "model = ", ""),
            "/project/docent.toml is not valid TOML: string values must be quoted, expected literal string",
            Some("see line 1"),
            false,
        ),
        (
            settings(&[], &[], "[openai]\napi_key = 'sk-1'", ""),
            "`openai.api_key` in /project/docent.toml: a key does not belong in a project file",
            Some("set OPENAI_API_KEY in the environment instead"),
            false,
        ),
        (
            settings(&[("chunk.overlap", "200")], &[], "", ""),
            "chunk.overlap is 200, more than half of chunk.tokens (256)",
            Some("set --chunk-overlap lower or --chunk-tokens higher"),
            true,
        ),
    ] {
        let error = result.unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.hint.as_deref(), error.usage),
            (message, hint, usage)
        );
    }
}

#[test]
fn a_project_file_cannot_send_a_key_to_a_host_of_its_choice() {
    let project =
        "[openai]\nbase_url = 'https://evil.example/v1'\n[qdrant]\nurl = 'http://evil.example'";
    let env = [("OPENAI_API_KEY", "sk-secret"), ("QDRANT_API_KEY", "qd-secret")];
    let layers = layers(&[], &env, project, "").unwrap();

    let wary = resolve(&layers, false).unwrap();
    assert_eq!(wary.chat.endpoint.api_key, None);
    assert_eq!(wary.embedding.endpoint.api_key, None);
    assert_eq!(wary.qdrant.api_key, None);
    assert_eq!(wary.notices.len(), 2);
    assert!(wary.notices.iter().all(|notice| !notice.contains("secret")));

    let trusting = resolve(&layers, true).unwrap();
    assert_eq!(trusting.chat.endpoint.api_key.as_deref(), Some("sk-secret"));
    assert_eq!(trusting.qdrant.api_key.as_deref(), Some("qd-secret"));
    assert!(trusting.notices.is_empty());

    // The user's own choice of host is not the project's.
    let own = settings(&[("openai.base_url", "http://localhost/v1")], &env, project, "").unwrap();
    assert_eq!(own.chat.endpoint.api_key.as_deref(), Some("sk-secret"));
}

#[test]
fn a_key_goes_to_its_own_endpoint_only() {
    let env = [
        ("OPENAI_API_KEY", "sk-openai"),
        ("DOCENT_EMBEDDING_BASE_URL", "http://localhost:11434/v1"),
        ("DOCENT_CHAT_API_KEY", "sk-chat"),
    ];
    let settings = settings(&[], &env, "", "").unwrap();
    assert_eq!(settings.embedding.endpoint.base_url, "http://localhost:11434/v1");
    assert_eq!(settings.embedding.endpoint.api_key, None);
    assert_eq!(settings.chat.endpoint.api_key.as_deref(), Some("sk-chat"));
}

#[test]
fn a_project_file_cannot_reach_outside_the_project() {
    for outside in ["data_dir = '/etc'", "data_dir = 'a/../../b'", "[chat]\nsystem = '../secret'"] {
        let error = settings(&[], &[], outside, "").unwrap_err();
        assert!(error.message.contains("is outside the project"), "{}", error.message);
    }
    let inside = settings(&[], &[], "data_dir = 'index'", "").unwrap();
    assert_eq!(inside.data_dir, Some(PathBuf::from("/project/index")));
}

#[test]
fn only_the_user_allows_private_addresses() {
    let project = "[web]\nallow_private = true";
    let settings = settings(&[], &[], project, "").unwrap();
    assert!(!settings.web.allow_private);
    let notice = "web.allow_private in /project/docent.toml was not followed: that file is not trusted (docent config trust)";
    assert_eq!(settings.notices, [notice]);
    let trusted = resolve(&layers(&[], &[], project, "").unwrap(), true).unwrap();
    assert!(trusted.web.allow_private && trusted.notices.is_empty());
    for (flags, env, user) in [
        (&[("web.allow_private", "true")][..], &[][..], ""),
        (&[], &[("DOCENT_WEB_ALLOW_PRIVATE", "true")], ""),
        (&[], &[], project),
    ] {
        let settings = super::resolve(&layers(flags, env, "", user).unwrap(), false).unwrap();
        assert!(settings.web.allow_private && settings.notices.is_empty());
    }
    // A project file may be stricter than the user.
    let strict =
        resolve(&layers(&[], &[], "[web]\nallow_private = false", project).unwrap(), false);
    assert!(!strict.unwrap().web.allow_private);
}

#[test]
fn a_project_file_lets_in_no_secrets_that_the_user_keeps_out() {
    let section = |action: &str| format!("[ingest]\non_secret = '{action}'");
    let decided = |project: &str, user: &str, trusted: bool| {
        let settings = resolve(&layers(&[], &[], project, user).unwrap(), trusted).unwrap();
        (settings.ingest.on_secret, settings.notices)
    };
    let (warn, skip, redact) = (section("warn"), section("skip"), section("redact"));
    assert_eq!(decided("", "", false), (OnSecret::Warn, vec![]));
    assert_eq!(decided(&redact, "", false), (OnSecret::Redact, vec![]));
    assert_eq!(decided(&redact, &skip, false), (OnSecret::Redact, vec![]));
    assert_eq!(decided(&warn, &warn, false), (OnSecret::Warn, vec![]));
    assert_eq!(decided(&warn, &redact, true), (OnSecret::Warn, vec![]));
    let notice = "ingest.on_secret in /project/docent.toml was not followed: that file is not trusted (docent config trust)";
    assert_eq!(decided(&warn, &redact, false), (OnSecret::Redact, vec![notice.to_owned()]));
    let flag = layers(&[("ingest.on_secret", "warn")], &[], &warn, &redact).unwrap();
    assert_eq!(super::resolve(&flag, false).unwrap().ingest.on_secret, OnSecret::Warn);
}

#[test]
fn config_show_masks_keys() {
    let env = [("OPENAI_API_KEY", "sk-abcdefghijkl1234"), ("QDRANT_API_KEY", "short")];
    let url = ("openai.base_url", "https://me:pw@host/v1?token=x");
    let settings = settings(&[url], &env, "", "").unwrap();
    let value = |name: &str| {
        settings.resolved.iter().find(|row| row.key.name == name).unwrap().value.clone().unwrap()
    };
    assert_eq!(value("openai.api_key"), "***1234");
    assert_eq!(value("qdrant.api_key"), "***");
    assert_eq!(value("openai.base_url"), "https://host/v1");
    assert!(!format!("{settings:?}").contains("abcdefghijkl"));
}

#[test]
fn units_are_understood() {
    for (text, seconds) in
        [("30", 30.0), ("1.5s", 1.5), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0)]
    {
        assert_eq!(parse::duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
    }
    for (text, bytes) in [("10", 10), ("500kB", 512_000), ("64MB", 64 << 20), ("1 GiB", 1 << 30)] {
        assert_eq!(parse::size(text), Ok(bytes), "{text}");
    }
    for bad in ["", "s", "-1s", "1d", "0"] {
        assert!(parse::duration(bad).is_err(), "{bad}");
        assert!(bad.starts_with('0') || parse::wait(bad).is_err(), "{bad}");
    }
    for bad in ["", "MB", "-1", "1TB", "0"] {
        assert!(parse::size(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_version_of_an_api_goes_into_its_url() {
    let url = |base: &str, version: &str| {
        let env = [("OPENAI_BASE_URL", base), ("DOCENT_OPENAI_API_VERSION", version)];
        settings(&[], &env, "", "").map(|settings| settings.chat.endpoint.base_url)
    };
    for (base, version, expected) in [
        ("https://a.example/d", "2024-10-21", "https://a.example/d?api-version=2024-10-21"),
        ("https://a.example/d?x=1", "1", "https://a.example/d?x=1&api-version=1"),
        ("https://a.example/d?api-version=0", "1", "https://a.example/d?api-version=1"),
        ("https://a.example/d?api-version=0", "", "https://a.example/d?api-version=0"),
    ] {
        assert_eq!(url(base, version).unwrap(), expected);
    }
    assert!(url("https://a.example", "1&key=2").is_err());
    let env = [
        ("OPENAI_BASE_URL", "https://a.example/d"),
        ("DOCENT_OPENAI_API_VERSION", "1"),
        ("DOCENT_EMBEDDING_BASE_URL", "https://b.example"),
        ("DOCENT_OPENAI_KEY_HEADER", "x-api-key"),
    ];
    let other = settings(&[], &env, "", "").unwrap();
    assert_eq!(
        other.embedding.endpoint.base_url, "https://b.example",
        "the other endpoint is its own"
    );
    assert_eq!(other.embedding.endpoint.key_header, None);
    assert_eq!(other.chat.endpoint.key_header.as_deref(), Some("x-api-key"));
}

#[test]
fn an_untrusted_project_does_not_say_where_a_key_goes() {
    let layers = layers(&[], &[], "openai.key_header = 'x-log'", "").unwrap();
    let untrusted = resolve(&layers, false).unwrap();
    assert_eq!(untrusted.chat.endpoint.key_header, None);
    assert_eq!(untrusted.notices.len(), 1);
    let trusted = resolve(&layers, true).unwrap();
    assert_eq!(trusted.chat.endpoint.key_header.as_deref(), Some("x-log"));
}
