//! Copies a collection to another store, between an embedded one and one on a server. Nothing is
//! embedded, and only differences are sent.
//!
//! A document is replaced as an ingest replaces it: others see its old state or its new one. A copy
//! that was cut off goes on where it stopped.

mod differences;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use self::differences::Differences;
use super::changes::{ChangeCommand, ChangeRequest, ChangedDocuments};
use super::engine::Engine;
use super::portable::this_run;
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::store::{ChunkPage, CollectionReader, CollectionWriter, Intent, chunks_of};
use crate::types::{
    Chunk, ContentHash, DocumentRecord, Filter, Manifest, Ownership, Point, VersionCause,
    VersionChange, VersionEvent,
};

/// Chunks of one request, which are held in memory, and most chunks of documents that are replaced
/// together.
const CHUNKS: usize = 512;

/// Documents that are replaced together.
const DOCUMENTS: usize = 128;

/// Chunks after which what was written becomes durable bit by bit, so that memory stays as it is.
const CHECKPOINT: u64 = 4_096;

/// Called with the number of chunks sent and the number of all to send.
pub type OnSent<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Result of a copy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TransferReport {
    pub added: usize,
    pub changed: usize,
    pub deleted: usize,
    pub unchanged: usize,
    /// Chunks that were sent.
    pub sent: u64,
    /// Chunks of the collection now.
    pub chunks: u64,
    /// Hash of its documents, the same on both sides.
    pub content_hash: Option<ContentHash>,
    /// Notes about settings that had no effect, for a person.
    pub notes: Vec<String>,
}

impl TransferReport {
    fn in_numbers(&self) -> ChangedDocuments {
        ChangedDocuments {
            added: self.added as u64,
            changed: self.changed as u64,
            deleted: self.deleted as u64,
            chunks: self.sent,
            total: (self.added + self.changed + self.unchanged) as u64,
            ..ChangedDocuments::default()
        }
    }
}

impl Engine {
    /// Makes the collection equal to that of `source`. If it does not exist, it is created; if it was
    /// built with other settings, `replace` fills another version and switches to it.
    ///
    /// # Errors
    /// A run on `source` is not finished, the collection is another project's or was built with other
    /// settings, a store fails, or what was stored is not what was sent.
    pub async fn take_over_from(
        &self,
        source: &Engine,
        replace: bool,
        cancel: &Cancel,
        on: OnSent<'_>,
    ) -> Result<TransferReport, Failure> {
        let from = source.reader().await?;
        if from.manifest().unfinished.is_some() {
            return Err(source.is_unfinished());
        }
        let is_push = self.context.settings.qdrant.url.is_some();
        let command = if is_push { ChangeCommand::Push } else { ChangeCommand::Pull };
        let request = ChangeRequest { cancel: Some(cancel), ..ChangeRequest::from(command) };
        let taken = self.change(request, async |writer, note| {
            let taken = self.take_over(&writer, &from, replace, cancel, on).await?;
            note.come_to().documents = Some(taken.in_numbers());
            let version = writer.version().await?;
            note.come_to().versions.extend(version);
            Ok(taken)
        });
        let taken = taken.await?;
        let compared = self.compare_content(cancel).await?;
        if compared.content_hash != taken.content_hash {
            return Err(not_what_was_sent());
        }
        let notes = self.layout_notes(false).await;
        Ok(TransferReport { chunks: compared.chunks, notes, ..taken })
    }

    async fn take_over(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        from: &CollectionReader,
        replace: bool,
        cancel: &Cancel,
        on: OnSent<'_>,
    ) -> Result<TransferReport, Failure> {
        let own = self.own_whole(writer, "a copy").await?;
        let there = own.manifest().await?;
        let beside = replace && there.is_some();
        if let Some(there) = there.as_ref().filter(|_| !replace) {
            self.check_built_alike(from.manifest(), there)?;
        }
        let former = own.version().await?;
        let to = if beside { own.successor().await? } else { own };
        let sending = Sending { from, to: &*to, sent: 0, all: 0, unflushed: 0 };
        match sending.send(cancel, on).await {
            Ok(transfer) => {
                if beside {
                    to.publish(self.context.settings.index_keep).await?;
                }
                if beside || there.is_none() {
                    let version = to.version().await?.unwrap_or_default();
                    let copied = VersionEvent {
                        other: former,
                        documents: Some((transfer.added + transfer.unchanged) as u64),
                        chunks: Some(transfer.sent),
                        ..VersionEvent::now(version, VersionChange::Live, VersionCause::Copy)
                    };
                    self.log(&**writer, copied).await?;
                }
                Ok(transfer)
            }
            Err(failure) => {
                if beside {
                    // What can't be removed now is removed by the next writer.
                    let _ = to.drop_collection().await;
                }
                Err(failure)
            }
        }
    }

