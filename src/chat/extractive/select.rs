//! Which candidates answer a question.

use std::collections::{HashMap, HashSet};

use super::Terms;
use super::candidates::Candidate;
use super::question::{Asks, Part, fit, parts};
use crate::text::{BlockKind, Words};

/// Items of a list, or runs of code, that are quoted after their lead-in.
const MAX_ITEMS: usize = 5;
/// What a term of the question counts that stands in such a heading right above of which nothing
/// else was asked, in another heading or the title, and in the sentence before.
const IN_NAME: f32 = 0.95;
const IN_HEADING: f32 = 0.7;
const BEFORE: f32 = 0.3;
/// What a term counts that is asked "how many" of.
const FOCUS: f32 = 1.6;
/// What a term counts with which the subject is only compared.
const COMPARED: f32 = 0.4;
/// What remains of the worth of a sentence without what is counted, or about another number.
const ASTRAY: f32 = 0.6;
/// How much more of the question a sentence must cover that has not the form of an answer.
const FORMLESS: f32 = 0.15;
/// What a term counts that no sentence has: it may be said in other words.
const UNSEEN: f32 = 0.5;
/// What a sentence gains from having the form of an answer, and...
const FIT: f32 = 0.7;
/// ...from opening the section whose heading is all of the question.
const OPENS: f32 = 0.8;
/// Share of the question that a sentence with its headings must cover to be an answer.
const MIN_COVERAGE: f32 = 0.35;
/// Worth of a further sentence, as a share of that of the best.
const FURTHER: f32 = 0.75;
/// Share of the question that a further sentence must add.
const NEWS: f32 = 0.3;
/// Share of common words from which two sentences say the same.
const SAME: f32 = 0.75;

/// Keeps what answers the question: the best sentence for each of its parts, in their order, with
/// what is needed to understand it. Nothing, where no sentence covers enough of the question.
///
/// The coverage of a sentence is the share of the question's terms, weighted by inverse document
/// frequency over the candidates, that stand in it or, counting less, in the headings above.
pub(super) fn select(question: &str, candidates: &mut Vec<Candidate>, terms: &Terms) {
    let mut chosen: Vec<usize> = Vec::new();
    for part in &parts(question, terms) {
        let view = View::new(part, candidates, terms);
        for position in view.answer(&chosen) {
            if !chosen.contains(&position) {
                chosen.push(position);
                chosen.extend(listed_after(candidates, position));
            }
        }
    }
    let mut seen = HashSet::new();
    chosen.retain(|position| seen.insert(*position));
    *candidates = chosen.into_iter().map(|position| candidates[position].clone()).collect();
}

/// The candidates as one part of the question sees them.
struct View<'a> {
    part: &'a Part,
    candidates: &'a [Candidate],
    terms: &'a Terms,
    weights: HashMap<u32, f32>,
    /// Sum of the weights.
    asked: f32,
    /// Words of a candidate, on average.
    mean: f32,
}

impl<'a> View<'a> {
    fn new(part: &'a Part, candidates: &'a [Candidate], terms: &'a Terms) -> Self {
        let weigh = |&term: &u32| {
            let focus = if part.focus.contains(&term) { FOCUS } else { 1.0 };
            let lesser = if part.compared.contains(&term) { COMPARED } else { 1.0 };
            (term, focus * lesser * idf(term, candidates))
        };
        let weights: HashMap<u32, f32> = part.terms.iter().map(weigh).collect();
        let words: usize = candidates.iter().map(Candidate::words).sum();
        Self {
            part,
            candidates,
            terms,
            asked: weights.values().sum(),
            weights,
            mean: words as f32 / candidates.len().max(1) as f32,
        }
    }

    /// Positions of what answers this part, in the order in which it is said.
    fn answer(&self, chosen: &[usize]) -> Vec<usize> {
        let Some(best) = self.best(&[], |_| true) else { return Vec::new() };
        let beside = self.reason_beside(best).or_else(|| self.definition_goes_on(best));
        if let Some(before) = self.before(best).filter(|_| self.stands_for(best)) {
            vec![before, best]
        } else if let Some(beside) = beside {
            vec![best.min(beside), best.max(beside)]
        } else {
            let further = self.further(best, chosen);
            std::iter::once(best).chain(further).collect()
        }
    }

    /// Another sentence that says what the best one does not.
    fn further(&self, best: usize, chosen: &[usize]) -> Option<usize> {
        let covered = &self.candidates[best].terms;
        let adds = |candidate: &Candidate| {
            let new = candidate.terms.iter().filter(|term| !covered.contains(term));
            let news: f32 = new.filter_map(|term| self.weights.get(term)).sum();
            news >= NEWS * self.asked
        };
        let known = [chosen, &[best]].concat();
        self.best(&known, adds).filter(|&at| self.worth(at) >= FURTHER * self.worth(best))
    }

    /// The sentence after a definition under the very heading that was asked for.
    fn definition_goes_on(&self, at: usize) -> Option<usize> {
        let candidate = &self.candidates[at];
        let defines = self.part.asks == Asks::Definition && self.names(candidate) >= 0.5;
        self.after(at).filter(|_| defines)
    }

    /// The candidate after this one in the same section of a passage.
    fn after(&self, at: usize) -> Option<usize> {
        self.candidates.get(at + 1).filter(|next| !next.opens).map(|_| at + 1)
    }

    /// The candidate before this one in the same section of a passage.
    fn before(&self, at: usize) -> Option<usize> {
        (!self.candidates[at].opens).then(|| at - 1)
    }

    /// Share of the question in the heading above, where it has nothing else in it.
    fn names(&self, candidate: &Candidate) -> f32 {
        let section = &candidate.section;
        if section.iter().all(|term| self.part.terms.contains(term)) {
            self.share(|term| section.contains(&term))
        } else {
            0.0
        }
    }

