//! Numbers as cells show them: `0.256` with the format `0.0%` is `25.6%`, `1730` with `00000` is `01730`.
//!
//! Often only the format says what a number means: that it is money, a share, thousands, or a code with leading
//! zeros. A number with an unknown format is left as it is; fractions are in `fraction`.

use std::cmp::Ordering;

use super::fraction;

/// Longest format, in bytes: Excel allows 255 characters.
const LONGEST: usize = 1000;

/// `format` is a number format of a workbook, such as `#,##0.00 "kg"`.
pub(super) fn shown(number: f64, format: Option<&str>) -> String {
    let format = format.filter(|format| format.len() <= LONGEST).unwrap_or("General");
    format_section(number, format)
        .and_then(|(section, number)| {
            let fraction = fraction::shown(number, section);
            fraction.or_else(|| Some(Format::read(section)?.write(number)))
        })
        .unwrap_or_else(|| general(number))
}

/// The number with its significant digits only.
fn general(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Minus zero becomes zero.
    (rounded + 0.0).to_string()
}

/// The section that applies to a number. A format has up to four: for positive and negative numbers, zero and
/// text, or for the numbers that their conditions select.
fn format_section(number: f64, format: &str) -> Option<(&str, f64)> {
    if format.eq_ignore_ascii_case("general") || !number.is_finite() {
        return None;
    }
    let sections = sections(format);
    if let Some((section, _)) = sections
        .iter()
        .filter_map(|section| Some((section, condition(section)?)))
        .find(|(_, holds)| holds(number))
    {
        return Some((section, number));
    }
    if let Some(first) = sections.first().filter(|first| condition(first).is_some()) {
        let others = sections[1..].iter().find(|section| condition(section).is_none());
        return Some((others.unwrap_or(first), number));
    }
    match sections.as_slice() {
        [_, negative, ..] if number < 0.0 => Some((negative, -number)),
        [_, _, zero, ..] if number == 0.0 => Some((zero, number)),
        [first, ..] => Some((first, number)),
        [] => None,
    }
}

/// Splits at semicolons that are not quoted.
fn sections(format: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let divides = |character: char| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match character {
            '"' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            _ => {}
        }
        character == ';' && !quoted
    };
    format.split(divides).collect()
}

/// The condition of a section: `[>=1000]`.
fn condition(section: &str) -> Option<impl Fn(f64) -> bool + use<>> {
    let mut bracketed = section.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    let found = bracketed.find(|inner| inner.starts_with(['<', '>', '=']))?;
    let sign = found.trim_end_matches(|c: char| !matches!(c, '<' | '>' | '=')).to_owned();
    let limit: f64 = found[sign.len()..].trim().parse().ok()?;
    Some(move |number: f64| match sign.as_str() {
        "<" => number < limit,
        "<=" => number <= limit,
        ">" => number > limit,
        ">=" => number >= limit,
        "<>" => number.partial_cmp(&limit) != Some(Ordering::Equal),
        _ => number.partial_cmp(&limit) == Some(Ordering::Equal),
    })
}

#[derive(Debug)]
enum Token {
    /// `0`, `#` or `?`.
    Digit(char),
    Point,
    Text(String),
}

#[derive(Default)]
struct Format {
    tokens: Vec<Token>,
    grouped: bool,
    /// The divisor of the number.
    scale: f64,
    /// Digits of the exponent, if there is one.
    exponent: Option<usize>,
}

