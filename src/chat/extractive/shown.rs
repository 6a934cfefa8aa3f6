//! Markdown → what a reader sees of it.

use crate::text::{reference, without_tags};

/// A piece of Markdown as a reader sees it, on one line: no emphasis, tags or link targets, nothing
/// that reads as a mark of our own.
pub(super) fn shown(piece: &str) -> String {
    let lines: Vec<&str> = piece.lines().map(|line| line.trim_start_matches(QUOTED)).collect();
    let text = without_tags(&lines.join(" ")).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_stray_ticks(without_links(&text.replace("**", "")));
    without_marks(without_label(text.trim_start_matches(QUOTED)))
}

/// Without the label of a footnote or of a link's target that it begins with (`[^1]: `, `.. [1] `), and
/// without the mark of one that it ends with.
fn without_label(text: &str) -> &str {
    let text = after_label(text.strip_prefix(".. ").unwrap_or(text)).unwrap_or(text);
    let mark = text.trim_end_matches(['.', ' ']).strip_suffix(']').and_then(|before| {
        let (before, name) = before.rsplit_once("[^")?;
        (!name.contains([' ', ']'])).then_some(before)
    });
    mark.map_or(text, str::trim_end)
}

fn after_label(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let (name, after) = inner.split_at(inner.find([']', '[', ' '])?);
    let after = after.strip_prefix(']')?;
    let rest = after.strip_prefix(':').unwrap_or(after);
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_label = is_number || name.starts_with(['^', '#']) || rest.len() < after.len();
    (is_label && rest.starts_with(' ')).then(|| rest.trim_start())
}

/// What a quoted line begins with.
const QUOTED: [char; 3] = [' ', '\t', '>'];

/// Backticks that do not pair here would pair across our marks.
fn without_stray_ticks(text: String) -> String {
    let even = text.matches('`').count().is_multiple_of(2);
    let paired = even && !text.contains("``") && !text.contains("\\`");
    if paired { text } else { text.replace('`', "") }
}

/// `[text](target)` and `[text][label]` as `text`, `![alt](target)` as `alt`.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let close = rest[open + 1..]
            .find(['[', ']'])
            .map(|length| open + 1 + length)
            .filter(|&close| rest[close..].starts_with(']'));
        let target = close.filter(|&close| rest[close..].starts_with("](")).and_then(|close| {
            let length = rest[close..].find([')', ' '])?;
            rest[close + length..].starts_with(')').then_some((close, close + length + 1))
        });
        // `rows[first][last]` is none.
        let is_text = !rest[..open].ends_with(char::is_alphanumeric);
        let labelled = || {
            let close = close.filter(|_| is_text)?;
            let end = close + reference(&rest[close..])?;
            (!rest[end..].starts_with(char::is_alphanumeric)).then_some((close, end))
        };
        let target = target.or_else(labelled);
        let Some((close, end)) = target else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        out.push_str(rest[..open].strip_suffix('!').unwrap_or(&rest[..open]));
        let label = &rest[open + 1..close];
        rest = &rest[end..];
        out.push_str(label);
    }
    out + rest
}

/// Numbers in brackets lose these: `[3]` and `(3)` in a document are no citations of ours.
fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['[', '(']) {
        let close = if rest[open..].starts_with('[') { ']' } else { ')' };
        let inner = rest[open + 1..].find(close).map(|length| &rest[open + 1..open + 1 + length]);
        let numbers = |inner: &str| {
            inner.contains(|c: char| c.is_ascii_digit())
                && inner.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ')
        };
        out.push_str(&rest[..open]);
        // `[^3]` is a mark, too.
        let label = inner.map(|inner| inner.strip_prefix('^').unwrap_or(inner));
        if let Some((inner, label)) = inner.zip(label.filter(|label| numbers(label))) {
            // `kept[2]` and `f(2)` are none.
            if out.ends_with(char::is_alphanumeric) {
                out.extend(["(", label, ")"]);
            } else {
                out.push_str(label);
            }
            rest = &rest[open + inner.len() + 2..];
        } else {
            out.push_str(&rest[open..=open]);
            rest = &rest[open + 1..];
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_marks_of_notes_are_not_shown() {
        for (piece, expected) in [
            ("[^1]: The fee is 12 kr.", "The fee is 12 kr."),
            ("[^long-name]: The fee.", "The fee."),
            ("[1]: the fee", "the fee"),
            (".. [1] The fee.", "The fee."),
            (".. [#fee] The fee.", "The fee."),
            ("> [2] Lee, A. Tides.", "Lee, A. Tides."),
            ("The fee is 12 kr.[^1]", "The fee is 12 kr."),
            ("The fee is 12 kr[^1].", "The fee is 12 kr"),
            ("[x] Paid", "[x] Paid"),
            ("[optional] The fee", "[optional] The fee"),
            ("[^1]:", "1:"),
            ("See [3] there", "See 3 there"),
            ("See (3) and [^4], f(2)", "See 3 and 4, f(2)"),
            ("[", "["),
        ] {
            assert_eq!(shown(piece), expected, "{piece}");
        }
    }
}
