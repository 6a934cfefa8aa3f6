//! JSON with comments and trailing commas, as editors and compilers keep their settings in it.

use super::tree::{self, Node};

/// `None` where it is not that either.
pub(super) fn parse(text: &str) -> Option<Node> {
    let strict = strict(text);
    (strict != text.as_bytes())
        .then(|| String::from_utf8(strict).ok())
        .flatten()
        .and_then(|strict| tree::parse(&strict).ok())
}

/// What is no JSON becomes spaces: all lines stay where they are.
fn strict(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    // Where a comma stands that nothing but white space and comments has followed.
    let mut comma = None;
    let mut at = 0;
    while at < bytes.len() {
        let comment = match &bytes[at..] {
            [b'"', ..] => {
                at += string(&bytes[at..]);
                comma = None;
                continue;
            }
            [b'/', b'/', rest @ ..] => rest.iter().position(|byte| *byte == b'\n').map(|n| n + 2),
            [b'/', b'*', rest @ ..] => rest.windows(2).position(|end| end == b"*/").map(|n| n + 4),
            [byte, ..] => {
                match byte {
                    b',' => comma = Some(at),
                    b']' | b'}' => {
                        if let Some(comma) = comma.take() {
                            bytes[comma] = b' ';
                        }
                    }
                    byte if byte.is_ascii_whitespace() => {}
                    _ => comma = None,
                }
                at += 1;
                continue;
            }
            [] => break,
        };
        let end = comment.map_or(bytes.len(), |length| at + length);
        for byte in bytes[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end;
    }
    bytes
}

/// Length of a string with its quotes.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}
