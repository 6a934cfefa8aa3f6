//! The versions of a collection on a server: creating, naming and removing them.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CreateAlias, UpdateCollection, Value,
};
use uuid::Uuid;

use super::description::config_in;
use super::existing::{PhysicalVersion, is_pending};
use super::layout::{self, Creation};
use super::link::{or_exists, or_missing};
use super::{ServerStore, marks, wire};
use crate::error::{BackendError, Fault};
use crate::store::version_of;
use crate::types::{Manifest, Ownership};

/// Key of the manifest in a collection's metadata.
pub(super) const MANIFEST: &str = "docent";

/// Key of the number of the version. With [`PHYSICAL`] it tells a reader which version the alias names, in
/// the same request that asks for the manifest. Older collections have none.
pub(super) const VERSION: &str = "docent_version";

/// Key of the name of the physical collection that this metadata was written for: a collection that was
/// recovered from a snapshot under another name still has the former name here.
pub(super) const PHYSICAL: &str = "docent_physical";

/// Numbers of other versions that a writer of this one has made or replaced, and that a writer removes.
const BESIDE: &str = "docent_beside";

/// Whether the version is being filled for a name that nothing had: so its name was not lost.
pub(super) const PENDING: &str = "docent_pending";

impl ServerStore {
    /// The configuration of a collection, or of what an alias names; `None` where there is none.
    pub(super) async fn config(
        &self,
        name: &str,
    ) -> Result<Option<CollectionConfig>, BackendError> {
        Ok(self.info(name).await?.map(|info| config_in(&info)))
    }

    /// Fails, before any work, if the key may not create collections.
    pub(super) fn may_make(&self) -> Result<(), BackendError> {
        if !self.rights.are_scoped() {
            return Ok(());
        }
        let why = self.rights.lacking("manage on the whole server is needed to make a collection");
        Err(self.error(Fault::Unauthorized, &why))
    }

    /// The error for an existing collection that is not docent's, unless the server is too old to say.
    pub(super) async fn foreign(&self) -> BackendError {
        if let Err(error) = self.health().await {
            return error;
        }
        let message = format!("collection {:?} exists, and was not made by docent", self.name);
        self.error(Fault::Taken, &message)
    }

    pub(super) fn unreadable(&self, why: &str) -> BackendError {
        self.error(Fault::Permanent, &format!("in collection {:?}: {why}", self.name))
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        self.link.error(fault, message)
    }

