//! The physical collection behind a name: how it is found, made and removed.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    AliasDescription, CollectionConfig, CreateAlias, CreateCollection, CreateFieldIndexCollection,
    FieldType, Value,
};

use super::link::{or_exists, or_missing};
use super::{ServerStore, wire};
use crate::error::{BackendError, Fault};
use crate::store::{INDEXED_FIELDS, version_of};
use crate::types::Manifest;

/// Key of the collection's metadata under which the manifest is.
pub(super) const MANIFEST: &str = "docent";

impl ServerStore {
    pub(super) async fn config(&self) -> Result<Option<CollectionConfig>, BackendError> {
        let info = self
            .link
            .ask(|client| async move { client.collection_info(self.target.as_str()).await })
            .await;
        let Some(info) = or_missing(info)? else { return Ok(None) };
        Ok(Some(info.result.and_then(|info| info.config).unwrap_or_default()))
    }

    /// The version behind the alias, or the one that a successor fills.
    pub(super) async fn physical(&self) -> Result<Option<String>, BackendError> {
        if self.published.is_some() {
            return Ok(self.config().await?.map(|_| self.target.clone()));
        }
        let mut aliases = self.aliases().await?.into_iter();
        Ok(aliases.find(|alias| alias.alias_name == self.name).map(|alias| alias.collection_name))
    }

    pub(super) async fn existing(&self) -> Result<String, BackendError> {
        self.physical().await?.ok_or_else(|| {
            self.error(Fault::NotFound, &format!("there is no collection {:?}", self.name))
        })
    }

    async fn aliases(&self) -> Result<Vec<AliasDescription>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_aliases().await }).await?;
        Ok(listed.aliases)
    }

    /// All versions, also those that no alias names.
    async fn versions(&self) -> Result<Vec<u32>, BackendError> {
        let listed = self.link.ask(|client| async move { client.list_collections().await }).await?;
        Ok(listed.collections.iter().filter_map(|c| version_of(&c.name, &self.name)).collect())
    }

    /// A version that nobody has.
    pub(super) async fn unused_version(&self) -> Result<String, BackendError> {
        Ok(self.version(self.versions().await?.into_iter().max().unwrap_or(0) + 1))
    }

    fn version(&self, number: u32) -> String {
        format!("{}@v{number}", self.name)
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
    /// collection itself has none: it may have lost its name, and what is in it may be wanted.
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
        name: &str,
        manifest: &Manifest,
    ) -> Result<(), BackendError> {
        let request = CreateCollection {
            collection_name: name.to_owned(),
            vectors_config: Some(wire::vectors_config(manifest.embedder.dimensions)),
            sparse_vectors_config: Some(wire::sparse_config()),
            hnsw_config: Some(wire::graph_config()),
            shard_number: self.layout.shard_number,
            replication_factor: self.layout.replication_factor,
            metadata: self.metadata(manifest)?,
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
                collection_name: name.to_owned(),
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

    pub(super) async fn delete_physical(&self, name: &str) -> Result<(), BackendError> {
        let deleted =
            self.link.ask(|client| async move { client.delete_collection(name).await }).await;
        or_missing(deleted).map(|_| ())
    }
}
