//! Digests of the content of a collection that depend neither on an order nor on a store.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Chunk, ContentHash, DocumentKind, Locator, Recognition};

/// The content of a chunk and its place: everything that is shown and cited. Its source is left out, so that
/// a moved document has the same content.
#[derive(Serialize)]
pub struct ChunkContent<'a> {
    /// Hash of title, headings and text: [`Chunk::chunk_hash`].
    pub chunk_hash: &'a ContentHash,
    pub document_hash: &'a ContentHash,
    pub title: &'a str,
    pub locator: Locator,
    pub kind: DocumentKind,
    pub tags: &'a [String],
    pub page_label: Option<&'a str>,
    pub recognition: Option<&'a Recognition>,
}

impl ChunkContent<'_> {
    /// SHA-256 of its JSON.
    pub fn digest(&self) -> [u8; 32] {
        match serde_json::to_vec(self) {
            Ok(json) => ContentHash::digest(&json),
            // A struct of strings and numbers always becomes an object.
            Err(error) => unreachable!("a chunk is a JSON object: {error}"),
        }
    }
}

impl Chunk {
    /// The [`ChunkContent`] of this chunk.
    pub fn content(&self) -> ChunkContent<'_> {
        ChunkContent {
            chunk_hash: &self.chunk_hash,
            document_hash: &self.document_hash,
            title: &self.title,
            locator: self.locator,
            kind: self.kind,
            tags: &self.tags,
            page_label: self.page_label.as_deref(),
            recognition: self.recognition.as_ref(),
        }
    }
}

/// SHA-256 over the digests of the chunks of a document, in order:
/// [`DocumentRecord::content_hash`](super::DocumentRecord::content_hash).
#[derive(Default)]
pub struct DocumentDigest(Sha256);

impl DocumentDigest {
    pub fn add(&mut self, chunk: &[u8; 32]) {
        self.0.update(chunk);
    }

    pub fn finish(self) -> ContentHash {
        ContentHash::from_digest(&self.0.finalize())
    }
}

/// SHA-256 over the documents of a collection by source, each with the digest of its chunks:
/// [`Manifest::content_hash`](super::Manifest::content_hash). `None` where the digest of a document is
/// unknown.
pub fn content_of_documents<'a>(
    documents: impl Iterator<Item = (&'a str, Option<&'a ContentHash>)>,
) -> Option<ContentHash> {
    let mut documents: Vec<(&str, &ContentHash)> =
        documents.map(|(source, content)| Some((source, content?))).collect::<Option<_>>()?;
    documents.sort_unstable();
    let mut digest = Sha256::new();
    for (source, content) in documents {
        digest.update(source);
        digest.update([0]);
        digest.update(&content.0);
        digest.update([0]);
    }
    Some(ContentHash::from_digest(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::contract::chunk;

    fn of(chunks: &[Chunk]) -> ContentHash {
        let mut digest = DocumentDigest::default();
        for chunk in chunks {
            digest.add(&chunk.content().digest());
        }
        digest.finish()
    }

    #[test]
    fn whatever_is_shown_or_cited_counts() {
        let [one, two] = [chunk("a.md", 0, "one"), chunk("a.md", 1, "two")];
        let both = of(&[one.clone(), two.clone()]);
        assert_ne!(both, of(&[two.clone(), one.clone()]));
        assert_ne!(both, of(std::slice::from_ref(&one)));
        let moved = |chunk: &Chunk| Chunk { source: "b.md".to_owned(), ..chunk.clone() };
        assert_eq!(both, of(&[moved(&one), moved(&two)]));
        for other in [
            Chunk { title: "T".to_owned(), ..two.clone() },
            Chunk { locator: Locator::Lines(7, 9), ..two.clone() },
            Chunk { tags: vec!["x".to_owned()], ..two.clone() },
            Chunk { page_label: Some("v".to_owned()), ..two.clone() },
            Chunk { chunk_hash: ContentHash::of(b"other"), ..two.clone() },
        ] {
            assert_ne!(both, of(&[one.clone(), other]));
        }
    }

    #[test]
    fn the_order_of_documents_does_not_count_and_each_is_needed() {
        let [a, b] = [ContentHash::of(b"a"), ContentHash::of(b"b")];
        let content = |documents: &[(&'static str, Option<&ContentHash>)]| {
            content_of_documents(documents.iter().copied())
        };
        let both = content(&[("a", Some(&a)), ("b", Some(&b))]);
        assert!(both.is_some());
        assert_eq!(both, content(&[("b", Some(&b)), ("a", Some(&a))]));
        assert_ne!(both, content(&[("a", Some(&b)), ("b", Some(&a))]));
        assert_ne!(both, content(&[("a", Some(&a))]));
        assert_eq!(content(&[("a", Some(&a)), ("b", None)]), None);
    }
}
