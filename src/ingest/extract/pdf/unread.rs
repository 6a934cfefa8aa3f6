//! Which pages have text that only OCR can read.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::PICTURES;
use super::script::is_cjk;

/// A page that is covered by more than this share with pictures is one, if there is next to no text.
const MOSTLY: f32 = 0.5;

/// A page number, a stamp or a running header has fewer words.
const FEW_WORDS: usize = 5;

/// What stands on so many scanned pages, but for its numbers, was put there by a library or a shop.
const RUNNING: usize = 3;

/// The same has fewer words than this.
const RUNNING_WORDS: usize = 40;

/// Points of shapes on a page without letters that are letters, most likely: a letter has some 15.
const SHAPES: usize = 600;

/// Less is a mark or two, however little is known of them.
const GLYPHS: usize = 10;

/// What reading said of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct PageRead {
    /// Without notes. It is looked at where there are pictures.
    pub(super) text: String,
    pub(super) glyphs: usize,
    /// Glyphs that are not drawn: the text behind a scanned page.
    pub(super) hidden: usize,
    /// See [`judge::is_poor`](super::judge::is_poor); no other reader was better.
    pub(super) is_poor: bool,
    /// Share of the page that pictures cover.
    pub(super) pictures: f32,
    /// See [`Drawn::shapes`](super::glyph::Drawn::shapes).
    pub(super) shapes: usize,
}

/// Pages that were not read, or not all of them; each list is in order and counts from one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::ingest::extract) struct PagesUnread {
    /// Pictures with next to no letters.
    pub(in crate::ingest::extract) scanned: Vec<u32>,
    /// With letters that say nothing: the file does not tell which they are, or tells wrong ones.
    pub(in crate::ingest::extract) unreadable: Vec<u32>,
    /// Without letters, but with shapes that may be some: programs for drawing can write text so.
    pub(in crate::ingest::extract) drawn: Vec<u32>,
    /// Every page of which pictures cover a good part; those that were scanned are among them.
    pub(in crate::ingest::extract) with_pictures: Vec<u32>,
    /// Pages with pictures, whose letters were put behind them by OCR before.
    pub(in crate::ingest::extract) recognized: Vec<u32>,
    /// Pages that were looked at at all, from the first one on.
    pub(in crate::ingest::extract) reached: u32,
}

impl PagesUnread {
    pub(super) fn of(pages: &[PageRead]) -> Self {
        let mut running: HashMap<String, usize> = HashMap::new();
        let could_run = |page: &&PageRead| page.pictures > MOSTLY && !page.text.is_empty();
        for page in pages.iter().filter(could_run) {
            *running.entry(without_numbers(&page.text)).or_default() += 1;
        }
        let mut unread = Self { reached: pages.len() as u32, ..Self::default() };
        for (number, page) in (1..).zip(pages) {
            if page.pictures > PICTURES {
                unread.with_pictures.push(number);
                if page.hidden * 2 > page.glyphs {
                    unread.recognized.push(number);
                }
            }
            let words = words(&page.text);
            let runs = || running.get(&without_numbers(&page.text)).is_some_and(|n| *n >= RUNNING);
            let is_little = words < FEW_WORDS || words < RUNNING_WORDS && runs();
            if (words == 0 && page.pictures > PICTURES) || (is_little && page.pictures > MOSTLY) {
                unread.scanned.push(number);
            } else if page.is_poor && page.glyphs >= GLYPHS {
                unread.unreadable.push(number);
            } else if page.glyphs == 0 && page.shapes >= SHAPES {
                unread.drawn.push(number);
            }
        }
        unread
    }

    /// A file of so many pages that are nothing but pictures.
    pub(in crate::ingest::extract) fn scanned(pages: u32) -> Self {
        let all: Vec<u32> = (1..=pages).collect();
        Self { scanned: all.clone(), with_pictures: all, reached: pages, ..Self::default() }
    }

    /// Pages that have no text to speak of without OCR.
    pub(in crate::ingest::extract) fn auto(&self) -> Vec<u32> {
        merged(&[&self.scanned, &self.unreadable, &self.drawn])
    }

    /// All pages on which OCR could find something.
    pub(in crate::ingest::extract) fn always(&self) -> Vec<u32> {
        merged(&[&self.with_pictures, &self.auto()])
    }
}

fn merged(lists: &[&[u32]]) -> Vec<u32> {
    let mut pages = lists.concat();
    pages.sort_unstable();
    pages.dedup();
    pages
}

/// Chinese and Japanese have no blanks between words; two characters make one.
fn words(text: &str) -> usize {
    let letters = text.chars().filter(|letter| is_cjk(*letter)).count();
    text.split_whitespace().count().max(letters / 2)
}

fn without_numbers(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| !word.contains(|letter: char| letter.is_numeric()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, pictures: f32) -> PageRead {
        PageRead { text: text.to_owned(), glyphs: text.len(), pictures, ..PageRead::default() }
    }

    #[test]
    fn a_scanned_page_may_have_a_number_or_a_stamp() {
        let long = "Backups are kept for 400 days.";
        let pages = [
            page("", 1.0),
            page("", 0.4),
            page("", 0.1),
            page("Page 12 of 30", 1.0),
            page("Figure 1", 0.4),
            page(long, 1.0),
            page("机密文件", 0.9),
        ];
        let unread = PagesUnread::of(&pages);
        assert_eq!(unread.scanned, [1, 2, 4, 7]);
        assert_eq!(unread.with_pictures, [1, 2, 4, 5, 6, 7]);
        assert_eq!((unread.unreadable.len(), unread.reached), (0, 7));
        assert_eq!(unread.auto(), [1, 2, 4, 7]);
        assert_eq!(unread.always(), [1, 2, 4, 5, 6, 7]);
    }

    #[test]
    fn what_runs_through_scanned_pages_is_no_text_of_theirs() {
        let stamps: Vec<String> = (7..10)
            .map(|n| format!("This content was downloaded by a reader on {n} May"))
            .collect();
        let mut pages: Vec<PageRead> = stamps.iter().map(|text| page(text, 0.95)).collect();
        pages.push(page("The harbour has two pilots, both of them old", 0.95));
        assert_eq!(PagesUnread::of(&pages).scanned, [1, 2, 3]);
        assert!(PagesUnread::of(&pages[1..]).scanned.is_empty());
    }

    #[test]
    fn letters_that_say_nothing_are_unreadable() {
        let poor = |text, pictures| PageRead { is_poor: true, ..page(text, pictures) };
        let pages =
            [poor("q z x w v q z x w v q z", 0.0), poor("•", 0.0), poor("q z x w v q", 1.0)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.unreadable, unread.auto()), (&[1, 3][..], vec![1, 3]));
        assert_eq!(unread.always(), [1, 3]);
    }

    #[test]
    fn shapes_may_be_letters_where_there_are_none() {
        let drawn = |text, shapes| PageRead { shapes, ..page(text, 0.0) };
        let pages = [drawn("", 5000), drawn("", 60), drawn("A map of the harbour", 5000)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.drawn, unread.auto()), (&[1][..], vec![1]));
    }

    #[test]
    fn a_page_that_was_recognized_before_has_its_text() {
        let text = "Backups are kept for many days.";
        let pages = [PageRead { hidden: text.len(), ..page(text, 1.0) }, page(text, 1.0)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.recognized, unread.auto()), (&[1][..], vec![]));
        assert_eq!(unread.always(), [1, 2]);
    }
}
