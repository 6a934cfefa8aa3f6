//! Makes untrusted text safe for a terminal. Document text and model output pass through here
//! before they are shown; JSON stays exact.

use unicode_width::UnicodeWidthChar;

use crate::text::is_visible;

/// Most combining marks on one character: more than any script needs, but too few to paint over the
/// lines around it or to hide a text in.
const MAX_MARKS: usize = 8;

/// `text` without anything that moves the cursor, recolours, writes the clipboard, forges a link,
/// reorders or hides: control characters (C0 except newline and tab, DEL, C1), whole escape sequences
/// (CSI, OSC, DCS and the like), bidi controls, zero-width and tag characters, and marks beyond
/// [`MAX_MARKS`] on a character. Carriage returns, form feeds and separators between words become
/// blanks.
pub fn sanitize(text: &str) -> String {
    let mut sanitizer = Sanitizer::default();
    sanitizer.push(text)
}

/// The same for text that arrives in pieces: an escape sequence may be split anywhere.
#[derive(Default, Debug)]
pub struct Sanitizer {
    state: State,
    /// Number of marks since the last character that has a width.
    marks: usize,
    /// Whether a carriage return came last: it is part of a line end, or separates two words.
    returned: bool,
    /// Whether the last of these marks selects a variant of the character.
    varied: bool,
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
    /// ESC within a command, which `ESC \` ends.
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
        if std::mem::take(&mut self.returned) && c != '\n' && self.may_stack(' ') {
            clean.push(' ');
        }
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
            (_, '\r') => {
                self.returned = true;
                State::Text
            }
            (_, c) => {
                let c = if parts_words(c) { ' ' } else { c };
                if is_visible(c) && self.may_stack(c) {
                    clean.push(c);
                }
                State::Text
            }
        };
    }

    /// Whether a mark may be added to the character before it. A variant is selected only once: runs of
    /// selectors are invisible and can carry a text.
    fn may_stack(&mut self, c: char) -> bool {
        if c == '\n' || c == '\t' || c.width() != Some(0) {
            (self.marks, self.varied) = (0, false);
            return true;
        }
        let selector = matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
        if self.marks == MAX_MARKS || (selector && self.varied) {
            return false;
        }
        self.marks += 1;
        self.varied |= selector;
        true
    }
}

/// Whether a control character separates words, which would be joined without it.
fn parts_words(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The same JSON without anything that a terminal would obey: invisible characters can only be in
/// strings, and are escaped there.
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

/// Sanitizes to one line: newlines and tabs become spaces, and keys in URLs are masked. For names,
/// headings and messages.
pub fn sanitize_line(text: &str) -> String {
    mask_keys(&sanitize(text).replace(['\n', '\t'], " "))
}

/// Parts of the names of parameters that are keys: `api_key`, `access_token`, `X-Amz-Signature`, `sig`.
const SECRET: &[&str] =
    &["key", "token", "secret", "sig", "passw", "pwd", "auth", "credential", "session"];

/// Masks keys in the URLs of a text: users and passwords are removed, and the values of parameters
/// whose names say that they are keys.
pub fn mask_keys(text: &str) -> String {
    const SCHEME_END: &str = "://";
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SCHEME_END) {
        let (before, url) = rest.split_at(at + SCHEME_END.len());
        masked += before;
        let end = url.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        masked += &without_keys(url);
        rest = after;
    }
    masked + rest
}

