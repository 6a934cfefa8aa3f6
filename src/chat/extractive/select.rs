//! Selects the candidates that answer a question.

use std::collections::{HashMap, HashSet};

use super::Terms;
use super::candidates::Candidate;
use super::question::{ExpectedAnswer, Form, QuestionPart, parts};
use super::rarity::{idf, near};
use super::similarity::{MOST_LIKE, MOST_UNLIKE, QuestionSimilarity, TextVector};
use crate::text::{BlockKind, Words};

/// Most items of a list, or runs of code, that are quoted after their lead-in.
const MAX_ITEMS: usize = 5;
/// Weights of a term of the question outside of the sentence itself: in the heading directly above, if all
/// terms of the heading are in the question; in another heading or the title; and in the sentence before.
const IN_NAME: f32 = 0.95;
const IN_HEADING: f32 = 0.7;
const BEFORE: f32 = 0.3;
/// Weight of a term that is asked "how many" of.
const FOCUS: f32 = 1.6;
/// Weight of a term that the subject is only compared with.
const COMPARED: f32 = 0.4;
/// Factor for a sentence without what is counted, or about another number.
const ASTRAY: f32 = 0.6;
/// Factor for code if prose says it better: what a thing is, whose it is.
const CODE: f32 = 0.7;
/// Factor for code as an answer to how two things differ.
const CODE_OF_SIDE: f32 = 0.5;
/// Share of the question that is required in addition if a sentence does not have the form of an answer.
const FORMLESS: f32 = 0.08;
/// The same if a time, a length, an age or similar is asked for, whose unit cannot be missed.
const UNMEASURED: f32 = 0.3;
/// Required in addition if a sentence has nothing of what is asked about a name: "author" in "who is the
/// author of Emma".
const UNRELATED: f32 = 0.5;
/// Required in addition if the question has no names, and a sentence lacks the first word that is asked for.
const ASIDE: f32 = 0.05;
/// Subtracted from the share if a passage lacks the names and numbers of the question.
const NAMELESS: f32 = 0.1;
/// Required in addition for a question of at most `BRIEF_TERMS` terms, if no candidate has one of them.
const BRIEF: f32 = 0.1;
const BRIEF_TERMS: usize = 2;
/// What a sentence gains by having the form of an answer.
const FIT: f32 = 0.7;
/// What a sentence gains by opening the section whose heading is the whole question.
const OPENS: f32 = 0.8;
/// Weight of a term that a sentence has in another form.
const NEAR: f32 = 0.8;
/// Least worth of a further sentence, as a share of the worth of the best.
const FURTHER: f32 = 0.75;
/// Least share of the question that a further sentence must add.
const NEWS: f32 = 0.3;
/// Share of common words from which two sentences say the same.
const SAME: f32 = 0.75;

/// Selects what answers the question: the best sentence for each of its parts, in their order, with what is
/// needed to understand it. Nothing, if no sentence covers enough of the question.
///
/// The coverage of a sentence is the share of the question's terms, weighted by inverse document frequency
/// over the candidates, that are in the sentence or, with less weight, in the headings above.
pub(super) fn select(
    question: &str,
    candidates: &[Candidate],
    terms: &Terms,
    meaning: &TextVector,
) -> Vec<Candidate> {
    let mut chosen: Vec<usize> = Vec::new();
    let parts = parts(question, terms);
    let most = parts.iter().map(|part| part.terms.len()).max().unwrap_or_default();
    let mut answered = 0;
    for part in &parts {
        for position in View::new(part, candidates, terms, meaning).answer(&chosen) {
            answered = answered.max(part.terms.len());
            if !chosen.contains(&position) {
                chosen.push(position);
                chosen.extend(listed_after(candidates, position));
            }
        }
    }
    // The remaining parts of such a question are not what was asked: "and where is it now".
    if answered < most {
        chosen.clear();
    }
    let mut seen = HashSet::new();
    chosen.retain(|position| seen.insert(*position));
    chosen.into_iter().map(|position| candidates[position].clone()).collect()
}

