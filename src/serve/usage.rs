//! Usage of each key by day, kept in a file across restarts, so that a budget holds.

mod report;

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chrono::{Datelike as _, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use report::UsageResponse;
pub(super) use report::{described, usage};

use super::log::LogEntry;
use crate::error::Failure;
use crate::private_files;
use crate::types::Usage;

/// Days that are kept: a year, and some to compare with.
const DAYS: usize = 400;

/// Largest file that is read: a thousand keys with all their days.
const LARGEST: u64 = 256 << 20;

/// Usage of a key.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Used")]
pub(super) struct UsedAmounts {
    pub(super) requests: u64,
    /// Requests to which an answer was sought.
    pub(super) answers: u64,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// In the currency of the prices.
    pub(super) cost: f64,
}

/// By day in UTC, and by the name of a key.
type Days = BTreeMap<NaiveDate, BTreeMap<String, UsedAmounts>>;

pub(super) struct UsageBook {
    /// `None`: usage is forgotten when the server ends.
    path: Option<PathBuf>,
    book: Mutex<Book>,
    /// Held while the file is written.
    keeping: Mutex<()>,
}

#[derive(Default)]
struct Book {
    /// The content of the file when it was last read.
    kept: Days,
    stamp: Stamp,
    /// Usage that was counted since the last write.
    fresh: Days,
}

/// Changes when the file does. The time alone is not enough, as two versions may share it.
type Stamp = Option<(SystemTime, u64, u64)>;

impl UsageBook {
    /// Continues with the content of the file, if there is one. Several servers may share a file: each adds
    /// its own usage, and sees that of the others within seconds.
    ///
    /// # Errors
    /// The file cannot be read, or is not a usage file.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let mut book = Book::default();
        if let Some(path) = &path {
            let read = read(path).map_err(|error| {
                Failure::config(format!("{}: {error}", path.display()))
                    .hint("it holds the usage of the keys: repair it, or move it away to start counting from zero")
            })?;
            (book.stamp, book.kept) = (stamp(path), read);
        }
        Ok(Self { path, book: Mutex::new(book), keeping: Mutex::default() })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request that has ended. The usage of its answers was [counted](Self::spend) before.
    pub(super) fn count(&self, entry: &LogEntry) {
        let Some(key) = &entry.key else { return };
        self.book().fresh_of(key).requests += 1;
    }

    /// Counts the usage of a model as soon as it is known, so that the next question of the same request is
    /// checked against it.
    pub(super) fn spend(&self, key: &str, used: Usage, answered: bool) {
        let mut book = self.book();
        let of_key = book.fresh_of(key);
        of_key.answers += u64::from(answered);
        of_key.prompt_tokens += used.prompt_tokens.unwrap_or(0);
        of_key.completion_tokens += used.completion_tokens.unwrap_or(0);
        of_key.cost += used.cost.unwrap_or(0.0);
    }

    /// Cost of a key today and in this month.
    pub(super) fn cost_of(&self, key: &str) -> (f64, f64) {
        let today = Utc::now().date_naive();
        let book = self.book();
        let of_month = |day: &NaiveDate| (day.year(), day.month()) == (today.year(), today.month());
        let mut costs = (0.0, 0.0);
        for days in [&book.kept, &book.fresh] {
            for (day, keys) in days.iter().rev().take_while(|(day, _)| of_month(day)) {
                let cost = keys.get(key).map_or(0.0, |used| used.cost);
                costs.1 += cost;
                costs.0 += if *day == today { cost } else { 0.0 };
            }
        }
        costs
    }

    /// Adds the usage since the last call to the file, and reads what others have added.
    ///
    /// # Errors
    /// The file cannot be written; the next call tries again.
    pub(super) fn keep(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let _keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = {
            let book = self.book();
            if book.fresh.is_empty() && book.stamp == stamp(path) {
                return Ok(());
            }
            book.fresh.clone()
        };
        // No other server writes between reading and writing.
        let lock = private_files::append(&lock_of(path))?;
        lock.lock()?;
        let mut kept = read(path)?;
        if !fresh.is_empty() {
            add(&mut kept, &fresh);
            while kept.len() > DAYS {
                kept.pop_first();
            }
            write(path, &serde_json::to_vec(&kept)?)?;
        }
        let stamp = stamp(path);
        drop(lock);
        let mut book = self.book();
        (book.kept, book.stamp) = (kept, stamp);
        // More may have been counted meanwhile.
        for (day, keys) in fresh {
            for (key, used) in keys {
                let left = book.fresh.entry(day).or_default().entry(key).or_default();
                *left = left.without(used);
            }
        }
        for keys in book.fresh.values_mut() {
            keys.retain(|_, used| *used != UsedAmounts::default());
        }
        book.fresh.retain(|_, keys| !keys.is_empty());
        Ok(())
    }
}

impl Book {
    fn fresh_of(&mut self, key: &str) -> &mut UsedAmounts {
        let today = self.fresh.entry(Utc::now().date_naive()).or_default();
        today.entry(key.to_owned()).or_default()
    }

    fn all(&self) -> Days {
        let mut all = self.kept.clone();
        add(&mut all, &self.fresh);
        all
    }
}

impl UsedAmounts {
    /// The rest after subtracting a part that is included.
    fn without(self, part: Self) -> Self {
        Self {
            requests: self.requests - part.requests,
            answers: self.answers - part.answers,
            prompt_tokens: self.prompt_tokens - part.prompt_tokens,
            completion_tokens: self.completion_tokens - part.completion_tokens,
            cost: self.cost - part.cost,
        }
    }
}

impl std::ops::Add for UsedAmounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            answers: self.answers + other.answers,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            completion_tokens: self.completion_tokens + other.completion_tokens,
            cost: self.cost + other.cost,
        }
    }
}

