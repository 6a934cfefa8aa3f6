//! A chat model's reply → queries. Models number what should not be numbered, quote it, label it, and put
//! pleasantries around it.

use std::collections::HashSet;

/// Longest query, in characters.
const LONGEST_QUERY: usize = 500;
/// Longest hypothetical passage, in characters.
const LONGEST_PASSAGE: usize = 1_500;

/// The query of a reply: its first usable line.
pub(super) fn query(reply: &str) -> Option<String> {
    lines(reply).into_iter().next()
}

/// At most `count` distinct queries of a reply, none of them `question`.
pub(super) fn variants(reply: &str, question: &str, count: usize) -> Vec<String> {
    let same = |text: &str| text.to_lowercase();
    let mut seen = HashSet::from([same(question.trim())]);
    let mut variants = lines(reply);
    variants.retain(|line| seen.insert(same(line)));
    variants.truncate(count);
    variants
}

/// The passage of a reply, as one paragraph.
pub(super) fn passage(reply: &str) -> Option<String> {
    let words: Vec<&str> = unfenced(reply).split_whitespace().collect();
    let passage: String = words.join(" ").chars().take(LONGEST_PASSAGE).collect();
    let passage = unquoted(&passage);
    says_something(passage).then(|| passage.to_owned())
}

/// The lines that may be queries. If some lines are items of a list, the others are talk about it.
fn lines(reply: &str) -> Vec<String> {
    let reply = unfenced(reply);
    if let Ok(array) = serde_json::from_str::<Vec<String>>(reply) {
        return array.iter().filter_map(|line| usable(line)).collect();
    }
    let split: Vec<(bool, &str)> = reply.lines().map(item).collect();
    let listed = split.iter().any(|(is_item, text)| *is_item && usable(text).is_some());
    let kept = split.into_iter().filter(|(is_item, _)| *is_item || !listed);
    kept.filter_map(|(_, line)| usable(line)).collect()
}

/// A line without label, quotes and emphasis; `None` if nothing is left, if it is too long, or if it only
/// announces what follows.
fn usable(line: &str) -> Option<String> {
    let line = unquoted(unlabelled(unquoted(line)));
    let fits =
        says_something(line) && line.chars().count() <= LONGEST_QUERY && !line.ends_with(':');
    fits.then(|| line.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) && !crate::query::prompt::is_refusal(text)
}

/// A line without the marker of a list item, and whether it had one.
fn item(line: &str) -> (bool, &str) {
    let line = line.trim();
    if let Some(rest) = ["- ", "* ", "• ", "+ "].iter().find_map(|marker| line.strip_prefix(marker))
    {
        return (true, rest);
    }
    let rest = line.trim_start_matches('(').trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = line.trim_start_matches('(').starts_with(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['.', ')', ':']) {
        // `3.5 tonnes` and `10:30` are not items.
        Some(text) if numbered && text.starts_with(char::is_whitespace) => (true, text),
        _ => (false, line),
    }
}

/// A line without a label such as `Query:`.
fn unlabelled(line: &str) -> &str {
    const LABELS: [&str; 8] = [
        "query",
        "search query",
        "standalone query",
        "question",
        "standalone question",
        "rewritten query",
        "rewritten question",
        "variant",
    ];
    let Some((label, rest)) = line.split_once(':') else { return line };
    let label = label.trim_matches(|c: char| c.is_whitespace() || "*_`\"".contains(c));
    let label = label.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    if !LABELS.iter().any(|known| label.eq_ignore_ascii_case(known)) {
        return line;
    }
    // `**Query:** text`: the emphasis ends after the label.
    let rest = rest.trim_start();
    if line.starts_with("**") { rest.trim_start_matches("**") } else { rest }
}

/// A text without quotes or emphasis around the whole.
fn unquoted(text: &str) -> &str {
    const PAIRS: [(&str, &str); 9] = [
        ("**", "**"),
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("*", "*"),
        ("“", "”"),
        ("„", "“"),
        ("«", "»"),
        ("‘", "’"),
    ];
    let mut text = text.trim();
    while let Some(inner) = PAIRS.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        // `"a" or "b"` is not one quotation.
        (!inner.contains(open) && !inner.contains(close)).then_some(inner)
    }) {
        text = inner.trim();
    }
    text
}

