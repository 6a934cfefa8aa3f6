//! Turns in progress and recent ones, by the key that asked: a client that lost its connection can resume
//! them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::turn::ChatTurn;

/// How long a turn that has ended is kept.
const EXPIRY: Duration = Duration::from_mins(2);

/// Most turns of one key: beyond it, a key loses its own oldest turn, and no other key does.
const MOST_OF_KEY: usize = 64;

/// Most bytes kept of ended turns; those of the last second may exceed it.
const LARGEST: usize = 64 << 20;

/// By the id of the key, which is empty if no key is needed. Oldest first.
type Turns = HashMap<String, VecDeque<Arc<ChatTurn>>>;

#[derive(Default)]
pub(in crate::serve) struct RecentTurns(Mutex<Turns>);

impl RecentTurns {
    pub(super) fn add(&self, key_id: &str, turn: Arc<ChatTurn>) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = turns.entry(key_id.to_owned()).or_default();
        own.push_back(turn);
        if own.len() > MOST_OF_KEY {
            // A turn in progress continues, but can no longer be resumed.
            own.pop_front();
        }
    }

    /// A turn of this key only.
    pub(super) fn find(&self, key_id: &str, answer_id: Uuid) -> Option<Arc<ChatTurn>> {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = turns.get(key_id)?;
        own.iter().find(|turn| turn.answer_id == answer_id && turn.is_kept()).cloned()
    }

    /// Drops turns that no client came back for.
    pub(in crate::serve) fn forget_old(&self) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut turns, |turn| turn.since(), Instant::now(), LARGEST);
    }
}

/// `since`: when a turn ended, and its bytes.
fn forget<K, T>(
    turns: &mut HashMap<K, VecDeque<T>>,
    since: impl Fn(&T) -> Option<(Instant, usize)>,
    now: Instant,
    largest: usize,
) {
    let mut ended: Vec<(Instant, usize)> = turns.values().flatten().filter_map(&since).collect();
    ended.sort_unstable_by_key(|(time, _)| std::cmp::Reverse(*time));
    let mut bytes = 0;
    let over = ended.iter().find(|(_, size)| {
        bytes += size;
        bytes > largest
    });
    let over = over.map(|(time, _)| *time);
    turns.retain(|_, own| {
        own.retain(|turn| {
            since(turn).is_none_or(|(time, _)| {
                now.duration_since(time) < EXPIRY && over.is_none_or(|over| time > over)
            })
        });
        !own.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_excess_turns_are_dropped_and_turns_in_progress_stay() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let kept = |now: Instant, largest: usize| {
            let mut turns = HashMap::from([
                ("a", VecDeque::from([None, Some((at(10), 5)), Some((at(20), 5))])),
                ("b", VecDeque::from([Some((at(15), 5))])),
            ]);
            forget(&mut turns, |turn| *turn, now, largest);
            let count = |key| turns.get(key).map_or(0, VecDeque::len);
            (count("a"), count("b"))
        };
        assert_eq!(kept(at(30), 100), (3, 1));
        assert_eq!(kept(at(131), 100), (2, 1));
        assert_eq!(kept(at(200), 100), (1, 0));
        assert_eq!(kept(at(30), 10), (2, 1));
        assert_eq!(kept(at(30), 4), (1, 0));
    }
}
