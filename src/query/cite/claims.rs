//! An answer as claims: its sentences, cells and lines, each with the marks that cover it.
//!
//! A mark covers the words before it in its sentence, back to the previous mark; the last mark also covers
//! the rest of the sentence. A claim without a mark inherits marks, and is checked against the passages
//! that they name:
//!
//! - a sentence, from the next mark of its paragraph, if the paragraph ends with a mark;
//! - a sentence of one or two words, from the nearest mark in its paragraph;
//! - what a line that ends in a colon announces (items, rows, code, a paragraph), from that line;
//! - a row of a table, from a mark in it, and from the paragraph right before the table;
//! - the header of a table, from all of its rows.

use std::ops::Range;

use super::language::TextLanguage;
use super::quantities::{Quantity, is_unspaced};
use super::quotations::quotations;
use super::{AnswerPiece, MarkParser};
use crate::text::{Block, BlockKind, Words, blocks, sentences};

/// Words of an answer, and the marks that cover them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    pub(super) text: String,
    pub(super) role: ClaimRole,
    /// Numbers of passages, in order; empty if no mark covers the claim.
    pub(super) marks: Vec<u32>,
    /// The marks are inherited.
    pub(super) inherited: bool,
    block: usize,
}

/// Which part of an answer a claim is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClaimRole {
    Text,
    Heading,
    TableHeader,
    Row,
    Code,
    /// Ends in a colon, and announces this many items or rows.
    LeadIn(usize),
}

/// Splits an answer into claims, in order. `passages` is the number of passages.
pub(super) fn claims(answer: &str, passages: u32) -> Vec<Claim> {
    let (text, marks) = without_marks(answer, passages);
    let blocks = blocks_of(&text);
    let spans = spans(&text, &blocks);
    let mut of_span: Vec<Vec<(usize, u32)>> = vec![Vec::new(); spans.len()];
    let mut claims = Vec::new();
    for (at, number) in marks {
        match owner(&text, &spans, at) {
            Some(span) => of_span[span].push((at, number)),
            None => claims.push(Claim {
                text: String::new(),
                role: ClaimRole::Text,
                marks: vec![number],
                inherited: false,
                block: usize::MAX,
            }),
        }
    }
    for (span, marks) in spans.iter().zip(of_span) {
        split(&text, span, &marks, &mut claims);
    }
    inherit(&blocks, &mut claims);
    claims
}

/// The answer without its marks, and the position in that text of each mark.
fn without_marks(answer: &str, passages: u32) -> (String, Vec<(usize, u32)>) {
    let mut parser = MarkParser::for_passages(passages);
    let mut pieces = parser.push(answer);
    pieces.extend(parser.finish());
    let (mut text, mut marks) = (String::new(), Vec::new());
    for piece in pieces {
        match piece {
            AnswerPiece::Text(part) => text.push_str(&part),
            AnswerPiece::Mark(number) => marks.push((text.len(), number)),
        }
    }
    (text, marks)
}

/// A block with its role.
struct Part {
    range: Range<usize>,
    kind: BlockKind,
    role: ClaimRole,
}

fn blocks_of(text: &str) -> Vec<Part> {
    let all = blocks(text);
    let role = |at: usize| {
        let Block { kind, range } = &all[at];
        let body = &text[range.clone()];
        match kind {
            BlockKind::Code => ClaimRole::Code,
            BlockKind::TableRow => ClaimRole::Row,
            BlockKind::Heading if body.starts_with('|') => ClaimRole::TableHeader,
            _ if announces(body) => ClaimRole::LeadIn(announced(&all[at + 1..])),
            BlockKind::Heading => ClaimRole::Heading,
            BlockKind::Prose if is_bold_line(body) => ClaimRole::Heading,
            BlockKind::Prose | BlockKind::Item => ClaimRole::Text,
        }
    };
    (0..all.len())
        .map(|at| Part { range: all[at].range.clone(), kind: all[at].kind, role: role(at) })
        .collect()
}

