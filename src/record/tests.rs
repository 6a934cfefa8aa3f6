#![allow(clippy::unwrap_used, clippy::unnecessary_wraps, reason = "tests")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::*;
use crate::chat::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatStream, MessageRole, SamplingOptions,
};
use crate::embed::{BatchLimits, Embedder, TextRole};
use crate::http::ThrottleStats;
use crate::types::{EmbedderId, Usage};

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place { path: dir.path().join("tape.jsonl"), _dir: dir }
}

impl Place {
    fn record(&self) -> Arc<Recording> {
        Arc::new(Recording::record(&self.path, vec!["sk-secret-0123".to_owned()]).unwrap())
    }

    fn replay(&self) -> Arc<Recording> {
        Arc::new(Recording::replay(&self.path).unwrap())
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }
}

/// Embeds a text as its length; refuses requests with the word `bad`, and on command all of them.
struct Lengths {
    id: EmbedderId,
    billed: Mutex<u64>,
}

fn id() -> EmbedderId {
    EmbedderId {
        name: "openai:lengths".to_owned(),
        revision: "1".to_owned(),
        dimensions: 2,
        document_prefix: String::new(),
        query_prefix: "q: ".to_owned(),
    }
}

fn lengths() -> Arc<dyn Embedder> {
    Arc::new(Lengths { id: id(), billed: Mutex::new(0) })
}

#[async_trait]
impl Embedder for Lengths {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { input_tokens: 9, batch_items: 9, batch_tokens: 9, concurrency: 1 }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len()
    }

    fn tokens_embedded(&self) -> u64 {
        *self.billed.lock().unwrap()
    }

    fn throttled(&self) -> Option<ThrottleStats> {
        None
    }

    async fn embed(
        &self,
        inputs: &[String],
        _: TextRole,
    ) -> Result<Vec<Option<Vec<f32>>>, BackendError> {
        if inputs.iter().any(|input| input.contains("bad")) {
            let why = "refused, sk-secret-0123";
            return Err(BackendError::new(
                ExternalService::Embedder,
                Fault::Refused,
                "http://x",
                why,
            ));
        }
        *self.billed.lock().unwrap() += 7;
        let vector = |text: &String| (!text.is_empty()).then(|| vec![text.len() as f32, 0.1]);
        Ok(inputs.iter().map(vector).collect())
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn vectors_come_back_however_texts_are_put_together() {
    let place = place();
    let recorded = embedder(&place.record(), lengths(), 0);
    let first = recorded.embed(&texts(&["a", "bb", ""]), TextRole::Document).await.unwrap();
    recorded.embed(&texts(&["ccc"]), TextRole::Document).await.unwrap();
    assert_eq!(recorded.tokens_embedded(), 14);
    drop(recorded);

    let replayed = embedder(&place.replay(), lengths(), 0);
    assert_eq!(replayed.embed(&texts(&["a", "bb", ""]), TextRole::Document).await.unwrap(), first);
    let other = replayed.embed(&texts(&["ccc", "bb"]), TextRole::Document).await.unwrap();
    assert_eq!(other, [Some(vec![3.0, 0.1]), Some(vec![2.0, 0.1])]);
    let again = embedder(&place.replay(), lengths(), 0);
    for text in ["bb", "", "ccc", "a"] {
        again.embed(&texts(&[text]), TextRole::Document).await.unwrap();
    }
    assert_eq!(again.tokens_embedded(), 14, "divided over the texts, and none lost");
    // A question is a different text: it has a prefix.
    let error = replayed.embed(&texts(&["a"]), TextRole::Query).await.unwrap_err();
    assert_eq!((error.service, error.fault), (ExternalService::Recording, Fault::NotFound));
    assert!(error.message.contains("q: a"), "{error}");
}

#[tokio::test]
async fn a_refused_text_is_refused_in_any_company() {
    let place = place();
    let recorded = embedder(&place.record(), lengths(), 0);
    for inputs in [&["good", "bad"][..], &["good"], &["bad"]] {
        let _ = recorded.embed(&texts(inputs), TextRole::Document).await;
    }
    drop(recorded);
    let replayed = embedder(&place.replay(), lengths(), 0);
    for inputs in [&["good", "bad"][..], &["bad", "good"], &["bad"], &["bad"]] {
        let error = replayed.embed(&texts(inputs), TextRole::Document).await.unwrap_err();
        assert_eq!((error.service, error.fault), (ExternalService::Embedder, Fault::Refused));
    }
    replayed.embed(&texts(&["good"]), TextRole::Document).await.unwrap();
    assert!(!place.text().contains("sk-secret"), "{}", place.text());
}

#[tokio::test]
async fn a_replay_does_not_ask_an_endpoint_for_its_model() {
    let place = place();
    let request = EmbedderRequest {
        model: "openai:lengths".to_owned(),
        dimensions: None,
        document_prefix: String::new(),
        query_prefix: "q: ".to_owned(),
    };
    let make = |known: Option<EmbedderId>| async move {
        Ok(Lengths { id: known.unwrap_or_else(id), billed: Mutex::new(3) })
    };
    connect(&place.record(), request.clone(), None, make).await.unwrap();
    let only_known = |known: Option<EmbedderId>| async move {
        let id = known.ok_or_else(|| missing("", "it was asked"))?;
        Ok(Lengths { id, billed: Mutex::new(0) })
    };
    let replayed = connect(&place.replay(), request.clone(), None, only_known).await.unwrap();
    assert_eq!((replayed.id(), replayed.tokens_embedded()), (&id(), 3));
    let other = EmbedderRequest { dimensions: Some(8), ..request };
    let unknown = connect(&place.replay(), other, None, only_known).await;
    assert_eq!(unknown.err().unwrap().fault, Fault::NotFound);
}

/// Returns the given answers, one after the other.
struct Script(Mutex<Vec<Heard>>);

type Event = Result<ChatEvent, BackendError>;
type Heard = Result<Vec<Event>, BackendError>;

#[async_trait]
impl ChatModel for Script {
    fn name(&self) -> &'static str {
        "script"
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
        let events = self.0.lock().unwrap().remove(0)?;
        Ok(stream::iter(events).boxed())
    }
}

