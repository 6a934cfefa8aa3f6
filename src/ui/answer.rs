//! An answer while it arrives, and what stands under it.

use std::path::Path;

use serde_json::{Value, json};

use super::Ui;
use super::passages::put_locator;
use super::sanitize::{Sanitizer, sanitize_line};
use super::words::{counted, seconds};
use crate::cli::Format;
use crate::error::Failure;
use crate::query::cite::Citation;
use crate::query::{Answer, AnswerEvent};
use crate::types::Passage;

/// Prints the events of an answer in the format that was asked for.
pub struct AnswerView<'a> {
    ui: &'a mut Ui,
    sanitizer: Sanitizer,
    at_line_start: bool,
    /// The first failure to write; the answer stops there.
    pub failed: Option<Failure>,
}

impl<'a> AnswerView<'a> {
    pub fn new(ui: &'a mut Ui) -> Self {
        Self { ui, sanitizer: Sanitizer::default(), at_line_start: true, failed: None }
    }

    pub fn on(&mut self, event: &AnswerEvent) {
        if self.failed.is_some() {
            return;
        }
        if let AnswerEvent::Asking(queries) = event {
            self.ui.asking(queries);
        }
        let result = match self.ui.format {
            Format::Text => self.text(event),
            Format::Jsonl => self.ui.json(event_json(event)),
            Format::Json => Ok(()),
        };
        self.failed = result.err();
    }

    fn text(&mut self, event: &AnswerEvent) -> Result<(), Failure> {
        let text = match event {
            AnswerEvent::Asking(_) => return Ok(()),
            AnswerEvent::Retrieved { passages, .. } => {
                for passage in passages {
                    self.ui.detail(&detail(passage));
                }
                return Ok(());
            }
            AnswerEvent::Text(text) => self.sanitizer.push(text),
            AnswerEvent::Mark(number) => self.ui.out_style.citation(&format!("[{number}]")),
        };
        if let Some(last) = text.chars().last() {
            self.at_line_start = last == '\n';
        }
        self.ui.data(&text)
    }

    /// Ends the answer: its last line, the sources, what to know about it.
    pub fn finish(self, question: &str, answer: &Answer, root: &Path) -> Result<(), Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        let ui = self.ui;
        match ui.format {
            Format::Json => return ui.json(answer_json(question, answer)),
            Format::Jsonl => {
                for citation in &answer.citations.citations {
                    let mut value = citation_json(citation, &answer.passages);
                    value["event"] = json!("citation");
                    ui.json(value)?;
                }
                let mut done = answer_json(question, answer);
                done["event"] = json!("done");
                return ui.json(done);
            }
            Format::Text => {}
        }
        if !self.at_line_start {
            ui.data("\n")?;
        }
        ui.sources(answer, root)?;
        ui.remarks(answer);
        Ok(())
    }
}

impl Ui {
    /// The cited passages: under the answer on a terminal, on stderr when stdout is piped.
    fn sources(&mut self, answer: &Answer, root: &Path) -> Result<(), Failure> {
        let cited: Vec<&Passage> = answer
            .passages
            .iter()
            .filter(|passage| answer.citations.citations.iter().any(|c| c.number == passage.number))
            .collect();
        if cited.is_empty() {
            return Ok(());
        }
        let to_stdout = self.out_style.tty;
        let style = if to_stdout { self.out_style } else { self.err_style };
        let width = cited.iter().map(|p| p.citation().chars().count()).max().unwrap_or(0);
        let mut lines = String::from("\n");
        for passage in cited {
            let citation = sanitize_line(&passage.citation());
            let padding = " ".repeat(width.saturating_sub(citation.chars().count()));
            let place = style.link(&style.citation(&citation), &passage.source, root);
            let headings = sanitize_line(&passage.headings.join(" > "));
            let line = format!("[{}] {place}{padding}    {headings}", passage.number);
            lines += line.trim_end();
            lines.push('\n');
        }
        if to_stdout {
            self.data(&lines)
        } else {
            self.status(lines.trim_end_matches('\n'));
            Ok(())
        }
    }

