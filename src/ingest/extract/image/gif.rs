//! GIF. An animation is read as its first frame, placed on its screen.

use weezl::BitOrder;
use weezl::decode::Decoder;

use super::exif::Orientation;
use super::{Pixel, Raw, check_size};
use crate::ingest::extract::ExtractError;

/// Types of blocks.
const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2C;

/// The extension that names the transparent colour.
const CONTROL: u8 = 0xF9;

/// Rows of an interlaced picture: the first row of each pass, and its step.
const PASSES: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

struct Frame<'a> {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    palette: &'a [u8],
    clear: Option<u8>,
    indices: Vec<u8>,
    is_interlaced: bool,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Raw, ExtractError> {
    let mut reader = Reader(bytes);
    let (width, height, frame) = first_frame(&mut reader)
        .ok_or_else(|| ExtractError::damaged(&"its first frame is cut off"))??;
    let mut samples = vec![255; width * height * 3];
    let mut rows: Vec<usize> = (0..frame.height).collect();
    if frame.is_interlaced {
        let pass = |(start, step): (usize, usize)| (start..frame.height).step_by(step);
        rows = PASSES.into_iter().flat_map(pass).collect();
    }
    for (line, row) in frame.indices.chunks(frame.width.max(1)).zip(rows) {
        for (column, index) in line.iter().enumerate() {
            let (x, y) = (frame.left + column, frame.top + row);
            if x >= width || y >= height || frame.clear == Some(*index) {
                continue;
            }
            let color = frame.palette.chunks_exact(3).nth(usize::from(*index)).unwrap_or(&[0; 3]);
            let at = (y * width + x) * 3;
            samples[at..at + 3].copy_from_slice(color);
        }
    }
    let (width, height) = (width as u32, height as u32);
    Ok(Raw { width, height, pixel: Pixel::Rgb, samples, turn: Orientation::NONE })
}

/// The size of the screen and the first frame on it; `None` if the file ends before them.
fn first_frame<'a>(
    reader: &mut Reader<'a>,
) -> Option<Result<(usize, usize, Frame<'a>), ExtractError>> {
    reader.take(6)?;
    let (width, height, flags) = (reader.short()?, reader.short()?, reader.byte()?);
    if let Err(error) = check_size(width as u32, height as u32) {
        return Some(Err(error));
    }
    reader.take(2)?;
    let global = reader.palette(flags)?;
    let mut clear = None;
    loop {
        match reader.byte()? {
            EXTENSION => {
                let is_control = reader.byte()? == CONTROL;
                let blocks = reader.blocks();
                if is_control && blocks.len() >= 4 && blocks[0] & 1 != 0 {
                    clear = Some(blocks[3]);
                }
            }
            FRAME => break,
            _ => return None,
        }
    }
    let (left, top) = (reader.short()?, reader.short()?);
    let size = (reader.short()?, reader.short()?);
    let flags = reader.byte()?;
    let own = reader.palette(flags)?;
    let palette = if own.is_empty() { global } else { own };
    let code_size = reader.byte()?;
    if let Err(error) = check_size(size.0 as u32, size.1 as u32) {
        return Some(Err(error));
    }
    let count = size.0 * size.1;
    if !(1..=11).contains(&code_size) {
        return None;
    }
    let mut indices = vec![0; count];
    let mut decoder = Decoder::new(BitOrder::Lsb, code_size);
    let (packed, mut used, mut done) = (reader.blocks(), 0, 0);
    while done < count {
        let step = decoder.decode_bytes(&packed[used..], &mut indices[done..]);
        if step.consumed_in == 0 && step.consumed_out == 0 || step.status.is_err() {
            return None;
        }
        (used, done) = (used + step.consumed_in, done + step.consumed_out);
    }
    let is_interlaced = flags & 0x40 != 0;
    let (frame_width, frame_height) = size;
    Some(Ok((
        width,
        height,
        Frame {
            left,
            top,
            width: frame_width,
            height: frame_height,
            palette,
            clear,
            indices,
            is_interlaced,
        },
    )))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn short(&mut self) -> Option<usize> {
        let bytes = self.take(2)?;
        Some(usize::from(bytes[0]) | usize::from(bytes[1]) << 8)
    }

    /// The palette; empty if the flags say that there is none.
    fn palette(&mut self, flags: u8) -> Option<&'a [u8]> {
        if flags & 0x80 == 0 {
            return Some(&[]);
        }
        self.take(3 << ((flags & 7) + 1))
    }

    /// The data of all blocks up to the empty one; if the file is cut off, what there is.
    fn blocks(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(length) = self.byte().filter(|length| *length > 0) {
            let length = usize::from(length).min(self.0.len());
            all.extend(self.take(length).unwrap_or_default());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A screen of 4 by 4 with white, black and transparent, and a frame of 2 by `rows` at (1, 0).
    fn file(flags: u8, rows: u8, indices: &[u8]) -> Vec<u8> {
        let mut file = b"GIF89a\x04\0\x04\0\x81\0\0".to_vec();
        file.extend([255, 255, 255, 0, 0, 0, 9, 9, 9, 9, 9, 9]);
        file.extend([EXTENSION, CONTROL, 4, 1, 0, 0, 2, 0]);
        file.extend([FRAME, 1, 0, 0, 0, 2, 0, rows, 0, flags, 2]);
        let packed = weezl::encode::Encoder::new(BitOrder::Lsb, 2).encode(indices).unwrap();
        file.push(packed.len() as u8);
        file.extend(packed);
        file.extend([0, 0x3B]);
        file
    }

    #[test]
    fn the_first_frame_is_shown_on_its_screen() {
        let plain = decode(&file(0, 2, &[1, 0, 2, 1])).unwrap().picture().unwrap();
        let expected = [255, 0, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(plain.pixels, expected);
        // The rows are stored as 0, 2, 1, 3.
        let coarse = decode(&file(0x40, 4, &[1, 0, 0, 1, 0, 0, 0, 0])).unwrap().picture().unwrap();
        let expected = [255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255];
        assert_eq!(coarse.pixels, expected);
    }

    #[test]
    fn a_cut_off_file_is_damaged() {
        let whole = file(0, 2, &[1, 0, 2, 1]);
        for length in 0..whole.len() - 4 {
            let reason = decode(&whole[..length]).err().map(|error| error.reason);
            assert!(reason.unwrap().starts_with("damaged or truncated"), "{length}");
        }
        let mut large = whole;
        large[6..10].fill(0xFF);
        let reason = decode(&large).err().unwrap().reason;
        assert_eq!(reason, "too large: 4295 megapixels; at most 64 are read");
    }
}
