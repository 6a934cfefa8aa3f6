//! A line → its text: where its blanks are, and which letters its printed forms stand for.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::compose;

use super::super::good_words::is_cjk;
use super::glyph::{Glyph, Letters};
use super::lines::{PdfLine, middle};
use super::script::{is_jamo, is_mark, is_presentation_form};

/// Smallest gap between words, in heights of the font.
pub(super) const GAP: f32 = 0.15;

/// The same if all blanks between words are drawn, so that a gap is most likely a badly set letter.
const GAP_IN_WORDS: f32 = 0.5;

/// Words of a text have fewer letters than this, on average.
const LONG_WORD: usize = 9;

/// The same between signs of scripts that need no blanks.
const CJK_GAP: f32 = 0.8;

/// Smallest gap between columns or cells.
const CELL_GAP: f32 = 1.0;

/// One or a few letters that belong together, or the blank between two words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TextItem {
    Letters(String),
    Blank,
}

/// The items of a line, in the order of its glyphs.
pub(super) fn items(line: &PdfLine) -> Vec<TextItem> {
    let mut items = Vec::with_capacity(line.glyphs.len() + 8);
    let mut previous: Option<&Glyph> = None;
    let mut unknown: Option<&Glyph> = None;
    let mut blank = false;
    for (cell, gap) in cells(&line.glyphs) {
        for glyph in cell {
            if glyph.letters.is_blank() {
                blank = !items.is_empty();
                continue;
            }
            if matches!(glyph.letters, Letters::Nothing) {
                continue;
            }
            if glyph.letters.all(is_mark)
                && let Some(TextItem::Letters(letters)) = items.last_mut()
            {
                // With its letter, on whichever side of it the next one is.
                glyph.letters.push_to(letters);
                continue;
            }
            let apart = previous.is_some_and(|previous| parts(previous, glyph, gap));
            if (blank || apart) && !items.is_empty() {
                items.push(TextItem::Blank);
            }
            blank = false;
            let text = printed(glyph, previous, line);
            if !text.is_empty() {
                if unknown.take().is_some_and(|unknown| stands_before(unknown, glyph))
                    && is_within_word(&items, &text)
                {
                    items.push(TextItem::Letters(char::REPLACEMENT_CHARACTER.to_string()));
                }
                add(&mut items, text, previous, glyph);
            } else if glyph.letters == Letters::Unknown {
                unknown = Some(glyph);
            }
            previous = Some(glyph);
        }
    }
    items
}

/// Whether an unknown letter has a place of its own before another. An accent has none.
fn stands_before(unknown: &Glyph, glyph: &Glyph) -> bool {
    let step = glyph.at.minus(unknown.at).dot(unknown.right);
    unknown.advance > 0.05 * unknown.size && step > 0.5 * unknown.advance
}

/// Whether the next text continues a word. A sign before or after a word is not missed.
fn is_within_word(items: &[TextItem], next: &str) -> bool {
    let ends = |item: &TextItem| match item {
        TextItem::Letters(letters) => letters.ends_with(char::is_alphanumeric),
        TextItem::Blank => false,
    };
    items.last().is_some_and(ends) && next.starts_with(char::is_alphanumeric)
}

/// The parts of a line between wide gaps, each with the gap that separates words in it.
fn cells(glyphs: &[Glyph]) -> impl Iterator<Item = (&[Glyph], f32)> {
    let near = |left: &Glyph, right: &Glyph| gap(left, right).abs() < CELL_GAP;
    glyphs.chunk_by(near).map(|cell| (cell, word_gap(cell)))
}

/// The gap in heights of the font; negative if letters overlap.
fn gap(left: &Glyph, right: &Glyph) -> f32 {
    let step = right.at.minus(left.end()).dot(left.right);
    step / left.size.max(right.size).max(f32::MIN_POSITIVE)
}

fn parts(left: &Glyph, right: &Glyph, gap_of_words: f32) -> bool {
    let gap = gap(left, right);
    let cjk = |glyph: &Glyph| glyph.letters.all(is_cjk);
    let limit = if cjk(left) && cjk(right) { gap_of_words.max(CJK_GAP) } else { gap_of_words };
    // This far back, something else starts, though accents go back too.
    (gap > limit || gap < -0.7) && !right.letters.all(is_mark)
}

/// Smallest gap between words in a cell: more than [`GAP`] if the letters of words are spaced out.
fn word_gap(cell: &[Glyph]) -> f32 {
    let inked = |glyph: &Glyph| !glyph.letters.is_blank();
    let pairs = || cell.windows(2).filter(|pair| pair.iter().all(inked));
    let gaps: Vec<f32> = pairs().map(|pair| gap(&pair[0], &pair[1])).collect();
    let wide = gaps.iter().filter(|gap| **gap > GAP).count();
    let letters = || cell.iter().filter(|glyph| glyph.letters.all(char::is_alphabetic));
    // Signs of a map and grids of marks are separate on purpose.
    let mut kinds: Vec<char> = letters().filter_map(|glyph| glyph.letters.first()).collect();
    if is_list(&kinds) {
        return GAP;
    }
    let count = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    let is_text =
        count * 10 >= cell.len() * 6 && kinds.len() >= 4 && kinds.len() * 6 > count.min(60);
    let blanks = cell.iter().filter(|glyph| glyph.letters.is_blank()).count();
    // Its blanks are drawn and separate words, but there are more gaps than blanks, within these words.
    // Formulas have gaps as well, beside letters of another font.
    let of_one_font = |pair: &&[Glyph]| pair[0].font == pair[1].font;
    let pairs = pairs().filter(of_one_font);
    let within = pairs.filter(|pair| gap(&pair[0], &pair[1]) > GAP).count();
    if within > blanks && blanks * LONG_WORD >= gaps.len() && blanks > 1 && is_text {
        return GAP_IN_WORDS;
    }
    if gaps.len() < 3 || wide * 10 < gaps.len() * 7 || !is_text {
        return GAP;
    }
    let usual = middle(gaps);
    if cell.iter().any(|glyph| glyph.letters.is_blank()) {
        // Its words are separated by drawn blanks.
        return usual + 0.5;
    }
    (usual * 1.6).max(usual + 0.15)
}

