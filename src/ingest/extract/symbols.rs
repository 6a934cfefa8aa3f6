//! Letters of the fonts Symbol and Wingdings, which have their own numbers for symbols → Unicode.

/// The Greek letters and symbols of Symbol, from 0x20 on (Unicode consortium, VENDORS/ADOBE/symbol.txt); a
/// blank is an unknown symbol.
const SYMBOL: &str = " !∀#∃%&∍()∗+,−./0123456789:;<=>?\
≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ \
αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼ ";

/// From 0xA0 on.
const SYMBOL_UPPER: &str = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵\
ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓\
◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭ ";

/// The symbols of Wingdings that occur in texts: boxes, arrows, pointers, circled digits.
const WINGDINGS: &[(u8, char)] = &[
    (0x22, '✂'),
    (0x28, '☎'),
    (0x2A, '✉'),
    (0x36, '⌛'),
    (0x41, '✌'),
    (0x43, '👍'),
    (0x44, '👎'),
    (0x45, '☜'),
    (0x46, '☞'),
    (0x4A, '☺'),
    (0x4C, '☹'),
    (0x4E, '☠'),
    (0x6C, '●'),
    (0x6D, '❍'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x71, '❑'),
    (0x72, '❒'),
    (0x73, '⬧'),
    (0x74, '⧫'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x78, '⌧'),
    (0x9E, '·'),
    (0x9F, '•'),
    (0xA1, '○'),
    (0xA4, '◉'),
    (0xA7, '▪'),
    (0xA8, '◻'),
    (0xAB, '★'),
    (0xD8, '➢'),
    (0xDF, '←'),
    (0xE0, '→'),
    (0xE1, '↑'),
    (0xE2, '↓'),
    (0xE8, '➔'),
    (0xEF, '⇦'),
    (0xF0, '⇨'),
    (0xF1, '⇧'),
    (0xF2, '⇩'),
    (0xF3, '⬄'),
    (0xFB, '✗'),
    (0xFC, '✓'),
    (0xFD, '☒'),
    (0xFE, '☑'),
];

/// The symbol at a number of a font; `None` if it is unknown. Numbers may be in the private use area (U+F000 to
/// U+F0FF), where Office puts them. Any other font is taken for a Unicode font.
pub(super) fn unicode(font: &str, number: u32) -> Option<char> {
    let code = match number {
        0xF020..=0xF0FF => number - 0xF000,
        number => number,
    };
    let byte = u8::try_from(code).ok();
    match font.trim().to_ascii_lowercase().as_str() {
        "symbol" => symbol(byte?),
        "wingdings" => wingdings(byte?),
        _ if (0xE000..=0xF8FF).contains(&number) => None,
        _ => char::from_u32(number).filter(|character| !character.is_control()),
    }
}

/// Whether this is a letter of the private use area, as Office writes those of symbol fonts.
pub(super) fn is_private(character: char) -> bool {
    ('\u{F020}'..='\u{F0FF}').contains(&character)
}

fn symbol(byte: u8) -> Option<char> {
    let (table, first) = if byte >= 0xA0 { (SYMBOL_UPPER, 0xA0) } else { (SYMBOL, 0x20) };
    let found = table.chars().nth(usize::from(byte.checked_sub(first)?))?;
    (found != ' ' || byte == 0x20).then_some(found)
}

fn wingdings(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x8A => {
            char::from_u32(if byte == 0x80 { 0x24EA } else { 0x2460 + u32::from(byte) - 0x81 })
        }
        0x8B..=0x95 => {
            char::from_u32(if byte == 0x8B { 0x24FF } else { 0x2776 + u32::from(byte) - 0x8C })
        }
        0x20 => Some(' '),
        _ => WINGDINGS.iter().find(|(code, _)| *code == byte).map(|(_, sign)| *sign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_fonts() {
        assert_eq!(SYMBOL.chars().count(), 96);
        assert_eq!(SYMBOL_UPPER.chars().count(), 96);
        for (font, number, expected) in [
            ("Symbol", 0xF0B1, Some('±')),
            ("Symbol", 0xF0B0, Some('°')),
            ("symbol", 0x61, Some('α')),
            ("Symbol", 0xF057, Some('Ω')),
            ("Symbol", 0xF06D, Some('μ')),
            ("Symbol", 0xF0A3, Some('≤')),
            ("Symbol", 0xF0B3, Some('≥')),
            ("Symbol", 0xF0B4, Some('×')),
            ("Symbol", 0xF0E5, Some('∑')),
            ("Symbol", 0xF0F2, Some('∫')),
            ("Symbol", 0xF0AE, Some('→')),
            ("Symbol", 0xF0DE, Some('⇒')),
            ("Symbol", 0xF0FF, None),
            ("Symbol", 0x19, None),
            ("Wingdings", 0xF0FE, Some('☑')),
            ("Wingdings", 0xF0E0, Some('→')),
            ("Wingdings", 0xF08C, Some('❶')),
            ("Wingdings", 0xF081, Some('①')),
            ("Wingdings", 0xF023, None),
            ("MS Gothic", 0x2612, Some('☒')),
            ("Webdings", 0xF061, None),
            ("Arial", 0xFFFF_FFFF, None),
        ] {
            assert_eq!(unicode(font, number), expected, "{font} {number:X}");
        }
    }
}
