//! The versions of a collection on a server: how they are found, made and removed.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    AliasDescription, CollectionConfig, CreateAlias, CreateCollection, CreateFieldIndexCollection,
    FieldType, Value,
};

use super::link::{or_exists, or_missing};
use super::{ServerStore, wire};
use crate::error::{BackendError, Fault};
use crate::store::{INDEXED_FIELDS, version_in, version_of};
use crate::types::Manifest;

/// Key of a collection's metadata under which the manifest is.
const MANIFEST: &str = "docent";

/// The same of the number of the version and of the name before it, which tell a reader what the alias
/// names in the one request that asks for the manifest. Collections that were made before have none.
const VERSION: &str = "docent_version";
const BASE: &str = "docent_base";

/// The version that an alias names.
pub(super) struct InUse {
    /// What its name begins with.
    pub(super) base: String,
    pub(super) number: u32,
    pub(super) manifest: Manifest,
}

impl ServerStore {
    /// Of a collection, or of what an alias names; `None` where there is none.
    pub(super) async fn config(
        &self,
        name: &str,
    ) -> Result<Option<CollectionConfig>, BackendError> {
        let info = self.link.ask(|client| async move { client.collection_info(name).await }).await;
        let Some(info) = or_missing(info)? else { return Ok(None) };
        Ok(Some(info.result.and_then(|info| info.config).unwrap_or_default()))
    }

    /// The version in use.
    pub(super) async fn current(&self) -> Result<Option<InUse>, BackendError> {
        let Some(config) = self.config(&self.name).await? else { return Ok(None) };
        let number = config.metadata.get(VERSION).and_then(Value::as_integer);
        let number = number.and_then(|number| u32::try_from(number).ok());
        let base = config.metadata.get(BASE).and_then(Value::as_str).cloned();
        if let (Some(number), Some(base)) = (number, base) {
            let manifest = self.manifest_in(config).await?;
            return Ok(Some(InUse { base, number, manifest }));
        }
        let Some((base, number)) = self.aliased().await? else {
            return Err(self.foreign().await);
        };
        let physical = format!("{base}@v{number}");
        let Some(config) = self.config(&physical).await? else { return Ok(None) };
        let manifest = self.manifest_in(config).await?;
        Ok(Some(InUse { base, number, manifest }))
    }

    /// The manifest that a collection was made with.
    pub(super) async fn manifest_in(
        &self,
        mut config: CollectionConfig,
    ) -> Result<Manifest, BackendError> {
        let Some(stored) = config.metadata.remove(MANIFEST) else {
            return Err(self.foreign().await);
        };
        wire::to_json(stored)
            .and_then(|json| {
                serde_json::from_value(json).map_err(|e| format!("the manifest can't be read: {e}"))
            })
            .map_err(|why| self.unreadable(&why))
    }

    /// What is there is none of docent's, unless the server is too old to say.
    pub(super) async fn foreign(&self) -> BackendError {
        if let Err(error) = self.health().await {
            return error;
        }
        let message = format!("collection {:?} exists, and was not made by docent", self.name);
        self.error(Fault::Permanent, &message)
    }

    pub(super) fn unreadable(&self, why: &str) -> BackendError {
        self.error(Fault::Permanent, &format!("in collection {:?}: {why}", self.name))
    }

    pub(super) fn error(&self, fault: Fault, message: &str) -> BackendError {
        self.link.error(fault, message)
    }

    /// The version behind the alias: what its name begins with, and its number.
    pub(super) async fn aliased(&self) -> Result<Option<(String, u32)>, BackendError> {
        let mut aliases = self.aliases().await?.into_iter();
        let alias = aliases.find(|alias| alias.alias_name == self.name);
        Ok(alias.and_then(|alias| version_in(&alias.collection_name)))
    }

