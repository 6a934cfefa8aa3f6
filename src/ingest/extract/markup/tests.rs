#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ingest::extract::parts::tests::units;

fn read(xml: &str) -> Document {
    document(xml.as_bytes()).unwrap()
}

#[test]
fn docbook_is_read_by_its_sections() {
    let book = read(
        r#"<?xml version="1.0"?>
<!DOCTYPE book [<!ENTITY product "Harbour &amp; Co"> <!ENTITY pic SYSTEM "a.png">]>
<book xmlns="http://docbook.org/ns/docbook"><info><title>Port guide</title>
<author><personname><firstname>Ann</firstname><surname>Lee</surname></personname></author></info>
<chapter><title>Fees of <application>Bergen</application></title>
<indexterm><primary>fee</primary></indexterm>
<para>The fee of &product; is <emphasis>nine</emphasis> crowns<footnote><para>Except in May.</para></footnote> a day &mdash; caf&eacute;.</para>
<table><title>Fees</title><tgroup cols="2"><thead><row><entry>Port</entry><entry>Winter fee</entry></row></thead>
<tbody><row><entry>Oslo</entry><entry>12</entry></row>
<row><entry><para>Narvik</para></entry><entry>9</entry></row></tbody></tgroup></table>
<section><title>Payment</title><itemizedlist><listitem><para>In cash.</para></listitem>
<listitem><para>By card.</para><itemizedlist><listitem><para>Debit only.</para></listitem></itemizedlist></listitem></itemizedlist>
<programlisting>pay --now
  &lt;b&gt;</programlisting></section></chapter></book>"#,
    );
    assert_eq!(book.title, "Port guide");
    let text = "# Port guide\n\nAuthors: Ann Lee\n\n## Fees of Bergen\n\n\
        The fee of Harbour & Co is nine crowns a day — café.\n\nNote: Except in May.\n\nFees\n\n\
        Port: Oslo | Winter fee: 12\nPort: Narvik | Winter fee: 9\n\n### Payment\n\n\
        - In cash.\n- By card.\n  - Debit only.\n\n```\npay --now\n  <b>\n```";
    assert_eq!(book.text, text);
    let found = units(&book);
    assert!(found.contains(&(9, 9, "Port: Oslo | Winter fee: 12")), "{found:?}");
}

#[test]
fn jats_has_authors_abstract_and_references() {
    let article = read(
        r#"<article><front><journal-meta><journal-id>X</journal-id><journal-title>Seas</journal-title></journal-meta>
<article-meta><article-id>10.1/x</article-id><title-group><article-title>On <italic>Zostera</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Lee</surname><given-names>Ann M.</given-names></name><xref ref-type="aff">1</xref></contrib>
<contrib><name><surname>Bo</surname><given-names>C</given-names></name></contrib></contrib-group>
<pub-date><day>1</day><month>3</month><year>2024</year></pub-date>
<abstract><p>Seagrass grows.</p></abstract><kwd-group><kwd>sea</kwd><kwd>grass</kwd></kwd-group></article-meta></front>
<body><sec><label>1</label><title>Methods</title><p>We dived at 5 m <xref>[1]</xref>.</p>
<table-wrap><label>Table 1</label><caption><p>Depths</p></caption><table><tr><th>Site</th><th>Depth</th></tr><tr><td>A</td><td>5</td></tr></table></table-wrap></sec></body>
<back><ref-list><title>References</title><ref><element-citation><name><surname>Ray</surname><given-names>D</given-names></name><article-title>Eel</article-title><year>2010</year></element-citation></ref>
<ref><mixed-citation>Fox E. <italic>Dune</italic>. 2011.</mixed-citation></ref></ref-list></back></article>"#,
    );
    assert_eq!(article.title, "On Zostera");
    let text = "journal-title: Seas\n\n# On Zostera\n\nAuthors: Ann M. Lee, C Bo\n\npub-date: 2024-03-01\n\n\
        ## Abstract\n\nSeagrass grows.\n\nkwd: sea, grass\n\n## 1 Methods\n\nWe dived at 5 m [1].\n\n\
        Table 1 Depths\n\nSite: A | Depth: 5\n\n## References\n\n- Ray, D, Eel, 2010\n- Fox E. Dune. 2011.";
    assert_eq!(article.text, text);
}

#[test]
fn formatting_that_changes_what_a_text_says() {
    for (xml, expected) in [
        (
            "<article><para>10<superscript>6</superscript> H<subscript>2</subscript>O</para></article>",
            "10⁶ H₂O",
        ),
        ("<book><p>m s<sup>−1</sup> <strike>old</strike> new</p></book>", "m s⁻¹ ~~old~~ new"),
        ("<TEI><p>5<hi rend='superscript'>2</hi><del>gone</del></p></TEI>", "5²"),
        (
            "<book><p>m<sup>2</sup></p><table><tr><td>10<sup>3</sup></td><td>a<sup>2</sup></td></tr></table></book>",
            "m²\n\n10³ | a²",
        ),
    ] {
        assert_eq!(read(xml).text, expected, "{xml}");
    }
}

