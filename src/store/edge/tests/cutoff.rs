//! A writer that is killed after any step: what a reader sees of a document is its old state or its
//! new one.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::chunks_of;
use crate::types::{Chunk, Run};

const SOURCE: &str = "a.md";

/// A version of the document, with these texts.
fn version(hash: &str, texts: &[&str]) -> (Vec<Point>, DocumentRecord) {
    let document_hash = ContentHash::of(hash.as_bytes());
    let one = |(ordinal, text): (usize, &&str)| {
        let chunk = chunk(SOURCE, ordinal as u32, text);
        let chunk = Chunk { document_hash: document_hash.clone(), ..chunk };
        point(chunk, [1.0, ordinal as f32, 0.0, 1.0], &[(7, 1.0)])
    };
    let points: Vec<Point> = texts.iter().enumerate().map(one).collect();
    let chunks = points.len() as u32;
    (points, DocumentRecord { document_hash, chunks, ..listing::record(SOURCE, chunks) })
}

fn run() -> Run {
    Run {
        run_id: Uuid::nil(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
    }
}

/// What others see after a kill right now, in every way that they look: the chunks of the document.
async fn seen(dir: &Path) -> Vec<Chunk> {
    let crashed = tempfile::tempdir().unwrap();
    copy(dir, crashed.path());
    let reader = reader(crashed.path()).await;
    let chunks = chunks_of(&*reader, SOURCE).await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(chunks.len() as u64));
    let sparse = SparseVector { indices: vec![7], values: vec![1.0] };
    let request = SearchRequest { sparse: Some(sparse), ..nearest(100) };
    let legs = reader.search(request).await.unwrap();
    for leg in [&legs.dense, &legs.sparse] {
        let mut found: Vec<Chunk> = leg.iter().map(|hit| legs.chunks[&hit.id].clone()).collect();
        found.sort_by_key(|chunk| chunk.ordinal);
        assert_eq!(found, chunks);
    }
    chunks
}

fn chunks(points: &[Point]) -> Vec<Chunk> {
    points.iter().map(|point| point.chunk.clone()).collect()
}

/// A collection with the old version of the document, and a run that has begun.
async fn begun(old: &(Vec<Point>, DocumentRecord)) -> (tempfile::TempDir, View) {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(old.0.clone()).await.unwrap();
    writer.put_documents(std::slice::from_ref(&old.1)).await.unwrap();
    writer.optimize().await.unwrap();
    let unfinished = Manifest { unfinished: Some(run()), ..manifest() };
    writer.put_manifest(&unfinished).await.unwrap();
    (dir, writer)
}

#[tokio::test]
async fn of_a_document_that_is_replaced_the_old_state_or_the_new_one_is_seen() {
    let old = version("old", &["one", "two", "three", "four"]);
    // One chunk comes first, one is gone, one moved, and one is where it was.
    let new = version("new", &["zero", "two", "one", "four", "five"]);
    let (dir, writer) = begun(&old).await;
    let cut = async |expected: &[Point]| {
        writer.flush().await.unwrap();
        assert_eq!(seen(dir.path()).await, chunks(expected));
    };
    cut(&old.0).await;
    let ids: Vec<Uuid> = new.0.iter().map(|point| point.chunk.id()).collect();
    writer.will_replace(&ids).await.unwrap();
    for point in &new.0 {
        writer.upsert(vec![point.clone()]).await.unwrap();
        cut(&old.0).await;
    }
    writer.put_documents(std::slice::from_ref(&new.1)).await.unwrap();
    cut(&new.0).await;
    writer.delete_chunks(&[SOURCE.to_owned()], &ids).await.unwrap();
    cut(&new.0).await;
    writer.optimize().await.unwrap();
    cut(&new.0).await;
}

/// The next run is killed too, before it came to the document, or on the way to a third version.
#[tokio::test]
async fn a_second_kill_leaves_the_old_state_too() {
    let old = version("old", &["one", "two", "three"]);
    let half = version("half", &["two", "one"]);
    let new = version("new", &["three", "one", "two"]);
    let (dir, writer) = begun(&old).await;
    for (points, _) in [&half, &new] {
        let ids: Vec<Uuid> = points.iter().map(|point| point.chunk.id()).collect();
        writer.will_replace(&ids).await.unwrap();
        writer.upsert(points[..2].to_vec()).await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(seen(dir.path()).await, chunks(&old.0));
    }
}

#[tokio::test]
async fn of_a_document_that_is_new_or_taken_out_nothing_is_seen_or_all() {
    let old = version("old", &["one", "two", "three"]);
    let (dir, writer) = begun(&old).await;
    writer.delete_documents(&[SOURCE.to_owned()]).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(seen(dir.path()).await, []);
    writer.upsert(old.0[..2].to_vec()).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(seen(dir.path()).await, []);
    writer.upsert(old.0[2..].to_vec()).await.unwrap();
    writer.put_documents(std::slice::from_ref(&old.1)).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(seen(dir.path()).await, chunks(&old.0));
}

/// As a kill leaves it between the writing of a merged segment and the removal of what it is made of.
#[tokio::test]
async fn what_a_kill_in_a_merge_left_twice_is_counted_once_and_mended_by_the_next_writer() {
    let old = version("old", &["one", "two", "three"]);
    let (dir, writer) = begun(&old).await;
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
    assert_eq!(seen(dir.path()).await, chunks(&old.0));
    let store = open(dir.path());
    let writer = write(&store).await;
    assert_eq!(writer.count_chunks().await, Ok(3));
    writer.flush().await.unwrap();
    assert_eq!(seen(dir.path()).await, chunks(&old.0));
}
