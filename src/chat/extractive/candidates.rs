//! Passages → what could be quoted of them.

use std::ops::Range;

use super::Terms;
use crate::text::{BlockKind, blocks, sentences};
use crate::types::Passage;

/// Longest piece of prose that is quoted as one, in words.
const MAX_WORDS: usize = 60;
/// Lines of code that are quoted together.
const CODE_LINES: usize = 6;

/// A sentence, a table row or a few lines of code.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Number of the passage.
    pub(super) number: u32,
    /// Position among all candidates, in the order of passages and within them.
    pub(super) position: usize,
    pub(super) text: String,
    pub(super) kind: BlockKind,
    /// Distinct, sorted.
    pub(super) terms: Vec<u32>,
    /// Terms of the headings above it and of the sentence before it.
    pub(super) context: Vec<u32>,
    /// How much its passage and its form speak for it, within 0..=1.
    pub(super) prior: f32,
}

impl Candidate {
    /// The words with the mark: before the full stop, as one writes it; under a code block.
    /// `listed` items need no full stop.
    pub(super) fn quoted(&self, listed: bool) -> String {
        let (text, number) = (&self.text, self.number);
        if self.is_code() {
            return format!("```\n{text}\n```\n[{number}]");
        }
        let said = text.trim_end_matches(['.', '!', '?', '…', ':']);
        let end = if said == text && !listed { "." } else { &text[said.len()..] };
        format!("{said} [{number}]{end}")
    }

    pub(super) fn is_code(&self) -> bool {
        self.kind == BlockKind::Code
    }

    /// Whether it announces what comes next.
    pub(super) fn leads_in(&self) -> bool {
        !self.is_code() && self.text.ends_with(':')
    }

    pub(super) fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

/// Everything that could be quoted, in order.
pub(super) fn candidates(passages: &[Passage], terms: &Terms) -> Vec<Candidate> {
    let best = passages.iter().map(|passage| passage.score).fold(0.0, f32::max);
    let mut candidates = Vec::new();
    for passage in passages {
        // Half of the weight, so that a better sentence of a lesser passage can win.
        let share = if best > 0.0 { (passage.score / best).clamp(0.0, 1.0) } else { 1.0 };
        let prior = 0.5 + 0.5 * share;
        let headings =
            distinct(terms(&format!("{}\n{}", passage.title, passage.headings.join("\n"))));
        let mut before: Vec<u32> = Vec::new();
        let mut above = headings.clone();
        for (kind, text) in pieces(passage) {
            let own = distinct(terms(&text));
            if kind == BlockKind::Heading {
                above = distinct([headings.clone(), own].concat());
                before.clear();
                continue;
            }
            let form = match kind {
                BlockKind::TableRow => 0.8,
                BlockKind::Code if !is_code_file(&passage.source) => 0.7,
                _ => 1.0,
            };
            candidates.push(Candidate {
                number: passage.number,
                position: candidates.len(),
                text,
                kind,
                terms: own.clone(),
                context: distinct([above.clone(), before].concat()),
                prior: prior * form,
            });
            before = own;
        }
    }
    candidates
}

fn distinct(mut terms: Vec<u32>) -> Vec<u32> {
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The quotable texts of a passage, and its headings.
fn pieces(passage: &Passage) -> Vec<(BlockKind, String)> {
    let text = passage.text.as_str();
    if is_code_file(&passage.source) {
        return code_windows(text).map(|lines| (BlockKind::Code, lines)).collect();
    }
    let mut pieces = Vec::new();
    for block in blocks(text) {
        match block.kind {
            BlockKind::Code => {
                pieces
                    .extend(code_windows(&text[block.range]).map(|lines| (BlockKind::Code, lines)));
            }
            BlockKind::Heading => pieces.push((block.kind, text[block.range].to_owned())),
            BlockKind::TableRow => {
                let row = text[block.range].trim_matches(['|', ' ', '\t']);
                pieces.push((block.kind, shown(row)));
            }
            kind @ (BlockKind::Prose | BlockKind::Item) => pieces.extend(
                sentences(text, &block.range)
                    .into_iter()
                    .flat_map(|sentence| short_enough(text, sentence))
                    .map(|range| (kind, shown(&text[range]))),
            ),
        }
    }
    pieces.retain(|(_, text)| text.contains(char::is_alphanumeric));
    pieces
}

/// A sentence; its lines where it is too long (a list or a log without full stops); and what is
/// too long even then, in pieces.
fn short_enough(text: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    let words = |range: &Range<usize>| text[range.clone()].split_whitespace().count();
    if words(&sentence) <= MAX_WORDS {
        return vec![sentence];
    }
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut pieces = Vec::new();
    for line in text[sentence].lines() {
        let line: Vec<&str> = line.split_whitespace().collect();
        for part in line.chunks(MAX_WORDS) {
            let (first, last) = (part[0], part[part.len() - 1]);
            pieces.push(offset(first)..offset(last) + last.len());
        }
    }
    pieces
}

/// Overlapping runs of lines, as they are, that begin and end with a line that is not blank.
fn code_windows(code: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = code.lines().map(str::trim_end).collect();
    let step = CODE_LINES / 2;
    let starts = (0..lines.len()).step_by(step).take_while({
        let count = lines.len();
        move |&start| start == 0 || start + step < count
    });
    starts.filter_map(move |start| {
        let window = &lines[start..lines.len().min(start + CODE_LINES)];
        let first = window.iter().position(|line| !line.trim().is_empty())?;
        let last = window.iter().rposition(|line| !line.trim().is_empty())?;
        // A fence within the lines would end the block they are shown in.
        let fenced = window.iter().any(|line| line.trim_start().starts_with("```"));
        (!fenced).then(|| window[first..=last].join("\n"))
    })
}

/// A piece of Markdown as a reader sees it, on one line: no emphasis, no link targets, nothing
/// that reads as a mark of our own.
fn shown(piece: &str) -> String {
    let lines: Vec<&str> =
        piece.lines().map(|line| line.trim_start_matches([' ', '\t', '>'])).collect();
    let text = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_links(&text.replace("**", ""));
    // Backticks that do not pair here would pair across our marks.
    let paired = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let text = if paired { text } else { text.replace('`', "") };
    without_marks(&text)
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
        separate(&mut out, label);
        out.push_str(label);
        separate(&mut out, rest);
    }
    out + rest
}

/// Two words that only a bracket kept apart stay two words.
fn separate(out: &mut String, next: &str) {
    if out.ends_with(char::is_alphanumeric) && next.starts_with(char::is_alphanumeric) {
        out.push(' ');
    }
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

/// Whether sentences are not to be looked for in a file of this name.
fn is_code_file(source: &str) -> bool {
    const EXTENSIONS: [&str; 40] = [
        "c", "cc", "cpp", "cs", "css", "cxx", "dart", "ex", "exs", "go", "h", "hpp", "hs", "java",
        "js", "json", "jsx", "kt", "lua", "mjs", "ml", "php", "pl", "proto", "ps1", "py", "r",
        "rb", "rs", "scala", "sh", "sql", "swift", "tf", "toml", "ts", "tsx", "yaml", "yml", "zig",
    ];
    let extension = source.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}
