//! What a collection says of itself: the manifest it was made with, and later changes.
//!
//! The manifest is in the metadata of a collection, which only a key that manages the server may change. A
//! writer with a token for some collections keeps the manifest in a point of the collection instead, and
//! creates a payload index on a field that only this point has: so a reader learns of the point from the same
//! request that describes the collection. Where there is such a point, it is the manifest, for everybody.

use std::collections::HashMap;
use std::time::Duration;

use qdrant_client::qdrant::{
    CollectionConfig, CollectionInfo, CreateFieldIndexCollection, Direction, FieldType, GetPoints,
    OrderBy, PointStruct, ScrollPoints, Value,
};
use serde_json::json;
use uuid::Uuid;

use super::collection::MANIFEST;
use super::limits::{StrictLimits, is_over};
use super::link::or_missing;
use super::wire::TERM;
use super::{ServerStore, wire};
use crate::error::{BackendError, Fault};
use crate::store::payload;
use crate::types::Manifest;

/// Field of the point that holds the manifest; its value is the name of the collection.
pub(super) const MANIFEST_OF: &str = "manifest_of";

/// How often a copy that is behind the others is asked again, and after how long.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// What the description of a version says, apart from its manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct VersionDescription {
    pub(super) limits: StrictLimits,
    /// Whether terms are indexed.
    pub(super) has_terms: bool,
    /// Whether its manifest is in a point.
    pub(super) has_state: bool,
}

impl VersionDescription {
    pub(super) fn by(info: &CollectionInfo) -> Self {
        Self {
            limits: StrictLimits::of(info),
            has_terms: info.payload_schema.contains_key(TERM),
            has_state: info.payload_schema.contains_key(MANIFEST_OF),
        }
    }
}

/// The configuration in a description.
pub(super) fn config_in(info: &CollectionInfo) -> CollectionConfig {
    info.config.clone().unwrap_or_default()
}

fn state_id() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, b"docent\0manifest")
}

/// The point that holds the manifest of a collection.
pub(super) fn state_point(physical: &str, manifest: &Manifest) -> Result<PointStruct, String> {
    let manifest = serde_json::to_value(manifest).map_err(|error| error.to_string())?;
    let fields =
        json!({ "record": payload::MANIFEST, MANIFEST_OF: physical, "manifest": manifest });
    match fields {
        serde_json::Value::Object(fields) => Ok(wire::record_point(state_id(), fields)),
        other => unreachable!("made as an object, and not {other}"),
    }
}

impl ServerStore {
    /// Description of a collection, or of what an alias names; `None` where there is none.
    pub(super) async fn info(&self, name: &str) -> Result<Option<CollectionInfo>, BackendError> {
        let info = self.link.ask(|client| async move { client.collection_info(name).await }).await;
        let Some(info) = or_missing(info)? else { return Ok(None) };
        Ok(Some(info.result.unwrap_or_default()))
    }

    /// The manifest of the collection `name` with this description.
    pub(super) async fn manifest_in(
        &self,
        name: &str,
        info: &CollectionInfo,
    ) -> Result<Manifest, BackendError> {
        self.manifest_since(name, info, 0).await
    }

    /// The same, but a manifest in a point counts only if it was not written before this term.
    pub(super) async fn manifest_since(
        &self,
        name: &str,
        info: &CollectionInfo,
        term: u64,
    ) -> Result<Manifest, BackendError> {
        let mut metadata = config_in(info).metadata;
        let Some(made_with) = metadata.remove(MANIFEST) else {
            return Err(self.foreign().await);
        };
        let stored = if VersionDescription::by(info).has_state {
            self.state(name, term).await?.unwrap_or(made_with)
        } else {
            made_with
        };
        wire::to_json(stored)
            .and_then(|json| {
                serde_json::from_value(json).map_err(|e| format!("the manifest can't be read: {e}"))
            })
            .map_err(|why| self.unreadable(&why))
    }

    /// The manifest in a point. A copy that was away has an older one: it is asked again.
    async fn state(&self, name: &str, since: u64) -> Result<Option<Value>, BackendError> {
        for _ in 0..TRIES {
            let payload = self.state_now(name).await?;
            let term = payload.as_ref().and_then(wire::term_of).unwrap_or(0);
            if term >= since {
                return Ok(payload.and_then(|mut payload| payload.remove("manifest")));
            }
            tokio::time::sleep(PAUSE).await;
        }
        let message = format!("the copy of collection {name:?} that answers is behind the others");
        Err(self.error(Fault::Transient { retry_after: None }, &message))
    }

    async fn state_now(&self, name: &str) -> Result<Option<HashMap<String, Value>>, BackendError> {
        let request = GetPoints {
            collection_name: name.to_owned(),
            ids: vec![wire::point_id(state_id())],
            with_payload: Some(true.into()),
            ..GetPoints::default()
        };
        let found = self.link.ask(|client| {
            let request = request.clone();
            async move { client.get_points(request).await }
        });
        let found = or_missing(found.await)?.and_then(|found| found.result.into_iter().next());
        Ok(found.map(|point| point.payload))
    }

    /// Tells readers of a collection that its manifest is in a point.
    pub(super) async fn announce_state(&self, name: &str) -> Result<(), BackendError> {
        self.index(name, MANIFEST_OF, FieldType::Keyword).await
    }

    /// Indexes a field of the payloads in a collection, unless it is indexed.
    pub(super) async fn index(
        &self,
        name: &str,
        field: &str,
        of: FieldType,
    ) -> Result<(), BackendError> {
        let request = CreateFieldIndexCollection {
            collection_name: name.to_owned(),
            wait: Some(true),
            field_name: field.to_owned(),
            field_type: Some(of.into()),
            ..CreateFieldIndexCollection::default()
        };
        self.make_index(&request).await
    }

    pub(super) async fn make_index(
        &self,
        request: &CreateFieldIndexCollection,
    ) -> Result<(), BackendError> {
        let made = self.link.ask(|client| {
            let request = request.clone();
            async move { client.create_field_index(request).await }
        });
        made.await.map(|_| ())
    }

    /// Indexes the terms of the points; false where that is not allowed. Filters on terms still work, unless
    /// strict mode requires an index for them.
    pub(super) async fn index_terms(&self, name: &str) -> Result<bool, BackendError> {
        match self.index(name, TERM, FieldType::Integer).await {
            Ok(()) => Ok(true),
            Err(error) if error.fault == Fault::Unauthorized || is_over(&error.message) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The highest term of a point; `None` where there is none, or they are not indexed and can't be.
    pub(super) async fn highest_term(
        &self,
        name: &str,
        described: &VersionDescription,
    ) -> Result<Option<u64>, BackendError> {
        if !described.has_terms && !self.index_terms(name).await? {
            return Ok(None);
        }
        let order = OrderBy {
            key: TERM.to_owned(),
            direction: Some(Direction::Desc.into()),
            ..OrderBy::default()
        };
        let request = ScrollPoints {
            collection_name: name.to_owned(),
            limit: Some(1),
            order_by: Some(order),
            with_payload: Some(vec![TERM].into()),
            with_vectors: Some(false.into()),
            ..ScrollPoints::default()
        };
        let page = self.link.ask(|client| {
            let request = request.clone();
            async move { client.scroll(request).await }
        });
        let page = or_missing(page.await)?.map(|page| page.result).unwrap_or_default();
        Ok(page.first().and_then(|point| wire::term_of(&point.payload)))
    }
}
