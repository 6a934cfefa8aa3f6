//! Every format, end to end: ingested from a file, found, and cited by its own unit.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::assert_run;
use crate::env::TestEnv;

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(part.as_bytes()).expect("its content");
    }
    zip.finish().expect("a package").into_inner()
}

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Relations of a package, as id, kind and target.
fn relations(all: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        format!(r#"<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#)
    };
    format!("<Relationships>{}</Relationships>", all.iter().map(one).collect::<Vec<_>>().concat())
}

fn deck() -> Vec<u8> {
    let slide = |title: &str, body: &str| {
        format!(
            "<p:sld><p:sp><p:nvPr><p:ph type=\"title\"/></p:nvPr><a:p><a:t>{title}</a:t></a:p></p:sp>\
             <p:sp><p:nvPr><p:ph idx=\"1\"/></p:nvPr><a:p><a:t>{body}</a:t></a:p></p:sp></p:sld>"
        )
    };
    let order = "<p:presentation><p:sldIdLst><p:sldId r:id=\"a\"/><p:sldId r:id=\"b\"/></p:sldIdLst></p:presentation>";
    package(&[
        ("_rels/.rels", &relations(&[("r", "officeDocument", "ppt/presentation.xml")])),
        ("ppt/presentation.xml", order),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("a", "slide", "slides/s1.xml"), ("b", "slide", "slides/s2.xml")]),
        ),
        ("ppt/slides/s1.xml", &slide("Agenda", "Where the harbour stands today")),
        ("ppt/slides/s2.xml", &slide("Dredging", "The lighthouse needs a new lantern")),
    ])
}

fn workbook() -> Vec<u8> {
    let cell = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |cells: &[&str]| {
        format!("<row>{}</row>", cells.iter().map(|text| cell(text)).collect::<Vec<_>>().concat())
    };
    let sheet = |rows: &[String]| {
        format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.concat())
    };
    let first = sheet(&[row(&["Berth", "Ship"]), row(&["4", "Aurora"])]);
    let second = sheet(&[row(&["Port", "Fee"]), row(&["Bergen", "120"]), row(&["Narvik", "95"])]);
    let book = format!(
        r#"<workbook xmlns:r="{OFFICE}"><sheets><sheet name="Berths" sheetId="1" r:id="a"/><sheet name="Fees" sheetId="2" r:id="b"/></sheets></workbook>"#
    );
    package(&[
        ("_rels/.rels", &relations(&[("r", "officeDocument", "xl/workbook.xml")])),
        ("xl/workbook.xml", &book),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[
                ("a", "worksheet", "worksheets/s1.xml"),
                ("b", "worksheet", "worksheets/s2.xml"),
            ]),
        ),
        ("xl/worksheets/s1.xml", &first),
        ("xl/worksheets/s2.xml", &second),
    ])
}

fn open_document(body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body>{body}</office:body></office:document-content>"
    );
    package(&[("META-INF/manifest.xml", "<manifest/>"), ("content.xml", &content)])
}

fn odt() -> Vec<u8> {
    open_document(
        "<office:text><text:h text:outline-level=\"1\">Rules</text:h><text:p>Free for a night<text:note>\
         <text:note-body><text:p>No anchoring in the fairway.</text:p></text:note-body></text:note>.</text:p></office:text>",
    )
}

fn odp() -> Vec<u8> {
    let page = |words: &str| {
        format!(
            "<draw:page><draw:frame><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame></draw:page>"
        )
    };
    let pages = [page("Fourteen berths"), page("The customs house has a copper roof")].concat();
    open_document(&format!("<office:presentation>{pages}</office:presentation>"))
}

