//! A cache of inverse document frequencies, valid until something is written.

use std::collections::HashMap;

/// By term, for terms that some chunk has.
#[derive(Default)]
pub(super) struct Idf {
    known: HashMap<u32, f32>,
    /// Number of writes so far.
    writes: u64,
}

/// Number of writes when terms were looked up: a result may be outdated when it is kept.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct IdfSnapshot(u64);

impl Idf {
    /// The known values for these terms, the unknown terms, and the state for [`Self::keep`].
    pub(super) fn get(&self, terms: &[u32]) -> (HashMap<u32, f32>, Vec<u32>, IdfSnapshot) {
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        for &term in terms {
            match self.known.get(&term) {
                Some(&idf) => drop(found.insert(term, idf)),
                None => unknown.push(term),
            }
        }
        (found, unknown, IdfSnapshot(self.writes))
    }

    pub(super) fn keep(&mut self, found: &HashMap<u32, f32>, of: IdfSnapshot) {
        if of == IdfSnapshot(self.writes) {
            self.known.extend(found);
        }
    }

    /// Must be called after a write.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.writes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_from_before_a_write_is_not_kept() {
        let mut idf = Idf::default();
        let (found, unknown, of) = idf.get(&[3, 7]);
        assert_eq!((found.len(), unknown), (0, vec![3, 7]));
        idf.keep(&HashMap::from([(3, 1.5)]), of);
        let (found, unknown, before) = idf.get(&[3, 7]);
        assert_eq!((found, unknown), (HashMap::from([(3, 1.5)]), vec![7]));
        idf.forget();
        idf.keep(&HashMap::from([(7, 0.5)]), before);
        assert_eq!(idf.get(&[3, 7]).1, [3, 7]);
    }
}
