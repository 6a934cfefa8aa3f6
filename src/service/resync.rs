//! Another run over what a collection was made from, like `docent ingest` without a PATH, for callers
//! that can ask about a deletion: they are told what would be deleted, and exactly that is deleted once
//! somebody agrees.

use std::path::Path;

use super::changes::ChangeCommand;
use super::engine::Engine;
use super::sync::{OnSync, PRUNE, SyncInputs, SyncOptions};
use crate::cancel::Cancel;
use crate::error::Failure;
use crate::ingest::IngestReport;
use crate::ingest::discover::narrowed;
use crate::ingest::plan::deletion_hash;
use crate::ingest::preview::IngestPreview;
use crate::types::{ContentHash, CrawlReach};

/// What a resync reads again.
#[derive(Clone, Debug, Default)]
pub struct Resync {
    /// Files and directories that the collection was made from, relative to the project or absolute;
    /// none for all of them and the web pages.
    pub paths: Vec<String>,
    /// Hash of the [deletion](Deletion::hash) that somebody agreed to.
    pub agreed: Option<ContentHash>,
}

/// Result of a resync.
#[derive(Debug)]
pub enum Resynced {
    Done(Box<IngestReport>),
    /// Nothing was changed: the run would delete more than is allowed without confirmation.
    Unagreed(Deletion),
}

/// What a run would delete.
#[derive(Debug)]
pub struct Deletion {
    /// Sources of the documents, sorted.
    pub sources: Vec<String>,
    /// Why the deletion needs confirmation, and which command does it.
    pub failure: Failure,
}

impl Deletion {
    /// Identifies exactly this deletion.
    pub fn hash(&self) -> ContentHash {
        deletion_hash(&self.sources)
    }
}

impl Engine {
    /// Updates the collection from what it was made from, or from a part of that.
    ///
    /// # Errors
    /// As with [`Engine::sync`]; or a path is outside of what the collection was made from.
    pub async fn resync(
        &self,
        resync: &Resync,
        cancel: &Cancel,
        on: OnSync<'_>,
    ) -> Result<Resynced, Failure> {
        let (inputs, mut options) = self.as_a_run(resync).await?;
        let mut synced = self.sync(inputs.clone(), &options, cancel, &mut *on).await;
        if options.agreed.is_some() && is_about_pruning(&synced) {
            // By now this is another deletion, or one that needs no confirmation.
            options.agreed = None;
            synced = self.sync(inputs.clone(), &options, cancel, on).await;
        }
        let failure = match synced {
            Ok(report) => return Ok(Resynced::Done(Box::new(report))),
            Err(failure) if failure.about == Some(PRUNE) => failure,
            Err(failure) => return Err(failure),
        };
        let looked = SyncOptions { allow_prune: true, ..options };
        let sources = self.preview(inputs, &looked, false, cancel).await?.deleted;
        let failure = failure.hint(format!(
            "delete them with {0} --allow-prune, or show them with {0} --allow-prune --dry-run; or bring the files back",
            self.ingest_command()
        ));
        if sources.is_empty() {
            return Err(failure);
        }
        Ok(Resynced::Unagreed(Deletion { sources, failure }))
    }

    /// Reports what [`Self::resync`] would do, however much it deletes. Documents are compared, but not
    /// read.
    ///
    /// # Errors
    /// As with [`Self::resync`].
    pub async fn preview_resync(
        &self,
        resync: &Resync,
        cancel: &Cancel,
    ) -> Result<IngestPreview, Failure> {
        let (inputs, options) = self.as_a_run(resync).await?;
        let options = SyncOptions { allow_prune: true, ..options };
        self.preview(inputs, &options, false, cancel).await
    }

    async fn as_a_run(&self, resync: &Resync) -> Result<(SyncInputs, SyncOptions), Failure> {
        let mut inputs = SyncInputs::parse(Vec::new(), CrawlReach::default())?;
        let mut options = SyncOptions {
            asked_with: Some(ChangeCommand::McpSync),
            agreed: resync.agreed.clone(),
            ..SyncOptions::default()
        };
        if !resync.paths.is_empty() {
            inputs.paths = self.roots().await?;
            inputs.remembered = true;
            options.include = self.part_of(&inputs.paths, &resync.paths)?;
        }
        Ok((inputs, options))
    }

    fn part_of(&self, roots: &[String], paths: &[String]) -> Result<Vec<String>, Failure> {
        let project: &Path = &self.context.root;
        narrowed(paths, roots, project).map_err(|outside| {
            let outside: String = outside.chars().take(200).collect();
            Failure::usage(format!("`{outside}` is not in what the collection was made from")).hint(
                format!(
                    "it was made from {}; a person adds another path with docent ingest PATH",
                    roots.join(", ")
                ),
            )
        })
    }
}

fn is_about_pruning<T>(synced: &Result<T, Failure>) -> bool {
    synced.as_ref().is_err_and(|failure| failure.about == Some(PRUNE))
}
