#![allow(clippy::unwrap_used, reason = "tests")]

mod properties;

use super::*;
use crate::ingest::document::{CodeLanguage, LocatorUnit, Section, SourceMap, UnitMark};
use crate::types::Locator;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn document(text: &str, syntax: Syntax, places: SourceMap) -> Document {
    let (title, sections) = (String::new(), Vec::new());
    Document { title, text: text.to_owned(), syntax, places, sections, ..Document::default() }
}

fn options(max_tokens: usize, overlap_tokens: usize) -> ChunkOptions {
    ChunkOptions { max_tokens, overlap_tokens }
}

fn cut(text: &str, syntax: Syntax, max_tokens: usize) -> Vec<DocumentPiece<'static>> {
    let document = Box::leak(Box::new(document(text, syntax, SourceMap::Verbatim)));
    chunk(document, &options(max_tokens, 0), &words)
}

fn section(offset: usize) -> Section {
    Section { offset, headings: Vec::new(), syntax: None }
}

/// Heading path, lines and text of each piece.
fn shown<'a>(pieces: &[DocumentPiece<'a>]) -> Vec<(String, String, &'a str)> {
    let show = |piece: &DocumentPiece| (piece.headings.join(" > "), piece.locator.cite(""));
    pieces
        .iter()
        .map(|piece| {
            let (headings, place) = show(piece);
            (headings, place, piece.text)
        })
        .collect()
}

fn row<'a>(headings: &str, place: &str, text: &'a str) -> (String, String, &'a str) {
    (headings.to_owned(), place.to_owned(), text)
}

#[test]
fn markdown_is_cut_at_its_headings() {
    let body = "one two three four five six seven eight nine";
    let text = format!(
        "---\ntitle: x\n---\npreface {body}\n\n# Guide\n\n## Install `docent`\n\n{body}\n\n```sh\n# no heading\n```\n\nUse *it*\n---\n\n{body}\n### [Deep](http://x/y) ##\n{body}\n# End {{#end}}\n{body}\n"
    );
    let pieces = cut(&text, Syntax::Markdown, 40);
    let install = format!("# Guide\n\n## Install `docent`\n\n{body}\n\n```sh\n# no heading\n```");
    let expected = [
        format!("---\ntitle: x\n---\npreface {body}"),
        install,
        format!("Use *it*\n---\n\n{body}"),
        format!("### [Deep](http://x/y) ##\n{body}"),
        format!("# End {{#end}}\n{body}"),
    ];
    let headings = ["", "Guide > Install docent", "Guide > Use it", "Guide > Use it > Deep", "End"];
    let lines = [":L1-L4", ":L6-L14", ":L16-L19", ":L20-L21", ":L22-L23"];
    let rows: Vec<_> = (0..5).map(|i| row(headings[i], lines[i], expected[i].as_str())).collect();
    assert_eq!(shown(&pieces), rows);
}

#[test]
fn front_matter_goes_with_the_first_section() {
    let text = "---\ntitle: x\ntags: [sea, ice]\n---\n\n# Guide\n\none two three\n\n# End\n\none two three four five six\n";
    let pieces = cut(text, Syntax::Markdown, 30);
    assert_eq!(shown(&pieces)[0].0, "Guide");
    assert!(pieces[0].text.starts_with("---\ntitle: x\ntags: [sea, ice]\n---\n\n# Guide"));
    let long = format!("---\nmenu: {}\n---\n\n# Guide\n\none two three\n", "x ".repeat(4000));
    assert_eq!(cut(&long, Syntax::Markdown, 30)[0].text, "# Guide\n\none two three");
}

