//! A decoded picture → its pixels on the page: areas are averaged where it shrinks, and neighbours are mixed
//! where it grows.

use hayro_interpret::kurbo::{Affine, Point};

use super::canvas::Area;

/// A picture, or its opacity.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: Vec<u8>,
    /// Whether there is nothing around it, as around the shape of a letter. Otherwise its edge continues
    /// forever, so that strips of a page have no seam between them.
    pub(super) ends: bool,
}

impl Plane {
    fn transposed(&self) -> Self {
        const BLOCK: usize = 32;
        let mut samples = vec![0; self.samples.len()];
        // In blocks, since jumping about in memory is slow.
        for top in (0..self.height).step_by(BLOCK) {
            for left in (0..self.width).step_by(BLOCK) {
                for row in top..(top + BLOCK).min(self.height) {
                    for column in left..(left + BLOCK).min(self.width) {
                        samples[column * self.height + row] =
                            self.samples[row * self.width + column];
                    }
                }
            }
        }
        Self { width: self.height, height: self.width, samples, ends: self.ends }
    }

    /// Averages blocks of this many pixels.
    fn reduced(&self, by: (usize, usize)) -> Self {
        let (width, height) = (self.width.div_ceil(by.0), self.height.div_ceil(by.1));
        let mut samples = Vec::with_capacity(width * height);
        for rows in self.samples.chunks(self.width * by.1) {
            let mut sums = vec![(0_u32, 0_u32); width];
            for row in rows.chunks(self.width) {
                for (sum, block) in sums.iter_mut().zip(row.chunks(by.0)) {
                    sum.0 += block.iter().map(|sample| u32::from(*sample)).sum::<u32>();
                    sum.1 += block.len() as u32;
                }
            }
            samples.extend(sums.iter().map(|(sum, count)| ((sum + count / 2) / count) as u8));
        }
        Self { width, height, samples, ends: self.ends }
    }

    fn sample(&self, column: isize, row: isize) -> f32 {
        let (width, height) = (self.width.cast_signed(), self.height.cast_signed());
        if self.ends && (column < 0 || row < 0 || column >= width || row >= height) {
            return 0.0;
        }
        let (column, row) = (column.clamp(0, width - 1), row.clamp(0, height - 1));
        f32::from(self.samples[(row * width + column) as usize])
    }
}

/// The samples that each pixel of the page is made of, along one axis.
struct Taps {
    /// The first pixel of the page that they are for.
    offset: u32,
    /// First sample and end of the weights, for each pixel.
    pixels: Vec<(usize, usize)>,
    weights: Vec<f32>,
    /// Whether each pixel is one sample, in order.
    is_copy: bool,
}

impl Taps {
    /// `scale` and `shift` map samples to pixels.
    fn new(scale: f64, shift: f64, pixels: (u32, u32), samples: usize, ends: bool) -> Self {
        let step = 1.0 / scale;
        // A picture with the size of its place, except for rounding, is copied and stays sharp.
        let is_unit = (step.abs() - 1.0).abs() * (samples as f64) < 0.75;
        let (step, shift) = if is_unit { (step.signum(), shift.round()) } else { (step, shift) };
        let mut taps =
            Self { offset: pixels.0, pixels: Vec::new(), weights: Vec::new(), is_copy: false };
        for pixel in pixels.0..pixels.1 {
            let one = (f64::from(pixel) - shift) * step;
            let (from, to) = (one.min(one + step), one.max(one + step));
            let start = taps.weights.len();
            let first = if step.abs() >= 1.0 {
                taps.average(from, to, samples, ends)
            } else {
                taps.mix(from.midpoint(to) - 0.5, samples, ends)
            };
            debug_assert!(first + taps.weights.len() - start <= samples);
            taps.pixels.push((first, taps.weights.len()));
        }
        let first = taps.pixels.first().map_or(0, |pixel| pixel.0);
        taps.is_copy = taps.weights.len() == taps.pixels.len()
            && taps.weights.iter().all(|weight| (weight - 1.0).abs() < f32::EPSILON)
            && (first..).zip(&taps.pixels).all(|(expected, pixel)| pixel.0 == expected);
        taps
    }

    /// Averages the samples between two places.
    fn average(&mut self, from: f64, to: f64, samples: usize, ends: bool) -> usize {
        let most = samples as f64;
        let (inner_from, inner_to) = (from.clamp(0.0, most), to.clamp(0.0, most));
        let first = (inner_from.floor() as usize).min(samples - 1);
        if inner_to - inner_from < 1e-6 {
            if !ends {
                self.weights.push(1.0);
            }
            return first;
        }
        let whole = if ends { to - from } else { inner_to - inner_from };
        // Without what only rounding would add.
        let end = ((inner_to - 1e-4).ceil() as usize).clamp(first + 1, samples);
        for sample in first..end {
            let (left, right) = (sample as f64, sample as f64 + 1.0);
            let overlap = (right.min(inner_to) - left.max(inner_from)).max(0.0) / whole;
            self.weights.push(if overlap > 0.9999 { 1.0 } else { overlap as f32 });
        }
        first
    }

