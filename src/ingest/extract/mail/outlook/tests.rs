#![allow(clippy::unwrap_used, reason = "tests")]

use super::super::tests::document;
use super::*;
use crate::ingest::extract::compound::tests::compound;
use crate::ingest::extract::container::utf16;
use crate::ingest::extract::parts::tests::units;

/// Streams of a message by their paths.
type Streams = Vec<(String, Vec<u8>)>;

/// The stream of the properties of fixed size: type, number and value of each.
fn fixed(folder: &str, front: usize, values: &[(u16, u16, u64)]) -> (String, Vec<u8>) {
    let mut bytes = vec![0; front];
    for (kind, id, value) in values {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(id.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(value.to_le_bytes());
    }
    (format!("{folder}/{PROPERTIES}"), bytes)
}

fn unicode(folder: &str, id: u16, text: &str) -> (String, Vec<u8>) {
    (format!("{folder}/{}", stream(id, "001F")), utf16(text))
}

fn binary(folder: &str, id: u16, bytes: &[u8]) -> (String, Vec<u8>) {
    (format!("{folder}/{}", stream(id, "0102")), bytes.to_vec())
}

fn file(streams: &Streams) -> Vec<u8> {
    let streams: Vec<(&str, Vec<u8>)> =
        streams.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    compound(&streams)
}

fn read(streams: &Streams) -> Document {
    document("a.msg", &file(streams)).unwrap()
}

/// 2024-03-01 09:05 UTC in units of 100 ns since 1601.
const TIME: u64 = (1_709_283_900 + 11_644_473_600) * 10_000_000;

fn message() -> Streams {
    let (first, second, third) = (
        "/__recip_version1.0_#00000000",
        "/__recip_version1.0_#00000001",
        "/__recip_version1.0_#00000002",
    );
    vec![
        fixed("", 32, &[(0x40, SUBMITTED, TIME)]),
        unicode("", SUBJECT, "Quay 4\r\n is shut"),
        unicode("", SENDER[0], "Jörg"),
        unicode("", SENDER[1], "jorg@example.com"),
        unicode("", BODY, "It opens in May.\r\n\r\nJörg\r\n"),
        fixed(first, 8, &[(3, RECIPIENT_TYPE, 1)]),
        unicode(first, NAME, "Ann Lee"),
        unicode(first, PERSON[1], "ann@example.com"),
        fixed(second, 8, &[(3, RECIPIENT_TYPE, 0xFFFF_0000_0002)]),
        unicode(second, NAME, "Bo"),
        unicode(second, PERSON[2], "/O=COMPANY/CN=BO@HERE"),
        fixed(third, 8, &[(3, RECIPIENT_TYPE, 3)]),
        unicode(third, NAME, "In secret"),
    ]
}

#[test]
fn a_message_under_its_subject() {
    let mail = read(&message());
    assert_eq!(mail.title, "Quay 4 is shut");
    let text = "From: Jörg <jorg@example.com>\nTo: Ann Lee <ann@example.com>\nCc: Bo\n\
        Date: 2024-03-01 09:05 UTC\n\nIt opens in May.\n\nJörg";
    assert_eq!(units(&mail), [(1, 0, text)]);
    assert_eq!(mail.sections[0].headings, ["Quay 4 is shut"]);
    assert!(mail.warnings.is_empty(), "{:?}", mail.warnings);
}

fn with_attachments() -> Streams {
    let (csv, inner, image) = (
        "/__attach_version1.0_#00000000",
        "/__attach_version1.0_#00000001",
        "/__attach_version1.0_#00000002",
    );
    let object = "/__attach_version1.0_#00000003";
    let within = format!("{inner}/__substg1.0_3701000D");
    let mut streams = message();
    streams.extend([
        fixed(csv, 8, &[]),
        unicode(csv, FILE_NAMES[1], "FEES~1.CSV"),
        unicode(csv, FILE_NAMES[0], "fees.csv"),
        binary(csv, CONTENT, b"Port,Fee\nOslo,3\n"),
        fixed(inner, 8, &[]),
        unicode(inner, NAME, "The plan"),
        fixed(&within, 24, &[]),
        unicode(&within, SUBJECT, "The plan"),
        unicode(&within, BODY, "Dredging in June."),
        fixed(image, 8, &[]),
        unicode(image, FILE_NAMES[0], "logo.png"),
        binary(image, CONTENT, b"\x89PNG\r\n\x1a\n"),
        fixed(object, 8, &[]),
        unicode(object, FILE_NAMES[0], "drawing.vsd"),
        binary(object, CONTENT, b"\x00\x01\x02"),
    ]);
    streams
}

/// The same as a file.
pub(in crate::ingest::extract) fn file_with_attachments() -> Vec<u8> {
    file(&with_attachments())
}

#[test]
fn what_is_attached_is_read() {
    let mail = read(&with_attachments());
    let read = units(&mail);
    assert!(read[0].2.contains("Attachments: fees.csv, The plan, logo.png, drawing.vsd"));
    assert_eq!(read[1], (1, 1, "Port: Oslo | Fee: 3"));
    assert_eq!(read[2], (1, 2, "Dredging in June."));
    assert_eq!(mail.sections[2].headings, ["Quay 4 is shut", "The plan"]);
    let said = "attachments not read, or not in full: drawing.vsd (binary)";
    assert_eq!(mail.warnings[0].message, said);
}

#[test]
fn a_body_is_taken_from_what_there_is() {
    let without_body = || {
        let mut streams = message();
        streams.retain(|(path, _)| !path.contains("1000001F"));
        streams
    };
    let last = |streams: &Streams| {
        let mail = read(streams);
        mail.text.rsplit("\n\n").next().unwrap().to_owned()
    };
    let page = b"<html><head><meta charset=\"windows-1251\"></head><p>\xCF\xEE\xF0\xF2";
    let mut streams = without_body();
    streams.push(binary("", HTML, page));
    assert_eq!(last(&streams), "Порт");
    let mut streams = without_body();
    let rtf = b"{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 The quay is open.\\par}}";
    let kept = [&b"\0\0\0\0"[..], &(rtf.len() as u32).to_le_bytes(), b"MELA\0\0\0\0", rtf].concat();
    streams.push(binary("", RTF, &kept));
    assert_eq!(last(&streams), "The quay is open.");
    let mut streams = without_body();
    streams.push(unicode("", MESSAGE_CLASS, "IPM.Note.SMIME"));
    assert_eq!(last(&streams), "(encrypted)");
    // Texts in a code page.
    let mut streams = without_body();
    streams[0] = fixed("", 32, &[(3, CODE_PAGES[0], 1251)]);
    streams.push((format!("/{}", stream(BODY, "001E")), b"\xCF\xEE\xF0\xF2\0".to_vec()));
    streams.push(unicode("", HEADERS, "Date: Fri, 1 Mar 2024 10:05:00 +0100\r\nSubject: x\r\n"));
    let mail = read(&streams);
    assert!(mail.text.ends_with("Date: 2024-03-01 10:05 +0100\n\nПорт"), "{}", mail.text);
}

#[test]
fn mails_in_mails_end() {
    let mut streams = vec![fixed("", 32, &[]), unicode("", SUBJECT, "0")];
    let mut folder = String::new();
    for depth in 1..8 {
        let attachment = format!("{folder}/__attach_version1.0_#00000000");
        folder = format!("{attachment}/__substg1.0_3701000D");
        streams.push(fixed(&attachment, 8, &[]));
        streams.push(fixed(&folder, 24, &[]));
        streams.push(unicode(&folder, SUBJECT, &format!("mail {depth}")));
        streams.push(unicode(&folder, BODY, &format!("text {depth}")));
    }
    let mail = read(&streams);
    assert!(mail.text.contains("text 4") && !mail.text.contains("text 5"), "{}", mail.text);
    assert!(mail.warnings[0].message.contains("too deeply"), "{:?}", mail.warnings);
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| document("a.msg", bytes).unwrap_err().to_string();
    let other = compound(&[("/WordDocument", vec![0; 9])]);
    assert!(reason(&other).starts_with("named .msg, but it holds no message"));
    let whole = file(&message());
    assert!(reason(&whole[..600]).starts_with("damaged or truncated"));
    // A mail with the name of an Outlook message.
    let mail = document("a.msg", b"From: a@b.de\nSubject: Fees\n\nThree.").unwrap();
    assert_eq!(mail.title, "Fees");
}
