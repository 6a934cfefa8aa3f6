//! A wish to stop, from whoever interrupts to whatever runs.

use tokio::sync::watch;

/// Held by the flows: asks whether to stop, or waits for it.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<bool>);

/// Held by whoever may interrupt. Dropping it without a call means that nobody ever will.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

pub fn pair() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(false);
    (Canceller(sender), Cancel(receiver))
}

impl Canceller {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancel {
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when cancelled, and never otherwise.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
