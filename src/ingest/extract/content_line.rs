//! The lines of iCalendar and vCard (RFC 5545, RFC 6350, vCard 2.1): `NAME;PARAMETER=value:value`, folded.

use encoding_rs::Encoding;

use super::encoding::{self, Decoded};
use super::{ExtractError, text};
use crate::types::{DocumentKind, ReadingWarning};

/// An unfolded line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Property {
    /// Its first and last line in the file, from 1.
    pub(super) lines: (u32, u32),
    /// In capitals, without the group that some contacts put before it.
    pub(super) name: String,
    /// Names in capitals. A parameter without a name is a `TYPE`.
    parameters: Vec<(String, String)>,
    /// As it was written: commas and line ends may be escaped with a backslash.
    pub(super) value: String,
}

impl Property {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut named = self.parameters.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// All parameters with that name.
    pub(super) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.parameters.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value as text.
    pub(super) fn text(&self) -> String {
        self.parts(&[]).concat()
    }

    /// The parts of the value between these characters, unless a backslash escapes them.
    pub(super) fn parts(&self, dividers: &[char]) -> Vec<String> {
        let (mut parts, mut part) = (Vec::new(), String::new());
        let mut characters = self.value.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some('n' | 'N') => part.push('\n'),
                    Some(escaped @ (',' | ';' | ':' | '\\' | '"')) => part.push(escaped),
                    Some(other) => part.extend(['\\', other]),
                    None => part.push('\\'),
                },
                _ if dividers.contains(&character) => parts.push(std::mem::take(&mut part)),
                _ => part.push(character),
            }
        }
        parts.push(part);
        parts.iter().map(|part| part.trim().to_owned()).collect()
    }
}

/// The lines of a file that is named as `kind`, with the warnings of its decoding.
pub(super) fn of_file(
    kind: DocumentKind,
    bytes: &[u8],
) -> Result<(Vec<Property>, Vec<ReadingWarning>), ExtractError> {
    let Decoded { text, warnings } = text::read(kind, bytes)?;
    // Lines may be folded within a character.
    if !warnings.is_empty() && !encoding::is_wide(bytes) && unfolded(bytes).is_utf8() {
        return Ok((properties(bytes), Vec::new()));
    }
    Ok((properties(text.as_bytes()), warnings))
}

/// The lines of a text that is UTF-8 once it is unfolded. What is not a property is skipped.
pub(super) fn properties(text: &[u8]) -> Vec<Property> {
    unfolded(text).0.into_iter().filter_map(|(lines, line)| property(lines, &line)).collect()
}

/// Lines with their numbers, first and last.
struct Unfolded(Vec<((u32, u32), Vec<u8>)>);

impl Unfolded {
    fn is_utf8(&self) -> bool {
        self.0.iter().all(|(_, line)| std::str::from_utf8(line).is_ok())
    }
}

/// A line continues in the next if that starts with a blank, or if it is quoted-printable and ends with `=`.
fn unfolded(text: &[u8]) -> Unfolded {
    let mut lines: Vec<((u32, u32), Vec<u8>)> = Vec::new();
    let mut is_soft = false;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let folded = line.strip_prefix(b" ").or_else(|| line.strip_prefix(b"\t"));
        match lines.last_mut() {
            Some(((_, last), before)) if is_soft || folded.is_some() => {
                before.extend(folded.filter(|_| !is_soft).unwrap_or(line));
                *last = number;
            }
            _ => lines.push(((number, number), line.to_vec())),
        }
        is_soft = lines.last_mut().is_some_and(|(_, line)| {
            let is_soft = line.ends_with(b"=") && is_quoted_printable(line);
            if is_soft {
                line.pop();
            }
            is_soft
        });
    }
    Unfolded(lines)
}

fn is_quoted_printable(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    head.to_ascii_uppercase().windows(16).any(|window| window == b"QUOTED-PRINTABLE")
}

