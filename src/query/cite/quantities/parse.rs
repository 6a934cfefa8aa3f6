//! Text → quantities.

mod surroundings;
mod times;
mod unit;
mod value;

use super::super::language::TextLanguage;
use super::bounds::Bound;
use super::dates;
use super::tokens::{QuantityToken, TokenShape, tokens};
use super::units::{Dimension, MeasureUnit};
use super::words::{SpelledNumber, spelled};
use super::{Number, Quantity, What};
use value::BareNumber;

/// The quantities and the words of a text.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in super::super) struct ParsedQuantities {
    pub(in super::super) language: TextLanguage,
    /// In the order of the text.
    pub(in super::super) quantities: Vec<Quantity>,
    pub(in super::super) words: Vec<ComparedWord>,
}

/// A token, as far as words are compared.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) struct ComparedWord {
    pub(in super::super) text: String,
    pub(in super::super) lower: String,
    /// White space comes before it.
    pub(in super::super) spaced: bool,
    /// Begins a line.
    pub(in super::super) begins_line: bool,
    /// Part of a quantity, or of the words that make it a limit.
    pub(in super::super) of_quantity: bool,
    /// Number of the sentence, or of the line of a table or list, that it is in.
    pub(in super::super) sentence: usize,
    /// It says something: neither a sign nor a small word.
    pub(in super::super) tells: bool,
}

/// Reads the quantities of a text.
pub(in super::super) fn read(text: &str, language: TextLanguage) -> ParsedQuantities {
    let tokens = tokens(text, language);
    let quantities = quantities_of(&tokens, language);
    let mut sentence = 0;
    let words = tokens.iter().enumerate().map(|(at, token)| {
        let begins =
            token.begins_line && (token.is('|') || token.is('-') || token.is('*') || token.is('#'));
        sentence += usize::from(begins);
        let tells =
            (token.is_word() || token.shape == TokenShape::Name || token.literal().is_some())
                && !language.has_small(&token.lower);
        let of_quantity = quantities.iter().any(|quantity| quantity.with_bound.contains(&at));
        let word = ComparedWord {
            text: token.text.clone(),
            lower: token.lower.clone(),
            spaced: token.spaced,
            begins_line: token.begins_line,
            of_quantity,
            sentence,
            tells,
        };
        // `6 a.m. and` does not end the sentence.
        let next = tokens.get(at + 1);
        let goes_on = token.is('.')
            && next.is_some_and(|next| !next.spaced || next.text.starts_with(char::is_lowercase));
        sentence += usize::from(ends_sentence(token) && !goes_on);
        word
    });
    ParsedQuantities { language, words: words.collect(), quantities }
}

fn ends_sentence(token: &QuantityToken) -> bool {
    matches!(token.shape, TokenShape::Sign('.' | ';' | '!' | '?' | '。'))
}

fn quantities_of(tokens: &[QuantityToken], language: TextLanguage) -> Vec<Quantity> {
    let spelled = spelled(tokens, language);
    let parser = Parser { tokens, spelled: &spelled, language };
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match parser.next(at) {
            Some((quantity, end)) => {
                found.push(quantity);
                end.max(at + 1)
            }
            None => at + 1,
        };
    }
    found
}

/// Largest factor between the two ends of a range.
const LIKE: f64 = 100.0;

struct Parser<'a> {
    tokens: &'a [QuantityToken],
    spelled: &'a [SpelledNumber],
    language: TextLanguage,
}

