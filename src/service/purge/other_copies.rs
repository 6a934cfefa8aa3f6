//! Purges texts of documents that docent keeps beside the collections: in recordings of exchanges with
//! models, records of answers, and uploads.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::samples::Samples;
use crate::service::context::Context;
use crate::service::output_file::forbid_way_out;
use crate::settings::RecordingFile;
use crate::trace::file::TraceLocation;
use crate::types::{tenant_of, upload_of};

/// A file, or a directory of files, from which texts of purged documents were removed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct CleanedFile {
    pub path: String,
    /// Exchanges or records of answers that contained purged text, and were removed as a whole.
    pub removed: usize,
}

/// By what purged documents are recognized.
pub(super) struct Purged<'a> {
    pub(super) samples: &'a Samples,
    pub(super) sources: &'a [String],
    /// Tenant of the documents: records of another tenant's answers are about other documents.
    pub(super) tenant: Option<&'a str>,
}

/// Result of the purge of files.
#[derive(Default)]
pub(super) struct Cleaned {
    pub(super) files: Vec<CleanedFile>,
    pub(super) uploads: usize,
    /// What could not be checked, and why.
    pub(super) left: Vec<String>,
}

impl Purged<'_> {
    /// Purges the files that settings name.
    pub(super) fn clean(&self, context: &Context) -> Cleaned {
        let mut cleaned = Cleaned::default();
        let tape = context.settings.tape.as_ref().map(|tape| match tape {
            RecordingFile::Record(path) | RecordingFile::Replay(path) => context.cwd.join(path),
        });
        if let Some(path) = tape {
            cleaned.add(context, &path, || rewrite(&path, &|value| self.is_quoted_in(value)));
        }
        if let Some(path) = &context.settings.trace.path {
            let path = context.cwd.join(path);
            cleaned.add(context, &path, || match TraceLocation::of(&path) {
                TraceLocation::File(file) => rewrite(&file, &|value| self.is_named_in(value)),
                TraceLocation::Directory(directory) => self.remove_records(&directory),
            });
        }
        self.remove_uploads(context, &mut cleaned);
        cleaned
    }

    fn is_quoted_in(&self, value: &Value) -> bool {
        any_text(value, &|text| self.samples.are_in(text))
    }

    /// Whether the record of an answer names purged documents. It does so even if it does not quote
    /// them.
    fn is_named_in(&self, value: &Value) -> bool {
        let collection = value["collection"]["name"].as_str();
        if collection.is_some_and(|name| tenant_of(name) != self.tenant) {
            return false;
        }
        any_text(value, &|text| {
            let is_of = |source: &String| {
                let rest = text.strip_prefix(source.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '#']))
            };
            self.sources.iter().any(is_of) || self.samples.are_in(text)
        })
    }

    fn remove_records(&self, directory: &Path) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let value: Value = serde_json::from_slice(&fs::read(&path)?).unwrap_or_default();
            if self.is_named_in(&value) {
                fs::remove_file(&path)?;
                // Feedback of readers on the answer.
                let _ = fs::remove_file(path.with_extension("feedback.jsonl"));
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn remove_uploads(&self, context: &Context, cleaned: &mut Cleaned) {
        let ids = self.sources.iter().filter_map(|source| upload_of(source));
        let files: Vec<PathBuf> = ids.filter_map(|(id, _)| context.upload(id)).collect();
        let files: Vec<PathBuf> = files.into_iter().filter(|file| file.is_file()).collect();
        if files.is_empty() {
            return;
        }
        // The lock file exists if a server takes uploads, or did so before.
        let lock = File::open(context.uploads().join(".lock"));
        if lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock))) {
            let count = files.len();
            cleaned.left.push(format!("uploads: a running server holds {count} of them; remove them there with DELETE /v1/files/ID, or stop the server and run this again"));
            return;
        }
        for file in files {
            match fs::remove_file(&file) {
                Ok(()) => cleaned.uploads += 1,
                Err(error) => cleaned.left.push(format!("{}: {error}", file.display())),
            }
            let _ = fs::remove_file(file.with_extension("json"));
        }
    }
}

