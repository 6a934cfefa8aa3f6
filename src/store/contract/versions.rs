//! Contract: versions stay beside the live one, are switched to, and are removed. Each case closes its
//! writers.

use super::lifecycle::{fill_rebuilt, rebuilt};
use super::*;
use crate::store::FormerVersion;
use crate::types::VersionState::{self, Built, Candidate, Former, Live, Unfinished};

/// A collection with the corpus, and a version beside it that was set aside. The writers are closed.
async fn with_one_aside(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.set_aside(FormerVersion::Built, 1).await.unwrap();
    assert_eq!((successor.version().await, successor.count_chunks().await), (Ok(Some(2)), Ok(1)));
    writer.close().await.unwrap();
}

async fn states(collection: &dyn Collection) -> Vec<(u32, VersionState)> {
    let versions = collection.versions().await.unwrap();
    versions.iter().map(|version| (version.number, version.state)).collect()
}

async fn switch(collection: &dyn Collection, number: u32) {
    let writer = collection.write().await.unwrap();
    writer.switch(number).await.unwrap();
    writer.close().await.unwrap();
}

/// Builds the next version, and returns its number.
async fn publish(collection: &dyn Collection, keep: usize) -> u32 {
    let writer = collection.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.publish(keep).await.unwrap();
    let number = successor.version().await.unwrap().unwrap();
    writer.close().await.unwrap();
    number
}

/// What a reader of the live version finds: its number, and its number of chunks.
async fn live(collection: &dyn Collection) -> (u32, u64) {
    let reader = reader(collection).await;
    (reader.version(), reader.count_chunks().await.unwrap())
}

pub(super) async fn a_version_that_was_set_aside_stays_beside_the_collection(
    collection: &dyn Collection,
) {
    assert!(collection.versions().await.unwrap().is_empty());
    with_one_aside(collection).await;
    for _ in ["as it was built", "after another writer"] {
        assert_eq!(states(collection).await, [(1, Live), (2, Built)]);
        assert_eq!(live(collection).await, (1, 5));
        let aside = collection.read_version(2).await.unwrap().unwrap();
        assert_eq!((aside.version(), aside.count_chunks().await), (2, Ok(1)));
        assert_eq!(**aside.manifest(), rebuilt());
        assert_eq!(collection.versions().await.unwrap()[1].manifest, Some(rebuilt()));
        collection.write().await.unwrap().close().await.unwrap();
    }
    assert!(collection.read_version(3).await.unwrap().is_none());
}

pub(super) async fn a_version_that_is_aside_is_neither_published_nor_dropped(
    collection: &dyn Collection,
) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    assert!(successor.set_aside(FormerVersion::Built, 1).await.is_err(), "nothing was built");
    fill_rebuilt(&*successor).await;
    successor.set_aside(FormerVersion::Built, 1).await.unwrap();
    for done in [
        successor.set_aside(FormerVersion::Built, 1).await,
        successor.publish(1).await,
        successor.drop_collection().await,
        writer.set_aside(FormerVersion::Built, 1).await,
    ] {
        assert_eq!(done.unwrap_err().fault, Fault::Permanent);
    }
    assert_eq!(states(collection).await, [(1, Live), (2, Built)]);
    writer.close().await.unwrap();
}

pub(super) async fn the_first_version_is_not_set_aside(collection: &dyn Collection) {
    let writer = collection.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    assert_eq!(
        successor.set_aside(FormerVersion::Built, 1).await.unwrap_err().fault,
        Fault::Permanent
    );
    assert!(collection.read().await.unwrap().is_none());
    successor.publish(1).await.unwrap();
    writer.close().await.unwrap();
}

pub(super) async fn a_switch_makes_one_version_live_and_the_other_former(
    collection: &dyn Collection,
) {
    with_one_aside(collection).await;
    let before = reader(collection).await;
    switch(collection, 2).await;
    assert_eq!(states(collection).await, [(1, Former), (2, Live)]);
    assert_eq!(live(collection).await, (2, 1));
    assert_eq!(before.count_chunks().await, Ok(5), "it stays with its version");
    // There and back, and to the one that is live already.
    for (number, chunks) in [(1, 5), (2, 1), (2, 1), (1, 5)] {
        switch(collection, number).await;
        assert_eq!(live(collection).await, (number, chunks));
        assert_eq!(
            **reader(collection).await.manifest(),
            if number == 1 { manifest() } else { rebuilt() }
        );
    }
    assert_eq!(states(collection).await, [(1, Live), (2, Former)]);
}

