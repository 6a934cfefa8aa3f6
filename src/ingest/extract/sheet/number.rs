//! Numbers as a cell shows them: `0.256` with the format `0.0%` is `25.6%`.
//!
//! What a number means is often only in its format: that it is money, a share, thousands. Formats
//! that this does not know (fractions, exponents) leave the number as it is.

/// `format` is a number format of a workbook, such as `#,##0.00 "kg"`.
pub(super) fn shown(number: f64, format: Option<&str>) -> String {
    let format = format.unwrap_or("General");
    format_section(number, format)
        .and_then(|(section, number)| Format::read(section).map(|format| format.write(number)))
        .unwrap_or_else(|| general(number))
}

/// As many digits as are true, and no more.
fn general(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Minus zero is zero.
    (rounded + 0.0).to_string()
}

/// A format has up to four sections: for positive and negative numbers, zero and text.
fn format_section(number: f64, format: &str) -> Option<(&str, f64)> {
    if format.eq_ignore_ascii_case("general") || !number.is_finite() {
        return None;
    }
    let sections: Vec<&str> = format.split(';').collect();
    match sections.as_slice() {
        [_, negative, ..] if number < 0.0 => Some((negative, -number)),
        [_, _, zero, ..] if number == 0.0 => Some((zero, number)),
        [first, ..] => Some((first, number)),
        [] => None,
    }
}

#[derive(Default)]
struct Format {
    before: String,
    after: String,
    grouped: bool,
    /// Decimals that are always shown, and those that are where they are not zero.
    decimals: (usize, usize),
    /// What the number is divided by.
    scale: f64,
}

impl Format {
    /// `None` for what is no plain decimal number.
    fn read(section: &str) -> Option<Self> {
        let mut format = Self { scale: 1.0, ..Self::default() };
        let (mut digits, mut point, mut commas) = (0, false, 0);
        let mut characters = section.chars();
        while let Some(character) = characters.next() {
            match character {
                '0' | '#' | '?' => {
                    // A comma between digits groups them.
                    format.grouped |= commas > 0;
                    (digits, commas) = (digits + 1, 0);
                    if point {
                        format.decimals.0 += usize::from(character == '0');
                        format.decimals.1 += usize::from(character != '0');
                    }
                }
                '.' if digits > 0 || section.contains(".0") => point = true,
                ',' if digits > 0 => commas += 1,
                'E' | 'e' | '/' | '@' => return None,
                '_' | '*' => {
                    characters.next();
                }
                '[' => {
                    let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    // `[$€-407]` is a currency; others are colours and conditions.
                    let currency = inner.strip_prefix('$').and_then(|c| c.split('-').next());
                    format.literal(digits).push_str(currency.unwrap_or_default());
                }
                '"' => {
                    let text: String = characters.by_ref().take_while(|c| *c != '"').collect();
                    format.literal(digits).push_str(&text);
                }
                '\\' => format.literal(digits).extend(characters.next()),
                '%' => {
                    format.scale /= 100.0;
                    format.literal(digits).push('%');
                }
                character => format.literal(digits).push(character),
            }
        }
        // One after the last digit divides by a thousand.
        format.scale *= 1000_f64.powi(commas);
        (digits > 0).then_some(format)
    }

    fn literal(&mut self, digits: usize) -> &mut String {
        if digits == 0 { &mut self.before } else { &mut self.after }
    }

    fn write(&self, number: f64) -> String {
        let (always, perhaps) = self.decimals;
        // Of two nearest numbers people expect the one away from zero.
        let nudged = number / self.scale * (1.0 + f64::EPSILON);
        let digits = format!("{:.*}", (always + perhaps).min(15), nudged.abs());
        let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
        let kept = decimals.trim_end_matches('0').len().max(always.min(decimals.len()));
        let mut shown = if self.grouped { grouped(whole) } else { whole.to_owned() };
        if kept > 0 {
            shown.push('.');
            shown.push_str(&decimals[..kept]);
        }
        let is_zero = !digits.contains(|digit: char| digit.is_ascii_digit() && digit != '0');
        let sign = if number < 0.0 && !is_zero { "-" } else { "" };
        format!("{sign}{}{shown}{}", self.before, self.after).trim().to_owned()
    }
}

/// `1234567` as `1,234,567`.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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
            (0.5, "# ?/?", "0.5"),
            (12345.0, "0.00E+00", "12345"),
            (7.0, "[Red]0", "7"),
            (0.0, "0;-0;\"none\"", "0"),
            (1e300, "0", &format!("{:.0}", 1e300 * (1.0 + f64::EPSILON))),
            (f64::NAN, "0.0", "NaN"),
        ] {
            assert_eq!(shown(number, Some(format)), expected, "{number} as {format}");
        }
    }
}
