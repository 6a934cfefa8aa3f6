//! What a conversation shows in addition to its answers.

use std::path::Path;

use serde_json::json;

use super::Ui;
use super::sanitize::{sanitize, sanitize_line};
use crate::cli::Format;
use crate::error::Failure;
use crate::query::Answer;
use crate::query::assessment::NoAnswer;
use crate::types::Passage;

/// A question and its answer.
pub struct ShownExchange {
    pub question: String,
    pub answer: Answer,
}

impl ShownExchange {
    fn cites(&self, passage: &Passage) -> bool {
        self.answer.citations.citations.iter().any(|citation| citation.number == passage.number)
    }

    /// Whether the passage does not support a claim that cites it.
    fn doubts(&self, passage: &Passage) -> bool {
        let mut citations = self.answer.citations.citations.iter();
        citations.any(|citation| citation.number == passage.number && !citation.verified)
    }
}

impl Ui {
    /// Every passage that the last answer was made from; those that it does not cite are faint.
    pub fn last_sources(&mut self, exchange: &ShownExchange, root: &Path) -> Result<(), Failure> {
        let passages = &exchange.answer.passages;
        if self.format != Format::Text {
            let row = |passage: &Passage| {
                json!({
                    "passage": passage.number,
                    "source": passage.source,
                    "citation": passage.citation(),
                    "headings": passage.headings,
                    "cited": exchange.cites(passage),
                })
            };
            return self.json(json!({"sources": passages.iter().map(row).collect::<Vec<_>>()}));
        }
        let style = self.out_style;
        let mut lines = String::new();
        for passage in passages.iter() {
            let text = sanitize_line(&passage.citation());
            let headings = sanitize_line(&passage.headings.join(" > "));
            let (place, headings) = if exchange.cites(passage) {
                (style.citation(&text), headings)
            } else {
                (style.dim(&text), style.dim(&format!("{headings}  not cited")))
            };
            let place = style.link(&place, &passage.source, root);
            lines += format!("[{}] {place}  {headings}", passage.number).trim_end();
            lines.push('\n');
        }
        self.data(&lines)
    }

    /// Prints a path or a URL that somebody asked for.
    pub fn place(&mut self, place: &str) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.data(&format!("{}\n", sanitize_line(place))),
            _ => self.json(json!({"open": place})),
        }
    }

    /// Prints a blank line between turns, if a person sees both.
    pub fn gap(&mut self) -> Result<(), Failure> {
        if self.out_style.tty && self.format == Format::Text { self.data("\n") } else { Ok(()) }
    }
}

/// The conversation as Markdown, with the sources under each answer.
pub fn transcript(exchanges: &[ShownExchange]) -> String {
    let parts: Vec<String> = exchanges.iter().map(exchange_markdown).collect();
    parts.join("\n")
}

fn exchange_markdown(exchange: &ShownExchange) -> String {
    let answer = &exchange.answer;
    let mut text = format!("## {}\n\n", sanitize_line(&exchange.question));
    let written = sanitize(&answer.text);
    text += match (answer.no_answer, written.trim()) {
        (Some(NoAnswer::NothingFound | NoAnswer::Refused), _) => {
            "*The documents do not answer this.*"
        }
        (_, "") => "*No answer came.*",
        (_, written) => written,
    };
    text.push('\n');
    if answer.no_answer == Some(NoAnswer::Uncited) {
        text += "\n*The answer cites nothing, so it does not count.*\n";
    }
    if answer.cut().is_some() {
        text += "\n*The answer is incomplete.*\n";
    }
    let cited: Vec<&Passage> =
        answer.passages.iter().filter(|passage| exchange.cites(passage)).collect();
    if !cited.is_empty() {
        text.push('\n');
    }
    for passage in cited {
        let place = sanitize_line(&passage.citation()).replace('`', "'");
        let headings = sanitize_line(&passage.headings.join(" > "));
        let doubt = if exchange.doubts(passage) { " (unsupported)" } else { "" };
        text += format!("- [{}] `{place}` {headings}{doubt}", passage.number).trim_end();
        text.push('\n');
    }
    text + &format!("\n*{}*\n", sanitize_line(&answer.model))
}
