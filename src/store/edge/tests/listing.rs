//! Listings save loading the shard, and never say anything else than it does.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::store::edge::record_cache::{self, KINDS, Listing};
use crate::store::payload::tests::{document, failure};

const SOURCES: [&str; 4] = ["a.md", "docs/b\n\"b\".md", "Füße/ç\u{2028}.md", "http://c.example/"];

/// What a collection should hold, by source.
#[derive(Clone, Debug, Default, PartialEq)]
struct Held {
    documents: BTreeMap<String, DocumentRecord>,
    failures: BTreeMap<String, FailureRecord>,
}

impl Held {
    async fn of(store: &dyn VectorStore) -> Result<Self, BackendError> {
        let (documents, failures) = (store.documents().await?, store.failures().await?);
        assert!(documents.is_sorted_by_key(|record| &record.source));
        Ok(Self {
            documents: documents.into_iter().map(|r| (r.source.clone(), r)).collect(),
            failures: failures.into_iter().map(|r| (r.source.clone(), r)).collect(),
        })
    }
}

pub(super) fn record(source: &str, chunks: u32) -> DocumentRecord {
    let text = json!({
        "source": source, "document_hash": "00", "size": 1, "mtime": 2, "kind": "markdown",
        "chunks": chunks, "terms": 3, "tags": [], "ingested_at": "", "run_id": Uuid::nil(),
    });
    serde_json::from_value(text).unwrap()
}

fn failed(source: &str) -> FailureRecord {
    let text = json!({
        "source": source, "reason": "no", "size": 1, "mtime": 2, "docent": "0.1.0",
        "failed_at": "", "run_id": Uuid::nil(),
    });
    serde_json::from_value(text).unwrap()
}

/// A finished collection that nobody has loaded.
async fn finished() -> (TempDir, PathBuf, Held) {
    let (dir, store) = embedded();
    let writer = create(&store).await;
    writer.upsert(points(0..50)).await.unwrap();
    writer.put_documents(&[record("b.md", 1), record("a.md", 2)]).await.unwrap();
    writer.put_failures(&[failed("c.pdf")]).await.unwrap();
    writer.optimize().await.unwrap();
    let held = Held::of(&writer).await.unwrap();
    let version = store.shared.layout.version(1);
    writer.close().await.unwrap();
    (dir, version, held)
}

/// Number of listings that can be trusted.
fn listed(version: &Path) -> usize {
    KINDS.iter().filter(|kind| Listing::read(version, kind).is_some()).count()
}

#[tokio::test]
async fn listed_records_are_read_without_the_shard() {
    let (dir, version, held) = finished().await;
    let store = open(dir.path());
    let reader = store.read().await.unwrap().unwrap();
    let writer = write(&store).await;
    for view in [&*reader, &writer] {
        assert_eq!(Held::of(view).await, Ok(held.clone()));
        assert!(!is_loaded(&store).await);
        assert_eq!(view.count_chunks().await, Ok(50));
        assert_eq!(Held::of(view).await, Ok(held.clone()));
        unload(&store).await;
        assert_eq!(listed(&version), 2, "loading changes nothing");
    }
}

#[tokio::test]
async fn a_writer_that_finds_no_listing_leaves_one() {
    let (dir, version, held) = finished().await;
    record_cache::remove(&version).unwrap();
    assert_eq!(Held::of(&*reader(dir.path()).await).await, Ok(held.clone()));
    assert_eq!(listed(&version), 0, "who only reads writes nothing");
    let writer = open(dir.path()).write().await.unwrap();
    assert_eq!(Held::of(&*writer).await, Ok(held));
    assert_eq!(listed(&version), 2);
    writer.close().await.unwrap();
    assert_eq!(listed(&version), 2);
}

#[tokio::test]
async fn nothing_is_listed_while_there_are_changes() {
    let (dir, version, mut held) = finished().await;
    let store = open(dir.path());
    let writer = write(&store).await;
    writer.put_documents(&[record("a.md", 9)]).await.unwrap();
    held.documents.insert("a.md".to_owned(), record("a.md", 9));
    assert!(KINDS.iter().all(|kind| !version.join(format!("{kind}s.jsonl")).exists()));
    assert_eq!(Held::of(&writer).await, Ok(held.clone()));
    assert_eq!(listed(&version), 0, "it could be lost");
    writer.optimize().await.unwrap();
    assert_eq!(listed(&version), 2);
    writer.delete_failures(&["c.pdf".to_owned()]).await.unwrap();
    held.failures.clear();
    assert_eq!(listed(&version), 0);
    unload(&store).await;
    // The shard that a reader of this process has loaded is also used by the writer.
    let reader = store.read().await.unwrap().unwrap();
    assert_eq!(Held::of(&*reader).await, Ok(held.clone()));
    assert_eq!(listed(&version), 0, "nobody writes with it now");
    assert_eq!(Held::of(&writer).await, Ok(held));
    assert_eq!(listed(&version), 2);
}

