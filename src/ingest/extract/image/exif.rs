//! The orientation of photographs and scans (Exif 2.3, 4.6.4; TIFF 6.0).

use crate::ocr::GrayImage;

/// How to turn a picture upright; the number is the orientation of the standard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Orientation(u16);

impl Orientation {
    pub(super) const NONE: Self = Self(1);

    pub(super) fn new(orientation: u32) -> Self {
        match orientation {
            2..=8 => Self(orientation as u16),
            _ => Self::NONE,
        }
    }

    pub(super) fn upright(self, picture: GrayImage) -> GrayImage {
        match self.0 {
            2 => picture.mirrored(),
            3 => picture.turned(2),
            4 => picture.mirrored().turned(2),
            5 => picture.mirrored().turned(3),
            6 => picture.turned(1),
            7 => picture.mirrored().turned(1),
            8 => picture.turned(3),
            _ => picture,
        }
    }
}

/// The orientation in an Exif block, which starts with its byte order.
pub(super) fn turn(block: &[u8]) -> Orientation {
    orientation(block).map_or(Orientation::NONE, Orientation::new)
}

/// The orientation in the first directory.
fn orientation(block: &[u8]) -> Option<u32> {
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
    for index in 0..short(start)? {
        let at = start.checked_add(2 + usize::from(index) * 12)?;
        if short(at)? == 0x0112 {
            // The standard does not allow four-byte numbers here, but files have them.
            return if short(at + 2)? == 3 { short(at + 8).map(u32::from) } else { long(at + 8) };
        }
    }
    None
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
            let turned = Orientation::new(orientation).upright(image());
            assert_eq!((turned.width, &*turned.pixels), (width, &pixels[..]), "{orientation}");
        }
    }

    #[test]
    fn broken_blocks_say_nothing() {
        let block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(turn(block), Orientation(6));
        for end in 0..22 {
            turn(&block[..end]);
        }
        assert_eq!(turn(b"MM\0*\xFF\xFF\xFF\xFF"), Orientation::NONE);
        assert_eq!(turn(b"no block"), Orientation::NONE);
    }
}
