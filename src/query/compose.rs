//! Makes the request from hits and a question, within its token budget.

use std::sync::Arc;

use super::history::HistoryTurn;
use super::options::AnswerOptions;
use super::pack::{self, DroppedHit, PackOutcome, PackedHits};
use super::prompt;
use crate::chat::ChatRequest;
use crate::types::{Hit, Passage};

/// A request for an answer, and what it was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct ComposedRequest {
    /// Not worth sending without passages.
    pub request: ChatRequest,
    /// Number of tokens of the request's messages.
    pub tokens: usize,
    /// Hits that are not among the passages, and why.
    pub dropped: Arc<[DroppedHit]>,
    /// What became of each hit, best first.
    pub fates: Arc<[PackOutcome]>,
}

/// Packs what was found and writes the prompt. The prompt never exceeds `options.pack.max_tokens`, unless
/// it has no passage. `pack` packs beside the given number of reserved tokens, as `options.pack` says;
/// `count` is the number of tokens of a text.
pub(super) fn compose(
    question: &str,
    history: &[HistoryTurn],
    options: &AnswerOptions,
    pack: &dyn Fn(usize) -> PackedHits,
    count: &dyn Fn(&str) -> usize,
) -> ComposedRequest {
    let prompt = |passages: &[Passage], nonce: &str| {
        let mut messages = prompt::prompt(question, history, passages, &options.template, nonce);
        prompt::allow(&mut messages, &options.relayed);
        messages
    };
    let mut reserved = prompt::tokens(&prompt(&[], prompt::SAMPLE_NONCE), count);
    loop {
        let packed = pack(reserved);
        let messages = prompt(&packed.passages, &options.nonce);
        let tokens = prompt::tokens(&messages, count);
        // A text need not have as many tokens as its parts together, and nonces differ in their number of
        // tokens.
        let excess = tokens.saturating_sub(options.pack.max_tokens);
        if excess == 0 || packed.passages.is_empty() {
            let PackedHits { passages, dropped, fates, .. } = packed;
            let (question, sampling) = (question.to_owned(), options.sampling);
            let relayed = options.relayed.clone();
            let request = ChatRequest { messages, question, passages, sampling, relayed };
            return ComposedRequest { request, tokens, dropped, fates };
        }
        reserved += excess;
    }
}

/// The passages, made from what was found, from which a question is answered.
pub fn passages_of(
    question: &str,
    hits: &[Hit],
    options: &AnswerOptions,
    count: &dyn Fn(&str) -> usize,
) -> Arc<[Passage]> {
    let pack = |reserved| pack::pack(hits, &options.pack, reserved, count);
    compose(question, &options.history, options, &pack, count).request.passages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::openai::tokens::TokenCounter;
    use crate::query::pack::PackOptions;
    use crate::query::pack::tests::{chunk, hits};
    use crate::query::prompt::template::Template;
    use crate::query::retrieve::RetrieveOptions;
    use crate::query::rewrite::RewriteOptions;

    fn composed(
        question: &str,
        hits: &[Hit],
        options: &AnswerOptions,
        count: &dyn Fn(&str) -> usize,
    ) -> ComposedRequest {
        let pack = |reserved| pack::pack(hits, &options.pack, reserved, count);
        compose(question, &[], options, &pack, count)
    }

    fn options(max_tokens: usize) -> AnswerOptions {
        AnswerOptions {
            id: uuid::Uuid::nil(),
            rewrite: RewriteOptions {
                standalone: false,
                variants: 0,
                hypothetical: false,
                timeout: std::time::Duration::ZERO,
            },
            retrieve: RetrieveOptions::default(),
            history: Vec::new(),
            pack: PackOptions { max_tokens, ..PackOptions::default() },
            template: Template::default(),
            sampling: crate::chat::SamplingOptions::default(),
            relayed: crate::chat::Passthrough::default(),
            nonce: "a1b2c3d4e5f60718".to_owned(),
            keeps_hits: false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Holds even if the whole has more tokens than its parts: `unruly` adds tokens for length.
        #[test]
        fn what_is_sent_is_never_over_the_budget(
            texts in proptest::collection::vec("[a-z\u{e9}\u{65e5}<. \n]{1,200}", 1..12),
            question in "[a-zA-Z? ]{0,60}",
            max_tokens in 0usize..1500,
        ) {
            let chunks = (0..).zip(&texts).map(|(n, text)| chunk("a", n * 2, text)).collect();
            let hits = hits(chunks);
            let exact = |text: &str| TokenCounter::of("gpt-4").count(text);
            let estimated = |text: &str| TokenCounter::of("llama3.2").count(text);
            let unruly = |text: &str| text.len() / 4 + (text.len() / 500).pow(2);
            let counts: [&dyn Fn(&str) -> usize; 3] = [&exact, &estimated, &unruly];
            for count in counts {
                let prepared = composed(&question, &hits, &options(max_tokens), count);
                prop_assert_eq!(prepared.tokens, prompt::tokens(&prepared.request.messages, count));
                let empty = prepared.request.passages.is_empty();
                prop_assert!(empty || prepared.tokens <= max_tokens, "{}", prepared.tokens);
                let again = composed(&question, &hits, &options(max_tokens), count);
                prop_assert_eq!(&prepared, &again);
            }
        }
    }

    #[test]
    fn a_budget_that_the_rules_use_up_leaves_no_passage() {
        let found = hits(vec![chunk("a", 0, "Kept for 400 days.")]);
        let count = |text: &str| text.split_whitespace().count();
        let none = composed("How long?", &found, &options(10), &count);
        assert!(none.request.passages.is_empty() && none.dropped.len() == 1 && none.tokens > 10);
        let some = composed("How long?", &found, &options(400), &count);
        assert_eq!(some.request.passages.len(), 1);
        assert!(some.tokens <= 400);
    }
}
