//! Moves footnotes after the text of their page. Otherwise, footnotes at the end of a column would be inside a
//! sentence that continues in the next column.
//!
//! A footnote is in smaller letters than the text above it, starts with a mark that the text has too, and has
//! nothing below it: lists of references and notes of tables are not moved.

use super::page::{PageText, TextLine};

/// Largest letters of footnotes, as a share of those of the text.
const SMALLER: f32 = 0.93;

/// Footnotes are in the lower part of a page, between these shares of its height; what is lower may be a
/// footer.
const TOP: f32 = 0.4;
const BOTTOM: f32 = 0.92;

/// Fewest lines of text above them.
const TEXT: usize = 3;

/// Largest distance between the lines of a block, in heights of the font.
const STEP: f32 = 2.4;

const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
const SIGNS: &str = "*∗†‡§¶";

/// Moves the footnotes of a page. `usual` is the size of the document's text.
pub(super) fn behind_the_text(page: &mut PageText, usual: f32) {
    let mut is_note = vec![false; page.lines.len()];
    let mut at = 0;
    while at < page.lines.len() {
        let length = block(&page.lines[at..], page.height, usual);
        is_note[at..at + length].fill(true);
        at += length.max(1);
    }
    let mut at = 0;
    while let Some(step) = is_note[at..].iter().position(|is_note| *is_note) {
        let start = at + step;
        let length = is_note[start..].iter().take_while(|is_note| **is_note).count();
        at = start + length;
        if !is_footnote(page, &is_note, start, usual) {
            is_note[start..at].fill(false);
        }
    }
    let mut is_note = is_note.into_iter();
    let lines = std::mem::take(&mut page.lines).into_iter();
    let (notes, text): (Vec<_>, Vec<_>) = lines.partition(|_| is_note.next().unwrap_or(false));
    page.lines = text;
    page.lines.extend(notes);
}

/// How many of the lines are a block of footnotes; 0 if the first does not start one.
fn block(lines: &[TextLine], height: f32, usual: f32) -> usize {
    let is_small = |line: &TextLine| {
        line.place.down.y > 0.7
            && line.place.size <= SMALLER * usual
            && line.place.base >= TOP * height
    };
    let Some(first) = lines.first().filter(|line| is_small(line) && mark(&line.text).is_some())
    else {
        return 0;
    };
    let mut length = 1;
    for pair in lines.windows(2) {
        let (line, next) = (&pair[0], &pair[1]);
        let step = next.place.base - line.place.base;
        if !is_small(next)
            || !are_above_each_other(next, first)
            || step <= 0.0
            || step > STEP * line.place.size
        {
            break;
        }
        length += 1;
    }
    length
}

/// Whether the block that starts here has text above it with its mark, and no text below.
fn is_footnote(page: &PageText, is_note: &[bool], start: usize, usual: f32) -> bool {
    let first = &page.lines[start];
    let Some(mark) = mark(&first.text) else { return false };
    let others = || page.lines.iter().zip(is_note).filter(|(_, is_note)| !**is_note);
    let beside = || others().map(|(line, _)| line).filter(|line| are_above_each_other(line, first));
    let is_above =
        |line: &&TextLine| line.place.base < first.place.base && line.place.size > SMALLER * usual;
    let is_below =
        |line: &TextLine| (first.place.base..BOTTOM * page.height).contains(&line.place.base);
    beside().filter(is_above).count() >= TEXT
        && !beside().any(is_below)
        && others().any(|(line, _)| refers_to(&line.text, &mark))
}

fn are_above_each_other(a: &TextLine, b: &TextLine) -> bool {
    a.start < b.end && a.end > b.start
}

/// Whether a text has this mark, and not as part of another number.
fn refers_to(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| {
        let around = [text[..at].chars().next_back(), text[at + mark.len()..].chars().next()];
        !around.into_iter().flatten().any(|letter| DIGITS.contains(&letter))
    })
}

