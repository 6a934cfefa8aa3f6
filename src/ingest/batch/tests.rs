//! Gathering: which documents are split, and that their chunks are not held twice.

#![allow(clippy::unwrap_used, reason = "tests")]

use futures::stream;
use uuid::Uuid;

use super::*;
use crate::embed::builtin::Builtin;
use crate::embed::sparse::TermCounters;
use crate::ingest::document::{Document, SourceMap, Syntax};
use crate::ingest::lazy_chunks;
use crate::types::DocumentKind;

/// A document in which each line is a chunk.
fn ready(source: &str, expected: u32) -> PreparedDocument {
    let record = DocumentRecord {
        project: None,
        source: source.to_owned(),
        document_hash: ContentHash::of(source.as_bytes()),
        size: 1,
        mtime: 1,
        kind: DocumentKind::Text,
        chunks: 0,
        terms: 0,
        tags: Vec::new(),
        text_fields: Vec::new(),
        ingested_at: String::new(),
        run_id: Uuid::nil(),
        web: None,
        secrets: None,
        warnings: Vec::new(),
        ocr: None,
        language: None,
        content_hash: None,
    };
    let document = Document {
        title: String::new(),
        text: "line\n".repeat(expected as usize),
        syntax: Syntax::Plain,
        places: SourceMap::Verbatim,
        ..Document::default()
    };
    let options = ChunkOptions { max_tokens: 1, overlap_tokens: 0 };
    let terms = TermCounters::new("english").unwrap();
    let (record, chunks) = lazy_chunks::cut(record, document, &options, &Builtin::new(), &terms);
    assert_eq!(record.chunks, expected);
    PreparedDocument::Ready(Ready {
        record,
        replaces: ReplacedDocument::Nothing,
        chunks,
        secrets: Secrets::default(),
    })
}

async fn gathered(documents: &[(&str, u32)], size: usize) -> Vec<CommitBatch> {
    let prepared: Vec<PreparedDocument> =
        documents.iter().map(|(source, chunks)| ready(source, *chunks)).collect();
    gather(stream::iter(prepared), size).collect().await
}

/// Source and number of chunks of every part, batch by batch; `+` where more parts follow.
fn shape(batches: &[CommitBatch]) -> Vec<Vec<String>> {
    let part = |part: &BatchPart| {
        let more = if part.last { "" } else { "+" };
        format!("{}{}{more}", part.document.record.source, part.chunks.len())
    };
    batches.iter().map(|batch| batch.parts.iter().map(part).collect()).collect()
}

#[tokio::test]
async fn only_a_document_larger_than_a_batch_is_split() {
    let batches = gathered(&[("a", 3), ("b", 2), ("c", 10), ("d", 1)], 4).await;
    let shape = shape(&batches);
    assert_eq!(
        shape,
        [vec!["a3"], vec!["b2", "c2+"], vec!["c4+"], vec!["c4"], vec!["d1"]],
        "{shape:?}"
    );
}

#[tokio::test]
async fn parts_of_a_large_document_take_no_more_room_than_their_chunks() {
    let batches = gathered(&[("a", 5_000)], 50).await;
    let held: usize =
        batches.iter().flat_map(|batch| &batch.parts).map(|part| part.chunks.capacity()).sum();
    assert!(held <= 2 * 5_000, "room for {held} chunks");
}
