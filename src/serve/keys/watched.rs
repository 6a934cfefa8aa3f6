//! The keys of a running server: read again when the file changes. Until there is a file, nobody needs a
//! key. From the first file on, callers need one, whatever happens to the file later.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{ApiKey, KeyFile, KeyFileError, Secret};
use crate::serve::file_stamp::{OptionalStamp, stamp};

/// What a file without keys means.
pub const NOBODY: &str = "a server with this file lets nobody in until docent keys create NAME makes a key; \
                          to serve without keys, remove the file and restart the server";

/// How often the file is checked, at most.
const PAUSE: Duration = Duration::from_secs(1);

pub struct WatchedKeys {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// `None`: there was never a file.
    keys: Option<Arc<KeyFile>>,
    /// Keys that were valid since the start, and no longer are.
    revoked: KeyFile,
    stamp: OptionalStamp,
    looked: Instant,
    /// The problem of the current file; the previous keys stay in force.
    problem: Option<String>,
    /// News that was not reported yet.
    news: Option<String>,
}

impl WatchedKeys {
    /// `required`: the file must exist.
    ///
    /// # Errors
    /// The file cannot be read, or is not a file of keys.
    pub fn open(path: &Path, required: bool) -> Result<Self, KeyFileError> {
        let stamp = stamp(path);
        let keys = match stamp {
            None if !required => None,
            _ => Some(Arc::new(KeyFile::read(path)?)),
        };
        let looked = Instant::now();
        let revoked = KeyFile::default();
        let news = keys.as_ref().and_then(|keys| emptiness(path, keys));
        let state = State { keys, revoked, stamp, looked, problem: None, news };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// News about the file for the operator of the server, reported once: it could not be read, or has no
    /// keys left.
    pub fn news(&self) -> Option<String> {
        self.looked_at().news.take()
    }

    /// The current keys. If the file cannot be read, the previous keys stay in force: a typing error
    /// neither locks callers out nor lets any in.
    pub fn keys(&self) -> Option<Arc<KeyFile>> {
        self.looked_at().keys.clone()
    }

    fn looked_at(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= PAUSE {
            self.look(&mut state);
        }
        state
    }

    fn look(&self, state: &mut State) {
        state.looked = Instant::now();
        let stamp = stamp(&self.path);
        if stamp == state.stamp {
            return;
        }
        state.stamp = stamp;
        (state.problem, state.news) = match KeyFile::read(&self.path) {
            Ok(keys) => {
                let news = emptiness(&self.path, &keys);
                state.replace(keys);
                (None, news)
            }
            Err(error) => {
                // The file exists and has content, so its author did not mean to serve without keys.
                if stamp.is_some() {
                    state.keys.get_or_insert_default();
                }
                let problem = error.to_string();
                (Some(problem.clone()), Some(format!("the previous keys stay in force: {problem}")))
            }
        };
    }

    /// The name of a key that this secret opened until the key was revoked or rotated.
    pub fn revoked_name(&self, secret: &Secret) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.revoked.opened_by(secret).map(|key| key.name.clone())
    }

    /// Whether callers need a key, as of the last check.
    pub fn are_needed(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).keys.is_some()
    }

    /// What is wrong with the current file.
    pub fn problem(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }
}

impl State {
    fn replace(&mut self, keys: KeyFile) {
        let same = |one: &ApiKey, other: &ApiKey| {
            (&one.id, &one.secret_sha256) == (&other.id, &other.secret_sha256)
        };
        let is_there = |key: &ApiKey| keys.keys.iter().any(|kept| same(kept, key));
        let before = self.keys.iter().flat_map(|keys| keys.keys.iter().cloned());
        let gone = self.revoked.keys.drain(..).chain(before).filter(|key| !is_there(key)).collect();
        self.revoked.keys = gone;
        self.keys = Some(Arc::new(keys));
    }
}

fn emptiness(path: &Path, file: &KeyFile) -> Option<String> {
    file.keys.is_empty().then(|| format!("{} has no keys: {NOBODY}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

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
        let watched = WatchedKeys::open(&path, true).unwrap();
        let look = || {
            watched.look(&mut watched.state.lock().unwrap());
            (watched.keys().unwrap().keys.len(), watched.news())
        };
        file(&["a", "b"]).write(&path).unwrap();
        assert_eq!(look(), (2, None));
        std::fs::write(&path, "[[key]\n").unwrap();
        let (keys, news) = look();
        assert_eq!(keys, 2);
        assert!(news.unwrap().contains("line 1"));
        assert_eq!(look().1, None, "said once");
        assert!(watched.problem().is_some());
        file(&[]).write(&path).unwrap();
        let (keys, news) = look();
        assert_eq!((keys, watched.problem()), (0, None));
        assert!(news.unwrap().contains("lets nobody in"), "the last key is gone");
        let opened = WatchedKeys::open(&path, true).unwrap();
        assert!(opened.news().is_some(), "so it is where a server starts");
    }

    #[test]
    fn a_revoked_key_is_known_by_its_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let (kept, gone) = (Secret::new().unwrap(), Secret::new().unwrap());
        let file = |keys: Vec<ApiKey>| KeyFile { keys }.write(&path).unwrap();
        file(vec![key("kept", &kept), key("gone", &gone)]);
        let watched = WatchedKeys::open(&path, true).unwrap();
        let look = || watched.look(&mut watched.state.lock().unwrap());
        file(vec![key("kept", &kept)]);
        look();
        assert_eq!(watched.revoked_name(&gone).as_deref(), Some("gone"));
        let forged = Secret { id: gone.id.clone(), ..Secret::new().unwrap() };
        assert_eq!(watched.revoked_name(&forged), None, "an id alone tells nothing");
        assert_eq!(watched.revoked_name(&kept), None);
        file(vec![key("back", &gone)]);
        look();
        assert_eq!(watched.revoked_name(&gone), None);
        assert_eq!(watched.revoked_name(&kept).as_deref(), Some("kept"));
    }

    #[test]
    fn the_first_file_closes_the_door_and_it_stays_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        assert!(WatchedKeys::open(&path, true).is_err());
        let watched = WatchedKeys::open(&path, false).unwrap();
        let look = || {
            watched.look(&mut watched.state.lock().unwrap());
            watched.keys()
        };
        assert!(look().is_none());
        let keys = vec![key("a", &Secret::new().unwrap())];
        KeyFile { keys }.write(&path).unwrap();
        assert_eq!(look().unwrap().keys.len(), 1);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look().unwrap().keys.len(), 1);
        let broken = WatchedKeys::open(&path, false).unwrap();
        std::fs::write(&path, "[[key]").unwrap();
        broken.look(&mut broken.state.lock().unwrap());
        assert!(broken.keys().unwrap().keys.is_empty(), "nobody is let in by mistake");
    }
}