#[test]
fn a_section_may_have_a_syntax_of_its_own() {
    let mut mail = Document {
        text: "# no heading\n\nbody\n\n# Winter\n\nIce and snow.".to_owned(),
        ..Document::default()
    };
    let at = mail.text.find("# Winter").unwrap_or(0);
    let notes = Section { syntax: Some(Syntax::Markdown), ..section(at) };
    mail.sections = vec![section(0), notes];
    let options = ChunkOptions { max_tokens: 40, overlap_tokens: 0 };
    let pieces = chunk(&mail, &options, &|text| text.split_whitespace().count());
    let headings: Vec<Vec<String>> = pieces.iter().map(|piece| piece.headings.to_vec()).collect();
    assert_eq!(headings, [Vec::<String>::new(), vec!["Winter".to_owned()]]);
}

#[test]
fn only_metadata_is_left_out() {
    assert!(cut("+++\ntitle = 1\n+++\n", Syntax::Markdown, 9).is_empty());
    for text in ["---\nno metadata\n---\nx", "---\nkey: never closed\n"] {
        assert_eq!(cut(text, Syntax::Markdown, 9)[0].text, text.trim_end(), "{text:?}");
    }
}

#[test]
fn tiny_sections_share_a_piece_under_what_they_have_in_common() {
    let text = "# Log\n\n## 1.1\n\n- a\n\n## 1.0\n\n- b\n\n# Other\n\nx\n";
    let pieces = cut(text, Syntax::Markdown, 80);
    assert_eq!(shown(&pieces), [row("", ":L1-L13", text.trim_end())]);
    let long = "word ".repeat(20);
    let text = format!("# Log\n\n## 1.1\n\n- a\n\n## 1.0\n\n- b\n\n# Other\n\n{long}\n");
    let pieces = cut(&text, Syntax::Markdown, 80);
    assert!(pieces[0].headings.is_empty());
    let pieces = cut(&text, Syntax::Markdown, 30);
    assert_eq!(*pieces.last().unwrap().headings, ["Other"]);
}

#[test]
fn what_looks_like_a_heading_is_not_always_one() {
    for text in [
        "#hashtag x",
        "    # code",
        "~~~\n# x\n~~~",
        "````\n```\n# x\n````",
        "<!--\n# x\n-->",
        "- item\n---\n\nx",
        "- item\n\n  ```\n  # x\n  ```\n",
        "> # In a quote\n\nx",
        "<pre>\n# x\n\n## y\n</pre>",
        "<div>\n# x\n</div>",
        "[x]: y\n---\n",
        "a | b\n--- | ---\n1 | 2\n---\n",
        "####### seven",
        "| a |\n---\n",
        "\n---\n\nafter",
    ] {
        let pieces = cut(text, Syntax::Markdown, 100);
        assert!(pieces.iter().all(|piece| piece.headings.is_empty()), "{text:?}: {pieces:?}");
    }
    for (text, heading) in [
        ("Title\n=====\nx", "Title"),
        ("Two\nlines\n---\nx", "Two lines"),
        ("  # In **bold** and snake_case #\nx", "In bold and snake_case"),
        ("# C# \nx", "C#"),
        ("# [1.2.0] - <a name=\"x\"></a>today\nx", "1.2.0 - today"),
        ("---\n\n# After a rule\nx", "After a rule"),
        ("[badge]\n\n# Title\nx", "Title"),
        ("# `Vec<T>` \\* `a[0]`\r\nx\r\n", "Vec<T> * a[0]"),
        ("# _A_ &amp; ~~B~~ {#a .b}\nx", "A & B"),
        ("# GET /users/{id}\nx", "GET /users/{id}"),
        ("# 2.* \\[x] <!-- omit in toc -->\nx", "2.* [x]"),
        ("# Ledger [![Build][image]][page]\nx\n\n[image]: /a.svg\n[page]: /", "Ledger Build"),
        ("Two\r\nlines\r\n===\r\nx", "Two lines"),
        ("1. Step\n\n   # In a list\n\n   x", "In a list"),
        ("<Tabs>\n\n  # In *MDX*\n\n  x\n\n</Tabs>", "In MDX"),
    ] {
        let pieces = cut(text, Syntax::Markdown, 100);
        assert_eq!(*pieces.last().unwrap().headings, [heading], "{text:?}");
    }
}

