//! Tests of what a text refers to (notes, lists, drawings) and of what is not shown.

use super::*;

/// A document with a body and other parts, by the kinds of their relations.
fn with_parts(body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let relation = |(kind, _): &(&str, &str)| {
        format!(
            r#"<Relationship Id="r-{kind}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{kind}.xml"/>"#
        )
    };
    let relations = parts.iter().map(relation).collect::<Vec<_>>().concat();
    let relations = format!("<Relationships>{relations}</Relationships>");
    let body = format!("<w:document><w:body>{body}</w:body></w:document>");
    let names: Vec<String> = parts.iter().map(|(kind, _)| format!("word/{kind}.xml")).collect();
    let mut all = vec![
        ("word/document.xml", body.as_str()),
        ("word/_rels/document.xml.rels", relations.as_str()),
    ];
    all.extend(names.iter().map(String::as_str).zip(parts.iter().map(|(_, part)| *part)));
    package(&all)
}

pub(super) fn text(body: &str, parts: &[(&str, &str)]) -> String {
    document(&with_parts(body, parts)).unwrap().text
}

fn run(text: &str) -> String {
    format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

/// The notes of a part, by their ids.
fn notes(kind: &str, texts: &[(&str, &str)]) -> String {
    let note = |(id, text): &(&str, &str)| {
        format!(
            "<w:{kind} w:id=\"{id}\"><w:p><w:r><w:{kind}Ref/></w:r>{}</w:p></w:{kind}>",
            run(text)
        )
    };
    let texts = texts.iter().map(note).collect::<Vec<_>>().concat();
    format!(
        "<w:{kind}s><w:{kind} w:type=\"separator\" w:id=\"-1\"><w:p>{}</w:p></w:{kind}>{texts}</w:{kind}s>",
        run("---")
    )
}

#[test]
fn notes_follow_their_paragraph() {
    let mark = |kind: &str, id: &str| format!("<w:r><w:{kind}Reference w:id=\"{id}\"/></w:r>");
    let paragraph = format!(
        "<w:p>{}{}{}{}</w:p>",
        run("Blasting is allowed on Tuesdays"),
        mark("footnote", "2"),
        run(". Helmets are blue."),
        mark("endnote", "2")
    );
    let cell = |inner: &str| format!("<w:tc><w:p>{inner}</w:p></w:tc>");
    let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
    let table = [
        row(&[cell(&run("Port")), cell(&run("Fee")), cell(&run("Day"))]),
        row(&[
            cell(&run("Oslo")),
            cell(&(run("7") + &mark("footnote", "3"))),
            cell(&run("Monday")),
        ]),
    ];
    let body = format!("{paragraph}<w:tbl>{}</w:tbl><w:p>{}</w:p>", table.concat(), run("End."));
    let parts = [
        ("footnotes", notes("footnote", &[("2", "Except in spring."), ("3", "Without VAT.")])),
        ("endnotes", notes("endnote", &[("2", "Approved by Quill.")])),
    ];
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(kind, part)| (*kind, part.as_str())).collect();
    let expected = "Blasting is allowed on Tuesdays. Helmets are blue.\nExcept in spring.\nApproved by Quill.\n\n\
        Port: Oslo | Fee: 7 | Day: Monday\n\nWithout VAT.\n\nEnd.";
    assert_eq!(text(&body, &parts), expected);
    // Notes of a missing or damaged part are left out.
    assert!(
        text(&body, &[]).starts_with("Blasting is allowed on Tuesdays. Helmets are blue.\n\nPort")
    );
    let broken = [("footnotes", "<w:footnotes><w:footnote w:id=\"2\"><w:p><w:r><w:t>Half")];
    assert!(text(&body, &broken).contains("blue.\nHalf\n\nPort"));
}

