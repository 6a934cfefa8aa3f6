//! Several writers at a time, each with a part of the sources and a lease for it.
//!
//! The leases of parts are points beside that of the whole collection. Only the holder of the lease of the
//! whole may take a part, or find that one was given up: so this holder knows all writers. The writer of a
//! part takes the lease of the whole for a moment when it begins, and for its turns at what belongs to no
//! part: the manifest, and creating the collection. The writer of the whole keeps it, once no part is held.
//!
//! Each holder of a part has the term of the moment at which it took the part, so terms grow over all
//! writers, as they do with a single one. A process that finds a part that is no longer renewed writes its
//! lease again: its former holder learns of that before its next update, and before its next turn. What the
//! former holder had sent may still arrive, which the lease of the whole says from then on.

use std::collections::HashMap;
use std::time::SystemTime;

use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::stored::{Lease, LeaseHolder, LeaseUpdate, millis, settled_at};
use super::{HeldLease, LeasePlace, LeaseTerms, POLL, Standing, Waiting, end_of, named};
use crate::error::{BackendError, Fault};
use crate::store::owner::Owner;
use crate::types::Partition;

/// How often a lease that was just written is looked for: a copy may get it late.
const TRIES: u32 = 25;

/// Number of parts that are named with their holders; the others are counted.
const NAMED: usize = 2;

/// For the lease of each part: the turn that was seen, and since when.
type Watched = HashMap<Partition, Option<(Uuid, Instant)>>;

/// The minimum term of the manifest, in the turn that a lease is held for. A copy of the collection that was
/// away has an older manifest, and writing on its basis would lose what others have noted since.
pub(in super::super) async fn stated(lease: &Mutex<Option<HeldLease>>) -> u64 {
    match &*lease.lock().await {
        Some(held) => held.state.standing.lock().await.stated,
        None => 0,
    }
}

/// Notes that the manifest was written in this turn; stored at the end of the turn.
pub(in super::super) async fn have_stated(lease: &Mutex<Option<HeldLease>>) {
    if let Some(held) = &*lease.lock().await {
        let mut standing = held.state.standing.lock().await;
        standing.stated = standing.term;
    }
}

impl LeasePlace {
    /// Waits for the right to change the whole collection, and keeps it renewed.
    pub(in super::super) async fn acquire(
        self,
        terms: &LeaseTerms,
    ) -> Result<HeldLease, BackendError> {
        self.acquire_beside(Waiting::begin(terms, None), |_| false).await
    }

    /// Waits until no process has this part, or a part of another division, and then takes the lease of the
    /// whole: see [`HeldLease::share`].
    pub(in super::super) async fn join(
        self,
        partition: Partition,
        terms: &LeaseTerms,
    ) -> Result<HeldLease, BackendError> {
        let is_beside = |other: Partition| other != partition && other.is_beside(partition);
        self.acquire_beside(Waiting::begin(terms, Some(partition)), is_beside).await
    }

    /// Waits for a turn, regardless of parts.
    pub(in super::super) async fn turn(
        self,
        partition: Partition,
        terms: &LeaseTerms,
    ) -> Result<HeldLease, BackendError> {
        self.take(&mut Waiting::begin(terms, Some(partition))).await
    }

    async fn acquire_beside(
        self,
        mut waiting: Waiting<'_>,
        goes_on: impl Fn(Partition) -> bool,
    ) -> Result<HeldLease, BackendError> {
        let (life, mut watched) = (waiting.terms.life, Watched::new());
        let in_the_way = |parts: Vec<Lease>| -> Vec<Lease> {
            let is_in_the_way = |lease: &Lease| lease.partition.is_some_and(|it| !goes_on(it));
            parts.into_iter().filter(is_in_the_way).collect()
        };
        loop {
            let mut held = self.clone().take(&mut waiting).await?;
            let found = held.settle_parts(&mut watched).await.map(in_the_way);
            let mut parts = match found {
                Ok(parts) if parts.is_empty() => return Ok(held),
                found => {
                    // The others need it for their turns.
                    held.give_back().await?;
                    found?
                }
            };
            while !parts.is_empty() {
                waiting.pause(self.busy_in_parts(parts), false).await?;
                let found = self.read_parts().await?.into_iter();
                let is_held = |it: &Lease| {
                    it.partition.is_some_and(|partition| {
                        !it.is_free(life, watched.entry(partition).or_default())
                    })
                };
                parts = in_the_way(found.filter(is_held).collect());
            }
        }
    }

