//! Formatting that changes what a text says: 10⁶ is another number than 106, and text that is struck out no
//! longer applies.
//!
//! Raised and lowered characters become those of Unicode if it has them all, else they follow `^` or `_`, as in
//! formulas. The index folds them (NFKC), so that `H2O` finds `H₂O`, and `m2` finds `m²`. Struck-out text is
//! between `~~`, as in Markdown.

use std::borrow::Cow;

/// Whether characters are raised or lowered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Script {
    Super,
    Sub,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Formatting {
    pub(super) script: Option<Script>,
    pub(super) struck: bool,
}

impl Formatting {
    /// Marks the text that was appended from byte `start` on.
    pub(super) fn end(self, text: &mut String, start: usize) {
        if let Some(script) = self.script {
            end_script(text, start, script);
        }
        if self.struck {
            end_strike(text, start);
        }
    }

    /// The script of text within text of another script.
    pub(super) fn within(self, outer: Self) -> Self {
        Self { script: self.script.or(outer.script), struck: self.struck || outer.struck }
    }
}

/// The formatting at the end of a text that is read run by run.
#[derive(Clone, Default, Debug)]
pub(super) struct Formatted {
    now: Formatting,
    script_from: usize,
    struck_from: usize,
}

impl Formatted {
    /// Sets the formatting of what is appended to `text` from here on.
    pub(super) fn set(&mut self, text: &mut String, next: Formatting) {
        if next == self.now {
            return;
        }
        if let Some(script) = self.now.script {
            end_script(text, self.script_from, script);
        }
        if self.now.struck && !next.struck {
            end_strike(text, self.struck_from);
        }
        if next.struck && !self.now.struck {
            self.struck_from = text.len();
        }
        (self.now, self.script_from) = (next, text.len());
    }

    pub(super) fn end(&mut self, text: &mut String) {
        self.set(text, Formatting::default());
    }
}

/// Marks the text that was appended from byte `start` on as struck out.
fn end_strike(text: &mut String, start: usize) {
    let struck = text[start..].trim();
    if !struck.is_empty() {
        let from = text.len() - text[start..].trim_start().len();
        let struck = format!("~~{struck}~~");
        text.replace_range(from..text.trim_end().len(), &struck);
    }
}

/// Marks the text that was appended from byte `start` on as raised or lowered.
pub(super) fn end_script(text: &mut String, start: usize, script: Script) {
    let start = text.len() - text[start..].trim_start().len();
    let inner = text.split_off(start);
    if script == Script::Sub && end_fraction(text, &inner) {
        return;
    }
    let inner = written(text, &inner, script);
    text.push_str(&inner);
}

/// Longest text that is a script and not just small print, in bytes, and most letters in a row: others are
/// words.
/// others are words.
const LONGEST: usize = 24;
const LETTERS: usize = 2;

fn written<'a>(before: &str, inner: &'a str, script: Script) -> Cow<'a, str> {
    let has_digit = inner.contains(char::is_numeric);
    let mut runs = inner.split(|c: char| !c.is_alphabetic()).map(|run| run.chars().count());
    let longest = runs.clone().max().unwrap_or(0);
    let is_script = !inner.is_empty()
        && inner.len() <= LONGEST
        && !inner.starts_with('[')
        && longest <= LETTERS
        // Note and trade marks; ordinals and abbreviations: 1st, Mlle.
        && (has_digit || longest > 0 || inner.contains(is_sign))
        && (has_digit || inner.contains(is_sign) || runs.all(|run| run < LETTERS));
    let base = before.chars().next_back();
    if !is_script || has_digit && longest > 1 && is_ordinal(inner) {
        return Cow::Borrowed(inner);
    }
    if script == Script::Super && matches!(inner, "a" | "d" | "e" | "h" | "o" | "r") {
        // Degrees, typed with an `o` where the keyboard has no degree sign.
        let is_degree = inner == "o" && base.is_some_and(|base| base.is_ascii_digit());
        return Cow::Borrowed(if is_degree { "°" } else { inner });
    }
    if let Some(mapped) = inner.chars().map(|c| character(c, script)).collect::<Option<String>>() {
        return Cow::Owned(mapped);
    }
    // Several notes.
    let lists = |c: char| character(c, script).is_some() || matches!(c, ',' | ';' | ' ' | '*');
    if has_digit && longest == 0 && !base.is_some_and(char::is_numeric) && inner.chars().all(lists)
    {
        return inner.chars().map(|c| character(c, script).unwrap_or(c)).collect::<String>().into();
    }
    let has_base = base.is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '}' | '|'));
    if !has_base || script == Script::Sub && !has_digit && !inner.contains(is_sign) {
        return Cow::Borrowed(inner);
    }
    let mark = if script == Script::Super { '^' } else { '_' };
    let is_one =
        inner.chars().count() == 1 || inner.chars().all(|c| c.is_ascii_digit() || c == '.');
    Cow::Owned(if is_one { format!("{mark}{inner}") } else { format!("{mark}({inner})") })
}

