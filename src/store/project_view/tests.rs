//! Two projects in one collection: whatever one of them does, what the other has stays as it is.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::store::contract::{self, chunk, document, failure, manifest, point};
use crate::store::{Collection, chunks_of};
use crate::types::Chunk;

const PROJECTS: [&str; 2] = ["owner", "guest"];

fn shared() -> Ownership {
    let guest = GuestProject { project: PROJECTS[1].to_owned(), ..GuestProject::default() };
    Ownership { guests: vec![guest], ..Ownership::of(PROJECTS[0]) }
}

#[derive(Clone, Debug)]
enum Op {
    Put(String),
    Delete,
    DeleteChunks,
    Fail,
    Forget,
    Root,
}

/// The project, the operation, and on which of a few sources.
fn op() -> impl Strategy<Value = (usize, Op, u8)> {
    let op = prop_oneof![
        3 => "[a-c]{1,2}".prop_map(Op::Put),
        2 => Just(Op::Delete),
        1 => Just(Op::DeleteChunks),
        2 => Just(Op::Fail),
        1 => Just(Op::Forget),
        1 => Just(Op::Root),
    ];
    (0..PROJECTS.len(), op, 0..3_u8)
}

/// The writer of a project, as a run of its own opens it.
async fn writer(collection: &dyn Collection, project: &str) -> Arc<dyn CollectionWriter> {
    let writer = collection.write().await.unwrap();
    let manifest = writer.manifest().await.unwrap();
    let owner = manifest.as_ref().map_or_else(shared, |manifest| manifest.owner.clone());
    let part = ProjectView::of(project, owner, manifest.as_ref(), &*writer).await.unwrap();
    part.written(writer)
}

/// What belongs to the other project is refused, or skipped.
async fn apply(writer: &dyn CollectionWriter, op: &Op, source: &str) {
    let sources = [source.to_owned()];
    let outcome = match op {
        Op::Put(text) => {
            async {
                writer.upsert(vec![point(chunk(source, 0, text), [1.0; 4], &[])]).await?;
                writer.put_documents(&[document(source, 1)]).await
            }
            .await
        }
        Op::Delete => writer.delete_documents(&sources).await,
        Op::DeleteChunks => writer.delete_chunks(&sources, &[]).await,
        Op::Fail => writer.put_failures(&[failure(source, "locked")]).await,
        Op::Forget => writer.delete_failures(&sources).await,
        Op::Root => {
            let mut manifest = writer.manifest().await.unwrap().unwrap();
            manifest.roots = sources.to_vec();
            writer.put_manifest(&manifest).await
        }
    };
    assert!(outcome.is_ok() || outcome.unwrap_err().fault == Fault::Taken);
}

/// All that a project has.
async fn all_of(
    collection: &dyn Collection,
    project: &str,
) -> (Vec<DocumentRecord>, Vec<Chunk>, Vec<FailureRecord>, Vec<String>) {
    let reader = collection.read().await.unwrap().unwrap();
    let manifest = Arc::clone(reader.manifest());
    let owner = manifest.owner.clone();
    let part = ProjectView::of(project, owner, Some(&manifest), &*reader).await.unwrap();
    let own = part.read(&reader);
    let documents = own.documents().await.unwrap();
    let mut chunks = Vec::new();
    for record in &documents {
        assert_eq!(record.project.as_deref(), Some(project));
        chunks.extend(chunks_of(&**own.store(), &record.source).await.unwrap());
    }
    (documents, chunks, own.failures().await.unwrap(), own.manifest().roots.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]
    #[test]
    fn what_one_project_does_changes_nothing_of_the_other(ops in prop::collection::vec(op(), 1..10)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = contract::embedded();
            let first = writer(&store, PROJECTS[0]).await;
            first.create(&manifest()).await.unwrap();
            first.close().await.unwrap();
            for (who, op, number) in ops {
                let before = all_of(&store, PROJECTS[1 - who]).await;
                let mine = writer(&store, PROJECTS[who]).await;
                apply(&*mine, &op, &format!("{number}.md")).await;
                mine.close().await.unwrap();
                assert_eq!(all_of(&store, PROJECTS[1 - who]).await, before, "{op:?}");
            }
        });
    }
}

/// A document of one chunk.
async fn put(writer: &dyn CollectionWriter, source: &str) {
    apply(writer, &Op::Put(source.to_owned()), source).await;
    writer.flush().await.unwrap();
}

#[tokio::test]
async fn each_sees_its_own_documents_and_a_search_those_of_both() {
    let store = crate::store::scripted::well_behaved();
    let owner = writer(&store, PROJECTS[0]).await;
    owner.create(&manifest()).await.unwrap();
    put(&*owner, "a.md").await;
    owner.close().await.unwrap();
    let guest = writer(&store, PROJECTS[1]).await;
    put(&*guest, "b.md").await;
    let documents = guest.documents().await.unwrap();
    assert_eq!(documents.iter().map(|it| it.source.as_str()).collect::<Vec<_>>(), ["b.md"]);
    assert_eq!(guest.count_chunks().await, Ok(2));
    for done in [guest.successor().await.err(), guest.drop_collection().await.err()] {
        let error = done.unwrap();
        assert_eq!(error.fault, Fault::Taken);
        assert!(error.message.contains("1 documents of other projects"), "{error}");
    }
    let refused = guest.upsert(vec![point(chunk("a.md", 0, "x"), [1.0; 4], &[])]).await;
    assert!(refused.unwrap_err().message.contains("a.md is a document of another project"));
    guest.close().await.unwrap();
    let all = store.read().await.unwrap().unwrap();
    assert_eq!(all.documents().await.unwrap().len(), 2);
}

/// What only its own project can repair stays to be repaired.
#[tokio::test]
async fn a_run_that_was_cut_off_is_ended_by_its_own_project() {
    let store = crate::store::scripted::well_behaved();
    let run = IngestRun {
        run_id: Uuid::from_u128(1),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        docent: "0.1.0".to_owned(),
        roots: Vec::new(),
        partition: None,
    };
    let begun = Manifest { unfinished: Some(run.clone()), ..manifest() };
    let owner = writer(&store, PROJECTS[0]).await;
    owner.create(&begun).await.unwrap();
    put(&*owner, "a.md").await;
    owner.close().await.unwrap();
    for (damaged, left) in [(false, None), (true, Some(run))] {
        let owner = writer(&store, PROJECTS[0]).await;
        if damaged {
            owner.delete_chunks(&["a.md".to_owned()], &[]).await.unwrap();
        }
        owner.put_manifest(&begun).await.unwrap();
        owner.close().await.unwrap();

        let guest = writer(&store, PROJECTS[1]).await;
        assert_eq!(guest.tally().await, Ok(Vec::new()), "none of it is the guest's to judge");
        let mut manifest = guest.manifest().await.unwrap().unwrap();
        manifest.unfinished = None;
        guest.put_manifest(&manifest).await.unwrap();
        assert_eq!(guest.manifest().await.unwrap().unwrap().unfinished, left);
        guest.close().await.unwrap();
    }
}
