//! Transfers that are cut off.

use std::fs;

use super::*;

#[tokio::test]
async fn a_transfer_that_was_cut_off_continues() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hash = sha256(GRAPH);
    let large = format!("GET /{hash}");
    scripted.once(&large, Trouble::CutAfter(100_000));
    let held =
        hub(&scripted, dir.path()).obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!(fs::read(held.dir.join(&held.graph)).unwrap(), GRAPH);
    let ranges: Vec<_> = scripted
        .asked()
        .into_iter()
        .filter(|asked| !asked.of_hub)
        .map(|asked| asked.range)
        .collect();
    assert_eq!(ranges, [None, Some("bytes=100000-".to_owned())]);
}

#[tokio::test]
async fn attempts_with_progress_are_not_counted() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let large = format!("GET /{}", sha256(GRAPH));
    for _ in 0..7 {
        scripted.once(&large, Trouble::CutAfter(40_000));
    }
    let held =
        hub(&scripted, dir.path()).obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!(fs::read(held.dir.join(&held.graph)).unwrap(), GRAPH);

    // A host that always starts over and ends too soon makes no progress.
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..9 {
        scripted.once(&large, Trouble::NoRange(40_000));
    }
    scripted.asked();
    hub(&scripted, dir.path()).obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    let tries = scripted.asked().into_iter().filter(|asked| !asked.of_hub).count();
    assert_eq!(tries, 6, "three that brought the same bytes, and three without any new ones");
}

#[tokio::test]
async fn another_run_continues_and_starts_over_if_it_must() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hash = sha256(GRAPH);
    let large = format!("GET /{hash}");
    scripted.once(&large, Trouble::CutAfter(150_000));
    for _ in 0..5 {
        scripted.once(&large, Trouble::CutAfter(0));
    }
    let hub = hub(&scripted, dir.path());
    let failure = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Backend);
    let hint = failure.hint.unwrap();
    assert!(hint.contains("docent models fetch hf:a/b"), "{hint}");
    let incomplete = dir.path().join(format!("hub/models--a--b/blobs/{hash}.incomplete"));
    assert_eq!(fs::metadata(&incomplete).unwrap().len(), 150_000);
    assert_eq!(hub.cached(&model("a/b"), Purpose::Embed), Ok(None));

    // This host sends the whole file, whatever range is asked for.
    scripted.once(&large, Trouble::NoRange(GRAPH.len()));
    let held = hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!(fs::read(held.dir.join(&held.graph)).unwrap(), GRAPH);
    assert!(!incomplete.exists());
}

#[tokio::test]
async fn wrong_bytes_are_detected() {
    let (scripted, dir) = (ScriptedHub::start(), tempfile::tempdir().unwrap());
    with_model(&scripted, COMMIT, GRAPH);
    let hash = sha256(GRAPH);
    let blobs = dir.path().join("hub/models--a--b/blobs");
    fs::create_dir_all(&blobs).unwrap();
    // More bytes than the file has.
    fs::write(blobs.join(format!("{hash}.incomplete")), vec![0; 400_000]).unwrap();
    let hub = hub(&scripted, dir.path());
    hub.obtain(&model("a/b"), None, Purpose::Embed).await.unwrap();
    assert_eq!(fs::read(blobs.join(&hash)).unwrap(), GRAPH);

    let other = [8; 1000];
    with_model(&scripted, LATER, &other);
    scripted.once(&format!("GET /{}", sha256(&other)), Trouble::Corrupt);
    let failure = hub.fetch(&model("a/b"), Purpose::Embed).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Backend);
    assert!(failure.causes[0].contains("differs from the hub's"), "{failure:?}");
    let incomplete = blobs.join(format!("{}.incomplete", sha256(&other)));
    assert!(!incomplete.exists() && !blobs.join(sha256(&other)).exists());
    scripted.once("GET /api/resolve-cache", Trouble::Corrupt);
    assert!(
        hub.fetch(&model("a/b"), Purpose::Embed).await.is_ok(),
        "what is known is not asked for"
    );
}
