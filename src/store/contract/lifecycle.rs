//! Contract: a collection is created, changed and removed. Each case closes its writers.

use super::*;

pub(super) async fn a_missing_collection_is_empty(collection: &dyn Collection) {
    assert!(collection.read().await.unwrap().is_none());
    let writer = collection.write().await.unwrap();
    assert_eq!((writer.manifest().await, writer.version().await), (Ok(None), Ok(None)));
    assert_eq!(writer.documents().await, Ok(Vec::new()));
    assert_eq!(writer.count_chunks().await, Ok(0));
    assert_eq!(writer.tally().await, Ok(Vec::new()));
    assert_eq!(writer.failures().await, Ok(Vec::new()));
    assert!(writer.vectors(&[ContentHash::of(b"x")]).await.unwrap().is_empty());
    writer.delete_chunks(&["a.md".to_owned()], &[]).await.unwrap();
    writer.delete_documents(&["a.md".to_owned()]).await.unwrap();
    writer.delete_failures(&["a.md".to_owned()]).await.unwrap();
    writer.drop_collection().await.unwrap();
    writer.flush().await.unwrap();
    let search = writer.search(ask(Some([1.0; 4]), &[])).await;
    assert_eq!(search.unwrap_err().fault, Fault::NotFound);
    assert_eq!(upserted(&*writer, corpus()).await.unwrap_err().fault, Fault::NotFound);
    assert_eq!(writer.put_manifest(&manifest()).await.unwrap_err().fault, Fault::NotFound);
    // The writer reports what failed, and nothing was created.
    let _ = writer.close().await;
    assert!(collection.read().await.unwrap().is_none());
}

pub(super) async fn the_manifest_is_kept_and_replaced(collection: &dyn Collection) {
    let mut manifest = manifest();
    let writer = collection.write().await.unwrap();
    writer.create(&manifest).await.unwrap();
    assert_manifest(collection, &*writer, &manifest).await;
    for number in 0..3 {
        manifest.runs.push(IngestRun {
            run_id: Uuid::from_u128(number),
            started_at: "2026-01-02T00:00:00Z".to_owned(),
            docent: "0.1.0".to_owned(),
            roots: vec!["docs".to_owned(), "Füße".to_owned()],
            partition: None,
        });
    }
    writer.put_manifest(&manifest).await.unwrap();
    assert_manifest(collection, &*writer, &manifest).await;
    manifest.unfinished = Some(manifest.runs.remove(0));
    manifest.roots = vec!["docs".to_owned()];
    writer.put_manifest(&manifest).await.unwrap();
    assert_manifest(collection, &*writer, &manifest).await;
    let again = writer.create(&manifest).await.unwrap_err();
    assert!(again.message.contains("exists already"), "{again}");
    writer.close().await.unwrap();
}

/// The manifest that the writer and a new reader see.
async fn assert_manifest(
    collection: &dyn Collection,
    writer: &dyn CollectionWriter,
    expected: &Manifest,
) {
    assert_eq!(writer.manifest().await.as_ref(), Ok(&Some(expected.clone())));
    assert_eq!(**reader(collection).await.manifest(), *expected);
}

pub(super) async fn a_dropped_collection_is_gone_and_can_come_back(collection: &dyn Collection) {
    let writer = filled(collection).await;
    writer.drop_collection().await.unwrap();
    assert!(collection.read().await.unwrap().is_none());
    assert_eq!((writer.manifest().await, writer.version().await), (Ok(None), Ok(None)));
    assert_eq!(writer.count_chunks().await, Ok(0));
    writer.create(&manifest()).await.unwrap();
    assert_manifest(collection, &*writer, &manifest()).await;
    assert_eq!(writer.count_chunks().await, Ok(0));
    assert_eq!(writer.documents().await, Ok(Vec::new()));
    writer.close().await.unwrap();
}

pub(super) fn rebuilt() -> Manifest {
    let mut manifest = manifest();
    manifest.embedder.name = "openai:another".to_owned();
    manifest.embedder.dimensions = 2;
    manifest
}

pub(super) async fn fill_rebuilt(successor: &dyn CollectionWriter) {
    successor.create(&rebuilt()).await.unwrap();
    let new = Point {
        dense: Some(vec![0.6, 0.8]),
        ..point(chunk("new.md", 0, "rebuilt"), [0.0; 4], &[(7, 1.0)])
    };
    successor.upsert(vec![new]).await.unwrap();
    successor.put_documents(&[document("new.md", 1)]).await.unwrap();
    successor.flush().await.unwrap();
    successor.optimize().await.unwrap();
}

