//! The physical collection behind a name: how it is found, made and removed.

use std::collections::HashMap;

use qdrant_client::qdrant::{
    CollectionConfig, CreateCollection, CreateFieldIndexCollection, FieldType, Value,
};

use super::{ServerStore, or_missing, wire};
use crate::error::{BackendError, Fault};
use crate::store::{INDEXED_FIELDS, version_of};
use crate::types::Manifest;

/// Key of the collection's metadata under which the manifest is.
pub(super) const MANIFEST: &str = "docent";

impl ServerStore {
    pub(super) async fn config(&self) -> Result<Option<CollectionConfig>, BackendError> {
        let info = self
            .ask(|client| async move { client.collection_info(self.name.as_str()).await })
            .await;
        let Some(info) = or_missing(info)? else { return Ok(None) };
        Ok(Some(info.result.and_then(|info| info.config).unwrap_or_default()))
    }

    /// The physical collection behind the alias.
    pub(super) async fn physical(&self) -> Result<Option<String>, BackendError> {
        let aliases = self.ask(|client| async move { client.list_aliases().await }).await?;
        let mut aliases = aliases.aliases.into_iter();
        Ok(aliases.find(|alias| alias.alias_name == self.name).map(|alias| alias.collection_name))
    }

    pub(super) async fn existing(&self) -> Result<String, BackendError> {
        self.physical().await?.ok_or_else(|| {
            self.error(Fault::NotFound, &format!("there is no collection {:?}", self.name))
        })
    }

    /// A version that nobody has: a creation that was cut off may have left one without an alias.
    pub(super) async fn unused_version(&self) -> Result<String, BackendError> {
        let listed = self.ask(|client| async move { client.list_collections().await }).await?;
        let versions = listed.collections.iter().filter_map(|c| version_of(&c.name, &self.name));
        Ok(format!("{}@v{}", self.name, versions.max().unwrap_or(0) + 1))
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
            shard_number: self.options.shard_number,
            replication_factor: self.options.replication_factor,
            metadata: self.metadata(manifest)?,
            ..CreateCollection::default()
        };
        self.ask(|client| {
            let request = request.clone();
            async move { client.create_collection(request).await }
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
            self.ask(|client| {
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
        let deleted = self.ask(|client| async move { client.delete_collection(name).await }).await;
        or_missing(deleted).map(|_| ())
    }
}
