#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::parts::tests::units;

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
        Date: 2024-03-01 10:05\nAttachments: plan.pdf\n\nSie liegen 400 Tage, für alle Kunden.";
    assert_eq!(units(&mail), [(1, 1, text)]);
    assert_eq!(mail.sections[0].headings, ["Backups of the ledger"]);
}

#[test]
fn a_page_is_read_where_there_is_nothing_else() {
    let page = "<html><head><meta charset=\"iso-8859-1\"><style>p {}</style></head><body><h1>Größe</h1><ul><li>one</ul></body></html>";
    let mail = format!("From: a@b.de\nContent-Type: text/html; charset=utf-8\n\n{page}");
    let text = "From: a@b.de\n\n# Größe\n\n- one";
    assert_eq!(units(&read("a.eml", mail.as_bytes())), [(1, 1, text)]);
}

#[test]
fn encodings_that_are_not_named_are_guessed() {
    let mail = b"From: a@b.de\nSubject: x\n\nGr\xFC\xDFe aus K\xF6ln\n";
    assert_eq!(units(&read("a.eml", mail)), [(1, 1, "From: a@b.de\n\nGrüße aus Köln")]);
    let base64 = b"From: a@b.de\nContent-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\naABpAA==\n";
    assert_eq!(units(&read("a.eml", base64)), [(1, 1, "From: a@b.de\n\nhi")]);
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
    assert_eq!(found[1999], (2000, 2000, "From: a@b.de\n\nBody 2000.\nFrom here."));
    assert_eq!(mail.sections[1999].headings, ["Number 2000"]);
}

#[test]
fn what_is_no_mail_is_named() {
    let reason = |name: &str, bytes: &[u8]| document(name, bytes).unwrap_err().to_string();
    assert_eq!(reason("a.eml", b"just words\n"), "not readable as an e-mail: it has no headers");
    assert_eq!(
        reason("a.mbox", b"just words\n"),
        "named as a mailbox, but no message begins in it"
    );
    assert_eq!(reason("a.eml", b"PK\x03\x04"), "named as email, but it is a ZIP file");
}
