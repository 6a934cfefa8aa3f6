//! The orientation of photographs and the resolution of scans (Exif 2.3, 4.6.4; TIFF 6.0).

use crate::ocr::GrayImage;

/// How a picture has to be turned to stand upright; the number is that of the standard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turn(u16);

impl Turn {
    pub(super) const NONE: Self = Self(1);

    pub(super) fn new(orientation: u32) -> Self {
        match orientation {
            2..=8 => Self(orientation as u16),
            _ => Self::NONE,
        }
    }

    pub(super) fn upright(self, image: GrayImage) -> GrayImage {
        if self == Self::NONE {
            return image;
        }
        let GrayImage { width, height, pixels } = image;
        let (columns, rows) = (width as usize, height as usize);
        let is_turned = self.0 >= 5;
        let (new_width, new_height) = if is_turned { (rows, columns) } else { (columns, rows) };
        let mut turned = Vec::with_capacity(pixels.len());
        for y in 0..new_height {
            for x in 0..new_width {
                // The first row of the file is which side of the picture, and its first column.
                let (column, row) = match self.0 {
                    2 => (columns - 1 - x, y),
                    3 => (columns - 1 - x, rows - 1 - y),
                    4 => (x, rows - 1 - y),
                    5 => (y, x),
                    6 => (y, rows - 1 - x),
                    7 => (columns - 1 - y, rows - 1 - x),
                    _ => (columns - 1 - y, x),
                };
                turned.push(pixels[row * columns + column]);
            }
        }
        GrayImage { width: new_width as u32, height: new_height as u32, pixels: turned }
    }
}

/// Pixels per inch of a resolution in the unit of that number.
pub(super) fn dpi(resolution: f32, unit: u32) -> Option<f32> {
    match unit {
        2 => Some(resolution),
        3 => Some(resolution * 2.54),
        _ => None,
    }
}

/// Orientation and pixels per inch of a block of Exif, which begins with its byte order.
pub(super) fn read(block: &[u8]) -> (Turn, Option<f32>) {
    let (mut turn, mut resolution, mut unit) = (Turn::NONE, None, 2);
    for (tag, value) in entries(block).unwrap_or_default() {
        match tag {
            0x0112 => turn = Turn::new(value.number),
            0x011A => resolution = value.ratio,
            0x0128 => unit = value.number,
            _ => {}
        }
    }
    (turn, resolution.and_then(|resolution| dpi(resolution, unit)))
}

struct Value {
    number: u32,
    ratio: Option<f32>,
}

/// The entries of the first directory.
fn entries(block: &[u8]) -> Option<Vec<(u16, Value)>> {
    let is_little = match block.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| -> Option<u32> {
        let bytes = block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let start = long(4)? as usize;
    let count = short(start)?;
    let entry = |index: u16| {
        let at = start.checked_add(2 + usize::from(index) * 12)?;
        let is_short = short(at + 2)? == 3;
        let number = if is_short { short(at + 8)?.into() } else { long(at + 8)? };
        let ratio = || {
            let (above, below) = (long(number as usize)?, long((number as usize).checked_add(4)?)?);
            (below > 0).then(|| above as f32 / below as f32)
        };
        let ratio = if short(at + 2)? == 5 { ratio() } else { None };
        Some((short(at)?, Value { number, ratio }))
    };
    Some((0..count).map_while(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_orientations_are_those_of_the_standard() {
        // 1 2 3 / 4 5 6
        let image = || GrayImage { width: 3, height: 2, pixels: vec![1, 2, 3, 4, 5, 6] };
        for (orientation, width, pixels) in [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
            (99, 3, [1, 2, 3, 4, 5, 6]),
        ] {
            let turned = Turn::new(orientation).upright(image());
            assert_eq!((turned.width, &*turned.pixels), (width, &pixels[..]), "{orientation}");
        }
    }

    #[test]
    fn broken_blocks_say_nothing() {
        let block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(read(block), (Turn(6), None));
        for end in 0..22 {
            read(&block[..end]);
        }
        assert_eq!(read(b"MM\0*\xFF\xFF\xFF\xFF"), (Turn::NONE, None));
        assert_eq!(read(b"no block"), (Turn::NONE, None));
    }
}
