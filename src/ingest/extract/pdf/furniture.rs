//! Running headers, footers and page numbers: kept where they appear first, and left out after that.
//!
//! A line is one of them if several pages have it at the same place near their edge. Numbers in it must be the
//! same too, or grow with the pages: the first row of a table that continues over pages has other numbers each
//! time, and is kept.

use std::collections::{HashMap, HashSet};

use super::page::{PageText, TextLine};
use crate::ingest::document::single_spaced;

/// Shares of a page's height above and below which they are.
const TOP: f32 = 0.11;
const BOTTOM: f32 = 0.89;

/// Fewest pages with the same line.
const PAGES: usize = 3;

/// Rows that a page is divided into to compare the places of two lines.
const ROWS: f32 = 120.0;

/// A line with more numbers than these is compared as it is, since each number may be the page's.
const NUMBERS: usize = 5;

/// Fewest letters of a line without a page number; fewer may be a label of many charts.
const LETTERS: usize = 4;

/// The text and row by which lines of two pages are the same.
type Key = (String, i32);

/// Leaves these lines out of all pages except the first that has them.
pub(super) fn leave_out(pages: &mut [PageText]) {
    let page_keys = |(index, page): (usize, &PageText)| -> Vec<Vec<Key>> {
        page.lines.iter().map(|line| keys(index, page, line)).collect()
    };
    let keys: Vec<Vec<Vec<Key>>> = pages.iter().enumerate().map(page_keys).collect();
    let mut count: HashMap<&Key, usize> = HashMap::new();
    for page in &keys {
        for key in page.iter().flatten().collect::<HashSet<_>>() {
            *count.entry(key).or_default() += 1;
        }
    }
    // A place may be on the border of two rows.
    let runs = |(text, row): &&Key| {
        let near = (-1..=1).filter_map(|step| count.get(&(text.clone(), row + step)));
        near.sum::<usize>() >= PAGES
    };
    let mut shown: HashSet<&str> = HashSet::new();
    for (page, keys) in pages.iter_mut().zip(&keys) {
        // Even the first page number says nothing.
        let says = |text: &str| text.chars().any(char::is_alphabetic);
        let keep = keys.iter().map(|line| {
            let key = line.iter().find(runs);
            key.is_none_or(|(text, _)| says(text) && shown.insert(text))
        });
        let keep: Vec<bool> = keep.collect();
        // A page has more than what all pages repeat.
        if keep.contains(&true) {
            let mut keep = keep.into_iter();
            page.lines.retain(|_| keep.next().unwrap_or(true));
        }
    }
}

/// The text of a line with each of its numbers as it is, or relative to the number of the page.
fn keys(index: usize, page: &PageText, line: &TextLine) -> Vec<Key> {
    // Rotated pages are compared as they are viewed.
    let share = line.place.base * line.place.down.y / page.height.max(1.0);
    if line.place.down.y < 0.7 || (TOP..BOTTOM).contains(&share) || line.text.len() > 200 {
        return Vec::new();
    }
    let row = (share * ROWS) as i32;
    let words: String = single_spaced(&line.text).to_lowercase();
    let letters = words.chars().filter(|letter| letter.is_alphabetic()).count();
    // `vii`, as pages of a preface are numbered.
    if !words.is_empty() && words.chars().all(|letter| "ivxlc".contains(letter)) {
        return vec![("#".to_owned(), row)];
    }
    let parts: Vec<&str> =
        words.split_inclusive(|letter: char| !letter.is_ascii_digit()).flat_map(parts_of).collect();
    let numbers: Vec<usize> = (0..parts.len())
        .filter(|at| parts[*at].starts_with(|l: char| l.is_ascii_digit()))
        .collect();
    if numbers.len() > NUMBERS {
        return if letters >= LETTERS { vec![(words, row)] } else { Vec::new() };
    }
    let page_number = i64::try_from(index).unwrap_or(0);
    let variant = |choice: u32| {
        let text = parts.iter().enumerate().map(|(at, part)| {
            let number = numbers.iter().position(|number| *number == at);
            match number.and_then(|number| Some((number, part.parse::<i64>().ok()?))) {
                Some((number, value)) if choice & (1 << number) != 0 => {
                    format!("#{}", value - page_number)
                }
                _ => (*part).to_owned(),
            }
        });
        text.collect::<String>()
    };
    let choices = u32::from(letters < LETTERS)..1 << numbers.len();
    choices.map(|choice| (variant(choice), row)).collect()
}

/// Splits off blanks: `12 ` → `12`, ` `.
fn parts_of(part: &str) -> impl Iterator<Item = &str> {
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = part.split_at(digits);
    [number, rest].into_iter().filter(|part| !part.is_empty())
}
