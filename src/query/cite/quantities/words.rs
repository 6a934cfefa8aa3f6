//! Numbers written in words.

use std::borrow::Cow;
use std::sync::LazyLock;

use text2num::lang::Portuguese;
use text2num::{Language as Reader, find_numbers};

use super::super::language::TextLanguage;
use super::super::lexicon::Lexicon;
use super::same;
use super::tokens::QuantityToken;

/// A number in words: the range of its tokens, and its value.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct SpelledNumber {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) value: f64,
    pub(super) ordinal: bool,
    pub(super) article: bool,
    /// A part of one: `half`, `ein Viertel`.
    pub(super) fraction: bool,
}

/// Made on first use: making a reader takes longer than checking an answer.
static READERS: [(TextLanguage, LazyLock<Reader>); 7] = [
    (TextLanguage::English, LazyLock::new(Reader::english)),
    (TextLanguage::German, LazyLock::new(Reader::german)),
    (TextLanguage::French, LazyLock::new(Reader::french)),
    (TextLanguage::Spanish, LazyLock::new(Reader::spanish)),
    (TextLanguage::Italian, LazyLock::new(Reader::italian)),
    (TextLanguage::Portuguese, LazyLock::new(|| Reader::Portuguese(Portuguese::new()))),
    (TextLanguage::Dutch, LazyLock::new(Reader::dutch)),
];

/// Words that are an article or a pronoun more often than the number one.
const ARTICLES: [&str; 24] = [
    "one", "ein", "eine", "einen", "einem", "einer", "eines", "eins", "un", "une", "uno", "una",
    "unos", "unas", "um", "uma", "een", "één", "l'un", "unes", "ones", "d'un", "d'une", "a",
];

/// Words that a reader takes for numbers, but that seldom are: `second` (the unit), `neuf` (new).
const NO_NUMBERS: [(TextLanguage, &str); 12] = [
    (TextLanguage::English, "second"),
    (TextLanguage::English, "seconds"),
    (TextLanguage::English, "o"),
    (TextLanguage::English, "oh"),
    (TextLanguage::French, "neuf"),
    (TextLanguage::French, "second"),
    (TextLanguage::French, "seconde"),
    (TextLanguage::Spanish, "segundo"),
    (TextLanguage::Spanish, "segunda"),
    (TextLanguage::Italian, "secondo"),
    (TextLanguage::Portuguese, "segundo"),
    (TextLanguage::Portuguese, "segunda"),
];

/// Parts of one; a number before them multiplies: `three quarters`.
const FRACTIONS: &[(&str, f64)] = &[
    (
        "half hälfte halb halbe halben halber moitié demi demie mitad medio media metà mezzo mezza metade meio meia helft halve",
        2.0,
    ),
    ("thirds drittel tiers tercio tercios terzo terzi terço terços derde", 3.0),
    (
        "quarter quarters viertel viertels quart quarts cuarto cuartos cuarta cuartas quarti kwart quarto",
        4.0,
    ),
    ("fifths fünftel cinquième quinto quintos", 5.0),
    ("eighths achtel huitième octavo octavos ottavo oitavo", 8.0),
    ("tenths zehntel dixième décimo décimos", 10.0),
];

/// Ranks that are parts of one after an article: `a third`, `one third`.
const RANKS: &[(&str, f64)] = &[
    ("third", 3.0),
    ("fifth", 5.0),
    ("sixth", 6.0),
    ("eighth", 8.0),
    ("tenth", 10.0),
    ("tercera parte", 3.0),
];

/// Names of parts: whether they are always parts, and how many make one.
static PARTS: LazyLock<Lexicon<(bool, f64)>> = LazyLock::new(|| {
    let of = |always: bool, table: &'static [(&'static str, f64)]| {
        table.iter().flat_map(move |(names, part)| {
            names.split(' ').map(move |name| (name, (always, *part)))
        })
    };
    Lexicon::new(of(true, FRACTIONS).chain(of(false, RANKS)))
});

