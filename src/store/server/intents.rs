//! Intents of a run, kept on the server until they are carried out, and what readers see when the run was cut
//! off, or is still going on: see [`crate::store::intent`].
//!
//! An intent is a point without vectors that is on the server before the first chunk that it announces; the
//! content of the chunks that it replaces is in points beside it, written before it. These points are deleted
//! when their documents are done, many at a time; where an earlier run was cut off, at the end of the run
//! that repairs what it left. Readers ask for intents only where a run is unfinished, and ask again after
//! each answer: an answer during which something changed is discarded.
//! came while something changed is not given.

use std::collections::{BTreeSet, HashMap, HashSet};

use qdrant_client::qdrant::{Condition, Filter, GetPoints, PointStruct, RetrievedPoint};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::deleting::{DeleteTarget, told};
use super::physical::Physical;
use super::wire;
use crate::error::BackendError;
use crate::store::Intent;
use crate::store::intent::{ChunkVisibility, IntentEntry, Intents};
use crate::store::payload::{self, INTENT, KEPT, Payload};
use crate::types::{Chunk, DocumentRecord, Partition};

/// Number of ids per request.
const BATCH: usize = 512;

/// Number of intents deleted together.
const DONE: usize = 64;

/// Maximum number of times an answer is requested: a fast run is always about to change something.
const TRIES: u32 = 5;

/// State of the intents that a writer announces.
#[derive(Default)]
pub(super) struct IntentReporter(Mutex<Telling>);

#[derive(Default)]
struct Telling {
    /// Turn of the next intent; `None` before the first.
    next: Option<u64>,
    /// Left by a run that was cut off: all of it counts until the end.
    left: Vec<Uuid>,
    /// Some of it covers documents of other parts as well: it counts until those parts are complete, too.
    is_shared: bool,
    open: Vec<Open>,
    done: Vec<Uuid>,
}

impl Telling {
    /// Loads the intents from before this run, as far as they cover what the writer may change.
    fn find(&mut self, stored: Vec<Told>, partition: Option<Partition>) {
        self.next = Some(stored.iter().map(|told| told.turn + 1).max().unwrap_or(0));
        for told in stored {
            let own = |intent: &Intent| partition.is_none_or(|it| it.holds(&intent.source));
            let owned = told.documents.iter().filter(|intent| own(intent)).count();
            self.is_shared |= owned > 0 && owned < told.documents.len();
            if owned == told.documents.len() {
                self.left.extend(told.points);
            }
        }
    }

    fn has_left(&self) -> bool {
        self.is_shared || !self.left.is_empty()
    }
}

/// An intent, and those of its documents that are not done.
struct Open {
    points: Vec<Uuid>,
    left: HashSet<String>,
}

/// The fields in the payload of an intent.
#[derive(Deserialize)]
struct Stored {
    turn: u64,
    documents: Vec<Intent>,
}

/// A stored intent, with the chunks kept for it.
struct Told {
    turn: u64,
    documents: Vec<Intent>,
    kept: HashMap<String, HashMap<Uuid, Chunk>>,
    points: Vec<Uuid>,
}

/// What readers must not see.
#[derive(Clone, Default, PartialEq)]
pub(super) struct HiddenChunks {
    /// All chunks of these documents are hidden: they have no record, or another name.
    sources: BTreeSet<String>,
    /// All chunks of these documents except the listed ones are hidden.
    others: Vec<(String, Vec<Uuid>)>,
    chunks: BTreeSet<Uuid>,
    /// Chunks that are shown in their former state.
    former: HashMap<Uuid, Chunk>,
    /// Documents that have another name by now.
    gone: HashSet<String>,
}

