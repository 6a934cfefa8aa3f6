//! A formula in `MathML` → one line that can be read: `(a+b)/c`, `x^2`, `∑_(i=1)^n`. Pure.

use super::tree::{HtmlTree, NodeContent};

/// Deepest nesting of formulas; content below is left as it is.
const DEEPEST: usize = 64;

/// Characters with their places in the source.
pub(super) type PlacedCharacters = Vec<(char, usize)>;

/// The formula at node `math`.
pub(super) fn line(tree: &HtmlTree, math: usize) -> PlacedCharacters {
    part(tree, math, DEEPEST)
}

fn part(tree: &HtmlTree, index: usize, deepest: usize) -> PlacedCharacters {
    let node = &tree.nodes()[index];
    if let NodeContent::Text(range) = &node.content {
        let characters = tree.parts(range).flat_map(|(text, start)| {
            text.char_indices().map(move |(at, character)| (character, start + at))
        });
        // Invisible operators: function application, times, separator, plus.
        let is_shown =
            |(c, _): &(char, usize)| !c.is_whitespace() && !matches!(c, '\u{2061}'..='\u{2064}');
        return characters.filter(is_shown).collect();
    }
    let name = tree.element(index).map_or("", |element| element.name);
    if name.starts_with("annotation") || deepest == 0 {
        return PlacedCharacters::new();
    }
    let mut parts = Vec::new();
    let mut next = index + 1;
    while next < node.end {
        // White space between elements is not a part.
        let child = part(tree, next, deepest - 1);
        if !child.is_empty() {
            parts.push(child);
        }
        next = tree.nodes()[next].end;
    }
    let signs: &[&str] = match name {
        "mfrac" => &["", "/"],
        "msup" | "mover" => &["", "^"],
        "msub" | "munder" => &["", "_"],
        "msubsup" | "munderover" => &["", "_", "^"],
        "msqrt" => {
            return with_sign("√", bracketed(parts.concat()));
        }
        "mroot" if parts.len() == 2 => {
            parts.swap(0, 1);
            &["", "√"]
        }
        "mtable" => return separated(parts, "; "),
        "mtr" => return separated(parts, " "),
        _ => return parts.concat(),
    };
    let signed = parts.into_iter().zip(signs.iter().chain(std::iter::repeat(&"")));
    signed.flat_map(|(part, sign)| with_sign(sign, bracketed(part))).collect()
}

/// Puts a part of several characters into brackets, unless it is a number.
fn bracketed(part: PlacedCharacters) -> PlacedCharacters {
    let is_number = part.iter().all(|(c, _)| c.is_ascii_digit() || *c == '.');
    let (Some((_, first)), Some((_, last))) = (part.first(), part.last()) else { return part };
    if part.len() == 1 || is_number {
        return part;
    }
    let (first, last) = (*first, *last);
    [vec![('(', first)], part, vec![(')', last)]].concat()
}

fn with_sign(sign: &str, part: PlacedCharacters) -> PlacedCharacters {
    let at = part.first().map_or(0, |(_, at)| *at);
    sign.chars().map(|character| (character, at)).chain(part).collect()
}

fn separated(parts: Vec<PlacedCharacters>, separator: &str) -> PlacedCharacters {
    let mut line = PlacedCharacters::new();
    for part in parts {
        line.extend(with_sign(if line.is_empty() { "" } else { separator }, part));
    }
    line
}
