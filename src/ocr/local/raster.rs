//! Greyscale pictures: resizing, and sampling along a slanted line.

use super::super::GrayImage;

/// `picture` in another size; each new pixel is the mean of the pixels that it covers.
pub(super) fn resized(picture: &GrayImage, width: u32, height: u32) -> Vec<f32> {
    let columns = spans(picture.width, width);
    let rows = spans(picture.height, height);
    let stride = picture.width as usize;
    let mut resized = Vec::with_capacity((width * height) as usize);
    let mut sums = vec![0.0_f32; stride];
    for row in &rows {
        sums.fill(0.0);
        for (line, weight) in row.weights() {
            let line = &picture.pixels[line * stride..(line + 1) * stride];
            for (sum, pixel) in sums.iter_mut().zip(line) {
                *sum += weight * f32::from(*pixel);
            }
        }
        resized.extend(
            columns
                .iter()
                .map(|column| column.weights().map(|(at, weight)| weight * sums[at]).sum::<f32>()),
        );
    }
    resized
}

/// A stretch of old pixels that make up a new one.
struct Span {
    from: f32,
    to: f32,
    last: usize,
}

impl Span {
    /// Old pixels with their shares, which add up to one.
    fn weights(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let (first, end) =
            (self.from as usize, (self.to.ceil() as usize).max(self.from as usize + 1));
        let length = self.to - self.from;
        (first..end).map(move |at| {
            let covered = self.to.min(at as f32 + 1.0) - self.from.max(at as f32);
            (at.min(self.last), covered / length)
        })
    }
}

fn spans(old: u32, new: u32) -> Vec<Span> {
    let scale = old as f32 / new as f32;
    let last = old.saturating_sub(1) as usize;
    (0..new)
        .map(|at| {
            let middle = (at as f32 + 0.5) * scale;
            // When enlarging, a new pixel is as wide as an old one, which blends two neighbours.
            let half = scale.max(1.0) / 2.0;
            let from = (middle - half).max(0.0);
            Span { from, to: (middle + half).min(old as f32).max(from + 1e-3), last }
        })
        .collect()
}

/// The grey value at a point between pixels; beyond the edge, that of the edge.
pub(super) fn sample(picture: &GrayImage, x: f32, y: f32) -> f32 {
    let (right, bottom) = (picture.width as f32 - 1.0, picture.height as f32 - 1.0);
    let (x, y) = ((x - 0.5).clamp(0.0, right), (y - 0.5).clamp(0.0, bottom));
    let (left, top) = (x as usize, y as usize);
    let (next, below) = ((left + 1).min(right as usize), (top + 1).min(bottom as usize));
    let at = |x: usize, y: usize| f32::from(picture.pixels[y * picture.width as usize + x]);
    let (dx, dy) = (x - left as f32, y - top as f32);
    let upper = at(left, top) * (1.0 - dx) + at(next, top) * dx;
    let lower = at(left, below) * (1.0 - dx) + at(next, below) * dx;
    upper * (1.0 - dy) + lower * dy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, pixels: &[u8]) -> GrayImage {
        GrayImage { width, height: pixels.len() as u32 / width, pixels: pixels.to_vec() }
    }

    #[test]
    fn new_pixels_are_the_mean_of_old_ones() {
        let checks = picture(4, &[0, 0, 200, 200, 0, 0, 200, 200]);
        assert_eq!(resized(&checks, 2, 1), [0.0, 200.0]);
        let mean = resized(&checks, 1, 1)[0];
        assert!((mean - 100.0).abs() < 0.01, "{mean}");
        let larger = resized(&picture(2, &[0, 100]), 4, 1);
        assert_eq!(
            larger.iter().map(|grey| grey.round()).collect::<Vec<_>>(),
            [0.0, 25.0, 75.0, 100.0]
        );
    }
}
