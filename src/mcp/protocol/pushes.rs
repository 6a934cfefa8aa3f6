//! Change notifications for clients of the revisions with a handshake: clients that have listed resources
//! learn that the list has changed, and subscribers that their resource has.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer};

use super::resource_handlers::{LOOK, ResourceSnapshot, no_resource};
use crate::cancel::Cancel;
use crate::mcp::access::ClientAccess;
use crate::mcp::resources;
use crate::task::Task;

/// Most subscriptions of a client.
const MOST: usize = 1_000;

/// The subscriptions of the one client of a connection.
#[derive(Default)]
pub(super) struct Subscriptions {
    uris: Arc<Mutex<BTreeSet<String>>>,
    /// Started by the first client that wants to know: for a client that only calls tools, no collection is
    /// opened to look for changes.
    looks: OnceLock<Task<()>>,
}

impl Subscriptions {
    /// # Errors
    /// There is no such resource, or there are too many subscriptions.
    pub(super) async fn subscribe(
        &self,
        uri: String,
        access: &Arc<dyn ClientAccess>,
        context: &RequestContext<RoleServer>,
        stop: &Cancel,
    ) -> Result<(), ErrorData> {
        if resources::state_of(&**access, &uri).await.is_none() {
            return Err(no_resource(&uri));
        }
        {
            let mut uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
            if uris.len() >= MOST && !uris.contains(&uri) {
                let problem =
                    format!("there are already {MOST} subscriptions, the most that are allowed");
                return Err(ErrorData::invalid_request(problem, None));
            }
            uris.insert(uri);
        }
        self.look(access, context, stop).await;
        Ok(())
    }

    pub(super) fn unsubscribe(&self, uri: &str) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    /// Starts looking for changes.
    pub(super) async fn look(
        &self,
        access: &Arc<dyn ClientAccess>,
        context: &RequestContext<RoleServer>,
        stop: &Cancel,
    ) {
        if self.looks.get().is_some() {
            return;
        }
        // A change that happens before the response is sent is reported, too.
        let looked = ResourceSnapshot::begin(&**access, &self.uris()).await;
        let (uris, access) = (Arc::clone(&self.uris), Arc::clone(access));
        let (peer, stop) = (context.peer.clone(), stop.clone());
        self.looks.get_or_init(|| {
            Task::spawn(async move {
                tokio::select! {
                    () = tell(looked, &*access, &uris, &peer) => {}
                    () = stop.cancelled() => {}
                }
            })
        });
    }

    fn uris(&self) -> Vec<String> {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Sends notifications until the client is gone.
async fn tell(
    mut looked: ResourceSnapshot,
    access: &dyn ClientAccess,
    uris: &Mutex<BTreeSet<String>>,
    peer: &Peer<RoleServer>,
) {
    loop {
        tokio::time::sleep(LOOK).await;
        let wanted: Vec<String> =
            uris.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let Some(changed) = looked.again(access, &wanted).await else { continue };
        let mut told = peer.notify_resource_list_changed().await;
        for uri in changed {
            let changed = ResourceUpdatedNotificationParam::new(uri);
            told = told.and(peer.notify_resource_updated(changed).await);
        }
        if told.is_err() {
            return;
        }
    }
}