pub(super) async fn a_successor_takes_the_place_of_the_collection(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    assert_eq!((successor.manifest().await, successor.version().await), (Ok(None), Ok(None)));
    assert_eq!(successor.documents().await, Ok(Vec::new()));
    drop(successor.begin().await);
    fill_rebuilt(&*successor).await;
    successor.put_manifest(&rebuilt()).await.unwrap();

    assert_manifest(collection, &*writer, &manifest()).await;
    assert_eq!((writer.count_chunks().await, successor.count_chunks().await), (Ok(5), Ok(1)));
    // The former version still provides what can be reused.
    let hash = [corpus()[0].chunk.chunk_hash.clone()];
    assert_eq!(writer.vectors(&hash).await.unwrap().len(), 1);

    successor.publish(0).await.unwrap();
    assert_manifest(collection, &*successor, &rebuilt()).await;
    let reader = reader(collection).await;
    assert_eq!((reader.version(), successor.version().await), (2, Ok(Some(2))));
    for store in [&*reader, &*successor as &dyn VectorStore] {
        assert_eq!(store.documents().await, Ok(vec![document("new.md", 1)]));
        let request =
            SearchRequest { dense: Some(vec![0.6, 0.8]), limit: 9, ..SearchRequest::default() };
        let legs = store.search(request).await.unwrap();
        assert_eq!(texts(&legs, &legs.dense), ["rebuilt"]);
        assert!(store.vectors(&hash).await.unwrap().is_empty());
    }
    assert!(successor.publish(0).await.is_err(), "it is published already");
    // And so on.
    let third = successor.successor().await.unwrap();
    third.create(&manifest()).await.unwrap();
    third.publish(0).await.unwrap();
    assert_manifest(collection, &*third, &manifest()).await;
    assert_eq!(third.count_chunks().await, Ok(0));
    third.close().await.unwrap();
}

pub(super) async fn a_successor_that_is_given_up_changes_nothing(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    successor.drop_collection().await.unwrap();
    assert_eq!(successor.manifest().await, Ok(None));
    assert!(successor.publish(0).await.is_err());
    assert_manifest(collection, &*writer, &manifest()).await;
    assert_eq!(writer.count_chunks().await, Ok(5));
    assert!(writer.publish(0).await.is_err(), "only a successor can be published");
    writer.close().await.unwrap();
}

pub(super) async fn a_successor_of_nothing_becomes_the_first(collection: &dyn Collection) {
    let writer = collection.write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    assert_eq!(writer.manifest().await, Ok(None));
    assert!(collection.read().await.unwrap().is_none());
    successor.publish(0).await.unwrap();
    assert_manifest(collection, &*successor, &rebuilt()).await;
    successor.close().await.unwrap();
}

pub(super) async fn a_successor_has_no_successor_until_it_is_published(
    collection: &dyn Collection,
) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    let error = successor.successor().await.err().unwrap();
    assert_eq!(error.fault, Fault::Permanent);
    successor.publish(0).await.unwrap();
    assert!(successor.successor().await.is_ok());
    writer.close().await.unwrap();
}

pub(super) async fn versions_are_numbered_upwards(collection: &dyn Collection) {
    let mut writer = filled(collection).await;
    for number in 1..5 {
        assert_eq!(writer.version().await, Ok(Some(number)));
        assert_eq!(reader(collection).await.version(), number);
        // By this writer, or by the next one.
        if number % 2 == 0 {
            writer.close().await.unwrap();
            writer = collection.write().await.unwrap();
        }
        let successor = writer.successor().await.unwrap();
        successor.create(&manifest()).await.unwrap();
        successor.publish(0).await.unwrap();
        writer = successor;
    }
    writer.close().await.unwrap();
}

pub(super) async fn the_right_to_write_is_taken_again_after_it_was_given_back(
    collection: &dyn Collection,
) {
    let first = collection.write().await.unwrap();
    assert!(collection.read().await.unwrap().is_none(), "writing begins without a collection");
    first.close().await.unwrap();
    let second = filled(collection).await;
    second.close().await.unwrap();
    let third = collection.write().await.unwrap();
    assert_eq!(third.count_chunks().await, Ok(5));
    assert_eq!(third.manifest().await, Ok(Some(manifest())));
    third.close().await.unwrap();
}

pub(super) async fn closing_twice_is_closing_once(collection: &dyn Collection) {
    let first = filled(collection).await;
    first.close().await.unwrap();
    first.close().await.unwrap();
    let second = collection.write().await.unwrap();
    assert_eq!(first.close().await, Ok(()));
    // It does not give back the right of the other writer.
    second.delete_documents(&["src/main.rs".to_owned()]).await.unwrap();
    second.flush().await.unwrap();
    second.close().await.unwrap();
    assert_eq!(reader(collection).await.count_chunks().await, Ok(4));
}

