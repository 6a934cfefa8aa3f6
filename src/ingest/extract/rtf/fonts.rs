//! Fonts of an RTF: the letters that their bytes stand for.

use std::collections::HashMap;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, IBM866, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250,
    WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256,
    WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

use crate::ingest::extract::symbols;

#[derive(Default, Debug)]
pub(super) struct Font {
    pub(super) name: String,
    /// `None` for that of the document.
    pub(super) encoding: Option<&'static Encoding>,
    /// Whether its bytes are symbols of its own.
    pub(super) is_symbol: bool,
}

/// The fonts of a document, by number.
#[derive(Debug)]
pub(super) struct Fonts {
    pub(super) fonts: HashMap<i32, Font>,
    pub(super) encoding: &'static Encoding,
}

impl Default for Fonts {
    fn default() -> Self {
        Self { fonts: HashMap::new(), encoding: WINDOWS_1252 }
    }
}

impl Fonts {
    /// Decodes bytes in the code page of a font.
    pub(super) fn decode(&self, font: i32, bytes: &[u8]) -> String {
        let font = self.fonts.get(&font);
        if let Some(font) = font.filter(|font| font.is_symbol) {
            let signs =
                bytes.iter().filter_map(|byte| symbols::unicode(&font.name, (*byte).into()));
            return signs.collect();
        }
        let encoding = font.and_then(|font| font.encoding).unwrap_or(self.encoding);
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// A letter that is given by its Unicode number; symbols of fonts are in the private use area.
    pub(super) fn unicode(&self, font: i32, character: char) -> Option<char> {
        if !symbols::is_private(character) {
            return Some(character);
        }
        let name = self.fonts.get(&font).map_or("", |font| &font.name);
        symbols::unicode(name, character as u32)
    }
}

/// The encoding of a Windows code page number.
pub(in crate::ingest::extract) fn code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        866 => IBM866,
        874 => WINDOWS_874,
        932 => SHIFT_JIS,
        936 => GBK,
        949 => EUC_KR,
        950 => BIG5,
        1250 => WINDOWS_1250,
        1251 => WINDOWS_1251,
        // 437 and 850 have the same letters up to 127.
        437 | 850 | 1252 => WINDOWS_1252,
        1253 => WINDOWS_1253,
        1254 => WINDOWS_1254,
        1255 => WINDOWS_1255,
        1256 => WINDOWS_1256,
        1257 => WINDOWS_1257,
        1258 => WINDOWS_1258,
        10_000 => MACINTOSH,
        10_007 => X_MAC_CYRILLIC,
        65_001 => UTF_8,
        _ => return None,
    })
}

/// The encoding of a font's character set number; 0 and 1 mean that of the document.
pub(super) fn character_set(number: i32) -> Option<&'static Encoding> {
    code_page(match number {
        77 => 10_000,
        128 => 932,
        129 | 130 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}
