//! Where chunks, document records and the manifest live.
//!
//! A [`Collection`] is opened once and lives as long as the process. [`Collection::read`] gives a
//! [`Reader`], a snapshot for one question: it pins one version and its manifest.
//! [`Collection::write`] gives the only [`CollectionWriter`]. Who waits for whom, and for how long,
//! is each implementation's own business: neither an ingest nor a question takes part in it.
//!
//! A collection `NAME` is an alias onto a physical version `NAME@vN`; [`edge`] has the same names
//! as directories and a pointer that is replaced atomically. All state is in the store, so that a
//! team and its CI can share it. Ranking is not here: each leg is returned as the engine ranked
//! it, and `query` fuses them.

pub mod archive;
pub mod edge;
pub mod server;

mod foreign;
mod intent;
mod names;
mod noted;
mod owner;
mod pages;
mod part;
mod payload;
mod receipt;
mod search;
mod turn;
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

pub use self::foreign::ForeignPoints;
pub use self::intent::{Intent, Moved};
pub use self::names::check_name;
use self::names::{version_in, version_of};
pub use self::noted::{BeforeChange, told_before};
pub(crate) use self::owner::{Owner, host_name};
pub use self::pages::{ChunkList, ChunkPage, PointList, chunks_of, each_chunk};
pub use self::part::Part;
pub use self::receipt::Receipt;
pub use self::search::{Legs, ReturnedChunks, SearchRequest};
pub use self::turn::in_turn;
pub use self::versions::Aside;
pub(crate) use self::versions::{Mark, beyond, latest_former};
use crate::error::{BackendError, Fault, Service};
use crate::types::{
    Chunk, ContentHash, DocumentRecord, FailureRecord, Manifest, Partition, Point, Tally,
    VersionEntry, VersionEvent,
};

/// A collection in Qdrant, embedded or on a server, whether or not it exists yet.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Directory or URL, for messages. Never contains a key.
    fn endpoint(&self) -> &str;

    /// Whether the store answers now: asked once, for less than a second. What it would say of the
    /// collection is not asked.
    async fn ping(&self) -> Result<(), BackendError>;

    /// A snapshot of the version in use. `None` where the collection does not exist.
    async fn read(&self) -> Result<Option<Reader>, BackendError>;

    /// The right to change the collection, which one process at a time has. Waits for another writer
    /// as long as the collection was opened to wait, then fails with
    /// [`Fault::Busy`](crate::error::Fault) and names it.
    async fn write(&self) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// The right to change what falls into a part of the sources, beside others that have other parts of as
    /// many. Waits as [`Self::write`] does, for who has the same part or all of them. What concerns the
    /// collection as a whole is written in [turns](CollectionWriter::begin_turn). Where one process at a time
    /// has the collection, that is one which has a part.
    async fn write_part(
        &self,
        _partition: Partition,
    ) -> Result<Arc<dyn CollectionWriter>, BackendError> {
        self.write().await
    }

    /// The same as [`Self::write`]; what this run has left of a [successor](CollectionWriter::successor) stays, for
    /// [`CollectionWriter::resume`].
    async fn write_again(&self, run: Uuid) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// All versions, by number: none where the collection does not exist.
    async fn versions(&self) -> Result<Vec<VersionEntry>, BackendError>;

    /// Numbers of versions that may be there, and that whoever asks is not told of.
    async fn hidden_versions(&self) -> Result<Vec<u32>, BackendError> {
        Ok(Vec::new())
    }

    /// A snapshot of a version, live or not. `None` where there is none of that number that is complete.
    async fn read_version(&self, number: u32) -> Result<Option<Reader>, BackendError>;

    /// What [`CollectionWriter::log_version`] has written, oldest first.
    async fn version_log(&self) -> Result<Vec<VersionEvent>, BackendError>;
}

