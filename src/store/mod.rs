//! Where chunks, document records and the manifest live.
//!
//! A [`Collection`] is opened once and lives as long as the process. [`Collection::read`] gives a [`CollectionReader`],
//! a snapshot for one question: it pins one version and its manifest. [`Collection::write`] gives the only
//! [`CollectionWriter`]. Locking is left to each implementation: who waits for whom, and for how long.
//! Neither an ingest nor a question deals with it.
//!
//! A collection `NAME` is an alias onto a physical version `NAME@vN`; [`edge`] has the same names
//! as directories and a pointer that is replaced atomically. All state is in the store, so that a
//! team and its CI can share it. Ranking is not here: each leg is returned as the engine ranked
//! it, and `query` fuses them.

pub mod archive;
pub mod edge;
pub mod server;

mod change_hook;
mod exclusive;
mod foreign;
mod intent;
mod names;
mod owner;
mod pages;
mod payload;
mod project_view;
mod receipt;
mod search;
mod versions;

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
pub(crate) mod scripted;

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OwnedRwLockReadGuard;
use uuid::Uuid;

pub use self::change_hook::{ChangeHook, with_change_hook};
pub use self::exclusive::exclusively;
pub use self::foreign::ForeignPoints;
pub use self::intent::{Intent, Moved};
pub use self::names::check_name;
use self::names::{version_in, version_of};
pub(crate) use self::owner::{Owner, host_name};
pub use self::pages::{ChunkList, ChunkPage, PointList, chunks_of, each_chunk};
pub use self::project_view::ProjectView;
pub use self::receipt::Receipt;
pub use self::search::{Legs, ReturnedChunks, SearchRequest};
pub use self::versions::FormerVersion;
pub(crate) use self::versions::{RetentionMark, beyond, latest_former};
use crate::error::{BackendError, ExternalService, Fault};
use crate::types::{
    Chunk, ChunkTally, ContentHash, DocumentRecord, FailureRecord, Manifest, Partition, Point,
    VersionEntry, VersionEvent,
};

/// A collection in Qdrant, embedded or on a server, whether or not it exists yet.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Directory or URL, for messages. Never contains a key.
    fn endpoint(&self) -> &str;

    /// Whether the store answers: one request that takes less than a second. Does not look at the collection.
    async fn ping(&self) -> Result<(), BackendError>;

    /// A snapshot of the version in use. `None` where the collection does not exist.
    async fn read(&self) -> Result<Option<CollectionReader>, BackendError>;

    /// The right to change the collection, which only one process has at a time. Waits for another writer as
    /// long as the collection was opened to wait, then fails with [`Fault::Busy`](crate::error::Fault),
    /// naming that writer.
    async fn write(&self) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// The right to change one part of the sources, beside writers of other parts; all must divide the
    /// sources into the same number of parts. Waits like [`Self::write`] for a writer of the same part or of
    /// the whole collection. What concerns the collection as a whole is written in
    /// [turns](CollectionWriter::begin_turn). Where only one process at a time can write the collection, the
    /// writer of a part is that process.
    async fn write_part(
        &self,
        _partition: Partition,
    ) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.write().await
    }

    /// The same as [`Self::write`], but keeps what this run has left of a
    /// [successor](CollectionWriter::successor), for [`CollectionWriter::resume`].
    async fn write_again(&self, run: Uuid) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// All versions, by number: none where the collection does not exist.
    async fn versions(&self) -> Result<Vec<VersionEntry>, BackendError>;

    /// Numbers of versions that may exist although this caller may not see them.
    async fn hidden_versions(&self) -> Result<Vec<u32>, BackendError> {
        Ok(Vec::new())
    }

    /// A snapshot of a version, live or not. `None` where no complete version has this number.
    async fn read_version(&self, number: u32) -> Result<Option<CollectionReader>, BackendError>;

    /// What [`CollectionWriter::log_version`] has written, oldest first.
    async fn version_log(&self) -> Result<Vec<VersionEvent>, BackendError>;
}

/// What one version of a collection can be asked.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Directory or URL, for messages. Never contains a key.
    fn endpoint(&self) -> &str;

    /// Prepares for queries where the store can do that ahead, including any wait for the collection.
    async fn open(&self) -> Result<(), BackendError>;

    /// Reads everything that is stored, as far as needed to know that it is unchanged.
    async fn verify(&self) -> Result<(), BackendError>;

    /// All document records, ordered by source.
    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError>;

    /// How many chunks are stored of each version of each document, ordered by source; after a run that was
    /// cut off, this shows what disagrees with the records. Reads two fields of every chunk.
    async fn tally(&self) -> Result<Vec<ChunkTally>, BackendError>;

    /// Sources that could not be ingested, ordered by source.
    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError>;

    /// Stored dense vectors by chunk hash, for reuse. Hashes without one are absent.
    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError>;

    /// Searches the legs that the request has, in one round trip where the backend can. Each leg is ordered
    /// by descending score. Records are never returned.
    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError>;

    /// The chunks that pass a filter, a page at a time, ordered by id. Neither store needs an index for that
    /// order, and it does not change while other chunks come and go. Every chunk that exists from the first
    /// page to the last is on exactly one page. The chunks of a document are scattered in this order;
    /// [`chunks_of`] returns those of one document in the order of its text. Records are never returned.
    /// Empty where the collection does not exist.
    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError>;

    /// The same chunks with their vectors, as [`CollectionWriter::upsert`] takes them: the dense one of
    /// unit length, as it is stored.
    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError>;

    /// Exact number of chunks.
    async fn count_chunks(&self) -> Result<u64, BackendError>;

    /// Points that docent did not write. No other method returns them.
    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError>;
}

