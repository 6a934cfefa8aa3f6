//! Earlier turns of a conversation, and how much of them the model is shown.

use crate::query::cite::{AnswerPiece, MarkParser};

/// The part of the token budget that earlier turns may take: one in `SHARE`. Passages have the rest, and
/// whatever the turns leave.
pub const SHARE: usize = 4;

/// Tokens that a message costs besides its text, at most, in the templates of common models.
const MESSAGE_TOKENS: usize = 8;

/// A question, and the answer that it got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryTurn {
    pub question: String,
    /// Without citation marks.
    pub answer: String,
}

impl HistoryTurn {
    /// The citation marks of the answer are taken out: passages are numbered again in every turn, so the
    /// marks of an earlier answer would name the wrong ones.
    pub fn new(question: &str, answer: &str) -> Self {
        Self { question: question.trim().to_owned(), answer: unmarked(answer) }
    }

    /// Number of tokens of both messages.
    pub fn tokens(&self, count: &dyn Fn(&str) -> usize) -> usize {
        count(&self.question) + count(&self.answer) + 2 * MESSAGE_TOKENS
    }
}

fn unmarked(answer: &str) -> String {
    let mut marks = MarkParser::new();
    let mut pieces = marks.push(answer);
    pieces.extend(marks.finish());
    let mut text = String::with_capacity(answer.len());
    for piece in pieces {
        match piece {
            AnswerPiece::Text(piece) => text.push_str(&piece),
            AnswerPiece::Mark(_) => text.truncate(text.trim_end_matches(' ').len()),
        }
    }
    text.trim().to_owned()
}

/// The last turns, in order, that fit into `budget` tokens. The oldest go first; the answer of the newest
/// is cut if it would not fit even alone.
pub fn fit(
    turns: &[HistoryTurn],
    budget: usize,
    count: &dyn Fn(&str) -> usize,
) -> Vec<HistoryTurn> {
    let mut left = budget;
    let mut kept: Vec<HistoryTurn> = Vec::new();
    for turn in turns.iter().rev() {
        let Some(rest) = left.checked_sub(turn.tokens(count)) else { break };
        left = rest;
        kept.push(turn.clone());
    }
    if kept.is_empty()
        && let Some(newest) = turns.last()
    {
        let question = HistoryTurn { question: newest.question.clone(), answer: String::new() };
        if let Some(rest) = budget.checked_sub(question.tokens(count)) {
            let answer = truncate(&newest.answer, rest, count);
            kept.extend((!answer.is_empty()).then_some(HistoryTurn { answer, ..question }));
        }
    }
    kept.reverse();
    kept
}

/// The longest beginning of a text that fits into `budget` tokens.
pub(super) fn truncate(text: &str, budget: usize, count: &dyn Fn(&str) -> usize) -> String {
    if count(text) <= budget {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let fitting = ends.partition_point(|&end| count(&text[..end]) <= budget);
    let end = fitting.checked_sub(1).map_or(0, |last| ends[last]);
    text[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn turn(question: &str, answer: &str) -> HistoryTurn {
        HistoryTurn::new(question, answer)
    }

    #[test]
    fn marks_of_earlier_answers_are_taken_out_and_brackets_of_the_text_are_not() {
        for (answer, expected) in [
            (
                "Kept for 400 days [1]. A restore is logged [2][3].",
                "Kept for 400 days. A restore is logged.",
            ),
            ("[1] says so.", "says so."),
            ("See `a[1]` and [1](url) [2, 3].\n", "See `a[1]` and [1](url)."),
            ("```\nx[1]\n```\nDone [1].", "```\nx[1]\n```\nDone."),
        ] {
            assert_eq!(turn("q", answer).answer, expected);
        }
    }

    #[test]
    fn the_oldest_turns_go_first_and_the_newest_is_cut_before_it_goes() {
        let turns = [turn("a a", "b b"), turn("c", "d"), turn("e", "f f f")];
        let kept = |budget| fit(&turns, budget, &words);
        assert_eq!(kept(1_000), turns);
        assert_eq!(kept(16 + 4 + 16 + 2), turns[1..]);
        assert_eq!(kept(16 + 4 + 16 + 1), turns[2..]);
        assert_eq!(kept(16 + 3), [turn("e", "f f")]);
        assert_eq!(kept(16 + 1), []);
        assert_eq!(kept(0), []);
        assert_eq!(fit(&[], 100, &words), []);
    }

    proptest! {
        #[test]
        fn the_budget_is_never_exceeded(
            texts in proptest::collection::vec(("[a-zé \n]{0,40}", "[a-zé\\[\\]1 \n]{0,80}"), 0..8),
            budget in 0usize..200,
        ) {
            let turns: Vec<HistoryTurn> = texts.iter().map(|(q, a)| turn(q, a)).collect();
            for count in [words as fn(&str) -> usize, |text: &str| text.len().div_ceil(3)] {
                let kept = fit(&turns, budget, &count);
                let tokens: usize = kept.iter().map(|turn| turn.tokens(&count)).sum();
                prop_assert!(tokens <= budget);
                let questions = |turns: &[HistoryTurn]| turns.iter().map(|t| t.question.clone()).collect::<Vec<_>>();
                prop_assert!(questions(&turns).ends_with(&questions(&kept)));
            }
        }

        #[test]
        fn a_cut_text_is_a_beginning_and_fits(text in "[a-zé ]{0,60}", budget in 0usize..30) {
            let beginning = truncate(&text, budget, &words);
            prop_assert!(text.starts_with(&beginning));
            prop_assert!(words(&beginning) <= budget);
        }
    }
}
