//! Numbers and times in words.

/// `1 passage`, `1,204 passages`. The plural of `noun` has to end in `s`.
pub fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(number))
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// ` over docs README.md`, for a run; empty for one that read no roots, such as a purge.
pub fn over(roots: &[String]) -> String {
    if roots.is_empty() { String::new() } else { format!(" over {}", roots.join(" ")) }
}

/// `850 ms`, `6.1 s`.
pub fn seconds(milliseconds: u64) -> String {
    if milliseconds < 1_000 {
        format!("{milliseconds} ms")
    } else {
        format!("{:.1} s", milliseconds as f64 / 1_000.0)
    }
}

/// `812 B`, `2.3 kB`, `49 MB`, `1.2 TB`: units are powers of 1,000.
pub fn bytes(number: u64) -> String {
    let (mut amount, mut units) = (number as f64, ["kB", "MB", "GB", "TB", "PB"].iter());
    let mut unit = "B";
    while amount >= 999.5
        && let Some(next) = units.next()
    {
        (amount, unit) = (amount / 1_000.0, next);
    }
    let digits = usize::from(amount < 9.95 && unit != "B");
    format!("{amount:.digits$} {unit}")
}

/// An amount of money: `12.30`, and small amounts with two significant digits, `0.00042`.
pub fn money(amount: f64) -> String {
    let zeros = if amount > 0.0 { (-amount.log10()).floor().max(0.0) as usize } else { 0 };
    format!("{amount:.*}", (zeros + 2).min(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_thousands_are_grouped() {
        let shown = [0, 1, 2, 999, 1_000, 1_234_567].map(|n| counted(n, "chunk"));
        assert_eq!(
            shown,
            ["0 chunks", "1 chunk", "2 chunks", "999 chunks", "1,000 chunks", "1,234,567 chunks"]
        );
        let amounts = [0.0, 12.3, 1.0, 0.5, 0.049_3, 0.000_421, 1e-30].map(money);
        assert_eq!(
            amounts,
            ["0.00", "12.30", "1.00", "0.50", "0.049", "0.00042", "0.000000000000"]
        );
        let sizes = [0, 812, 2_349, 9_960, 49_400_000, 999_700_000, 1_234_000_000_000].map(bytes);
        assert_eq!(sizes, ["0 B", "812 B", "2.3 kB", "10 kB", "49 MB", "1.0 GB", "1.2 TB"]);
        assert_eq!([seconds(999), seconds(6_149)], ["999 ms", "6.1 s"]);
    }
}
