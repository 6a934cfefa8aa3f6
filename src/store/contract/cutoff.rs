//! Contract: a writer that is killed after any step. A reader sees the old or the new state of each document.
//!
//! Each store has its own way of looking at a collection that nobody writes any longer.

use super::*;
use crate::store::{Intent, Moved};

const SOURCE: &str = "a.md";

/// A version of a document.
pub(in crate::store) struct Version {
    pub(in crate::store) points: Vec<Point>,
    record: DocumentRecord,
}

impl Version {
    /// With these texts, written by the run with this number.
    pub(in crate::store) fn new(run: u128, texts: &[&str]) -> Self {
        Self::of(SOURCE, run, &run.to_string(), texts)
    }

    pub(in crate::store) fn named(source: &str, run: u128, texts: &[&str]) -> Self {
        Self::of(source, run, source, texts)
    }

    fn of(source: &str, run: u128, content: &str, texts: &[&str]) -> Self {
        let document_hash = ContentHash::of(content.as_bytes());
        let one = |(ordinal, text): (usize, &&str)| {
            let chunk = chunk(source, ordinal as u32, text);
            let chunk = Chunk { document_hash: document_hash.clone(), ..chunk };
            point(chunk, [1.0, ordinal as f32, 0.0, 1.0], &[(7, 1.0)])
        };
        let points: Vec<Point> = texts.iter().enumerate().map(one).collect();
        let record = document(source, points.len() as u32);
        let record = DocumentRecord { document_hash, run_id: Uuid::from_u128(run), ..record };
        Self { points, record }
    }

    pub(in crate::store) fn chunks(&self) -> Vec<Chunk> {
        self.points.iter().map(|point| point.chunk.clone()).collect()
    }

    fn ids(&self) -> Vec<Uuid> {
        self.points.iter().map(|point| point.chunk.id()).collect()
    }

    pub(in crate::store) fn new_one(&self) -> Intent {
        Intent {
            source: self.record.source.clone(),
            run_id: self.record.run_id,
            replaces_all_but: None,
            moved_from: None,
            in_parts: false,
        }
    }

    pub(in crate::store) fn changed(&self) -> Intent {
        Intent { replaces_all_but: Some(self.ids()), ..self.new_one() }
    }

    fn moved_from(&self, other: &Self) -> Intent {
        let DocumentRecord { source, run_id, .. } = &other.record;
        let moved = Moved { source: source.clone(), run_id: *run_id };
        Intent { moved_from: Some(moved), ..self.new_one() }
    }

    pub(in crate::store) async fn commit(&self, writer: &dyn CollectionWriter) {
        writer.put_documents(std::slice::from_ref(&self.record)).await.unwrap();
    }
}

