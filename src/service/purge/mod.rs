//! Purges documents: deletes them from every version of a collection and from what docent keeps beside
//! it, and then verifies that they are gone.
//!
//! What is to be deleted is written down first ([`journal`]), with samples by which the texts are found
//! again in files, and which are not text themselves ([`samples`]). So the same command completes a
//! purge that was cut off. The documents are deleted from each version, and its files are rewritten.
//! Then what is left is counted, and the files are searched ([`search`]).

mod conditions;
mod journal;
mod other_copies;
mod proof;
mod report;
mod samples;
mod search;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

pub use self::conditions::PurgeConditions;
use self::conditions::Selection;
use self::journal::Journal;
pub(super) use self::journal::is_purge_journal;
pub use self::other_copies::CleanedFile;
use self::other_copies::Purged;
pub use self::report::{PurgeFileSearch, PurgeReport, PurgedVersion};
use self::samples::Samples;
use self::search::PurgeSearch;
use super::changes::{ChangeCommand, ChangeNote, PurgedLine};
use super::engine::Engine;
use super::source::ProjectPlace;
use super::sync::{SyncInputs, SyncOptions};
use crate::error::{Exit, Failure};
use crate::ingest::{removal_run, take_out};
use crate::store::{CollectionWriter, VectorStore, each_chunk};
use crate::types::{CrawlReach, Filter, Manifest, VersionEntry, VersionState};

/// A request to purge documents.
#[derive(Clone, Default, Debug)]
pub struct PurgeRequest {
    /// Paths, directories or globs.
    pub sources: Vec<String>,
    pub tags: Vec<String>,
    /// An age, a date or a time, as typed.
    pub older_than: Option<String>,
}

/// A version that the purge changes.
struct Written {
    number: u32,
    state: VersionState,
    writer: Arc<dyn CollectionWriter>,
}

impl Engine {
    /// Reports what [`Self::purge`] would do.
    ///
    /// # Errors
    /// There is no collection, no condition, or the store fails.
    pub async fn purge_plan(&self, request: &PurgeRequest) -> Result<PurgeReport, Failure> {
        let conditions = PurgeConditions::of(request)?;
        let entries = self.complete_versions().await?;
        let (nothing, options) = (Self::no_inputs()?, SyncOptions::default());
        let mut readers = Vec::new();
        for entry in &entries {
            let reader = self.collection().read_version(entry.number).await?;
            let (reader, _) = self.own_reader(reader, &nothing, &options).await?;
            readers.extend(reader.map(|reader| (entry.number, reader)));
        }
        let stores: Vec<(u32, &dyn VectorStore)> =
            readers.iter().map(|(number, reader)| (*number, &**reader)).collect();
        let mut selection = conditions.select(&stores, self.place()).await?;
        let mut report = self.report(conditions, &entries);
        report.hidden_versions = self.collection().hidden_versions().await?;
        if let Some(journal) = self.journal()? {
            report.resumed = true;
            let mut journal = journal;
            journal.add(selection);
            selection = journal.versions;
        }
        report.count(&selection, &self.context.root);
        report.say_what_is_left(self.context.project.is_some());
        report.dry_run = true;
        Ok(report)
    }

    /// Deletes documents from every version of the collection, and verifies that they are gone. A purge
    /// that was cut off before is completed with it.
    ///
    /// # Errors
    /// As with [`Self::purge_plan`]; a run was cut off; or something is left: the error says where.
    pub async fn purge(&self, request: &PurgeRequest) -> Result<PurgeReport, Failure> {
        let conditions = PurgeConditions::of(request)?;
        let entries = self.complete_versions().await?;
        self.change(ChangeCommand::Purge, async |writer, note| {
            self.purge_as(&writer, note, conditions, &entries).await
        })
        .await
    }