#[test]
fn code_is_cut_along_its_items() {
    let text = "use a::b;\n\n/// Keeps accounts.\n#[derive(Debug)]\nstruct Ledger {\n    rows: u32,\n}\n\nimpl Ledger {\n    /// Restores it.\n    fn restore(&self) -> u32 {\n        self.rows + 1\n    }\n\n    fn drop_all(&mut self) {\n        self.rows = 0;\n    }\n}\n";
    let pieces = cut(text, Syntax::Code(CodeLanguage::Rust), 24);
    let rows = [
        row(
            "",
            ":L1-L7",
            "use a::b;\n\n/// Keeps accounts.\n#[derive(Debug)]\nstruct Ledger {\n    rows: u32,\n}",
        ),
        row(
            "impl Ledger",
            ":L9-L13",
            "impl Ledger {\n    /// Restores it.\n    fn restore(&self) -> u32 {\n        self.rows + 1\n    }",
        ),
        row(
            "impl Ledger > fn drop_all",
            ":L15-L18",
            "    fn drop_all(&mut self) {\n        self.rows = 0;\n    }\n}",
        ),
    ];
    assert_eq!(shown(&pieces), rows);
}

#[test]
fn every_language_names_its_items() {
    use CodeLanguage::{C, Cpp, Go, Java, JavaScript, Python, Rust, Tsx, TypeScript};
    for (language, text, marker, path) in [
        (
            Rust,
            "mod m {\n  impl T for X<u8> {\n    fn f() { mark }\n  }\n}",
            "mark",
            "mod m > impl T for X<u8> > fn f",
        ),
        (Rust, "/// mark\n#[x]\nfn f() {}", "mark", "fn f"),
        (
            Python,
            "class A:\n    @mark\n    def b(self):\n        pass\n",
            "@mark",
            "class A > def b",
        ),
        (Python, "def f():\n    mark\n", "mark", "def f"),
        (
            Go,
            "package p\n\nfunc (l *Ledger) Restore() { mark() }",
            "mark",
            "func (l *Ledger) Restore",
        ),
        (Go, "package p\n\ntype Ledger struct { mark int }", "mark", "type Ledger"),
        (Java, "class A { enum E { X } void b() { mark(); } }", "mark", "class A > b()"),
        (C, "static int *restore(int id) { mark(); }", "mark", "restore()"),
        (C, "struct ledger { int mark; };", "mark", "struct ledger"),
        (
            Cpp,
            "namespace n { template<class T> class A { A& b() { mark(); } }; }",
            "mark",
            "namespace n > class A > b()",
        ),
        (Cpp, "void Ledger::restore() { mark(); }", "mark", "Ledger::restore()"),
        (
            JavaScript,
            "export const restore = async (x) => { mark() }",
            "export",
            "function restore",
        ),
        (JavaScript, "class A { b() { mark() } }", "mark", "class A > b()"),
        (
            TypeScript,
            "namespace n { export interface I { mark: string } }",
            "mark",
            "namespace n > interface I",
        ),
        (Tsx, "function View() { return <p>mark</p> }", "mark", "function View"),
    ] {
        let outline = code::outline(text, language).0.measured(0, 100, &words);
        let path = path.split(" > ").collect::<Vec<_>>();
        assert_eq!(**outline.headings_at(text.find(marker).unwrap()), path, "{text}");
        assert!(outline.headings_at(text.len()).is_empty(), "{text}");
    }
}

