//! The text that the file gives for glyphs (`ActualText`), and whether to believe it.

use super::glyph::Letters;

/// Glyphs with fewer letters of their own are signs, parts of letters, hyphens, which any text may replace.
const LETTERS: usize = 4;

/// A text with this many times fewer letters than its glyphs leaves out what is seen.
const LESS: usize = 3;

/// Marked content with a text that replaces its glyphs.
pub(super) struct Replacement {
    text: String,
    /// The glyphs by index, with their own letters; the first carries the text.
    glyphs: Vec<(usize, Letters)>,
    /// Whether the letters of the glyphs are known to be useless.
    is_certain: bool,
}

impl Replacement {
    pub(super) fn new(text: String) -> Self {
        Self { text, glyphs: Vec::new(), is_certain: false }
    }

    pub(super) fn certain(text: String) -> Self {
        Self { is_certain: true, ..Self::new(text) }
    }

    /// The letters of the next glyph.
    pub(super) fn take(&mut self, index: usize, own: Letters) -> Letters {
        self.glyphs.push((index, own));
        if self.glyphs.len() > 1 { Letters::Nothing } else { Letters::new(&self.text) }
    }

    /// The glyphs with their own letters, if the text is much shorter than what these say.
    pub(super) fn disbelieved(self) -> Vec<(usize, Letters)> {
        let mut own = String::new();
        self.glyphs.iter().for_each(|(_, letters)| letters.push_to(&mut own));
        let count = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).count();
        // In another script, one sign may be a word.
        let is_less = !self.is_certain
            && own.is_ascii() == self.text.is_ascii()
            && count(&own) >= LETTERS
            && count(&self.text) * LESS < count(&own);
        if is_less { self.glyphs } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_hides_what_is_seen_is_not_believed() {
        for (own, text, expected) in [
            ("Backups are kept", "x", true),
            ("Backups are kept", "", true),
            ("Backups are kept", "Backups are kept for 400 days", false),
            ("ab", "", false),
            ("....", "", false),
            ("dksbZ gS", "\u{915}\u{94B}", false),
            ("o\u{308}ffne", "\u{F6}ffne", false),
        ] {
            let mut replacement = Replacement::new(text.to_owned());
            for (index, letter) in own.chars().enumerate() {
                let said = replacement.take(index, Letters::One(letter));
                assert!(index > 0 || said == Letters::new(text));
            }
            assert_eq!(!replacement.disbelieved().is_empty(), expected, "{own} {text}");
        }
    }
}
