//! Parts of a document in other formats (`altChunk`), which Word merges when it opens the document.

use std::collections::HashMap;
use std::path::Path;

use super::super::detect::Detected;
use super::super::package::ZipPackage;
use super::super::relations::Relation;
use super::super::worker::WorkerRequest;
use super::super::{ExtractError, detect, encoding, read_part};
use crate::types::{ReadingWarning, WarningCode};

/// The type of their relations.
const KIND: &str = "aFChunk";

/// Deepest nesting of documents in documents.
const DEEPEST: u32 = 4;

/// The texts of the parts by the ids of their relations, and a warning for those that could not be read.
/// `request` is that of the document.
pub(super) fn read(
    package: &mut ZipPackage<'_>,
    relations: &[Relation],
    request: &WorkerRequest,
) -> Result<(HashMap<String, String>, Option<ReadingWarning>), ExtractError> {
    let mut texts = HashMap::new();
    let mut unread = Vec::new();
    for Relation { id, target, .. } in relations.iter().filter(|found| found.kind == KIND) {
        let bytes = package.bytes(target)?.unwrap_or_default();
        match text(target, &bytes, request) {
            Ok(text) => drop(texts.insert(id.clone(), text.trim().to_owned())),
            Err(error) => unread.push(format!("{target} ({error})")),
        }
    }
    let warning = (!unread.is_empty()).then(|| ReadingWarning {
        code: WarningCode::AttachmentsNotRead,
        message: format!(
            "parts in another format are not read: {}; save it again in Word",
            unread.join(", ")
        ),
        pages: Vec::new(),
    });
    Ok((texts, warning))
}

/// The text of a part, read as if it were a file of its own.
fn text(name: &str, bytes: &[u8], request: &WorkerRequest) -> Result<String, ExtractError> {
    if request.nesting >= DEEPEST {
        return Err(ExtractError::new("too deep"));
    }
    let head = &bytes[..bytes.len().min(encoding::SAMPLE)];
    let kind = match detect::detect(Path::new(name), head) {
        Detected::Known(kind) => kind,
        Detected::Skip(reason) => return Err(ExtractError::new(reason)),
    };
    let (source, nesting) = (name.to_owned(), request.nesting + 1);
    let request =
        WorkerRequest { source, kind, nesting, text_fields: Vec::new(), ..request.clone() };
    Ok(read_part(&request, bytes)?.document.text)
}
