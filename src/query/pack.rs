//! Ranked chunks → numbered passages: duplicates out, neighbours merged, within a token budget.

use std::collections::HashSet;

use crate::query::prompt;
use crate::text::Words;
use crate::types::{Chunk, Hit, Locator, Passage};

/// What the passages may amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackOptions {
    pub max_passages: usize,
    /// Tokens of all passages together, as they are fenced in the prompt.
    pub max_tokens: usize,
    /// Passages of one source. It makes room for other sources, so it does not apply where all
    /// hits come from one.
    pub per_source: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self { max_passages: 8, max_tokens: 3000, per_source: 3 }
    }
}

/// What became of the hits.
#[derive(Clone, PartialEq, Debug)]
pub struct Packed {
    /// Numbered from 1, in the order of their best hit.
    pub passages: Vec<Passage>,
    /// In rank order. Hits that are in neither list were merged into a passage.
    pub dropped: Vec<Dropped>,
}

/// A hit that is not among the passages.
#[derive(Clone, PartialEq, Debug)]
pub struct Dropped {
    pub source: String,
    pub locator: Locator,
    pub score: f32,
    pub reason: DropReason,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropReason {
    /// Its text is in a passage already.
    Duplicate,
    /// Nearly the same text is in a passage already, with the same numbers and negations.
    NearDuplicate,
    /// The source has as many passages as it may.
    SourceCap,
    /// It would exceed the token budget.
    Budget,
    /// There are as many passages as there may be.
    Limit,
}

impl DropReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::NearDuplicate => "near_duplicate",
            Self::SourceCap => "source_cap",
            Self::Budget => "budget",
            Self::Limit => "limit",
        }
    }
}

/// Packs hits, best first, into passages. `count` is the number of tokens of a text.
///
/// A hit next to a passage of the same section (consecutive ordinals, the same headings, and the
/// same page where there are pages) is merged into it; one between two passages joins them. Sections
/// stay apart, so that a citation leads to the section and not to half of the document. What does
/// not fit is dropped, and what comes after it may still fit.
pub fn pack(hits: &[Hit], options: &PackOptions, count: &dyn Fn(&str) -> usize) -> Packed {
    let several = hits.iter().any(|hit| hit.chunk.source != hits[0].chunk.source);
    let per_source = if several { options.per_source } else { usize::MAX };
    let mut groups: Vec<Group> = Vec::new();
    let mut seen: Vec<Shingles> = Vec::new();
    let mut dropped = Vec::new();
    for hit in hits {
        let shingles = Shingles::of(&hit.chunk.text);
        let merged = Group::around(&groups, hit, count);
        let reason = duplicate(&groups, &seen, &hit.chunk, &shingles)
            .or_else(|| over(&groups, &merged, options, per_source));
        if let Some(reason) = reason {
            dropped.push(Dropped {
                source: hit.chunk.source.clone(),
                locator: hit.chunk.locator,
                score: hit.score,
                reason,
            });
            continue;
        }
        let at = groups.iter().position(|group| group.adjoins(&hit.chunk)).unwrap_or(groups.len());
        groups.retain(|group| !group.adjoins(&hit.chunk));
        groups.insert(at, merged);
        seen.push(shingles);
    }
    let passages =
        (1..).zip(groups).map(|(number, group)| Passage { number, ..group.passage }).collect();
    Packed { passages, dropped }
}

fn duplicate(
    groups: &[Group],
    seen: &[Shingles],
    chunk: &Chunk,
    shingles: &Shingles,
) -> Option<DropReason> {
    let words = Words::of(&chunk.text);
    let contained = |group: &Group| {
        group.passage.text.contains(chunk.text.trim()) || group.words.find(&words).is_some()
    };
    if groups.iter().any(contained) {
        return Some(DropReason::Duplicate);
    }
    seen.iter().any(|other| other.resembles(shingles)).then_some(DropReason::NearDuplicate)
}

fn over(
    groups: &[Group],
    merged: &Group,
    options: &PackOptions,
    per_source: usize,
) -> Option<DropReason> {
    let others = || groups.iter().filter(|group| !merged.covers(group));
    let source = &merged.passage.source;
    let grows = others().count() == groups.len();
    if grows && groups.len() >= options.max_passages {
        return Some(DropReason::Limit);
    }
    if grows && others().filter(|group| group.passage.source == *source).count() >= per_source {
        return Some(DropReason::SourceCap);
    }
    let tokens = merged.tokens + others().map(|group| group.tokens).sum::<usize>();
    (tokens > options.max_tokens).then_some(DropReason::Budget)
}

/// Chunks of one document that follow each other: a passage in the making.
struct Group<'a> {
    /// By ordinal, without a gap.
    chunks: Vec<&'a Chunk>,
    passage: Passage,
    words: Words,
    tokens: usize,
}

