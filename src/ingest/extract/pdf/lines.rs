//! Glyphs → lines, in the order in which the page draws them: that is nearly always the reading order, and
//! guessing a better one from the layout goes wrong more often.

use super::glyph::{Glyph, Letters, PagePoint};
use super::script::{is_mark, is_right_to_left};

/// The direction of a line, and the place of its base line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Placement {
    pub(super) right: PagePoint,
    pub(super) down: PagePoint,
    /// Position of the base line along `down`.
    pub(super) base: f32,
    /// The height of most of the letters.
    pub(super) size: f32,
}

impl Placement {
    /// Whether both run in the same direction.
    pub(super) fn is_parallel(&self, other: &Self) -> bool {
        self.right.dot(other.right) > 0.99 && self.down.dot(other.down) > 0.99
    }
}

/// A line, or the part of it in one column.
#[derive(Clone, Debug)]
pub(super) struct PdfLine {
    /// In drawing order, or from left to right where that was corrected.
    pub(super) glyphs: Vec<Glyph>,
    pub(super) place: Placement,
    /// Where it starts and ends along its direction.
    pub(super) start: f32,
    pub(super) end: f32,
}

impl PdfLine {
    pub(super) fn new(glyphs: Vec<Glyph>) -> Option<Self> {
        let (right, down) = glyphs
            .iter()
            .find(|glyph| !glyph.letters.is_blank())
            .map(|glyph| (glyph.right, glyph.down))?;
        let place = Placement { right, down, base: 0.0, size: 0.0 };
        let mut line = Self { glyphs, place, start: 0.0, end: 0.0 };
        line.measure();
        Some(line)
    }

    /// Computes the other fields from the glyphs.
    pub(super) fn measure(&mut self) {
        let inked = || self.glyphs.iter().filter(|glyph| !glyph.letters.is_blank());
        let starts = inked().map(|glyph| glyph.at.dot(self.place.right));
        self.start = starts.fold(f32::INFINITY, f32::min);
        let ends = inked().map(|glyph| glyph.end().dot(self.place.right));
        self.end = ends.fold(f32::NEG_INFINITY, f32::max);
        self.place.size = middle(inked().map(|glyph| glyph.size).collect());
        let main = inked().filter(|glyph| glyph.size >= self.place.size * 0.9);
        self.place.base = middle(main.map(|glyph| glyph.at.dot(self.place.down)).collect());
    }

    pub(super) fn append(&mut self, other: Self) {
        self.glyphs.extend(other.glyphs);
        self.measure();
    }
}

/// The median; 0 of no values.
pub(super) fn middle(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let half = values.len() / 2;
    *values.select_nth_unstable_by(half, f32::total_cmp).1
}

/// Lines as the page draws them.
pub(super) fn lines(glyphs: Vec<Glyph>) -> Vec<PdfLine> {
    let mut lines = Vec::new();
    let mut line: Vec<Glyph> = Vec::new();
    for glyph in glyphs {
        // A blank does not say where the line continues, so the last other glyph is compared.
        let before = line.iter().rev().find(|other| !other.letters.is_blank()).or(line.last());
        if before.is_some_and(|before| !follows(before, &glyph)) {
            lines.extend(PdfLine::new(std::mem::take(&mut line)));
        }
        line.push(glyph);
    }
    lines.extend(PdfLine::new(line));
    stitch(lines)
}

/// Whether `glyph` continues the line of `before`.
fn follows(before: &Glyph, glyph: &Glyph) -> bool {
    if before.right.dot(glyph.right) < 0.9 || before.down.dot(glyph.down) < 0.9 {
        return false;
    }
    let step = glyph.at.minus(before.end());
    let (along, across) = (step.dot(before.right), step.dot(before.down));
    let (small, large) = (before.size.min(glyph.size), before.size.max(glyph.size));
    let is_near = along > -0.6 * large && along < 0.6 * large;
    let on_base = if small < 0.87 * large && is_near {
        // A mark of a footnote or an index.
        (-0.75 * large..0.5 * large).contains(&across) && small > 0.3 * large
    } else {
        across.abs() <= if is_near { 0.4 } else { 0.25 } * small
    };
    if !on_base {
        return false;
    }
    if matches!(glyph.letters, Letters::Nothing) || glyph.letters.all(is_mark) {
        return along > -2.5 * large && along < large;
    }
    // Right-to-left text in reading order: this glyph ends where the last one started.
    let back = glyph.end().minus(before.at).dot(before.right);
    let turns_back = glyph.letters.all(is_right_to_left) || before.letters.all(is_right_to_left);
    along > -0.6 * large
        || (turns_back && back.abs() < 0.6 * large)
        || (glyph.letters.is_blank() && back.abs() < 0.6 * large)
}

/// Joins parts of a line that touch, but were not drawn one after the other.
fn stitch(lines: Vec<PdfLine>) -> Vec<PdfLine> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    let turn =
        |line: &PdfLine| (line.place.right.y.atan2(line.place.right.x) * 20.0).round() as i32;
    order.sort_by(|a, b| {
        let (a, b) = (&lines[*a], &lines[*b]);
        turn(a)
            .cmp(&turn(b))
            .then(a.place.base.total_cmp(&b.place.base))
            .then(a.start.total_cmp(&b.start))
    });
    // For each line, the one that it is joined to; the earliest on the page leads.
    let mut leader: Vec<usize> = (0..lines.len()).collect();
    let mut at = 0;
    while at < order.len() {
        let first = &lines[order[at]];
        let same_base = |index: &usize| {
            let line = &lines[*index];
            let (place, first) = (&line.place, &first.place);
            place.is_parallel(first) && place.base - first.base <= 0.2 * first.size.min(place.size)
        };
        let length = order[at..].iter().take_while(|index| same_base(index)).count().max(1);
        let group = &mut order[at..at + length];
        group.sort_by(|a, b| lines[*a].start.total_cmp(&lines[*b].start));
        for chain in group.chunk_by(|left, right| touch(&lines[*left], &lines[*right])) {
            let lead = chain.iter().copied().min().unwrap_or_default();
            for index in chain {
                leader[*index] = lead;
            }
        }
        at += length;
    }
    gather(lines, &leader)
}

fn touch(left: &PdfLine, right: &PdfLine) -> bool {
    let (left_size, right_size) = (left.place.size, right.place.size);
    let (small, large) = (left_size.min(right_size), left_size.max(right_size));
    let gap = right.start - left.end;
    small > 0.6 * large && gap > -0.3 * large && gap < 0.5 * large
}

fn gather(lines: Vec<PdfLine>, leader: &[usize]) -> Vec<PdfLine> {
    let mut parts: Vec<Vec<PdfLine>> = lines.iter().map(|_| Vec::new()).collect();
    for (line, lead) in lines.into_iter().zip(leader) {
        parts[*lead].push(line);
    }
    let whole = parts.into_iter().filter_map(|mut parts| {
        parts.sort_by(|a, b| a.start.total_cmp(&b.start));
        parts.into_iter().reduce(|mut line, part| {
            line.append(part);
            line
        })
    });
    whole.collect()
}
