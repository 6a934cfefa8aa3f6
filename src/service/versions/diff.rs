//! The differences between two versions of a collection.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::engine::Engine;
use crate::error::Failure;
use crate::types::{DocumentRecord, Manifest};

/// The differences between two versions.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct VersionDiff {
    pub from: DiffedVersion,
    pub to: DiffedVersion,
    /// Settings that the versions were built with, if they differ.
    pub settings: Vec<DiffedSetting>,
    /// Documents that only `to` has.
    pub added: Vec<DiffedDocument>,
    /// Documents that only `from` has.
    pub removed: Vec<DiffedDocument>,
    /// Documents with other content, or other tags.
    pub changed: Vec<DiffedDocument>,
    /// Documents of the same content that were read or cut into chunks in another way.
    pub cut_otherwise: Vec<DiffedDocument>,
    /// How many documents are the same in both.
    pub unchanged: usize,
}

/// One of the two versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct DiffedVersion {
    /// The number N of `NAME@vN`.
    pub version: u32,
    pub documents: usize,
    pub chunks: u64,
}

/// A setting; null where a version has none.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DiffedSetting {
    /// `chunker.max_tokens`
    pub name: String,
    pub from: Value,
    pub to: Value,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct DiffedDocument {
    pub source: String,
    /// How many chunks it has in each version; null where it does not exist.
    pub chunks_from: Option<u32>,
    pub chunks_to: Option<u32>,
}

/// A version, with what is compared.
struct Side {
    number: u32,
    manifest: Manifest,
    documents: BTreeMap<String, DocumentRecord>,
}

impl Engine {
    /// Compares two complete versions.
    ///
    /// # Errors
    /// A version does not exist or is not complete, or the store fails.
    pub async fn version_diff(&self, from: u32, to: u32) -> Result<VersionDiff, Failure> {
        let (from, to) = (self.side(from).await?, self.side(to).await?);
        Ok(VersionDiff::of(&from, &to))
    }

    async fn side(&self, number: u32) -> Result<Side, Failure> {
        let reader = self.complete_version(number).await?;
        let documents = reader.documents().await?;
        let documents = documents.into_iter().map(|record| (record.source.clone(), record));
        let manifest = (**reader.manifest()).clone();
        Ok(Side { number, manifest, documents: documents.collect() })
    }
}

impl Side {
    fn counted(&self) -> DiffedVersion {
        let chunks = self.documents.values().map(|record| u64::from(record.chunks)).sum();
        DiffedVersion { version: self.number, documents: self.documents.len(), chunks }
    }
}

impl VersionDiff {
    fn of(from: &Side, to: &Side) -> Self {
        let mut diff = Self {
            from: from.counted(),
            to: to.counted(),
            settings: differing(&from.manifest, &to.manifest),
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            cut_otherwise: Vec::new(),
            unchanged: 0,
        };
        let sources: BTreeSet<&String> = from.documents.keys().chain(to.documents.keys()).collect();
        for source in sources {
            let (old, new) = (from.documents.get(source), to.documents.get(source));
            let list = match (old, new) {
                (None, _) => &mut diff.added,
                (_, None) => &mut diff.removed,
                (Some(old), Some(new)) if content(old) != content(new) => &mut diff.changed,
                (Some(old), Some(new)) if is_cut_otherwise(old, new) => &mut diff.cut_otherwise,
                _ => {
                    diff.unchanged += 1;
                    continue;
                }
            };
            list.push(DiffedDocument {
                source: source.clone(),
                chunks_from: old.map(|record| record.chunks),
                chunks_to: new.map(|record| record.chunks),
            });
        }
        diff
    }
}

/// Whether the hashes of the chunks differ, if both are known.
fn is_cut_otherwise(old: &DocumentRecord, new: &DocumentRecord) -> bool {
    match (&old.content_hash, &new.content_hash) {
        (Some(old), Some(new)) => old != new,
        _ => (old.chunks, old.terms) != (new.chunks, new.terms),
    }
}

fn content(record: &DocumentRecord) -> impl PartialEq + '_ {
    (&record.document_hash, &record.tags, &record.text_fields)
}

fn differing(from: &Manifest, to: &Manifest) -> Vec<DiffedSetting> {
    let (mut from, mut to) = (settings(from), settings(to));
    let names: BTreeSet<String> = from.keys().chain(to.keys()).cloned().collect();
    let setting = |name: String| {
        let (from, to) = (from.remove(&name), to.remove(&name));
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        (from != to).then_some(DiffedSetting { name, from, to })
    };
    names.into_iter().filter_map(setting).collect()
}

/// The settings that a version was built with, by name. The mean length of its chunks is not a setting.
fn settings(manifest: &Manifest) -> BTreeMap<String, Value> {
    let Manifest { embedder, chunker, sparse, docent, roots, sites, .. } = manifest;
    let parts = json!({ "embedder": embedder, "chunker": chunker, "sparse": sparse });
    let mut settings = BTreeMap::from([
        ("docent".to_owned(), json!(docent)),
        ("roots".to_owned(), json!(roots)),
        ("sites".to_owned(), json!(sites)),
    ]);
    for (part, fields) in parts.as_object().into_iter().flatten() {
        let fields = fields.as_object().into_iter().flatten();
        settings.extend(fields.map(|(field, value)| (format!("{part}.{field}"), value.clone())));
    }
    settings.remove("sparse.avg_len");
    settings
}
