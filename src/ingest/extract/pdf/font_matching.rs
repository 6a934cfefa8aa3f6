//! Fonts of a page that are loaded a second time: the interpreter's glyphs do not name their font, but they can
//! be compared with those of a known font.

use hayro_font::{Font, FontCache, FontGlyph, OutlineGlyph};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::hayro_syntax::object::Dict;
use hayro_interpret::hayro_syntax::page::Resources;

use super::resources::each_font;

/// Most fonts of one kind; no page has as many.
const MAX: usize = 24;

/// Fonts of a page, each with what is known about it.
pub(super) struct Reloaded<'a, T>(Vec<(Font<'a>, T)>);

impl<'a, T> Reloaded<'a, T> {
    /// Loads the fonts that `known` returns something for.
    pub(super) fn of(
        resources: &Resources<'a>,
        cache: &FontCache<'a>,
        settings: &InterpreterSettings,
        known: impl Fn(&Dict<'a>) -> Option<T>,
    ) -> Self {
        let mut fonts = Vec::new();
        each_font(resources, &mut |font| {
            if fonts.len() < MAX
                && let Some(known) = known(font)
            {
                let font = cache.font(font, &settings.font_resolver, &settings.cmap_resolver);
                fonts.extend(font.map(|font| (font, known)));
            }
        });
        Self(fonts)
    }

    /// What is known about the font of a glyph, if it is one of these.
    pub(super) fn known(&self, glyph: &OutlineGlyph) -> Option<&T> {
        let is_same = |font: &Font<'a>| match font.glyph(glyph.glyph_id(), glyph.char_code()) {
            FontGlyph::Outline(own) => own.identifier() == glyph.identifier(),
            FontGlyph::Type3(_) => false,
        };
        self.0.iter().find(|(font, _)| is_same(font)).map(|(_, known)| known)
    }
}
