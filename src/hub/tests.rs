#![allow(clippy::unwrap_used, reason = "tests")]

mod looking;
mod resumed;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::error::Exit;
use crate::onnx::tests::model as fixture;
use crate::testing::hub::{ScriptedHub, Trouble, git_hash, sha256};

const COMMIT: &str = "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a";
const LATER: &str = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41";
const CONFIG: &[u8] = br#"{"architectures": ["BertModel"], "model_type": "bert"}"#;
/// Larger than what arrives in one piece.
const GRAPH: &[u8] = &[7; 300_000];

type Heard = Arc<Mutex<Vec<FetchEvent>>>;

/// A hub client whose cache is in `dir`, with the events it sends.
fn hub_with(
    scripted: &ScriptedHub,
    dir: &Path,
    change: impl FnOnce(&mut HubOptions),
) -> (Hub, Heard) {
    let heard = Heard::default();
    let ear = Arc::clone(&heard);
    let moment = Duration::from_millis(1);
    let mut options = HubOptions {
        endpoint: scripted.endpoint(),
        token: None,
        cache: Some(dir.join("hub")),
        forbidden: None,
        retry: RetryPolicy { attempts: 3, within: None, base: moment, max: moment },
        on_event: Arc::new(move |event| ear.lock().unwrap().push(event.clone())),
    };
    change(&mut options);
    (Hub::new(options), heard)
}

fn hub(scripted: &ScriptedHub, dir: &Path) -> Hub {
    hub_with(scripted, dir, |_| ()).0
}

fn model(text: &str) -> HubModel {
    text.parse().unwrap()
}

/// A model with a large graph, as `a/b`.
fn with_model(scripted: &ScriptedHub, commit: &str, graph: &[u8]) {
    let files: [(&str, &[u8]); 4] = [
        ("config.json", CONFIG),
        ("tokenizer.json", b"{}"),
        ("onnx/model.onnx", graph),
        ("README.md", b"of no use here"),
    ];
    scripted.commit("a/b", "main", commit, &files, &["onnx/model.onnx"]);
}

fn whats(scripted: &ScriptedHub) -> Vec<String> {
    scripted.asked().into_iter().map(|asked| asked.what).collect()
}

#[tokio::test]
async fn a_model_is_fetched_once_and_laid_out_as_others_do() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let (hub, heard) = hub_with(&scripted, dir.path(), |_| ());
    let held = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!((&*held.graph, &*held.commit), ("onnx/model.onnx", COMMIT));
    assert_eq!(fs::read(held.dir.join(&held.graph)).unwrap(), GRAPH);

    let repository = dir.path().join("hub/models--a--b");
    assert_eq!(held.dir, repository.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(repository.join("refs/main")).unwrap(), COMMIT);
    for (path, hash, up) in [
        ("onnx/model.onnx", sha256(GRAPH), "../../../"),
        ("config.json", git_hash(CONFIG), "../../"),
    ] {
        let target = fs::read_link(held.dir.join(path)).unwrap();
        assert_eq!(target, Path::new(up).join("blobs").join(&hash));
        let lock = format!("hub/.locks/models--a--b/{hash}.lock");
        assert!(dir.path().join(lock).is_file(), "{path}");
    }
    assert!(repository.join(".no_exist").join(COMMIT).join("modules.json").is_file());
    assert!(!held.dir.join("README.md").exists());
    let begun = heard.lock().unwrap().iter().find_map(|event| match event {
        FetchEvent::Begun { bytes, .. } => Some(*bytes),
        _ => None,
    });
    assert_eq!(begun, Some(GRAPH.len() as u64 + 2));

    scripted.asked();
    let again = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!((again, whats(&scripted)), (held, Vec::new()));
}

#[tokio::test]
async fn the_token_goes_to_the_hub_and_to_nobody_else() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    scripted.keep_private("a/b", "hf_secret");
    let token = |options: &mut HubOptions| options.token = Some("hf_secret".to_owned());
    let (hub, _) = hub_with(&scripted, dir.path(), token);
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    let asked = scripted.asked();
    assert!(asked.iter().any(|asked| !asked.of_hub));
    for asked in asked {
        assert_eq!(asked.token.as_deref(), asked.of_hub.then_some("hf_secret"), "{}", asked.what);
    }
}

#[tokio::test]
async fn a_small_file_is_checked_too() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    scripted.once("GET /api/resolve-cache", Trouble::Corrupt);
    let hub = hub(&scripted, dir.path());
    let failure = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    assert!(failure.causes[0].contains("config.json"), "{failure:?}");
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
}

