//! A lease as one sees it who wants nothing of the collection.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Lease, Place, named};
use crate::error::BackendError;
use crate::types::LeaseStanding;

impl Place {
    /// How the lease stands; `None` where there never was one. `life`: how long one holds.
    pub(in super::super) async fn seen(
        &self,
        life: Duration,
    ) -> Result<Option<LeaseStanding>, BackendError> {
        let now = SystemTime::now();
        Ok(self.read().await?.map(|lease| lease.standing(life, now)))
    }
}

impl Lease {
    fn standing(self, life: Duration, now: SystemTime) -> LeaseStanding {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let left = i64::try_from(self.expires_at).unwrap_or(i64::MAX).saturating_sub(now);
        LeaseStanding {
            holder_ended: self.holder.as_ref().is_some_and(|holder| holder.owner.is_gone()),
            holder: self.holder.map(|holder| named(Some(holder))),
            expires_in: left.div_euclid(1_000),
            life: life.as_secs() as i64,
        }
    }
}
