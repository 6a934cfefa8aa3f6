//! The attributes of documents and passages, within `OpenAI`'s limits.

use serde_json::{Map, Value};

use crate::serve::openai::filters::TAG;
use crate::types::DocumentKind;

/// Most attributes of one object.
const MOST: usize = 16;
/// Longest key, in characters.
const LONGEST_KEY: usize = 64;
/// Longest value, in characters.
const LONGEST_VALUE: usize = 512;

/// A text cut to the longest value.
pub(super) fn truncate(text: &str) -> String {
    text.chars().take(LONGEST_VALUE).collect()
}

/// `others` come first; if there are more tags than fit, `tags_left_out` says how many.
pub(in crate::serve::openai) fn attributes(
    kind: Option<DocumentKind>,
    others: impl IntoIterator<Item = (&'static str, String)>,
    tags: &[String],
) -> Map<String, Value> {
    let mut attributes = Map::new();
    if let Some(kind) = kind {
        attributes.insert("kind".to_owned(), kind.name().into());
    }
    // A URL that was cut off opens nothing.
    let fits = |(_, value): &(&str, String)| value.chars().count() <= LONGEST_VALUE;
    for (key, value) in others.into_iter().filter(fits) {
        attributes.insert(key.to_owned(), value.into());
    }
    let mut left_out = 0_usize;
    for tag in tags {
        let (name, value) = match tag.split_once('=') {
            Some((name, "false")) => (name, Value::Bool(false)),
            Some((name, value)) => (name, Value::from(truncate(value))),
            None => (tag.as_str(), Value::Bool(true)),
        };
        let key = format!("{TAG}{name}");
        // The first of several values; a filter can use all of them.
        let is_new = !attributes.contains_key(&key);
        if is_new && key.chars().count() <= LONGEST_KEY && attributes.len() < MOST - 1 {
            attributes.insert(key, value);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        attributes.insert("tags_left_out".to_owned(), left_out.into());
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_few_and_short() {
        let tags =
            |count: usize| (0..count).map(|number| format!("t{number}=v")).collect::<Vec<_>>();
        let few = attributes(
            Some(DocumentKind::Pdf),
            [("url", "u".repeat(513)), ("place", "page=2".to_owned())],
            &[
                "draft".to_owned(),
                "final=false".to_owned(),
                "team=a=b".to_owned(),
                "team=c".to_owned(),
                "x".repeat(61),
            ],
        );
        let expected = serde_json::json!({
            "kind": "pdf", "place": "page=2", "tag.draft": true, "tag.final": false, "tag.team": "a=b", "tags_left_out": 2,
        });
        assert_eq!(Value::Object(few), expected);
        let many = attributes(Some(DocumentKind::Pdf), [], &tags(40));
        assert_eq!((many.len(), &many["tags_left_out"]), (16, &Value::from(26)));
    }
}
