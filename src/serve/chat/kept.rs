//! Turns that are under way and those of a while ago, by the key that asked: who lost its connection gets
//! them again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::turn::Turn;

/// How long a turn that has ended is kept.
const EXPIRY: Duration = Duration::from_mins(2);

/// Turns of one key, at most: beyond it, who asks most often loses its oldest, and nobody else does.
const MOST_OF_KEY: usize = 64;

/// All that is kept of turns that have ended, in bytes, give or take those of the last second.
const LARGEST: usize = 64 << 20;

/// By the id of the key; the empty one where nobody needs one. Oldest first.
type Turns = HashMap<String, VecDeque<Arc<Turn>>>;

#[derive(Default)]
pub(in crate::serve) struct KeptTurns(Mutex<Turns>);

impl KeptTurns {
    pub(super) fn add(&self, key_id: &str, turn: Arc<Turn>) {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = turns.entry(key_id.to_owned()).or_default();
        own.push_back(turn);
        if own.len() > MOST_OF_KEY {
            // One that is under way goes on; only it cannot be had again.
            own.pop_front();
        }
    }

    /// Of this key, and of no other.
    pub(super) fn find(&self, key_id: &str, answer_id: Uuid) -> Option<Arc<Turn>> {
        let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = turns.get(key_id)?;
        own.iter().find(|turn| turn.answer_id == answer_id && turn.is_kept()).cloned()
    }

    /// Lets go of what nobody came back for.
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
    fn what_is_old_or_too_much_goes_and_what_is_under_way_stays() {
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