#[test]
fn books_outlines_and_topics() {
    let fb2 = read(
        "<FictionBook><description><title-info><genre>sea</genre><author><first-name>Ann</first-name><last-name>Lee</last-name></author><book-title>Tides</book-title></title-info></description>\
        <body><section><title><p>One</p><p>Ebb</p></title><p>It <emphasis>rained</emphasis>.</p><poem><stanza><v>a line</v><v>another</v></stanza></poem></section></body><binary id=\"c.jpg\">/9j/4AAQ</binary></FictionBook>",
    );
    let text =
        "genre: sea\n\nAuthors: Ann Lee\n\n# Tides\n\n## One Ebb\n\nIt rained.\n\na line\nanother";
    assert_eq!((fb2.title.as_str(), fb2.text.as_str()), ("Tides", text));
    let tei = read(
        "<TEI><teiHeader><fileDesc><titleStmt><title>Letters</title></titleStmt></fileDesc></teiHeader><text><body><div><head>To Bo</head><p>Dear<lb/>Bo<note>His brother.</note>!</p><table><row role=\"label\"><cell>Day</cell><cell>Wind</cell></row><row><cell>1</cell><cell>W</cell></row></table></div></body></text></TEI>",
    );
    let text = "# Letters\n\n## To Bo\n\nDear\nBo!\n\nNote: His brother.\n\nDay: 1 | Wind: W";
    assert_eq!(tei.text, text);
    let opml = read(
        "<opml><head><title>Feeds</title></head><body><outline text=\"Sea\"><outline text=\"Tides\" xmlUrl=\"http://t/\"/></outline></body></opml>",
    );
    assert_eq!(opml.text, "# Feeds\n\n- Sea\n  - Tides (http://t/)");
    let dita = read(
        "<task id=\"t\"><title>Moor</title><shortdesc>How to moor.</shortdesc><taskbody><steps><step><cmd>Throw the <b>rope</b>.</cmd></step><step><cmd>Pull.</cmd></step></steps></taskbody></task>",
    );
    assert_eq!(dita.text, "# Moor\n\nHow to moor.\n\n- Throw the rope.\n- Pull.");
}

#[test]
fn data_is_read_as_fields() {
    let data = read(
        "<ports xmlns=\"x\">\n<port id=\"5\"><name>Bergen</name>\n<fee currency=\"NOK\">120</fee><tag>a</tag><tag>b</tag></port>\n<port id=\"6\"><name>Narvik</name><open/></port>\n</ports>",
    );
    let text =
        "port: id=5\nname: Bergen\nfee (currency=NOK): 120\ntag: a, b\nport: id=6\nname: Narvik";
    assert_eq!(data.text, text);
    assert!(units(&data).contains(&(4, 4, "port: id=6")));
    let prose = read(
        "<faq><item><title>When?</title><p>At <b>nine</b> o'clock<![CDATA[ <sharp>]]>.</p></item></faq>",
    );
    assert_eq!(prose.text, "# When?\n\nAt nine o'clock <sharp>.");
}

#[test]
fn feeds_have_pages_in_their_fields() {
    let feed = read(
        "<rss><channel><title>Sea</title><item><title>Ebb</title><pubDate>Fri</pubDate><description>&lt;p&gt;Low &amp;amp; dry&lt;/p&gt;</description></item></channel></rss>",
    );
    assert_eq!(feed.text, "# Sea\n\n## Ebb\n\npubDate: Fri\n\ndescription:\n\nLow & dry");
}

#[test]
fn what_is_not_well_formed_is_read_with_its_tags() {
    let broken = read("<a><b>text</a>");
    assert_eq!(broken.text, "<a><b>text</a>");
    assert_eq!(broken.warnings[0].code, WarningCode::NotWellFormed);
    assert!(broken.warnings[0].message.starts_with("not well-formed XML, read with its tags: "));
    assert_eq!(read("<a>R&D and &unknown;</a>").text, "a: R&D and");
}

#[test]
fn the_encoding_is_what_the_declaration_says() {
    let xml = b"<?xml version=\"1.0\" encoding=\"koi8-r\"?><a>\xf3\xcb\xcc\xc1\xc4</a>";
    let read = document(xml).unwrap();
    assert_eq!((read.text.as_str(), read.warnings.len()), ("a: Склад", 0));
}

#[test]
fn hostile_files_end() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"0123456789\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><a>x&a;&c;</a>";
    assert_eq!(read(bomb).text, "a: x0123456789");
    let value = "v".repeat(LONGEST);
    let many = format!("<!DOCTYPE a [<!ENTITY v \"{value}\">]><a>{}</a>", "&v; ".repeat(100_000));
    assert!(read(&many).text.len() < 2 << 20);
    let deep = format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(read(&deep).text, "x");
    let items = format!(
        "<article>{}</article>",
        "<listitem><para>x</para>".repeat(1000) + &"</listitem>".repeat(1000)
    );
    assert!(read(&items).text.len() < 100_000);
    let wide = format!("<rows>{}</rows>", "<row><a>1</a><b>2</b></row>\n".repeat(300_000));
    assert_eq!(read(&wide).text.lines().count(), 600_000);
    let spans = format!(
        "<book><table><row>{}</row>{}</table></book>",
        "<entry morerows=\"999\">long text in a cell</entry>".repeat(60),
        "<row><entry/></row>".repeat(2000)
    );
    assert!(read(&spans).text.len() < 20 << 20);
    for odd in [
        "<a",
        "<!DOCTYPE a [<!ENTITY",
        "</a></b>",
        "<title>",
        "<article><td>x</td></row></article>",
        "<book><title><table><row><entry>x",
    ] {
        read(odd);
    }
}

const LONGEST: usize = 900;
