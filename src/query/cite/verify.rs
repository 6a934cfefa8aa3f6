//! Whether an answer's citations hold.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::figures::{Figure, figures};
use super::nearest::nearest;
use super::quotations::quotations;
use super::{MarkParser, Piece};
use crate::text::{Block, BlockKind, Words, blocks, sentences};
use crate::types::{Locator, Passage};

/// What an answer cites, and what it does not.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Citations {
    /// One for each passage that is cited, in the order of first mention.
    pub citations: Vec<Citation>,
    /// Numbers that name no passage, in the order of first mention.
    pub invalid: Vec<u32>,
    /// Sentences that carry no mark; headings and lead-ins that end in a colon are not counted.
    pub uncited_sentences: Vec<String>,
    /// How many carry one; a sentence in several parts, each with marks of its own, counts as several.
    #[serde(skip)]
    pub cited_sentences: usize,
}

/// A passage that an answer cites.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Citation {
    pub number: u32,
    pub source: String,
    /// `path:L10-L24`, `path#page=3`.
    pub citation: String,
    pub locator: Locator,
    /// The words of the passage that the claim rests on: those it quotes, or else the sentence
    /// that is nearest to it, if any is near.
    pub quote: Option<String>,
    /// Every quoted span and every number next to its marks is in the passage.
    pub verified: bool,
    /// The quoted spans and numbers that are not.
    pub unsupported: Vec<String>,
}

/// Checks every mark of a finished answer against the passage it names.
///
/// A mark vouches for the words before it in its sentence, back to the previous mark, and the last
/// mark also for the rest of the sentence; marks side by side vouch together. A quoted span is
/// checked from three words on. Text is compared by [`Words`], numbers in digits or in words by
/// their value.
pub fn verify(answer: &str, passages: &[Passage]) -> Citations {
    let sources: Vec<Source> = passages.iter().map(Source::of).collect();
    let mut found = Citations::default();
    for claim in claims(answer) {
        if claim.marks.is_empty() {
            found.uncited_sentences.extend(claim.uncited());
            continue;
        }
        found.cited_sentences += usize::from(!claim.text.is_empty());
        let cited: Vec<&Source> = sources.iter().filter(|s| claim.names(s.passage)).collect();
        let (quote_at, unsupported) = check(&claim.text, &cited);
        for &number in &claim.marks {
            match cited.iter().find(|source| source.passage.number == number) {
                None if found.invalid.contains(&number) => {}
                None => found.invalid.push(number),
                Some(source) => found.add(source, quote_at.get(&number), &unsupported),
            }
        }
    }
    found
}

impl Citations {
    fn add(&mut self, source: &Source, quote: Option<&Range<usize>>, unsupported: &[String]) {
        let passage = source.passage;
        let at = self.citations.iter().position(|c| c.number == passage.number);
        let at = at.unwrap_or_else(|| {
            self.citations.push(Citation {
                number: passage.number,
                source: passage.source.clone(),
                citation: passage.citation(),
                locator: passage.locator,
                quote: None,
                verified: true,
                unsupported: Vec::new(),
            });
            self.citations.len() - 1
        });
        let citation = &mut self.citations[at];
        if citation.quote.is_none() {
            citation.quote = quote.map(|range| passage.text[range.clone()].to_owned());
        }
        for item in unsupported {
            if !citation.unsupported.contains(item) {
                citation.unsupported.push(item.clone());
            }
        }
        citation.verified = citation.unsupported.is_empty();
    }
}

/// A passage, read once.
struct Source<'a> {
    passage: &'a Passage,
    words: Words,
    numbers: Vec<String>,
}

impl<'a> Source<'a> {
    fn of(passage: &'a Passage) -> Self {
        let words = Words::of(&passage.text);
        let context = format!("{}\n{}", passage.title, passage.headings.join("\n"));
        let stated = figures(&passage.text).into_iter().chain(figures(&context));
        Self { passage, words, numbers: stated.map(|figure| figure.value).collect() }
    }
}

/// Words from which on a span between quotation marks is a quotation and not a name.
const MIN_QUOTE: usize = 3;

/// Where the quote of each cited passage is in it, and what no cited passage supports.
fn check(claim: &str, cited: &[&Source]) -> (HashMap<u32, Range<usize>>, Vec<String>) {
    let mut quotes = HashMap::new();
    let mut unsupported = Vec::new();
    let whole = Words::of(claim);
    for source in cited.iter().filter(|_| whole.iter().count() >= MIN_QUOTE) {
        if let Some(range) = source.words.find(&whole) {
            quotes.insert(source.passage.number, range);
        }
    }
    if !quotes.is_empty() {
        return (quotes, unsupported);
    }
    for span in quoted(claim) {
        for part in span.split("...").flat_map(|part| part.split('…')) {
            let words = Words::of(part);
            let mut supported = words.is_empty();
            for source in cited {
                if let Some(range) = source.words.find(&words) {
                    supported = true;
                    quotes.entry(source.passage.number).or_insert(range);
                }
            }
            if !supported {
                unsupported.push(part.trim().to_owned());
            }
        }
    }
    for Figure { value, shown } in figures(claim) {
        // "One" is a pronoun more often than a number.
        if shown != "one" && !cited.iter().any(|source| source.numbers.contains(&value)) {
            unsupported.push(shown);
        }
    }
    for Source { passage, .. } in cited {
        if !quotes.contains_key(&passage.number)
            && let Some(range) = nearest(&whole, &passage.text)
        {
            quotes.insert(passage.number, range);
        }
    }
    (quotes, unsupported)
}

