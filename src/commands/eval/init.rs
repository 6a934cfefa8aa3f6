//! `docent eval init`: drafts cases for a person to edit.

use serde_json::json;

use super::super::{Context, open};
use crate::chat::{ChatModel, reply};
use crate::cli::EvalInitArgs;
use crate::error::{Exit, Failure};
use crate::eval::draft;
use crate::store::{self, CollectionReader};
use crate::types::{Chunk, ContentHash};
use crate::ui::Ui;
use crate::ui::progress::WaitSpinner;

pub(super) async fn run(
    ui: &mut Ui,
    context: &Context,
    args: &EvalInitArgs,
) -> Result<Exit, Failure> {
    let engine = open(ui, context.clone())?;
    let reader = engine.reader().await?;
    let chunks = sample(context, &reader, args.cases as usize).await?;
    let chat = (!context.quotes()).then(|| engine.chat()).transpose()?;
    for chunk in chunks {
        let question = match &chat {
            Some(chat) => written(ui, context, &chunk, &**chat).await?,
            None => draft::question(&chunk),
        };
        let mut expected = json!({"source": chunk.source});
        if let (Some(expected), Ok(serde_json::Value::Object(place))) =
            (expected.as_object_mut(), serde_json::to_value(chunk.locator))
        {
            expected.extend(place);
        }
        let case = json!({"question": question, "expected": [expected], "tags": ["draft"]});
        ui.data(&crate::ui::sanitize::escape_json(&format!("{case}\n")))?;
    }
    ui.note("these are drafts: edit each question to what a reader would ask, in a reader's words, and add other sources that answer it");
    Ok(Exit::Done)
}

/// Picks chunks from as many documents as possible, by their hashes: at random, but always the same
/// ones.
async fn sample(
    context: &Context,
    reader: &CollectionReader,
    count: usize,
) -> Result<Vec<Chunk>, Failure> {
    let mut documents =
        super::rankings::documents(context, reader).await?.into_iter().collect::<Vec<_>>();
    documents.sort_by_cached_key(|source| ContentHash::of(source.as_bytes()));
    let each = count.div_ceil(documents.len());
    let mut sample = Vec::new();
    for source in documents {
        if sample.len() >= count {
            break;
        }
        let mut chunks = store::chunks_of(&**reader, &source).await?;
        chunks.retain(|chunk| draft::is_telling(&chunk.text));
        let key = |chunk: &Chunk| (!draft::is_worded(chunk), chunk.chunk_hash.clone());
        chunks.sort_by_cached_key(key);
        chunks.truncate(each.min(count - sample.len()));
        sample.extend(chunks);
    }
    sample.sort_by(|a: &Chunk, b| (&a.source, a.ordinal).cmp(&(&b.source, b.ordinal)));
    Ok(sample)
}

/// Has the chat model write the questions, and makes them from the chunks if it writes none.
async fn written(
    ui: &mut Ui,
    context: &Context,
    chunk: &Chunk,
    chat: &dyn ChatModel,
) -> Result<String, Failure> {
    let place = chunk.locator.cite(&chunk.source);
    let request = draft::request(chunk, &context.nonce(&place)?);
    let mut waiting = WaitSpinner::new(ui, &format!("asking {} about {place}", chat.name()));
    let reply = reply::reply(chat, request, context.settings.chat.timeout).await;
    waiting.done();
    match reply? {
        Some(reply) => {
            if let Some(question) = draft::parse(&reply.text) {
                return Ok(question);
            }
            ui.warn(&format!("{place}: the model wrote no question"));
        }
        None => ui.warn(&format!("{place}: the model took too long over a question")),
    }
    Ok(draft::question(chunk))
}
