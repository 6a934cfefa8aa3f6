//! Whether bytes are text at all: detects binary data, tables of numbers after a header, and EBCDIC.

use super::encoding::{SAMPLE, is_mostly_utf8, is_wide};

/// Whether bytes are not text in any known encoding.
pub(super) fn looks_binary(bytes: &[u8]) -> bool {
    reason(bytes).is_some()
}

/// Why bytes are not text in any known encoding, or start as text and go on as something else, such as tables
/// of numbers after a header. Says where that shows, and what to do.
pub(super) fn reason(bytes: &[u8]) -> Option<String> {
    if is_wide(bytes) {
        return None;
    }
    let (head, rest) = bytes.split_at(bytes.len().min(SAMPLE));
    let in_head = controls(head);
    let zeros = memchr::memchr_iter(0, head).count();
    if zeros > 0 && !are_strays(head, zeros, in_head) {
        let first = memchr::memchr(0, head).unwrap_or(0);
        return Some(format!(
            "binary data (zero bytes, the first at offset {first}): \
             if it is text, take them out (`tr -d '\\000'`), else use --exclude"
        ));
    }
    if in_head * 20 > head.len() {
        let first = head.iter().position(|byte| is_control(*byte)).unwrap_or(0);
        return Some(format!(
            "binary data (control characters, the first at offset {first}): leave it out with --exclude"
        ));
    }
    let turns = !rest.is_empty() && (in_head + controls(rest)) * 33 > bytes.len();
    let first = || rest.iter().position(|byte| is_control(*byte)).unwrap_or(0) + head.len();
    turns.then(|| {
        format!(
            "binary data after a header (from offset {} on): leave it out with --exclude",
            first()
        )
    })
}

/// Whether a few zeros have strayed into a text, as in logs that were cut off: one in a line, or in a hundred
/// bytes, and no other control characters.
fn are_strays(head: &[u8], zeros: usize, controls: usize) -> bool {
    /// Fewer bytes than this are not a line.
    const LINE: usize = 16;
    head.len() >= LINE
        && zeros <= (head.len() / 100).max(1)
        && controls - zeros <= head.len() / 1000
        && (is_mostly_utf8(head)
            || head.iter().filter(|byte| !byte.is_ascii()).count() * 4 < head.len())
}

fn controls(bytes: &[u8]) -> usize {
    // Each sum fits a byte, so that many bytes are counted at once.
    let of = |chunk: &[u8]| -> u8 { chunk.iter().map(|byte| u8::from(is_control(*byte))).sum() };
    bytes.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(of(chunk))).sum()
}

/// Whether this is a control character that text does not have (escape sequences and form feeds do occur).
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches, many bytes are looked at together"
)]
fn is_control(byte: u8) -> bool {
    let is_known = (byte == b'\t') | (byte == b'\n') | (byte == b'\r') | (byte == 0x1B);
    ((byte < 0x20) & !is_known & (byte != 0x08) & (byte != 0x0C)) | (byte == 0x7F)
}

/// Whether this is EBCDIC, the text of IBM's mainframes: letters and digits where no other encoding has them,
/// and spaces that are `@`.
pub(super) fn is_ebcdic(head: &[u8]) -> bool {
    let share =
        |is: fn(&u8) -> bool| head.iter().filter(|byte| is(byte)).count() * 100 / head.len().max(1);
    let letter = |byte: &u8| {
        matches!(byte, 0x81..=0x89 | 0x91..=0x99 | 0xA2..=0xA9 | 0xC1..=0xC9 | 0xD1..=0xD9
            | 0xE2..=0xE9 | 0xF0..=0xF9)
    };
    head.len() >= 16
        && !head.is_ascii()
        && share(letter) >= 50
        && share(|byte| *byte == b'@') >= 5
        && share(|byte| matches!(byte, b' ' | b'\n' | b'0'..=b'9' | b'e')) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_data_is_not_text() {
        assert!(looks_binary(b"\x7FELF\0\0\0"));
        for zeros in
            [&b"abc\0"[..], b"one \0 two\0three four\n", b"a zero\0 and a control\x01 character"]
        {
            assert!(looks_binary(zeros), "{zeros:?} is not UTF-16");
        }
        let said = reason(&[&b"a line\n".repeat(3), &[0; 9][..]].concat()).unwrap_or_default();
        assert!(
            said.starts_with("binary data (zero bytes, the first at offset 21): if it is text")
        );
        let said = reason(b"ab\x01\x02cd").unwrap_or_default();
        assert!(said.starts_with("binary data (control characters, the first at offset 2)"));
        assert!(looks_binary(&[1, 2, 3, 4, 5, 6]));
        assert!(looks_binary(&(0..4000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()));
        assert!(looks_binary(&(0..=255).cycle().take(5000).collect::<Vec<u8>>()));
        assert!(!looks_binary(b""));
        assert!(!looks_binary(b"\x1b[31mred\x1b[0m\tx\n"));
        let header = b"a header\n".repeat(1000);
        assert_eq!(reason(&header), None);
        let numbers = [header, (0..=255).cycle().take(9000).collect()].concat();
        let said = reason(&numbers).unwrap_or_default();
        assert!(said.starts_with("binary data after a header (from offset 9000 on)"), "{said}");
    }

    #[test]
    fn mainframes_write_ebcdic() {
        // CP037: "THE HARBOUR OPENS AT NINE."
        let text = b"\xE3\xC8\xC5\x40\xC8\xC1\xD9\xC2\xD6\xE4\xD9\x40\xD6\xD7\xC5\xD5\xE2\x40\xC1\xE3\x40\xD5\xC9\xD5\xC5\x4B";
        assert!(is_ebcdic(text));
        let cyrillic = encoding_rs::WINDOWS_1251;
        assert!(!is_ebcdic(&cyrillic.encode("СКЛАД ОТКРЫТ С ДЕВЯТИ УТРА В МОСКВЕ").0));
        assert!(!is_ebcdic("a@b.example, c@d.example".as_bytes()));
    }
}
