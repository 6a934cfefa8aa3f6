//! The table of the tools, and how a call is run.
//!
//! Their descriptions and schemas are part of every conversation of a client, whether it calls them or not,
//! so a test limits them to 700 tokens. Schemas are flat and without unions, since not every client reads
//! others.

mod ask;
mod explain;
mod fetch;
mod search;
mod status;
mod sync;

use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use serde_json::{Map, Value, json};

use super::access::{CallCost, ClientView};
use super::arguments::Arguments;
use super::fence::Fence;
use super::resource_uri::uri;
use super::{MOST_TOKENS, ServerOffer};
use crate::error::{Exit, Failure};
use crate::service::retrieval::DocumentFilter;
use crate::types::Locator;

/// Longest question, in bytes: a longer text is not a question.
const LONGEST_QUESTION: usize = 32 << 10;

/// Fewest tokens with which a result is useful.
const FEWEST_TOKENS: usize = 100;

/// A row of the table.
pub struct ToolRow {
    pub name: &'static str,
    pub description: &'static str,
    /// JSON Schemas of its arguments and of its result.
    pub input: fn() -> Value,
    pub output: fn() -> Value,
    pub work: CallCost,
    /// Offered to every client. Any other tool has to be asked for, by a client on this machine, because it
    /// reveals files and documents regardless of who may see them.
    pub is_usual: bool,
    run: for<'a> fn(&'a Call<'a>, Arguments) -> BoxFuture<'a, Result<Value, Unfinished>>,
}

/// The only tool that changes something.
pub const SYNC: &str = "sync";

/// All tools, in the order in which they are listed.
pub static TOOLS: &[ToolRow] = &[
    ToolRow {
        name: "search",
        description: "Find passages in the documents. Cite them by `citation`.",
        input: search::input,
        output: search::output,
        work: CallCost::Search,
        is_usual: true,
        run: |call, arguments| search::run(call, arguments).err_into().boxed(),
    },
    ToolRow {
        name: "fetch",
        description: "Read a document, or a part of it.",
        input: fetch::input,
        output: fetch::output,
        work: CallCost::Search,
        is_usual: true,
        run: |call, arguments| fetch::run(call, arguments).err_into().boxed(),
    },
    ToolRow {
        name: "ask",
        description: "Answer a question from the documents, citations checked.",
        input: ask::input,
        output: ask::output,
        work: CallCost::Answer,
        is_usual: true,
        run: |call, arguments| ask::run(call, arguments).err_into().boxed(),
    },
    ToolRow {
        name: "status",
        description: "What is stored, and how fresh it is.",
        input: status::input,
        output: status::output,
        work: CallCost::Search,
        is_usual: true,
        run: |call, arguments| status::run(call, arguments).err_into().boxed(),
    },
    ToolRow {
        name: "explain",
        description: "Why a document is found for a question, or why not.",
        input: explain::input,
        output: explain::output,
        work: CallCost::Search,
        is_usual: false,
        run: |call, arguments| explain::run(call, arguments).err_into().boxed(),
    },
    ToolRow {
        name: SYNC,
        description: "Bring the collection in line with its sources: what is new or changed is read, and what is gone is taken out.",
        input: sync::input,
        output: sync::output,
        work: CallCost::Ingest,
        is_usual: false,
        run: |call, arguments| sync::run(call, arguments).boxed(),
    },
];

/// The tools that are offered unless others are named.
pub fn usual() -> impl Iterator<Item = &'static ToolRow> {
    TOOLS.iter().filter(|tool| tool.is_usual)
}

/// The tool of this name.
pub fn named(name: &str) -> Option<&'static ToolRow> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The question to a person before something is done that cannot be undone.
pub(super) struct Confirmation {
    /// What would be done.
    pub(super) message: String,
    /// What is agreed to, in a few words.
    pub(super) consent: String,
    /// Identifies exactly what would be done. Clients return it unread.
    pub(super) state: String,
}

/// A person's answer to what cannot be undone.
#[derive(Clone)]
pub(super) enum Consent {
    /// Not asked yet.
    Askable,
    /// Not asked, and the client cannot ask.
    Unaskable,
    /// Agreed to, as long as it is still what [`Confirmation::state`] identifies.
    Agreed(String),
    Declined,
}

/// Why a call has no result.
enum Unfinished {
    Failed(Failure),
    /// The call is made again with the person's answer.
    Asks(Confirmation),
}

impl From<Failure> for Unfinished {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A call in progress.
struct Call<'a> {
    offer: &'a ServerOffer,
    consent: Consent,
    /// Receives progress messages.
    progress: &'a (dyn Fn(&str) + Send + Sync),
}

/// The result of a call as clients get it: once as data and once as text, each of them complete.
pub(super) struct ToolOutcome {
    pub(super) data: Value,
    pub(super) text: String,
    pub(super) is_error: bool,
}

/// How a call ended.
pub(super) enum CallEnd {
    Done(ToolOutcome),
    /// The call has to be made again with the [`Consent`].
    Asks(Confirmation),
}

