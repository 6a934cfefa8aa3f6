//! Models by name: the files of a Hugging Face repository, fetched once into the cache that all Hugging
//! Face tools share.
//!
//! [`Hub::obtain`] takes a model's name and returns a directory. `cache` knows the layout on disk, `plan`
//! which files of a repository a text encoder consists of, `kind` which of them run here, `wire` the
//! protocol, `transfer` how one file is fetched: locked, resumed, and checked against the hub's hash. A
//! file gets its name in the cache only when it is complete.
//!
//! Cached files are used without asking the hub, so a branch that has moved does not change what a
//! collection was built with. [`Hub::fetch`] asks the hub again.
//!
//! The client is docent's own: the crate `hf-hub` would bring 58 crates more (1.0, with a C build), or a
//! second HTTP stack (0.5), and checks no file against its hash.

mod cache;
mod fetch;
mod kind;
mod plan;
mod refusal;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Failure;
use crate::retry::RetryPolicy;
use crate::types::HubModel;

pub use cache::{CacheContents, Cached, Snapshot, model_of_file};
pub use kind::Purpose;

use refusal::PartialModel;

/// How a hub is asked, and where its models are kept.
#[derive(Clone)]
pub struct HubOptions {
    /// `https://huggingface.co`, without a slash at the end.
    pub endpoint: String,
    /// Sent to the endpoint's host only.
    pub token: Option<String>,
    /// `~/.cache/huggingface/hub`; `None` if the user has no home directory.
    pub cache: Option<PathBuf>,
    /// Set if no request may be made, with the reason.
    pub forbidden: Option<Forbidden>,
    pub retry: RetryPolicy,
    pub on_event: OnFetch,
}

/// Why nothing is fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forbidden {
    /// A setting, by the name it was set by: `--no-download`.
    Setting(String),
    /// The command only looks, such as "a dry run".
    Looking(&'static str),
}

/// Receives the progress of a fetch.
pub type OnFetch = Arc<dyn Fn(&FetchEvent) + Send + Sync>;

/// Progress of a fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchEvent {
    /// The files to fetch are known. `bytes` is their total, `here` what is already in the cache.
    Begun { model: String, commit: String, endpoint: String, bytes: u64, here: u64 },
    /// Another process is fetching a file of the model.
    Waiting,
    /// This many more bytes have arrived.
    Received { bytes: u64 },
    /// This many bytes were wrong, and are fetched again.
    Discarded { bytes: u64 },
    /// The model is complete.
    Done,
}

/// A model that is not in the cache, or not completely.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingModel {
    /// 40 hexadecimal digits.
    pub commit: String,
    /// Bytes to fetch.
    pub bytes: u64,
    pub endpoint: String,
}

/// A model in the cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalModel {
    /// Laid out as the repository is.
    pub dir: PathBuf,
    /// Path of the graph, relative to `dir`.
    pub graph: String,
    /// 40 hexadecimal digits.
    pub commit: String,
}

/// See [`Hub::obtain`].
#[derive(Clone)]
pub struct Hub(Arc<HubOptions>);

/// A hub without models that fetches nothing.
impl Default for Hub {
    fn default() -> Self {
        Self::new(HubOptions {
            endpoint: String::new(),
            token: None,
            cache: None,
            forbidden: Some(Forbidden::Looking("this program")),
            retry: RetryPolicy::default(),
            on_event: Arc::new(|_| ()),
        })
    }
}

impl Hub {
    pub fn new(options: HubOptions) -> Self {
        Self(Arc::new(options))
    }

    /// The cache directory.
    ///
    /// # Errors
    /// Neither `HF_HOME` nor a home directory is set.
    pub fn cache(&self) -> Result<cache::Cache, Failure> {
        let dir = self.0.cache.clone().ok_or_else(|| {
            Failure::config(
                "there is no directory for models: neither HF_HOME nor a home directory is set",
            )
            .hint("set HF_HOME to a directory that you can write to")
        })?;
        Ok(cache::Cache::new(dir))
    }

