//! What there is on a server under the name of a collection.
//!
//! The name is an alias onto a version `NAME@vN`. What else may have it: a collection of another
//! program, or an alias onto one; a version that was recovered from a snapshot under the plain name,
//! which no alias can have then; another name that somebody gave a collection of docent's. And versions
//! may be there while nothing has the name, since a snapshot has no aliases. None of these is changed
//! or removed by who only looked for a collection of that name.

use qdrant_client::qdrant::{AliasDescription, CollectionConfig, CountPoints, Value};

use super::ServerStore;
use super::collection::{PENDING, PHYSICAL, VERSION, is_of_docent};
use super::link::or_missing;
use crate::error::{BackendError, Fault, shell_word};
use crate::store::{Adopted, version_in};
use crate::types::Manifest;

/// A version by its number, and by the name of its physical collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Version {
    /// What its name begins with.
    pub(super) base: String,
    pub(super) number: u32,
    /// `None` where it is `NAME@vN`.
    pub(super) called: Option<String>,
}

impl Version {
    fn numbered(base: &str, number: u32) -> Self {
        Self { base: base.to_owned(), number, called: None }
    }

    fn called(name: &str, number: Option<u32>) -> Self {
        let called = Some(name.to_owned());
        Self { base: name.to_owned(), number: number.unwrap_or(1), called }
    }

    /// The name of the physical collection.
    pub(super) fn physical(&self) -> String {
        let Self { base, number, called } = self;
        called.clone().unwrap_or_else(|| format!("{base}@v{number}"))
    }
}

impl ServerStore {
    /// The version in use, for a reader, with its manifest.
    pub(super) async fn current(&self) -> Result<Option<(Version, Manifest)>, BackendError> {
        let Some(config) = self.config(&self.name).await? else {
            return match self.without_name().await {
                // Who may not list collections is not told of those that have lost their names.
                Err(error) if error.fault == Fault::Unauthorized => Ok(None),
                Err(error) => Err(error),
                Ok(versions) if versions.is_empty() => Ok(None),
                Ok(versions) => Err(self.lost_name(&versions)),
            };
        };
        let manifest = self.manifest_in(config.clone()).await?;
        let number = number_in(&config);
        let physical = config.metadata.get(PHYSICAL).and_then(Value::as_str);
        Ok(Some(match (number, physical) {
            (Some(number), Some(name)) if *name == format!("{}@v{number}", self.name) => {
                (Version::numbered(&self.name, number), manifest)
            }
            (number, Some(name)) if *name == self.name => (Version::called(name, number), manifest),
            // Made before that was noted, or recovered under another name.
            (number, _) => {
                let version = self.called_so(number).await?;
                let Some(config) = self.config(&version.physical()).await? else {
                    return Ok(None);
                };
                (version, self.manifest_in(config).await?)
            }
        }))
    }

    /// The version that has the name, as far as aliases tell: it is one of docent's.
    async fn called_so(&self, number: Option<u32>) -> Result<Version, BackendError> {
        let alias = match (self.alias().await, number) {
            // A token for one collection may not ask for aliases.
            (Err(error), Some(number)) if error.fault == Fault::Unauthorized => {
                return Ok(Version::numbered(&self.name, number));
            }
            (alias, _) => alias?,
        };
        Ok(match alias {
            Some(physical) => match version_in(&physical) {
                Some((base, number)) => Version::numbered(&base, number),
                None => Version::called(&physical, number),
            },
            None => Version::called(&self.name, number),
        })
    }

    /// The version in use, for a writer. Anything else is refused here, before any work.
    pub(super) async fn to_write(&self) -> Result<Option<Version>, BackendError> {
        let Some(config) = self.config(&self.name).await? else {
            let versions = self.without_name().await?;
            return if versions.is_empty() { Ok(None) } else { Err(self.lost_name(&versions)) };
        };
        if !is_of_docent(&config) {
            return Err(self.foreign().await);
        }
        self.called_so(number_in(&config)).await.map(Some)
    }

    /// What the name is an alias of.
    pub(super) async fn alias(&self) -> Result<Option<String>, BackendError> {
        let mut aliases = self.aliases().await?.into_iter();
        let alias = aliases.find(|alias| alias.alias_name == self.name);
        Ok(alias.map(|alias| alias.collection_name))
    }

