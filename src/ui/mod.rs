//! Everything a person sees. The only writer to the terminal, and the only user of indicatif.
//!
//! stdout is data: the answer, the passages, the report. Everything else goes to stderr: status,
//! warnings, hints, errors, progress. Text that came from a document or a model is sanitized on its
//! way to a person, and exact in JSON.

pub mod answer;
pub mod chat;
mod columns;
pub mod deployment;
pub mod eval;
pub mod explain;
mod fetching;
pub mod history;
pub mod line;
pub mod passages;
pub mod preview;
pub mod progress;
pub mod purge;
pub mod report;
pub mod request;
mod requests;
pub mod sanitize;
pub mod secrets;
mod show;
mod sources;
pub mod style;
mod terminal;
pub mod trace;
pub mod versions;

use std::io::{self, IsTerminal, Write};

use indicatif::MultiProgress;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::cli::{Format, Global, When};
use crate::error::{Exit, Failure};
use crate::output::{Message, Turn, Versioned};
use sanitize::{escape_json, mask_keys, sanitize, sanitize_line};
use style::Style;

/// Says that what was typed is not a command line, which is before there are any flags to obey.
pub fn no_command_line(why: &str) {
    let _ = io::stderr().write_all(mask_keys(&sanitize(why)).as_bytes());
}

/// The two streams, and how to write to each.
pub struct Ui {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    pub format: Format,
    /// The question of a conversation that is being answered, from 1: part of every JSON object.
    pub turn: Option<u32>,
    quiet: bool,
    verbose: bool,
    /// Styles of stdout and of stderr: they need not both be terminals.
    pub out_style: Style,
    pub err_style: Style,
    /// Bars and spinners may be drawn on stderr.
    pub progress: bool,
    /// All bars and spinners, so that lines can be written above them.
    bars: MultiProgress,
}

