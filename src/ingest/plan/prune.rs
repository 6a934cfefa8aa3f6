//! Deletion with care: a typing mistake, a volume that is not mounted or a wrong directory must not
//! empty a collection.

use std::fmt;

use super::Plan;

/// How much a run may delete without being told so.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PruneLimit {
    /// Part of the collection's documents, 0 to 1.
    pub share: f64,
    /// Any number.
    pub allow: bool,
}

impl PruneLimit {
    /// Up to so many documents are deleted whatever their share.
    pub const FREE: usize = 10;

    /// Whether `plan` may be carried out on a collection of so many documents.
    pub fn check(&self, plan: &Plan, documents: usize) -> Result<(), Prune> {
        let deleted = plan.deleted.len();
        let within = deleted <= Self::FREE || deleted as f64 <= self.share * documents as f64;
        if self.allow || within { Ok(()) } else { Err(Prune { deleted, documents }) }
    }
}

/// A plan that deletes more than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub struct Prune {
    pub deleted: usize,
    pub documents: usize,
}

impl fmt::Display for Prune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this would delete {} of the collection's {} documents, whose files are gone",
            self.deleted, self.documents
        )
    }
}
