//! Everything that a person sees. The only writer to the terminal, and the only user of indicatif.
//!
//! stdout is data: the answer, the passages, the report. Everything else goes to stderr: status,
//! warnings, hints, errors, progress. Text from a document or a model is sanitized for people, and
//! exact in JSON.

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
use crate::output::{OutputMessage, OutputTurn, Versioned};
use sanitize::{escape_json, mask_keys, sanitize, sanitize_line};
use style::Style;

/// Reports that the arguments are not a command line, which happens before flags are known.
pub fn no_command_line(why: &str) {
    let _ = io::stderr().write_all(mask_keys(&sanitize(why)).as_bytes());
}

/// The two streams, and how to write to each.
pub struct Ui {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    pub format: Format,
    /// Number of the question in a conversation, from 1: part of every JSON object.
    pub turn: Option<u32>,
    quiet: bool,
    verbose: bool,
    /// Styles of stdout and of stderr, which need not both be terminals.
    pub out_style: Style,
    pub err_style: Style,
    /// Whether bars and spinners may be drawn on stderr.
    pub progress: bool,
    /// All bars and spinners, so that lines can be written above them.
    bars: MultiProgress,
}

impl Ui {
    /// A `Ui` of the process's own streams, with the styles that flags, `NO_COLOR` and the terminals
    /// allow.
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
                // Only the report is in this format: everything else is for people.
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

    /// A `Ui` that shows nothing.
    pub fn silent() -> Self {
        Self {
            out: Box::new(io::sink()),
            err: Box::new(io::sink()),
            ..Self::new(&Global { quiet: true, color: When::Never, ..Global::default() })
        }
    }

    /// Writes data as it is. If the reader is gone, the command stops without an error.
    pub fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(|error| {
            match error.kind() {
                io::ErrorKind::BrokenPipe => Failure::reader_gone(),
                _ => Failure::new(Exit::Backend, format!("cannot write to stdout: {error}")),
            }
        })
    }

    /// Standard output for data that is not text, and that no terminal can show.
    ///
    /// # Errors
    /// Standard output is a terminal.
    pub fn binary(&self) -> Result<impl Write + Send + use<>, Failure> {
        let out = io::stdout();
        if out.is_terminal() {
            return Err(Failure::usage("the output is not text, and can't be shown on a terminal")
                .hint("name a FILE, or redirect it: docent index export - > FILE"));
        }
        Ok(out)
    }

    /// Standard input and output for a protocol: nothing else may be written there.
    pub fn channel() -> (impl AsyncRead + Send + Unpin, impl AsyncWrite + Send + Unpin) {
        (tokio::io::stdin(), tokio::io::stdout())
    }

    /// Writes a JSON object with its `schema_version` and turn: on one line, or indented if the whole
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

    /// Prints what was done, for a person: on one line, so that no name can forge another line.
    pub fn status(&mut self, text: &str) {
        self.painted_status(&sanitize_line(text));
    }

    /// The same for text with docent's own colours and links, in which everything else is sanitized.
    fn painted_status(&mut self, text: &str) {
        if !self.quiet && self.format == Format::Text {
            self.talk(text);
        }
    }

    /// Prints details, with `--verbose`.
    pub fn detail(&mut self, text: &str) {
        if self.verbose && self.format == Format::Text {
            self.talk(&sanitize_line(text));
        }
    }

    /// Prints something that the reader should know about the result.
    pub fn note(&mut self, text: &str) {
        if !self.quiet {
            self.talk(&note(self.format, self.err_style, self.turn, text));
        }
    }

    /// [`Ui::note`] for tasks that run beside the command, also while progress is shown.
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

    /// Asks the user; only `y` and `yes` are a yes.
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

    /// Prints part of a line on stderr as it arrives, for a person: it is not a result.
    fn aside(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Prints a warning: it needs attention, although the command goes on.
    pub fn warn(&mut self, text: &str) {
        match self.format {
            Format::Text => self.labelled("warning", text),
            _ => self.talk(&line(OutputMessage::warning(&mask_keys(text)), self.turn)),
        }
    }

    /// Prints why the command failed: error, causes and hint; or the same as JSON.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.format != Format::Text {
            self.talk(&line(OutputMessage::error(&masked(failure)), self.turn));
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

    /// Writes a line to stderr. A failure is ignored: nobody may be reading it.
    fn talk(&mut self, text: &str) {
        let _ = self.err.write_all(format!("{text}\n").as_bytes());
    }
}

fn note(format: Format, style: Style, turn: Option<u32>, text: &str) -> String {
    match format {
        Format::Text => labelled(style, "note", text),
        _ => line(OutputMessage::note(&mask_keys(text)), turn),
    }
}

/// The failure without keys in URLs.
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

/// A line on stderr for a program. Texts and numbers can always be written as JSON.
fn line(message: OutputMessage, turn: Option<u32>) -> String {
    escape_json(&on_one_line(message, turn).unwrap_or_default())
}

fn on_one_line(object: impl Serialize, turn: Option<u32>) -> serde_json::Result<String> {
    match turn {
        None => serde_json::to_string(&Versioned::new(object)),
        Some(turn) => serde_json::to_string(&Versioned::new(OutputTurn { turn, body: object })),
    }
}
