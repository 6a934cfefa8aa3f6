#![allow(clippy::unwrap_used, reason = "tests")]

mod beside;
mod hostile;
mod layout;
mod pictures;
mod producers;
mod said;
pub(in crate::ingest::extract) mod sample;

use std::time::Duration;

use self::sample::{File, pdf};
use super::*;
use crate::ingest::extract::parts::tests::units;

const LONG: Duration = Duration::from_secs(20);

fn read(bytes: &[u8]) -> Result<Document, String> {
    let extracted = document(bytes, &[], LONG).map_err(|error| error.to_string())?;
    Ok(extracted.document)
}

#[test]
fn every_page_with_text_has_a_mark() {
    let document = read(&pdf(&["Backups are kept for 400 days.", "", "A restore"], "")).unwrap();
    assert_eq!(document.title, "The Ledger Contract");
    let pages = units(&document);
    let expected = [(1, 1, "Backups are kept for 400 days."), (3, 3, "A restore")];
    assert_eq!(pages, expected);
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_eq!(reason(b"PK\x03\x04 rest"), "named .pdf, but it is not a PDF (it is a ZIP file)");
    assert_eq!(
        reason(b"hello world"),
        "named .pdf, but it is not a PDF (it starts with \"hello wo\")"
    );
    assert!(reason(b"%PDF-1.4\ngarbage").starts_with("damaged or truncated"));
    assert_eq!(reason(&pdf(&["", ""], "")), "no text found");
}

#[test]
fn a_file_that_is_cut_off_is_refused_with_what_was_there() {
    let whole = pdf(&["Backups are kept for 400 days.", "A restore", "The end"], "");
    for cut in (9..whole.len() - 40).step_by(37) {
        let reason = read(&whole[..cut]).unwrap_err();
        assert!(reason.starts_with("damaged or truncated"), "cut at {cut}: {reason}");
    }
    let second = whole.windows(9).position(|window| window == b"(The end)").unwrap();
    let reason = read(&whole[..second]).unwrap_err();
    let expected = "damaged or truncated: the file is cut off; 2 of 3 pages could be read";
    assert_eq!(reason, expected);
}

#[test]
fn titles_that_say_nothing_are_dropped() {
    for title in ["untitled", "Microsoft Word - a.doc", "paper.dvi", "", "  ", "1"] {
        assert_eq!(sensible_title(title), None, "{title}");
    }
    assert_eq!(sensible_title(" On  Ledgers ").as_deref(), Some("On Ledgers"));
}

#[test]
fn a_filter_that_is_not_read_is_named() {
    let mut file = sample::File::new();
    file.page("as it was packed");
    let packed = String::from_utf8(file.finish("")).unwrap();
    let packed = packed.replace("/Length", "/Filter /BrotliDecode /Length");
    let reason = read(packed.as_bytes()).unwrap_err();
    assert!(reason.starts_with("packed with Brotli"), "{reason}");
}

#[test]
fn the_second_opinion_reads_too() {
    let bytes = pdf(&["Backups are kept for 400 days."], "");
    let text = second_opinion(&bytes, &[]).unwrap().extracted(LONG, 0).unwrap().document;
    assert_eq!(units(&text), [(1, 1, "Backups are kept for 400 days.")]);
}

/// A file that this password opens, with the values computed by algorithm 5 of ISO 32000-1. Nothing in it is
/// encrypted.
fn sealed(user: &str) -> Vec<u8> {
    let mut file = File::new();
    file.page("BT /F1 12 Tf 72 720 Td (Backups are kept.) Tj ET");
    let encrypt = file.object(format!(
        "<< /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /O <{}> /U <{user}{}> \
         /CF << >> /StmF /Identity /StrF /Identity >>",
        "00".repeat(32),
        "00".repeat(16),
    ));
    file.finish(&format!("/Encrypt {encrypt} 0 R /ID [<00> <00>]"))
}

#[test]
fn a_password_is_asked_for() {
    let key = "00".repeat(32);
    let encrypt = format!(
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00> <00>]"
    );
    let reason = read(&pdf(&["Backups are kept."], &encrypt)).unwrap_err();
    assert_eq!(reason, "encrypted: a password is needed (give it with --pdf-password)");
}

#[test]
fn passwords_are_tried_one_after_the_other() {
    const HARBOUR: &str = "805a24f17784674138ac63f1463fc81e";
    for (passwords, opens) in [
        (&["harbour"][..], true),
        (&["", "pilot", "harbour"], true),
        (&["pilot", "Harbour"], false),
        (&["hafengebühr", "港"], false),
        (&[], false),
    ] {
        let given: Vec<String> = passwords.iter().map(|password| (*password).to_owned()).collect();
        let text = document(&sealed(HARBOUR), &given, LONG).map(|it| it.document.text);
        let expected = if opens { Ok("Backups are kept.".to_owned()) } else { Err(locked()) };
        assert_eq!(text, expected, "{passwords:?}");
    }
}

#[test]
fn running_headers_are_kept_once() {
    let page = |number: usize| {
        // The first row of a table that continues.
        let row = number * number * 7;
        let text = ["One harbour.", "Two pilots.", "Three crowns.", "Four ships."][number - 1];
        format!(
            "BT /F1 10 Tf 72 760 Td (Harbour report 2024, part {number}) Tj ET \
             BT /F1 10 Tf 72 730 Td (Berth {row}) Tj ET \
             BT /F1 12 Tf 72 500 Td ({text}) Tj ET BT /F1 10 Tf 300 30 Td ({number}) Tj ET"
        )
    };
    let mut file = File::new();
    (1..=4).for_each(|number| file.page(&page(number)));
    let document = read(&file.finish("")).unwrap();
    let pages: Vec<&str> = units(&document).into_iter().map(|(_, _, text)| text).collect();
    let expected = [
        "Harbour report 2024, part 1\n\nBerth 7\n\nOne harbour.",
        "Berth 28\n\nTwo pilots.",
        "Berth 63\n\nThree crowns.",
        "Berth 112\n\nFour ships.",
    ];
    assert_eq!(pages, expected);
}

#[test]
fn pages_that_are_pictures_are_named() {
    let mut file = File::new();
    let mut picture = |width: usize, height: usize| {
        let entries = "/ColorSpace /DeviceGray /BitsPerComponent 8";
        let entries = format!("/Subtype /Image /Width {width} /Height {height} {entries}");
        file.stream(&entries, &vec![120; width * height])
    };
    let (text, colour) = (picture(300, 60), picture(1, 1));
    file.resources = format!("/XObject << /X {text} 0 R /Y {colour} 0 R >>");
    file.page("q 600 0 0 780 6 6 cm /X Do Q");
    file.page("");
    file.page("q 150 0 0 30 72 700 cm /X Do Q BT /F1 10 Tf 300 30 Td (3) Tj ET");
    // An icon, and the colour of the page.
    file.page("q 612 0 0 792 0 0 cm /Y Do Q q 20 0 0 20 72 700 cm /X Do Q");
    let extracted = document(&file.finish(""), &[], LONG).unwrap();
    assert_eq!((extracted.document.text.as_str(), &*extracted.unread.scanned), ("3", &[1, 3][..]));
}

#[test]
fn a_page_that_is_one_line_keeps_it() {
    let line =
        |page: usize| format!("BT /F1 12 Tf 72 750 Td (Page number {page} mentions kelp.) Tj ET");
    let mut file = File::new();
    (1..=4).for_each(|page| file.page(&line(page)));
    assert_eq!(units(&read(&file.finish("")).unwrap()).len(), 4);
}
