//! Which pages of a file have text that only OCR can read.

use serde::{Deserialize, Serialize};

/// Pages that were not read, or not all of them; each list is in order and counts from one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct PagesUnread {
    /// Pictures with next to no letters.
    pub(super) scanned: Vec<u32>,
    /// With letters that say nothing: the file does not tell which they are, or tells wrong ones.
    pub(super) unreadable: Vec<u32>,
    /// Without letters, but with shapes that may be some: programs for drawing can write text so.
    pub(super) drawn: Vec<u32>,
    /// With letters, and with a picture beside them that covers most of the page.
    pub(super) beside_text: Vec<u32>,
    /// With letters, and with pictures beside them that cover a part of the page.
    pub(super) with_figures: Vec<u32>,
    /// Every page with pictures that could hold text; those that were scanned are among them.
    pub(super) with_pictures: Vec<u32>,
    /// Pages with pictures, whose letters were put behind them by OCR before.
    pub(super) recognized: Vec<u32>,
    /// Pages that were looked at at all, from the first one on.
    pub(super) reached: u32,
}

impl PagesUnread {
    /// A file of so many pages that are nothing but pictures.
    pub(super) fn scanned(pages: u32) -> Self {
        let all: Vec<u32> = (1..=pages).collect();
        Self { scanned: all.clone(), with_pictures: all, reached: pages, ..Self::default() }
    }

    /// Pages without text to speak of: pictures, and shapes that may be letters.
    pub(super) fn without_text(&self) -> Vec<u32> {
        merged(&[&self.scanned, &self.drawn])
    }

    /// Pages much of which is told by OCR only.
    pub(super) fn auto(&self) -> Vec<u32> {
        merged(&[&self.without_text(), &self.unreadable, &self.beside_text])
    }

    /// All pages on which OCR could find something.
    pub(super) fn always(&self) -> Vec<u32> {
        merged(&[&self.with_pictures, &self.auto()])
    }

    /// Whether the letters of a page need no OCR, but its pictures may.
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
