//! Repairs headers that old programs wrote in an 8-bit encoding, and reads the date of a message.

use std::borrow::Cow;

use chrono::DateTime;
use encoding_rs::{Encoding, UTF_8};
use mail_parser::{HeaderName, Message};

use crate::ingest::document::single_spaced;
use crate::ingest::extract::encoding;

/// The message with all headers in UTF-8. Other headers are decoded with the encoding that the message names,
/// else with the one that their letters and those of the text suggest.
pub(super) fn in_utf8(message: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(message).is_ok() {
        return Cow::Borrowed(message);
    }
    let lines: Vec<&[u8]> = message.split_inclusive(|byte| *byte == b'\n').collect();
    let of_headers = are_headers(&lines);
    let is_foreign = |line: &[u8]| std::str::from_utf8(line).is_err();
    let mut foreign: Vec<&[u8]> = Vec::new();
    let mut named = None;
    for (line, _) in lines.iter().zip(&of_headers).filter(|(_, is)| **is) {
        if is_foreign(line) {
            foreign.push(line);
        }
        named = named.or_else(|| charset(line));
    }
    if foreign.is_empty() {
        return Cow::Borrowed(message);
    }
    let evidence = lines.iter().zip(&of_headers).filter(|(line, is)| !**is && is_written(line));
    let evidence = evidence.map(|(line, _)| *line).filter(|line| is_foreign(line));
    let headers = foreign.len();
    foreign.extend(evidence.take(MOST));
    let all: Vec<u8> =
        foreign.iter().flat_map(|line| [line.trim_ascii_end(), b"\n"].concat()).collect();
    let fits = |encoding: &&'static Encoding| !encoding.decode_without_bom_handling(&all).1;
    let text = encoding::decode(&all, named.filter(fits)).text;
    let mut read = text.lines().take(headers);
    let mut mended = Vec::with_capacity(message.len() + all.len());
    for (line, is_header) in lines.iter().zip(of_headers) {
        let text = if is_header && is_foreign(line) { read.next() } else { None };
        mended.extend(text.map_or(line.trim_ascii_end(), str::as_bytes));
        mended.extend(&line[line.trim_ascii_end().len()..]);
    }
    Cow::Owned(mended)
}

/// How many lines of the text are examined besides the headers.
const MOST: usize = 200;

/// Whether a person wrote the line: data has no lines, or long ones.
fn is_written(line: &[u8]) -> bool {
    line.len() < 1000 && !line.contains(&0)
}

/// Which lines are headers: of the message, of its parts, or of attached messages.
fn are_headers(lines: &[&[u8]]) -> Vec<bool> {
    let mut within = true;
    let mut holds_message = false;
    let mut of_headers = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let is_blank = line.trim_ascii().is_empty();
        if within && is_blank {
            within = std::mem::take(&mut holds_message);
        } else if within {
            let line = line.to_ascii_lowercase();
            holds_message |= line.starts_with(b"content-type: message/rfc822");
        } else if line.starts_with(b"--") {
            let next = lines.get(at + 1).map(|next| next.to_ascii_lowercase());
            within = next.is_some_and(|next| next.starts_with(b"content-"));
        }
        of_headers.push(within && !is_blank);
    }
    of_headers
}

/// The encoding that a part of the message names, unless it is UTF-8, which these headers are not.
fn charset(line: &[u8]) -> Option<&'static Encoding> {
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    let (_, label) = line.split_once("charset=")?;
    let label = label.trim_start_matches('"').split(['"', ';', ' ', '\r', '\n']).next()?;
    Encoding::for_label(label.as_bytes())
        .filter(|encoding| *encoding != UTF_8 && label != "us-ascii" && label != "ascii")
}

/// When the message was sent, with its zone: `2024-03-01 10:05 +0100`; as it was written if it is not a date.
pub(super) fn date(message: &Message<'_>) -> Option<String> {
    let written = single_spaced(message.header_raw(HeaderName::Date)?);
    if written.is_empty() {
        return None;
    }
    let shown = read_date(&written);
    Some(shown.unwrap_or_else(|| written.chars().take(LONGEST).collect()))
}

