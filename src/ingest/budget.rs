//! What a run may spend on embedding.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::cancel::{Canceller, Stop};
use crate::embed::Embedder;

/// Tokens that a run may embed, shared by the batches under way. They are asked for before a batch
/// is embedded, at what the embedder counts, and spent at what it bills.
pub struct Budget {
    /// `None`: no limit.
    tokens: Option<u64>,
    stop: Canceller,
    /// What the batches under way are expected to cost, in tokens.
    reserved: Mutex<u64>,
    /// Batches ask in order.
    turn: tokio::sync::Mutex<()>,
    /// A batch has ended, and what was reserved for it is free.
    freed: Notify,
}

/// Leave to embed one batch. Dropped when that is done.
pub(super) struct Reserved<'a> {
    budget: &'a Budget,
    tokens: u64,
}

/// See [`Budget::turn`].
pub(super) type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

impl Budget {
    /// The batch that does not fit into `tokens` any more cancels `stop`.
    pub fn new(tokens: Option<u64>, stop: Canceller) -> Self {
        Self {
            tokens,
            stop,
            reserved: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// What ends the run when the budget is used up.
    pub fn canceller(&self) -> Canceller {
        self.stop.clone()
    }

    /// The turn of a batch, in the order in which batches ask: it is taken before anything else is
    /// awaited, so that what comes first is also paid for first. Without a limit there are no turns.
    pub(super) async fn turn(&self) -> Option<Turn<'_>> {
        match self.tokens {
            Some(_) => Some(self.turn.lock().await),
            None => None,
        }
    }

    /// Leave to embed these, or `None` where they would cost too much: then nor will anything after
    /// them. Waits where that depends on what the batches under way will have cost.
    pub(super) async fn reserve(
        &self,
        embedder: &dyn Embedder,
        inputs: &[String],
        turn: Option<Turn<'_>>,
    ) -> Option<Reserved<'_>> {
        let Some(limit) = self.tokens else { return Some(Reserved { budget: self, tokens: 0 }) };
        let prefix = embedder.count_tokens(&embedder.id().document_prefix);
        let counted = inputs.iter().map(|text| embedder.count_tokens(text) + prefix);
        let tokens = counted.sum::<usize>() as u64;
        // Held until there is an answer.
        let _turn = turn;
        loop {
            let cost = embedder.tokens_embedded().saturating_add(tokens);
            if cost > limit || self.stop.is_cancelled() {
                self.stop.cancel(Stop::MaxCost);
                return None;
            }
            if cost.saturating_add(*self.reserved()) <= limit {
                *self.reserved() += tokens;
                return Some(Reserved { budget: self, tokens });
            }
            self.freed.notified().await;
        }
    }

    fn reserved(&self) -> MutexGuard<'_, u64> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        *self.budget.reserved() -= self.tokens;
        self.budget.freed.notify_one();
    }
}
