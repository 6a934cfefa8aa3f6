//! Finds two things that have changed places between a claim and a passage.

use super::super::language::TextLanguage;
use super::super::nearest::same_stem;
use super::statement::{Clause, OppositePole, Statement, StatementWord};
use super::{ComparedPassage, MissingMeaning, concepts};

/// Two things that have changed places.
pub(super) fn find(claim: &Statement, sources: &[&ComparedPassage]) -> Option<MissingMeaning> {
    let texts = || sources.iter().map(|source| &source.text);
    texts()
        .find_map(|text| comparison_turned(claim, text))
        .or_else(|| texts().find_map(|text| roles_exchanged(claim, text)))
}

/// `longer in summer than in winter`: the two things that are compared, and the word for it.
struct Comparison<'a> {
    left: &'a str,
    right: &'a str,
    by: Vec<OppositePole>,
    clause: &'a Clause,
}

fn comparisons(statement: &Statement) -> Vec<Comparison<'_>> {
    let mut found = Vec::new();
    for clause in &statement.clauses {
        let poles = clause.poles();
        let words = clause.words.iter().enumerate();
        for (at, _) in words.filter(|(_, word)| concepts::compares(&word.lower)) {
            // Two opposites may themselves be compared: men and women.
            let paired = |pole: &OppositePole| {
                poles.iter().any(|one| one.pair == pole.pair && one.side != pole.side)
            };
            let is_pole = |at: usize| poles.iter().any(|pole| pole.at == at && !paired(pole));
            // `is longer than`: what is compared comes before that.
            let mut before = (0..at).rev().filter(|before| clause.words[*before].tells);
            let left = before.find(|before| *before + 1 < at || !is_pole(*before));
            let by: Vec<OppositePole> = poles
                .iter()
                .filter(|pole| pole.at < at && Some(pole.at) != left)
                .copied()
                .collect();
            let after = clause.words[at + 1..].iter().find(|word| word.tells);
            if let (Some(left), Some(right), false) = (left, after, by.is_empty()) {
                let left = &clause.words[left].lower;
                found.push(Comparison { left, right: &right.lower, by, clause });
            }
        }
    }
    found
}

/// Finds the same comparison of the same two things, with the two exchanged or with the opposite word.
fn comparison_turned(claim: &Statement, text: &Statement) -> Option<MissingMeaning> {
    let theirs = comparisons(text);
    comparisons(claim).iter().find_map(|own| {
        let (other, swapped) = theirs.iter().find_map(|other| {
            let same = same_stem(own.left, other.left) && same_stem(own.right, other.right);
            let swapped = same_stem(own.left, other.right) && same_stem(own.right, other.left);
            (same || swapped).then_some((other, swapped))
        })?;
        let side = |agrees: bool| {
            own.by.iter().any(|here| {
                let mut pair = other.by.iter().filter(|there| there.pair == here.pair);
                pair.any(|there| (there.side == here.side) == agrees)
            })
        };
        let turned = if swapped { side(true) && !side(false) } else { side(false) && !side(true) };
        turned.then(|| MissingMeaning {
            claimed: own.clause.text.trim().to_owned(),
            instead: Some(other.clause.text.trim().to_owned()),
        })
    })
}

/// Up to this many words, a sentence says one thing of one pair.
const SHORT: usize = 12;

/// Finds `A replaced B` where a passage says that B replaced A.
fn roles_exchanged(claim: &Statement, text: &Statement) -> Option<MissingMeaning> {
    let own = claim.sentences();
    let theirs = text.sentences();
    for words in &own {
        let names: Vec<usize> = (0..words.len())
            .filter(|at| words[*at].is_name() && (!words[*at].acronym || words[*at].is_coded()))
            .collect();
        let (Some(first), Some(last)) = (names.first(), names.last()) else { continue };
        if words.len() > SHORT {
            continue;
        }
        for other in &theirs {
            let place =
                |at: usize| other.iter().position(|word| same_stem(&word.lower, &words[at].lower));
            let (Some(here), Some(there)) = (place(*first), place(*last)) else { continue };
            if first == last || here == there || here.abs_diff(there) > SHORT {
                continue;
            }
            let between = |words: &[&StatementWord], a: usize, b: usize| -> Vec<String> {
                words[a.min(b) + 1..a.max(b)].iter().map(|word| word.lower.clone()).collect()
            };
            let (verbs, verbs_there) = (between(words, *first, *last), between(other, here, there));
            // German word order says little about who does what.
            let of_person = |at: usize| {
                let beside = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
                beside.filter_map(|at| words.get(at)).any(|word| word.capital && word.tells)
            };
            let free =
                claim.language == TextLanguage::German && !(of_person(*first) && of_person(*last));
            let shared = !free
                && verbs.iter().any(|verb| {
                    verbs_there.iter().any(|one| {
                        same_stem(one, verb) && !claim.language.has_small(verb) && verb.len() > 3
                    })
                });
            let both = |is: fn(&str) -> bool| {
                verbs.iter().any(|verb| is(verb)) && verbs_there.iter().any(|verb| is(verb))
            };
            if !(shared || both(concepts::succeeds) || both(concepts::acquires)) {
                continue;
            }
            // `25 seconds after her`: neither does anything to the other.
            if verbs.iter().chain(&verbs_there).any(|verb| concepts::orders(verb)) {
                continue;
            }
            let passive = |verbs: &[String]| verbs.iter().any(|verb| concepts::is_agent(verb));
            let reversed = here > there;
            if reversed != (passive(&verbs) != passive(&verbs_there)) {
                let text = |words: &[&StatementWord]| {
                    words.iter().map(|word| word.lower.as_str()).collect::<Vec<_>>().join(" ")
                };
                return Some(MissingMeaning { claimed: text(words), instead: Some(text(other)) });
            }
        }
    }
    None
}