    pub(super) async fn aliases(&self) -> Result<Vec<AliasDescription>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_aliases().await }).await?;
        Ok(listed.aliases)
    }

    /// Versions of docent's with something in them, while nothing has the name: the newest last. One
    /// that is empty was left by a run that was cut off before it gave it the name, and one that is
    /// pending is being filled.
    async fn without_name(&self) -> Result<Vec<u32>, BackendError> {
        let mut versions = self.versions().await?;
        versions.sort_unstable();
        let mut found = Vec::new();
        for number in versions {
            let name = self.version(number);
            let config = self.config(&name).await?;
            if config.is_some_and(|config| is_of_docent(&config) && !is_pending(&config))
                && self.points_in(&name).await? > 0
            {
                found.push(number);
            }
        }
        Ok(found)
    }

    pub(super) async fn points_in(&self, physical: &str) -> Result<u64, BackendError> {
        let request = CountPoints {
            collection_name: physical.to_owned(),
            exact: Some(true),
            ..CountPoints::default()
        };
        let counted = self.link.ask(|client| {
            let request = request.clone();
            async move { client.count(request).await }
        });
        let counted = or_missing(counted.await)?.and_then(|answer| answer.result);
        Ok(counted.map_or(0, |result| result.count))
    }

    fn lost_name(&self, versions: &[u32]) -> BackendError {
        let names: Vec<String> = versions.iter().map(|number| self.version(*number)).collect();
        let message = format!(
            "{} is docent's, and nothing is named {:?}: it was recovered from a snapshot, or its alias was removed. Give it the name: docent index adopt --collection {}",
            names.join(", "),
            self.name,
            shell_word(&self.name)
        );
        self.error(Fault::Taken, &message)
    }

    /// Why a reader has lost its version: another took its place, or it never had that name.
    pub(super) async fn gone(&self) -> BackendError {
        if let (Ok(Some(config)), Ok(None)) = (self.config(&self.name).await, self.alias().await)
            && is_of_docent(&config)
        {
            let message = format!(
                "collection {:?} was recovered from a snapshot under this name, and has to be taken up first: docent index adopt --collection {}",
                self.name,
                shell_word(&self.name)
            );
            return self.error(Fault::Taken, &message);
        }
        self.error(Fault::Replaced, &crate::store::rebuilt(&self.name))
    }

    /// Takes up what is docent's and has the name, or had it: the newest version gets its name again,
    /// what was recovered under the plain name says so from then on. `change` may change its manifest,
    /// and may refuse. Nothing is removed.
    ///
    /// # Errors
    /// Where there is none, it is of another program, or the server fails.
    pub async fn adopt<E: From<BackendError>>(
        &self,
        change: impl FnOnce(&mut Manifest) -> Result<(), E>,
    ) -> Result<Adopted, E> {
        let held = self.lease().acquire(&self.terms).await?;
        let adopted = self.adopt_as_writer(change).await;
        held.give_back().await?;
        adopted
    }

    async fn adopt_as_writer<E: From<BackendError>>(
        &self,
        change: impl FnOnce(&mut Manifest) -> Result<(), E>,
    ) -> Result<Adopted, E> {
        let named = self.config(&self.name).await?.is_none();
        let version = if named {
            let newest = self.without_name().await?.pop();
            newest.map(|number| Version::numbered(&self.base, number))
        } else {
            self.to_write().await?
        };
        let Some(version) = version else {
            let message = format!("there is no collection {:?}, nor a version of it", self.name);
            return Err(self.error(Fault::Taken, &message).into());
        };
        let physical = version.physical();
        let config = self.config(&physical).await?.unwrap_or_default();
        let mut manifest = self.manifest_in(config).await?;
        change(&mut manifest)?;
        self.put_metadata(&physical, version.number, &manifest).await?;
        if named {
            self.point_to(&physical, None).await?;
        }
        Ok(Adopted { physical, named, manifest })
    }
}

fn is_pending(config: &CollectionConfig) -> bool {
    config.metadata.get(PENDING).and_then(Value::as_bool).unwrap_or_default()
}

fn number_in(config: &CollectionConfig) -> Option<u32> {
    let number = config.metadata.get(VERSION).and_then(Value::as_integer)?;
    u32::try_from(number).ok()
}
