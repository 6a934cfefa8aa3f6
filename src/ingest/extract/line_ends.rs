//! Line ends as editors count them: LF, CR LF, or CR alone. Other control characters that separate words or
//! lines become blanks, or line ends in a file that has no others.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};

/// Next line, line separator, paragraph separator: other characters share their first bytes.
const SEPARATORS: [&str; 3] = ["\u{85}", "\u{2028}", "\u{2029}"];

/// Makes each line of a text end in LF, or in CR LF, and in nothing else. Words separated by a form feed, a
/// vertical tab or a separator are then separated by a blank.
pub(super) fn in_lf(text: String) -> String {
    match plain(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text,
    }
}

fn plain(text: &str) -> Cow<'_, str> {
    let Some(first) = first_odd(text) else { return Cow::Borrowed(text) };
    let has_lines = memchr(b'\n', text.as_bytes()).or(memchr(b'\r', text.as_bytes())).is_some();
    let separator = if has_lines { ' ' } else { '\n' };
    let mut lines = String::with_capacity(text.len());
    lines.push_str(&text[..first]);
    let mut rest = text[first..].chars().peekable();
    while let Some(c) = rest.next() {
        lines.push(match c {
            '\r' if rest.peek() != Some(&'\n') => '\n',
            '\u{B}' | '\u{C}' => ' ',
            '\u{85}' | '\u{2028}' | '\u{2029}' => separator,
            c => c,
        });
    }
    Cow::Owned(lines)
}

/// Where the first character is that has to be changed. Almost no text has one.
fn first_odd(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let control = loop {
        let Some(next) = memchr3(b'\r', 0xB, 0xC, &bytes[at..]) else { break None };
        if bytes[at + next] != b'\r' || bytes.get(at + next + 1) != Some(&b'\n') {
            break Some(at + next);
        }
        at += next + 2;
    };
    if text.is_ascii() {
        return control;
    }
    let separators = SEPARATORS.iter().filter_map(|end| memmem::find(bytes, end.as_bytes()));
    separators.chain(control).min()
}

/// How many lines end in a text as it is in the file.
pub(super) fn count(text: &str) -> usize {
    plain(text).matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_editors_end_them() {
        for (text, expected) in [
            ("a\nb\r\nc\n", "a\nb\r\nc\n"),
            ("a\rb\rc", "a\nb\nc"),
            ("a\rb\r\nc\r", "a\nb\r\nc\n"),
            ("a\r\r\nb", "a\n\r\nb"),
            ("page one\u{C}page two\u{B}end\n", "page one page two end\n"),
            ("one\u{85}two\u{2028}three\u{2029}", "one\ntwo\nthree\n"),
            ("one\u{2028}two\nthree", "one two\nthree"),
            ("Größe “x” – …\r\n", "Größe “x” – …\r\n"),
            ("", ""),
        ] {
            assert_eq!(in_lf(text.to_owned()), expected, "{text:?}");
            assert_eq!(count(text), expected.matches('\n').count());
        }
        assert!(matches!(plain("Größe “x” – …\r\n"), Cow::Borrowed(_)));
    }
}
