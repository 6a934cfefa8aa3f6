#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::package::tests::package;
use crate::ingest::extract::parts::tests::units;

const STYLES: &str = r#"<office:document-styles><office:styles>
    <style:style style:name="Title" style:family="paragraph"/>
    <style:style style:name="Gone" style:family="text"><style:text-properties text:display="none"/></style:style>
    <text:outline-style style:name="Outline">
      <text:outline-level-style text:level="1" style:num-format="1" style:num-suffix="."/>
      <text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2" style:num-prefix="§ "/>
    </text:outline-style></office:styles></office:document-styles>"#;

const LISTS: &str = r#"<office:automatic-styles>
    <style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>
    <style:style style:name="P9" style:family="paragraph" style:parent-style-name="P9"/>
    <text:list-style style:name="L1">
      <text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
      <text:list-level-style-number text:level="2" style:num-format="a" style:num-prefix="(" style:num-suffix=")"/>
    </text:list-style>
    <text:list-style style:name="L2"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/></text:list-style>
    </office:automatic-styles>"#;

pub(in crate::ingest::extract) fn parts(kind: &str, body: &str) -> Vec<(String, String)> {
    let content = format!(
        "<office:document-content>{LISTS}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    );
    [
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", "<m/>"),
        ("styles.xml", STYLES),
        ("content.xml", &content),
    ]
    .map(|(name, part)| (name.to_owned(), part.to_owned()))
    .into()
}

fn packed(parts: &[(String, String)]) -> Vec<u8> {
    package(&parts.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect::<Vec<_>>())
}

fn text_of(body: &str) -> String {
    text("a.odt", &packed(&parts("text", body)), false).unwrap().text
}

/// A text with everything that the reader knows.
pub(in crate::ingest::extract) const BODY: &str = r#"<text:p text:style-name="P1">Terms of the port</text:p>
    <text:h text:outline-level="1">Scope</text:h>
    <text:h text:outline-level="2">Fees</text:h>
    <text:p>Due<text:s text:c="2"/>on <text:span>Monday</text:span><text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>Not in May.</text:p></text:note-body></text:note>, at<text:line-break/>noon<text:span text:style-name="Gone">HIDDEN</text:span>.</text:p>
    <text:list text:style-name="L1" xml:id="l1"><text:list-item><text:p>one</text:p>
      <text:list><text:list-item><text:p>deep</text:p></text:list-item></text:list></text:list-item>
      <text:list-item><text:p>two</text:p><text:p>goes on</text:p></text:list-item></text:list>
    <text:list text:style-name="L2"><text:list-item><text:p>point</text:p></text:list-item></text:list>
    <text:list text:style-name="L1" text:continue-list="l1"><text:list-item><text:p>three</text:p></text:list-item></text:list>
    <text:list text:style-name="L1"><text:list-item text:start-value="7"><text:p>seven</text:p></text:list-item></text:list>
    <table:table><table:table-column/><table:table-header-rows><table:table-row><table:table-cell table:number-rows-spanned="1"><text:p>Port</text:p></table:table-cell>
      <table:table-cell table:number-columns-spanned="2"><text:p>Fee</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table-header-rows>
      <table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>Oslo</text:p></table:table-cell><table:table-cell><text:p>1</text:p></table:table-cell><table:table-cell><text:p>2</text:p></table:table-cell></table:table-row>
      <table:table-row><table:covered-table-cell/><table:table-cell table:number-columns-spanned="2"><text:p>3</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table>
    <text:h text:outline-level="2">Law</text:h>"#;

#[test]
fn paragraphs_become_markdown() {
    let document = text("a.odt", &packed(&parts("text", BODY)), false).unwrap();
    assert_eq!(document.title, "Terms of the port");
    let expected = [
        (1, 1, "# Terms of the port"),
        (2, 2, "# 1. Scope"),
        (3, 3, "## § 1.1 Fees"),
        (4, 4, "Due on Monday, at\nnoon.\nNot in May."),
        (5, 5, "1. one"),
        (6, 6, "(a) deep"),
        (7, 7, "2. two"),
        (8, 8, "goes on"),
        (9, 9, "- point"),
        (10, 10, "3. three"),
        (11, 11, "7. seven"),
        (14, 16, "Port: Oslo | Fee: 1 | Fee: 2"),
        (17, 17, "Port: Oslo | Fee: 3 | Fee: 3"),
        (18, 18, "## § 1.2 Law"),
    ];
    assert_eq!(units(&document), expected);
}

#[test]
fn other_content_is_left_out() {
    for (body, expected) in [
        (
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>a</text:p>",
            "a",
        ),
        (
            "<text:p>a<draw:frame><svg:title>t</svg:title><svg:desc>d</svg:desc></draw:frame></text:p>",
            "a",
        ),
        (
            "<text:p><draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>a</text:p>",
            "boxed\n\na",
        ),
        (
            "<text:p>a<office:annotation><dc:creator>Ann</dc:creator><dc:date>2024</dc:date><text:p>why?</text:p></office:annotation>b</text:p>",
            "ab",
        ),
        ("<text:p>on <text:date>May 1</text:date></text:p>", "on May 1"),
        (
            "<text:p><math:math><math:semantics><math:mi>E</math:mi><math:annotation>E = m c^2</math:annotation></math:semantics></math:math></text:p>",
            "E = m c^2",
        ),
        ("<text:p text:style-name=\"P9\">circle</text:p>", "circle"),
    ] {
        assert_eq!(text_of(body), expected, "{body}");
    }
    let body = "<text:p>a<office:annotation><dc:creator>Ann</dc:creator><dc:date>2024</dc:date><text:p>why?</text:p></office:annotation></text:p>";
    let with = text("a.odt", &packed(&parts("text", body)), true).unwrap().text;
    assert_eq!(with, "a\nComment by Ann: why?");
}

#[test]
fn formatting_that_changes_what_a_text_says() {
    let style = |name: &str, properties: &str| {
        format!(
            "<style:style style:name=\"{name}\" style:family=\"text\"><style:text-properties {properties}/></style:style>"
        )
    };
    let styles = [
        style("Up", "style:text-position=\"super 58%\""),
        style("Higher", "style:text-position=\"33% 58%\""),
        style("Low", "style:text-position=\"-33% 58%\""),
        style("Level", "style:text-position=\"0% 100%\""),
        style("Out", "style:text-line-through-style=\"solid\""),
        style("Not", "style:text-line-through-style=\"none\""),
    ];
    let span = |name: &str, text: &str| {
        format!("<text:span text:style-name=\"{name}\">{text}</text:span>")
    };
    for (inner, expected) in [
        (format!("10{} or 10{}", span("Up", "6"), span("Higher", "-6")), "10⁶ or 10⁻⁶"),
        (format!("H{}O at 10{}", span("Low", "2"), span("Level", "6")), "H₂O at 106"),
        (format!("{} 40", span("Out", &format!("10{}", span("Up", "2")))), "~~10²~~ 40"),
        (span("Not", "50"), "50"),
    ] {
        let styles = format!(
            "</office:text><office:automatic-styles>{}</office:automatic-styles><office:text>",
            styles.concat()
        );
        assert_eq!(text_of(&format!("{styles}<text:p>{inner}</text:p>")), expected, "{inner}");
    }
}

#[test]
fn hidden_rows_are_not_headers() {
    let row = |attributes: &str, cells: [&str; 2]| {
        let cells = cells
            .map(|cell| format!("<table:table-cell><text:p>{cell}</text:p></table:table-cell>"));
        format!("<table:table-row {attributes}>{}</table:table-row>", cells.concat())
    };
    let rows = [
        row("table:visibility=\"collapse\"", ["Draft", "Internal"]),
        row("table:visibility=\"visible\"", ["Port", "Fee"]),
        row("", ["Oslo", "3"]),
    ];
    let table = format!("<table:table>{}</table:table>", rows.concat());
    assert_eq!(text_of(&table), "Port: Oslo | Fee: 3");
}

#[test]
fn objects_follow_their_paragraph() {
    let body = r#"<text:p>See <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>.</text:p><text:p><draw:object xlink:href="./Object 2"/></text:p>"#;
    let mut parts = parts("text", body);
    let formula = "<math><semantics><mi>x</mi><annotation encoding=\"StarMath 5.0\">{a} over {b}</annotation></semantics></math>";
    let chart = "<office:document-content><office:chart><chart:chart><chart:title><text:p>Ships</text:p></chart:title><table:table><table:table-header-rows><table:table-row><table:table-cell><text:p/></table:table-cell><table:table-cell><text:p>Bergen</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-rows><table:table-row><table:table-cell><text:p>May</text:p></table:table-cell><table:table-cell><text:p>4</text:p></table:table-cell></table:table-row></table:table-rows></table:table></chart:chart></office:chart></office:document-content>";
    parts.push(("Object 1/content.xml".to_owned(), formula.to_owned()));
    parts.push(("Object 2/content.xml".to_owned(), chart.to_owned()));
    let found = text("a.odt", &packed(&parts), false).unwrap().text;
    assert_eq!(found, "See {a} over {b}.\n\nShips\n\nMay | Bergen: 4");
}

pub(in crate::ingest::extract) const SLIDES: &str = r#"
    <draw:page draw:name="p1"><draw:frame presentation:class="outline" svg:x="1cm" svg:y="5cm" svg:width="10cm" svg:height="5cm"><draw:text-box>
        <text:list text:style-name="L2"><text:list-item><text:p>Kept for 400 days</text:p><text:list><text:list-item><text:p>in two regions</text:p></text:list-item></text:list></text:list-item></text:list></draw:text-box></draw:frame>
      <draw:frame presentation:class="title" svg:x="1cm" svg:y="1cm" svg:width="20cm" svg:height="2cm"><draw:text-box><text:p>Backups</text:p></draw:text-box></draw:frame>
      <draw:g><draw:custom-shape svg:x="1cm" svg:y="12cm" svg:width="3cm" svg:height="1cm"><text:p>left</text:p></draw:custom-shape><draw:custom-shape svg:x="1cm" svg:y="14cm" svg:width="3cm" svg:height="1cm"><text:p>below</text:p></draw:custom-shape></draw:g>
      <draw:custom-shape svg:x="120mm" svg:y="50mm" svg:width="30mm" svg:height="10mm"><text:p>right</text:p></draw:custom-shape>
      <draw:frame presentation:class="page-number" svg:x="1cm" svg:y="0cm"><draw:text-box><text:p>7</text:p></draw:text-box></draw:frame>
      <presentation:notes><draw:page-thumbnail/><draw:frame presentation:class="notes"><draw:text-box><text:p>Ask Ann.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>
    <draw:page draw:name="p2" draw:style-name="dp2"><draw:frame><draw:text-box><text:p>never</text:p></draw:text-box></draw:frame></draw:page>
    <draw:page draw:name="p3"><draw:frame><table:table><table:table-row><table:table-cell><text:p>Port</text:p></table:table-cell><table:table-cell><text:p>Fee</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>Oslo</text:p></table:table-cell><table:table-cell><text:p>7</text:p></table:table-cell></table:table-row></table:table></draw:frame></draw:page>"#;

#[test]
fn slides_as_pages() {
    let mut parts = parts("presentation", SLIDES);
    let hidden = "<style:style style:name=\"dp2\" style:family=\"drawing-page\"><style:drawing-page-properties presentation:visibility=\"hidden\"/></style:style></office:automatic-styles>";
    parts[3].1 = parts[3].1.replace("</office:automatic-styles>", hidden);
    let document = presentation("a.odp", &packed(&parts)).unwrap();
    let first = "# Backups\n\n- Kept for 400 days\n  - in two regions\n\nleft\n\nbelow\n\nright\n\n## Notes\n\nAsk Ann.";
    assert_eq!(units(&document), [(1, 1, first), (3, 3, "Port: Oslo | Fee: 7")]);
    assert_eq!(document.title, "Backups");
    assert_eq!(document.warnings[0].message, "slide 2 is hidden, and is left out");
}

#[test]
fn pictures_are_read_as_their_alternative_text() {
    let frame = |described: &str| {
        format!(
            "<draw:frame><draw:image xlink:href=\"Pictures/1.png\"/><svg:title>Image1</svg:title>\
             <svg:desc>{described}</svg:desc></draw:frame>"
        )
    };
    let body = format!("<text:p>See:{}{}</text:p>", frame("A map"), frame("Image 2"));
    let document = text("a.odt", &packed(&parts("text", &body)), false).unwrap();
    assert_eq!(document.text, "See:\n\nPicture: A map");
    let page = |described: &str| format!("<draw:page>{}</draw:page>", frame(described));
    let slides = [page(""), page("A map of the quays")].concat();
    let document = presentation("a.odp", &packed(&parts("presentation", &slides))).unwrap();
    assert_eq!(units(&document), [(2, 2, "Picture: A map of the quays")]);
    let said =
        "slide 1 is a picture, and is not read: save the file as PDF, where pictures are read";
    assert_eq!(document.warnings[0].message, said);
}

#[test]
fn flat_files_are_read() {
    let flat = format!(
        "<?xml version=\"1.0\"?><office:document><office:meta><dc:title>Flat</dc:title></office:meta>{LISTS}<office:body><office:text><text:p>words</text:p></office:text></office:body></office:document>"
    );
    let document = text("a.fodt", flat.as_bytes(), false).unwrap();
    assert_eq!((document.title.as_str(), document.text.as_str()), ("Flat", "words"));
    let reason = text("a.fodt", b"<html>", false).unwrap_err().to_string();
    assert_eq!(reason, "named .fodt, but it is not an ODT");
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| text("a.odt", bytes, false).unwrap_err().to_string();
    assert_eq!(
        reason(b"%PDF-1.7"),
        "named .odt, but it is not an ODT (it is a PDF file): name it .pdf"
    );
    assert_eq!(reason(&packed(&parts("spreadsheet", ""))), "named .odt, but it is not an ODT");
    let mut locked = parts("text", BODY);
    locked[1].1 = "<manifest:encryption-data/>".to_owned();
    assert_eq!(
        reason(&packed(&locked)),
        "encrypted: a password is needed (open it, and save it without one)"
    );
    let whole = packed(&parts("text", BODY));
    assert!(reason(&whole[..whole.len() / 2]).starts_with("damaged"));
}

#[test]
fn hostile_files_end() {
    let deep = |open: &str, close: &str, n: usize| {
        format!("{}<text:p>x</text:p>{}", open.repeat(n), close.repeat(n))
    };
    let lists = deep("<text:list><text:list-item>", "</text:list-item></text:list>", 50_000);
    assert!(text_of(&lists).ends_with("- x"));
    let rows = "<table:table><table:table-row><table:table-cell table:number-columns-repeated=\"4294967295\" table:number-rows-spanned=\"4294967295\" table:number-columns-spanned=\"4294967295\"><text:p>x</text:p></table:table-cell></table:table-row></table:table>";
    assert!(text_of(rows).contains('x'));
    let groups = deep("<draw:g>", "</draw:g>", 50_000);
    let slides = format!("<draw:page>{groups}</draw:page>");
    assert_eq!(presentation("a.odp", &packed(&parts("presentation", &slides))).unwrap().text, "x");
    let spaces = "<text:p>a<text:s text:c=\"4294967295\"/>b</text:p>";
    assert_eq!(text_of(spaces), "a b");
}
