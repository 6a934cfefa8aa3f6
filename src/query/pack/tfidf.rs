//! How much of a text is said by another.

use super::terms::TermIds;

/// Texts as tf-idf vectors of unit length: words weighted by how rare they are among the texts.
pub(super) struct TfIdf {
    /// By word, ascending.
    vectors: Vec<Vec<(u32, f32)>>,
}

impl TfIdf {
    pub(super) fn among(terms: &TermIds) -> Self {
        let mut texts_with = vec![0.0_f32; terms.count];
        let counts: Vec<Vec<(u32, f32)>> =
            terms.of_texts.iter().map(|words| counted(words.clone())).collect();
        counts.iter().flatten().for_each(|&(id, _)| texts_with[id as usize] += 1.0);
        let all = counts.len() as f32;
        let vectors = counts.into_iter().map(|mut vector| {
            for (id, weight) in &mut vector {
                *weight *= (1.0 + all / texts_with[*id as usize]).ln();
            }
            let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
            for (_, weight) in &mut vector {
                *weight /= length;
            }
            vector
        });
        Self { vectors: vectors.collect() }
    }

    /// Cosine of two texts, given by position: 0 without a common word, 1 for the same words.
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

/// Each word once, ascending, with its number of occurrences.
fn counted(mut words: Vec<u32>) -> Vec<(u32, f32)> {
    words.sort_unstable();
    let runs = words.chunk_by(|one, other| one == other);
    runs.map(|run| (run[0], run.len() as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Words;

    #[test]
    fn likeness_is_symmetric_and_rare_words_count_more() {
        let texts = [
            "the backups of the ledger are kept in Lyon",
            "The ledger's backups: kept in Lyon!",
            "the restore of the ledger is approved in Oslo",
            "",
            "zymurgy",
        ];
        let likeness = TfIdf::among(&TermIds::of(&texts.map(Words::of)));
        let alike = |a, b| likeness.between(a, b);
        assert!((alike(0, 0) - 1.0).abs() < 1e-5 && (alike(4, 4) - 1.0).abs() < 1e-5);
        assert!((alike(0, 1) - alike(1, 0)).abs() < 1e-6);
        assert!(alike(0, 1) > 0.6, "{}", alike(0, 1));
        assert!(alike(0, 2) < alike(0, 1) && alike(0, 2) > 0.0);
        assert!(alike(0, 3).abs() < 1e-6 && alike(0, 4).abs() < 1e-6);
    }
}
