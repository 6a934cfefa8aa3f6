//! Makes untrusted text safe for a terminal. Document text and model output pass through here
//! before they are shown; JSON stays exact.

/// `text` without anything that moves the cursor, recolours, writes the clipboard, forges a link,
/// reorders or hides: control characters (C0 but newline and tab, DEL, C1), escape sequences as a
/// whole (CSI, OSC, DCS and the like), bidi controls, zero-width and tag characters.
pub fn sanitize(text: &str) -> String {
    let mut sanitizer = Sanitizer::default();
    sanitizer.push(text)
}

/// The same for text that arrives in pieces: an escape sequence may be split anywhere.
#[derive(Default, Debug)]
pub struct Sanitizer {
    state: State,
}

#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After `ESC [` (or U+009B): parameters, up to a final byte 0x40..=0x7E.
    Csi,
    /// After `ESC ]`, `ESC P`, `ESC X`, `ESC ^`, `ESC _` (or their C1 forms): up to BEL, ST or, so
    /// that a stray introducer cannot swallow the rest of an answer, the end of the line.
    Command,
    /// ESC within a command: `ESC \` ends it.
    CommandEscape,
}

impl Sanitizer {
    pub fn push(&mut self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        for c in text.chars() {
            self.step(c, &mut clean);
        }
        clean
    }

    fn step(&mut self, c: char, clean: &mut String) {
        self.state = match (self.state, c) {
            (State::Command, '\u{7}' | '\u{9c}') | (State::CommandEscape, '\\') => State::Text,
            (State::Command | State::CommandEscape | State::Csi | State::Escape, '\n') => {
                clean.push('\n');
                State::Text
            }
            (State::Command, '\u{1b}') => State::CommandEscape,
            (State::Command | State::CommandEscape, _) => State::Command,
            (State::Csi, '\u{40}'..='\u{7e}') => State::Text,
            (State::Csi, '\u{20}'..='\u{3f}') => State::Csi,
            (State::Escape, '[') | (_, '\u{9b}') => State::Csi,
            (State::Escape, ']' | 'P' | 'X' | '^' | '_')
            | (_, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => State::Command,
            (State::Escape, '\u{20}'..='\u{2f}') | (_, '\u{1b}') => State::Escape,
            (State::Escape, '\u{30}'..='\u{7e}') => State::Text,
            (_, c) => {
                if is_visible(c) {
                    clean.push(c);
                }
                State::Text
            }
        };
    }
}

/// Characters that show, or only separate.
fn is_visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        c if c.is_control() => false,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Mongolian
        // vowel separator, zero-width and bidi marks, line and paragraph separators, bidi
        // embeddings, overrides and isolates, invisible operators, BOM, interlinear annotations,
        // and the tag characters that can smuggle text.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => false,
        _ => true,
    }
}

/// JSON that says the same, and has nothing in it that a terminal would obey: what is not visible
/// can only be in strings, and is escaped there.
pub fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_visible(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped += &format!("\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// One line: newlines and tabs become spaces too. For names, headings and messages.
pub fn sanitize_line(text: &str) -> String {
    sanitize(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn removes_what_a_terminal_would_obey() {
        for (given, expected) in [
            ("plain text\n\tindented", "plain text\n\tindented"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]52;c;aGk=\u{7}clipboard", "clipboard"),
            ("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}2Jcleared", "cleared"),
            ("a\u{202e}cba", "acba"),
            ("pass\u{200b}word", "password"),
            ("back\u{8}space\rreturn\u{7}", "backspacereturn"),
            ("unfinished \u{1b}]0;title\nnext line", "unfinished \nnext line"),
            ("unfinished \u{1b}[31\nnext line", "unfinished \nnext line"),
            ("\u{1b}cfull reset", "full reset"),
            ("\u{1b}(0line drawing", "line drawing"),
            ("grüße 漢字 👍🏽", "grüße 漢字 👍🏽"),
        ] {
            assert_eq!(sanitize(given), expected, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn escaped_json_says_the_same_and_is_visible(text in any::<String>()) {
            let value = serde_json::json!({ "text": text, "list": [text] });
            for json in [value.to_string(), format!("{value:#}")] {
                let escaped = escape_json(&json);
                prop_assert!(escaped.chars().all(is_visible));
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).ok(), Some(value.clone()));
            }
        }

        #[test]
        fn nothing_dangerous_survives(text in any::<String>()) {
            let clean = sanitize(&text);
            prop_assert!(clean.chars().all(is_visible));
            prop_assert_eq!(sanitize(&clean), clean);
        }

        #[test]
        fn the_split_does_not_matter(text in "([a-z]|\u{1b}|\\[|\\]|;|\u{7}|\\\\|\n|\u{9b}|1|m){0,40}", at in 0usize..40) {
            let at = text.char_indices().map(|(i, _)| i).nth(at).unwrap_or(text.len());
            let mut sanitizer = Sanitizer::default();
            let pieces = sanitizer.push(&text[..at]) + &sanitizer.push(&text[at..]);
            prop_assert_eq!(pieces, sanitize(&text));
        }
    }
}
