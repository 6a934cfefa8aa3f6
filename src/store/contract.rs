//! What every [`VectorStore`] does, as one suite that runs on all of them: on the embedded store
//! always, on a server where `DOCENT_TEST_QDRANT_URL` names one.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::sync::Once;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::edge::{Access, EdgeStore};
use super::server::{self, ServerOptions, ServerStore};
use super::{Legs, SearchRequest, VectorStore};
use crate::error::Fault;
use crate::retry::RetryPolicy;
use crate::types::{
    Chunk, ChunkerId, ContentHash, DocumentRecord, EmbedderId, Filter, Kind, Locator, Manifest,
    Point, Run, SCHEMA_VERSION, Scored, SparseId, SparseVector,
};

pub(super) const DIMENSIONS: usize = 4;

pub(super) fn manifest() -> Manifest {
    Manifest {
        schema_version: SCHEMA_VERSION,
        embedder: EmbedderId {
            name: "openai:model".to_owned(),
            revision: "7".to_owned(),
            dimensions: DIMENSIONS,
            document_prefix: "passage: ".to_owned(),
            query_prefix: String::new(),
        },
        chunker: ChunkerId { max_tokens: 256, overlap_tokens: 32, revision: 1 },
        sparse: SparseId {
            model: "bm25".to_owned(),
            language: "english".to_owned(),
            k: 1.2,
            b: 0.75,
            avg_len: 40.0,
        },
        docent: "0.1.0".to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        runs: Vec::new(),
    }
}

pub(super) fn chunk(source: &str, ordinal: u32, text: &str) -> Chunk {
    Chunk {
        source: source.to_owned(),
        title: format!("Title of {source}"),
        headings: vec!["Handbook".to_owned(), "Backups".to_owned()],
        text: text.to_owned(),
        locator: Locator::Lines(ordinal * 10 + 1, ordinal * 10 + 9),
        ordinal,
        kind: Kind::Markdown,
        document_hash: ContentHash::of(source.as_bytes()),
        chunk_hash: ContentHash::of(text.as_bytes()),
        occurrence: 0,
        tags: Vec::new(),
    }
}

pub(super) fn point(chunk: Chunk, dense: [f32; DIMENSIONS], terms: &[(u32, f32)]) -> Point {
    let (indices, values) = terms.iter().copied().unzip();
    Point { chunk, dense: Some(dense.to_vec()), sparse: SparseVector { indices, values } }
}

fn document(source: &str, chunks: u32) -> DocumentRecord {
    DocumentRecord {
        source: source.to_owned(),
        document_hash: ContentHash::of(source.as_bytes()),
        size: 1 << 40,
        mtime: 1_767_225_600_123_456_789,
        kind: Kind::Markdown,
        chunks,
        terms: 4_321,
        tags: vec!["team=storage".to_owned()],
        text_fields: Vec::new(),
        ingested_at: "2026-01-01T00:00:00Z".to_owned(),
        run_id: Uuid::from_u128(7),
    }
}

/// Five chunks of three documents. The dense and the sparse leg rank them differently.
fn corpus() -> Vec<Point> {
    let mut api = chunk("api/reference.html", 0, "POST /v1/restore");
    api.kind = Kind::Html;
    api.tags = vec!["public".to_owned(), "team=api".to_owned()];
    let mut code = chunk("src/main.rs", 0, "fn restore() {}");
    code.kind = Kind::Code;
    code.tags = vec!["team=api".to_owned()];
    vec![
        point(
            chunk("handbook/backups.md", 0, "kept for 400 days"),
            [1.0, 0.1, 0.0, 0.0],
            &[(7, 1.2), (9, 0.4)],
        ),
        point(chunk("handbook/backups.md", 1, "two operators"), [0.6, 0.8, 0.0, 0.0], &[(3, 0.9)]),
        // Neither sorted nor of unit length.
        point(api, [0.0, 3.0, 4.0, 0.0], &[(4_000_000_000, 0.7), (9, 1.1), (7, 0.3)]),
        point(code, [0.0, 0.0, 1.0, 0.0], &[(9, 0.2)]),
        Point {
            dense: None,
            ..point(chunk("handbook/backups.md", 2, "Ωmega"), [0.0; 4], &[(3, 1.9)])
        },
    ]
}

