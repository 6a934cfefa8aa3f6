//! Which pixels a path covers, and how much of each: rows are cut into [`LINES`] lines, along which the covered
//! parts are exact.

use hayro_interpret::FillRule;
use hayro_interpret::kurbo::{BezPath, PathEl, Point, Shape as _, flatten};

use super::canvas::Area;

/// Lines in a row of pixels.
const LINES: u8 = 4;

/// Parts of a pixel along a line.
const PARTS: u32 = 256;

/// Most crossings of a path, more than one of a map has. Beyond it nothing is filled: its shape could be
/// anything.
const MAX_CROSSINGS: usize = 8_000_000;

/// Largest distance of a straight line from the curve that it replaces, in pixels.
const TOLERANCE: f64 = 0.1;

/// Fills paths; keeps its memory for the next.
#[derive(Debug, Default)]
pub(super) struct Filler {
    /// Where lines cross the path: line, place along it and direction in one number, for sorting.
    crossings: Vec<u64>,
    /// Changes of cover from pixel to pixel.
    changes: Vec<i32>,
    cover: Vec<u8>,
}

impl Filler {
    /// Passes row after row to `take`: its number, where it starts and how much of its pixels is covered.
    pub(super) fn fill(
        &mut self,
        path: impl IntoIterator<Item = PathEl>,
        rule: FillRule,
        area: Area,
        mut take: impl FnMut(u32, u32, &mut [u8]),
    ) {
        if area.is_empty() || !self.cross(path, area) {
            return;
        }
        self.crossings.sort_unstable();
        self.changes.clear();
        self.changes.resize(area.width() + 2, 0);
        let mut crossings = std::mem::take(&mut self.crossings);
        // The last row, where it started, and its cover.
        let (mut last, mut kept): (&[u64], _) = (&[], (0, Vec::new()));
        for row in crossings.chunk_by(|one, other| row_of(*one) == row_of(*other)) {
            if is_alike(row, last) {
                self.cover.clone_from(&kept.1);
                take(row_of(row[0]), kept.0, &mut self.cover);
                continue;
            }
            last = &[];
            let mut touched = (usize::MAX, 0);
            for line in row.chunk_by(|one, other| one >> 32 == other >> 32) {
                self.line(line, rule, &mut touched);
            }
            let (first, end) = (touched.0, touched.1.min(area.width()));
            if first < end {
                self.sum(first, end);
                last = row;
                kept.0 = area.left + first as u32;
                kept.1.clone_from(&self.cover);
                take(row_of(row[0]), kept.0, &mut self.cover);
            }
            if first <= touched.1 {
                self.changes[first..(touched.1 + 2).min(area.width() + 2)].fill(0);
            }
        }
        crossings.clear();
        self.crossings = crossings;
    }

    /// Finds where lines cross the path; `false` if there are too many crossings.
    fn cross(&mut self, path: impl IntoIterator<Item = PathEl>, area: Area) -> bool {
        self.crossings.clear();
        let (mut start, mut last) = (Point::ZERO, Point::ZERO);
        flatten(path, TOLERANCE, |element| match element {
            PathEl::LineTo(to) => {
                self.edge(last, to, area);
                last = to;
            }
            PathEl::MoveTo(to) => {
                self.edge(last, start, area);
                (start, last) = (to, to);
            }
            PathEl::ClosePath => {
                self.edge(last, start, area);
                last = start;
            }
            // Curves were flattened before.
            PathEl::QuadTo(..) | PathEl::CurveTo(..) => {}
        });
        self.edge(last, start, area);
        self.crossings.len() <= MAX_CROSSINGS
    }

    fn edge(&mut self, from: Point, to: Point, area: Area) {
        let finite = from.is_finite() && to.is_finite();
        if !finite || self.crossings.len() > MAX_CROSSINGS {
            return;
        }
        let (up, top, bottom) = if from.y < to.y { (0, from, to) } else { (1, to, from) };
        let lines = f64::from(LINES);
        // A line is sampled in its middle.
        let line_at = |y: f64| (y * lines - 0.5).ceil();
        let first = line_at(top.y).max(f64::from(area.top) * lines) as u32;
        let end = line_at(bottom.y).min(f64::from(area.bottom) * lines).max(0.0) as u32;
        let slope = (bottom.x - top.x) / (bottom.y - top.y);
        let most = area.width() as f64;
        for line in first..end {
            let y = (f64::from(line) + 0.5) / lines;
            let x = (top.x + slope * (y - top.y) - f64::from(area.left)).clamp(0.0, most);
            let x = (x * f64::from(PARTS)).round() as u64;
            self.crossings.push(u64::from(line) << 32 | x << 1 | up);
        }
    }

    /// Adds the parts of a line that are inside the path.
    fn line(&mut self, crossings: &[u64], rule: FillRule, touched: &mut (usize, usize)) {
        let mut winding = 0_i32;
        let mut from = 0;
        for crossing in crossings {
            let x = (crossing >> 1 & 0x7FFF_FFFF) as u32;
            let was_inside = is_inside(winding, rule);
            winding += if crossing & 1 == 0 { 1 } else { -1 };
            match (was_inside, is_inside(winding, rule)) {
                (false, true) => from = x,
                (true, false) if from < x => {
                    self.ramp(from, 1);
                    self.ramp(x, -1);
                    touched.0 = touched.0.min((from / PARTS) as usize);
                    touched.1 = touched.1.max(x.div_ceil(PARTS) as usize);
                }
                _ => {}
            }
        }
    }