fn add(days: &mut Days, more: &Days) {
    for (day, keys) in more {
        let of_day = days.entry(*day).or_default();
        for (key, used) in keys {
            let of_key = of_day.entry(key.clone()).or_default();
            *of_key = *of_key + *used;
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let file = 0;
    Some((metadata.modified().ok()?, metadata.len(), file))
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("json.lock")
}

/// Empty if there is no file.
fn read(path: &Path) -> io::Result<Days> {
    let bytes = match crate::rooted_fs::open_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Days::new()),
        opened => {
            let mut bytes = Vec::new();
            opened?.take(LARGEST).read_to_end(&mut bytes)?;
            bytes
        }
    };
    Ok(serde_json::from_slice(&bytes)?)
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::log::LogEntry;
    use super::*;

    fn used(cost: f64) -> Usage {
        Usage { prompt_tokens: Some(7), cost: Some(cost), ..Usage::default() }
    }

    #[test]
    fn what_was_used_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.json");
        let book = UsageBook::open(Some(path.clone())).unwrap();
        let entry = LogEntry { key: Some("ci".to_owned()), ..LogEntry::default() };
        for _ in 0..2 {
            book.spend("ci", used(0.25), true);
            book.count(&entry);
        }
        book.count(&LogEntry { key: None, ..entry });
        assert_eq!(book.cost_of("ci"), (0.5, 0.5));
        book.keep().unwrap();
        assert_eq!(book.cost_of("ci"), (0.5, 0.5), "counted once");
        let again = UsageBook::open(Some(path.clone())).unwrap();
        assert_eq!(again.cost_of("ci"), (0.5, 0.5));
        assert_eq!(again.cost_of("other"), (0.0, 0.0));
        let used = again.book().all().values().next().unwrap()["ci"];
        assert_eq!((used.requests, used.answers, used.prompt_tokens), (2, 2, 14));
        std::fs::write(&path, "{").unwrap();
        assert!(UsageBook::open(Some(path)).is_err());
    }

    #[test]
    fn servers_that_share_a_file_add_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.json");
        let [one, other] = [(); 2].map(|()| UsageBook::open(Some(path.clone())).unwrap());
        for round in 1..=3 {
            for book in [&one, &other] {
                book.spend("ci", used(1.0), true);
                book.keep().unwrap();
            }
            assert_eq!(other.cost_of("ci"), (f64::from(round * 2), f64::from(round * 2)));
        }
        one.keep().unwrap();
        assert_eq!(one.cost_of("ci"), (6.0, 6.0), "also what it has not counted itself");
    }

    #[test]
    fn what_can_not_be_written_is_kept_for_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.json");
        let book = UsageBook::open(Some(path.clone())).unwrap();
        book.spend("ci", used(1.0), true);
        std::fs::write(&path, "nothing").unwrap();
        assert!(book.keep().is_err());
        std::fs::remove_file(&path).unwrap();
        book.keep().unwrap();
        assert_eq!(UsageBook::open(Some(path)).unwrap().cost_of("ci"), (1.0, 1.0));
    }
}
