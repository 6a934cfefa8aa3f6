//! One writer at a time on a server: a lease that its holder renews, and what keeps a former holder from
//! doing harm.
//!
//! The lease of a collection is the only point of a small collection beside it, [`place_of`]. It exists
//! before the collection is created, while another version replaces it, and after it is dropped. It has at
//! least as many copies as the collection. A lease is written only in place of the `turn` that was read:
//! Qdrant applies an upsert with an `update_filter` only to a point that passes it, or creates the point if
//! it does not exist. It applies the updates of a point one after the other, in the order of the leading copy
//! (`WriteOrderingType::Medium`: the first one that is alive). So of two processes that want the same turn
//! one gets it, and both see which when they read again. Each write makes a new turn, and a write that
//! arrives late changes nothing.
//!
//! A copy that has just come back answers with what it had. Reading asks any copy, so that it works while one
//! is alive, and may return an older lease. An older lease is recognized by its `term`, which grows with each
//! holder; a process that reads an older term than its own asks again.
//!
//! The lease also stores the highest number of a version that was live. No other version gets this number, so
//! that a reader of a version that was removed gets an error instead of another version of the same name.
//!
//! A lease is free when its holder gave it back; when its holder was a process of this machine that has
//! ended; when it ran out longer ago than two clocks may differ; or when it was not renewed while this
//! process watched for the whole of its life. If that takes it from a holder that is only slow, the holder
//! learns it before each attempt of an update, before it changes anything.
//!
//! Requests that the former holder had sent may still arrive: from the buffers of a server that was
//! suspended, or from a proxy. No time limit helps there. So each point says in its field `term` which holder
//! wrote it, and each update, whether it replaces or deletes points, skips the points of a later holder. The
//! server itself compares, in the same step: whatever arrives late, and in whatever order the copies of a
//! point get it, what the later holder wrote stays. What remains are points that the later holder did not
//! write: a point that it deleted may come back, and one that it left alone may be deleted. Therefore a lease
//! that was taken from another process, or given back by one that had left a request at a node that accepted
//! it and did not answer, says for an hour that something may still arrive ([`Lease`]'s `unsettled_until`).
//! Each run until then, and the first one after it, compares everything that is stored with the records. The
//! terms of a new lease begin with the present time. If a collection has later ones, from a snapshot or from
//! a lease that was removed, the new term is raised above them first ([`HeldLease::outrank`]): otherwise updates
//! would skip those points.
//!
//! Several writers may each have a [part](Partition) of the collection: see [`parts`].

pub(super) mod parts;
mod seen;
mod stored;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use self::stored::{Lease, LeaseHolder, LeaseUpdate};
use super::link::Link;
use crate::error::{BackendError, Fault};
use crate::store::OnWait;
use crate::store::owner::Owner;
use crate::types::Partition;

/// Name of the small collection with the lease. No collection has an `@` in its name, and no version ends so.
pub(super) fn place_of(collection: &str) -> String {
    format!("{collection}@lease")
}

/// Shorter waits are not reported.
const SAY_AFTER: Duration = Duration::from_millis(250);

/// Time between two looks at the lease of another process.
const POLL: Duration = Duration::from_millis(200);

/// How a lease is waited for and kept.
#[derive(Clone)]
pub(super) struct LeaseTerms {
    /// How long it is valid without being renewed; it is renewed three times as often. Also how far two
    /// clocks may differ.
    pub(super) life: Duration,
    pub(super) wait: Duration,
    pub(super) on_wait: OnWait,
}

/// Location of the lease of one collection.
#[derive(Clone)]
pub(super) struct LeasePlace {
    pub(super) link: Link,
    pub(super) collection: String,
    pub(super) replication_factor: Option<u32>,
    /// The part of the collection that it covers; `None` for all of it.
    pub(super) partition: Option<Partition>,
}

/// A lease that is held. If it is dropped without [`HeldLease::give_back`], it runs out.
pub(super) struct HeldLease {
    state: Arc<State>,
    /// Whether something may have arrived late since the last run.
    after_unsettled: bool,
    renewal: JoinHandle<()>,
}

struct State {
    place: LeasePlace,
    life: Duration,
    holder: LeaseHolder,
    standing: Mutex<Standing>,
}

/// What the holder knows of its lease.
struct Standing {
    turn: Uuid,
    term: u64,
    number: u32,
    /// See [`Lease`].
    unsettled_until: u64,
    stated: u64,
    /// By a clock that never jumps, and by one that continues while the machine sleeps.
    until: (Instant, SystemTime),
    /// The process that has taken it over.
    lost: Option<String>,
}

