#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::package::tests::{bomb, package};
use crate::ingest::extract::parts::tests::units;

fn page(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><html><head><title>x</title></head>\
         <body>{body}</body></html>"
    )
}

/// A book with a cover, its contents and three sections; the last continues with a chapter.
pub(in crate::ingest::extract) fn parts() -> Vec<(&'static str, String)> {
    let container =
        "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>";
    let opf = "<package><metadata><dc:title>The &amp; Book</dc:title></metadata><manifest>\
        <item id=\"two\" href=\"text/two%20b.xhtml\" media-type=\"application/xhtml+xml\"/>\
        <item id=\"nav\" href=\"nav.xhtml\" properties=\"nav\" media-type=\"application/xhtml+xml\"/>\
        <item id=\"one\" href=\"text/one.xhtml\" media-type=\"application/xhtml+xml\"/>\
        <item id=\"more\" href=\"text/more.xhtml\" media-type=\"application/xhtml+xml\"/>\
        <item id=\"ncx\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/></manifest>\
        <spine toc=\"ncx\"><itemref idref=\"nav\"/><itemref idref=\"one\"/><itemref idref=\"two\"/>\
        <itemref idref=\"more\"/></spine></package>";
    let nav = "<html><body><nav epub:type=\"landmarks\"><a href=\"text/more.xhtml\">no</a></nav>\
        <nav epub:type=\"toc\"><ol><li><a href=\"text/one.xhtml#top\">Chapter <i>one</i></a></li>\
        <li><a href=\"text/two%20b.xhtml\">Two</a></li></ol></nav></body></html>";
    let ncx = "<ncx><navMap><navPoint><navLabel><text>One by ncx</text></navLabel>\
        <content src=\"text/one.xhtml\"/></navPoint></navMap></ncx>";
    vec![
        ("META-INF/container.xml", container.to_owned()),
        ("OEBPS/book.opf", opf.to_owned()),
        ("OEBPS/nav.xhtml", nav.to_owned()),
        ("OEBPS/toc.ncx", ncx.to_owned()),
        ("OEBPS/text/one.xhtml", page("<p>It was a caf&eacute;.</p>")),
        ("OEBPS/text/two b.xhtml", page("<h2>The second</h2><p>It rained.</p>")),
        ("OEBPS/text/more.xhtml", page("<p>It went on.</p>")),
    ]
}

fn packed(parts: &[(&str, String)]) -> Vec<u8> {
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, xml)| (*name, xml.as_str())).collect();
    package(&parts)
}

fn headings(document: &Document) -> Vec<String> {
    document.sections.iter().map(|section| section.headings.join(" > ")).collect()
}

#[test]
fn sections_in_reading_order_under_their_chapters() {
    let document = document(&packed(&parts())).unwrap();
    assert_eq!(document.title, "The & Book");
    let expected =
        [(2, 2, "It was a café."), (3, 3, "## The second\n\nIt rained."), (4, 4, "It went on.")];
    assert_eq!(units(&document), expected);
    assert_eq!(headings(&document), ["Chapter one", "", "Two"]);
}

#[test]
fn the_older_table_of_contents() {
    let mut parts = parts();
    parts.retain(|(name, _)| *name != "OEBPS/nav.xhtml");
    let opf = parts[1].1.replace("<itemref idref=\"nav\"/>", "").replace("properties=\"nav\"", "");
    parts[1].1 = opf;
    let document = document(&packed(&parts)).unwrap();
    assert_eq!(headings(&document), ["One by ncx", "", "One by ncx"]);
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| document(bytes).unwrap_err().to_string();
    assert_eq!(
        reason(b"%PDF-1.7"),
        "named .epub, but it is not an EPUB (it is a PDF file): name it .pdf"
    );
    assert_eq!(
        reason(&package(&[("a", "b")])),
        "named .epub, but it has no META-INF/container.xml"
    );
    let whole = packed(&parts());
    assert!(reason(&whole[..whole.len() / 2]).starts_with("damaged or truncated"));
    let mut lacking = parts();
    lacking.pop();
    let missing = "damaged or truncated: it lacks OEBPS/text/more.xhtml";
    assert_eq!(reason(&packed(&lacking)), missing);
    let mut protected = parts();
    let uri = "<encryption><CipherReference URI=\"OEBPS/text/two%20b.xhtml\"/></encryption>";
    protected.push(("META-INF/encryption.xml", uri.to_owned()));
    assert_eq!(reason(&packed(&protected)), "encrypted: its text is protected (DRM)");
    let parts: Vec<(&str, &str)> =
        lacking.iter().map(|(name, xml)| (*name, xml.as_str())).collect();
    assert_eq!(
        reason(&bomb(&parts, "OEBPS/text/more.xhtml")),
        "too large: OEBPS/text/more.xhtml is more than 128 MB when unpacked"
    );
}

#[test]
fn pictures_in_the_reading_order_are_skipped() {
    let mut parts = parts();
    let opf = parts[1].1.replace(
        "<item id=\"more\"",
        "<item id=\"map\" href=\"map.png\" media-type=\"image/png\" fallback=\"more\"/>\
         <item id=\"cover\" href=\"map.png\" media-type=\"image/png\" fallback=\"cover\"/>\
         <item id=\"odd\" href=\"map.png\" media-type=\"application/xhtml+xml\"/><item id=\"more\"",
    );
    let opf = opf.replace(
        "<itemref idref=\"more\"/>",
        "<itemref idref=\"map\"/><itemref idref=\"cover\"/><itemref idref=\"odd\"/>",
    );
    parts[1].1 = opf;
    parts.push(("OEBPS/map.png", "GIF89a no text".to_owned()));
    let book = document(&packed(&parts)).unwrap();
    let expected = [(2, "It was a café."), (3, "## The second\n\nIt rained."), (4, "It went on.")];
    let found: Vec<(u32, &str)> =
        units(&book).into_iter().map(|(number, _, text)| (number, text)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_page_is_not_read_again_for_a_picture() {
    let mut parts = parts();
    let opf = parts[1].1.replace(
        "<item id=\"more\"",
        "<item id=\"map\" href=\"map.png\" media-type=\"image/png\" fallback=\"more\"/><item id=\"more\"",
    );
    parts[1].1 = opf
        .replace("<itemref idref=\"more\"/>", "<itemref idref=\"map\"/><itemref idref=\"more\"/>");
    parts.push(("OEBPS/map.png", "GIF89a no text".to_owned()));
    let book = document(&packed(&parts)).unwrap();
    assert_eq!(book.text.matches("It went on.").count(), 1, "{}", book.text);
}

#[test]
fn notes_and_readings_of_a_page() {
    let mut parts = parts();
    parts[4].1 = page(
        "<p><ruby>\u{6771}<rp>(</rp><rt>\u{3068}\u{3046}</rt><rp>)</rp>\u{4eac}<rt>\u{304d}\u{3087}\u{3046}</rt></ruby> has a sextant.\
         <a epub:type=\"noteref\" href=\"#n\">1</a></p><aside epub:type=\"footnote\" id=\"n\">Bought in Lisbon.</aside>",
    );
    let book = document(&packed(&parts)).unwrap();
    let text = &units(&book)[0].2;
    assert!(text.starts_with("\u{6771}\u{4eac} has a sextant.[1]"), "{text}");
    assert!(text.ends_with("Bought in Lisbon."), "{text}");
}