impl HiddenChunks {
    /// Conditions of which none may hold for a visible chunk.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let mut conditions = Vec::new();
        if !self.sources.is_empty() {
            let sources: Vec<String> = self.sources.iter().cloned().collect();
            conditions.push(Condition::matches("source", sources));
        }
        for (source, chunks) in &self.others {
            let mut others = Filter::must([Condition::matches("source", source.clone())]);
            others.must_not = vec![wire::has_id(chunks.iter().copied())];
            conditions.push(others.into());
        }
        if !self.chunks.is_empty() {
            conditions.push(wire::has_id(self.chunks.iter().copied()));
        }
        conditions
    }

    /// Whether a chunk of this document is hidden, as [`Self::conditions`] say.
    pub(super) fn hides(&self, source: &str, id: &Uuid) -> bool {
        let others = self.others.iter().filter(|(other, _)| other == source);
        self.sources.contains(source)
            || self.chunks.contains(id)
            || others.into_iter().any(|(_, seen)| seen.binary_search(id).is_err())
    }

    /// Replaces a chunk by the state of it that readers see.
    pub(super) fn as_seen(&self, chunk: &mut Chunk) {
        if let Some(former) = self.former.get(&chunk.id()) {
            *chunk = former.clone();
        }
    }

    pub(super) fn sees(&self, record: &DocumentRecord) -> bool {
        !self.gone.contains(&record.source)
    }

    /// `written_by`: the run that wrote the record of a document, where it has one.
    fn of(intents: &Intents, written_by: &HashMap<String, Uuid>) -> Self {
        let gone = intents.gone(|source| written_by.get(source).copied());
        let mut unseen = Self { sources: gone.iter().cloned().collect(), gone, ..Self::default() };
        for source in intents.sources() {
            let Some(run) = written_by.get(source).filter(|_| !unseen.gone.contains(source)) else {
                unseen.sources.insert(source.to_owned());
                continue;
            };
            let Some(state) = intents.state(source, *run) else { continue };
            let mut seen = Vec::new();
            for id in state.told() {
                match state.shown(id) {
                    ChunkVisibility::NotAtAll => drop(unseen.chunks.insert(*id)),
                    ChunkVisibility::AsItIs => seen.push(*id),
                    ChunkVisibility::AsItWas(was) => {
                        seen.push(*id);
                        unseen.former.insert(*id, was.clone());
                    }
                }
            }
            if state.is_of_a_run() {
                seen.sort_unstable();
                seen.dedup();
                unseen.others.push((source.to_owned(), seen));
            }
        }
        unseen.others.sort_unstable();
        unseen
    }
}

impl Physical {
    /// Called before the first chunk of these documents is written.
    pub(super) async fn tell(&self, documents: &[Intent]) -> Result<(), BackendError> {
        if !self.is_published() || documents.is_empty() {
            return Ok(());
        }
        let (kept, intent) = self.points_of(documents).await?;
        self.announce(kept, intent)
    }

    /// Called before documents are deleted: without their records, nothing is seen of them.
    pub(super) async fn tell_deleted(&self, sources: &[String]) -> Result<(), BackendError> {
        if !self.is_published() || sources.is_empty() {
            return Ok(());
        }
        let deleted = |source: &String| Intent {
            source: source.clone(),
            run_id: Uuid::nil(),
            replaces_all_but: None,
            moved_from: None,
            in_parts: false,
        };
        let documents: Vec<Intent> = sources.iter().map(deleted).collect();
        let (_, intent) = self.points_of(&documents).await?;
        self.write_after(vec![intent])
    }

    /// Called when nothing is left to do for these documents.
    pub(super) async fn tell_done(&self, sources: &[String]) -> Result<(), BackendError> {
        let mut telling = self.right()?.told.0.lock().await;
        let has_left = telling.has_left();
        let Telling { open, done, .. } = &mut *telling;
        for intent in open.iter_mut() {
            intent.left.retain(|source| !sources.contains(source));
        }
        for intent in open.extract_if(.., |intent| intent.left.is_empty()) {
            done.extend(intent.points);
        }
        if done.len() < DONE || has_left {
            return Ok(());
        }
        self.delete_after(DeleteTarget::Points(std::mem::take(done)))
    }