    async fn aliases(&self) -> Result<Vec<AliasDescription>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_aliases().await }).await?;
        Ok(listed.aliases)
    }

    /// All versions, also those that no alias names.
    async fn versions(&self) -> Result<Vec<u32>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_collections().await }).await?;
        Ok(listed.collections.iter().filter_map(|c| version_of(&c.name, &self.base)).collect())
    }

    /// The highest number of those that are there; 0 where none is.
    pub(super) async fn highest(&self) -> Result<u32, BackendError> {
        Ok(self.versions().await?.into_iter().max().unwrap_or(0))
    }

    /// The name of a version.
    pub(super) fn version(&self, number: u32) -> String {
        format!("{}@v{number}", self.base)
    }

    /// Makes a version the collection. In place of another this is one change too: an alias that is
    /// created again names the new collection from then on.
    pub(super) async fn point_to(&self, physical: &str) -> Result<(), BackendError> {
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

    /// Removes versions that no alias names: unfinished ones, and former ones. None where the
    /// collection itself has none: it may have lost its name, and what is in it may be wanted. What
    /// another tool gave such a name stays.
    pub(super) async fn remove_leftovers(&self) -> Result<(), BackendError> {
        let aliases = self.aliases().await?;
        if !aliases.iter().any(|alias| alias.alias_name == self.name) {
            return Ok(());
        }
        for version in self.versions().await?.into_iter().map(|number| self.version(number)) {
            if !aliases.iter().any(|alias| alias.collection_name == version) {
                self.delete_physical(&version).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn create_physical(
        &self,
        number: u32,
        manifest: &Manifest,
    ) -> Result<(), BackendError> {
        let name = self.version(number);
        let mut metadata = self.metadata(manifest)?;
        metadata.insert(VERSION.to_owned(), i64::from(number).into());
        metadata.insert(BASE.to_owned(), self.base.clone().into());
        let request = CreateCollection {
            collection_name: name.clone(),
            vectors_config: Some(wire::vectors_config(manifest.embedder.dimensions)),
            sparse_vectors_config: Some(wire::sparse_config()),
            hnsw_config: Some(wire::graph_config()),
            shard_number: self.layout.shard_number,
            replication_factor: self.layout.replication_factor,
            metadata,
            ..CreateCollection::default()
        };
        self.link
            .ask(|client| {
                let request = request.clone();
                async move { or_exists(client.create_collection(request).await) }
            })
            .await?;
        for field in INDEXED_FIELDS {
            let request = CreateFieldIndexCollection {
                collection_name: name.clone(),
                wait: Some(true),
                field_name: field.to_owned(),
                field_type: Some(FieldType::Keyword.into()),
                ..CreateFieldIndexCollection::default()
            };
            self.link
                .ask(|client| {
                    let request = request.clone();
                    async move { client.create_field_index(request).await }
                })
                .await?;
        }
        Ok(())
    }

    pub(super) fn metadata(
        &self,
        manifest: &Manifest,
    ) -> Result<HashMap<String, Value>, BackendError> {
        let json = serde_json::to_value(manifest)
            .map_err(|error| self.error(Fault::Permanent, &error.to_string()))?;
        Ok(HashMap::from([(MANIFEST.to_owned(), wire::to_value(json))]))
    }

    /// Removes a version with everything in it, where docent made it: whether it did. Nothing to
    /// remove is success.
    pub(super) async fn delete_physical(&self, name: &str) -> Result<bool, BackendError> {
        let Some(config) = self.config(name).await? else { return Ok(true) };
        if !config.metadata.contains_key(MANIFEST) {
            return Ok(false);
        }
        let deleted =
            self.link.ask(|client| async move { client.delete_collection(name).await }).await;
        or_missing(deleted).map(|_| true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::Collection;
    use crate::store::contract;

    /// On a real server; `store::scripted::versions` has the same on a scripted one.
    #[tokio::test]
    async fn what_another_tool_gave_such_a_name_stays() {
        let Some(store) = contract::on_server() else { return };
        let foreign = store.version(3);
        let created = store.link.ask(|client| {
            let request = CreateCollection {
                collection_name: foreign.clone(),
                vectors_config: Some(wire::vectors_config(4)),
                ..CreateCollection::default()
            };
            async move { client.create_collection(request).await }
        });
        created.await.unwrap();
        contract::filled(&store).await.close().await.unwrap();
        let writer = store.write().await.unwrap();
        let successor = writer.successor().await.unwrap();
        successor.create(&contract::manifest()).await.unwrap();
        successor.publish().await.unwrap();
        let mut versions = store.versions().await.unwrap();
        versions.sort_unstable();
        assert_eq!(versions, [3, 5]);
        writer.close().await.unwrap();
        contract::remove(&store).await;
        assert_eq!(store.versions().await.unwrap(), [3]);
        assert_eq!(store.delete_physical(&foreign).await, Ok(false));
        let deleted = store.link.ask(|client| {
            let foreign = foreign.clone();
            async move { client.delete_collection(foreign).await }
        });
        deleted.await.unwrap();
    }
}
