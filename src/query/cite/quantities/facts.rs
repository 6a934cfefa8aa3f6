//! Whether the numbers of texts support a quantity of a claim.

use std::collections::HashSet;

use super::super::language::TextLanguage;
use super::bounds::Bound;
use super::dates::Date;
use super::parse::ParsedQuantities;
use super::restated::{belongs_elsewhere, restates};
use super::{Number, Quantity, What, derive, overlap, same_noun, stem};

/// Up to this many words, a text is too short to show its language.
const FEW_WORDS: usize = 12;
/// Up to this many things, an answer may count by itself what a passage lists.
const MOST_COUNTED: f64 = 12.0;

/// The numbers that the cited texts of a claim state.
#[derive(Default, Debug)]
pub(in super::super) struct StatedQuantities<'a> {
    readings: Vec<&'a ParsedQuantities>,
    stated: Vec<&'a Quantity>,
    /// The quantities of the question: its numbers are given.
    asked: &'a [Quantity],
}

/// A quantity of a text, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Fact<'a> {
    pub(super) quantity: &'a Quantity,
    pub(super) reading: &'a ParsedQuantities,
    pub(super) text: usize,
    pub(super) sentence: usize,
}

impl Fact<'_> {
    /// Whether its sentence has one of these words.
    pub(super) fn shares_words(&self, words: &HashSet<&str>) -> bool {
        self.reading.sentence_stems(self.quantity).any(|word| words.contains(word))
    }
}

impl<'a> StatedQuantities<'a> {
    pub(in super::super) fn of(readings: Vec<&'a ParsedQuantities>, asked: &'a [Quantity]) -> Self {
        let stated = readings.iter().flat_map(|reading| &reading.quantities).collect();
        Self { readings, stated, asked }
    }
}

