//! Parts of a document in formats of their own (`altChunk`), which Word takes in when it opens it.

use std::collections::HashMap;
use std::path::Path;

use super::super::package::Package;
use super::super::relations::Relation;
use super::super::{ExtractError, detect, encoding, html, mail, rtf};
use crate::types::{ReadingWarning, WarningCode};

/// What their relations are called.
const KIND: &str = "aFChunk";

/// The texts of the parts by the ids of their relations, and what could not be read. `nested`: the
/// document is such a part itself; those of it are not read.
pub(super) fn read(
    package: &mut Package<'_>,
    relations: &[Relation],
    nested: bool,
) -> Result<(HashMap<String, String>, Option<ReadingWarning>), ExtractError> {
    let mut texts = HashMap::new();
    let mut unread = Vec::new();
    for Relation { id, target, .. } in relations.iter().filter(|found| found.kind == KIND) {
        let bytes = package.bytes(target)?.unwrap_or_default();
        match if nested { None } else { text(target, &bytes) } {
            Some(Ok(text)) => drop(texts.insert(id.clone(), text.trim().to_owned())),
            Some(Err(error)) => unread.push(format!("{target} ({error})")),
            None => unread.push(target.clone()),
        }
    }
    let warning = (!unread.is_empty()).then(|| ReadingWarning {
        code: WarningCode::AttachmentsNotRead,
        message: format!(
            "parts in another format are not read: {}; save it anew in Word",
            unread.join(", ")
        ),
        pages: Vec::new(),
    });
    Ok((texts, warning))
}

/// The text of a part, where its format is known by its name.
fn text(name: &str, bytes: &[u8]) -> Option<Result<String, ExtractError>> {
    let document = match detect::extension(Path::new(name)).as_str() {
        "html" | "htm" | "xhtml" => html::document(bytes),
        "mht" | "mhtml" => mail::page(bytes),
        "rtf" => rtf::document(bytes, false),
        "docx" | "dotx" | "docm" => super::read(name, bytes, false, true),
        "txt" => return Some(Ok(encoding::decode(bytes, None).text)),
        _ => return None,
    };
    Some(document.map(|document| document.text))
}
