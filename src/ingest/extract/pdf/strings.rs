//! Text strings of dictionaries: titles, field values, replaced text.

/// Decodes a text string: UTF-16 or UTF-8 where it starts with their mark, else `PDFDocEncoding`.
pub(super) fn text_string(bytes: &[u8]) -> String {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| pdf_doc(*byte)).collect(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    let text = String::from_utf16_lossy(&units);
    // A language may be named between escapes.
    let mut outside = true;
    text.chars()
        .filter(|letter| {
            let escape = *letter == '\u{1B}';
            outside ^= escape;
            outside && !escape
        })
        .collect()
}

/// `PDFDocEncoding` (annex D.2 of ISO 32000-1): Latin-1 except for two ranges.
fn pdf_doc(byte: u8) -> char {
    const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚',
        '™', 'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{FFFD}', '€',
    ];
    match byte {
        0x18..=0x1F => LOW[usize::from(byte) - 0x18],
        0x80..=0xA0 => HIGH[usize::from(byte) - 0x80],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_all_encodings() {
        for (bytes, expected) in [
            (&b"plain"[..], "plain"),
            (b"\x84 \xA0 \xE9", "— € é"),
            (b"\xFE\xFF\0A\x20\xAC", "A€"),
            (b"\xFF\xFEA\0", "A"),
            (b"\xFE\xFF\0\x1B\0d\0e\0\x1B\0A", "A"),
            (b"\xEF\xBB\xBF\xC3\xA9", "é"),
            (b"", ""),
        ] {
            assert_eq!(text_string(bytes), expected, "{bytes:?}");
        }
    }
}
