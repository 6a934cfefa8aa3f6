//! `keys.toml`, read and written as a whole.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ApiKey, Secret};
use crate::rooted_fs;

/// Far larger than any file of keys.
const LARGEST: u64 = 16 << 20;

const HEADER: &str = "\
# Keys of `docent serve`: `docent keys` writes this file, and a server that runs reads it again when it
# changes. It has no secrets, but whoever can write it lets callers in.

";

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    #[serde(default, rename = "key")]
    pub keys: Vec<ApiKey>,
}

#[derive(Debug, Error)]
pub enum KeyFileError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: {problem}", path.display())]
    Content { path: PathBuf, problem: String },
}

impl KeyFile {
    /// # Errors
    /// The file cannot be read, or is not a file of keys.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        use io::Read as _;
        let mut text = String::new();
        rooted_fs::open_file(path)
            .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
            .map_err(|error| KeyFileError::Io { path: path.to_owned(), error })?;
        Self::parse(&text)
            .map_err(|problem| KeyFileError::Content { path: path.to_owned(), problem })
    }

    /// The same, with no keys if there is no file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_or_begin(path: &Path) -> Result<Self, KeyFileError> {
        match Self::read(path) {
            Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            read => read,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", error.message())
        })?;
        if let Some(problem) = file.keys.iter().find_map(ApiKey::problem) {
            return Err(problem);
        }
        for what in [|key: &ApiKey| key.name.clone(), |key: &ApiKey| key.id.clone()] {
            let mut seen = HashSet::new();
            if let Some(key) = file.keys.iter().find(|key| !seen.insert(what(key))) {
                return Err(format!("two keys are called `{}`", what(key)));
            }
        }
        Ok(file)
    }

    /// Replaces the file atomically; only its owner may read it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyFileError> {
        let io = |error| KeyFileError::Io { path: path.to_owned(), error };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(io)?;
        let text = toml::to_string(self).map_err(|error| KeyFileError::Content {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        // A temporary file is readable by its owner only.
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(io)?;
        file.write_all(format!("{HEADER}{text}").as_bytes()).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        file.persist(path).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// Adds a key.
    ///
    /// # Errors
    /// The key is not valid; a phrase.
    pub fn add(&mut self, key: ApiKey) -> Result<(), String> {
        if let Some(problem) = key.problem() {
            return Err(problem);
        }
        self.keys.push(key);
        Ok(())
    }

    pub fn named(&self, name: &str) -> Option<&ApiKey> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The key that this secret opens.
    pub fn opened_by(&self, secret: &Secret) -> Option<&ApiKey> {
        self.keys.iter().find(|key| secret.opens(key))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::tests::key;
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/keys.toml");
        assert_eq!(KeyFile::read_or_begin(&path).unwrap(), KeyFile::default());
        let secret = Secret::new().unwrap();
        let limited = ApiKey {
            tags: vec!["tenant=a".to_owned()],
            requests_per_minute: std::num::NonZeroU32::new(60),
            ..key("limited", &secret)
        };
        let file = KeyFile { keys: vec![limited] };
        file.write(&path).unwrap();
        assert_eq!(KeyFile::read(&path).unwrap(), file);
        assert_eq!(file.opened_by(&secret).map(|key| &*key.name), Some("limited"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = KeyFile::parse("# keys\n[[key]]\nname = \"a\"\nrihgts = []\n").unwrap_err();
        assert!(error.starts_with("line 4: unknown field `rihgts`"), "{error}");
        let row = |name: &str, id: &str| {
            let key = ApiKey { id: id.to_owned(), ..key(name, &Secret::new().unwrap()) };
            toml::to_string(&KeyFile { keys: vec![key] }).unwrap()
        };
        for (one, other) in [(("a", "1"), ("a", "2")), (("a", "1"), ("b", "1"))] {
            let text = row(one.0, one.1) + &row(other.0, other.1);
            assert!(KeyFile::parse(&text).unwrap_err().starts_with("two keys are called"));
        }
    }
}
