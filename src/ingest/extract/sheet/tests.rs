#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::package::tests::{package, package_of_bytes};
use crate::ingest::extract::parts::tests::units;

/// A workbook with these sheets, each with its name, state and rows of XML.
fn parts(sheets: &[(&str, &str, String)]) -> Vec<(String, String)> {
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let (mut list, mut rels) = (String::new(), String::new());
    let mut parts = Vec::new();
    for (number, (name, state, rows)) in (1..).zip(sheets) {
        list += &format!(
            r#"<sheet name="{name}" sheetId="{number}" state="{state}" r:id="rId{number}"/>"#
        );
        rels += &format!(
            r#"<Relationship Id="rId{number}" Type="{relations}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        );
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
        parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet));
    }
    rels += &format!(r#"<Relationship Id="s" Type="{relations}/styles" Target="styles.xml"/>"#);
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"&quot;$&quot;#,##0.00\"/></numFmts>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"10\"/><xf numFmtId=\"164\"/>\
        <xf numFmtId=\"22\"/></cellXfs></styleSheet>";
    let workbook = format!("<workbook xmlns:r=\"{relations}\"><sheets>{list}</sheets></workbook>");
    let root = format!(
        r#"<Relationships><Relationship Id="r" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    parts.push(("_rels/.rels".to_owned(), root));
    parts.push(("xl/workbook.xml".to_owned(), workbook));
    parts.push(("xl/styles.xml".to_owned(), styles.to_owned()));
    let rels = format!("<Relationships>{rels}</Relationships>");
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), rels));
    parts
}

fn packed(parts: &[(String, String)]) -> Vec<u8> {
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(name, xml)| (name.as_str(), xml.as_str())).collect();
    package(&parts)
}

