//! Numbers as fractions: `1.5` with the format `# ?/?` is `1 1/2`.

/// How a format writes fractions.
#[derive(Debug, PartialEq)]
struct Fraction<'a> {
    /// The text before and after it.
    before: &'a str,
    behind: &'a str,
    /// Whether the whole part is separate.
    has_whole: bool,
    denominator: Denominator,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Denominator {
    /// `# ?/8`.
    Fixed(u64),
    /// With this many digits.
    Digits(u32),
}

/// `number` as a section of a format shows it; `None` if the section has no fraction.
pub(super) fn shown(number: f64, section: &str) -> Option<String> {
    /// Numbers beyond this have too few digits left for a fraction.
    const MOST: f64 = 1e12;
    let format = read(section)?;
    let magnitude = number.abs();
    if magnitude > MOST {
        return None;
    }
    let (mut whole, rest) =
        if format.has_whole { (magnitude.trunc(), magnitude.fract()) } else { (0.0, magnitude) };
    let (mut numerator, denominator) = match format.denominator {
        Denominator::Fixed(denominator) => {
            ((rest * denominator as f64).round() as u64, denominator)
        }
        Denominator::Digits(digits) => nearest(rest, 10_u64.pow(digits) - 1),
    };
    if format.has_whole && numerator == denominator {
        (whole, numerator) = (whole + 1.0, 0);
    }
    let sign = if number < 0.0 && (whole > 0.0 || numerator > 0) { "-" } else { "" };
    let text = match (format.has_whole, numerator) {
        (true, 0) => format!("{whole}"),
        (true, _) if whole > 0.0 => format!("{whole} {numerator}/{denominator}"),
        _ => format!("{numerator}/{denominator}"),
    };
    Some(format!("{}{sign}{text}{}", format.before, format.behind).trim().to_owned())
}

/// The nearest fraction with a denominator of up to `most`; of several, the one with the smallest denominator.
fn nearest(number: f64, most: u64) -> (u64, u64) {
    let mut best = (number.round() as u64, 1);
    let mut error = (number - number.round()).abs();
    for denominator in 2..=most {
        let numerator = (number * denominator as f64).round();
        let missed = (number - numerator / denominator as f64).abs();
        if missed < error - 1e-12 {
            (best, error) = ((numerator as u64, denominator), missed);
        }
    }
    best
}

fn read(section: &str) -> Option<Fraction<'_>> {
    let is_place = |c: char| matches!(c, '#' | '?' | '0');
    let slash = section.find('/')?;
    let (left, right) = (&section[..slash], &section[slash + 1..]);
    let numerator = left.trim_end_matches(is_place);
    let of_denominator =
        right.len() - right.trim_start_matches(|c: char| is_place(c) || c.is_ascii_digit()).len();
    let (below, behind) = right.split_at(of_denominator);
    if numerator.len() == left.len() || below.is_empty() {
        return None;
    }
    let denominator = if below.contains(|c: char| matches!(c, '1'..='9')) {
        Denominator::Fixed(below.parse().ok().filter(|number| (1..=9_999).contains(number))?)
    } else {
        Denominator::Digits(u32::try_from(below.len()).ok()?.min(3))
    };
    let whole = numerator.trim_end();
    let before = whole.trim_end_matches(|c: char| is_place(c) || c == ',');
    let has_whole = before.len() < whole.len();
    if before.contains(|c: char| is_place(c) || c == '.') {
        return None;
    }
    // Spaces of the width of a sign, and colours.
    let plain = |text: &str| !text.contains(['_', '*', '[', '\\', '"']);
    (plain(before) && plain(behind)).then_some(Fraction { before, behind, has_whole, denominator })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_fractions() {
        for (number, section, expected) in [
            (0.5, "# ?/?", Some("1/2")),
            (1.5, "# ?/?", Some("1 1/2")),
            (2.0, "# ?/?", Some("2")),
            (0.0, "# ?/?", Some("0")),
            (-0.25, "# ?/?", Some("-1/4")),
            (std::f64::consts::PI, "# ?/?", Some("3 1/7")),
            (std::f64::consts::PI, "# ??/??", Some("3 14/99")),
            (std::f64::consts::PI, "# ???/???", Some("3 16/113")),
            (0.99, "# ?/?", Some("1")),
            (1.375, "# ?/8", Some("1 3/8")),
            (1.25, "# ??/16", Some("1 4/16")),
            (1.25, "?/?", Some("5/4")),
            (0.3, "# ?/10", Some("3/10")),
            (1.5, "# ?/? kg", Some("1 1/2 kg")),
            (1e20, "# ?/?", None),
            (1.5, "d/m", None),
            (1.5, "0\" km/h\"", None),
            (1.5, "0.0", None),
            (1.5, "?/", None),
            (1.5, "/?", None),
        ] {
            assert_eq!(shown(number, section).as_deref(), expected, "{number} as {section}");
        }
    }
}
