//! WebP. An animation is read as its first frame.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::exif::{self, Orientation};
use super::{MAX_DECODED, Pixel, Raw, check_size};
use crate::ingest::extract::ExtractError;

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, ExtractError> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    decoder.set_memory_limit(MAX_DECODED);
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let pixel = if decoder.has_alpha() { Pixel::Rgba } else { Pixel::Rgb };
    let mut samples = vec![0; width as usize * height as usize * pixel.parts()];
    if decoder.is_animated() {
        decoder.read_frame(&mut samples).map_err(failed)?;
    } else {
        decoder.read_image(&mut samples).map_err(failed)?;
    }
    let block = decoder.exif_metadata().ok().flatten();
    let turn = block.map_or(Orientation::NONE, |block| exif::turn(&block));
    Ok(Raw { width, height, pixel, samples, turn })
}

fn failed(error: DecodingError) -> ExtractError {
    match error {
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => {
            ExtractError::new("too large: more than memory allows")
        }
        error => ExtractError::damaged(&error),
    }
}
