#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::ingest::document::{Language, Mark, Places, Unit};
use crate::types::Locator;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// Joins across white space, as byte-pair encodings do, and is not additive.
fn quarters(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// Counts special tokens too.
fn framed(text: &str) -> usize {
    2 + text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}

fn document(text: &str, syntax: Syntax, places: Places) -> Document {
    Document { title: String::new(), text: text.to_owned(), syntax, places }
}

fn options(max_tokens: usize, overlap_tokens: usize) -> ChunkOptions {
    ChunkOptions { max_tokens, overlap_tokens }
}

fn cut(text: &str, syntax: Syntax, max_tokens: usize) -> Vec<Piece> {
    chunk(&document(text, syntax, Places::Verbatim), &options(max_tokens, 0), &words)
}

/// Heading path, lines and text of each piece.
fn shown(pieces: &[Piece]) -> Vec<(String, String, &str)> {
    let show = |piece: &Piece| (piece.headings.join(" > "), piece.locator.cite(""));
    pieces
        .iter()
        .map(|piece| {
            let (headings, place) = show(piece);
            (headings, place, piece.text.as_str())
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
        row("", ":L4", &format!("preface {body}")).2.to_owned(),
        install,
        format!("Use *it*\n---\n\n{body}"),
        format!("### [Deep](http://x/y) ##\n{body}"),
        format!("# End {{#end}}\n{body}"),
    ];
    let headings = ["", "Guide > Install docent", "Guide > Use it", "Guide > Use it > Deep", "End"];
    let lines = [":L4", ":L6-L14", ":L16-L19", ":L20-L21", ":L22-L23"];
    let rows: Vec<_> = (0..5).map(|i| row(headings[i], lines[i], expected[i].as_str())).collect();
    assert_eq!(shown(&pieces), rows);
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
    assert_eq!(pieces[0].headings, Vec::<String>::new());
    let pieces = cut(&text, Syntax::Markdown, 30);
    assert_eq!(pieces.last().unwrap().headings, ["Other"]);
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
    ] {
        let pieces = cut(text, Syntax::Markdown, 100);
        assert_eq!(pieces.last().unwrap().headings, [heading], "{text:?}");
    }
}

#[test]
fn code_is_cut_along_its_items() {
    let text = "use a::b;\n\n/// Keeps accounts.\n#[derive(Debug)]\nstruct Ledger {\n    rows: u32,\n}\n\nimpl Ledger {\n    /// Restores it.\n    fn restore(&self) -> u32 {\n        self.rows + 1\n    }\n\n    fn drop_all(&mut self) {\n        self.rows = 0;\n    }\n}\n";
    let pieces = cut(text, Syntax::Code(Language::Rust), 24);
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
    use Language::{C, Cpp, Go, Java, JavaScript, Python, Rust, Tsx, TypeScript};
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
        let outline = code::outline(text, language);
        let path = path.split(" > ").collect::<Vec<_>>();
        assert_eq!(outline.headings_at(text.find(marker).unwrap()), path, "{text}");
        assert!(outline.headings_at(text.len()).is_empty(), "{text}");
    }
}

#[test]
fn pages_are_cut_apart_and_paragraphs_are_counted() {
    let text = "first page\n\nstill first\n\nsecond page";
    let at = |needle: &str| text.find(needle).unwrap();
    let mark = |offset, first, last| Mark { offset, first, last };
    let marks = vec![mark(0, 1, 1), mark(at("still"), 1, 1), mark(at("second"), 2, 2)];
    let pages = document(text, Syntax::Plain, Places::Marked(Unit::Page, marks));
    let pieces = chunk(&pages, &options(100, 10), &words);
    let rows = [row("", "#page=1", "first page\n\nstill first"), row("", "#page=2", "second page")];
    assert_eq!(shown(&pieces), rows);

    let marks = vec![mark(0, 3, 3), mark(at("still"), 5, 6), mark(at("second"), 7, 7)];
    let paragraphs = document(text, Syntax::Markdown, Places::Marked(Unit::Paragraph, marks));
    let all = chunk(&paragraphs, &options(100, 0), &words);
    assert_eq!(all[0].locator, Locator::Paragraphs(3, 7));
    let each: Vec<_> =
        chunk(&paragraphs, &options(2, 0), &words).iter().map(|piece| piece.locator).collect();
    let expected = [(3, 3), (5, 6), (7, 7)].map(|(a, b)| Locator::Paragraphs(a, b));
    assert_eq!(each, expected);
}

#[test]
fn a_long_heading_path_loses_its_outer_end() {
    let text = format!("# {}\n\n## inner most\n\nbody text", "outer ".repeat(40));
    let pieces = cut(&text, Syntax::Markdown, 16);
    let last = pieces.last().unwrap();
    assert_eq!(last.headings, ["inner most"]);
    assert!(last.text.ends_with("body text"));
}

#[test]
fn pieces_of_a_section_overlap() {
    let sentences: Vec<String> =
        (0..60).map(|i| format!("Sentence number {i} ends here.")).collect();
    let text = sentences.join(" ");
    let pieces = chunk(&document(&text, Syntax::Plain, Places::Verbatim), &options(50, 10), &words);
    assert!(pieces.len() > 5);
    for pair in pieces.windows(2) {
        let head = pair[1].text.split_inclusive('.').next().unwrap();
        assert!(pair[0].text.contains(head), "{pair:?}");
    }
}

