//! Mailboxes: a sequence of messages, each after a line `From SENDER DATE`.

use std::borrow::Cow;
use std::path::Path;

const FROM: &[u8] = b"From ";

/// Whether a file is a mailbox, by its name or its first line.
pub(super) fn is_mailbox(source: &str, bytes: &[u8]) -> bool {
    let path = Path::new(source);
    let named = path.extension().or(path.file_name()).unwrap_or_default();
    named.eq_ignore_ascii_case("mbox")
        || bytes.split_inclusive(|byte| *byte == b'\n').next().is_some_and(is_separator)
}

/// A single message, without the separator line of a mailbox before it.
pub(super) fn without_separator(message: &[u8]) -> &[u8] {
    let first = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_header = first.contains(&b':');
    if message.starts_with(FROM) && !is_header { after_line(message) } else { message }
}

/// The messages, without their separator lines.
pub(super) fn messages(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut rest = bytes;
    // Text before the first separator is not a message.
    let first = next_separator(rest, true);
    rest = first.map_or(&[], |at| &rest[at..]);
    std::iter::from_fn(move || {
        let body = after_line(rest);
        if rest.is_empty() {
            return None;
        }
        let end = next_separator(body, false).unwrap_or(body.len());
        let message;
        (message, rest) = body.split_at(end);
        Some(unquoted(message))
    })
}

/// Where the next message starts: at a separator after a blank line. `here`: also at the start.
fn next_separator(bytes: &[u8], here: bool) -> Option<usize> {
    let (mut at, mut blank) = (0, here);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if blank && is_separator(line) {
            return Some(at);
        }
        blank = line.trim_ascii().is_empty();
        at += line.len();
    }
    None
}

/// Whether a line is a separator. A line of a letter can start with "From" too, but has no time of day.
fn is_separator(line: &[u8]) -> bool {
    let is_time = |word: &[u8]| {
        matches!(word, [a, .., b] if a.is_ascii_digit() && b.is_ascii_digit())
            && word.contains(&b':')
    };
    line.starts_with(FROM) && line.split(u8::is_ascii_whitespace).any(is_time)
}

fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    &bytes[end..]
}

/// Restores lines of a letter that start with "From", which were written as `>From`.
fn unquoted(message: &[u8]) -> Cow<'_, [u8]> {
    let is_quoted = |line: &[u8]| {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        marks > 0 && line[marks..].starts_with(FROM)
    };
    let lines = || message.split_inclusive(|byte| *byte == b'\n');
    if !lines().any(is_quoted) {
        return Cow::Borrowed(message);
    }
    let lines = lines().map(|line| if is_quoted(line) { &line[1..] } else { line });
    Cow::Owned(lines.collect::<Vec<_>>().concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(mailbox: &str) -> Vec<String> {
        messages(mailbox.as_bytes()).map(|m| String::from_utf8_lossy(&m).into_owned()).collect()
    }

    #[test]
    fn messages_begin_after_blank_lines() {
        let mailbox = "From a@b Mon Jan  1 10:00:00 2024\nSubject: one\n\nFrom here on.\n>From there.\n>>From it.\n\nFrom c at d Tue Jan  2 10:00:00 2024\r\nSubject: two\r\n\r\nbody\r\n";
        assert_eq!(
            split(mailbox),
            [
                "Subject: one\n\nFrom here on.\nFrom there.\n>From it.\n\n",
                "Subject: two\r\n\r\nbody\r\n"
            ]
        );
        assert!(split("Subject: no mailbox\n\nbody\n").is_empty());
        assert!(split("").is_empty());
        assert_eq!(split("From a 1:00").len(), 1);
    }

    #[test]
    fn a_mailbox_is_known_by_name_or_beginning() {
        assert!(is_mailbox("list.mbox", b"") && is_mailbox("mail/mbox", b""));
        assert!(is_mailbox("x.eml", b"From a@b Mon Jan 1 10:00:00 2024\nTo: b"));
        assert!(!is_mailbox("x.eml", b"From: a@b\n 10:00"));
        assert!(!is_mailbox("x.eml", b"From a@b\nTo: b"));
        assert_eq!(without_separator(b"From a@b\nTo: b"), b"To: b");
        assert_eq!(without_separator(b"From : a@b\nTo: b"), b"From : a@b\nTo: b");
    }
}
