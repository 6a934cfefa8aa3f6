//! DOCX → Markdown by paragraph. The only user of `zip`; the XML is read in `body` and `styles`.

mod body;
mod styles;

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ExtractError, detect, text};
use crate::ingest::document::{Document, Places, Syntax, Unit};

/// Bytes of one part after unpacking. The text of a thousand-page book is a tenth of this.
const MAX_PART: u64 = 128 << 20;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

pub(super) fn document(bytes: &[u8]) -> Result<Document, ExtractError> {
    match detect::magic(bytes) {
        Some("ZIP") => {}
        Some("OLE") => return Err(ExtractError::new("encrypted, or an old .doc")),
        found => return Err(ExtractError::lie("docx", "DOCX", found, bytes)),
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ExtractError::new(&format!("damaged or truncated: {error}")))?;
    let Some(main) = main_part(&archive) else {
        return Err(ExtractError::new("named .docx, but it holds no Word document"));
    };
    let styles = part(&mut archive, "word/styles.xml")?.map(|xml| styles::read(&xml));
    let core = part(&mut archive, "docProps/core.xml")?.unwrap_or_default();
    let body = part(&mut archive, &main)?.unwrap_or_default();
    let body = body::read(&body, &styles.unwrap_or_default())?;
    let title = styles::core_title(&core).unwrap_or(body.title);
    Ok(Document {
        title,
        text: body.text,
        syntax: Syntax::Markdown,
        places: Places::Marked(Unit::Paragraph, body.marks),
    })
}

/// `word/document.xml`; some writers number it.
fn main_part(archive: &Archive<'_>) -> Option<String> {
    let is_main = |name: &str| name.starts_with("word/document") && !name.contains(".rels");
    let names = archive.file_names().flatten().filter(|name| is_main(name));
    names.min_by_key(|name| name.len()).map(Cow::into_owned)
}

/// A part of the package, decoded; `None` where there is none of that name.
fn part(archive: &mut Archive<'_>, name: &str) -> Result<Option<String>, ExtractError> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(ExtractError::new(&format!("damaged: {name}: {error}"))),
    };
    let mut bytes = Vec::new();
    file.take(MAX_PART + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ExtractError::new(&format!("damaged: {name}: {error}")))?;
    if bytes.len() as u64 > MAX_PART {
        return Err(ExtractError::new(&format!(
            "too large: {name} is more than {} MB when unpacked",
            MAX_PART >> 20
        )));
    }
    Ok(Some(text::decode(&bytes, None)))
}

#[cfg(test)]
mod tests;
