//! The numbers of paragraphs.

use super::around::text;
use super::*;

/// A level of a list: its number format, its pattern, and other properties.
fn level(index: usize, format: &str, pattern: &str, more: &str) -> String {
    format!(
        "<w:lvl w:ilvl=\"{index}\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{format}\"/><w:lvlText w:val=\"{pattern}\"/>{more}</w:lvl>"
    )
}

fn numbered(num: &str, level: usize, text: &str) -> String {
    paragraph(
        &format!("<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{num}\"/></w:numPr>"),
        text,
    )
}

#[test]
fn numbers_of_paragraphs() {
    let legal = [
        level(0, "upperRoman", "Article %1", ""),
        level(1, "decimal", "§ %1.%2", "<w:isLgl/>"),
        level(2, "lowerLetter", "(%3)", ""),
        level(3, "lowerRoman", "%4.", "<w:lvlRestart w:val=\"0\"/>"),
    ];
    let list = [level(0, "decimal", "%1.", ""), level(1, "bullet", "\u{F0B7}", "")];
    let numbering = format!(
        "<w:numbering><w:abstractNum w:abstractNumId=\"0\">{}</w:abstractNum><w:abstractNum w:abstractNumId=\"1\">{}</w:abstractNum>\
         <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num>\
         <w:num w:numId=\"3\"><w:abstractNumId w:val=\"1\"/><w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"5\"/></w:lvlOverride></w:num></w:numbering>",
        legal.concat(),
        list.concat()
    );
    let body = [
        numbered("1", 0, "Scope"),
        numbered("1", 1, "Fees"),
        numbered("1", 2, "late"),
        numbered("1", 3, "one"),
        numbered("1", 2, "later"),
        numbered("1", 3, "two"),
        numbered("1", 1, "Terms"),
        numbered("1", 0, "End"),
        numbered("1", 1, "Law"),
        numbered("1", 2, "again"),
        numbered("2", 0, "first"),
        numbered("2", 1, "point"),
        numbered("2", 0, "second"),
        numbered("3", 0, "fifth"),
        numbered("3", 0, "sixth"),
        numbered("2", 0, "seventh"),
        numbered("9", 0, "no such list"),
    ];
    let expected = "Article I Scope\n\n§ 1.1 Fees\n\n(a) late\n\ni. one\n\n(b) later\n\nii. two\n\n§ 1.2 Terms\n\n\
        Article II End\n\n§ 2.1 Law\n\n(a) again\n\n1. first\n  - point\n2. second\n5. fifth\n6. sixth\n7. seventh\n- no such list";
    assert_eq!(text(&body.concat(), &[("numbering", &numbering)]), expected);
}

#[test]
fn styles_number_their_paragraphs() {
    let styles = "<w:styles>\
        <w:style w:styleId=\"H1\"><w:name w:val=\"heading 1\"/><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>\
        <w:style w:styleId=\"H2\"><w:name w:val=\"heading 2\"/><w:basedOn w:val=\"H1\"/><w:pPr><w:numPr><w:ilvl w:val=\"1\"/></w:numPr></w:pPr></w:style>\
        <w:style w:styleId=\"H2b\"><w:name w:val=\"Own\"/><w:basedOn w:val=\"H2\"/></w:style>\
        <w:style w:styleId=\"H0\"><w:name w:val=\"Unnumbered\"/><w:basedOn w:val=\"H1\"/><w:pPr><w:numPr><w:numId w:val=\"0\"/></w:numPr></w:pPr></w:style>\
        <w:style w:styleId=\"C\"><w:name w:val=\"Clause\"/><w:pPr><w:numPr><w:numId w:val=\"2\"/></w:numPr></w:pPr></w:style>\
        </w:styles>";
    let numbering = format!(
        "<w:numbering><w:abstractNum w:abstractNumId=\"0\">{}{}</w:abstractNum>\
         <w:abstractNum w:abstractNumId=\"1\">{}{}</w:abstractNum>\
         <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>",
        level(0, "decimal", "%1", ""),
        level(1, "decimal", "%1.%2", ""),
        level(0, "decimal", "%1.", ""),
        level(1, "lowerLetter", "(%2)", "<w:pStyle w:val=\"C\"/>"),
    );
    let styled =
        |style: &str, text: &str| paragraph(&format!("<w:pStyle w:val=\"{style}\"/>"), text);
    let no_number = "<w:pStyle w:val=\"H2\"/><w:numPr><w:numId w:val=\"0\"/></w:numPr>";
    let body = [
        styled("H1", "Scope"),
        styled("H2", "Fees"),
        styled("H2b", "Terms"),
        styled("H0", "Note"),
        styled("H1", "End"),
        paragraph(no_number, "Bare"),
        styled("H2", "Law"),
        styled("C", "clause"),
        styled("C", ""),
        styled("C", "another"),
    ];
    let expected = "# 1 Scope\n\n## 1.1 Fees\n\n## 1.2 Terms\n\n# Note\n\n# 2 End\n\n## Bare\n\n## 2.1 Law\n\n(a) clause\n\n(c) another";
    let found = text(&body.concat(), &[("numbering", &numbering), ("styles", styles)]);
    assert_eq!(found, expected);
}

#[test]
fn counters_and_patterns_have_ends() {
    let pattern = "%1".repeat(10_000);
    let numbering = format!(
        "<w:numbering><w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"4294967295\"/><w:numFmt w:val=\"upperLetter\"/><w:lvlText w:val=\"{pattern}\"/></w:lvl>\
         <w:lvl w:ilvl=\"99\"/><w:numStyleLink w:val=\"X\"/></w:abstractNum>\
         <w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"4294967295\"/><w:numFmt w:val=\"upperLetter\"/><w:lvlText w:val=\"{pattern}\"/></w:lvl></w:abstractNum>\
         <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>"
    );
    let body = [
        numbered("1", 0, "a"),
        numbered("2", 4_000_000, "b"),
        numbered("2", 0, "c"),
        numbered("2", 0, "d"),
    ];
    let found = text(&body.concat(), &[("numbering", &numbering)]);
    assert!(found.len() < 2000 && found.contains("4294967295"), "{found}");
}