fn ask(dense: Option<[f32; DIMENSIONS]>, terms: &[(u32, f32)]) -> SearchRequest {
    let (indices, values) = terms.iter().copied().unzip();
    SearchRequest {
        dense: dense.map(|vector| vector.to_vec()),
        sparse: (!terms.is_empty()).then_some(SparseVector { indices, values }),
        filter: Filter::default(),
        limit: 10,
        min_score: None,
    }
}

fn texts(leg: &[Scored]) -> Vec<&str> {
    leg.iter().map(|hit| hit.chunk.text.as_str()).collect()
}

async fn filled(store: &dyn VectorStore) {
    store.create(&manifest()).await.unwrap();
    store.upsert(corpus()).await.unwrap();
    let records = [("handbook/backups.md", 3), ("api/reference.html", 1), ("src/main.rs", 1)]
        .map(|(s, n)| document(s, n));
    store.put_documents(&records).await.unwrap();
}

async fn a_missing_collection_is_empty(store: &dyn VectorStore) {
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.documents().await, Ok(Vec::new()));
    assert_eq!(store.count_chunks().await, Ok(0));
    assert!(store.vectors(&[ContentHash::of(b"x")]).await.unwrap().is_empty());
    store.delete_chunks("a.md", &[]).await.unwrap();
    store.delete_documents(&["a.md".to_owned()]).await.unwrap();
    store.drop_collection().await.unwrap();
    store.flush().await.unwrap();
    let search = store.search(ask(Some([1.0; 4]), &[])).await;
    assert_eq!(search.unwrap_err().fault, Fault::NotFound);
    assert_eq!(store.upsert(corpus()).await.unwrap_err().fault, Fault::NotFound);
    assert_eq!(store.put_manifest(&manifest()).await.unwrap_err().fault, Fault::NotFound);
}

async fn the_manifest_is_kept_and_replaced(store: &dyn VectorStore) {
    let mut manifest = manifest();
    store.create(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    for number in 0..3 {
        manifest.runs.push(Run {
            run_id: Uuid::from_u128(number),
            started_at: "2026-01-02T00:00:00Z".to_owned(),
            docent: "0.1.0".to_owned(),
            roots: vec!["docs".to_owned(), "Füße".to_owned()],
        });
    }
    store.put_manifest(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    manifest.runs.remove(0);
    store.put_manifest(&manifest).await.unwrap();
    assert_eq!(store.manifest().await, Ok(Some(manifest.clone())));
    let again = store.create(&manifest).await.unwrap_err();
    assert!(again.message.contains("exists already"), "{again}");
}

async fn a_dropped_collection_is_gone_and_can_come_back(store: &dyn VectorStore) {
    filled(store).await;
    store.drop_collection().await.unwrap();
    assert_eq!(store.manifest().await, Ok(None));
    assert_eq!(store.count_chunks().await, Ok(0));
    store.create(&manifest()).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(0));
    assert_eq!(store.documents().await, Ok(Vec::new()));
}

async fn each_leg_is_ranked_by_its_own_score(store: &dyn VectorStore) {
    filled(store).await;
    let dense = Some([1.0, 0.0, 0.0, 0.0]);
    let terms = [(9, 1.0), (3, 1.0)];
    let both = store.search(ask(dense, &terms)).await.unwrap();
    assert_eq!(texts(&both.dense)[..2], ["kept for 400 days", "two operators"]);
    assert_eq!(both.dense.len(), 4, "a chunk without a dense vector is not in the dense leg");
    assert!((both.dense[1].score - 0.6).abs() < 1e-5, "{}", both.dense[1].score);
    assert_eq!(
        texts(&both.sparse),
        ["Ωmega", "two operators", "POST /v1/restore", "kept for 400 days", "fn restore() {}"]
    );
    assert!(both.sparse.is_sorted_by(|a, b| a.score >= b.score));
    // A chunk comes back whole.
    assert_eq!(both.sparse[2].chunk, corpus()[2].chunk);

    let only_dense = store.search(ask(dense, &[])).await.unwrap();
    assert_eq!(only_dense, Legs { dense: both.dense, sparse: Vec::new() });
    let only_sparse = store.search(ask(None, &terms)).await.unwrap();
    assert_eq!(only_sparse, Legs { dense: Vec::new(), sparse: both.sparse });
    assert_eq!(store.search(ask(None, &[])).await, Ok(Legs::default()));
    let unknown_terms = store.search(ask(None, &[(123_456, 1.0)])).await;
    assert_eq!(unknown_terms, Ok(Legs::default()));
}

async fn filters_apply_before_the_limit(store: &dyn VectorStore) {
    filled(store).await;
    let strings = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    let sources = |values: &[&str]| Filter { sources: Some(strings(values)), ..Filter::default() };
    let kinds = |kinds: &[Kind]| Filter { kinds: kinds.to_vec(), ..Filter::default() };
    let tags = |values: &[&str]| Filter { tags: strings(values), ..Filter::default() };
    let (api, main, backups) = ("api/reference.html", "src/main.rs", "handbook/backups.md");
    let combined = Filter { tags: strings(&["team=api"]), ..kinds(&[Kind::Code, Kind::Markdown]) };
    let contradiction = Filter { sources: Some(strings(&[backups])), ..kinds(&[Kind::Code]) };
    for (filter, expected) in [
        (sources(&[api]), vec![api]),
        (sources(&[api, main]), vec![api, main]),
        (sources(&["no/such.md"]), vec![]),
        (sources(&[]), vec![]),
        (kinds(&[Kind::Html]), vec![api]),
        (kinds(&[Kind::Html, Kind::Code]), vec![api, main]),
        (kinds(&[Kind::Pdf]), vec![]),
        (tags(&["team=api"]), vec![api, main]),
        (tags(&["team=api", "public"]), vec![api]),
        (tags(&["team"]), vec![]),
        (combined, vec![main]),
        (contradiction, vec![]),
        (Filter::default(), vec![api, backups, main]),
    ] {
        let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0)]);
        request.filter = filter.clone();
        // The best hits overall are others: a filter after the top k would leave nothing.
        request.limit = if expected.len() == 3 { 10 } else { expected.len().max(1) };
        let legs = store.search(request).await.unwrap();
        for leg in [&legs.dense, &legs.sparse] {
            let mut found: Vec<_> = leg.iter().map(|hit| hit.chunk.source.as_str()).collect();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, expected, "{filter:?}");
        }
    }
}

