//! TIFF, as produced by scanners and fax machines: several pages, in black and white.

use std::io::Cursor;

use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use super::exif::Orientation;
use super::{MAX_DECODED, Pixel, Raw, check_size, no_page};
use crate::ingest::extract::ExtractError;

/// Most pages, more than a fax or a book has: a file can be made to look endless.
const MAX_PAGES: u32 = 20_000;

type File<'a> = Decoder<Cursor<&'a [u8]>>;

fn open(bytes: &[u8]) -> Result<File<'_>, ExtractError> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_DECODED;
    limits.intermediate_buffer_size = MAX_DECODED;
    Ok(Decoder::new(Cursor::new(bytes)).map_err(failed)?.with_limits(limits))
}

pub(super) fn pages(bytes: &[u8]) -> Result<u32, ExtractError> {
    let mut file = open(bytes)?;
    let mut pages = 1;
    while file.more_images() && pages < MAX_PAGES {
        file.next_image().map_err(failed)?;
        pages += 1;
    }
    Ok(pages)
}

pub(super) fn decode(bytes: &[u8], page: u32) -> Result<Raw, ExtractError> {
    let mut file = open(bytes)?;
    let mut at = 1;
    while at < page.min(MAX_PAGES) && file.more_images() {
        file.next_image().map_err(failed)?;
        at += 1;
    }
    if at != page {
        return Err(no_page(page, at));
    }
    let (width, height) = file.dimensions().map_err(failed)?;
    check_size(width, height)?;
    let colours = file.colortype().map_err(failed)?;
    let orientation = file.find_tag_unsigned::<u32>(Tag::Orientation).ok().flatten();
    let turn = orientation.map_or(Orientation::NONE, Orientation::new);
    let palette = match colours {
        ColorType::Palette(_) => Some(palette(&mut file)?),
        _ => None,
    };
    let samples = bytes_of(file.read_image().map_err(failed)?)?;
    let size = (width as usize, height as usize);
    let (pixel, samples) = match (colours, palette) {
        (ColorType::Palette(bits @ (1 | 2 | 4 | 8)), Some(palette)) => {
            let codes = unpacked(&samples, size, bits, |code| code as u8);
            let shade = |code: &u8| palette.get(usize::from(*code)).copied().unwrap_or(0);
            (Pixel::Grey, codes.iter().map(shade).collect())
        }
        (ColorType::Gray(bits @ (1 | 2 | 4)), _) => {
            let most = (1_u32 << bits) - 1;
            let shade = |code: u32| (code * 255 / most) as u8;
            (Pixel::Grey, unpacked(&samples, size, bits, shade))
        }
        (ColorType::Gray(8..), _) => (Pixel::Grey, samples),
        (ColorType::GrayA(_), _) => (Pixel::GreyAlpha, samples),
        (ColorType::RGB(_), _) => (Pixel::Rgb, samples),
        (ColorType::RGBA(_), _) => (Pixel::Rgba, samples),
        (ColorType::CMYK(_), _) => (Pixel::Cmyk, samples),
        (ColorType::YCbCr(_) | ColorType::Lab(_), _) => (Pixel::Grey, every(&samples, 3)),
        (ColorType::Multiband { num_samples, .. }, _) => {
            (Pixel::Grey, every(&samples, num_samples.into()))
        }
        (colours, _) => {
            return Err(ExtractError::new(&format!("unsupported TIFF colours: {colours:?}")));
        }
    };
    Ok(Raw { width, height, pixel, samples, turn })
}

/// The shade of each code: the table has all red values, then all green and all blue ones.
fn palette(file: &mut File<'_>) -> Result<Vec<u8>, ExtractError> {
    let table = file.get_tag_u16_vec(Tag::ColorMap).map_err(failed)?;
    let count = table.len() / 3;
    let part = |index: usize| (table[index] >> 8) as u8;
    let shade = |code| Pixel::Rgb.shade(&[part(code), part(code + count), part(code + 2 * count)]);
    Ok((0..count).map(shade).collect())
}

/// The first of every `parts` samples: the brightness, in colour spaces where it is separate.
fn every(samples: &[u8], parts: usize) -> Vec<u8> {
    samples.iter().step_by(parts.max(1)).copied().collect()
}

/// Unpacks samples of less than a byte; each row starts at a byte.
fn unpacked(
    samples: &[u8],
    (width, height): (usize, usize),
    bits: u8,
    shade: impl Fn(u32) -> u8,
) -> Vec<u8> {
    let bits = usize::from(bits);
    let row = (width * bits).div_ceil(8).max(1);
    let mask = (1_u32 << bits) - 1;
    let mut pixels = Vec::with_capacity(width * height);
    for row in samples.chunks(row).take(height) {
        pixels.extend((0..width).map(|column| {
            let bit = column * bits;
            // No code of 1, 2, 4 or 8 bits crosses into the next byte.
            let byte = u32::from(row.get(bit / 8).copied().unwrap_or(0));
            shade((byte >> (8 - bits - bit % 8)) & mask)
        }));
    }
    pixels
}

/// Samples of any size as bytes.
fn bytes_of(samples: DecodingResult) -> Result<Vec<u8>, ExtractError> {
    Ok(match samples {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.iter().map(|sample| (sample >> 8) as u8).collect(),
        DecodingResult::U32(samples) => samples.iter().map(|sample| (sample >> 24) as u8).collect(),
        DecodingResult::F32(samples) => {
            samples.iter().map(|sample| (sample * 255.0) as u8).collect()
        }
        _ => return Err(ExtractError::new("unsupported TIFF samples")),
    })
}

fn failed(error: TiffError) -> ExtractError {
    match error {
        TiffError::LimitsExceeded => ExtractError::new("too large: more than memory allows"),
        TiffError::UnsupportedError(what) => {
            ExtractError::new(&format!("unsupported TIFF: {what}"))
        }
        error => ExtractError::damaged(&error),
    }
}