    /// All versions, including those that no alias names.
    pub(super) async fn versions(&self) -> Result<Vec<u32>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_collections().await }).await?;
        Ok(listed.collections.iter().filter_map(|c| version_of(&c.name, &self.base)).collect())
    }

    /// The highest number of an existing version; 0 where there is none.
    pub(super) async fn highest(&self) -> Result<u32, BackendError> {
        Ok(self.versions().await?.into_iter().max().unwrap_or(0))
    }

    /// The name of a version.
    pub(super) fn version(&self, number: u32) -> String {
        format!("{}@v{number}", self.base)
    }

    /// Makes a version the collection, in place of `former`. Replacing is a single change, too: creating an
    /// existing alias points it to the new collection. Fails if somebody else has taken the name meanwhile.
    pub(super) async fn point_to(
        &self,
        physical: &str,
        former: Option<&str>,
    ) -> Result<(), BackendError> {
        let named = self.alias().await?;
        if named.as_deref().is_some_and(|named| named != physical && Some(named) != former) {
            return Err(self.foreign().await);
        }
        let alias =
            CreateAlias { collection_name: physical.to_owned(), alias_name: self.name.clone() };
        self.link
            .ask(|client| {
                let alias = alias.clone();
                async move { client.create_alias(alias).await }
            })
            .await
            .map(|_| ())
    }

    /// Removes versions beside the live one that, according to its metadata, one of its writers has made or
    /// replaced: unfinished ones, and former ones that don't stay. Other versions with such names stay,
    /// whoever made them: a recovered snapshot may be wanted. So do versions that somebody has given a name.
    pub(super) async fn remove_leftovers(
        &self,
        version: &PhysicalVersion,
        resumable: Option<Uuid>,
    ) -> Result<(), BackendError> {
        // This needs rights on the whole server.
        if self.rights.are_scoped() {
            return Ok(());
        }
        let physical = version.physical();
        let Some(info) = self.info(&physical).await? else { return Ok(()) };
        let noted = beside(&config_in(&info));
        if noted.is_empty() {
            return Ok(());
        }
        let owner = self.manifest_in(&physical, &info).await?.owner;
        let aliases = self.aliases().await?;
        let mut left = Vec::new();
        for number in &noted {
            let name = self.version(*number);
            if *number == version.number
                || aliases.iter().any(|alias| alias.collection_name == name)
                || self.is_left_by(&name, resumable).await?
            {
                left.push(*number);
            } else if !self.is_kept(&name).await? {
                self.delete_physical(&name, &owner).await?;
            }
        }
        if left == noted { Ok(()) } else { self.note_beside(&physical, &left).await }
    }

    async fn is_left_by(&self, physical: &str, run: Option<Uuid>) -> Result<bool, BackendError> {
        match run {
            Some(run) => Ok(self.left_by(physical, run).await?.is_some()),
            None => Ok(false),
        }
    }

    /// The description of a version that this run has begun to build and not finished; `None` where there is
    /// none.
    pub(super) async fn left_by(
        &self,
        physical: &str,
        run: Uuid,
    ) -> Result<Option<CollectionInfo>, BackendError> {
        let Some(info) = self.info(physical).await? else { return Ok(None) };
        let config = config_in(&info);
        if !is_of_docent(&config) || marks::stays(&config) {
            return Ok(None);
        }
        let unfinished = self.manifest_in(physical, &info).await?.unfinished;
        Ok(unfinished.filter(|left| left.run_id == run).map(|_| info))
    }

    async fn is_kept(&self, physical: &str) -> Result<bool, BackendError> {
        Ok(self.config(physical).await?.is_some_and(|config| marks::stays(&config)))
    }

    /// Removes versions beside this one that a run left before it gave them the name: empty ones, and those
    /// that were filled while nothing had the name. Only the holder of the lease fills versions.
    pub(super) async fn remove_unnamed(
        &self,
        number: u32,
        owner: &Ownership,
    ) -> Result<(), BackendError> {
        let aliases = self.aliases().await?;
        for other in self.versions().await?.into_iter().filter(|other| *other != number) {
            let name = self.version(other);
            let named = aliases.iter().any(|alias| alias.collection_name == name);
            let is_over = self.is_pending(&name).await? || !self.has_points(&name).await?;
            if !named && is_over && !self.is_kept(&name).await? {
                self.delete_physical(&name, owner).await?;
            }
        }
        Ok(())
    }

    async fn is_pending(&self, physical: &str) -> Result<bool, BackendError> {
        Ok(self.config(physical).await?.as_ref().is_some_and(is_pending))
    }

    /// Notes in the metadata of a version which other versions its writer has made or replaced.
    pub(super) async fn note_beside(
        &self,
        physical: &str,
        numbers: &[u32],
    ) -> Result<(), BackendError> {
        let numbers = wire::to_value(numbers.into());
        self.update_metadata(physical, HashMap::from([(BESIDE.to_owned(), numbers)])).await
    }

    /// Replaces the manifest of a version.
    pub(super) async fn put_metadata(
        &self,
        physical: &str,
        number: u32,
        manifest: &Manifest,
    ) -> Result<(), BackendError> {
        self.update_metadata(physical, self.metadata(physical, number, manifest)?).await
    }

    /// Notes that a version is filled, and is about to get its name.
    pub(super) async fn note_filled(&self, physical: &str) -> Result<(), BackendError> {
        self.update_metadata(physical, HashMap::from([(PENDING.to_owned(), false.into())])).await
    }

    /// The server merges it by key with the existing metadata.
    pub(super) async fn update_metadata(
        &self,
        physical: &str,
        metadata: HashMap<String, Value>,
    ) -> Result<(), BackendError> {
        self.update(UpdateCollection {
            collection_name: physical.to_owned(),
            metadata,
            ..UpdateCollection::default()
        })
        .await
    }

    pub(super) async fn update(&self, request: UpdateCollection) -> Result<(), BackendError> {
        let updated = self.link.ask(|client| {
            let request = request.clone();
            async move { client.update_collection(request).await }
        });
        updated.await.map(|_| ())
    }

    /// `replaces`: the number of the version that it is to replace. It inherits that version's layout unless
    /// another was requested.
    pub(super) async fn create_physical(
        &self,
        number: u32,
        manifest: &Manifest,
        replaces: Option<u32>,
        pending: bool,
    ) -> Result<(), BackendError> {
        let name = self.version(number);
        let mut metadata = self.metadata(&name, number, manifest)?;
        if pending {
            metadata.insert(PENDING.to_owned(), true.into());
        }
        if let Some(replaces) = replaces {
            metadata.insert(BESIDE.to_owned(), wire::to_value(vec![replaces].into()));
        }
        let former = match replaces {
            Some(number) => self.info(&self.version(number)).await?,
            None => None,
        };
        let Creation { mut create, afterwards, indexes } =
            layout::creation(&self.layout, manifest.embedder.dimensions, former);
        create.collection_name.clone_from(&name);
        create.metadata.extend(metadata);
        self.link
            .ask(|client| {
                let request = create.clone();
                async move { or_exists(client.create_collection(request).await) }
            })
            .await?;
        if let Some(params) = afterwards {
            self.update(UpdateCollection {
                collection_name: name.clone(),
                params: Some(params),
                ..UpdateCollection::default()
            })
            .await?;
        }
        for mut request in indexes {
            request.collection_name.clone_from(&name);
            self.make_index(&request).await?;
        }
        self.index_terms(&name).await.map(|_| ())
    }

    fn metadata(
        &self,
        physical: &str,
        number: u32,
        manifest: &Manifest,
    ) -> Result<HashMap<String, Value>, BackendError> {
        let json = serde_json::to_value(manifest)
            .map_err(|error| self.error(Fault::Permanent, &error.to_string()))?;
        Ok(HashMap::from([
            (MANIFEST.to_owned(), wire::to_value(json)),
            (VERSION.to_owned(), i64::from(number).into()),
            (PHYSICAL.to_owned(), physical.into()),
        ]))
    }

    /// Removes a version with everything in it, if docent made it for this owner, or before there were
    /// owners; returns whether it did. Nothing to remove is success.
    pub(super) async fn delete_physical(
        &self,
        name: &str,
        owner: &Ownership,
    ) -> Result<bool, BackendError> {
        let Some(info) = self.info(name).await? else { return Ok(true) };
        if !is_of_docent(&config_in(&info))
            || !self.manifest_in(name, &info).await?.owner.may_give_way_to(owner)
        {
            return Ok(false);
        }
        let deleted =
            self.link.ask(|client| async move { client.delete_collection(name).await }).await;
        or_missing(deleted).map(|_| true)
    }
}