/// As left by a program that knows nothing of listings, or a copy of another state.
#[tokio::test]
async fn a_listing_of_another_state_is_not_believed() {
    let (dir, version, held) = finished().await;
    let apart = tempfile::tempdir().unwrap();
    let sources = ["a.md".to_owned()];
    for change in 0..6 {
        copy(dir.path(), apart.path());
        let store = open(apart.path());
        let writer = write(&store).await;
        let mut held = held.clone();
        match change {
            0 => writer.upsert(points(60..61)).await.unwrap(),
            1 => writer.put_documents(&[record("a.md", 7)]).await.unwrap(),
            2 => writer.put_failures(&[failed("d.pdf")]).await.unwrap(),
            3 => writer.delete_chunks(&["3.md".to_owned()], &[]).await.unwrap(),
            4 => writer.delete_documents(&sources).await.unwrap(),
            _ => writer.delete_failures(&["c.pdf".to_owned()]).await.unwrap(),
        }
        match change {
            1 => drop(held.documents.insert("a.md".to_owned(), record("a.md", 7))),
            2 => drop(held.failures.insert("d.pdf".to_owned(), failed("d.pdf"))),
            4 => drop(held.documents.remove("a.md")),
            5 => held.failures.clear(),
            _ => {}
        }
        unload(&store).await;
        let changed = store.shared.layout.version(1);
        for kind in KINDS {
            let name = format!("{kind}s.jsonl");
            fs::copy(version.join(&name), changed.join(&name)).unwrap();
        }
        assert_eq!(listed(&changed), 0, "change {change}");
        assert_eq!(Held::of(&writer).await, Ok(held), "change {change}");
        drop((writer, store));
        fs::remove_dir_all(apart.path()).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_listing_is_ignored() {
    let (dir, version, held) = finished().await;
    let path = version.join("documents.jsonl");
    let whole = fs::read(&path).unwrap();
    let torn = (0..whole.len()).map(|length| whole[..length].to_vec());
    let flipped = (0..whole.len()).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    for damaged in torn.chain(flipped).chain([whole.repeat(2), b"\xff\n{}".to_vec()]) {
        fs::write(&path, &damaged).unwrap();
        assert!(Listing::read(&version, DOCUMENT).is_none(), "{}", damaged.escape_ascii());
    }
    fs::copy(version.join("failures.jsonl"), &path).unwrap();
    assert!(Listing::read(&version, DOCUMENT).is_none(), "it lists something else");
    let writer = open(dir.path()).write().await.unwrap();
    assert_eq!(Held::of(&*writer).await, Ok(held));
    assert_eq!(fs::read(&path).unwrap(), whole, "and is mended");
}

#[tokio::test]
async fn a_listing_that_can_not_be_written_is_not_missed() {
    let (dir, version, held) = finished().await;
    record_cache::remove(&version).unwrap();
    fs::create_dir_all(version.join("documents.new/in the way")).unwrap();
    let writer = open(dir.path()).write().await.unwrap();
    assert_eq!(Held::of(&*writer).await, Ok(held.clone()));
    assert_eq!(listed(&version), 1);
    writer.optimize().await.unwrap();
    assert_eq!(Held::of(&*writer).await, Ok(held));
}

#[tokio::test]
async fn a_listing_that_can_not_be_removed_forbids_changes() {
    let (dir, version, _) = finished().await;
    record_cache::remove(&version).unwrap();
    fs::create_dir_all(version.join("failures.jsonl/in the way")).unwrap();
    let writer = open(dir.path()).write().await.unwrap();
    let error = writer.put_documents(&[record("a.md", 7)]).await.unwrap_err();
    assert!(error.message.contains("can't remove"), "{error}");
    assert!(error.message.contains("failures.jsonl"), "{error}");
    assert_eq!(writer.documents().await.unwrap().len(), 2);
}

#[tokio::test]
async fn each_version_has_its_own_listing() {
    let (dir, _, held) = finished().await;
    let writer = open(dir.path()).write().await.unwrap();
    let successor = writer.successor().await.unwrap();
    successor.create(&manifest()).await.unwrap();
    assert_eq!(successor.documents().await, Ok(Vec::new()));
    successor.put_documents(&[record("new.md", 1)]).await.unwrap();
    successor.optimize().await.unwrap();
    assert_eq!(successor.documents().await, Ok(vec![record("new.md", 1)]));
    assert_eq!(Held::of(&*writer).await, Ok(held));
    let former = reader(dir.path()).await;
    successor.publish(0).await.unwrap();
    assert_eq!(successor.documents().await, Ok(vec![record("new.md", 1)]));
    let error = former.documents().await.unwrap_err();
    assert_eq!(error.fault, Fault::Replaced, "{error}");
    assert_eq!(reader(dir.path()).await.documents().await, Ok(vec![record("new.md", 1)]));
}

#[derive(Clone, Debug)]
enum Step {
    Chunks(u32),
    Documents(Vec<DocumentRecord>),
    Failures(Vec<FailureRecord>),
    DeleteChunks(String),
    DeleteDocuments(String),
    DeleteFailures(String),
    Flush,
    Optimize,
    Reopen,
    /// The process is killed, and another one follows.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let source = || prop::sample::select(SOURCES.to_vec()).prop_map(str::to_owned);
    let one = (source(), document()).prop_map(|(source, r)| DocumentRecord { source, ..r });
    let other = (source(), failure()).prop_map(|(source, r)| FailureRecord { source, ..r });
    prop_oneof![
        1 => (0u32..50).prop_map(Step::Chunks),
        3 => prop::collection::vec(one, 1..4).prop_map(Step::Documents),
        1 => prop::collection::vec(other, 1..4).prop_map(Step::Failures),
        1 => source().prop_map(Step::DeleteChunks),
        1 => source().prop_map(Step::DeleteDocuments),
        1 => source().prop_map(Step::DeleteFailures),
        2 => Just(Step::Flush),
        2 => Just(Step::Optimize),
        2 => Just(Step::Reopen),
        3 => Just(Step::Crash),
    ]
}

/// A writer, and what it and its files should hold.
struct Bench {
    dir: TempDir,
    writer: Arc<dyn CollectionWriter>,
    now: Held,
    durable: Held,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let writer = open(dir.path()).write().await.unwrap();
        writer.create(&manifest()).await.unwrap();
        Self { dir, writer, now: Held::default(), durable: Held::default() }
    }

    async fn take(&mut self, step: Step) -> Result<(), BackendError> {
        let writer = &self.writer;
        match step {
            Step::Chunks(n) => writer.upsert(points(n..n + 3)).await?,
            Step::Documents(records) => {
                writer.put_documents(&records).await?;
                self.now.documents.extend(records.into_iter().map(|r| (r.source.clone(), r)));
            }
            Step::Failures(records) => {
                writer.put_failures(&records).await?;
                self.now.failures.extend(records.into_iter().map(|r| (r.source.clone(), r)));
            }
            Step::DeleteChunks(source) => writer.delete_chunks(&[source], &[]).await?,
            Step::DeleteDocuments(source) => {
                self.now.documents.remove(&source);
                writer.delete_documents(&[source]).await?;
            }
            Step::DeleteFailures(source) => {
                self.now.failures.remove(&source);
                writer.delete_failures(&[source]).await?;
            }
            Step::Flush => writer.flush().await?,
            Step::Optimize => writer.optimize().await?,
            Step::Reopen => {
                writer.close().await?;
                self.writer = open(self.dir.path()).write().await?;
            }
            Step::Crash => {
                let left = tempfile::tempdir().unwrap();
                copy(self.dir.path(), left.path());
                self.writer = open(left.path()).write().await?;
                self.dir = left;
                self.now = self.durable.clone();
            }
        }
        Ok(())
    }

    /// Any reader sees the current state, or has to wait for it.
    async fn check(&self) -> Result<(), TestCaseError> {
        match Held::of(&*reader(self.dir.path()).await).await {
            Ok(seen) => prop_assert_eq!(&seen, &self.now),
            Err(error) => prop_assert_eq!(error.fault, Fault::Busy),
        }
        prop_assert_eq!(Held::of(&*self.writer).await, Ok(self.now.clone()));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn what_is_listed_is_what_is_stored(steps in prop::collection::vec((step(), any::<bool>()), 1..10)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            for (step, look) in steps {
                // Records are durably removed before the chunks of their documents.
                let durable = matches!(
                    step,
                    Step::Flush | Step::Optimize | Step::Reopen | Step::DeleteDocuments(_)
                );
                bench.take(step).await.unwrap();
                if durable {
                    bench.durable = bench.now.clone();
                }
                // Reading may leave a listing, too.
                if look {
                    bench.check().await?;
                }
            }
            bench.take(Step::Crash).await.unwrap();
            bench.check().await
        })?;
    }
}
