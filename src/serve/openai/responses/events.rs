//! An answer as the events of `/v1/responses`, in the order that its clients insist on: an item is added
//! before other events mention it, a part before its text, and each has its end.

use serde_json::Value;

use super::items::{
    EventSubject, FunctionCall, MessageItem, OutputItem, ResponseAnnotation, ResponseEvent,
    SearchCall, SearchCallResult, TextPart,
};
use super::object::{ResponseHead, ResponseObject};
use crate::chat::CALLS;
use crate::query::AnswerEvent;
use crate::query::cite::Citation;
use crate::serve::answering::Answered;
use crate::serve::call::made_id;
use crate::serve::links::Links;
use crate::serve::openai::draft::{Draft, DraftMark, DraftPiece};
use crate::serve::openai::stores::ids::{file_id, filename};
use crate::serve::openai::stores::search::FoundPlace;
use crate::serve::sse::Frame;
use crate::types::Passage;

/// Positions in the list of output.
const SEARCH: usize = 0;
const MESSAGE: usize = 1;

/// Makes events, and collects the items that they describe.
pub(super) struct Output<F: FnMut(Frame)> {
    tell: F,
    sequence_number: u64,
    draft: Draft,
    search_id: String,
    message_id: String,
    collection: String,
    queries: Vec<String>,
    wants_results: bool,
    links: Links,
    /// Items that are complete.
    done: Vec<OutputItem>,
}

impl<F: FnMut(Frame)> Output<F> {
    pub(super) fn new(
        tell: F,
        question: &str,
        collection: &str,
        wants_results: bool,
        links: Links,
    ) -> Self {
        Self {
            tell,
            sequence_number: 0,
            draft: Draft::sent(),
            search_id: made_id("fs_"),
            message_id: made_id("msg_"),
            collection: collection.to_owned(),
            queries: vec![question.to_owned()],
            wants_results,
            links,
            done: Vec::new(),
        }
    }

    /// The text is sent when it is complete instead of as it arrives.
    pub(super) fn whole(mut self) -> Self {
        self.draft = Draft::default();
        self
    }

    pub(super) fn items(&self) -> &[OutputItem] {
        &self.done
    }

    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    fn send(&mut self, kind: &str, about: EventSubject) {
        let sequence_number = self.sequence_number;
        self.sequence_number += 1;
        let event = ResponseEvent { kind: kind.to_owned(), sequence_number, about };
        (self.tell)(Frame::event(kind, &event));
    }

    pub(super) fn response(&mut self, kind: &str, response: ResponseObject) {
        self.send(kind, EventSubject::Response { response: Box::new(response) });
    }

    pub(super) fn begin(&mut self, head: &ResponseHead) {
        self.response("response.created", head.begun());
        self.response("response.in_progress", head.begun());
        let item = self.search("in_progress", &[], None);
        self.send("response.output_item.added", EventSubject::Item { output_index: SEARCH, item });
        for stage in ["in_progress", "searching"] {
            self.searching(stage);
        }
    }

    fn searching(&mut self, stage: &str) {
        let about = EventSubject::Search { output_index: SEARCH, item_id: self.search_id.clone() };
        self.send(&format!("response.file_search_call.{stage}"), about);
    }

    fn search(
        &self,
        status: &'static str,
        queries: &[String],
        results: Option<Vec<SearchCallResult>>,
    ) -> OutputItem {
        OutputItem::Search(SearchCall {
            id: self.search_id.clone(),
            kind: "file_search_call",
            status,
            queries: queries.to_vec(),
            results,
        })
    }

