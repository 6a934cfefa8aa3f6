//! BMP, as in Windows since 3.0 and in OS/2 1: palettes, colours of 16, 24 and 32 bits, and both run-length
//! encodings (Microsoft, "Bitmap Storage" and "Bitmap Compression").

use super::exif::Orientation;
use super::{Pixel, Raw, check_size};
use crate::ingest::extract::ExtractError;

const FILE_HEADER: usize = 14;

/// Length of the header of OS/2 1, and of the first one of Windows.
const CORE: usize = 12;
const INFO: usize = 40;

/// The compression of the pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Packing {
    Plain,
    Runs8,
    Runs4,
}

struct Header {
    width: u32,
    height: u32,
    from_top: bool,
    bits: u32,
    packing: Packing,
    /// The bits of red, green and blue in a pixel of 16 or 32 bits.
    masks: [u32; 3],
    palette: Vec<[u8; 3]>,
    pixels: usize,
}

/// Whether a file is a BMP. Texts may start with `BM` too, so the reserved bytes must be zero, and the length
/// of the next header a known one.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(6..10) == Some(&[0; 4])
        && number(head, FILE_HEADER)
            .is_some_and(|length| [12, 40, 52, 56, 64, 108, 124].contains(&length))
}

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, ExtractError> {
    let header = header(bytes).ok_or_else(|| ExtractError::damaged(&"its header is cut off"))??;
    check_size(header.width, header.height)?;
    let data = bytes.get(header.pixels..).unwrap_or_default();
    let indices = match header.packing {
        Packing::Plain => None,
        Packing::Runs8 | Packing::Runs4 => Some(runs(&header, data)?),
    };
    let (width, height) = (header.width as usize, header.height as usize);
    let stride = (width * header.bits as usize).div_ceil(32) * 4;
    let mut samples = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        let row = if header.from_top { row } else { height - 1 - row };
        let line = match &indices {
            Some(indices) => &indices[row * width..(row + 1) * width],
            None => data.get(row * stride..row * stride + stride).unwrap_or_default(),
        };
        for column in 0..width {
            let color = match &indices {
                Some(_) => header.palette.get(usize::from(line[column])).copied(),
                None => header.color(line, column),
            };
            // Colours missing from the palette are black, as in other programs.
            let color =
                color.ok_or_else(|| ExtractError::damaged(&"fewer pixels than its header says"))?;
            samples.extend(color);
        }
    }
    let (width, height) = (header.width, header.height);
    Ok(Raw { width, height, pixel: Pixel::Rgb, samples, turn: Orientation::NONE })
}

/// `None` if the header is cut off.
fn header(bytes: &[u8]) -> Option<Result<Header, ExtractError>> {
    let unknown = |what: &str| Some(Err(ExtractError::new(&format!("unsupported BMP: {what}"))));
    let pixels = number(bytes, 10)? as usize;
    let length = number(bytes, FILE_HEADER)? as usize;
    let at = |offset: usize| FILE_HEADER + offset;
    let is_core = length == CORE;
    let (width, height, bits) = if is_core {
        (short(bytes, at(4))?, i64::from(short(bytes, at(6))?), short(bytes, at(10))?)
    } else {
        let height = number(bytes, at(8))?.cast_signed();
        (number(bytes, at(4))?, i64::from(height), short(bytes, at(14))?)
    };
    let packing = if is_core { 0 } else { number(bytes, at(16))? };
    let (packing, has_masks) = match (packing, bits) {
        (0, 1 | 4 | 8 | 16 | 24 | 32) => (Packing::Plain, false),
        (1, 8) => (Packing::Runs8, false),
        (2, 4) => (Packing::Runs4, false),
        (3 | 6, 16 | 32) => (Packing::Plain, true),
        (packing, bits) => return unknown(&format!("{bits} bits, compression {packing}")),
    };
    let mut masks = if bits == 16 { [0x7C00, 0x3E0, 0x1F] } else { [0xFF_0000, 0xFF00, 0xFF] };
    if has_masks {
        for (index, mask) in masks.iter_mut().enumerate() {
            *mask = number(bytes, at(INFO) + 4 * index)?;
        }
    }
    let (entry, used) = if is_core { (3, 0) } else { (4, number(bytes, at(32))? as usize) };
    let colors = match bits {
        1 | 4 | 8 if used == 0 || used > 1 << bits => 1 << bits,
        1 | 4 | 8 => used,
        _ => 0,
    };
    let palette = bytes.get(at(length)..)?.chunks_exact(entry).take(colors);
    let mut palette: Vec<[u8; 3]> = palette.map(|color| [color[2], color[1], color[0]]).collect();
    if bits <= 8 {
        palette.resize(1 << bits, [0; 3]);
    }
    let from_top = height < 0;
    let height = u32::try_from(height.unsigned_abs()).ok()?;
    Some(Ok(Header { width, height, from_top, bits, packing, masks, palette, pixels }))
}

impl Header {
    /// `None` after the end of the line.
    fn color(&self, line: &[u8], column: usize) -> Option<[u8; 3]> {
        let bits = self.bits as usize;
        if bits <= 8 {
            let at = column * bits;
            let shift = 8 - bits - at % 8;
            let index = usize::from(*line.get(at / 8)?) >> shift & ((1 << bits) - 1);
            return self.palette.get(index).copied();
        }
        let pixel = line.get(column * bits / 8..(column + 1) * bits / 8)?;
        let value = pixel.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        Some(self.masks.map(|mask| part(value, mask)))
    }
}

