//! Whether an update was applied, of a store that lets its caller go on before it knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Signed by the store when it has what it was given: what is not signed may not be counted as stored.
#[derive(Clone, Debug, Default)]
pub struct Receipt(Arc<AtomicBool>);

impl Receipt {
    /// Of a store that has everything when it returns.
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
