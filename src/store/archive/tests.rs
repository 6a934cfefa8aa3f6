//! Whatever is written comes back, and nothing else is accepted.

#![allow(clippy::unwrap_used, reason = "tests")]

mod lies;

use std::io::Write as _;

use proptest::prelude::*;
use zstd::stream::write::Encoder;

use super::*;
use crate::store::contract;
use crate::store::payload::tests as stored;
use crate::types::{Chunk, DocumentRecord, SparseVector};

/// A file with these entries.
fn written(head: &ArchiveHeader, entries: &[ArchiveEntry]) -> (Vec<u8>, SealedArchive) {
    let mut writer = ArchiveWriter::begin(Vec::new(), head.clone()).unwrap();
    for entry in entries {
        writer.entry(entry.clone()).unwrap();
    }
    writer.finish().unwrap()
}

fn read(file: &[u8]) -> Result<(ArchiveHeader, Vec<ArchiveEntry>, SealedArchive), ArchiveError> {
    let mut reader = ArchiveReader::open(file)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    assert!(reader.entry()?.is_none(), "the end stays the end");
    let sealed = reader.sealed().cloned().unwrap();
    Ok((reader.head().clone(), entries, sealed))
}

/// Entries as they are in a file, and its head.
fn collection(
    documents: Vec<(DocumentRecord, Vec<Chunk>)>,
    failures: Vec<FailureRecord>,
    vector: impl Fn(usize) -> (Option<Vec<f32>>, SparseVector),
) -> (ArchiveHeader, Vec<ArchiveEntry>) {
    let (mut records, mut points) = (Vec::new(), Vec::new());
    for (mut record, chunks) in documents {
        let document_hash = record.document_hash.clone();
        let mine = |chunk: Chunk| {
            let source = record.source.clone();
            let mut chunk = Chunk { source, document_hash: document_hash.clone(), ..chunk };
            chunk.chunk_hash = ContentHash::of(chunk.embedded().as_bytes());
            chunk
        };
        let mut chunks: Vec<Chunk> = chunks.into_iter().map(mine).collect();
        chunks.sort_by_key(Chunk::id);
        chunks.dedup_by_key(|chunk| chunk.id());
        record.chunks = chunks.len() as u32;
        record.project = None;
        records.push(record);
        points.extend(chunks);
    }
    records.sort_by(|a, b| a.source.cmp(&b.source));
    points.sort_by_key(Chunk::id);
    let mut failures: Vec<_> =
        failures.into_iter().map(|it| FailureRecord { project: None, ..it }).collect();
    failures.sort_by(|a, b| a.source.cmp(&b.source));
    failures.dedup_by(|a, b| a.source == b.source);
    let counts = (records.len() as u64, failures.len() as u64, points.len() as u64);
    let head = ArchiveHeader::new(&contract::manifest(), counts.0, counts.1, counts.2);
    let points = points.into_iter().enumerate().map(|(at, chunk)| {
        let (dense, sparse) = vector(at);
        ArchiveEntry::Point(Point { chunk, dense, sparse })
    });
    let records = records.into_iter().map(ArchiveEntry::Document);
    (head, records.chain(failures.into_iter().map(ArchiveEntry::Failure)).chain(points).collect())
}

/// Some chunks have no dense vector, some have no words.
fn vector(at: usize) -> (Option<Vec<f32>>, SparseVector) {
    let dense = [vec![1.0, 0.0, 0.0, 0.0], vec![0.6, -0.8, 0.0, 0.0], vec![0.0; 4]];
    let terms = at % 4;
    let indices = (0..terms as u32).map(|term| term.wrapping_sub(1)).collect();
    let values = (0..terms).map(|term| term as f32 * 0.37).collect();
    (dense.get(at % 4).cloned(), SparseVector { indices, values })
}

fn documents() -> impl Strategy<Value = Vec<(DocumentRecord, Vec<Chunk>)>> {
    let chunks = prop::collection::vec(stored::chunk(), 0..6);
    prop::collection::vec((stored::document(), chunks), 0..5).prop_map(|mut documents| {
        documents.sort_by(|a, b| a.0.source.cmp(&b.0.source));
        documents.dedup_by(|a, b| a.0.source == b.0.source);
        documents
    })
}