#[test]
fn comments_are_read_where_they_are_wanted() {
    let comments = "<w:comments><w:comment w:id=\"0\" w:author=\"Ann\"><w:p><w:r><w:t>Too late?</w:t></w:r></w:p></w:comment></w:comments>";
    let body = format!(
        "<w:p><w:commentRangeStart w:id=\"0\"/>{}<w:commentRangeEnd w:id=\"0\"/><w:r><w:commentReference w:id=\"0\"/></w:r>{}</w:p>",
        run("Due in May"),
        run(", or June.")
    );
    let bytes = with_parts(&body, &[("comments", comments)]);
    assert_eq!(read("a.docx", &bytes, false).unwrap().text, "Due in May, or June.");
    let with = read("a.docx", &bytes, true).unwrap().text;
    assert_eq!(with, "Due in May, or June.\nComment by Ann: Too late?");
}

#[test]
fn what_is_not_shown_is_left_out() {
    let styles = "<w:styles><w:style w:type=\"character\" w:styleId=\"Gone\"><w:name w:val=\"Gone\"/><w:rPr><w:vanish/></w:rPr></w:style>\
        <w:style w:styleId=\"Hidden\"><w:name w:val=\"Hidden\"/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>";
    let hidden =
        |properties: &str| format!("<w:r><w:rPr>{properties}</w:rPr><w:t>HIDDEN</w:t></w:r>");
    for (body, expected) in [
        (format!("<w:p>{}{}</w:p>", run("a"), hidden("<w:vanish/>")), "a"),
        (format!("<w:p>{}{}</w:p>", run("a"), hidden("<w:vanish w:val=\"0\"/>")), "aHIDDEN"),
        (format!("<w:p>{}{}</w:p>", run("a"), hidden("<w:rStyle w:val=\"Gone\"/>")), "a"),
        (
            format!(
                "<w:p><w:pPr><w:pStyle w:val=\"Hidden\"/></w:pPr>{}</w:p><w:p>{}</w:p>",
                run("HIDDEN"),
                run("a")
            ),
            "a",
        ),
        // Formatting of the paragraph mark does not apply to the letters.
        (format!("<w:p><w:pPr><w:rPr><w:vanish/></w:rPr></w:pPr>{}</w:p>", run("a")), "a"),
        (format!("<w:p><w:pPr><w:rPr><w:del w:id=\"1\"/></w:rPr></w:pPr>{}</w:p>", run("a")), "a"),
        // What a tracked change removed.
        (
            "<w:p><w:pPr><w:pStyle w:val=\"No\"/><w:pPrChange><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr></w:pPrChange></w:pPr><w:r><w:rPr><w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange></w:rPr><w:t>a</w:t></w:r></w:p>".to_owned(),
            "a",
        ),
        // Content controls: their content is read, their placeholders are not.
        (
            format!(
                "<w:sdt><w:sdtPr><w:alias w:val=\"x\"/></w:sdtPr><w:sdtContent><w:p>{}</w:p></w:sdtContent></w:sdt>",
                run("a")
            ),
            "a",
        ),
        (
            format!(
                "<w:p>{}<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt></w:p>",
                run("a"),
                run("Click here")
            ),
            "a",
        ),
    ] {
        assert_eq!(text(&body, &[("styles", styles)]), expected, "{body}");
    }
}

