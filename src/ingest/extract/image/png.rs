//! PNG. An animation is read as the picture for programs that cannot show it.

use std::io::Cursor;

use ::png::{ColorType, Decoder, DecodingError, Limits, Transformations};

use super::exif::{self, Orientation};
use super::{MAX_DECODED, Pixel, Raw, check_size};
use crate::ingest::extract::ExtractError;

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, ExtractError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_DECODED });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_size(width, height)?;
    let size = reader.output_buffer_size().ok_or_else(|| failed(DecodingError::LimitsExceeded))?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(failed)?;
    samples.truncate(frame.buffer_size());
    let pixel = match frame.color_type {
        ColorType::Grayscale | ColorType::Indexed => Pixel::Grey,
        ColorType::GrayscaleAlpha => Pixel::GreyAlpha,
        ColorType::Rgb => Pixel::Rgb,
        ColorType::Rgba => Pixel::Rgba,
    };
    let (width, height) = (frame.width, frame.height);
    let turn = reader.info().exif_metadata.as_deref().map_or(Orientation::NONE, exif::turn);
    Ok(Raw { width, height, pixel, samples, turn })
}

fn failed(error: DecodingError) -> ExtractError {
    match error {
        DecodingError::LimitsExceeded => ExtractError::new("too large: more than memory allows"),
        error => ExtractError::damaged(&error),
    }
}
