//! Keeps a collection up to date with its files: a run whenever something changed on disk.
//!
//! Each run is an ordinary one, and nothing is held between runs. Before each run, directories are
//! watched again, so that what was replaced, created or ignored meanwhile is watched as it is now;
//! later changes are seen by that run or lead to the next.

use std::time::Duration;

use super::changes::ChangeCommand;
use super::engine::Engine;
use super::sync::{PRUNE, SyncInputs, SyncOptions, discover_failure, discover_options};
use crate::cancel::Cancel;
use crate::error::{Exit, Failure, shell_word};
use crate::ingest::discover::{DiscoverError, DiscoverOptions, WatchScope};
use crate::settings::DEFAULT_COLLECTION;
use crate::types::CrawlReach;
use crate::watch::{Changes, DirectoryWatcher, WatchError};

/// A failed run is tried again after this time, whether something changed or not.
const AGAIN_AFTER: Duration = Duration::from_secs(15);

/// Events of watching, in order.
#[derive(Debug)]
pub enum WatchNews {
    /// From now on, no change is missed.
    Watching { directories: usize },
    /// A run is over: source and reason of each document that could not be ingested.
    Synced { failed: Vec<(String, String)> },
    /// The run failed, and is tried again.
    Failed(Failure),
}

impl Engine {
    /// The paths that the collection was made from.
    ///
    /// # Errors
    /// The store fails, or the collection was not made from files.
    pub async fn roots(&self) -> Result<Vec<String>, Failure> {
        let reader = self.collection().read().await?;
        let roots = reader.map(|reader| reader.manifest().roots.clone()).unwrap_or_default();
        if roots.is_empty() {
            return Err(discover_failure(&DiscoverError::NothingNamed));
        }
        Ok(roots)
    }

    /// Keeps the collection up to date with files and directories until it is cancelled; without any,
    /// with what it was made from. Anyone who changes the collection holds `writing` meanwhile.
    pub async fn keep_in_line(
        &self,
        paths: &[String],
        writing: &tokio::sync::Mutex<()>,
        stop: &Cancel,
        tell: &mut (dyn FnMut(WatchNews) + Send),
    ) {
        let changes = Changes::default();
        let mut former = None;
        while !stop.is_cancelled() {
            let watched = self.look_out_for(paths, &changes, former.take()).await;
            let is_well = match watched {
                Ok(watch) => {
                    tell(WatchNews::Watching { directories: watch.directories() });
                    former = Some(watch);
                    self.sync_files(paths, writing, stop, tell).await
                }
                Err(failure) => {
                    tell(WatchNews::Failed(self.beside(failure)));
                    false
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = changes.settled() => {}
                () = tokio::time::sleep(AGAIN_AFTER), if !is_well => {}
            }
        }
    }

    async fn look_out_for(
        &self,
        paths: &[String],
        changes: &Changes,
        former: Option<DirectoryWatcher>,
    ) -> Result<DirectoryWatcher, Failure> {
        let mut inputs = SyncInputs::parse(paths.to_vec(), CrawlReach::default())?;
        if paths.is_empty() {
            inputs.paths = self.roots().await?;
            inputs.remembered = true;
        }
        let options = discover_options(&self.context, &inputs, &SyncOptions::default());
        watch(options, changes.clone(), former).await
    }

    /// Runs once, and returns whether everything was done.
    async fn sync_files(
        &self,
        paths: &[String],
        writing: &tokio::sync::Mutex<()>,
        stop: &Cancel,
        tell: &mut (dyn FnMut(WatchNews) + Send),
    ) -> bool {
        let synced = async {
            let inputs = SyncInputs::parse(paths.to_vec(), CrawlReach::default())?;
            let _turn = writing.lock().await;
            let asked_with = Some(ChangeCommand::ServeWatch);
            let options = SyncOptions { asked_with, ..SyncOptions::default() };
            let report = self.sync(inputs, &options, stop, &mut drop).await?;
            report.aborted.map_or(Ok(report.failed), |error| Err(error.into()))
        };
        match synced.await {
            Ok(failed) => {
                let failed = failed.into_iter().map(|failed| (failed.source, failed.reason));
                tell(WatchNews::Synced { failed: failed.collect() });
            }
            Err(_) if stop.is_cancelled() => {}
            Err(failure) => {
                tell(WatchNews::Failed(self.beside(failure)));
                return false;
            }
        }
        true
    }

    /// Rewrites the hint of a failure to a command that can be run while this process watches, which
    /// has no flags of a run.
    fn beside(&self, failure: Failure) -> Failure {
        if failure.about != Some(PRUNE) {
            return failure;
        }
        failure.hint(format!(
            "delete them with {0} --allow-prune, also while this runs, or show them with {0} --allow-prune --dry-run; or bring the files back",
            self.ingest_command()
        ))
    }

    /// The command that updates the collection from what it was made from.
    pub(super) fn ingest_command(&self) -> String {
        match self.context.settings.collection.as_str() {
            DEFAULT_COLLECTION => "docent ingest".to_owned(),
            name => format!("docent ingest --collection {}", shell_word(name)),
        }
    }
}

/// Watches what a run would read now, instead of what it read before.
///
/// # Errors
/// An input can't be read, or the system refuses to watch more directories.
pub async fn watch(
    options: DiscoverOptions,
    changes: Changes,
    former: Option<DirectoryWatcher>,
) -> Result<DirectoryWatcher, Failure> {
    let watch = move || -> Result<DirectoryWatcher, Failure> {
        if let Some(former) = former {
            former.end();
        }
        let lookout = WatchScope::new(&options).map_err(|error| discover_failure(&error))?;
        let mut judge = lookout.judge();
        let mut watch = DirectoryWatcher::new(changes, move |path| judge.concerns(path))
            .map_err(cannot_watch)?;
        lookout.ways().into_iter().for_each(|directory| watch.entries(directory));
        lookout.enter(&mut |directory| watch.tree(directory));
        watch.complete().map_err(cannot_watch)
    };
    match tokio::task::spawn_blocking(watch).await {
        Ok(watched) => watched,
        Err(error) => Err(Failure::new(Exit::Backend, format!("cannot watch: {error}"))),
    }
}

fn cannot_watch(error: WatchError) -> Failure {
    let failure = Failure::config(format!("cannot watch: {error}"));
    match error {
        WatchError::TooManyDirectories => failure.hint(
            "raise the limit fs.inotify.max_user_watches (sudo sysctl fs.inotify.max_user_watches=524288), or exclude directories with .docentignore or --exclude",
        ),
        WatchError::TooManyWatchers => failure.hint(
            "raise the limit fs.inotify.max_user_instances (sudo sysctl fs.inotify.max_user_instances=512) or `ulimit -n`, or end another program that watches files",
        ),
        WatchError::Other(_) => failure,
    }
}
