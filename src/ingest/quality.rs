//! Checks whether the text of a document looks as if it had been read well.
//!
//! A parser that fails silently leaves words that are split, run together, or made of unknown letters. This
//! check looks at what is stored, so it needs no file and works for every reader. It is a hint: a table of
//! codes looks odd and is right.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::error::BackendError;
use crate::store::{VectorStore, chunks_of};
use crate::types::{Chunk, DocumentKind, DocumentRecord, WarningCode, ranges};

/// Minimum number of words for which shares are meaningful.
const ENOUGH_WORDS: usize = 30;

/// Upper limit of each share in good texts; `docs/quality.md` has the measurement.
const ODD_WORDS: f64 = 0.05;
const SIGNS: f64 = 0.05;
const SINGLE_LETTERS: f64 = 0.22;
const REPLACEMENTS: f64 = 0.005;
const PAGES_WITHOUT_TEXT: f64 = 0.25;

/// Length in letters of the longest word that is not two words run together: German and Finnish come near it.
const LONGEST_WORD: usize = 35;

/// What was counted in the text of a document. Shares are 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct Measures {
    pub words: usize,
    /// Share of words that have no vowel, mix two scripts, have capitals inside, or are too long.
    pub odd_words: f64,
    /// Share of characters, without spaces, that are neither letters, digits nor punctuation.
    pub signs: f64,
    /// Share of words that have one letter.
    pub single_letters: f64,
    /// Share of characters, without spaces, that stand for unknown letters: U+FFFD and private use.
    pub replacements: f64,
}

/// A document that looks broken.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Doubtful")]
pub struct SuspectDocument {
    pub source: String,
    /// One sentence for each reason.
    pub reasons: Vec<String>,
    #[serde(flatten)]
    pub measures: Measures,
    /// Pages without text between the first and the last page.
    pub pages_without_text: Vec<u32>,
}

/// The documents that look broken, worst first. Every chunk is read.
pub async fn doubtful(
    store: &dyn VectorStore,
    documents: &[DocumentRecord],
) -> Result<Vec<SuspectDocument>, BackendError> {
    let mut found = Vec::new();
    for record in documents {
        found.extend(judge(record, &chunks_of(store, &record.source).await?));
    }
    Ok(worst_first(found))
}

/// Sorts by how far the worst share exceeds its limit; ties keep their order.
fn worst_first(mut found: Vec<(f64, SuspectDocument)>) -> Vec<SuspectDocument> {
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, doubtful)| doubtful).collect()
}

/// Whether the warning means that part of the text is missing or wrong. A wrong guess shows in the text;
/// hidden, attached or uncalculated content is left out on purpose.
fn is_broken(code: WarningCode) -> bool {
    use WarningCode::{AttachmentsNotRead, HiddenContent, UncalculatedFormulas};
    !code.is_guess()
        && !code.is_note()
        && !matches!(code, HiddenContent | AttachmentsNotRead | UncalculatedFormulas)
}

fn judge(record: &DocumentRecord, chunks: &[Chunk]) -> Option<(f64, SuspectDocument)> {
    let mut counts = Counts::default();
    let mut pages = BTreeSet::new();
    for chunk in chunks {
        counts.add(&chunk.text);
        pages.extend(chunk.locator.page());
    }
    let measures = counts.measures();
    let (first, last) = (pages.first().copied(), pages.last().copied());
    let span = first.unwrap_or(1)..=last.unwrap_or(0);
    let empty: Vec<u32> = span.clone().filter(|page| !pages.contains(page)).collect();
    let share = |count: usize, of: usize| if of == 0 { 0.0 } else { count as f64 / of as f64 };
    let mut reasons: Vec<String> = Vec::new();
    // Code and data have their own kinds of names and signs.
    let is_prose = !matches!(
        record.kind,
        DocumentKind::Code | DocumentKind::Json | DocumentKind::Csv | DocumentKind::Spreadsheet
    );
    // Text that a warning reports as missing weighs as much as a share at its limit.
    let mut worst = 1.0_f64;
    let mut over = |value: f64, limit: f64, what: &str| {
        if value > limit {
            worst = worst.max(value / limit);
            reasons.push(format!("{} {what}", percent(value)));
        }
    };
    if is_prose && measures.words >= ENOUGH_WORDS {
        over(
            measures.odd_words,
            ODD_WORDS,
            "of its words are odd (no vowel, two scripts, run together)",
        );
        over(measures.single_letters, SINGLE_LETTERS, "of its words are single letters");
        over(measures.signs, SIGNS, "of its characters are not part of words");
    }
    over(measures.replacements, REPLACEMENTS, "of its characters stand for unknown letters");
    let without_text = share(empty.len(), span.count());
    if without_text > PAGES_WITHOUT_TEXT {
        worst = worst.max(without_text / PAGES_WITHOUT_TEXT);
        reasons.push(format!("no text on pages {}", ranges(&empty)));
    }
    let broken = record.warnings.iter().filter(|warning| is_broken(warning.code));
    reasons.extend(broken.map(|warning| warning.message.clone()));
    let source = record.source.clone();
    if reasons.is_empty() {
        return None;
    }
    Some((worst, SuspectDocument { source, reasons, measures, pages_without_text: empty }))
}

fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value < 10.0 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

#[derive(Default)]
struct Counts {
    words: usize,
    odd: usize,
    single: usize,
    characters: usize,
    signs: usize,
    replacements: usize,
}

impl Counts {
    fn add(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            self.characters += 1;
            let replaced = c == char::REPLACEMENT_CHARACTER || is_private(c);
            self.replacements += usize::from(replaced);
            // Marks of Markdown, tables and leaders of contents are in good texts too.
            let plain = c.is_alphanumeric() || "|#*_-=`.~+<>$".contains(c) || is_mark(c);
            self.signs += usize::from(!plain && !replaced && !is_punctuation(c));
        }
        for word in text.split(|c: char| !(c.is_alphabetic() || is_mark(c))) {
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            if letters == 0 || word.chars().any(is_unspaced) {
                continue;
            }
            self.words += 1;
            self.single += usize::from(letters == 1);
            self.odd += usize::from(is_odd(word, letters));
        }
    }

    fn measures(&self) -> Measures {
        let share = |count: usize, of: usize| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        Measures {
            words: self.words,
            odd_words: share(self.odd, self.words),
            signs: share(self.signs, self.characters),
            single_letters: share(self.single, self.words),
            replacements: share(self.replacements, self.characters),
        }
    }
}

/// Whether no language writes such a word.
fn is_odd(word: &str, letters: usize) -> bool {
    if letters > LONGEST_WORD {
        return true;
    }
    let scripts = [is_latin, is_greek, is_cyrillic];
    if scripts.iter().filter(|is| word.chars().any(is)).count() > 1 {
        return true;
    }
    // Abbreviations are in capitals.
    let lower = word.chars().filter(|c| c.is_lowercase()).count();
    if letters < 4 || lower * 2 < letters || !word.chars().all(is_latin) {
        return false;
    }
    let vowels = |c: char| "aeiouyæœøåıw".contains(base(c));
    let no_vowel = !word.to_lowercase().chars().any(vowels);
    let mut humps = word
        .chars()
        .zip(word.chars().skip(1))
        .filter(|(a, b)| a.is_lowercase() && b.is_uppercase());
    no_vowel || humps.nth(1).is_some()
}

/// A lower-case letter without its accents.
fn base(c: char) -> char {
    let mut base = None;
    unicode_normalization::char::decompose_canonical(c, |part| {
        base.get_or_insert(part);
    });
    base.unwrap_or(c)
}

fn is_latin(c: char) -> bool {
    c.is_alphabetic()
        && matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
        && !"µªº".contains(c)
}

fn is_greek(c: char) -> bool {
    // Single Greek letters are signs of mathematics and units.
    matches!(c, '\u{3b1}'..='\u{3c9}' | '\u{1f00}'..='\u{1fff}') && !"μπσλΔΩ".contains(c)
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

/// Whether the script of a character does not separate words by spaces.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_punctuation(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Punctuation
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(text: &str) -> Measures {
        let mut counts = Counts::default();
        counts.add(text);
        counts.measures()
    }

    #[test]
    fn words_that_no_language_writes_are_odd() {
        for (word, odd) in [
            ("harbour", false),
            ("rhythm", false),
            ("Kšnds", true),
            ("HTTP", false),
            ("krk", false),
            ("tbsp", true),
            ("iPhone", false),
            ("eXaMpLe", true),
            ("pаypal", true),
            ("Donaudampfschifffahrtsgesellschaft", false),
            ("DistrictDirectorBainMatthewOfTheWestern", true),
            ("гавань", false),
            ("λιμάνι", false),
            ("μm", false),
        ] {
            assert_eq!(is_odd(word, word.chars().count()), odd, "{word}");
        }
    }

    #[test]
    fn shares_are_of_words_and_of_characters() {
        let good = measures("The ferry leaves at 07:45, and a boat follows (pier 4).");
        assert_eq!((good.words, good.odd_words, good.signs), (9, 0.0, 0.0));
        let apart = measures("E x a mp le do cu m en t");
        assert!(apart.single_letters > 0.3, "{apart:?}");
        let unknown = measures("\u{fffd}\u{e001}ab");
        assert!((unknown.replacements - 0.5).abs() < 1e-9, "{unknown:?}");
        let signs = measures("§¤¬ ab");
        assert!(signs.signs > 0.3, "{signs:?}");
        assert_eq!(measures(""), Measures::default());
        assert_eq!(measures("東京の港は朝に開く。").words, 0);
    }
}
