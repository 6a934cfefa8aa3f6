//! A writer of a part of a collection, beside those of other parts: see [`super::lease::parts`].
//!
//! It writes its documents like any writer. The manifest and the existence of the collection are shared: for
//! these it waits for its turn. The manifest is then in a point of the collection, as for a token that can't
//! change metadata: so a write of an earlier turn that arrives late is skipped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Mutex;

use super::existing::PhysicalVersion;
use super::lease::{HeldLease, LeasePlace, LeaseTerms};
use super::physical::{Physical, WriteRight, slot};
use super::{ServerStore, lease};
use crate::error::{BackendError, Fault};
use crate::types::Partition;

/// What a writer of a part needs in addition to its lease.
pub(super) struct SharedWriter {
    pub(super) partition: Partition,
    /// Location of the lease of the whole.
    place: LeasePlace,
    terms: LeaseTerms,
    /// The lease of the whole, during a turn.
    pub(super) turn: Arc<Mutex<Option<HeldLease>>>,
}

impl WriteRight {
    /// The part that this right covers; `None` for the whole collection.
    pub(super) fn partition(&self) -> Option<Partition> {
        self.sharing.as_ref().map(|sharing| sharing.partition)
    }

    /// The lease for writing what belongs to no part.
    pub(super) fn of_whole(&self) -> &Arc<Mutex<Option<HeldLease>>> {
        self.sharing.as_ref().map_or(&self.lease, |sharing| &sharing.turn)
    }

    /// Ends the turn, if there is one.
    pub(super) async fn end_turn(&self) -> Result<(), BackendError> {
        let Some(sharing) = &self.sharing else { return Ok(()) };
        let held = sharing.turn.lock().await.take();
        match held {
            Some(held) => held.give_back().await,
            None => Ok(()),
        }
    }
}

impl Physical {
    /// The writer of a part; the caller holds the lease of the whole, which is given back.
    pub(super) async fn of_part(
        store: &ServerStore,
        found: Option<PhysicalVersion>,
        held: HeldLease,
        partition: Partition,
    ) -> Result<Self, BackendError> {
        let own = match held.share(partition).await {
            Ok(own) => own,
            Err(error) => {
                let _ = held.give_back().await;
                return Err(error);
            }
        };
        let (place, turn) = (store.lease(), slot(Some(held)));
        let terms = store.terms.clone();
        let sharing = Some(SharedWriter { partition, place, terms, turn });
        let right = Arc::new(WriteRight::new(own, sharing));
        let part = Self::of(store, found, Some(Arc::clone(&right)), None);
        let begun = part.settle_doubts(partition).await;
        let ended = right.end_turn().await;
        if let Err(error) = begun.and(ended) {
            if let Some(own) = right.lease.lock().await.take() {
                let _ = own.give_back().await;
            }
            return Err(error);
        }
        Ok(part)
    }

    /// What former writers had sent has arrived by now, whichever part it was for: each part has to be
    /// compared once more, and writers that begin later need not do so.
    async fn settle_doubts(&self, partition: Partition) -> Result<(), BackendError> {
        let right = self.right()?;
        match &*right.of_whole().lock().await {
            Some(held) if held.is_settled_by_now().await => {}
            _ => return Ok(()),
        }
        let target = self.target();
        if let Some(info) = self.store.info(&target).await? {
            let mut manifest = self.store.manifest_in(&target, &info).await?;
            if let Some(last) = manifest.runs.last().cloned() {
                manifest.doubt(partition, &last);
                self.put_state(&manifest).await?;
            }
        }
        lease::compared(right.of_whole()).await;
        Ok(())
    }

    pub(super) async fn take_turn(&self) -> Result<(), BackendError> {
        let right = self.right()?;
        let Some(sharing) = &right.sharing else { return Ok(()) };
        // It must have reached the server before others learn of it.
        right.pipeline.settle().await?;
        let held = sharing.place.clone().turn(sharing.partition, &sharing.terms).await?;
        *sharing.turn.lock().await = Some(held);
        let ready = self.look_again().await;
        if ready.is_err() {
            let _ = right.end_turn().await;
        }
        ready
    }

    pub(super) async fn give_turn(&self) -> Result<(), BackendError> {
        self.right()?.end_turn().await
    }

    /// Refuses to write what belongs to no part outside this writer's turn.
    pub(super) fn check_turn(&self) -> Result<(), BackendError> {
        let right = self.right()?;
        let is_held =
            |sharing: &SharedWriter| sharing.turn.try_lock().map_or(true, |turn| turn.is_some());
        if right.sharing.as_ref().is_none_or(is_held) {
            return Ok(());
        }
        let message =
            "what all parts share is written in turns, and this writer does not have the turn";
        Err(self.store.error(Fault::Permanent, message))
    }

    /// In a turn: checks that the part is still this writer's, and whether another writer has created the
    /// collection.
    async fn look_again(&self) -> Result<(), BackendError> {
        if let Some(own) = &*self.right()?.lease.lock().await {
            own.confirm().await?;
        }
        if self.number() > 0 {
            return Ok(());
        }
        let Some(version) = self.store.to_write().await? else { return Ok(()) };
        if version.called.is_some() || version.base != self.store.base {
            return Err(self.store.gone().await);
        }
        self.limits.set(version.described.limits);
        self.has_state.store(version.described.has_state, Ordering::Release);
        self.number.store(version.number, Ordering::Release);
        Ok(())
    }
}