#[test]
fn deep_nesting_is_survived() {
    let deep = "(".repeat(20_000);
    for syntax in [Syntax::Markdown, Syntax::Code(Language::Rust), Syntax::Code(Language::Cpp)] {
        assert!(!cut(&deep, syntax, 50).is_empty());
    }
    assert!(!cut(&"> ".repeat(5_000), Syntax::Markdown, 50).is_empty());
}

/// The parts that structured texts are made of, thrown together.
fn anything() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,9}( [a-z]{1,9}){0,12}",
        1 => "\\PC{0,30}",
        1 => any::<String>(),
        1 => "[一-龥]{1,40}",
        1 => "[a-z0-9+/]{100,400}",
        6 => prop::sample::select(vec![
            "\n", "\n\n", "\r\n", "\n# ", "\n## ", "\n### x\n", "\n---\n", "\n===\n", "\n```\n", "\n- ", "\n| a | b |\n|---|---|\n",
            "\n    ", "\t", ". ", "fn a() {\n", "}\n", "class A:\n    def b(self):\n        ", "/* ", "\"", "{", "impl X for Y {\n", "👩‍👩‍👧", "\u{feff}", "\u{a0}", "\0",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn syntaxes() -> impl Strategy<Value = Syntax> {
    prop::sample::select(vec![
        Syntax::Plain,
        Syntax::Markdown,
        Syntax::Code(Language::Rust),
        Syntax::Code(Language::Python),
        Syntax::Code(Language::Tsx),
        Syntax::Code(Language::Cpp),
    ])
}

fn counts() -> impl Strategy<Value = fn(&str) -> usize> {
    prop::sample::select(vec![words as fn(&str) -> usize, characters, quarters, framed])
}

/// Checks everything that holds for any text.
fn check(
    text: &str,
    syntax: Syntax,
    options: ChunkOptions,
    count: fn(&str) -> usize,
) -> Result<(), TestCaseError> {
    let whole = document(text, syntax, Places::Verbatim);
    let pieces = chunk(&whole, &options, &count);
    prop_assert_eq!(&pieces, &chunk(&whole, &options, &count), "deterministic");

    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut covered = vec![false; text.len()];
    let mut from = 0;
    for piece in &pieces {
        prop_assert!(!piece.text.trim().is_empty());
        let tokens = count(&Chunk::embedded_text(&piece.headings, &piece.text));
        let single = piece.text.chars().count() == 1;
        prop_assert!(tokens <= options.max_tokens || single, "{tokens} tokens: {:?}", piece.text);

        let Locator::Lines(first, last) = piece.locator else { panic!("no lines") };
        let (begin, end) =
            (starts[first as usize - 1], starts.get(last as usize).copied().unwrap_or(text.len()));
        let lines = &text[begin..end];
        let at = lines.find(&piece.text);
        prop_assert!(at.is_some(), "lines {first}-{last} are {lines:?}, not {:?}", piece.text);
        let first_end = starts.get(first as usize).copied().unwrap_or(text.len());
        prop_assert!(begin + at.unwrap() < first_end);
        prop_assert!(begin + at.unwrap() + piece.text.len() > starts[last as usize - 1]);

        // The same words may stand in several places of these lines: all of them count.
        for (at, _) in lines.char_indices() {
            if lines[at..].starts_with(&piece.text) {
                covered[begin + at..begin + at + piece.text.len()].fill(true);
            }
        }
        let indent = indentation(&piece.text);
        prop_assert!(begin + lines.rfind(&piece.text).unwrap() + indent >= from, "ordered");
        from = begin + at.unwrap() + indent;
    }
    let front_matter = match syntax {
        Syntax::Markdown => markdown::front_matter(text),
        _ => 0,
    };
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < front_matter) {
        prop_assert!(covered[at] || character.is_whitespace(), "{character:?} at {at} is lost");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_text(
        text in anything(),
        syntax in syntaxes(),
        max_tokens in 1usize..60,
        overlap_tokens in 0usize..20,
        count in counts(),
    ) {
        check(&text, syntax, ChunkOptions { max_tokens, overlap_tokens }, count)?;
    }

    #[test]
    fn windows_cover_their_range(text in anything(), limit in 4usize..200) {
        let mut at = 0;
        for window in windows(&text, 0..text.len(), limit) {
            prop_assert_eq!(window.start, at);
            prop_assert!(window.len() <= limit && (window.start < window.end || text.is_empty()));
            at = window.end;
        }
        prop_assert_eq!(at, text.len());
    }

    #[test]
    fn marks_of_any_order_are_survived(
        text in anything(),
        marks in prop::collection::vec((0usize..500, 0u32..5, 0u32..5), 0..6),
        unit in prop::sample::select(vec![Unit::Line, Unit::Page, Unit::Paragraph]),
    ) {
        let marks = marks.into_iter().map(|(offset, first, last)| Mark { offset, first, last });
        let odd = document(&text, Syntax::Markdown, Places::Marked(unit, marks.collect()));
        let pieces = chunk(&odd, &options(20, 5), &words);
        prop_assert_eq!(pieces.is_empty(), text[markdown::front_matter(&text)..].trim().is_empty());
    }
}
