//! Cuts a document into pieces that fit the embedder, each with its headings and its place. Pure.
//!
//! text-splitter cuts a text along its structure. This module decides:
//!
//! - **Markdown**, reStructuredText and `AsciiDoc` are cut at their headings first, so that a piece
//!   belongs to one section and its heading path is true of all of it. Only tiny sections share a
//!   piece (see `sections`). Front matter stays in the first section, so that a search for its date,
//!   authors or tags finds that section.
//! - **Code** is cut along the syntax tree; its headings are the items around the piece's start.
//! - **Rows** are gathered until a piece is full, and are cut only if they do not fit one.
//! - **Pages**, slides, records and other sections of the source are cut separately.
//!
//! text-splitter rescans the rest of its input for every piece, and asks for the size of many overlapping
//! candidates. It is therefore given windows of at most `WINDOW` bytes, and sizes come from a `ruler` that is
//! computed once per window. The true size of each piece is checked at the end, so the limit holds for any
//! tokenizer.

mod asciidoc;
#[cfg_attr(not(feature = "code"), path = "code_as_text.rs")]
mod code;
mod markdown;
mod outline;
mod place;
mod rst;
mod sections;
mod token_counts;

use std::ops::Range;
use std::sync::Arc;

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use super::document::{Document, DocumentPiece, Syntax};
use crate::types::Chunk;
use outline::Outline;
pub(super) use place::PlaceIndex;
use token_counts::{TokenCounts, WordCounts};

/// Raised whenever the same text and options would be cut differently. A build that cuts code as text has its
/// own number.
pub const REVISION: u32 = if cfg!(feature = "code") { 6 } else { 1_006 };

/// Number of tokens of a text.
pub type Count<'a> = &'a (dyn Fn(&str) -> usize + Sync);

/// Sizes in tokens of the embedder's tokenizer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkOptions {
    /// Limit for the embedded text of a piece: heading path and text.
    pub max_tokens: usize,
    /// How much of a piece may be repeated at the start of the next piece of the same section.
    pub overlap_tokens: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { max_tokens: 256, overlap_tokens: 32 }
    }
}

/// Maximum number of bytes that text-splitter gets at once, by syntax. Its work grows with the square of
/// that, and faster for syntaxes with more levels.
const WINDOW: usize = 32 << 10;
const CODE_WINDOW: usize = 16 << 10;

/// Code whose average line is longer than this, in bytes, is minified or data. Cutting it along its tree
/// takes many times as long as cutting it as text, and the tree means nothing to a reader.
const MINIFIED_LINE: usize = 400;

/// The heading path may take up one part in this many of the limit; a longer path loses its outer end.
const HEADINGS_SHARE: usize = 4;

/// Cuts a document. Pieces are in document order, not blank, and within the limit, except for a single
/// character that exceeds it alone.
pub fn chunk<'a>(
    document: &'a Document,
    options: &ChunkOptions,
    count: Count<'_>,
) -> Vec<DocumentPiece<'a>> {
    let places = PlaceIndex::new(document);
    let mut cutter = Cutter {
        title: None,
        text: &document.text,
        places: &places,
        syntax: document.syntax,
        max_tokens: options.max_tokens.max(1),
        overlap: options.overlap_tokens,
        words: WordCounts::new(count),
        count,
        pieces: Vec::new(),
    };
    let regions: Vec<(Range<usize>, Syntax, Outline)> = regions(document)
        .into_iter()
        .map(|(region, headings, syntax)| {
            cutter.syntax = match syntax {
                Syntax::Code(_) if region.len() > code::MAX_PARSED => Syntax::Plain,
                syntax => syntax,
            };
            let outline = cutter.outline(&region).under(headings);
            (region, cutter.syntax, outline)
        })
        .collect();
    let budget = cutter.max_tokens / HEADINGS_SHARE;
    let mut title_tokens = 0;
    if !regions.iter().any(|(_, _, outline)| outline.says(&document.title)) {
        title_tokens = cutter.add_title(&document.title, budget / 2);
    }
    for (region, syntax, outline) in regions {
        cutter.syntax = syntax;
        cutter.cut_region(&region, &outline.measured(title_tokens, budget, count));
    }
    // Halves of a piece can end up after the overlap of the next piece.
    cutter.pieces.sort_by_key(|(start, _)| *start);
    cutter.pieces.into_iter().map(|(_, piece)| piece).collect()
}