/// Fails if another writer has taken over. Returns the term for the points of the update.
pub(super) async fn check(lease: &Mutex<Option<HeldLease>>) -> Result<Option<u64>, BackendError> {
    match &*lease.lock().await {
        Some(held) => held.check().await.map(Some),
        None => Ok(None),
    }
}

/// Whether a former holder may have changed something late, after the last run had ended.
pub(super) async fn is_unsettled(lease: &Mutex<Option<HeldLease>>) -> bool {
    lease.lock().await.as_ref().is_some_and(|held| held.after_unsettled)
}

/// Notes that everything stored has been compared with the records.
pub(super) async fn compared(lease: &Mutex<Option<HeldLease>>) {
    if let Some(held) = lease.lock().await.as_ref().filter(|held| held.after_unsettled) {
        held.state.standing.lock().await.settle(SystemTime::now());
    }
}

/// The highest number of a version that was live; 0 where there was none.
pub(super) async fn noted(lease: &Mutex<Option<HeldLease>>) -> u32 {
    match &*lease.lock().await {
        Some(held) => held.state.standing.lock().await.number,
        None => 0,
    }
}

/// Stores the number of the version that is about to become live.
pub(super) async fn note(
    lease: &Mutex<Option<HeldLease>>,
    number: u32,
) -> Result<(), BackendError> {
    match &*lease.lock().await {
        Some(held) => held.note(number).await,
        None => Ok(()),
    }
}

/// Time between two looks while waiting for a turn: turns are short.
const TURN: Duration = Duration::from_millis(25);

/// How long to wait for processes that hold a lease for a turn: with many parts, the other writers may keep
/// one waiting that long, or one was killed in its turn.
const TURNS: Duration = Duration::from_mins(3);

/// State of a wait for another process: since when, and whether it was reported.
struct Waiting<'a> {
    terms: &'a LeaseTerms,
    /// Set if the lease is wanted for a turn only: the part that this process has, or is about to have.
    with: Option<Partition>,
    since: Instant,
    said: bool,
}

impl<'a> Waiting<'a> {
    fn begin(terms: &'a LeaseTerms, with: Option<Partition>) -> Self {
        Self { terms, with, since: Instant::now(), said: false }
    }

    fn holder(&self) -> LeaseHolder {
        LeaseHolder { id: Uuid::now_v7(), with: self.with, owner: Owner::this() }
    }

    /// Sleeps until it is time to look again. `brief`: the other process has the lease only for a turn, too.
    ///
    /// # Errors
    /// The wait has taken long enough.
    async fn pause(&mut self, busy: BackendError, brief: bool) -> Result<(), BackendError> {
        let (waited, takes_turns) = (self.since.elapsed(), brief && self.with.is_some());
        let longest = if takes_turns { self.terms.wait.max(TURNS) } else { self.terms.wait };
        if waited >= longest {
            return Err(busy);
        }
        if !self.said && waited >= SAY_AFTER && !takes_turns {
            self.said = true;
            (self.terms.on_wait)(&busy.message);
        }
        let pause = if takes_turns { TURN } else { POLL };
        tokio::time::sleep(pause.min(longest)).await;
        Ok(())
    }
}

impl LeasePlace {
    /// Waits for the lease of the whole collection, regardless of parts, and keeps it renewed.
    async fn take(self, waiting: &mut Waiting<'_>) -> Result<HeldLease, BackendError> {
        // An older server ignores the condition of an update.
        self.link.health().await?;
        let (terms, holder) = (waiting.terms, waiting.holder());
        let mut watched = None;
        loop {
            let mut found = self.read().await?;
            if found.is_none() {
                self.check_maker().await?;
            }
            if found.as_ref().is_none_or(|lease| lease.is_free(terms.life, &mut watched)) {
                let until = end_of(terms.life);
                let next = LeaseUpdate::after(found.as_ref(), until.1, holder.with.is_some());
                let after_unsettled = found.is_some_and(|lease| lease.unsettled_until > 0);
                let turn = self.write(Some(&holder), next).await?;
                found = self.read().await?;
                // A copy that does not know the lease yet is asked again.
                if found.as_ref().is_some_and(|lease| lease.turn == turn) {
                    let LeaseUpdate { term, number, unsettled_until, stated, .. } = next;
                    let standing =
                        Standing { turn, term, number, unsettled_until, stated, until, lost: None };
                    return Ok(self.held(terms.life, holder, standing, after_unsettled));
                }
            }
            let other = found.and_then(|lease| lease.holder);
            let brief = other.as_ref().is_some_and(|other| other.with.is_some());
            waiting.pause(self.busy(other), brief).await?;
        }
    }

