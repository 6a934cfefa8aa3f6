#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::ingest::extract::parts::tests::units;
use crate::types::{DocumentKind, WarningCode};

pub(super) fn document(source: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    let (text_fields, passwords, comments) = (Vec::new(), Vec::new(), false);
    let (source, kind, limit) = (source.to_owned(), DocumentKind::Email, Duration::MAX);
    let request = WorkerRequest {
        source,
        kind,
        text_fields,
        limit,
        passwords,
        comments,
        pages: Vec::new(),
        nesting: 0,
    };
    super::document(&request, bytes)
}

pub(in crate::ingest::extract) use super::outlook::tests::file_with_attachments as outlook_message;

fn read(source: &str, bytes: &[u8]) -> Document {
    document(source, bytes).unwrap()
}

pub(in crate::ingest::extract) const MESSAGE: &str = "From: =?utf-8?Q?J=C3=B6rg?= <jorg@example.com>\r\n\
    To: Ann <ann@example.com>, bob@example.com\r\nSubject: Backups\r\n of the ledger\r\n\
    Date: Fri, 1 Mar 2024 10:05:00 +0100\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
    Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Sie liegen 400 Tage, f=FCr alle=\r\n Kunden.\r\n--c\r\n\
    Content-Type: text/html\r\n\r\n<p>no\r\n--c--\r\n--b\r\n\
    Content-Type: application/pdf; name=\"plan.pdf\"\r\n\
    Content-Disposition: attachment; filename=\"plan.pdf\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjcK\r\n--b--\r\n";

#[test]
fn a_message_under_its_subject() {
    let mail = read("a.eml", MESSAGE.as_bytes());
    assert_eq!(mail.title, "Backups of the ledger");
    let text = "From: Jörg <jorg@example.com>\nTo: Ann <ann@example.com>, bob@example.com\n\
        Date: 2024-03-01 10:05 +0100\nAttachments: plan.pdf\n\nSie liegen 400 Tage, für alle Kunden.";
    assert_eq!(units(&mail), [(1, 0, text)]);
    assert_eq!(mail.sections[0].headings, ["Backups of the ledger"]);
    // Its attachment is only the first bytes of a PDF.
    assert_eq!(mail.warnings[0].code, WarningCode::AttachmentsNotRead);
    assert!(mail.warnings[0].message.contains("plan.pdf ("), "{:?}", mail.warnings);
}

/// A message with these parts, each with its headers and its content.
fn mixed(subject: &str, parts: &[(&str, &str)]) -> String {
    let mut mail = format!(
        "From: a@b.de\nSubject: {subject}\nContent-Type: multipart/mixed; boundary=B{0}\n",
        parts.len()
    );
    for (headers, content) in parts {
        mail += &format!("\n--B{}\n{headers}\n\n{content}\n", parts.len());
    }
    mail + &format!("--B{}--\n", parts.len())
}

#[test]
fn attachments_are_read_under_their_names() {
    let table = "Content-Type: text/csv; name=\"fees.csv\"\nContent-Disposition: attachment; filename=\"fees.csv\"";
    let notes = "Content-Type: text/markdown\nContent-Disposition: attachment; filename=notes.md";
    let archive = "Content-Type: application/zip\nContent-Disposition: attachment; filename=a.zip";
    let logo = "Content-Type: image/png\nContent-Disposition: inline; filename=logo.png";
    let inner = mixed(
        "Re: Fees",
        &[("Content-Type: text/plain", "Inner body."), (notes, "# Winter\n\nIce.")],
    );
    let mail = mixed(
        "Fees",
        &[
            ("Content-Type: text/plain", "See below."),
            (table, "Port,Fee\nOslo,12\nBergen,9"),
            (archive, "PK"),
            (logo, "x"),
            ("Content-Type: message/rfc822", &inner),
        ],
    );
    let mail = read("a.eml", mail.as_bytes());
    let found = units(&mail);
    let message = "From: a@b.de\nAttachments: fees.csv, a.zip, logo.png, Re: Fees\n\nSee below.";
    let expected = [
        (1, 0, message),
        (1, 1, "Port: Oslo | Fee: 12"),
        (1, 1, "Port: Bergen | Fee: 9"),
        (1, 4, "From: a@b.de\nAttachments: notes.md\n\nInner body."),
        (1, 5, "# Winter\n\nIce."),
    ];
    assert_eq!(found, expected);
    let headings: Vec<String> = mail.sections.iter().map(|s| s.headings.join(" > ")).collect();
    let paths = ["Fees", "Fees > fees.csv", "Fees > Re: Fees", "Fees > Re: Fees > notes.md"];
    assert_eq!(headings, paths);
    let syntaxes: Vec<Option<Syntax>> = mail.sections.iter().map(|s| s.syntax).collect();
    assert_eq!(syntaxes, [None, Some(Syntax::Rows), None, Some(Syntax::Markdown)]);
    let message = "attachments not read, or not in full: a.zip (unsupported type)";
    assert_eq!(mail.warnings.iter().map(|w| w.message.as_str()).collect::<Vec<_>>(), [message]);
}

