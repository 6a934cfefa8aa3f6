//! Lists the lines of an audit.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use super::verify::files;
use crate::error::Failure;

/// Passes the lines of an audit, including files that were moved aside, in order to `show`: all of them, or
/// only the last ones; and only those for which `is_shown` holds. `show` gets each line as it is written, and
/// parsed.
///
/// # Errors
/// A file can't be read, has a line that is not a line of an audit, or `show` fails.
pub fn list(
    path: &Path,
    last: Option<usize>,
    is_shown: &dyn Fn(&Value) -> bool,
    show: &mut dyn FnMut(&str, &Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut kept = VecDeque::new();
    for file in files(path).map_err(|error| unreadable(path, &error))? {
        let open = crate::rooted_fs::open_file(&file).map_err(|error| unreadable(&file, &error))?;
        for (at, line) in (1..).zip(BufReader::new(open).lines()) {
            let line = line.map_err(|error| unreadable(&file, &error))?;
            let problem = format!("line {at}: it is not a line of an audit");
            let value: Value =
                serde_json::from_str(&line).map_err(|_| unreadable(&file, &problem))?;
            if !is_shown(&value) {
                continue;
            }
            let Some(last) = last else {
                show(&line, &value)?;
                continue;
            };
            kept.push_back((line, value));
            if kept.len() > last {
                kept.pop_front();
            }
        }
    }
    kept.iter().try_for_each(|(line, value)| show(line, value))
}

fn unreadable(path: &Path, problem: &dyn Display) -> Failure {
    Failure::usage(format!("{}: {problem}", path.display()))
}
