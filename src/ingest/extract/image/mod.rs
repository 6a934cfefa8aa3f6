//! Picture files → pages as pictures, for OCR. Each decoder is asked for its size first: memory is
//! allocated for what a picture says that it has.

mod exif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use self::exif::Turn;
use super::ExtractError;
use crate::ocr::GrayImage;

/// A page of A4 at 900 dpi has fewer.
const MAX_PIXELS: u64 = 64_000_000;

/// Bytes of a decoded picture in colours.
const MAX_DECODED: usize = MAX_PIXELS as usize * 4;

/// A page of a picture file, upright.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Picture {
    pub(super) picture: GrayImage,
    /// Pixels per inch, where the file says it.
    pub(super) dpi: Option<f32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Png,
    Jpeg,
    Tiff,
    WebP,
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Self, ExtractError> {
        const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
        if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
            Ok(Self::Png)
        } else if bytes.starts_with(b"\xFF\xD8\xFF") {
            Ok(Self::Jpeg)
        } else if TIFF.iter().any(|start| bytes.starts_with(start)) {
            Ok(Self::Tiff)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Ok(Self::WebP)
        } else {
            Err(ExtractError::new("not a picture that is read: PNG, JPEG, TIFF or WebP"))
        }
    }
}

/// How many pages a file has: one, but for TIFF.
pub(super) fn pages(bytes: &[u8]) -> Result<u32, ExtractError> {
    match Format::of(bytes)? {
        Format::Tiff => tiff::pages(bytes),
        Format::Png | Format::Jpeg | Format::WebP => Ok(1),
    }
}

/// A page; `page` counts from one.
pub(super) fn page(bytes: &[u8], page: u32) -> Result<Picture, ExtractError> {
    let format = Format::of(bytes)?;
    if page != 1 && format != Format::Tiff {
        return Err(no_page(page, 1));
    }
    let raw = match format {
        Format::Png => png::decode(bytes),
        Format::Jpeg => jpeg::decode(bytes),
        Format::Tiff => tiff::decode(bytes, page),
        Format::WebP => webp::decode(bytes),
    }?;
    raw.picture()
}

fn no_page(page: u32, pages: u32) -> ExtractError {
    ExtractError::new(&format!("no page {page}: it has {pages}"))
}

/// The parts of a pixel, a byte each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pixel {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    Cmyk,
}

impl Pixel {
    fn parts(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// How bright it is on white paper.
    fn shade(self, parts: &[u8]) -> u8 {
        let rgb = |red: u8, green: u8, blue: u8| {
            let [red, green, blue] = [red, green, blue].map(u32::from);
            ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16) as u8
        };
        let on_white = |shade: u8, alpha: u8| {
            let (shade, alpha) = (u32::from(shade), u32::from(alpha));
            ((shade * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        match (self, parts) {
            (Self::Grey, [grey]) => *grey,
            (Self::GreyAlpha, [grey, alpha]) => on_white(*grey, *alpha),
            (Self::Rgb, [red, green, blue]) => rgb(*red, *green, *blue),
            (Self::Rgba, [red, green, blue, alpha]) => on_white(rgb(*red, *green, *blue), *alpha),
            (Self::Cmyk, [cyan, magenta, yellow, black]) => {
                let ink = u32::from(rgb(*cyan, *magenta, *yellow)) + u32::from(*black);
                255 - ink.min(255) as u8
            }
            _ => 255,
        }
    }
}

/// What a decoder gives.
struct Raw {
    width: u32,
    height: u32,
    pixel: Pixel,
    samples: Vec<u8>,
    dpi: Option<f32>,
    turn: Turn,
}

impl Raw {
    fn picture(self) -> Result<Picture, ExtractError> {
        let Self { width, height, pixel, samples, dpi, turn } = self;
        let count = width as usize * height as usize;
        if samples.len() < count * pixel.parts() || count == 0 {
            return Err(ExtractError::damaged(&"fewer pixels than it says"));
        }
        let pixels = if pixel == Pixel::Grey {
            let mut pixels = samples;
            pixels.truncate(count);
            pixels
        } else {
            samples.chunks_exact(pixel.parts()).take(count).map(|it| pixel.shade(it)).collect()
        };
        let picture = turn.upright(GrayImage { width, height, pixels });
        // Files without a resolution often say 1 dpi; cameras and screens say 72 or 96.
        let dpi = dpi.filter(|dpi| (20.0..=10_000.0).contains(dpi));
        Ok(Picture { picture, dpi })
    }
}

/// Asked before anything is allocated.
fn check_size(width: u32, height: u32) -> Result<(), ExtractError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        let (megapixels, most) = (pixels.div_ceil(1_000_000), MAX_PIXELS / 1_000_000);
        let reason = format!("too large: {megapixels} megapixels; at most {most} are read");
        return Err(ExtractError::new(&reason));
    }
    if pixels == 0 {
        return Err(ExtractError::damaged(&"no pixels"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