/// A snapshot of a collection for one question: every request is answered by the version whose manifest it
/// has, or fails with the message that the collection was rebuilt meanwhile.
///
/// Between two requests it blocks nobody, so it may be held while a model takes its time.
#[derive(Clone)]
pub struct CollectionReader {
    version: u32,
    manifest: Arc<Manifest>,
    store: Arc<dyn VectorStore>,
}

impl CollectionReader {
    /// `store` answers from `version`, which `manifest` describes, and from no other version.
    pub fn new(version: u32, manifest: Arc<Manifest>, store: Arc<dyn VectorStore>) -> Self {
        Self { version, manifest, store }
    }

    /// The number N of the physical version `NAME@vN`.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    pub fn store(&self) -> &Arc<dyn VectorStore> {
        &self.store
    }
}

impl Deref for CollectionReader {
    type Target = dyn VectorStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// The only writer of a collection: an ingest holds it from before it reads the documents until its end. The
/// collection need not exist before [`CollectionWriter::create`]; until then it is empty.
///
/// Updates are idempotent. Reads through the writer see them at once; they are durable after
/// [`CollectionWriter::flush`]. A failed update may surface only in a later call, in `flush` at the latest;
/// nothing is written after it. Dropping the last writer gives the right back; [`CollectionWriter::close`]
/// does the same and reports whether everything is durable.
#[async_trait]
pub trait CollectionWriter: VectorStore {
    /// Manifest of the version that is written, or `None` where there is none yet.
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError>;

    /// A snapshot of the version in use, like [`Collection::read`]. Failures are retried for as long as other
    /// requests of this writer are.
    async fn reader(&self) -> Result<Option<CollectionReader>, BackendError>;

    /// The number N of the version being written. `None` where there is none yet.
    async fn version(&self) -> Result<Option<u32>, BackendError>;

    /// Where others [write other parts](Collection::write_part): waits until none of them is changing the
    /// manifest or creating the collection, and keeps them from it until [`Self::end_turn`]. Otherwise does
    /// nothing.
    async fn begin_turn(&self) -> Result<(), BackendError>;

    /// Lets the others have their turns.
    async fn end_turn(&self) -> Result<(), BackendError>;

    /// Creates the collection with its vectors (`dense`: cosine, `manifest.embedder.dimensions`;
    /// `sparse`: IDF modifier) and payload indexes.
    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Replaces the stored manifest: lineage, and what built the vectors only while there are no vectors.
    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Removes the collection with all its versions; called on a [successor](Self::successor), removes only
    /// that. Nothing to remove is success.
    async fn drop_collection(&self) -> Result<(), BackendError>;

    /// Begins a change that others see as a whole or not at all, and that ends when the guard is dropped: a
    /// document with its record, without what it replaces. Others wait meanwhile, so do nothing slow during
    /// it.
    async fn begin(&self) -> Change;

    /// Announces what is about to be stored, before the first chunk of a document is written. Readers then
    /// see either its old state or its new one, even after a kill.
    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError>;

    /// Reports that nothing is left to do for these documents: their records are written, and what they
    /// replace is removed.
    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Writes chunks with their vectors.
    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError>;

    /// Writes document records (the commit marks), after their chunks.
    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError>;

    /// Removes the chunks of these documents whose ids are not in `keep`.
    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError>;

    /// Removes these documents with their records. After a cut-off midway, others see none of them.
    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Remembers failures, one for each source: a later one replaces an earlier one.
    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError>;

    /// Forgets the failures of these sources.
    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError>;

    /// The receipt of the last update: signed once that update and all before it are applied. Never signed
    /// where one of them failed.
    fn receipt(&self) -> Receipt;

    /// Makes every update before this call durable.
    async fn flush(&self) -> Result<(), BackendError>;

    /// Called now and then during long writes: makes durable what was written a while ago, so that a crash
    /// costs little. Need not wait for updates that are under way.
    async fn checkpoint(&self) -> Result<(), BackendError>;