impl StatedQuantities<'_> {
    /// Whether these facts support a quantity of a claim: they state it, or it follows from what they
    /// state.
    pub(in super::super) fn bear_out(&self, claim: &Quantity, claimed: &ParsedQuantities) -> bool {
        self.state(claim, claimed).unwrap_or_else(|| {
            self.may_spell(claim)
                || !restates(claim, claimed, &self.all())
                    && (self.give_rise_to(claim, claimed)
                        || (!claim.is_telling() && !self.have_rival(claim, claimed)))
        })
    }

    /// Whether the texts may have the number in words that cannot be read, those of unknown languages.
    fn may_spell(&self, claim: &Quantity) -> bool {
        let mut texts = self.readings.iter().filter(|reading| !reading.words.is_empty());
        claim.is_small()
            && texts.any(|reading| {
                reading.language == TextLanguage::Other && reading.words.len() > FEW_WORDS
            })
    }

    /// Whether another number of the same kind is in a sentence about the same thing; in any sentence, if
    /// no sentence with a number shares a word with the claim.
    fn have_rival(&self, claim: &Quantity, claimed: &ParsedQuantities) -> bool {
        let words: HashSet<&str> = claimed.stems().collect();
        let facts = || {
            self.readings
                .iter()
                .flat_map(|reading| reading.quantities.iter().map(move |fact| (reading, fact)))
        };
        let on_topic = |reading: &ParsedQuantities, fact: &Quantity| {
            reading.sentence_stems(fact).any(|word| words.contains(word))
        };
        let mut alike = facts().filter(|(_, fact)| claim.is_of_kind(fact)).peekable();
        alike.peek().is_some()
            && (alike.any(|(reading, fact)| on_topic(reading, fact))
                || !facts().any(|(reading, fact)| on_topic(reading, fact)))
    }

    /// Whether these facts state a quantity; `None` if they say neither that nor something else about the
    /// same number.
    fn state(&self, claim: &Quantity, claimed: &ParsedQuantities) -> Option<bool> {
        let stated = || self.stated.iter().copied();
        if stated().any(|fact| claim.follows_from(fact)) {
            let otherwise = self.counts_otherwise(claim)
                || self.has_other_rate(claim)
                || belongs_elsewhere(claim, claimed, &self.all());
            return Some(!otherwise);
        }
        let ends = claim.ends();
        if !ends.is_empty() {
            return Some(ends.iter().all(|end| self.state(end, claimed) == Some(true)));
        }
        match &claim.what {
            What::Number(number) => {
                let given = self.asked.iter().any(|asked| claim.follows_from(asked));
                if given || self.have_article(number) || self.only_enumerates(number) {
                    return Some(true);
                }
                if self.name_otherwise(number) {
                    return Some(false);
                }
                if stated().any(|fact| number.disagrees_only_in_kind(fact)) {
                    return Some(false);
                }
                stated().any(|fact| number.is_unit_left_out_of(fact)).then_some(true)
            }
            What::Date(ways) => Some(ways.iter().any(|way| self.have_parts(*way))),
            _ => None,
        }
    }

    /// What these facts state, and where.
    fn all(&self) -> Vec<Fact<'_>> {
        let texts = self.readings.iter().enumerate();
        let facts = texts.flat_map(|(text, reading)| {
            reading.quantities.iter().map(move |quantity| Fact {
                quantity,
                reading,
                text,
                sentence: reading.sentence(quantity),
            })
        });
        facts.collect()
    }

    fn give_rise_to(&self, claim: &Quantity, claimed: &ParsedQuantities) -> bool {
        let facts = self.all();
        let others = claimed.quantities.iter().filter(|other| other.at != claim.at);
        let named: Vec<&Quantity> =
            others.filter(|other| self.state(other, claimed) == Some(true)).collect();
        derive::follows(claim, claimed, &facts, &named)
    }

    /// What these facts have instead of a quantity that they do not support: the same unit, or the same
    /// thing counted.
    pub(in super::super) fn instead_of(&self, claim: &Quantity) -> Option<&str> {
        let alike = |fact: &&Quantity| match (&claim.what, &fact.what) {
            (What::Number(claim), What::Number(fact)) => match (claim.unit, fact.unit) {
                (Some(claim), Some(fact)) => {
                    claim.dimension == fact.dimension || (claim.is_currency() && fact.is_currency())
                }
                (None, None) => {
                    claim.counted.is_some()
                        && same_noun(claim.counted.as_ref(), fact.counted.as_ref())
                }
                // The number is right, but counts something else.
                _ => overlap(&claim.values, &fact.values, 1.0),
            },
            (What::Date(_), What::Date(_)) | (What::Time(_), What::Time(_)) => true,
            _ => false,
        };
        // A different number says more than the same one.
        let all: Vec<&Quantity> = self.stated.iter().copied().filter(alike).collect();
        let other = all.iter().find(|fact| fact.shown != claim.shown);
        other.or(all.first()).map(|fact| fact.shown.as_str())
    }

    /// Whether the texts have the same number with another rate: twice a year, and not twice a month.
    fn has_other_rate(&self, claim: &Quantity) -> bool {
        let What::Number(claimed) = &claim.what else { return false };
        if claimed.per.is_none() {
            return false;
        }
        let rated = |same: bool| {
            self.stated.iter().any(|fact| match &fact.what {
                What::Number(number) => {
                    number.per.is_some()
                        && claim.follows_from(fact) == same
                        && overlap(&claimed.values, &number.values, 1.0)
                }
                _ => false,
            })
        };
        rated(false) && !rated(true)
    }

    /// Whether the texts count something else with this number, and have another number for what the claim
    /// counts: a text with `two keys and three operators` does not say `two operators`.
    fn counts_otherwise(&self, claim: &Quantity) -> bool {
        let What::Number(claimed) = &claim.what else { return false };
        if claimed.unit.is_some() || !claimed.counts_things || claimed.article {
            return false;
        }
        let counting = self.stated.iter().filter_map(|fact| match &fact.what {
            What::Number(fact) if fact.counts_things && fact.ordinal == claimed.ordinal => {
                Some(fact)
            }
            _ => None,
        });
        let same = |fact: &&Number| same_noun(claimed.counted.as_ref(), fact.counted.as_ref());
        let (counted, others): (Vec<&Number>, Vec<&Number>) = counting.partition(same);
        let agrees =
            |facts: &[&Number]| facts.iter().any(|fact| fact.bears_out_values(&claimed.values));
        !counted.is_empty()
            && !agrees(&counted)
            && (agrees(&others) || self.measure(&claimed.values))
            && self.stated.iter().all(|fact| {
                !claim.follows_from(fact)
                    || matches!(&fact.what, What::Number(fact) if fact.counts_things || fact.unit.is_some())
            })
    }

    /// Whether one of the values has a unit in these texts.
    fn measure(&self, values: &[f64]) -> bool {
        self.stated.iter().any(|fact| {
            matches!(&fact.what, What::Number(fact) if fact.unit.is_some() && fact.bears_out_values(values))
        })
    }

    /// Whether the number is part of a name that the texts have only with other numbers: `Section 2.3`, if
    /// they have 3.2 and 4.
    fn name_otherwise(&self, claim: &Number) -> bool {
        let exact = |number: &Number| number.refers && number.bound == Bound::Exactly;
        exact(claim)
            && self.stated.iter().any(|fact| match &fact.what {
                What::Number(fact) => exact(fact) && fact.label == claim.label,
                _ => false,
            })
    }

    /// Whether the texts have an article that may be the number. Such a number is compared only with what
    /// counts the same thing.
    fn have_article(&self, claim: &Number) -> bool {
        let counts = |fact: &&Quantity| match &fact.what {
            What::Number(fact) if fact.ordinal == claim.ordinal => match claim.unit {
                Some(unit) => fact.unit.is_some_and(|other| {
                    other.dimension == unit.dimension || (other.is_period() && unit.is_period())
                }),
                None => same_noun(claim.counted.as_ref(), fact.counted.as_ref()),
            },
            _ => false,
        };
        // In languages other than English, the number one is written like the article.
        claim.article
            && ((claim.indefinite && claim.unit.is_none()) || !self.stated.iter().any(counts))
    }

    /// Whether the number is a small count of things that the texts do not count: the answer counts what
    /// they list.
    fn only_enumerates(&self, claim: &Number) -> bool {
        let counts = |fact: &&Quantity| matches!(&fact.what, What::Number(fact) if same_noun(claim.counted.as_ref(), fact.counted.as_ref()));
        claim.unit.is_none()
            && claim.counts_things
            && !claim.ordinal
            && claim.label.is_none()
            && claim
                .values
                .iter()
                .all(|value| value.fract() == 0.0 && (0.0..=MOST_COUNTED).contains(value))
            && !self.stated.iter().any(counts)
    }

    /// Whether the texts have the parts of a date, in a date that leaves some out and numbers beside it.
    fn have_parts(&self, claim: Date) -> bool {
        let years = |year: u32| {
            self.stated.iter().any(|fact| match &fact.what {
                What::Number(number) => number.values.contains(&f64::from(year)),
                What::Date(ways) => ways.iter().any(|way| way.year == Some(year)),
                _ => false,
            })
        };
        let rest = Date { year: None, ..claim };
        let partly = |way: &Date| way.year.is_none() && rest.follows_from(*way);
        claim.year.is_some_and(years)
            && self
                .stated
                .iter()
                .any(|fact| matches!(&fact.what, What::Date(ways) if ways.iter().any(partly)))
    }
}