    /// Called at the end of a run: removes its own intents, and those of all others where `is_last`.
    pub(super) async fn tell_nothing(&self, is_last: bool) -> Result<(), BackendError> {
        let right = self.right()?;
        let mut telling = std::mem::take(&mut *right.told.0.lock().await);
        let Some(partition) = right.partition().filter(|_| !is_last) else {
            return self.delete_after(DeleteTarget::Told);
        };
        if telling.next.is_none() {
            telling.find(self.stored_intents().await?, Some(partition));
        }
        let Telling { left, is_shared, open, done, .. } = telling;
        let told = open.into_iter().flat_map(|open| open.points).chain(done).chain(left);
        let told: Vec<Uuid> = told.collect();
        if is_shared || told.is_empty() {
            Ok(())
        } else {
            self.delete_after(DeleteTarget::Points(told))
        }
    }

    /// The points of an intent: the chunks that are kept, and the intent itself.
    async fn points_of(
        &self,
        documents: &[Intent],
    ) -> Result<(Vec<PointStruct>, PointStruct), BackendError> {
        let mut telling = self.right()?.told.0.lock().await;
        if telling.next.is_none() {
            telling.find(self.stored_intents().await?, self.right()?.partition());
        }
        let turn = telling.next.unwrap_or_default();
        telling.next = Some(turn + 1);
        let ids = documents.iter().filter_map(|document| document.replaces_all_but.as_ref());
        let ids: Vec<Uuid> = ids.flatten().copied().collect();
        let kept = self.chunks_with(&ids).await?.into_iter().map(|chunk| {
            let fields = json!({ "record": KEPT, "turn": turn, "chunk": payload::of_chunk(chunk) });
            wire::record_point(Uuid::now_v7(), object(fields))
        });
        let kept: Vec<PointStruct> = kept.collect();
        let id = Uuid::now_v7();
        let fields = json!({ "record": INTENT, "turn": turn, "documents": documents });
        let intent = wire::record_point(id, object(fields));
        let points = kept.iter().filter_map(|point| wire::uuid(point.id.clone()?).ok());
        telling.open.push(Open {
            points: points.chain([id]).collect(),
            left: documents.iter().map(|document| document.source.clone()).collect(),
        });
        Ok((kept, intent))
    }

    /// The existing chunks with these ids.
    async fn chunks_with(&self, ids: &[Uuid]) -> Result<Vec<Chunk>, BackendError> {
        let mut chunks = Vec::new();
        for point in self.points_with(ids, None).await? {
            let chunk = wire::json_object(point.payload).and_then(payload::to_chunk);
            chunks.push(chunk.map_err(|why| self.store.unreadable(&why))?);
        }
        Ok(chunks)
    }

    /// The existing points with these ids, with these payload fields or all of them.
    async fn points_with(
        &self,
        ids: &[Uuid],
        fields: Option<Vec<&str>>,
    ) -> Result<Vec<RetrievedPoint>, BackendError> {
        let kept = self.kept();
        let mut points = Vec::new();
        // Each point counts as one read.
        for part in ids.chunks(BATCH.min(kept.limits().reads).max(1)) {
            let request = GetPoints {
                collection_name: kept.target.clone(),
                ids: part.iter().copied().map(wire::point_id).collect(),
                with_payload: Some(fields.clone().map_or_else(|| true.into(), Into::into)),
                with_vectors: Some(false.into()),
                ..GetPoints::default()
            };
            let found = kept.link.ask(|client| {
                let request = request.clone();
                async move { client.get_points(request).await }
            });
            let found = self.found(found.await.map_err(|error| kept.told(error))).await?;
            points.extend(found.into_iter().flat_map(|found| found.result));
        }
        Ok(points)
    }

