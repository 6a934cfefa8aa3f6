//! What a run may spend on embedding and on OCR.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::cancel::{Canceller, Stop};
use crate::embed::Embedder;
use crate::ocr::OcrUsage;
use crate::types::{ChatPrice, Usage};

/// What a run may spend, and the prices of its requests, in the user's currency.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limit {
    pub most: f64,
    /// Price of one token that is embedded.
    pub embedding: f64,
    /// Price of the OCR model. `None`: it costs nothing.
    pub ocr: Option<ChatPrice>,
}

/// What a run may spend, shared by the batches and pages in progress. A batch reserves what the embedder
/// counts before it is embedded, and pays what the embedder bills. The cost of a page is not known in
/// advance: each is assumed to cost as much as the dearest one so far, and the first page is read alone.
pub struct RunBudget {
    /// `None`: no limit.
    limit: Option<Limit>,
    stop: Canceller,
    spending: Mutex<Spending>,
    /// Batches ask in order.
    turn: tokio::sync::Mutex<()>,
    /// Notified when a batch or a page has ended and its reservation is free.
    freed: Notify,
}

#[derive(Default)]
struct Spending {
    /// Expected tokens of the batches in progress.
    reserved: u64,
    /// Tokens embedded, as of when the last batch began or ended.
    embedded: u64,
    /// Pages in progress.
    pages: u32,
    /// Cost of the pages that were read.
    read: f64,
    /// Cost of the dearest page.
    dearest: f64,
    usage: Usage,
    /// See [`RunBudget::left_pages`].
    left_pages: bool,
}

/// Permission to embed one batch. Dropped when the batch is embedded.
pub(super) struct BudgetReservation<'a> {
    budget: &'a RunBudget,
    embedder: &'a dyn Embedder,
    tokens: u64,
}

/// Permission to have one page read. Dropped when the page is read, with what was billed.
pub(super) struct ReservedPage<'a> {
    budget: &'a RunBudget,
    pub(super) bill: OcrUsage,
}

/// See [`RunBudget::turn`].
pub(super) type BudgetTurn<'a> = tokio::sync::MutexGuard<'a, ()>;

impl RunBudget {
    /// A budget that cancels `stop` when the next request does not fit into `limit`.
    pub fn new(limit: Option<Limit>, stop: Canceller) -> Self {
        Self {
            limit,
            stop,
            spending: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// Usage that was billed for the pages of the run.
    pub fn ocr_usage(&self) -> Usage {
        self.spending().usage
    }

    /// Whether pages were left unread because they would cost too much.
    pub(super) fn left_pages(&self) -> bool {
        self.spending().left_pages
    }

    /// Ends the run when the budget is used up.
    pub fn canceller(&self) -> Canceller {
        self.stop.clone()
    }

    /// The turn of a batch, in the order in which batches ask. It is taken before anything else is awaited,
    /// so that the first batch is also paid for first. Without a limit there are no turns.
    pub(super) async fn turn(&self) -> Option<BudgetTurn<'_>> {
        match self.limit {
            Some(_) => Some(self.turn.lock().await),
            None => None,
        }
    }

    /// Permission to embed these inputs, or `None` if they would cost too much; then everything after them is
    /// refused too. Waits if the answer depends on what the batches in progress will cost.
    pub(super) async fn reserve<'a>(
        &'a self,
        embedder: &'a dyn Embedder,
        inputs: &[String],
        turn: Option<BudgetTurn<'_>>,
    ) -> Option<BudgetReservation<'a>> {
        let leave = |tokens| BudgetReservation { budget: self, embedder, tokens };
        let Some(limit) = self.limit else { return Some(leave(0)) };
        let prefix = embedder.count_tokens(&embedder.id().document_prefix);
        let counted = inputs.iter().map(|text| embedder.count_tokens(text) + prefix);
        let tokens = counted.sum::<usize>() as u64;
        // Held until the decision is made.
        let _turn = turn;
        loop {
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            {
                let mut spending = self.spending();
                spending.embedded = embedder.tokens_embedded();
                // Pages are not waited for: they may be waiting for batches.
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

    /// Permission to have a page read, by a model of this process (`is_local`) or a remote one. A refusal
    /// does not cancel the run: the documents that were read before are still embedded, and so are those
    /// without pictures. See [`Self::left_pages`].
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
                    return Some(ReservedPage { budget: self, bill: OcrUsage::default() });
                }
            }
            freed.await;
        }
    }

    /// Ends the run if `cost` is over the limit.
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

impl Drop for BudgetReservation<'_> {
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
