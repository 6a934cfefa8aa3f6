//! Pages as pictures.

use super::super::picture::PageView;
use super::*;
use crate::ingest::extract::ocr::WantedPage;
use crate::ocr::GrayImage;

/// Where the words of the scanned pages are, in points: a heading and four lines.
const HEADING: [f32; 4] = [36.0, 38.0, 220.0, 62.0];
const TEXT: [f32; 4] = [36.0, 78.0, 230.0, 152.0];
const EMPTY: [f32; 4] = [0.0, 170.0, 297.0, 400.0];

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pictures/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn drawn(bytes: &[u8], page: u32, limit: Duration) -> Result<PageView, ExtractError> {
    let mut drawn = None;
    let wanted = WantedPage::whole(page);
    page_pictures(bytes.to_vec(), &[], &[wanted], limit, |page| drawn.replace(page).is_none());
    drawn.unwrap()
}

fn picture(bytes: &[u8], page: u32) -> Result<PageView, String> {
    drawn(bytes, page, LONG).map_err(|error| error.to_string())
}

/// The share of dark pixels in a box of points.
fn ink(page: &PageView, area: [f32; 4]) -> f32 {
    let [left, top, right, bottom] = area.map(|edge| (edge * page.pixels_per_point) as usize);
    let GrayImage { width, pixels, .. } = &page.picture;
    let rows = pixels.chunks(*width as usize).skip(top).take(bottom - top);
    let dark = rows.flat_map(|row| &row[left..right]).filter(|pixel| **pixel < 128).count();
    dark as f32 / ((right - left) * (bottom - top)) as f32
}

/// The shades at these points of a page.
fn shades(page: &PageView, points: &[(f32, f32)]) -> Vec<u8> {
    let at = |(x, y): &(f32, f32)| {
        let (x, y) = ((x * page.pixels_per_point) as u32, (y * page.pixels_per_point) as u32);
        page.picture.pixels[(y * page.picture.width + x) as usize]
    };
    points.iter().map(at).collect()
}

/// A page with this content, which can draw the pictures `/A`, `/B` and so on.
fn with(pictures: &[(&str, &[u8])], content: &str) -> Vec<u8> {
    let mut file = File::new();
    let mut names = String::new();
    for ((entries, data), name) in pictures.iter().zip('A'..) {
        let number = file.stream(&format!("/Subtype /Image {entries}"), data);
        names += &format!("/{name} {number} 0 R ");
    }
    file.resources = format!("/XObject << {names} >> /ExtGState << /Half << /ca 0.5 >> >>");
    file.page(content);
    file.finish("")
}

const GREY: &str = "/ColorSpace /DeviceGray /BitsPerComponent 8";

#[test]
fn pages_of_all_kinds_show_their_words() {
    for (name, dpi, paper) in [
        ("scanned.pdf", 150.0, 0.0),
        ("fax.pdf", 204.0, 0.0),
        ("outlines.pdf", 200.0, 0.0),
        ("unknown-letters.pdf", 200.0, 0.0),
    ] {
        let page = picture(&fixture(name), 1).unwrap();
        assert!((page.pixels_per_point * 72.0 - dpi).abs() < 0.5, "{name}");
        assert!((page.width - 297.6).abs() < 0.1 && (page.height - 420.0).abs() < 0.1, "{name}");
        assert!((0.04..0.3).contains(&ink(&page, HEADING)), "{name}: {}", ink(&page, HEADING));
        assert!((0.04..0.3).contains(&ink(&page, TEXT)), "{name}: {}", ink(&page, TEXT));
        assert!(ink(&page, EMPTY) <= paper, "{name}");
        assert!(!page.is_partial, "{name}");
    }
}

#[test]
fn a_file_with_pages_of_both_kinds() {
    let bytes = fixture("mixed.pdf");
    for page in [2, 3] {
        let page = picture(&bytes, page).unwrap();
        assert!(ink(&page, HEADING) > 0.02 && ink(&page, EMPTY) == 0.0);
    }
    let reason = picture(&bytes, 4).unwrap_err();
    assert_eq!((reason.as_str(), picture(&bytes, 0).is_err()), ("no page 4: the file has 3", true));
    let document = read(&bytes).unwrap();
    let pages: Vec<u32> = units(&document).iter().map(|unit| unit.0).collect();
    assert_eq!(pages, [1, 2, 3]);
}