/// The quoted spans of three words and more.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    quotations(text)
        .map(|range| &text[range])
        .filter(|span| Words::of(span).iter().count() >= MIN_QUOTE)
}

/// Words of an answer, and the marks that vouch for them.
struct Claim {
    text: String,
    kind: BlockKind,
    marks: Vec<u32>,
}

impl Claim {
    fn names(&self, passage: &Passage) -> bool {
        self.marks.contains(&passage.number)
    }

    fn uncited(&self) -> Option<String> {
        let asserts = matches!(self.kind, BlockKind::Prose | BlockKind::Item | BlockKind::TableRow);
        let text = self.text.trim_start_matches(['.', '!', '?', ' ']);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let counts =
            asserts && !text.ends_with(':') && Words::of(&text).iter().count() >= MIN_QUOTE;
        counts.then_some(text)
    }
}

/// An answer as claims, in order.
fn claims(answer: &str) -> Vec<Claim> {
    let (text, marks) = without_marks(answer);
    let spans = spans(&text);
    let mut of_span: Vec<Vec<(usize, u32)>> = vec![Vec::new(); spans.len()];
    let mut claims = Vec::new();
    for (at, number) in marks {
        match owner(&text, &spans, at) {
            Some(span) => of_span[span].push((at, number)),
            None => {
                claims.push(Claim {
                    text: String::new(),
                    kind: BlockKind::Prose,
                    marks: vec![number],
                });
            }
        }
    }
    for ((range, kind), marks) in spans.iter().zip(of_span) {
        split(&text, range, *kind, &marks, &mut claims);
    }
    claims
}

/// The answer without its marks, and where in that text each mark stood.
fn without_marks(answer: &str) -> (String, Vec<(usize, u32)>) {
    let mut parser = MarkParser::new();
    let mut pieces = parser.push(answer);
    pieces.extend(parser.finish());
    let (mut text, mut marks) = (String::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(&part),
            Piece::Mark(number) => marks.push((text.len(), number)),
        }
    }
    (text, marks)
}

/// The sentences of the answer; a code block, which may be claimed as a whole, is one.
fn spans(text: &str) -> Vec<(Range<usize>, BlockKind)> {
    let mut spans = Vec::new();
    for Block { kind, range } in blocks(text) {
        if kind == BlockKind::Code {
            spans.push((range, kind));
            continue;
        }
        // A quotation of several sentences is not taken apart.
        let quotations: Vec<Range<usize>> = quotations(&text[range.clone()])
            .map(|inner| range.start + inner.start..range.start + inner.end)
            .collect();
        let mut inside = false;
        for sentence in sentences(text, &range) {
            match spans.last_mut().filter(|_| inside) {
                Some((last, _)) => last.end = sentence.end,
                None => spans.push((sentence.clone(), kind)),
            }
            inside = quotations.iter().any(|q| q.start <= sentence.end && sentence.end < q.end);
        }
    }
    spans
}

/// The sentence a mark belongs to: the one it stands in or after, or the one it begins.
fn owner(text: &str, spans: &[(Range<usize>, BlockKind)], at: usize) -> Option<usize> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let says = |part: &str| part.contains(char::is_alphanumeric);
    let rest = text[at..].lines().next().unwrap_or_default();
    let after = spans.partition_point(|(range, _)| range.start < at);
    if !says(&text[line..at]) && says(rest) {
        let begun = spans.iter().position(|(range, _)| range.start <= at && at < range.end);
        return begun.or((after < spans.len()).then_some(after));
    }
    after.checked_sub(1)
}

/// Cuts a sentence after each group of marks; what follows the last mark belongs to it.
fn split(
    text: &str,
    range: &Range<usize>,
    kind: BlockKind,
    marks: &[(usize, u32)],
    claims: &mut Vec<Claim>,
) {
    let first = claims.len();
    let mut start = range.start;
    for &(at, number) in marks {
        let at = after_quotation(text, range, at).clamp(range.start, range.end);
        let said = &text[start..at];
        match claims[first..].last_mut() {
            Some(claim) if !said.contains(char::is_alphanumeric) => claim.marks.push(number),
            _ => claims.push(Claim { text: said.to_owned(), kind, marks: vec![number] }),
        }
        start = at;
    }
    let rest = &text[start..range.end];
    match claims[first..].last_mut() {
        Some(claim) if !ends_sentence(rest) => claim.text.push_str(rest),
        _ => claims.push(Claim { text: rest.to_owned(), kind, marks: Vec::new() }),
    }
}

/// A mark at the end of a quotation, on its inner side, vouches for it as one outside does. Further
/// inside, the marks that pair may belong to two texts that are quoted one after the other.
fn after_quotation(text: &str, sentence: &Range<usize>, at: usize) -> usize {
    let mut inside = quotations(&text[sentence.clone()])
        .map(|inner| sentence.start + inner.start..sentence.start + inner.end)
        .filter(|inner| inner.start <= at && at <= inner.end)
        .filter(|inner| !text[at..inner.end].contains(char::is_alphanumeric));
    inside
        .next()
        .map_or(at, |inner| inner.end + text[inner.end..].chars().next().map_or(0, char::len_utf8))
}

/// Whether what follows a mark is a full stop and a new sentence: one that begins in lower case,
/// as a command's name may, is not seen as one by Unicode's rules.
fn ends_sentence(rest: &str) -> bool {
    let stop = rest.trim_start();
    let next = stop.trim_start_matches(['.', '!', '?']);
    next.len() < stop.len()
        && next.starts_with(char::is_whitespace)
        && next.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;