#[tokio::test]
async fn a_collection_keeps_its_commit_and_a_fetch_looks_for_the_latest() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hub = hub(&scripted, dir.path());
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    with_model(&scripted, LATER, b"the later graph");
    let commit = |held: LocalModel| held.commit;
    let now = hub.obtain(&model("a/b"), None, Purpose::Embed).await.map(commit);
    assert_eq!(now.unwrap(), COMMIT);
    assert_eq!(hub.fetch(&model("a/b"), Purpose::Embed).await.map(commit).unwrap(), LATER);
    assert_eq!(hub.obtain(&model("a/b"), None, Purpose::Embed).await.map(commit).unwrap(), LATER);
    let built = hub.obtain(&model("a/b"), Some(COMMIT), Purpose::Embed).await.map(commit);
    assert_eq!(built.unwrap(), COMMIT);
    let named = format!("a/b@{COMMIT}");
    let named = hub.obtain(&model(&named), Some(LATER), Purpose::Embed).await.map(commit);
    assert_eq!(named.unwrap(), COMMIT);
}

#[tokio::test]
async fn models_that_cannot_run_are_refused_before_a_large_fetch() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    let writes: &[u8] = br#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}"#;
    let scores: &[u8] =
        br#"{"architectures": ["BertForSequenceClassification"], "model_type": "bert"}"#;
    let graph: (&str, &[u8]) = ("onnx/model.onnx", GRAPH);
    let tokenizer: (&str, &[u8]) = ("tokenizer.json", b"{}");
    let large = ["onnx/model.onnx"];
    let q8: (&str, &[u8]) = ("onnx/model_quantized.onnx", GRAPH);
    scripted.commit(
        "a/writes",
        "main",
        COMMIT,
        &[("config.json", writes), graph, tokenizer],
        &large,
    );
    scripted.commit(
        "a/scores",
        "main",
        COMMIT,
        &[("config.json", scores), graph, tokenizer],
        &large,
    );
    scripted.commit("a/torch", "main", COMMIT, &[("config.json", CONFIG), tokenizer], &[]);
    scripted.commit("a/slow", "main", COMMIT, &[("config.json", CONFIG), graph], &large);
    scripted.commit("a/q8", "main", COMMIT, &[("config.json", CONFIG), q8, tokenizer], &[q8.0]);
    let hub = hub(&scripted, dir.path());
    for (name, message, hint) in [
        ("a/writes", "LlamaForCausalLM", "onnx:DIR"),
        ("a/scores", "makes no vectors", "--rerank"),
        ("a/torch", "no model.onnx", "export"),
        ("a/torch#x.onnx", "no file x.onnx", "export"),
        ("a/slow", "no tokenizer.json", "onnx:DIR"),
        ("a/q8", "no model.onnx", "'hf:a/q8#onnx/model_quantized.onnx'"),
    ] {
        let failure = hub.obtain(&model(name), None, Purpose::Embed).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Config, "{name}");
        assert!(failure.message.contains(message), "{name}: {failure:?}");
        assert!(failure.hint.as_ref().is_some_and(|it| it.contains(hint)), "{name}: {failure:?}");
    }
    assert!(scripted.asked().iter().all(|asked| asked.of_hub), "a large file was asked for");
    hub.obtain(&model("a/scores"), None, Purpose::Rerank).await.unwrap();
    let held = hub.obtain(&model("a/q8#onnx/model_quantized.onnx"), None, Purpose::Embed).await;
    assert_eq!(held.unwrap().graph, "onnx/model_quantized.onnx");
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let scripted = ScriptedHub::start();
    with_model(&scripted, COMMIT, GRAPH);
    scripted.keep_private("a/b", "hf_right");
    scripted.commit("a/gated", "main", COMMIT, &[("config.json", CONFIG)], &[]);
    scripted.gate("a/gated");
    scripted.commit("a/open", "main", COMMIT, &[("config.json", CONFIG)], &[]);
    for (name, token, message, hint) in [
        ("a/b", None, "no public model", "HF_TOKEN"),
        ("a/b", Some("hf_wrong"), "has no model", "check the name"),
        ("a/gated", None, "accepted its terms", "/a/gated"),
        ("a/open@v9", None, "no revision v9", "/a/open/commits"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (hub, _) = hub_with(&scripted, dir.path(), |options| {
            options.token = token.map(str::to_owned);
        });
        let failure = hub.obtain(&model(name), None, Purpose::Embed).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Config, "{name}: {failure:?}");
        assert!(failure.message.contains(message), "{name}: {failure:?}");
        assert!(failure.hint.as_ref().is_some_and(|it| it.contains(hint)), "{name}: {failure:?}");
        assert!(!format!("{failure:?}").contains("hf_wrong"));
    }
}

