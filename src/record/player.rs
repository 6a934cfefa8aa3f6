//! Replays a recording.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::RecordingError;
use super::format::{
    AskedChat, AskedOcr, AskedReranker, EmbedAnswer, EmbedRequest, EmbedderAnswer, EmbedderRequest,
    RecordingEntry, key,
};
use super::{excerpt, missing, recorder};
use crate::chat::ChatEvent;
use crate::error::BackendError;
use crate::ocr::OcrLine;
use crate::types::{ContentHash, Usage};

/// A whole recording, by request. Each replay starts at the beginning.
pub(super) struct Replayer {
    path: String,
    torn: bool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    embedders: Answers<Result<EmbedderAnswer, BackendError>>,
    /// Errors of requests, by all of their inputs; `None` for those that succeeded.
    requests: Answers<Option<BackendError>>,
    /// Answers by single inputs: a replay may group them differently.
    texts: Answers<RecordedText>,
    chats: Answers<RecordedChat>,
    rerankers: Answers<Result<Vec<f32>, BackendError>>,
    pages: Answers<RecordedPage>,
    /// Questions that a model was asked, whatever the rest of the prompt.
    questions: HashSet<ContentHash>,
    values: Answers<Value>,
}

/// A text's vector and its share of the tokens that were billed for its request.
#[derive(Clone)]
pub(super) struct RecordedText {
    pub vector: Option<Vec<f32>>,
    pub tokens: u64,
}

#[derive(Clone)]
pub(super) struct RecordedChat {
    pub events: Vec<ChatEvent>,
    pub error: Option<BackendError>,
}

/// The text recognized on a page, and what was billed for it.
#[derive(Clone)]
pub(super) struct RecordedPage {
    pub read: Result<Vec<OcrLine>, BackendError>,
    pub usage: Usage,
}

/// The answers to each repeated request, in order.
struct Answers<T>(HashMap<ContentHash, (Vec<T>, usize)>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Answers<T> {
    fn add(&mut self, key: ContentHash, answer: T) {
        self.0.entry(key).or_default().0.push(answer);
    }

    /// The next answer; after the last one, the last one again.
    fn next(&mut self, key: &ContentHash) -> Option<T> {
        let (answers, next) = self.0.get_mut(key)?;
        let answer = answers.get((*next).min(answers.len().checked_sub(1)?))?.clone();
        *next += 1;
        Some(answer)
    }

    /// The answer that [`Self::next`] would return.
    fn peek(&self, key: &ContentHash) -> Option<&T> {
        let (answers, next) = self.0.get(key)?;
        answers.get((*next).min(answers.len().checked_sub(1)?))
    }
}

impl Replayer {
    pub(super) fn load(path: &Path) -> Result<Self, RecordingError> {
        let io = |source| RecordingError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => RecordingError::None { path: path.to_owned() },
            _ => io(error),
        })?;
        let mut file = BufReader::new(file);
        let mut kept = Kept::default();
        let (mut torn, mut number) = (false, 0);
        loop {
            let mut line = Vec::new();
            if file.read_until(b'\n', &mut line).map_err(io)? == 0 {
                break;
            }
            number += 1;
            let whole = line.ends_with(b"\n");
            let text = String::from_utf8_lossy(&line);
            if number == 1 {
                recorder::check_header(&text, path)?;
                continue;
            }
            match serde_json::from_str(&text) {
                Ok(entry) => kept.add(entry),
                Err(_) if !whole => torn = true,
                Err(error) => {
                    let (path, problem) = (path.to_owned(), error.to_string());
                    return Err(RecordingError::Line { path, line: number, problem });
                }
            }
        }
        if number == 0 {
            return Err(RecordingError::NotOne { path: path.to_owned() });
        }
        Ok(Self { path: path.display().to_string(), torn, kept: Mutex::new(kept) })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the file ends in half a line.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn value(&self, name: &str, about: &str) -> Option<Value> {
        self.kept().values.next(&key("value", &(name, about)))
    }

    pub(super) fn embedder(
        &self,
        request: &EmbedderRequest,
    ) -> Result<EmbedderAnswer, BackendError> {
        self.kept().embedders.next(&key("embedder", request)).unwrap_or_else(|| {
            let model = &request.model;
            Err(missing(&self.path, &format!("it has no reply about the embedder {model}")))
        })
    }

    /// The vectors of these inputs, however they were grouped when they were recorded.
    pub(super) fn embed(&self, request: &EmbedRequest) -> Result<Vec<RecordedText>, BackendError> {
        let kept = &mut *self.kept();
        if let Some(Some(error)) = kept.requests.next(&key("embed", request)) {
            return Err(error);
        }
        let keys: Vec<ContentHash> =
            request.inputs.iter().map(|input| key("embed", &alone(request, input))).collect();
        for (input, key) in request.inputs.iter().zip(&keys) {
            if kept.texts.peek(key).is_some() {
                continue;
            }
            // This input was refused by itself: the caller divides the request until it is alone.
            if let Some(Some(error)) = kept.requests.peek(key) {
                return Err(error.clone());
            }
            let what = format!("no vector of {} for {:?}", request.model, excerpt(input));
            return Err(missing(&self.path, &what));
        }
        Ok(keys.iter().filter_map(|key| kept.texts.next(key)).collect())
    }

    pub(super) fn rerank(&self, asked: &AskedReranker) -> Result<Vec<f32>, BackendError> {
        self.kept().rerankers.next(&key("rerank", asked)).unwrap_or_else(|| {
            let (model, question) = (&asked.model, excerpt(&asked.question));
            let what = format!("{model} was not asked about these passages for {question:?}");
            Err(missing(&self.path, &what))
        })
    }

    pub(super) fn ocr(&self, asked: &AskedOcr) -> Result<RecordedPage, BackendError> {
        self.kept().pages.next(&key("ocr", asked)).ok_or_else(|| {
            let what = format!("{} was not asked to read this page", asked.model);
            missing(&self.path, &what)
        })
    }

    pub(super) fn chat(&self, asked: &AskedChat) -> Result<RecordedChat, BackendError> {
        let kept = &mut *self.kept();
        if let Some(chat) = kept.chats.next(&key("chat", asked)) {
            return Ok(chat);
        }
        let known = kept.questions.contains(&question_key(asked));
        let how = if known {
            "with this prompt: the documents, the settings or docent have changed"
        } else {
            "at all"
        };
        let (model, question) = (&asked.model, excerpt(&asked.question));
        Err(missing(&self.path, &format!("{model} was not asked {question:?} {how}")))
    }
}