fn book() -> Vec<u8> {
    let page = |body: &str| format!("<html><body>{body}</body></html>");
    package(&[
        ("META-INF/container.xml", "<container><rootfile full-path=\"book.opf\"/></container>"),
        (
            "book.opf",
            "<package><metadata><dc:title>Tides</dc:title></metadata><manifest>\
             <item id=\"a\" href=\"a.xhtml\"/><item id=\"b\" href=\"b.xhtml\"/></manifest>\
             <spine><itemref idref=\"a\"/><itemref idref=\"b\"/></spine></package>",
        ),
        ("a.xhtml", &page("<h1>Foreword</h1><p>This book is about the moon.</p>")),
        ("b.xhtml", &page("<h1>Ebb</h1><p>At the equinox the seaweed is stranded.</p>")),
    ])
}

const NOTEBOOK: &str = r##"{"metadata": {"language_info": {"name": "python"}}, "cells": [
    {"cell_type": "markdown", "source": "# Plankton\n\nCounts of copepods by station."},
    {"cell_type": "code", "source": "copepods.groupby('station').mean()", "outputs": [
        {"output_type": "execute_result", "data": {"text/plain": "station 7   412.5"}}]}]}"##;

const MAILBOX: &str = "From a@b Mon Jan  1 10:00:00 2024\nFrom: Ann <ann@example.com>\nSubject: Ropes\n\nWe need ropes.\n\nFrom a@b Mon Jan  1 11:00:00 2024\nFrom: Bo <bo@example.com>\nSubject: Anchors\n\nThe spare anchor is rusty.\n";

/// A message as Outlook saves it: a folder of streams, by the numbers of their properties.
fn outlook() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("a file");
    let attached = "/__attach_version1.0_#00000000";
    file.create_storage(attached).expect("a folder");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, bytes) in [
        ("/__properties_version1.0".to_owned(), vec![0; 32]),
        ("/__substg1.0_0037001F".to_owned(), wide("Buoy lights")),
        ("/__substg1.0_1000001F".to_owned(), wide("See what is attached.")),
        (format!("{attached}/__properties_version1.0"), vec![0; 8]),
        (format!("{attached}/__substg1.0_3707001F"), wide("lights.txt")),
        (
            format!("{attached}/__substg1.0_37010102"),
            b"The buoy flashes every nine seconds.".to_vec(),
        ),
    ] {
        file.create_stream(name).expect("a stream").write_all(&bytes).expect("its content");
    }
    file.flush().expect("a file");
    file.into_inner().into_inner()
}

/// One document of each kind, with a question, and its citation.
fn documents() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str, Value)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("deck.pptx", deck(), "lighthouse lantern", "pptx", json!({"slide": 2})),
        (
            "fees.xlsx",
            workbook(),
            "fee in Narvik",
            "spreadsheet",
            json!({"sheet": 2, "rows": [2, 3]}),
        ),
        (
            "locks.rtf",
            text(
                "{\\rtf1\\ansi{\\stylesheet{\\s1 heading 1;}}\\s1 Locks\\par\\pard The gatekeeper is Bj\\'f8rn.\\par}",
            ),
            "who is the gatekeeper",
            "rtf",
            json!({"paragraphs": [1, 2]}),
        ),
        ("rules.odt", odt(), "anchoring in the fairway", "odt", json!({"paragraphs": [1, 2]})),
        ("berths.odp", odp(), "copper roof", "odp", json!({"slide": 2})),
        (
            "crew.csv",
            text("Name,Rank\nUlla,\"chief\nstoker\"\nVik,bosun\n"),
            "who is the bosun Vik",
            "csv",
            json!({"lines": [2, 4]}),
        ),
        (
            "buoys.json",
            text(
                "[{\"id\": \"B1\", \"colour\": \"red\"}, {\"id\": \"B2\", \"colour\": \"turquoise\"}]",
            ),
            "turquoise colour",
            "json",
            json!({"record_number": 2}),
        ),
        (
            "log.jsonl",
            text("{\"event\": \"start\"}\n\n{\"event\": \"collision with a whale\"}\n"),
            "collision whale",
            "json",
            json!({"lines": [3, 3]}),
        ),
        (
            "plankton.ipynb",
            text(NOTEBOOK),
            "copepods station",
            "notebook",
            json!({"cells": [1, 2]}),
        ),
        ("tides.epub", book(), "seaweed equinox", "epub", json!({"section": 2})),
        ("lights.msg", outlook(), "buoy flashes seconds", "email", json!({"attachment": 1})),
        ("list.mbox", text(MAILBOX), "spare anchor rusty", "email", json!({"message": 2})),
        (
            "talk.vtt",
            text(
                "WEBVTT\n\n01:23.000 --> 01:25.000\n<v Ann>The capstan turns\n\n01:25.000 --> 01:31.000\n<v Ann>clockwise only.\n",
            ),
            "which way the capstan turns",
            "subtitles",
            json!({"seconds": [83, 91]}),
        ),
        (
            "sails.xml",
            text(
                "<book>\n<title>Sails</title>\n<chapter><title>Genoa</title>\n<para>A genoa overlaps\nthe mast.</para></chapter></book>",
            ),
            "genoa overlaps mast",
            "xml",
            json!({"lines": [2, 5]}),
        ),
        (
            "guide.rst",
            text("Guide\n=====\n\nIntro.\n\nMoorings\n--------\n\nUse the yellow bollards.\n"),
            "yellow bollards",
            "rst",
            json!({"lines": [1, 9]}),
        ),
        (
            "pilots.adoc",
            text("= Pilots\n\n== Hiring\n\nA pilot boards at the outer fairway buoy.\n"),
            "pilot boards fairway",
            "asciidoc",
            json!({"lines": [1, 5]}),
        ),
    ]
}