/// The candidates from the point of view of one part of the question.
struct View<'a> {
    part: &'a QuestionPart,
    candidates: &'a [Candidate],
    terms: &'a Terms,
    likeness: QuestionSimilarity<'a>,
    weights: HashMap<u32, f32>,
    /// For each candidate, the terms of the question that it has in another form.
    near: Vec<Vec<u32>>,
    /// How well the form of each candidate fits.
    fits: Vec<f32>,
    /// Whether no candidate has one of the question's terms, in any form.
    lacks: bool,
    /// Sum of the weights.
    asked: f32,
    /// Mean number of words of a candidate.
    mean: f32,
}

impl<'a> View<'a> {
    fn new(
        part: &'a QuestionPart,
        candidates: &'a [Candidate],
        terms: &'a Terms,
        meaning: &'a TextVector,
    ) -> Self {
        let near: Vec<Vec<u32>> =
            candidates.iter().map(|candidate| near(part, candidate)).collect();
        let weigh = |&term: &u32| {
            let focus = if part.focus.contains(&term) { FOCUS } else { 1.0 };
            let lesser = if part.compared.contains(&term) { COMPARED } else { 1.0 };
            (term, focus * lesser * idf(term, candidates, &near))
        };
        let weights: HashMap<u32, f32> = part.terms.iter().map(weigh).collect();
        let words: usize = candidates.iter().map(|candidate| candidate.length).sum();
        let fit = |candidate: &Candidate| {
            part.fit(&Form { text: &candidate.text, words: &candidate.words })
        };
        let has = |term: &u32| {
            let stated = |c: &Candidate| {
                [&c.terms, &c.section, &c.document].iter().any(|terms| terms.contains(term))
            };
            candidates.iter().any(stated) || near.iter().any(|near| near.contains(term))
        };
        Self {
            part,
            candidates,
            terms,
            likeness: QuestionSimilarity::to(part, meaning),
            lacks: !part.terms.iter().all(has),
            asked: weights.values().sum(),
            fits: candidates.iter().map(fit).collect(),
            weights,
            near,
            mean: words as f32 / candidates.len().max(1) as f32,
        }
    }

    /// Positions of the sentences that answer this part, in the order of the answer.
    fn answer(&self, chosen: &[usize]) -> Vec<usize> {
        let covering: Vec<&Candidate> =
            self.candidates.iter().filter(|candidate| self.may_answer(candidate)).collect();
        let Some(best) = self.best(&covering, &[], |_| true) else { return Vec::new() };
        if self.part.is_otherwise(&self.candidates[best], self.terms) {
            return Vec::new();
        }
        let beside = self.reason_beside(best).or_else(|| self.definition_goes_on(best));
        if let Some(before) = self.before(best).filter(|_| self.stands_for(best)) {
            vec![before, best]
        } else if let Some(beside) = beside {
            vec![best.min(beside), best.max(beside)]
        } else {
            let further = self.further(best, &covering, chosen);
            std::iter::once(best).chain(further).collect()
        }
    }

    /// Another sentence that says what the best one does not.
    fn further(&self, best: usize, covering: &[&Candidate], chosen: &[usize]) -> Option<usize> {
        let covered = &self.candidates[best].terms;
        let adds = |candidate: &Candidate| {
            let new = candidate.terms.iter().filter(|term| !covered.contains(term));
            let news: f32 = new.filter_map(|term| self.weights.get(term)).sum();
            news >= NEWS * self.asked
        };
        let known = [chosen, &[best]].concat();
        self.best(covering, &known, adds).filter(|&at| self.worth(at) >= FURTHER * self.worth(best))
    }

    /// The sentence after a definition under the very heading that was asked for.
    fn definition_goes_on(&self, at: usize) -> Option<usize> {
        let candidate = &self.candidates[at];
        let defines = self.part.asks == ExpectedAnswer::Definition && self.names(candidate) >= 0.5;
        self.after(at).filter(|_| defines)
    }

