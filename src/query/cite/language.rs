//! Finds the language of a text, as far as its numbers and small words need to know it.

mod tables;

use std::collections::HashMap;
use std::sync::LazyLock;

use whatlang::{Detector, Lang};

use tables::{
    DENIALS, FURTHER, PASSAGES, PREDICATES, QUESTIONS, SAYING, SMALL, SPEAKERS, WordTable,
};

/// A language whose number words and small words are known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum TextLanguage {
    English,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    /// Any other language, or too few words to tell.
    #[default]
    Other,
}

/// The codes of the languages in the tables of words.
const CODES: [(&str, TextLanguage, Lang); 7] = [
    ("en", TextLanguage::English, Lang::Eng),
    ("de", TextLanguage::German, Lang::Deu),
    ("fr", TextLanguage::French, Lang::Fra),
    ("es", TextLanguage::Spanish, Lang::Spa),
    ("it", TextLanguage::Italian, Lang::Ita),
    ("pt", TextLanguage::Portuguese, Lang::Por),
    ("nl", TextLanguage::Dutch, Lang::Nld),
];

impl TextLanguage {
    /// The language of an answer; an answer with few small words is taken to be in the language of the
    /// question.
    pub(super) fn of_answer(answer: &str, question: &str) -> Self {
        let own = Self::of(answer);
        if own == Self::Other && !answer.is_ascii() && has_other_letters(answer) {
            return own;
        }
        let asked = Self::of(question);
        let sure = small_words(answer).into_iter().max().unwrap_or_default() > FEW;
        if asked == Self::Other || (sure && own != Self::Other) { own } else { asked }
    }

    /// Detects the language by small words, or by letters if those do not decide.
    pub(super) fn of(text: &str) -> Self {
        let words =
            text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).count();
        let seen = small_words(text);
        let most = seen.into_iter().max().unwrap_or_default();
        let near: Vec<Self> = (0..SMALL.len())
            .filter(|at| most > 0 && seen[*at] * 4 >= most * 3)
            .map(|at| SMALL[at].0)
            .collect();
        match near.as_slice() {
            [one] => *one,
            [] if words < 3 => Self::Other,
            [] => by_letters(text, &Detector::new()).unwrap_or(Self::Other),
            several => {
                let listed = CODES.iter().filter(|(_, language, _)| several.contains(language));
                let detector = Detector::with_allowlist(listed.map(|(_, _, lang)| *lang).collect());
                by_letters(text, &detector).unwrap_or(Self::Other)
            }
        }
    }

    /// Whether a word in lower case is a small word: an article, a preposition, a pronoun, an auxiliary.
    /// For an unknown language, the small words of all languages count.
    pub(super) fn has_small(self, word: &str) -> bool {
        SMALL_IN.get(word).is_some_and(|languages| languages & self.bit() != 0)
    }

    /// Whether a heading makes a statement, rather than naming something: it has a known verb, or a word of
    /// denial.
    pub(super) fn has_predicate(self, text: &str) -> bool {
        self.has_any(text, PREDICATES)
    }

    /// Whether a heading begins as a question does: `How backups are made`.
    pub(super) fn asks(self, text: &str) -> bool {
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        words.find(|word| !word.is_empty()).is_some_and(|first| self.has_any(first, QUESTIONS))
    }

    /// Whether a sentence speaks of the passages or of the answerer, and so makes no claim that a passage
    /// could support: that they do not say something, or what else could be asked.
    pub(super) fn speaks_of_passages(self, text: &str) -> bool {
        let all = |tables: [&WordTable; 3]| tables.iter().all(|table| self.has_any(text, table));
        all([PASSAGES, DENIALS, SAYING])
            || self.has_any(text, SPEAKERS) && !text.contains(|c: char| c.is_ascii_digit())
    }

    /// Whether a text has one of the words of a table. A word that ends in `*` matches as a prefix.
    fn has_any(self, text: &str, table: &WordTable) -> bool {
        let lower = text.to_lowercase().replace('’', "'");
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|word| !word.is_empty())
            .collect();
        let is = |known: &str| {
            let beginning = known.strip_suffix('*');
            words.iter().any(|word| {
                beginning.map_or(*word == known, |beginning| word.starts_with(beginning))
            })
        };
        table.iter().any(|(codes, names)| self.is_in(codes) && names.split(' ').any(is))
    }

    /// The bit of this language in a set of languages; all bits if it is unknown.
    const fn bit(self) -> u8 {
        match self {
            Self::English => 1,
            Self::German => 1 << 1,
            Self::French => 1 << 2,
            Self::Spanish => 1 << 3,
            Self::Italian => 1 << 4,
            Self::Portuguese => 1 << 5,
            Self::Dutch => 1 << 6,
            Self::Other => u8::MAX,
        }
    }

    /// The set of languages with these codes: see [`Self::is_in`].
    pub(super) fn set(codes: &str) -> u8 {
        let named = CODES.iter().filter(|(code, _, _)| codes.split(' ').any(|one| one == *code));
        let named = named.fold(0, |set, (_, language, _)| set | language.bit());
        if codes.is_empty() { u8::MAX } else { named }
    }

    /// Whether the language is in a set of languages; an unknown language is in all.
    pub(super) const fn is_in_set(self, set: u8) -> bool {
        matches!(self, Self::Other) || set & self.bit() != 0
    }

    /// Whether a row of a table applies to this language. `codes` names the languages of the row (`en de`;
    /// empty: all). An unknown language may be any of them.
    pub(super) fn is_in(self, codes: &str) -> bool {
        let is_self =
            |code: &str| CODES.iter().any(|(name, language, _)| *name == code && *language == self);
        self == Self::Other || codes.is_empty() || codes.split(' ').any(is_self)
    }
}

