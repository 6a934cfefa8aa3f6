//! One version of a collection on a server, as seen by a reader or the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::ServerStore;
use super::collection::is_of_docent;
use super::description::{VersionDescription, config_in};
use super::existing::PhysicalVersion;
use super::intents::IntentReporter;
use super::lease::HeldLease;
use super::limited::{KnownLimits, LimitedClient};
use super::link::or_missing;
use super::marks;
use super::pipeline::Pipeline;
use super::shared_writer::SharedWriter;
use crate::error::{BackendError, Fault};
use crate::types::Partition;

/// Stands for no version.
const NONE: u32 = 0;

/// A version, identified by the name of its physical collection.
pub(super) struct Physical {
    pub(super) store: ServerStore,
    /// [`NONE`] until it is created.
    pub(super) number: AtomicU32,
    /// The name of the physical collection; `None` where it is `NAME@vN`.
    pub(super) called: Option<String>,
    /// `None` for a reader.
    pub(super) right: Option<Arc<WriteRight>>,
    pub(super) successor: Option<Successor>,
    /// For a reader: whether a run was unfinished when the manifest was read.
    unfinished: bool,
    pub(super) limits: Arc<KnownLimits>,
    /// Whether its manifest is in a point.
    pub(super) has_state: AtomicBool,
}

/// The right to change a collection. A successor shares it with the writer that made it.
#[derive(Default)]
pub(super) struct WriteRight {
    pub(super) lease: Arc<Mutex<Option<HeldLease>>>,
    /// Ends before the lease is given back.
    pub(super) pipeline: Pipeline,
    pub(super) told: IntentReporter,
    pub(super) closed: AtomicBool,
    /// Set if it is the right to a part of the collection.
    pub(super) sharing: Option<SharedWriter>,
}

impl WriteRight {
    pub(super) fn new(held: HeldLease, sharing: Option<SharedWriter>) -> Self {
        let mut right = Self::default();
        right.lease = slot(Some(held));
        right.sharing = sharing;
        right
    }
}

impl Drop for WriteRight {
    /// A writer that was dropped without being closed gives the lease back all the same, if there is time;
    /// otherwise the lease runs out.
    fn drop(&mut self) {
        let turn = self.sharing.as_ref().map(|sharing| &sharing.turn);
        for lease in turn.into_iter().chain([&self.lease]) {
            let held = lease.try_lock().ok().and_then(|mut lease| lease.take());
            if let (Some(held), Ok(runtime)) = (held, tokio::runtime::Handle::try_current()) {
                runtime.spawn(async move {
                    let _ = held.give_back().await;
                });
            }
        }
    }
}

/// A version that no alias names until it is published.
#[derive(Default)]
pub(super) struct Successor {
    pub(super) published: AtomicBool,
    /// Whether it stays beside the version that it was to replace.
    pub(super) aside: AtomicBool,
    /// Number of the version that it is to replace; [`NONE`] where there is none.
    pub(super) replaces: u32,
}

impl Physical {
    pub(super) fn pinned(store: &ServerStore, version: PhysicalVersion, unfinished: bool) -> Self {
        Self { unfinished, ..Self::of(store, Some(version), None, None) }
    }

    /// Waits for the right to change the collection, or a part of it. Removes what another writer left
    /// behind, except what the run `resumable` has begun.
    pub(super) async fn written(
        store: &ServerStore,
        partition: Option<Partition>,
        resumable: Option<Uuid>,
    ) -> Result<Self, BackendError> {
        let (mut store, mut found) = (store.clone(), store.to_write().await?);
        loop {
            if let Some(version) = &found {
                store.base.clone_from(&version.base);
            }
            let held = match partition {
                None => store.lease().acquire(&store.terms).await?,
                Some(partition) => store.lease().join(partition, &store.terms).await?,
            };
            // The previous writer may have changed which version has the name.
            found = match store.to_write().await {
                Ok(found) => found,
                Err(error) => {
                    // The lease runs out by itself.
                    let _ = held.give_back().await;
                    return Err(error);
                }
            };
            if found.as_ref().is_some_and(|version| version.base != store.base) {
                held.give_back().await?;
                continue;
            }
            if let Some(version) = &found {
                // What can't be removed now is removed by the next writer.
                let _ = store.remove_leftovers(version, resumable).await;
                if let Err(error) = outrank(&store, &held, version).await {
                    let _ = held.give_back().await;
                    return Err(error);
                }
            }
            return match partition {
                None => {
                    let right = WriteRight::new(held, None);
                    Ok(Self::of(&store, found, Some(Arc::new(right)), None))
                }
                Some(partition) => Self::of_part(&store, found, held, partition).await,
            };
        }
    }

    pub(super) fn of(
        store: &ServerStore,
        version: Option<PhysicalVersion>,
        right: Option<Arc<WriteRight>>,
        successor: Option<Successor>,
    ) -> Self {
        let described = version.as_ref().map(|version| version.described).unwrap_or_default();
        let (number, called) = version.map_or((NONE, None), |it| (it.number, it.called));
        Self {
            store: store.clone(),
            number: AtomicU32::new(number),
            called,
            right,
            successor,
            unfinished: false,
            limits: KnownLimits::new(described.limits),
            has_state: AtomicBool::new(described.has_state),
        }
    }

