//! `/save`: writes the conversation to a file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::super::context::home;
use crate::error::{Exit, Failure};
use crate::ui::chat::{ShownExchange, transcript};

/// Resolves a typed path; `~/` is the home directory, as in a shell.
pub(super) fn place(cwd: &Path, typed: &Path) -> PathBuf {
    match (typed.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => cwd.join(typed),
    }
}

/// Writes the conversation. An existing file is not changed, unless `overwrite` is set.
pub(super) fn save(
    path: &Path,
    exchanges: &[ShownExchange],
    overwrite: bool,
) -> Result<(), Failure> {
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
            Failure::usage(format!("{shown} already exists"))
                .hint(format!("to replace it: /save --force {shown}"))
        } else {
            Failure::new(Exit::Usage, format!("{shown} cannot be written: {error}"))
        }
    })
}
