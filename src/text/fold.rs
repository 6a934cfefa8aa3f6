//! Maps the spellings of a word to one.
//!
//! The same word occurs composed and decomposed (files from macOS, PDFs), with soft hyphens, in full or half
//! width, with ligatures, with or without vowel marks. Everything that compares words uses this module:
//! terms, citations, filters, embedding. Only the compared text is changed; stored and shown text stays as in
//! the document.
//!
//! Accents of Latin and Cyrillic letters stay: there they distinguish words, and stemmers need them. Greek,
//! Arabic and Persian are folded as by Lucene's `GreekLowerCaseFilter`, `ArabicNormalizer` and
//! `PersianNormalizer`; Hebrew loses its points, as in everyday writing.

use std::borrow::Cow;

use unicode_normalization::char::decompose_canonical;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick, is_nfkc_quick};

use super::visible::joins;

/// Languages in which `ı` and `i` are different letters, as named in settings.
const DOTLESS: &[&str] = &["turkish", "azerbaijani"];

/// A text in the one spelling in which its words are compared. Case is left to the caller: capitals separate
/// the parts of identifiers. `language` as in `sparse.language`; empty if it is not known.
pub fn fold<'a>(text: &'a str, language: &str) -> Cow<'a, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let dotless = DOTLESS.contains(&language);
    let folded = |c: char| if dotless && c == 'ı' { Some(c) } else { letter(c) };
    let as_it_is = is_nfkc_quick(text.chars()) == IsNormalized::Yes
        && text.chars().all(|c| c != DOT_ABOVE && folded(c) == Some(c));
    if as_it_is {
        return Cow::Borrowed(text);
    }
    let mut all = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)).nfkc().filter_map(folded) {
        // This dot remains when `İ` is converted to lower case.
        if c != DOT_ABOVE || !all.ends_with(['i', 'I']) {
            all.push(c);
        }
    }
    Cow::Owned(all)
}

const DOT_ABOVE: char = '\u{307}';

/// The letter that `c` counts as; `None` if it does not belong to the spelling of a word. For composed text,
/// and for what remains of decomposed text.
pub(super) fn letter(c: char) -> Option<char> {
    Some(match c {
        '\0'..='\u{7f}' => c,
        // Tatweel, and the vowel marks of Arabic and Hebrew.
        '\u{640}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e8}'
        | '\u{6ea}'..='\u{6ed}'
        | '\u{8d3}'..='\u{8ff}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}'
        | '\u{5c7}' => return None,
        c if is_invisible(c) => return None,
        'İ' => 'I',
        'ı' => 'i',
        'آ' | 'أ' | 'إ' | 'ٱ' => 'ا',
        'ة' | 'ۀ' | 'ہ' | 'ۂ' | 'ە' => 'ه',
        'ى' | 'ی' | 'ې' => 'ي',
        'ک' => 'ك',
        '٠'..='٩' => digit(c, '٠'),
        '۰'..='۹' => digit(c, '۰'),
        'ς' => 'σ',
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => bare(c),
        _ => c,
    })
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

/// A letter without its accents.
fn bare(c: char) -> char {
    let mut base = None;
    decompose_canonical(c, |part| {
        base.get_or_insert(part);
    });
    base.unwrap_or(c)
}

/// Soft hyphens, joiners, direction marks, variation selectors: inside a word, but not part of it.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// A text in the form that models were trained on: composed, in letters of one width, without invisible
/// characters. Joiners stay, because they form letters of Indic scripts and emoji.
pub fn legible(text: &str) -> Cow<'_, str> {
    let stays = |c: &char| !is_invisible(*c) || joins(*c);
    if text.is_ascii()
        || (is_nfkc_quick(text.chars()) == IsNormalized::Yes && text.chars().all(|c| stays(&c)))
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(stays).nfkc().collect())
}

