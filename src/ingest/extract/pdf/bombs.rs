//! Finds streams that unpack to more than memory can hold. The interpreter has no limit for them, so they are
//! made unreadable before it sees the file.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use memchr::memmem::{find, find_iter, rfind};

/// Most bytes that one stream may unpack to. A page of text has some 100 KB, a map tens of MB.
const MAX_UNPACKED: u64 = 96 << 20;

/// Most bytes that deflate can make of one byte.
const MAX_RATIO: u64 = 1032;

/// How many bytes before a stream are searched for its dictionary.
const DICTIONARY: usize = 2048;

/// Makes streams that unpack to too much unreadable, and returns how many there were.
///
/// Streams of encrypted files can't be examined: for those, only the memory limit of the process holds.
pub(super) fn defuse(bytes: &mut [u8]) -> usize {
    let mut found = 0;
    let mut at = 0;
    while let Some(step) = find(&bytes[at..], b"stream") {
        let keyword = at + step;
        at = keyword + b"stream".len();
        if bytes[..keyword].ends_with(b"end") {
            continue;
        }
        let start =
            at + bytes[at..].iter().take(2).take_while(|byte| b"\r\n".contains(byte)).count();
        let Some(length) = find(&bytes[start..], b"endstream") else { break };
        let dictionary = &bytes[keyword.saturating_sub(DICTIONARY)..keyword];
        if is_bomb(own(dictionary), &bytes[start..start + length]) {
            bytes[start..start + length].fill(b' ');
            found += 1;
        }
        at = start + length + b"endstream".len();
    }
    found
}

/// The part of `dictionary` that belongs to this stream and not to a preceding object.
fn own(dictionary: &[u8]) -> &[u8] {
    &dictionary[rfind(dictionary, b" obj").unwrap_or(0)..]
}

fn is_bomb(dictionary: &[u8], packed: &[u8]) -> bool {
    let filters = find_iter(dictionary, b"/Fl").count();
    let is_picture = find(dictionary, b"/Image").is_some();
    // Packed twice, a few bytes can unpack to any size.
    let worst = (packed.len() as u64).saturating_mul(MAX_RATIO);
    if filters == 0 || is_picture || (filters == 1 && worst <= MAX_UNPACKED) {
        return false;
    }
    let once = ZlibDecoder::new(packed);
    if filters == 1 {
        return exceeds(once, MAX_UNPACKED);
    }
    let mut unpacked = Vec::new();
    // An error ends the stream early; what came before it counts.
    let _ = once.take(MAX_UNPACKED).read_to_end(&mut unpacked);
    filters > 2
        || unpacked.len() as u64 >= MAX_UNPACKED
        || exceeds(ZlibDecoder::new(&*unpacked), MAX_UNPACKED)
}

fn exceeds(reader: impl std::io::Read, most: u64) -> bool {
    let counted = std::io::copy(&mut reader.take(most + 1), &mut std::io::sink());
    counted.is_ok_and(|count| count > most)
}

/// Whether the data of a picture unpacks to more than `most`. Pictures are examined when they are drawn, since
/// a file may have many.
pub(super) fn unpacks_to_more(packed: &[u8], most: u64) -> bool {
    let worst = (packed.len() as u64).saturating_mul(MAX_RATIO);
    worst > most && exceeds(ZlibDecoder::new(packed), most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn object(filter: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("1 0 obj\n<</Filter {filter}>>\nstream\n");
        [head.as_bytes(), data, b"\nendstream\nendobj\n"].concat()
    }

    #[test]
    fn what_unpacks_to_too_much_is_made_unreadable() {
        let blanks = vec![b' '; MAX_UNPACKED as usize + 2];
        let bomb = packed(&blanks);
        for (file, expected) in [
            (object("/FlateDecode", &packed(b"BT ET")), 0),
            (object("/FlateDecode", &bomb), 1),
            (object("[/FlateDecode/FlateDecode]", &packed(&bomb)), 1),
            (object("/FlateDecode/Subtype/Image", &bomb), 0),
            (object("/DCTDecode", &bomb), 0),
        ] {
            let mut twice = [object("/FlateDecode", &packed(b"q Q")), file].concat();
            assert_eq!(defuse(&mut twice), expected);
            assert!(find(&twice, &packed(b"q Q")).is_some());
        }
    }
}