#[test]
fn formatting_that_changes_what_a_text_says() {
    let styles = "<w:styles><w:style w:styleId=\"Up\"><w:name w:val=\"Up\"/><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr></w:style>\
        <w:style w:styleId=\"Out\"><w:name w:val=\"Out\"/><w:rPr><w:strike/><w:dstrike w:val=\"false\"/></w:rPr></w:style></w:styles>";
    let with = |properties: &str, text: &str| {
        format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
    };
    let up = "<w:vertAlign w:val=\"superscript\"/>";
    for (body, expected) in [
        (run("10") + &with(up, "6") + &run(" fish"), "10⁶ fish"),
        (run("10") + &with(up, "-") + &with(up, "3"), "10⁻³"),
        (run("10") + &with("<w:rStyle w:val=\"Up\"/>", "6"), "10⁶"),
        (run("H") + &with("<w:vertAlign w:val=\"subscript\"/>", "2") + &run("O"), "H₂O"),
        (run("10") + &with("<w:vertAlign w:val=\"baseline\"/>", "6"), "106"),
        (run("1") + &with(up, "st") + &run(" of May"), "1st of May"),
        (
            run("old ") + &with("<w:strike/><w:dstrike w:val=\"0\"/>", "50") + &run(" new 40"),
            "old ~~50~~ new 40",
        ),
        (with("<w:dstrike/>", "50 ") + &run("40"), "~~50~~ 40"),
        (with("<w:strike w:val=\"0\"/>", "50 ") + &run("40"), "50 40"),
        (with("<w:rStyle w:val=\"Out\"/>", "50") + &run(" 40"), "~~50~~ 40"),
        // A style applies to the whole paragraph, except to one run.
        (
            format!(
                "<w:pPr><w:pStyle w:val=\"Out\"/></w:pPr>{}{}",
                run("50 "),
                with("<w:strike w:val=\"0\"/>", "40")
            ),
            "~~50~~ 40",
        ),
    ] {
        assert_eq!(text(&format!("<w:p>{body}</w:p>"), &[("styles", styles)]), expected, "{body}");
    }
}

#[test]
fn hidden_rows_are_not_headers() {
    let row = |properties: &str, cells: [&str; 2]| {
        let cells = cells.map(|cell| format!("<w:tc><w:p>{}</w:p></w:tc>", run(cell)));
        format!("<w:tr><w:trPr>{properties}</w:trPr>{}</w:tr>", cells.concat())
    };
    let rows = |hidden: &str| {
        let rows = [
            row(hidden, ["Draft", "Internal"]),
            row("", ["Port", "Fee"]),
            row("", ["Oslo", "3"]),
            row(hidden, ["Bergen", "4"]),
        ];
        text(&format!("<w:tbl>{}</w:tbl><w:p>{}</w:p>", rows.concat(), run("End.")), &[])
    };
    assert_eq!(rows("<w:hidden/>"), "Port: Oslo | Fee: 3\n\nEnd.");
    assert_eq!(rows("<w:hidden w:val=\"1\"/>"), "Port: Oslo | Fee: 3\n\nEnd.");
    assert!(rows("<w:hidden w:val=\"0\"/>").contains("Bergen"));
    // A table in a hidden row is hidden with it.
    let inner = format!("<w:tbl>{}</w:tbl>", row("", ["inner", "text"]));
    let outer = format!("<w:tr><w:trPr><w:hidden/></w:trPr><w:tc>{inner}<w:p/></w:tc></w:tr>");
    assert_eq!(text(&format!("<w:tbl>{outer}</w:tbl><w:p>{}</w:p>", run("End.")), &[]), "End.");
}

#[test]
fn fields_show_their_results() {
    let step = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let nested = [
        step("begin"),
        "<w:r><w:instrText>IF </w:instrText></w:r>".to_owned(),
        step("begin"),
        step("separate"),
        run("NAME"),
        step("end"),
        step("separate"),
        run("shown"),
        step("end"),
    ];
    let form = |inner: &str| {
        format!(
            "<w:r><w:fldChar w:fldCharType=\"begin\"><w:ffData>{inner}</w:ffData></w:fldChar></w:r>{}",
            step("end")
        )
    };
    for (inner, expected) in [
        (nested.concat(), "shown"),
        (step("begin") + &run("never ends"), ""),
        (format!("<w:fldSimple w:instr=\"DATE\">{}</w:fldSimple>", run("May")), "May"),
        (
            form("<w:checkBox><w:default w:val=\"0\"/><w:checked/></w:checkBox>") + &run(" yes"),
            "☒ yes",
        ),
        (form("<w:checkBox><w:default w:val=\"0\"/></w:checkBox>") + &run(" no"), "☐ no"),
        (
            form(
                "<w:ddList><w:result w:val=\"1\"/><w:listEntry w:val=\"a\"/><w:listEntry w:val=\"b\"/></w:ddList>",
            ),
            "b",
        ),
    ] {
        let body = format!("<w:p>{inner}</w:p><w:p>{}</w:p>", run("after"));
        assert_eq!(text(&body, &[]), format!("{expected}\n\nafter").trim_start(), "{inner}");
    }
}