/// The part of a value that a mask selects, scaled to 255.
fn part(value: u32, mask: u32) -> u8 {
    let most = mask.checked_shr(mask.trailing_zeros()).unwrap_or(0);
    let part = (value & mask).checked_shr(mask.trailing_zeros()).unwrap_or(0);
    (u64::from(part) * 255).checked_div(u64::from(most)).unwrap_or(0) as u8
}

/// Decodes runs into palette indices, row by row as they are stored. Pixels that no run reaches have the first
/// colour.
fn runs(header: &Header, data: &[u8]) -> Result<Vec<u8>, ExtractError> {
    let (width, height) = (header.width as usize, header.height as usize);
    let mut indices = vec![0; width * height];
    let (mut column, mut row) = (0, 0);
    let is_half = header.packing == Packing::Runs4;
    let mut bytes = data.iter().copied();
    let mut next =
        || bytes.next().ok_or_else(|| ExtractError::damaged(&"fewer pixels than its header says"));
    let mut put = |column: &mut usize, row: usize, index: u8| {
        if *column < width && row < height {
            indices[row * width + *column] = index;
        }
        *column += 1;
    };
    let half = |byte: u8, at: usize| if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
    while row < height {
        match (next()?, next()?) {
            (0, 0) => (column, row) = (0, row + 1),
            (0, 1) => break,
            (0, 2) => (column, row) = (column + usize::from(next()?), row + usize::from(next()?)),
            (0, count) => {
                let count = usize::from(count);
                let length = if is_half { count.div_ceil(2) } else { count };
                for at in 0..length.next_multiple_of(2) {
                    let byte = next()?;
                    if !is_half {
                        if at < count {
                            put(&mut column, row, byte);
                        }
                        continue;
                    }
                    for place in (2 * at..2 * at + 2).filter(|place| *place < count) {
                        put(&mut column, row, half(byte, place));
                    }
                }
            }
            (count, byte) => {
                for at in 0..usize::from(count) {
                    put(&mut column, row, if is_half { half(byte, at) } else { byte });
                }
            }
        }
    }
    Ok(indices)
}

fn short(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A file of 4 by 2 pixels, with black and white as its palette.
    fn file(bits: u16, packing: u32, height: i32, rest: &[u8]) -> Vec<u8> {
        let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
        let colors: u32 = if bits <= 8 { 2 } else { 0 };
        file.extend((54 + 4 * colors).to_le_bytes());
        file.extend(40_u32.to_le_bytes());
        file.extend(4_i32.to_le_bytes());
        file.extend(height.to_le_bytes());
        file.extend([1, 0]);
        file.extend(bits.to_le_bytes());
        file.extend(packing.to_le_bytes());
        file.extend([0; 12]);
        file.extend(colors.to_le_bytes());
        file.extend([0; 4]);
        if colors > 0 {
            file.extend([0, 0, 0, 0, 255, 255, 255, 0]);
        }
        file.extend(rest);
        file
    }

    #[test]
    fn all_kinds_show_one_picture() {
        let white = |bytes: usize| vec![255_u8; bytes];
        let black = |bytes: usize| vec![0_u8; bytes];
        // The upper row is white except for its first pixel, the lower one is black.
        for (what, file) in [
            ("1", file(1, 0, 2, &[0, 0, 0, 0, 0x70, 0, 0, 0])),
            ("4", file(4, 0, 2, &[0, 0, 0, 0, 0x01, 0x11, 0, 0])),
            ("8", file(8, 0, 2, &[0, 0, 0, 0, 0, 1, 1, 1])),
            ("8, from the top", file(8, 0, -2, &[0, 1, 1, 1, 0, 0, 0, 0])),
            ("16", file(16, 0, 2, &[black(10), [0xFF, 0x7F].repeat(3)].concat())),
            ("24", file(24, 0, 2, &[black(15), white(9)].concat())),
            ("32", file(32, 0, 2, &[black(20), white(12)].concat())),
            ("runs of 8", file(8, 1, 2, &[4, 0, 0, 0, 1, 0, 3, 1, 0, 1])),
            ("runs of 8, as they are", file(8, 1, 2, &[4, 0, 0, 0, 0, 4, 0, 1, 1, 1, 0, 1])),
            ("runs of 4", file(4, 2, 2, &[0, 2, 0, 1, 0, 4, 0x01, 0x11, 0, 1])),
        ] {
            assert!(begins(&file), "{what}");
            let picture = decode(&file).unwrap().picture().unwrap();
            assert_eq!((picture.width, picture.height), (4, 2), "{what}");
            assert_eq!(picture.pixels, [0, 255, 255, 255, 0, 0, 0, 0], "{what}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let reason = |file: &[u8]| decode(file).err().unwrap().reason;
        assert_eq!(reason(&file(8, 4, 2, b"")), "unsupported BMP: 8 bits, compression 4");
        assert_eq!(
            reason(&file(8, 0, 2, b"")),
            "damaged or truncated: fewer pixels than its header says"
        );
        assert_eq!(
            reason(&file(8, 0, 1 << 30, b"")),
            "too large: 4295 megapixels; at most 64 are read"
        );
        assert!(!begins(b"BMW sells cars, and others do too."));
    }
}