    async fn purge_as(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        note: &ChangeNote,
        conditions: PurgeConditions,
        entries: &[VersionEntry],
    ) -> Result<PurgeReport, Failure> {
        let known = self.journal()?;
        let mut report = self.report(conditions, entries);
        report.hidden_versions = self.collection().hidden_versions().await?;
        let run = known.as_ref().map(|journal| journal.run_id);
        let versions = self.written(writer, entries, run, &mut report).await?;
        let stores: Vec<(u32, &dyn VectorStore)> =
            versions.iter().map(|it| (it.number, store_of(it))).collect();
        let selection = report.conditions.select(&stores, self.place()).await?;
        report.resumed = known.is_some();
        if !report.resumed && selection.values().all(Vec::is_empty) {
            return Ok(report);
        }
        let journal = self.begun(known, selection, &versions).await?;
        report.count(&journal.versions, &self.context.root);
        for version in &versions {
            let sources = sources_of(&journal.versions, version.number);
            if sources.is_empty() {
                // Documents that were deleted earlier are still in its files, too.
                version.writer.scrub().await?;
            } else {
                take_out(&*version.writer, removal_run(journal.run_id), &sources).await?;
            }
        }
        self.prove(&journal, &versions, &mut report).await?;
        note.made_by(journal.run_id);
        tell(note, &report);
        report.noted = note.finish().await?;
        Journal::remove(&self.journal_path()).map_err(|error| self.no_journal(&error))?;
        Ok(report)
    }

    /// The versions that this project may write. Others are reported as left.
    async fn written(
        &self,
        writer: &Arc<dyn CollectionWriter>,
        entries: &[VersionEntry],
        run: Option<Uuid>,
        report: &mut PurgeReport,
    ) -> Result<Vec<Written>, Failure> {
        let (nothing, options) = (Self::no_inputs()?, SyncOptions::default());
        let mut written = Vec::new();
        for VersionEntry { number, state, manifest, .. } in entries {
            if manifest.as_ref().is_some_and(|manifest| is_cut_off(manifest, run)) {
                return Err(cut_off(*number, *state));
            }
            let beside = match state {
                VersionState::Live => Arc::clone(writer),
                _ => writer.beside(*number).await?,
            };
            match self.own(&beside, &nothing, &options).await {
                Ok(owned) => {
                    let (number, state) = (*number, *state);
                    written.push(Written { number, state, writer: owned.writer });
                }
                Err(failure) if *state == VersionState::Live => return Err(failure),
                Err(failure) => {
                    report.left.push(format!("version {number}: {}", failure.message));
                }
            }
        }
        Ok(written)
    }

    /// Writes down what is to be deleted, before anything is deleted.
    async fn begun(
        &self,
        known: Option<Journal>,
        selection: Selection,
        versions: &[Written],
    ) -> Result<Journal, Failure> {
        let mut samples = Samples::default();
        let chunks = selection.values().flatten().map(|doomed| doomed.chunks).sum();
        let most = Samples::of_each(chunks);
        for version in versions {
            let sources = Some(sources_of(&selection, version.number));
            let filter = Filter { sources, ..Filter::default() };
            each_chunk(store_of(version), filter, |chunk| samples.add(&chunk.text, most)).await?;
        }
        let journal = if let Some(mut journal) = known {
            journal.samples.extend(samples);
            journal.add(selection);
            journal
        } else {
            let found = searched(versions, &samples).await?;
            let found_before = found.map(|searched| searched.found).unwrap_or_default();
            Journal { run_id: Uuid::now_v7(), versions: selection, samples, found_before }
        };
        journal.write(&self.journal_path()).map_err(|error| self.no_journal(&error))?;
        Ok(journal)
    }

    async fn complete_versions(&self) -> Result<Vec<VersionEntry>, Failure> {
        let entries = self.version_entries().await?;
        Ok(entries.into_iter().filter(|entry| entry.state.is_complete()).collect())
    }

