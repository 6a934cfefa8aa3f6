//! The keys of a server that runs: read again when the file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::{KeyFile, KeyFileError};

/// How often the file is looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// What changes where a file does.
type Stamp = Option<(SystemTime, u64)>;

pub struct WatchedKeys {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    keys: Arc<KeyFile>,
    stamp: Stamp,
    looked: Instant,
    /// Of the file as it is now: the keys are those of before.
    problem: Option<String>,
}

impl WatchedKeys {
    /// # Errors
    /// The file can't be read, or is no such file.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let (stamp, keys) = (stamp(path), Arc::new(KeyFile::read(path)?));
        let state = State { keys, stamp, looked: Instant::now(), problem: None };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// The keys as they are, and why the file could not be read where that has just been found. Keys
    /// that can't be read leave those of before in force: a slip of the pen locks nobody out, and lets
    /// nobody in.
    pub fn now(&self) -> (Arc<KeyFile>, Option<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < PAUSE {
            return (Arc::clone(&state.keys), None);
        }
        self.look(&mut state)
    }

    fn look(&self, state: &mut State) -> (Arc<KeyFile>, Option<String>) {
        state.looked = Instant::now();
        let stamp = stamp(&self.path);
        if stamp == state.stamp {
            return (Arc::clone(&state.keys), None);
        }
        state.stamp = stamp;
        let problem = match KeyFile::read(&self.path) {
            Ok(keys) => {
                state.keys = Arc::new(keys);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        state.problem.clone_from(&problem);
        (Arc::clone(&state.keys), problem)
    }

    /// What is wrong with the file as it is.
    pub fn problem(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::Secret;
    use super::super::tests::key;
    use super::*;

    #[test]
    fn keys_are_read_again_and_a_broken_file_leaves_those_of_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let file = |names: &[&str]| KeyFile {
            keys: names.iter().map(|name| key(name, &Secret::new().unwrap())).collect(),
        };
        file(&["a"]).write(&path).unwrap();
        let watched = WatchedKeys::open(&path).unwrap();
        let look = || watched.look(&mut watched.state.lock().unwrap());
        file(&["a", "b"]).write(&path).unwrap();
        assert_eq!(look().0.keys.len(), 2);
        std::fs::write(&path, "[[key]\n").unwrap();
        let (keys, problem) = look();
        assert_eq!(keys.keys.len(), 2);
        assert!(problem.unwrap().contains("line 1"));
        assert_eq!(look().1, None, "said once");
        assert!(watched.problem().is_some());
        file(&[]).write(&path).unwrap();
        assert_eq!((look().0.keys.len(), watched.problem()), (0, None));
    }
}