    fn is_unfinished(&self) -> Failure {
        let collection = &self.context.settings.collection;
        let message = format!(
            "collection `{collection}` in {} is not finished: an ingest is under way, or was cut off",
            self.collection().endpoint()
        );
        Failure::new(Exit::Negative, message)
            .hint("run this again when it is done; `docent ingest` completes one that was cut off")
    }

    /// Checks that vectors and words of both can be searched with the same question.
    fn check_built_alike(&self, from: &Manifest, there: &Manifest) -> Result<(), Failure> {
        let (one, other) = (from, there);
        let difference = if one.embedder != other.embedder {
            format!("its embedder is {}, not {}", other.embedder.name, one.embedder.name)
        } else if one.chunker != other.chunker {
            "its documents were cut into other chunks".to_owned()
        } else if one.sparse != other.sparse {
            "its words have other weights, usually because of another mean length of chunks"
                .to_owned()
        } else {
            return Ok(());
        };
        let collection = &self.context.settings.collection;
        let message = format!(
            "collection `{collection}` in {} was built with other settings: {difference}",
            self.collection().endpoint()
        );
        Err(Failure::config(message)
            .hint("replace it with --replace, or name another with --collection"))
    }
}

/// A copy that is under way.
struct Sending<'a> {
    from: &'a CollectionReader,
    to: &'a dyn CollectionWriter,
    sent: u64,
    all: u64,
    unflushed: u64,
}

