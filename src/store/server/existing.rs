//! Finds out what a server has under the name of a collection.
//!
//! The name is an alias onto a version `NAME@vN`. The name may also belong to a collection of another
//! program, or to an alias onto one; to a version that was recovered from a snapshot under the plain name,
//! which then can't be an alias; or to another collection of docent, as an additional name. And versions may
//! exist while nothing has the name, since a snapshot has no aliases. Merely looking for a collection of that
//! name never changes or removes any of these.

use std::sync::Arc;

use qdrant_client::qdrant::{
    AliasDescription, CollectionConfig, CollectionInfo, ScrollPoints, Value,
};
use tokio::sync::Mutex;

use super::ServerStore;
use super::collection::{PENDING, PHYSICAL, VERSION, is_of_docent};
use super::description::{VersionDescription, config_in, state_point};
use super::lease::HeldLease;
use super::limited::{KnownLimits, LimitedClient};
use super::link::or_missing;
use super::marks;
use super::points::UpdateWriter;
use crate::error::{BackendError, Fault, shell_word};
use crate::store::{AdoptedVersion, version_in};
use crate::types::Manifest;

/// A version: its number, and the name of its physical collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PhysicalVersion {
    /// Start of its name.
    pub(super) base: String,
    pub(super) number: u32,
    /// The name of the physical collection; `None` where it is `NAME@vN`.
    pub(super) called: Option<String>,
    pub(super) described: VersionDescription,
}

impl PhysicalVersion {
    pub(super) fn numbered(base: &str, number: u32) -> Self {
        let described = VersionDescription::default();
        Self { base: base.to_owned(), number, called: None, described }
    }

    fn called(name: &str, number: Option<u32>) -> Self {
        let (called, described) = (Some(name.to_owned()), VersionDescription::default());
        Self { base: name.to_owned(), number: number.unwrap_or(1), called, described }
    }

    /// From the name of the physical collection.
    fn of(physical: &str, number: Option<u32>) -> Self {
        match version_in(physical) {
            Some((base, number)) => Self::numbered(&base, number),
            None => Self::called(physical, number),
        }
    }

    /// Adds what its description says.
    pub(super) fn by(self, info: &CollectionInfo) -> Self {
        Self { described: VersionDescription::by(info), ..self }
    }

    /// The name of the physical collection.
    pub(super) fn physical(&self) -> String {
        let Self { base, number, called, .. } = self;
        called.clone().unwrap_or_else(|| format!("{base}@v{number}"))
    }
}

impl ServerStore {
    /// The version in use, for a reader, with its manifest.
    pub(super) async fn current(
        &self,
    ) -> Result<Option<(PhysicalVersion, Manifest)>, BackendError> {
        let Some(info) = self.info(&self.name).await? else {
            return match self.without_name().await {
                // A key that may not list collections does not see those that have lost their names.
                Err(error) if error.fault == Fault::Unauthorized => Ok(None),
                Err(error) => Err(error),
                Ok(versions) if versions.is_empty() => Ok(None),
                Ok(versions) => Err(self.lost_name(&versions)),
            };
        };
        let manifest = self.manifest_in(&self.name, &info).await?;
        let config = config_in(&info);
        let number = number_in(&config);
        Ok(Some(match (number, physical_in(&config)) {
            (Some(number), Some(name)) if *name == format!("{}@v{number}", self.name) => {
                (PhysicalVersion::numbered(&self.name, number).by(&info), manifest)
            }
            (number, Some(name)) if *name == self.name => {
                (PhysicalVersion::called(name, number).by(&info), manifest)
            }
            // Made before this was noted, or recovered under another name.
            _ => {
                let version = self.called_so(&info).await?;
                let physical = version.physical();
                let name = self.rights.name_for(&physical, &self.name);
                let Some(info) = self.info(name).await? else {
                    return Ok(None);
                };
                let manifest = self.manifest_in(name, &info).await?;
                (version, manifest)
            }
        }))
    }

