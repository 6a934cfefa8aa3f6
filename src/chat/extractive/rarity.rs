//! Which terms of a question the candidates have, and how rare these are among the candidates.

use super::candidates::Candidate;
use super::question::{QuestionPart, same_word};

/// Shortest word, in bytes, that may also be written as two.
const COMPOUND: usize = 6;
/// Number of sentences that rarity is computed for, at least: with fewer, a term that no sentence has would
/// outweigh all others.
const FEWEST: usize = 20;

/// The terms of a question that a candidate has in another form: inflected, joined to the next word
/// although the question separates them, or the reverse: "web site", `website`.
pub(super) fn near(part: &QuestionPart, candidate: &Candidate) -> Vec<u32> {
    let others: Vec<&str> = candidate.words.iter().collect();
    let words = &part.words;
    let is_pair = |a: &str, b: &str, whole: &str| {
        whole.len() == a.len() + b.len() && whole.starts_with(a) && whole.ends_with(b)
    };
    let is_near = |at: &usize| {
        let (term, word) = &words[*at];
        let with_next = |at: usize| {
            let [(_, a), (_, b)] = &words[at..at + 2] else { return false };
            others.iter().any(|whole| is_pair(a, b, whole))
        };
        let apart = || {
            word.len() >= COMPOUND && others.windows(2).any(|pair| is_pair(pair[0], pair[1], word))
        };
        let together =
            || (*at + 1 < words.len() && with_next(*at)) || (*at > 0 && with_next(*at - 1));
        !candidate.terms.contains(term)
            && (others.iter().any(|other| same_word(other, word)) || apart() || together())
    };
    (0..words.len()).filter(is_near).map(|at| words[at].0).collect()
}

/// Inverse document frequency over the candidates: `ln(1 + (N - n + 0.5) / (n + 0.5))`.
pub(super) fn idf(term: u32, candidates: &[Candidate], near: &[Vec<u32>]) -> f32 {
    let total = candidates.len().max(FEWEST) as f32;
    let has = |(candidate, near): &(&Candidate, &Vec<u32>)| {
        candidate.terms.contains(&term) || near.contains(&term)
    };
    let with = candidates.iter().zip(near).filter(has).count() as f32;
    (1.0 + (total - with + 0.5) / (with + 0.5)).ln()
}
