//! The log of a server: a line on stderr for each request.

use std::io::{self, Write as _};

use super::sanitize::{escape_json, mask_keys, sanitize_line};
use super::{Ui, labelled, on_one_line};
use crate::cli::Format;
use crate::output::OutputMessage;
use crate::serve::{LogEntry, LogSink};

impl Ui {
    /// Writes entries as they come, from any thread: as JSON if output is JSON, otherwise as a line for
    /// people. Warnings are written even with `--quiet`.
    pub fn request_log(&self) -> LogSink {
        let (format, quiet, style) = (self.format, self.quiet, self.err_style);
        std::sync::Arc::new(move |entry| {
            let warning = entry.notes.warning.as_deref();
            let mut lines = String::new();
            if format == Format::Text {
                if let Some(warning) = warning {
                    lines += &format!("{}\n", labelled(style, "warning", &mask_keys(warning)));
                }
                if !quiet && !entry.path.is_empty() {
                    lines += &format!("{}\n", sanitize_line(&line(entry)));
                }
            } else if !quiet || warning.is_some() {
                let line = match warning.filter(|_| entry.path.is_empty()) {
                    // The warning is not about a request.
                    Some(warning) => on_one_line(OutputMessage::warning(warning), None),
                    None => on_one_line(entry, None),
                };
                let line = line.unwrap_or_default();
                lines = format!("{}\n", escape_json(&mask_keys(&line)));
            }
            // A failure is ignored: nobody may be reading it.
            let _ = io::stderr().write_all(lines.as_bytes());
        })
    }
}

/// `2030-01-31T12:00:00.000Z POST /v1/chat/completions 200 in 812 ms, docs@v3, key ci, 853 tokens`.
fn line(entry: &LogEntry) -> String {
    let LogEntry { time, method, path, status, milliseconds, key, notes, .. } = entry;
    let mut text = format!("{time} {method} {path} {status} in {milliseconds} ms");
    if let Some(collection) = &notes.collection {
        let version = notes.version.map(|version| format!("@v{version}")).unwrap_or_default();
        text += &format!(", {collection}{version}");
    }
    if let Some(key) = key {
        text += &format!(", key {key}");
    }
    if let (Some(prompt), Some(completion)) = (notes.prompt_tokens, notes.completion_tokens) {
        text += &format!(", {} tokens", prompt + completion);
    }
    if let Some(error) = &notes.error {
        text += &format!(", {error} ({})", entry.request_id);
    }
    text
}