    /// Mixes the two samples beside a place.
    fn mix(&mut self, place: f64, samples: usize, ends: bool) -> usize {
        let first = place.floor();
        let part = (place - first) as f32;
        let last = samples as f64 - 1.0;
        let is_there = |sample: f64| !ends || (0.0..=last).contains(&sample);
        let weight = |sample: f64, weight: f32| if is_there(sample) { weight } else { 0.0 };
        let (one, two) = (weight(first, 1.0 - part), weight(first + 1.0, part));
        let (left, right) = (first.clamp(0.0, last), (first + 1.0).clamp(0.0, last));
        if left < right {
            self.weights.extend([one, two]);
        } else {
            self.weights.push(one + two);
        }
        left as usize
    }

    fn of(&self, pixel: u32) -> (usize, &[f32]) {
        let index = (pixel - self.offset) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.pixels[before].1);
        let (first, end) = self.pixels[index];
        (first, &self.weights[start..end])
    }
}

enum Way {
    /// The picture is parallel to the edges of the page.
    Straight { columns: Taps, rows: Taps, sums: Vec<f32> },
    /// Maps the page to the picture.
    Turned(Affine),
}

/// A picture in its place on the page.
pub(super) struct Sampler {
    plane: Plane,
    way: Way,
}

impl Sampler {
    /// `to_page` maps samples to pixels; `area` is the wanted part of the page. `None` for a picture without
    /// extent.
    pub(super) fn new(plane: Plane, to_page: Affine, area: Area) -> Option<Self> {
        let usable = to_page.is_finite() && to_page.determinant().abs() > 1e-12;
        if !usable || plane.width == 0 || plane.height == 0 {
            return None;
        }
        let [a, b, c, d, ..] = to_page.as_coeffs();
        let (width, height) = (plane.width as f64, plane.height as f64);
        let is_small = |one: f64, other: f64| one.abs() < 0.5 && other.abs() < 0.5;
        let shift = to_page.translation();
        let straight = |plane: Plane, across: f64, down: f64| {
            let (left, top) = ((area.left, area.right), (area.top, area.bottom));
            let columns = Taps::new(across, shift.x, left, plane.width, plane.ends);
            let rows = Taps::new(down, shift.y, top, plane.height, plane.ends);
            let sums = Vec::new();
            Self { plane, way: Way::Straight { columns, rows, sums } }
        };
        Some(if is_small(b * width, c * height) {
            straight(plane, a, d)
        } else if is_small(a * width, d * height) {
            straight(plane.transposed(), c, b)
        } else {
            let [a, b, c, d, ..] = to_page.inverse().as_coeffs();
            let by = |one: f64, other: f64, most: usize| {
                ((one.hypot(other) + 0.25).floor().max(1.0) as usize).min(most)
            };
            let by = (by(a, c, plane.width), by(b, d, plane.height));
            let plane = if by == (1, 1) { plane } else { plane.reduced(by) };
            let grown = Affine::scale_non_uniform(by.0 as f64, by.1 as f64);
            Self { plane, way: Way::Turned((to_page * grown).inverse()) }
        })
    }

    /// The pixels of a row of the page from `left` on.
    pub(super) fn row(&mut self, row: u32, left: u32, pixels: &mut [u8]) {
        match &mut self.way {
            Way::Straight { columns, rows, sums } => {
                straight_row(&self.plane, columns, rows, sums, (row, left), pixels);
            }
            Way::Turned(to_picture) => {
                for (column, pixel) in (left..).zip(pixels) {
                    let middle = Point::new(f64::from(column) + 0.5, f64::from(row) + 0.5);
                    let place = *to_picture * middle;
                    let (x, y) = (place.x - 0.5, place.y - 0.5);
                    let (column, row) = (x.floor(), y.floor());
                    let (right, down) = ((x - column) as f32, (y - row) as f32);
                    let (column, row) = (column as isize, row as isize);
                    let mixed = |row: isize| {
                        self.plane.sample(column, row) * (1.0 - right)
                            + self.plane.sample(column + 1, row) * right
                    };
                    *pixel = (mixed(row) * (1.0 - down) + mixed(row + 1) * down + 0.5) as u8;
                }
            }
        }
    }
}