/// A collection with this document, and a run that has begun.
pub(in crate::store) async fn begin(writer: &dyn CollectionWriter, old: &Version) {
    writer.create(&manifest()).await.unwrap();
    writer.upsert(old.points.clone()).await.unwrap();
    old.commit(writer).await;
    writer.optimize().await.unwrap();
    let run = IngestRun {
        run_id: Uuid::nil(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: None,
    };
    writer.put_manifest(&Manifest { unfinished: Some(run), ..manifest() }).await.unwrap();
}

/// The chunks of all documents, as seen in every way of reading them.
pub(in crate::store) async fn seen(reader: &CollectionReader) -> Vec<Chunk> {
    let all = ChunkPage { limit: 1_000, ..ChunkPage::default() };
    let mut chunks = reader.chunks(all).await.unwrap().chunks;
    let place = |chunk: &Chunk| (chunk.source.clone(), chunk.ordinal, chunk.id());
    chunks.sort_by_key(place);
    assert_eq!(reader.count_chunks().await, Ok(chunks.len() as u64));
    let request = SearchRequest { limit: 1_000, ..ask(Some([1.0; 4]), &[(7, 1.0)]) };
    let legs = reader.search(request).await.unwrap();
    for leg in [&legs.dense, &legs.sparse] {
        let mut found: Vec<Chunk> = leg.iter().map(|hit| legs.chunks[&hit.id].clone()).collect();
        found.sort_by_key(place);
        assert_eq!(found, chunks);
    }
    chunks
}

/// What is seen when everything so far is stored, and nothing follows.
async fn cut(
    writer: &dyn CollectionWriter,
    look: &impl AsyncFn() -> CollectionReader,
) -> Vec<Chunk> {
    writer.flush().await.unwrap();
    seen(&look().await).await
}

pub(in crate::store) async fn a_document_is_replaced(
    writer: &dyn CollectionWriter,
    look: impl AsyncFn() -> CollectionReader,
) {
    let old = Version::new(1, &["one", "two", "three", "four"]);
    // One chunk comes first, one is gone, one moved, and one is where it was.
    let new = Version::new(2, &["zero", "two", "one", "four", "five"]);
    begin(writer, &old).await;
    replace(writer, &look, &old, &new).await;
}

/// For example, read again with other settings: the content is the same, and the chunks are different.
pub(in crate::store) async fn a_document_is_read_otherwise(
    writer: &dyn CollectionWriter,
    look: impl AsyncFn() -> CollectionReader,
) {
    let old = Version::of(SOURCE, 1, "same", &["one", "two", "three"]);
    let new = Version::of(SOURCE, 2, "same", &["two", "one and three", "one"]);
    begin(writer, &old).await;
    replace(writer, &look, &old, &new).await;
}

async fn replace(
    writer: &dyn CollectionWriter,
    look: &impl AsyncFn() -> CollectionReader,
    old: &Version,
    new: &Version,
) {
    assert_eq!(cut(writer, look).await, old.chunks());
    writer.will_store(&[new.changed()]).await.unwrap();
    assert_eq!(cut(writer, look).await, old.chunks());
    for point in &new.points {
        writer.upsert(vec![point.clone()]).await.unwrap();
        assert_eq!(cut(writer, look).await, old.chunks());
    }
    new.commit(writer).await;
    assert_eq!(cut(writer, look).await, new.chunks());
    writer.delete_chunks(&[SOURCE.to_owned()], &new.ids()).await.unwrap();
    assert_eq!(cut(writer, look).await, new.chunks());
    writer.have_stored(&[SOURCE.to_owned()]).await.unwrap();
    assert_eq!(cut(writer, look).await, new.chunks());
    writer.optimize().await.unwrap();
    writer.put_manifest(&manifest()).await.unwrap();
    assert_eq!(cut(writer, look).await, new.chunks());
}

/// The next run is killed too, on the way to a third version, and so is the one after it.
pub(in crate::store) async fn a_document_is_replaced_by_one_run_after_another(
    writer: &dyn CollectionWriter,
    look: impl AsyncFn() -> CollectionReader,
) {
    let old = Version::new(1, &["one", "two", "three"]);
    let half = Version::new(2, &["two", "one", "four"]);
    let new = Version::new(3, &["three", "one", "two", "four", "five"]);
    let last = Version::new(4, &["five", "one", "six"]);
    begin(writer, &old).await;
    for version in [&half, &new] {
        writer.will_store(&[version.changed()]).await.unwrap();
        writer.upsert(version.points[..2].to_vec()).await.unwrap();
        assert_eq!(cut(writer, &look).await, old.chunks());
    }
    writer.upsert(new.points[2..].to_vec()).await.unwrap();
    new.commit(writer).await;
    assert_eq!(cut(writer, &look).await, new.chunks());
    writer.will_store(&[last.changed()]).await.unwrap();
    writer.upsert(last.points.clone()).await.unwrap();
    assert_eq!(cut(writer, &look).await, new.chunks());
    last.commit(writer).await;
    assert_eq!(cut(writer, &look).await, last.chunks());
}

pub(in crate::store) async fn documents_come_and_go(
    writer: &dyn CollectionWriter,
    look: impl AsyncFn() -> CollectionReader,
) {
    let old = Version::new(1, &["one", "two", "three"]);
    let new = Version::named("b.md", 2, &["four", "five", "six"]);
    begin(writer, &old).await;
    writer.will_store(&[Intent { in_parts: true, ..new.new_one() }]).await.unwrap();
    for point in &new.points {
        writer.upsert(vec![point.clone()]).await.unwrap();
        assert_eq!(cut(writer, &look).await, old.chunks());
    }
    new.commit(writer).await;
    let both = [old.chunks(), new.chunks()].concat();
    assert_eq!(cut(writer, &look).await, both);
    writer.have_stored(&["b.md".to_owned()]).await.unwrap();
    assert_eq!(cut(writer, &look).await, both);
    writer.delete_documents(&[SOURCE.to_owned()]).await.unwrap();
    assert_eq!(cut(writer, &look).await, new.chunks());
    // What is left of a deleted document comes back.
    writer.will_store(&[old.changed()]).await.unwrap();
    writer.upsert(old.points[..2].to_vec()).await.unwrap();
    assert_eq!(cut(writer, &look).await, new.chunks());
    writer.upsert(old.points[2..].to_vec()).await.unwrap();
    old.commit(writer).await;
    assert_eq!(cut(writer, &look).await, both);
}

pub(in crate::store) async fn a_document_moves(
    writer: &dyn CollectionWriter,
    look: impl AsyncFn() -> CollectionReader,
) {
    let old = Version::new(1, &["one", "two", "three"]);
    let moved = Version::of("moved.md", 2, "1", &["one", "two", "three"]);
    begin(writer, &old).await;
    let documents = async || {
        let records = look().await.documents().await.unwrap();
        records.into_iter().map(|record| record.source).collect::<Vec<_>>()
    };
    writer.will_store(&[moved.moved_from(&old)]).await.unwrap();
    for point in &moved.points {
        writer.upsert(vec![point.clone()]).await.unwrap();
        assert_eq!(cut(writer, &look).await, old.chunks());
    }
    assert_eq!(documents().await, [SOURCE]);
    moved.commit(writer).await;
    assert_eq!(cut(writer, &look).await, moved.chunks());
    assert_eq!(documents().await, ["moved.md"]);
    writer.delete_documents(&[SOURCE.to_owned()]).await.unwrap();
    assert_eq!(cut(writer, &look).await, moved.chunks());
    // Another document takes the name.
    let other = Version::of(SOURCE, 3, "other", &["seven"]);
    writer.will_store(&[other.new_one()]).await.unwrap();
    writer.upsert(other.points.clone()).await.unwrap();
    assert_eq!(cut(writer, &look).await, moved.chunks());
    other.commit(writer).await;
    assert_eq!(cut(writer, &look).await, [other.chunks(), moved.chunks()].concat());
}

/// Runs each on both kinds of server: a writer there keeps nobody out, so readers beside it see what they see
/// after a kill.
macro_rules! on_servers {
    ($($case:ident),* $(,)?) => {
        mod scripted {
            $(#[tokio::test]
            async fn $case() {
                let store = crate::store::scripted::well_behaved();
                let writer = super::Collection::write(&store).await.unwrap();
                super::$case(&*writer, async || super::reader(&store).await).await;
                writer.close().await.unwrap();
            })*
        }

        mod on_server {
            $(#[tokio::test]
            async fn $case() {
                let Some(store) = crate::store::contract::on_server() else { return };
                let writer = super::Collection::write(&store).await.unwrap();
                super::$case(&*writer, async || super::reader(&store).await).await;
                writer.close().await.unwrap();
                crate::store::contract::remove(&store).await;
            })*
        }
    };
}

on_servers!(
    a_document_is_replaced,
    a_document_is_read_otherwise,
    a_document_is_replaced_by_one_run_after_another,
    documents_come_and_go,
    a_document_moves,
);
