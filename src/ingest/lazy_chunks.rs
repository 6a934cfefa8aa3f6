//! A document as chunks. Each is made when it is asked for, so the text is held once, however many chunks
//! there are.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::chunk::{self, ChunkOptions};
use super::document::Document;
use crate::embed::Embedder;
use crate::embed::sparse::{TermCounters, language_of_document};
use crate::types::{
    Chunk, ChunkContent, ContentHash, DocumentDigest, DocumentRecord, Locator, Recognition,
};

/// The chunks of a document, in order.
pub(super) struct LazyChunks {
    title: String,
    text: String,
    /// As in [`Document::page_labels`].
    page_labels: Vec<(u32, String)>,
    /// The record of the document, with the fields that all its chunks share.
    record: DocumentRecord,
    cuts: Vec<ChunkBounds>,
    next: usize,
}

/// The position of a chunk, and what is known about it.
struct ChunkBounds {
    start: usize,
    length: usize,
    locator: Locator,
    recognition: Option<Box<Recognition>>,
    headings: Arc<[String]>,
    titled: bool,
    digest: [u8; 32],
    occurrence: u32,
}

/// Chunks a document, and records its language and the numbers of chunks and terms.
pub(super) fn cut(
    mut record: DocumentRecord,
    document: Document,
    options: &ChunkOptions,
    embedder: &dyn Embedder,
    terms: &TermCounters,
) -> (DocumentRecord, Box<LazyChunks>) {
    record.language = language_of_document(&document.text, record.kind).map(str::to_owned);
    let terms = terms.of(record.language.as_deref());
    let pieces = chunk::chunk(&document, options, &|text| embedder.count_tokens(text));
    let mut occurrences: HashMap<[u8; 32], u32> = HashMap::new();
    let mut cuts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let title = piece.titled.then_some(document.title.as_str());
        let embedded = Chunk::embedded_text(title, &piece.headings, piece.text);
        let digest = ContentHash::digest(embedded.as_bytes());
        let seen = occurrences.entry(digest).or_default();
        let occurrence = std::mem::replace(seen, *seen + 1);
        record.terms += terms.count(&embedded) as u64;
        cuts.push(ChunkBounds {
            start: piece.start,
            length: piece.text.len(),
            locator: piece.locator,
            recognition: piece.recognition,
            headings: piece.headings,
            titled: piece.titled,
            digest,
            occurrence,
        });
    }
    record.chunks = cuts.len() as u32;
    let Document { title, text, page_labels, .. } = document;
    let mut chunks = LazyChunks { title, text, page_labels, record, cuts, next: 0 };
    let mut content = DocumentDigest::default();
    for cut in &chunks.cuts {
        content.add(&chunks.content(cut));
    }
    chunks.record.content_hash = Some(content.finish());
    (chunks.record.clone(), Box::new(chunks))
}

impl LazyChunks {
    /// Whether no chunk is left.
    pub(super) fn is_done(&self) -> bool {
        self.len() == 0
    }

    /// The document's own label for the page of a chunk.
    fn page_label(&self, locator: Locator) -> Option<&str> {
        let page = locator.page()?;
        let at = self.page_labels.binary_search_by_key(&page, |(number, _)| *number).ok()?;
        Some(&self.page_labels[at].1)
    }

    /// See [`ChunkContent::digest`].
    fn content(&self, cut: &ChunkBounds) -> [u8; 32] {
        let content = ChunkContent {
            chunk_hash: &ContentHash::from_digest(&cut.digest),
            document_hash: &self.record.document_hash,
            title: &self.title,
            locator: cut.locator,
            kind: self.record.kind,
            tags: &self.record.tags,
            page_label: self.page_label(cut.locator),
            recognition: cut.recognition.as_deref(),
        };
        content.digest()
    }

    /// The ids of all chunks.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        let id = |cut: &ChunkBounds| {
            let hash = ContentHash::from_digest(&cut.digest);
            Chunk::id_of(&self.record.source, &hash, cut.occurrence)
        };
        self.cuts.iter().map(id).collect()
    }
}

impl Iterator for LazyChunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let ChunkBounds {
            start,
            length,
            locator,
            ref recognition,
            ref headings,
            titled,
            ref digest,
            occurrence,
        } = *self.cuts.get(self.next)?;
        let ordinal = self.next as u32;
        self.next += 1;
        Some(Chunk {
            source: self.record.source.clone(),
            title: self.title.clone(),
            headings: headings.to_vec(),
            titled,
            text: self.text[start..start + length].to_owned(),
            locator,
            ordinal,
            kind: self.record.kind,
            document_hash: self.record.document_hash.clone(),
            chunk_hash: ContentHash::from_digest(digest),
            occurrence,
            tags: self.record.tags.clone(),
            page_label: self.page_label(locator).map(str::to_owned),
            recognition: recognition.as_deref().cloned(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.cuts.len() - self.next;
        (rest, Some(rest))
    }
}

impl ExactSizeIterator for LazyChunks {}
