//! What shapes of a page are painted with: one shade, a gradient or a picture.

use hayro_interpret::color::Color;
use hayro_interpret::encode::EncodedShadingPattern;
use hayro_interpret::kurbo::Point;
use hayro_interpret::pattern::ShadingPattern;
use hayro_interpret::shading::ShadingType;

use super::canvas::part;
use super::sampling::Sampler;

/// Gradients are sampled once per this many pixels in each direction, which is enough to read letters on them.
const STEP: u32 = 8;

/// The shade that replaces gradients of meshes, whose decoder takes memory by their area.
const MESH: u8 = 208;

pub(super) enum Ink {
    Shade { colour: u8, opacity: f32 },
    Gradient(Box<EncodedShadingPattern>),
    Picture { colours: ColourSource, opacity: Option<Box<Sampler>> },
}

/// The colours of a picture; a stencil has one.
pub(super) enum ColourSource {
    Shade(u8),
    Picture(Box<Sampler>),
}

impl Ink {
    pub(super) fn of_colour(colour: &Color) -> Self {
        let [red, green, blue, opacity] = colour.to_rgba().components();
        Self::Shade { colour: shade(red, green, blue), opacity }
    }

    pub(super) fn of_gradient(pattern: &ShadingPattern) -> Self {
        match *pattern.shading.shading_type {
            ShadingType::FunctionBased { .. } | ShadingType::RadialAxial { .. } => {
                Self::Gradient(Box::new(pattern.encode()))
            }
            ShadingType::Dummy => Self::Shade { colour: 0, opacity: 0.0 },
            _ => Self::Shade { colour: MESH, opacity: pattern.opacity },
        }
    }

    /// Fills in the colours of a row from `left` on, and reduces `cover` where the ink is transparent.
    pub(super) fn row(
        &mut self,
        row: u32,
        left: u32,
        colours: &mut [u8],
        cover: &mut [u8],
        scratch: &mut Vec<u8>,
    ) {
        match self {
            Self::Shade { colour, opacity } => {
                colours.fill(*colour);
                weaken(cover, *opacity);
            }
            Self::Gradient(pattern) => gradient_row(pattern, row, left, colours, cover),
            Self::Picture { colours: source, opacity } => {
                match source {
                    ColourSource::Shade(colour) => colours.fill(*colour),
                    ColourSource::Picture(sampler) => sampler.row(row, left, colours),
                }
                if let Some(opacity) = opacity {
                    scratch.clear();
                    scratch.resize(cover.len(), 0);
                    opacity.row(row, left, scratch);
                    let pairs = cover.iter_mut().zip(scratch.iter());
                    pairs.for_each(|(cover, opacity)| *cover = part(*cover, *opacity));
                }
            }
        }
    }
}

fn gradient_row(
    pattern: &EncodedShadingPattern,
    row: u32,
    left: u32,
    colours: &mut [u8],
    cover: &mut [u8],
) {
    let middle = |pixel: u32| f64::from(pixel / STEP * STEP + STEP / 2);
    let mut at = 0;
    while at < colours.len() {
        let column = left + at as u32;
        let end = (at + (STEP - column % STEP) as usize).min(colours.len());
        let [red, green, blue, opacity] = pattern.sample(Point::new(middle(column), middle(row)));
        colours[at..end].fill(shade(red, green, blue));
        weaken(&mut cover[at..end], opacity);
        at = end;
    }
}

/// Reduces a cover by the opacity.
pub(super) fn weaken(cover: &mut [u8], opacity: f32) {
    if opacity < 1.0 {
        let opacity = (opacity.max(0.0) * 256.0) as u32;
        for cover in cover {
            *cover = ((u32::from(*cover) * opacity) >> 8) as u8;
        }
    }
}

/// The brightness of a colour (ITU-R BT.601); its parts are from 0 to 1.
pub(super) fn shade(red: f32, green: f32, blue: f32) -> u8 {
    ((0.299 * red + 0.587 * green + 0.114 * blue) * 255.0 + 0.5) as u8
}

/// The same for colours of three bytes each.
pub(super) fn shades(colours: &[u8]) -> Vec<u8> {
    let shade = |colour: &[u8]| {
        let [red, green, blue] = [0, 1, 2].map(|part| u32::from(colour[part]));
        ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16) as u8
    };
    colours.chunks_exact(3).map(shade).collect()
}
