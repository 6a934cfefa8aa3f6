//! RTF as Outlook stores it, compressed (MS-OXRTFCP).

/// Initial contents of the window, which every text may refer to.
const BEFORE: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \
\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Size of the window that references point into, in bytes.
const WINDOW: usize = 4096;

/// Bytes before the text: its sizes, its compression, a checksum.
const HEADER: usize = 16;

/// Most bytes that are unpacked.
const MOST: usize = 64 << 20;

/// The RTF, as far as it goes if it is cut off; `None` if this is not compressed RTF.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let body = bytes.get(HEADER..)?;
    match bytes.get(8..12)? {
        b"MELA" => {
            let size = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
            Some(body[..size.min(body.len())].to_vec())
        }
        b"LZFu" => Some(read(body)),
        _ => None,
    }
}

/// Each bit of a control byte, from the lowest, says whether a byte or a reference follows.
fn read(body: &[u8]) -> Vec<u8> {
    let mut window = [0_u8; WINDOW];
    window[..BEFORE.len()].copy_from_slice(BEFORE);
    let mut at = BEFORE.len();
    let mut out = Vec::with_capacity(body.len() * 2);
    let mut bytes = body.iter().copied();
    let mut put = |byte: u8, at: &mut usize, window: &mut [u8; WINDOW]| {
        out.push(byte);
        window[*at] = byte;
        *at = (*at + 1) % WINDOW;
        out.len() < MOST
    };
    'read: while let Some(control) = bytes.next() {
        for bit in 0..8 {
            let Some(first) = bytes.next() else { break 'read };
            if (control >> bit) & 1 == 0 {
                if !put(first, &mut at, &mut window) {
                    break 'read;
                }
                continue;
            }
            let Some(second) = bytes.next() else { break 'read };
            let reference = u16::from_be_bytes([first, second]);
            let (from, length) = (usize::from(reference >> 4), usize::from(reference & 15) + 2);
            // A reference to the position of the next byte marks the end.
            if from == at {
                break 'read;
            }
            for step in 0..length {
                let byte = window[(from + step) % WINDOW];
                if !put(byte, &mut at, &mut window) {
                    break 'read;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification() {
        // MS-OXRTFCP 4.1 and 4.2.
        let simple = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        let expected = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n";
        assert_eq!(unpacked(simple).as_deref(), Some(&expected[..]));
        let crossing = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4KQA\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
        let expected = b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}";
        assert_eq!(unpacked(crossing).as_deref(), Some(&expected[..]));
    }

    #[test]
    fn other_rtf_is_stored_or_refused() {
        let plain = b"\x10\0\0\0\x05\0\0\0MELA\0\0\0\0{\\rt}..";
        assert_eq!(unpacked(plain).as_deref(), Some(&b"{\\rt}"[..]));
        assert_eq!(unpacked(b"\x10\0\0\0\x05\0\0\0ABCD\0\0\0\0{"), None);
        assert_eq!(unpacked(b"short"), None);
        assert_eq!(unpacked(b"\0\0\0\0\0\0\0\0LZFu\0\0\0\0\x01\x00").as_deref(), Some(&b""[..]));
    }
}
