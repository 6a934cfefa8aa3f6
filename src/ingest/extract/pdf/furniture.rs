//! Running headers, footers and page numbers: kept where they come first, and left out after that.

use std::collections::HashMap;

use super::page::{PageText, TextLine};

/// Shares of a page's height in which they stand.
const TOP: f32 = 0.11;
const BOTTOM: f32 = 0.89;

/// A line that so many pages have is one.
const PAGES: usize = 3;

/// Rows of the page, as it is divided for saying that two lines have one place.
const ROWS: f32 = 120.0;

/// Leaves them out of all pages but the first that has them.
pub(super) fn leave_out(pages: &mut [PageText]) {
    let mut count: HashMap<(String, i32), usize> = HashMap::new();
    for page in &*pages {
        let mut keys: Vec<_> = page.lines.iter().filter_map(|line| key(page, line)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().for_each(|key| *count.entry(key).or_default() += 1);
    }
    // Left and right pages may each have their own.
    let runs = |key: &(String, i32)| {
        let near = (-1..=1).filter_map(|row| count.get(&(key.0.clone(), key.1 + row)));
        near.sum::<usize>() >= PAGES
    };
    let mut shown: Vec<String> = Vec::new();
    for page in pages {
        let keep: Vec<bool> = page
            .lines
            .iter()
            .map(|line| match key(page, line).filter(&runs) {
                Some((text, _)) if shown.contains(&text) => false,
                Some((text, _)) => {
                    // The first page number says nothing either.
                    let says_something = text.chars().any(char::is_alphabetic);
                    shown.push(text);
                    says_something
                }
                None => true,
            })
            .collect();
        let mut keep = keep.into_iter();
        page.lines.retain(|_| keep.next().unwrap_or(true));
    }
}

/// What makes two lines of two pages the same: their words without numbers, and their place.
fn key(page: &PageText, line: &TextLine) -> Option<(String, i32)> {
    // A page that is turned is looked at as it is held.
    let place = if line.down.y.abs() > 0.7 { line.base * line.down.y } else { return None };
    let share = place / page.height.max(1.0);
    if (TOP..BOTTOM).contains(&share) || line.text.len() > 200 {
        return None;
    }
    let mut text = String::new();
    for letter in line.text.chars().filter(|letter| !letter.is_whitespace()) {
        if !letter.is_numeric() {
            text.extend(letter.to_lowercase());
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    // `vii` is a number too.
    if !text.is_empty() && text.chars().all(|letter| "ivxlc".contains(letter)) {
        "#".clone_into(&mut text);
    }
    Some((text, (share * ROWS) as i32))
}