fn ask(question: &str, prompt: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![ChatMessage { speaker: MessageRole::User, text: prompt.to_owned() }],
        question: question.to_owned(),
        passages: Arc::default(),
        sampling: SamplingOptions::default(),
        relayed: crate::chat::Passthrough::default(),
    }
}

fn delta(text: &str) -> Event {
    Ok(ChatEvent::Delta(text.to_owned()))
}

fn done() -> Event {
    let usage = Usage { prompt_tokens: Some(5), ..Usage::default() };
    Ok(ChatEvent::Done { finish_reason: "stop".to_owned(), model: "m".to_owned(), usage })
}

fn broken() -> BackendError {
    let retry_after = Some(std::time::Duration::from_millis(1500));
    BackendError::new(ExternalService::Chat, Fault::Transient { retry_after }, "http://x", "cut")
}

async fn hear(model: &dyn ChatModel, request: ChatRequest) -> Heard {
    Ok(model.stream(request).await?.collect().await)
}

#[tokio::test]
async fn answers_come_back_in_their_pieces_with_their_errors_and_in_order() {
    let place = place();
    let answers = vec![
        Ok(vec![delta("one "), delta("[1"), delta("]"), done()]),
        Ok(vec![delta("half"), Err(broken())]),
        Err(broken()),
        Ok(vec![delta("just ends")]),
        Ok(vec![delta("two"), done()]),
    ];
    let questions = ["a", "b", "c", "d", "a"];
    let model = Box::new(Script(Mutex::new(answers)));
    let recorded = chat(&place.record(), model);
    let mut heard = Vec::new();
    for question in questions {
        heard.push(hear(&*recorded, ask(question, question)).await);
    }
    drop(recorded);

    let silent = Box::new(Script(Mutex::new(Vec::new())));
    let replayed = chat(&place.replay(), silent);
    for (question, heard) in questions.iter().zip(&heard) {
        assert_eq!(hear(&*replayed, ask(question, question)).await, *heard);
    }
    assert_eq!(hear(&*replayed, ask("a", "a")).await, heard[4], "the last one again");
    let error = hear(&*replayed, ask("a", "another prompt")).await.unwrap_err();
    assert!(error.message.contains("with this prompt"), "{error}");
    let error = hear(&*replayed, ask("z", "z")).await.unwrap_err();
    assert!(error.message.contains("not asked \"z\" at all"), "{error}");
}

