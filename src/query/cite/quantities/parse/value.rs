//! The value of a number: digits or words, their fractions, multipliers and signs.

use super::super::super::language::TextLanguage;
use super::super::same;
use super::super::tokens::{QuantityToken, TokenShape, is_unspaced};
use super::super::units;
use super::Parser;

/// A number without its surroundings.
pub(super) struct BareNumber {
    pub(super) values: Vec<f64>,
    pub(super) literal: Option<String>,
    pub(super) ordinal: bool,
    pub(super) article: bool,
    pub(super) share: bool,
    pub(super) end: usize,
}

impl Parser<'_> {
    /// The number that begins at this token, including its multiplier.
    pub(super) fn bare(&self, at: usize) -> Option<BareNumber> {
        let mut bare =
            match (&self.tokens[at].shape, self.spelled.iter().find(|number| number.start == at)) {
                (TokenShape::Digits(literal), _) => BareNumber {
                    values: literal.values.clone(),
                    literal: Some(literal.text.clone()),
                    ordinal: false,
                    article: false,
                    share: false,
                    end: at + 1,
                },
                (TokenShape::Sign(sign), _) => BareNumber {
                    values: vec![vulgar(*sign)?],
                    literal: None,
                    ordinal: false,
                    article: false,
                    share: true,
                    end: at + 1,
                },
                (_, Some(number)) => BareNumber {
                    values: vec![number.value],
                    literal: None,
                    ordinal: number.ordinal,
                    article: number.article,
                    share: number.fraction,
                    end: number.end,
                },
                _ => return None,
            };
        if bare.literal.is_some() {
            self.with_fraction(&mut bare);
        }
        // `half a dozen`.
        let dozen = bare.end
            + usize::from(self.tokens.get(bare.end).is_some_and(|token| token.lower == "a"));
        if bare.share
            && let Some(number) = self.spelled_at(dozen).filter(|number| same(number.value, 12.0))
        {
            bare.values.iter_mut().for_each(|value| *value *= number.value);
            (bare.share, bare.end) = (false, number.end);
        }
        while let Some(factor) =
            self.multiplier(at, bare.end, bare.literal.is_some()).or_else(|| {
                // `23-million`.
                let joined =
                    self.tokens.get(bare.end).is_some_and(|sign| sign.is('-') && !sign.spaced);
                let factor = joined.then(|| self.multiplier(at, bare.end + 1, false)).flatten();
                bare.end += usize::from(factor.is_some());
                factor
            })
        {
            bare.values.iter_mut().for_each(|value| *value *= factor);
            bare.literal = None;
            bare.end += 1;
            // `Mio.`
            let stop =
                self.tokens.get(bare.end).is_some_and(|token| token.is('.') && !token.spaced);
            bare.end += usize::from(
                stop && self
                    .tokens
                    .get(bare.end + 1)
                    .is_some_and(|next| next.spaced && self.tokens[bare.end - 1].text.len() < 5),
            );
        }
        if let Some(end) = self.and_a_half(bare.end) {
            bare.values.iter_mut().for_each(|value| *value += 0.5);
            (bare.literal, bare.article, bare.end) = (None, false, end);
        } else if let Some((value, end)) = self.ratio(&bare) {
            (bare.values, bare.share, bare.literal, bare.article, bare.end) =
                (vec![value], true, None, false, end);
        }
        if self.is_ordinal_suffix(bare.end) {
            bare.ordinal = true;
            bare.end += 1;
        }
        Some(bare)
    }

    /// `1/8`, `1½`.
    fn with_fraction(&self, bare: &mut BareNumber) {
        let at = bare.end;
        let [next, rest @ ..] = &self.tokens[at..] else { return };
        if next.spaced {
            return;
        }
        if let TokenShape::Sign(sign) = next.shape
            && let Some(part) = vulgar(sign)
        {
            bare.values.iter_mut().for_each(|value| *value += part);
            bare.literal = None;
            bare.end += 1;
            return;
        }
        let divisor = rest
            .first()
            .filter(|token| next.is('/') && !token.spaced)
            .and_then(QuantityToken::literal);
        let Some(divisor) = divisor.and_then(|literal| literal.text.parse::<u32>().ok()) else {
            return;
        };
        let goes_on = rest.get(1).is_some_and(|token| token.is('/') && !token.spaced);
        let Some(whole) = bare.literal.as_ref().and_then(|text| text.parse::<u32>().ok()) else {
            return;
        };
        if (2..=1000).contains(&divisor) && whole < 10 && whole < divisor && !goes_on {
            bare.values = vec![f64::from(whole) / f64::from(divisor)];
            (bare.share, bare.literal) = (true, None);
            bare.end += 2;
        }
    }

    /// Where `six and a half`, `seis y medio` ends.
    pub(super) fn and_a_half(&self, at: usize) -> Option<usize> {
        let lower = |at: usize| self.tokens.get(at).map_or("", |token| token.lower.as_str());
        match (lower(at), lower(at + 1), lower(at + 2)) {
            ("and", "a", "half") => Some(at + 3),
            (
                "y" | "e" | "et",
                "media" | "medio" | "mezzo" | "mezza" | "meia" | "meio" | "demi" | "demie",
                _,
            ) => Some(at + 2),
            _ => None,
        }
    }

    /// `one in ten`, `3 out of 4`, `1 von 100`: the share, and where it ends.
    fn ratio(&self, bare: &BareNumber) -> Option<(f64, usize)> {
        let lower = |at: usize| self.tokens.get(at).map_or("", |token| token.lower.as_str());
        let joins = |at: usize| match (lower(at), lower(at + 1)) {
            ("out", "of") | ("de" | "em", "cada") | ("op", "de") => Some(2),
            ("in" | "von" | "sur" | "su", _) => Some(1),
            _ => None,
        };
        // `una notte su cinque`.
        let between =
            joins(bare.end).is_none() && !matches!(lower(bare.end + 1), "in" | "von" | "de");
        let at = bare.end + usize::from(between);
        let length = joins(at)?;
        let part = *bare.values.first()?;
        let whole = match (self.tokens.get(at + length)?.literal(), self.spelled_at(at + length)) {
            (Some(literal), _) => (*literal.values.first()?, at + length + 1),
            (None, Some(number)) if !number.ordinal && !number.article => {
                (number.value, number.end)
            }
            _ => return None,
        };
        let is_share = part >= 1.0
            && part < whole.0
            && whole.0.fract() == 0.0
            && !(1900.0..2100.0).contains(&whole.0);
        is_share.then_some((part / whole.0, whole.1))
    }

    fn multiplier(&self, start: usize, at: usize, digits: bool) -> Option<f64> {
        let token = self.tokens.get(at)?;
        let money =
            start.checked_sub(1).is_some_and(|before| self.currency_before(before + 1).is_some());
        if digits && money && matches!(token.text.as_str(), "m" | "M") {
            return Some(1e6);
        }
        // `2.5m downloads`, and not `2.5m long`.
        let counted = self.tokens.get(at + 1).is_some_and(|next| next.spaced && next.is_word());
        if digits && !token.spaced && token.text == "m" && counted && self.is_plural(at + 1) {
            return Some(1e6);
        }
        // `1,35 M€`.
        let before_money = self.tokens.get(at + 1).is_some_and(|next| next.is('€') && !next.spaced);
        if digits && before_money && matches!(token.text.as_str(), "M" | "Md" | "Mrd" | "k") {
            return Some(match token.text.as_str() {
                "M" => 1e6,
                "k" => 1e3,
                _ => 1e9,
            });
        }
        if digits
            && !token.spaced
            && !self.tokens.get(at + 1).is_some_and(|next| !next.spaced && next.is_word())
        {
            match token.text.as_str() {
                "k" | "K" => return Some(1e3),
                "M" if self.tokens.get(at + 1).is_none_or(|next| !next.is_word()) => {
                    return Some(1e6);
                }
                _ => {}
            }
        }
        if !token.is_word() || token.begins_line {
            return None;
        }
        let run = token.text.chars().next().is_some_and(is_unspaced);
        let name = if run { token.text.get(..3).unwrap_or_default() } else { token.lower.as_str() };
        // A multiplier has to be the whole run, or the rest of the run would be lost.
        if run && token.text.len() > 3 && digits {
            return None;
        }
        units::multiplier(name, self.language)
    }

    fn is_ordinal_suffix(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.tokens[before].literal());
        before.is_some() && self.is_ordinal_stop(at)
            || before.is_some()
                && self.tokens.get(at).is_some_and(|token| {
                    !token.spaced
                        && matches!(
                            token.lower.as_str(),
                            "st" | "nd"
                                | "rd"
                                | "th"
                                | "er"
                                | "re"
                                | "ère"
                                | "ème"
                                | "e"
                                | "º"
                                | "ª"
                                | "ste"
                                | "de"
                        )
                })
    }

    /// The full stop of `ab dem 50. Lebensjahr`.
    fn is_ordinal_stop(&self, at: usize) -> bool {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.lower.as_str());
        let article = at.checked_sub(2).map_or("", text);
        let noun = self
            .tokens
            .get(at + 1)
            .is_some_and(|next| next.spaced && next.is_word() && !next.begins_line);
        self.language == TextLanguage::German
            && self.tokens.get(at).is_some_and(|stop| stop.is('.') && !stop.spaced)
            && matches!(
                article,
                "der"
                    | "die"
                    | "das"
                    | "den"
                    | "dem"
                    | "des"
                    | "im"
                    | "am"
                    | "vom"
                    | "zum"
                    | "zur"
                    | "beim"
                    | "jeder"
                    | "jede"
                    | "jedes"
                    | "jedem"
            )
            && noun
    }

    /// Whether a sign right before the number, after a space or a bracket, makes it negative: such a sign
    /// is neither a range nor a hyphen.
    pub(super) fn is_negative(&self, at: usize) -> bool {
        let Some(sign) = at.checked_sub(1).map(|before| &self.tokens[before]) else { return false };
        if matches!(sign.lower.as_str(), "minus" | "moins" | "menos" | "meno" | "negative") {
            // `moins 8`, and not `moins de 8` or `pelo menos 8`.
            let before = at.checked_sub(2).map_or("", |two| self.tokens[two].lower.as_str());
            return !matches!(
                before,
                "au" | "al" | "pelo" | "lo" | "ao" | "or" | "oder" | "ou" | "o" | "of"
            );
        }
        let opens = at == 1 || sign.spaced || sign.begins_line || self.tokens[at - 2].is('(');
        sign.is('-') && !self.tokens[at].spaced && opens
    }

    pub(super) fn says_below_zero(&self, at: usize) -> bool {
        let lower = |at: usize| self.tokens.get(at).map_or("", |token| token.lower.as_str());
        matches!(
            (lower(at), lower(at + 1)),
            ("below" | "sotto", "zero")
                | ("unter", "null")
                | ("negativos" | "negative" | "negativi" | "negativo", _)
                | ("sous", "zéro")
                | ("bajo", "cero")
                | ("onder", "nul")
                | ("abaixo", "de")
        )
    }
}

/// The value of a fraction sign such as `½`.
fn vulgar(sign: char) -> Option<f64> {
    let parts = match sign {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    };
    Some(f64::from(parts.0) / f64::from(parts.1))
}