/// The ranges that a piece may not cross, each with its syntax and the headings that its text does not
/// contain: the sections of the document, or all of it.
fn regions(document: &Document) -> Vec<(Range<usize>, &[String], Syntax)> {
    let text = document.text.as_str();
    let mut starts: Vec<(usize, &[String], Syntax)> = vec![(0, &[], document.syntax)];
    starts.extend(document.sections.iter().map(|section| {
        let start = text.floor_char_boundary(section.offset);
        (start, section.headings.as_slice(), section.syntax.unwrap_or(document.syntax))
    }));
    starts.sort_by_key(|(start, ..)| *start);
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|(start, ..)| *start).chain([text.len()]).collect();
    let regions = starts.into_iter().zip(ends);
    regions
        .map(|((start, headings, syntax), end)| (start..end, headings, syntax))
        .filter(|(range, ..)| !range.is_empty())
        .collect()
}

/// The metadata at the very start of a Markdown text, between lines of `---` (YAML) or `+++` (TOML).
pub fn front_matter(text: &str) -> &str {
    &text[..markdown::front_matter(text)]
}

/// The first heading of a text; empty if it has none.
pub fn title(text: &str, syntax: Syntax) -> String {
    let sections = match syntax {
        Syntax::Markdown => return markdown::title(text).unwrap_or_default(),
        Syntax::Rst => rst::sections(text),
        Syntax::Asciidoc => asciidoc::sections(text),
        Syntax::Plain | Syntax::Rows | Syntax::Code(_) => return String::new(),
    };
    sections.paths().find_map(|path| path.last().cloned()).unwrap_or_default()
}

/// `'d` is the lifetime of the document.
struct Cutter<'a, 'd> {
    /// Title that is embedded above the headings of each piece.
    title: Option<&'d str>,
    text: &'d str,
    places: &'a PlaceIndex,
    syntax: Syntax,
    max_tokens: usize,
    overlap: usize,
    words: WordCounts<'a>,
    count: Count<'a>,
    /// Pieces with the offset of their first word.
    pieces: Vec<(usize, DocumentPiece<'d>)>,
}

impl<'d> Cutter<'_, 'd> {
    /// Embeds the title, which gives context where no heading contains it. Returns its tokens; 0 if the title
    /// is empty or takes more than `budget`.
    fn add_title(&mut self, title: &'d str, budget: usize) -> usize {
        if title.trim().is_empty() || title.contains(char::is_control) {
            return 0;
        }
        let tokens = (self.count)(&format!("{title} > \n"));
        if tokens > budget {
            return 0;
        }
        self.title = Some(title);
        tokens
    }

    /// The headings of a region, and where it must be cut. Switches to plain text for code that is nested too
    /// deeply.
    fn outline(&mut self, region: &Range<usize>) -> Outline {
        let text = &self.text[region.clone()];
        let sections = match self.syntax {
            Syntax::Markdown => Some(markdown::sections(text)),
            Syntax::Rst => Some(rst::sections(text)),
            Syntax::Asciidoc => Some(asciidoc::sections(text)),
            Syntax::Plain | Syntax::Rows | Syntax::Code(_) => None,
        };
        match (sections, self.syntax) {
            (Some(sections), _) => sections.outline(text, self.max_tokens, self.count),
            (None, Syntax::Code(language)) => {
                let (outline, is_deep) = code::outline(text, language);
                if is_deep {
                    self.syntax = Syntax::Plain;
                }
                outline
            }
            (None, _) => Outline::flat(text),
        }
    }

    /// Cuts a region, which no piece may cross.
    fn cut_region(&mut self, region: &Range<usize>, outline: &Outline) {
        if self.syntax == Syntax::Rows {
            return self.cut_rows(region, outline);
        }
        for section in outline.sections() {
            self.cut_section(region.start, section, outline);
        }
    }