    fn of(&self, partition: Partition) -> Self {
        Self { partition: Some(partition), ..self.clone() }
    }

    fn busy_in_parts(&self, mut parts: Vec<Lease>) -> BackendError {
        parts.sort_unstable_by_key(|lease| lease.partition);
        let part = |lease: Lease| {
            let partition = lease.partition.map(|partition| partition.to_string());
            format!("{} by {}", partition.unwrap_or_default(), named(lease.holder))
        };
        let more = parts.len().saturating_sub(NAMED);
        let mut parts: Vec<String> = parts.into_iter().take(NAMED).map(part).collect();
        if more > 0 {
            parts.push(format!("and {more} more"));
        }
        let message = format!(
            "collection `{}` is being written in parts: {}",
            self.collection,
            parts.join(", ")
        );
        self.link.error(Fault::Busy, &message)
    }
}

impl HeldLease {
    /// The parts that are held. The other holders can't change anything any longer; what they may have left
    /// on its way is noted.
    async fn settle_parts(&mut self, watched: &mut Watched) -> Result<Vec<Lease>, BackendError> {
        let (place, life) = (self.state.place.clone(), self.state.life);
        let mut held = Vec::new();
        for lease in place.read_parts().await? {
            let Some(partition) = lease.partition else { continue };
            if !lease.is_free(life, watched.entry(partition).or_default()) {
                held.push(lease);
                continue;
            }
            let left = match lease.holder {
                Some(_) => settled_at(),
                None => lease.unsettled_until,
            };
            if left == 0 {
                continue;
            }
            self.doubt(left).await?;
            let next = LeaseUpdate {
                replaces: Some(lease.turn),
                term: lease.term,
                until: SystemTime::now(),
                number: 0,
                unsettled_until: 0,
                stated: 0,
            };
            if !place.of(partition).put(None, next).await? {
                held.push(lease);
            }
        }
        Ok(held)
    }

    /// Notes until when something that another process has sent may arrive.
    async fn doubt(&mut self, until: u64) -> Result<(), BackendError> {
        self.after_unsettled = true;
        {
            let mut standing = self.state.standing.lock().await;
            standing.unsettled_until = standing.unsettled_until.max(until);
        }
        self.state.renew().await
    }

    /// Whether the time in which something may arrive late is over.
    pub(in super::super) async fn is_settled_by_now(&self) -> bool {
        let until = self.state.standing.lock().await.unsettled_until;
        until > 0 && until <= millis(SystemTime::now())
    }

    /// Takes a part of the collection; the caller has [joined](LeasePlace::join) the writers of other parts. It is
    /// held beside the lease of the whole, which the caller gives back.
    pub(in super::super) async fn share(&self, partition: Partition) -> Result<Self, BackendError> {
        let (place, life) = (self.state.place.of(partition), self.state.life);
        let holder = LeaseHolder { id: Uuid::now_v7(), with: None, owner: Owner::this() };
        let term = self.state.standing.lock().await.term;
        let found = place.read().await?;
        let until = end_of(life);
        let replaces = found.map(|lease| lease.turn);
        let next = LeaseUpdate {
            replaces,
            term,
            until: until.1,
            number: 0,
            unsettled_until: 0,
            stated: 0,
        };
        let turn = place.write(Some(&holder), next).await?;
        if !place.has(turn).await? {
            return Err(place.busy(place.read().await?.and_then(|lease| lease.holder)));
        }
        let standing =
            Standing { turn, term, number: 0, unsettled_until: 0, stated: 0, until, lost: None };
        Ok(place.held(life, holder, standing, self.after_unsettled))
    }

    /// Fails if the lease is lost, however much time it has left.
    pub(in super::super) async fn confirm(&self) -> Result<(), BackendError> {
        self.state.renew().await
    }
}

impl LeasePlace {
    /// Writes a lease; returns whether it is there now.
    async fn put(
        &self,
        holder: Option<&LeaseHolder>,
        next: LeaseUpdate,
    ) -> Result<bool, BackendError> {
        let turn = self.write(holder, next).await?;
        self.has(turn).await
    }

    async fn has(&self, turn: Uuid) -> Result<bool, BackendError> {
        for tries in 0..TRIES {
            match self.read().await? {
                Some(lease) if lease.turn == turn => return Ok(true),
                _ if tries + 1 < TRIES => tokio::time::sleep(POLL / 4).await,
                _ => {}
            }
        }
        Ok(false)
    }
}
