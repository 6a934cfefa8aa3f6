//! Versions of a collection on a server: switched by one request, cut off after any of them.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::contract::manifest;
use crate::types::Manifest;

fn rebuilt() -> Manifest {
    Manifest { docent: "0.2.0".to_owned(), ..manifest() }
}

fn points(count: u32) -> Vec<crate::types::Point> {
    (0..count).map(|n| point(chunk("a.md", n, &format!("{n}")), [1.0; DIMENSIONS], &[])).collect()
}

/// A collection of three chunks on a server of its own.
async fn filled() -> (Script, ServerOptions, ServerStore) {
    let script = Script::new("1.18.3", []);
    let options = ServerOptions {
        retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() },
        ..listen(&script)
    };
    let store = connect(options.clone(), "docs").unwrap();
    store.create(&manifest()).await.unwrap();
    store.upsert(points(3)).await.unwrap();
    store.flush().await.unwrap();
    (script, options, store)
}

/// A whole rebuild, into five chunks.
async fn rebuild(store: &ServerStore) -> Result<(), BackendError> {
    store.lock().await?;
    let successor = store.successor().await?;
    successor.create(&rebuilt()).await?;
    successor.upsert(points(5)).await?;
    successor.publish().await
}

fn versions(script: &Script) -> Vec<String> {
    let mut names = script.memory.lock().unwrap().names();
    names.retain(|name| name.starts_with("docs"));
    names
}

#[tokio::test]
async fn the_alias_is_switched_by_one_request() {
    let (script, _, store) = filled().await;
    let start = script.requests();
    rebuild(&store).await.unwrap();
    let asked = script.asked_since(start);
    assert_eq!(asked.iter().filter(|method| **method == "update_aliases").count(), 1);
    let switched = asked.iter().position(|method| *method == "update_aliases").unwrap();
    let removed = asked.iter().position(|method| *method == "delete_collection").unwrap();
    assert!(switched < removed, "{asked:?}");
    assert_eq!(versions(&script), ["docs@v2"]);
}

#[tokio::test]
async fn cut_off_anywhere_the_collection_is_the_old_or_the_new_one() {
    let (script, _, store) = filled().await;
    let start = script.requests();
    rebuild(&store).await.unwrap();
    let whole = script.requests() - start;
    assert!(whole > 10, "{whole}");
    let mut outcomes = Vec::new();
    for after in 0..whole {
        let (script, options, store) = filled().await;
        *script.gone_after.lock().unwrap() = script.requests() + after;
        let result = rebuild(&store).await;
        drop(store);
        *script.gone_after.lock().unwrap() = usize::MAX;

        let reader = connect(options.clone(), "docs").unwrap();
        let (manifest_now, chunks) = (reader.manifest().await, reader.count_chunks().await);
        let is_new = manifest_now == Ok(Some(rebuilt()));
        assert!(is_new || manifest_now == Ok(Some(manifest())), "{after}: {manifest_now:?}");
        assert_eq!(chunks, Ok(if is_new { 5 } else { 3 }), "{after}");
        assert!(is_new || result.is_err());
        outcomes.push(is_new);

        // The next writer removes what is left over.
        let next = connect(options, "docs").unwrap().lease_life(Duration::from_millis(1));
        next.lock().await.unwrap();
        assert_eq!(versions(&script), [if is_new { "docs@v2" } else { "docs@v1" }], "{after}");
        assert_eq!(next.count_chunks().await, Ok(if is_new { 5 } else { 3 }));
    }
    assert!(outcomes.is_sorted() && outcomes.contains(&false) && outcomes.contains(&true));
}

#[tokio::test]
async fn a_former_version_that_stays_is_no_error() {
    let (script, _, store) = filled().await;
    *script.refused.lock().unwrap() = vec!["delete_collection"];
    rebuild(&store).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
    assert_eq!(store.count_chunks().await, Ok(5));
    script.refused.lock().unwrap().clear();
    store.unlock().await;
    store.lock().await.unwrap();
    assert_eq!(versions(&script), ["docs@v2"]);
}

#[tokio::test]
async fn versions_that_somebody_named_stay() {
    let (script, _, store) = filled().await;
    let alias = ("production".to_owned(), "docs@v1".to_owned());
    script.memory.lock().unwrap().alias(alias.0, alias.1).unwrap();
    rebuild(&store).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
}

#[tokio::test]
async fn a_collection_that_lost_its_name_is_not_removed() {
    let (script, options, store) = filled().await;
    store.unlock().await;
    script.memory.lock().unwrap().unname("docs");
    let store = connect(options, "docs").unwrap();
    store.lock().await.unwrap();
    assert_eq!(versions(&script), ["docs@v1"]);
    store.create(&manifest()).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_goes_on() {
    let script = Script::new("1.18.3", []);
    let store = connect(listen(&script), "docs").unwrap();
    store.lock().await.unwrap();
    script.lost.lock().unwrap().push("create");
    store.create(&manifest()).await.unwrap();
    assert_eq!(versions(&script), ["docs@v1"]);
    assert_eq!(store.manifest().await, Ok(Some(manifest())));
}
