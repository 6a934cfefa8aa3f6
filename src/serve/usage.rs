//! What each key has used, by day: kept in a file from one start to the next, so that a budget is one.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use chrono::{NaiveDate, Utc};
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::log::LogEntry;
use super::native::json;
use super::openapi::Operation;
use super::refusal::Refusal;
use super::request::query;
use crate::error::Failure;
use crate::output::Versioned;

/// Days that are kept: a year, and some to compare with.
const DAYS: usize = 400;

/// Largest file that is read: a thousand keys, each of the days.
const LARGEST: u64 = 256 << 20;

/// What was used.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Used {
    pub(super) requests: u64,
    /// Those among them to which an answer was sought.
    pub(super) answers: u64,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// In the currency of the prices.
    pub(super) cost: f64,
}

/// By day in UTC, and by the name of a key.
type Days = BTreeMap<NaiveDate, BTreeMap<String, Used>>;

pub(super) struct UsageBook {
    /// `None`: it is forgotten with the server.
    path: Option<PathBuf>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    days: Days,
    /// Something was counted since it was written.
    is_changed: bool,
}

impl UsageBook {
    /// Goes on with what is in the file, if it is there.
    ///
    /// # Errors
    /// The file can't be read, or is no such file.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let days = match path.as_deref().map(read).transpose() {
            Ok(days) => days.flatten().unwrap_or_default(),
            Err(error) => {
                let path = path.unwrap_or_default();
                return Err(Failure::config(format!("{}: {error}", path.display()))
                    .hint("it has what the keys have used: mend it, or move it away to count from nothing"));
            }
        };
        Ok(Self { path, book: Mutex::new(Book { days, is_changed: false }) })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request that has ended.
    pub(super) fn count(&self, entry: &LogEntry) {
        let Some(key) = &entry.key else { return };
        let notes = &entry.notes;
        let mut book = self.book();
        let used = book.days.entry(Utc::now().date_naive()).or_default().entry(key.clone());
        let used = used.or_default();
        used.requests += 1;
        used.answers += u64::from(notes.no_answer.is_some());
        used.prompt_tokens += notes.prompt_tokens.unwrap_or(0);
        used.completion_tokens += notes.completion_tokens.unwrap_or(0);
        used.cost += notes.cost.unwrap_or(0.0);
        while book.days.len() > DAYS {
            book.days.pop_first();
        }
        book.is_changed = true;
    }

    /// What a key cost today, and in this month.
    pub(super) fn cost_of(&self, key: &str) -> (f64, f64) {
        use chrono::Datelike as _;
        let today = Utc::now().date_naive();
        let book = self.book();
        let costs = book.days.iter().rev().map(|(day, keys)| (day, keys.get(key)));
        let of_month = |day: &NaiveDate| (day.year(), day.month()) == (today.year(), today.month());
        let costs = costs.take_while(|(day, _)| of_month(day));
        costs.fold((0.0, 0.0), |(day_cost, month_cost), (day, used)| {
            let cost = used.map_or(0.0, |used| used.cost);
            (day_cost + if *day == today { cost } else { 0.0 }, month_cost + cost)
        })
    }

    /// Writes what was counted since the last time.
    ///
    /// # Errors
    /// It can't be written: the next time will try again.
    pub(super) fn keep(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = {
            let mut book = self.book();
            if !std::mem::take(&mut book.is_changed) {
                return Ok(());
            }
            serde_json::to_vec(&book.days)?
        };
        let written = write(path, &text);
        self.book().is_changed |= written.is_err();
        written
    }
}

fn read(path: &Path) -> io::Result<Option<Days>> {
    let bytes = match crate::beneath::open_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => {
            use io::Read as _;
            let mut bytes = Vec::new();
            opened?.take(LARGEST).read_to_end(&mut bytes)?;
            bytes
        }
    };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text)?;
    file.persist(path)?;
    Ok(())
}

/// What each key has used.
#[derive(Serialize, JsonSchema)]
pub struct UsageResponse {
    /// The first day that counts, in UTC.
    #[schemars(schema_with = "date")]
    from: NaiveDate,
    /// The last one.
    #[schemars(schema_with = "date")]
    to: NaiveDate,
    /// A row for each day and key.
    days: Vec<DayRow>,
    /// A row for each key.
    total: Vec<KeyRow>,
}

