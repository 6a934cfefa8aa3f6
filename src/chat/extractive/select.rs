//! Which candidates answer a question.

use std::collections::{HashMap, HashSet};

use super::Terms;
use super::candidates::Candidate;
use crate::text::{BlockKind, Words};

const MAX_SENTENCES: usize = 4;
/// Words of the whole answer; a first sentence may be longer.
const MAX_WORDS: usize = 80;
/// What a term counts that stands in the heading or in the sentence before.
const CONTEXT: f32 = 0.4;
/// What a term counts that the answer already has.
const COVERED: f32 = 0.3;
/// A further sentence must be worth this share of the first, or...
const WORTH: f32 = 0.45;
/// ...bring this share of what the question asks and the answer does not have yet.
const NEWS: f32 = 0.15;
/// What a number is worth to a question for one.
const NUMBER: f32 = 1.25;
/// Share of common words from which two sentences say the same.
const SAME: f32 = 0.75;

/// Keeps what answers the question: greedily what adds most, in the order of the passages with
/// sentences of one passage as they follow each other. Nothing, where no candidate shares a
/// content term with the question.
///
/// The worth of a sentence is the sum of the inverse document frequencies (over the candidates) of
/// the question's terms in it, terms that are covered counting less, over a damped length.
pub(super) fn select(question: &str, candidates: &mut Vec<Candidate>, terms: &Terms) {
    let wanted: HashSet<u32> = terms(question).into_iter().collect();
    let weights = weights(candidates, &wanted);
    let mean = candidates.iter().map(Candidate::words).sum::<usize>() as f32
        / candidates.len().max(1) as f32;
    let asks_number = asks_number(question);
    let asked: f32 = weights.values().sum();
    let mut chosen: Vec<usize> = Vec::new();
    let mut covered: HashSet<u32> = HashSet::new();
    let mut first_worth = 0.0;
    let mut words = 0;
    while chosen.len() < MAX_SENTENCES {
        let worth = |candidate: &Candidate| {
            let weigh = |term: &u32| {
                let weight = weights.get(term).copied().unwrap_or(0.0);
                if covered.contains(term) { weight * COVERED } else { weight }
            };
            let own: f32 = candidate.terms.iter().map(weigh).sum();
            let around = candidate.context.iter().filter(|term| !candidate.terms.contains(term));
            let context: f32 = around.map(weigh).sum();
            let has_number = candidate.text.contains(|c: char| c.is_ascii_digit());
            let number = if asks_number && has_number { NUMBER } else { 1.0 };
            let length = 0.85 + 0.15 * candidate.words() as f32 / mean;
            candidate.prior * number * (own + CONTEXT * context) / length
        };
        let best = candidates
            .iter()
            .filter(|candidate| candidate.terms.iter().any(|term| wanted.contains(term)))
            .filter(|candidate| chosen.is_empty() || words + candidate.words() <= MAX_WORDS)
            .filter(|candidate| !chosen.iter().any(|&other| same(&candidates[other], candidate)))
            .map(|candidate| (worth(candidate), candidate.position))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((worth, position)) = best else { break };
        if chosen.is_empty() {
            first_worth = worth;
        } else if worth < WORTH * first_worth
            && news(&candidates[position], &weights, &covered) < NEWS * asked
        {
            break;
        }
        words += candidates[position].words();
        covered.extend(candidates[position].terms.iter().filter(|term| wanted.contains(term)));
        chosen.push(position);
        let list = items_after(candidates, position, MAX_SENTENCES - chosen.len());
        for item in list.filter(|item| !chosen.contains(item)).collect::<Vec<_>>() {
            words += candidates[item].words();
            chosen.push(item);
        }
    }
    // Passages in the order in which they contributed.
    let mut order: Vec<u32> = chosen.iter().map(|&position| candidates[position].number).collect();
    let mut seen = HashSet::new();
    order.retain(|number| seen.insert(*number));
    candidates.retain(|candidate| chosen.contains(&candidate.position));
    candidates.sort_by_key(|candidate| {
        (order.iter().position(|&number| number == candidate.number), candidate.position)
    });
}

/// Inverse document frequency of each wanted term that occurs: `ln(1 + (N - n + 0.5) / (n + 0.5))`.
fn weights(candidates: &[Candidate], wanted: &HashSet<u32>) -> HashMap<u32, f32> {
    let total = candidates.len() as f32;
    let weight = |term: &u32| {
        let with =
            candidates.iter().filter(|candidate| candidate.terms.contains(term)).count() as f32;
        (*term, (1.0 + (total - with + 0.5) / (with + 0.5)).ln())
    };
    let occurs = |term: &u32| candidates.iter().any(|candidate| candidate.terms.contains(term));
    wanted.iter().map(weight).filter(|(term, _)| occurs(term)).collect()
}

/// Weight of the terms that a candidate would add.
fn news(candidate: &Candidate, weights: &HashMap<u32, f32>, covered: &HashSet<u32>) -> f32 {
    let new = candidate.terms.iter().filter(|term| !covered.contains(term));
    candidate.prior * new.filter_map(|term| weights.get(term)).sum::<f32>()
}

/// What follows a lead-in that ends in a colon.
fn items_after(candidates: &[Candidate], at: usize, count: usize) -> impl Iterator<Item = usize> {
    let lead = &candidates[at];
    let count = if lead.leads_in() { count } else { 0 };
    let rest = candidates[at + 1..].iter().take(count);
    rest.take_while(|item| item.number == lead.number && item.kind == BlockKind::Item)
        .map(|item| item.position)
}

fn same(a: &Candidate, b: &Candidate) -> bool {
    let (a_words, b_words) = (Words::of(&a.text), Words::of(&b.text));
    let a_set: HashSet<&str> = a_words.iter().collect();
    let b_set: HashSet<&str> = b_words.iter().collect();
    let common = a_set.intersection(&b_set).count() as f32;
    common >= SAME * a_set.len().min(b_set.len()) as f32
}

/// Whether the answer is likely to have a number in it.
fn asks_number(question: &str) -> bool {
    let words = Words::of(question);
    let words: Vec<&str> = words.iter().collect();
    let how = ["long", "many", "much", "often", "big", "large", "old", "far", "fast", "soon"];
    words.contains(&"when")
        || words.windows(2).any(|pair| pair[0] == "how" && how.contains(&pair[1]))
}