    /// Called once at the end of an ingest that changed something: builds indexes and merges
    /// segments. Makes everything durable, as [`Self::flush`] does.
    async fn optimize(&self) -> Result<(), BackendError>;

    /// A writer of the next version of the collection, to be created and filled beside this one, which others
    /// keep seeing. Dropping the new version gives it up.
    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// The successor that this run began before it was cut off, as named by [`Manifest::unfinished`]. Any
    /// updates of chunks that no durable update followed may be missing. Only a writer that was opened [for
    /// this run](Collection::write_again) finds it.
    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError>;

    /// Makes a complete successor the collection, in one step: everyone who starts to read from then on reads
    /// it. Of the former versions, the last `keep` that were live stay; the others are removed, by the next
    /// writer where that is not possible now.
    async fn publish(&self, keep: usize) -> Result<(), BackendError>;

    /// Leaves a complete successor beside the collection, which does not change. Later writers do not remove
    /// it, and can [switch](Self::switch) to it. Former versions and other candidates are removed as with
    /// [`Self::publish`].
    async fn set_aside(&self, aside: FormerVersion, keep: usize) -> Result<(), BackendError>;

    /// Makes a complete version the collection, in one step; the one that was live stays as a former one. If
    /// this is cut off anywhere, one of the two is live. This writer stays with the version that it had, and
    /// has to be closed.
    async fn switch(&self, number: u32) -> Result<(), BackendError>;

    /// A writer of another complete version, under this writer's right: for something that has to be removed
    /// from that version too. It is neither published nor dropped.
    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// Removes from storage every trace of what was deleted before, as far as this process controls the
    /// storage: see [`Self::files`]. Makes everything durable, as [`Self::optimize`] does.
    async fn scrub(&self) -> Result<(), BackendError>;

    /// The directory with everything that is stored of this version; `None` where a server has it, which
    /// rewrites its files in its own time.
    fn files(&self) -> Option<PathBuf>;

    /// Removes versions with everything in them. Refuses the live version, and numbers that do not exist.
    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError>;

    /// Logs what became of a version. The log is kept beside the versions and outlives them.
    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError>;

    /// Gives back the right to change the collection, after everything written is durable. All writers of the
    /// collection in this process are closed with it.
    async fn close(&self) -> Result<(), BackendError>;
}

/// A version that was adopted: see [`server::ServerStore::adopt`].
#[derive(Clone, PartialEq, Debug)]
pub struct AdoptedVersion {
    /// The name of the physical collection.
    pub physical: String,
    /// Whether its alias was missing, and was set again.
    pub named: bool,
    pub manifest: Manifest,
}

/// See [`CollectionWriter::begin`].
#[must_use = "the change ends when this is dropped"]
pub struct Change(#[expect(dead_code, reason = "held")] Option<OwnedRwLockReadGuard<()>>);

/// Why a reader cannot go on: its version is gone. For `Fault::Replaced`.
fn rebuilt(name: &str) -> String {
    format!("collection `{name}` was rebuilt while it was being read")
}

/// Receives, as a sentence, which other process the store is waiting for.
pub type OnWait = Arc<dyn Fn(&str) + Send + Sync>;

/// The error for a chunk whose text is not what was stored; such a chunk is never shown.
pub fn damaged(store: &dyn VectorStore, chunk: &Chunk) -> BackendError {
    let place = chunk.locator.cite(&chunk.source);
    let message = format!(
        "the text of {place} (chunk {}) is not what was stored: it was damaged; rebuild it: docent ingest --rebuild",
        chunk.id()
    );
    BackendError::new(ExternalService::Store, Fault::Permanent, store.endpoint(), &message)
}

/// Counts chunks by the version of the document they belong to.
#[derive(Default)]
struct Counter(BTreeMap<(String, String), u32>);

impl Counter {
    /// Counts a chunk, given the payload fields [`payload::TALLIED`].
    fn add(&mut self, payload: &payload::Payload) -> Result<(), String> {
        let (source, hash) = payload::version(payload)?;
        *self.0.entry((source.to_owned(), hash.to_owned())).or_default() += 1;
        Ok(())
    }

    fn tally(self) -> Vec<ChunkTally> {
        let one = |((source, hash), chunks)| ChunkTally {
            source,
            document_hash: ContentHash(hash),
            chunks,
        };
        self.0.into_iter().map(one).collect()
    }
}

/// Names of the two vectors of a chunk point.
const DENSE: &str = "dense";
const SPARSE: &str = "sparse";

/// Up to this many bytes of vectors, the dense leg compares all of them, without a graph. The embedded store
/// counts the whole collection, one byte per dimension; a server counts each of its segments.
pub(crate) const EXACT_UP_TO: usize = 256 << 20;

/// Payload fields that are filtered on, each with a keyword index.
const INDEXED_FIELDS: [&str; 5] = ["source", "kind", "tags", "record", "chunk_hash"];
