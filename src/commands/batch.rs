//! `docent query --batch`: answers many questions with a line of JSON for each, in their order.

use std::io::Read as _;
use std::path::Path;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::query::{self, QueryRunner};
use crate::error::{Exit, Failure};
use crate::output::humanize::counted;
use crate::output::{AnswerJson, BatchRow};
use crate::query::Answer;
use crate::service::questions::{self, QuestionRow};
use crate::ui::Ui;

/// The questions of a file, or of standard input.
pub(super) fn read(file: &Path, cwd: &Path) -> Result<Vec<QuestionRow>, Failure> {
    let mut text = String::new();
    let (name, read) = if file == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().read_to_string(&mut text).map(drop))
    } else {
        let read = std::fs::read_to_string(cwd.join(file)).map(|content| text = content);
        (file.display().to_string(), read)
    };
    read.map_err(|error| Failure::usage(format!("--batch {name}: {error}")))?;
    let rows = questions::rows(&text);
    if let Some((id, again)) = questions::same_id(&rows) {
        let message = format!("--batch {name}: line {again} has the same id as another line: {id}");
        return Err(Failure::usage(message)
            .hint("give each question an id of its own, so that answers can be told apart"));
    }
    if rows.is_empty() {
        return Err(
            Failure::usage(format!("--batch {name} has no questions")).hint(questions::EXAMPLE)
        );
    }
    Ok(rows)
}

/// Asks all questions, some at a time. An error that concerns every question, such as a wrong key, ends
/// the command.
pub(super) async fn run(
    ui: &mut Ui,
    asking: &QueryRunner<'_>,
    rows: Vec<QuestionRow>,
) -> Result<Exit, Failure> {
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

/// The result of a row.
struct Asked {
    row: BatchRow,
    outcome: Result<Exit, Failure>,
    /// Warning about the record of the answer.
    warning: Option<String>,
}

impl Asked {
    fn failed(id: Value, failure: Failure) -> Self {
        let outcome = Err(failure);
        Self { row: BatchRow::new(id, None, &outcome), outcome, warning: None }
    }
}

/// Asks one question; `None` if an interrupt came first.
async fn ask(
    asking: &QueryRunner<'_>,
    QuestionRow { id, question, .. }: QuestionRow,
) -> Option<Asked> {
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
    let outcome = answer.and_then(|answer| engine.outcome(&question, answer));
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
