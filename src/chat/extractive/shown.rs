//! Markdown → what a reader sees of it.

/// A piece of Markdown as a reader sees it, on one line: no emphasis, no link targets, nothing
/// that reads as a mark of our own.
pub(super) fn shown(piece: &str) -> String {
    let lines: Vec<&str> = piece.lines().map(|line| line.trim_start_matches(QUOTED)).collect();
    let text = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_stray_ticks(without_links(&text.replace("**", "")));
    without_marks(text.trim_start_matches(QUOTED))
}

/// What a quoted line begins with.
const QUOTED: [char; 3] = [' ', '\t', '>'];

/// Backticks that do not pair here would pair across our marks.
fn without_stray_ticks(text: String) -> String {
    let even = text.matches('`').count().is_multiple_of(2);
    let paired = even && !text.contains("``") && !text.contains("\\`");
    if paired { text } else { text.replace('`', "") }
}

/// `[text](target)` as `text`, `![alt](target)` as `alt`.
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

/// A bracket that begins with a number becomes a parenthesis: `[3]` in a document is no citation
/// of ours.
fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let inner = rest[open + 1..].find(']').map(|length| &rest[open + 1..open + 1 + length]);
        let numbers =
            |inner: &str| inner.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ');
        out.push_str(&rest[..open]);
        if let Some(inner) = inner.filter(|inner| numbers(inner)) {
            out.push('(');
            out.push_str(inner);
            out.push(')');
            rest = &rest[open + inner.len() + 2..];
        } else {
            out.push('[');
            rest = &rest[open + 1..];
        }
    }
    out + rest
}