impl Parser<'_> {
    /// The quantity that begins at this token, and where it ends.
    fn next(&self, at: usize) -> Option<(Quantity, usize)> {
        let token = &self.tokens[at];
        if self.is_item_marker(at) || self.counts_clauses(at) {
            return None;
        }
        let rest = &self.tokens[at..];
        if let Some((ways, length)) = dates::date(rest) {
            return Some((self.quantity(What::Date(ways), at, at + length), at + length));
        }
        if let Some((digits, end)) = self.telephone(at) {
            return Some((self.quantity(What::Name(digits), at, end), end));
        }
        if let Some((minutes, length)) = self
            .hour_of_the_day(at)
            .or_else(|| dates::time(rest))
            .or_else(|| self.hour_before_a_time(at))
        {
            let minutes = self.in_its_half_of_the_day(at, minutes);
            return Some((self.quantity(What::Time(vec![minutes]), at, at + length), at + length));
        }
        if let Some(minutes) = dates::named_time(token) {
            return Some((self.quantity(What::Time(vec![minutes]), at, at + 1), at + 1));
        }
        if let Some((ways, end)) = self.half_hour(at) {
            return Some((self.quantity(What::Time(ways), at, end), end));
        }
        if token.shape == TokenShape::Name {
            return Some((self.quantity(What::Name(self.name(at)), at, at + 1), at + 1));
        }
        let bare = self.bare(at)?;
        if bare.values.is_empty() {
            let name = token.literal().map(|literal| literal.text.clone())?;
            return Some((self.quantity(What::Name(name), at, bare.end), bare.end));
        }
        Some(self.number(at, bare))
    }

    fn quantity(&self, what: What, start: usize, end: usize) -> Quantity {
        let mut shown = String::new();
        for (at, token) in self.tokens[start..end].iter().enumerate() {
            if at > 0 && token.spaced {
                shown.push(' ');
            }
            shown.push_str(&token.text);
        }
        Quantity { shown, what, at: start..end, with_bound: start..end }
    }

    fn spelled_at(&self, at: usize) -> Option<&SpelledNumber> {
        self.spelled.iter().find(|number| number.start == at)
    }

    /// The name without a leading `v`: `v2` and `version 2` are the same.
    fn name(&self, at: usize) -> String {
        let lower = &self.tokens[at].lower;
        let digits =
            lower.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        digits.unwrap_or(lower).to_owned()
    }

    /// Whether a number only counts lines: `1.` or `1)` at the beginning of a line.
    fn is_item_marker(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let number = token.literal().is_some_and(|literal| literal.text.len() <= 3);
        let next = self.tokens.get(at + 1);
        number
            && token.begins_line
            && next.is_some_and(|next| (next.is('.') || next.is(')')) && !next.spaced)
            && self.tokens.get(at + 2).is_some_and(|after| after.spaced && !after.begins_line)
    }

    /// Whether a number only counts the clauses of a sentence: `(1)`.
    fn counts_clauses(&self, at: usize) -> bool {
        let short = self.tokens[at].literal().is_some_and(|literal| literal.text.len() <= 2);
        let opens = at.checked_sub(1).is_some_and(|before| self.tokens[before].is('('));
        short && opens && self.tokens.get(at + 1).is_some_and(|next| next.is(')'))
    }

    fn number(&self, start: usize, bare: BareNumber) -> (Quantity, usize) {
        let mut number = Number {
            values: bare.values,
            literal: bare.literal,
            ordinal: bare.ordinal,
            article: bare.article,
            indefinite: bare.article && self.language != TextLanguage::English,
            ..Number::default()
        };
        let mut end = bare.end;
        let mut from = start;
        let plus = start
            .checked_sub(1)
            .is_some_and(|before| self.tokens[before].is('+') && !self.tokens[start].spaced);
        number.signed = plus;
        if self.is_negative(start) {
            number.signed = true;
            number.values.iter_mut().for_each(|value| *value = -*value);
            from -= 1;
        }
        if let Some(currency) = self.currency_before(from) {
            number.unit = Some(currency);
            from -= 1;
        }
        let unit_of_first = self.unit_of(end, bare.share).filter(|(_, after)| {
            // `the 2nd best year` ranks something other than years.
            number.unit.is_none() && (!bare.ordinal || *after == end + 1)
        });
        let range_from = unit_of_first.map_or(end, |(_, after)| after);
        // `twenty minutes at 180 degrees` is not a range.
        let range =
            self.range(from, range_from, &number).or_else(|| self.range(from, end, &number));
        let range = range.filter(|(_, _, last)| {
            let dimension = |unit: Option<MeasureUnit>| unit.map(|unit| unit.dimension);
            let first = dimension(unit_of_first.map(|(unit, _)| unit));
            first.is_none() || last.is_none() || first == dimension(*last)
        });
        if let Some((to, after, last_unit)) = range {
            // `10 to 20 thousand` multiplies both.
            for value in number.values.iter_mut().filter(|value| **value > 0.0) {
                let factor = [1e9, 1e6, 1e3]
                    .into_iter()
                    .find(|factor| (0.1..=10.0).contains(&(to / (*value * factor))));
                *value *= factor.filter(|_| to / *value > LIKE).unwrap_or(1.0);
            }
            number.to = Some(to);
            number.passed = self.tokens[range_from.min(end)..after].iter().any(|token| {
                matches!(token.lower.as_str(), "to" | "auf" | "bis" | "à" | "a" | "tot" | "naar")
            });
            number.unit = number.unit.or(last_unit).or(unit_of_first.map(|(unit, _)| unit));
            end = after;
        } else if let Some((unit, after)) = unit_of_first {
            number.unit = Some(unit);
            end = after;
            if let Some(half_end) = self.and_a_half(end) {
                number.values.iter_mut().for_each(|value| *value += 0.5);
                (number.article, end) = (false, half_end);
            }
            end = self.with_smaller_unit(&mut number, unit, end);
        }
        if bare.share && number.unit.is_none() {
            number.unit = Some(MeasureUnit { dimension: Dimension::Share, factor: 1.0 });
        }
        if self.says_below_zero(end) {
            number.values.iter_mut().for_each(|value| *value = -value.abs());
        }
        let mut noun_end = end;
        if number.unit.is_none()
            && let Some((noun, at)) = self.noun(end)
        {
            number.counts_things = self.is_plural(at);
            number.counted = Some(noun);
            noun_end = at + 1;
        }
        (number.denied, number.falls) = self.sentence_says(from);
        if let Some((per, after)) = self.per(noun_end) {
            number.per = Some(per);
            if number.counted.is_none() {
                end = after;
            }
        }
        let bound_from = self.per(noun_end).map_or(noun_end, |(_, after)| after);
        number.bound =
            self.bound(from, bound_from).or_else(|| self.bound(from, noun_end)).unwrap_or_default();
        number.has_complement =
            matches!(number.bound, Bound::AtMost | Bound::LessThan) && self.has_complement(end);
        number.label = self.label(from);
        number.refers = number.unit.is_none() && self.refers(from);
        number.named = self.named_before(from);
        let shown_end =
            if number.unit.is_none() && number.counted.is_some() { noun_end } else { end };
        let mut quantity = self.quantity(What::Number(number), from, shown_end);
        let (before, after) = self.bound_lengths(from, bound_from);
        quantity.with_bound = from - before..if after > 0 { bound_from + after } else { end };
        (quantity, end)
    }
}
