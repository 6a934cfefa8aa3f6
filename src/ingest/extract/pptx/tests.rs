#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::package::tests::{bomb, package};
use crate::ingest::extract::parts::tests::units;

fn document(source: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    super::document(source, bytes, false)
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A part with relations, given as id, kind and target.
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
    let document = document("a.pptx", &packed(&parts())).unwrap();
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
    let document = document("a.pptx", &packed(&parts)).unwrap();
    let expected = "Port: Bergen | Fee: 3 | Fee: 5\nPort: Bergen | Fee: 4 | Fee: 6\n\n- Step one";
    assert_eq!(units(&document)[1].2, expected);
}

/// A shape with a text and a place.
fn placed(text: &str, left: u32, top: u32, width: u32) -> String {
    format!(
        "<p:sp><p:spPr><a:xfrm><a:off x=\"{left}\" y=\"{top}\"/><a:ext cx=\"{width}\" cy=\"90\"/></a:xfrm></p:spPr>\
         <p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )
}

/// The text of a slide, with its relations and their parts.
fn text_of(slide: &str, relations: &[(&str, &str, &str)], more: &[(&str, &str)]) -> String {
    let mut parts = parts();
    slide.clone_into(&mut parts[3].1);
    parts[4].1 = rels(relations);
    parts.extend(more.iter().map(|(name, part)| ((*name).to_owned(), (*part).to_owned())));
    let document = document("a.pptx", &packed(&parts)).unwrap();
    let found = units(&document);
    found
        .iter()
        .find(|(number, ..)| *number == 2)
        .map(|(.., text)| (*text).to_owned())
        .unwrap_or_default()
}

#[test]
fn shapes_are_read_by_their_places() {
    let group = format!(
        "<p:grpSp><p:grpSpPr><a:xfrm><a:off x=\"0\" y=\"500\"/><a:ext cx=\"900\" cy=\"200\"/></a:xfrm></p:grpSpPr>{}{}</p:grpSp>",
        placed("in group, below", 0, 5000, 400),
        placed("in group", 0, 1000, 400)
    );
    // A body whose place only the layout has.
    let body = "<p:sp><p:nvPr><p:ph idx=\"1\"/></p:nvPr><p:spPr/><p:txBody><a:p><a:r><a:t>body</a:t></a:r></a:p></p:txBody></p:sp>";
    let title = shape("<p:ph type=\"title\"/>", &["Title"]);
    let slide = slide(
        &[
            &*group,
            &placed("right, below", 500, 300, 400),
            &placed("right", 500, 200, 400),
            &placed("left, below", 0, 300, 400),
            body,
            &title,
        ]
        .concat(),
    );
    let layout = "<p:sldLayout><p:cSld><p:spTree><p:sp><p:nvPr><p:ph type=\"body\" idx=\"1\"/></p:nvPr><p:spPr><a:xfrm><a:off x=\"0\" y=\"200\"/><a:ext cx=\"400\" cy=\"90\"/></a:xfrm></p:spPr></p:sp></p:spTree></p:cSld></p:sldLayout>";
    let found = text_of(
        &slide,
        &[("rId1", "slideLayout", "../slideLayouts/l1.xml")],
        &[("ppt/slideLayouts/l1.xml", layout)],
    );
    let expected =
        "# Title\n\n- body\n\nleft, below\n\nright\n\nright, below\n\nin group\n\nin group, below";
    assert_eq!(found, expected);
}

#[test]
fn charts_are_written_where_they_are_drawn() {
    let chart = "<c:chartSpace><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Fees</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:pieChart><c:ser><c:tx><c:v>Crowns</c:v></c:tx>\
        <c:cat><c:strLit><c:pt idx=\"0\"><c:v>Oslo</c:v></c:pt></c:strLit></c:cat><c:val><c:numLit><c:pt idx=\"0\"><c:v>4</c:v></c:pt></c:numLit></c:val></c:ser></c:pieChart></c:plotArea></c:chart></c:chartSpace>";
    let frame = "<p:graphicFrame><p:xfrm><a:off x=\"0\" y=\"200\"/><a:ext cx=\"400\" cy=\"90\"/></p:xfrm><a:graphic><a:graphicData><c:chart r:id=\"rId5\"/></a:graphicData></a:graphic></p:graphicFrame>";
    let slide =
        slide(&[&placed("below", 0, 400, 400), frame, &placed("above", 0, 0, 400)].concat());
    let found =
        text_of(&slide, &[("rId5", "chart", "../charts/c.xml")], &[("ppt/charts/c.xml", chart)]);
    assert_eq!(found, "above\n\nFees\n\nOslo | Crowns: 4\n\nbelow");
    // A missing chart is ignored.
    let found = text_of(&slide, &[("rId5", "chart", "../charts/c.xml")], &[]);
    assert_eq!(found, "above\n\nbelow");
}

#[test]
fn hidden_slides_are_left_out_and_said() {
    let mut parts = parts();
    parts[3].1 = parts[3].1.replace("<p:sld>", "<p:sld show=\"0\">");
    let document = document("a.pptx", &packed(&parts)).unwrap();
    assert_eq!(document.sections.len(), 1);
    assert_eq!(document.warnings[0].message, "slide 2 is hidden, and is left out");
}

#[test]
fn formatting_that_changes_what_a_text_says() {
    let run =
        |properties: &str, text: &str| format!("<a:r><a:rPr {properties}/><a:t>{text}</a:t></a:r>");
    let line = [
        run("", "10"),
        run("baseline=\"30000\"", "6"),
        run("", " H"),
        run("baseline=\"-25000\"", "2"),
        run("baseline=\"0\" strike=\"noStrike\"", "O for "),
        run("strike=\"sngStrike\"", "50"),
        run("", " 40"),
    ];
    let body = format!("<p:sp><p:txBody><a:p>{}</a:p></p:txBody></p:sp>", line.concat());
    assert_eq!(text_of(&body, &[], &[]), "10⁶ H₂O for ~~50~~ 40");
}

#[test]
fn lists_are_numbered() {
    let line = |properties: &str, text: &str| {
        format!("<a:p><a:pPr {properties}</a:pPr><a:r><a:t>{text}</a:t></a:r></a:p>")
    };
    let lines = [
        line("><a:buAutoNum type=\"arabicPeriod\" startAt=\"3\"/>", "three"),
        line("lvl=\"1\"><a:buAutoNum type=\"alphaLcParenBoth\"/>", "a"),
        line("lvl=\"1\"><a:buAutoNum type=\"alphaLcParenBoth\"/>", "b"),
        line("><a:buAutoNum type=\"arabicPeriod\" startAt=\"3\"/>", "four"),
        line("><a:buChar char=\"-\"/>", "sign"),
        line("><a:buAutoNum type=\"arabicPeriod\" startAt=\"3\"/>", "again"),
    ];
    let slide = slide(&format!("<p:sp><p:txBody>{}</p:txBody></p:sp>", lines.concat()));
    let expected = "3. three\n  (a) a\n  (b) b\n4. four\n- sign\n3. again";
    assert_eq!(text_of(&slide, &[], &[]), expected);
}

#[test]
fn groups_in_groups_end() {
    let deep = format!(
        "<p:sld>{}{}{}</p:sld>",
        "<p:grpSp>".repeat(50_000),
        placed("x", 0, 0, 9),
        "</p:grpSp>".repeat(50_000)
    );
    assert_eq!(text_of(&deep, &[], &[]), "x");
}

#[test]
fn a_title_of_the_properties_comes_first_unless_it_says_nothing() {
    for (core, expected) in
        [("Quarterly", "Quarterly"), ("PowerPoint Presentation", "Backups & restores")]
    {
        let mut parts = parts();
        let xml = format!("<cp:coreProperties><dc:title>{core}</dc:title></cp:coreProperties>");
        parts.push(("docProps/core.xml".to_owned(), xml));
        assert_eq!(document("a.pptx", &packed(&parts)).unwrap().title, expected);
    }
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| document("a.pptx", bytes).unwrap_err().to_string();
    assert_eq!(
        reason(b"%PDF-1.7"),
        "named .pptx, but it is not a PPTX (it is a PDF file): name it .pdf"
    );
    assert_eq!(
        reason(&package(&[("word/document.xml", "<x/>")])),
        "named .pptx, but it holds no presentation: unpack it, and name what is in it"
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

/// The parts of a presentation with these slides, in the order of their numbers, and other parts.
fn with_slides(slides: &[&str], others: &[(&str, String)]) -> Vec<u8> {
    let ids = 1..=slides.len();
    let order = ids.clone().map(|id| format!("<p:sldId id=\"25{id}\" r:id=\"r{id}\"/>"));
    let order = order.collect::<Vec<_>>().concat();
    let listed: Vec<(String, String)> =
        ids.map(|id| (format!("r{id}"), format!("slides/slide{id}.xml"))).collect();
    let mut listed: Vec<(&str, &str, &str)> =
        listed.iter().map(|(id, part)| (id.as_str(), "slide", part.as_str())).collect();
    listed.push(("rA", "commentAuthors", "commentAuthors.xml"));
    let mut parts = vec![
        ("_rels/.rels".to_owned(), rels(&[("r", "officeDocument", "ppt/presentation.xml")])),
        (
            "ppt/presentation.xml".to_owned(),
            format!("<p:presentation><p:sldIdLst>{order}</p:sldIdLst></p:presentation>"),
        ),
        ("ppt/_rels/presentation.xml.rels".to_owned(), rels(&listed)),
    ];
    let slides = (1..).zip(slides);
    parts.extend(slides.map(|(id, body)| (format!("ppt/slides/slide{id}.xml"), slide(body))));
    parts.extend(others.iter().map(|(name, xml)| ((*name).to_owned(), xml.clone())));
    packed(&parts)
}

fn picture(described: &str) -> String {
    format!(
        "<p:pic><p:nvPicPr><p:cNvPr id=\"4\" name=\"Picture 3\" descr=\"{described}\"/></p:nvPicPr>\
         <p:blipFill><a:blip r:embed=\"rId2\"/></p:blipFill></p:pic>"
    )
}

#[test]
fn pictures_are_read_as_their_alternative_text_and_slides_of_only_pictures_are_named() {
    let text = shape("", &["A box"]);
    let slides = [&text, &picture("scan_1.png"), &picture("A map of the harbour"), &picture("")];
    let bytes = with_slides(&slides.map(String::as_str), &[]);
    let deck = document("a.pptx", &bytes).unwrap();
    assert_eq!(units(&deck), [(1, 1, "A box"), (3, 3, "Picture: A map of the harbour")]);
    let said =
        "slides 2, 4 are pictures, and are not read: save the file as PDF, where pictures are read";
    assert_eq!(deck.warnings[0].message, said);
    let deck = document("a.pptx", &with_slides(&["<p:sp/>"], &[])).unwrap();
    assert!(deck.text.is_empty() && deck.warnings.is_empty());
}

#[test]
fn comments_are_read_where_they_are_wanted() {
    let others = [
        ("ppt/slides/_rels/slide1.xml.rels", rels(&[("r1", "comments", "../comments/c1.xml")])),
        (
            "ppt/comments/c1.xml",
            "<p:cmLst><p:cm authorId=\"1\"><p:text>Which year?</p:text></p:cm></p:cmLst>"
                .to_owned(),
        ),
        (
            "ppt/commentAuthors.xml",
            "<p:cmAuthorLst><p:cmAuthor id=\"1\" name=\"Ann\"/></p:cmAuthorLst>".to_owned(),
        ),
    ];
    let bytes = with_slides(&[&shape("", &["A box"])], &others);
    let with_comments = super::document("a.pptx", &bytes, true).unwrap();
    let text = "A box\n\n## Comments\n\nComment by Ann: Which year?";
    assert_eq!(units(&with_comments), [(1, 1, text)]);
    assert_eq!(units(&document("a.pptx", &bytes).unwrap()), [(1, 1, "A box")]);
}
