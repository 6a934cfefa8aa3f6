//! Which pages have text that only OCR can read.

use std::collections::HashMap;

use super::super::good_words::is_cjk;
use super::super::pages_unread::PagesUnread;
use super::PICTURES;
use super::pictures::{PdfPictures, RepeatedPictures};

/// Smallest share that pictures cover on a page that is mostly a picture. With next to no text it is a scanned
/// page; with some text, both are read.
pub(super) const LARGE: f32 = 0.5;

/// Pictures beside text that cover more than this share, but no more than [`LARGE`], are named in a warning.
const MODERATE: f32 = 0.05;

/// A page number, a stamp or a running header has fewer words.
const FEW_WORDS: usize = 5;

/// Text on this many scanned pages, the same except for its numbers, was added by a library or a shop.
const RUNNING: usize = 3;

/// Such text has fewer words than this.
const RUNNING_WORDS: usize = 40;

/// Fewest points of shapes on a page without letters that are most likely letters; a letter has some 15.
const SHAPES: usize = 600;

/// Fewer glyphs are a mark or two, however few of them are known.
const GLYPHS: usize = 10;

/// What is known about a page after reading it.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadPage {
    /// Its text without notes. It is compared where there are pictures.
    pub(super) text: String,
    pub(super) glyphs: usize,
    /// How many glyphs are invisible: the text behind a scanned page.
    pub(super) hidden: usize,
    /// See [`text_quality::is_poor`](super::text_quality::is_poor); no other reader did better.
    pub(super) is_poor: bool,
    pub(super) pictures: PdfPictures,
    /// See [`PageDrawing::shapes`](super::glyph::PageDrawing::shapes).
    pub(super) shapes: usize,
}

impl PagesUnread {
    pub(super) fn of(pages: &[ReadPage]) -> Self {
        let mut running: HashMap<String, usize> = HashMap::new();
        let could_run = |page: &&ReadPage| page.pictures.covered > LARGE && !page.text.is_empty();
        for page in pages.iter().filter(could_run) {
            *running.entry(without_numbers(&page.text)).or_default() += 1;
        }
        let mut pictures = RepeatedPictures::default();
        (0..).zip(pages).for_each(|(index, page)| pictures.add(index, &page.pictures));
        let has_text = |index: usize| pages.get(index).is_some_and(has_letters);
        let mut unread = Self { reached: pages.len() as u32, ..Self::default() };
        for (index, page) in pages.iter().enumerate() {
            let number = index as u32 + 1;
            let new = pictures.new_on(index, &page.pictures, &has_text);
            let has_pictures = new.covered > PICTURES || new.could_hold_text;
            let is_recognized = has_pictures && page.hidden * 2 > page.glyphs;
            if has_pictures {
                unread.with_pictures.push(number);
            }
            if is_recognized {
                unread.recognized.push(number);
            }
            let is_unreadable = page.is_poor && page.glyphs >= GLYPHS;
            let words = words(&page.text);
            let runs = || running.get(&without_numbers(&page.text)).is_some_and(|n| *n >= RUNNING);
            let is_little = words < FEW_WORDS || words < RUNNING_WORDS && runs();
            let is_picture = new.covered > PICTURES || new.could_hold_text && !is_unreadable;
            if is_picture && !has_letters(page) || is_little && new.covered > LARGE {
                unread.scanned.push(number);
            } else if is_unreadable {
                unread.unreadable.push(number);
            } else if page.glyphs == 0 && page.shapes >= SHAPES {
                unread.drawn.push(number);
            } else if new.beside > LARGE && !is_recognized {
                unread.beside_text.push(number);
            } else if new.beside > MODERATE && !is_recognized {
                unread.with_figures.push(number);
            }
        }
        unread
    }
}

/// Whether a page has more than a page number.
fn has_letters(page: &ReadPage) -> bool {
    let is_roman = |word: &str| word.chars().all(|letter| "ivxlcIVXLC".contains(letter));
    let is_word = |word: &str| word.contains(char::is_alphabetic) && !is_roman(word);
    words(&page.text) >= FEW_WORDS || page.text.split_whitespace().any(is_word)
}

