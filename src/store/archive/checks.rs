//! Checks what holds for every collection that docent writes, and so for every file that it exports.

use std::collections::HashMap;

use uuid::Uuid;

use super::{ArchiveEntry, ArchiveHeader, DIMENSIONS};
use crate::types::{
    Chunk, ContentHash, DocumentRecord, FailureRecord, Manifest, Point, SCHEMA_VERSION,
    SparseVector,
};

/// Checks one entry after another; each error says what is wrong.
pub(super) struct Checks {
    head: ArchiveHeader,
    /// The documents so far: content hash, and number of chunks still to come.
    documents: HashMap<String, (ContentHash, u32)>,
    failures: u64,
    chunks: u64,
    /// Place of the previous entry.
    last: Option<Place>,
}

/// Order of the entries: each comes after the one before it.
#[derive(PartialEq, PartialOrd)]
enum Place {
    Document(String),
    Failure(String),
    Point(Uuid),
}

impl Checks {
    pub(super) fn new(head: ArchiveHeader) -> Result<Self, String> {
        check_manifest(&head.manifest)?;
        Ok(Self { head, documents: HashMap::new(), failures: 0, chunks: 0, last: None })
    }

    pub(super) fn head(&self) -> &ArchiveHeader {
        &self.head
    }

    pub(super) fn entry(&mut self, entry: &ArchiveEntry) -> Result<(), String> {
        match entry {
            ArchiveEntry::Document(record) => self.document(record),
            ArchiveEntry::Failure(record) => self.failure(record),
            ArchiveEntry::Point(point) => self.point(point),
        }
    }

    fn document(&mut self, record: &DocumentRecord) -> Result<(), String> {
        let DocumentRecord { source, document_hash, chunks, .. } = record;
        self.follows(Place::Document(source.clone()))?;
        check_hash(document_hash)?;
        check_number(record.size)?;
        check_number(record.terms)?;
        self.documents.insert(source.clone(), (document_hash.clone(), *chunks));
        at_most("documents", self.documents.len() as u64, self.head.documents)
    }

    fn failure(&mut self, record: &FailureRecord) -> Result<(), String> {
        self.follows(Place::Failure(record.source.clone()))?;
        record.document_hash.as_ref().map_or(Ok(()), check_hash)?;
        check_number(record.size)?;
        self.failures += 1;
        at_most("failures", self.failures, self.head.failures)
    }

    fn point(&mut self, Point { chunk, dense, sparse }: &Point) -> Result<(), String> {
        self.follows(Place::Point(chunk.id()))?;
        let wrong = |why: &str| format!("{}: {why}", chunk.locator.cite(&chunk.source));
        if !chunk.is_intact() {
            return Err(wrong("its text is not the one that was stored"));
        }
        self.is_announced(chunk).map_err(wrong)?;
        let dimensions = self.head.manifest.embedder.dimensions;
        let vectors = dense.as_ref().map_or(Ok(()), |dense| check_dense(dense, dimensions));
        vectors.and_then(|()| check_sparse(sparse)).map_err(wrong)?;
        self.chunks += 1;
        at_most("chunks", self.chunks, self.head.chunks)
    }

    /// Its document has a record, and chunks left to come.
    fn is_announced(&mut self, chunk: &Chunk) -> Result<(), &'static str> {
        let Some((hash, left)) = self.documents.get_mut(&chunk.source) else {
            return Err("its document has no record");
        };
        if *hash != chunk.document_hash {
            return Err("it belongs to another version of its document than the record");
        }
        *left = left.checked_sub(1).ok_or("its document has more chunks than its record says")?;
        Ok(())
    }

    fn follows(&mut self, place: Place) -> Result<(), String> {
        if self.last.as_ref().is_some_and(|last| *last >= place) {
            return Err("an entry appears twice, or in the wrong place".to_owned());
        }
        self.last = Some(place);
        Ok(())
    }

    /// Everything announced has come.
    pub(super) fn end(&self) -> Result<(), String> {
        let ArchiveHeader { documents, failures, chunks, .. } = self.head;
        if let Some((source, (_, left))) = self.documents.iter().find(|(_, (_, left))| *left > 0) {
            return Err(format!("{source}: {left} of its chunks are missing"));
        }
        let came = (self.documents.len() as u64, self.failures, self.chunks);
        if came != (documents, failures, chunks) {
            return Err(format!(
                "it has {} documents, {} failures and {} chunks, but {documents}, {failures} and {chunks} were announced",
                came.0, came.1, came.2
            ));
        }
        Ok(())
    }
}

fn at_most(what: &str, there: u64, announced: u64) -> Result<(), String> {
    if there <= announced {
        return Ok(());
    }
    Err(format!("it has more than the {announced} {what} that were announced"))
}

fn check_manifest(manifest: &Manifest) -> Result<(), String> {
    let Manifest { schema_version, embedder, runs, .. } = manifest;
    if *schema_version != SCHEMA_VERSION {
        return Err(format!(
            "its records have version {schema_version}, and this version of docent reads version {SCHEMA_VERSION}"
        ));
    }
    if !(1..=DIMENSIONS).contains(&embedder.dimensions) {
        return Err(format!("vectors of {} dimensions can't be stored", embedder.dimensions));
    }
    if runs.len() > Manifest::MAX_RUNS {
        return Err(format!("its manifest names too many runs: {}", runs.len()));
    }
    Ok(())
}

fn check_hash(hash: &ContentHash) -> Result<(), String> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hash.0.len() == 64 && hash.0.bytes().all(is_hex) {
        return Ok(());
    }
    Err("a hash does not have 64 hexadecimal digits".to_owned())
}

/// Integers of a server are signed.
fn check_number(number: u64) -> Result<(), String> {
    i64::try_from(number).map(drop).map_err(|_| format!("the number {number} is too large"))
}

/// A stored vector has unit length, in both stores, or is zero.
fn check_dense(vector: &[f32], dimensions: usize) -> Result<(), &'static str> {
    if vector.len() != dimensions {
        return Err("its vector has other dimensions than the collection");
    }
    let square: f32 = vector.iter().map(|value| value * value).sum();
    // Both comparisons are false for NaN.
    if (square - 1.0).abs() < 1e-3 || square == 0.0 {
        return Ok(());
    }
    Err("its vector does not have unit length")
}

fn check_sparse(SparseVector { indices, values }: &SparseVector) -> Result<(), &'static str> {
    let mut sorted = indices.clone();
    sorted.sort_unstable();
    let is_twice = sorted.windows(2).any(|pair| pair[0] == pair[1]);
    if is_twice || indices.len() != values.len() || !values.iter().all(|value| value.is_finite()) {
        return Err("its sparse vector is damaged");
    }
    Ok(())
}
