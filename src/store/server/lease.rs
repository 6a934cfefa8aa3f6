//! One writer at a time on a server: a lease that its holder renews, and what keeps a former holder
//! harmless.
//!
//! The lease of a collection is the only point of a small collection beside it, [`place_of`]: it is
//! there before the collection is created, while another version takes its place, and after it is
//! dropped. It has at least as many copies as the collection. A lease is written only in place of the
//! `turn` it was read with: Qdrant applies an upsert with an `update_filter` to a point that passes it,
//! or to one that is not there, and the updates of a point one after the other, in the order of the copy
//! that leads (`WriteOrderingType::Medium`: the first one that is alive). So of two that want the same
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
//! that is only slow, the holder learns it before each try of an update, before it changes anything.
//!
//! What it had sent before may still be on its way: in the buffers of a server that stood still, at a
//! proxy. No time limit helps there, so each point says in its field `term` which holder wrote it, and
//! each update, what replaces points and what deletes them, passes over the points of a later holder.
//! That is the server's own comparison, in the same step: whatever comes late, and in whichever order
//! the copies of a point are told, what the later holder wrote stays. Left are points that it did not
//! write: one that it deleted may come back, one that it left alone be deleted. A lease that was taken from somebody,
//! or given back by who had left a request at a node that took it and did not answer, says for an hour that
//! something may still come ([`Lease`]'s `unsettled_until`): each run until then, and the first one after it, compares all
//! that is stored with the records. The terms of a new lease begin with the present time, and those
//! of a collection that has later ones, from a snapshot or of a lease that was removed, are gone beyond
//! first ([`Held::outrank`]): else what is written would be passed over.
//!
//! Several may each have a [part](Partition) of the collection: see [`parts`].

pub(super) mod parts;
mod seen;
mod stored;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use self::stored::{Holder, Lease, Next};
use super::link::Link;
use crate::error::{BackendError, Fault};
use crate::store::OnWait;
use crate::store::owner::Owner;
use crate::types::Partition;

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

/// Where the lease of one collection is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) link: Link,
    pub(super) collection: String,
    pub(super) replication_factor: Option<u32>,
    /// Which part of the collection it is for; `None` for all of it.
    pub(super) partition: Option<Partition>,
}

/// A lease that is held. Dropped without [`Held::give_back`] it runs out.
pub(super) struct Held {
    state: Arc<State>,
    /// Something may have come late since the last run.
    after_unsettled: bool,
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
    /// See [`Lease`].
    unsettled_until: u64,
    stated: u64,
    /// By a clock that never jumps, and by one that goes on while the machine sleeps.
    until: (Instant, SystemTime),
    /// To whom it went.
    lost: Option<String>,
}

/// Refuses an update where another writer has taken over. The term that its points are to have.
pub(super) async fn check(lease: &Mutex<Option<Held>>) -> Result<Option<u64>, BackendError> {
    match &*lease.lock().await {
        Some(held) => held.check().await.map(Some),
        None => Ok(None),
    }
}

/// Whether something may have been changed late by a former holder, after the last run had ended.
pub(super) async fn is_unsettled(lease: &Mutex<Option<Held>>) -> bool {
    lease.lock().await.as_ref().is_some_and(|held| held.after_unsettled)
}

/// All that is stored has been compared with the records.
pub(super) async fn compared(lease: &Mutex<Option<Held>>) {
    if let Some(held) = lease.lock().await.as_ref().filter(|held| held.after_unsettled) {
        held.state.standing.lock().await.settle(SystemTime::now());
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

/// The same of who waits for a turn: these are short.
const TURN: Duration = Duration::from_millis(25);

/// How long those are waited for who hold a lease for a moment: so long the others may keep one who has as
/// many parts beside it, or was killed in its turn.
const TURNS: Duration = Duration::from_mins(3);

/// Of who waits for another: since when, and whether that was said.
struct Waiting<'a> {
    terms: &'a Terms,
    /// It wants the lease for a moment, and has this part of the collection or is about to.
    with: Option<Partition>,
    since: Instant,
    said: bool,
}

impl<'a> Waiting<'a> {
    fn begin(terms: &'a Terms, with: Option<Partition>) -> Self {
        Self { terms, with, since: Instant::now(), said: false }
    }

    fn holder(&self) -> Holder {
        Holder { id: Uuid::now_v7(), with: self.with, owner: Owner::this() }
    }

    /// Until it is time to look again. `brief`: whom it waits for has the lease for a moment, too.
    ///
    /// # Errors
    /// That was long enough.
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

impl Place {
    /// Waits for the lease of all of the collection, whoever has parts of it, and keeps it.
    async fn take(self, waiting: &mut Waiting<'_>) -> Result<Held, BackendError> {
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
                let next = Next::after(found.as_ref(), until.1, holder.with.is_some());
                let after_unsettled = found.is_some_and(|lease| lease.unsettled_until > 0);
                let turn = self.write(Some(&holder), next).await?;
                found = self.read().await?;
                // A copy that knows nothing of it yet is asked again.
                if found.as_ref().is_some_and(|lease| lease.turn == turn) {
                    let Next { term, number, unsettled_until, stated, .. } = next;
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
        holder: Holder,
        standing: Standing,
        after_unsettled: bool,
    ) -> Held {
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
        Held { state, after_unsettled, renewal }
    }

    fn busy(&self, holder: Option<Holder>) -> BackendError {
        let with = holder.as_ref().and_then(|holder| holder.with);
        let how = with.map_or_else(String::new, |part| format!("in parts: {part} "));
        let (name, owner) = (&self.collection, named(holder));
        let message = format!("collection `{name}` is being written {how}by {owner}");
        self.link.error(Fault::Busy, &message)
    }
}

impl Held {
    /// Refuses where the lease is gone. Renews it where that was not possible in time. Its term.
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

    /// Goes beyond a term that is stored.
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

    /// Lets the next one have it at once.
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
    /// Ends the hour in which something may come late, where that is over.
    fn settle(&mut self, now: SystemTime) {
        if self.unsettled_until <= stored::millis(now) {
            self.unsettled_until = 0;
        }
    }

    /// The lease as its holder writes it again.
    fn next(&self, until: SystemTime) -> Next {
        let Self { term, number, unsettled_until, stated, .. } = *self;
        Next { replaces: Some(self.turn), term, until, number, unsettled_until, stated }
    }
}

fn named(holder: Option<Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |holder| holder.owner.to_string())
}

fn end_of(life: Duration) -> (Instant, SystemTime) {
    (Instant::now() + life, SystemTime::now() + life)
}
