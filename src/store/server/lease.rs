//! One writer at a time on a server: a lease that its holder renews.
//!
//! The lease of a collection is the only point of a small collection beside it, [`place_of`]: it is
//! there before the collection is created, while another version takes its place, and after it is
//! dropped. It has at least as many copies as the collection. A lease is written only in place of the
//! `turn` it was read with: Qdrant applies an upsert with an `update_filter` to a point that passes it,
//! or to one that is not there, and the updates of a point one after the other, in the order of the copy
//! that leads ([`WriteOrderingType::Medium`]: the first one that is alive). So of two that want the same
//! turn one gets it, and both see which when they read again. Each writing makes a new turn, and one that
//! arrives late changes nothing.
//!
//! A copy that has just come back answers with what it had: reading asks any copy that is there, so that
//! it works while one lives, and may be told an older lease. That one is known by its `term`, which grows
//! with each holder; who is told of an older holder than itself asks again.
//!
//! It also keeps the highest number of a version that was the collection. No other gets it, so that
//! who still reads a version that was removed is told so, and does not read one of the same name.
//!
//! A lease is free when its holder gave it back; when its holder was a process of this machine
//! that has ended; when it ran out longer ago than two clocks may differ; or when it has not been
//! renewed while this process watched for the whole of its life. Where that takes it from a holder
//! that is only slow, the holder learns it with its next update, before it changes anything. What it sent
//! before, the server applies before what the next holder sends: only a request that is on its way for
//! longer than a lease and its grace could come too late.

mod seen;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qdrant_client::qdrant::{
    Condition, CreateCollection, Filter, GetPoints, OptimizersConfigDiff, UpsertPoints,
    WalConfigDiff, WriteOrdering, WriteOrderingType,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use super::link::{Link, or_exists, or_missing};
use super::wire;
use crate::error::{BackendError, Fault};
use crate::store::OnWait;
use crate::store::owner::Owner;
use crate::store::payload::Payload;

/// Copies of a lease, as far as there are nodes: with three, two may be away.
const COPIES: u32 = 3;

/// Where the lease of a collection is. No name of a collection has an `@`, and no version is called so.
pub(super) fn place_of(collection: &str) -> String {
    format!("{collection}@lease")
}

/// Shorter waits are not worth a word.
const SAY_AFTER: Duration = Duration::from_millis(250);

/// Between two looks at the lease of somebody else.
const POLL: Duration = Duration::from_millis(200);

/// How a lease is waited for and kept.
#[derive(Clone)]
pub(super) struct Terms {
    /// How long it holds without being renewed; it is renewed three times as often. Also what two
    /// clocks may differ by.
    pub(super) life: Duration,
    pub(super) wait: Duration,
    pub(super) on_wait: OnWait,
}

/// A lease as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Lease {
    record: String,
    collection: String,
    /// `None` once it was given back.
    holder: Option<Holder>,
    /// New with each writing.
    turn: Uuid,
    /// Of the holder: greater than that of each one before.
    #[serde(default)]
    term: u64,
    /// Milliseconds since the Unix epoch, by the holder's clock.
    expires_at: u64,
    /// See [`noted`].
    #[serde(default)]
    number: u32,
}

/// What a lease is to be from now on.
#[derive(Clone, Copy)]
struct Next {
    /// The turn that it replaces; `None` where there was no lease.
    replaces: Option<Uuid>,
    term: u64,
    until: SystemTime,
    number: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Holder {
    /// Of one store: a process may have several.
    id: Uuid,
    #[serde(flatten)]
    owner: Owner,
}

/// Where the lease of one collection is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) link: Link,
    pub(super) collection: String,
    pub(super) replication_factor: Option<u32>,
}

/// A lease that is held. Dropped without [`Held::give_back`] it runs out.
pub(super) struct Held {
    state: Arc<State>,
    renewal: JoinHandle<()>,
}

struct State {
    place: Place,
    life: Duration,
    holder: Holder,
    standing: Mutex<Standing>,
}