#[test]
fn mails_in_mails_end() {
    let mut mail = "From: a@b.de\nSubject: s\n\nbody\n".to_owned();
    for level in 0..20 {
        let headers = "Content-Type: message/rfc822";
        mail = mixed(&format!("level {level}"), &vec![(headers, mail.as_str()); 1 + level % 2]);
    }
    let mail = read("a.eml", mail.as_bytes());
    assert!(mail.text.len() < 10_000, "{}", mail.text.len());
    assert_eq!(mail.warnings.last().unwrap().code, WarningCode::AttachmentsNotRead);
}

#[test]
fn mails_in_utf16_are_read() {
    let mail = "From: a@b.de\nSubject: Größe\nContent-Type: text/plain; charset=iso-8859-1\n\nFünf Häfen.\n";
    let wide: Vec<u8> = mail.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE".to_vec(), wide.clone()].concat();
    for bytes in [wide, marked] {
        let mail = read("a.eml", &bytes);
        assert_eq!(
            (mail.title.as_str(), mail.text.as_str()),
            ("Größe", "From: a@b.de\n\nFünf Häfen.")
        );
    }
}

#[test]
fn a_page_that_names_its_encoding_itself() {
    let mail = b"From: a@b.de\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><head><meta http-equiv=3D\"Content-Type\" content=3D\"text/html; charset=3Diso-8859-1\"></head><body>Bl=E5b=E6r koster 40 kr.</body></html>\n";
    assert!(read("a.eml", mail).text.ends_with("Blåbær koster 40 kr."));
    let japanese = encoding_rs::ISO_2022_JP.encode("倉庫は午前九時に開きます。\n").0;
    let mail = [&b"From: a@b.de\nContent-Type: text/plain;\n\n"[..], &japanese].concat();
    assert!(read("a.eml", &mail).text.ends_with("倉庫は午前九時に開きます。"));
}

#[test]
fn invitations_say_what_they_are_for() {
    let event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Regatta\nLOCATION:Pier 4\nEND:VEVENT\nEND:VCALENDAR";
    let mail = mixed(
        "Invite",
        &[("Content-Type: text/plain", "See you there."), ("Content-Type: text/calendar", event)],
    );
    let mail = mail.replace("multipart/mixed", "multipart/alternative");
    let text = read("a.eml", mail.as_bytes()).text;
    assert!(text.ends_with("See you there.\n\nEvent: Regatta\nLocation: Pier 4"), "{text}");
}

#[test]
fn an_invitation_may_be_a_file() {
    let event = "QkVHSU46VkNBTEVOREFSClNVTU1BUlk6bm8KQkVHSU46VkVWRU5UClNVTU1BUlk6RGl2ZQpTVEFUVVM6Q0FOQ0VMTEVECkVORDpWRVZFTlQKRU5EOlZDQUxFTkRBUgo=";
    let file = "Content-Type: application/ics; name=invite.ics\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=invite.ics";
    let mail = mixed("Invite", &[("Content-Type: text/plain", "See there."), (file, event)]);
    let text = read("a.eml", mail.as_bytes()).text;
    assert!(text.ends_with("See there.\n\nEvent: Dive\nStatus: cancelled"), "{text}");
    let card = "Content-Type: text/vcard\nContent-Disposition: attachment; filename=ann.vcf";
    let mail = mixed("Card", &[(card, "BEGIN:VCARD\nFN:Ann\nTEL:12\nEND:VCARD")]);
    let text = read("a.eml", mail.as_bytes()).text;
    assert!(text.ends_with("Name: Ann\nPhone: 12"), "{text}");
}