#[test]
fn pages_that_only_ocr_can_read_are_named() {
    let unread = |name: &str| {
        let bytes = Arc::new(fixture(name));
        let deadline = Deadline::after(LONG);
        let mut pages = Vec::new();
        let file = draw_pages(&bytes, &[], deadline, |drawn| {
            pages.push(page_text(drawn));
            true
        });
        text_of(file.unwrap(), pages, &bytes, &[], deadline).unread
    };
    let mixed = unread("mixed.pdf");
    assert_eq!((&*mixed.scanned, &*mixed.recognized, mixed.reached), (&[2][..], &[3][..], 3));
    assert_eq!((mixed.auto(), mixed.always()), (vec![2], vec![2, 3]));
    assert_eq!(unread("fax.pdf").scanned, [1]);
    assert_eq!(unread("scanned.pdf").scanned, [1]);
    assert_eq!(unread("outlines.pdf").drawn, [1]);
    assert_eq!(unread("unknown-letters.pdf").unreadable, [1]);
}

#[test]
fn pictures_lie_where_the_page_puts_them() {
    let four = format!("/Width 2 /Height 2 {GREY}");
    let bytes = with(&[(&four, &[0, 60, 120, 180])], "q 200 0 0 200 100 500 cm /A Do Q");
    let page = picture(&bytes, 1).unwrap();
    // The top of the picture is at 792 - 700.
    let corners = [(110.0, 100.0), (290.0, 100.0), (110.0, 284.0), (290.0, 284.0), (50.0, 50.0)];
    assert_eq!(shades(&page, &corners), [0, 60, 120, 180, 255]);
    let turned = with(&[(&four, &[0, 60, 120, 180])], "q 0 200 -200 0 300 500 cm /A Do Q");
    let page = picture(&turned, 1).unwrap();
    assert_eq!(shades(&page, &corners), [60, 180, 0, 120, 255]);
    // Turned by a third of a right angle.
    let skew = with(&[(&four, &[0; 4])], "q 173 100 -100 173 300 300 cm /A Do Q");
    let page = picture(&skew, 1).unwrap();
    assert_eq!(
        shades(&page, &[(300.0, 320.0), (305.0, 470.0), (210.0, 480.0)]),
        [0, 0, 255].map(|shade| if shade == 0 { 0 } else { 255 })
    );
}

#[test]
fn what_shines_through_is_on_white() {
    let mask = format!("/Width 2 /Height 1 {GREY}");
    let mut file = File::new();
    let mask = file.stream(&format!("/Subtype /Image {mask}"), &[0, 255]);
    let entries = format!("/Subtype /Image /Width 1 /Height 1 {GREY} /SMask {mask} 0 R");
    let masked = file.stream(&entries, &[0]);
    let plain = file.stream(&format!("/Subtype /Image /Width 1 /Height 1 {GREY}"), &[0]);
    file.resources = format!(
        "/XObject << /A {masked} 0 R /B {plain} 0 R >> /ExtGState << /Half << /ca 0.5 >> >>"
    );
    file.page(
        "q 200 0 0 200 100 500 cm /A Do Q q /Half gs 100 0 0 100 400 500 cm /B Do Q \
         q 100 100 50 50 re W n 200 0 0 200 100 100 cm /B Do Q \
         q 420 150 m 520 150 l 470 250 l h W n 200 0 0 200 400 100 cm /B Do Q",
    );
    let page = picture(&file.finish(""), 1).unwrap();
    let points = [(105.0, 200.0), (295.0, 200.0), (450.0, 250.0)];
    let found = shades(&page, &points);
    assert!(found[0] > 250 && found[1] < 5 && (125..131).contains(&found[2]), "{found:?}");
    // Clips: a box, and a triangle with its point up.
    let points = [(125.0, 667.0), (170.0, 667.0), (470.0, 600.0), (430.0, 560.0)];
    assert_eq!(shades(&page, &points), [0, 255, 0, 255]);
}