    /// The model with this name, from the cache, or fetched if that is allowed. `commit` is the one that a
    /// collection was built with; it is used if the name has no revision.
    ///
    /// # Errors
    /// There is no such model, it may not be fetched, or it cannot be used for `purpose`.
    pub async fn obtain(
        &self,
        model: &HubModel,
        commit: Option<&str>,
        purpose: Purpose,
    ) -> Result<LocalModel, Failure> {
        let wanted = pinned(model, commit);
        if let Some(held) = self.cached(&wanted, purpose)? {
            return Ok(held);
        }
        self.fetch_as(model, &wanted, purpose).await
    }

    /// Asks the hub which commit the name points to now, and fetches what is missing of it. If fetching is
    /// forbidden, returns what is in the cache.
    ///
    /// # Errors
    /// As [`Self::obtain`].
    pub async fn fetch(&self, model: &HubModel, purpose: Purpose) -> Result<LocalModel, Failure> {
        if self.0.forbidden.is_some() {
            return self.obtain(model, None, purpose).await;
        }
        self.fetch_as(model, model, purpose).await
    }

    /// What [`Self::obtain`] would fetch; `None`: nothing. The hub is asked, and its response is not
    /// stored.
    ///
    /// # Errors
    /// As [`Self::obtain`].
    pub async fn missing(
        &self,
        model: &HubModel,
        commit: Option<&str>,
        purpose: Purpose,
    ) -> Result<Option<MissingModel>, Failure> {
        let wanted = pinned(model, commit);
        if self.cached(&wanted, purpose)?.is_some() {
            return Ok(None);
        }
        self.may_ask(model, &wanted)?;
        fetch::look(&self.0, &self.cache()?, model, &wanted, purpose).await.map(Some)
    }

    /// The model with this name if it is in the cache completely. The hub is not asked.
    ///
    /// # Errors
    /// The model is in the cache, and cannot be used for `purpose`.
    pub fn cached(
        &self,
        model: &HubModel,
        purpose: Purpose,
    ) -> Result<Option<LocalModel>, Failure> {
        let repository = self.cache()?.repository(&model.repository);
        let Some(commit) = repository.commit(model.revision()) else { return Ok(None) };
        fetch::find_cached(&repository, model, &commit, purpose)
    }

    /// What forbids fetching, if anything does.
    pub fn forbidden(&self) -> Option<&Forbidden> {
        self.0.forbidden.as_ref()
    }

    /// The same hub for a command that only looks, such as "a dry run": it fetches nothing.
    #[must_use]
    pub fn looking(&self, who: &'static str) -> Self {
        let mut options = HubOptions::clone(&self.0);
        options.forbidden.get_or_insert(Forbidden::Looking(who));
        Self::new(options)
    }

    async fn fetch_as(
        &self,
        typed: &HubModel,
        wanted: &HubModel,
        purpose: Purpose,
    ) -> Result<LocalModel, Failure> {
        self.may_ask(typed, wanted)?;
        fetch::fetch(&self.0, &self.cache()?, typed, wanted, purpose).await
    }

    fn may_ask(&self, typed: &HubModel, wanted: &HubModel) -> Result<(), Failure> {
        let Some(forbidden) = &self.0.forbidden else { return Ok(()) };
        let repository = self.cache()?.repository(&wanted.repository);
        let commit = repository.commit(wanted.revision());
        let part = commit.map(|commit| repository.snapshot(&commit)).filter(|dir| dir.is_dir());
        let part = part.map(|dir| PartialModel { has_graph: has_graph(&dir), dir });
        Err(refusal::forbidden(typed, wanted, forbidden, part.as_ref()))
    }
}

/// Whether the directory has an ONNX file, there or in `onnx`, where most repositories have theirs.
fn has_graph(dir: &Path) -> bool {
    let files =
        [dir.to_owned(), dir.join("onnx")].into_iter().filter_map(|dir| dir.read_dir().ok());
    files.flatten().flatten().any(|file| {
        // A link into the cache whose file is not there is not a graph.
        file.file_name().to_str().is_some_and(HubModel::is_graph) && file.path().is_file()
    })
}

/// The model at the commit, unless its name has a revision.
fn pinned(model: &HubModel, commit: Option<&str>) -> HubModel {
    let revision = model.revision.clone().or_else(|| commit.map(str::to_owned));
    HubModel { revision, ..model.clone() }
}

/// Whether this is a full commit id, and not a branch or a tag.
fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}
