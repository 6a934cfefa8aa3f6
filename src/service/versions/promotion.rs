//! Promotes a version that was measured to be the live one, or refuses it.

use super::super::changes::{ChangeCommand, ChangeOutcome};
use super::super::engine::Engine;
use super::{VersionSwitch, live};
use crate::error::{Exit, Failure};
use crate::types::{
    IngestRun, Manifest, VersionCause, VersionChange, VersionEntry, VersionEvent, VersionTrial,
};

impl Engine {
    /// The live version; `None` if there is no collection.
    ///
    /// # Errors
    /// The store fails.
    pub async fn live_version(&self) -> Result<Option<VersionEntry>, Failure> {
        Ok(live(&self.collection().versions().await?).cloned())
    }

    /// Makes a version the live one, after it was compared with `measured`.
    ///
    /// # Errors
    /// `measured` is no longer live, or was changed meanwhile; and as with [`Self::use_version`].
    pub async fn promote(
        &self,
        version: u32,
        measured: &VersionEntry,
        trial: VersionTrial,
    ) -> Result<VersionSwitch, Failure> {
        self.as_owner(ChangeCommand::PromoteIf, async |writer, note| {
            let entries = self.version_entries().await?;
            let now = live(&entries).ok_or_else(|| self.missing_collection())?;
            if state(now) != state(measured) {
                return Err(self.changed_meanwhile(version, measured.number));
            }
            self.named_version(&entries, version)?;
            let promoted = VersionEvent {
                trial: Some(trial),
                ..VersionEvent::now(version, VersionChange::Live, VersionCause::PromoteIf)
            };
            note.come_to().versions.push(version);
            self.switch(&*writer, &entries, promoted).await
        })
        .await
    }

    /// Notes that a new version does not meet the conditions.
    ///
    /// # Errors
    /// As with [`Self::use_version`].
    pub async fn refuse(
        &self,
        version: u32,
        measured: u32,
        trial: VersionTrial,
    ) -> Result<(), Failure> {
        let refused = VersionEvent {
            other: Some(measured),
            trial: Some(trial),
            ..VersionEvent::now(version, VersionChange::Refused, VersionCause::PromoteIf)
        };
        self.as_owner(ChangeCommand::PromoteIf, async |writer, note| {
            note.come_to().versions.push(version);
            note.come_to().outcome = ChangeOutcome::Refused;
            self.log(&*writer, refused).await
        })
        .await
    }

    fn changed_meanwhile(&self, version: u32, measured: u32) -> Failure {
        let collection = &self.context.settings.collection;
        let message = format!(
            "{collection}@v{measured}, with which {collection}@v{version} was compared, is no longer live or has changed: nothing was switched"
        );
        Failure::new(Exit::Negative, message).hint(format!(
            "build and measure another version; or make this one live all the same: docent index use {version}"
        ))
    }
}

/// The state of a version, to notice changes: a run that changes it is in its manifest.
fn state(entry: &VersionEntry) -> (u32, Option<BuildState<'_>>) {
    (entry.number, entry.manifest.as_ref().map(build_state))
}

/// Creation time of a version, the runs that changed it, and the unfinished one.
type BuildState<'m> = (&'m str, &'m [IngestRun], Option<&'m IngestRun>);

fn build_state(manifest: &Manifest) -> BuildState<'_> {
    (&manifest.created_at, &manifest.runs, manifest.unfinished.as_ref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;
    use crate::cancel;
    use crate::service::engine::tests::opened;
    use crate::service::sync::{SyncInputs, SyncOptions};
    use crate::types::CrawlReach;

    async fn sync(engine: &Engine, candidate: bool) {
        let inputs = SyncInputs::parse(vec!["docs".to_owned()], CrawlReach::default()).unwrap();
        let options = SyncOptions { new_version: candidate, candidate, ..SyncOptions::default() };
        let report = engine.sync(inputs, &options, &cancel::pair().1, &mut drop).await.unwrap();
        assert_eq!(report.aborted, None);
    }

    fn trial() -> VersionTrial {
        VersionTrial { cases_from: "cases.jsonl".to_owned(), cases: 7, gates: Vec::new() }
    }

    #[tokio::test]
    async fn nothing_takes_the_place_of_what_was_not_measured() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("docs")).unwrap();
        let write = |name: &str| fs::write(dir.path().join("docs").join(name), "# A\n\nText.\n");
        write("a.md").unwrap();
        let engine = opened(dir.path());
        sync(&engine, false).await;
        sync(&engine, true).await;
        let measured = engine.live_version().await.unwrap().unwrap();
        // Another document is ingested meanwhile.
        write("b.md").unwrap();
        sync(&engine, false).await;
        let refused = engine.promote(2, &measured, trial()).await.unwrap_err();
        assert_eq!(refused.exit, Exit::Negative);
        assert!(refused.message.contains("nothing was switched"), "{refused:?}");
        let now = engine.live_version().await.unwrap().unwrap();
        assert_eq!(now.number, 1);
        let promoted = engine.promote(2, &now, trial()).await.unwrap();
        assert_eq!(promoted, VersionSwitch { live: 2, former: 1 });
        assert_eq!(engine.promote(1, &now, trial()).await.unwrap_err().exit, Exit::Negative);
        let log = engine.version_log().await.unwrap();
        let live: Vec<_> = log.iter().filter(|event| event.change == VersionChange::Live).collect();
        assert_eq!(live.iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((live[1].other, &live[1].trial), (Some(1), &Some(trial())));
    }
}
