//! Properties that hold for any text.

use proptest::prelude::*;

use super::*;

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

/// A random sequence of the parts that structured texts are made of.
fn anything() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z]{1,9}( [a-z]{1,9}){0,12}",
        1 => "\\PC{0,30}",
        1 => any::<String>(),
        1 => "[一-龥]{1,40}",
        1 => "[a-z0-9+/]{100,400}",
        6 => prop::sample::select(vec![
            "\n", "\n\n", "\r\n", "\n# ", "\n## ", "\n### x\n", "\n---\n", "\n===\n", "\n~~~~~~~~\n", "\n== ", "\n----\n", "\n.. x::\n", "\n```\n", "\n- ", "\n| a | b |\n|---|---|\n",
            "\n    ", "\t", ". ", "fn a() {\n", "}\n", "class A:\n    def b(self):\n        ", "/* ", "\"", "{", "impl X for Y {\n", "👩‍👩‍👧", "\u{feff}", "\u{a0}", "\0",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn syntaxes() -> impl Strategy<Value = Syntax> {
    prop::sample::select(vec![
        Syntax::Plain,
        Syntax::Rows,
        Syntax::Markdown,
        Syntax::Rst,
        Syntax::Asciidoc,
        Syntax::Code(CodeLanguage::Rust),
        Syntax::Code(CodeLanguage::Python),
        Syntax::Code(CodeLanguage::Tsx),
        Syntax::Code(CodeLanguage::Cpp),
    ])
}

fn counts() -> impl Strategy<Value = fn(&str) -> usize> {
    prop::sample::select(vec![words as fn(&str) -> usize, characters, quarters, framed])
}

/// Checks all properties for one text.
fn check(
    text: &str,
    syntax: Syntax,
    options: ChunkOptions,
    count: fn(&str) -> usize,
) -> Result<(), TestCaseError> {
    let mut whole = document(text, syntax, SourceMap::Verbatim);
    whole.title = text.chars().take(30).collect();
    let pieces = chunk(&whole, &options, &count);
    prop_assert_eq!(&pieces, &chunk(&whole, &options, &count), "deterministic");

    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut covered = vec![false; text.len()];
    let mut from = 0;
    for piece in &pieces {
        prop_assert!(!piece.text.trim().is_empty());
        let title = piece.titled.then_some(whole.title.as_str());
        let tokens = count(&Chunk::embedded_text(title, &piece.headings, piece.text));
        let single = piece.text.chars().count() == 1;
        prop_assert!(tokens <= options.max_tokens || single, "{tokens} tokens: {:?}", piece.text);

        let Locator::Lines(first, last) = piece.locator else { panic!("no lines") };
        let (begin, end) =
            (starts[first as usize - 1], starts.get(last as usize).copied().unwrap_or(text.len()));
        let lines = &text[begin..end];
        let at = lines.find(piece.text);
        prop_assert!(at.is_some(), "lines {first}-{last} are {lines:?}, not {:?}", piece.text);
        let first_end = starts.get(first as usize).copied().unwrap_or(text.len());
        prop_assert!(begin + at.unwrap() < first_end);
        prop_assert!(begin + at.unwrap() + piece.text.len() > starts[last as usize - 1]);

        // The same words may occur in several places of these lines: all of them count.
        for (at, _) in lines.char_indices() {
            if lines[at..].starts_with(piece.text) {
                covered[begin + at..begin + at + piece.text.len()].fill(true);
            }
        }
        let indent = indentation(piece.text);
        prop_assert!(begin + lines.rfind(piece.text).unwrap() + indent >= from, "ordered");
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
    fn pieces_are_valid_for_any_text(
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
    fn marks_in_any_order_are_accepted(
        text in anything(),
        marks in prop::collection::vec((0usize..500, 0u32..5, 0u32..5), 0..6),
        sections in prop::collection::vec(0usize..500, 0..4),
        unit in prop::sample::select(vec![LocatorUnit::Line, LocatorUnit::Page, LocatorUnit::Record, LocatorUnit::Cell]),
        syntax in prop::sample::select(vec![Syntax::Plain, Syntax::Rows]),
        sheets in any::<bool>(),
    ) {
        let marks = marks.into_iter().map(|(offset, first, last)| UnitMark { offset, first, last });
        let marks: Vec<UnitMark> = marks.collect();
        let places = if sheets {
            SourceMap::Sheets(marks.chunks(2).map(|marks| (1, marks.to_vec())).collect())
        } else {
            SourceMap::Marked(unit, marks)
        };
        let mut odd = document(&text, syntax, places);
        odd.sections = sections.into_iter().map(section).collect();
        let pieces = chunk(&odd, &options(20, 5), &words);
        prop_assert_eq!(pieces.is_empty(), text.trim().is_empty());
    }
}