/// The mark that a note starts with, as it appears in the text: `¹²` of `12 See`.
fn mark(text: &str) -> Option<String> {
    let text = text.trim_start();
    let raised = |letter: char| match letter.to_digit(10) {
        Some(digit) => Some(DIGITS[digit as usize]),
        None => Some(letter).filter(|letter| DIGITS.contains(letter) || SIGNS.contains(*letter)),
    };
    let mark: String = text.chars().map_while(raised).collect();
    let rest = text.chars().nth(mark.chars().count());
    let opens =
        |letter: char| letter.is_alphabetic() || letter == ' ' || "“\"‘'(«„[".contains(letter);
    let words = text.chars().find(|letter| letter.is_alphanumeric() && raised(*letter).is_none());
    let is_mark = (1..=3).contains(&mark.chars().count())
        && rest.is_some_and(opens)
        && words.is_some_and(char::is_alphabetic)
        && !text.chars().skip(mark.chars().count()).take(2).any(char::is_numeric);
    is_mark.then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::super::glyph::PagePoint;
    use super::super::lines::Placement;
    use super::*;

    /// Lines `column base size text` of a page that is 100 high.
    fn moved(lines: &[&str]) -> Vec<String> {
        let line = |line: &&str| {
            let mut parts = line.splitn(4, ' ');
            let mut number = || parts.next().and_then(|part| part.parse::<f32>().ok());
            let (column, base, size) = (number(), number(), number());
            let (right, down) = (PagePoint { x: 1.0, y: 0.0 }, PagePoint { x: 0.0, y: 1.0 });
            let (base, size) = (base.unwrap_or(0.0), size.unwrap_or(0.0));
            let start = 60.0 * column.unwrap_or(0.0);
            TextLine {
                text: parts.next().unwrap_or_default().to_owned(),
                place: Placement { right, down, base, size },
                start,
                end: start + 50.0,
                bold: false,
                cells: Vec::new(),
            }
        };
        let lines = lines.iter().map(line).collect();
        let mut page = PageText { lines, height: 100.0, ..PageText::default() };
        behind_the_text(&mut page, 10.0);
        page.lines.into_iter().map(|line| line.text).collect()
    }

    const TEXT: [&str; 3] = ["0 40 10 Of all", "0 50 10 ships,¹ those*", "0 60 10 from Hull"];

    #[test]
    fn footnotes_are_behind_the_text() {
        let notes = ["0 80 8 1 See there.", "0 90 8 and here.", "1 10 10 have paid.", "1 95 10 17"];
        let expected = [
            "Of all",
            "ships,¹ those*",
            "from Hull",
            "have paid.",
            "17",
            "1 See there.",
            "and here.",
        ];
        assert_eq!(moved(&[&TEXT[..], &notes].concat()), expected);
    }

    #[test]
    fn other_small_text_is_not_moved() {
        let rest = "1 10 10 have paid.";
        for notes in [
            &["0 80 10 1 As large as the text"][..],
            &["0 20 8 1 At the top"],
            &["1 80 8 1 Without text above it"],
            &["0 80 8 No mark"],
            &["0 80 8 2 A mark that is not in the text"],
            &["0 80 8 12 15 a row of a table"],
            &["0 80 8 1. A list"],
            &["0 80 8 1 Above a table", "0 88 10 Hull 12"],
        ] {
            let lines = [&TEXT[..], notes, &[rest]].concat();
            let text = |line: &&str| line.splitn(4, ' ').nth(3).unwrap_or_default().to_owned();
            let expected: Vec<String> = lines.iter().map(text).collect();
            assert_eq!(moved(&lines), expected, "{notes:?}");
        }
    }

    #[test]
    fn marks_are_distinguished_from_numbers() {
        for (text, expected) in [
            ("¹ See", Some("¹")),
            ("1See", Some("¹")),
            ("1³ More than 10", Some("¹³")),
            ("* All of them", Some("*")),
            ("12 “Quoted”", Some("¹²")),
            ("12. See", None),
            ("* 12", None),
            ("1", None),
            ("1.5 m", None),
            ("1234 Street", None),
            ("See", None),
        ] {
            assert_eq!(mark(text).as_deref(), expected, "{text}");
        }
        for (text, expected) in [("ships,¹ those", true), ("ships¹²", false), ("ships", false)] {
            assert_eq!(refers_to(text, "¹"), expected, "{text}");
        }
    }
}
