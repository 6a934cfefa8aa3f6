//! Encodes a picture as a PNG file, for endpoints that accept nothing else.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use super::GrayImage;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1A\n";

/// 8 bits per pixel, greyscale, no filters (PNG specification, 11.2).
pub(super) fn encoded(picture: &GrayImage) -> Vec<u8> {
    let mut png = SIGNATURE.to_vec();
    let mut header = picture.width.to_be_bytes().to_vec();
    header.extend(picture.height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &header);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in picture.pixels.chunks(picture.width.max(1) as usize) {
        // Writing to a vector does not fail.
        let _ = rows.write_all(&[0]).and_then(|()| rows.write_all(row));
    }
    chunk(&mut png, *b"IDAT", &rows.finish().unwrap_or_default());
    chunk(&mut png, *b"IEND", &[]);
    png
}

/// Length, type, data and the checksum of type and data.
fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let mut checksum = Crc::new();
    checksum.update(&kind);
    checksum.update(data);
    png.extend(kind);
    png.extend(data);
    png.extend(checksum.sum().to_be_bytes());
}
