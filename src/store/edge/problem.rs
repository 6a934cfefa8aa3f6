//! What went wrong, before it is known of which collection.

use crate::error::Fault;

pub(super) struct Problem {
    pub(super) fault: Fault,
    pub(super) message: String,
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        let fault = if is_lack_of_space(&message) { Fault::Full } else { Fault::Permanent };
        Self { fault, message }
    }
}

/// Whether an error of the system or of the engine says that the disk is full.
fn is_lack_of_space(message: &str) -> bool {
    message.contains("No space left on device") || message.contains("Not enough space available")
}