/// Converts digits and decimal signs in full width, Arabic and Persian to ASCII.
pub fn plain_digits(text: &str) -> Cow<'_, str> {
    let plain = |c: char| match c {
        '０'..='９' => digit(c, '０'),
        '٠'..='٩' | '۰'..='۹' => letter(c).unwrap_or(c),
        '٫' | '．' => '.',
        '٬' => ',',
        _ => c,
    };
    if text.is_ascii() || text.chars().all(|c| plain(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(plain).collect())
}

/// A name in composed letters: file systems keep either form.
pub fn composed(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || is_nfc_quick(name.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.nfc().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_a_word_are_folded_into_one() {
        for (spellings, folded) in [
            (
                &[
                    "Mönchengladbach",
                    "Mo\u{308}nchengladbach",
                    "Mo\u{200b}\u{308}nchen\u{ad}gladbach",
                ][..],
                "Mönchengladbach",
            ),
            (
                &["수영장", "\u{1109}\u{116e}\u{110b}\u{1167}\u{11bc}\u{110c}\u{1161}\u{11bc}"],
                "수영장",
            ),
            (&["ＡＢＣ－１２３", "ABC-123"], "ABC-123"),
            (&["カタカナ", "ｶﾀｶﾅ"], "カタカナ"),
            (&["ガ", "ｶﾞ", "カ\u{3099}"], "ガ"),
            (&["\u{fb01}nance", "finance"], "finance"),
            (&["İstanbul", "I\u{307}stanbul", "Istanbul"], "Istanbul"),
            (&["i\u{307}stanbul", "istanbul", "ıstanbul"], "istanbul"),
            (&["αποθήκη", "αποθη\u{301}κη", "αποθηκη"], "αποθηκη"),
            (&["λόγος", "λογοσ"], "λογοσ"),
            (&["المُسْتَوْدَعُ", "المستودع", "المستـــودع"], "المستودع"),
            (&["إلى", "الى", "الي", "ا\u{655}لی"], "الي"),
            (&["کتاب", "كتاب"], "كتاب"),
            (&["١٢٣", "۱۲۳", "123"], "123"),
            (&["הַמַּחְסָן", "המחסן"], "המחסן"),
            (&["й", "и\u{306}"], "й"),
        ] {
            for spelling in spellings {
                assert_eq!(fold(spelling, ""), folded, "{spelling}");
            }
        }
        assert_eq!(fold("kitabın İZMİR", "turkish"), "kitabın IZMIR");
    }

    #[test]
    fn text_that_needs_no_change_is_not_copied() {
        for text in
            ["", "Plain words, src/lib.rs.", "Größe naïve café", "東京のタワー", "Привет, мир"]
        {
            assert!(matches!(fold(text, "english"), Cow::Borrowed(_)), "{text}");
            assert!(matches!(legible(text), Cow::Borrowed(_)), "{text}");
            assert!(matches!(composed(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn embedded_text_keeps_characters_that_form_letters() {
        assert_eq!(
            legible("pub\u{ad}lication \u{fb01}n o\u{308} १\u{200d}"),
            "publication fin ö १\u{200d}"
        );
        assert_eq!(composed("U\u{308}bersicht \u{fb01}"), "Übersicht \u{fb01}");
    }

    #[test]
    fn digits_of_any_width_are_digits() {
        for (text, plain) in
            [("４００．５", "400.5"), ("٤٠٠٫٥", "400.5"), ("۴۰۰", "400"), ("m² ½", "m² ½")]
        {
            assert_eq!(plain_digits(text), plain);
        }
    }

    proptest! {
        #[test]
        fn every_form_is_folded_alike_and_only_once(text in "(\\PC|[a-zäöİıΆςأ\u{300}-\u{30f}\u{ad}]){0,30}") {
            let folded = fold(&text, "");
            prop_assert_eq!(&fold(&folded, ""), &folded);
            let forms: [String; 3] =
                [text.nfd().collect(), text.nfc().collect(), text.nfkd().collect()];
            for form in &forms {
                prop_assert_eq!(&fold(form, ""), &folded);
            }
        }
    }
}
