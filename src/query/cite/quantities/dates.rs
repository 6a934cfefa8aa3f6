//! Dates and times of day, in the orders and words of several languages.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tokens::{QuantityToken, TokenShape};

/// A date; the parts that it leaves out are `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Date {
    pub(super) year: Option<u32>,
    pub(super) month: Option<u32>,
    pub(super) day: Option<u32>,
}

impl Date {
    /// Whether the date is true if `stated` is: it may leave parts out, but not differ.
    pub(super) fn follows_from(self, stated: Self) -> bool {
        let holds =
            |claimed: Option<u32>, stated: Option<u32>| claimed.is_none() || claimed == stated;
        holds(self.year, stated.year)
            && holds(self.month, stated.month)
            && holds(self.day, stated.day)
    }
}

/// Names of the months, in order, in lower case; `|` separates months.
const MONTHS: &[&str] = &[
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|\
     october oct|november nov|december dec",
    "januar jänner|februar|märz mär|april|mai|juni|juli|august|september|oktober okt|november|dezember dez",
    "janvier janv|février févr|mars|avril avr|mai|juin|juillet juil|août|septembre|octobre|novembre|décembre déc",
    "enero ene|febrero|marzo|abril abr|mayo|junio|julio|agosto ago|septiembre setiembre|octubre|noviembre|diciembre dic",
    "gennaio gen|febbraio|marzo|aprile|maggio mag|giugno giu|luglio lug|agosto|settembre set|ottobre ott|novembre|dicembre",
    "janeiro|fevereiro fev|março|abril|maio|junho|julho|agosto|setembro|outubro out|novembro|dezembro",
    "januari|februari|maart mrt|april|mei|juni|juli|augustus|september|oktober|november|december",
    "января январь|февраля февраль|марта март|апреля апрель|мая май|июня июнь|июля июль|августа август|\
     сентября сентябрь|октября октябрь|ноября ноябрь|декабря декабрь",
    "ocak|şubat|mart|nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık",
    "يناير|فبراير|مارس|أبريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر",
    "जनवरी|फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर",
    "ιανουαρίου|φεβρουαρίου|μαρτίου|απριλίου|μαΐου|ιουνίου|ιουλίου|αυγούστου|σεπτεμβρίου|οκτωβρίου|\
     νοεμβρίου|δεκεμβρίου",
    "בינואר ינואר|בפברואר פברואר|במרץ מרץ|באפריל אפריל|במאי מאי|ביוני יוני|ביולי יולי|באוגוסט אוגוסט|\
     בספטמבר ספטמבר|באוקטובר אוקטובר|בנובמבר נובמבר|בדצמבר דצמבר",
];

/// What may come between the parts: `3rd of March, 2024`, `3. März`, `3 de marzo de 2024`.
const BETWEEN: [&str; 17] = [
    ".", ",", "of", "de", "del", "di", "do", "the", "st", "nd", "rd", "th", "er", "º", "ª", "°",
    "e",
];

static MONTH_OF: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let months = MONTHS.iter().flat_map(|language| (1..).zip(language.split('|')));
    months
        .flat_map(|(month, names)| names.split_whitespace().map(move |name| (name, month)))
        .collect()
});

fn month(token: &QuantityToken) -> Option<u32> {
    let month = *MONTH_OF.get(token.lower.as_str())?;
    // `may` is a verb unless it begins in upper case.
    (token.lower != "may" || token.text != "may").then_some(month)
}

/// A token of digits alone, as a number within these bounds.
fn whole(token: &QuantityToken, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let literal = token.literal()?;
    let value = literal.text.parse().ok()?;
    bounds.contains(&value).then_some(value)
}

fn year(token: &QuantityToken) -> Option<u32> {
    whole(token, 1000..=2999).filter(|_| token.text.len() == 4)
}

/// A date at the beginning of these tokens, in each way that it can be read, and the number of its tokens.
pub(super) fn date(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    dotted(tokens)
        .or_else(|| numeric(tokens))
        .or_else(|| day_and_month(tokens))
        .or_else(|| unspaced(tokens))
        .or_else(|| in_words(tokens))
}

