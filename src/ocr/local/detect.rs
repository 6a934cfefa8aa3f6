//! Finds the lines of text on a page.
//!
//! For each pixel, the model returns the probability that it belongs to the core of a line ("Real-time Scene
//! Text Detection with Differentiable Binarization", Liao et al. 2020). Connected cores are turned into
//! rectangles, which are grown to the size of their lines. Constants are those of `PaddleOCR`'s configuration
//! of PP-OCRv6.

use super::super::GrayImage;
use super::raster::resized;
use crate::onnx::FloatGraph;

/// Longest side of the model's input: letters of 10 points on an A4 page are then 15 pixels high.
const LONGEST_SIDE: u32 = 1280;

/// The sides of the input have to be multiples of this.
const STEP: u32 = 32;

/// Minimum probability of a pixel in a core, and minimum mean probability of a core.
const PIXEL: f32 = 0.2;
const LINE: f32 = 0.4;

/// The rectangle of a core is grown on each side by its area times this over its perimeter.
const GROWTH: f32 = 1.4;

/// Cores that are lower than this, in pixels, are specks.
const LEAST: f32 = 3.0;

/// Maximum number of lines on a page.
const MOST: usize = 3_000;

/// Mean and standard deviation of the model's training pictures, red to blue.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// A slanted rectangle, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Region {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Half of its extent along the line, and across it.
    pub(super) half_width: f32,
    pub(super) half_height: f32,
    /// Direction of the line: a unit vector that points more to the right than up or down.
    pub(super) along: (f32, f32),
}

impl Region {
    /// The point at these shares of the way from the middle to the right end and to the lower edge.
    pub(super) fn point(&self, along: f32, across: f32) -> (f32, f32) {
        let (ux, uy) = self.along;
        let (a, b) = (along * self.half_width, across * self.half_height);
        (self.x + a * ux - b * uy, self.y + a * uy + b * ux)
    }

    pub(super) fn is_upright(&self) -> bool {
        self.half_height > self.half_width * 1.5
    }

    fn scaled(self, x: f32, y: f32) -> Self {
        Self {
            x: self.x * x,
            y: self.y * y,
            half_width: self.half_width * x,
            half_height: self.half_height * y,
            ..self
        }
    }
}

/// The lines of a page, in no particular order.
pub(super) fn regions(model: &FloatGraph, page: &GrayImage) -> Result<Vec<Region>, String> {
    let (width, height) = size(page.width, page.height);
    let grey = resized(page, width, height);
    let normal = |channel: usize| {
        let scaled = grey.iter().map(move |grey| grey / 255.0 - MEAN[channel]);
        scaled.map(move |grey| grey / DEVIATION[channel])
    };
    let input: Vec<f32> = (0..3).flat_map(normal).collect();
    let output = model.run([1, 3, height as usize, width as usize], input)?;
    if output.values.len() != grey.len() {
        return Err(format!(
            "the detector's output has the shape {:?}, not one value per pixel",
            output.shape
        ));
    }
    let found = of_map(&output.values, width as usize);
    let (x, y) = (page.width as f32 / width as f32, page.height as f32 / height as f32);
    Ok(found.into_iter().map(|region| region.scaled(x, y)).collect())
}

/// Size of the model's input for a page of this size.
fn size(width: u32, height: u32) -> (u32, u32) {
    let scale = (LONGEST_SIDE as f32 / width.max(height) as f32).min(1.0);
    let side = |pixels: u32| ((pixels as f32 * scale / STEP as f32).round() as u32).max(1) * STEP;
    (side(width), side(height))
}

/// Regions of a map of probabilities.
fn of_map(map: &[f32], width: usize) -> Vec<Region> {
    let mut seen = vec![false; map.len()];
    let mut regions = Vec::new();
    for start in 0..map.len() {
        if map[start] <= PIXEL || seen[start] {
            continue;
        }
        let core = core(map, width, start, &mut seen);
        let likely = core.iter().map(|at| map[*at]).sum::<f32>() / core.len() as f32;
        if let Some(region) = rectangle(&core, width).filter(|_| likely >= LINE) {
            regions.push(region);
        }
        if regions.len() == MOST {
            break;
        }
    }
    regions
}

/// All pixels that are connected to a pixel, also diagonally.
fn core(map: &[f32], width: usize, start: usize, seen: &mut [bool]) -> Vec<usize> {
    let height = map.len() / width;
    let (mut core, mut next) = (Vec::new(), vec![start]);
    seen[start] = true;
    while let Some(at) = next.pop() {
        core.push(at);
        let (x, y) = (at % width, at / width);
        for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
            for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                let at = y * width + x;
                if map[at] > PIXEL && !seen[at] {
                    seen[at] = true;
                    next.push(at);
                }
            }
        }
    }
    core
}