    /// The version that has the name, according to the aliases: it is one of docent's.
    async fn called_so(&self, info: &CollectionInfo) -> Result<PhysicalVersion, BackendError> {
        let config = config_in(info);
        let number = number_in(&config);
        let version = match self.alias().await {
            Ok(Some(physical)) => PhysicalVersion::of(&physical, number),
            Ok(None) if !self.rights.are_scoped() => PhysicalVersion::called(&self.name, number),
            Err(error) if error.fault != Fault::Unauthorized => return Err(error),
            // A token sees only aliases of collections that it may read. The version is the one that the
            // collection was written for, unless it was recovered under another name.
            Ok(None) | Err(_) => {
                PhysicalVersion::of(physical_in(&config).unwrap_or(&self.name), number)
            }
        };
        Ok(version.by(info))
    }

    /// The live version, for a writer. Anything else is refused here, before any work.
    pub(super) async fn to_write(&self) -> Result<Option<PhysicalVersion>, BackendError> {
        let Some(info) = self.info(&self.name).await? else {
            let versions = self.without_name().await?;
            return if versions.is_empty() { Ok(None) } else { Err(self.lost_name(&versions)) };
        };
        if !is_of_docent(&config_in(&info)) {
            return Err(self.foreign().await);
        }
        self.called_so(&info).await.map(Some)
    }

    /// Whether the name belongs to another version than this one by now.
    pub(super) async fn has_moved_on(&self, number: u32) -> Result<bool, BackendError> {
        let config = self.config(&self.name).await?;
        Ok(config.and_then(|config| number_in(&config)) != Some(number))
    }

    /// The collection that the alias names.
    pub(super) async fn alias(&self) -> Result<Option<String>, BackendError> {
        let mut aliases = self.aliases().await?.into_iter();
        let alias = aliases.find(|alias| alias.alias_name == self.name);
        Ok(alias.map(|alias| alias.collection_name))
    }

