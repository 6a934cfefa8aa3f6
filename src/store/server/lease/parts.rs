//! Several writers at a time, each with a part of the sources and a lease of its own for it.
//!
//! Those leases are points beside that of the whole collection. A part is taken, and found to have been
//! given up, by who has the lease of the whole, and by nobody else: so who has that knows all who write.
//! A writer of a part takes it for a moment when it begins, and for its turns at what is not in any
//! part: the manifest, and making the collection. A writer of the whole keeps it, once no part is held.
//!
//! Each holder of a part has the term of the moment in which it took it, so terms grow over all that
//! write, as they do where there is one. Who finds a part that nobody renews any more writes its lease again:
//! whoever had it learns of it before its next update, and before its next turn. What it had sent may
//! still come, which the lease of the whole says from then on.

use std::collections::HashMap;
use std::time::SystemTime;

use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::stored::{Holder, Lease, Next, millis, settled_at};
use super::{Held, POLL, Place, Standing, Terms, Waiting, end_of, named};
use crate::error::{BackendError, Fault};
use crate::store::owner::Owner;
use crate::types::Partition;

/// How often it is looked for what was just written: a copy of it may come late.
const TRIES: u32 = 25;

/// Parts that are named with who has them; the others are counted.
const NAMED: usize = 2;

/// Of the lease of each part: which turn was seen, and since when.
type Watched = HashMap<Partition, Option<(Uuid, Instant)>>;

/// The term that the manifest has at least, in the turn that a lease is held for: a copy of the collection that
/// was away knows an older one, and what others have noted since would be lost with it.
pub(in super::super) async fn stated(lease: &Mutex<Option<Held>>) -> u64 {
    match &*lease.lock().await {
        Some(held) => held.state.standing.lock().await.stated,
        None => 0,
    }
}

/// The manifest was written in this turn; said with the end of it.
pub(in super::super) async fn have_stated(lease: &Mutex<Option<Held>>) {
    if let Some(held) = &*lease.lock().await {
        let mut standing = held.state.standing.lock().await;
        standing.stated = standing.term;
    }
}

impl Place {
    /// Waits for the right to change all of the collection, and keeps it.
    pub(in super::super) async fn acquire(self, terms: &Terms) -> Result<Held, BackendError> {
        self.acquire_beside(Waiting::begin(terms, None), |_| false).await
    }

    /// Waits until nobody has this part, or one of another number of parts, and has the lease of the whole
    /// then: see [`Held::share`].
    pub(in super::super) async fn join(
        self,
        partition: Partition,
        terms: &Terms,
    ) -> Result<Held, BackendError> {
        let is_beside = |other: Partition| other != partition && other.is_beside(partition);
        self.acquire_beside(Waiting::begin(terms, Some(partition)), is_beside).await
    }

    /// Waits for a turn, whoever has parts.
    pub(in super::super) async fn turn(
        self,
        partition: Partition,
        terms: &Terms,
    ) -> Result<Held, BackendError> {
        self.take(&mut Waiting::begin(terms, Some(partition))).await
    }

    async fn acquire_beside(
        self,
        mut waiting: Waiting<'_>,
        goes_on: impl Fn(Partition) -> bool,
    ) -> Result<Held, BackendError> {
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
                    // They need it for their turns.
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

impl Held {
    /// Who has a part of the collection. The others can't change anything any more; what they have left on
    /// its way is noted.
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
            let next = Next {
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

    /// Notes until when something may come that another had sent.
    async fn doubt(&mut self, until: u64) -> Result<(), BackendError> {
        self.after_unsettled = true;
        {
            let mut standing = self.state.standing.lock().await;
            standing.unsettled_until = standing.unsettled_until.max(until);
        }
        self.state.renew().await
    }

    /// Whether what may have come late has come by now.
    pub(in super::super) async fn is_settled_by_now(&self) -> bool {
        let until = self.state.standing.lock().await.unsettled_until;
        until > 0 && until <= millis(SystemTime::now())
    }

    /// A part of the collection, by who has [joined](Place::join) those that have others. It is held beside
    /// the lease of the whole, which is to be given back.
    pub(in super::super) async fn share(&self, partition: Partition) -> Result<Self, BackendError> {
        let (place, life) = (self.state.place.of(partition), self.state.life);
        let holder = Holder { id: Uuid::now_v7(), with: None, owner: Owner::this() };
        let term = self.state.standing.lock().await.term;
        let found = place.read().await?;
        let until = end_of(life);
        let replaces = found.map(|lease| lease.turn);
        let next =
            Next { replaces, term, until: until.1, number: 0, unsettled_until: 0, stated: 0 };
        let turn = place.write(Some(&holder), next).await?;
        if !place.has(turn).await? {
            return Err(place.busy(place.read().await?.and_then(|lease| lease.holder)));
        }
        let standing =
            Standing { turn, term, number: 0, unsettled_until: 0, stated: 0, until, lost: None };
        Ok(place.held(life, holder, standing, self.after_unsettled))
    }

    /// Refuses where the lease is gone, whatever time it has left.
    pub(in super::super) async fn confirm(&self) -> Result<(), BackendError> {
        self.state.renew().await
    }
}

impl Place {
    /// Writes a lease; whether it is there now.
    async fn put(&self, holder: Option<&Holder>, next: Next) -> Result<bool, BackendError> {
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