impl ParsedQuantities {
    pub(super) fn sentence(&self, quantity: &Quantity) -> usize {
        self.words.get(quantity.at.start).map_or(0, |word| word.sentence)
    }

    /// Beginnings of the words that say something: `pay` and `pays` are one.
    pub(super) fn stems(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter(|word| word.tells && !word.of_quantity).map(stem)
    }

    /// The stems of the sentence of a quantity.
    pub(super) fn sentence_stems(&self, quantity: &Quantity) -> impl Iterator<Item = &str> {
        let sentence = self.sentence(quantity);
        let start = self.words.partition_point(|word| word.sentence < sentence);
        let words = self.words[start..].iter().take_while(move |word| word.sentence == sentence);
        words.filter(|word| word.tells).map(stem)
    }

    /// The words of the clause of a quantity, between the signs before and after it.
    pub(super) fn clause(&self, quantity: &Quantity) -> std::ops::Range<usize> {
        let sentence = self.sentence(quantity);
        let parts = |at: &usize| {
            let word = &self.words[*at];
            word.sentence != sentence
                || (!word.of_quantity
                    && matches!(word.text.as_str(), "," | ";" | ":" | "(" | ")" | "–"))
        };
        let start = (0..quantity.at.start).rev().find(parts).map_or(0, |at| at + 1);
        let end = (quantity.at.end..self.words.len()).find(parts).unwrap_or(self.words.len());
        start..end
    }
}