/// What one version of a collection can be asked.
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Directory or URL, for messages. Never contains a key.
    fn endpoint(&self) -> &str;

    /// Makes ready what is needed to be asked, where that can be done before: who waits for the
    /// collection waits here.
    async fn open(&self) -> Result<(), BackendError>;

    /// Reads what is stored as far as it takes to know that it is what was stored.
    async fn verify(&self) -> Result<(), BackendError>;

    /// All document records, ordered by source.
    async fn documents(&self) -> Result<Vec<DocumentRecord>, BackendError>;

    /// How many chunks are stored of each version of each document, ordered by source: after a run
    /// that was cut off, what does not agree with the records. Reads two fields of every chunk.
    async fn tally(&self) -> Result<Vec<Tally>, BackendError>;

    /// Sources that could not be brought in, ordered by source.
    async fn failures(&self) -> Result<Vec<FailureRecord>, BackendError>;

    /// Stored dense vectors by chunk hash, for reuse. Hashes without one are absent.
    async fn vectors(
        &self,
        hashes: &[ContentHash],
    ) -> Result<HashMap<ContentHash, Vec<f32>>, BackendError>;

    /// Asks the legs that are given, in one request where the backend can. Each leg is ordered by
    /// descending score. Records are never returned.
    async fn search(&self, request: SearchRequest) -> Result<Legs, BackendError>;

    /// The chunks that pass a filter, a page at a time, ordered by their ids: those neither store
    /// has to index for it, and they stay what they are while other chunks come and go. Every chunk
    /// that is there from the first page to the last is in exactly one of them. What belongs
    /// together is apart in that order; [`chunks_of`] gives a document's as they follow each other.
    /// Records are never returned. Empty where the collection does not exist.
    async fn chunks(&self, request: ChunkPage) -> Result<ChunkList, BackendError>;

    /// The same chunks with their vectors, as [`CollectionWriter::upsert`] takes them: the dense one of
    /// unit length, as it is stored.
    async fn points(&self, request: ChunkPage) -> Result<PointList, BackendError>;

    /// Exact number of chunks.
    async fn count_chunks(&self) -> Result<u64, BackendError>;

    /// Points that are none of docent's: another program has written them. Nothing else returns them.
    async fn foreign_points(&self) -> Result<ForeignPoints, BackendError>;
}

/// A snapshot of a collection for one question: everything that is asked of it is answered by the
/// version whose manifest it has, or fails and says that the collection was rebuilt meanwhile.
///
/// Between two requests it keeps nobody waiting, so it may be held while a model takes its time.
#[derive(Clone)]
pub struct Reader {
    version: u32,
    manifest: Arc<Manifest>,
    store: Arc<dyn VectorStore>,
}

impl Reader {
    /// `store` answers from `version`, which `manifest` describes, and from no other.
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

impl Deref for Reader {
    type Target = dyn VectorStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// The only one who changes a collection: an ingest, from before it reads the documents to its end.
/// Until [`CollectionWriter::create`] the collection need not exist: it is empty then.
///
/// Updates are idempotent. Whoever reads through the writer sees them at once; they are durable
/// after [`CollectionWriter::flush`]. A failed update may surface only in a later call, in `flush`
/// at the latest; nothing is written after it. Dropping the last writer gives the right back;
/// [`CollectionWriter::close`] does it and says whether everything is durable.
#[async_trait]
pub trait CollectionWriter: VectorStore {
    /// Manifest of the version that is written, or `None` where there is none yet.
    async fn manifest(&self) -> Result<Option<Manifest>, BackendError>;

    /// A snapshot of the version in use, as [`Collection::read`] gives it. What fails is tried for as long
    /// as it is for this writer.
    async fn reader(&self) -> Result<Option<Reader>, BackendError>;

    /// The number N of the version that is written. `None` where there is none yet.
    async fn version(&self) -> Result<Option<u32>, BackendError>;

    /// Where others [write other parts](Collection::write_part): waits until none of them changes the manifest,
    /// or makes the collection, and keeps them from it until [`Self::end_turn`]. Elsewhere there is nobody.
    async fn begin_turn(&self) -> Result<(), BackendError>;

    /// Lets the others have their turns.
    async fn end_turn(&self) -> Result<(), BackendError>;