fn date(_: &mut SchemaGenerator) -> Schema {
    Schema::Object(SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("date".to_owned()),
        ..SchemaObject::default()
    })
}

/// What a key has used on a day.
#[derive(Serialize, JsonSchema)]
struct DayRow {
    #[schemars(schema_with = "date")]
    day: NaiveDate,
    #[serde(flatten)]
    row: KeyRow,
}

/// What a key has used.
#[derive(Serialize, JsonSchema, Clone)]
struct KeyRow {
    /// Its name.
    key: String,
    #[serde(flatten)]
    used: Used,
}

/// Of which days and keys.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct UsageQuery {
    /// The first day, in UTC; unless it is said, that of this month.
    #[serde(default)]
    #[schemars(schema_with = "date")]
    from: Option<String>,
    /// The last day; today unless it is said.
    #[serde(default)]
    #[schemars(schema_with = "date")]
    to: Option<String>,
    /// Name of a key; all unless it is said.
    key: Option<String>,
}

pub(super) fn described(operation: Operation<'_>) -> Operation<'_> {
    operation
        .named("getUsage", "What each key has used, by day")
        .asks::<UsageQuery>()
        .answers::<Versioned<UsageResponse>>()
}

/// `GET /v1/docent/usage?from=2030-01-01&to=2030-01-31&key=NAME`: what each key has used; unless the
/// request says, in this month.
pub(super) fn usage(call: &Call) -> Result<Response, Refusal> {
    let UsageQuery { from, to, key } = query(&call.query)?;
    let date = |name: &str, text: Option<String>| {
        let date = text.map(|text| {
            // It would also be read in other ways of writing it.
            let date = text.parse::<NaiveDate>().ok();
            date.filter(|date| date.to_string() == text).ok_or(())
        });
        date.transpose().map_err(|()| {
            Refusal::invalid(name, format!("`{name}` must be a date, such as 2030-01-31"))
                .hint("days are in UTC")
        })
    };
    let today = Utc::now().date_naive();
    let first = chrono::Datelike::with_day(&today, 1).unwrap_or(today);
    let (from, to) = (date("from", from)?.unwrap_or(first), date("to", to)?.unwrap_or(today));
    let mut days = Vec::new();
    let mut total: BTreeMap<String, Used> = BTreeMap::new();
    let book = call.server.observers.usage.book();
    for (day, keys) in book.days.iter().filter(|(day, _)| (from..=to).contains(*day)) {
        for (name, used) in
            keys.iter().filter(|(name, _)| key.as_ref().is_none_or(|key| key == *name))
        {
            days.push(DayRow { day: *day, row: KeyRow { key: name.clone(), used: *used } });
            let sum = total.entry(name.clone()).or_default();
            *sum = Used {
                requests: sum.requests + used.requests,
                answers: sum.answers + used.answers,
                prompt_tokens: sum.prompt_tokens + used.prompt_tokens,
                completion_tokens: sum.completion_tokens + used.completion_tokens,
                cost: sum.cost + used.cost,
            };
        }
    }
    let total = total.into_iter().map(|(key, used)| KeyRow { key, used }).collect();
    Ok(json(&Versioned::new(UsageResponse { from, to, days, total })))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::log::{LogEntry, Notes};
    use super::*;

    #[test]
    fn what_was_used_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage.json");
        let book = UsageBook::open(Some(path.clone())).unwrap();
        let notes = Notes { cost: Some(0.25), no_answer: Some(false), ..Notes::default() };
        let entry = LogEntry { key: Some("ci".to_owned()), notes, ..LogEntry::default() };
        book.count(&entry);
        book.count(&entry);
        book.count(&LogEntry { key: None, ..entry });
        book.keep().unwrap();
        let again = UsageBook::open(Some(path.clone())).unwrap();
        assert_eq!(again.cost_of("ci"), (0.5, 0.5));
        assert_eq!(again.cost_of("other"), (0.0, 0.0));
        std::fs::write(&path, "{").unwrap();
        assert!(UsageBook::open(Some(path)).is_err());
    }
}