pub(super) async fn a_closed_writer_refuses_to_write(collection: &dyn Collection) {
    let writer = filled(collection).await;
    writer.close().await.unwrap();
    let sources = ["src/main.rs".to_owned()];
    let refused = [
        writer.create(&manifest()).await,
        writer.put_manifest(&rebuilt()).await,
        writer.drop_collection().await,
        upserted(&*writer, corpus()).await,
        writer.put_documents(&[document("new.md", 1)]).await,
        writer.delete_chunks(&sources, &[]).await,
        writer.delete_documents(&sources).await,
        writer.put_failures(&[records::failure("new.md", "damaged")]).await,
        writer.delete_failures(&sources).await,
        writer.flush().await,
        writer.optimize().await,
        writer.publish(0).await,
        writer.successor().await.map(drop),
    ];
    for (number, outcome) in refused.into_iter().enumerate() {
        assert_eq!(outcome.unwrap_err().fault, Fault::Permanent, "{number}");
    }
    let reader = reader(collection).await;
    assert_eq!(**reader.manifest(), manifest());
    assert_eq!((reader.count_chunks().await, reader.failures().await), (Ok(5), Ok(Vec::new())));
    assert_eq!(reader.documents().await.unwrap().len(), 3);
    // And it did not keep the next one from writing.
    let next = collection.write().await.unwrap();
    next.delete_documents(&sources).await.unwrap();
    next.close().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(4));
}

pub(super) async fn whatever_writes_is_closed_with_the_writer(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let successor = writer.successor().await.unwrap();
    fill_rebuilt(&*successor).await;
    writer.close().await.unwrap();
    assert!(upserted(&*successor, Vec::new()).await.is_err());
    assert!(successor.publish(0).await.is_err());
    assert_eq!(**reader(collection).await.manifest(), manifest());
    // The next one begins where the collection is.
    let next = collection.write().await.unwrap();
    let other = next.successor().await.unwrap();
    assert_eq!((other.manifest().await, other.count_chunks().await), (Ok(None), Ok(0)));
    fill_rebuilt(&*other).await;
    assert_eq!(other.count_chunks().await, Ok(1));
    other.publish(0).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(reader(collection).await.count_chunks().await, Ok(1));
}

/// Beside a collection, and where there is none.
pub(super) async fn a_successor_that_was_cut_off_is_resumed_by_its_run_alone(
    collection: &dyn Collection,
) {
    let run = |number: u128| IngestRun {
        run_id: Uuid::from_u128(number),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: None,
    };
    let again = async |number| collection.write_again(run(number).run_id).await.unwrap();
    let begun = |number| Manifest { unfinished: Some(run(number)), ..manifest() };
    let one = |text: &str| vec![point(chunk("a.md", 0, text), [1.0, 0.0, 0.0, 0.0], &[(7, 1.0)])];
    // Updates that became durable, and an end without publishing the version.
    let cut_off = async |number| {
        let writer = again(number).await;
        assert!(writer.resume(run(number).run_id).await.unwrap().is_none());
        let successor = writer.successor().await.unwrap();
        successor.create(&begun(number)).await.unwrap();
        upserted(&*successor, one("first")).await.unwrap();
        writer.close().await.unwrap();
    };
    for published in [0, 1] {
        cut_off(7).await;
        let seen = collection.read().await.unwrap();
        assert_eq!(seen.map(|reader| reader.version()), (published > 0).then_some(published));
        let writer = again(7).await;
        let left = writer.resume(run(7).run_id).await.unwrap().unwrap();
        assert_eq!(left.manifest().await, Ok(Some(begun(7))));
        assert_eq!(left.count_chunks().await, Ok(1));
        upserted(&*left, one("second")).await.unwrap();
        let page = ChunkPage { limit: 9, ..ChunkPage::default() };
        assert_eq!(left.points(page).await.unwrap().points.len(), 2);
        left.put_manifest(&manifest()).await.unwrap();
        left.publish(0).await.unwrap();
        writer.close().await.unwrap();
        let reader = reader(collection).await;
        assert_eq!((reader.version(), reader.count_chunks().await), (published + 1, Ok(2)));
        assert_eq!(**reader.manifest(), manifest());
    }
    for other in [Some(8), None] {
        cut_off(9).await;
        match other {
            Some(other) => again(other).await.close().await.unwrap(),
            None => collection.write().await.unwrap().close().await.unwrap(),
        }
        let writer = again(9).await;
        assert!(writer.resume(run(9).run_id).await.unwrap().is_none(), "it was removed");
        writer.close().await.unwrap();
    }
}