/// A row of text cells.
fn row(number: u32, cells: &[&str]) -> String {
    let cells = ('A'..)
        .zip(cells)
        .filter(|(_, text)| !text.is_empty())
        .map(|(column, text)| {
            format!(r#"<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>"#)
        })
        .collect::<Vec<_>>()
        .concat();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

#[test]
fn merged_cells_are_in_each_of_their_rows_and_columns() {
    let rows = [
        row(1, &["Fees of ports", "", "", ""]),
        row(2, &["Region", "Port", "Fee", ""]),
        row(3, &["", "", "winter", "summer"]),
        row(4, &["North", "Bergen", "a1", "5"]),
        row(5, &["", "Oslo", "a2", ""]),
        row(6, &["South", "Genoa", "a3", "7"]),
    ];
    let mut parts = parts(&[("Fees", "visible", rows.concat())]);
    let merged = ["A1:D1", "A2:A3", "B2:B3", "C2:D2", "A4:A5", "C5:D5"];
    let merged = merged.map(|cells| format!("<mergeCell ref=\"{cells}\"/>")).concat();
    let end = format!("</sheetData><mergeCells count=\"6\">{merged}</mergeCells>");
    parts[0].1 = parts[0].1.replace("</sheetData>", &end);
    let document = document("a.xlsx", &[], &packed(&parts)).unwrap();
    let expected = "Fees of ports\n\
        Region: North | Port: Bergen | Fee, winter: a1 | Fee, summer: 5\n\
        Region: North | Port: Oslo | Fee, winter: a2 | Fee, summer: a2\n\
        Region: South | Port: Genoa | Fee, winter: a3 | Fee, summer: 7";
    assert_eq!(document.text, expected);
}

#[test]
fn what_is_hidden_is_left_out_and_said() {
    let rows = [
        row(1, &["Name", "Salary", "Town"]),
        row(2, &["Ida", "much", "Oslo"]),
        row(3, &["Gone", "more", "Bonn"]).replace("<row ", "<row hidden=\"1\" "),
        row(4, &["Kai", "less", "Ulm"]),
        row(5, &["", "", ""]).replace("<row ", "<row hidden=\"true\" "),
    ];
    let mut parts = parts(&[
        ("Staff", "visible", rows.concat()),
        ("Old", "hidden", row(1, &["a"])),
        ("Lists", "veryHidden", row(1, &["b"])),
    ]);
    let columns = "<cols><col min=\"2\" max=\"2\" hidden=\"1\"/><col min=\"5\" max=\"4000000000\" hidden=\"1\"/></cols><sheetData>";
    parts[0].1 = parts[0].1.replace("<sheetData>", columns);
    let book = read(&packed(&parts));
    assert_eq!(units(&book), [(2, 2, "Name: Ida | Town: Oslo"), (4, 4, "Name: Kai | Town: Ulm")]);
    let said: Vec<&str> = book.warnings.iter().map(|warning| &*warning.message).collect();
    assert_eq!(
        said,
        [
            "sheets `Old`, `Lists` are hidden, and are left out",
            "hidden, and left out: 1 row and 1 column of `Staff`"
        ]
    );
}

#[test]
fn formulas_without_a_value_are_said() {
    let cells = r#"<row r="2"><c r="A2" t="inlineStr"><is><t>Bolt</t></is></c><c r="B2"><v>2</v></c><c r="C2"><f>B2*3</f><v></v></c>
        <c r="D2"><f>B2</f></c><c r="E2" t="str"><f>""</f><v></v></c><c r="F2"><f>B2</f><v>2</v></c></row>"#;
    let sheet = [row(1, &["Item", "Qty", "Total", "x", "y", "z"]), cells.to_owned()].concat();
    let book = read(&packed(&parts(&[("Sums", "visible", sheet)])));
    assert_eq!(units(&book), [(2, 2, "Item: Bolt | Qty: 2 | z: 2"), (1, 1, "Total | x | y")]);
    let warning = &book.warnings[0];
    assert_eq!(warning.code, crate::types::WarningCode::UncalculatedFormulas);
    let said = "2 formulas without a value, not read (Sums!C2, Sums!D2): open it in a spreadsheet program and save it";
    assert_eq!(warning.message, said);
}

#[test]
fn notes_on_cells_follow_their_rows() {
    let rows = [
        row(1, &["Name", "Town", "Fee"]),
        row(2, &["Ida", "Oslo", "x"]),
        row(3, &["Kai", "Ulm", "y"]),
    ];
    let mut parts = parts(&[("Staff", "visible", rows.concat())]);
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let rels = format!(
        r#"<Relationships><Relationship Id="c" Type="{relations}/comments" Target="../comments1.xml"/></Relationships>"#
    );
    let note = |cell: &str, text: &str| {
        format!(
            "<comment ref=\"{cell}\" authorId=\"0\"><text><r><t>{text}</t></r></text></comment>"
        )
    };
    let notes = [
        note("A2", "On leave until June"),
        note("C1", "gross"),
        note("B3", "[Threaded comment] Your version"),
        note("ZZZZ9", "no such cell"),
    ];
    parts.push(("xl/worksheets/_rels/sheet1.xml.rels".to_owned(), rels));
    parts.push((
        "xl/comments1.xml".to_owned(),
        format!("<comments><commentList>{}</commentList></comments>", notes.concat()),
    ));
    let expected = "Fee: gross\nName: Ida | Town: Oslo | Fee: x\nIda: On leave until June\nName: Kai | Town: Ulm | Fee: y";
    assert_eq!(read(&packed(&parts)).text, expected);
}

pub(in crate::ingest::extract) fn sample() -> Vec<(String, String)> {
    let values = r#"<row r="4"><c r="A4" t="str"><f>A1</f><v>Rent</v></c><c r="B4" s="1"><v>45292</v></c>
        <c r="C4" s="2"><v>0.256</v></c><c r="D4" s="3"><v>1234.5</v></c><c r="E4" t="b"><v>1</v></c>
        <c r="F4" t="e"><v>#N/A</v></c></row>
        <row r="9"><c r="A9" t="inlineStr"><is><t>Power</t></is></c><c r="B9" s="4"><v>45292.5</v></c>
        <c r="D9"><f>1/3</f><v>0.30000000000000004</v></c></row>"#;
    let first =
        [row(1, &["Budget 2024"]), row(3, &["Item", "Due", "Share", "Sum", "Paid", "Note"])];
    let budget = format!("{}{values}", first.concat());
    parts(&[
        ("Budget", "visible", budget),
        ("Lists", "hidden", row(1, &["secret", "list"])),
        ("Empty", "visible", String::new()),
        ("People", "visible", [row(2, &["Name", "Town"]), row(3, &["Ann", "Oslo"])].concat()),
    ])
}

fn read(bytes: &[u8]) -> Document {
    document("book.xlsx", &[], bytes).unwrap()
}

#[test]
fn cells_as_they_are_shown() {
    let book = read(&packed(&sample()));
    let expected = [
        (1, 1, "Budget 2024"),
        (
            4,
            4,
            "Item: Rent | Due: 2024-01-01 | Share: 25.60% | Sum: $1,234.50 | Paid: TRUE | Note: #N/A",
        ),
        (9, 9, "Item: Power | Due: 2024-01-01 12:00 | Sum: 0.3"),
        (3, 3, "Name: Ann | Town: Oslo"),
    ];
    assert_eq!(units(&book), expected);
    // Hidden sheets have no tab to count.
    let SourceMap::Sheets(sheets) = &book.places else { panic!("no sheets") };
    assert_eq!(sheets.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3]);
    let headings: Vec<&str> = book.sections.iter().map(|sheet| &*sheet.headings[0]).collect();
    assert_eq!(headings, ["Budget", "People"]);
}

#[test]
fn times_and_durations() {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};
    for (days, kind, expected) in [
        (45292.0, DateTime, "2024-01-01"),
        (45292.75, DateTime, "2024-01-01 18:00"),
        (0.5, DateTime, "12:00"),
        (0.500_011_575, DateTime, "12:00:01"),
        (1.25, TimeDelta, "30:00:00"),
        (-0.5, TimeDelta, "-12:00:00"),
    ] {
        let value = Data::DateTime(ExcelDateTime::new(days, kind, false));
        assert_eq!(shown(&value, None), expected);
    }
}

