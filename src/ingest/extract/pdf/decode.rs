//! A picture of a page, as the file stores it → samples.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_interpret::hayro_syntax::object::{Array, Dict, Stream};
use hayro_interpret::kurbo::Affine;
use hayro_interpret::{Image, ImageData, LumaData, Paint};

use super::bombs;
use super::canvas::Area;
use super::ink::{ColourSource, Ink, shades};
use super::sampling::{Plane, Sampler};

/// Most pixels of a picture in grey or colour.
const MAX_PIXELS: u64 = 64_000_000;

/// Most pixels of a picture in black and white: a drawing of a square metre at 400 dpi has as many.
const MAX_BITS: u64 = 300_000_000;

/// Most bytes that the data of a picture may unpack to.
const MAX_UNPACKED: u64 = 300 << 20;

/// Why a picture is missing from the page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Reason {
    Damaged,
    /// Millions of pixels.
    TooLarge(u64),
}

/// A picture that is missing from the page, and its share of the page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct UnreadPicture {
    pub(super) reason: Reason,
    pub(super) share: f32,
}

/// What paints `area` with the picture, and whether the picture ends at its own edges. `to_page` maps its
/// pixels to those of the page.
pub(super) fn ink(
    image: &Image<'_, '_>,
    to_page: Affine,
    area: Area,
) -> Result<Option<(Ink, bool)>, Reason> {
    let stream = match image {
        Image::Stencil(image) => image.stream(),
        Image::Raster(image) => image.stream(),
    };
    check(stream, image.width(), image.height())?;
    // A hint for JPEG 2000, which contains smaller versions.
    let [a, b, c, d, ..] = to_page.as_coeffs();
    let size = |one: f64, other: f64, pixels: u32| {
        (one.hypot(other) * f64::from(pixels)).ceil().max(1.0) as u32
    };
    let target = Some((size(a, b, image.width()), size(c, d, image.height())));
    let mut decoded = None;
    // A panic here is one of a decoder, and costs one picture.
    let outcome = catch_unwind(AssertUnwindSafe(|| match image {
        Image::Stencil(image) => {
            image.with_stencil(
                |shape, paint| decoded = Some(stencil(shape, paint, to_page, area)),
                target,
            );
        }
        Image::Raster(image) => {
            image.with_rgba(
                |colours, opacity| decoded = Some(raster(colours, opacity, to_page, area)),
                target,
            );
        }
    }));
    decoded.filter(|_| outcome.is_ok()).ok_or(Reason::Damaged)
}

fn stencil(shape: LumaData, paint: &Paint<'_>, to_page: Affine, area: Area) -> Option<(Ink, bool)> {
    // Gradients and patterns through a stencil are rare, and only need to be visible.
    let (colour, weight) = match paint {
        Paint::Color(colour) => match Ink::of_colour(colour) {
            Ink::Shade { colour, opacity } => (colour, opacity),
            _ => (0, 1.0),
        },
        Paint::Pattern(_) => (0, 1.0),
    };
    if weight <= 0.0 {
        return None;
    }
    let opacity = sampler(shape, true, to_page, area)?;
    Some((
        Ink::Picture { colours: ColourSource::Shade(colour), opacity: Some(Box::new(opacity)) },
        true,
    ))
}

fn raster(
    colours: ImageData,
    opacity: Option<LumaData>,
    to_page: Affine,
    area: Area,
) -> Option<(Ink, bool)> {
    let (width, height) = (colours.width(), colours.height());
    let (scale_x, scale_y) = colours.scale_factors();
    let shades = match colours {
        ImageData::Luma(data) => data.data,
        ImageData::Rgb(data) => shades(&data.data),
    };
    // The opacity has its own size, and is stretched over the same place.
    let opacity = opacity.and_then(|mut opacity| {
        let over = |all: u32, scale: f32, own: u32| all as f32 * scale / own.max(1) as f32;
        opacity.scale_factors =
            (over(width, scale_x, opacity.width), over(height, scale_y, opacity.height));
        sampler(opacity, false, to_page, area).map(Box::new)
    });
    let (interpolate, scale_factors) = (false, (scale_x, scale_y));
    let data = LumaData { data: shades, width, height, interpolate, scale_factors };
    let colours = ColourSource::Picture(Box::new(sampler(data, false, to_page, area)?));
    Some((Ink::Picture { colours, opacity }, false))
}

fn sampler(data: LumaData, ends: bool, to_page: Affine, area: Area) -> Option<Sampler> {
    let (width, height) = (data.width as usize, data.height as usize);
    let (x, y) = data.scale_factors;
    let to_page = to_page * Affine::scale_non_uniform(x.into(), y.into());
    let is_whole = data.data.len() == width * height;
    let plane = Plane { width, height, samples: data.data, ends };
    is_whole.then(|| Sampler::new(plane, to_page, area)).flatten()
}

/// Checks the size that a picture claims, since decoders allocate memory for it.
fn check(stream: &Stream<'_>, width: u32, height: u32) -> Result<(), Reason> {
    let dict = stream.dict();
    let bits = dict.get::<u8>(&b"BitsPerComponent"[..]).or_else(|| dict.get::<u8>(&b"BPC"[..]));
    let is_stencil = dict.get::<bool>(&b"ImageMask"[..]).or_else(|| dict.get::<bool>(&b"IM"[..]));
    let most = if bits == Some(1) || is_stencil == Some(true) { MAX_BITS } else { MAX_PIXELS };
    let parameters = dict.get::<Dict<'_>>(&b"DecodeParms"[..]).or_else(|| {
        let all = dict.get::<Array<'_>>(&b"DecodeParms"[..])?;
        all.iter::<Dict<'_>>().last()
    });
    let columns = parameters.and_then(|dict| dict.get::<u32>(&b"Columns"[..])).unwrap_or(width);
    let data = stream.raw_data();
    let named = named_size(&data).unwrap_or((0, 0));
    for (width, height) in [(width, height), (columns, height), named] {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > most {
            return Err(Reason::TooLarge(pixels / 1_000_000));
        }
    }
    let is_flate = data.first().is_some_and(|byte| byte & 15 == 8);
    if is_flate && bombs::unpacks_to_more(&data, MAX_UNPACKED) {
        return Err(Reason::TooLarge(MAX_UNPACKED / 1_000_000));
    }
    Ok(())
}

/// The size in the data of a JPEG 2000 or JBIG2 picture itself. It need not be the real one: the height of
/// JBIG2 may be unknown.
fn named_size(data: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| {
        let bytes = data.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    // The start of a code stream, or of its segment with the sizes (ISO/IEC 15444-1, A.5.1).
    let is_jpeg_2000 = data.starts_with(b"\0\0\0\x0CjP  ") || data.starts_with(b"\xFF\x4F\xFF\x51");
    if is_jpeg_2000 {
        let head = &data[..data.len().min(1 << 16)];
        let start = head.windows(4).position(|bytes| bytes == b"\xFF\x4F\xFF\x51")?;
        return Some((
            number(start + 8)?.checked_sub(number(start + 16)?)?,
            number(start + 12)?.checked_sub(number(start + 20)?)?,
        ));
    }
    // The segment of a page with its header (ISO/IEC 14492, 7.2 and 7.4.8): number, type, no other segments,
    // page, length.
    let is_page = data.starts_with(&[0, 0, 0]) && data.get(4..7) == Some(&[48, 0, 1]);
    let height = |height: &u32| *height != u32::MAX;
    (is_page).then(|| Some((number(11)?, number(15).filter(height).unwrap_or(0)))).flatten()
}