    /// Starts or ends the cover from `x` on.
    fn ramp(&mut self, x: u32, sign: i32) {
        let (pixel, part) = ((x / PARTS) as usize, (x % PARTS).cast_signed());
        self.changes[pixel] += sign * (PARTS.cast_signed() - part);
        self.changes[pixel + 1] += sign * part;
    }

    fn sum(&mut self, first: usize, end: usize) {
        const FULL: i32 = PARTS.cast_signed() * LINES as i32;
        self.cover.clear();
        let mut sum = 0;
        self.cover.extend(self.changes[first..end].iter().map(|change| {
            sum += change;
            ((sum * 255 + FULL / 2) / FULL).clamp(0, 255) as u8
        }));
    }
}

/// Whether two rows are crossed in the same places, like those of a rectangle.
fn is_alike(row: &[u64], other: &[u64]) -> bool {
    const PLACE: u64 = (LINES as u64) << 32;
    row.len() == other.len()
        && row.iter().zip(other).all(|(one, other)| one % PLACE == other % PLACE)
}

fn row_of(crossing: u64) -> u32 {
    (crossing >> 32) as u32 / u32::from(LINES)
}

fn is_inside(winding: i32, rule: FillRule) -> bool {
    match rule {
        FillRule::NonZero => winding != 0,
        FillRule::EvenOdd => winding % 2 != 0,
    }
}

/// Whether a path is a rectangle that is not turned.
pub(super) fn is_rectangle(path: &BezPath) -> bool {
    let bounds = path.bounding_box();
    let is_at = |one: f64, other: f64| (one - other).abs() < 0.5;
    let corners = path.elements().iter().try_fold(0, |corners, element| match element {
        PathEl::MoveTo(point) | PathEl::LineTo(point) => {
            let x = is_at(point.x, bounds.x0) || is_at(point.x, bounds.x1);
            let y = is_at(point.y, bounds.y0) || is_at(point.y, bounds.y1);
            (x && y).then_some(corners + 1)
        }
        PathEl::ClosePath => Some(corners),
        PathEl::QuadTo(..) | PathEl::CurveTo(..) => None,
    });
    // Three corners are a triangle. Of two subpaths, one could be a hole.
    let starts = path.elements().iter().filter(|element| matches!(element, PathEl::MoveTo(_)));
    corners.is_some_and(|corners| (4..=5).contains(&corners)) && starts.count() == 1
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::{Circle, Rect, Shape};

    use super::*;

    const AREA: Area = Area { left: 0, top: 0, right: 20, bottom: 20 };

    fn filled(path: impl Shape, rule: FillRule, area: Area) -> Vec<(u32, u32, Vec<u8>)> {
        let mut rows = Vec::new();
        Filler::default().fill(path.path_elements(0.1), rule, area, |row, left, cover| {
            rows.push((row, left, cover.to_vec()));
        });
        rows
    }

    #[test]
    fn pixels_are_covered_as_far_as_the_path_reaches() {
        let rows = filled(Rect::new(2.5, 3.0, 5.25, 4.5), FillRule::NonZero, AREA);
        assert_eq!(rows, [(3, 2, vec![128, 255, 255, 64]), (4, 2, vec![64, 128, 128, 32])]);
        let sum = |rows: &[(u32, u32, Vec<u8>)]| {
            rows.iter().flat_map(|(_, _, cover)| cover).map(|cover| f64::from(*cover)).sum::<f64>()
        };
        let disc = filled(Circle::new((10.0, 10.0), 8.0), FillRule::NonZero, AREA);
        assert!((sum(&disc) / 255.0 - 64.0 * std::f64::consts::PI).abs() < 5.0);
    }

    #[test]
    fn what_is_outside_of_the_area_is_left_out() {
        let area = Area { left: 4, top: 4, right: 6, bottom: 5 };
        let rows = filled(Rect::new(-1e9, -1e9, 1e9, 1e9), FillRule::NonZero, area);
        assert_eq!(rows, [(4, 4, vec![255, 255])]);
        assert!(filled(Rect::new(9.0, 0.0, 12.0, 20.0), FillRule::NonZero, area).is_empty());
        assert!(filled(Rect::new(f64::NAN, 0.0, 1.0, 2.0), FillRule::NonZero, AREA).is_empty());
    }

    #[test]
    fn holes_follow_the_fill_rule() {
        let mut path = Rect::new(0.0, 0.0, 9.0, 1.0).to_path(0.1);
        path.extend(Rect::new(3.0, 0.0, 6.0, 1.0).to_path(0.1));
        let row = |rule| filled(path.clone(), rule, AREA)[0].2.clone();
        assert_eq!(row(FillRule::NonZero), [255; 9]);
        assert_eq!(row(FillRule::EvenOdd), [255, 255, 255, 0, 0, 0, 255, 255, 255]);
    }
}
