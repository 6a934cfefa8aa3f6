//! For any text: nothing panics, no finding is left, and every place stays correct.

use proptest::prelude::*;

use super::super::redact::{clean, redacted};
use super::*;

/// Text with many beginnings of secrets.
fn text() -> impl Strategy<Value = String> {
    let whole: Vec<String> = secrets().into_iter().map(|(_, secret)| secret).collect();
    let around: Vec<String> = in_context().into_iter().map(|(_, text, _)| text).collect();
    let parts = [
        "\n",
        " ",
        "\"",
        "'",
        "=",
        ": ",
        "-----",
        "-----BEGIN ",
        "PRIVATE KEY",
        "://",
        "a:b@c",
        "@",
        "é",
        "🦀",
        "password",
        "token=",
        "secret: ",
        "AKIA",
        "ghp_",
        "eyJ",
        ".",
        "sk-",
        "_",
        "-",
        "A7",
        "[redacted",
    ];
    let parts = parts.map(str::to_owned).to_vec();
    let piece = prop_oneof![
        3 => prop::sample::select(parts),
        2 => prop::sample::select(whole),
        2 => prop::sample::select(around),
        2 => any::<String>(),
        1 => "[A-Za-z0-9+/]{10,60}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn findings_are_ordered_parts_of_the_text(text in text()) {
        let mut end = 0;
        for finding in scan(&text) {
            prop_assert!(end <= finding.range.start && finding.range.start < finding.range.end);
            prop_assert!(text.get(finding.range.clone()).is_some());
            end = finding.range.end;
        }
    }

    #[test]
    fn nothing_that_was_found_is_left(text in text()) {
        let redacted = clean(&text);
        prop_assert_eq!(rules(&redacted), [""; 0], "{}", redacted);
        prop_assert_eq!(redacted.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn text_outside_of_secrets_is_where_the_offsets_say(text in text()) {
        let findings = scan(&text);
        let redacted = redacted(&text, &findings);
        let mut last = 0;
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        for at in ends {
            let now = redacted.offset(&text, at);
            prop_assert!(now >= last && redacted.text.is_char_boundary(now));
            last = now;
            let hidden = findings.iter().any(|finding| finding.range.contains(&at));
            if !hidden {
                prop_assert_eq!(text[at..].chars().next(), redacted.text[now..].chars().next());
            }
            let line = |text: &str, at: usize| text[..at].matches('\n').count();
            prop_assert_eq!(line(&text, at), line(&redacted.text, now));
        }
    }
}

/// Each would take hours if the search grew with the text before or after a match.
#[test]
fn hostile_texts_take_no_longer_than_others() {
    let long = body(64);
    for part in [
        "eyJ",
        "eyJ.",
        ".eyJ-",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----A",
        "://",
        "x://a:b",
        "password=",
        "password=\"",
        "token:",
        "AKIA",
        "ghp_ ",
        "-----",
        "secret>",
        "\"",
        "@",
        long.as_str(),
    ] {
        let text = part.repeat((1 << 18) / part.len());
        assert!(scan(&text).len() <= text.len() / 8, "{part}");
    }
}