#[test]
fn symbols_are_letters() {
    let body = format!(
        "<w:p>{}<w:r><w:sym w:font=\"Symbol\" w:char=\"F0B1\"/></w:r>{}<w:r><w:sym w:font=\"Symbol\" w:char=\"F0B0\"/></w:r>\
         <w:r><w:rPr><w:rFonts w:ascii=\"Wingdings\"/></w:rPr><w:t>\u{F0FC}</w:t></w:r><w:r><w:sym w:font=\"Odd\" w:char=\"F041\"/></w:r></w:p>",
        run("Tolerance "),
        run(" 5 mm at 90")
    );
    assert_eq!(text(&body, &[]), "Tolerance ± 5 mm at 90°✓");
}

#[test]
fn formulas_are_lines() {
    let t = |text: &str| format!("<m:r><m:t>{text}</m:t></m:r>");
    let e = |inner: &str| format!("<m:e>{inner}</m:e>");
    let power = format!("<m:sSup>{}<m:sup>{}</m:sup></m:sSup>", e(&t("x")), t("2"));
    for (formula, expected) in [
        (format!("{}{power}", t("E=m")), "E=mx^2"),
        (format!("<m:f><m:num>{}</m:num><m:den>{}</m:den></m:f>", t("a+b"), t("2c")), "(a+b)/2c"),
        (
            format!(
                "<m:sSubSup>{}<m:sub>{}</m:sub><m:sup>{}</m:sup></m:sSubSup>",
                e(&t("x")),
                t("i"),
                t("n+1")
            ),
            "x_i^(n+1)",
        ),
        (
            format!(
                "<m:rad><m:radPr><m:degHide m:val=\"1\"/></m:radPr><m:deg/>{}</m:rad>",
                e(&power)
            ),
            "√(x^2)",
        ),
        (format!("<m:rad><m:deg>{}</m:deg>{}</m:rad>", t("3"), e(&t("8"))), "∛(8)"),
        (
            format!(
                "<m:nary><m:naryPr><m:chr m:val=\"∑\"/></m:naryPr><m:sub>{}</m:sub><m:sup>{}</m:sup>{}</m:nary>",
                t("i=1"),
                t("n"),
                e(&t("i"))
            ),
            "∑_(i=1)^n i",
        ),
        (
            format!(
                "<m:d>{}</m:d><m:d><m:dPr><m:begChr m:val=\"|\"/><m:endChr m:val=\"|\"/></m:dPr>{}</m:d>",
                e(&t("a")),
                e(&t("b"))
            ),
            "(a)|b|",
        ),
        (
            format!(
                "<m:m><m:mr>{}{}</m:mr><m:mr>{}{}</m:mr></m:m>",
                e(&t("a")),
                e(&t("b")),
                e(&t("c")),
                e(&t("d"))
            ),
            "[a, b; c, d]",
        ),
        (format!("<m:func><m:fName>{}</m:fName>{}</m:func>", t("sin"), e(&t("x"))), "sin x"),
        (
            format!(
                "<m:func><m:fName><m:limLow>{}<m:lim>{}</m:lim></m:limLow></m:fName>{}</m:func>",
                e(&t("lim")),
                t("x→0"),
                e(&t("y"))
            ),
            "lim_(x→0) y",
        ),
        (format!("<m:box>{}</m:box>", e(&t("q"))), "q"),
    ] {
        let body = format!(
            "<w:p>{}<m:oMathPara><m:oMath>{formula}</m:oMath></m:oMathPara>{}</w:p>",
            run("So "),
            run(".")
        );
        assert_eq!(text(&body, &[]), format!("So {expected}."), "{formula}");
    }
    let deep = format!(
        "<w:p><m:oMath>{}{}{}</m:oMath></w:p>",
        "<m:sSup><m:e>".repeat(20_000),
        t("x"),
        "</m:e></m:sSup>".repeat(20_000)
    );
    assert_eq!(text(&deep, &[]), "x");
}

