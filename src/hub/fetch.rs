//! A model, from its name to a directory with everything that it needs.

use std::collections::HashSet;
use std::fs;
use std::io;

use super::cache::{Cache, Known, Repository};
use super::plan::{MODULES, Parts, Plan, Unplanned};
use super::transfer::{Transfer, unwritten};
use super::wire::{Remote, Revision, Wire};
use super::{FetchEvent, HeldModel, HubOptions, Purpose, kind, refusal};
use crate::error::{BackendError, Failure};
use crate::retry::retry;
use crate::types::HubModel;

/// Why a model was not fetched.
enum Stopped {
    Backend(BackendError),
    /// It would be of no use.
    Useless(Failure),
}

impl From<BackendError> for Stopped {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// What is here of a commit, where that is all that the model needs.
pub(super) fn held(
    repository: &Repository,
    model: &HubModel,
    commit: &str,
    purpose: Purpose,
) -> Result<Option<HeldModel>, Failure> {
    let (dir, known) = (repository.snapshot(commit), |path: &str| repository.known(commit, path));
    let read = |path: &str| fs::read(dir.join(path)).ok();
    if known(MODULES) == Known::Unknown {
        return Ok(None);
    }
    let parts = Parts::read(read(MODULES).as_deref());
    let Ok(plan) = parts.plan(model.file.as_deref(), known) else { return Ok(None) };
    if let Some(config) = read(&parts.config()) {
        useful(model, &config, purpose)?;
    }
    Ok(Some(HeldModel { dir, graph: plan.graph, commit: commit.to_owned() }))
}

/// Fetches what is missing of `wanted`, and remembers what its revision means.
pub(super) async fn fetch(
    options: &HubOptions,
    cache: &Cache,
    typed: &HubModel,
    wanted: &HubModel,
    purpose: Purpose,
) -> Result<HeldModel, Failure> {
    let wire = Wire::new(&options.endpoint, options.token.clone())
        .map_err(|error| refusal::failure(&error, typed, &options.endpoint, false))?;
    let fetched =
        Fetch { options, wire: &wire, repository: &cache.repository(&typed.repository), typed };
    match fetched.run(wanted, purpose).await {
        Ok(held) => Ok(held),
        Err(Stopped::Useless(failure)) => Err(failure),
        Err(Stopped::Backend(error)) => {
            Err(refusal::failure(&error, wanted, &options.endpoint, wire.has_token()))
        }
    }
}

struct Fetch<'a> {
    options: &'a HubOptions,
    wire: &'a Wire,
    repository: &'a Repository,
    typed: &'a HubModel,
}

impl Fetch<'_> {
    async fn run(&self, wanted: &HubModel, purpose: Purpose) -> Result<HeldModel, Stopped> {
        let (name, policy) = (&wanted.repository, &self.options.retry);
        let found = retry(policy, || self.wire.revision(name, wanted.revision())).await?;
        let commit = found.commit.to_ascii_lowercase();
        let files: HashSet<&str> = found.files().collect();
        let known = |path: &str| if files.contains(path) { Known::Here } else { Known::Absent };
        let transfer = Transfer {
            wire: self.wire,
            repository: self.repository,
            name,
            commit: &commit,
            retry: *policy,
            on_event: &self.options.on_event,
        };
        // What it is, before anything large.
        let modules = self.small(&transfer, MODULES, &known).await?;
        let parts = Parts::read(modules.as_deref());
        if let Some(config) = self.small(&transfer, &parts.config(), &known).await? {
            useful(self.typed, &config, purpose).map_err(Stopped::Useless)?;
        }
        let plan = parts.plan(wanted.file.as_deref(), known);
        let plan = plan.map_err(|why| Stopped::Useless(self.unplanned(&why, &found)))?;
        let remotes = self.remotes(&transfer, &plan).await?;
        (self.options.on_event)(&self.begun(&commit, &remotes));
        for remote in &remotes {
            transfer.bring(remote).await?;
        }
        self.remember(wanted, &commit, &plan)
            .map_err(|error| unwritten(&self.repository.snapshot(&commit), &error))?;
        (self.options.on_event)(&FetchEvent::Done);
        Ok(HeldModel { dir: self.repository.snapshot(&commit), graph: plan.graph, commit })
    }

    /// A file that is read before it is known what else there is to fetch.
    async fn small(
        &self,
        transfer: &Transfer<'_>,
        path: &str,
        known: &impl Fn(&str) -> Known,
    ) -> Result<Option<Vec<u8>>, BackendError> {
        if known(path) != Known::Here {
            return Ok(None);
        }
        let at = self.repository.snapshot(transfer.commit).join(path);
        if !at.is_file() {
            transfer.bring(&self.remote(transfer, path).await?).await?;
        }
        fs::read(&at).map(Some).map_err(|error| unwritten(&at, &error))
    }

    async fn remote(&self, transfer: &Transfer<'_>, path: &str) -> Result<Remote, BackendError> {
        let ask = || self.wire.remote(transfer.name, transfer.commit, path);
        retry(&transfer.retry, ask).await
    }

    /// What is not here, the graph and its weights last.
    async fn remotes(
        &self,
        transfer: &Transfer<'_>,
        plan: &Plan,
    ) -> Result<Vec<Remote>, BackendError> {
        let mut remotes = Vec::new();
        for path in plan.small.iter().chain([&plan.graph]).chain(&plan.weights) {
            if self.repository.known(transfer.commit, path) != Known::Here {
                remotes.push(self.remote(transfer, path).await?);
            }
        }
        Ok(remotes)
    }

    fn begun(&self, commit: &str, remotes: &[Remote]) -> FetchEvent {
        let length = |path: std::path::PathBuf| fs::metadata(path).map_or(0, |data| data.len());
        let here = |remote: &Remote| {
            let kept = length(self.repository.blob(&remote.hash));
            kept.max(length(self.repository.incomplete(&remote.hash))).min(remote.size)
        };
        FetchEvent::Begun {
            model: self.typed.to_string(),
            commit: commit.to_owned(),
            endpoint: self.options.endpoint.clone(),
            bytes: remotes.iter().map(|remote| remote.size).sum(),
            here: remotes.iter().map(here).sum(),
        }
    }

    fn remember(&self, wanted: &HubModel, commit: &str, plan: &Plan) -> io::Result<()> {
        for path in &plan.absent {
            self.repository.set_absent(commit, path)?;
        }
        self.repository.set_commit(wanted.revision(), commit)
    }

    fn unplanned(&self, why: &Unplanned, found: &Revision) -> Failure {
        match why {
            Unplanned::NoTokenizer => refusal::no_tokenizer(self.typed),
            Unplanned::NoGraph | Unplanned::Unknown => {
                let graphs = found.files().filter(|path| path.ends_with(".onnx"));
                refusal::no_graph(self.typed, &graphs.collect::<Vec<_>>())
            }
        }
    }
}

fn useful(model: &HubModel, config: &[u8], purpose: Purpose) -> Result<(), Failure> {
    match kind::objection(config, purpose) {
        Some((why, hint)) => Err(Failure::config(format!("{model} {why}")).hint(hint)),
        None => Ok(()),
    }
}
