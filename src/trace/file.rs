//! Records on disk: lines of one file, or a directory with a file per record.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Feedback, Trace};
use crate::private_files;

/// Maximum number of bytes of the first line that are read: longer than any record.
const LONGEST: u64 = 64 << 20;

/// Where records are stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraceLocation {
    /// JSON Lines.
    File(PathBuf),
    /// One `ID.json` per record: their names sort by time.
    Directory(PathBuf),
}

impl TraceLocation {
    /// A directory if the path is one already, or ends like one.
    pub fn of(path: &Path) -> Self {
        let ends_like_one = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if ends_like_one || path.is_dir() {
            Self::Directory(path.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    pub fn path(&self) -> &Path {
        let (Self::File(path) | Self::Directory(path)) = self;
        path
    }

    /// Makes sure that a record can be written, before there is one.
    pub fn prepare(&self) -> io::Result<()> {
        match self {
            Self::File(path) => append(path).map(|_| ()),
            Self::Directory(path) => {
                std::fs::create_dir_all(path)?;
                tempfile::NamedTempFile::new_in(path).map(|_| ())
            }
        }
    }

    /// Adds a record in one write. Only its owner may read a new file.
    pub fn write(&self, trace: &Trace) -> io::Result<()> {
        match self {
            Self::File(path) => {
                let line = serde_json::to_string(trace)?;
                append(path)?.write_all(format!("{line}\n").as_bytes())
            }
            Self::Directory(path) => {
                let text = serde_json::to_string_pretty(trace)?;
                let mut file = tempfile::NamedTempFile::new_in(path)?;
                file.write_all(format!("{text}\n").as_bytes())?;
                let name = path.join(format!("{}.json", trace.id));
                file.persist(name).map(|_| ()).map_err(|error| error.error)
            }
        }
    }

    /// Adds a reader's feedback: as a line of the file, or of one beside the record.
    pub fn add(&self, feedback: &Feedback) -> io::Result<()> {
        let line = serde_json::to_string(feedback)?;
        let mut file = match self {
            Self::File(path) => append(path)?,
            Self::Directory(path) => {
                private_files::append(&feedback_of(path, feedback.feedback_on))?
            }
        };
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// All records, oldest first, each with its feedback. Anything that is not a record, such as a last line
    /// that was cut off, is skipped.
    pub fn read(&self) -> io::Result<Vec<Trace>> {
        let mut feedback = Vec::new();
        let mut traces: Vec<Trace> = match self {
            Self::File(path) => {
                let mut traces = Vec::new();
                for line in BufReader::new(File::open(path)?).split(b'\n') {
                    let line = line?;
                    match serde_json::from_slice(&line) {
                        Ok(trace) => traces.push(trace),
                        Err(_) => feedback.extend(serde_json::from_slice::<Feedback>(&line).ok()),
                    }
                }
                traces
            }
            Self::Directory(path) => {
                let mut traces = Vec::new();
                for entry in std::fs::read_dir(path)? {
                    let file = entry?.path();
                    if file.extension().is_some_and(|extension| extension == "json") {
                        traces.extend(serde_json::from_slice::<Trace>(&std::fs::read(file)?).ok());
                    }
                }
                for Trace { id, .. } in &traces {
                    let Ok(text) = std::fs::read_to_string(feedback_of(path, *id)) else {
                        continue;
                    };
                    feedback.extend(text.lines().filter_map(|it| serde_json::from_str(it).ok()));
                }
                traces
            }
        };
        traces.sort_by_key(|trace| trace.id);
        for said in feedback {
            let of = traces.binary_search_by_key(&said.feedback_on, |trace| trace.id);
            if let Ok(at) = of {
                traces[at].feedback.push(said);
            }
        }
        Ok(traces)
    }
}

/// `ID.feedback.jsonl` beside `ID.json`.
fn feedback_of(directory: &Path, id: Uuid) -> PathBuf {
    directory.join(format!("{id}.feedback.jsonl"))
}

/// Opens or creates a file of records; never writes to any other file, and never through a link.
fn append(path: &Path) -> io::Result<File> {
    let file = private_files::append(path)?;
    let mut first = Vec::new();
    BufReader::new(&file).take(LONGEST).read_until(b'\n', &mut first)?;
    let is_record = first.is_empty()
        || serde_json::from_slice::<Trace>(&first).is_ok()
        || serde_json::from_slice::<Feedback>(&first).is_ok();
    if is_record { Ok(file) } else { Err(io::Error::other("it is not a file of docent records")) }
}
