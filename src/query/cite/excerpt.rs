//! The part of a passage that is shown to support a claim.

use std::ops::Range;

use crate::text::{BlockKind, blocks, widened};

/// Longest line of code that is shown whole, in bytes.
const LONGEST_LINE: usize = 200;

/// The words found, extended to whole words, links, emphasis and lines of code.
pub(super) fn excerpt<'a>(passage: &'a str, found: &Range<usize>, is_code: bool) -> &'a str {
    let blocks = blocks(passage);
    let edge = |at: usize, part: Range<usize>| {
        let around = |range: &Range<usize>| range.start <= at && at <= range.end;
        let block = blocks.iter().find(|block| around(&block.range));
        if is_code || block.is_some_and(|block| block.kind == BlockKind::Code) {
            return lines(passage, &part);
        }
        let block = block.map_or(0..passage.len(), |block| block.range.clone());
        let part = part.start.max(block.start) - block.start..part.end.min(block.end) - block.start;
        let wide = widened(&passage[block.clone()], &part);
        block.start + wide.start..block.start + wide.end
    };
    let first = edge(found.start, found.clone());
    let last = edge(found.end, found.clone());
    &passage[first.start.min(found.start)..last.end.max(found.end)]
}

/// The range of the lines that these bytes are in, without white space around them.
fn lines(text: &str, part: &Range<usize>) -> Range<usize> {
    let (before, after) = (&text[..part.start], &text[part.end..]);
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let indent = text[line..].len() - text[line..].trim_start().len();
    let start = (line + indent).min(part.start);
    let rest = after.split('\n').next().unwrap_or_default().trim_end();
    let end = part.end + rest.len();
    let fits = |length: usize| length <= LONGEST_LINE;
    let start = if fits(part.start - start) { start } else { part.start };
    start..if fits(rest.len()) { end } else { part.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_of_prose_and_code() {
        let text = "# Fees\n\nSee **the [port fees](f.md)**, due\nnow.\n\n- `once` a year\n\n```rust\n/// The fee.\nfn fee() { 12 }\n```\n";
        let check = |found: &str, is_code: bool, expected: &str| {
            let start = text.find(found).unwrap_or_default();
            let range = start..start + found.len();
            assert_eq!(excerpt(text, &range, is_code), expected, "{found}");
        };
        check("fees](f.md)**, due", false, "**the [port fees](f.md)**, due");
        check(
            "port fees](f.md)**, due\nnow.\n\n- `once",
            false,
            "**the [port fees](f.md)**, due\nnow.\n\n- `once`",
        );
        check("Fees", false, "Fees");
        check("The fee.\nfn fee", false, "/// The fee.\nfn fee() { 12 }");
        check("fee() { 12", true, "fn fee() { 12 }");
        let long = format!("let a = {}; b", "x ".repeat(300));
        let at = long.find("; b").unwrap_or_default();
        assert_eq!(excerpt(&long, &(at..at + 1), true), "; b");
    }
}
