//! Verifies that what was purged is gone.

use std::collections::BTreeSet;

use super::journal::Journal;
use super::{
    Engine, Exit, Failure, PurgeFileSearch, PurgeReport, Purged, Samples, Written, all_sources,
    searched, sources_of, store_of,
};
use crate::store::each_chunk;
use crate::types::{Filter, VersionState};

/// How many places an error names.
const NAMED: usize = 5;

impl Engine {
    /// Counts what is left, searches the files for it, and purges what docent keeps elsewhere.
    pub(super) async fn prove(
        &self,
        journal: &Journal,
        versions: &[Written],
        report: &mut PurgeReport,
    ) -> Result<(), Failure> {
        for version in versions {
            none_left(journal, version).await?;
        }
        let taken = journal.samples.len();
        let samples = distinct(journal.samples.clone(), versions).await?;
        if let Some(found) = searched(versions, &samples).await? {
            if !found.places.is_empty() {
                let places = found.places.iter().take(NAMED);
                let mut failure = Failure::new(
                    Exit::Backend,
                    format!(
                        "no record or chunk is left, but purged text is still in files of the collection: {}",
                        found.places.len()
                    ),
                );
                failure.causes.extend(places.map(|path| path.display().to_string()));
                return Err(failure.hint("rewrite the files: docent ingest --rebuild, then docent index prune --keep 0; then run the same purge again, which searches them"));
            }
            report.search = Some(PurgeFileSearch {
                files: found.files,
                bytes: found.bytes,
                samples: samples.len(),
                shared: taken - samples.len(),
                found_before: samples.count_in(&journal.found_before),
            });
        }
        let sources = all_sources(&journal.versions);
        let cleaned = Purged {
            samples: &samples,
            sources: &sources,
            tenant: self.context.settings.tenant.as_deref(),
        }
        .clean(&self.context);
        report.elsewhere = cleaned.files;
        report.uploads = cleaned.uploads;
        report.left.extend(cleaned.left);
        report.say_what_is_left(self.context.project.is_some());
        Ok(())
    }
}

/// Checks that nothing is stored of the sources that were purged.
async fn none_left(journal: &Journal, version: &Written) -> Result<(), Failure> {
    let sources: BTreeSet<String> =
        sources_of(&journal.versions, version.number).into_iter().collect();
    let store = store_of(version);
    let documents = store.documents().await?.into_iter().map(|record| record.source);
    let failures = store.failures().await?.into_iter().map(|failure| failure.source);
    let tally = store.tally().await?.into_iter().map(|tally| tally.source);
    let left = documents.chain(failures).chain(tally).filter(|source| sources.contains(source));
    let left: BTreeSet<String> = left.collect();
    if left.is_empty() {
        return Ok(());
    }
    let number = version.number;
    let message = format!("something is left of {} documents in version {number}", left.len());
    let mut failure = Failure::new(Exit::Backend, message);
    failure.causes.extend(left.into_iter().take(NAMED));
    Err(failure.hint(match version.state {
        VersionState::Live => {
            "another program is writing the collection: run the same purge again".to_owned()
        }
        _ => format!("run the same purge again; or remove the version: docent index drop {number}"),
    }))
}

/// The samples that are not in any text that stays.
async fn distinct(mut samples: Samples, versions: &[Written]) -> Result<Samples, Failure> {
    for version in versions {
        let store = store_of(version);
        each_chunk(store, Filter::default(), |chunk| {
            samples.spare(&chunk.text);
            for other in
                [&chunk.title, &chunk.source].into_iter().chain(&chunk.headings).chain(&chunk.tags)
            {
                samples.spare(other);
            }
        })
        .await?;
        for record in store.documents().await? {
            samples.spare(&serde_json::to_string(&record).unwrap_or_default());
        }
        for failure in store.failures().await? {
            samples.spare(&serde_json::to_string(&failure).unwrap_or_default());
        }
    }
    Ok(samples)
}