/// `03.03.2024`, which is one run of digits.
fn dotted(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    let parts: Vec<&str> = tokens.first()?.literal()?.text.split('.').collect();
    let [day, month, year] = parts.as_slice() else { return None };
    Some((vec![full(year, month, day)?], 1))
}

fn full(year: &str, month: &str, day: &str) -> Option<Date> {
    let number = |text: &str| text.parse::<u32>().ok();
    let year = match year.len() {
        4 => number(year)?,
        2 => 2000 + number(year)?,
        _ => return None,
    };
    let (month, day) = (number(month)?, number(day)?);
    let is_date =
        (1..=12).contains(&month) && (1..=31).contains(&day) && (1000..3000).contains(&year);
    is_date.then_some(Date { year: Some(year), month: Some(month), day: Some(day) })
}

/// `2024-03-03`, `3/4/2024`: the latter may be the day or the month first.
fn numeric(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    let [first, sign, second, again, third, ..] = tokens else { return None };
    let sign = ['-', '/', '–'].into_iter().find(|c| sign.is(*c))?;
    let text = |token: &QuantityToken| token.literal().map(|literal| literal.text.clone());
    if !again.is(sign) || [second, again, third].iter().any(|token| token.spaced) {
        return None;
    }
    let (first, second, third) = (text(first)?, text(second)?, text(third)?);
    let ways = if first.len() == 4 {
        vec![full(&first, &second, &third)]
    } else {
        vec![full(&third, &second, &first), full(&third, &first, &second)]
    };
    let mut ways: Vec<Date> = ways.into_iter().flatten().collect();
    ways.dedup();
    (!ways.is_empty()).then_some((ways, 5))
}

/// `31/03`: two digits each, unlike a fraction.
fn day_and_month(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    let [first, sign, second, ..] = tokens else { return None };
    let two = |token: &QuantityToken| {
        token
            .literal()
            .filter(|literal| literal.text.len() == 2)
            .and_then(|literal| literal.text.parse::<u32>().ok())
    };
    if !sign.is('/')
        || sign.spaced
        || second.spaced
        || tokens.get(3).is_some_and(|next| next.is('/'))
    {
        return None;
    }
    let (first, second) = (two(first)?, two(second)?);
    let date = |day: u32, month: u32| {
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Date {
            year: None,
            month: Some(month),
            day: Some(day),
        })
    };
    let mut ways: Vec<Date> =
        [date(first, second), date(second, first)].into_iter().flatten().collect();
    ways.dedup();
    (!ways.is_empty()).then_some((ways, 3))
}

/// `2024年3月3日`.
fn unspaced(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    let mut date = Date::default();
    let mut taken = 0;
    while let [number, run, ..] = &tokens[taken..] {
        let Some(sign) = run.text.chars().next().filter(|_| run.is_word() && !run.spaced) else {
            break;
        };
        let alone = run.text.chars().count() == 1;
        match sign {
            '年' if taken == 0 && year(number).is_some() => date.year = year(number),
            '月' if date.month.is_none() => date.month = Some(whole(number, 1..=12)?),
            '日' if date.month.is_some() => date.day = Some(whole(number, 1..=31)?),
            _ => break,
        }
        taken += 2;
        if !alone {
            break;
        }
    }
    date.month.or(date.year)?;
    Some((vec![date], taken))
}

fn in_words(tokens: &[QuantityToken]) -> Option<(Vec<Date>, usize)> {
    let mut date = Date::default();
    let mut at;
    if let Some(named) = month(&tokens[0]) {
        date.month = Some(named);
        at = 1;
        let next = past(tokens, at);
        if let Some(day) = tokens.get(next).and_then(|token| whole(token, 1..=31)) {
            date.day = Some(day);
            at = next + 1;
        }
    } else {
        let day = whole(&tokens[0], 1..=31)?;
        let next = past(tokens, 1);
        date.month = Some(month(tokens.get(next)?)?);
        date.day = Some(day);
        at = next + 1;
    }
    let next = past(tokens, at);
    if let Some(year) = tokens.get(next).and_then(year) {
        date.year = Some(year);
        at = next + 1;
    }
    // A month alone is not a date that a number could contradict.
    (date.day.is_some() || date.year.is_some()).then_some((vec![date], at))
}

