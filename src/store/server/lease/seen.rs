//! A lease as seen by a process that does not want the collection.

use std::time::{Duration, SystemTime};

use super::stored::millis;
use super::{Lease, LeasePlace, named};
use crate::error::BackendError;
use crate::types::LeaseStanding;

impl LeasePlace {
    /// State of the lease, or that of a part; `None` where there never was one. `life`: how long one is
    /// valid.
    pub(in super::super) async fn seen(
        &self,
        life: Duration,
    ) -> Result<Option<LeaseStanding>, BackendError> {
        let now = SystemTime::now();
        let Some(whole) = self.read().await? else { return Ok(None) };
        if whole.holder.is_some() {
            return Ok(Some(whole.standing(life, now)));
        }
        // Of the holders of parts, the one that was silent for longest.
        let parts = self.read_parts().await?.into_iter().filter(|part| part.holder.is_some());
        let part = parts.min_by_key(|part| part.expires_at);
        Ok(Some(part.unwrap_or(whole).standing(life, now)))
    }

    /// The highest number of a version that was live; 0 where there was none.
    pub(in super::super) async fn highest(&self) -> Result<u32, BackendError> {
        Ok(self.read().await?.map_or(0, |lease| lease.number))
    }
}

impl Lease {
    fn standing(self, life: Duration, now: SystemTime) -> LeaseStanding {
        let left = i128::from(self.expires_at) - i128::from(millis(now));
        LeaseStanding {
            holder_ended: self.holder.as_ref().is_some_and(|holder| holder.owner.is_gone()),
            holder: self.holder.map(|holder| match self.partition {
                Some(partition) => format!("{} (part {partition})", named(Some(holder))),
                None => named(Some(holder)),
            }),
            expires_in: i64::try_from(left.div_euclid(1_000)).unwrap_or(i64::MAX),
            life: life.as_secs().cast_signed(),
        }
    }
}