impl Kept {
    fn add(&mut self, entry: RecordingEntry) {
        match entry {
            RecordingEntry::Embedder { request, answer, error } => {
                let outcome = answer.ok_or(error);
                let outcome = match outcome {
                    Ok(answer) => Ok(answer),
                    Err(Some(error)) => Err(error),
                    Err(None) => return,
                };
                self.embedders.add(key("embedder", &request), outcome);
            }
            RecordingEntry::Embed { request, answer, error } => {
                let whole = key("embed", &request);
                self.requests.add(whole, error);
                for (input, text) in request.inputs.iter().zip(answer.map_or_else(Vec::new, texts))
                {
                    self.texts.add(key("embed", &alone(&request, input)), text);
                }
            }
            RecordingEntry::Chat { request, events, error } => {
                self.questions.insert(question_key(&request));
                self.chats.add(key("chat", &request), RecordedChat { events, error });
            }
            RecordingEntry::Rerank { request, scores, error } => {
                let outcome = scores.map(Ok).or(error.map(Err));
                if let Some(outcome) = outcome {
                    self.rerankers.add(key("rerank", &request), outcome);
                }
            }
            RecordingEntry::Ocr { request, lines, usage, error } => {
                if let Some(read) = lines.map(Ok).or(error.map(Err)) {
                    self.pages.add(key("ocr", &request), RecordedPage { read, usage });
                }
            }
            RecordingEntry::Value { name, about, value } => {
                self.values.add(key("value", &(name, about)), value);
            }
        }
    }
}

/// The request with a single one of its inputs.
fn alone(request: &EmbedRequest, input: &str) -> EmbedRequest {
    EmbedRequest { inputs: vec![input.to_owned()], ..request.clone() }
}

fn question_key(asked: &AskedChat) -> ContentHash {
    key("question", &(&asked.model, &asked.question))
}

/// One text at a time; the tokens are divided so that their sum is unchanged.
fn texts(answer: EmbedAnswer) -> Vec<RecordedText> {
    let (count, tokens) = (answer.vectors.len().max(1) as u64, answer.tokens);
    let up_to = |place: u64| tokens * place / count;
    let texts = (0..).zip(answer.vectors).map(|(place, vector)| RecordedText {
        vector: vector.map(|vector| vector.0),
        tokens: up_to(place + 1) - up_to(place),
    });
    texts.collect()
}