    /// The candidate of most worth that covers enough and says something new.
    fn best(&self, chosen: &[usize], also: impl Fn(&Candidate) -> bool) -> Option<usize> {
        self.candidates
            .iter()
            .filter(|candidate| self.covers(candidate))
            .filter(|candidate| !chosen.iter().any(|&at| same(&self.candidates[at], candidate)))
            .filter(|candidate| also(candidate))
            .map(|candidate| candidate.position)
            .max_by(|&a, &b| self.worth(a).total_cmp(&self.worth(b)).then(b.cmp(&a)))
    }

    fn covers(&self, candidate: &Candidate) -> bool {
        let formless = self.part.asks_form() && fit(self.part, &candidate.text, self.terms) == 0.0;
        self.coverage(candidate) >= MIN_COVERAGE + if formless { FORMLESS } else { 0.0 }
    }

    /// What remains of the worth of a sentence: less, where it lacks what is counted, and where the
    /// number of "Port 150" is that of something else.
    fn aim(&self, candidate: &Candidate) -> f32 {
        let has = |term: &u32| candidate.terms.contains(term) || candidate.section.contains(term);
        let numbered = |thing: &Words| {
            let said = Words::of(&candidate.text).find(thing).is_some();
            said || thing
                .iter()
                .flat_map(|word| (self.terms)(word))
                .all(|term| candidate.section.contains(&term) || candidate.document.contains(&term))
        };
        let counted = if self.part.focus.iter().all(has) { 1.0 } else { ASTRAY };
        let named = if self.part.numbered.iter().all(numbered) { 1.0 } else { ASTRAY };
        counted * named
    }

    fn worth(&self, position: usize) -> f32 {
        let candidate = &self.candidates[position];
        let fit = 1.0 + FIT * fit(self.part, &candidate.text, self.terms);
        let opens = if candidate.opens { 1.0 + OPENS * self.names(candidate) } else { 1.0 };
        let length = 0.85 + 0.15 * candidate.words() as f32 / self.mean;
        candidate.prior * fit * opens * self.aim(candidate) * self.coverage(candidate) / length
    }

    fn coverage(&self, candidate: &Candidate) -> f32 {
        let in_section = if self.names(candidate) > 0.0 { IN_NAME } else { IN_HEADING };
        let strength = |term: &u32| {
            if candidate.terms.contains(term) {
                1.0
            } else if candidate.section.contains(term) {
                in_section
            } else if candidate.document.contains(term) {
                IN_HEADING
            } else if candidate.before.contains(term) {
                BEFORE
            } else {
                0.0
            }
        };
        self.weights.iter().map(|(term, weight)| weight * strength(term)).sum::<f32>() / self.asked
    }

    fn share(&self, has: impl Fn(u32) -> bool) -> f32 {
        self.weights.iter().filter(|(term, _)| has(**term)).map(|(_, w)| w).sum::<f32>()
            / self.asked
    }

    /// Whether a sentence begins with a word that stands for something in the one before.
    fn stands_for(&self, at: usize) -> bool {
        const STANDS_FOR: [&str; 9] =
            ["it", "its", "they", "their", "this", "these", "he", "she", "otherwise"];
        let words = Words::of(&self.candidates[at].text);
        words.iter().next().is_some_and(|word| STANDS_FOR.contains(&word))
    }

    /// The sentence after or before that gives the reason, where the sentence gives none.
    fn reason_beside(&self, at: usize) -> Option<usize> {
        let fits = |at: usize| fit(self.part, &self.candidates[at].text, self.terms) > 0.0;
        if self.part.asks != Asks::Reason || fits(at) {
            return None;
        }
        let worth = |at: usize| {
            let own = |term: &u32| self.candidates[at].terms.contains(term);
            self.share(|term| own(&term)) + if fits(at) { 1.0 } else { 0.0 }
        };
        self.after(at)
            .into_iter()
            .chain(self.before(at))
            .max_by(|&a, &b| worth(a).total_cmp(&worth(b)))
    }
}

/// Inverse document frequency over the candidates: `ln(1 + (N - n + 0.5) / (n + 0.5))`.
fn idf(term: u32, candidates: &[Candidate]) -> f32 {
    let total = candidates.len() as f32;
    let with = candidates.iter().filter(|candidate| candidate.terms.contains(&term)).count() as f32;
    let seen = |terms: &[u32]| terms.contains(&term);
    let in_headings = || candidates.iter().any(|c| seen(&c.section) || seen(&c.document));
    let known = if with > 0.0 || in_headings() { 1.0 } else { UNSEEN };
    known * (1.0 + (total - with + 0.5) / (with + 0.5)).ln()
}

/// What follows a lead-in that ends in a colon: items of a list, or the code it announces.
fn listed_after(candidates: &[Candidate], at: usize) -> impl Iterator<Item = usize> {
    let lead = &candidates[at];
    let kind = candidates.get(at + 1).map(|next| next.kind);
    let listed = matches!(kind, Some(BlockKind::Item | BlockKind::Code)) && lead.leads_in();
    candidates[at + 1..]
        .iter()
        .take(if listed { MAX_ITEMS } else { 0 })
        .take_while(move |item| item.number == lead.number && Some(item.kind) == kind)
        .map(|item| item.position)
}

fn same(a: &Candidate, b: &Candidate) -> bool {
    let (a_words, b_words) = (Words::of(&a.text), Words::of(&b.text));
    let a_set: HashSet<&str> = a_words.iter().collect();
    let b_set: HashSet<&str> = b_words.iter().collect();
    let common = a_set.intersection(&b_set).count() as f32;
    common >= SAME * a_set.len().min(b_set.len()) as f32
}