impl ToolRow {
    /// Whether it changes what is stored.
    pub fn changes(&self) -> bool {
        self.work == CallCost::Ingest
    }

    /// Runs the tool. Dropping the future ends the call.
    pub(super) async fn call(
        &self,
        offer: &ServerOffer,
        sent: Map<String, Value>,
        consent: Consent,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> CallEnd {
        if let Some(server) = &offer.server
            && !self.changes()
            && let Some(outcome) = server.call(self, &sent, progress).await
        {
            return CallEnd::Done(outcome);
        }
        let called = async {
            let arguments = Arguments::read(self, sent)?;
            let _turn = offer.access.begin(self.work).await?;
            (self.run)(&Call { offer, consent, progress }, arguments).await
        };
        match called.await {
            Ok(data) => {
                CallEnd::Done(ToolOutcome { text: data.to_string(), data, is_error: false })
            }
            Err(Unfinished::Failed(failure)) => {
                CallEnd::Done(ToolOutcome::failed(&offer.access.told(failure)))
            }
            Err(Unfinished::Asks(confirmation)) => CallEnd::Asks(confirmation),
        }
    }
}

impl ToolOutcome {
    /// The outcome of a call that ended in a panic.
    pub(super) fn panicked() -> Self {
        let mistake = "this call failed because of a bug in docent";
        Self::failed(&Failure::new(Exit::Backend, mistake).hint("ask in other words"))
    }

    /// Why there is no result, and what to do, so that a model can correct its call.
    pub(super) fn failed(failure: &Failure) -> Self {
        let Failure { message, causes, hint, .. } = failure;
        let message = if message.is_empty() { "it was cut off" } else { message };
        let mut text = format!("error: {message}");
        for cause in causes {
            text += &format!("\ncaused by: {cause}");
        }
        let mut data = json!({ "error": message });
        if !causes.is_empty() {
            data["causes"] = json!(causes);
        }
        if let Some(hint) = hint {
            text += &format!("\nhint: {hint}");
            data["hint"] = json!(hint);
        }
        Self { data, text, is_error: true }
    }
}

impl Call<'_> {
    fn view(&self, arguments: &Arguments) -> Result<ClientView, Failure> {
        self.offer.access.view(arguments.text("collection")?.as_deref())
    }

    /// Most tokens of the result.
    fn tokens(&self, arguments: &Arguments) -> Result<usize, Failure> {
        let asked = arguments.number("max_tokens", 1, MOST_TOKENS)?;
        Ok(asked.unwrap_or(self.offer.max_tokens).max(FEWEST_TOKENS))
    }

    /// The id by which `fetch` finds a place: its citation, with the collection in it unless that is the
    /// default one.
    fn id(&self, view: &ClientView, source: &str, place: Option<Locator>) -> String {
        let usual = self.offer.access.collections().first() == Some(&view.name);
        match place {
            Some(place) if usual => place.cite(source),
            None if usual => source.to_owned(),
            place => uri(&view.name, source, place),
        }
    }
}

fn fence(view: &ClientView, question: &str) -> Result<Fence, Failure> {
    Ok(Fence::new(view.engine().context.nonce(question)?))
}

/// A question or a query, with blanks around it removed.
fn question(arguments: &Arguments, name: &str) -> Result<String, Failure> {
    let question = arguments.needed(name)?;
    if question.len() > LONGEST_QUESTION {
        let problem = format!("`{name}` has {} bytes", question.len());
        return Err(Failure::usage(problem)
            .hint(format!("ask in fewer words: {LONGEST_QUESTION} bytes at most")));
    }
    Ok(question)
}

fn filter(arguments: &Arguments) -> Result<DocumentFilter, Failure> {
    Ok(DocumentFilter {
        sources: arguments.texts("source")?,
        kinds: arguments.texts("kind")?,
        tags: arguments.texts("tag")?,
        ..DocumentFilter::default()
    })
}

/// Adds the arguments that [`filter`] reads between the properties `first` and `more`.
fn filtered(mut first: Value, more: Value) -> Value {
    let filter = json!({
        "collection": text("Which collection"),
        "source": text("Path, directory or glob"),
        "kind": text("Such as markdown, pdf"),
        "tag": text("Tag it has"),
    });
    for properties in [filter, more] {
        if let (Value::Object(all), Value::Object(properties)) = (&mut first, properties) {
            all.extend(properties);
        }
    }
    first
}

/// The title of a document, or else the last part of its name.
fn title(title: &str, source: &str) -> String {
    let name = source.rsplit('/').find(|part| !part.is_empty()).unwrap_or(source);
    super::fence::label(if title.is_empty() { name } else { title })
}

/// Schema of a result with these properties. None is required, because some clients validate failures
/// against it, too.
fn gives(properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties });
    schema["properties"]["error"] = json!({ "type": "string" });
    schema
}

/// Schema of arguments, some of them required; no others are allowed.
fn takes(properties: Value, required: &[&str]) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = json!(false);
    schema
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn number(description: &str) -> Value {
    json!({ "type": "integer", "description": description })
}

#[cfg(test)]
pub(super) mod tests;
