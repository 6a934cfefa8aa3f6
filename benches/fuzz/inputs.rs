//! The targets: each format with its originals, and the words that damage inserts.

use std::fs;
use std::path::Path;

use docent::types::DocumentKind;

use super::mutate::{self, Dice};
use super::packages;

type Mutate = fn(&[u8], &[u8], &[&str], &mut Dice) -> Vec<u8>;

/// One parser.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) kind: DocumentKind,
    pub(crate) originals: fn() -> Vec<Vec<u8>>,
    pub(crate) words: &'static [&'static str],
    pub(crate) mutate: Mutate,
}

const XML: &[&str] = &[
    "<a>",
    "</a>",
    "<a/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "?>",
    "<!DOCTYPE x [",
    "&amp;",
    "&#x0;",
    "&#99999999999;",
    "&lock;",
    "xmlns:x=\"y\"",
    " w:val=\"",
    "\"",
    "'",
    "<w:tbl><w:tr><w:tc>",
    "<table><tr><td>",
    "<section>",
    "<p>",
    "gridSpan",
    "rowSpan=\"9\"",
    "\u{feff}",
    "\u{202e}",
    "\0",
];

const MARKUP: &[&str] = &[
    "# ",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "```\n",
    "~~~",
    "    ",
    "| a | b |\n",
    "| - | - |\n",
    "[^1]",
    "[a](b)",
    "*",
    "**",
    "`",
    "===\n",
    "---\n",
    "+++\n",
    "|===\n",
    "+--+--+\n",
    "== ",
    "====\n",
    "::\n",
    ".. x::\n",
    ":a: b\n",
    "\r\n",
    "\t",
    "<div>",
    "\u{feff}",
    "\u{0301}",
    "😀",
    "水",
    "{a}",
    "include::x[]\n",
    "ifdef::x[]\n",
    "endif::[]\n",
    "|name|",
    "password = \"x\"",
    "AKIAIOSFODNN7EXAMPLE",
];

const MAIL: &[&str] = &[
    "\n\n",
    "--b1\n",
    "--b1--\n",
    "--b2\n",
    "Content-Type: multipart/mixed; boundary=b1\n",
    "Content-Type: message/rfc822\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "=?UTF-8?B?",
    "?=",
    "=3D",
    "=\n",
    "From ",
    "\nFrom x\n",
    "> ",
    "filename=\"x.zip\"",
    "text/html",
    "charset=utf-7",
    "charset=x",
    ";",
    "\"",
    "<",
    "(",
    "\0",
];

const RTF: &[&str] = &[
    "{",
    "}",
    "\\",
    "{\\*",
    "\\par",
    "\\u-1?",
    "\\u8220",
    "\\uc9",
    "\\'e5",
    "\\'",
    "\\bin99999999 ",
    "\\bin-1 ",
    "\\trowd",
    "\\cellx1",
    "\\cell",
    "\\row",
    "\\nestcell",
    "\\nestrow",
    "\\itap9",
    "\\intbl",
    "{\\pict",
    "{\\field",
    "{\\footnote",
    "\\ansicpg932",
    "\\f9",
    "\\deleted",
    "\\upr",
    "\\ls9",
    "\\outlinelevel9",
    "\\clmgf",
    "\\clvmrg",
    "{\\listtext",
    "\n",
];

const DATA: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u",
    "\\ud800",
    "null",
    "true",
    "1e999",
    "\"a\":",
    "\n",
    "\r",
    ";",
    "\t",
    "\"\"",
    "\u{feff}",
    "\0",
    "\"cell_type\":\"code\"",
    "\"source\":",
    "\"outputs\":[",
    "\"text/html\":\"<p>\"",
];

const CUES: &[&str] = &[
    "\n\n",
    "\r\n",
    "-->",
    "00:00:01.000 --> 00:00:02.000\n",
    "99999999999:00:00,000",
    "<v a>",
    "</v>",
    "<c.x>",
    "<00:00:01.000>",
    "&lrm;",
    "NOTE",
    "STYLE",
    "REGION",
    "WEBVTT\n",
    "- ",
    "{\\an8}",
    "\u{feff}",
    "1\n",
];

