//! Whether a claim says the same as a text, but with another number.
//!
//! A number that follows from those of a text by arithmetic is a number of something else, or comes with a
//! word for the calculation: `together`, `a third more`, `so`. `The battery lasts 90 km` has neither if the
//! text says that the battery lasts 60 km, although 60 times 1.5 is 90.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::super::lexicon::{Lexicon, words};
use super::facts::Fact;
use super::parse::ParsedQuantities;
use super::{Quantity, stem};

/// Words for a step of arithmetic, or for the relation of two numbers.
static WORKED_OUT: LazyLock<Lexicon<()>> = LazyLock::new(|| words(WORKING_OUT));

const WORKING_OUT: &str = "together total totals altogether combined sum sums overall both all more less fewer difference \
     differ* rose risen fell fallen grew grown shrank shrunk increas* decreas* drop* declin* reduc* gain* result* down up later earlier before after older \
     younger longer shorter higher lower cheaper dearer remaining remain* rest left other others without twice double* \
     tripl* half halve* times each every so thus therefore hence makes average averages apiece than since until another \
     save saves saving mean means extra \
     zusammen insgesamt gesamt summe beide beiden mehr weniger unterschied differenz stieg gestiegen sank gesunken wuchs \
     später früher vorher nach vor älter jünger länger kürzer höher niedriger billiger teurer übrig übrigen rest andere \
     anderen ohne doppelt* dreifach* halb* je also somit daher damit ergibt ergeben durchschnitt* pro seit bis so demnach \
     ensemble total totale deux plus moins différence augment* diminu* hausse baisse après avant restant* reste autres sans \
     chaque donc ainsi soit moyenne que double* moitié depuis économ* \
     juntos juntas conjunto más menos diferencia aument* bajó subió después antes resto restantes otros sin cada así pues \
     promedio media doble mitad desde \
     insieme totale più meno differenza aument* diminu* dopo prima resto altri altre senza ogni quindi dunque così media doppio \
     metà risparm* \
     juntos mais menos diferença após depois antes restantes outros sem cada portanto assim média dobro metade \
     samen totaal meer minder verschil steeg daalde later eerder na voor rest andere overige zonder elk elke dus gemiddeld* \
     dubbel* helft sinds";

/// Whether a clause of the texts says what the claim's clause says, with one different number of the same
/// kind.
pub(super) fn restates(claim: &Quantity, claimed: &ParsedQuantities, facts: &[Fact]) -> bool {
    facts.iter().any(|fact| says_of(fact, claim, claimed, facts))
}

/// Whether the texts state this number of something else: a clause has all words of the claim's with
/// another number, and no clause with this number has them all.
pub(super) fn belongs_elsewhere(
    claim: &Quantity,
    claimed: &ParsedQuantities,
    facts: &[Fact],
) -> bool {
    let own = claimed.telling(claimed.clause(claim));
    let has_all = |fact: &Fact| own.is_subset(&words_of(fact));
    let (stating, others): (Vec<&Fact>, Vec<&Fact>) =
        facts.iter().partition(|fact| claim.follows_from(fact.quantity));
    own.len() >= MIN_WORDS
        && !stating.iter().any(|fact| has_all(fact))
        && others.iter().any(|other| has_all(other) && says_of(other, claim, claimed, facts))
}

/// Whether a fact's clause says what the claim's clause says, with one number of its kind.
fn says_of(fact: &Fact, claim: &Quantity, claimed: &ParsedQuantities, facts: &[Fact]) -> bool {
    if !claim.is_of_kind(fact.quantity)
        || (fact.quantity.is_loose() || fact.quantity.counts() && !claim.counts())
    {
        return false;
    }
    let own = claimed.telling(claimed.clause(claim));
    let place = fact.reading.clause(fact.quantity);
    let others = || fact.reading.quantities.iter().filter(|other| place.contains(&other.at.start));
    // The difference of two numbers, or an example of the answer's own: `an hour costs 3.50`.
    let two = others().filter(|other| claim.is_of_kind(other)).count() > 1;
    let has_example = claimed.quantities.iter().any(|own| {
        own.at != claim.at
            && claimed.sentence(own) == claimed.sentence(claim)
            && !others().any(|other| own.follows_from(other))
    });
    if own.len() < MIN_WORDS || two || has_example {
        return false;
    }
    let theirs = words_of(fact);
    let has =
        |lower: &str| fact.reading.words[place.clone()].iter().any(|word| word.lower == lower);
    let missing: Vec<&&str> = own.difference(&theirs).collect();
    let elsewhere =
        |word: &str| facts.iter().any(|fact| fact.reading.stems().any(|one| one == word));
    missing.len() * FEW <= own.len()
        && claimed.works_out(claim).all(has)
        && !missing.iter().any(|word| elsewhere(word))
}

/// Beginnings of the words of a fact's clause that say something.
fn words_of<'a>(fact: &Fact<'a>) -> HashSet<&'a str> {
    fact.reading.telling(fact.reading.clause(fact.quantity))
}

impl ParsedQuantities {
    /// The words of a quantity's sentence that say that it was worked out.
    pub(super) fn works_out(&self, quantity: &Quantity) -> impl Iterator<Item = &str> {
        let sentence = self.sentence(quantity);
        let words = self.words.iter().filter(move |word| word.sentence == sentence);
        words.map(|word| word.lower.as_str()).filter(|lower| WORKED_OUT.has(lower))
    }

    /// Beginnings of the words of a clause that say something, without its quantities.
    fn telling(&self, clause: Range<usize>) -> HashSet<&str> {
        let words = self.words[clause].iter();
        words.filter(|word| word.tells && !word.of_quantity).map(stem).collect()
    }
}

/// Minimum number of telling words of a clause that says something.
const MIN_WORDS: usize = 2;
/// One in this many words may differ.
const FEW: usize = 4;
