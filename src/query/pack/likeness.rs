//! How much of what a text says another one says.

use std::collections::HashMap;

use crate::text::Words;

/// Texts as vectors of their words, weighted by how rare each word is among them (tf-idf), of unit
/// length.
pub(super) struct Likeness {
    /// By word, ascending.
    vectors: Vec<Vec<(usize, f32)>>,
}

impl Likeness {
    pub(super) fn among<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut ids: HashMap<String, usize> = HashMap::new();
        let counts: Vec<HashMap<usize, f32>> = texts
            .map(|text| {
                let mut counts = HashMap::new();
                for word in Words::of(text).iter() {
                    let next = ids.len();
                    let id = *ids.entry(word.to_owned()).or_insert(next);
                    *counts.entry(id).or_default() += 1.0;
                }
                counts
            })
            .collect();
        let mut texts_with = vec![0.0_f32; ids.len()];
        counts.iter().flat_map(HashMap::keys).for_each(|&id| texts_with[id] += 1.0);
        let all = counts.len() as f32;
        let vectors = counts.into_iter().map(|counts| {
            let mut vector: Vec<(usize, f32)> = counts
                .into_iter()
                .map(|(id, count)| (id, count * (1.0 + all / texts_with[id]).ln()))
                .collect();
            vector.sort_unstable_by_key(|&(id, _)| id);
            let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
            for (_, weight) in &mut vector {
                *weight /= length;
            }
            vector
        });
        Self { vectors: vectors.collect() }
    }

    /// Cosine of two texts, by their positions: 0 where no word is common, 1 for the same words.
    pub(super) fn between(&self, a: usize, b: usize) -> f32 {
        let (mut a, mut b) = (self.vectors[a].as_slice(), self.vectors[b].as_slice());
        let mut cosine = 0.0;
        while let ([(id, weight), a_rest @ ..], [(other, other_weight), b_rest @ ..]) = (a, b) {
            if id == other {
                cosine += weight * other_weight;
            }
            if id <= other {
                a = a_rest;
            }
            if other <= id {
                b = b_rest;
            }
        }
        cosine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_symmetric_and_rare_words_count_more() {
        let texts = [
            "the backups of the ledger are kept in Lyon",
            "The ledger's backups: kept in Lyon!",
            "the restore of the ledger is approved in Oslo",
            "",
            "zymurgy",
        ];
        let likeness = Likeness::among(texts.into_iter());
        let alike = |a, b| likeness.between(a, b);
        assert!((alike(0, 0) - 1.0).abs() < 1e-5 && (alike(4, 4) - 1.0).abs() < 1e-5);
        assert!((alike(0, 1) - alike(1, 0)).abs() < 1e-6);
        assert!(alike(0, 1) > 0.6, "{}", alike(0, 1));
        assert!(alike(0, 2) < alike(0, 1) && alike(0, 2) > 0.0);
        assert!(alike(0, 3).abs() < 1e-6 && alike(0, 4).abs() < 1e-6);
    }
}