/// Whether separate letters are a list of letters and not a spaced-out word: they are in alphabetical order, or
/// parts of syllables.
fn is_list(letters: &[char]) -> bool {
    let low = |letter: &char| letter.to_lowercase().next().map_or(0, u32::from);
    let codes: Vec<u32> = letters.iter().map(low).collect();
    let steps = || codes.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0]));
    let follows = letters.len() >= 4 && steps().all(|step| step == 1);
    let rises = |sign: i64| steps().filter(|step| step * sign >= 0).count() * 10 >= codes.len() * 8;
    let is_sorted = letters.len() >= 8 && (rises(1) || rises(-1));
    follows
        || is_sorted
        || letters.iter().filter(|letter| is_jamo(**letter)).count() * 2 > letters.len()
}

/// The text of a glyph without what print adds.
fn printed(glyph: &Glyph, previous: Option<&Glyph>, line: &PdfLine) -> String {
    let mut text = String::new();
    glyph.letters.push_to(&mut text);
    if text.chars().any(|letter| is_presentation_form(letter) || letter.is_control()) {
        text = plain(&text);
    }
    if is_raised(glyph, previous, line) { superscript(&text).unwrap_or(text) } else { text }
}

fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if is_presentation_form(letter) {
            plain.extend(std::iter::once(letter).nfkc());
        } else {
            plain.push(letter);
        }
    }
    plain
}

fn is_raised(glyph: &Glyph, previous: Option<&Glyph>, line: &PdfLine) -> bool {
    let height = line.place.base - glyph.at.dot(line.place.down);
    glyph.size < 0.85 * line.place.size
        && height > 0.2 * line.place.size
        && previous.is_none_or(|previous| !previous.letters.is_blank())
}

/// Digits above the line, so that they neither change a number nor end a sentence.
fn superscript(text: &str) -> Option<String> {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    text.chars().map(|letter| Some(DIGITS[letter.to_digit(10)? as usize])).collect()
}

/// Adds letters; an accent that was drawn over a letter becomes part of it.
fn add(items: &mut Vec<TextItem>, text: String, previous: Option<&Glyph>, glyph: &Glyph) {
    let only = |text: &str| {
        let mut letters = text.chars();
        letters.next().filter(|_| letters.next().is_none())
    };
    let overlaps = previous.is_some_and(|previous| {
        let step = glyph.at.minus(previous.at).dot(previous.right);
        step.abs() < 0.5 * previous.advance.min(glyph.advance).max(0.1 * glyph.size)
    });
    if let (true, Some(TextItem::Letters(last)), Some(new)) =
        (overlaps, items.last_mut(), only(&text))
        && let Some(old) = only(last)
    {
        // TeX draws the accent first, others draw it afterwards.
        let composed = combining(old).and_then(|mark| compose(new, mark));
        let composed = composed.or_else(|| combining(new).and_then(|mark| compose(old, mark)));
        if let Some(letter) = composed {
            *last = letter.to_string();
            return;
        }
    }
    items.push(TextItem::Letters(text));
}

/// The combining form of an accent that is a character of its own.
fn combining(accent: char) -> Option<char> {
    Some(match accent {
        '`' | 'ˋ' => '\u{300}',
        '´' | 'ˊ' => '\u{301}',
        'ˆ' | '^' => '\u{302}',
        '˜' | '~' => '\u{303}',
        '¯' | 'ˉ' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' | '°' => '\u{30A}',
        '˝' => '\u{30B}',
        'ˇ' => '\u{30C}',
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn print_is_taken_away() {
        assert_eq!(plain("ﬁ\u{0}x"), "fix");
        assert_eq!(plain("\u{FEDF}"), "ل");
        assert_eq!(superscript("12").as_deref(), Some("¹²"));
        assert_eq!(superscript("st"), None);
    }

    #[test]
    fn letters_in_order_are_a_list() {
        for (letters, expected) in [
            ("defg", true),
            ("ààââääççééèèêê", true),
            ("zyxwvuts", true),
            ("ㄱㅁㅑㅡㅱㆁ", true),
            ("almost", false),
            ("SUMMARY", false),
            ("계약서", false),
            ("mmmmmmm", false),
        ] {
            assert_eq!(is_list(&letters.chars().collect::<Vec<_>>()), expected, "{letters}");
        }
    }
}
