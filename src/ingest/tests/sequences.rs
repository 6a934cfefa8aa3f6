//! Whatever happens to files and runs, the last run leaves the same collection as a clean ingest.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::chunks_of;
use crate::types::{Chunk, ChunkTally, DocumentRecord, Manifest, Point, SparseVector};

#[derive(Clone, Debug)]
enum Step {
    /// Creates or edits: name, word, paragraphs.
    Write(u8, u8, usize),
    Move(u8, u8),
    Delete(u8),
    Sync(Cut),
}

/// What ends a run early.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Nothing,
    /// The embedder fails at a text with this word.
    Endpoint(u8),
    /// The budget ends after this many tokens.
    Budget(u64),
}

const WORDS: [&str; 4] = ["walrus", "penguin", "seal", "otter"];

fn step() -> impl Strategy<Value = Step> {
    let name = 0u8..5;
    let word = 0u8..4;
    let size = prop_oneof![8 => 1usize..4, 1 => 400usize..401];
    let cut = prop_oneof![
        Just(Cut::Nothing),
        word.clone().prop_map(Cut::Endpoint),
        (0u64..3_000).prop_map(Cut::Budget),
    ];
    prop_oneof![
        4 => (name.clone(), word, size).prop_map(|(name, word, size)| Step::Write(name, word, size)),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => name.prop_map(Step::Delete),
        3 => cut.prop_map(Step::Sync),
    ]
}

fn text(word: u8, paragraphs: usize) -> String {
    let word = WORDS[usize::from(word)];
    let paragraph = |n| format!("Paragraph {n} is about the {word} and no other.");
    (0..paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// Records without times and run ids, and the chunks of each version.
async fn contents(project: &Project) -> (Vec<DocumentRecord>, Vec<ChunkTally>) {
    let reader = project.read().await;
    let neutral = |record: DocumentRecord| DocumentRecord {
        mtime: 1,
        ingested_at: String::new(),
        run_id: Uuid::nil(),
        ..record
    };
    let records = reader.documents().await.unwrap().into_iter().map(neutral).collect();
    (records, reader.tally().await.unwrap())
}

async fn carry_out(project: &mut Project, files: &mut BTreeMap<u8, String>, step: Step) {
    match step {
        Step::Write(name, word, size) => {
            files.insert(name, text(word, size));
            project.write(&format!("{name}.txt"), &files[&name]);
        }
        Step::Move(from, to) if from != to && files.contains_key(&from) => {
            let moved = files.remove(&from).unwrap();
            files.insert(to, moved);
            let path = |name: u8| project.path(&format!("{name}.txt"));
            fs::rename(path(from), path(to)).unwrap();
        }
        Step::Delete(name) if files.remove(&name).is_some() => {
            fs::remove_file(project.path(&format!("{name}.txt"))).unwrap();
        }
        Step::Move(..) | Step::Delete(_) => {}
        Step::Sync(cut) => {
            (project.refuses, project.budget) = match cut {
                Cut::Nothing => (None, None),
                Cut::Endpoint(word) => {
                    (Some((WORDS[usize::from(word)], Fault::Unauthorized)), None)
                }
                Cut::Budget(tokens) => (None, Some(tokens)),
            };
            project.ingest().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_and_cut_off_runs_ends_equal_to_a_clean_ingest(
        steps in proptest::collection::vec(step(), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut project, mut files) = (Project::new(), BTreeMap::new());
            for step in steps {
                carry_out(&mut project, &mut files, step).await;
            }
            (project.refuses, project.budget) = (None, None);
            project.ingest().await;
            let mut clean = Project::new();
            for (name, text) in &files {
                clean.write(&format!("{name}.txt"), text);
            }
            clean.ingest().await;
            assert_eq!(contents(&project).await, contents(&clean).await);
        });
    }
}

/// A kill between the chunks of a moved document and its record leaves chunks without a record.
#[tokio::test]
async fn a_document_that_was_killed_on_the_move_arrives_with_the_next_run() {
    let mut project = Project::new();
    project.write("a.txt", &text(0, 3));
    project.ingest().await;
    let reader = project.read().await;
    let chunk = chunks_of(&**reader.store(), "docs/a.txt").await.unwrap().remove(0);
    let collection = project.collection();
    let writer = collection.write().await.unwrap();
    let manifest = writer.manifest().await.unwrap().unwrap();
    let unfinished = manifest.runs.last().cloned();
    writer.put_manifest(&Manifest { unfinished, ..manifest }).await.unwrap();
    let chunk = Chunk { source: "docs/b.txt".to_owned(), ..chunk };
    let point = Point { chunk, dense: None, sparse: SparseVector::default() };
    writer.upsert(vec![point]).await.unwrap();
    writer.close().await.unwrap();
    drop((reader, collection));
    fs::rename(project.path("a.txt"), project.path("b.txt")).unwrap();
    let report = project.ingest().await;
    assert_eq!((report.moved, report.documents_total), (1, 1));
    let [record] = &project.documents().await[..] else { panic!("one document") };
    assert_eq!(record.source, "docs/b.txt");
    assert_eq!(project.read().await.count_chunks().await, Ok(u64::from(record.chunks)));
}
