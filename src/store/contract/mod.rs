//! What every [`Collection`] does, as one suite that runs on all of them: always on the embedded store and on
//! a scripted server, on a real server where `DOCENT_TEST_QDRANT_URL` names one.

#![allow(clippy::unwrap_used, reason = "tests")]

mod chunks;
pub(super) mod cutoff;
mod lifecycle;
mod readers;
mod records;
mod search;
mod tenants;
mod versions;

use std::collections::BTreeMap;

use std::io::Write as _;
use std::sync::{Arc, Once};
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

pub(super) use self::records::failure;
use super::edge::{EdgeOptions, EdgeStore};
use super::server::{self, ServerOptions, ServerStore};
use super::{
    ChunkList, ChunkPage, Collection, CollectionReader, CollectionWriter, Legs, PointList,
    ReturnedChunks, SearchRequest, VectorStore, chunks_of,
};
use crate::error::{BackendError, Fault};
use crate::retry::RetryPolicy;
use crate::types::{
    Chunk, ChunkTally, ChunkerId, ContentHash, DocumentKind, DocumentRecord, EmbedderId,
    FailureRecord, Filter, GateOutcome, IngestRun, Locator, Manifest, OcrRecord, Ownership, Point,
    ReadingWarning, Recognition, SCHEMA_VERSION, Scored, SecretScreening, SparseId, SparseVector,
    Validators, VersionCause, VersionChange, VersionEntry, VersionEvent, VersionTrial, WarningCode,
    WebOrigin,
};

pub(super) const DIMENSIONS: usize = 4;

pub(crate) fn manifest() -> Manifest {
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
            revision: 1,
            k: 1.2,
            b: 0.75,
            avg_len: 40.0,
        },
        docent: "0.1.0".to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        runs: Vec::new(),
        unfinished: None,
        unfinished_parts: Vec::new(),
        owner: Ownership::default(),
        roots: Vec::new(),
        sites: Vec::new(),
        languages: BTreeMap::new(),
        content_hash: None,
    }
}

/// An event of a version, with all of its fields.
pub(super) fn event(version: u32) -> VersionEvent {
    let gate = GateOutcome {
        metric: "recall@5".to_owned(),
        value: 0.75,
        limit: 0.8,
        baseline: Some(0.81),
        passed: false,
    };
    VersionEvent {
        at: "2026-01-01T00:00:00Z".to_owned(),
        version,
        change: VersionChange::Refused,
        cause: VersionCause::PromoteIf,
        other: Some(1),
        documents: Some(7),
        chunks: Some(70),
        trial: Some(VersionTrial {
            cases_from: "cases.jsonl".to_owned(),
            cases: 40,
            gates: vec![gate],
        }),
        docent: "0.1.0".to_owned(),
    }
}

/// The outcome of an update may be reported later.
async fn upserted(store: &dyn CollectionWriter, points: Vec<Point>) -> Result<(), BackendError> {
    store.upsert(points).await?;
    store.flush().await
}

pub(crate) fn chunk(source: &str, ordinal: u32, text: &str) -> Chunk {
    Chunk {
        source: source.to_owned(),
        title: format!("Title of {source}"),
        headings: vec!["Handbook".to_owned(), "Backups".to_owned()],
        titled: false,
        text: text.to_owned(),
        locator: Locator::Lines(ordinal * 10 + 1, ordinal * 10 + 9),
        ordinal,
        kind: DocumentKind::Markdown,
        document_hash: ContentHash::of(source.as_bytes()),
        chunk_hash: hash(text),
        occurrence: 0,
        tags: Vec::new(),
        page_label: Some("iv".to_owned()),
        recognition: Some(Recognition { confidence: Some(93), doubtful: vec![(0, 3)] }),
    }
}

/// The hash of [`chunk`] with this text: of the text that is embedded.
pub(super) fn hash(text: &str) -> ContentHash {
    ContentHash::of(format!("Handbook > Backups\n{text}").as_bytes())
}

pub(super) fn point(chunk: Chunk, dense: [f32; DIMENSIONS], terms: &[(u32, f32)]) -> Point {
    let (indices, values) = terms.iter().copied().unzip();
    Point { chunk, dense: Some(dense.to_vec()), sparse: SparseVector { indices, values } }
}

