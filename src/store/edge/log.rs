//! The log of the versions of a collection: one line of JSON per event, oldest first, in `NAME@log`.

use std::fs;
use std::io::{self, ErrorKind};

use super::layout::{self, EdgeLayout};
use crate::types::VersionEvent;

/// Number of lines kept: those written last.
const MOST: usize = 1_000;

fn lines(layout: &EdgeLayout) -> io::Result<String> {
    match fs::read(layout.log()) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}

/// A line that can't be read is skipped: it was damaged, or written by a later version of docent.
pub(super) fn read(layout: &EdgeLayout) -> io::Result<Vec<VersionEvent>> {
    Ok(lines(layout)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Only called by the writer.
pub(super) fn append(layout: &EdgeLayout, event: &VersionEvent) -> io::Result<()> {
    let (before, line) = (lines(layout)?, serde_json::to_string(event)?);
    let skipped = (before.lines().count() + 1).saturating_sub(MOST);
    let kept = before.lines().skip(skipped).chain([line.as_str()]);
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    layout::replace(&layout.log(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::contract;

    #[test]
    fn the_last_lines_stay_and_damaged_ones_are_passed_over() {
        let data = tempfile::tempdir().unwrap();
        let layout = EdgeLayout::new(data.path(), "docs");
        layout::create_private(&layout::home(data.path())).unwrap();
        assert!(read(&layout).unwrap().is_empty());
        let event = |version| contract::event(version);
        for version in 1..=3 {
            append(&layout, &event(version)).unwrap();
        }
        let text = fs::read_to_string(layout.log()).unwrap();
        fs::write(layout.log(), text.replacen("\"version\":2", "\"version\":?", 1)).unwrap();
        append(&layout, &event(4)).unwrap();
        assert_eq!(read(&layout).unwrap(), [1, 3, 4].map(event));
        fs::write(layout.log(), "\n".repeat(MOST)).unwrap();
        append(&layout, &event(5)).unwrap();
        assert_eq!(fs::read_to_string(layout.log()).unwrap().lines().count(), MOST);
        assert_eq!(read(&layout).unwrap(), [event(5)]);
    }
}