#[test]
fn a_subject_in_other_bytes_is_read_as_the_body_is() {
    let mail =
        "From: Jörg <a@b.de>\nSubject: Grüße aus Köln\nDate: gestern Abend\n\nSchöne Grüße\n";
    let mail = encoding_rs::WINDOWS_1252.encode(mail).0.into_owned();
    let single = read("a.eml", &mail);
    let text = "From: Jörg <a@b.de>\nDate: gestern Abend\n\nSchöne Grüße";
    assert_eq!((single.title.as_str(), single.text.as_str()), ("Grüße aus Köln", text));
    let mailbox = [b"From a@b Mon Jan  1 10:00:00 2024\n".to_vec(), mail].concat();
    assert_eq!(read("a.mbox", &mailbox).sections[0].headings, ["Grüße aus Köln"]);
}

#[test]
fn saved_pages_are_read_as_pages() {
    let saved = "From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org/tides\nSubject: =?utf-8?Q?Tides?=\nMIME-Version: 1.0\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"B\"\n\n--B\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\nContent-Location: https://example.org/tides\n\n<html><head><meta charset=3D\"utf-8\"><title>Tides</title></head><body><h1>Ebb</h1><p>The sea goes =C3=B6ut.</p></body></html>\n--B\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--B--\n";
    let page = super::page(saved.as_bytes()).unwrap();
    assert_eq!(page.title, "Tides");
    let text = "URL: https://example.org/tides\n\n# Ebb\n\nThe sea goes öut.";
    assert_eq!(units(&page), [(1, 1, text)]);
    assert!(is_saved_page("a/b.MHTML") && is_saved_page("b.mht") && !is_saved_page("mht"));
    assert_eq!(super::page(b"<html><body><p>one</p></body></html>").unwrap().text, "one");
}

#[test]
fn a_page_is_read_where_there_is_nothing_else() {
    let page = "<html><head><meta charset=\"iso-8859-1\"><style>p {}</style></head><body><h1>Größe</h1><ul><li>one</ul></body></html>";
    let mail = format!("From: a@b.de\nContent-Type: text/html; charset=utf-8\n\n{page}");
    let text = "From: a@b.de\n\n# Größe\n\n- one";
    assert_eq!(units(&read("a.eml", mail.as_bytes())), [(1, 0, text)]);
}

#[test]
fn encodings_that_are_not_named_are_guessed() {
    let mail = b"From: a@b.de\nSubject: x\n\nGr\xFC\xDFe aus K\xF6ln\n";
    assert_eq!(units(&read("a.eml", mail)), [(1, 0, "From: a@b.de\n\nGrüße aus Köln")]);
    let base64 = b"From: a@b.de\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\naABpAA==\n";
    assert_eq!(units(&read("a.eml", base64)), [(1, 0, "From: a@b.de\n\nhi")]);
}

#[test]
fn sealed_messages_say_so() {
    let mail = "From: a@b.de\nSubject: s\nContent-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b--\n";
    let mail = read("a.eml", mail.as_bytes());
    assert!(mail.text.ends_with("(encrypted)"), "{}", mail.text);
}

#[test]
fn mailboxes_count_their_messages() {
    let mut mailbox = String::new();
    for number in 1..=2000 {
        mailbox += &format!(
            "From a@b Mon Jan  1 10:00:00 2024\nFrom: a@b.de\nSubject: Number {number}\n\nBody {number}.\n>From here.\n\n"
        );
    }
    let mail = read("list.mbox", mailbox.as_bytes());
    assert_eq!(mail.title, "");
    let found = units(&mail);
    assert_eq!(found.len(), 2000);
    assert_eq!(found[1999], (2000, 0, "From: a@b.de\n\nBody 2000.\nFrom here."));
    assert_eq!(mail.sections[1999].headings, ["Number 2000"]);
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |name: &str, bytes: &[u8]| document(name, bytes).unwrap_err().to_string();
    assert_eq!(reason("a.eml", b"just words\n"), "not readable as an e-mail: it has no headers");
    assert_eq!(
        reason("a.mbox", b"just words\n"),
        "named as a mailbox, but no message begins in it"
    );
    assert_eq!(
        reason("a.eml", b"PK\x03\x04"),
        "named .eml, but it is not an e-mail (it is a ZIP file)"
    );
}
