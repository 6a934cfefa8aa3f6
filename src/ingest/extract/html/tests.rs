#![allow(clippy::unwrap_used, reason = "tests")]

mod pages;

use proptest::prelude::*;

use super::document;
use crate::ingest::document::{Document, LocatorUnit, SourceMap};

fn text(html: &str) -> String {
    document(html.as_bytes()).unwrap().text
}

/// Every line of the text, with the source lines that its mark names.
fn located(document: &Document) -> Vec<(String, u32, u32)> {
    let SourceMap::Marked(LocatorUnit::Line, marks) = &document.places else {
        panic!("not by line")
    };
    assert!(document.text.is_empty() || marks[0].offset == 0);
    assert!(marks.windows(2).all(|pair| pair[0].offset < pair[1].offset));
    marks
        .iter()
        .enumerate()
        .map(|(index, mark)| {
            let end = marks.get(index + 1).map_or(document.text.len(), |next| next.offset);
            (document.text[mark.offset..end].trim().to_owned(), mark.first, mark.last)
        })
        .collect()
}

#[test]
fn structure_becomes_markdown() {
    for (html, expected) in [
        ("<h1>A</h1><p>one</p><h3>B</h3>two", "# A\n\none\n\n### B\n\ntwo"),
        ("<p>a\n   b <b>c</b><i>d</i>\te</p>", "a b cd e"),
        ("<p>one<br>two<br/>three</p>", "one\ntwo\nthree"),
        ("<h2>a<br>b</h2>", "## a b"),
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"),
        ("<ol><li>a<li><p>b</p><p>more</p></ol>", "1. a\n2. b\n\n  more"),
        ("<dl><dt>term<dd>what it is</dl>", "term\n\nwhat it is"),
        ("<pre>\na\n  b\n\n</pre>", "```\na\n  b\n```"),
        ("<pre>x ``` y</pre>", "````\nx ``` y\n````"),
        (
            "<table><tr><th>k</th><th>v</th></tr><tr><td>a</td><td><p>b</p><p>c</p></td></tr></table>",
            "k: a | v: b c",
        ),
        ("<table><tr><td><h2>T</h2><p>x</p><td>y</table>", "## T\n\nx\n\ny"),
        ("a &lt;b&gt; &amp;amp; caf&eacute;&nbsp;&#8212; x&shy;y", "a <b> &amp; café — xy"),
        (
            "&mdash &#146; &#x110000; &# & &unknown; &copyx &bigodot;",
            "&mdash ’ \u{FFFD} &# & &unknown; ©x ⨀",
        ),
        ("<blockquote>q</blockquote><hr>r", "q\n\nr"),
        ("fo<!-- x -->o", "foo"),
        ("<p>a</p><![CDATA[x]]><p>b", "a\n\nb"),
        ("<h2>Name<a href='#x'>¶</a></h2><p><a href='/'>#1</a>", "## Name\n\n#1"),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
}

#[test]
fn formatting_that_changes_what_a_text_says() {
    for (html, expected) in [
        ("<p>10<sup>6</sup> herring in 5 m<sup>2 </sup>of it.", "10⁶ herring in 5 m² of it."),
        (
            "<p>H<sub>2</sub>O, SO<sub>4</sub><sup>2-</sup>, 5<sup>1</sup>/<sub>2</sub> h",
            "H₂O, SO₄²⁻, 5 1/2 h",
        ),
        ("<p>2<sup>2<sup>n</sup></sup> x<sup><i>n</i>+1</sup> e<sup>2π</sup>", "2²ⁿ xⁿ⁺¹ e^(2π)"),
        ("<p>the 1<sup>st</sup> of May<sup>[1]</sup>", "the 1st of May[1]"),
        ("<p>Fee 30<sup><a href='#f1'>1</a></sup> euro", "Fee 30[1] euro"),
        ("<p>10<span style='font-size:8pt; Vertical-Align: super'>-3</span> m", "10⁻³ m"),
        (
            "<table><tr><td>10<sup>3</sup><td>x<tr><td>10<sup>4</sup><td>y</table>",
            "10³ | x\n10⁴ | y",
        ),
        ("<pre>x<sup>2</sup>\ny<sup>3\n</sup>z</pre>", "```\nx²\ny3\nz\n```"),
        ("a<sup>b<p>c</sup>d<sup>2</sup>", "ab\n\nc\n\nd²"),
        ("<h2>CO<sub>2</sub></h2>", "## CO₂"),
        ("<p>Fee: <del>50</del> <ins>40</ins> euro", "Fee: 40 euro"),
        (
            "<p>Fee: <s>50 euro</s> 40<br><strike>a<br>b</strike>",
            "Fee: ~~50 euro~~ 40\n~~a~~\n~~b~~",
        ),
        ("<s><p>a<p>b</s>c<p>d", "~~a~~\n\n~~b~~\n\nc\n\nd"),
        ("<p>a <span style='text-decoration: line-through red'>b</span> c", "a ~~b~~ c"),
        ("<table><tr><td><s>1</s><td>2<tr><td>3<td>4</table>", "~~1~~ | 2\n3 | 4"),
        ("<p>a<s> </s>b", "a b"),
        ("<pre>a <s>b</s></pre>", "```\na b\n```"),
    ] {
        assert_eq!(text(html), expected, "{html}");
    }
}

#[test]
fn rows_of_tables_carry_the_names_of_their_columns() {
    let fees = "<tr><th rowspan=2>Port<th colspan=2>Fee</tr><tr><th>winter<th>summer</tr>";
    let expected =
        "Port: A | Fee, winter: 1 | Fee, summer: 2\nPort: A | Fee, winter: 3 | Fee, summer: 3";
    let body = "<tr><td rowspan=2>A<td>1<td>2</tr><tr><td colspan=2>3</tr>";
    for (rows, expected) in [
        (format!("{fees}{body}"), expected),
        (format!("<thead>{}</thead>{body}", fees.replace("th>", "td>")), expected),
        (format!("<caption>C</caption>{fees}{body}"), &format!("C\n\n{expected}")),
        (format!("<tr><th colspan=3>C</tr>{fees}{body}"), &format!("C\n{expected}")),
        // A span ends with its part of the table.
        (
            "<thead><tr><th rowspan=9>A<th>B</thead><tr><td rowspan=0>1<td>2<tr><td>3<tfoot><tr><td>4<td>5".into(),
            "A: 1 | B: 2\nA: 1 | B: 3\nA: 4 | B: 5",
        ),
        // Row headers are cells.
        (
            "<tr><td><th>Fee<tr><th>A<td>1<tr><th scope=row>B<td>2<tr><th colspan=2>North<tr><th>C<td>".into(),
            "A | Fee: 1\nB | Fee: 2\nNorth\nC",
        ),
        ("<tr><th>Name<td>Ann<tr><th>Founded<td>1900<tr><th>Staff<td>9".into(), "Name | Ann\nFounded | 1900\nStaff | 9"),
        ("<tr><th scope=row>A<th scope=row>b<th>c<tr><td>1<td>2<td>3".into(), "A | b | c\n1 | 2 | 3"),
        // The header need not be declared.
        ("<tr><td>Port<td>Fee<tr><td>A<td>1<tr><td>B<td>2".into(), "Port: A | Fee: 1\nPort: B | Fee: 2"),
        ("<tr><td>Name<td>Ann<tr><td>Town<td><td>x".into(), "Name | Ann\nTown |  | x"),
        ("<tr><th>k<th>v".into(), "k | v"),
        ("<tr><th>k<tr><td>a<tr><td>b".into(), "k: a\nk: b"),
        ("<tr><th>k<th>v<tr><td>a<td>b</table><table><tr><td>c</tr>after".into(), "k: a | v: b\nc\n\nafter"),
        // Furniture takes a column, hidden cells do not.
        (
            "<tr><th>k<th class=toc>x<th hidden>y<th>v<tr><td>a<td class=toc>x<td hidden>y<td>b".into(),
            "k: a | v: b",
        ),
    ] {
        assert_eq!(text(&format!("<table>{rows}</table>")), expected, "{rows}");
    }
    let looks = "<tr><td>Port<td>Fee<tr><td>A<td>1";
    assert_eq!(text(&format!("<table role=presentation>{looks}</table>")), "Port | Fee\nA | 1");
    let item =
        text("<ul><li><table><tr><th>k<th>v<tr><td>a<td><ul><li>b</ul><tr><td>c<td>d</table></ul>");
    assert_eq!(item, "- k: a | v: b\n  k: c | v: d");
}

#[test]
fn spans_and_names_do_not_multiply_a_page() {
    let long = "long ".repeat(39);
    let wide = format!("<td rowspan=0 colspan=63>{long}").repeat(100);
    for html in [
        format!("<table><tr>{wide}{}</table>", "<tr><td>x".repeat(20_000)),
        format!(
            "<table><tr>{}{}</table>",
            "<td rowspan=0>".repeat(9_000),
            "<tr><td>x".repeat(9_000)
        ),
        format!(
            "<table><tr>{}{}",
            format!("<th>{long}").repeat(99),
            "<tr><td>x<td>y".repeat(9_000)
        ),
        format!("<table><tr><th>{long}{long}<th>b{}", "<tr><td>x<td>y".repeat(9_000)),
    ] {
        let text = text(&html);
        assert!(text.len() <= html.len());
        assert!(text.contains("\nx"));
    }
    let rows = format!(
        "<tr><th>k<th>v<tr><td>a<td>{long}{long}<tr><td colspan=99999>b<td>c<tr><td rowspan=99999>d<td>e"
    );
    let expected =
        format!("k: a | v: {}\nk: b | v: b | c\nk: d | v: e", format!("{long}{long}").trim());
    let found = text(&format!("<table>{rows}<td>f</table>"));
    assert!(found.starts_with(&expected[..expected.find("\nk: b").unwrap()]), "{found}");
}

#[test]
fn end_tags_may_be_missing() {
    for (html, expected) in [
        ("<p>a<p>b<p>c", "a\n\nb\n\nc"),
        ("<ul><li>a<li>b<ul><li>c<li>d</ul><li>e</ul>f", "- a\n- b\n  - c\n  - d\n- e\n\nf"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>e", "a | b\nc | d\n\ne"),
        ("<div><p>a<div>b</div></div>c", "a\n\nb\n\nc"),
        ("<p>a</b></i></div>b", "ab"),
        ("<div><table><tr><td>a</div><td>b</p></li></tr></table>c", "a | b\n\nc"),
        ("<ul><li>a<ul><li>b</li></li><li>c</ul><li>d</ul>", "- a\n  - b\n  - c\n- d"),
        ("<svg><path><title/><g><p>a", "a"),
        ("<nav><ul><li>menu</nav>text", "text"),
        ("<div><p>open", "open"),
        ("<p unclosed=\"", ""),
        ("</", "</"),
    ] {
        assert_eq!(text(html).trim(), expected, "{html}");
    }
}

#[test]
fn furniture_is_left_out() {
    for furniture in [
        "<script>F</script>",
        "<style>F</style>",
        "<nav>F</nav>",
        "<header>F</header>",
        "<footer>F</footer>",
        "<aside>F</aside>",
        "<form>F <input></form>",
        "<button>F</button>",
        "<select><option>F<option>F</select>",
        "<svg><title>F</title><text>F</text></svg>",
        "<template><p>F</template>",
        "<noscript>F</noscript>",
        "<iframe>F</iframe>",
        "<div hidden>F</div>",
        "<div aria-hidden=true>F</div>",
        "<div style='display: none'>F</div>",
        "<div role=navigation>F</div>",
        "<div role=banner>F</div>",
        "<div role=contentinfo>F</div>",
        "<div role=search>F</div>",
        "<ul class='main-nav x'><li>F</ul>",
        "<div id=sidebar><p>F</div>",
        "<div class=breadcrumbs>F</div>",
        "<div class=cookieBanner>F</div>",
        "<div class='page-footer'>F</div>",
    ] {
        let html = format!("<html><body>{furniture}<p>The text of the page.</p></body></html>");
        assert_eq!(text(&html), "The text of the page.", "{furniture}");
    }
}

#[test]
fn the_main_part_is_enough() {
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let main = |tag: &str, end: &str| {
        text(&format!(
            "<div>teaser</div><{tag}><header><h1>T</h1></header>{long}</{end}><div>x</div>"
        ))
    };
    let expected = format!("# T\n\n{}", long.trim());
    assert_eq!(main("main", "main"), expected);
    assert_eq!(main("div role=main", "div"), expected);
    assert_eq!(main("article", "article"), expected);
    let empty_main = text(&format!("<main></main><div>{long}</div>"));
    assert_eq!(empty_main, long.trim());
    let teaser = text(&format!("<article>teaser</article><div>{long}</div>"));
    assert_eq!(teaser, long.trim());
}

#[test]
fn what_holds_most_paragraphs_is_the_text() {
    let long = "A sentence that is long enough to be the text of a page. ".repeat(5);
    let page = |html: &str| text(&html.replace("LONG", &format!("<p>{long}</p>")));
    let expected = format!("# Top\n\n{}", long.trim());
    for html in [
        "<div class=l-sidebar-fixed><h1>Top</h1>LONG</div>",
        "<div class=one-sidebar><aside class=sidebar><p>x</aside><h1>Top</h1>LONG</div>",
        "<h1>Top</h1><div>LONG</div><div class=comments><p>x</div>",
        "<h1>Top</h1>LONG<div id=comments>LONGLONG</div>",
        "<div><h1>Top</h1></div><div><div>LONG</div><p>x</div>",
        "<div class=comments><h1>Top</h1>LONG</div>",
        "<h1>Top</h1>LONG<h2>More</h2><ul><li><a href=1>one</a><li><a href=2>two</a></ul>",
        "<h1>Top</h1>LONG<div><h4><a href=1>one</a></h4><a href=2>two</a></div>",
        "<header><h1>Top</h1></header>LONG<footer>x</footer>",
    ] {
        assert_eq!(page(html).replace("\n\nx", ""), expected, "{html}");
    }
    let code = page("<h1>Top</h1>LONG<pre><span class=comment>// x</span></pre>");
    assert_eq!(code, format!("{expected}\n\n```\n// x\n```"));
    let before = page("<div><p>First.</p><div>LONG</div></div>");
    assert_eq!(before, long.trim());
}

#[test]
fn what_documentation_is_made_of_stays() {
    for (html, expected) in [
        ("<aside class='starlight-aside--caution'><p>Never.</aside>", "Never."),
        ("<aside epub:type=footnote>Bought in Lisbon.</aside>", "Bought in Lisbon."),
        ("<header><h1>Top</h1><p class=abstract>On kelp.</header>", "# Top\n\nOn kelp."),
        ("<div role=tabpanel hidden>Dock 9.</div>", "Dock 9."),
        (
            "<math><semantics><mrow><mi>E</mi><mo>=</mo><mi>m</mi></mrow>\
             <annotation encoding='application/x-tex'>E=m</annotation></semantics></math>",
            "E=m",
        ),
        ("<math><mi>E</mi><mo>=</mo><mi>m</mi></math>", "E=m"),
        ("<ruby>東<rp>(</rp><rt>とう</rt>京<rt>きょう</rt></ruby>", "東京"),
    ] {
        let html = format!("<p>The text of the page.</p>{html}");
        assert_eq!(text(&html), format!("The text of the page.\n\n{expected}"), "{html}");
    }
}

#[test]
fn a_page_that_is_one_form_is_not_empty() {
    let long = "The whole page is inside of one form, as some frameworks do. ".repeat(5);
    assert_eq!(text(&format!("<form id=aspnetForm><p>{long}</p></form>")), long.trim());
}

#[test]
fn titles() {
    let title = |html: &str| document(html.as_bytes()).unwrap().title;
    assert_eq!(title("<title> A &amp;\n B </title><h1>C</h1>"), "A & B");
    assert_eq!(title("<svg><title>icon</title></svg><h1>C</h1>"), "C");
    assert_eq!(title("<p>x"), "");
}

#[test]
fn every_line_knows_its_source_lines() {
    let html = "<!doctype html>\n<title>T</title>\n<body>\n<nav>\n  <a>skip</a>\n</nav>\n\
                <h1>Head</h1>\n<p>\n  first\n  second <b>third\n  fourth</b>\n</p>\n\
                <ul>\n <li>item one\n <li>item two\n</ul>\n<pre>\nlet a = 1;\n\nlet b = 2;\n</pre>\n\
                <table>\n<tr><td>left\n<td>right\n</table>\n\
                <table>\n<tr><th>k\n<th>v\n<tr><td rowspan=2>a\n<td>b\n<tr>\n<td>c\n</table>\n\
                last &lt;line&gt;\n";
    let document = document(html.as_bytes()).unwrap();
    let found = located(&document);
    let expected = [
        ("# Head", 7, 7),
        ("first second third fourth", 9, 11),
        ("- item one", 14, 14),
        ("- item two", 15, 15),
        ("```\nlet a = 1;", 18, 18),
        ("", 19, 19),
        ("let b = 2;\n```", 20, 20),
        ("left | right", 23, 24),
        ("k: a | v: b", 29, 30),
        ("k: a | v: c", 32, 32),
        ("last <line>", 34, 34),
    ];
    let expected: Vec<(String, u32, u32)> =
        expected.into_iter().map(|(text, first, last)| (text.to_owned(), first, last)).collect();
    assert_eq!(found, expected);
}

#[test]
fn encodings_are_declared_in_the_page() {
    for (bytes, expected) in [
        (&b"<meta charset=\"iso-8859-2\"><p>\xB1"[..], "ą"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><p>\xC1", "а"),
        (b"<?xml version='1.0' encoding='shift_jis'?><p>\x82\xA0", "あ"),
        (b"<meta charset=utf-16><p>\xC3\xA9", "é"),
        (b"<p>\xE9", "é"),
        (b"\xEF\xBB\xBF<meta charset=latin1><p>\xC3\xA9", "é"),
        (b"\xFF\xFE<\0p\0>\0\xE9\0", "é"),
    ] {
        let text = document(bytes).unwrap().text;
        assert!(text.ends_with(expected), "{text:?} for {bytes:?}");
    }
}

#[test]
fn deep_nesting_and_open_tags_are_survived() {
    let deep = format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
    assert_eq!(text(&deep), "x");
    assert_eq!(text(&format!("{}x", "<span>".repeat(100_000))), "x");
    assert_eq!(text(&"<table><tr><td>".repeat(5_000)), "");
}

proptest! {
    /// Words of paragraphs are on the lines that their marks name.
    #[test]
    fn lines_hold_what_they_are_said_to(
        parts in prop::collection::vec(("[a-z]{1,8}", 0..4usize, 0..7usize), 1..20)
    ) {
        let tags = ["<p>", "<li>", "<h2>", "<div>", "&nbsp;", "\r\n", " é"];
        let mut html = String::new();
        for (word, breaks, tag) in &parts {
            html.extend([&*"\n".repeat(*breaks), tags[*tag], word]);
        }
        let source: Vec<&str> = html.split('\n').collect();
        let document = document(html.as_bytes()).unwrap();
        for (text, first, last) in located(&document) {
            let lines = source[first as usize - 1..last as usize].join("\n");
            for word in text.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic)) {
                prop_assert!(lines.contains(word), "{word} not in {lines:?} of {html:?}");
            }
        }
    }

    /// Words of tables are, too, where only names and merged cells are repeated.
    #[test]
    fn rows_hold_what_they_are_said_to(
        parts in prop::collection::vec(("[a-z]{1,8}", 0..3usize, 0..8usize), 1..40)
    ) {
        let tags = ["<tr><td>", "<td>", "<th>", "<tr><th>", "<td colspan=2>", "<td><p>", "<thead>", "<tbody>"];
        let mut html = "<table>".to_owned();
        for (word, breaks, tag) in &parts {
            html.extend([tags[*tag], &*"\n".repeat(*breaks), word]);
        }
        let source: Vec<&str> = html.split('\n').collect();
        let document = document(html.as_bytes()).unwrap();
        for (text, first, last) in located(&document) {
            let lines = source[first as usize - 1..last as usize].join("\n");
            for cell in text.split('\n').flat_map(|row| row.split(" | ")) {
                let value = cell.rsplit(": ").next().unwrap();
                // Two header rows make one name.
                for value in value.split(", ") {
                    prop_assert!(lines.contains(value), "{value} not in {lines:?} of {html:?}");
                }
            }
        }
        for (word, ..) in &parts {
            prop_assert!(document.text.contains(word.as_str()), "{word} of {html:?}");
        }
    }

    /// No input causes a panic, and marks stay within the text.
    #[test]
    fn anything_is_survived(html in "[<>/a-z =\"'&;#!\\-\n]{0,200}") {
        if let Ok(document) = document(html.as_bytes()) {
            let lines = html.split('\n').count() as u32;
            for (_, first, last) in located(&document) {
                prop_assert!(first <= last && last <= lines);
            }
        }
    }
}
