//! Intents: what a writer is about to do with a document, stored before its first chunk is written. Where a
//! writer was killed, the intent lets a reader show either the old or the new state of the document.
//!
//! The record of a document is its commit mark, and names the run that wrote it. While a document is being
//! replaced it has chunks of both states. A chunk that is in both is a single point, so its former payload is
//! kept with the intent. Pure; each store decides where it keeps intents.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::types::Chunk;

/// What is about to happen to a document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    pub source: String,
    /// The run that does it: the intent is carried out once the record names this run.
    pub run_id: Uuid,
    /// Ids of all chunks of the new state, where older chunks of the document may exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces_all_but: Option<Vec<Uuid>>,
    /// The document that is removed once this one is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Moved>,
    /// Whether the document is stored in several steps.
    #[serde(skip)]
    pub in_parts: bool,
}

/// The former name of a document that was moved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moved {
    pub source: String,
    /// The run that wrote its record: another document may be given the name later.
    pub run_id: Uuid,
}

/// An intent with the chunks that it replaces.
pub(super) struct IntentEntry {
    pub(super) intent: Intent,
    ids: HashSet<Uuid>,
    /// The former chunks with these ids, where there were any.
    kept: HashMap<Uuid, Chunk>,
}

impl IntentEntry {
    pub(super) fn new(intent: Intent, kept: HashMap<Uuid, Chunk>) -> Self {
        let ids = intent.replaces_all_but.iter().flatten().copied().collect();
        Self { intent, ids, kept }
    }
}

/// All intents of runs that are not finished; those of each source in the order in which they were written.
#[derive(Default)]
pub(super) struct Intents(HashMap<String, Vec<IntentEntry>>);

/// What a reader sees of a chunk.
#[derive(Debug, PartialEq)]
pub(super) enum ChunkVisibility<'a> {
    AsItIs,
    AsItWas(&'a Chunk),
    NotAtAll,
}

impl Intents {
    /// `entries`: in the order in which they were written.
    pub(super) fn new(entries: impl IntoIterator<Item = IntentEntry>) -> Self {
        let mut by_source: HashMap<String, Vec<IntentEntry>> = HashMap::new();
        for entry in entries {
            by_source.entry(entry.intent.source.clone()).or_default().push(entry);
        }
        Self(by_source)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Documents that the intents name.
    pub(super) fn sources(&self) -> impl Iterator<Item = &str> {
        let entries = self.0.values().flatten();
        let moved = entries.filter_map(|entry| entry.intent.moved_from.as_ref());
        self.0.keys().chain(moved.map(|moved| &moved.source)).map(String::as_str)
    }

    /// Documents that exist under another name by now. `written_by`: the run that wrote the record of a
    /// document, where it has one.
    pub(super) fn gone(&self, written_by: impl Fn(&str) -> Option<Uuid>) -> HashSet<String> {
        let gone = |entry: &IntentEntry| {
            let Moved { source, run_id } = entry.intent.moved_from.as_ref()?;
            let arrived = written_by(&entry.intent.source) == Some(entry.intent.run_id);
            (arrived && written_by(source) == Some(*run_id)).then(|| source.clone())
        };
        self.0.values().flatten().filter_map(gone).collect()
    }

    /// What a reader sees of a document whose record was written by `run`; `None` where no replacement of it
    /// was begun.
    pub(super) fn state(&self, source: &str, run: Uuid) -> Option<DocumentState<'_>> {
        let replacing = self.0.get(source)?;
        let replaces = |entry: &&IntentEntry| entry.intent.replaces_all_but.is_some();
        let entries: Vec<&IntentEntry> = replacing.iter().filter(replaces).collect();
        let at = entries.iter().rposition(|entry| entry.intent.run_id == run);
        (!entries.is_empty()).then_some(DocumentState { entries, at })
    }
}

/// The state of a document that its record commits.
pub(super) struct DocumentState<'a> {
    entries: Vec<&'a IntentEntry>,
    /// The intent that was carried out; `None`: the state before all of them.
    at: Option<usize>,
}