impl Sending<'_> {
    async fn send(mut self, cancel: &Cancel, on: OnSent<'_>) -> Result<TransferReport, Failure> {
        let (from, to) = (self.from, self.to);
        let records: Vec<DocumentRecord> =
            from.documents().await?.into_iter().map(anybodys).collect();
        let there = to.manifest().await?;
        let mut before = Vec::new();
        let mut tally = Vec::new();
        match &there {
            None => to.create(&self.begun(None)).await?,
            Some(there) => {
                before = to.documents().await?.into_iter().map(anybodys).collect();
                if there.unfinished.is_some() {
                    tally = to.tally().await?;
                }
                to.put_manifest(&self.begun(Some(there))).await?;
            }
        }
        let is_unfinished = there.as_ref().is_some_and(|there| there.unfinished.is_some());
        let differences = Differences::of(&records, &before, is_unfinished.then_some(&tally[..]));
        self.all = differences.chunks();
        to.put_documents(&differences.touched).await?;
        for batch in differences.batches(DOCUMENTS, CHUNKS as u64) {
            if cancel.is_cancelled() {
                to.flush().await?;
                return Err(Failure::interrupted());
            }
            self.replace(batch, &differences.there, cancel, on).await?;
        }
        to.delete_documents(&differences.gone).await?;
        self.put_failures().await?;
        to.optimize().await?;
        self.check_arrived(&records).await?;
        let manifest = self.manifest(there.as_ref());
        to.put_manifest(&manifest).await?;
        let changed = differences.sent.iter().filter(|it| differences.had(&it.source)).count();
        Ok(TransferReport {
            added: differences.sent.len() - changed,
            changed,
            deleted: differences.gone.len(),
            unchanged: records.len() - differences.sent.len(),
            sent: self.sent,
            content_hash: manifest.content_hash,
            ..TransferReport::default()
        })
    }

    /// The manifest of what is sent. The receiving store says who owns it; readers there identify it by
    /// its creation time.
    fn manifest(&self, there: Option<&Manifest>) -> Manifest {
        let mut manifest = self.from.manifest().as_ref().clone();
        manifest.owner = Ownership::default();
        if let Some(there) = there {
            manifest.created_at.clone_from(&there.created_at);
        }
        manifest
    }

    /// The same until everything was sent. Questions that are asked meanwhile use the languages of
    /// both.
    fn begun(&self, there: Option<&Manifest>) -> Manifest {
        let mut begun = self.manifest(there);
        for language in there.iter().flat_map(|there| there.languages.keys()) {
            begun.languages.entry(language.clone()).or_default();
        }
        begun.unfinished = Some(this_run());
        begun
    }

    /// Replaces documents in the receiving store.
    async fn replace(
        &mut self,
        records: &[&DocumentRecord],
        there: &HashSet<String>,
        cancel: &Cancel,
        on: OnSent<'_>,
    ) -> Result<(), Failure> {
        let (to, from) = (self.to, self.from);
        let chunks: u64 = records.iter().map(|record| u64::from(record.chunks)).sum();
        let in_parts = chunks > CHUNKS as u64;
        let sources: Vec<String> = records.iter().map(|record| record.source.clone()).collect();
        let stale: Vec<String> =
            sources.iter().filter(|source| there.contains(*source)).cloned().collect();
        let (mut intents, mut keep) = (Vec::new(), Vec::new());
        for record in records {
            let ids =
                if there.contains(&record.source) { Some(ids(from, record).await?) } else { None };
            keep.extend(ids.iter().flatten().copied());
            intents.push(Intent {
                source: record.source.clone(),
                run_id: record.run_id,
                replaces_all_but: ids,
                moved_from: None,
                in_parts,
            });
        }
        let mut page = page_of(&sources);
        let mut points = from.points(page.clone()).await?;
        // While this is held, others can't read. It is not held while pages are read, so only if there
        // is one page.
        let change = if in_parts { None } else { Some(to.begin().await) };
        to.will_store(&intents).await?;
        loop {
            self.upsert(points.points, on).await?;
            page.from = points.next;
            if page.from.is_none() {
                break;
            }
            if cancel.is_cancelled() {
                return Err(Failure::interrupted());
            }
            points = from.points(page.clone()).await?;
        }
        let records: Vec<DocumentRecord> = records.iter().map(|&record| record.clone()).collect();
        to.put_documents(&records).await?;
        if !stale.is_empty() {
            // What replaces the deleted chunks is durable first, so that nothing is missing after a
            // kill.
            to.flush().await?;
            to.delete_chunks(&stale, &keep).await?;
        }
        to.have_stored(&sources).await?;
        drop(change);
        if self.unflushed >= CHECKPOINT {
            to.checkpoint().await?;
            self.unflushed = 0;
        }
        Ok(())
    }

    async fn upsert(&mut self, points: Vec<Point>, on: OnSent<'_>) -> Result<(), Failure> {
        let count = points.len() as u64;
        if count > 0 {
            self.to.upsert(points).await?;
        }
        self.sent += count;
        self.unflushed += count;
        on(self.sent, self.all);
        Ok(())
    }

    /// Checks what was stored before others see it as complete.
    async fn check_arrived(&self, sent: &[DocumentRecord]) -> Result<(), Failure> {
        let content = |records: &[DocumentRecord]| {
            let of = |it: &'_ DocumentRecord| (it.source.clone(), it.content_hash.clone());
            records.iter().map(of).collect::<BTreeMap<_, _>>()
        };
        let arrived = self.to.documents().await?;
        let chunks: u64 = sent.iter().map(|record| u64::from(record.chunks)).sum();
        if content(sent) == content(&arrived) && self.to.count_chunks().await? == chunks {
            return Ok(());
        }
        Err(not_what_was_sent())
    }

    async fn put_failures(&self) -> Result<(), Failure> {
        let failures = self.from.failures().await?;
        let named: HashSet<&str> = failures.iter().map(|failure| failure.source.as_str()).collect();
        let over = self.to.failures().await?.into_iter().map(|failure| failure.source);
        let over: Vec<String> = over.filter(|source| !named.contains(source.as_str())).collect();
        self.to.delete_failures(&over).await?;
        Ok(self.to.put_failures(&failures).await?)
    }
}

fn not_what_was_sent() -> Failure {
    Failure::new(Exit::Backend, "what is stored now is not what was sent")
        .hint("run this again; if that does not help, send everything with --replace")
}

/// The record without its owner, which each store sets itself.
fn anybodys(record: DocumentRecord) -> DocumentRecord {
    DocumentRecord { project: None, ..record }
}

fn page_of(sources: &[String]) -> ChunkPage {
    let filter = Filter { sources: Some(sources.to_vec()), ..Filter::default() };
    ChunkPage { filter, limit: CHUNKS, from: None }
}

/// Ids of the chunks of a document.
async fn ids(from: &CollectionReader, record: &DocumentRecord) -> Result<Vec<Uuid>, Failure> {
    let chunks = chunks_of(&**from.store(), &record.source).await?;
    Ok(chunks.iter().map(Chunk::id).collect())
}
