//! Questions with what should be found for them, one line of JSON each.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::types::Locator;

/// A question, and what should be found.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Unique in its set; the number of its line if it has no id.
    pub id: String,
    pub question: String,
    /// Empty if the documents have no answer: there is nothing to retrieve.
    pub expected: Vec<Expectation>,
    /// What an answer has to say, word for word except for case and typography.
    pub facts: Vec<String>,
    pub tags: Vec<String>,
}

/// Something that should be found: a document, or a place in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    pub source: String,
    /// A passage has to overlap this place.
    pub place: Option<Locator>,
    /// A passage has to contain this text, except for white space, case and typography.
    pub quote: Option<String>,
    /// How good it is to find it, 1 or more.
    pub grade: u32,
}

impl Expectation {
    pub fn document(source: String, grade: u32) -> Self {
        Self { source, place: None, quote: None, grade }
    }
}

/// An unusable line in a file of cases, judgements or rankings.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct LineError {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub problem: String,
}

/// The cases of a file, in their order. `file` is its name, for errors. Blank lines are ignored, and so
/// are unknown fields, unless they look like a misspelt one.
pub fn parse(text: &str, file: &str) -> Result<Vec<Case>, LineError> {
    let mut ids = HashSet::new();
    lines(text)
        .map(|(line, text)| {
            let fail = |problem| LineError { file: file.to_owned(), line, problem };
            let case = case(text, line).map_err(fail)?;
            if !ids.insert(case.id.clone()) {
                return Err(fail(format!(
                    "the id `{}` is already used by an earlier case",
                    case.id
                )));
            }
            Ok(case)
        })
        .collect()
}

/// Lines that are not blank, with their numbers.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

pub(super) fn object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// A string or a number, as text; `None` if the field is absent or null.
pub(super) fn id(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("`{name}` is neither a text nor a number")),
    }
}

fn case(text: &str, line: usize) -> Result<Case, String> {
    let object = object(text)?;
    if let Some((wrong, field)) = misspelt(&object) {
        return Err(format!("`{wrong}` is not known: did you mean `{field}`?"));
    }
    let question = text_of(&object, "question")?.ok_or("`question` is missing")?;
    let expected = match object.get("expected") {
        Some(Value::Array(expected)) => {
            let numbered = expected.iter().enumerate();
            let one =
                |(i, value)| expectation(value).map_err(|why| format!("expected[{i}]: {why}"));
            numbered.map(one).collect::<Result<_, _>>()?
        }
        Some(_) => return Err("`expected` is not a list".into()),
        None => return Err("`expected` is missing: a list of what should be found".into()),
    };
    Ok(Case {
        id: id(&object, "id")?.unwrap_or_else(|| line.to_string()),
        question,
        expected,
        facts: texts(&object, "facts")?,
        tags: texts(&object, "tags")?,
    })
}

/// A field that is unknown, but nearly has the name of one: what it says would count for nothing. Other fields belong
/// to other programs.
fn misspelt(object: &Map<String, Value>) -> Option<(&str, &'static str)> {
    const FIELDS: [&str; 5] = ["id", "question", "expected", "facts", "tags"];
    let near = |name: &str, field: &str| {
        let name = name.to_lowercase();
        field == name || field.len() > 2 && strsim::osa_distance(&name, field) == 1
    };
    let mut unknown = object.keys().filter(|name| !FIELDS.contains(&name.as_str()));
    unknown.find_map(|name| Some((name.as_str(), FIELDS.into_iter().find(|it| near(name, it))?)))
}

/// `{"source": "docs/a.md", "lines": [3, 9]}`, or `"docs/a.md"`.
fn expectation(value: &Value) -> Result<Expectation, String> {
    let mut fields = match value {
        Value::String(source) => return Ok(Expectation::document(source.clone(), 1)),
        Value::Object(fields) => fields.clone(),
        _ => return Err("neither a source nor an object with `source`".to_owned()),
    };
    let source = text_of(&fields, "source")?.ok_or("`source` is missing")?;
    let quote = text_of(&fields, "quote")?;
    let grade = match fields.get("grade") {
        None | Some(Value::Null) => 1,
        Some(grade) => match grade.as_u64().and_then(|grade| u32::try_from(grade).ok()) {
            Some(grade) if grade > 0 => grade,
            _ => return Err("`grade` is not a whole number of 1 or more".to_owned()),
        },
    };
    fields.retain(|name, value| {
        !["source", "quote", "grade"].contains(&name.as_str()) && !value.is_null()
    });
    Ok(Expectation { source, place: place(fields)?, quote, grade })
}

