//! Whether a file is complete. The interpreter repairs what it can and does not report it.

use memchr::memmem::{find, rfind};

/// Whether the end of the file is missing: each revision of a file ends with `startxref`.
pub(super) fn is_cut_off(bytes: &[u8]) -> bool {
    match rfind(bytes, b"startxref") {
        Some(at) => contains(&bytes[at..], b" obj"),
        None => !contains(&bytes[bytes.len().saturating_sub(1024)..], b"%%EOF"),
    }
}

/// How many pages the file claims to have, as far as that shows without opening it.
pub(super) fn pages_named(bytes: &[u8]) -> Option<usize> {
    const KEY: &[u8] = b"/Count ";
    let mut most = None;
    let mut rest = bytes;
    while let Some(at) = find(rest, KEY) {
        rest = &rest[at + KEY.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let count = std::str::from_utf8(&rest[..digits]).ok().and_then(|text| text.parse().ok());
        most = most.max(count);
    }
    most
}

/// Whether the file uses a filter from a draft of PDF 2.0 that no engine here supports; what it packed is
/// missing.
pub(super) fn is_packed_with_brotli(bytes: &[u8]) -> bool {
    contains(bytes, b"/BrotliDecode")
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    find(bytes, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_is_looked_for() {
        for (file, expected) in [
            (&b"1 0 obj\nendobj\nxref\ntrailer\nstartxref\n9\n%%EOF\n"[..], false),
            (b"1 0 obj\nendobj\nstartxref\n9\n%%EOF\nsome junk of the mail server", false),
            (b"1 0 obj\nendobj\n%%EOF", false),
            (b"1 0 obj\nendobj\n", true),
            (b"1 0 obj\nendobj\nstartxref\n0\n%%EOF\n2 0 obj\nstream", true),
            (b"", true),
        ] {
            assert_eq!(is_cut_off(file), expected, "{}", String::from_utf8_lossy(file));
        }
        assert_eq!(pages_named(b"/Count 2 /Count 14/Kids /Count x"), Some(14));
        assert_eq!(pages_named(b""), None);
    }
}