    /// The candidate after this one in the same section of a passage.
    fn after(&self, at: usize) -> Option<usize> {
        let next = self.candidates.get(at + 1);
        next.filter(|next| !next.opens && !next.aside).map(|_| at + 1)
    }

    /// The candidate before this one in the same section of a passage.
    fn before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        let (candidate, previous) = (&self.candidates[at], &self.candidates[before]);
        // A footer does not open a section, also where it is the first of its passage.
        let is_same_section = !candidate.opens && candidate.number == previous.number;
        (is_same_section && !previous.aside).then_some(before)
    }

    /// Share of the question in the heading above, if the heading has nothing else.
    fn names(&self, candidate: &Candidate) -> f32 {
        let section = &candidate.section;
        if section.iter().all(|term| self.part.terms.contains(term)) {
            self.share(|term| section.contains(&term))
        } else {
            0.0
        }
    }

    /// The candidate with the highest worth among those that cover enough and say something new.
    fn best(
        &self,
        covering: &[&Candidate],
        chosen: &[usize],
        also: impl Fn(&Candidate) -> bool,
    ) -> Option<usize> {
        covering
            .iter()
            .filter(|candidate| !chosen.iter().any(|&at| same(&self.candidates[at], candidate)))
            .filter(|candidate| also(candidate))
            .map(|candidate| candidate.position)
            .max_by(|&a, &b| self.worth(a).total_cmp(&self.worth(b)).then(b.cmp(&a)))
    }

    fn may_answer(&self, candidate: &Candidate) -> bool {
        (!candidate.aside || self.part.asks_about(candidate)) && self.covers(candidate)
    }

    /// Whether a sentence and its surroundings have so much of the question that it may be the answer.
    fn covers(&self, candidate: &Candidate) -> bool {
        let formless = self.part.asks_form(&candidate.text) && self.fits[candidate.position] == 0.0;
        let brief = self.weights.len() <= BRIEF_TERMS && self.lacks;
        let more = |so: bool, more: f32| if so { more } else { 0.0 };
        let floor = self.part.floor()
            + more(formless, if self.part.is_measured() { UNMEASURED } else { FORMLESS })
            + more(brief, BRIEF)
            + self.unrelated(candidate);
        let over = self.support(candidate) - floor;
        // Meanings are not compared if that could not change the outcome.
        self.says_more(candidate)
            && over >= -MOST_LIKE
            && (over >= MOST_UNLIKE || over >= self.likeness.lacking(candidate))
    }

    /// How much more is required of a sentence that only names what the question is about.
    fn unrelated(&self, candidate: &Candidate) -> f32 {
        let relation = &self.part.relation;
        if relation.is_empty() {
            return 0.0;
        }
        let said = relation.iter().map(|term| self.strength(candidate, *term)).fold(0.0, f32::max);
        (1.0 - said) * if self.part.names.is_empty() { ASIDE } else { UNRELATED }
    }

    /// Whether it has a word that is not in the question, or is a sentence: a title on a line of its own is
    /// neither.
    fn says_more(&self, candidate: &Candidate) -> bool {
        candidate.ends() || candidate.terms.iter().any(|term| !self.part.terms.contains(term))
    }

    /// Share of the question in a sentence, half of it by what its whole passage has; less if the passage
    /// lacks names and numbers of the question.
    fn support(&self, candidate: &Candidate) -> f32 {
        let own = |term: u32| self.strength(candidate, term);
        let around = |term: u32| {
            if candidate.passage.binary_search(&term).is_ok() { 1.0 } else { own(term) }
        };
        let names = self.weights.iter().filter(|(term, _)| self.part.names.contains(term));
        let named: f32 = names.clone().map(|(_, weight)| weight).sum();
        let there: f32 = names.map(|(term, weight)| weight * around(*term)).sum();
        let nameless = if named > 0.0 { NAMELESS * (1.0 - there / named) } else { 0.0 };
        self.weighed(|term| f32::midpoint(own(term), around(term))) - nameless
    }

    /// The weighted share of the question, with each term counted as `strength` says.
    fn weighed(&self, strength: impl Fn(u32) -> f32) -> f32 {
        self.weights.iter().map(|(term, weight)| weight * strength(*term)).sum::<f32>() / self.asked
    }

    /// Factor on the worth of a sentence: less than 1 if it lacks what is counted, or if the number of
    /// "Port 150" belongs to something else.
    fn aim(&self, candidate: &Candidate) -> f32 {
        let has = |term: &u32| candidate.terms.contains(term) || candidate.section.contains(term);
        let numbered = |thing: &Words| {
            let said = candidate.words.find(thing).is_some();
            said || thing
                .iter()
                .flat_map(|word| (self.terms)(word))
                .all(|term| candidate.section.contains(&term) || candidate.document.contains(&term))
        };
        let counted = if self.part.focus.iter().all(has) { 1.0 } else { ASTRAY };
        let named = if self.part.numbered.iter().all(numbered) { 1.0 } else { ASTRAY };
        counted * named * if candidate.is_code() { self.of_code() } else { 1.0 }
    }

    /// Factor for code as an answer to this part.
    fn of_code(&self) -> f32 {
        match self.part.asks {
            _ if self.part.is_side => CODE_OF_SIDE,
            ExpectedAnswer::Definition
            | ExpectedAnswer::Person
            | ExpectedAnswer::Place
            | ExpectedAnswer::Name
            | ExpectedAnswer::Reason => CODE,
            _ => 1.0,
        }
    }

    fn worth(&self, position: usize) -> f32 {
        let candidate = &self.candidates[position];
        let fit = 1.0 + FIT * self.fits[position];
        let opens = if candidate.opens { 1.0 + OPENS * self.names(candidate) } else { 1.0 };
        let length = 0.85 + 0.15 * candidate.length as f32 / self.mean;
        candidate.prior * fit * opens * self.aim(candidate) * self.coverage(candidate) / length
    }

    fn coverage(&self, candidate: &Candidate) -> f32 {
        self.weighed(|term| self.strength(candidate, term))
    }

    /// Weight of a term in a sentence: less in another form, in the headings above, and in the sentence
    /// before.
    fn strength(&self, candidate: &Candidate, term: u32) -> f32 {
        if candidate.terms.contains(&term) {
            1.0
        } else if candidate.section.contains(&term) {
            if self.names(candidate) > 0.0 { IN_NAME } else { IN_HEADING }
        } else if self.near[candidate.position].contains(&term) {
            NEAR
        } else if candidate.document.contains(&term) {
            IN_HEADING
        } else if candidate.before.contains(&term) {
            BEFORE
        } else {
            0.0
        }
    }

    fn share(&self, has: impl Fn(u32) -> bool) -> f32 {
        self.weighed(|term| if has(term) { 1.0 } else { 0.0 })
    }

    /// Whether a sentence begins with a word that refers to the sentence before.
    fn stands_for(&self, at: usize) -> bool {
        const STANDS_FOR: [&str; 9] =
            ["it", "its", "they", "their", "this", "these", "he", "she", "otherwise"];
        self.candidates[at].words.iter().next().is_some_and(|word| STANDS_FOR.contains(&word))
    }

    /// The sentence after or before that gives the reason, if the sentence itself gives none.
    fn reason_beside(&self, at: usize) -> Option<usize> {
        let fits = |at: usize| self.fits[at] > 0.0;
        if self.part.asks != ExpectedAnswer::Reason || fits(at) {
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

/// What follows a lead-in that ends in a colon: items of a list, or code.
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
    let a_set: HashSet<&str> = a.words.iter().collect();
    let b_set: HashSet<&str> = b.words.iter().collect();
    let common = a_set.intersection(&b_set).count() as f32;
    common >= SAME * a_set.len().min(b_set.len()) as f32
}