/// How many words. Chinese and Japanese have no blanks between words; two characters count as one.
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::pictures::tests::covering;
    use super::*;

    /// A page with a picture of its own.
    fn page(text: &str, pictures: f32) -> ReadPage {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let pictures = covering(pictures, NEXT.fetch_add(1, Ordering::Relaxed));
        ReadPage { text: text.to_owned(), glyphs: text.len(), pictures, ..ReadPage::default() }
    }

    #[test]
    fn a_scanned_page_may_have_a_number_or_a_stamp() {
        let long = "Backups are kept for 400 days.";
        let pages = [
            page("", 1.0),
            page("", 0.4),
            page("", 0.0),
            page("Page 12 of 30", 1.0),
            page("Figure 1", 0.4),
            page(long, 1.0),
            page("机密文件", 0.9),
        ];
        let unread = PagesUnread::of(&pages);
        assert_eq!(unread.scanned, [1, 2, 4, 7]);
        assert_eq!(unread.with_pictures, [1, 2, 4, 5, 6, 7]);
        assert_eq!((unread.unreadable.len(), unread.reached), (0, 7));
        assert_eq!((&*unread.beside_text, &*unread.with_figures), (&[6][..], &[5][..]));
        assert_eq!(unread.auto(), [1, 2, 4, 6, 7]);
        assert_eq!(unread.always(), [1, 2, 4, 5, 6, 7]);
        assert!(unread.has_text(6) && !unread.has_text(4));
    }

    #[test]
    fn a_small_picture_alone_on_a_page_is_the_page() {
        let long = "Backups are kept for 400 days.";
        let pages = [page("", 0.06), page("7", 0.1), page("VII", 0.1), page(long, 0.1)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.scanned, &*unread.with_figures), (&[1, 2, 3][..], &[4][..]));
        let numbers = page("1 2 3 4 5 6", 0.1);
        assert!(PagesUnread::of(&[numbers]).scanned.is_empty());
    }

    #[test]
    fn a_logo_sends_no_page_to_ocr() {
        let logo =
            |text: &str, share: f32| ReadPage { pictures: covering(share, 0), ..page(text, 0.0) };
        let long = "Backups are kept for 400 days.";
        for (share, beside) in [(0.1, &[][..]), (0.9, &[1][..])] {
            let pages = [long, "Two pilots live at Kelp Lane.", "", "A restore takes half a day."]
                .map(|text| logo(text, share));
            let unread = PagesUnread::of(&pages);
            assert_eq!((&*unread.scanned, &*unread.beside_text), (&[][..], beside));
            assert_eq!(unread.always(), [1]);
        }
        // There is nothing else on them.
        let unread = PagesUnread::of(&[logo("", 0.1), logo("", 0.1), logo("", 0.1)]);
        assert_eq!(unread.scanned, [1, 2, 3]);
    }

    #[test]
    fn text_repeated_on_scanned_pages_does_not_count() {
        let stamps: Vec<String> = (7..10)
            .map(|n| format!("This content was downloaded by a reader on {n} May"))
            .collect();
        let mut pages: Vec<ReadPage> = stamps.iter().map(|text| page(text, 0.95)).collect();
        pages.push(page("The harbour has two pilots, both of them old", 0.95));
        assert_eq!(PagesUnread::of(&pages).scanned, [1, 2, 3]);
        assert!(PagesUnread::of(&pages[1..]).scanned.is_empty());
    }

    #[test]
    fn letters_that_say_nothing_are_unreadable() {
        let poor = |text, pictures| ReadPage { is_poor: true, ..page(text, pictures) };
        let pages =
            [poor("q z x w v q z x w v q z", 0.0), poor("•", 0.0), poor("q z x w v q", 1.0)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.unreadable, unread.auto()), (&[1, 3][..], vec![1, 3]));
        assert_eq!(unread.always(), [1, 3]);
    }

    #[test]
    fn shapes_may_be_letters_where_there_are_none() {
        let drawn = |text, shapes| ReadPage { shapes, ..page(text, 0.0) };
        let pages = [drawn("", 5000), drawn("", 60), drawn("A map of the harbour", 5000)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.drawn, unread.auto()), (&[1][..], vec![1]));
    }

    #[test]
    fn a_page_that_was_recognized_before_has_its_text() {
        let text = "Backups are kept for many days.";
        let pages = [ReadPage { hidden: text.len(), ..page(text, 1.0) }, page(text, 1.0)];
        let unread = PagesUnread::of(&pages);
        assert_eq!((&*unread.recognized, unread.auto()), (&[1][..], vec![2]));
        assert_eq!(unread.always(), [1, 2]);
    }
}
