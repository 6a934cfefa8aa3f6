//! Leaves out of a text what is written in letters but says nothing: pictures and files in base64.

use std::borrow::Cow;
use std::ops::Range;

/// Length from which a run of base64 is data and not a word, a key or a hash, in bytes.
const LONG: usize = 512;

/// What precedes the base64 in an address.
const DATA: &str = ";base64,";

/// How many lines of base64, broken as mail and PEM break them, are data; lines of this width or more count.
const LINES: usize = 6;
const WIDTH: usize = 60;

/// The text without base64, in `data:` addresses and in blocks. Line ends stay, so that lines keep their
/// numbers.
pub(super) fn without_blobs(text: &str) -> Cow<'_, str> {
    let cuts = cuts(text);
    if cuts.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(between(cuts, text.len()).map(|part| &text[part]).collect())
}

/// The parts of a text that are not base64, in order.
pub(super) fn kept(text: &str) -> impl Iterator<Item = Range<usize>> + use<> {
    between(cuts(text), text.len())
}

fn between(cuts: Vec<(usize, usize)>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    cuts.into_iter().chain([(length, length)]).filter_map(move |(from, to)| {
        let part = end..from;
        end = end.max(to);
        (!part.is_empty()).then_some(part)
    })
}

/// Where base64 is, in order of its start.
fn cuts(text: &str) -> Vec<(usize, usize)> {
    // Most texts have no base64, and this check shows it without parsing them.
    if !has_long_word(text.as_bytes()) && !text.contains(DATA) {
        return Vec::new();
    }
    let mut cuts = data_addresses(text);
    cuts.extend(runs(text));
    cuts.extend(blocks(text));
    cuts.sort_unstable();
    cuts
}

/// Whether there is a word of at least [`WIDTH`] bytes. Steps of that width meet every such word.
fn has_long_word(bytes: &[u8]) -> bool {
    let is_part = |byte: &&u8| !matches!(byte, b' ' | b'\n');
    (WIDTH - 1..bytes.len()).step_by(WIDTH).any(|at| {
        let before = bytes[..at].iter().rev().take(WIDTH).take_while(is_part).count();
        let behind = bytes[at..].iter().take(WIDTH).take_while(is_part).count();
        behind > 0 && before + behind >= WIDTH
    })
}

/// Whether a value is nothing but base64, alone or in a `data:` address.
pub(super) fn is_blob(value: &str) -> bool {
    let rest = without_blobs(value);
    rest.len() < value.len() && rest.trim().is_empty()
}

/// Whether a file is base64 from its first line on.
pub(super) fn looks_like_base64(head: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(head) else { return false };
    let text = text.trim_start();
    if text.split_whitespace().next().is_none_or(|word| word.len() < WIDTH) {
        return false;
    }
    blocks(text).first().is_some_and(|(from, _)| *from == 0)
        || runs(text).first().is_some_and(|(from, _)| *from == 0)
}

/// Finds addresses such as `data:image/png;base64,iVBORw0KGgo=`.
fn data_addresses(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("data:").map(|at| from + at) {
        let address = &text[start..];
        let end =
            address.find([')', '"', '\'', '>', '<', ' ', '\n', '\r']).unwrap_or(address.len());
        if address[..end].contains(DATA) {
            found.push((start, start + end));
        }
        from = start + end.max("data:".len());
    }
    found
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Whether letters look like data: both cases, with digits. Words and hashes lack one of the three.
fn is_mixed(run: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| run.iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// Finds long runs of base64 within a line.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    for at in 0..=bytes.len() {
        if bytes.get(at).copied().is_some_and(is_base64) {
            continue;
        }
        if at - start >= LONG && is_mixed(&bytes[start..at]) {
            found.push((start, at));
        }
        start = at + 1;
    }
    found
}

/// Finds blocks of lines of one width, each without its line end. A PEM file is left alone: its first line says
/// what it is.
fn blocks(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut block: Vec<(usize, usize)> = Vec::new();
    let mut is_named = false;
    let mut close =
        |block: &mut Vec<(usize, usize)>, is_named: bool, last: Option<(usize, usize)>| {
            let mixed =
                block.iter().filter(|(from, to)| is_mixed(&text.as_bytes()[*from..*to])).count();
            if block.len() >= LINES && mixed * 2 > block.len() && !is_named {
                found.append(block);
                found.extend(last);
            }
            block.clear();
        };
    let mut at = 0;
    let mut named_before = false;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let range = (at, at + body.len());
        at += line.len();
        let data = !body.is_empty() && body.bytes().all(is_base64);
        let width = block.first().map(|(from, to)| to - from);
        if data && body.len() >= WIDTH && width.is_none_or(|width| width == body.len()) {
            if block.is_empty() {
                is_named = named_before;
            }
            block.push(range);
        } else {
            // The last line of a block is shorter.
            let last = (data && width.is_some_and(|width| body.len() < width)).then_some(range);
            close(&mut block, is_named, last);
        }
        named_before = body.starts_with("-----BEGIN") || (named_before && body.contains(": "));
    }
    close(&mut block, is_named, None);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 of noise, of this length.
    fn noise(length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(LETTERS[(state >> 26) as usize])
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn pictures_in_addresses_are_left_out() {
        let picture = format!("see ![plot](data:image/png;base64,{}) and data: here", noise(40));
        assert_eq!(without_blobs(&picture), "see ![plot]() and data: here");
        let named = format!("[image1]: <data:image/png;base64,{}>\n\nnext", noise(4000));
        assert_eq!(without_blobs(&named), "[image1]: <>\n\nnext");
        assert_eq!(without_blobs("data:text/plain,hello"), "data:text/plain,hello");
    }

    #[test]
    fn blocks_of_base64_are_left_out_and_lines_keep_their_numbers() {
        let block: Vec<String> = (0..10).map(|_| noise(76)).chain([noise(20)]).collect();
        let text = format!("before\r\n{}\r\nafter\n", block.join("\r\n"));
        let kept = without_blobs(&text);
        assert_eq!(kept.lines().count(), text.lines().count());
        assert_eq!(kept.split_whitespace().collect::<Vec<_>>(), ["before", "after"]);
        assert_eq!(without_blobs(&format!("x = '{}';", noise(2000))), "x = '';");
        assert!(is_blob(&noise(600)) && !is_blob("word") && !is_blob(""));
        assert!(looks_like_base64(block.join("\n").as_bytes()));
        assert!(!looks_like_base64(text.as_bytes()));
    }

    #[test]
    fn words_keys_and_hashes_stay() {
        let key =
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END", vec![noise(64); 8].join("\n"));
        let armor = format!("-----BEGIN X-----\nVersion: 1\n{}\n", vec![noise(64); 8].join("\n"));
        for text in [
            key,
            armor,
            "a".repeat(5000),
            "0123456789abcdef".repeat(100),
            "ACGT".repeat(1000),
            vec!["a-very-long-name-of-a-thing-that-is-written-in-a-line-of-sixty-four"; 20]
                .join("\n"),
            noise(120),
            format!("{}\n", "=".repeat(80)).repeat(20),
            "日本語".repeat(500),
        ] {
            assert_eq!(without_blobs(&text), text);
        }
    }
}
