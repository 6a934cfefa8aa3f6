//! Fetches a model: from its name to a directory with every file that it needs.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::cache::{Cache, CachedInfo, Repository};
use super::plan::{DownloadPlan, MODULES, ModelParts, ModelPlanError};
use super::transfer::{FileDownload, unwritten};
use super::wire::{Remote, Revision, Wire};
use super::{FetchEvent, HubOptions, LocalModel, MissingModel, Purpose, kind, refusal};
use crate::disk_space;
use crate::error::{BackendError, Failure};
use crate::retry::retry;
use crate::types::HubModel;

/// Why a model was not fetched.
enum Stopped {
    Backend(BackendError),
    /// The model is of no use, or there is no room for it.
    Refused(Failure),
}

impl From<BackendError> for Stopped {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// What the cache has of a commit, if that is all that the model needs.
pub(super) fn find_cached(
    repository: &Repository,
    model: &HubModel,
    commit: &str,
    purpose: Purpose,
) -> Result<Option<LocalModel>, Failure> {
    let (dir, known) = (repository.snapshot(commit), |path: &str| repository.known(commit, path));
    let read = |path: &str| fs::read(dir.join(path)).ok();
    if known(MODULES) == CachedInfo::Unknown {
        return Ok(None);
    }
    let parts = ModelParts::read(read(MODULES).as_deref());
    let Ok(plan) = parts.plan(model.file.as_deref(), known) else { return Ok(None) };
    if let Some(config) = read(&parts.config()) {
        useful(model, &config, purpose)?;
    }
    Ok(Some(LocalModel { dir, graph: plan.graph, commit: commit.to_owned() }))
}

/// Fetches what is missing of `wanted`, and stores which commit its revision points to.
pub(super) async fn fetch(
    options: &HubOptions,
    cache: &Cache,
    typed: &HubModel,
    wanted: &HubModel,
    purpose: Purpose,
) -> Result<LocalModel, Failure> {
    let fetch = Fetch::new(options, cache, typed)?;
    fetch.run(wanted, purpose).await.map_err(|stopped| fetch.failure(stopped, wanted))
}

/// Asks what is missing of `wanted`. Nothing is written.
pub(super) async fn look(
    options: &HubOptions,
    cache: &Cache,
    typed: &HubModel,
    wanted: &HubModel,
    purpose: Purpose,
) -> Result<MissingModel, Failure> {
    let fetch = Fetch::new(options, cache, typed)?;
    let found = fetch.find(wanted, purpose, false).await;
    let found = found.map_err(|stopped| fetch.failure(stopped, wanted))?;
    let endpoint = options.endpoint.clone();
    Ok(MissingModel { bytes: fetch.needed(&found.remotes), commit: found.commit, endpoint })
}

struct Fetch<'a> {
    options: &'a HubOptions,
    wire: Wire,
    repository: Repository,
    typed: &'a HubModel,
}

/// The files that a model consists of.
struct Found {
    commit: String,
    plan: DownloadPlan,
    /// The files that are not in the cache.
    remotes: Vec<Remote>,
}

impl<'a> Fetch<'a> {
    fn new(options: &'a HubOptions, cache: &Cache, typed: &'a HubModel) -> Result<Self, Failure> {
        let wire = Wire::new(&options.endpoint, options.token.clone())
            .map_err(|error| refusal::failure(&error, typed, &options.endpoint, false))?;
        let repository = cache.repository(&typed.repository);
        Ok(Self { options, wire, repository, typed })
    }

    fn failure(&self, stopped: Stopped, wanted: &HubModel) -> Failure {
        match stopped {
            Stopped::Refused(failure) => failure,
            Stopped::Backend(error) => {
                let has_token = self.wire.has_token();
                refusal::failure(&error, wanted, &self.options.endpoint, has_token)
            }
        }
    }

    fn transfer<'b>(&'b self, commit: &'b str) -> FileDownload<'b> {
        FileDownload {
            wire: &self.wire,
            repository: &self.repository,
            name: &self.typed.repository,
            commit,
            retry: self.options.retry,
            on_event: &self.options.on_event,
        }
    }

    async fn run(&self, wanted: &HubModel, purpose: Purpose) -> Result<LocalModel, Stopped> {
        let Found { commit, plan, remotes } = self.find(wanted, purpose, true).await?;
        self.check_room(&remotes)?;
        (self.options.on_event)(&self.begun(&commit, &remotes));
        let transfer = self.transfer(&commit);
        for remote in &remotes {
            transfer.bring(remote).await?;
        }
        self.remember(wanted, &commit, &plan)
            .map_err(|error| unwritten(&self.repository.snapshot(&commit), &error))?;
        (self.options.on_event)(&FetchEvent::Done);
        Ok(LocalModel { dir: self.repository.snapshot(&commit), graph: plan.graph, commit })
    }

