//! Shows an answer while it arrives, and its sources, warnings and figures at the end.

use std::path::Path;

use super::Ui;
use super::sanitize::Sanitizer;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::humanize::{counted, grouped, money, seconds};
use crate::output::{AnswerJson, Event};
use crate::query::assessment::{Cut, Warning};
use crate::query::{Answer, AnswerEvent};
use crate::types::Usage;

/// How many uncited sentences are listed.
const LISTED: usize = 5;

/// Prints the events of an answer in the format that was asked for.
pub struct AnswerView<'a> {
    ui: &'a mut Ui,
    sanitizer: Sanitizer,
    at_line_start: bool,
    show_thinking: bool,
    thinking: Sanitizer,
    /// Reasoning is being shown, and its line has not ended.
    in_thought: bool,
    /// The first failure to write, at which the answer stops.
    pub failed: Option<Failure>,
}

impl<'a> AnswerView<'a> {
    pub fn new(ui: &'a mut Ui) -> Self {
        Self {
            ui,
            sanitizer: Sanitizer::default(),
            at_line_start: true,
            show_thinking: false,
            thinking: Sanitizer::default(),
            in_thought: false,
            failed: None,
        }
    }

    /// Also shows the model's reasoning.
    #[must_use]
    pub fn show_thinking(self, show: bool) -> Self {
        Self { show_thinking: show, ..self }
    }

    pub fn on(&mut self, event: &AnswerEvent) {
        let hidden = matches!(event, AnswerEvent::Thinking(_)) && !self.show_thinking;
        if self.failed.is_some() || hidden {
            return;
        }
        if let AnswerEvent::Asking(queries) = event {
            self.ui.asking(queries);
        }
        let result = match self.ui.format {
            Format::Jsonl => self.ui.json(Event::from(event)),
            Format::Json => Ok(()),
            _ => self.text(event),
        };
        self.failed = result.err();
    }

    /// Shows reasoning, faint and on stderr: it is not part of the answer.
    fn thought(&mut self, text: &str) {
        let text = self.thinking.push(text);
        let lines = text.split('\n').map(|line| match line {
            "" => String::new(),
            line => self.ui.err_style.dim(line),
        });
        let shown = lines.collect::<Vec<_>>().join("\n");
        self.in_thought = if text.is_empty() { self.in_thought } else { !text.ends_with('\n') };
        self.ui.aside(&shown);
    }

    /// Ends the line of reasoning, so that the answer begins on a line of its own.
    fn end_thought(&mut self) {
        if std::mem::take(&mut self.in_thought) {
            self.ui.aside("\n");
        }
    }

    fn text(&mut self, event: &AnswerEvent) -> Result<(), Failure> {
        if !matches!(event, AnswerEvent::Thinking(_)) {
            self.end_thought();
        }
        let text = match event {
            AnswerEvent::Asking(_) | AnswerEvent::Calls(_) => return Ok(()),
            AnswerEvent::Thinking(text) => {
                self.thought(text);
                return Ok(());
            }
            AnswerEvent::Retrieved { passages, dropped, .. } => {
                self.ui.chosen(passages, dropped);
                return Ok(());
            }
            AnswerEvent::Retracted => {
                // What is written cannot be removed again.
                self.sanitizer = Sanitizer::default();
                if !self.at_line_start {
                    self.ui.data("\n")?;
                }
                self.at_line_start = true;
                self.ui.note("the text above was reasoning; the answer begins here");
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

    /// Ends the answer: its last line, the sources, warnings and figures.
    pub fn finish(mut self, question: &str, answer: &Answer, root: &Path) -> Result<(), Failure> {
        if let Some(failure) = self.failed {
            return Err(failure);
        }
        self.end_thought();
        let json = AnswerJson::new(question, answer, self.show_thinking);
        let ui = self.ui;
        match ui.format {
            Format::Json => return ui.json(json),
            Format::Jsonl => return ui.last_events(answer, json),
            _ => {}
        }
        if !self.at_line_start {
            ui.data("\n")?;
        }
        ui.sources(answer, root)?;
        ui.detail(&format!("answer {}", answer.id));
        ui.warnings(answer);
        ui.write_statistics(answer);
        Ok(())
    }
}

impl Ui {
    fn last_events(&mut self, answer: &Answer, json: AnswerJson) -> Result<(), Failure> {
        for citation in &answer.citations.citations {
            self.json(Event::Citation(citation.into()))?;
        }
        for warning in &answer.warnings() {
            self.json(Event::Warning(warning.into()))?;
        }
        self.json(Event::Done(Box::new(json)))
    }

    fn warnings(&mut self, answer: &Answer) {
        let mut uncited = 0;
        for warning in answer.warnings() {
            match warning {
                // The user who pressed Ctrl-C knows.
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

    /// A line with what the answer was made from, and how long it took.
    fn write_statistics(&mut self, answer: &Answer) {
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
            line += &format!(", done after {}", seconds(answer.elapsed.as_millis() as u64));
        }
        line += &used(&answer.usage);
        self.status(&line);
    }
}

/// `, 1,204 tokens in (1,024 cached), 56 out (40 thinking), cost 0.0012`.
fn used(usage: &Usage) -> String {
    let part = |tokens: Option<u64>, of: &str| match tokens {
        Some(tokens) if tokens > 0 => format!(" ({} {of})", grouped(tokens as usize)),
        _ => String::new(),
    };
    let mut line = String::new();
    if let (Some(prompt), Some(completion)) = (usage.prompt_tokens, usage.completion_tokens) {
        line += &format!(", {} tokens in", grouped(prompt as usize));
        line += &part(usage.cached_tokens, "cached");
        line += &format!(", {} out", grouped(completion as usize));
        line += &part(usage.reasoning_tokens, "thinking");
    }
    if let Some(cost) = usage.cost {
        line += &format!(", cost {}", money(cost));
    }
    line
}
