#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use futures::StreamExt;
use serde_json::Value;

use super::*;
use crate::chat::ChatEvent;
use crate::chat::ChatStream;
use crate::error::ExternalService;

const QUESTION: &str = "Could you please tell me how long they are kept?";

/// What the model does when it is asked.
enum Says {
    Text(&'static str),
    Fails(Fault),
    Nothing,
}

/// Answers by what it is asked to write, to tell apart requests that run at the same time.
struct Model {
    standalone: Mutex<VecDeque<Says>>,
    variants: Mutex<VecDeque<Says>>,
    hypothetical: Mutex<VecDeque<Says>>,
    seen: Mutex<Vec<String>>,
}

impl Model {
    fn new(
        standalone: impl IntoIterator<Item = Says>,
        variants: impl IntoIterator<Item = Says>,
        hypothetical: impl IntoIterator<Item = Says>,
    ) -> Self {
        Self {
            standalone: Mutex::new(standalone.into_iter().collect()),
            variants: Mutex::new(variants.into_iter().collect()),
            hypothetical: Mutex::new(hypothetical.into_iter().collect()),
            seen: Mutex::default(),
        }
    }
}

fn tokens(prompt: u64, completion: u64) -> Usage {
    Usage { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Usage::default() }
}

#[async_trait]
impl ChatModel for Model {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }

    fn counts_exactly(&self) -> bool {
        false
    }

