//! Letters of fonts that are not embedded and whose codes are glyph numbers, which no table maps to letters.
//! The fonts that come with Windows have their first glyphs in the order of the Macintosh character set.

use encoding_rs::MACINTOSH;

/// How the names of these fonts start, without blanks and in lower case.
const FONTS: [&str; 7] =
    ["timesnewroman", "arial", "couriernew", "verdana", "tahoma", "georgia", "trebuchet"];

/// The first glyphs are for "none", for nothing and for the end of a line; then comes the blank.
const BLANK: u32 = 3;

/// The Macintosh order has no glyph for the code of DEL.
const LAST_ASCII: u32 = 97;
const LAST: u32 = 225;

pub(super) fn letter(font: &str, glyph: u32) -> Option<char> {
    let name: String = font.chars().filter(|letter| *letter != ' ').collect();
    let name = name.to_ascii_lowercase();
    if !FONTS.iter().any(|font| name.starts_with(font)) {
        return None;
    }
    let byte = match glyph {
        BLANK..=LAST_ASCII => glyph - BLANK + 0x20,
        _ if (LAST_ASCII + 1..=LAST).contains(&glyph) => glyph - LAST_ASCII - 1 + 0x80,
        _ => return None,
    };
    let byte = [u8::try_from(byte).ok()?];
    MACINTOSH.decode_without_bom_handling(&byte).0.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_are_in_the_order_of_the_macintosh() {
        for (font, glyph, expected) in [
            ("TimesNewRoman,Italic", 0x57, Some('t')),
            ("Arial", 3, Some(' ')),
            ("ArialMT", 97, Some('~')),
            ("Courier New", 98, Some('Ä')),
            ("Verdana-Bold", 0x70, Some('é')),
            ("Verdana", 225, Some('ˇ')),
            ("Verdana", 226, None),
            ("Arial", 2, None),
            ("Calibri", 0x57, None),
        ] {
            assert_eq!(letter(font, glyph), expected, "{font} {glyph}");
        }
    }
}
