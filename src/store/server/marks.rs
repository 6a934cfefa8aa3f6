//! Which versions stay on a server beside the live one, and the switch to one of them: see
//! [`crate::store::versions`]. The mark of a version is in its metadata.

use std::collections::HashMap;
use std::sync::Arc;

use qdrant_client::qdrant::CollectionConfig;

use super::collection::is_of_docent;
use super::description::config_in;
use super::existing::PhysicalVersion;
use super::physical::Physical;
use super::{ServerStore, lease, wire};
use crate::error::{BackendError, Fault};
use crate::store::{CollectionReader, FormerVersion, RetentionMark, beyond};
use crate::types::{Manifest, Ownership, VersionEntry, VersionState};

/// Key of the mark in the metadata.
const KEPT: &str = "docent_kept";

fn mark_in(config: &CollectionConfig) -> Option<RetentionMark> {
    let json = wire::to_json(config.metadata.get(KEPT)?.clone()).unwrap_or_default();
    (!json.is_null()).then(|| RetentionMark::read(json.to_string().as_bytes()))
}

/// Whether the version stays beside the live one.
pub(super) fn stays(config: &CollectionConfig) -> bool {
    mark_in(config).is_some()
}

/// See [`RetentionMark::rank`].
pub(super) fn rank(config: &CollectionConfig) -> (u8, u64) {
    RetentionMark::rank(mark_in(config))
}

impl ServerStore {
    /// All versions, by number.
    pub(super) async fn entries(&self) -> Result<Vec<VersionEntry>, BackendError> {
        let Some((live, manifest)) = self.current().await? else { return Ok(Vec::new()) };
        let store = Self { base: live.base.clone(), ..self.clone() };
        let mut entries = store.others(&live).await?;
        entries.push(VersionEntry {
            number: live.number,
            state: VersionState::Live,
            manifest: Some(manifest),
            live_until: None,
        });
        entries.sort_by_key(|entry| entry.number);
        Ok(entries)
    }

    /// Versions of docent beside the live one, as far as the key may see them.
    async fn others(&self, live: &PhysicalVersion) -> Result<Vec<VersionEntry>, BackendError> {
        let numbers = match self.versions().await {
            Err(error) if error.fault == Fault::Unauthorized => Vec::new(),
            numbers => numbers?,
        };
        let mut others = Vec::new();
        for number in numbers.into_iter().filter(|number| *number != live.number) {
            let name = self.version(number);
            let Some(info) = self.info(&name).await? else { continue };
            let config = config_in(&info);
            if !is_of_docent(&config) {
                continue;
            }
            let manifest = match self.manifest_in(&name, &info).await {
                // A damaged manifest of one version must not make all of them fail.
                Err(error) if error.fault == Fault::Permanent => None,
                manifest => Some(manifest?),
            };
            let mark = mark_in(&config);
            let (state, live_until) = (RetentionMark::state(mark), RetentionMark::until(mark));
            others.push(VersionEntry { number, state, manifest, live_until });
        }
        Ok(others)
    }

    /// Versions that have existed, and may still exist, and that a token for some collections can't see.
    pub(super) async fn hidden(&self) -> Result<Vec<u32>, BackendError> {
        if !self.rights.are_scoped() {
            return Ok(Vec::new());
        }
        let Some((live, _)) = self.current().await? else { return Ok(Vec::new()) };
        let store = Self { base: live.base.clone(), ..self.clone() };
        let told = match store.versions().await {
            Err(error) if error.fault == Fault::Unauthorized => Vec::new(),
            numbers => numbers?,
        };
        let highest = store.lease().highest().await?.max(live.number);
        let is_hidden = |number: &u32| *number != live.number && !told.contains(number);
        Ok((1..=highest).filter(is_hidden).collect())
    }

    /// A snapshot of a complete version.
    pub(super) async fn version_reader(
        &self,
        number: u32,
    ) -> Result<Option<CollectionReader>, BackendError> {
        let Some((live, _)) = self.current().await? else { return Ok(None) };
        if live.number == number {
            return self.reader().await;
        }
        let store = Self { base: live.base, ..self.clone() };
        let name = store.version(number);
        let Some(info) = store.info(&name).await? else { return Ok(None) };
        let config = config_in(&info);
        if !is_of_docent(&config) || !stays(&config) {
            return Ok(None);
        }
        let manifest = store.manifest_in(&name, &info).await?;
        let version = PhysicalVersion::numbered(&store.base, number).by(&info);
        let version = Physical::pinned(&store, version, manifest.unfinished.is_some());
        Ok(Some(CollectionReader::new(number, Arc::new(manifest), Arc::new(version))))
    }

    pub(super) async fn put_mark(
        &self,
        physical: &str,
        mark: Option<RetentionMark>,
    ) -> Result<(), BackendError> {
        let mark = serde_json::to_value(mark)
            .map_err(|error| self.error(Fault::Permanent, &error.to_string()))?;
        let metadata = HashMap::from([(KEPT.to_owned(), wire::to_value(mark))]);
        self.update_metadata(physical, metadata).await
    }