/// Whether a text ends in a colon, emphasis aside.
fn announces(body: &str) -> bool {
    body.trim_end_matches(['*', '_', ' ']).ends_with([':', '：'])
}

/// Number of items, or rows, at the beginning of `rest`.
fn announced(rest: &[Block]) -> usize {
    let items = rest.iter().take_while(|block| block.kind == BlockKind::Item).count();
    let is_row = |block: &&Block| matches!(block.kind, BlockKind::TableRow | BlockKind::Heading);
    let rows =
        || rest.iter().take_while(is_row).filter(|block| block.kind == BlockKind::TableRow).count();
    if items > 0 { items } else { rows() }
}

/// Whether a paragraph is a heading in all but name: one line that is bold from end to end.
fn is_bold_line(body: &str) -> bool {
    let inner = body.strip_prefix("**").and_then(|rest| rest.trim_end().strip_suffix("**"));
    !body.contains('\n') && inner.is_some_and(|inner| !inner.contains("**"))
}

struct Span {
    range: Range<usize>,
    role: ClaimRole,
    block: usize,
}

/// The sentences of the answer. A code block, and a row of a table, are one span each, since they are
/// claimed as a whole.
fn spans(text: &str, blocks: &[Part]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (block, Part { range, role, .. }) in blocks.iter().enumerate() {
        let span = |range: Range<usize>| Span { range, role: *role, block };
        if matches!(role, ClaimRole::Code | ClaimRole::Row | ClaimRole::TableHeader) {
            spans.push(span(range.clone()));
            continue;
        }
        // A quotation of several sentences is kept together.
        let quotations: Vec<Range<usize>> = quotations(&text[range.clone()])
            .map(|inner| range.start + inner.start..range.start + inner.end)
            .collect();
        let first = spans.len();
        let mut inside = false;
        for sentence in sentences(text, range) {
            match spans.last_mut().filter(|_| inside) {
                Some(last) => last.range.end = sentence.end,
                None => spans.push(span(sentence.clone())),
            }
            inside = quotations.iter().any(|q| q.start <= sentence.end && sentence.end < q.end);
        }
        // Only the last sentence of a lead-in announces.
        if let (ClaimRole::LeadIn(_), Some((_, before))) = (role, spans[first..].split_last_mut()) {
            for span in before {
                span.role = ClaimRole::Text;
            }
        }
    }
    spans
}

/// The sentence that a mark belongs to: the one that contains it or ends before it, or else the one that it
/// begins.
fn owner(text: &str, spans: &[Span], at: usize) -> Option<usize> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let says = |part: &str| part.contains(char::is_alphanumeric);
    let rest = text[at..].lines().next().unwrap_or_default();
    let after = spans.partition_point(|span| span.range.start < at);
    if !says(&text[line..at]) && says(rest) {
        let begun = spans.iter().position(|span| span.range.start <= at && at < span.range.end);
        return begun.or((after < spans.len()).then_some(after));
    }
    // Signs alone claim nothing: a mark after them belongs to the sentence before.
    let before = after.checked_sub(1)?;
    let block = spans[before].block;
    let mut of_block = (0..=before).rev().take_while(|span| spans[*span].block == block);
    of_block.find(|span| says(&text[spans[*span].range.clone()])).or(Some(before))
}

