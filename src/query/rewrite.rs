//! Question → what retrieval asks: a query that stands alone, variants of it, and a passage such
//! as an answer might come from.
//!
//! All of it is help for retrieval, never more: a chat model that fails here, takes too long or
//! talks nonsense costs a warning, and the question is asked as it was typed.

mod parse;
mod prompts;

use std::time::Duration;

use crate::chat::{ChatModel, ChatRequest, reply};
use crate::error::{BackendError, Fault};
use crate::query::history::Turn;
use crate::types::Usage;

/// What the chat model is asked before retrieval.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RewriteOptions {
    /// The question as a query that needs nothing said before it.
    pub standalone: bool,
    /// Other wordings of the question, each retrieved as well.
    pub variants: usize,
    /// A passage that might answer the question, for the dense leg to ask with: `HyDE` (Gao, Ma,
    /// Lin and Callan, 2023).
    pub hypothetical: bool,
    /// Longest wait for one reply, from the request to its end.
    pub timeout: Duration,
}

impl Default for RewriteOptions {
    fn default() -> Self {
        Self {
            standalone: false,
            variants: 0,
            hypothetical: false,
            timeout: Duration::from_mins(1),
        }
    }
}

impl RewriteOptions {
    pub fn asks_model(&self) -> bool {
        self.standalone || self.variants > 0 || self.hypothetical
    }
}

/// What retrieval asks.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Queries {
    /// At least one. Where there are several, the rankings of all are made into one.
    pub queries: Vec<String>,
    /// What the dense leg of the first query asks with.
    pub hypothetical: Option<String>,
    /// Of the requests that made these.
    pub usage: Usage,
    /// What did not work on the way here.
    pub warnings: Vec<String>,
}

impl Queries {
    /// The question, as it is.
    pub fn of(question: &str) -> Self {
        Self { queries: vec![question.to_owned()], ..Self::default() }
    }

    /// Whether anything but `question` is asked, or was to be.
    pub fn differ(&self, question: &str) -> bool {
        self.queries != [question] || self.hypothetical.is_some() || !self.warnings.is_empty()
    }

    fn warn(&mut self, problem: &str) {
        self.warnings.push(problem.to_owned());
    }
}

/// What to ask for `question`, the last one of a conversation. `nonce` is as in
/// [`prompt`](crate::query::prompt::prompt).
///
/// A question with a history that is not made to stand alone, because that was not wanted or did
/// not work, is asked twice: by itself, and together with the one before it. The first finds what
/// begins a new topic, the second what goes on with the old one.
///
/// # Errors
/// What the user has to mend: a key that is refused, a model that is not there.
pub async fn queries(
    question: &str,
    history: &[Turn],
    chat: &dyn ChatModel,
    options: &RewriteOptions,
    nonce: &str,
) -> Result<Queries, BackendError> {
    let mut queries = Queries::of(question);
    let ask = Asking { chat, timeout: options.timeout };
    let mut stands_alone = history.is_empty();
    if options.standalone {
        let reply = ask.for_reply(prompts::standalone(question, history, nonce)).await?;
        queries.usage += reply.usage;
        let query = reply.text.and_then(|text| {
            parse::query(&text).ok_or_else(|| "the model gave no query to retrieve with".to_owned())
        });
        match query {
            Ok(query) => {
                queries.queries = vec![query];
                stands_alone = true;
            }
            Err(problem) => {
                queries.warn(&format!("{problem}; the question is asked as it was typed"));
                // Whatever keeps the model from answering this keeps it from the rest.
                return Ok(if stands_alone { queries } else { together(queries, history) });
            }
        }
    }
    let query = queries.queries[0].clone();
    let (variants, hypothetical) = futures::future::try_join(
        ask.when(options.variants > 0, || prompts::variants(&query, options.variants, nonce)),
        ask.when(options.hypothetical, || prompts::hypothetical(&query, nonce)),
    )
    .await?;
    if let Some(reply) = variants {
        queries.usage += reply.usage;
        let variants = reply.text.map(|text| parse::variants(&text, &query, options.variants));
        match variants {
            Ok(variants) if !variants.is_empty() => queries.queries.extend(variants),
            Ok(_) => queries.warn("the model gave no variants of the question; it is asked alone"),
            Err(problem) => queries.warn(&format!("{problem}; no variants are asked")),
        }
    }
    if let Some(reply) = hypothetical {
        queries.usage += reply.usage;
        match reply.text.map(|text| parse::passage(&text)) {
            Ok(Some(passage)) => queries.hypothetical = Some(passage),
            Ok(None) => {
                queries.warn("the model gave no hypothetical passage; the question is asked");
            }
            Err(problem) => {
                queries.warn(&format!("{problem}; no hypothetical passage is asked with"));
            }
        }
    }
    Ok(if stands_alone { queries } else { together(queries, history) })
}

/// Asks a follow-up together with the question before it, too.
fn together(mut queries: Queries, history: &[Turn]) -> Queries {
    if let Some(before) = history.last() {
        let both = format!("{} {}", before.question.trim(), queries.queries[0].trim());
        queries.queries.insert(1, both);
    }
    queries
}

/// One request to the chat model after another.
struct Asking<'a> {
    chat: &'a dyn ChatModel,
    timeout: Duration,
}

/// What came back, or why nothing of use did.
struct Reply {
    text: Result<String, String>,
    usage: Usage,
}

impl Asking<'_> {
    async fn when(
        &self,
        wanted: bool,
        request: impl FnOnce() -> ChatRequest,
    ) -> Result<Option<Reply>, BackendError> {
        if !wanted {
            return Ok(None);
        }
        self.for_reply(request()).await.map(Some)
    }

    async fn for_reply(&self, request: ChatRequest) -> Result<Reply, BackendError> {
        let mut usage = Usage::default();
        let text = match reply::reply(self.chat, request, self.timeout).await {
            Ok(None) => {
                let seconds = self.timeout.as_secs_f64();
                Err(format!("the model gave no query within {seconds} s"))
            }
            Err(error) if matches!(error.fault, Fault::Unauthorized | Fault::NotFound) => {
                return Err(error);
            }
            Err(error) => Err(format!("the model gave no query ({error})")),
            Ok(Some(reply)) => {
                usage = reply.usage;
                Ok(reply.text)
            }
        };
        Ok(Reply { text, usage })
    }
}

#[cfg(test)]
mod tests;
