#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::package::tests::{bomb, package};
use crate::ingest::extract::parts::tests::units;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A part that lists relations, as id, kind and target.
fn rels(relations: &[(&str, &str, &str)]) -> String {
    let all = relations
        .iter()
        .map(|(id, kind, target)| {
            format!(r#"<Relationship Id="{id}" Type="{RELATIONS}/{kind}" Target="{target}"/>"#)
        })
        .collect::<Vec<_>>()
        .concat();
    format!("<Relationships>{all}</Relationships>")
}

fn shape(placeholder: &str, paragraphs: &[&str]) -> String {
    let paragraphs = paragraphs
        .iter()
        .map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<p:sp><p:nvSpPr><p:cNvPr id=\"2\"/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr>\
         <p:txBody>{paragraphs}</p:txBody></p:sp>"
    )
}

fn slide(shapes: &str) -> String {
    format!("<p:sld><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
}

/// A presentation that shows its second part first.
pub(in crate::ingest::extract) fn parts() -> Vec<(String, String)> {
    let title = shape(r#"<p:ph type="title"/>"#, &["Backups &amp; restores"]);
    let body = "<p:sp><p:nvPr><p:ph idx=\"1\"/></p:nvPr><p:txBody>\
        <a:p><a:r><a:t>Kept for </a:t></a:r><a:r><a:t>400 days</a:t></a:r></a:p>\
        <a:p><a:pPr lvl=\"1\"/><a:r><a:t>in two regions</a:t></a:r></a:p>\
        <a:p><a:pPr><a:buNone/></a:pPr><a:r><a:t>No</a:t></a:r><a:br/><a:r><a:t>bullet</a:t></a:r></a:p>\
        </p:txBody></p:sp>";
    let table = "<p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Plan</a:t></a:r></a:p>\
        </a:txBody></a:tc><a:tc><a:p><a:r><a:t>Price</a:t></a:r></a:p></a:tc></a:tr>\
        <a:tr><a:tc><a:p><a:r><a:t>Team</a:t></a:r></a:p></a:tc><a:tc><a:p/></a:tc></a:tr></a:tbl></p:graphicFrame>";
    let fallback = format!("<mc:Fallback>{}</mc:Fallback>", shape("", &["twice"]));
    let footer = shape(r#"<p:ph type="sldNum"/>"#, &["7"]);
    let first = slide(&[body, &title, table, &fallback, &footer].concat());
    let second = slide(&shape("", &["Only a box"]));
    let notes = slide(
        &[shape(r#"<p:ph type="sldImg"/>"#, &[]), shape(r#"<p:ph type="body"/>"#, &["Ask Ann."])]
            .concat(),
    );
    let diagram = "<dgm:dataModel><dgm:pt><dgm:t><a:p><a:r><a:t>Step one</a:t></a:r></a:p></dgm:t>\
        </dgm:pt></dgm:dataModel>";
    let order = "<p:presentation><p:sldIdLst><p:sldId id=\"256\" r:id=\"rId3\"/>\
        <p:sldId id=\"257\" r:id=\"rId2\"/></p:sldIdLst></p:presentation>";
    let part = |name: &str, xml: &str| (name.to_owned(), xml.to_owned());
    vec![
        part("_rels/.rels", &rels(&[("rId1", "officeDocument", "ppt/presentation.xml")])),
        part("ppt/presentation.xml", order),
        part(
            "ppt/_rels/presentation.xml.rels",
            &rels(&[
                ("rId2", "slide", "slides/slide1.xml"),
                ("rId3", "slide", "/ppt/slides/slide2.xml"),
            ]),
        ),
        part("ppt/slides/slide1.xml", &second),
        part(
            "ppt/slides/_rels/slide1.xml.rels",
            &rels(&[("rId1", "diagramData", "../diagrams/data1.xml")]),
        ),
        part("ppt/diagrams/data1.xml", diagram),
        part("ppt/slides/slide2.xml", &first),
        part(
            "ppt/slides/_rels/slide2.xml.rels",
            &rels(&[("rId1", "notesSlide", "../notesSlides/notesSlide1.xml")]),
        ),
        part("ppt/notesSlides/notesSlide1.xml", &notes),
    ]
}

fn packed(parts: &[(String, String)]) -> Vec<u8> {
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(name, xml)| (name.as_str(), xml.as_str())).collect();
    package(&parts)
}

#[test]
fn slides_in_their_order_with_notes_tables_and_diagrams() {
    let document = document(&packed(&parts())).unwrap();
    assert_eq!(document.title, "Backups & restores");
    let first = "# Backups & restores\n\n- Kept for 400 days\n  - in two regions\n\nNo\nbullet\n\n\
        Plan | Price\nTeam\n\n## Notes\n\nAsk Ann.";
    let found = units(&document);
    assert_eq!(found, [(1, 1, first), (2, 2, "Only a box\n\n- Step one")]);
    assert_eq!(document.sections.len(), 2);
}

#[test]
fn rows_carry_the_names_of_their_columns() {
    let cell = |attributes: &str, text: &str| {
        format!(
            "<a:tc {attributes}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
        )
    };
    let rows = [
        [cell("", "Port"), cell("gridSpan=\"2\"", "Fee"), cell("hMerge=\"1\"", "")].concat(),
        [cell("rowSpan=\"2\"", "Bergen"), cell("", "3"), cell("", "5")].concat(),
        [cell("vMerge=\"1\"", ""), cell("", "4"), cell("", "6")].concat(),
    ];
    let rows = rows.iter().map(|row| format!("<a:tr>{row}</a:tr>")).collect::<Vec<_>>().concat();
    let table = format!(
        "<p:sld><p:graphicFrame><a:tbl><a:tblPr firstRow=\"1\"/>{rows}</a:tbl></p:graphicFrame></p:sld>"
    );
    let mut parts = parts();
    parts[3].1 = table;
    let document = document(&packed(&parts)).unwrap();
    let expected = "Port: Bergen | Fee: 3 | Fee: 5\nPort: Bergen | Fee: 4 | Fee: 6\n\n- Step one";
    assert_eq!(units(&document)[1].2, expected);
}

#[test]
fn a_title_of_the_properties_comes_first_unless_it_says_nothing() {
    for (core, expected) in
        [("Quarterly", "Quarterly"), ("PowerPoint Presentation", "Backups & restores")]
    {
        let mut parts = parts();
        let xml = format!("<cp:coreProperties><dc:title>{core}</dc:title></cp:coreProperties>");
        parts.push(("docProps/core.xml".to_owned(), xml));
        assert_eq!(document(&packed(&parts)).unwrap().title, expected);
    }
}

#[test]
fn what_is_no_presentation_is_named() {
    let reason = |bytes: &[u8]| document(bytes).unwrap_err().to_string();
    assert_eq!(reason(b"%PDF-1.7"), "named .pptx, but it is not a PPTX (it is a PDF file)");
    assert_eq!(
        reason(&package(&[("word/document.xml", "<x/>")])),
        "named .pptx, but it holds no slides"
    );
    let whole = packed(&parts());
    assert!(reason(&whole[..whole.len() / 2]).starts_with("damaged or truncated"));
    let mut lacking = parts();
    lacking.retain(|(name, _)| name != "ppt/slides/slide1.xml");
    assert_eq!(reason(&packed(&lacking)), "damaged or truncated: it lacks ppt/slides/slide1.xml");
    let mut broken = parts();
    broken[3].1 = "<p:sld><p:cSld></p:sld>".to_owned();
    assert!(reason(&packed(&broken)).starts_with("damaged or truncated"));
    let mut bombed = parts();
    bombed.retain(|(name, _)| name != "ppt/slides/slide1.xml");
    let bombed: Vec<(&str, &str)> =
        bombed.iter().map(|(name, xml)| (name.as_str(), xml.as_str())).collect();
    assert_eq!(
        reason(&bomb(&bombed, "ppt/slides/slide1.xml")),
        "too large: ppt/slides/slide1.xml is more than 128 MB when unpacked"
    );
}
