//! Finds what a claim says the opposite of: a denial on one side only, or an opposite word.

use super::super::nearest::same_stem;
use super::statement::{Clause, OppositePole, Statement, StatementWord};
use super::{ComparedPassage, MissingMeaning, concepts};

/// A clause that is denied although the nearest clause of the passages is not, or the reverse, or that has
/// the opposite of one of its words.
pub(super) fn find(claim: &Statement, sources: &[&ComparedPassage]) -> Option<MissingMeaning> {
    claim.clauses.iter().find_map(|clause| {
        let telling = clause.telling().filter(|word| word.poles.is_empty()).count();
        let candidates = || {
            sources.iter().flat_map(|source| {
                let whole = source.text.clauses.iter().filter(|one| one.says_something());
                whole.map(|candidate| (&source.text, candidate))
            })
        };
        let most =
            candidates().map(|(_, candidate)| candidate.shared(clause)).max().unwrap_or_default();
        if most == 0 || most * 3 < telling * 2 {
            return None;
        }
        let denied = !clause.denied().is_empty();
        let mut found = None;
        for (text, candidate) in candidates() {
            let shared = candidate.shared(clause);
            // For a denied clause, one that shares one word less and is denied too is enough.
            let near =
                shared == most || (denied && shared + 1 == most && !candidate.denied().is_empty());
            if !near {
                continue;
            }
            let missing = contradiction(clause, candidate, shared);
            let settled =
                text.turns_round(candidate.sentence) || says_both(clause, candidate, text);
            if missing.is_none() || settled {
                return None;
            }
            found = found.or(missing);
        }
        let exempt = denied
            && found.is_some()
            && (is_exempt(clause, sources) || is_denied_with_its_figures(clause, sources));
        found.filter(|_| !exempt)
    })
}

/// Whether the sentence also has the other side: `the first leaves at 9, the last at 16`.
fn says_both(clause: &Clause, candidate: &Clause, text: &Statement) -> bool {
    let own = clause.poles();
    let of_sentence = text.clauses.iter().filter(|one| one.sentence == candidate.sentence);
    let mut rest = of_sentence.filter(|one| !std::ptr::eq(*one, candidate)).flat_map(Clause::poles);
    rest.any(|there| own.iter().any(|here| here.pair == there.pair && here.side == there.side))
}

/// Whether another clause denies something with the same figures: `no participant was younger than 35`.
fn is_denied_with_its_figures(clause: &Clause, sources: &[&ComparedPassage]) -> bool {
    let figures = |clause: &Clause, figure: &str| {
        clause.words.iter().any(|word| word.masked && word.lower == figure)
    };
    let is_figure =
        |word: &&StatementWord| word.masked && word.lower.starts_with(|c: char| c.is_ascii_digit());
    clause.words.iter().filter(is_figure).any(|word| {
        let mut clauses = sources.iter().flat_map(|source| &source.text.clauses);
        clauses.any(|other| !other.denied().is_empty() && figures(other, &word.lower))
    })
}

/// Whether another clause exempts something in the claim: `guide dogs are exempt from this rule`.
fn is_exempt(clause: &Clause, sources: &[&ComparedPassage]) -> bool {
    let mut clauses = sources.iter().flat_map(|source| &source.text.clauses);
    clauses.any(|other| other.exempts() && other.shared(clause) > 0)
}

/// What a clause contradicts in a clause of a passage, with which it shares `shared` words.
fn contradiction(clause: &Clause, other: &Clause, shared: usize) -> Option<MissingMeaning> {
    let (own, theirs) = (clause.poles(), other.poles());
    let counts = |here: &OppositePole, there: &OppositePole| {
        let (word, counterpart) = (&clause.words[here.at].lower, &other.words[there.at].lower);
        if concepts::is_comparative(word)
            || concepts::is_modal(word)
            || concepts::is_modal(counterpart)
        {
            let (next, next_there) = (clause.after(here.at), other.after(there.at));
            return next.zip(next_there).is_some_and(|(a, b)| same_stem(a, b));
        }
        if concepts::orders(word) && shared < 2 {
            return false;
        }
        !(concepts::orders(word)
            && concepts::orders(counterpart)
            && (exchanges_events(clause, here.at, other, there.at)
                || clause.waits() != other.waits()))
    };
    let opposite = own.iter().find(|here| {
        let same_pair = |there: &&OppositePole| there.pair == here.pair;
        let agrees = theirs.iter().any(|there| there.pair == here.pair && there.side == here.side);
        let both = own.iter().any(|one| one.pair == here.pair && one.side != here.side);
        !agrees && !both && theirs.iter().filter(same_pair).any(|there| counts(here, there))
    });
    let (denied, denied_there) = (clause.denied(), other.denied());
    // A denied limit is a limit on the other side, which is checked with the number.
    let figures = clause.words.iter().chain(&other.words).any(|word| word.masked);
    let weakly = figures || clause.denies_weakly() || other.denies_weakly();
    let turned = match (denied.is_empty(), denied_there.is_empty()) {
        (false, true) => {
            opposite.is_some()
                || (shared > 1 && !weakly && denied.iter().any(|word| other.has(word)))
        }
        (true, false) => {
            opposite.is_some()
                || (shared > 1 && !weakly && denied_there.iter().any(|word| clause.has(word)))
        }
        _ => false,
    };
    let claimed = opposite.map_or(clause.text.trim(), |pole| &clause.words[pole.at].lower);
    (turned != opposite.is_some()).then(|| MissingMeaning {
        claimed: claimed.to_owned(),
        instead: Some(other.text.trim().to_owned()),
    })
}

/// Whether what comes before a word in one clause comes after it in the other: `a before b` is `b after a`.
fn exchanges_events(clause: &Clause, at: usize, other: &Clause, there: usize) -> bool {
    let both = |a: &[StatementWord], b: &[StatementWord]| {
        let telling = a.iter().filter(|word| word.tells);
        telling.filter(|word| b.iter().any(|one| same_stem(&one.lower, &word.lower))).count()
    };
    let (left, right) = (&clause.words[..at], &clause.words[at + 1..]);
    let (left_there, right_there) = (&other.words[..there], &other.words[there + 1..]);
    both(left, right_there) + both(right, left_there)
        > both(left, left_there) + both(right, right_there)
}
