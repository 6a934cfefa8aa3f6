//! Which pages of a file have text that only OCR can read.

use serde::{Deserialize, Serialize};

/// Pages that were not read, or not completely; each list is in order and counts from one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct PagesUnread {
    /// Pages that are pictures with next to no letters.
    pub(super) scanned: Vec<u32>,
    /// Pages with useless letters: the file does not say what they are, or says it wrong.
    pub(super) unreadable: Vec<u32>,
    /// Pages without letters, but with shapes that may be letters: drawing programs can write text this way.
    pub(super) drawn: Vec<u32>,
    /// Pages with letters, and with a picture beside them that covers most of the page.
    pub(super) beside_text: Vec<u32>,
    /// Pages with letters, and with pictures beside them that cover a part of the page.
    pub(super) with_figures: Vec<u32>,
    /// All pages with pictures that could contain text, including scanned ones.
    pub(super) with_pictures: Vec<u32>,
    /// Pages with pictures and with letters behind them from an earlier OCR.
    pub(super) recognized: Vec<u32>,
    /// How many pages were examined, from the first on.
    pub(super) reached: u32,
}

impl PagesUnread {
    /// A file with this many pages that are only pictures.
    pub(super) fn scanned(pages: u32) -> Self {
        let all: Vec<u32> = (1..=pages).collect();
        Self { scanned: all.clone(), with_pictures: all, reached: pages, ..Self::default() }
    }

    /// Pages with practically no text: pictures, and shapes that may be letters.
    pub(super) fn without_text(&self) -> Vec<u32> {
        merged(&[&self.scanned, &self.drawn])
    }

    /// Pages of which OCR is needed for a large part.
    pub(super) fn auto(&self) -> Vec<u32> {
        merged(&[&self.without_text(), &self.unreadable, &self.beside_text])
    }

    /// All pages on which OCR could find something.
    pub(super) fn always(&self) -> Vec<u32> {
        merged(&[&self.with_pictures, &self.auto()])
    }

    /// Whether the letters of a page need no OCR, though its pictures may.
    pub(super) fn has_text(&self, page: u32) -> bool {
        let others = [&self.scanned, &self.drawn, &self.unreadable, &self.recognized];
        !others.into_iter().any(|pages| pages.contains(&page))
    }
}

fn merged(lists: &[&[u32]]) -> Vec<u32> {
    let mut pages = lists.concat();
    pages.sort_unstable();
    pages.dedup();
    pages
}
