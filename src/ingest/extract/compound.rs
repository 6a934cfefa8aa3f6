//! Compound files (OLE): folders and streams in one file. The only user of `cfb`.

use std::io::{Cursor, Read};
use std::path::Path;

use cfb::CompoundFile;

use super::ExtractError;

pub(super) struct Compound<'a>(CompoundFile<Cursor<&'a [u8]>>);

impl<'a> Compound<'a> {
    /// `name` is what the file should be, for the error message.
    pub(super) fn open(bytes: &'a [u8], name: &str) -> Result<Self, ExtractError> {
        let opened = CompoundFile::open(Cursor::new(bytes));
        opened.map(Self).map_err(|_| {
            let reason = format!(
                "damaged or truncated: it can't be opened as {name}; copy or save it again"
            );
            ExtractError::new(&reason)
        })
    }

    /// The bytes of a stream; `None` if no stream has that name, or it can't be read.
    pub(super) fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        let mut stream = self.0.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The names of the entries of a folder; empty if there is no such folder.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = self.0.read_storage(folder);
        entries.map(|all| all.map(|entry| entry.name().to_owned()).collect()).unwrap_or_default()
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        self.0.is_storage(Path::new(path))
    }

    pub(super) fn has_stream(&self, path: &str) -> bool {
        self.0.is_stream(Path::new(path))
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use super::*;

    /// A compound file with these streams.
    pub(in crate::ingest::extract) fn compound(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (path, bytes) in streams {
            let folder = Path::new(path).parent().unwrap();
            file.create_storage_all(folder).unwrap();
            file.create_stream(path).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    #[test]
    fn folders_and_streams() {
        let bytes = compound(&[("/a/b", b"x".repeat(9000)), ("/c", Vec::new())]);
        let mut file = Compound::open(&bytes, "x").unwrap();
        assert_eq!(file.stream("/a/b").unwrap().len(), 9000);
        assert_eq!(file.stream("/a/c"), None);
        assert_eq!(file.names("/"), ["a", "c"]);
        assert_eq!(file.names("/z/"), [""; 0]);
        assert!(file.is_folder("/a") && file.has_stream("/c") && !file.has_stream("/a"));
        let reason = Compound::open(&bytes[..700], "a message").err().unwrap().reason;
        assert!(reason.starts_with("damaged or truncated: it can't be opened as a message"));
    }
}
