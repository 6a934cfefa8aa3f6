#![allow(clippy::unwrap_used, reason = "tests")]

use crate::ingest::document::Document;
use crate::ingest::extract::ExtractError;
use crate::ingest::extract::package::tests::{bomb, package};
use crate::ingest::extract::parts::tests::units;
use crate::ingest::extract::worker::WorkerRequest;
use crate::types::DocumentKind;

mod around;
mod numbers;

fn read(source: &str, bytes: &[u8], comments: bool) -> Result<Document, ExtractError> {
    let request = crate::ingest::extract::request(source, DocumentKind::Docx, &[]);
    super::document(&WorkerRequest { comments, ..request }, bytes)
}

fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    read("a.docx", bytes, false)
}

fn with_body(body: &str) -> Vec<u8> {
    let styles = r#"<w:styles xmlns:w="w">
        <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
        <w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
        <w:style w:type="paragraph" w:styleId="Eigen"><w:name w:val="Own"/><w:basedOn w:val="berschrift1"/></w:style>
        <w:style w:type="paragraph" w:styleId="Klausel"><w:name w:val="Clause"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="Kreis"><w:name w:val="Circle"/><w:basedOn w:val="Kreis"/></w:style>
    </w:styles>"#;
    let body = format!(
        r#"<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>"#
    );
    package(&[("word/document.xml", &body), ("word/styles.xml", styles)])
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// The text between marks, with the paragraphs that it comes from.
fn located(bytes: &[u8]) -> Vec<(String, u32, u32)> {
    let document = document(bytes).unwrap();
    units(&document).into_iter().map(|(first, last, text)| (text.to_owned(), first, last)).collect()
}

#[test]
fn parts_in_other_formats_are_read_where_they_stand() {
    let body = r#"<w:document xmlns:w="w" xmlns:r="r"><w:body><w:p><w:r><w:t>Before.</w:t></w:r></w:p>
        <w:altChunk r:id="a"/><w:p><w:r><w:t>Behind.</w:t></w:r></w:p><w:altChunk r:id="b" /><w:altChunk r:id="c"/></w:body></w:document>"#;
    let relation = |id: &str, target: &str| {
        format!(r#"<Relationship Id="{id}" Type="x/aFChunk" Target="{target}"/>"#)
    };
    let related =
        [relation("a", "a.html"), relation("b", "b.txt"), relation("c", "c.bin")].concat();
    let bytes = package(&[
        ("word/document.xml", body),
        ("word/_rels/document.xml.rels", &format!("<Relationships>{related}</Relationships>")),
        (
            "word/a.html",
            "<p>The <b>ferry</b> leaves.<table><tr><th>Port<th>Fee<tr><td>Oslo<td>3</table>",
        ),
        ("word/b.txt", "Plain."),
        ("word/c.bin", "?"),
    ]);
    let found = document(&bytes).unwrap();
    assert_eq!(
        found.text,
        "Before.\n\nThe ferry leaves.\n\nPort: Oslo | Fee: 3\n\nBehind.\n\nPlain."
    );
    let message = "parts in another format are not read: word/c.bin (unsupported type); save it again in Word";
    assert_eq!(found.warnings[0].message, message);
}

#[test]
fn paragraphs_become_markdown() {
    let list = r#"<w:numPr><w:ilvl w:val="0"/><w:numId w:val="3"/></w:numPr>"#;
    let deeper = r#"<w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr>"#;
    let body = [
        paragraph(r#"<w:pStyle w:val="Titel"/>"#, "Policy"),
        paragraph(r#"<w:pStyle w:val="berschrift1"/>"#, "Scope"),
        paragraph("", "Backups &amp; restores &#8212; all."),
        paragraph("", ""),
        paragraph(list, "one"),
        paragraph(deeper, "two"),
        paragraph(r#"<w:pStyle w:val="Eigen"/>"#, "Own"),
        paragraph(r#"<w:pStyle w:val="Klausel"/>"#, "Clause"),
        paragraph(r#"<w:pStyle w:val="Kreis"/>"#, "circle"),
        paragraph(r#"<w:pStyle w:val="Heading2"/>"#, "No such style"),
    ]
    .concat();
    let bytes = with_body(&body);
    let found = located(&bytes);
    let expected = [
        ("# Policy", 1),
        ("# Scope", 2),
        ("Backups & restores — all.", 3),
        ("- one", 5),
        ("  - two", 6),
        ("# Own", 7),
        ("### Clause", 8),
        ("circle", 9),
        ("## No such style", 10),
    ];
    let expected: Vec<_> = expected.map(|(text, n)| (text.to_owned(), n, n)).into();
    assert_eq!(found, expected);
    let document = document(&bytes).unwrap();
    assert_eq!(document.title, "Policy");
    assert!(document.text.contains("- one\n  - two\n\n# Own"));
}

#[test]
fn runs_and_breaks_are_joined_and_other_content_is_skipped() {
    for (inner, expected) in [
        ("<w:r><w:t>a</w:t></w:r><w:r><w:t xml:space=\"preserve\"> b</w:t></w:r>", "a b"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a b\nc"),
        ("<w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr><w:r><w:t>a</w:t></w:r>", "a"),
        ("<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:t>a</w:t></w:r>", "a"),
        (
            "<w:del><w:r><w:t>gone</w:t></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins>",
            "new",
        ),
        ("<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:r><w:t>a</w:t></w:r>", "a"),
        ("<w:r><w:instrText>PAGEREF x</w:instrText></w:r><w:r><w:t>a</w:t></w:r>", "a"),
        ("<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>", "link"),
        ("<w:r><w:t>well</w:t><w:noBreakHyphen/><w:t>known</w:t></w:r>", "well-known"),
    ] {
        let found = located(&with_body(&format!("<w:p>{inner}</w:p>")));
        assert_eq!(found, [(expected.to_owned(), 1, 1)], "{inner}");
    }
}

#[test]
fn tables_and_text_boxes() {
    let cell = |inner: &str| format!("<w:tc>{inner}</w:tc>");
    let row = |cells: &[&str]| {
        let cells: String = cells.iter().map(|text| cell(&paragraph("", text))).collect();
        format!("<w:tr>{cells}</w:tr>")
    };
    let nested = format!("<w:tbl>{}</w:tbl>", row(&["x", "y"]));
    let body = [
        paragraph("", "before"),
        format!("<w:tbl>{}{}</w:tbl>", row(&["key", "value"]), row(&["a", "b"])),
        format!("<w:tbl>{}</w:tbl>", row(&["framed"])),
        format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell(&paragraph("", "out")), cell(&nested)),
        "<w:p><w:r><w:t>anchor</w:t><mc:AlternateContent><mc:Choice><w:txbxContent>".to_owned(),
        paragraph("", "boxed"),
        "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>".to_owned(),
        paragraph("", "boxed"),
        "</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>".to_owned(),
        paragraph("", "after"),
    ]
    .concat();
    let found = located(&with_body(&body));
    let expected = [
        ("before", 1, 1),
        ("key | value", 2, 3),
        ("a | b", 4, 5),
        ("framed", 6, 6),
        ("out | x y", 7, 9),
        ("boxed", 11, 11),
        ("anchor", 10, 10),
        ("after", 12, 12),
    ];
    let expected: Vec<_> = expected.map(|(text, a, b)| (text.to_owned(), a, b)).into();
    assert_eq!(found, expected);
}

#[test]
fn rows_carry_the_names_of_their_columns() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", paragraph("", text))
    };
    let (span, starts, goes_on) =
        (r#"<w:gridSpan w:val="2"/>"#, r#"<w:vMerge w:val="restart"/>"#, "<w:vMerge/>");
    let rows = [
        [cell(starts, "Port"), cell(span, "Fee")].concat(),
        [cell(goes_on, ""), cell("", "winter"), cell("", "summer")].concat(),
        [cell("", "Bergen"), cell("", "3"), cell("", "5")].concat(),
        cell(r#"<w:gridSpan w:val="3"/>"#, "South"),
        [cell("", "Genoa"), cell(span, "7")].concat(),
    ];
    let rows = rows.iter().map(|row| format!("<w:tr>{row}</w:tr>")).collect::<Vec<_>>().concat();
    let body = paragraph("", "Fees") + "<w:tbl>" + &rows + "</w:tbl>" + &paragraph("", "after");
    let expected = [
        ("Fees", 1, 1),
        ("Port: Bergen | Fee, winter: 3 | Fee, summer: 5", 7, 9),
        ("South", 10, 10),
        ("Port: Genoa | Fee, winter: 7 | Fee, summer: 7", 11, 12),
        ("after", 13, 13),
    ];
    let expected: Vec<_> = expected.map(|(text, a, b)| (text.to_owned(), a, b)).into();
    assert_eq!(located(&with_body(&body)), expected);
    assert!(document(&with_body(&body)).unwrap().text.contains("5\nSouth\nPort"));
}

#[test]
fn the_title_of_the_properties_comes_first() {
    let body = "<w:document><w:p><w:r><w:t>x</w:t></w:r></w:p></w:document>";
    let core = "<cp:coreProperties><dc:title>Terms &amp; Conditions</dc:title></cp:coreProperties>";
    let bytes = package(&[("word/document2.xml", body), ("docProps/core.xml", core)]);
    assert_eq!(document(&bytes).unwrap().title, "Terms & Conditions");
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| document(bytes).unwrap_err().to_string();
    let old = "a renamed .doc file: open it in Office or LibreOffice and save it again";
    assert_eq!(reason(b"\xD0\xCF\x11\xE0\xA1\xB1"), old);
    assert_eq!(
        reason(b"%PDF-1.7"),
        "named .docx, but it is not a DOCX (it is a PDF file): name it .pdf"
    );
    assert_eq!(
        reason(&package(&[("xl/workbook.xml", "<x/>")])),
        "named .docx, but it holds no Word document: unpack it, and name what is in it"
    );
    let whole = with_body(&paragraph("", "text"));
    assert!(reason(&whole[..whole.len() / 2]).starts_with("damaged"));
    assert!(reason(&with_body("<w:p><w:r></w:p>")).starts_with("damaged"));
}

#[test]
fn a_bomb_is_refused() {
    let bytes = bomb(&[], "word/document.xml");
    assert!(bytes.len() < 1 << 20);
    let reason = document(&bytes).unwrap_err().to_string();
    assert_eq!(reason, "too large: word/document.xml is more than 128 MB when unpacked");
}
