//! Names of uploaded documents: `[DIRECTORY/]uploads/ID/NAME`.
//!
//! Two uploads with the same name are two documents, so the id is part of the source. That way it is known
//! even where only the source is: from a passage, or from a collection that another machine serves.

/// The directory of uploads: in sources, and in the data directory.
pub const UPLOADS: &str = "uploads";

/// Characters of an id: 60 bits.
const LENGTH: usize = 12;

/// Without letters that look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// An id made of these bits, as many as fit.
pub fn upload_id(bits: u128) -> String {
    let letter = |at: usize| char::from(ALPHABET[(bits >> (5 * at) & 31) as usize]);
    (0..LENGTH).map(letter).collect()
}

/// Whether a text is such an id.
pub fn is_upload_id(id: &str) -> bool {
    id.len() == LENGTH && id.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// The source of an upload below a directory of the project; an empty one is the project itself.
pub fn upload_source(directory: &str, id: &str, name: &str) -> String {
    let directory = directory.trim_end_matches('/');
    let between = if directory.is_empty() { "" } else { "/" };
    format!("{directory}{between}{UPLOADS}/{id}/{name}")
}

/// The id and the name of the upload that a source names; `None` for other sources.
pub fn upload_of(source: &str) -> Option<(&str, &str)> {
    let mut parts = source.rsplit('/');
    let (name, id, place) = (parts.next()?, parts.next()?, parts.next()?);
    (place == UPLOADS && is_upload_id(id)).then_some((id, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_tells_its_upload() {
        let id = upload_id(u128::MAX / 3);
        assert!(is_upload_id(&id), "{id}");
        for directory in ["", "team/a", "team/a/"] {
            let source = upload_source(directory, &id, "report.pdf");
            assert_eq!(upload_of(&source), Some((&*id, "report.pdf")), "{source}");
        }
        for other in ["report.pdf", "uploads/report.pdf", "uploads/none/report.pdf", "a/uploads"] {
            assert_eq!(upload_of(other), None, "{other}");
        }
    }
}
