//! The meanings of styles, and the names of fonts.

use super::u16_at;
use crate::ingest::extract::prose::ParagraphRole;

/// Styles: for each, which built-in style it is, and which it is based on.
pub(super) struct DocStyles(Vec<(u16, u16)>);

impl DocStyles {
    pub(super) fn meaning(&self, number: u16) -> ParagraphRole {
        /// A chain of bases longer than this is a cycle.
        const LONGEST: usize = 16;
        let based_on = |(_, base): &(u16, u16)| self.0.get(usize::from(*base)).copied();
        let chain = std::iter::successors(self.0.get(usize::from(number)).copied(), based_on);
        let meaning = |(built_in, _)| match built_in {
            1..=9 => Some(ParagraphRole::Heading(built_in as u8)),
            62 => Some(ParagraphRole::Title),
            // Lists with bullets and numbers, on five levels.
            48 | 49 | 54..=61 => Some(ParagraphRole::Item),
            _ => None,
        };
        chain.take(LONGEST).find_map(meaning).unwrap_or_default()
    }
}

/// Reads the style sheet as far as possible: a header, then each style after its length.
pub(super) fn read(sheet: &[u8]) -> DocStyles {
    let mut styles = Vec::new();
    let mut at = u16_at(sheet, 0).map_or(0, |header| 2 + usize::from(header));
    while let Some(length) = u16_at(sheet, at) {
        let style = u16_at(sheet, at + 2).zip(u16_at(sheet, at + 4)).filter(|_| length >= 4);
        // The upper bits mean something else; 0xFFF is not a style.
        let style = style.map(|(built_in, base)| (built_in & 0xFFF, base >> 4));
        styles.push(style.unwrap_or((0xFFF, 0xFFF)));
        at += 2 + usize::from(length) + usize::from(length % 2);
    }
    DocStyles(styles)
}

/// The names of the fonts, each after 39 bytes about it.
pub(super) fn fonts(table: &[u8]) -> Vec<String> {
    let mut fonts = Vec::new();
    let mut at = 4;
    while let Some(length) = table.get(at) {
        let name = (at + 40..at + 1 + usize::from(*length)).step_by(2);
        let units = name.map_while(|unit| u16_at(table, unit).filter(|unit| *unit != 0));
        fonts.push(String::from_utf16_lossy(&units.collect::<Vec<_>>()));
        at += 1 + usize::from(*length);
    }
    fonts
}
