//! Picture files → pages as pictures, for OCR. The size is checked before anything is decoded, since memory is
//! allocated for the size that a file claims.

mod bmp;
mod exif;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use self::exif::Orientation;
use super::ExtractError;
use crate::ocr::GrayImage;

/// Most pixels of a page; A4 at 900 dpi has fewer.
const MAX_PIXELS: u64 = 64_000_000;

/// Most bytes of a decoded colour picture.
const MAX_DECODED: usize = MAX_PIXELS as usize * 4;

/// The formats that are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ImageFormat {
    Png,
    Jpeg,
    Tiff,
    WebP,
    Gif,
    Bmp,
}

impl ImageFormat {
    /// The format, by the first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        // The last two are BigTIFF, for files of more than 4 GB.
        const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
        if head.starts_with(b"\x89PNG") {
            Some(Self::Png)
        } else if head.starts_with(b"\xFF\xD8\xFF") {
            Some(Self::Jpeg)
        } else if TIFF.iter().any(|start| head.starts_with(start)) {
            Some(Self::Tiff)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            // Audio and video use the same container.
            Some(Self::WebP)
        } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else if bmp::begins(head) {
            Some(Self::Bmp)
        } else {
            None
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
        }
    }
}

fn format(bytes: &[u8]) -> Result<ImageFormat, ExtractError> {
    let unknown =
        || ExtractError::new("unsupported picture format: use PNG, JPEG, TIFF, WebP, GIF or BMP");
    ImageFormat::of(bytes).ok_or_else(unknown)
}

/// How many pages a file has: one, except for TIFF.
pub(super) fn pages(bytes: &[u8]) -> Result<u32, ExtractError> {
    match format(bytes)? {
        ImageFormat::Tiff => tiff::pages(bytes),
        _ => Ok(1),
    }
}

/// A page, upright; `page` counts from one.
pub(super) fn page(bytes: &[u8], page: u32) -> Result<GrayImage, ExtractError> {
    let format = format(bytes)?;
    if page != 1 && format != ImageFormat::Tiff {
        return Err(no_page(page, 1));
    }
    let raw = match format {
        ImageFormat::Png => png::decode(bytes),
        ImageFormat::Jpeg => jpeg::decode(bytes),
        ImageFormat::Tiff => tiff::decode(bytes, page),
        ImageFormat::WebP => webp::decode(bytes),
        ImageFormat::Gif => gif::decode(bytes),
        ImageFormat::Bmp => bmp::decode(bytes),
    }?;
    raw.picture()
}

fn no_page(page: u32, pages: u32) -> ExtractError {
    ExtractError::new(&format!("no page {page}: the file has {pages}"))
}

/// The channels of a pixel, a byte each.
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

    /// The brightness on white paper.
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

/// The output of a decoder.
struct Raw {
    width: u32,
    height: u32,
    pixel: Pixel,
    samples: Vec<u8>,
    turn: Orientation,
}

impl Raw {
    fn picture(self) -> Result<GrayImage, ExtractError> {
        let Self { width, height, pixel, samples, turn } = self;
        let count = width as usize * height as usize;
        if samples.len() < count * pixel.parts() || count == 0 {
            return Err(ExtractError::damaged(&"fewer pixels than its header says"));
        }
        let pixels = if pixel == Pixel::Grey {
            let mut pixels = samples;
            pixels.truncate(count);
            pixels
        } else {
            samples.chunks_exact(pixel.parts()).take(count).map(|it| pixel.shade(it)).collect()
        };
        Ok(turn.upright(GrayImage { width, height, pixels }))
    }
}

/// Checked before anything is allocated.
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
