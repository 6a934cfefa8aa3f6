//! What a run may spend on embedding, and on having pages read.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::cancel::{Canceller, Stop};
use crate::embed::Embedder;
use crate::ocr::Bill;
use crate::types::{ChatPrice, Usage};

/// What a run may spend, and what its requests cost, in the user's currency.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    pub most: f64,
    /// Price of one token that is embedded.
    pub embedding: f64,
    /// Of the model that reads pages. `None`: nobody bills it.
    pub ocr: Option<ChatPrice>,
}

/// What a run may spend, shared by the batches and pages under way. A batch asks before it is
/// embedded, at what the embedder counts, and is paid for at what it bills. What a page will cost is
/// not known before: it is taken for as much as the dearest one so far, and the first one is read
/// alone.
pub struct Budget {
    /// `None`: no limit.
    limit: Option<Limit>,
    stop: Canceller,
    spending: Mutex<Spending>,
    /// Batches ask in order.
    turn: tokio::sync::Mutex<()>,
    /// A batch or a page has ended, and what was reserved for it is free.
    freed: Notify,
}

#[derive(Default)]
struct Spending {
    /// What the batches under way are expected to be, in tokens.
    reserved: u64,
    /// What was embedded when the last batch ended or began.
    embedded: u64,
    /// Pages under way.
    pages: u32,
    /// What the pages before cost.
    read: f64,
    /// What the dearest of them cost.
    dearest: f64,
    usage: Usage,
    /// See [`Budget::left_pages`].
    left_pages: bool,
}

/// Leave to embed one batch. Dropped when that is done.
pub(super) struct Reserved<'a> {
    budget: &'a Budget,
    embedder: &'a dyn Embedder,
    tokens: u64,
}

/// Leave to have one page read. Dropped when that is done, with what was billed.
pub(super) struct ReservedPage<'a> {
    budget: &'a Budget,
    pub(super) bill: Bill,
}

/// See [`Budget::turn`].
pub(super) type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

impl Budget {
    /// What does not fit into `limit` any more cancels `stop`.
    pub fn new(limit: Option<Limit>, stop: Canceller) -> Self {
        Self {
            limit,
            stop,
            spending: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// What the pages of the run were billed with.
    pub fn ocr_usage(&self) -> Usage {
        self.spending().usage
    }

    /// Whether pages were left unread because they would cost too much.
    pub(super) fn left_pages(&self) -> bool {
        self.spending().left_pages
    }

    /// What ends the run when the budget is used up.
    pub fn canceller(&self) -> Canceller {
        self.stop.clone()
    }

    /// The turn of a batch, in the order in which batches ask: it is taken before anything else is
    /// awaited, so that what comes first is also paid for first. Without a limit there are no turns.
    pub(super) async fn turn(&self) -> Option<Turn<'_>> {
        match self.limit {
            Some(_) => Some(self.turn.lock().await),
            None => None,
        }
    }

    /// Leave to embed these, or `None` where they would cost too much: then nor will anything after
    /// them. Waits where that depends on what the batches under way will have cost.
    pub(super) async fn reserve<'a>(
        &'a self,
        embedder: &'a dyn Embedder,
        inputs: &[String],
        turn: Option<Turn<'_>>,
    ) -> Option<Reserved<'a>> {
        let leave = |tokens| Reserved { budget: self, embedder, tokens };
        let Some(limit) = self.limit else { return Some(leave(0)) };
        let prefix = embedder.count_tokens(&embedder.id().document_prefix);
        let counted = inputs.iter().map(|text| embedder.count_tokens(text) + prefix);
        let tokens = counted.sum::<usize>() as u64;
        // Held until there is an answer.
        let _turn = turn;
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut spending = self.spending();
                spending.embedded = embedder.tokens_embedded();
                // Pages are not waited for: they may wait for batches.
                let cost = spending.so_far(&limit)
                    + spending.pages_under_way()
                    + limit.embedding * tokens as f64;
                if self.is_over(&limit, cost) {
                    return None;
                }
                if limit.allows(cost + spending.batches_under_way(&limit)) {
                    spending.reserved += tokens;
                    return Some(leave(tokens));
                }
            }
            freed.await;
        }
    }

    /// The same for a page that a model of this process (`is_local`) or another reads. It does not
    /// cancel: the documents that were read before are still embedded, and so are those without
    /// pictures. See [`Self::left_pages`].
    pub(super) async fn reserve_page(&self, is_local: bool) -> Option<ReservedPage<'_>> {
        let limit = self.limit.filter(|limit| !is_local && limit.ocr.is_some());
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut spending = self.spending();
                let fits = match &limit {
                    None => true,
                    Some(limit) => {
                        let cost = spending.so_far(limit) + spending.dearest;
                        let is_over = limit.most <= 0.0 || !limit.allows(cost);
                        if is_over || self.stop.is_cancelled() {
                            spending.left_pages |= is_over;
                            return None;
                        }
                        let under_way =
                            spending.pages_under_way() + spending.batches_under_way(limit);
                        let is_known = spending.dearest > 0.0 || spending.pages == 0;
                        is_known && limit.allows(cost + under_way)
                    }
                };
                if fits {
                    spending.pages += 1;
                    return Some(ReservedPage { budget: self, bill: Bill::default() });
                }
            }
            freed.await;
        }
    }

    /// Ends the run where that is too much.
    fn is_over(&self, limit: &Limit, cost: f64) -> bool {
        let is_over = !limit.allows(cost) || self.stop.is_cancelled();
        if is_over {
            self.stop.cancel(Stop::MaxCost);
        }
        is_over
    }

    fn spending(&self) -> MutexGuard<'_, Spending> {
        self.spending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limit {
    /// A sum of prices may be off in its last digits.
    fn allows(&self, cost: f64) -> bool {
        cost <= self.most * (1.0 + 1e-9)
    }
}

impl Spending {
    fn so_far(&self, limit: &Limit) -> f64 {
        limit.embedding * self.embedded as f64 + self.read
    }

    fn batches_under_way(&self, limit: &Limit) -> f64 {
        limit.embedding * self.reserved as f64
    }

    fn pages_under_way(&self) -> f64 {
        self.dearest * f64::from(self.pages)
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut spending = self.budget.spending();
        spending.reserved -= self.tokens;
        spending.embedded = self.embedder.tokens_embedded();
        drop(spending);
        self.budget.freed.notify_waiters();
    }
}

impl Drop for ReservedPage<'_> {
    fn drop(&mut self) {
        let usage = self.bill.usage();
        let price = self.budget.limit.and_then(|limit| limit.ocr);
        let cost = price.and_then(|price| price.cost(&usage)).unwrap_or_default();
        let mut spending = self.budget.spending();
        spending.pages -= 1;
        spending.read += cost;
        spending.dearest = spending.dearest.max(cost);
        spending.usage += usage;
        drop(spending);
        self.budget.freed.notify_waiters();
    }
}
