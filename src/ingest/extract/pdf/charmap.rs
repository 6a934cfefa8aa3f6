//! Letters of embedded TrueType and OpenType fonts without `ToUnicode`: a glyph number → the letter that the
//! font itself maps to it.

use std::collections::HashMap;

use hayro_interpret::font::OutlineGlyph;
use skrifa::{FontRef, MetadataProvider as _};

use crate::ingest::extract::symbols;

/// Letters by the interpreter's key for a font.
#[derive(Default)]
pub(super) struct Charmaps(HashMap<u128, HashMap<u32, char>>);

impl Charmaps {
    pub(super) fn letter(&mut self, glyph: &OutlineGlyph) -> Option<char> {
        let font = glyph.font_data()?;
        let letters = self.0.entry(font.cache_key).or_insert_with(|| {
            let data: &[u8] = (*font.data).as_ref();
            FontRef::from_index(data, 0).map(|font| by_glyph(&font)).unwrap_or_default()
        });
        letters.get(&glyph.glyph_id().to_u32()).copied()
    }
}

/// The letter of each glyph; of several, the one with the smallest number: `A` and not the Greek letter.
fn by_glyph(font: &FontRef<'_>) -> HashMap<u32, char> {
    let mut letters = HashMap::new();
    for (code, glyph) in font.charmap().mappings() {
        let Some(letter) = letter(code) else { continue };
        let known = letters.entry(glyph.to_u32()).or_insert(letter);
        *known = letter.min(*known);
    }
    letters.remove(&0);
    letters
}

/// The letter of a code. Symbol fonts have their codes at U+F000; in subsets of common fonts these are ASCII.
fn letter(code: u32) -> Option<char> {
    let code = if (0xF020..0xF07F).contains(&code) { code - 0xF000 } else { code };
    let letter = char::from_u32(code)?;
    let private = ('\u{E000}'..='\u{F8FF}').contains(&letter);
    (!private && !letter.is_control()).then_some(letter)
}

/// The bullet that word processors put before list items, by its code in their symbol fonts (Symbol,
/// Wingdings). Unicode has no letters at these codes, and the words after one could not be searched.
pub(super) fn bullet(letter: char) -> Option<char> {
    let code = u32::from(letter);
    match code {
        // In a text font, at its number in Windows-1252.
        0xF095 => Some('•'),
        0xF0B7 => symbols::unicode("symbol", code),
        0xF0A7 | 0xF0A8 | 0xF0D8 | 0xF0E0 | 0xF0FC | 0xF0FE => symbols::unicode("wingdings", code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets_are_signs_that_are_known() {
        let signs = "\u{F095}\u{F0B7}\u{F0A7}\u{F0A8}\u{F0D8}\u{F0E0}\u{F0FC}\u{F0FE}";
        assert_eq!(signs.chars().filter_map(bullet).collect::<String>(), "••▪◻➢→✓☑");
        assert_eq!(bullet('\u{F041}'), None);
        assert_eq!(bullet('A'), None);
    }
}
