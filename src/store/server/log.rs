//! The log of the versions of a collection: one point per event, beside its lease.

use qdrant_client::qdrant::{ScrollPoints, UpsertPoints};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ServerStore;
use super::lease::place_of;
use super::link::or_missing;
use super::wire;
use crate::error::{BackendError, Fault};
use crate::types::VersionEvent;

/// Points requested at a time.
const PAGE: u32 = 100;

/// The value that marks the payload of an event, and the field that has it.
pub(super) const EVENT: &str = "event";

impl ServerStore {
    pub(super) async fn put_event(&self, event: &VersionEvent) -> Result<(), BackendError> {
        let Value::Object(payload) = json!({ "record": EVENT, EVENT: event }) else {
            return Err(self.error(Fault::Permanent, "an event is not a JSON object"));
        };
        let request = UpsertPoints {
            collection_name: place_of(&self.base),
            wait: Some(true),
            // Ids are in the order in which events were made.
            points: vec![wire::record_point(Uuid::now_v7(), payload)],
            ..UpsertPoints::default()
        };
        let put = self.link.ask(|client| {
            let request = request.clone();
            async move { client.upsert_points(request).await }
        });
        put.await.map(|_| ())
    }

    /// Oldest first. An event that can't be read is skipped: a later version of docent has written it.
    pub(super) async fn events(&self) -> Result<Vec<VersionEvent>, BackendError> {
        let mut request = ScrollPoints {
            collection_name: place_of(&self.base),
            limit: Some(PAGE),
            with_payload: Some(true.into()),
            ..ScrollPoints::default()
        };
        let mut events = Vec::new();
        loop {
            let page = self.link.ask(|client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            });
            let Some(page) = or_missing(page.await)? else { return Ok(events) };
            let payloads =
                page.result.into_iter().filter_map(|mut point| point.payload.remove(EVENT));
            let read = payloads.filter_map(|event| wire::to_json(event).ok());
            events.extend(read.filter_map(|event| serde_json::from_value(event).ok()));
            request.offset = page.next_page_offset;
            if request.offset.is_none() {
                return Ok(sorted(events));
            }
        }
    }
}

/// Machines have different clocks, and ids of the same moment have no order.
fn sorted(mut events: Vec<VersionEvent>) -> Vec<VersionEvent> {
    events.sort_by(|one, other| one.at.cmp(&other.at));
    events
}