/// Signs that turn letters into a formula.
fn is_sign(c: char) -> bool {
    matches!(c, '+' | '-' | '−' | '–' | '=' | '/' | '×' | '·')
}

/// Whether all of a raised text is an ordinal: `2nd`.
fn is_ordinal(inner: &str) -> bool {
    let letters = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    matches!(letters, "st" | "nd" | "rd" | "th" | "er" | "re")
}

/// Ends a fraction: ¹/ and ₂ are `1/2`, with a blank after a number before them, since 5¹/₂ would be indexed as
/// 51/2.
fn end_fraction(text: &mut String, below: &str) -> bool {
    let is_number = !below.is_empty() && below.bytes().all(|byte| byte.is_ascii_digit());
    let Some(before) = text.strip_suffix(['/', '⁄', '∕']).filter(|_| is_number) else {
        return false;
    };
    let digit = |c: char| ('0'..='9').find(|digit| character(*digit, Script::Super) == Some(c));
    let whole = before.trim_end_matches(|c| digit(c).is_some());
    let above: String = before[whole.len()..].chars().filter_map(digit).collect();
    if above.is_empty() {
        return false;
    }
    let gap = if whole.ends_with(|c: char| c.is_ascii_digit()) { " " } else { "" };
    *text = format!("{whole}{gap}{above}/{below}");
    true
}