    pub(super) async fn aliases(&self) -> Result<Vec<AliasDescription>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_aliases().await }).await?;
        Ok(listed.aliases)
    }

    /// Versions of docent with content, while nothing has the name: the newest last, after those that were
    /// not live when last known. An empty version was left by a run that was cut off before it gave it the
    /// name, and a pending one is being filled.
    async fn without_name(&self) -> Result<Vec<u32>, BackendError> {
        let mut found = Vec::new();
        for number in self.versions().await? {
            let name = self.version(number);
            let config = self.config(&name).await?;
            let config = config.filter(|config| is_of_docent(config) && !is_pending(config));
            if let Some(config) = config
                && self.has_points(&name).await?
            {
                found.push((marks::rank(&config), number));
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, number)| number).collect())
    }

    pub(super) async fn has_points(&self, physical: &str) -> Result<bool, BackendError> {
        let request = ScrollPoints {
            collection_name: physical.to_owned(),
            limit: Some(1),
            with_payload: Some(false.into()),
            with_vectors: Some(false.into()),
            ..ScrollPoints::default()
        };
        let page = self.link.ask(|client| {
            let request = request.clone();
            async move { client.scroll(request).await }
        });
        Ok(or_missing(page.await)?.is_some_and(|page| !page.result.is_empty()))
    }

    fn lost_name(&self, versions: &[u32]) -> BackendError {
        let names: Vec<String> = versions.iter().map(|number| self.version(*number)).collect();
        let message = format!(
            "{} was made by docent, but nothing is named {:?}: it was recovered from a snapshot, or its alias was removed. To give it the name: docent index adopt --collection {}",
            names.join(", "),
            self.name,
            shell_word(&self.name)
        );
        self.error(Fault::Taken, &message)
    }

    /// Why a reader has lost its version: another one replaced it, or it never had that name.
    pub(super) async fn gone(&self) -> BackendError {
        if let (Ok(Some(config)), Ok(None)) = (self.config(&self.name).await, self.alias().await)
            && is_of_docent(&config)
            && !self.rights.are_scoped()
        {
            let message = format!(
                "collection {:?} was recovered from a snapshot under this name, and has to be adopted first: docent index adopt --collection {}",
                self.name,
                shell_word(&self.name)
            );
            return self.error(Fault::Taken, &message);
        }
        self.error(Fault::Replaced, &crate::store::rebuilt(&self.name))
    }

    /// Adopts what is docent's and has the name, or had it: the newest version gets its name again, and a
    /// version that was recovered under the plain name is marked as such. `change` may change its manifest,
    /// and may refuse. Nothing is removed.
    ///
    /// # Errors
    /// There is no such version, it belongs to another program, or the server fails.
    pub async fn adopt<E: From<BackendError>>(
        &self,
        change: impl FnOnce(&mut Manifest) -> Result<(), E>,
    ) -> Result<AdoptedVersion, E> {
        // Nothing is created beside what is not docent's.
        self.to_adopt().await?;
        let held = self.lease().acquire(&self.terms).await?;
        let lease = Arc::new(Mutex::new(Some(held)));
        let adopted = self.adopt_as_writer(&lease, change).await;
        if let Some(held) = lease.lock().await.take() {
            held.give_back().await?;
        }
        adopted
    }

    /// What has the name, otherwise the newest version that has lost it.
    async fn to_adopt(&self) -> Result<Adoptable, BackendError> {
        let named = self.config(&self.name).await?.is_none();
        let version = if named {
            let newest = self.without_name().await?.pop();
            newest.map(|number| PhysicalVersion::numbered(&self.base, number))
        } else {
            self.to_write().await?
        };
        let version = version.ok_or_else(|| {
            let message = format!("there is no collection {:?}, nor a version of it", self.name);
            self.error(Fault::Taken, &message)
        })?;
        let physical = version.physical();
        let info = self.info(&physical).await?.unwrap_or_default();
        let manifest = self.manifest_in(&physical, &info).await?;
        Ok(Adoptable { named, number: version.number, physical, info, manifest })
    }

    async fn adopt_as_writer<E: From<BackendError>>(
        &self,
        lease: &Arc<Mutex<Option<HeldLease>>>,
        change: impl FnOnce(&mut Manifest) -> Result<(), E>,
    ) -> Result<AdoptedVersion, E> {
        let Adoptable { named, number, physical, info, mut manifest } = self.to_adopt().await?;
        change(&mut manifest)?;
        self.put_metadata(&physical, number, &manifest).await?;
        let described = VersionDescription::by(&info);
        if described.has_state {
            let known = KnownLimits::new(described.limits);
            let kept = LimitedClient::new(self.link.clone(), physical.clone(), known);
            let state = state_point(&physical, &manifest).map_err(|why| self.unreadable(&why))?;
            // The recovered snapshot may come from a later writer than this one.
            if let (Some(held), Some(stored)) =
                (&*lease.lock().await, self.highest_term(&physical, &described).await?)
            {
                held.outrank(stored).await?;
            }
            UpdateWriter { kept, lease: Arc::clone(lease) }.write(vec![state]).await?;
        }
        if named {
            self.point_to(&physical, None).await?;
        }
        Ok(AdoptedVersion { physical, named, manifest })
    }
}

/// What can be adopted.
struct Adoptable {
    /// Whether it has lost its name.
    named: bool,
    number: u32,
    physical: String,
    info: CollectionInfo,
    manifest: Manifest,
}

pub(super) fn is_pending(config: &CollectionConfig) -> bool {
    config.metadata.get(PENDING).and_then(Value::as_bool).unwrap_or_default()
}

fn physical_in(config: &CollectionConfig) -> Option<&str> {
    config.metadata.get(PHYSICAL).and_then(Value::as_str).map(String::as_str)
}

fn number_in(config: &CollectionConfig) -> Option<u32> {
    let number = config.metadata.get(VERSION).and_then(Value::as_integer)?;
    u32::try_from(number).ok()
}
