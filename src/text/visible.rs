//! Which characters are visible to a reader.

/// Whether a character is visible, or only separates.
pub fn is_visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        c if c.is_control() => false,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Mongolian
        // vowel separator and selectors, zero-width and bidi marks, line and paragraph separators,
        // bidi embeddings, overrides and isolates, invisible operators, BOM, interlinear
        // annotations, controls of shorthand and of musical notation, and the tag characters and
        // unassigned ones beside them that can smuggle text.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => false,
        _ => true,
    }
}

/// Whether a character is neither visible nor a space, and so has no effect for any reader.
pub(super) fn is_nothing(c: char) -> bool {
    !is_visible(c) && !c.is_control() && !c.is_whitespace()
}

/// Whether a character is a joiner or a selector: invisible, but part of letters of Indic scripts and of
/// emoji.
pub fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// A text without its hidden characters, as a person sees it. Control characters become spaces, and every
/// line ending becomes a newline.
pub fn as_seen(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => seen.push('\n'),
            c if joins(c) || is_visible(c) => seen.push(c),
            c if c.is_control() => seen.push(' '),
            _ => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_removed() {
        for (text, seen) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("a\r\nb\rc\u{2028}d\u{85}e", "a\nb\nc\nd\ne"),
            ("a\u{1b}[2Jb\u{0}c", "a [2Jb c"),
            ("ob\u{200b}ey\u{e0041}\u{e0042}\u{202e} me\u{feff}", "obey me"),
            (
                "क\u{94d}\u{200d}ष 👩\u{200d}🚀 ❤\u{fe0f}",
                "क\u{94d}\u{200d}ष 👩\u{200d}🚀 ❤\u{fe0f}",
            ),
        ] {
            assert_eq!(as_seen(text), seen, "{text:?}");
        }
    }
}
