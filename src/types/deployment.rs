//! The layout of a collection on a Qdrant server, and its actual state.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

/// The layout of a collection on a Qdrant server, as requested or as it is. `None` where nothing was
/// requested, or the server does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct CollectionLayout {
    pub shard_number: Option<u32>,
    /// Copies of each shard.
    pub replication_factor: Option<u32>,
    /// Copies that confirm a write before it counts as done.
    pub write_consistency: Option<u32>,
    /// Whether vectors are read from disk; if requested, payloads are as well.
    pub on_disk: Option<bool>,
    pub quantization: Option<Quantization>,
    /// Links of a vector in the HNSW graph.
    pub hnsw_m: Option<u64>,
    /// Candidates that are considered for a link while the graph is built.
    pub hnsw_ef_construct: Option<u64>,
    /// Kilobytes of vectors from which on a segment gets a graph; 0 for never.
    pub indexing_threshold: Option<u64>,
}

/// What is compared in place of the vectors while searching for candidates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantization {
    /// The vectors themselves.
    None,
    /// One byte per number.
    Scalar,
    Product,
    /// One bit per number.
    Binary,
    Turbo,
}

/// A part of the layout that differs from what was requested.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IgnoredLayout {
    /// The setting, without `qdrant.`.
    pub setting: &'static str,
    pub asked: String,
    pub actual: String,
}

impl Quantization {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Scalar => "scalar",
            Self::Product => "product",
            Self::Binary => "binary",
            Self::Turbo => "turbo",
        }
    }
}

impl CollectionLayout {
    /// Each part by the name of its setting, as typed.
    pub fn parts(&self) -> [(&'static str, Option<String>); 8] {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        [
            ("shard_number", number(self.shard_number.map(u64::from))),
            ("replication_factor", number(self.replication_factor.map(u64::from))),
            ("write_consistency", number(self.write_consistency.map(u64::from))),
            ("on_disk", self.on_disk.map(|on_disk| on_disk.to_string())),
            ("quantization", self.quantization.map(|kind| kind.name().to_owned())),
            ("hnsw_m", number(self.hnsw_m)),
            ("hnsw_ef_construct", number(self.hnsw_ef_construct)),
            ("indexing_threshold", number(self.indexing_threshold)),
        ]
    }

    /// The requested parts that the collection does not have.
    pub fn unheeded_by(&self, actual: &Self) -> Vec<IgnoredLayout> {
        let parts = self.parts().into_iter().zip(actual.parts());
        let differs = |((setting, asked), (_, actual))| {
            let (asked, actual): (Option<String>, Option<String>) = (asked, actual);
            let (asked, actual) = (asked?, actual.unwrap_or_else(|| "unknown".to_owned()));
            (asked != actual).then_some(IgnoredLayout { setting, asked, actual })
        };
        parts.filter_map(differs).collect()
    }
}

/// A collection on a server: where its copies are, and their state.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Deployment {
    /// Name of the collection that holds the lease.
    pub lease_collection: String,
    /// The nodes that were asked: every configured address.
    pub nodes: Vec<NodeHealth>,
    pub layout: CollectionLayout,
    /// `green`: everything is optimized; `yellow`: being optimized; `grey`: optimization waits for the next
    /// update; `red`: Qdrant could not continue.
    pub status: String,
    /// Why optimization failed.
    pub optimizer_error: Option<String>,
    /// Limits that an operator has set; null where strict mode is off.
    pub strict_mode: Option<BTreeMap<String, serde_json::Value>>,
    /// Empty where the key may not ask.
    pub shards: Vec<ShardCopies>,
    /// Copies that are being created or moved.
    pub transfers: Vec<ShardTransfer>,
    /// Copies of the lease.
    pub lease_copies: Vec<ShardCopy>,
    /// The peer that answered.
    pub peer: Option<u64>,
    /// Who writes the collection; null where nobody ever has, or the key may not ask.
    pub lease: Option<LeaseStanding>,
}

/// Whether a node answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct NodeHealth {
    /// `scheme://host:port`.
    pub address: String,
    /// Version of Qdrant; null where the node does not answer.
    pub version: Option<String>,
    /// Why it does not answer.
    pub error: Option<String>,
}

/// The copies of a shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct ShardCopies {
    pub shard: u32,
    pub copies: Vec<ShardCopy>,
}

/// One copy, and the peer that has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct ShardCopy {
    pub peer: u64,
    /// Qdrant's name for it: `active`, `dead`, `partial`, `initializing`, `recovery`...
    pub state: String,
    /// Whether it answers searches.
    pub live: bool,
}

/// A copy of a shard that is being moved to another peer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct ShardTransfer {
    pub shard: u32,
    pub from: u64,
    pub to: u64,
}

/// A lease as it was last written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct LeaseStanding {
    /// The process that holds it; null once it was given back.
    pub holder: Option<String>,
    /// Whether the holder was a process of this machine that has ended.
    pub holder_ended: bool,
    /// Seconds until it runs out, by the clock of this machine; negative once it has run out.
    pub expires_in: i64,
    /// Seconds for which each renewal extends it.
    pub life: i64,
}

impl ShardCopies {
    pub fn live(&self) -> usize {
        self.copies.iter().filter(|copy| copy.live).count()
    }
}

impl Deployment {
    /// All peers that have copies of something: a cluster may have more.
    pub fn peers(&self) -> BTreeSet<u64> {
        let copies = self.shards.iter().flat_map(|shard| &shard.copies);
        let copies = copies.chain(&self.lease_copies).map(|copy| copy.peer);
        copies.chain(self.peer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_part_that_differs_is_unheeded() {
        let actual = CollectionLayout {
            shard_number: Some(2),
            replication_factor: Some(1),
            quantization: Some(Quantization::None),
            ..CollectionLayout::default()
        };
        let asked = CollectionLayout {
            shard_number: Some(2),
            replication_factor: Some(3),
            quantization: Some(Quantization::Scalar),
            hnsw_m: Some(16),
            ..CollectionLayout::default()
        };
        let unheeded = asked.unheeded_by(&actual);
        let told: Vec<_> =
            unheeded.iter().map(|it| (it.setting, it.asked.as_str(), it.actual.as_str())).collect();
        let expected = [
            ("replication_factor", "3", "1"),
            ("quantization", "scalar", "none"),
            ("hnsw_m", "16", "unknown"),
        ];
        assert_eq!(told, expected);
        assert_eq!(CollectionLayout::default().unheeded_by(&actual), []);
    }
}
