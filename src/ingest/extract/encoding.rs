//! Bytes → text, whatever the encoding. The only user of `chardetng`.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use super::{code_pages, line_ends};
use crate::types::{ReadingWarning, WarningCode};

/// How much of a file the heuristics look at, in bytes.
pub(super) const SAMPLE: usize = 8 * 1024;

/// The text of a file, and what a person should know about how it was decoded.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) warnings: Vec<ReadingWarning>,
}

/// Encodings of 32 bits; `encoding_rs` has neither, as the web has neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Utf32 {
    Little,
    Big,
}

/// Decodes the text of a file in any common encoding, without its byte order mark, in lines that end in LF.
///
/// The first of these decides: a byte order mark; zero bytes, for UTF-16 and UTF-32; `declared`, which is what
/// the document says of itself; the escape sequences of ISO-2022-JP; UTF-8 where all or most of the bytes are
/// valid, since no other encoding looks like it. Otherwise the encoding is guessed from its letters, and a
/// warning says so.
pub(super) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> Decoded {
    if let Some((order, start)) = utf32(bytes) {
        return read_utf32(&bytes[start..], order);
    }
    if let Some(encoding) = marked(bytes).or(declared) {
        return read(bytes, encoding);
    }
    if names_iso_2022_jp(bytes) && !ISO_2022_JP.decode_without_bom_handling(bytes).1 {
        return read(bytes, ISO_2022_JP);
    }
    if is_mostly_utf8(bytes) {
        return read(bytes, UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let mut decoded = read(bytes, encoding);
    let mut name = encoding.name();
    if encoding.is_single_byte()
        && let Some((of_page, text)) = code_pages::of(bytes, &decoded.text)
    {
        name = of_page;
        decoded = Decoded { text: line_ends::in_lf(text), ..Decoded::default() };
    }
    let message = format!("encoding {name}, guessed from its letters; save it as UTF-8 to be sure");
    decoded.warnings.insert(0, warning(WarningCode::GuessedEncoding, message));
    decoded
}

/// Whether the bytes alone show the encoding, and it is not a single-byte one.
pub(super) fn is_wide(bytes: &[u8]) -> bool {
    utf32(bytes).is_some() || marked(bytes).is_some()
}

/// The encoding that a byte order mark or zero bytes show.
fn marked(bytes: &[u8]) -> Option<&'static Encoding> {
    let by_mark = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    by_mark.or_else(|| utf16_without_mark(bytes))
}

fn warning(code: WarningCode, message: String) -> ReadingWarning {
    ReadingWarning { code, message, pages: Vec::new() }
}

fn read(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
    let mut text = line_ends::in_lf(text.into_owned());
    let mut warnings = Vec::new();
    // A replacement character that the file had before is not a decoding error.
    if had_errors {
        let (first, count) = if encoding == UTF_8 { bad_utf8(bytes) } else { replaced(&text) };
        warnings.extend(bad_bytes(encoding.name(), first, count));
    }
    warnings.extend(without_zeros(&mut text));
    Decoded { text, warnings }
}

/// Replaces zero bytes, which are not characters of a text.
fn without_zeros(text: &mut String) -> Option<ReadingWarning> {
    let first = text.find('\0')?;
    let line = 1 + text[..first].matches('\n').count();
    let message = match text.matches('\0').count() {
        1 => format!("contains 1 zero byte, in line {line}; it is read as \u{FFFD}"),
        many => format!(
            "contains {many} zero bytes, the first in line {line}; each is read as \u{FFFD}"
        ),
    };
    *text = text.replace('\0', "\u{FFFD}");
    Some(warning(WarningCode::BadBytes, message))
}

fn bad_bytes(encoding: &str, line: usize, count: usize) -> Option<ReadingWarning> {
    let places = match count {
        0 => return None,
        1 => format!("1 byte sequence is not {encoding}, in line {line}"),
        many => format!("{many} byte sequences are not {encoding}, the first in line {line}"),
    };
    let message = format!("{places}; each is read as \u{FFFD}");
    Some(warning(WarningCode::BadBytes, message))
}

/// The line of the first sequence that is not UTF-8, and how many there are.
fn bad_utf8(bytes: &[u8]) -> (usize, usize) {
    let (mut line, mut first, mut count) = (1, 0, 0);
    for chunk in bytes.utf8_chunks() {
        line += line_ends::count(chunk.valid());
        if !chunk.invalid().is_empty() {
            count += 1;
            first = if count == 1 { line } else { first };
        }
    }
    (first, count)
}

/// The line of the first replacement character in a decoded text, and how many there are.
fn replaced(text: &str) -> (usize, usize) {
    let first = text.find('\u{FFFD}').unwrap_or(0);
    (1 + text[..first].matches('\n').count(), text.matches('\u{FFFD}').count())
}

/// Whether at least half of what is not ASCII is UTF-8. In text of other encodings, chance makes at most two
/// fifths look like UTF-8 (Shift JIS), and next to nothing in single-byte encodings.
pub(super) fn is_mostly_utf8(bytes: &[u8]) -> bool {
    // Nearly every file is UTF-8, and this check takes a fraction of the time.
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        // Continuation bytes do not count: the first byte of each multi-byte character does.
        good += valid.bytes().filter(|byte| *byte >= 0xC0).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    bad == 0 || (good > 0 && good >= bad)
}

/// Whether the text shifts to the Japanese characters of ISO-2022-JP, which is ASCII except for its escapes.
fn names_iso_2022_jp(bytes: &[u8]) -> bool {
    let shifts = |escape: &[u8]| memchr::memmem::find(bytes, escape).is_some();
    bytes.is_ascii() && (shifts(b"\x1b$B") || shifts(b"\x1b$@"))
}

/// Detects UTF-16 without a byte order mark. Latin text has a zero in every second byte, and none in the
/// others. Text in another script has zeros at its spaces and line ends, and nearly all its letters are of one
/// script.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE) & !1];
    if sample.len() < 4 || memchr::memchr(0, sample).is_none() {
        return None;
    }
    let units = sample.len() / 2;
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if is_ascii_with_zeros(sample, even.max(odd)) {
        return None;
    }
    if odd * 10 > units * 4 && even * 50 <= units {
        Some(UTF_16LE)
    } else if even * 10 > units * 4 && odd * 50 <= units {
        Some(UTF_16BE)
    } else if odd > 0 && even * 50 <= units && is_of_one_script(sample, UTF_16LE) {
        Some(UTF_16LE)
    } else if even > 0 && odd * 50 <= units && is_of_one_script(sample, UTF_16BE) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether this is single-byte text with a few zeros in it: read as UTF-16, pairs of its letters would be
/// Chinese characters. `zeros`: how many there are at even or at odd offsets, whichever are more.
fn is_ascii_with_zeros(sample: &[u8], zeros: usize) -> bool {
    let others = sample.iter().filter(|byte| **byte != 0);
    let (ascii, all) = others.fold((0, 0), |(ascii, all), byte| {
        (ascii + usize::from(matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')), all + 1)
    });
    zeros * 10 < sample.len() / 2 * 8 && ascii * 20 >= all * 19
}

/// Fewest characters that identify a script.
const FEWEST: usize = 8;

fn is_of_one_script(sample: &[u8], encoding: &'static Encoding) -> bool {
    let text = encoding.decode_without_bom_handling(sample).0;
    let mut letters = [0_usize; SCRIPTS.len()];
    let (mut plain, mut all) = (0, 0);
    for character in text.chars() {
        all += 1;
        let code = u32::from(character);
        if let Some(script) = SCRIPTS.iter().position(|ranges| is_in(ranges, code)) {
            letters[script] += 1;
        } else if matches!(character, '\t' | '\n' | '\r' | ' '..='~') || is_in(MARKS, code) {
            plain += 1;
        }
    }
    let most = letters.into_iter().max().unwrap_or(0);
    // The sample may end in the middle of a character.
    most >= FEWEST && (most + plain + 1) * 100 >= all * 98
}

fn is_in(ranges: &[(u32, u32)], code: u32) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

/// Punctuation that scripts share.
const MARKS: &[(u32, u32)] = &[(0xA0, 0xBF), (0x2010, 0x205E), (0x20A0, 0x20BF)];

/// Blocks of scripts that are not Latin (Unicode 16, Blocks.txt).
const SCRIPTS: [&[(u32, u32)]; 9] = [
    &[(0x0370, 0x03FF), (0x1F00, 0x1FFF)],
    &[(0x0400, 0x052F)],
    &[(0x0590, 0x05FF)],
    &[(0x0600, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)],
    &[(0x0900, 0x0DFF)],
    &[(0x0E00, 0x0EFF)],
    &[(0x3000, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xFF00, 0xFFEF)],
    &[(0xAC00, 0xD7A3), (0x3130, 0x318F)],
    &[(0x0530, 0x058F), (0x10A0, 0x10FF)],
];

/// The byte order of UTF-32, and where its text begins.
fn utf32(bytes: &[u8]) -> Option<(Utf32, usize)> {
    // The first mark is also that of UTF-16 followed by a NUL, which does not start any text.
    if bytes.starts_with(b"\xFF\xFE\0\0") {
        return Some((Utf32::Little, 4));
    }
    if bytes.starts_with(b"\0\0\xFE\xFF") {
        return Some((Utf32::Big, 4));
    }
    let sample = &bytes[..bytes.len().min(SAMPLE) & !3];
    let is_text = |order| {
        units(sample, order).all(|unit| {
            let character = char::from_u32(unit);
            character.is_some_and(|c| c == '\t' || c == '\n' || c == '\r' || !c.is_control())
        })
    };
    if sample.len() < 4 * FEWEST || memchr::memchr(0, sample).is_none() {
        return None;
    }
    [Utf32::Little, Utf32::Big].into_iter().find(|order| is_text(*order)).map(|order| (order, 0))
}

fn units(bytes: &[u8], order: Utf32) -> impl Iterator<Item = u32> {
    bytes.chunks(4).map(move |unit| match (<[u8; 4]>::try_from(unit), order) {
        (Ok(unit), Utf32::Little) => u32::from_le_bytes(unit),
        (Ok(unit), Utf32::Big) => u32::from_be_bytes(unit),
        (Err(_), _) => u32::MAX,
    })
}

fn read_utf32(bytes: &[u8], order: Utf32) -> Decoded {
    let mut count = 0;
    let character = |unit| {
        char::from_u32(unit).unwrap_or_else(|| {
            count += 1;
            '\u{FFFD}'
        })
    };
    let text = line_ends::in_lf(units(bytes, order).map(character).collect());
    let (first, _) = replaced(&text);
    let warnings = bad_bytes("UTF-32", first, count).into_iter().collect();
    Decoded { text, warnings }
}

#[cfg(test)]
mod tests {
    use encoding_rs::WINDOWS_1252;

    use super::super::binary::{self, looks_binary};
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    fn utf32(text: &str, big: bool) -> Vec<u8> {
        let units = text.chars().map(u32::from);
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    fn codes(decoded: &Decoded) -> Vec<WarningCode> {
        decoded.warnings.iter().map(|warning| warning.code).collect()
    }

    #[test]
    fn clear_encodings_are_not_guessed() {
        for text in [
            "Größe: 5 µm\r\nzweite Zeile\n",
            "Склад открыт с девяти.\n",
            "倉庫は午前九時に開きます。\n",
            "창고는 오전 아홉 시에 문을 엽니다.\n",
        ] {
            for (name, bytes) in [
                ("utf-8", text.as_bytes().to_vec()),
                ("utf-8 with mark", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
                ("utf-16le with mark", [b"\xFF\xFE".to_vec(), utf16(text, false)].concat()),
                ("utf-16be with mark", [b"\xFE\xFF".to_vec(), utf16(text, true)].concat()),
                ("utf-16le", utf16(text, false)),
                ("utf-16be", utf16(text, true)),
                ("utf-32le with mark", [b"\xFF\xFE\0\0".to_vec(), utf32(text, false)].concat()),
                ("utf-32be with mark", [b"\0\0\xFE\xFF".to_vec(), utf32(text, true)].concat()),
                ("utf-32le", utf32(text, false)),
                ("utf-32be", utf32(text, true)),
            ] {
                assert!(!looks_binary(&bytes), "{name} {text}");
                let decoded = decode(&bytes, None);
                assert_eq!(decoded.text, text, "{name}");
                assert!(decoded.warnings.is_empty(), "{name}: {:?}", decoded.warnings);
            }
        }
        let escaped = ISO_2022_JP.encode("倉庫は午前九時に開きます。\n").0;
        assert_eq!(decode(&escaped, None).text, "倉庫は午前九時に開きます。\n");
    }

    #[test]
    fn a_bad_byte_leaves_the_rest_as_it_is() {
        let line = "Die Tür öffnet um neun Uhr.\n";
        let bytes = [line.as_bytes(), b"One bad \xff byte\n", line.as_bytes()].concat();
        let decoded = decode(&bytes, None);
        assert_eq!(decoded.text, format!("{line}One bad \u{FFFD} byte\n{line}"));
        assert_eq!(codes(&decoded), [WarningCode::BadBytes]);
        let message = "1 byte sequence is not UTF-8, in line 2; each is read as \u{FFFD}";
        assert_eq!(decoded.warnings[0].message, message);
        // Cut off within a character.
        let cut = decode(&"Möbel für".as_bytes()[..9], None);
        assert_eq!(
            (cut.text.as_str(), codes(&cut)),
            ("Möbel f\u{FFFD}", vec![WarningCode::BadBytes])
        );
    }

    #[test]
    fn a_few_zeros_leave_the_rest_as_it_is() {
        let log = b"12:00 the ferry leaves\n".repeat(9);
        for (bytes, expected, message) in [
            (
                b"name,age\njo,3\0\nmia,4\n".to_vec(),
                "name,age\njo,3\u{FFFD}\nmia,4\n".to_owned(),
                "contains 1 zero byte, in line 2; it is read as \u{FFFD}",
            ),
            (
                [&log[..], b"\0\0", &log].concat(),
                String::from_utf8_lossy(&[&log[..], b"\xFF\xFE", &log].concat()).into_owned(),
                "contains 2 zero bytes, the first in line 10; each is read as \u{FFFD}",
            ),
        ] {
            assert_eq!(binary::reason(&bytes), None);
            let decoded = decode(&bytes, None);
            assert_eq!((&decoded.text, codes(&decoded)), (&expected, vec![WarningCode::BadBytes]));
            assert_eq!(decoded.warnings[0].message, message);
        }
    }

    #[test]
    fn other_encodings_are_guessed_with_a_warning() {
        let russian =
            "Склад открыт с девяти утра. Возврат товара возможен в течение тридцати дней.\n";
        let chinese = "仓库的开放时间是上午九点。退货必须在三十天之内完成。\n";
        let japanese = "倉庫は午前九時に開きます。返品は三十日以内に限ります。\n";
        for (label, text) in [
            ("windows-1251", russian),
            ("koi8-r", russian),
            ("gbk", chinese),
            ("big5", "倉庫於上午九時開放。退貨必須在三十天內完成。\n"),
            ("shift_jis", japanese),
            ("euc-jp", japanese),
            ("euc-kr", "창고는 오전 아홉 시에 문을 엽니다.\n"),
            ("windows-1250", "Skladiště se otevírá v devět hodin ráno, příliš žluťoučký kůň.\n"),
            ("windows-1252", "Größe: 5 µm\r\nzweite Zeile\n"),
        ] {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(UTF_8);
            let text = text.repeat(3);
            let decoded = decode(&encoding.encode(&text).0, None);
            assert_eq!(decoded.text, text, "{label}");
            assert_eq!(codes(&decoded), [WarningCode::GuessedEncoding], "{label}");
        }
    }

    #[test]
    fn a_byte_order_mark_beats_what_is_declared() {
        assert_eq!(decode("\u{FEFF}é".as_bytes(), Some(WINDOWS_1252)).text, "é");
        let declared = decode(b"\xE9", Some(WINDOWS_1252));
        assert_eq!((declared.text.as_str(), declared.warnings.len()), ("é", 0));
        assert_eq!(codes(&decode(b"caf\xE9", Some(UTF_8))), [WarningCode::BadBytes]);
    }
}
