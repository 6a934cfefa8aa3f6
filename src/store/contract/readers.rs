//! Contract: a reader sees one version, whatever happens to the collection.

use super::*;

/// For another embedder, whose vectors could be taken for those of the first.
fn rebuilt() -> Manifest {
    let mut manifest = manifest();
    manifest.embedder.name = "openai:another".to_owned();
    manifest
}

/// The successor of the collection, complete: one chunk, whose vector is the best for any question.
async fn successor_of(writer: &dyn CollectionWriter) -> Arc<dyn CollectionWriter> {
    let successor = writer.successor().await.unwrap();
    successor.create(&rebuilt()).await.unwrap();
    let new = point(chunk("new.md", 0, "rebuilt"), [1.0, 0.0, 0.0, 0.0], &[(7, 9.0)]);
    successor.upsert(vec![new]).await.unwrap();
    successor.put_documents(&[document("new.md", 1)]).await.unwrap();
    successor.flush().await.unwrap();
    successor
}

fn question() -> SearchRequest {
    ask(Some([1.0, 0.0, 0.0, 0.0]), &[(7, 1.0)])
}

const FORMER: [&str; 2] = ["kept for 400 days", "POST /v1/restore"];

/// All that was found by words.
fn found(legs: &Legs) -> Vec<&str> {
    texts(legs, &legs.sparse)
}

async fn assert_new(reader: &CollectionReader) {
    assert_eq!((reader.version(), &**reader.manifest()), (2, &rebuilt()));
    let legs = reader.search(question()).await.unwrap();
    assert_eq!((found(&legs), texts(&legs, &legs.dense)), (vec!["rebuilt"], vec!["rebuilt"]));
    assert_eq!(reader.documents().await, Ok(vec![document("new.md", 1)]));
}

/// `Ok` where the reader answered, `Err` where it reported that its version is gone.
fn of_former<T: PartialEq + std::fmt::Debug>(answer: Result<T, BackendError>, former: &T) -> bool {
    match answer {
        Ok(answer) => assert_eq!(&answer, former),
        Err(error) => {
            assert_eq!(error.fault, Fault::Replaced, "{error}");
            assert!(error.message.contains("was rebuilt"), "{error}");
            return false;
        }
    }
    true
}

/// The former answers to everything that can be asked.
struct Answers {
    legs: Legs,
    documents: Vec<DocumentRecord>,
    failures: Vec<FailureRecord>,
    tally: Vec<ChunkTally>,
    vector: Vec<f32>,
    chunks: u64,
}

impl Answers {
    async fn of(store: &dyn VectorStore) -> Self {
        let hash = corpus()[0].chunk.chunk_hash.clone();
        Self {
            legs: store.search(question()).await.unwrap(),
            documents: store.documents().await.unwrap(),
            failures: store.failures().await.unwrap(),
            tally: store.tally().await.unwrap(),
            vector: store.vectors(std::slice::from_ref(&hash)).await.unwrap()[&hash].clone(),
            chunks: store.count_chunks().await.unwrap(),
        }
    }

    /// Asks again. Returns whether everything was answered as before, by the same version; otherwise nothing
    /// may have been answered.
    async fn are_still_those_of(&self, reader: &CollectionReader) -> bool {
        assert_eq!((reader.version(), &**reader.manifest()), (1, &manifest()));
        let hash = corpus()[0].chunk.chunk_hash.clone();
        let vectors = reader.vectors(std::slice::from_ref(&hash)).await;
        let answered = [
            of_former(reader.search(question()).await, &self.legs),
            of_former(reader.documents().await, &self.documents),
            of_former(reader.failures().await, &self.failures),
            of_former(reader.tally().await, &self.tally),
            of_former(vectors.map(|found| found[&hash].clone()), &self.vector),
            of_former(reader.count_chunks().await, &self.chunks),
        ];
        assert!(answered.iter().all(|one| *one == answered[0]), "{answered:?}");
        answered[0]
    }
}