#[tokio::test]
async fn an_abandoned_answer_is_not_an_exchange() {
    let place = place();
    let model = Script(Mutex::new(vec![Ok(vec![delta("one"), delta("two"), done()])]));
    let recorded = chat(&place.record(), Box::new(model));
    let mut answer = recorded.stream(ask("q", "q")).await.unwrap();
    answer.next().await;
    drop(answer);
    assert_eq!(place.text().lines().count(), 1, "{}", place.text());
}

#[test]
fn generated_values_are_replayed() {
    let place = place();
    let tape = place.record();
    for nonce in ["n1", "n2"] {
        assert_eq!(tape.value("nonce", "q", nonce.to_owned()).unwrap(), nonce);
    }
    drop(tape);
    let tape = place.replay();
    let again = |about: &str| tape.value("nonce", about, "fresh".to_owned()).unwrap();
    assert_eq!([again("q"), again("q"), again("q"), again("?")], ["n1", "n2", "n2", "fresh"]);
    assert_eq!(Recording::default().value("nonce", "q", 1).unwrap(), 1);
}

#[test]
fn a_torn_line_is_left_out_and_cut_off_by_the_next_recording() {
    let place = place();
    place.record().value("nonce", "q", 1).unwrap();
    let whole = place.text();
    for torn in ["{\"kind\":\"value\",\"na", "{", "\u{e9}"] {
        // Also in the middle of a character.
        let mut bytes = [whole.as_bytes(), torn.as_bytes()].concat();
        bytes.pop();
        std::fs::write(&place.path, &bytes).unwrap();
        let cut = bytes.len() > whole.len();
        assert_eq!(place.replay().notice().is_some(), cut);
        assert_eq!(place.replay().value("nonce", "q", 2).unwrap(), 1);
        assert_eq!(place.record().notice().is_some(), cut);
        assert_eq!(place.text(), whole);
    }
}

#[test]
fn a_file_that_is_not_a_recording_is_refused_and_left_as_it_is() {
    let place = place();
    for text in ["notes\nof mine", "{\"a\":1}\n", "{\"docent_recording\":99,\"docent\":\"9\"}\nx"] {
        std::fs::write(&place.path, text).unwrap();
        for tape in [Recording::record(&place.path, Vec::new()), Recording::replay(&place.path)] {
            let error = tape.err().unwrap();
            assert!(matches!(
                error,
                RecordingError::NotOne { .. } | RecordingError::Version { .. }
            ));
        }
        assert_eq!(place.text(), text);
    }
    std::fs::write(&place.path, "").unwrap();
    assert!(matches!(Recording::replay(&place.path), Err(RecordingError::NotOne { .. })));
    let tape = place.record();
    let second = Recording::record(&place.path, Vec::new());
    assert!(matches!(second, Err(RecordingError::Busy { .. })));
    drop(tape);
    std::fs::write(&place.path, format!("{}broken\n", place.text())).unwrap();
    assert!(matches!(Recording::replay(&place.path), Err(RecordingError::Line { line: 2, .. })));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    place.record();
    let mode = std::fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