impl Format {
    /// `None` for a section that is more than a plain number.
    fn read(section: &str) -> Option<Self> {
        let mut format = Self { scale: 1.0, ..Self::default() };
        let (mut digits, mut commas) = (0, 0);
        let mut characters = section.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '0' | '#' | '?' => {
                    // A comma between digits groups them.
                    format.grouped |= commas > 0;
                    (digits, commas) = (digits + 1, 0);
                    match &mut format.exponent {
                        Some(length) => *length += 1,
                        None => format.tokens.push(Token::Digit(character)),
                    }
                }
                '.' if digits > 0 || characters.peek().is_some_and(|c| "0#?".contains(*c)) => {
                    format.tokens.push(Token::Point);
                }
                ',' if digits > 0 => commas += 1,
                'E' | 'e' if matches!(characters.peek(), Some('+' | '-')) => {
                    characters.next();
                    format.exponent = Some(0);
                }
                '/' | '@' => return None,
                'G' if section.to_ascii_lowercase().contains("general") => return None,
                '_' | '*' => {
                    characters.next();
                }
                '[' => {
                    let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    // `[$€-407]` is a currency; others are colours and conditions.
                    let currency = inner.strip_prefix('$').and_then(|c| c.split('-').next());
                    format.push(currency.unwrap_or_default());
                }
                '"' => {
                    let text: String = characters.by_ref().take_while(|c| *c != '"').collect();
                    format.push(&text);
                }
                '\\' => {
                    let next = characters.next();
                    format.push(next.map(String::from).unwrap_or_default().as_str());
                }
                '%' => {
                    format.scale /= 100.0;
                    format.push("%");
                }
                character => format.push(character.encode_utf8(&mut [0; 4])),
            }
        }
        // Each comma after the last digit divides by a thousand.
        format.scale *= 1000_f64.powi(commas);
        Some(format)
    }

    fn push(&mut self, text: &str) {
        match self.tokens.last_mut() {
            Some(Token::Text(last)) => last.push_str(text),
            _ => self.tokens.push(Token::Text(text.to_owned())),
        }
    }

    /// The digits before and after the decimal point of a format.
    fn digits(&self) -> (Vec<char>, Vec<char>) {
        let digits = |tokens: &[Token]| {
            let digit =
                |token: &Token| if let Token::Digit(digit) = token { Some(*digit) } else { None };
            tokens.iter().filter_map(digit).collect()
        };
        let point = self.tokens.iter().position(|token| matches!(token, Token::Point));
        let (before, behind) = self.tokens.split_at(point.unwrap_or(self.tokens.len()));
        (digits(before), digits(behind))
    }

    fn write(&self, number: f64) -> String {
        let (before, behind) = self.digits();
        let places = behind.len().min(15);
        // A number halfway between two is rounded away from zero, as people expect.
        let nudged = (number / self.scale * (1.0 + f64::EPSILON)).abs();
        let mut end = String::new();
        let digits = if let Some(length) = self.exponent {
            let written = format!("{nudged:.places$e}");
            let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
            let sign = if exponent.starts_with('-') { '-' } else { '+' };
            let width = length.min(9);
            end = format!("E{sign}{:0>width$}", exponent.trim_start_matches('-'));
            mantissa.to_owned()
        } else {
            format!("{nudged:.places$}")
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
        let is_zero = !digits.contains(|digit: char| digit.is_ascii_digit() && digit != '0');
        let has_digits = !before.is_empty() || !behind.is_empty();
        let mut out = String::new();
        if number < 0.0 && !is_zero && has_digits {
            out.push('-');
        }
        let mut filled = Filled::new(whole, decimals, &before, &behind, self.grouped);
        for token in &self.tokens {
            match token {
                Token::Text(text) => out.push_str(text),
                Token::Point => filled.point(&mut out),
                Token::Digit(_) => filled.digit(&mut out),
            }
            if filled.is_done() {
                out.push_str(&std::mem::take(&mut end));
            }
        }
        out.trim().to_owned()
    }
}

/// The digits of a number while they fill the places of a format.
struct Filled {
    whole: Vec<char>,
    decimals: Vec<char>,
    /// Places before the point, and how many of them are filled.
    before: usize,
    at: usize,
    /// How many decimals are written.
    behind: usize,
    all_behind: usize,
    seen_behind: usize,
    in_decimals: bool,
    grouped: bool,
}

impl Filled {
    fn new(whole: &str, decimals: &str, before: &[char], behind: &[char], grouped: bool) -> Self {
        let first = before.iter().position(|digit| *digit == '0');
        let always = first.map_or(0, |at| before.len() - at);
        let whole = whole.trim_start_matches('0');
        let padded = format!("{whole:0>always$}").chars().collect();
        let shown = behind.iter().rposition(|digit| *digit == '0').map_or(0, |at| at + 1);
        let kept = decimals.trim_end_matches('0').len().max(shown.min(decimals.len()));
        Self {
            whole: padded,
            decimals: decimals.chars().take(kept).collect(),
            before: before.len(),
            at: 0,
            behind: 0,
            all_behind: behind.len(),
            seen_behind: 0,
            in_decimals: false,
            grouped,
        }
    }

