//! The pictures that a page draws: which of them could contain text, and which recur throughout the file, as
//! logos do.

use std::collections::HashMap;

use super::glyph::Glyph;

/// Fewest pixels along and across a line of text in a picture, and its smallest size on the page in points.
const PIXELS: (f32, f32) = (100.0, 20.0);
const POINTS: (f32, f32) = (36.0, 8.0);

/// A picture with fewer pixels is a colour.
const ANY_PIXELS: f32 = 64.0;

/// Most pictures of a page that are examined one by one.
const MAX: usize = 256;

/// Strips of one picture meet within this many points, and have as many pixels, plus or minus one.
const SEAM: f32 = 1.0;

/// A picture with more letters on it is their background, or what they were read from.
const LETTERS: usize = 200;

/// A picture on this many pages is a logo or a background, if there is text beside it.
const RUNNING: usize = 3;

/// A picture on a page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct PdfPicture {
    /// Left, top, right and bottom edges, in points, as far as they are on the page.
    pub(super) edges: [f32; 4],
    /// Pixels from left to right, and from top to bottom.
    pub(super) pixels: (f32, f32),
    /// Share of the page that it covers.
    pub(super) share: f32,
    /// Identifies the picture wherever it is drawn.
    pub(super) content: u64,
    /// How many letters are on it.
    pub(super) letters: usize,
}

impl PdfPicture {
    fn could_hold_text(&self) -> bool {
        let [left, top, right, bottom] = self.edges;
        let reaches = |(one, other): (f32, f32), (along, across): (f32, f32)| {
            one.max(other) >= along && one.min(other) >= across
        };
        reaches(self.pixels, PIXELS) && reaches((right - left, bottom - top), POINTS)
    }

    /// Joins a picture that continues where this one ends: programs cut large ones into strips. Returns whether
    /// it does.
    fn join(&mut self, next: &Self) -> bool {
        let near = |one: f32, other: f32| (one - other).abs() <= SEAM;
        let ([left, top, right, bottom], [l, t, r, b]) = (self.edges, next.edges);
        let across = near(self.pixels.0, next.pixels.0);
        let down = near(self.pixels.1, next.pixels.1);
        if near(left, l) && near(right, r) && across && (near(bottom, t) || near(top, b)) {
            self.pixels.1 += next.pixels.1;
        } else if near(top, t) && near(bottom, b) && down && (near(right, l) || near(left, r)) {
            self.pixels.0 += next.pixels.0;
        } else {
            return false;
        }
        self.edges = [left.min(l), top.min(t), right.max(r), bottom.max(b)];
        self.share += next.share;
        self.content = self.content.rotate_left(7) ^ next.content;
        true
    }
}

/// All pictures of a page.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct PdfPictures {
    /// Share of the page that they cover, without plain colours; more than one if they overlap.
    pub(super) covered: f32,
    /// The pictures that could contain text, and the last one.
    found: Vec<PdfPicture>,
}

impl PdfPictures {
    pub(super) fn push(&mut self, picture: PdfPicture) {
        if picture.pixels.0 * picture.pixels.1 >= ANY_PIXELS {
            self.covered += picture.share;
        }
        if let Some(last) = self.found.last_mut() {
            if last.join(&picture) {
                return;
            }
            if !last.could_hold_text() {
                self.found.pop();
            }
        }
        if self.found.len() < MAX {
            self.found.push(picture);
        }
    }