/// The position after everything that may come between the parts of a date.
fn past(tokens: &[QuantityToken], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| BETWEEN.contains(&token.lower.as_str())) {
        at += 1;
    }
    at
}

/// A time of day in minutes, and the number of its tokens: `15:30`, `3:30 p.m.`, `15h30`, `15 Uhr`.
pub(super) fn time(tokens: &[QuantityToken]) -> Option<(u32, usize)> {
    let first = tokens.first()?;
    let (mut hour, mut minute, mut taken, mut certain) = (whole(first, 0..=24), 0, 1, false);
    if let (Some(_), [_, sign, minutes, ..]) = (hour, tokens)
        && (sign.is(':') || sign.lower == "h")
        // `18 h 30`, as in French, and not the duration `3 h 55 min`.
        && (!sign.spaced || (sign.text == "h" && minutes.spaced && !is_duration(tokens)))
        && let Some(minutes) = whole(minutes, 0..=59)
            .filter(|_| minutes.text.len() == 2 && minutes.spaced == sign.spaced)
    {
        (minute, taken, certain) = (minutes, 3, true);
        // Seconds.
        if let [colon, seconds, ..] = &tokens[taken..]
            && colon.is(':')
            && whole(seconds, 0..=59).is_some()
        {
            taken += 2;
        }
    }
    let clock = |text: &str| matches!(text, "uhr" | "o" | "heures" | "uur");
    if hour.is_none()
        && let Some((hours, minutes)) =
            first.literal().and_then(|literal| literal.text.split_once('.'))
        && tokens.get(1).is_some_and(|token| clock(&token.lower) || half(&tokens[1..]).is_some())
    {
        hour = hours.parse().ok().filter(|hour| *hour < 25);
        minute = minutes.parse().ok().filter(|minute| *minute < 60)?;
        certain = true;
    }
    let hour = hour?;
    if let Some((afternoon, length)) = half(&tokens[taken..]) {
        let hour = hour % 12 + if afternoon { 12 } else { 0 };
        return Some((hour * 60 + minute, taken + length));
    }
    if tokens.get(taken).is_some_and(|token| token.lower == "uhr") {
        return Some((hour * 60 + minute, taken + 1));
    }
    // `17時`, and not `17時間`.
    if tokens.get(taken).is_some_and(|token| {
        !token.spaced
            && (token.text.starts_with('時') || token.text.starts_with('点'))
            && !token.text.starts_with("時間")
    }) {
        return Some((hour * 60 + minute, taken + 1));
    }
    let named = usize::from(certain && tokens.get(taken).is_some_and(|token| clock(&token.lower)));
    certain.then_some((hour * 60 + minute, taken + named))
}

fn is_duration(tokens: &[QuantityToken]) -> bool {
    tokens.get(3).is_some_and(|unit| unit.lower.starts_with("min"))
}

/// Whether `am` or `p.m.` follows: whether it is the afternoon, and the number of its tokens.
fn half(tokens: &[QuantityToken]) -> Option<(bool, usize)> {
    let lower = |at: usize| tokens.get(at).map(|token| token.lower.as_str());
    let dotted =
        |letter| lower(0) == Some(letter) && lower(1) == Some(".") && lower(2) == Some("m");
    match lower(0) {
        // `am` is also a German word.
        Some("am")
            if tokens.get(1).is_none_or(|next| !next.text.starts_with(char::is_uppercase))
                || !tokens[0].spaced =>
        {
            Some((false, 1))
        }
        Some("pm") => Some((true, 1)),
        _ if dotted("a") => Some((false, 3)),
        _ if dotted("p") => Some((true, 3)),
        _ => None,
    }
}

/// Words for a time of day, in minutes.
pub(super) fn named_time(token: &QuantityToken) -> Option<u32> {
    if token.shape != TokenShape::Word {
        return None;
    }
    match token.lower.as_str() {
        "noon" | "midday" => Some(12 * 60),
        "midnight" | "mitternacht" | "minuit" | "medianoche" | "mezzanotte" | "middernacht" => {
            Some(0)
        }
        _ => None,
    }
}
