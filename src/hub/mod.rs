//! Models by name: what a Hugging Face hub has of a repository, fetched once into the cache that the
//! whole ecosystem shares.
//!
//! [`Hub::obtain`] is asked for a model and answers with a directory. `cache` knows the layout on disk,
//! `plan` which files of a repository a text encoder is made of, `kind` which of them run here, `wire`
//! the protocol, `transfer` how one file comes over: locked, resumed, checked against the hash that the
//! hub has of it. A file has its name in the cache only when it is whole.
//!
//! What is in the cache is taken without asking anybody: a branch that has moved does not change what a
//! collection was built with. [`Hub::fetch`] looks again.
//!
//! It is docent's own client: the crate `hf-hub` would bring 58 crates more (1.0, with a C build), or a second
//! HTTP stack (0.5), and checks no file against its hash.

mod cache;
mod fetch;
mod kind;
mod plan;
mod refusal;
mod transfer;
mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Failure;
use crate::retry::RetryPolicy;
use crate::types::HubModel;

pub use cache::{Cached, Snapshot};
pub use kind::Purpose;

/// How a hub is asked, and where its models are kept.
#[derive(Clone)]
pub struct HubOptions {
    /// `https://huggingface.co`, without a slash at the end.
    pub endpoint: String,
    /// Sent to that host only.
    pub token: Option<String>,
    /// `~/.cache/huggingface/hub`; `None` where the user has no home.
    pub cache: Option<PathBuf>,
    /// Nothing is asked of anybody, and why.
    pub forbidden: Option<Forbidden>,
    pub retry: RetryPolicy,
    pub on_event: OnFetch,
}

/// Why nothing is fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Forbidden {
    /// By the name that it was set by: `--no-download`.
    Setting(String),
    /// Who runs looks only, such as "a dry run".
    Looking(&'static str),
}

/// Hears how a fetch goes on.
pub type OnFetch = Arc<dyn Fn(&FetchEvent) + Send + Sync>;

/// What happens while a model is fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchEvent {
    /// It is known what there is to fetch. In bytes: all of it, and what of it is here already.
    Begun { model: String, commit: String, endpoint: String, bytes: u64, here: u64 },
    /// Somebody else fetches a file of it now.
    Waiting,
    /// So many bytes more are here.
    Received { bytes: u64 },
    /// So many bytes are no good, and are fetched again.
    Discarded { bytes: u64 },
    /// It is here whole.
    Done,
}

/// A model that is not here, or not all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MissingModel {
    /// 40 hexadecimal digits.
    pub commit: String,
    /// What there is to fetch.
    pub bytes: u64,
    pub endpoint: String,
}

/// A model that is here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldModel {
    /// Laid out as the repository is.
    pub dir: PathBuf,
    /// The graph, from there.
    pub graph: String,
    /// 40 hexadecimal digits.
    pub commit: String,
}

/// See [`Hub::obtain`].
#[derive(Clone)]
pub struct Hub(Arc<HubOptions>);

/// There are no models, and none is fetched.
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

    /// Where models are kept.
    ///
    /// # Errors
    /// Where nothing says where that is.
    pub fn cache(&self) -> Result<cache::Cache, Failure> {
        let dir = self.0.cache.clone().ok_or_else(|| {
            Failure::config(
                "there is no place for models: neither HF_HOME nor a home directory is set",
            )
            .hint("set HF_HOME to a directory that is yours")
        })?;
        Ok(cache::Cache::new(dir))
    }

    /// The model that is called so, from the cache, or fetched where that is allowed. `commit` is the one
    /// that a collection was built with: taken where the name says no revision.
    ///
    /// # Errors
    /// There is none, it may not be fetched, or it can't be used for `purpose`.
    pub async fn obtain(
        &self,
        model: &HubModel,
        commit: Option<&str>,
        purpose: Purpose,
    ) -> Result<HeldModel, Failure> {
        let wanted = pinned(model, commit);
        if let Some(held) = self.cached(&wanted, purpose)? {
            return Ok(held);
        }
        self.fetch_as(model, &wanted, purpose).await
    }

    /// Asks the hub which commit the name means now, and fetches what is not here of it. Where that is forbidden,
    /// it is what is here.
    ///
    /// # Errors
    /// As [`Self::obtain`].
    pub async fn fetch(&self, model: &HubModel, purpose: Purpose) -> Result<HeldModel, Failure> {
        if self.0.forbidden.is_some() {
            return self.obtain(model, None, purpose).await;
        }
        self.fetch_as(model, model, purpose).await
    }

    /// What would be fetched by [`Self::obtain`]; `None`: nothing. The hub is asked, and nothing is kept of what
    /// it says.
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

    /// The model that is called so, where it is here whole. Nobody is asked.
    ///
    /// # Errors
    /// It is here, and can't be used for `purpose`.
    pub fn cached(&self, model: &HubModel, purpose: Purpose) -> Result<Option<HeldModel>, Failure> {
        let repository = self.cache()?.repository(&model.repository);
        let Some(commit) = repository.commit(model.revision()) else { return Ok(None) };
        fetch::held(&repository, model, &commit, purpose)
    }

    /// What forbids to fetch anything, if something does.
    pub fn forbidden(&self) -> Option<&Forbidden> {
        self.0.forbidden.as_ref()
    }

    /// The same for one who looks only, such as "a dry run": it fetches nothing.
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
    ) -> Result<HeldModel, Failure> {
        self.may_ask(typed, wanted)?;
        fetch::fetch(&self.0, &self.cache()?, typed, wanted, purpose).await
    }

    fn may_ask(&self, typed: &HubModel, wanted: &HubModel) -> Result<(), Failure> {
        let Some(forbidden) = &self.0.forbidden else { return Ok(()) };
        let repository = self.cache()?.repository(&wanted.repository);
        let commit = repository.commit(wanted.revision());
        let part = commit.map(|commit| repository.snapshot(&commit)).filter(|dir| dir.is_dir());
        Err(refusal::forbidden(typed, wanted, forbidden, part.as_deref()))
    }
}

/// The model at the commit, unless its name says a revision.
fn pinned(model: &HubModel, commit: Option<&str>) -> HubModel {
    let revision = model.revision.clone().or_else(|| commit.map(str::to_owned));
    HubModel { revision, ..model.clone() }
}

/// Whether it is a whole commit id, and not a branch or a tag.
fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}
