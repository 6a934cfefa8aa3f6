//! Splits texts into blocks, sentences and words, and finds quotations of one text in another.
//!
//! Both sides of a citation are read with these functions: the extractive model splits passages into
//! sentences, and the citation check splits answers into sentences and looks their words up in passages.
//! Markdown is parsed only as far as that requires; plain text is Markdown without markup.

mod fold;
mod inline;
mod language;
mod links;
mod markup;
mod script;
mod visible;
mod words;

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

pub use fold::{composed, fold, legible, plain_digits};
pub use inline::{Span, SpanKind, spans, widened};
pub use language::language_of;
pub use markup::{is_template, tags};
pub use script::{full_stop, is_unspaced, word_count};
pub use visible::{as_seen, is_visible, joins};
pub use words::Words;

/// The kind of a [`Block`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockKind {
    /// A paragraph.
    Prose,
    /// A list item, without its marker.
    Item,
    /// A heading, the header row of a table, or a term with its definition indented below.
    Heading,
    TableRow,
    /// The lines of a fenced code block, without the fences.
    Code,
}

/// A piece of a text that sentences do not cross.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    pub kind: BlockKind,
    /// Bytes of the text; never empty, and without white space at the ends (code keeps its indentation).
    pub range: Range<usize>,
}

/// The blocks of a text, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut fence: Option<(char, usize, usize)> = None;
    let mut literal = Literal::No;
    let mut has_options = false;
    let mut markup_end = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (at, end) = (start, start + line.len());
        start = end;
        has_options &= markup::is_option(line);
        if at < markup_end || has_options {
            continue;
        }
        let mut body = line.trim_start_matches([' ', '\t', '>']).trim_end();
        if fence.is_none() && literal.takes(line, at) {
            continue;
        }
        if let Literal::Open(code) = std::mem::take(&mut literal) {
            push(&mut blocks, text, BlockKind::Code, code..at);
        }
        if let Some((mark, length, code)) = fence {
            if closes(body, mark, length) {
                push(&mut blocks, text, BlockKind::Code, code..at);
                fence = None;
            }
            continue;
        }
        let offset = at + line.find(body).unwrap_or(0);
        markup_end = offset + markup::lines(&text[offset..]);
        // A comment may be inside a paragraph.
        if markup_end > offset && open.is_some() && body.starts_with("<!--") {
            continue;
        }
        let directive = markup::directive(body);
        has_options = directive.is_some();
        body = directive.map_or(body, |(_, said)| said.trim_start());
        let mut shape = if markup_end > offset { Shape::Blank } else { shape(body) };
        if open.is_none() && is_numbered_heading(body, &text[end..]) {
            shape = Shape::Heading;
        }
        if shape == Shape::Text
            && let Some(term) = open.take_if(|open| is_term(text, open, line))
        {
            push(&mut blocks, text, BlockKind::Heading, term.range);
        }
        if shape != Shape::Text
            && let Some(Block { kind, range }) = open.take()
        {
            let underlined = shape == Shape::Rule && kind == BlockKind::Prose;
            literal = Literal::after(&text[range.clone()]);
            push(&mut blocks, text, if underlined { BlockKind::Heading } else { kind }, range);
        }
        let named = |is: fn(&str) -> bool| directive.is_some_and(|(name, _)| is(name));
        if named(markup::is_hidden) {
            literal = Literal::Hidden;
        } else if named(markup::is_verbatim) || body == "::" {
            literal = Literal::Announced;
        }
        let offset = at + line.rfind(body).unwrap_or(0);
        match shape {
            Shape::Blank | Shape::Rule => {}
            Shape::Text => {
                let new = Block { kind: BlockKind::Prose, range: offset..end };
                open.get_or_insert(new).range.end = end;
            }
            Shape::Item(marker) => {
                open = Some(Block { kind: BlockKind::Item, range: offset + marker..end });
            }
            Shape::Heading => push(&mut blocks, text, BlockKind::Heading, offset..end),
            Shape::Row => push(&mut blocks, text, BlockKind::TableRow, offset..end),
            Shape::Separator => {
                if let Some(header) = blocks.last_mut().filter(|b| b.kind == BlockKind::TableRow) {
                    header.kind = BlockKind::Heading;
                }
            }
            Shape::Fence(mark, length) => fence = Some((mark, length, end)),
        }
    }
    if let Some(Block { kind, range }) = open {
        push(&mut blocks, text, kind, range);
    }
    if let Literal::Open(code) = literal {
        push(&mut blocks, text, BlockKind::Code, code..text.len());
    }
    if let Some((_, _, code)) = fence {
        push(&mut blocks, text, BlockKind::Code, code..text.len());
    }
    blocks
}

