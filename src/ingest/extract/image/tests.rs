#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

/// The share of dark pixels in a box, whose edges are fractions of the page.
fn ink(picture: &GrayImage, [left, top, right, bottom]: [f32; 4]) -> f32 {
    let GrayImage { width, height, pixels } = picture;
    let (across, down) = (|part: f32| (part * *width as f32) as usize, *height as f32);
    let rows = pixels.chunks(*width as usize).skip((top * down) as usize);
    let rows = rows.take(((bottom - top) * down) as usize);
    let inside: Vec<u8> = rows.flat_map(|row| &row[across(left)..across(right)]).copied().collect();
    inside.iter().filter(|pixel| **pixel < 128).count() as f32 / inside.len() as f32
}

#[test]
fn files_of_all_formats_show_their_words() {
    for (name, number, size, heading) in [
        ("clear.png", 1, (620, 875), 0.7),
        ("page.webp", 1, (620, 875), 0.7),
        ("sideways.jpg", 1, (620, 875), 0.7),
        ("page.gif", 1, (620, 875), 0.7),
        ("page.bmp", 1, (620, 875), 0.7),
        ("two-pages.tiff", 1, (827, 1167), 0.7),
        ("two-pages.tiff", 2, (827, 1167), 0.3),
    ] {
        let picture = page(&fixture(name), number).unwrap();
        assert_eq!((picture.width, picture.height), size, "{name}");
        assert!(ink(&picture, [0.1, 0.09, heading, 0.15]) > 0.05, "{name}");
        assert!(ink(&picture, [0.1, 0.19, 0.7, 0.27]) > 0.05, "{name}");
        assert!(ink(&picture, [0.0, 0.4, 1.0, 1.0]) < 0.0001, "{name}");
    }
}

#[test]
fn only_tiff_has_pages() {
    let tiff = fixture("two-pages.tiff");
    assert_eq!(pages(&tiff), Ok(2));
    assert_eq!(pages(&fixture("clear.png")), Ok(1));
    let reason = |bytes: &[u8], number| page(bytes, number).unwrap_err().reason;
    assert_eq!(reason(&tiff, 3), "no page 3: the file has 2");
    assert_eq!(reason(&tiff, 0), "no page 0: the file has 1");
    assert_eq!(reason(&fixture("clear.png"), 2), "no page 2: the file has 1");
    assert_eq!(
        reason(b"RIFF", 1),
        "unsupported picture format: use PNG, JPEG, TIFF, WebP, GIF or BMP"
    );
}

#[test]
fn files_that_are_cut_off_are_damaged() {
    for name in ["clear.png", "page.webp", "page.gif", "page.bmp", "sideways.jpg", "two-pages.tiff"]
    {
        let whole = fixture(name);
        for part in [1, 2, 3, 5, 7] {
            let cut = &whole[..whole.len() * part / 8];
            // The first page of a TIFF may be complete.
            let outcome = pages(cut).and_then(|_| page(cut, 1));
            let reason = outcome.unwrap_err().reason;
            assert!(reason.starts_with("damaged or truncated"), "{name} {part}: {reason}");
        }
    }
}

#[test]
fn what_is_too_large_is_not_decoded() {
    let mut png = fixture("clear.png");
    // Width and height in the header, and its checksum.
    png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let checksum = crc32fast::hash(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    let reason = page(&png, 1).unwrap_err().reason;
    assert_eq!(reason, "too large: 4295 megapixels; at most 64 are read");
    let mut jpeg = fixture("sideways.jpg");
    let start = jpeg.windows(2).position(|mark| mark == [0xFF, 0xC0]).unwrap();
    jpeg[start + 5..start + 9].fill(0xFF);
    let reason = page(&jpeg, 1).unwrap_err().reason;
    assert_eq!(reason, "too large: 4295 megapixels; at most 64 are read");
}

#[test]
fn shades_are_those_on_white_paper() {
    assert_eq!(Pixel::Rgba.shade(&[0, 0, 0, 0]), 255);
    assert_eq!(Pixel::GreyAlpha.shade(&[0, 128]), 127);
    assert_eq!(Pixel::Rgb.shade(&[255, 0, 0]), 76);
    assert_eq!(Pixel::Cmyk.shade(&[0, 0, 0, 255]), 0);
    assert_eq!(Pixel::Cmyk.shade(&[0, 0, 0, 0]), 255);
}