static WHOLES: LazyLock<Lexicon<f64>> = LazyLock::new(|| {
    Lexicon::new(
        WHOLE.iter().flat_map(|(words, value)| words.split(' ').map(move |word| (word, *value))),
    )
});

/// The word before the article of a fraction.
fn start_of(tokens: &[QuantityToken], at: usize) -> &str {
    at.checked_sub(2).map_or("", |before| tokens[before].lower.as_str())
}

struct Word<'a>(&'a QuantityToken, usize);

impl text2num::Token for Word<'_> {
    fn text(&self) -> Cow<'_, str> {
        self.0.text.as_str().into()
    }

    fn text_lowercase(&self) -> Cow<'_, str> {
        self.0.lower.as_str().into()
    }

    fn nt_separated(&self, previous: &Self) -> bool {
        self.1 > previous.1 + 1 || self.0.begins_line && !self.0.spaced
    }

    fn not_a_number_part(&self) -> bool {
        !self.0.is_word()
    }
}

/// The numbers in words among these tokens, in order.
pub(super) fn spelled(tokens: &[QuantityToken], language: TextLanguage) -> Vec<SpelledNumber> {
    let Some((_, reader)) = READERS.iter().find(|(known, _)| *known == language) else {
        return Vec::new();
    };
    let reader: &Reader = reader;
    // `twenty-one` is three tokens, and the reader gets two of them.
    let joins = |at: usize| {
        tokens[at].is('-')
            && !tokens[at].spaced
            && tokens.get(at + 1).is_some_and(|next| next.is_word() && !next.spaced)
            && at > 0
            && tokens[at - 1].is_word()
    };
    let kept: Vec<usize> = (0..tokens.len()).filter(|at| !joins(*at)).collect();
    let words: Vec<Word> =
        kept.iter().enumerate().map(|(order, at)| Word(&tokens[*at], order)).collect();
    let found = find_numbers(words.into_iter(), reader, 0.0);
    let mut spelled: Vec<SpelledNumber> = Vec::new();
    for number in found {
        let (start, end) = (kept[number.start], kept[number.end - 1] + 1);
        if tokens[start..end].iter().any(|token| token.literal().is_some()) {
            continue;
        }
        let alone = end == start + 1;
        let word = tokens[start].lower.as_str();
        if alone && NO_NUMBERS.contains(&(language, word)) && !is_rank(tokens, start) {
            continue;
        }
        if alone && matches!(word, "o" | "a") {
            continue;
        }
        let article =
            alone && (ARTICLES.contains(&word) || (number.is_ordinal && number.value <= 1.0));
        spelled.push(SpelledNumber {
            start,
            end,
            value: number.value,
            ordinal: number.is_ordinal,
            article,
            fraction: false,
        });
    }
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_word()) {
        let other = token.lower == "other" && at > 0 && tokens[at - 1].lower == "every";
        if let Some((value, ordinal)) = other
            .then_some((2.0, false))
            .or_else(|| compound(&token.lower, language, reader))
            .or_else(|| indefinite(tokens, at, language))
        {
            let article = matches!(token.lower.as_str(), "a" | "an" | "once" | "einmal");
            let number = SpelledNumber {
                start: at,
                end: at + 1,
                value,
                ordinal,
                article,
                fraction: value < 1.0,
            };
            let place = spelled.partition_point(|known| known.start < at);
            if spelled.iter().all(|known| known.end <= at || known.start > at) {
                spelled.insert(place, number);
            }
        }
    }
    with_fractions(tokens, spelled)
}

/// Whether `second` is a rank: after `the` and the like, and before what is ranked.
fn is_rank(tokens: &[QuantityToken], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| tokens[before].lower.as_str());
    tokens[at].lower == "second" && matches!(before, "the" | "its" | "their" | "his" | "her")
}

/// Words for a number and a half, or for a number of times.
const WHOLE: &[(&str, f64)] = &[
    ("anderthalb eineinhalb anderthalbe anderhalf anderhalve", 1.5),
    ("zweieinhalb tweeënhalf tweeënhalve", 2.5),
    ("dreieinhalb drieënhalf", 3.5),
    ("dreiviertel driekwart", 0.75),
    ("twice thrice", 2.0),
    ("dozen dutzend douzaine docena dozzina dúzia dozijn", 12.0),
    ("once", 1.0),
];