#[test]
fn open_document_sheets() {
    let row = |plan: &str, price: &str| {
        let cell = |text: &str| {
            format!(
                r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#
            )
        };
        format!("<table:table-row>{}{}</table:table-row>", cell(plan), cell(price))
    };
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="Prices">{}{}</table:table></office:spreadsheet></office:body></office:document-content>"#,
        row("Plan", "Price"),
        row("Team", "29")
    );
    let bytes = package(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
        ("content.xml", &content),
    ]);
    let book = document("book.ods", &[], &bytes).unwrap();
    assert_eq!(units(&book), [(2, 2, "Plan: Team | Price: 29")]);
    assert_eq!(book.sections[0].headings, ["Prices"]);
}

#[test]
fn chosen_columns() {
    let bytes = packed(&sample());
    let fields = ["town".to_owned()];
    assert_eq!(document("a.xlsx", &fields, &bytes).unwrap().text, "Oslo");
    let reason = document("a.xlsx", &["city".to_owned()], &bytes).unwrap_err().to_string();
    assert!(reason.starts_with("no field `city` in it; it has Item, Due,"), "{reason}");
}

#[test]
fn a_cell_in_the_last_corner_is_one_cell() {
    let corner = r#"<row r="1048576"><c r="XFD1048576"><v>7</v></c></row>"#;
    let book = read(&packed(&parts(&[("S", "visible", [row(1, &["x"]), corner.into()].concat())])));
    assert_eq!(units(&book), [(1, 1, "x"), (1_048_576, 1_048_576, "7")]);
}

#[test]
fn a_thousand_sheets() {
    let names: Vec<String> = (1..=1000).map(|n| format!("S{n}")).collect();
    let sheets: Vec<(&str, &str, String)> =
        names.iter().map(|name| (name.as_str(), "visible", row(1, &["only", name]))).collect();
    let book = read(&packed(&parts(&sheets)));
    assert_eq!(book.sections.len(), 1000);
    assert_eq!(units(&book)[999], (1, 1, "only | S1000"));
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |name: &str, bytes: &[u8]| document(name, &[], bytes).unwrap_err().to_string();
    let lie = "named .xlsx, but it is not a workbook (it is a PDF file): name it .pdf";
    assert_eq!(reason("a.xlsx", b"%PDF-1.7"), lie);
    let other = package(&[("word/document.xml", "<x/>")]);
    assert_eq!(
        reason("a.xlsx", &other),
        "named .xlsx, but it holds no workbook: unpack it, and name what is in it"
    );
    let name: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    let encrypted = [b"\xD0\xCF\x11\xE0\xA1\xB1..".to_vec(), name].concat();
    assert_eq!(
        reason("a.xlsx", &encrypted),
        "encrypted: a password is needed (open it, and save it without one)"
    );
    let old = "a renamed .xls file: open it in Office or LibreOffice and save it again";
    assert_eq!(reason("a.xlsx", b"\xD0\xCF\x11\xE0\xA1\xB1"), old);
    let excel_4 = b"\x09\x04\x06\x00\x00\x00\x10\x00";
    assert_eq!(reason("a.xls", excel_4), "a workbook of Excel 4 or older: save it as .xlsx");
    let unlike = "unsupported kind of workbook: save it again as .xlsx";
    assert_eq!(reason("a.xlsb", &sheet_without_part()), unlike);
    assert!(reason("a.xls", b"\xD0\xCF\x11\xE0\xA1\xB1").starts_with("damaged or truncated"));
    let whole = packed(&sample());
    assert!(reason("a.xlsx", &whole[..whole.len() / 2]).starts_with("damaged or truncated"));
}

/// An XLSB whose only sheet (record `BrtBundleSh`) has a part `rId1` that no relationship names.
fn sheet_without_part() -> Vec<u8> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let counted = |text: &str| [(text.len() as u32).to_le_bytes().to_vec(), wide(text)].concat();
    let sheet = [vec![0; 8], counted("rId1"), counted("S")].concat();
    let record = [vec![0x9C, 0x01, sheet.len() as u8], sheet].concat();
    package_of_bytes(&[("xl/workbook.bin", &record)])
}