#[test]
fn charts_and_diagrams_follow_their_paragraph() {
    let chart = "<c:chartSpace><c:chart><c:plotArea><c:barChart><c:ser><c:tx><c:v>Ships</c:v></c:tx>\
        <c:cat><c:strLit><c:pt idx=\"0\"><c:v>May</c:v></c:pt></c:strLit></c:cat><c:val><c:numLit><c:pt idx=\"0\"><c:v>4</c:v></c:pt></c:numLit></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>";
    let diagram = "<dgm:dataModel><dgm:ptLst><dgm:pt modelId=\"1\"><dgm:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>";
    let drawing = |inner: &str| {
        format!(
            "<w:r><w:drawing><a:graphic><a:graphicData>{inner}</a:graphicData></a:graphic></w:drawing></w:r>"
        )
    };
    let body = format!(
        "<w:p>{}{}</w:p><w:p>{}</w:p><w:p>{}</w:p>",
        run("See:"),
        drawing("<c:chart xmlns:c=\"c\" r:id=\"r-chart\"/>"),
        drawing("<dgm:relIds xmlns:dgm=\"d\" r:dm=\"r-diagramData\" r:lo=\"x\"/>"),
        drawing("<c:chart xmlns:c=\"c\" r:id=\"nothing\"/>")
    );
    let bytes = with_parts(&body, &[("chart", chart), ("diagramData", diagram)]);
    let document = document(&bytes).unwrap();
    assert_eq!(units(&document), [(1, 1, "See:\n\nMay | Ships: 4"), (2, 2, "- Plan")]);
}

#[test]
fn templates_are_named_as_they_are() {
    let reason =
        read("a.dotx", &package(&[("_rels/.rels", ""), ("xl/workbook.xml", "<x/>")]), false)
            .unwrap_err();
    assert_eq!(
        reason.to_string(),
        "named .dotx, but it is not a Word document (it is an XLSX file): name it .xlsx"
    );
}

#[test]
fn a_large_first_letter_belongs_to_its_paragraph() {
    let body = format!(
        "<w:p><w:pPr><w:framePr w:dropCap=\"drop\" w:lines=\"3\"/></w:pPr>{}</w:p><w:p>{}</w:p>",
        run("O"),
        run("nce upon a time.")
    );
    assert_eq!(text(&body, &[]), "Once upon a time.");
}

#[test]
fn a_row_may_begin_further_right() {
    let cell = |text: &str| format!("<w:tc><w:p>{}</w:p></w:tc>", run(text));
    let row = |before: &str, cells: &[&str]| {
        let cells = cells.iter().map(|text| cell(text)).collect::<Vec<_>>().concat();
        format!("<w:tr><w:trPr>{before}</w:trPr>{cells}</w:tr>")
    };
    let rows = [
        row("<w:tblHeader/>", &["Port", "Fee", "Day"]),
        row("<w:gridBefore w:val=\"1\"/>", &["7", "Monday"]),
    ];
    assert_eq!(
        text(&format!("<w:tbl>{}</w:tbl>", rows.concat()), &[]),
        "Port\nFee: 7 | Day: Monday"
    );
}

#[test]
fn pictures_are_read_as_their_alternative_text() {
    let drawing = |described: &str| {
        format!(
            "<w:r><w:drawing><wp:inline><wp:docPr id=\"1\" name=\"Picture 1\" descr=\"{described}\"/>\
             <a:graphic><a:graphicData><pic:pic><pic:cNvPr descr=\"x y\"/></pic:pic></a:graphicData></a:graphic>\
             </wp:inline></w:drawing></w:r>"
        )
    };
    let body = format!(
        "<w:p><w:r><w:t>See:</w:t></w:r>{}{}</w:p>",
        drawing("A map of the harbour"),
        drawing("Picture 2")
    );
    let document = document(&with_body(&body)).unwrap();
    assert_eq!(units(&document), [(1, 1, "See:\n\nPicture: A map of the harbour")]);
}
