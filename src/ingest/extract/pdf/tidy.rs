//! The text of a page or a title → plain words. Pure.

/// Makes plain words of a page: no ligatures, no hyphens at line ends, no runs of blanks.
pub(super) fn tidy(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut blank_lines = 0;
    for line in page.lines() {
        let line = plain_line(line);
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        if !text.is_empty() {
            if blank_lines == 0 && ends_in_hyphen(&text) && starts_lower(&line) {
                text.pop();
            } else {
                text.push_str(if blank_lines > 0 { "\n\n" } else { "\n" });
            }
        }
        blank_lines = 0;
        text.push_str(&line);
    }
    text
}

/// One line: ligatures taken apart, blanks collapsed, control characters dropped.
pub(super) fn plain_line(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        for character in word.chars() {
            match ligature(character) {
                Some(letters) => plain.push_str(letters),
                None if character.is_control() => {}
                None => plain.push(character),
            }
        }
    }
    plain
}

fn ligature(character: char) -> Option<&'static str> {
    Some(match character {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        _ => return None,
    })
}

/// Whether a text ends in a hyphen directly after a lower-case letter, or in a soft hyphen.
fn ends_in_hyphen(text: &str) -> bool {
    let mut back = text.chars().rev();
    match back.next() {
        Some('\u{AD}') => true,
        Some('-' | '\u{2010}') => back.next().is_some_and(char::is_lowercase),
        _ => false,
    }
}

fn starts_lower(text: &str) -> bool {
    text.starts_with(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_plain_words() {
        for (page, expected) in [
            ("eﬃcient  ofﬁce ﬂow", "efficient office flow"),
            ("reten-\ntion of files", "retention of files"),
            ("A-\nB", "A-\nB"),
            ("well-\n\nspaced", "well-\n\nspaced"),
            ("a \t b\u{0}\r\n\n\n\nc ", "a b\n\nc"),
            ("soft\u{AD}\nhyphen", "softhyphen"),
            ("", ""),
        ] {
            assert_eq!(tidy(page), expected, "{page:?}");
        }
    }
}