    /// Counts the letters of the page that are on its large pictures.
    pub(super) fn count_letters(&mut self, glyphs: &[Glyph], large: f32) {
        for picture in self.found.iter_mut().filter(|picture| picture.share > large) {
            let [left, top, right, bottom] = picture.edges;
            let is_on = |glyph: &&Glyph| {
                (left..right).contains(&glyph.at.x)
                    && (top..bottom).contains(&glyph.at.y)
                    && !glyph.letters.is_blank()
            };
            picture.letters = glyphs.iter().filter(is_on).count();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn with_text(&self) -> impl Iterator<Item = &PdfPicture> {
        self.found.iter().filter(|picture| picture.could_hold_text())
    }
}

/// For each picture of a file, the pages that it is on.
#[derive(Default)]
pub(super) struct RepeatedPictures {
    pages: HashMap<u64, Vec<usize>>,
}

impl RepeatedPictures {
    /// Adds a page; pages come in order.
    pub(super) fn add(&mut self, page: usize, pictures: &PdfPictures) {
        for picture in pictures.with_text() {
            let pages = self.pages.entry(picture.content).or_default();
            if pages.last() != Some(&page) {
                pages.push(page);
            }
        }
    }

    /// Whether a picture recurs in the file, and was seen before; `has_text` says which pages have text.
    fn is_known(
        &self,
        page: usize,
        picture: &PdfPicture,
        has_text: &impl Fn(usize) -> bool,
    ) -> bool {
        self.pages.get(&picture.content).is_some_and(|pages| {
            pages.len() >= RUNNING && pages[0] < page && pages.iter().any(|page| has_text(*page))
        })
    }

    /// The share of pictures on a page that could be text found nowhere else.
    pub(super) fn new_on(
        &self,
        page: usize,
        pictures: &PdfPictures,
        has_text: &impl Fn(usize) -> bool,
    ) -> New {
        let mut new = New { covered: pictures.covered, ..New::default() };
        for picture in pictures.with_text() {
            if self.is_known(page, picture, has_text) {
                new.covered -= picture.share;
                continue;
            }
            new.could_hold_text = true;
            if picture.letters < LETTERS {
                new.beside += picture.share;
            }
        }
        new
    }
}

/// Shares of a page.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct New {
    /// Share that all pictures cover.
    pub(super) covered: f32,
    /// Share that pictures cover which could contain text beside the letters of the page.
    pub(super) beside: f32,
    pub(super) could_hold_text: bool,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ingest::extract::pdf::glyph::{Letters, PagePoint};

    fn picture(edges: [f32; 4], pixels: (f32, f32)) -> PdfPicture {
        let area = (edges[2] - edges[0]) * (edges[3] - edges[1]);
        PdfPicture { edges, pixels, share: area / (600.0 * 800.0), content: 7, letters: 0 }
    }

    /// A picture that covers this share of a page.
    pub(in crate::ingest::extract::pdf) fn covering(share: f32, content: u64) -> PdfPictures {
        let mut pictures = PdfPictures::default();
        let edges = [0.0, 0.0, 600.0, 800.0 * share];
        let pixels = (1000.0, 1400.0 * share);
        pictures.push(PdfPicture { edges, pixels, share, content, letters: 0 });
        pictures
    }

    #[test]
    fn what_is_large_enough_could_hold_text() {
        for (edges, pixels, expected) in [
            ([0.0, 0.0, 250.0, 100.0], (1000.0, 420.0), true),
            ([0.0, 0.0, 12.0, 90.0], (24.0, 180.0), true),
            // An icon, a rule, a colour.
            ([0.0, 0.0, 24.0, 24.0], (256.0, 256.0), false),
            ([0.0, 0.0, 500.0, 2.0], (1000.0, 4.0), false),
            ([0.0, 0.0, 600.0, 800.0], (1.0, 1.0), false),
        ] {
            assert_eq!(picture(edges, pixels).could_hold_text(), expected, "{edges:?}");
        }
    }

    #[test]
    fn strips_are_one_picture() {
        let mut pictures = PdfPictures::default();
        for row in 0..10_u8 {
            let top = 100.0 + 5.0 * f32::from(row);
            pictures.push(picture([50.0, top, 300.0, top + 5.0], (500.0, 10.0)));
        }
        assert_eq!(pictures.found.len(), 1);
        assert_eq!(pictures.found[0].edges.map(|edge| edge as i32), [50, 100, 300, 150]);
        assert_eq!(pictures.with_text().count(), 1);
        pictures.push(picture([400.0, 0.0, 410.0, 10.0], (8.0, 8.0)));
        pictures.push(picture([400.0, 50.0, 410.0, 60.0], (8.0, 8.0)));
        assert_eq!((pictures.found.len(), pictures.with_text().count()), (2, 1));
    }

    #[test]
    fn a_colour_covers_nothing() {
        let mut pictures = PdfPictures::default();
        pictures.push(picture([0.0, 0.0, 600.0, 800.0], (1.0, 1.0)));
        assert!(pictures.covered <= 0.0);
    }

    #[test]
    fn what_is_under_text_is_not_beside_it() {
        let glyph = |at: usize| Glyph {
            letters: Letters::One('a'),
            at: PagePoint { x: (at % 50) as f32 * 8.0, y: (at / 50) as f32 * 12.0 },
            advance: 7.0,
            right: PagePoint { x: 1.0, y: 0.0 },
            down: PagePoint { x: 0.0, y: 1.0 },
            size: 10.0,
            font: 0,
            visible: true,
        };
        for (count, beside) in [(60, 0.75), (600, 0.0)] {
            let glyphs: Vec<Glyph> = (0..count).map(glyph).collect();
            let mut pictures = covering(0.75, 1);
            pictures.count_letters(&glyphs, 0.5);
            let new = RepeatedPictures::default().new_on(0, &pictures, &|_| true);
            assert_eq!((new.covered, new.beside, new.could_hold_text), (0.75, beside, true));
        }
    }

    #[test]
    fn a_logo_counts_once() {
        let pages = vec![covering(0.2, 1); 4];
        let mut running = RepeatedPictures::default();
        (0..).zip(&pages).for_each(|(page, pictures)| running.add(page, pictures));
        let new = |page: usize, has_text: bool| running.new_on(page, &pages[page], &|_| has_text);
        assert_eq!((new(0, true).beside, new(3, true)), (0.2, New::default()));
        // Pages with nothing else have nothing else to read.
        assert!(new(3, false).beside > 0.1);
    }
}
