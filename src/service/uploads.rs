//! Ingests documents that were uploaded to a server: files in the data directory.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::changes::ChangeCommand;
use super::context::Context;
use super::engine::Engine;
use super::retrieval::selects;
use super::source::ProjectPlace;
use super::sync::{SyncInputs, SyncOptions};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure};
use crate::ingest::IngestReport;
use crate::ingest::inline::{InlineContent, InlineDocument, InlineDocuments};
use crate::types::{DocumentRecord, UPLOADS, upload_of};

/// What a run over uploads is to do.
#[derive(Clone, Debug, Default)]
pub struct Uploaded {
    /// Source and file of each document to ingest.
    pub files: Vec<(String, PathBuf)>,
    /// The only tags of these documents.
    pub tags: Vec<String>,
    /// Sources to delete.
    pub gone: Vec<String>,
    /// Names of the keys that asked for the run.
    pub keys: Vec<String>,
}

/// Result of a run over uploads.
#[derive(Debug, Default)]
pub struct UploadOutcome {
    /// Why a document was refused, by source.
    pub refused: HashMap<String, String>,
    /// Why the run ended early; what was committed stays.
    pub problem: Option<Failure>,
    /// Cost in the currency of the prices, if they are known.
    pub cost: Option<f64>,
}

impl Engine {
    /// Ingests documents and deletes others, in one run that reads nothing else.
    ///
    /// # Errors
    /// Nothing could be done: another process writes the collection, or it was built with other
    /// settings.
    pub async fn bring(
        &self,
        uploaded: Uploaded,
        cancel: &Cancel,
    ) -> Result<UploadOutcome, Failure> {
        let Uploaded { files, tags, gone, keys } = uploaded;
        let sources: HashSet<String> = files.iter().map(|(source, _)| source.clone()).collect();
        let document =
            |(source, path)| InlineDocument { source, content: InlineContent::Kept(path) };
        let documents = files.into_iter().map(document).collect();
        let inline = InlineDocuments { name: UPLOADS.to_owned(), documents, complete: false, gone };
        // The files were named one by one.
        let options = SyncOptions {
            tags,
            only_these_tags: true,
            allow_prune: true,
            asked_with: Some(ChangeCommand::ServeIngest),
            keys,
            ..SyncOptions::default()
        };
        let report = self.sync(SyncInputs::inline(inline), &options, cancel, &mut drop).await?;
        Ok(brought(report, &sources))
    }

    /// The source and the tags of each document.
    ///
    /// # Errors
    /// There is no collection, or the store fails.
    pub async fn stored_tags(&self) -> Result<HashMap<String, Vec<String>>, Failure> {
        let documents = self.reader().await?.documents().await?;
        Ok(documents.into_iter().map(|record| (record.source, record.tags)).collect())
    }

    /// Whether one of these paths, directories and globs selects a source; none selects all.
    pub fn selects(&self, patterns: &[String], source: &str) -> bool {
        let at = ProjectPlace { root: &self.context.root, cwd: &self.context.cwd };
        patterns.is_empty() || selects(patterns, source, at)
    }
}

fn brought(report: IngestReport, sources: &HashSet<String>) -> UploadOutcome {
    let problem = match &report {
        IngestReport { aborted: Some(error), .. } => Some(error.clone().into()),
        IngestReport { interrupted: true, .. } => Some(Failure::interrupted()),
        IngestReport { stopped: Some(_), .. } => {
            let why = "the limit on time or cost of a run was reached";
            Some(
                Failure::new(Exit::Partial, why)
                    .hint("the settings ingest.deadline and ingest.max_cost set these limits"),
            )
        }
        _ => None,
    };
    let failed = report.failed.into_iter().map(|failed| (failed.source, failed.reason));
    let skipped = report.skipped_sources.into_iter().map(|it| (it.source, it.reason));
    let refused = failed.chain(skipped).filter(|(source, _)| sources.contains(source)).collect();
    UploadOutcome { refused, problem, cost: report.cost }
}

/// For a collection that is rebuilt: the documents whose file is kept here.
pub(super) fn kept(context: &Context, records: &[DocumentRecord]) -> Vec<InlineDocument> {
    let kept = |record: &DocumentRecord| {
        let (id, _) = upload_of(&record.source).filter(|_| !record.is_file())?;
        let path = context.upload(id).filter(|path| path.is_file())?;
        Some(InlineDocument { source: record.source.clone(), content: InlineContent::Kept(path) })
    };
    records.iter().filter_map(kept).collect()
}