/// A number with an ending in one word: `dreimal`, `fünffach`.
fn compound(word: &str, language: TextLanguage, reader: &Reader) -> Option<(f64, bool)> {
    if let Some(value) = WHOLES.of(word).next() {
        return Some((if word == "thrice" { 3.0 } else { *value }, false));
    }
    if !matches!(language, TextLanguage::German | TextLanguage::Dutch) {
        return None;
    }
    let number =
        ["mal", "fach", "maal", "voud"].iter().find_map(|ending| word.strip_suffix(ending))?;
    text2num::text2digits(number, reader).ok()?.parse().ok().map(|value| (value, false))
}

/// `a year` after a preposition is one year; elsewhere `a` does not count.
fn indefinite(tokens: &[QuantityToken], at: usize, language: TextLanguage) -> Option<(f64, bool)> {
    let before = at.checked_sub(1).map_or("", |before| tokens[before].lower.as_str());
    let counts = matches!(
        before,
        "for"
            | "within"
            | "after"
            | "is"
            | "takes"
            | "lasts"
            | "over"
            | "than"
            | "about"
            | "least"
            | "most"
            | "exceeds"
            | "by"
            | "under"
            | "in"
            | "of"
    );
    let article =
        language == TextLanguage::English && matches!(tokens[at].lower.as_str(), "a" | "an");
    let unit = tokens
        .get(at + 1)
        .and_then(|next| super::units::named(&next.lower, language))
        .is_some_and(super::MeasureUnit::is_period);
    (article && counts && unit).then_some((1.0, false))
}

/// Joins parts of one with the number before them.
fn with_fractions(tokens: &[QuantityToken], mut spelled: Vec<SpelledNumber>) -> Vec<SpelledNumber> {
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_word()) {
        let parts = PARTS.of(&token.lower).next();
        if parts.is_none() {
            continue;
        }
        let before = spelled.iter().position(|number| number.end == at && !number.ordinal);
        let after_article =
            at > 0 && (ARTICLES.contains(&tokens[at - 1].lower.as_str()) || before.is_some());
        let Some(divisor) =
            parts.filter(|(always, _)| *always || after_article).map(|(_, part)| *part)
        else {
            continue;
        };
        let next = tokens.get(at + 1).map_or("", |next| next.lower.as_str());
        let of = matches!(
            next,
            "of" | "an"
                | "a"
                | "de"
                | "d"
                | "di"
                | "dei"
                | "del"
                | "della"
                | "delle"
                | "degli"
                | "do"
                | "da"
                | "dos"
                | "das"
                | "der"
                | "des"
                | "van"
                | "the"
                | "einer"
                | "eines"
                | "du"
                | "more"
                | "less"
                | "fewer"
                | "higher"
                | "lower"
                | "mehr"
                | "weniger"
                | "plus"
                | "moins"
                | "más"
                | "menos"
                | "più"
                | "meno"
                | "mais"
                | "meer"
                | "minder"
                | "partes"
                | "parte"
                | "-"
                | "dozen"
        );
        // German and others have a separate word; `a quarter` may be three months.
        let by = start_of(tokens, at) == "by";
        let is_half = same(divisor, 2.0) || token.lower.ends_with("tel") || by;
        if before.is_none_or(|before| spelled[before].article) && !of && !is_half {
            continue;
        }
        // `half an hour` is a part of a unit, `the other half` is not a part of any number.
        let times = before.map_or(1.0, |before| spelled[before].value);
        let start = before.map_or(at, |before| spelled[before].start);
        spelled.retain(|number| number.end <= start || number.start > at);
        let fraction = SpelledNumber {
            start,
            end: at + 1,
            value: times / divisor,
            ordinal: false,
            article: false,
            fraction: true,
        };
        let place = spelled.partition_point(|number| number.start < start);
        spelled.insert(place, fraction);
    }
    spelled
}
