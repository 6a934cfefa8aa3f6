//! Which lines of a document are headings: those in its outline, else those in larger letters than its text,
//! and at lower levels bold lines alone above text that is not bold.

use std::collections::HashMap;

use super::outline::OutlineEntry;
use super::page::{PageText, TextLine};

/// How much larger a heading's letters are than those of the text.
const LARGER: f32 = 1.15;

/// Longer lines are text, however large.
const MAX_LETTERS: usize = 120;

/// Most levels that are distinguished by size.
const LEVELS: usize = 3;

/// If a larger share of a document's lines is large, none of them are headings: slides, posters. A leaflet has
/// few lines, many of them headings, so there the letters count.
const MAX_SHARE: f32 = 0.2;
const FEW_LINES: usize = 40;

/// Largest share of bold headings among a document's lines: forms and word lists have more.
const MAX_BOLD_SHARE: f32 = 0.08;

/// Most letters of a bold heading, and fewest letters of the line of text below it, which is longer than a
/// label.
const MAX_BOLD_LETTERS: usize = 70;
const MIN_TEXT_LETTERS: usize = 25;

/// A part of a page, with the headings above it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PageSection {
    /// Index of its first line.
    pub(super) line: usize,
    /// Its headings, the outermost first.
    pub(super) headings: Vec<String>,
}

/// The parts of every page; the first starts with the page's first line.
pub(super) fn parts(pages: &[PageText], outline: &[OutlineEntry]) -> Vec<Vec<PageSection>> {
    let found = if outline.is_empty() { by_size(pages) } else { by_outline(pages, outline) };
    let mut path: Vec<(usize, String)> = Vec::new();
    let titles = |path: &[(usize, String)]| path.iter().map(|(_, title)| title.clone()).collect();
    let mut found = found.into_iter().peekable();
    let page_parts = (0..pages.len()).map(|page| {
        let mut parts = vec![PageSection { line: 0, headings: titles(&path) }];
        while let Some(heading) = found.next_if(|heading| heading.page == page) {
            path.retain(|(level, _)| *level < heading.level);
            path.push((heading.level, heading.title));
            match parts.last_mut() {
                Some(last) if last.line == heading.line => last.headings = titles(&path),
                _ => parts.push(PageSection { line: heading.line, headings: titles(&path) }),
            }
        }
        parts
    });
    page_parts.collect()
}

struct Heading {
    page: usize,
    line: usize,
    level: usize,
    title: String,
}

fn by_outline(pages: &[PageText], outline: &[OutlineEntry]) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    for entry in outline {
        let Some(page) = pages.get(entry.page) else { continue };
        // Outlines point to places, not to lines, so the line with the text of the entry is searched.
        let wanted = letters(&entry.title);
        let after =
            headings.last().filter(|last| last.page == entry.page).map_or(0, |last| last.line);
        let says = |line: &&TextLine| {
            let line = letters(&line.text);
            line == wanted
                || (line.ends_with(&wanted) && line.len() < wanted.len() + 8)
                || (line.len() > 12 && wanted.starts_with(&line))
        };
        let line = page.lines.iter().skip(after).position(|line| says(&line)).map(|at| at + after);
        let heading = Heading {
            page: entry.page,
            line: line.unwrap_or(after),
            level: entry.level,
            title: entry.title.clone(),
        };
        // An outline entry out of order says nothing about where the others are.
        if headings.last().is_none_or(|last| (last.page, last.line) <= (heading.page, heading.line))
        {
            headings.push(heading);
        }
    }
    headings
}

