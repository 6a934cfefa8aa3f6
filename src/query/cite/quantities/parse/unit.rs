//! The unit of a number, the other end of its range, and its rate.

use super::super::super::language::TextLanguage;
use super::super::tokens::{QuantityToken, TokenShape, is_unspaced};
use super::super::units::{self, MeasureUnit};
use super::super::{Number, dates, same};
use super::Parser;
use super::value::BareNumber;

/// `2000–19`, `447–53`: the end leaves out the digits that it shares with the beginning.
fn abbreviated(first: &Number, second: &BareNumber) -> Option<f64> {
    let (from, to) = (first.literal.as_ref()?, second.literal.as_ref()?);
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let whole = plain(from) && plain(to) && from.len() >= 3 && to.len() < from.len();
    let written = format!("{}{to}", from.get(..from.len().checked_sub(to.len())?)?);
    written
        .parse()
        .ok()
        .filter(|end: &f64| whole && first.unit.is_none() && first.values.first() < Some(end))
}

impl Parser<'_> {
    pub(super) fn currency_before(&self, at: usize) -> Option<MeasureUnit> {
        let token = &self.tokens[at.checked_sub(1)?];
        let code =
            token.is_word() && token.text.len() == 3 && token.text.chars().all(char::is_uppercase);
        let sign = matches!(token.shape, TokenShape::Sign(_));
        let unit =
            units::named(&token.lower, TextLanguage::Other).filter(|unit| unit.is_currency());
        unit.filter(|_| (code || sign) && !token.begins_line | code | sign)
    }

    /// The unit after a number. If the number is a part, an article may come between: `half an hour`,
    /// `a quarter of a year`.
    pub(super) fn unit_of(&self, at: usize, share: bool) -> Option<(MeasureUnit, usize)> {
        // `un'ora`.
        let article = at.checked_sub(1).is_some_and(|before| self.tokens[before].lower == "un");
        if article && self.tokens.get(at).is_some_and(|token| token.is('\'')) {
            return self.unit(at + 1);
        }
        let mut from = at;
        let joins: &[&str] = if share {
            &[
                "of", "an", "a", "de", "d", "'", "einer", "eines", "der", "di", "un", "una", "uma",
                "um",
            ]
        } else {
            &["of", "de", "d", "'", "di"]
        };
        while self
            .tokens
            .get(from)
            .is_some_and(|token| joins.contains(&token.lower.as_str()) && from < at + 2)
        {
            from += 1;
        }
        let found = self.unit(from)?;
        (from == at || share || found.0.is_currency()).then_some(found)
    }

    /// `3 h 55 min`, `2 hours and 30 minutes`.
    pub(super) fn with_smaller_unit(
        &self,
        number: &mut Number,
        unit: MeasureUnit,
        end: usize,
    ) -> usize {
        let lower = self.tokens.get(end).map_or("", |token| token.lower.as_str());
        let at = end + usize::from(matches!(lower, "and" | "und" | "et" | "y" | "e" | "en"));
        let more = match (self.tokens.get(at).and_then(QuantityToken::literal), self.spelled_at(at))
        {
            (Some(literal), _) => literal.values.first().map(|value| (*value, at + 1)),
            (None, Some(spelled)) if !spelled.ordinal && !spelled.fraction => {
                Some((spelled.value, spelled.end))
            }
            _ => None,
        };
        let Some((value, after)) = more else { return end };
        let Some((smaller, after)) = self.unit(after) else { return end };
        match smaller.measured_in(unit) {
            Some(factor) if factor < 1.0 && unit.is_period() && value * factor < 1.0 => {
                number.values.iter_mut().for_each(|whole| *whole += value * factor);
                after
            }
            _ => end,
        }
    }

    /// The unit that begins at this token, and where it ends.
    fn unit(&self, at: usize) -> Option<(MeasureUnit, usize)> {
        let mut at = at;
        let token = self.tokens.get(at)?;
        // `14-day`.
        if token.is('-')
            && !token.spaced
            && self.tokens.get(at + 1).is_some_and(|next| next.is_word() && !next.spaced)
        {
            at += 1;
        }
        let token = self.tokens.get(at)?;
        if token.begins_line && token.spaced {
            return None;
        }
        if let Some((unit, length)) =
            units::phrase(self.tokens[at..].iter().map(|token| token.lower.as_str()))
        {
            return Some((unit, at + length));
        }
        if self.is_decade(at) {
            return None;
        }
        // `"2400"` is not a length in inches.
        let quoted =
            token.is('"') && self.tokens[..at].iter().rev().take(3).any(|token| token.is('"'));
        if let Some(unit) = units::signed(&token.text).filter(|_| !self.goes_on(at) && !quoted) {
            return Some((unit, at + 1));
        }
        if let Some(unit) = units::named(&token.lower, self.language) {
            return Some((unit, at + 1));
        }
        if token.text.chars().next().is_some_and(is_unspaced) {
            return units::leading(&token.text).map(|unit| (unit, at + 1));
        }
        // `(days)`.
        if token.is('(') && self.tokens.get(at + 2).is_some_and(|close| close.is(')')) {
            return units::named(&self.tokens[at + 1].lower, self.language)
                .map(|unit| (unit, at + 3));
        }
        self.unit_after_adjectives(at)
    }

    /// `30 calendar days`: at most two words before the unit that are neither small words nor units.
    fn unit_after_adjectives(&self, at: usize) -> Option<(MeasureUnit, usize)> {
        for skipped in 1..=2 {
            let before = self.tokens.get(at + skipped - 1)?;
            if !before.is_word()
                || self.language.has_small(&before.lower)
                || self.spelled_at(at + skipped - 1).is_some_and(|number| !number.ordinal)
            {
                return None;
            }
            let token = self
                .tokens
                .get(at + skipped)
                .filter(|token| token.is_word() && !token.begins_line)?;
            if let Some(unit) = units::named(&token.lower, self.language) {
                return Some((unit, at + skipped + 1));
            }
        }
        None
    }

    /// The `s` of `1990s`.
    fn is_decade(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let year = at.checked_sub(1).and_then(|before| self.tokens[before].literal());
        token.text == "s"
            && !token.spaced
            && year.is_some_and(|year| year.text.len() == 4 && year.text.ends_with('0'))
    }

    /// Whether an apostrophe follows: then the letter is not the sign of a unit (`d'août`, `l'ordre`).
    fn goes_on(&self, at: usize) -> bool {
        self.tokens.get(at + 1).is_some_and(|next| next.is('\'') && !next.spaced)
    }

    /// The other end of a range, its position, and its unit.
    pub(super) fn range(
        &self,
        from: usize,
        at: usize,
        first: &Number,
    ) -> Option<(f64, usize, Option<MeasureUnit>)> {
        let sign = self.tokens.get(at)?;
        let lower = |at: Option<usize>| at.map_or("", |at| self.tokens[at].lower.as_str());
        let between = matches!(
            lower(from.checked_sub(1)),
            "between" | "zwischen" | "entre" | "tra" | "fra" | "tussen"
        );
        let joins = match sign.lower.as_str() {
            "-" | "–" | "~" => {
                self.tokens.get(at + 1).is_some_and(|next| next.spaced == sign.spaced)
            }
            "to" | "bis" | "through" | "à" | "a" | "al" | "ai" | "aos" | "até" | "tot" | "till"
            | "hasta" | "至" | "到" => {
                sign.spaced || !sign.is_word() || is_unspaced(sign.text.chars().next()?)
            }
            "and" | "und" | "et" | "y" | "e" | "en" => between,
            _ => false,
        };
        if !joins {
            return None;
        }
        let after = at + 1 + usize::from(self.currency_before(at + 2).is_some());
        // `beta-1 - 6/29/2026`.
        if dates::date(self.tokens.get(after..)?).is_some() {
            return None;
        }
        let second = self.tokens.get(after).and_then(|_| self.bare(after))?;
        let from_value = *first.values.first()?;
        let to = abbreviated(first, &second).unwrap_or(*second.values.first()?);
        // `fell from 74 to 58 days`: falling numbers are not a range; something went through both.
        let word = sign.is_word() && !between;
        if second.ordinal || first.ordinal || same(to, from_value) || (to < from_value && !word) {
            return None;
        }
        let unit = self.unit(second.end);
        // `rose by 4.5 % to $2.31 billion` is not a range.
        let money = self.currency_before(after);
        if money.is_some()
            && money.map(|unit| unit.dimension) != first.unit.map(|unit| unit.dimension)
        {
            return None;
        }
        Some((to, unit.map_or(second.end, |(_, end)| end), unit.map(|(unit, _)| unit)))
    }

    /// `per minute`, `/s`.
    pub(super) fn per(&self, at: usize) -> Option<(MeasureUnit, usize)> {
        let words = [
            "per", "pro", "par", "por", "al", "all", "l", "alla", "a", "an", "each", "every", "je",
            "chaque", "cada", "ogni", "elke", "in", "im", "/", "the",
        ];
        let sign = self.tokens.get(at)?;
        if !words.contains(&sign.lower.as_str()) {
            return None;
        }
        let mut unit_at = at + 1;
        // `all'anno`, `l'anno`.
        unit_at += usize::from(self.tokens.get(unit_at).is_some_and(|token| token.is('\'')));
        if self
            .tokens
            .get(unit_at)
            .is_some_and(|token| matches!(token.lower.as_str(), "la" | "der" | "the" | "einer"))
        {
            unit_at += 1;
        }
        let token = self.tokens.get(unit_at)?;
        let by_sign = if sign.is('/') { units::signed(&token.text) } else { None };
        let unit = by_sign.or_else(|| units::named(&token.lower, self.language));
        let always =
            sign.is('/') || matches!(sign.lower.as_str(), "per" | "pro" | "je" | "par" | "por");
        let unit = unit.filter(|unit| unit.is_period() || always);
        unit.filter(|_| !matches!(sign.lower.as_str(), "in" | "im" | "the"))
            .map(|unit| (unit, unit_at + 1))
    }

    /// The units before the number on its line, with no number between; and the unit of the number that
    /// this one is compared with: `from 74 to 58 days`, `58 jours contre 74`.
    pub(super) fn named_before(&self, from: usize) -> Vec<MeasureUnit> {
        let mut units = Vec::new();
        let set_against = from.checked_sub(1).is_some_and(|before| {
            matches!(
                self.tokens[before].lower.as_str(),
                "contre"
                    | "gegen"
                    | "against"
                    | "instead"
                    | "than"
                    | "from"
                    | "after"
                    | "vor"
                    | "statt"
                    | "to"
                    | "auf"
                    | "à"
                    | "a"
                    | "frente"
                    | "contra"
                    | "da"
                    | "di"
                    | "de"
                    | "or"
                    | "oder"
                    | "ou"
                    | "o"
                    | "and"
                    | "und"
                    | "et"
                    | "y"
                    | "e"
                    | "en"
                    | "of"
            )
        });
        for at in (0..from).rev() {
            if self.tokens[at + 1].begins_line
                || (self.tokens[at].literal().is_some() && !set_against)
            {
                break;
            }
            let token = &self.tokens[at];
            if matches!(token.shape, TokenShape::Sign('.' | ';')) && self.tokens[at + 1].spaced {
                break;
            }
            let sign = at > 0 && (self.tokens[at - 1].is('_') || self.tokens[at - 1].is('('));
            let unit = units::named(&token.lower, self.language)
                .or_else(|| units::signed(&token.text).filter(|_| sign));
            units.extend(unit);
        }
        units
    }
}
