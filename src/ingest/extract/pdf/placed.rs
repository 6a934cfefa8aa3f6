//! What the interpreter draws besides letters, as the layout sees it: pictures and lines.

use std::hash::{DefaultHasher, Hash, Hasher};

use hayro_interpret::Image;
use hayro_interpret::kurbo::{Affine, PathEl, Point, Rect};

use super::pictures::PdfPicture;
use super::tables::PageRules;

/// A line is level if its ends differ in height by no more than this, in points.
const LEVEL: f64 = 0.5;

/// A picture on a page of this many points across and down; `None` if it is outside.
pub(super) fn picture(
    image: &Image<'_, '_>,
    transform: Affine,
    (across, down): (f32, f32),
) -> Option<PdfPicture> {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let (across, down) = (f64::from(across), f64::from(down));
    let place = transform.transform_rect_bbox(Rect::new(0.0, 0.0, width, height));
    let place = place.intersect(Rect::new(0.0, 0.0, across, down));
    // A skewed picture covers less than its box.
    let area = (transform.determinant().abs() * width * height).min(place.area());
    let share = (area / (across * down).max(1.0)).clamp(0.0, 1.0) as f32;
    let [a, b, ..] = transform.as_coeffs();
    let (width, height) = if b.abs() > a.abs() { (height, width) } else { (width, height) };
    (share > 0.0).then(|| PdfPicture {
        edges: [place.x0, place.y0, place.x1, place.y1].map(|edge| edge as f32),
        pixels: (width as f32, height as f32),
        share,
        content: content(image),
        letters: 0,
    })
}

/// Identifies a picture by its size and some of its data.
fn content(image: &Image<'_, '_>) -> u64 {
    const SAMPLE: usize = 512;
    // The data of strips and icons is not examined.
    const SIDE: u32 = 100;
    let mut hasher = DefaultHasher::new();
    let (width, height) = (image.width(), image.height());
    (width, height).hash(&mut hasher);
    if width.max(height) >= SIDE {
        let stream = match image {
            Image::Stencil(image) => image.stream(),
            Image::Raster(image) => image.stream(),
        };
        let data = stream.raw_data();
        let from = |start: usize| &data[start..data.len().min(start + SAMPLE)];
        (data.len(), from(data.len() / 2), from(data.len().saturating_sub(SAMPLE)))
            .hash(&mut hasher);
    }
    hasher.finish()
}

/// Collects the lines of a path that run across the page, which may separate rows of a table.
pub(super) fn take_rules(
    rules: &mut PageRules,
    path: impl Iterator<Item = PathEl>,
    transform: Affine,
) {
    let (mut first, mut last) = (Point::ORIGIN, Point::ORIGIN);
    for element in path {
        let next = match element {
            PathEl::MoveTo(at) => {
                (first, last) = (transform * at, transform * at);
                continue;
            }
            PathEl::LineTo(at) => transform * at,
            PathEl::ClosePath => first,
            // Shapes with curves are not tables.
            PathEl::QuadTo(..) | PathEl::CurveTo(..) => return,
        };
        if (next.y - last.y).abs() < LEVEL {
            rules.push(next.y as f32, last.x as f32, next.x as f32);
        }
        last = next;
    }
}