    /// Marks the live version as a former one before another gets its name, or clears its mark if it does not
    /// stay.
    pub(super) async fn retire(&self, physical: &str, stays: bool) -> Result<(), BackendError> {
        if stays {
            let mark = RetentionMark::former_from_now(&self.entries().await?);
            return self.put_mark(physical, Some(mark)).await;
        }
        match self.config(physical).await? {
            Some(config) if mark_in(&config).is_some() => self.put_mark(physical, None).await,
            _ => Ok(()),
        }
    }

    /// Removes former versions beyond the last `keep`, and candidates except `spared`.
    async fn prune(&self, keep: usize, spared: u32, owner: &Ownership) -> Result<(), BackendError> {
        let doomed = beyond(&self.entries().await?, keep, Some(spared));
        if doomed.is_empty() {
            return Ok(());
        }
        let aliases = self.aliases().await?;
        for name in doomed.into_iter().map(|number| self.version(number)) {
            if !aliases.iter().any(|alias| alias.collection_name == name) {
                self.delete_physical(&name, owner).await?;
            }
        }
        Ok(())
    }

    /// Removes all versions that stay beside the live one.
    pub(super) async fn remove_kept(&self, owner: &Ownership) -> Result<(), BackendError> {
        if self.rights.are_scoped() {
            return Ok(());
        }
        let kept = self
            .entries()
            .await?
            .into_iter()
            .filter(|entry| entry.state.is_complete() && entry.state != VersionState::Live);
        for entry in kept {
            self.delete_physical(&self.version(entry.number), owner).await?;
        }
        Ok(())
    }

    fn not_ours(&self, number: u32) -> BackendError {
        let message = format!(
            "version {number} of collection {:?} belongs to another project, or was not made by docent",
            self.name
        );
        self.error(Fault::Taken, &message)
    }

    pub(super) fn no_version(&self, number: u32) -> BackendError {
        let message = format!("collection {:?} has no complete version {number}", self.name);
        self.error(Fault::NotFound, &message)
    }
}

impl Physical {
    /// Called after a version was published or set aside. What can't be removed now is removed by the next
    /// writer, or the next time.
    pub(super) async fn tidy_versions(&self, keep: usize) {
        let _ = self.store.remove_leftovers(&self.named(), None).await;
        if let Ok(Some(manifest)) = self.manifest_of(&self.target()).await {
            let _ = self.store.prune(keep, self.number(), &manifest.owner).await;
        }
    }

    /// Keeps the version beside the one that it was to replace.
    pub(super) async fn stay_beside(&self, aside: FormerVersion) -> Result<(), BackendError> {
        if self.replaces().is_none() {
            let message = "there is no live version that this one could stay beside";
            return Err(self.store.error(Fault::Permanent, message));
        }
        if self.store.config(&self.target()).await?.is_none() {
            return Err(self.missing());
        }
        lease::note(&self.right()?.lease, self.number()).await?;
        self.store.put_mark(&self.target(), Some(aside.into())).await
    }

    /// Gives the name to a version that was kept, in place of this one, which is kept from then on.
    pub(super) async fn give_name_to(&self, number: u32) -> Result<(), BackendError> {
        let (store, live) = (&self.store, self.named().physical());
        if number == self.number() {
            return Ok(());
        }
        let entry = store.entries().await?.into_iter().find(|entry| entry.number == number);
        let found = entry.filter(|entry| entry.state.is_complete()).and_then(|it| it.manifest);
        let Some(manifest) = found else { return Err(store.no_version(number)) };
        let own = self.manifest_of(&live).await?.map(|own| own.owner).unwrap_or_default();
        if !manifest.owner.may_give_way_to(&own) {
            return Err(store.not_ours(number));
        }
        let name = store.version(number);
        store.retire(&live, true).await?;
        store.point_to(&name, Some(&live)).await?;
        // It is live, whatever its mark says.
        let _ = store.put_mark(&name, None).await;
        Ok(())
    }

    /// Removes versions that have no name.
    pub(super) async fn remove_numbered(&self, numbers: &[u32]) -> Result<(), BackendError> {
        let store = &self.store;
        let own = self.manifest_of(&self.target()).await?;
        let own = own.map(|own| own.owner).unwrap_or_default();
        let (there, aliases) = (store.versions().await?, store.aliases().await?);
        for &number in numbers {
            let name = store.version(number);
            if number == self.number() {
                let message = format!("version {number} is the collection");
                return Err(store.error(Fault::Permanent, &message));
            }
            if !there.contains(&number) {
                return Err(store.no_version(number));
            }
            if let Some(alias) = aliases.iter().find(|alias| alias.collection_name == name) {
                let message = format!("version {number} also has the name {:?}", alias.alias_name);
                return Err(store.error(Fault::Taken, &message));
            }
            if !store.delete_physical(&name, &own).await? {
                return Err(store.not_ours(number));
            }
        }
        Ok(())
    }

    async fn manifest_of(&self, name: &str) -> Result<Option<Manifest>, BackendError> {
        let Some(info) = self.store.info(name).await? else { return Ok(None) };
        self.store.manifest_in(name, &info).await.map(Some)
    }
}
