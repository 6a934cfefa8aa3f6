#![allow(clippy::unwrap_used, reason = "tests")]

use encoding_rs::WINDOWS_1252;

use super::*;
use crate::ingest::extract::compound::tests::compound;

/// A piece: its letters, and whether each has two bytes.
type Piece<'a> = (&'a str, bool);

/// A document of these pieces, which are in the file from last to first, as after fast saves.
fn word(pieces: &[Piece<'_>], flags: u16, version: u16) -> Vec<u8> {
    let mut main = vec![0; 0x400];
    main[0..2].copy_from_slice(&0xA5EC_u16.to_le_bytes());
    main[2..4].copy_from_slice(&version.to_le_bytes());
    main[10..12].copy_from_slice(&flags.to_le_bytes());
    let mut places = Vec::new();
    for (letters, is_wide) in pieces.iter().rev() {
        let place = main.len() as u32;
        if *is_wide {
            main.extend(letters.encode_utf16().flat_map(u16::to_le_bytes));
            places.push(place);
        } else {
            main.extend(WINDOWS_1252.encode(letters).0.iter());
            places.push((place * 2) | 0x4000_0000);
        }
    }
    places.reverse();
    let mut ends = vec![0];
    for (letters, _) in pieces {
        ends.push(ends[ends.len() - 1] + letters.encode_utf16().count() as u32);
    }
    let length = *ends.last().unwrap();
    main[0x4C..0x50].copy_from_slice(&length.to_le_bytes());
    let mut table: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
    for place in places {
        table.extend([0, 0]);
        table.extend(place.to_le_bytes());
        table.extend([0, 0]);
    }
    // The changes of a fast save, then the table.
    let changes = [1, 3, 0, 9, 9, 9];
    let clx = [&changes[..], &[2], &(table.len() as u32).to_le_bytes(), &table].concat();
    let at = 0x9A + 8 * PIECES;
    main[at + 4..at + 8].copy_from_slice(&(clx.len() as u32).to_le_bytes());
    compound(&[("/WordDocument", main), ("/0Table", clx)])
}

fn text(pieces: &[Piece<'_>]) -> String {
    document("doc", &word(pieces, 0, WORD_97), false).unwrap().text
}

#[test]
fn pieces_are_put_in_order() {
    let pieces =
        [("The fee is ", false), ("due in Βέργκεν 😀.\r", true), ("Größe “x”\x0Bnext\r", false)];
    assert_eq!(text(&pieces), "The fee is due in Βέργκεν 😀.\n\nGröße “x”\nnext");
}

#[test]
fn other_content_is_left_out() {
    for (letters, expected) in [
        ("See \x13HYPERLINK x\x14the port\x15 now\r", "See the port now"),
        ("\x13IF \x13PAGE\x14 3\x15\x14shown\x15\r", "shown"),
        ("a\x13never ends\rb\r", "a\n\nb"),
        ("one\x0Ctwo\r", "one\n\ntwo"),
        ("a\x01\x08\x02b\x1Ec\x1Fd\te\r", "ab-cd e"),
        ("no mark at the end", "no mark at the end"),
    ] {
        assert_eq!(text(&[(letters, false)]), expected, "{letters:?}");
    }
}

#[test]
fn unreadable_files_have_a_reason() {
    let reason = |bytes: &[u8]| document("doc", bytes, false).unwrap_err().reason;
    let piece = [("text\r", false)];
    assert!(reason(&word(&piece, 0, 0x65)).starts_with("written by Word 95 or older: open it"));
    assert!(reason(&word(&piece, 0x100, WORD_97)).starts_with("encrypted: a password is needed"));
    assert!(reason(&word(&piece, 0x200, WORD_97)).contains("the table of its parts is missing"));
    let other = compound(&[("/Workbook", b"x".to_vec())]);
    assert_eq!(
        reason(&other),
        "named .doc, but it is not a Word document (it is an XLS file): name it .xls"
    );
    assert!(reason(&other[..700]).starts_with("damaged or truncated: it can't be opened"));
}

#[test]
fn damaged_files_end() {
    let whole = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/producers/libreoffice.doc"
    ))
    .unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        for byte in bytes[at..].iter_mut().take(5) {
            *byte = byte.wrapping_mul(31).wrapping_add(255);
        }
        // Whatever the result, it comes soon.
        let _ = document("doc", &bytes, true);
        let _ = document("doc", &whole[..at], true);
    }
}
