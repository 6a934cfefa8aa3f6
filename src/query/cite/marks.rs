//! A streaming parser of citation marks.
//!
//! A mark is `[1]`, `[1, 2]` or `[1; 2]`, also in other brackets (`【1】`, `［1］`), as a footnote (`[^1]`),
//! and with the additions of some models (`【1†source】`). If the number of passages is known, marks also
//! include ranges of their numbers (`[1-3]`), names with a number (`[passage 1]`, `(source 1)`), `(1)` at
//! the end of a clause, and `¹` after its sign. Not marks: numbers above 999 or with leading zeros,
//! Markdown links (`[1](url)`), escaped brackets (`\[1]`), and anything in inline code or a fenced code
//! block. Code spans end on the line where they begin: without an end on that line, there is no code span.

mod brackets;

/// A part of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnswerPiece {
    Text(String),
    /// A reference to a passage; `[1, 2]` gives two pieces.
    Mark(u32),
}

/// Splits an answer into text and marks as it arrives.
///
/// The same answer gives the same text and the same marks however it is split into deltas. Text is held
/// back only while it may turn out to be a mark or a code span.
#[derive(Debug, Default)]
pub struct MarkParser {
    /// What arrived and is not decided yet.
    held: String,
    /// The character and the length of the fence of the code block that is open.
    fence: Option<(char, usize)>,
    mid_line: bool,
    /// The character before the held text.
    last: Option<char>,
    /// Number of passages; `None` if that is not known.
    passages: Option<u32>,
}

/// What the held text begins with. `None` in its place: more has to arrive to decide.
enum Step {
    /// Text of this many bytes.
    Text(usize),
    /// These marks, in this many bytes.
    Marks(usize, Vec<u32>),
    /// A line of this many bytes that opens or closes a code block.
    Fence(usize, Option<(char, usize)>),
}

impl MarkParser {
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser for an answer from passages with the numbers 1 to `passages`.
    pub fn for_passages(passages: u32) -> Self {
        Self { passages: Some(passages), ..Self::default() }
    }

    /// The pieces that this delta decides. Adjacent texts are one piece.
    pub fn push(&mut self, delta: &str) -> Vec<AnswerPiece> {
        self.held.push_str(delta);
        self.drain(false)
    }

    /// Ends the answer, and returns the remaining pieces.
    pub fn finish(mut self) -> Vec<AnswerPiece> {
        self.drain(true)
    }

    fn drain(&mut self, ended: bool) -> Vec<AnswerPiece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < self.held.len() {
            let Some(step) = self.step(&self.held[at..], ended) else { break };
            let start = at;
            match step {
                Step::Text(length) => at += length,
                Step::Fence(length, fence) => {
                    self.fence = fence;
                    at += length;
                }
                Step::Marks(length, numbers) => {
                    at += length;
                    (self.mid_line, self.last) = (true, Some(']'));
                    pieces.extend(numbers.into_iter().map(AnswerPiece::Mark));
                    continue;
                }
            }
            let text = &self.held[start..at];
            self.mid_line = !text.ends_with('\n');
            self.last = text.chars().next_back();
            match pieces.last_mut() {
                Some(AnswerPiece::Text(last)) => last.push_str(text),
                _ => pieces.push(AnswerPiece::Text(text.to_owned())),
            }
        }
        self.held.drain(..at);
        pieces
    }

    /// What `held`, which is not empty, begins with.
    fn step(&self, held: &str, ended: bool) -> Option<Step> {
        if !self.mid_line {
            match fence_line(held, self.fence, ended) {
                FenceLine::Undecided => return None,
                FenceLine::Yes(length, fence) => return Some(Step::Fence(length, fence)),
                FenceLine::No => {}
            }
        }
        if self.fence.is_some() {
            return Some(Step::Text(held.find('\n').map_or(held.len(), |end| end + 1)));
        }
        let is_special = |c: char| matches!(c, '`' | '\\' | '\n') || brackets::begins(c);
        let special = held.find(is_special).unwrap_or(held.len());
        if special > 0 {
            return Some(Step::Text(special));
        }
        match held.as_bytes()[0] {
            b'\n' => Some(Step::Text(1)),
            b'\\' => match held[1..].chars().next() {
                None if !ended => None,
                None | Some('\n') => Some(Step::Text(1)),
                Some(escaped) => Some(Step::Text(1 + escaped.len_utf8())),
            },
            b'`' => code_span(held, ended).map(Step::Text),
            _ => match brackets::read(held, self.last, self.passages, ended) {
                brackets::BracketRead::Undecided => None,
                brackets::BracketRead::Text(length) => Some(Step::Text(length)),
                brackets::BracketRead::Marks(length, numbers) => Some(Step::Marks(length, numbers)),
            },
        }
    }
}

