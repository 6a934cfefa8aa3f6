//! `explain`: why a document is or is not among the passages of a question.

use serde_json::{Value, json};

use super::{Call, filter, filtered, gives, question, takes, text};
use crate::cancel;
use crate::error::Failure;
use crate::mcp::arguments::Arguments;
use crate::mcp::fence::label;
use crate::output::explain::{BestJson, ExpectedJson, Explained, ExplainedHit};
use crate::service::answering::AskOptions;

/// Number of hits in the result.
const HITS: usize = 20;

pub(super) fn input() -> Value {
    let asked = json!({
        "question": text("What was asked"),
        "expect": text("Document that should be found, or a place in it"),
    });
    takes(filtered(asked, json!({})), &["question"])
}

pub(super) fn output() -> Value {
    gives(json!({
        "hits": { "type": "array" },
        "expected": { "type": "object" },
        "collection": { "type": "string" },
    }))
}

pub(super) async fn run(call: &Call<'_>, arguments: Arguments) -> Result<Value, Failure> {
    let question = question(&arguments, "question")?;
    let view = call.view(&arguments)?;
    let (engine, filter) = (view.engine(), view.filter(filter(&arguments)?));
    // Dropping the future ends it.
    let (_canceller, never) = cancel::pair();
    let asked = engine.prepare(AskOptions::new(&question, &filter, &[]), &never, &mut drop).await?;
    let sought = match arguments.text("expect")? {
        Some(typed) => Some(engine.seek(&typed, &question, &asked).await?),
        None => None,
    };
    let explained = Explained {
        question: &question,
        mode: asked.options.retrieve.mode,
        max_tokens: asked.options.pack.max_tokens,
        k: asked.options.pack.max_chunks,
        prepared: &asked.prepared,
        name_scores: &engine.name_scores(&asked).await?,
        sought: sought.as_ref(),
        // Not part of the result.
        elapsed_ms: 0,
        root: &engine.context.root,
    };
    let hits: Vec<Value> = ExplainedHit::all(&explained).take(HITS).map(hit).collect();
    let mut said = json!({ "hits": hits, "collection": view.name });
    if let Some(sought) = &sought {
        said["expected"] = expected(&ExpectedJson::new(&explained, sought));
    }
    Ok(said)
}

fn hit(explained: ExplainedHit) -> Value {
    let ExplainedHit { passage, dropped, hit, .. } = explained;
    let mut said = json!({ "citation": label(&hit.citation), "score": hit.score });
    if let Some(passage) = passage {
        said["passage"] = json!(passage);
    }
    if let Some(dropped) = dropped {
        said["dropped"] = json!(dropped);
    }
    said
}

fn expected(expected: &ExpectedJson) -> Value {
    let ExpectedJson { source, verdict, message, hint, passages, nearest, best, .. } = expected;
    let mut said = json!({
        "source": label(source),
        "verdict": verdict,
        "message": label(message),
        "passages": passages,
    });
    for (name, text) in [("hint", hint), ("nearest", nearest)] {
        if let Some(text) = text {
            said[name] = json!(label(text));
        }
    }
    if let Some(BestJson { citation, words_present, words_absent, .. }) = best {
        said["best"] = json!({
            "citation": label(citation),
            "words_present": words_present,
            "words_absent": words_absent,
        });
    }
    said
}
