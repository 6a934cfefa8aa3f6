//! `docent query --batch`: many questions, a line of JSON for each, in their order.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::query::{self, Asking};
use crate::error::{Exit, Failure};
use crate::output::words::counted;
use crate::output::{AnswerJson, BatchRow};
use crate::query::Answer;
use crate::ui::Ui;

/// A question, or why its line is none.
pub(super) struct Row {
    id: Value,
    line: usize,
    question: Result<String, Failure>,
}

/// The questions of a file, or of standard input.
pub(super) fn read(file: &Path, cwd: &Path) -> Result<Vec<Row>, Failure> {
    let mut text = String::new();
    let (name, read) = if file == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().read_to_string(&mut text).map(drop))
    } else {
        let read = std::fs::read_to_string(cwd.join(file)).map(|content| text = content);
        (file.display().to_string(), read)
    };
    read.map_err(|error| Failure::usage(format!("--batch {name}: {error}")))?;
    let rows = rows(&text);
    if let Some((id, again)) = same_id(&rows) {
        let message = format!("--batch {name}: line {again} has the id {id} of another line");
        return Err(Failure::usage(message).hint("answers are told apart by their ids"));
    }
    if rows.is_empty() {
        return Err(Failure::usage(format!("--batch {name} has no questions")).hint(EXAMPLE));
    }
    Ok(rows)
}

const EXAMPLE: &str = r#"write one a line: "How long?", or {"id": "q1", "question": "How long?"}"#;

fn rows(text: &str) -> Vec<Row> {
    let text = text.trim_start_matches('\u{feff}');
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let mut rows: Vec<Row> = lines.map(|(number, line)| row(number, line)).collect();
    // Who has no id is told by the line, as long as that is no other's id.
    let given: HashSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
    for row in rows.iter_mut().filter(|row| row.id.is_null()) {
        let number = json!(row.line);
        let is_taken = given.contains(&number.to_string());
        row.id = if is_taken { json!(format!("line {}", row.line)) } else { number };
    }
    rows
}

/// An id that two rows have, and the line of the second.
fn same_id(rows: &[Row]) -> Option<(String, usize)> {
    let mut seen = HashSet::new();
    let again = rows.iter().find(|row| !seen.insert(row.id.to_string()))?;
    Some((again.id.to_string(), again.line))
}

fn row(number: usize, line: &str) -> Row {
    let wrong = |what: &str| Err(Failure::usage(format!("line {number} {what}")).hint(EXAMPLE));
    let (id, question) = match serde_json::from_str::<Value>(line) {
        Err(error) => (None, wrong(&format!("is not JSON: {error}"))),
        Ok(Value::String(question)) => (None, Ok(question)),
        Ok(Value::Object(mut fields)) => {
            let question = match fields.remove("question") {
                Some(Value::String(question)) => Ok(question),
                Some(_) => wrong("has a `question` that is no string"),
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
    Row { id: id.unwrap_or_default(), line: number, question }
}

/// Asks them all, some at a time. What concerns every question, such as a wrong key, ends it.
pub(super) async fn run(ui: &mut Ui, asking: &Asking<'_>, rows: Vec<Row>) -> Result<Exit, Failure> {
    let asked = rows.len();
    let at_once = asking.engine.context.settings.chat.concurrency;
    let mut done = stream::iter(rows).map(|row| ask(asking, row)).buffered(at_once);
    let mut exits = Vec::new();
    while let Some(done) = done.next().await {
        let Some(Asked { row, outcome, warning }) = done else { continue };
        ui.json_line(row)?;
        if let Some(warning) = warning {
            ui.warn(&warning);
        }
        match outcome {
            Err(failure) if failure.exit == Exit::Config => return Err(failure),
            outcome => exits.push(outcome.unwrap_or_else(|failure| failure.exit)),
        }
    }
    let answered = exits.iter().filter(|exit| **exit == Exit::Done).count();
    ui.status(&format!("{answered} of {} answered", counted(asked, "question")));
    query::explain_no_chat_model(ui, asking.engine);
    if asking.cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    Ok(exits.into_iter().fold(Exit::Done, Exit::worse))
}

/// What came of a row.
struct Asked {
    row: BatchRow,
    outcome: Result<Exit, Failure>,
    /// Of its record.
    warning: Option<String>,
}

impl Asked {
    fn failed(id: Value, failure: Failure) -> Self {
        let outcome = Err(failure);
        Self { row: BatchRow::new(id, None, &outcome), outcome, warning: None }
    }
}

/// `None` where it was not answered because of an interrupt.
async fn ask(asking: &Asking<'_>, Row { id, question, .. }: Row) -> Option<Asked> {
    let question = match question {
        Ok(question) => question,
        Err(failure) => return Some(Asked::failed(id, failure)),
    };
    if asking.cancel.is_cancelled() {
        return None;
    }
    let engine = asking.engine;
    let exchange = match engine.answer(asking.ask(&question), &asking.cancel, &mut drop).await {
        Ok(exchange) => exchange,
        Err(failure) if failure.exit == Exit::Interrupted => return None,
        Err(failure) => return Some(Asked::failed(id, failure)),
    };
    let answer = exchange.answer.as_ref().map_err(Failure::clone);
    let outcome = answer.and_then(|answer| engine.outcome(answer));
    let recorded = engine.record(&exchange, &outcome).await;
    let answer = match &exchange.answer {
        Ok(Answer { interrupted: true, .. }) => return None,
        Ok(answer) => Some(AnswerJson::new(&question, answer, asking.show_thinking)),
        Err(_) => None,
    };
    let (outcome, warning) = match recorded {
        Ok(warning) => (outcome, warning),
        Err(failure) => (outcome.and(Err(failure)), None),
    };
    Some(Asked { row: BatchRow::new(id, answer, &outcome), outcome, warning })
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
                "9 ! line 9 has a `question` that is no string",
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