pub(super) async fn a_writer_after_a_switch_writes_the_live_version(collection: &dyn Collection) {
    with_one_aside(collection).await;
    for (number, left) in [(2, 0), (1, 4)] {
        switch(collection, number).await;
        let writer = collection.write().await.unwrap();
        assert_eq!(writer.version().await, Ok(Some(number)));
        let doomed = if number == 2 { "new.md" } else { "src/main.rs" };
        writer.delete_documents(&[doomed.to_owned()]).await.unwrap();
        writer.close().await.unwrap();
        assert_eq!(live(collection).await, (number, left));
    }
    let aside = collection.read_version(2).await.unwrap().unwrap();
    assert_eq!(aside.count_chunks().await, Ok(0), "the other one is as it was left");
}

pub(super) async fn numbers_only_grow(collection: &dyn Collection) {
    filled(collection).await.close().await.unwrap();
    assert_eq!(publish(collection, 1).await, 2);
    switch(collection, 1).await;
    // Beside the newer one, which stays.
    assert_eq!(publish(collection, 2).await, 3);
    assert_eq!(states(collection).await, [(1, Former), (2, Former), (3, Live)]);
    switch(collection, 1).await;
    let writer = collection.write().await.unwrap();
    writer.remove_versions(&[2, 3]).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(states(collection).await, [(1, Live)]);
    let writer = collection.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.set_aside(FormerVersion::Built, 1).await.unwrap();
    assert_eq!(states(collection).await, [(1, Live), (4, Built)]);
    writer.remove_versions(&[4]).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(publish(collection, 1).await, 5, "4 was complete, though it was never live");
}

pub(super) async fn former_versions_go_but_for_those_that_were_live_last(
    collection: &dyn Collection,
) {
    filled(collection).await.close().await.unwrap();
    for keep in [2, 2, 2] {
        publish(collection, keep).await;
    }
    assert_eq!(states(collection).await, [(2, Former), (3, Former), (4, Live)]);
    switch(collection, 2).await;
    // The last ones that were live are 4, and before it 2.
    publish(collection, 2).await;
    assert_eq!(states(collection).await, [(2, Former), (4, Former), (5, Live)]);
    publish(collection, 0).await;
    assert_eq!(states(collection).await, [(6, Live)]);
}

pub(super) async fn a_live_or_missing_version_is_not_removed(collection: &dyn Collection) {
    with_one_aside(collection).await;
    let writer = collection.write().await.unwrap();
    assert_eq!(writer.remove_versions(&[1]).await.unwrap_err().fault, Fault::Permanent);
    for missing in [3, 7] {
        assert_eq!(writer.remove_versions(&[missing]).await.unwrap_err().fault, Fault::NotFound);
        assert_eq!(writer.switch(missing).await.unwrap_err().fault, Fault::NotFound);
    }
    assert_eq!(states(collection).await, [(1, Live), (2, Built)]);
    writer.remove_versions(&[2]).await.unwrap();
    assert_eq!(states(collection).await, [(1, Live)]);
    assert!(collection.read_version(2).await.unwrap().is_none());
    writer.close().await.unwrap();
    assert!(writer.switch(1).await.is_err() && writer.remove_versions(&[1]).await.is_err());
    assert_eq!(live(collection).await, (1, 5));
}

pub(super) async fn an_incomplete_version_is_not_switched_to(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    assert_eq!(states(collection).await, [(1, Live), (2, Unfinished)]);
    assert!(collection.read_version(2).await.unwrap().is_none());
    assert_eq!(writer.switch(2).await.unwrap_err().fault, Fault::NotFound);
    assert_eq!(live(collection).await, (1, 5));
    // Given up: the next writer removes it.
    writer.close().await.unwrap();
    drop((writer, successor));
    collection.write().await.unwrap().close().await.unwrap();
    assert_eq!(states(collection).await, [(1, Live)]);
}

