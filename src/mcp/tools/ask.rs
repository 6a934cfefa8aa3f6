//! `ask`: an answer with checked citations.

use serde_json::{Value, json};

use super::{Call, filter, filtered, gives, question, takes, text, title};
use crate::chat::data::data;
use crate::error::Failure;
use crate::mcp::access::ClientView;
use crate::mcp::arguments::Arguments;
use crate::mcp::fence::{Fence, TokenBudget, label};
use crate::output::NoAnswerReason;
use crate::query::cite::Citation;
use crate::query::{Answer, AnswerEvent};
use crate::types::Passage;

/// Tokens of a citation or of a nearest passage beside its text.
const AROUND: usize = 80;

pub(super) fn input() -> Value {
    takes(filtered(json!({ "question": text("What to answer") }), json!({})), &["question"])
}

pub(super) fn output() -> Value {
    gives(json!({
        "answer": { "type": "string" },
        "citations": { "type": "array" },
        "unsupported": { "type": "array" },
        "no_answer": { "type": "object" },
    }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Failure> {
    let question = question(&arguments, "question")?;
    let (view, filter) = (call.view(&arguments)?, filter(&arguments)?);
    let mut written = 0;
    let mut emit = |event: AnswerEvent| match event {
        AnswerEvent::Asking(_) => (call.progress)("asking for what the question means"),
        AnswerEvent::Retrieved { passages, .. } => {
            (call.progress)(&format!("{} passages found", passages.len()));
        }
        AnswerEvent::Thinking(_) => (call.progress)("thinking"),
        AnswerEvent::Text(text) => {
            written += text.chars().count();
            (call.progress)(&format!("{written} characters written"));
        }
        AnswerEvent::Mark(_) | AnswerEvent::Calls(_) | AnswerEvent::Retracted => {}
    };
    let answer = call.offer.access.answer(&view, &question, filter, &mut emit).await?;
    let fence = super::fence(&view, &question)?;
    let mut budget = TokenBudget::new(call.offer.max_tokens);
    let citations = answer.citations.citations.iter();
    let citations: Vec<Value> =
        citations.map(|citation| cited(call, &view, citation, &mut budget)).collect();
    let mut said = json!({
        "answer": data(&answer.text, ""),
        "citations": citations,
        "collection": view.name,
        "model": answer.model,
    });
    let unsupported: Vec<String> =
        answer.warnings().iter().map(|warning| label(&warning.to_string())).collect();
    if !unsupported.is_empty() {
        said["unsupported"] = json!(unsupported);
    }
    if let Some(why) = answer.no_answer {
        said["no_answer"] = json!({
            "reason": NoAnswerReason::from(why),
            "nearest": nearest(call, &view, &answer, &fence, &mut budget),
            "note": format!("ask in other words, or search; {}", fence.rule()),
        });
    }
    Ok(said)
}

fn cited(
    call: &Call<'_>,
    view: &ClientView,
    citation: &Citation,
    budget: &mut TokenBudget,
) -> Value {
    budget.take(AROUND);
    let quote = citation.quote.as_deref().map(label);
    let mut said = json!({
        "n": citation.number,
        "citation": label(&citation.citation),
        "url": call.offer.access.url(&view.name, &citation.source, Some(citation.locator)),
        "verified": citation.verified,
    });
    if let Some(quote) = quote {
        said["quote"] = json!(budget.cut(&quote));
    }
    said
}

/// The nearest passages, if there is no answer.
fn nearest(
    call: &Call<'_>,
    view: &ClientView,
    answer: &Answer,
    fence: &Fence,
    budget: &mut TokenBudget,
) -> Vec<Value> {
    let one = |passage: &Passage| {
        budget.take(AROUND).then(|| {
            json!({
                "id": call.id(view, &passage.source, Some(passage.locator)),
                "title": title(&passage.title, &passage.source),
                "text": fence.around(budget.cut(&passage.text)),
            })
        })
    };
    answer.nearest.iter().map_while(one).collect()
}
