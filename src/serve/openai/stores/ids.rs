//! The ids and names of documents as files.

use crate::types::{ContentHash, upload_of};

/// Hexadecimal digits of an id: 120 bits of a hash.
const DIGITS: usize = 30;

/// Prefix of the ids.
pub(super) const FILE: &str = "file-";

/// The id of a document, which stays the same as long as its collection and its source keep their names. An
/// upload has the id that it was given.
pub(in crate::serve::openai) fn file_id(collection: &str, source: &str) -> String {
    if let Some((id, _)) = upload_of(source) {
        return format!("{FILE}{id}");
    }
    let hash = ContentHash::of(format!("{collection}\0{source}").as_bytes()).0;
    format!("{FILE}{}", hash.split_at(DIGITS).0)
}

/// The name of a document: its source, or the name that it was uploaded with.
pub(in crate::serve::openai) fn filename(source: &str) -> &str {
    upload_of(source).map_or(source, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_one_document_of_one_collection() {
        // Callers keep ids, so they must never change.
        assert_eq!(
            file_id("docs", "a.md"),
            format!("file-{}", &ContentHash::of(b"docs\0a.md").0[..30])
        );
        assert_ne!(file_id("docs", "a.md"), file_id("other", "a.md"));
        assert_ne!(file_id("a", "b\0c"), file_id("a", "b"));
        let uploaded = "team/uploads/0123456789ab/a.md";
        assert_eq!(file_id("docs", uploaded), "file-0123456789ab");
        assert_eq!((filename(uploaded), filename("docs/a.md")), ("a.md", "docs/a.md"));
    }
}
