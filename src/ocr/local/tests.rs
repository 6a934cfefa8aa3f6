#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn areas_are_turned_back() {
    let size = (100, 200);
    let area = PixelBox { left: 10, top: 20, right: 30, bottom: 25 };
    // Where each corner of the page as it was comes to stand on the turned one.
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
        assert_eq!(model.read(&page).await.unwrap(), [], "{width}x{height}");
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
