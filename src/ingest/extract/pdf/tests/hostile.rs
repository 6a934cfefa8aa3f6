//! Files made to hang a reader, to fill its memory or to crash it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

#[test]
fn forms_that_call_each_other_twice_end_with_the_time() {
    let mut file = File::new();
    let endless = file.endless_form();
    file.page("BT /F1 12 Tf 72 720 Td (The first page is whole.) Tj ET");
    file.resources = format!("/XObject << /X {endless} 0 R >>");
    file.page("BT /F1 12 Tf 72 720 Td (What came before.) Tj ET /X Do BT (never) Tj ET");
    let bytes = file.finish("");
    let Extracted { document, .. } = document(&bytes, &[], Duration::from_millis(300)).unwrap();
    let codes: Vec<_> = document.warnings.iter().map(|it| (it.code, it.pages.clone())).collect();
    assert_eq!(codes, [(WarningCode::PagesLeftOut, vec![2])]);
    assert_eq!(units(&document), [(1, 1, "The first page is whole."), (2, 2, "What came before.")]);
}

#[test]
fn a_stream_that_unpacks_to_too_much_costs_its_page_only() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b' '; 200 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let mut file = File::new();
    file.page("BT /F1 12 Tf 72 720 Td (The first page is whole.) Tj ET");
    let form = file.stream("/Subtype /Form /BBox [0 0 9 9] /Filter /FlateDecode", &bomb);
    file.resources = format!("/XObject << /X {form} 0 R >>");
    file.page("/X Do BT /F1 12 Tf 72 720 Td (So is the second.) Tj ET");
    let document = read(&file.finish("")).unwrap();
    assert_eq!(units(&document), [(1, 1, "The first page is whole."), (2, 2, "So is the second.")]);
}

#[test]
fn a_page_has_only_so_many_glyphs() {
    let line = format!("({}) Tj 0 -1 Td ", "word ".repeat(2000));
    let content = format!("BT /F1 12 Tf 72 720 Td {} ET", line.repeat(60));
    // Nearly all of it is off the page.
    assert!(read(&sample::drawn(&content)).is_ok());
}

#[test]
fn deep_nesting_ends() {
    for content in ["q ".repeat(300_000), "[".repeat(200_000), "<<".repeat(200_000)] {
        let content = format!("BT /F1 12 Tf 72 720 Td (Before it.) Tj ET {content}");
        let document = read(&sample::drawn(&content)).unwrap();
        assert_eq!(document.text, "Before it.");
    }
}

#[test]
fn a_form_that_draws_itself_ends() {
    let mut file = File::new();
    let number = 4;
    let form = format!(
        "/Subtype /Form /BBox [0 0 600 700] /Resources << /XObject << /X {number} 0 R >> >>"
    );
    assert_eq!(file.stream(&form, b"/X Do"), number);
    file.resources = format!("/XObject << /X {number} 0 R >>");
    file.page("BT /F1 12 Tf 72 720 Td (Before it.) Tj ET /X Do");
    assert_eq!(read(&file.finish("")).unwrap().text, "Before it.");
}
