//! What a search is asked, and what it finds.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::types::{Chunk, Filter, Scored, SparseVector};

/// What [`VectorStore::search`](super::VectorStore::search) is asked.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub dense: Option<Vec<f32>>,
    pub sparse: Option<SparseVector>,
    pub filter: Filter,
    /// Hits per leg.
    pub limit: usize,
    /// Floor on the score of each leg.
    pub min_score: Option<f32>,
    /// Terms of the sparse vectors whose inverse document frequency is wanted.
    pub idf_of: Vec<u32>,
    /// Hits whose chunks are returned.
    pub chunks: ReturnedChunks,
}

/// Which of the hits of a search are returned with their chunks. Reading a chunk costs the embedded
/// store more than ranking it, and few of those that are ranked are ever shown.
#[derive(Clone, Default)]
pub enum ReturnedChunks {
    #[default]
    All,
    /// Those whose ids it gives, seeing the lists, at least.
    Some(Arc<ChooseChunks>),
}

/// The ids of some hits, given the lists.
type ChooseChunks = dyn Fn(&Legs) -> Vec<Uuid> + Send + Sync;

impl ReturnedChunks {
    /// Of these lists; none of them twice.
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
    /// Of the hits, by id: those that were asked for, at least.
    pub chunks: HashMap<Uuid, Chunk>,
    /// Inverse document frequency in the whole collection, by term, as the sparse leg weighs it. A
    /// term that no chunk has is absent.
    pub idf: HashMap<u32, f32>,
}
