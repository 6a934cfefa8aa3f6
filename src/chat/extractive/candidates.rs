//! Passages → the texts that could be quoted from them.

use std::ops::Range;
use std::sync::Arc;

use super::Terms;
use super::boilerplate::{is_aside, mark_repeated};
use super::code::code_runs;
use super::question::content;
use super::visible_markup::ParagraphMarkup;
use crate::text::{BlockKind, Words, blocks, full_stop, is_unspaced, sentences, word_count};
use crate::types::{Locator, Passage};

/// Longest piece of prose that is quoted as one, in words.
const MAX_WORDS: usize = 60;
/// Letters that are quoted together if nothing separates them.
const MAX_LETTERS: usize = 100;

/// A sentence, a table row or a few lines of code.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Number of the passage.
    pub(super) number: u32,
    /// Position among all candidates, in the order of passages and within them.
    pub(super) position: usize,
    pub(super) text: String,
    pub(super) words: Words,
    /// Number of words.
    pub(super) length: usize,
    pub(super) kind: BlockKind,
    /// Distinct and sorted, like all lists of terms here.
    pub(super) terms: Vec<u32>,
    /// The title of its document and the headings above it.
    pub(super) under: Arc<str>,
    /// Terms of the heading directly above it.
    pub(super) section: Vec<u32>,
    /// Terms of the headings above that one, of the title and of the file's name.
    pub(super) document: Vec<u32>,
    /// Terms of the sentence before it.
    pub(super) before: Vec<u32>,
    /// Terms of all of its passage.
    pub(super) passage: Arc<[u32]>,
    /// Whether it is the first of its section.
    pub(super) opens: bool,
    /// How much the score of its passage counts for it, within 0..=1.
    pub(super) prior: f32,
    /// It is on the page, but not part of its text.
    pub(super) aside: bool,
}

/// What ends a sentence, or announces the next.
const STOPS: [char; 21] = [
    '.', '!', '?', '…', ':', '。', '！', '？', '：', '．', '｡', '।', '॥', '؟', '۔', '։', '።', '፧',
    '။', '៖', '។',
];

impl Candidate {
    /// The text with its mark: before the full stop, as in prose; below a code block. A `listed` item needs
    /// no full stop.
    pub(super) fn quoted(&self, listed: bool) -> String {
        let (text, number) = (&self.text, self.number);
        if self.is_code() {
            return format!("```\n{text}\n```\n[{number}]");
        }
        let said = text.trim_end_matches(STOPS);
        let end = if said == text && !listed { full_stop(said) } else { &text[said.len()..] };
        format!("{said} [{number}]{end}")
    }

    pub(super) fn is_code(&self) -> bool {
        self.kind == BlockKind::Code
    }

    /// Whether it is a sentence that comes to its end.
    pub(super) fn ends(&self) -> bool {
        self.is_code() || self.text.ends_with(STOPS)
    }

    /// Whether it announces what comes next.
    pub(super) fn leads_in(&self) -> bool {
        !self.is_code() && self.text.ends_with([':', '：'])
    }
}

/// Everything that could be quoted, in order.
pub(super) fn candidates(passages: &[Passage], terms: &Terms) -> Vec<Candidate> {
    let best = passages.iter().map(|passage| passage.score).fold(0.0, f32::max);
    let mut candidates = Vec::new();
    let mut sources = Vec::new();
    for passage in passages {
        // Half of the weight, so that a better sentence of a lower-ranked passage can win.
        let share = if best > 0.0 { (passage.score / best).clamp(0.0, 1.0) } else { 1.0 };
        of_passage(passage, 0.5 + 0.5 * share, terms, &mut candidates);
        sources.resize(candidates.len(), passage.source.as_str());
    }
    mark_repeated(&mut candidates, &sources);
    candidates
}

fn of_passage(passage: &Passage, prior: f32, terms: &Terms, candidates: &mut Vec<Candidate>) {
    // A passage may begin with its own heading, the last one.
    let (last, outer) = match passage.headings.split_last() {
        Some((last, outer)) => (last.as_str(), outer),
        None => ("", &[][..]),
    };
    let mut section = heading_terms(last, terms);
    let mut under = path(passage, outer, last);
    let outer_terms = outer.iter().flat_map(|heading| heading_terms(heading, terms));
    let name = terms(name(&passage.source));
    let document =
        distinct(terms(&passage.title).into_iter().chain(outer_terms).chain(name).collect());
    let first = candidates.len();
    let mut before: Vec<u32> = Vec::new();
    let mut opens = true;
    for (piece, words) in pieces(passage) {
        if piece.kind == BlockKind::Heading {
            section = heading_terms(&piece.text, terms);
            under = path(passage, outer, &piece.text);
            before.clear();
            opens = true;
            continue;
        }
        let own = distinct(terms(&piece.text));
        candidates.push(Candidate {
            number: passage.number,
            position: candidates.len(),
            kind: piece.kind,
            terms: own.clone(),
            under: Arc::clone(&under),
            section: section.clone(),
            document: document.clone(),
            before: std::mem::replace(&mut before, own),
            // The text after a footer opens the section.
            opens: opens && !piece.aside,
            aside: piece.aside,
            prior,
            passage: Arc::default(),
            words,
            length: word_count(&piece.text),
            text: piece.text,
        });
        opens &= piece.aside;
    }
    let own = &mut candidates[first..];
    let all = own.iter().flat_map(|candidate| candidate.terms.iter().copied());
    let all: Arc<[u32]> = distinct(all.collect()).into();
    for candidate in own {
        candidate.passage = Arc::clone(&all);
    }
}

