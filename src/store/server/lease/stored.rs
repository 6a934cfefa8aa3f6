//! The stored lease: reading it, and writing it in place of the one that was read.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CollectionParams, Condition, CreateCollection, Filter, GetPoints, OptimizersConfigDiff,
    ScrollPoints, UpsertPoints, Value, WalConfigDiff, WriteOrdering, WriteOrderingType,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::{LeasePlace, place_of};
use crate::error::{BackendError, Fault};
use crate::store::owner::Owner;
use crate::store::payload::Payload;
use crate::store::server::link::{or_exists, or_missing};
use crate::store::server::log::EVENT;
use crate::store::server::wire;
use crate::types::Partition;

/// The kind of record that a lease is.
const LEASE: &str = "lease";

/// Its fields, and the field with the kind of record.
const FIELDS: [&str; 10] = [
    "record",
    "collection",
    "partition",
    "holder",
    "turn",
    "term",
    "expires_at",
    "number",
    "unsettled_until",
    "stated",
];

/// Points per answer.
const PAGE: u32 = 1_000;

/// Copies of a lease, as far as there are nodes: with three, two may be down.
const COPIES: u32 = 3;

/// A suspended node carries out what it had accepted when it resumes: after this time nobody expects it to.
const LATEST: Duration = Duration::from_hours(1);

/// A lease as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Lease {
    record: String,
    collection: String,
    /// The part that the holder may change; `None` for the whole collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partition: Option<Partition>,
    /// `None` once it was given back.
    pub(super) holder: Option<LeaseHolder>,
    /// New with each write.
    pub(super) turn: Uuid,
    /// Term of the holder: greater than that of each one before.
    #[serde(default)]
    pub(super) term: u64,
    /// Milliseconds since the Unix epoch, by the holder's clock.
    pub(super) expires_at: u64,
    /// See [`super::noted`].
    #[serde(default)]
    pub(super) number: u32,
    /// Milliseconds since the Unix epoch: until then, requests of a holder may still arrive. 0 where all of
    /// them were answered, and once a run after that time has compared what is stored.
    #[serde(default)]
    pub(super) unsettled_until: u64,
    /// The term of the manifest that was written last, where writers of parts write it: see
    /// [`super::parts::stated`].
    #[serde(default)]
    pub(super) stated: u64,
}

/// The new content of a lease.
#[derive(Clone, Copy)]
pub(super) struct LeaseUpdate {
    /// The turn that it replaces; `None` where there was no lease.
    pub(super) replaces: Option<Uuid>,
    pub(super) term: u64,
    pub(super) until: SystemTime,
    pub(super) number: u32,
    pub(super) unsettled_until: u64,
    pub(super) stated: u64,
}

/// The time from which on requests that were sent by now, and not answered, no longer arrive.
pub(super) fn settled_at() -> u64 {
    millis(SystemTime::now() + LATEST)
}

pub(super) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