#[tokio::test]
async fn a_hub_that_is_busy_is_asked_again_and_not_for_ever() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let busy = |status| Trouble::Status(status, vec![("retry-after", "0".to_owned())]);
    for part in ["GET /api/models", "HEAD /a/b", "GET /a/b", &format!("GET /{}", sha256(GRAPH))] {
        scripted.once(part, busy("429 Too Many Requests"));
        scripted.once(part, busy("503 Service Unavailable"));
    }
    let hub = hub(&scripted, dir.path());
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    for _ in 0..3 {
        scripted.once("GET /api/models", busy("429 Too Many Requests"));
    }
    let failure = hub.fetch(&model("a/b"), Purpose::Embed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Backend);
    assert!(failure.message.contains("too often"), "{failure:?}");
}

#[tokio::test]
async fn responses_that_no_hub_sends_are_recognized() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let away = |to: &str| Trouble::Status("302 Found", vec![("location", to.to_owned())]);
    scripted.once("GET /api/models", Trouble::Status("200 OK", Vec::new()));
    scripted.once("HEAD /a/b", away("http://127.0.0.1:9/login"));
    scripted.once("HEAD /a/b", Trouble::Status("200 OK", Vec::new()));
    let hub = hub(&scripted, dir.path());
    for part in
        ["did not answer as a model hub does", "does not describe the file", "check HF_ENDPOINT"]
    {
        let failure = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
        assert!(failure.causes[0].contains(part), "{part}: {failure:?}");
    }
}

#[tokio::test]
async fn two_requests_at_once_fetch_a_model_once() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let (one, other) = (hub(&scripted, dir.path()), hub(&scripted, dir.path()));
    let name = model("a/b");
    let both = tokio::join!(
        one.obtain(&name, None, Purpose::Embed),
        other.obtain(&name, None, Purpose::Embed)
    );
    assert_eq!(both.0.unwrap(), both.1.unwrap());
    let large = scripted.asked().into_iter().filter(|asked| !asked.of_hub).count();
    assert_eq!(large, 1);
}

#[tokio::test]
async fn what_is_here_is_listed_and_removed() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hub = hub(&scripted, dir.path());
    assert!(hub.cache().unwrap().list().unwrap().models.is_empty());
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    let cache = hub.cache().unwrap();
    let listed = cache.list().unwrap().models;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].repository, "a/b");
    assert!(listed[0].bytes >= GRAPH.len() as u64 + CONFIG.len() as u64);
    let [Snapshot { commit, refs, files }] = &listed[0].snapshots[..] else { panic!("{listed:?}") };
    assert_eq!((&**commit, &refs[..]), (COMMIT, &["main".to_owned()][..]));
    assert_eq!(files[..], ["config.json", "onnx/model.onnx", "tokenizer.json"]);
    assert_eq!(cache.remove("a/b").unwrap(), Some(listed[0].bytes));
    assert_eq!((cache.remove("a/b").unwrap(), cache.list().unwrap().models), (None, Vec::new()));
}

/// The model of another test, from its name to a vector. Links lead to its files, and to its weights in the
/// variant with separate weights.
#[tokio::test]
async fn a_fetched_model_gives_the_vectors_of_its_directory() {
    use crate::embed::onnx::{OnnxOptions, open};
    use crate::embed::{Embedder as _, TextRole};
    use crate::onnx::{ModelPlace, Published};

    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    scripted.commit_directory("a/bert", COMMIT, &fixture("bert"));
    let hub = hub(&scripted, dir.path());
    let place = fixture("bert").into();
    let there = open(OnnxOptions { place, ..OnnxOptions::default() }).unwrap();
    let texts = ["the ledger".to_owned()];
    let theirs = there.embed(&texts, TextRole::Document).await.unwrap();
    for name in ["a/bert", "a/bert#onnx/model_apart.onnx"] {
        let held = hub.obtain(&model(name), None, Purpose::Embed).await.unwrap();
        let published = Published { name: format!("hf:{name}"), commit: held.commit };
        let place =
            ModelPlace { dir: held.dir, graph: Some(held.graph), published: Some(published) };
        let came = open(OnnxOptions { place, ..OnnxOptions::default() }).unwrap();
        assert_eq!((&came.id().name, came.id().commit()), (&format!("hf:{name}"), Some(COMMIT)));
        // Other files are another model, whatever they contain.
        assert_eq!(came.id().recipe() == there.id().recipe(), !name.contains('#'));
        assert_eq!(came.embed(&texts, TextRole::Document).await.unwrap(), theirs);
    }
}
