//! An answer as the events of `/v1/responses`, in the order that its clients insist on: an item is added
//! before anything is said of it, a part before its text, and each has its end.

use serde_json::{Value, json};

use super::object::Head;
use crate::query::AnswerEvent;
use crate::query::cite::Citation;
use crate::serve::answering::Answered;
use crate::serve::call::made_id;
use crate::serve::links::Links;
use crate::serve::openai::draft::{Draft, Mark, Piece};
use crate::serve::openai::stores::files::file_id;
use crate::serve::openai::stores::search::Found;
use crate::serve::sse::Frame;
use crate::types::Passage;

/// Places in the list of output.
const SEARCH: usize = 0;
const MESSAGE: usize = 1;

/// Makes events, and what they come to.
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
    /// Items that are done.
    done: Vec<Value>,
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

    /// In place of a text that is sent as it comes, one that is sent when it is whole.
    pub(super) fn whole(mut self) -> Self {
        self.draft = Draft::default();
        self
    }

    pub(super) fn items(&self) -> &[Value] {
        &self.done
    }

    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    fn send(&mut self, kind: &str, rest: Value) {
        let mut event = json!({ "type": kind, "sequence_number": self.sequence_number });
        if let (Value::Object(event), Value::Object(rest)) = (&mut event, rest) {
            event.extend(rest);
        }
        self.sequence_number += 1;
        (self.tell)(Frame::event(kind, &event));
    }

    pub(super) fn response(&mut self, kind: &str, response: Value) {
        self.send(kind, json!({ "response": response }));
    }

    pub(super) fn begin(&mut self, head: &Head) {
        self.response("response.created", head.begun());
        self.response("response.in_progress", head.begun());
        let item = self.search("in_progress", &[], Value::Null);
        self.send("response.output_item.added", json!({ "output_index": SEARCH, "item": item }));
        for stage in ["in_progress", "searching"] {
            self.searching(stage);
        }
    }

    fn searching(&mut self, stage: &str) {
        let rest = json!({ "output_index": SEARCH, "item_id": self.search_id });
        self.send(&format!("response.file_search_call.{stage}"), rest);
    }

    fn search(&self, status: &str, queries: &[String], results: Value) -> Value {
        json!({
            "id": self.search_id,
            "type": "file_search_call",
            "status": status,
            "queries": queries,
            "results": results,
        })
    }

    pub(super) fn on(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Asking(queries) => self.queries = queries.queries,
            AnswerEvent::Retrieved { passages, .. } => self.searched(&passages),
            event => {
                if let Some(Piece::Text(text)) = self.draft.on(event) {
                    self.delta(&text);
                }
            }
        }
    }

    fn searched(&mut self, passages: &[Passage]) {
        // An answer is made of one search.
        if !self.done.is_empty() {
            return;
        }
        self.searching("completed");
        let result = |passage: &Passage| {
            let found = Found {
                collection: &self.collection,
                source: &passage.source,
                locator: passage.locator,
                kind: None,
                tags: &[],
                score: passage.score,
            };
            let mut result = found.result(&self.links);
            result["text"] = passage.text.as_str().into();
            result
        };
        let results = self.wants_results.then(|| passages.iter().map(result).collect::<Vec<_>>());
        let item = self.search("completed", &self.queries, json!(results));
        self.send("response.output_item.done", json!({ "output_index": SEARCH, "item": item }));
        self.done.push(item);
        let item = self.message("in_progress", &[]);
        self.send("response.output_item.added", json!({ "output_index": MESSAGE, "item": item }));
        let part = part("", &[]);
        self.in_part("response.content_part.added", json!({ "part": part }));
    }

    fn message(&self, status: &str, content: &[Value]) -> Value {
        json!({
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": content,
        })
    }

    fn in_part(&mut self, kind: &str, rest: Value) {
        let mut event =
            json!({ "item_id": self.message_id, "output_index": MESSAGE, "content_index": 0 });
        if let (Value::Object(event), Value::Object(rest)) = (&mut event, rest) {
            event.extend(rest);
        }
        self.send(kind, event);
    }

    fn delta(&mut self, text: &str) {
        self.in_part("response.output_text.delta", json!({ "delta": text, "logprobs": [] }));
    }

    /// The end of an answer, but for the response as a whole.
    pub(super) fn end(&mut self, answered: &Answered) {
        // Where retrieval was not asked, nothing was found.
        self.searched(&[]);
        if let Some(words) = self.draft.end(answered) {
            self.delta(words);
        }
        let cited = self.draft.cited(answered);
        let annotations: Vec<Value> =
            cited.flat_map(|(mark, citation)| self.annotations(mark, citation)).collect();
        for (index, annotation) in annotations.iter().enumerate() {
            let rest = json!({ "annotation_index": index, "annotation": annotation });
            self.in_part("response.output_text.annotation.added", rest);
        }
        let text = self.draft.text().to_owned();
        self.in_part("response.output_text.done", json!({ "text": text, "logprobs": [] }));
        let part = part(&text, &annotations);
        self.in_part("response.content_part.done", json!({ "part": part }));
        let status = if answered.finish_reason() == "stop" { "completed" } else { "incomplete" };
        let item = self.message(status, &[part]);
        self.send("response.output_item.done", json!({ "output_index": MESSAGE, "item": item }));
        self.done.push(item);
    }

    /// Each mark says which file, and where it can be opened: some clients show only the one, some only
    /// the other.
    fn annotations(&self, mark: Mark, citation: &Citation) -> [Value; 2] {
        let Self { collection, links, .. } = self;
        [
            json!({
                "type": "file_citation",
                "file_id": file_id(collection, &citation.source),
                "filename": citation.source,
                "index": mark.start,
            }),
            json!({
                "type": "url_citation",
                "url": links.to(collection, &citation.source, citation.locator),
                "title": citation.citation,
                "start_index": mark.start,
                "end_index": mark.end,
            }),
        ]
    }
}

fn part(text: &str, annotations: &[Value]) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": annotations, "logprobs": [] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_event_is_about_what_was_added_before() {
        let mut frames = Vec::new();
        let links = Links::at("http://localhost");
        let mut output = Output::new(|frame| frames.push(frame), "Who?", "docs", false, links);
        let head = Head {
            sampling: crate::chat::Sampling::default(),
            id: "resp_1".to_owned(),
            created: 0,
            model: "docent/docs".to_owned(),
            instructions: None,
            metadata: serde_json::Map::new(),
            tools: Vec::new(),
            tool_choice: json!("auto"),
        };
        output.begin(&head);
        let retrieved =
            || AnswerEvent::Retrieved { hits: 0, passages: Vec::new(), dropped: Vec::new() };
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
