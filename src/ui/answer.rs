//! An answer while it arrives, and what is said of it when it has ended.

use std::path::Path;

use super::Ui;
use super::json::{AnswerJson, Event};
use super::sanitize::Sanitizer;
use super::words::{counted, seconds};
use crate::cli::Format;
use crate::error::Failure;
use crate::query::verdict::{Cut, Warning};
use crate::query::{Answer, AnswerEvent};

/// Uncited sentences that are listed one by one.
const LISTED: usize = 5;

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
            Format::Jsonl => self.ui.json(Event::from(event)),
            Format::Json => Ok(()),
        };
        self.failed = result.err();
    }

    fn text(&mut self, event: &AnswerEvent) -> Result<(), Failure> {
        let text = match event {
            AnswerEvent::Asking(_) => return Ok(()),
            AnswerEvent::Retrieved { passages, dropped, .. } => {
                self.ui.chosen(passages, dropped);
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
            Format::Json => return ui.json(AnswerJson::new(question, answer)),
            Format::Jsonl => return ui.last_events(question, answer),
            Format::Text => {}
        }
        if !self.at_line_start {
            ui.data("\n")?;
        }
        ui.sources(answer, root)?;
        ui.detail(&format!("answer {}", answer.id));
        ui.warnings(answer);
        ui.figures(answer);
        Ok(())
    }
}

impl Ui {
    fn last_events(&mut self, question: &str, answer: &Answer) -> Result<(), Failure> {
        for citation in &answer.citations.citations {
            self.json(Event::Citation(citation.into()))?;
        }
        for warning in &answer.warnings() {
            self.json(Event::Warning(warning.into()))?;
        }
        self.json(Event::Done(Box::new(AnswerJson::new(question, answer))))
    }

    fn warnings(&mut self, answer: &Answer) {
        let mut uncited = 0;
        for warning in answer.warnings() {
            match warning {
                // Whoever pressed Ctrl-C knows.
                Warning::Incomplete(Cut::Interrupted) => continue,
                Warning::UncitedSentence { .. } => uncited += 1,
                _ => {}
            }
            if uncited <= LISTED {
                self.warn(&warning.to_string());
            }
        }
        if uncited > LISTED {
            let more = counted(uncited - LISTED, "more sentence");
            self.warn(&format!("no passage is cited for {more}; --format json lists them all"));
        }
    }

    /// What it was made from, and how long that took.
    fn figures(&mut self, answer: &Answer) {
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
