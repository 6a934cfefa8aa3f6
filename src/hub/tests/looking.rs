//! What is known without fetching, and what forbids fetching.

use std::fs;

use super::*;

#[tokio::test]
async fn no_request_is_made_if_that_is_forbidden() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let forbid = |options: &mut HubOptions| {
        options.forbidden = Some(Forbidden::Setting("HF_HUB_OFFLINE".to_owned()));
    };
    let (offline, _) = hub_with(&scripted, dir.path(), forbid);
    let failure = offline.obtain(&model("a/b"), Some(COMMIT), Purpose::Embed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Config);
    assert!(failure.message.contains("HF_HUB_OFFLINE"), "{failure:?}");
    let command = format!("docent models fetch hf:a/b@{COMMIT}");
    assert!(failure.hint.as_ref().is_some_and(|it| it.contains(&command)), "{failure:?}");
    assert_eq!(whats(&scripted), Vec::<String>::new());
    hub(&scripted, dir.path()).obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    scripted.asked();
    offline.obtain(&model("a/b"), Some(COMMIT), Purpose::Embed).await.unwrap();
    offline.fetch(&model("a/b"), Purpose::Embed).await.unwrap();
    let looking = offline.looking("a dry run");
    let failure = looking.obtain(&model("a/b@v2"), None, Purpose::Embed).await.unwrap_err();
    assert!(failure.message.contains("HF_HUB_OFFLINE"), "what the user said comes first");
    assert_eq!(whats(&scripted), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_fetches_nothing() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hub = hub(&scripted, dir.path());
    let looking = hub.looking("a dry run");
    let failure = looking.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    assert!(failure.message.contains("a dry run fetches nothing"), "{failure:?}");
    assert_eq!(whats(&scripted), Vec::<String>::new());
    let missing = hub.missing(&model("a/b"), None, Purpose::Embed).await.unwrap().unwrap();
    let bytes = GRAPH.len() + CONFIG.len() + "{}".len();
    assert_eq!((&*missing.commit, missing.bytes), (COMMIT, bytes as u64));
    assert!(!dir.path().join("hub").exists(), "looking leaves nothing behind");
    assert!(scripted.asked().iter().all(|asked| asked.of_hub));
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!(hub.missing(&model("a/b"), None, Purpose::Embed).await, Ok(None));
}

/// Another program leaves the same layout, without a note of the files that the commit lacks.
#[tokio::test]
async fn what_another_tool_has_fetched_as_a_whole_is_taken() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    hub(&scripted, dir.path()).obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    let repository = dir.path().join("hub/models--a--b");
    fs::remove_dir_all(repository.join(".no_exist")).unwrap();
    let forbid = |options: &mut HubOptions| {
        options.forbidden = Some(Forbidden::Setting("--no-download".to_owned()));
    };
    let (offline, _) = hub_with(&scripted, dir.path(), forbid);
    let failure = offline.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    let snapshot = repository.join("snapshots").join(COMMIT);
    assert!(failure.message.contains("only partly"), "{failure:?}");
    let as_it_is = format!("onnx:{}", snapshot.display());
    assert!(failure.hint.as_ref().is_some_and(|it| it.contains(&as_it_is)), "{failure:?}");

    // A directory without a graph is not proposed.
    let graphs = ["model.onnx", "onnx"].map(|name| (snapshot.join(name), dir.path().join(name)));
    let graphs = graphs.iter().filter(|(there, _)| there.exists()).collect::<Vec<_>>();
    for (there, aside) in &graphs {
        fs::rename(there, aside).unwrap();
    }
    let failure = offline.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    assert!(failure.message.contains("only partly"), "{failure:?}");
    assert!(failure.hint.as_ref().is_some_and(|it| !it.contains("onnx:")), "{failure:?}");
    for (there, aside) in &graphs {
        fs::rename(aside, there).unwrap();
    }

    fs::write(snapshot.join(".gitattributes"), "*.onnx filter=lfs").unwrap();
    offline.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    fs::write(repository.join("blobs/0123.incomplete"), "half of it").unwrap();
    offline.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
}

#[tokio::test]
async fn nothing_is_fetched_without_room_on_the_disk() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let headers = vec![
        ("x-repo-commit", COMMIT.to_owned()),
        ("x-linked-etag", format!("\"{}\"", sha256(GRAPH))),
        ("x-linked-size", u64::MAX.to_string()),
    ];
    let large = format!("HEAD /a/b/resolve/{COMMIT}/onnx/model.onnx");
    scripted.once(&large, Trouble::Status("302 Found", headers));
    let hub = hub(&scripted, dir.path());
    let failure = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Backend);
    assert!(failure.message.contains("too full"), "{failure:?}");
    assert!(failure.hint.as_ref().is_some_and(|it| it.contains("HF_HOME")), "{failure:?}");
    assert!(scripted.asked().iter().all(|asked| asked.of_hub), "nothing large was asked for");
}
