//! Leaves out what a reader does not see as separate text: what is off the page, and letters that are printed
//! again at a tiny offset, for bold or for a shadow.

use super::glyph::{Glyph, Letters, PageDrawing, PagePoint};

/// A letter this near to the same letter, in heights of the font, is a repetition.
const NEAR: f32 = 0.12;

/// The same for text behind the picture of a page that repeats visible text.
const NEAR_BEHIND: f32 = 0.5;

/// The same for a letter that follows a repeated one, as it did the first time.
const NEAR_AGAIN: f32 = 0.35;

/// The same as a share of the letter's advance: thin letters are closer to each other than that.
const OF_ADVANCE: f32 = 0.45;

/// Side of a cell of the index in points, unless that makes more than `CELLS` in a row.
const CELL: f32 = 4.0;
const CELLS: f32 = 512.0;

/// Takes the glyphs of a page that a reader sees.
pub(super) fn take_seen(drawn: &mut PageDrawing) -> Vec<Glyph> {
    let (width, height) = (drawn.width, drawn.height);
    let mut glyphs = std::mem::take(&mut drawn.glyphs);
    glyphs.retain(|glyph| is_within(glyph, width, height));
    let mut doubles = doubles(&glyphs, (width, height));
    // Each letter is printed again before the next, so these are not two texts that cross.
    if (1..doubles.len()).any(|at| doubles[at] == Some(at - 1)) {
        let is_again = |at: usize| at > 0 && doubles[at] == Some(at - 1);
        let again: Vec<bool> = (0..glyphs.len()).map(is_again).collect();
        let mut again = again.into_iter();
        glyphs.retain(|_| !again.next().unwrap_or(false));
        doubles = self::doubles(&glyphs, (width, height));
    }
    let doubles = doubles;
    let mut seen = Vec::with_capacity(glyphs.len());
    let mut at = 0;
    for word in glyphs.chunk_by(continues) {
        let start = at;
        at += word.len();
        let doubles = &doubles[start..at];
        // Where two texts cross, a letter may meet its like by chance: words are kept or dropped as a whole.
        let others = doubles.iter().flatten().filter(|other| **other < start).count();
        if others * 5 >= word.len() * 3 {
            continue;
        }
        // A letter that its own word repeats in the same place is one letter.
        let of_word = |double: &Option<usize>| double.is_some_and(|other| other >= start);
        let kept = word.iter().zip(doubles).filter(|(_, double)| !of_word(double));
        seen.extend(kept.map(|(glyph, _)| glyph.clone()));
    }
    seen
}

/// Whether a glyph continues the word of the one before it.
fn continues(before: &Glyph, glyph: &Glyph) -> bool {
    let step = glyph.at.minus(before.end());
    step.length() < 0.3 * before.size && !before.letters.is_blank() && !glyph.letters.is_blank()
}

/// For each glyph of a page of this size, the earlier glyph that it repeats.
fn doubles(glyphs: &[Glyph], size: (f32, f32)) -> Vec<Option<usize>> {
    let mut index = Index::new(size, glyphs.len());
    let is_mixed = glyphs.windows(2).any(|pair| pair[0].visible != pair[1].visible);
    let nearness = if is_mixed { NEAR_BEHIND } else { NEAR };
    // What the previous glyph repeated.
    let mut repeated: Option<usize> = None;
    let mut double = |at: usize| {
        let glyph = &glyphs[at];
        if glyph.letters.is_blank() || matches!(glyph.letters, Letters::Unknown | Letters::Nothing)
        {
            return None;
        }
        let follows = repeated.map(|other| other + 1).filter(|other| {
            *other < at && repeats(glyph, &glyphs[*other], NEAR_AGAIN * glyph.size)
        });
        let found = || {
            index.near(glyph.at, nearness * glyph.size, |other| is_double(glyph, &glyphs[other]))
        };
        repeated = follows.or_else(found);
        if repeated.is_none() {
            index.add(glyph.at, at);
        }
        repeated
    };
    (0..glyphs.len()).map(&mut double).collect()
}

/// The glyphs of a page by the cell that they are in.
struct Index {
    side: f32,
    columns: usize,
    rows: usize,
    /// The glyph added last to each cell.
    last: Vec<u32>,
    /// For each glyph, the one added to its cell before it.
    before: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Index {
    fn new((width, height): (f32, f32), glyphs: usize) -> Self {
        let side = (width.max(height) / CELLS).max(CELL);
        // A width that is not a number makes one column.
        let cells = |length: f32| (length / side) as usize + 1;
        let (columns, rows) = (cells(width), cells(height));
        Self { side, columns, rows, last: vec![NONE; columns * rows], before: vec![NONE; glyphs] }
    }

    /// What is beyond an edge is in the cell at the edge.
    fn cell(&self, at: PagePoint) -> (usize, usize) {
        let place = |at: f32, cells: usize| ((at / self.side).max(0.0) as usize).min(cells - 1);
        (place(at.x, self.columns), place(at.y, self.rows))
    }

    fn add(&mut self, at: PagePoint, glyph: usize) {
        let (column, row) = self.cell(at);
        let last = &mut self.last[row * self.columns + column];
        self.before[glyph] = *last;
        *last = glyph as u32;
    }

    /// A glyph that satisfies `is`, in the cells that a circle touches, at most those around its centre.
    fn near(&self, at: PagePoint, radius: f32, is: impl Fn(usize) -> bool) -> Option<usize> {
        let radius = radius.min(self.side);
        let corner = PagePoint { x: radius, y: radius };
        let ((left, top), (right, bottom)) =
            (self.cell(at.minus(corner)), self.cell(at.plus(corner)));
        for row in top..=bottom {
            for column in left..=right {
                let mut glyph = self.last[row * self.columns + column];
                while glyph != NONE {
                    if is(glyph as usize) {
                        return Some(glyph as usize);
                    }
                    glyph = self.before[glyph as usize];
                }
            }
        }
        None
    }
}

/// Whether the middle of its foot is on the page.
fn is_within(glyph: &Glyph, width: f32, height: f32) -> bool {
    let middle = glyph.at.plus(glyph.right.times(glyph.advance / 2.0));
    // A letter may be on the very edge.
    let slack = glyph.size * 0.3;
    let inside = |at: f32, length: f32| at >= -slack && at <= length + slack;
    inside(middle.x, width) && inside(middle.y, height)
}

fn is_double(glyph: &Glyph, other: &Glyph) -> bool {
    let near = if glyph.visible == other.visible { NEAR } else { NEAR_BEHIND };
    let advance = if glyph.advance > 0.0 { glyph.advance } else { glyph.size };
    repeats(glyph, other, (near * glyph.size).min(OF_ADVANCE * advance))
}

/// Whether both are the same letter, at most this far apart.
fn repeats(glyph: &Glyph, other: &Glyph, distance: f32) -> bool {
    glyph.letters == other.letters
        && glyph.right.dot(other.right) > 0.99
        && (0.8..1.25).contains(&(glyph.size / other.size))
        && glyph.at.minus(other.at).length() <= distance
}
