//! Cancellation, from the side that interrupts to the work that is running.

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

/// Why a run stops before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The user asked for it.
    Interrupt,
    /// The time it was given is over.
    Deadline,
    /// What comes next would cost more than it may.
    MaxCost,
    /// A source failed, and the run was to end with the first that does.
    FirstFailure,
}

/// Held by the flows: asks whether to stop, or waits for it.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<Option<Stop>>);

/// Held by anything that may interrupt. If the last one is dropped without a call, the work is never
/// cancelled.
#[derive(Clone, Debug)]
pub struct Canceller(watch::Sender<Option<Stop>>);

pub fn pair() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(None);
    (Canceller(sender), Cancel(receiver))
}

impl Canceller {
    /// The first reason wins, except that the user's replaces any other.
    pub fn cancel(&self, why: Stop) {
        self.0.send_if_modified(|stop| {
            let counts = stop.is_none() || (why == Stop::Interrupt && *stop != Some(why));
            if counts {
                *stop = Some(why);
            }
            counts
        });
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Resolves when nothing is left that could be cancelled.
    pub async fn unheard(&self) {
        self.0.closed().await;
    }
}

impl Cancel {
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    pub fn reason(&self) -> Option<Stop> {
        *self.0.borrow()
    }

    /// Resolves when cancelled, and never otherwise.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts_and_the_users_before_any_other() {
        let (canceller, cancel) = pair();
        assert_eq!(cancel.reason(), None);
        canceller.cancel(Stop::MaxCost);
        canceller.cancel(Stop::Deadline);
        assert_eq!(cancel.reason(), Some(Stop::MaxCost));
        canceller.cancel(Stop::Interrupt);
        canceller.cancel(Stop::Deadline);
        assert_eq!(cancel.reason(), Some(Stop::Interrupt));
    }
}