    fn remarks(&mut self, answer: &Answer) {
        for number in &answer.citations.invalid {
            self.warn(&format!("the answer cites [{number}], which is no passage"));
        }
        for citation in answer.citations.citations.iter().filter(|c| !c.verified) {
            self.warn(&format!(
                "[{}] does not bear out what it is cited for: {} lacks {}",
                citation.number,
                citation.citation,
                citation.unsupported.join(", ")
            ));
        }
        if answer.interrupted && answer.passages.is_empty() {
            return;
        }
        let mut sources: Vec<&str> = answer.passages.iter().map(|p| p.source.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        let mut line = format!(
            "{} from {}, retrieved in {}",
            counted(answer.passages.len(), "passage"),
            counted(sources.len(), "source"),
            seconds(answer.retrieved_in.as_millis() as u64)
        );
        if let Some(first) = answer.first_token_in {
            line += &format!(", first token after {}", seconds(first.as_millis() as u64));
        }
        if let (Some(prompt), Some(completion)) =
            (answer.usage.prompt_tokens, answer.usage.completion_tokens)
        {
            line += &format!(", {prompt} tokens in, {completion} out");
        }
        self.status(&line);
    }
}

/// A passage as the model is given it, for `--verbose`.
fn detail(passage: &Passage) -> String {
    let place = sanitize_line(&passage.citation());
    format!("passage [{}] {place}, score {:.3}", passage.number, passage.score)
}

fn passage_citation(number: u32, passages: &[Passage]) -> String {
    let passage = passages.iter().find(|passage| passage.number == number);
    passage.map(Passage::citation).unwrap_or_default()
}

fn event_json(event: &AnswerEvent) -> Value {
    match event {
        AnswerEvent::Asking(queries) => json!({
            "event": "asking",
            "queries": queries.queries,
            "hypothetical": queries.hypothetical,
        }),
        AnswerEvent::Retrieved { hits, passages } => json!({
            "event": "retrieved",
            "hits": hits,
            "passages": passages.iter().map(passage_json).collect::<Vec<_>>(),
        }),
        AnswerEvent::Text(text) => json!({"event": "delta", "text": text}),
        AnswerEvent::Mark(number) => {
            json!({"event": "delta", "text": format!("[{number}]"), "mark": number})
        }
    }
}

fn answer_json(question: &str, answer: &Answer) -> Value {
    let citations = answer.citations.citations.iter();
    json!({
        "question": question,
        "queries": answer.queries.queries,
        "hypothetical": answer.queries.hypothetical,
        "answer": answer.text,
        "no_answer": answer.no_answer,
        "model": answer.model,
        "citations": citations.map(|c| citation_json(c, &answer.passages)).collect::<Vec<_>>(),
        "invalid_citations": answer.citations.invalid,
        "uncited_sentences": answer.citations.uncited_sentences,
        "passages": answer.passages.iter().map(passage_json).collect::<Vec<_>>(),
        "finish_reason": answer.finish_reason,
        "incomplete": answer.failure.is_some() || answer.interrupted,
        "usage": answer.usage,
        "retrieved_ms": answer.retrieved_in.as_millis() as u64,
        "first_token_ms": answer.first_token_in.map(|time| time.as_millis() as u64),
        "elapsed_ms": answer.elapsed.as_millis() as u64,
    })
}

fn citation_json(citation: &Citation, passages: &[Passage]) -> Value {
    let mut value = json!({
        "passage": citation.number,
        "citation": passage_citation(citation.number, passages),
        "quote": citation.quote,
        "verified": citation.verified,
        "unsupported": citation.unsupported,
    });
    if let Some(passage) = passages.iter().find(|passage| passage.number == citation.number) {
        value["source"] = json!(passage.source);
        put_locator(&mut value, passage.locator);
    }
    value
}

fn passage_json(passage: &Passage) -> Value {
    let mut value = json!({
        "passage": passage.number,
        "source": passage.source,
        "citation": passage.citation(),
        "title": passage.title,
        "headings": passage.headings,
        "text": passage.text,
        "score": passage.score,
        "document_hash": passage.document_hash,
    });
    put_locator(&mut value, passage.locator);
    value
}