enum FenceLine {
    Undecided,
    No,
    /// Length of the line, and the fence that is open after it.
    Yes(usize, Option<(char, usize)>),
}

/// Whether a line opens a code block, or closes the one that is open.
fn fence_line(held: &str, open: Option<(char, usize)>, ended: bool) -> FenceLine {
    let end = held.find('\n');
    let line = &held[..end.unwrap_or(held.len())];
    let complete = ended || end.is_some();
    let body = line.trim_start_matches([' ', '\t', '>']);
    let Some(mark) = body.chars().next() else {
        return if complete { FenceLine::No } else { FenceLine::Undecided };
    };
    let run = body.chars().take_while(|&c| c == mark).count();
    let rest = body.get(run..).unwrap_or_default();
    let (may_be, fence) = match open {
        Some((c, length)) => {
            let closes = mark == c && rest.trim_end().is_empty();
            (closes && (run >= length || (!complete && rest.is_empty())), None)
        }
        None if mark == '`' || mark == '~' => {
            let info = mark == '~' || !rest.contains('`');
            let long = run >= 3 || (!complete && rest.is_empty());
            (info && long, Some((mark, run)))
        }
        None => (false, None),
    };
    match (may_be, complete) {
        (false, _) => FenceLine::No,
        (true, false) => FenceLine::Undecided,
        (true, true) => FenceLine::Yes(end.map_or(held.len(), |end| end + 1), fence),
    }
}

