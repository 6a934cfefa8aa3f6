//! Records on disk: lines of one file, or a directory with a file for each.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::Trace;
use crate::private;

/// Bytes of the first line that are looked at: more than any record has.
const LONGEST: u64 = 64 << 20;

/// Where records are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// JSON Lines.
    File(PathBuf),
    /// `ID.json` for each: their names are in the order of their times.
    Directory(PathBuf),
}

impl Place {
    /// A directory where it is one already, or where the name ends like one.
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

    /// Adds a record, at one stroke. Only its owner may read a new file.
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

    /// All records, oldest first. What is no record, such as a last line that was cut off, is
    /// passed over.
    pub fn read(&self) -> io::Result<Vec<Trace>> {
        let mut traces: Vec<Trace> = match self {
            Self::File(path) => {
                let lines = BufReader::new(File::open(path)?).split(b'\n');
                let parse = |line: Vec<u8>| serde_json::from_slice(&line).ok();
                lines.filter_map(|line| line.map(parse).transpose()).collect::<io::Result<_>>()?
            }
            Self::Directory(path) => {
                let mut traces = Vec::new();
                for entry in std::fs::read_dir(path)? {
                    let file = entry?.path();
                    if file.extension().is_some_and(|extension| extension == "json") {
                        traces.extend(serde_json::from_slice::<Trace>(&std::fs::read(file)?).ok());
                    }
                }
                traces
            }
        };
        traces.sort_by_key(|trace| trace.id);
        Ok(traces)
    }
}

/// Opens a file of records, or makes one: nothing else is written to, and never through a link.
fn append(path: &Path) -> io::Result<File> {
    let file = private::append(path)?;
    let mut first = Vec::new();
    BufReader::new(&file).take(LONGEST).read_until(b'\n', &mut first)?;
    let is_record = first.is_empty() || serde_json::from_slice::<Trace>(&first).is_ok();
    if is_record { Ok(file) } else { Err(io::Error::other("it is no file of docent's records")) }
}
