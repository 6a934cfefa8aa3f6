//! Fonts whose names say that they are bold. For some kinds of fonts the interpreter does not report the
//! weight: for Type 1, and for the standard fonts, which are not embedded. These are loaded a second time.

use hayro_font::FontCache;
use hayro_interpret::InterpreterSettings;
use hayro_interpret::hayro_syntax::object::{Dict, Name};
use hayro_interpret::hayro_syntax::page::Resources;

use super::font_matching::Reloaded;

/// The bold fonts of a page whose weight the interpreter does not report.
pub(super) fn fonts<'a>(
    resources: &Resources<'a>,
    cache: &FontCache<'a>,
    settings: &InterpreterSettings,
) -> Reloaded<'a, ()> {
    let is_one = |font: &Dict<'_>| tells_nothing(font) && is_bold(font);
    Reloaded::of(resources, cache, settings, |font| is_one(font).then_some(()))
}

/// Whether a font is of a kind whose glyphs come without data.
fn tells_nothing(font: &Dict<'_>) -> bool {
    let is_embedded = || {
        let descriptor = font.get::<Dict<'_>>(b"FontDescriptor");
        descriptor.is_some_and(|descriptor| descriptor.contains_key(b"FontFile2"))
    };
    font.get::<Name<'_>>(b"Subtype").is_some_and(|kind| match kind.as_ref() {
        b"Type1" | b"MMType1" => true,
        b"TrueType" => !is_embedded(),
        _ => false,
    })
}

fn is_bold(font: &Dict<'_>) -> bool {
    font.get::<Name<'_>>(b"BaseFont").is_some_and(|name| is_bold_name(name.as_str()))
}

/// Whether a font of this name is bold.
pub(super) fn is_bold_name(name: &str) -> bool {
    const WORDS: [&str; 4] = ["bold", "black", "heavy", "demi"];
    // Fonts of TeX, and those that replace Times and similar fonts there.
    const TEX: [&str; 5] = ["cmbx", "cmssbx", "ecbx", "sfbx", "lmbx"];
    const MEDIUM: [&str; 2] = ["-medi", "-mediital"];
    let name = name.to_ascii_lowercase();
    let bare = name.split_once('+').map_or(&*name, |(_, bare)| bare);
    WORDS.iter().any(|word| bare.contains(word))
        || TEX.iter().any(|start| bare.starts_with(start))
        || MEDIUM.iter().any(|end| bare.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_bold_fonts() {
        for (name, expected) in [
            ("Helvetica-Bold", true),
            ("ABCDEF+CMBX10", true),
            ("NimbusRomNo9L-Medi", true),
            ("Arial,BoldItalic", true),
            ("Futura-Medium", false),
            ("CMB", false),
            ("Times-Roman", false),
        ] {
            assert_eq!(is_bold_name(name), expected, "{name}");
        }
    }
}
