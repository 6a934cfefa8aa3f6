//! The request and the result of a search.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::types::{Chunk, Filter, Scored, SparseVector};

/// The request of [`VectorStore::search`](super::VectorStore::search).
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub dense: Option<Vec<f32>>,
    pub sparse: Option<SparseVector>,
    pub filter: Filter,
    /// Hits per leg.
    pub limit: usize,
    /// Minimum score in each leg.
    pub min_score: Option<f32>,
    /// Terms of the sparse vectors whose inverse document frequency is wanted.
    pub idf_of: Vec<u32>,
    /// Hits whose chunks are returned.
    pub chunks: ReturnedChunks,
}

/// The hits of a search that are returned with their chunks. Reading a chunk costs the embedded store more
/// than ranking it, and few of the ranked ones are ever shown.
#[derive(Clone, Default)]
pub enum ReturnedChunks {
    #[default]
    All,
    /// At least those whose ids this function picks, given the lists.
    Some(Arc<ChooseChunks>),
}

/// Picks ids of hits, given the lists.
type ChooseChunks = dyn Fn(&Legs) -> Vec<Uuid> + Send + Sync;

impl ReturnedChunks {
    /// Ids of hits in these lists, without duplicates.
    pub(super) fn ids(&self, legs: &Legs) -> HashSet<Uuid> {
        match self {
            Self::All => legs.dense.iter().chain(&legs.sparse).map(|hit| hit.id).collect(),
            Self::Some(choose) => choose(legs).into_iter().collect(),
        }
    }
}

impl fmt::Debug for ReturnedChunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::Some(_) => "Some",
        })
    }
}

/// The ranked lists of a search; a leg that was not asked is empty.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Legs {
    pub dense: Vec<Scored>,
    pub sparse: Vec<Scored>,
    /// Chunks of the hits, by id: at least those that were requested.
    pub chunks: HashMap<Uuid, Chunk>,
    /// Inverse document frequency over the whole collection, by term, as the sparse leg weighs it. Absent for
    /// terms that no chunk has.
    pub idf: HashMap<u32, f32>,
}
