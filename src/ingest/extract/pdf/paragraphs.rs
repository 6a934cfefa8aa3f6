//! Lines of a page → its text, with a blank line between paragraphs.

use super::headings::usual_size;
use super::hyphens::DocumentWords;
use super::lines::middle;
use super::page::TextLine;

/// Lines farther apart than this many usual distances belong to different paragraphs.
const APART: f32 = 1.2;

/// The same for lines of a heading, in sizes of their letters.
const IN_HEADINGS: f32 = 1.6;

/// How much larger a heading's letters are than those of its text.
const LARGER: f32 = 1.12;

/// The text of lines in their order, and where in it each of them starts.
pub(super) fn text(lines: &[TextLine], words: &DocumentWords) -> (String, Vec<usize>) {
    let usual = Usual {
        distance: usual_distance(lines),
        size: usual_size(lines.iter()).unwrap_or_default(),
    };
    let mut text = String::new();
    let mut starts = Vec::with_capacity(lines.len());
    let mut previous: Option<&TextLine> = None;
    for line in lines {
        let plain = without_soft_hyphens(&line.text);
        let ends = previous.is_none_or(|previous| ends_paragraph(previous, line, &usual));
        if previous.is_none() {
            text.push_str(&plain);
        } else if ends || !words.join(&mut text, &plain) {
            text.push_str(if ends { "\n\n" } else { "\n" });
            text.push_str(&plain);
        }
        starts.push(text.len() - plain.len());
        previous = Some(line);
    }
    (text, starts)
}

/// The distance between two lines of a paragraph on this page.
fn usual_distance(lines: &[TextLine]) -> f32 {
    let step = |pair: &[TextLine]| {
        let step = pair[1].place.base - pair[0].place.base;
        let near = step > 0.5 * pair[0].place.size && step < 3.0 * pair[0].place.size;
        (pair[0].place.is_parallel(&pair[1].place) && near).then_some(step)
    };
    middle(lines.windows(2).filter_map(step).collect())
}

/// The properties of most lines on a page.
struct Usual {
    distance: f32,
    /// Size of the letters.
    size: f32,
}

fn ends_paragraph(line: &TextLine, next: &TextLine, usual: &Usual) -> bool {
    if !line.place.is_parallel(&next.place) {
        return true;
    }
    let step = next.place.base - line.place.base;
    if step < -0.5 * line.place.size {
        // The next line is in the next column, where the sentence may continue.
        return ends_sentence(&line.text) || !next.text.starts_with(char::is_lowercase);
    }
    let (small, large) =
        (line.place.size.min(next.place.size), line.place.size.max(next.place.size));
    // Lines of one heading are farther apart than those of the text.
    let near = if small > LARGER * usual.size { IN_HEADINGS } else { APART } * large;
    let near = near.max(APART * usual.distance);
    large > LARGER * small || step > near || line.bold != next.bold
}

fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?', ':', '。', '！', '？'])
}

/// Removes soft hyphens. Inside a line they are not seen; at its end they are.
fn without_soft_hyphens(text: &str) -> String {
    const SOFT: char = '\u{AD}';
    let text = text.trim();
    let (body, end) = text.strip_suffix(SOFT).map_or((text, ""), |body| (body, "\u{AD}"));
    body.replace(SOFT, "") + end
}