    fn held(
        self,
        life: Duration,
        holder: LeaseHolder,
        standing: Standing,
        after_unsettled: bool,
    ) -> HeldLease {
        let state = State { place: self, life, holder, standing: Mutex::new(standing) };
        let state = Arc::new(state);
        let renewed = Arc::clone(&state);
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(renewed.life / 3).await;
                // A failed renewal is repeated in time, or before the next update.
                if renewed.renew().await.is_err_and(|error| error.fault == Fault::Busy) {
                    return;
                }
            }
        });
        HeldLease { state, after_unsettled, renewal }
    }

    fn busy(&self, holder: Option<LeaseHolder>) -> BackendError {
        let with = holder.as_ref().and_then(|holder| holder.with);
        let how = with.map_or_else(String::new, |part| format!("in parts: {part} "));
        let (name, owner) = (&self.collection, named(holder));
        let message = format!("collection `{name}` is being written {how}by {owner}");
        self.link.error(Fault::Busy, &message)
    }
}

impl HeldLease {
    /// Fails if the lease is lost. Renews it if that was not possible in time. Returns its term.
    pub(super) async fn check(&self) -> Result<u64, BackendError> {
        {
            let standing = self.state.standing.lock().await;
            if let Some(owner) = &standing.lost {
                return Err(self.state.taken(owner));
            }
            let (steady, wall) = standing.until;
            if Instant::now() < steady && SystemTime::now() < wall {
                return Ok(standing.term);
            }
        }
        self.state.renew().await?;
        Ok(self.state.standing.lock().await.term)
    }

    /// Raises the term above one that is stored.
    pub(super) async fn outrank(&self, stored: u64) -> Result<(), BackendError> {
        {
            let mut standing = self.state.standing.lock().await;
            if stored < standing.term {
                return Ok(());
            }
            standing.term = stored + 1;
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

    /// Lets the next process have it at once.
    pub(super) async fn give_back(&self) -> Result<(), BackendError> {
        // A renewal under way ends first.
        let standing = self.state.standing.lock().await;
        self.renewal.abort();
        let mut next = standing.next(SystemTime::now());
        if self.state.place.link.has_left_requests() {
            next.unsettled_until = stored::settled_at();
        }
        self.state.place.write(None, next).await.map(|_| ())
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl State {
    async fn renew(&self) -> Result<(), BackendError> {
        let mut standing = self.standing.lock().await;
        // An earlier renewal may have succeeded although its answer was lost.
        standing.turn = self.own_turn(&mut standing).await?;
        let until = end_of(self.life);
        let turn = self.place.write(Some(&self.holder), standing.next(until.1)).await?;
        standing.turn = self.own_turn(&mut standing).await?;
        if standing.turn == turn {
            standing.until = until;
        }
        Ok(())
    }

    /// The stored turn, if it is this holder's.
    async fn own_turn(&self, standing: &mut Standing) -> Result<Uuid, BackendError> {
        loop {
            let found = self.place.read().await?;
            let known = found.as_ref().map_or(0, |lease| lease.term);
            match found {
                Some(Lease { holder: Some(holder), turn, .. }) if holder.id == self.holder.id => {
                    return Ok(turn);
                }
                // From a copy that was away: the others know better, and it will catch up.
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
            "collection `{}` was taken over by {owner}: this process did not renew its lease in time",
            self.place.collection
        );
        self.place.link.error(Fault::Busy, &message)
    }
}

impl Standing {
    /// Ends the hour in which something may arrive late, if it is over.
    fn settle(&mut self, now: SystemTime) {
        if self.unsettled_until <= stored::millis(now) {
            self.unsettled_until = 0;
        }
    }

    /// The lease as its holder writes it again.
    fn next(&self, until: SystemTime) -> LeaseUpdate {
        let Self { term, number, unsettled_until, stated, .. } = *self;
        LeaseUpdate { replaces: Some(self.turn), term, until, number, unsettled_until, stated }
    }
}

fn named(holder: Option<LeaseHolder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.owner.to_string())
}

fn end_of(life: Duration) -> (Instant, SystemTime) {
    (Instant::now() + life, SystemTime::now() + life)
}
