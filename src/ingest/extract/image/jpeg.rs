//! JPEG. Only the brightness is decoded where it is separate from the colours.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::exif::{self, Orientation};
use super::{Pixel, Raw, check_size};
use crate::ingest::extract::ExtractError;

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, ExtractError> {
    let head = Head::of(bytes);
    if !head.ends {
        return Err(ExtractError::damaged(&"the picture is cut off"));
    }
    let side = usize::from(u16::MAX);
    let options = DecoderOptions::default().set_max_width(side).set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| ExtractError::damaged(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let (width, height) = (width as u32, height as u32);
    check_size(width, height)?;
    let (colours, pixel) = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr | ColorSpace::Luma) => (ColorSpace::Luma, Pixel::Grey),
        _ => (ColorSpace::RGB, Pixel::Rgb),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let samples = decoder.decode().map_err(|error| ExtractError::damaged(&error))?;
    Ok(Raw { width, height, pixel, samples, turn: head.turn })
}

/// The metadata of a picture.
struct Head {
    turn: Orientation,
    /// Whether the end marker is there; without it, the decoder would fill in grey for missing data.
    ends: bool,
}

impl Head {
    /// Reads the segments up to the picture (ISO/IEC 10918-1, B.1.1.4).
    fn of(bytes: &[u8]) -> Self {
        let mut turn = Orientation::NONE;
        let mut at = 2;
        loop {
            let Some([0xFF, marker, high, low]) = bytes.get(at..at + 4) else {
                return Self { turn, ends: false };
            };
            if *marker == 0xFF {
                at += 1;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([*high, *low])).max(2);
            let body = bytes.get(at + 4..at + 2 + length).unwrap_or_default();
            match *marker {
                0xDA => {
                    let picture = &bytes[at..];
                    let ends = picture.windows(2).any(|mark| mark == [0xFF, 0xD9]);
                    return Self { turn, ends };
                }
                0xE1 => {
                    if let Some(block) = body.strip_prefix(b"Exif\0\0") {
                        turn = exif::turn(block);
                    }
                }
                _ => {}
            }
            at += 2 + length;
        }
    }
}
