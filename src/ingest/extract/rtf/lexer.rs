//! RTF → its tokens (Microsoft, Rich Text Format specification 1.9.1).

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RtfToken<'a> {
    Open,
    Close,
    /// A control word, with its number.
    Word(&'a str, Option<i32>),
    /// `\*`: readers that do not know what follows may skip it.
    Ignorable,
    /// A letter in the code page of its font.
    Byte(u8),
}

/// Longest control word; the specification allows 32 letters.
const LONGEST: usize = 40;

pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn control(&mut self) -> Option<RtfToken<'a>> {
        let next = *self.bytes.get(self.at)?;
        if next.is_ascii_alphabetic() {
            return Some(self.word());
        }
        self.at += 1;
        Some(match next {
            b'\'' => {
                let hex = self.bytes.get(self.at..self.at + 2);
                let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
                let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                self.at += if byte.is_some() { 2 } else { 0 };
                byte.map_or(RtfToken::Word("", None), RtfToken::Byte)
            }
            b'*' => RtfToken::Ignorable,
            b'~' => RtfToken::Word("nbsp", None),
            b'_' => RtfToken::Word("nbhyphen", None),
            b'\n' | b'\r' => RtfToken::Word("par", None),
            b'\t' => RtfToken::Word("tab", None),
            b'\\' | b'{' | b'}' => RtfToken::Byte(next),
            _ => RtfToken::Word("", None),
        })
    }

    fn word(&mut self) -> RtfToken<'a> {
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take(LONGEST).take_while(|b| b.is_ascii_alphabetic()).count();
        let word = std::str::from_utf8(&rest[..letters]).unwrap_or_default();
        let rest = &rest[letters..];
        let sign =
            usize::from(rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_digit));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..sign + digits]).unwrap_or_default();
        let number = match number.parse::<i64>() {
            Ok(number) => Some(number.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
            Err(_) if digits > 0 => Some(i32::MAX),
            Err(_) => None,
        };
        self.at += letters + sign + digits;
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        if word == "bin" {
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            self.at = self.at.saturating_add(length).min(self.bytes.len());
        }
        RtfToken::Word(word, number)
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = RtfToken<'a>;

    fn next(&mut self) -> Option<RtfToken<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            return match byte {
                b'{' => Some(RtfToken::Open),
                b'}' => Some(RtfToken::Close),
                b'\\' => self.control(),
                // Line breaks only help people who read the file itself.
                b'\n' | b'\r' | 0 => continue,
                byte => Some(RtfToken::Byte(byte)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_file() {
        let tokens: Vec<RtfToken<'_>> = Lexer::new(
            b"{\\rtf1\\b0 a\\'e4\\{\\*\\u-10 \\bin3 }}}\\par\n\\li99999999999999999999x\\",
        )
        .collect();
        let expected = [
            RtfToken::Open,
            RtfToken::Word("rtf", Some(1)),
            RtfToken::Word("b", Some(0)),
            RtfToken::Byte(b'a'),
            RtfToken::Byte(0xE4),
            RtfToken::Byte(b'{'),
            RtfToken::Ignorable,
            RtfToken::Word("u", Some(-10)),
            RtfToken::Word("bin", Some(3)),
            RtfToken::Word("par", None),
            RtfToken::Word("li", Some(i32::MAX)),
            RtfToken::Byte(b'x'),
        ];
        assert_eq!(tokens, expected);
    }
}