    /// Gathers rows until a piece is full. A row that is too long is cut like any text.
    fn cut_rows(&mut self, region: &Range<usize>, outline: &Outline) {
        let capacity = self.capacity(outline, &(0..region.len()));
        let mut starts = self.places.rows(region);
        starts.push(region.end);
        let (mut start, mut end, mut sum) = (region.start, region.start, 0);
        for next in starts.into_iter().map(|next| self.text.floor_char_boundary(next)) {
            if next <= end {
                continue;
            }
            let tokens = (self.count)(&self.text[end..next]);
            if sum > 0 && sum + tokens > capacity {
                self.cut_section(region.start, start - region.start..end - region.start, outline);
                (start, sum) = (end, 0);
            }
            (end, sum) = (next, sum + tokens);
        }
        self.cut_section(region.start, start - region.start..end - region.start, outline);
    }

    /// Offsets in `section` are relative to `base`, the start of the region.
    fn cut_section(&mut self, base: usize, section: Range<usize>, outline: &Outline) {
        let region = &self.text[base..];
        for window in windows(region, section, self.window()) {
            self.cut_window(base, window, outline);
        }
    }

    /// Tokens left for the text of a piece beside the headings in `range`.
    fn capacity(&self, outline: &Outline, range: &Range<usize>) -> usize {
        (self.max_tokens - outline.reserve(range)).max(1)
    }

    fn window(&self) -> usize {
        if matches!(self.syntax, Syntax::Code(_)) { CODE_WINDOW } else { WINDOW }
    }

    /// Offsets in `window` are relative to `base`, the start of the region.
    fn cut_window(&mut self, base: usize, window: Range<usize>, outline: &Outline) {
        let text = &self.text[base + window.start..base + window.end];
        let ruler = TokenCounts::new(text, &mut self.words);
        let capacity = self.capacity(outline, &window);
        let overlap = self.overlap.min(capacity / 2);
        for range in split(text, self.syntax, &ruler, capacity, overlap) {
            let range = base + window.start + range.start..base + window.start + range.end;
            let Some(range) = trimmed(self.text, base, range) else { continue };
            let start = range.start + indentation(&self.text[range.clone()]);
            self.push(range, outline.headings_at(start - base));
        }
    }

    /// Adds the piece, or halves it if the ruler's estimate was too low.
    fn push(&mut self, range: Range<usize>, headings: &Arc<[String]>) {
        let text = &self.text[range.clone()];
        let embedded = Chunk::embedded_text(self.title, headings, text);
        let fits = (self.count)(&embedded) <= self.max_tokens;
        if !fits && let Some(middle) = middle(text) {
            let middle = range.start + middle;
            for half in [range.start..middle, middle..range.end] {
                if let Some(half) = trimmed(self.text, half.start, half) {
                    self.push(half, headings);
                }
            }
            return;
        }
        let headings = if fits { Arc::clone(headings) } else { Arc::default() };
        let titled = fits && self.title.is_some();
        let (locator, recognition) = self.places.place(&range);
        let (start, first) = (range.start, range.start + indentation(text));
        self.pieces
            .push((first, DocumentPiece { start, text, locator, recognition, headings, titled }));
    }
}

/// Splits a text with text-splitter. A text that fits is not split.
fn split(
    text: &str,
    syntax: Syntax,
    ruler: &TokenCounts<'_>,
    capacity: usize,
    overlap: usize,
) -> Vec<Range<usize>> {
    if ruler.total() <= capacity {
        return std::iter::once(0..text.len()).collect();
    }
    // An overlap below the capacity is always accepted, and so are the bundled grammars.
    let config = || ChunkConfig::new(capacity).with_sizer(ruler).with_overlap(overlap).ok();
    let pieces: Option<Vec<(usize, &str)>> = match syntax {
        Syntax::Code(language) if !is_minified(text) => {
            config().and_then(|config| code::split(text, language, config))
        }
        Syntax::Code(_) | Syntax::Plain | Syntax::Rows | Syntax::Rst | Syntax::Asciidoc => {
            config().map(|c| TextSplitter::new(c).chunk_indices(text).collect())
        }
        Syntax::Markdown => {
            config().map(|c| MarkdownSplitter::new(c).chunk_indices(text).collect())
        }
    };
    let whole = || std::iter::once(0..text.len()).collect();
    pieces.map_or_else(whole, |pieces| {
        let ranges = pieces.iter().map(|(start, piece)| *start..start + piece.len());
        joined(text, ranges, ruler, capacity)
    })
}