    /// Finds out what the model consists of before fetching anything large. `keep`: what is read on the way
    /// stays in the cache.
    async fn find(
        &self,
        wanted: &HubModel,
        purpose: Purpose,
        keep: bool,
    ) -> Result<Found, Stopped> {
        let ask = || self.wire.revision(&wanted.repository, wanted.revision());
        let found = retry(&self.options.retry, ask).await?;
        let commit = found.commit.to_ascii_lowercase();
        let files: HashSet<&str> = found.files().collect();
        let known =
            |path: &str| if files.contains(path) { CachedInfo::Here } else { CachedInfo::Absent };
        let modules = self.small(&commit, MODULES, &known, keep).await?;
        let parts = ModelParts::read(modules.as_deref());
        if let Some(config) = self.small(&commit, &parts.config(), &known, keep).await? {
            useful(self.typed, &config, purpose).map_err(Stopped::Refused)?;
        }
        let plan = parts.plan(wanted.file.as_deref(), known);
        let plan = plan.map_err(|why| Stopped::Refused(self.unplanned(&why, &found)))?;
        let remotes = self.remotes(&commit, &plan).await?;
        Ok(Found { commit, plan, remotes })
    }

    /// Fetches a file that has to be read before the remaining files are known.
    async fn small(
        &self,
        commit: &str,
        path: &str,
        known: &impl Fn(&str) -> CachedInfo,
        keep: bool,
    ) -> Result<Option<Vec<u8>>, BackendError> {
        if known(path) != CachedInfo::Here {
            return Ok(None);
        }
        let at = self.repository.snapshot(commit).join(path);
        if !at.is_file() && !keep {
            let ask = || self.wire.text(&self.typed.repository, commit, path);
            return retry(&self.options.retry, ask).await.map(Some);
        }
        if !at.is_file() {
            self.transfer(commit).bring(&self.remote(commit, path).await?).await?;
        }
        fs::read(&at).map(Some).map_err(|error| unwritten(&at, &error))
    }

    async fn remote(&self, commit: &str, path: &str) -> Result<Remote, BackendError> {
        let ask = || self.wire.remote(&self.typed.repository, commit, path);
        retry(&self.options.retry, ask).await
    }

    /// The files that are not in the cache, the graph and its weights last.
    async fn remotes(
        &self,
        commit: &str,
        plan: &DownloadPlan,
    ) -> Result<Vec<Remote>, BackendError> {
        let mut remotes = Vec::new();
        for path in plan.small.iter().chain([&plan.graph]).chain(&plan.weights) {
            if self.repository.known(commit, path) != CachedInfo::Here {
                remotes.push(self.remote(commit, path).await?);
            }
        }
        Ok(remotes)
    }

    /// Total bytes of these files that are in the cache.
    fn here(&self, remotes: &[Remote]) -> u64 {
        let length = |path: PathBuf| fs::metadata(path).map_or(0, |data| data.len());
        let here = |remote: &Remote| {
            let kept = length(self.repository.blob(&remote.hash));
            kept.max(length(self.repository.incomplete(&remote.hash))).min(remote.size)
        };
        remotes.iter().map(here).fold(0, u64::saturating_add)
    }

    fn needed(&self, remotes: &[Remote]) -> u64 {
        size(remotes).saturating_sub(self.here(remotes))
    }

    fn check_room(&self, remotes: &[Remote]) -> Result<(), Stopped> {
        let (needed, dir) = (self.needed(remotes), self.repository.dir());
        match disk_space::free(dir) {
            Some(free) if free < needed => {
                Err(Stopped::Refused(refusal::no_room(self.typed, dir, needed, free)))
            }
            _ => Ok(()),
        }
    }

    fn begun(&self, commit: &str, remotes: &[Remote]) -> FetchEvent {
        FetchEvent::Begun {
            model: self.typed.to_string(),
            commit: commit.to_owned(),
            endpoint: self.options.endpoint.clone(),
            bytes: size(remotes),
            here: self.here(remotes),
        }
    }

    fn remember(&self, wanted: &HubModel, commit: &str, plan: &DownloadPlan) -> io::Result<()> {
        for path in &plan.absent {
            self.repository.set_absent(commit, path)?;
        }
        self.repository.set_commit(wanted.revision(), commit)
    }

    fn unplanned(&self, why: &ModelPlanError, found: &Revision) -> Failure {
        match why {
            ModelPlanError::NoTokenizer => refusal::no_tokenizer(self.typed),
            ModelPlanError::NoGraph | ModelPlanError::Unknown => {
                let graphs = found.files().filter(|path| HubModel::is_graph(path));
                refusal::no_graph(self.typed, &graphs.collect::<Vec<_>>())
            }
        }
    }
}

/// Total size. The sum saturates, as a hub may report any size.
fn size(remotes: &[Remote]) -> u64 {
    remotes.iter().fold(0, |bytes: u64, remote| bytes.saturating_add(remote.size))
}

fn useful(model: &HubModel, config: &[u8], purpose: Purpose) -> Result<(), Failure> {
    match kind::unsupported_reason(config, purpose) {
        Some((why, hint)) => Err(Failure::config(format!("{model} {why}")).hint(hint)),
        None => Ok(()),
    }
}
