//! Searches files for what was purged.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::samples::Samples;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 18;

/// Result of a search.
#[derive(Default)]
pub(super) struct PurgeSearch {
    pub(super) files: usize,
    pub(super) bytes: u64,
    pub(super) found: HashSet<u64>,
    /// Files that contain samples.
    pub(super) places: BTreeSet<PathBuf>,
}

impl PurgeSearch {
    /// Reads every file below these directories.
    ///
    /// # Errors
    /// A file can't be read.
    pub(super) fn of(directories: &[PathBuf], samples: &Samples) -> io::Result<Self> {
        let mut searched = Self::default();
        let mut left = directories.to_vec();
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() {
                    left.push(path);
                } else if kind.is_file() && !is_of_settings(&path) {
                    searched.look(&path, samples)?;
                }
            }
        }
        Ok(searched)
    }

    fn look(&mut self, path: &Path, samples: &Samples) -> io::Result<()> {
        let mut file = match File::open(path) {
            // The engine may remove its own files meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        self.files += 1;
        let (mut buffer, mut kept) = (vec![0; BLOCK + Samples::OVERLAP], 0);
        let zeros = buffer.clone();
        loop {
            let read = file.read(&mut buffer[kept..])?;
            if read == 0 {
                return Ok(());
            }
            self.bytes += read as u64;
            let known = &buffer[..kept + read];
            // The engine allocates large files, of which most was never written.
            if known != &zeros[..known.len()] {
                let found = samples.found(known);
                if !found.is_empty() {
                    self.places.insert(path.to_owned());
                }
                self.found.extend(found);
            }
            let from = known.len().saturating_sub(Samples::OVERLAP);
            kept = known.len() - from;
            buffer.copy_within(from..from + kept, 0);
        }
    }
}

/// Whether a file is one of the store or engine about itself: a document about Qdrant may have the same
/// words.
fn is_of_settings(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_is_in_a_file() {
        const TEXT: &str = "The ferry to Elba leaves at 07:45.";
        let dir = tempfile::tempdir().unwrap();
        let mut samples = Samples::default();
        samples.add(TEXT, 8);
        let all = samples.len();
        let search = || PurgeSearch::of(&[dir.path().to_owned()], &samples).unwrap();
        fs::create_dir(dir.path().join("deep")).unwrap();
        let file = dir.path().join("deep/file");
        for before in [0, 1, BLOCK - 20, BLOCK - 3, BLOCK, BLOCK + 7, 2 * BLOCK + 15] {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(TEXT.as_bytes());
            bytes.resize(3 * BLOCK, 0);
            fs::write(&file, &bytes).unwrap();
            let found = search();
            assert_eq!((found.files, found.bytes), (1, bytes.len() as u64), "{before}");
            assert_eq!(found.found.len(), all, "{before}");
            assert_eq!(found.places, BTreeSet::from([file.clone()]));
        }
        fs::write(&file, TEXT.replace(' ', "")).unwrap();
        fs::write(dir.path().join("segment.json"), TEXT).unwrap();
        assert!(search().found.is_empty());
    }
}