impl Cleaned {
    fn add(&mut self, context: &Context, path: &Path, clean: impl FnOnce() -> io::Result<usize>) {
        let name = path.strip_prefix(&context.cwd).unwrap_or(path).display().to_string();
        if let Err(failure) = forbid_way_out(path, &context.root) {
            self.left.push(failure.message);
            return;
        }
        match clean() {
            Ok(0) => {}
            Ok(removed) => self.files.push(CleanedFile { path: name, removed }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                self.left.push(format!("{name}: {error}; run this again when that is resolved"));
            }
        }
    }
}

/// Whether `is_one` holds for some text in the value; names of fields are docent's own.
fn any_text(value: &Value, is_one: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_one(text),
        Value::Array(values) => values.iter().any(|value| any_text(value, is_one)),
        Value::Object(fields) => fields.values().any(|value| any_text(value, is_one)),
        _ => false,
    }
}

/// Removes the doomed lines from a file, and returns how many there were. A reader finds the file as it
/// was before, or as it is afterwards.
fn rewrite(path: &Path, is_doomed: &dyn Fn(&Value) -> bool) -> io::Result<usize> {
    let file = crate::rooted_fs::open_file(path)?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Err(io::Error::other("another process is writing the file"));
    }
    loop {
        let length = file.metadata()?.len();
        let (mut kept, mut removed) = (Vec::new(), 0);
        for line in BufReader::new(crate::rooted_fs::open_file(path)?).split(b'\n') {
            let line = line?;
            // Half a line of a process that was killed cannot be parsed.
            let value = serde_json::from_slice(&line);
            if value.as_ref().map_or(!line.is_empty(), is_doomed) {
                removed += 1;
            } else {
                kept.extend_from_slice(&line);
                kept.push(b'\n');
            }
        }
        if removed == 0 {
            return Ok(0);
        }
        let mut new = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        new.write_all(&kept)?;
        new.as_file().sync_all()?;
        // A file that has grown meanwhile is read again.
        if file.metadata()?.len() == length {
            new.persist(path).map_err(|error| error.error)?;
            return Ok(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn lines_that_quote_go_and_the_others_stay_as_they_are() {
        const TEXT: &str = "The ferry to \"Elba\"\nleaves at 07:45.";
        let mut samples = Samples::default();
        samples.add(TEXT, 8);
        let purged = Purged { samples: &samples, sources: &["docs/a.md".to_owned()], tenant: None };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.jsonl");
        let line = |value: Value| format!("{value}\n");
        let quoting = line(serde_json::json!({ "inputs": ["other", format!("> {TEXT}")] }));
        let other = line(serde_json::json!({ "inputs": ["docs/a.mdx", "The pier."] }));
        let naming = line(serde_json::json!({ "cites": [{ "place": "docs/a.md:L1-L3" }] }));
        let tenants = line(serde_json::json!({
            "collection": { "name": "docs~acme" }, "cites": [{ "place": "docs/a.md:L1-L3" }],
        }));
        let lines = [&*other, &quoting, &naming, &tenants, &other, "{\"half"];
        fs::write(&path, lines.concat()).unwrap();
        assert_eq!(rewrite(&path, &|value| purged.is_quoted_in(value)).unwrap(), 2);
        let left = fs::read_to_string(&path).unwrap();
        assert_eq!(left, [&*other, &naming, &tenants, &other].concat());
        assert_eq!(rewrite(&path, &|value| purged.is_named_in(value)).unwrap(), 1);
        let left = fs::read_to_string(&path).unwrap();
        assert_eq!(left, [&*other, &tenants, &other].concat());
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        assert!(rewrite(&path, &|_| true).unwrap_err().to_string().contains("another process"));
    }
}
