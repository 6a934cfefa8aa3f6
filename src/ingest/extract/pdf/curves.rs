//! Text along a curve, as on stamps, maps and diplomas → the same text on a straight line, since later steps
//! join parallel letters into lines.

use super::glyph::{Glyph, PagePoint};

/// Fewest letters on a curve.
const LETTERS: usize = 4;

/// Smallest turn from one letter to the next (a third of a degree), and most (some 40 degrees), as cosines.
const STRAIGHT: f32 = 0.999_98;
const SHARP: f32 = 0.75;

/// How far the next letter may start from the end of the last one, in heights of the font.
const REACH: f32 = 1.2;
const BACK: f32 = 0.45;

/// Nearly level, as a cosine: 10 degrees.
const LEVEL: f32 = 0.985;

pub(super) fn unroll(glyphs: &mut [Glyph]) {
    let turns = |pair: &[Glyph]| pair[0].right.dot(pair[1].right) < STRAIGHT;
    if !glyphs.windows(2).any(turns) {
        return;
    }
    for curve in glyphs.chunk_by_mut(follows) {
        let turned = curve.windows(2).filter(|pair| turns(pair)).count();
        if curve.len() >= LETTERS && turned * 2 >= curve.len() - 1 {
            straighten(curve);
        }
    }
}

/// Whether a glyph is the next one on a curve.
fn follows(before: &Glyph, glyph: &Glyph) -> bool {
    let size = before.size.max(glyph.size);
    let step = glyph.at.minus(before.end());
    let along = step.dot(before.right);
    before.size.min(glyph.size) > 0.8 * size
        && before.right.dot(glyph.right) > SHARP
        && along > -BACK * size
        && along < REACH * size
        && step.dot(before.down).abs() < REACH * 0.5 * size
}

/// Moves the glyphs of a curve onto a line with its mean direction, and keeps their gaps.
fn straighten(curve: &mut [Glyph]) {
    let sum = |of: fn(&Glyph) -> PagePoint| {
        curve.iter().map(of).fold(PagePoint::default(), PagePoint::plus)
    };
    let (mean, middle) = (sum(|glyph| glyph.right), sum(|glyph| glyph.at));
    let length = mean.length();
    if length < f32::EPSILON {
        return;
    }
    let middle = middle.times(1.0 / curve.len() as f32);
    let mut right = mean.times(1.0 / length);
    if right.x > LEVEL {
        right = PagePoint { x: 1.0, y: 0.0 };
    }
    // Mirrored text stays mirrored.
    let side = curve[0].right.x * curve[0].down.y - curve[0].right.y * curve[0].down.x;
    let down = PagePoint { x: -right.y, y: right.x }.times(side.signum());
    let mut places = Vec::with_capacity(curve.len());
    let mut at = 0.0;
    for (index, glyph) in curve.iter().enumerate() {
        places.push(at);
        let gap =
            curve.get(index + 1).map_or(0.0, |next| next.at.minus(glyph.end()).dot(glyph.right));
        at += glyph.advance + gap;
    }
    let start = middle.minus(right.times(at / 2.0));
    for (glyph, place) in curve.iter_mut().zip(places) {
        glyph.at = start.plus(right.times(place));
        (glyph.right, glyph.down) = (right, down);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::extract::pdf::glyph::Letters;

    /// Letters on a circle, each turned by this many degrees against the one before it.
    fn arc(text: &str, degrees: f32, first: f32) -> Vec<Glyph> {
        let mut at = PagePoint { x: 300.0, y: 400.0 };
        let glyph = |(index, letter): (usize, char)| {
            let angle = (first + degrees * index as f32).to_radians();
            let right = PagePoint { x: angle.cos(), y: angle.sin() };
            let down = PagePoint { x: -right.y, y: right.x };
            let (letters, start) = (Letters::One(letter), at);
            at = at.plus(right.times(6.0));
            let (advance, size, font, visible) = (5.0, 10.0, 0, true);
            Glyph { letters, at: start, advance, right, down, size, font, visible }
        };
        text.chars().enumerate().map(glyph).collect()
    }

    #[test]
    fn letters_of_a_curve_come_onto_one_line() {
        for (degrees, first) in [(8.0, -60.0), (-5.0, 30.0), (3.0, 40.0)] {
            let mut glyphs = arc("HARBOUR OFFICE", degrees, first);
            unroll(&mut glyphs);
            let (right, down) = (glyphs[0].right, glyphs[0].down);
            let base = glyphs[0].at.dot(down);
            for pair in glyphs.windows(2) {
                assert_eq!(pair[1].right, right);
                assert!((pair[1].at.dot(down) - base).abs() < 0.01);
                let step = pair[1].at.minus(pair[0].at).dot(right);
                assert!((5.0..7.5).contains(&step), "{step}");
            }
        }
    }

    #[test]
    fn straight_text_stays_where_it_is() {
        let mut slanted = arc("HARBOUR", 0.0, 30.0);
        // Two words, the second turned by a right angle.
        let mut corner = [arc("UP", 0.0, 0.0), arc("DOWN", 0.0, 90.0)].concat();
        for glyphs in [&mut slanted, &mut corner] {
            let before = glyphs.clone();
            unroll(glyphs);
            assert_eq!(*glyphs, before);
        }
    }
}
