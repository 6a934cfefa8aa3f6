//! Reads the text of a line.
//!
//! The model reads a line from left to right in narrow steps. For each step it returns a character or none; a
//! character in several consecutive steps is one character (connectionist temporal classification, Graves et
//! al. 2006). A blank is a character like any other.

use std::ops::Range;

use super::super::GrayImage;
use super::detect::Region;
use super::raster::sample;
use crate::onnx::FloatGraph;

/// Height of the model's input, in pixels.
const HEIGHT: usize = 48;

/// The width of the input is a multiple of `STEP`, and at least `NARROWEST`.
const STEP: usize = 16;
const NARROWEST: usize = 160;

/// Lines that would be wider are squeezed to this width.
const WIDEST: usize = 3_200;

/// A gap of columns without ink between two characters counts as a blank that the model left out: from
/// `BLANK` columns on if the line has no other blank, but never below `NARROWEST_BLANK`, nor below `WIDER`
/// times the usual gap between characters.
const BLANK: usize = 10;
const NARROWEST_BLANK: usize = 7;
const WIDER: usize = 2;

/// A column has no ink if its shades of grey, from -1 to 1, differ by less than this.
const EVEN: f32 = 0.3;

/// A word of a line, and its extent along the line from 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct LineWord {
    pub(super) text: String,
    pub(super) from: f32,
    pub(super) to: f32,
    /// Confidence of its least certain character, from 0 to 1: it separates wrong words from right ones
    /// better than the mean does.
    pub(super) confidence: f32,
    /// Mean confidence of its characters: it separates text from what is not text.
    pub(super) mean: f32,
}

/// The words in a region, which is read along its line.
pub(super) fn words(
    model: &FloatGraph,
    characters: &[String],
    page: &GrayImage,
    region: &Region,
) -> Result<Vec<LineWord>, String> {
    let scale = HEIGHT as f32 / (region.half_height * 2.0);
    let ink = ((region.half_width * 2.0 * scale).ceil() as usize).clamp(1, WIDEST);
    let width = ink.next_multiple_of(STEP).max(NARROWEST);
    let grey = cut_out(page, region, ink, width);
    let gaps = gaps(&grey, width, ink);
    let input: Vec<f32> = (0..3).flat_map(|_| grey.iter().copied()).collect();
    let output = model.run([1, 3, HEIGHT, width], input)?;
    // The first class is no character at all, the last is a blank.
    let classes = characters.len() + 2;
    if output.shape.last() != Some(&classes) {
        let shape = &output.shape;
        return Err(format!(
            "the recognizer's output has the shape {shape:?}, which does not fit {classes} characters"
        ));
    }
    let steps = output.values.len() / classes;
    let read = decoded(&output.values, classes);
    let column = |step: usize| (step * 2 + 1) * width / (steps * 2).max(1);
    let gap = |a: usize, b: usize| {
        let between = gaps.iter().filter(|gap| gap.start >= column(a) && gap.end <= column(b));
        between.map(Range::len).max().unwrap_or(0)
    };
    let is_blank = |seen: &Seen| is_blank(characters, seen);
    let limit = narrowest_blank(&read, &is_blank, &gap);
    let apart = |a: &Seen, b: &Seen| {
        let (first, second) = (character(characters, a), character(characters, b));
        match first {
            // Nobody writes a comma within a word.
            Some(',' | ';') if second.is_some_and(is_latin) => true,
            // The gap after a full stop is wide in numbers, addresses and abbreviations as well.
            Some('.' | ',' | ':')
                if second.is_some_and(|it| it.is_lowercase() || it.is_numeric()) =>
            {
                false
            }
            _ if matches!(second, Some('.' | ',')) => false,
            // The digit one is narrow, but takes as much room as the others.
            Some(one) if one.is_numeric() && second.is_some_and(char::is_numeric) => {
                gap(a.1, b.1) * 2 >= limit * 3
            }
            _ => gap(a.1, b.1) >= limit,
        }
    };
    Ok(split(&read, characters, steps as f32 * ink as f32 / width as f32, &apart))
}

