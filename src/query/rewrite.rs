//! Question → what retrieval asks: a query that stands alone, variants of it, and a passage such as an
//! answer might come from.
//!
//! Rewriting only helps retrieval. If the chat model fails here, takes too long or replies with nonsense,
//! the user gets a warning, and retrieval uses the question as it was typed.

mod parse;
mod prompts;

use std::time::Duration;

use crate::chat::{ChatModel, ChatRequest, reply};
use crate::error::{BackendError, Fault};
use crate::query::history::HistoryTurn;
use crate::types::Usage;

/// What the chat model is asked for before retrieval.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RewriteOptions {
    /// A query that can be understood without the conversation.
    pub standalone: bool,
    /// Number of other wordings of the question, each retrieved as well.
    pub variants: usize,
    /// A passage that might answer the question; the dense leg embeds it in place of the question: `HyDE`
    /// (Gao, Ma, Lin and Callan, 2023).
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
    /// At least one. The rankings of several queries are combined into one.
    pub queries: Vec<String>,
    /// The passage that the dense leg of the first query embeds.
    pub hypothetical: Option<String>,
    /// Tokens of the requests that made the queries.
    pub usage: Usage,
    /// What did not work.
    pub warnings: Vec<String>,
}

impl Queries {
    /// The question as it is.
    pub fn of(question: &str) -> Self {
        Self { queries: vec![question.to_owned()], ..Self::default() }
    }

    /// Whether retrieval asks anything but `question`, or was meant to.
    pub fn differ(&self, question: &str) -> bool {
        self.queries != [question] || self.hypothetical.is_some() || !self.warnings.is_empty()
    }

    fn warn(&mut self, problem: &str) {
        self.warnings.push(problem.to_owned());
    }
}

/// What to ask for `question`, the last question of a conversation. `nonce` is as in
/// [`prompt`](crate::query::prompt::prompt).
///
/// If a follow-up is not rewritten to stand alone, because that was not wanted or did not work, two queries
/// are asked: the question by itself, which finds what begins a new topic, and the question together with
/// the one before it, which finds what goes on with the old topic.
///
/// # Errors
/// The chat model refuses the key, or does not exist: the user has to correct that.
pub async fn queries(
    question: &str,
    history: &[HistoryTurn],
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
            parse::query(&text).ok_or_else(|| "the chat model's reply has no query".to_owned())
        });
        match query {
            Ok(query) => {
                queries.queries = vec![query];
                stands_alone = true;
            }
            Err(problem) => {
                queries.warn(&format!("{problem}; searching for the question as it was typed"));
                // Whatever keeps the model from answering this request keeps it from the others.
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
            Ok(_) => queries.warn(
                "the chat model gave no variants of the question; searching for the question alone",
            ),
            Err(problem) => {
                queries.warn(&format!("{problem}; searching without variants of the question"));
            }
        }
    }
    if let Some(reply) = hypothetical {
        queries.usage += reply.usage;
        match reply.text.map(|text| parse::passage(&text)) {
            Ok(Some(passage)) => queries.hypothetical = Some(passage),
            Ok(None) => {
                queries.warn(
                    "the chat model wrote no hypothetical passage; searching for the question",
                );
            }
            Err(problem) => {
                queries.warn(&format!("{problem}; searching without a hypothetical passage"));
            }
        }
    }
    Ok(if stands_alone { queries } else { together(queries, history) })
}

/// Adds a second query: the follow-up together with the question before it.
fn together(mut queries: Queries, history: &[HistoryTurn]) -> Queries {
    if let Some(before) = history.last() {
        let both = format!("{} {}", before.question.trim(), queries.queries[0].trim());
        queries.queries.insert(1, both);
    }
    queries
}

/// Sends requests to the chat model.
struct Asking<'a> {
    chat: &'a dyn ChatModel,
    timeout: Duration,
}

/// The reply, or why it is of no use.
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
                Err(format!("the chat model did not reply within {seconds} s"))
            }
            Err(error) if matches!(error.fault, Fault::Unauthorized | Fault::NotFound) => {
                return Err(error);
            }
            Err(error) => Err(format!("the request to the chat model failed ({error})")),
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