fn straight_row(
    plane: &Plane,
    columns: &Taps,
    rows: &Taps,
    sums: &mut Vec<f32>,
    (row, left): (u32, u32),
    pixels: &mut [u8],
) {
    let (top, heights) = rows.of(row);
    let samples = |row: usize| &plane.samples[row * plane.width..(row + 1) * plane.width];
    if let [1.0] = heights {
        let samples = samples(top);
        if columns.is_copy {
            let first = columns.of(left).0;
            pixels.copy_from_slice(&samples[first..first + pixels.len()]);
            return;
        }
        for (column, pixel) in (left..).zip(pixels) {
            let (first, weights) = columns.of(column);
            let sum: f32 = (samples[first..].iter().zip(weights))
                .map(|(sample, weight)| f32::from(*sample) * weight)
                .sum();
            *pixel = (sum + 0.5) as u8;
        }
        return;
    }
    sums.clear();
    sums.resize(plane.width, 0.0);
    for (row, height) in (top..).zip(heights) {
        let samples = samples(row);
        sums.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += height * f32::from(*sample));
    }
    for (column, pixel) in (left..).zip(pixels) {
        let (first, weights) = columns.of(column);
        let sum: f32 = sums[first..].iter().zip(weights).map(|(sum, weight)| sum * weight).sum();
        *pixel = (sum + 0.5) as u8;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn plane(width: usize, samples: &[u8], ends: bool) -> Plane {
        Plane { width, height: samples.len() / width, samples: samples.to_vec(), ends }
    }

    fn sampled(plane: Plane, to_page: [f64; 6], width: u32, height: u32) -> Vec<Vec<u8>> {
        let area = Area { left: 0, top: 0, right: width, bottom: height };
        let mut sampler = Sampler::new(plane, Affine::new(to_page), area).unwrap();
        let row = |row| {
            let mut pixels = vec![0; width as usize];
            sampler.row(row, 0, &mut pixels);
            pixels
        };
        (0..height).map(row).collect()
    }

    const FOUR: [u8; 4] = [0, 40, 80, 120];

    #[test]
    fn a_picture_in_its_own_size_is_copied_and_turned() {
        let at = |matrix| sampled(plane(2, &FOUR, false), matrix, 2, 2);
        assert_eq!(at([1.0, 0.0, 0.0, 1.0, 0.1, 0.0]), [[0, 40], [80, 120]]);
        assert_eq!(at([-1.0, 0.0, 0.0, 1.0, 2.0, 0.0]), [[40, 0], [120, 80]]);
        assert_eq!(at([1.0, 0.0, 0.0, -1.0, 0.0, 2.0]), [[80, 120], [0, 40]]);
        assert_eq!(at([0.0, 1.0, 1.0, 0.0, 0.0, 0.0]), [[0, 80], [40, 120]]);
        assert_eq!(at([0.0, 1.0, -1.0, 0.0, 2.0, 0.0]), [[80, 0], [120, 40]]);
    }

    #[test]
    fn areas_are_averaged_and_neighbours_mixed() {
        let row: Vec<u8> = (0..6).map(|sample| sample * 10).collect();
        let shrunk = sampled(plane(6, &row, false), [1.0 / 3.0, 0.0, 0.0, 1.0, 0.0, 0.0], 2, 1);
        assert_eq!(shrunk, [[10, 40]]);
        let grown = sampled(plane(2, &[0, 100], false), [2.0, 0.0, 0.0, 1.0, 0.0, 0.0], 4, 1);
        assert_eq!(grown, [[0, 25, 75, 100]]);
        let uneven = sampled(plane(3, &[0, 100, 200], false), [0.5, 0.0, 0.0, 1.0, 0.0, 0.0], 2, 1);
        assert_eq!(uneven, [[50, 200]]);
    }

    #[test]
    fn a_shape_ends_at_its_edge() {
        let at = |ends| sampled(plane(4, &[200; 4], ends), [0.5, 0.0, 0.0, 1.0, 0.5, 0.0], 3, 1);
        assert_eq!(at(true), [[100, 200, 100]]);
        assert_eq!(at(false), [[200, 200, 200]]);
    }

    #[test]
    fn a_turned_picture_is_sampled_where_it_lies() {
        let (sin, cos) = 0.3_f64.sin_cos();
        let disc = |width: usize| -> Vec<u8> {
            let middle = width as f64 / 2.0;
            let at = |index: usize| {
                let (x, y) = ((index % width) as f64 + 0.5, (index / width) as f64 + 0.5);
                if (x - middle).hypot(y - middle) < middle / 2.0 { 0 } else { 255 }
            };
            (0..width * width).map(at).collect()
        };
        let scale = 0.25;
        let (a, b) = (cos * scale, sin * scale);
        // Rotated around the middle of the picture, which becomes the middle of the page.
        let matrix = [a, b, -b, a, 20.0 - 80.0 * a + 80.0 * b, 20.0 - 80.0 * b - 80.0 * a];
        let turned = sampled(plane(160, &disc(160), false), matrix, 40, 40);
        let straight = disc(40);
        let wrong = turned.concat().into_iter().zip(straight).filter(|(a, b)| a.abs_diff(*b) > 128);
        assert!(wrong.count() < 12);
    }
}
