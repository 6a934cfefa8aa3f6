//! Documents that are ZIP archives of XML parts (DOCX, PPTX, EPUB). The only user of `zip`.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ExtractError, container, detect, encoding};

/// Most bytes of one part after unpacking. The text of a thousand-page book is a tenth of this.
const MAX_PART: u64 = 128 << 20;

/// Most bytes that are reserved for a part before it is unpacked.
const LONGEST_PROMISE: usize = 1 << 20;

pub(super) struct ZipPackage<'a>(ZipArchive<Cursor<&'a [u8]>>);

impl<'a> ZipPackage<'a> {
    /// Opens a document. `extension` and `name` are what the file should be, `old` is the extension of the
    /// preceding format; all are for the error message.
    pub(super) fn open(
        bytes: &'a [u8],
        extension: &str,
        name: &str,
        old: &str,
    ) -> Result<Self, ExtractError> {
        match detect::magic(bytes) {
            Some("ZIP") => {}
            Some("OLE") => return Err(ole(bytes, old)),
            _ => return Err(ExtractError::lie(extension, name, bytes)),
        }
        Self::of(bytes).ok_or_else(|| {
            ExtractError::damaged(&"the list of its parts is missing: copy or download it again")
        })
    }

    /// `None` if it can't be opened.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        ZipArchive::new(Cursor::new(bytes)).map(Self).ok()
    }

    /// The error for a package that does not contain a document `name`.
    pub(super) fn lacks(bytes: &[u8], extension: &str, name: &str) -> ExtractError {
        match container::content(bytes) {
            Some(_) => ExtractError::lie(extension, name, bytes),
            None => ExtractError::new(&format!(
                "named .{extension}, but it holds no {name}: unpack it, and name what is in it"
            )),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.file_names().flatten().map(std::borrow::Cow::into_owned)
    }

    /// A part, decoded; `None` if no part has that name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, ExtractError> {
        Ok(self.bytes(name)?.map(decoded))
    }

    /// The bytes of a part; `None` if no part has that name.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let damaged = || {
            let what = format!("{name} in it can't be unpacked: copy or download it again");
            ExtractError::damaged(&what)
        };
        let file = match self.0.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(ExtractError::encrypted());
            }
            Err(_) => return Err(damaged()),
        };
        // The declared size of a part is a hint that need not be true.
        let size = usize::try_from(file.size()).unwrap_or(0);
        let mut bytes = Vec::with_capacity(size.min(LONGEST_PROMISE));
        file.take(MAX_PART + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
        if bytes.len() as u64 > MAX_PART {
            return Err(ExtractError::new(&format!(
                "too large: {name} is more than {} MB when unpacked",
                MAX_PART >> 20
            )));
        }
        Ok(Some(bytes))
    }
}

/// Decodes a part. Nearly all parts are UTF-8, and their encoding need not be detected.
fn decoded(bytes: Vec<u8>) -> String {
    let is_utf16 = bytes.get(1) == Some(&0);
    match String::from_utf8(bytes) {
        Ok(text) if text.starts_with('<') && !is_utf16 => text,
        Ok(text) => encoding::decode(text.as_bytes(), None).text,
        Err(error) => encoding::decode(error.as_bytes(), None).text,
    }
}

/// The error for an OLE file with the extension of a package: a package with a password, or an older format.
pub(super) fn ole(bytes: &[u8], old: &str) -> ExtractError {
    // Names in the file are UTF-16.
    let name: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    if bytes.windows(name.len()).any(|window| window == name) {
        return ExtractError::encrypted();
    }
    ExtractError::new(&format!(
        "a renamed .{old} file: open it in Office or LibreOffice and save it again"
    ))
}

/// The part that `target`, written in the part `from`, refers to: relative to its folder, or to the package.
pub(super) fn resolve(from: &str, target: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').filter(|step| !step.is_empty()).collect()
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A package with these parts.
    pub(in crate::ingest::extract) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
        let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        package_of_bytes(&parts)
    }

    pub(in crate::ingest::extract) fn package_of_bytes(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, contents) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(contents).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// A small package with one part that unpacks to too much.
    pub(in crate::ingest::extract) fn bomb(parts: &[(&str, &str)], name: &str) -> Vec<u8> {
        let whole = package(parts);
        let mut zip = ZipWriter::new_append(Cursor::new(whole)).unwrap();
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let block = vec![b' '; 1 << 20];
        for _ in 0..=(MAX_PART >> 20) {
            zip.write_all(&block).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn targets_are_relative_to_the_part() {
        for (from, target, expected) in [
            ("ppt/presentation.xml", "slides/slide1.xml", "ppt/slides/slide1.xml"),
            ("ppt/slides/slide1.xml", "../notesSlides/n1.xml", "ppt/notesSlides/n1.xml"),
            ("ppt/presentation.xml", "/ppt/slides/slide1.xml", "ppt/slides/slide1.xml"),
            ("content.opf", "./a.xhtml", "a.xhtml"),
            ("a/b.xml", "../../../c.xml", "c.xml"),
        ] {
            assert_eq!(resolve(from, target), expected);
        }
    }

    #[test]
    fn an_ole_file_is_encrypted_or_old() {
        let name: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
        let encrypted = [b"\xD0\xCF\x11\xE0\xA1\xB1..".to_vec(), name].concat();
        assert!(
            ole(&encrypted, "doc").to_string().starts_with("encrypted: a password is needed (")
        );
        let old = ole(b"\xD0\xCF\x11\xE0\xA1\xB1..", "doc").to_string();
        assert_eq!(old, "a renamed .doc file: open it in Office or LibreOffice and save it again");
    }
}