/// The smallest rectangle around a core, grown; `None` if it is too small.
fn rectangle(core: &[usize], width: usize) -> Option<Region> {
    let points: Vec<(f32, f32)> =
        core.iter().map(|at| ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5)).collect();
    let hull = hull(points);
    let sides = hull.iter().zip(hull.iter().cycle().skip(1));
    let around = |(from, to): (&(f32, f32), &(f32, f32))| {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        (length > 0.0).then(|| within(&hull, (dx / length, dy / length)))
    };
    let area = |region: &Region| region.half_width * region.half_height;
    let upright = std::iter::once(within(&hull, (1.0, 0.0)));
    let smallest =
        sides.filter_map(around).chain(upright).min_by(|a, b| area(a).total_cmp(&area(b)))?;
    if smallest.half_height.min(smallest.half_width) * 2.0 < LEAST {
        return None;
    }
    let (a, b) = (smallest.half_width, smallest.half_height);
    let growth = a * b * 4.0 * GROWTH / (4.0 * (a + b));
    Some(Region { half_width: a + growth, half_height: b + growth, ..smallest })
}

/// The rectangle around points whose long axis is this direction or the one across it, whichever is closer to
/// horizontal.
fn within(points: &[(f32, f32)], direction: (f32, f32)) -> Region {
    let (mut ux, mut uy) = direction;
    if ux.abs() < uy.abs() {
        (ux, uy) = (-uy, ux);
    }
    if ux < 0.0 {
        (ux, uy) = (-ux, -uy);
    }
    let range = |of: &dyn Fn(&(f32, f32)) -> f32| {
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for value in points.iter().map(of) {
            (low, high) = (low.min(value), high.max(value));
        }
        // A pixel has a width of one.
        (low - 0.5, high + 0.5)
    };
    let (left, right) = range(&|(x, y)| x * ux + y * uy);
    let (top, bottom) = range(&|(x, y)| y * ux - x * uy);
    let (a, b) = (f32::midpoint(left, right), f32::midpoint(top, bottom));
    Region {
        x: a * ux - b * uy,
        y: a * uy + b * ux,
        half_width: (right - left) / 2.0,
        half_height: (bottom - top) / 2.0,
        along: (ux, uy),
    }
}

/// The convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<(f32, f32)>) -> Vec<(f32, f32)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let turn = |a: (f32, f32), b: (f32, f32), c: (f32, f32)| {
        (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
    };
    let half = |points: &mut dyn Iterator<Item = (f32, f32)>| {
        let mut half: Vec<(f32, f32)> = Vec::new();
        for point in points {
            while let [.., a, b] = half[..]
                && turn(a, b, point) <= 0.0
            {
                half.pop();
            }
            half.push(point);
        }
        half.pop();
        half
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    if hull.is_empty() {
        points.truncate(1);
        points
    } else {
        hull
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map with a bar in it, slanted by `slant` pixels over its length.
    fn map(width: usize, height: usize, slant: f32) -> Vec<f32> {
        let bar = |at: usize| {
            let (x, y) = ((at % width) as f32, (at / width) as f32);
            let middle = height as f32 / 2.0 + slant * (x / width as f32 - 0.5);
            (10.0..width as f32 - 10.0).contains(&x) && (y - middle).abs() < 4.0
        };
        (0..width * height).map(|at| if bar(at) { 0.9 } else { 0.0 }).collect()
    }

    #[test]
    fn a_core_is_grown_to_its_line() {
        let [region] = of_map(&map(200, 40, 0.0), 200)[..] else { panic!("one line") };
        assert!((region.x - 100.0).abs() < 1.0 && (region.y - 20.5).abs() < 1.0, "{region:?}");
        assert!((region.half_width - 95.0).abs() < 2.0, "{region:?}");
        assert!((8.0..10.0).contains(&region.half_height), "{region:?}");
    }

    #[test]
    fn a_slanted_line_has_a_slanted_rectangle() {
        for slant in [-10.0, 10.0] {
            let [region] = of_map(&map(200, 60, slant), 200)[..] else { panic!("one line") };
            assert!((region.along.1 - slant / 200.0).abs() < 0.01, "{region:?}");
            assert!(region.half_height < 11.0, "{region:?}");
        }
    }

    #[test]
    fn specks_and_unlikely_cores_are_not_lines() {
        let mut speck = vec![0.0; 1600];
        speck[820] = 0.9;
        assert_eq!(of_map(&speck, 40), []);
        let faint: Vec<f32> = map(200, 40, 0.0).iter().map(|likely| likely / 3.0).collect();
        assert_eq!(of_map(&faint, 200), []);
        assert_eq!(of_map(&[], 32), []);
    }

    #[test]
    fn the_model_sees_multiples_of_its_step() {
        assert_eq!(size(2480, 3508), (896, 1280));
        assert_eq!(size(1, 1), (32, 32));
        assert_eq!(size(1, 100_000), (32, 1280));
    }
}