/// A URL after its scheme, without keys.
fn without_keys(url: &str) -> String {
    const SEPARATORS: [char; 4] = ['?', '#', '&', ';'];
    let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
    let host = url[..authority].rfind('@').map_or(0, |at| at + 1);
    let mut shown = String::with_capacity(url.len());
    for (i, part) in url[host..].split_inclusive(SEPARATORS).enumerate() {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let lower = name.to_lowercase();
        if i == 0 || value.is_empty() || !SECRET.iter().any(|secret| lower.contains(secret)) {
            shown += part;
            continue;
        }
        shown += &format!("{name}=***");
        shown.extend(value.chars().next_back().filter(|last| SEPARATORS.contains(last)));
    }
    shown
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
            ("back\u{8}space\rreturn\u{7}", "backspace return"),
            ("one\r\ntwo\r", "one\ntwo"),
            ("a\u{c}b\u{b}c\u{85}d\u{2028}e\u{2029}f", "a b c d e f"),
            ("unfinished \u{1b}]0;title\nnext line", "unfinished \nnext line"),
            ("unfinished \u{1b}[31\nnext line", "unfinished \nnext line"),
            ("\u{1b}cfull reset", "full reset"),
            ("\u{1b}(0line drawing", "line drawing"),
            ("grüße 漢字 👍🏽", "grüße 漢字 👍🏽"),
            (
                "na\u{308}ive ❤\u{fe0f} 1\u{fe0f}\u{20e3} हिन्दी ไม่",
                "na\u{308}ive ❤\u{fe0f} 1\u{fe0f}\u{20e3} हिन्दी ไม่",
            ),
            ("a\u{fe00}\u{fe01}\u{e0101}b\u{fe00}", "a\u{fe00}b\u{fe00}"),
            ("🏴\u{e0067}\u{e0062}\u{e007f}", "🏴"),
        ] {
            assert_eq!(sanitize(given), expected, "{given:?}");
        }
    }

    #[test]
    fn urls_are_shown_without_keys() {
        for (text, shown) in [
            ("no URL, a=b key=c", "no URL, a=b key=c"),
            ("https://me:s3cret@host/a: HTTP 401", "https://host/a: HTTP 401"),
            ("see `http://me:s@cr@host:1`!", "see `http://host:1`!"),
            ("http://h/?id=3&api_key=k1&x=y#z", "http://h/?id=3&api_key=***&x=y#z"),
            (
                "http://h?X-Amz-Signature=abc http://h/?Token=t;a=b",
                "http://h?X-Amz-Signature=*** http://h/?Token=***;a=b",
            ),
            ("http://h/cb#access_token=t", "http://h/cb#access_token=***"),
            ("http://h/key=v/a@b?page=2", "http://h/key=v/a@b?page=2"),
            ("http://", "http://"),
            ("a://b@", "a://"),
        ] {
            assert_eq!(mask_keys(text), shown);
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        let marks = "\u{301}".repeat(50);
        assert_eq!(sanitize(&format!("a{marks}b\u{200b}{marks}")).chars().count(), 18);
        assert_eq!(sanitize(&format!("a{marks}\n{marks}")).chars().count(), 18);
    }

    /// Longest run of characters without a width of their own.
    fn longest_stack(text: &str) -> usize {
        let (mut run, mut longest) = (0, 0);
        for c in text.chars() {
            run = if c.width() == Some(0) { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    }

    /// The direction controls of the standard, listed independently of [`is_visible`].
    fn reorders(c: char) -> bool {
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
            .contains(c)
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        let clean = sanitize(text);
        prop_assert!(clean.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        prop_assert!(clean.bytes().all(|byte| byte >= 0x20 || byte == b'\n' || byte == b'\t'));
        prop_assert!(!clean.chars().any(reorders));
        prop_assert!(longest_stack(&clean) <= MAX_MARKS);
        prop_assert_eq!(sanitize(&clean), clean);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

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
            check(&text)?;
        }

        #[test]
        fn nothing_dangerous_survives_in_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            check(&String::from_utf8_lossy(&bytes))?;
            let latin: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            check(&latin)?;
        }

        #[test]
        fn nothing_dangerous_survives_where_much_is_dangerous(
            text in "([\u{1b}\u{9b}\u{9d}\u{90}\u{7}\u{9c}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{300}\u{301}\u{fe0f}\u{e0100}\u{e0041}\u{feff}\u{61c}]|[]\\[;mPX^_a0\\\\\n\t]){0,60}"
        ) {
            check(&text)?;
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
