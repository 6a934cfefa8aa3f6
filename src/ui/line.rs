//! The prompt of `docent chat`: line editing, and a history file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, Config, Context, Editor, Helper};

/// The commands, for the Tab key.
pub const COMMANDS: [&str; 7] =
    ["/sources", "/open", "/save", "/clear", "/model", "/help", "/quit"];

const PROMPT: &str = "> ";

/// Most lines in the history. Even with the longest lines, the file stays below four megabytes.
const REMEMBERED: usize = 1_000;
/// Bytes of the longest line that is kept in the history.
const LONGEST: usize = 4_000;

/// The result of waiting for a line.
#[derive(PartialEq, Eq, Debug)]
pub enum LineInput {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of a pipe.
    End,
}

/// Reads lines from the terminal. The prompt and what is typed are shown on the terminal itself, even
/// if stdout goes elsewhere.
pub struct LineEditor {
    editor: Editor<Commands, FileHistory>,
    file: Option<PathBuf>,
    /// Whether Ctrl-C was the last key.
    interrupted: bool,
}

impl LineEditor {
    /// `file` keeps what is typed between sessions; only its owner may read it. Returns what is wrong
    /// with the file, if anything; then nothing is kept.
    pub fn new(file: Option<PathBuf>) -> io::Result<(Self, Option<String>)> {
        let config = Config::builder()
            .behavior(Behavior::PreferTerm)
            .max_history_size(REMEMBERED)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(other)?
            .history_ignore_space(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(other)?;
        editor.set_helper(Some(Commands));
        let mut line_editor = Self { editor, file: None, interrupted: false };
        let problem = file.and_then(|file| line_editor.remember_in(file).err());
        Ok((line_editor, problem))
    }

    fn remember_in(&mut self, file: PathBuf) -> Result<(), String> {
        let usable = prepare(&file)
            .map_err(other)
            .and_then(|()| self.editor.load_history(&file).map_err(other));
        usable
            .map_err(|error| format!("{}: {error}; what is typed is not kept", file.display()))?;
        self.file = Some(file);
        Ok(())
    }

    /// The next line. Ctrl-C clears what was typed; only a second Ctrl-C right after it is returned.
    pub fn read(&mut self) -> io::Result<LineInput> {
        loop {
            match self.editor.readline(PROMPT) {
                Ok(line) => {
                    self.interrupted = false;
                    self.remember(&line);
                    return Ok(LineInput::Line(line));
                }
                Err(ReadlineError::Interrupted) if self.interrupted => {
                    self.interrupted = false;
                    return Ok(LineInput::Interrupted);
                }
                Err(ReadlineError::Interrupted) => self.interrupted = true,
                Err(ReadlineError::Eof) => return Ok(LineInput::End),
                Err(error) => return Err(other(error)),
            }
        }
    }

    /// Adds a line to the history. A failure is ignored: it was reported at the beginning, or began
    /// later.
    fn remember(&mut self, line: &str) {
        if line.len() > LONGEST || line.trim().is_empty() {
            return;
        }
        let added = self.editor.add_history_entry(line).unwrap_or(false);
        if let Some(file) = self.file.as_ref().filter(|_| added) {
            let _ = self.editor.append_history(file);
        }
    }
}

/// Creates the file, for its owner alone, if there is none.
fn prepare(file: &Path) -> io::Result<()> {
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let made = options.open(file)?;
        made.set_permissions(fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(file).map(drop)
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}

/// Completes commands.
struct Commands;

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..at).unwrap_or_default();
        let fits = |name: &&&str| typed.starts_with('/') && name.starts_with(typed);
        Ok((0, COMMANDS.iter().filter(fits).map(|name| format!("{name} ")).collect()))
    }
}

impl Hinter for Commands {
    type Hint = String;
}

impl Highlighter for Commands {}
impl Validator for Commands {}
impl Helper for Commands {}
