//! Limits on deletion: a typing mistake, a volume that is not mounted or a wrong directory must not empty a
//! collection.

use crate::types::ContentHash;

/// How much a run may delete without confirmation.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PruneLimit {
    /// Share of the collection's documents, 0 to 1.
    pub share: f64,
    /// Allow any number.
    pub allow: bool,
}

impl PruneLimit {
    /// This many documents may be deleted whatever their share.
    pub const FREE: usize = 10;

    /// Whether this many of a collection's documents may be deleted.
    pub fn check(&self, deleted: usize, documents: usize) -> Result<(), Prune> {
        let within = deleted <= Self::FREE || deleted as f64 <= self.share * documents as f64;
        if self.allow || within { Ok(()) } else { Err(Prune::TooMany { deleted, documents }) }
    }

    /// Whether documents that no file provides may be deleted: nothing brings them back.
    pub fn check_unique(&self, sources: &[&str]) -> Result<(), Prune> {
        match sources {
            [first, ..] if !self.allow => {
                Err(Prune::Unique { first: (*first).to_owned(), others: sources.len() - 1 })
            }
            _ => Ok(()),
        }
    }
}

/// Identifies a deletion, whatever the order of its sources: another set of sources has another hash.
pub fn deletion_hash(sources: &[String]) -> ContentHash {
    let mut sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    sources.sort_unstable();
    ContentHash::of(sources.join("\0").as_bytes())
}

impl Prune {
    /// The error for a deletion of which `expired` documents are too old.
    pub(in crate::ingest) fn of(deleted: usize, documents: usize, expired: usize) -> Self {
        match expired {
            0 => Self::TooMany { deleted, documents },
            _ => Self::Expired { deleted, documents, expired },
        }
    }
}

/// A plan that deletes more than it may.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Prune {
    #[error(
        "this would delete {deleted} of the collection's {documents} documents, whose files are gone"
    )]
    TooMany { deleted: usize, documents: usize },
    #[error(
        "this would delete {deleted} of the collection's {documents} documents: {expired} are older than ingest.ttl{}",
        match deleted - expired { 0 => String::new(), n => format!(", and the files of {n} are gone") }
    )]
    Expired { deleted: usize, documents: usize, expired: usize },
    #[error("the documents to be deleted are no longer those that were agreed to")]
    Unagreed,
    #[error(
        "this would delete {deleted} of the collection's {documents} documents, which came from the forgotten paths"
    )]
    Forgets { deleted: usize, documents: usize },
    #[error(
        "this would delete {first}{}, which no PATH of this run provides",
        match others { 0 => String::new(), n => format!(" and {n} more documents") }
    )]
    Unique { first: String, others: usize },
}