/// A reply without the fences of a code block around the whole.
fn unfenced(reply: &str) -> &str {
    let text = reply.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else {
        return text;
    };
    // The first line may name a language.
    inner.split_once('\n').map_or(inner, |(_, body)| body).trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_is_found_in_what_models_say() {
        for (reply, expected) in [
            ("how long are backups kept", Some("how long are backups kept")),
            ("\n\n  \"how long are\tbackups kept?\"\n", Some("how long are backups kept?")),
            ("**Standalone question:** Who may restore?", Some("Who may restore?")),
            ("Search query: `LGR-4012`", Some("LGR-4012")),
            ("Here is the query:\n\nbackups retention", Some("backups retention")),
            ("```text\nbackups retention\n```", Some("backups retention")),
            ("1. backups retention\n\nI hope that helps!", Some("backups retention")),
            ("[\"backups retention\"]", Some("backups retention")),
            ("„Wer darf wiederherstellen?“", Some("Wer darf wiederherstellen?")),
            ("\"a\" or \"b\"", Some("\"a\" or \"b\"")),
            ("what does error: 12 mean", Some("what does error: 12 mean")),
            ("10:30 train", Some("10:30 train")),
            ("3.5 tonnes", Some("3.5 tonnes")),
            ("", None),
            (" \n\"\"\n--- ***\n", None),
            ("NO_ANSWER", None),
            ("Sure:", None),
        ] {
            assert_eq!(query(reply).as_deref(), expected, "{reply:?}");
        }
        assert_eq!(query(&"word ".repeat(200)), None);
    }

    #[test]
    fn variants_come_in_any_list() {
        let expected = ["backup retention", "how long do we keep backups"];
        for reply in [
            "backup retention\nhow long do we keep backups",
            "1. backup retention\n2. how long do we keep backups\n3. one too many",
            "Here are two:\n\n- \"backup retention\"\n- 'how long do we keep backups'\n\nGood luck!",
            "(1) backup retention\n(2) how long do we keep backups",
            "Variant 1: backup retention\nVariant 2: how long do we keep backups",
            "backup retention\nBackup Retention\nHow long are backups kept?\n\nhow long do we keep backups",
            "[\"backup retention\", \"how long do we keep backups\"]",
        ] {
            assert_eq!(variants(reply, "how long are backups kept?", 2), expected, "{reply:?}");
        }
        assert!(
            variants("How long are backups kept?\n\n", "how long are backups kept?", 3).is_empty()
        );
    }

    #[test]
    fn a_passage_is_one_paragraph_and_not_too_long() {
        let reply = "```\n\"Backups are kept\n\nfor 400 days.\"\n```";
        assert_eq!(passage(reply).as_deref(), Some("Backups are kept for 400 days."));
        assert_eq!(passage(" \n "), None);
        assert_eq!(passage("NO_ANSWER"), None);
        let long = passage(&"Wörter ".repeat(1_000)).map(|text| text.chars().count());
        assert_eq!(long, Some(LONGEST_PASSAGE));
    }

    proptest! {
        #[test]
        fn whatever_a_model_says_the_bounds_hold(
            parts in proptest::collection::vec(prop_oneof![
                Just("1. "), Just("- "), Just("\""), Just("**"), Just("```"), Just("\n"), Just(":"),
                Just("query"), Just("["), Just("]"), Just(","), Just("é"), Just(" "), Just("“")
            ], 0..40),
            count in 0usize..4,
        ) {
            let reply = parts.concat();
            let found = variants(&reply, "query", count);
            prop_assert!(found.len() <= count);
            for line in found.iter().chain(&query(&reply)) {
                prop_assert!(says_something(line) && !line.contains('\n'));
                prop_assert_eq!(line.trim(), line);
            }
            let distinct: HashSet<String> = found.iter().map(|line| line.to_lowercase()).collect();
            prop_assert_eq!(distinct.len(), found.len());
            let _ = passage(&reply);
        }
    }
}
