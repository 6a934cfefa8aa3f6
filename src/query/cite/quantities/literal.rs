//! Digits as they are written → the number that they mean.

use super::super::language::TextLanguage;

/// A run of digits, with the signs between them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Literal {
    /// The text without grouping signs, except full stops and commas.
    pub(super) text: String,
    /// The number; two numbers if the language does not decide whether `1.250` has a decimal point. Empty
    /// if it is not a number: a version, an address.
    pub(super) values: Vec<f64>,
}

impl Literal {
    /// `text` begins and ends with a digit, and contains digits, full stops, commas, and other signs that
    /// group digits.
    pub(super) fn parse(text: &str, language: TextLanguage) -> Self {
        let text: String =
            text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
        let values = values(&text, language);
        Self { text, values }
    }
}

fn values(text: &str, language: TextLanguage) -> Vec<f64> {
    let signs = |sign: char| text.matches(sign).count();
    let (stops, commas) = (signs('.'), signs(','));
    let number = |group: Option<char>, decimal: Option<char>| -> Option<f64> {
        let plain: String = text.chars().filter(|c| Some(*c) != group).collect();
        let plain = decimal.map_or(plain.clone(), |sign| plain.replace(sign, "."));
        plain.parse().ok()
    };
    let of = |group, decimal| number(group, decimal).into_iter().collect();
    match (stops, commas) {
        (0, 0) => of(None, None),
        (_, 1)
            if stops >= 1
                && text.rfind(',') > text.rfind('.')
                && grouped(text.split(',').next(), '.') =>
        {
            of(Some('.'), Some(','))
        }
        (1, _)
            if commas >= 1
                && text.rfind('.') > text.rfind(',')
                && grouped(text.split('.').next(), ',') =>
        {
            of(Some(','), Some('.'))
        }
        (1, 0) | (0, 1) => {
            let sign = if stops == 1 { '.' } else { ',' };
            if !grouped(Some(text), sign) || text.starts_with('0') {
                return of(None, Some(sign));
            }
            let (whole, fraction) = (number(Some(sign), None), number(None, Some(sign)));
            let groups = match language {
                TextLanguage::English => Some(sign == ','),
                TextLanguage::Other => None,
                _ => Some(sign == '.'),
            };
            match groups {
                Some(true) => whole.into_iter().collect(),
                Some(false) => fraction.into_iter().collect(),
                None => whole.into_iter().chain(fraction).collect(),
            }
        }
        (0, _) if grouped(Some(text), ',') => of(Some(','), None),
        (_, 0) if grouped(Some(text), '.') => of(Some('.'), None),
        _ => Vec::new(),
    }
}

/// Whether the signs separate groups of three digits, or of two with a last group of three, as in India;
/// the first group may be shorter.
fn grouped(text: Option<&str>, sign: char) -> bool {
    let groups: Vec<usize> = text.unwrap_or_default().split(sign).map(str::len).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return true };
    let of = |size: usize| (1..=size).contains(first) && middle.iter().all(|group| *group == size);
    *last == 3 && (of(3) || (!middle.is_empty() && of(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_between_digits_group_or_separate() {
        for (text, language, expected) in [
            ("1,204", TextLanguage::English, &[1204.0][..]),
            ("1.204", TextLanguage::English, &[1.204]),
            ("1.204", TextLanguage::German, &[1204.0]),
            ("1,204", TextLanguage::French, &[1.204]),
            ("1,204", TextLanguage::Other, &[1204.0, 1.204]),
            ("1,250.5", TextLanguage::Other, &[1250.5]),
            ("1.250,5", TextLanguage::Other, &[1250.5]),
            ("1'250.50", TextLanguage::German, &[1250.5]),
            ("12,5", TextLanguage::English, &[12.5]),
            ("0.125", TextLanguage::German, &[0.125]),
            ("1.250.000", TextLanguage::English, &[1_250_000.0]),
            ("12,50,000", TextLanguage::English, &[1_250_000.0]),
            ("1,00,000.5", TextLanguage::English, &[100_000.5]),
            ("007", TextLanguage::English, &[7.0]),
            ("1.18.3", TextLanguage::English, &[]),
            ("192.168.0.1", TextLanguage::English, &[]),
            ("1,2,3", TextLanguage::English, &[]),
        ] {
            assert_eq!(Literal::parse(text, language).values, expected, "{text} {language:?}");
        }
    }
}
