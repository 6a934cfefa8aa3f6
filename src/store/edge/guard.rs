//! Panics of the engine, turned into errors.
//!
//! The engine panics where it can't write (a full disk), also while it is dropped. Such a panic is
//! an error of the store: it is caught, and nothing is printed about it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use qdrant_edge::{OperationError, OperationResult};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `op`; a panic comes back as its message.
pub(super) fn catch<T>(op: impl FnOnce() -> T) -> Result<T, String> {
    silence();
    let outer = GUARDED.replace(true);
    // Callers drop or replace what `op` has touched; it is never used again as it is.
    let outcome = panic::catch_unwind(AssertUnwindSafe(op));
    GUARDED.set(outer);
    outcome.map_err(|payload| {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("the engine panicked");
        useful(message).to_owned()
    })
}

/// Runs an operation of the engine; its errors and panics come back as their descriptions.
pub(super) fn run<T>(op: impl FnOnce() -> OperationResult<T>) -> Result<T, String> {
    catch(op)?.map_err(|error| match error {
        OperationError::ServiceError { description, .. } => description,
        other => other.to_string(),
    })
}

/// Locks the mutex, poisoned or not: no value here is left half changed by a panic.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Installs a panic hook that prints nothing about guarded panics and passes all others on.
fn silence() {
    static HOOK: Once = Once::new();
    // The hook can't be changed while a panic is under way.
    if std::thread::panicking() {
        return;
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                previous(info);
            }
        }));
    });
}

/// The description inside a printed engine error, without the backtrace.
fn useful(message: &str) -> &str {
    let start = message.split_once("description: \"").map_or(message, |(_, rest)| rest);
    let end = start.split_once("\", backtrace").map_or(start, |(text, _)| text);
    end.lines().next().unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_its_message() {
        let number = 7;
        assert_eq!(catch(|| 1), Ok(1));
        assert_eq!(catch(|| -> u32 { panic!("plain") }), Err("plain".to_owned()));
        assert_eq!(catch(|| -> u32 { panic!("with {number}") }), Err("with 7".to_owned()));
    }

    #[test]
    fn engine_errors_lose_their_backtrace() {
        let printed = r#"segments flushed: ServiceError { description: "No space left on device (os error 28)", backtrace: Some("   0: std::\n  1: x") }"#;
        assert_eq!(useful(printed), "No space left on device (os error 28)");
    }
}