#[test]
fn pages_are_cut_apart_and_paragraphs_are_counted() {
    let text = "first page\n\nstill first\n\nsecond page";
    let at = |needle: &str| text.find(needle).unwrap();
    let mark = |offset, first, last| UnitMark { offset, first, last };
    let marks = vec![mark(0, 1, 1), mark(at("second"), 2, 2)];
    let mut pages = document(text, Syntax::Plain, SourceMap::Marked(LocatorUnit::Page, marks));
    pages.sections = [0, at("second")].map(section).to_vec();
    let pieces = chunk(&pages, &options(100, 10), &words);
    let rows = [row("", "#page=1", "first page\n\nstill first"), row("", "#page=2", "second page")];
    assert_eq!(shown(&pieces), rows);

    let marks = vec![mark(0, 3, 3), mark(at("still"), 5, 6), mark(at("second"), 7, 7)];
    let paragraphs =
        document(text, Syntax::Markdown, SourceMap::Marked(LocatorUnit::Paragraph, marks));
    let all = chunk(&paragraphs, &options(100, 0), &words);
    assert_eq!(all[0].locator, Locator::Paragraphs(3, 7));
    let each: Vec<_> =
        chunk(&paragraphs, &options(2, 0), &words).iter().map(|piece| piece.locator).collect();
    let expected = [(3, 3), (5, 6), (7, 7)].map(|(a, b)| Locator::Paragraphs(a, b));
    assert_eq!(each, expected);
}

#[test]
fn sections_are_under_their_own_headings() {
    let text = "before\n\n# One\n\nfirst\n\n# Two\n\nsecond";
    let mark = |offset, number| UnitMark { offset, first: number, last: number };
    let (one, two) = (text.find("# One").unwrap(), text.find("# Two").unwrap());
    let marks = vec![mark(0, 1), mark(one, 2), mark(two, 5)];
    let mut slides = document(text, Syntax::Markdown, SourceMap::Marked(LocatorUnit::Slide, marks));
    let headings = vec!["Part".to_owned()];
    slides.sections = vec![Section { offset: one, headings, syntax: None }, section(two)];
    let pieces = chunk(&slides, &options(100, 10), &words);
    let rows = [
        row("", "#slide=1", "before"),
        row("Part > One", "#slide=2", "# One\n\nfirst"),
        row("Two", "#slide=5", "# Two\n\nsecond"),
    ];
    assert_eq!(shown(&pieces), rows);
}