pub(crate) fn document(source: &str, chunks: u32) -> DocumentRecord {
    DocumentRecord {
        project: None,
        source: source.to_owned(),
        document_hash: ContentHash::of(source.as_bytes()),
        size: 1 << 40,
        mtime: 1_767_225_600_123_456_789,
        kind: DocumentKind::Markdown,
        chunks,
        terms: 4_321,
        tags: vec!["team=storage".to_owned()],
        text_fields: Vec::new(),
        ingested_at: "2026-01-01T00:00:00Z".to_owned(),
        run_id: Uuid::from_u128(7),
        web: Some(Box::new(WebOrigin {
            root: "https://example.org/".to_owned(),
            depth: 2,
            validators: Validators { etag: Some("W/\"1\"".to_owned()), last_modified: None },
        })),
        secrets: Some(SecretScreening { revision: 1, stored: 2 }),
        warnings: vec![ReadingWarning {
            code: WarningCode::OcrFailed,
            message: "page 3 could not be read".to_owned(),
            pages: vec![3],
        }],
        ocr: Some(Box::new(OcrRecord { model: "pp-ocrv6-tiny".to_owned(), pages: vec![1, 2] })),
        language: Some("german".to_owned()),
        content_hash: Some(ContentHash::of(b"content")),
    }
}

/// Five chunks of three documents. The dense and the sparse leg rank them differently.
fn corpus() -> Vec<Point> {
    let mut api = chunk("api/reference.html", 0, "POST /v1/restore");
    api.kind = DocumentKind::Html;
    api.tags = vec!["public".to_owned(), "team=api".to_owned()];
    let mut code = chunk("src/main.rs", 0, "fn restore() {}");
    code.kind = DocumentKind::Code;
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
        limit: 10,
        ..SearchRequest::default()
    }
}

/// The texts of these hits of a leg.
fn texts<'a>(legs: &'a Legs, leg: &[Scored]) -> Vec<&'a str> {
    leg.iter().map(|hit| legs.chunks[&hit.id].text.as_str()).collect()
}

/// Creates the collection with the corpus in it.
async fn fill(writer: &dyn CollectionWriter) {
    writer.create(&manifest()).await.unwrap();
    writer.upsert(corpus()).await.unwrap();
    let records = [("handbook/backups.md", 3), ("api/reference.html", 1), ("src/main.rs", 1)]
        .map(|(s, n)| document(s, n));
    writer.put_documents(&records).await.unwrap();
    writer.flush().await.unwrap();
}

/// The writer of a collection with the corpus in it.
pub(super) async fn filled(collection: &dyn Collection) -> Arc<dyn CollectionWriter> {
    let writer = collection.write().await.unwrap();
    fill(&*writer).await;
    writer
}

/// A reader of an existing collection.
async fn reader(collection: &dyn Collection) -> CollectionReader {
    collection.read().await.unwrap().unwrap()
}

/// Runs a case with its argument: the collection, whose writers the case closes itself, or its writer.
macro_rules! run {
    (collection: $store:expr, $case:path) => {
        $case(&$store).await
    };
    (writer: $store:expr, $case:path) => {
        let writer = super::Collection::write(&$store).await.unwrap();
        $case(&*writer).await;
        // The case has checked what could not be written.
        let _ = writer.close().await;
    };
}

/// Runs each case of the suite on a store of its own, as one test per store.
macro_rules! contract {
    ($($subject:ident($takes:ident): $($case:ident),* $(,)?);* $(;)?) => {
        mod embedded {
            $($(#[tokio::test]
            async fn $case() {
                let (_dir, store) = super::embedded();
                run!($takes: store, super::$subject::$case);
            })*)*
        }

        mod scripted {
            $($(#[tokio::test]
            async fn $case() {
                let store = crate::store::scripted::well_behaved();
                run!($takes: store, super::$subject::$case);
            })*)*
        }

        mod on_server {
            $($(#[tokio::test]
            async fn $case() {
                let Some(store) = super::on_server() else { return };
                run!($takes: store, super::$subject::$case);
                super::remove(&store).await;
            })*)*
        }
    };
}

