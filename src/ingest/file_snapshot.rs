//! Reads a file in a consistent state.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::discover::{self, FoundFile};
use crate::rooted_fs::FileStamp;

/// Bytes from which the format of a file is detected.
pub(super) const HEAD: usize = 8192;

/// How often a file that changes during the reading is read again.
const TRIES: usize = 3;

/// Why a file has no content.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum UnreadReason<T> {
    /// `judge` decided from its beginning.
    Enough(T),
    TooLarge,
    Failed(String),
}

impl<T> From<io::Error> for UnreadReason<T> {
    fn from(error: io::Error) -> Self {
        Self::Failed(discover::reason(&error))
    }
}

/// Reads a file, and returns its content with the size and modification time that belong to it. `judge` sees
/// the first bytes, at most [`HEAD`], and may stop the reading there.
///
/// The system cannot report a change halfway through; it can report that size or time have changed since the
/// reading began.
pub(super) fn read<T>(
    found: &FoundFile,
    root: &Path,
    limit: u64,
    judge: impl Fn(&[u8]) -> Option<T>,
) -> Result<(FoundFile, Vec<u8>), UnreadReason<T>> {
    let mut file = found.open(root)?;
    let stamp = |file: &File| Ok(FileStamp::of(&file.metadata()?));
    let whole = |file: &mut File| {
        file.rewind()?;
        let mut bytes = Vec::new();
        file.take(HEAD as u64).read_to_end(&mut bytes)?;
        if let Some(enough) = judge(&bytes) {
            return Err(UnreadReason::Enough(enough));
        }
        file.take((limit + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit { Err(UnreadReason::TooLarge) } else { Ok(bytes) }
    };
    match unchanged(&mut file, stamp, whole)? {
        // A page has no modification time.
        Some((_, bytes)) if found.page.is_some() => Ok((found.clone(), bytes)),
        Some((FileStamp { size, mtime }, bytes)) => {
            Ok((FoundFile { size, mtime, ..found.clone() }, bytes))
        }
        None => Err(UnreadReason::Failed("the file kept changing while it was read".to_owned())),
    }
}

/// The result of `read` if `look` returns the same before and after it; `None` if it never does within
/// [`TRIES`].
fn unchanged<F, S: PartialEq, T, E>(
    file: &mut F,
    look: impl Fn(&F) -> Result<S, E>,
    read: impl Fn(&mut F) -> Result<T, E>,
) -> Result<Option<(S, T)>, E> {
    for _ in 0..TRIES {
        let before = look(file)?;
        let content = read(file)?;
        if look(file)? == before {
            return Ok(Some((before, content)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Changes during each of the first `changes` readings.
    struct Restless {
        changes: usize,
        version: usize,
    }

    fn settle(changes: usize) -> Option<(usize, usize)> {
        let mut file = Restless { changes, version: 0 };
        let look = |file: &Restless| Ok::<_, ()>(file.version);
        let read = |file: &mut Restless| {
            let seen = file.version;
            file.version = (seen + 1).min(file.changes);
            Ok(seen)
        };
        unchanged(&mut file, look, read).unwrap()
    }

    #[test]
    fn a_file_that_changes_is_read_again_but_not_for_ever() {
        assert_eq!(settle(0), Some((0, 0)));
        assert_eq!(settle(1), Some((1, 1)));
        assert_eq!(settle(2), Some((2, 2)));
        assert_eq!(settle(3), None);
    }

    fn found(source: &str) -> FoundFile {
        FoundFile { source: source.to_owned(), size: 0, mtime: 1, page: None, named: false }
    }

    fn read_all(
        dir: &Path,
        source: &str,
        limit: u64,
    ) -> Result<(FoundFile, Vec<u8>), UnreadReason<()>> {
        read(&found(source), dir, limit, |_| None)
    }

    #[test]
    fn a_file_is_stamped_as_it_was_when_it_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        let text = "x".repeat(3 * HEAD);
        std::fs::write(&path, &text).unwrap();
        let read_all = |source, limit| read_all(dir.path(), source, limit);
        let (file, bytes) = read_all("a.md", text.len() as u64).unwrap();
        assert_eq!(bytes, text.as_bytes());
        assert_eq!(Some(file), FoundFile::at(dir.path(), "a.md"));
        assert_eq!(read_all("a.md", text.len() as u64 - 1), Err(UnreadReason::TooLarge));
        assert_eq!(read_all("a.md", 10), Err(UnreadReason::TooLarge));
        let enough = read(&found("a.md"), dir.path(), 10, |head| Some(head.len()));
        assert_eq!(enough, Err(UnreadReason::Enough(HEAD)));
        let missing = read_all("b.md", 10);
        assert_eq!(
            missing,
            Err(UnreadReason::Failed("vanished while it was being read".to_owned()))
        );
    }

    /// Only the file that was found is read, whatever has taken its place since.
    #[cfg(unix)]
    #[test]
    fn what_was_swapped_since_it_was_found_is_not_read() {
        use std::os::unix::fs::symlink;
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("a.md"), "a secret").unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        symlink(outside.path().join("a.md"), dir.path().join("docs/a.md")).unwrap();
        symlink(outside.path(), dir.path().join("sub")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(dir.path().join("pipe.md")).status();
        assert!(pipe.unwrap().success());
        for source in ["docs/a.md", "sub/a.md", "pipe.md"] {
            let Err(UnreadReason::Failed(why)) = read_all(dir.path(), source, 10) else {
                panic!("{source}")
            };
            assert!(why.contains("become a link") || why == "not a file: named pipe", "{why}");
            assert!(
                found(source).hash(dir.path()).is_err()
                    && FoundFile::at(dir.path(), source).is_none()
            );
        }
    }
}