#[test]
fn every_format_is_found_and_cited_by_its_unit() {
    let env = TestEnv::new();
    for (name, bytes, ..) in documents() {
        env.write(&format!("docs/{name}"), bytes);
    }
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(0).json();
    assert_eq!(report["added"], documents().len(), "{report:#}");
    for (name, _, question, kind, place) in documents() {
        let found = env.run(&["search", question, "--format", "json"]).expect(0).json();
        let hit = &found["hits"][0];
        assert_eq!(hit["source"], format!("docs/{name}"), "{question}: {hit:#}");
        assert_eq!(hit["kind"], kind);
        for (unit, value) in place.as_object().expect("a place") {
            assert_eq!(hit[unit], *value, "{hit:#}");
        }
        let only = env.run(&["search", question, "--kind", kind, "--format", "json"]).json();
        let kinds = only["hits"].as_array().expect("hits").iter().map(|hit| hit["kind"].clone());
        assert!(kinds.into_iter().all(|other| other == kind), "{only:#}");
    }
}

#[test]
fn passages_read_well() {
    let env = TestEnv::new();
    for (name, bytes, ..) in documents() {
        env.write(&format!("docs/{name}"), bytes);
    }
    env.run(&["ingest", "docs"]).expect(0);
    let sources = [
        "deck.pptx",
        "fees.xlsx",
        "crew.csv",
        "buoys.json",
        "plankton.ipynb",
        "tides.epub",
        "list.mbox",
    ];
    let mut shown = String::new();
    for source in sources {
        let (_, _, question, ..) =
            documents().into_iter().find(|(name, ..)| *name == source).expect("a document");
        let glob = format!("docs/{source}");
        let run = env.run(&["search", question, "-k", "1", "--source", &glob]).expect(0);
        shown.push_str(&run.to_string());
    }
    assert_run!(shown);
}

#[test]
fn rows_and_records_are_quoted_with_their_place() {
    let env = TestEnv::new();
    for (name, bytes, ..) in documents() {
        env.write(&format!("docs/{name}"), bytes);
    }
    env.run(&["ingest", "docs"]).expect(0);
    let answer =
        |question: &str| env.run(&["query", question, "--format", "json"]).expect(0).json();
    let fee = answer("What is the fee in Narvik?");
    assert_eq!(fee["answer"], "Port: Narvik | Fee: 95 [1].");
    assert_eq!(fee["citations"][0]["citation"], "docs/fees.xlsx#sheet=2&rows=2-3");
    assert_eq!(fee["citations"][0]["verified"], true);
}