    pub(super) fn on(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Asking(queries) => self.queries = queries.queries,
            AnswerEvent::Retrieved { passages, .. } => self.searched(&passages),
            event => {
                if let Some(DraftPiece::Text(text)) = self.draft.on(event) {
                    self.delta(&text);
                }
            }
        }
    }

    fn searched(&mut self, passages: &[Passage]) {
        // An answer has one search.
        if !self.done.is_empty() {
            return;
        }
        self.searching("completed");
        let result = |passage: &Passage| {
            let found = FoundPlace {
                collection: &self.collection,
                source: &passage.source,
                locator: passage.locator,
                kind: None,
                tags: &[],
                score: passage.score,
            };
            SearchCallResult { found: found.result(&self.links), text: passage.text.clone() }
        };
        let results = self.wants_results.then(|| passages.iter().map(result).collect());
        let item = self.search("completed", &self.queries, results);
        let about = EventSubject::Item { output_index: SEARCH, item: item.clone() };
        self.send("response.output_item.done", about);
        self.done.push(item);
        let item = self.message("in_progress", Vec::new());
        self.send("response.output_item.added", EventSubject::Item { output_index: MESSAGE, item });
        self.part("response.content_part.added", part("", Vec::new()));
    }

    fn message(&self, status: &'static str, content: Vec<TextPart>) -> OutputItem {
        let id = self.message_id.clone();
        OutputItem::Message(MessageItem { id, kind: "message", role: "assistant", status, content })
    }

    fn part(&mut self, kind: &str, part: TextPart) {
        let item_id = self.message_id.clone();
        let about = EventSubject::Part { item_id, output_index: MESSAGE, content_index: 0, part };
        self.send(kind, about);
    }

    fn delta(&mut self, text: &str) {
        let about = EventSubject::Delta {
            item_id: self.message_id.clone(),
            output_index: MESSAGE,
            content_index: 0,
            delta: text.to_owned(),
            logprobs: [],
        };
        self.send("response.output_text.delta", about);
    }

    /// The events at the end of an answer, except that of the response as a whole.
    pub(super) fn end(&mut self, answered: &Answered) {
        // Without retrieval, nothing was found.
        self.searched(&[]);
        if let Some(words) = self.draft.end(answered) {
            self.delta(words);
        }
        let cited = self.draft.cited(answered);
        let annotations: Vec<ResponseAnnotation> =
            cited.flat_map(|(mark, citation)| self.annotations(mark, citation)).collect();
        let (output_index, content_index) = (MESSAGE, 0);
        for (annotation_index, annotation) in annotations.iter().enumerate() {
            let about = EventSubject::Annotation {
                item_id: self.message_id.clone(),
                output_index,
                content_index,
                annotation_index,
                annotation: annotation.clone(),
            };
            self.send("response.output_text.annotation.added", about);
        }
        let text = self.draft.text().to_owned();
        let about = EventSubject::Text {
            item_id: self.message_id.clone(),
            output_index,
            content_index,
            text: text.clone(),
            logprobs: [],
        };
        self.send("response.output_text.done", about);
        let part = part(&text, annotations);
        self.part("response.content_part.done", part.clone());
        let is_whole = ["stop", CALLS].contains(&answered.finish_reason());
        let status = if is_whole { "completed" } else { "incomplete" };
        let item = self.message(status, vec![part]);
        let about = EventSubject::Item { output_index, item: item.clone() };
        self.send("response.output_item.done", about);
        self.done.push(item);
        for (number, call) in self.draft.calls().to_vec().iter().enumerate() {
            self.call(MESSAGE + 1 + number, call);
        }
    }

    /// A function call in one piece, as a part of its arguments is of no use.
    fn call(&mut self, output_index: usize, call: &Value) {
        let text = |place: &str| {
            call.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (item_id, name) = (made_id("fc_"), text("/function/name"));
        let arguments = text("/function/arguments");
        let item = |status: &'static str, arguments: &str| {
            OutputItem::Call(FunctionCall {
                id: item_id.clone(),
                kind: "function_call",
                status,
                call_id: text("/id"),
                name: name.clone(),
                arguments: arguments.to_owned(),
            })
        };
        let begun = EventSubject::Item { output_index, item: item("in_progress", "") };
        let done = item("completed", &arguments);
        let delta = arguments.clone();
        self.send("response.output_item.added", begun);
        let about = EventSubject::CallDelta { output_index, item_id: item_id.clone(), delta };
        self.send("response.function_call_arguments.delta", about);
        let about = EventSubject::Call { output_index, item_id, arguments, name };
        self.send("response.function_call_arguments.done", about);
        let about = EventSubject::Item { output_index, item: done.clone() };
        self.send("response.output_item.done", about);
        self.done.push(done);
    }

    /// Two annotations for each mark, with the file and with its URL: some clients show only the one, some
    /// only the other.
    fn annotations(&self, mark: DraftMark, citation: &Citation) -> [ResponseAnnotation; 2] {
        let Self { collection, links, .. } = self;
        [
            ResponseAnnotation::FileCitation {
                file_id: file_id(collection, &citation.source),
                filename: filename(&citation.source).to_owned(),
                index: mark.start,
            },
            ResponseAnnotation::UrlCitation {
                url: links.to(collection, &citation.source, citation.locator),
                title: citation.citation.clone(),
                start_index: mark.start,
                end_index: mark.end,
            },
        ]
    }
}

fn part(text: &str, annotations: Vec<ResponseAnnotation>) -> TextPart {
    TextPart { kind: "output_text", text: text.to_owned(), annotations, logprobs: [] }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_event_is_about_what_was_added_before() {
        let mut frames = Vec::new();
        let links = Links::at("http://localhost");
        let mut output = Output::new(|frame| frames.push(frame), "Who?", "docs", false, links);
        let head = ResponseHead {
            sampling: crate::chat::SamplingOptions::default(),
            id: "resp_1".to_owned(),
            created: 0,
            model: "docent/docs".to_owned(),
            instructions: None,
            metadata: serde_json::Map::new(),
            tools: Vec::new(),
            tool_choice: json!("auto"),
        };
        output.begin(&head);
        let retrieved = || AnswerEvent::Retrieved {
            hits: 0,
            passages: Arc::default(),
            dropped: Arc::default(),
        };
        output.on(retrieved());
        output.on(retrieved());
        output.on(AnswerEvent::Thinking("Hm.".to_owned()));
        output.on(AnswerEvent::Text("Two ".to_owned()));
        output.on(AnswerEvent::Mark(1));
        let kinds: Vec<String> = frames
            .iter()
            .enumerate()
            .map(|(number, frame)| {
                let data = frame.text().lines().nth(1).unwrap().strip_prefix("data: ").unwrap();
                let event: Value = serde_json::from_str(data).unwrap();
                assert_eq!(event["sequence_number"], number);
                event["type"].as_str().unwrap().trim_start_matches("response.").to_owned()
            })
            .collect();
        assert_eq!(
            kinds,
            [
                "created",
                "in_progress",
                "output_item.added",
                "file_search_call.in_progress",
                "file_search_call.searching",
                "file_search_call.completed",
                "output_item.done",
                "output_item.added",
                "content_part.added",
                "output_text.delta",
                "output_text.delta",
            ]
        );
    }
}
