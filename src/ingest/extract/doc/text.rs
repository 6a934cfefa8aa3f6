//! The piece table → the letters in order, each with its place in the file.

use encoding_rs::WINDOWS_1252;

use super::{u16_at, u32_at};

#[derive(Default, Debug)]
pub(super) struct DocText {
    units: Vec<u16>,
    places: Vec<u32>,
}

impl DocText {
    /// `None` if the table is damaged or points outside of the file.
    pub(super) fn read(main: &[u8], pieces: &[u8]) -> Option<Self> {
        let table = table(pieces)?;
        let count = table.len().checked_sub(4)? / 12;
        let mut text = Self::default();
        for piece in 0..count {
            let length = u32_at(table, piece * 4 + 4)?.checked_sub(u32_at(table, piece * 4)?)?;
            // Two bytes of flags precede the place.
            let place = u32_at(table, (count + 1) * 4 + piece * 8 + 2)?;
            // Pieces do not overlap: the text is not longer than the file.
            if text.units.len() + length as usize > main.len() {
                return None;
            }
            if place & 0x4000_0000 == 0 {
                for at in (place..).step_by(2).take(length as usize) {
                    text.units.push(u16_at(main, at as usize)?);
                    text.places.push(at);
                }
            } else {
                let place = (place & 0x3FFF_FFFF) / 2;
                let bytes =
                    main.get(place as usize..(place as usize).checked_add(length as usize)?)?;
                let letters = WINDOWS_1252.decode_without_bom_handling(bytes).0;
                text.units.extend(letters.encode_utf16());
                text.places.extend(place..place + length);
            }
        }
        Some(text)
    }

    pub(super) fn unit(&self, at: u32) -> Option<u16> {
        self.units.get(at as usize).copied()
    }

    pub(super) fn place(&self, at: u32) -> Option<u32> {
        self.places.get(at as usize).copied()
    }
}

/// The piece table itself, which follows the changes of a fast save.
fn table(mut pieces: &[u8]) -> Option<&[u8]> {
    loop {
        match pieces.first()? {
            1 => pieces = pieces.get(3 + usize::from(u16_at(pieces, 1)?)..)?,
            2 => return pieces.get(5..)?.get(..u32_at(pieces, 1)? as usize),
            _ => return None,
        }
    }
}
