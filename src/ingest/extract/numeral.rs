//! Numbers of lists as word processors write them: `iv`, `c`, `三`.

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NumeralStyle {
    Decimal,
    /// With at least two digits.
    Padded,
    LowerRoman,
    UpperRoman,
    LowerLetter,
    UpperLetter,
    LowerRussian,
    UpperRussian,
    /// `1st`
    Ordinal,
    /// In a circle.
    Enclosed,
    FullWidth,
    /// 三十二
    Chinese,
    Bullet,
    None,
}

impl NumeralStyle {
    /// The format that Word's `numFmt` names (ECMA-376 part 1, 17.18.59); decimal if it is unknown.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "decimalZero" => Self::Padded,
            "lowerRoman" => Self::LowerRoman,
            "upperRoman" => Self::UpperRoman,
            "lowerLetter" => Self::LowerLetter,
            "upperLetter" => Self::UpperLetter,
            "russianLower" => Self::LowerRussian,
            "russianUpper" => Self::UpperRussian,
            "ordinal" => Self::Ordinal,
            "decimalEnclosedCircle" | "decimalEnclosedCircleChinese" => Self::Enclosed,
            "decimalFullWidth" | "decimalFullWidth2" => Self::FullWidth,
            "chineseCounting"
            | "chineseCountingThousand"
            | "japaneseCounting"
            | "taiwaneseCounting"
            | "taiwaneseCountingThousand" => Self::Chinese,
            "bullet" => Self::Bullet,
            "none" => Self::None,
            _ => Self::Decimal,
        }
    }

    /// The format shown by its numeral for one, as in `OpenDocument`.
    pub(super) fn sampled(sample: &str) -> Self {
        match sample {
            "" => Self::None,
            "i" => Self::LowerRoman,
            "I" => Self::UpperRoman,
            "a" => Self::LowerLetter,
            "A" => Self::UpperLetter,
            "а" => Self::LowerRussian,
            "А" => Self::UpperRussian,
            "一" | "一, 二, 三, ..." => Self::Chinese,
            "①" | "①, ②, ③, ..." => Self::Enclosed,
            _ => Self::Decimal,
        }
    }

    pub(super) fn of(self, number: u32) -> String {
        let written = match self {
            Self::Decimal => None,
            Self::Padded => Some(format!("{number:02}")),
            Self::LowerRoman => roman(number).map(|it| it.to_lowercase()),
            Self::UpperRoman => roman(number),
            Self::LowerLetter => letters(number, &latin()),
            Self::UpperLetter => letters(number, &latin()).map(|it| it.to_uppercase()),
            Self::LowerRussian => letters(number, &russian()),
            Self::UpperRussian => letters(number, &russian()).map(|it| it.to_uppercase()),
            Self::Ordinal => Some(ordinal(number)),
            Self::Enclosed if (1..=20).contains(&number) => {
                char::from_u32(0x2460 + number - 1).map(String::from)
            }
            Self::FullWidth => Some(full_width(number)),
            Self::Chinese => chinese(number),
            Self::Enclosed => None,
            Self::Bullet | Self::None => Some(String::new()),
        };
        written.unwrap_or_else(|| number.to_string())
    }
}

/// For 1 to 3,999: Roman numerals cannot write more.
pub(super) fn roman(mut number: u32) -> Option<String> {
    const STEPS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    if !(1..4000).contains(&number) {
        return None;
    }
    for (value, sign) in STEPS {
        while number >= value {
            out.push_str(sign);
            number -= value;
        }
    }
    Some(out)
}

fn latin() -> Vec<char> {
    ('a'..='z').collect()
}

/// Lists leave out letters that no word starts with, and those that look like others.
fn russian() -> Vec<char> {
    ('а'..='я').filter(|letter| !"йъыь".contains(*letter)).collect()
}

/// `z` is followed by `aa`, and that by `bb`.
fn letters(number: u32, alphabet: &[char]) -> Option<String> {
    const MOST: usize = 5;
    let index = number.checked_sub(1)? as usize;
    let times = index / alphabet.len() + 1;
    (times <= MOST).then(|| std::iter::repeat_n(alphabet[index % alphabet.len()], times).collect())
}

fn ordinal(number: u32) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

fn full_width(number: u32) -> String {
    let wide = |digit: char| char::from_u32(digit as u32 - u32::from(b'0') + 0xFF10);
    number.to_string().chars().filter_map(wide).collect()
}

fn chinese(number: u32) -> Option<String> {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    if !(1..10_000).contains(&number) {
        return None;
    }
    let mut out = String::new();
    let mut gap = false;
    for (value, unit) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = (number / value % 10) as usize;
        if digit == 0 {
            gap |= !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push('〇');
        }
        // Ten is 十, not 一十.
        if !(value == 10 && digit == 1 && out.is_empty()) {
            out.push_str(DIGITS[digit]);
        }
        out.push_str(unit);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written() {
        for (name, number, expected) in [
            ("decimal", 12, "12"),
            ("decimalZero", 7, "07"),
            ("lowerRoman", 4, "iv"),
            ("upperRoman", 1994, "MCMXCIV"),
            ("upperRoman", 0, "0"),
            ("lowerRoman", 4_000_000_000, "4000000000"),
            ("lowerLetter", 3, "c"),
            ("upperLetter", 28, "BB"),
            ("lowerLetter", 4_000_000_000, "4000000000"),
            ("lowerLetter", 0, "0"),
            ("russianLower", 2, "б"),
            ("ordinal", 112, "112th"),
            ("ordinal", 22, "22nd"),
            ("decimalEnclosedCircle", 3, "③"),
            ("decimalEnclosedCircle", 30, "30"),
            ("decimalFullWidth", 10, "１０"),
            ("chineseCounting", 12, "十二"),
            ("chineseCountingThousand", 3105, "三千一百〇五"),
            ("bullet", 3, ""),
            ("none", 3, ""),
            ("bahtText", 3, "3"),
        ] {
            assert_eq!(NumeralStyle::named(name).of(number), expected, "{name} {number}");
        }
    }
}
