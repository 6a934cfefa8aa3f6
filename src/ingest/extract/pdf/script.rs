//! Properties of letters that the layout needs.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether a letter is Hebrew, Arabic, Syriac, Thaana, N'Ko or one of their presentation forms.
pub(super) fn is_right_to_left(letter: char) -> bool {
    // Most letters are checked several times, and are Latin.
    letter >= '\u{5BE}'
        && matches!(letter,
        '\u{5BE}' | '\u{5C0}' | '\u{5C3}' | '\u{5C6}' | '\u{5D0}'..='\u{5F4}'
        | '\u{608}' | '\u{60B}' | '\u{60D}' | '\u{61B}'..='\u{64A}' | '\u{66D}'..='\u{66F}'
        | '\u{671}'..='\u{6D5}' | '\u{6E5}' | '\u{6E6}' | '\u{6EE}' | '\u{6EF}' | '\u{6FA}'..='\u{85E}'
        | '\u{860}'..='\u{8C9}' | '\u{FB1D}'..='\u{FB4F}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Whether this is a variant of a letter that only fonts distinguish.
pub(super) fn is_presentation_form(letter: char) -> bool {
    matches!(letter, '\u{FB00}'..='\u{FB4F}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}

/// Whether this is a mark on the letter before it.
pub(super) fn is_mark(letter: char) -> bool {
    matches!(
        letter.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

/// Whether this is a part of a Hangul syllable on its own.
pub(super) fn is_jamo(letter: char) -> bool {
    matches!(letter, '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{A960}'..='\u{A97F}' | '\u{D7B0}'..='\u{D7FF}')
}