pub(super) async fn a_reader_finds_what_the_writer_wrote(collection: &dyn Collection) {
    let writer = filled(collection).await;
    writer.put_failures(&[records::failure("scan.pdf", "encrypted")]).await.unwrap();
    writer.flush().await.unwrap();
    let reader = reader(collection).await;
    assert_eq!((reader.version(), &**reader.manifest()), (1, &manifest()));
    assert_eq!(reader.endpoint(), collection.endpoint());
    let written = Answers::of(&*writer).await;
    assert_eq!((found(&written.legs), written.chunks), (FORMER.to_vec(), 5));
    assert!(written.are_still_those_of(&reader).await);
    // The same reader sees what is written later, too.
    writer.delete_documents(&["src/main.rs".to_owned()]).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(4));
    writer.close().await.unwrap();
    assert_eq!(reader.count_chunks().await, Ok(4));
}

pub(super) async fn a_reader_is_of_the_version_that_it_was_taken_of(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let former = reader(collection).await;
    let answers = Answers::of(&*writer).await;
    let successor = successor_of(&*writer).await;
    assert!(answers.are_still_those_of(&former).await, "nobody sees a version that is being built");
    writer.close().await.unwrap();
    drop(successor);

    // Built by another writer, and never asked since.
    let writer = collection.write().await.unwrap();
    let successor = successor_of(&*writer).await;
    successor.publish(0).await.unwrap();
    answers.are_still_those_of(&former).await;
    let later = reader(collection).await;
    assert_new(&later).await;
    answers.are_still_those_of(&former).await;
    successor.close().await.unwrap();
    answers.are_still_those_of(&former).await;
    assert_new(&later).await;
}

pub(super) async fn a_reader_that_was_asked_before_a_rebuild_stays_with_its_version(
    collection: &dyn Collection,
) {
    let writer = filled(collection).await;
    writer.close().await.unwrap();
    let former = reader(collection).await;
    let answers = Answers::of(&*former).await;
    let writer = collection.write().await.unwrap();
    let successor = successor_of(&*writer).await;
    assert!(answers.are_still_those_of(&former).await);
    successor.publish(0).await.unwrap();
    successor.close().await.unwrap();
    for _ in ["while the former version may be there", "and after others were asked"] {
        answers.are_still_those_of(&former).await;
        assert_new(&reader(collection).await).await;
    }
    // Its clone has the same version.
    let copy = former.clone();
    drop(former);
    answers.are_still_those_of(&copy).await;
}

pub(super) async fn readers_of_two_versions_are_asked_at_once(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let answers = Answers::of(&*writer).await;
    let former = [reader(collection).await, reader(collection).await];
    let successor = successor_of(&*writer).await;
    successor.publish(0).await.unwrap();
    let later = [reader(collection).await, reader(collection).await];
    for _ in 0..3 {
        let new = later.iter().map(assert_new);
        let old = former.iter().map(|reader| answers.are_still_those_of(reader));
        futures::future::join(futures::future::join_all(new), futures::future::join_all(old)).await;
    }
    successor.close().await.unwrap();
}

pub(super) async fn a_reader_of_a_collection_that_was_dropped_says_so(collection: &dyn Collection) {
    let writer = filled(collection).await;
    let reader = reader(collection).await;
    let answers = Answers::of(&*reader).await;
    writer.drop_collection().await.unwrap();
    writer.close().await.unwrap();
    assert!(!answers.are_still_those_of(&reader).await);
}

pub(super) async fn a_reader_of_a_collection_that_came_back_does_not_read_it(
    collection: &dyn Collection,
) {
    let writer = filled(collection).await;
    let reader = reader(collection).await;
    let answers = Answers::of(&*reader).await;
    let comes_back = async |writer: &dyn CollectionWriter| {
        writer.create(&rebuilt()).await.unwrap();
        writer.upsert(corpus()).await.unwrap();
        writer.flush().await.unwrap();
        assert!(!answers.are_still_those_of(&reader).await);
        writer.drop_collection().await.unwrap();
    };
    writer.drop_collection().await.unwrap();
    comes_back(&*writer).await;
    writer.close().await.unwrap();
    let next = collection.write().await.unwrap();
    comes_back(&*next).await;
    next.close().await.unwrap();
}