fn property(lines: (u32, u32), line: &[u8]) -> Option<Property> {
    let line = String::from_utf8_lossy(line);
    let mut quoted = false;
    let mut unquoted = |sign: char, c: char| {
        quoted ^= c == '"';
        c == sign && !quoted
    };
    let (head, value) = line.split_at(line.find(|c| unquoted(':', c))?);
    let mut quoted = false;
    let mut parts = head.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let name = parts.next()?.trim();
    let name = name.rsplit('.').next()?.to_ascii_uppercase();
    let parameters: Vec<(String, String)> = parts.map(parameter).collect();
    let value = value[1..].trim();
    let of = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, it)| it);
    let is_quoted = is_quoted_printable(head.as_bytes());
    let value = if is_quoted { decoded(value, of("CHARSET")) } else { value.to_owned() };
    Some(Property { lines, name, parameters, value })
}

fn parameter(written: &str) -> (String, String) {
    let (name, value) = written.split_once('=').unwrap_or(("TYPE", written));
    // Quotes and line ends within a value (RFC 6868).
    let value = value.trim().trim_matches('"').replace("^n", " ").replace("^'", "\"");
    (name.trim().to_ascii_uppercase(), value.replace("^^", "^"))
}

/// Decodes quoted-printable; line ends become those of the other lines.
fn decoded(value: &str, charset: Option<&String>) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let coded = hex.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        if let (b'=', Some(byte)) = (first, coded) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let charset = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let text = encoding::decode(&bytes, charset).text;
    text.replace("\r\n", "\n").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn lines_are_unfolded_and_keep_their_numbers() {
        let text = "\u{feff}BEGIN:X\r\nno property\r\nitem1.SUMMARY;LANGUAGE=en;X=\"a:b;c\":One\r\n  long\r\n\t line: é\r\nEND:X";
        let found = properties(text.as_bytes());
        let [begin, summary, end] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((begin.name.as_str(), begin.lines), ("BEGIN", (1, 1)));
        assert_eq!((summary.name.as_str(), summary.lines), ("SUMMARY", (3, 5)));
        assert_eq!(summary.value, "One long line: é");
        assert_eq!((summary.parameter("X"), summary.parameter("Y")), (Some("a:b;c"), None));
        assert_eq!((end.value.as_str(), end.lines), ("X", (6, 6)));
    }

    #[test]
    fn values_are_unescaped_once() {
        let found = properties(br"CATEGORIES:a\, b,c\;d,\\n\x,e\");
        assert_eq!(found[0].parts(&[',']), ["a, b", "c;d", r"\n\x", r"e\"]);
        assert_eq!(properties(br"X:one\ntwo\Nthree")[0].text(), "one\ntwo\nthree");
    }

    #[test]
    fn old_contacts_are_quoted_printable() {
        let text = b"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=iso-8859-1:Gr=FC=\n=DFe=0D=0Abye =\nx\nTEL;WORK;VOICE:1";
        let found = properties(text);
        assert_eq!(found[0].text(), "Grüße\nbye x");
        assert_eq!(found[1].parameters("TYPE").collect::<Vec<_>>(), ["WORK", "VOICE"]);
        assert_eq!(properties(b"X;QUOTED-PRINTABLE:50=% =4")[0].value, "50=% =4");
    }

    #[test]
    fn a_character_may_be_folded() {
        let folded = b"BEGIN:VCALENDAR\nSUMMARY:caf\xC3\n \xA9\n";
        let (found, warnings) = of_file(DocumentKind::Calendar, folded).unwrap();
        assert_eq!((found[1].value.as_str(), warnings), ("café", Vec::new()));
        let (found, warnings) = of_file(DocumentKind::Calendar, b"SUMMARY:Gr\xFC\xDFe\n").unwrap();
        assert_eq!((found[0].value.as_str(), warnings.len()), ("Grüße", 1));
    }
}
