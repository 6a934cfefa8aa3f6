//! Everything a person sees. The only writer to the terminal, and the only user of indicatif.
//!
//! stdout is data: the answer, the passages, the report. Everything else goes to stderr: status,
//! warnings, hints, errors, progress. Text that came from a document or a model is sanitized on its
//! way to a person, and exact in JSON.

pub mod answer;
pub mod passages;
pub mod progress;
pub mod report;
pub mod sanitize;
pub mod style;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use crate::cli::{Format, Global, When};
use crate::error::{Exit, Failure};
use crate::types::SCHEMA_VERSION;
use sanitize::sanitize_line;
use style::Style;

/// The two streams, and how to write to each.
pub struct Ui {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    pub format: Format,
    quiet: bool,
    verbose: bool,
    /// Styles of stdout and of stderr: they need not both be terminals.
    pub out_style: Style,
    pub err_style: Style,
    /// Bars and spinners may be drawn on stderr.
    pub progress: bool,
}

impl Ui {
    /// The process's own streams, as flags, `NO_COLOR` and the terminals allow.
    pub fn new(global: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let styled = |tty: bool| match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => tty && !plain,
        };
        let progress = err.is_terminal()
            && global.color != When::Never
            && !global.quiet
            && global.format == Format::Text;
        let (out_tty, err_tty) = (out.is_terminal(), err.is_terminal());
        Self {
            out_style: Style::new(styled(out_tty), out_tty),
            err_style: Style::new(styled(err_tty), err_tty),
            out: Box::new(io::LineWriter::new(out)),
            err: Box::new(err),
            format: global.format,
            quiet: global.quiet,
            verbose: global.verbose,
            progress,
        }
    }

    /// Data, as it is. A reader that went away is no error: the command just stops.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(|error| {
            match error.kind() {
                io::ErrorKind::BrokenPipe => Failure::reader_gone(),
                _ => Failure::new(Exit::Backend, format!("cannot write to stdout: {error}")),
            }
        })
    }

    /// One JSON value on a line of its own; indented where a person asked for one object.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value),
            _ => serde_json::to_string(value),
        };
        let text = text
            .map_err(|error| Failure::new(Exit::Backend, format!("cannot write JSON: {error}")))?;
        self.data(&format!("{text}\n"))
    }

    /// What was done, for a person who watches.
    pub fn status(&mut self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            self.talk(text);
        }
    }

    /// More of it, for one who asked.
    pub fn detail(&mut self, text: &str) {
        if self.verbose && self.format == Format::Text {
            self.talk(text);
        }
    }

    /// Something the reader should know about the result.
    pub fn note(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        match self.format {
            Format::Text => self.labelled("note", text),
            _ => self.talk(&json!({"schema_version": SCHEMA_VERSION, "note": text}).to_string()),
        }
    }

    /// Something that needs attention though the command goes on.
    pub fn warn(&mut self, text: &str) {
        match self.format {
            Format::Text => self.labelled("warning", text),
            _ => self.talk(&json!({"schema_version": SCHEMA_VERSION, "warning": text}).to_string()),
        }
    }

    /// Why the command failed: error, caused by, hint; or the same as JSON.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.format != Format::Text {
            let error = json!({
                "message": failure.message, "causes": failure.causes, "hint": failure.hint,
                "exit_code": failure.exit as i32,
            });
            self.talk(&json!({"schema_version": SCHEMA_VERSION, "error": error}).to_string());
            return;
        }
        self.labelled("error", &failure.message);
        for cause in &failure.causes {
            self.talk(&format!("  caused by: {}", sanitize_line(cause)));
        }
        if let Some(hint) = &failure.hint {
            self.labelled("hint", hint);
        }
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let painted = match label {
            "error" => self.err_style.error("error:"),
            "warning" => self.err_style.warning("warning:"),
            _ => self.err_style.strong(&format!("{label}:")),
        };
        self.talk(&format!("{painted} {}", sanitize_line(text)));
    }

    /// A line on stderr. Whether anybody reads it is not this command's business.
    fn talk(&mut self, text: &str) {
        let _ = self.err.write_all(format!("{text}\n").as_bytes());
    }
}
