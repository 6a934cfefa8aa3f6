//! The tokens of passages, remembered: tokenizing is most of the cost of reading a passage, and the
//! candidates of one question are often candidates of the next.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher13};

use super::LatePassage;
use crate::embed::builtin::table::ROW_COUNT;
use crate::embed::wordpiece::WordPiece;

/// Most bytes that are remembered: those of some 130,000 chunks of 200 tokens.
pub(super) const CAPACITY: usize = 64 << 20;

/// Bytes that an entry takes besides its tokens: key, value and counters in the cache, and the header of
/// the allocation.
const ENTRY: usize = 88;

/// Tokens by the text of passages, which is all that they depend on: even if a chunk changes, its tokens
/// cannot be confused with those of another text.
pub(super) struct Passages {
    keys: (u64, u64),
    known: Cache<u128, Tokens, Bytes>,
}

/// The token ids of a passage: first those of its heading, then those of its text.
#[derive(Clone)]
pub(super) struct Tokens {
    ids: Arc<[u16]>,
    text_at: usize,
}

const _: () = assert!(ROW_COUNT <= 1 << 16);

impl Tokens {
    fn read(tokenizer: &WordPiece, passage: LatePassage<'_>) -> Self {
        let mut ids = Vec::with_capacity((passage.heading.len() + passage.text.len()) / 3);
        tokenizer.tokenize(passage.heading, |id| ids.push(id as u16));
        let text_at = ids.len();
        tokenizer.tokenize(passage.text, |id| ids.push(id as u16));
        Self { ids: ids.into(), text_at }
    }

    pub(super) fn all(&self) -> &[u16] {
        &self.ids
    }

    pub(super) fn heading(&self) -> &[u16] {
        &self.ids[..self.text_at]
    }

    pub(super) fn text(&self) -> &[u16] {
        &self.ids[self.text_at..]
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<u128, Tokens> for Bytes {
    fn weight(&self, _: &u128, tokens: &Tokens) -> u64 {
        (ENTRY + size_of_val(&*tokens.ids)) as u64
    }
}

impl Passages {
    pub(super) fn new(capacity: usize) -> Self {
        let random = RandomState::new();
        Self {
            keys: (random.hash_one(0), random.hash_one(1)),
            known: Cache::with_weighter(capacity / (2 * ENTRY), capacity as u64, Bytes),
        }
    }

    pub(super) fn tokens(&self, tokenizer: &WordPiece, passage: LatePassage<'_>) -> Tokens {
        let key = self.key(passage);
        self.known.get(&key).unwrap_or_else(|| {
            let tokens = Tokens::read(tokenizer, passage);
            self.known.insert(key, tokens.clone());
            tokens
        })
    }

    /// A key with a random seed, so that nobody can write two texts with the same key.
    fn key(&self, passage: LatePassage<'_>) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.keys.0, self.keys.1);
        hasher.write_usize(passage.heading.len());
        hasher.write(passage.heading.as_bytes());
        hasher.write(passage.text.as_bytes());
        hasher.finish128().as_u128()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(passages: &Passages, heading: &str, text: &str) -> Tokens {
        passages.tokens(&WordPiece::new(), LatePassage { heading, text })
    }

    #[test]
    fn a_passage_is_read_once_and_no_other_is_taken_for_it() {
        let passages = Passages::new(CAPACITY);
        let first = tokens(&passages, "Ledger", "backups");
        let second = tokens(&passages, "Ledger", "backups");
        assert!(Arc::ptr_eq(&first.ids, &second.ids));
        assert_eq!((first.heading().len(), first.text().len()), (1, first.all().len() - 1));
        for (heading, text) in [("Ledge", "rbackups"), ("", "Ledgerbackups"), ("Ledger", "backup")]
        {
            let other = tokens(&passages, heading, text);
            assert!(!Arc::ptr_eq(&first.ids, &other.ids), "{heading:?} {text:?}");
        }
    }

    #[test]
    fn the_memory_stays_within_its_capacity() {
        let capacity = 100 * (ENTRY + 2);
        let passages = Passages::new(capacity);
        for number in 0..10_000 {
            tokens(&passages, "", &number.to_string());
        }
        assert!((1..=100).contains(&passages.known.len()), "{}", passages.known.len());
        assert!(passages.known.weight() <= capacity as u64);
        let long = tokens(&passages, "", &"ledger ".repeat(capacity));
        assert_eq!(long.text().len(), capacity, "too long to be remembered, and read all the same");
        assert!(passages.known.weight() <= capacity as u64);
    }
}