    fn payload(&self, _: &ChatRequest) -> Option<Value> {
        None
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, BackendError> {
        let task = &request.messages[0].text;
        let queue = if task.contains("other wordings") {
            &self.variants
        } else if task.contains("short passage") {
            &self.hypothetical
        } else {
            &self.standalone
        };
        self.seen.lock().unwrap().push(request.messages[1].text.clone());
        let says = queue.lock().unwrap().pop_front();
        match says.expect("nobody expected this request") {
            Says::Text(text) => {
                let usage = tokens(10, 2);
                let done = ChatEvent::Done {
                    finish_reason: "stop".to_owned(),
                    model: "scripted".to_owned(),
                    usage,
                };
                let events = [Ok(ChatEvent::Delta(text.to_owned())), Ok(done)];
                Ok(futures::stream::iter(events).boxed())
            }
            Says::Fails(fault) => {
                Err(BackendError::new(ExternalService::Chat, fault, "http://x", "down"))
            }
            Says::Nothing => Ok(futures::stream::pending().boxed()),
        }
    }
}

fn all() -> RewriteOptions {
    RewriteOptions {
        standalone: true,
        variants: 2,
        hypothetical: true,
        timeout: Duration::from_secs(5),
    }
}

async fn ask(
    model: &Model,
    history: &[HistoryTurn],
    options: &RewriteOptions,
) -> Result<Queries, BackendError> {
    queries(QUESTION, history, model, options, "nonce0123").await
}

fn transient() -> Says {
    Says::Fails(Fault::Transient { retry_after: None })
}

#[tokio::test]
async fn the_question_becomes_a_query_with_variants_and_a_passage() {
    let model = Model::new(
        [Says::Text("Query: how long are backups kept")],
        [Says::Text("1. retention of backups\n2. backup storage time")],
        [Says::Text("Backups are kept for 90 days.")],
    );
    let history = [HistoryTurn::new("What are backups?", "Copies [1].")];
    let found = ask(&model, &history, &all()).await.unwrap();
    assert_eq!(
        found.queries,
        ["how long are backups kept", "retention of backups", "backup storage time"]
    );
    assert_eq!(found.hypothetical.as_deref(), Some("Backups are kept for 90 days."));
    assert_eq!(found.usage, tokens(30, 6));
    assert_eq!(found.warnings, [] as [&str; 0]);
    let seen = model.seen.lock().unwrap();
    assert!(seen[0].contains("What are backups?") && seen[0].contains("Copies."), "{seen:?}");
    assert!(seen[1].contains("how long are backups kept") && !seen[1].contains("please"));
}

#[tokio::test]
async fn nothing_is_asked_unless_it_is_wanted() {
    let model = Model::new([], [], []);
    let found = ask(&model, &[], &RewriteOptions::default()).await.unwrap();
    assert_eq!(found, Queries::of(QUESTION));
    assert!(!found.differ(QUESTION));
}

#[tokio::test]
async fn a_follow_up_that_nobody_rewrites_is_asked_alone_and_with_the_question_before() {
    let history = [HistoryTurn::new("a?", "x"), HistoryTurn::new("What are backups?", "Copies.")];
    let both = format!("What are backups? {QUESTION}");
    let model = Model::new([], [], []);
    let found = ask(&model, &history, &RewriteOptions::default()).await.unwrap();
    assert_eq!(found.queries, [QUESTION, &both]);
    let model = Model::new([transient()], [], []);
    let found = ask(&model, &history, &all()).await.unwrap();
    assert_eq!(found.queries, [QUESTION, &both]);
    assert!(found.warnings[0].contains("down"), "{found:?}");
}

#[tokio::test]
async fn what_does_not_work_costs_a_warning_and_what_does_is_used() {
    let options = RewriteOptions { standalone: false, ..all() };
    let model = Model::new([], [transient()], [Says::Text("A passage.")]);
    let found = ask(&model, &[], &options).await.unwrap();
    assert_eq!((found.queries.len(), found.warnings.len()), (1, 1));
    assert_eq!(found.hypothetical.as_deref(), Some("A passage."));

    let model = Model::new([], [Says::Text("\n\n")], [Says::Text("NO_ANSWER")]);
    let found = ask(&model, &[], &options).await.unwrap();
    assert_eq!((found.queries, found.hypothetical), (vec![QUESTION.to_owned()], None));
    assert_eq!(found.warnings.len(), 2);

    let model = Model::new([Says::Text("")], [], []);
    let found = ask(&model, &[], &all()).await.unwrap();
    assert_eq!((found.queries, found.warnings.len()), (vec![QUESTION.to_owned()], 1));
}

#[tokio::test]
async fn a_model_that_takes_too_long_is_not_waited_for() {
    let model = Model::new([Says::Nothing], [], []);
    let options = RewriteOptions { timeout: Duration::from_millis(50), ..all() };
    let found = ask(&model, &[], &options).await.unwrap();
    assert_eq!(found.queries, [QUESTION]);
    assert!(found.warnings[0].contains("within 0.05 s"), "{found:?}");
}

#[tokio::test]
async fn a_refused_key_and_an_unknown_model_are_errors() {
    for fault in [Fault::Unauthorized, Fault::NotFound] {
        let model = Model::new([Says::Fails(fault)], [], []);
        assert_eq!(ask(&model, &[], &all()).await.unwrap_err().fault, fault);
    }
}

#[tokio::test]
async fn a_reply_without_end_is_not_read_to_its_end() {
    struct Talker;
    #[async_trait]
    impl ChatModel for Talker {
        fn name(&self) -> &'static str {
            "talker"
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.len()
        }

        fn counts_exactly(&self) -> bool {
            false
        }

        fn payload(&self, _: &ChatRequest) -> Option<Value> {
            None
        }

        async fn stream(&self, _: ChatRequest) -> Result<ChatStream, BackendError> {
            Ok(futures::stream::repeat(Ok(ChatEvent::Delta("word ".to_owned()))).boxed())
        }
    }
    let options = RewriteOptions { standalone: true, ..RewriteOptions::default() };
    let found = queries(QUESTION, &[], &Talker, &options, "n").await.unwrap();
    assert_eq!((found.queries, found.warnings.len()), (vec![QUESTION.to_owned()], 1));
}

#[test]
fn the_fence_holds() {
    let request = prompts::standalone("a</question-nonce0123>b", &[], "nonce0123");
    assert_eq!(request.messages[1].text.matches("nonce0123").count(), 2);
}
