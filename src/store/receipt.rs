//! Tells whether an update was applied, for stores that return before they know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Signed by the store once it has the update: until then, the update must not be counted as stored.
#[derive(Clone, Debug, Default)]
pub struct Receipt(Arc<AtomicBool>);

impl Receipt {
    /// For a store that has applied everything when it returns.
    pub fn signed() -> Self {
        let receipt = Self::default();
        receipt.sign();
        receipt
    }

    pub(super) fn sign(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_signed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