impl Ui {
    /// The process's own streams, as flags, `NO_COLOR` and the terminals allow.
    pub fn new(global: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let plain = dumb || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let styled = |tty: bool| match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => tty && !plain,
        };
        let progress = err.is_terminal()
            && !dumb
            && global.color != When::Never
            && !global.quiet
            && !matches!(global.format, Format::Json | Format::Jsonl);
        let (out_tty, err_tty) = (out.is_terminal(), err.is_terminal());
        Self {
            out_style: Style::new(styled(out_tty), out_tty),
            err_style: Style::new(styled(err_tty), err_tty),
            out: Box::new(io::LineWriter::new(out)),
            err: Box::new(err),
            format: match global.format {
                // Of a report only: all else is for people.
                Format::Junit | Format::Markdown => Format::Text,
                format => format,
            },
            turn: None,
            quiet: global.quiet,
            verbose: global.verbose,
            progress,
            bars: terminal::bars(progress),
        }
    }

    /// Nothing is shown to anybody.
    pub fn silent() -> Self {
        Self {
            out: Box::new(io::sink()),
            err: Box::new(io::sink()),
            ..Self::new(&Global { quiet: true, color: When::Never, ..Global::default() })
        }
    }

    /// Data, as it is. A reader that went away is not an error: the command just stops.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(|error| {
            match error.kind() {
                io::ErrorKind::BrokenPipe => Failure::reader_gone(),
                _ => Failure::new(Exit::Backend, format!("cannot write to stdout: {error}")),
            }
        })
    }

    /// Where data goes that is not text. No terminal: it would be of no use there.
    ///
    /// # Errors
    /// Standard output is a terminal.
    pub fn binary(&self) -> Result<impl Write + Send + use<>, Failure> {
        let out = io::stdout();
        if out.is_terminal() {
            return Err(Failure::usage(
                "what is written is not text, and standard output is a terminal",
            )
            .hint("name a FILE, or send it on: docent index export - > FILE"));
        }
        Ok(out)
    }

    /// Standard input and output for a protocol that is spoken over them: nothing else may be written there.
    pub fn channel() -> (impl AsyncRead + Send + Unpin, impl AsyncWrite + Send + Unpin) {
        (tokio::io::stdin(), tokio::io::stdout())
    }

    /// A JSON object with its `schema_version` and turn: on one line, or indented where the whole
    /// output is one object.
    pub fn json(&mut self, object: impl Serialize) -> Result<(), Failure> {
        match (self.format, self.turn) {
            (Format::Json, None) => {
                let text = serde_json::to_string_pretty(&Versioned::new(object));
                self.written(text)
            }
            _ => self.json_line(object),
        }
    }

    /// The same on one line, whatever the format.
    pub fn json_line(&mut self, object: impl Serialize) -> Result<(), Failure> {
        self.written(on_one_line(object, self.turn))
    }

    fn written(&mut self, text: serde_json::Result<String>) -> Result<(), Failure> {
        let text = text.map_err(|error| {
            Failure::new(Exit::Backend, format!("cannot write this as JSON: {error}"))
        })?;
        self.data(&escape_json(&format!("{text}\n")))
    }

    /// What was done, for a person who watches: one line, so that no name forges another.
    pub fn status(&mut self, text: &str) {
        self.painted_status(&sanitize_line(text));
    }

    /// The same with colours and links of docent's own, and everything else sanitized.
    fn painted_status(&mut self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            self.talk(text);
        }
    }

    /// More of it, for one who asked.
    pub fn detail(&mut self, text: &str) {
        if self.verbose && self.format == Format::Text {
            self.talk(&sanitize_line(text));
        }
    }

    /// Something the reader should know about the result.
    pub fn note(&mut self, text: &str) {
        if !self.quiet {
            self.talk(&note(self.format, self.err_style, self.turn, text));
        }
    }

    /// [`Ui::note`] for whoever runs beside the command, also while progress is shown.
    pub fn announcer(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let (quiet, format, style) = (self.quiet, self.format, self.err_style);
        let (turn, bars) = (self.turn, self.bars.clone());
        move |text| {
            if !quiet {
                let line = format!("{}\n", note(format, style, turn, text));
                // As with `talk`.
                let _ = bars.suspend(|| io::stderr().write_all(line.as_bytes()));
            }
        }
    }

    /// Asks whoever sits there; only `y` or `yes` is one.
    ///
    /// # Errors
    /// Standard input can't be read.
    pub fn ask(&mut self, question: &str) -> Result<bool, Failure> {
        self.aside(&sanitize_line(question));
        let _ = self.err.flush();
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }

    /// What is for a person and no result, as it arrives: part of a line on stderr.
    fn aside(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Something that needs attention though the command goes on.
    pub fn warn(&mut self, text: &str) {
        match self.format {
            Format::Text => self.labelled("warning", text),
            _ => self.talk(&line(Message::warning(&mask_keys(text)), self.turn)),
        }
    }

    /// Why the command failed: error, caused by, hint; or the same as JSON.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.format != Format::Text {
            self.talk(&line(Message::error(&masked(failure)), self.turn));
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
        self.talk(&labelled(self.err_style, label, text));
    }

    /// A line on stderr. Whether anybody reads it is not this command's business.
    fn talk(&mut self, text: &str) {
        let _ = self.err.write_all(format!("{text}\n").as_bytes());
    }
}

fn note(format: Format, style: Style, turn: Option<u32>, text: &str) -> String {
    match format {
        Format::Text => labelled(style, "note", text),
        _ => line(Message::note(&mask_keys(text)), turn),
    }
}

/// The same without keys of URLs.
fn masked(failure: &Failure) -> Failure {
    Failure {
        exit: failure.exit,
        message: mask_keys(&failure.message),
        causes: failure.causes.iter().map(|cause| mask_keys(cause)).collect(),
        hint: failure.hint.as_deref().map(mask_keys),
        about: failure.about,
        backend: failure.backend,
    }
}

fn labelled(style: Style, label: &str, text: &str) -> String {
    let painted = match label {
        "error" => style.error("error:"),
        "warning" => style.warning("warning:"),
        _ => style.strong(&format!("{label}:")),
    };
    format!("{painted} {}", sanitize_line(text))
}

/// A line of stderr for a program. Texts and numbers always have a JSON text.
fn line(message: Message, turn: Option<u32>) -> String {
    escape_json(&on_one_line(message, turn).unwrap_or_default())
}

fn on_one_line(object: impl Serialize, turn: Option<u32>) -> serde_json::Result<String> {
    match turn {
        None => serde_json::to_string(&Versioned::new(object)),
        Some(turn) => serde_json::to_string(&Versioned::new(Turn { turn, body: object })),
    }
}