fn letters(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn by_size(pages: &[PageText]) -> Vec<Heading> {
    let lines = || pages.iter().flat_map(|page| &page.lines);
    let Some(usual) = usual_size(lines()) else { return Vec::new() };
    let is_large = |line: &TextLine| {
        line.place.size > usual * LARGER
            && (3..=MAX_LETTERS).contains(&count_letters(line))
            && !line.text.ends_with(['.', ',', ';'])
    };
    let count = lines().count() as f32;
    let large = || lines().filter(|line| is_large(line));
    let letters_of = |line: &TextLine| count_letters(line) as f32;
    let all_letters: f32 = lines().map(letters_of).sum();
    let takes_large = if lines().count() < FEW_LINES {
        large().map(letters_of).sum::<f32>() <= MAX_SHARE * all_letters
    } else {
        large().count() as f32 <= MAX_SHARE * count
    };
    let is_large = |line: &TextLine| takes_large && is_large(line);
    let is_bold =
        |lines: &[TextLine], index| !is_large(&lines[index]) && is_bold(lines, index, usual);
    let bold =
        |page: &PageText| (0..page.lines.len()).filter(|at| is_bold(&page.lines, *at)).count();
    let bold: usize = pages.iter().map(bold).sum();
    let takes_bold = bold as f32 <= MAX_BOLD_SHARE * count;
    let mut sizes: Vec<i32> = lines().filter(|line| is_large(line)).map(rounded).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes.truncate(LEVELS);
    let mut headings: Vec<Heading> = Vec::new();
    for (page, text) in pages.iter().enumerate() {
        let mut before: Option<&TextLine> = None;
        for (index, line) in text.lines.iter().enumerate() {
            let is_large = is_large(line);
            if !(is_large || takes_bold && is_bold(&text.lines, index)) {
                before = None;
                continue;
            }
            let goes_on = before.is_some_and(|before| {
                let step = line.place.base - before.place.base;
                rounded(before) == rounded(line) && step > 0.0 && step < 2.0 * line.place.size
            });
            before = Some(line);
            match headings.last_mut() {
                Some(last) if goes_on => last.title = format!("{} {}", last.title, line.text),
                _ => {
                    let level = sizes.iter().position(|size| *size == rounded(line));
                    let level = level.filter(|_| is_large).unwrap_or(if is_large {
                        LEVELS - 1
                    } else {
                        sizes.len()
                    });
                    headings.push(Heading { page, line: index, level, title: line.text.clone() });
                }
            }
        }
    }
    headings
}

/// Whether a line is a heading just by being bold: the lines around it are not, and text follows.
fn is_bold(lines: &[TextLine], index: usize, usual: f32) -> bool {
    let line = &lines[index];
    let near = |other: &TextLine, step: f32| {
        other.place.is_parallel(&line.place) && step > 0.0 && step < 3.0 * line.place.size
    };
    line.bold
        && line.cells.is_empty()
        && (line.place.size - usual).abs() < 0.12 * usual
        && (3..=MAX_BOLD_LETTERS).contains(&count_letters(line))
        && line.text.starts_with(|first: char| first.is_uppercase() || first.is_numeric())
        && !line.text.ends_with(['.', ',', ';', ':', '-'])
        && !begins_text(&line.text)
        && index.checked_sub(1).is_none_or(|before| {
            let before = &lines[before];
            let step = line.place.base - before.place.base;
            !(before.bold || near(before, step) && step < 1.1 * line.place.size)
        })
        && lines.get(index + 1).is_some_and(|next| {
            !next.bold
                && next.cells.is_empty()
                && !next.text.starts_with(char::is_lowercase)
                && near(next, next.place.base - line.place.base)
                && count_letters(next) >= MIN_TEXT_LETTERS
                && next.start < line.start + line.place.size
        })
}

/// Whether bold words start a caption or a paragraph that continues on the same line: `Interest. If`.
fn begins_text(text: &str) -> bool {
    let number = text.find(|letter: char| letter.is_alphabetic()).unwrap_or(0);
    let words = &text[number..];
    let caption = ["Figure ", "Fig. ", "Table ", "Abbildung ", "Tabelle "];
    caption.iter().any(|caption| words.starts_with(caption)) || words.contains(". ")
}

fn count_letters(line: &TextLine) -> usize {
    line.text.chars().filter(|letter| letter.is_alphabetic()).count()
}

/// The size in half points.
fn rounded(line: &TextLine) -> i32 {
    (line.place.size * 2.0).round() as i32
}

/// The size of most letters.
pub(super) fn usual_size<'a>(lines: impl Iterator<Item = &'a TextLine>) -> Option<f32> {
    let mut letters: HashMap<i32, usize> = HashMap::new();
    lines.for_each(|line| *letters.entry(rounded(line)).or_default() += line.text.len());
    let most = letters.into_iter().max_by_key(|(size, count)| (*count, *size));
    most.map(|(size, _)| size as f32 / 2.0)
}
