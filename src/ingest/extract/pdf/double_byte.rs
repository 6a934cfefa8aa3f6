//! Chinese, Japanese and Korean text in fonts that are not embedded and of a kind that only has single bytes:
//! each letter is two glyphs, its bytes in the code page of the system that made the file. The code page
//! follows from the font's name, which is written in it too.
//!
//! As in `heavy`, such fonts are loaded a second time to recognize their glyphs.

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS};
use hayro_font::FontCache;
use hayro_interpret::InterpreterSettings;
use hayro_interpret::hayro_syntax::object::{Dict, Name};
use hayro_interpret::hayro_syntax::page::Resources;

use super::font_matching::Reloaded;
use super::glyph::{Glyph, Letters};

/// Code pages, and parts of the names of fonts that come with their systems.
const CODE_PAGES: [(&Encoding, &[&str]); 4] = [
    (GBK, &["宋", "黑体", "楷体", "仿宋", "隶书", "幼圆"]),
    (SHIFT_JIS, &["明朝", "ゴシック"]),
    (BIG5, &["明體", "標楷", "黑體"]),
    (EUC_KR, &["굴림", "바탕", "돋움", "궁서"]),
];

/// Such fonts of a page, with their code pages.
pub(super) fn fonts<'a>(
    resources: &Resources<'a>,
    cache: &FontCache<'a>,
    settings: &InterpreterSettings,
) -> Reloaded<'a, &'static Encoding> {
    Reloaded::of(resources, cache, settings, |font| {
        let code_page = font.get::<Name<'_>>(b"BaseFont").and_then(|name| code_page(&name));
        code_page.filter(|_| is_simple(font))
    })
}

/// The letter of two bytes, if the first can only start a letter.
fn letter(code_page: &'static Encoding, first: u32, second: u32) -> Option<char> {
    let bytes = [u8::try_from(first).ok()?, u8::try_from(second).ok()?];
    if bytes[0] < 0x80 {
        return None;
    }
    let text = code_page.decode_without_bom_handling_and_without_replacement(&bytes)?;
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// Joins glyphs from `start` on that are the bytes of one letter; `codes` are their codes.
pub(super) fn join(
    glyphs: &mut Vec<Glyph>,
    start: usize,
    codes: impl Iterator<Item = u32>,
    code_page: &'static Encoding,
) {
    let bytes = glyphs.split_off(start.min(glyphs.len()));
    let mut bytes = bytes.into_iter().zip(codes).peekable();
    while let Some((mut glyph, code)) = bytes.next() {
        let letter = bytes.peek().and_then(|(_, next)| letter(code_page, code, *next));
        if let (Some(letter), Some((second, _))) = (letter, bytes.next_if(|_| letter.is_some())) {
            glyph.letters = Letters::One(letter);
            glyph.advance += second.advance;
        }
        glyphs.push(glyph);
    }
}

fn is_simple(font: &Dict<'_>) -> bool {
    let has_bytes = || {
        let descriptor = font.get::<Dict<'_>>(b"FontDescriptor");
        let programs: [&[u8]; 3] = [b"FontFile", b"FontFile2", b"FontFile3"];
        descriptor.is_some_and(|it| programs.iter().any(|program| it.contains_key(*program)))
    };
    font.get::<Name<'_>>(b"Subtype").is_some_and(|kind| kind.as_ref() != b"Type0") && !has_bytes()
}

fn code_page(name: &[u8]) -> Option<&'static Encoding> {
    let (code_page, _) = CODE_PAGES.iter().find(|(code_page, names)| {
        let name = code_page.decode_without_bom_handling_and_without_replacement(name);
        name.is_some_and(|name| names.iter().any(|known| name.contains(known)))
    })?;
    Some(code_page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_font_tells_its_code_page() {
        for (name, expected) in [
            (&b"\xCB\xCE\xCC\xE5"[..], Some(GBK)),
            (b"\xB7\xC2\xCB\xCE_GB2312", Some(GBK)),
            (b"\x82\x6C\x82\x72 \x96\xBE\x92\xA9", Some(SHIFT_JIS)),
            (b"\xB7\x73\xB2\xD3\xA9\xFA\xC5\xE9", Some(BIG5)),
            (b"\xB1\xBC\xB8\xB2", Some(EUC_KR)),
            (b"Times-Roman", None),
            (b"Caf\xE9 Sans", None),
        ] {
            assert_eq!(code_page(name), expected, "{name:x?}");
        }
        assert_eq!(letter(GBK, 0xCB, 0xCE), Some('宋'));
        assert_eq!((letter(GBK, 0x41, 0x42), letter(GBK, 0xCB, 0x20)), (None, None));
    }
}