contract! {
    lifecycle(collection):
        a_missing_collection_is_empty,
        the_manifest_is_kept_and_replaced,
        a_dropped_collection_is_gone_and_can_come_back,
        a_successor_takes_the_place_of_the_collection,
        a_successor_that_is_given_up_changes_nothing,
        a_successor_of_nothing_becomes_the_first,
        a_successor_has_no_successor_until_it_is_published,
        a_successor_that_was_cut_off_is_resumed_by_its_run_alone,
        versions_are_numbered_upwards,
        the_right_to_write_is_taken_again_after_it_was_given_back,
        closing_twice_is_closing_once,
        a_closed_writer_refuses_to_write,
        whatever_writes_is_closed_with_the_writer;
    versions(collection):
        a_version_that_was_set_aside_stays_beside_the_collection,
        a_version_that_is_aside_is_neither_published_nor_dropped,
        something_is_taken_out_of_a_version_beside_the_collection,
        the_first_version_is_not_set_aside,
        a_switch_makes_one_version_live_and_the_other_former,
        a_writer_after_a_switch_writes_the_live_version,
        numbers_only_grow,
        former_versions_go_but_for_those_that_were_live_last,
        a_live_or_missing_version_is_not_removed,
        an_incomplete_version_is_not_switched_to,
        a_collection_goes_with_all_its_versions,
        a_candidate_goes_when_the_next_one_is_built,
        a_candidate_that_was_switched_to_stays_as_others_do,
        the_log_has_what_was_written_in_its_order;
    readers(collection):
        a_reader_finds_what_the_writer_wrote,
        a_reader_is_of_the_version_that_it_was_taken_of,
        a_reader_that_was_asked_before_a_rebuild_stays_with_its_version,
        readers_of_two_versions_are_asked_at_once,
        a_reader_of_a_collection_that_was_dropped_says_so,
        a_reader_of_a_collection_that_came_back_does_not_read_it;
    records(writer):
        documents_come_complete_and_sorted,
        writing_again_changes_nothing,
        stale_chunks_go_and_kept_ones_stay,
        documents_go_with_their_chunks,
        chunks_are_tallied_by_version,
        failures_are_remembered_replaced_and_forgotten,
        vectors_are_found_by_chunk_hash;
    chunks(writer):
        chunks_come_page_by_page_in_one_order,
        chunks_pass_the_filter_and_records_never_come,
        the_order_of_chunks_survives_updates,
        the_chunks_of_a_document_come_in_the_order_of_its_text,
        points_come_with_their_vectors_and_can_be_stored_again;
    search(writer):
        each_leg_is_ranked_by_its_own_score,
        filters_apply_before_the_limit,
        the_chunks_that_are_wanted_come_along,
        the_idf_of_a_term_is_that_of_the_whole_collection,
        min_score_and_limit_cut_each_leg,
        records_are_never_found,
        text_survives_as_it_is,
        wrong_dimensions_are_refused;
}

/// The same points score the same in both stores, before and after they are optimized.
#[tokio::test]
async fn both_stores_rank_alike() {
    let Some(server) = on_server() else { return };
    let (_dir, edge) = embedded();
    let (theirs, ours) = (filled(&server).await, filled(&edge).await);
    for _ in ["before", "after optimize"] {
        let request = ask(Some([0.3, 0.5, 0.7, 0.1]), &[(9, 1.0), (3, 0.5), (4_000_000_000, 2.0)]);
        let (one, other) = (ours.search(request.clone()).await, theirs.search(request).await);
        assert_same(&one.unwrap(), &other.unwrap());
        ours.optimize().await.unwrap();
        theirs.optimize().await.unwrap();
    }
    theirs.close().await.unwrap();
    remove(&server).await;
}

fn assert_same(one: &Legs, other: &Legs) {
    for leg in [|legs: &Legs| legs.dense.clone(), |legs: &Legs| legs.sparse.clone()] {
        assert_eq!(texts(one, &leg(one)), texts(other, &leg(other)));
        for (a, b) in leg(one).iter().zip(&leg(other)) {
            assert!((a.score - b.score).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}

pub(super) fn embedded() -> (TempDir, EdgeStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = EdgeStore::open(dir.path(), "Füße docs", EdgeOptions::default()).unwrap();
    (dir, store)
}

pub(super) async fn remove(collection: &dyn Collection) {
    let writer = collection.write().await.unwrap();
    writer.drop_collection().await.unwrap();
    writer.close().await.unwrap();
}

/// A store with an unused name on the server that the environment names.
pub(super) fn on_server() -> Option<ServerStore> {
    let name = format!("docent-test-{}", Uuid::now_v7());
    Some(server::connect(server_options()?, &name).unwrap())
}

/// How to reach the server that the environment names.
fn server_options() -> Option<ServerOptions> {
    const URL: &str = "DOCENT_TEST_QDRANT_URL";
    static SKIPPED: Once = Once::new();
    let Ok(url) = std::env::var(URL) else {
        // Bypasses the capturing of the test harness, which shows no output of passing tests.
        SKIPPED.call_once(|| {
            let notice = "skipped: the store contract did not run on a Qdrant server, since";
            let _ = writeln!(std::io::stderr(), "{notice} {URL} names none");
        });
        return None;
    };
    Some(ServerOptions {
        url,
        api_key: std::env::var("DOCENT_TEST_QDRANT_API_KEY").ok(),
        timeout: Duration::from_secs(30),
        layout: crate::types::CollectionLayout::default(),
        retry: RetryPolicy {
            within: Some(Duration::from_secs(10)),
            base: Duration::from_millis(50),
            ..RetryPolicy::default()
        },
        retry_for: Duration::from_secs(30),
    })
}