/// The least width of a gap that is a blank which the model left out: the width of the blanks that it did see
/// in the line, or else far wider than the gaps between the line's characters. In typewritten text, letters
/// are farther apart than words are in print.
fn narrowest_blank(
    read: &[Seen],
    is_blank: &impl Fn(&Seen) -> bool,
    gap: &impl Fn(usize, usize) -> usize,
) -> usize {
    let middle = |mut gaps: Vec<usize>| {
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    };
    let pairs = || read.windows(2).filter(|pair| !pair.iter().any(is_blank));
    let usual = middle(pairs().map(|pair| gap(pair[0].1, pair[1].1)).collect()).unwrap_or(0);
    let blanks = read.windows(3).filter(|three| is_blank(&three[1]));
    let limit = match middle(blanks.map(|three| gap(three[0].1, three[2].1)).collect()) {
        Some(blank) => (blank * 4 / 5).max(usual * WIDER),
        None => (usual * WIDER + 2).max(BLANK),
    };
    limit.max(NARROWEST_BLANK)
}

fn character(characters: &[String], (class, _, _): &Seen) -> Option<char> {
    characters.get(class - 1)?.chars().next()
}

fn is_latin(character: char) -> bool {
    character.is_alphabetic() && character < '\u{250}'
}

fn is_blank(characters: &[String], (class, _, _): &Seen) -> bool {
    // The class after the last character is a blank.
    characters.get(class - 1).is_none_or(|text| text.trim().is_empty())
}

/// Gaps without ink: the model leaves out some blanks.
fn gaps(grey: &[f32], width: usize, ink: usize) -> Vec<Range<usize>> {
    let is_even = |column: usize| {
        let of_column = || (0..HEIGHT).map(|row| grey[row * width + column]);
        let (low, high) = (of_column().fold(1.0, f32::min), of_column().fold(-1.0, f32::max));
        high - low < EVEN
    };
    let mut gaps: Vec<Range<usize>> = Vec::new();
    for column in (0..ink).filter(|column| is_even(*column)) {
        match gaps.last_mut() {
            Some(gap) if gap.end == column => gap.end = column + 1,
            _ => gaps.push(column..column + 1),
        }
    }
    gaps
}

/// The model's input for a region: `ink` columns of the page, and grey up to `width`.
fn cut_out(page: &GrayImage, region: &Region, ink: usize, width: usize) -> Vec<f32> {
    let shrinks = region.half_height * 2.0 / HEIGHT as f32;
    // As many sample points per pixel as it covers old pixels, so that thin strokes are not missed.
    let points = (shrinks.ceil() as usize).clamp(1, 4);
    let mut grey = vec![0.0; HEIGHT * width];
    for row in 0..HEIGHT {
        for column in 0..ink {
            let mut sum = 0.0;
            for step in 0..points * points {
                let dx = ((step % points) as f32 + 0.5) / points as f32;
                let dy = ((step / points) as f32 + 0.5) / points as f32;
                let along = (column as f32 + dx) / ink as f32 * 2.0 - 1.0;
                let across = (row as f32 + dy) / HEIGHT as f32 * 2.0 - 1.0;
                let (x, y) = region.point(along, across);
                sum += sample(page, x, y);
            }
            grey[row * width + column] = sum / (points * points) as f32 / 127.5 - 1.0;
        }
    }
    grey
}

/// A character's class, the step in which it was first seen, and its confidence.
type Seen = (usize, usize, f32);

/// The most likely class of each step, without repetitions and without the class for no character.
fn decoded(values: &[f32], classes: usize) -> Vec<Seen> {
    let mut read: Vec<Seen> = Vec::new();
    let mut before = 0;
    for (step, likely) in values.chunks_exact(classes).enumerate() {
        let best = likely.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((class, sure)) = best else { continue };
        if class != 0 && class != before {
            read.push((class, step, *sure));
        } else if class != 0
            && let Some((_, _, known)) = read.last_mut()
        {
            *known = known.max(*sure);
        }
        before = class;
    }
    read
}