const PDF: &[&str] = &[
    "obj",
    "endobj",
    "stream\n",
    "endstream",
    "xref\n",
    "trailer",
    "startxref\n",
    "<<",
    ">>",
    "/Kids [",
    "/Type /Page",
    "/Length 999999999",
    "/Count -1",
    "1 0 R",
    "99 0 R",
    "BT",
    "ET",
    "Tj",
    "Do",
    "/Filter /FlateDecode",
    "/MediaBox [0 0 1e9 1e9]",
    "(",
    ")",
    "<",
    "null",
];

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    target("markdown", "a.md", DocumentKind::Markdown, MARKUP, || original(&["lock.md"])),
    target("rst", "a.rst", DocumentKind::Rst, MARKUP, || original(&["lock.rst"])),
    target("asciidoc", "a.adoc", DocumentKind::Asciidoc, MARKUP, || original(&["lock.adoc"])),
    target("text", "a.tex", DocumentKind::Text, MARKUP, || original(&["lock.tex", "lock.md"])),
    target("code-rust", "a.rs", DocumentKind::Code, MARKUP, || sample(&["src/retry.rs"])),
    target("code-python", "a.py", DocumentKind::Code, MARKUP, || sample(&["src/reconcile.py"])),
    target("code-typescript", "a.ts", DocumentKind::Code, MARKUP, || sample(&["src/client.ts"])),
    target("html", "a.html", DocumentKind::Html, XML, || {
        [original(&["lock.html"]), sample(&["web/pricing.html"])].concat()
    }),
    target("mhtml", "a.mhtml", DocumentKind::Html, MAIL, || original(&["lock.mhtml"])),
    target("email", "a.eml", DocumentKind::Email, MAIL, || original(&["lock.eml"])),
    target("mbox", "a.mbox", DocumentKind::Email, MAIL, || original(&["lock.mbox"])),
    target("rtf", "a.rtf", DocumentKind::Rtf, RTF, || original(&["leaflet.rtf"])),
    target("xml", "a.xml", DocumentKind::Xml, XML, || {
        original(&["lock.xml", "feed.xml", "jats.xml"])
    }),
    target("json", "a.json", DocumentKind::Json, DATA, || original(&["lock.json", "tree.json"])),
    target("jsonl", "a.jsonl", DocumentKind::Json, DATA, || original(&["lock.jsonl"])),
    target("csv", "a.csv", DocumentKind::Csv, DATA, || original(&["lock.csv"])),
    target("tsv", "a.tsv", DocumentKind::Csv, DATA, || original(&["lock.tsv"])),
    target("notebook", "a.ipynb", DocumentKind::Notebook, DATA, || original(&["lock.ipynb"])),
    target("webvtt", "a.vtt", DocumentKind::Subtitles, CUES, || original(&["lock.vtt"])),
    target("subrip", "a.srt", DocumentKind::Subtitles, CUES, || original(&["lock.srt"])),
    package("docx", "a.docx", DocumentKind::Docx, || {
        [producers(&["python-docx.docx"]), sample(&["policies/data-retention.docx"])].concat()
    }),
    package("pptx", "a.pptx", DocumentKind::Pptx, || producers(&["python-pptx.pptx"])),
    package("odt", "a.odt", DocumentKind::Odt, || producers(&["odfpy.odt"])),
    package("odp", "a.odp", DocumentKind::Odp, || producers(&["odfpy.odp"])),
    package("xlsx", "a.xlsx", DocumentKind::Spreadsheet, || {
        producers(&["openpyxl.xlsx", "xlsxwriter.xlsx"])
    }),
    package("epub", "a.epub", DocumentKind::Epub, || vec![book()]),
    target("pdf", "a.pdf", DocumentKind::Pdf, PDF, || {
        producers(&["fpdf2.pdf", "reportlab.pdf", "typst.pdf", "libreoffice.pdf"])
    }),
    target("picture", "a.png", DocumentKind::Image, PDF, || {
        files(
            "tests/fixtures/pictures",
            &["clear.png", "two-pages.tiff", "sideways.jpg", "page.webp"],
        )
    }),
];

const fn target(
    name: &'static str,
    source: &'static str,
    kind: DocumentKind,
    words: &'static [&'static str],
    originals: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target { name, source, kind, originals, words, mutate: mutate::bytes }
}

const fn package(
    name: &'static str,
    source: &'static str,
    kind: DocumentKind,
    originals: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target { name, source, kind, originals, words: XML, mutate: packages::damaged }
}

fn original(names: &[&str]) -> Vec<Vec<u8>> {
    files("benches/fuzz/originals", names)
}

fn sample(names: &[&str]) -> Vec<Vec<u8>> {
    files("sample-docs", names)
}

fn producers(names: &[&str]) -> Vec<Vec<u8>> {
    files("tests/fixtures/producers", names)
}

fn files(folder: &str, names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    names.iter().map(|name| fs::read(folder.join(name)).expect("an original")).collect()
}

fn book() -> Vec<u8> {
    let page = String::from_utf8(original(&["lock.html"]).remove(0)).expect("a text");
    let package = "<package xmlns=\"http://www.idpf.org/2007/opf\" version=\"3.0\"><metadata xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>Valves</dc:title></metadata><manifest><item id=\"n\" href=\"nav.xhtml\" properties=\"nav\" media-type=\"application/xhtml+xml\"/><item id=\"a\" href=\"a.xhtml\" media-type=\"application/xhtml+xml\"/><item id=\"t\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/></manifest><spine toc=\"t\"><itemref idref=\"a\"/></spine></package>";
    let container = "<container xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\" version=\"1.0\"><rootfiles><rootfile full-path=\"OEBPS/a.opf\" media-type=\"application/oebps-package+xml\"/></rootfiles></container>";
    let nav = "<html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:epub=\"http://www.idpf.org/2007/ops\"><body><nav epub:type=\"toc\"><ol><li><a href=\"a.xhtml\">Valves</a><ol><li><a href=\"a.xhtml#n1\">North</a></li></ol></li></ol></nav></body></html>";
    let toc = "<ncx xmlns=\"http://www.daisy.org/z3986/2005/ncx/\"><navMap><navPoint id=\"1\"><navLabel><text>Valves</text></navLabel><content src=\"a.xhtml\"/></navPoint></navMap></ncx>";
    packages::package(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", container),
        ("OEBPS/a.opf", package),
        ("OEBPS/nav.xhtml", nav),
        ("OEBPS/toc.ncx", toc),
        ("OEBPS/a.xhtml", &page),
    ])
}