/// Most characters that are kept of a date that cannot be parsed.
const LONGEST: usize = 100;

/// Zones that have one meaning in mail (RFC 5322, 4.3).
const ZONES: [&str; 12] =
    ["UT", "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"];

fn read_date(written: &str) -> Option<String> {
    // Days of the week are wrong more often than dates.
    let date = written.split_once(',').map_or(written, |(_, date)| date);
    let date = date.split('(').next().unwrap_or(date).trim();
    let zone = date.rsplit(' ').next()?;
    let digits = zone.strip_prefix(['+', '-']);
    let is_offset =
        digits.is_some_and(|it| it.len() == 4 && it.bytes().all(|b| b.is_ascii_digit()));
    if !is_offset && !ZONES.contains(&zone.to_ascii_uppercase().as_str()) {
        return None;
    }
    let date = match zone.to_ascii_uppercase().as_str() {
        "UTC" => DateTime::parse_from_rfc2822(&date.replace(zone, "GMT")),
        _ => DateTime::parse_from_rfc2822(date),
    };
    let date = date.ok()?;
    let is_utc = date.offset().local_minus_utc() == 0;
    Some(date.format(if is_utc { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M %z" }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_their_zone() {
        for (written, expected) in [
            ("Fri, 1 Mar 2024 10:05:00 +0100", Some("2024-03-01 10:05 +0100")),
            // It was a Friday.
            ("Mon, 01 Mar 2024 10:05 -0530 (IST)", Some("2024-03-01 10:05 -0530")),
            ("1 Mar 2024 10:05:00 EST", Some("2024-03-01 10:05 -0500")),
            ("1 Mar 24 10:05:00 GMT", Some("2024-03-01 10:05 UTC")),
            ("1 Mar 2024 10:05:00 UTC", Some("2024-03-01 10:05 UTC")),
            ("1 Mar 2024 10:05:00 -0000", Some("2024-03-01 10:05 UTC")),
            // No zone, and zones that nobody knows.
            ("1 Mar 2024 10:05:00", None),
            ("Fri Mar 1 10:05:00 2024", None),
            ("1 Mar 2024 10:05:00 MEZ", None),
            ("31 Feb 2024 10:05:00 +0100", None),
            ("é +0100", None),
        ] {
            assert_eq!(read_date(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn headers_in_other_encodings_are_read() {
        let mended = |message: &[u8]| String::from_utf8_lossy(&in_utf8(message)).into_owned();
        let (latin, cyrillic) = (encoding_rs::WINDOWS_1252, encoding_rs::KOI8_R);
        let write = |encoding: &'static Encoding, text: &str| encoding.encode(text).0.into_owned();
        let mail = "Subject: Grüße aus Köln\r\nFrom: Jörg <j@b.de>\r\n\r\nSchöne Grüße\r\n";
        let (head, body) = mail.split_at(mail.find("\r\n\r\n").unwrap_or(0));
        // The body stays as it is: it is decoded separately.
        let read = in_utf8(&write(latin, mail)).into_owned();
        assert_eq!(read, [head.as_bytes(), &write(latin, body)].concat());
        // One part names the encoding, and another has its name written in it.
        let mail = "Subject: Отчёт\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=\"koi8-r\"\n\nbody\n--b\nContent-Type: text/csv;\n name=\"Цены.csv\"\n\n1\n--b\nContent-Type: message/rfc822\n\nSubject: Итоги\n\n--\nbye\n--b--\n";
        assert_eq!(mended(&write(cyrillic, mail)), mail);
        // One header is UTF-8, another is not.
        let mixed =
            [b"From: J\xC3\xB6rg\nSubject: ".as_slice(), &write(latin, "Grüße"), b"\n\nx\n"];
        assert_eq!(mended(&mixed.concat()), "From: Jörg\nSubject: Grüße\n\nx\n");
        assert!(matches!(in_utf8("Subject: é\n\né".as_bytes()), Cow::Borrowed(_)));
        assert!(matches!(in_utf8(b"Subject: e\n\n\xFC"), Cow::Borrowed(_)));
    }
}