    /// Another version that is kept, for the same writer. Requests use its own name: the alias names this
    /// one.
    pub(super) async fn numbered(&self, number: u32) -> Result<Self, BackendError> {
        let (store, right) = (&self.store, self.right()?);
        let name = store.version(number);
        let info = store.info(&name).await?;
        let info = info.filter(|info| {
            let config = config_in(info);
            is_of_docent(&config) && marks::stays(&config)
        });
        let info = info.ok_or_else(|| store.no_version(number))?;
        let version = PhysicalVersion::numbered(&store.base, number).by(&info);
        if let Some(held) = &*right.lease.lock().await {
            outrank(store, held, &version).await?;
        }
        let successor = Some(Successor { replaces: NONE, ..Successor::default() });
        Ok(Self::of(store, Some(version), Some(Arc::clone(right)), successor))
    }

    /// The version that a run has begun to build, and not finished.
    pub(super) async fn left_by(&self, run: Uuid) -> Result<Option<Self>, BackendError> {
        let (store, right) = (&self.store, self.whole()?);
        let aliases = store.aliases().await?;
        for number in store.versions().await?.into_iter().filter(|it| *it != self.number()) {
            let name = store.version(number);
            if aliases.iter().any(|alias| alias.collection_name == name) {
                continue;
            }
            let Some(info) = store.left_by(&name, run).await? else { continue };
            // Its indexes may not have been created yet.
            if !store.has_points(&name).await? {
                continue;
            }
            let version = PhysicalVersion::numbered(&store.base, number).by(&info);
            if let Some(held) = &*right.lease.lock().await {
                outrank(store, held, &version).await?;
            }
            if self.number() != NONE {
                store.note_beside(&name, &[self.number()]).await?;
            }
            let right = Some(Arc::clone(right));
            let successor = Successor { replaces: self.number(), ..Successor::default() };
            return Ok(Some(Self::of(store, Some(version), right, Some(successor))));
        }
        Ok(None)
    }

    pub(super) fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    /// The name in requests: the version, unless the key may only ask for the alias.
    pub(super) fn target(&self) -> String {
        let physical = self.named().physical();
        if self.is_published() {
            self.store.rights.name_for(&physical, &self.store.name).to_owned()
        } else {
            physical
        }
    }

    pub(super) fn named(&self) -> PhysicalVersion {
        PhysicalVersion {
            base: self.store.base.clone(),
            number: self.number(),
            called: self.called.clone(),
            described: VersionDescription::default(),
        }
    }

    /// Requests to it, within its limits.
    pub(super) fn kept(&self) -> LimitedClient {
        LimitedClient::new(self.store.link.clone(), self.target(), Arc::clone(&self.limits))
    }

    /// The right to change the version; fails once it was given back.
    pub(super) fn right(&self) -> Result<&Arc<WriteRight>, BackendError> {
        let refuse = |why| Err(self.store.error(Fault::Permanent, why));
        match &self.right {
            Some(right) if right.closed.load(Ordering::Acquire) => refuse("its writer was closed"),
            Some(right) => Ok(right),
            // A reader is never given out as a writer.
            None => refuse("it was opened for reading only"),
        }
    }

    /// The right, if it covers the whole collection.
    pub(super) fn whole(&self) -> Result<&Arc<WriteRight>, BackendError> {
        let right = self.right()?;
        match &right.sharing {
            None => Ok(right),
            Some(sharing) => {
                let message = format!(
                    "it is written in parts, and this writer has only {}",
                    sharing.partition
                );
                Err(self.store.error(Fault::Permanent, &message))
            }
        }
    }

    /// Waits for earlier writes, whatever their outcome.
    pub(super) async fn settled(&self) {
        if let Some(right) = &self.right {
            right.pipeline.wait().await;
        }
    }

    /// `None` where the version does not exist: it was not created yet. For a reader, that is an error.
    pub(super) async fn found<T: Send>(
        &self,
        answer: Result<T, BackendError>,
    ) -> Result<Option<T>, BackendError> {
        match or_missing(answer)? {
            None if self.right.is_none() => Err(self.store.gone().await),
            Some(_) if self.may_have_moved() && self.store.has_moved_on(self.number()).await? => {
                Err(self.store.gone().await)
            }
            found => Ok(found),
        }
    }

    /// Whether the version that answers a reader may be another one by now.
    fn may_have_moved(&self) -> bool {
        self.right.is_none() && self.called.is_none() && self.target() == self.store.name
    }

    pub(super) fn missing(&self) -> BackendError {
        let name = &self.store.name;
        self.store.error(Fault::NotFound, &format!("there is no collection {name:?}"))
    }

    /// The number of the version that this one is to replace.
    pub(super) fn replaces(&self) -> Option<u32> {
        let successor = self.successor.as_ref().filter(|_| !self.is_published())?;
        Some(successor.replaces).filter(|number| *number != NONE)
    }

    pub(super) fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    pub(super) fn is_aside(&self) -> bool {
        self.successor.as_ref().is_some_and(|it| it.aside.load(Ordering::Acquire))
    }

    pub(super) fn is_published(&self) -> bool {
        let published = |successor: &Successor| successor.published.load(Ordering::Acquire);
        self.successor.as_ref().is_none_or(published)
    }
}

pub(super) fn slot(held: Option<HeldLease>) -> Arc<Mutex<Option<HeldLease>>> {
    Arc::new(Mutex::new(held))
}

/// Raises the lease above the stored terms: otherwise points with a later term would not be changed.
async fn outrank(
    store: &ServerStore,
    held: &HeldLease,
    version: &PhysicalVersion,
) -> Result<(), BackendError> {
    let physical = version.physical();
    let name = store.rights.name_for(&physical, &store.name);
    match store.highest_term(name, &version.described).await? {
        Some(stored) => held.outrank(stored).await,
        None => Ok(()),
    }
}