async fn min_score_and_limit_cut_each_leg(store: &dyn VectorStore) {
    filled(store).await;
    let mut request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0), (3, 1.0)]);
    request.min_score = Some(0.5);
    let legs = store.search(request.clone()).await.unwrap();
    assert_eq!(texts(&legs.dense), ["kept for 400 days", "two operators"]);
    assert!(legs.sparse.iter().all(|hit| hit.score >= 0.5) && !legs.sparse.is_empty());
    assert!(legs.sparse.len() < 5);
    request.limit = 1;
    let legs = store.search(request.clone()).await.unwrap();
    assert_eq!((legs.dense.len(), legs.sparse.len()), (1, 1));
    request.limit = 0;
    assert_eq!(store.search(request).await, Ok(Legs::default()));
}

async fn records_are_never_found(store: &dyn VectorStore) {
    filled(store).await;
    for _ in ["before", "after optimize"] {
        let mut request = ask(Some([1.0; 4]), &[(3, 1.0), (7, 1.0), (9, 1.0)]);
        request.limit = 100;
        let legs = store.search(request.clone()).await.unwrap();
        assert_eq!((legs.dense.len(), legs.sparse.len()), (4, 5));
        request.filter.tags = vec!["team=storage".to_owned()];
        assert_eq!(store.search(request).await, Ok(Legs::default()), "only records have that tag");
        assert_eq!(store.count_chunks().await, Ok(5));
        assert_eq!(store.documents().await.unwrap().len(), 3);
        store.optimize().await.unwrap();
    }
}

async fn documents_come_complete_and_sorted(store: &dyn VectorStore) {
    store.create(&manifest()).await.unwrap();
    let mut records: Vec<_> = (0..2_345).map(|n| document(&format!("Füße/{n}.md"), n)).collect();
    for batch in records.chunks(500) {
        store.put_documents(batch).await.unwrap();
    }
    records.sort_by(|a, b| a.source.cmp(&b.source));
    assert_eq!(store.documents().await, Ok(records.clone()));
    assert_eq!(store.count_chunks().await, Ok(0));
    // Replaced, not added.
    records[7].chunks = 99;
    store.put_documents(&records[7..8]).await.unwrap();
    assert_eq!(store.documents().await, Ok(records));
}

