//! Strict mode: requests stay within the limits of a collection, and errors name a limit that is too low.

#![allow(clippy::unwrap_used, reason = "tests")]

use qdrant_client::qdrant::StrictModeConfig;

use super::*;
use crate::store::{Legs, chunks_of};
use crate::types::{ContentHash, Filter, SparseVector};

/// The lowest limits that docent can work with.
fn smallest() -> StrictModeConfig {
    StrictModeConfig {
        upsert_max_batchsize: Some(2),
        search_max_batchsize: Some(1),
        max_query_limit: Some(3),
        filter_max_conditions: Some(2),
        condition_max_size: Some(1),
        search_allow_exact: Some(false),
        unindexed_filtering_retrieve: Some(false),
        unindexed_filtering_update: Some(false),
        read_rate_limit: Some(4),
        write_rate_limit: Some(3),
        ..StrictModeConfig::default()
    }
}

const SOURCES: [&str; 3] = ["a.md", "b.md", "c.md"];

/// Chunks of three documents, all with different words and vectors.
fn points() -> Vec<crate::types::Point> {
    let of = |source: &'static str| {
        (0..7u32).map(move |n| {
            let slope = 0.1 * n as f32 + if source == "b.md" { 0.05 } else { 0.0 };
            let text = format!("{source} {n}");
            point(chunk(source, n, &text), [1.0, slope, 0.0, 0.0], &[(n, 1.0), (100, 0.5 + slope)])
        })
    };
    SOURCES.into_iter().flat_map(of).collect()
}

/// Everything that is done with a collection, and its answers.
async fn whole_life(served: &Served) -> (Legs, Legs, u64, usize, usize, u64) {
    let Served { reader, writer, .. } = served;
    let sources = SOURCES.map(str::to_owned);
    writer.upsert(points()).await.unwrap();
    writer.flush().await.unwrap();
    let request = SearchRequest {
        dense: Some(vec![1.0, 0.2, 0.0, 0.0]),
        sparse: Some(SparseVector { indices: vec![3, 100], values: vec![1.0, 1.0] }),
        limit: 8,
        idf_of: vec![3, 100],
        ..SearchRequest::default()
    };
    let all = reader.search(request.clone()).await.unwrap();
    let filter = Filter { sources: Some(sources.to_vec()), ..Filter::default() };
    let filtered = reader.search(SearchRequest { filter, ..request }).await.unwrap();
    let count = reader.count_chunks().await.unwrap();
    let of_one = chunks_of(&**reader.store(), "b.md").await.unwrap();
    let hashes: Vec<ContentHash> = of_one.iter().map(|chunk| chunk.chunk_hash.clone()).collect();
    let vectors = reader.vectors(&hashes).await.unwrap().len();
    let keep: Vec<_> = of_one.iter().take(2).map(crate::types::Chunk::id).collect();
    writer.delete_chunks(&["b.md".to_owned()], &keep).await.unwrap();
    writer.delete_documents(&["a.md".to_owned()]).await.unwrap();
    writer.flush().await.unwrap();
    let left = reader.count_chunks().await.unwrap();
    assert_eq!(reader.foreign_points().await.map(|foreign| foreign.count), Ok(0));
    (all, filtered, count, of_one.len(), vectors, left)
}

#[tokio::test]
async fn within_the_smallest_limits_all_is_as_without_them() {
    let free = whole_life(&serve([]).await).await;
    let (all, filtered, count, of_one, vectors, left) = &free;
    assert_eq!((all.dense.len(), all.idf.len(), filtered.sparse.len()), (8, 2, 8));
    assert_eq!((*count, *of_one, *vectors, *left), (21, 7, 7, 9));
    // Read when the collection is opened, or learned from a refusal.
    for told in [true, false] {
        let script = Script::new("1.18.3", []);
        let store = connect(listen(&script), "docs").unwrap();
        let first = store.write().await.unwrap();
        first.create(&manifest()).await.unwrap();
        let restrict = || script.memory.lock().unwrap().restrict("docs", foreign_allowed());
        if told {
            restrict();
        }
        first.close().await.unwrap();
        let writer = store.write().await.unwrap();
        let reader = store.read().await.unwrap().unwrap();
        if !told {
            restrict();
        }
        let strict = whole_life(&Served { script, reader, writer }).await;
        assert_eq!(strict, free, "{told}");
    }
}

/// Points of other programs are looked for with as many conditions as there are kinds of points.
fn foreign_allowed() -> StrictModeConfig {
    StrictModeConfig { filter_max_conditions: Some(6), read_rate_limit: Some(7), ..smallest() }
}

#[tokio::test]
async fn no_request_more_is_made_where_there_are_no_limits() {
    let served = serve([]).await;
    served.writer.upsert(points()).await.unwrap();
    served.writer.flush().await.unwrap();
    search(&served).await.unwrap();
    served.reader.count_chunks().await.unwrap();
    served.writer.delete_chunks(&["a.md".to_owned()], &[]).await.unwrap();
    served.writer.flush().await.unwrap();
    assert_eq!(served.script.asked_since(0), ["upsert", "query_batch", "count", "delete"]);
}

#[tokio::test]
async fn an_error_names_the_limit_that_is_too_low_and_what_is_needed() {
    let served = serve([]).await;
    served.writer.upsert(points()).await.unwrap();
    served.writer.flush().await.unwrap();
    let strict = StrictModeConfig { filter_max_conditions: Some(1), ..StrictModeConfig::default() };
    served.script.memory.lock().unwrap().restrict("docs", strict);
    let filter = Filter {
        kinds: vec![crate::types::DocumentKind::Markdown],
        tags: vec!["x".to_owned()],
        ..Filter::default()
    };
    let dense = Some(vec![1.0; DIMENSIONS]);
    let request = SearchRequest { dense, filter, limit: 3, ..SearchRequest::default() };
    let error = served.reader.search(request).await.unwrap_err();
    assert_eq!(error.fault, Fault::Limited);
    assert_eq!(
        error.message,
        "strict mode of collection \"docs@v1\" allows 1 for filter_max_conditions, and this needs 2: PATCH /collections/docs@v1 {\"strict_mode_config\": {\"filter_max_conditions\": 2}}"
    );
    let none = StrictModeConfig { upsert_max_batchsize: Some(0), ..StrictModeConfig::default() };
    served.script.memory.lock().unwrap().restrict("docs", none);
    served.writer.upsert(points()).await.unwrap();
    let error = served.writer.flush().await.unwrap_err();
    assert_eq!(error.fault, Fault::Limited);
    assert!(error.message.contains("upsert_max_batchsize, and this needs 1"), "{error}");
}

/// What docent can do nothing about.
#[tokio::test]
async fn a_full_collection_is_reported_in_the_words_of_the_server() {
    let full = "Bad request: Max points count limit of 5 reached!";
    let served = serve(times(2, Code::InvalidArgument, full)).await;
    served.writer.upsert(points()).await.unwrap();
    let error = served.writer.flush().await.unwrap_err();
    assert_eq!(error.fault, Fault::Limited);
    assert_eq!(
        error.message,
        "strict mode of collection \"docs@v1\" refuses the request: Bad request: Max points count limit of 5 reached!"
    );
}