/// Whether docent made it.
pub(super) fn is_of_docent(config: &CollectionConfig) -> bool {
    config.metadata.contains_key(MANIFEST)
}

/// Content of [`ServerStore::note_beside`].
fn beside(config: &CollectionConfig) -> Vec<u32> {
    let noted = config.metadata.get(BESIDE).cloned().and_then(|noted| wire::to_json(noted).ok());
    noted.and_then(|noted| serde_json::from_value(noted).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use qdrant_client::qdrant::CreateCollection;

    use super::*;
    use crate::store::Collection;
    use crate::store::contract;

    /// Runs on a real server; `store::scripted::versions` has the same test on a scripted one.
    #[tokio::test]
    async fn a_collection_of_another_tool_with_such_a_name_stays() {
        let Some(store) = contract::on_server() else { return };
        let foreign = store.version(3);
        let created = store.link.ask(|client| {
            let request = CreateCollection {
                collection_name: foreign.clone(),
                vectors_config: Some(wire::named_dense(wire::dense_params(4))),
                ..CreateCollection::default()
            };
            async move { client.create_collection(request).await }
        });
        created.await.unwrap();
        contract::filled(&store).await.close().await.unwrap();
        let writer = store.write().await.unwrap();
        let successor = writer.successor().await.unwrap();
        successor.create(&contract::manifest()).await.unwrap();
        successor.publish(0).await.unwrap();
        let mut versions = store.versions().await.unwrap();
        versions.sort_unstable();
        assert_eq!(versions, [3, 5]);
        writer.close().await.unwrap();
        contract::remove(&store).await;
        assert_eq!(store.versions().await.unwrap(), [3]);
        assert_eq!(store.delete_physical(&foreign, &Ownership::default()).await, Ok(false));
        let deleted = store.link.ask(|client| {
            let foreign = foreign.clone();
            async move { client.delete_collection(foreign).await }
        });
        deleted.await.unwrap();
    }
}
