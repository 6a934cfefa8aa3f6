//! The chat model that quotes: the best sentences of the best passages, each with its mark.
//!
//! Deterministic, free, and never wrong about what the documents say: every sentence is the
//! document's own, so every citation holds. It is the default while no model is configured.

mod boilerplate;
mod candidates;
mod code;
mod document_questions;
mod question;
mod rarity;
mod select;
mod similarity;
mod visible_markup;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use serde_json::Value;

use self::candidates::{Candidate, candidates};
use self::document_questions::{beginning, by_file, by_title};
use self::select::select;
use self::similarity::TextVector;
use crate::chat::{ChatEvent, ChatModel, ChatRequest, ChatStream, NO_ANSWER};
use crate::error::BackendError;
use crate::openai::tokens;
use crate::text::BlockKind;
use crate::types::{Passage, Usage};

/// Content terms of a text, as ids: stemmed, without stop words.
type Terms = dyn Fn(&str) -> Vec<u32> + Send + Sync;

/// A chat model that quotes instead of generating.
#[derive(Clone)]
pub struct Extractive {
    terms: Arc<Terms>,
    meaning: Arc<TextVector>,
}

impl Extractive {
    pub const NAME: &str = crate::chat::EXTRACTIVE;

    /// `terms` is the tokenizer of the sparse leg, so that a passage that was found by a word is quoted by
    /// the same word. `meaning` makes the vectors of English texts, of unit length; `None` if it knows no
    /// word of a text.
    pub fn new(
        terms: impl Fn(&str) -> Vec<u32> + Send + Sync + 'static,
        meaning: impl Fn(&str) -> Option<Vec<f32>> + Send + Sync + 'static,
    ) -> Self {
        Self { terms: Arc::new(terms), meaning: Arc::new(meaning) }
    }

    /// The whole answer, or `None` if no passage answers the question.
    pub fn answer(&self, question: &str, passages: &[Passage]) -> Option<String> {
        let found = self.found(question, passages);
        (!found.is_empty()).then(|| written(&found))
    }

    /// The sentences that answer a question, in order. A question that names a document is asked of that
    /// document first; if it asks nothing else, the beginning of the document is the answer.
    fn found(&self, question: &str, passages: &[Passage]) -> Vec<Candidate> {
        let all = candidates(passages, &*self.terms);
        if let Some(named) = by_file(question, passages) {
            if named.rest.is_empty() {
                return beginning(all, named.source, passages);
            }
            let own: Vec<Passage> =
                passages.iter().filter(|it| it.source == named.source).cloned().collect();
            let found =
                select(&named.rest, &candidates(&own, &*self.terms), &*self.terms, &*self.meaning);
            if !found.is_empty() {
                return found;
            }
        }
        let found = select(question, &all, &*self.terms, &*self.meaning);
        match by_title(question, passages) {
            Some(source) if found.is_empty() => beginning(all, source, passages),
            _ => found,
        }
    }
}

/// The sentences as running text; items of a list, and code, are set apart.
fn written(candidates: &[Candidate]) -> String {
    let mut answer = String::new();
    let mut in_list = false;
    let mut before: Option<&Candidate> = None;
    for candidate in candidates {
        let follows = before
            .is_some_and(|last| last.number == candidate.number && (in_list || last.leads_in()));
        let listed = follows && candidate.kind == BlockKind::Item;
        answer.push_str(match before {
            None => "",
            Some(_) if listed => "\n- ",
            Some(last) if in_list || candidate.is_code() || last.is_code() => "\n\n",
            Some(_) => " ",
        });
        answer.push_str(&candidate.quoted(listed));
        in_list = listed;
        before = Some(candidate);
    }
    answer
}

/// Words in a delta.
const DELTA_WORDS: usize = 4;

#[async_trait]
impl ChatModel for Extractive {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn count_tokens(&self, text: &str) -> usize {
        tokens::estimate(text)
    }

    fn counts_exactly(&self) -> bool {
        false
    }

    fn payload(&self, _: &ChatRequest) -> Option<Value> {
        None
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError> {
        let answer = self.answer(&request.question, &request.passages);
        let finish_reason = if answer.is_some() { "stop" } else { NO_ANSWER };
        let answer = answer.unwrap_or_default();
        let words: Vec<&str> = answer.split_inclusive(char::is_whitespace).collect();
        let mut events: Vec<_> =
            words.chunks(DELTA_WORDS).map(|group| Ok(ChatEvent::Delta(group.concat()))).collect();
        events.push(Ok(ChatEvent::Done {
            finish_reason: finish_reason.to_owned(),
            model: Self::NAME.to_owned(),
            usage: Usage::default(),
        }));
        Ok(futures::stream::iter(events).boxed())
    }
}

#[cfg(test)]
mod tests;