#[test]
fn rows_are_kept_whole() {
    let long = "x ".repeat(12);
    let text = format!("a 1\nb 2\nc 3 4 5\n{long}\nd 6\ne 7");
    let pieces = cut(&text, Syntax::Rows, 5);
    let found: Vec<(String, &str)> =
        pieces.iter().map(|piece| (piece.locator.cite(""), piece.text)).collect();
    let place = |place: &str| place.to_owned();
    let expected = [
        (place(":L1-L2"), "a 1\nb 2"),
        (place(":L3"), "c 3 4 5"),
        (place(":L4"), "x x x x x"),
        (place(":L4"), "x x x x x"),
        (place(":L4"), "x x"),
        (place(":L5-L6"), "d 6\ne 7"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn rows_are_cited_by_their_sheet() {
    let text = "a\nb\nc\nd";
    let mark = |offset, number| UnitMark { offset, first: number, last: number };
    let sheets = vec![(1, vec![mark(0, 2), mark(2, 3)]), (4, vec![mark(4, 1), mark(6, 7)])];
    let mut book = document(text, Syntax::Rows, SourceMap::Sheets(sheets));
    let named =
        |offset, name: &str| Section { offset, headings: vec![name.to_owned()], syntax: None };
    book.sections = vec![named(0, "One"), named(4, "Two")];
    let rows = [row("One", "#sheet=1&rows=2-3", "a\nb"), row("Two", "#sheet=4&rows=1-7", "c\nd")];
    assert_eq!(shown(&chunk(&book, &options(100, 0), &words)), rows);
    let each = chunk(&book, &options(1, 0), &words);
    assert_eq!(each[3].locator, Locator::Rows { sheet: 4, first: 7, last: 7 });
}

#[test]
fn other_markup_is_cut_at_its_headings() {
    let body = "one two three four five six seven eight nine";
    let rst = format!("Guide\n=====\n\n{body}\n\nInstall\n-------\n\n{body}\n");
    let adoc = format!("= Guide\n\n{body}\n\n== Install\n\n{body}\n");
    let lines = [[":L1-L4", ":L6-L9"], [":L1-L3", ":L5-L7"]];
    for ((syntax, text), lines) in
        [(Syntax::Rst, rst), (Syntax::Asciidoc, adoc)].into_iter().zip(lines)
    {
        let pieces = cut(&text, syntax, 20);
        let found: Vec<(String, String)> =
            shown(&pieces).into_iter().map(|(h, l, _)| (h, l)).collect();
        let expected = ["Guide", "Guide > Install"].map(str::to_owned).into_iter();
        let expected: Vec<_> = expected.zip(lines.map(str::to_owned)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_long_heading_path_loses_its_outer_end() {
    let text = format!("# {}\n\n## inner most\n\nbody text", "outer ".repeat(40));
    let pieces = cut(&text, Syntax::Markdown, 16);
    let last = pieces.last().unwrap();
    assert_eq!(*last.headings, ["inner most"]);
    assert!(last.text.ends_with("body text"));
}

#[test]
fn pieces_of_a_section_overlap() {
    let sentences: Vec<String> =
        (0..60).map(|i| format!("Sentence number {i} ends here.")).collect();
    let text = sentences.join(" ");
    let document = document(&text, Syntax::Plain, SourceMap::Verbatim);
    let pieces = chunk(&document, &options(50, 10), &words);
    assert!(pieces.len() > 5);
    for pair in pieces.windows(2) {
        let head = pair[1].text.split_inclusive('.').next().unwrap();
        assert!(pair[0].text.contains(head), "{pair:?}");
    }
}

#[test]
fn code_without_lines_is_cut_as_text() {
    let texts = |code: &str, syntax| -> Vec<&'static str> {
        cut(code, syntax, 26).iter().map(|piece| piece.text).collect()
    };
    let by_tree = Syntax::Code(CodeLanguage::JavaScript);
    // A piece holds one statement, or three of such lines.
    let written = "call ( a , b , c , d\n, e , f , g ) ;\n".repeat(100);
    assert_eq!(texts(&written, by_tree).len(), 100);
    assert_ne!(texts(&written, by_tree), texts(&written, Syntax::Plain));
    let minified = written.replace('\n', " ");
    assert_eq!(texts(&minified, by_tree), texts(&minified, Syntax::Plain));
    assert_ne!(texts(&minified, by_tree).len(), 100);
}

#[test]
fn deep_nesting_does_not_overflow() {
    for deep in ["(".repeat(20_000), "(\n".repeat(20_000)] {
        for syntax in
            [Syntax::Markdown, Syntax::Code(CodeLanguage::Rust), Syntax::Code(CodeLanguage::Cpp)]
        {
            assert!(!cut(&deep, syntax, 50).is_empty());
        }
    }
    assert!(!cut(&"> ".repeat(5_000), Syntax::Markdown, 50).is_empty());
}

#[test]
fn a_title_is_embedded_if_no_heading_contains_it() {
    let titled = |title: &str, text: &str, max_tokens: usize| {
        let mut document = document(text, Syntax::Markdown, SourceMap::Verbatim);
        document.title = title.to_owned();
        let pieces = chunk(&document, &options(max_tokens, 0), &words);
        pieces.iter().map(|piece| piece.titled).collect::<Vec<_>>()
    };
    let two = "# Kept\n\none two three four\n\n# Restored\n\nfive six seven eight\n";
    assert_eq!(titled("Backups of ledgers", two, 40), [true, true]);
    // A heading that contains the title is enough context for its own section, and for later ones.
    assert_eq!(titled("kept", two, 40), [false, false]);
    assert_eq!(titled("Backup", "# Backups and more\n\none two three\n", 40), [false]);
    for none in ["", "  ", "two\nlines", &"word ".repeat(9)] {
        assert_eq!(titled(none, "one two three\n", 40), [false], "{none}");
    }
}
