//! A writer that is killed after any step: a reader sees the old or the new state of each document.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;

use super::*;
use crate::store::Intent;
use crate::store::contract::cutoff::{self, Version};

/// Copies of a collection, each in the state that a kill would leave at that moment.
#[derive(Default)]
struct Copies(RefCell<Option<tempfile::TempDir>>);

impl Copies {
    /// Replaces the previous copy, which was read.
    async fn after_a_kill(&self, dir: &Path) -> CollectionReader {
        let crashed = tempfile::tempdir().unwrap();
        copy(dir, crashed.path());
        let reader = reader(crashed.path()).await;
        self.0.replace(Some(crashed));
        reader
    }
}

macro_rules! after_any_step {
    ($($case:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            let (dir, store) = embedded();
            let (writer, copies) = (write(&store).await, Copies::default());
            cutoff::$case(&writer, async || copies.after_a_kill(dir.path()).await).await;
        })*
    };
}

after_any_step!(
    a_document_is_replaced,
    a_document_is_read_otherwise,
    a_document_is_replaced_by_one_run_after_another,
    documents_come_and_go,
    a_document_moves,
);

/// A new document of several batches, and other readers in this process in between.
#[tokio::test]
async fn nothing_is_seen_of_a_document_that_is_under_way() {
    let (_dir, store) = embedded();
    let writer = write(&store).await;
    let old = Version::new(1, &["one"]);
    cutoff::begin(&writer, &old).await;
    let new = Version::named("b.md", 2, &["two", "three"]);
    let (first, second) = new.points.split_at(1);
    let seen = async || cutoff::seen(&store.read().await.unwrap().unwrap()).await;
    writer.will_store(&[Intent { in_parts: true, ..new.new_one() }]).await.unwrap();
    writer.upsert(first.to_vec()).await.unwrap();
    assert_eq!(seen().await, old.chunks());
    // Another process had its turn meanwhile.
    store.shared.shards.write().await.take(|_, _| true);
    assert_eq!(seen().await, old.chunks());
    assert_eq!(writer.count_chunks().await, Ok(2), "its writer sees what there is");
    writer.upsert(second.to_vec()).await.unwrap();
    new.commit(&writer).await;
    writer.have_stored(&["b.md".to_owned()]).await.unwrap();
    assert_eq!(seen().await, [old.chunks(), new.chunks()].concat());
}

/// Of one flush, the record is there, and one of the chunks is not.
#[tokio::test]
async fn a_record_that_came_before_its_chunks_is_not_believed() {
    let (dir, store) = embedded();
    let copies = Copies::default();
    let writer = write(&store).await;
    let old = Version::new(1, &["one", "two"]);
    cutoff::begin(&writer, &old).await;
    let changed = Version::new(2, &["two", "three"]);
    writer.will_store(&[changed.changed()]).await.unwrap();
    let new = Version::named("b.md", 2, &["four", "five"]);
    writer.will_store(&[new.new_one()]).await.unwrap();
    for version in [&changed, &new] {
        writer.upsert(version.points[..1].to_vec()).await.unwrap();
        version.commit(&writer).await;
    }
    writer.flush().await.unwrap();
    let reader = copies.after_a_kill(dir.path()).await;
    assert_eq!(cutoff::seen(&reader).await, old.chunks());
    let rest = [&changed, &new].map(|version| version.points[1..].to_vec()).concat();
    writer.upsert(rest).await.unwrap();
    writer.flush().await.unwrap();
    let reader = copies.after_a_kill(dir.path()).await;
    assert_eq!(cutoff::seen(&reader).await, [changed.chunks(), new.chunks()].concat());
}

/// The next run writes where a kill has left half a line.
#[tokio::test]
async fn intents_are_read_past_half_a_line_left_by_a_kill() {
    let (dir, store) = embedded();
    let writer = write(&store).await;
    let old = Version::new(1, &["one", "two"]);
    cutoff::begin(&writer, &old).await;
    let path = store.shared.layout.version(1).join("intents.jsonl");
    for (run, texts) in [(2, ["two", "three"]), (3, ["two", "four"])] {
        let new = Version::new(run, &texts);
        writer.will_store(&[new.changed()]).await.unwrap();
        let text = fs::read(&path).unwrap();
        fs::write(&path, [&text[..], &text[..text.len() / 2]].concat()).unwrap();
        writer.upsert(new.points.clone()).await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(
            cutoff::seen(&Copies::default().after_a_kill(dir.path()).await).await,
            old.chunks()
        );
    }
}

/// The state after a kill between writing a merged segment and removing its parts.
#[tokio::test]
async fn points_left_twice_by_a_kill_in_a_merge_are_counted_once_and_repaired_by_the_next_writer() {
    let old = Version::new(1, &["one", "two", "three"]);
    let (dir, store) = embedded();
    let writer = write(&store).await;
    cutoff::begin(&writer, &old).await;
    writer.close().await.unwrap();
    let version = open(dir.path()).shared.layout.version(1);
    let segments = layout::shard(&version).join("segments");
    let biggest = fs::read_dir(&segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| super::size(path))
        .unwrap();
    for number in 0..2 {
        copy(&biggest, &segments.join(Uuid::from_u128(number).to_string()));
    }
    assert_eq!(cutoff::seen(&Copies::default().after_a_kill(dir.path()).await).await, old.chunks());
    let store = open(dir.path());
    let writer = write(&store).await;
    assert_eq!(writer.count_chunks().await, Ok(3));
    writer.flush().await.unwrap();
    assert_eq!(cutoff::seen(&Copies::default().after_a_kill(dir.path()).await).await, old.chunks());
}