/// Cuts a sentence after each group of marks; what follows the last mark belongs to it. The marks of a row
/// cover the whole row.
fn split(text: &str, span: &Span, marks: &[(usize, u32)], claims: &mut Vec<Claim>) {
    let Span { range, role, block } = span;
    let first = claims.len();
    let mut start = range.start;
    let claim = |text: &str, marks: Vec<u32>| Claim {
        text: text.to_owned(),
        role: *role,
        marks,
        inherited: false,
        block: *block,
    };
    if matches!(role, ClaimRole::Row | ClaimRole::TableHeader | ClaimRole::Code) {
        claims.push(claim(&text[range.clone()], marks.iter().map(|(_, number)| *number).collect()));
        return;
    }
    for &(at, number) in marks {
        let at = after_quotation(text, range, at).clamp(range.start, range.end);
        let said = &text[start..at];
        match claims[first..].last_mut() {
            Some(claim) if !said.contains(char::is_alphanumeric) => claim.marks.push(number),
            _ => claims.push(claim(said, vec![number])),
        }
        start = at;
    }
    let rest = &text[start..range.end];
    match claims[first..].last_mut() {
        Some(claim) if !ends_sentence(rest) => claim.text.push_str(rest),
        _ => claims.push(claim(rest, Vec::new())),
    }
}

/// Where the words that a mark covers end: a mark at the end of a quotation, inside the closing quotation
/// mark, counts as if it were outside. Further inside, the quotation marks may belong to two quotations in
/// a row.
fn after_quotation(text: &str, sentence: &Range<usize>, at: usize) -> usize {
    let mut inside = quotations(&text[sentence.clone()])
        .map(|inner| sentence.start + inner.start..sentence.start + inner.end)
        .filter(|inner| inner.start <= at && at <= inner.end)
        .filter(|inner| !text[at..inner.end].contains(char::is_alphanumeric));
    inside
        .next()
        .map_or(at, |inner| inner.end + text[inner.end..].chars().next().map_or(0, char::len_utf8))
}

/// Whether a full stop and a new sentence follow a mark. Unicode's rules do not see a sentence that begins
/// in lower case, as the name of a command may.
fn ends_sentence(rest: &str) -> bool {
    let stop = rest.trim_start();
    let next = stop.trim_start_matches(['.', '!', '?']);
    next.len() < stop.len()
        && next.starts_with(char::is_whitespace)
        && next.contains(char::is_alphanumeric)
}

/// Gives claims without marks the marks that they inherit.
fn inherit(blocks: &[Part], claims: &mut [Claim]) {
    let of_block = |block: usize, claims: &[Claim]| -> Vec<u32> {
        let own = claims.iter().filter(|claim| claim.block == block && !claim.inherited);
        let mut marks: Vec<u32> = own.flat_map(|claim| claim.marks.iter().copied()).collect();
        marks.dedup();
        marks
    };
    let own: Vec<Vec<u32>> = (0..blocks.len()).map(|block| of_block(block, claims)).collect();
    let leaders = leaders(blocks, &own);
    for at in 0..claims.len() {
        let claim = &claims[at];
        if !claim.marks.is_empty() || claim.block >= blocks.len() {
            continue;
        }
        let block = claim.block;
        let own_of =
            |block: Option<usize>| block.map(|block| own[block].clone()).unwrap_or_default();
        let found = match claim.role {
            ClaimRole::TableHeader => {
                rows_of(blocks, block).flat_map(|row| own[row].clone()).collect()
            }
            ClaimRole::LeadIn(_) | ClaimRole::Heading => Vec::new(),
            _ => ends_with(block, &claims[at + 1..]),
        };
        let found = if found.is_empty() && is_short(&claim.text) {
            nearest_in_block(at, claims)
        } else {
            found
        };
        let found = if found.is_empty() { own_of(leaders[block]) } else { found };
        let claim = &mut claims[at];
        (claim.marks, claim.inherited) = (found, true);
        claim.marks.dedup();
    }
    for claim in claims.iter_mut().filter(|claim| claim.marks.is_empty()) {
        claim.inherited = false;
    }
}