/// The languages in which a word is a small word.
static SMALL_IN: LazyLock<HashMap<&str, u8>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for (language, small) in SMALL.iter().chain(&FURTHER) {
        for word in *small {
            *words.entry(*word).or_default() |= language.bit();
        }
    }
    words
});

/// Up to this many small words, an answer does not show its language by itself.
const FEW: usize = 2;

/// How many small words of each language a text has.
fn small_words(text: &str) -> [usize; SMALL.len()] {
    let mut seen = [0; SMALL.len()];
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        let Some(languages) = SMALL_IN.get(word) else { continue };
        for (at, seen) in seen.iter_mut().enumerate() {
            *seen += usize::from(languages & SMALL[at].0.bit() != 0);
        }
    }
    seen
}

/// Whether a text has letters of a script that none of the known languages uses.
fn has_other_letters(text: &str) -> bool {
    text.chars().any(|c| c.is_alphabetic() && c > '\u{24f}')
}

/// `None` if the letters are not those of a known language, or do not decide.
fn by_letters(text: &str, detector: &Detector) -> Option<TextLanguage> {
    let info = detector.detect(text).filter(|info| info.confidence() > 0.2)?;
    CODES.iter().find(|(_, _, lang)| *lang == info.lang()).map(|(_, language, _)| *language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_detected_in_short_texts() {
        for (text, expected) in [
            ("Ledger backups are kept for 400 days.", TextLanguage::English),
            ("The limit is 30 seconds", TextLanguage::English),
            ("Die Sicherungen werden vierhundert Tage lang aufbewahrt.", TextLanguage::German),
            ("Les sauvegardes sont conservées pendant quatre cents jours.", TextLanguage::French),
            ("Las copias se guardan durante cuatrocientos días.", TextLanguage::Spanish),
            ("Le copie sono conservate per quattrocento giorni.", TextLanguage::Italian),
            ("As cópias são guardadas durante quatrocentos dias.", TextLanguage::Portuguese),
            ("De back-ups worden vierhonderd dagen bewaard.", TextLanguage::Dutch),
            ("バックアップは400日間保存されます。", TextLanguage::Other),
            ("400", TextLanguage::Other),
        ] {
            assert_eq!(TextLanguage::of(text), expected, "{text}");
        }
    }
}