fn push(blocks: &mut Vec<Block>, text: &str, kind: BlockKind, range: Range<usize>) {
    let range = if kind == BlockKind::Code {
        range.start..range.start + text[range.clone()].trim_end().len()
    } else {
        trimmed(text, range)
    };
    if !range.is_empty() {
        blocks.push(Block { kind, range });
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}

/// State of a literal block (reStructuredText): the indented lines after a paragraph that ends in `::`.
#[derive(Default)]
enum Literal {
    #[default]
    No,
    Announced,
    /// Where its first line begins.
    Open(usize),
    /// Names of other pages, which belong to no block.
    Hidden,
}

impl Literal {
    fn after(paragraph: &str) -> Self {
        if paragraph.trim_end().ends_with("::") { Self::Announced } else { Self::No }
    }

    /// Whether a line that begins at `at` belongs to the block; blank lines keep it open.
    fn takes(&mut self, line: &str, at: usize) -> bool {
        let blank = line.trim().is_empty();
        let inside = match self {
            Self::No => false,
            Self::Announced | Self::Open(_) | Self::Hidden => {
                blank || line.starts_with([' ', '\t'])
            }
        };
        if inside && !blank && matches!(self, Self::Announced) {
            *self = Self::Open(at);
        }
        inside
    }
}

/// Longest heading that is recognized only by its number, in words.
const HEADING_WORDS: usize = 10;

/// Whether a line that begins a paragraph is a heading like `4.2 Who may restore`: alone in its paragraph, or
/// with a number of several parts and followed by a new sentence. `4. Approval` is a heading unless it can be
/// a list item.
fn is_numbered_heading(line: &str, rest: &str) -> bool {
    let title = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &line[..line.len() - title.len()];
    let titled = title.starts_with(' ')
        && title.trim_start().starts_with(script::begins_title)
        && !title.ends_with(script::ENDS)
        && word_count(title) <= HEADING_WORDS;
    if !number.starts_with(|c: char| c.is_ascii_digit()) || !titled {
        return false;
    }
    let parts = number.split('.').filter(|part| !part.is_empty()).count();
    let next = rest.lines().next().unwrap_or_default();
    let alone = next.trim().is_empty();
    let Some(after) = rest.lines().find(|line| !line.trim().is_empty()) else {
        return parts > 1 || !number.ends_with('.');
    };
    let item = number.ends_with('.') && parts == 1;
    let list = after.starts_with([' ', '\t']) || matches!(shape(after), Shape::Item(_));
    if item {
        alone && !list
    } else {
        alone || (parts > 1 && after.starts_with(script::begins_title))
    }
}

/// Most words of a term that is defined below it.
const TERM_WORDS: usize = 6;

/// Whether a paragraph is one short line without a full stop, and `next` is indented below it.
fn is_term(text: &str, open: &Block, next: &str) -> bool {
    let term = text[open.range.clone()].trim_end();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let line = text[..open.range.start].rfind('\n').map_or(0, |end| end + 1);
    open.kind == BlockKind::Prose
        && !term.contains('\n')
        && !term.ends_with(script::ENDS)
        && word_count(term) <= TERM_WORDS
        && indent(next) >= indent(&text[line..]) + 2
}

/// The kind of a line, judged alone.
#[derive(PartialEq, Eq)]
enum Shape {
    Blank,
    Text,
    Heading,
    /// Underline of a heading, or a thematic break.
    Rule,
    Row,
    Separator,
    /// With the length of the marker.
    Item(usize),
    Fence(char, usize),
}

fn shape(body: &str) -> Shape {
    let Some(first) = body.chars().next() else { return Shape::Blank };
    let run = body.chars().take_while(|&c| c == first).count();
    let all = body.len() == run * first.len_utf8();
    match first {
        '`' if run >= 3 && !body[run..].contains('`') => Shape::Fence(first, run),
        '~' if run >= 3 && !all => Shape::Fence(first, run),
        // reStructuredText: an item without its number.
        '#' if body.starts_with("#. ") => Shape::Item(3),
        '#' if run <= 6 && (all || body[run..].starts_with(' ')) => Shape::Heading,
        // AsciiDoc.
        '=' if run <= 6 && body[run..].starts_with(' ') => Shape::Heading,
        '=' | '-' | '~' | '^' | '*' | '_' if run >= 3 && all => Shape::Rule,
        '|' if body.chars().all(|c| "|-: \t".contains(c)) => Shape::Separator,
        '|' => Shape::Row,
        '-' | '*' | '+' | '•' if body[first.len_utf8()..].starts_with([' ', '\t']) => {
            Shape::Item(first.len_utf8() + 1)
        }
        '0'..='9' => {
            let digits = body.chars().take_while(char::is_ascii_digit).count();
            let rest = &body[digits..];
            let marked = rest.starts_with(". ") || rest.starts_with(") ");
            if digits <= 3 && marked { Shape::Item(digits + 2) } else { Shape::Text }
        }
        _ => Shape::Text,
    }
}

fn closes(body: &str, mark: char, length: usize) -> bool {
    body.len() >= length && body.chars().all(|c| c == mark)
}

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "e.g.", "i.e.", "cf.", "vs.", "etc.", "approx.", "incl.", "no.", "nos.", "fig.", "figs.",
    "sec.", "ch.", "art.", "p.", "pp.", "dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "max.",
    "min.", "vol.", "mio.", "mrd.", "tsd.", "ca.", "bzw.", "z.b.", "d.h.", "usw.", "evtl.", "nr.",
    "abs.", "inkl.", "zzgl.", "ggf.", "u.a.", "hr.", "fr.", "str.", "p.ej.", "pág.", "núm.", "sr.",
    "sra.", "ej.", "env.", "cfr.", "sig.", "dott.", "bv.", "mld.", "mln.", "ecc.",
];

