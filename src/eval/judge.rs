//! Compares what was retrieved with what a case expects.

use super::cases::{Case, Expectation};
use super::metrics::{JudgedRanking, RankedItem};
use crate::text::Words;
use crate::types::{Chunk, Locator};

/// The items of a ranking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RankingUnit {
    /// Passages as they are retrieved: what a chat model would see.
    Passages,
    /// Documents, each ranked by its best passage.
    Documents,
}

impl RankingUnit {
    /// `passage`, `document`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Passages => "passage",
            Self::Documents => "document",
        }
    }
}

/// Something that was retrieved.
#[derive(Clone, PartialEq, Debug)]
pub struct Ranked {
    /// The citation of a passage, the source of a document.
    pub id: String,
    pub source: String,
    /// `None` for a document as a whole.
    pub place: Option<Locator>,
    /// Empty for a document as a whole.
    pub text: String,
    pub score: f32,
}

/// A judged ranking, and at which rank each expectation was met first, from 1.
#[derive(Clone, PartialEq, Debug)]
pub struct JudgedCase {
    pub judged: JudgedRanking,
    pub ranks: Vec<Option<usize>>,
}

/// Judges a ranking, best first.
pub fn judge(case: &Case, ranking: &[Ranked]) -> JudgedCase {
    let quotes: Vec<Option<Quote>> =
        case.expected.iter().map(|expected| expected.quote.as_deref().map(Quote::of)).collect();
    let mut ranks = vec![None; case.expected.len()];
    let mut items = Vec::with_capacity(ranking.len());
    for (rank, ranked) in (1..).zip(ranking) {
        let mut item = RankedItem::default();
        for ((expected, quote), first) in case.expected.iter().zip(&quotes).zip(&mut ranks) {
            if ranked.source != expected.source
                || !meets(ranked.place, &ranked.text, expected, quote.as_ref())
            {
                continue;
            }
            item.relevant = true;
            if first.is_none() {
                *first = Some(rank);
                item.gains.push(expected.grade);
            }
        }
        items.push(item);
    }
    let expected = case.expected.iter().map(|expected| expected.grade).collect();
    JudgedCase { judged: JudgedRanking { items, expected }, ranks }
}

/// The text that a passage has to contain, as it was copied from the document.
enum Quote {
    Words(Words),
    /// A row of a table; in a passage, the names of the columns come between its cells.
    Row(Vec<Words>),
}

impl Quote {
    fn of(text: &str) -> Self {
        match text.trim().strip_prefix('|') {
            Some(row) => Self::Row(row.trim_end_matches('|').split('|').map(Words::of).collect()),
            None => Self::Words(Words::of(text)),
        }
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Words(words) => Words::of(text).find(words).is_some(),
            Self::Row(cells) => text.lines().any(|line| {
                let mut held = line.split('|').map(Words::of);
                cells.iter().all(|cell| held.any(|held| held.find(cell).is_some()))
            }),
        }
    }
}

/// Whether any chunk of its document can meet an expectation.
pub fn can_be_met(expected: &Expectation, chunks: &[Chunk]) -> bool {
    let quote = expected.quote.as_deref().map(Quote::of);
    let is_met = |chunk: &Chunk| meets(Some(chunk.locator), &chunk.text, expected, quote.as_ref());
    chunks.iter().any(is_met)
}

/// Whether a text at this place of the expected document is what is expected.
fn meets(
    place: Option<Locator>,
    text: &str,
    expected: &Expectation,
    quote: Option<&Quote>,
) -> bool {
    expected.place.is_none_or(|wanted| place.is_some_and(|place| place.overlaps(wanted)))
        && quote.is_none_or(|quote| quote.is_in(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(source: &str, lines: (u32, u32), text: &str) -> Ranked {
        let place = Locator::Lines(lines.0, lines.1);
        Ranked {
            id: place.cite(source),
            source: source.to_owned(),
            place: Some(place),
            text: text.to_owned(),
            score: 1.0,
        }
    }

    fn case(expected: Vec<Expectation>) -> Case {
        let (id, question) = (String::new(), String::new());
        Case { id, question, expected, facts: Vec::new(), tags: Vec::new() }
    }

    #[test]
    fn source_place_and_quote_have_to_agree() {
        let document = |source: &str| Expectation::document(source.to_owned(), 1);
        let ranking = [
            passage("a", (1, 5), "Kept for **400** days."),
            passage("b", (1, 5), "nothing"),
            passage("a", (5, 9), "kept for\n400 days"),
        ];
        for (expected, rank) in [
            (document("b"), Some(2)),
            (document("c"), None),
            (Expectation { place: Some(Locator::Lines(6, 7)), ..document("a") }, Some(3)),
            (Expectation { place: Some(Locator::Lines(10, 12)), ..document("a") }, None),
            (Expectation { place: Some(Locator::Page(1)), ..document("a") }, None),
            (Expectation { quote: Some("kept for 400 days".to_owned()), ..document("a") }, Some(1)),
            (Expectation { quote: Some("kept for 40 days".to_owned()), ..document("a") }, None),
        ] {
            assert_eq!(
                judge(&case(vec![expected.clone()]), &ranking).ranks,
                [rank],
                "{expected:?}"
            );
        }
    }

    #[test]
    fn a_row_is_found_between_the_names_of_its_columns() {
        let row = |quote: &str| Expectation {
            quote: Some(quote.to_owned()),
            ..Expectation::document("a".to_owned(), 1)
        };
        for text in ["Port: Oslo | Fee: 300\nPort: Ulm | Fee: 4", "| Oslo | 300 |\n| Ulm | 4 |"] {
            let ranking = [passage("a", (1, 5), text)];
            for (quote, rank) in
                [("| Oslo | 300 |", Some(1)), ("| Oslo | 4 |", None), ("| 300 | Oslo |", None)]
            {
                assert_eq!(judge(&case(vec![row(quote)]), &ranking).ranks, [rank], "{quote}");
            }
        }
    }

    #[test]
    fn an_expectation_is_met_once() {
        let expected = Expectation::document("a".to_owned(), 2);
        let ranking = [passage("a", (1, 2), ""), passage("a", (3, 4), "")];
        let JudgedRanking { items, expected } = judge(&case(vec![expected]), &ranking).judged;
        assert_eq!(expected, [2]);
        assert_eq!(items[0], RankedItem { relevant: true, gains: vec![2] });
        assert_eq!(items[1], RankedItem { relevant: true, gains: vec![] });
    }
}