/// Reading the cited lines of a table gives every value of the passage, and no other row.
#[test]
fn lines_of_rows_lead_to_their_values() {
    let env = TestEnv::new();
    let mut table = "id;name;note\r\n".to_owned();
    for n in 0..400 {
        table += &format!("{n};station {n};\"depth {n}\r\nand \"\"more\"\" {n}\"\r\n");
    }
    env.write("docs/stations.csv", &table);
    env.run(&["ingest", "docs"]).expect(0);
    let lines: Vec<&str> = table.split("\r\n").collect();
    for question in ["station 17", "station 399", "depth 250"] {
        let found = env.run(&["search", question, "--format", "json"]).expect(0).json();
        for hit in found["hits"].as_array().expect("hits") {
            let place = |i: usize| hit["lines"][i].as_u64().expect("a line") as usize;
            let cited = lines[place(0) - 1..place(1)].join(" ").replace("\"\"", "\"");
            let rows: Vec<&str> = hit["text"].as_str().expect("text").lines().collect();
            assert_eq!(rows.len() * 2, place(1) - place(0) + 1, "{hit:#}");
            let values = rows.iter().flat_map(|row| row.split(" | "));
            for value in values.map(|pair| pair.split_once(": ").expect("a name").1) {
                assert!(cited.contains(value), "{value:?} is not in {cited:?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_a_row_each() {
    let env = TestEnv::new();
    let encrypted: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    let encrypted = [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), encrypted].concat();
    env.write("docs/good.md", "# Good\n\nThis is fine.\n");
    env.write("docs/locked.xlsx", &encrypted);
    env.write("docs/locked.pptx", &encrypted);
    env.write("docs/cut.pptx", &deck()[..400]);
    env.write("docs/cut.epub", &book()[..300]);
    env.write("docs/cut.xlsx", &workbook()[..500]);
    env.write("docs/deep.json", "[".repeat(10_000));
    env.write("docs/broken.json", "{\"a\": 1,\n \"b\" 2}\n");
    env.write("docs/broken.jsonl", "{\"a\": 1}\n{\"b\" 2}\n{\"c\": 3}\n");
    env.write("docs/open.csv", "a,b\n1,\"never\nclosed\n");
    env.write("docs/broken.ipynb", "{\"cells\": [");
    env.write("docs/words.eml", "just words\n");
    env.write("docs/liar.epub", "I am no book.\n");
    assert_run!(env.run(&["ingest", "docs"]).expect(5), @r#"
    $ docent ingest docs
    exit 5
    --- stdout
    added 1, changed 0, moved 0, deleted 0, unchanged 0, skipped 0, failed 12 in [TIME]
    1 chunk stored, 1 text embedded, 0 reused
    --- stderr
    failed  docs/broken.ipynb  not readable as a notebook: EOF while parsing a list at line 1 column 11
    failed  docs/broken.json   not readable as JSON: expected colon after the string or word in object property at line 2 column 6
    failed  docs/broken.jsonl  line 2: not JSON: expected colon after the string or word in object property (column 6)
    failed  docs/cut.epub      damaged or truncated: the list of its parts is missing: copy or download it again
    failed  docs/cut.pptx      damaged or truncated: the list of its parts is missing: copy or download it again
    failed  docs/cut.xlsx      damaged or truncated: the list of its parts is missing: copy or download it again
    failed  docs/deep.json     not readable as JSON: maximum nesting depth exceeded at line 1 column 513
    failed  docs/liar.epub     named .epub, but it is not an EPUB (it starts with "I am no ")
    failed  docs/locked.pptx   encrypted: a password is needed (open it, and save it without one)
    failed  docs/locked.xlsx   encrypted: a password is needed (open it, and save it without one)
    failed  docs/open.csv      line 2: a quoted cell is never closed
    failed  docs/words.eml     not readable as an e-mail: it has no headers
    "#);
}

/// A small workbook that unpacks to half a gigabyte.
pub(crate) fn bomb() -> Vec<u8> {
    // A sheet whose one cell is half a gigabyte of text.
    let mut zip = {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let start = |zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str| {
            zip.start_file(name, SimpleFileOptions::default()).expect("a part");
        };
        start(&mut zip, "_rels/.rels");
        let rels = relations(&[("r", "officeDocument", "xl/workbook.xml")]);
        zip.write_all(rels.as_bytes()).expect("content");
        start(&mut zip, "xl/workbook.xml");
        let book = format!(
            r#"<workbook xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>"#
        );
        zip.write_all(book.as_bytes()).expect("content");
        start(&mut zip, "xl/_rels/workbook.xml.rels");
        let rels = relations(&[("a", "worksheet", "worksheets/s1.xml")]);
        zip.write_all(rels.as_bytes()).expect("content");
        start(&mut zip, "xl/worksheets/s1.xml");
        zip.write_all(b"<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>").expect("content");
        zip
    };
    let block = vec![b'x'; 1 << 20];
    for _ in 0..512 {
        zip.write_all(&block).expect("content");
    }
    let bomb = zip.finish().expect("a package").into_inner();
    assert!(bomb.len() < 2 << 20);
    bomb
}

#[test]
fn a_bomb_costs_a_row_and_no_memory() {
    let mut env = TestEnv::new();
    env.set("DOCENT_INGEST_EXTRACT_MEMORY", "256MB");
    env.write("docs/bomb.xlsx", bomb());
    env.write("docs/good.md", "# Good\n\nThis is fine.\n");
    let report = env.run(&["ingest", "docs", "--format", "json"]).expect(5).json();
    assert_eq!(report["added"], 1);
    assert_eq!(
        report["failed"][0]["reason"],
        "needed more than 256 MB (raise ingest.extract_memory)"
    );
}

#[test]
fn text_fields_are_chosen_and_kept() {
    let env = TestEnv::new();
    let articles = json!([
        {"id": 1, "title": "Knots", "body": "A bowline does not slip.", "author": "Zacharias"},
        {"id": 2, "title": "Sails", "body": "Reef early.", "author": "Quirinius"},
    ]);
    env.write("docs/articles.json", articles.to_string());
    env.write("docs/readme.md", "# Readme\n\nArticles about boats.\n");
    let ingest = |fields: &[&str]| {
        let mut args = vec!["ingest", "docs", "--format", "json"];
        args.extend(fields.iter().flat_map(|field| ["--text-field", field]));
        env.run(&args).expect(0).json()
    };
    let texts = || {
        let args =
            ["search", "bowline knots", "--kind", "json", "--mode", "sparse", "--format", "json"];
        let found = env.run(&args).json();
        found["hits"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(ingest(&["body"])["added"], 2);
    assert_eq!(texts(), "A bowline does not slip.");
    // Without the flag, what was chosen stays; the other document has no fields to choose.
    assert_eq!(ingest(&[])["unchanged"], 2);
    env.write("docs/articles.json", articles.to_string().replace("slip", "jam"));
    assert_eq!(ingest(&[])["changed"], 1);
    assert_eq!(texts(), "A bowline does not jam.");
    // Another choice changes what has fields, and only that.
    let report = ingest(&["title", "body"]);
    assert_eq!((&report["changed"], &report["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(texts(), "title: Knots\nbody: A bowline does not jam.");
    assert_eq!(ingest(&["*"])["changed"], 1);
    assert!(texts().contains("author: Zacharias"), "{}", texts());
    let failed = env.run(&["ingest", "docs", "--text-field", "nothing"]).expect(5);
    assert!(
        failed.stderr.contains("no field `nothing` in it; it has author, body, id, title"),
        "{failed}"
    );
}