impl LeaseUpdate {
    /// For a new holder.
    pub(super) fn after(found: Option<&Lease>, until: SystemTime, in_parts: bool) -> Self {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
        let unsettled_until = found.map_or(0, |lease| match lease.holder {
            Some(_) => settled_at(),
            None => lease.unsettled_until,
        });
        Self {
            replaces: found.map(|lease| lease.turn),
            // A removed lease is not remembered: the present time is above its terms.
            term: found.map_or_else(now, |lease| lease.term + 1),
            until,
            number: found.map_or(0, |lease| lease.number),
            unsettled_until,
            // A writer of the whole collection may have given its name to another version.
            stated: found.filter(|_| in_parts).map_or(0, |lease| lease.stated),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LeaseHolder {
    /// Id of one store: a process may have several.
    pub(super) id: Uuid,
    /// Set if the lease is held for a turn only: the part that the holder has, or is about to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) with: Option<Partition>,
    #[serde(flatten)]
    pub(super) owner: Owner,
}

impl LeasePlace {
    fn id(&self) -> Uuid {
        let mut name = format!("lease\0{}", self.collection);
        if let Some(partition) = self.partition {
            name += &format!("\0{partition}");
        }
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }

    fn place(&self) -> String {
        place_of(&self.collection)
    }

    pub(super) async fn read(&self) -> Result<Option<Lease>, BackendError> {
        let request = GetPoints {
            collection_name: self.place(),
            ids: vec![wire::point_id(self.id())],
            with_payload: Some(true.into()),
            ..GetPoints::default()
        };
        let answer = self.link.ask(|client| {
            let request = request.clone();
            async move { client.get_points(request).await }
        });
        let Some(answer) = or_missing(answer.await)? else { return Ok(None) };
        let Some(point) = answer.result.into_iter().next() else { return Ok(None) };
        self.lease_in(point.payload).map(Some)
    }

    /// The leases of all parts that ever existed.
    pub(super) async fn read_parts(&self) -> Result<Vec<Lease>, BackendError> {
        let mut request = ScrollPoints {
            collection_name: self.place(),
            limit: Some(PAGE),
            // All points, without a filter: nothing is indexed here, and strict mode may require an index.
            // Events lack these fields.
            with_payload: Some(FIELDS.to_vec().into()),
            with_vectors: Some(false.into()),
            ..ScrollPoints::default()
        };
        let mut parts = Vec::new();
        loop {
            let page = self.link.ask(|client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            });
            let Some(page) = or_missing(page.await)? else { return Ok(parts) };
            for point in page.result {
                if point.payload.contains_key("partition") {
                    parts.push(self.lease_in(point.payload)?);
                }
            }
            if page.next_page_offset.is_none() {
                return Ok(parts);
            }
            request.offset = page.next_page_offset;
        }
    }

    fn lease_in(&self, payload: HashMap<String, Value>) -> Result<Lease, BackendError> {
        let payload = wire::json_object(payload).map(serde_json::Value::Object);
        payload
            .and_then(|json| serde_json::from_value(json).map_err(|error| error.to_string()))
            .map_err(|why| {
                let message = format!("the lease in {:?} can't be read: {why}", self.place());
                self.link.error(Fault::Permanent, &message)
            })
    }

    /// Writes a lease with a new turn, in place of the one that it replaces, and returns the new turn. Only
    /// reading tells whether the write succeeded.
    pub(super) async fn write(
        &self,
        holder: Option<&LeaseHolder>,
        next: LeaseUpdate,
    ) -> Result<Uuid, BackendError> {
        let lease = Lease {
            record: LEASE.to_owned(),
            collection: self.collection.clone(),
            partition: self.partition,
            holder: holder.cloned(),
            turn: Uuid::now_v7(),
            term: next.term,
            expires_at: millis(next.until),
            number: next.number,
            unsettled_until: next.unsettled_until,
            stated: next.stated,
        };
        // No lease has the nil turn: an existing lease stays.
        let expected = next.replaces.unwrap_or(Uuid::nil()).to_string();
        let request = UpsertPoints {
            collection_name: self.place(),
            wait: Some(true),
            points: vec![wire::record_point(self.id(), payload(&lease))],
            ordering: Some(WriteOrdering { r#type: WriteOrderingType::Medium.into() }),
            update_filter: Some(Filter::must([Condition::matches("turn", expected)])),
            ..UpsertPoints::default()
        };
        let upsert = || {
            self.link.ask(|client| {
                let request = request.clone();
                async move { client.upsert_points(request).await }
            })
        };
        if or_missing(upsert().await)?.is_none() {
            self.create().await?;
            upsert().await?;
        }
        Ok(lease.turn)
    }

    /// Refuses a collection that another program has created under the lease's name: docent's has no vectors,
    /// and no points except leases and events of the log.
    pub(super) async fn check_maker(&self) -> Result<(), BackendError> {
        let place = self.place();
        let info = self.link.ask(|client| {
            let place = place.clone();
            async move { client.collection_info(place).await }
        });
        let Some(info) = or_missing(info.await)? else { return Ok(()) };
        let params = info.result.and_then(|info| info.config).and_then(|config| config.params);
        let others = ScrollPoints {
            collection_name: place.clone(),
            filter: Some(Filter::must_not([Condition::matches(
                "record",
                vec![LEASE.to_owned(), EVENT.to_owned()],
            )])),
            limit: Some(1),
            with_payload: Some(false.into()),
            ..ScrollPoints::default()
        };
        let others = self.link.ask(|client| {
            let request = others.clone();
            async move { client.scroll(request).await }
        });
        let others = or_missing(others.await)?.is_some_and(|page| !page.result.is_empty());
        if !others && !params.is_some_and(|params| has_vectors(&params)) {
            return Ok(());
        }
        let message = format!(
            "docent keeps the lease of collection {:?} in collection {place:?}, and another program has created one of this name",
            self.collection
        );
        Err(self.link.error(Fault::Taken, &message))
    }

    /// Creates the collection for the lease, as small as possible. Another process may do so too.
    async fn create(&self) -> Result<(), BackendError> {
        let request = CreateCollection {
            collection_name: self.place(),
            shard_number: Some(1),
            replication_factor: Some(self.replication_factor.unwrap_or(0).max(COPIES)),
            wal_config: Some(WalConfigDiff {
                wal_capacity_mb: Some(1),
                ..WalConfigDiff::default()
            }),
            optimizers_config: Some(OptimizersConfigDiff {
                default_segment_number: Some(1),
                ..OptimizersConfigDiff::default()
            }),
            ..CreateCollection::default()
        };
        self.link
            .ask(|client| {
                let request = request.clone();
                async move { or_exists(client.create_collection(request).await) }
            })
            .await
    }
}

impl Lease {
    /// `watched`: the turn that was seen, and since when.
    pub(super) fn is_free(&self, life: Duration, watched: &mut Option<(Uuid, Instant)>) -> bool {
        let Some(holder) = &self.holder else { return true };
        if holder.owner.is_gone() {
            return true;
        }
        let expired = UNIX_EPOCH + Duration::from_millis(self.expires_at);
        if expired + life < SystemTime::now() {
            return true;
        }
        let (turn, since) = *watched.get_or_insert((self.turn, Instant::now()));
        if turn != self.turn {
            *watched = Some((self.turn, Instant::now()));
            return false;
        }
        since.elapsed() >= life
    }
}

fn has_vectors(params: &CollectionParams) -> bool {
    let dense = params.vectors_config.as_ref().and_then(|vectors| vectors.config.as_ref());
    let dense = dense.is_some_and(|config| match config {
        Config::Params(_) => true,
        Config::ParamsMap(named) => !named.map.is_empty(),
    });
    dense || params.sparse_vectors_config.as_ref().is_some_and(|sparse| !sparse.map.is_empty())
}

fn payload(lease: &Lease) -> Payload {
    match serde_json::to_value(lease) {
        Ok(serde_json::Value::Object(map)) => map,
        // A struct of strings and numbers always becomes an object.
        other => unreachable!("a payload is a JSON object, not {other:?}"),
    }
}