proptest! {
    #[test]
    fn what_is_written_comes_back(
        documents in documents(),
        failures in prop::collection::vec(stored::failure(), 0..4),
    ) {
        let (head, entries) = collection(documents, failures, vector);
        let (file, sealed) = written(&head, &entries);
        prop_assert_eq!(sealed.bytes, file.len() as u64);
        let (same_head, same, read_as) = read(&file).unwrap();
        prop_assert_eq!(&same_head, &head);
        prop_assert_eq!(&same, &entries);
        prop_assert_eq!(&read_as, &sealed);
        prop_assert_eq!(written(&same_head, &same).0, file, "the same file once more");
    }
}

/// Three documents, one of them empty, a failure and four chunks.
fn small() -> (ArchiveHeader, Vec<ArchiveEntry>) {
    let chunks = |source: &str, count| {
        (0..count).map(|n| contract::chunk(source, n, &format!("{source} says {n}"))).collect()
    };
    let documents = vec![
        (contract::document("a.md", 0), chunks("a.md", 3)),
        (contract::document("b.md", 0), chunks("b.md", 0)),
        (contract::document("c.md", 0), chunks("c.md", 1)),
    ];
    collection(documents, vec![contract::failure("scan.pdf", "encrypted")], vector)
}

#[test]
fn a_flipped_bit_is_found() {
    let (head, entries) = small();
    let (file, _) = written(&head, &entries);
    for at in 0..file.len() {
        for bit in [0, 3, 7] {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            assert!(read(&damaged).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let (head, entries) = small();
    let (file, _) = written(&head, &entries);
    for length in 0..file.len() {
        let error = read(&file[..length]).unwrap_err();
        assert!(matches!(error, ArchiveError::Cut), "after {length} bytes: {error}");
    }
    for more in [&b"\n"[..], b"x", &file] {
        assert!(read(&[&file, more].concat()).is_err(), "{} bytes more", more.len());
    }
}

#[test]
fn a_file_with_another_beginning_is_refused() {
    for other in ["hello\n", "docent-index one\n", "docent-index 1 \n", "PK\x03\x04", "\n"] {
        let error = read(other.as_bytes()).unwrap_err();
        assert!(matches!(error, ArchiveError::Foreign), "{other:?}: {error}");
    }
    let long = vec![b'd'; 1 << 20];
    assert!(matches!(read(&long).unwrap_err(), ArchiveError::Foreign));
    let (head, entries) = small();
    let (file, _) = written(&head, &entries);
    let newer = [b"docent-index 2\n", &file[15..]].concat();
    let error = read(&newer).unwrap_err();
    assert!(matches!(error, ArchiveError::Format(2)), "{error}");
    assert!(error.to_string().contains("format 2") && error.to_string().contains("format 1"));
}

#[test]
fn an_incomplete_collection_is_not_written() {
    let (head, entries) = small();
    let mut writer = ArchiveWriter::begin(Vec::new(), head.clone()).unwrap();
    for entry in &entries[..entries.len() - 1] {
        writer.entry(entry.clone()).unwrap();
    }
    let missing = writer.finish().map(|_| ()).unwrap_err().to_string();
    assert!(missing.contains("1 of its chunks are missing"), "{missing}");
    let mut writer = ArchiveWriter::begin(Vec::new(), head).unwrap();
    let orphan = entries.last().unwrap().clone();
    let orphan = writer.entry(orphan).unwrap_err().to_string();
    assert!(orphan.contains("its document has no record"), "{orphan}");
}

/// A file of these entries, packed by `pack`, with the right checksum.
fn forged(entries: &[(u8, Vec<u8>)], pack: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut content = Vec::new();
    for (kind, body) in entries {
        content.push(*kind);
        content.extend((body.len() as u32).to_le_bytes());
        content.extend(body);
    }
    let file = [format!("{MAGIC}{FORMAT}\n").into_bytes(), pack(content)].concat();
    let sum = format!("{SUM}{}\n", ContentHash::of(&file));
    [file, sum.into_bytes()].concat()
}

fn packed(content: Vec<u8>) -> Vec<u8> {
    let mut packed = Encoder::new(Vec::new(), 3).unwrap();
    packed.write_all(&content).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_damaged_record_is_described_in_plain_words() {
    for (json, expected) in [
        ("{\"source\": \"a.md\", ", "is damaged"),
        ("\u{1}", "is damaged"),
        ("{\"source\": 3}", "a field is missing"),
    ] {
        let error = super::read::parse::<DocumentRecord>(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("line") && !error.contains("column"), "{error}");
    }
}