/// The remaining fields are a place. Any other field is an error, since ignoring a misspelt one would make
/// the expectation easier to meet.
fn place(fields: Map<String, Value>) -> Result<Option<Locator>, String> {
    const PLACES: [&str; 12] = [
        "lines",
        "page",
        "paragraphs",
        "slide",
        "sheet",
        "rows",
        "cells",
        "record_number",
        "message",
        "attachment",
        "section",
        "seconds",
    ];
    if let Some(name) = fields.keys().find(|name| !PLACES.contains(&name.as_str())) {
        return Err(format!(
            "`{name}` is not known: use source, lines, page (or another place), quote, grade"
        ));
    }
    if fields.is_empty() {
        return Ok(None);
    }
    let place: Locator =
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    if place.is_reversed() {
        return Err("the range ends before it begins: write the smaller number first".to_owned());
    }
    Ok(Some(place))
}

fn text_of(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Err(format!("`{name}` is empty")),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(format!("`{name}` is not text")),
    }
}

fn texts(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{name}` is not a list of texts");
    match object.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_line_is_a_case() {
        let text = "\u{feff}{\"question\": \" One? \", \"expected\": [\"a.md\"], \"more\": 1}\n\n\
            {\"id\": 7, \"question\": \"Two?\", \"tags\": [\"x\"], \"facts\": [\"f\"], \"expected\": \
            [{\"source\": \"b.pdf\", \"page\": 3, \"grade\": 2}, \
            {\"source\": \"c\", \"lines\": [2, 9], \"quote\": \"q\"}]}\r\n";
        let cases = parse(text, "f").unwrap();
        assert_eq!(cases[0].id, "1");
        assert_eq!(cases[0].question, "One?");
        assert_eq!(cases[0].expected, [Expectation::document("a.md".to_owned(), 1)]);
        assert_eq!((cases[1].id.as_str(), cases[1].tags.len(), cases[1].facts.len()), ("7", 1, 1));
        assert_eq!(cases[1].expected[0].place, Some(Locator::Page(3)));
        assert_eq!(cases[1].expected[0].grade, 2);
        assert_eq!(cases[1].expected[1].place, Some(Locator::Lines(2, 9)));
        assert_eq!(cases[1].expected[1].quote.as_deref(), Some("q"));
        assert!(parse(" \n", "f").unwrap().is_empty());
        let unanswerable = parse("{\"question\": \"q\", \"expected\": []}", "f").unwrap();
        assert!(unanswerable[0].expected.is_empty());
    }

    #[test]
    fn an_unusable_case_is_reported_with_its_line() {
        let with = |expected: &str| format!("{{\"question\": \"q\", \"expected\": {expected}}}");
        for (line, why) in [
            ("7".to_owned(), "not a JSON object"),
            ("{".to_owned(), "not JSON: EOF while parsing an object at line 1 column 1"),
            ("{}".to_owned(), "`question` is missing"),
            ("{\"question\": \" \"}".to_owned(), "`question` is empty"),
            (
                "{\"question\": \"q\", \"expectd\": []}".to_owned(),
                "`expectd` is not known: did you mean `expected`?",
            ),
            (
                "{\"question\": \"q\", \"expected\": [], \"Tags\": [\"x\"]}".to_owned(),
                "`Tags` is not known: did you mean `tags`?",
            ),
            ("{\"question\": 3}".to_owned(), "`question` is not text"),
            (
                "{\"question\": \"q\"}".to_owned(),
                "`expected` is missing: a list of what should be found",
            ),
            (with("\"a\""), "`expected` is not a list"),
            (with("[{}]"), "expected[0]: `source` is missing"),
            (with("[\"a\", 3]"), "expected[1]: neither a source nor an object with `source`"),
            (
                with("[{\"source\": \"a\", \"qoute\": \"x\"}]"),
                "expected[0]: `qoute` is not known: use source, lines, page (or another place), quote, grade",
            ),
            (
                with("[{\"source\": \"a\", \"grade\": 0}]"),
                "expected[0]: `grade` is not a whole number of 1 or more",
            ),
            (
                with("[{\"source\": \"a\", \"page\": 1, \"lines\": [1, 2]}]"),
                "expected[0]: a place needs exactly one of lines, page, paragraphs and the like",
            ),
            (
                with("[{\"source\": \"a\", \"lines\": [9, 3]}]"),
                "expected[0]: the range ends before it begins: write the smaller number first",
            ),
        ] {
            let text = format!("\n{line}\n");
            assert_eq!(
                parse(&text, "c.jsonl").unwrap_err().to_string(),
                format!("c.jsonl:2: {why}")
            );
        }
        let twice = format!(
            "{}\n{{\"id\": 1, \"question\": \"q\", \"expected\": [\"a\"]}}",
            with("[\"a\"]")
        );
        assert_eq!(
            parse(&twice, "c").unwrap_err().to_string(),
            "c:2: the id `1` is already used by an earlier case"
        );
    }
}