    fn report(&self, conditions: PurgeConditions, entries: &[VersionEntry]) -> PurgeReport {
        let collection = self.context.settings.collection.clone();
        let mut report = PurgeReport::new(collection, self.collection().endpoint(), conditions);
        report.log = self.context.changes().display().to_string();
        for entry in entries {
            report.versions.push(PurgedVersion::of(entry));
        }
        report
    }

    fn place(&self) -> ProjectPlace<'_> {
        ProjectPlace { root: &self.context.root, cwd: &self.context.cwd }
    }

    fn no_inputs() -> Result<SyncInputs, Failure> {
        SyncInputs::parse(Vec::new(), CrawlReach::default())
    }

    fn journal_path(&self) -> PathBuf {
        Journal::path(&self.context, self.collection().endpoint())
    }

    fn journal(&self) -> Result<Option<Journal>, Failure> {
        Journal::read(&self.journal_path()).map_err(|error| self.no_journal(&error))
    }

    fn no_journal(&self, error: &std::io::Error) -> Failure {
        let path = self.journal_path();
        Failure::new(Exit::Backend, format!("{}: {error}", path.display()))
            .hint("this file says what is to be purged, and must be readable and writable; if it is damaged, remove it and run the purge again")
    }
}

/// Notes the result of a purge for the log of changes.
fn tell(note: &ChangeNote, report: &PurgeReport) {
    let elsewhere = report.elsewhere.iter().map(|file| file.removed).sum::<usize>();
    let mut end = note.come_to();
    end.versions = report.versions.iter().map(|version| version.version).collect();
    end.purge = Some(PurgedLine {
        conditions: report.conditions.clone(),
        documents: report.documents,
        chunks: report.chunks,
        failures: report.failures,
        elsewhere: elsewhere + report.uploads,
        bytes_searched: report.search.as_ref().map(|search| search.bytes),
    });
}

fn store_of(version: &Written) -> &dyn VectorStore {
    &*version.writer
}

/// Whether a run has left documents half done. A purge that is complete may have left everything to be
/// compared, if a former writer may still have sent something late.
fn is_cut_off(manifest: &Manifest, purge: Option<Uuid>) -> bool {
    let Some(left) = &manifest.unfinished else { return false };
    let is_done = manifest.runs.iter().any(|run| run.run_id == left.run_id);
    Some(left.run_id) != purge && !(is_done && left.roots.is_empty())
}

fn cut_off(number: u32, state: VersionState) -> Failure {
    let message = format!("version {number} is unfinished: a run is under way, or was cut off");
    Failure::new(Exit::Negative, message).hint(match state {
        VersionState::Live => "complete it with docent ingest, then purge again".to_owned(),
        _ => format!(
            "remove it with docent index drop {number}; or make it live, and complete it with docent ingest"
        ),
    })
}

fn sources_of(selection: &Selection, number: u32) -> Vec<String> {
    let doomed = selection.get(&number).map_or(&[][..], Vec::as_slice);
    doomed.iter().map(|doomed| doomed.source.clone()).collect()
}

fn all_sources(selection: &Selection) -> Vec<String> {
    let all = selection.values().flatten().map(|doomed| doomed.source.as_str());
    all.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

/// Searches the files of embedded versions; `None` on a server.
async fn searched(versions: &[Written], samples: &Samples) -> Result<Option<PurgeSearch>, Failure> {
    let directories: Vec<PathBuf> =
        versions.iter().filter_map(|version| version.writer.files()).collect();
    if directories.is_empty() {
        return Ok(None);
    }
    let samples = samples.clone();
    let search = move || PurgeSearch::of(&directories, &samples);
    let searched = tokio::task::spawn_blocking(search).await.map_err(std::io::Error::other);
    let searched = searched.and_then(|searched| searched);
    searched.map(Some).map_err(|error| {
        Failure::new(
            Exit::Backend,
            format!("the files of the collection can't be searched: {error}"),
        )
    })
}
