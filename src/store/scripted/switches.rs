//! Versions that stay on a server beside the live one: wherever it is cut off, one of two is live.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::versions::{Filled, filled, points, reader, rebuilt, versions};
use super::*;
use crate::store::FormerVersion;
use crate::types::VersionState::{self, Built, Former, Live};
use crate::types::{Manifest, Ownership};

/// A version of five chunks is built, and set aside.
async fn set_aside(store: &ServerStore) -> Result<(), BackendError> {
    let writer = store.write().await?;
    let successor = writer.successor().await?;
    successor.create(&rebuilt()).await?;
    successor.upsert(points(5)).await?;
    successor.set_aside(FormerVersion::Built, 1).await?;
    writer.close().await
}

async fn switch(store: &ServerStore, number: u32) -> Result<(), BackendError> {
    let writer = store.write().await?;
    writer.switch(number).await?;
    writer.close().await
}

/// Three chunks in use, and beside them a version of five.
async fn with_one_aside() -> Filled {
    let filled = filled().await;
    filled.writer.close().await.unwrap();
    set_aside(&filled.store).await.unwrap();
    filled
}

async fn states(store: &ServerStore) -> Vec<(u32, VersionState)> {
    let versions = store.versions().await.unwrap();
    versions.iter().map(|version| (version.number, version.state)).collect()
}

/// What a process sees that comes after one that was cut off.
async fn look(options: ServerOptions, after: usize) -> (u32, Vec<(u32, VersionState)>) {
    let store = connect(options, "docs").unwrap().lease_life(Duration::from_millis(1));
    let reader = reader(&store).await;
    let number = reader.version();
    let chunks = if number == 1 { 3 } else { 5 };
    assert_eq!(reader.count_chunks().await, Ok(chunks), "{after}");
    let writer = store.write().await.unwrap();
    assert_eq!(writer.version().await, Ok(Some(number)), "{after}");
    writer.close().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(chunks), "{after}: nobody removed it");
    (number, states(&store).await)
}

#[tokio::test]
async fn a_switch_cut_off_anywhere_leaves_one_of_the_two_and_keeps_both() {
    let Filled { script, store, .. } = with_one_aside().await;
    let start = script.requests();
    switch(&store, 2).await.unwrap();
    let whole = script.requests() - start;
    assert!(whole > 10, "{whole}");
    let mut outcomes = Vec::new();
    for after in 0..whole {
        let Filled { script, options, store, .. } = with_one_aside().await;
        *script.gone_after.lock().unwrap() = script.requests() + after;
        let result = switch(&store, 2).await;
        *script.gone_after.lock().unwrap() = usize::MAX;
        let (live, states) = look(options.clone(), after).await;
        assert!(live == 2 || result.is_err(), "{after}");
        let expected = if live == 2 { [(1, Former), (2, Live)] } else { [(1, Live), (2, Built)] };
        assert_eq!(states, expected, "{after}");
        outcomes.push(live);
        // What was interrupted is repeated, and reversed.
        let again = connect(options.clone(), "docs").unwrap();
        for number in [2, 1] {
            switch(&again, number).await.unwrap();
            assert_eq!(reader(&again).await.version(), number, "{after}");
        }
    }
    assert!(outcomes.is_sorted() && outcomes.contains(&1) && outcomes.contains(&2));
}

#[tokio::test]
async fn setting_a_version_aside_cut_off_anywhere_leaves_it_whole_or_absent() {
    let Filled { script, store, writer, .. } = filled().await;
    writer.close().await.unwrap();
    let start = script.requests();
    set_aside(&store).await.unwrap();
    let whole = script.requests() - start;
    let mut outcomes = Vec::new();
    for after in 0..whole {
        let Filled { script, options, store, writer } = filled().await;
        writer.close().await.unwrap();
        *script.gone_after.lock().unwrap() = script.requests() + after;
        let result = set_aside(&store).await;
        *script.gone_after.lock().unwrap() = usize::MAX;
        let (live, states) = look(options.clone(), after).await;
        let stays = states.contains(&(2, Built));
        assert!(stays || result.is_err(), "{after}");
        let names: &[&str] = if stays { &["docs@v1", "docs@v2"] } else { &["docs@v1"] };
        assert_eq!((live, states.len(), versions(&script)), (1, names.len(), to_owned(names)));
        if stays {
            let aside = connect(options, "docs").unwrap().read_version(2).await.unwrap().unwrap();
            assert_eq!(aside.count_chunks().await, Ok(5), "{after}");
        }
        outcomes.push(stays);
    }
    assert!(outcomes.is_sorted() && outcomes.contains(&false) && outcomes.contains(&true));
}

fn to_owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_switch_is_one_request() {
    let Filled { script, store, .. } = with_one_aside().await;
    let start = script.requests();
    switch(&store, 2).await.unwrap();
    let asked = script.asked_since(start);
    assert_eq!(asked.iter().filter(|method| **method == "update_aliases").count(), 1);
    assert!(!asked.contains(&"delete_collection"), "{asked:?}");
}

#[tokio::test]
async fn a_version_of_another_owner_is_neither_switched_to_nor_removed() {
    let Filled { script, store, writer, .. } = filled().await;
    let successor = writer.successor().await.unwrap();
    let owner = Ownership::of("another project");
    successor.create(&Manifest { owner, ..rebuilt() }).await.unwrap();
    successor.set_aside(FormerVersion::Built, 1).await.unwrap();
    for done in [writer.switch(2).await, writer.remove_versions(&[2]).await] {
        assert_eq!(done.unwrap_err().fault, Fault::Taken);
    }
    writer.close().await.unwrap();
    assert_eq!(versions(&script), ["docs@v1", "docs@v2"]);
    assert_eq!(reader(&store).await.version(), 1);
}

#[tokio::test]
async fn a_version_that_somebody_named_is_not_removed() {
    let Filled { script, store, .. } = with_one_aside().await;
    let alias = ("next".to_owned(), "docs@v2".to_owned());
    script.memory.lock().unwrap().alias(alias.0, alias.1).unwrap();
    let writer = store.write().await.unwrap();
    let error = writer.remove_versions(&[2]).await.unwrap_err();
    assert!(error.message.contains("\"next\""), "{error}");
    writer.close().await.unwrap();
    assert_eq!(states(&store).await, [(1, Live), (2, Built)]);
}

/// While nothing has the name, the version that was live last gets it again, not the newest one.
#[tokio::test]
async fn what_was_live_gets_a_lost_name_again() {
    let Filled { script, store, .. } = with_one_aside().await;
    script.memory.lock().unwrap().unname("docs");
    let adopted = store.adopt(|_| Ok::<_, BackendError>(())).await.unwrap();
    assert_eq!((adopted.physical.as_str(), adopted.named), ("docs@v1", true));
    assert_eq!(states(&store).await, [(1, Live), (2, Built)]);
}
