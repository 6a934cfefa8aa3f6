//! Whether a claim says what its passages say, as far as rules on words can tell.
//!
//! The rules look at four things: names that the passages do not have; a clause that is denied where the
//! nearest clause of the passages is not, or that has the opposite of one of its words; who does what to
//! whom; and whether the passages are about the claim at all. Other words than those of the passages are
//! not an objection.

mod concepts;
mod contradiction;
mod exchange;
mod opposites;
mod statement;

use super::language::TextLanguage;
use super::quantities::ParsedQuantities;
pub(super) use statement::Statement;
use statement::StatementWord;

/// A passage, prepared for the comparison.
#[derive(Debug)]
pub(super) struct ComparedPassage {
    text: Statement,
    context: Statement,
}

/// Something that the passages do not support.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MissingMeaning {
    pub(super) claimed: String,
    pub(super) instead: Option<String>,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub(super) struct MeaningVerdict {
    /// Whether claim and passages are in one language, so that words could be compared.
    pub(super) compared: bool,
    pub(super) missing: Vec<MissingMeaning>,
}

impl ComparedPassage {
    pub(super) fn of(
        text: &ParsedQuantities,
        context: &ParsedQuantities,
        language: TextLanguage,
    ) -> Self {
        Self { text: Statement::of(text, language), context: Statement::of(context, language) }
    }

    fn has(&self, word: &str) -> bool {
        self.text.has(word) || self.context.has(word)
    }
}

/// Compares a claim with the passages that it cites. `asked` is the question, whose names an answer may
/// repeat; `others` are the passages that the claim does not cite.
pub(super) fn compare(
    claim: &Statement,
    asked: &Statement,
    sources: &[&ComparedPassage],
    others: &[&ComparedPassage],
) -> MeaningVerdict {
    let mut verdict = MeaningVerdict::default();
    let same_language = |source: &&&ComparedPassage| source.text.language == claim.language;
    verdict.compared = !sources.is_empty() && sources.iter().all(|source| same_language(&source));
    if !verdict.compared {
        return verdict;
    }
    verdict.missing.extend(names(claim, asked, sources, others));
    if verdict.missing.is_empty() {
        verdict.missing.extend(contradiction::find(claim, sources));
    }
    if verdict.missing.is_empty() {
        verdict.missing.extend(exchange::find(claim, sources));
    }
    if verdict.missing.is_empty() {
        verdict.missing.extend(spoken_of(claim, sources, others));
    }
    verdict
}

/// Minimum number of letters of a name: a shorter word is an abbreviation.
const MIN_NAME: usize = 4;

/// Names that no passage has, cited or not. In German, where all nouns begin with a capital, two in a row
/// count as a name.
fn names(
    claim: &Statement,
    asked: &Statement,
    sources: &[&ComparedPassage],
    others: &[&ComparedPassage],
) -> Option<MissingMeaning> {
    let known = |name: &str| {
        asked.has(name)
            || sources.iter().chain(others).any(|source| {
                let mut words = source.text.words().chain(source.context.words());
                words.any(|word| word.lower.contains(name) || begin_alike(&word.lower, name))
            })
    };
    let is_name = |word: &StatementWord| {
        let long = word.lower.chars().count() >= MIN_NAME;
        word.name && word.tells && long && !word.masked && !word.acronym
    };
    let word = claim.clauses.iter().find_map(|clause| {
        let is_unknown = |at: usize| {
            let beside = || clause.words.get(at + 1).is_some_and(is_name);
            let word = &clause.words[at];
            is_name(word)
                && (claim.language != TextLanguage::German || beside())
                && !known(&word.lower)
                && !initials(&clause.words, at)
                    .is_some_and(|short| asked.has(&short) || has_word(sources, &short))
        };
        (0..clause.words.len()).find(|at| is_unknown(*at)).map(|at| &clause.words[at])
    })?;
    Some(MissingMeaning { claimed: word.lower.clone(), instead: None })
}

/// The initials of the name that a word is part of, if the name has three or more words: a short form of
/// the name.
fn initials(words: &[StatementWord], at: usize) -> Option<String> {
    let before = words[..at].iter().rev().take_while(|word| word.capital).count();
    let after = words[at..].iter().take_while(|word| word.capital).count();
    let name = &words[at - before..at + after];
    let letters = name.iter().filter_map(|word| word.lower.chars().next());
    (name.len() >= 3).then(|| letters.collect())
}

fn has_word(sources: &[&ComparedPassage], lower: &str) -> bool {
    let mut words = sources.iter().flat_map(|source| source.text.words());
    words.any(|word| word.lower == lower)
}

/// Whether two words may be forms of one word, or a name and its short form.
fn begin_alike(a: &str, b: &str) -> bool {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count() >= MIN_STEM
}

/// Minimum number of letters of a word that may be part of another, as in German and Dutch.
const MIN_PART: usize = 5;
/// Minimum number of letters that two forms of a word have in common.
const MIN_STEM: usize = 4;

/// Whether a passage has a word, a form of it, or a compound with it.
fn speaks_of(source: &ComparedPassage, word: &StatementWord) -> bool {
    let compounds = matches!(source.text.language, TextLanguage::German | TextLanguage::Dutch);
    let part =
        |a: &str, b: &str| b.chars().count() >= MIN_PART && (a.starts_with(b) || a.ends_with(b));
    let form = |a: &str, b: &str| {
        let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        common >= MIN_STEM && common + 3 >= a.chars().count().max(b.chars().count())
    };
    source.has(&word.lower)
        || source.text.words().any(|own| {
            let (own, word) = (own.lower.as_str(), word.lower.as_str());
            form(own, word) || (compounds && (part(own, word) || part(word, own)))
        })
}

/// Minimum number of words of a claim that another passage has and the cited ones lack.
const MIN_ELSEWHERE: usize = 3;

/// Whether the cited passages have hardly any of the claim's words, while one that is not cited has most.
fn spoken_of(
    claim: &Statement,
    sources: &[&ComparedPassage],
    others: &[&ComparedPassage],
) -> Option<MissingMeaning> {
    let telling: Vec<&StatementWord> = claim.words().filter(|word| word.tells).collect();
    let known = |sources: &[&ComparedPassage]| {
        telling.iter().filter(|word| sources.iter().any(|source| speaks_of(source, word))).count()
    };
    let here = known(sources);
    if here * 4 > telling.len() {
        return None;
    }
    let elsewhere = others.iter().map(|other| known(&[other])).max().unwrap_or_default();
    let is_of_another = elsewhere * 3 >= telling.len() * 2 && elsewhere >= here + MIN_ELSEWHERE;
    is_of_another.then(|| MissingMeaning {
        claimed: telling.iter().map(|word| word.lower.as_str()).collect::<Vec<_>>().join(" "),
        instead: None,
    })
}

#[cfg(test)]
mod tests;
