//! Puts text in Hebrew, Arabic and related scripts from its order on the page, left to right, into reading
//! order.
//!
//! Some files draw such lines in reading order, most from left to right as they look. The places of the letters
//! are the same in both, so lines are first put in the order of their places.

use super::glyph::Glyph;
use super::lines::PdfLine;
use super::script::{is_mark, is_right_to_left};
use super::words::TextItem;

/// Puts the glyphs of a line with such letters in order from left to right.
pub(super) fn order_by_place(line: &mut PdfLine) {
    if !line.glyphs.iter().any(|glyph| glyph.letters.all(is_right_to_left)) {
        return;
    }
    let right = line.place.right;
    let place = |glyph: &Glyph| glyph.at.dot(right);
    drop_blanks_below_letters(&mut line.glyphs, place);
    let mut units: Vec<Vec<Glyph>> = Vec::new();
    let mut waiting: Vec<Glyph> = Vec::new();
    // A mark stays with the letter that it is on, which may be drawn before or after it.
    for glyph in line.glyphs.drain(..) {
        if !glyph.letters.all(is_mark) {
            let reach = place(&glyph)..place(&glyph) + glyph.advance;
            let (mine, others): (Vec<Glyph>, Vec<Glyph>) =
                waiting.drain(..).partition(|mark| reach.contains(&place(mark)));
            if let Some(before) = units.last_mut() {
                before.extend(others);
            }
            units.push(std::iter::once(glyph).chain(mine).collect());
        } else if let Some(before) = units.last_mut().filter(|unit| {
            let base = &unit[0];
            (place(base)..=place(base) + base.advance).contains(&place(&glyph))
        }) {
            before.push(glyph);
        } else {
            waiting.push(glyph);
        }
    }
    if let Some(before) = units.last_mut() {
        before.append(&mut waiting);
    }
    units.sort_by(|a, b| place(&a[0]).total_cmp(&place(&b[0])));
    line.glyphs = units.into_iter().flatten().chain(waiting).collect();
}

/// Removes a blank that was drawn below a letter, and not beside one. It separates nothing: its place does not
/// say where it belongs.
fn drop_blanks_below_letters(glyphs: &mut Vec<Glyph>, place: impl Fn(&Glyph) -> f32) {
    let reach = |glyph: &Glyph| (place(glyph), place(glyph) + glyph.advance);
    let inked = glyphs.iter().filter(|glyph| !glyph.letters.is_blank() && glyph.advance > 0.0);
    let mut letters: Vec<(f32, f32)> = inked.map(reach).collect();
    letters.sort_by(|a, b| a.0.total_cmp(&b.0));
    let is_below = |glyph: &Glyph| {
        let (start, end) = reach(glyph);
        let next = letters.partition_point(|letter| letter.0 <= f32::midpoint(start, end));
        let covers = |(from, to): &(f32, f32)| to.min(end) - from.max(start) > 0.7 * (end - start);
        letters[next.saturating_sub(2)..next].iter().any(covers)
    };
    let is_near = |glyph: &Glyph, other: &Glyph| {
        let ((start, end), (from, to)) = (reach(glyph), reach(other));
        from.max(start) - to.min(end) < 0.5 * glyph.size
    };
    let stays = |at: usize| {
        let glyph = &glyphs[at];
        let next_to = |other: Option<usize>| {
            other.and_then(|at| glyphs.get(at)).is_some_and(|other| is_near(glyph, other))
        };
        !glyph.letters.is_blank()
            || !is_below(glyph)
            || next_to(at.checked_sub(1)) && next_to(Some(at + 1))
    };
    let stays: Vec<bool> = (0..glyphs.len()).map(stays).collect();
    let mut stays = stays.into_iter();
    glyphs.retain(|_| stays.next().unwrap_or(true));
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Right,
    Left,
    Number,
    Neutral,
}