impl<'a> DocumentState<'a> {
    /// What a reader sees of a chunk that is stored now.
    pub(super) fn shown(&self, id: &Uuid) -> ChunkVisibility<'a> {
        if self.at.is_some_and(|at| !self.entries[at].ids.contains(id)) {
            return ChunkVisibility::NotAtAll;
        }
        let later = &self.entries[self.at.map_or(0, |at| at + 1)..];
        match later.iter().find(|entry| entry.ids.contains(id)) {
            None => ChunkVisibility::AsItIs,
            Some(entry) => {
                entry.kept.get(id).map_or(ChunkVisibility::NotAtAll, ChunkVisibility::AsItWas)
            }
        }
    }

    /// The same state, or the neighbouring one that is complete where this one is not: a kill in the middle
    /// of a flush may leave the record without its chunks, or the chunks without their record. `there`: all
    /// stored chunks of the document; `count`: how many its record counts.
    pub(super) fn whole(mut self, there: &HashSet<Uuid>, count: usize) -> Self {
        let is_there = |entry: &&IntentEntry| entry.ids.is_subset(there);
        match self.at {
            Some(at) if !is_there(&self.entries[at]) => {
                self.at = self.entries[..at].iter().rposition(&is_there);
            }
            None if there
                .iter()
                .filter(|id| self.shown(id) != ChunkVisibility::NotAtAll)
                .count()
                < count =>
            {
                self.at = self.entries.iter().position(is_there);
            }
            _ => {}
        }
        self
    }

    /// Whether one of the intents was carried out. If so, all chunks of the document are named by intents.
    pub(super) fn is_of_a_run(&self) -> bool {
        self.at.is_some()
    }

    /// All chunks that the intents name.
    pub(super) fn told(&self) -> impl Iterator<Item = &'a Uuid> + use<'a, '_> {
        self.entries.iter().flat_map(|entry| entry.ids.iter())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::contract::chunk;

    fn id(number: u8) -> Uuid {
        Uuid::from_u128(number.into())
    }

    fn intent(run: u8, ids: &[u8]) -> Intent {
        Intent {
            source: "a.md".to_owned(),
            run_id: id(run),
            replaces_all_but: Some(ids.iter().copied().map(id).collect()),
            moved_from: None,
            in_parts: false,
        }
    }

    /// The stored chunks after these intents; the text of each chunk says which run wrote it.
    fn told(intents: &[(u8, &[u8])], before: &[u8]) -> Intents {
        let mut there: HashMap<Uuid, String> =
            before.iter().map(|n| (id(*n), "0".to_owned())).collect();
        let mut entries = Vec::new();
        for (run, ids) in intents {
            let ids_kept =
                ids.iter().filter_map(|n| Some((id(*n), chunk("a.md", 0, there.get(&id(*n))?))));
            entries.push(IntentEntry::new(intent(*run, ids), ids_kept.collect()));
            there.extend(ids.iter().map(|n| (id(*n), run.to_string())));
        }
        Intents::new(entries)
    }

    #[test]
    fn a_state_is_what_its_run_wrote_whatever_was_begun_later() {
        // Chunks, each with the run whose text is to be seen.
        type Case<'a> = (&'a [(u8, &'a [u8])], u8, &'a [(u8, Option<&'a str>)]);
        let half: [(u8, &[u8]); 1] = [(1, &[2, 3])];
        let twice: [(u8, &[u8]); 2] = [(1, &[2, 3]), (2, &[1, 3, 4])];
        let cases: [Case<'_>; 5] = [
            (&half, 0, &[(1, Some("now")), (2, Some("0")), (3, None)]),
            (&half, 1, &[(1, None), (2, Some("now")), (3, Some("now"))]),
            (&twice, 0, &[(1, Some("0")), (2, Some("0")), (3, None), (4, None)]),
            (&twice, 1, &[(1, None), (2, Some("now")), (3, Some("1")), (4, None)]),
            (&twice, 2, &[(1, Some("now")), (2, None), (3, Some("now")), (4, Some("now"))]),
        ];
        for (intents, run, expected) in cases {
            let intents = told(intents, &[1, 2]);
            let state = intents.state("a.md", id(run)).unwrap();
            for (number, text) in expected {
                let shown = match state.shown(&id(*number)) {
                    ChunkVisibility::AsItIs => Some("now"),
                    ChunkVisibility::AsItWas(chunk) => Some(chunk.text.as_str()),
                    ChunkVisibility::NotAtAll => None,
                };
                assert_eq!(shown, *text, "chunk {number} of the state of run {run}");
            }
        }
        assert!(told(&half, &[]).state("b.md", id(1)).is_none());
    }

    #[test]
    fn an_incomplete_state_gives_way_to_its_neighbour() {
        // Stored chunks, run of the record, number of chunks in the record; what is seen.
        type Case<'a> = (&'a [u8], u8, usize, &'a [(u8, Option<&'a str>)]);
        let cases: [Case<'_>; 4] = [
            (&[1, 2, 3], 1, 2, &[(1, None), (2, Some("now")), (3, Some("now"))]),
            (&[1, 2], 1, 2, &[(1, Some("now")), (2, Some("0"))]),
            (&[1, 2, 3], 0, 2, &[(1, Some("now")), (2, Some("0")), (3, None)]),
            (&[2, 3], 0, 2, &[(2, Some("now")), (3, Some("now"))]),
        ];
        for (there, run, count, expected) in cases {
            let intents = told(&[(1, &[2, 3])], &[1, 2]);
            let there = there.iter().copied().map(id).collect();
            let state = intents.state("a.md", id(run)).unwrap().whole(&there, count);
            for (number, text) in expected {
                let shown = match state.shown(&id(*number)) {
                    ChunkVisibility::AsItIs => Some("now"),
                    ChunkVisibility::AsItWas(chunk) => Some(chunk.text.as_str()),
                    ChunkVisibility::NotAtAll => None,
                };
                assert_eq!(shown, *text, "chunk {number} of {there:?}, record of run {run}");
            }
        }
    }

    #[test]
    fn a_moved_document_is_gone_once_it_arrived_and_until_another_takes_its_name() {
        let moved_from = Some(Moved { source: "old.md".to_owned(), run_id: id(1) });
        let intent = Intent { moved_from, replaces_all_but: None, ..intent(2, &[]) };
        let intents = Intents::new([IntentEntry::new(intent, HashMap::new())]);
        let gone = |arrived: Option<u8>, old: Option<u8>| {
            intents
                .gone(|source| if source == "old.md" { old.map(id) } else { arrived.map(id) })
                .len()
        };
        assert_eq!(gone(None, Some(1)), 0);
        assert_eq!(gone(Some(2), Some(1)), 1);
        assert_eq!(gone(Some(2), None), 0);
        assert_eq!(gone(Some(2), Some(3)), 0, "another document of that name");
        assert_eq!(gone(Some(3), Some(1)), 0, "another document came in its place");
        assert!(intents.state("a.md", id(2)).is_none(), "there was nothing of it before");
    }
}