/// The sentences of a block, as ranges of `text`, by Unicode's rules (UAX #29), with line breaks read as
/// spaces and common abbreviations joined to what follows.
pub fn sentences(text: &str, block: &Range<usize>) -> Vec<Range<usize>> {
    let flat = text[block.clone()].replace(['\n', '\r'], " ");
    let mut sentences: Vec<Range<usize>> = Vec::new();
    let (mut joined, mut in_code) = (false, false);
    let ticks = |text: &str| text.matches('`').count() % 2;
    // `println!` in backticks does not end a sentence.
    let paired = ticks(&flat) == 0;
    let whole = unbroken(&flat);
    let bounds = flat.split_sentence_bound_indices();
    let bounds = bounds.flat_map(|(at, sentence)| script::at_spaces(at, sentence));
    for (at, sentence) in bounds.flat_map(|(at, sentence)| before_code(at, sentence)) {
        let range = trimmed(text, block.start + at..block.start + at + sentence.len());
        if range.is_empty() {
            continue;
        }
        let end = range.end;
        match sentences.last_mut().filter(|_| joined) {
            Some(last) => last.end = end,
            None => sentences.push(range),
        }
        in_code ^= paired && ticks(sentence) == 1;
        let within =
            |span: &Range<usize>| span.start < end - block.start && end - block.start < span.end;
        joined = in_code || whole.iter().any(within) || goes_on(sentence);
    }
    sentences
}

/// The links and the mathematics of a paragraph, in which no sentence ends.
fn unbroken(paragraph: &str) -> Vec<Range<usize>> {
    if !paragraph.contains(['$', '[', '\\']) {
        return Vec::new();
    }
    let of_kind = |span: &Span| matches!(span.kind, SpanKind::Math | SpanKind::Link);
    spans(paragraph).into_iter().filter(of_kind).map(|span| span.range).collect()
}

/// Splits a sentence also before a name in backticks, which may begin in lower case.
fn before_code(at: usize, sentence: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (stop, _) in sentence.match_indices(". `") {
        let end = stop + 2;
        if sentence[..end].matches('`').count().is_multiple_of(2) {
            parts.push((at + start, &sentence[start..end]));
            start = end;
        }
    }
    parts.push((at + start, &sentence[start..]));
    parts
}

fn goes_on(sentence: &str) -> bool {
    let Some(word) = sentence.split_whitespace().next_back() else { return false };
    let word = word.trim_start_matches(['(', '[', '"', '“']);
    let initial = word.len() == 2 && word.ends_with('.') && word.starts_with(char::is_uppercase);
    initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// The numbers of a text in a uniform spelling: `1,204` is `1204`, `007` is `7`, `2.50` is `2.5`.
pub fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let mut numbers = Vec::new();
    for run in text.split(|c| !is_part(c)) {
        let run = run.trim_matches(['.', ',']);
        let grouped = run.contains(',')
            && run.split('.').next().is_some_and(|whole| {
                whole.split(',').enumerate().all(|(i, group)| {
                    group.len() == 3 || (i == 0 && (1..=3).contains(&group.len()))
                })
            });
        if grouped {
            numbers.push(canonical(&run.replace(',', "")));
        } else {
            numbers.extend(run.split(',').filter(|part| !part.is_empty()).map(canonical));
        }
    }
    numbers
}

fn canonical(number: &str) -> String {
    let number = number.trim_matches('.');
    let decimal = number.matches('.').count() == 1;
    let number = if decimal { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    let stripped = number.trim_start_matches('0');
    match stripped.chars().next() {
        None => "0".to_owned(),
        Some('.') => format!("0{stripped}"),
        Some(_) => stripped.to_owned(),
    }
}

#[cfg(test)]
mod tests;
