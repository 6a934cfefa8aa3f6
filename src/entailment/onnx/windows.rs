//! Splits a premise into windows that a model reads at once.

use std::ops::Range;

/// Each sentence alone, and runs of sentences of at most `room` tokens. Each run begins in the middle of
/// the one before, so that neighbouring sentences are together in one of them. A longer sentence is cut.
/// Returns texts, and whether each is a single sentence.
pub(super) fn windows(
    sentences: &[String],
    room: usize,
    count: &dyn Fn(&str) -> usize,
) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    for sentence in sentences {
        cut(sentence, room, count, &mut pieces);
    }
    let lengths: Vec<usize> = pieces.iter().map(|piece| count(piece)).collect();
    let runs = runs(&lengths, room).into_iter().filter(|run| run.len() > 1);
    let runs: Vec<_> = runs.map(|run| (pieces[run].join(" "), false)).collect();
    pieces.into_iter().map(|piece| (piece.to_owned(), true)).chain(runs).collect()
}

/// Cuts a text in two, between words if it has any, until each part fits.
fn cut<'a>(text: &'a str, room: usize, count: &dyn Fn(&str) -> usize, pieces: &mut Vec<&'a str>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let middle = text.floor_char_boundary(text.len() / 2);
    let at = text[..middle].rfind(char::is_whitespace).unwrap_or(middle);
    if at == 0 || count(text) <= room {
        return pieces.push(text);
    }
    cut(&text[..at], room, count, pieces);
    cut(&text[at..], room, count, pieces);
}

/// Ranges of `lengths` of at most `room` in all; no range is within another.
fn runs(lengths: &[usize], room: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let (mut end, mut tokens) = (start + 1, lengths[start]);
        while end < lengths.len() && tokens + lengths[end] <= room {
            tokens += lengths[end];
            end += 1;
        }
        if runs.last().is_none_or(|last| end > last.end) {
            runs.push(start..end);
        }
        if end == lengths.len() {
            break;
        }
        start += ((end - start) / 2).max(1);
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn sentences_alone_and_in_overlapping_runs() {
        let sentences = ["a b", "c", "d e", "f"].map(str::to_owned);
        let of = |room| {
            let windows = windows(&sentences, room, &words).into_iter();
            windows.filter(|window| !window.1).map(|window| window.0).collect::<Vec<_>>()
        };
        assert_eq!(of(9), ["a b c d e f"]);
        assert_eq!(of(3), ["a b c", "c d e", "d e f"]);
        assert_eq!(of(1), ["a b c d e f"; 0]);
        assert_eq!(windows(&sentences, 9, &words).len(), 5);
        assert!(windows(&[], 9, &words).is_empty());
    }

    #[test]
    fn what_is_too_long_is_cut_between_words_or_else_anywhere() {
        let long = ["one two three four five".to_owned(), "ÄÖÜÄÖÜÄÖÜ".to_owned()];
        let pieces = windows(&long, 2, &words);
        let alone: Vec<&str> = pieces.iter().filter(|w| w.1).map(|w| w.0.as_str()).collect();
        assert_eq!(alone, ["one two", "three", "four five", "ÄÖÜÄÖÜÄÖÜ"]);
        let letters = windows(&long[1..], 4, &|text| text.chars().count());
        assert!(letters.iter().all(|window| window.0.chars().count() <= 4), "{letters:?}");
        assert_eq!(
            letters.iter().filter(|w| w.1).map(|w| w.0.as_str()).collect::<String>(),
            long[1]
        );
    }

    proptest! {
        #[test]
        fn all_is_read_and_nothing_that_does_not_fit(
            lengths in proptest::collection::vec(1..12_usize, 0..20),
            room in 12..40_usize,
        ) {
            let runs = runs(&lengths, room);
            for run in &runs {
                prop_assert!(lengths[run.clone()].iter().sum::<usize>() <= room);
            }
            let all = (0..lengths.len()).all(|at| runs.iter().any(|run| run.contains(&at)));
            prop_assert!(all);
        }
    }
}
