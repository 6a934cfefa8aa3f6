#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::parts::tests::units;

pub(in crate::ingest::extract) const SAMPLE: &str = r"{\rtf1\ansi\ansicpg1252\deff0\uc1{\fonttbl{\f0\froman\fcharset0 Times;}{\f1\fnil\fcharset2 Symbol;}{\f2\fswiss\fcharset204{\*\falt x}Arial Cyr;}{\f3\fmodern\fcharset128 MS Gothic;}}
{\colortbl;\red0\green0\blue0;}{\stylesheet{\s0 Normal;}{\s1\outlinelevel0\sbasedon0 heading 1;}{\s2\sbasedon1 Own;}{\s5 Title;}{\*\cs10 Default;}}
{\*\generator Riched20}{\info{\title Harbour \'fcbersicht}{\author Ann}}
{\header\pard running head\par}
\pard\plain\s5 Terms\par
\pard\s1 Scope\par
\pard\plain Caf\'e9 \u8364?5 \emdash  a\~b {\v hidden}{\deleted gone}{\f2\'cf\'f0\'e8}{\f3\'93\'fa\'96\'7b}{\f1 \'b1}\line next{\super\chftn{\footnote\pard{\super\chftn} Not in May.}}.\par
{\pard\ls1\ilvl0{\listtext\pard 1.\tab}first\par}
{\pard\ls1\ilvl1{\listtext\pard (a)\tab}second\par}
{\pard{\pntext\f1\'b7\tab}point\par}
\trowd\trhdr\clvmgf\cellx1000\cellx3000\pard\intbl Port\cell Fee\cell\row
\trowd\clvmgf\cellx1000\cellx2000\cellx3000\pard\intbl Oslo\cell 1\cell 2\cell\row
\trowd\clvmrg\cellx1000\cellx3000\pard\intbl\cell 3\cell\row
\pard\outlinelevel1 Law\par
{\field{\*\fldinst{HYPERLINK x}}{\fldrslt link}} {\*\unknown{ignored}}{\pict\pngblip 89504e47}\u-10179?\u-8704? end}";

#[test]
fn paragraphs_become_markdown() {
    let document = document(SAMPLE.as_bytes(), false).unwrap();
    assert_eq!(document.title, "Harbour übersicht");
    let expected = [
        (1, 1, "# Terms"),
        (2, 2, "# Scope"),
        (3, 3, "Café €5 — a b При日本±\nnext.\nNot in May."),
        (4, 4, "1. first"),
        (5, 5, "(a) second"),
        (6, 6, "- point"),
        (9, 11, "Port: Oslo | Fee: 1 | Fee: 2"),
        (13, 13, "Port: Oslo | Fee: 3 | Fee: 3"),
        (14, 14, "## Law"),
        (15, 15, "link 😀 end"),
    ];
    assert_eq!(units(&document), expected);
}

#[test]
fn letters_and_groups() {
    for (body, expected) in [
        ("a\\par b", "a\n\nb"),
        ("{\\uc0\\u233}x", "éx"),
        ("\\uc2\\u233??x", "éx"),
        ("\\u233\\'e9x", "éx"),
        ("{\\upr{ansi}{\\*\\ud{unicode}}}", "unicode"),
        ("a\\\r\nb", "a\n\nb"),
        (
            "{\\shp{\\*\\shpinst{\\sp{\\sn t}{\\sv 1}}{\\shptxt boxed\\par}}{\\shprslt boxed}}a",
            "boxed\n\na",
        ),
        ("{\\*\\atnid A}{\\*\\atnauthor Ann}\\chatn{\\*\\annotation why?}a", "a"),
        ("\\trowd\\cellx1000\\pard\\intbl framed\\cell\\row\\pard a", "framed\n\na"),
        ("\\bin5 }}}}}a", "a"),
        ("a\\u-1?\\u55357?b", "a\u{FFFF}b"),
        ("\\v0 a\\v b\\plain c", "ac"),
        ("{\\f7 a}\\f-3 b\\s-9 c\\par", "abc"),
        ("10{\\super -}{\\super 6} H{\\sub 2}O 1{\\super st}", "10⁻⁶ H₂O 1st"),
        ("x\\up6 2\\up0  y\\dn4 1\\plain z\\super 3\\nosupersub .", "x² y₁z³."),
        ("{\\strike old\\par}\\striked1 50\\striked0  40", "~~old~~\n\n~~50~~ 40"),
        ("{\\footnote one}{\\footnote{\\footnote two}}\\par", "one\ntwo"),
    ] {
        let text = document(format!("{{\\rtf1 {body}}}").as_bytes(), false).map(|it| it.text);
        assert_eq!(text.unwrap(), expected, "{body}");
    }
    let body = "{\\rtf1 a{\\*\\atnauthor Ann}\\chatn{\\*\\annotation why?}.}";
    assert_eq!(document(body.as_bytes(), true).unwrap().text, "a.\nComment by Ann: why?");
}

#[test]
fn other_files_are_refused_with_their_format() {
    let reason = |bytes: &[u8]| document(bytes, false).unwrap_err().to_string();
    assert_eq!(
        reason(b"%PDF-1.7"),
        "named .rtf, but it is not an RTF (it is a PDF file): name it .pdf"
    );
    let whole = SAMPLE.as_bytes();
    assert_eq!(reason(&whole[..whole.len() / 2]), "damaged or truncated: it ends within a group");
    let deep = format!("{{\\rtf1 {}", "{".repeat(1_000_000));
    assert_eq!(reason(deep.as_bytes()), "nested too deeply");
}