/// Length of the code span, or of the backticks if there is none.
fn code_span(held: &str, ended: bool) -> Option<usize> {
    let end = held.find('\n');
    let line = &held[..end.unwrap_or(held.len())];
    let complete = ended || end.is_some();
    let length_at = |at: usize| line[at..].bytes().take_while(|&b| b == b'`').count();
    let opening = length_at(0);
    let mut at = opening;
    while let Some(next) = line[at..].find('`') {
        at += next;
        let closing = length_at(at);
        at += closing;
        if at == line.len() && !complete {
            return None;
        }
        if closing == opening {
            return Some(at);
        }
    }
    complete.then_some(opening)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Vec<AnswerPiece> {
        parse_with(MarkParser::new(), deltas)
    }

    fn parse_with<'a>(
        mut parser: MarkParser,
        deltas: impl IntoIterator<Item = &'a str>,
    ) -> Vec<AnswerPiece> {
        let mut pieces: Vec<AnswerPiece> = Vec::new();
        let mut add = |new: Vec<AnswerPiece>| {
            for piece in new {
                match (pieces.last_mut(), piece) {
                    (Some(AnswerPiece::Text(last)), AnswerPiece::Text(text)) => {
                        last.push_str(&text);
                    }
                    (_, piece) => pieces.push(piece),
                }
            }
        };
        for delta in deltas {
            add(parser.push(delta));
        }
        add(parser.finish());
        pieces
    }

    /// Marks as `{n}`, so that an expectation is one line.
    fn shown(text: &str) -> String {
        parse([text])
            .into_iter()
            .map(|piece| match piece {
                AnswerPiece::Text(text) => text,
                AnswerPiece::Mark(number) => format!("{{{number}}}"),
            })
            .collect()
    }

    #[test]
    fn marks_are_distinguished_from_lookalikes() {
        let table = [
            ("Kept 400 days [1]. More.", "Kept 400 days {1}. More."),
            ("a[1][2], b [1, 22,333]", "a{1}{2}, b {1}{22}{333}"),
            ("[[1]] and [ 2 ]", "[{1}] and { 2 }".replace("{ 2 }", "{2}").as_str()),
            ("[1](url) and [2] (aside)", "[1](url) and {2} (aside)"),
            (
                "[2024] [0] [01] [] [1,] [x] [1 2] [3-1] [^a] (1)",
                "[2024] [0] [01] [] [1,] [x] [1 2] [3-1] [^a] (1)",
            ),
            ("a 【1】b［２］, c [1; 2] d [^3], e【1†source】", "a {1}b{2}, c {1}{2} d {3}, e{1}"),
            (r"\[1] \\[2]", r"\[1] \\{2}"),
            ("`a[1]` ``b`[2]`` `c[3]", "`a[1]` ``b`[2]`` `c{3}"),
            ("`open\n[1]` x", "`open\n{1}` x"),
            ("```rust\na[1]\n```\n[1]", "```rust\na[1]\n```\n{1}"),
            ("  > ~~~\n[1]\n```\n[2]\n  > ~~~~\n[3]", "  > ~~~\n[1]\n```\n[2]\n  > ~~~~\n{3}"),
            ("````\n```\n[1]\n````\n[2]", "````\n```\n[1]\n````\n{2}"),
            ("```x``` [1]", "```x``` {1}"),
            ("text ```\n[1]", "text ```\n{1}"),
            ("never closed [1", "never closed [1"),
            ("```\n[1]", "```\n[1]"),
            ("[\n1]", "[\n1]"),
        ]
        .map(|(text, expected)| (text.to_owned(), expected.to_owned()));
        for (text, expected) in table {
            assert_eq!(shown(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn text_is_not_held_longer_than_it_must() {
        let mut parser = MarkParser::new();
        assert_eq!(parser.push("Kept [1"), [AnswerPiece::Text("Kept ".to_owned())]);
        assert_eq!(parser.push("]"), []);
        assert_eq!(parser.push("."), [AnswerPiece::Mark(1), AnswerPiece::Text(".".to_owned())]);
        assert_eq!(parser.push(" [see"), [AnswerPiece::Text(" [see".to_owned())]);
        assert_eq!(parser.push(" `co"), [AnswerPiece::Text(" ".to_owned())]);
        assert_eq!(parser.push("de` x\n``"), [AnswerPiece::Text("`code` x\n".to_owned())]);
        assert_eq!(parser.push("`\nin [1"), [AnswerPiece::Text("```\nin [1".to_owned())]);
        assert_eq!(parser.finish(), []);
        let long = format!("[{}", " ".repeat(200));
        assert_eq!(MarkParser::new().push(&long), [AnswerPiece::Text(long.clone())]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_pieces(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("["), Just("]"), Just("1"), Just("12"), Just(", "), Just("`"), Just("```"),
                    Just("~~~"), Just("\n"), Just("("), Just(")"), Just("\\"), Just(" "), Just("word"),
                    Just("é"), Just("[3]"), Just("> "), Just("0"), Just("[1, 2]"), Just("[1-3]"),
                    Just("[^1]"), Just("[4]("), Just("[[5]]"), Just("``"), Just("\t"), Just("~"),
                    Just("【"), Just("】"), Just("†s"), Just("（"), Just("passage "), Just("."), Just("¹")
                ], 0..40),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let text = parts.concat();
            let mut at: Vec<usize> = cuts
                .iter()
                .map(|cut| cut.index(text.len() + 1))
                .filter(|&at| text.is_char_boundary(at))
                .chain([0, text.len()])
                .collect();
            at.sort_unstable();
            let single: Vec<String> = text.chars().map(String::from).collect();
            for parser in [MarkParser::new, || MarkParser::for_passages(9)] {
                let whole = parse_with(parser(), [text.as_str()]);
                let cut = at.windows(2).map(|w| &text[w[0]..w[1]]);
                prop_assert_eq!(&parse_with(parser(), cut), &whole);
                prop_assert_eq!(&parse_with(parser(), single.iter().map(String::as_str)), &whole);
            }
        }
    }
}
