//! Leaves out what a reader does not see as text of its own: what lies off the page, and letters
//! that are printed again a hair's breadth beside themselves, for bold or for a shadow.

use std::collections::HashMap;

use super::glyph::{Drawn, Glyph, Letters, Vector};

/// A letter this near to the same letter, in heights of the font, is the same letter.
const NEAR: f32 = 0.12;

/// The same for the text behind the picture of a page, where it repeats text that is seen.
const NEAR_BEHIND: f32 = 0.5;

/// The same for a letter that follows one that was printed again, as it did the first time.
const NEAR_AGAIN: f32 = 0.35;

/// Of its own advance: thin letters stand closer to each other than that.
const OF_ADVANCE: f32 = 0.45;

/// Side of a cell of the index, in points.
const CELL: f32 = 4.0;

/// Takes the glyphs of a page that are read.
pub(super) fn take_seen(drawn: &mut Drawn) -> Vec<Glyph> {
    let (width, height) = (drawn.width, drawn.height);
    let mut index: HashMap<(i32, i32), Vec<u32>> = HashMap::new();
    let mut seen: Vec<Glyph> = Vec::with_capacity(drawn.glyphs.len());
    // What the last glyph repeated.
    let mut repeated: Option<usize> = None;
    for glyph in drawn.glyphs.drain(..) {
        if !is_within(&glyph, width, height) {
            continue;
        }
        if glyph.letters.is_blank() || matches!(glyph.letters, Letters::Unknown | Letters::Nothing)
        {
            seen.push(glyph);
            continue;
        }
        let follows = repeated.map(|at| at + 1).filter(|at| {
            let other = seen.get(*at);
            other.is_some_and(|other| repeats(&glyph, other, NEAR_AGAIN * glyph.size))
        });
        let (column, row) = cell(glyph.at);
        let near = (-1..=1).flat_map(|x| (-1..=1).map(move |y| (column + x, row + y)));
        let mut others = near.filter_map(|cell| index.get(&cell)).flatten();
        let mut found = || others.find(|other| is_double(&glyph, &seen[**other as usize]));
        repeated = follows.or_else(|| found().map(|other| *other as usize));
        if repeated.is_some() {
            continue;
        }
        index.entry((column, row)).or_default().push(seen.len() as u32);
        seen.push(glyph);
    }
    seen
}

fn cell(at: Vector) -> (i32, i32) {
    ((at.x / CELL).floor() as i32, (at.y / CELL).floor() as i32)
}

/// Whether the middle of its foot is on the page.
fn is_within(glyph: &Glyph, width: f32, height: f32) -> bool {
    let middle = glyph.at.plus(glyph.right.times(glyph.advance / 2.0));
    // A letter may stand on the very edge.
    let slack = glyph.size * 0.3;
    let inside = |at: f32, length: f32| at >= -slack && at <= length + slack;
    inside(middle.x, width) && inside(middle.y, height)
}

fn is_double(glyph: &Glyph, other: &Glyph) -> bool {
    let near = if glyph.visible == other.visible { NEAR } else { NEAR_BEHIND };
    let advance = if glyph.advance > 0.0 { glyph.advance } else { glyph.size };
    repeats(glyph, other, (near * glyph.size).min(OF_ADVANCE * advance))
}

/// Whether both are the same letter, no farther apart than this.
fn repeats(glyph: &Glyph, other: &Glyph, distance: f32) -> bool {
    glyph.letters == other.letters
        && glyph.right.dot(other.right) > 0.99
        && (0.8..1.25).contains(&(glyph.size / other.size))
        && glyph.at.minus(other.at).length() <= distance
}