/// What is known of a lease that was held.
struct Standing {
    turn: Uuid,
    term: u64,
    number: u32,
    /// By a clock that never jumps, and by one that goes on while the machine sleeps.
    until: (Instant, SystemTime),
    /// To whom it went.
    lost: Option<String>,
}

/// Refuses an update where another writer has taken over.
pub(super) async fn check(lease: &Mutex<Option<Held>>) -> Result<(), BackendError> {
    match &*lease.lock().await {
        Some(held) => held.check().await,
        None => Ok(()),
    }
}

/// The highest number that a version had which was the collection; 0 where there was none.
pub(super) async fn noted(lease: &Mutex<Option<Held>>) -> u32 {
    match &*lease.lock().await {
        Some(held) => held.state.standing.lock().await.number,
        None => 0,
    }
}

/// Keeps the number of the version that is to be the collection.
pub(super) async fn note(lease: &Mutex<Option<Held>>, number: u32) -> Result<(), BackendError> {
    match &*lease.lock().await {
        Some(held) => held.note(number).await,
        None => Ok(()),
    }
}

impl Place {
    /// Waits for the lease, and keeps it.
    pub(super) async fn acquire(self, terms: &Terms) -> Result<Held, BackendError> {
        // An older server ignores the condition of an update.
        self.link.health().await?;
        let started = Instant::now();
        let holder = Holder { id: Uuid::now_v7(), owner: Owner::this() };
        let (mut watched, mut said) = (None, false);
        loop {
            let mut found = self.read().await?;
            if found.as_ref().is_none_or(|lease| lease.is_free(terms.life, &mut watched)) {
                let until = end_of(terms.life);
                let next = Next {
                    replaces: found.as_ref().map(|lease| lease.turn),
                    term: found.as_ref().map_or(0, |lease| lease.term) + 1,
                    until: until.1,
                    number: found.map_or(0, |lease| lease.number),
                };
                let turn = self.write(Some(&holder), next).await?;
                found = self.read().await?;
                // A copy that knows nothing of it yet is asked again.
                if found.as_ref().is_some_and(|lease| lease.turn == turn) {
                    let Next { term, number, .. } = next;
                    let standing = Standing { turn, term, number, until, lost: None };
                    return Ok(self.held(terms.life, holder, standing));
                }
            }
            let busy = self.busy(found.and_then(|lease| lease.holder));
            if started.elapsed() >= terms.wait {
                return Err(busy);
            }
            if !said && started.elapsed() >= SAY_AFTER {
                said = true;
                (terms.on_wait)(&busy.message);
            }
            tokio::time::sleep(POLL.min(terms.wait)).await;
        }
    }

