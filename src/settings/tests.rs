#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::*;

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
        layers::file(project_path, project, &SettingOrigin::Project(project_path.into()))?,
        layers::file(user_path, user, &SettingOrigin::User(user_path.into()))?,
    ]))
}

fn settings(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    project: &str,
    user: &str,
) -> Result<Settings, SettingsError> {
    resolve(&layers(flags, env, project, user)?, true)
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
        assert!(error.message.contains("is not a number from 0 to"), "{error}");
    }
}

#[test]
fn mistakes_name_the_place_and_the_nearest_name() {
    for (result, message, hint, usage) in vec![
        (
            settings(&[], &[], "[chunk]\ntoken = 3", ""),
            "unknown setting `chunk.token` in /project/docent.toml",
            Some("did you mean `chunk.tokens`?"),
            false,
        ),
        (
            settings(&[], &[("DOCENT_MODLE", "x")], "", ""),
            "unknown environment variable DOCENT_MODLE",
            Some(
                "did you mean DOCENT_MODEL? Otherwise unset it: names with DOCENT_ are for settings",
            ),
            false,
        ),
        (
            settings(&[("search.k", "none")], &[], "", ""),
            "--k: `none` is not a whole number from 1 to 10000",
            None,
            true,
        ),
        (
            settings(&[("search.k", "0")], &[], "", ""),
            "--k: `0` is not a whole number from 1 to 10000",
            None,
            true,
        ),
        (
            settings(&[], &[], "[chat]\ntimeout = 'soon'", ""),
            "chat.timeout in /project/docent.toml: `soon` is not a time from 1ms to 24h, such as 500ms, 30s, 2m or 1h",
            None,
            false,
        ),
        (
            settings(&[], &[], "collection = '../up'", ""),
            "collection in /project/docent.toml: `../up` is not a collection name: use letters, digits, `-`, `_` and `.`, starting with a letter or digit",
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
            Some("lower --chunk-overlap or raise --chunk-tokens"),
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

/// The settings of an untrusted project file that are ignored, and the settings without them.
fn untrusted(
    flags: &[(&'static str, &str)],
    project: &str,
    user: &str,
) -> (Vec<&'static str>, Settings) {
    let settings = resolve(&layers(flags, &[], project, user).unwrap(), false).unwrap();
    (settings.unheard.iter().map(|row| row.key.name).collect(), settings)
}

#[test]
fn an_untrusted_project_file_sets_what_its_row_calls_harmless() {
    for key in KEYS.iter().filter(|key| !key.secret) {
        let (table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        let said = |value: &str| {
            let table = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
            let file = format!("{table}{name} = '{value}'");
            layers(&[], &[], &file, "").unwrap().heard(false)
        };
        let (heard, unheard) = said("1x");
        let harmless = matches!(
            key.trust,
            keys::ProjectTrust::Harmless | keys::ProjectTrust::HarmlessEmbedded
        );
        assert_eq!(heard.find(key).is_some(), harmless, "{}", key.name);
        assert_eq!(unheard.len(), usize::from(!harmless), "{}", key.name);
        if let keys::ProjectTrust::HarmlessAs(values) = key.trust {
            assert!(values.iter().all(|value| said(value).1.is_empty()), "{}", key.name);
        }
    }
}

#[test]
fn hosts_models_paths_and_limits_of_an_untrusted_project_file_do_not_count() {
    let file = "model = 'gpt'\nembedder = 'openai:e'\nrecord = 'tape'\nattempts = 99\ndata_dir = 'x'\n\
        collection = 'team'\n[openai]\nbase_url = 'http://evil.example'\nkey_header = 'x-log'\n\
        [search]\nk = 3\nexpand = 9\n[trace]\npath = 'Makefile'\n";
    let (wanted, settings) = untrusted(&[], file, "");
    let all = [
        "data_dir",
        "record",
        "embedder",
        "model",
        "openai.base_url",
        "openai.key_header",
        "search.expand",
        "trace.path",
        "attempts",
    ];
    assert_eq!(wanted, all);
    assert_eq!((settings.search.k, settings.collection.as_str()), (3, "team"));
    assert_eq!((settings.chat.model, settings.trace.path, settings.tape), (None, None, None));
    assert_eq!(settings.chat.endpoint.base_url, "https://api.openai.com/v1");
    assert_eq!(untrusted(&[], "collection = 'team'", "qdrant.url = 'http://q'").0, ["collection"]);
    // The project file makes no difference where the user decides.
    let decided = [("model", "m"), ("openai.base_url", "http://own.example")];
    let (wanted, _) =
        untrusted(&decided, "model = 'gpt'\n[chat]\nbase_url = 'http://evil.example'", "");
    assert!(wanted.is_empty(), "{wanted:?}");
    assert!(untrusted(&[], "attempts = 5", "").0.is_empty());
    assert_eq!(untrusted(&[], "[web]\nallow_private = true", "").0, ["web.allow_private"]);
}

#[test]
fn an_untrusted_project_file_may_be_stricter_and_not_laxer() {
    for (project, user, wanted) in [
        ("ingest.on_secret = 'redact'", "", &[][..]),
        ("ingest.on_secret = 'warn'", "", &[]),
        ("ingest.on_secret = 'warn'", "ingest.on_secret = 'skip'", &["ingest.on_secret"]),
        ("web.allow_private = false", "web.allow_private = true", &[]),
        (
            "chat.require_citations = false",
            "chat.require_citations = true",
            &["chat.require_citations"],
        ),
        ("chat.system = ''", "chat.system = 'own'", &["chat.system"]),
    ] {
        assert_eq!(untrusted(&[], project, user).0, wanted, "{project}");
    }
}

#[test]
fn what_is_typed_wins_whatever_its_table() {
    let url = ("openai.base_url", "http://typed.example");
    let own = "[chat]\nbase_url = 'http://file.example'\n[embedding]\nbase_url = 'http://file.example'\n[ocr]\nbase_url = 'http://file.example'";
    let keys = [("DOCENT_CHAT_API_KEY", "sk-of-the-file's"), ("OPENAI_API_KEY", "sk-shared")];
    for (project, user) in [(own, ""), ("", own)] {
        let settings = settings(&[url], &keys, project, user).unwrap();
        assert_eq!(settings.chat.endpoint.base_url, "http://typed.example");
        assert_eq!(settings.chat.endpoint.api_key.as_deref(), Some("sk-shared"));
        assert_eq!(settings.embedding.endpoint.base_url, "http://typed.example");
    }
    let settings =
        |flag: (&'static str, &str), file: &str| settings(&[flag], &[], file, "").unwrap();
    assert_eq!(
        settings(("openai.base_url", "http://a?api-version=1"), "openai.api_version = '2'")
            .chat
            .endpoint
            .base_url,
        "http://a?api-version=1"
    );
    assert_eq!(settings(("chat.system", "s"), "chat.prompt = 'p'").chat.prompt, None);
    assert_eq!(settings(("chat.prompt", "p"), "chat.system = 's'").chat.system, None);
    assert_eq!(
        settings(("search.hyde", "true"), "search.mode = 'sparse'").search.mode,
        crate::types::Mode::Hybrid
    );
    assert!(!settings(("search.mode", "sparse"), "search.hyde = true").search.hyde);
    assert_eq!(
        settings(("replay", "r"), "record = 'w'").tape,
        Some(RecordingFile::Replay("r".into()))
    );
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
fn an_age_is_not_empty() {
    let ttl = |text| settings(&[("ingest.ttl", text)], &[], "ingest.ttl = '90d'", "");
    assert_eq!(ttl("12h").unwrap().ingest.ttl, Some(Duration::from_hours(12)));
    assert_eq!(ttl("").unwrap_err().message, "--ttl is empty");
}

#[test]
fn a_collection_is_of_the_tenant_that_is_named() {
    let collection = |env: &[(&str, &str)], flags: &[(&'static str, &str)]| {
        settings(flags, env, "", "").map(|settings| {
            assert_eq!(settings.serve.collections, std::slice::from_ref(&settings.collection));
            (settings.collection, settings.tenant)
        })
    };
    let acme = || Ok(("docs~acme".to_owned(), Some("acme".to_owned())));
    let env = [("DOCENT_TENANT", "acme")];
    assert_eq!(collection(&env, &[("collection", "docs")]), acme());
    assert_eq!(collection(&env, &[("collection", "docs~acme")]), acme());
    assert_eq!(collection(&[], &[("collection", "docs~acme")]), acme());
    assert_eq!(collection(&env, &[]).map(|found| found.0), Ok("docent~acme".to_owned()));
    assert_eq!(collection(&[], &[]), Ok(("docent".to_owned(), None)));
    for (env, flags, message) in [
        (&[("DOCENT_TENANT", "")][..], &[][..], "DOCENT_TENANT is empty"),
        (&env, &[("tenant", "")], "--tenant is empty"),
        (
            &env,
            &[("collection", "docs~globex")],
            "the tenant is `acme`, but `docs~globex` is a collection of `globex`",
        ),
        (
            &env,
            &[("serve.collections", "docs,docs~globex")],
            "the tenant is `acme`, but `docs~globex` is a collection of `globex`",
        ),
        (
            &[],
            &[("tenant", "Acme")],
            "--tenant: `Acme` is not a tenant name: use lower-case letters, digits, `-` and `_`, at most 64 characters",
        ),
        (
            &[],
            &[("collection", "docs~")],
            "--collection: `docs~` is not a tenant name: use lower-case letters, digits, `-` and `_`, at most 64 characters",
        ),
    ] {
        assert_eq!(collection(env, flags).unwrap_err().message, message);
    }
}

#[test]
fn a_model_without_a_scheme_may_be_a_name_or_a_directory() {
    let both = "`hf:BAAI/bge-m3` for the model of that name, `onnx:BAAI/bge-m3` for that directory";
    let text = "BAAI/bge-m3";
    assert!(parse::embedder(text).is_err_and(|problem| problem.ends_with(both)));
    assert!(parse::reranker(text).is_err_and(|problem| problem.ends_with(both)));
    assert!(parse::verifier(text).is_err_and(|problem| problem.ends_with(both)));
    for known in ["a", "../a", "x:a/b", ""] {
        assert!(parse::embedder(known).is_err_and(|problem| problem.ends_with("`onnx:DIR`")));
    }
}