    /// All stored intents, ordered by turn, with the chunks kept for them. Writers of different parts may
    /// have the same turns, but never the same documents.
    async fn stored_intents(&self) -> Result<Vec<Told>, BackendError> {
        let mut intents: Vec<Told> = Vec::new();
        let mut kept: HashMap<(u64, String), Vec<(Uuid, Chunk)>> = HashMap::new();
        self.scroll_now(told(), true.into(), false.into(), |point| {
            let id = point.id.map(wire::uuid).transpose()?;
            let mut fields = wire::json_object(point.payload)?;
            if fields.get("record").and_then(Value::as_str) == Some(INTENT) {
                let stored = serde_json::from_value(Value::Object(fields));
                let Stored { turn, documents } =
                    stored.map_err(|error| format!("an intent can't be read: {error}"))?;
                let points = id.into_iter().collect();
                intents.push(Told { turn, documents, kept: HashMap::new(), points });
                return Ok(());
            }
            let turn = fields.get("turn").and_then(Value::as_u64).unwrap_or_default();
            if let (Some(Value::Object(chunk)), Some(id)) = (fields.remove("chunk"), id) {
                let chunk = payload::to_chunk(chunk)?;
                kept.entry((turn, chunk.source.clone())).or_default().push((id, chunk));
            }
            Ok(())
        })
        .await?;
        for intent in &mut intents {
            for document in &intent.documents {
                let source = &document.source;
                let chunks = kept.remove(&(intent.turn, source.clone())).unwrap_or_default();
                let former = intent.kept.entry(source.clone()).or_default();
                for (point, chunk) in chunks {
                    intent.points.push(point);
                    former.insert(chunk.id(), chunk);
                }
            }
        }
        intents.sort_unstable_by_key(|intent| intent.turn);
        Ok(intents)
    }

    /// What is hidden now; nothing where no run is unfinished, and nothing from a writer.
    pub(super) async fn unseen(&self) -> Result<HiddenChunks, BackendError> {
        if !self.is_unfinished() {
            return Ok(HiddenChunks::default());
        }
        let entries = self.stored_intents().await?.into_iter().flat_map(|told| {
            let mut by_source = told.kept;
            told.documents.into_iter().map(move |intent| {
                let kept = by_source.remove(&intent.source).unwrap_or_default();
                IntentEntry::new(intent, kept)
            })
        });
        let intents = Intents::new(entries);
        if intents.is_empty() {
            return Ok(HiddenChunks::default());
        }
        let ids: Vec<Uuid> = intents.sources().map(DocumentRecord::id).collect();
        let mut written_by = HashMap::new();
        for point in self.points_with(&ids, Some(vec!["source", "run_id"])).await? {
            let fields = wire::json_object(point.payload);
            let written = fields.and_then(|fields| written(&fields));
            let (source, run) = written.map_err(|why| self.store.unreadable(&why))?;
            written_by.insert(source, run);
        }
        Ok(HiddenChunks::of(&intents, &written_by))
    }

    /// Whether an answer may be returned: the hidden items have not changed meanwhile. If not, the request
    /// has to be repeated.
    pub(super) async fn still(
        &self,
        unseen: &mut HiddenChunks,
        tries: &mut u32,
    ) -> Result<bool, BackendError> {
        *tries += 1;
        if !self.is_unfinished() || *tries > TRIES {
            return Ok(true);
        }
        let now = self.unseen().await?;
        let same = now == *unseen;
        *unseen = now;
        Ok(same)
    }
}

/// Source and run of a document record.
fn written(fields: &Payload) -> Result<(String, Uuid), String> {
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let run = text("run_id").and_then(|run| run.parse().ok());
    match (text("source"), run) {
        (Some(source), Some(run)) => Ok((source.to_owned(), run)),
        _ => Err("a stored document has no source, or no run".to_owned()),
    }
}

fn object(fields: Value) -> Payload {
    match fields {
        Value::Object(fields) => fields,
        other => unreachable!("made as an object, and not {other}"),
    }
}