async fn writing_again_changes_nothing(store: &dyn VectorStore) {
    filled(store).await;
    let request = ask(Some([1.0, 0.0, 0.0, 0.0]), &[(9, 1.0), (3, 1.0)]);
    let before = store.search(request.clone()).await.unwrap();
    for _ in 0..3 {
        store.upsert(corpus()).await.unwrap();
        store.upsert(Vec::new()).await.unwrap();
        store.put_documents(&[document("src/main.rs", 1)]).await.unwrap();
    }
    assert_eq!(store.count_chunks().await, Ok(5));
    assert_eq!(store.documents().await.unwrap().len(), 3);
    let after = store.search(request.clone()).await.unwrap();
    assert_same(&before, &after);

    // The same chunk with another title, and without its dense vector.
    let mut changed = corpus().swap_remove(0);
    changed.chunk.title = "New".to_owned();
    changed.dense = None;
    store.upsert(vec![changed]).await.unwrap();
    let legs = store.search(request).await.unwrap();
    assert_eq!(legs.dense.len(), 3);
    assert!(legs.sparse.iter().any(|hit| hit.chunk.title == "New"));
}

async fn stale_chunks_go_and_kept_ones_stay(store: &dyn VectorStore) {
    filled(store).await;
    let kept = corpus()[1].chunk.id();
    store.delete_chunks("handbook/backups.md", &[kept, Uuid::from_u128(1)]).await.unwrap();
    let legs = store.search(ask(Some([1.0; 4]), &[(3, 1.0), (7, 1.0), (9, 1.0)])).await.unwrap();
    let mut left = texts(&legs.dense);
    left.sort_unstable();
    assert_eq!(left, ["POST /v1/restore", "fn restore() {}", "two operators"]);
    assert_eq!(legs.sparse.len(), 3);
    assert_eq!(store.documents().await.unwrap().len(), 3, "the record stays");
    store.delete_chunks("handbook/backups.md", &[]).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(2));
}

async fn documents_go_with_their_chunks(store: &dyn VectorStore) {
    filled(store).await;
    let gone: Vec<String> = (0..600)
        .map(|n| format!("never/{n}.md"))
        .chain(["handbook/backups.md".to_owned(), "src/main.rs".to_owned()])
        .collect();
    store.delete_documents(&gone).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(1));
    let left = store.documents().await.unwrap();
    assert_eq!(left, [document("api/reference.html", 1)]);
    store.delete_documents(&[]).await.unwrap();
    assert_eq!(store.count_chunks().await, Ok(1));
}

async fn vectors_are_found_by_chunk_hash(store: &dyn VectorStore) {
    filled(store).await;
    let mut hashes: Vec<_> = corpus().iter().map(|point| point.chunk.chunk_hash.clone()).collect();
    hashes.extend((0..1_500).map(|n: u32| ContentHash::of(&n.to_le_bytes())));
    let found = store.vectors(&hashes).await.unwrap();
    assert_eq!(found.len(), 4, "the chunk without a dense vector and the unknown ones are absent");
    let stored = &found[&corpus()[2].chunk.chunk_hash];
    for (got, expected) in stored.iter().zip([0.0, 0.6, 0.8, 0.0]) {
        assert!((got - expected).abs() < 1e-6, "unit length: {stored:?}");
    }
    assert!(store.vectors(&[]).await.unwrap().is_empty());
}

async fn text_survives_as_it_is(store: &dyn VectorStore) {
    store.create(&manifest()).await.unwrap();
    let texts = ["", "日本語 🦀 \u{1b}[31m\u{202e}", "a\0b", "\"quoted\"\n\ttab\r\n", "e\u{301}"];
    let points: Vec<_> = texts
        .iter()
        .zip(1u32..)
        .map(|(text, n)| {
            point(
                chunk(&format!("päth/{n} \u{1f980}'\".md"), n, text),
                [1.0, n as f32, 0.0, 0.0],
                &[],
            )
        })
        .collect();
    store.upsert(points.clone()).await.unwrap();
    let legs = store.search(ask(Some([0.0, 1.0, 0.0, 0.0]), &[])).await.unwrap();
    let mut found: Vec<_> = legs.dense.into_iter().map(|hit| hit.chunk).collect();
    found.sort_by_key(|chunk| chunk.ordinal);
    assert_eq!(found, points.into_iter().map(|point| point.chunk).collect::<Vec<_>>());
}