impl<'a> Group<'a> {
    /// A hit together with the groups it adjoins.
    fn around(groups: &[Group<'a>], hit: &'a Hit, count: &dyn Fn(&str) -> usize) -> Self {
        let mut chunks = vec![&hit.chunk];
        let mut score = hit.score;
        for group in groups.iter().filter(|group| group.adjoins(&hit.chunk)) {
            chunks.extend(&group.chunks);
            score = score.max(group.passage.score);
        }
        chunks.sort_by_key(|chunk| chunk.ordinal);
        let passage = passage(&chunks, score);
        let words = Words::of(&passage.text);
        let tokens = count(&prompt::fenced(&passage, prompt::SAMPLE_NONCE));
        Self { chunks, passage, words, tokens }
    }

    fn adjoins(&self, chunk: &Chunk) -> bool {
        let (first, last) = (self.chunks[0], self.chunks[self.chunks.len() - 1]);
        first.source == chunk.source
            && first.document_hash == chunk.document_hash
            && first.headings == chunk.headings
            && (last.ordinal + 1 == chunk.ordinal || chunk.ordinal + 1 == first.ordinal)
            && self.passage.locator.merge(chunk.locator).is_some()
    }

    fn covers(&self, other: &Self) -> bool {
        self.chunks.iter().any(|chunk| std::ptr::eq(*chunk, other.chunks[0]))
    }
}

fn passage(chunks: &[&Chunk], score: f32) -> Passage {
    let first = chunks[0];
    let mut passage = Passage {
        number: 0,
        source: first.source.clone(),
        title: first.title.clone(),
        headings: first.headings.clone(),
        text: first.text.clone(),
        locator: first.locator,
        score,
        document_hash: first.document_hash.clone(),
    };
    for chunk in &chunks[1..] {
        append(&mut passage.text, passage.locator, chunk);
        passage.locator = passage.locator.merge(chunk.locator).unwrap_or(passage.locator);
    }
    passage
}

/// Adds the next chunk, without what it repeats of the end of `text`.
fn append(text: &mut String, locator: Locator, next: &Chunk) {
    let (between, may_overlap) = match (locator, next.locator) {
        (Locator::Lines(_, last), Locator::Lines(first, _)) if first > last + 1 => ("\n\n", false),
        (Locator::Lines(_, last), Locator::Lines(first, _)) if first == last + 1 => ("\n", false),
        (Locator::Lines(..), Locator::Lines(..)) => (" ", true),
        // Rows are not repeated.
        (Locator::Rows { .. }, Locator::Rows { .. }) => ("\n", false),
        _ => ("\n", true),
    };
    let repeated = if may_overlap { overlap(text, &next.text) } else { 0 };
    if repeated == 0 && !text.ends_with('\n') {
        text.push_str(between);
    }
    text.push_str(&next.text[repeated..]);
}

/// Shortest run of bytes that two chunks have in common on purpose and not by chance.
const MIN_OVERLAP: usize = 12;

/// Length of the longest end of `a` that is the beginning of `b`, in whole words; 0 below
/// [`MIN_OVERLAP`] unless it is a whole chunk.
fn overlap(a: &str, b: &str) -> usize {
    let a = a.trim_end();
    let is_edge = |text: &str, at: usize| {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !(word(text[..at].chars().next_back()) && word(text[at..].chars().next()))
    };
    let earliest = a.len().saturating_sub(b.len());
    (earliest..a.len())
        .filter(|&at| a.is_char_boundary(at))
        .find(|&at| {
            let end = &a[at..];
            let long = end.len() >= MIN_OVERLAP || end.len() == b.len() || at == 0;
            long && b.starts_with(end) && is_edge(a, at) && is_edge(b, end.len())
        })
        .map_or(0, |at| a.len() - at)
}

/// A text as its runs of three words, and the words that make a difference even alone.
struct Shingles {
    runs: HashSet<String>,
    telling: Vec<String>,
}

/// Share of common runs (Jaccard) from which two texts are the same text for a reader.
const RESEMBLANCE: f64 = 0.85;
const NEGATIONS: [&str; 6] = ["no", "not", "never", "without", "cannot", "t"];

impl Shingles {
    fn of(text: &str) -> Self {
        let words = Words::of(text);
        let words: Vec<&str> = words.iter().collect();
        let mut telling: Vec<String> = words
            .iter()
            .filter(|word| word.contains(|c: char| c.is_ascii_digit()) || NEGATIONS.contains(word))
            .map(|word| (*word).to_owned())
            .collect();
        telling.sort_unstable();
        Self { runs: words.windows(3).map(|run| run.join(" ")).collect(), telling }
    }

    /// "Kept for 300 days" is not nearly "kept for 400 days": numbers and negations must be equal.
    fn resembles(&self, other: &Self) -> bool {
        let common = self.runs.intersection(&other.runs).count() as f64;
        let all = (self.runs.len() + other.runs.len()) as f64 - common;
        common > 0.0 && common / all >= RESEMBLANCE && self.telling == other.telling
    }
}

#[cfg(test)]
pub(crate) mod tests;
