//! Questions in a file, one a line, as `query --batch` and the server read them.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::error::Failure;

/// A question, or why its line is not one.
pub struct QuestionRow {
    pub id: Value,
    line: usize,
    pub question: Result<String, Failure>,
}

/// An example of lines, for hints.
pub const EXAMPLE: &str =
    r#"write one a line: "How long?", or {"id": "q1", "question": "How long?"}"#;

/// The rows of a text, without blank lines.
pub fn rows(text: &str) -> Vec<QuestionRow> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let mut rows: Vec<QuestionRow> = lines.map(|(number, line)| row(number, line)).collect();
    // A question without an id gets the number of its line, unless another question has that id.
    let given: HashSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
    for row in rows.iter_mut().filter(|row| row.id.is_null()) {
        let number = json!(row.line);
        let is_taken = given.contains(&number.to_string());
        row.id = if is_taken { json!(format!("line {}", row.line)) } else { number };
    }
    rows
}

/// An id that two rows share, and the line of the second one.
pub fn same_id(rows: &[QuestionRow]) -> Option<(String, usize)> {
    let mut seen = HashSet::new();
    let again = rows.iter().find(|row| !seen.insert(row.id.to_string()))?;
    Some((again.id.to_string(), again.line))
}

fn row(number: usize, line: &str) -> QuestionRow {
    let wrong = |what: &str| Err(Failure::usage(format!("line {number} {what}")).hint(EXAMPLE));
    let (id, question) = match serde_json::from_str::<Value>(line) {
        Err(error) => (None, wrong(&format!("is not JSON: {error}"))),
        Ok(Value::String(question)) => (None, Ok(question)),
        Ok(Value::Object(mut fields)) => {
            let question = match fields.remove("question") {
                Some(Value::String(question)) => Ok(question),
                Some(_) => wrong("has a `question` that is not a string"),
                None => wrong("has no `question`"),
            };
            (fields.remove("id"), question)
        }
        Ok(_) => (None, wrong("is neither a string nor an object")),
    };
    let question = question.and_then(|question| match question.trim() {
        "" => wrong("has an empty question"),
        question => Ok(question.to_owned()),
    });
    QuestionRow { id: id.unwrap_or_default(), line: number, question }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_questions_or_say_why_not() {
        let text = "\u{feff}\"One?\"\n\n{\"id\": \"b\", \"question\": \" Two? \", \"more\": 1}\r\n{\"question\": \"Three?\", \"id\": null}\n{}\n7\n{\n\"  \"\n{\"id\": 9, \"question\": 9}\n";
        let shown: Vec<String> = rows(text)
            .into_iter()
            .map(|row| match row.question {
                Ok(question) => format!("{} {question}", row.id),
                Err(failure) => {
                    format!("{} ! {}", row.id, failure.message.split(':').next().unwrap_or(""))
                }
            })
            .collect();
        assert_eq!(
            shown,
            [
                "1 One?",
                "\"b\" Two?",
                "4 Three?",
                "5 ! line 5 has no `question`",
                "6 ! line 6 is neither a string nor an object",
                "7 ! line 7 is not JSON",
                "8 ! line 8 has an empty question",
                "9 ! line 9 has a `question` that is not a string",
            ]
        );
        assert!(rows("\n \n").is_empty());
    }

    #[test]
    fn ids_tell_rows_apart() {
        let ids = |text: &str| -> Vec<String> {
            rows(text).iter().map(|row| row.id.to_string()).collect()
        };
        let text = "\"One?\"\n{\"id\": 1, \"question\": \"Two?\"}\n\"Three?\"\n";
        assert_eq!(ids(text), ["\"line 1\"", "1", "3"]);
        assert_eq!(same_id(&rows(text)), None);
        let twice = format!("{text}{{\"id\": 1, \"question\": \"Four?\"}}");
        assert_eq!(same_id(&rows(&twice)), Some(("1".to_owned(), 4)));
    }
}