async fn wrong_dimensions_are_refused(store: &dyn VectorStore) {
    filled(store).await;
    let mut wrong = corpus().swap_remove(0);
    wrong.dense = Some(vec![1.0; DIMENSIONS + 1]);
    assert_eq!(store.upsert(vec![wrong]).await.unwrap_err().fault, Fault::Permanent);
    let mut request = ask(None, &[]);
    request.dense = Some(vec![1.0; DIMENSIONS + 1]);
    assert_eq!(store.search(request).await.unwrap_err().fault, Fault::Permanent);
    assert_eq!(store.count_chunks().await, Ok(5));
}

/// Runs each case of the suite on a store of its own, as one test per store.
macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $case() {
                let (_dir, store) = super::embedded();
                super::$case(&store).await;
            })*
        }

        mod on_server {
            $(#[tokio::test]
            async fn $case() {
                let Some(store) = super::on_server() else { return };
                super::$case(&store).await;
                super::VectorStore::drop_collection(&store).await.unwrap();
            })*
        }
    };
}

contract! {
    a_missing_collection_is_empty,
    the_manifest_is_kept_and_replaced,
    a_dropped_collection_is_gone_and_can_come_back,
    each_leg_is_ranked_by_its_own_score,
    filters_apply_before_the_limit,
    min_score_and_limit_cut_each_leg,
    records_are_never_found,
    documents_come_complete_and_sorted,
    writing_again_changes_nothing,
    stale_chunks_go_and_kept_ones_stay,
    documents_go_with_their_chunks,
    vectors_are_found_by_chunk_hash,
    text_survives_as_it_is,
    wrong_dimensions_are_refused,
}

/// The same points score the same in both stores, before and after they are optimized.
#[tokio::test]
async fn both_stores_rank_alike() {
    let Some(server) = on_server() else { return };
    let (_dir, edge) = embedded();
    filled(&server).await;
    filled(&edge).await;
    for _ in ["before", "after optimize"] {
        let request = ask(Some([0.3, 0.5, 0.7, 0.1]), &[(9, 1.0), (3, 0.5), (4_000_000_000, 2.0)]);
        let (ours, theirs) = (edge.search(request.clone()).await, server.search(request).await);
        assert_same(&ours.unwrap(), &theirs.unwrap());
        edge.optimize().await.unwrap();
        server.optimize().await.unwrap();
    }
    server.drop_collection().await.unwrap();
}

fn assert_same(one: &Legs, other: &Legs) {
    for (one, other) in [(&one.dense, &other.dense), (&one.sparse, &other.sparse)] {
        assert_eq!(texts(one), texts(other));
        for (a, b) in one.iter().zip(other) {
            assert!((a.score - b.score).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}

pub(super) fn embedded() -> (TempDir, EdgeStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = EdgeStore::open(dir.path(), "Füße docs", Access::Write).unwrap();
    (dir, store)
}

/// A store with a name nobody has on the server the environment names.
fn on_server() -> Option<ServerStore> {
    const URL: &str = "DOCENT_TEST_QDRANT_URL";
    static SKIPPED: Once = Once::new();
    let Ok(url) = std::env::var(URL) else {
        // Written past the capturing of the test harness, which shows nothing of passing tests.
        SKIPPED.call_once(|| {
            let notice = "skipped: the store contract did not run on a Qdrant server, since";
            let _ = writeln!(std::io::stderr(), "{notice} {URL} names none");
        });
        return None;
    };
    let options = ServerOptions {
        url,
        api_key: std::env::var("DOCENT_TEST_QDRANT_API_KEY").ok(),
        timeout: Duration::from_secs(30),
        shard_number: None,
        replication_factor: None,
        retry: RetryPolicy {
            attempts: 3,
            base: Duration::from_millis(50),
            max: Duration::from_secs(1),
        },
    };
    Some(server::connect(options, &format!("docent-test-{}", Uuid::now_v7())).unwrap())
}
