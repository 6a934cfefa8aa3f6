//! Rankings in the format of TREC: `query-id Q0 document-id rank score tag`, one per line.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::cases::{self, LineError};
use crate::text::is_visible;

/// The id of an item in a run file. White space separates the fields, so white space and invisible
/// characters are encoded.
pub fn encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for c in id.chars() {
        if c.is_whitespace() || !is_visible(c) {
            text.extend(utf8_percent_encode(c.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        } else {
            text.push(c);
        }
    }
    text
}

/// The lines of one ranking, best first. Readers order by score, so a score that is not less than the one
/// before is reduced by the smallest step.
pub fn lines<'a>(
    query: &str,
    items: impl IntoIterator<Item = (&'a str, f32)>,
    tag: &str,
) -> String {
    let mut text = String::new();
    let mut last = f32::INFINITY;
    for (rank, (id, score)) in (1..).zip(items) {
        last = score.min(last.next_down());
        let (query, id) = (encoded(query), encoded(id));
        let _ = writeln!(text, "{query} Q0 {id} {rank} {last} {tag}");
    }
    text
}

/// The ids of each ranking, by its query, best first. As in `trec_eval`, the score (a 32-bit float)
/// decides, and of equal scores the greater id comes first; the rank is ignored.
pub fn parse(text: &str, file: &str) -> Result<HashMap<String, Vec<String>>, LineError> {
    let mut runs: HashMap<String, Vec<(String, f32)>> = HashMap::new();
    for (line, text) in cases::lines(text) {
        let fail = |problem: String| LineError { file: file.to_owned(), line, problem };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [query, _, id, _, score, _] = fields[..] else {
            return Err(fail(format!(
                "{} fields, not 6: query-id Q0 document-id rank score tag",
                fields.len()
            )));
        };
        let score: f32 = score.parse().map_err(|_| fail(format!("`{score}` is not a score")))?;
        runs.entry(query.to_owned()).or_default().push((id.to_owned(), score));
    }
    let ordered = |(query, mut items): (String, Vec<(String, f32)>)| {
        items.sort_by(best_first);
        (query, items.into_iter().map(|(id, _)| id).collect())
    };
    Ok(runs.into_iter().map(ordered).collect())
}

fn best_first(a: &(String, f32), b: &(String, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_score_decides_and_then_the_greater_id() {
        let text = "q Q0 a 1 0.5 t\nq Q0 c 2 0.5 t\nq Q0 b 3 7e-1 t\nr Q0 a 1 1 t\n";
        let runs = parse(text, "f").unwrap();
        assert_eq!(runs["q"], ["b", "c", "a"]);
        assert_eq!(runs["r"], ["a"]);
        let wrong = |text| parse(text, "f").unwrap_err().to_string();
        assert_eq!(wrong("q a 1"), "f:1: 3 fields, not 6: query-id Q0 document-id rank score tag");
        assert_eq!(wrong("q Q0 a 1 high t"), "f:1: `high` is not a score");
    }

    #[test]
    fn blanks_in_names() {
        assert_eq!(encoded("my docs/a\u{a0}b.md:L1"), "my%20docs/a%C2%A0b.md:L1");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_in_the_same_order(scores in prop::collection::vec(0.0..1.0_f32, 1..30)) {
            let ids: Vec<String> = (0..scores.len()).map(|i| format!("d{i}")).collect();
            let items = ids.iter().map(String::as_str).zip(scores);
            let runs = parse(&lines("q", items, "docent"), "f").unwrap();
            prop_assert_eq!(&runs["q"], &ids);
        }
    }
}
