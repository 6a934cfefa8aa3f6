//! Verifies a collection: every chunk is read and compared with the records, on either store.

use std::collections::{BTreeMap, HashMap};

use super::backends;
use super::changes::ChangeCommand;
use super::engine::Engine;
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::store::{CollectionReader, OnWait, each_chunk};
use crate::types::{
    Chunk, ContentHash, DocumentDigest, DocumentRecord, Filter, content_of_documents,
};

/// How many documents an error names.
const NAMED: usize = 10;

/// A version that was compared with its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComparedVersion {
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub documents: usize,
    pub chunks: u64,
    /// Hash of its documents; `None` unless [`Self::unsealed`] is 0.
    pub content_hash: Option<ContentHash>,
    /// Documents that were ingested before their content had a hash: only their chunks were counted.
    pub unsealed: usize,
    /// A run is unfinished: records and chunks were not compared.
    pub is_unfinished: bool,
}

impl Engine {
    /// Makes an intact version of an embedded collection the live one. `on_wait` is called with the
    /// process that it waits for.
    ///
    /// # Errors
    /// The collection is on a server, or no version is intact.
    pub async fn repair(&self, on_wait: OnWait) -> Result<backends::Repaired, Failure> {
        let files = backends::files(&self.context, on_wait)?;
        if !self.context.data_dir.is_dir() {
            return Ok(files.repair().await?);
        }
        self.noted(ChangeCommand::Repair, async || Ok(files.repair().await?)).await
    }

    /// Reads every chunk of the collection, and compares them with the records of their documents, and
    /// these with the manifest.
    ///
    /// # Errors
    /// There is no collection, the store fails, or something is damaged: the error names documents.
    pub async fn compare_content(&self, cancel: &Cancel) -> Result<ComparedVersion, Failure> {
        let reader = self.reader().await?;
        let mut stored = StoredContent::default();
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            read = each_chunk(&**reader.store(), Filter::default(), |chunk| stored.add(&chunk)) => read?,
        }
        self.compared(&reader, stored).await
    }

    async fn compared(
        &self,
        reader: &CollectionReader,
        mut stored: StoredContent,
    ) -> Result<ComparedVersion, Failure> {
        let (records, manifest) = (reader.documents().await?, reader.manifest());
        let is_unfinished = manifest.unfinished.is_some();
        let chunks = stored.chunks;
        if !is_unfinished {
            stored.compare(&records);
        }
        let contents = records.iter().map(|it| (it.source.as_str(), it.content_hash.as_ref()));
        let content_hash = content_of_documents(contents);
        let changed = |known: &ContentHash| content_hash.as_ref() != Some(known);
        if !is_unfinished && manifest.content_hash.as_ref().is_some_and(changed) {
            let why = "its documents are not those that its last run left";
            stored.wrong("the collection", why.to_owned());
        }
        if !stored.problems.is_empty() {
            return Err(self.damaged(&stored.problems));
        }
        Ok(ComparedVersion {
            version: reader.version(),
            documents: records.len(),
            chunks,
            content_hash,
            unsealed: records.iter().filter(|record| record.content_hash.is_none()).count(),
            is_unfinished,
        })
    }

    fn damaged(&self, problems: &BTreeMap<String, String>) -> Failure {
        let collection = &self.context.settings.collection;
        let message = format!("collection `{collection}` is damaged: {} wrong", problems.len());
        let mut failure = Failure::new(Exit::Backend, message);
        let named = problems.iter().map(|(what, why)| format!("{what}: {why}"));
        failure.causes.extend(named.take(NAMED));
        if let more @ 1.. = problems.len().saturating_sub(NAMED) {
            failure = failure.caused_by(format!("and {more} more"));
        }
        failure.hint("rebuild it: docent ingest --rebuild")
    }
}

/// The stored chunks of each document, and problems with them.
#[derive(Default)]
struct StoredContent {
    chunks: u64,
    /// Ordinals and digests of its chunks, by source.
    documents: HashMap<String, Vec<(u32, [u8; 32])>>,
    /// What is wrong with each place.
    problems: BTreeMap<String, String>,
}