    fn held(self, life: Duration, holder: Holder, standing: Standing) -> Held {
        let state = State { place: self, life, holder, standing: Mutex::new(standing) };
        let state = Arc::new(state);
        let renewed = Arc::clone(&state);
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(renewed.life / 3).await;
                // What fails is tried again in time, or before the next update.
                if renewed.renew().await.is_err_and(|error| error.fault == Fault::Busy) {
                    return;
                }
            }
        });
        Held { state, renewal }
    }

    fn busy(&self, holder: Option<Holder>) -> BackendError {
        let owner = named(holder);
        let message = format!("collection `{}` is being written by {owner}", self.collection);
        self.link.error(Fault::Busy, &message)
    }

    fn id(&self) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("lease\0{}", self.collection).as_bytes())
    }

    fn place(&self) -> String {
        place_of(&self.collection)
    }

    async fn read(&self) -> Result<Option<Lease>, BackendError> {
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
        let payload = wire::json_object(point.payload).map(serde_json::Value::Object);
        payload
            .and_then(|json| serde_json::from_value(json).map_err(|error| error.to_string()))
            .map(Some)
            .map_err(|why| {
                let message = format!("the lease in {:?} can't be read: {why}", self.place());
                self.link.error(Fault::Permanent, &message)
            })
    }

    /// Writes a lease with a new turn, in place of the one that it replaces, and returns the new turn.
    /// Whether that came to be, reading tells.
    async fn write(&self, holder: Option<&Holder>, next: Next) -> Result<Uuid, BackendError> {
        let expires_at = next.until.duration_since(UNIX_EPOCH);
        let lease = Lease {
            record: "lease".to_owned(),
            collection: self.collection.clone(),
            holder: holder.cloned(),
            turn: Uuid::now_v7(),
            term: next.term,
            expires_at: expires_at.map_or(0, |time| time.as_millis() as u64),
            number: next.number,
        };
        // No lease has the nil turn: one that is there stays.
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

    /// Makes the collection that the lease is in, as small as can be. Another process may do so too.
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
    /// `watched`: which turn was seen, and since when.
    fn is_free(&self, life: Duration, watched: &mut Option<(Uuid, Instant)>) -> bool {
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

impl Held {
    /// Refuses where the lease is no more. Renews it where that was not possible in time.
    pub(super) async fn check(&self) -> Result<(), BackendError> {
        {
            let standing = self.state.standing.lock().await;
            if let Some(owner) = &standing.lost {
                return Err(self.state.taken(owner));
            }
            let (steady, wall) = standing.until;
            if Instant::now() < steady && SystemTime::now() < wall {
                return Ok(());
            }
        }
        self.state.renew().await
    }

    async fn note(&self, number: u32) -> Result<(), BackendError> {
        {
            let mut standing = self.state.standing.lock().await;
            standing.number = standing.number.max(number);
        }
        self.state.renew().await
    }

    /// Lets the next one have it at once.
    pub(super) async fn give_back(&self) -> Result<(), BackendError> {
        // A renewal under way ends first.
        let standing = self.state.standing.lock().await;
        self.renewal.abort();
        let next = standing.next(SystemTime::now());
        self.state.place.write(None, next).await.map(|_| ())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl State {
    async fn renew(&self) -> Result<(), BackendError> {
        let mut standing = self.standing.lock().await;
        // An earlier renewal may have been made though its answer was lost.
        standing.turn = self.own_turn(&mut standing).await?;
        let until = end_of(self.life);
        let turn = self.place.write(Some(&self.holder), standing.next(until.1)).await?;
        standing.turn = self.own_turn(&mut standing).await?;
        if standing.turn == turn {
            standing.until = until;
        }
        Ok(())
    }

    /// The turn that is stored, where it is this holder's.
    async fn own_turn(&self, standing: &mut Standing) -> Result<Uuid, BackendError> {
        loop {
            let found = self.place.read().await?;
            let known = found.as_ref().map_or(0, |lease| lease.term);
            match found {
                Some(Lease { holder: Some(holder), turn, .. }) if holder.id == self.holder.id => {
                    return Ok(turn);
                }
                // Of a copy that was away: the others know better, and it will.
                _ if known < standing.term && Instant::now() < standing.until.0 => {
                    tokio::time::sleep(POLL.min(self.life / 10)).await;
                }
                other => {
                    let owner = named(other.and_then(|lease| lease.holder));
                    let error = self.taken(&owner);
                    standing.lost = Some(owner);
                    return Err(error);
                }
            }
        }
    }

    fn taken(&self, owner: &str) -> BackendError {
        let message = format!(
            "collection `{}` was taken over by {owner}: this process was not heard of in time",
            self.place.collection
        );
        self.place.link.error(Fault::Busy, &message)
    }
}

impl Standing {
    /// The lease as its holder writes it again.
    fn next(&self, until: SystemTime) -> Next {
        Next { replaces: Some(self.turn), term: self.term, until, number: self.number }
    }
}

fn named(holder: Option<Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.owner.to_string())
}

fn end_of(life: Duration) -> (Instant, SystemTime) {
    (Instant::now() + life, SystemTime::now() + life)
}

fn payload(lease: &Lease) -> Payload {
    match serde_json::to_value(lease) {
        Ok(serde_json::Value::Object(map)) => map,
        // A struct of strings and numbers always becomes an object.
        other => unreachable!("a payload is a JSON object, not {other:?}"),
    }
}
