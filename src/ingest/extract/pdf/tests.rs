#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use super::*;
use crate::ingest::extract::parts::tests::units;

/// A PDF of these pages; `trailer` is added to its trailer.
fn pdf(pages: &[&str], trailer: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|i| format!("{} 0 R", 4 + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    for (index, page) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * index
        ));
        let content = format!("BT /F1 12 Tf 72 720 Td ({page}) Tj ET");
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    objects.push("<< /Title (The Ledger Contract) >>".to_owned());
    let mut file = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        writeln!(file, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let start = file.len();
    writeln!(file, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(file, "{offset:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    writeln!(
        file,
        "trailer\n<< /Size {size} /Root 1 0 R /Info {} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF",
        objects.len()
    )
    .unwrap();
    file.into_bytes()
}

#[test]
fn every_page_with_text_has_a_mark() {
    let document =
        document(&pdf(&["Backups are kept for 400 days.", "", "A restore"], "")).unwrap();
    assert_eq!(document.title, "The Ledger Contract");
    let pages = units(&document);
    let expected = [(1, 1, "Backups are kept for 400 days."), (3, 3, "A restore")];
    assert_eq!(pages, expected);
}

#[test]
fn what_is_no_pdf_is_named() {
    let reason = |bytes: &[u8]| document(bytes).unwrap_err().to_string();
    assert_eq!(reason(b"PK\x03\x04 rest"), "named .pdf, but it is not a PDF (it is a ZIP file)");
    assert_eq!(
        reason(b"hello world"),
        "named .pdf, but it is not a PDF (it starts with \"hello wo\")"
    );
    assert!(reason(b"%PDF-1.4\ngarbage").starts_with("damaged or truncated"));
    assert_eq!(reason(&pdf(&["", ""], "")), "no text found (scanned pages?)");
}

#[test]
fn a_truncated_file_gives_text_or_a_reason() {
    let whole = pdf(&["Backups are kept for 400 days."], "");
    for cut in (9..whole.len()).step_by(37) {
        match document(&whole[..cut]) {
            Ok(document) => assert!(document.text.contains("400 days"), "cut at {cut}"),
            Err(error) => assert!(!error.to_string().is_empty(), "cut at {cut}"),
        }
    }
}

#[test]
fn titles_that_are_none() {
    for title in ["untitled", "Microsoft Word - a.doc", "paper.dvi", "", "  ", "1"] {
        assert_eq!(sensible_title(title), None, "{title}");
    }
    assert_eq!(sensible_title(" On  Ledgers ").as_deref(), Some("On Ledgers"));
}

#[test]
fn the_second_engine_reads_what_the_first_does() {
    let bytes = pdf(&["Backups are kept for 400 days."], "");
    let second = Second::open(&bytes);
    assert_eq!(second.pages(), 1);
    assert!(second.page(0).unwrap().contains("400 days"));
}

#[test]
fn a_password_is_asked_for() {
    let key = "00".repeat(32);
    let encrypt = format!(
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00> <00>]"
    );
    let reason = document(&pdf(&["Backups are kept."], &encrypt)).unwrap_err().to_string();
    assert_eq!(reason, "encrypted: a password is needed");
}