/// The title and the headings above the text under `last`, as one text.
fn path(passage: &Passage, outer: &[String], last: &str) -> Arc<str> {
    let outer = outer.iter().map(String::as_str);
    let all = std::iter::once(passage.title.as_str()).chain(outer).chain([last]);
    all.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ").into()
}

/// The terms of a heading without its number, as those of a question: "4.2 Who may restore" is about
/// restoring.
fn heading_terms(heading: &str, terms: &Terms) -> Vec<u32> {
    let words = heading.trim_start_matches(['#', '=', ' ']);
    let title = words.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let words = if title.starts_with(' ') { title } else { words };
    distinct(terms(&content(words)))
}

/// A file and the directory that it is in, without its extension.
fn name(source: &str) -> &str {
    let path = source.rsplit_once('.').map_or(source, |(path, _)| path);
    let above = path.rmatch_indices('/').nth(1);
    above.map_or(path, |(at, _)| &path[at + 1..])
}

fn distinct(mut terms: Vec<u32>) -> Vec<u32> {
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// A quotable text, or a heading.
struct Piece {
    kind: BlockKind,
    text: String,
    /// See [`Candidate::aside`].
    aside: bool,
}

/// The quotable texts of a passage, and its headings, each with its words.
fn pieces(passage: &Passage) -> Vec<(Piece, Words)> {
    let text = passage.text.as_str();
    let code = |lines: String| Piece { kind: BlockKind::Code, text: lines, aside: false };
    if is_code_file(&passage.source) {
        let is_whole = matches!(passage.locator, Locator::Lines(1, _));
        let runs = code_runs(text, is_whole).into_iter().map(code);
        let with_words = |run: Piece| {
            let words = Words::of(&run.text);
            (run, words)
        };
        return runs.map(with_words).collect();
    }
    let mut pieces = Vec::new();
    for block in blocks(text) {
        let whole = &text[block.range.clone()];
        let aside = is_aside(whole);
        let piece = |kind, text| Piece { kind, text, aside };
        match block.kind {
            BlockKind::Code => {
                pieces.extend(code_runs(whole, true).into_iter().map(code));
            }
            BlockKind::Heading => pieces.push(piece(block.kind, whole.to_owned())),
            BlockKind::Prose if whole.contains(" | ") => {
                pieces.extend(whole.lines().map(|row| piece(BlockKind::TableRow, shown(row))));
            }
            BlockKind::TableRow => {
                pieces.push(piece(block.kind, shown(whole.trim_matches(['|', ' ', '\t']))));
            }
            kind @ (BlockKind::Prose | BlockKind::Item) => {
                let paragraph = ParagraphMarkup::of(whole);
                let sentences = sentences(text, &block.range).into_iter();
                let short = sentences.flat_map(|sentence| short_enough(text, sentence));
                let start = block.range.start;
                let shown = short.map(|it| paragraph.shown(&(it.start - start..it.end - start)));
                pieces.extend(shown.map(|shown| piece(kind, shown)));
            }
        }
    }
    // Text with odd markup, which the check of citations would not find again, is not quoted.
    let all = Words::of(text);
    let with_words = |piece: Piece| {
        let words = Words::of(&piece.text);
        let is_found = matches!(piece.kind, BlockKind::Code | BlockKind::Heading)
            || all.find(&words).is_some();
        (piece.text.contains(char::is_alphanumeric) && is_found).then_some((piece, words))
    };
    pieces.into_iter().filter_map(with_words).collect()
}

/// A row of a table as a reader sees it.
fn shown(row: &str) -> String {
    ParagraphMarkup::of(row).shown(&(0..row.len()))
}

/// A sentence; if it is too long (a list or a log without full stops), its lines; and pieces of lines that
/// are still too long.
fn short_enough(text: &str, sentence: Range<usize>) -> Vec<Range<usize>> {
    if word_count(&text[sentence.clone()]) <= MAX_WORDS {
        return vec![sentence];
    }
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for line in text[sentence].lines() {
        let mut words = 0;
        for part in line.split_whitespace().flat_map(clauses) {
            let count = word_count(part);
            let range = offset(part)..offset(part) + part.len();
            if let Some(last) =
                pieces.last_mut().filter(|_| words > 0 && words + count <= MAX_WORDS)
            {
                last.end = range.end;
            } else {
                words = 0;
                pieces.push(range);
            }
            words += count;
        }
    }
    pieces
}

/// The parts of a word. In a script without spaces, the parts between its commas, and runs of letters
/// without commas are cut.
fn clauses(word: &str) -> Vec<&str> {
    if !word.contains(is_unspaced) {
        return vec![word];
    }
    let mut clauses = Vec::new();
    for clause in word.split_inclusive(['，', '、', '；', ',']) {
        let mut rest = clause;
        while let Some((at, _)) =
            rest.char_indices().nth(MAX_LETTERS).filter(|_| word_count(rest) > MAX_WORDS)
        {
            let (run, after) = rest.split_at(at);
            clauses.push(run);
            rest = after;
        }
        clauses.push(rest);
    }
    clauses
}

/// Whether a file of this name is code, in which sentences are not looked for.
fn is_code_file(source: &str) -> bool {
    const EXTENSIONS: [&str; 39] = [
        "c", "cc", "cpp", "cs", "css", "cxx", "dart", "ex", "exs", "go", "h", "hpp", "hs", "java",
        "js", "jsx", "kt", "lua", "mjs", "ml", "php", "pl", "proto", "ps1", "py", "r", "rb", "rs",
        "scala", "sh", "sql", "swift", "tf", "toml", "ts", "tsx", "yaml", "yml", "zig",
    ];
    let extension = source.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}
