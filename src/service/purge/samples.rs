//! Samples of a text, by which it is found again in files without keeping the text. After a purge that
//! was cut off, the purged text still has to be looked for, and must not be stored for that.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};

use crate::types::ContentHash;

/// Bytes of a sample. The store compresses a chunk by repetitions within it, so samples are short and
/// there are many.
const LENGTH: usize = 16;

/// Samples of one text, at most.
const MOST: usize = 24;

/// Samples of all texts together, as long as each text has two: tens of megabytes.
const ALL: usize = 1 << 20;

/// Fewest different bytes in a sample: with fewer it is a rule or a row of dots.
const DIFFERENT: usize = 8;

/// Base of the polynomial over bytes, modulo 2^64: an arbitrary odd number.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// [`BASE`] to the power of the number of bytes after the first of a sample.
const LEADING: u64 = {
    let (mut power, mut at) = (1_u64, 1);
    while at < LENGTH {
        power = power.wrapping_mul(BASE);
        at += 1;
    }
    power
};

/// A sample: its polynomial, and the beginning of its SHA-256.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Samples(HashMap<u64, u64, BuildHasherDefault<IdentityHasher>>);

/// A hasher for keys that are hashes already, since every byte of every file is looked up.
#[derive(Clone, Default)]
pub(super) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = rolled(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Samples {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of the samples are in `found`.
    pub(super) fn count_in(&self, found: &HashSet<u64>) -> usize {
        self.0.keys().filter(|sample| found.contains(*sample)).count()
    }

    /// Most samples of each text, for this number of texts.
    pub(super) fn of_each(texts: u64) -> usize {
        (ALL / usize::try_from(texts.max(1)).unwrap_or(usize::MAX)).clamp(2, MOST)
    }

    /// Adds at most `most` samples of a text, spread over it.
    pub(super) fn add(&mut self, text: &str, most: usize) {
        let windows = text.len().saturating_sub(LENGTH - 1);
        let step = windows.div_ceil(most).max(LENGTH);
        for sample in (0..windows).step_by(step).map(|at| &text.as_bytes()[at..at + LENGTH]) {
            if is_distinct(sample) {
                self.0.insert(rolled(sample), digest(sample));
            }
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Removes the samples that a text which stays also contains.
    pub(super) fn spare(&mut self, text: &str) {
        for found in self.found(text.as_bytes()) {
            self.0.remove(&found);
        }
    }

    /// Whether a text contains one of the samples.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let mut any = false;
        self.look(text.as_bytes(), &mut |_| any = true);
        any
    }

    /// The samples that these bytes contain.
    pub(super) fn found(&self, bytes: &[u8]) -> HashSet<u64> {
        let mut found = HashSet::new();
        self.look(bytes, &mut |sample| {
            found.insert(sample);
        });
        found
    }

    /// Bytes at the end of a part of a file that have to be read again with the next part.
    pub(super) const OVERLAP: usize = LENGTH - 1;

    fn look(&self, bytes: &[u8], found: &mut dyn FnMut(u64)) {
        if self.0.is_empty() || bytes.len() < LENGTH {
            return;
        }
        let mut rolling = rolled(&bytes[..LENGTH]);
        for (at, window) in bytes.windows(LENGTH).enumerate() {
            if at > 0 {
                let gone = u64::from(bytes[at - 1]).wrapping_mul(LEADING);
                let come = u64::from(bytes[at + LENGTH - 1]);
                rolling = rolling.wrapping_sub(gone).wrapping_mul(BASE).wrapping_add(come);
            }
            if self.0.get(&rolling).is_some_and(|known| *known == digest(window)) {
                found(rolling);
            }
        }
    }
}

fn is_distinct(sample: &[u8]) -> bool {
    sample.iter().collect::<HashSet<_>>().len() >= DIFFERENT
}

fn rolled(sample: &[u8]) -> u64 {
    sample.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(BASE).wrapping_add(u64::from(*byte)))
}

fn digest(sample: &[u8]) -> u64 {
    let hash = ContentHash::of(sample).0;
    // The hash is hexadecimal.
    u64::from_str_radix(&hash[..16], 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "The ferry to Elba leaves at 07:45 from the second pier, and not from the first.";

    #[test]
    fn a_text_is_found_again_by_its_samples_anywhere_in_bytes() {
        let mut samples = Samples::default();
        samples.add(TEXT, MOST);
        samples.add("-------------------------------------------", MOST);
        samples.add("too short", MOST);
        assert_eq!(samples.len(), 4);
        let mut bytes = vec![0_u8, 255, 7];
        bytes.extend_from_slice(TEXT.as_bytes());
        assert_eq!(samples.found(&bytes).len(), 4);
        // A part of the text has a part of the samples.
        assert_eq!(samples.found(&TEXT.as_bytes()[20..60]).len(), 1);
        assert!(!samples.are_in(&TEXT.replace(' ', "_")));
        assert!(!samples.are_in("") && !Samples::default().are_in(TEXT));
        let json = serde_json::to_string(&samples).expect("JSON");
        assert!(!json.contains("ferry"), "{json}");
        assert_eq!(serde_json::from_str::<Samples>(&json).expect("samples"), samples);
    }

    #[test]
    fn what_another_text_has_too_tells_nothing() {
        let mut samples = Samples::default();
        samples.add(TEXT, MOST);
        samples.spare("He says: the ferry to Elba leaves at 07:45.");
        assert_eq!(samples.len(), 3);
        samples.spare(TEXT);
        assert_eq!(samples.len(), 0);
    }

    #[test]
    fn a_long_text_has_a_bounded_number_of_samples() {
        let words: Vec<String> = (0..10_000).map(|number| format!("word{number}")).collect();
        let long = words.join(" ");
        let mut samples = Samples::default();
        samples.add(&long, MOST);
        assert!(samples.len() <= MOST && samples.len() > MOST - 3, "{}", samples.len());
        let mut other = Samples::default();
        other.add(TEXT, MOST);
        assert_eq!([1, 43_690, 100_000, u64::MAX].map(Samples::of_each), [MOST, MOST, 10, 2]);
        let alone = samples.len();
        samples.extend(other);
        assert_eq!(samples.len(), alone + 4);
    }
}
