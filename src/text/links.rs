//! Targets of links in Markdown, reStructuredText and `AsciiDoc`.

use super::markup::first;

/// Longest label of a link that is defined elsewhere, in bytes.
const LONGEST_LABEL: usize = 100;

/// Length of `][label]`, which refers to a target that is defined elsewhere. `][2]` is not a label.
pub(super) fn reference(text: &str) -> Option<usize> {
    let label = text.strip_prefix("][")?;
    let end = label.find([']', '[', '\n']).filter(|end| *end <= LONGEST_LABEL)?;
    let is_label = end == 0 || label[..end].contains(char::is_alphabetic);
    (label[end..].starts_with(']') && is_label).then_some("][".len() + end + 1)
}

/// Length of `](target)`, with or without a title, with or without angle brackets.
pub(super) fn link_target(text: &str) -> Option<usize> {
    let inner = first(text.strip_prefix("](")?);
    let end = if inner.starts_with('<') {
        inner.find('>').filter(|end| !inner[..*end].contains('\n'))? + 1
    } else {
        let mut depth = 0_usize;
        let closes = |c: char| {
            depth += usize::from(c == '(');
            let ends = c.is_whitespace() || (c == ')' && depth == 0);
            depth -= usize::from(c == ')' && depth > 0);
            ends
        };
        inner.find(closes)?
    };
    let rest = &inner[end..];
    let title = rest.trim_start_matches([' ', '\n', '\t']);
    let after = match title.chars().next()? {
        ')' => title,
        quote @ ('"' | '\'') if title.len() < rest.len() => {
            title[1..].split_once(quote)?.1.trim_start()
        }
        _ => return None,
    };
    after.starts_with(')').then(|| "](".len() + inner.len() - after.len() + 1)
}

/// Length of the target in a link of reStructuredText: of `<https://a.org>` in `` `A <https://a.org>`_ ``.
pub(super) fn quoted_target(text: &str) -> Option<usize> {
    let end = text.strip_prefix('<')?.find(['>', '<', '`', '\n'])? + 1;
    text[end..].starts_with(">`").then_some(end + 1)
}

/// A link of `AsciiDoc` that is split at its colon: `link:a.adoc[text]`, `https://a.org[text]`. Returns the
/// length of the name before the colon, and of the text after it up to the bracket.
pub(super) fn link_macro(before: &str, after: &str) -> Option<(usize, usize)> {
    if after[1..].starts_with(|c: char| c.is_whitespace() || c == ':') {
        return None;
    }
    let name = ["link", "xref", "image", "https", "http", "mailto"]
        .into_iter()
        .find(|name| before.ends_with(name))?;
    let is_word = !before[..before.len() - name.len()].ends_with(char::is_alphanumeric);
    let target = after.find(|c: char| c.is_whitespace() || "[]<>()`".contains(c))?;
    let text = after[target..].strip_prefix('[')?;
    let is_link = is_word
        && target > 1
        && text.find([']', '\n']).is_some_and(|end| {
            text[end..].starts_with(']') && text[..end].contains(char::is_alphanumeric)
        });
    is_link.then_some((name.len(), target))
}

/// Length of the invisible start of `<<id,text>>`, and of the whole.
pub(super) fn cross_reference(text: &str) -> Option<(usize, usize)> {
    let inner = text.strip_prefix("<<")?;
    let end = inner.find(['>', '\n']).filter(|end| inner[*end..].starts_with(">>"))?;
    let comma = inner[..end].find(',')?;
    let is_id = comma > 0 && !inner[..comma].contains(char::is_whitespace);
    is_id.then_some(("<<".len() + comma + 1, "<<".len() + end + ">>".len()))
}
