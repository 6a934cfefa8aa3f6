//! Times of day and telephone numbers, which consist of several numbers.

use super::super::super::language::TextLanguage;
use super::super::dates;
use super::super::tokens::{QuantityToken, TokenShape};
use super::Parser;

/// Words after an hour that place it in the second half of the day (this list), or in the first (the next
/// list).
const AFTERNOON: &str = "afternoon evening nachmittags nachmittag abends abend midi soir tarde noche pomeriggio \
     sera noite middags avonds";
const MORNING: &str =
    "morning morgens vormittags matin mañana mattino mattina manhã morgens ochtends";
/// Words for an hour of the day.
const HOUR: &str = "uhr heures heure horas hora ore uur o'clock h clock s";
/// Number of words after the hour within which its part of the day is named.
const PART_OF_DAY_WITHIN: usize = 5;

impl Parser<'_> {
    /// Groups of digits that begin with a zero or a plus: one number, whatever is between the groups.
    pub(super) fn telephone(&self, at: usize) -> Option<(String, usize)> {
        let first = self.tokens[at].literal()?;
        let plus = at
            .checked_sub(1)
            .is_some_and(|before| self.tokens[before].is('+') && !self.tokens[at].spaced);
        if !(plus || first.text.starts_with('0')) || first.text.contains(['.', ',']) {
            return None;
        }
        let mut digits = first.text.clone();
        let (mut end, mut next) = (at + 1, at + 1);
        while let Some(token) = self.tokens.get(next) {
            match token.literal() {
                Some(literal) if !literal.text.contains(['.', ',']) && !token.begins_line => {
                    digits.push_str(&literal.text);
                    next += 1;
                    end = next;
                }
                None if matches!(token.shape, TokenShape::Sign('-' | '/' | '(' | ')' | '–')) => {
                    next += 1;
                }
                _ => break,
            }
        }
        let groups = self.tokens[at..end].iter().filter(|token| token.literal().is_some()).count();
        (groups >= 2 && digits.len() >= 6).then_some((digits, end))
    }

    /// The hour that begins a range of times: `22 to 6 o'clock`, `10 to 3 pm`, `13 bis 15 Uhr`.
    pub(super) fn hour_before_a_time(&self, at: usize) -> Option<(u32, usize)> {
        let text = &self.tokens[at].literal()?.text;
        let (hour, minute) = match text.split_once(['.', ',']) {
            Some((hour, minute)) if minute.len() == 2 => (hour, minute.parse::<u32>().ok()?),
            Some(_) => return None,
            None => (text.as_str(), 0),
        };
        let hour = hour.parse::<u32>().ok().filter(|hour| *hour <= 24 && minute < 60)?;
        let sign = self.tokens.get(at + 1).is_some_and(|token| token.text == "h");
        let at = at + usize::from(sign);
        let joins = [
            "-", "–", "to", "bis", "à", "a", "alle", "al", "tot", "às", "und", "and", "y", "e",
            "et",
        ];
        let next = self.tokens.get(at + 1)?;
        joins.contains(&next.lower.as_str()).then_some(())?;
        let (until, _) = dates::time(self.tokens.get(at + 2..)?)?;
        // `10 to 3 pm` begins in the morning, `1 to 3 pm` after noon.
        let later =
            if hour < 12 && until >= 12 * 60 && hour + 12 < until / 60 { hour + 12 } else { hour };
        let afternoon = self.tokens[at + 2..].iter().take(5).any(|token| token.lower == "pm");
        let hour = if afternoon { later } else { hour };
        Some((hour * 60 + minute, 1 + usize::from(sign)))
    }

    /// An hour of twelve with the part of the day that it is in: `vier uur 's middags`,
    /// `las cuatro de la tarde`, `7 Uhr abends`.
    pub(super) fn hour_of_the_day(&self, at: usize) -> Option<(u32, usize)> {
        if self.half_hour(at).is_some() {
            return None;
        }
        let digits = self.tokens[at].literal().and_then(|literal| literal.text.parse().ok());
        let (hour, end) = match (digits, self.spelled_at(at)) {
            (Some(hour), _) => (hour, at + 1),
            (None, Some(number)) if !number.ordinal => (number.value as u32, number.end),
            _ => return None,
        };
        let rest = self.tokens.get(end..)?.iter().take(PART_OF_DAY_WITHIN);
        // `three hours in the morning` is a duration.
        let joins = |token: &&QuantityToken| {
            let word = token.lower.as_str();
            let listed = |list: &str| list.split(' ').any(|known| known == word);
            !token.is_word()
                || self.language.has_small(word)
                || [AFTERNOON, MORNING, HOUR].into_iter().any(listed)
        };
        let line = rest.take_while(|token| !token.begins_line && !token.is('.')).take_while(joins);
        let mut parts = line.enumerate().map(|(after, token)| (after, token.lower.as_str()));
        let (after, afternoon) = parts.find_map(|(after, word)| {
            let part = |words: &str| words.split(' ').any(|known| known == word);
            (part(AFTERNOON) || part(MORNING)).then_some((after, part(AFTERNOON)))
        })?;
        (1..=12).contains(&hour).then(|| {
            let minutes = hour % 12 * 60 + if afternoon { 12 * 60 } else { 0 };
            (minutes, end + after + 1 - at)
        })
    }

    /// `午後5時`: the half of the day comes before the hour, in the same run of letters.
    pub(super) fn in_its_half_of_the_day(&self, at: usize, minutes: u32) -> u32 {
        let run = at.checked_sub(1).map_or("", |before| self.tokens[before].text.as_str());
        let afternoon = ["午後", "下午", "晚上", "夜"].iter().any(|half| run.ends_with(half));
        if afternoon && minutes < 12 * 60 { minutes + 12 * 60 } else { minutes }
    }

    /// `half past seven`, `halb acht`, `las diez y media`: the time may be in either half of the day.
    pub(super) fn half_hour(&self, at: usize) -> Option<(Vec<u32>, usize)> {
        let lower = |at: usize| self.tokens.get(at).map_or("", |token| token.lower.as_str());
        let (hour_at, back, length) = match (lower(at), lower(at + 1)) {
            ("half", "past") => (at + 2, 0, 3),
            ("halb" | "half", _)
                if self.spelled_at(at + 1).is_some_and(|number| number.value <= 12.0)
                    && matches!(self.language, TextLanguage::German | TextLanguage::Dutch) =>
            {
                (at + 1, 30, 2)
            }
            _ => {
                let number = self.spelled_at(at).filter(|number| number.value <= 12.0)?;
                let joins = matches!(lower(number.end), "y" | "e" | "et");
                let half =
                    matches!(lower(number.end + 1), "media" | "mezza" | "mezzo" | "meia" | "demie");
                let hour = at.checked_sub(1).is_some_and(|before| {
                    matches!(lower(before), "las" | "le" | "às" | "la" | "alle" | "ore")
                });
                (joins && half && hour).then_some((at, 0, number.end + 2 - at))?
            }
        };
        let hour = self.spelled_at(hour_at)?.value as u32;
        let minutes = (hour % 12) * 60 + 30;
        let minutes = if back > 0 { (minutes + 12 * 60 - 60) % (12 * 60) } else { minutes };
        Some((vec![minutes, minutes + 12 * 60], at + length))
    }
}