    /// Creates the collection with its vectors (`dense`: cosine, `manifest.embedder.dimensions`;
    /// `sparse`: IDF modifier) and payload indexes.
    async fn create(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Replaces the stored manifest: lineage; what built the vectors only while there are none.
    async fn put_manifest(&self, manifest: &Manifest) -> Result<(), BackendError>;

    /// Removes the collection with all its versions; of a [successor](Self::successor), that alone.
    /// Nothing to remove is success.
    async fn drop_collection(&self) -> Result<(), BackendError>;

    /// Begins a change that others see whole or not at all, and that ends when the guard is dropped:
    /// a document with its record, and without what it replaces. Others wait meanwhile, so nothing
    /// slow belongs into it.
    async fn begin(&self) -> Change;

    /// Told before the first chunk of a document is written: so others see
    /// of it its old state or its new one, also after a kill.
    async fn will_store(&self, documents: &[Intent]) -> Result<(), BackendError>;

    /// Told when nothing is left to be done for these documents: their records are written, and what
    /// they replace is taken out.
    async fn have_stored(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Writes chunks with their vectors.
    async fn upsert(&self, points: Vec<Point>) -> Result<(), BackendError>;

    /// Writes document records (the commit marks), after their chunks.
    async fn put_documents(&self, records: &[DocumentRecord]) -> Result<(), BackendError>;

    /// Removes the chunks of these documents whose ids are not in `keep`.
    async fn delete_chunks(&self, sources: &[String], keep: &[Uuid]) -> Result<(), BackendError>;

    /// Removes these documents with their records: cut off midway, others see none of them.
    async fn delete_documents(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Remembers failures, one for each source: a later one replaces an earlier one.
    async fn put_failures(&self, records: &[FailureRecord]) -> Result<(), BackendError>;

    /// Forgets the failures of these sources.
    async fn delete_failures(&self, sources: &[String]) -> Result<(), BackendError>;

    /// Of the last update: signed once that is applied, with all before it. It never is where one of
    /// them failed.
    fn receipt(&self) -> Receipt;

    /// Makes every update before this call durable.
    async fn flush(&self) -> Result<(), BackendError>;

    /// Called now and then while much is written: what was written a while ago becomes durable, so
    /// that a crash costs little. What is under way need not be waited for.
    async fn checkpoint(&self) -> Result<(), BackendError>;

    /// Called once at the end of an ingest that changed something: builds indexes and merges
    /// segments. Makes everything durable, as [`Self::flush`] does.
    async fn optimize(&self) -> Result<(), BackendError>;

    /// A writer of the next version of the collection, to be created and filled beside this one,
    /// which stays what others see. Dropping that collection gives it up.
    async fn successor(&self) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// The successor that this run has begun, and was cut off: [`Manifest::unfinished`] names it. Updates of
    /// chunks that were not followed by others which came to be durable may be missing, any of them. Whoever
    /// opened the collection [for it](Collection::write_again) finds it.
    async fn resume(&self, run: Uuid) -> Result<Option<Arc<dyn CollectionWriter>>, BackendError>;

    /// Makes a successor that is complete the collection, in one step: whoever reads from then on
    /// reads it. Of former versions, the `keep` that were live last stay; the others are removed, by the
    /// next writer where that is not possible now.
    async fn publish(&self, keep: usize) -> Result<(), BackendError>;

    /// Leaves a successor that is complete beside the collection, which stays what it is: it is not
    /// removed by later writers, and can be [switched](Self::switch) to. Former versions go as with
    /// [`Self::publish`], and so do other candidates.
    async fn set_aside(&self, aside: Aside, keep: usize) -> Result<(), BackendError>;

    /// Makes a complete version the collection, in one step; the one that was it stays as a former one.
    /// Cut off anywhere, one of the two is the collection. This writer stays with the version that it had: it is
    /// to be closed.
    async fn switch(&self, number: u32) -> Result<(), BackendError>;

    /// A writer of another version that is complete, under the right of this one: something is to be taken out of
    /// it, too. It is neither published nor dropped.
    async fn beside(&self, number: u32) -> Result<Arc<dyn CollectionWriter>, BackendError>;

    /// Leaves nothing of what was taken out before in what is stored, as far as that is in this process's
    /// hands: see [`Self::files`]. Makes everything durable, as [`Self::optimize`] does.
    async fn scrub(&self) -> Result<(), BackendError>;

    /// The directory with everything that is stored of this version; `None` where it is a server's, which writes
    /// its files again by itself.
    fn files(&self) -> Option<PathBuf>;

    /// Removes versions with everything in them. Refuses the one that is the collection, and one that is not there.
    async fn remove_versions(&self, numbers: &[u32]) -> Result<(), BackendError>;

    /// Writes down what became of a version, beside all of them: it is there when they are gone.
    async fn log_version(&self, event: &VersionEvent) -> Result<(), BackendError>;

    /// Gives back the right to change the collection, with everything durable that was written.
    /// Every writer of the collection that this process has is closed with it.
    async fn close(&self) -> Result<(), BackendError>;
}

/// A version that was taken up: see [`server::ServerStore::adopt`].
#[derive(Clone, PartialEq, Debug)]
pub struct Adopted {
    /// The name of the physical collection.
    pub physical: String,
    /// Whether it had lost its name, and was given it again.
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

/// Is told, in a sentence, which other process a store waits for.
pub type OnWait = Arc<dyn Fn(&str) + Send + Sync>;

/// Why a chunk is not shown whose text is not the one that was stored.
pub fn damaged(store: &dyn VectorStore, chunk: &Chunk) -> BackendError {
    let place = chunk.locator.cite(&chunk.source);
    let message = format!(
        "the text of {place} (chunk {}) is not what was stored: it was damaged; rebuild it: docent ingest --rebuild",
        chunk.id()
    );
    BackendError::new(Service::Store, Fault::Permanent, store.endpoint(), &message)
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

    fn tally(self) -> Vec<Tally> {
        let one =
            |((source, hash), chunks)| Tally { source, document_hash: ContentHash(hash), chunks };
        self.0.into_iter().map(one).collect()
    }
}

/// Names of the two vectors of a chunk point.
const DENSE: &str = "dense";
const SPARSE: &str = "sparse";

/// Up to so many bytes to compare, the dense leg compares all vectors, which needs no graph. The
/// embedded store counts the whole collection, a byte a dimension; a server each of its segments.
pub(crate) const EXACT_UP_TO: usize = 256 << 20;

/// Payload fields that are filtered on, each with a keyword index.
const INDEXED_FIELDS: [&str; 5] = ["source", "kind", "tags", "record", "chunk_hash"];
