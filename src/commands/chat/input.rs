//! Reads questions from a terminal, or from a pipe with one a line.

use std::io::{self, BufRead as _, IsTerminal as _};

use crate::cancel::Cancel;
use crate::commands::{Context, context};
use crate::commands::{interruptible, on_interrupt};
use crate::error::{Exit, Failure};
use crate::ui::Ui;
use crate::ui::line::{LineEditor, LineInput};

pub(super) enum Input {
    Terminal {
        /// `None` while a line is read.
        editor: Option<Box<LineEditor>>,
        /// Passes Ctrl-C on to the current turn.
        turn: Option<tokio::task::JoinHandle<()>>,
    },
    Pipe {
        cancel: Cancel,
    },
}

impl Input {
    pub(super) fn open(ui: &mut Ui, context: &Context) -> Result<Self, Failure> {
        if !io::stdin().is_terminal() {
            return Ok(Self::Pipe { cancel: on_interrupt() });
        }
        let history = context.settings.chat.history.then(|| context::state_file("chat-history"));
        let (editor, problem) = LineEditor::new(history.flatten())
            .map_err(|error| Failure::new(Exit::Backend, format!("no terminal: {error}")))?;
        if let Some(problem) = problem {
            ui.warn(&problem);
        }
        Ok(Self::Terminal { editor: Some(Box::new(editor)), turn: None })
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal { .. })
    }

    /// The next line.
    pub(super) async fn next(&mut self) -> Result<LineInput, Failure> {
        match self {
            Self::Terminal { editor, turn } => {
                if let Some(turn) = turn.take() {
                    turn.abort();
                }
                let Some(mut taken) = editor.take() else { return Ok(LineInput::End) };
                let read = tokio::task::spawn_blocking(move || {
                    let entry = taken.read();
                    (taken, entry)
                });
                let (returned, entry) = read.await.map_err(unreadable)?;
                *editor = Some(returned);
                entry.map_err(unreadable)
            }
            Self::Pipe { cancel } => {
                tokio::select! {
                    line = tokio::task::spawn_blocking(line) => line.map_err(unreadable)?,
                    () = cancel.cancelled() => Ok(LineInput::Interrupted),
                }
            }
        }
    }

    /// The signal that stops the next turn. On a terminal, Ctrl-C ends one turn; a second Ctrl-C, if
    /// the first has no effect, ends the process.
    pub(super) fn cancel(&mut self) -> Cancel {
        match self {
            Self::Pipe { cancel } => cancel.clone(),
            Self::Terminal { turn, .. } => {
                let (cancel, listening) = interruptible();
                *turn = Some(listening);
                cancel
            }
        }
    }
}

fn line() -> Result<LineInput, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
    Ok(if read == 0 { LineInput::End } else { LineInput::Line(line) })
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("cannot read standard input: {error}"))
}