/// The text of items that are in order from left to right.
pub(super) fn read(items: &[TextItem]) -> String {
    let ways: Vec<Way> = items.iter().map(way).collect();
    let count = |wanted| ways.iter().filter(|way| **way == wanted).count();
    let (lefts, rights) = (count(Way::Left), count(Way::Right));
    let mut text = String::new();
    if lefts == 0 {
        push(&mut text, items);
    } else if lefts >= rights {
        read_left(items, &ways, &mut text);
    } else {
        let mut from = 0;
        while from < items.len() {
            // A stretch of right-to-left letters: up to the last of them before a left-to-right one.
            let next = ways[from..].iter().position(|way| *way == Way::Left).map(|at| from + at);
            let Some(start) = next else {
                push(&mut text, &items[from..]);
                break;
            };
            push(&mut text, &items[from..start]);
            let rest = ways[start..].iter().position(|way| *way == Way::Right);
            let limit = rest.map_or(items.len(), |at| start + at);
            let last = ways[start..limit].iter().rposition(|way| *way == Way::Left).unwrap_or(0);
            read_left(&items[start..=start + last], &ways[start..=start + last], &mut text);
            from = start + last + 1;
        }
    }
    text
}

/// Reads from the right; left-to-right words and numbers inside keep their order.
fn read_left(items: &[TextItem], ways: &[Way], text: &mut String) {
    let mut read = String::new();
    let mut end = items.len();
    while end > 0 {
        let mut start = end - 1;
        if matches!(ways[start], Way::Right | Way::Number) {
            // As far as words of this direction go; whatever is between two of them belongs to them.
            let mut at = start;
            while at > 0 && ways[at - 1] != Way::Left {
                at -= 1;
                let between_numbers = ways[at] == Way::Neutral && items[at] != TextItem::Blank;
                let beyond = || ways[..at].iter().rev().find(|way| **way != Way::Neutral);
                let of_words = ways[at..end].contains(&Way::Right) || beyond() == Some(&Way::Right);
                match ways[at] {
                    Way::Right | Way::Number => start = at,
                    _ if between_numbers || of_words => {}
                    _ => break,
                }
            }
        }
        push(&mut read, &items[start..end]);
        end = start;
    }
    text.push_str(&turn_brackets(&read));
}

fn push(text: &mut String, items: &[TextItem]) {
    for item in items {
        match item {
            TextItem::Letters(letters) => text.push_str(letters),
            TextItem::Blank => text.push(' '),
        }
    }
}

fn way(item: &TextItem) -> Way {
    let TextItem::Letters(letters) = item else { return Way::Neutral };
    let Some(letter) = letters.chars().next() else { return Way::Neutral };
    let reads_right = |letter: char| letter.is_alphabetic() && !is_right_to_left(letter);
    if letters.chars().any(is_right_to_left) && !letters.chars().any(reads_right) {
        Way::Left
    } else if letter.is_numeric() {
        Way::Number
    } else if letters.chars().any(reads_right) {
        Way::Right
    } else {
        Way::Neutral
    }
}

/// Swaps brackets if needed. They are mirrored in print, and files differ in which of the two they name: if a
/// closing one comes first, all are swapped.
fn turn_brackets(text: &str) -> String {
    const PAIRS: [(char, char); 4] = [('(', ')'), ('[', ']'), ('{', '}'), ('«', '»')];
    let first = text.chars().find(|letter| PAIRS.iter().any(|(a, b)| a == letter || b == letter));
    if !first.is_some_and(|letter| PAIRS.iter().any(|(_, close)| *close == letter)) {
        return text.to_owned();
    }
    let turned = |letter: char| {
        let pair = PAIRS.iter().find(|(open, close)| *open == letter || *close == letter);
        pair.map_or(letter, |(open, close)| if *open == letter { *close } else { *open })
    };
    text.chars().map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<TextItem> {
        let item = |letter: char| match letter {
            ' ' => TextItem::Blank,
            letter => TextItem::Letters(letter.to_string()),
        };
        text.chars().map(item).collect()
    }

    #[test]
    fn text_in_order_of_places_is_read() {
        // Hebrew letters in the order of their places, from the left.
        for (seen, read_as) in [
            ("plain text (1)", "plain text (1)"),
            ("דגב א", "א בגד"),
            ("רקובב 9 העשב", "בשעה 9 בבוקר"),
            ("ב 12.50 א", "א 12.50 ב"),
            ("בב Tel 7 גג", "גג Tel 7 בב"),
            ("(ב) א", "א (ב)"),
            (")ב( א", "א (ב)"),
            ("the word בא here 5", "the word אב here 5"),
            ("2021 2020 א", "א 2020 2021"),
        ] {
            assert_eq!(read(&items(seen)), read_as, "{seen}");
        }
    }
}