/// For each block, the block that it inherits from.
fn leaders(blocks: &[Part], own: &[Vec<u32>]) -> Vec<Option<usize>> {
    let mut leaders = vec![None; blocks.len()];
    let mut leader: Option<usize> = None;
    for (at, Part { kind, role, .. }) in blocks.iter().enumerate() {
        let before = at.checked_sub(1);
        let in_table = matches!(role, ClaimRole::Row | ClaimRole::TableHeader);
        let begins_table = in_table
            && before.is_some_and(|before| {
                !matches!(blocks[before].role, ClaimRole::Row | ClaimRole::TableHeader)
            });
        if begins_table && let Some(caption) = before.filter(|before| !own[*before].is_empty()) {
            leader = Some(caption);
        }
        let follows = in_table
            || matches!(kind, BlockKind::Item | BlockKind::Code)
            || before.is_some_and(|before| matches!(blocks[before].role, ClaimRole::LeadIn(_)));
        if !follows {
            leader = None;
        }
        leaders[at] = leader;
        if matches!(role, ClaimRole::LeadIn(_)) {
            // What a lead-in without a mark announces, among items, inherits from the lead-in before it.
            let has_mark = !own[at].is_empty();
            leader = if has_mark || leader.is_none() { Some(at) } else { leader };
        }
    }
    leaders
}

fn rows_of(blocks: &[Part], header: usize) -> impl Iterator<Item = usize> + '_ {
    let rows = blocks[header + 1..].iter().take_while(|part| part.role == ClaimRole::Row);
    (header + 1..).zip(rows).map(|(at, _)| at)
}

/// The next marks of the block, if its last claim has some: those end the paragraph.
fn ends_with(block: usize, rest: &[Claim]) -> Vec<u32> {
    let of_block = || rest.iter().filter(|claim| claim.block == block && says(&claim.text));
    let is_marked = |claim: &&Claim| !claim.inherited && !claim.marks.is_empty();
    let ends_marked = of_block().next_back().is_some_and(|last| is_marked(&last));
    let next = of_block().find(is_marked).filter(|_| ends_marked);
    next.map(|next| next.marks.clone()).unwrap_or_default()
}

fn says(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// Up to this many words, a sentence says little by itself: `Yes.`
const SHORT: usize = 2;

fn is_short(text: &str) -> bool {
    count_words(text) <= SHORT
}

/// Number of words; in scripts without spaces, two letters count as one word.
fn count_words(text: &str) -> usize {
    Words::of(text).iter().count() + text.chars().filter(|c| is_unspaced(*c)).count() / 2
}

fn nearest_in_block(at: usize, claims: &[Claim]) -> Vec<u32> {
    let block = claims[at].block;
    let has_own =
        |claim: &&Claim| claim.block == block && !claim.inherited && !claim.marks.is_empty();
    let before = claims[..at].iter().rev().find(has_own);
    before
        .or_else(|| claims[at + 1..].iter().find(has_own))
        .map(|claim| claim.marks.clone())
        .unwrap_or_default()
}

impl Claim {
    /// The statement of this claim for which no passage is cited; `None` if it states nothing that needs a
    /// citation. `figures`: what it states in numbers, except how many items it announces.
    pub(super) fn uncited(&self, figures: &[&Quantity], language: TextLanguage) -> Option<String> {
        let states_figures = !figures.is_empty();
        let text = self.text.trim_start_matches(['.', '!', '?', ' ']);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = count_words(&text);
        let asserts = match self.role {
            ClaimRole::LeadIn(_) => states_figures,
            ClaimRole::Heading => {
                figures.iter().any(|figure| figure.measures())
                    || (language.has_predicate(&text) && !language.asks(&text))
            }
            ClaimRole::TableHeader => states_figures,
            ClaimRole::Text | ClaimRole::Row | ClaimRole::Code => {
                words > SHORT || (states_figures && words > 0)
            }
        };
        (asserts && !is_question(&text) && !language.speaks_of_passages(&text)).then_some(text)
    }
}

fn is_question(text: &str) -> bool {
    text.trim_end_matches(['*', '_', ' ', '"', '”', ')']).ends_with(['?', '？', '؟'])
}