#[test]
fn shapes_are_painted_by_how_bright_they_are() {
    let content = "1 0 0 rg 100 600 100 100 re f 0 0 1 RG 20 w 300 650 m 500 650 l S \
                   0 g 100 400 100 100 re 125 425 50 50 re f* BT /F1 12 Tf (none) Tj ET";
    let page = picture(&sample::drawn(content), 1).unwrap();
    let points = [(150.0, 142.0), (400.0, 142.0), (110.0, 342.0), (150.0, 342.0), (400.0, 155.0)];
    assert_eq!(shades(&page, &points), [76, 29, 0, 255, 255]);
}

#[test]
fn strips_meet_without_a_seam() {
    let strip = format!("/Width 7 /Height 3 {GREY}");
    let strip_at = |row: u8| format!("q 600 0 0 11.37 0 {:.3} cm /A Do Q", 11.37 * f32::from(row));
    let strips = (0..50).map(strip_at).collect::<Vec<_>>().join(" ");
    let page = picture(&with(&[(&strip, &[0; 21])], &strips), 1).unwrap();
    let column: Vec<(f32, f32)> = (0..560).map(|y| (300.0, 791.0 - y as f32)).collect();
    assert!(shades(&page, &column).iter().all(|shade| *shade == 0));
}

#[test]
fn sizes_have_limits() {
    let whole = "q 612 0 0 792 0 0 cm /A Do Q";
    let huge = with(&[(&format!("/Width 100000 /Height 100000 {GREY}"), b"x")], whole);
    let reason = picture(&huge, 1).unwrap_err();
    assert_eq!(reason, "too large: page 1 is a picture of 10000 megapixels");
    let fax = "/Width 1000 /Height 60000 /BitsPerComponent 1 /Filter /CCITTFaxDecode \
               /DecodeParms << /K -1 /Columns 4000000000 >>";
    assert!(picture(&with(&[(fax, b"x")], whole), 1).unwrap_err().starts_with("too large"));
    let codes = b"\xFF\x4F\xFF\x51\0\x2F\0\0\0\x0F\0\0\0\x0F\0\0\0\0\0\0\0\0\0\0\0";
    let jpx = format!("/Width 10 /Height 10 {GREY} /Filter /JPXDecode");
    assert!(picture(&with(&[(&jpx, codes)], whole), 1).unwrap_err().starts_with("too large"));
    let mut file = File::new();
    file.entries = "/CropBox [0 0 200000 100]".to_owned();
    file.page("0 g 0 0 100000 100 re f");
    let wide = String::from_utf8(file.finish("")).unwrap().replace("612 792", "200000 100");
    let page = picture(wide.as_bytes(), 1).unwrap();
    assert!(page.picture.width <= 30_000 && page.picture.pixels.len() <= 25_000_000);
}

#[test]
fn a_picture_that_is_damaged_is_named() {
    let entries = format!("/Width 10 /Height 10 {GREY} /Filter /DCTDecode");
    let whole = with(&[(&entries, b"no JPEG")], "q 612 0 0 792 0 0 cm /A Do Q");
    let reason = picture(&whole, 1).unwrap_err();
    assert_eq!(reason, "damaged or truncated: the picture of page 1 cannot be decoded");
    let small = with(&[(&entries, b"no JPEG")], "q 50 0 0 50 0 0 cm /A Do Q 0 g 0 400 99 99 re f");
    let page = picture(&small, 1).unwrap();
    assert_eq!((page.is_partial, shades(&page, &[(50.0, 340.0)])), (true, vec![0]));
}

#[test]
fn a_page_that_takes_too_long_is_stopped() {
    let mut file = File::new();
    let endless = file.endless_form();
    file.resources = format!("/XObject << /X {endless} 0 R >>");
    file.page("/X Do");
    let outcome = drawn(&file.finish(""), 1, Duration::from_millis(300));
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "took longer than 0.3 s of processor time (raise ingest.extract_timeout)"
    );
}
