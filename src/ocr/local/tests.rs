#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ocr::OcrUsage;

#[test]
fn areas_are_turned_back() {
    let size = (100, 200);
    let area = PixelBox { left: 10, top: 20, right: 30, bottom: 25 };
    // Where an area of the original page is on the turned one.
    let turned = |PixelBox { left, top, right, bottom }: PixelBox, quarters: u8| match quarters {
        0 => PixelBox { left, top, right, bottom },
        1 => PixelBox { left: 200 - bottom, top: left, right: 200 - top, bottom: right },
        2 => {
            PixelBox { left: 100 - right, top: 200 - bottom, right: 100 - left, bottom: 200 - top }
        }
        _ => PixelBox { left: top, top: 100 - right, right: bottom, bottom: 100 - left },
    };
    for quarters in 0..4 {
        assert_eq!(turned_back(turned(area, quarters), size, quarters), area, "{quarters}");
    }
}

#[tokio::test]
async fn pages_without_text_have_no_lines() {
    let model = LocalOcr::open(None).unwrap();
    for (width, height) in [(0, 0), (1, 1), (1, 3_000), (400, 300)] {
        let page = GrayImage { width, height, pixels: vec![255; (width * height) as usize] };
        assert_eq!(model.read(page, &OcrUsage::default()).await.unwrap(), [], "{width}x{height}");
    }
}

#[tokio::test]
async fn a_picture_without_its_pixels_is_an_error() {
    let page = GrayImage { width: 10, height: 10, pixels: vec![255; 99] };
    let error = LocalOcr::open(None).unwrap().read(page, &OcrUsage::default()).await.err().unwrap();
    assert!(error.message.contains("pixels"), "{}", error.message);
}

/// A page with a word drawn in blocks, 7 blocks high.
fn page_that_says(word: [[u8; 7]; 4]) -> GrayImage {
    let (width, height, block) = (400_u32, 200_u32, 6);
    let mut pixels = vec![255; (width * height) as usize];
    for (letter, rows) in word.iter().enumerate() {
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                let (x, y) = (80 + (letter * 7 + column) * block, 70 + row * block);
                for y in y..y + block {
                    let start = y * width as usize + x;
                    pixels[start..start + block].fill(0);
                }
            }
        }
    }
    GrayImage { width, height, pixels }
}

#[tokio::test]
async fn a_word_is_read_whichever_side_is_up() {
    let page = page_that_says([
        [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11],
        [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
        [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04],
        [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
    ]);
    let model = LocalOcr::open(None).unwrap();
    for quarters in [0, 1, 2, 3] {
        let turned = page.clone().turned(quarters);
        let lines = model.read(turned, &OcrUsage::default()).await.unwrap();
        let words: Vec<&OcrWord> = lines.iter().flat_map(|line| &line.words).collect();
        let [word] = words[..] else { panic!("one word, turned {quarters} times: {lines:?}") };
        assert_eq!(word.text, "RATE", "{quarters}");
        let area = word.area.unwrap();
        let middle = (area.left.midpoint(area.right), area.top.midpoint(area.bottom));
        let expected = [(158, 91), (109, 158), (242, 109), (91, 242)][usize::from(quarters)];
        let near = |a: u32, b: u32| a.abs_diff(b) < 15;
        assert!(near(middle.0, expected.0) && near(middle.1, expected.1), "{quarters}: {area:?}");
    }
}

#[test]
fn a_directory_without_a_model_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let missing = |name: &str| {
        let error = LocalOcr::open(Some(&dir.path().join(name))).err().unwrap();
        error.to_string()
    };
    assert!(missing("nowhere").contains("cannot be read"));
    assert!(missing(".").contains("has no file det*.onnx"));
    std::fs::write(dir.path().join("det.onnx"), "x").unwrap();
    assert!(missing(".").contains("has no file rec*.onnx"));
}