fn is_minified(code: &str) -> bool {
    let lines = code.bytes().filter(|byte| *byte == b'\n').count() + 1;
    code.len() > MINIFIED_LINE * lines
}

/// Joins a tiny piece with the next one if both fit: text-splitter leaves the head of an item or a closing
/// brace alone when the level below them is the one that fits. Drops a piece that the overlap of the next one
/// repeats completely.
fn joined(
    text: &str,
    ranges: impl DoubleEndedIterator<Item = Range<usize>>,
    ruler: &TokenCounts<'_>,
    capacity: usize,
) -> Vec<Range<usize>> {
    let is_tiny = |range: &Range<usize>| ruler.between(range.start, range.end) <= capacity / 8;
    let first_word = |range: &Range<usize>| range.start + indentation(&text[range.clone()]);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.rev() {
        match joined.last_mut() {
            Some(next) if first_word(next) == first_word(&range) => {}
            Some(next)
                if (is_tiny(next) || is_tiny(&range))
                    && ruler.between(range.start, next.end) <= capacity =>
            {
                next.start = range.start;
            }
            _ => joined.push(range),
        }
    }
    joined.reverse();
    joined
}

/// Cuts `range` into windows of at most `limit` bytes, preferably between blocks (at a blank line before an
/// unindented line), else at a blank line, the end of a line, or a space.
fn windows(text: &str, range: Range<usize>, limit: usize) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let mut start = range.start;
    while range.end - start > limit {
        let end = text.floor_char_boundary(start + limit);
        let least = text.ceil_char_boundary(start + limit / 2).min(end);
        let late = &text[least..end];
        let block = late.rmatch_indices("\n\n").find(|(at, _)| {
            late[at + 2..].chars().next().is_some_and(|next| !next.is_whitespace() && next != '}')
        });
        let cut = block
            .map(|(at, _)| at + 2)
            .or_else(|| late.rfind("\n\n").map(|at| at + 2))
            .or_else(|| late.rfind('\n').map(|at| at + 1))
            .or_else(|| late.rfind(' ').map(|at| at + 1))
            .unwrap_or(late.len());
        windows.push(start..least + cut);
        start = least + cut;
    }
    windows.push(start..range.end);
    windows
}

/// `range` without blank lines and spaces around it, but with the indentation of its first line if it has
/// several lines; `None` if nothing is left. The result does not begin before `floor`.
fn trimmed(text: &str, floor: usize, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let body = piece.trim();
    if body.is_empty() {
        return None;
    }
    let start = range.end - piece.trim_start().len();
    let end = start + body.len();
    let indented = if body.contains('\n') {
        let before = &text[floor..start];
        let spaces = before.len() - before.trim_end_matches([' ', '\t']).len();
        let line_begins = spaces == before.len() || before[..before.len() - spaces].ends_with('\n');
        if line_begins { start - spaces } else { start }
    } else {
        start
    };
    Some(indented..end)
}

fn indentation(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Where to halve a text: at the white space nearest to the middle, else between two characters; `None` for a
/// single character.
fn middle(text: &str) -> Option<usize> {
    let half = text.floor_char_boundary(text.len() / 2);
    let after = text[half..].find(char::is_whitespace).map(|at| half + at);
    let before = text[..half].rfind(char::is_whitespace);
    let nearest = match (before, after) {
        (Some(before), Some(after)) if half - before > after - half => Some(after),
        (before, after) => before.or(after),
    };
    let cut = nearest.filter(|at| *at > 0).unwrap_or(half);
    let cut = if cut == 0 { text.chars().next()?.len_utf8() } else { cut };
    (cut < text.len()).then_some(cut)
}

#[cfg(test)]
mod tests;