impl StoredContent {
    fn add(&mut self, chunk: &Chunk) {
        self.chunks += 1;
        if !chunk.is_intact() {
            let place = chunk.locator.cite(&chunk.source);
            self.wrong(&place, "its text is not the text that was stored".to_owned());
        }
        let digest = chunk.content().digest();
        match self.documents.get_mut(&chunk.source) {
            Some(document) => document.push((chunk.ordinal, digest)),
            None => {
                self.documents.insert(chunk.source.clone(), vec![(chunk.ordinal, digest)]);
            }
        }
    }

    fn compare(&mut self, records: &[DocumentRecord]) {
        for record in records {
            let mut chunks = self.documents.remove(&record.source).unwrap_or_default();
            chunks.sort_unstable_by_key(|(ordinal, _)| *ordinal);
            if chunks.len() != record.chunks as usize {
                let (stored, recorded) = (chunks.len(), record.chunks);
                let why = format!("{stored} chunks are stored, but its record has {recorded}");
                self.wrong(&record.source, why);
                continue;
            }
            let mut digest = DocumentDigest::default();
            for (_, chunk) in &chunks {
                digest.add(chunk);
            }
            if record.content_hash.as_ref().is_some_and(|known| *known != digest.finish()) {
                let why = "its chunks are not the chunks that were stored".to_owned();
                self.wrong(&record.source, why);
            }
        }
        for (source, chunks) in std::mem::take(&mut self.documents) {
            self.wrong(
                &source,
                format!("{} chunks are stored, but it has no record", chunks.len()),
            );
        }
    }

    /// Notes a problem; only the first one of each place is kept.
    fn wrong(&mut self, what: &str, why: String) {
        self.problems.entry(what.to_owned()).or_insert(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::{chunk, document};

    fn problems(chunks: &[Chunk], records: &[DocumentRecord]) -> Vec<(String, String)> {
        let mut stored = StoredContent::default();
        for chunk in chunks {
            stored.add(chunk);
        }
        stored.compare(records);
        stored.problems.into_iter().collect()
    }

    fn record(source: &str, chunks: &[Chunk]) -> DocumentRecord {
        let mut digest = DocumentDigest::default();
        for chunk in chunks {
            digest.add(&chunk.content().digest());
        }
        let content_hash = Some(digest.finish());
        DocumentRecord { content_hash, ..document(source, chunks.len() as u32) }
    }

    #[test]
    fn what_is_not_as_it_was_stored_is_named() {
        let chunks = [chunk("a.md", 0, "one"), chunk("a.md", 1, "two")];
        let whole = record("a.md", &chunks);
        let backwards: Vec<Chunk> = chunks.iter().rev().cloned().collect();
        assert!(problems(&backwards, std::slice::from_ref(&whole)).is_empty());
        let of_before = DocumentRecord { content_hash: None, ..whole.clone() };
        assert!(problems(&chunks, &[of_before]).is_empty());

        let mut damaged = chunks.clone();
        damaged[1].text = "three".to_owned();
        let one = std::slice::from_ref(&whole);
        let mut elsewhere = chunks.clone();
        elsewhere[1].tags = vec!["other".to_owned()];
        for (stored, records, what, why) in [
            (&damaged[..], one, "a.md:L11-L19", "its text is not"),
            (&elsewhere, one, "a.md", "its chunks are not the chunks"),
            (&chunks[..1], one, "a.md", "1 chunks are stored, but its record has 2"),
            (&[], one, "a.md", "0 chunks are stored"),
            (&chunks, &[], "a.md", "2 chunks are stored, but it has no record"),
        ] {
            let found = problems(stored, records);
            let [(named, said)] = &found[..] else { panic!("{found:?}") };
            assert_eq!(named, what);
            assert!(said.starts_with(why), "{said}");
        }
    }
}
