//! Progress of a call.

use std::pin::pin;

use tokio::sync::watch;

/// The number of messages so far, and the last of them.
#[derive(Clone, Default)]
pub(super) struct Progress {
    pub(super) count: u32,
    pub(super) message: String,
}

impl Progress {
    pub(super) fn add(&mut self, message: &str) {
        self.count += 1;
        message.clone_into(&mut self.message);
    }
}

/// Awaits `called`, and passes its progress to `notify` meanwhile; where messages come faster than they can be
/// passed on, only the last one.
///
/// The last message of a call is always passed on, also where the call has ended: otherwise what a client
/// receives, and whether it is answered by events or by one object, would depend on how fast the call was.
pub(super) async fn relay<T, F: Future<Output = ()>>(
    called: impl Future<Output = T>,
    mut heard: watch::Receiver<Progress>,
    notify: impl Fn(Progress) -> F,
) -> T {
    let mut called = pin!(called);
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut called => break outcome,
            Ok(()) = heard.changed() => {
                let told = heard.borrow_and_update().clone();
                notify(told).await;
            }
        }
    };
    if heard.has_changed().unwrap_or(false) {
        let told = heard.borrow_and_update().clone();
        notify(told).await;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What is passed on from a call that tells `messages`, and yields after each or not.
    async fn passed_on(messages: &[&str], yields: bool) -> Vec<(u32, String)> {
        let (told, heard) = watch::channel(Progress::default());
        let called = async {
            for message in messages {
                told.send_modify(|told| told.add(message));
                if yields {
                    tokio::task::yield_now().await;
                }
            }
            "end"
        };
        let passed = Mutex::new(Vec::new());
        let notify = |told: Progress| {
            passed.lock().expect("no panic").push((told.count, told.message));
            std::future::ready(())
        };
        assert_eq!(relay(called, heard, notify).await, "end");
        passed.into_inner().expect("no panic")
    }

    #[tokio::test]
    async fn the_last_message_is_passed_on_however_fast_the_call_is() {
        let told = |count, message: &str| (count, message.to_owned());
        let messages = ["a", "b", "c"];
        assert_eq!(passed_on(&messages, false).await, [told(3, "c")]);
        assert_eq!(passed_on(&messages, true).await, [told(1, "a"), told(2, "b"), told(3, "c")]);
        assert_eq!(passed_on(&[], false).await, []);
    }
}