/// Splits a line at blanks, and between characters that are `apart`. `steps`: number of steps that the line
/// takes.
fn split(
    read: &[Seen],
    characters: &[String],
    steps: f32,
    apart: &dyn Fn(&Seen, &Seen) -> bool,
) -> Vec<LineWord> {
    let middle = |step: usize| step as f32 + 0.5;
    let mut words = Vec::new();
    let parts = read
        .split(|seen| is_blank(characters, seen))
        .flat_map(|part| part.chunk_by(|a, b| !apart(a, b)));
    for word in parts.filter(|word| !word.is_empty()) {
        let text: String =
            word.iter().map(|(class, _, _)| characters[class - 1].as_str()).collect();
        let (first, last) = (word[0].1, word[word.len() - 1].1);
        // A word extends half a character beyond the first and the last step.
        let half = if word.len() > 1 {
            (last - first) as f32 / (word.len() - 1) as f32 / 2.0
        } else {
            2.0
        };
        let place = |step: f32| (step / steps.max(1.0)).clamp(0.0, 1.0);
        words.push(LineWord {
            text,
            from: place(middle(first) - half),
            to: place(middle(last) + half),
            confidence: word.iter().map(|(_, _, sure)| *sure).fold(1.0, f32::min),
            mean: word.iter().map(|(_, _, sure)| sure).sum::<f32>() / word.len() as f32,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a model with the characters `a` and `b`: none, `a`, `b`, blank.
    fn steps(classes: &[(usize, f32)]) -> Vec<f32> {
        let step = |(class, sure): &(usize, f32)| {
            let mut likely = vec![0.0; 4];
            likely[*class] = *sure;
            likely
        };
        classes.iter().flat_map(step).collect()
    }

    fn read(classes: &[(usize, f32)]) -> Vec<(String, f32)> {
        let characters = ["a".to_owned(), "b".to_owned()];
        let seen = decoded(&steps(classes), 4);
        let words = split(&seen, &characters, classes.len() as f32, &|_, _| false).into_iter();
        words.map(|word| (word.text, word.confidence)).collect()
    }

    #[test]
    fn repetitions_are_one_character_unless_none_is_between() {
        let (a, none, blank) = ((1, 0.9), (0, 0.9), (3, 0.9));
        assert_eq!(read(&[a, a, none, a, (2, 0.5), blank, blank, (2, 0.7)]).len(), 2);
        assert_eq!(read(&[a, a]), [("a".to_owned(), 0.9)]);
        assert_eq!(read(&[a, none, a]), [("aa".to_owned(), 0.9)]);
        assert_eq!(read(&[none, blank, none]), []);
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn a_blank_is_as_wide_as_others_of_its_line() {
        // Letters with this gap after them; class 4 is the blank that the model saw.
        let limit = |gaps: &[(usize, usize)]| {
            let seen: Vec<Seen> =
                gaps.iter().enumerate().map(|(at, (class, _))| (*class, at, 1.0)).collect();
            let gap = |a: usize, b: usize| gaps[a..b].iter().map(|(_, gap)| *gap).sum();
            narrowest_blank(&seen, &|seen| seen.0 == 4, &gap)
        };
        let print = [(1, 2), (1, 2), (1, 5), (4, 5), (1, 2), (1, 2), (1, 2)];
        assert_eq!(limit(&print), 8);
        let typewriter = [(1, 8), (1, 8), (1, 12), (4, 12), (1, 8), (1, 14), (1, 8)];
        assert_eq!(limit(&typewriter), 19);
        assert_eq!(limit(&[(1, 3), (1, 3), (1, 3)]), BLANK);
        assert_eq!(limit(&[]), BLANK);
    }

    #[test]
    fn a_word_is_placed_where_its_characters_were_seen() {
        let characters = ["a".to_owned(), "b".to_owned()];
        let classes =
            [(1, 1.0), (0, 1.0), (2, 1.0), (3, 1.0), (0, 1.0), (0, 1.0), (1, 1.0), (0, 1.0)];
        let words = split(&decoded(&steps(&classes), 4), &characters, 8.0, &|_, _| false);
        let places: Vec<_> =
            words.iter().map(|word| (word.text.as_str(), word.from, word.to)).collect();
        assert_eq!(places[0], ("ab", 0.0, 0.4375));
        assert_eq!(places[1].0, "a");
        assert!(places[1].1 > 0.5 && places[1].2 <= 1.0, "{places:?}");
    }

    #[test]
    fn a_region_is_cut_out_along_its_line() {
        // Dark on the left, light on the right.
        let pixels = (0..60 * 20).map(|at| if at % 60 < 30 { 0 } else { 255 }).collect();
        let page = GrayImage { width: 60, height: 20, pixels };
        let region =
            Region { x: 30.0, y: 10.0, half_width: 20.0, half_height: 8.0, along: (1.0, 0.0) };
        let cut = cut_out(&page, &region, 120, 160);
        assert_eq!((cut[24 * 160 + 5], cut[24 * 160 + 110], cut[24 * 160 + 150]), (-1.0, 1.0, 0.0));
    }
}
