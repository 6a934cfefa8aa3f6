//! Letters of Chinese, Japanese and Korean fonts that are embedded and have no `ToUnicode`.
//!
//! The interpreter looks up the letters of a character collection only if the font is not embedded. Glyphs name
//! their font, so the lookup is done here: code → CID by the font's encoding, CID → letters by the table of the
//! collection.
//!
//! Some producers name a collection of their own, `UCS`, whose numbers are those of Unicode.

use std::collections::HashMap;

use encoding_rs::WINDOWS_1252;
use hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};
use hayro_interpret::hayro_syntax::page::Resources;

use super::resources::each_font;

/// The fonts of a page that need this lookup, by name without the prefix of a subset.
#[derive(Default)]
pub(super) struct CjkFonts(HashMap<String, Vec<Collection>>);

struct Collection {
    encoding: CMap,
    /// `None` if the numbers are those of Unicode.
    letters: Option<CMap>,
}

impl CjkFonts {
    pub(super) fn of(resources: &Resources<'_>) -> Self {
        let mut fonts = Self::default();
        each_font(resources, &mut |font| {
            // A font that cannot be read has no letters.
            let _ = fonts.add(font);
        });
        fonts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn letters(&self, font: &str, code: u32) -> Option<BfString> {
        self.0.get(font)?.iter().find_map(|collection| {
            let lookup = |length| collection.encoding.lookup_cid_code(code, length);
            let cid = (1..=4).find_map(lookup)?;
            match &collection.letters {
                Some(letters) => letters.lookup_bf_string(cid),
                None => letter(cid).map(BfString::Char),
            }
        })
    }

    fn add(&mut self, font: &Dict<'_>) -> Option<()> {
        if font.get::<Name<'_>>(b"Subtype")?.as_ref() != b"Type0" {
            return None;
        }
        let is_unicode = is_unicode(&family(font)?);
        if font.contains_key(b"ToUnicode") && !is_unicode {
            return None;
        }
        let name = font.get::<Name<'_>>(b"BaseFont")?;
        let name = without_subset(name.as_str()).to_owned();
        let encoding = match font.get::<Object<'_>>(b"Encoding")? {
            Object::Name(name) => predefined(CMapName::from_bytes(name.as_ref()))?,
            Object::Stream(stream) => CMap::parse(&stream.decoded_data().ok()?, load_embedded)?,
            _ => return None,
        };
        if is_unicode {
            self.0.entry(name).or_default().push(Collection { encoding, letters: None });
            return Some(());
        }
        let by_encoding = encoding.metadata().character_collection.as_ref();
        let by_encoding = by_encoding.and_then(|collection| collection.family.ucs2_cmap());
        let table = by_encoding.or_else(|| family(font)?.ucs2_cmap())?;
        let letters = Some(predefined(table)?);
        self.0.entry(name).or_default().push(Collection { encoding, letters });
        Some(())
    }
}

fn predefined(name: CMapName<'_>) -> Option<CMap> {
    match name {
        CMapName::IdentityH => Some(CMap::identity_h()),
        CMapName::IdentityV => Some(CMap::identity_v()),
        name => CMap::parse(load_embedded(name)?, load_embedded),
    }
}

/// The collection that the font declares for its CIDs.
fn family(font: &Dict<'_>) -> Option<CidFamily> {
    let descendants = font.get::<Array<'_>>(b"DescendantFonts")?;
    let info = descendants.iter::<Dict<'_>>().next()?.get::<Dict<'_>>(b"CIDSystemInfo")?;
    let registry = info.get::<PdfString<'_>>(b"Registry")?;
    let ordering = info.get::<PdfString<'_>>(b"Ordering")?;
    Some(CidFamily::from_registry_ordering(&registry, &ordering))
}

fn is_unicode(family: &CidFamily) -> bool {
    matches!(family, CidFamily::Custom { ordering, .. } if ordering.as_slice() == b"UCS" || ordering.as_slice() == b"UCS2")
}

/// The letter of a Unicode number. Producers that write one byte per letter mean Windows-1252 by numbers
/// without a letter in Unicode.
fn letter(number: u32) -> Option<char> {
    let windows = u8::try_from(number).ok().filter(|byte| (0x80..0xA0).contains(byte));
    let letter = match windows {
        Some(byte) => WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next(),
        None => char::from_u32(number),
    };
    letter.filter(|letter| !letter.is_control())
}

/// `ABCDEF+Name` is a subset of the font `Name`.
fn without_subset(name: &str) -> &str {
    match name.split_once('+') {
        Some((prefix, rest)) if prefix.len() == 6 => rest,
        _ => name,
    }
}
