//! A substitute for every font that is not embedded.
//!
//! The shapes of its glyphs do not matter here, but their width does: the interpreter stretches a substitute's
//! glyph to the width that the PDF gives for the original, which makes the matrix useless for measuring. A font
//! whose glyphs have no width is never stretched.

use std::sync::Arc;

use hayro_interpret::font::FontData;

/// The substitute font. Bold fonts get another one, so that their glyphs can be told from others.
pub(super) fn blank_font(bold: bool) -> FontData {
    const UNITS_PER_EM: u16 = 1000;
    let mut style = [0; 34];
    style[25] = u8::from(bold);
    let head = [
        &[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &0x5F0F_3CF5_u32.to_be_bytes(),
        &[0, 0],
        &UNITS_PER_EM.to_be_bytes(),
        &style,
    ]
    .concat();
    let mut hhea = [0; 36];
    // Version 1.0, and one width.
    (hhea[1], hhea[35]) = (1, 1);
    // Version 0.5, and one glyph.
    let maxp = [0, 0, 0x50, 0, 0, 1];
    // In the order of their tags.
    let tables: [(&[u8; 4], &[u8]); 4] =
        [(b"head", &head), (b"hhea", &hhea), (b"hmtx", &[0; 4]), (b"maxp", &maxp)];

    let mut font = vec![0, 1, 0, 0];
    font.extend((tables.len() as u16).to_be_bytes());
    // Fields that help to search the directory; nothing reads them.
    font.extend([0; 6]);
    let mut offset = font.len() + 16 * tables.len();
    for (tag, table) in &tables {
        font.extend(*tag);
        font.extend([0; 4]);
        font.extend((offset as u32).to_be_bytes());
        font.extend((table.len() as u32).to_be_bytes());
        offset += table.len().next_multiple_of(4);
    }
    for (_, table) in &tables {
        font.extend(*table);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    Arc::new(font)
}

/// Whether these bytes are one of the substitutes.
pub(super) fn is_blank(font: &[u8]) -> bool {
    [false, true].into_iter().any(|bold| (*blank_font(bold)).as_ref() == font)
}
