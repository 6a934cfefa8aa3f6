//! Prints a document as it is stored: its record, then its chunks.

use std::path::Path;

use super::Ui;
use super::sanitize::{sanitize, sanitize_line};
use super::style::Style;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::humanize::{counted, grouped};
use crate::output::{DocumentJson, ShowEvent, ShowJson, ShownChunkJson};
use crate::service::show::{ShownChunk, ShownDocument};
use crate::types::{Chunk, DocumentRecord, OcrRecord, ReadingWarning, Recognition, ranges};

impl Ui {
    /// `root` is the directory of relative sources, for hyperlinks. As text, nothing is printed if no
    /// chunk is shown.
    pub fn document(&mut self, shown: &ShownDocument, root: &Path) -> Result<(), Failure> {
        let mut chunks = shown.chunks.iter();
        match self.format {
            Format::Json => self.json(ShowJson {
                document: DocumentJson::new(shown),
                chunks: chunks.map(ShownChunkJson::new).collect(),
            }),
            Format::Jsonl => {
                self.json(ShowEvent::Document(Box::new(DocumentJson::new(shown))))?;
                chunks.try_for_each(|it| {
                    self.json(ShowEvent::Chunk(Box::new(ShownChunkJson::new(it))))
                })
            }
            _ if shown.chunks.is_empty() => Ok(()),
            _ => {
                self.data(&head(shown, self.out_style, root))?;
                let style = self.out_style;
                chunks.try_for_each(|chunk| self.data(&chunk_text(chunk, style, root)))
            }
        }
    }
}

/// The record, with a row for each field that is known.
fn head(shown: &ShownDocument, style: Style, root: &Path) -> String {
    let source = &shown.asked.source;
    let mut rows = vec![("title", shown.title().to_owned())];
    if let Some(record) = &shown.document {
        rows.extend(recorded(record));
    }
    rows.push(("chunks", extent(shown)));
    let warnings = shown.document.iter().flat_map(|record| &record.warnings);
    let label =
        |warning: &ReadingWarning| if warning.code.is_guess() { "guessed" } else { "not read" };
    rows.extend(warnings.map(|warning| (label(warning), warning.message.clone())));
    let name = sanitize_line(source);
    let mut text = format!("{}\n", style.link(&style.citation(&name), source, root));
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text += &format!("{}  {}\n", style.strong(&format!("{name:8}")), sanitize_line(value));
    }
    text + "\n"
}

fn recorded(record: &DocumentRecord) -> [(&'static str, String); 7] {
    let size = usize::try_from(record.size).unwrap_or(usize::MAX);
    [
        ("kind", format!("{}, {}", record.kind, counted(size, "byte"))),
        ("sha256", record.document_hash.to_string()),
        ("ingested", record.ingested_at.clone()),
        ("language", record.language.clone().unwrap_or_default()),
        ("tags", record.tags.join(", ")),
        ("fields", record.text_fields.join(", ")),
        ("ocr", record.ocr.as_deref().map(recognized).unwrap_or_default()),
    ]
}

/// `pages 3-9 by pp-ocrv6-tiny`
fn recognized(ocr: &OcrRecord) -> String {
    let pages = if ocr.pages.len() == 1 { "page" } else { "pages" };
    format!("{pages} {} by {}", ranges(&ocr.pages), ocr.model)
}

/// `7, 812 tokens`, `2 of 7, at a.md:L10-L24, 203 tokens`
fn extent(shown: &ShownDocument) -> String {
    let number = grouped(shown.chunks.len());
    let chunks = match shown.asked.place {
        None => number,
        Some(_) => {
            format!("{number} of {}, at {}", grouped(shown.stored), shown.asked.citation())
        }
    };
    let tokens: Option<usize> = shown.chunks.iter().map(|chunk| chunk.tokens).sum();
    chunks + &tokens.map_or_else(String::new, |tokens| format!(", {}", counted(tokens, "token")))
}

/// The text, with `(?)` after each recognized word that is doubtful.
fn with_doubts(chunk: &Chunk) -> String {
    let doubtful = chunk.recognition.iter().flat_map(|recognition| &recognition.doubtful);
    let mut text = String::with_capacity(chunk.text.len());
    let mut done = 0;
    for (_, end) in doubtful {
        let end = chunk.text.floor_char_boundary(*end as usize).max(done);
        text.push_str(&chunk.text[done..end]);
        text.push_str("(?)");
        done = end;
    }
    text + &chunk.text[done..]
}

/// A line about the chunk, and under it the text as it is searched and cited: complete and indented, so
/// that none of its lines looks like one of docent's.
fn chunk_text(ShownChunk { chunk, tokens }: &ShownChunk, style: Style, root: &Path) -> String {
    let place = sanitize_line(&chunk.locator.cite(&chunk.source));
    let mut line = format!("#{}", chunk.ordinal);
    line += &format!("  {}", style.link(&style.citation(&place), &chunk.source, root));
    if let Some(tokens) = tokens {
        line += &format!("  {}", style.dim(&counted(*tokens, "token")));
    }
    if let Some(label) = &chunk.page_label {
        line += &format!("  page {}", sanitize_line(label));
    }
    if let Some(Recognition { confidence: Some(confidence), .. }) = chunk.recognition {
        line += &format!("  {}", style.dim(&format!("recognized, {confidence} % sure")));
    }
    if !chunk.headings.is_empty() {
        line += &format!("  {}", style.strong(&sanitize_line(&chunk.headings.join(" > "))));
    }
    let mut text = line + "\n";
    for line in sanitize(&with_doubts(chunk)).lines() {
        text += format!("    {line}").trim_end();
        text.push('\n');
    }
    text + "\n"
}