    /// Writes the next digit. The first place takes all digits that have no place of their own.
    fn digit(&mut self, out: &mut String) {
        if self.in_decimals {
            self.seen_behind += 1;
            if let Some(digit) = self.decimals.get(self.behind) {
                out.push(*digit);
                self.behind += 1;
            }
            return;
        }
        let from_right = self.before - 1 - self.at;
        let first =
            if self.at == 0 { self.whole.len().max(from_right + 1) } else { from_right + 1 };
        self.at += 1;
        self.write(out, first, from_right);
    }

    /// Writes the digits between two places, counted from the right.
    fn write(&self, out: &mut String, first: usize, last: usize) {
        for place in (last..first).rev() {
            if let Some(digit) = self.whole.len().checked_sub(place + 1).map(|at| self.whole[at]) {
                out.push(digit);
                if self.grouped && place > 0 && place.is_multiple_of(3) {
                    out.push(',');
                }
            }
        }
    }

    fn point(&mut self, out: &mut String) {
        if self.before == 0 {
            self.write(out, self.whole.len(), 0);
        }
        self.in_decimals = true;
        if !self.decimals.is_empty() {
            out.push('.');
        }
    }

    /// Whether all places were reached.
    fn is_done(&self) -> bool {
        self.at == self.before
            && self.seen_behind == self.all_behind
            && (self.in_decimals || self.all_behind == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_cells_show_them() {
        for (number, format, expected) in [
            (5.0, "General", "5"),
            (0.1 + 0.2, "General", "0.3"),
            (-0.0, "General", "0"),
            (1234.5, "General", "1234.5"),
            (0.256, "0%", "26%"),
            (0.256, "0.0%", "25.6%"),
            (1_234_567.891, "#,##0.00", "1,234,567.89"),
            (999.0, "#,##0", "999"),
            (1234.5, "\"$\"#,##0.00", "$1,234.50"),
            (1234.5, "#,##0.00\\ [$€-407]", "1,234.50 €"),
            (-3.5, "#,##0.00_);(#,##0.00)", "(3.50)"),
            (3.5, "_-* #,##0.00 \"kg\"_-;-* #,##0.00_-", "3.50 kg"),
            (-3.5, "0.0", "-3.5"),
            (-0.001, "0.0", "0.0"),
            (2.5, "0.##", "2.5"),
            (2.0, "0.##", "2"),
            (1_500_000.0, "0.0,,\" M\"", "1.5 M"),
            (1.005, "0.00", "1.01"),
            (0.5, "# ?/?", "1/2"),
            (2.5, "# ?/?;-# ?/?", "2 1/2"),
            (7.0, "[Red]0", "7"),
            (1730.0, "00000", "01730"),
            (123_456.0, "00000", "123456"),
            (5.0, "000.0", "005.0"),
            (1234.0, "00,000", "01,234"),
            (123_456_789.0, "000-00-0000", "123-45-6789"),
            (5_551_234.0, "[<=9999999]###-####;(###) ###-####", "555-1234"),
            (2_125_551_234.0, "[<=9999999]###-####;(###) ###-####", "(212) 555-1234"),
            (500.0, "[>=1000]0.0,\"k\";0", "500"),
            (1500.0, "[>=1000]0.0,\"k\";0", "1.5k"),
            (12345.0, "0.00E+00", "1.23E+04"),
            (0.00012, "0.0E+0", "1.2E-4"),
            (0.25, ".00", ".25"),
            (3.25, ".00", "3.25"),
            (0.0, "0;-0;\"none\"", "none"),
            (0.0, "0;-0;", ""),
            (7.0, ";;;", ""),
            (0.0, "_-* #,##0_-;-* #,##0_-;_-* \"-\"??_-", "-"),
            (1.0, "\"yes\";\"no\"", "yes"),
            (1.0, "0\";\"0", "0;1"),
            (-4.0, "0 \"°C\"", "-4 °C"),
            (3.0, "General\" pcs\"", "3"),
            (1e300, "0", &format!("{:.0}", 1e300 * (1.0 + f64::EPSILON))),
            (f64::NAN, "0.0", "NaN"),
            (1.0, "\\", ""),
            (1.0, "[", ""),
        ] {
            assert_eq!(shown(number, Some(format)), expected, "{number} as {format}");
        }
    }
}
