//! Tests what parsers do with files that are cut off or altered: they end, with a document or a reason.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::package::tests::package;
use super::worker::{WorkerRequest, parse};
use super::{ExtractError, calendar, contacts, epub, mail, odf, pdf, pptx, rtf, sheet};
use crate::ingest::document::Document;
use crate::types::DocumentKind;

/// A valid file: one text, parts in a package, or bytes.
#[derive(Clone, Debug)]
enum Good {
    Text(String),
    Bytes(Vec<u8>),
    Parts(Vec<(String, String)>),
}

impl Good {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Parts(parts) => {
                let parts = parts.iter().map(|(name, part)| (name.as_str(), part.as_str()));
                package(&parts.collect::<Vec<_>>())
            }
        }
    }

    /// The texts that a parser reads.
    fn texts(&mut self) -> Vec<&mut String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Bytes(_) => Vec::new(),
            Self::Parts(parts) => parts.iter_mut().map(|(_, part)| part).collect(),
        }
    }
}

fn good() -> Vec<(DocumentKind, &'static str, Good)> {
    let text = |text: &str| Good::Text(text.to_owned());
    let owned = |(name, part): (&str, String)| (name.to_owned(), part);
    let notebook = r##"{"metadata": {"language_info": {"name": "python"}}, "cells": [
        {"cell_type": "markdown", "source": ["# T\n", "é ![x](data:image/png;base64,AA==)"]},
        {"cell_type": "code", "source": "x", "outputs": [{"output_type": "stream", "text": "\u001b[1my"}]}]}"##;
    let body = "<w:document><w:body><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>";
    vec![
        (DocumentKind::Pptx, "a.pptx", Good::Parts(pptx::tests::parts())),
        (
            DocumentKind::Epub,
            "a.epub",
            Good::Parts(epub::tests::parts().into_iter().map(owned).collect()),
        ),
        (DocumentKind::Spreadsheet, "a.xlsx", Good::Parts(sheet::tests::sample())),
        (
            DocumentKind::Docx,
            "a.docx",
            Good::Parts(vec![("word/document.xml".to_owned(), body.to_owned())]),
        ),
        (DocumentKind::Odt, "a.odt", Good::Parts(odf::tests::parts("text", odf::tests::BODY))),
        (
            DocumentKind::Odp,
            "a.odp",
            Good::Parts(odf::tests::parts("presentation", odf::tests::SLIDES)),
        ),
        (DocumentKind::Rtf, "a.rtf", text(rtf::tests::SAMPLE)),
        (
            DocumentKind::Xml,
            "a.xml",
            text(
                "<!DOCTYPE book [<!ENTITY e \"é\">]><book><title>T &e;</title><para>a<footnote>b</footnote></para><table><row><entry morerows=\"2\">c</entry></row></table><author><surname>d</surname></author></book>",
            ),
        ),
        (
            DocumentKind::Subtitles,
            "a.vtt",
            text("WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Ann>é <i>x</i> &amp; {\\an8}\n"),
        ),
        (DocumentKind::Calendar, "a.ics", text(calendar::tests::CALENDAR)),
        (DocumentKind::Contacts, "a.vcf", text(contacts::tests::CONTACTS)),
        (DocumentKind::Csv, "a.csv", text("a;b\n\"x\"\"\n y\";1\n\nz;é\n")),
        (
            DocumentKind::Json,
            "a.json",
            text("{\"n\": 1, \"r\": [{\"a\": [1, 2], \"é\": null}, {\"b\": \"x\\ny\"}]}"),
        ),
        (DocumentKind::Json, "a.jsonl", text("{\"a\": 1}\n{\"b\": [true, 2.5e3]}\n")),
        (DocumentKind::Notebook, "a.ipynb", text(notebook)),
        (DocumentKind::Email, "a.eml", text(mail::tests::MESSAGE)),
        (DocumentKind::Email, "a.msg", Good::Bytes(mail::tests::outlook_message())),
        (
            DocumentKind::Email,
            "a.mbox",
            text(&format!("From a Mon Jan 1 10:00 2024\n{}", mail::tests::MESSAGE)),
        ),
        (DocumentKind::Pdf, "a.pdf", Good::Text(pdf::tests::sample::ascii())),
        (
            DocumentKind::Html,
            "a.html",
            text("<main><p>a &eacute;<table><tr><td>b<pre>\nc</pre></main>"),
        ),
    ]
}

fn read(kind: DocumentKind, source: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    let (source, text_fields) = (source.to_owned(), Vec::new());
    let request = WorkerRequest {
        source,
        kind,
        text_fields,
        limit: Duration::from_secs(20),
        passwords: Vec::new(),
        comments: true,
        pages: Vec::new(),
        nesting: 0,
    };
    parse(&request, bytes).map(|extracted| extracted.document)
}

/// Checks that reading ends with a document whose places are in order, or with a reason. A library may panic,
/// since the worker reports that. docent's own code may not.
fn survives(kind: DocumentKind, source: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    let outcome = catch_unwind(AssertUnwindSafe(|| read(kind, source, bytes)));
    match outcome {
        Ok(Ok(document)) => {
            let starts: Vec<usize> = document.sections.iter().map(|part| part.offset).collect();
            prop_assert!(starts.is_sorted() && starts.iter().all(|at| *at <= document.text.len()));
        }
        Ok(Err(reason)) => prop_assert!(!reason.reason.is_empty()),
        Err(_) => prop_assert_eq!(kind, DocumentKind::Spreadsheet),
    }
    Ok(())
}

#[test]
fn whole_files_are_read() {
    for (kind, source, good) in good() {
        let document = read(kind, source, &good.bytes()).unwrap();
        assert!(!document.text.trim().is_empty(), "{source}");
    }
}

#[test]
fn files_that_are_cut_off_have_a_reason() {
    for (kind, source, good) in good() {
        let bytes = good.bytes();
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 200) {
            survives(kind, source, &bytes[..length]).unwrap();
        }
        if let Good::Parts(_) = good {
            let half = read(kind, source, &bytes[..bytes.len() / 2]).unwrap_err();
            assert!(half.reason.starts_with("damaged or truncated"), "{source}: {half}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn flipped_bits_are_survived(
        which in any::<Index>(),
        flips in prop::collection::vec((any::<Index>(), 0u8..8), 1..6),
    ) {
        let (kind, source, good) = which.get(&good()).clone();
        let mut bytes = good.bytes();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        survives(kind, source, &bytes)?;
    }

    /// Inside the package, where no checksum protects the parser.
    #[test]
    fn altered_parts_are_survived(
        which in any::<Index>(),
        part in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), prop::sample::select(vec![
            "", "<", ">", "/", "\"", "&", "&#0;", "\0", "é", "\n", "0", "-1", "99999999999", "<p>", "</p>", "]", "{", ",",
        ]), 0usize..12), 1..5),
    ) {
        let (kind, source, mut good) = which.get(&good()).clone();
        let mut texts = good.texts();
        prop_assume!(!texts.is_empty());
        let index = part.index(texts.len());
        let text = &mut *texts[index];
        for (at, new, length) in changes {
            let at = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((at + length).min(text.len()));
            text.replace_range(at..end, new);
        }
        survives(kind, source, &good.bytes())?;
    }
}