pub(super) async fn a_collection_goes_with_all_its_versions(collection: &dyn Collection) {
    with_one_aside(collection).await;
    publish(collection, 1).await;
    assert_eq!(states(collection).await, [(1, Former), (2, Built), (3, Live)]);
    let writer = collection.write().await.unwrap();
    writer.drop_collection().await.unwrap();
    assert!(collection.read().await.unwrap().is_none());
    assert!(collection.versions().await.unwrap().is_empty());
    fill(&*writer).await;
    assert_eq!(collection.versions().await.unwrap().len(), 1);
    writer.close().await.unwrap();
    assert_eq!(live(collection).await.1, 5);
}

pub(super) async fn a_candidate_goes_when_the_next_one_is_built(collection: &dyn Collection) {
    filled(collection).await.close().await.unwrap();
    for number in [2, 3] {
        let writer = collection.write().await.unwrap();
        let successor = writer.successor().await.unwrap();
        fill_rebuilt(&*successor).await;
        successor.set_aside(FormerVersion::Candidate, 1).await.unwrap();
        writer.close().await.unwrap();
        for _ in ["as it was built", "after another writer"] {
            assert_eq!(states(collection).await, [(1, Live), (number, Candidate)]);
            let aside = collection.read_version(number).await.unwrap().unwrap();
            assert_eq!(aside.count_chunks().await, Ok(1));
            collection.write().await.unwrap().close().await.unwrap();
        }
    }
    assert_eq!(publish(collection, 1).await, 4);
    assert_eq!(states(collection).await, [(1, Former), (4, Live)]);
}

pub(super) async fn a_candidate_that_was_switched_to_stays_as_others_do(
    collection: &dyn Collection,
) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.set_aside(FormerVersion::Candidate, 1).await.unwrap();
    writer.close().await.unwrap();
    switch(collection, 2).await;
    assert_eq!(states(collection).await, [(1, Former), (2, Live)]);
    switch(collection, 1).await;
    assert_eq!(states(collection).await, [(1, Live), (2, Former)]);
}

pub(super) async fn the_log_has_what_was_written_in_its_order(collection: &dyn Collection) {
    assert!(collection.version_log().await.unwrap().is_empty());
    let writer = filled(collection).await;
    for number in 1..=3 {
        writer.log_version(&event(number)).await.unwrap();
    }
    let expected = [1, 2, 3].map(event);
    assert_eq!(collection.version_log().await.unwrap(), expected);
    writer.close().await.unwrap();
    assert!(writer.log_version(&event(4)).await.is_err(), "the right to write was given back");
    assert_eq!(publish(collection, 0).await, 2);
    assert_eq!(collection.version_log().await.unwrap(), expected, "whatever versions there are");
}

pub(super) async fn something_is_taken_out_of_a_version_beside_the_collection(
    collection: &dyn Collection,
) {
    with_one_aside(collection).await;
    let writer = collection.write().await.unwrap();
    assert!(writer.beside(3).await.is_err());
    let beside = writer.beside(2).await.unwrap();
    assert_eq!((beside.version().await, beside.count_chunks().await), (Ok(Some(2)), Ok(1)));
    assert_eq!(beside.manifest().await, Ok(Some(rebuilt())));
    let sources: Vec<String> =
        beside.tally().await.unwrap().into_iter().map(|row| row.source).collect();
    beside.delete_documents(&sources).await.unwrap();
    beside.delete_failures(&sources).await.unwrap();
    beside.scrub().await.unwrap();
    let changed = Manifest { roots: vec!["elsewhere".to_owned()], ..rebuilt() };
    beside.put_manifest(&changed).await.unwrap();
    writer.scrub().await.unwrap();
    writer.close().await.unwrap();
    assert!(beside.delete_documents(&sources).await.is_err(), "it went with the right to write");
    assert_eq!(states(collection).await, [(1, Live), (2, Built)]);
    assert_eq!(live(collection).await, (1, 5));
    let aside = collection.read_version(2).await.unwrap().unwrap();
    assert_eq!(aside.count_chunks().await, Ok(0));
    assert_eq!((aside.documents().await, aside.tally().await), (Ok(vec![]), Ok(vec![])));
    assert_eq!(**aside.manifest(), changed);
    switch(collection, 2).await;
    assert_eq!(live(collection).await, (2, 0));
}
