//! `/save`: the conversation as a file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::super::context::home;
use crate::error::{Exit, Failure};
use crate::ui::chat::{Exchange, transcript};

/// Where a path that was typed leads: `~/` is the home directory, as in a shell.
pub(super) fn place(cwd: &Path, typed: &Path) -> PathBuf {
    match (typed.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => cwd.join(typed),
    }
}

/// Writes the conversation. A file that is there stays as it is, unless it is to be replaced.
pub(super) fn save(path: &Path, exchanges: &[Exchange], overwrite: bool) -> Result<(), Failure> {
    if exchanges.is_empty() {
        return Err(Failure::usage("there is nothing to save yet"));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(overwrite).create_new(!overwrite);
    let written =
        options.open(path).and_then(|mut file| file.write_all(transcript(exchanges).as_bytes()));
    written.map_err(|error| {
        let shown = path.display();
        if error.kind() == ErrorKind::AlreadyExists {
            Failure::usage(format!("{shown} is there already"))
                .hint(format!("replace it: /save --force {shown}"))
        } else {
            Failure::new(Exit::Usage, format!("{shown} cannot be written: {error}"))
        }
    })
}