/// The raised or lowered form of `c` in Unicode.
fn character(c: char, script: Script) -> Option<char> {
    const RAISED: &str =
        "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻−⁻–⁻‐⁻=⁼(⁽)⁾aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻTᵀ";
    const LOWERED: &str = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋−₋–₋‐₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓ";
    let pairs = if script == Script::Super { RAISED } else { LOWERED };
    let mut characters = pairs.chars();
    while let (Some(plain), Some(moved)) = (characters.next(), characters.next()) {
        if c == plain || c == moved {
            return Some(moved);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Script::{Sub, Super};
    use super::*;

    fn formatted(runs: &[(&str, Option<Script>, bool)]) -> String {
        let (mut text, mut formatted) = (String::new(), Formatted::default());
        for (run, script, struck) in runs {
            formatted.set(&mut text, Formatting { script: *script, struck: *struck });
            text.push_str(run);
        }
        formatted.end(&mut text);
        text
    }

    #[test]
    fn numbers_and_formulas_stay_what_they_are() {
        for (before, inner, script, expected) in [
            ("10", "6", Super, "10⁶"),
            ("10", "-6", Super, "10⁻⁶"),
            ("10", "−12", Super, "10⁻¹²"),
            ("10", "0.5", Super, "10^0.5"),
            ("10", "1,5", Super, "10^(1,5)"),
            ("5 km", "2", Super, "5 km²"),
            ("m s", "-1", Super, "m s⁻¹"),
            ("x", "n+1", Super, "xⁿ⁺¹"),
            ("x", "n", Super, "xⁿ"),
            ("2", "2ⁿ", Super, "2²ⁿ"),
            ("e", "iπ", Super, "eiπ"),
            ("e", "-iπ", Super, "e^(-iπ)"),
            ("e", "2π", Super, "e^(2π)"),
            ("A", "C", Super, "A^C"),
            ("$5", "99", Super, "$5⁹⁹"),
            ("Ca", "2+", Super, "Ca²⁺"),
            ("Na", "+", Super, "Na⁺"),
            ("", "14", Super, "¹⁴"),
            ("30 ", "1", Super, "30 ¹"),
            // Ordinals, abbreviations, marks, small print.
            ("1", "st", Super, "1st"),
            ("22", "nd", Super, "22nd"),
            ("2", "e", Super, "2e"),
            ("", "2nd", Super, "2nd"),
            ("M", "lle", Super, "Mlle"),
            ("docent", "TM", Super, "docentTM"),
            ("30", "o", Super, "30°"),
            ("n", "o", Super, "no"),
            ("fee", "*", Super, "fee*"),
            ("fee", "[1]", Super, "fee[1]"),
            ("fee", "1", Super, "fee¹"),
            ("fee.", "1, 2", Super, "fee.¹, ²"),
            ("fee", "1,3", Super, "fee¹,³"),
            ("", "made with care in 2024", Super, "made with care in 2024"),
            // Lowered.
            ("H", "2", Sub, "H₂"),
            ("x", "i", Sub, "xᵢ"),
            ("x", "n+1", Sub, "xₙ₊₁"),
            ("x", "i,1", Sub, "x_(i,1)"),
            ("C", "max", Sub, "Cmax"),
            ("V", "B", Sub, "VB"),
            ("log", "10", Sub, "log₁₀"),
            ("", "", Sub, ""),
        ] {
            let found = formatted(&[(before, None, false), (inner, Some(script), false)]);
            assert_eq!(found, expected, "{before} {script:?} {inner}");
        }
    }

    #[test]
    fn runs_are_joined() {
        let water = [("H", None, false), ("2", Some(Sub), false), ("O", None, false)];
        assert_eq!(formatted(&water), "H₂O");
        let power = [("10", None, false), ("-", Some(Super), false), ("12", Some(Super), false)];
        assert_eq!(formatted(&power), "10⁻¹²");
        let ion = [("SO", None, false), ("4", Some(Sub), false), ("2−", Some(Super), false)];
        assert_eq!(formatted(&ion), "SO₄²⁻");
        for (whole, expected) in [("5", "5 1/2"), ("about ", "about 1/2"), ("", "1/2")] {
            let half = [
                (whole, None, false),
                ("1", Some(Super), false),
                ("⁄", None, false),
                ("2", Some(Sub), false),
            ];
            assert_eq!(formatted(&half), expected);
        }
    }

    #[test]
    fn what_is_struck_out_is_marked() {
        for (runs, expected) in [
            (
                &[("Fee ", None, false), ("50 ", None, true), ("40", None, false)][..],
                "Fee ~~50~~ 40",
            ),
            (&[("a", None, true), (" b", None, true)], "~~a b~~"),
            (&[(" ", None, true), ("a", None, false)], " a"),
            (&[("10", None, true), ("6", Some(Super), true)], "~~10⁶~~"),
            (&[("10", None, true), ("6", Some(Super), false)], "~~10~~⁶"),
        ] {
            assert_eq!(formatted(runs), expected);
        }
    }

    #[test]
    fn every_character_has_its_own() {
        for script in [Super, Sub] {
            for c in "0123456789+-=()ain".chars().filter(|c| script == Super || *c != 'A') {
                let moved = character(c, script).filter(|moved| *moved != c);
                assert_eq!(moved.and_then(|moved| character(moved, script)), moved, "{c}");
                assert!(moved.is_some(), "{c}");
            }
        }
    }
}
