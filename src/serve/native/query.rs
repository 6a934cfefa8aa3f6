//! `POST /v1/docent/query`: an answer, as `docent query` gives it: one object, or its events.

use axum::response::Response;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use super::{RETRIEVAL_FIELDS, RetrievalFields, json};
use crate::output::{AnswerJson, Event, Versioned};
use crate::query::history::Turn;
use crate::serve::answering::{self, Answered, AskedCollection, Question, checked_question};
use crate::serve::call::Call;
use crate::serve::refusal::Refusal;
use crate::serve::request::strict;
use crate::serve::sse::{self, Frame};
use crate::serve::told::Told;

#[derive(Deserialize)]
struct QueryRequest {
    question: String,
    collection: Option<String>,
    /// Events instead of one object; unless it says, what the caller accepts.
    stream: Option<bool>,
    /// What the model thinks, too.
    #[serde(default)]
    show_thinking: bool,
    /// Earlier turns, oldest first.
    #[serde(default)]
    history: Vec<TurnFields>,
    #[serde(flatten)]
    retrieval: RetrievalFields,
}

#[derive(Deserialize)]
struct TurnFields {
    question: String,
    answer: String,
}

#[derive(Serialize)]
struct QueryResponse {
    #[serde(flatten)]
    asked: AskedCollection,
    #[serde(flatten)]
    answer: AnswerJson,
}

impl QueryResponse {
    fn new(question: &str, answered: &Answered, show_thinking: bool) -> Self {
        Self {
            asked: answered.asked.clone(),
            answer: AnswerJson::new(question, &answered.answer, show_thinking),
        }
    }
}

/// Earlier turns of one request, at most.
const MOST_TURNS: usize = 256;

pub(in crate::serve) async fn query(call: Call) -> Result<Response, Refusal> {
    let known: Vec<&str> = ["question", "collection", "stream", "show_thinking", "history"]
        .into_iter()
        .chain(RETRIEVAL_FIELDS)
        .collect();
    let asked: QueryRequest = strict(&call.body, &known)?;
    if asked.history.len() > MOST_TURNS {
        return Err(Refusal::invalid(
            "history",
            format!("`history` has more than {MOST_TURNS} turns"),
        ));
    }
    let text = checked_question(&asked.question, "question")?;
    let (filter, overrides) = asked.retrieval.read()?;
    let history = asked.history.iter().map(|turn| Turn::new(&turn.question, &turn.answer));
    let history = history.collect();
    let question = Question { text, history, filter, overrides, ..Question::default() };
    let scoped = call.caller.open(asked.collection.as_deref())?;
    let show_thinking = asked.show_thinking;
    let streams = asked.stream.unwrap_or_else(|| call.accepts_events());
    let Call { caller, notes, server, id, .. } = call;
    if !streams {
        let answered =
            answering::answer(&scoped, &caller, &server, &notes, &question, &mut drop).await?;
        let response = QueryResponse::new(&question.text, &answered, show_thinking);
        return Ok(json(&Versioned::new(response)));
    }
    let events = Told::of(|teller| async move {
        let mut emit = |event: crate::query::AnswerEvent| {
            let thinking = matches!(event, crate::query::AnswerEvent::Thinking(_));
            if show_thinking || !thinking {
                teller.tell(frame(&Event::from(&event)));
            }
        };
        let answered =
            answering::answer(&scoped, &caller, &server, &notes, &question, &mut emit).await;
        match answered {
            Ok(answered) => {
                for citation in &answered.answer.citations.citations {
                    teller.tell(frame(&Event::Citation(citation.into())));
                }
                for warning in answered.answer.warnings() {
                    teller.tell(frame(&Event::Warning((&warning).into())));
                }
                let done = QueryResponse::new(&question.text, &answered, show_thinking);
                teller.tell(Frame::event("done", &Versioned::new(Done { event: "done", done })));
            }
            Err(refusal) => {
                notes.note(|notes| notes.error = Some(refusal.code.to_owned()));
                let error = serde_json::json!({ "error": refusal.object(&id) });
                teller.tell(Frame::event("error", &error));
            }
        }
    });
    Ok(sse::response(events.boxed()))
}

/// The last event.
#[derive(Serialize)]
struct Done {
    event: &'static str,
    #[serde(flatten)]
    done: QueryResponse,
}

fn frame(event: &Event) -> Frame {
    Frame::event(event.name(), &Versioned::new(event))
}
